"""Sizes: policies that AWS refuses for their length, and those about to reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import IDENTITY_KINDS, Kind, Policy, dump
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.reference.attachment_types import attachment_type
from aws_iam.rules.check import check
from aws_iam.rules.gates import at_policy
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.reference.attachment_types import AttachmentType

_QUOTAS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
_SHORTEN = "Remove white space, merge statements, or split the policy."
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
_SCP = 10_240
_RCP = 5_120
_MANAGED = 6_144
_INLINE = 10_240
"""A role's inline policies together: what is longer is too long for every identity policy."""
_TRUST = 2_048
_SESSION = 2_048
# From this share of a quota on the next change may be the one that AWS refuses.
_NEARLY = 0.9


def _as_saved(policy: Policy) -> str:
    """The text as given; a value given without text as its shortest JSON."""
    return policy.text if policy.text is not None else _without_space(policy)


@memo_on_subject
def _without_space(policy: Policy) -> str:
    return "".join((policy.text if policy.text is not None else dump(policy)).split())


def _may_be_long(policy: Policy) -> bool:
    """Whether the text as given, which is never shorter than what AWS counts, comes near a quota of its kind."""
    return policy.text is None or len(policy.text) >= _NEARLY * _LEAST.get(policy.kind, 0)


_LEAST = {
    Kind.IDENTITY: _MANAGED,
    Kind.BOUNDARY: _MANAGED,
    Kind.SESSION: _SESSION,
    Kind.SCP: _SCP,
    Kind.RCP: _RCP,
    Kind.TRUST: _TRUST,
}
_MAY_BE_LONG = (at_policy(_may_be_long),)


