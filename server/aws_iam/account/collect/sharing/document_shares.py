"""With whom the account's own documents of Systems Manager are shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.fact import Miss, many_in
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws


@slotted
class DocumentShare:
    """A document, and the ids of the accounts that may use it; `all` stands for everyone."""

    arn: str
    accounts: tuple[str, ...] | Miss

    @property
    def name(self) -> str:
        """The document's name."""
        return self.arn.rpartition("/")[2]


DOCUMENT_SHARES = many_in("ssm.document_shares", DocumentShare)
EVERYONE = "all"
"""https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeDocumentPermission.html."""
_LIST = "ssm:ListDocuments"
_SHARED = "ssm:DescribeDocumentPermission"


@collector_in(DOCUMENT_SHARES, _LIST, _SHARED)
def document_shares(aws: Aws, region: str) -> tuple[DocumentShare, ...]:
    """The shares of each document that the account owns."""

    def accounts(name: str) -> tuple[str, ...]:
        listed = aws.items(_SHARED, "AccountIds", region=region, Name=name, PermissionType="Share")
        return tuple(sorted(listed))

    owned = [{"Key": "Owner", "Values": ["Self"]}]
    listed = aws.items(_LIST, "DocumentIdentifiers", region=region, Filters=owned)
    names = sorted(data["Name"] for data in listed)
    prefix = f"arn:{aws.partition}:ssm:{region}:{aws.account}:document"
    return tuple(
        DocumentShare(arn=f"{prefix}/{name}", accounts=shared)
        for name, shared in zip(names, aws.read_each(accounts, names, _SHARED), strict=True)
    )
