"""Google service accounts, whose issuer AWS knows without a provider."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload
from aws_iam.tools.irsa.web_identity_profile import profile_manifest


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
    """A profile of the AWS CLI and the SDKs."""
    asked = request.claims.get("oaud", "")
    return profile_manifest(
        request,
        f"write the token into the file and renew it within the hour: gcloud auth print-identity-token --audiences={asked},"
        " or the metadata server's path instance/service-accounts/default/identity",
    )


PROVIDER = Provider(
    title="Google service account",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html",
    section="google",
    needs=("subject",),
    workload=_workload,
    manifest=_manifest,
    reasons={"subject": "the unique numeric id of the service account"},
)
