"""Who is an administrator: everything is allowed to it, within what the organization permits.

Administrators.of(principal)   →   True, False, or None where policies that were not read would decide
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.frozen import positional
from aws_iam.tools.audit.access.held_policies import HeldPolicies
from aws_iam.tools.audit.paths.changes import ANYTHING
from aws_iam.tools.audit.principals.admin_level import (
    ADMINISTRATOR,
    UNKNOWN,
    AdminLevel,
    AdminLevels,
    EffectivePolicies,
)
from aws_iam.tools.audit.principals.organization_policies import (
    Tags,
    levels_for_principal,
    policy_for_principal,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.language.document import Statement
    from aws_iam.tools.audit.access.estate import Principal
    from aws_iam.tools.audit.access.held_policies import SessionLimit

# An administrator may call them all; hardly anybody else may.
_SAMPLE = (
    "iam:putuserpolicy",
    "kms:schedulekeydeletion",
    "ec2:runinstances",
    "organizations:leaveorganization",
    "support:createcase",
)


@positional
class _Glance:
    """What a policy says at a glance: the actions of the sample that an Allow takes, whether one allows everything, any Deny."""

    taken: frozenset[str]
    is_full: bool = False
    denies: bool = True


@dataclass(slots=True)
class Administrators:
    """Judges principals; those with the same policies once."""

    tags: Mapping[str, Tags] = field(default_factory=dict)
    """The tags of principals, by ARN, as far as they are known."""
    _levels: AdminLevels = field(default_factory=AdminLevels)
    _glances: dict[str, _Glance] = field(default_factory=dict)
    _known: dict[EffectivePolicies, bool | None] = field(default_factory=dict)

    def of(self, principal: Principal) -> bool | None:
        """Whether it is an administrator; a session is one where its role is, and its session policies allow everything."""
        found = self._by_held(principal)
        if principal.session is None or found is False:
            return found
        limit = self._by_held(as_allowed_by(principal, principal.session))
        return limit if found else (limit and None)

    def _by_held(self, principal: Principal) -> bool | None:
        held = principal.held
        texts = tuple(sorted({own.text for own in held.policies}))
        taken = frozenset[str]().union(*(self._glance(text).taken for text in texts))
        if not held.unread and not taken.issuperset(_SAMPLE):
            return False
        if held.boundary and not self._glance(held.boundary.text).taken.issuperset(_SAMPLE):
            return False
        texts = self._without_more(texts)
        guardrails = principal.member.guardrails
        if texts == (ANYTHING,) and not (held.has_boundary or held.unread or guardrails.scps):
            return True
        effective = self._effective(principal, texts)
        if effective not in self._known:
            self._known[effective] = self._judged(effective)
        return self._known[effective]

    def level_of(self, principal: Principal) -> AdminLevel:
        """What its policies make it, in full; of a session, `actions` are those that its session policies allow too."""
        texts = tuple(sorted({own.text for own in principal.held.policies}))
        found = self._levels.by_policies(self._effective(principal, self._without_more(texts)))
        if principal.session is None or principal.session.unread:
            return found
        limit = self.level_of(as_allowed_by(principal, principal.session))
        return replace(found, actions=found.actions & limit.actions)

    def _without_more(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """The policies without what one that allows everything allows anyhow."""
        if not any(self._glance(text).is_full for text in texts):
            return texts
        return (ANYTHING, *(text for text in texts if self._glance(text).denies))

    def _judged(self, effective: EffectivePolicies) -> bool | None:
        kind = self._levels.by_policies(effective).kind
        if kind == ADMINISTRATOR:
            return True
        return None if kind == UNKNOWN or effective.unread else False

    def _effective(self, principal: Principal, texts: tuple[str, ...]) -> EffectivePolicies:
        guardrails, arn = principal.member.guardrails, principal.arn
        organization = guardrails.organization
        held = principal.held
        boundary = held.boundary.text if held.boundary else None
        tags = self.tags.get(arn)
        return EffectivePolicies(
            documents=tuple(
                policy_for_principal(text, arn, organization, Kind.IDENTITY, tags)
                for text in texts
            ),
            boundary=boundary
            and policy_for_principal(boundary, arn, organization, Kind.IDENTITY, tags),
            has_boundary=held.has_boundary,
            scps=levels_for_principal(guardrails.scps, arn, organization, tags),
            unread=held.unread,
        )

    def _glance(self, text: str) -> _Glance:
        if text not in self._glances:
            self._glances[text] = _glance_at(text)
        return self._glances[text]


def as_allowed_by(principal: Principal, limit: SessionLimit) -> Principal:
    """A principal that has the session policies as its own."""
    held = HeldPolicies(policies=limit.policies, unread=limit.unread)
    return replace(principal, held=held, session=None)


def _glance_at(text: str) -> _Glance:
    try:
        statements = one_policy(text, Kind.IDENTITY).statements
    except InputError:
        return _Glance(frozenset(_SAMPLE))
    allows = [IndexedStatement.of(own) for own in statements if own.allows]
    return _Glance(
        taken=frozenset(action for action in _SAMPLE if any(own.takes(action) for own in allows)),
        is_full=any(_is_full(own.statement) for own in allows),
        denies=any(own.denies for own in statements),
    )


def _is_full(statement: Statement) -> bool:
    return (
        not statement.conditions
        and "*" in [action.value for action in statement.actions]
        and "*" in statement.resource_words
    )
