"""Policies of the account that are too wide whoever has them: inline and unattached administrators, whole services."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Severity, Status
from aws_iam.engine.language import pattern
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError, NotCollected
from aws_iam.escape import quoted
from aws_iam.tools.audit.evidence.admin_statements import admin_statements
from aws_iam.tools.audit.principals.unused_access import AUTHORIZATION_CALL, not_judged
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.identity.authorization import (
        Authorization,
        Group,
        ManagedPolicy,
        Role,
        User,
    )
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.engine.language.document import Policy, Statement

_MOST_NAMED = 5
_INLINE_PAGE = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html"
)
_ADMIN_PAGE = "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-1"
_SERVICE_PAGE = "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-21"
_KINDS = (("user", "users"), ("group", "groups"), ("role", "roles"))


def wide_policies(account: Account, authorization: Authorization) -> Iterator[Finding]:
    """The findings on inline policies and on the account's own managed policies."""
    for word, kind in _KINDS:
        for holder in getattr(authorization, kind):
            if not getattr(holder, "is_service_linked", False):
                yield from _inline(account, word, holder)
    for policy in authorization.policies:
        # AWS's policies are not the account's to narrow.
        if policy.arn.split(":")[4] != "aws":
            yield from _managed(account, policy)


def _inline(account: Account, word: str, holder: User | Group | Role) -> Iterator[Finding]:
    for inline in holder.inline:
        policy = _parsed(inline.document)
        if policy is None or not _makes_administrator(policy, account):
            continue
        yield Finding(
            code="INLINE_ADMINISTRATOR",
            title="An inline policy makes an administrator",
            severity=Severity.HIGH,
            status=Status.FAIL,
            message=(
                f"inline policy {quoted(inline.name)} of {word} {quoted(holder.name)} allows everything; no control of"
                " the benchmark looks at inline policies"
            ),
            resource=holder.arn,
            fix=(
                f"Attach a managed policy with what the {word} needs first, try it, then: "
                f"aws iam delete-{word}-policy --{word}-name {shlex.quote(holder.name)} --policy-name {shlex.quote(inline.name)}"
            ),
            source=_INLINE_PAGE,
        )


def _managed(account: Account, managed: ManagedPolicy) -> Iterator[Finding]:
    if managed.document is None:
        missing = NotCollected(
            f"the document of policy {quoted(managed.name)} was not sent",
            call=AUTHORIZATION_CALL,
            code="no document",
            hint="Save a new snapshot, or review the policy by hand.",
        )
        title = "A policy of the account could not be read"
        yield not_judged("POLICY_NOT_JUDGED", title, managed.arn, missing, Severity.MEDIUM)
        return
    policy = _parsed(managed.document)
    if policy is None:
        return
    if _makes_administrator(policy, account):
        if not managed.attachments and not managed.boundary_uses:
            yield _unattached(managed)
        return
    services = sorted({name for statement in policy.statements for name in _whole(statement)})
    if services:
        yield _whole_services(managed, services)


def _unattached(managed: ManagedPolicy) -> Finding:
    return Finding(
        code="UNATTACHED_ADMINISTRATOR",
        title="An administrator policy lies ready for whoever may attach it",
        severity=Severity.MEDIUM,
        status=Status.FAIL,
        message=f"policy {quoted(managed.name)} allows everything and is attached to nobody",
        resource=managed.arn,
        fix=(
            "Make sure that no template or pipeline attaches it, then: "
            f"aws iam delete-policy --policy-arn {shlex.quote(managed.arn)} (its older versions first)"
        ),
        source=_ADMIN_PAGE,
    )


def _whole_services(managed: ManagedPolicy, services: list[str]) -> Finding:
    where = "attached" if managed.attachments else "attached to nobody"
    return Finding(
        code="FULL_SERVICE_ACCESS",
        title="A policy allows all of a service on every resource",
        severity=Severity.LOW,
        status=Status.FAIL,
        message=(
            f"policy {quoted(managed.name)} ({where}) allows "
            f"{joined([quoted(f'{service}:*') for service in services], shown=_MOST_NAMED)} on every resource,"
            " with every action that AWS adds later"
        ),
        resource=managed.arn,
        fix="List the actions and resources that are needed; `policy generate` with `events` writes them from recorded use.",
        source=_SERVICE_PAGE,
    )


def _whole(statement: Statement) -> Iterator[str]:
    """The services of which the statement allows every action everywhere."""
    everywhere = any(pattern.covers(resource.value, "arn:*") for resource in statement.resources)
    for action in statement.actions if statement.allows and everywhere else ():
        service, _, name = action.value.partition(":")
        if name and not name.strip("*"):
            yield service.lower()


def _makes_administrator(policy: Policy, account: Account) -> bool:
    try:
        return bool(admin_statements(policy, account))
    except InputError:
        # Too many wildcards: whoever has it is told as not judged.
        return False


def _parsed(text: str) -> Policy | None:
    """The policy; None for one that cannot be read, which is said where its holder is judged."""
    try:
        return one_policy(text)
    except InputError:
        return None
