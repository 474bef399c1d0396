"""The verdict on one request over layers of policies: whether it is allowed, and what the request must meet besides.

Verdicts(now).of(request, layers, is_open)   →   Access(verdict="can", conditions=("`aws:SourceVpce` is `vpce-1`",), …)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from aws_iam.engine.comparison.automaton import Budget
from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.condition_search import ConditionSearch, Values
from aws_iam.tools.audit.access.condition_words import Needs, conditions_of
from aws_iam.tools.audit.access.endpoint_limits import (
    SOURCE_VPC,
    SOURCE_VPCE,
    asked_endpoints,
    through,
)
from aws_iam.tools.audit.access.partial_evaluation import partial_verdict, why_undecided

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_iam.answer import Decision
    from aws_iam.engine.evaluation.decision_flow import Outcome
    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.tools.audit.access.condition_search import Openings
    from aws_iam.tools.audit.access.endpoint_limits import KnownEndpoint

Verdict = Literal["can", "cannot", "unknown"]
# Steps of all searches over condition keys in one question.
_MOST_STEPS = 5_000_000
VPC_ENDPOINT = "vpc_endpoint"
# What the endpoint settles that a request comes through.
_OF_ENDPOINTS = frozenset({SOURCE_VPCE.lower(), SOURCE_VPC.lower()})
_VERDICTS: Mapping[Outcome, Verdict] = {
    "Allowed": "can",
    "ImplicitlyDenied": "cannot",
    "ExplicitlyDenied": "cannot",
    "Unknown": "unknown",
}


@slotted
class Access:
    """Whether a caller can do it; `conditions` are what the request must meet besides, `why` says what is not known."""

    verdict: Verdict
    conditions: tuple[str, ...] = ()
    why: str = ""
    proof: Decision | None = None

    @property
    def is_possible(self) -> bool:
        """Whether it can, or nobody knows."""
        return self.verdict != "cannot"

    @property
    def is_unconditional(self) -> bool:
        """Whether it can, whatever the request has."""
        return self.verdict == "can" and not self.conditions


class Verdicts:
    """Judges the requests of one question; `now` is their time at the earliest, in seconds since 1970."""

    def __init__(self, now: int, endpoints: Mapping[str, KnownEndpoint] | None = None) -> None:
        self._now = now
        self._endpoints = endpoints or {}
        self._values: Values = {}
        self._budget = Budget(_MOST_STEPS)

    def of(self, request: Request, layers: Layers, is_open: Callable[[str], bool]) -> Access:
        """The verdict; `is_open` says whether a condition key may have any value in the request or be absent."""
        evaluation = evaluate_request(request, layers)
        decision = evaluation.decision
        if not any(map(is_open, decision.missing_keys)):
            found: Verdict = _VERDICTS[decision.outcome]
            return Access(verdict=found, why=evaluation.reason, proof=decision)
        whole, hits = partial_verdict(request, layers, is_open)
        if whole.outcome == "Allowed":
            return Access(verdict="can", proof=decision)
        if whole.outcome != "Unknown":
            return Access(verdict="cannot", proof=decision)
        search = ConditionSearch(
            request=request,
            layers=layers,
            hits=hits,
            is_open=is_open,
            now=self._now,
            values=self._values,
            budget=self._budget,
        )
        openings = search.found()
        if openings.request is not None:
            opened = evaluate_request(openings.request, layers).decision
            if opened.outcome == "Allowed":
                conditions = conditions_of(openings.alternatives, complete=openings.complete)
                found_here = Access(verdict="can", conditions=conditions, proof=opened)
                return self._through_endpoints(found_here, openings, request, layers, is_open)
        at_most = replace(search, friendly=True).found()
        if openings.complete and at_most.complete and at_most.request is None:
            return Access(verdict="cannot", proof=decision)
        why = evaluation.reason or openings.why or at_most.why
        why = why or why_undecided(request, layers, hits)
        return Access(verdict="unknown", why=why, proof=decision)

    def _through_endpoints(
        self,
        found: Access,
        openings: Openings,
        request: Request,
        layers: Layers,
        is_open: Callable[[str], bool],
    ) -> Access:
        """The access as the policies of the endpoints leave it that the request must come through."""
        if not self._endpoints or VPC_ENDPOINT in layers:
            return found
        ids = dict.fromkeys(id_ for own in openings.alternatives for id_ in asked_endpoints(own))
        judged = {id_: self._limited(id_, request, layers, is_open) for id_ in ids}
        limited = {id_: own for id_, own in judged.items() if own}
        if not limited:
            return found
        ways: list[Needs] = []
        for needs in openings.alternatives:
            asked = asked_endpoints(needs)
            if limited.keys().isdisjoint(asked):
                ways.append(needs)
                continue
            if free := [id_ for id_ in asked if id_ not in limited]:
                ways.append(through(needs, free))
            passing: dict[tuple[str, ...], list[str]] = {}
            for id_ in asked:
                if id_ in limited and limited[id_].verdict == "can":
                    passing.setdefault(limited[id_].conditions, []).append(id_)
            ways += (through(Needs(), alike, more) for more, alike in passing.items())
        ways = list(dict.fromkeys(ways))
        by_limit = [limited[id_] for id_ in ids if id_ in limited]
        if ways:
            proof = next((own.proof for own in by_limit if own.verdict == "can"), found.proof)
            conditions = conditions_of(ways, complete=openings.complete)
            return Access(verdict="can", conditions=conditions, proof=proof)
        why = next((own.why for own in by_limit if own.verdict == "unknown"), openings.why)
        return Access(verdict="unknown" if why else "cannot", why=why, proof=by_limit[0].proof)

    def _limited(
        self, id_: str, request: Request, layers: Layers, is_open: Callable[[str], bool]
    ) -> Access | None:
        """The access through an endpoint; None where its policy is not known, or changes nothing."""
        endpoint = self._endpoints.get(id_)
        if endpoint is None or endpoint.service != request.service:
            return None
        coming = request.with_key(SOURCE_VPCE, id_).with_key(SOURCE_VPC, endpoint.vpc)

        def is_open_there(key: str) -> bool:
            return key.lower() not in _OF_ENDPOINTS and is_open(key)

        without = self.of(coming, layers, is_open_there)
        if without.verdict == "cannot":
            return without
        levels = {**layers.levels, VPC_ENDPOINT: endpoint.layer.levels}
        found = self.of(coming, replace(layers, levels=levels), is_open_there)
        if endpoint.layer.why_unread and found.verdict == "can":
            return replace(found, verdict="unknown", why=endpoint.layer.why_unread)
        is_same = (found.verdict, found.conditions) == (without.verdict, without.conditions)
        return None if is_same else found
