"""Who comes in to a shared server: a token of its issuer, for it, and with the scope that the call needs."""

from __future__ import annotations

import base64
import hmac
import json
import time
from contextlib import ExitStack, closing
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.server.http import issuer as issuer_module
from helpers.protocol.issuer import AUDIENCE, OFFLINE, READ, Issuer, new_key
from helpers.protocol.over_http import request
from helpers.protocol.shared import Shared, bearer, get, guarded_server, shared_server

if TYPE_CHECKING:
    import http.client
    from collections.abc import Iterator

    from joserfc.jwk import RSAKey


pytestmark = pytest.mark.process

LOOKUP = {"action": "lookup", "query": "s3:GetObject"}
AUDIT = {"action": "run", "regions": ["us-east-1"], "controls": ["root_mfa"]}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    with shared_server(tmp_path_factory.mktemp("shared")) as served:
        yield served


def test_the_metadata_names_the_issuer_and_the_scopes(shared: Shared) -> None:
    status, text = get(shared, "/.well-known/oauth-protected-resource/mcp")
    metadata = json.loads(text)
    assert status == 200
    assert metadata["resource"] == f"{shared.url}/mcp"
    assert metadata["authorization_servers"] == [shared.issuer.url]
    assert metadata["scopes_supported"] == [OFFLINE, READ]
    assert metadata["bearer_methods_supported"] == ["header"]


def test_health_needs_no_token_and_says_nothing(shared: Shared) -> None:
    assert get(shared, "/healthz") == (200, "ok")
    assert get(shared, "/readyz") == (200, "ready")


@cache
def strange_key(kid: str) -> RSAKey:
    """A key that the issuer does not have, whatever it is called."""
    return new_key(kid)


def by_hand(issuer: Issuer, algorithm: str) -> str:
    """A token that no library makes: unsigned, or with the published key as the secret of an HMAC."""
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "ada", "exp": int(time.time()) + 60}
    parts = [json.dumps(part).encode() for part in ({"alg": algorithm, "kid": "one"}, claims)]
    signed = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    secret = issuer.keys[0].as_pem(private=False)
    digest = hmac.digest(secret, signed.encode(), "sha256") if algorithm == "HS256" else b""
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def with_header(header: Any) -> str:
    """A token of which a library makes no such one."""
    return ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (json.dumps(header).encode(), b"{}", b"x")
    )


def changed(issuer: Issuer) -> str:
    head, body, signature = issuer.token(sub="ada").split(".")
    other = issuer.token(sub="bob").split(".")[1]
    assert body != other
    return f"{head}.{other}.{signature}"


REFUSED: dict[str, Any] = {
    "none": lambda _: None,
    "no token": lambda _: "",
    "garbage": lambda _: "garbage",
    "a header of other kinds": lambda _: with_header({"alg": ["RS256"], "kid": "one"}),
    "a header of objects": lambda _: with_header({"alg": {"RS256": 1}, "kid": {}}),
    "a header that is none": lambda _: with_header([]),
    "a header without end": lambda _: with_header("x")[:-4],
    "halves of a character": lambda _: with_header({"alg": "RS256", "kid": "\ud800"}),
    "an end that is no time": lambda i: i.token(exp=float("inf")),
    "an end in words": lambda i: i.token(exp="never"),
    "an end in a list": lambda i: i.token(exp=[1]),
    "a beginning that is no time": lambda i: i.token(nbf=float("nan")),
    "issuers": lambda i: i.token(iss=[i.url]),
    "an audience in an object": lambda i: i.token(aud={AUDIENCE: 1}),
    "expired": lambda i: i.token(exp=int(time.time()) - 60),
    "not yet": lambda i: i.token(nbf=int(time.time()) + 600),
    "no end": lambda i: i.token(exp=None),
    "for others": lambda i: i.token(aud="somebody-else"),
    "for one that begins like this": lambda i: i.token(aud=f"{AUDIENCE}2"),
    "for nobody": lambda i: i.token(aud=None),
    "of another issuer": lambda i: i.token(iss="https://evil.example"),
    "of an issuer with a slash": lambda i: i.token(iss=f"{i.url}/"),
    "of nobody": lambda i: i.token(iss=None),
    "without subject": lambda i: i.token(sub=None),
    "with an empty subject": lambda i: i.token(sub=""),
    "signed by a stranger": lambda i: i.token(key=strange_key("one")),
    "of an unknown key": lambda i: i.token(key=strange_key("two")),
    "unsigned": lambda i: by_hand(i, "none"),
    "signed with the public key": lambda i: by_hand(i, "HS256"),
    "changed": changed,
    "with extensions": lambda i: i.token(header={"crit": ["b64"], "b64": True}),
    "too long": lambda i: i.token(more="x" * 30_000),
}


