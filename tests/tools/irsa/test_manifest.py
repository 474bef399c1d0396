"""`irsa manifest`, and the formats of `trust_policy`: each file is taken by its validator and lets in whom it names."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

import aws_iam
from aws_iam import resources
from aws_iam.answer import Status
from aws_iam.errors import InputError
from aws_iam.tools.irsa.actions import tool
from aws_iam.tools.irsa.creation import Format
from aws_iam.tools.policy import actions as policy
from helpers.provider_cases import cases
from helpers.tables.each import for_each
from helpers.workload_validators import VALIDATORS, workflow

pytestmark = pytest.mark.process

TRUSTS = cases("trust_policies")
ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
STRANGER = "stranger"
FORMATS = get_args(Format)
GITHUB = {"provider": "github", "owner": "octo-org", "repository": "octo-repo"}
PODS = {"provider": "pod_identity", "cluster": "prod", "namespace": "shop", "service_account": "cart"}  # fmt: skip
CALLED = "octo-org/ci/.github/workflows/deploy.yml@refs/heads/main"


def trust(**arguments: Any) -> Any:
    return tool.run({"action": "trust_policy", "account": ACCOUNT, **arguments})


def manifest(**arguments: Any) -> Any:
    return tool.run({"action": "manifest", "role": ROLE, **arguments})


def partition_in(principal: dict[str, str]) -> str:
    """The partition of a provider's ARN; an issuer that AWS knows has none."""
    named = principal.get("Federated", "")
    return named.split(":")[1] if named.startswith("arn:") else "aws"


def manifest_of(case: dict[str, Any]) -> Any:
    """The manifest of a case, whose role lies in the partition of the trust policy."""
    arguments = {key: value for key, value in case["arguments"].items() if key != "partition"}
    return manifest(
        **arguments | {"role": ROLE.replace("aws", partition_in(case["principal"]), 1)}
    )


def content(answer: Any, name: str) -> str:
    return next(str(artifact.content) for artifact in answer.artifacts if artifact.name == name)


def only(case: dict[str, Any]) -> str:
    return str(case["name"])


@for_each(TRUSTS, name=only)
def test_every_file_of_a_manifest_is_taken_by_its_validator(case: dict[str, Any]) -> None:
    answer = manifest_of(case)
    assert answer.artifacts
    for artifact in answer.artifacts:
        assert "{{" not in artifact.content.replace("${{", "")
        VALIDATORS[artifact.checked_by or ""](artifact.content)
    placed = [row["file"] for row in answer.facts["files"]]
    assert placed == [file.name for file in answer.artifacts]


# Of every provider one workload, and those that the formats write in another way.
FORMED = [
    case
    for number, case in enumerate(TRUSTS)
    if case["arguments"]["provider"] not in {c["arguments"]["provider"] for c in TRUSTS[:number]}
    or {"target_role", "workflow"} & set(case["arguments"])
    or case["name"] in {"an eksctl alternative for a named cluster", "Pod Identity for a cluster by name"}
]  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("case", FORMED, ids=only)
def test_every_file_of_a_format_is_taken_by_its_validator(case: dict[str, Any], form: str) -> None:
    answer = trust(**case["arguments"], format=form)
    assert answer.facts["format"] == form
    for artifact in answer.artifacts:
        assert "{{" not in artifact.content
        VALIDATORS[artifact.checked_by or ""](artifact.content)


@cache
def generated() -> tuple[Any, ...]:
    """The files of every workload, in every format."""
    answers = [manifest_of(case) for case in TRUSTS]
    answers += [trust(**case["arguments"], format=form) for case in TRUSTS for form in FORMATS]
    return tuple(artifact for answer in answers for artifact in answer.artifacts)


def test_every_generated_file_has_a_validator_and_every_asset_a_use() -> None:
    assert {artifact.checked_by for artifact in generated()} == set(VALIDATORS)
    tool = Path(aws_iam.__file__).parent / "tools/irsa"
    code = "".join(path.read_text(encoding="utf-8") for path in tool.rglob("*.py"))
    shipped = resources.path("assets/irsa")
    for asset in (shipped / "manifest").iterdir():
        assert f'"{asset.name}"' in code
    for asset in (shipped / "provider").iterdir():
        assert re.fullmatch(r"(token|pods|role)\.(sh|yaml|tf)|pods-target\.tf", asset.name)


