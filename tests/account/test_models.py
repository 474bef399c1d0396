"""The models of services, cut to what is sent, make clients that send the same."""

from __future__ import annotations

from typing import Any

import boto3
import botocore.session
import pytest

from aws_iam.account.allowlist import ALLOWED
from aws_iam.account.models import bare_loader

SERVICES = sorted({operation.partition(":")[0] for operation in ALLOWED})


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    core = botocore.session.Session()
    core.register_component("data_loader", bare_loader(only=ALLOWED))
    core.set_credentials("test", "test")
    return boto3.Session(botocore_session=core, region_name="eu-west-1")


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_has_the_operations_that_may_be_sent_and_its_endpoint(
    session: boto3.Session, service: str
) -> None:
    bare = session.client(service)  # type: ignore[call-overload]
    plain = boto3.client(service, "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")  # type: ignore[call-overload]
    assert bare.meta.endpoint_url == plain.meta.endpoint_url
    every = plain.meta.method_to_api_mapping
    sent = {method: name for method, name in every.items() if f"{service}:{name}" in ALLOWED}
    assert sent
    assert bare.meta.method_to_api_mapping == sent
    for name in sent.values():
        cut, whole = (each.meta.service_model.operation_model(name) for each in (bare, plain))
        assert shaped(cut.input_shape) == shaped(whole.input_shape)
        assert shaped(cut.output_shape) == shaped(whole.output_shape)
        assert [each.name for each in cut.error_shapes] == [
            each.name for each in whole.error_shapes
        ]


def shaped(shape: Any, seen: frozenset[str] = frozenset()) -> Any:
    """A shape with all that is in it, by name and type."""
    if shape is None or shape.name in seen:
        return shape and shape.name
    below = seen | {shape.name}
    parts = dict(getattr(shape, "members", {}))
    parts |= {n: getattr(shape, n) for n in ("member", "key", "value") if hasattr(shape, n)}
    return shape.name, shape.type_name, {n: shaped(each, below) for n, each in parts.items()}


def test_nothing_is_documented_and_a_field_of_that_name_stays() -> None:
    core = botocore.session.Session()
    core.register_component("data_loader", bare_loader())
    model = core.get_service_model("apigateway")
    assert model.documentation == ""
    assert model.operation_model("GetRestApis").documentation == ""
    members = model.shape_for("CreateDocumentationVersionRequest").members
    assert "documentationVersion" in members
