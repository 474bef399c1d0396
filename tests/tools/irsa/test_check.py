"""`irsa check`: documents, an account's snapshot, manifests and a Kubernetes API, through the tool's own door."""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading.snapshot import account_of, save
from aws_iam.answer import Status, to_json
from aws_iam.cli.files import read_policies
from aws_iam.engine.sources.kubernetes_objects import cluster_of
from aws_iam.errors import AwsIamError, InputError
from aws_iam.tools.irsa.actions import tool
from aws_iam.tools.irsa.checks.samples import (
    association,
    cluster,
    for_github,
    for_pod_identity,
    for_pods_of,
    role,
    role_arn,
    roles,
)
from helpers.certificates import self_signed
from helpers.kubernetes_api import add_service_account, kubernetes_api
from helpers.loopback import serving
from helpers.provider_cases import cases
from helpers.rich_account import RICH
from helpers.scripted_aws import Script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kmock import KubernetesEmulator

GITHUB = "token.actions.githubusercontent.com"
MANIFESTS = """
apiVersion: v1
kind: ServiceAccount
metadata:
  name: cart
  namespace: shop
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/cart
    eks.amazonaws.com/sts-regional-endpoints: true
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
  annotations:
    eks.amazonaws.com/role_arn: arn:aws:iam::111122223333:role/web
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      serviceAccountName: web
      nodeSelector: {kubernetes.io/os: windows}
"""


def trust(*subjects: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"},
                    "StringLike": {f"{GITHUB}:sub": list(subjects)},
                },
            }
        ],
    }


def ask(**arguments: Any) -> Any:
    return tool.run({"action": "check", **arguments}, cli=True)


def codes(answer: Any) -> dict[str, str]:
    return {finding.code: finding.status.value for finding in answer.findings}


def test_a_finding_on_a_document_names_the_weakest_value_with_its_line() -> None:
    text = json.dumps(trust("repo:octo@1/app@2:ref:refs/heads/main", "repo:octo/*"), indent=1)
    (finding,) = ask(document=text).findings
    assert finding.code == "OIDC-ORG-WIDE"
    assert finding.where.pointer.endswith("/1")
    line = text.splitlines()[finding.where.line - 1]
    assert line[finding.where.column - 1 :].startswith('"repo:octo/*"')
    assert "`repo:octo/*`" in finding.fix


def test_a_clean_document_says_whom_it_trusts() -> None:
    answer = ask(document=trust("repo:octo@1/app@2:environment:prod"))
    assert answer.findings == ()
    assert answer.summary == (
        f"No problem found in the trust policy ({GITHUB}: GitHub Actions, shared)."
    )


def test_a_trust_policy_for_people_is_said_to_trust_no_workload() -> None:
    people = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "sts:AssumeRole",
        },
    }
    answer = ask(document=people)
    assert "trusts neither an OIDC provider" in answer.summary
    assert "No problem found" not in answer.summary
    assert [row["place"] for row in answer.facts["not_judged"]] == ["principals"]


def test_several_trust_policies_are_judged_by_name() -> None:
    answer = ask(document=[trust("repo:*"), trust("repo:octo@1/app@2:environment:prod")])
    assert [(finding.code, finding.resource) for finding in answer.findings] == [
        ("OIDC-TENANT-WILD", "/0")
    ]
    assert "2 trust policies" in answer.summary


def test_what_only_the_deployment_knows_is_no_finding() -> None:
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {"Subject": {"Type": "String"}},
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": {
                                    "Federated": f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"
                                },
                                "Action": "sts:AssumeRoleWithWebIdentity",
                                "Condition": {
                                    "StringEquals": {f"{GITHUB}:sub": {"Ref": "Subject"}}
                                },
                            }
                        ],
                    }
                },
            }
        },
    }
    answer = ask(document=template)
    assert codes(answer) == {"OIDC-NO-AUD": "fail"}


