"""HCP Terraform (formerly Terraform Cloud)."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload


def _workload(request: Request) -> Workload:
    names = request.names
    parts = {
        "organization": names.need("owner", "hcp_name"),
        "project": names.need("repository", "hcp_name"),
        "workspace": names.need("workspace", "hcp_name"),
        "run_phase": names.need("run_phase", "run_phase"),
    }
    subject = ":".join(f"{name}:{value}" for name, value in parts.items())
    caller = TokenCaller(
        sid="TerraformRun",
        issuer=request.server_host() or "app.terraform.io",
        audience=request.audience_or("aws.workload.identity"),
        subject=subject,
    )
    return Workload(
        caller=caller,
        description=f"HCP Terraform runs whose subject is {subject}",
        notes=("use one role for plan, which only reads, and another for apply",),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """The workspace's settings for one phase of its runs."""
    phase = (request.names.run_phase or "").upper()
    file = manifest_file(
        "terraform.tf",
        "workspace.tf",
        "python-hcl2",
        place="where your HCP Terraform workspaces are configured (provider hashicorp/tfe)",
        values={
            **request.values,
            "Organization": request.names.owner,
            "Workspace": request.names.workspace,
            "Phase": phase,
            "OtherPhase": "APPLY" if phase == "PLAN" else "PLAN",
        },
    )
    return Manifest(
        files=(file,),
        notes=("remove AWS keys from the workspace's variables, and credentials from the provider block",),
    )  # fmt: skip


PROVIDER = Provider(
    title="HCP Terraform",
    source="https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/aws-configuration",
    section="bitbucket-hcp-terraform-circleci-buildkite",
    needs=("owner", "repository", "workspace", "run_phase"),
    takes=("issuer",),
    aliases={"project": "repository"},
    workload=_workload,
    manifest=_manifest,
    reasons={"repository": "the project; a workspace is in `Default Project` unless it was moved"},
)
