"""Microsoft Entra ID: managed identities, and apps with a federated credential or a secret of their own."""

from __future__ import annotations

import re

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa.provider import Manifest, ManifestRequest, Provider, Request, Workload
from aws_iam.tools.irsa.web_identity_profile import process_manifest

_V2 = "login.microsoftonline.com/"
_VERSION = (
    "this is for tokens of version 1, which an app that is called gets unless its manifest has requestedAccessTokenVersion"
    " 2; for those pass `issuer` https://login.microsoftonline.com/TENANT/v2.0 and `audience`"
)
_AZP = (
    "tokens of version 2 have azp, the client id of the identity that asks, and as aud the client id of the application:"
    " AWS compares the key aud with azp, and oaud with aud"
)
_OPEN_AUD = "pass the client id of the application as `application` to test oaud, too"
_CLIENT_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _workload(request: Request) -> Workload:
    names = request.names
    tenant = names.find("tenant", "uuid") or _tenant_of(request.issuer_host() or "")
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
            hint="the claim azp of the token: the client id of the managed identity or app that asks for it",
        )
    # The client id is what version 2 writes as aud, even where the token is asked for by URI.
    is_named = is_v2 and _CLIENT_ID.fullmatch(application)
    caller = TokenCaller(
        sid="EntraIdentity",
        issuer=host,
        audience=request.audience_or(application),
        subject=subject,
        claims={"oaud": application.lower()} if is_named else {},
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
            *((_OPEN_AUD,) if is_v2 and not is_named else ()),
        ),
    )


def _tenant_of(host: str) -> str:
    found = _CLIENT_ID.search(host)
    if found is None:
        raise InputError(
            "provider `entra` needs `tenant`", hint="the id of the tenant, or `issuer` with it"
        )
    return found[0].lower()


def _manifest(request: ManifestRequest) -> Manifest:
    """A profile of the AWS CLI and the SDKs, and the script that it runs."""
    return process_manifest(
        request,
        "sign in first, as the user that runs the workload; a managed identity: az login --identity --allow-no-subscriptions",
        "an app with a federated credential: az login --service-principal --allow-no-subscriptions --username CLIENT_ID"
        " --tenant TENANT --federated-token TOKEN",
        "the script needs the Azure CLI and the AWS CLI",
        application=request.names.application,
    )


PROVIDER = Provider(
    title="Microsoft Entra ID",
    source="https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference",
    section="microsoft",
    needs=("application", "subject"),
    takes=("tenant", "issuer"),
    workload=_workload,
    manifest=_manifest,
    reasons={
        "application": "the application id URI of the app registration that the token is for: api://…",
        "subject": "the object id of the service principal or managed identity",
    },
)
