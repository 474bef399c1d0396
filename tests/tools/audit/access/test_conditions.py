"""What whoever can do something must meet, and on which part of a pattern: conditions by key and value, samples, proofs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.errors import InputError
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import ACCOUNT, facts_of, snapshot
from helpers.folders import TESTS

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Answer

CASES: list[dict[str, Any]] = json.loads(
    (TESTS / "cases" / "audit" / "access-conditions.json").read_text("utf-8")
)


def ask(case: dict[str, Any], folder: Path) -> Answer:
    file = folder / "account.json"
    snapshots.save(snapshot(facts_of(case)), file)
    asked = {"action": "access", "who_can": case["who_can"], "on": case["on"]}
    return tool.run({**asked, "snapshot": str(file)}, cli=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_each_caller_has_its_conditions_and_a_proof_that_allows(
    case: dict[str, Any], tmp_path: Path
) -> None:
    rows = ask(case, tmp_path).facts["principals"]
    by_name = {row["principal"].removeprefix(f"arn:aws:iam::{ACCOUNT}:"): row for row in rows}
    can = {name: row for name, row in by_name.items() if row["verdict"] == "can"}
    assert sorted(can) == sorted(case["can"])
    assert sorted(set(by_name) - set(can)) == case.get("unknown", [])
    for name, expected in case["can"].items():
        row = can[name]
        assert row["conditions"] == expected["conditions"]
        assert row.get("partly", False) is expected.get("partly", False)
        assert "on" not in expected or row["on"] == expected["on"]
        assert [own["conditions"] for own in row.get("besides", [])] == expected.get("besides", [])
        assert row["proof"]["outcome"] == "Allowed"
        assert any(own["effect"] == "Allow" for own in row["proof"]["because"])


def test_endpoints_whose_policies_were_refused_are_told_where_somebody_needs_them(
    tmp_path: Path,
) -> None:
    case = next(own for own in CASES if own["name"].startswith("an endpoint whose policy is for"))
    facts = {**case["facts"], "ec2.vpc_endpoint_policies": {"us-east-1": {"denied": "ec2:DescribeVpcEndpoints"}}}  # fmt: skip
    found = ask({**case, "facts": facts}, tmp_path).facts
    assert found["principals"][0]["conditions"] == ["`aws:SourceVpce` is `vpce-1`"]
    assert "ec2:DescribeVpcEndpoints" in {row["needs"] for row in found["not_read"]}
    open_ = {**facts, "s3.bucket_policies": [{"bucket": "books", "document": None}]}
    found = ask({**case, "facts": open_}, tmp_path).facts
    assert "ec2:DescribeVpcEndpoints" not in {row["needs"] for row in found.get("not_read", ())}


def test_why_it_is_unknown_tells_gaps_of_aws_from_open_conditions(tmp_path: Path) -> None:
    case = next(own for own in CASES if own["name"].startswith("an endpoint lets through what"))
    (endpoint,) = case["facts"]["ec2.vpc_endpoint_policies"]["us-east-1"]
    named = endpoint["document"].replace('"*"', f'{{"AWS": "arn:aws:iam::{ACCOUNT}:user/ann"}}', 1)
    facts = {**case["facts"], "ec2.vpc_endpoint_policies": {"us-east-1": [{**endpoint, "document": named}]}}  # fmt: skip
    (row,) = ask({**case, "facts": facts}, tmp_path).facts["principals"]
    assert row["verdict"] == "unknown"
    assert "the policy of a gateway needs the principal `*`" in row["why"]
    assert "(its conditions may hold or not)" in row["why"]
    assert "AWS does not document" not in row["why"]


def _user(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"users": [{"name": "ann", "inline": [list(statements)]}], "facts": {"s3.bucket_policies": [{"bucket": "books", "document": None}]}}  # fmt: skip


def test_where_patterns_are_too_many_nobody_is_ruled_out(tmp_path: Path) -> None:
    stars = [f"arn:aws:s3:::books/*{a}*{b}*" for a in "abcdefgh" for b in "ijklmnop"]
    refusing = [{"Effect": "Deny", "Action": "s3:*", "Resource": own} for own in stars]
    limit = {"Effect": "Deny", "Action": "s3:*", "NotResource": stars[:40]}
    allowing = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    case = {"who_can": ["s3:GetObject"], "on": "arn:aws:s3:::books/*", **_user(allowing, *refusing, limit)}  # fmt: skip
    (row,) = ask(case, tmp_path).facts["principals"]
    assert row["verdict"] == "unknown"
    assert row["why"]


def test_where_conditions_are_too_many_nobody_is_ruled_out(tmp_path: Path) -> None:
    refusing = [
        {
            "Effect": "Deny", "Action": "s3:*", "Resource": "*",
            "Condition": {"StringEquals": {f"aws:RequestTag/{key}": value for key in "abcdefgh"}},
        }
        for value in (f"v{number}" for number in range(40))
    ]  # fmt: skip
    allowing = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    case = {
        "who_can": ["s3:GetObject"],
        "on": "arn:aws:s3:::books/x",
        **_user(allowing, *refusing),
    }
    (row,) = ask(case, tmp_path).facts["principals"]
    assert row["verdict"] in {"can", "unknown"}
    assert row["conditions"] or row["why"]


@pytest.mark.parametrize(
    ("who", "on", "says"),
    [
        ("s3:DeleteJobTagging", "arn:aws:s3:::books", "never asked on"),
        ("s3:ListBucket", "arn:aws:s3:::books/x", "never asked on"),
        ("ec2:DescribeInstances", "hello world", "takes no resource"),
    ],
)
def test_what_an_action_does_not_take_is_said(
    who: str, on: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refused:
        ask({"who_can": [who], "on": on, **_user()}, tmp_path)
    assert says in f"{refused.value} {refused.value.hint}"


def test_actions_of_a_pattern_without_a_resource_are_left_out(tmp_path: Path) -> None:
    listing = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    case = {"who_can": ["s3:List*"], "on": "arn:aws:s3:::books", **_user(listing)}
    answer = ask(case, tmp_path)
    assert "s3:ListBucket" in answer.facts["who_can"]
    assert "s3:ListAllMyBuckets" not in answer.facts["who_can"]
    assert answer.facts["principals"] == []
