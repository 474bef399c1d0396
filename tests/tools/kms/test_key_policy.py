"""`kms key_policy`: what the policies let happen, that they are clean, and that every file is taken by its validator."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.answer import to_json
from aws_iam.errors import InputError
from aws_iam.tools.kms import key_policy
from aws_iam.tools.kms.key_policy_arguments import KeyPolicyArguments
from aws_iam.tools.kms.key_policy_proof import NotProvedError, proof_rows
from aws_iam.tools.kms.reasoning.key_access import MOST_BYTES, KeyAccess, Usage, Use
from helpers.key_policies import (
    ADMIN,
    APP,
    EVERYTHING,
    OTHER,
    OWN,
    document,
    key_policy_answer,
    outcome,
)
from helpers.secret_validators import shell
from helpers.tables.examples import examples

pytestmark = pytest.mark.validator


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    """The AWS CLI's parser makes a client, which is somewhere."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


def test_administrators_administer_and_do_not_use() -> None:
    policy = document(key_policy_answer())
    for action in ("PutKeyPolicy", "ScheduleKeyDeletion", "EnableKeyRotation", "CreateAlias"):
        assert outcome(policy, ADMIN, action) == "Allowed"
    for action in ("Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "CreateGrant"):
        assert outcome(policy, ADMIN, action) == "ImplicitlyDenied"


def test_users_use_and_do_not_administer() -> None:
    policy = document(key_policy_answer())
    for action in ("Decrypt", "Encrypt", "GenerateDataKey", "DescribeKey"):
        assert outcome(policy, APP, action) == "Allowed"
    for action in ("PutKeyPolicy", "ScheduleKeyDeletion", "DisableKey"):
        assert outcome(policy, APP, action) == "ImplicitlyDenied"
    assert outcome(policy, APP, "CreateGrant", kms__GrantIsForAWSResource="true") == "Allowed"
    assert outcome(policy, APP, "CreateGrant") == "ImplicitlyDenied"


def test_the_account_keeps_its_statement_and_strangers_get_nothing() -> None:
    policy = document(key_policy_answer())
    somebody = f"arn:aws:iam::{OWN}:role/Other"
    stranger = f"arn:aws:iam::{OTHER}:role/Other"
    assert outcome(policy, somebody, "Decrypt") == "ImplicitlyDenied"
    assert outcome(policy, somebody, "Decrypt", EVERYTHING) == "Allowed"
    assert outcome(policy, stranger, "Decrypt", EVERYTHING) == "ImplicitlyDenied"


def test_via_service_does_not_break_direct_use() -> None:
    policy = document(key_policy_answer(via_service=["s3"], region="eu-west-1"))
    through = {"kms__ViaService": "s3.eu-west-1.amazonaws.com"}
    for action in ("Decrypt", "GenerateDataKey"):
        assert outcome(policy, APP, action) == "Allowed"
        assert outcome(policy, APP, action, **through) == "Allowed"
    assert outcome(policy, APP, "ReEncryptFrom", **through) == "Allowed"
    assert outcome(policy, APP, "ReEncryptFrom") == "ImplicitlyDenied"


def test_only_through_a_service_means_only() -> None:
    policy = document(
        key_policy_answer(
            via_service=["s3.eu-west-1.amazonaws.com"], only_via_service=True, users=["role/App"]
        )
    )
    through = {"kms__ViaService": "s3.eu-west-1.amazonaws.com"}
    assert outcome(policy, APP, "Decrypt", **through) == "Allowed"
    assert outcome(policy, APP, "Decrypt") == "ImplicitlyDenied"
    assert outcome(policy, APP, "Decrypt", kms__ViaService="rds.eu-west-1.amazonaws.com") == (
        "ImplicitlyDenied"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"users": []},
        {"users": ["role/App"], "only_via_service": True},
    ],
)
def test_other_accounts_too_are_limited_to_the_service(arguments: dict[str, Any]) -> None:
    answer = key_policy_answer(
        external_accounts=["4444-5555-6666"], via_service=["s3"], region="eu-west-1", **arguments
    )
    policy, their = document(answer), f"arn:aws:iam::{OTHER}:role/Their"
    asked = {"s3": "Allowed", "rds": "ImplicitlyDenied"}
    for service, expected in asked.items():
        via = f"{service}.eu-west-1.amazonaws.com"
        assert outcome(policy, their, "Decrypt", EVERYTHING, kms__ViaService=via) == expected
    assert outcome(policy, their, "Decrypt", EVERYTHING) == "ImplicitlyDenied"
    assert "1 from other accounts only through s3.eu-west-1.amazonaws.com" in answer.summary
    assert any("KMS refuses their direct calls" in row["note"] for row in answer.facts["notes"])


