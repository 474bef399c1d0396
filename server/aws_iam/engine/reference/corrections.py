"""What AWS's service authorization reference lacks or has wrong: `assets/data/catalog-corrections.json`.

They are applied when the catalogue is built and when it is refreshed, because AWS's own data has the same faults.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.language.pattern import intersects

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from aws_iam.engine.language.arn import Arn
    from aws_iam.engine.reference.catalog_rows import ServiceRow


_HOLE = re.compile(r"\$\{[^{}]*\}")
_FIELDS = 6


def correct(services: MutableMapping[str, ServiceRow]) -> None:
    """Apply every correction to the rows of the catalogue."""
    data: Mapping[str, Any] = resources.data("catalog-corrections.json")
    for correction in data["resource_types"]:
        for full_name in correction["actions"]:
            prefix, _, name = full_name.partition(":")
            action = services[prefix].actions.get(name) if prefix in services else None
            if action:
                action.types += [
                    type_ for type_ in correction["types"] if type_ not in action.types
                ]
    for correction in data["key_types"]:
        prefix = correction["key"].partition(":")[0]
        if prefix in services:
            services[prefix].keys[correction["key"]] = correction["type"]
    for correction in data["titles"]:
        for prefix, named in correction["services"].items():
            if prefix in services:
                services[prefix].title = named["title"]
                services[prefix].page = " ".join(named.get("pages", ())) or services[prefix].page


def is_authorised_on(action: str, arn: Arn) -> bool:
    """Whether AWS may authorise the action, for which its reference lists no resource type, on such an ARN nevertheless."""
    fields = (arn.service, arn.region, arn.account, arn.resource)
    return any(
        all(map(intersects, fields, _HOLE.sub("*", form).split(":", _FIELDS - 1)[2:]))
        for form in unlisted_formats(action)
    )


def unlisted_formats(action: str) -> tuple[str, ...]:
    """The ARN formats on which AWS may authorise the action, although its reference lists no resource type for it."""
    return _unlisted().get(action.lower(), ())


@cache
def _unlisted() -> Mapping[str, tuple[str, ...]]:
    """The formats by the action's name in lower case."""
    return {
        action.lower(): tuple(form.replace("${Type}", type_) for form in row["arns"])
        for row in resources.data("catalog-corrections.json")["unlisted_resources"]
        for action, type_ in row["actions"].items()
    }


@cache
def rejected_services() -> frozenset[str]:
    """The retired services that AWS's own validator does not know any more; it knows all others."""
    data: Mapping[str, Any] = resources.data("catalog-corrections.json")
    return frozenset(row["service"] for row in data["rejected_services"])
