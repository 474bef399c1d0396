"""`audit principals`, beyond CIS: who is or can become an administrator, whom roles trust outside, what is unused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.authorization import AUTHORIZATION, Role
from aws_iam.account.collect.identity.last_accessed import LAST_ACCESSED
from aws_iam.account.collect.identity.mfa_devices import VIRTUAL_MFA
from aws_iam.account.collect.organization.organization import (
    ORG_GUARDRAILS,
    ORG_TREE,
    ORGANIZATION,
)
from aws_iam.answer import Answer, Finding, Severity, Status, next_call
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.report.order import by_urgency
from aws_iam.tools.audit.controls.judge import needs
from aws_iam.tools.audit.principals.admin_level import (
    ADMINISTRATOR,
    ESCALATES,
    LIMITED,
    UNKNOWN,
    AdminLevel,
    AdminLevels,
)
from aws_iam.tools.audit.principals.effective_policies import EffectivePolicies, effective_policies
from aws_iam.tools.audit.principals.organization_policies import guardrails
from aws_iam.tools.audit.principals.outside_trust import TrustFinding, trust_findings
from aws_iam.tools.audit.principals.role_chains import admin_role_chains
from aws_iam.tools.audit.principals.simulate import Simulator
from aws_iam.tools.audit.principals.targets import AccountIdentities
from aws_iam.tools.audit.principals.unused_access import (
    AUTHORIZATION_CALL,
    IDLE_DAYS,
    UNUSED_CREDENTIALS,
    UNUSED_PAGE,
    not_judged,
    unused_credentials,
    unused_permissions,
    unused_role,
    usage_not_read,
)
from aws_iam.tools.audit.principals.virtual_mfa import virtual_mfa
from aws_iam.tools.audit.principals.wide_policies import wide_policies
from aws_iam.tools.kit.account_source import ACCOUNT_ARGUMENTS, account_words, audit_call
from aws_iam.tools.kit.unread_facts import (
    misses_of,
    missing_permissions,
    unread_reasons,
    unread_table,
)
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.collect.identity.authorization import Authorization, User
    from aws_iam.account.collect.identity.last_accessed import IdentityUse
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import NextCall
    from aws_iam.errors import NotCollected
    from aws_iam.tools.audit.principals.admin_level import AdminRoute
    from aws_iam.tools.audit.principals.organization_policies import Guardrails
    from aws_iam.tools.audit.principals.role_chains import RoleChain

_MOST_NAMED = 5
_PAGE = "references/compliance-checklist.md#principals-beyond-cis"
_BEST_PRACTICES = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
_ORDER = (ADMINISTRATOR, ESCALATES, UNKNOWN, LIMITED)
_POWERFUL = frozenset({ADMINISTRATOR, ESCALATES})


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPrincipal:
    """A user or role, and what is known about its access."""

    identity: User | Role
    level: AdminLevel
    trust: tuple[TrustFinding, ...] = ()
    admin_roles: tuple[RoleChain, ...] = ()
    """How it can assume administrators' roles."""
    use: IdentityUse | None = None

    @property
    def word(self) -> str:
        """`role` or `user`."""
        return "role" if isinstance(self.identity, Role) else "user"

    @property
    def name(self) -> str:
        """Its name in a sentence."""
        return f"{self.word} {quoted(self.identity.name)}"


def needed_facts() -> tuple[Fact[Any], ...]:
    """The facts that the answer needs."""
    return (
        *(AUTHORIZATION, ORGANIZATION, ORG_TREE, ORG_GUARDRAILS, LAST_ACCESSED, VIRTUAL_MFA),
        *needs(controls=(UNUSED_CREDENTIALS,)),
    )


def principals_answer(account: Account) -> Answer:
    """Every principal with its level, the findings, and what was not read."""
    missed = misses_of(account, needed_facts())
    authorization = account.get(AUTHORIZATION)
    org_policies = guardrails(account)
    principals: tuple[JudgedPrincipal, ...] = ()
    all_simulated = True
    if isinstance(authorization, Miss):
        found = by_urgency(_unread_findings(authorization.error()))
    else:
        principals, all_simulated = _judge_principals(account, authorization, org_policies)
        found = by_urgency(
            (
                *_findings(account, principals),
                *wide_policies(account, authorization),
                *unused_credentials(account),
            )
        )
    return Answer(
        summary=_summary(account, principals, found, authorization),
        findings=found,
        facts={
            "account": account_words(account),
            **({"nothing_evaluated": True} if isinstance(authorization, Miss) else {}),
            "collected_at": account.collected_at.isoformat(timespec="seconds"),
            "counts": {kind: len(_of_kind(principals, kind)) for kind in _ORDER},
            **_left_out(account, authorization),
            **({} if all_simulated else {"not_all_asked": True}),
            "principals": [_row(account, principal) for principal in principals],
            "organization_policies": org_policies.summary,
            "not_considered": "session policies, and resource control policies except on assuming a role",
            **({"not_read": unread_table(missed)} if missed else {}),
        },
        artifacts=missing_permissions(account, found),
        sources=(_PAGE, UNUSED_PAGE),
        next=tuple(_next(principals)),
        as_of=catalog().as_of,
    )


