"""`policy explain`: policies in plain sentences, the access they grant by service and level, unusually powerful grants."""

from __future__ import annotations

import re
from collections import ChainMap, Counter
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact, Finding, NextCall, Severity, Status, next_call
from aws_iam.engine.effective.access import Access, access
from aws_iam.engine.effective.action_expansion import Expansion
from aws_iam.engine.effective.caller_conditions import (
    is_closed_to_strangers,
)
from aws_iam.engine.effective.denied_strangers import is_denied_to_strangers
from aws_iam.engine.effective.ineffective_statements import rejection_reasons
from aws_iam.engine.effective.targets import Targets
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.engine.explain.escalation_risks import RiskFinding, Risks
from aws_iam.engine.explain.narrower import narrower
from aws_iam.engine.explain.risks import statement_risks
from aws_iam.engine.explain.sentences import sentence
from aws_iam.engine.language.document import Form, Kind, Policy, Source, may_be_scp
from aws_iam.engine.language.usable import refuse_repeated_keys, version_fault
from aws_iam.engine.sources.containers import cloudformation
from aws_iam.engine.sources.containers.cloudformation_return_values import PSEUDO_PARAMETERS
from aws_iam.engine.sources.gather import gathered
from aws_iam.errors import InputError
from aws_iam.escape import escaped, quoted
from aws_iam.rules.document_findings import unknown_names, without_unknown_names
from aws_iam.rules.policy.risk_findings import (
    unresolved_actions,
    unresolved_resources,
    without_unknown_exclusions,
)
from aws_iam.tools.kit import policy_inputs
from aws_iam.tools.policy.explain.attached_policies import AttachedPolicies
from aws_iam.tools.policy.explain.condition_cases import cases, together
from aws_iam.tools.policy.explain.powers import Powers
from aws_iam.tools.policy.explain.validated import Validated
from aws_iam.tools.policy.validate.validate import KIND_NAMES
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.effective.escalation import OpenPath
    from aws_iam.engine.language.document import Statement
    from aws_iam.engine.sources.gathered import Gathered

_STATEMENTS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html"
_EVERYONE = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"
)
_LIMITS = frozenset({Kind.SCP, Kind.RCP, Kind.BOUNDARY, Kind.SESSION})
_OF_A_RESOURCE = frozenset({Kind.RESOURCE, Kind.TRUST})
_MOST_ESCALATIONS = 30
_MOST_NARROWED = 20


