"""API operations whose name is no IAM action, the actions that authorise them, and what SDKs call a service."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.language.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@slotted
class Operation:
    """The actions an operation needs, and when it needs others."""

    # As AWS writes it: `ListObjectsV2`.
    name: str
    service: str
    actions: tuple[str, ...]
    note: str = ""


@cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(resources.text("assets/data/api-operations.json"))
    return data


@cache
def operations() -> Mapping[str, Operation]:
    """Each operation by `service:Operation` in lower case."""
    return {
        f"{row['service']}:{name}".lower(): Operation(
            name=name,
            service=row["service"],
            actions=tuple(row["actions"]),
            note=row.get("note", ""),
        )
        for row in _data()["operations"]
        for name in row["operations"]
    }


def operations_named(name: str) -> tuple[Operation, ...]:
    """The operations of any service that have this name, in lower case."""
    return tuple(
        operation for operation in operations().values() if operation.name.lower() == name
    )


def sources(services: Collection[str]) -> tuple[str, ...]:
    """The pages that say which actions the operations of these services need."""
    pages: tuple[str, ...] = tuple(_data()["sources"]) if services else ()
    return tuple(page for page in pages if "AmazonS3" not in page or "s3" in services)


@cache
def _clients() -> Mapping[str, str]:
    data = json.loads(resources.text("assets/data/sdk-clients.json"))
    return {**data["clients"], **data["commands"]}


def service_of(client: str) -> str:
    """The prefix of the actions behind an SDK client or CLI command of another name; empty when none is known."""
    return _clients().get(client.lower(), "")
