"""Parses AccessDenied messages: caller, action, resource, the layer that denied, and what the message does not say.

    denials("User: arn:… is not authorized to perform: s3:GetObject on resource: … because no …")  →  (Denial, …)

Accepts texts of AWS, the CLI and the SDKs, alone or inside logs, and JSON that contains such texts, CloudTrail records or
decoded authorization messages. Sources: IAM User Guide, troubleshoot_access-denied; STS API Reference,
DecodeAuthorizationMessage; CloudTrail User Guide, cloudtrail-event-reference-record-contents.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.engine.denied import message_patterns, operation_context, other_texts
from aws_iam.engine.denied.message_patterns import MOST
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.operations import operations, operations_named, service_of_client
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST = 262_144
_MOST_VALUES = 20_000
_ACTION = re.compile(r"[A-Za-z0-9-]{1,64}:[A-Za-z0-9]{1,128}")

Form = Literal["standard", "short", "ciphertext", "decoded", "event"]

LAYERS: Mapping[str, str] = {
    "service control policy": "scp",
    "resource control policy": "rcp",
    "vpc endpoint policy": "vpc_endpoint",
    "permissions boundary": "boundary",
    "session policy": "session",
    "resource-based policy": "resource",
    "role trust policy": "resource",
    "identity-based policy": "identity",
}
"""The layer of each policy type in AWS's messages, in lower case."""


@slotted
class Denial:
    """One denied request, as the message describes it. Fields that it does not contain are empty, `explicit` is then None.

    `role` is the ARN behind a session, `context` has condition keys; only events and decoded messages contain them.
    """

    form: Form
    principal: str = ""
    action: str = ""
    resource: str = ""
    policy_type: str = ""
    explicit: bool | None = None
    policy_arn: str = ""
    operation: str = ""
    service: str = ""
    code: str = ""
    encoded: bool = False
    role: str = ""
    context: tuple[tuple[str, tuple[str, ...]], ...] = ()
    # What else the text says, such as that the key may not exist.
    remark: str = ""
    # What was concluded from other words than AWS's standard ones.
    inferred: tuple[str, ...] = ()
    # Why no policy decided, what helps instead, and the page that says so; empty where the message is an ordinary one.
    cause: str = ""
    mended_by: str = ""
    # Whether a missing permission is among the causes.
    policy_may_help: bool = False
    source: str = ""

    @property
    def layer(self) -> str:
        """The layer that denied; empty when the message names none."""
        return LAYERS.get(self.policy_type, "")

    @property
    def likely_actions(self) -> tuple[str, ...]:
        """The actions that the operation may need, when the message names no action."""
        if self.action and not self.inferred:
            return ()
        inferred = (self.action,) if self.action else ()
        if not self.operation:
            return inferred
        if self.service:
            return inferred or _actions_of(self.service, self.operation)
        named = [name for op in operations_named(self.operation.lower()) for name in op.actions]
        # Several services can have the operation: the one with the shortest name is most likely.
        others = sorted(catalog().having(self.operation), key=len)
        return tuple(dict.fromkeys((*inferred, *named, *others)))[:5]

    @property
    def untold(self) -> tuple[str, ...]:
        """What the message does not say."""
        silent = {
            "principal": not self.principal,
            "action": not self.action,
            "resource": not self.resource,
            "layer": not self.layer,
            "whether a Deny matched or an Allow is missing": self.explicit is None,
            "which policy": not self.policy_arn,
            "which statement, and which of its conditions": True,
            "whether other layers deny as well": True,
        }
        return tuple(name for name, open_ in silent.items() if open_)


def denials(message: object) -> tuple[Denial, ...]:
    """The distinct messages in the text or JSON value; InputError when there are none."""
    text = message if isinstance(message, str) else _as_text(message)
    if not text.strip():
        raise InputError(
            "`message` is empty", hint="give the text of the error as AWS returned it"
        )
    if len(text) > _LONGEST:
        raise InputError(
            f"`message` has {len(text):,} characters, at most {_LONGEST:,} are accepted",
            hint="cut the log down to the lines around the error",
        )
    value = _json_of(text) if isinstance(message, str) else message
    found = _denials_in_json(value) if isinstance(value, (dict, list)) else _denials_in_text(text)
    distinct = tuple(dict.fromkeys(islice(found, MOST)))
    if not distinct:
        raise _no_denial(text)
    return distinct


def _as_text(message: object) -> str:
    if not isinstance(message, (dict, list)):
        raise InputError(
            "`message` must be text, or the JSON of an error, event or decoded message"
        )
    try:
        return json.dumps(message)
    except (ValueError, TypeError, RecursionError):
        raise InputError("`message` is not a JSON value") from None


def _json_of(text: str) -> Any:
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        # A log line may start like JSON.
        return None


def _denials_in_text(text: str) -> Iterator[Denial]:
    for parts in message_patterns.message_parts(text):
        yield _denial(parts)


def _denial(parts: message_patterns.MessageParts) -> Denial:
    known = "ec2" if parts.code.endswith("UnauthorizedOperation") else parts.service
    return Denial(
        form=parts.form,
        principal=_principal(parts.principal),
        action=_spelled(parts.action),
        resource=parts.resource,
        policy_type=parts.policy_type,
        explicit=parts.explicit,
        policy_arn=parts.policy_arn,
        operation=parts.operation,
        service=known,
        code=parts.code,
        encoded=parts.encoded,
        remark=parts.remark,
        inferred=parts.inferred,
        cause=parts.cause,
        mended_by=parts.mended_by,
        policy_may_help=parts.policy_may_help,
        source=parts.source,
    )