def test_grants_too_are_only_through_the_service() -> None:
    policy = document(
        key_policy_answer(via_service=["ec2.eu-west-1.amazonaws.com"], only_via_service=True)
    )
    for_service = {"kms__GrantIsForAWSResource": "true"}
    asked = {"ec2": "Allowed", "rds": "ImplicitlyDenied"}
    for service, expected in asked.items():
        via = f"{service}.eu-west-1.amazonaws.com"
        assert outcome(policy, APP, "CreateGrant", kms__ViaService=via, **for_service) == expected
    assert outcome(policy, APP, "CreateGrant", **for_service) == "ImplicitlyDenied"


def test_a_context_is_demanded_and_describe_key_needs_none() -> None:
    policy = document(key_policy_answer(context={"app": "orders"}))
    right = {"kms__EncryptionContext__app": "orders"}
    keys = {name.replace("__", ":"): value for name, value in right.items()}
    assert keys == {"kms:EncryptionContext:app": "orders"}
    assert outcome(policy, APP, "Decrypt", **right) == "Allowed"
    assert outcome(policy, APP, "Decrypt", kms__EncryptionContext__app="other") == (
        "ImplicitlyDenied"
    )
    assert outcome(policy, APP, "Decrypt") == "ImplicitlyDenied"
    assert outcome(policy, APP, "DescribeKey") == "Allowed"


@pytest.mark.parametrize(
    ("use", "does", "not_"),
    [
        ("encrypt", ("Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"), ("Decrypt",)),
        ("decrypt", ("Decrypt",), ("Encrypt", "GenerateDataKey", "ReEncryptTo")),
    ],
)  # fmt: skip
def test_users_can_have_one_direction_alone(
    use: str, does: tuple[str, ...], not_: tuple[str, ...]
) -> None:
    answer = key_policy_answer(use=use)
    for action in (*does, "DescribeKey"):
        assert outcome(document(answer), APP, action) == "Allowed"
    for action in (*not_, "ReEncryptFrom"):
        assert outcome(document(answer), APP, action) == "ImplicitlyDenied"
    granting = {"kms__GrantIsForAWSResource": "true"}
    assert outcome(document(answer), APP, "CreateGrant", **granting) == "ImplicitlyDenied"


def test_one_direction_holds_through_services_too() -> None:
    answer = key_policy_answer(use="encrypt", via_service=["s3"], region="eu-west-1")
    through = {"kms__ViaService": "s3.eu-west-1.amazonaws.com"}
    assert outcome(document(answer), APP, "GenerateDataKey", **through) == "Allowed"
    assert outcome(document(answer), APP, "Decrypt", **through) == "ImplicitlyDenied"
    assert any("multipart" in row["note"] for row in answer.facts["notes"])


@pytest.mark.parametrize(
    ("arguments", "separate"),
    [({"use": "decrypt"}, False), ({}, True), ({"use": "decrypt", "context": {"app": "orders"}}, True)],
)  # fmt: skip
def test_a_note_speaks_of_a_separate_statement_only_where_there_is_one(
    arguments: dict[str, Any], separate: Any
) -> None:
    answer = key_policy_answer(via_service=["sqs", "s3"], region="eu-west-1", **arguments)
    notes = " ".join(row["note"] for row in answer.facts["notes"])
    assert ("direct use has a separate statement" in notes) is separate
    assert ("no statement has kms:ViaService" in notes) is not separate
    assert ("kms:ViaService" in json.dumps(document(answer))) is separate


