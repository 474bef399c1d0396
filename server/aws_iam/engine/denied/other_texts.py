"""Denials in other words than the standard ones: of services about a role or a permission, of consoles, and bare codes.

What such a text does not say is inferred, and said to be. Which texts mean that no policy decided is data: `denials.json`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam.engine.denied.message_parts import MessageParts, trimmed
from aws_iam.engine.denied.operation_context import (
    EVENT_NAME,
    ROW,
    WEB_IDENTITY,
    code_in,
    denial_data,
    service_named,
    with_inferences,
    with_operation,
)
from aws_iam.engine.denied.own_words import with_names
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.regions import partition_of
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping


@slotted
class OtherError:
    """An error that no policy causes: the words of the text that tell it, what they mean, and what mends it."""

    said: str
    meaning: str
    mended_by: str = ""
    source: str = ""


_ASSUMES = "sts:AssumeRole"
KUBERNETES = "kubernetes"
"""The service of a message that the Kubernetes API wrote."""
_FAR = 2_100
_NEAR = 200
_ACTION = r"([a-z][a-z0-9-]{0,63}:[A-Za-z0-9]{1,128})"
_ROLE = re.compile(r"arn:[^ :/]{1,40}:iam::[^ :/]{0,60}:(?:assumed-)?role/[^ '\"`,;)]{1,512}")
_PRINCIPAL = re.compile(
    r"\b([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,3}\.amazonaws\.com(?:\.cn)?)\b"
)
_ENCODED = re.compile(r"encoded ?authori[sz]ation ?(?:failure ?)?message:? ?", re.IGNORECASE)
_EXCEPTION = re.compile(
    r"\b(?:Amazon|Aws::|Amazon\.|services?\.)([A-Za-z0-9]{1,40})(?:\.model)?(?:\.|::)[A-Za-z0-9:.]{1,80}"
)
_SESSION = re.compile(
    r"arn:[^ :/]{1,40}:(?:sts|iam)::[^ :]{0,60}:(?:assumed-role|user|federated-user)/[^ '\"`,;)]{1,512}"
)
# The answer to a HEAD request has no body, only the status.
_BARE = re.compile(
    r"\baccess ?(?:was |is |has been )?denied\b|\b403\b[^.]{0,100}\bforbidden\b|\bforbidden\b[^.]{0,40}\b403\b"
    # The SDKs' code without a text: `Forbidden: null`.
    r"|\bforbidden: ?null\b|\bnot ?authori[sz]ed ?to\b|\baccess to the resource \S{1,300} is denied|status ?code:? ?403\b",
    re.IGNORECASE,
)
# What every operating system says of files, and SSH of logins; Athena says it of S3.
_PERMISSION = re.compile(r"\bpermission ?denied\b", re.IGNORECASE)
_OF_AWS = re.compile(
    r"\bs3a?n?://|\barn:aws|\.amazonaws\.com\b|[Pp]ermission ?denied\b[^.]{0,80}(?<![/\\\w.-])(?:AWS|Amazon|S3)\b"
)
_OF_A_FILE = re.compile(r"\berrno ?13\b|\beacces\b|\bpermission denied \(", re.IGNORECASE)
_EXPLICIT = re.compile(r"explicit(?:ly)? ?den(?:y|ied)", re.IGNORECASE)
_CIPHERTEXT = re.compile(r"ciphertext refers to a [a-z ]{1,40} that does not exist", re.IGNORECASE)
_KMS = re.compile(r"access to kms is not allowed|kms access was denied", re.IGNORECASE)
# `To request access, copy the following text`: the console.
_CONSOLE = re.compile(
    r"User: (?P<user>\S{1,2048}) (?:Service: \S{1,64} )?Action: (?P<action>[a-z0-9-]{1,64}:[A-Za-z0-9]{1,128})"
    r"(?= On resource| Context)",
    re.IGNORECASE,
)
_CONSOLE_RESOURCE = re.compile(r" On resource\(s\): (.{1,2048}?)(?= Context: |$)", re.IGNORECASE)
_CONSOLE_CONTEXT = re.compile(r" Context: (.{1,300})", re.IGNORECASE)
_KUBERNETES = re.compile(
    r"User \\?\"(?P<user>[^\"\\]{1,2048})\\?\" cannot (?P<verb>[a-z]{2,40}) resource \\?\"(?P<resource>[^\"\\]{1,253})\\?\""
    r"(?: in API group \\?\"[^\"\\]{0,253}\\?\")?"
    r"(?: in the namespace \\?\"(?P<namespace>[^\"\\]{1,253})\\?\")?"
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
_S3_PATH = re.compile(
    r"\b(?:s3a?n?://|(arn:aws[a-z-]{0,20}:s3:::))([a-z0-9.-]{3,63}(?:/[^\s'\",;)]{0,1024})?)"
)
# boto3's S3UploadFailedError: a file, and the bucket with the key.
_UPLOADED = re.compile(
    r"failed to upload .{1,1024}? to ([a-z0-9][a-z0-9.-]{2,62}/.{1,1024}?): an error",
    re.IGNORECASE,
)
# A registry of ECR in the words of the programs that pull and push: the host, the repository, and what follows it.
_IMAGE = re.compile(
    r"\b(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]{5,30})\.amazonaws\.com(?:\.cn)?"
    r"/(?:v2/)?(?P<name>[a-z0-9._/-]{2,256}?)(?=/(?:manifests|blobs)/|[:@\s\"',)]|$)"
)
# What may stand around the only words of a text.
_AROUND = " \t\r\n.\"'`{}"
_MANAGED_RULE = re.compile(r"not ?authori[sz]ed to create managed-rule", re.IGNORECASE)
# Who may not take a role, in the words of some thirty services.
_TAKING_ROLE = re.compile(
    r"(?:cannot|can ?not|can't|could not|couldn't|unable to|not able to|failed to|not ?authori[sz]ed to|not have permissions? to"
    r"|attempting to|used to|must allow [A-Za-z0-9 ]{1,40} to|permissions? (?:required )?to)"
    r" (?:be )?assumed?\b|\bis invalid or cannot be assumed|assum\w{1,3} (?:the )?(?:provided |IAM )?role\w* (?:was |is )?denied",
    re.IGNORECASE,
)


def parts_of(text: str) -> tuple[MessageParts, ...]:
    """The message in a text without the standard wording; empty when it tells of no denial."""
    parts = next(filter(None, (read(text) for read in _READERS)), None)
    if parts is None:
        return ()
    return (_without_policy(_with_context(parts, text), text),)


def with_surroundings(
    parts: MessageParts, text: str, start: int, at: int, end: int
) -> MessageParts:
    """The parts with the error code and operation before them, and with what the text says of causes that are no policy."""
    encoded = _ENCODED.search(text, at, end) is not None
    located = replace(with_operation(parts, text, start, at, end), encoded=encoded)
    # The caller stands before the refusal, the reason after it.
    inferred = with_inferences(located, text[max(start, at - _FAR) : min(end, at + _FAR)])
    return _without_policy(inferred, text[at : min(end, at + 2 * _FAR)])


def _with_context(parts: MessageParts, text: str) -> MessageParts:
    size = len(text)
    located = with_operation(parts, text, 0, size, size)
    cause = _cause_in(text)
    if cause and not located.service:
        located = replace(located, service=cause.get("service", ""))
    explicit = True if located.explicit is None and _EXPLICIT.search(text) else located.explicit
    encoded = _ENCODED.search(text) is not None
    located = with_names(replace(located, explicit=explicit, encoded=encoded), text)
    return with_inferences(located, text)


def _cause_in(text: str) -> Mapping[str, Any] | None:
    """The cause in the text that is no policy; None without one."""
    lower = text.lower()
    return next(
        (
            row
            for row in denial_data()["without_policy"]
            if lower.strip(_AROUND) in row.get("whole", ())
            or (
                any(words in lower for words in row["texts"])
                and all(words in lower for words in row.get("and", ()))
            )
        ),
        None,
    )


def _cause_of_resource(parts: MessageParts) -> Mapping[str, Any] | None:
    """The cause that is the resource itself: nobody assumes a user, an account or a session."""
    arn = Arn.of(parts.resource)
    if arn is None or arn.service not in {"iam", "sts"} or not parts.action.startswith(_ASSUMES):
        return None
    kind = arn.resource.partition("/")[0]
    return next(
        (row for row in denial_data()["without_policy"] if kind in row.get("resources", ())), None
    )


def _without_policy(parts: MessageParts, text: str) -> MessageParts:
    """The parts with a cause that is no policy, if the text has one, and what helps."""
    # AWS's own reason counts more than words that stand near it.
    is_reasoned = parts.policy_type not in {"", "role trust policy"}
    row = None if is_reasoned else _cause_in(text)
    row = row or _cause_of_resource(parts)
    if row is None:
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
        policy_may_help=row.get("policy_may_help", False),
        source=row["source"],
        inferred=(*parts.inferred, why) if action else parts.inferred,
    )


def _console(text: str) -> MessageParts | None:
    match = _CONSOLE.search(text)
    resource = _CONSOLE_RESOURCE.search(text, match.end() if match else 0)
    if match is None or resource is None:
        return None
    said = _CONSOLE_CONTEXT.search(text, match.end())
    context = _CONTEXT.search(said[1]) if said else None
    return MessageParts(
        form="standard",
        principal=trimmed(match["user"]),
        action=match["action"],
        resource=trimmed(resource[1]),
        policy_type=context["type"].lower() if context else "",
        explicit=(context["no"].lower() != "no ") if context else None,
    )


def _kubernetes(text: str) -> MessageParts | None:
    """A refusal of the Kubernetes API, by its own access control."""
    match = _KUBERNETES.search(text)
    if match is None:
        return None
    where = f" in the namespace {match['namespace']}" if match["namespace"] else ""
    return MessageParts(
        form="short",
        principal=match["user"],
        operation=match["verb"],
        resource=f"{match['resource']}{where}",
        service=KUBERNETES,
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
    if match := _DENIED_BY.search(text):
        service, resource = service_named(match[1]), trimmed(match[3] or "")
        bucket = f"arn:aws:s3:::{resource}" if service == "s3" and resource else resource
        action = _spelled(service, match[2])
        return action and MessageParts(form="short", action=action, resource=bucket)
    if match := _CALL_ON.search(text):
        action = _spelled(service_named(match[2]), match[1])
        return action and MessageParts(form="short", action=action)
    if match := _ALLOW_THE.search(text):
        return MessageParts(form="short", action=match[1])
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
    if match := _MARKETPLACE.search(text):
        actions = [word.strip() for word in match["actions"].split(",")]
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
    words = _TAKING_ROLE.search(text)
    role = _ROLE.search(text)
    if words is None or WEB_IDENTITY.search(text):
        return None
    return MessageParts(
        form="short",
        principal=_service_principal(text, words),
        action="sts:AssumeRole",
        resource=trimmed(role[0]) if role else "",
        policy_type="role trust policy",
        remark="the role does not exist, or its trust policy does not let the caller assume it",
        inferred=(
            "the action and the layer are inferred: the text says that the role cannot be assumed",
        ),
    )


def _service_principal(text: str, words: re.Match[str]) -> str:
    """The service that may not take the role: its principal, or its name right before or after the words."""
    principals = [p[1] for p in _PRINCIPAL.finditer(text) if not _is_endpoint(p[1])]
    if principals:
        return principals[0]
    after = re.match(
        r" by (?:the )?(?:principal )?['\"`]?((?:AWS |Amazon )?[A-Za-z0-9]{2,40})",
        text[words.end() :],
    )
    before = re.search(
        r"((?:AWS |Amazon )?[A-Z][A-Za-z0-9]{1,40})(?: (?:is|was|were|does|has|could|did|not|can))*,? ?$",
        text[max(0, words.start() - _NEAR) : words.start()],
    )
    for name in (after, before):
        if name and service_named(name[1]):
            return name[1]
    return ""


def _is_endpoint(host: str) -> bool:
    """Whether the host is where a service answers, such as `sts.eu-west-1.amazonaws.com`, and not its principal."""
    return bool(re.search(r"\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws", host))


def _delivery(text: str) -> MessageParts | None:
    match = _DELIVERY.search(text)
    return match and MessageParts(
        form="short",
        action="s3:PutObject",
        resource=f"arn:aws:s3:::{trimmed(match[1])}",
        policy_type="resource-based policy",
        remark="the policy of the bucket does not let the service write there",
        inferred=(
            "the action and the layer are inferred: a service could not write to the bucket",
        ),
    )


def _without_words(text: str) -> MessageParts | None:
    """A bare code, status or `Access Denied`; or an encoded part alone."""
    encoded = _ENCODED.search(text)
    code = code_in(text) or (
        not other_error(text) and (_BARE.search(text) or _is_permission_of_aws(text))
    )
    if not (code or encoded or _cause_in(text)):
        return None
    path, image, uploaded = (p.search(text) for p in (_S3_PATH, _IMAGE, _UPLOADED))
    resource = f"{path[1] or 'arn:aws:s3:::'}{trimmed(path[2])}" if path else ""
    resource = f"arn:aws:s3:::{trimmed(uploaded[1])}" if uploaded else resource
    operation = _FOR_OPERATION.search(text)
    session = _SESSION.search(text) if ROW.search(text) or EVENT_NAME.search(text) else None
    return MessageParts(
        form="short",
        principal=trimmed(session[0]) if session else "",
        resource=resource or (_repository(image) if image else ""),
        operation=operation[1] if operation else "",
        service=_service_of_exception(text),
        code="" if code or not encoded else "UnauthorizedOperation",
    )


def _repository(image: re.Match[str]) -> str:
    partition = partition_of(image["region"]) or "aws"
    return f"arn:{partition}:ecr:{image['region']}:{image['account']}:repository/{image['name']}"


def _is_permission_of_aws(text: str) -> bool:
    return bool(_PERMISSION.search(text) and _OF_AWS.search(text) and not _OF_A_FILE.search(text))


def _service_of_exception(text: str) -> str:
    match = _EXCEPTION.search(text)
    name = match[1].removesuffix("Exception").removesuffix("Client") if match else ""
    return service_named(name) if name else ""


_READERS = (
    _console,
    _kubernetes,
    _kms,
    _permission_to_call,
    _managed_rule,
    _taking_role,
    _delivery,
    _without_words,
)


@cache
def _others() -> Mapping[str, OtherError]:
    """What the texts of errors mean that come before any policy is asked, in the order of the rows."""
    return {
        text: OtherError(
            said=text, meaning=row["meaning"], mended_by=row["mended_by"], source=row["source"]
        )
        for row in denial_data()["other_errors"]
        for text in row["texts"]
    }


def other_error(text: str) -> OtherError | None:
    """Another error in the text, which no policy causes; None without one."""
    # The code says less than the sentence behind it: rows that are about sentences come first.
    if found := next((own for words, own in _others().items() if words in text), None):
        return found
    permission = _PERMISSION.search(text)
    if permission and not _is_permission_of_aws(text):
        meaning = "an operating system says it of a file, and SSH of a login"
        return OtherError(said=permission[0], meaning=meaning)
    return None
