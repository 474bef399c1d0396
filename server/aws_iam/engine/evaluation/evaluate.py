"""Whether AWS would allow a request, over all layers of policies, with the statements that decide.

evaluate({"principal": …, "action": …, "resource": …}, {"identity": […], "scp": [[…]], …})  →  Decision
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Because, Decision
from aws_iam.engine.evaluation.decision_flow import LayerDecisions, binds
from aws_iam.engine.evaluation.layers import LAYERS, Layers, layers_of
from aws_iam.engine.evaluation.matching import Hit, Matcher
from aws_iam.engine.evaluation.request import Request, request_of
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
from aws_iam.engine.evaluation.decision_flow import Verdict, verdict_on


@slotted
class Evaluation:
    """A decision, with the reason where no statement gives it."""

    decision: Decision
    reason: str = ""


def evaluate(request: object, policies: object) -> Decision:
    """The decision on a request; raises InputError for a request or a policy that cannot be used."""
    return evaluate_request(request_of(request), layers_of(policies)).decision


def evaluate_request(
    request: Request, layers: Layers, *, forced: Mapping[str, bool] | None = None
) -> Evaluation:
    """The decision with its reason; `forced` says whether all conditions on a key, given in lower case, hold."""
    verdict, hits = verdict_and_hits(request, layers, forced)
    asked = request.context.asked
    return Evaluation(
        decision=Decision(
            outcome=verdict.outcome,
            decided_by=verdict.decided_by,
            blocked_by=verdict.blocked_by,
            because=tuple(map(_because, deciding_statements(verdict, hits, request))),
            consulted_keys=tuple(asked.values()),
            missing_keys=tuple(n for lower, n in asked.items() if not request.context.has(lower)),
        ),
        reason=verdict.reason,
    )


def verdict_and_hits(
    request: Request, layers: Layers, forced: Mapping[str, bool] | None = None
) -> tuple[Verdict, tuple[Hit, ...]]:
    """The verdict on a request, and the statements that apply to it."""
    hits = Matcher(request, layers, forced or {}).hits()
    if layers.unreadable or not all(hit.sure for hit in hits):
        return verdict_of_extremes(request, layers, hits), hits
    return verdict_on(LayerDecisions(request=request, layers=layers, hits=hits)), hits


def verdict_of_extremes(request: Request, layers: Layers, hits: tuple[Hit, ...]) -> Verdict:
    """The verdict that the most and the least permissive reading of the unknown parts share, else Unknown."""
    friendly = verdict_on(
        LayerDecisions(
            request=request,
            layers=layers,
            hits=tuple(hit for hit in hits if hit.sure or hit.statement.allows),
            friendly=layers.unreadable,
        )
    )
    strict = verdict_on(
        LayerDecisions(
            request=request,
            layers=layers,
            hits=tuple(hit for hit in hits if hit.sure or hit.statement.denies),
        )
    )
    if friendly.outcome != "Allowed":
        # Refused in any reading; the most permissive one names the layers that certainly block.
        return friendly
    if strict.outcome == "Allowed":
        return strict
    return Verdict(
        outcome="Unknown",
        decided_by=(),
        blocked_by=strict.blocked_by,
        reason="it depends on what cannot be known: " + "; ".join(_undecidable(layers, hits)),
    )


def _undecidable(layers: Layers, hits: Iterable[Hit]) -> list[str]:
    unread = [
        f"the layer {layer}{_why_unread(layers, layer)}"
        for layer in LAYERS
        if layer in layers.unreadable
    ]
    places = {
        hit.placed.pointer + hit.statement.node.where.pointer: hit.doubt
        for hit in hits
        if hit.doubt
    }
    return [*unread, *(f"{place} ({doubt})" for place, doubt in places.items())]


def _why_unread(layers: Layers, layer: str) -> str:
    why = dict(layers.unknown).get(layer)
    return f" ({why})" if why else ", which was given as null"


def deciding_statements(verdict: Verdict, hits: Iterable[Hit], request: Request) -> Iterator[Hit]:
    """The statements that decided: the Deny statements, or the Allow statements of every layer that applies."""
    explicit = verdict.outcome == "ExplicitlyDenied"
    if not explicit and verdict.outcome != "Allowed":
        return
    for hit in hits:
        if not binds(hit.placed.layer, request) or hit.statement.denies is not explicit:
            continue
        # What some values of a template add decides nothing by itself.
        if hit.placed.doubt:
            continue
        yield hit


def _because(hit: Hit) -> Because:
    return Because(
        layer=hit.placed.layer,
        policy=hit.placed.pointer,
        pointer=hit.statement.node.at.pointer,
        effect="Deny" if hit.statement.denies else "Allow",
    )
