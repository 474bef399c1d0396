"""Pods of an EKS cluster by EKS Pod Identity, which has no issuer: EKS sets session tags instead."""

from __future__ import annotations

from aws_iam.engine.language.aws_names import checked_name
from aws_iam.engine.tokens.role_trust import PodCaller, may_assume
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa import kubernetes_manifests as kubernetes
from aws_iam.tools.irsa.asset_files import PlacedFile, manifest_file, policy_file
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload

_USER_GUIDE = "https://docs.aws.amazon.com/eks/latest/userguide"
_CLI = "awscli's parser, botocore's models"
_UNTAGGED = (
    "the target role tests the session tags too; with disableSessionTags test sts:ExternalId instead: "
    "`aws eks describe-pod-identity-association` shows its value"
)
_ONE_WAY = (
    "create the association with association.sh or with cluster.yaml, not both; for CloudFormation or Terraform use "
    "`irsa trust_policy` with `format`"
)


def _workload(request: Request) -> Workload:
    names = request.names
    if request.audience:
        raise InputError(
            "`audience` does not fit provider `pod_identity`",
            hint="its trust policy tests session tags, not a token",
        )
    cluster = names.cluster or ""
    by_arn = cluster.startswith("arn:")
    checked_name("cluster", cluster, "cluster_arn" if by_arn else "cluster")
    parts = cluster.split(":")
    if by_arn and parts[4] != request.account:
        raise InputError(
            f"cluster {quoted(cluster)} is not in account `{request.account}`",
            hint="the role of an association is in the cluster's account; use `target_role` for a role in another one",
        )
    caller = PodCaller(
        cluster=cluster,
        namespace=names.need("namespace", "namespace"),
        service_account=names.need("service_account", "service_account"),
    )
    names.find("target_role", "role_arn")
    by_name = "the name matches clusters in every Region: pass the cluster's ARN to pin one"
    return Workload(
        caller=caller,
        description=f"Pods of ServiceAccount {caller.namespace}/{caller.service_account} in cluster {cluster}",
        partition=parts[1] if by_arn else None,
        region=parts[3] if by_arn else None,
        notes=(
            *(() if by_arn else (by_name,)),
            *kubernetes.default_account_note(caller.service_account),
            "an association with disableSessionTags sends no tags, so it cannot use this role",
            *((_UNTAGGED,) if names.target_role else ()),
            "EKS Pod Identity does not run on Fargate, on Windows nodes or outside EKS: use provider eks there",
        ),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """The plain ServiceAccount, a Deployment, the association, and the configuration for eksctl."""
    values = kubernetes.values_of(request)
    association = manifest_file(
        "association.sh", "association.sh", _CLI, place="once, from a shell", values=values
    )
    return Manifest(
        files=(
            kubernetes.service_account("service-account.yaml", values),
            kubernetes.deployment(values),
            association,
            *kubernetes.eksctl_config("cluster-pod-identity.yaml", values),
            *_target_policies(request),
        ),
        source=f"{_USER_GUIDE}/pod-id-association.html",
        placeholders=kubernetes.placeholders(request),
        notes=(
            *kubernetes.default_account_note(values["ServiceAccount"] or ""),
            "the ServiceAccount needs no annotation: EKS Pod Identity ignores one that names a role",
            _ONE_WAY,
        ),
    )


def _target_policies(request: ManifestRequest) -> tuple[PlacedFile, ...]:
    """The policies that let the association's role assume the target role, one in each of the two accounts."""
    target, caller = request.names.target_role, request.workload.caller
    if not target or not isinstance(caller, PodCaller):
        return ()
    trust = policy_file("target-trust-policy.json", caller.target_trust(request.role))
    needed = policy_file("assume-target-role.json", may_assume(target))
    return (
        PlacedFile(artifact=trust, place=f"the trust policy of {target}"),
        PlacedFile(artifact=needed, place=f"a policy of {request.role}"),
    )


PROVIDER = Provider(
    title="EKS Pod Identity",
    source=f"{_USER_GUIDE}/pod-id-role.html",
    section="eks-pod-identity",
    needs=("cluster", "namespace", "service_account"),
    takes=("target_role",),
    workload=_workload,
    manifest=_manifest,
    reasons={"issuer": "Pod Identity has one service principal for all clusters, and no issuer"},
)
