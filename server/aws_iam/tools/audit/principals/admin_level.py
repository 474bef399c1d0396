"""Whether policies make an administrator, within a boundary and the organization's policies, and what they allow besides."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from itertools import count
from typing import TYPE_CHECKING

from aws_iam.engine.effective.access import Access, access, within_boundary
from aws_iam.engine.effective.action_expansion import Expansion
from aws_iam.engine.effective.escalation import open_paths
from aws_iam.engine.effective.targets import Targets
from aws_iam.engine.explain.escalation_risks import broad_risk, is_bound
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.answer import Finding
    from aws_iam.engine.effective.escalation import OpenPath
    from aws_iam.tools.audit.principals.organization_policies import Levels

ADMINISTRATOR, LIMITED, UNKNOWN = "administrator", "limited", "unknown"
"""What policies make whoever has them."""
FULL_ACCESS_CODE = "ADMINISTRATOR"


@slotted
class EffectivePolicies:
    """The policy documents that apply to a principal; `unread` names those that could not be read."""

    documents: tuple[str, ...]
    """Its identity policies: inline, attached and its groups'."""
    boundary: str | None = None
    has_boundary: bool = False
    scps: Levels = ()
    """The service control policies that apply to it."""
    unread: tuple[str, ...] = ()


@slotted
class AdminLevel:
    """What policies make whoever has them."""

    kind: str
    finding: Finding | None = None
    """That it is an administrator, as `policy explain` words it."""
    is_bound: bool = False
    """Whether it is one only where conditions of its policies are met."""
    actions_removed: int = 0
    """How many of its actions service control policies deny altogether."""
    actions: int = 0
    """The actions it may call, a bit for each."""


@dataclass(slots=True)
class AdminLevels:
    """Judges many principals; those with the same policies are judged once."""

    _known: dict[EffectivePolicies, AdminLevel] = field(default_factory=dict)
    _allowed_by_scps: dict[Levels, Access] = field(default_factory=dict)
    _bit_of: dict[str, int] = field(default_factory=dict)
    """The number of each action's bit, filled with the first principal."""

    def by_policies(self, policies: EffectivePolicies) -> AdminLevel:
        """The level of a principal with these policies, whatever else the account has."""
        if policies not in self._known:
            try:
                self._known[policies] = self._level(policies)
            except InputError:
                self._known[policies] = AdminLevel(kind=UNKNOWN)
        return self._known[policies]

    def _level(self, policies: EffectivePolicies) -> AdminLevel:
        scps = self._scp_access(policies.scps)
        expansion = Expansion()
        if not self._bit_of:
            self._bit_of.update(zip(expansion.pattern("*"), count(), strict=False))
        return _admin_level(policies, scps, expansion, self._bit_of)

    def _scp_access(self, levels: Levels) -> Access | None:
        """What the service control policies of every level allow; None without any."""
        if not levels:
            return None
        if levels not in self._allowed_by_scps:
            expansion = Expansion()
            targets = Targets.of(expansion)
            allowed = (
                access((one_policy(text, Kind.SCP) for text in level), expansion, targets)
                for level in levels
            )
            self._allowed_by_scps[levels] = reduce(within_boundary, allowed)
        return self._allowed_by_scps[levels]


def _admin_level(
    policies: EffectivePolicies,
    scps: Access | None,
    expansion: Expansion,
    bit_of: Mapping[str, int],
) -> AdminLevel:
    targets = Targets.of(expansion)
    documents = tuple(one_policy(text, Kind.IDENTITY) for text in policies.documents)
    allowed = access(documents, expansion, targets)
    boundary = _boundary_access(policies, expansion, targets)
    before_scps = within_boundary(allowed, boundary) if boundary else allowed
    effective = within_boundary(before_scps, scps) if scps else before_scps
    paths = open_paths(effective)
    administrator = _full_access(effective, paths, expansion)
    if scps and (administrator or paths):
        # A principal that may do all that the organization permits is an administrator of the account.
        administrator = _full_access(before_scps, open_paths(before_scps), expansion)
    kind = ADMINISTRATOR if administrator else LIMITED
    # A boundary that was not read may deny all of it.
    if (policies.has_boundary and boundary is None) or (policies.unread and not administrator):
        kind, administrator = UNKNOWN, None
    return AdminLevel(
        kind=kind,
        finding=administrator,
        is_bound=administrator is not None and any(is_bound(r) for r, _ in before_scps.by_reach),
        actions_removed=len(before_scps.actions) - len(effective.actions),
        actions=_bits(effective, bit_of),
    )


def _full_access(
    allowed: Access, paths: tuple[OpenPath, ...], expansion: Expansion
) -> Finding | None:
    """That everything is allowed, where it is."""
    risk = broad_risk(allowed, paths, expansion)
    return risk.finding if risk and risk.finding.code == FULL_ACCESS_CODE else None


def _bits(access: Access, bit_of: Mapping[str, int]) -> int:
    """A bit for each allowed action: thousands of names per principal would take too much memory."""
    bits = bytearray(len(bit_of) // 8 + 1)
    for name in access.actions:
        bit = bit_of[name]
        bits[bit >> 3] |= 1 << (bit & 7)
    return int.from_bytes(bits, "little")


def _boundary_access(
    policies: EffectivePolicies, expansion: Expansion, targets: Targets
) -> Access | None:
    """What the boundary would allow if it were an identity policy."""
    if policies.boundary is None:
        return None
    return access((one_policy(policies.boundary, Kind.IDENTITY),), expansion, targets)
