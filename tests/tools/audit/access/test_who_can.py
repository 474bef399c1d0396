"""Who can do something in an account: by policies, groups, boundaries, the resource's own policy, its key and grants."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.cli import command_line, exit_status
from aws_iam.errors import InputError
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import ACCOUNT, facts_of, snapshot
from helpers.folders import TESTS
from helpers.tables.asked_once import asked_once
from helpers.tables.each import for_each

if TYPE_CHECKING:
    from aws_iam.answer import Answer

CASES: list[dict[str, Any]] = json.loads(
    (TESTS / "cases" / "audit" / "access.json").read_text("utf-8")
)


@asked_once
def ask(case: dict[str, Any]) -> Answer:
    asked = {"action": "access", "who_can": case["who_can"], "on": case["on"]}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "account.json"
        snapshots.save(snapshot(facts_of(case), regions=("eu-west-1",)), file)
        return tool.run({**asked, "snapshot": str(file)}, cli=True)


def short(arn: str) -> str:
    return arn.removeprefix(f"arn:aws:iam::{ACCOUNT}:")


@for_each(CASES, name=lambda case: case["name"])
def test_everybody_who_can_is_listed_and_nobody_else(case: dict[str, Any]) -> None:
    answer = ask(case)
    rows = answer.facts["principals"]
    can = {short(row["principal"]): row for row in rows if row["verdict"] == "can"}
    assert sorted(can) == sorted(case["can"])
    for name, keys in case["can"].items():
        assert bool(can[name]["conditions"]) is bool(keys)
        assert all(key in " ".join(can[name]["conditions"]) for key in keys)
        assert can[name]["proof"]["because"] or keys or "grants" in json.dumps(case["facts"])
    unknown = [short(row["principal"]) for row in rows if row["verdict"] == "unknown"]
    assert sorted(unknown) == sorted(case.get("unknown", ()))
    assert all(row["why"] for row in rows if row["verdict"] == "unknown")
    partly = [short(row["principal"]) for row in rows if row.get("partly")]
    assert sorted(partly) == sorted(case.get("partly", ()))
    assert answer.facts["anyone"] is case.get("anyone", False)
    for list_ in ("outsiders", "services"):
        found = {row["principal"]: row["verdict"] for row in answer.facts[list_]}
        assert found == case.get(list_, {})
    for words in case.get("says", ()):
        assert words in f"{answer.summary} {answer.facts.get('understood', '')}"


@for_each(CASES, name=lambda case: case["name"])
def test_whoever_reads_the_summary_alone_is_not_misled(case: dict[str, Any]) -> None:
    said = ask(case).summary
    assert ("No user and no role" in said) is not bool(case["can"])
    assert ("not known" in said) is bool(
        case.get("unknown") or case.get("anyone", False) is None or "unknown" in case.get("outsiders", {}).values()
    )  # fmt: skip
    assert ("under conditions" in said) or not any(case["can"].values())


def test_policies_of_the_organization_that_were_not_read_are_said() -> None:
    user = {"name": "ann", "inline": [[{"Effect": "Allow", "Action": "*", "Resource": "*"}]]}
    unread = {"denied": "organizations:DescribeOrganization"}
    for facts, is_said in (({"organizations.organization": unread}, True), ({}, False)):
        case = {"users": [user], "facts": facts, "who_can": ["ec2:DescribeVpcs"], "on": None}
        said = ask(case).summary
        assert ("which may deny more, were not considered: " in said) is is_said


def test_resources_that_may_not_have_been_listed_are_said(tmp_path: Path) -> None:
    user = {"name": "ann", "inline": [[{"Effect": "Allow", "Action": "*", "Resource": "*"}]]}
    queue = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q"
    refused = {"denied": "sqs:ListQueues"}
    by_region = {"eu-west-1": [{"arn": queue, "document": None}], "us-east-1": refused}
    account = snapshot(
        facts_of({"users": [user], "facts": {"sqs.policies": by_region}}),
        regions=("eu-west-1", "us-east-1"),
    )
    file = tmp_path / "account.json"
    snapshots.save(account, file)
    for on, is_said in (("sqs:queue", True), (f"arn:aws:sqs:*:{ACCOUNT}:*", True), (queue, False)):
        asked = {"action": "access", "who_can": ["sqs:SendMessage"], "on": on}
        answer = tool.run({**asked, "snapshot": str(file)}, cli=True)
        assert [row["verdict"] for row in answer.facts["principals"]] == ["can"]
        assert ("There may be more of" in answer.summary) is is_said
        assert ("not_judged" in answer.facts) is is_said
    part = snapshot(facts_of({"users": [user], "facts": {"sqs.policies": {"eu-west-1": by_region["eu-west-1"]}}}), regions=("eu-west-1",), enabled=("eu-west-1", "us-east-1"))  # fmt: skip
    snapshots.save(part, file)
    asked = {"action": "access", "who_can": ["sqs:SendMessage"], "on": "sqs:queue"}
    said = tool.run({**asked, "snapshot": str(file)}, cli=True).summary
    assert "1 of 2 enabled Regions were read" in said


def test_accounts_together_decide_across_their_borders(tmp_path: Path) -> None:
    other = "444455556666"
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    caller = f"arn:aws:iam::{other}:role/etl"
    bucket = {"Effect": "Allow", "Principal": {"AWS": caller}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::books/*"}  # fmt: skip
    text = json.dumps({"Version": "2012-10-17", "Statement": [bucket]})
    books = {"s3.bucket_policies": [{"bucket": "books", "document": text}]}
    owner = facts_of({"users": [{"name": "ann"}], "facts": books})
    roles = [{"name": "etl", "inline": [[reading]]}, {"name": "else", "inline": [[reading]]}]
    theirs = facts_of({"roles": roles, "facts": {"s3.bucket_policies": []}}, account=other)
    snapshots.save(snapshot(owner), tmp_path / "owner.json")
    snapshots.save(snapshot(theirs, id=other), tmp_path / "theirs.json")
    asked = {"action": "access", "who_can": ["s3:GetObject"], "on": "arn:aws:s3:::books/x"}
    answer = tool.run({**asked, "snapshot": str(tmp_path)}, cli=True)
    assert [(row["principal"], row["verdict"]) for row in answer.facts["principals"]] == [(caller, "can")]  # fmt: skip
    alone = tool.run({**asked, "snapshot": str(tmp_path / "theirs.json")}, cli=True)
    assert {row["verdict"] for row in alone.facts["principals"]} == {"unknown"}


@pytest.mark.parametrize(
    ("who", "on", "says"),
    [
        ([], None, "needs `who_can`"),
        (["s3:GetObjekt"], "s3:bucket", "s3:GetObject"),
        (["nothing:*"], "*", "matches no known action"),
        (["s3:GetObject"], "arn:aws:sqs:eu-west-1:111122223333:q", "never asked on"),
        (["s3:GetObject"], "s3:buckets", "s3:bucket"),
        (["dynamodb:GetItem"], "dynamodb:table", "was read"),
        (["s3:*"], "s3:bucket", "more than"),
    ],
)
def test_a_question_that_cannot_be_asked_is_told_what_would_work(
    who: list[str], on: str | None, says: str
) -> None:
    with pytest.raises(InputError) as refused:
        tool.run({"action": "access", "who_can": who, "on": on, "demo": True}, cli=True)
    assert says in f"{refused.value} {refused.value.hint}"


@pytest.mark.parametrize("on", [None, "*"])
def test_without_a_resource_every_one_that_the_action_needs_is_meant(on: str | None) -> None:
    asked = {"action": "access", "who_can": ["iam:CreateUser"], "demo": True}
    answer = tool.run({**asked, "on": on} if on else asked, cli=True)
    every = tool.run({**asked, "on": "arn:aws:iam::*:user/*"}, cli=True)
    assert answer.facts["principals"] == every.facts["principals"]
    told = "`iam:CreateUser` without `on`, as on `arn:aws:iam::*:user/*`"
    assert (answer.facts["on"], answer.facts["understood"]) == ("*", [told])


def test_without_a_resource_the_policies_of_buckets_decide_and_no_access_point(
    tmp_path: Path,
) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::books", "arn:aws:s3:::books/*"]}  # fmt: skip
    text = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    reading = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    facts = {"s3.bucket_policies": [{"bucket": "books", "document": text}]}
    users = [{"name": "ann", "inline": [[reading]]}]
    file = tmp_path / "account.json"
    snapshots.save(snapshot(facts_of({"users": users, "facts": facts})), file)
    asked = {"action": "access", "who_can": ["s3:GetObject"], "snapshot": str(file)}
    assert tool.run(asked, cli=True).facts["principals"] == []


def test_an_action_on_several_kinds_is_nobodys_who_lacks_one_of_them(tmp_path: Path) -> None:
    launch = {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"}
    images = {**launch, "Resource": "arn:aws:ec2:*::image/*"}
    subnets = {**launch, "Effect": "Deny", "Resource": "arn:aws:ec2:*:*:subnet/*"}
    one = {**subnets, "Resource": "arn:aws:ec2:*:*:subnet/subnet-1"}
    users = {"images": [images], "no-subnet": [launch, subnets], "all": [launch], "but-one": [launch, one]}  # fmt: skip
    case = {"users": [{"name": name, "inline": [own]} for name, own in users.items()]}
    file = tmp_path / "account.json"
    snapshots.save(snapshot(facts_of(case)), file)
    asked = {"action": "access", "who_can": ["ec2:RunInstances"], "snapshot": str(file)}
    rows = tool.run(asked, cli=True).facts["principals"]
    assert {short(row["principal"]): row.get("partly", False) for row in rows} == {
        "user/all": False,
        "user/but-one": True,
    }


def test_resources_of_every_partition_of_the_accounts_are_asked_about(tmp_path: Path) -> None:
    for number, (account, partition) in enumerate(PARTITIONS):
        passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
        text = json.dumps(facts_of({"users": [{"name": "ann", "inline": [[passing]]}]}))
        own = json.loads(text.replace(ACCOUNT, account).replace("arn:aws:", f"arn:{partition}:"))
        found = snapshot(own, id=account, partition=partition)
        snapshots.save(found, tmp_path / f"{number}.json")
    asked = {"action": "access", "who_can": ["iam:PassRole"], "snapshot": str(tmp_path)}
    rows = tool.run(asked, cli=True).facts["principals"]
    assert {row["principal"]: row["on"] for row in rows} == {
        f"arn:{partition}:iam::{account}:user/ann": [f"arn:{partition}:iam::{account}:role/x"]
        for account, partition in PARTITIONS
    }


PARTITIONS = (("111122223333", "aws"), ("444455556666", "aws-us-gov"))


def test_a_kind_of_which_nothing_could_be_listed_is_not_evaluated(tmp_path: Path) -> None:
    words = ["audit", "access", "s3:GetObject", "--on", "s3:bucket", "--snapshot"]
    file = tmp_path / "account.json"
    for listed, status in (
        ({"denied": "s3:ListAllMyBuckets"}, exit_status.UNREADABLE),
        ([], exit_status.WRONG),
    ):
        snapshots.save(snapshot(facts_of({"facts": {"s3.bucket_policies": listed}})), file)
        assert command_line.main([*words, str(file)], {}) == status


def test_the_command_takes_the_actions_by_position(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["audit", "access", "s3:GetObject", "--on", "s3:bucket", "--demo", "--quiet"]
    assert command_line.main(words, {}) == exit_status.OK
    assert "can perform `s3:GetObject` on `s3:bucket`" in capsys.readouterr().out


def test_what_is_not_known_can_end_a_pipeline(tmp_path: Path) -> None:
    case = next(own for own in CASES if own.get("unknown"))
    file = tmp_path / "account.json"
    snapshots.save(snapshot(facts_of(case), regions=("eu-west-1",)), file)
    words = ["audit", "access", *case["who_can"], "--on", case["on"], "--snapshot", str(file)]
    assert command_line.main([*words, "--fail-on-unknown"], {}) == exit_status.FOUND
    assert command_line.main(words, {}) == exit_status.OK
