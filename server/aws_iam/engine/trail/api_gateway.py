"""API Gateway's calls: actions are HTTP verbs, resources the paths of its own API.

Source: API Gateway Developer Guide, api-gateway-iam-policy-examples-for-apigateway.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.trail.event_details import exact, plain
from aws_iam.engine.trail.event_resource import Spot
from aws_iam.engine.trail.table import actions_of, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.trail.event_details import Seen

_HOLE = re.compile(r"\{[^{}]*\}")


def calls(name: str, seen: Seen) -> Iterator[tuple[str, tuple[Spot, ...] | None]]:
    """The verb of the operation on its path; of two APIs that share a name, the one whose ids the record holds."""
    known = table()["paths"].get(name)
    if not known:
        yield from ((action, None) for action in actions_of("apigateway", name))
        return
    verb, _, path = max(known, key=lambda each: _fit(each, seen)).partition(" ")
    spot = _spot(path, seen)
    yield f"apigateway:{verb}", (spot,)


def _fit(route: str, seen: Seen) -> tuple[int, int]:
    holes = _HOLE.findall(route)
    return sum(bool(seen.first(plain(hole))) for hole in holes), -len(holes)


def _spot(path: str, seen: Seen) -> Spot:
    """The path with its ids; `*` for one that the record lacks."""
    lacking: list[str] = []

    def filled(hole: re.Match[str]) -> str:
        value = seen.first(plain(hole.group()))
        if not value:
            lacking.append(hole.group().strip("{}"))
        return exact(value) if value else "*"

    text = seen.template("arn:${Partition}:apigateway:${Region}::") + _HOLE.sub(filled, path)
    why = f"the record does not show {', '.join(lacking)}" if lacking else ""
    return Spot(resource=text, why=why)
