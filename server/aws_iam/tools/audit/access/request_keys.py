"""Which condition keys a request can have, by who sends it and what it asks for; a condition on another one never holds.

    RequestKeys(estate).lacking(request, member)   →   a test of keys (in lower case) that the request never has

What is not certain, such as a key that a service may send on behalf of the caller, counts as possible.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.authorization import Role
from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.global_keys import global_keys, supported_services
from aws_iam.engine.reference.key_support import actions_with_key
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.engine.evaluation.caller import Caller
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language import document
    from aws_iam.tools.audit.access.estate import Estate, Member, Principal

# The root user of another account stands for whomever that account lets in.
_WITH_USER_NAME = frozenset({CallerKind.USER, CallerKind.ROOT})
# By the rules of `global-condition-keys.json`: only calls by AWS services have these.
_OF_SERVICE_CALLS = frozenset(
    {"service_principal", "service_principal_source", "service_principal_source_org"}
)
# Only principals of an organization have these.
_OF_ORGANIZATIONS = frozenset({"principal_in_org"})
# What credentials that an MFA device obtained have, which belongs to a user.
_OF_MFA = frozenset({"temporary_credentials_mfa", "temporary_credentials_not_federated"})
# What the credentials have that a service gets for its code, by the service that then assumes the role.
_OF_COMPUTE = {
    "ec2_role_credentials": "ec2.amazonaws.com",
    "lambda_execution": "lambda.amazonaws.com",
    "codebuild_role": "codebuild.amazonaws.com",
    "glue_service": "glue.amazonaws.com",
    "glue_job": "glue.amazonaws.com",
}
_NEVER_OF_USERS = frozenset(
    {*_OF_COMPUTE, "oidc_session", "ssm_managed_instance", "identity_center_user", "assume_root"}
)
# IAM calls go to the one Region that has its endpoint: aws:RequestedRegion in the IAM User Guide,
# reference_policies_condition-keys; the Regions are those of the AWS SDKs' `endpoints.json`.
_ONLY_REGIONS = {
    "iam": {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"},
    "organizations": {
        "aws": "us-east-1",
        "aws-cn": "cn-northwest-1",
        "aws-us-gov": "us-gov-west-1",
    },
}
# Later requests of a session keep keys of sts; of AWS Marketplace the reference lists keys without all of their actions.
_UNEVEN = frozenset({"aws", "sts", "aws-marketplace"})
# Of its own keys IAM documents which action has which: IAM User Guide, reference_policies_iam-condition-keys.
_EVEN = frozenset({"iam"})
# Every service sees the tags of a resource.
_OF_TAGS = "resourcetag/"


class RequestKeys:
    """The keys of requests in an estate; what a role's trust policy says of its sessions is read once."""

    def __init__(self, estate: Estate) -> None:
        self._trusts = {
            own.arn: own.identity.trust
            for own in estate.principals
            if isinstance(own.identity, Role)
        }

    def of_caller(self, caller: Caller, member: Member | None) -> frozenset[str]:
        """The keys that no request of a caller has, whatever it asks for."""
        is_service = caller.kind is CallerKind.SERVICE
        alone = member is not None and member.guardrails.organization is None
        absent = frozenset() if is_service else service_call_keys()
        if alone or is_service:
            absent |= _keys_of(_OF_ORGANIZATIONS)
        if caller.kind not in _WITH_USER_NAME:
            absent |= {"aws:username"}
        # Who is outside stands for users and roles alike.
        return absent if member is None else absent | self._of_role(caller.role)

    def of_principal(self, principal: Principal) -> frozenset[str]:
        """Those that neither a user of the estate nor any session of a role has, by what it is."""
        return self._of_role(principal.arn if isinstance(principal.identity, Role) else "")

    def _of_role(self, arn: str) -> frozenset[str]:
        if not arn:
            return _keys_of(_NEVER_OF_USERS)
        trust = self._trusts.get(arn)
        return frozenset() if trust is None else _never_of_sessions(trust)

    def lacking(self, request: Request, member: Member | None) -> Callable[[str], bool]:
        """Whether a key (in lower case) is in no such request; `member` is the caller's account, if it is in the estate."""
        absent = self.of_caller(request.caller, member)
        action = request.action.lower()
        is_user = member is not None and request.caller.kind is CallerKind.USER

        def lacks(key: str) -> bool:
            return (
                key in absent
                or _is_of_other_actions(action, key)
                or (is_user and _is_of_federation(key))
            )

        return lacks


def service_call_keys() -> frozenset[str]:
    """The keys that only calls by AWS services have, in lower case."""
    return _keys_of(_OF_SERVICE_CALLS)


def only_region(service: str, partition: str) -> str | None:
    """The Region that every request of a service is sent to; None where there are several."""
    return _ONLY_REGIONS.get(service, {}).get(partition)


@cache
def _keys_of(rules: frozenset[str]) -> frozenset[str]:
    return frozenset(name for name, key in global_keys().items() if key.presence_rule in rules)


@cache
def _never_of_sessions(trust: str) -> frozenset[str]:
    """The keys that no session of a role has, by whom its trust policy lets in."""
    try:
        policy = one_policy(trust, Kind.TRUST)
    except InputError:
        return frozenset()
    allowing = [statement for statement in policy.statements if statement.allows]
    named = [principal for statement in allowing for principal in statement.principals]
    if any(statement.has("NotPrincipal") for statement in allowing) or any(
        principal.is_everyone for principal in named
    ):
        return frozenset()
    services = {principal.value for principal in named if principal.type == "Service"}
    rules = frozenset(
        rule
        for rule, service in _OF_COMPUTE.items()
        if services.isdisjoint((service, f"{service}.cn"))
    )
    return _keys_of(rules if any(map(_may_be_user, named)) else rules | _OF_MFA)


def _may_be_user(principal: document.Principal) -> bool:
    """Whether a principal stands for a user, perhaps among others: an MFA device is a user's, and chaining roles loses it."""
    return principal.type == "AWS" and not any(
        part in principal.value for part in (":role/", ":assumed-role/")
    )


@memo_of_reference(65_536)
def _is_of_other_actions(action: str, key: str) -> bool:
    """Whether only other actions have the key, or only requests to other services."""
    service = action.partition(":")[0]
    able = supported_services(key)
    if able:
        return service not in able
    prefix = key.partition(":")[0]
    if key in global_keys() or prefix in _UNEVEN or _OF_TAGS in key:
        return False
    if prefix == service and service not in _EVEN:
        return False
    if catalog().service(prefix) is None or not actions_with_key(prefix, key):
        return False
    return action not in actions_with_key(service, key)


def _is_of_federation(key: str) -> bool:
    """Whether it is a claim of a token or an attribute of SAML: `token.actions.githubusercontent.com:sub`, `saml:aud`."""
    prefix = key.rpartition(":")[0]
    return prefix == "saml" or "." in prefix
