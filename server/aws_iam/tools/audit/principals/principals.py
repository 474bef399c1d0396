"""`audit principals`, beyond CIS: who is or can become an administrator, whom roles trust outside, what is unused.

Who is or can become an administrator is what `audit access --to admin` computes, principal by principal.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.authorization import AUTHORIZATION, Role
from aws_iam.account.collect.identity.last_accessed import LAST_ACCESSED
from aws_iam.account.collect.identity.mfa_devices import VIRTUAL_MFA
from aws_iam.answer import Answer, Finding, Severity, Status, next_call
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.frameworks import with_frameworks
from aws_iam.escape import quoted
from aws_iam.report.order import by_urgency
from aws_iam.tools.audit.controls.judge import needs
from aws_iam.tools.audit.paths import found_paths as paths
from aws_iam.tools.audit.paths.to_summary import gaps, worst_cut
from aws_iam.tools.audit.principals.admin_level import ADMINISTRATOR, UNKNOWN
from aws_iam.tools.audit.principals.escalation_findings import ESCALATION, escalation_findings
from aws_iam.tools.audit.principals.judged_principals import (
    ESCALATES,
    POWERS,
    JudgedPrincipal,
    judged_principals,
)
from aws_iam.tools.audit.principals.organization_policies import guardrails
from aws_iam.tools.audit.principals.unused_access import (
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
    from collections.abc import Iterator, Sequence

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.collect.identity.authorization import Authorization
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import NextCall
    from aws_iam.errors import NotCollected
    from aws_iam.tools.audit.principals.outside_trust import TrustFinding

_MOST_NAMED = 5
_MOST_ROLES = 10
_PAGE = "references/compliance-checklist.md#principals-beyond-cis"


def needed_facts() -> tuple[Fact[Any], ...]:
    """The facts that the answer needs."""
    facts: tuple[Fact[Any], ...] = (*paths.facts_of_identities(), LAST_ACCESSED, VIRTUAL_MFA)
    return tuple(dict.fromkeys((*facts, *needs(controls=(UNUSED_CREDENTIALS,)))))


def principals_answer(account: Account) -> Answer:
    """Every principal with its power, the findings, and what was not read."""
    missed = misses_of(account, needed_facts())
    authorization = account.get(AUTHORIZATION)
    principals: tuple[JudgedPrincipal, ...] = ()
    found: paths.FoundPaths | None = None
    if isinstance(authorization, Miss):
        findings = by_urgency(_unread_findings(authorization.error()))
    else:
        found = paths.found_paths((account,))
        principals = judged_principals(account, found)
        findings = by_urgency(
            with_frameworks(
                (
                    *_findings(account, principals, found),
                    *wide_policies(account, authorization),
                    *unused_credentials(account),
                )
            )
        )
    return Answer(
        summary=_summary(account, principals, findings, found),
        findings=findings,
        facts={
            "account": account_words(account),
            **({"nothing_evaluated": True} if found is None else {}),
            "collected_at": account.collected_at.isoformat(timespec="seconds"),
            "counts": {power: len(_of_power(principals, power)) for power in POWERS},
            **_left_out(account, authorization),
            "principals": [_row(account, principal) for principal in principals],
            "organization_policies": guardrails(account).summary,
            **({"not_judged": list(found.not_judged)} if found and found.not_judged else {}),
            "not_considered": paths.LEFT_OUT,
            **({"not_read": unread_table(missed)} if missed else {}),
        },
        artifacts=missing_permissions(account, findings),
        sources=(_PAGE, UNUSED_PAGE),
        next=tuple(_next(principals)),
        as_of=catalog().as_of,
    )


def _next(principals: Sequence[JudgedPrincipal]) -> Iterator[NextCall]:
    if any(own.power == ESCALATES for own in principals):
        why = "the paths to administrator, and what closes most of them"
        yield next_call("audit", "access", why, ACCOUNT_ARGUMENTS, to="admin")
    yield audit_call("access_analyzer", "who outside the account has access")
    yield audit_call("run", "all controls of the benchmark")


def _findings(
    account: Account, principals: Sequence[JudgedPrincipal], found: paths.FoundPaths
) -> Iterator[Finding]:
    names = found.names
    for principal in principals:
        yield from escalation_findings(principal, names)
        for trust in principal.trust:
            yield _trust_finding(principal, trust)
        if isinstance(principal.identity, Role):
            yield from unused_role(
                account,
                principal.identity,
                principal.name,
                is_powerful=principal.is_powerful,
            )
        yield from unused_permissions(account, principal.identity, principal.name, principal.use)
    powerful = {own.identity.arn for own in principals if own.is_powerful}
    yield from virtual_mfa(account, powerful.__contains__)
    usage = account.get(LAST_ACCESSED)
    if isinstance(usage, Miss):
        yield usage_not_read(usage.error())


def _trust_finding(principal: JudgedPrincipal, trust: TrustFinding) -> Finding:
    severity, message = trust.severity, trust.message
    if principal.is_powerful and trust.status is not Status.PASS:
        severity = Severity.CRITICAL
        is_administrator = principal.power == ADMINISTRATOR
        becomes = "is an administrator's" if is_administrator else "can become an administrator"
        message += f"; the role {becomes}"
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
        "power": principal.power,
        "verdict": principal.reached.verdict if principal.reached else None,
        "hops": (principal.reached.hops or None) if principal.reached else None,
        "takes": ", ".join(_in_row(chain.roles) for chain in principal.chains) or None,
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


def _in_row(roles: Sequence[str]) -> str:
    """Roles that are assumed one from another; of many the first and the last."""
    *before, last = roles
    more = len(before) - _MOST_ROLES
    shown = [*before[:_MOST_ROLES], f"{more:,} more"] if more > 0 else before
    return " > ".join((*shown, last))


def _summary(
    account: Account,
    principals: Sequence[JudgedPrincipal],
    findings: Sequence[Finding],
    found: paths.FoundPaths | None,
) -> str:
    if found is None:
        authorization = account.get(AUTHORIZATION)
        why = unread_reasons((authorization,)) if isinstance(authorization, Miss) else ""
        return f"The principals of account {account_words(account)} could not be read: {why}."
    parts = [f"{len(principals)} users and roles of account {account_words(account)}"]
    escalating = {own.resource for own in findings if own.code == ESCALATION}
    parts += [
        f"{word}: {joined([quoted(principal.identity.name) for principal in some], shown=_MOST_NAMED)}"
        for word, some in (
            ("administrators", _of_power(principals, ADMINISTRATOR)),
            (
                "can escalate their privileges",
                [own for own in principals if own.identity.arn in escalating],
            ),
            (
                "can assume an administrator's role",
                [own for own in principals if own.chains],
            ),
            ("trust outsiders", [own for own in principals if _trusts_outsiders(own)]),
            ("not judged", _of_power(principals, UNKNOWN)),
        )
        if some
    ]
    failed = Counter(finding.code for finding in findings if finding.status is Status.FAIL)
    if idle := failed["UNUSED_ROLE"]:
        parts.append(f"{counted(idle, 'role')} unused for {IDLE_DAYS} days")
    if users := failed[UNUSED_CREDENTIALS]:
        parts.append(f"{counted(users, 'user')} with an unused password or access key")
    usage = account.get(LAST_ACCESSED)
    if isinstance(usage, Miss):
        parts.append(f"last use could not be read: {unread_reasons((usage,))}")
    return " ".join((f"{'; '.join(parts)}.", *worst_cut(found.paths, found.names), *gaps(found)))


def _of_power(principals: Sequence[JudgedPrincipal], power: str) -> list[JudgedPrincipal]:
    return [principal for principal in principals if principal.power == power]


def _trusts_outsiders(principal: JudgedPrincipal) -> bool:
    return any(trust.status in {Status.FAIL, Status.MANUAL} for trust in principal.trust)
