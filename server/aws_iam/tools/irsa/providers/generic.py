"""Any OIDC issuer that has no file of its own."""

from __future__ import annotations

from aws_iam.engine.reference import issuers
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

_AZP = (
    "look into a token: if it has the claim azp, as Keycloak's have, AWS compares the key aud with azp and oaud with aud, so"
    " `audience` is the value of azp, and a client id of the provider"
)
# https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
_AUTH0 = (
    "aud is the client id (claim azp) and oaud the API (claim aud), as in Auth0's own token profile; an API with the profile"
    " RFC 9068 sends no azp: then write the API under aud, without oaud, and register it with the provider"
)


def _workload(request: Request) -> Workload:
    names = request.names
    host = request.issuer_host() or ""
    known = issuers.issuer_of(host)
    if known and known.built_in:
        raise InputError(
            f"issuer {quoted(host)} is built into AWS",
            hint="it needs no provider: the host itself is the principal of the trust policy",
        )
    if known and known.requires not in (None, "aud", "sub"):
        raise InputError(
            f"for issuer {quoted(host)} AWS accepts only trust policies that test `{known.requires}`",
            hint="no argument sets it: start from the vendor's trust policy, and check it with `irsa check`",
        )
    if not request.audience:
        raise InputError(
            "provider `generic` needs `audience`",
            hint="the token's `aud`, or `azp` where it has one",
        )
    subject = names.need("subject", "subject")
    client = subject.removesuffix("@clients") if known and known.id == "auth0" else subject
    is_client = client != subject
    caller = TokenCaller(
        sid="Workload",
        issuer=host,
        # AWS takes the key aud from the claim azp, where Auth0 puts the client id, and oaud from aud.
        audience=client if is_client else request.audience_or(""),
        subject=subject,
        claims={"oaud": request.audience_or("")} if is_client else {},
    )
    return Workload(
        caller=caller,
        description=f"Callers with a token of {host} whose subject is {subject}",
        notes=(
            *(
                (f"this is the issuer of {known.title}: {known.subject[0]}",)
                if known and known.subject
                else ()
            ),
            *(known.notes if known else (*slash_note(host), _AZP)),
            *((_AUTH0,) if is_client else ()),
        ),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """A profile of the AWS CLI and the SDKs."""
    return profile_manifest(
        request,
        f"request a token with the audience {request.claims.get('oaud', request.audience)} from the issuer",
    )


PROVIDER = Provider(
    title="another OIDC issuer",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html",
    section="any-other-issuer",
    needs=("issuer", "subject"),
    workload=_workload,
    manifest=_manifest,
)
