"""Privilege escalation in words: an administrator, a policy with many paths, and what the families of paths are and close.

`statement_risks` of `engine/explain/risks.py` tells the paths of each statement of a document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity, Status
from aws_iam.engine.effective.escalation import (
    EXISTING_COMPUTE,
    NEW_COMPUTE,
    SELF,
    OpenPath,
)
from aws_iam.frozen import slotted
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.engine.effective.access import Access, ActionReach
    from aws_iam.engine.effective.action_expansion import Expansion
    from aws_iam.engine.language.document import Statement

BEST_PRACTICES = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
PASSING = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"
LEAST = "List the actions and resources that the work needs."
LESS_DENIED = ", except what Deny statements partly take away"
"""The end of a sentence on access of which Deny statements take a part away."""
MANY_WAYS = "Privilege escalation is possible in many ways"
_NAMED = 6
# From this share of all actions on, one finding about the breadth says more than paths of single services.
_NEARLY_ALL = 0.9


@slotted
class RiskFinding:
    """A finding and its statement: places alone can be equal in several documents."""

    finding: Finding
    statement: Statement | None
    routine: bool = False
    """Whether the grant is as narrow as it can be written, so that only a full account of the policy mentions it."""


@slotted
class Risks:
    """The findings, worst first, and the escalation paths behind them."""

    findings: tuple[RiskFinding, ...]
    paths: tuple[OpenPath, ...]


def broad_risk(
    access: Access, paths: tuple[OpenPath, ...], expansion: Expansion
) -> RiskFinding | None:
    """The one finding on a policy so broad that listing its paths would not help."""
    # A service has dozens of actions: whoever has no more of them than there are services is far from having nearly all,
    # and the other services need not be read.
    is_wide = len(access.actions) > len(expansion.facts.services)
    total = len(expansion.pattern("*")) if is_wide else 0
    return _administrator(access, total, paths) or _many_ways(access, paths, expansion, total)


def _administrator(access: Access, total: int, paths: tuple[OpenPath, ...]) -> RiskFinding | None:
    reaches = [reach for reach, _ in access.by_reach]
    if not total or len(access.actions) < total or not all(reach.everywhere for reach in reaches):
        return None
    less = any(reach.denied_by for reach in reaches)
    bound = any(is_bound(reach) for reach in reaches)
    when = ", under the conditions of the statement" if bound else ""
    when += LESS_DENIED if less else ""
    ways = f" ({named([path.path.id for path in paths])})" if paths else ""
    return finding_at(
        "ADMINISTRATOR",
        "Administrator: everything on every resource",
        Severity.HIGH if less or bound else Severity.CRITICAL,
        f"all {total:,} known actions are allowed on every resource{when}: privilege escalation{ways}, data exfiltration,"
        " resource exposure, credentials exposure and infrastructure change are all possible, and every action that"
        " AWS adds later is allowed too",
        at=first_statement(reaches),
        fix=LEAST,
        source=BEST_PRACTICES,
    )


def _many_ways(
    access: Access, paths: tuple[OpenPath, ...], expansion: Expansion, total: int
) -> RiskFinding | None:
    """The finding on a policy that allows all of IAM, or nearly everything."""
    iam = expansion.pattern("iam:*")
    if all((reach := access.reach(name)) and is_unrestricted(reach) for name in iam):
        what = f"every IAM action ({len(iam)}) is allowed on every resource"
        severity = Severity.CRITICAL
        way = "the principal can grant itself any permission"
        at = first_statement(access.actions[name] for name in iam)
    elif paths and total and (everywhere := _number_everywhere(access)) > total * _NEARLY_ALL:
        what = f"{everywhere:,} of {total:,} known actions are allowed on every resource"
        severity = worst(paths)
        way = (
            f"{counted(len(paths), 'path')} possible, such as {named([p.path.id for p in paths])}"
        )
        at = paths[0].statements[0]
    else:
        return None
    return finding_at(
        "PRIVILEGE_ESCALATION",
        MANY_WAYS,
        severity,
        f"{what}: {way}",
        at=at,
        fix=LEAST,
        source=BEST_PRACTICES,
    )


def _number_everywhere(access: Access) -> int:
    """The number of actions that are allowed on every resource."""
    return sum(len(names) for reach, names in access.by_reach if reach.everywhere)


FAMILIES = {
    SELF: "the caller can raise its own permissions",
    NEW_COMPUTE: "the caller can pass a stronger role to compute that it starts",
    EXISTING_COMPUTE: "the caller can use compute that already has a stronger role",
    "take over another principal": "the caller can take over another user or role",
    "remove a limit": "the caller can remove the boundary that limits it",
    "organization-wide identity": "the caller can give itself access to accounts of the organization",
}
"""What the caller can do by a family of paths."""
_NAME_TARGETS = (
    "Allow the actions on the named users, roles and policies only, with a condition on iam:PermissionsBoundary or"
    " iam:PolicyARN."
)
_FIXES = {
    NEW_COMPUTE: "Allow iam:PassRole on the named roles only, with a condition on iam:PassedToService.",
    EXISTING_COMPUTE: "Allow the actions on the named resources only.",
    "organization-wide identity": "Leave these actions to those who administer access for the organization.",
}
_CHECK_TARGETS = "Check that the named users, groups, roles and policies give no more than the caller should have."
_LIMITED_FIXES = {
    NEW_COMPUTE: "Check that the named roles allow no more than the caller should have.",
    EXISTING_COMPUTE: "Check that the roles of the named resources allow no more than the caller should have.",
}


def fix_of(opened: OpenPath) -> str:
    """What closes a path, or what to check where it is limited to named targets."""
    family = opened.path.family
    if opened.limited:
        fix = _LIMITED_FIXES.get(family, _CHECK_TARGETS)
        guarded = any(s.conditions_on("iam:passedtoservice") for s in opened.statements)
        missing = family == NEW_COMPUTE and not guarded
        return f"{fix} Add a condition on iam:PassedToService." if missing else fix
    return fix_of_family(family)


def fix_of_family(family: str) -> str:
    """What closes the paths of a family."""
    return _FIXES.get(family, _NAME_TARGETS)


def source_of(family: str) -> str:
    """The page of AWS on what the paths of a family use."""
    return PASSING if family == NEW_COMPUTE else BEST_PRACTICES


def worst(paths: Iterable[OpenPath]) -> Severity:
    """The gravest severity of the paths."""
    return min((path.severity for path in paths), key=lambda severity: severity.rank)


def is_bound(reach: ActionReach) -> bool:
    """Whether every statement that allows it has a condition that an ordinary request may not meet."""
    return all(any(c.demanded for c in statement.conditions) for statement in reach.allowed_by)


def is_unrestricted(reach: ActionReach) -> bool:
    """Whether no resource, Deny or required condition limits it."""
    return is_unlimited(reach) and not reach.denied_by and not is_bound(reach)


def is_unlimited(reach: ActionReach) -> bool:
    """Whether a statement allows it on every resource, whatever tags they have."""
    return reach.everywhere and not any(map(picks_by_tag, reach.unlimited))


def picks_by_tag(statement: Statement) -> bool:
    """Whether the statement applies only to resources with certain tags, or to keys with certain aliases."""
    return any(
        c.demanded and ("resourcetag/" in c.name or c.name == "kms:resourcealiases")
        for c in statement.conditions
    )


def first_statement(reaches: Iterable[ActionReach]) -> Statement | None:
    """The first statement that allows one of them on every resource."""
    return next((reach.unlimited[0] for reach in reaches if reach.unlimited), None)


def named(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    return joined(names, shown=_NAMED)


def finding_at(  # noqa: PLR0913 - the words of a finding
    code: str,
    title: str,
    severity: Severity,
    message: str,
    *,
    at: Statement | None,
    fix: str,
    source: str,
) -> RiskFinding:
    """A finding at a statement."""
    finding = Finding(
        code=code,
        title=title,
        severity=severity,
        status=Status.FAIL,
        message=message,
        where=at.place() if at else None,
        fix=fix,
        source=source,
    )
    return RiskFinding(finding=finding, statement=at)
