"""What `policy generate` works with: an action wanted on a resource, a grant of it, and what is not granted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from aws_iam.engine.generation.access_needs import Need, Target
    from aws_iam.engine.language.arn import Arn
    from aws_iam.engine.reference.catalog import Action, ResourceType


@slotted
class Grant:
    """One action on one resource, under the limits of these numbers."""

    action: str
    resource: str
    limits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wanted:
    """An action on a target of a need; `types` are the resource types that it is authorised on there."""

    action: Action
    need: Need
    target: Target
    resource: str
    types: tuple[ResourceType, ...]
    # The action of the need that depends on this one; empty for what the need itself asks for.
    needed_by: str = ""


@slotted
class LeftOut:
    """An action that is not granted, why, and which granted actions depend on it."""

    action: str
    why: str
    needed_by: tuple[str, ...] = ()


def types_of(action: Action) -> tuple[ResourceType, ...]:
    """All resource types that an action is authorised on."""
    service = catalog().service(action.service)
    types = service.resource_types if service else {}
    return tuple(types[name.lower()] for name in action.resource_types if name.lower() in types)


def forms(action: Action, near: Arn | None = None) -> str:
    """The ARN formats that an action works on, in words, as they are where that ARN is."""
    formats = [
        f"`{format_near(t, near)}`" for type_ in types_of(action) for t in type_.arn_formats
    ]
    more = f" and {len(formats) - 3} more" if formats[3:] else ""
    return (", ".join(formats[:3]) or "`*` only") + more


def format_near(template: str, near: Arn | None) -> str:
    """The format with partition, Region and account of an ARN, as far as that one names them."""
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


@slotted
class AllowStatement:
    """One statement: every action works on every one of the resources."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    limits: tuple[int, ...] = ()
    sid: str = ""
