"""Requirements that no policy meets together: an allowed and a denied request that nothing in a policy can tell apart.

    conflicts_of(allow, deny, judge)   →   (Conflict(allowed, denied, why), …)

Two requests are one where action, resource and caller are the same and no condition key has another value. A pattern stands for
every caller and context, so that whatever is in an allowed and in a denied one is in conflict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.document import Kind
from aws_iam.engine.repair.contested import Contested, are_apart
from aws_iam.engine.repair.requirements import (
    Effect,
    cells_of,
    region,
    takes,
)
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Policy
    from aws_iam.engine.repair.judge import Judge
    from aws_iam.engine.repair.requirements import Requirement


@slotted
class Conflict:
    """What cannot be met, and why: an allowed and a denied requirement, or one that no policy decides."""

    why: str
    allowed: Requirement | None = None
    denied: Requirement | None = None
    # The statement in the way, where one is.
    statement: str = ""
    # A request that is in both, where one of them is a pattern.
    request: Mapping[str, Any] | None = None

    def row(self) -> dict[str, Any]:
        """The conflict as a row of an answer."""
        sides = {"allowed": self.allowed, "denied": self.denied}
        found: dict[str, Any] = {
            name: {"pointer": own.pointer, **own.given} for name, own in sides.items() if own
        }
        found |= {"statement": self.statement} if self.statement else {}
        found |= {"request": dict(self.request)} if self.request else {}
        return {**found, "why": self.why}


def conflicts_of(
    allow: Sequence[Requirement], deny: Sequence[Requirement], judge: Judge
) -> tuple[Conflict, ...]:
    """Each pair of requirements that no policy meets together."""
    return (
        *_between_requests(allow, deny, judge),
        *_within_patterns(allow, deny),
        *_between_patterns(allow, deny, judge),
    )


def _requests(requirements: Iterable[Requirement]) -> Iterator[tuple[Requirement, Request]]:
    for own in requirements:
        if not own.is_pattern and own.request is not None:
            yield own, own.request


def _between_requests(
    allow: Sequence[Requirement], deny: Sequence[Requirement], judge: Judge
) -> Iterator[Conflict]:
    contested = Contested((*allow, *deny), judge)
    for own in allow:
        other = contested.same(own)
        if other is not None and own.request and other.request:
            yield Conflict(allowed=own, denied=other, why=_why_the_same(own, other))
    for own in deny:
        for other in contested.in_patterns(own):
            if not are_apart(own, other, judge.kind):
                why = "the pattern stands for this request, too, and no condition key has another value"
                yield Conflict(allowed=other, denied=own, why=why)


def _why_the_same(requirement: Requirement, denied: Requirement) -> str:
    request, other = requirement.request, denied.request
    if request is None or other is None or requirement.names_caller != denied.names_caller:
        return "action and resource are the same, one of them names no caller and so stands for all, and no condition key has another value"
    if request.resource != other.resource:
        return "the policy means its own resource, whichever the request names, and no condition key tells the requests apart"
    if request.caller.arn != other.caller.arn:
        return "action and resource are the same, and no condition key has another value: nothing else tells these callers apart"
    return "action, resource and caller are the same, and no condition key has another value"


def _within_patterns(
    allow: Sequence[Requirement], deny: Sequence[Requirement]
) -> Iterator[Conflict]:
    """The allowed requests that a denied pattern stands for."""
    for pattern in (own for own in deny if own.is_pattern):
        for own, request in _requests(allow):
            if takes(pattern, request.action, request.resource) and _share_callers(pattern, own):
                why = "the pattern stands for this request, too, whatever its context is"
                yield Conflict(allowed=own, denied=pattern, why=why)


def _share_callers(pattern: Requirement, other: Requirement) -> bool:
    """Whether a pattern stands for the callers of another requirement; in policies of a caller all are the same one."""
    mine, theirs = pattern.principal_arn, other.principal_arn
    return not mine or not theirs or mine == theirs


def _between_patterns(
    allow: Sequence[Requirement], deny: Sequence[Requirement], judge: Judge
) -> Iterator[Conflict]:
    wanted = [own for own in allow if own.is_pattern]
    refused = [own for own in deny if own.is_pattern]
    if not wanted or not refused or not _shared_request(wanted, refused, judge):
        return
    for own in wanted:
        for other in refused:
            request = _share_callers(own, other) and _shared_request([own], [other], judge)
            if request:
                both = " on ".join(map(quoted, request.values()))
                yield Conflict(
                    allowed=own,
                    denied=other,
                    why=f"both patterns stand for {both}",
                    request=request,
                )


def _shared_request(
    wanted: Iterable[Requirement], refused: Iterable[Requirement], judge: Judge
) -> Mapping[str, Any] | None:
    """The action and the resource of a request that patterns of both sides stand for; None where none is found."""
    found = judge.one_way((_anyone(wanted, judge),), within=(_anyone(refused, judge),))
    for own in found.differences:
        request = own.request["request"]
        # A trust policy means its own role, whichever the search names.
        names = ("action",) if judge.kind is Kind.TRUST else ("action", "resource")
        return {name: request[name] for name in names}
    return None


def _anyone(patterns: Iterable[Requirement], judge: Judge) -> Policy:
    found = (cells_of(own, judge.kind) for own in patterns)
    cells = [cell for own in found if isinstance(own, tuple) for cell in own]
    return judge.policy(region(cells, Effect.ALLOW, judge.kind, anyone=True))
