"""The models of services, cut to what is sent, make clients that send the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import UnknownServiceError

from aws_iam.account.guard.allowlist import ALLOWED
from aws_iam.account.session.api_models import bare_loader, services_of

if TYPE_CHECKING:
    from pathlib import Path

SERVICES = sorted(services_of(ALLOWED))


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    core = botocore.session.Session()
    loader = bare_loader(services=services_of(ALLOWED), only=ALLOWED)
    core.register_component("data_loader", loader)
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
        cut, whole = (client.meta.service_model.operation_model(name) for client in (bare, plain))
        assert shaped(cut.input_shape) == shaped(whole.input_shape)
        assert shaped(cut.output_shape) == shaped(whole.output_shape)
        assert [shape.name for shape in cut.error_shapes] == [
            shape.name for shape in whole.error_shapes
        ]


@pytest.mark.parametrize("service", SERVICES)
def test_every_shape_of_a_model_can_be_looked_at(session: boto3.Session, service: str) -> None:
    """The SDK looks through them for the shape of an error, whatever the error."""
    model = session.client(service).meta.service_model  # type: ignore[call-overload]
    kinds = {name: model.shape_for(name).type_name for name in model.shape_names}
    assert all(kinds.values())
    assert {shape.name for shape in model.error_shapes} <= set(kinds)


def shaped(shape: Any, seen: frozenset[str] = frozenset()) -> Any:
    """A shape with all that is in it, by name and type."""
    if shape is None or shape.name in seen:
        return shape and shape.name
    below = seen | {shape.name}
    parts = dict(getattr(shape, "members", {}))
    parts |= {n: getattr(shape, n) for n in ("member", "key", "value") if hasattr(shape, n)}
    return shape.name, shape.type_name, {n: shaped(part, below) for n, part in parts.items()}


def test_nothing_is_documented_and_a_field_of_that_name_stays() -> None:
    core = botocore.session.Session()
    core.register_component("data_loader", bare_loader())
    model = core.get_service_model("apigateway")
    assert model.documentation == ""
    assert model.operation_model("GetRestApis").documentation == ""
    members = model.shape_for("CreateDocumentationVersionRequest").members
    assert "documentationVersion" in members


@pytest.mark.parametrize("service", ["ec2", "apigateway"])
def test_what_is_left_of_a_model_is_not_documented_either(
    session: boto3.Session, service: str
) -> None:
    model = session._session.get_service_model(service)  # noqa: SLF001 - boto3 shows its core nowhere else
    assert model.documentation == ""
    for name in model.operation_names:
        operation = model.operation_model(name)
        assert operation.documentation == ""
        for shape in filter(None, (operation.input_shape, operation.output_shape)):
            assert {
                model_shape.documentation for model_shape in (shape, *getattr(shape, "members", {}).values())
            } == {""}


def test_a_loader_for_some_services_has_no_other() -> None:
    loader = bare_loader(services=frozenset({"iam", "s3", "no-such"}))
    assert loader.list_available_services("service-2") == ["iam", "s3"]
    assert loader.load_service_model("iam", "service-2")["operations"]
    with pytest.raises(UnknownServiceError, match="kms"):
        loader.load_service_model("kms", "service-2")


def test_a_model_of_the_users_own_folder_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "iam" / "2099-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"metadata": {"apiVersion": "2099-01-01"}}')
    for services in (None, frozenset({"iam"})):
        loader = bare_loader(str(tmp_path), services=services)
        model = loader.load_service_model("iam", "service-2")
        assert model["metadata"]["apiVersion"] == "2099-01-01"
