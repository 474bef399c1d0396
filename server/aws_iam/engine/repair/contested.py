"""Requests with the same action and resource of which one must be allowed and another must not, and what tells them apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.repair.requirements import (
    OF_RESOURCES,
    Cell,
    Effect,
    entries_of,
    statement_for,
    takes,
)
from aws_iam.engine.repair.separation import NOTHING, Separator, differs, separator
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Kind
    from aws_iam.engine.repair.judge import Judge
    from aws_iam.engine.repair.requirements import Requirement

_WITH_VARIABLES = "2012-10-17"
_Place = tuple[str, tuple[str, ...]]


class Contested:
    """All requests of both sides, by their action and resource."""

    def __init__(self, requirements: Iterable[Requirement], judge: Judge) -> None:
        self._judge = judge
        self._found: dict[tuple[Effect, _Place], list[Requirement]] = {}
        self._allowed_patterns: list[Requirement] = []
        for own in requirements:
            if not own.is_pattern:
                self._found.setdefault((own.effect, self._place(own)), []).append(own)
            elif own.effect is Effect.ALLOW:
                self._allowed_patterns.append(own)

    def _place(self, requirement: Requirement) -> _Place:
        return requirement.actions[0].lower(), entries_of(requirement, self._judge.kind)

    def others(self, requirement: Requirement) -> Sequence[Requirement]:
        """The requests at the same place that must be decided otherwise."""
        if requirement.is_pattern:
            return ()
        other = Effect.DENY if requirement.effect is Effect.ALLOW else Effect.ALLOW
        found = self._found.get((other, self._place(requirement)), ())
        return (*found, *self.in_patterns(requirement))

    def in_patterns(self, requirement: Requirement) -> Sequence[Requirement]:
        """The requests at the same place that allowed patterns stand for: in the context of the pattern, mostly in none."""
        request = requirement.request
        if requirement.effect is Effect.ALLOW or requirement.is_pattern or request is None:
            return ()
        return [
            replace(
                requirement,
                effect=Effect.ALLOW,
                pointer=own.pointer,
                given=own.given,
                names_caller=own.names_caller,
                request=_in_context_of(request, own),
            )
            for own in self._allowed_patterns
            if takes(own, request.action, request.resource)
        ]

    def same(self, requirement: Requirement) -> Requirement | None:
        """A request that must be decided otherwise, and that nothing in a policy tells from this one."""
        kind = self._judge.kind
        return next(
            (o for o in self.others(requirement) if not are_apart(requirement, o, kind)), None
        )

    def separator_in(self, statement: Mapping[str, Any], requirement: Requirement) -> Separator:
        """What tells a request that is to be exempt from a Deny from those that the Deny has to keep; nothing if that is all."""
        found = self._separator(statement, requirement)
        return found if isinstance(found, Separator) else NOTHING

    def apart(self, cell: Cell) -> Cell | Requirement:
        """The cell with conditions, if a statement for it would take other requests; or the one that it cannot do without."""
        found = self._separator(statement_for(cell, self._judge.kind), cell.requirement)
        if not isinstance(found, Separator):
            return found
        if not found.limits:
            return cell
        who = {**cell.who, "Condition": found.block(cell.who.get("Condition"))}
        return replace(cell, who=who)

    def _separator(
        self, statement: Mapping[str, Any], requirement: Requirement
    ) -> Separator | Requirement:
        pairs: list[tuple[Request, Request]] = []
        taken: list[Requirement] = []
        for own in self.others(requirement):
            mine, theirs = of_one_caller(requirement, own)
            if mine and theirs and self._judge.applies(statement, replace(own, request=theirs)):
                pairs.append((mine, theirs))
                taken.append(own)
        if not pairs:
            return NOTHING
        found = separator(pairs)
        if isinstance(found, int):
            return taken[found]
        return found.escaped() if self._judge.version == _WITH_VARIABLES else found


def of_one_caller(one: Requirement, other: Requirement) -> tuple[Request | None, Request | None]:
    """Both requests; where only one names its caller, the other stands for that caller, too."""
    mine, theirs = one.request, other.request
    if mine and theirs and one.names_caller and not other.names_caller:
        theirs = _by(theirs, mine)
    elif mine and theirs and other.names_caller and not one.names_caller:
        mine = _by(mine, theirs)
    return mine, theirs


def _by(request: Request, other: Request) -> Request:
    try:
        return request_of({**request.given, "principal": other.given["principal"]})
    except InputError:
        # It says of its caller what is not so of this one.
        return request


def _in_context_of(request: Request, pattern: Requirement) -> Request | None:
    """The request as one that a pattern stands for."""
    plain = pattern.request
    if plain is None:
        return None
    who = plain.given["principal"] if pattern.names_caller else request.given["principal"]
    fields = {**request.given, "principal": who, "context": plain.given.get("context", {})}
    try:
        return request_of(fields)
    except InputError:
        return None


def are_apart(one: Requirement, other: Requirement, kind: Kind) -> bool:
    """Whether a policy can tell two requests at the same place apart."""
    mine, theirs = of_one_caller(one, other)
    if mine is None or theirs is None:
        return False
    named = kind in OF_RESOURCES and mine.caller.arn != theirs.caller.arn
    return named or differs(mine, theirs)
