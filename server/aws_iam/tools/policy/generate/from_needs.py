"""`policy generate --needs`: the least-privilege policy for access needs, validated, with the decisions made."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact, NextCall, Severity, next_call
from aws_iam.engine.generation import access_needs, passed_roles
from aws_iam.engine.generation import condition_limits as limits
from aws_iam.engine.generation.access_levels import (
    DELETES,
    DOES_MORE,
    EXPOSES,
    PASSES,
    SETS_UP,
    TAGS,
    UNPROTECTS,
    rows_for,
)
from aws_iam.engine.generation.plan import Plan, plan
from aws_iam.engine.language.pattern import covers, is_literal
from aws_iam.engine.language.problems import Problems
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.repair.empty_policy import granting
from aws_iam.escape import quoted
from aws_iam.templates import can_fill, template
from aws_iam.tools.policy.generate import needs_tables
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.answer import Finding
    from aws_iam.engine.generation.access_needs import Need
    from aws_iam.engine.language.arn import Arn

_QUOTAS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
_PAGE = "references/policy-design.md#policies-from-needs"
_MOST_SOURCES = 5
_NAMED = 4
# The reasons for leaving an action out that the summary names, the most harmful first; the facts have all.
_HARM = (DELETES, UNPROTECTS, EXPOSES, PASSES, SETS_UP, TAGS, DOES_MORE)


def generate_from_needs(needs: Any, conditions: Any = None) -> Answer:
    """The policies for the needs under the conditions; InputError names everything that cannot be granted."""
    wanted = access_needs.read_needs(needs)
    condition_limits = limits.read_conditions(conditions)
    needed_plan = plan(wanted, condition_limits)
    documents = granting(needed_plan.grants, needed_plan.limits)
    artifacts = tuple(_artifact(number, documents) for number in range(len(documents)))
    findings = _findings(artifacts, wanted)
    return Answer(
        summary=_summary(wanted, needed_plan, documents, findings),
        findings=findings,
        artifacts=artifacts,
        facts=needs_tables.fact_tables(wanted, needed_plan, documents),
        sources=_sources(needed_plan, documents),
        next=tuple(_next(wanted, needed_plan)),
        as_of=catalog().as_of,
    )


def _findings(artifacts: Sequence[Artifact], needs: Sequence[Need]) -> tuple[Finding, ...]:
    """The validator's findings on the policies; InputError for a policy that AWS would refuse."""
    # Imported here: the other actions must not load the rules.
    from aws_iam.rules.policy.run import validate

    in_needs, in_conditions = Problems(), Problems()
    findings: list[Finding] = []
    for artifact in artifacts:
        problems_found = validate(artifact.content, "identity")
        for finding in problems_found:
            if finding.severity is Severity.ERROR:
                pointer = finding.where.pointer if finding.where else ""
                below = pointer.partition("/Condition")[2]
                place = below or _place(pointer, artifact, needs)
                problems = in_conditions if below else in_needs
                problems.add(place, f"{finding.code}: {finding.message}")
        several = len(artifacts) > 1
        findings += (
            replace(finding, resource=artifact.name) if several else finding
            for finding in problems_found
        )
    in_conditions.refuse("conditions", hint="it would make the policy invalid")
    in_needs.refuse("needs", hint="it would make the policy invalid")
    return tuple(findings)


def _place(pointer: str, artifact: Artifact, needs: Sequence[Need]) -> str:
    """The place in the needs that an ARN in the policy comes from; for anything else the place in the policy."""
    value = value_at(json.loads(artifact.content), pointer)
    targets = (target for need in needs for target in need.targets)
    return next((target.pointer for target in targets if target.text == value), pointer or "/")