BROKEN: dict[str, Any] = {
    "check-jsonschema (GitHub workflows), actionlint, zizmor": (
        ("contents: read", "contents: maybe"),
        ("role-to-assume", "rolle"),
        ("@8e8c483db84b4bee98b60c0593521ed34d9990e8 # v6.0.1", "@v6"),
        ('push:\n    branches: ["main"]', "pull_request_target:"),
        ("aws sts get-caller-identity", "echo ${{ github.event.issue.title }}"),
    ),
    "check-jsonschema (Bitbucket Pipelines)": (("oidc: true", "oidc: maybe"),),
    "kubernetes-validate (strict)": (('"true"', "true"), ("kind: ServiceAccount", "kind: Nothing")),
    "a JSON schema after eksctl's own": (("roleARN", "roleArn"),),
    "botocore's own reader of profiles": (("role_arn", "role"),),
    "awscli's parser, shellcheck": (("--role-arn", "--role"), ('"$token"', "$token$(")),
    "tree-sitter-groovy": (("stages {", "stages "), ("agent any", ""), ("'eu-west-1'", "'eu-west-1")),
    "tomllib": (("[env]", "[vars]"), ('app = "', "app = ")),
    "python-hcl2": ((" = ", " "), ("client_id_list", "client_ids"), ("target_role_arn", "target_role"), ("jwt_audience", "audience"), ("  sensitive  = false\n", "")),
    "cfn-lint": (("ClientIdList", "ClientIds"), ("Action: sts", "Resource: '*'\n          Action: sts")),
    "awscli's parser, botocore's models": (("--client-id-list", "--client-ids"), ('"ClientID"', '"ClientId"')),
    "policy validate, evaluate": (("sts:AssumeRole", "sts:Assume"),),
    **{case["checked_by"]: case["broken"] for case in cases("validators")},
}  # fmt: skip


@pytest.mark.parametrize("checked_by", BROKEN)
def test_a_validator_refuses_what_is_broken(checked_by: str) -> None:
    good = [artifact.content for artifact in generated() if artifact.checked_by == checked_by]
    for old, new in BROKEN[checked_by]:
        broken = next(content.replace(old, new, 1) for content in good if old in content)
        with pytest.raises(BaseException):  # noqa: B017, PT011 - each validator refuses in its own way
            VALIDATORS[checked_by](broken)


def test_validators_and_broken_files_are_the_same_list() -> None:
    assert set(BROKEN) == set(VALIDATORS)


# Whom a trust policy lets in.


def decides(document: dict[str, Any], principal: str, action: str, context: dict[str, str]) -> str:
    request = {
        "principal": principal,
        "action": action,
        "resource": ROLE.replace("aws", partition_of(document), 1),
        "context": context,
    }
    return str(aws_iam.evaluate(request, {"resource": document}).outcome)


def partition_of(document: dict[str, Any]) -> str:
    return partition_in(document["Statement"][0]["Principal"])


def wanted(statement: dict[str, Any]) -> dict[str, str]:
    """The context that the statement asks for, an open end filled."""
    blocks = statement["Condition"].values()
    return {key: value.replace("*", "run-7") for block in blocks for key, value in block.items()}


@pytest.mark.parametrize("case", TRUSTS, ids=only)
def test_the_named_caller_is_let_in_and_its_neighbours_are_not(case: dict[str, Any]) -> None:
    document = json.loads(trust(**case["arguments"]).artifacts[0].content)
    (statement,) = document["Statement"]
    (principal,) = statement["Principal"].values()
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]  # fmt: skip
    context = wanted(statement)
    for action in actions:
        assert decides(document, principal, action, context) == "Allowed"
        for key in context:
            other = {**context, key: f"{STRANGER}{context[key]}"}
            longer = {**context, key: f"{context[key]}-{STRANGER}"}
            without = {name: value for name, value in context.items() if name != key}
            assert decides(document, principal, action, other) == "ImplicitlyDenied"
            is_open = key in statement["Condition"].get("StringLike", {})
            assert (decides(document, principal, action, longer) == "Allowed") is is_open
            assert decides(document, principal, action, without) == "ImplicitlyDenied"
    foreign = f"arn:aws:iam::{ACCOUNT}:oidc-provider/other.example.com"
    assert decides(document, foreign, actions[0], context) == "ImplicitlyDenied"


