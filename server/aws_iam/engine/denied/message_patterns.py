"""Regular expressions for the texts of AWS's denials.

Each pattern reads forward from a fixed word over bounded runs of one class of characters, so no text makes it slow.
Sources: IAM User Guide, troubleshoot_access-denied; STS API Reference, DecodeAuthorizationMessage; KMS API Reference, Decrypt.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from aws_iam.engine.language.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPE = (
    r"(service control|resource control|VPC endpoint|session|resource-based|role trust"
    r"|identity-based) polic(?:y|ies)|(permissions boundar(?:y|ies))"
)
_REFUSED = re.compile(r"not authorized to (?:perform|assume):? ?", re.IGNORECASE)
_ACTION = re.compile(r"[\"'`]?([a-z0-9-]{1,64}:[a-z0-9*]{1,128})[\"'`]?", re.IGNORECASE)
_ON = re.compile(r" on (?:the resource: |resource:? |(?=arn:|\"))", re.IGNORECASE)
_UNNAMED = re.compile(r" on (?:this resource|the resource associated with)", re.IGNORECASE)
_IMPLICIT = re.compile(rf"because no (?:{_TYPE}) allows? ", re.IGNORECASE)
_EXPLICIT = re.compile(
    rf"with an explicit deny(?: in (?:an?|the) (?:{_TYPE})(?::? (arn:[^ ]{{1,2048}}))?)?",
    re.IGNORECASE,
)
_EITHER = re.compile(
    r"because the resource does not exist in this region, no resource-based", re.IGNORECASE
)
_REASON = re.compile(r" (?:because |with an explicit deny)", re.IGNORECASE)
_ENCODED = re.compile(r"encoded authorization (?:failure )?message:? ?", re.IGNORECASE)
_CIPHERTEXT = re.compile(r"ciphertext refers to a [a-z ]{1,40} that does not exist", re.IGNORECASE)
_ROOT = re.compile(r"roles may not be assumed by root accounts", re.IGNORECASE)
_CALLING = re.compile(
    r"error occurred \(([a-z0-9.]{1,80})\) when calling the ([a-z0-9]{1,80}) operation",
    re.IGNORECASE,
)
_GO = re.compile(r"operation error ([a-z0-9 ]{1,60}): ([a-z0-9]{1,80}),", re.IGNORECASE)
_CODE = re.compile(
    r"\b(AccessDenied(?:Exception)?|(?:Client\.)?UnauthorizedOperation|UnauthorizedException|NotAuthorized"
    r"|AuthorizationError(?:Exception)?)\b"
)
# The answer to a HEAD request has no body, only the status.
_BARE = re.compile(r"\baccess denied\b|\b403\b[^.]{0,100}\bforbidden\b", re.IGNORECASE)
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
# An ARN has at most 2,048 characters, including an S3 key of up to 1,024 bytes.
_FAR = 2_100
_OPENERS = {")": "(", "]": "[", "}": "{"}


@slotted
class MessageParts:
    """The parts of one message as written; empty where it lacks them."""

    form: Literal["standard", "short", "ciphertext"]
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
    remark: str = ""


def message_parts(text: str) -> Iterator[MessageParts]:
    """The messages in the text, each with the error code and operation before it."""
    plain = _flat(text)
    refusals = list(_REFUSED.finditer(plain))
    if not refusals:
        yield from _without_standard(plain)
        return
    ends = [*(refusal.start() for refusal in refusals[1:]), len(plain)]
    done = 0
    for found, end in zip(refusals, ends, strict=True):
        parts = _standard(plain, found, end)
        encoded = _ENCODED.search(plain, found.end(), end) is not None
        yield replace(_with_operation(parts, plain, done, found.start(), end), encoded=encoded)
        done = found.end()


def _flat(text: str) -> str:
    """The text on one line, without the escapes and tags of JSON and XML."""
    for mark, meant in ((r"\"", '"'), (r"\/", "/"), (r"\n", " "), (r"\r", " "), (r"\t", " ")):
        text = text.replace(mark, meant)
    text = text.replace("&quot;", '"').replace("<", " ").replace(">", " ")
    return " ".join(text.split())


def _standard(text: str, found: re.Match[str], end: int) -> MessageParts:
    principal = _principal_before(text, found.start())
    action = _ACTION.match(text, found.end(), end)
    if action is None:
        return MessageParts(form="short", principal=principal)
    at = action.end()
    resource = ""
    on = _ON.match(text, at, end)
    if on:
        resource, at = _resource(text, on.end(), end)
    elif _UNNAMED.match(text, at, end):
        reason = _REASON.search(text, at, min(end, at + _FAR))
        at = reason.start() if reason else at
    parts = MessageParts(form="standard", principal=principal, action=action[1], resource=resource)
    return _with_reason(parts, text, at, end)


def _principal_before(text: str, at: int) -> str:
    """The principal before `is not authorized`: an ARN, or one word after `User`."""
    words = text[max(0, at - _FAR) : at].rsplit(" ", 3)
    # Drops `is` or `are`, and the empty text after the last space.
    words = [text for text in words if text and text.lower() not in {"is", "are"}]
    if not words:
        return ""
    word, introduced = words[-1], len(words) > 1 and words[-2].lower().endswith(("user:", "user"))
    return _trimmed(word.lstrip("\"'`")) if introduced or word.startswith("arn:") else ""


def _resource(text: str, at: int, end: int) -> tuple[str, int]:
    """The resource at this position, and where it ends; object names can contain spaces."""
    if text.startswith('"', at):
        close = text.find('"', at + 1, min(end, at + _FAR))
        if close > 0:
            return text[at + 1 : close], close + 1
    reason = _REASON.search(text, at, min(end, at + _FAR))
    if reason and "User:" not in text[at : reason.start()]:
        return _trimmed(text[at : reason.start()]), reason.start()
    space = text.find(" ", at, end)
    stop = end if space < 0 else space
    return _trimmed(text[at:stop]), stop


def _trimmed(word: str) -> str:
    """The word without surrounding punctuation and quotes."""
    word = word[:_FAR].strip("\"'`").rstrip(".,;:\"'`")
    while word and word[-1] in _OPENERS and _OPENERS[word[-1]] not in word:
        word = word[:-1].rstrip(".,;:\"'`")
    return word


def _with_reason(parts: MessageParts, text: str, at: int, end: int) -> MessageParts:
    while at < end and text[at] in " .,:;\"'`":
        at += 1
    if implicit := _IMPLICIT.match(text, at, end):
        return replace(parts, policy_type=_type(implicit), explicit=False)
    if explicit := _EXPLICIT.match(text, at, end):
        arn = _trimmed(explicit[3] or "")
        return replace(parts, policy_type=_type(explicit), explicit=True, policy_arn=arn)
    if _EITHER.match(text, at, end):
        either = "the key does not exist in this Region, or its policy denies or does not allow the request"
        return replace(parts, policy_type="resource-based policy", remark=either)
    return parts


def _type(found: re.Match[str]) -> str:
    if found[2]:
        return "permissions boundary"
    return f"{found[1].lower()} policy" if found[1] else ""


def _with_operation(parts: MessageParts, text: str, start: int, at: int, end: int) -> MessageParts:
    """The parts with the last error code and operation between the previous message and this one."""
    near = max(start, at - 4 * _FAR)
    calling = _last(_CALLING, text, near, at)
    if calling:
        return replace(parts, code=calling[1], operation=calling[2])
    go = _last(_GO, text, near, at)
    if go:
        parts = replace(parts, service=go[1], operation=go[2])
    code = _last(_CODE, text, near, at) or _CODE.search(text, at, min(end, at + _FAR))
    return replace(parts, code=code[1]) if code else parts


def _last(pattern: re.Pattern[str], text: str, start: int, end: int) -> re.Match[str] | None:
    found = None
    for match_ in pattern.finditer(text, start, end):
        found = match_
    return found


def _without_standard(text: str) -> Iterator[MessageParts]:
    """Messages without details: those of KMS and STS, and a bare error code or `Access Denied`."""
    size = len(text)
    encoded = _ENCODED.search(text) is not None
    if found := _CIPHERTEXT.search(text):
        remark = "the key does not exist, is in another Region, or may not be used"
        parts = MessageParts(form="ciphertext", action="kms:Decrypt", remark=remark)
        yield _with_operation(parts, text, 0, found.start(), size)
    elif found := _ROOT.search(text):
        parts = MessageParts(
            form="short", action="sts:AssumeRole", remark="the root user cannot assume roles"
        )
        yield _with_operation(parts, text, 0, found.start(), size)
    elif found := _CODE.search(text) or _BARE.search(text):
        parts = _with_operation(MessageParts(form="short", encoded=encoded), text, 0, size, size)
        explicit = True if _EXPLICIT.search(text) else None
        yield replace(parts, explicit=explicit)
    elif encoded:
        yield MessageParts(form="short", encoded=True, code="UnauthorizedOperation")


def is_denial(code: str) -> bool:
    """Whether an error code means that the request was denied."""
    return _CODE.search(code) is not None


def other_error(text: str) -> tuple[str, str] | None:
    """Another error in the text, which no policy causes, with its meaning; None without one."""
    found = _OTHER.search(text)
    return (found[0], _OTHERS[found[0]]) if found else None
