"""Long policies: what fits AWS's quotas is judged to its end, and the answer about anything longer says where a rule stopped."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam.answer import Severity, Status
from aws_iam.engine.reference.catalog import catalog
from aws_iam.rules.policy.run import validate
from aws_iam.tools.policy.validate.validate import validate_policies

Statement = dict[str, Any]
WITHOUT_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "false"}}
WITHOUT_MFA_KEY = {"Null": {"aws:MultiFactorAuthAge": "true"}}
OUTSIDERS = {"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}
SERVICE = {"Service": "cloudtrail.amazonaws.com"}
BOUNDARY = "arn:aws:iam::111122223333:policy/boundary-{}"


def allow(action: object, resource: object = "*", **more: object) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object, resource: object = "*", **more: object) -> Statement:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def created_with(*boundaries: str) -> Statement:
    condition = {"StringEquals": {"iam:PermissionsBoundary": list(boundaries)}}
    return allow("iam:CreateRole", Condition=condition)


def numbered(text: str, number: int) -> list[str]:
    return [text.format(at) for at in range(number)]


def judged(*statements: Statement) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _has_types(name: str) -> bool:
    action = catalog().action(name)
    return action is None or bool(action.resource_types)


LAST: dict[str, tuple[str, str, list[Statement]]] = {
    "the last of many ForAllValues conditions, with the last of many actions": (
        "FORALLVALUES_ADMITS_MISSING_KEY",
        "/Statement/0/Condition/ForAllValues:StringEquals",
        [
            allow(
                [*catalog().expand("ec2:Describe*")[:210], "dynamodb:*"],
                Condition={
                    "StringEquals": dict.fromkeys(numbered("aws:PrincipalTag/t{}", 40), "x"),
                    "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "${aws:userid}"},
                },
            )
        ],
    ),
    "the last of many condition keys, with actions of many services": (
        "CONDITION_KEY_NEVER_PRESENT",
        "/Statement/0/Condition/StringLike/s3:prefix",
        [
            allow(
                [
                    *("acm:List*", "athena:List*", "batch:List*", "cloud9:List*", "dax:List*"),
                    *("dms:List*", "ds:List*", "ecr:List*", "ecs:List*", "eks:List*", "es:List*"),
                    *("fis:List*", "fsx:List*", "s3:Put*", *catalog().expand("ec2:Describe*")),
                ],
                Condition={
                    "StringEquals": dict.fromkeys(numbered("aws:PrincipalTag/t{}", 40), "x"),
                    "StringLike": {"s3:prefix": "home/*"},
                },
            )
        ],
    ),
    "the last of many Denies without MFA": (
        "DENY_MISSES_LONG_TERM_KEYS",
        "/Statement/50/Condition/Bool",
        [
            *(
                deny(f"s3:Put{at}*", Condition=condition)
                for at in range(25)
                for condition in (WITHOUT_MFA, WITHOUT_MFA_KEY)
            ),
            deny("iam:*", Condition=WITHOUT_MFA),
        ],
    ),
    "the last of many boundaries": (
        "BOUNDARY_POLICY_CAN_BE_EDITED",
        "/Statement/1/Action",
        [
            created_with(*numbered(BOUNDARY, 25)),
            allow("iam:CreatePolicyVersion", BOUNDARY.format(24)),
        ],
    ),
    "the last of many statements of a delegation": (
        "BOUNDARY_CAN_BE_REMOVED",
        "/Statement/111/Action",
        [
            created_with(BOUNDARY.format(0)),
            *(allow("s3:GetObject", f"arn:aws:s3:::bucket-{at}/*") for at in range(110)),
            allow("iam:DeleteRolePermissionsBoundary"),
        ],
    ),
    "the last of many actions that a service is denied": (
        "DENY_REACHES_ALLOWED_SERVICE",
        "/Statement/1/Condition/StringNotEquals/aws:PrincipalOrgID",
        [
            allow(
                [*numbered("s3:Get{}*", 25), "s3:PutObject"], "arn:aws:s3:::b/*", Principal=SERVICE
            ),
            deny(
                [*numbered("s3:List{}*", 25), "s3:PutObject"],
                [*numbered("arn:aws:s3:::a/{}*", 25), "arn:aws:s3:::b/*"],
                Principal="*",
                Condition=OUTSIDERS,
            ),
        ],
    ),
    "an action beside many resources": (
        "ACTION_MATCHES_NO_RESOURCE",
        "/Statement/0/Action/1",
        [
            allow(
                ["sqs:SendMessage", "sns:Publish"],
                numbered("arn:aws:sqs:eu-west-1:111122223333:q{}", 200),
            )
        ],
    ),
    "the last of many actions beside a resource": (
        "ACTION_MATCHES_NO_RESOURCE",
        "/Statement/0/Action/560",
        [
            allow(
                [*["sqs:SendMessage"] * 560, "sns:Publish"], "arn:aws:sqs:eu-west-1:111122223333:q"
            )
        ],
    ),
    "many values that exclude each other": (
        "CONTRADICTORY_CONDITIONS",
        "/Statement/0/Condition/StringNotLike/aws:username",
        [
            allow(
                "s3:GetObject",
                Condition={
                    "StringEquals": {"aws:username": numbered("a{}", 150)},
                    "StringNotLike": {"aws:username": "a*"},
                },
            )
        ],
    ),
    "many values that another statement allows too": (
        "SHADOWED_STATEMENT",
        "/Statement/0",
        [
            allow(
                "s3:GetObject",
                Condition={"StringEquals": {"aws:PrincipalTag/t": numbered("a{}", 150)}},
            ),
            allow(
                "s3:Get*", Condition={"StringLike": {"aws:PrincipalTag/t": numbered("a{}", 200)}}
            ),
        ],
    ),
}


@pytest.mark.parametrize("case", LAST)
def test_a_policy_that_fits_the_quotas_is_judged_to_its_end(case: str) -> None:
    code, pointer, statements = LAST[case]
    found = validate(judged(*statements))
    assert pointer in [f.where and f.where.pointer for f in found if f.code == code]
    assert not [finding for finding in found if finding.status is Status.UNKNOWN]


def test_an_action_that_the_last_of_many_statements_allows_is_no_false_alarm() -> None:
    mismatched = allow(["s3:ListAllMyBuckets", "s3:ListBucket"], "arn:aws:s3:::b")
    others = [allow("s3:GetObject", f"arn:aws:s3:::bucket-{at}/*") for at in range(60)]
    found = validate(judged(mismatched, *others, allow("s3:ListAll*")))
    assert not [finding for finding in found if finding.code == "ACTION_HAS_NO_RESOURCE_TYPE"]


def test_the_last_of_many_unknown_names_may_be_new_as_the_first() -> None:
    found = validate(judged(allow(numbered("ec2:Qxzzq{}Frobnicate", 30))))
    names = [finding for finding in found if finding.code == "INVALID_ACTION"]
    assert len(names) == 30
    assert {(name.severity, name.confidence) for name in names} == {(Severity.WARNING, "low")}


TOO_LONG: dict[str, list[Statement]] = {
    "DENY_MISSES_LONG_TERM_KEYS": [
        deny(numbered("s3:Put{}*", 500), Condition=WITHOUT_MFA),
        deny(numbered("s3:Get{}*", 500), Condition=WITHOUT_MFA_KEY),
    ],
    "BOUNDARY_POLICY_CAN_BE_EDITED": [
        created_with(*numbered(BOUNDARY, 300)),
        allow("iam:CreatePolicyVersion", numbered("arn:aws:iam::111122223333:policy/own-{}", 300)),
    ],
    "BOUNDARY_CAN_BE_REMOVED": [
        created_with(BOUNDARY.format(0)),
        allow("iam:Delete*", numbered("arn:aws:iam::111122223333:role/a{}", 300)),
        deny("iam:Delete*", numbered("arn:aws:iam::111122223333:role/b{}", 300)),
    ],
    "DENY_REACHES_ALLOWED_SERVICE": [
        allow(numbered("s3:Get{}*", 500), "arn:aws:s3:::b/*", Principal=SERVICE),
        deny(numbered("s3:Put{}*", 500), "arn:aws:s3:::b/*", Principal="*", Condition=OUTSIDERS),
    ],
    "CONDITION_KEY_NEVER_PRESENT": [
        allow(
            [
                f"{service}:*"
                for service in sorted(catalog().services)
                if catalog().expand(f"{service}:*")
            ][:300],
            Condition={"StringEquals": dict.fromkeys(numbered("aws:RequestTag/t{}", 100), "x")},
        )
    ],
    "CONTRADICTORY_CONDITIONS": [
        allow(
            "s3:GetObject",
            Condition={
                "StringLike": {"aws:username": numbered("a{}*", 150)},
                "StringNotLike": {"aws:username": numbered("b{}*", 150)},
            },
        )
    ],
    "ACTION_MATCHES_NO_RESOURCE": [
        allow("sns:Publish", numbered("arn:aws:sqs:eu-west-1:111122223333:q{}", 1_100))
    ],
    "ACTION_HAS_NO_RESOURCE_TYPE": [
        *(
            allow(
                [name for name in catalog().expand("ec2:Describe*") if not _has_types(name)][:10],
                f"arn:aws:ec2:eu-west-1:111122223333:instance/i-{at}",
            )
            for at in range(150)
        ),
        allow("ec2:Describe*"),
    ],
    "SHADOWED_STATEMENT": [
        allow(
            "s3:GetObject", Condition={"StringLike": {"aws:PrincipalTag/t": numbered("a{}*", 300)}}
        ),
        allow("s3:Get*", Condition={"StringLike": {"aws:PrincipalTag/t": numbered("b{}*", 300)}}),
    ],
}


@pytest.mark.parametrize("code", TOO_LONG)
def test_a_rule_that_stops_says_so_and_no_all_clear_stands_beside_it(code: str) -> None:
    answer = validate_policies(judged(*TOO_LONG[code]))
    (unknown,) = {
        f.reason for f in answer.findings if f.code == code and f.status is Status.UNKNOWN
    }
    assert {"place": "the policy", "why": f"{code}: {unknown}"} in answer.facts["not_judged"]
    assert "judged only in part: " in answer.summary
    assert f"`{code}`" in answer.summary
    assert "No problems found" not in answer.summary
