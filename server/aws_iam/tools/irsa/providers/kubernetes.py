"""Workload identity of Kubernetes: IRSA and EKS Pod Identity."""

from __future__ import annotations

import re

from aws_iam.engine.language.aws_names import checked
from aws_iam.engine.reference.partition import partition_of
from aws_iam.engine.tokens.role_trust import PodCaller, TokenCaller
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa.providers.provider import Provider, Request, Workload

_UNTAGGED = (
    "the target role tests the session tags too; an association that needs disableSessionTags has it test sts:ExternalId "
    "instead, as `aws eks describe-pod-identity-association` tells it"
)
_USER_GUIDE = "https://docs.aws.amazon.com/eks/latest/userguide"


def _eks(request: Request) -> Workload:
    names = request.names
    names.find("cluster", "cluster")
    host = eks_host(request)
    region = region_of(host)
    namespace = names.need("namespace", "namespace")
    account = names.need("service_account", "service_account")
    caller = TokenCaller(
        sid="ServiceAccount",
        issuer=host,
        audience=request.heard("sts.amazonaws.com"),
        subject=f"system:serviceaccount:{namespace}:{account}",
    )
    return Workload(
        caller=caller,
        words=f"Pods of ServiceAccount {namespace}/{account} in the cluster of that issuer",
        partition=partition_of(region),
        region=region,
        notes=(
            *default_account(account),
            "EKS Pod Identity needs no provider per cluster and is AWS's first choice where it runs",
        ),
    )


def eks_host(request: Request) -> str:
    """The cluster's issuer, without https://."""
    given = request.names.issuer or ""
    mistaken = re.search(r"oidc\.([a-z0-9-]+)\.eks\.amazonaws", given)
    if mistaken:
        raise InputError(
            f"`issuer` {quoted(given)} has its words in the wrong order",
            hint=f"the host is oidc.eks.{mistaken[1]}.amazonaws.com",
        )
    return request.host("eks_issuer") or ""


def region_of(host: str) -> str:
    """The Region that an EKS issuer lies in."""
    return host.split(".")[2] if host.startswith("oidc.eks.") else host.split(".")[1]


def default_account(service_account: str) -> tuple[str, ...]:
    """A warning, where the workload has no ServiceAccount of its own."""
    if service_account != "default":
        return ()
    return ("ServiceAccount `default` is every pod's that names none: give the workload its own",)


def _pod_identity(request: Request) -> Workload:
    names = request.names
    if request.audience:
        raise InputError(
            "`audience` does not fit provider `pod_identity`",
            hint="its trust policy sees session tags, no token",
        )
    cluster = names.cluster or ""
    by_arn = cluster.startswith("arn:")
    checked("cluster", cluster, "cluster_arn" if by_arn else "cluster")
    parts = cluster.split(":")
    if by_arn and parts[4] != request.account:
        raise InputError(
            f"cluster {quoted(cluster)} is not in account `{request.account}`",
            hint="the role of an association lies in the cluster's account; reach others by its target role",
        )
    caller = PodCaller(
        cluster=cluster,
        namespace=names.need("namespace", "namespace"),
        service_account=names.need("service_account", "service_account"),
    )
    names.find("target_role", "role_arn")
    by_name = "the name fits clusters of every Region: give the cluster's ARN to pin one"
    return Workload(
        caller=caller,
        words=f"Pods of ServiceAccount {caller.namespace}/{caller.service_account} in cluster {cluster}",
        partition=parts[1] if by_arn else None,
        region=parts[3] if by_arn else None,
        notes=(
            *(() if by_arn else (by_name,)),
            *default_account(caller.service_account),
            "an association with disableSessionTags sends no tags and can never use this role",
            *((_UNTAGGED,) if names.target_role else ()),
            "it does not run on Fargate, Windows nodes or outside EKS: there use provider eks",
        ),
    )


EKS = Provider(
    title="IAM roles for service accounts (IRSA)",
    source=f"{_USER_GUIDE}/associate-service-account-role.html",
    section="irsa-in-four-steps",
    needs=("issuer", "namespace", "service_account"),
    takes=("cluster",),
    workload=_eks,
    reasons={
        "issuer": "aws eks describe-cluster --name CLUSTER --query cluster.identity.oidc.issuer --output text"
    },
)

POD_IDENTITY = Provider(
    title="EKS Pod Identity",
    source=f"{_USER_GUIDE}/pod-id-role.html",
    section="eks-pod-identity",
    needs=("cluster", "namespace", "service_account"),
    takes=("target_role",),
    workload=_pod_identity,
    reasons={"issuer": "Pod Identity has one service principal for all clusters and no issuer"},
)
