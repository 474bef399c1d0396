"""API Gateway's calls: actions are HTTP verbs, resources the paths of its own API.

Source: API Gateway Developer Guide, api-gateway-iam-policy-examples-for-apigateway.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.trail.event_details import normalized
from aws_iam.engine.trail.event_resource import EventResource, exact_pattern
from aws_iam.engine.trail.event_tables import actions_of, event_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.trail.event_details import EventDetails

_HOLE = re.compile(r"\{[^{}]*\}")


def calls(
    name: str, details: EventDetails
) -> Iterator[tuple[str, tuple[EventResource, ...] | None]]:
    """The HTTP verb of the operation on its path; of APIs that share a name, the one whose ids the record holds."""
    routes = event_tables()["paths"].get(name)
    if not routes:
        yield from ((action, None) for action in actions_of("apigateway", name))
        return
    verb, _, path = max(routes, key=lambda route: _fit(route, details)).partition(" ")
    yield f"apigateway:{verb}", (_resource(path, details),)


def _fit(route: str, details: EventDetails) -> tuple[int, int]:
    holes = _HOLE.findall(route)
    return sum(bool(details.first(normalized(hole))) for hole in holes), -len(holes)


def _resource(path: str, details: EventDetails) -> EventResource:
    """The path with its ids; `*` for an id that the record lacks."""
    missing: list[str] = []

    def filled(hole: re.Match[str]) -> str:
        value = details.first(normalized(hole.group()))
        if not value:
            missing.append(hole.group().strip("{}"))
        return exact_pattern(value) if value else "*"

    head = details.located("arn:${Partition}:apigateway:${Region}::")
    pattern = head + _HOLE.sub(filled, path)
    why = f"the record does not show {', '.join(missing)}" if missing else ""
    return EventResource(pattern=pattern, why=why)
