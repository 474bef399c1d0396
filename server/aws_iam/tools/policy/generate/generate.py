"""`policy generate`: the least-privilege policy for needs, validated, with all that was decided on the way."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact, Severity
from aws_iam.engine.generate import Plan, plan
from aws_iam.engine.generation import access_needs, limits, minimise
from aws_iam.engine.language.problems import Problems
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.policy.generate import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.answer import Finding
    from aws_iam.engine.generation.access_needs import Need
    from aws_iam.engine.generation.grants import AllowStatement

_QUOTAS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
_PAGE = "references/policy-design.md#policies-from-needs"
_MOST_SOURCES = 5


def made(needs: Any, conditions: Any, events: Any, *, generalize: bool) -> Answer:
    """The policies for needs or for events; InputError unless one of them is given, with what belongs to it."""
    if (needs is None) is (events is None):
        given = "both are given" if needs is not None else "neither is given"
        raise InputError(
            f"`policy generate` needs `needs` or `events`: {given}",
            hint="`needs` for access that you can name, `events` for what CloudTrail saw",
        )
    if needs is not None:
        if generalize:
            raise InputError(
                "`generalize` is about `events`, and `needs` is given", hint="leave it out"
            )
        return generate(needs, conditions)
    if conditions is not None:
        raise InputError(
            "`conditions` is about `needs`, and `events` is given",
            hint="leave it out: conditions that the events prove are added by themselves",
        )
    # Inside the function: needs must not pay for the reading of logs.
    from aws_iam.tools.policy.generate import from_cloudtrail

    return from_cloudtrail.generate(events, generalize=generalize)


def generate(needs: Any, conditions: Any = None) -> Answer:
    """The policies for the needs under the conditions; InputError names all that cannot be granted."""
    wanted = access_needs.read(needs)
    asked = limits.read(conditions)
    found = plan(wanted, asked)
    packed = minimise.policies(minimise.statements(found.grants), asked)
    documents = [minimise.document(statements, asked) for statements in packed]
    artifacts = tuple(_artifact(number, documents) for number in range(len(documents)))
    findings = _findings(artifacts, wanted)
    return Answer(
        summary=_summary(found, packed, findings),
        findings=findings,
        artifacts=artifacts,
        facts=tables.of(wanted, found, documents),
        sources=_sources(found, packed),
        next=_next(found, documents),
        as_of=catalog().as_of,
    )


def _findings(artifacts: Sequence[Artifact], needs: Sequence[Need]) -> tuple[Finding, ...]:
    """What the validator says of the policies; a policy that AWS would refuse is not given out."""
    # Inside the function: other actions of the tool must not pay for the rules.
    from aws_iam.rules.policy.run import validate

    in_needs, in_conditions = Problems(), Problems()
    findings: list[Finding] = []
    for artifact in artifacts:
        found = validate(artifact.content, "identity")
        for finding in found:
            if finding.severity is Severity.ERROR:
                pointer = finding.where.pointer if finding.where else ""
                below = pointer.partition("/Condition")[2]
                place = below or _place(pointer, artifact, needs)
                problems = in_conditions if below else in_needs
                problems.add(place, f"{finding.code}: {finding.message}")
        several = len(artifacts) > 1
        findings += (
            replace(finding, resource=artifact.name) if several else finding for finding in found
        )
    in_conditions.refuse("conditions", hint="with it the policy would not be valid")
    in_needs.refuse("needs", hint="with it the policy would not be valid")
    return tuple(findings)


def _place(pointer: str, artifact: Artifact, needs: Sequence[Need]) -> str:
    """Where the needs hold what stands at that place in the policy; the place itself for what is no ARN."""
    value: Any = json.loads(artifact.content)
    for token in pointer.split("/")[1:]:
        value = _member(value, token)
    targets = (target for need in needs for target in need.targets)
    return next((target.pointer for target in targets if target.text == value), pointer or "/")


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
    found: Plan, packed: Sequence[Sequence[AllowStatement]], findings: Sequence[Finding]
) -> str:
    actions = len({grant.action for grant in found.grants})
    statements = sum(map(len, packed))
    what = "A policy" if len(packed) == 1 else f"{len(packed)} policies, to be attached together,"
    verdict = f"{_plural(len(findings), 'finding')} left" if findings else "it validates clean"
    if len(packed) > 1 and not findings:
        verdict = "they validate clean"
    first = f"{what} with {_plural(statements, 'statement')} and {_plural(actions, 'action')}: {verdict}."
    more = [_absent([action.action for action in (*found.not_scoped, *found.left_out)])]
    more += [
        f"The condition on {quoted(key)} is not on {_plural(len(names), 'action')}, whose requests never carry it."
        for key, names in found.without.items()
    ]
    return " ".join(filter(None, (first, *more)))


def _absent(actions: Sequence[str]) -> str:
    if not actions:
        return ""
    names = ", ".join(f"`{action}`" for action in actions[:3]) + (" …" if actions[3:] else "")
    return f"Not granted: {_plural(len(actions), 'action')} ({names}), see the facts for why."


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _sources(found: Plan, packed: Sequence[object]) -> tuple[str, ...]:
    services = dict.fromkeys(grant.action.partition(":")[0] for grant in found.grants)
    pages = [catalog().source(service) for service in services]
    quota = (_QUOTAS,) if len(packed) > 1 else ()
    return tuple(dict.fromkeys((*quota, *pages[:_MOST_SOURCES], _PAGE)))


def _next(found: Plan, documents: Sequence[object]) -> tuple[str, ...]:
    name = _name(0, len(documents))
    calls = (f"aws-iam policy {action} --document {name}" for action in ("validate", "explain"))
    open_ = dict.fromkeys(action.action for action in found.not_scoped)
    compare = f"aws-iam policy compare --document {name} --baseline OLD"
    return (
        *calls,
        compare,
        *(f"aws-iam policy lookup --query {action}" for action in list(open_)[:2]),
    )
