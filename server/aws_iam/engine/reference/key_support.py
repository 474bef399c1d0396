"""Which actions can have a condition key in their requests, according to the service authorization reference.

    known_actions(("s3:get*",))              the actions by service
    actions_without_key(known, "s3:prefix")  the actions when none of them can have the key
    actions_with_key("s3", "s3:prefix")      the actions of a service that can have it

The reference lists keys for actions and for resource types; either is enough here.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.facts import Templates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def known_actions(entries: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """The actions of the entries by service; empty when an entry is unknown, or has a wildcard for its service."""
    known: dict[str, list[str]] = {}
    for entry in dict.fromkeys(map(str.lower, entries)):
        service, _, name = entry.partition(":")
        if not is_literal(service):
            return {}
        if is_literal(name):
            current: Sequence[str] = (entry,) if catalog().tier(entry) == "known" else ()
        else:
            current = catalog().expand(entry)
        if not current:
            return {}
        known.setdefault(service, []).extend(current)
    return known


def actions_without_key(known: Mapping[str, Sequence[str]], key: str) -> tuple[str, ...]:
    """The known actions when none of them can have the key; none of them when one may."""
    for service, actions in known.items():
        having = actions_with_key(service, key)
        if having and not having.isdisjoint(map(str.lower, actions)):
            return ()
    return tuple(chain.from_iterable(known.values()))


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
