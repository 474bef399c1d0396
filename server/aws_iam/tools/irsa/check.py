"""`irsa check`: every check on trust policies, or on an account with its clusters and service accounts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.compute.eks_clusters import CLUSTERS
from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.identity.identity_providers import OIDC_PROVIDERS
from aws_iam.account.reading.snapshot import account_of
from aws_iam.answer import Answer, Finding, NextCall, Severity, Status, Where, next_call
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.reference import issuers
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.issuers import issuer_of
from aws_iam.engine.sources.gather import gathered
from aws_iam.engine.sources.kubernetes_objects import Cluster, cluster_of
from aws_iam.engine.tokens.oidc_provider import host_of
from aws_iam.errors import AwsError, InputError
from aws_iam.escape import LONGEST_SENTENCE, escaped, quoted
from aws_iam.rules import document_findings
from aws_iam.rules.outcomes import reason_of
from aws_iam.rules.policy.errors_beside import errors_beside
from aws_iam.tools.irsa import left_out
from aws_iam.tools.irsa.checks.catalogue import CHECKS, NEEDS, ON_ACCOUNT, ON_TRUST
from aws_iam.tools.irsa.checks.clusters import administrators
from aws_iam.tools.irsa.checks.roles import (
    DETAILS,
    PODS,
    for_services,
    read,
    roles,
    trust_of,
    trusting,
)
from aws_iam.tools.irsa.checks.service_accounts import keys_in_environment, misfits
from aws_iam.tools.irsa.checks.subject import Repository, Trust, Workloads
from aws_iam.tools.irsa.checks.workflows import refused_jobs
from aws_iam.tools.kit import policy_inputs
from aws_iam.tools.kit.parameters import Source
from aws_iam.tools.kit.unread_facts import reading_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.language.document import Source as Document
    from aws_iam.engine.language.document import Statement
    from aws_iam.engine.sources.gathered import Gathered
    from aws_iam.tools.kit.tool import Progress

_CONTROLS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html"
_PAGE = "references/irsa-oidc.md#checks"
_MOST_ROWS = 20
# Groups of GitLab may be nested.
_REPOSITORY = re.compile(r"[\w.-]+(?:/[\w.-]+)+")
_SEVERITIES = tuple(Severity)
# They say what is wrong with a statement in the words of trusts.
_SAID_FOR_TRUSTS = frozenset(
    {"OIDC-NEVER-MATCH", "OIDC-FED-ACTION", "TRUST-PRINCIPAL", "TRUST_WITHOUT_SOURCE_CONDITION"}
)


def check(
    document: Any,
    source: Source,
    manifests: Any,
    kube_context: str | None,
    progress: Progress,
    *,
    owner: str | None = None,
    repository: str | None = None,
    save: str | None,
) -> Answer:
    """The findings on a document, or on the account that the arguments name."""
    cluster = _cluster(manifests, kube_context)
    repository_ = _repository(owner, repository, cluster)
    if document is not None:
        if source != Source() or save is not None:
            raise InputError(
                "`document` and the account arguments exclude each other",
                hint="leave out the account arguments to check the document",
            )
        return of_document(document, cluster, repository_)
    # Inside the function: the checks of a document do not need it.
    from aws_iam.tools.kit import account_source

    try:
        account = account_source.read_account(source, NEEDS, progress, save=save)
    except AwsError as error:
        # What is wrong in manifests by themselves needs no account.
        if cluster is None or source != Source() or save is not None:
            raise
        return of_manifests(cluster, str(error))
    return account_source.dated(of_account(account, cluster, repository_), account, source)


def _cluster(manifests: Any, kube_context: str | None) -> Cluster | None:
    if manifests is not None and kube_context is not None:
        raise InputError(
            "`manifests` and `kube_context` exclude each other", hint="give only one of them"
        )
    if kube_context is not None:
        from aws_iam.tools.irsa import kubernetes_api

        return cluster_of(kubernetes_api.service_accounts(kube_context))
    return None if manifests is None else cluster_of(manifests)


def _repository(
    owner: str | None, repository: str | None, cluster: Cluster | None
) -> Repository | None:
    """The repository that holds the workflows: the one named, else that of their checkout."""
    if owner is None and repository is None:
        host, _, name = (cluster.checkout if cluster else "").partition("/")
        return Repository(name=name, host=host) if name else None
    if cluster is None or not cluster.workflows:
        raise InputError(
            "`owner` and `repository` name the repository of the workflows in `manifests`",
            hint="pass its workflows in `manifests`, or leave both out",
        )
    named = "/".join(part.strip("/") for part in (owner, repository) if part)
    if not _REPOSITORY.fullmatch(named):
        raise InputError(
            f"{quoted(named)} is not the name of a repository",
            hint="pass `owner` and `repository`, or `repository` OWNER/NAME",
        )
    return Repository(name=named)


def of_document(
    document: Any, cluster: Cluster | None = None, repository: Repository | None = None
) -> Answer:
    """The checks that need nothing but a trust policy."""
    given = gathered(document)
    trusts = [
        (source, policy)
        for source in given.sources
        if (policy := _trust_policy(source)) is not None
    ]
    if not trusts:
        raise InputError(
            "`document` contains no trust policy: no statement says who may assume a role",
            hint="pass a role's AssumeRolePolicyDocument, or leave out `document` to check the account",
        )
    by_source = document_findings.without_repeats(
        (source, _source_findings(source, policy)) for source, policy in trusts
    )
    known = tuple(
        Trust(policy=policy, role=_role_arn(source))
        for source, policy in trusts
        if not (source.unresolved or source.variants)
    )
    on_manifests = () if cluster is None else _manifest_findings(cluster, known, repository)
    findings = tuple(
        sorted((*(f for _, found in by_source for f in found), *on_manifests), key=_rank)
    )
    rows = [_row(source.name, policy, source) for source, policy in trusts]
    not_compared = left_out.of_principals(policy for _, policy in trusts)
    not_compared += left_out.of_subjects(policy for _, policy in trusts)
    not_compared += left_out.of_resources(
        sum(1 for source in given.sources if _names_principals(source)) - len(trusts)
    )
    not_compared += left_out.of_files(cluster)
    not_compared += [] if cluster is None else left_out.beside_policies(cluster, known, repository)
    facts = policy_inputs.input_facts(given)
    read = replace(given, sources=tuple(source for source, _ in trusts), attachments=())
    left = (*left_out.of_input(read), *not_compared)
    return Answer(
        summary=_summary(findings, _documents_summary(rows) + _beside(cluster), left),
        findings=findings,
        facts={
            "checks": len(ON_TRUST),
            "trusts": rows[:_MOST_ROWS],
            **_unread(cluster),
            **facts,
            **left_out.rows(facts, not_compared),
        },
        sources=_sources(findings),
        next=_next(findings, given),
        as_of=min(issuers.as_of(), catalog().as_of),
    )


def _trust_policy(source: Document) -> Policy | None:
    content = source.content
    if not isinstance(content, Policy):
        raise InputError(
            f"{quoted(source.file or 'document')} is not JSON: {content.message}",
            hint=content.hint,
        )
    return content if any(map(_is_of_trust, content.statements)) else None


def _role_arn(source: Document) -> str:
    """The ARN of the role, which the AWS CLI's answers about roles have beside the policy."""
    name = source.holder.name
    return name if ":role/" in name else ""


