"""env0, where all environments of an organization have one subject."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload


def _workload(request: Request) -> Workload:
    subject = request.names.need("subject", "subject")
    if not request.audience:
        raise InputError(
            "provider `env0` needs `audience`",
            hint="one fixed value for all customers, which env0's page prints:"
            " https://docs.envzero.com/guides/integrations/oidc-integrations/oidc-with-aws",
        )
    caller = TokenCaller(
        sid="Env0Deployment",
        issuer="login.app.env0.com/",
        audience=request.audience_or(""),
        subject=subject,
    )
    return Workload(
        caller=caller,
        description=f"Deployments of the env0 organization whose subject is {subject}",
        notes=(
            "all customers of env0 have the same issuer and audience; only the subject tells them apart",
            "the subject names neither project nor environment: assign the credentials to the projects that may use them",
        ),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """The credentials of the organization."""
    file = manifest_file(
        "env0.tf",
        "env0.tf",
        "python-hcl2",
        place="where your env0 projects are configured (provider env0/env0)",
        values=request.values,
    )
    return Manifest(
        files=(file,),
        notes=(
            (
                "these are credentials of token format v1, the default; v2 (`token_format`) has another audience: take it from a"
                " token"
            ),
        ),
    )


PROVIDER = Provider(
    title="env0",
    source="https://docs.envzero.com/guides/integrations/oidc-integrations",
    section="deployment-platforms",
    needs=("subject",),
    workload=_workload,
    manifest=_manifest,
    reasons={"subject": "auth0|…, which env0 shows when the OIDC credential is made"},
)
