"""What every client of an audit sends besides the call itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest

from aws_iam import __version__
from aws_iam.account.aws import Clients
from caller import KEYS, calls_to
from loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopback import Loopback


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
