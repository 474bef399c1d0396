"""Workloads with a SPIFFE id, by the JWT-SVIDs of SPIRE and its OIDC discovery provider."""

from __future__ import annotations

from aws_iam.engine.tokens.role_trust import TokenCaller
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
    subject = request.names.need("subject", "spiffe_id")
    caller = TokenCaller(
        sid="SpiffeWorkload",
        issuer=host,
        audience=request.audience_or("sts.amazonaws.com"),
        subject=subject,
    )
    return Workload(
        caller=caller,
        description=f"Workloads with the SPIFFE id {subject}",
        notes=(
            "the issuer is what the SPIRE server has as jwt_issuer: without it JWT-SVIDs have no `iss` and AWS refuses them",
            *slash_note(host),
        ),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """A profile of the AWS CLI and the SDKs."""
    return profile_manifest(
        request,
        f"let spiffe-helper write a JWT-SVID with the audience {request.audience} into the file and renew it",
    )


PROVIDER = Provider(
    title="SPIFFE",
    source="https://spiffe.io/docs/latest/keyless/oidc-federation-aws/",
    section="own-issuers",
    needs=("issuer", "subject"),
    workload=_workload,
    manifest=_manifest,
    reasons={
        "issuer": "the address of the OIDC discovery provider",
        "subject": "the SPIFFE id: spiffe://TRUST_DOMAIN/PATH",
    },
)
