"""What `irsa check` left out, and why: a sentence each, for the summary and for `facts.not_judged`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.tokens.dead_conditions import needs_template, never_matches
from aws_iam.engine.tokens.oidc_provider import providers
from aws_iam.engine.tokens.subject_width import Width, subjects, values, width
from aws_iam.escape import escaped, quoted
from aws_iam.rules.policy.principals.confused_deputy import services_not_judged
from aws_iam.tools.irsa.checks import job_trust
from aws_iam.tools.irsa.checks import manifests as trust_beside
from aws_iam.tools.irsa.checks.roles import for_services
from aws_iam.tools.irsa.checks.subject import Trust
from aws_iam.tools.irsa.checks.workflows import role_policies
from aws_iam.tools.kit import policy_inputs
from aws_iam.wording import joined

_MOST_SERVICES = 5

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.engine.language.document import Policy
    from aws_iam.engine.sources.gathered import Gathered
    from aws_iam.engine.sources.kubernetes_objects import Cluster
    from aws_iam.tools.irsa.checks.subject import Repository, Workloads


def of_input(given: Gathered) -> list[str]:
    """The files that were not read, and the values that the documents may have at deployment."""
    return [own.removesuffix(".") for own in policy_inputs.not_judged_sentences(given)]


def of_principals(policies: Iterable[Policy]) -> list[str]:
    """What of the principals is judged elsewhere, or not at all."""
    policies = tuple(policies)
    named = (p for policy in policies for s in policy.statements if s.allows for p in s.principals)
    reasons = []
    if any(p.type == "AWS" or ":saml-provider/" in p.value for p in named):
        reasons.append(
            "trust in accounts, roles, users and SAML providers was not judged: `policy validate` with kind `trust` judges it"
        )
    return [*reasons, *of_services(policies)]


def of_services(policies: Iterable[Policy]) -> list[str]:
    """The services of which it is not known whether they need a condition on the source."""
    services = dict.fromkeys(
        service for policy in policies for service in services_not_judged(policy)
    )
    if not services:
        return []
    listed = joined([quoted(service, 100) for service in services], shown=_MOST_SERVICES)
    keys = "aws:SourceAccount or aws:SourceArn"
    why = "no page of AWS that asks for it is known here"
    return [f"whether trust in {listed} needs a condition on {keys} was not judged: {why}"]


def of_subjects(policies: Iterable[Policy]) -> list[str]:
    """The subjects that only a custom template sends, and patterns of an issuer whose subjects are not known."""
    found = tuple(
        (provider, condition, value.value)
        for policy in policies
        for statement in policy.statements
        if statement.allows and not never_matches(statement)
        for provider in providers(statement)
        for condition, value in values(subjects(provider, statement))
    )
    custom = [value for provider, _, value in found if needs_template(provider, value)]
    unknown = [
        value
        for provider, condition, value in found
        if "Like" in condition.base
        and not is_literal(value)
        and not (provider.grammar and provider.grammar.parts)
        and width(provider, value) is Width.EXACT
    ]
    unconfirmed: dict[str, list[str]] = {}
    for provider, _, value in found:
        for remark in provider.grammar.unconfirmed if provider.grammar else ():
            if remark.text.match(value):
                unconfirmed.setdefault(remark.why, []).append(value)
    return [
        *(
            f"whether {_listed(custom)} is ever sent was not judged: only a custom subject template sends it"
            for _ in custom[:1]
        ),
        *(
            f"whether {_listed(named)} is ever sent was not judged: {why}"
            for why, named in unconfirmed.items()
        ),
        *(
            f"how many callers {_listed(unknown)} lets in was not judged: the form of the issuer's subjects is not known here"
            for _ in unknown[:1]
        ),
    ]


def _listed(values: Iterable[str]) -> str:
    return joined([quoted(value, 100) for value in dict.fromkeys(values)], shown=2)


def of_resources(number: int) -> list[str]:
    """The policies of buckets and other resources beside the trust policies."""
    if not number:
        return []
    named, were = (
        ("a resource policy", "was") if number == 1 else (f"{number} resource policies", "were")
    )
    return [f"{named} beside the trust {were} not judged: `policy validate` judges it"]


def of_files(cluster: Cluster | None) -> list[str]:
    """What of the manifests was not read, with the first reason."""
    unread = cluster.unread if cluster else ()
    if not unread:
        return []
    file, why = unread[0]
    more = f", and {len(unread) - 1} more" if len(unread) > 1 else ""
    return [f"not read in `manifests`: {escaped(file, 200)}: {escaped(why, 200)}{more}"]


def beside_policies(
    cluster: Cluster, trusts: tuple[Trust, ...], repository: Repository | None
) -> list[str]:
    """What was passed together and has nothing to be compared with."""
    reasons = []
    taking = trust_beside.pod_trusts(trusts)
    if (cluster.service_accounts or cluster.pods) and not taking:
        reasons.append(
            "the service accounts and pods were not compared: no trust policy whose values are known trusts a cluster or"
            " EKS Pod Identity"
        )
    else:
        reasons += trust_beside.unknown_parts(taking, cluster.service_accounts, cluster.pods)
    return [*reasons, *job_trust.not_compared(cluster.workflows, trusts, repository)]


def in_account(workloads: Workloads) -> list[str]:
    """What of the workflows could not be compared with the roles of the account."""
    roles = workloads.account.get(AUTHORIZATION)
    if isinstance(roles, Miss):
        return (
            ["the workflows were not compared: the roles could not be read"]
            if workloads.workflows
            else []
        )
    logins = [x for flow in workloads.workflows for job in flow.jobs for x in job.logins]
    policies = {id(policy): policy for x in logins for policy in role_policies(workloads, x)}
    trusts = tuple(Trust(policy=policy) for policy in policies.values())
    return [
        *of_services(found.policy for found in for_services(workloads)),
        *job_trust.not_compared(workloads.workflows, trusts, workloads.repository),
    ]


def rows(facts: dict[str, Any], reasons: list[str]) -> dict[str, Any]:
    """The facts on what was left out: those of the documents, and these reasons."""
    listed = [
        *facts.get("not_judged", ()),
        *({"place": _place(reason), "why": reason} for reason in reasons),
    ]
    return {"not_judged": listed} if reasons else {}


def _place(reason: str) -> str:
    if reason.startswith("how many callers") or (
        reason.startswith("whether") and "is ever sent" in reason
    ):
        return "subjects"
    return "principals" if "trust" in reason.partition("judged")[0] else "manifests"
