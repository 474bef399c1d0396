"""What to do about a user or role that nobody uses, in an order that can be turned back until the last step.

Attempts count as use even where they are denied: after the first step AWS's own record tells whether anyone still tries.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.identity.authorization import Role
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.identity.authorization import User
    from aws_iam.tools.audit.rightsize.judged_principals import JudgedPrincipal
    from aws_iam.tools.audit.rightsize.recorded_use import Window

_FOR_EMERGENCIES = re.compile(r"break.?glass|emergency|fire.?call|rescue|disaster", re.IGNORECASE)
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access-cross-account-role.html
_OF_ORGANIZATIONS = "OrganizationAccountAccessRole"
# A job that runs once a year has been due once in it.
_YEAR = 366
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
_OF_USERS = {
    "list-access-keys": "delete-access-key",
    "list-signing-certificates": "delete-signing-certificate",
    "list-ssh-public-keys": "delete-ssh-public-key",
    "list-service-specific-credentials": "delete-service-specific-credential",
    "list-mfa-devices": "deactivate-mfa-device, then delete-virtual-mfa-device if it is virtual,",
}
"""How to list what has to go before a user can, beside its policies, and how each of that goes."""


def unused_steps(principal: JudgedPrincipal, window: Window) -> tuple[dict[str, Any], ...]:
    """The steps: whatever was used once, or waits for an emergency, is never deleted."""
    identity = principal.identity
    if why := why_for_emergencies(identity):
        return ({"step": "keep", "why": f"{why}: try it, and let its use raise an alarm"},)
    kind = principal.kind
    policy = f"arn:{identity.arn.split(':')[1]}:iam::aws:policy/AWSDenyAll"
    name = f"--{kind}-name {shlex.quote(identity.name)}"
    steps: list[dict[str, Any]] = [
        {
            "step": "disable",
            "why": "everything is denied, and one command turns that back",
            "commands": [f"aws iam attach-{kind}-policy {name} --policy-arn {policy}"],
            "rollback": f"aws iam detach-{kind}-policy {name} --policy-arn {policy}",
        },
        {
            "step": "watch",
            "why": f"attempts are recorded although they are denied: look again after {_watch_days(principal, window)} days",
            "commands": [
                f"aws iam generate-service-last-accessed-details --arn {shlex.quote(identity.arn)}",
                'aws iam get-service-last-accessed-details --job-id "$JOB_ID"',
            ],
        },
    ]
    if doubts := tuple(_doubts(principal)):
        steps.append({"step": "ask", "why": f"{' and '.join(doubts)}: only its owner knows"})
    else:
        why = "only when nobody has tried to use it, and its owner agrees: this cannot be turned back"
        steps.append({"step": "delete", "why": why, "commands": list(_deletion(identity, policy))})
    return tuple(steps)


def _doubts(principal: JudgedPrincipal) -> Iterator[str]:
    """Why it must not be deleted on what AWS records."""
    if principal.last_used:
        yield f"it was used on {principal.last_used:%Y-%m-%d}, perhaps by a job that runs once a year"
    if principal.holders:
        yield f"{joined(principal.holders)} may need it"
    if principal.access and principal.access.untracked:
        yield "it may open connections, to a database for one, of which AWS keeps no record"


def why_for_emergencies(identity: User | Role) -> str:
    """What tells that it is for emergencies, if anything: such an identity is unused until the day on which it is needed."""
    if isinstance(identity, Role) and identity.name == _OF_ORGANIZATIONS:
        return "the organization's management account can enter by it when nobody else can"
    if _FOR_EMERGENCIES.search(identity.arn.rpartition(":")[2]):
        return "its name says that it is for emergencies"
    return ""


def _watch_days(principal: JudgedPrincipal, window: Window) -> int:
    return _YEAR if principal.last_used else window.days


def _deletion(identity: User | Role, deny: str) -> Iterator[str]:
    kind = "role" if isinstance(identity, Role) else "user"
    name = f"--{kind}-name {shlex.quote(identity.name)}"
    if not isinstance(identity, Role):
        yield f"aws iam delete-login-profile {name}  # if it has a password"
        for listed, delete in _OF_USERS.items():
            yield f"aws iam {listed} {name}  # {delete} for each"
        for group in identity.groups:
            yield f"aws iam remove-user-from-group --group-name {shlex.quote(group)} {name}"
    for inline in identity.inline:
        yield f"aws iam delete-{kind}-policy {name} --policy-name {shlex.quote(inline.name)}"
    for attached in identity.attached:
        if attached.arn != deny:
            yield f"aws iam detach-{kind}-policy {name} --policy-arn {shlex.quote(attached.arn)}"
    # As long as anything is left that allows something, everything stays denied.
    yield f"aws iam detach-{kind}-policy {name} --policy-arn {deny}"
    yield f"aws iam delete-{kind} {name}"
