"""IAM Access Analyzer's ValidatePolicy: AWS's findings on one policy as plain values.

The call does not read the account: it judges the text that it is sent.
https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicy.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.calls.clients import client_config, make_client
from aws_iam.account.calls.failures import FAILURES, calling, miss_of
from aws_iam.account.session.connect import checked_regions, connect, home_region
from aws_iam.account.session.permitted import regions_of
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.fact import Miss
    from aws_iam.account.session.account_arguments import AccountArguments

OPERATION = "accessanalyzer:ValidatePolicy"
PERMISSION = "access-analyzer:ValidatePolicy"
RESOURCE_TYPES = frozenset(
    {
        "AWS::S3::Bucket",
        "AWS::S3::AccessPoint",
        "AWS::S3::MultiRegionAccessPoint",
        "AWS::S3ObjectLambda::AccessPoint",
        "AWS::IAM::AssumeRolePolicyDocument",
        "AWS::DynamoDB::Table",
    }
)
"""The resource types with checks of their own; the policy of any other resource is sent without its type."""


@slotted
class ValidationRequest:
    """A request: the document, `policyType`, and `validatePolicyResourceType` or nothing."""

    document: str
    policy_type: str
    resource_type: str = ""


@slotted
class PolicyFinding:
    """One finding of AWS; `places` are paths into the document, each a list of keys and indexes."""

    code: str
    type: str
    details: str
    link: str
    places: tuple[tuple[str | int, ...], ...]


class PolicyValidator:
    """Access Analyzer in one Region."""

    def __init__(self, client: Any, region: str) -> None:
        self.region = region
        self._client = client

    def ask(self, question: ValidationRequest) -> tuple[PolicyFinding, ...] | Miss:
        """AWS's findings on the policy, or why it could not be validated; AwsError when no further call will work."""
        arguments = {
            "locale": "EN",
            "policyDocument": question.document,
            "policyType": question.policy_type,
        }
        if question.resource_type:
            arguments["validatePolicyResourceType"] = question.resource_type
        try:
            pages = self._client.get_paginator("validate_policy").paginate(**arguments)
            with calling():
                findings = [finding for page in pages for finding in page.get("findings", ())]
        except FAILURES as error:
            return miss_of(error, OPERATION, self.region, "")
        return tuple(map(_remark, findings))


def policy_validator(source: AccountArguments) -> PolicyValidator:
    """Access Analyzer for the account arguments, in one Region: they all answer the same."""
    session = connect(source)
    regions = checked_regions(session, regions_of(source))
    region = home_region(session, regions)
    return PolicyValidator(make_client(session, "accessanalyzer", region, client_config()), region)


def _remark(finding: dict[str, Any]) -> PolicyFinding:
    return PolicyFinding(
        code=finding.get("issueCode", ""),
        type=finding.get("findingType", ""),
        details=finding.get("findingDetails", ""),
        link=finding.get("learnMoreLink", ""),
        places=tuple(tuple(_path(location)) for location in finding.get("locations", ())),
    )


def _path(location: dict[str, Any]) -> Iterator[str | int]:
    """The keys and indexes of a location; `key` is the key itself instead of its value, `substring` part of a text."""
    for element in location.get("path", ()):
        for name in ("value", "key", "index"):
            if name in element:
                yield element[name]
