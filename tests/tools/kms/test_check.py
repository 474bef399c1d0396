"""`kms check`: documents, templates, a snapshot and the demonstration, through the tool's own door."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.collect.identity.authorization import AUTHORIZATION, Authorization, Role
from aws_iam.account.collect.kms.keys import KMS_KEYS
from aws_iam.account.collect.kms.other_policies import OTHER_POLICIES, OtherPolicies
from aws_iam.account.collect.sharing.resource_policies import KEY_POLICIES, ResourcePolicy
from aws_iam.account.reading.snapshot import save
from aws_iam.answer import Status, to_json
from aws_iam.errors import InputError
from aws_iam.tools.kms.actions import tool
from aws_iam.tools.kms.checks import samples as sample
from aws_iam.tools.kms.checks.catalogue import CODES, ON_POLICY, needs
from helpers.folders import TESTS

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.account.collect.fact import Held

CASES = json.loads((TESTS / "cases/kms/policy-checks.json").read_text(encoding="utf-8"))
OWN, OTHER = "111122223333", "444455556666"
ARN = f"arn:aws:iam::{OWN}:"


def statement(principal: Any, action: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}


ROOT = statement({"AWS": f"{ARN}root"}, "kms:*")


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def check(**arguments: Any) -> Any:
    return tool.run({"action": "check", **arguments}, cli=True)


def codes(answer: Any, status: Status = Status.FAIL) -> set[str]:
    return {finding.code for finding in answer.findings if finding.status is status}


@pytest.mark.parametrize("case", [pytest.param(c, id=c["name"]) for c in CASES])
def test_each_policy_has_its_own_verdict(case: dict[str, Any]) -> None:
    answer = check(document=case["document"], **case.get("with", {}))
    assert codes(answer) == set(case["fails"])
    assert codes(answer, Status.UNKNOWN) == set(case.get("unknown", []))
    messages = " | ".join(finding.message for finding in answer.findings)
    assert case.get("says", "") in messages
    if "severity" in case:
        assert {finding.code: finding.severity.value for finding in answer.findings} == case[
            "severity"
        ]


def test_a_finding_has_the_line_of_the_text() -> None:
    text = json.dumps(policy(ROOT, statement("*", "kms:Decrypt")), indent=2)
    (found,) = check(document=text).findings
    assert found.where
    assert found.where.line
    assert text.splitlines()[found.where.line - 1].strip().startswith('"Principal": "*"')


def test_the_account_given_wins_over_the_one_that_is_told() -> None:
    answer = check(document=policy(ROOT), account=OTHER)
    assert "KMS-NO-ROOT" in codes(answer)
    assert answer.facts["account"] == OTHER


def test_keys_of_a_template_are_found_and_other_policies_left_alone() -> None:
    template = {
        "Resources": {
            "Key": {
                "Type": "AWS::KMS::Key",
                "Properties": {"KeyPolicy": policy(ROOT, statement("*", "kms:Decrypt"))},
            },
            "BucketPolicy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "Bucket": "b",
                    "PolicyDocument": policy(statement("*", "s3:GetObject")),
                },
            },
        }
    }
    answer = check(document=template)
    assert codes(answer) == {"KMS-POL-PUBLIC"}
    assert "Key" in (answer.findings[0].resource or "")


def test_what_a_template_keeps_back_is_told_in_the_summary() -> None:
    known = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy(ROOT)}}
    later = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Ref": "Policy"}}}
    partly = policy(ROOT, statement({"AWS": {"Ref": "Who"}}, "kms:Decrypt"))
    open_ = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": partly}}
    for more, said in ((later, "1 place was not judged"), (open_, "known only at deployment")):
        answer = check(document=json.dumps({"Resources": {"A": known, "B": more}}))
        assert answer.summary.startswith("No problem found in what could be judged of ")
        assert said in answer.summary
    whole = check(document=json.dumps({"Resources": {"A": known}}))
    assert whole.summary == "No problem found in the key policy."


def test_what_the_cli_answers_is_read() -> None:
    answer = check(document={"Policy": json.dumps(policy(ROOT)), "PolicyName": "default"})
    assert codes(answer) == set()


def test_declared_users_open_further_checks() -> None:
    bare = policy(
        ROOT, statement({"AWS": f"{ARN}role/App"}, ["kms:Decrypt", "kms:GenerateDataKey"])
    )
    assert codes(check(document=bare)) == set()
    assert "KMS-CTX" in check(document=bare).facts["not_checked_without_users"]
    assert codes(check(document=bare, users=["role/App"])) == {"KMS-CTX"}
    only = check(document=bare, users=["role/App"], only_via_service=True)
    assert codes(only) == {"KMS-VIASERVICE"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"document": policy(), "demo": True}, "cannot be combined"),
        ({"account": "4444-5555-6666", "demo": True}, "`account` is 444455556666, but the account that was read is 111122223333"),
        ({"account": "4444", "demo": True}, "`account`"),
        ({"key": sample.ARN, "demo": True}, "`key` goes with `document`"),
        ({"document": [policy(ROOT), policy(ROOT, ROOT)], "key": sample.ARN}, "`key` goes with one key policy"),
        ({"document": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}}, "contains no key policy"),
        ({"document": policy(ROOT), "account": "x\x1b"}, "`account` is not well formed"),
        ({"document": policy(ROOT), "scope": ["KMS-ROTOFF"]}, "did you mean `KMS-ROT-OFF`"),
        ({"document": policy(ROOT), "trusted": ["all"]}, "`trusted` is not well formed"),
        ({"demo": True, "limits": {"rotation_days": 5}}, "rotation_days"),
        ({"document": '{"Statement": ['}, "is not JSON"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_name(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as raised:
        check(**arguments)
    assert message in str(raised.value)
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("account", [OWN, "1111-2222-3333"])
def test_the_account_that_is_read_may_be_named(account: str) -> None:
    named = check(account=account, demo=True)
    assert named.findings == check(demo=True).findings


@pytest.fixture
def saved(tmp_path: Path) -> Any:
    def write(*held: Held) -> str:
        path = tmp_path / "account.json"
        save(sample.holding(*held), path)
        return str(path)

    return write


def _policies(*statements: dict[str, Any]) -> Held:
    text = json.dumps(policy(*statements))
    return sample.of(KEY_POLICIES, ResourcePolicy(arn=sample.ARN, document=text))


_NO_SHARE = sample.of(OTHER_POLICIES, OtherPolicies(arn=sample.ARN, names=(), documents=()))
_ROLES = AUTHORIZATION.held(
    Authorization(roles=(Role(name="KeyAdmin", arn=f"{ARN}role/KeyAdmin"),))
)
_SCOPE = ["KMS-POL", "KMS-LOCKOUT", "KMS-NO-ROOT"]


def test_a_key_whose_administrators_are_gone_is_locked(saved: Any) -> None:
    gone = statement({"AWS": f"{ARN}role/Gone"}, ["kms:PutKeyPolicy"])
    there = statement({"AWS": f"{ARN}role/KeyAdmin"}, ["kms:PutKeyPolicy"])
    locked = check(snapshot=saved(_policies(gone), _NO_SHARE, _ROLES), scope=_SCOPE)
    assert codes(locked) == {"KMS-LOCKOUT", "KMS-NO-ROOT"}
    assert {finding.resource for finding in locked.findings} == {sample.ARN}
    kept = check(snapshot=saved(_policies(there), _NO_SHARE, _ROLES), scope=_SCOPE)
    assert codes(kept) == {"KMS-NO-ROOT"}


def test_without_the_roles_nobody_is_said_to_be_there_or_gone(saved: Any) -> None:
    refused = Miss(
        kind=MissKind.DENIED,
        call="iam:GetAccountAuthorizationDetails",
        code="AccessDenied",
        permission="iam:GetAccountAuthorizationDetails",
    )
    answer = check(
        snapshot=saved(_policies(ROOT), _NO_SHARE, AUTHORIZATION.held(refused)), scope=_SCOPE
    )
    (finding,) = answer.findings
    assert (finding.code, finding.status) == ("KMS-LOCKOUT", Status.UNKNOWN)
    assert "iam:GetAccountAuthorizationDetails" in (finding.reason or "")
    assert answer.artifacts[0].name == "missing-permissions.json"


@pytest.mark.parametrize(("kind", "verb"), [("denied", "allow"), ("throttled", "needs")])
def test_a_policy_that_was_not_read_needs_a_permission_only_where_it_was_refused(
    kind: str, verb: str, saved: Any
) -> None:
    missed = Miss(kind=MissKind(kind), call="kms:GetKeyPolicy", permission="kms:GetKeyPolicy")
    broken = KEY_POLICIES.held_in(sample.REGION, missed)
    answer = check(snapshot=saved(broken, _NO_SHARE, _ROLES), scope=_SCOPE)
    reasons = {finding.reason for finding in answer.findings}
    assert reasons == {f"kms:GetKeyPolicy: {kind}; {verb} kms:GetKeyPolicy"}


def test_a_share_is_found_and_judged_like_the_default_policy(saved: Any) -> None:
    text = json.dumps(policy(statement({"AWS": f"arn:aws:iam::{OTHER}:root"}, "kms:Decrypt")))
    share = sample.of(
        OTHER_POLICIES, OtherPolicies(arn=sample.ARN, names=("AWS_RAM",), documents=(text,))
    )
    answer = check(snapshot=saved(_policies(ROOT), share, _ROLES), scope=_SCOPE)
    assert codes(answer) == {"KMS-POL-RAM", "KMS-POL-XACCT"}


@pytest.mark.parametrize(
    "document",
    ["{", Miss(kind=MissKind.DENIED, call="kms:GetKeyPolicy", permission="kms:GetKeyPolicy")],
)
def test_a_policy_that_cannot_be_read_is_unknown(saved: Any, document: Any) -> None:
    held = sample.of(KEY_POLICIES, ResourcePolicy(arn=sample.ARN, document=document))
    answer = check(snapshot=saved(held, _NO_SHARE, _ROLES), scope=_SCOPE)
    (finding,) = answer.findings
    assert finding.status is Status.UNKNOWN
    assert finding.resource == sample.ARN


def test_a_policy_that_an_edited_snapshot_names_without_its_text_is_unknown(saved: Any) -> None:
    edited = OtherPolicies(arn=sample.ARN, names=("AWS_RAM",), documents=())
    answer = check(
        snapshot=saved(_policies(ROOT), sample.of(OTHER_POLICIES, edited), _ROLES), scope=_SCOPE
    )
    assert "does not hold every policy" in answer.findings[0].message
    assert {finding.status for finding in answer.findings} == {Status.UNKNOWN}


def test_a_snapshot_of_something_else_is_unknown_throughout(saved: Any) -> None:
    answer = check(snapshot=saved(sample.of(KMS_KEYS)))
    assert Status.PASS not in {finding.status for finding in answer.findings}
    assert "could not be judged" in answer.summary


def test_hostile_names_are_shown_and_do_nothing(saved: Any) -> None:
    hostile = "alias/\x1b[2J<script>" + "x" * 5_000
    held = sample.of(KMS_KEYS, sample.key(state="Disabled", alias=hostile))
    answer = check(snapshot=saved(held), scope=["KMS-ALIAS-DEAD"])
    (finding,) = answer.findings
    assert "\x1b" not in json.dumps(to_json(answer))
    assert len(finding.message) < 2_100


def test_thousands_of_statements_are_answered() -> None:
    """Longer than any key policy: an answer all the same, cut where every line would say the same."""
    condition = {"StringEquals": {"aws:PrincipalTag/t": "x"}}
    many = [
        {**statement({"AWS": f"{ARN}role/r{n}"}, "kms:*", Condition=condition), "Effect": effect}
        for n in range(1_500)
        for effect in ("Allow", "Deny")
    ]
    answer = check(document=policy(*many))
    assert {"KMS-POL-SIZE", "KMS-STAR-NONROOT"} <= codes(answer)
    refused = tool.run({"action": "lockout", "document": policy(*many), "caller": f"{ARN}role/r1"})
    assert "LimitExceededException" in refused.facts["error"]


def test_an_account_is_read_with_the_calls_of_the_scope_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        kms = boto3.client("kms")
        shared, dead = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
        kms.create_grant(
            KeyId=shared,
            GranteePrincipal=f"arn:aws:iam::{OTHER}:role/Partner",
            Operations=["Decrypt"],
        )
        kms.create_alias(AliasName="alias/dead", TargetKeyId=dead)
        kms.disable_key(KeyId=dead)
        text = json.dumps(policy(ROOT, statement("*", "kms:Decrypt")))
        kms.put_key_policy(KeyId=shared, PolicyName="default", Policy=text)
        # The emulator lacks the calls of the other checks.
        scope = ["KMS-GRANT", "KMS-ALIAS-DEAD", "KMS-DISABLED", "KMS-ROT-OFF", "KMS-POL-PUBLIC"]
        answer = check(regions=["us-east-1"], scope=scope)
    assert codes(answer) == {"KMS-GRANT-XACCT", *scope[1:]}
    assert {
        finding.resource for finding in answer.findings if finding.code == "KMS-POL-PUBLIC"
    } == {f"arn:aws:kms:us-east-1:123456789012:key/{shared}"}


def test_the_demonstration_has_a_key_that_is_being_deleted() -> None:
    answer = check(demo=True)
    assert {"KMS-DEL-PENDING", "KMS-ALIAS-DEAD", "KMS-SVC-CONFUSED"} <= codes(answer)
    # Moto does not send the period of a rotation.
    assert codes(answer, Status.UNKNOWN) == {"KMS-ROT-LONG"}
    assert answer.facts["keys"] == answer.facts["policies"] == answer.facts["last_use_asked"]


def test_only_the_facts_of_the_scope_are_read(tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    check(demo=True, scope=["KMS-ROT-OFF"], save=str(path))
    assert set(json.loads(path.read_text())["facts"]) == {"kms.keys"}
    assert {need.name for need in needs(CODES)} >= {"kms.uses", "kms.grants", "iam.authorization"}


@pytest.mark.parametrize("code", ["KMS-LOCKOUT", "kms_alias_dead"])
def test_the_guide_explains_a_check(code: str) -> None:
    answer = tool.run({"action": "guide", "topic": code})
    assert "Fix" in answer.artifacts[0].content
    assert "kms:" in answer.artifacts[0].content


def test_every_policy_check_has_a_case() -> None:
    shown = {code for case in CASES for code in case["fails"] if code.startswith("KMS-")}
    assert shown | {"KMS-POL-RAM"} == set(ON_POLICY)


@pytest.mark.parametrize(
    ("resource", "judged"),
    [
        (f"arn:aws:kms:eu-west-1:{OWN}:key/*", False),
        (f"arn:aws:kms:*:{OWN}:key/2222*", False),
        (f"arn:aws-cn:kms:cn-north-1:{OWN}:key/*", False),
        ("*1234abcd*", False),
        ("arn:aws:kms:eu-west-1*", False),
        ("arn:aws:kms:*", True),
        (f"arn:aws:kms:*:{OWN}:key/*", True),
        ("arn:aws:kms:*:*:*", True),
        ("*", True),
    ],
)
def test_a_resource_that_only_some_keys_fit_is_unknown_without_the_key(
    resource: str, *, judged: bool
) -> None:
    use = statement({"AWS": f"{ARN}role/app"}, "kms:Decrypt", Resource=resource)
    answer = check(document=policy(ROOT, use))
    assert codes(answer, Status.UNKNOWN) == (set() if judged else {"KMS-STMT-NOEFFECT"})
    assert ("No problem found in the key policy." in answer.summary) is judged
