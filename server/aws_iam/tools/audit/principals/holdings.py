"""The policies that count for a user, group or role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.engine.effective.access import Access
from aws_iam.engine.language.document import Kind
from aws_iam.escape import quoted
from aws_iam.tools.audit.principals.organization_policies import for_principal, settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.account.collect.identity.authorization import Authorization, Group, Role, User
    from aws_iam.engine.effective.escalation import OpenPath
    from aws_iam.tools.audit.principals.organization_policies import Guardrails, Levels

    PathsOf = Callable[[Access], tuple[OpenPath, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """The documents that count for a principal; `unread` names those that are missing."""

    policies: tuple[str, ...]
    boundary: str | None = None
    has_boundary: bool = False
    ceiling: Levels = ()
    """The service control policies over the principal."""
    unread: tuple[str, ...] = ()


def holdings(
    found: Authorization, one: User | Role | Group, over: Guardrails | None = None
) -> Holdings:
    """A principal's documents: inline, attached, its groups', its boundary.

    With the organization's policies those over it are added, and each condition that asks for nothing but who the principal
    is, is decided. A group, which is no principal, has its own documents alone.
    """
    documents = {policy.arn: policy.document for policy in found.policies}
    groups = {group.name: group for group in found.groups}
    holders: list[User | Role | Group] = [one]
    unread: list[str] = []
    for name in getattr(one, "groups", ()):
        if name in groups:
            holders.append(groups[name])
        else:
            unread.append(f"group {quoted(name)}")
    texts = [policy.document for holder in holders for policy in holder.inline]
    for attached in (policy for holder in holders for policy in holder.attached):
        text = documents.get(attached.arn)
        if text is None:
            unread.append(f"policy {quoted(attached.name)}")
        else:
            texts.append(text)
    limit = getattr(one, "boundary", None)
    boundary = documents.get(limit) if limit else None
    if limit and boundary is None:
        unread.append(f"boundary {quoted(limit.rpartition('/')[2])}")
    if over is not None:
        texts = [settled(text, one.arn, over.organization, Kind.IDENTITY) for text in texts]
        boundary = boundary and settled(boundary, one.arn, over.organization, Kind.IDENTITY)
    return Holdings(
        policies=tuple(sorted(set(texts))),
        boundary=boundary,
        has_boundary=limit is not None,
        ceiling=for_principal(over.services, one.arn, over.organization) if over else (),
        unread=tuple(unread),
    )
