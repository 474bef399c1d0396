"""Pairs of policies built to blow the search of a comparison up, each in another way."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Policy = dict[str, Any]
LETTERS = "abc"
LONGEST = 6_144
OPERATORS = (
    "StringLike",
    "StringNotLike",
    "StringLikeIfExists",
    "ForAnyValue:StringLike",
    "ForAllValues:StringLike",
    "ForAnyValue:StringNotLike",
)


def document(*statements: dict[str, Any]) -> Policy:
    plain = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
    return {"Version": "2012-10-17", "Statement": [plain | statement for statement in statements]}


def starred(chance: random.Random, parts: int) -> str:
    drawn = ("".join(chance.choices(LETTERS + "?", k=chance.randint(1, 4))) for _ in range(parts))
    return f"*{'*'.join(drawn)}*"


def buckets(chance: random.Random, count: int, parts: int = 6) -> list[str]:
    return [f"arn:aws:s3:::{starred(chance, parts)}" for _ in range(count)]


def many_stars(chance: random.Random) -> Policy:
    return document({"Resource": buckets(chance, 300)})


def many_denies(chance: random.Random) -> Policy:
    denies = ({"Effect": "Deny", "Resource": bucket} for bucket in buckets(chance, 150))
    return document({"Resource": "*"}, *denies)


def only_wildcards(chance: random.Random) -> Policy:
    """As long as AWS takes a managed policy, and wildcards throughout."""
    names = ["".join(chance.choices("*?ab", k=40)) for _ in range(LONGEST // 60)]
    return document({"Resource": [f"arn:aws:s3:::{name}" for name in names]})


def one_long_name(chance: random.Random) -> Policy:
    drawn = ("".join(chance.choices("a?b", k=2)) for _ in range(LONGEST // 3))
    return document({"Resource": f"arn:aws:s3:::{'*'.join(drawn)}"})


def actions(chance: random.Random) -> Policy:
    names = [f"*:*{'*'.join(chance.choices('acdeilnorst', k=4))}*" for _ in range(300)]
    return document({"Action": names, "Resource": "*"})


def nested_conditions(chance: random.Random) -> Policy:
    return document(
        *(
            {
                "Condition": {
                    operator: {
                        f"aws:PrincipalTag/{key}": [starred(chance, 4) for _ in range(4)]
                        for key in range(6)
                    }
                    for operator in OPERATORS
                }
            }
            for _ in range(3)
        )
    )


def addresses(chance: random.Random) -> Policy:
    ranges = [f"10.{n % 256}.{n // 256}.0/{chance.randint(24, 30)}" for n in range(1_500)]
    return document({"Condition": {"IpAddress": {"aws:SourceIp": ranges}}})


def variables(chance: random.Random) -> Policy:
    names = [f"${{aws:PrincipalTag/{chance.randint(0, 99)}}}" for _ in range(30)]
    return document({"Resource": [f"arn:aws:s3:::b/{name}/*x*" for name in names]})


def long_lists(chance: random.Random) -> Policy:
    """Ten times as long as AWS takes a managed policy: buckets, each with a wildcard after its name."""
    names = [f"arn:aws:s3:::bucket{chance.randint(0, 10**6)}*/*" for _ in range(LONGEST // 3)]
    return document({"Action": "s3:*", "Resource": names})


def long_patterns(chance: random.Random) -> Policy:
    return document({"Resource": buckets(chance, 1_500, 4)})


def all_but_some(chance: random.Random) -> Policy:
    """A hundred statements on everything but some actions, on everything but some resources."""
    services = ("s3", "ec2", "iam", "sqs", "kms", "logs", "rds", "ssm")

    def names(form: str) -> list[str]:
        return [form.format(chance.choice(services), *chance.choices(LETTERS, k=2)) for _ in "123"]

    drawn = (
        {
            "Effect": chance.choice(("Allow", "Deny")),
            "NotAction": names("{}:*{}*{}*"),
            "NotResource": names("arn:aws:{}:*:*:{}{}*"),
        }
        for _ in range(100)
    )
    return {"Version": "2012-10-17", "Statement": list(drawn)}


def principals(chance: random.Random) -> Policy:
    roles = [f"arn:aws:iam::{chance.randint(0, 10**12 - 1):012}:role/r" for _ in range(250)]
    named = (
        {"Principal": {"AWS": roles}, "Resource": bucket} for bucket in buckets(chance, 30, 5)
    )
    return document(*named)


def many_statements(chance: random.Random) -> Policy:
    """Thousands of statements in one version, each a difference, and one in the other."""
    # The first seed has many.
    number = 5_000 if chance.random() < 0.5 else 1
    every = ({"Resource": f"arn:aws:s3:::b{at}/x*"} for at in range(number))
    return document(*every)


MADE: dict[str, Callable[[random.Random], Policy]] = {
    made.__name__: made
    for made in (
        many_stars,
        many_denies,
        only_wildcards,
        one_long_name,
        actions,
        nested_conditions,
        addresses,
        variables,
        long_lists,
        long_patterns,
        all_but_some,
        principals,
        many_statements,
    )
}
NAMES = tuple(MADE)
# What may be said of two of them: that they are equal only of those that both deny everything.
RELATIONS = dict.fromkeys(NAMES, ("unknown",)) | {
    "one_long_name": ("incomparable", "unknown"),
    "variables": ("incomparable", "unknown"),
    "long_lists": ("incomparable",),
    "all_but_some": ("equal",),
    "principals": ("incomparable", "unknown"),
    "many_statements": ("more",),
}


def pair(name: str) -> tuple[Policy, Policy]:
    """Two policies of one kind."""
    new, old = (MADE[name](random.Random(seed)) for seed in (1, 2))  # noqa: S311 - no secret
    return new, old
