"""The request behind an evaluation of AWS's record, as input for `evaluate`.

The record names the caller by its context keys; a message names the session, which the context only identifies.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aws_iam.engine.denied.request import UNKNOWN_ACCOUNT
from aws_iam.engine.evaluation.decision_flow import needs_resource_policy
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.arn import Arn
from aws_iam.errors import InputError
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.denied.authorization.record import (
        AuthorizationEvaluation,
        AuthorizationRecord,
    )

_ACCOUNT = re.compile(r"\d{12}")
_MASKS = ("*", "<", "[", "…", "XXX", "xxx")
_ROLE = re.compile(r"arn:(?P<partition>[\w-]+):iam::(?P<account>\d{12}):role/(?P<path>.+)")


@slotted
class RecordedRequest:
    """The fields of a request, None where `lack` says why there are none; `unread` are keys whose values are objects."""

    fields: Mapping[str, Any] | None
    lack: str = ""
    unread: tuple[str, ...] = ()


@slotted
class NamedCaller:
    """The caller that a message names, and the role behind it; empty where there is no message."""

    principal: str = ""
    role: str = ""


def recorded_request(
    record: AuthorizationRecord, evaluation: AuthorizationEvaluation, named: NamedCaller
) -> RecordedRequest:
    """The request of one evaluation: its own context lies over that of the request."""
    context, unread = _context(record, evaluation)
    lower = {name.lower(): value for name, value in context.items()}
    caller = _caller(lower, named)
    if not caller:
        return RecordedRequest(
            fields=None, lack="neither the record nor a message names the caller"
        )
    resource = evaluation.resource or "*"
    fields: dict[str, Any] = {
        **caller,
        "action": evaluation.action,
        "resource": resource,
        "context": context,
    }
    owner = _one(lower, "aws:resourceaccount")
    if _ACCOUNT.fullmatch(owner):
        fields["resource_account"] = owner
    try:
        request = request_of(dict(fields))
    except InputError as error:
        return RecordedRequest(fields=None, lack=error.message, unread=unread)
    arn = Arn.of(request.resource)
    in_arn = arn is not None and _ACCOUNT.fullmatch(arn.account)
    asks_owner = evaluation.checks_of("resource") and not needs_resource_policy(request)
    if asks_owner and not owner and arn and not in_arn and request.caller.account:
        # AWS asks the owner of the resource separately, and the record does not say which account that is.
        fields["resource_account"] = UNKNOWN_ACCOUNT
    return RecordedRequest(fields=fields, unread=unread)


def caller_of_record(record: AuthorizationRecord) -> str:
    """The ARN of the caller by the record's own context; empty where it does not name one."""
    lower = {name.lower(): value for name, value in record.context.items()}
    return _caller(lower, NamedCaller()).get("principal", "")


def is_same_caller(told: str, recorded: str) -> bool:
    """Whether the caller that a message tells can be the recorded one: a session and its role are, and what is masked may be."""
    first, second = Arn.of(told), Arn.of(recorded)
    if first is None or second is None:
        # A bare name says too little; a service or nobody is another caller than a user.
        return told == recorded or not (told == "*" or "." in told or ":" in told)
    accounts = {first.account, second.account}
    if all(map(_ACCOUNT.fullmatch, accounts)) and len(accounts) > 1:
        return False
    names = (_name(first), _name(second))
    return names[0] == names[1] or any(mark in name for name in names for mark in _MASKS)


def _name(arn: Arn) -> str:
    """The name of a user, or of the role behind a session, without its path."""
    kind, _, rest = arn.resource.partition("/")
    if kind == "assumed-role":
        return f"role/{rest.partition('/')[0]}"
    return f"{kind}/{rest.rpartition('/')[2]}" if rest else kind


def _context(
    record: AuthorizationRecord, evaluation: AuthorizationEvaluation
) -> tuple[dict[str, Any], tuple[str, ...]]:
    merged: dict[str, tuple[str, Any]] = {}
    for given in (record.context, evaluation.context):
        for name, value in given.items():
            merged[name.lower()] = (name, value)
    readable: dict[str, Any] = {}
    unread: list[str] = []
    for name, value in merged.values():
        entries = value if isinstance(value, list) else [value]
        if any(isinstance(entry, (dict, list)) for entry in entries):
            unread.append(name)
        else:
            readable[name] = value
    return readable, tuple(unread)


def _caller(context: Mapping[str, Any], named: NamedCaller) -> dict[str, str]:
    """The fields of a request that say who asks, by the context, else as the message names it."""
    if _one(context, "aws:principalisawsservice") == "true":
        service = _one(context, "aws:principalservicename")
        if service:
            return {"principal": service}
    if _one(context, "aws:principaltype") == "Anonymous":
        return {"principal": "*"}
    arn = _one(context, "aws:principalarn")
    role = _ROLE.fullmatch(arn)
    if role is None:
        # An identity of a provider has no ARN of its own before it assumes a role.
        arn = arn or _one(context, "aws:federatedprovider")
        return {"principal": arn} if arn.startswith("arn:") else _named(named)
    name = role["path"].rpartition("/")[2]
    session = _one(context, "aws:userid").partition(":")[2]
    if not session and f":assumed-role/{name}/" in named.principal:
        session = named.principal.rpartition("/")[2]
    if not session:
        return {"principal": arn}
    principal = f"arn:{role['partition']}:sts::{role['account']}:assumed-role/{name}/{session}"
    return {"principal": principal, "principal_role": arn}


def _named(named: NamedCaller) -> dict[str, str]:
    if not named.principal:
        return {}
    role = {"principal_role": named.role} if named.role else {}
    return {"principal": named.principal, **role}


def _one(context: Mapping[str, Any], name: str) -> str:
    """The only value of a key as text; empty where there is none."""
    value = context.get(name)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ""