def test_what_trust_policy_writes_passes_but_for_what_the_caller_asked_for() -> None:
    chosen_by_the_caller = {
        "OIDC-MUTABLE": "names without ids",
        "OIDC-PR": "pull requests",
        "IRSA-DEFAULT-SA": "the account `default`",
        "OIDC-ANY-REF": "patterns of releases",
    }
    for case in cases("trust_policies"):
        written = tool.run(
            {"action": "trust_policy", "account": "111122223333", **case["arguments"]}
        )
        found = ask(document=written.artifacts[0].content).findings
        assert {finding.code for finding in found} <= set(chosen_by_the_caller), case["name"]
        assert all(finding.severity in {"info", "low", "medium"} for finding in found)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"document": {"Version": "2012-10-17", "Statement": []}}, "no trust policy"),
        ({"document": '{"Statement": ['}, "is not JSON"),
        ({"document": trust("x"), "profile": "p"}, "exclude each other"),
        ({"document": trust("x"), "demo": True}, "exclude each other"),
        ({"manifests": "kind: ConfigMap", "document": trust("x")}, "no ServiceAccount"),
        ({"manifests": "{{ .Values }}: [", "document": trust("x")}, "no ServiceAccount"),
        ({"manifests": MANIFESTS, "kube_context": "x"}, "exclude each other"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_name(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        ask(**arguments)


def test_manifests_beside_a_document_are_judged_by_themselves() -> None:
    answer = ask(document=trust("repo:octo@1/app@2:environment:prod"), manifests=MANIFESTS)
    said = sorted(finding.message for finding in answer.findings)
    assert {finding.code for finding in answer.findings} == {"IRSA-ANNOT-MISMATCH"}
    assert "the value of `eks.amazonaws.com/sts-regional-endpoints` is true or false" in said[0]
    assert "EKS does not read an annotation `eks.amazonaws.com/role_arn`" in said[1]
    assert [finding.where.line for finding in answer.findings] == [9, 17]


def test_manifests_are_read_from_folders_lists_and_values(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MANIFESTS, encoding="utf-8")
    (tmp_path / "chart.yaml").write_text("a: {{ .Values.x }}\n", encoding="utf-8")
    found = cluster_of(read_policies("manifests", [str(tmp_path)]))
    assert [account.title for account in found.service_accounts] == ["shop/cart", "shop/web"]
    assert found.service_accounts[0].where.file
    assert [(pod.service_account, pod.windows) for pod in found.pods] == [("web", True)]
    assert len(found.unread) == 1
    item = {"metadata": {"name": "a", "namespace": "b"}}
    listed = {"kind": "ServiceAccountList", "apiVersion": "v1", "items": [item]}
    assert cluster_of(listed).complete
    assert [account.title for account in cluster_of(listed).service_accounts] == ["b/a"]
    mixed = {"kind": "List", "items": [{"kind": "ServiceAccount", **item}, {"kind": "Secret", "data": {"x": "y"}}]}  # fmt: skip
    assert [account.title for account in cluster_of(json.dumps(mixed)).service_accounts] == ["b/a"]
    assert not cluster_of(mixed).complete


def snapshot(tmp_path: Path, *held: Any) -> str:
    path = tmp_path / "account.json"
    save(account_of(*held, regions=("eu-west-1",)), path)
    return str(path)


def test_an_account_is_judged_with_the_service_accounts_of_its_cluster(tmp_path: Path) -> None:
    saved = snapshot(
        tmp_path,
        roles(
            role("cart", for_pods_of("shop", "cart", "gone")),
            role("deploy", for_github()),
            role("ledger", for_pod_identity(tags=False)),
        ),
        cluster(association("bank", "ledger", "ledger"), addons=()),
    )
    answer = ask(snapshot=saved, manifests=MANIFESTS)
    found = codes(answer)
    assert found["PID-NO-TAGSESSION"] == "fail"
    assert found["PID-NO-AGENT"] == "fail"
    assert found["IRSA-DANGLING"] == "fail"
    assert found["IRSA-ANNOT-MISMATCH"] == "fail"
    assert "PID-UNSUPPORTED" not in found
    # Facts that this snapshot was not saved with.
    assert found["OIDC-PROV-MISSING"] == "unknown"
    assert found["EKS-IMDS"] == "unknown"
    assert answer.facts["roles_of_workloads"] == 3
    assert answer.facts["service_accounts"] == 2
    assert all(finding.account == "111122223333" for finding in answer.findings)
    trusts = [finding for finding in answer.findings if finding.code == "PID-NO-TAGSESSION"]
    assert trusts[0].resource == role_arn("ledger")
    assert trusts[0].where.line is None


def test_only_the_facts_of_the_checks_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(RICH)
    monkeypatch.setattr(
        "aws_iam.account.session.connect.connect", lambda _source: script.session()
    )
    answer = ask()
    assert set(script.operations) == {
        "sts:GetCallerIdentity",
        "ec2:DescribeRegions",
        "iam:ListAccountAliases",
        "iam:GetAccountAuthorizationDetails",
        "iam:ListOpenIDConnectProviders",
        "iam:GetOpenIDConnectProvider",
        "iam:ListRoles",
        "ec2:DescribeInstances",
        "ec2:DescribeLaunchTemplateVersions",
        *(f"eks:{name}" for name in (
            "ListClusters", "DescribeCluster", "ListPodIdentityAssociations", "DescribePodIdentityAssociation",
            "ListAddons", "ListNodegroups", "DescribeNodegroup", "ListFargateProfiles", "DescribeFargateProfile",
            "ListAccessEntries", "ListAssociatedAccessPolicies",
        )),
    }  # fmt: skip
    # What a launch template carries along is no part of any answer.
    assert "c2VjcmV0" not in json.dumps(to_json(answer))
    assert any(
        finding.code == "EKS-IMDS" and finding.status is Status.FAIL for finding in answer.findings
    )


SERVICE_ACCOUNTS = "get /api/v1/serviceaccounts"


@pytest.fixture
def kube(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[KubernetesEmulator, Path]]:
    """A cluster's API and the kubeconfig that leads to it."""
    path = tmp_path / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(path))
    with kubernetes_api() as api:
        path.write_text(
            json.dumps(config(str(api.url), {"token": "secret-token-51"})), encoding="utf-8"
        )
        yield api, path


def config(server: str, user: dict[str, Any], more: Any = None) -> dict[str, Any]:
    return {
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server} | (more or {})}],
        "users": [{"name": "u", "user": user}],
    }


