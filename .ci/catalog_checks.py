"""What the build of the service-authorization catalogue refuses; apart from its sources, which not every machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.reference.catalog_rows import ServiceRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def removed_types(reviewed: Mapping[str, Any], prefix: str, action: str) -> set[str]:
    """The resource types that an older source gives an action and AWS has removed since."""
    return {row["type"] for row in reviewed.get(prefix, ()) if action in row["actions"]}


def fewer_types(
    services: Mapping[str, ServiceRow],
    sources: Iterable[tuple[Mapping[str, ServiceRow], str]],
    reviewed: Mapping[str, Any],
) -> Iterator[str]:
    """Actions with fewer resource types than a source gives them, and reviewed exceptions that no source needs."""
    given: dict[tuple[str, str, str], str] = {}
    for rows, source in sources:
        for prefix, row in rows.items():
            for name, action in row.actions.items():
                given |= {(prefix, name, type_): source for type_ in action.types}
    for (prefix, name, type_), source in sorted(given.items()):
        action = services.get(prefix, ServiceRow()).actions.get(name)
        known = action is None or type_ in action.types
        if not known and type_ not in removed_types(reviewed, prefix, name):
            yield f"{prefix}:{name} lacks the resource type {type_}, which {source} gives: see catalog_review.json"
    for prefix, exceptions in reviewed.items():
        for row in exceptions:
            for name in row["actions"]:
                if (prefix, name, row["type"]) not in given:
                    yield f"no source gives {prefix}:{name} the type {row['type']}: remove it from catalog_review.json"
