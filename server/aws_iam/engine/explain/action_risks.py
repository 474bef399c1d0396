"""The lists of risky actions, from assets/data/action-risks.json, and how severe each is."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.answer import Severity
from aws_iam.engine.explain.escalation_risks import BEST_PRACTICES
from aws_iam.engine.language.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.language.document import Condition, Statement
    from aws_iam.engine.reference.catalog import Action

_LISTS = "assets/data/action-risks.json"
GRADES = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.INFO)
"""The severities, worst first."""


@slotted
class RiskyActions:
    """One list of risky actions: its name, the actions by name in lower case, and those that count more or less."""

    name: str
    by_key: Mapping[str, str]
    major: frozenset[str]
    minor: frozenset[str]


# Reading the file takes about 1 ms, and every judged policy needs it.
@cache
def risky_actions() -> tuple[RiskyActions, ...]:
    """The lists, in the order of the file."""
    rows: Mapping[str, Any] = json.loads(resources.text(_LISTS))["risks"]
    return tuple(
        RiskyActions(
            name=name,
            by_key={action.lower(): action for action in row["actions"]},
            major=frozenset(row.get("major", ())),
            minor=frozenset(row.get("minor", ())),
        )
        for name, row in rows.items()
    )


def changes_resources(action: Action) -> bool:
    """Whether the action creates, changes or deletes resources that a policy could name."""
    return (
        action.level == "Write"
        and bool(action.resource_types)
        # AWS lists some actions that only read, use or append to a resource as Write.
        and not action.name.startswith(_NO_CHANGES)
        and action.full_name not in _appending()
    )


def destroys(name: str) -> bool:
    """Whether the action, by its full name, deletes or stops a resource that may be in use."""
    return name.partition(":")[2].startswith(_DESTROYS) and name not in _kept_in_use()


@cache
def _appending() -> frozenset[str]:
    """Actions that add data to a resource and change or delete nothing."""
    return frozenset(json.loads(resources.text(_LISTS))["appending"]["actions"])


@cache
def _kept_in_use() -> frozenset[str]:
    """Delete actions that AWS refuses for a resource in use."""
    return frozenset(json.loads(resources.text(_LISTS))["kept_in_use"]["actions"])


@slotted
class RiskWording:
    """The wording of a risk, its severities when unlimited and when limited, and the fix for each.

    `who` may have the actions that no resource can limit.
    """

    says: str
    unlimited: Severity
    limited: Severity
    fix: str
    limited_fix: str
    who: str
    source: str


WORDINGS = {
    "credentials exposure": RiskWording(
        says="the answer holds credentials or tokens",
        unlimited=Severity.HIGH,
        limited=Severity.INFO,
        fix="Allow these actions on the named resources only, to those who hand out credentials.",
        limited_fix="Check that whoever has this policy may have the credentials of the named resources.",
        who="need the credentials",
        source=BEST_PRACTICES,
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


def is_bound(statement: Statement) -> bool:
    """Whether the statement has a condition that an ordinary request may not meet."""
    return any(condition.demanded or _demands_tag(condition) for condition in statement.conditions)


def _demands_tag(condition: Condition) -> bool:
    """Whether a Null condition requires a tag of the resource or of the request."""
    return (
        condition.base == "Null"
        and [value.value.lower() for value in condition.values] == ["false"]
        and any(part in condition.name for part in (":resourcetag/", ":requesttag/"))
    )


def grade(risky: RiskyActions, name: str, statement: Statement, *, is_wide: bool) -> Severity:
    """How severe it is that the statement allows the action; `is_wide` says whether on every resource."""
    words = WORDINGS[risky.name]
    if not is_wide:
        return Severity.INFO if name in risky.minor else words.limited
    step = GRADES.index(words.unlimited) - (name in risky.major) + 2 * (name in risky.minor)
    return GRADES[min(step + is_bound(statement), len(GRADES) - 1)]


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
