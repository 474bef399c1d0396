"""A request for each Deny statement, which would be allowed without it: a case that fails when somebody takes the Deny away."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.clauses import Atoms
from aws_iam.engine.comparison.one_way_search import OneWaySearch, SideStatements
from aws_iam.engine.evaluation.request import request_of
from aws_iam.errors import InputError
from aws_iam.frozen import slotted
from aws_iam.tools.policy.cases.allowed_requests import granting_policies
from aws_iam.tools.policy.cases.judged_case import weaknesses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Policy
    from aws_iam.tools.policy.cases.case_layers import CaseLayers

MOST_DENIED = 20
"""Statements of which a request is written."""
_TRIED = 8


@slotted
class DeniedRequest:
    """A request that a statement denies, and the name of that."""

    request: Mapping[str, Any]
    statement: str
    layers: CaseLayers
    is_beside: bool = False


def denied_requests(
    policies: Sequence[Policy], tried: Sequence[CaseLayers]
) -> tuple[DeniedRequest, ...]:
    """One request for each Deny, decided by the first of the layers `tried` in which that Deny alone refuses it."""
    granting = granting_policies(policies)
    found: dict[str, DeniedRequest] = {}
    for without in islice(_without_one_deny(granting), MOST_DENIED):
        atoms = Atoms()
        sides = [SideStatements.of(own, atoms) for own in (without, granting)]
        search = OneWaySearch(atoms=atoms, policies=sides[0], without=sides[1]).search(_TRIED)
        own = next(_refused(search.requests, tried), None)
        if own:
            found.setdefault(own.statement, own)
    return tuple(found.values())


def _without_one_deny(granting: Sequence[Policy]) -> Iterator[tuple[Policy, ...]]:
    """The policies without each of their Deny statements."""
    for number, policy in enumerate(granting):
        for left_out in policy.statements:
            if left_out.denies:
                kept = tuple(own for own in policy.statements if own is not left_out)
                other = replace(policy, statements=kept)
                yield (*granting[:number], other, *granting[number + 1 :])


def _refused(
    requests: Sequence[Mapping[str, Any]], tried: Sequence[CaseLayers]
) -> Iterator[DeniedRequest]:
    for shown in requests:
        for number, layers in enumerate(tried):
            for name in _denying(shown["request"], layers):
                yield DeniedRequest(
                    request=shown["request"],
                    statement=name,
                    layers=layers,
                    is_beside=number > 0,
                )


def _denying(asked: Mapping[str, Any], layers: CaseLayers) -> Iterator[str]:
    """The name of the statement that alone denies a request that AWS may get."""
    try:
        request = request_of(asked)
    except InputError:
        return
    decision = layers.evaluation(request).decision
    if decision.outcome != "ExplicitlyDenied" or any(weaknesses(request, layers, decision)):
        return
    if len(decision.because) == 1:
        yield next(iter(layers.names(decision.because).values()))
