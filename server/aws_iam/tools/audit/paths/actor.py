"""What one principal may do to others, decided by the engine for whole sets of targets at once.

    actor.allowed("iam:CreateAccessKey", entities.users)   →   (set of users, Access), …

Targets that the same statements match are decided alike, so one of them is asked about: the work grows with the statements,
not with the pairs of principals and targets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.context import Context, substituted
from aws_iam.engine.language.variables import without_variables
from aws_iam.tools.audit.access.known_tags import OF_RESOURCE
from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.paths.settled_tags import by_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.engine.evaluation.layers import IndexedStatement, PlacedPolicy
    from aws_iam.tools.audit.access.decisions import Decider
    from aws_iam.tools.audit.access.estate import Principal
    from aws_iam.tools.audit.access.known_tags import KnownTags
    from aws_iam.tools.audit.access.policy_layers import Layer
    from aws_iam.tools.audit.access.verdicts import Access
    from aws_iam.tools.audit.paths.entities import Entities

BOUNDARY_KEY, POLICY_KEY = "iam:PermissionsBoundary", "iam:PolicyARN"
_KEYS = frozenset({BOUNDARY_KEY.lower(), POLICY_KEY.lower()})
_ATTACHED_TO = ("identity", "boundary", "scp", "session")
# Statements whose resources depend on values that are not known tell their targets apart one by one.
_MOST_SINGLE = 200


@dataclass(slots=True)
class Actor:
    """A principal as it is, or as it is after changes, with the policies that bind it."""

    number: int
    principal: Principal
    entities: Entities
    decider: Decider
    layers: Mapping[str, Layer]
    tags: KnownTags
    asked_tags: frozenset[str] = frozenset()
    """The keys of tags of its targets, in lower case, that others than its own policies ask for."""
    is_personal: bool = False
    """Whether its policies tell it apart from others that have the same."""
    _taking: dict[str, tuple[tuple[PlacedPolicy, IndexedStatement], ...]] = field(
        default_factory=dict
    )
    _known: Context | None = None

    @property
    def account(self) -> str:
        """The id of its account."""
        return self.principal.member.account.id

    @property
    def partition(self) -> str:
        """Its partition, such as `aws`."""
        return self.principal.arn.split(":")[1]

    @property
    def lacking(self) -> frozenset[str]:
        """The condition keys that its requests never have, in lower case, by what it is."""
        return self.decider.keys.of_principal(self.principal)

    @property
    def own_account(self) -> int:
        """Everything in its account."""
        return self.entities.in_account[self.account]

    def takes(self, *actions: str) -> bool:
        """Whether an Allow of its identity policies names each of the actions: a cheap test before any decision."""
        return all(
            any(
                placed.layer == "identity" and own.statement.allows
                for placed, own in self.taking(action)
            )
            for action in actions
        )

    def taking(self, action: str) -> tuple[tuple[PlacedPolicy, IndexedStatement], ...]:
        """The statements that name an action, of all policies that bind the principal."""
        if action not in self._taking:
            lower = action.lower()
            self._taking[action] = tuple(
                (placed, own)
                for name in _ATTACHED_TO
                if name in self.layers
                for level in self.layers[name].levels
                for placed in level
                for own in placed.statements
                if own.takes(lower)
            )
        return self._taking[action]

    def granted(self, action: str) -> int:
        """What the Allow statements of its identity policies cover, as sets alone: no more than that can be allowed."""
        found = 0
        for placed, own in self.taking(action):
            if placed.layer == "identity" and own.statement.allows:
                found |= self._covered(placed, own)[0]
        return found

    def allowed(
        self,
        action: str,
        candidates: int,
        context: Mapping[str, str] | None = None,
        *,
        trust: str | None = None,
        splits: Iterable[int] = (),
    ) -> Iterator[tuple[int, Access]]:
        """The sets of candidates on which the action is allowed, or nobody knows; `splits` tell more of them apart."""
        known = dict(context or {})
        keys = self._tag_keys(action)
        parts = (
            alike
            for part in self._parts(action, candidates, splits)
            for alike in by_tags(self.tags, self.entities, part, keys)
        )
        for part in parts:
            for own, boundary in self._by_boundary(action, part, known):
                first = self.entities.arns[next(bits(own))]
                asked = known | ({BOUNDARY_KEY: boundary} if boundary else {})
                access = self.decider.decide_supposing(
                    self.principal, action, first, asked, absent=self._absent(asked), trust=trust
                )
                if access.is_possible:
                    yield own, access

    def proof(
        self,
        action: str,
        resource: str,
        context: Mapping[str, str] | None = None,
        trust: str | None = None,
        session: str = "",
    ) -> Access:
        """The decision on one resource, which need not be in the account; `session` is the ARN of a single session."""
        known = dict(context or {})
        number = self.entities.number.get(resource)
        if number is not None and BOUNDARY_KEY not in known:
            known |= {BOUNDARY_KEY: own} if (own := self._boundary_of(number)) else {}
        return self.decider.decide_supposing(
            self.principal,
            action,
            resource,
            known,
            absent=self._absent(known),
            trust=trust,
            session=session,
        )

    def condition_values(self, action: str, key: str) -> tuple[str, ...]:
        """The values that conditions on a key have, among the statements that name an action."""
        return tuple(
            dict.fromkeys(
                value.value
                for _, own in self.taking(action)
                for condition in own.statement.conditions
                if condition.name == key.lower()
                for value in condition.values
            )
        )

    def patterns(self, action: str) -> Iterator[str]:
        """The resources that its Allow statements name for an action."""
        for placed, own in self.taking(action):
            if placed.layer == "identity" and own.statement.allows:
                for text in own.statement.resource_words or ("*",):
                    yield without_variables(text, "*")

    @property
    def known(self) -> Context:
        """What variables stand for in the principal's policies."""
        if self._known is None:
            is_user = ":user/" in self.principal.arn
            names = {"aws:username": (self.principal.identity.name,)} if is_user else {}
            tags = self.tags.callers.get(self.principal.arn, {})
            names |= {f"aws:PrincipalTag/{key}": (value,) for key, value in tags.items()}
            self._known = Context(
                {
                    "aws:PrincipalAccount": (self.account,),
                    "aws:PrincipalArn": (self.principal.arn,),
                    **names,
                }
            )
        return self._known

    def _tag_keys(self, action: str) -> frozenset[str]:
        """The keys of tags of a target that decide, in lower case."""
        own = (
            condition.name.partition("/")[2]
            for _, own in self.taking(action)
            for condition in own.statement.conditions
            if condition.name.startswith(OF_RESOURCE)
        )
        return self.asked_tags.union(own)

    def _absent(self, known: Mapping[str, str]) -> frozenset[str]:
        return _KEYS - {key.lower() for key in known}

    def _parts(self, action: str, candidates: int, splits: Iterable[int]) -> list[int]:
        """The candidates by the statements that match them."""
        parts = [candidates] if candidates else []
        for placed, own in self.taking(action):
            mask, is_exact = self._covered(placed, own)
            parts = split(parts, mask)
            if not is_exact and (mask & candidates).bit_count() <= _MOST_SINGLE:
                for number in bits(mask & candidates):
                    parts = split(parts, 1 << number)
        for mask in splits:
            parts = split(parts, mask)
        return parts

    def _covered(self, placed: PlacedPolicy, own: IndexedStatement) -> tuple[int, bool]:
        """What the resources of a statement match, and whether that is exact."""
        statement = own.statement
        words = statement.resource_words or statement.not_resource_words
        found, exact = 0, True
        for word in words:
            mask, is_exact = self._matched(placed, word)
            found |= mask
            exact &= is_exact
        if statement.has("NotResource"):
            return ~found if exact else -1, exact
        return (found, exact) if statement.has("Resource") else (-1, True)

    def _matched(self, placed: PlacedPolicy, word: str) -> tuple[int, bool]:
        if not placed.has_variables or "${" not in word:
            return self.entities.matching(word), True
        text = substituted(word, self.known, escaped=True)
        if text is not None:
            return self.entities.matching(text), True
        wide = without_variables(word, "*")
        return self.entities.matching(wide), False

    def _by_boundary(
        self, action: str, part: int, known: Mapping[str, str]
    ) -> Iterator[tuple[int, str]]:
        """The part by the boundaries of its principals, where a condition asks for them."""
        if BOUNDARY_KEY in known or not self.condition_values(action, BOUNDARY_KEY):
            yield part, ""
            return
        by_boundary: dict[str, int] = {}
        for number in bits(part):
            boundary = self._boundary_of(number)
            by_boundary[boundary] = by_boundary.get(boundary, 0) | 1 << number
        for boundary, own in by_boundary.items():
            yield own, boundary

    def _boundary_of(self, number: int) -> str:
        principal = self.entities.principals.get(number)
        return (principal.identity.boundary or "") if principal else ""


def split(parts: list[int], mask: int) -> list[int]:
    """The sets, each in what is in another one and what is not."""
    found = []
    for part in parts:
        inside = part & mask
        if inside and inside != part:
            found += [inside, part ^ inside]
        else:
            found.append(part)
    return found
