"""Azure DevOps pipelines, by the token of a service connection."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload

_ISSUER = "vstoken.dev.azure.com/"
_RETIRED = (
    "https://learn.microsoft.com/en-us/azure/devops/pipelines/release/convert-service-connections"
)


def _workload(request: Request) -> Workload:
    names = request.names
    organization = names.need("owner", "platform_name")
    project = names.need("project", "azure_name")
    connection = names.need("application", "azure_name")
    caller = TokenCaller(
        sid="AzureDevOpsPipeline",
        issuer=_issuer(request),
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
            (
                "newer service connections have the issuer https://login.microsoftonline.com/TENANT/v2.0 and a subject"
                " /eid1/c/pub/t/…: compare with those that the connection shows. Microsoft retires the issuer of Azure DevOps"
                f" on 1 July 2027: {_RETIRED}"
            ),
        ),
    )


def _issuer(request: Request) -> str:
    host = request.server_host()
    if host and not host.startswith(_ISSUER):
        raise InputError(
            f"`issuer` {quoted(host)} is not of the form {_ISSUER}ORGANIZATION_ID",
            hint="newer service connections have the issuer https://login.microsoftonline.com/TENANT/v2.0: pass issuer, subject and"
            " audience of a token to provider `generic`; that AWS accepts such tokens is unconfirmed, so try one",
        )
    if not (host or request.names.owner_id):
        raise InputError(
            "provider `azure_devops` needs `owner_id` or `issuer`",
            hint="the id of the organization, or the issuer that the service connection shows",
        )
    return host or f"{_ISSUER}{request.names.need('owner_id', 'uuid')}"


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
    needs=("owner", "project", "application"),
    takes=("owner_id", "issuer"),
    aliases={"repository": "project"},
    workload=_workload,
    manifest=_manifest,
    reasons={
        "owner_id": "the id of the organization, as in the issuer that the service connection shows",
        "application": "the name of the service connection",
    },
)
