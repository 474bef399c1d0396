"""Pods of a GKE cluster, by the token of their service account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.tools.irsa import kubernetes_manifests as kubernetes
from aws_iam.tools.irsa.provider import Provider

if TYPE_CHECKING:
    from aws_iam.tools.irsa.provider import Request, Workload


def _workload(request: Request) -> Workload:
    return kubernetes.cluster_workload(
        request,
        "GKE cluster",
        "a pod can also use its Google service account: provider `google`",
    )


PROVIDER = Provider(
    title="Google Kubernetes Engine (GKE)",
    source="https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity",
    section="google",
    needs=("issuer", "namespace", "service_account"),
    only_in_trust=("issuer",),
    workload=_workload,
    manifest=kubernetes.token_manifest,
    reasons={
        "issuer": "https://container.googleapis.com/v1/projects/PROJECT/locations/LOCATION/clusters/CLUSTER"
    },
)
