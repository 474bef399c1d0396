"""Issue codes of ValidatePolicy that are not raised here, each with the reason; every other one has a rule."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping


@slotted
class NotOffline:
    """Why a code is not raised, and the page that shows it."""

    reason: str
    source: str


NOT_OFFLINE: Mapping[str, NotOffline] = MappingProxyType(
    {
        "DEPRECATED_GLOBAL_CONDITION_KEY": NotOffline(
            reason="it is about `aws:ARN` alone, as UNSUPPORTED_GLOBAL_CONDITION_KEY is: that one, which is an error, is"
            " raised, and where AWS gives the milder one is not documented",
            source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
            "#access-analyzer-reference-policy-checks-general-warning-deprecated-global-condition-key",
        ),
        "SCP_SYNTAX_ERROR_ACTION_WILDCARD": NotOffline(
            reason="it says that a wildcard may only end an action of a service control policy; by the page of their syntax"
            " `*` and `?` may stand anywhere in it",
            source="https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html",
        ),
    }
)
"""By code."""
