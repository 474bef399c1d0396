"""Token providers and the roles that trust them: what is missing, unused, stale or valid for too long."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.compute.eks_clusters import CLUSTERS, Cluster, ClusterDetails
from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.authorization import AUTHORIZATION, Authorization, Role
from aws_iam.account.collect.identity.identity_providers import (
    OIDC_PROVIDERS,
    OIDC_SETTINGS,
    OidcProvider,
    Provider,
    ProviderSettings,
)
from aws_iam.account.collect.identity.role_limits import ROLE_LIMITS, RoleLimit
from aws_iam.account.reading.snapshot import account_of
from aws_iam.answer import Severity
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.outcomes import Fail, for_each, unread
from aws_iam.tools.irsa.checks.roles import DETAILS, eks_region, is_ci, trusting
from aws_iam.tools.irsa.checks.samples import (
    ACCOUNT,
    CLUSTER,
    GITHUB,
    LONG_AGO,
    RECENTLY,
    for_github,
    for_pods_of,
    provider_arn,
    role,
)
from aws_iam.tools.irsa.checks.subject import Workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.fact import Held
    from aws_iam.rules.outcomes import Outcome
    from aws_iam.tools.irsa.checks.roles import Trusting

_API = "https://docs.aws.amazon.com/IAM/latest/APIReference"
_BEST = "https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html"
_LONGEST = 3600
_STALE = timedelta(days=90)


def _roles(*found: Role) -> Held:
    return AUTHORIZATION.held(Authorization(roles=found))


def _providers(*hosts: str) -> Held:
    return OIDC_PROVIDERS.held(tuple(Provider(arn=provider_arn(h), name=h) for h in hosts))


def _settings(host: str, **more: Any) -> Held:
    settings = ProviderSettings(client_ids=("sts.amazonaws.com",), **more)
    return OIDC_SETTINGS.held(
        (OidcProvider(arn=provider_arn(host), host=host, settings=settings),)
    )


def _account(*held: Held, regions: tuple[str, ...] = ("eu-west-1",)) -> Workloads:
    return Workloads(account=account_of(*held, regions=regions))


_GITHUB_ROLE = role("deploy", for_github())
_POD_ROLE = role("cart", for_pods_of("shop", "cart"))


def _limits(seconds: int) -> Held:
    return ROLE_LIMITS.held((RoleLimit(arn=_GITHUB_ROLE.arn, max_session_seconds=seconds),))


@check(
    "OIDC-SESSION",
    on=Workloads,
    severity=Severity.LOW,
    needs=(AUTHORIZATION, ROLE_LIMITS),
    title="Sessions of a CI role may last longer than an hour",
    fix="aws iam update-role --role-name NAME --max-session-duration 3600",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-settings.html",
    bad=[_account(_roles(_GITHUB_ROLE), _limits(43_200))],
    good=[_account(_roles(_GITHUB_ROLE), _limits(3_600)), _account(_roles(_POD_ROLE), _limits(43_200))],
)  # fmt: skip
def long_session(at: Workloads) -> Iterator[Outcome]:
    """Credentials that leak from a job stay valid until the session ends.

    False alarm when the jobs really run for longer than an hour.
    """
    jobs = [found for found in trusting(at) if any(map(is_ci, found.hosts))]
    if not jobs:
        return
    limits = {limit.arn: limit.max_session_seconds for limit in at.account.require(ROLE_LIMITS)}
    for found in jobs:
        seconds = limits.get(found.role.arn, 0)
        if seconds > _LONGEST:
            yield Fail(
                found.role.arn,
                f"sessions may last {seconds:,} seconds",
                fix=f"aws iam update-role --role-name {shlex.quote(found.role.name)} --max-session-duration 3600",
            )


@check(
    "OIDC-ROLE-STALE",
    on=Workloads,
    severity=Severity.MEDIUM,
    needs=(AUTHORIZATION,),
    title="No workload has used the role for 90 days",
    fix="Delete the role, or empty its trust policy, once nobody needs it.",
    source=f"{_API}/API_GetRole.html",
    bad=[_account(_roles(role("deploy", for_github(), created=LONG_AGO, last_used=LONG_AGO)))],
    good=[
        _account(_roles(role("deploy", for_github(), created=LONG_AGO, last_used=RECENTLY))),
        _account(_roles(role("deploy", for_github(), created=RECENTLY))),
    ],
)
def stale(at: Workloads) -> Iterator[Outcome]:
    """An unused role is a way in that nobody watches.

    False alarm when the job runs less often than every 90 days.
    """
    before = at.account.collected_at - _STALE
    for found in trusting(at):
        created, used = found.role.created, found.role.last_used
        if used is not None and used < before:
            yield Fail(found.role.arn, f"last used on {used:%Y-%m-%d}")
        elif used is None and created is not None and created < before:
            yield Fail(
                found.role.arn, f"created on {created:%Y-%m-%d}, and AWS has recorded no use"
            )
        elif used is None and created is None:
            missing = (
                f"the snapshot has neither `created` nor `last_used` of {quoted(found.role.name)}"
            )
            yield unread(
                NotCollected(missing, call=DETAILS, code="no value"), resource=found.role.arn
            )


@check(
    "OIDC-PROV-UNUSED",
    on=Workloads,
    severity=Severity.LOW,
    needs=(AUTHORIZATION, OIDC_PROVIDERS),
    title="No role trusts the OIDC provider",
    fix="aws iam delete-open-id-connect-provider --open-id-connect-provider-arn ARN",
    source=f"{_API}/API_DeleteOpenIDConnectProvider.html",
    bad=[_account(_roles(_GITHUB_ROLE), _providers(GITHUB, "gitlab.com"))],
    good=[_account(_roles(_GITHUB_ROLE), _providers(GITHUB))],
)
def unused(at: Workloads) -> Iterator[Fail]:
    """A role that trusts it later may trust more than its author expects.

    False alarm when the role that needs it is about to be created.
    """
    named = {host for found in trusting(at) for host in found.hosts}
    for provider in at.account.require(OIDC_PROVIDERS):
        if provider.name not in named:
            yield Fail(
                provider.arn,
                f"no role's trust policy names {quoted(provider.name)}",
                fix=f"aws iam delete-open-id-connect-provider --open-id-connect-provider-arn {shlex.quote(provider.arn)}",
            )


@check(
    "OIDC-PROV-MISSING",
    on=Workloads,
    severity=Severity.HIGH,
    needs=(AUTHORIZATION, OIDC_PROVIDERS),
    title="The role trusts a provider that does not exist",
    fix="Create the provider, or remove it from the trust policy.",
    source=f"{_API}/API_CreateOpenIDConnectProvider.html",
    bad=[_account(_roles(_GITHUB_ROLE), _providers("gitlab.com"))],
    good=[_account(_roles(_GITHUB_ROLE), _providers(GITHUB))],
)
def missing(at: Workloads) -> Iterator[Fail]:
    """Nobody can assume the role until somebody creates a provider of that name, with client ids of their choice.

    False alarm when the provider was created after the snapshot was taken.
    """
    existing = {provider.arn for provider in at.account.require(OIDC_PROVIDERS)}
    for found, principal in _named(at):
        if principal.value in existing:
            continue
        host = principal.value.partition(":oidc-provider/")[2]
        elsewhere = f":{at.account.id}:" not in principal.value
        message = "belongs to another account" if elsewhere else "does not exist"
        yield Fail(
            found.role.arn,
            f"{quoted(principal.value)} {message}",
            at=principal.name.where,
            fix=f"aws iam create-open-id-connect-provider --url {shlex.quote('https://' + host)} --client-id-list AUDIENCE",
        )


def _named(at: Workloads) -> Iterator[tuple[Trusting, Any]]:
    for found in trusting(at):
        for statement in found.policy.statements:
            for principal in statement.principals if statement.allows else ():
                if ":oidc-provider/" in principal.value:
                    yield found, principal


def _clusters(*issuers: str) -> Held:
    clusters = tuple(
        Cluster(
            name=f"c{number}",
            details=ClusterDetails(
                arn=f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/c{number}",
                issuer=f"https://{issuer}",
            ),
            associations=(),
            addons=(),
            nodegroups=(),
            fargate=(),
        )
        for number, issuer in enumerate(issuers)
    )
    return CLUSTERS.held_in("eu-west-1", clusters)


@check(
    "OIDC-PROV-DEADCLUSTER",
    on=Workloads,
    severity=Severity.MEDIUM,
    needs=(OIDC_PROVIDERS, CLUSTERS),
    title="The provider belongs to a cluster that no longer exists",
    fix="aws iam delete-open-id-connect-provider --open-id-connect-provider-arn ARN",
    source="https://docs.aws.amazon.com/eks/latest/userguide/enable-iam-roles-for-service-accounts.html",
    bad=[_account(_providers(CLUSTER), _clusters())],
    good=[
        _account(_providers(CLUSTER), _clusters(CLUSTER)),
        _account(_providers(GITHUB), _clusters()),
    ],
)
def dead_cluster(at: Workloads) -> Iterator[Outcome]:
    """Roles that trust it look as if they were in use.

    False alarm when the cluster is in a Region that was not read, or in another account.
    """

    def test(provider: Provider) -> Iterator[Outcome]:
        region = eks_region(provider.name)
        if not region:
            return
        found = at.account.require_in(region, CLUSTERS)
        issuers = {_issuer(cluster) for cluster in found}
        if f"https://{provider.name}" in issuers:
            return
        refused = next((c.details for c in found if isinstance(c.details, Miss)), None)
        if refused is not None:
            raise refused.error()
        yield Fail(
            provider.arn,
            f"no cluster of {region} has the issuer {quoted(provider.name)}",
            region,
            fix=f"aws iam delete-open-id-connect-provider --open-id-connect-provider-arn {shlex.quote(provider.arn)}",
        )

    listed = at.account.require(OIDC_PROVIDERS)
    yield from for_each(listed, test, name=lambda provider: provider.arn)


def _issuer(cluster: Cluster) -> str | None:
    return None if isinstance(cluster.details, Miss) else cluster.details.issuer


@check(
    "OIDC-THUMBPRINT",
    on=Workloads,
    severity=Severity.INFO,
    needs=(OIDC_SETTINGS,),
    title="The provider has thumbprints that AWS does not check",
    fix="Create the provider without thumbprints, and do not rotate them.",
    source=f"{_API}/API_CreateOpenIDConnectProvider.html",
    bad=[_account(_settings(GITHUB, thumbprints=("a" * 40, "b" * 40)))],
    good=[
        _account(_settings(GITHUB, thumbprints=("a" * 40,))),
        _account(_settings("idp.example.com", thumbprints=("a" * 40, "b" * 40))),
    ],
)
def pinned_in_vain(at: Workloads) -> Iterator[Outcome]:
    """AWS verifies these issuers with its own list of certificate authorities.

    A single thumbprint passes: IAM adds one by itself. Never wrong; the thumbprints are without
    effect.
    """

    def test(provider: OidcProvider) -> Iterator[Fail]:
        if isinstance(provider.settings, Miss):
            raise provider.settings.error()
        number = len(provider.settings.thumbprints)
        if number > 1 and (is_ci(provider.host) or eks_region(provider.host)):
            yield Fail(provider.arn, f"{number} thumbprints are set")

    listed = at.account.require(OIDC_SETTINGS)
    yield from for_each(listed, test, name=lambda provider: provider.arn)
