"""Which name a misspelled one may have meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Words of an action's name: `GetBucketCORS` is Get, Bucket, CORS; a name without capitals is one word.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^A-Za-z\d]+")
# What a pattern spells out before its first wildcard.
_HEAD = re.compile(r"[^*?]*")
# Longer than any name of AWS; what follows is not compared.
_LONGEST = 80
_MOST = 3
# From so many letters on the beginning of a prefix tells what was meant: `dynamo`.
_BEGUN = 4


def nearest(name: str, options: Iterable[str]) -> tuple[str, ...]:
    """Up to three options that need few changes, the nearest first.

    A longer name is none merely because it begins the same: `GetObj` may be `GetObject`, not `GetObjectAcl`.
    """
    name = name[:_LONGEST]
    allowed = max(1, len(name) // 4)
    found: list[tuple[int, int, str]] = []
    for option in options:
        if abs(len(option) - len(name)) > allowed:
            continue
        cost = edits(name.lower(), option.lower(), allowed)
        if cost <= allowed:
            found.append((cost, _changed_words(name, option), option))
    found.sort()
    best = found[0][0] if found else 0
    # What needs twice as many changes as the best is not what was meant.
    return tuple(option for cost, _, option in found if cost <= best * 2)[:_MOST]


def nearest_pattern(pattern: str, names: Iterable[str]) -> tuple[str, ...]:
    """Up to three patterns that match something, for one that matches nothing because its beginning is misspelled."""
    head = _HEAD.match(pattern)
    text = head.group() if head else ""
    beginnings = {name[: word.end()] for name in names for word in _WORD.finditer(name)}
    near = nearest(text, sorted(beginnings)) if text else ()
    return tuple(f"{each}{pattern[len(text) :]}" for each in near)


def prefixes(prefix: str, services: Iterable[str]) -> tuple[str, ...]:
    """Up to three service prefixes that need few changes, the nearest first."""
    prefix = prefix.lower()[:_LONGEST]
    known = set(services)
    bare = prefix.removeprefix("aws").removeprefix("amazon").strip("-_ ")
    sure = [
        each for each in (_OTHER_NAMES.get(prefix, ""), bare) if each in known and each != prefix
    ]
    begun = [each for each in sorted(known) if len(prefix) >= _BEGUN and each.startswith(prefix)]
    return tuple(dict.fromkeys((*sure, *nearest(prefix, sorted(known)), *begun)))[:_MOST]


# What people and SDKs call a service whose prefix is another word.
_OTHER_NAMES = {
    "accessanalyzer": "access-analyzer",
    "alb": "elasticloadbalancing",
    "amp": "aps",
    "apigatewayv2": "apigateway",
    "cognito": "cognito-idp",
    "documentdb": "rds",
    "docdb": "rds",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "eventbridge": "events",
    "keyspaces": "cassandra",
    "msk": "kafka",
    "mwaa": "airflow",
    "neptune": "rds",
    "opensearchserverless": "aoss",
    "organization": "organizations",
    "pinpoint": "mobiletargeting",
    "prometheus": "aps",
    "s3control": "s3",
    "sesv2": "ses",
    "sfn": "states",
    "sso-admin": "sso",
    "stepfunctions": "states",
    "step-functions": "states",
}


def _changed_words(name: str, option: str) -> int:
    mine, theirs = _WORD.findall(name), _WORD.findall(option)
    return edits(mine, theirs, len(mine) + len(theirs))


def edits(a: Sequence[str], b: Sequence[str], limit: int) -> int:
    """How many items to insert, drop, replace or swap with a neighbour; more than `limit` is not told apart."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        before, last, row = row, before, [i]
        for j, right in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]
