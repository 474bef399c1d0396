"""How long a policy may be, by its kind, and how AWS counts.

quota_of(policy)                →   Quota(most=6_144, what="managed policy", …); None for a resource whose limit is unknown
characters(text, quota)         →   its characters as AWS counts them
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from aws_iam.engine.language.document import Kind
from aws_iam.engine.reference.attachment_types import attachment_type
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.language.document import Policy
    from aws_iam.engine.reference.attachment_types import AttachmentType

IAM_QUOTAS: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
ORGANIZATIONS_QUOTAS: Final = (
    "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"
)

MANAGED = 6_144
"""Characters of a managed policy, white space apart."""
INLINE: Final[Mapping[str, int]] = {"role": 10_240, "user": 2_048, "group": 5_120}
"""Characters of all inline policies of an identity together, white space apart."""
RAISED_TRUST = 8_192
"""Characters to which the quota of trust policies, as no other, can be raised."""
SESSION = 2_048
"""Characters of a session policy and the ARNs of managed session policies together."""
MOST_ATTACHED = 10
"""Managed policies that a user or a group can have attached, unless the quota was raised."""
MOST_ATTACHED_TO_ROLE = 20


@slotted
class Quota:
    """The longest policy of a kind, and how many policies can be attached together; 1 where it cannot be split."""

    most: int
    what: str
    source: str
    counts_space: bool = False
    in_bytes: bool = False
    together: int = 1
    # Actions of one statement; 0 where nothing limits them.
    most_actions: int = 0


QUOTAS: Final[Mapping[Kind, Quota]] = {
    Kind.IDENTITY: Quota(
        most=MANAGED, what="a managed policy", source=IAM_QUOTAS, together=MOST_ATTACHED
    ),
    Kind.BOUNDARY: Quota(most=MANAGED, what="a permissions boundary", source=IAM_QUOTAS),
    Kind.SESSION: Quota(
        most=SESSION, what="a session policy", source=IAM_QUOTAS, counts_space=True
    ),
    Kind.TRUST: Quota(most=2_048, what="a trust policy", source=IAM_QUOTAS),
    Kind.SCP: Quota(
        most=10_240,
        what="a service control policy",
        source=ORGANIZATIONS_QUOTAS,
        counts_space=True,
        together=10,
    ),
    Kind.RCP: Quota(
        most=5_120,
        what="a resource control policy",
        source=ORGANIZATIONS_QUOTAS,
        counts_space=True,
        # RCPFullAWSAccess is always attached, and counts.
        together=4,
    ),
}

# Assumed when the caller gives no `resource_type`: a policy with actions of this service only is attached to this type.
_LIKELY_RESOURCE_TYPES = {
    "s3": "AWS::S3::Bucket",
    "kms": "AWS::KMS::Key",
    "sqs": "AWS::SQS::Queue",
}


def quota_of(policy: Policy) -> Quota | None:
    """The quota of a policy's kind; None for a resource policy whose limit is not known."""
    if policy.kind is not Kind.RESOURCE:
        return QUOTAS[policy.kind]
    target = attached_to(policy)
    if target is None or not target.most:
        return None
    return Quota(
        most=target.most,
        what=f"a policy of `{target.name}`",
        source=target.quota_source,
        counts_space=True,
        in_bytes=True,
        most_actions=target.most_actions,
    )


def attached_to(policy: Policy) -> AttachmentType | None:
    """The type of resource that a resource policy is attached to; None if unknown."""
    if policy.resource_type:
        return attachment_type(policy.resource_type)
    actions = [entry.value for statement in policy.statements for entry in statement.actions]
    services = {action.lower().partition(":")[0] for action in actions}
    return (
        attachment_type(_LIKELY_RESOURCE_TYPES.get(services.pop())) if len(services) == 1 else None
    )


def compact(value: Mapping[str, Any]) -> str:
    """The value as JSON without white space between its parts."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def without_space(text: str) -> str:
    """The text that IAM counts: all but white space."""
    return "".join(text.split())


def characters(text: str, quota: Quota) -> int:
    """The characters of a policy as AWS counts them, or its bytes."""
    counted = text if quota.counts_space else without_space(text)
    return len(counted.encode("utf-8", errors="replace")) if quota.in_bytes else len(counted)


def size(value: Mapping[str, Any]) -> int:
    """The characters of a policy's JSON that IAM counts."""
    return len(without_space(compact(value)))
