"""Jenkins jobs, by the tokens of its OpenID Connect Provider plugin."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa.provider import (
    Manifest,
    ManifestRequest,
    Provider,
    Request,
    Workload,
    slash_note,
)
from aws_iam.tools.irsa.web_identity_profile import profile_manifest


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
    """A profile of the AWS CLI and the SDKs."""
    return profile_manifest(
        request,
        f"create the credential `OpenID Connect id token as file` with the audience {request.audience}, and bind it:"
        " withCredentials([file(credentialsId: 'ID', variable: 'AWS_WEB_IDENTITY_TOKEN_FILE')])",
        "instead of the profile the build may set AWS_ROLE_ARN and AWS_REGION",
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
