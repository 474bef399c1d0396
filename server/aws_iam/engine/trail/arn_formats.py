"""ARN formats filled in from an event's parameters: which parameter a placeholder stands for.

They are called alike: `${DbInstanceName}` is `dBInstanceIdentifier`, `${ServiceName}` each of `services`.
"""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.trail.event_details import Seen, exact, is_foreign, plain, stem
from aws_iam.engine.trail.event_resource import FOREIGN, Spot
from aws_iam.engine.trail.table import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.reference.catalog import Action, ResourceType

_HOLE = re.compile(r"\$\{[^{}]*\}")
_MOST = 1_000
# Services whose resources are told apart by the first letters of their ids.
_BY_IDS = frozenset({"ec2", "ssm"})
_ROLES = ("source", "target", "destination", "new")


def filled_in(type_: ResourceType, action: Action, seen: Seen) -> Iterator[Spot]:
    """The formats of a type with the texts of the parameters in their places."""
    for template in type_.arn_formats:
        start = seen.template(template)
        holes = list(dict.fromkeys(_HOLE.findall(start)))
        alone = len(holes) == 1
        values = _apart(
            holes, [_values(hole[2:-1], type_, action, seen, alone=alone) for hole in holes], seen
        )
        if not any(values):
            continue
        lacking = [hole for hole, each in zip(holes, values, strict=True) if not each]
        why = f"the record does not show {', '.join(h[2:-1] for h in lacking)}" if lacking else ""
        if sum(len(each) > 1 for each in values) > 1:
            why = why or "the record names several of each, and not which belong together"
        if prod(max(1, len(each)) for each in values) > _MOST:
            values = [each if len(each) == 1 else () for each in values]
            why = f"the call names more than {_MOST:,} resources"
        for chosen in product(*(each or ("*",) for each in values)):
            text = start
            for hole, value in zip(holes, chosen, strict=True):
                text = text.replace(hole, value if value == "*" else exact(value))
            used = frozenset(value for value, each in zip(chosen, values, strict=True) if each)
            foreign = FOREIGN if any(map(is_foreign, used)) else ""
            yield Spot(
                resource=text, why=why or foreign, type=type_.name, used=used, whole=not lacking
            )
        if not lacking:
            return


def _apart(
    holes: Sequence[str], values: Sequence[tuple[str, ...]], seen: Seen
) -> list[tuple[str, ...]]:
    """The texts without those that an earlier placeholder has taken: a name is no id of the same thing."""
    found: list[tuple[str, ...]] = []
    for hole, each in zip(holes, values, strict=True):
        own = plain(hole) in seen.by_name
        taken = each in found and not own
        found.append(() if taken else each)
    return found


def _values(
    hole: str, type_: ResourceType, action: Action, seen: Seen, *, alone: bool
) -> tuple[str, ...]:
    """The texts that a placeholder stands for: those of a parameter of the same name, or about the same thing."""
    if type_.name in table()["ids"].values() and hole.endswith("Id") and type_.service in _BY_IDS:
        return by_id(type_, seen.parameters)
    name = plain(hole)
    about = stem(name)
    if alone and name in {"id", "name", "resourceid", "arn"}:
        about = plain(type_.name)
    texts = next(filter(None, _candidates(hole, name, about, action, seen)), ())
    bare = (_bare(text, hole, type_) for text in texts if not _is_other_id(text, type_))
    return tuple(dict.fromkeys(filter(None, bare)))


def _candidates(
    hole: str, name: str, about: str, action: Action, seen: Seen
) -> Iterator[tuple[str, ...]]:
    """The texts of parameters, those of the likeliest first."""
    yield seen.by_name.get(name, ())
    for each in (about, f"{about}s", *table()["also_called"].get(hole, ())):
        yield seen.by_stem.get(each, ())
    # A copy or a restore takes part with what it reads and with what it makes.
    yield tuple(text for role in _ROLES for text in seen.by_stem.get(role + about, ()))
    if about and about in plain(action.name).replace("db", ""):
        for each in ("name", "id", "names", "ids"):
            yield seen.on_top.get(each, ())


def by_id(type_: ResourceType, texts: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The ids of this type, such as `subnet-0a1b2c3d`, wherever they stand."""
    return tuple(dict.fromkeys(text for _, text in texts if _type_of_id(text) == type_.name))


def _type_of_id(text: str) -> str:
    found: str = table()["ids"].get(text.rpartition("-")[0], "")
    return found


def _is_other_id(text: str, type_: ResourceType) -> bool:
    return type_.service in _BY_IDS and _type_of_id(text) not in {"", type_.name}


def _bare(text: str, hole: str, type_: ResourceType) -> str:
    """The name in a text that may be an ARN of something else; empty when it is none of this type's."""
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
