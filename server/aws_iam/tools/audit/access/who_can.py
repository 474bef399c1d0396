"""Who can do something: every principal of the estate, and those outside it that a resource lets in.

who_can(estate, ["s3:GetObject"], "arn:aws:s3:::books/*")   →   WhoCan: principals, outsiders, services, anyone
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.authorization import Role
from aws_iam.engine.language.arn import Arn, fits
from aws_iam.errors import InputError
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.asked_actions import also_asked_on, asked_actions
from aws_iam.tools.audit.access.asked_resources import may_be_missing
from aws_iam.tools.audit.access.behind_keys import keys_behind, with_keys
from aws_iam.tools.audit.access.callers import (
    RANK,
    Caller,
    LimitedCaller,
    by_rank,
    can_the_same,
)
from aws_iam.tools.audit.access.decisions import Decider
from aws_iam.tools.audit.access.handed_out import HandedOut
from aws_iam.tools.audit.access.key_grants import key_grants
from aws_iam.tools.audit.access.known_tags import KnownTags
from aws_iam.tools.audit.access.other_entrances import other_entrances
from aws_iam.tools.audit.access.outside_callers import outside_callers
from aws_iam.tools.audit.access.session_limits import (
    is_had_by_sessions_alone,
    session_limits,
)
from aws_iam.tools.audit.access.unseen_encryption import unseen_encryption
from aws_iam.tools.audit.access.verdicts import Access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.tools.audit.access.asked_resources import AskedResources, ResourcePattern
    from aws_iam.tools.audit.access.behind_keys import Decide, KeyBehind
    from aws_iam.tools.audit.access.estate import Estate, Principal
    from aws_iam.tools.audit.access.held_policies import SessionLimit
    from aws_iam.tools.audit.access.outside_callers import OutsideCaller
    from aws_iam.tools.audit.access.resource_samples import Samples
    from aws_iam.tools.audit.access.verdicts import Verdict

# A request for authorization has no longer ARN.
_LONGEST = 8_192
_MOST_DECISIONS = 500_000

Part = tuple[str, str, Access]
"""An action, a resource, and the access to it."""
_CANNOT = Access(verdict="cannot")
_TOO_MANY = Access(
    verdict="unknown", why="its policies tell too many resources apart to ask about each"
)


@dataclass(slots=True, kw_only=True)
class WhoCan:
    """Everybody who can, or perhaps; `anyone` is None where that is not known."""

    actions: tuple[str, ...]
    on: str
    principals: list[Caller] = field(default_factory=list)
    outsiders: list[Caller] = field(default_factory=list)
    services: list[Caller] = field(default_factory=list)
    anyone: bool | None = False
    strangers: Caller | None = None
    """What anyone can do, where anyone can."""
    unread_policies: dict[str, str] = field(default_factory=dict)
    unread_grants: dict[str, str] = field(default_factory=dict)
    """Why the grants of a key are not known, by its ARN."""
    understood: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    """What else the actions are authorized on, in sentences."""
    entrances: tuple[str, ...] = ()
    """Further actions by which identities of a provider assume the role."""
    unseen_keys: dict[str, str] = field(default_factory=dict)
    """Why the key that encrypts a resource was not looked at, by its ARN."""
    missing: list[str] = field(default_factory=list)
    """Why resources that were asked about may not have been listed."""


def who_can(estate: Estate, actions: Sequence[str], on: str) -> WhoCan:
    """The callers that can perform any of the actions on what `on` names."""
    if len(on) > _LONGEST:
        raise InputError(f"`on` has {len(on):,} characters, more than {_LONGEST:,}")
    asked, left_out = asked_actions(estate, actions, on)
    takes_resource = any(own.arns != ("*",) for own in asked.values())
    found = WhoCan(actions=tuple(asked), on=(on or "*") if takes_resource else "*")
    found.understood += dict.fromkeys(own.understood for own in asked.values() if own.understood)
    found.understood += [left_out] if left_out else []
    arns = [text for own in asked.values() for text in own.texts]
    found.entrances = other_entrances(estate, found.actions, dict.fromkeys(arns))
    found.beside += also_asked_on(found.actions, on)
    for action, own in asked.items():
        found.unseen_keys |= unseen_encryption(estate, action, own.texts)
    found.missing += dict.fromkeys(may_be_missing(estate, on))
    limits = session_limits(estate)
    number = (len(estate.principals) + sum(map(len, limits.values()))) * len(arns)
    if number > _MOST_DECISIONS:
        raise InputError(
            f"the question needs {number:,} decisions, more than {_MOST_DECISIONS:,}",
            hint="name fewer actions or resources",
        )
    search = _Search.of_estate(estate, asked, KnownTags.of(estate), limits)
    for principal in estate.principals:
        caller = search.of(principal)
        if caller:
            found.principals.append(search.with_sessions(caller, principal))
    search.outside(found)
    callers = (*found.principals, *found.outsiders, *found.services, found.strangers)
    is_partly = any(own is not None and (own.partly or own.besides) for own in callers)
    if is_partly and any(own.patterns for own in asked.values()):
        found.understood.append("`on` of a part is an example of it, which need not exist")
    found.principals.sort(key=lambda own: (RANK[own.access.verdict], own.name))
    return found


def verdict_of_each(
    estate: Estate, actions: Sequence[str], on: str, tags: KnownTags
) -> tuple[tuple[str, ...], Callable[[Principal], Verdict]]:
    """The actions by name, and what judges whether a principal, as it is or as it would be, can perform one of them."""
    asked, _ = asked_actions(estate, actions, on)
    search = _Search.of_estate(estate, asked, tags)

    def verdict(principal: Principal) -> Verdict:
        caller = search.of(principal)
        return caller.access.verdict if caller else "cannot"

    return tuple(asked), verdict


@slotted
class _Search:
    estate: Estate
    decider: Decider
    handed_out: HandedOut
    asked: dict[str, AskedResources]
    roles: dict[tuple[str, str], Principal]
    """The roles by account and name."""
    limits: Mapping[str, Sequence[SessionLimit]]
    """What limits sessions of a role, by its ARN."""
    keys: dict[tuple[str, str], tuple[KeyBehind, ...]] = field(default_factory=dict)
    """The keys behind the resources that were asked about, by action and ARN."""
    limited: dict[tuple[str, str], tuple[LimitedCaller, ...]] = field(default_factory=dict)
    """What the limited sessions of a role can do, by its ARN and the session's."""

    @classmethod
    def of_estate(
        cls,
        estate: Estate,
        asked: dict[str, AskedResources],
        tags: KnownTags,
        limits: Mapping[str, Sequence[SessionLimit]] | None = None,
    ) -> _Search:
        """The search for the callers of some actions; tags that are not known may be any."""
        roles = {
            (own.member.account.id, own.identity.name): own
            for own in estate.principals
            if isinstance(own.identity, Role)
        }
        decider = Decider(estate, tags)
        return cls(
            estate=estate,
            decider=decider,
            handed_out=HandedOut.of_estate(decider, estate),
            asked=asked,
            roles=roles,
            limits=limits or {},
        )

    def of(self, principal: Principal, session: str = "") -> Caller | None:
        """The principal, if it can or perhaps can; with `session` the session of that ARN."""
        tried = [
            part
            for action, asked in self.asked.items()
            for part in _if_complete(asked, list(self._parts(principal, action, asked, session)))
        ]
        return self._caller(session or principal.arn, tried)

    def with_sessions(self, caller: Caller, role: Principal) -> Caller:
        """The caller, if it is a role with what its sessions under session policies can do."""
        return replace(
            caller,
            sessions=self._under_limits(role),
            only_by_sessions=self._is_had_by_sessions_alone(role),
        )

    def _limits_of(self, role: Principal) -> Sequence[SessionLimit]:
        """What limits sessions of a role that may call the services of the question."""
        services = {action.partition(":")[0] for action in self.asked}
        return [
            limit
            for limit in self.limits.get(role.arn, ())
            if not limit.services or limit.services & services
        ]

    def _is_had_by_sessions_alone(self, role: Principal) -> bool:
        existing = [
            limit
            for limit in self._limits_of(role)
            if self.handed_out.of(limit.handover).is_possible
        ]
        return is_had_by_sessions_alone(role, existing)

    def _under_limits(self, role: Principal, session: str = "") -> tuple[LimitedCaller, ...]:
        """What the sessions of a role under each limit can do, if there are any; with `session` those with that ARN."""
        if (role.arn, session) not in self.limited:
            self.limited[role.arn, session] = tuple(
                self._under(limit, role, session) for limit in self._limits_of(role)
            )
        return self.limited[role.arn, session]

    def _under(self, limit: SessionLimit, role: Principal, session: str) -> LimitedCaller:
        handed_out = self.handed_out.of(limit.handover)
        limited = replace(role, session=limit)
        can = self.of(limited, session) if handed_out.is_possible else None
        if can and handed_out.verdict == "unknown" and can.access.verdict == "can":
            can = replace(
                can, access=replace(can.access, verdict="unknown", why=handed_out.why), besides=()
            )
        return LimitedCaller(limit=limit, can=can, handed_out=handed_out)

    def _of_session(self, arn: str, rows: Sequence[Part]) -> Caller | None:
        """A session that a policy names, if it can do more than its role; `rows` are what it can do without session policies.

        Session policies do not limit what names the session itself, but for their Deny statements:
        https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
        """
        caller = self._caller(arn, rows)
        role = self.roles.get(_role_of(arn))
        if role is None or not self._limits_of(role):
            return caller
        under = self._under_limits(role, arn)
        gains = [
            own
            for own, of_any in zip(under, self._under_limits(role), strict=True)
            if own.can and not can_the_same(own, of_any)
        ]
        if self._is_had_by_sessions_alone(role):
            best = min((own.can for own in gains if own.can), key=by_rank, default=None)
            return best and replace(best, sessions=under, only_by_sessions=True)
        if caller is None and gains:
            # Other sessions of the role can, whatever their name: the row of the role says so.
            caller = self.of(role, arn)
        return caller and replace(caller, sessions=under)

    def _parts(
        self, principal: Principal, action: str, asked: AskedResources, session: str
    ) -> Iterator[Part]:
        """The access to each resource, and to samples of each pattern."""
        for arn in asked.arns:
            yield action, arn, self._decided(principal, action, arn, session)
        for pattern in asked.patterns:
            samples = self.decider.samples(principal, action, pattern, session=session)
            arns = [
                arn
                for arn in samples.arns
                if not (asked.arns and self.decider.reads_nothing(action, arn))
            ]
            if samples.arns and not arns:
                continue
            found = [(action, arn, self._decided(principal, action, arn, session)) for arn in arns]
            if not samples.complete and not any(own.is_possible for _, _, own in found):
                found = [(action, pattern.text, _TOO_MANY)]
            yield from found or [(action, pattern.text, _CANNOT)]

    def _decided(self, principal: Principal, action: str, arn: str, session: str = "") -> Access:
        decide: Decide = partial(self.decider.decide, principal, session=session)
        return self._with_keys(decide, principal.member.account.id, action, arn)

    def _with_keys(self, decide: Decide, account: str, action: str, arn: str) -> Access:
        """What a caller of an account can do, with the keys that encrypt the resource."""
        access = decide(action, arn, {})
        if not access.is_possible:
            return access
        if (action, arn) not in self.keys:
            made_up = self.decider.is_made_up(arn)
            self.keys[action, arn] = () if made_up else keys_behind(self.estate, action, arn)
        return with_keys(access, self.keys[action, arn], account, decide)

    def _caller(self, name: str, tried: Sequence[Part]) -> Caller | None:
        """The caller with what it can do; None if it can do nothing of it."""
        alike: dict[tuple[Verdict, tuple[str, ...]], list[Part]] = {}
        for part in tried:
            if part[2].is_possible:
                alike.setdefault((part[2].verdict, part[2].conditions), []).append(part)
        if not alike:
            return None
        best, *others = sorted(alike, key=lambda own: (RANK[own[0]], len(own[1])))
        able = sum(len(parts) for own, parts in alike.items() if own[0] == best[0])
        whole = self._everything() if len(alike[best]) == len(tried) else ()
        return replace(
            _of_parts(name, alike[best], whole),
            partly=able < len(tried),
            besides=tuple(_of_parts(name, alike[own], ()) for own in others),
        )

    def _everything(self) -> tuple[str, ...]:
        """All that was asked about, patterns as such."""
        arns = [arn for asked in self.asked.values() for arn in asked.arns]
        patterns = [own.text for asked in self.asked.values() for own in asked.patterns]
        return tuple(dict.fromkeys((*arns, *patterns)))

    def outside(self, found: WhoCan) -> None:
        """Add the callers outside the estate, and whether anyone can."""
        places: list[tuple[str, str]] = []
        callers: dict[tuple[str, str], list[Part]] = {}
        for action, asked in self.asked.items():
            arns, unclear = self._outside_resources(action, asked)
            for arn in arns:
                places.append((action, arn))
                self._note_unread(found, action, arn)
                for own in outside_callers(self.estate, action, arn):
                    row = (action, arn, self._of_outsider(own, action, arn))
                    callers.setdefault((own.sort, own.name), []).append(row)
            for own, text in unclear:
                rows = callers.setdefault((own.sort, own.name), [])
                if not any(access.is_possible for _, _, access in rows):
                    rows.append((action, text, _TOO_MANY))
        for (sort, name), rows in callers.items():
            named = {(action, arn) for action, arn, _ in rows}
            rows += [(*place, _CANNOT) for place in places if place not in named]
            self._add(found, sort, name, rows)

    def _add(self, found: WhoCan, sort: str, name: str, rows: list[Part]) -> None:
        """Add what a caller from outside can do; what anyone can without conditions is told apart."""
        if sort == "anyone":
            free = [own if own[2].is_unconditional else (*own[:2], _CANNOT) for own in rows]
            found.strangers = self._caller(name, free)
            rows = [(*own[:2], _CANNOT) if own[2].is_unconditional else own for own in rows]
            if found.strangers:
                found.anyone = True
            elif any(own.verdict == "unknown" for _, _, own in rows):
                found.anyone = None
        caller = self._of_session(name, rows) if sort == "session" else self._caller(name, rows)
        if caller:
            {"service": found.services, "session": found.principals}.get(
                sort, found.outsiders
            ).append(caller)

    def _outside_resources(
        self, action: str, asked: AskedResources
    ) -> tuple[list[str], list[tuple[OutsideCaller, str]]]:
        """The resources to ask about for callers from outside; and who needs more of which pattern to be judged."""
        arns = dict.fromkeys(asked.arns)
        unclear = []
        for pattern in asked.patterns:
            arns |= dict.fromkeys(self.decider.samples_of_anyone(action, pattern).arns)
            for own in outside_callers(self.estate, action, pattern.text):
                samples = self._samples_of(own, action, pattern)
                arns |= dict.fromkeys(samples.arns)
                if not samples.complete:
                    unclear.append((own, pattern.text))
        # What does not exist has no policy.
        return [arn for arn in arns if not self.decider.is_made_up(arn)], unclear

    def _samples_of(self, own: OutsideCaller, action: str, pattern: ResourcePattern) -> Samples:
        role = self.roles.get(_role_of(own.arn)) if own.sort == "session" else None
        if role:
            return self.decider.samples(role, action, pattern, session=own.arn)
        if own.arn and own.sort in {"outsider", "service"}:
            return self.decider.samples_of_outsider(own.arn, action, pattern)
        return self.decider.samples_of_anyone(action, pattern)

    def _note_unread(self, found: WhoCan, action: str, arn: str) -> None:
        policy = self.estate.policy_of(action, arn)
        if policy.why_unread:
            found.unread_policies[policy.arn] = policy.why_unread
            found.anyone = None
        grants = key_grants(self.estate, action, arn)
        if grants.why_unread:
            found.unread_grants[arn] = grants.why_unread

    def _of_outsider(self, own: OutsideCaller, action: str, arn: str) -> Access:
        if own.why_unknown:
            return Access(verdict="unknown", why=own.why_unknown)
        caller = Arn.of(own.arn)
        account = caller.account if caller else ""
        decide: Decide = partial(self.decider.outsider, own.arn)
        if own.sort == "session":
            role = self.roles.get(_role_of(own.arn))
            if role and self._decided(role, action, arn).is_unconditional:
                # Every session of the role can, which the row of the role says.
                return _CANNOT
            decide = (
                partial(self.decider.decide, role, session=own.arn)
                if role
                else partial(self.decider.unread_session, own.arn, self.estate.members[account])
            )
        return self._with_keys(decide, account, action, arn)


def _if_complete(asked: AskedResources, parts: list[Part]) -> list[Part]:
    """The parts, none of which is possible where all resources of a kind that every request names are refused."""
    for formats in asked.needed:
        of_kind = [
            access.is_possible
            for _, text, access in parts
            if (arn := Arn.of(text)) and any(fits(arn, form) for form in formats)
        ]
        if of_kind and not any(of_kind):
            return [(action, text, _CANNOT) for action, text, _ in parts]
    return parts


def _role_of(session: str) -> tuple[str, str]:
    """The account and the name of the role behind a session; the ARN lacks the role's path."""
    arn = Arn.of(session)
    kind, _, rest = arn.resource.partition("/") if arn else ("", "", "")
    return (arn.account, rest.partition("/")[0]) if arn and kind == "assumed-role" else ("", "")


def _of_parts(name: str, parts: Sequence[Part], whole: tuple[str, ...]) -> Caller:
    """The caller with access that is alike on all parts; `whole` are all resources, if these are all."""
    return Caller(
        name=name,
        access=parts[0][2],
        actions=tuple(dict.fromkeys(action for action, _, _ in parts)),
        on=whole or tuple(dict.fromkeys(arn for _, arn, _ in parts)),
    )
