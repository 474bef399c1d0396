"""Resource policies against what they are attached to, as far as the caller says: actions, ARNs, length, idle keys."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.arn import Arn, fits
from aws_iam.engine.language.document import Kind, Policy, Statement, Text, dump
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.attachment_types import (
    VPC_ENDPOINT,
    AttachmentType,
    attachment_type,
    attachment_types,
)
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import BUCKET, OBJECTS, Example, allow_to, policy_with
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_RESOURCE = (Kind.RESOURCE,)
_LONGEST = 2_048


def _own(action: object, resource: object, condition: object = None) -> Example:
    return allow_to({"AWS": "111122223333"}, action, resource, condition)


_READ = policy_with(_own("s3:GetObject", OBJECTS))


def _target(policy: Policy) -> AttachmentType | None:
    """What the policy is attached to, when that limits its actions and resources."""
    found = attachment_type(policy.resource_type)
    return found if found and found.service else None


@check(
    "UNSUPPORTED_ACTION_IN_POLICY",
    on=Policy,
    severity=Severity.ERROR,
    title="The action does not apply to the resource that has the policy",
    fix="Remove the action, or move it into the policy of a resource on which it works.",
    kinds=_RESOURCE,
    resource_type="AWS::S3::Bucket",
    bad=[
        policy_with(_own("kms:Decrypt", OBJECTS)),
        policy_with(_own("s3:ListAllMyBuckets", BUCKET)),
    ],
    good=[_READ, policy_with(_own(["s3:*", "*"], OBJECTS))],
)
def action_of_other_resource(policy: Policy) -> Iterator[Fail]:
    """A resource's policy is asked about the resource alone: an action that never meets it has no effect there."""
    yield from _misfits(policy, refused=True)


@check(
    "ACTION_WITHOUT_EFFECT_IN_POLICY",
    on=Policy,
    severity=Severity.WARNING,
    title="The action never meets the resource that has the policy",
    fix="Remove the action, or move it into an identity policy.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_identity-vs-resource.html",
    kinds=_RESOURCE,
    resource_type="AWS::KMS::Key",
    bad=[policy_with(_own("kms:ListAliases", "*"))],
    good=[policy_with(_own(["kms:Decrypt", "kms:*"], "*"))],
)
def action_without_effect(policy: Policy) -> Iterator[Fail]:
    """The policy is asked about its own resource alone; other services than S3 take such an action, and it does nothing."""
    for problem in _misfits(policy, refused=False):
        # What each service refuses is not written down.
        yield replace(problem, low_confidence=True)


def _misfits(policy: Policy, *, refused: bool) -> Iterator[Fail]:
    """The actions that do not go with the resource: those that AWS refuses, or those that it takes and never asks about."""
    target = _target(policy)
    for statement in policy.statements if target else ():
        for entry in statement.actions:
            problem = _misfit(entry, target, refused=refused) if target else None
            if problem:
                yield problem


def _misfit(entry: Text, target: AttachmentType, *, refused: bool) -> Fail | None:
    prefix, colon, _ = entry.value.lower().partition(":")
    # What does not exist has codes of its own.
    if not colon or not is_literal(prefix) or catalog().tier(prefix) == "unknown":
        return None
    said = f"{quoted(entry.value)} does not work on a resource of the type `{target.name}`"
    if prefix != target.service:
        return Fail(entry.where, said) if refused else None
    action = catalog().action(entry.value) if is_literal(entry.value) else None
    if action is None or set(action.resource_types) & {*target.types, *target.acts_on}:
        return None
    return Fail(entry.where, said) if (target.service == "s3") is refused else None


@check(
    "UNSUPPORTED_RESOURCE_ARN_IN_POLICY",
    on=Policy,
    severity=Severity.ERROR,
    title="The ARN is none of the resource that has the policy",
    fix="Write the ARN of the resource itself, or of what is in it.",
    kinds=_RESOURCE,
    resource_type="AWS::S3::Bucket",
    bad=[policy_with(_own("s3:GetObject", "arn:aws:kms:eu-west-1:111122223333:key/a"))],
    good=[_READ, policy_with(_own("s3:GetObject", ["*", "arn:aws:s3:::*"]))],
)
def arn_of_other_resource(policy: Policy) -> Iterator[Fail]:
    """The policy is asked about its own resource alone, so an ARN of another type never matches."""
    target = _target(policy)
    formats = target.arn_formats() if target else ()
    for statement in policy.statements if target and formats else ():
        for entry in (*statement.resources, *statement.not_resources):
            if target and not _may_be(entry.value, formats):
                yield Fail(entry.where, f"{quoted(entry.value)} is no ARN of an `{target.name}`")


