"""Google service accounts, whose issuer AWS knows without a provider."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload
from aws_iam.tools.irsa.web_identity_profile import process_manifest


def _workload(request: Request) -> Workload:
    account = request.names.need("subject", "google_id")
    audience = request.audience_or("sts.amazonaws.com")
    caller = TokenCaller(
        sid="GoogleServiceAccount",
        issuer="accounts.google.com",
        # AWS takes the key `aud` from the claim azp, which is the account's id, and `oaud` from aud.
        audience=account,
        subject=account,
        claims={"oaud": audience},
    )
    return Workload(
        caller=caller,
        description=f"The Google service account {account}, with a token for {audience},",
        notes=(
            (
                "the subject is the unique id of the service account, not its e-mail address"
                " (gcloud iam service-accounts describe EMAIL --format='value(uniqueId)')"
            ),
            (
                "in keys of AWS aud is the claim azp and oaud the claim aud, the audience that was asked for; on some paths azp"
                " may be the e-mail address: look into a token"
            ),
        ),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """A profile of the AWS CLI and the SDKs, and the script that it runs."""
    return process_manifest(
        request,
        "on Compute Engine and GKE the command takes the attached service account; elsewhere sign in as the account, or add"
        " --impersonate-service-account=EMAIL",
        "the script needs the Google Cloud CLI and the AWS CLI; without the former the metadata server has the token at"
        " instance/service-accounts/default/identity?audience=AUDIENCE",
        asked=request.claims.get("oaud"),
    )


PROVIDER = Provider(
    title="Google service account",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html",
    section="google",
    needs=("subject",),
    aliases={"service_account": "subject"},
    workload=_workload,
    manifest=_manifest,
    reasons={"subject": "the unique numeric id of the service account"},
)
