"""Random policies with all that makes a repair hard: Not elements, variables in resources, negated and optional conditions.

None is a policy that anybody would write; each is one that AWS would take apart from its buckets' names. The requests of a
specification differ from each other in action, resource, caller or context, so that only a Deny by a pattern of resources can
keep one from being met.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import specifications as made

if TYPE_CHECKING:
    from random import Random

KINDS = ("identity", "resource", "trust", "boundary", "session", "scp", "rcp")
SIZES = (10, 30, 50)
_OTHER_ACCOUNT = "444455556666"
_CALLERS = [
    *made.ROLES,
    f"arn:aws:iam::{_OTHER_ACCOUNT}:role/other",
    f"arn:aws:iam::{made.ACCOUNT}:user/ann",
]
_TOPIC = f"arn:aws:sns:eu-west-1:{made.ACCOUNT}:news"
_VALUES: dict[str, list[Any]] = {
    "aws:RequestedRegion": ["eu-west-1", "us-east-1"],
    "aws:SourceIp": ["192.0.2.7", "198.51.100.9"],
    "aws:MultiFactorAuthPresent": ["true", "false"],
    "aws:PrincipalTag/team": ["blue", "red"],
    "aws:SourceVpce": ["vpce-1a2b3c4d", "vpce-0f0f0f0f"],
    "aws:SecureTransport": ["true", "false"],
    "aws:PrincipalOrgID": ["o-a1b2c3d4e5", "o-ffffffffff"],
    "aws:ResourceTag/env": ["prod", "dev"],
    "s3:prefix": ["a/", "b/x"],
    "aws:SourceArn": [_TOPIC],
    "aws:TagKeys": [["team"], ["team", "cost"], ["other"]],
    "aws:CalledVia": [["athena.amazonaws.com"]],
}
_SEVERAL = ("aws:TagKeys", "aws:CalledVia")
_OPERATORS: dict[str, tuple[list[str], list[Any]]] = {
    "aws:SourceIp": (
        ["IpAddress", "NotIpAddress", "NotIpAddressIfExists"],
        ["192.0.2.0/24", ["192.0.2.0/24", "198.51.100.0/25"]],
    ),
    "aws:MultiFactorAuthPresent": (["Bool", "BoolIfExists"], ["true", "false"]),
    "aws:SecureTransport": (["Bool", "BoolIfExists"], ["true", "false"]),
    "aws:SourceArn": (
        ["ArnLike", "ArnNotLike", "ArnNotLikeIfExists"],
        [_TOPIC, "arn:aws:sns:*:*:*"],
    ),
    "aws:PrincipalArn": (
        [
            "ArnNotLike",
            "ArnLike",
            "ArnNotEquals",
            "ArnEquals",
            "ArnNotLikeIfExists",
            "StringNotLike",
        ],
        [
            _CALLERS[0],
            ["arn:aws:iam::*:role/a*", _CALLERS[1]],
            f"arn:aws:iam::{made.ACCOUNT}:role/*",
        ],
    ),
    "aws:MultiFactorAuthAge": (["NumericLessThan", "NumericLessThanIfExists"], ["300", "3600"]),
}
_OF_SEVERAL = [
    *("ForAnyValue:StringEquals", "ForAllValues:StringEquals", "ForAllValues:StringNotEquals"),
    *("ForAnyValue:StringNotLike", "ForAllValues:StringLike"),
]
_OF_TEXT = [
    *("StringEquals", "StringNotEquals", "StringLike", "StringNotLike"),
    *("StringEqualsIfExists", "StringNotEqualsIfExists", "StringEqualsIgnoreCase"),
]
_WITH_VARIABLES = [
    "arn:aws:s3:::alpha/${aws:PrincipalTag/team}/*",
    "arn:aws:s3:::beta/${aws:username}/*",
    "arn:aws:s3:::alpha/${aws:userid}",
    "arn:aws:s3:::${aws:PrincipalAccount}-logs/*",
    "arn:aws:s3:::alpha/home/${aws:PrincipalTag/team, 'none'}/x",
]
_PATTERNS = [
    *("*", "arn:aws:s3:::alpha/*", "arn:aws:s3:::*", "arn:aws:s3:::beta/reports/*"),
    *("arn:aws:dynamodb:*:*:table/*", "arn:aws:sqs:*:*:*", "arn:aws:s3:::al*"),
    *("arn:aws:s3:::*/logs/*", "arn:aws:iam::*:role/*", "arn:aws:s3:::alpha/reports/?"),
]
_ACTIONS = [
    *("s3:*", "s3:Get*", "s3:*Object", "s3:Delete*", "s3:Put*", "s3:List*", "s3:GetObject*"),
    *("*", "dynamodb:*", "dynamodb:*Item", "sqs:*Message", "iam:*", "iam:Pass*", "ec2:*"),
]
_MADE_BY_VARIABLES = [
    *("arn:aws:s3:::alpha/blue/x", "arn:aws:s3:::alpha/home/none/x", "arn:aws:s3:::beta/ann/y"),
    f"arn:aws:s3:::{made.ACCOUNT}-logs/k",
]


def specification(random: Random, kind: str, requests: int) -> made.Specification:
    """A policy and so many requests, no two of which are one."""
    found = made.Specification(kind=kind, document=document(random, kind))
    seen: set[str] = set()
    for _ in range(requests * 6):
        request = _request(random, kind)
        place = made.place(request)
        if kind == "trust":
            place["resource"] = "*"
        text = json.dumps(place, sort_keys=True).lower()
        if len(seen) < requests and text not in seen:
            seen.add(text)
            random.choice((found.allow, found.deny)).append(request)
    return found


def document(random: Random, kind: str) -> dict[str, Any]:
    """A policy of one to ten statements."""
    statements = [_statement(random, kind, number) for number in range(random.randint(1, 10))]
    if kind == "scp" and random.random() < 0.7:
        statements.insert(0, {"Sid": "Full", "Effect": "Allow", "Action": "*", "Resource": "*"})
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(random: Random, kind: str, number: int) -> dict[str, Any]:
    effect = "Deny" if kind == "rcp" or random.random() < 0.4 else "Allow"
    found: dict[str, Any] = {
        "Sid": f"S{number}",
        "Effect": effect,
        **_principal(random, kind, effect),
    }
    actions, resources = _entries(random, kind)
    is_negated = kind not in {"rcp", "trust"} and random.random() < 0.15
    found["NotAction" if is_negated else "Action"] = _bare(random, actions)
    if resources:
        found["NotResource" if random.random() < 0.15 else "Resource"] = _bare(random, resources)
    if random.random() < 0.5:
        found["Condition"] = _condition(random)
    return found


def _principal(random: Random, kind: str, effect: str) -> dict[str, Any]:
    if kind == "rcp":
        return {"Principal": "*"}
    if kind not in {"resource", "trust"}:
        return {}
    if effect == "Deny" and kind == "resource" and random.random() < 0.2:
        root = f"arn:aws:iam::{made.ACCOUNT}:root"
        return {"NotPrincipal": {"AWS": [random.choice(_CALLERS), root]}}
    named = [
        *(
            "*",
            {"AWS": "*"},
            {"AWS": random.sample(_CALLERS, 2)},
            {"AWS": random.choice(_CALLERS)},
        ),
        *({"AWS": f"arn:aws:iam::{_OTHER_ACCOUNT}:root"}, {"AWS": made.ACCOUNT}),
        {"Service": "sns.amazonaws.com"},
    ]
    return {"Principal": random.choice(named)}


def _entries(random: Random, kind: str) -> tuple[list[str], list[str]]:
    if kind == "trust":
        return [
            random.choice(("sts:AssumeRole", "sts:TagSession", "sts:*", "sts:AssumeRole*"))
        ], []
    is_of_s3 = kind in {"resource", "rcp"}
    names, places = random.choice(made.UNIVERSE[:2] if is_of_s3 else made.UNIVERSE)
    actions = random.sample(names, random.randint(1, len(names)))
    if random.random() < 0.35:
        wide = [own for own in _ACTIONS if own.startswith("s3:") or not is_of_s3]
        actions = random.sample(wide, random.choice((1, 1, 2)))
    resources = random.choice(
        [
            *[random.sample(places, random.randint(1, len(places)))] * 4,
            *[[random.choice(_PATTERNS)]] * 3,
            [random.choice(_WITH_VARIABLES)],
            [*random.sample(_PATTERNS, 2), random.choice(_WITH_VARIABLES)],
        ]
    )
    return actions, resources


def _condition(random: Random) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for _ in range(random.choice((1, 1, 1, 2))):
        key = random.choice([*_VALUES, *["aws:PrincipalArn"] * 3, "aws:MultiFactorAuthAge"])
        values = _VALUES.get(key, [])
        if random.random() < 0.1:
            operators, wanted = ["Null"], ["true", "false"]
        elif key in _SEVERAL:
            operators, wanted = _OF_SEVERAL, [["team"], ["te*", "cost"]]
        elif key in _OPERATORS:
            operators, wanted = _OPERATORS[key]
        else:
            patterns = [f"{values[0][:2]}*", "${aws:PrincipalTag/team}"]
            operators, wanted = _OF_TEXT, [*values, values, *patterns]
        found.setdefault(random.choice(operators), {})[key] = random.choice(wanted)
    return found


def _request(random: Random, kind: str) -> dict[str, Any]:
    if kind == "trust":
        action = random.choice(("sts:AssumeRole", "sts:TagSession"))
        found = {"action": action, "resource": f"arn:aws:iam::{made.ACCOUNT}:role/web"}
    else:
        is_of_s3 = kind in {"resource", "rcp"}
        names, places = random.choice(made.UNIVERSE[:2] if is_of_s3 else made.UNIVERSE)
        found = {"action": random.choice(names), "resource": random.choice(places)}
        if "s3:GetObject" in names and random.random() < 0.2:
            found["resource"] = random.choice(_MADE_BY_VARIABLES)
    # Only where the resource's own policy is asked another account is let in.
    found["principal"] = random.choice(_CALLERS if kind in {"resource", "trust"} else made.ROLES)
    if kind == "resource":
        # The ARN of a bucket does not say whose it is.
        found["resource_account"] = made.ACCOUNT
    if random.random() < 0.35:
        keys = random.sample(list(_VALUES), random.choice((1, 1, 2)))
        found["context"] = {key: random.choice(_VALUES[key]) for key in keys}
    return found


def _bare(random: Random, texts: list[str]) -> Any:
    return texts[0] if len(texts) == 1 and random.random() < 0.3 else texts
