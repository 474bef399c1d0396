"""`policy evaluate`: what AWS would decide on a request, by which statements, and what the outcome hangs on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Decision
from aws_iam.engine.evaluate import Evaluation, evaluated
from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.evaluation.hinges import hinges
from aws_iam.engine.evaluation.layers import Layers, layers_of
from aws_iam.engine.evaluation.request import Request, request_of
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.policy.evaluate import notes as evaluate_notes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.reference.catalog import Action

_LOGIC = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
    "reference_policies_evaluation-logic_policy-eval-denyallow.html"
)
_MOST_RESOURCES = 100


def evaluate(request: Any, policies: Any) -> Answer:
    """The decision on a request; with a list of resources one for each, and all must be allowed."""
    layers = layers_of(policies)
    asked = [request_of(unit) for unit in _units(request)]
    found = [(request, evaluated(request, layers)) for request in asked]
    worst = max(found, key=lambda pair: _RANK.index(pair[1].decision.outcome))
    unit, evaluation = worst
    return Answer(
        summary=_summary(unit, evaluation),
        decision=_whole(evaluation.decision, [evaluation.decision for _, evaluation in found]),
        facts=_facts(found, layers, unit, evaluation),
        sources=(_LOGIC, catalog().source(unit.service)),
        next=_next(evaluation.decision),
        as_of=catalog().as_of,
    )


_RANK = ("Allowed", "Unknown", "ImplicitlyDenied", "ExplicitlyDenied")


def _units(request: Any) -> Iterator[Any]:
    """One request for each resource that the call names."""
    if isinstance(request, str):
        try:
            request = json.loads(request)
        except (ValueError, RecursionError) as error:
            raise InputError(f"the request is no JSON: {str(error).lower()}") from None
    named = request.get("resource") if isinstance(request, dict) else None
    if not isinstance(named, list):
        yield request
        return
    if not named or len(named) > _MOST_RESOURCES:
        raise InputError(f"`resource` must be one ARN or a list of 1 to {_MOST_RESOURCES}")
    for decision in named:
        yield {**request, "resource": decision}


def _whole(worst: Decision, every: list[Decision]) -> Decision:
    """The decision on the call: the worst part's, with the keys that any part looked at."""
    return replace(
        worst,
        consulted_keys=tuple(
            dict.fromkeys(k for decision in every for k in decision.consulted_keys)
        ),
        missing_keys=tuple(dict.fromkeys(k for decision in every for k in decision.missing_keys)),
    )


def _summary(request: Request, found: Evaluation) -> str:
    decision = found.decision
    what = f"{quoted(request.action)} on {quoted(request.resource)} by {_who(request)}"
    why = f": {found.reason}" if found.reason else ""
    match decision.outcome:
        case "Allowed":
            return f"Allowed: {what}{why or f', granted by {_and(decision.decided_by)}'}."
        case "ExplicitlyDenied":
            others = [layer for layer in decision.blocked_by if layer not in decision.decided_by]
            also = f"; {_and(others)} would block it, too" if others else ""
            return (
                f"ExplicitlyDenied: {what}, by a Deny in {_and(decision.decided_by)}{also}{why}."
            )
        case "ImplicitlyDenied":
            lack = f", for nothing in {_and(decision.blocked_by)} allows it"
            return f"ImplicitlyDenied: {what}{lack if decision.blocked_by else ''}{why}."
        case _:
            return f"Unknown: {what}{why}."


def _who(request: Request) -> str:
    caller = request.caller
    if caller.kind is CallerKind.ANONYMOUS:
        return "an anonymous caller"
    return f"{quoted(caller.arn)} ({caller.kind.value})"


def _and(words: Any) -> str:
    listed = list(words)
    return " and ".join(filter(None, [", ".join(listed[:-1]), listed[-1]])) if listed else ""


def _facts(
    found: list[tuple[Request, Evaluation]], layers: Layers, unit: Request, worst: Evaluation
) -> dict[str, Any]:
    hanging = hinges(unit, layers, worst.decision)
    facts: dict[str, Any] = {"reason": worst.reason} if worst.reason else {}
    if hanging:
        facts["hangs_on"] = [
            {"missing_key": key, "if_its_conditions_were": word, "outcome": outcome}
            for key, outcomes in hanging.items()
            for word, outcome in outcomes.items()
        ]
    if unit.derived:
        facts["keys_filled_in"] = {name: _shown(unit, name) for name in unit.derived}
    parts = [*_resources(found), *_further_parts([request for request, _ in found])]
    if parts:
        facts["parts_of_the_call"] = parts
    notes = [*_notes(unit), *evaluate_notes.notes(unit, layers, worst.decision)]
    return facts | ({"notes": notes} if notes else {})


def _shown(request: Request, name: str) -> str:
    values = request.context.peek(name) or ()
    return ", ".join(values)


def _resources(found: list[tuple[Request, Evaluation]]) -> Iterator[dict[str, str]]:
    if len(found) > 1:
        for request, evaluation in found:
            yield {
                "action": request.action,
                "resource": request.resource,
                "outcome": evaluation.decision.outcome,
            }


def _further_parts(units: list[Request]) -> Iterator[dict[str, str]]:
    """What else AWS authorizes in the same call and the units given do not name."""
    action = catalog().action(units[0].action)
    if action is None:
        return
    arns = [arn for unit in units if (arn := Arn.of(unit.resource))]
    own = {type_.name for arn in arns for type_ in catalog().types_of_arn(arn)}
    for name in action.required:
        if name not in own and len(action.required) > 1:
            a = "an" if name[0] in "aeiou" else "a"
            yield {"action": action.full_name, "resource": f"{a} {name}", "outcome": "not asked"}
    for name in action.dependents:
        yield {"action": name, "resource": "as the call needs", "outcome": "not asked"}


def _notes(request: Request) -> Iterator[str]:
    tier = catalog().tier(request.action)
    if tier != "known":
        near = catalog().suggest_action(request.action)
        hint = f"; did you mean {quoted(near[0])}?" if near else ""
        yield f"{quoted(request.action)} is {tier} to the service data: it is matched as text{hint}"
        return
    action = catalog().action(request.action)
    given = request.given.get("resource")
    if action and not action.resource_types and given != "*":
        yield f"{action.full_name} has no resource type: AWS authorizes it on `*`, not on {quoted(str(given))}"
    if action and action.resource_types:
        yield from _misfit(request, action)


def _misfit(request: Request, known: Action) -> Iterator[str]:
    action, types = known.full_name, known.resource_types
    listed = ", ".join(types[:5])
    if request.resource == "*":
        when = "a resource" if known.required else "a resource where the call names one"
        yield f"{action} is authorized on {when} ({listed}): give its ARN for the true answer"
        return
    arn = Arn.of(request.resource)
    names = {type_.name.lower() for type_ in catalog().types_of_arn(arn)} if arn else set()
    if names.isdisjoint(name.lower() for name in types):
        yield f"the reference authorizes {action} on {listed}, and {quoted(request.resource)} looks like none of them"


def _next(decision: Decision) -> tuple[str, ...]:
    if decision.outcome == "Allowed":
        return ("aws-iam policy compare --document NEW --baseline OLD",)
    return ("aws-iam policy denied --message TEXT --policies LAYERS",)
