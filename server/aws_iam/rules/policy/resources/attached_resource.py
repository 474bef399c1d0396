"""Resource policies that do not fit the resource they are attached to: actions, ARNs, length, constant condition keys."""

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
from aws_iam.engine.reference.resource_policy_scope import SOME, is_decided, scope_of
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import BUCKET, OBJECTS, Example, allow_to, policy_with
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_RESOURCE = (Kind.RESOURCE,)
_LONGEST = 2_048


def _allow_account(action: object, resource: object, condition: object = None) -> Example:
    return allow_to({"AWS": "111122223333"}, action, resource, condition)


_READ = policy_with(_allow_account("s3:GetObject", OBJECTS))


_BUCKET_TYPE = "AWS::S3::Bucket"


def _target(policy: Policy) -> AttachmentType | None:
    """What the policy is attached to, when that limits its actions and resources."""
    target = attachment_type(policy.resource_type)
    if target and target.name == _BUCKET_TYPE and _services(policy) == {"s3express"}:
        # Terraform has one resource for the policies of both.
        target = attachment_type("AWS::S3Express::DirectoryBucket")
    return target if target and target.service else None


def _services(policy: Policy) -> set[str]:
    return {word.partition(":")[0].lower() for s in policy.statements for word in s.action_words}


@check(
    "UNSUPPORTED_ACTION_IN_POLICY",
    on=Policy,
    severity=Severity.ERROR,
    title="The action does not apply to the resource that has the policy",
    fix="Remove the action, or move it to the policy of a resource that it applies to.",
    kinds=_RESOURCE,
    resource_type=_BUCKET_TYPE,
    bad=[
        policy_with(_allow_account("kms:Decrypt", OBJECTS)),
        policy_with(_allow_account("s3:ListAllMyBuckets", BUCKET)),
    ],
    good=[_READ, policy_with(_allow_account(["s3:*", "*"], OBJECTS))],
)
def action_of_other_resource(policy: Policy) -> Iterator[Fail]:
    """A resource's policy only decides requests for that resource, so an action that never applies to it has no effect.

    False alarm when AWS's reference does not yet list the resource for the action.
    """
    yield from _misfits(policy, rejected=True)


@check(
    "ACTION_WITHOUT_EFFECT_IN_POLICY",
    on=Policy,
    severity=Severity.WARNING,
    title="The action has no effect in the policy of this resource",
    fix="Remove the action, or move it to an identity policy.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_identity-vs-resource.html",
    kinds=_RESOURCE,
    resource_type="AWS::KMS::Key",
    bad=[policy_with(_allow_account("kms:ListAliases", "*"))],
    good=[policy_with(_allow_account(["kms:Decrypt", "kms:*"], "*"))],
)
def action_without_effect(policy: Policy) -> Iterator[Fail]:
    """The policy only decides requests for its own resource; services other than S3 accept such an action, but it does nothing.

    False alarm when AWS's reference does not yet list the resource for the action.
    """
    problems = _misfits(policy, rejected=False) if policy.resource_type else _of_no_policy(policy)
    for problem in problems:
        # AWS does not document which actions each service rejects.
        yield replace(problem, low_confidence=True)


def _of_no_policy(policy: Policy) -> Iterator[Fail]:
    """The actions that no policy of any resource decides about."""
    if scope_of(policy) != SOME:
        return
    for statement in policy.statements:
        for entry in statement.actions:
            known = catalog().action(entry.value) if is_literal(entry.value) else None
            if known and not is_decided(known.full_name, SOME):
                yield Fail(
                    entry.where, f"no policy of a resource decides about {quoted(entry.value)}"
                )


def _misfits(policy: Policy, *, rejected: bool) -> Iterator[Fail]:
    """The actions that do not apply to the resource: those that AWS rejects, or those that it accepts without effect."""
    target = _target(policy)
    for statement in policy.statements if target else ():
        for entry in statement.actions:
            problem = _misfit(entry, target, rejected=rejected) if target else None
            if problem:
                yield problem


def _misfit(entry: Text, target: AttachmentType, *, rejected: bool) -> Fail | None:
    prefix, colon, _ = entry.value.lower().partition(":")
    # Services that do not exist have codes of their own.
    if not colon or not is_literal(prefix) or catalog().tier(prefix) == "unknown":
        return None
    message = f"{quoted(entry.value)} does not apply to a resource of type `{target.name}`"
    if prefix != target.service:
        return Fail(entry.where, message) if rejected else None
    action = catalog().action(entry.value) if is_literal(entry.value) else None
    if action is None or target.decides(action):
        return None
    return Fail(entry.where, message) if (target.service == "s3") is rejected else None


