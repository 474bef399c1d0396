"""The names of actions as a reader wants them: all of a service as `service:*`.

action_names(("s3:GetObject", …))   →   ("s3:*",)
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from aws_iam.engine.comparison.actions import UNGOVERNED
from aws_iam.engine.comparison.clauses import EVERYTHING
from aws_iam.engine.explain.action_risks import listed_actions, risky_actions
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.resource_policy_scope import decided_actions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.clauses import Clause

WHOLE: Final = "all"
"""The access level of a whole service, and of everything."""
_NEARLY_ALL = 0.95
_TWO = 2
_OF_ADMINISTRATORS = frozenset({"administrator", "privilege escalation"})
_OPENING = "resource exposure"
_SETS_POLICY = re.compile(r":(?:Put|Set|Add|Update)\w*(?:Policy|Permission)$")


def action_names(names: Iterable[str], *, open_ended: bool = True) -> tuple[str, ...]:
    """The names, with `service:*` for the services all of whose actions are among them, if any entry is a pattern."""
    found = by_service(names)
    whole = whole_services(found) if open_ended else frozenset()
    if len(whole) == len(catalog().services):
        return ("*",)
    rest = (name for service in found if service not in whole for name in found[service])
    return (*(f"{service}:*" for service in sorted(whole)), *rest)


def worst_first(names: Iterable[str], risk: str) -> tuple[str, ...]:
    """The names of one risk in alphabetical order, after the one that a reader has to see: whoever has it may have most of the others."""
    found = sorted(names)
    if len(found) < _TWO:
        return tuple(found)
    worst = min(found, key=lambda name: gravity(name, risk))
    return (worst, *[name for name in found if name != worst])


def gravity(name: str, risk: str) -> tuple[int, int]:
    """First all of a service, then what sets the policy of a resource, reads what it holds, or opens it in another way.

    Where the actions lead to the rights of an administrator, that is worse than what each does.
    """
    if risk in _OF_ADMINISTRATORS:
        return 0, 0
    lower = name.lower()
    if name.endswith("*"):
        return 0, 0
    if lower not in listed_actions():
        return 4, 0
    if _SETS_POLICY.search(name):
        # That of the resource itself has the shortest name: `s3:PutBucketPolicy`.
        return 1, len(name)
    return (2, 0) if lower in _reading() else (3, 0)


@cache
def _reading() -> frozenset[str]:
    """The actions that give data or credentials out, in lower case."""
    lists = (risky.by_key for risky in risky_actions() if risky.name != _OPENING)
    return frozenset().union(*lists)


def by_service(names: Iterable[str]) -> dict[str, list[str]]:
    """The names of each service."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.partition(":")[0], []).append(name)
    return found


def whole_services(named: Mapping[str, Sequence[str]], scope: str | None = None) -> frozenset[str]:
    """The services all of whose actions are among the names, or all that can be asked of a resource."""
    return frozenset(
        service for service, names in named.items() if _is_whole(service, names, scope)
    )


def _is_whole(prefix: str, names: Sequence[str], scope: str | None) -> bool:
    service = catalog().service(prefix)
    if service is None:
        return False
    if scope is not None:
        return len(names) >= len(decided_actions(prefix, scope))
    own = len(service.action_names)
    return len(names) >= own - sum(name.startswith(f"{prefix}:") for name in UNGOVERNED)


def action_entries(
    clause: Clause, names: Sequence[str], *, is_limited: bool
) -> Iterator[tuple[str, str, Sequence[str]]]:
    """The actions of a statement: everything, whole services, and names of one service, which have levels of their own.

    What a permissions boundary leaves of everything is a list, unless it takes next to nothing: `is_limited`.
    """
    named = by_service(names)
    open_ended = clause.ready.negated or bool(clause.ready.patterns)
    scope = None if clause.scope == EVERYTHING else clause.scope
    whole = whole_services(named, scope) if open_ended else frozenset()
    services = catalog().services
    # An Allow of everything is no list of what was not allowed before.
    is_everything = "*" in clause.statement.action_words and len(named) > len(services) // 2
    if is_everything and is_limited:
        facts = filter(None, map(catalog().service, services))
        known = sum(len(service.action_names) for service in facts)
        is_everything = len(names) > _NEARLY_ALL * known
    if whole and (len(whole) == len(services) or is_everything):
        yield WHOLE, "*", names
        return
    for service, own in named.items():
        yield (WHOLE, f"{service}:*", own) if service in whole else ("", "", own)
