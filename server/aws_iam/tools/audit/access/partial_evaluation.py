"""Partial evaluation: what the policies say of a request whose resource is a pattern, or of whose keys some are open.

    partial_verdict(request, layers, is_open)   →   Allowed whatever they are | refused whatever they are | Unknown

A statement that applies for some of the resources or values only is a hit with a doubt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.conditions import condition_holds
from aws_iam.engine.evaluation.context import substituted
from aws_iam.engine.evaluation.evaluate import verdict_of_extremes
from aws_iam.engine.evaluation.matching import UNDOCUMENTED, Hit, Matcher
from aws_iam.engine.language.arn import of_requested_api
from aws_iam.engine.language.pattern import covers, intersects
from aws_iam.engine.language.variables import variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aws_iam.engine.evaluation.context import Context
    from aws_iam.engine.evaluation.decision_flow import Verdict
    from aws_iam.engine.evaluation.layers import Layers, PlacedPolicy
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Condition

_COLONS = 5
_OPEN = "its conditions may hold or not"


def partial_verdict(
    request: Request, layers: Layers, is_open: Callable[[str], bool]
) -> tuple[Verdict, tuple[Hit, ...]]:
    """The verdict that holds for all resources and values, else Unknown; and the statements that may apply.

    `is_open` says whether a condition key, given in lower case, may have any value in the request or be absent.
    """
    hits = _PartialMatcher(request, layers, is_open).hits()
    return verdict_of_extremes(request, layers, hits), hits


def why_undecided(request: Request, layers: Layers, hits: tuple[Hit, ...]) -> str:
    """Why those statements leave the verdict open: conditions on open keys are no gap in what AWS documents."""
    told = tuple(
        replace(hit, doubt=_OPEN)
        if hit.doubt == UNDOCUMENTED and _is_open_only(hit, request)
        else hit
        for hit in hits
    )
    return verdict_of_extremes(request, layers, told).reason


def _is_open_only(hit: Hit, request: Request) -> bool:
    variables = hit.placed.has_variables
    held = (
        condition_holds(own, request.context, variables=variables)
        for own in hit.statement.conditions
    )
    return all(own is not None for own in held)


def known_pattern(
    text: str, context: Context, is_open: Callable[[str], bool]
) -> tuple[str | None, bool]:
    """A resource of a policy with what its variables stand for, any text for open keys; and whether none was open.

    None where a variable has no value, so that the resource matches nothing.
    """
    if text.startswith("arn:") and (missing := _COLONS - text.count(":")) > 0:
        text += ":*" * missing
    if "${" not in text:
        return text, True
    exact = True
    for variable in variables(text):
        if is_open(variable.name.lower()):
            text, exact = text.replace(variable.text, "?*"), False
    return substituted(text, context, escaped=True), exact


class _PartialMatcher(Matcher):
    """A Matcher that knows neither the open keys nor which resource of the pattern is meant."""

    def __init__(self, request: Request, layers: Layers, is_open: Callable[[str], bool]) -> None:
        super().__init__(request, layers)
        self.is_open = is_open

    def _any_resource(self, placed: PlacedPolicy, entries: Iterable[str]) -> bool | None:
        wanted = self.request.resource
        if wanted == "*":
            return super()._any_resource(placed, entries)
        possible = False
        for entry in entries:
            pattern, exact = self._known(placed, of_requested_api(entry, wanted))
            if pattern is None:
                continue
            if exact and covers(pattern, wanted):
                return True
            possible = possible or intersects(pattern, wanted)
        return None if possible else False

    def _known(self, placed: PlacedPolicy, entry: str) -> tuple[str | None, bool]:
        if not placed.has_variables:
            return entry, True
        return known_pattern(entry, self.request.context, self.is_open)

    def _holds(self, placed: PlacedPolicy, condition: Condition) -> bool | None:
        if self.is_open(condition.name):
            return None
        if placed.has_variables and any(
            self.is_open(variable.name.lower())
            for value in condition.values
            for variable in variables(value.value)
        ):
            return None
        return super()._holds(placed, condition)
