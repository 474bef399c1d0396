"""Answers that AWS never gives, as they come over the wire: a proxy's page, nothing at all, JSON of another shape."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse

from aws_iam.account.calls import clients as making
from aws_iam.account.calls.aws import Aws
from aws_iam.account.calls.clients import Clients
from aws_iam.account.collect.catalogue import COLLECTORS
from aws_iam.account.collect.detection.security_hub import SECURITY_HUB
from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.collect.logging.cloudtrail import TRAILS
from aws_iam.account.reading.many_accounts import AccountRole, Fleet, NotRead
from aws_iam.account.reading.organization import active_accounts
from aws_iam.account.reading.snapshot import account_of
from aws_iam.account.session import connect as connecting
from aws_iam.account.session.connect import caller, connect
from aws_iam.answer import Status
from aws_iam.errors import AwsError, OffTheAllowlistError
from aws_iam.tools.audit.controls.judge import judge, rolled_up
from helpers.rich_account import RICH
from helpers.scripted_aws import ACCOUNT, CALLER, Script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.process

PAGE = b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><p>Sign in</p></html>'
REPORTED = b"<ErrorResponse><Error><Code>X</Code></Error></ErrorResponse>"
IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult>"
    f"<Account>{ACCOUNT}</Account><Arn>{CALLER}</Arn>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
).encode()


@dataclass(frozen=True)
class Source:
    profile: str | None = None
    regions: tuple[str, ...] = ()
    role_arn: str | None = None
    external_id: str | None = None


@dataclass
class Wire:
    """What every call is answered: status, body and its kind."""

    status: int = 200
    body: bytes = b""
    kind: str = ""
    identity: bytes = IDENTITY
    """What the caller is told of himself."""

    def __call__(self, *, request: Any, event_name: str, **_: Any) -> AWSResponse:
        headers: Any = {"content-type": self.kind}
        if event_name.endswith("GetCallerIdentity"):
            return AWSResponse(request.url, 200, headers, Body(self.identity))
        return AWSResponse(request.url, self.status, headers, Body(self.body))

    def answer(self, status: int, body: bytes, kind: str = "") -> None:
        self.status, self.body, self.kind = status, body, kind


class Body:
    """A body that is read like a socket."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Any:
        yield self._content


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The other end of every session that is opened."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(making, "ATTEMPTS", 1)
    end, make = Wire(), connecting._core  # noqa: SLF001 - where every session comes from

    def core(profile: str | None) -> Any:
        made = make(profile)
        made.register("before-send", end)
        return made

    monkeypatch.setattr(connecting, "_core", core)
    return end


@pytest.fixture
def aws(wire: Wire) -> Iterator[Aws]:
    assert wire.identity == IDENTITY
    opened = Aws(
        Clients(connect(Source())),
        account=ACCOUNT,
        partition="aws",
        home="us-east-1",
        regions=("us-east-1",),
        collectors=COLLECTORS,
        progress=lambda *_: None,
        sleep=lambda _: None,
    )
    yield opened
    opened.close()


PASSWORD_POLICY = (
    b"<GetAccountPasswordPolicyResponse><GetAccountPasswordPolicyResult><PasswordPolicy>"
    b"<MinimumPasswordLength>long</MinimumPasswordLength></PasswordPolicy>"
    b"</GetAccountPasswordPolicyResult></GetAccountPasswordPolicyResponse>"
)
STUMBLES = [
    ("kms:ListKeys", 403, b'{"message":"acc\xe8s refus\xe9"}'),
    ("kms:ListKeys", 403, b'["no"]'),
    ("kms:ListKeys", 403, b"null"),
    ("kms:ListKeys", 200, b"null"),
    ("kms:ListKeys", 200, b"[]"),
    ("lambda:ListFunctions", 403, b'"Forbidden"'),
    ("rds:DescribeDBInstances", 200, PAGE),
    ("iam:GetAccountSummary", 200, PAGE),
    ("iam:GetAccountSummary", 400, b"<Response><Errors/></Response>"),
    ("s3:ListBuckets", 301, PAGE),
    ("s3:ListBuckets", 302, PAGE),
    (
        "iam:GetAccountPasswordPolicy",
        200,
        PASSWORD_POLICY,
    ),
]