def listing(*names: str, following: str = "") -> dict[str, Any]:
    items = [{"metadata": {"name": name, "namespace": "shop"}} for name in names]
    return {"kind": "ServiceAccountList", "items": items, "metadata": {"continue": following}}


def test_service_accounts_of_every_namespace_are_read_from_a_cluster(
    kube: tuple[KubernetesEmulator, Path], tmp_path: Path
) -> None:
    api, _ = kube
    add_service_account(api, "shop", "cart", **{"role-arn": role_arn("cart")})
    add_service_account(api, "shop", "web", role_arn=role_arn("web"))
    add_service_account(api, "bank", "ledger")
    saved = snapshot(
        tmp_path,
        roles(role("cart", for_pods_of("shop", "cart", "gone")), role("web", for_github())),
    )
    answer = ask(snapshot=saved, kube_context="prod")
    assert answer.facts["service_accounts"] == 3
    found = {finding.code: finding for finding in answer.findings if finding.status is Status.FAIL}
    assert "an annotation `eks.amazonaws.com/role_arn`" in found["IRSA-ANNOT-MISMATCH"].message
    # The API lists every one, so that what is not there does not exist.
    assert "shop:gone" in found["IRSA-DANGLING"].message
    assert found["IRSA-DANGLING"].confidence is None
    (request,) = api
    assert request.url.path == "/api/v1/serviceaccounts"
    assert request.headers["Authorization"] == "Bearer secret-token-51"
    assert "secret-token-51" not in json.dumps(to_json(answer))


def test_service_accounts_are_read_page_by_page(
    kube: tuple[KubernetesEmulator, Path], tmp_path: Path
) -> None:
    api, _ = kube
    # The emulator lists everything at once: its pages are written here.
    api[SERVICE_ACCOUNTS, {"limit": "500", "continue": "a b&c"}] << listing("web")
    api[SERVICE_ACCOUNTS, {"limit": "500"}] << listing("cart", following="a b&c")
    answer = ask(snapshot=snapshot(tmp_path), kube_context="prod")
    assert answer.facts["service_accounts"] == 2
    assert [dict(request.params) for request in api] == [
        {"limit": "500"},
        {"limit": "500", "continue": "a b&c"},
    ]
    assert {request.headers["Authorization"] for request in api} == {"Bearer secret-token-51"}


@pytest.mark.parametrize(
    "items", [None, [5, None, {"metadata": 7}, {"metadata": {"name": ["x"]}}, {"kind": "Secret"}]]
)
def test_what_is_no_service_account_is_none(
    kube: tuple[KubernetesEmulator, Path], tmp_path: Path, items: Any
) -> None:
    api, _ = kube
    api[SERVICE_ACCOUNTS] << json.dumps({"items": items, "metadata": {}}).encode()
    answer = ask(snapshot=snapshot(tmp_path), kube_context="prod")
    assert answer.facts["service_accounts"] == 0


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (403, "answers 403"),
        (b"<html>", "no list of service accounts"),
        (b"[]", "no list of"),
        (b'{"kind": "Status", "metadata": {}}', "no list of"),
        (b'{"kind": "SecretList", "items": []}', "no list of"),
        (b'{"items": [], "metadata": "x"}', "no list of"),
        (b'{"items": [], "metadata": {"continue": 5}}', "no list of"),
        (b"x" * 16_000_001, "more than"),
    ],
)
def test_a_cluster_that_answers_badly_is_an_error(
    kube: tuple[KubernetesEmulator, Path], answer: Any, says: str
) -> None:
    api, _ = kube
    api[SERVICE_ACCOUNTS] << answer
    with pytest.raises(AwsIamError) as refused:
        ask(document=trust("x"), kube_context="prod")
    assert says in str(refused.value)
    assert "secret-token-51" not in str(refused.value)