@lru_cache(maxsize=1024)
def _may_be(resource: str, formats: tuple[str, ...]) -> bool:
    """Whether the entry can be of one of the formats; what is no ARN of six fields has codes of its own."""
    arn = Arn.of(resource) if len(resource) <= _LONGEST else None
    return arn is None or any(fits(arn, known_format) for known_format in formats)


def _long(length: int) -> dict[str, object]:
    keys = [f"{BUCKET}/{number:070}" for number in range(length // 100)]
    return policy_with(_own("s3:GetObject", keys))


@check(
    "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA",
    on=Policy,
    severity=Severity.WARNING,
    title="The policy is longer than its resource allows",
    fix="Merge statements, use wildcards, or move permissions into identity policies.",
    kinds=_RESOURCE,
    resource_type="AWS::S3::Bucket",
    bad=[_long(22_000)],
    good=[_long(15_000)],
)
def long_resource_policy(policy: Policy) -> Iterator[Fail]:
    """The service refuses a policy of more than its quota."""
    most, whose = _quota(policy)
    if not most:
        return
    needed = len(dump(policy).encode("utf-8", "replace"))
    given = len(policy.text.encode("utf-8", "replace")) if policy.text is not None else needed
    if max(needed, given) > most:
        yield Fail(
            policy.node.where,
            f"the policy has {max(needed, given):,} bytes; {whose} takes at most {most:,}",
            # Whether white space counts is not documented for each service.
            low_confidence=needed <= most,
        )


def _quota(policy: Policy) -> tuple[int, str]:
    """The longest policy, and of what; 0 when nothing is known."""
    target = attachment_type(policy.resource_type)
    if target:
        return target.most, f"`{target.name}`"
    actions = [entry.value for statement in policy.statements for entry in statement.actions]
    services = {action.lower().partition(":")[0] for action in actions}
    if len(services) != 1 or any(statement.not_actions for statement in policy.statements):
        return 0, ""
    (service,) = services
    known = [
        attached.most for attached in attachment_types().values() if attached.service == service
    ]
    # The policy of a VPC endpoint may speak of one service alone, too.
    most = max([attachment_types()[VPC_ENDPOINT].most, *known]) if all(known) and known else 0
    return most, f"a resource with {service} actions"


_S3_TYPES = ("AWS::S3::Bucket", "AWS::S3::AccessPoint", "AWS::S3::MultiRegionAccessPoint")
_MINE = {"StringEquals": {"s3:ResourceAccount": "111122223333"}}


@check(
    "IRRELEVANT_CONDITION_KEY_IN_POLICY",
    on=Policy,
    severity=Severity.SUGGESTION,
    title="A key has the same value in every request to the resource",
    fix="Remove the condition.",
    kinds=_RESOURCE,
    bad=[policy_with(_own("s3:GetObject", OBJECTS, _MINE))],
    good=[
        policy_with(_own("s3:GetObject", "*", _MINE)),
        policy_with(
            _own(
                "s3:GetObject",
                OBJECTS,
                {"StringEquals": {"aws:PrincipalAccount": "111122223333"}},
            )
        ),
    ],
)
def constant_key(policy: Policy) -> Iterator[Fail]:
    """The bucket or access point that has the policy is always in the same account."""
    for statement in policy.statements:
        if not _is_of_one_bucket(policy, statement):
            continue
        for condition in statement.conditions_on("s3:resourceaccount"):
            yield Fail(
                condition.key.where,
                f"{quoted(condition.key.value)} is always the account of the bucket with this policy",
            )


def _is_of_one_bucket(policy: Policy, statement: Statement) -> bool:
    """Whether the statement is about the bucket with the policy; one without a bucket's name may be an endpoint's."""
    if policy.resource_type is not None:
        return policy.resource_type in _S3_TYPES
    arns = [Arn.of(resource.value) for resource in statement.resources]
    return bool(arns) and all(
        arn is not None and arn.service == "s3" and is_literal(arn.resource.partition("/")[0])
        for arn in arns
    )
