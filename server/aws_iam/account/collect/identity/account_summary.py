"""The counters of the account: users, and what root has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector
from aws_iam.account.collect.fact import one
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class Summary:
    """`GetAccountSummary`: current, whereas the credential report may be four hours old."""

    root_mfa: bool
    root_access_keys: int = 0
    root_password: bool | None = None
    """None: the summary does not say, which is not the same as no password."""
    root_certificates: int = 0
    users: int | None = None


SUMMARY = one("iam.summary", Summary)


@collector(SUMMARY, "iam:GetAccountSummary")
def summary(aws: Aws) -> Summary:
    """The counters of the account."""
    counts = aws.need("iam:GetAccountSummary")["SummaryMap"]
    password = counts.get("AccountPasswordPresent")
    return Summary(
        root_mfa=counts["AccountMFAEnabled"] > 0,
        root_access_keys=counts["AccountAccessKeysPresent"],
        root_password=None if password is None else password > 0,
        root_certificates=counts.get("AccountSigningCertificatesPresent", 0),
        users=counts.get("Users"),
    )