def _next(principals: Sequence[JudgedPrincipal]) -> Iterator[NextCall]:
    if any(own.level.kind == ESCALATES for own in principals):
        why = "the paths to administrator, and what closes most of them"
        yield next_call("audit", "access", why, ACCOUNT_ARGUMENTS, to="admin")
    yield audit_call("access_analyzer", "who outside the account has access")
    yield audit_call("run", "all controls of the benchmark")


def _judge_principals(
    account: Account, authorization: Authorization, org_policies: Guardrails
) -> tuple[tuple[JudgedPrincipal, ...], bool]:
    """The principals by level; and whether every path and every administrator's role could be simulated."""
    judge, simulator = AdminLevels(), Simulator(org_policies)
    identities: list[User | Role] = [*authorization.users]
    identities += [role for role in authorization.roles if not role.is_service_linked]
    policies = {
        identity.arn: effective_policies(authorization, identity, org_policies)
        for identity in identities
    }

    def levels_among(known: AccountIdentities) -> dict[str, AdminLevel]:
        return {
            identity.arn: judge.in_account(identity, policies[identity.arn], known, simulator)
            for identity in identities
        }

    known = _account_identities(authorization, policies, judge, org_policies)
    levels = levels_among(known)
    administrators = frozenset(arn for arn, level in levels.items() if _is_strong(level))
    groups = {group.arn for group in authorization.groups}
    if administrators != known.administrators - groups:
        # Only now is it known who can become an administrator, and so which targets are worth most to a path.
        known = replace(known, administrators=administrators | (known.administrators & groups))
        levels = levels_among(known)
    chains, all_chains = admin_role_chains(
        [role for role in identities if isinstance(role, Role) and role.arn in administrators],
        [
            (identity, policies[identity.arn])
            for identity in identities
            if identity.arn not in administrators
        ],
        Simulator(org_policies),
    )
    usage = account.get(LAST_ACCESSED)
    uses = {} if isinstance(usage, Miss) else {use.arn: use for use in usage.identities}
    judged = (
        JudgedPrincipal(
            identity=identity,
            level=levels[identity.arn],
            trust=trust_findings(account, identity) if isinstance(identity, Role) else (),
            admin_roles=chains.get(identity.arn, ()),
            use=uses.get(identity.arn),
        )
        for identity in identities
    )
    by_level = sorted(
        judged, key=lambda principal: (_ORDER.index(principal.level.kind), principal.identity.arn)
    )
    return tuple(by_level), all_chains and simulator.requests_left > 0


def _account_identities(
    authorization: Authorization,
    policies: Mapping[str, EffectivePolicies],
    judge: AdminLevels,
    org_policies: Guardrails,
) -> AccountIdentities:
    """The account's identities with the levels that their policies alone give them."""
    of_groups = {
        group.arn: replace(effective_policies(authorization, group), scps=org_policies.scps)
        for group in authorization.groups
    }
    every = {**policies, **of_groups}
    levels = {arn: judge.by_policies(own) for arn, own in every.items()}

    @cache
    def admin_policies() -> tuple[str, ...]:
        return tuple(
            policy.arn
            for policy in authorization.policies
            if policy.document
            and policy.arn.split(":")[4] != "aws"
            and _is_strong(judge.by_policies(EffectivePolicies(documents=(policy.document,))))
        )

    return AccountIdentities(
        authorization=authorization,
        # -1 has every bit set: a policy that was not read may allow anything.
        actions={arn: -1 if level.unread else level.actions for arn, level in levels.items()},
        documents={arn: frozenset(own.documents) for arn, own in every.items()},
        administrators=frozenset(arn for arn, level in levels.items() if _is_strong(level)),
        admin_policies=admin_policies,
    )


def _is_strong(level: AdminLevel) -> bool:
    return level.kind == ADMINISTRATOR or level.becomes_admin