def _long(length: int) -> dict[str, object]:
    """A policy of about this many characters."""
    bucket = "arn:aws:s3:::amzn-s3-demo-bucket/"
    resources = [f"{bucket}{number:067}" for number in range(length // 100)]
    statement = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": resources}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _too_long(policy: Policy, length: int, most: int) -> Iterator[Fail]:
    if length > most:
        yield Fail(
            policy.node.where, f"the policy has {length:,} characters; at most {most:,} fit"
        )


@check(
    "POLICY_SIZE_EXCEEDS_SCP_QUOTA",
    on=Policy,
    when=_MAY_BE_LONG,
    severity=Severity.ERROR,
    title="The service control policy is too long",
    fix=_SHORTEN,
    kinds=(Kind.SCP,),
    bad=[_long(12_000)],
    good=[_long(2_000)],
)
def long_scp(policy: Policy) -> Iterator[Fail]:
    """AWS Organizations refuses a policy of more than 10,240 characters, white space included."""
    yield from _too_long(policy, len(_as_saved(policy)), _SCP)


@check(
    "POLICY_SIZE_EXCEEDS_RCP_QUOTA",
    on=Policy,
    when=_MAY_BE_LONG,
    severity=Severity.ERROR,
    title="The resource control policy is too long",
    fix=_SHORTEN,
    kinds=(Kind.RCP,),
    bad=[_long(6_000)],
    good=[_long(2_000)],
)
def long_rcp(policy: Policy) -> Iterator[Fail]:
    """AWS Organizations refuses a policy of more than 5,120 characters, white space included."""
    yield from _too_long(policy, len(_as_saved(policy)), _RCP)


@check(
    "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA",
    on=Policy,
    when=_MAY_BE_LONG,
    severity=Severity.WARNING,
    title="The policy is longer than any identity policy may be",
    fix="Merge statements, use wildcards, or split the policy.",
    kinds=IDENTITY_KINDS,
    bad=[_long(12_000)],
    good=[_long(2_000)],
)
def long_identity_policy(policy: Policy) -> Iterator[Fail]:
    """A managed policy has at most 6,144 characters, a role's inline policies together 10,240, white space apart."""
    yield from _too_long(policy, len(_without_space(policy)), _INLINE)


@check(
    "TOO_LONG_FOR_MANAGED_POLICY",
    on=Policy,
    when=_MAY_BE_LONG,
    severity=Severity.SUGGESTION,
    title="The policy is too long for a managed policy",
    fix="Merge statements, use wildcards, split the policy, or write it as a role's inline policy.",
    source=_QUOTAS,
    kinds=(Kind.IDENTITY, Kind.BOUNDARY),
    bad=[_long(8_000)],
    good=[_long(2_000)],
)
def long_managed_policy(policy: Policy) -> Iterator[Fail]:
    """IAM refuses a managed policy of more than 6,144 characters, white space apart."""
    length = len(_without_space(policy))
    if length <= _INLINE:  # longer ones have a code of their own
        yield from _too_long(policy, length, _MANAGED)


@check(
    "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA",
    on=Policy,
    when=_MAY_BE_LONG,
    severity=Severity.WARNING,
    title="The trust policy is longer than the default quota",
    fix="Merge statements, or ask AWS for a higher quota (up to 8,192).",
    kinds=(Kind.TRUST,),
    bad=[_long(3_000)],
    good=[_long(1_000)],
)
def long_trust_policy(policy: Policy) -> Iterator[Fail]:
    """IAM refuses a trust policy of more than 2,048 characters, white space apart, unless the quota was raised."""
    yield from _too_long(policy, len(_without_space(policy)), _TRUST)


@check(
    "TOO_LONG_FOR_INLINE_SESSION_POLICY",
    on=Policy,
    when=_MAY_BE_LONG,
    severity=Severity.WARNING,
    title="The policy is too long to be passed with a session",
    fix="Merge statements, use wildcards, or pass the ARN of a managed policy.",
    source="https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html",
    kinds=(Kind.SESSION,),
    bad=[_long(3_000)],
    good=[_long(1_000)],
)
def long_session_policy(policy: Policy) -> Iterator[Fail]:
    """STS refuses more than 2,048 characters of text in all session policies of a call together."""
    # Longer than every identity policy may be has its own code.
    if len(_without_space(policy)) <= _INLINE:
        yield from _too_long(policy, len(_as_saved(policy)), _SESSION)


# The one type of resource whose policy has nothing but actions of the service, when nobody says what it is attached to.
_LIKELY = {"s3": "AWS::S3::Bucket", "kms": "AWS::KMS::Key"}


def _attached_to(policy: Policy) -> AttachmentType | None:
    if policy.resource_type:
        return attachment_type(policy.resource_type)
    actions = [entry.value for statement in policy.statements for entry in statement.actions]
    services = {action.lower().partition(":")[0] for action in actions}
    return attachment_type(_LIKELY.get(services.pop())) if len(services) == 1 else None


@check(
    "POLICY_NEAR_SIZE_QUOTA",
    on=Policy,
    when=_MAY_BE_LONG,
    severity=Severity.SUGGESTION,
    title="The policy has nearly reached its size quota",
    fix="Merge statements, use wildcards, or split the policy before the next change does not fit.",
    source=_QUOTAS,
    bad=[_long(5_700)],
    good=[_long(5_000)],
)
def little_room(policy: Policy) -> Iterator[Fail]:
    """AWS refuses the change that goes beyond the quota, and it comes at a bad moment."""
    length, most, what = _measured(policy)
    if most * _NEARLY <= length <= most:
        yield Fail(
            policy.node.where,
            f"the policy has {length:,} of the {most:,} {what}: {most - length:,} are left",
        )


def _measured(policy: Policy) -> tuple[int, int, str]:
    """The length of the policy as its kind counts it, the quota, and its words."""
    match policy.kind:
        case Kind.SCP:
            return len(_as_saved(policy)), _SCP, "characters of a service control policy"
        case Kind.RCP:
            return len(_as_saved(policy)), _RCP, "characters of a resource control policy"
        case Kind.TRUST:
            return len(_without_space(policy)), _TRUST, "characters of a trust policy"
        case Kind.SESSION:
            return len(_as_saved(policy)), _SESSION, "characters of session policies"
        case Kind.RESOURCE:
            target = _attached_to(policy)
            length = len(_as_saved(policy).encode("utf-8", errors="replace"))
            most = target.most if target else 0
            # What is not known has no quota to come near to.
            return (
                (length, most, f"bytes of a policy of `{target.name}`") if target else (1, 0, "")
            )
        case _:
            return len(_without_space(policy)), _MANAGED, "characters of a managed policy"
