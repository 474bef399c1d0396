"""EKS clusters: who administers them, who reaches their API, how secrets are kept and whether calls are logged."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from aws_iam.account.collect.compute.eks_clusters import (
    CLUSTERS,
    ONLY_CONFIG_MAP,
    AccessEntry,
    ClusterDetails,
)
from aws_iam.account.collect.fact import known
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.answer import Severity
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.outcomes import Fail, Unknown, for_each
from aws_iam.tools.irsa.checks.roles import clusters, trusting
from aws_iam.tools.irsa.checks.samples import (
    ACCOUNT,
    REGION,
    cluster,
    for_github,
    role,
    role_arn,
    roles,
    workloads,
)
from aws_iam.tools.irsa.checks.subject import Workloads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.account.collect.compute.eks_clusters import Cluster
    from aws_iam.account.collect.fact import Held
    from aws_iam.engine.sources.kubernetes_objects import Administrator
    from aws_iam.rules.outcomes import Outcome

_EKS = "https://docs.aws.amazon.com/eks/latest/userguide"
_ADMINISTRATOR = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
_ADMIN_POLICY = re.compile(r"/AmazonEKSClusterAdminPolicy$")
_EVERYBODY = frozenset({"0.0.0.0/0", "::/0"})
_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")
# From this version on EKS encrypts all data of the API with a key of its own.
_ENCRYPTED_SINCE = (1, 28)


def _prod(**details: object) -> Held:
    arn = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/prod"
    return cluster(details=ClusterDetails(arn=arn, **details))  # type: ignore[arg-type]


def _entered(principal: str) -> Held:
    return cluster(access=(AccessEntry(principal=principal, policies=(_ADMINISTRATOR,)),))


_USER = "a user, whose keys do not expire"
_WORKLOAD = "a role that tokens of a workload get"


def _mapped(named: Administrator, who: str) -> Fail:
    return Fail(
        named.arn,
        f"{quoted(named.arn)} administers the cluster by the ConfigMap aws-auth: {who}",
        at=named.where,
        fix="Take it out of the group system:masters, and give it a group with fewer rights.",
    )


def _admin_policy(entry: AccessEntry) -> str | None:
    """The ARN, in the partition of the cluster, of the policy that makes the entry's principal an administrator."""
    return next(filter(_ADMIN_POLICY.search, known(entry.policies)), None)


@check(
    "EKS-ADMIN",
    on=Workloads,
    severity=Severity.MEDIUM,
    needs=(AUTHORIZATION, CLUSTERS),
    title="A user with long-term keys, or a role of a workload, administers the cluster",
    fix="Give the principal an access policy with fewer rights or for its namespaces only.",
    source=f"{_EKS}/access-policies.html",
    bad=[
        workloads(roles(), _entered(f"arn:aws:iam::{ACCOUNT}:user/bob")),
        workloads(roles(role("deploy", for_github())), _entered(role_arn("deploy"))),
        workloads(roles(), cluster(), administrators=[f"arn:aws:iam::{ACCOUNT}:user/bob"]),
    ],
    good=[
        workloads(roles(role("deploy", for_github())), _entered(role_arn("platform"))),
        workloads(roles(), cluster()),
    ],
)
def administrators(at: Workloads) -> Iterator[Outcome]:
    """An administrator of the cluster can run pods as every service account, and so gets every role of its pods.

    False alarm when the job deploys the cluster itself. Administrators in the ConfigMap aws-auth are judged where it is
    among the manifests: the API does not show them.
    """
    # What needs no account comes first: a role that cannot be read ends the rest.
    for named in at.administrators:
        if ":user/" in named.arn:
            yield _mapped(named, _USER)
    of_workloads = {found.role.arn for found in trusting(at)}

    for named in at.administrators:
        if named.arn in of_workloads:
            yield _mapped(named, _WORKLOAD)

    def test(pair: tuple[str, Cluster]) -> Iterator[Outcome]:
        region, found = pair
        entries = known(found.access)
        if entries is None and not at.administrators:
            yield Unknown(
                known(found.details).arn,
                "the ConfigMap aws-auth alone says who administers the cluster, and it is not among the manifests",
                region,
                reason="the API does not show it: pass `manifests` with the output of `kubectl -n kube-system get configmap aws-auth -o yaml`",
            )
        for entry in entries or ():
            user = ":user/" in entry.principal
            policy = _admin_policy(entry) if user or entry.principal in of_workloads else None
            if policy:
                who = _USER if user else _WORKLOAD
                yield Fail(
                    known(found.details).arn,
                    f"{quoted(entry.principal)} administers the cluster: {who}",
                    region,
                    fix=f"Give it an access policy with fewer rights, then run: aws eks disassociate-access-policy --cluster-name {shlex.quote(found.name)} --principal-arn "
                    f"{shlex.quote(entry.principal)} --policy-arn {shlex.quote(policy)} --region {region}",
                )

    yield from for_each(list(clusters(at)), test, name=lambda pair: pair[1].name)


def _judged(
    at: Workloads, test: Callable[[str, str, ClusterDetails], Iterator[Fail]]
) -> Iterator[Outcome]:
    """What the test says of each cluster, given its Region, name and details."""

    def of_pair(pair: tuple[str, Cluster]) -> Iterator[Fail]:
        region, cluster = pair
        return test(region, cluster.name, known(cluster.details))

    return for_each(list(clusters(at)), of_pair, name=lambda pair: pair[1].name)


