"""Vercel functions."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload

_GLOBAL = "oidc.vercel.com"
# By whether it is the global one.
_ISSUERS = {
    False: f"this is the team's own issuer; for the global one pass `issuer` https://{_GLOBAL}",
    True: "this is the global issuer, which all teams share: the subject keeps other teams out; leave out `issuer` for the team's own",
}


def _workload(request: Request) -> Workload:
    names = request.names
    team = names.need("owner", "platform_name")
    project = names.need("project", "platform_name")
    environment = names.need("environment", "platform_name")
    subject = f"owner:{team}:project:{project}:environment:{environment}"
    caller = TokenCaller(
        sid="VercelFunction",
        issuer=request.server_host() or f"{_GLOBAL}/{team}",
        audience=request.audience_or(f"https://vercel.com/{team}"),
        subject=subject,
    )
    return Workload(
        caller=caller,
        description=f"Vercel functions whose subject is {subject}",
        notes=(
            _ISSUERS[request.server_host() == _GLOBAL],
            "the subject is made of names: after a rename of team or project no token matches",
        ),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """The variable that the functions read."""
    file = manifest_file(
        "vercel.tf",
        "vercel.tf",
        "python-hcl2",
        place="where your Vercel projects are configured (provider vercel/vercel)",
        values={**request.values, "Environment": request.names.environment},
    )
    return Manifest(
        files=(file,),
        placeholders=("PROJECT_ID",),
        notes=("in the code: awsCredentialsProvider of @vercel/oidc-aws-credentials-provider",),
    )


PROVIDER = Provider(
    title="Vercel",
    source="https://vercel.com/docs/oidc/reference",
    section="deployment-platforms",
    needs=("owner", "project", "environment"),
    takes=("issuer",),
    aliases={"repository": "project"},
    workload=_workload,
    manifest=_manifest,
    reasons={"environment": "production, preview or development"},
)
