"""The Kubernetes files that pods need, in EKS with IRSA or Pod Identity and in other clusters, and pods as workloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.provider import Manifest, Workload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.irsa.asset_files import PlacedFile
    from aws_iam.tools.irsa.provider import ManifestRequest, Request

_STRICT = "kubernetes-validate (strict)"
_IMAGE = "registry.example.com/app:1.0.0"
_LONGEST_LABEL = 63


def values_of(request: ManifestRequest) -> dict[str, str | None]:
    """The values that the Kubernetes files need."""
    names = request.names
    account = names.need("service_account", "service_account")
    return {
        **request.values,
        "ServiceAccount": account,
        "Namespace": names.need("namespace", "namespace"),
        "Label": account[:_LONGEST_LABEL].rstrip(".-"),
        "Cluster": (names.cluster or "").rpartition("/")[2] or None,
        "TargetRole": names.target_role,
    }


def service_account(asset: str, values: Mapping[str, str | None]) -> PlacedFile:
    """The ServiceAccount, with or without annotations."""
    name = "service-account.yaml"
    return manifest_file(asset, name, _STRICT, place="kubectl apply -f", values=values)


def deployment(values: Mapping[str, str | None]) -> PlacedFile:
    """A Deployment whose pods run as the ServiceAccount."""
    name = "deployment.yaml"
    return manifest_file(name, name, _STRICT, place="kubectl apply -f", values=values)


def cluster_workload(request: Request, title: str, *notes: str) -> Workload:
    """Pods of one service account of a cluster whose issuer the caller gave."""
    names = request.names
    host = request.issuer_host() or ""
    namespace = names.need("namespace", "namespace")
    account = names.need("service_account", "service_account")
    caller = TokenCaller(
        sid="ServiceAccount",
        issuer=host,
        audience=request.audience_or("sts.amazonaws.com"),
        subject=f"system:serviceaccount:{namespace}:{account}",
    )
    return Workload(
        caller=caller,
        description=f"Pods of ServiceAccount {namespace}/{account} in the {title} of that issuer",
        notes=(*default_account_note(account), *notes),
    )


def token_manifest(request: ManifestRequest) -> Manifest:
    """A ServiceAccount, and a Deployment with a token of it for AWS."""
    values = values_of(request)
    return Manifest(
        files=(
            service_account("service-account.yaml", values),
            manifest_file(
                "deployment-token.yaml",
                "deployment.yaml",
                _STRICT,
                place="kubectl apply -f",
                values=values,
            ),
        ),
        placeholders=(request.written_region, _IMAGE),
        notes=default_account_note(values["ServiceAccount"] or ""),
    )


def eksctl_config(asset: str, values: Mapping[str, str | None]) -> tuple[PlacedFile, ...]:
    """The configuration for eksctl, which needs the cluster's name; nothing without it."""
    if not values["Cluster"]:
        return ()
    schema = "a JSON schema after eksctl's own"
    return (manifest_file(asset, "cluster.yaml", schema, place="eksctl … -f", values=values),)


def placeholders(request: ManifestRequest) -> tuple[str, ...]:
    """The values that the caller did not give: the image, and the cluster's Region."""
    guessed = request.names.cluster and not request.workload.region
    return (_IMAGE, *((request.written_region,) if guessed else ()))


def default_account_note(name: str) -> tuple[str, ...]:
    """A warning when the workload has no ServiceAccount of its own."""
    if name != "default":
        return ()
    return ("every pod that names no ServiceAccount runs as `default`: give the workload its own",)
