"""Which actions a question means, and what it leaves out.

asked_actions(["s3:*Tagging"], "arn:aws:s3:::books")   →   those of the pattern that are asked on a bucket or its objects
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn, closest_formats, fits
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.reference.facts import Action, ResourceType

_MOST_ACTIONS = 50


def asked_actions(actions: Sequence[str], on: str) -> tuple[str, ...]:
    """The actions by name; of patterns, those that are asked on what `on` names."""
    listed: dict[str, None] = {}
    for text in actions:
        if "*" in text or "?" in text:
            listed |= dict.fromkeys(_matching(text, on))
            continue
        known = catalog().action(text)
        if known is None:
            near = catalog().suggest_action(text)
            raise InputError(
                f"{quoted(text)} is not a known action",
                hint=f"did you mean {quoted(near[0])}?" if near else "give it as `service:Action`",
            )
        if known.resource_types and _is_bucket(on) and not _is_asked_on(known, on):
            raise InputError(f"{quoted(text)} is never asked on {quoted(on)}, nor on its objects")
        listed[known.full_name] = None
    if len(listed) > _MOST_ACTIONS:
        raise InputError(
            f"`who_can` names {counted(len(listed), 'action')}, more than {_MOST_ACTIONS}",
            hint="name those that matter, such as `s3:GetObject`",
        )
    return tuple(listed)


def also_asked_on(actions: Sequence[str], on: str) -> Iterator[str]:
    """What else an action is authorized on, in a sentence: who lacks that cannot perform it."""
    for name in actions:
        known = catalog().action(name)
        types = [(own, _type(known, own)) for own in known.required] if known else []
        forms = _forms(known, on) if known else frozenset()
        others = [own for own, type_ in types if not (type_ and forms & {*type_.arn_formats})]
        if others and len(others) < len(types):
            yield (
                f"{quoted(name)} is authorized on further resources, which were not asked about:"
                f" {joined(others, shown=len(others))}."
            )


def _matching(text: str, on: str) -> list[str]:
    names = catalog().expand(text)
    if not names:
        raise InputError(f"{quoted(text)} matches no known action")
    known = [action for name in names if (action := catalog().action(name))]
    fitting = [action.full_name for action in known if _is_asked_on(action, on)]
    if not fitting and (on not in {"", "*"} and Arn.of(on)):
        raise InputError(f"no action that {quoted(text)} matches is asked on {quoted(on)}")
    return fitting or list(names)


def _is_asked_on(action: Action, on: str) -> bool:
    """Whether the action is asked on the resource, on one of the kind, or on the objects of the bucket."""
    if on in {"", "*"}:
        return not action.resource_types
    types = [type_ for name in action.resource_types if (type_ := _type(action, name))]
    if Arn.of(on) is None:
        kind = on.partition(":")[2].lower()
        return any(type_.name.lower() in {kind, *_INSIDE.get(kind, ())} for type_ in types)
    forms = _forms(action, on) | (_forms(action, f"{on}/x") if _is_bucket(on) else frozenset())
    return any(forms & {*type_.arn_formats} for type_ in types)


def _forms(action: Action, on: str) -> frozenset[str]:
    """The formats of ARNs, among those of the action's service, that `on` follows."""
    arn, formats = Arn.of(on), catalog().arn_formats(action.service)
    if arn is None:
        return frozenset()
    if arn.service == "s3":
        # An object follows the format of a bucket as well.
        return closest_formats(arn, formats)
    return frozenset(text for text in formats if fits(arn, text))


# A question about buckets is one about their objects, where the action takes no bucket.
_INSIDE = {"bucket": ("object",)}


def _type(action: Action, name: str) -> ResourceType | None:
    service = catalog().service(action.service)
    return service.resource_types.get(name.lower()) if service else None


def _is_bucket(on: str) -> bool:
    arn = Arn.of(on)
    return arn is not None and arn.service == "s3" and not arn.region and "/" not in arn.resource
