"""Which service or action pattern a misspelled one may mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.reference.operations import service_by_nickname
from aws_iam.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

# The words of an action's name: `GetBucketCORS` is Get, Bucket, CORS; a name without capitals is one word.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^A-Za-z\d]+")
_BEFORE_WILDCARD = re.compile(r"[^*?]*")
_MOST = 3
# So many letters are enough to complete a prefix: `dynamo`.
_LEAST_BEGINNING = 4


def near_patterns(pattern: str, names: Iterable[str]) -> tuple[str, ...]:
    """Up to three patterns that match a name, for one whose beginning is misspelled."""
    head = _BEFORE_WILDCARD.match(pattern)
    text = head.group() if head else ""
    beginnings = {name[: word.end()] for name in names for word in _WORD.finditer(name)}
    near = nearest(text, sorted(beginnings)) if text else ()
    return tuple(f"{beginning}{pattern[len(text) :]}" for beginning in near)


def near_services(prefix: str, services: Collection[str]) -> tuple[str, ...]:
    """Up to three service prefixes that a wrong one may mean: by another name, by a slip, by its beginning."""
    prefix = prefix.lower()
    bare = prefix.removeprefix("aws").removeprefix("amazon").strip("-_ ")
    renamed = (service_by_nickname(prefix), bare)
    known = [name for name in renamed if name in services and name != prefix]
    is_beginning = len(prefix) >= _LEAST_BEGINNING
    begun = [name for name in sorted(services) if is_beginning and name.startswith(prefix)]
    return tuple(dict.fromkeys((*known, *nearest(prefix, sorted(services)), *begun)))[:_MOST]
