"""Escalation paths: opened by exactly their actions, closed by a Deny, a condition or a limit of resources."""

from __future__ import annotations

import json

import pytest

from aws_iam import resources
from aws_iam.engine.effective.access import access
from aws_iam.engine.effective.escalation import (
    ASSET,
    NEW_COMPUTE,
    EscalationPath,
    escalation_paths,
    open_paths,
)
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.gather import one_policy
from aws_iam.tools.audit.principals.escalation_paths import KNOWN_PREREQUISITES
from aws_iam.tools.audit.principals.targets import TARGET_FINDERS

DATA = json.loads(resources.text(ASSET))
RETIRED = {row["id"] for row in DATA["paths"] if row.get("status") == "retired"}
# Worth nothing without the trust policies: never told.
JUDGED = [p for p in escalation_paths() if p.id not in RETIRED and p.id != "sts-assume-role"]


def allow(action: object, resource: object = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object, **more: object) -> dict[str, object]:
    return {**allow(action, **more), "Effect": "Deny"}


def opened(*statements: object) -> set[str]:
    given = one_policy({"Version": "2012-10-17", "Statement": list(statements)})
    return {path.path.id for path in open_paths(access([given]))}


def actions(path: EscalationPath) -> list[str]:
    return [need.action for need in path.required]


@pytest.mark.parametrize("path", JUDGED, ids=lambda path: path.id)
def test_a_path_is_opened_by_its_actions_and_closed_without_any_one_of_them(
    path: EscalationPath,
) -> None:
    whole = opened(allow(actions(path)))
    # Where a part of the actions is a path of its own, that is the one to tell.
    assert path.id in whole or whole & path.smaller
    for action in actions(path):
        rest = [other for other in actions(path) if other != action]
        assert not rest or path.id not in opened(allow(rest))
        assert path.id not in opened(allow(actions(path)), deny(action))


NEW = [path for path in JUDGED if path.family == NEW_COMPUTE]


@pytest.mark.parametrize("path", NEW, ids=lambda path: path.id)
def test_new_compute_needs_every_role_and_the_service(path: EscalationPath) -> None:
    others = [action for action in actions(path) if action != "iam:PassRole"]
    rest = allow(others)
    named = "arn:aws:iam::111122223333:role/app"
    assert path.id not in opened(rest, allow("iam:PassRole", named))

    def passing(**service: str) -> set[str]:
        return opened(rest, allow("iam:PassRole", Condition={"StringEquals": service}))

    key = "iam:PassedToService"
    assert path.id not in passing(**{key: "never.amazonaws.com"})
    for service in path.may_pass_to:
        fitting = passing(**{key: service})
        assert path.id in fitting or fitting & path.smaller


@pytest.mark.parametrize(
    "statements",
    [
        [allow("iam:PutUserPolicy", "arn:aws:iam::*:user/team/*")],
        [allow("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}")],
        [
            allow(
                "iam:AttachRolePolicy",
                Condition={
                    "ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
                },
            )
        ],
        [
            allow("iam:PutRolePolicy"),
            deny(
                "iam:*",
                Condition={
                    "StringNotEquals": {
                        "iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/limit"
                    }
                },
            ),
        ],
        [
            allow(
                "lambda:UpdateFunctionCode",
                Condition={"StringEquals": {"aws:ResourceTag/team": "a"}},
            )
        ],
        [allow("lambda:UpdateFunctionCode", "arn:aws:lambda:*:*:function:mine-*")],
        [allow("sts:AssumeRole")],
        [allow("ec2:RunInstances")],
        [allow(["iam:Get*", "iam:List*", "s3:*"])],
    ],
)
def test_a_limit_closes_the_path(statements: list[object]) -> None:
    assert opened(*statements) == set()


@pytest.mark.parametrize(
    ("statement", "path"),
    [
        (allow("iam:PutUserPolicy", "arn:aws:iam::*:user/${aws:username}"), "iam-put-user-policy"),
        (allow("iam:PutUserPolicy", "arn:aws:iam::111122223333:user/*"), "iam-put-user-policy"),
        ({"Effect": "Allow", "NotAction": ["s3:*", "iam:CreateUsr"], "Resource": "*"}, "iam-put-user-policy"),
        (
            allow(
                "iam:PutUserPolicy",
                Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}},
            ),
            "iam-put-user-policy",
        ),
    ],
)  # fmt: skip
def test_what_limits_nothing_leaves_the_path_open(statement: dict[str, object], path: str) -> None:
    assert path in opened(statement)


def test_a_tag_of_the_role_does_not_limit_passing_it() -> None:
    tagged = {"StringEquals": {"iam:ResourceTag/team": "a"}}
    found = opened(
        allow(["lambda:CreateFunction", "lambda:InvokeFunction"]),
        allow("iam:PassRole", Condition=tagged),
    )
    assert found == {"pass-lambda-invoke"}


def test_the_smaller_path_is_told_alone() -> None:
    assert opened(allow(["iam:AttachRolePolicy", "sts:AssumeRole"])) == {"iam-attach-role-policy"}


def test_every_path_names_known_actions_and_whence_it_is_known() -> None:
    ids = {row["id"] for row in DATA["paths"]}
    assert len(ids) == len(DATA["paths"])
    collections = set(DATA["collections"])
    for row in DATA["paths"]:
        assert set(row.get("contains_smaller_paths", ())) <= ids
        assert set(row["collections"]) <= collections
        if row.get("status") == "retired" or row["class"] == "broad grant":
            continue
        for need in row["required"]:
            assert catalog().tier(need["action"]) == "known", row["id"]


def test_what_an_account_is_asked_for_stands_in_the_catalogue() -> None:
    on = {path.required[0].on for path in escalation_paths()} - {"", "the role to pass"}
    assert on == set(TARGET_FINDERS)
    assert {
        prerequisite for path in escalation_paths() for prerequisite in path.prerequisites
    } >= KNOWN_PREREQUISITES


def test_the_lists_of_risky_actions_name_known_actions() -> None:
    risks = json.loads(resources.text("assets/data/action-risks.json"))
    for row in risks["risks"].values():
        assert set(row.get("minor", ())) | set(row.get("major", ())) <= set(row["actions"])
        for action in row["actions"]:
            known = catalog().action(action)
            assert known is not None
            assert known.full_name == action
