"""Gained and lost access as findings, and in sentences that name the worst."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity, Status, Where
from aws_iam.engine.comparison.misspelt_names import is_misspelt_key
from aws_iam.engine.comparison.services_at_large import AT_LARGE
from aws_iam.escape import quoted
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.comparison.access_changes import AccessChange
    from aws_iam.engine.comparison.statement_changes import ConditionChange

_LEAST = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege"
)
_BOUNDARY = "the permissions boundary"
_NOWHERE = Where()
_SHOWN = 3
# The cause of a change to which the statement has no counterpart.
_NONE = (None, None, "")


def change_findings(
    gained: Sequence[AccessChange], lost: Sequence[AccessChange]
) -> Iterator[Finding]:
    """One finding for each statement and risk by which access is gained, riskiest first, and one for what is lost."""
    groups: dict[tuple[object, ...], list[AccessChange]] = {}
    for change in gained:
        key = (
            change.policy,
            change.statement,
            change.is_allow,
            change.risk,
            change.condition_change,
            change.by_others,
            change.owner,
            change.is_granted,
        )
        groups.setdefault(key, []).append(change)
    for changes in groups.values():
        yield _gained(changes)
    if lost:
        misspelt = dict.fromkeys(key for change in lost for key in _misspelt(change))
        keys = joined(list(map(quoted, misspelt)))
        yield Finding(
            code="ACCESS_LOST",
            title="Access is lost by a misspelt condition key" if keys else "Access is lost",
            # Nobody means to lose it so.
            severity=Severity.MEDIUM if keys else Severity.INFO,
            status=Status.FAIL,
            message=lost_in_words(lost) + (f"; no request carries {keys}" if keys else ""),
            resource=_policy(lost),
            source=_LEAST,
        )


def _misspelt(change: AccessChange) -> Iterator[str]:
    for condition in change.condition_change.now if change.condition_change else ():
        if is_misspelt_key(condition.name):
            yield condition.key.value


def _policy(changes: Iterable[AccessChange]) -> str | None:
    names = {change.policy for change in changes}
    return names.pop() or None if len(names) == 1 else None


def _gained(changes: Sequence[AccessChange]) -> Finding:
    first = changes[0]
    risk = first.risk.name
    return Finding(
        code="ACCESS_GAINED",
        title=f"Access is gained: {risk}" if risk else "Access is gained",
        severity=first.risk.severity,
        status=Status.FAIL,
        message=gained_in_words(changes),
        where=first.where if first.is_allow and first.where != _NOWHERE else None,
        resource=first.policy or None,
        fix=_fix(first),
        source=_LEAST,
    )


def _fix(change: AccessChange) -> str:
    if not change.is_allow:
        return "Keep the Deny for these actions unless they are meant to be allowed."
    if change.risk.name == AT_LARGE:
        return "Add a condition on aws:SourceArn or aws:SourceAccount, with the resource or account that the service may come for."
    if change.principals:
        return "Allow only the principals, actions and resources that the change needs."
    return "Allow only the actions and resources that the change needs."


def gained_in_words(changes: Sequence[AccessChange], subject: str = "") -> str:
    """What the subject, or its policy if that has a name, allows now; a permissions boundary grants nothing."""
    own = _subject(changes[0], subject)
    verb = f"{_BOUNDARY} no longer stops" if changes[0].is_limit else f"{own}now allows"
    return f"{verb} {_with_cause(changes)}"


def lost_in_words(
    changes: Sequence[AccessChange], subject: str = "", beside: AccessChange | None = None
) -> str:
    """What the subject does not allow any more; `beside` is a change that tells what changed in the same statement."""
    first = changes[0]
    own = _subject(first, subject)
    verb = f"{_BOUNDARY} now stops" if first.is_limit else f"{own}no longer allows"
    is_told = beside is not None and _cause(first) == _cause(beside) != _NONE
    return f"{verb} {_in_words(changes) if is_told else _with_cause(changes)}"


def _subject(change: AccessChange, subject: str) -> str:
    if not subject:
        return ""
    return f"{quoted(change.policy) if change.policy else subject} "


def _cause(change: AccessChange) -> tuple[object, ...]:
    return change.condition_change, change.resource_change, change.beside


def _with_cause(changes: Sequence[AccessChange]) -> str:
    """The changes, and the Deny and the condition behind the first one."""
    first = changes[0]
    says = _in_words(changes)
    if not first.is_allow and first.of_baseline:
        says += f": the Deny at {first.statement} of the baseline no longer stops it"
    elif not first.is_allow:
        says += f": the Deny at {first.statement} stops it"
    moved = first.resource_change
    if moved and (not first.is_allow or (moved.was and moved.now)):
        says += f"; {moved.in_words(of_baseline=first.of_baseline)}"
    says += f"; {first.beside}" if first.beside else ""
    if first.condition_change:
        says += f"; {_condition_in_words(first, first.condition_change)}"
    return says


def _condition_in_words(change: AccessChange, conditions: ConditionChange) -> str:
    """The conditions before and now, unless the change says one of them already."""
    if change.limits and change.is_allow:
        return conditions.rest_in_words(of_baseline=change.of_baseline)
    return conditions.in_words()


def _in_words(changes: Sequence[AccessChange]) -> str:
    """The first one, and the number of further actions: "`iam:AttachUserPolicy` on every user (…) and 9 more actions"."""
    first = changes[0]
    alike = [change for change in changes if _holds(change) == _holds(first)]
    names = _names(alike)
    more = len(names) - len(first.names_of(first.actions[0]))
    rest = f" and {counted(more, 'more action')}" if more > 0 else ""
    others = len(_names(changes) - names) if len(alike) < len(changes) else 0
    beside = f", and {counted(others, 'more action')} otherwise" if others else ""
    return f"{first.in_words()}{rest}{beside}{_elsewhere(changes)}"


def _elsewhere(changes: Sequence[AccessChange]) -> str:
    """In which further policies it is, or in how many statements of one."""
    own = changes[0].policy
    others = [
        quoted(name) for name in dict.fromkeys(change.policy for change in changes) if name != own
    ]
    if others:
        return f", here and in {joined(others, shown=_SHOWN)}"
    statements = {(change.of_baseline, change.statement) for change in changes}
    return f", in {len(statements)} statements" if len(statements) > 1 else ""


def _holds(change: AccessChange) -> tuple[object, ...]:
    """When it holds, and of what a limit no longer stops, whether policies allow it."""
    return change.when(), change.is_limit, change.is_granted


def _names(changes: Iterable[AccessChange]) -> frozenset[str]:
    return frozenset(chain.from_iterable([change.names for change in changes]))