@pytest.mark.parametrize(("operation", "status", "body"), STUMBLES)
def test_an_answer_that_the_sdk_fails_on_is_broken(
    aws: Aws, wire: Wire, operation: str, status: int, body: bytes
) -> None:
    wire.answer(status, body)
    for miss in (
        aws.value_or_miss(lambda: aws.need(operation)),
        aws.value_or_miss(lambda: aws.items(operation, "Any")),
    ):
        assert isinstance(miss, Miss)
        assert (miss.kind, miss.code) == (MissKind.BROKEN, "ResponseParserError")
        assert "the SDK cannot read the answer" in miss.message


def test_our_own_mistakes_are_raised(aws: Aws) -> None:
    with pytest.raises(AttributeError):
        aws.need("kms:ListNothing")
    with pytest.raises(KeyError):
        aws.items("kms:ListNothing", "Keys")
    for mistake in (OffTheAllowlistError("not sent"), AssertionError("no such answer")):
        scripted = Script({"kms:ListKeys": mistake}).aws()
        with pytest.raises(type(mistake)):
            scripted.need("kms:ListKeys")
        scripted.close()


UNREADABLE: list[tuple[str, int, bytes, str]] = [
    ("securityhub:DescribeHub", 200, b"", "is empty"),
    ("securityhub:DescribeHub", 204, b"", "is empty"),
    (
        "securityhub:DescribeHub",
        200,
        b'{"status":"login required"}',
        "none of the fields that were requested",
    ),
    ("config:DescribeConfigurationRecorders", 200, b"", "is empty"),
    ("config:DescribeConfigurationRecorders", 200, b"<html>", "is not JSON"),
    ("cloudwatch:DescribeAlarms", 200, b'{"MetricAlarms":[{"AlarmName":"x"', "or was cut"),
    ("cloudwatch:DescribeAlarms", 200, b"", "is empty"),
    ("s3:GetBucketAcl", 200, b"", "is empty"),
    ("s3:GetBucketAcl", 200, PAGE, "is a web page"),
    ("s3:GetBucketPolicyStatus", 200, b"", "is empty"),
    ("s3:GetBucketPolicy", 200, PAGE, "is a web page"),
    ("s3:GetBucketPolicy", 200, b"", "is empty"),
    ("s3:ListBuckets", 300, PAGE, "is a web page"),
    ("ec2:GetEbsEncryptionByDefault", 200, PAGE, "begins with html"),
    ("ec2:GetEbsEncryptionByDefault", 200, REPORTED, "begins with ErrorResponse"),
]


@pytest.mark.parametrize(("operation", "status", "body", "told"), UNREADABLE)
def test_a_successful_answer_that_is_not_from_aws_is_broken(
    aws: Aws, wire: Wire, operation: str, status: int, body: bytes, told: str
) -> None:
    wire.answer(status, body)
    more = {"Bucket": "trails"} if "Bucket" in operation and "List" not in operation else {}
    miss = aws.value_or_miss(lambda: aws.need(operation, **more))
    assert isinstance(miss, Miss)
    assert (miss.kind, miss.code) == (MissKind.BROKEN, "ResponseParserError")
    assert told in miss.message


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("s3:GetBucketVersioning", b'<VersioningConfiguration xmlns="x"/>'),
        ("s3:GetBucketLogging", b'<BucketLoggingStatus xmlns="x"/>'),
        ("s3:GetBucketPolicy", b'{"Version":"2012-10-17","Statement":[]}'),
        ("s3:HeadBucket", b""),
        ("kms:ListKeys", b"{}"),
        ("kms:ListKeys", b'{"Keys":[],"NewField":1}'),
        ("cloudwatch:DescribeAlarms", b"{}"),
        ("lambda:ListFunctions", b"{}"),
        ("ec2:DescribeVpcs", b'<DescribeVpcsResponse xmlns="x"><vpcSet/></DescribeVpcsResponse>'),
        (
            "rds:DescribeDBInstances",
            b"<DescribeDBInstancesResponse><DescribeDBInstancesResult/></DescribeDBInstancesResponse>",
        ),
    ],
)
def test_an_answer_without_content_is_read(
    aws: Aws, wire: Wire, operation: str, body: bytes
) -> None:
    wire.answer(200, body)
    more = {"Bucket": "trails"} if "Bucket" in operation else {}
    assert not isinstance(aws.value_or_miss(lambda: aws.need(operation, **more)), Miss)


