"""Buildkite."""

from __future__ import annotations

import json
import re
import shlex

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.names import exactly_one, full_ref, is_ref_pattern, pattern_note
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload

_REFS = ("branch", "tag")


def _workload(request: Request) -> Workload:
    names = request.names
    kind = exactly_one(names, "buildkite", _REFS)
    organization, pipeline = names.need("owner", "slug"), names.need("repository", "slug")
    ref = full_ref(names, kind, patterns=True)
    ids = {"owner_id": "organization_id", "repository_id": "pipeline_id"}
    caller = TokenCaller(
        sid="BuildkiteJob",
        issuer="agent.buildkite.com",
        audience=request.audience_or("sts.amazonaws.com"),
        subject=f"organization:{organization}:pipeline:{pipeline}:ref:{ref}:commit:*",
        open_subject=True,
        claims={
            claim: names.need(name, "uuid") for name, claim in ids.items() if name in names.given
        },
    )
    return Workload(
        caller=caller,
        description=f"Buildkite jobs of {organization}/{pipeline} on {ref}",
        notes=(
            "the subject ends with commit and step, so its end stays open",
            *pattern_note(names, "protect these names where the repository lies"),
            "the agent requests the token: buildkite-agent oidc request-token --audience "
            + caller.audience,
        ),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """A step that runs on that branch or tag only and requests the token from the agent."""
    names = request.names
    variable, ref = ("build.branch", names.branch) if names.branch else ("build.tag", names.tag)
    # https://buildkite.com/docs/pipelines/configure/conditionals
    stem = re.escape((ref or "").removesuffix("*")).replace("/", r"\/")
    condition = (
        f"{variable} =~ /^{stem}/" if is_ref_pattern(ref) else f"{variable} == {json.dumps(ref)}"
    )
    audience = shlex.quote(request.audience)
    file = manifest_file(
        "buildkite.yml",
        "pipeline.yml",
        "check-jsonschema (Buildkite)",
        place=".buildkite/pipeline.yml",
        values=request.values,
        blocks={
            "Ref": f"if: {json.dumps(condition)}",
            "Token": f'buildkite-agent oidc request-token --audience {audience} > "$$AWS_WEB_IDENTITY_TOKEN_FILE"',
        },
    )
    return Manifest(
        files=(file,),
        placeholders=(request.written_region,),
        notes=("the agent needs the AWS CLI", "uploading the pipeline turns $$ into $"),
    )


PROVIDER = Provider(
    title="Buildkite",
    source="https://buildkite.com/docs/pipelines/security/oidc/aws",
    section="bitbucket-hcp-terraform-circleci-buildkite",
    needs=("owner", "repository"),
    takes=("owner_id", "repository_id", "branch", "tag"),
    one_of=_REFS,
    workload=_workload,
    manifest=_manifest,
)
