"""Users whose MFA is an app: its codes can be phished, and its seed copied, which those of hardware cannot."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.mfa_devices import VIRTUAL_MFA
from aws_iam.answer import Finding, Severity, Status
from aws_iam.escape import quoted
from aws_iam.tools.audit.principals.unused_access import not_judged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.account.reading.snapshot import Account

_CODE = "VIRTUAL_MFA"
_TITLE = "A user's MFA is an app, not a hardware device"
_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa.html"
_FIX = (
    "Have the user register a security key or a passkey in the console (My security credentials) and sign in with it once; "
    "then remove the app: aws iam deactivate-mfa-device --user-name {user} --serial-number {serial}"
)


def virtual_mfa(account: Account, is_powerful: Callable[[str], bool]) -> Iterator[Finding]:
    """A finding for each user that has a virtual device; for root, see the control `root_hardware_mfa`."""
    devices = account.get(VIRTUAL_MFA)
    if isinstance(devices, Miss):
        yield not_judged(_CODE, _TITLE, None, devices.error(), Severity.LOW)
        return
    for device in devices:
        user = device.user_arn or ""
        if device.is_root or not user:
            continue
        powerful = is_powerful(user)
        name = user.rpartition("/")[2]
        yield Finding(
            code=_CODE,
            title=_TITLE,
            severity=Severity.MEDIUM if powerful else Severity.LOW,
            status=Status.FAIL,
            message=f"user {quoted(name)} uses a virtual MFA device"
            + (", and has or can take administrator rights" if powerful else ""),
            resource=user,
            fix=_FIX.format(user=shlex.quote(name), serial=shlex.quote(device.serial)),
            source=_PAGE,
        )
