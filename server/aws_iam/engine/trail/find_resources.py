"""On which resources an event's action was authorised: ARNs of the record, else ARN formats filled from its parameters.

What the record does not show is `*` at its place in the format, with the reason; nothing else is widened.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.generation.grants import types_of
from aws_iam.engine.language.arn import Arn, fits
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.trail.arn_formats import by_id, filled_in
from aws_iam.engine.trail.event_details import Seen, exact, plain, stem
from aws_iam.engine.trail.event_resource import MADE, NO_TYPES, OPTIONAL, UNNAMED, Spot
from aws_iam.engine.trail.table import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.reference.catalog import Action, ResourceType

_HOLE = re.compile(r"\$\{[^{}]*\}")
_COMMON = frozenset({"${Partition}", "${Region}", "${Account}"})
_MAKING = (
    "Create",
    "Run",
    "Register",
    "Allocate",
    "Request",
    "Import",
    "Copy",
    "Restore",
    "Provision",
    "Purchase",
)


def spots(action: Action, seen: Seen) -> tuple[Spot, ...]:
    """The resources of an action in an event, at least one."""
    types = types_of(action)
    if not types:
        return (Spot(resource="*", why=NO_TYPES),)
    found = [*_listed(seen.event.arns, types), *_listed_under(seen, types, related=True)]
    types = _without(types, found)
    answered = list(_listed(seen.answered, types))
    filled = _closest(
        [each for t in types for each in filled_in(t, action, seen)], action, answered
    )
    found += (each for each in filled if each.whole)
    found += _listed_under(seen, _without(types, found), related=False)
    types = _without(types, found)
    found += (
        _answered(action, each, seen) for each in _one_each(answered) if each.type in _names(types)
    )
    types = _without(types, found)
    found += (each for each in filled if not each.whole and _adds(each, found, types, action))
    found += _missing(action, _without(types, found), seen, some=bool(found))
    return tuple({each.resource: each for each in found}.values())


def _adds(
    partly: Spot, found: Iterable[Spot], types: Sequence[ResourceType], action: Action
) -> bool:
    """Whether a format that is filled in part means something else than those that are filled whole."""
    said = any(partly.used <= each.used for each in found)
    return partly.type in _names(types) and (partly.type in action.required or not said)


def _names(types: Iterable[ResourceType]) -> set[str]:
    return {each.name for each in types}


def _without(types: Sequence[ResourceType], found: Iterable[Spot]) -> tuple[ResourceType, ...]:
    have = {each.type for each in found}
    return tuple(each for each in types if each.name not in have)


def _one_each(found: Iterable[Spot]) -> tuple[Spot, ...]:
    return tuple({each.type: each for each in found}.values())


def _listed(arns: Iterable[str], types: Sequence[ResourceType]) -> Iterator[Spot]:
    """The ARNs that are of one of these types."""
    for text in arns:
        arn = Arn.of(text)
        if arn is None:
            continue
        fitting = catalog().types_of_arn(arn)
        own = (each for each in types if any(_is(other, each) for other in fitting))
        if found := next(own, None):
            yield replace(Spot.of(text, found.name), used=frozenset({text}))


def _is(found: ResourceType, wanted: ResourceType) -> bool:
    """Whether an ARN's type is the wanted one; the reference gives some actions the older kind of load balancer only."""
    kind = found.service == wanted.service and found.name.startswith(f"{wanted.name}/")
    return found == wanted or kind


def _listed_under(seen: Seen, types: Sequence[ResourceType], *, related: bool) -> Iterator[Spot]:
    """The ARNs among the parameters, those whose parameter is called as their type is, or the others."""
    about = {each.name: {plain(each.name), *_about(each)} for each in types}
    for name, text in seen.named_arns:
        for each in _listed((text,), types):
            if (name in _GENERAL or stem(name) in about[each.type]) is related:
                yield each


# Parameters that are about whatever the call works on.
_GENERAL = frozenset(
    {"arn", "arns", "resource", "resources", "resourcearn", "resourcearns", "resourceid"}
)


