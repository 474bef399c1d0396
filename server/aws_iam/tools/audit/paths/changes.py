"""What a principal can change about others or itself, and what somebody who is changed has afterwards.

Change(gain="inline", target=7)               the inline policies of number 7 say whatever the caller writes
Change(gain="default", target=9, what="v2")   version v2 of policy 9 is its default one
Changes(entities).of_principal(3, {…})        →   the policies that number 3 then has
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeVar

from aws_iam.account.collect.identity.authorization import Authorization, Group, Role, User
from aws_iam.engine.language.document import Kind
from aws_iam.engine.reference.managed_policies import managed_policy_of_arn
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.held_policies import HeldPolicies, NamedPolicy, PolicyHolders
from aws_iam.tools.audit.paths.entities import bits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from aws_iam.tools.audit.access.estate import Principal
    from aws_iam.tools.audit.paths.entities import Entities

Gain = Literal[
    "principal",  # acts as the targets
    "inline",  # writes inline policies of the targets
    "attached",  # attaches the policy `what` to the targets, or what a new group gives
    "version",  # writes the text of the targets, which are policies
    "default",  # makes `what` the default version of the targets, which are policies
    "group",  # adds any user of the account to the targets, which are groups
    "boundary",  # takes the boundary off the targets, or makes `what` their boundary
    "session",  # takes the session policy off the targets, which are sessions
    "removed",  # takes the policy `what` away from the targets, or their inline policies
    "left",  # takes any user out of the targets, which are groups
    "trust",  # writes the trust policies of the targets
    "resource",  # is let in by the policy of the resource `what`, which the target itself writes
]

ANYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
)
"""What somebody who may write a policy would write."""
FULL_ACCESS = "arn:aws:iam::aws:policy/AdministratorAccess"
UNKNOWN_VERSION = "?"
"""In the place of the id of a version: the others of the policy were not read."""
DENYING_INLINE = "its inline policies that deny something"
PURE_INLINE = "its inline policies that only deny"
"""Which inline policies are deleted."""
WRITTEN = "what it writes itself"
"""The name of a policy that is not there yet: whoever may write one writes it."""
_WRITTEN = NamedPolicy(WRITTEN, ANYTHING)


@slotted
class Change:
    """One change of one user, group, role or policy, by its number."""

    gain: Gain
    target: int
    what: str = ""


State = frozenset[Change]
"""The changes that decide what somebody has."""
UNCHANGED: State = frozenset()


_Identity = TypeVar("_Identity", bound=User | Role | Group)


@dataclass(slots=True)
class Changes:
    """Applies changes to the policies of principals."""

    entities: Entities
    _holders: dict[str, PolicyHolders] = field(default_factory=dict)

    def of_principal(self, number: int, state: State) -> Principal:
        """The principal as it is after the changes."""
        principal = self.entities.principals[number]
        if not state:
            return principal
        of = self.entities.identity_of(number)
        is_freed = any(own.gain == "session" and own.target == number for own in state)
        session = None if is_freed else principal.session
        return replace(principal, held=self._held(of, principal, state), session=session)

    def text_of(self, arn: str, account: str) -> str | None:
        """The text of a policy of AWS or of an account; None where it is not known."""
        number = self.entities.number.get(arn)
        if number is not None:
            return self.entities.policy[number].document
        if arn.rpartition("/")[2] == "AdministratorAccess":
            return ANYTHING
        if f"::{account}:policy/" in arn or f"::{account}:group/" in arn:
            # It does not exist: whoever creates it writes it.
            return ANYTHING
        for member in self.entities.member_of.values():
            if member.account.id == account and member.authorization is not None:
                for policy in member.authorization.policies:
                    if policy.arn == arn and policy.document is not None:
                        return policy.document
                break
        try:
            return managed_policy_of_arn(arn).document
        except InputError:
            return None

    def _held(self, number: int, principal: Principal, state: State) -> HeldPolicies:
        held = self._left_of(number, principal, state)
        unread = list(held.unread)
        policies = list(held.policies)
        for group in _targets(state, "group"):
            more = self._of_group(group, state)
            policies += more.policies
            unread += more.unread
        groups = set(bits(self.entities.groups_of[number])) - set(_targets(state, "left"))
        mine = {number, *groups, *_targets(state, "group")}
        for change in _sorted(state):
            if change.gain == "inline" and change.target in mine:
                start = self._inline_name(change.target)
                policies = [own for own in policies if not own.name.startswith(start)]
                policies.append(_WRITTEN)
            elif change.gain == "attached" and change.target in mine:
                text = self.text_of(change.what, principal.member.account.id)
                if text is None:
                    unread.append(f"policy {quoted(change.what.rpartition('/')[2])}")
                else:
                    policies.append(NamedPolicy(change.what, text))
            elif change.gain in {"version", "default"}:
                policies = [self._changed(own, change, unread) for own in policies]
        boundary, has_boundary = self._boundary(number, principal, state, unread)
        return HeldPolicies(
            policies=tuple(dict.fromkeys(policies)),
            boundary=boundary,
            has_boundary=has_boundary,
            unread=tuple(dict.fromkeys(unread)),
        )

    def _boundary(
        self, number: int, principal: Principal, state: State, unread: list[str]
    ) -> tuple[NamedPolicy | None, bool]:
        held = principal.held
        boundary, has_boundary = held.boundary, held.has_boundary
        for change in _sorted(state):
            if change.gain == "boundary" and change.target == number:
                if not change.what:
                    return None, False
                text = self.text_of(change.what, principal.member.account.id)
                boundary = None if text is None else NamedPolicy(change.what, text)
                has_boundary = True
        for change in _sorted(state):
            if change.gain in {"version", "default"} and boundary is not None:
                boundary = self._changed(boundary, change, unread)
        return boundary, has_boundary

    def _changed(self, policy: NamedPolicy, change: Change, unread: list[str]) -> NamedPolicy:
        """The policy, if it is the one that is changed with its new text."""
        if policy.name != self.entities.arns[change.target]:
            return policy
        if change.gain == "version":
            return NamedPolicy(policy.name, ANYTHING)
        versions = self.entities.policy[change.target].versions or ()
        text = next((own.document for own in versions if own.id == change.what), None)
        if text is None:
            unread.append(f"other versions of policy {quoted(policy.name.rpartition('/')[2])}")
            return policy
        return NamedPolicy(policy.name, text)

    def _left_of(self, number: int, principal: Principal, state: State) -> HeldPolicies:
        """What it has before anything is added: without what is taken away."""
        if not any(own.gain in {"removed", "left"} for own in state):
            return principal.held
        identity = _without(principal.identity, number, state)
        if isinstance(identity, User):
            identity = replace(identity, groups=())
        own = self._of_account(number).held_by(identity)
        groups = set(bits(self.entities.groups_of[number])) - set(_targets(state, "left"))
        every = [own, *(self._of_group(group, state) for group in sorted(groups))]
        unknown = [text for text in principal.held.unread if text.startswith("group ")]
        return replace(
            own,
            policies=tuple(policy for held in every for policy in held.policies),
            unread=(*unknown, *(text for held in every for text in held.unread)),
        )

    def _of_group(self, number: int, state: State) -> HeldPolicies:
        group = _without(self.entities.group[number], number, state)
        return self._of_account(number).of_group(group)

    def _of_account(self, number: int) -> PolicyHolders:
        member = self.entities.member_of[number]
        known = self._holders.get(member.account.id)
        if known is None:
            known = PolicyHolders(member.authorization or Authorization())
            self._holders[member.account.id] = known
        return known

    def _inline_name(self, number: int) -> str:
        """How the names of its inline policies begin, as `PolicyHolders` writes them."""
        arn = self.entities.arns[number]
        kind, _, rest = arn.rpartition(":")[2].partition("/")
        return f"{kind}/{rest.rpartition('/')[2]} "


def _without(identity: _Identity, number: int, state: State) -> _Identity:
    """A user, role or group without the policies that are taken away from it."""
    for change in state:
        if change.gain != "removed" or change.target != number:
            continue
        if change.what == DENYING_INLINE:
            inline = tuple(own for own in identity.inline if not has_deny(own.document))
            identity = replace(identity, inline=inline)
        elif change.what == PURE_INLINE:
            inline = tuple(own for own in identity.inline if not only_denies(own.document))
            identity = replace(identity, inline=inline)
        else:
            attached = tuple(own for own in identity.attached if own.arn != change.what)
            identity = replace(identity, attached=attached)
    return identity


@cache
def _effects(text: str) -> tuple[bool, ...]:
    """For each statement of a policy, whether it allows."""
    try:
        return tuple(own.allows for own in one_policy(text, Kind.IDENTITY).statements)
    except InputError:
        return ()


def has_deny(text: str) -> bool:
    """Whether a policy denies anything."""
    return "Deny" in text and not all(_effects(text))


def only_denies(text: str) -> bool:
    """Whether a policy denies something and allows nothing."""
    return has_deny(text) and not any(_effects(text))


def _targets(state: State, gain: Gain) -> Iterator[int]:
    return (own.target for own in _sorted(state) if own.gain == gain)


def _sorted(state: Collection[Change]) -> list[Change]:
    return sorted(state, key=lambda own: (own.gain, own.target, own.what))
