"""The resources of Terraform that values refer to: their addresses, as names of a side begin.

referenced_address("${aws_iam_group.g.name}", "prod aws_iam_group_membership.m")   →   "prod aws_iam_group.g"
"""

from __future__ import annotations

import re

_REFERENCE = re.compile(r"\$\{(?P<address>.+)\.\w+\}")


def referenced_address(value: str, holder: str) -> str:
    """The address of what a value of a resource refers to, beside that resource; empty for a name that is known."""
    found = _REFERENCE.fullmatch(value)
    start = holder.rpartition(" ")[0]
    return f"{start} {found['address']}".strip() if found else ""
