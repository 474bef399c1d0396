"""Which actions can have a condition key in their requests, according to the service authorization reference.

    lacking(("s3:get*",), "s3:prefix")    the actions when none of them can have the key; None when one may
    supplying("s3", "s3:prefix")          the actions of a service that can have it

The reference lists keys for actions and for resource types; either is enough here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.facts import Templates

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_SERVICES = 12
"""Statements with more services are not checked: keys are looked up service by service."""
_MOST_ENTRIES, _MOST_ACTIONS = 300, 3_000
"""Longer statements are not checked either."""


def actions_without_key(entries: Iterable[str], key: str) -> tuple[str, ...] | None:
    """The actions of the entries when none of them can have the key; None when one may, or an entry is unknown."""
    found: list[str] = []
    wanted = tuple(dict.fromkeys(map(str.lower, entries)))
    if len(wanted) > _MOST_ENTRIES:
        return None
    services: set[str] = set()
    for entry in wanted:
        service, _, name = entry.partition(":")
        services.add(service)
        if not is_literal(service) or len(services) > _MOST_SERVICES:
            return None
        having = actions_with_key(service, key)
        actions = (entry,) if is_literal(name) else catalog().expand(entry)
        known = [action for action in actions if catalog().tier(action) == "known"]
        if not known or not having.isdisjoint(map(str.lower, known)):
            return None
        found += known
        if len(found) > _MOST_ACTIONS:
            return None
    return tuple(found) or None


# Validation takes 1.1 times as long without this memo.
@memo_of_reference(1024)
def actions_with_key(service: str, key: str) -> frozenset[str]:
    """The actions of a service, in lower case, that can have the key on some resource or on all."""
    row = catalog().service(service)
    if row is None:
        return frozenset()
    return frozenset().union(*(_having(service, name) for name in _names(service).find(key)))


# These two bound hostile policies: thousands of tag keys share one row of the reference.
@memo_of_reference(512)
def _names(service: str) -> Templates[str]:
    """The keys of a service as the reference lists them, such as `aws:RequestTag/${TagKey}`."""
    row = catalog().service(service)
    return (
        Templates((key.name, key.name) for key in row.condition_keys.values())
        if row
        else Templates(())
    )


@memo_of_reference(4096)
def _having(service: str, name: str) -> frozenset[str]:
    row = catalog().service(service)
    return (
        frozenset(found.action.lower() for found in row.supporting(name)) if row else frozenset()
    )
