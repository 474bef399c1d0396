"""EBS and EFS: whether volumes and file systems are encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import many_in, one_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class EbsDefault:
    """Whether the Region encrypts new EBS volumes by default."""

    encrypted: bool


@slotted
class FileSystem:
    """An EFS file system."""

    id: str
    arn: str
    encrypted: bool


EBS_DEFAULT = one_in("ec2.ebs_default", EbsDefault)
FILE_SYSTEMS = many_in("efs.file_systems", FileSystem)


@collector_in(EBS_DEFAULT, "ec2:GetEbsEncryptionByDefault")
def ebs_default(aws: Aws, region: str) -> EbsDefault:
    """Whether new volumes are encrypted by default."""
    answer = aws.need("ec2:GetEbsEncryptionByDefault", region=region)
    return EbsDefault(encrypted=answer.get("EbsEncryptionByDefault", False))


@collector_in(FILE_SYSTEMS, "efs:DescribeFileSystems")
def file_systems(aws: Aws, region: str) -> tuple[FileSystem, ...]:
    """The file systems and whether they are encrypted, which cannot be changed later."""
    systems = (
        FileSystem(
            id=system["FileSystemId"],
            arn=system.get("FileSystemArn", ""),
            encrypted=system.get("Encrypted", False),
        )
        for system in aws.items("efs:DescribeFileSystems", "FileSystems", region=region)
    )
    return tuple(sorted(systems, key=lambda file_system: file_system.id))
