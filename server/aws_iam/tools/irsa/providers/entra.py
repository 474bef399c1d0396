"""Microsoft Entra ID: managed identities, and apps with a federated credential or a secret of their own."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload
from aws_iam.tools.irsa.web_identity_profile import profile_manifest

_V2 = "login.microsoftonline.com/"
_VERSION = (
    "this is for tokens of version 1, which an app that is called gets unless its manifest has requestedAccessTokenVersion"
    " 2; for those pass `issuer` https://login.microsoftonline.com/TENANT/v2.0 and `audience`"
)
_AZP = (
    "AWS compares the key aud with the claim azp where the token has one, and oaud with aud; read both in a token before"
    " you rely on it"
)


def _workload(request: Request) -> Workload:
    names = request.names
    tenant = names.need("tenant", "uuid")
    application = names.need("application", "audience")
    subject = names.need("subject", "uuid")
    host = request.issuer_host() or f"sts.windows.net/{tenant}/"
    if tenant not in host:
        raise InputError(
            f"`issuer` {quoted(host)} is not of tenant {quoted(tenant)}",
            hint=f"https://sts.windows.net/{tenant}/ or https://{_V2}{tenant}/v2.0",
        )
    is_v2 = host.startswith(_V2)
    if is_v2 and not request.audience:
        raise InputError(
            "tokens of version 2 need `audience`",
            hint="the claim azp of the token, or aud where it has no azp",
        )
    caller = TokenCaller(
        sid="EntraIdentity",
        issuer=host,
        audience=request.audience_or(application),
        subject=subject,
    )
    return Workload(
        caller=caller,
        description=f"The service principal or managed identity with object id {subject}, with a token for {application},",
        notes=(
            (
                "the subject is the object id of the service principal or managed identity, not its client id"
                " (az ad sp show --id CLIENT_ID --query id)"
            ),
            _AZP if is_v2 else _VERSION,
        ),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """A profile of the AWS CLI and the SDKs."""
    application = request.names.application
    return profile_manifest(
        request,
        f"write the token into the file and renew it: az account get-access-token --resource {application}"
        " --query accessToken --output tsv",
    )


PROVIDER = Provider(
    title="Microsoft Entra ID",
    source="https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference",
    section="microsoft",
    needs=("tenant", "application", "subject"),
    takes=("issuer",),
    workload=_workload,
    manifest=_manifest,
    reasons={
        "application": "the application id URI of the app registration that the token is for: api://…",
        "subject": "the object id of the service principal or managed identity",
    },
)
