"""`policy evaluate`: what AWS would decide on a request, by which statements, and on which keys it depends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Decision, NextCall, next_call
from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.evaluation.evaluate import Evaluation, evaluate_request
from aws_iam.engine.evaluation.layers import LEVELLED, Layers, layers_of
from aws_iam.engine.evaluation.missing_keys import outcomes_of_missing_keys
from aws_iam.engine.evaluation.request import Request, request_of
from aws_iam.engine.evaluation.unsigned_requests import takes_unsigned
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.tools.kit import policy_inputs
from aws_iam.tools.kit.policy_layers import by_layer
from aws_iam.tools.kit.tool import UNDERSTOOD
from aws_iam.tools.policy.evaluate import notes as evaluate_notes
from aws_iam.tools.policy.evaluate.requests import requests_of
from aws_iam.tools.policy.evaluate.unnamed_caller import refuse_if_looked_at, with_caller
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.reference.catalog import Action
    from aws_iam.tools.policy.evaluate.requests import AskedRequests

_LOGIC = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
    "reference_policies_evaluation-logic_policy-eval-denyallow.html"
)
_MOST_WAYS = 3


def evaluate(request: Any, policies: Any) -> Answer:
    """The decision on a request; with a list of resources on each, and the worst one counts; of several actions on each."""
    policies, understood = by_layer(policies)
    layers = layers_of(policies)
    asked = requests_of(request)
    calls = [[_decided(part, layers) for part in of_action] for of_action in asked.by_action]
    evaluations = [pair for call in calls for pair in call]
    worst, evaluation = _worst(evaluations)
    missing = outcomes_of_missing_keys(worst, layers, evaluation.decision)
    notes = [*understood.get(UNDERSTOOD, ()), *asked.understood]
    unfit = _distinct_notes(worst, evaluations)
    return Answer(
        summary=_summary_of_actions(calls)
        + decision_in_words(worst, evaluation)
        + _as_sentences(unfit)
        + _depends_on(missing)
        + _only_denying(layers, evaluation.decision)
        + _assumed_caller(asked, worst)
        + _assumed_owner(worst, evaluation.decision),
        decision=_call_decision(evaluation.decision, [other.decision for _, other in evaluations]),
        facts=({UNDERSTOOD: notes} if notes else {})
        | _facts(evaluations, layers, worst, evaluation, missing, unfit),
        sources=(_LOGIC, catalog().source(worst.service)),
        next=tuple(_next(worst, evaluation.decision)),
        as_of=catalog().as_of,
    )


def _decided(asked: Any, layers: Layers) -> tuple[Request, Evaluation]:
    request = request_of(with_caller(asked, layers))
    found = evaluate_request(request, layers)
    if isinstance(asked, dict):
        refuse_if_looked_at(asked, request)
    return request, found


_RANK = ("Allowed", "Unknown", "ImplicitlyDenied", "ExplicitlyDenied")


def _worst(evaluations: Sequence[tuple[Request, Evaluation]]) -> tuple[Request, Evaluation]:
    return max(evaluations, key=lambda pair: _RANK.index(pair[1].decision.outcome))


def _summary_of_actions(calls: Sequence[Sequence[tuple[Request, Evaluation]]]) -> str:
    """How many of several actions are allowed, before the sentence on the worst one."""
    if len(calls) == 1:
        return ""
    outcomes: dict[str, list[str]] = {}
    for call in calls:
        request, evaluation = _worst(call)
        outcomes.setdefault(evaluation.decision.outcome, []).append(quoted(request.action))
    parts = [f"{outcome} {joined(outcomes[outcome])}" for outcome in _RANK if outcome in outcomes]
    return f"{len(calls)} actions: {'; '.join(parts)}. " + (
        "" if len(parts) == 1 else "The worst: "
    )


def _call_decision(worst: Decision, decisions: list[Decision]) -> Decision:
    """The decision on the call: the worst one, with the keys that any part consulted."""
    return replace(
        worst,
        consulted_keys=tuple(
            dict.fromkeys(k for decision in decisions for k in decision.consulted_keys)
        ),
        missing_keys=tuple(
            dict.fromkeys(k for decision in decisions for k in decision.missing_keys)
        ),
    )


def decision_in_words(request: Request, evaluation: Evaluation) -> str:
    """The outcome, on what and by whom, and why."""
    decision = evaluation.decision
    what = f"{quoted(request.action)} on {quoted(request.resource)} by {_who(request)}"
    why = f": {evaluation.reason}" if evaluation.reason else ""
    match decision.outcome:
        case "Allowed":
            return f"Allowed: {what}{why or f', granted by {joined(decision.decided_by)}'}."
        case "ExplicitlyDenied":
            others = [layer for layer in decision.blocked_by if layer not in decision.decided_by]
            also = f"; {joined(others)} would block it too" if others else ""
            return (
                f"ExplicitlyDenied: {what}, by a Deny in {joined(decision.decided_by)}{also}{why}."
            )
        case "ImplicitlyDenied":
            because = f", because nothing in {joined(decision.blocked_by)} allows it"
            return f"ImplicitlyDenied: {what}{because if decision.blocked_by else ''}{why}."
        case _:
            return f"Unknown: {what}{why}."


def _depends_on(deciding_keys: Mapping[str, Mapping[str, str]]) -> str:
    """Which keys the request lacks, and what the outcome would be otherwise."""
    if not deciding_keys:
        return ""
    ways = [
        f"{outcome} if the conditions on {joined([quoted(name) for name in key.split(' and ')])} were {word}"
        for key, outcomes in deciding_keys.items()
        for word, outcome in outcomes.items()
    ]
    return f" This depends on what the request does not give: it would be {joined(ways, 'or', shown=_MOST_WAYS)}."


def _only_denying(layers: Layers, decision: Decision) -> str:
    """Which levels of an organization were given without any Allow, where that denies: there is nearly always one beside them."""
    if decision.outcome != "ImplicitlyDenied":
        return ""
    return "".join(
        f" At `/{layer}/{number}` nothing is allowed: {_BESIDE[layer]}, give both in one list, as one level."
        for layer in decision.blocked_by
        if layer in LEVELLED
        for number, level in enumerate(layers.levels[layer])
        if level and not any(own.statement.allows for policy in level for own in policy.statements)
    )


_BESIDE = {
    "scp": "if another policy is attached there too, such as `FullAWSAccess`",
    "rcp": "as `RCPFullAWSAccess` is always attached there too",
}


def _assumed_owner(request: Request, decision: Decision) -> str:
    """Whose the resource is taken to be, where neither its ARN nor the request says so; the account decides who must allow.

    A request that is denied within an account is denied across accounts too.
    """
    if decision.outcome in {"ImplicitlyDenied", "ExplicitlyDenied"}:
        return ""
    arn = Arn.of(request.resource)
    if (
        arn is None
        or arn.account
        or request.given.get("resource_account")
        or not request.caller.account
    ):
        return ""
    return (
        f" The ARN of the resource has no account: it is taken to belong to {request.resource_account}, the caller's account;"
        " give `resource_account` if another one owns it."
    )


def _assumed_caller(asked: AskedRequests, request: Request) -> str:
    """That no caller was named: the policies decide alike for every one that has them."""
    every = [own for of_action in asked.by_action for own in of_action]
    if all(isinstance(own, dict) and "principal" in own for own in every):
        return ""
    whose = (
        f"account {request.caller.account}"
        if request.crosses_accounts
        else "the resource's account"
    )
    return (
        f" The request names no `principal`: it is decided for a role of {whose}, and alike for every user and role there that"
        " has these policies."
    )


def _who(request: Request) -> str:
    caller = request.caller
    if caller.kind is CallerKind.ANONYMOUS:
        return (
            "an anonymous caller" if takes_unsigned(request.action) else "an unknown caller (`*`)"
        )
    return f"{quoted(caller.arn)} ({caller.kind.value})"


def _facts(
    evaluations: list[tuple[Request, Evaluation]],
    layers: Layers,
    request: Request,
    worst: Evaluation,
    deciding_keys: Mapping[str, Mapping[str, str]],
    unfit: Sequence[str],
) -> dict[str, Any]:
    facts: dict[str, Any] = {"reason": worst.reason} if worst.reason else {}
    if deciding_keys:
        facts["hangs_on"] = [
            {"missing_key": key, "if_its_conditions_were": word, "outcome": outcome}
            for key, outcomes in deciding_keys.items()
            for word, outcome in outcomes.items()
        ]
    if request.derived:
        facts["keys_filled_in"] = {name: _shown(request, name) for name in request.derived}
    parts = [*_resources(evaluations), *_further_parts([request for request, _ in evaluations])]
    if parts:
        facts["parts_of_the_call"] = parts
    facts |= policy_inputs.managed_policy_facts(policy.name for policy in layers.all())
    notes = [*unfit, *evaluate_notes.notes(request, layers, worst.decision)]
    return facts | ({"notes": notes} if notes else {})


def _shown(request: Request, name: str) -> str:
    values = request.context.peek(name) or ()
    return ", ".join(values)


def _resources(evaluations: list[tuple[Request, Evaluation]]) -> Iterator[dict[str, str]]:
    if len(evaluations) > 1:
        for request, evaluation in evaluations:
            yield {
                "action": request.action,
                "resource": request.resource,
                "outcome": evaluation.decision.outcome,
            }


def _further_parts(units: list[Request]) -> Iterator[dict[str, str]]:
    """What else AWS authorizes in the same call and the request does not name."""
    action = catalog().action(units[0].action)
    if action is None:
        return
    arns = [arn for request in units if (arn := Arn.of(request.resource))]
    own = {type_.name for arn in arns for type_ in catalog().types_of_arn(arn)}
    for name in action.required:
        if name not in own and len(action.required) > 1:
            a = "an" if name[0] in "aeiou" else "a"
            yield {"action": action.full_name, "resource": f"{a} {name}", "outcome": "not asked"}
    for name in action.dependents:
        yield {"action": name, "resource": "as the call needs", "outcome": "not asked"}


def _distinct_notes(
    worst: Request, evaluations: Sequence[tuple[Request, Evaluation]]
) -> tuple[str, ...]:
    """What of the requests does not agree with AWS's reference: of the worst one first."""
    requests = (worst, *(request for request, _ in evaluations if request is not worst))
    return tuple(dict.fromkeys(note for request in requests for note in reference_notes(request)))


