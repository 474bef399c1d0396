"""Workloads with a SPIFFE id, by the JWT-SVIDs of SPIRE and its OIDC discovery provider."""

from __future__ import annotations

from dataclasses import replace

from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.asset_files import manifest_file
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
    """The configuration of spiffe-helper, and a profile of the AWS CLI and the SDKs."""
    helper = manifest_file(
        "spiffe-helper.hcl",
        "helper.conf",
        "python-hcl2",
        place="spiffe-helper -config helper.conf",
        values=request.values,
    )
    subject = request.names.subject
    written = profile_manifest(
        request,
        "create the folder /run/workload first: spiffe-helper does not",
        f"the workload must be registered under this id: spire-server entry create -spiffeID {subject} -parentID AGENT"
        " -selector TYPE:VALUE",
        files=(helper,),
    )
    socket = "/tmp/spire-agent/public/api.sock"  # noqa: S108 - SPIRE's own default
    return replace(written, placeholders=(*written.placeholders, socket))


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