def test_an_organization_uses_the_key_with_policies_of_its_accounts() -> None:
    policy = document(key_policy_answer(organization="o-exampleorg1"))
    theirs, own = f"arn:aws:iam::{OTHER}:role/Their", f"arn:aws:iam::{OWN}:role/Other"
    inside = {"aws__PrincipalOrgID": "o-exampleorg1"}
    assert outcome(policy, theirs, "Decrypt", EVERYTHING, **inside) == "Allowed"
    assert outcome(policy, theirs, "Decrypt", **inside) == "ImplicitlyDenied"
    assert outcome(policy, theirs, "PutKeyPolicy", EVERYTHING, **inside) == "ImplicitlyDenied"
    elsewhere = {"aws__PrincipalOrgID": "o-anotherorg1"}
    assert outcome(policy, theirs, "Decrypt", EVERYTHING, **elsewhere) == "ImplicitlyDenied"
    assert outcome(policy, theirs, "Decrypt", EVERYTHING) == "ImplicitlyDenied"
    # In the key's own account the key policy alone would allow it, to administrators too.
    for principal in (own, ADMIN):
        assert outcome(policy, principal, "Decrypt", **inside) == "ImplicitlyDenied"


def test_principals_with_the_tags_use_the_key() -> None:
    policy = document(key_policy_answer(principal_tags={"team": "orders"}))
    own = f"arn:aws:iam::{OWN}:role/Other"
    tagged = {"aws__PrincipalTag/team": "orders"}
    assert outcome(policy, own, "Decrypt", **tagged) == "Allowed"
    assert outcome(policy, own, "PutKeyPolicy", **tagged) == "ImplicitlyDenied"
    assert outcome(policy, own, "Decrypt", **{"aws__PrincipalTag/team": "billing"}) == (
        "ImplicitlyDenied"
    )
    assert outcome(policy, ADMIN, "Decrypt", **tagged) == "ImplicitlyDenied"
    theirs = f"arn:aws:iam::{OTHER}:role/Their"
    assert outcome(policy, theirs, "Decrypt", EVERYTHING, **tagged) == "ImplicitlyDenied"


def test_every_principal_and_every_allowed_action_is_in_the_proof() -> None:
    users = [f"role/u{n}" for n in range(6)]
    answer = key_policy_answer(users=users, via_service=["s3", "rds"], region="eu-west-1")
    proved = {
        (row["who"], action)
        for row in answer.facts["proved"]
        if row["outcome"] == "Allowed"
        for action in row["does"].split(", ")
    }
    for statement in document(answer)["Statement"][1:]:
        principals = statement["Principal"]["AWS"]
        for who in [principals] if isinstance(principals, str) else principals:
            assert {(who, action) for action in statement["Action"]} <= proved


def test_other_accounts_need_their_own_policy_too() -> None:
    policy = document(key_policy_answer(external_accounts=[OTHER]))
    theirs = f"arn:aws:iam::{OTHER}:role/Their"
    assert outcome(policy, theirs, "Decrypt") == "ImplicitlyDenied"
    assert outcome(policy, theirs, "Decrypt", EVERYTHING) == "Allowed"
    assert outcome(policy, theirs, "PutKeyPolicy", EVERYTHING) == "ImplicitlyDenied"


@pytest.mark.parametrize(
    ("usage", "does", "not_"),
    [
        ("sign", ("Sign", "Verify", "GetPublicKey", "DescribeKey"), "Decrypt"),
        ("mac", ("GenerateMac", "VerifyMac", "DescribeKey"), "Sign"),
        ("key_agreement", ("DeriveSharedSecret", "GetPublicKey"), "Decrypt"),
        (
            "key_encapsulation",
            ("Encapsulate", "Decapsulate", "GetPublicKey"),
            "DeriveSharedSecret",
        ),
        ("asymmetric_encrypt", ("Encrypt", "Decrypt", "GetPublicKey"), "GenerateDataKey"),
    ],
)
def test_other_kinds_of_keys_have_their_own_actions(
    usage: str, does: tuple[str, ...], not_: str
) -> None:
    answer = key_policy_answer(usage=usage)
    policy = document(answer)
    for action in does:
        assert outcome(policy, APP, action) == "Allowed"
    assert outcome(policy, APP, not_) == "ImplicitlyDenied"
    assert answer.findings == ()
    shell(answer.artifacts[1].content)


