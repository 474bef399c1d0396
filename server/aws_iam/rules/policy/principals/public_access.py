"""Access from outside: for everyone, or for a service on behalf of any account."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.effective.caller_conditions import (
    is_closed_to_strangers,
    is_fixed,
)
from aws_iam.engine.effective.denied_strangers import denied_to_strangers, is_taken_back
from aws_iam.engine.language.document import Condition, Kind, Policy, Principal, Statement
from aws_iam.engine.reference.attachment_types import VPC_ENDPOINT
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import BUCKET, OBJECTS, Example, allow_to, policy_with
from aws_iam.rules.gates import PRINCIPALS
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_RESOURCE = (Kind.RESOURCE,)


def _readable_by(principal: object, condition: object = None) -> Example:
    return allow_to(principal, "s3:GetObject", OBJECTS, condition)


_MINE = {"StringEquals": {"aws:SourceAccount": "111122223333"}}


@check(
    "PUBLIC_ACCESS_ALLOWED",
    on=Policy,
    when=(PRINCIPALS,),
    severity=Severity.SECURITY_WARNING,
    title="Anyone can use the resource",
    fix="Name the principals, or add a condition with fixed values, such as aws:PrincipalOrgID, aws:SourceArn or aws:SourceVpce.",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",
    kinds=_RESOURCE,
    bad=[
        policy_with(_readable_by("*")),
        policy_with(_readable_by({"AWS": "*"}, {"Bool": {"aws:SecureTransport": "true"}})),
        policy_with(
            _readable_by("*", {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app"}})
        ),
    ],
    good=[
        policy_with(_readable_by({"AWS": "arn:aws:iam::111122223333:role/app"})),
        policy_with(_readable_by("*", {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}})),
        policy_with(_readable_by("*", {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})),
        policy_with(
            _readable_by("*"),
            {
                **_readable_by(
                    "*", {"StringNotEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}
                ),
                "Effect": "Deny",
            },
        ),
    ],
)
def public_resource(policy: Policy) -> Iterator[Fail]:
    """Every AWS account has the permission and, where the service supports it, so do anonymous callers.

    False alarm when public access is intended, as for a website, or blocked elsewhere.
    """
    # An endpoint policy grants nothing; VPC_ENDPOINT_POLICY_OPEN judges how open it is.
    statements = () if policy.resource_type == VPC_ENDPOINT else policy.statements
    endpoint, denials = _may_be_endpoint(policy), denied_to_strangers(policy)
    for statement in statements:
        everyone = next(
            (principal for principal in statement.principals if principal.is_everyone), None
        )
        if everyone is None or not statement.allows or is_closed_to_strangers(statement):
            continue
        if not is_taken_back(denials, statement):
            but = "; the conditions keep nobody out" if statement.conditions else ""
            unless = (
                ", if this is the policy of a resource; the policy of a VPC endpoint grants nothing"
                " (say which with `resource_type`)"
                if endpoint
                else ""
            )
            yield Fail(
                everyone.name.where,
                f"`*` lets anyone {_use(statement)}{but}{unless}",
                low_confidence=endpoint,
            )


def _use(statement: Statement) -> str:
    """What the statement allows, in words."""
    if not statement.actions:
        return "use the resource"
    more = f" and {len(statement.actions) - 1} more" if len(statement.actions) > 1 else ""
    return f"call {quoted(statement.actions[0].value)}{more}"


def _may_be_endpoint(policy: Policy) -> bool:
    """Whether nothing in the policy names a resource or a single service: if it belongs to a VPC endpoint, it grants nothing."""
    if policy.resource_type is not None:
        return False
    entries = {entry.value for statement in policy.statements for entry in statement.resources}
    actions = (entry.value for statement in policy.statements for entry in statement.actions)
    services = {action.lower().partition(":")[0] for action in actions}
    return entries == {"*"} and (services == {"*"} or len(services) > 1)


_SOURCE_KEYS = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths")
# A service that encrypts data of a resource names the resource in the encryption context.
_CONTEXT = "kms:encryptioncontext:"
_WITH_ACCOUNT = re.compile(r":[0-9]{12}:")
_ELB_LOGS = "logdelivery.elasticloadbalancing.amazonaws.com"
_OWN_LOGS = re.compile(r"arn:[^:]+:s3:::[^*?]+/AWSLogs/[0-9]{12}/.*")


def _names_source(condition: Condition) -> bool:
    """Whether the condition limits on whose behalf the service calls."""
    if condition.negated or condition.base == "Null":
        return False
    if condition.name in _SOURCE_KEYS:
        return all(
            "${" in value.value or is_fixed(condition.name, value.value)
            for value in condition.values
        )
    return condition.name.startswith(_CONTEXT) and all(
        _WITH_ACCOUNT.search(value.value) for value in condition.values
    )


def _is_own_log(statement: Statement) -> bool:
    """Whether load balancers can only write the logs of one account.

    The object key of a log contains the load balancer's account after `AWSLogs/`, so the resource limits whose logs are
    accepted; AWS's example policy for such buckets has no condition.
    """
    return (
        [action.value.lower() for action in statement.actions] == ["s3:putobject"]
        and bool(statement.resources)
        and all(_OWN_LOGS.fullmatch(resource.value) for resource in statement.resources)
    )


def _services_at_large(statement: Statement) -> tuple[Principal, ...]:
    """The services that the statement allows, whoever they call for."""
    if not statement.allows or any(map(_names_source, statement.conditions)):
        return ()
    services = (principal for principal in statement.principals if principal.type == "Service")
    own_log = _is_own_log(statement)
    return tuple(service for service in services if not (own_log and service.value == _ELB_LOGS))


def _other_conditions(statement: Statement) -> tuple[Condition, ...]:
    """The conditions that do not test the source."""
    return tuple(
        condition for condition in statement.conditions if condition.name not in _SOURCE_KEYS
    )


@check(
    "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL",
    on=Statement,
    when=(PRINCIPALS,),
    severity=Severity.SECURITY_WARNING,
    title="A service is allowed on behalf of any account",
    fix="Add a condition on aws:SourceArn, aws:SourceAccount, aws:SourceOrgID or aws:SourceOrgPaths.",
    kinds=_RESOURCE,
    bad=[
        _readable_by({"Service": "cloudtrail.amazonaws.com"}),
        _readable_by({"Service": "cloudtrail.amazonaws.com"}, {"ArnLike": {"aws:SourceArn": "*"}}),
        {
            **_readable_by({"Service": _ELB_LOGS}),
            "Action": "s3:PutObject",
            "Resource": f"{BUCKET}/AWSLogs/*",
        },
    ],
    good=[
        _readable_by({"Service": "cloudtrail.amazonaws.com"}, _MINE),
        {
            **_readable_by({"Service": _ELB_LOGS}),
            "Action": "s3:PutObject",
            "Resource": f"{BUCKET}/web/AWSLogs/111122223333/*",
        },
    ],
)
def confused_deputy(statement: Statement) -> Iterator[Fail]:
    """The service works for every account, so somebody else's request can make it use your resource.

    False alarm when the service sends none of these keys.
    """
    if not _other_conditions(statement):
        for principal in _services_at_large(statement):
            yield Fail(
                principal.name.where,
                f"{quoted(principal.value)} can use the resource on behalf of any account",
            )


@check(
    "RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
    on=Statement,
    when=(PRINCIPALS,),
    severity=Severity.SUGGESTION,
    title="A service is restricted, but not by the source of its calls",
    fix="Add a condition on aws:SourceArn, aws:SourceAccount, aws:SourceOrgID or aws:SourceOrgPaths.",
    kinds=_RESOURCE,
    bad=[
        _readable_by(
            {"Service": "cloudfront.amazonaws.com"},
            {"StringEquals": {"aws:Referer": "https://example.com"}},
        )
    ],
    good=[
        _readable_by({"Service": "cloudfront.amazonaws.com"}, _MINE),
        {
            **_readable_by({"Service": "logs.eu-west-1.amazonaws.com"}),
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {
                "ArnLike": {
                    "kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:111122223333:*"
                }
            },
        },
    ],
)
def source_not_asked(statement: Statement) -> Iterator[Fail]:
    """Only the source of a service's call distinguishes your request from somebody else's.

    False alarm when another condition limits the calls to your account, or the service sends none of these keys.
    """
    # AWS does not publish which other keys count as a restriction.
    if _other_conditions(statement):
        for principal in _services_at_large(statement):
            yield Fail(
                principal.name.where,
                f"{quoted(principal.value)} is not limited by aws:SourceArn or aws:SourceAccount",
                low_confidence=True,
            )
