"""Bitbucket Pipelines."""

from __future__ import annotations

import json

from aws_iam.engine.language.aws_names import checked_name
from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.tools.irsa.asset_files import AWS_CLI_IMAGE, manifest_file, versioned_image
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload

_ANY_ENVIRONMENT = "steps of every branch and deployment environment are let in: pass `environment` (its UUID) to pin one"


def _workload(request: Request) -> Workload:
    names = request.names
    workspace = names.need("owner", "slug")
    workspace_id = names.owner_id and _bare(names.owner_id, "owner_id")
    if not (workspace_id or request.audience):
        raise InputError(
            "provider `bitbucket` needs `owner_id` or `audience`",
            hint="the audience is ari:cloud:bitbucket::workspace/UUID unless the step requests another",
        )
    repository = _braced(names.repository_id or "", "repository_id")
    environment = f":{_braced(names.environment, 'environment')}" if names.environment else ""
    caller = TokenCaller(
        sid="BitbucketStep",
        issuer=f"api.bitbucket.org/2.0/workspaces/{workspace}/pipelines-config/identity/oidc",
        audience=request.audience_or(f"ari:cloud:bitbucket::workspace/{workspace_id}"),
        subject=f"{repository}{environment}:*",
        open_subject=True,
    )
    return Workload(
        caller=caller,
        description=f"Bitbucket Pipelines steps of repository {repository}",
        notes=(
            "the subject ends with a UUID that is new for every step, so its end stays open",
            *(() if environment else (_ANY_ENVIRONMENT,)),
            "Atlassian's reference does not document this form of the subject (users report it): try it with one step",
        ),
    )


def _braced(text: str, name: str) -> str:
    return "{" + _bare(text, name) + "}"


def _bare(text: str, name: str) -> str:
    """The UUID without the braces that Bitbucket's settings show."""
    return checked_name(name, text.removeprefix("{").removesuffix("}").lower(), "uuid")


def _manifest(request: ManifestRequest) -> Manifest:
    """A step that requests the token, with the workspace's own audience unless the caller gave another."""
    is_default = request.audience.startswith("ari:cloud:bitbucket::workspace/")
    requested = f"oidc:\n  audiences: [{json.dumps(request.audience)}]"
    environment = "production" if request.names.environment else None
    file = manifest_file(
        "bitbucket.yml",
        "bitbucket-pipelines.yml",
        "check-jsonschema (Bitbucket Pipelines)",
        place="bitbucket-pipelines.yml",
        values={
            **request.values,
            "Image": versioned_image(AWS_CLI_IMAGE),
            "Deployment": environment,
        },
        blocks={"Oidc": "oidc: true" if is_default else requested},
    )
    return Manifest(
        files=(file,),
        placeholders=(request.written_region, *((environment,) if environment else ())),
        notes=() if is_default else ("how a step requests another audience: https://www.atlassian.com/blog/bitbucket/bitbucket-pipelines-oidc-now-supports-multiple-audiences",),
    )  # fmt: skip


PROVIDER = Provider(
    title="Bitbucket Pipelines",
    source="https://support.atlassian.com/bitbucket-cloud/docs/deploy-on-aws-using-bitbucket-pipelines-openid-connect/",
    section="bitbucket-hcp-terraform-circleci-buildkite",
    needs=("owner", "repository_id"),
    takes=("owner_id", "environment"),
    aliases={"workspace": "owner"},
    workload=_workload,
    manifest=_manifest,
    reasons={
        "repository": "the subject has the repository's UUID: pass `repository_id`",
        "repository_id": "the repository's UUID is shown under Repository settings, OpenID Connect",
        **dict.fromkeys(
            ("branch", "tag"),
            "the subject names no ref: limit a deployment `environment` (its UUID) to branches instead",
        ),
    },
)
