"""All resources that the entries of a statement do not match, as patterns, so that NotResource can stand in the place of Resource.

    elsewhere(["s3:GetObject"], ["arn:aws:s3:::*"], ["arn:aws:s3:::b/x"])   →   arn:aws:s3:*:*:accesspoint/*/object/*

There are such patterns only where the entries match every ARN of some of the formats that the actions work on, or none: no
pattern stands for all objects but those of one bucket.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.arn_formats import may_match_format
from aws_iam.engine.generation.action_grants import resource_types_of
from aws_iam.engine.language.pattern import covers, intersects, is_literal
from aws_iam.engine.language.variables import without_variables
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.facts import template_pattern
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# The fields of an ARN before the resource.
_FIELDS = 5


@slotted
class Elsewhere:
    """Patterns for what the entries do not match; and for what both match, which has to stay in Resource."""

    patterns: tuple[str, ...]
    denied_within: tuple[str, ...] = ()


def elsewhere(
    actions: Sequence[str],
    entries: Sequence[str],
    spared: Sequence[str],
    own_resources: Sequence[str] = (),
) -> Elsewhere | None:
    """The patterns for all resources of the actions that the entries do not match; None where none are exactly that.

    `spared` are the resources that the statement no longer applies to; `own_resources` are patterns for all that the policy can
    be about, if that is known.
    """
    outside: dict[str, None] = {}
    inside: dict[str, None] = {}
    for action in actions:
        known = own_resources or _templates(action)
        if not known:
            return None
        for template in known:
            wide = template_pattern(template)
            if any(covers(entry, wide) for entry in entries):
                inside[template] = None
            elif any(_fields_meet(without_variables(entry, "*"), wide) for entry in entries):
                return None
            else:
                outside[wide.replace("?*", "*")] = None
    within = dict.fromkeys(_in_both(outside, inside, entries))
    if None in within or any(intersects(own, other) for own in within if own for other in spared):
        return None
    return Elsewhere(patterns=tuple(outside), denied_within=tuple(own for own in within if own))


def _in_both(
    outside: Iterable[str], inside: Iterable[str], entries: Sequence[str]
) -> Iterator[str | None]:
    """Patterns for what an outer pattern and an entry match both, because `*` takes colons, too; None where there are none."""
    for pattern in outside:
        tail = pattern.split(":", _FIELDS)[-1]
        for template in inside:
            if not may_match_format(pattern, template) or not intersects(
                pattern, template_pattern(template)
            ):
                continue
            start = ":".join(template.split(":")[:_FIELDS]) + ":"
            for own in (f"{start}{tail}", f"{start}*:{tail}"):
                is_within = is_literal(start) and any(covers(entry, own) for entry in entries)
                yield own if is_within else None


def may_meet(entry: str, resource: str) -> bool:
    """Whether an entry, whatever its variables stand for, may match a resource."""
    return intersects(without_variables(entry, "*"), resource)


def always_has_arn(action: str) -> bool:
    """Whether each request for the action names a resource."""
    known = catalog().action(action)
    return known is not None and bool(known.required)


def _fields_meet(entry: str, wide: str) -> bool:
    """Whether an ARN of a format may match an entry; no field of it but the last has a colon."""
    fields = list(zip(entry.split(":")[:_FIELDS], wide.split(":"), strict=False))
    # Behind a wildcard nothing says which field is which.
    aligned = takewhile(lambda pair: is_literal(pair[0]), fields)
    return all(intersects(own, theirs) for own, theirs in aligned) and intersects(entry, wide)


def _templates(action: str) -> tuple[str, ...]:
    """The ARN formats of what an action works on, in AWS's usual partition; none for what is not one known action."""
    known = catalog().action(action)
    types = resource_types_of(known) if known else ()
    return tuple(
        template.replace("${Partition}", "aws") for own in types for template in own.arn_formats
    )
