"""How powerful a user or role is: what its own and its groups' policies allow, as far as boundary and organization let it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache, reduce
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.effective.access import Access, access, bounded
from aws_iam.engine.effective.escalation import (
    NEW,
    NEW_COMPUTE,
    SELF,
    escalation_paths,
    open_paths,
)
from aws_iam.engine.effective.expansion import Expansion
from aws_iam.engine.effective.targets import Targets
from aws_iam.engine.explain.risks import risks
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.tools.audit.principals.escalation_paths import ORGANIZATION_WIDE, Search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.account.collect.identity.authorization import Role, User
    from aws_iam.engine.effective.escalation import OpenPath
    from aws_iam.engine.explain.risks import Risks
    from aws_iam.tools.audit.principals.organization_policies import Levels
    from aws_iam.tools.audit.principals.simulate import Asked
    from aws_iam.tools.audit.principals.targets import World

    PathsOf = Callable[[Access], tuple[OpenPath, ...]]
from aws_iam.tools.audit.principals.holdings import Holdings

ADMINISTRATOR, ESCALATES, LIMITED, UNKNOWN = "administrator", "escalates", "limited", "unknown"
"""What a principal is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One thing that the policies make possible, in the words of `policy explain`."""

    code: str
    title: str
    message: str
    severity: Severity
    fix: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What a principal is, by which ways, and what could not be read."""

    kind: str
    ways: tuple[Way, ...] = ()
    services: frozenset[str] = frozenset()
    """The services to which a stronger role could be passed."""
    passable: frozenset[str] = frozenset()
    """The roles of the account that trust such a service and could be passed to it."""
    within: bool = False
    """Whether raising itself ends at a boundary that is no administrator's."""
    taken: int = 0
    """The actions that service control policies take away whole."""
    unread: tuple[str, ...] = ()
    actions: int = 0
    """The actions that it may take at all, a bit for each."""
    is_asked: bool = False
    """Whether it has an action of a path that goes through the account's identities."""

    @property
    def raises(self) -> bool:
        """Whether it can make itself an administrator."""
        critical = any(way.severity is Severity.CRITICAL for way in self.ways)
        return self.kind == ESCALATES and critical and not self.within


@dataclass(slots=True)
class Powers:
    """The power of many principals; equal holdings are judged once."""

    _known: dict[Holdings, Power] = field(default_factory=dict)
    _ceilings: dict[Levels, Access] = field(default_factory=dict)
    _actions: Expansion = field(default_factory=Expansion)

    def of(self, held: Holdings) -> Power:
        """The power of whoever holds these documents, by the documents alone."""
        if held not in self._known:
            self._known[held] = self._judged(held, open_paths)
        return self._known[held]

    def among(self, one: User | Role, held: Holdings, world: World, asked: Asked) -> Power:
        """The power of a principal whose account's identities are known: each path is asked for on each of them."""
        alone = self.of(held)
        if alone.kind == ADMINISTRATOR or not alone.is_asked:
            return alone
        search = Search(one=one, held=held, world=world, asked=asked)
        power = self._judged(held, search.paths)
        fitting = (arn for service in power.services for arn in search.passable.get(service, ()))
        return replace(power, passable=frozenset(fitting))

    def _judged(self, held: Holdings, paths_of: PathsOf) -> Power:
        try:
            ceiling = self._ceiling(held.ceiling)
            return _power(held, ceiling, paths_of, self._actions.another())
        except InputError as error:
            return Power(kind=UNKNOWN, unread=(*held.unread, error.message))

    def _ceiling(self, levels: Levels) -> Access | None:
        """What all levels allow; None where there are none."""
        if not levels:
            return None
        if levels not in self._ceilings:
            expansion = self._actions.another()
            targets = Targets.of(expansion)
            allowed = (
                access((one_policy(text, Kind.SCP) for text in level), expansion, targets)
                for level in levels
            )
            self._ceilings[levels] = reduce(bounded, allowed)
        return self._ceilings[levels]


def _power(
    held: Holdings, ceiling: Access | None, paths_of: PathsOf, expansion: Expansion
) -> Power:
    targets = Targets.of(expansion)
    read = tuple(one_policy(text, Kind.IDENTITY) for text in held.policies)
    allowed = access(read, expansion, targets)
    limit = _limit(held, expansion, targets)
    within = bounded(allowed, limit) if limit else allowed
    left = bounded(within, ceiling) if ceiling else within
    found = risks(left, expansion, paths_of)
    own = risks(limit, expansion) if limit else None
    ways = tuple(_ways(found))
    if ceiling and ways:
        # Who may do everything that the organization lets anyone do is the account's administrator.
        full = tuple(_ways(risks(within, expansion)))
        ways = full if _kind(full) == ADMINISTRATOR else ways
    kind = _kind(ways)
    if held.has_boundary and limit is None and kind != LIMITED:
        # The boundary may take all of it back.
        return Power(kind=UNKNOWN, ways=(), unread=held.unread)
    if kind == LIMITED and held.unread:
        kind = UNKNOWN
    return Power(
        kind=kind,
        ways=ways,
        services=frozenset(
            path.path.passes_role_to
            for path in found.paths
            if path.path.family == NEW_COMPUTE and path.path.passes_role_to
        ),
        within=own is not None
        and _kind(tuple(_ways(own))) != ADMINISTRATOR
        and bool(found.paths)
        # Whoever is new has no boundary, unless one is demanded, and then there is no path.
        and all(
            path.path.family == SELF and path.path.required[0].on not in NEW
            for path in found.paths
        ),
        taken=len(within.actions) - len(left.actions),
        unread=held.unread,
        actions=_bits(left, expansion),
        is_asked=any(left.reach(action) for action in _asked_for()),
    )


def _bits(access: Access, expansion: Expansion) -> int:
    """A bit for each action that is allowed: thousands of names for each principal would be too much to keep."""
    places = _places(expansion)
    bits = bytearray(len(places) // 8 + 1)
    for name in access.actions:
        place = places[name]
        bits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


_PLACES: dict[str, int] = {}


def _places(expansion: Expansion) -> dict[str, int]:
    if not _PLACES:
        _PLACES.update((name, place) for place, name in enumerate(expansion.pattern("*")))
    return _PLACES


@cache
def _asked_for() -> frozenset[str]:
    """The actions of the paths that go through users, groups, roles, policies or the organization."""
    return frozenset(
        need.action
        for path in escalation_paths()
        if path.family == ORGANIZATION_WIDE or any(need.on for need in path.required)
        for need in path.required
    )


def _limit(held: Holdings, expansion: Expansion, targets: Targets) -> Access | None:
    if held.boundary is None:
        return None
    # As a policy, what the boundary would allow: what counts is where both meet.
    return access((one_policy(held.boundary, Kind.IDENTITY),), expansion, targets)


_TOLD = {"ADMINISTRATOR": ADMINISTRATOR, "PRIVILEGE_ESCALATION": ESCALATES}


def _ways(found: Risks) -> Iterator[Way]:
    for risk in found.told:
        finding = risk.finding
        if finding.code in _TOLD:
            yield Way(
                code=finding.code,
                title=finding.title,
                message=finding.message,
                severity=finding.severity,
                fix=finding.fix or "",
                source=finding.source or "",
            )


def _kind(ways: tuple[Way, ...]) -> str:
    return _TOLD[ways[0].code] if ways else LIMITED
