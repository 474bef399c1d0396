"""One client calls all Regions: each request goes where, and is signed as, the SDK's own client of the Region would have it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse

from aws_iam.account.calls.clients import Clients
from aws_iam.account.guard.allowlist import ALLOWED, CREDENTIALS
from aws_iam.account.session.api_models import trimmed_loader

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.process

GROUPS = {
    "aws": ("us-east-1", "eu-west-1", "ap-southeast-2", "ap-east-1"),
    "aws-us-gov": ("us-gov-west-1", "us-gov-east-1"),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
}
CALLED = ALLOWED - {*CREDENTIALS}
SERVICES = sorted({operation.partition(":")[0] for operation in CALLED})
LOADER = trimmed_loader(CALLED)


class Sent(NamedTuple):
    """A request that would have left: its address, and the Region and service that its signature names."""

    url: str
    scope: str


class Left(Exception):  # noqa: N818 - no fault
    """A request was about to leave."""


class _Nothing:
    """An empty body."""

    def stream(self, **_: Any) -> Any:
        yield b""


class Post:
    """A session whose requests are kept; those whose address has one of the parts `leaves` end there."""

    def __init__(self, home: str, leaves: Sequence[str] = ("",), loader: Any = LOADER) -> None:
        self.sent: list[Sent] = []
        self._leaves = leaves
        core: Any = botocore.session.Session()
        core.register_component("data_loader", loader)
        core.set_credentials("AKIATEST", "test")
        core.register("before-send", self._keep)
        self.session = boto3.Session(botocore_session=core, region_name=home)

    def _keep(self, request: Any, **_: Any) -> None:
        signature = request.headers["Authorization"].decode()
        scope = re.search(r"Credential=\w+/\d+/(.+)/aws4_request", signature)
        assert scope
        self.sent.append(Sent(request.url, scope[1]))
        if any(part in request.url for part in self._leaves):
            raise Left


def call(client: Any, service: str) -> None:
    """The simplest of a service's operations that are allowed."""
    model = client.meta.service_model

    def required(name: str) -> list[str]:
        shape = model.operation_model(name).input_shape
        return list(shape.required_members) if shape else []

    names = sorted(op.partition(":")[2] for op in CALLED if op.startswith(f"{service}:"))
    name = min(names, key=lambda candidate: len(required(candidate)))
    method = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
    shapes = model.operation_model(name).input_shape
    fill = {"string": "111122223333", "list": [], "structure": {}}
    given = {member: fill[shapes.members[member].type_name] for member in required(name)}
    with pytest.raises(Left):
        getattr(client, method[name])(**given)


def compare(service: str, regions: tuple[str, ...], loader: Any = LOADER) -> None:
    """Both of us call the service in each Region, from a session in the first."""
    theirs, ours = Post(regions[0], loader=loader), Post(regions[0], loader=loader)
    clients = Clients(ours.session)
    for region in regions:
        make: Any = theirs.session.client
        call(make(service, region_name=region), service)
        with clients.at(service, region) as client:
            call(client, service)
    assert ours.sent == theirs.sent
    assert ours.sent


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_request_is_what_the_sdks_client_of_the_region_sends(
    service: str, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    compare(service, GROUPS[group])


@pytest.mark.parametrize("service", SERVICES)
def test_a_configured_endpoint_gets_the_signatures_of_the_region(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    compare(service, GROUPS["aws"])


def test_a_bucket_of_another_region_is_followed_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    def elsewhere(request: Any, **_: Any) -> AWSResponse | None:
        if "us-west-2" in request.url:
            return None
        headers: Any = {"x-amz-bucket-region": "us-west-2"}
        return AWSResponse(request.url, 301, headers, _Nothing())

    def ask(client: Any) -> None:
        client.meta.events.register_first("before-send.s3", elsewhere)
        with pytest.raises(Left):
            client.get_bucket_acl(Bucket="larkspur")

    theirs, ours = Post("eu-west-1", leaves=["us-west-2"]), Post("eu-west-1", leaves=["us-west-2"])
    ask(theirs.session.client("s3", region_name="ap-southeast-2"))
    clients = Clients(ours.session)
    with clients.at("s3", "eu-west-1") as client:
        assert client.meta.region_name == "eu-west-1"
    with clients.at("s3", "ap-southeast-2") as client:
        ask(client)
    assert ours.sent == theirs.sent
    assert [sent.scope.split("/")[0] for sent in ours.sent] == ["ap-southeast-2", "us-west-2"]
