"""Passing roles and creating service-linked roles: the actions whose reach is the resource's alone.

Six codes each: the action is named, matched by a wildcard, or left out of NotAction; and the resource is unrestricted,
or excluded by NotResource.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from aws_iam.answer import Severity
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import IDENTITY_KINDS, Condition, Statement, Text
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.gates import Gate, at_action, has
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.rules.check import Check

Covered = Literal["named", "star", "not_action"]


@slotted
class _Subject:
    """An action of IAM, the key that guards it, and the words about it."""

    code: str
    action: str
    guard: str
    severity: Severity
    does: str
    fix: str
    why: str
    # What ValidatePolicy was seen to do: https://github.com/zoph-io/MAMIP, AWSServiceRoleForAmazonEKSNodegroup.
    if_exists_guards: bool

    def is_guarded(self, statement: Statement) -> bool:
        """Whether a positive condition names the service; `StringEqualsIfExists` on its own guards nothing."""
        guards = tuple(filter(_is_guard, statement.conditions_on(self.guard.lower())))
        if self.if_exists_guards or len(statement.conditions) > 1:
            return bool(guards)
        return any(not guard.if_exists or guard.base != "StringEquals" for guard in guards)


_PASS_ROLE = _Subject(
    code="PASS_ROLE",
    action="iam:PassRole",
    guard="iam:PassedToService",
    severity=Severity.SECURITY_WARNING,
    does="passes any role",
    fix="Name the roles in Resource, or add StringEquals on iam:PassedToService.",
    why="Whoever may pass any role to a service works with the permissions of the strongest role in the account.",
    if_exists_guards=False,
)
_CREATE_SLR = _Subject(
    code="CREATE_SLR",
    action="iam:CreateServiceLinkedRole",
    guard="iam:AWSServiceName",
    severity=Severity.WARNING,
    does="creates a service-linked role for any service",
    fix="Name the roles in Resource, or add StringEquals on iam:AWSServiceName.",
    why="A service-linked role lets its service act in the account; which services may is worth a decision.",
    if_exists_guards=True,
)


def _is_guard(condition: Condition) -> bool:
    return (
        condition.base.startswith("String")
        and not condition.negated
        and condition.qualifier != "ForAllValues"
        and bool(condition.values)
        and not any(value.value.startswith(("*", "?")) for value in condition.values)
    )


_ANY_ROLE = re.compile(r"(role)?[*?/]*[*?][*?/]*")


def _unrestricted(resource: str) -> bool:
    """Whether the pattern takes every role of an account."""
    if resource and not resource.strip("*"):
        return True
    arn = Arn.of(resource)
    if arn is None:
        return resource.startswith("arn:") and resource.endswith("*") and _takes_roles(resource)
    return matches(arn.service, "iam") and bool(_ANY_ROLE.fullmatch(arn.resource))


def _takes_roles(pattern: str) -> bool:
    return matches(pattern, "arn:aws:iam::111122223333:role/any") and matches(
        pattern, "arn:aws:iam::444455556666:role/other"
    )


_FIRST = frozenset("iI*?")


@memo_on_subject
def _covered(statement: Statement) -> dict[str, tuple[Covered, Text | None] | None]:
    """How the statement's actions cover each of the subjects' actions: six rules ask the same of it."""
    return {
        subject.action: _covering(statement, subject.action)
        for subject in (_PASS_ROLE, _CREATE_SLR)
    }


def _covering(statement: Statement, action: str) -> tuple[Covered, Text | None] | None:
    """How the statement's actions cover this one, and by which entry; a literal entry wins over a wildcard."""
    wild = None
    # Only what begins like the action or with a wildcard can be it.
    for entry in (candidate for candidate in statement.actions if candidate.value[:1] in _FIRST):
        if entry.value.lower() == action.lower():
            return "named", entry
        if not is_literal(entry.value) and matches(entry.value, action, ignore_case=True):
            wild = wild or entry
    if wild:
        return "star", wild
    excluded = any(
        matches(excluded_action.value, action, ignore_case=True)
        for excluded_action in statement.not_actions
    )
    return ("not_action", None) if statement.not_actions and not excluded else None


