"""The files of one server for a team: valid, hardened, and with the roles that our own commands write."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from aws_iam import evaluate, validate
from aws_iam.__main__ import main
from aws_iam.cli.parsers import serve_parser
from aws_iam.server.http.http_options import http_options
from aws_iam.version import __version__
from helpers import documented_commands, secret_validators, workload_validators
from helpers.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = ROOT / "assets/deploy/team"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
MANIFESTS = sorted(path for path in FOLDER.glob("*.yaml") if path.name not in {"compose.yaml", "kustomization.yaml"})  # fmt: skip
SERVER = "arn:aws:iam::111122223333:role/aws-iam-server"


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


DEPLOYMENT, POLICY, COMPOSE = (read(f"{n}.yaml") for n in ("deployment", "network-policy", "compose"))  # fmt: skip
POD: dict[str, Any] = DEPLOYMENT["spec"]["template"]["spec"]
[CONTAINER] = POD["containers"]
SERVICE: dict[str, Any] = COMPOSE["services"]["aws-iam"]


def commands(program: str) -> list[list[str]]:
    """The commands of that program in the README."""
    blocks = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    rows = documented_commands.commands("\n".join(blocks))
    return [words for words in rows if words[0] == program]


@pytest.mark.validator
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_is_taken_by_kubernetes_own_schema_in_one_namespace(path: Any) -> None:
    content = path.read_text(encoding="utf-8")
    secret_validators.kubernetes(content)
    metadata = yaml.safe_load(content)["metadata"]
    assert metadata.get("namespace", metadata["name"]) == read("kustomization.yaml")["namespace"]


@pytest.mark.validator
def test_compose_takes_its_file() -> None:
    workload_validators.schema_of("compose-spec")(json.dumps(COMPOSE))


def test_the_kustomization_has_every_manifest_and_the_roles() -> None:
    kustomization = read("kustomization.yaml")
    assert {FOLDER / name for name in kustomization["resources"]} == set(MANIFESTS)
    [generated] = kustomization["configMapGenerator"]
    [volume] = [row["configMap"] for row in POD["volumes"] if "configMap" in row]
    assert volume["name"] == generated["name"]
    [(name, file)] = [row.split("=") for row in generated["files"]]
    assert json.loads((FOLDER / file).read_text(encoding="utf-8"))["roles"]
    assert COMPOSE["configs"]["aws-roles"]["file"] == file
    mounted = {row["name"]: row["mountPath"] for row in CONTAINER["volumeMounts"]}
    assert f"--aws-roles={mounted['roles']}/{name}" in CONTAINER["args"]
    assert SERVICE["configs"][0]["target"] == f"{mounted['roles']}/{name}"


def test_both_start_the_same_version_with_the_same_options() -> None:
    assert CONTAINER["args"] == SERVICE["command"]
    images = (CONTAINER["image"], SERVICE["image"])
    assert [image.rpartition(":")[2] for image in images] == [__version__] * 2
    given = dict(word.split("=", 1) for word in CONTAINER["args"])
    assert given["--auth-audience"] == given["--base-url"] + "/mcp"
    assert given["--base-url"].startswith("https://")
    assert given["--auth-issuer"].startswith("https://")


def test_the_server_takes_the_options_and_the_file_of_roles() -> None:
    given = serve_parser().parse_args(CONTAINER["args"])
    given.aws_roles = str(FOLDER / "aws-roles.json")
    taken = http_options(given)
    assert taken.place.resource == given.auth_audience
    assert taken.authorization
    assert taken.authorization.roles
    assert list(taken.authorization.roles.entries) == ["SUBJECT"]


def lacks(pod: dict[str, Any]) -> Iterator[str]:
    """What the restricted pod security standard asks for, and the pod lacks.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    """
    of_pod = pod.get("securityContext", {})
    for container in pod["containers"]:
        of = {**of_pod, **container.get("securityContext", {})}
        if not (of.get("runAsNonRoot") and of.get("runAsUser", 0) > 0):
            yield "a user that is not root, by number"
        if of.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
            yield "a seccomp profile"
        if of.get("allowPrivilegeEscalation") is not False or of.get("privileged"):
            yield "no privilege escalation"
        if of.get("capabilities") != {"drop": ["ALL"]}:
            yield "no capabilities"
        # Beyond the standard.
        if not of.get("readOnlyRootFilesystem"):
            yield "a root file system that nothing writes"
    if any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")):
        yield "namespaces of its own"
    allowed = {"configMap", "emptyDir", "projected", "secret"}
    if any(not allowed & row.keys() for row in pod["volumes"]):
        yield "no volumes of the host"


def test_the_pod_meets_the_standard_that_its_namespace_enforces() -> None:
    enforced = read("namespace.yaml")["metadata"]["labels"]
    assert enforced["pod-security.kubernetes.io/enforce"] == "restricted"
    assert list(lacks(POD)) == []
    assert POD["automountServiceAccountToken"] is False
    assert {"cpu", "memory"} <= CONTAINER["resources"]["limits"].keys()


@pytest.mark.parametrize(
    "weaker",
    [
        {"securityContext": {}},
        {"hostPID": True},
        {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
        {"containers": [CONTAINER | {"securityContext": {"capabilities": {"drop": ["ALL"]}}}]},
    ],
)
def test_a_weaker_pod_is_seen(weaker: dict[str, Any]) -> None:
    assert list(lacks(POD | weaker))


def test_compose_gives_the_container_no_more_than_the_pod_has() -> None:
    pod = POD["securityContext"]
    assert SERVICE["user"] == f"{pod['runAsUser']}:{pod['runAsGroup']}"
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    assert SERVICE["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in SERVICE
    # Tokens are sent in the clear up to the proxy that ends TLS.
    assert all(port.startswith("127.0.0.1:") for port in SERVICE["ports"])
    assert (ROOT / "Dockerfile").samefile(FOLDER / SERVICE["build"]["context"] / "Dockerfile")


def test_the_image_runs_as_the_user_of_both() -> None:
    assert f"USER {SERVICE['user']}" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_probes_ask_for_life_and_readiness_where_the_server_listens() -> None:
    paths = {name: CONTAINER[name]["httpGet"] for name in CONTAINER if name.endswith("Probe")}
    assert {name: row["path"] for name, row in paths.items()} == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    [port] = CONTAINER["ports"]
    assert {row["port"] for row in paths.values()} == {port["name"]}
    assert f"--http=0.0.0.0:{port['containerPort']}" in CONTAINER["args"]
    assert read("service.yaml")["spec"]["ports"][0]["targetPort"] == port["name"]


def test_one_label_joins_deployment_service_and_network_policy() -> None:
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    assert DEPLOYMENT["spec"]["selector"]["matchLabels"] == labels
    assert read("service.yaml")["spec"]["selector"] == labels
    assert POLICY["spec"]["podSelector"]["matchLabels"] == labels


def test_the_metadata_of_the_node_is_out_of_reach() -> None:
    spec = POLICY["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    blocks = [to["ipBlock"] for rule in spec["egress"] for to in rule["to"] if "ipBlock" in to]
    assert {row["cidr"]: row["except"] for row in blocks} == {
        "0.0.0.0/0": ["169.254.0.0/16"],
        "::/0": ["fd00:ec2::/32"],
    }
    environment = {row["name"]: row["value"] for row in CONTAINER["env"]}
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"


def test_python_counts_the_processors_of_the_container() -> None:
    """It asks the machine, which may have many more; the variable is one of Python 3.13."""
    environment = {row["name"]: row["value"] for row in CONTAINER["env"]}
    assert environment["PYTHON_CPU_COUNT"] == CONTAINER["resources"]["limits"]["cpu"]
    assert SERVICE["environment"]["PYTHON_CPU_COUNT"] == str(SERVICE["cpus"])
    base = re.findall(r"(?m)^FROM python:3\.(\d+)", (ROOT / "Dockerfile").read_text("utf-8"))
    assert min(map(int, base)) >= 13


@pytest.mark.parametrize("words", commands("aws-iam"), ids=lambda words: words[-1])
def test_each_file_is_what_its_command_writes(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    *call, arrow, name = words
    assert arrow == ">"
    monkeypatch.setattr("sys.argv", call)
    assert main() == 0
    assert capsys.readouterr().out == (FOLDER / name).read_text(encoding="utf-8")


def test_a_command_writes_every_policy_and_the_service_account() -> None:
    written = {FOLDER / words[-1] for words in commands("aws-iam")}
    assert written == {*FOLDER.glob("iam/*.json"), FOLDER / "service-account.yaml"}


def test_the_commands_of_aws_are_ones_that_it_has() -> None:
    rows = commands("aws")
    assert len(rows) == 5
    assert [problem for words in rows for problem in documented_commands.problems(words)] == []
    named = {word for words in rows for word in words if word.startswith("file://")}
    assert all((FOLDER / word.removeprefix("file://")).is_file() for word in named)


def policies(name: str) -> Any:
    return json.loads((FOLDER / f"iam/{name}.json").read_text(encoding="utf-8"))


def outcome(resource: str, trust: Any, external_id: str = "") -> str:
    request = {
        "principal": SERVER,
        "action": "sts:AssumeRole",
        "resource": resource,
        "context": {"sts:ExternalId": external_id} if external_id else {},
    }
    layers = {"identity": [policies("server-permissions")], "resource": [trust]}
    return evaluate(request, layers).outcome


def test_the_server_takes_the_roles_of_its_users_and_nothing_else() -> None:
    kinds = {"server-permissions": "identity", "server-trust": "trust", "reader-trust": "trust"}
    assert {name: validate(policies(name), kind) for name, kind in kinds.items()} == {
        name: [] for name in kinds
    }
    given = json.loads((FOLDER / "aws-roles.json").read_text(encoding="utf-8"))["roles"]
    for entry in given.values():
        reader = policies("reader-trust")
        assert outcome(entry["role_arn"], reader, entry["external_id"]) == "Allowed"
        assert outcome(entry["role_arn"], reader, "another") == "ImplicitlyDenied"
    # One that leaves it to the policies of its account.
    trust = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}
    open_trust = {"Version": "2012-10-17", "Statement": trust}
    assert outcome("arn:aws:iam::111122223333:role/Admin", open_trust) == "ImplicitlyDenied"
    account = read("service-account.yaml")["metadata"]
    subject = f"system:serviceaccount:{account['namespace']}:{account['name']}"
    [statement] = policies("server-trust")["Statement"]
    assert subject in statement["Condition"]["StringEquals"].values()
    assert account["annotations"]["eks.amazonaws.com/role-arn"] == SERVER
    assert account["name"] == POD["serviceAccountName"]
