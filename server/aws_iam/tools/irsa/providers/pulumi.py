"""Pulumi ESC environments."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload

_LEGACY = "default"


def _workload(request: Request) -> Workload:
    names = request.names
    organization = names.need("owner", "platform_name")
    project = names.need("project", "platform_name")
    environment = names.need("environment", "platform_name")
    audience = organization if project == _LEGACY else f"aws:{organization}"
    subject = f"pulumi:environments:org:{organization}:env:{project}/{environment}"
    caller = TokenCaller(
        sid="PulumiEnvironment",
        issuer="api.pulumi.com/oidc",
        audience=request.audience_or(audience),
        subject=subject,
    )
    return Workload(
        caller=caller,
        description=f"Pulumi ESC environments whose subject is {subject}",
        notes=(
            "with `subjectAttributes` in the environment the subject has another form: compare with one token",
            "tokens of fn::open::oidc come from another issuer, api.pulumi.com/oidc/v2",
        ),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """The environment, which opens a session of the role."""
    file = manifest_file(
        "pulumi.yaml",
        "environment.yaml",
        "a JSON schema after the properties of aws-login",
        place="pulumi env edit ORGANIZATION/PROJECT/ENVIRONMENT",
        values=request.values,
    )
    return Manifest(files=(file,), placeholders=(request.written_region,))


PROVIDER = Provider(
    title="Pulumi Cloud",
    source="https://www.pulumi.com/docs/esc/guides/configuring-oidc/aws/",
    section="deployment-platforms",
    needs=("owner", "project", "environment"),
    aliases={"repository": "project"},
    workload=_workload,
    manifest=_manifest,
    reasons={
        "project": "the project of the environment; `default` for environments from before projects"
    },
)