def _findings(account: Account, principals: Sequence[JudgedPrincipal]) -> Iterator[Finding]:
    rising = {
        principal.identity.name
        for principal in principals
        if isinstance(principal.identity, Role) and principal.level.becomes_admin
    }
    for principal in principals:
        yield from _unread_policies(principal)
        for route in principal.level.routes:
            yield _route_finding(principal, route, principals)
        yield from _admin_role_findings(principal, rising)
        for trust in principal.trust:
            yield _trust_finding(principal, trust)
        if isinstance(principal.identity, Role):
            yield from unused_role(
                account,
                principal.identity,
                principal.name,
                is_powerful=principal.level.kind in _POWERFUL,
            )
        yield from unused_permissions(account, principal.identity, principal.name, principal.use)
    powerful = {p.identity.arn for p in principals if p.level.kind in _POWERFUL}
    yield from virtual_mfa(account, powerful.__contains__)
    usage = account.get(LAST_ACCESSED)
    if isinstance(usage, Miss):
        yield usage_not_read(usage.error())


def _unread_policies(principal: JudgedPrincipal) -> Iterator[Finding]:
    if principal.level.kind == UNKNOWN:
        lacking = joined(list(principal.level.unread))
        yield Finding(
            code="PRINCIPAL_NOT_JUDGED",
            title="What a principal may do is not known",
            severity=Severity.MEDIUM,
            status=Status.UNKNOWN,
            message=f"{principal.name}: could not read {lacking}",
            reason=f"{AUTHORIZATION_CALL} did not return {lacking}",
            resource=principal.identity.arn,
            fix=f"Allow {AUTHORIZATION_CALL}, and review the policies named here by hand.",
            source=UNUSED_PAGE,
        )


def _admin_role_findings(principal: JudgedPrincipal, rising: Collection[str]) -> Iterator[Finding]:
    if not principal.admin_roles:
        return
    chains = [_chain_words(chain, rising) for chain in principal.admin_roles]
    is_conditional = all(chain.conditions for chain in principal.admin_roles)
    yield Finding(
        code="TAKES_ADMINISTRATOR_ROLE",
        title="A principal can assume an administrator's role",
        severity=Severity.MEDIUM if is_conditional else Severity.HIGH,
        status=Status.MANUAL,
        message=(
            f"{principal.name} can assume {joined(chains, shown=_MOST_NAMED)};"
            " decide whether it should be an administrator"
        ),
        resource=principal.identity.arn,
        fix="In the role's trust policy, name the principals that may assume it, with a condition on aws:MultiFactorAuthPresent.",
        source=_BEST_PRACTICES,
    )


def _chain_words(chain: RoleChain, rising: Collection[str]) -> str:
    *on_the_way, last = (quoted(name) for name in chain.roles)
    last += " (which can make itself an administrator)" if chain.roles[-1] in rising else ""
    words = f"{last} through {' and '.join(on_the_way)}" if on_the_way else last
    # The caller may choose their values, as with an external id; a snapshot cannot know them.
    condition = f" (under a condition on {' and '.join(chain.conditions)})"
    return f"{words}{condition if chain.conditions else ''}"


def _route_finding(
    principal: JudgedPrincipal, route: AdminRoute, principals: Sequence[JudgedPrincipal]
) -> Finding:
    is_administrator = route.code == "ADMINISTRATOR"
    level, severity = principal.level, route.severity
    parts = [f"{principal.name}: {route.message}"]
    if level.bounded_by_boundary:
        parts.append("it gains at most what its permissions boundary allows")
        severity = Severity.LOW
    if level.actions_removed:
        actions = counted(level.actions_removed, "action")
        parts.append(f"service control policies deny {actions} that its own policies allow")
    if level.services and not is_administrator:
        parts.append(_passable_roles(principal, principals))
    if is_administrator:
        parts.append("decide whether it should be an administrator")
    return Finding(
        code=route.code,
        title=route.title,
        severity=severity,
        # Every account needs an administrator; only its owner knows whether it is this principal.
        status=Status.MANUAL if is_administrator else Status.FAIL,
        message="; ".join(parts),
        resource=principal.identity.arn,
        fix=route.fix,
        source=route.source,
    )


def _passable_roles(principal: JudgedPrincipal, principals: Sequence[JudgedPrincipal]) -> str:
    """The roles that the principal may pass to the services of its routes, in words."""
    fitting = [other for other in principals if other.identity.arn in principal.level.passable]
    if not fitting:
        return "none of the roles that it may pass trusts such a service now"
    administrators = [other for other in fitting if other.level.kind == ADMINISTRATOR]
    names = joined(
        [quoted(other.identity.name) for other in (administrators or fitting)], shown=_MOST_NAMED
    )
    if administrators:
        return f"administrators' roles that trust such a service: {names}"
    return f"roles that trust such a service, none of them an administrator's: {names}"


