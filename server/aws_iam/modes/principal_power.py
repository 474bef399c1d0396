"""How powerful a user or role is: what its own and its groups' policies allow, as far as boundary and organization let it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.modes.policy_risks import risks
from aws_iam.modes.principal_guardrails import for_principal
from aws_iam.policy.document import Kind, policy
from aws_iam.policy.effective.access import Access, access
from aws_iam.policy.effective.bounded import bounded
from aws_iam.policy.effective.escalation import NEW_COMPUTE, SELF
from aws_iam.policy.effective.expansion import Expansion
from aws_iam.policy.effective.targets import Targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.facts.identity import Authorization, Group, Role, User
    from aws_iam.answer import Severity
    from aws_iam.modes.policy_risks import Risks
    from aws_iam.modes.principal_guardrails import Guardrails, Levels

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
    within: bool = False
    """Whether raising itself ends at a boundary that is no administrator's."""
    taken: int = 0
    """The actions that service control policies take away whole."""
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """The documents that count for a principal; `unread` names those that are missing."""

    policies: tuple[str, ...]
    boundary: str | None = None
    has_boundary: bool = False
    ceiling: Levels = ()
    """The service control policies over the principal."""
    unread: tuple[str, ...] = ()


def holdings(found: Authorization, one: User | Role, over: Guardrails | None = None) -> Holdings:
    """A principal's documents: inline, attached, its groups', its boundary, and those of the organization over it."""
    documents = {each.arn: each.document for each in found.policies}
    groups = {each.name: each for each in found.groups}
    holders: list[User | Role | Group] = [one]
    unread: list[str] = []
    for name in getattr(one, "groups", ()):
        if name in groups:
            holders.append(groups[name])
        else:
            unread.append(f"group {quoted(name)}")
    texts = [each.document for holder in holders for each in holder.inline]
    for attached in (each for holder in holders for each in holder.attached):
        text = documents.get(attached.arn)
        if text is None:
            unread.append(f"policy {quoted(attached.name)}")
        else:
            texts.append(text)
    boundary = documents.get(one.boundary) if one.boundary else None
    if one.boundary and boundary is None:
        unread.append(f"boundary {quoted(one.boundary.rpartition('/')[2])}")
    return Holdings(
        policies=tuple(sorted(set(texts))),
        boundary=boundary,
        has_boundary=one.boundary is not None,
        ceiling=for_principal(over.services, one.arn, over.organization) if over else (),
        unread=tuple(unread),
    )


@dataclass(slots=True)
class Powers:
    """The power of many principals; equal holdings are judged once."""

    _known: dict[Holdings, Power] = field(default_factory=dict)
    _ceilings: dict[Levels, Access] = field(default_factory=dict)

    def of(self, held: Holdings) -> Power:
        """The power of whoever holds these documents."""
        if held not in self._known:
            try:
                self._known[held] = _power(held, self._ceiling(held.ceiling))
            except InputError as error:
                self._known[held] = Power(kind=UNKNOWN, unread=(*held.unread, error.message))
        return self._known[held]

    def _ceiling(self, levels: Levels) -> Access | None:
        """What all levels allow; None where there are none."""
        if not levels:
            return None
        if levels not in self._ceilings:
            expansion = Expansion()
            targets = Targets.of(expansion)
            each = (
                access((policy(text, Kind.SCP) for text in level), expansion, targets)
                for level in levels
            )
            self._ceilings[levels] = reduce(bounded, each)
        return self._ceilings[levels]


def _power(held: Holdings, ceiling: Access | None) -> Power:
    expansion = Expansion()
    targets = Targets.of(expansion)
    read = tuple(policy(text, Kind.IDENTITY) for text in held.policies)
    allowed = access(read, expansion, targets)
    limit = _limit(held, expansion, targets)
    within = bounded(allowed, limit) if limit else allowed
    left = bounded(within, ceiling) if ceiling else within
    found = risks(left, expansion)
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
        return Power(kind=UNKNOWN, unread=held.unread)
    return Power(
        kind=kind,
        ways=ways,
        services=frozenset(
            each.path.passes_role_to
            for each in found.paths
            if each.path.family == NEW_COMPUTE and each.path.passes_role_to
        ),
        within=own is not None
        and _kind(tuple(_ways(own))) != ADMINISTRATOR
        and bool(found.paths)
        and all(each.path.family == SELF for each in found.paths),
        taken=len(within.actions) - len(left.actions),
        unread=held.unread,
    )


def _limit(held: Holdings, expansion: Expansion, targets: Targets) -> Access | None:
    if held.boundary is None:
        return None
    # As a policy, what the boundary would allow: what counts is where both meet.
    return access((policy(held.boundary, Kind.IDENTITY),), expansion, targets)


_TOLD = {"ADMINISTRATOR": ADMINISTRATOR, "PRIVILEGE_ESCALATION": ESCALATES}


def _ways(found: Risks) -> Iterator[Way]:
    for each in found.told:
        finding = each.finding
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
