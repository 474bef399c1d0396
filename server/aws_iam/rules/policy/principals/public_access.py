"""Who is let in from outside: everyone, or a service on behalf of anyone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.effective.caller_conditions import (
    denied_to_strangers,
    is_closed_to_strangers,
    is_fixed,
    is_taken_back,
)
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
    title="Everyone may use the resource",
    fix="Name the principals, or add a condition such as aws:PrincipalOrgID, aws:SourceArn or aws:SourceVpce with fixed values.",
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
    """Every AWS account has the permission and, where the service allows it, anonymous callers too.

    Wrong where public access is intended, as for a website, or blocked elsewhere.
    """
    # An endpoint's policy grants nothing; how open it is has a code of its own.
    statements = () if policy.resource_type == VPC_ENDPOINT else policy.statements
    endpoint, denials = _may_be_endpoint(policy), denied_to_strangers(policy)
    for statement in statements:
        everyone = next(
            (principal for principal in statement.principals if principal.is_everyone), None
        )
        if everyone is None or not statement.allows or is_closed_to_strangers(statement):
            continue
        if not is_taken_back(denials, statement):
            action = statement.actions[0].value if statement.actions else ""
            what = f" {quoted(action)}" if action else ""
            more = f" and {len(statement.actions) - 1} more" if len(statement.actions) > 1 else ""
            but = "; its conditions keep nobody out" if statement.conditions else ""
            unless = (
                ", if this is the policy of a resource; the policy of a VPC endpoint grants nothing"
                " (say which with `resource_type`)"
                if endpoint
                else ""
            )
            yield Fail(
                everyone.name.where,
                f"`*` lets everyone call{what or ' it'}{more}{but}{unless}",
                low_confidence=bool(unless),
            )


def _may_be_endpoint(policy: Policy) -> bool:
    """Whether nothing in the policy belongs to one resource: it grants nothing when it is a VPC endpoint's."""
    if policy.resource_type is not None:
        return False
    entries = {entry.value for statement in policy.statements for entry in statement.resources}
    actions = (entry.value for statement in policy.statements for entry in statement.actions)
    services = {action.lower().partition(":")[0] for action in actions}
    return entries == {"*"} and (services == {"*"} or len(services) > 1)


_SOURCE_KEYS = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths")
# Services that encrypt for a resource name it in the encryption context.
_CONTEXT = "kms:encryptioncontext:"
_WITH_ACCOUNT = re.compile(r":[0-9]{12}:")
_ELB_LOGS = "logdelivery.elasticloadbalancing.amazonaws.com"
_OWN_LOGS = re.compile(r"arn:[^:]+:s3:::[^*?]+/AWSLogs/[0-9]{12}/.*")


def _names_source(condition: Condition) -> bool:
    """Whether the condition asks on whose behalf the service calls."""
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
    """Whether load balancers write logs under one account's number.

    The key of a log has the account of its load balancer after `AWSLogs/`, so the resource says whose logs are taken; AWS's
    example for such buckets has no condition.
    """
    return (
        [action.value.lower() for action in statement.actions] == ["s3:putobject"]
        and bool(statement.resources)
        and all(_OWN_LOGS.fullmatch(resource.value) for resource in statement.resources)
    )


def _services_at_large(statement: Statement) -> tuple[Principal, ...]:
    """The services that the statement allows without asking on whose behalf they call."""
    if not statement.allows or any(map(_names_source, statement.conditions)):
        return ()
    services = (principal for principal in statement.principals if principal.type == "Service")
    own_log = _is_own_log(statement)
    return tuple(service for service in services if not (own_log and service.value == _ELB_LOGS))


def _others(statement: Statement) -> tuple[Condition, ...]:
    """The conditions that are about something else than the source."""
    return tuple(
        condition for condition in statement.conditions if condition.name not in _SOURCE_KEYS
    )


@check(
    "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL",
    on=Statement,
    when=(PRINCIPALS,),
    severity=Severity.SECURITY_WARNING,
    title="A service is allowed on behalf of anyone",
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
    """The service works for every account: a request of somebody else can make it use your resource.

    Wrong where the service sends none of these keys.
    """
    if not _others(statement):
        for principal in _services_at_large(statement):
            yield Fail(principal.name.where, f"{quoted(principal.value)} may call for any account")


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
    """The source of a service's call is what tells your request from somebody else's."""
    # AWS does not publish which other keys count as a restriction.
    if _others(statement):
        for principal in _services_at_large(statement):
            yield Fail(
                principal.name.where,
                f"{quoted(principal.value)} is not limited by aws:SourceArn or aws:SourceAccount",
                low_confidence=True,
            )
