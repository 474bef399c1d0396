"""ARNs made general on request: object keys and log streams to their common folder, ids to `*` where several were used.

Names stay: two tables are two tables. What one event alone used stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ID_DIGITS = 8
_HEX = frozenset("0123456789abcdef-")
_STREAM = ":log-stream:"


def widened(pairs: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """The wider pattern for each (action, resource) that has one."""
    groups: dict[tuple[str, str], list[str]] = {}
    for action, resource in dict.fromkeys(pairs):
        if place := _place(resource):
            groups.setdefault((action, place), []).append(resource)
    found: dict[tuple[str, str], str] = {}
    for (action, place), members in groups.items():
        if len(members) > 1:
            found |= dict.fromkeys(
                ((action, member) for member in members), place + _rest(place, members)
            )
    return found


def _place(resource: str) -> str:
    """The part of an ARN that stays: the bucket, the log group, what stands before an id; empty when nothing is widened."""
    arn = Arn.of(resource)
    if arn is None or resource.endswith("*"):
        return ""
    if arn.service == "s3" and "/" in arn.resource:
        mark = "/object/" if arn.resource.startswith("accesspoint/") else "/"
        before, found, _ = arn.resource.partition(mark)
        return resource[: len(resource) - len(arn.resource)] + before + found if found else ""
    if _STREAM in resource:
        return resource.partition(_STREAM)[0] + _STREAM
    cut = max(resource.rfind("/"), resource.rfind(":")) + 1
    return resource[:cut] if _is_id(resource[cut:]) else ""


def _is_id(text: str) -> bool:
    """`i-0a1b2c3d4e`, a UUID, or as many hexadecimal digits: a text that AWS made, not a person."""
    last = text.rpartition("-")[2] if text.count("-") < 4 else text.replace("-", "")  # noqa: PLR2004 - a UUID
    return len(last) >= _ID_DIGITS and set(last) <= _HEX and any(map(str.isdecimal, last))


def _rest(place: str, members: list[str]) -> str:
    """The folder that all keys stand in, and `*`; `*` alone for ids."""
    if _STREAM not in place and ":s3:" not in place:
        return "*"
    # The first and the last in order differ earliest.
    first, last = min(members)[len(place) :], max(members)[len(place) :]
    pairs = enumerate(zip(first, last, strict=False))
    shared = next((at for at, (a, b) in pairs if a != b), min(len(first), len(last)))
    return first[: first.rfind("/", 0, shared) + 1] + "*"
