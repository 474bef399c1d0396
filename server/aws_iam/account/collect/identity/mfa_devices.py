"""Virtual MFA devices that are assigned to a user or to root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import many
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class VirtualMfaDevice:
    """A virtual MFA device that is assigned; root may have several, under any name."""

    serial: str
    user_arn: str | None = None

    @property
    def is_root(self) -> bool:
        """Whether it is the root user's: by its owner, or by the historic serial number."""
        owner = self.user_arn or ""
        return owner.endswith(":root") or self.serial.endswith(":mfa/root-account-mfa-device")


VIRTUAL_MFA = many("iam.virtual_mfa", VirtualMfaDevice)


@collector(VIRTUAL_MFA, "iam:ListVirtualMFADevices")
def virtual_mfa(aws: Aws) -> tuple[VirtualMfaDevice, ...]:
    """The virtual MFA devices that are assigned, root's included."""
    listed = aws.items(
        "iam:ListVirtualMFADevices", "VirtualMFADevices", AssignmentStatus="Assigned"
    )
    devices = (
        VirtualMfaDevice(serial=data["SerialNumber"], user_arn=data.get("User", {}).get("Arn"))
        for data in listed
    )
    return tuple(sorted(devices, key=lambda device: device.serial))
