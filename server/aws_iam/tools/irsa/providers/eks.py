"""Pods of an EKS cluster by IAM roles for service accounts (IRSA): each cluster is an OIDC issuer."""

from __future__ import annotations

import re
from dataclasses import replace

from aws_iam.engine.reference.regions import partition_of
from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa import kubernetes_manifests as kubernetes
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload

_AUDIENCE = "sts.amazonaws.com"


def _workload(request: Request) -> Workload:
    names = request.names
    names.find("cluster", "cluster")
    # A manifest needs no issuer: there it only gives the Region.
    host = _host(request)
    region = _region_of(host) if host else None
    namespace = names.need("namespace", "namespace")
    account = names.need("service_account", "service_account")
    caller = TokenCaller(
        sid="ServiceAccount",
        issuer=host,
        audience=request.audience_or(_AUDIENCE),
        subject=f"system:serviceaccount:{namespace}:{account}",
    )
    return Workload(
        caller=caller,
        description=f"Pods of ServiceAccount {namespace}/{account} in the cluster of that issuer",
        partition=partition_of(region) if region else None,
        region=region,
        notes=(
            *kubernetes.default_account_note(account),
            "AWS recommends EKS Pod Identity where it runs: it needs no provider for each cluster",
        ),
    )


def _host(request: Request) -> str:
    """The cluster's issuer, without https://."""
    given = request.names.issuer or ""
    mistaken = re.search(r"oidc\.([a-z0-9-]+)\.eks\.amazonaws", given)
    if mistaken:
        raise InputError(
            f"`issuer` {quoted(given)} has the parts of its host in the wrong order",
            hint=f"the host is oidc.eks.{mistaken[1]}.amazonaws.com",
        )
    # The id at the end is in upper case, and AWS compares case.
    issuer = re.sub(r"(?<=/id/)[0-9A-Za-z]{32}(?=/?$)", lambda found: found[0].upper(), given)
    named = replace(request, names=replace(request.names, issuer=issuer or None))
    return named.issuer_host("eks_issuer") or ""


def _region_of(host: str) -> str:
    """The Region of an EKS issuer."""
    return host.split(".")[2] if host.startswith("oidc.eks.") else host.split(".")[1]


def _manifest(request: ManifestRequest) -> Manifest:
    """The annotated ServiceAccount, a Deployment that uses it, and the configuration for eksctl."""
    values = kubernetes.values_of(request)
    # The webhook's own default needs no annotation.
    annotated = {**values, "Audience": None} if request.audience == _AUDIENCE else values
    return Manifest(
        files=(
            kubernetes.service_account("service-account-irsa.yaml", annotated),
            kubernetes.deployment(values),
            *kubernetes.eksctl_config("cluster-irsa.yaml", values),
        ),
        placeholders=kubernetes.placeholders(request),
        notes=(
            *kubernetes.default_account_note(values["ServiceAccount"] or ""),
            "pods that were started before the annotation do not get the role: run `kubectl rollout restart`",
        ),
    )


PROVIDER = Provider(
    title="IAM roles for service accounts (IRSA)",
    source="https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html",
    section="irsa-in-four-steps",
    needs=("issuer", "namespace", "service_account"),
    takes=("cluster",),
    only_in_trust=("issuer",),
    workload=_workload,
    manifest=_manifest,
    reasons={
        "issuer": "aws eks describe-cluster --name CLUSTER --query cluster.identity.oidc.issuer --output text"
    },
)
