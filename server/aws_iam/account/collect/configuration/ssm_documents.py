"""The account's own documents of Systems Manager: commands and automations, with what is written into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.collector import collector_in
from aws_iam.account.collect.configuration.holder import TextHolder, exposed_text
from aws_iam.account.collect.fact import many_in

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws
    from aws_iam.account.names.sensitive import Variable

SSM_DOCUMENTS = many_in("ssm.documents", TextHolder)
_LIST = "ssm:ListDocuments"
_GET = "ssm:GetDocument"
_GONE = ("InvalidDocument",)


@collector_in(SSM_DOCUMENTS, _LIST, _GET)
def ssm_documents(aws: Aws, region: str) -> tuple[TextHolder, ...]:
    """What looks like a secret in each document that the account owns."""
    owned = [{"Key": "Owner", "Values": ["Self"]}]
    listed = aws.items(_LIST, "DocumentIdentifiers", region=region, Filters=owned)
    names = sorted(data["Name"] for data in listed)
    read = aws.read_each(lambda name: _exposed(aws, region, name), names, _GET)
    prefix = f"arn:{aws.partition}:ssm:{region}:{aws.account}:document"
    return tuple(
        TextHolder(arn=f"{prefix}/{name}", name=name, exposed=exposed)
        for name, exposed in zip(names, read, strict=True)
    )


def _exposed(aws: Aws, region: str, name: str) -> tuple[Variable, ...]:
    answer = aws.get(_GET, region=region, absent=_GONE, Name=name) or {}
    return exposed_text(answer.get("Content") or "", _GET, region)
