"""The standard text of AWS's denials: `User: … is not authorized to perform: … on resource: … because …`.

Each pattern reads forward from a fixed word over bounded runs of one class of characters, so no text makes it slow. A space in
a fixed text is optional, because line breaks swallow it.
Sources: IAM User Guide, troubleshoot_access-denied; STS API Reference, DecodeAuthorizationMessage; KMS API Reference, Decrypt.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from aws_iam.engine.denied import other_texts
from aws_iam.engine.denied.message_parts import MessageParts, trimmed
from aws_iam.engine.denied.operation_context import service_named
from aws_iam.engine.denied.pasted_text import plain_texts
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TYPE = (
    r"(service ?control|resource ?control|VPC ?endpoint|session|resource[ -]?based|role ?trust|identity[ -]?based)"
    r" ?polic(?:y|ies)|(permissions? ?boundar(?:y|ies))"
)
_TYPES = {
    "servicecontrol": "service control policy",
    "resourcecontrol": "resource control policy",
    "vpcendpoint": "vpc endpoint policy",
    "session": "session policy",
    "resourcebased": "resource-based policy",
    "roletrust": "role trust policy",
    "identitybased": "identity-based policy",
}
_LACKS = r"(?:does ?n.?t|do ?n.?t|does ?not|do ?not|did ?not|not) ?have ?(?:the ?)?(?:required ?|necessary ?)?permissions?"
_REFUSED = re.compile(
    rf"(?P<standard>not ?authori[sz]ed ?to ?(?:perform|assume)|(?:unable|not ?allowed|not ?permitted) ?to ?perform|{_LACKS} ?to"
    r" ?(?:perform|call|execute|use)|not ?authori[sz]ed ?to ?(?:call|invoke|execute|use)):? ?"
    r"(?:the ?)?(?:following ?)?(?:action|operation)?:? ?",
    re.IGNORECASE,
)
_MARKS = r"[\"'`*\[(]{0,3}"
_ACTION = re.compile(
    rf"{_MARKS}([a-z][a-z0-9-]{{0,63}}:[a-z0-9*]{{1,128}})[\"'`*\])]{{0,3}}", re.IGNORECASE
)
_ASSUME = re.compile(r"(AssumeRole\w{0,30})(?= ?on)", re.IGNORECASE)
_ON = re.compile(
    r" ?(?:on|against) ?(?:the ?)?(?:resources?(?:\(s\))? ?:? ?(?:policy ?(?=arn:))?|role:? ?|(?=[\"'`]?arn:))",
    re.IGNORECASE,
)
_UNNAMED = re.compile(r" ?on ?(?:this ?resource|the ?resource ?associated ?with)", re.IGNORECASE)
_IMPLICIT = re.compile(
    rf"because ?(?:there ?is ?)?no ?(?:{_TYPE}) ?(?:(?:allows?|grants?) ?(?:the ?)?(?:{_ACTION.pattern})?"
    # The text may end anywhere.
    r"|[a-z]{0,5} ?(?:…|\.{3})?$)",
    re.IGNORECASE,
)
_EXPLICIT = re.compile(
    r"(?:with|by|because ?of|due ?to) ?an ?explicit ?deny"
    rf"(?: ?in ?(?:an?|the|your) ?(?:{_TYPE})(?:,? ?with ?policy ?ARN)?(?: ?:? ?(arn:[^ ]{{1,2048}}))?)?",
    re.IGNORECASE,
)
_EITHER = re.compile(
    r"because ?the ?resource ?does ?not ?exist ?in ?this ?region, ?no ?resource-based",
    re.IGNORECASE,
)
_REASON = re.compile(r" ?(?:\bbecause ?|\bwith ?an ?explicit ?deny|because ?no ?)", re.IGNORECASE)
_USER = re.compile(
    r"(?<![:/\w.-])(?:user|role|principal)(?: ARN(?=:? ))?[\"'`*]{0,3}(?: ?: ?| )[\"'`*]{0,3}",
    re.IGNORECASE,
)
# A name that is no word of a sentence: `my_task`, `i-0abc`.
_NAME = re.compile(r"[A-Za-z][\w+=,.@/-]{0,64}[\d_@/-][\w+=,.@/-]{1,64}")
# `arn:aws:iam::"another account number":role/reader`: words in the place of an account.
_QUOTED_FIELD = re.compile(r'arn:[^ "]{1,100}:"[^"]{1,80}"')
_VERB = re.compile(r"(?: (?:is|are|was|does|do|has))? ?$", re.IGNORECASE)
_IAM_NAMED = re.compile(
    r"(?:user|role|group|policy|instance profile|access key|path|server certificate|mfa) ",
    re.IGNORECASE,
)
_FAR = 2_100
"""An ARN has at most 2,048 characters, including an S3 key of up to 1,024 bytes."""
MOST = 50
"""Messages that are read from one text."""
_LONGEST_PLACEHOLDER = 80
# An ARN that a log broke into lines has a few; a sentence has more.
_MOST_SPACES = 6
# Words that a swallowed line break glues to an action.
_GLUED = re.compile(r"(?:on|because|with|action|status|and|Encoded)$", re.IGNORECASE)
_REST = re.compile(r" ([A-Za-z]{1,64})(?= on | because | with )")

__all__ = ["MOST", "MessageParts", "message_parts"]


def message_parts(text: str) -> tuple[MessageParts, ...]:
    """The messages in the text, each with the error code and operation before it."""
    readings = [
        tuple(_with_spaces_of(text, parts) for parts in islice(_parts_in(plain), MOST))
        for plain in plain_texts(text)
    ]
    # A text whose lines break inside words only reads well without the breaks.
    return max(readings, key=_completeness)


def _with_spaces_of(pasted: str, parts: MessageParts) -> MessageParts:
    """The parts without spaces in the ARN of the resource that the text has not: lines were broken there.

    The names of objects hold spaces, and so do those of jobs of Glue and of a few other resources.
    """
    name = parts.resource
    if " " not in name or not name.startswith("arn:") or ":s3:::" in name or name in pasted:
        return parts
    return replace(parts, resource=name.replace(" ", ""))


def _completeness(parts: Sequence[MessageParts]) -> tuple[int, int]:
    known = sum(catalog().action(part.action) is not None for part in parts if part.action)
    whole = sum(
        bool(part.policy_type) + _is_whole(part.principal) + _is_whole(part.resource)
        for part in parts
    )
    return known, whole


def _is_whole(name: str) -> bool:
    """Whether the name has no break in it, and has the form of an ARN if it begins as one."""
    if not name or " " in name:
        return False
    arn = Arn.of(name)
    if arn is None:
        return not name.startswith("arn")
    return arn.service == "sts" or bool(catalog().types_of_arn(arn))


def _parts_in(plain: str) -> Iterator[MessageParts]:
    refusals = [refusal for refusal in _REFUSED.finditer(plain) if _is_refusal(plain, refusal)]
    if not any(_action_at(plain, refusal.end(), len(plain)) for refusal in refusals):
        for parts in other_texts.parts_of(plain):
            reason = _EXPLICIT.search(plain) or _IMPLICIT.search(plain)
            reasoned = (
                parts if reason is None else _with_reason(parts, plain, reason.start(), len(plain))
            )
            who = _principal_before(plain, refusals[0].start()) if refusals else ""
            yield replace(reasoned, principal=parts.principal or who)
        return
    ends = [*(refusal.start() for refusal in refusals[1:]), len(plain)]
    done = 0
    for refusal, end in zip(refusals, ends, strict=True):
        parts = _standard(plain, refusal, end)
        yield other_texts.with_surroundings(parts, plain, done, refusal.start(), end)
        done = refusal.end()


def _is_refusal(text: str, refusal: re.Match[str]) -> bool:
    """Whether an action follows; `not authorized to perform` tells of a refusal without one, too."""
    stands_alone = re.match(
        r"not ?authori[sz]ed ?to ?(?:perform|assume)", refusal["standard"], re.IGNORECASE
    )
    return bool(stands_alone) or _action_at(text, refusal.end(), len(text)) is not None


def _action_at(text: str, at: int, end: int) -> re.Match[str] | None:
    return _ACTION.match(text, at, end) or _ASSUME.match(text, at, end)


def _standard(text: str, refusal: re.Match[str], end: int) -> MessageParts:
    principal = _principal_before(text, refusal.start())
    match = _action_at(text, refusal.end(), end)
    if match is None:
        reason = _REASON.search(text, refusal.end(), min(end, refusal.end() + _FAR))
        parts = MessageParts(form="short", principal=principal)
        return _with_reason(parts, text, reason.start(), end) if reason else parts
    action, at = _whole_action(match)
    resource = ""
    on = _ON.match(text, at, end)
    if _UNNAMED.match(text, at, end):
        reason = _REASON.search(text, at, min(end, at + _FAR))
        at = reason.start() if reason else at
    elif on:
        resource, at = _resource(text, on.end(), end)
    parts = MessageParts(form="standard", principal=principal, action=action, resource=resource)
    return _with_reason(parts, text, at, end)


def _whole_action(match: re.Match[str]) -> tuple[str, int]:
    """The action, without a word that a line break glued to it, or with the part that one cut off, and where it ends."""
    action = match[1]
    if ":" not in action:
        return f"sts:{action}", match.end()
    if catalog().action(action) is None:
        short = _GLUED.sub("", action)
        if short != action and catalog().action(short):
            return short, match.end(1) - (len(action) - len(short))
        # A line that ends elsewhere than its neighbours was broken inside the action.
        rest = _REST.match(match.string, match.end(1))
        if rest and catalog().action(f"{action}{rest[1]}"):
            return f"{action}{rest[1]}", rest.end()
    return action, match.end()


def _principal_before(text: str, at: int) -> str:
    """The principal before `is not authorized`: what follows `User:`, or an ARN or a name of one word."""
    full = text[max(0, at - _FAR) : at].rstrip()
    before = _VERB.sub("", full)
    if before == full:
        # A broken line swallowed the space before the verb.
        before = before.removesuffix("is").removesuffix("IS")
    users = list(_USER.finditer(before))
    name = before[users[-1].end() :].strip() if users else ""
    if name.startswith("arn:"):
        return trimmed(name.replace(" ", "").replace("`", ""))
    if name and (" " not in name or (name[0] == "[" and len(name) <= _LONGEST_PLACEHOLDER)):
        return trimmed(name)
    word = before.rpartition(" ")[2].strip("\"'`*:,")
    if word.startswith("arn:") or word.endswith(".amazonaws.com") or _NAME.fullmatch(word):
        return trimmed(word)
    # `CodeBuild is not authorized to perform: sts:AssumeRole`: a service that speaks of itself.
    return word if word[:1].isupper() and service_named(word) else ""


def _resource(text: str, at: int, end: int) -> tuple[str, int]:
    """The resource at this position, and where it ends; object names can contain spaces."""
    for mark in ('"', "'", "`"):
        if text.startswith(mark, at):
            # SES opens with one mark and closes with another.
            closes = [text.find(m, at + 1, min(end, at + _FAR)) for m in (mark, "'")]
            close = min((c for c in closes if c > 0), default=-1)
            if close > 0:
                return trimmed(text[at + 1 : close]), close + 1
    reason = _REASON.search(text, at, min(end, at + _FAR))
    if reason and _is_one_name(text[at : reason.start()]):
        return trimmed(text[at : reason.start()]), reason.start()
    named = _IAM_NAMED.match(text, at, end)
    placeholder = _QUOTED_FIELD.match(text, at, end)
    start = placeholder or named
    space = text.find(" ", start.end() if start else at, end)
    stop = end if space < 0 else space
    name = trimmed(text[at:stop])
    return (name.replace(" ", "") if placeholder else name), stop


def _is_one_name(text: str) -> bool:
    """Whether the text up to the reason is one resource, not a resource and a sentence after it."""
    if any(word in text for word in ("User:", "(Service", "status code")):
        return False
    # The names of objects can hold spaces.
    return text.count(" ") <= _MOST_SPACES or ":s3:::" in text


def _with_reason(parts: MessageParts, text: str, at: int, end: int) -> MessageParts:
    while at < end and text[at] in " .,:;\"'`*":
        at += 1
    if implicit := _IMPLICIT.match(text, at, end):
        action = _named_action(parts.action, implicit[3] or "")
        return replace(parts, policy_type=_type(implicit), explicit=False, action=action)
    if explicit := _EXPLICIT.match(text, at, end):
        arn = trimmed(explicit[3] or "")
        return replace(parts, policy_type=_type(explicit), explicit=True, policy_arn=arn)
    if _EITHER.match(text, at, end):
        either = "the key does not exist in this Region, or its policy denies or does not allow the request"
        return replace(parts, policy_type="resource-based policy", remark=either)
    return parts


def _named_action(asked: str, allowed: str) -> str:
    """The action that AWS says no policy allows; it is the one that is missing where it is not the call's own."""
    known = catalog().action(_GLUED.sub("", allowed)) or catalog().action(allowed)
    return known.full_name if known else asked or allowed


def _type(match: re.Match[str]) -> str:
    if match[2]:
        return "permissions boundary"
    return _TYPES[re.sub("[ -]", "", match[1].lower())] if match[1] else ""