def _principal(text: str) -> str:
    """The principal, with `*` for an anonymous caller as in requests."""
    return "*" if text.lower() == "anonymous" else text


def _spelled(action: str) -> str:
    """The action in AWS's spelling."""
    known = catalog().action(action) if action else None
    return known.full_name if known else action


def _denials_in_json(value: Any) -> Iterator[Denial]:
    """The messages in the strings of a JSON value, outermost first; iterative and bounded."""
    waiting = [value]
    for _ in range(_MOST_VALUES):
        if not waiting:
            return
        here = waiting.pop()
        if isinstance(here, str):
            inner = _json_of(here)
            if isinstance(inner, (dict, list)):
                waiting.append(inner)
            else:
                yield from _denials_in_text(here)
        elif isinstance(here, list):
            waiting += reversed(here)
        elif isinstance(here, dict):
            if _is_decoded(here):
                yield from _decoded(here)
            elif isinstance(here.get("eventName"), str) and "errorCode" in here:
                yield from _event(here)
            else:
                waiting += reversed(_error_body(here))


def _error_body(body: Mapping[str, Any]) -> list[Any]:
    """The values of an error body; if it has a code and a message, both as one text."""
    fields = {name.lower(): value for name, value in body.items()}
    code = fields.get("__type", fields.get("code"))
    text = fields.get("message")
    if isinstance(code, str) and isinstance(text, str):
        others = [v for n, v in body.items() if n.lower() not in {"__type", "code", "message"}]
        return [f"{code.rpartition('#')[2]}: {text}", *others]
    return list(body.values())


def _is_decoded(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("allowed"), bool) and isinstance(value.get("context"), dict)


def _decoded(value: Mapping[str, Any]) -> Iterator[Denial]:
    """The result of DecodeAuthorizationMessage: the request with its context, and whether a Deny matched."""
    if value["allowed"]:
        return
    context = value["context"]
    who = context.get("principal")
    explicit = value.get("explicitDeny")
    yield Denial(
        form="decoded",
        principal=_text(who, "arn"),
        action=_spelled(_text(context, "action")),
        resource=_text(context, "resource"),
        explicit=explicit if isinstance(explicit, bool) else None,
        context=tuple(_conditions(context.get("conditions"))),
    )


def _text(value: object, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _items(value: object) -> list[Any]:
    found = value.get("items") if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _conditions(value: object) -> Iterator[tuple[str, tuple[str, ...]]]:
    for condition in _items(value):
        name = _text(condition, "key")
        values = (
            tuple(filter(None, (_text(item, "value") for item in _items(condition.get("values")))))
            if name
            else ()
        )
        if values:
            yield name, values


def _event(record: Mapping[str, Any]) -> Iterator[Denial]:
    """A CloudTrail record: the text of the error, with the caller, the operation and the service."""
    code = _text(record, "errorCode")
    text = _text(record, "errorMessage")
    found = tuple(_denials_in_text(f"{code}: {text}"))
    if not found and not operation_context.is_denial(code):
        return
    who = record.get("userIdentity")
    session = who.get("sessionContext") if isinstance(who, dict) else None
    issuer = session.get("sessionIssuer") if isinstance(session, dict) else None
    role = _text(issuer, "arn") if _text(issuer, "type") == "Role" else ""
    service = _text(record, "eventSource").partition(".")[0].lower()
    operation = _text(record, "eventName")
    for denial in found or (Denial(form="event"),):
        named = _actions_of(service, operation)
        plain = not denial.action and len(named) == 1 and not denial.encoded
        yield replace(
            denial,
            form="event",
            principal=denial.principal or _text(who, "arn") or _provider(who),
            action=named[0] if plain else denial.action,
            resource=denial.resource or _assumed(record) or (_only_arn(record) if plain else ""),
            code=code,
            operation=operation,
            service=service,
            role=role,
        )


def _actions_of(service: str, operation: str) -> tuple[str, ...]:
    mapped = operations().get(f"{service}:{operation}".lower())
    if mapped:
        return mapped.actions
    prefix = service_of_client(service) or service
    known = catalog().action(f"{prefix}:{operation}")
    return (known.full_name,) if known else ()


def _provider(who: object) -> str:
    """The ARN of the identity provider behind a web identity; empty if the event does not contain it."""
    found = _text(who, "identityProvider")
    return found if found.startswith("arn:") else ""


def _assumed(record: Mapping[str, Any]) -> str:
    """The role that an STS call tried to assume."""
    is_sts = _text(record, "eventSource") == "sts.amazonaws.com"
    return _text(record.get("requestParameters"), "roleArn") if is_sts else ""


def _only_arn(record: Mapping[str, Any]) -> str:
    listed = record.get("resources")
    arns = [_text(resource, "ARN") for resource in listed] if isinstance(listed, list) else []
    return arns[0] if len(arns) == 1 else ""


def _no_denial(text: str) -> InputError:
    other = other_texts.other_error(text)
    if other:
        page = f" ({other.source})" if other.source else ""
        return InputError(
            f"{quoted(other.said)} is not a denial by a policy: {other.meaning}",
            hint=f"{other.mended_by}{page}",
        )
    return InputError(
        "`message` contains no AccessDenied error",
        hint="give the text as AWS returned it: `User: … is not authorized to perform: … on resource: … because …`",
    )
