"""`irsa check` on a trust policy together with the manifests or workflows that are to use the role."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.account.reading.snapshot import account_of, save
from aws_iam.cli.files import read_policies
from aws_iam.engine.sources.kubernetes_objects import cluster_of
from aws_iam.errors import InputError
from aws_iam.tools.irsa.actions import tool
from aws_iam.tools.irsa.check import of_account
from aws_iam.tools.irsa.checks.samples import for_github, role, role_arn, roles
from helpers.folders import TESTS
from helpers.tables.each import for_each

CASES = json.loads((TESTS / "cases/irsa/given-together.json").read_text(encoding="utf-8"))
HOSTS = {
    "github": "token.actions.githubusercontent.com",
    "eks": "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
    "cluster": "cluster.example.com",
    "gitlab": "gitlab.com",
    "gitlab_server": "gitlab.example.com",
}


def trust(case: dict[str, Any]) -> dict[str, Any]:
    if "tags" in case:
        principal = {"Service": "pods.eks.amazonaws.com"}
        tags = {f"aws:RequestTag/{name}": value for name, value in case["tags"].items()}
        return _policy(principal, ["sts:AssumeRole", "sts:TagSession"], tags)
    host = HOSTS[case["issuer"]]
    audience = "https://gitlab.com" if case["issuer"].startswith("gitlab") else "sts.amazonaws.com"
    named = {"aud": audience, "sub": case["sub"], **case.get("claims", {})}
    keys = {f"{host}:{claim}": value for claim, value in named.items()}
    principal = {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{host}"}
    operator = "StringLike" if case.get("like") else "StringEquals"
    return _policy(principal, "sts:AssumeRoleWithWebIdentity", keys, operator)


def _policy(
    principal: Any, action: Any, keys: dict[str, str], operator: str = "StringEquals"
) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Condition": {operator: keys}}  # fmt: skip
    return {"Version": "2012-10-17", "Statement": [statement]}


def documents(case: dict[str, Any]) -> dict[str, Any]:
    """The trust policy alone, or in the answer of the AWS CLI about the roles that have it."""
    if "roles" not in case:
        return trust(case)
    held = [
        {"RoleName": name, "Arn": role_arn(name), "AssumeRolePolicyDocument": trust(case)}
        for name in case["roles"]
    ]
    return {"Role": held[0]} if len(held) == 1 else {"Roles": held}


def service_account(given: dict[str, Any]) -> dict[str, Any]:
    annotations = {
        f"eks.amazonaws.com/{key}": value for key, value in given["annotations"].items()
    }
    metadata = {"name": given["name"], "namespace": given["namespace"], "annotations": annotations}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def deployment(given: dict[str, Any]) -> dict[str, Any]:
    token = {"serviceAccountToken": {"path": "token", "audience": given.get("audience")}}
    spec = {
        **({"containers": [{"name": "app", "env": given["env"]}]} if "env" in given else {}),
        **({"serviceAccountName": given["account"]} if "account" in given else {}),
        **({"volumes": [{"projected": {"sources": [token]}}]} if "audience" in given else {}),
    }
    metadata = {"name": given["name"], "namespace": given["namespace"]}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"template": {"spec": spec}}}


def workflow(given: dict[str, Any]) -> dict[str, Any]:
    login = {"role-to-assume": role_arn("deploy"), "aws-region": "eu-west-1", **given.get("with", {})}  # fmt: skip
    steps = [{"uses": "aws-actions/configure-aws-credentials@v6", "with": login}]
    return {
        "name": "release",
        "on": given.get("on", {"push": {"branches": ["main"]}}),
        "permissions": given.get("permissions", {"id-token": "write"}),
        "jobs": {"deploy": {"runs-on": "ubuntu-latest", "steps": steps, **given.get("job", {})}},
    }


def manifests(case: dict[str, Any]) -> Any:
    if "document" in case:
        return case["document"]
    if "workflow" in case:
        return workflow(case["workflow"])
    accounts = map(service_account, case.get("accounts", ()))
    return {"kind": "List", "items": [*accounts, *map(deployment, case.get("pods", ()))]}


@for_each(CASES, name=lambda case: case["name"])
def test_what_is_given_together_is_judged_together(case: dict[str, Any]) -> None:
    named = {name: case[name] for name in ("owner", "repository") if name in case}
    answer = tool.run(
        {"action": "check", "document": documents(case), "manifests": manifests(case), **named}
    )
    found = {f.code: f for f in answer.findings if f.code in {"IRSA-ANNOT-MISMATCH", "IRSA-STATIC-KEYS", "OIDC-WORKFLOW"}}  # fmt: skip
    assert {code: finding.severity for code, finding in found.items()} == case["codes"]
    said = f"{answer.summary} {' '.join(finding.message for finding in found.values())}"
    assert "not-to-be-shown" not in str(answer)
    for words in case.get("says", ()):
        assert words in said
    not_compared = [row["why"] for row in answer.facts.get("not_judged", ())]
    assert bool(not_compared) is case.get("not_judged", "workflow" in case)
    for why in not_compared:
        assert why[1:] in answer.summary
    assert not (not_compared and "No problem found" in answer.summary)


@pytest.mark.parametrize("part", ["workflow", "accounts"])
def test_manifests_alone_need_no_credentials_and_say_what_was_not_compared(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere/config")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere/credentials")
    case = next(case for case in CASES if part in case and case["codes"])
    answer = tool.run({"action": "check", "manifests": manifests(case)})
    assert "the manifests alone" in answer.summary
    assert "no AWS credentials were found" in answer.summary
    assert answer.facts["not_judged"]


def test_a_workflow_is_compared_with_the_role_that_it_names(tmp_path: Any) -> None:
    saved = str(tmp_path / "account.json")
    save(account_of(roles(role("deploy", for_github())), regions=("eu-west-1",)), tmp_path / "account.json")  # fmt: skip
    for job, codes in (({}, set()), ({"environment": "production"}, {"OIDC-WORKFLOW"})):
        answer = tool.run(
            {"action": "check", "snapshot": saved, "manifests": workflow({"job": job})}, cli=True
        )
        assert {f.code for f in answer.findings if f.status == "fail"} & {"OIDC-WORKFLOW"} == codes


def test_administrators_of_aws_auth_are_judged_without_an_account() -> None:
    mapped = [
        {"userarn": "arn:aws:iam::111122223333:user/bob", "username": "bob", "groups": ["system:masters"]},
        {"userarn": "arn:aws:iam::111122223333:user/eve", "username": "eve", "groups": ["viewers"]},
    ]  # fmt: skip
    config_map = {
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapUsers": json.dumps(mapped), "mapRoles": "- rolearn: ["},
    }
    document = trust({"issuer": "github", "sub": "repo:octo@1/app@2:environment:prod"})
    answer = tool.run({"action": "check", "document": document, "manifests": config_map})
    assert [(f.code, f.resource) for f in answer.findings] == [
        ("EKS-ADMIN", "arn:aws:iam::111122223333:user/bob")
    ]
    assert "1 aws-auth administrator" in answer.summary


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@github.com:octo/app.git", "octo/app"),
        ("https://github.com/octo/app", "octo/app"),
        ("ssh://git@github.com:22/octo/other.git", "octo/other"),
        ("git@gitlab.com:octo/app.git", ""),
        ("/srv/git/app.git", ""),
    ],
)
def test_the_command_line_compares_the_repository_of_the_checkout(
    url: str, name: str, tmp_path: Any
) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    settings = f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {url}\n\tfetch = +refs/*\n[branch "main"]\n\tremote = x\n'
    (tmp_path / ".git" / "config").write_text(settings, encoding="utf-8")
    file = folder / "release.yml"
    file.write_text(json.dumps(workflow({})), encoding="utf-8")
    document = trust({"issuer": "github", "sub": "repo:octo/app:ref:refs/heads/main", "claims": {"job_workflow_ref": "octo/app/.github/workflows/release.yml@refs/heads/main"}})  # fmt: skip
    files = read_policies("manifests", [str(file)])
    answer = tool.run({"action": "check", "document": document, "manifests": files}, cli=True)
    found = [f.message for f in answer.findings if f.code == "OIDC-WORKFLOW"]
    assert bool(found) is (name not in {"octo/app", ""})
    assert ("was not compared" in answer.summary) is (not name)


def test_a_worktree_has_the_remote_of_its_repository(tmp_path: Any) -> None:
    inner = tmp_path / "main" / ".git" / "worktrees" / "w"
    inner.mkdir(parents=True)
    (inner / "commondir").write_text("../..\n", encoding="utf-8")
    remote = '[remote "origin"]\n\turl = https://github.com/octo/app.git\n'
    (tmp_path / "main" / ".git" / "config").write_text(remote, encoding="utf-8")
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / ".git").write_text(f"gitdir: {inner}\n", encoding="utf-8")
    file = tmp_path / "w" / "ci.yml"
    file.write_text("{}", encoding="utf-8")
    assert read_policies("manifests", [str(file)]).checkout == "github.com/octo/app"
    (inner / "commondir").unlink()
    assert read_policies("manifests", [str(file)]).checkout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"repository": "app"}, "is not the name of a repository"),
        ({"repository": "octo/app", "manifests": None}, "repository of the workflows in `manifests`"),
    ],
)  # fmt: skip
def test_a_repository_needs_its_owner_and_workflows(
    arguments: dict[str, Any], message: str
) -> None:
    document = trust({"issuer": "github", "sub": "repo:octo/app:ref:refs/heads/main"})
    call = {"action": "check", "document": document, "manifests": workflow({}), **arguments}
    with pytest.raises(InputError, match=message):
        tool.run(call)


def test_a_called_workflow_does_not_hide_that_another_repository_is_unknown() -> None:
    both = "\n---\n".join(
        json.dumps(workflow({"on": event})) for event in ("workflow_call", {"push": {"branches": ["main"]}})
    )  # fmt: skip
    document = trust({"issuer": "github", "sub": "repo:octo/app:ref:refs/heads/main"})
    answer = tool.run({"action": "check", "document": document, "manifests": both})
    assert "trusted repository was not compared" in answer.summary
    assert "caller of the workflow" in answer.summary


def test_workflows_beside_roles_that_could_not_be_read_are_said_not_to_be_compared() -> None:
    answer = of_account(account_of(regions=("eu-west-1",)), cluster_of(workflow({})))
    assert "the roles could not be read" in answer.summary
    assert "No problem found" not in answer.summary
    assert {f.status.value for f in answer.findings if f.code == "OIDC-WORKFLOW"} == {"unknown"}
