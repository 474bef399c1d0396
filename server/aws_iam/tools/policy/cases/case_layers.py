"""The layers of a case for `evaluate`, and what their statements are called and where they stand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aws_iam.answer import Decision, Where
from aws_iam.engine.evaluation.deployment_values import (
    most_and_least,
    open_statements,
    open_values,
)
from aws_iam.engine.evaluation.evaluate import Evaluation, evaluate_request
from aws_iam.engine.evaluation.layers import LEVELLED, Layers, placed
from aws_iam.engine.language.document import Policy
from aws_iam.escape import escaped, quoted
from aws_iam.tools.policy.cases.asked_policies import AskedPolicies, policies_asked
from aws_iam.tools.policy.cases.cases_file import at_place
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.answer import Because
    from aws_iam.engine.evaluation.layers import PlacedPolicy
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Source
    from aws_iam.tools.policy.cases.asked_policies import AskedPolicy

_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLayers:
    """The layers, read as they allow the most and as they allow the least: the same where every value is known."""

    most: Layers
    least: Layers
    sources: dict[str, Source]
    # The statements with values that are known only at deployment, by the place of their policy.
    open: dict[str, frozenset[str]] = field(default_factory=dict)
    # Why nothing is known of a layer.
    unknown: dict[str, str] = field(default_factory=dict)
    # The same layers as the conditions of templates may make them otherwise.
    otherwise: tuple[CaseLayers, ...] = ()

    @classmethod
    def of(cls, asked: AskedPolicies) -> CaseLayers:
        """The layers of the policies that a case asks."""
        every = tuple(policies_asked(asked))
        unknown = dict.fromkeys(asked.unreadable, "it was given as null")
        readings: dict[str, tuple[Policy, Policy]] = {}
        for own in every:
            if not isinstance(own.source.content, Policy):
                continue
            both = (own.source.content,) * 2
            if own.source.unresolved:
                known = most_and_least(own.source)
                if known is None:
                    unknown[own.layer] = "a whole statement of it is known only at deployment"
                both = known or both
            readings[own.pointer] = both
        most, least = (
            _layers(
                asked, every, {place: both[number] for place, both in readings.items()}, unknown
            )
            for number in (0, 1)
        )
        return cls(
            most=most,
            least=least,
            sources={own.pointer: own.source for own in every},
            open={own.pointer: found for own in every if (found := open_statements(own.source))},
            unknown=unknown,
            otherwise=tuple(map(cls.of, _otherwise(asked))),
        )

    @property
    def names_of_layers(self) -> frozenset[str]:
        """The layers that there are."""
        return frozenset(self.most.levels)

    def evaluation(self, request: Request) -> Evaluation:
        """The decision that holds whatever the values and the conditions of templates are; Unknown where there is none."""
        found = self._evaluation(request)
        is_allowed = found.decision.outcome == "Allowed"
        for other in self.otherwise:
            own = other.evaluation(request).decision.outcome
            if own == "Unknown" or (own == "Allowed") is not is_allowed:
                reason = (
                    "it depends on conditions of the template that are known only at deployment"
                )
                unknown = replace(found.decision, outcome="Unknown", because=(), decided_by=())
                return Evaluation(decision=unknown, reason=reason)
        return found

    def _evaluation(self, request: Request) -> Evaluation:
        most = evaluate_request(request, self.most)
        if not self.open or most.decision.outcome != "Allowed":
            # Refused in any reading; the most permissive one names the layers that certainly block.
            return self._explained(most)
        least = evaluate_request(request, self.least)
        if least.decision.outcome == "Allowed":
            return least
        because = [*most.decision.because, *least.decision.because]
        return Evaluation(
            decision=Decision(
                outcome="Unknown",
                blocked_by=least.decision.blocked_by,
                consulted_keys=least.decision.consulted_keys,
                missing_keys=least.decision.missing_keys,
            ),
            reason="it depends on what is known only at deployment: "
            + joined(list(self._open_among(because)), shown=_SHOWN),
        )

    def _explained(self, found: Evaluation) -> Evaluation:
        if found.decision.outcome != "Unknown" or not self.unknown:
            return found
        why = joined([f"of the layer {layer}, {why}" for layer, why in self.unknown.items()])
        return replace(found, reason=f"it depends on what cannot be known: {why}")

    def _open_among(self, because: Iterable[Because]) -> Iterator[str]:
        for own in dict.fromkeys(because):
            if own.pointer in self.open.get(own.policy, ()):
                values = open_values(self.sources[own.policy], own.pointer)
                parts = [
                    quoted(word) + (f" in {quoted(text)}" if word != text else "")
                    for text, word in values.items()
                ]
                yield f"{joined(parts, shown=_SHOWN)} of {self.named(own)}"

    def names(self, because: Iterable[Because]) -> dict[str, str]:
        """What a case may call the statements, their Sids and their pointers, each with the best name."""
        found: dict[str, str] = {}
        for own in because:
            sid = self._sid(own)
            found |= {own.pointer: sid or own.pointer, **({sid: sid} if sid else {})}
        return found

    def named(self, own: Because) -> str:
        """A statement in words, with its place: the Deny `OnlyTls` of identity (main.tf:12:3)."""
        called = quoted(self._sid(own) or own.pointer)
        name = self.sources[own.policy].name
        policy = f"{escaped(name)}, " if name and not name.startswith("/") else ""
        return f"the {own.effect} {called} of {own.layer} ({policy}{at_place(self.where(own))})"

    def where(self, own: Because) -> Where:
        """Where the statement stands: in its file, or in the place of its policy."""
        source = self.sources[own.policy]
        for statement in source.content.statements if isinstance(source.content, Policy) else ():
            if statement.node.at.pointer == own.pointer:
                where = statement.node.where
                file = where.file or source.file
                if file:
                    return replace(where, file=file)
                if where.line:
                    return where
        return Where(pointer=f"{own.policy}{own.pointer}")

    def _sid(self, own: Because) -> str:
        content = self.sources[own.policy].content
        for statement in content.statements if isinstance(content, Policy) else ():
            if statement.node.at.pointer == own.pointer and statement.sid:
                return statement.sid.text
        return ""


def _otherwise(asked: AskedPolicies) -> Iterator[AskedPolicies]:
    """The policies with each of the other readings of those that have such."""
    for number in range(max((len(own.others) for own in asked.policies), default=0)):
        swapped = tuple(
            replace(
                own,
                source=own.others[number] if number < len(own.others) else own.source,
                others=(),
            )
            for own in asked.policies
        )
        yield replace(asked, policies=swapped)


def _layers(
    asked: AskedPolicies,
    every: Iterable[AskedPolicy],
    readings: dict[str, Policy],
    unknown: dict[str, str],
) -> Layers:
    levels: dict[str, dict[int, list[PlacedPolicy]]] = {layer: {} for layer in asked.layers}
    for own in every:
        if own.pointer in readings and own.layer not in unknown:
            policy = placed(readings[own.pointer], own.layer, own.pointer, own.source.name)
            levels[own.layer].setdefault(own.level, []).append(policy)
    return Layers(
        levels={
            layer: tuple(tuple(found[level]) for level in sorted(found))
            if layer in LEVELLED or layer in unknown
            else (tuple(found.get(0, ())),)
            for layer, found in levels.items()
        },
        unreadable=frozenset(unknown),
    )
