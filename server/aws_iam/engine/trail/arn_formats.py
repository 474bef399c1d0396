"""ARN formats filled in from an event's parameters: which parameter belongs to which placeholder.

Their names are similar: `${DbInstanceName}` is `dBInstanceIdentifier`, `${ServiceName}` is each of `services`.
"""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.trail.event_details import EventDetails, normalized, stem
from aws_iam.engine.trail.event_resource import (
    INVALID_CHARACTERS,
    EventResource,
    exact_pattern,
    has_invalid_characters,
)
from aws_iam.engine.trail.event_tables import event_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.reference.catalog import Action, ResourceType

_HOLE = re.compile(r"\$\{[^{}]*\}")
_MOST_RESOURCES = 1_000
# Services whose ids begin with the type of the resource.
_TYPED_IDS = frozenset({"ec2", "ssm"})
_COPY_ROLES = ("source", "target", "destination", "new")


def filled_formats(
    type_: ResourceType, action: Action, details: EventDetails
) -> Iterator[EventResource]:
    """The formats of a type with texts of the request in place of the placeholders."""
    for arn_format in type_.arn_formats:
        located = details.located(arn_format)
        holes = list(dict.fromkeys(_HOLE.findall(located)))
        alone = len(holes) == 1
        values = _each_once(
            holes,
            [_values(hole[2:-1], type_, action, details, alone=alone) for hole in holes],
            details,
        )
        if not any(values):
            continue
        missing = [hole[2:-1] for hole, texts in zip(holes, values, strict=True) if not texts]
        why = f"the record does not show {', '.join(missing)}" if missing else ""
        if sum(len(texts) > 1 for texts in values) > 1:
            why = why or "the record names several of each and not which belong together"
        if prod(max(1, len(texts)) for texts in values) > _MOST_RESOURCES:
            values = [texts if len(texts) == 1 else () for texts in values]
            why = f"the call names more than {_MOST_RESOURCES:,} resources"
        for chosen in product(*(texts or ("*",) for texts in values)):
            pattern = located
            for hole, text in zip(holes, chosen, strict=True):
                pattern = pattern.replace(hole, text if text == "*" else exact_pattern(text))
            used = frozenset(text for text, texts in zip(chosen, values, strict=True) if texts)
            invalid = INVALID_CHARACTERS if any(map(has_invalid_characters, used)) else ""
            yield EventResource(
                pattern=pattern,
                why=why or invalid,
                type=type_.name,
                used=used,
                complete=not missing,
            )
        if not missing:
            return


def _each_once(
    holes: Sequence[str], values: Sequence[tuple[str, ...]], details: EventDetails
) -> list[tuple[str, ...]]:
    """The texts without those that an earlier placeholder took: a thing's name is not also its id."""
    found: list[tuple[str, ...]] = []
    for hole, texts in zip(holes, values, strict=True):
        has_own_parameter = normalized(hole) in details.by_name
        found.append(() if texts in found and not has_own_parameter else texts)
    return found


def _values(
    hole: str, type_: ResourceType, action: Action, details: EventDetails, *, alone: bool
) -> tuple[str, ...]:
    """The texts for a placeholder: those of a parameter with the same name, or about the same thing."""
    if (
        type_.name in event_tables()["ids"].values()
        and hole.endswith("Id")
        and type_.service in _TYPED_IDS
    ):
        return ids_of_type(type_, details.parameters)
    name = normalized(hole)
    about = stem(name)
    if alone and name in {"id", "name", "resourceid", "arn"}:
        about = normalized(type_.name)
    texts = next(filter(None, _candidates(hole, name, about, action, details)), ())
    # WAF's `CLOUDFRONT` is `global` in its ARNs.
    spelled = event_tables()["spelled"].get(f"{type_.service} {hole}", {})
    bare = (
        _bare_name(spelled.get(text, text), hole, type_)
        for text in texts
        if not _is_other_id(text, type_)
    )
    return tuple(dict.fromkeys(filter(None, bare)))


def _candidates(
    hole: str, name: str, about: str, action: Action, details: EventDetails
) -> Iterator[tuple[str, ...]]:
    """The texts of parameters that may fill the placeholder, the likeliest first."""
    yield details.by_name.get(name, ())
    for key in (about, f"{about}s", *event_tables()["also_called"].get(hole, ())):
        yield details.by_stem.get(key, ())
    # Copying and restoring is authorised on what is read and on what is created.
    yield tuple(text for role in _COPY_ROLES for text in details.by_stem.get(role + about, ()))
    if about and about in normalized(action.name).replace("db", ""):
        for key in ("name", "id", "names", "ids"):
            yield details.at_top_level.get(key, ())


def ids_of_type(type_: ResourceType, texts: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The ids of this type, such as `subnet-0a1b2c3d`, under any name."""
    return tuple(dict.fromkeys(text for _, text in texts if _type_of_id(text) == type_.name))


def _type_of_id(text: str) -> str:
    found: str = event_tables()["ids"].get(text.rpartition("-")[0], "")
    return found


def _is_other_id(text: str, type_: ResourceType) -> bool:
    return type_.service in _TYPED_IDS and _type_of_id(text) not in {"", type_.name}


def _bare_name(text: str, hole: str, type_: ResourceType) -> str:
    """The name in a text that may be an ARN; empty when it cannot belong to this type."""
    if text.startswith("arn:"):
        arn = Arn.of(text)
        if arn is None:
            return ""
        return arn.resource.rpartition("/" if "/" in arn.resource else ":")[2]
    if text == "default" and type_.service == "events":
        return ""
    head = type_.arn_formats[0].rpartition("${")[0].rpartition(":")[2]
    if head.endswith("/") and text.removeprefix("/").startswith(head):
        return text.removeprefix("/").removeprefix(head)
    return text.removeprefix("/") if "WithoutLeadingSlash" in hole else text
