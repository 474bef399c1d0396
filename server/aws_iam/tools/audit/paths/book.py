"""The powers of every principal, as it is and as changes make it: computed when asked for, once for all with the same policies.

PowerBook.of(estate).powers(number, state)   →   (Power(gain="principal", targets=…), …)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.identity.authorization import User
from aws_iam.engine.effective.escalation import escalation_paths
from aws_iam.engine.language.document import Kind
from aws_iam.tools.audit.access.decisions import Decider
from aws_iam.tools.audit.access.known_tags import KnownTags
from aws_iam.tools.audit.paths.actor import Actor
from aws_iam.tools.audit.paths.administrators import Administrators
from aws_iam.tools.audit.paths.assuming import (
    assumable_if_trusted,
    assumed_by_account,
    assumed_by_everyone,
    assumed_by_name,
    assumed_by_session,
    federated_by_own_metadata,
    let_in_by_trust,
)
from aws_iam.tools.audit.paths.changes import UNCHANGED, Changes, State
from aws_iam.tools.audit.paths.compute import Compute, existing_compute
from aws_iam.tools.audit.paths.credentials import Credentials, credentials_of_others
from aws_iam.tools.audit.paths.entities import Entities, bits, mask_of
from aws_iam.tools.audit.paths.identity_edits import identity_edits
from aws_iam.tools.audit.paths.new_groups import new_groups
from aws_iam.tools.audit.paths.new_identities import new_identities
from aws_iam.tools.audit.paths.organization_wide import organization_wide
from aws_iam.tools.audit.paths.passing import passed_roles
from aws_iam.tools.audit.paths.removals import Denying, removals
from aws_iam.tools.audit.paths.session_edits import session_edits
from aws_iam.tools.audit.paths.settled_tags import (
    OF_CALLERS,
    settled_tags,
    tag_keys,
    texts_of_resources,
)
from aws_iam.tools.audit.paths.trusts import Trusts
from aws_iam.tools.audit.principals.organization_policies import (
    levels_for_principal,
    policy_for_principal,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.tools.audit.access.estate import Estate, Principal
    from aws_iam.tools.audit.access.verdicts import Access
    from aws_iam.tools.audit.paths.powers import Power

# Policies that tell the principals that have them apart; by their tags they are told apart in any case.
_PERSONAL = re.compile(
    r'\$\{aws:(?!principaltag/)|"aws:(?:username|userid|principalarn|principaltype)"',
    re.IGNORECASE,
)


@dataclass(slots=True)
class PowerBook:
    """What each principal of the estate can do to others."""

    entities: Entities
    trusts: Trusts
    credentials: Credentials
    compute: Compute
    decider: Decider
    changes: Changes
    tags: KnownTags = field(default_factory=KnownTags)
    """Those that no path changes."""
    denying: Denying = field(default_factory=Denying)
    administrators: Administrators = field(default_factory=Administrators)
    asked_tags: frozenset[str] = frozenset()
    """The keys of tags of resources that others than the callers' policies ask for."""
    asks_tags: bool = False
    """Whether they ask for tags of the caller."""
    _shared: dict[Any, tuple[Power, ...]] = field(default_factory=dict)
    _powers: dict[tuple[int, State], tuple[Power, ...]] = field(default_factory=dict)
    _assumable: dict[Any, tuple[int, int]] = field(default_factory=dict)
    _strangers: dict[int, Access] = field(default_factory=dict)
    _keys: dict[tuple[int, State], Any] = field(default_factory=dict)
    _admin: dict[tuple[int, State], bool | None] = field(default_factory=dict)
    _idle: int | None = None
    _administrators: tuple[int, int] | None = None

    @classmethod
    def of(cls, estate: Estate) -> PowerBook:
        """The book of an estate."""
        entities = Entities.of(estate)
        changes = Changes(entities)
        tags = settled_tags(estate, entities)
        decider = Decider(estate, tags)
        beside = texts_of_resources(estate) if tags.callers or tags.resources else frozenset()
        return cls(
            entities=entities,
            trusts=Trusts.of(entities, tags),
            credentials=Credentials.of(estate, entities),
            compute=Compute.of(estate, entities, decider),
            decider=decider,
            changes=changes,
            tags=tags,
            administrators=Administrators(tags.callers),
            asked_tags=tag_keys(*beside),
            asks_tags=any(OF_CALLERS in text.lower() for text in beside),
            denying=Denying.of(entities, changes),
        )

    def powers(self, number: int, state: State = UNCHANGED) -> tuple[Power, ...]:
        """What a principal can do in one step."""
        key = (number, state)
        if key not in self._powers:
            actor = self.actor(number, state)
            self._powers[key] = (
                *self._of_policies(actor, state),
                *assumed_by_name(actor, self.trusts),
                *assumed_by_session(actor, self.trusts),
            )
        return self._powers[key]

    def actor(self, number: int, state: State = UNCHANGED) -> Actor:
        """A principal with the policies that bind it."""
        principal = self.changes.of_principal(number, state)
        layers = self.decider.own_layers(principal)
        return Actor(
            number, principal, self.entities, self.decider, layers, self.tags, self.asked_tags
        )

    def unread(self, number: int) -> tuple[str, ...]:
        """What is not known of the policies that bind a principal, and why."""
        layers = self.decider.own_layers(self.entities.principals[number])
        return tuple(own.why_unread for own in layers.values() if own.why_unread)

    def is_administrator(self, number: int, state: State = UNCHANGED) -> bool | None:
        """Whether it is an administrator; None where that is not known."""
        key = (number, state)
        if key not in self._admin:
            principal = self.changes.of_principal(number, state)
            self._admin[key] = self.administrators.of(principal)
        return self._admin[key]

    def has_full_access(self, number: int, state: State = UNCHANGED) -> bool:
        """Whether it is known to be an administrator, as one that somebody creates is."""
        is_created = bool(self.entities.created >> number & 1)
        return is_created or bool(self.is_administrator(number, state))

    @property
    def idle(self) -> int:
        """The principals that can do nothing to anybody as they are."""
        if self._idle is None:
            people = self.entities.users | self.entities.roles | self.entities.sessions
            self._idle = mask_of(number for number in bits(people) if not self.powers(number))
        return self._idle

    @property
    def known_administrators(self) -> tuple[int, int]:
        """The principals that are administrators as they are, and those of whom nobody knows."""
        if self._administrators is None:
            people = self.entities.users | self.entities.roles | self.entities.sessions
            judged = {number: self.is_administrator(number) for number in bits(people)}
            self._administrators = (
                mask_of(number for number, own in judged.items() if own is True),
                mask_of(number for number, own in judged.items() if own is None),
            )
        return self._administrators

    def assumable(self, number: int, state: State) -> tuple[int, int]:
        """The roles that a principal could assume if their trust policies named it: for certain, and perhaps."""
        key = self._key(number, state)
        if key not in self._assumable:
            certain = possible = 0
            for roles, access in assumable_if_trusted(self.actor(number, state)):
                possible |= roles
                certain |= roles if access.verdict == "can" else 0
            self._assumable[key] = (certain, possible)
        return self._assumable[key]

    def open_to_strangers(self, roles: int) -> tuple[int, int]:
        """The roles that somebody outside could assume if their trust policies said so: for certain, and perhaps."""
        certain = possible = 0
        for number in bits(roles):
            if number not in self._strangers:
                self._strangers[number] = let_in_by_trust(self.decider, self.entities.arns[number])
            access = self._strangers[number]
            possible |= int(access.is_possible) << number
            certain |= int(access.verdict == "can") << number
        return certain, possible

    def _of_policies(self, actor: Actor, state: State) -> tuple[Power, ...]:
        is_able = _may_have_powers(actor.principal)
        if not is_able and not self.trusts.everyone:
            return ()
        key = self._key(actor.number, state)
        if key not in self._shared:
            actor.is_personal = key[0] >= 0
            self._shared[key] = (
                *assumed_by_everyone(actor, self.trusts),
                *(self._found(actor) if is_able else ()),
            )
        return self._shared[key]

    def _found(self, actor: Actor) -> Iterator[Power]:
        yield from assumed_by_account(actor, self.trusts)
        yield from credentials_of_others(actor, self.credentials)
        yield from identity_edits(actor)
        yield from removals(actor, self.denying)
        yield from federated_by_own_metadata(actor, self.trusts)
        yield from new_identities(actor)
        yield from new_groups(actor)
        yield from passed_roles(actor, self.trusts, self.compute)
        yield from existing_compute(actor, self.compute)
        yield from session_edits(actor)
        yield from organization_wide(actor)

    def _key(self, number: int, state: State) -> Any:
        """What decides about a principal's powers: those with the same key have the same."""
        known = (number, state)
        if known not in self._keys:
            self._keys[known] = self._made_key(number, self.changes.of_principal(number, state))
        return self._keys[known]

    def _made_key(self, number: int, principal: Principal) -> Any:
        guardrails, held, arn = principal.member.guardrails, principal.held, principal.arn
        organization, tags = guardrails.organization, self.tags.callers.get(principal.arn)
        texts = tuple(
            sorted(
                policy_for_principal(own.text, arn, organization, Kind.IDENTITY, tags)
                for own in held.policies
            )
        )
        boundary = held.boundary and policy_for_principal(
            held.boundary.text, arn, organization, Kind.IDENTITY, tags
        )
        scps = levels_for_principal(guardrails.scps, arn, organization, tags)
        session = principal.session
        limits = () if session is None else tuple(own.text for own in session.policies)
        every = [*texts, boundary or "", *(text for level in scps for text in level), *limits]
        return (
            number if any(map(_PERSONAL.search, every)) else -1,
            # Conditions on tags alone are decided by now.
            frozenset(tags.items()) if tags is not None and self._ask_tags(every) else None,
            principal.member.account.id,
            isinstance(principal.identity, User),
            self.decider.keys.of_principal(principal),
            texts,
            boundary,
            held.has_boundary,
            scps,
            held.unread,
            session and (limits, session.unread),
        )

    def _ask_tags(self, texts: Iterable[str]) -> bool:
        return self.asks_tags or any(OF_CALLERS in text.lower() for text in texts)


def _may_have_powers(principal: Principal) -> bool:
    """Whether its policies name any action of a path, by their text: most principals' do not."""
    return bool(principal.held.unread) or any(
        _relevant().search(own.text) for own in principal.held.policies
    )


@cache
def _relevant() -> re.Pattern[str]:
    services = {action.partition(":")[0] for path in escalation_paths() for action in path.actions}
    named = "|".join(sorted(map(re.escape, services)))
    # A wildcard in the service, everything but something, or a policy whose JSON hides its text.
    return re.compile(rf'"(?:{named}):|"[a-z0-9-]*[*?]|NotAction|\\u', re.IGNORECASE)
