"""Findings about unusually powerful permissions, from what policies effectively allow.

A finding is less severe when resources or conditions limit the permission. Boundaries, organization policies and session
policies grant nothing, so they have no such findings.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.answer import Finding, Severity, Status
from aws_iam.engine.effective.escalation import (
    EXISTING_COMPUTE,
    NEW_COMPUTE,
    SELF,
    OpenPath,
    open_paths,
)
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aws_iam.engine.effective.access import Access, ActionReach
    from aws_iam.engine.effective.action_expansion import Expansion
    from aws_iam.engine.language.document import Statement
    from aws_iam.engine.reference.catalog import Action

_LISTS = "assets/data/action-risks.json"
_BEST_PRACTICES = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
_PASSING = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"
_LEAST = "List the actions and resources that the work needs."
_NAMED = 6
_PATHS_TOLD = 3
_TARGETS_TOLD = 3
_GRADES = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.INFO)
# From this share of all actions on, one finding about the breadth says more than paths of single services.
_NEARLY_ALL = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFinding:
    """A finding and its statement: places alone can be equal in several documents."""

    finding: Finding
    statement: Statement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Risks:
    """The findings, worst first, and the escalation paths behind them."""

    told: tuple[RiskFinding, ...]
    paths: tuple[OpenPath, ...]


def risks(
    access: Access,
    expansion: Expansion,
    paths_of: Callable[[Access], tuple[OpenPath, ...]] = open_paths,
) -> Risks:
    """The risks of one principal's policies, worst first; `paths_of` finds the open escalation paths."""
    total = len(expansion.pattern("*"))
    paths = paths_of(access)
    administrator = _administrator(access, total, paths)
    if administrator:
        return Risks(told=(administrator,), paths=paths)
    broad = _broad(access, paths, expansion)
    found = (
        *([broad] if broad else _by_family(access, paths)),
        *(() if broad else _passing(access, paths)),
        *_risky_actions(access),
        *_whole_services(access, expansion),
        *_infrastructure(access),
    )
    worst_first = tuple(sorted(found, key=lambda risk: risk.finding.severity.rank))
    return Risks(told=worst_first, paths=paths)


def _administrator(access: Access, total: int, paths: tuple[OpenPath, ...]) -> RiskFinding | None:
    reaches = access.actions.values()
    if len(reaches) < total or not all(reach.everywhere for reach in reaches):
        return None
    less = any(reach.denied_by for reach in reaches)
    bound = any(_is_bound(reach) for reach in reaches)
    when = ", under the conditions of the statement" if bound else ""
    when += ", except what Deny statements partly take away" if less else ""
    ways = f" ({_named([path.path.id for path in paths])})" if paths else ""
    return _finding(
        "ADMINISTRATOR",
        "Administrator: everything on every resource",
        Severity.HIGH if less or bound else Severity.CRITICAL,
        f"all {total:,} known actions are allowed on every resource{when}: privilege escalation{ways}, data exfiltration,"
        " resource exposure, credentials exposure and infrastructure change are all possible, and every action that"
        " AWS adds later is allowed too",
        at=_first(reaches),
        fix=_LEAST,
        source=_BEST_PRACTICES,
    )


def _by_family(access: Access, paths: tuple[OpenPath, ...]) -> Iterator[RiskFinding]:
    families: dict[str, list[OpenPath]] = defaultdict(list)
    for path in paths:
        families[path.path.family].append(path)
    for family, found in families.items():
        yield _of_family(family, found, access)


def _broad(
    access: Access, paths: tuple[OpenPath, ...], expansion: Expansion
) -> RiskFinding | None:
    """One finding for a policy so broad that listing its paths would not help."""
    iam = expansion.pattern("iam:*")
    everywhere = sum(reach.everywhere for reach in access.actions.values())
    total = len(expansion.pattern("*"))
    if all((reach := access.reach(name)) and _is_unrestricted(reach) for name in iam):
        what = f"every IAM action ({len(iam)}) is allowed on every resource"
        severity = Severity.CRITICAL
        way = "the principal can grant itself any permission"
        at = _first(access.actions[name] for name in iam)
    elif paths and everywhere > total * _NEARLY_ALL:
        what = f"{everywhere:,} of {total:,} known actions are allowed on every resource"
        severity = min((_severity(p.path.family, [p]) for p in paths), key=_GRADES.index)
        way = (
            f"{counted(len(paths), 'path')} possible, such as {_named([p.path.id for p in paths])}"
        )
        at = paths[0].statements[0]
    else:
        return None
    return _finding(
        "PRIVILEGE_ESCALATION",
        "Privilege escalation is possible in many ways",
        severity,
        f"{what}: {way}",
        at=at,
        fix=_LEAST,
        source=_BEST_PRACTICES,
    )


def _is_unrestricted(reach: ActionReach) -> bool:
    """Whether no resource, Deny or required condition limits it."""
    return _is_unlimited(reach) and not reach.denied_by and not _is_bound(reach)


