"""Whether the sessions exist that a setting of an account hands out: the role must let in its service, and the target that role.

    HandedOut(decider, estate).of(limit.handover)   →   Access(verdict="cannot", why="`pods.eks.amazonaws.com` cannot assume …")

What conditions of trust policies leave open counts as met, as long as something can meet them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.escape import quoted
from aws_iam.tools.audit.access.verdicts import Access

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.tools.audit.access.decisions import Decider
    from aws_iam.tools.audit.access.estate import Estate, Principal
    from aws_iam.tools.audit.access.held_policies import Handover

_ASSUME = "sts:AssumeRole"


@dataclass(slots=True)
class HandedOut:
    """Judges handovers in an estate, each once."""

    decider: Decider
    roles: dict[str, Principal]
    _known: dict[Handover, Access] = field(default_factory=dict)

    @classmethod
    def of_estate(cls, decider: Decider, estate: Estate) -> HandedOut:
        """The judge of an estate."""
        return cls(decider, {own.arn: own for own in estate.principals})

    def of(self, own: Handover) -> Access:
        """Whether the service gets the role, or with it the target role; `why` says what keeps it from that, or is not known."""
        if own not in self._known:
            self._known[own] = self._judged(own)
        return self._known[own]

    def _judged(self, own: Handover) -> Access:
        first = self._of_service(own)
        if not own.target or not first.is_possible:
            return first
        chained = self._chained(own)
        return first if chained.verdict == "can" else chained

    def _of_service(self, own: Handover) -> Access:
        context = {"aws:SourceAccount": own.account, **dict(own.tags)}
        absent = frozenset(key.lower() for key in own.unsent)
        tried = [
            _worst(
                [
                    self.decider.outsider(name, action, own.role, context, absent=absent)
                    for action in own.actions
                ]
            )
            for name in _names(own)
        ]
        best = next((access for access in tried if access.is_possible), tried[0])
        return _told(best, own.service, own.role)

    def _chained(self, own: Handover) -> Access:
        """Whether the role can assume its target: https://docs.aws.amazon.com/eks/latest/APIReference/API_PodIdentityAssociation.html."""
        context = dict(own.tags)
        if own.external_id:
            context["sts:ExternalId"] = own.external_id
        absent = frozenset(key.lower() for key in own.unsent)
        source = self.roles.get(own.role)
        if source is None:
            found = self.decider.outsider(own.role, _ASSUME, own.target, context, absent=absent)
            why = f"the policies of {quoted(own.role)} are not known"
            return _told(found, own.role, own.target, why)
        found = self.decider.decide(source, _ASSUME, own.target, context, absent=absent)
        return _told(found, own.role, own.target)


def _names(own: Handover) -> Iterator[str]:
    """The names of the service; in China one may end in `.cn`."""
    yield own.service
    if own.role.startswith("arn:aws-cn:"):
        yield f"{own.service}.cn"


def _worst(found: Sequence[Access]) -> Access:
    """What all of them come to: a call needs every one of its actions."""
    order = ("cannot", "unknown", "can")
    return min(found, key=lambda own: order.index(own.verdict))


def _told(found: Access, caller: str, role: str, unknown: str = "") -> Access:
    if found.verdict == "cannot":
        return Access(verdict="cannot", why=f"{quoted(caller)} cannot assume {quoted(role)}")
    if found.verdict == "unknown" or unknown:
        why = f"whether {quoted(caller)} can assume {quoted(role)} is not known"
        return Access(verdict="unknown", why=f"{why}: {found.why or unknown}")
    return Access(verdict="can")
