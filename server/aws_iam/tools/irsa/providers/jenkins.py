"""Jenkins jobs, by the tokens of its OpenID Connect Provider plugin."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa.asset_files import manifest_file
from aws_iam.tools.irsa.provider import (
    Manifest,
    ManifestRequest,
    Provider,
    Request,
    Workload,
    slash_note,
)


def _workload(request: Request) -> Workload:
    host = request.issuer_host() or ""
    subject = request.names.need("subject", "subject")
    if subject.startswith("https://") and not subject.endswith("/"):
        raise InputError(
            f"`subject` {quoted(subject)} is not the URL of a job",
            hint="the URL of a Jenkins job ends in a slash: https://HOST/job/NAME/",
        )
    caller = TokenCaller(
        sid="JenkinsJob",
        issuer=host,
        audience=request.audience_or("sts.amazonaws.com"),
        subject=subject,
    )
    return Workload(
        caller=caller,
        description=f"Jenkins builds whose subject is {subject}",
        notes=(
            (
                "the subject is the URL of the job unless the claim templates of Jenkins say otherwise; in a multibranch project"
                " each branch is a job of its own"
            ),
            "AWS must reach the issuer, or its two files under another address, over HTTPS",
            *slash_note(host),
        ),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """A declarative pipeline that binds the token."""
    file = manifest_file(
        "jenkins.groovy",
        "Jenkinsfile",
        "tree-sitter-groovy",
        place="Jenkinsfile of the job",
        values=request.values,
    )
    return Manifest(
        files=(file,),
        placeholders=(request.written_region, "aws-oidc"),
        notes=(
            (
                f"create the credential `OpenID Connect id token as file` with the id aws-oidc and the audience {request.audience};"
                " its page shows the issuer"
            ),
            "needs the plugins oidc-provider and credentials-binding, and the AWS CLI on the agent",
        ),
    )


PROVIDER = Provider(
    title="Jenkins",
    source="https://plugins.jenkins.io/oidc-provider/",
    section="own-issuers",
    needs=("issuer", "subject"),
    workload=_workload,
    manifest=_manifest,
    reasons={
        "issuer": "shown at the credential, https://HOST/oidc unless it is in a folder",
        "subject": "the URL of the job: https://HOST/job/NAME/",
    },
)