def _as_sentences(notes: Sequence[str]) -> str:
    """A decision on what AWS never asks for is none on what was meant."""
    shown = [f" {note}" + ("" if note.endswith("?") else ".") for note in notes[:_MOST_WAYS]]
    more = len(notes) - len(shown)
    return "".join(shown) + (f" {counted(more, 'more note')} of this kind." if more else "")


def reference_notes(request: Request) -> Iterator[str]:
    """What of the action and the resource does not agree with AWS's reference."""
    tier = catalog().tier(request.action)
    if tier != "known":
        near = catalog().suggest_action(request.action)
        hint = f"; did you mean {quoted(near[0])}?" if near else ""
        yield f"{quoted(request.action)} is {tier} in the service data, so it is matched as text{hint}"
        return
    action = catalog().action(request.action)
    requested = request.given.get("resource")
    if action and not action.resource_types and requested != "*":
        yield f"{action.full_name} has no resource type: AWS authorizes it on `*`, not on {quoted(str(requested))}"
    if action and action.resource_types:
        yield from _misfit(request, action)


def _misfit(request: Request, known: Action) -> Iterator[str]:
    action, types = known.full_name, known.resource_types
    listed = ", ".join(types[:5])
    if request.resource == "*":
        when = "a resource" if known.required else "a resource if the call names one"
        yield f"{action} is authorized on {when} ({listed}): give its ARN for an exact answer"
        return
    arn = Arn.of(request.resource)
    names = {type_.name.lower() for type_ in catalog().types_of_arn(arn)} if arn else set()
    if names.isdisjoint(name.lower() for name in types):
        yield f"AWS authorizes {action} on {listed}, and {quoted(request.resource)} does not look like one of them"


_SECTIONS = {
    "scp": "service-control-policies",
    "rcp": "resource-control-policies",
    "boundary": "permission-boundaries",
    "resource": "cross-account-trust",
}
"""Where the guide explains a layer; the others are in the section on how AWS decides."""


def _next(request: Request, decision: Decision) -> Iterator[NextCall]:
    """The policy that would allow what no identity policy allows, and how each other layer that blocks works."""
    if decision.outcome == "Allowed":
        return
    unfit = decision.outcome == "Unknown" or any(reference_notes(request))
    if unfit:
        why = "the resource types, condition keys and further actions that the action needs"
        yield next_call("policy", "lookup", why, query=request.action)
    if decision.outcome == "Unknown":
        return
    denied = decision.outcome == "ExplicitlyDenied"
    if "identity" in decision.blocked_by and not denied and not unfit:
        needs = {request.action: [request.resource]}
        yield next_call("policy", "generate", "a policy that allows it", needs=needs)
    blocking = decision.decided_by if denied else decision.blocked_by
    for layer in blocking:
        if denied or layer != "identity":
            topic = _SECTIONS.get(layer, "evaluation-logic")
            why = f"how the layer that blocks it works: {layer}"
            yield next_call("policy", "guide", why, topic=topic)
