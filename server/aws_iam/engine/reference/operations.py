"""API operations whose name is not an IAM action, the actions that authorise them, and what SDKs call a service."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


@slotted
class Operation:
    """The actions that an operation needs; `note` says when it needs others."""

    # As AWS writes it: `ListObjectsV2`.
    name: str
    service: str
    actions: tuple[str, ...]
    note: str = ""
    # Whether the name without a service means it, and not the actions of that name in other services.
    is_meant_alone: bool = True
    # Whether a record of the call does not show which of the actions it took.
    is_by_content: bool = False
    # The page that says so, if it is not one of the data's own.
    source: str = ""


def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = resources.data("api-operations.json")
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
            is_meant_alone=row.get("alone", True),
            is_by_content=row.get("by_content", False),
            source=row.get("source", ""),
        )
        for row in _data()["operations"]
        for name in row["operations"]
    }


@slotted
class OpenAction:
    """An action that every caller with credentials may call: why, and the page that says so."""

    why: str
    source: str


@cache
def without_permission() -> Mapping[str, OpenAction]:
    """The actions that need no permission, by name in lower case."""
    return {
        row["action"].lower(): OpenAction(
            why=f"{row['action']} {row['why']}", source=row["source"]
        )
        for row in _data()["without_permission"]
    }


def cli_command(words: str, options: str = "") -> Operation | None:
    """A command of the AWS CLI that is not an operation, such as `ecr get-login-password`, or needs others with its options."""
    found = (row for row in _commands(words, options) if not row.get("adds"))
    return next((_of_command(row) for row in found), None)


def added_by_options(words: str, options: str) -> tuple[Operation, ...]:
    """What the options of a command take beside what the command needs in any case, such as `--tagging`."""
    return tuple(_of_command(row) for row in _commands(words, options) if row.get("adds"))


def _commands(words: str, options: str) -> Iterator[Mapping[str, Any]]:
    for row in _data()["cli_commands"]:
        if row["command"] == words and any(
            _is_given(o, options) for o in row.get("options", ("",))
        ):
            yield row


def _is_given(option: str, options: str) -> bool:
    """Whether the line has the option itself, or one that begins so for `--grant-`; `--tagging-directive` is not `--tagging`."""
    end = "" if option.endswith("-") else r"(?![\w-])"
    return not option or bool(re.search(rf"(?<![\w-]){re.escape(option)}{end}", options))


def _of_command(row: Mapping[str, Any]) -> Operation:
    return Operation(
        name=row["command"],
        service=row["command"].partition(" ")[0],
        actions=tuple(row["actions"]),
        note=row.get("note", ""),
    )


def sdk_method(service: str, name: str) -> Operation | None:
    """A method of an SDK that calls several operations, such as S3's `upload_file`; the name has no underscores."""
    rows = (row for row in _data()["sdk_methods"] if row["service"] == service)
    return next(
        (
            Operation(
                name=method,
                service=service,
                actions=tuple(row["actions"]),
                note=row.get("note", ""),
            )
            for row in rows
            for method in row["methods"]
            if method.replace("_", "") == name
        ),
        None,
    )


def sdk_method_named(name: str) -> Operation | None:
    """A method of that kind by its name alone, if the name says enough, as `upload_file` does and `copy` does not."""
    bare, rows = bare_name(name), _data()["sdk_methods"]
    listed = [
        row
        for row in rows
        for method in row["methods"]
        if bare_name(method) == bare and "_" in method
    ]
    return sdk_method(listed[0]["service"], bare) if listed else None


def document_command(name: str) -> str:
    """The operation of a command of DynamoDB's document client for JavaScript, such as `Put`; empty for another."""
    found: str = _data()["document_client"]["commands"].get(name, "")
    return found


