"""ValidatePolicy under botocore's Stubber: the request as AWS takes it, the answer as AWS's model has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.stub import Stubber

from aws_iam.account.calls.clients import client_config
from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.reading.validate_policy import (
    OPERATION,
    PERMISSION,
    RESOURCE_TYPES,
    PolicyValidator,
    ValidationRequest,
)
from aws_iam.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = ValidationRequest(document='{"Statement": []}', policy_type="IDENTITY_POLICY")
ASKED = {
    "locale": "EN",
    "policyDocument": '{"Statement": []}',
    "policyType": "IDENTITY_POLICY",
}
POINT = {"line": 1, "column": 0, "offset": 0}
SPAN = {"start": POINT, "end": POINT}


def finding(*paths: list[dict[str, Any]], code: str = "INVALID_ACTION") -> dict[str, Any]:
    return {
        "findingDetails": "The action s3:Gett does not exist.",
        "findingType": "ERROR",
        "issueCode": code,
        "learnMoreLink": "https://docs.aws.amazon.com/IAM/latest/UserGuide/page.html#x",
        "locations": [{"path": path, "span": SPAN} for path in paths],
    }


@pytest.fixture
def stubbed() -> Iterator[tuple[PolicyValidator, Stubber]]:
    core = botocore.session.Session()
    core.set_credentials("AKIATEST", "test")
    client = core.create_client(
        "accessanalyzer", region_name="eu-west-1", config=client_config(attempts=1)
    )
    with Stubber(client) as stub:
        yield PolicyValidator(client, "eu-west-1"), stub
        stub.assert_no_pending_responses()


Stubbed = tuple[PolicyValidator, Stubber]


def test_the_document_is_sent_with_its_type_and_nothing_else(stubbed: Stubbed) -> None:
    aws, stub = stubbed
    stub.add_response("validate_policy", {"findings": []}, ASKED)
    assert aws.ask(QUESTION) == ()


def test_a_resource_type_is_named_where_aws_knows_it(stubbed: Stubbed) -> None:
    aws, stub = stubbed
    named = {"policyType": "RESOURCE_POLICY", "validatePolicyResourceType": "AWS::S3::Bucket"}
    stub.add_response("validate_policy", {"findings": []}, {**ASKED, **named})
    question = ValidationRequest(
        document=QUESTION.document,
        policy_type="RESOURCE_POLICY",
        resource_type="AWS::S3::Bucket",
    )
    assert aws.ask(question) == ()


def test_the_resource_types_are_those_of_the_sdk() -> None:
    model = botocore.session.Session().get_service_model("accessanalyzer")
    shape = model.operation_model("ValidatePolicy").input_shape.members
    assert set(shape["validatePolicyResourceType"].enum) == RESOURCE_TYPES


def test_all_pages_are_read_and_a_path_becomes_keys_and_indexes(stubbed: Stubbed) -> None:
    aws, stub = stubbed
    path = [{"value": "Statement"}, {"index": 0}, {"value": "Action"}, {"index": 1}]
    part = [*path, {"substring": {"start": 3, "length": 4}}]
    key = [{"value": "Statement"}, {"index": 0}, {"key": "Actoin"}]
    stub.add_response(
        "validate_policy", {"findings": [finding(part, key)], "nextToken": "more"}, ASKED
    )
    stub.add_response(
        "validate_policy", {"findings": [finding(code="B")]}, {**ASKED, "nextToken": "more"}
    )
    answer = aws.ask(QUESTION)
    assert not isinstance(answer, Miss)
    assert [remark.code for remark in answer] == ["INVALID_ACTION", "B"]
    assert answer[0].places == (("Statement", 0, "Action", 1), ("Statement", 0, "Actoin"))
    assert answer[1].places == ()
    assert (answer[0].type, answer[0].details) == ("ERROR", "The action s3:Gett does not exist.")
    assert answer[0].link.startswith("https://docs.aws.amazon.com/")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDeniedException", 403, MissKind.DENIED),
        ("ThrottlingException", 429, MissKind.THROTTLED),
        ("ValidationException", 400, MissKind.BROKEN),
        ("InternalServerException", 500, MissKind.BROKEN),
        ("UnrecognizedClientException", 403, MissKind.UNSUPPORTED),
    ],
)
def test_a_refusal_is_a_miss_with_the_permission_that_is_needed(
    stubbed: Stubbed, code: str, status: int, kind: MissKind
) -> None:
    aws, stub = stubbed
    stub.add_client_error("validate_policy", code, "no", http_status_code=status)
    miss = aws.ask(QUESTION)
    assert isinstance(miss, Miss)
    assert (miss.kind, miss.code, miss.call) == (kind, code, OPERATION)
    assert (miss.permission, miss.region) == (PERMISSION, "eu-west-1")


def test_an_expired_session_ends_the_validation(stubbed: Stubbed) -> None:
    aws, stub = stubbed
    stub.add_client_error("validate_policy", "ExpiredTokenException", "gone")
    with pytest.raises(AwsError, match="expired"):
        aws.ask(QUESTION)
