"""Who can do something: every principal of the estate, and those outside it that a resource lets in.

who_can(estate, ["s3:GetObject"], "arn:aws:s3:::books/*")   →   WhoCan: principals, outsiders, services, anyone
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.identity.authorization import Role
from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.audit.access.asked_actions import also_asked_on, asked_actions
from aws_iam.tools.audit.access.asked_resources import asked_resources, may_be_missing
from aws_iam.tools.audit.access.behind_keys import keys_behind, with_keys
from aws_iam.tools.audit.access.decisions import Access, Decider
from aws_iam.tools.audit.access.key_grants import key_grants
from aws_iam.tools.audit.access.other_entrances import other_entrances
from aws_iam.tools.audit.access.outside_callers import outside_callers
from aws_iam.tools.audit.access.unseen_encryption import unseen_encryption

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.answer import Decision
    from aws_iam.tools.audit.access.asked_resources import AskedResources
    from aws_iam.tools.audit.access.behind_keys import Decide, KeyBehind
    from aws_iam.tools.audit.access.estate import Estate, Principal
    from aws_iam.tools.audit.access.outside_callers import OutsideCaller

# A request for authorization has no longer ARN.
_LONGEST = 8_192
_MOST_DECISIONS = 500_000
_RANK = {"can": 0, "unknown": 1, "cannot": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who can do it, or perhaps: on which of the resources, by which of the actions, and the best proof."""

    name: str
    access: Access
    actions: tuple[str, ...]
    on: tuple[str, ...]
    partly: bool = False
    """Whether some of what was asked about is refused."""

    def row(self) -> dict[str, Any]:
        """The caller as a row of the answer."""
        best = self.access
        return {
            "principal": self.name,
            "verdict": best.verdict,
            "conditions": list(best.conditions),
            "actions": list(self.actions),
            "on": list(self.on),
            **({"partly": True} if self.partly else {}),
            **({"why": best.why} if best.why else {}),
            **({"proof": _proof(best.proof)} if best.proof else {}),
        }


