"""Escalation paths: opened by exactly their actions, closed by a Deny, a condition or a limit of resources."""

from __future__ import annotations

import json
import re

import pytest

from aws_iam import resources
from aws_iam.answer import Severity
from aws_iam.engine.effective.access import access
from aws_iam.engine.effective.escalation import (
    ASSET,
    NEW_COMPUTE,
    NEW_PRINCIPALS,
    EscalationPath,
    OpenPath,
    escalation_paths,
    known_paths,
    open_paths,
    possible_paths,
)
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.gather import one_policy
from helpers.tables.each import for_each

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


@for_each(JUDGED, name=lambda path: path.id)
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


@for_each(NEW, name=lambda path: path.id)
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


def test_the_lists_of_risky_actions_name_known_actions() -> None:
    risks = json.loads(resources.text("assets/data/action-risks.json"))
    for row in risks["risks"].values():
        assert set(row.get("minor", ())) | set(row.get("major", ())) <= set(row["actions"])
        for action in row["actions"]:
            known = catalog().action(action)
            assert known is not None
            assert known.full_name == action


def possible(*statements: object) -> dict[str, OpenPath]:
    policy = one_policy({"Version": "2012-10-17", "Statement": list(statements)})
    return {found.path.id: found for found in possible_paths(access([policy]))}


POSSIBLE = [path for path in known_paths() if path.id not in RETIRED | {"sts-assume-role"}]


@for_each(POSSIBLE, name=lambda path: path.id)
def test_a_path_is_possible_with_its_actions_and_not_without_any_one_of_them(
    path: EscalationPath,
) -> None:
    found = possible(allow(actions(path)))
    # The sources agree on a path that needs more, or on one that needs less.
    better = {p.path.id for p in found.values() if path.actions < p.path.actions}
    assert path.id in found or found.keys() & path.smaller or (path.unconfirmed and better)
    for action in actions(path):
        assert path.id not in possible(allow(actions(path)), deny(action))


def named_target(action: str) -> list[str]:
    """One resource of each type that the action works on."""
    known = catalog().action(action)
    assert known is not None
    service = catalog().service(known.service)
    assert service is not None
    formats = [
        service.resource_types[name.lower()].arn_formats[0]
        for name in known.resource_types
        if name.lower() in service.resource_types
    ]
    return [
        re.sub(
            r"\$\{[^}]*\}",
            "x",
            text.replace("${Account}", "111122223333").replace("${Region}", "eu-west-1"),
        ).replace("${Partition}", "aws").replace("arn:x:", "arn:aws:")
        for text in formats
    ] or ["*"]  # fmt: skip


@for_each(POSSIBLE, name=lambda path: path.id)
def test_a_path_on_named_targets_is_smaller_and_never_dropped(path: EscalationPath) -> None:
    wide = possible(allow(actions(path)))
    limited = possible(*(allow(action, named_target(action)) for action in actions(path)))
    assert limited
    if path.id in wide and path.id in limited:
        assert limited[path.id].severity.rank >= wide[path.id].severity.rank
    named = {target for action in actions(path) for target in named_target(action)} - {"*"}
    is_new = path.required[0].on in NEW_PRINCIPALS
    # The root user is all of its account.
    whole = path.id == "sts-assume-root"
    if path.id in limited and named and not (is_new or whole):
        assert limited[path.id].limited


@pytest.mark.parametrize(
    "statements",
    [
        [allow(["iam:PutRolePolicy", "iam:AttachRolePolicy"], "arn:aws:iam::*:role/aws-service-role/*")],
        [allow("iam:CreatePolicyVersion", "arn:aws:iam::aws:policy/*")],
        [allow("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}")],
        [allow("iam:PutUserPolicy", "arn:aws:iam::*:user/ann"), deny("iam:Put*", Resource="*")],
        [
            allow("iam:PassRole", "arn:aws:iam::111122223333:role/app", Condition={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}),
            allow(["lambda:CreateFunction", "lambda:InvokeFunction"]),
        ],
        [
            allow("eks:CreateAccessEntry"),
            allow("eks:AssociateAccessPolicy", Condition={"ArnEquals": {"eks:policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"}}),
        ],
    ],
)  # fmt: skip
def test_what_no_target_can_use_is_not_even_possible(statements: list[object]) -> None:
    assert possible(*statements) == {}


def test_two_actions_on_one_target_need_the_same_target() -> None:
    def pair(group: str, other: str) -> set[str]:
        arn = "arn:aws:iam::111122223333:group/"
        put, join = (
            allow("iam:PutGroupPolicy", arn + group),
            allow("iam:AddUserToGroup", arn + other),
        )
        return set(possible(put, join))

    apart = {"iam-put-group-policy", "iam-add-user-to-group"}
    assert pair("a", "a") == {*apart, "iam-put-group-policy-and-join"}
    assert pair("a", "b") == apart


def test_a_tag_picks_out_targets_and_leaves_the_path_possible() -> None:
    tagged = {"StringEquals": {"aws:ResourceTag/team": "a"}}
    (found,) = possible(allow("ssm:StartSession", Condition=tagged)).values()
    assert found.limited
    assert found.severity is Severity.INFO
