"""The policies that apply to a user, group or role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Kind
from aws_iam.escape import quoted
from aws_iam.tools.audit.principals.organization_policies import (
    levels_for_principal,
    policy_for_principal,
)

if TYPE_CHECKING:
    from aws_iam.account.collect.identity.authorization import Authorization, Group, Role, User
    from aws_iam.tools.audit.principals.organization_policies import Guardrails, Levels


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectivePolicies:
    """The policy documents that apply to a principal; `unread` names those that could not be read."""

    documents: tuple[str, ...]
    """Its identity policies: inline, attached and its groups'."""
    boundary: str | None = None
    has_boundary: bool = False
    scps: Levels = ()
    """The service control policies that apply to it."""
    unread: tuple[str, ...] = ()


def effective_policies(
    authorization: Authorization,
    identity: User | Role | Group,
    guardrails: Guardrails | None = None,
) -> EffectivePolicies:
    """The policies of a user or role, with those of its groups and its boundary; of a group, its own.

    With `guardrails`, the service control policies are added, and conditions on nothing but the principal are decided.
    """
    managed = {policy.arn: policy.document for policy in authorization.policies}
    groups = {group.name: group for group in authorization.groups}
    holders: list[User | Role | Group] = [identity]
    unread: list[str] = []
    for name in getattr(identity, "groups", ()):
        if name in groups:
            holders.append(groups[name])
        else:
            unread.append(f"group {quoted(name)}")
    texts = [policy.document for holder in holders for policy in holder.inline]
    for attached in (policy for holder in holders for policy in holder.attached):
        text = managed.get(attached.arn)
        if text is None:
            unread.append(f"policy {quoted(attached.name)}")
        else:
            texts.append(text)
    boundary_arn = getattr(identity, "boundary", None)
    boundary = managed.get(boundary_arn) if boundary_arn else None
    if boundary_arn and boundary is None:
        unread.append(f"boundary {quoted(boundary_arn.rpartition('/')[2])}")
    if guardrails is not None:
        texts = [
            policy_for_principal(text, identity.arn, guardrails.organization, Kind.IDENTITY)
            for text in texts
        ]
        boundary = boundary and policy_for_principal(
            boundary, identity.arn, guardrails.organization, Kind.IDENTITY
        )
    return EffectivePolicies(
        documents=tuple(sorted(set(texts))),
        boundary=boundary,
        has_boundary=boundary_arn is not None,
        scps=levels_for_principal(guardrails.scps, identity.arn, guardrails.organization)
        if guardrails
        else (),
        unread=tuple(unread),
    )
