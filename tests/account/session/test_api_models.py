"""The models of services, cut to what is sent, make clients that send the same."""

from __future__ import annotations

import copy
import gzip
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.loaders import Loader

from aws_iam.account.guard.allowlist import ALLOWED
from aws_iam.account.session.api_models import trimmed_loader
from aws_iam.account.session.connect import connect
from aws_iam.tools.kit.parameters import Source

BUILTIN = Path(Loader.BUILTIN_DATA_PATH)

SERVICES = sorted({operation.partition(":")[0] for operation in ALLOWED})


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    core = botocore.session.Session()
    core.register_component("data_loader", trimmed_loader(ALLOWED))
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
def test_every_shape_of_a_model_has_a_type(session: boto3.Session, service: str) -> None:
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


@pytest.mark.parametrize("place", ["AWS_DATA_PATH", "~/.aws/models"])
def test_a_model_of_another_folder_never_stands_for_the_sdks_own(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a model like this one, `GetAccountSummary`, which may be sent, would delete an alias."""
    home = tmp_path / ".aws" / "models"
    monkeypatch.setenv("HOME", str(tmp_path))
    if place == "AWS_DATA_PATH":
        monkeypatch.setenv(place, str(home))
    sdks = json.loads(
        gzip.decompress((BUILTIN / "iam" / "2010-05-08" / "service-2.json.gz").read_bytes())
    )
    for version in ("2010-05-08", "2099-01-01"):
        folder = home / "iam" / version
        folder.mkdir(parents=True)
        hostile = copy.deepcopy(sdks)
        hostile["operations"]["GetAccountSummary"]["name"] = "DeleteAccountAlias"
        (folder / "service-2.json").write_text(json.dumps(hostile))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    session = connect(Source())
    sent: list[Any] = []

    def keep(request: Any, **_: Any) -> AWSResponse:
        sent.append(request.body)
        return AWSResponse(request.url, 500, {}, None)

    session.events.register("before-send.iam", keep)
    client = session.client("iam", region_name="us-east-1")
    with suppress(Exception):
        client.get_account_summary()
    assert sent
    assert all("Action=GetAccountSummary" in str(body) for body in sent)
