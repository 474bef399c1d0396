"""The verdict on one request over layers of policies: whether it is allowed, and what the request must meet besides.

Verdicts(now).of(request, layers, is_open)   →   Access(verdict="can", conditions=("`aws:SourceVpce` is `vpce-1`",), …)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from aws_iam.engine.comparison.automaton import Budget
from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.tools.audit.access.condition_search import ConditionSearch, Values
from aws_iam.tools.audit.access.condition_words import conditions_of
from aws_iam.tools.audit.access.partial_evaluation import partial_verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_iam.answer import Decision
    from aws_iam.engine.evaluation.decision_flow import Outcome
    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.engine.evaluation.request import Request

Verdict = Literal["can", "cannot", "unknown"]
# Steps of all searches over condition keys in one question.
_MOST_STEPS = 5_000_000
_VERDICTS: Mapping[Outcome, Verdict] = {
    "Allowed": "can",
    "ImplicitlyDenied": "cannot",
    "ExplicitlyDenied": "cannot",
    "Unknown": "unknown",
}


@dataclass(frozen=True, slots=True, kw_only=True)
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

    def __init__(self, now: int) -> None:
        self._now = now
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
                return Access(verdict="can", conditions=conditions, proof=opened)
        at_most = replace(search, friendly=True).found()
        if openings.complete and at_most.complete and at_most.request is None:
            return Access(verdict="cannot", proof=decision)
        why = evaluation.reason or openings.why or at_most.why or whole.reason
        return Access(verdict="unknown", why=why, proof=decision)
