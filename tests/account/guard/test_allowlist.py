from __future__ import annotations

from typing import Any

import boto3
import botocore.session
import pytest
from botocore.stub import Stubber

from aws_iam.account.guard.allowlist import (
    ALLOWED,
    CREDENTIALS,
    EVENT_IDS,
    OF_DENIALS,
    ON_REQUEST,
    guard,
)
from aws_iam.account.guard.shipped_policy import audit_actions
from aws_iam.account.names.iam_actions import action_of
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import OffTheAllowlistError
from helpers.scripted_aws import Script

pytestmark = pytest.mark.process

FORBIDDEN = [
    ("secretsmanager", "get_secret_value", {"SecretId": "s"}),
    ("secretsmanager", "batch_get_secret_value", {"SecretIdList": ["s"]}),
    ("ssm", "get_parameter", {"Name": "p", "WithDecryption": True}),
    ("kms", "decrypt", {"CiphertextBlob": b"x"}),
    ("s3", "put_object", {"Bucket": "bucket", "Key": "k"}),
    ("s3", "get_object", {"Bucket": "bucket", "Key": "k"}),
    ("s3", "delete_bucket", {"Bucket": "bucket"}),
    ("iam", "delete_user", {"UserName": "u"}),
    ("iam", "create_access_key", {}),
    ("ec2", "terminate_instances", {"InstanceIds": ["i-1"]}),
    ("cloudtrail", "stop_logging", {"Name": "t"}),
    ("kms", "put_key_policy", {"KeyId": "k", "Policy": "{}"}),
]


def _guarded() -> tuple[boto3.Session, list[str]]:
    sent: list[str] = []
    core: Any = botocore.session.Session()
    core.set_credentials("AKIATEST", "test")
    core.register("before-send", lambda request, **_: sent.append(request.url))
    guard(core)
    # After the guard's own: reached only when the guard has let the request pass to its signature.
    emitter = core.get_component("event_emitter")
    emitter.register_last("before-sign", lambda operation_name, **_: sent.append(operation_name))
    return boto3.Session(botocore_session=core, region_name="us-east-1"), sent


@pytest.mark.parametrize(("service", "method", "arguments"), FORBIDDEN)
def test_what_is_not_on_the_list_is_refused_before_it_is_signed_whoever_asks(
    service: Any, method: str, arguments: dict[str, Any]
) -> None:
    session, sent = _guarded()
    with pytest.raises(OffTheAllowlistError, match="read-only allowlist"):
        getattr(session.client(service), method)(**arguments)
    assert sent == []


def test_the_refusal_names_the_operation() -> None:
    session, _ = _guarded()
    with pytest.raises(OffTheAllowlistError, match="secretsmanager:GetSecretValue"):
        session.client("secretsmanager").get_secret_value(SecretId="s")


def test_links_and_forms_that_are_signed_without_being_sent_are_refused_too() -> None:
    session, sent = _guarded()
    client = session.client("s3")
    with pytest.raises(OffTheAllowlistError):
        client.generate_presigned_url("put_object", {"Bucket": "bucket", "Key": "k"})
    with pytest.raises(OffTheAllowlistError):
        client.generate_presigned_post("bucket", "k")
    assert sent == []
    client.generate_presigned_url("head_bucket", {"Bucket": "bucket"})
    assert sent == ["HeadBucket"]


def test_a_name_that_another_service_may_use_is_refused_before_it_is_signed() -> None:
    session, sent = _guarded()
    assert "organizations:ListPolicies" in ALLOWED
    assert "iot:ListPolicies" not in ALLOWED
    client = session.client("iot")
    with pytest.raises(OffTheAllowlistError, match="iot:ListPolicies"):
        client.meta.events.emit(
            "before-sign.iot.ListPolicies", request=None, operation_name="ListPolicies"
        )
    assert sent == []


def test_the_events_of_every_service_on_the_list_are_known_by_their_name() -> None:
    core = botocore.session.Session()
    for service in sorted({operation.partition(":")[0] for operation in ALLOWED}):
        event = core.get_service_model(service).service_id.hyphenize()
        assert EVENT_IDS.get(service, service) == event


def test_higher_layers_of_the_sdk_are_refused_too() -> None:
    session, sent = _guarded()
    with pytest.raises(OffTheAllowlistError):
        session.resource("s3").Bucket("bucket").put_object(Key="k", Body=b"x")
    with pytest.raises(OffTheAllowlistError):
        session.client("s3").get_waiter("object_exists").wait(Bucket="bucket", Key="k")
    assert sent == []


def test_the_guard_stands_before_a_session_that_was_made_elsewhere() -> None:
    session = boto3.Session("test", "test")
    guard(session._session)  # noqa: SLF001 - as the planner does
    client = session.client("iam")
    with pytest.raises(OffTheAllowlistError):
        client.delete_user(UserName="alice.meyer")
    with Stubber(client) as stub:
        stub.add_response("get_account_summary", {"SummaryMap": {"Users": 1}})
        assert client.get_account_summary()["SummaryMap"] == {"Users": 1}


def test_what_is_on_the_list_passes() -> None:
    script = Script({"iam:GetAccountSummary": {"SummaryMap": {"Users": 1}}})
    assert script.session().client("iam").get_account_summary()["SummaryMap"] == {"Users": 1}
    assert script.operations == ["iam:GetAccountSummary"]


def test_the_list_holds_reads_two_jobs_that_write_reports_and_the_ways_to_credentials() -> None:
    reading = ALLOWED - set(CREDENTIALS) - set(ON_REQUEST)
    named = [operation.partition(":") for operation in reading]
    names = {name for _, _, name in named}
    others = {
        (service, name)
        for service, _, name in named
        if not name.startswith(("Get", "List", "Describe"))
    }
    # AWS itself lists them as reads.
    assert others == {
        ("iam", "GenerateCredentialReport"),
        ("iam", "GenerateServiceLastAccessedDetails"),
        ("codebuild", "BatchGetProjects"),
    }
    for service, name in others:
        facts = catalog().service(service)
        assert facts is not None
        assert facts.actions[name.lower()].level == "Read"
    assert not names & {"GetSecretValue", "BatchGetSecretValue", "Decrypt"}


def test_what_is_sent_on_request_alone_is_in_no_policy_of_the_audit() -> None:
    assert ON_REQUEST == ("accessanalyzer:ValidatePolicy",)
    assert "access-analyzer:ValidatePolicy" not in audit_actions()
    assert {action_of(operation) for operation in OF_DENIALS}.isdisjoint(audit_actions())


def test_every_operation_on_the_list_is_one_that_the_sdk_knows() -> None:
    core = botocore.session.Session()
    for operation in sorted(ALLOWED):
        service, _, name = operation.partition(":")
        assert name in core.get_service_model(service).operation_names, operation