def _about(type_: ResourceType) -> Iterator[str]:
    for template in type_.arn_formats:
        yield from (stem(plain(hole)) for hole in _HOLE.findall(template) if hole not in _COMMON)


def _closest(filled: Sequence[Spot], action: Action, answered: Sequence[Spot]) -> list[Spot]:
    """The filled formats without those that name less of the same thing: the rule of a bus, not of the default one."""
    named = {each.used for each in filled if each.whole}
    parts = {
        part
        for each in answered
        for text in each.used
        for part in text.replace("/", ":").split(":")
    }
    made = _is_making(action) and _names_of(answered)
    return [
        each
        for each in filled
        if each.type in action.required
        or not (
            any(each.used < more for more in named)
            or (made and each.type not in made and each.used <= parts)
        )
    ]


def _names_of(found: Iterable[Spot]) -> set[str]:
    return {each.type for each in found}


def _is_making(action: Action) -> bool:
    return action.name.startswith(_MAKING)


def _missing(
    action: Action, types: Sequence[ResourceType], seen: Seen, *, some: bool
) -> Iterator[Spot]:
    """The types that took part though no parameter names them, and `*` where nothing else is known."""
    required = [each for each in types if each.name in action.required]
    if _is_making(action) and required:
        yield from (each for type_ in required for each in _taken(action, type_, seen))
        return
    for type_ in required if some else ():
        if type_.name in table()["always"].get(type_.service, ()):
            yield Spot(resource=seen.template(type_.arn_formats[0]), type=type_.name)
    if some:
        return
    if not action.required:
        yield Spot(resource="*", why=OPTIONAL)
    elif len(types) == 1 and _is_local(types[0], seen):
        yield Spot(resource=_open(types[0], seen), type=types[0].name, why=UNNAMED)
    else:
        yield Spot(resource="*", why=UNNAMED)


def _taken(action: Action, type_: ResourceType, seen: Seen) -> Iterator[Spot]:
    """What a call that makes something takes part with: what it makes, or what its answer says it chose."""
    if _makes(action, type_):
        yield Spot(resource=_open(type_, seen), type=type_.name, why=MADE)
        return
    chosen = by_id(type_, seen.answers)
    head = seen.template(type_.arn_formats[0]).partition("${")[0]
    for each in chosen:
        yield Spot.of(head + each, type_.name)
    if not chosen:
        yield Spot(resource=_open(type_, seen), type=type_.name, why=UNNAMED)


def _makes(action: Action, type_: ResourceType) -> bool:
    listed = table()["made"].get(action.full_name, ())
    return type_.name in listed or plain(type_.name) in plain(action.name)


def _is_local(type_: ResourceType, seen: Seen) -> bool:
    """Whether the ARN of the type holds an account: without one everybody's would be meant."""
    return "${Account}" in type_.arn_formats[0] and bool(seen.account)


def _open(type_: ResourceType, seen: Seen) -> str:
    return _HOLE.sub("*", seen.template(type_.arn_formats[0]))


def _answered(action: Action, answer: Spot, seen: Seen) -> Spot:
    """A resource that only the answer names: of what the call made what the caller chose, and `*` for what AWS did."""
    (named,) = answer.used
    if not _is_making(action):
        return answer
    arn = Arn.of(named)
    formats = (f for each in catalog().types_of_arn(arn) for f in each.arn_formats) if arn else ()
    template = next((each for each in formats if arn and fits(arn, each)), "")
    text = _chosen(template, named, seen) if template else exact(named)
    return Spot(resource=text, type=answer.type, why=MADE if text != exact(named) else "")


def _chosen(template: str, arn: str, seen: Seen) -> str:
    """The ARN with a star for each placeholder whose text the caller did not give."""
    fixed = _HOLE.split(template)
    holes = _HOLE.findall(template)
    parts: list[str] = []
    at = len(fixed[0])
    for hole, after in zip(holes, fixed[1:], strict=True):
        end = arn.find(after, at) if after else len(arn)
        if end < 0:
            return exact(arn)
        value = arn[at:end]
        parts += (exact(value) if hole in _COMMON or value in seen.values else "*", after)
        at = end + len(after)
    return "".join((fixed[0], *parts))