def _names_principals(source: Document) -> bool:
    content = source.content
    return isinstance(content, Policy) and any(
        s.has("Principal") or s.has("NotPrincipal") for s in content.statements
    )


def _is_of_trust(statement: Statement) -> bool:
    """Whether the statement is one of a trust policy, not of the policy of a bucket, a queue or another resource."""
    named = statement.has("Principal") or statement.has("NotPrincipal")
    of_resource = statement.has("Resource") or statement.has("NotResource")
    assumes = any(action.value.lower().startswith("sts:") for action in statement.actions)
    return named and (assumes or not of_resource)


def _trust_findings(trust: Trust) -> tuple[Finding, ...]:
    return tuple(finding for check in ON_TRUST for finding in check.findings(trust))


def _source_findings(source: Document, policy: Policy) -> tuple[Finding, ...]:
    open_values = bool(source.unresolved or source.variants)
    found = _given_findings(Trust(policy=policy, stands_for_any=open_values))
    kept = document_findings.certain_findings(found, source, _variant_findings)
    written = document_findings.with_written_values(kept, source)
    return document_findings.with_location(written, source)


def _variant_findings(variant: Policy) -> tuple[Finding, ...]:
    """The findings on a policy in which placeholders stand for values that only the deployment knows."""
    return _given_findings(Trust(policy=variant, stands_for_any=True))


def _given_findings(trust: Trust) -> tuple[Finding, ...]:
    """The findings on a policy that AWS has not taken yet, so that it may have errors."""
    own = _trust_findings(trust)
    policy = replace(trust.policy, kind=Kind.TRUST)
    return (*own, *errors_beside(policy, own, _SAID_FOR_TRUSTS))


def of_manifests(cluster: Cluster, why: str) -> Answer:
    """What is wrong in manifests and workflows by themselves, where no trust policy is there to compare them with."""
    findings = tuple(sorted(_manifest_findings(cluster, None), key=_rank))
    not_compared = [f"whether the roles trust these workloads was not judged: {escaped(why, 300)}"]
    not_compared += left_out.of_files(cluster)
    return Answer(
        summary=_summary(findings, f"the manifests alone{_beside(cluster)}", not_compared),
        findings=findings,
        facts={**_unread(cluster), **left_out.rows({}, not_compared)},
        sources=_sources(findings),
        as_of=issuers.as_of(),
    )


