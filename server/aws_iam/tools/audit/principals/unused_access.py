"""Roles that nobody assumes, permissions that nobody uses, and users' passwords and keys that nobody uses."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import known
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.answer import Finding, Severity, Status
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.outcomes import reason_of
from aws_iam.tools.audit.controls.judge import judge
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.identity.authorization import Role, User
    from aws_iam.account.collect.identity.last_accessed import IdentityUse
    from aws_iam.account.reading.snapshot import Account

IDLE_DAYS = 90
UNUSED_CREDENTIALS = "credentials_unused"
"""The control on users' passwords and access keys."""
AUTHORIZATION_CALL = "iam:GetAccountAuthorizationDetails"
UNUSED_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html"
_MOST_NAMED = 5
_UNUSED_ROLE = "A role that nobody assumes"
_UNUSED_PERMISSIONS = "Permissions that nobody uses"
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html
_BEFORE_DELETING = "Ask its owner, detach its policies and instance profiles, then"


def unused_role(
    account: Account, role: Role, name: str, *, is_powerful: bool
) -> Iterator[Finding]:
    """A role that nobody has assumed for a long time; for users see `unused_credentials`."""
    since = role.last_used or role.created
    if since is None:
        missing = _without_date(role, f"neither `created` nor `last_used` of {name}")
        yield not_judged("UNUSED_ROLE", _UNUSED_ROLE, role.arn, missing, Severity.LOW)
    elif since <= account.collected_at - timedelta(days=IDLE_DAYS):
        when = (
            f"was last assumed on {role.last_used:%Y-%m-%d}"
            if role.last_used
            else "was never assumed in the period that AWS tracks"
        )
        yield Finding(
            code="UNUSED_ROLE",
            title=_UNUSED_ROLE,
            severity=Severity.MEDIUM if is_powerful else Severity.LOW,
            status=Status.FAIL,
            message=f"{name} {when}",
            resource=role.arn,
            fix=_removal(role),
            source=UNUSED_PAGE,
        )


def _without_date(identity: User | Role, lacking: str) -> NotCollected:
    """The error for an identity whose age a snapshot does not tell: AWS sends the date of every one."""
    return NotCollected(
        f"the snapshot has {lacking}",
        call=AUTHORIZATION_CALL,
        code="no value",
        hint=f"Save a new snapshot, or write the date into it: `created` of {quoted(identity.arn)} in `{AUTHORIZATION.name}`.",
    )


def _removal(role: Role) -> str:
    if role.path.startswith("/aws-reserved/sso.amazonaws.com/"):
        # Only Identity Center may change it: Identity Center User Guide, referencingpermissionsets.
        return "In IAM Identity Center, remove the assignment of its permission set to this account: aws sso-admin delete-account-assignment"
    if _needs_no_quotes(role.name):
        return f"{_BEFORE_DELETING}: aws iam delete-role --role-name {role.name}"
    return f"{_BEFORE_DELETING} delete the role."


def _needs_no_quotes(name: str) -> bool:
    """Whether the name can be used in a command without quoting."""
    return name.replace("-", "").replace("_", "").replace(".", "").isalnum() and name.isascii()


def unused_credentials(account: Account) -> Iterator[Finding]:
    """What the control says of users' passwords and access keys that nobody uses."""
    for finding in judge(account, controls=(UNUSED_CREDENTIALS,)):
        if finding.status in {Status.FAIL, Status.UNKNOWN}:
            yield finding


def unused_permissions(
    account: Account, identity: User | Role, name: str, use: IdentityUse | None
) -> Iterator[Finding]:
    """Services that the identity may use and has not used for a long time."""
    if use is None:
        return
    try:
        services = known(use.services)
    except NotCollected as missing:
        yield _permissions_not_judged(identity.arn, missing)
        return
    limit = account.collected_at - timedelta(days=IDLE_DAYS)
    if identity.created and identity.created > limit:
        # It is newer than the period, so nothing can have been unused for that long.
        return
    idle = [s.service for s in services if s.last_used is None or s.last_used <= limit]
    is_old = identity.created or any(s.last_used and s.last_used <= limit for s in services)
    if idle and not is_old:
        lacking = _without_date(identity, f"no `created` of {name}, which may be new")
        yield _permissions_not_judged(identity.arn, lacking)
    elif idle:
        used = len(services) - len(idle)
        yield Finding(
            code="UNUSED_PERMISSIONS",
            title=_UNUSED_PERMISSIONS,
            severity=Severity.LOW,
            status=Status.FAIL,
            message=(
                f"{name} may use {counted(len(services), 'service')} and used {used} in the last {IDLE_DAYS} days;"
                f" unused: {joined(idle, shown=_MOST_NAMED)}"
            ),
            resource=identity.arn,
            fix="Remove the services that nobody needs from its policies; `audit rightsize` writes the smaller policies.",
            source=UNUSED_PAGE,
        )


def usage_not_read(missing: NotCollected) -> Finding:
    """The finding when nobody's last use could be read."""
    return _permissions_not_judged(None, missing)


def _permissions_not_judged(resource: str | None, missing: NotCollected) -> Finding:
    return not_judged("UNUSED_PERMISSIONS", _UNUSED_PERMISSIONS, resource, missing, Severity.LOW)


def not_judged(
    code: str, title: str, resource: str | None, missing: NotCollected, severity: Severity
) -> Finding:
    """The finding for what could not be judged, with what would make it readable."""
    return Finding(
        code=code,
        title=title,
        severity=severity,
        status=Status.UNKNOWN,
        message=f"could not be judged: {missing.message}",
        reason=reason_of(missing),
        resource=resource,
        fix=f"Allow {missing.permission}."
        if missing.refused and missing.permission
        else missing.hint or "Read the account again.",
        source=UNUSED_PAGE,
    )
