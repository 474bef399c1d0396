"""The lists of risky actions, from assets/data/action-risks.json, and how severe each is."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from aws_iam import resources
from aws_iam.answer import Severity
from aws_iam.engine.explain.escalation_risks import BEST_PRACTICES
from aws_iam.engine.language.memo import ByWord, memo_of_reference
from aws_iam.engine.reference.catalog import catalog
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.engine.language.document import Condition, Statement
    from aws_iam.engine.reference.catalog import Action

_LISTS = "assets/data/action-risks.json"
GRADES = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.INFO)
"""The severities, worst first."""


@slotted
class RiskyActions:
    """One list of risky actions: its name, the actions by name in lower case, and those that count more or less.

    `copying` are those that copy data without giving it out, which count less in one Region.
    """

    name: str
    by_key: Mapping[str, str]
    major: frozenset[str]
    minor: frozenset[str]
    copying: frozenset[str]


# Reading the file takes about 1 ms, and every judged policy needs it.
@cache
def _lists() -> Mapping[str, Any]:
    lists: Mapping[str, Any] = json.loads(resources.text(_LISTS))
    return lists


@cache
def risky_actions() -> tuple[RiskyActions, ...]:
    """The lists, in the order of the file."""
    rows = _lists()["risks"]
    return tuple(
        RiskyActions(
            name=name,
            by_key={action.lower(): action for action in row["actions"]},
            major=frozenset(row.get("major", ())),
            minor=frozenset(row.get("minor", ())),
            copying=frozenset(row.get("copying", ())),
        )
        for name, row in rows.items()
    )


@cache
def listed_actions() -> frozenset[str]:
    """The actions of all lists, in lower case."""
    return frozenset().union(*[risky.by_key for risky in risky_actions()])


@memo_of_reference(1024)
def changing_actions(service: str) -> Mapping[str, str]:
    """The actions of a service that change resources: their full names by full name in lower case."""
    known = catalog().service(service)
    actions = known.actions.values() if known else ()
    names = [action.full_name for action in actions if changes_resources(action)]
    return {name.lower(): name for name in names}


def changes_of(names: Iterable[str]) -> Iterator[str]:
    """For each action, given in lower case, its full name if it changes resources; else nothing."""
    return map(_CHANGING.__getitem__, names)


_MOST_ACTIONS = 32_768
_CHANGING = ByWord(
    lambda name: changing_actions(name.partition(":")[0]).get(name, ""), most=_MOST_ACTIONS
)


def changes_resources(action: Action) -> bool:
    """Whether the action creates, changes or deletes resources that a policy could name, or protections and settings."""
    name = action.full_name
    if name in protections() or name in _settings():
        return True
    return (
        bool(action.resource_types)
        and action.level == "Write"
        # AWS lists some actions that only read, use or append to a resource as Write.
        and not action.name.startswith(_NO_CHANGES)
        and name not in _appending()
    )


def works_on_star(names: Iterable[str]) -> list[str]:
    """Those of the actions, by their full names, that no resource can limit."""
    return list(filter(_ON_STAR.__getitem__, names))


def _is_on_star(name: str) -> bool:
    action = catalog().action(name)
    return action is None or not action.resource_types


_ON_STAR = ByWord(_is_on_star)


def destroying_of(names: Iterable[str]) -> Iterator[str]:
    """Those of the actions, by their full names, that delete or stop something."""
    return filter(_DESTROYING.__getitem__, names)


def destroys(name: str) -> bool:
    """Whether the action, by its full name, deletes or stops a resource that may be in use, or a protection."""
    if name.partition(":")[2].startswith(_DESTROYS):
        return name not in _kept_in_use()
    return name in protections()


_DESTROYING = ByWord(destroys, of_reference=False)


@cache
def protections() -> frozenset[str]:
    """Actions that take away what protects the account, its organization or its resources."""
    return frozenset(_lists()["protections"]["actions"])


@cache
def guardrails() -> frozenset[str]:
    """The protections that limit whole accounts of an organization."""
    return frozenset(_lists()["protections"]["guardrails"])


@cache
def _settings() -> frozenset[str]:
    """Actions of the level Permissions management that change resources as Write actions do."""
    return frozenset(_lists()["settings"]["actions"])


@cache
def _appending() -> frozenset[str]:
    """Actions that add data to a resource and change or delete nothing."""
    return frozenset(_lists()["appending"]["actions"])


@cache
def _kept_in_use() -> frozenset[str]:
    """Delete actions that AWS refuses for a resource in use."""
    return frozenset(_lists()["kept_in_use"]["actions"])


@slotted
class RiskWording:
    """The wording of a risk, its severities when unlimited and when limited, and the fix for each.

    `who` may have the actions that no resource can limit. `minor_is_own`: a minor action that works on `*` only gives its
    caller no more than the caller has.
    """

    says: str
    unlimited: Severity
    limited: Severity
    fix: str
    limited_fix: str
    who: str
    source: str
    minor_is_own: bool = False


WORDINGS = {
    "credentials exposure": RiskWording(
        says="the answer holds credentials or tokens",
        unlimited=Severity.HIGH,
        limited=Severity.INFO,
        fix="Allow these actions on the named resources only, to those who hand out credentials.",
        limited_fix="Check that whoever has this policy may have the credentials of the named resources.",
        who="need the credentials",
        source=BEST_PRACTICES,
        minor_is_own=True,
    ),
    "data exfiltration": RiskWording(
        says="data can be read or copied out",
        unlimited=Severity.MEDIUM,
        limited=Severity.INFO,
        fix="Name the resources whose data the work needs.",
        limited_fix="Check that the work needs the data of the named resources.",
        who="need the data",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html",
    ),
    "resource exposure": RiskWording(
        says="a resource can be opened to other principals or to everyone",
        unlimited=Severity.HIGH,
        limited=Severity.LOW,
        fix="Name the resources, and deny the actions to all but those who administer them.",
        limited_fix="Deny the actions to all but those who administer the named resources.",
        who="administer the resources",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-resources.html",
    ),
}


# In a policy of the account's own principals such a condition leaves every resource of the account.
_OF_THE_ACCOUNT = frozenset({
    "aws:principalaccount", "aws:principalorgid", "aws:resourceaccount", "aws:resourceorgid", "s3:resourceaccount",
    "aws:securetransport",
})  # fmt: skip
# Every signed request has these keys, so that any value admits all of them.
_ALWAYS_PRESENT = frozenset({
    "aws:principalarn", "aws:principaltype", "aws:userid", "aws:sourceip", "aws:currenttime", "aws:epochtime",
    "aws:requestedregion",
})  # fmt: skip
_OF_SOME_REQUESTS = (":resourcetag/", ":requesttag/", "kms:encryptioncontext:")
_REQUESTED_REGION = "aws:requestedregion"


def is_bound(statement: Statement) -> bool:
    """Whether the statement has a condition that an ordinary request may not meet; a Region is no such condition."""
    return bool(statement.conditions) and any(
        (_is_limit(condition) and condition.name != _REQUESTED_REGION) or _demands_key(condition)
        for condition in statement.conditions
    )


def requested_regions(statement: Statement) -> list[str]:
    """The Regions that a condition requires."""
    return [
        value.value
        for condition in statement.conditions
        if condition.name == _REQUESTED_REGION and _is_limit(condition)
        for value in condition.values
    ]


def _is_limit(condition: Condition) -> bool:
    """Whether the condition keeps out some ordinary requests of the account's own principals."""
    if not condition.demanded or condition.name in _OF_THE_ACCOUNT:
        return False
    return condition.name not in _ALWAYS_PRESENT or not any(
        _admits_all(condition, value.value) for value in condition.values
    )


