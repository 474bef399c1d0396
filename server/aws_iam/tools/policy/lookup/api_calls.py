"""`policy lookup` of an API operation, an SDK method or an AWS CLI command: the actions that authorize it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.reference.operations import (
    Operation,
    cli_command,
    clients_with_waiter,
    gateway_operation,
    operation_sources,
    operations,
    operations_named,
    resource_operation,
    sdk_method,
    service_of_client,
    waiter,
    waiters_of,
    without_permission,
)
from aws_iam.errors import nearest
from aws_iam.escape import escaped, quoted
from aws_iam.tools.policy.lookup import tables
from aws_iam.tools.policy.lookup.answer import facts_answer, quoted_names, unknown_answer
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog
    from aws_iam.engine.reference.facts import Service

_SERVICE_RESOURCE_METHOD = 3
# `ec2 wait instance-running`.
_WAITER_WORDS = 2
_SDKS = frozenset({"boto3", "botocore", "sdk"})


def api_call(known: Catalog, query: str) -> Answer | None:
    """`s3:HeadObject`, `list_objects_v2`, `s3.list_objects_v2`, `boto3 s3 head_object`, `aws s3api head-object`."""
    words = query.split()
    if words[0].lower() == "aws" and len(words) > 1:
        return _of_command(known, query, words[1:])
    if words[0].lower() in _SDKS:
        words = words[1:]
    text = " ".join(words).removesuffix("()")
    resource = resource_call(known, query, text.split("."))
    if resource:
        return resource
    for separator in (":", ".", " "):
        client, found, name = text.partition(separator)
        if found and name and " " not in name:
            # The method of an object whose name says no service: `table.put_item`.
            is_method = separator == "." and "_" in name and client.isidentifier()
            named = known.service(client) or service_of_client(client)
            return call(known, query, "" if is_method and not named else client, name)
    return call(known, query, "", text) if text and " " not in text else None


def _of_command(known: Catalog, query: str, words: Sequence[str]) -> Answer | None:
    command = words[0].lower()
    if alone := cli_command(command):
        return _of_listed(known, query, alone, "command", "is a command of the AWS CLI")
    if len(words) == 1:
        return None
    if words[1].lower() == "wait" and len(words) > _WAITER_WORDS:
        return waiter_call(known, query, command, words[_WAITER_WORDS])
    listed = cli_command(f"{command} {words[1].lower()}", " ".join(words[2:]))
    if listed:
        return _of_listed(known, query, listed, "command", "is a command of the AWS CLI")
    found = call(known, query, command, words[1])
    if found:
        return found
    prefix = known.service(command) or known.service(service_of_client(command))
    if prefix is None:
        what = "names an unknown service"
    else:
        what = f"is not a known call of {prefix.title}"
    near = known.suggest_service(command) if prefix is None else ()
    return _unknown_command(known, query, what, near, prefix)


def _unknown_command(
    known: Catalog, query: str, what: str, options: Sequence[str], service: Service | None
) -> Answer:
    prefix = service.prefix if service else ""
    return unknown_answer(known, query, kind="command", what=what, options=options, service=prefix)


def waiter_call(known: Catalog, query: str, client: str, name: str) -> Answer | None:
    """A waiter of a client, by the operation that it repeats; `client` is empty when no service is named."""
    clients = [client, service_of_client(client)] if client else clients_with_waiter(name)
    found = [(own, repeated) for own in clients if own and (repeated := waiter(own, name))]
    if len({repeated.operation for _, repeated in found}) == 1:
        own, repeated = found[0]
        answer = call(known, query, own, repeated.operation)
        if answer:
            needed = quoted_names(
                [name for row in answer.facts["actions"] for name in row["actions"]]
            )
            return replace(
                answer,
                summary=f"{quoted(query)} is a waiter that repeats {own}'s operation `{repeated.operation}`; it needs {needed}.",
                facts={**answer.facts, "waiter": repeated.name},
            )
    service = known.service(client) or known.service(service_of_client(client))
    own_names = [
        f"aws {own} wait {_hyphened(row.name)}" for own in clients for row in waiters_of(own)
    ]
    options = nearest(f"aws {client} wait {name}", own_names)
    if found:
        calls = joined(
            list(dict.fromkeys(f"{own}'s operation `{row.operation}`" for own, row in found)), "or"
        )
        why = "the service must be named" if len(found) > 1 else "no action for it is known"
        what, options = f"is a waiter that repeats {calls}; {why}", ()
    elif client and service is None:
        what, options = "names an unknown service", known.suggest_service(client)
    else:
        what = f"is not a known waiter{f' of {service.title}' if service else ''}"
    return _unknown_command(known, query, what, options, service)


def _hyphened(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def resource_call(known: Catalog, query: str, parts: Sequence[str]) -> Answer | None:
    """`dynamodb.Table.query`: a method of a resource of boto3, which has its own name for an operation."""
    if len(parts) != _SERVICE_RESOURCE_METHOD:
        return None
    service, _, method = parts
    operation = resource_operation(*parts)
    if not operation and sdk_method(service.lower(), method.replace("_", "").lower()):
        return call(known, query, service, method)
    found = call(known, query, service, operation) if operation else None
    if found is None:
        return None
    names = [name for row in found.facts["actions"] for name in row["actions"]]
    note = f" ({found.facts['note']})" if "note" in found.facts else ""
    return replace(
        found,
        summary=f"{quoted(query)} is a method of boto3 that calls the operation {quoted(operation)}; it needs"
        f" {quoted_names(names)}{note}.",
        sources=(_PAGES["sdk_method"], *found.sources),
    )


def call(known: Catalog, query: str, client: str, name: str) -> Answer | None:
    """An operation or method by its name; `client` is empty when no service is named."""
    bare = name.replace("_", "").replace("-", "").lower()
    if not (bare.isalnum() and bare.isascii()):
        return None
    prefixes = dict.fromkeys(filter(None, (client.lower(), service_of_client(client))))
    if not client:
        return _of_names(known, query, operations_named(bare), known.having(bare))
    exceptions = [operations()[key] for p in prefixes if (key := f"{p}:{bare}") in operations()]
    if "apigateway" in prefixes and (of_gateway := gateway_operation(bare)):
        exceptions.append(of_gateway)
    methods = [method for prefix in prefixes if (method := sdk_method(prefix, bare))]
    if methods and not exceptions:
        what = f"is a method of the SDK that calls operations of `{methods[0].service}`"
        return _of_listed(known, query, methods[0], "sdk_method", what)
    same_name = [action.full_name for p in prefixes if (action := known.action(f"{p}:{bare}"))]
    return _of_names(known, query, exceptions, same_name)


def _of_listed(known: Catalog, query: str, listed: Operation, kind: str, what: str) -> Answer:
    """A method or command that calls several operations."""
    note = f" ({listed.note})" if listed.note else ""
    needs = f"needs {quoted_names(listed.actions)}" if listed.actions else "needs no permission"
    return facts_answer(
        known,
        f"{quoted(query)} {what}; it {needs}{note}.",
        {
            "known": True,
            "kind": kind,
            "query": escaped(query),
            "name": listed.name,
            "actions": tables.action_rows(known, listed.actions),
        },
        services=dict.fromkeys(action.partition(":")[0] for action in listed.actions),
        sources=(_PAGES[kind],),
        queries=listed.actions,
    )


_PAGES = {
    "command": "https://docs.aws.amazon.com/cli/latest/reference/",
    "sdk_method": "https://boto3.amazonaws.com/v1/documentation/api/latest/index.html",
}


def _of_names(
    known: Catalog, query: str, exceptions: Sequence[Operation], same_name: Sequence[str]
) -> Answer | None:
    """The operations whose actions have other names, and the actions with the operation's name."""
    names = list(
        dict.fromkeys([*(name for call in exceptions for name in call.actions), *same_name])
    )
    if not names:
        return None
    notes = [call.note for call in exceptions if call.note]
    found: dict[str, object] = {
        "known": True,
        "kind": "api_operation",
        "query": escaped(query),
        "operation": exceptions[0].name if exceptions else names[0].partition(":")[2],
        "found_by": "a list of exceptions" if exceptions else "its name",
    }
    owners = list(dict.fromkeys(name.partition(":")[0] for name in names))
    open_action = without_permission().get(names[0].lower()) if len(names) == 1 else None
    return facts_answer(
        known,
        f"{quoted(query)}: {open_action.why}."
        if open_action
        else _call_sentence(query, exceptions, same_name),
        found
        | ({"note": "; ".join(notes)} if notes else {})
        | {"actions": tables.action_rows(known, names)},
        services=owners if len(owners) < 3 else (),  # noqa: PLR2004 - more pages say nothing
        sources=(open_action.source,)
        if open_action
        else operation_sources({call.service for call in exceptions}),
        queries=names,
    )


def _call_sentence(query: str, exceptions: Sequence[Operation], same_name: Sequence[str]) -> str:
    parts = []
    for call in exceptions:
        verb = "it is authorized by" if len(call.actions) == 1 else "it needs"
        note = f" ({call.note})" if call.note else ""
        parts.append(
            f"{quoted(query)} is an API operation of `{call.service}`, not an action; "
            f"{verb} {quoted_names(call.actions)}{note}"
        )
    if len(same_name) == 1 and not exceptions:
        parts.append(
            f"{quoted(query)} is authorized by the action of the same name, `{same_name[0]}`"
        )
    elif same_name:
        parts.append(
            f"{quoted_names(same_name)} {'is an action' if len(same_name) == 1 else 'are actions'} with that name"
        )
    return "; ".join(parts) + "."
