"""Denials in other words than the standard ones: of services about a role or a permission, of consoles, and bare codes.

What such a text does not say is inferred, and said to be. Which texts mean that no policy decided is data: `denials.json`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.denied.message_parts import MessageParts, trimmed
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.operations import operations, operations_named, service_of_client

if TYPE_CHECKING:
    from collections.abc import Mapping

_FAR = 2_100
_NEAR = 200
_ACTION = r"([a-z0-9-]{1,64}:[A-Za-z0-9]{1,128})"
_ROLE = re.compile(r"arn:[^ :/]{1,40}:iam::[^ :/]{0,60}:(?:assumed-)?role/[^ '\"`,;)]{1,512}")
_PRINCIPAL = re.compile(
    r"\b([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,3}\.amazonaws\.com(?:\.cn)?)\b"
)
_ENCODED = re.compile(r"encoded ?authori[sz]ation ?(?:failure ?)?message:? ?", re.IGNORECASE)
_CALLING = re.compile(
    r"error occurred \(([A-Za-z0-9.]{1,80})\) when calling the ([A-Za-z0-9]{1,80}) operation",
    re.IGNORECASE,
)
_GO = re.compile(r"operation error ([A-Za-z0-9 ]{1,60}): ([A-Za-z0-9]{1,80}),", re.IGNORECASE)
_PHP = re.compile(r"Error executing \"?([A-Za-z0-9]{1,80})\"? on \"?https?://([a-z0-9.-]{1,200})")
_API = re.compile(rf"\bAPI: {_ACTION}", re.IGNORECASE)
_JAVA = re.compile(r"\(Service: ([A-Za-z0-9 ]{1,60})[;,]")
_EXCEPTION = re.compile(
    r"\b(?:Amazon|Aws::|Amazon\.|services?\.)([A-Za-z0-9]{1,40})(?:\.model)?(?:\.|::)[A-Za-z0-9:.]{1,80}"
)
_EVENT_NAME = re.compile(r"eventName\W{1,8}([A-Za-z0-9]{1,80})")
_EVENT_SOURCE = re.compile(r"eventSource\W{1,8}([a-z0-9-]{1,63})\.amazonaws\.com")
_ROW = re.compile(
    r"\b([a-z0-9-]{1,63})\.amazonaws\.com[\s\",|]{1,8}([A-Z][A-Za-z0-9]{1,80})[\s\",|]{1,8}(?=(?:Client\.)?[A-Z])"
)
_SESSION = re.compile(
    r"arn:[^ :/]{1,40}:(?:sts|iam)::[^ :]{0,60}:(?:assumed-role|user|federated-user)/[^ '\"`,;)]{1,512}"
)
_CODE = re.compile(
    r"\b(AccessDenied(?:Exception|Error|Fault)?|[A-Za-z0-9]{0,10}AccessDeniedException|KmsAccessDenied|(?:Client\.)?UnauthorizedOperation"
    r"|UnauthorizedException|UnauthorizedAccess|NotAuthorized|AuthorizationError(?:Exception)?|ForbiddenException"
    r"|InsufficientPermissionsException|AllAccessDisabled)\b|\b(ACCESS_DENIED)\b"
)
# The answer to a HEAD request has no body, only the status.
_BARE = re.compile(
    r"\baccess ?(?:was |is |has been )?denied\b|\b403\b[^.]{0,100}\bforbidden\b|\bforbidden\b[^.]{0,40}\b403\b"
    r"|\bnot ?authori[sz]ed ?to\b|\bpermission ?denied\b|\baccess to the resource \S{1,300} is denied|status ?code:? ?403\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z0-9-]{2,40}")
_EXPLICIT = re.compile(r"explicit(?:ly)? ?den(?:y|ied)", re.IGNORECASE)
_CIPHERTEXT = re.compile(r"ciphertext refers to a [a-z ]{1,40} that does not exist", re.IGNORECASE)
_KMS = re.compile(r"access to kms is not allowed|kms access was denied", re.IGNORECASE)
_WEB_IDENTITY = re.compile(r"AssumeRoleWith(?:WebIdentity|SAML)")
# `To request access, copy the following text`: the console.
_CONSOLE = re.compile(
    r"User: (?P<user>\S{1,2048}) (?:Service: \S{1,64} )?Action: (?P<action>[a-z0-9-]{1,64}:[A-Za-z0-9]{1,128})"
    r" On resource\(s\): (?P<resource>.{1,2048}?) Context: (?P<context>.{1,300})",
    re.IGNORECASE,
)
_CONTEXT = re.compile(
    r"(?P<no>no |an? explicit deny in an? |explicit deny in an? )"
    r"(?P<type>service control policy|resource control policy|VPC endpoint policy|session policy|resource-based policy"
    r"|role trust policy|identity-based policy|permissions boundary)",
    re.IGNORECASE,
)
_ALLOW_THE = re.compile(rf"permissions? to allow the {_ACTION} action", re.IGNORECASE)
# `The provided execution role does not have permissions to call CreateNetworkInterface on EC2`.
_CALL_ON = re.compile(
    r"permissions? to (?:call |perform )?\*?([A-Z][A-Za-z0-9]{1,80})\*? on ([A-Za-z0-9 ]{2,40}?)(?=[ .,;:(\"']|$)"
)
# `Your access has been denied by S3, please make sure your request credentials have permission to GetObject for b/k.`
_DENIED_BY = re.compile(
    r"denied by ([A-Za-z0-9 ]{1,40}?), please make sure your .{1,60}? ha(?:ve|s) permissions? to \*?([A-Z][A-Za-z0-9]{1,80})\*?"
    r"(?: for (\S{1,1100}))?"
)
_MARKETPLACE = re.compile(
    r"required AWS Marketplace actions \((?P<actions>[^()]{1,300})\)", re.IGNORECASE
)
_INVALID_PERMISSIONS = re.compile(r"invalid permissions on lambda function", re.IGNORECASE)
_DELIVERY = re.compile(
    r"access denied for (?:bucket|LogDestination): ?([a-z0-9.-]{3,200})", re.IGNORECASE
)
_FOR_OPERATION = re.compile(r"access denied for operation '([A-Za-z0-9]{1,80})'", re.IGNORECASE)
_S3_PATH = re.compile(r"\bs3a?n?://([a-z0-9.-]{3,63}(?:/[^\s'\",;)]{0,1024})?)")
_MANAGED_RULE = re.compile(r"not ?authori[sz]ed to create managed-rule", re.IGNORECASE)
# Who may not take a role, in the words of some thirty services.
_TAKING_ROLE = re.compile(
    r"(?:cannot|can ?not|can't|could not|couldn't|unable to|not able to|failed to|not ?authori[sz]ed to|not have permissions? to"
    r"|attempting to|used to|must allow [A-Za-z0-9 ]{1,40} to|permissions? (?:required )?to)"
    r" (?:be )?assumed?\b|\bis invalid or cannot be assumed|assum\w{1,3} (?:the )?(?:provided |IAM )?role\w* (?:was |is )?denied",
    re.IGNORECASE,
)


@cache
def _data() -> Mapping[str, Any]:
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
        found = _data()["service_names"].get(name) or service_of_client(name)
        if found or name in catalog().services:
            return str(found or name)
    return ""


def parts_of(text: str) -> tuple[MessageParts, ...]:
    """The message in a text without the standard wording; empty when it tells of no denial."""
    found = next(filter(None, (read(text) for read in _READERS)), None)
    if found is None:
        return ()
    return (_without_policy(_with_context(found, text), text),)


def with_surroundings(
    parts: MessageParts, text: str, start: int, at: int, end: int
) -> MessageParts:
    """The parts with the error code and operation before them, and with what the text says of causes that are no policy."""
    encoded = _ENCODED.search(text, at, end) is not None
    located = replace(_with_operation(parts, text, start, at, end), encoded=encoded)
    # The caller stands before the refusal, the reason after it.
    inferred = _inferred(located, text[max(start, at - _FAR) : min(end, at + _FAR)])
    return _without_policy(inferred, text[at : min(end, at + 2 * _FAR)])


def _with_context(parts: MessageParts, text: str) -> MessageParts:
    size = len(text)
    located = _with_operation(parts, text, 0, size, size)
    cause = _cause_in(text)
    if cause and not located.service:
        located = replace(located, service=cause.get("service", ""))
    explicit = True if located.explicit is None and _EXPLICIT.search(text) else located.explicit
    encoded = _ENCODED.search(text) is not None
    return _inferred(replace(located, explicit=explicit, encoded=encoded), text)


def _with_operation(parts: MessageParts, text: str, start: int, at: int, end: int) -> MessageParts:
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
    elif row := _last(_ROW, text, near, at):
        parts, service = replace(parts, operation=row[2]), service_named(row[1]) or service
    elif (event := _last(_EVENT_NAME, text, near, at)) and not parts.operation:
        source = _last(_EVENT_SOURCE, text, near, at)
        parts = replace(parts, operation=event[1])
        service = (service_named(source[1]) if source else "") or service
    parts = replace(parts, service=service)
    code = _last(_CODE, text, near, at) or _CODE.search(text, at, min(end, at + _FAR))
    return replace(parts, code=parts.code or code[0]) if code else parts


def _last(pattern: re.Pattern[str], text: str, start: int, end: int) -> re.Match[str] | None:
    found = None
    for match_ in pattern.finditer(text, start, end):
        found = match_
    return found


def _inferred(parts: MessageParts, text: str) -> MessageParts:
    """The parts with the action that the operation needs, where there is one, and the layer that alone can decide it."""
    if not parts.action and parts.operation:
        action, why = _action_of_operation(parts, text)
        if action:
            parts = replace(parts, action=action, inferred=(*parts.inferred, why))
    if not parts.policy_type and _WEB_IDENTITY.search(parts.action):
        why = f"the layer is inferred: only the trust policy of the role can allow {parts.action}"
        remark = "the trust policy of the role refuses the identity, or its provider is not known in the role's account"
        parts = replace(
            parts,
            policy_type="role trust policy",
            remark=parts.remark or remark,
            inferred=(*parts.inferred, why),
        )
    return parts


def _action_of_operation(parts: MessageParts, text: str) -> tuple[str, str]:
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
    plain = [action for action in actions if action.partition(":")[0] in _data()["plain_codes"]]
    by_code = plain if code in {"AccessDenied", "403"} else [a for a in actions if a not in plain]
    common = [
        action
        for action in by_code or actions
        if action.partition(":")[0] in _data()["common_services"]
    ]
    return common[0] if len({action.partition(":")[0] for action in common}) == 1 else ""


@cache
def _spoken_names(service: str) -> frozenset[str]:
    """What texts call a service, in lower case; names of one or two letters say nothing."""
    names = (name for name, prefix in _data()["service_names"].items() if prefix == service)
    return frozenset(name for name in (service, *names) if len(name) > 2)  # noqa: PLR2004


def _cause_in(text: str) -> Mapping[str, Any] | None:
    """The cause in the text that is no policy; None without one."""
    lower = text.lower()
    return next(
        (
            row
            for row in _data()["without_policy"]
            if any(words in lower for words in row["texts"])
            and all(words in lower for words in row.get("and", ()))
        ),
        None,
    )


def _without_policy(parts: MessageParts, text: str) -> MessageParts:
    """The parts with a cause that is no policy, if the text has one, and what helps."""
    row = _cause_in(text)
    # AWS's own reason counts more than words that stand near it.
    if row is None or parts.policy_type not in {"", "role trust policy"}:
        return parts
    # What the text says outright counts more than what was inferred from it.
    is_said = parts.action and not parts.inferred
    action = "" if is_said else row.get("action", "")
    why = f"the action is inferred from the text: {row['cause']}"
    return replace(
        parts,
        action=action or parts.action,
        cause=row["cause"],
        mended_by=row["mended_by"],
        source=row["source"],
        inferred=(*parts.inferred, why) if action else parts.inferred,
    )


def _console(text: str) -> MessageParts | None:
    found = _CONSOLE.search(text)
    if found is None:
        return None
    context = _CONTEXT.search(found["context"])
    return MessageParts(
        form="standard",
        principal=trimmed(found["user"]),
        action=found["action"],
        resource=trimmed(found["resource"]),
        policy_type=context["type"].lower() if context else "",
        explicit=(context["no"].lower() != "no ") if context else None,
    )


def _kms(text: str) -> MessageParts | None:
    if _CIPHERTEXT.search(text):
        remark = "the key does not exist, is in another Region, or may not be used"
        return MessageParts(form="ciphertext", action="kms:Decrypt", remark=remark)
    if _KMS.search(text) is None:
        return None
    writes = re.search(
        r"\b(?:Create|Put|Update|Rotate)(?:Secret|SecretValue)\b|CREATE_FAILED|UPDATE_FAILED", text
    )
    action = "kms:GenerateDataKey" if writes else "kms:Decrypt"
    return MessageParts(
        form="short",
        action=action,
        remark="the caller may not use the KMS key behind the request",
        inferred=(
            f"the action is inferred: another service uses the KMS key for the caller, and needs {action}",
        ),
    )


def _permission_to_call(text: str) -> MessageParts | None:
    if found := _DENIED_BY.search(text):
        service, resource = service_named(found[1]), trimmed(found[3] or "")
        bucket = f"arn:aws:s3:::{resource}" if service == "s3" and resource else resource
        action = _spelled(service, found[2])
        return action and MessageParts(form="short", action=action, resource=bucket)
    if found := _CALL_ON.search(text):
        action = _spelled(service_named(found[2]), found[1])
        return action and MessageParts(form="short", action=action)
    if found := _ALLOW_THE.search(text):
        return MessageParts(form="short", action=found[1])
    if _INVALID_PERMISSIONS.search(text):
        return MessageParts(
            form="short",
            principal="apigateway.amazonaws.com",
            action="lambda:InvokeFunction",
            policy_type="resource-based policy",
            remark="the policy of the function does not let the API invoke it",
            inferred=(
                "the caller, the action and the layer are inferred: API Gateway could not invoke the function",
            ),
        )
    if found := _MARKETPLACE.search(text):
        actions = [word.strip() for word in found["actions"].split(",")]
        return MessageParts(
            form="short",
            action=actions[-1],
            remark=f"enabling the model needs {', '.join(actions)}",
        )
    return None


def _spelled(service: str, operation: str) -> Any:
    """The action of an operation of a service; None where AWS has none."""
    known = catalog().action(f"{service}:{operation}") if service else None
    return known.full_name if known else None


def _managed_rule(text: str) -> MessageParts | None:
    if _MANAGED_RULE.search(text) is None:
        return None
    role = _ROLE.search(text)
    return MessageParts(
        form="short",
        principal=trimmed(role[0]) if role else "",
        action="events:PutRule",
        inferred=(
            "the action is inferred: Step Functions manages a rule of EventBridge for the state machine",
        ),
    )


def _taking_role(text: str) -> MessageParts | None:
    """A service that may not take a role."""
    found = _TAKING_ROLE.search(text)
    role = _ROLE.search(text)
    if found is None or _WEB_IDENTITY.search(text):
        return None
    return MessageParts(
        form="short",
        principal=_service_principal(text, found),
        action="sts:AssumeRole",
        resource=trimmed(role[0]) if role else "",
        policy_type="role trust policy",
        remark="the role does not exist, or its trust policy does not let the caller assume it",
        inferred=(
            "the action and the layer are inferred: the text says that the role cannot be assumed",
        ),
    )


def _service_principal(text: str, found: re.Match[str]) -> str:
    """The service that may not take the role: its principal, or its name right before or after the words."""
    principals = [p[1] for p in _PRINCIPAL.finditer(text) if not _is_endpoint(p[1])]
    if principals:
        return principals[0]
    after = re.match(
        r" by (?:the )?(?:principal )?['\"`]?((?:AWS |Amazon )?[A-Za-z0-9]{2,40})",
        text[found.end() :],
    )
    before = re.search(
        r"((?:AWS |Amazon )?[A-Z][A-Za-z0-9]{1,40})(?: (?:is|was|were|does|has|could|did|not|can))*,? ?$",
        text[max(0, found.start() - _NEAR) : found.start()],
    )
    for word in (after, before):
        if word and service_named(word[1]):
            return word[1]
    return ""


def _is_endpoint(host: str) -> bool:
    """Whether the host is where a service answers, such as `sts.eu-west-1.amazonaws.com`, and not its principal."""
    return bool(re.search(r"\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws", host))


def _delivery(text: str) -> MessageParts | None:
    found = _DELIVERY.search(text)
    return found and MessageParts(
        form="short",
        action="s3:PutObject",
        resource=f"arn:aws:s3:::{trimmed(found[1])}",
        policy_type="resource-based policy",
        remark="the policy of the bucket does not let the service write there",
        inferred=(
            "the action and the layer are inferred: a service could not write to the bucket",
        ),
    )


def _without_words(text: str) -> MessageParts | None:
    """A bare code, status or `Access Denied`; or an encoded part alone."""
    encoded = _ENCODED.search(text)
    found = _CODE.search(text) or (not other_error(text) and _BARE.search(text))
    if not (found or encoded or _cause_in(text)):
        return None
    path = _S3_PATH.search(text)
    operation = _FOR_OPERATION.search(text)
    session = _SESSION.search(text) if _ROW.search(text) or _EVENT_NAME.search(text) else None
    return MessageParts(
        form="short",
        principal=trimmed(session[0]) if session else "",
        resource=f"arn:aws:s3:::{trimmed(path[1])}" if path else "",
        operation=operation[1] if operation else "",
        service=_service_of_exception(text),
        code="" if found or not encoded else "UnauthorizedOperation",
    )


def _service_of_exception(text: str) -> str:
    found = _EXCEPTION.search(text)
    name = found[1].removesuffix("Exception").removesuffix("Client") if found else ""
    return service_named(name) if name else ""


_READERS = (
    _console,
    _kms,
    _permission_to_call,
    _managed_rule,
    _taking_role,
    _delivery,
    _without_words,
)

_OTHERS = {
    "ExpiredToken": "the credentials have expired; get new ones",
    "InvalidClientTokenId": "the access key does not exist or is not active",
    "UnrecognizedClient": "the credentials are not valid for this service or Region",
    "SignatureDoesNotMatch": "the request was signed with another secret key or changed in transit",
    "InvalidSignature": "the signature does not match the request",
    "OptInRequired": "the account is not subscribed to the service or the Region is not enabled",
    "Throttling": "too many calls in a short time; try again later",
    "ThrottledException": "too many calls in a short time; try again later",
    "TooManyRequests": "too many calls in a short time; try again later",
    "NoSuchBucket": "the bucket does not exist",
    "NoSuchKey": "the object does not exist",
    "NoSuchEntity": "the entity in the call does not exist",
    "ResourceNotFound": "the entity in the call does not exist",
    "Unable to locate credentials": "there are no credentials, so the request was not sent",
}
_OTHER = re.compile("|".join(map(re.escape, _OTHERS)))


def is_denial(code: str) -> bool:
    """Whether an error code means that the request was denied."""
    return _CODE.search(code) is not None


def other_error(text: str) -> tuple[str, str] | None:
    """Another error in the text, which no policy causes, with its meaning; None without one."""
    found = _OTHER.search(text)
    return (found[0], _OTHERS[found[0]]) if found else None
