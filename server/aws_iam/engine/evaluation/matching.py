"""Which statements apply to a request. The answer is None where it cannot be known, such as for an unknown operator."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.caller import CallerKind, Grade
from aws_iam.engine.evaluation.conditions import condition_holds
from aws_iam.engine.evaluation.context import substituted, with_stand_ins
from aws_iam.engine.language.frozen import positional, slotted
from aws_iam.engine.language.pattern import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.engine.evaluation.layers import Layers, PlacedPolicy
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Condition, Statement

_FIELDS = 6
# The reference lists no resource type for this action, yet an example of AWS limits it to this ARN:
# IAM User Guide, reference_policies_elements_condition_operators.
_UNCERTAIN = ("s3:listallmybuckets", "arn:aws:s3:::*")


@slotted
class Hit:
    """A statement that applies to the request; `sure` is False when that cannot be known."""

    placed: PlacedPolicy
    statement: Statement
    grade: Grade
    sure: bool
    level: int


@positional
class Matcher:
    """Matches one request with the policies of its layers.

    `forced` says whether all conditions on a key, given in lower case, hold.
    """

    request: Request
    layers: Layers
    forced: Mapping[str, bool] = field(default_factory=dict)

    def hits(self) -> tuple[Hit, ...]:
        """The statements of all layers that apply to the request."""
        action = self.request.action.lower()
        found = (
            self._hit(placed, statement.statement, number)
            for levels in self.layers.levels.values()
            for number, level in enumerate(levels)
            for placed in level
            for statement in placed.statements
            if statement.takes(action)
        )
        return tuple(hit for hit in found if hit)

    def _hit(self, placed: PlacedPolicy, statement: Statement, level: int) -> Hit | None:
        grade, sure = self._grade(placed, statement)
        taken = self._takes_resource(placed, statement) if grade else False
        met = False if taken is False else self._meets(placed, statement)
        if met is False:
            return None
        sure = sure and taken is True and met is True
        return Hit(placed=placed, statement=statement, grade=grade, sure=sure, level=level)

    def _grade(self, placed: PlacedPolicy, statement: Statement) -> tuple[Grade, bool]:
        """How closely a statement names the caller; policies attached to principals name nobody and mean whoever has them."""
        if placed.layer not in {"resource", "vpc_endpoint", "rcp"}:
            return Grade.DIRECT, True
        caller = self.request.caller
        if statement.has("NotPrincipal"):
            # AWS denies a caller that has a permissions boundary even where NotPrincipal lists it.
            bounded = statement.denies and "boundary" in self.layers
            left_out = not bounded and caller.is_left_out(statement.not_principals)
            return (Grade.NONE if left_out else Grade.DIRECT), True
        grade = caller.grade(statement.principals)
        # A canonical user id belongs to an account, but a request does not say to which.
        unknown = not grade and any(p.type == "CanonicalUser" for p in statement.principals)
        if unknown and caller.kind in {CallerKind.USER, CallerKind.SESSION, CallerKind.ROOT}:
            return Grade.ACCOUNT, False
        if not grade and caller.may_be(statement.principals):
            return Grade.ROLE, False
        return grade, True

    def _takes_resource(self, placed: PlacedPolicy, statement: Statement) -> bool | None:
        named, unnamed = statement.resource_words, statement.not_resource_words
        if named and not unnamed:
            return self._any_resource(placed, named)
        if statement.has("NotResource"):
            found = self._any_resource(placed, unnamed)
            return None if found is None else not found
        if statement.has("Resource"):
            return self._any_resource(placed, named)
        # The policy of a role or a repository means its own resource; in a key policy a statement without Resource has no effect.
        return placed.layer == "resource" and self.request.service != "kms"

    def _any_resource(self, placed: PlacedPolicy, entries: Iterable[str]) -> bool | None:
        resource = with_stand_ins(self.request.resource) if self.request.resource != "*" else "*"
        doubted = False
        for entry in entries:
            pattern = self._pattern(placed, entry)
            if pattern is not None and matches(pattern, resource):
                return True
            doubted |= (self.request.action.lower(), entry) == _UNCERTAIN
        return None if doubted else False

    def _pattern(self, placed: PlacedPolicy, text: str) -> str | None:
        """The entry as a pattern; None when one of its variables has no value, so that it matches nothing."""
        if text.startswith("arn:") and (missing := _FIELDS - 1 - text.count(":")) > 0:
            text += ":*" * missing
        if placed.has_variables and "${" in text:
            return substituted(text, self.request.context, escaped=True)
        return text

    def _meets(self, placed: PlacedPolicy, statement: Statement) -> bool | None:
        # Evaluates all conditions, even after one that fails, so that every key counts as looked at.
        held = [self._holds(placed, condition) for condition in statement.conditions]
        if False in held:
            return False
        return None if None in held else True

    def _holds(self, placed: PlacedPolicy, condition: Condition) -> bool | None:
        forced = self.forced.get(condition.name) if self.forced else None
        if forced is not None:
            return forced
        return condition_holds(condition, self.request.context, variables=placed.has_variables)