@cache
def _resources() -> Mapping[str, str]:
    """The operation of each method of boto3's resources by `service.resource.method` in lower case, without underscores."""
    services = resources.data("boto3-resources.json")["resources"]
    return {
        f"{service}.{resource}.{method.replace('_', '')}".lower(): operation
        for service, found in services.items()
        for resource, methods in found.items()
        for method, operation in methods.items()
    }


def resource_operation(service: str, resource: str, method: str) -> str:
    """The operation behind a method of a resource of boto3, such as `dynamodb`, `Table` and `query`; else nothing."""
    return _resources().get(f"{service}.{resource}.{method.replace('_', '')}".lower(), "")


def services_with_resource(name: str) -> tuple[str, ...]:
    """The services of boto3 that have a resource of this name, such as `Queue`."""
    services = resources.data("boto3-resources.json")["resources"]
    return tuple(service for service, found in services.items() if name in found)


@slotted
class Waiter:
    """A waiter of an SDK or the AWS CLI, which repeats one operation until its answer is the one that is waited for."""

    # As botocore's model has it: `InstanceRunning`.
    name: str
    operation: str


def waiter(client: str, name: str) -> Waiter | None:
    """The waiter of a client, however its name is spelled: `instance-running`, `InstanceRunning`."""
    bare = bare_name(name)
    return next((row for row in waiters_of(client) if bare_name(row.name) == bare), None)


def waiters_of(client: str) -> tuple[Waiter, ...]:
    """The waiters of a client; none where there are none, or no such client."""
    found = resources.data("boto3-resources.json")["waiters"].get(client.lower(), {})
    return tuple(Waiter(name=name, operation=operation) for name, operation in found.items())


def clients_with_waiter(name: str) -> tuple[str, ...]:
    """The clients that have a waiter of this name."""
    return tuple(
        client
        for client in resources.data("boto3-resources.json")["waiters"]
        if waiter(client, name)
    )


def bare_name(name: str) -> str:
    """A name as it is compared: `put_object` and `put-object` are `putobject`."""
    return name.replace("-", "").replace("_", "").lower()


_HOLE = re.compile(r"\{[^{}]*\}")


def gateway_operation(name: str) -> Operation | None:
    """An operation of API Gateway, whose actions are HTTP verbs on the paths of its own API; the name has no underscores."""
    paths = resources.data("cloudtrail-events.json")["paths"]
    spelled = next((own for own in paths if own.lower() == name), "")
    routes = [route.partition(" ") for route in paths.get(spelled, ())]
    on = [f"arn:aws:apigateway:REGION::{_HOLE.sub('*', path)}" for _, _, path in routes]
    verbs = dict.fromkeys(f"apigateway:{verb}" for verb, _, _ in routes)
    return (
        Operation(
            name=spelled, service="apigateway", actions=tuple(verbs), note=f"on {' or '.join(on)}"
        )
        if routes
        else None
    )


def operations_named(name: str) -> tuple[Operation, ...]:
    """The operations that this name without a service means; the name is in lower case."""
    return tuple(
        operation
        for operation in operations().values()
        if operation.is_meant_alone and operation.name.lower() == name
    )


def operation_sources(found: Collection[Operation]) -> tuple[str, ...]:
    """The pages that say which actions these operations need."""
    own = dict.fromkeys(operation.source for operation in found if operation.source)
    services = {operation.service for operation in found if not operation.source}
    pages: tuple[str, ...] = tuple(_data()["sources"]) if services else ()
    return (*own, *(page for page in pages if "AmazonS3" not in page or "s3" in services))


def service_of_client(client: str) -> str:
    """The prefix of the actions behind an SDK client or CLI command of another name; empty when none is known."""
    data, name = resources.data("sdk-clients.json"), client.lower()
    prefix: str = data["clients"].get(name) or data["commands"].get(name, "")
    return prefix


def service_by_nickname(name: str) -> str:
    """The prefix of a service that people or SDKs call by another name; empty when none is known."""
    prefix: str = resources.data("sdk-clients.json")["nicknames"].get(name.lower(), "")
    return prefix or service_of_client(name)