def _admits_all(condition: Condition, value: str) -> bool:
    if condition.base == "IpAddress":
        return value.endswith("/0")
    is_pattern = condition.base in {"StringLike", "ArnLike", "ArnEquals"}
    return is_pattern and bool(value) and not value.strip("*")


def _demands_key(condition: Condition) -> bool:
    """Whether a Null condition requires a tag of the resource or of the request, or an encryption context."""
    return (
        condition.base == "Null"
        and [value.value.lower() for value in condition.values] == ["false"]
        and any(part in condition.name for part in _OF_SOME_REQUESTS)
    )


Reached = Literal["every", "one Region", "named"]
"""The resources for which a statement allows an action: every one, every one of a Region, or named ones."""


def grade(risky: RiskyActions, name: str, reached: Reached, *, bound: bool) -> Severity:
    """How severe it is that a statement allows the action for the resources that it reaches, `bound` as in `is_bound`."""
    words = WORDINGS[risky.name]
    if reached == "named":
        return Severity.INFO if name in risky.minor else words.limited
    step = GRADES.index(words.unlimited) - (name in risky.major) + 2 * (name in risky.minor)
    step += bound + (reached == "one Region") * (1 + (name in risky.copying))
    return GRADES[min(step, len(GRADES) - 1)]


_NO_CHANGES = (
    "Get",
    "List",
    "Describe",
    "BatchGet",
    "PassRole",
    "Invoke",
    "Assume",
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "ReEncrypt",
)
_DESTROYS = (
    "Delete",
    "Terminate",
    "Remove",
    "Purge",
    "Deregister",
    "Destroy",
    "Disable",
    "Stop",
    "ScheduleKeyDeletion",
)