def _problems(
    subject: _Subject, covered: Covered, statement: Statement, *, excluding: bool
) -> Iterator[Fail]:
    if not statement.allows or (excluding and not statement.not_resources):
        return
    found = _covered(statement)[subject.action]
    if found is None or found[0] != covered:
        return
    entry = found[1]
    where = entry.where if entry else statement.place("NotAction")
    who = quoted(entry.value) if entry else f"`NotAction` without `{subject.action}`"
    if excluding:
        yield Fail(where, f"{who} {subject.does} but those of `NotResource`")
        return
    open_ = next(
        (resource for resource in statement.resources if _unrestricted(resource.value)), None
    )
    if open_ and not subject.is_guarded(statement):
        yield Fail(where, f"{who} {subject.does}: the resource is {quoted(open_.value)}")


_COVERED: dict[Covered, tuple[dict[str, object], str]] = {
    "named": ({}, "the action is named"),
    "star": ({"Action": "iam:*"}, "a wildcard matches the action"),
    "not_action": ({"NotAction": "s3:*"}, "NotAction leaves the action in"),
}
_FORMS: dict[tuple[Covered, bool], str] = {
    ("named", False): "STAR_IN_RESOURCE",
    ("star", False): "STAR_IN_ACTION_AND_RESOURCE",
    ("not_action", False): "STAR_IN_RESOURCE_AND_NOT_ACTION",
    ("named", True): "NOT_RESOURCE",
    ("star", True): "STAR_IN_ACTION_AND_NOT_RESOURCE",
    ("not_action", True): "NOT_ACTION_AND_NOT_RESOURCE",
}


def _gates(subject: _Subject, covered: Covered, *, excluding: bool) -> tuple[Gate, ...]:
    if excluding:
        return (has("NotResource"),)
    if covered == "not_action":
        return (has("NotAction"),)
    return (at_action(lambda entry: matches(entry, subject.action, ignore_case=True)),)


def _declared(subject: _Subject, covered: Covered, *, excluding: bool) -> Check[Statement]:
    element, words = _COVERED[covered]
    role = "arn:aws:iam::111122223333:role/app"
    actions = element or {"Action": subject.action}
    resource = {"NotResource": role} if excluding else {"Resource": "*"}
    guard = {"Condition": {"StringEquals": {subject.guard: "ec2.amazonaws.com"}}}
    named: dict[str, object] = {"Effect": "Allow", "Action": subject.action, "Resource": role}

    def problems(statement: Statement) -> Iterator[Fail]:
        yield from _problems(subject, covered, statement, excluding=excluding)

    problems.__doc__ = subject.why
    spared = " but those of NotResource" if excluding else ""
    return check(
        f"{subject.code}_WITH_{_FORMS[covered, excluding]}",
        on=Statement,
        severity=subject.severity,
        title=f"The statement {subject.does}{spared}: {words}",
        fix=subject.fix,
        kinds=IDENTITY_KINDS,
        when=_gates(subject, covered, excluding=excluding),
        bad=[{"Effect": "Allow", **actions, **resource}],
        good=[
            named,
            *([] if excluding else [{"Effect": "Allow", **actions, "Resource": "*", **guard}]),
        ],
    )(problems)


pass_any_role = _declared(_PASS_ROLE, "named", excluding=False)
pass_any_role_by_wildcard = _declared(_PASS_ROLE, "star", excluding=False)
pass_any_role_by_not_action = _declared(_PASS_ROLE, "not_action", excluding=False)
pass_all_but_some = _declared(_PASS_ROLE, "named", excluding=True)
pass_all_but_some_by_wildcard = _declared(_PASS_ROLE, "star", excluding=True)
pass_all_but_some_by_not_action = _declared(_PASS_ROLE, "not_action", excluding=True)
create_any_role = _declared(_CREATE_SLR, "named", excluding=False)
create_any_role_by_wildcard = _declared(_CREATE_SLR, "star", excluding=False)
create_any_role_by_not_action = _declared(_CREATE_SLR, "not_action", excluding=False)
create_all_but_some = _declared(_CREATE_SLR, "named", excluding=True)
create_all_but_some_by_wildcard = _declared(_CREATE_SLR, "star", excluding=True)
create_all_but_some_by_not_action = _declared(_CREATE_SLR, "not_action", excluding=True)