def test_the_answer_tells_who_can_and_who_cannot() -> None:
    answer = key_policy_answer()
    facts = answer.facts
    assert facts["administrators"] == [ADMIN]
    assert [row["who"] for row in facts["users"]] == [APP]
    assert "account" in facts["account_statement"]
    outcomes = {row["outcome"] for row in facts["proved"]}
    assert outcomes == {"Allowed", "ImplicitlyDenied"}
    assert len(json.dumps(to_json(answer)).encode()) < 12_000


def test_a_generated_policy_goes_through_a_pipe_into_the_check() -> None:
    command = [sys.executable, "-m", "aws_iam", "kms"]
    arguments = [
        "key_policy",
        "--account",
        OWN,
        "--admins",
        "role/KeyAdmin",
        "--users",
        "role/App",
    ]
    policy = subprocess.run([*command, *arguments], capture_output=True, check=True).stdout
    found = subprocess.run(
        [*command, "check", "--document", "-"], input=policy, capture_output=True, check=True
    )
    assert b"No problem found in the key policy" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"account": "12"}, "`account` is not well formed"),
        ({"admins": ["KeyAdmin"]}, "write role/KeyAdmin or user/KeyAdmin"),
        ({"users": [f"arn:aws:sts::{OWN}:assumed-role/App/run"]}, "name the role, with its path: role/App"),
        ({"users": ["group/Staff"]}, "groups cannot be principals"),
        ({"users": [f"arn:aws:iam::{OWN}:root"]}, "is the whole account"),
        ({"users": [f"arn:aws:iam::{OTHER}:root"]}, f"give the account in `external_accounts`: {OTHER}"),
        ({"account": "1111-22223333"}, "`account` is not well formed"),
        ({"organization": f"arn:aws:organizations::{OWN}:ou/o-exampleorg1/ou-ab12-11111111"}, "`organization` is not well formed"),
        ({"admins": [f"arn:aws:iam::{OTHER}:role/X"]}, "belongs to another account"),
        ({"users": ["role/*"]}, "it cannot contain `*`"),
        ({"users": ["role/App", "role/KeyAdmin"]}, "is in `admins` and in `users`"),
        ({"users": [f"role/u{n}" for n in range(101)]}, "more than 100"),
        ({"external_accounts": [OWN]}, "the key's own account"),
        ({"services": ["cloudwatch-log"]}, "did you mean `cloudwatch-logs`"),
        ({"services": ["vpc-logs"]}, "known guards; whether it needs a statement is not known here: its own documentation says"),
        ({"via_service": ["quantum-ledger"], "region": "eu-west-1"}, "and some later names); if the service's page names it"),
        ({"via_service": ["docdb"], "region": "eu-west-1"}, "did you mean `docdb-elastic`? If the service's page names it"),
        ({"via_service": ["documentdb"], "region": "eu-west-1"}, "did you mean `docdb-elastic`?"),
        ({"services": ["eventbridge"]}, "give one of `eventbridge-sns`, `eventbridge-sqs`"),
        ({"services": ["events"], "region": "eu-west-1"}, "`events.amazonaws.com` uses keys in several ways"),
        ({"services": ["trusted-advisor"]}, "the table has `cloudwatch-logs`"),
        ({"services": ["cloudtrail"]}, "needs the key's Region"),
        ({"replicas": ["eu-west-1"]}, "needs the primary key's Region"),
        ({"replicas": ["eu-west-1"], "region": "eu-west-1"}, "is the primary key's own Region"),
        ({"replicas": ["cn-north-1"], "region": "eu-west-1"}, "is not a Region of partition aws"),
        ({"replicas": ["e1"], "region": "eu-west-1"}, "`replicas` is not well formed"),
        ({"services": ["route53-dnssec"], "usage": "sign", "region": "us-east-1", "replicas": ["eu-west-1"]}, "accepts only keys in us-east-1"),
        ({"services": ["cloudtrail", "arn:aws:s3:::b"], "region": "eu-west-1"}, "is not a source of any"),
        ({"services": ["config", "arn:aws:config:eu-west-1:111122223333:x"]}, "is not a source of any"),
        ({"services": ["s3.amazonaws.com"]}, "uses keys in several ways"),
        ({"services": ["sns-sqs", f"arn:aws:sns:eu-west-1:{OWN}:a", f"arn:aws:sns:eu-west-1:{OTHER}:b"]}, "belong to several accounts"),
        ({"services": ["route53-dnssec"], "region": "us-east-1"}, "needs a key of `usage` sign"),
        ({"services": ["route53-dnssec"], "usage": "sign"}, "accepts only keys in us-east-1"),
        ({"services": ["macie"], "usage": "mac", "region": "eu-west-1"}, "needs a key of `usage` encrypt"),
        ({"via_service": ["s3"]}, "needs the key's Region"),
        ({"via_service": ["s3.us-east-1.amazonaws.com"], "region": "eu-west-1"}, "is not in eu-west-1"),
        ({"via_service": ["dynamodbb"], "region": "eu-west-1"}, "did you mean `dynamodb`"),
        ({"via_service": ["dynamodbb.eu-west-1.amazonaws.com"]}, "did you mean `dynamodb.eu-west-1.amazonaws.com`"),
        ({"via_service": ["foo"], "region": "eu-west-1"}, "it is then taken as unconfirmed"),
        ({"via_service": ["s3\x1b"], "region": "eu-west-1"}, "\\u001b"),
        ({"via_service": ["s3.moon-1.amazonaws.com"]}, "`via_service` is not well formed"),
        ({"only_via_service": True}, "needs `via_service`"),
        ({"users": [], "via_service": ["s3"], "region": "eu-west-1"}, "needs `users` or `external_accounts`"),
        ({"users": [], "via_service": ["s3"], "region": "eu-west-1", "external_accounts": [OTHER], "context": {"app": "x"}}, "which `via_service` excludes"),
        ({"users": [], "via_service": ["s3"], "region": "eu-west-1", "external_accounts": [OTHER], "organization": "o-exampleorg1"}, "those of `organization` would call KMS directly"),
        ({"use": "decrypt", "usage": "sign"}, "`use` is for keys that encrypt"),
        ({"use": "nothing"}, "`use` must be one of"),
        ({"use": "decrypt", "users": []}, "`use` needs `users`"),
        ({"organization": "o-1"}, "`organization` is not well formed"),
        ({"principal_tags": {"aws:x": "y"}}, "`principal_tags` is not well formed"),
        ({"principal_tags": {"team": "*"}}, "is not a tag value"),
        ({"services": ["cloudtrail"], "region": "us-iso-east-1", "admins": []}, "does not cover the key's partition"),
        ({"context": {"app": "${aws:username}"}}, "must be plain text"),
        ({"context": {"a\x1bp": "x"}}, "is not a valid key"),
        ({"context": "{"}, "is not JSON"),
        ({"context": {"app": "x"}, "usage": "sign"}, "`context` is for symmetric keys"),
        ({"users": [], "context": {"app": "x"}}, "`context` needs `users`"),
        ({"region": "cn-north-1", "admins": [ADMIN]}, "several partitions"),
        ({"usage": "wrap"}, "`usage` must be one of"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as raised:
        key_policy_answer(**arguments)
    assert message in str(raised.value)
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ({"account": "1111-2222-3333"}, {}),
        ({"account": "1111 2222 3333"}, {}),
        ({"account": f"arn:aws:iam::{OWN}:root"}, {}),
        ({"external_accounts": ["4444-5555-6666"]}, {"external_accounts": [OTHER]}),
        ({"organization": f"arn:aws:organizations::{OWN}:organization/o-exampleorg1"}, {"organization": "o-exampleorg1"}),
        ({"region": "EU-West-1", "services": ["logs"]}, {"region": "eu-west-1", "services": ["cloudwatch-logs"]}),
        ({"region": "eu-west-1", "services": ["CloudWatch Logs"]}, {"region": "eu-west-1", "services": ["logs"]}),
        ({"region": "eu-west-1", "services": ["AWS CloudTrail"]}, {"region": "eu-west-1", "services": ["cloudtrail"]}),
        ({"services": ["Auto Scaling"]}, {"services": ["auto-scaling"]}),
        ({"users": [f"arn:aws:iam::{OWN}:role/team/App"]}, {"users": ["role/team/App"]}),
        ({"users": "role/App"}, {}),
    ],
)  # fmt: skip
def test_what_has_one_meaning_is_taken(written: dict[str, Any], plain: dict[str, Any]) -> None:
    assert document(key_policy_answer(**written)) == document(key_policy_answer(**plain))


