"""Requests that AWS always allows or always refuses, whatever the policies say.

Sources: IAM User Guide, id_credentials_sts-comparison, id_credentials_temp_control-access_getsessiontoken,
access_policies_managed-vs-inline, id_roles_create-service-linked-role; STS API Reference, API_GetFederationToken and
API_GetSessionToken; IAM Identity Center User Guide, permission sets; KMS Developer Guide, key-policy-modifying-external-accounts, kms-alias.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.operations import without_permission

if TYPE_CHECKING:
    from aws_iam.engine.evaluation.request import Request

OF_USERS = frozenset({"sts:getfederationtoken", "sts:getsessiontoken"})
"""What a user or the root user can call, and no role session: in lower case."""
_CHANGING = frozenset({"Write", "Permissions management", "Tagging"})
_OF_SERVICE_ROLES = frozenset(
    {
        "iam:createservicelinkedrole",
        "iam:deleteservicelinkedrole",
        "iam:passrole",
        "iam:updateroledescription",
    }
)
_ALIAS_ACTIONS = frozenset({"kms:createalias", "kms:updatealias", "kms:deletealias"})
# KMS API Reference: `Cross-account use` of each operation.
_ACROSS_ACCOUNTS = frozenset(
    f"kms:{name}".lower()
    for name in (
        "CreateGrant",
        "Decapsulate",
        "Decrypt",
        "DeriveSharedSecret",
        "DescribeKey",
        "Encapsulate",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateMac",
        "GetKeyRotationStatus",
        "GetPublicKey",
        "ListGrants",
        "ReEncryptFrom",
        "ReEncryptTo",
        "RetireGrant",
        "RevokeGrant",
        "Sign",
        "Verify",
        "VerifyMac",
    )
)


def works_across_accounts(action: str) -> bool:
    """Whether KMS accepts the action from accounts other than the key's."""
    return action.lower() in _ACROSS_ACCOUNTS


def closed_resources(action: str, *, foreign: bool = False) -> tuple[str, ...]:
    """ARN patterns, matched field by field, of the resources on which no policy can allow the action.

    A `foreign` caller, from another account than the resource's, cannot use some more.
    """
    lower = action.lower()
    if foreign and lower == "iam:passrole":
        return ("arn:*:iam:*:*:*",)
    if foreign and lower.startswith("kms:") and lower not in _ACROSS_ACCOUNTS:
        keys = ("arn:*:kms:*:*:key/*",) if catalog().action(action) else ()
        return (*keys, *(("arn:*:kms:*:*:alias/aws/*",) if lower in _ALIAS_ACTIONS else ()))
    if lower in _ALIAS_ACTIONS:
        return ("arn:*:kms:*:*:alias/aws/*",)
    known = catalog().action(action)
    if known is None or known.service != "iam" or known.level not in _CHANGING:
        return ()
    managed = lower.startswith(("iam:attach", "iam:detach"))
    of_services = lower in _OF_SERVICE_ROLES
    return (
        "arn:*:iam:*:*:role/aws-reserved/*",
        *(() if managed else ("arn:*:iam:*:aws:policy/*",)),
        *(() if of_services else ("arn:*:iam:*:*:role/aws-service-role/*",)),
    )


def always_allowed(request: Request) -> str:
    """Why AWS allows the request whatever the policies say; empty when policies decide."""
    action = request.action.lower()
    if action == "sts:getcalleridentity":
        may_call = bool(request.caller.account)
    else:
        may_call = action == "sts:getsessiontoken" and _has_long_term_credentials(request)
    return without_permission()[action].why if may_call else ""


def _has_long_term_credentials(request: Request) -> bool:
    """Whether a user or the root user signs with an access key that does not expire."""
    own = request.caller.kind in {CallerKind.USER, CallerKind.ROOT}
    return own and not request.context.has("aws:TokenIssueTime")


def never_allowed(request: Request) -> str:
    """Why no policy can allow this request; empty when policies decide."""
    arn = Arn.of(request.resource)
    return _by_credentials(request) or (_by_resource(request, arn) if arn else "")


def _by_credentials(request: Request) -> str:
    action = request.action.lower()
    kind = request.caller.kind
    if kind is CallerKind.ROOT and action == "sts:assumerole":
        return "the root user cannot assume roles"
    if kind is CallerKind.SESSION and action in OF_USERS:
        return f"a role session cannot call {request.action}"
    if kind is CallerKind.FEDERATED and request.service == "sts":
        return "credentials from GetFederationToken can call no STS operation except GetCallerIdentity"
    # Passing a role is no operation of IAM: other services ask for it.
    if kind is CallerKind.FEDERATED and request.service == "iam" and action != "iam:passrole":
        return (
            "credentials from GetFederationToken can call no IAM operation, except in the console"
        )
    is_user = kind in {CallerKind.USER, CallerKind.ROOT}
    if action == "sts:getsessiontoken" and is_user and not _has_long_term_credentials(request):
        return "only long-term credentials can call sts:GetSessionToken, and this request has temporary ones"
    return ""


def _by_resource(request: Request, arn: Arn) -> str:
    if request.caller.account and request.caller.partition != arn.partition:
        return f"a caller in partition {request.caller.partition} cannot reach resources in {arn.partition}"
    action = request.action.lower()
    if arn.service == "iam":
        return _of_iam(request, arn, action)
    if arn.service == "kms" and arn.resource.startswith("alias/aws/") and action in _ALIAS_ACTIONS:
        return (
            "aliases under alias/aws/ belong to AWS: nobody else can create, change or delete them"
        )
    if request.service == "kms" and request.crosses_accounts and action not in _ACROSS_ACCOUNTS:
        known = catalog().action(request.action)
        return (
            f"KMS accepts {request.action} only from the key's own account"
            if known and arn.resource.startswith("key/")
            else ""
        )
    return ""


def _of_iam(request: Request, arn: Arn, action: str) -> str:
    if action == "iam:passrole" and request.crosses_accounts:
        return "a role can be passed only within its own account"
    if request.service != "iam" or not _changes(request):
        return ""
    if arn.account == "aws" and arn.resource.startswith("policy/"):
        attaching = action.startswith(("iam:attach", "iam:detach"))
        return (
            "" if attaching else "AWS managed policies belong to AWS: nobody else can change them"
        )
    if arn.resource.startswith("role/aws-reserved/"):
        return "roles under /aws-reserved/ belong to IAM Identity Center: nobody else can change or pass them"
    if arn.resource.startswith("role/aws-service-role/") and action not in _OF_SERVICE_ROLES:
        return "only its service can change a service-linked role"
    return ""


def _changes(request: Request) -> bool:
    known = catalog().action(request.action)
    return known is not None and known.level in _CHANGING
