"""Tags of users and roles decide conditions on every path where nobody on the way can change them; else they stay open."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import ACCOUNT, arn, facts_of, snapshot
from helpers.folders import TESTS

CASES: list[dict[str, Any]] = json.loads(
    (TESTS / "cases" / "audit" / "paths-tags.json").read_text("utf-8")
)


def ask(case: dict[str, Any], **question: str) -> dict[str, Any]:
    return told_of(facts_of(case), **question)


def told_of(facts: dict[str, Any], **question: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "account.json"
        snapshots.save(snapshot(facts), file)
        asked = {"action": "access", "snapshot": str(file), **question}
        return dict(tool.run(asked, cli=True).facts)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_tags_that_nobody_changes_decide(case: dict[str, Any]) -> None:
    told = ask(case, to="admin")
    shortest = {path["from"]: path["hops"] for path in reversed(told["paths"])}
    found = {
        row["principal"].removeprefix(f"arn:aws:iam::{ACCOUNT}:"): [
            words for hop in shortest[row["principal"]] for words in hop["conditions"]
        ]
        if row["verdict"] == "can_become"
        else None
        for row in told["principals"]
    }
    assert found == case["finds"]


NAMES = ("ann", "bob", "cid", "adm")
values = st.sampled_from(["red", "blue"])
tags = st.fixed_dictionaries(dict.fromkeys(NAMES, values))
statements = st.lists(
    st.tuples(
        st.sampled_from(["Allow", "Allow", "Deny"]),
        st.sampled_from(["iam:CreateAccessKey", "iam:PutUserPolicy", "iam:*"]),
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
        st.one_of(st.none(), values),
        st.one_of(st.none(), values, st.just("${aws:PrincipalTag/team}")),
    ),
    max_size=3,
)


def holds(of: dict[str, str], who: str, on: str, caller: str | None, target: str | None) -> bool:
    wanted = of[who] if target == "${aws:PrincipalTag/team}" else target
    return caller in {None, of[who]} and wanted in {None, of[on]}


def written(effect: str, action: str, on: list[str], *of_tags: str | None) -> dict[str, Any]:
    keys = dict(zip(("aws:PrincipalTag/team", "aws:ResourceTag/team"), of_tags, strict=False))
    asked = {key: value for key, value in keys.items() if value is not None}
    statement = {
        "Effect": effect,
        "Action": action,
        "Resource": [arn(f"user/{own}") for own in on],
    }
    return statement | ({"Condition": {"StringEquals": asked}} if asked else {})


def account(policies: dict[str, list[Any]], of: dict[str, str]) -> dict[str, Any]:
    everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    return {
        "users": [
            {
                "name": name,
                "inline": [own for own in (policies.get(name), everything if name == "adm" else None) if own],
                "tags": [{"key": "team", "value": of[name]}],
            }
            for name in NAMES
        ]
    }  # fmt: skip


@given(tags, st.fixed_dictionaries(dict.fromkeys(NAMES[:3], statements)))
def test_the_same_as_without_conditions_on_what_meets_them(
    of: dict[str, str], said: dict[str, list[Any]]
) -> None:
    # Who may do everything to somebody may tag it, too: those conditions stay open.
    tagging = any(
        own[0] == "Allow" and own[1] == "iam:*" for every in said.values() for own in every
    )
    asking = {name: [written(*own) for own in every] for name, every in said.items()}
    decided = {
        name: [
            written(effect, action, met)
            for effect, action, on, *asked in every
            if (met := [own for own in on if holds(of, name, own, *asked)])
        ]
        for name, every in said.items()
    }  # fmt: skip
    found, expected = (ask(account(own, of), to="admin") for own in (asking, decided))
    verdicts = {row["principal"] for row in found["principals"]}
    assert verdicts >= {row["principal"] for row in expected["principals"]}
    if not tagging:
        assert found["principals"] == expected["principals"]
        assert {tuple((hop["from"], hop["to"], *hop["actions"]) for hop in path["hops"]) for path in found["paths"]} == {
            tuple((hop["from"], hop["to"], *hop["actions"]) for hop in path["hops"]) for path in expected["paths"]
        }  # fmt: skip
        assert not any(hop["conditions"] for path in found["paths"] for hop in path["hops"])


def test_whoever_writes_a_policy_within_a_boundary_of_aws_may_tag_itself() -> None:
    red = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    own = [{"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": arn("user/ann")}]
    everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    facts = facts_of(
        {
            "users": [
                {"name": "ann", "inline": [own], "tags": [{"key": "team", "value": "blue"}]},
                {"name": "adm", "inline": [everything], "tags": []},
            ]
        }
    )
    limit = "arn:aws:iam::aws:policy/IAMUserChangePassword"
    facts["iam.authorization"]["users"][0]["boundary"] = limit
    keys = [
        {"Effect": "Allow", "Action": ["iam:TagUser", "iam:PutUserPolicy"], "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "*", "Condition": red},
    ]
    text = json.dumps({"Version": "2012-10-17", "Statement": keys})
    facts["iam.authorization"]["policies"].append(
        {"name": "limit", "arn": limit, "document": text, "versions": []}
    )
    told = told_of(facts, to="admin")
    found = {row["principal"]: row["verdict"] for row in told["principals"]}
    assert found == {arn("user/adm"): "administrator", arn("user/ann"): "can_become"}


def test_what_a_principal_can_do_leaves_out_what_its_tags_rule_out() -> None:
    red = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    own = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": red}]
    more = [{"Effect": "Allow", "Action": "iam:TagUser", "Resource": "*"}]

    def services(team: str | None, *policies: Any) -> dict[str, bool]:
        tags = {} if team is None else {"tags": [{"key": "team", "value": team}]}
        case = {"users": [{"name": "ann", "inline": [*policies], **tags}]}
        rows = ask(case, principal="ann")["access"]
        return {row["service"]: row.get("under_conditions", False) for row in rows}

    assert services("red", own) == {"s3": False}
    assert services("blue", own) == {}
    assert services(None, own) == {"s3": True}
    assert services("blue", own, more) == {"s3": True, "iam": False}


def test_a_path_to_a_resource_knows_tags_too() -> None:
    red = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    read = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::books/*", "Condition": red}]  # fmt: skip
    keys = [{"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": arn("user/reader")}]
    for team, expected in (("red", {"user/ann"}), ("blue", set())):
        case = {
            "users": [
                {"name": "reader", "inline": [read], "tags": [{"key": "team", "value": team}]},
                {"name": "ann", "inline": [keys], "tags": []},
            ],
            "facts": {"s3.bucket_policies": [{"bucket": "books", "document": None}]},
        }
        told = ask(case, to="arn:aws:s3:::books/x")
        found = {
            row["principal"].removeprefix(f"arn:aws:iam::{ACCOUNT}:") for row in told["principals"]
        }
        assert found == expected