def _manifest_findings(
    cluster: Cluster,
    trusts: tuple[Trust, ...] | None,
    repository: Repository | None = None,
) -> tuple[Finding, ...]:
    """What is wrong in the manifests, by themselves and beside these trust policies: no account is known."""
    alone = Workloads(
        account=account_of(),
        service_accounts=cluster.service_accounts,
        pods=cluster.pods,
        workflows=cluster.workflows,
        administrators=cluster.administrators,
        trusts=trusts,
        repository=repository,
    )
    found = (
        finding
        for check in (misfits, keys_in_environment, refused_jobs, administrators)
        for finding in check.findings(alone)
    )
    return tuple(finding for finding in found if finding.status is Status.FAIL)


def _beside(cluster: Cluster | None) -> str:
    """What was passed beside the policies, counted."""
    if cluster is None:
        return ""
    counts = {
        "service account": len(cluster.service_accounts),
        "pod template": len(cluster.pods),
        "CI workflow": len(cluster.workflows),
        "aws-auth administrator": len(cluster.administrators),
    }
    listed = [f"{number} {name}{'' if number == 1 else 's'}" for name, number in counts.items() if number]  # fmt: skip
    return f", with {', '.join(listed)}" if listed else ""


def of_account(
    account: Account, cluster: Cluster | None = None, repository: Repository | None = None
) -> Answer:
    """Every check on an account; what could not be read gives unknown findings."""
    workloads = Workloads(
        account=account,
        service_accounts=None if cluster is None else cluster.service_accounts,
        complete=cluster is not None and cluster.complete,
        pods=() if cluster is None else cluster.pods,
        workflows=() if cluster is None else cluster.workflows,
        administrators=() if cluster is None else cluster.administrators,
        repository=repository,
    )
    on_account = (finding for check in ON_ACCOUNT for finding in check.findings(workloads))
    found = (*_role_findings(workloads), *on_account)
    findings = tuple(sorted((replace(f, account=account.id) for f in found), key=_rank))
    counted = _counted(workloads, cluster)
    not_compared = [*left_out.of_files(cluster), *left_out.in_account(workloads)]
    unread = reading_facts(account, findings)
    what = _account_summary(account, counted)
    return Answer(
        summary=f"Nothing could be evaluated in {what}.{_open(findings, not_compared)}"
        if unread
        else _summary(findings, what, not_compared),
        findings=findings,
        facts={
            "checks": len(CHECKS),
            **unread,
            **counted,
            **_role_rows(workloads),
            **_unread(cluster),
            **left_out.rows({}, not_compared),
        },
        sources=_sources(findings),
        next=_next(findings, None),
        as_of=min(issuers.as_of(), catalog().as_of),
    )


def _role_findings(workloads: Workloads) -> Iterable[Finding]:
    """The findings on the trust policy of every workload role; unknown where the roles could not be read."""
    missing = workloads.account.get(AUTHORIZATION)
    if isinstance(missing, Miss):
        yield _not_judged(str(missing), reason_of(missing.error()))
        return
    readable = {found.role.arn for found in trusting(workloads)}
    for role in roles(workloads).values():
        for_workloads = '"Federated"' in role.trust or PODS in role.trust
        if for_workloads and role.arn not in readable and read(role) is None:
            yield replace(
                _not_judged("the trust policy cannot be read", f"{DETAILS}: unreadable document"),
                resource=escaped(role.arn, 2048),
            )
    for found in (*trusting(workloads), *for_services(workloads)):
        for finding in _trust_findings(trust_of(workloads, found)):
            # Line numbers count in AWS's own rendering of the policy, which the user does not have.
            where = Where(pointer=finding.where.pointer) if finding.where else None
            yield replace(finding, resource=escaped(found.role.arn, 2048), where=where)


