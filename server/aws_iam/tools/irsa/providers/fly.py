"""Fly.io machines."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload


def _workload(request: Request) -> Workload:
    names = request.names
    organization = names.need("owner", "platform_name")
    application = names.need("application", "platform_name")
    caller = TokenCaller(
        sid="FlyMachine",
        issuer=f"oidc.fly.io/{organization}",
        audience=request.audience_or("sts.amazonaws.com"),
        subject=f"{organization}:{application}:*",
        open_subject=True,
    )
    return Workload(
        caller=caller,
        description=f"Machines of the Fly.io app {application}",
        notes=("the subject ends with the machine, which changes, so its end stays open",),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """The variables of the app."""
    file = manifest_file(
        "fly.toml",
        "fly.toml",
        "tomllib",
        place="fly.toml of the app",
        values={**request.values, "Application": request.names.application},
    )
    return Manifest(files=(file,), placeholders=(request.written_region,))


PROVIDER = Provider(
    title="Fly.io",
    source="https://fly.io/docs/security/openid-connect/",
    section="deployment-platforms",
    needs=("owner", "application"),
    aliases={"repository": "application", "project": "application"},
    workload=_workload,
    manifest=_manifest,
    reasons={"owner": "the slug of the organization", "application": "the name of the app"},
)