def test_a_web_page_in_place_of_a_policy_is_refused(aws: Aws, wire: Wire) -> None:
    wire.answer(200, b"Sign in first", "text/html; charset=utf-8")
    miss = aws.value_or_miss(lambda: aws.need("s3:GetBucketPolicy", Bucket="trails"))
    assert isinstance(miss, Miss)
    assert "is a web page" in miss.message


def test_a_hub_without_an_arn_is_broken(aws: Aws, wire: Wire) -> None:
    wire.answer(200, b"{}")
    miss = aws.fact_or_miss(SECURITY_HUB, "us-east-1")
    assert isinstance(miss, Miss)
    assert (miss.kind, miss.code) == (MissKind.BROKEN, "IncompleteAnswer")


def test_an_unknown_type_of_selector_leaves_the_selectors_unread() -> None:
    new = {"EventSelectors": [{"ReadWriteType": "MostlyReads", "IncludeManagementEvents": True}]}
    opened = Script(RICH | {"cloudtrail:GetEventSelectors": new}).aws()
    found = opened.fact_or_miss(TRAILS, "")
    opened.close()
    selectors = found.trails[0].selectors
    assert isinstance(selectors, Miss)
    assert (selectors.kind, selectors.code) == (MissKind.BROKEN, "UnknownWord")
    assert "type `MostlyReads`, which is none of ReadOnly, WriteOnly, All" in selectors.message
    judged = judge(account_of(TRAILS.held(found)), "7.0", controls=["cloudtrail_all_regions"])
    assert rolled_up(judged) == {"cloudtrail_all_regions": Status.UNKNOWN}


@pytest.mark.parametrize(
    "body",
    [
        PAGE,
        b"<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>",
        IDENTITY.replace(CALLER.encode(), b"me"),
        b"\xff",
    ],
)
def test_an_endpoint_that_does_not_answer_as_aws_is_named(wire: Wire, body: bytes) -> None:
    session = connect(Source())
    wire.identity = body
    with pytest.raises(AwsError, match="the endpoint does not answer as AWS does"):
        caller(session, "us-east-1")


@pytest.mark.parametrize(
    "body", [PAGE, b"<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"]
)
def test_a_role_answer_that_is_not_from_aws_is_refused(wire: Wire, body: bytes) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/audit"
    wire.answer(200, body)
    with pytest.raises(AwsError, match="does not answer as AWS does"):
        connect(Source(role_arn=role))
    # One account of many: another one may have luck.
    read = Fleet(None, ()).read((), AccountRole(account=ACCOUNT, role_arn=role))
    assert isinstance(read, NotRead)
    assert "does not answer as AWS does" in read.reason


@pytest.mark.parametrize(
    ("status", "body"),
    [(403, b"null"), (200, b"[]"), (200, b'{"Accounts":[{"Status":"ACTIVE"}]}')],
)
def test_an_organization_that_cannot_be_read_is_explained(
    wire: Wire, status: int, body: bytes
) -> None:
    fleet = Fleet(None, ())
    wire.answer(status, body)
    with pytest.raises(AwsError, match="accounts cannot be listed"):
        active_accounts(fleet)


def test_an_organization_without_any_account_is_refused(wire: Wire) -> None:
    fleet = Fleet(None, ())
    wire.answer(200, b"{}")
    with pytest.raises(AwsError, match="ListAccounts, the answer names none"):
        active_accounts(fleet)


@pytest.mark.usefixtures("wire")
def test_a_program_that_prints_no_credentials_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile odd]\ncredential_process = echo nothing\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(AwsError, match="no AWS credentials were found"):
        connect(Source(profile="odd"))
