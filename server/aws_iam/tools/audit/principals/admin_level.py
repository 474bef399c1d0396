"""Whether a user or role is, or can become, an administrator: by its policies, its boundary and the organization's policies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.effective.access import Access, access, within_boundary
from aws_iam.engine.effective.action_expansion import Expansion
from aws_iam.engine.effective.escalation import (
    NEW_COMPUTE,
    NEW_PRINCIPALS,
    SELF,
    escalation_paths,
    open_paths,
)
from aws_iam.engine.effective.targets import Targets
from aws_iam.engine.explain.escalation_risks import escalation_risks
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.tools.audit.principals.escalation_paths import PathSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.account.collect.identity.authorization import Role, User
    from aws_iam.engine.effective.escalation import OpenPath
    from aws_iam.engine.explain.escalation_risks import Risks
    from aws_iam.tools.audit.principals.organization_policies import Levels
    from aws_iam.tools.audit.principals.simulate import Simulator
    from aws_iam.tools.audit.principals.targets import AccountIdentities

    PathsOf = Callable[[Access], tuple[OpenPath, ...]]
from aws_iam.tools.audit.principals.effective_policies import EffectivePolicies

ADMINISTRATOR, ESCALATES, LIMITED, UNKNOWN = "administrator", "escalates", "limited", "unknown"
"""The kinds of principals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminRoute:
    """One way in which a principal is or becomes an administrator, as `policy explain` words it."""

    code: str
    title: str
    message: str
    severity: Severity
    fix: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminLevel:
    """A principal's kind, the routes that make it so, and what could not be read."""

    kind: str
    routes: tuple[AdminRoute, ...] = ()
    services: frozenset[str] = frozenset()
    """The services to which it could pass a stronger role."""
    passable: frozenset[str] = frozenset()
    """The ARNs of the roles that trust such a service and that it may pass."""
    bounded_by_boundary: bool = False
    """Whether a permissions boundary keeps it from ever becoming an administrator."""
    actions_removed: int = 0
    """How many of its actions service control policies deny altogether."""
    unread: tuple[str, ...] = ()
    actions: int = 0
    """The actions it may call, a bit for each."""
    needs_identities: bool = False
    """Whether it may call an action of a path that depends on the account's identities."""

    @property
    def becomes_admin(self) -> bool:
        """Whether it can make itself an administrator."""
        critical = any(route.severity is Severity.CRITICAL for route in self.routes)
        return self.kind == ESCALATES and critical and not self.bounded_by_boundary


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
            self._known[policies] = self._level(policies, open_paths)
        return self._known[policies]

    def in_account(
        self,
        identity: User | Role,
        policies: EffectivePolicies,
        account: AccountIdentities,
        simulator: Simulator,
    ) -> AdminLevel:
        """The level of a principal in its account: each path is tried on the account's identities."""
        alone = self.by_policies(policies)
        if alone.kind == ADMINISTRATOR or not alone.needs_identities:
            return alone
        search = PathSearch(
            identity=identity, policies=policies, account=account, simulator=simulator
        )
        level = self._level(policies, search.paths)
        fitting = (arn for service in level.services for arn in search.passable.get(service, ()))
        return replace(level, passable=frozenset(fitting))

    def _level(self, policies: EffectivePolicies, paths_of: PathsOf) -> AdminLevel:
        try:
            scps = self._scp_access(policies.scps)
            expansion = Expansion()
            if not self._bit_of:
                self._bit_of.update((name, bit) for bit, name in enumerate(expansion.pattern("*")))
            return _admin_level(policies, scps, paths_of, expansion, self._bit_of)
        except InputError as error:
            return AdminLevel(kind=UNKNOWN, unread=(*policies.unread, error.message))

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
    paths_of: PathsOf,
    expansion: Expansion,
    bit_of: Mapping[str, int],
) -> AdminLevel:
    targets = Targets.of(expansion)
    documents = tuple(one_policy(text, Kind.IDENTITY) for text in policies.documents)
    allowed = access(documents, expansion, targets)
    boundary = _boundary_access(policies, expansion, targets)
    before_scps = within_boundary(allowed, boundary) if boundary else allowed
    effective = within_boundary(before_scps, scps) if scps else before_scps
    found = escalation_risks(effective, expansion, paths_of)
    boundary_risks = escalation_risks(boundary, expansion) if boundary else None
    routes = tuple(_routes(found))
    if scps and routes:
        # A principal that may do all that the organization permits is an administrator of the account.
        full = tuple(_routes(escalation_risks(before_scps, expansion)))
        routes = full if _kind(full) == ADMINISTRATOR else routes
    kind = _kind(routes)
    if policies.has_boundary and boundary is None and kind != LIMITED:
        # The boundary that was not read may deny all of it.
        return AdminLevel(kind=UNKNOWN, routes=(), unread=policies.unread)
    if kind == LIMITED and policies.unread:
        kind = UNKNOWN
    return AdminLevel(
        kind=kind,
        routes=routes,
        services=frozenset(
            path.path.passes_role_to
            for path in found.paths
            if path.path.family == NEW_COMPUTE and path.path.passes_role_to
        ),
        bounded_by_boundary=boundary_risks is not None
        and _kind(tuple(_routes(boundary_risks))) != ADMINISTRATOR
        and bool(found.paths)
        # A new identity has no boundary; if the policy requires one, the path is not open.
        and all(
            path.path.family == SELF and path.path.required[0].on not in NEW_PRINCIPALS
            for path in found.paths
        ),
        actions_removed=len(before_scps.actions) - len(effective.actions),
        unread=policies.unread,
        actions=_bits(effective, bit_of),
        needs_identities=any(effective.reach(action) for action in _identity_actions()),
    )


def _bits(access: Access, bit_of: Mapping[str, int]) -> int:
    """A bit for each allowed action: thousands of names per principal would take too much memory."""
    bits = bytearray(len(bit_of) // 8 + 1)
    for name in access.actions:
        bit = bit_of[name]
        bits[bit >> 3] |= 1 << (bit & 7)
    return int.from_bytes(bits, "little")


def _identity_actions() -> frozenset[str]:
    """The actions of the paths that depend on users, groups, roles, policies or the organization."""
    return frozenset(
        need.action
        for path in escalation_paths()
        if path.needs_organization or any(need.on for need in path.required)
        for need in path.required
    )


def _boundary_access(
    policies: EffectivePolicies, expansion: Expansion, targets: Targets
) -> Access | None:
    """What the boundary would allow if it were an identity policy."""
    if policies.boundary is None:
        return None
    return access((one_policy(policies.boundary, Kind.IDENTITY),), expansion, targets)


_KINDS = {"ADMINISTRATOR": ADMINISTRATOR, "PRIVILEGE_ESCALATION": ESCALATES}


def _routes(found: Risks) -> Iterator[AdminRoute]:
    for risk in found.findings:
        finding = risk.finding
        if finding.code in _KINDS:
            yield AdminRoute(
                code=finding.code,
                title=finding.title,
                message=finding.message,
                severity=finding.severity,
                fix=finding.fix or "",
                source=finding.source or "",
            )


def _kind(routes: tuple[AdminRoute, ...]) -> str:
    return _KINDS[routes[0].code] if routes else LIMITED
