"""Regions and partitions: Denies by Region that also hit global services, and ARNs of several partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.effective.caller_conditions import is_demanded
from aws_iam.engine.language.document import (
    IDENTITY_KINDS,
    Condition,
    Kind,
    Policy,
    Statement,
    Text,
)
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import Example, allow, policy_with
from aws_iam.rules.gates import at_keys, at_principal, at_resource, at_value
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXAMPLE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_deny-requested-region.html"
# The services that AWS's example exempts: their only endpoint is in us-east-1.
_GLOBAL = ("iam", "cloudfront", "route53", "support")
_HOME = "us-east-1"
# The page does not say where global services of other partitions have their endpoint.
_OTHER_PARTITIONS = ("cn-", "us-gov-", "us-iso", "eu-iso", "eusc-")
_OUTSIDE = {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}}


def _deny(
    element: dict[str, object], condition: object = None, resource: object = "*"
) -> dict[str, object]:
    return {
        "Effect": "Deny",
        **element,
        "Resource": resource,
        "Condition": condition or _OUTSIDE,
    }


_EXEMPT = ["iam:*", "organizations:*", "route53:*", "cloudfront:*", "support:*", "sts:*"]


def _is_of_other_partition(text: str) -> bool:
    return _partition(text) not in {"", "aws"}


@check(
    "REGION_DENY_HITS_GLOBAL_SERVICES",
    on=Statement,
    when=(at_keys("aws:requestedregion"),),
    severity=Severity.WARNING,
    title="A Deny by Region also denies global services",
    fix="List the global services that you use, `iam:*` first, in NotAction instead of Action; or add us-east-1 to the Regions.",
    source=_EXAMPLE,
    kinds=(*IDENTITY_KINDS, Kind.SCP),
    bad=[_deny({"Action": "*"}), _deny({"NotAction": ["sts:*", "cloudfront:*"]})],
    good=[
        _deny({"NotAction": _EXEMPT}),
        _deny({"Action": ["ec2:*", "rds:*"]}),
        _deny(
            {"Action": "*"},
            {**_OUTSIDE, "StringEquals": {"aws:SourceVpc": "vpc-0123456789abcdef0"}},
        ),
        _deny({"Action": "*"}, {"StringNotLike": {"aws:RequestedRegion": ["eu-*", "us-east-1"]}}),
    ],
)
def global_services_denied(statement: Statement) -> Iterator[Fail]:
    """All requests to global services go to us-east-1, so a Deny outside other Regions denies IAM to everybody.

    False alarm when exactly that is intended.
    """
    if not statement.denies or not any(
        matches(resource.value, "*") for resource in statement.resources
    ):
        return
    if any(map(_is_special, statement.conditions)):
        return
    condition = next(
        filter(_denies_home_region, statement.conditions_on("aws:requestedregion")), None
    )
    denied = (
        [service for service in _GLOBAL if _covers_service(statement, service)]
        if condition
        else []
    )
    if condition and denied:
        yield Fail(
            condition.key.where,
            f"requests to {', '.join(f'`{service}`' for service in denied)} are denied: they go to `{_HOME}`,"
            " which is not among the Regions",
            # Other services than IAM may be denied on purpose.
            severity=None if "iam" in denied else Severity.SUGGESTION,
            low_confidence="iam" not in denied,
        )


def _is_special(condition: Condition) -> bool:
    """Whether the condition limits the Deny to some requests, such as those from one VPC, rather than to some principals."""
    about_caller = (
        condition.name.startswith("aws:principal") or condition.name == "aws:viaawsservice"
    )
    return is_demanded(condition) and not about_caller


def _denies_home_region(condition: Condition) -> bool:
    """Whether a negated condition on the Region holds in the Region of the global services."""
    values = [value.value.lower() for value in condition.values]
    return (
        condition.negated
        and bool(values)
        and not any("${" in value or value.startswith(_OTHER_PARTITIONS) for value in values)
        and not any(matches(value, _HOME) for value in values)
    )


def _covers_service(statement: Statement, service: str) -> bool:
    """Whether the statement covers the whole service; a service that is exempt in part was not forgotten."""
    if statement.not_actions:
        return not any(
            matches(action.value.partition(":")[0], service, ignore_case=True)
            for action in statement.not_actions
        )
    return any(action.value in {"*", "*:*"} for action in statement.actions)


_LONGEST = 40
_PARTITIONS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"


def _reading(*resources: str) -> Example:
    return policy_with(allow("s3:GetObject", list(resources)))


@check(
    "MIXED_PARTITIONS",
    on=Policy,
    when=tuple(gate(_is_of_other_partition) for gate in (at_resource, at_principal, at_value)),
    severity=Severity.SUGGESTION,
    title="The policy has ARNs of several partitions",
    fix="Keep the ARNs of the partition that the policy is for, or write one policy for each partition.",
    source=_PARTITIONS,
    bad=[_reading("arn:aws:s3:::amzn-s3-demo-bucket/*", "arn:aws-cn:s3:::amzn-s3-demo-bucket/*")],
    good=[
        _reading("arn:aws-cn:s3:::amzn-s3-demo-bucket/*"),
        _reading("arn:aws:s3:::amzn-s3-demo-bucket/*", "arn:*:s3:::amzn-s3-demo-logs/*"),
    ],
)
def several_partitions(policy: Policy) -> Iterator[Fail]:
    """An account is in one partition, and none of its requests matches an ARN of another: such entries have no effect.

    False alarm when the same policy is deployed in several partitions on purpose.
    """
    first: dict[str, Text] = {}
    for text in _texts(policy):
        partition = _partition(text.value)
        if partition:
            first.setdefault(partition, text)
    main = next(iter(first), "")
    for partition, text in first.items():
        if partition != main:
            yield Fail(
                text.where,
                f"{quoted(text.value)} is in the partition `{partition}`; other ARNs of the policy are in `{main}`",
                # Some teams deploy one policy in several partitions on purpose.
                low_confidence=True,
            )


def _partition(arn: str) -> str:
    """The partition of an ARN that names one."""
    head, _, rest = arn[:_LONGEST].partition(":")
    partition, colon, _ = rest.partition(":")
    known = partition == "aws" or partition.startswith("aws-")
    return partition if head == "arn" and colon and known and is_literal(partition) else ""


def _texts(policy: Policy) -> Iterator[Text]:
    for statement in policy.statements:
        yield from statement.resources
        yield from statement.not_resources
        yield from (principal.name for principal in statement.principals)
        yield from (principal.name for principal in statement.not_principals)
        for condition in statement.conditions:
            yield from condition.values
