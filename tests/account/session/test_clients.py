"""What every client of an audit sends besides the call itself."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from io import BytesIO
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse

from aws_iam import __version__
from aws_iam.account.calls.clients import Clients
from aws_iam.account.guard.allowlist import ALLOWED
from aws_iam.account.session.connect import connect
from aws_iam.tools.kit.parameters import Source
from helpers.caller import KEYS, calls_to
from helpers.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from helpers.loopback import Loopback

pytestmark = pytest.mark.process


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    with serving({"/restapis": {"item": []}}) as server:
        calls_to(server.url, monkeypatch, **KEYS)
        yield server


def test_cloudtrail_shows_who_called(recorded: Loopback) -> None:
    clients = Clients(boto3.Session(region_name="eu-west-1"))
    with clients.at("apigateway", "eu-west-1") as client:
        assert client.get_rest_apis()["items"] == []
    ((_, headers),) = recorded.asked
    assert headers["User-Agent"].startswith(f"aws-iam-mcp/{__version__} Botocore/")


class Body(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def requests_of(client: Any, operations: Iterable[str]) -> list[tuple[Any, ...]]:
    """What the client sends for each operation that needs no arguments, apart from who sends it and when."""
    sent: list[tuple[Any, ...]] = []

    def keep(request: Any, **_: Any) -> AWSResponse:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in OF_ONE_CALL
        }
        sent.append((request.method, request.url, headers, request.body))
        return AWSResponse(request.url, 200, {}, Body())

    client.meta.events.register(
        f"before-send.{client.meta.service_model.service_id.hyphenize()}", keep
    )
    for name in operations:
        shape = client.meta.service_model.operation_model(name).input_shape
        if not (shape and shape.required_members):
            with suppress(Exception):
                getattr(client, xform_name(name))()
    return sent


OF_ONE_CALL = {"authorization", "x-amz-date", "user-agent", "amz-sdk-invocation-id", "x-amz-security-token", "x-amz-user-agent"}  # fmt: skip
SENT = sorted(operation.partition(":")[::2] for operation in ALLOWED)


def test_our_clients_send_what_the_sdks_own_send(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that the SDK does with a request before it is sent is done, whatever name of the service it goes by in the SDK."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    place = {"region_name": "eu-west-1"}
    ours, own = connect(Source()), boto3.Session()
    compared = 0
    for service, listed in groupby(SENT, itemgetter(0)):
        operations = [name for _, name in listed]
        clients: list[Any] = [made.client(service, **place) for made in (ours, own)]  # type: ignore[call-overload]
        sent, as_sdk = (requests_of(client, operations) for client in clients)
        assert sent == as_sdk, service
        compared += len(sent)
    assert compared > len(SENT) / 4


LIMITED = """
import resource, sys
soft, hard = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
import boto3
from aws_iam.account.calls.aws import Clients
from aws_iam.errors import AwsError
clients = Clients(boto3.Session("a", "b", region_name="eu-west-1"))
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
kept = []
try:
    while soft == hard:
        kept.append(open("/dev/null"))
except OSError:
    pass
try:
    with clients.at("iam", "eu-west-1"):
        pass
except AwsError as error:
    del kept
    print(error.message, error.hint)
"""


def limited(soft: int, hard: int) -> str:
    pytest.importorskip("resource")
    command = [sys.executable, "-c", LIMITED, str(soft), str(hard)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_connections_to_all_regions_pass_the_files_that_a_process_has_at_first() -> None:
    assert limited(128, 1_000).splitlines() == ["1000"]


def test_a_process_without_a_file_left_says_so() -> None:
    told = limited(128, 128)
    assert "no client for iam can be made: too many open files" in told
    assert "ulimit -n" in told