def explain_policies(document: object, kind: Kind | str | None = None) -> Answer:
    """Each statement as a sentence, the combined access of all policies, and its risks."""
    gathered_policies = gathered(document, kind)
    sources = tuple(map(_readable, gathered_policies.sources))
    expansion = Expansion()
    unknown = (unresolved_resources(source.policy, source.unresolved) for source in sources)
    targets = Targets.of(expansion, frozenset(chain.from_iterable(unknown)))
    views = tuple(_views(sources, expansion, targets, cases(gathered_policies.sources)))
    attached = AttachedPolicies.of(gathered_policies)
    attached_risks = attached.findings()
    risks = (*attached_risks, *(finding for view in views for finding in view.findings))
    validated = Validated.of(gathered_policies.sources, risks, _LIMITS)
    names = [unknown_names(source.policy, source.unresolved) for source in sources]
    findings = without_unknown_names(
        (*validated.security_warnings, *risks, *validated.to_check), ChainMap(*names)
    )
    statements = list(_statements(sources, expansion, targets))
    rows = [row for view in views for row in view.rows(several=len(views) > 1)]
    forms = _narrower_forms(sources, expansion, targets)
    return Answer(
        summary=" ".join(
            filter(
                None,
                (
                    _summary(
                        sources,
                        statements,
                        views,
                        validated=validated,
                        attached=len(attached_risks),
                        complete=policy_inputs.is_complete(gathered_policies),
                    ),
                    attached.note(),
                    policy_inputs.not_judged_note(attached.input),
                    policy_inputs.partly_judged_note(validated.unfinished),
                ),
            )
        ),
        findings=findings,
        artifacts=tuple(artifact for artifact, _ in forms),
        facts={
            **_kinds(sources),
            **_totals(views),
            **policy_inputs.input_facts(
                gathered_policies,
                (
                    *attached.partly_judged(),
                    *policy_inputs.attached(attached.input),
                    *validated.unfinished,
                ),
            ),
            **_sample_values(gathered_policies, statements),
            "statements": statements,
            **_escalations(views),
            **({"access": rows} if rows else {}),
            **({"narrower": [row for _, changes in forms for row in changes]} if forms else {}),
        },
        sources=tuple(
            dict.fromkeys(
                (_STATEMENTS, EVALUATION_LOGIC, *(f.source for f in findings if f.source))
            )
        ),
        next=tuple(_next(sources, validated)),
        as_of=expansion.facts.as_of,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _NamedPolicy:
    """A policy and its name among the given ones; the name is empty for a single policy."""

    name: str
    policy: Policy
    unresolved: frozenset[str] = frozenset()
    file: str | None = None


def _readable(source: Source) -> _NamedPolicy:
    content = source.content
    if not isinstance(content, Policy):
        place = f" of {quoted(source.name)}" if source.name else ""
        where = content.where
        raise InputError(
            f"the document{place} is not JSON at line {where.line}:{where.column}: {content.message}",
            hint=content.hint,
        )
    refuse_repeated_keys(content, source.name or "document")
    return _NamedPolicy(
        name=source.name, policy=content, unresolved=source.unresolved, file=source.file
    )


def _sample_values(
    gathered_policies: Gathered, statements: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The sample values in the sentences: account, Region and names that a template leaves to its deployment."""
    if not any(name == cloudformation.NAME for _, name in gathered_policies.formats):
        return {}
    sentences = " ".join(row["sentence"] for row in statements)
    descriptions = {
        PSEUDO_PARAMETERS["AWS::AccountId"]: "account {}",
        PSEUDO_PARAMETERS["AWS::Region"]: "Region {}",
        "-example": "names that end in {}",
    }
    found = [words.format(key) for key, words in descriptions.items() if key in sentences]
    return {"made_up_for_the_template": found} if found else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _KindAccess:
    """The combined access of the policies of one kind."""

    kind: Kind
    access: Access
    findings: tuple[Finding, ...]
    risks: tuple[RiskFinding, ...]
    paths: tuple[OpenPath, ...]

    def rows(self, *, several: bool) -> Iterator[dict[str, Any]]:
        """The access by service and level, services with the most permission and write actions first."""
        services: dict[str, list[str]] = {}
        for name in self.access.actions:
            services.setdefault(self.access.facts[name].service, []).append(name)
        rows = [self._row(service, names) for service, names in services.items()]
        rows.sort(
            key=lambda r: (-r["permissions_management"], -r["write"], -r["read"], r["service"])
        )
        for row in rows:
            yield {"kind": self.kind.value, **row} if several else row

    def _row(self, service: str, names: list[str]) -> dict[str, Any]:
        reaches = [self.access.actions[name] for name in names]
        levels: Counter[str] = Counter(self.access.facts[name].level for name in names)
        counts = {level.lower().replace(" ", "_"): levels[level] for level in _ORDER}
        partly = sum(bool(reach.denied_by) for reach in reaches)
        conditional = sum(not reach.unconditional for reach in reaches)
        return {
            "service": service,
            **counts,
            "resources": self._resources([reach.everywhere for reach in reaches]),
            **({"partly_denied": partly} if partly else {}),
            **({"only_under_conditions": conditional} if conditional else {}),
        }

    def _resources(self, everywhere: list[bool]) -> str:
        if self.kind in _OF_A_RESOURCE or not any(everywhere):
            return "limited"
        return "all" if all(everywhere) else "some actions all"


_ORDER = ("Read", "Write", "List", "Tagging", "Permissions management")


def _views(
    sources: Sequence[_NamedPolicy],
    expansion: Expansion,
    targets: Targets,
    together_in: Sequence[frozenset[int]],
) -> Iterator[_KindAccess]:
    names = {
        id(statement): source.name for source in sources for statement in source.policy.statements
    }
    for kind in dict.fromkeys(source.policy.kind for source in sources):
        policies = {
            number: without_unknown_exclusions(source.policy, source.unresolved)
            for number, source in enumerate(sources)
            if source.policy.kind is kind
        }
        allowed = access([*policies.values()], expansion, targets)
        if kind is Kind.IDENTITY:
            # Policies that exclude each other complete no path together, and deny each other nothing.
            groups = dict.fromkeys(own.intersection(policies) for own in together_in)
            risks = together(
                [
                    statement_risks(
                        allowed
                        if len(group) == len(policies)
                        else access([policies[n] for n in sorted(group)], expansion, targets),
                        expansion,
                        names,
                    )
                    for group in groups
                    if group
                ]
            )
        else:
            opened = (
                () if kind in _LIMITS else (f for p in policies.values() for f in _exposures(p))
            )
            risks = Risks(findings=tuple(opened), paths=())
        yield _KindAccess(
            kind=kind,
            access=allowed,
            findings=_located(risks, names),
            risks=risks.findings,
            paths=risks.paths,
        )


def _located(risks: Risks, names: Mapping[int, str]) -> tuple[Finding, ...]:
    """The findings, each with the name of the policy that it is about."""
    return tuple(
        replace(risk.finding, resource=names.get(id(risk.statement)) or None)
        for risk in risks.findings
    )


def _exposures(policy: Policy) -> Iterator[RiskFinding]:
    """Statements of a resource or trust policy that admit strangers."""
    for statement in policy.statements:
        if (
            statement.allows
            and not rejection_reasons(statement, policy.kind)
            and _lets_in(policy, statement)
        ):
            is_trust = policy.kind is Kind.TRUST
            who = "everyone but a few" if statement.has("NotPrincipal") else "everyone"
            what = "may assume the role" if is_trust else "may use the resource"
            actions = statement.actions or statement.not_actions
            finding = Finding(
                code="RESOURCE_EXPOSURE",
                title=f"Resource exposure: {who} {what}",
                severity=Severity.CRITICAL if is_trust else Severity.HIGH,
                status=Status.FAIL,
                message=f"no condition keeps strangers from {joined([quoted(a.value, 60) for a in actions])}",
                where=statement.place(),
                fix="Name the principals, or add a condition on aws:PrincipalOrgID, aws:SourceArn or a similar key.",
                source=_EVERYONE,
            )
            yield RiskFinding(finding=finding, statement=statement)


def _lets_in(policy: Policy, statement: Statement) -> bool:
    open_ = statement.has("NotPrincipal") or any(p.is_everyone for p in statement.principals)
    return (
        open_
        and not is_closed_to_strangers(statement)
        and not is_denied_to_strangers(policy, statement)
    )


def _statements(
    sources: Sequence[_NamedPolicy], expansion: Expansion, targets: Targets
) -> Iterator[dict[str, Any]]:
    for source in sources:
        for number, statement in enumerate(source.policy.statements, start=1):
            place = statement.place()
            yield {
                **({"policy": source.name} if source.name else {}),
                "statement": escaped(statement.sid.value, 60) if statement.sid else str(number),
                "pointer": place.pointer,
                "effect": _effect(statement),
                "actions": len(expansion.named(statement)),
                "sentence": sentence(
                    statement,
                    source.policy,
                    expansion,
                    targets,
                    unresolved_actions(statement, source.unresolved),
                )[:-1]
                + _unresolved_note(place.pointer, source),
            }


def _narrower_forms(
    sources: Sequence[_NamedPolicy], expansion: Expansion, targets: Targets
) -> list[tuple[Artifact, list[dict[str, Any]]]]:
    """The narrower form of each policy that has one, and its changes by statement."""
    forms = []
    for source in sources[:_MOST_NARROWED]:
        form = None if source.unresolved else narrower(source.policy, expansion, targets)
        if form:
            stem = re.sub(r"[^A-Za-z0-9._-]+", "-", source.name).strip("-")
            artifact = Artifact(
                name=f"{stem}-narrower.json" if stem else "narrower.json",
                language="json",
                content=form.text,
                checked_by="policy compare: equal to the policy",
            )
            rows = [
                {
                    **({"policy": source.name} if source.name else {}),
                    "pointer": pointer,
                    "change": change,
                }
                for pointer, change in form.changes
            ]
            forms.append((artifact, rows))
    return forms


def _unresolved_note(statement: str, source: _NamedPolicy) -> str:
    """The end of a sentence: the values in it that are known only at deployment."""
    inside = f"{statement}/"
    places = sorted(p.removeprefix(inside) for p in source.unresolved if p.startswith(inside))
    if not places:
        return "."
    return f"; known only at deployment: {joined([quoted(p) for p in places])}."


def _effect(statement: Statement) -> str:
    if statement.allows:
        return "Allow"
    return "Deny" if statement.denies else "none"


def _kinds(sources: Sequence[_NamedPolicy]) -> dict[str, Any]:
    if len(sources) == 1:
        policy = sources[0].policy
        return {"kind": policy.kind.value, "kind_guessed": policy.kind_guessed}
    kinds = Counter(source.policy.kind.value for source in sources)
    return {"policies": len(sources), "kinds": dict(sorted(kinds.items()))}


def _totals(views: Sequence[_KindAccess]) -> dict[str, Any]:
    if len(views) == 1:
        return _total(views[0])
    return {"totals": [{"kind": view.kind.value, **_total(view)} for view in views]}


def _total(view: _KindAccess) -> dict[str, Any]:
    reaches = view.access.actions.values()
    partly = sum(bool(reach.denied_by) for reach in reaches)
    conditional = sum(not reach.unconditional for reach in reaches)
    return {
        "actions_at_most" if view.kind in _LIMITS else "actions_allowed": len(reaches),
        "services": len({view.access.facts[name].service for name in view.access.actions}),
        **({"actions_denied_whole": len(view.access.removed)} if view.access.removed else {}),
        **({"actions_partly_denied": partly} if partly else {}),
        **({"actions_only_under_conditions": conditional} if conditional else {}),
    }


def _escalations(views: Sequence[_KindAccess]) -> dict[str, Any]:
    paths = [path for view in views for path in view.paths]
    if not paths:
        return {}
    rows = [
        {
            "path": path.path.id,
            "what": path.path.title,
            "needs": [need.action for need in path.path.required],
            "also_needed": list(path.path.prerequisites),
            "degree": "possible",
            "targets": _targets(path),
        }
        for path in paths[:_MOST_ESCALATIONS]
    ]
    more = len(paths) - len(rows)
    return {"escalation_paths": rows, **({"more_escalation_paths": more} if more > 0 else {})}


def _targets(path: OpenPath) -> str:
    if path.limited:
        return "named"
    return "every one of a Region" if path.regional else "every"


def _summary(
    sources: Sequence[_NamedPolicy],
    statements: Sequence[dict[str, Any]],
    views: Sequence[_KindAccess],
    *,
    validated: Validated,
    attached: int,
    complete: bool,
) -> str:
    if len(sources) == 1:
        policy = sources[0].policy
        what = KIND_NAMES[policy.kind] + policy_inputs.how_guessed(policy, sources[0].file)
    else:
        what = f"{len(sources)} policies"
    parts = [f"{what[0].upper()}{what[1:]} with {counted(len(statements), 'statement')}"]
    parts += [_gives(view, several=len(views) > 1) for view in views]
    if sources and not statements:
        parts.append("AWS refuses a policy without statements")
    broken = sum(map(_broken, sources))
    if broken:
        verb = "is" if broken == 1 else "are"
        parts.append(f"{counted(broken, 'statement')} {verb} not valid, so AWS refuses the policy")
    unknown_versions = [
        fault
        for source in sources
        if "/Version" not in source.unresolved and (fault := version_fault(source.policy))
    ]
    if unknown_versions:
        parts.append(f"AWS refuses the policy, because {unknown_versions[0]}")
    if any(view.kind not in _LIMITS for view in views):
        found = chain.from_iterable(view.risks for view in views)
        powers = Powers.of(found, attached=attached, to_check=len(validated.to_check))
        judged = complete and not validated.unfinished
        parts += powers.says(is_clear=validated.is_clear, judged=judged)
    parts += validated.says()
    vague = sum(
        bool(unresolved_actions(s, source.unresolved))
        for source in sources
        for s in source.policy.statements
    )
    if vague:
        verb = "names" if vague == 1 else "name"
        parts.append(
            f"{counted(vague, 'statement')} {verb} actions that are known only at deployment; they are not counted"
        )
    return "; ".join(parts) + "."


def _gives(view: _KindAccess, *, several: bool) -> str:
    number = len(view.access.actions)
    actions = counted(number, "known action")
    services = counted(len({view.access.facts[n].service for n in view.access.actions}), "service")
    of = f"{actions} of {services}" if number else "no known action"
    if view.kind in _LIMITS:
        # A limit that only denies is used with another one that allows, such as FullAWSAccess.
        limits = f"allows at most {of}" if number else "only denies"
        which = f" ({view.kind.value})" if several else ""
        return f"a limit{which} that {limits} and grants nothing by itself"
    by = f" by the {view.kind.value} policies" if several else ""
    return f"{of} effectively allowed{by}"


def _broken(source: _NamedPolicy) -> int:
    """The number of statements that AWS would refuse, including entries that are not objects."""
    policy = source.policy
    body = policy.node.member("Statement")
    shapeless = (
        sum(statement.form is not Form.OBJECT for statement in body.listed()) if body else 0
    )
    return shapeless + sum(
        bool(rejection_reasons(statement, policy.kind)) for statement in policy.statements
    )


def _next(sources: Sequence[_NamedPolicy], validated: Validated) -> Iterator[NextCall]:
    if not validated.is_clear:
        why = "what AWS's validator says about it"
        yield next_call("policy", "validate", why, ("document", "kind"))
    if len(sources) == 1 and may_be_scp(sources[0].policy):
        yield next_call("policy", "explain", "if it is meant as scp", ("document",), kind="scp")
