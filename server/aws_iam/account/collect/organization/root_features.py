"""How the organization manages the root users of its member accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import RefusedError, maybe
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class RootFeatures:
    """Central management of root credentials: `RootCredentialsManagement`, `RootSessions`."""

    features: tuple[str, ...] = ()
    trusted_access: bool = True


ROOT_FEATURES = maybe("iam.root_features", RootFeatures)
"""None: the account is in no organization."""
# An organization without all features has no trusted access:
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_getting-started_concepts.html#feature-set
_NO_TRUSTED_ACCESS = (
    "ServiceAccessNotEnabledException",
    "OrganizationNotInAllFeaturesModeException",
)


@collector(ROOT_FEATURES, "iam:ListOrganizationsFeatures")
def root_features(aws: Aws) -> RootFeatures | None:
    """How the organization manages the root users of its members; None outside an organization."""
    try:
        answer = aws.get(
            "iam:ListOrganizationsFeatures", absent=("OrganizationNotFoundException",)
        )
    except RefusedError as refused:
        if refused.miss.code not in _NO_TRUSTED_ACCESS:
            raise
        return RootFeatures(trusted_access=False)
    if answer is None:
        return None
    return RootFeatures(features=tuple(sorted(answer.get("EnabledFeatures", ()))))
