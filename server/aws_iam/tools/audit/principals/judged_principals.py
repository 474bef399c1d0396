"""Each user and role with what the paths say of it: a view of what `audit access --to admin` computes.

judged_principals(account, found)   →   (JudgedPrincipal(power="escalates", paths=(Path(…),), chains=(), …), …)
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING

from aws_iam.account.collect.compute.eks_clusters import DESCRIBE_ASSOCIATION
from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.authorization import Role
from aws_iam.account.collect.identity.last_accessed import LAST_ACCESSED
from aws_iam.escape import quoted
from aws_iam.frozen import positional, slotted
from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.paths.identity_edits import OTHER_VERSIONS
from aws_iam.tools.audit.paths.lesser_gains import LesserGains
from aws_iam.tools.audit.paths.trusts import ASSUME
from aws_iam.tools.audit.principals.admin_level import ADMINISTRATOR, LIMITED, UNKNOWN
from aws_iam.tools.audit.principals.outside_trust import EVERYONE, trust_findings
from aws_iam.tools.audit.principals.unused_access import AUTHORIZATION_CALL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.account.collect.identity.authorization import User
    from aws_iam.account.collect.identity.last_accessed import IdentityUse
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.audit.paths.found_paths import FoundPaths
    from aws_iam.tools.audit.paths.hop import Hop, Path, Reached
    from aws_iam.tools.audit.paths.lesser_gains import Gained
    from aws_iam.tools.audit.principals.admin_level import AdminLevel
    from aws_iam.tools.audit.principals.outside_trust import TrustFinding

ESCALATES = "escalates"
POWERS = (ADMINISTRATOR, ESCALATES, UNKNOWN, LIMITED)
"""What principals are, the strongest first."""


@slotted
class RoleChain:
    """Roles assumed one from another; the last is an administrator, or can become one as `rises` says."""

    roles: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    rises: bool = False


@slotted
class JudgedPrincipal:
    """A user or role, and what is known about its access."""

    identity: User | Role
    power: str
    reached: Reached | None = None
    """Its row in the answer on who is or can become an administrator."""
    unread: tuple[str, ...] = ()
    """The calls whose answers lack what decides whether it can become one, where that is not known."""
    level: AdminLevel | None = None
    """What its policies make it, where it is an administrator."""
    paths: tuple[Path, ...] = ()
    """Its paths to administrator access, but for roles that it only assumes."""
    chains: tuple[RoleChain, ...] = ()
    """How it assumes roles that are administrators or can become one."""
    gains: tuple[Gained, ...] = ()
    """What it gains besides, where it cannot become an administrator."""
    has_boundary: bool = False
    trust: tuple[TrustFinding, ...] = ()
    use: IdentityUse | None = None

    @property
    def word(self) -> str:
        """`role` or `user`."""
        return "role" if isinstance(self.identity, Role) else "user"

    @property
    def name(self) -> str:
        """Its name in a sentence."""
        return f"{self.word} {quoted(self.identity.name)}"

    @property
    def is_powerful(self) -> bool:
        """Whether it is an administrator or can become one."""
        return self.reached is not None and self.reached.verdict != UNKNOWN


def judged_principals(account: Account, found: FoundPaths) -> tuple[JudgedPrincipal, ...]:
    """All of them, the strongest first."""
    usage = account.get(LAST_ACCESSED)
    uses = {} if isinstance(usage, Miss) else {use.arn: use for use in usage.identities}
    view, entities = _View.of(found), found.book.entities
    judged = [
        replace(
            view.of_principal(number),
            trust=trust_findings(account, identity) if isinstance(identity, Role) else (),
            use=uses.get(identity.arn),
        )
        for number in bits(entities.users | entities.roles)
        for identity in (entities.principals[number].identity,)
    ]
    told = _without_open_roles(judged)
    return tuple(sorted(told, key=lambda own: (POWERS.index(own.power), own.identity.arn)))


def _without_open_roles(judged: Sequence[JudgedPrincipal]) -> Iterator[JudgedPrincipal]:
    """The principals without the roles that everyone may assume: that is one fact about the role, told there."""
    is_open = {
        own.identity.name for own in judged if EVERYONE in (trust.outsider for trust in own.trust)
    }
    for own in judged:
        kept = tuple(chain for chain in own.chains if chain.roles[0] not in is_open)
        yield replace(own, chains=kept)


@positional
class _View:
    """The paths by who goes them."""

    found: FoundPaths
    reached: Mapping[str, Reached]
    paths: Mapping[str, Sequence[Path]]
    lesser: LesserGains

    @classmethod
    def of(cls, found: FoundPaths) -> _View:
        paths: dict[str, list[Path]] = defaultdict(list)
        for path in found.paths.paths:
            if path.is_certain:
                paths[path.start].append(path)
        for start, path in found.paths.shortest.items():
            # Where it is too long to be listed there is no other.
            paths[start] = paths[start] or [path]
        reached = {own.principal: own for own in found.paths.principals}
        return cls(found, reached, paths, LesserGains(found.book))

    def of_principal(self, number: int) -> JudgedPrincipal:
        """One principal, but for whom it trusts and what it used."""
        principal = self.found.book.entities.principals[number]
        row = self.reached.get(principal.arn)
        verdict = row.verdict if row else ""
        gains = self.lesser.of(number) if verdict in {"", UNKNOWN} else ()
        level = (
            self.found.book.administrators.level_of(principal)
            if verdict == ADMINISTRATOR
            else None
        )
        paths = self.paths.get(principal.arn, ()) if verdict == "can_become" else ()
        own = [(path, _chain(path, self.reached)) for path in paths]
        return JudgedPrincipal(
            identity=principal.identity,
            power=_power(verdict, gains),
            reached=row,
            unread=_calls_without(self.found, row) if row and verdict == UNKNOWN else (),
            level=level,
            paths=tuple(path for path, chain in own if chain is None),
            chains=_distinct([chain for _, chain in own if chain]),
            gains=gains,
            has_boundary=principal.held.has_boundary,
        )


def _calls_without(found: FoundPaths, row: Reached) -> tuple[str, ...]:
    """The calls whose answers lack what a row says that nobody knows: of its principal, or of those it could act as."""
    entities = found.book.entities
    named = {
        hop.end for path in found.paths.paths if path.start == row.principal for hop in path.hops
    }
    calls = [AUTHORIZATION_CALL] if row.why == OTHER_VERSIONS else []
    for arn in sorted({row.principal, *named}):
        principal = entities.principals.get(entities.number.get(arn, -1))
        if principal is None:
            continue
        if any(own in row.why for own in principal.held.unread):
            calls.append(AUTHORIZATION_CALL)
        if principal.session and any(own in row.why for own in principal.session.unread):
            calls.append(DESCRIBE_ASSOCIATION)
    return tuple(dict.fromkeys(calls))


def _power(verdict: str, gains: Sequence[Gained]) -> str:
    if verdict == ADMINISTRATOR:
        return ADMINISTRATOR
    if verdict == "can_become" or gains:
        return ESCALATES
    return UNKNOWN if verdict else LIMITED


def _chain(path: Path, reached: Mapping[str, Reached]) -> RoleChain | None:
    """The roles with whose assuming a path begins, if the last is or can become an administrator without the caller's help."""
    taken = list(takewhile(_is_assuming, path.hops))
    last = reached.get(taken[-1].end) if taken else None
    if last is None or last.verdict == UNKNOWN:
        return None
    return RoleChain(
        roles=tuple(hop.end.rpartition("/")[2] for hop in taken),
        conditions=tuple(dict.fromkeys(own for hop in taken for own in hop.conditions)),
        rises=last.verdict != ADMINISTRATOR,
    )


def _is_assuming(hop: Hop) -> bool:
    return hop.actions == (ASSUME,) and hop.start != hop.end


def _distinct(chains: Sequence[RoleChain]) -> tuple[RoleChain, ...]:
    """The chains, shortest first, those under fewest conditions before others; each role at the end once."""
    ends: dict[str, RoleChain] = {}
    for chain in sorted(chains, key=lambda own: (bool(own.conditions), len(own.roles))):
        ends.setdefault(chain.roles[-1], chain)
    return tuple(ends.values())
