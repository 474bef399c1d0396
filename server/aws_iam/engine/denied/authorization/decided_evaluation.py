"""One evaluation of AWS's record with our decision on its captured policies, for the comparison of its checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.denied.policy_documents import DocumentPlace
from aws_iam.engine.evaluation.caller import Grade
from aws_iam.engine.evaluation.matching import Matcher
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Decision
    from aws_iam.engine.denied.authorization.applied_policies import AppliedPolicies
    from aws_iam.engine.denied.authorization.record import (
        AuthorizationCheck,
        AuthorizationEvaluation,
        MatchedPolicy,
        RecordedPolicy,
    )
    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.engine.evaluation.matching import Hit
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Statement


@slotted
class DecidedEvaluation:
    """The request of an evaluation, its layers, the statements that apply and the decision; `partial` as in `may_leave_out`."""

    evaluation: AuthorizationEvaluation
    policies: AppliedPolicies
    request: Request
    layers: Layers
    hits: tuple[Hit, ...]
    decision: Decision
    partial: str = ""

    def hits_of(self, layer: str, target: str = "") -> tuple[Hit, ...]:
        """The statements of a layer that apply, of one level where the layer has levels."""
        targets = self.policies.targets.get(layer, ())
        level = targets.index(target) if target in targets else None
        return tuple(
            hit
            for hit in self.hits
            if hit.placed.layer == layer and (level is None or hit.level == level)
        )

    def missing(self, layer: str, target: str) -> Iterator[str]:
        """What the record lacks for a check of a layer."""
        for part in self.policies.missing:
            if part.concerns(layer, target):
                yield part.why
        if self.partial:
            yield self.partial

    @property
    def own_grade(self) -> Grade:
        """The grade of the resource's Allow where that replaces the caller's own policies: within one account."""
        if self.request.crosses_accounts:
            return Grade.NONE
        grades = (
            hit.grade for hit in self.hits_of("resource") if hit.statement.allows and hit.sure
        )
        return max(grades, default=Grade.NONE)

    def policy_at(self, pointer: str) -> RecordedPolicy:
        """The policy at a place of the layers."""
        spot = DocumentPlace.of(pointer)
        return self.policies.places[spot.layer][spot.level][spot.number]

    def unapplied(self, check: AuthorizationCheck) -> Iterator[str]:
        """The statements that AWS says matched and that do not apply by our reading, and what does not match."""
        for matched in check.matched:
            statements = [
                (placed.pointer, row.statement)
                for placed in self.layers.all()
                if self.policy_at(placed.pointer).uri == matched.uri
                for row in placed.statements
            ]
            if statements:
                yield from self._unapplied(matched, statements)

    def _unapplied(
        self, matched: MatchedPolicy, statements: list[tuple[str, Statement]]
    ) -> Iterator[str]:
        applying = {id(hit.statement) for hit in self.hits}
        made_up: dict[str, list[str]] = {}
        for named in dict.fromkeys(matched.statements):
            meant = [
                found
                for found in statements
                if _sid(found[1]) == named.sid and _has_effect(found[1], named.effect)
            ]
            if not named.sid or not meant:
                # A Sid that no statement has is one that AWS made up: any statement without a Sid may be meant.
                made_up.setdefault(named.effect, []).append(named.sid)
            elif not any(id(statement) in applying for _, statement in meant):
                name = f"the {named.effect} statement {quoted(named.sid)}"
                yield self._otherwise(matched, name, meant)
        for effect, sids in made_up.items():
            meant = [f for f in statements if not _sid(f[1]) and _has_effect(f[1], effect)]
            shown = joined([quoted(sid) for sid in sids], shown=3)
            if len(meant) < len(sids):
                yield f"AWS names the {effect} statement {shown} of {quoted(matched.uri)}, which the captured document lacks"
            elif sum(id(statement) in applying for _, statement in meant) < len(sids):
                yield self._otherwise(matched, f"a statement without a Sid ({effect})", meant)

    def _otherwise(
        self, matched: MatchedPolicy, name: str, meant: list[tuple[str, Statement]]
    ) -> str:
        reasons = dict.fromkeys(self.why_not_applying(*found) for found in meant)
        return (
            f"AWS says that {name} of {quoted(matched.uri)} matched; by our reading"
            f" {joined(list(reasons), last='or', shown=3)}"
        )

    def why_not_applying(self, pointer: str, statement: Statement) -> str:
        """What keeps a statement from applying to the request, in words."""
        indexed = [
            row
            for policy in self.layers.all()
            if policy.pointer == pointer
            for row in policy.statements
            if row.statement is statement
        ]
        if not any(row.takes(self.request.action.lower()) for row in indexed):
            return "its Action does not include the action"
        forced = {condition.name: True for condition in statement.conditions}
        hits = Matcher(self.request, self.layers, forced).hits()
        if not any(hit.statement is statement for hit in hits):
            return "its Resource or Principal does not match"
        keys = list(dict.fromkeys(condition.key.value for condition in statement.conditions))
        absent = [quoted(key) for key in keys if not self.request.context.has(key)]
        if absent:
            return f"its condition is not met: the record has no value of {joined(absent)}"
        return f"its condition on {joined([quoted(key) for key in keys])} is not met by the record's values"


def _sid(statement: Statement) -> str:
    return statement.sid.value if statement.sid else ""


def _has_effect(statement: Statement, effect: str) -> bool:
    return statement.denies if effect == "DENY" else effect != "ALLOW" or statement.allows