def value_at(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer; None if there is none."""
    for token in pointer.split("/")[1:]:
        document = _member(document, token)
    return document


def _member(value: Any, token: str) -> Any:
    if isinstance(value, list):
        return value[int(token)] if token.isdecimal() and int(token) < len(value) else None
    return value.get(token) if isinstance(value, dict) else None


def _artifact(number: int, documents: Sequence[dict[str, Any]]) -> Artifact:
    return Artifact(
        name=_name(number, len(documents)),
        language="json",
        content=json.dumps(documents[number], indent=2, ensure_ascii=False) + "\n",
        checked_by="policy validate",
    )


def _name(number: int, total: int) -> str:
    return "policy.json" if total == 1 else f"policy-{number + 1}.json"


def _summary(
    needs: Sequence[Need],
    needed_plan: Plan,
    documents: Sequence[dict[str, Any]],
    findings: Sequence[Finding],
) -> str:
    actions = len({grant.action for grant in needed_plan.grants})
    statements = sum(len(own["Statement"]) for own in documents)
    what = "A policy" if len(documents) == 1 else f"{len(documents)} policies to attach together,"
    verdict = counted(len(findings), "finding") if findings else "no findings"
    first = f"{what} with {counted(statements, 'statement')} and {counted(actions, 'action')}: {verdict}."
    more = [
        *_included(needs),
        *_beside(needs, needed_plan),
        *_not_included(needed_plan),
        _passing(needed_plan),
        _not_granted(
            [action.action for action in (*needed_plan.not_scoped, *needed_plan.left_out)]
        ),
    ]
    more += [
        f"The condition on {quoted(key)} is left off {counted(len(names), 'action')}, whose requests never include the key."
        for key, names in needed_plan.without.items()
    ]
    return " ".join(filter(None, (first, *more)))


def _included(needs: Sequence[Need]) -> Iterator[str]:
    """What a level covers besides the ARNs that are named."""
    for need in needs:
        held = [quoted(target.text) for target in need.targets if target.within]
        if held:
            shown = held if len(held) <= _NAMED else [*held[:_NAMED], f"{len(held) - _NAMED} more"]
            yield f"{quoted(need.name)} also covers {joined(shown)}."


def _beside(needs: Sequence[Need], needed_plan: Plan) -> Iterator[str]:
    """What no call works without: actions that no need names, and resources that AWS asks for as well."""
    for row in needs_tables.may_also_need(needs, needed_plan, is_said=True):
        yield f"Add {_quoted_list(row['actions'].split(', '))} if {row['when']}."
    named = {target.text for need in needs for target in need.targets}
    said: dict[str, dict[str, None]] = {}
    for need in needs:
        for target in need.targets if need.level else ():
            types = [type_ for service in target.services for type_ in target.types_in(service)]
            for row in rows_for("beside", need.level, types) if need.level and target.arn else ():
                added = [_filled(arn, target.arn) for arn in row["arns"] if target.arn]
                said.setdefault(row["why"], {}).update(
                    dict.fromkeys(a for a in added if not any(covers(own, a) for own in named))
                )
    for why, arns in said.items():
        if arns:
            yield f"{why}: add {_quoted_list(arns)} to the need."


def _filled(text: str, arn: Arn) -> str:
    # A pattern such as `table*` has no second part.
    parts = [*re.split(r"[/:]", arn.resource), "*"]
    return text.format(*parts, partition=arn.partition, region=arn.region, account=arn.account)


def _quoted_list(names: Iterable[str]) -> str:
    listed = [quoted(name) for name in names]
    return joined(
        listed if len(listed) <= _NAMED + 1 else [*listed[:_NAMED], f"{len(listed) - _NAMED} more"]
    )


def _not_included(needed_plan: Plan) -> Iterator[str]:
    """What the levels leave out, the most harmful actions first."""
    by_need: dict[str, dict[str, str]] = {}
    worth_saying = (row for row in needed_plan.excluded if row.why in _HARM)
    for row in sorted(worth_saying, key=lambda row: _HARM.index(row.why)):
        by_need.setdefault(row.need.name, {}).setdefault(row.action, row.why)
    for need, actions in by_need.items():
        names = ", ".join(f"`{name}`" for name in list(actions)[:_NAMED])
        more = " …" if len(actions) > _NAMED else ""
        them = "it" if len(actions) == 1 else "them"
        beyond = need.lower() in {"read", "manage"}
        ask = f"name {them}" if beyond else f"ask for `manage`, or name {them}"
        yield f"{quoted(need)} leaves out {counted(len(actions), 'action')} ({names}{more}): {ask}."


def _passing(needed_plan: Plan) -> str:
    passed = needed_plan.passed
    if passed.services:
        services = ", ".join(f"`{service}`" for service in passed.services)
        return f"`{passed_roles.PASS_ROLE}` is limited to {services}, the service that the other actions pass the role to."
    if passed.anywhere:
        return (
            f"`{passed_roles.PASS_ROLE}` has no condition on `{passed_roles.KEY}`: the role can be passed"
            " to every service that it trusts."
        )
    return ""


def _not_granted(actions: Sequence[str]) -> str:
    if not actions:
        return ""
    names = ", ".join(f"`{action}`" for action in actions[:3]) + (" …" if actions[3:] else "")
    return f"Not granted: {counted(len(actions), 'action')} ({names}); the facts say why."


def _sources(needed_plan: Plan, documents: Sequence[object]) -> tuple[str, ...]:
    services = dict.fromkeys(grant.action.partition(":")[0] for grant in needed_plan.grants)
    pages = [catalog().source(service) for service in services]
    quota = (_QUOTAS,) if len(documents) > 1 else ()
    return tuple(dict.fromkeys((*quota, *pages[:_MOST_SOURCES], _PAGE)))


def _next(needs: Sequence[Need], needed_plan: Plan) -> Iterator[NextCall]:
    yield from _templates(needs)
    for action in dict.fromkeys(action.action for action in needed_plan.not_scoped):
        yield next_call("policy", "lookup", "the resources it can be limited to", query=action)


def _templates(needs: Sequence[Need]) -> Iterator[NextCall]:
    """The templates that fit a need, filled where its ARN has all that they ask for."""
    shown = set()
    for need in needs:
        for target in need.targets if need.level else ():
            types = [type_ for service in target.services for type_ in target.types_in(service)]
            for row in rows_for("templates", need.level, types) if need.level else ():
                if row.get("having", "") not in target.text:
                    continue
                place = row.get("resource_as")
                filled = place and target.arn and is_literal(target.arn.resource)
                values = {place: target.arn.resource} if filled and target.arn else {}
                if values and not can_fill(template(row["template"]), values):
                    values = {}
                if (row["template"], *values.values()) not in shown:
                    shown.add((row["template"], *values.values()))
                    arguments: dict[str, Any] = {"name": row["template"]}
                    arguments |= {"values": values} if values else {}
                    yield next_call("policy", "template", row["why"], **arguments)
