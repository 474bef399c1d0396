"""Every user and role with what it used and what that leaves to take away, and the change of every policy that this means.

judged(account, window, events)   →   Judgement(principals=(JudgedPrincipal(verdict="smaller", …), …), changes=(…))
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.account.collect.fact import Miss, known
from aws_iam.account.collect.identity.authorization import Role
from aws_iam.account.collect.identity.credential_report import CREDENTIAL_REPORT
from aws_iam.account.collect.identity.last_accessed import LAST_ACCESSED
from aws_iam.engine.reference.policy_quotas import size
from aws_iam.errors import InputError, NotCollected
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.audit.rightsize.action_sets import action_sets
from aws_iam.tools.audit.rightsize.policies_in_use import Entity, policies_of
from aws_iam.tools.audit.rightsize.policy_changes import inline_lengths, own_copy, policy_change
from aws_iam.tools.audit.rightsize.proof import NOTHING_LOST, Lost, Prover
from aws_iam.tools.audit.rightsize.recorded_use import (
    KeptAccess,
    credential_use,
    kept_access,
    last_use,
    unexplained_use,
)
from aws_iam.tools.audit.rightsize.role_holders import role_holders
from aws_iam.tools.audit.rightsize.smaller_policy import (
    Granted,
    granted_actions,
    written_policy,
)
from aws_iam.tools.kit.tool import silent
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from aws_iam.account.collect.identity.authorization import Authorization, User
    from aws_iam.account.collect.identity.credential_report import (
        CredentialReport,
        CredentialReportRow,
    )
    from aws_iam.account.collect.identity.last_accessed import ServiceUse, Usage
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.audit.rightsize.action_sets import ActionSets
    from aws_iam.tools.audit.rightsize.events_by_principal import EventsByPrincipal
    from aws_iam.tools.audit.rightsize.policies_in_use import PolicyInUse, PrincipalPolicies
    from aws_iam.tools.audit.rightsize.policy_changes import PolicyChange
    from aws_iam.tools.audit.rightsize.recorded_use import Window
    from aws_iam.tools.kit.tool import Progress

Verdict = Literal["smaller", "fits", "stays", "unused", "manual", "unknown"]
VERDICTS: tuple[Verdict, ...] = ("smaller", "unused", "stays", "manual", "fits", "unknown")
"""`fits`: it used all that AWS tracks; `stays`: some is unused and cannot be taken away; `manual`: elsewhere than in IAM."""
_OF_IDENTITY_CENTER = "/aws-reserved/sso.amazonaws.com/"
_CALL = "iam:GetServiceLastAccessedDetails"
_REPORT_CALL = "iam:GetCredentialReport"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
_NEXT_REPORT = "Read the account again: AWS makes a new credential report after four hours."


@slotted
class JudgedPrincipal:
    """A user or role, and what is known of its use."""

    identity: User | Role
    verdict: Verdict
    why: str = ""
    missing: NotCollected | None = None
    """The data without which nothing is known."""
    access: KeptAccess | None = None
    last_used: datetime | None = None
    documents: tuple[Mapping[str, Any], ...] = ()
    """Its policies after the change."""
    lost: Lost = NOTHING_LOST
    changes: tuple[PolicyChange, ...] = ()
    """What becomes of each of its policies."""
    holders: tuple[str, ...] = ()
    """The resources that hold a role that is unused."""

    @property
    def kind(self) -> Literal["role", "user"]:
        """`role` or `user`."""
        return "role" if isinstance(self.identity, Role) else "user"


@slotted
class Judgement:
    """All principals, and the changes of all policies that are changed."""

    principals: tuple[JudgedPrincipal, ...]
    changes: tuple[PolicyChange, ...]


def judged(
    account: Account,
    authorization: Authorization,
    window: Window,
    events: EventsByPrincipal,
    progress: Progress = silent,
) -> Judgement:
    """The judgement of an account; most of the time goes into comparing policies, equal ones once."""
    policies, held = policies_of(authorization)
    usage = account.get(LAST_ACCESSED)
    report = account.get(CREDENTIAL_REPORT)
    judge = _Judge(
        window=window,
        usage=usage,
        report=report,
        events=events,
        held=held,
        holders=role_holders(account),
        sets=action_sets(),
    )
    identities: list[User | Role] = [*authorization.users]
    identities += [role for role in authorization.roles if not role.is_service_linked]
    first = [judge.by_use(identity) for identity in identities]
    return _with_changes(first, policies, held, judge.sets, progress)


@dataclass(slots=True, kw_only=True)
class _Judge:
    """Judges principals one by one by what they used."""

    window: Window
    usage: Usage | Miss
    report: CredentialReport | Miss
    events: EventsByPrincipal
    held: Mapping[str, PrincipalPolicies]
    holders: Mapping[str, tuple[str, ...]]
    sets: ActionSets
    _services: dict[str, tuple[ServiceUse, ...] | Miss] = field(default_factory=dict)
    _credentials: dict[str, CredentialReportRow] = field(default_factory=dict)
    _granted: dict[tuple[str, ...], Granted] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.usage, Miss):
            self._services = {use.arn: use.services for use in self.usage.identities}
        if not isinstance(self.report, Miss):
            self._credentials = {row.arn: row for row in reversed(self.report.users)}

    def by_use(self, identity: User | Role) -> JudgedPrincipal:
        """The principal as its use alone makes it: `smaller` where a smaller policy is to be looked for."""
        try:
            return self._by_use(identity)
        except NotCollected as missing:
            return JudgedPrincipal(
                identity=identity,
                verdict="unknown",
                why=missing.message,
                missing=missing,
            )
        except InputError as error:
            return _unknown(identity, f"one of its policies cannot be read: {error.message}")

    def _by_use(self, identity: User | Role) -> JudgedPrincipal:
        window, own = self.window, self.held[identity.arn]
        if own.unread:
            return _unknown(identity, f"AWS did not send {joined(own.unread)}")
        if identity.created is None:
            return _unknown(
                identity, "the snapshot has no `created` of it, so how long it exists is not known"
            )
        if identity.created > window.idle_since:
            age = counted(max((window.now - identity.created).days, 0), "day")
            return _unknown(
                identity, f"it is {age} old, too young to judge: {window.days} days are asked for"
            )
        services = self._services_of(identity)
        seen = self.events.actions_of(identity)
        signed = self._signed_use(identity)
        known_uses = (last_use(services), None if isinstance(signed, NotCollected) else signed)
        used = max(filter(None, known_uses), default=None)
        granted = self._granted_to(own)
        if not seen and (used is None or used <= window.idle_since):
            if isinstance(signed, NotCollected):
                raise signed
            nothing = KeptAccess.nothing(granted, self.sets)
            return JudgedPrincipal(
                identity=identity,
                verdict="unused",
                access=nothing,
                last_used=used,
                holders=self._holders_of(identity),
            )
        unexplained = (
            f"its last use is not known: {signed.message}"
            if isinstance(signed, NotCollected)
            else unexplained_use(signed, services, window)
        )
        access = kept_access(granted, services, seen, window, self.sets, unexplained)
        judged_ = JudgedPrincipal(
            identity=identity, verdict="smaller", access=access, last_used=used
        )
        if getattr(identity, "path", "").startswith(_OF_IDENTITY_CENTER):
            return replace(
                judged_,
                verdict="manual" if access.unused else "fits",
                why="its policies come from a permission set of IAM Identity Center, which has to be changed there",
            )
        return judged_

    def _holders_of(self, identity: User | Role) -> tuple[str, ...]:
        profiles = identity.profiles if isinstance(identity, Role) else ()
        return (
            *(f"instance profile {quoted(arn.rpartition('/')[2])}" for arn in profiles),
            *self.holders.get(identity.arn, ()),
        )

    def _signed_use(self, identity: User | Role) -> datetime | NotCollected | None:
        """When a role, or a credential of a user, was last used for whatever it was; None: never."""
        if isinstance(identity, Role):
            return identity.last_used
        if isinstance(self.report, Miss):
            return self.report.error()
        row = self._credentials.get(identity.arn)
        if row is None:
            return NotCollected(
                "the credential report does not list it: when its password and keys were used is not known",
                call=_REPORT_CALL,
                code="not listed",
                hint=_NEXT_REPORT,
            )
        return credential_use(row)

    def _services_of(self, identity: User | Role) -> tuple[ServiceUse, ...]:
        """What it used; raises NotCollected where that was not read."""
        if isinstance(identity, Role) and identity.last_used is None:
            # Nobody assumed it, and so AWS is not asked.
            return ()
        if identity.arn in self._services:
            return known(self._services[identity.arn])
        if isinstance(self.usage, Miss):
            raise self.usage.error()
        left_out = self.usage.left_out
        raise NotCollected(
            f"what it used was not read, as of {counted(left_out, 'more principal')}: name it with `principal`"
            if left_out
            else "what it used was not read",
            call=_CALL,
            code="not asked",
            permission=_CALL,
            hint="Name it with `principal`." if left_out else "",
        )

    def _granted_to(self, own: PrincipalPolicies) -> Granted:
        if own.texts not in self._granted:
            found = Granted()
            for text in own.texts:
                found = found.with_(granted_actions(text, self.sets))
            self._granted[own.texts] = found
        return self._granted[own.texts]


def _unknown(identity: User | Role, why: str) -> JudgedPrincipal:
    return JudgedPrincipal(identity=identity, verdict="unknown", why=why)


def _with_changes(
    first: list[JudgedPrincipal],
    policies: Iterable[PolicyInUse],
    held: Mapping[str, PrincipalPolicies],
    sets: ActionSets,
    progress: Progress,
) -> Judgement:
    """The principals with their proposals; one whose proposal is not proved keeps what it has, and so do its policies."""
    policies = tuple(policies)
    kept = {
        principal.identity.arn: principal.access
        for principal in first
        if principal.verdict == "smaller" and principal.access is not None
    }
    prover, unproved = Prover(sets), dict[str, str]()
    while True:
        changes = _changes(policies, kept, sets)
        by_policy = {id(change.policy): change for change in changes}
        found = []
        for number, principal in enumerate(first, 1):
            arn = principal.identity.arn
            if arn not in kept:
                found.append(principal)
                continue
            progress(number, len(first), "comparing policies")
            found.append(_proposed(principal, held[arn], by_policy, prover))
        wrong = {
            principal.identity.arn: principal.why
            for principal in found
            if principal.identity.arn in kept and principal.verdict == "unknown"
        }
        if not wrong:
            break
        unproved |= wrong
        kept = {arn: access for arn, access in kept.items() if arn not in wrong}
    own: list[PolicyChange] = []
    principals: list[JudgedPrincipal] = []
    for principal in found:
        arn = principal.identity.arn
        if arn in unproved:
            principals.append(replace(principal, verdict="unknown", why=unproved[arn]))
            continue
        if principal.verdict == "stays":
            copies = _own_copies(principal, held[arn], sets)
            alone = _proposed(principal, held[arn], by_policy | copies, prover)
            if alone.verdict == "smaller" and alone.lost.rows:
                own += copies.values()
                principals.append(_with_own_changes(alone, held[arn], by_policy | copies))
                continue
        principals.append(_with_own_changes(principal, held[arn], by_policy))
    return Judgement(
        principals=tuple(principals),
        changes=(*(change for change in changes if change.change != "keep"), *own),
    )


def _own_copies(
    principal: JudgedPrincipal, own: PrincipalPolicies, sets: ActionSets
) -> dict[int, PolicyChange]:
    """The copies of shared policies for a principal that needs less than its companions, who keep them."""
    found: dict[int, PolicyChange] = {}
    if principal.access is None:
        return found
    itself = Entity(principal.kind, principal.identity.name, principal.identity.arn)
    for group in dict.fromkeys(entity for _, entity in own.held):
        policies = [policy for policy, entity in own.held if entity == group]
        leaves = group if group.kind == "group" else None
        copies = {
            id(policy): change
            for policy in policies
            if (leaves or not policy.is_inline)
            and (change := own_copy(policy, itself, principal.access, sets, leaves))
        }
        is_smaller = any(
            change.document is None or change.document != written_policy(change.policy.text)
            for change in copies.values()
        )
        # Who leaves a group must lose nothing else: all of its policies have a copy, and one of them is smaller.
        if not leaves or (is_smaller and len(copies) == len(policies)):
            found = copies | found
    return found


def _changes(
    policies: tuple[PolicyInUse, ...], kept: Mapping[str, KeptAccess], sets: ActionSets
) -> list[PolicyChange]:
    judged_ones = [p for p in policies if any(arn in kept for arn in p.serves)]
    lengths = inline_lengths(policy for policy in judged_ones if policy.is_inline)
    return [
        policy_change(
            policy,
            kept,
            lengths[policy.entities[0].arn] - size(written_policy(policy.text))
            if policy.is_inline
            else 0,
            sets,
        )
        for policy in judged_ones
    ]


def _proposed(
    principal: JudgedPrincipal,
    own: PrincipalPolicies,
    by_policy: Mapping[int, PolicyChange],
    prover: Prover,
) -> JudgedPrincipal:
    """The principal with its policies after the change, and the proof."""
    access = principal.access
    if access is None:
        return principal
    after: dict[str, Mapping[str, Any]] = {}
    for policy, entity in own.held:
        change = by_policy[id(policy)]
        if not change.is_for(entity):
            after.setdefault(policy.text, written_policy(policy.text))
        elif change.document is not None:
            after.setdefault(f"{id(policy)}", change.document)
    if not any(by_policy[id(policy)].is_for(entity) for policy, entity in own.held):
        return replace(principal, verdict="stays" if access.unused else "fits")
    documents = tuple(after.values())
    principal = replace(principal, verdict="smaller")
    proof = prover.proof(documents, own.texts, access.kept)
    if proof.problem:
        return replace(principal, verdict="unknown", why=proof.problem)
    return replace(principal, documents=documents, lost=proof.lost)


def _with_own_changes(
    principal: JudgedPrincipal, own: PrincipalPolicies, by_policy: Mapping[int, PolicyChange]
) -> JudgedPrincipal:
    found = dict.fromkeys(id(policy) for policy, _ in own.held)
    changes = tuple(by_policy[number] for number in found if number in by_policy)
    return replace(principal, changes=changes)