def _proof(decision: Decision) -> dict[str, Any]:
    """The decision on the request, as evaluate gives it."""
    return {
        "outcome": decision.outcome,
        "decided_by": list(decision.decided_by),
        "because": [
            {
                "layer": own.layer,
                "policy": own.policy,
                "pointer": own.pointer,
                "effect": own.effect,
            }
            for own in decision.because
        ],
        **({"missing_keys": list(decision.missing_keys)} if decision.missing_keys else {}),
    }


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
    named = asked_actions(actions, on)
    asked = {action: asked_resources(estate, action, on) for action in named}
    arns = list(dict.fromkeys(arn for own in asked.values() for arn in (*own.arns, *own.patterns)))
    found = WhoCan(actions=named, on="*" if arns == ["*"] else on or "*")
    found.understood += [
        f"{quoted(action)} takes no resource and is asked on `*`"
        for action, own in asked.items()
        if own.arns == ("*",) and on not in {"", "*"}
    ]
    found.entrances = other_entrances(estate, named, arns)
    found.beside += also_asked_on(named, on)
    for action, own in asked.items():
        found.unseen_keys |= unseen_encryption(estate, action, (*own.arns, *own.patterns))
    found.understood += dict.fromkeys(own.understood for own in asked.values() if own.understood)
    found.missing += dict.fromkeys(may_be_missing(estate, on))
    number = len(estate.principals) * sum(max(1, len(own.arns)) for own in asked.values())
    if number > _MOST_DECISIONS:
        raise InputError(
            f"the question needs {number:,} decisions, more than {_MOST_DECISIONS:,}",
            hint="name fewer actions or resources",
        )
    roles = {
        (own.member.account.id, own.identity.name): own
        for own in estate.principals
        if isinstance(own.identity, Role)
    }
    search = _Search(estate=estate, decider=Decider(estate), asked=asked, roles=roles)
    for principal in estate.principals:
        caller = search.of(principal)
        if caller:
            found.principals.append(caller)
    search.outside(found)
    callers = (*found.principals, *found.outsiders, *found.services, found.strangers)
    is_partly = any(own is not None and own.partly for own in callers)
    if is_partly and any(own.patterns for own in asked.values()):
        found.understood.append("`on` of a part is an example of it, which need not exist")
    found.principals.sort(key=lambda own: (_RANK[own.access.verdict], own.name))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    estate: Estate
    decider: Decider
    asked: dict[str, AskedResources]
    roles: dict[tuple[str, str], Principal]
    """The roles by account and name."""
    keys: dict[tuple[str, str], tuple[KeyBehind, ...]] = field(default_factory=dict)
    """The keys behind the resources that were asked about, by action and ARN."""

    def of(self, principal: Principal) -> Caller | None:
        """The principal, if it can or perhaps can."""
        texts = [policy.text for policy in principal.held.every]
        tried = [
            (action, arn, self._decided(principal, action, arn))
            for action, asked in self.asked.items()
            for arn in self._parts(asked, action, texts)
        ]
        return self._caller(principal.arn, tried)

    def _parts(self, asked: AskedResources, action: str, texts: Iterable[str]) -> list[str]:
        """The resources to ask about, with those of the policies' statements for a pattern."""
        if not asked.patterns:
            return list(asked.arns)
        policies = [self.estate.policy_of(action, pattern).text for pattern in asked.patterns]
        written = [*texts, *filter(None, policies)]
        return list(dict.fromkeys(asked.parts(_resources(written, action))))

    def _decided(self, principal: Principal, action: str, arn: str) -> Access:
        decide = partial(self.decider.decide, principal)
        return self._with_keys(decide, principal.member.account.id, action, arn)

    def _with_keys(self, decide: Decide, account: str, action: str, arn: str) -> Access:
        """What a caller of an account can do, with the keys that encrypt the resource."""
        access = decide(action, arn, {})
        if not access.is_possible:
            return access
        if (action, arn) not in self.keys:
            self.keys[action, arn] = keys_behind(self.estate, action, arn)
        return with_keys(access, self.keys[action, arn], account, decide)

    def _caller(self, name: str, tried: Sequence[tuple[str, str, Access]]) -> Caller | None:
        """The caller with what it can do; None if it can do nothing of it."""
        possible = [(action, arn, own) for action, arn, own in tried if own.is_possible]
        if not possible:
            return None
        best = min(possible, key=lambda row: (_RANK[row[2].verdict], len(row[2].conditions)))[2]
        same = [row for row in possible if row[2].verdict == best.verdict]
        partly = len(same) < len(tried)
        patterns = dict.fromkeys(text for own in self.asked.values() for text in own.patterns)
        return Caller(
            name=name,
            access=best,
            actions=tuple(dict.fromkeys(action for action, _, _ in same)),
            on=tuple(patterns)
            if patterns and not partly
            else tuple(dict.fromkeys(arn for _, arn, _ in same)),
            partly=partly,
        )

    def outside(self, found: WhoCan) -> None:
        """Add the callers outside the estate, and whether anyone can."""
        callers: dict[tuple[str, str], list[tuple[str, str, Access]]] = {}
        for action, asked in self.asked.items():
            for arn in self._parts(asked, action, ()):
                self._note_unread(found, action, arn)
                for own in outside_callers(self.estate, action, arn):
                    row = (action, arn, self._of_outsider(own, action, arn))
                    callers.setdefault((own.sort, own.name), []).append(row)
        for (sort, name), tried in callers.items():
            if sort == "anyone":
                found.strangers = self._unconditional(name, tried)
            bound = [row for row in tried if sort != "anyone" or not _is_free(row[2])]
            caller = self._caller(name, bound)
            if caller:
                {"service": found.services, "session": found.principals}.get(
                    sort, found.outsiders
                ).append(caller)
                if sort == "anyone" and caller.access.verdict == "unknown":
                    found.anyone = None
        found.anyone = True if found.strangers else found.anyone

    def _unconditional(self, name: str, tried: Sequence[tuple[str, str, Access]]) -> Caller | None:
        """What anyone can do without conditions."""
        cannot = Access(verdict="cannot")
        return self._caller(
            name, [(action, arn, own if _is_free(own) else cannot) for action, arn, own in tried]
        )

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
            if role and _is_free(self._decided(role, action, arn)):
                # Every session of the role can, which the row of the role says.
                return Access(verdict="cannot")
            decide = (
                partial(self.decider.decide, role, session=own.arn)
                if role
                else partial(self.decider.unread_session, own.arn, self.estate.members[account])
            )
        return self._with_keys(decide, account, action, arn)


def _is_free(access: Access) -> bool:
    return access.verdict == "can" and not access.conditions


def _role_of(session: str) -> tuple[str, str]:
    """The account and the name of the role behind a session; the ARN lacks the role's path."""
    arn = Arn.of(session)
    kind, _, rest = arn.resource.partition("/") if arn else ("", "", "")
    return (arn.account, rest.partition("/")[0]) if arn and kind == "assumed-role" else ("", "")


def _resources(texts: Iterable[str], action: str) -> Iterator[str]:
    """What the statements about the action name as resources."""
    for text in texts:
        try:
            policy = one_policy(text, Kind.RESOURCE if '"Principal"' in text else Kind.IDENTITY)
        except InputError:
            continue
        for statement in policy.statements:
            if IndexedStatement.of(statement).takes(action.lower()):
                yield from (own.value for own in statement.resources)