TARGET = "arn:aws:iam::444455556666:role/team/reports"
TAGS = {
    "aws:RequestTag/eks-cluster-name": "prod",
    "aws:RequestTag/kubernetes-namespace": "shop",
    "aws:RequestTag/kubernetes-service-account": "cart",
}


@pytest.mark.parametrize(
    ("role", "tags", "outcome"),
    [
        (ROLE, {}, "Allowed"),
        (f"{ROLE}-other", {}, "ImplicitlyDenied"),
        (ROLE, {"aws:RequestTag/kubernetes-service-account": "till"}, "ImplicitlyDenied"),
        (ROLE, {"aws:RequestTag/kubernetes-namespace": "bank"}, "ImplicitlyDenied"),
        (ROLE, {"aws:RequestTag/eks-cluster-name": "dev"}, "ImplicitlyDenied"),
    ],
)
def test_the_target_role_is_reached_by_one_association_alone(
    role: str, tags: dict[str, str], outcome: str
) -> None:
    answer = manifest(**PODS, target_role=TARGET)
    session = role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/eks-prod-cart"
    for action in ("sts:AssumeRole", "sts:TagSession"):
        request = {
            "principal": session,
            "principal_role": role,
            "action": action,
            "resource": TARGET,
            "context": {**TAGS, **tags},
        }
        layers = {
            "identity": json.loads(content(answer, "assume-target-role.json")),
            "resource": json.loads(content(answer, "target-trust-policy.json")),
        }
        assert aws_iam.evaluate(request, layers).outcome == outcome


@for_each(TRUSTS, name=only)
def test_what_is_written_is_what_the_checks_ask_for(case: dict[str, Any]) -> None:
    alone = trust(**case["arguments"]).artifacts[0].content
    checked = tool.run({"action": "check", "document": alone})
    failed = {finding.code for finding in checked.findings if finding.status is Status.FAIL}
    # What the caller chose, and the answer's notes mention: names without ids, pull requests, the default account,
    # patterns of releases.
    assert failed <= {"OIDC-ANY-REF", "OIDC-MUTABLE", "OIDC-PR", "IRSA-DEFAULT-SA"}
    written = trust(**case["arguments"], format="cloudformation").artifacts[0].content
    template = policy.tool.run({"action": "validate", "document": written})
    found = [finding.code for finding in template.findings if finding.status is Status.FAIL]
    assert found == case.get("findings", [])


# What a workflow may do.


@pytest.mark.parametrize("case", [c for c in TRUSTS if c["arguments"]["provider"] == "github"], ids=only)  # fmt: skip
def test_a_workflow_asks_for_the_token_and_nothing_else(case: dict[str, Any]) -> None:
    for artifact in manifest_of(case).artifacts:
        read = yaml.safe_load(artifact.content)
        assert read["permissions"] == {}
        (job,) = read["jobs"].values()
        assert job["permissions"] == {"contents": "read", "id-token": "write"}
        assert "pull_request_target" not in artifact.content
        assert "secrets" not in artifact.content
        for step in job.get("steps", ()):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step.get("uses", f"a/b@{'0' * 40}"))


@pytest.mark.parametrize(
    ("names", "event"),
    [
        ({"branch": "main"}, {"push": {"branches": ["main"]}}),
        ({"tag": "v1"}, {"push": {"tags": ["v1"]}}),
        ({"branch": "c++/!x"}, {"push": {"branches": ["c\\+\\+/\\!x"]}}),
        ({"environment": "production"}, {"workflow_dispatch": None}),
        ({"pull_request": True}, {"pull_request": None}),
    ],
)
def test_the_event_is_the_one_whose_token_has_the_subject(
    names: dict[str, Any], event: dict[str, Any]
) -> None:
    answer = manifest(**GITHUB, **names)
    read = yaml.safe_load(content(answer, "deploy.yml"))
    # YAML 1.1 reads the key `on` as true.
    assert read[True] == event
    assert read["jobs"]["deploy"].get("environment") == names.get("environment")
    workflow(content(answer, "deploy.yml"))


