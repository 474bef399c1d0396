"""AWS partitions: separate clouds whose ARNs never meet, told apart by the names of their Regions."""

from __future__ import annotations

import re

# Region name patterns as in the AWS SDKs' partition metadata (botocore 1.44, `partitions.json`).
_REGIONS = {
    "aws": r"(?:us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-[1-9][0-9]?",
    "aws-cn": r"cn-[a-z]+-[1-9][0-9]?",
    "aws-us-gov": r"us-gov-[a-z]+-[1-9][0-9]?",
    "aws-iso": r"us-iso-[a-z]+-[1-9][0-9]?",
    "aws-iso-b": r"us-isob-[a-z]+-[1-9][0-9]?",
    "aws-iso-e": r"eu-isoe-[a-z]+-[1-9][0-9]?",
    "aws-iso-f": r"us-isof-[a-z]+-[1-9][0-9]?",
    "aws-eusc": r"eusc-[a-z]{2}-[a-z]+-[1-9][0-9]?",
}


def partition_of(region: str) -> str | None:
    """The partition that a Region of this name belongs to, None for a name no partition gives."""
    return next((name for name, names in _REGIONS.items() if re.fullmatch(names, region)), None)
