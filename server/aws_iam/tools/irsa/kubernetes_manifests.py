"""The Kubernetes files that pods need with IRSA as well as with EKS Pod Identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.tools.irsa.asset_files import manifest_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.irsa.asset_files import PlacedFile
    from aws_iam.tools.irsa.provider import ManifestRequest

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
