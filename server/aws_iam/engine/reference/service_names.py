"""Service principals, `lambda.amazonaws.com` and the like: the condition keys that hold them, and misspelled ones.

There is no complete list of them: what is not known is not wrong, unless it is one slip away from one that is known.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.regions import partition_of
from aws_iam.engine.reference.suggest import edits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SERVICE_KEYS = (
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    "iam:passedtoservice",
    "iam:awsservicename",
    "sts:awsservicename",
    "kms:viaservice",
)
"""The keys, in lower case, whose values are service principals."""

_HOST = re.compile(r"([a-z0-9-]+(?:\.[a-z0-9-]+){0,4})(\.amazonaws\.com(?:\.cn)?)")
# Among shorter names a single letter tells services apart: ec2, ecr, ecs, eks.
_SHORTEST = 5
_LONGEST = 80


@slotted
class _Names:
    """Service principals without `.amazonaws.com`: those that are certain, and all that may be ones.

    `shortened` leads from a certain one with a letter left out to that one: what two names share at one letter's distance.
    """

    certain: frozenset[str]
    possible: frozenset[str]
    shortened: Mapping[str, frozenset[str]]


@cache
def _names() -> _Names:
    data = json.loads(resources.text("assets/data/service-principals.json"))
    certain = catalog().services.union(data["seen"])
    shortened: dict[str, set[str]] = {}
    for name in certain:
        for each in _shortened(name):
            shortened.setdefault(each, set()).add(name)
    return _Names(
        certain=certain,
        possible=certain.union(data["names"]),
        shortened={key: frozenset(names) for key, names in shortened.items()},
    )


def _shortened(name: str) -> Iterator[str]:
    """The name with each of its letters left out."""
    return (name[:at] + name[at + 1 :] for at in range(len(name)))


def meant_instead(host: str) -> str | None:
    """The service principal that an unknown one misspells by one letter; None for one that may be right."""
    match = _HOST.fullmatch(host) if len(host) <= _LONGEST else None
    if match is None:
        return None
    labels = match[1].split(".")
    region = next((label for label in labels if partition_of(label)), "")
    name = ".".join(label for label in labels if label != region)
    if len(name) < _SHORTEST or name in _names().possible:
        return None
    near = (each for each in _near(name) if len(each) >= _SHORTEST and edits(name, each, 1) == 1)
    found = min(near, default=None)
    return ".".join(filter(None, (found, region))) + match[2] if found else None


def _near(name: str) -> Iterator[str]:
    """Certain names that may be one letter away: longer, shorter, or with another letter."""
    names = _names()
    yield from names.shortened.get(name, ())
    for each in _shortened(name):
        if each in names.certain:
            yield each
        yield from names.shortened.get(each, ())
