"""The values that `policy generate` works with: wanted actions, grants and omitted actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.engine.generation.access_needs import Need, Target
    from aws_iam.engine.language.arn import Arn
    from aws_iam.engine.reference.catalog import Action, ResourceType


@slotted
class ActionGrant:
    """One action on one resource, under the conditions with these numbers."""

    action: str
    resource: str
    limits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WantedAction:
    """An action on a target of a need; `types` are the target's resource types that it is authorized on."""

    action: Action
    need: Need
    target: Target
    resource: str
    types: tuple[ResourceType, ...]
    # The action of the need that depends on this one; empty for an action of the need itself.
    needed_by: str = ""


@slotted
class ExcludedAction:
    """An action on a target that the need's access level leaves out, and what the action does."""

    action: str
    why: str
    need: Need
    target: Target


@slotted
class OmittedAction:
    """An action that is not granted, with the reason and the granted actions that depend on it."""

    action: str
    why: str
    needed_by: tuple[str, ...] = ()


def resource_types_of(action: Action) -> tuple[ResourceType, ...]:
    """All resource types that an action is authorized on."""
    service = catalog().service(action.service)
    types = service.resource_types if service else {}
    return tuple(types[name.lower()] for name in action.resource_types if name.lower() in types)


def listed_formats(action: Action, near: Arn | None = None) -> str:
    """The first ARN formats that an action works on, in words, with the fields of a nearby ARN filled in."""
    formats = [
        f"`{format_near(t, near)}`"
        for type_ in resource_types_of(action)
        for t in type_.arn_formats
    ]
    more = f" and {len(formats) - 3} more" if formats[3:] else ""
    return (", ".join(formats[:3]) or "`*` only") + more


def format_near(template: str, near: Arn | None) -> str:
    """The format with the partition, Region and account of the ARN filled in, as far as the ARN names them."""
    if near is None:
        return template
    for name, value in (
        ("Partition", near.partition),
        ("Region", near.region),
        ("Account", near.account),
    ):
        if value and is_literal(value) and "$" not in value:
            template = template.replace(f"${{{name}}}", value)
    return template