@pytest.mark.parametrize(
    ("ref", "written", "excused"),
    [("refs/heads/main", "main", True), ("refs/tags/v1", "v1", True), ("0" * 40, "0" * 40, False)],
)
def test_a_reusable_workflow_is_called_as_the_trust_policy_tests_it(
    ref: str, written: str, *, excused: bool
) -> None:
    path = CALLED.partition("@")[0]
    answer = manifest(**GITHUB, branch="main", workflow=f"{path}@{ref}")
    caller = content(answer, "call-deploy.yml")
    assert yaml.safe_load(caller)["jobs"]["deploy"]["uses"] == f"{path}@{written}"
    assert ("zizmor: ignore[unpinned-uses]" in caller) is excused
    called = yaml.safe_load(content(answer, "deploy.yml"))
    assert called[True] == {"workflow_call": None}
    for artifact in answer.artifacts:
        workflow(artifact.content)


def test_what_runs_is_pinned_and_sourced_once() -> None:
    data = json.loads(resources.text("assets/data/ci-pins.json"))
    for name, pin in data["actions"].items():
        assert re.fullmatch(r"[0-9a-f]{40}", pin["sha"])
        assert pin["source"] == f"https://github.com/{name}/releases/tag/{pin['version']}"
    for pin in data["images"].values():
        assert pin["source"].startswith("https://")
        assert pin["version"] != "latest"
    # The pages that people copy from say the same.
    root = resources.root()
    pages = [*(root / "references").glob("*.md"), *root.glob("README.md")]
    for page in pages:
        for name, ref, version in re.findall(
            r"uses: ([\w/-]+)@(\S+)(?: # (\S+))?", page.read_text(encoding="utf-8")
        ):
            assert re.fullmatch(r"[0-9a-f]{40}", ref), f"{page.name}: {name}"
            if name in data["actions"]:
                pin = data["actions"][name]
                assert (pin["sha"], pin["version"]) == (ref, version)


@pytest.mark.parametrize("page", ["README.md", "references/irsa-oidc.md"])
def test_the_workflows_that_people_copy_from_the_pages_are_sound(page: str) -> None:
    text = (resources.root() / page).read_text(encoding="utf-8")
    found = [
        block for block in re.findall(r"```ya?ml\n(.*?)```", text, re.DOTALL) if "runs-on" in block
    ]
    assert found
    for block in found:
        workflow(block)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({**GITHUB, "branch": "main", "role": "deploy"}, "or the ARN: arn:aws:iam::111122223333:role/deploy"),
        ({**GITHUB, "branch": "main", "role": f"arn:aws:iam::{ACCOUNT}:user/x"}, "`role` is not well formed"),
        ({**GITHUB}, "needs one of `branch`"),
        ({"provider": "eks", "namespace": "shop"}, "needs `service_account`"),
        ({"provider": "eks", "namespace": "shop", "service_account": "cart", "branch": "x"}, "`branch` does not fit"),
        ({**PODS, "cluster": f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/c", "role": ROLE.replace("aws", "aws-cn", 1)}, "the cluster in `aws`"),
        ({"provider": "eks", "namespace": "shop", "service_account": "cart",
          "issuer": "oidc.eks.cn-north-1.amazonaws.com.cn/id/" + "A" * 32}, "the cluster in `aws-cn`"),
        ({**PODS, "cluster": "arn:aws:eks:eu-west-1:999988887777:cluster/c"}, "is not in account"),
    ],
)  # fmt: skip
def test_arguments_that_contradict_each_other_are_refused_by_name(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        manifest(**arguments)


def test_irsa_needs_no_issuer_to_annotate_a_service_account() -> None:
    answer = manifest(provider="eks", namespace="shop", service_account="cart", cluster="prod")
    account = yaml.safe_load(content(answer, "service-account.yaml"))
    assert account["metadata"]["annotations"] == {
        "eks.amazonaws.com/role-arn": ROLE,
        "eks.amazonaws.com/sts-regional-endpoints": "true",
    }
    assert {"replace": "eu-west-1"} in answer.facts["placeholders"]
    # The trust policy needs the issuer, which is not known.
    assert answer.next == ()


@for_each(TRUSTS, name=only)
def test_the_next_call_writes_the_trust_policy_of_the_same_workload(case: dict[str, Any]) -> None:
    (call,) = manifest_of(case).next
    written = json.loads(tool.run(call.arguments).artifacts[0].content)
    assert written == json.loads(trust(**case["arguments"]).artifacts[0].content)
