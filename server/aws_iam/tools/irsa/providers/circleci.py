"""CircleCI."""

from __future__ import annotations

import json
import shlex

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.asset_files import (
    manifest_file,
    versioned_image,
)
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload


def _workload(request: Request) -> Workload:
    names = request.names
    organization = names.need("owner_id", "uuid")
    project = names.need("repository_id", "uuid")
    caller = TokenCaller(
        sid="CircleCiJob",
        issuer=f"oidc.circleci.com/org/{organization}",
        audience=request.audience_or(organization),
        subject=f"org/{organization}/project/{project}/user/*",
        open_subject=True,
        claims={"oidc.circleci.com/project-id": project},
    )
    return Workload(
        caller=caller,
        description=f"CircleCI jobs of project {project}",
        notes=("the subject ends in the id of whoever started the job, so that its end is open",),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """A job that takes the token of its environment, or asks for one with another audience."""
    usual = request.audience == request.names.owner_id
    claims = shlex.quote(json.dumps({"aud": request.audience}))
    written = '> "$AWS_WEB_IDENTITY_TOKEN_FILE"'
    token = (
        f"printf '%s' \"$CIRCLE_OIDC_TOKEN\" {written}"
        if usual
        else f"circleci run oidc get --claims {claims} {written}"
    )
    file = manifest_file(
        "circleci.yml",
        "config.yml",
        "check-jsonschema (CircleCI)",
        place=".circleci/config.yml",
        values={**request.values, "Image": versioned_image("cimg/aws")},
        blocks={"Token": token},
    )
    return Manifest(
        files=(file,),
        placeholders=(request.written_region,),
        notes=("keep secrets from forked pull requests: with them goes the token",),
    )


PROVIDER = Provider(
    title="CircleCI",
    source="https://circleci.com/docs/openid-connect-tokens/",
    section="bitbucket-hcp-terraform-circleci-buildkite",
    needs=("owner_id", "repository_id"),
    workload=_workload,
    manifest=_manifest,
    reasons=dict.fromkeys(
        ("branch", "tag"),
        "the subject holds the ref behind parts that stay open, so that a branch's name could imitate another",
    ),
)