def test_flow_logs_are_delivered_by_the_service_of_log_deliveries() -> None:
    policy = document(key_policy_answer(services=["vpc-flow-logs"], region="eu-west-1"))
    principals = [statement["Principal"].get("Service") for statement in policy["Statement"]]
    assert "delivery.logs.amazonaws.com" in principals


def test_the_partition_comes_from_the_accounts_arn_too() -> None:
    policy = document(key_policy_answer(account=f"arn:aws-cn:iam::{OWN}:root"))
    assert policy["Statement"][0]["Principal"] == {"AWS": f"arn:aws-cn:iam::{OWN}:root"}


def test_a_policy_that_is_too_long_is_not_handed_out() -> None:
    long = [f"role/{'x' * 60}{n:03}" for n in range(100)]
    with pytest.raises(InputError, match=f"{MOST_BYTES:,}"):
        key_policy_answer(
            users=long,
            via_service=["s3.eu-west-1.amazonaws.com"],
            external_accounts=[f"arn:aws:iam::{OTHER}:{name}" for name in long],
        )


def test_a_policy_that_does_something_else_is_never_called_proved() -> None:
    access = KeyAccess(account=OWN, admins=(ADMIN,), users=(APP,))
    other = KeyAccess(account=OWN, admins=(APP,), users=(ADMIN,))
    with pytest.raises(NotProvedError):
        proof_rows(access, other.document())


