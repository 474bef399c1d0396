"""The names of actions as a reader wants them: all of a service as `service:*`.

action_names(("s3:GetObject", …))   →   ("s3:*",)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.actions import UNGOVERNED
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def action_names(names: Iterable[str], *, open_ended: bool = True) -> tuple[str, ...]:
    """The names, with `service:*` for the services all of whose actions are among them, if any entry is a pattern."""
    found = by_service(names)
    whole = whole_services(found) if open_ended else frozenset()
    if len(whole) == len(catalog().services):
        return ("*",)
    rest = (name for service in found if service not in whole for name in found[service])
    return (*(f"{service}:*" for service in sorted(whole)), *rest)


def by_service(names: Iterable[str]) -> dict[str, list[str]]:
    """The names of each service."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.partition(":")[0], []).append(name)
    return found


def whole_services(named: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The services all of whose actions are among the names."""
    return frozenset(service for service, names in named.items() if _is_whole(service, names))


def _is_whole(prefix: str, names: Sequence[str]) -> bool:
    service = catalog().service(prefix)
    if service is None:
        return False
    own = len(service.action_names)
    return len(names) >= own - sum(name.startswith(f"{prefix}:") for name in UNGOVERNED)
