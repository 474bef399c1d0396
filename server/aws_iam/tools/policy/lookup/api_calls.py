"""`policy lookup` of an API operation, an SDK method or an AWS CLI command: the actions that authorize it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.reference.operations import (
    Operation,
    added_by_options,
    bare_name,
    cli_command,
    clients_with_waiter,
    gateway_operation,
    operation_sources,
    operations,
    operations_named,
    resource_operation,
    sdk_method,
    sdk_method_named,
    service_by_nickname,
    service_of_client,
    waiter,
    waiters_of,
    without_permission,
)
from aws_iam.errors import nearest
from aws_iam.escape import escaped, quoted
from aws_iam.tools.policy.lookup import command_lines, tables
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
    resource = _documented(known, query, text.split(".")) or resource_call(
        known, query, text.split(".")
    )
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


def _documented(known: Catalog, query: str, parts: Sequence[str]) -> Answer | None:
    """`S3.Client.list_buckets` and `EC2.Waiter.InstanceRunning`, as the pages of boto3 name what a client has."""
    if len(parts) != _SERVICE_RESOURCE_METHOD:
        return None
    service, of, name = parts[0].lower(), parts[1], parts[2]
    if of in {"Client", "Paginator"}:
        return call(known, query, service, name)
    if of == "Waiter":
        return waiter_call(known, query, service, name)
    return resource_call(known, query, (service, "", name)) if of == "ServiceResource" else None


def _of_command(known: Catalog, query: str, words: Sequence[str]) -> Answer | None:
    command = words[0].lower()
    name = f"{command} {words[1].lower()}" if len(words) > 1 else command
    listed = _listed_command(command, words)
    if added := added_by_options(name, " ".join(words[2:])):
        own = listed or _own_operation(known, command, words[1])
        listed = _together(name, [*([own] if own else []), *added])
    if listed:
        return _of_listed(known, query, listed, "command", "is a command of the AWS CLI")
    if len(words) == 1:
        return None
    if words[1].lower() == "wait" and len(words) > _WAITER_WORDS:
        return waiter_call(known, query, command, words[_WAITER_WORDS])
    return call(known, query, command, words[1]) or _not_known(known, query, command, words[1])


def _listed_command(command: str, words: Sequence[str]) -> Operation | None:
    """A command that is no call, or needs more than its call: `configure`, `emr ssh`, `ec2 help`."""
    if command_lines.asks_for_help(words):
        note = "it shows a page of the manual"
        return Operation(name="help", service="", actions=(), note=note)
    name = f"{command} {words[1].lower()}" if len(words) > 1 else command
    return cli_command(command) or cli_command(name, " ".join(words[2:]))


def _own_operation(known: Catalog, command: str, name: str) -> Operation | None:
    """What a command needs in any case."""
    found = call(known, name, command, name)
    actions = [name for row in found.facts["actions"] for name in row["actions"]] if found else []
    note = str(found.facts.get("note", "")) if found else ""
    return Operation(name=name, service=command, actions=tuple(actions), note=note)


def _together(name: str, parts: Sequence[Operation]) -> Operation:
    actions = dict.fromkeys(action for part in parts for action in part.actions)
    notes = dict.fromkeys(part.note for part in parts if part.note)
    return Operation(name=name, service="", actions=tuple(actions), note="; ".join(notes))


def _not_known(known: Catalog, query: str, command: str, name: str) -> Answer:
    prefix = known.service(command) or known.service(service_of_client(command))
    if prefix is None:
        near = dict.fromkeys((*_commands_like(command), *known.suggest_service(command)))
        return _unknown_command(known, query, "names an unknown service", tuple(near), None)
    what = f"is not a known call of {prefix.title}"
    return _unknown_command(known, query, what, _calls_like(command, name, prefix), prefix)


def _commands_like(command: str) -> tuple[str, ...]:
    """The AWS CLI's own name for a service by another one: `stepfunctions` for `sfn`."""
    return tuple(filter(None, (service_by_nickname(command),)))