_NAMES = st.lists(st.sampled_from([f"role/r{n}" for n in range(6)]), max_size=3, unique=True)


@settings(max_examples=examples(40), deadline=None)
@given(
    admins=_NAMES,
    users=_NAMES,
    via=st.lists(st.sampled_from(["s3", "rds", "ec2"]), max_size=2, unique=True),
    only=st.booleans(),
    context=st.dictionaries(st.sampled_from(["app", "team"]), st.sampled_from(["a", "b"])),
    usage=st.sampled_from(list(Usage)),
    outside=st.booleans(),
    copied=st.booleans(),
    use=st.sampled_from([None, *Use]),
    organization=st.sampled_from([None, "o-exampleorg1"]),
    tags=st.dictionaries(st.sampled_from(["team", "stage"]), st.sampled_from(["a", "b"])),
)
def test_every_generated_policy_is_proved_and_clean(
    *,
    admins: list[str],
    users: list[str],
    via: list[str],
    only: bool,
    context: dict[str, str],
    usage: Usage,
    outside: bool,
    copied: bool,
    use: Use | None,
    organization: str | None,
    tags: dict[str, str],
) -> None:
    given_ = KeyPolicyArguments(
        account=OWN,
        admins=admins,
        users=users,
        via_service=via,
        only_via_service=only,
        context=context,
        usage=usage,
        region="eu-west-1",
        external_accounts=[OTHER] if outside else None,
        replicas=["eu-north-1"] if copied else None,
        use=use,
        organization=organization,
        principal_tags=tags,
    )
    try:
        answer = key_policy.key_policy(given_, None)
    except InputError:
        return
    assert answer.findings == ()
    assert answer.facts["size_bytes"] <= MOST_BYTES


def test_two_services_that_work_together_are_named_by_that_use_first_and_once() -> None:
    answer = key_policy_answer(services=["sns", "sqs"])
    together = "If one of them sends to the other, give `sns-sqs`: that use needs a statement."
    assert answer.summary.index(together) < answer.summary.index("No statement names")
    assert answer.summary.count("`sns-sqs`") == 1
    assert "For other uses give `eventbridge-sns` and `eventbridge-sqs`" in answer.summary


@pytest.mark.parametrize("given", [{"services": ["sns"]}, {"via_service": ["sns"]}])
def test_the_list_of_via_service_does_not_date_the_whole_answer(given: dict[str, Any]) -> None:
    answer = key_policy_answer(**given, region="eu-west-1")
    assert answer.facts["names_in_via_service_as_of"] < answer.as_of
    assert answer.as_of >= key_policy_answer().as_of


def test_the_summary_names_the_services_that_get_no_statement_and_the_uses_that_have_one() -> None:
    answer = key_policy_answer(services=["sns", "codebuild"])
    assert "No statement names `sns` and `codebuild`" in answer.summary
    assert "For other uses give `eventbridge-sns` and `sns-sqs`" in answer.summary
