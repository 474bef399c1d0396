"""Which actions the handlers of CloudFormation's resource types need: `assets/data/cloudformation-permissions.zip`.

AWS states them in the schema of each type. The file is read when a type is asked for.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aws_iam.engine.reference.archives import only_member
from aws_iam.errors import nearest
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

ASSET: Final = "assets/data/cloudformation-permissions.zip"


@slotted
class HandlerPermissions:
    """The actions of a resource type by handler (`create`, `update` …); none where its schema names none."""

    type: str
    handlers: Mapping[str, tuple[str, ...]]


@cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = only_member(ASSET)
    return data


@cache
def published_types() -> Mapping[str, str]:
    """The types that AWS publishes, by name in lower case."""
    return {name.lower(): name for name in _data()["types"]}


def handler_permissions_as_of() -> str:
    """The day of the schemas."""
    return str(_data()["as_of"])


def handler_permissions_source() -> str:
    """The page that says what the schemas state."""
    return str(_data()["source"])


def handler_permissions(type_: str) -> HandlerPermissions | None:
    """The actions for `AWS::S3::BucketPolicy`; None for a type that AWS does not publish."""
    name = published_types().get(type_.lower())
    if name is None:
        return None
    found = _data()["types"][name]
    return HandlerPermissions(
        type=name, handlers={handler: tuple(names) for handler, names in found.items()}
    )


def near_types(type_: str) -> tuple[str, ...]:
    """Up to three types of the same service that a wrong name may mean."""
    service = f"{type_.rpartition('::')[0].lower()}::"
    return nearest(
        type_, [name for plain, name in published_types().items() if plain.startswith(service)]
    )
