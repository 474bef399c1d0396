"""Pods of any Kubernetes cluster, by the token of their service account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.tools.irsa import kubernetes_manifests as kubernetes
from aws_iam.tools.irsa.provider import Provider, slash_note

if TYPE_CHECKING:
    from aws_iam.tools.irsa.provider import Request, Workload


def _workload(request: Request) -> Workload:
    return kubernetes.cluster_workload(
        request,
        "cluster",
        *slash_note(request.issuer_host() or ""),
    )


PROVIDER = Provider(
    title="a self-hosted Kubernetes cluster",
    source="https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery",
    section="own-issuers",
    needs=("issuer", "namespace", "service_account"),
    only_in_trust=("issuer",),
    workload=_workload,
    manifest=kubernetes.token_manifest,
    reasons={"issuer": "kubectl get --raw /.well-known/openid-configuration"},
)
