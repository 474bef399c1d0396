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
    caller = TokenCaller(
        sid="Workload", issuer=host, audience=request.audience_or(""), subject=subject
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
            *(known.notes if known else slash_note(host)),
        ),
    )


def _manifest(request: ManifestRequest) -> Manifest:
    """A profile of the AWS CLI and the SDKs."""
    return profile_manifest(
        request, f"request a token with the audience {request.audience} from the issuer"
    )


PROVIDER = Provider(
    title="another OIDC issuer",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html",
    section="any-other-issuer",
    needs=("issuer", "subject"),
    workload=_workload,
    manifest=_manifest,
)