@check(
    "EKS-AWS-AUTH",
    on=Workloads,
    severity=Severity.LOW,
    needs=(CLUSTERS,),
    title="The administrators of the cluster stand in a ConfigMap",
    fix="aws eks update-cluster-config --name CLUSTER --access-config authenticationMode=API_AND_CONFIG_MAP",
    source=f"{_EKS}/setting-up-access-entries.html",
    bad=[workloads(_prod(authentication_mode="CONFIG_MAP"))],
    good=[workloads(_prod(authentication_mode="API")), workloads(_prod())],
)
def by_config_map(at: Workloads) -> Iterator[Outcome]:
    """Whoever may write the ConfigMap aws-auth can make anybody an administrator, and neither IAM nor the API shows who is one.

    False alarm when the ConfigMap is guarded and reviewed like code.
    """

    def test(region: str, cluster_name: str, details: ClusterDetails) -> Iterator[Fail]:
        if details.authentication_mode == ONLY_CONFIG_MAP:
            yield Fail(
                details.arn,
                "access is decided by the ConfigMap aws-auth alone",
                region,
                fix=f"aws eks update-cluster-config --name {shlex.quote(cluster_name)} --access-config"
                f" authenticationMode=API_AND_CONFIG_MAP --region {region}",
            )

    yield from _judged(at, test)


@check(
    "EKS-PUBLIC",
    on=Workloads,
    severity=Severity.MEDIUM,
    needs=(CLUSTERS,),
    title="The API of the cluster can be reached from everywhere",
    fix="aws eks update-cluster-config --name CLUSTER --resources-vpc-config publicAccessCidrs=RANGE",
    source=f"{_EKS}/cluster-endpoint.html",
    bad=[
        workloads(_prod(public_endpoint=True, public_ranges=("0.0.0.0/0",))),
        workloads(_prod(public_endpoint=True)),
    ],
    good=[
        workloads(_prod(public_endpoint=True, public_ranges=("192.0.2.0/24",))),
        workloads(_prod(public_endpoint=False, public_ranges=("0.0.0.0/0",))),
        workloads(_prod()),
    ],
)
def public_endpoint(at: Workloads) -> Iterator[Outcome]:
    """Whoever has credentials, or finds a flaw in the API server, can use them from anywhere.

    False alarm when jobs without fixed addresses must reach the cluster.
    """

    def test(region: str, cluster_name: str, details: ClusterDetails) -> Iterator[Fail]:
        ranges = details.public_ranges
        if details.public_endpoint and (not ranges or _EVERYBODY & set(ranges)):
            yield Fail(
                details.arn,
                "the endpoint of the API server is public, for every address",
                region,
                fix="List the ranges that need the endpoint (all others lose access at once), then run: aws eks update-cluster-config"
                f" --name {shlex.quote(cluster_name)} --region {region} --resources-vpc-config publicAccessCidrs=RANGE",
            )

    yield from _judged(at, test)


@check(
    "EKS-SECRETS",
    on=Workloads,
    severity=Severity.MEDIUM,
    needs=(CLUSTERS,),
    title="Secrets of the cluster are not encrypted with a KMS key",
    fix="Update the cluster to a supported version, or add an encryption configuration for secrets.",
    source=f"{_EKS}/envelope-encryption.html",
    bad=[workloads(_prod(version="1.27"))],
    good=[
        workloads(_prod(version="1.27", secrets_key="arn:aws:kms:eu-west-1:111122223333:key/1")),
        workloads(_prod(version="1.33")),
        workloads(_prod(version="1." + "9" * 5_000)),
        workloads(_prod()),
    ],
)
def plain_secrets(at: Workloads) -> Iterator[Outcome]:
    """Without envelope encryption whoever reads the storage behind the API reads the secrets.

    From version 1.28 on EKS encrypts all data of the API with a key of its own, so such a cluster passes.
    """

    def test(region: str, _name: str, details: ClusterDetails) -> Iterator[Fail]:
        named = _VERSION.match(details.version or "")
        version = named and (int(named[1]), int(named[2]))
        if version and version < _ENCRYPTED_SINCE and not details.secrets_key:
            yield Fail(
                details.arn,
                f"version {quoted(details.version or '')} encrypts secrets only with a key, and none is configured",
                region,
            )

    yield from _judged(at, test)


@check(
    "EKS-AUDIT-LOG",
    on=Workloads,
    severity=Severity.MEDIUM,
    needs=(CLUSTERS,),
    title="The cluster does not log the calls to its API",
    fix="aws eks update-cluster-config --name CLUSTER --logging clusterLogging=[{types=[audit,authenticator],enabled=true}]",
    source=f"{_EKS}/control-plane-logs.html",
    bad=[workloads(_prod(logs=())), workloads(_prod(logs=("api", "scheduler")))],
    good=[workloads(_prod(logs=("audit", "authenticator"))), workloads(_prod())],
)
def unlogged(at: Workloads) -> Iterator[Outcome]:
    """Without the audit log nobody can tell who created a pod, or a token for a service account.

    False alarm when another tool records the calls.
    """

    def test(region: str, cluster_name: str, details: ClusterDetails) -> Iterator[Fail]:
        if details.logs is not None and "audit" not in details.logs:
            yield Fail(
                details.arn,
                "the audit log of the control plane is off",
                region,
                fix=f"aws eks update-cluster-config --name {shlex.quote(cluster_name)} --region {region}"
                " --logging 'clusterLogging=[{types=[audit,authenticator],enabled=true}]'",
            )

    yield from _judged(at, test)
