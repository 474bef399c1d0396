"""IAM Access Analyzer's ValidatePolicy: one policy asked about, AWS's findings as plain values.

The call reads nothing of the account: it judges the text that it is given.
https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicy.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.account.calls.aws import client_config, make_client
from aws_iam.account.calls.failures import FAILURES, calling, miss_of
from aws_iam.account.session.connect import checked_regions, connect, home_region

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.fact import Miss
    from aws_iam.account.session.connect import Source

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
"""The resources that AWS has checks of their own for; any other resource policy is sent without its type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What AWS is asked: the document, `policyType`, and `validatePolicyResourceType` or nothing."""

    document: str
    policy_type: str
    resource_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One finding of AWS; `places` are paths into the document, each a list of keys and indexes."""

    code: str
    type: str
    details: str
    link: str
    places: tuple[tuple[str | int, ...], ...]


class Analyzer:
    """Access Analyzer in one Region, asked one policy at a time."""

    def __init__(self, client: Any, region: str) -> None:
        self.region = region
        self._client = client

    def ask(self, question: Question) -> tuple[Remark, ...] | Miss:
        """AWS's findings on the policy, or why there are none to be had; AwsError when nothing more can be read."""
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
                found = [each for page in pages for each in page.get("findings", ())]
        except FAILURES as error:
            return miss_of(error, OPERATION, self.region, "")
        return tuple(map(_remark, found))


def analyzer(source: Source) -> Analyzer:
    """Access Analyzer for the account arguments; one Region is as good as another, so one is asked."""
    session = connect(source)
    regions = checked_regions(session, source.regions or ())
    region = home_region(session, regions)
    return Analyzer(make_client(session, "accessanalyzer", region, client_config()), region)


def _remark(finding: dict[str, Any]) -> Remark:
    return Remark(
        code=finding.get("issueCode", ""),
        type=finding.get("findingType", ""),
        details=finding.get("findingDetails", ""),
        link=finding.get("learnMoreLink", ""),
        places=tuple(tuple(_path(each)) for each in finding.get("locations", ())),
    )


def _path(location: dict[str, Any]) -> Iterator[str | int]:
    """The keys and indexes; `key` is a key itself, which stands where its value does, `substring` a part of a text."""
    for element in location.get("path", ()):
        for name in ("value", "key", "index"):
            if name in element:
                yield element[name]
