"""ARNs made more general on request: object keys and log streams to their common folder, ids to `*`.

Only what several events used is widened. Names stay: two tables remain two tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ID_DIGITS = 8
_HEX = frozenset("0123456789abcdef-")
_STREAM = ":log-stream:"


def generalized(pairs: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """The wider pattern for each (action, resource) that has one."""
    groups: dict[tuple[str, str], list[str]] = {}
    for action, resource in dict.fromkeys(pairs):
        if fixed := _fixed_part(resource):
            groups.setdefault((action, fixed), []).append(resource)
    found: dict[tuple[str, str], str] = {}
    for (action, fixed), members in groups.items():
        if len(members) > 1:
            pattern = fixed + _wildcard_part(fixed, members)
            found |= dict.fromkeys(((action, member) for member in members), pattern)
    return found


def _fixed_part(resource: str) -> str:
    """The part of an ARN that stays: the bucket, the log group, what comes before an id; empty when nothing may widen."""
    arn = Arn.of(resource)
    if arn is None or resource.endswith("*"):
        return ""
    if arn.service == "s3" and "/" in arn.resource:
        separator = "/object/" if arn.resource.startswith("accesspoint/") else "/"
        before, found, _ = arn.resource.partition(separator)
        return resource[: len(resource) - len(arn.resource)] + before + found if found else ""
    if _STREAM in resource:
        return resource.partition(_STREAM)[0] + _STREAM
    cut = max(resource.rfind("/"), resource.rfind(":")) + 1
    return resource[:cut] if _is_id(resource[cut:]) else ""


def _is_id(text: str) -> bool:
    """Whether AWS made the text: `i-0a1b2c3d4e`, a UUID, or as many hexadecimal digits."""
    last = text.rpartition("-")[2] if text.count("-") < 4 else text.replace("-", "")  # noqa: PLR2004 - a UUID
    return len(last) >= _ID_DIGITS and set(last) <= _HEX and any(map(str.isdecimal, last))


def _wildcard_part(fixed: str, members: list[str]) -> str:
    """The folder that all keys share, and `*`; just `*` for ids."""
    if _STREAM not in fixed and ":s3:" not in fixed:
        return "*"
    # The first and the last in sorted order share the shortest beginning.
    first, last = min(members)[len(fixed) :], max(members)[len(fixed) :]
    pairs = enumerate(zip(first, last, strict=False))
    shared = next((at for at, (a, b) in pairs if a != b), min(len(first), len(last)))
    return first[: first.rfind("/", 0, shared) + 1] + "*"
