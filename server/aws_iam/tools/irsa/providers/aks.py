"""Pods of an AKS cluster, by the token of their service account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.tools.irsa import kubernetes_manifests as kubernetes
from aws_iam.tools.irsa.provider import Provider

if TYPE_CHECKING:
    from aws_iam.tools.irsa.provider import Request, Workload


def _workload(request: Request) -> Workload:
    return kubernetes.cluster_workload(
        request,
        "AKS cluster",
        "the issuer ends in a slash, which belongs to it: az aks show --query oidcIssuerProfile.issuerUrl",
    )


PROVIDER = Provider(
    title="Azure Kubernetes Service (AKS)",
    source="https://learn.microsoft.com/en-us/azure/aks/use-oidc-issuer",
    section="microsoft",
    needs=("issuer", "namespace", "service_account"),
    only_in_trust=("issuer",),
    workload=_workload,
    manifest=kubernetes.token_manifest,
    reasons={
        "issuer": "az aks show --name CLUSTER --resource-group GROUP --query oidcIssuerProfile.issuerUrl --output tsv"
    },
)
