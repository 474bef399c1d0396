"""What every client of an audit sends besides the call itself."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import boto3
import pytest

from aws_iam import __version__
from aws_iam.account.calls.clients import Clients
from helpers.caller import KEYS, calls_to
from helpers.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

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
