"""What a principal can do: in effect, with what resources add; and questions that cannot be asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.cli import command_line, exit_status
from aws_iam.errors import InputError
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.paths.to_summary import first_gap
from helpers.cis_snapshots import ACCOUNT, arn, facts_of, snapshot

if TYPE_CHECKING:
    from pathlib import Path

OTHER = "444455556666"


def ask(folder: Path, case: dict[str, Any], **question: Any) -> Any:
    file = folder / "account.json"
    snapshots.save(snapshot(facts_of(case)), file)
    return tool.run({"action": "access", "snapshot": str(file), **question}, cli=True)


def allow(*actions: str, on: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def test_access_is_what_identity_boundary_and_denies_leave(tmp_path: Path) -> None:
    denied = {"Effect": "Deny", "Action": "s3:PutBucketPolicy", "Resource": "*"}
    own = [allow("s3:*", on="arn:aws:s3:::books/*"), allow("s3:PutBucketPolicy", "sqs:*"), denied]
    case = {
        "users": [{"name": "ann", "inline": [own], "boundary": "limit"}],
        "policies": {"limit": [allow("s3:*", "iam:*")]},
    }
    (row,) = ask(tmp_path, case, principal="ann").facts["access"]
    assert row["service"] == "s3"
    assert row["resources"] == ["arn:aws:s3:::books/*"]
    assert "s3:GetObject" in row["actions"]
    assert "s3:PutBucketPolicy" not in row["actions"]


def test_access_counts_what_the_policy_of_a_resource_gives(tmp_path: Path) -> None:
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"
    statement = {"Effect": "Allow", "Principal": {"AWS": arn("user/ann")}, "Action": "sqs:SendMessage", "Resource": queue}  # fmt: skip
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    queues = {"sqs.policies": {"us-east-1": [{"arn": queue, "document": text}]}}
    case = {"users": [{"name": "ann"}, {"name": "bob"}], "facts": queues}
    (row,) = ask(tmp_path, case, principal="ann").facts["access"]
    assert (row["service"], row["levels"], row["given_by"]) == ("sqs", ["Write"], [queue])
    assert "under_conditions" not in row
    assert ask(tmp_path, case, principal="bob").facts["access"] == []


def test_an_administrator_can_do_what_the_organization_permits(tmp_path: Path) -> None:
    denied = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    policies = [
        {
            "id": name,
            "name": name,
            "type": "SERVICE_CONTROL_POLICY",
            "targets": ["r-1", ACCOUNT],
            "document": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        }
        for name, statement in (("full", allow("*")), ("no-s3", denied))
    ]
    organization = {
        "organizations.organization": {"id": "o-a1b2c3d4e5", "management_account": OTHER, "feature_set": "ALL"},
        "organizations.tree": {
            "units": [{"id": "r-1", "name": "Root", "policy_types": ["SERVICE_CONTROL_POLICY"]}],
            "members": [{"id": ACCOUNT, "name": "a", "parent": "r-1"}],
        },
        "organizations.guardrails": policies,
    }  # fmt: skip
    ann = {"name": "ann", "inline": [[allow("*")]]}
    for facts, says in (
        (organization, "it can do everything that the organization permits, and"),
        ({}, "it can do everything, and"),
    ):
        assert says in ask(tmp_path, {"users": [ann], "facts": facts}, principal="ann").summary


def test_conditions_are_said_to_be_left_open(tmp_path: Path) -> None:
    own = allow("s3:GetObject", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    case = {"users": [{"name": "ann", "inline": [[own]]}]}
    answer = ask(tmp_path, case, principal="ann")
    assert [row["under_conditions"] for row in answer.facts["access"]] == [True]
    assert "Conditions count as met" in answer.summary


def test_what_was_not_read_of_a_principal_is_said(tmp_path: Path) -> None:
    case = {"users": [{"name": "ann", "attached": ["gone"]}], "policies": {"gone": None}}
    answer = ask(tmp_path, case, principal="ann")
    assert "policy `gone` could not be read" in answer.summary
    assert answer.facts["not_judged"]
    assert "No policy that was read gives `user/ann` any access." in answer.summary


@pytest.mark.parametrize("of", [{"principal": "adm"}, {"to": "admin"}])
def test_a_policy_that_cannot_be_used_is_named_with_why(
    of: dict[str, str], tmp_path: Path
) -> None:
    facts = facts_of({"roles": [{"name": "adm", "inline": [[allow("*")]]}]})
    facts["iam.authorization"]["roles"][0]["inline"][0]["document"] = "{nope"
    snapshots.save(snapshot(facts), tmp_path / "account.json")
    asked = {"action": "access", "snapshot": str(tmp_path / "account.json"), **of}
    answer = tool.run(asked, cli=True)
    assert "`role/adm p0`: the document is not JSON at line 1:2" in answer.summary
    assert answer.facts["not_judged"][0]["place"] == arn("role/adm")


@pytest.mark.parametrize(
    ("number", "says"), [(1, "."), (2, ", and 1 more gap."), (3, ", and 2 more gaps.")]
)
def test_the_first_gap_is_told_and_the_others_are_counted(number: int, says: str) -> None:
    gaps = [{"place": "`user/ann`", "why": "unread"}] * number
    assert list(first_gap(gaps)) == [f"Not judged: `user/ann`: unread{says}"]


def test_that_it_can_become_an_administrator_comes_first(tmp_path: Path) -> None:
    case = {"users": [{"name": "ann", "inline": [[allow("iam:PutUserPolicy", "s3:*")]]}]}
    summary = ask(tmp_path, case, principal="ann").summary
    assert summary.startswith("`user/ann` can become an administrator: ")
    assert "`user/ann` has access to 2 services" in summary


def test_a_name_that_several_have_is_refused_with_their_arns(tmp_path: Path) -> None:
    case = {"users": [{"name": "app"}], "roles": [{"name": "app"}, {"name": "other"}]}
    with pytest.raises(InputError) as refused:
        ask(tmp_path, case, principal="app")
    assert arn("user/app") in refused.value.message
    assert arn("role/app") in refused.value.message
    answer = ask(tmp_path, case, principal="role/app")
    assert answer.facts["principal"] == arn("role/app")
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/other/session"
    assert ask(tmp_path, case, principal=session).facts["principal"] == arn("role/other")


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"principal": "anne"}, "did you mean `ann`"),
        ({"to": "nobody-of-that-name"}, "no user, role or group"),
        ({"principal": "ann", "to": "admin"}, "different questions"),
        ({"principal": "ann", "who_can": ["s3:GetObject"]}, "different questions"),
        ({"to": "admin", "who_can": ["s3:GetObject"]}, "only where `to` is a resource"),
        ({"to": "admin", "on": "arn:aws:s3:::books"}, "different questions"),
        ({"to": f"arn:aws:elasticache:eu-west-1:{ACCOUNT}:cluster:c"}, "name the actions"),
    ],
)
def test_a_question_that_cannot_be_asked_says_what_would_work(
    question: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refused:
        ask(tmp_path, {"users": [{"name": "ann"}]}, **question)
    assert says in f"{refused.value.message} {refused.value.hint}"


def test_an_account_whose_users_were_not_read_is_no_all_clear(tmp_path: Path) -> None:
    unread = {"iam.authorization": {"denied": "iam:GetAccountAuthorizationDetails"}}
    file = tmp_path / "account.json"
    snapshots.save(snapshot(facts_of({}) | unread), file)
    asked = {"action": "access", "to": "admin", "snapshot": str(file)}
    answer = tool.run(asked, cli=True)
    assert "is not known" in answer.summary
    assert answer.facts["nothing_evaluated"]
    for question in (["--to", "admin"], ["--principal", "ann"]):
        words = ["audit", "access", *question, "--snapshot", str(file)]
        assert command_line.main(words, {}) == exit_status.UNREADABLE


def test_the_command_fails_where_an_outsider_becomes_an_administrator(tmp_path: Path) -> None:
    everyone = [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]
    role = {"name": "up", "inline": [[allow("iam:PutRolePolicy")]], "trust": everyone}
    file = tmp_path / "account.json"
    snapshots.save(snapshot(facts_of({"roles": [role]})), file)
    words = ["audit", "access", "--to", "admin", "--snapshot", str(file), "--quiet"]
    assert command_line.main(words, {}) == exit_status.FOUND
