"""Bitbucket Pipelines."""

from __future__ import annotations

import json

from aws_iam.engine.language.aws_names import checked
from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.tools.irsa.asset_files import (
    AWS_CLI_IMAGE,
    manifest_file,
    versioned_image,
)
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload

_ANY_ENVIRONMENT = "steps of every branch and deployment environment are let in: give `environment` (its UUID) to pin one"


def _workload(request: Request) -> Workload:
    names = request.names
    workspace = names.need("owner", "slug")
    workspace_id = names.find("owner_id", "uuid")
    if not (workspace_id or request.audience):
        raise InputError(
            "provider `bitbucket` needs `owner_id` or `audience`",
            hint="the audience is ari:cloud:bitbucket::workspace/UUID unless the step asks for another",
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
            "the subject ends in a UUID that every step gets anew, so that its end is open",
            *(() if environment else (_ANY_ENVIRONMENT,)),
            "this form of the subject is known from users, not from Atlassian's own reference: try it with one step",
        ),
    )


def _braced(text: str, name: str) -> str:
    return "{" + checked(name, text.removeprefix("{").removesuffix("}").lower(), "uuid") + "}"


def _manifest(request: ManifestRequest) -> Manifest:
    """A step that asks for the token; the audience is the workspace's own unless another was given."""
    usual = request.audience.startswith("ari:cloud:bitbucket::workspace/")
    asked = f"oidc:\n  audiences: [{json.dumps(request.audience)}]"
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
        blocks={"Oidc": "oidc: true" if usual else asked},
    )
    return Manifest(
        files=(file,),
        placeholders=(request.written_region, *((environment,) if environment else ())),
        notes=() if usual else ("audiences of one's own: https://www.atlassian.com/blog/bitbucket/bitbucket-pipelines-oidc-now-supports-multiple-audiences",),
    )  # fmt: skip


PROVIDER = Provider(
    title="Bitbucket Pipelines",
    source="https://support.atlassian.com/bitbucket-cloud/docs/deploy-on-aws-using-bitbucket-pipelines-openid-connect/",
    section="bitbucket-hcp-terraform-circleci-buildkite",
    needs=("owner", "repository_id"),
    takes=("owner_id", "environment"),
    workload=_workload,
    manifest=_manifest,
    reasons={
        "repository": "the subject carries the repository's UUID: give `repository_id`",
        "repository_id": "the repository's UUID stands under Repository settings, OpenID Connect",
        **dict.fromkeys(
            ("branch", "tag"),
            "the subject carries no ref: limit a deployment `environment` (its UUID) to branches instead",
        ),
    },
)
