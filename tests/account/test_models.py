"""The models of services without their documentation make the same clients."""

from __future__ import annotations

import boto3
import botocore.session
import pytest

from aws_iam.account.allowlist import ALLOWED
from aws_iam.account.models import bare_loader

SERVICES = sorted({operation.partition(":")[0] for operation in ALLOWED})


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    core = botocore.session.Session()
    core.register_component("data_loader", bare_loader())
    core.set_credentials("test", "test")
    return boto3.Session(botocore_session=core, region_name="eu-west-1")


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_has_every_operation_and_its_endpoint(
    session: boto3.Session, service: str
) -> None:
    bare = session.client(service)  # type: ignore[call-overload]
    plain = boto3.client(service, "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")  # type: ignore[call-overload]
    assert bare.meta.endpoint_url == plain.meta.endpoint_url
    assert bare.meta.method_to_api_mapping == plain.meta.method_to_api_mapping


def test_nothing_is_documented_and_a_field_of_that_name_stays(session: boto3.Session) -> None:
    model = session.client("apigateway").meta.service_model
    assert model.documentation == ""
    assert model.operation_model("GetRestApis").documentation == ""
    members = model.shape_for("CreateDocumentationVersionRequest").members
    assert "documentationVersion" in members
