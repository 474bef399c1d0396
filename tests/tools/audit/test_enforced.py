"""The audit as a caller who may do what `assets/audit-policy.json` allows, and nothing else: moto over HTTP, IAM enforced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.core.authorization import enable_iam_authentication

from aws_iam import resources
from aws_iam.account.collect.catalogue import FACTS
from aws_iam.account.collect.fact import MissKind
from aws_iam.account.reading.snapshot import load
from aws_iam.answer import Status
from aws_iam.tools.audit.actions import tool
from helpers.caller import calls_to, forget
from helpers.faulty_server import Faulty, faulty

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Answer

pytestmark = pytest.mark.process

REGIONS = ["us-east-1", "eu-west-1"]
# What moto refuses although the policy allows it: it checks signatures of these services wrongly, asks for another
# action than AWS does, or has no such service.
MOTO_REFUSES = {
    "accessanalyzer",
    "account",
    "apigateway",
    "apigatewayv2",
    "cloudfront",
    "cloudwatch",
    "efs",
    "eks",
    "glacier",
    "lambda",
    "macie2",
    "s3control",
    "securityhub",
    "sso",
}
# `no root row` in its credential report, Regions that were not named, and the organization's features.
MOTO_LACKS = {"iam", "config"}
# AWS asks for s3:GetBucketPublicAccessBlock, moto for an action of the operation's name.
MOTO_MISNAMES = ["s3", "GetPublicAccessBlock"]


@pytest.fixture(scope="module")
def server() -> Iterator[Faulty]:
    with faulty() as running, pytest.MonkeyPatch.context() as patch:
        calls_to(running.url, patch)
        forget(running.url)
        yield running
        forget(running.url)


@pytest.fixture(scope="module")
def auditor(server: Faulty) -> tuple[str, str]:
    """The keys of a user who has the shipped policy and nothing else, in an account with a few things in it."""
    assert server.url
    session = boto3.Session("test", "test", region_name="us-east-1")
    made: Any = session.client
    made("s3").create_bucket(Bucket="logs")
    made("cloudtrail").create_trail(Name="main", S3BucketName="logs", IsMultiRegionTrail=True)
    made("cloudtrail").start_logging(Name="main")
    made("kms").create_key()
    made("sqs").create_queue(QueueName="jobs")
    made("iam").create_user(UserName="auditor")
    made("iam").put_user_policy(
        UserName="auditor",
        PolicyName="audit",
        PolicyDocument=resources.text("assets/audit-policy.json"),
    )
    key = made("iam").create_access_key(UserName="auditor")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


@pytest.fixture(scope="module")
def audited(
    auditor: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Answer, Account]:
    file: Path = tmp_path_factory.mktemp("enforced") / "account.json"
    with pytest.MonkeyPatch.context() as patch, enable_iam_authentication():
        patch.setenv("AWS_ACCESS_KEY_ID", auditor[0])
        patch.setenv("AWS_SECRET_ACCESS_KEY", auditor[1])
        patch.setattr("aws_iam.account.calls.clients.ATTEMPTS", 1)
        answer = tool.run({"regions": REGIONS, "save": str(file)}, cli=True)
    return answer, load(file)


def test_everything_readable_is_read(audited: tuple[Answer, Account]) -> None:
    _, account = audited
    assert account.caller_arn.endswith(":user/auditor")
    refused = {
        (miss.call.partition(":")[0], miss.call)
        for miss in account.misses()
        if miss.kind is MissKind.DENIED
    }
    assert {call for service, call in refused if service not in MOTO_REFUSES} == set()
    read = {name for (name, _), value in account.facts.items() if not _is_miss(value)}
    assert read >= {"iam.authorization", "cloudtrail.trails", "kms.keys", "sqs.policies"}
    assert read >= {"ec2.security_groups", "s3.bucket_policies", "iam.credential_report"}
    assert read <= set(FACTS)


def _is_miss(value: object) -> bool:
    return type(value).__name__ == "Miss"


def test_what_was_refused_is_unknown_and_nothing_else(audited: tuple[Answer, Account]) -> None:
    answer, _ = audited
    for finding in answer.findings:
        if finding.status is Status.UNKNOWN:
            call = (finding.reason or "").replace(" ", ":").split(":")[:2]
            assert call[0] in MOTO_REFUSES | MOTO_LACKS or call == MOTO_MISNAMES, finding.reason
    judged = {finding.status for finding in answer.findings}
    assert {Status.PASS, Status.FAIL} <= judged


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("iam", "create_user", {"UserName": "x"}),
        ("iam", "create_access_key", {"UserName": "auditor"}),
        ("iam", "attach_user_policy", {"UserName": "auditor", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        ("ec2", "create_security_group", {"GroupName": "x", "Description": "x"}),
        ("s3", "create_bucket", {"Bucket": "mine-alone"}),
        ("s3", "list_objects_v2", {"Bucket": "logs"}),
        ("sqs", "delete_queue", {"QueueUrl": "https://queue/123456789012/jobs"}),
        ("sts", "assume_role", {"RoleArn": "arn:aws:iam::123456789012:role/x", "RoleSessionName": "xx"}),
        ("rds", "delete_db_instance", {"DBInstanceIdentifier": "x"}),
    ],
)  # fmt: skip
def test_nothing_else_is_allowed(
    auditor: tuple[str, str], service: str, operation: str, arguments: dict[str, Any]
) -> None:
    session = boto3.Session(*auditor, region_name="us-east-1")
    client: Any = session.client(service)  # type: ignore[call-overload]
    with enable_iam_authentication(), pytest.raises(ClientError) as refused:
        getattr(client, operation)(**arguments)
    error = refused.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert error["Error"]["Code"] in {"AccessDenied", "UnauthorizedOperation", "403"}
