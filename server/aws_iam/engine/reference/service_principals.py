"""Service principals such as `lambda.amazonaws.com`: the condition keys that hold them, and misspelled ones.

No list of them is complete: an unknown one is reported only when it is a single slip away from a known one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.regions import partition_of
from aws_iam.frozen import slotted

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
# In shorter names a single letter distinguishes services: ec2, ecr, ecs, eks.
_SHORTEST = 5
_LONGEST = 80


@slotted
class _Names:
    """Service principals without `.amazonaws.com`: the certain ones, and all that may exist.

    `shortened` maps each certain name with one letter left out to the name. Names one slip apart meet there, so that a
    lookup replaces a comparison with every name.
    """

    certain: frozenset[str]
    possible: frozenset[str]
    shortened: Mapping[str, frozenset[str]]


@memo_of_reference(1)
def _names() -> _Names:
    data = resources.data("service-principals.json")
    certain = catalog().services.union(data["seen"])
    shortened: dict[str, set[str]] = {}
    for name in certain:
        for short in _shortened(name):
            shortened.setdefault(short, set()).add(name)
    return _Names(
        certain=certain,
        possible=certain.union(data["names"]),
        shortened={short: frozenset(names) for short, names in shortened.items()},
    )


def _shortened(name: str) -> Iterator[str]:
    """The name with each of its letters left out in turn."""
    return (name[:at] + name[at + 1 :] for at in range(len(name)))


def misspelled_principal(host: str) -> str | None:
    """The service principal that an unknown one misspells by one slip; None for one that may be right."""
    match = _HOST.fullmatch(host) if len(host) <= _LONGEST else None
    if match is None:
        return None
    labels = match[1].split(".")
    region = next((label for label in labels if partition_of(label)), "")
    name = ".".join(label for label in labels if label != region)
    if len(name) < _SHORTEST or name in _names().possible:
        return None
    near = (known for known in _candidates(name) if len(known) >= _SHORTEST)
    found = min((known for known in near if _is_one_slip(name, known)), default=None)
    return ".".join(filter(None, (found, region))) + match[2] if found else None


def _candidates(name: str) -> Iterator[str]:
    """Certain names that may be one slip away: longer, shorter, or of the same length."""
    names = _names()
    yield from names.shortened.get(name, ())
    for short in _shortened(name):
        if short in names.certain:
            yield short
        yield from names.shortened.get(short, ())


def _is_one_slip(a: str, b: str) -> bool:
    """Whether one letter more, one less, another one, or two swapped neighbours turn one name into the other."""
    start = _shared_beginning(a, b)
    a, b = a[start:][::-1], b[start:][::-1]
    end = _shared_beginning(a, b)
    a, b = a[end:], b[end:]
    return max(len(a), len(b)) <= 1 or (len(a) == len(b) == 2 and a == b[::-1])  # noqa: PLR2004 - a pair


def _shared_beginning(a: str, b: str) -> int:
    pairs = enumerate(zip(a, b, strict=False))
    return next((at for at, (x, y) in pairs if x != y), min(len(a), len(b)))
