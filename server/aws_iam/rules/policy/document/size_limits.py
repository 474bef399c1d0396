"""Policies that are too long for AWS, and policies that are nearly too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import IDENTITY_KINDS, Kind, Policy, dump
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.reference.policy_quotas import (
    IAM_QUOTAS,
    INLINE,
    MANAGED,
    QUOTAS,
    SESSION,
    characters,
    quota_of,
    without_space,
)
from aws_iam.rules.check import check
from aws_iam.rules.gates import at_policy
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHORTEN = "Remove white space, merge statements, or split the policy; `policy shrink` does that."
# From this share of a quota, AWS may reject the next change.
_NEARLY = 0.9


def _with_space(policy: Policy) -> str:
    """The text that the caller passed; for a value without text, its shortest JSON."""
    return policy.text if policy.text is not None else _without_space(policy)


@memo_on_subject
def _without_space(policy: Policy) -> str:
    return without_space(policy.text if policy.text is not None else dump(policy))


def _may_be_near_quota(policy: Policy) -> bool:
    """Whether the text, which is never shorter than what AWS counts, comes near the quota of its kind."""
    quota = QUOTAS.get(policy.kind)
    return policy.text is None or quota is None or len(policy.text) >= _NEARLY * quota.most


_NEAR_QUOTA = (at_policy(_may_be_near_quota),)


def _policy_of_length(length: int) -> dict[str, object]:
    """A policy of about this many characters."""
    bucket = "arn:aws:s3:::amzn-s3-demo-bucket/"
    resources = [f"{bucket}{number:067}" for number in range(length // 100)]
    statement = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": resources}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _too_long(policy: Policy, length: int, most: int) -> Iterator[Fail]:
    if length > most:
        yield Fail(
            policy.node.where, f"the policy has {length:,} characters; the quota is {most:,}"
        )


@check(
    "POLICY_SIZE_EXCEEDS_SCP_QUOTA",
    on=Policy,
    when=_NEAR_QUOTA,
    severity=Severity.ERROR,
    title="The service control policy is too long",
    fix=_SHORTEN,
    kinds=(Kind.SCP,),
    bad=[_policy_of_length(12_000)],
    good=[_policy_of_length(2_000)],
)
def long_scp(policy: Policy) -> Iterator[Fail]:
    """AWS Organizations rejects an SCP of more than 10,240 characters, including white space.

    False alarm when the white space is removed before the policy is saved, as the console does.
    """
    yield from _too_long(policy, len(_with_space(policy)), QUOTAS[Kind.SCP].most)


@check(
    "POLICY_SIZE_EXCEEDS_RCP_QUOTA",
    on=Policy,
    when=_NEAR_QUOTA,
    severity=Severity.ERROR,
    title="The resource control policy is too long",
    fix=_SHORTEN,
    kinds=(Kind.RCP,),
    bad=[_policy_of_length(6_000)],
    good=[_policy_of_length(2_000)],
)
def long_rcp(policy: Policy) -> Iterator[Fail]:
    """AWS Organizations rejects an RCP of more than 5,120 characters, including white space.

    False alarm when the white space is removed before the policy is saved, as the console does.
    """
    yield from _too_long(policy, len(_with_space(policy)), QUOTAS[Kind.RCP].most)


@check(
    "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA",
    on=Policy,
    when=_NEAR_QUOTA,
    severity=Severity.WARNING,
    title="The policy is too long for every kind of identity policy",
    fix="Merge statements, use wildcards, or split the policy; `policy shrink` does that.",
    kinds=IDENTITY_KINDS,
    bad=[_policy_of_length(12_000)],
    good=[_policy_of_length(2_000)],
)
def long_identity_policy(policy: Policy) -> Iterator[Fail]:
    """IAM allows 6,144 characters in a managed policy and 10,240 in all inline policies of a role together.

    White space does not count. No false alarms: AWS rejects the policy.
    """
    yield from _too_long(policy, len(_without_space(policy)), INLINE["role"])


@check(
    "TOO_LONG_FOR_MANAGED_POLICY",
    on=Policy,
    when=_NEAR_QUOTA,
    severity=Severity.SUGGESTION,
    title="The policy is too long for a managed policy",
    fix="Merge statements, use wildcards, split the policy, or make it an inline policy of a role.",
    source=IAM_QUOTAS,
    kinds=(Kind.IDENTITY, Kind.BOUNDARY),
    bad=[_policy_of_length(8_000)],
    good=[_policy_of_length(2_000)],
)
def long_managed_policy(policy: Policy) -> Iterator[Fail]:
    """IAM rejects a managed policy of more than 6,144 characters, not counting white space.

    False alarm when the policy is an inline policy of a role.
    """
    length = len(_without_space(policy))
    if length <= INLINE["role"]:  # a longer policy has its own code
        yield from _too_long(policy, length, MANAGED)


@check(
    "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA",
    on=Policy,
    when=_NEAR_QUOTA,
    severity=Severity.WARNING,
    title="The trust policy is longer than the default quota",
    fix="Merge statements, or ask AWS for a higher quota (up to 8,192).",
    kinds=(Kind.TRUST,),
    bad=[_policy_of_length(3_000)],
    good=[_policy_of_length(1_000)],
)
def long_trust_policy(policy: Policy) -> Iterator[Fail]:
    """By default IAM rejects a trust policy of more than 2,048 characters, not counting white space.

    False alarm when AWS has raised the quota for the account.
    """
    yield from _too_long(policy, len(_without_space(policy)), QUOTAS[Kind.TRUST].most)


@check(
    "TOO_LONG_FOR_INLINE_SESSION_POLICY",
    on=Policy,
    when=_NEAR_QUOTA,
    severity=Severity.WARNING,
    title="The policy is too long for an inline session policy",
    fix="Merge statements, use wildcards, or pass the ARN of a managed policy.",
    source="https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html",
    kinds=(Kind.SESSION,),
    bad=[_policy_of_length(3_000)],
    good=[_policy_of_length(1_000)],
)
def long_session_policy(policy: Policy) -> Iterator[Fail]:
    """STS rejects a call whose session policies have more than 2,048 characters of text in total.

    False alarm when the white space is removed before the policy is passed.
    """
    # A policy that is too long for every identity policy has its own code.
    if len(_without_space(policy)) <= INLINE["role"]:
        yield from _too_long(policy, len(_with_space(policy)), SESSION)


@check(
    "POLICY_NEAR_SIZE_QUOTA",
    on=Policy,
    when=_NEAR_QUOTA,
    severity=Severity.SUGGESTION,
    title="The policy has nearly reached its size quota",
    fix="Merge statements, use wildcards, or split the policy before the next change exceeds the quota.",
    source=IAM_QUOTAS,
    bad=[_policy_of_length(5_700)],
    good=[_policy_of_length(5_000)],
)
def little_room(policy: Policy) -> Iterator[Fail]:
    """AWS rejects the change that exceeds the quota, and that may be an urgent one.

    False alarm when the policy will not grow, or AWS has raised the quota for the account.
    """
    quota = quota_of(policy)
    if quota is None:
        return
    counted = _with_space(policy) if quota.counts_space else _without_space(policy)
    length = characters(counted, quota)
    if quota.most * _NEARLY <= length <= quota.most:
        unit = "bytes" if quota.in_bytes else "characters"
        yield Fail(
            policy.node.where,
            f"the policy uses {length:,} of the {quota.most:,} {unit} of {quota.what}: {quota.most - length:,} are left",
        )