@pytest.mark.parametrize(
    ("user", "more", "says"),
    [
        ({"exec": {"command": sys.executable}}, {}, "with a command, which aws-iam does not run"),
        ({"auth-provider": {"name": "gcp"}}, {}, "with a command, which aws-iam does not run"),
        ({"tokenFile": "/nonexistent/token"}, {}, "token file"),
        ({"client-certificate-data": "!"}, {}, "not base64"),
        ({"client-certificate-data": "MARKER="}, {}, "not base64"),
        ({"client-certificate-data": "TUFSS0VS"}, {}, "certificates of the kubeconfig"),
        ({}, {"certificate-authority": "/nonexistent/ca"}, "certificates of the kubeconfig"),
        ({}, {"certificate-authority": "PIPE"}, "names no file that can be read"),
        ({"client-certificate": "PIPE"}, {}, "names no file that can be read"),
        ({"client-certificate-data": "TUFSS0VS", "client-key": "PIPE"}, {}, "no file that can"),
        ({"tokenFile": "PIPE"}, {}, "token file"),
        ({"tokenFile": "/dev/zero"}, {}, "token file"),
        ({}, {"server": 5}, "names no server"),
        ({}, {"server": "http://192.0.2.1"}, "not an address to fetch from"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_refused_by_name(
    kube: tuple[KubernetesEmulator, Path], user: dict[str, Any], more: dict[str, Any], says: str
) -> None:
    api, path = kube
    pipe = path.with_name("pipe")
    os.mkfifo(pipe)
    text = json.dumps(config(str(api.url), user, more)).replace("PIPE", str(pipe))
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AwsIamError) as refused:
        ask(document=trust("x"), kube_context="prod")
    assert says in str(refused.value)
    assert "MARKER" not in str(refused.value)
    assert list(api) == []


def test_a_server_is_believed_by_the_authority_of_the_kubeconfig_and_by_no_other(
    kube: tuple[KubernetesEmulator, Path], tmp_path: Path
) -> None:
    _, path = kube
    certificate = self_signed(tmp_path)
    # kmock speaks no TLS.
    with serving(certificate=certificate) as server:
        server.answers["/api/v1/serviceaccounts?limit=500"] = listing("cart")
        user = {"token": "secret-token-51"}
        known = {"certificate-authority-data": base64.b64encode(certificate.read_bytes()).decode()}
        path.write_text(json.dumps(config(server.url, user, known)), encoding="utf-8")
        assert ask(snapshot=snapshot(tmp_path), kube_context="prod").facts["service_accounts"] == 1
        path.write_text(json.dumps(config(server.url, user)), encoding="utf-8")
        with pytest.raises(AwsIamError, match="certificate is not trusted"):
            ask(document=trust("x"), kube_context="prod")
        # The second call sent nothing: no unknown server got the secret.
        assert len(server.asked) == 1


def test_an_unknown_context_names_those_there_are(
    kube: tuple[KubernetesEmulator, Path],
) -> None:
    with pytest.raises(InputError, match="it has `prod`"):
        ask(document=trust("x"), kube_context="test")
    kube[1].write_text("[", encoding="utf-8")
    with pytest.raises(InputError, match="is not YAML"):
        ask(document=trust("x"), kube_context="prod")
    kube[1].unlink()
    with pytest.raises(InputError, match="cannot be read"):
        ask(document=trust("x"), kube_context="prod")


def test_the_facts_of_a_check_are_saved_and_judged_again_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    first = ask(demo=True, save=str(file))
    again = ask(snapshot=str(file))
    assert again.findings == first.findings
    assert again.counts == first.counts
    with pytest.raises(InputError, match="exclude each other"):
        ask(document={"Version": "2012-10-17", "Statement": []}, save=str(file))


def test_the_workflows_of_a_checkout_are_read_beside_its_manifests(tmp_path: Path) -> None:
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (tmp_path / "sa.yaml").write_text(MANIFESTS, encoding="utf-8")
    (workflows / "deploy.yml").write_text(
        "on: push\njobs: {d: {uses: octo/ci/.github/workflows/d.yml@v1}}\n", encoding="utf-8"
    )
    (tmp_path / ".gitlab-ci.yml").write_text(
        "deploy: {id_tokens: {T: {aud: x}}, script: [aws sts get-caller-identity]}\n",
        encoding="utf-8",
    )
    (tmp_path / ".hidden.yaml").write_text(MANIFESTS, encoding="utf-8")
    found = cluster_of(read_policies("manifests", [str(tmp_path)]))
    assert len(found.service_accounts) == 2
    assert {workflow.platform for workflow in found.workflows} == {"github", "gitlab"}
