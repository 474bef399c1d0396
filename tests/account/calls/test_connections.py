"""Connections of the clients: kept for every Region, and only to servers whose certificate is trusted."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import SSLError

from aws_iam.account.calls import clients as calls_clients
from aws_iam.account.calls.clients import Clients
from helpers.caller import KEYS, calls_to
from helpers.certificates import self_signed
from helpers.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from helpers.loopback import Loopback

pytestmark = pytest.mark.process

REGIONS = sorted(boto3.Session().get_available_regions("apigateway"))[:14]
ANSWERS = {"/restapis": {"item": []}}


def clients_of(servers: Mapping[str, Loopback]) -> Clients:
    """Clients of a session for which each Region has a server of its own."""
    session = boto3.Session(region_name=REGIONS[0])

    def resolve(*, builtins: Any, **_: Any) -> None:
        builtins["SDK::Endpoint"] = servers[builtins["AWS::Region"]].url

    session.events.register_last("before-endpoint-resolution", resolve)
    return Clients(session)


def ask(clients: Clients, region: str) -> None:
    with clients.at("apigateway", region) as client:
        assert client.get_rest_apis()["items"] == []


def test_the_connections_to_all_regions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serving(dict(ANSWERS))) for name in REGIONS}
        calls_to("", monkeypatch, **KEYS)
        clients = clients_of(servers)
        for region in REGIONS * 3:
            ask(clients, region)
        assert {name: len(servers[name].asked) for name in REGIONS} == dict.fromkeys(REGIONS, 3)
        assert {name: servers[name].connections for name in REGIONS} == dict.fromkeys(REGIONS, 1)


def test_authorities_are_read_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    bundle = tmp_path / "authorities.pem"
    bundle.write_bytes(certificate.read_bytes())
    with ExitStack() as stack:
        servers = {
            region: stack.enter_context(serving(dict(ANSWERS), certificate=certificate))
            for region in REGIONS[:2]
        }
        calls_to("", monkeypatch, **KEYS, AWS_CA_BUNDLE=str(bundle))
        clients = clients_of(servers)
        ask(clients, REGIONS[0])
        bundle.unlink()
        ask(clients, REGIONS[1])
        # Clients that are made later read what is there by then.
        with pytest.raises(SSLError, match="No such file"):
            ask(clients_of(servers), REGIONS[0])


@pytest.mark.parametrize("fault", ["unknown authority", "another address"])
def test_a_server_without_a_trusted_certificate_gets_no_request(
    fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate = self_signed(tmp_path, "127.0.0.9" if fault == "another address" else "127.0.0.1")
    known = {"AWS_CA_BUNDLE": str(certificate)} if fault == "another address" else {}
    with serving(dict(ANSWERS), certificate=certificate) as server:
        calls_to(server.url, monkeypatch, **KEYS, **known)
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        clients = Clients(boto3.Session(region_name=REGIONS[0]))
        with pytest.raises(SSLError, match=r"certificate verify failed|doesn't match"):
            ask(clients, REGIONS[0])
        assert server.asked == []


def test_a_proxy_of_the_environment_gets_the_calls_of_the_regions_that_are_its(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving() as proxy, serving(dict(ANSWERS)) as direct:
        calls_to("", monkeypatch, **KEYS)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        first, second = REGIONS[:2]
        proxy.answers["http://apigateway.invalid/restapis"] = {"item": []}
        hosts = {first: direct.url, second: "http://apigateway.invalid"}
        monkeypatch.setattr(
            calls_clients, "make_client", lambda session, service, region, config: session.client(
                service, region_name=region, config=config, endpoint_url=hosts[region]
            )
        )  # fmt: skip
        clients = Clients(boto3.Session(region_name=first))
        ask(clients, first)
        ask(clients, second)
        assert [path for path, _ in direct.asked] == ["/restapis"]
        assert [path for path, _ in proxy.asked] == ["http://apigateway.invalid/restapis"]
