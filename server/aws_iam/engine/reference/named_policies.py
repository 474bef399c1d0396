"""Policies that people name rather than write: those of AWS, and the two that Organizations attaches everywhere at first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from aws_iam.engine.reference.managed_policies import managed_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

FULL_ACCESS: Final[Mapping[str, str]] = {"scp": "FullAWSAccess", "rcp": "RCPFullAWSAccess"}
"""The policy that Organizations attaches everywhere at first, by its layer: it allows everything."""
_NAME = re.compile(r"[A-Za-z][\w+=@-]{2,127}")
_ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_OF_ORGANIZATIONS = {
    FULL_ACCESS["scp"]: _ALLOW_ALL,
    FULL_ACCESS["rcp"]: {**_ALLOW_ALL, "Principal": "*"},
}


def policy_named(text: str) -> Any:
    """The document or the ARN of the policy that a name means; None where the text is no such name."""
    if not _NAME.fullmatch(text):
        return None
    if text in _OF_ORGANIZATIONS:
        return {"Version": "2012-10-17", "Statement": [_OF_ORGANIZATIONS[text]]}
    policy = managed_policy(text)
    return policy.arn if policy else None
