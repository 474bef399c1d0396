"""CircleCI."""

from __future__ import annotations

import json
import shlex

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.asset_files import manifest_file, versioned_image
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
        notes=(
            "the subject ends with the id of the user who started the job, so its end stays open",
        ),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """A job that uses the token of its environment, or requests one with another audience."""
    is_default = request.audience == request.names.owner_id
    claims = shlex.quote(json.dumps({"aud": request.audience}))
    into_file = '> "$AWS_WEB_IDENTITY_TOKEN_FILE"'
    token = (
        f"printf '%s' \"$CIRCLE_OIDC_TOKEN\" {into_file}"
        if is_default
        else f"circleci run oidc get --claims {claims} {into_file}"
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
        notes=(
            "do not pass secrets to builds from forked pull requests: they would get the token too",
        ),
    )


PROVIDER = Provider(
    title="CircleCI",
    source="https://circleci.com/docs/openid-connect-tokens/",
    section="bitbucket-hcp-terraform-circleci-buildkite",
    needs=("owner_id", "repository_id"),
    aliases={"project": "repository_id"},
    workload=_workload,
    manifest=_manifest,
    reasons=dict.fromkeys(
        ("branch", "tag"),
        "the ref comes after the open part of the subject, so the name of another branch could imitate it",
    ),
)
