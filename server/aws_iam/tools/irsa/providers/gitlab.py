"""GitLab CI, on GitLab.com or on a self-managed GitLab, which has an issuer of its own."""

from __future__ import annotations

import json
import re

from aws_iam.engine.reference import issuers
from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa.asset_files import AWS_CLI_IMAGE, manifest_file, pinned_image
from aws_iam.tools.irsa.names import Names, bare_ref, exactly_one, is_ref_pattern, pattern_note
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload

_REFS = ("branch", "tag")


def _workload(request: Request) -> Workload:
    names = request.names
    host = request.server_host() or "gitlab.com"
    claims = _ids(names, host)
    subject = _subject(names)
    caller = TokenCaller(
        sid="GitLabJob",
        issuer=host,
        audience=request.audience_or(f"https://{host}"),
        subject=subject,
        open_subject=subject.endswith("*"),
        claims=claims,
    )
    unpinned = (
        "someone else can take the path of a group or project once it is free: pass `owner_id` and "
        "`repository_id` (the ids of namespace and project) to pin it"
    )
    return Workload(
        caller=caller,
        description=f"GitLab jobs whose subject is {subject}",
        notes=(
            *((unpinned,) if host == "gitlab.com" and not claims else ()),
            *pattern_note(names, "protect these branches or tags in the project's settings"),
            f"the job requests the token with `id_tokens: … aud: {caller.audience}`",
        ),
    )


def _ids(names: Names, host: str) -> dict[str, str]:
    mapped = {"owner_id": "namespace_id", "repository_id": "project_id"}
    for name, claim in mapped.items():
        if name in names.given and claim not in issuers.mapped_claims(host):
            raise InputError(
                f"`{name}` does not fit issuer {quoted(host)}",
                hint=f"AWS maps {claim} for gitlab.com only: a condition on it never matches elsewhere",
            )
    return {
        claim: names.need(name, "number_id")
        for name, claim in mapped.items()
        if name in names.given
    }


def _subject(names: Names) -> str:
    if names.subject:
        subject = names.need("subject", "subject")
        if not subject.startswith("project_path:"):
            raise InputError(
                f"`subject` {quoted(subject)} is not a GitLab subject",
                hint="it begins with project_path:",
            )
        return subject
    kind = exactly_one(names, "gitlab", _REFS)
    group = names.need("owner", "gitlab_path")
    project = names.need("repository", "gitlab_project")
    return f"project_path:{group}/{project}:ref_type:{kind}:ref:{bare_ref(names, kind, patterns=True)}"


def _manifest(request: ManifestRequest) -> Manifest:
    """A job that runs on that branch or tag only."""
    names = request.names
    rule = None
    if names.branch or names.tag:
        variable = "CI_COMMIT_BRANCH" if names.branch else "CI_COMMIT_TAG"
        ref = names.branch or names.tag or ""
        begun = re.sub(r"([^A-Za-z0-9_-])", r"\\\1", ref[:-1])
        rule = (
            f"${variable} =~ /^{begun}/"
            if is_ref_pattern(ref)
            else f"${variable} == {json.dumps(ref)}"
        )
    file = manifest_file(
        "gitlab.yml",
        ".gitlab-ci.yml",
        "check-jsonschema (GitLab CI)",
        place=".gitlab-ci.yml",
        values={**request.values, "Image": pinned_image(AWS_CLI_IMAGE)},
        blocks={"Rules": f"rules:\n  - if: {json.dumps(rule)}" if rule else None},
    )
    return Manifest(
        files=(file,),
        placeholders=(request.written_region,),
        notes=(
            "protect the branch or tag: everyone who may push it gets the role",
            *(() if rule else ("the subject does not say when the job runs: add rules",)),
        ),
    )


PROVIDER = Provider(
    title="GitLab CI",
    source="https://docs.gitlab.com/ci/cloud_services/aws/",
    section="gitlab-trust",
    site="gitlab.com",
    needs=("owner", "repository"),
    takes=("owner_id", "repository_id", "branch", "tag", "issuer", "subject"),
    one_of=_REFS,
    beside_subject=("issuer",),
    aliases={"project": "repository"},
    workload=_workload,
    manifest=_manifest,
    reasons=dict.fromkeys(
        ("environment", "pull_request"),
        "GitLab's subject names the branch or tag only, and AWS maps no such claim: pass `branch` or `tag`",
    ),
)
