"""Spacelift stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload

if TYPE_CHECKING:
    from aws_iam.tools.irsa.names import Names

_RUNS = {"plan": "run_type:PROPOSED:scope:read", "apply": "run_type:TRACKED:scope:write"}


def _workload(request: Request) -> Workload:
    names = request.names
    host = request.server_host() or _host(names)
    space, stack = names.need("space", "platform_name"), names.need("stack", "platform_name")
    run = _RUNS[names.need("run_phase", "run_phase")]
    subject = f"space:{space}:stack:{stack}:{run}"
    caller = TokenCaller(
        sid="SpaceliftRun", issuer=host, audience=request.audience_or(host), subject=subject
    )
    return Workload(
        caller=caller,
        description=f"Spacelift runs whose subject is {subject}",
        notes=(
            "use one role for proposed runs, which only read, and another for tracked runs, which apply",
            (
                "a tracked run with approval plans with scope read: write a second statement for run_type:TRACKED:scope:read if it"
                " needs a role while planning"
            ),
        ),
    )


def _host(names: Names) -> str:
    if not names.owner:
        raise InputError(
            "provider `spacelift` needs `owner` or `issuer`",
            hint="the account: its address is ACCOUNT.app.spacelift.io",
        )
    return f"{names.need('owner', 'spacelift_account')}.app.spacelift.io"


def _manifest(request: ManifestRequest) -> Manifest:
    """The provider block of the stack's code."""
    file = manifest_file(
        "spacelift.tf",
        "provider.tf",
        "python-hcl2",
        place="the code of the stack",
        values=request.values,
    )
    return Manifest(files=(file,), placeholders=(request.written_region,))


PROVIDER = Provider(
    title="Spacelift",
    source="https://docs.spacelift.io/integrations/cloud-providers/oidc",
    section="deployment-platforms",
    needs=("space", "stack", "run_phase"),
    takes=("owner", "issuer"),
    workload=_workload,
    manifest=_manifest,
    reasons={
        "run_phase": "plan for proposed runs (scope read), apply for tracked ones (scope write)",
    },
)
