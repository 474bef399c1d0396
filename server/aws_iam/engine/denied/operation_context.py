"""The error code and the operation around a message, and the action behind the operation.

SDKs, consoles and templates each have their own words for which call failed; AWS's text itself seldom says it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.operations import operations, operations_named, service_of_client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.denied.message_parts import MessageParts

_FAR = 2_100
_ACTION = r"([a-z][a-z0-9-]{0,63}:[A-Za-z0-9]{1,128})"
_CALLING = re.compile(
    r"error (?:occurred )?\(([A-Za-z0-9.]{1,80})\) (?:occurred )?when calling the ([A-Za-z0-9]{1,80}) operation",
    re.IGNORECASE,
)
_GO = re.compile(r"operation error ([A-Za-z0-9 ]{1,60}): ([A-Za-z0-9]{1,80}),", re.IGNORECASE)
_PHP = re.compile(r"Error executing \"?([A-Za-z0-9]{1,80})\"? on \"?https?://([a-z0-9.-]{1,200})")
_API = re.compile(rf"\bAPI: {_ACTION}", re.IGNORECASE)
_JAVA = re.compile(r"\(Service: ([A-Za-z0-9 ]{1,60})[;,]")
_EVENT_SOURCE = re.compile(r"eventSource\W{1,8}([a-z0-9-]{1,63})\.amazonaws\.com")
_CODE = re.compile(
    r"\b(AccessDenied(?:Exception|Error|Fault)?|[A-Za-z0-9]{0,10}AccessDeniedException|KmsAccessDenied|(?:Client\.)?UnauthorizedOperation"
    r"|UnauthorizedException|UnauthorizedAccess|NotAuthorized|AuthorizationError(?:Exception)?|ForbiddenException"
    r"|InsufficientPermissionsException|AllAccessDisabled)\b|\b(ACCESS_DENIED)\b"
)
_WORD = re.compile(r"[a-z0-9-]{2,40}")
EVENT_NAME = re.compile(r"eventName\W{1,8}([A-Za-z0-9]{1,80})")
"""The operation in a CloudTrail record, also in a part of one."""
ROW = re.compile(
    r"\b([a-z0-9-]{1,63})\.amazonaws\.com[\s\",|]{1,8}([A-Z][A-Za-z0-9]{1,80})[\s\",|]{1,8}(?=(?:Client\.)?[A-Z])"
)
"""Service and operation in a row of a table of CloudTrail records."""
WEB_IDENTITY = re.compile(r"AssumeRoleWith(?:WebIdentity|SAML)")


@cache
def denial_data() -> Mapping[str, Any]:
    """The content of the data file."""
    data: Mapping[str, Any] = resources.data("denials.json")
    return data


def service_named(name: str) -> str:
    """The prefix of the actions of a service, by what SDKs and consoles call it; empty when none is known."""
    plain = name.lower().replace(" ", "").replace("_", "")
    known = _service(plain)
    for affix in ("amazon", "aws"):
        known = known or _service(plain.removeprefix(affix))
    return known


def _service(plain: str) -> str:
    for name in (plain, plain.removesuffix("internal"), re.sub(r"v\d$", "", plain)):
        prefix = denial_data()["service_names"].get(name) or service_of_client(name)
        if prefix or name in catalog().services:
            return str(prefix or name)
    return ""


def with_operation(parts: MessageParts, text: str, start: int, at: int, end: int) -> MessageParts:
    """The parts with the last error code and operation between the previous message and this one."""
    near = max(start, at - 4 * _FAR)
    java = _JAVA.search(text, at, min(end, at + _FAR)) or _last(_JAVA, text, near, at)
    service = parts.service or (service_named(java[1]) if java else "")
    calling = _last(_CALLING, text, near, at)
    if calling:
        return replace(parts, code=calling[1], operation=calling[2], service=service)
    if go := _last(_GO, text, near, at):
        parts, service = replace(parts, operation=go[2]), service_named(go[1]) or service
    elif php := _last(_PHP, text, near, at):
        parts, service = replace(parts, operation=php[1]), service_named(php[2].partition(".")[0])
    elif api := _last(_API, text, near, at):
        prefix, _, name = api[1].partition(":")
        parts, service = replace(parts, operation=name), service_named(prefix) or service
    elif row := _last(ROW, text, near, at):
        parts, service = replace(parts, operation=row[2]), service_named(row[1]) or service
    elif (event := _last(EVENT_NAME, text, near, at)) and not parts.operation:
        source = _last(_EVENT_SOURCE, text, near, at)
        parts = replace(parts, operation=event[1])
        service = (service_named(source[1]) if source else "") or service
    parts = replace(parts, service=service)
    code = _last(_CODE, text, near, at) or _CODE.search(text, at, min(end, at + _FAR))
    return replace(parts, code=parts.code or code[0]) if code else parts


def _last(pattern: re.Pattern[str], text: str, start: int, end: int) -> re.Match[str] | None:
    last = None
    for match_ in pattern.finditer(text, start, end):
        last = match_
    return last


def with_inferences(parts: MessageParts, text: str) -> MessageParts:
    """The parts with the action that the operation needs, where there is one, and the layer that alone can decide it."""
    if not parts.action and parts.operation:
        action, why = action_of_operation(parts, text)
        if action:
            parts = replace(parts, action=action, inferred=(*parts.inferred, why))
    if not parts.policy_type and WEB_IDENTITY.search(parts.action):
        why = f"the layer is inferred: only the trust policy of the role can allow {parts.action}"
        remark = "the trust policy of the role refuses the identity, or its provider is not known in the role's account"
        parts = replace(
            parts,
            policy_type="role trust policy",
            remark=parts.remark or remark,
            inferred=(*parts.inferred, why),
        )
    return parts


def action_of_operation(parts: MessageParts, text: str) -> tuple[str, str]:
    """The action behind the operation, and how that is known; both empty where several services have the operation."""
    name = parts.operation
    service = parts.service or ("ec2" if parts.code.endswith("UnauthorizedOperation") else "")
    if service:
        mapped = operations().get(f"{service}:{name}".lower())
        known = catalog().action(f"{service}:{name}")
        actions = mapped.actions if mapped else ((known.full_name,) if known else ())
    else:
        named = [action for op in operations_named(name.lower()) for action in op.actions]
        actions = tuple(dict.fromkeys((*named, *catalog().having(name))))
    if len(actions) == 1:
        return actions[0], f"the action is inferred from the operation {name}"
    likely = _likely(actions, parts.code, text)
    why = f"several services have an operation {name}; the action is inferred from the rest of the message, or is the likeliest"
    return (likely, why) if likely else ("", "")


def _likely(actions: tuple[str, ...], code: str, text: str) -> str:
    """The action of the service that the text names, or else of the one common service that has the operation; or none."""
    words = frozenset(_WORD.findall(text.lower()))
    named = [action for action in actions if _spoken_names(action.partition(":")[0]) & words]
    if len(named) == 1:
        return named[0]
    plain = [
        action for action in actions if action.partition(":")[0] in denial_data()["plain_codes"]
    ]
    by_code = plain if code in {"AccessDenied", "403"} else [a for a in actions if a not in plain]
    common = [
        action
        for action in by_code or actions
        if action.partition(":")[0] in denial_data()["common_services"]
    ]
    return common[0] if len({action.partition(":")[0] for action in common}) == 1 else ""


@cache
def _spoken_names(service: str) -> frozenset[str]:
    """What texts call a service, in lower case; names of one or two letters say nothing."""
    names = (name for name, prefix in denial_data()["service_names"].items() if prefix == service)
    return frozenset(name for name in (service, *names) if len(name) > 2)  # noqa: PLR2004


def is_denial(code: str) -> bool:
    """Whether an error code means that the request was denied."""
    return _CODE.search(code) is not None


def code_in(text: str) -> re.Match[str] | None:
    """The first error code in the text that means a denial."""
    return _CODE.search(text)
