"""`irsa check`: the whole catalogue over trust policies, and over an account with its clusters and service accounts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.compute.eks_clusters import CLUSTERS
from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.identity.identity_providers import OIDC_PROVIDERS
from aws_iam.account.reading.snapshot import account_of
from aws_iam.answer import Answer, Finding, Severity, Status, Where
from aws_iam.engine.language.document import Policy
from aws_iam.engine.reference import issuers
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.issuers import issuer_of
from aws_iam.engine.sources.gather import gathered
from aws_iam.engine.sources.kubernetes_objects import Cluster, cluster_of
from aws_iam.engine.tokens.oidc_provider import host_of
from aws_iam.errors import InputError
from aws_iam.escape import escaped, quoted
from aws_iam.rules import document_findings
from aws_iam.rules.document_check import Trust, Workloads
from aws_iam.tools.irsa.checks.catalogue import CHECKS, NEEDS, ON_ACCOUNT, ON_TRUST
from aws_iam.tools.irsa.checks.roles import DETAILS, PODS, read, roles, trust_of, trusting
from aws_iam.tools.irsa.checks.service_accounts import misfits
from aws_iam.tools.kit import policy_inputs
from aws_iam.tools.kit.parameters import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.language.document import Source as Document
    from aws_iam.engine.sources.gather import Gathered
    from aws_iam.tools.kit.tool import Progress

_CONTROLS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html"
_PAGE = "references/irsa-oidc.md#checks"
_MOST_ROWS = 20
_SEVERITIES = tuple(Severity)


def check(
    document: Any,
    source: Source,
    manifests: Any,
    kube_context: str | None,
    progress: Progress,
    *,
    save: str | None,
) -> Answer:
    """The findings on a document, or on the account that the arguments name."""
    cluster = _cluster(manifests, kube_context)
    if document is not None:
        if source != Source() or save is not None:
            raise InputError(
                "`document` and an account exclude each other",
                hint="leave out the account arguments to judge the document",
            )
        return of_document(document, cluster)
    # Not at the top: what judges documents does not need it.
    from aws_iam.tools.kit import account_source

    return of_account(account_source.read(source, NEEDS, progress, save=save), cluster)


def _cluster(manifests: Any, kube_context: str | None) -> Cluster | None:
    if manifests is not None and kube_context is not None:
        raise InputError(
            "`manifests` and `kube_context` exclude each other", hint="give one of them"
        )
    if kube_context is not None:
        from aws_iam.tools.irsa import kubernetes_api

        return cluster_of(kubernetes_api.service_accounts(kube_context))
    return None if manifests is None else cluster_of(manifests)


def of_document(document: Any, cluster: Cluster | None = None) -> Answer:
    """The checks on trust policies alone."""
    given = gathered(document)
    trusts = [(each, content) for each in given.sources if (content := _trust(each)) is not None]
    if not trusts:
        raise InputError(
            "`document` holds no trust policy: no statement has a Principal",
            hint="give a role's AssumeRolePolicyDocument, or none to check the account",
        )
    judged = document_findings.without_repeats(
        (source, _of_source(source, content)) for source, content in trusts
    )
    written = () if cluster is None else _of_manifests(cluster)
    findings = tuple(sorted((*(f for _, found in judged for f in found), *written), key=_rank))
    rows = [_row(source.name, content) for source, content in trusts]
    return Answer(
        summary=_summary(findings, _documents(rows)),
        findings=findings,
        facts={
            "checks": len(ON_TRUST),
            "trusts": rows[:_MOST_ROWS],
            **_unread(cluster),
            **policy_inputs.facts(given),
        },
        sources=_sources(findings),
        next=_next(findings, given),
        as_of=min(issuers.as_of(), catalog().as_of),
    )


def _trust(source: Document) -> Policy | None:
    content = source.content
    if not isinstance(content, Policy):
        raise InputError(
            f"{quoted(source.file or 'document')} is not JSON: {content.message}",
            hint=content.hint,
        )
    named = any(s.has("Principal") or s.has("NotPrincipal") for s in content.statements)
    return content if named else None


def judged(policy: Policy) -> tuple[Finding, ...]:
    """The findings on one trust policy of which nothing else is known."""
    return _of_trust(Trust(policy=policy))


def _of_trust(trust: Trust) -> tuple[Finding, ...]:
    return tuple(finding for each in ON_TRUST for finding in each.findings(trust))


def _of_source(source: Document, content: Policy) -> tuple[Finding, ...]:
    kept = document_findings.certain(judged(content), source, _with_any_values)
    return document_findings.located(kept, source)


def _with_any_values(variant: Policy) -> tuple[Finding, ...]:
    return _of_trust(Trust(policy=variant, stands_for_any=True))


def _of_manifests(cluster: Cluster) -> tuple[Finding, ...]:
    """What is wrong with annotations by themselves: without an account nothing is known of the roles."""
    alone = Workloads(account=account_of(), service_accounts=cluster.service_accounts)
    return tuple(finding for finding in misfits.findings(alone) if finding.status is Status.FAIL)


def of_account(account: Account, cluster: Cluster | None = None) -> Answer:
    """Every check on an account; what could not be read is unknown."""
    at = Workloads(
        account=account,
        service_accounts=None if cluster is None else cluster.service_accounts,
        complete=cluster is not None and cluster.complete,
        pods=() if cluster is None else cluster.pods,
    )
    found = [*_of_roles(at), *(f for each in ON_ACCOUNT for f in each.findings(at))]
    findings = tuple(sorted((replace(f, account=account.id) for f in found), key=_rank))
    counted = _counted(at, cluster)
    return Answer(
        summary=_summary(findings, _account(account, counted)),
        findings=findings,
        facts={"checks": len(CHECKS), **counted, **_roles_told(at), **_unread(cluster)},
        sources=_sources(findings),
        next=_next(findings, None),
        as_of=min(issuers.as_of(), catalog().as_of),
    )


def _of_roles(at: Workloads) -> Iterable[Finding]:
    """The trust policy of every role that workloads take; where AWS sent none they are all unknown."""
    missing = at.account.get(AUTHORIZATION)
    if isinstance(missing, Miss):
        yield _unjudged(
            str(missing),
            f"{missing.call}: {missing.code or missing.kind.value}; allow {missing.permission}",
        )
        return
    readable = {found.role.arn for found in trusting(at)}
    for role in roles(at).values():
        meant = '"Federated"' in role.trust or PODS in role.trust
        if meant and role.arn not in readable and read(role) is None:
            yield replace(
                _unjudged("the trust policy cannot be read", f"{DETAILS}: unreadable document"),
                resource=escaped(role.arn, 2048),
            )
    for found in trusting(at):
        for each in _of_trust(trust_of(at, found)):
            # Lines of a text that nobody wrote help nobody.
            where = Where(pointer=each.where.pointer) if each.where else None
            yield replace(each, resource=escaped(found.role.arn, 2048), where=where)


def _unjudged(message: str, reason: str) -> Finding:
    return Finding(
        code="TRUST-UNREAD",
        title="Trust policies could not be judged",
        severity=Severity.CRITICAL,
        status=Status.UNKNOWN,
        message=escaped(message, 2000),
        reason=escaped(reason, 2000),
        source=_CONTROLS,
    )


def _rank(finding: Finding) -> tuple[object, ...]:
    where = finding.where or Where()
    place = (where.file or "", where.line or 0, where.column or 0, where.pointer)
    return (
        finding.status.rank,
        _SEVERITIES.index(finding.severity),
        finding.resource or "",
        place,
        finding.code,
        finding.message,
    )


def _summary(findings: tuple[Finding, ...], what: str) -> str:
    failed = Counter(f.severity for f in findings if f.status is Status.FAIL)
    unknown = sum(f.status is Status.UNKNOWN for f in findings)
    open_ = f" {unknown} could not be judged." if unknown else ""
    if not failed:
        word = "No problem found in what could be read of" if unknown else "No problem found in"
        return f"{word} {what}.{open_}"
    total = sum(failed.values())
    counted = ", ".join(
        f"{failed[severity]} {severity}" for severity in _SEVERITIES if failed[severity]
    )
    return f"{total} {'problem' if total == 1 else 'problems'} in {what}: {counted}.{open_}"


def _documents(rows: list[dict[str, Any]]) -> str:
    if len(rows) > 1:
        return f"{len(rows)} trust policies"
    trusted = rows[0]["trusts"]
    return (
        f"the trust policy ({trusted})"
        if trusted
        else "the trust policy, which names no provider of tokens and not EKS Pod Identity"
    )


def _account(account: Account, counted: dict[str, Any]) -> str:
    listed = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counted.items())
    return f"account {account.id} ({listed}; {account.regions} read)"


def _row(name: str, policy: Policy) -> dict[str, Any]:
    """Whom a trust policy lets in, as far as workloads go."""
    trusted = list(dict.fromkeys(_told(policy)))
    more = f" and {len(trusted) - 5} more" if len(trusted) > 5 else ""  # noqa: PLR2004 - what fits a line
    return {**({"policy": name} if name else {}), "trusts": ", ".join(trusted[:5]) + more}


def _told(policy: Policy) -> Iterable[str]:
    for statement in policy.statements:
        for principal in statement.principals if statement.allows else ():
            host = host_of(principal)
            known = issuer_of(host) if host else None
            if host:
                yield f"{escaped(host, 100)}: {known.title + ', ' + known.kind if known else 'private'}"
            elif principal.value == PODS:
                yield "EKS Pod Identity"


def _counted(at: Workloads, cluster: Cluster | None) -> dict[str, Any]:
    """How much of everything was judged; what could not be listed is left out."""
    account = at.account
    found: dict[str, Any] = {}
    identities = account.get(AUTHORIZATION)
    if not isinstance(identities, Miss):
        found["roles_of_workloads"] = len(trusting(at))
    providers = account.get(OIDC_PROVIDERS)
    if not isinstance(providers, Miss):
        found["providers"] = len(providers)
    read_ = [value for _, value in account.in_each(CLUSTERS) if not isinstance(value, Miss)]
    if read_:
        clusters = [each for value in read_ for each in value]
        found["clusters"] = len(clusters)
        found["associations"] = sum(
            0 if isinstance(each.associations, Miss) else len(each.associations)
            for each in clusters
        )
    if cluster is not None:
        found["service_accounts"] = len(cluster.service_accounts)
    return found


def _roles_told(at: Workloads) -> dict[str, Any]:
    identities = at.account.get(AUTHORIZATION)
    if isinstance(identities, Miss):
        return {}
    rows = [_row(escaped(each.role.arn, 200), each.policy) for each in trusting(at)]
    more = {"more_roles": len(rows) - _MOST_ROWS} if len(rows) > _MOST_ROWS else {}
    return {"trusts": rows[:_MOST_ROWS], **more} if rows else {}


def _unread(cluster: Cluster | None) -> dict[str, Any]:
    if cluster is None or not cluster.unread:
        return {}
    rows = [
        {"file": escaped(n, 200), "why": escaped(w, 200)} for n, w in cluster.unread[:_MOST_ROWS]
    ]
    return {"manifests_not_read": rows}


def _sources(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((_PAGE, _CONTROLS, *(f.source for f in findings[:5] if f.source))))


def _next(findings: tuple[Finding, ...], given: Gathered | None) -> tuple[str, ...]:
    calls = []
    if any(finding.code.startswith("OIDC-") for finding in findings):
        calls.append("aws-iam irsa trust_policy --provider PROVIDER --account ACCOUNT")
    if given is not None:
        calls.append("aws-iam policy validate --document FILE --kind trust")
    return (*calls, "aws-iam irsa guide --topic checks")