@pytest.mark.parametrize("made", REFUSED.values(), ids=REFUSED.keys())
def test_a_token_that_is_not_for_this_server_is_refused(shared: Shared, made: Any) -> None:
    status, answer, challenge = shared.ask("tools/list", made(shared.issuer))
    assert (status, answer["error"]) == (401, "invalid_token")
    metadata = f"{shared.url}/.well-known/oauth-protected-resource/mcp"
    assert challenge.startswith("Bearer ")
    assert f'resource_metadata="{metadata}"' in challenge
    assert f'scope="{OFFLINE}"' in challenge
    assert "Traceback" not in "\n".join(shared.lines())


def test_a_token_in_the_address_is_none(shared: Shared) -> None:
    path = f"/mcp?access_token={shared.issuer.token()}"
    assert shared.ask("tools/list", None, path=path)[0] == 401


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": ["somebody-else", AUDIENCE]},
        {"scope": None, "scp": [OFFLINE]},
        {"scope": None, "scp": f"profile {READ}"},
        {"exp": int(time.time()) + 10_000, "nbf": int(time.time()) + 10},
        {"client_id": None},
    ],
)
def test_a_token_for_this_server_is_taken(shared: Shared, claims: dict[str, Any]) -> None:
    assert shared.ask("tools/list", shared.issuer.token(**claims))[0] == 200


def test_a_token_without_a_scope_of_ours_opens_nothing(shared: Shared) -> None:
    for scope in (None, "profile email", f"{OFFLINE}2", f"x{READ}"):
        token = shared.issuer.token(scope=scope)
        status, answer, challenge = shared.ask("tools/list", token)
        assert (status, answer["error"]) == (403, "insufficient_scope")
        assert f'scope="{OFFLINE}"' in challenge


@pytest.mark.parametrize(
    ("tool", "arguments", "needs_account"),
    [
        ("policy", LOOKUP, False),
        ("policy", {"action": "validate", "document": "{}"}, False),
        ("policy", {"action": "validate", "document": "{}", "online": True}, True),
        ("policy", {"action": "validate", "document": "{}", "online": "false"}, False),
        ("audit", {"action": "run", "demo": True, "controls": ["root_mfa"]}, False),
        ("audit", {**AUDIT, "demo": "false"}, True),
        ("audit", {**AUDIT, "use_demo": "no"}, True),
        ("audit", {}, True),
        ("audit", AUDIT, True),
        ("audit", {"action": "nothing of ours"}, False),
        ("secrets", {"action": "check"}, True),
        ("kms", {"action": "check", "document": "{}"}, False),
    ],
)
def test_reading_an_account_needs_a_scope_of_its_own(
    shared: Shared, tool: str, arguments: dict[str, Any], needs_account: object
) -> None:
    before = shared.aws.calls.total()
    token = shared.issuer.token(scope=OFFLINE)
    status, _, challenge = shared.ask("tools/call", token, name=tool, arguments=arguments)
    assert status == (403 if needs_account else 200)
    assert (f'scope="{OFFLINE} {READ}"' in challenge) is needs_account
    assert shared.aws.calls.total() == before


def test_an_issuer_that_hangs_keeps_nobody_out_whose_key_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with guarded_server() as (issuer, served), ExitStack() as connections:
        body, headers = request("tools/list")

        def send(token: str) -> http.client.HTTPConnection:
            connection = served.send(body, {**headers, **bearer(token)})
            return connections.enter_context(closing(connection))

        def status(connection: http.client.HTTPConnection) -> int:
            return connections.enter_context(connection.getresponse()).status

        monkeypatch.setattr(issuer_module, "_SECONDS_BETWEEN_FETCHES", -1.0)
        issuer.answers.clear()
        try:
            # More than there are threads.
            waiting = [send(issuer.token(key=strange_key("two"))) for _ in range(60)]
            assert status(send(issuer.token())) == 200
            # Keys that are old, too, go on serving.
            monkeypatch.setattr(issuer_module, "_KEPT_SECONDS", -1.0)
            monkeypatch.setattr(issuer_module, "_SECONDS_BETWEEN_FETCHES", 60.0)
            assert status(send(issuer.token())) == 200
            assert {status(one) for one in waiting} == {401}
        finally:
            issuer.answers.set()
