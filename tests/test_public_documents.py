"""What is fetched for a caller over MCP: from well-known issuers, and never from this machine's own network."""

from __future__ import annotations

import socket
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from aws_iam.account.session.permitted import Permitted
from aws_iam.engine.reference.issuers import is_pinned
from aws_iam.errors import AwsIamError, InputError
from aws_iam.server.worker_process import Call, run_call
from aws_iam.web.connection import download_from
from aws_iam.web.public_documents import FOR_TESTS, is_public, publicly_fetched
from helpers.certificates import self_signed
from helpers.loopback import serving

if TYPE_CHECKING:
    from pathlib import Path


@cache
def key() -> RSAKey:
    # At its first use: most processes that collect the file need none.
    return RSAKey.generate_key(2048)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("10.0.0.1", False),
        ("172.31.255.255", False),
        ("192.168.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fec0::1", False),
        ("fd00:ec2::254", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("2001:0:a9fe:a9fe::", False),
    ],
)
def test_addresses_of_the_public_internet(address: str, public: object) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("resolved", "named"),
    [
        (["127.0.0.1"], "127.0.0.1"),
        (["8.8.8.8", "169.254.169.254"], "169.254.169.254"),
        (["2606:4700::1111", "::ffff:10.0.0.1"], "::ffff:10.0.0.1"),
    ],
)
def test_a_name_that_leads_inside_is_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, resolved: list[str], named: str
) -> None:
    def found(*_: Any, **__: Any) -> list[Any]:
        return [(_family(one), socket.SOCK_STREAM, 6, "", (one, 443)) for one in resolved]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    with pytest.raises(AwsIamError, match="not an address of the public internet") as refused:
        publicly_fetched("https://issuer.example/.well-known/openid-configuration")
    assert named in str(refused.value)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@pytest.mark.parametrize(
    "address",
    [
        "http://issuer.example/",
        "https://issuer.example:8443/",
        "https://user@issuer.example/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "file:///etc/passwd",
        "https://",
        "not an address",
    ],
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(AwsIamError):
        publicly_fetched(address)


def test_the_connection_goes_to_the_address_that_was_looked_at_and_the_certificate_is_the_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, right in (("issuer.test", True), ("other.test", False)):
        certificate = self_signed(tmp_path, name)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with serving({"/keys": {"keys": []}}, certificate=certificate) as server:
            port = server.host.rpartition(":")[2]
            url = httpx.URL(f"https://issuer.test:{port}/keys")
            if right:
                assert b"keys" in download_from(url, "127.0.0.1", 1000)
                assert server.asked[0][1]["Host"] == f"issuer.test:{port}"
            else:
                with pytest.raises(httpx.ConnectError):
                    download_from(url, "127.0.0.1", 1000)
                assert server.asked == []


def ask(host: str, *issuers: str) -> Any:
    claims = {
        "iss": f"https://{host}",
        "aud": "sts.amazonaws.com",
        "sub": "x",
        "exp": 4_000_000_000,
    }
    token = jwt.encode({"alg": "RS256", "kid": "k"}, claims, key())
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{host}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": {f"{host}:aud": "sts.amazonaws.com"}},
            }
        ],
    }
    arguments = {"action": "denied", "document": trust, "token": token, "jwks": "fetch"}
    call = Call(tool="irsa", arguments=arguments, permitted=Permitted(issuers=issuers))
    return run_call(call, lambda *_: None)


def test_over_mcp_keys_come_from_issuers_that_are_known_or_were_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving() as server:
        server.answers["/.well-known/openid-configuration"] = {"jwks_uri": f"{server.url}/keys"}
        server.answers["/keys"] = {"keys": [{**key().as_dict(private=False), "kid": "k"}]}
        for issuers, words in (
            ((), "well-known issuers only"),
            (("127.0.0.1*",), "only https on port 443"),
        ):
            with pytest.raises(AwsIamError, match=words):
                ask(server.host, *issuers)
        assert server.asked == []
        monkeypatch.setenv(FOR_TESTS, "1")
        with pytest.raises(InputError, match="well-known issuers only"):
            ask(server.host)
        assert ask(server.host, "127.0.0.1*").facts["signature"] == "valid"


@pytest.mark.parametrize(
    ("host", "pinned"),
    [
        ("token.actions.githubusercontent.com", True),
        ("oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF", True),
        ("gitlab.com", True),
        # A product that people run themselves: whoever names the host chooses the server.
        ("github.evil.example/_services/token", False),
        ("metadata.internal/_services/token", False),
        ("jenkins.evil.example/oidc", False),
        ("oidc.eks.eu-west-1.amazonaws.com.evil.example/id/0123456789ABCDEF0123456789ABCDEF", False),
        ("evil.example", False),
    ],
)  # fmt: skip
def test_an_issuer_is_known_by_its_host(host: str, pinned: object) -> None:
    assert is_pinned(host) is pinned