def _calls_like(command: str, name: str, service: Service) -> tuple[str, ...]:
    """The calls of the service with the names most like this one."""
    own = {
        _hyphened(action): f"aws {command} {_hyphened(action)}" for action in service.action_names
    }
    own |= {
        _hyphened(row.name): f"aws {command} {_hyphened(row.name)}"
        for row in operations().values()
        if row.service == service.prefix
    }
    return tuple(own[near] for near in nearest(name.lower(), own))


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
    if len(parts) < _SERVICE_RESOURCE_METHOD:
        return None
    service, resource, method = parts[0], parts[1], ".".join(parts[2:])
    operation = resource_operation(service, resource, method)
    if not operation and sdk_method(service.lower(), method.replace("_", "").lower()):
        return call(known, query, service, method)
    found = call(known, query, service, operation) if operation else None
    if found is None:
        return None
    # What acts on a whole collection lists it first: `objects.delete`.
    listing = resource_operation(service, resource, method.partition(".")[0])
    listed = call(known, query, service, listing) if "." in method and listing else None
    rows = [*(listed.facts["actions"] if listed else ()), *found.facts["actions"]]
    names = [name for row in rows for name in row["actions"]]
    calls = joined([quoted(one) for one in ([listing] if listed else []) + [operation]])
    note = f" ({found.facts['note']})" if "note" in found.facts else ""
    return replace(
        found,
        summary=f"{quoted(query)} is a method of boto3 that calls the operation{'s' if listed else ''} {calls}; it needs"
        f" {quoted_names(names)}{note}.",
        facts={**found.facts, "actions": tables.action_rows(known, names)},
        sources=(_PAGES["sdk_method"], *found.sources),
    )


def presigned_call(known: Catalog, query: str, client: str, name: str) -> Answer | None:
    """`generate_presigned_url("get_object", …)`: the operation that whoever has the link performs."""
    found = call(known, query, client, name)
    if found is None or not client:
        return found
    names = quoted_names([name for row in found.facts["actions"] for name in row["actions"]])
    return replace(
        found,
        summary=f"{quoted(query)} signs a link to the operation {quoted(name)}, which calls nothing; when the link is used,"
        f" whoever signed it needs {names}.",
    )


def unknown_call(known: Catalog, query: str, client: str, name: str) -> Answer:
    """That the last call of the code is not known; `client` is empty when no service is named."""
    service = known.service(client) or known.service(service_of_client(client))
    if service is None:
        return unknown_answer(known, query, kind="sdk_method", what="has no call that is known")
    own = {action.lower(): f"{service.prefix}:{action}" for action in service.action_names}
    near = nearest(bare_name(name), own)
    what = f"is not a known call of {service.title}"
    options = [own[one] for one in near]
    return unknown_answer(
        known, query, kind="api_operation", what=what, options=options, service=service.prefix
    )


def call(known: Catalog, query: str, client: str, name: str) -> Answer | None:
    """An operation or method by its name; `client` is empty when no service is named."""
    plain = bare_name(name)
    if not (plain.isalnum() and plain.isascii()):
        return None
    prefixes = dict.fromkeys(filter(None, (client.lower(), service_of_client(client))))
    if not client:
        if alone := sdk_method_named(name):
            what = f"is a method of the SDK that calls operations of `{alone.service}`"
            return _of_listed(known, query, alone, "sdk_method", what)
        # Actions such as `apigateway:GET` are HTTP's verbs, and no operation has their names.
        of_name = [name for name in known.having(plain) if not name.partition(":")[2].isupper()]
        return _of_names(known, query, operations_named(plain), of_name)
    exceptions = [operations()[key] for p in prefixes if (key := f"{p}:{plain}") in operations()]
    if "apigateway" in prefixes and (of_gateway := gateway_operation(plain)):
        exceptions.append(of_gateway)
    methods = [method for prefix in prefixes if (method := sdk_method(prefix, plain))]
    if methods and not exceptions:
        what = f"is a method of the SDK that calls operations of `{methods[0].service}`"
        return _of_listed(known, query, methods[0], "sdk_method", what)
    same_name = [action.full_name for p in prefixes if (action := known.action(f"{p}:{plain}"))]
    return _of_names(known, query, exceptions, same_name)


def _of_listed(known: Catalog, query: str, listed: Operation, kind: str, what: str) -> Answer:
    """A method or command that calls several operations."""
    note = f" ({listed.note})" if listed.note else ""
    needs = (
        f"it needs {quoted_names(listed.actions, shown=len(listed.actions))}"
        if listed.actions
        else "it needs no permission of IAM"
    )
    return facts_answer(
        known,
        f"{quoted(query)} {what}; {needs}{note}.",
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
        else _call_sentence(query, exceptions, same_name) + _dependents(known, names),
        found
        | ({"note": "; ".join(notes)} if notes else {})
        | {"actions": tables.action_rows(known, names)},
        services=owners if len(owners) < 3 else (),  # noqa: PLR2004 - more pages say nothing
        sources=(open_action.source,) if open_action else operation_sources(exceptions),
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


def _dependents(known: Catalog, names: Sequence[str]) -> str:
    """What a call of the one action may also need, as a role that it passes."""
    one = known.action(names[0]) if len(names) == 1 else None
    return (
        f" A call may also need {quoted_names(one.dependents, shown=5)}."
        if one and one.dependents
        else ""
    )