@check(
    "UNSUPPORTED_RESOURCE_ARN_IN_POLICY",
    on=Policy,
    severity=Severity.ERROR,
    title="The ARN is not one of the resource that has the policy",
    fix="Write the ARN of the resource itself, or of something inside it.",
    kinds=_RESOURCE,
    resource_type=_BUCKET_TYPE,
    bad=[policy_with(_allow_account("s3:GetObject", "arn:aws:kms:eu-west-1:111122223333:key/a"))],
    good=[_READ, policy_with(_allow_account("s3:GetObject", ["*", "arn:aws:s3:::*"]))],
)
def arn_of_other_resource(policy: Policy) -> Iterator[Fail]:
    """The policy only decides requests for its own resource, so an ARN of another type never matches.

    False alarm when AWS's reference lists the ARN formats of the resource incompletely.
    """
    target = _target(policy)
    formats = target.arn_formats() if target else ()
    for statement in policy.statements if target and formats else ():
        for entry in (*statement.resources, *statement.not_resources):
            if target and not _may_be(entry.value, formats):
                yield Fail(
                    entry.where,
                    f"{quoted(entry.value)} is not an ARN of a resource of type `{target.name}`",
                )


@lru_cache(maxsize=1024)
def _may_be(resource: str, formats: tuple[str, ...]) -> bool:
    """Whether the entry can follow one of the formats; texts without six fields have codes of their own."""
    arn = Arn.of(resource) if len(resource) <= _LONGEST else None
    return arn is None or any(fits(arn, known_format) for known_format in formats)


def _policy_of_length(length: int) -> dict[str, object]:
    keys = [f"{BUCKET}/{number:070}" for number in range(length // 100)]
    return policy_with(_allow_account("s3:GetObject", keys))


@check(
    "POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA",
    on=Policy,
    severity=Severity.WARNING,
    title="The policy is longer than the quota of its resource",
    fix="Merge statements, use wildcards, or move permissions to identity policies.",
    kinds=_RESOURCE,
    resource_type=_BUCKET_TYPE,
    bad=[_policy_of_length(22_000)],
    good=[_policy_of_length(15_000)],
)
def long_resource_policy(policy: Policy) -> Iterator[Fail]:
    """The service rejects a policy that is longer than its quota.

    False alarm when only white space makes the policy too long and the service does not count it.
    """
    quota, holder = _quota(policy)
    if not quota:
        return
    compact = len(dump(policy).encode("utf-8", "replace"))
    written = len(policy.text.encode("utf-8", "replace")) if policy.text is not None else compact
    if max(compact, written) > quota:
        yield Fail(
            policy.node.where,
            f"the policy has {max(compact, written):,} bytes; {holder} allows at most {quota:,}",
            # AWS does not document for every service whether white space counts.
            low_confidence=compact <= quota,
        )


def _quota(policy: Policy) -> tuple[int, str]:
    """The greatest length of the policy in bytes, and what limits it; 0 when that is unknown."""
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
    # The policy of a VPC endpoint may also list actions of a single service.
    most = max([attachment_types()[VPC_ENDPOINT].most, *known]) if all(known) and known else 0
    return most, f"a resource with {service} actions"


_S3_TYPES = ("AWS::S3::Bucket", "AWS::S3::AccessPoint", "AWS::S3::MultiRegionAccessPoint")
_OWN_ACCOUNT = {"StringEquals": {"s3:ResourceAccount": "111122223333"}}


@check(
    "IRRELEVANT_CONDITION_KEY_IN_POLICY",
    on=Policy,
    severity=Severity.SUGGESTION,
    title="A condition key has the same value in every request for the resource",
    fix="Remove the condition.",
    kinds=_RESOURCE,
    bad=[policy_with(_allow_account("s3:GetObject", OBJECTS, _OWN_ACCOUNT))],
    good=[
        policy_with(_allow_account("s3:GetObject", "*", _OWN_ACCOUNT)),
        policy_with(
            _allow_account(
                "s3:GetObject",
                OBJECTS,
                {"StringEquals": {"aws:PrincipalAccount": "111122223333"}},
            )
        ),
    ],
)
def constant_key(policy: Policy) -> Iterator[Fail]:
    """The bucket or access point that has the policy is always in the same account, so the condition tells no requests apart.

    False alarm when the policy belongs to a VPC endpoint and its resource type was not given.
    """
    for statement in policy.statements:
        if not _is_of_one_bucket(policy, statement):
            continue
        for condition in statement.conditions_on("s3:resourceaccount"):
            yield Fail(
                condition.key.where,
                f"{quoted(condition.key.value)} is always the account of the bucket with this policy",
            )


def _is_of_one_bucket(policy: Policy, statement: Statement) -> bool:
    """Whether the statement is about the bucket that has the policy; without a bucket's name it may be that of an endpoint."""
    if policy.resource_type is not None:
        return policy.resource_type in _S3_TYPES
    arns = [Arn.of(resource.value) for resource in statement.resources]
    return bool(arns) and all(
        arn is not None and arn.service == "s3" and is_literal(arn.resource.partition("/")[0])
        for arn in arns
    )