def _not_judged(message: str, reason: str) -> Finding:
    return Finding(
        code="TRUST-UNREAD",
        title="Trust policies could not be judged",
        severity=Severity.CRITICAL,
        status=Status.UNKNOWN,
        message=escaped(message, LONGEST_SENTENCE),
        reason=escaped(reason, LONGEST_SENTENCE),
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


def _summary(findings: tuple[Finding, ...], what: str, not_compared: Sequence[str] = ()) -> str:
    failed = Counter(f.severity for f in findings if f.status is Status.FAIL)
    not_judged = _open(findings, not_compared)
    if not failed:
        unknown = any(f.status is Status.UNKNOWN for f in findings)
        clean = "No problem found in the readable part of" if unknown else "No problem found in"
        if not_compared:
            clean = "Nothing wrong in what was judged of"
        return f"{clean} {what}.{not_judged}"
    total = sum(failed.values())
    counted = ", ".join(
        f"{failed[severity]} {severity}" for severity in _SEVERITIES if failed[severity]
    )
    return f"{total} {'problem' if total == 1 else 'problems'} in {what}: {counted}.{not_judged}"


def _open(findings: tuple[Finding, ...], not_compared: Sequence[str]) -> str:
    """What could not be judged or compared, as sentences that go on."""
    unknown = sum(f.status is Status.UNKNOWN for f in findings)
    not_judged = f" {unknown} could not be judged." if unknown else ""
    return not_judged + "".join(f" {reason[0].upper()}{reason[1:]}." for reason in not_compared)


def _documents_summary(rows: list[dict[str, Any]]) -> str:
    if len(rows) > 1:
        return f"{len(rows)} trust policies"
    trusted = rows[0]["trusts"]
    return (
        f"the trust policy ({trusted})"
        if trusted
        else "the trust policy, which trusts neither an OIDC provider nor EKS Pod Identity"
    )


def _account_summary(account: Account, counted: dict[str, Any]) -> str:
    parts = [f"{number} {name.replace('_', ' ')}" for name, number in counted.items()]
    listed = f"{', '.join(parts)}; " if parts else ""
    return f"account {account.id} ({listed}{account.regions} read)"


def _row(name: str, policy: Policy, source: Document | None = None) -> dict[str, Any]:
    """The OIDC providers that a trust policy trusts, and EKS Pod Identity."""
    trusted = list(dict.fromkeys(_trusted(policy)))
    more = f" and {len(trusted) - 5} more" if len(trusted) > 5 else ""  # noqa: PLR2004 - what fits a line
    listed = ", ".join(trusted[:5]) + more
    told = document_findings.as_written(listed, source.written) if source else listed
    return {**({"policy": name} if name else {}), "trusts": told}


def _trusted(policy: Policy) -> Iterable[str]:
    for statement in policy.statements:
        for principal in statement.principals if statement.allows else ():
            host = host_of(principal)
            known = issuer_of(host) if host else None
            if host:
                yield f"{escaped(host, 100)}: {known.title + ', ' + known.kind if known else 'private'}"
            elif principal.value == PODS:
                yield "EKS Pod Identity"


def _counted(workloads: Workloads, cluster: Cluster | None) -> dict[str, Any]:
    """How much was checked, without what could not be listed."""
    account = workloads.account
    found: dict[str, Any] = {}
    identities = account.get(AUTHORIZATION)
    if not isinstance(identities, Miss):
        found["roles_of_workloads"] = len(trusting(workloads))
    providers = account.get(OIDC_PROVIDERS)
    if not isinstance(providers, Miss):
        found["providers"] = len(providers)
    listed = [value for _, value in account.in_each(CLUSTERS) if not isinstance(value, Miss)]
    if listed:
        eks_clusters = [eks_cluster for region in listed for eks_cluster in region]
        found["clusters"] = len(eks_clusters)
        found["associations"] = sum(
            0 if isinstance(eks_cluster.associations, Miss) else len(eks_cluster.associations)
            for eks_cluster in eks_clusters
        )
    if cluster is not None:
        found["service_accounts"] = len(cluster.service_accounts)
    return found


def _role_rows(workloads: Workloads) -> dict[str, Any]:
    identities = workloads.account.get(AUTHORIZATION)
    if isinstance(identities, Miss):
        return {}
    rows = [_row(escaped(found.role.arn, 200), found.policy) for found in trusting(workloads)]
    more = {"more_roles": len(rows) - _MOST_ROWS} if len(rows) > _MOST_ROWS else {}
    return {"trusts": rows[:_MOST_ROWS], **more} if rows else {}


def _unread(cluster: Cluster | None) -> dict[str, Any]:
    if cluster is None or not cluster.unread:
        return {}
    rows = [
        {"file": escaped(file, 200), "why": escaped(why, 200)}
        for file, why in cluster.unread[:_MOST_ROWS]
    ]
    return {"manifests_not_read": rows}


def _sources(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((_PAGE, _CONTROLS, *(f.source for f in findings[:5] if f.source))))


def _next(findings: tuple[Finding, ...], given: Gathered | None) -> tuple[NextCall, ...]:
    calls = []
    worst = next((finding.code for finding in findings if finding.status is Status.FAIL), None)
    if worst:
        calls.append(
            next_call("irsa", "guide", f"what {worst} means and what mends it", topic=worst)
        )
    if given is not None:
        why = "what AWS's validator says about the trust policy"
        calls.append(next_call("policy", "validate", why, ("document",), kind="trust"))
    return tuple(calls)
