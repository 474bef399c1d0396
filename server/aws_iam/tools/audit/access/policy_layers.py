"""The policies that decide about a request, by layer: each policy is parsed once, and what is not known of a layer is said.

A policy that was not read, or that AWS would refuse, may allow everything: a layer that holds one has a policy in its place
that does, and says why it is not known. What is still refused is refused for certain; what is allowed is unknown.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Literal

from aws_iam.engine.evaluation.layers import KIND_OF_LAYER, placed
from aws_iam.engine.language.usable import refuse_unusable
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.held_policies import NamedPolicy
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.engine.evaluation.layers import PlacedPolicy
    from aws_iam.tools.audit.access.estate import Member
    from aws_iam.tools.audit.access.held_policies import HeldPolicies, SessionLimit

_OF_RESOURCES = frozenset({"resource", "rcp", "vpc_endpoint"})


def _everything(**principal: str) -> str:
    statement = {"Effect": "Allow", **principal, "Action": "*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


_ALL, _ALL_TO_EVERYONE = _everything(), _everything(Principal="*")


@slotted
class Layer:
    """A layer: its policies by level, and why it is not known."""

    levels: tuple[tuple[PlacedPolicy, ...], ...] = ()
    why_unread: str = ""


class PolicyLayers:
    """Makes the layers of decisions."""

    def __init__(self) -> None:
        self._placed: dict[tuple[str, str, str], PlacedPolicy | str] = {}
        self._guardrails: dict[tuple[str, str], Layer] = {}

    def identity(self, held: HeldPolicies) -> Layer:
        """The policies of a user or role, with those of its groups."""
        return self.layer("identity", (held.policies,), unread=held.unread)

    def boundary(self, held: HeldPolicies) -> Layer:
        """Its permissions boundary."""
        if held.boundary is None:
            return self.layer("boundary", ((),), unread=("its permissions boundary",))
        return self.layer("boundary", ((held.boundary,),))

    def session(self, limit: SessionLimit) -> Layer:
        """The session policies of a session: together they allow what one of them allows."""
        return self.layer("session", (limit.policies,), unread=limit.unread)

    def guardrail(self, name: Literal["scp", "rcp"], member: Member) -> Layer:
        """The organization's policies that limit the principals of an account (scp), or its resources (rcp)."""
        key = (name, member.account.id)
        if key not in self._guardrails:
            found = member.guardrails
            levels = tuple(
                tuple(NamedPolicy(f"{name} {number}", text) for text in level)
                for number, level in enumerate(found.scps if name == "scp" else found.rcps)
            )
            self._guardrails[key] = self.layer(name, levels)
        return self._guardrails[key]

    def own_of_stranger(self) -> Layer:
        """The policies of a caller of whom nothing is known: they may allow everything."""
        return self.layer("identity", ((NamedPolicy("its own policies", _ALL),),))

    def with_policies(
        self, layer: Layer, policies: tuple[NamedPolicy, ...], *, needed: bool
    ) -> Layer:
        """The layer of identity policies with some more, where they are needed."""
        if not policies or not needed:
            return layer
        known = layer.levels[0] if layer.levels else ()
        more = self.layer("identity", (policies,)).levels[0]
        return Layer(levels=((*known, *more),), why_unread=layer.why_unread)

    def layer(
        self, name: str, levels: tuple[tuple[NamedPolicy, ...], ...], unread: Iterable[str] = ()
    ) -> Layer:
        """The layer of these policies; `unread` names policies of its first level that were not read."""
        missing = tuple(unread)
        faults = [f"{joined(missing)} could not be read"] if missing else []
        read = [[self._policy(name, policy) for policy in level] for level in levels]
        faults += [own for level in read for own in level if isinstance(own, str)]
        known = [
            [_instead_of_unknown(name) if isinstance(own, str) else own for own in level]
            for level in read
        ]
        if missing:
            known[0].append(_instead_of_unknown(name))
        return Layer(levels=tuple(map(tuple, known)), why_unread=joined(faults))

    def _policy(self, layer: str, policy: NamedPolicy) -> PlacedPolicy | str:
        """The policy in its layer, or why it cannot be used."""
        key = (layer, policy.name, policy.text)
        if key not in self._placed:
            kind = KIND_OF_LAYER[layer]
            try:
                parsed = one_policy(policy.text, kind)
                refuse_unusable(parsed, policy.name, kind)
                self._placed[key] = placed(parsed, layer, policy.name)
            except InputError as error:
                named = quoted(policy.name)
                self._placed[key] = (
                    error.message if named in error.message else f"{named}: {error.message}"
                )
        return self._placed[key]


@cache
def _instead_of_unknown(layer: str) -> PlacedPolicy:
    """A policy that allows everything, in the place of one that is not known."""
    text = _ALL_TO_EVERYONE if layer in _OF_RESOURCES else _ALL
    return placed(one_policy(text, KIND_OF_LAYER[layer]), layer, "a policy that is not known")
