"""The risks of policies, statement by statement: at most one finding each, the gravest, which names the others.

A risk is smaller when resources or conditions limit the permission. Boundaries, organization policies and session policies
grant nothing, so they have none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import chain, islice
from operator import attrgetter
from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity, Status, Where
from aws_iam.engine.effective.escalation import NEW_COMPUTE, OpenPath, possible_paths
from aws_iam.engine.effective.targets import regions_of
from aws_iam.engine.explain.action_risks import (
    GRADES,
    WORDINGS,
    Reached,
    RiskWording,
    RiskyActions,
    changes_of,
    destroying_of,
    grade,
    guardrails,
    is_bound,
    listed_actions,
    protections,
    requested_regions,
    risky_actions,
    works_on_star,
)
from aws_iam.engine.explain.escalation_risks import (
    BEST_PRACTICES,
    FAMILIES,
    LEAST,
    LESS_DENIED,
    PASSING,
    RiskFinding,
    Risks,
    broad_risk,
    first_statement,
    fix_of,
    named,
    picks_by_tag,
    source_of,
)
from aws_iam.engine.explain.risky_services import changes_named
from aws_iam.engine.explain.statement_risk import ESCALATION, StatementRisk, merged
from aws_iam.escape import quoted
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.effective.access import Access, ActionReach
    from aws_iam.engine.effective.action_expansion import Expansion
    from aws_iam.engine.language.document import Statement

_PATHS_SHOWN = 3
_RESOURCES_SHOWN = 3
_LISTED = 6
_FIRST = 3
_BRIEFLY = 3
_PROTECTIONS_CHANGE = "Infrastructure change: protections can be weakened or removed"


def statement_risks(
    access: Access, expansion: Expansion | None, names: Mapping[int, str] | None = None
) -> Risks:
    """The risks of the statements of one principal's policies, worst first.

    Without an expansion they are known to allow neither nearly everything nor all of a service.
    `names` has the policy's name for each statement's id, where there are several policies.
    """
    paths = possible_paths(access)
    broad = broad_risk(access, paths, expansion) if expansion else None
    if broad and broad.finding.code == "ADMINISTRATOR":
        return Risks(findings=(broad,), paths=paths)
    work = _StatementRisks(access=access, names=names or {})
    if broad and broad.statement:
        work.add_finding(broad.statement, broad.finding)
    elif paths:
        work.add_escalation(paths)
    work.add_listed()
    if expansion:
        work.add_whole_services(expansion)
    work.add_infrastructure()
    found = [*work.findings(), *_passing(access, paths)]
    if len(found) > 1:
        found.sort(key=_order)
    return Risks(findings=tuple(found), paths=paths)


def _order(risk: RiskFinding) -> tuple[int, int, int, int, str]:
    return risk.finding.severity.rank, *_place(risk.finding.where or Where())


def _place(where: Where) -> tuple[int, int, int, str]:
    """What sorts places as they stand in the document; one that was no text has no lines."""
    return where.line or 0, where.column or 0, len(where.pointer), where.pointer


class _StatementRisks:
    """Collects the risks of each statement."""

    def __init__(self, *, access: Access, names: Mapping[int, str]) -> None:
        self.access = access
        self.names = names
        self.statements: dict[int, Statement] = {}
        self.risks: dict[int, list[StatementRisk]] = defaultdict(list)
        self.named: dict[int, set[str]] = defaultdict(set)
        """The actions that the graver risks of a statement are about."""
        self.described: dict[tuple[str, frozenset[int]], int] = {}
        """The statement that describes an escalation path, by the path and the statements that open it."""

    def findings(self) -> Iterator[RiskFinding]:
        """One finding for each statement that has a risk."""
        for key, risks in self.risks.items():
            yield merged(self.statements[key], risks)

    def _add(self, statement: Statement, risk: StatementRisk) -> None:
        self.statements[id(statement)] = statement
        self.risks[id(statement)].append(risk)

    def add_finding(self, statement: Statement, finding: Finding) -> None:
        """A risk that was judged for the policy as a whole."""
        risk = StatementRisk(
            code=finding.code,
            title=finding.title,
            severity=finding.severity,
            message=finding.message,
            brief=lambda: finding.title,
            fix=finding.fix or LEAST,
            source=finding.source or BEST_PRACTICES,
        )
        self._add(statement, risk)

    def add_escalation(self, paths: tuple[OpenPath, ...]) -> None:
        """The paths that each statement contributes to."""
        by_statement: dict[int, list[OpenPath]] = defaultdict(list)
        for path in paths:
            for statement in path.contributing():
                self.statements[id(statement)] = statement
                by_statement[id(statement)].append(path)
        for key in sorted(by_statement, key=self._position):
            statement, opened = self.statements[key], by_statement[key]
            self.named[key].update(action for path in opened for action in path.path.actions)
            opened = [path for path in opened if self._is_first(statement, path)]
            if opened:
                opened.sort(key=lambda path: path.severity.rank)
                self.risks[key].append(self._escalation(statement, opened))

    def _is_first(self, statement: Statement, opened: OpenPath) -> bool:
        """Whether no earlier statement describes the path; the one that does names the places of the others."""
        if len(opened.statements) == 1:
            return True
        way = (opened.path.id, frozenset(map(id, opened.completing(statement))))
        return self.described.setdefault(way, id(statement)) == id(statement)

    def _escalation(self, statement: Statement, opened: Sequence[OpenPath]) -> StatementRisk:
        first = opened[0]
        shown = "; ".join(self._path(statement, path) for path in opened[:_PATHS_SHOWN])
        others = [path.path.id for path in opened[_PATHS_SHOWN:]]
        rest = f"; {counted(len(others), 'more path')}: {named(others)}" if others else ""
        where = (
            " on named targets" if first.limited else " in one Region" if first.regional else ""
        )
        return StatementRisk(
            code=ESCALATION,
            title=f"Possible privilege escalation{where}: {FAMILIES.get(first.path.family, first.path.family)}",
            severity=first.severity,
            message=f"{shown}{rest}",
            brief=lambda: joined([path.path.id for path in opened], shown=_BRIEFLY),
            fix=fix_of(first),
            source=source_of(first.path.family),
            routine=first.severity is Severity.INFO,
            limited=first.limited,
            guessed=all(path.path.unconfirmed for path in opened),
        )

    def _path(self, statement: Statement, opened: OpenPath) -> str:
        """The path as this statement sees it: its own actions first, then the others with their places."""
        places: dict[int, list[str]] = defaultdict(list)
        together = opened.completing(statement)
        for need, granting in zip(opened.path.required, together, strict=True):
            places[id(granting)].append(need.action)
            self.statements[id(granting)] = granting
        actions = places.pop(id(statement))
        own = self._grant(statement, actions, opened)
        unsettled = f", if {joined(opened.unsettled)}" if opened.unsettled else ""
        rest = [
            f"{self._grant(self.statements[key], others, opened)} in {self._label(key)}"
            for key, others in places.items()
        ]
        needs = f"{own}, with {joined(rest)}" if rest else own
        bound = any(c.demanded for s in together for c in s.conditions)
        when = ", under the conditions of the statement" if bound else ""
        reaches = (self.access.reach(need.action) for need in opened.path.required)
        less = any(reach and reach.denied_by for reach in reaches)
        when += LESS_DENIED if less else ""
        return f"{needs}: {opened.path.title} ({opened.path.id}){unsettled}{when}"

    def _grant(self, statement: Statement, actions: Sequence[str], opened: OpenPath) -> str:
        texts = [quoted(resource.value) for resource in statement.resources]
        is_named = (
            (opened.limited or opened.regional)
            and texts
            and not any(text == "`*`" for text in texts)
        )
        on = f" on {joined(texts, shown=_RESOURCES_SHOWN)}" if is_named else ""
        return f"{joined(list(actions))}{on}"

    def _position(self, key: int) -> tuple[bool, str, int, int, int, str]:
        """Statements that pass roles come first: there the path is best closed."""
        statement, passing = self.statements[key], self.access.reach("iam:PassRole")
        later = passing is None or statement not in passing.allowed_by
        return later, self.names.get(key, ""), *_place(statement.place())

    def _label(self, key: int) -> str:
        pointer = self.statements[key].node.at.pointer
        name = self.names.get(key)
        return f"{quoted(name)} {pointer}" if name else pointer

    def add_listed(self) -> None:
        """The actions of the lists of risky ones."""
        listed = listed_actions().intersection(self.access.actions)
        for risky in risky_actions() if listed else ():
            allowing: dict[int, dict[str, ActionReach]] = defaultdict(dict)
            for key in sorted(listed & risky.by_key.keys()):
                name, reach = risky.by_key[key], self.access.actions[key]
                for statement in reach.allowed_by:
                    self.statements[id(statement)] = statement
                    allowing[id(statement)][name] = reach
            for number, reaches in allowing.items():
                self.named[number].update(reaches)
                self.risks[number].append(self._listed(self.statements[number], risky, reaches))

    def _listed(
        self, statement: Statement, risky: RiskyActions, reaches: Mapping[str, ActionReach]
    ) -> StatementRisk:
        words = WORDINGS[risky.name]
        reached = {name: _reached(statement, reach) for name, reach in reaches.items()}
        wide = [name for name in reaches if reached[name] != "named"]
        bound = is_bound(statement)
        grades = [grade(risky, name, extent, bound=bound) for name, extent in reached.items()]
        worst = min(grades, key=GRADES.index) if len(grades) > 1 else grades[0]
        under = ", under conditions" if bound else ""
        less = LESS_DENIED if any(reaches[name].denied_by for name in wide) else ""
        harmless = (
            words.minor_is_own
            and all(name in risky.minor for name in wide)
            and len(works_on_star(wide)) == len(wide)
        )
        return StatementRisk(
            code=risky.name.upper().replace(" ", "_"),
            title=f"{risky.name.capitalize()}: {words.says}",
            severity=worst,
            message=f"{_extents(statement, reaches, reached, _LISTED)}{under}{less}",
            brief=lambda: _extents(statement, reaches, reached, _BRIEFLY),
            fix=self._fix(words, wide),
            source=words.source,
            routine=worst is Severity.INFO or (bool(wide) and harmless),
            limited=all(name in risky.minor for name in wide),
        )

    def _fix(self, words: RiskWording, wide: Sequence[str]) -> str:
        """What limits the actions, or what to check where they are limited."""
        return self._limiting(words.fix, wide, words.who) if wide else words.limited_fix

    def _limiting(self, fix: str, wide: Sequence[str], who: str) -> str:
        """What limits the actions, as far as the reference allows it; `who` may have those that no resource can limit."""
        on_star = works_on_star(wide)
        if not on_star:
            return fix
        rest = f"AWS authorises {joined(on_star, shown=_BRIEFLY)} on `*` only: allow it to those who {who}."
        return rest if len(on_star) == len(wide) else f"{fix} {rest}"

    def add_whole_services(self, expansion: Expansion) -> None:
        """The services of which every action is allowed, if some of them change resources."""
        free = chain.from_iterable(names for reach, names in self.access.by_reach if reach.free)
        facts = map(self.access.facts.__getitem__, free)
        # Where no action works on a resource, there is nothing to name instead.
        whole = [
            service
            for service, number in Counter(map(attrgetter("service"), facts)).items()
            if number == len(expansion.pattern(f"{service}:*")) and changes_named(service)
        ]
        if not whole:
            return
        at = first_statement(self.access.actions[n] for n in expansion.pattern(f"{whole[0]}:*"))
        if at is None:
            return
        name = whole[0] if len(whole) == 1 else counted(len(whole), "service")
        risk = StatementRisk(
            code="FULL_SERVICE_ACCESS",
            title=f"Everything in {name} on every resource",
            severity=Severity.MEDIUM,
            message=f"every action of {named(whole)} is allowed on every resource, including actions that AWS adds later",
            brief=lambda: f"every action of {joined(whole, shown=_BRIEFLY)}",
            fix=LEAST,
            source=BEST_PRACTICES,
        )
        self._add(at, risk)

    def add_infrastructure(self) -> None:
        """Changes on every resource by actions that could be limited to some resources, and that no graver risk names."""
        changing: dict[int, list[tuple[ActionReach, set[str]]]] = defaultdict(list)
        for reach, names in self.access.by_reach:
            statements = reach.unlimited + reach.regional
            if not statements:
                continue
            changed = set(filter(None, changes_of(names)))
            for statement in statements if changed else ():
                self.statements[id(statement)] = statement
                changing[id(statement)].append((reach, changed))
        for key, every in changing.items():
            statement = self.statements[key]
            risk = None if is_bound(statement) else self._infrastructure(statement, every)
            if risk:
                self.risks[key].append(risk)

    def _infrastructure(
        self, statement: Statement, every: Sequence[tuple[ActionReach, set[str]]]
    ) -> StatementRisk | None:
        """Changes of every resource; in one Region only what may destroy some."""
        reaches = [(reach, changed - self.named[id(statement)]) for reach, changed in every]
        is_regional = requested_regions(statement)
        # One that stands in several policies is met once for each.
        free: set[str] = set()
        for reach, own in reaches:
            if not is_regional and _is_among(reach.unlimited, statement):
                free |= own
        everywhere = sorted(free)
        names = everywhere or sorted(destroying_of(set().union(*[own for _, own in reaches])))
        if not names:
            return None
        destroying = list(islice(destroying_of(names), _FIRST))
        first = [*destroying, *[name for name in names if name not in destroying]]
        few = len(names) <= _LISTED
        what = ", changed or deleted" if destroying else " or changed"
        extent: Reached = "every" if everywhere else "one Region"
        on = _on_resources(statement, self.access.actions[names[0].lower()], extent)
        denied = any(reach.denied_by and not own.isdisjoint(names) for reach, own in reaches)
        less = LESS_DENIED if denied else ""
        fix = "Name the resources that the work changes"
        fix += ", or at least their type, Region and account." if everywhere else "."
        is_protection = protections().issuperset(names)
        severity = Severity.MEDIUM if destroying and everywhere else Severity.LOW
        return StatementRisk(
            code="INFRASTRUCTURE_CHANGE",
            title=_PROTECTIONS_CHANGE
            if is_protection
            else f"Infrastructure change: resources can be created{what} without limit",
            severity=Severity.HIGH
            if everywhere and not guardrails().isdisjoint(names)
            else severity,
            message=(
                f"{joined(first)} {on}"
                if few
                else f"{_number_of(names)} {on}, such as {joined(first, shown=_LISTED)}"
            )
            + less,
            brief=lambda: _number_of(names) if len(names) > _BRIEFLY else f"{joined(first)} {on}",
            fix=self._limiting(fix, names, "administer the account"),
            source=BEST_PRACTICES,
        )


def _number_of(names: Sequence[str]) -> str:
    services = len({name.partition(":")[0] for name in names})
    return f"{counted(len(names), 'write action')} of {counted(services, 'service')}"


def _extents(
    statement: Statement,
    reaches: Mapping[str, ActionReach],
    reached: Mapping[str, Reached],
    shown: int,
) -> str:
    """The actions by the resources for which they are allowed, the widest first."""
    groups: dict[str, list[str]] = {}
    for extent in ("every", "one Region", "named"):
        for name in reaches:
            if reached[name] == extent:
                where = _on_resources(statement, reaches[name], extent)
                groups.setdefault(where, []).append(name)
    return "; ".join(f"{joined(names, shown=shown)} {where}" for where, names in groups.items())


def _on_resources(statement: Statement, reach: ActionReach, extent: Reached) -> str:
    if extent == "every":
        excluded = [quoted(text) for text in statement.not_resource_words]
        but = f" except {joined(excluded, shown=_RESOURCES_SHOWN)}" if excluded else ""
        return f"on every resource{but}"
    if extent == "one Region":
        # Not by name: a template leaves it to the deployment.
        number = len(set(regions_of(statement) or requested_regions(statement)))
        return f"on every resource in {'one Region' if number == 1 else f'{number} Regions'}"
    if reach.confined_by:
        left = [quoted(text) for text in reach.confined_by[0].not_resource_words]
        return f"on {joined(left, shown=_RESOURCES_SHOWN)} only, because a Deny statement excludes the rest"
    return "on named resources"


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
        finding = Finding(
            code="PASS_ROLE_UNRESTRICTED",
            title="Every role can be passed to a service",
            severity=Severity.MEDIUM,
            status=Status.FAIL,
            message="iam:PassRole covers every role and any service: with an action that starts compute this is privilege"
            " escalation",
            where=loose[0].place(),
            fix="Allow iam:PassRole on the named roles only, with a condition on iam:PassedToService.",
            source=PASSING,
        )
        # AWS's own validator reports it too.
        yield RiskFinding(finding=finding, statement=loose[0], routine=True)


def _is_among(statements: tuple[Statement, ...], statement: Statement) -> bool:
    """By identity: to compare what statements say takes longer, and equal ones reach the same."""
    return id(statement) in map(id, statements)


def _reached(statement: Statement, reach: ActionReach) -> Reached:
    """The resources for which this statement allows the action."""
    is_whole = _is_among(reach.unlimited, statement)
    if not (is_whole or _is_among(reach.regional, statement)) or picks_by_tag(statement):
        return "named"
    return "every" if is_whole and not requested_regions(statement) else "one Region"