def _trust_finding(principal: JudgedPrincipal, trust: TrustFinding) -> Finding:
    severity, message = trust.severity, trust.message
    if principal.level.kind == ADMINISTRATOR and trust.status is not Status.PASS:
        severity, message = Severity.CRITICAL, f"{message}; the role is an administrator's"
    if trust.status is Status.MANUAL:
        message += "; decide whether that account should have access"
    return Finding(
        code=trust.code,
        title=trust.title,
        severity=severity,
        status=trust.status,
        message=message,
        reason=message if trust.status is Status.UNKNOWN else None,
        resource=principal.identity.arn,
        fix=trust.fix,
        source=trust.source,
    )


def _unread_findings(missing: NotCollected) -> Iterator[Finding]:
    yield not_judged(
        "PRINCIPALS_NOT_READ", "Users and roles could not be read", None, missing, Severity.HIGH
    )


def _left_out(account: Account, authorization: Authorization | Miss) -> dict[str, Any]:
    usage = account.get(LAST_ACCESSED)
    service_linked = (
        0
        if isinstance(authorization, Miss)
        else sum(role.is_service_linked for role in authorization.roles)
    )
    use_not_asked = 0 if isinstance(usage, Miss) else usage.left_out
    return {
        **({"service_linked_roles_left_out": service_linked} if service_linked else {}),
        **({"not_asked_for_their_use": use_not_asked} if use_not_asked else {}),
    }


def _row(account: Account, principal: JudgedPrincipal) -> dict[str, Any]:
    identity, use = principal.identity, principal.use
    services = None if use is None or isinstance(use.services, Miss) else use.services
    limit = account.collected_at - timedelta(days=IDLE_DAYS)
    return {
        "principal": identity.name,
        "kind": principal.word,
        "power": principal.level.kind,
        "takes": ", ".join(" > ".join(chain.roles) for chain in principal.admin_roles) or None,
        "boundary": identity.boundary.rpartition("/")[2] if identity.boundary else None,
        "lets_in": ", ".join(dict.fromkeys(t.outsider for t in principal.trust if t.outsider))
        or None,
        "last_taken": f"{identity.last_used:%Y-%m-%d}"
        if isinstance(identity, Role) and identity.last_used
        else None,
        "services": None if services is None else len(services),
        "services_used": None
        if services is None
        else sum(s.last_used is not None and s.last_used > limit for s in services),
    }


def _summary(
    account: Account,
    principals: Sequence[JudgedPrincipal],
    found: Sequence[Finding],
    authorization: Authorization | Miss,
) -> str:
    if isinstance(authorization, Miss):
        return f"The principals of account {account_words(account)} could not be read: {unread_reasons((authorization,))}."
    parts = [f"{len(principals)} users and roles of account {account_words(account)}"]
    parts += [
        f"{word}: {joined([quoted(principal.identity.name) for principal in some], shown=_MOST_NAMED)}"
        for word, some in (
            ("administrators", _of_kind(principals, ADMINISTRATOR)),
            ("can escalate their privileges", _of_kind(principals, ESCALATES)),
            (
                "can assume an administrator's role",
                [principal for principal in principals if principal.admin_roles],
            ),
            (
                "trust outsiders",
                [principal for principal in principals if _trusts_outsiders(principal)],
            ),
            ("not judged", _of_kind(principals, UNKNOWN)),
        )
        if some
    ]
    failed = Counter(finding.code for finding in found if finding.status is Status.FAIL)
    if idle := failed["UNUSED_ROLE"]:
        parts.append(f"{counted(idle, 'role')} unused for {IDLE_DAYS} days")
    if users := failed[UNUSED_CREDENTIALS]:
        parts.append(f"{counted(users, 'user')} with an unused password or access key")
    usage = account.get(LAST_ACCESSED)
    if isinstance(usage, Miss):
        parts.append(f"last use could not be read: {unread_reasons((usage,))}")
    return f"{'; '.join(parts)}."


def _of_kind(principals: Sequence[JudgedPrincipal], kind: str) -> list[JudgedPrincipal]:
    return [principal for principal in principals if principal.level.kind == kind]


def _trusts_outsiders(principal: JudgedPrincipal) -> bool:
    return any(trust.status in {Status.FAIL, Status.MANUAL} for trust in principal.trust)