_OTHER_FAMILIES = Severity.HIGH
_SEVERITIES = {
    SELF: Severity.CRITICAL,
    NEW_COMPUTE: Severity.HIGH,
    EXISTING_COMPUTE: Severity.MEDIUM,
    "remove a limit": Severity.MEDIUM,
}
_FAMILIES = {
    SELF: "the caller can raise its own permissions",
    NEW_COMPUTE: "the caller can pass a stronger role to compute that it starts",
    EXISTING_COMPUTE: "the caller can use compute that already has a stronger role",
    "take over another principal": "the caller can take over another user or role",
    "remove a limit": "the caller can remove the boundary that limits it",
    "organization-wide identity": "the caller can give itself permissions through IAM Identity Center",
}
_FIXES = {
    NEW_COMPUTE: "Allow iam:PassRole on the named roles only, with a condition on iam:PassedToService.",
    EXISTING_COMPUTE: "Allow the actions on the named resources only.",
}


def _of_family(family: str, found: list[OpenPath], access: Access) -> RiskFinding:
    told = "; ".join(_path_in_words(path, access) for path in found[:_PATHS_TOLD])
    more = len(found) - _PATHS_TOLD
    rest = f"; and {counted(more, 'more path')}" if more > 0 else ""
    return _finding(
        "PRIVILEGE_ESCALATION",
        f"Possible privilege escalation: {_FAMILIES.get(family, family)}",
        _severity(family, found),
        f"{told}{rest}",
        at=found[0].statements[0],
        fix=_FIXES.get(
            family,
            "Allow the actions on the named users, roles and policies only, with a condition on iam:PermissionsBoundary or iam:PolicyARN.",
        ),
        source=_PASSING if family == NEW_COMPUTE else _BEST_PRACTICES,
    )


def _severity(family: str, found: list[OpenPath]) -> Severity:
    """The severity of a family; at most medium when its paths do not lead to administrator access."""
    severity = _SEVERITIES.get(family, _OTHER_FAMILIES)
    is_strong = any(path.strong for path in found)
    return severity if is_strong else max(severity, Severity.MEDIUM, key=_GRADES.index)


def _path_in_words(opened: OpenPath, access: Access) -> str:
    path = opened.path
    verb = "are" if len(path.required) > 1 else "is"
    on = f" on {joined(opened.on, shown=_TARGETS_TOLD)}" if opened.on else ""
    also = f"{on}, if {joined(opened.unsettled)}" if opened.unsettled else on
    bound = any(statement.conditions for statement in opened.statements)
    when = ", under the conditions of their statements" if bound and not opened.on else ""
    when += f", under a condition on {joined(opened.given)}" if opened.given else ""
    reaches = (access.reach(need.action) for need in path.required)
    if not opened.on and any(reach and reach.denied_by for reach in reaches):
        when += ", except what Deny statements partly take away"
    return f"{path.id}: {joined([n.action for n in path.required])} {verb} enough{also}{when}"


