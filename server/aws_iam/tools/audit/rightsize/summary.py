"""The answer in sentences: who gets a smaller policy, who is unused, and of whom nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.last_accessed import KEPT_DAYS
from aws_iam.escape import quoted
from aws_iam.tools.audit.rightsize.proof import proved_words
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.tools.audit.rightsize.events_by_principal import EventsByPrincipal
    from aws_iam.tools.audit.rightsize.judged_principals import JudgedPrincipal
    from aws_iam.tools.audit.rightsize.recorded_use import Window

_MOST_NAMED = 3


def summary(
    principals: Sequence[JudgedPrincipal],
    window: Window,
    events: EventsByPrincipal,
    *,
    is_nothing: bool,
) -> str:
    """All of it; `is_nothing` says that nobody could be judged, because the data was refused."""
    by_verdict = {
        verdict: [own for own in principals if own.verdict == verdict]
        for verdict in ("smaller", "unused", "stays", "manual", "fits", "unknown")
    }
    unknown = tuple(_unknown(by_verdict["unknown"], is_nothing=is_nothing))
    rest = (
        *_smaller(by_verdict["smaller"], window),
        *_unused(by_verdict["unused"]),
        *_others(by_verdict),
    )
    parts = (*unknown, *rest) if is_nothing else (*rest, *unknown)
    if not principals:
        return "The account has no user and no role to judge."
    return " ".join((*parts, *_period(window, events)))


def _smaller(found: Sequence[JudgedPrincipal], window: Window) -> Iterator[str]:
    if found:
        actions = sum(own.access.unused.bit_count() for own in found if own.access)
        worst, *others = sorted(found, key=lambda own: (not own.lost.worst, own.lost.order))
        yield (
            f"{counted(len(found), 'principal')} can do with less: {_named((worst, *others))};"
            f" {counted(actions, 'action')} granted and not used."
        )
        if worst.lost.worst:
            yield f"The riskiest access that goes: {worst.lost.worst}, of {quoted(worst.identity.name)}."
        with_less = [own for own in found if own.documents]
        if with_less:
            whose = "Its" if len(found) == 1 else "Each"
            yield f"{whose} smaller policy is proved: {proved_words(window)}."
        if len(with_less) < len(found):
            without = [own for own in found if not own.documents]
            yield f"No use of their policies is recorded, and none is left: {_named(without)}."
        yield "The age of a permission is not considered."


def _unused(found: Sequence[JudgedPrincipal]) -> Iterator[str]:
    if found:
        once = [own for own in found if own.last_used]
        last = (
            f"; {quoted(once[0].identity.name)} was last used on {once[0].last_used:%Y-%m-%d}, and may be needed once a year"
            if once
            else ""
        )
        yield f"{counted(len(found), 'principal')} {'is' if len(found) == 1 else 'are'} unused: {_named(found)}{last}; disable, watch, then delete, as `steps` says."


def _others(by_verdict: dict[str, list[JudgedPrincipal]]) -> Iterator[str]:
    for verdict, words in (
        ("stays", "with unused access that stays, as `policies` says why"),
        ("manual", "with unused access from a permission set of IAM Identity Center"),
        ("fits", "with no unused access, as far as AWS tracks it"),
    ):
        if found := by_verdict[verdict]:
            yield f"{counted(len(found), 'principal')} {words}."


def _unknown(found: Sequence[JudgedPrincipal], *, is_nothing: bool) -> Iterator[str]:
    if not found:
        return
    if is_nothing:
        yield f"Nothing is known of what users and roles use: {found[0].why}."
        return
    is_same = len({own.why for own in found}) == 1
    whose = "" if is_same else f"{quoted(found[0].identity.name)}: "
    yield f"Not judged: {_named(found)} ({whose}{found[0].why}); no proposal."


def _period(window: Window, events: EventsByPrincipal) -> Iterator[str]:
    yield (
        f"Uses count since {window.since:%Y-%m-%d}"
        + (
            f", the {KEPT_DAYS} days that AWS keeps."
            if window.since == window.tracked_since
            else f": {window.days} days."
        )
    )
    if events.events:
        yield f"{counted(events.events, 'event')} of CloudTrail count as use, too."


def _named(found: Sequence[JudgedPrincipal]) -> str:
    return joined([quoted(own.identity.name) for own in found], shown=_MOST_NAMED)
