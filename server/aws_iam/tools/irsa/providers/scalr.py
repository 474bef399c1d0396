"""Scalr workspaces."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload


def _workload(request: Request) -> Workload:
    names = request.names
    parts = {
        "account": names.need("owner", "platform_name"),
        "environment": names.need("environment", "azure_name"),
        "workspace": names.need("workspace", "azure_name"),
    }
    subject = ":".join(f"{name}:{value}" for name, value in parts.items())
    caller = TokenCaller(
        sid="ScalrRun",
        issuer=request.server_host() or "scalr.io",
        audience=request.audience_or("aws.scalr-run-workload"),
        subject=subject,
    )
    return Workload(
        caller=caller,
        description=f"Scalr runs whose subject is {subject}",
        notes=("the subject does not tell plan from apply",),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """The provider configuration of the workspace."""
    file = manifest_file(
        "scalr.tf",
        "scalr.tf",
        "python-hcl2",
        place="where your Scalr workspaces are configured (provider Scalr/scalr)",
        values=request.values,
    )
    return Manifest(files=(file,), placeholders=("ENVIRONMENT_ID",))


PROVIDER = Provider(
    title="Scalr",
    source="https://docs.scalr.io/docs/provider_resource_scalr_provider_configuration",
    section="deployment-platforms",
    needs=("owner", "environment", "workspace"),
    takes=("issuer",),
    workload=_workload,
    manifest=_manifest,
)
