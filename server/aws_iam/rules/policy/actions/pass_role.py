"""iam:PassRole and iam:CreateServiceLinkedRole: allowed on any role, with no condition on the service.

Six codes for each action: it is named, matched by a wildcard, or not excluded by NotAction; and the resource is every
role, or every role except those in NotResource.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from aws_iam.answer import Severity
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Condition, Kind, Statement
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.rules.check import check
from aws_iam.rules.gates import Gate, at_action, has
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.rules.check import Check

Coverage = Literal["named", "star", "not_action"]


@slotted
class _GuardedAction:
    """An action of IAM, the condition key that guards it, and the words of its rules."""

    code: str
    action: str
    guard: str
    severity: Severity
    does: str
    what: str
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


_PASS_ROLE = _GuardedAction(
    code="PASS_ROLE",
    action="iam:PassRole",
    guard="iam:PassedToService",
    severity=Severity.SECURITY_WARNING,
    does="allows passing any role",
    what="Roles to pass",
    fix="Name the roles in Resource, or add StringEquals on iam:PassedToService.",
    why=(
        "A principal that can pass any role to a service can act with the permissions of the most powerful role in the"
        " account.\n\nFalse alarm when the principal is meant to administer the account, or when a permissions boundary"
        " or an SCP limits the roles that it can pass."
    ),
    if_exists_guards=False,
)
_CREATE_SLR = _GuardedAction(
    code="CREATE_SLR",
    action="iam:CreateServiceLinkedRole",
    guard="iam:AWSServiceName",
    severity=Severity.WARNING,
    does="allows creating any service-linked role",
    what="Service-linked roles to create",
    fix="Name the roles in Resource, or add StringEquals on iam:AWSServiceName.",
    why=(
        "A service-linked role lets its service act in the account. Allow it only for services that you decided to use."
        "\n\nFalse alarm when the principal is meant to enable any service, or when a permissions boundary or an SCP"
        " limits the services."
    ),
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


def _matches_every_role_arn(resource: str) -> bool:
    """Whether the pattern matches every role of an account."""
    if resource and not resource.strip("*"):
        return True
    arn = Arn.of(resource)
    if arn is None:
        return resource.startswith("arn:") and resource.endswith("*") and _matches_roles(resource)
    return matches(arn.service, "iam") and bool(_ANY_ROLE.fullmatch(arn.resource))


def _matches_roles(pattern: str) -> bool:
    return matches(pattern, "arn:aws:iam::111122223333:role/any") and matches(
        pattern, "arn:aws:iam::444455556666:role/other"
    )


_FIRST_CHARACTERS = frozenset("iI*?")


@memo_on_subject
def _covered(statement: Statement) -> dict[str, tuple[Coverage, int] | None]:
    """How the statement's actions cover each guarded action; worked out once for the six rules on it."""
    return {
        guarded.action: _covering(statement, guarded.action)
        for guarded in (_PASS_ROLE, _CREATE_SLR)
    }


def _covering(statement: Statement, action: str) -> tuple[Coverage, int] | None:
    """How the statement's actions cover this one, and by which entry; a literal entry comes before a wildcard."""
    wild = None
    for at, entry in enumerate(statement.action_words):
        # An entry can match only if it begins like the action or with a wildcard.
        if entry[:1] not in _FIRST_CHARACTERS:
            continue
        if entry.lower() == action.lower():
            return "named", at
        if wild is None and not is_literal(entry) and matches(entry, action, ignore_case=True):
            wild = at
    if wild is not None:
        return "star", wild
    others = statement.not_action_words
    excluded = any(matches(other, action, ignore_case=True) for other in others)
    return ("not_action", 0) if others and not excluded else None


def _problems(
    guarded: _GuardedAction, coverage: Coverage, statement: Statement, *, excluding: bool
) -> Iterator[Fail]:
    if not statement.allows or (excluding and not statement.not_resources):
        return
    actual = _covered(statement)[guarded.action]
    if actual is None or actual[0] != coverage:
        return
    any_role = next(filter(_matches_every_role_arn, statement.resource_words), None)
    if not excluding and (any_role is None or guarded.is_guarded(statement)):
        return
    if coverage == "not_action":
        where = statement.place("NotAction")
        grant = f"`NotAction`, which does not exclude `{guarded.action}`,"
    else:
        entry = statement.actions[actual[1]]
        where, grant = entry.where, quoted(entry.value)
    if excluding:
        yield Fail(where, f"{grant} {guarded.does} except those in `NotResource`")
    else:
        yield Fail(where, f"{grant} {guarded.does}: the resource is {quoted(any_role or '')}")


_COVERAGES: dict[Coverage, tuple[dict[str, object], str]] = {
    "named": ({}, "the action is named"),
    "star": ({"Action": "iam:*"}, "a wildcard matches the action"),
    "not_action": ({"NotAction": "s3:*"}, "NotAction does not exclude the action"),
}
_CODE_SUFFIXES: dict[tuple[Coverage, bool], str] = {
    ("named", False): "STAR_IN_RESOURCE",
    ("star", False): "STAR_IN_ACTION_AND_RESOURCE",
    ("not_action", False): "STAR_IN_RESOURCE_AND_NOT_ACTION",
    ("named", True): "NOT_RESOURCE",
    ("star", True): "STAR_IN_ACTION_AND_NOT_RESOURCE",
    ("not_action", True): "NOT_ACTION_AND_NOT_RESOURCE",
}


def _gates(guarded: _GuardedAction, coverage: Coverage, *, excluding: bool) -> tuple[Gate, ...]:
    if excluding:
        return (has("NotResource"),)
    if coverage == "not_action":
        return (has("NotAction"),)
    return (at_action(lambda entry: matches(entry, guarded.action, ignore_case=True)),)


def _declared(guarded: _GuardedAction, coverage: Coverage, *, excluding: bool) -> Check[Statement]:
    element, words = _COVERAGES[coverage]
    role = "arn:aws:iam::111122223333:role/app"
    actions = element or {"Action": guarded.action}
    resource = {"NotResource": role} if excluding else {"Resource": "*"}
    guard = {"Condition": {"StringEquals": {guarded.guard: "ec2.amazonaws.com"}}}
    named: dict[str, object] = {"Effect": "Allow", "Action": guarded.action, "Resource": role}

    def problems(statement: Statement) -> Iterator[Fail]:
        yield from _problems(guarded, coverage, statement, excluding=excluding)

    problems.__doc__ = guarded.why
    limited = "only by NotResource" if excluding else "by neither name nor service"
    return check(
        f"{guarded.code}_WITH_{_CODE_SUFFIXES[coverage, excluding]}",
        on=Statement,
        severity=guarded.severity,
        # The message says what that allows.
        title=f"{guarded.what} are limited {limited}: {words}",
        fix=guarded.fix,
        # A boundary grants nothing.
        kinds=(Kind.IDENTITY, Kind.SESSION),
        when=_gates(guarded, coverage, excluding=excluding),
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
