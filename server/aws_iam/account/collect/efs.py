"""EFS: file systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.facts.storage import FILE_SYSTEMS, FileSystem

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@collector_in(FILE_SYSTEMS, "efs:DescribeFileSystems")
def file_systems(aws: Aws, region: str) -> tuple[FileSystem, ...]:
    """The file systems and whether they are encrypted, which cannot be changed later."""
    found = (
        FileSystem(
            id=system["FileSystemId"],
            arn=system.get("FileSystemArn", ""),
            encrypted=system.get("Encrypted", False),
        )
        for system in aws.pages("efs:DescribeFileSystems", "FileSystems", region=region)
    )
    return tuple(sorted(found, key=lambda each: each.id))
