"""Which statements apply to a request. The answer is None where it cannot be known, such as for an unknown operator."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.caller import CallerKind, Grade
from aws_iam.engine.evaluation.conditions import condition_holds
from aws_iam.engine.evaluation.context import substituted, with_stand_ins
from aws_iam.engine.language.arn import Arn, of_requested_api
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.reference.corrections import is_authorised_on
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.engine.evaluation.layers import Layers, PlacedPolicy
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Condition, Statement

_FIELDS = 6
# AWS PrivateLink Guide, vpc-endpoints-access and vpce-gateway: gateway endpoints exist for these services only.
_WITH_GATEWAYS = frozenset({"s3", "s3express", "dynamodb"})
_GATEWAY = (
    "it applies if the endpoint is an interface; the policy of a gateway needs the principal `*`, which aws:PrincipalArn"
    " can narrow, and an account there means its root user alone"
)
_PATH = "the ARN of a session does not have the path of its role"
UNDOCUMENTED = "AWS does not document what its condition means"
"""The doubt about a statement with a condition that neither holds nor fails."""
_NOT_PRINCIPAL = "AWS no longer supports NotPrincipal with Allow, and this one names the caller"


@slotted
class Hit:
    """A statement that applies to the request; `doubt` says why that cannot be known, and is empty when it can."""

    placed: PlacedPolicy
    statement: Statement
    grade: Grade
    level: int
    doubt: str = ""

    @property
    def sure(self) -> bool:
        """Whether the statement certainly applies."""
        return not self.doubt


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
        grade, doubt = self._grade(placed, statement)
        taken = self._takes_resource(placed, statement) if grade else False
        met = False if taken is False else self._meets(placed, statement)
        if met is False:
            return None
        if taken is None:
            doubt = "AWS documents both that the action has no resource and that a policy can limit it to an ARN"
        elif met is None:
            doubt = UNDOCUMENTED
        doubt = doubt or placed.doubt
        return Hit(placed=placed, statement=statement, grade=grade, level=level, doubt=doubt)

    def _grade(self, placed: PlacedPolicy, statement: Statement) -> tuple[Grade, str]:
        """How closely a statement names the caller, and why that cannot be known.

        Policies attached to principals name nobody and mean whoever has them.
        """
        if placed.layer not in {"resource", "vpc_endpoint", "rcp"}:
            return Grade.DIRECT, ""
        caller = self.request.caller
        if statement.has("NotPrincipal"):
            return self._grade_of_others(statement)
        grade = caller.grade(statement.principals)
        if placed.layer == "vpc_endpoint" and grade and self._may_be_gateway(statement):
            return grade, _GATEWAY
        unknown = not grade and any(p.type == "CanonicalUser" for p in statement.principals)
        if unknown and caller.kind in {CallerKind.USER, CallerKind.SESSION, CallerKind.ROOT}:
            return Grade.ACCOUNT, "a canonical user id does not say which account it belongs to"
        if not grade and caller.may_be(statement.principals):
            return Grade.ROLE, _PATH
        return grade, ""

    def _grade_of_others(self, statement: Statement) -> tuple[Grade, str]:
        """The grade of a caller under NotPrincipal, which names everyone else."""
        caller, listed = self.request.caller, statement.not_principals
        # AWS denies a caller that has a permissions boundary even where NotPrincipal lists it.
        bounded = statement.denies and "boundary" in self.layers
        if not bounded and caller.is_left_out(listed):
            return Grade.NONE, ""
        if not bounded and caller.may_be(listed):
            return Grade.DIRECT, _PATH
        if statement.allows and caller.is_listed(listed):
            # It grants nothing by name; whether the caller's account counts as someone else is not documented.
            return Grade.ACCOUNT, _NOT_PRINCIPAL
        return Grade.DIRECT, ""

    def _may_be_gateway(self, statement: Statement) -> bool:
        """Whether the endpoint may be a gateway, whose policies read principals in another way."""
        everyone = any(principal.is_everyone for principal in statement.principals)
        root = self.request.caller.kind is CallerKind.ROOT
        return self.request.service in _WITH_GATEWAYS and not everyone and not root

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
            if self.request.resource == "*" and pattern:
                arn = Arn.of(pattern)
                doubted |= arn is not None and is_authorised_on(self.request.action, arn)
        return None if doubted else False

    def _pattern(self, placed: PlacedPolicy, text: str) -> str | None:
        """The entry as a pattern; None when one of its variables has no value, so that it matches nothing."""
        if text.startswith("arn:") and (missing := _FIELDS - 1 - text.count(":")) > 0:
            text += ":*" * missing
        text = of_requested_api(text, self.request.resource)
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
