"""Beyond CIS: who is an administrator or can become one, whom roles let in, what nobody uses."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.reading import snapshot as snapshots
from aws_iam.answer import Status
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import arn, facts_of, snapshot
from helpers.folders import TESTS
from helpers.policies.limited_sessions import facts_with_sessions
from helpers.tables.asked_once import asked_once
from helpers.tables.each import for_each

if TYPE_CHECKING:
    from aws_iam.answer import Answer

pytestmark = pytest.mark.growth

CASES: list[dict[str, Any]] = json.loads(
    (TESTS / "cases" / "audit" / "principals.json").read_text("utf-8")
)
PATHS: list[dict[str, Any]] = json.loads(
    (TESTS / "cases" / "audit" / "paths.json").read_text("utf-8")
)
# What is wrong with a policy whoever has it: see `test_wide_policies.py`.
OF_POLICIES = {
    "INLINE_ADMINISTRATOR",
    "UNATTACHED_ADMINISTRATOR",
    "FULL_SERVICE_ACCESS",
    "POLICY_NOT_JUDGED",
}


POWER_OF = {"administrator": "administrator", "can_become": "escalates"}


def ask(given: dict[str, Any], folder: Path) -> Answer:
    file = folder / "account.json"
    snapshots.save(snapshot(given), file)
    return tool.run({"action": "principals", "snapshot": str(file)}, cli=True)


@asked_once
def principals_and_access(case: dict[str, Any]) -> tuple[Answer, Answer]:
    """Both answers about one account."""
    with TemporaryDirectory() as folder:
        mine = ask(facts_of(case), Path(folder))
        asked = {"action": "access", "to": "admin", "snapshot": f"{folder}/account.json"}
        return mine, tool.run(asked, cli=True)


@for_each(CASES, name=lambda case: case["name"])
def test_a_principal_is_judged_by_what_it_effectively_has(case: dict[str, Any]) -> None:
    answer, _ = principals_and_access(case)
    power = {row["principal"]: row["power"] for row in answer.facts["principals"]}
    assert case.get("power", {}).items() <= power.items()
    found = sorted(
        (finding.code, finding.status.value, (finding.resource or "").rpartition("/")[2])
        for finding in answer.findings
        if finding.code not in OF_POLICIES
    )
    assert found == sorted(tuple(row) for row in case["finds"])
    told = " ".join(f"{finding.message} {finding.reason or ''}" for finding in answer.findings)
    for words in case.get("says", ()):
        assert words in f"{answer.summary} {told}"


@for_each([*CASES, *PATHS], name=lambda case: case["name"])
def test_who_is_or_can_become_an_administrator_is_what_access_says(case: dict[str, Any]) -> None:
    mine, access = principals_and_access(case)
    told = {
        (row["principal"].rpartition("/")[2], row["verdict"], row.get("hops"))
        for row in access.facts["principals"]
    }
    rows = mine.facts["principals"]
    assert {
        (row["principal"], row["verdict"], row["hops"]) for row in rows if row["verdict"]
    } == told
    for row in rows:
        assert row["verdict"] not in POWER_OF or row["power"] == POWER_OF[row["verdict"]]
    assert mine.facts.get("not_judged") == access.facts.get("not_judged")


def test_a_trust_is_graded_by_the_statement_that_it_is_about(tmp_path: Path) -> None:
    own = {"StringEquals": {"aws:PrincipalOrgID": "o-larkspur"}}
    audience = {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}
    provider = arn("oidc-provider/token.actions.githubusercontent.com")
    trust = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "sts:AssumeRole",
            "Condition": own,
        },
        {
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": audience,
        },
    ]
    role = {"name": "ci", "last_used": "1 days ago", "trust": trust}
    answer = ask(facts_of({"roles": [role]}), tmp_path)
    assert [(finding.code, finding.severity.value) for finding in answer.findings] == [
        ("MISSING_GITHUB_REPO_CONDITION_KEY", "high")
    ]
    assert [row["lets_in"] for row in answer.facts["principals"]] == [
        "token.actions.githubusercontent.com"
    ]


EVERYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
ENTERS = [{"Effect": "Allow", "Action": ["eks:CreateAccessEntry", "eks:AssociateAccessPolicy"], "Resource": "*"}]  # fmt: skip
CREATES = [{"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "*"}]
SWITCHES = [{"Effect": "Allow", "Action": "iam:SetDefaultPolicyVersion", "Resource": "*"}]
PODS = [{"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": "sts:AssumeRole"}]  # fmt: skip
OF_IAM, OF_EKS = "iam:GetAccountAuthorizationDetails: ", "eks:DescribePodIdentityAssociation: "
NOT_JUDGED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a policy that AWS left out": (
        {"users": [{"name": "ann", "attached": ["unsent"]}], "policies": {"unsent": None}},
        OF_IAM,
        "policy `unsent` could not be read",
    ),
    "one of somebody else": (
        {
            "users": [
                {"name": "ann", "inline": [CREATES]},
                {"name": "pay", "attached": ["unsent"]},
            ],
            "policies": {"unsent": None},
        },
        OF_IAM,
        "user/pay`: what it may do is not known: policy `unsent` could not be read",
    ),
    "versions that an earlier snapshot lacks": (
        {
            "users": [{"name": "ann", "inline": [SWITCHES], "attached": ["own"]}],
            "policies": {"own": SWITCHES},
        },
        OF_IAM,
        "which other versions of the policy exist was not read",
    ),
    "a boundary that AWS would refuse": (
        {
            "users": [{"name": "ann", "boundary": "odd", "inline": [EVERYTHING]}],
            "policies": {"odd": [{"Effect": "Maybe"}]},
        },
        "the policy at `",
        "cannot be used",
    ),
    "a session policy that an earlier snapshot lacks": (
        {
            "users": [{"name": "ann", "inline": [ENTERS]}],
            "roles": [{"name": "adm", "inline": [EVERYTHING], "trust": PODS}],
            "pods": [{"id": "a", "role": "adm", "policy": None}],
        },
        OF_EKS,
        "the session policy of `",
    ),
    "a session policy that AWS would refuse": (
        {
            "users": [{"name": "ann", "inline": [ENTERS]}],
            "roles": [{"name": "adm", "inline": [EVERYTHING], "trust": PODS}],
            "pods": [{"id": "a", "role": "adm", "policy": "{}"}],
        },
        "the policy at `",
        "cannot be used: it has no `Statement`",
    ),
}


@pytest.mark.parametrize(("case", "start", "why"), NOT_JUDGED.values(), ids=NOT_JUDGED)
def test_who_is_not_judged_is_told_with_what_was_not_read(
    case: dict[str, Any], start: str, why: str, tmp_path: Path
) -> None:
    answer = ask(facts_with_sessions(case), tmp_path)
    (told,) = (
        own
        for own in answer.findings
        if (own.code, own.resource) == ("PRINCIPAL_NOT_JUDGED", arn("user/ann"))
    )
    assert told.status is Status.UNKNOWN
    assert told.reason.startswith(start)
    assert why in told.reason
    # Nothing was refused.
    assert "Allow " not in told.fix
    assert (start.removesuffix(": ") in told.fix) is (start in {OF_IAM, OF_EKS})


def test_a_date_that_a_snapshot_lacks_is_no_missing_permission(tmp_path: Path) -> None:
    answer = ask(facts_of({"roles": [{"name": "ci", "trust": PODS}]}), tmp_path)
    (told,) = (own for own in answer.findings if own.code == "UNUSED_ROLE")
    assert told.status is Status.UNKNOWN
    assert "the snapshot has neither `created` nor `last_used` of role `ci`" in told.message
    assert told.reason == "iam:GetAccountAuthorizationDetails: no value"
    assert "`created` of `arn:aws:iam::111122223333:role/ci` in `iam.authorization`" in told.fix
    assert not answer.artifacts


@pytest.mark.parametrize(
    ("kind", "reason", "fix"),
    [
        ("denied", "allow iam:GetX", "Allow iam:GetX."),
        ("throttled", "needs iam:GetX", "Read the account again."),
        ("timeout", "needs iam:GetX", "Read the account again."),
    ],
)
def test_only_a_refused_call_is_mended_by_a_permission(
    kind: str, reason: str, fix: str, tmp_path: Path
) -> None:
    unread = Miss(kind=MissKind(kind), call="iam:GetX", permission="iam:GetX")
    answer = ask(facts_of({}) | {"iam.last_accessed": unread}, tmp_path)
    (told,) = (own for own in answer.findings if own.code == "UNUSED_PERMISSIONS")
    assert (told.reason, told.fix) == (f"iam:GetX: {kind}; {reason}", fix)


def test_the_demonstration_shows_each_kind() -> None:
    answer = tool.run({"action": "principals", "demo": True}, cli=True)
    assert answer.next[0].arguments == {"action": "access", "to": "admin"}
    power = {row["principal"]: row["power"] for row in answer.facts["principals"]}
    assert power["alice.meyer"] == power["ci-deploy"] == "administrator"
    assert power["helpdesk"] == "escalates"
    # Its own policy is as broad; the boundary takes that back.
    assert power["build-runner"] == "limited"
    codes = {finding.code for finding in answer.findings}
    assert codes >= {
        "ADMINISTRATOR",
        "PRIVILEGE_ESCALATION",
        "MISSING_GITHUB_REPO_CONDITION_KEY",
        "OIDC-TENANT-WILD",
        "ROLE_TRUSTS_OTHER_ACCOUNT",
        "UNUSED_ROLE",
        "UNUSED_PERMISSIONS",
    }
    assert "administrators: `alice.meyer` and `ci-deploy`" in answer.summary


def test_principals_that_may_not_be_read_are_unknown_and_the_policy_to_add_is_there(
    tmp_path: Path,
) -> None:
    refused = {"denied": "iam:GetAccountAuthorizationDetails"}
    given = {"iam.authorization": refused, "iam.last_accessed": refused}
    answer = ask(given | {"organizations.organization": None}, tmp_path)
    assert {finding.status for finding in answer.findings} == {Status.UNKNOWN}
    assert answer.facts["principals"] == []
    assert "could not be read: refused: iam:GetAccountAuthorizationDetails" in answer.summary
    assert "iam:GetAccountAuthorizationDetails" in answer.artifacts[0].content
