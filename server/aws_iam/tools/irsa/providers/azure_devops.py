"""Azure DevOps pipelines, by the token of a service connection."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload


def _workload(request: Request) -> Workload:
    names = request.names
    organization = names.need("owner", "platform_name")
    project = names.need("project", "azure_name")
    connection = names.need("application", "azure_name")
    caller = TokenCaller(
        sid="AzureDevOpsPipeline",
        issuer=f"vstoken.dev.azure.com/{names.need('owner_id', 'uuid')}",
        audience=request.audience_or("api://AzureADTokenExchange"),
        subject=f"sc://{organization}/{project}/{connection}",
    )
    return Workload(
        caller=caller,
        description=f"Azure DevOps pipelines that use the service connection {project}/{connection}",
        notes=(
            (
                "the subject has neither branch nor environment: give each right a service connection of its own, and limit"
                " with approvals and checks which pipelines may use it"
            ),
            "the subject is made of names: after a rename no token matches",
            "newer service connections may have another issuer and subject: compare with those that the connection shows",
        ),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """A pipeline that takes the token of the service connection."""
    file = manifest_file(
        "azure-pipelines.yml",
        "azure-pipelines.yml",
        "check-jsonschema (Azure Pipelines)",
        place="azure-pipelines.yml",
        values={**request.values, "Connection": request.names.application},
    )
    return Manifest(files=(file,), placeholders=(request.written_region,))


PROVIDER = Provider(
    title="Azure DevOps",
    source="https://learn.microsoft.com/en-us/azure/devops/pipelines/library/connect-to-azure",
    section="microsoft",
    needs=("owner", "owner_id", "project", "application"),
    aliases={"repository": "project"},
    workload=_workload,
    manifest=_manifest,
    reasons={
        "owner_id": "the id of the organization, as in the issuer that the service connection shows",
        "application": "the name of the service connection",
    },
)
