"""HCP Terraform stacks."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload


def _workload(request: Request) -> Workload:
    names = request.names
    parts = {
        "organization": names.need("owner", "hcp_name"),
        "project": names.need("project", "hcp_name"),
        "stack": names.need("stack", "hcp_name"),
        "deployment": names.need("deployment", "hcp_name"),
        "operation": names.need("run_phase", "run_phase"),
    }
    subject = ":".join(f"{name}:{value}" for name, value in parts.items())
    caller = TokenCaller(
        sid="TerraformStack",
        issuer=request.server_host() or "app.terraform.io",
        audience=request.audience_or("aws.workload.identity"),
        subject=subject,
    )
    return Workload(
        caller=caller,
        description=f"HCP Terraform stacks whose subject is {subject}",
        notes=("use one role for plan, which only reads, and another for apply",),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """The token and the deployment that gets it."""
    file = manifest_file(
        "hcp-stack.tf",
        "deployments.tfdeploy.hcl",
        "python-hcl2",
        place="beside the code of the stack",
        values={**request.values, "Deployment": request.names.deployment},
    )
    return Manifest(files=(file,), placeholders=(request.written_region,))


PROVIDER = Provider(
    title="HCP Terraform stacks",
    source="https://developer.hashicorp.com/terraform/language/stacks/deploy/authenticate",
    section="deployment-platforms",
    needs=("owner", "project", "stack", "deployment", "run_phase"),
    takes=("issuer",),
    aliases={"repository": "project"},
    workload=_workload,
    manifest=_manifest,
    reasons={"project": "a stack is in `Default Project` unless it was moved"},
)
