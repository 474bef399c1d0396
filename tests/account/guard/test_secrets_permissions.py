"""The shipped policy is enough for the checks of secrets, and opens no value: moto with its permissions switched on."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.core import set_initial_no_auth_action_count
from moto.server import ThreadedMotoServer

from aws_iam.account.guard.shipped_policy import audit_policy
from aws_iam.answer import Status
from aws_iam.tools.secrets.actions import tool

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.process

VALUE = "hunter2-never-shown"
REGION = "us-east-1"


@pytest.fixture
def auditor(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account with secrets, read by a user who has the shipped policy and nothing else."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    _furnish()
    iam: Any = boto3.Session().client("iam")
    iam.create_user(UserName="auditor")
    iam.put_user_policy(
        UserName="auditor", PolicyName="read", PolicyDocument=json.dumps(audit_policy())
    )
    key = iam.create_access_key(UserName="auditor")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    yield
    server.stop()


def _furnish() -> None:
    secrets: Any = boto3.Session().client("secretsmanager")
    secrets.create_secret(Name="prod/app/db", SecretString=VALUE)
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    secrets.put_resource_policy(SecretId="prod/app/db", ResourcePolicy=policy)
    parameters: Any = boto3.Session().client("ssm")
    parameters.put_parameter(Name="/prod/app/password", Value=VALUE, Type="String")


@pytest.mark.usefixtures("auditor")
def test_the_shipped_policy_is_enough_and_opens_no_value() -> None:
    @set_initial_no_auth_action_count(0)
    def checked() -> Any:
        for service, call, arguments in (
            ("secretsmanager", "get_secret_value", {"SecretId": "prod/app/db"}),
            ("ssm", "get_parameter", {"Name": "/prod/app/password"}),
            ("ssm", "get_parameters", {"Names": ["/prod/app/password"]}),
        ):
            client: Any = boto3.Session().client(service)
            with pytest.raises(ClientError, match="AccessDenied"):
                getattr(client, call)(**arguments)
        return tool.run({"action": "check", "regions": [REGION]})

    answer = checked()
    by_code = {
        finding.code: finding for finding in answer.findings if finding.status is Status.FAIL
    }
    assert "policy `default`" in by_code["SEC-POL-PUBLIC"].message
    assert {"SEC-ROT-OFF", "SSM-PLAINTEXT"} <= set(by_code)
    assert VALUE not in repr(answer)
    refused = [
        finding.reason or "" for finding in answer.findings if finding.status is Status.UNKNOWN
    ]
    # What moto lacks is unknown; nothing is for want of a permission.
    assert not [reason for reason in refused if "AccessDenied" in reason]