def _passing(access: Access, paths: tuple[OpenPath, ...]) -> Iterator[RiskFinding]:
    """iam:PassRole on every role, where no path covers it already."""
    reach = access.reach("iam:PassRole")
    if reach is None or any(p.path.family == NEW_COMPUTE for p in paths):
        return
    limited = {"iam:passedtoservice", "iam:associatedresourcearn"}
    loose = [
        s
        for s in reach.unlimited
        if not any(c.name in limited and c.demanded for c in s.conditions)
    ]
    if loose:
        yield _finding(
            "PASS_ROLE_UNRESTRICTED",
            "Every role can be passed to a service",
            Severity.MEDIUM,
            "iam:PassRole covers every role and any service: with an action that starts compute this is privilege"
            " escalation",
            at=loose[0],
            fix=_FIXES[NEW_COMPUTE],
            source=_PASSING,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _RiskyActions:
    """One list of risky actions: its name, the actions, and those that count more or less."""

    name: str
    actions: frozenset[str]
    major: frozenset[str]
    minor: frozenset[str]


# Reading the file takes about 1 ms, and each audited principal needs it.
@cache
def _risks() -> tuple[_RiskyActions, ...]:
    rows: Mapping[str, Any] = json.loads(resources.text(_LISTS))["risks"]
    return tuple(
        _RiskyActions(
            name=name,
            actions=frozenset(row["actions"]),
            major=frozenset(row.get("major", ())),
            minor=frozenset(row.get("minor", ())),
        )
        for name, row in rows.items()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _RiskWording:
    """The wording of a risk, its severities when unlimited and when limited, and the fix."""

    says: str
    unlimited: Severity
    limited: Severity
    fix: str
    source: str


_WORDS = {
    "credentials exposure": _RiskWording(
        says="the answer holds credentials or tokens",
        unlimited=Severity.HIGH,
        limited=Severity.LOW,
        fix="Allow these actions on the named resources only, to those who hand out credentials.",
        source=_BEST_PRACTICES,
    ),
    "data exfiltration": _RiskWording(
        says="data can be read or copied out",
        unlimited=Severity.MEDIUM,
        limited=Severity.INFO,
        fix="Name the resources whose data the work needs.",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html",
    ),
    "resource exposure": _RiskWording(
        says="a resource can be opened to other principals or to everyone",
        unlimited=Severity.HIGH,
        limited=Severity.LOW,
        fix="Name the resources, and deny the actions to all but those who administer them.",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-resources.html",
    ),
}


def _risky_actions(access: Access) -> Iterator[RiskFinding]:
    for risk in _risks():
        found = {name: reach for name in sorted(risk.actions) if (reach := access.reach(name))}
        if found:
            yield _of_risk(risk, found)


def _of_risk(risk: _RiskyActions, found: Mapping[str, ActionReach]) -> RiskFinding:
    words = _WORDS[risk.name]
    worst = min((_grade(risk, words, n, r) for n, r in found.items()), key=_GRADES.index)
    wide = [name for name, reach in found.items() if _is_unlimited(reach)]
    narrow = [name for name in found if name not in wide]
    parts = [f"{_named(wide)} on every resource"] if wide else []
    parts += [f"{_named(narrow)} on named resources"] if narrow else []
    told = sorted(found, key=lambda name: _GRADES.index(_grade(risk, words, name, found[name])))
    conditional = all(_is_bound(reach) for reach in found.values())
    return _finding(
        risk.name.upper().replace(" ", "_"),
        f"{risk.name.capitalize()}: {words.says}",
        worst,
        f"{'; '.join(parts)}{', under conditions' if conditional else ''}",
        at=found[told[0]].allowed_by[0],
        fix=words.fix,
        source=words.source,
    )


def _is_unlimited(reach: ActionReach) -> bool:
    return reach.everywhere and not any(
        "resourcetag/" in c.name and c.demanded for s in reach.unlimited for c in s.conditions
    )


def _grade(risk: _RiskyActions, words: _RiskWording, name: str, reach: ActionReach) -> Severity:
    if not _is_unlimited(reach):
        return Severity.INFO if name in risk.minor else words.limited
    step = _GRADES.index(words.unlimited) - (name in risk.major) + 2 * (name in risk.minor)
    return _GRADES[min(step + _is_bound(reach), len(_GRADES) - 1)]


def _is_bound(reach: ActionReach) -> bool:
    """Whether every statement that allows it has a condition that an ordinary request may not meet."""
    return all(any(c.demanded for c in statement.conditions) for statement in reach.allowed_by)


def _whole_services(access: Access, expansion: Expansion) -> Iterator[RiskFinding]:
    whole = []
    for service in dict.fromkeys(access.facts[name].service for name in access.actions):
        every = expansion.pattern(f"{service}:*")
        changing = any(action.level not in ("Read", "List") for action in every.values())
        if changing and all((r := access.reach(name)) and r.free for name in every):
            whole.append(service)
    if whole:
        name = whole[0] if len(whole) == 1 else counted(len(whole), "service")
        yield _finding(
            "FULL_SERVICE_ACCESS",
            f"Everything in {name} on every resource",
            Severity.MEDIUM,
            f"every action of {_named(whole)} is allowed on every resource, including actions that AWS adds later",
            at=_first(access.actions[n] for n in expansion.pattern(f"{whole[0]}:*")),
            fix=_LEAST,
            source=_BEST_PRACTICES,
        )


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
_DESTROYS = ("Delete", "Terminate", "Remove", "Purge", "Deregister", "Destroy", "Disable", "Stop")


def _infrastructure(access: Access) -> Iterator[RiskFinding]:
    """Changes on every resource by actions that could be limited to some resources."""
    found: dict[str, Action] = {
        name: access.facts[name]
        for name, reach in access.actions.items()
        if access.facts[name].level == "Write"
        and access.facts[name].resource_types
        and reach.everywhere
        and not _is_bound(reach)
        and _is_unlimited(reach)
        # AWS lists some actions that only read or use a resource as Write.
        and not access.facts[name].name.startswith(_NO_CHANGES)
    }
    if not found:
        return
    names = sorted(action.full_name for action in found.values())
    destroying = [n for n in names if n.partition(":")[2].startswith(_DESTROYS)]
    services = len({action.service for action in found.values()})
    yield _finding(
        "INFRASTRUCTURE_CHANGE",
        "Infrastructure change: resources can be created, changed or deleted without limit",
        Severity.MEDIUM if destroying else Severity.LOW,
        f"{counted(len(names), 'write action')} of {counted(services, 'service')} on every resource, such as"
        f" {_named([*destroying[:3], *(n for n in names if n not in destroying[:3])])}",
        at=access.actions[next(iter(found))].unlimited[0],
        fix="Name the resources that the work changes.",
        source=_BEST_PRACTICES,
    )


def _named(names: list[str]) -> str:
    return joined(names, shown=_NAMED)


def _first(reaches: Iterable[ActionReach]) -> Statement | None:
    """The first statement that allows one of them on every resource."""
    return next((reach.unlimited[0] for reach in reaches if reach.unlimited), None)


def _finding(  # noqa: PLR0913 - the words of a finding
    code: str,
    title: str,
    severity: Severity,
    message: str,
    *,
    at: Statement | None,
    fix: str,
    source: str,
) -> RiskFinding:
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
