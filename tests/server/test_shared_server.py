"""One server for many people: who comes in, as whom AWS is read, and that nothing of one can be had by another."""

from __future__ import annotations

import asyncio
import base64
import hmac
import http.client
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.oauth2 import AuthorizationCodeResult
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp.shared.exceptions import MCPError

from aws_iam.server.http import user_limits
from aws_iam.server.http.issuer import Issuer as KnownIssuer
from aws_iam.server.http.resource_server import ResourceServer, Scopes
from helpers.estate_server import Estate, estate
from helpers.folders import ROOT
from helpers.protocol.issuer import AUDIENCE, OFFLINE, READ, Issuer, free_port, issuing, new_key
from helpers.protocol.over_http import LEGACY, MODERN, mcp_over_http, request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aws_iam.server.http.place import Place

pytestmark = pytest.mark.process

ERAS = pytest.mark.parametrize("era", [MODERN, LEGACY])
MODES: dict[str, Literal["auto", "legacy"]] = {MODERN: "auto", LEGACY: "legacy"}
LOOKUP = {"action": "lookup", "query": "s3:GetObject"}
AUDIT = {"action": "run", "regions": ["us-east-1"], "controls": ["root_mfa"]}
REPORT = {"action": "report", "demo": True, "format": "html"}
ROLES = {
    "claim": "sub",
    "roles": {
        "ada": {"role_arn": "arn:aws:iam::222222222222:role/reads-for-ada"},
        "bob": {
            "role_arn": "arn:aws:iam::333333333333:role/reads-for-bob",
            "external_id": "bobs",
            "source_identity": True,
            "tags": True,
        },
        "eve/../ada": {"role_arn": "arn:aws:iam::444444444444:role/reads-for-eve"},
    },
}


@dataclass
class Shared:
    """The server as a process, its issuer and AWS, and its log."""

    url: str
    issuer: Issuer
    aws: Estate
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def ask(
        self, method: str, token: str | None, *, path: str = "/mcp", **params: Any
    ) -> tuple[int, Any, str]:
        """Status, JSON and challenge of the answer to one request."""
        body, headers = request(method, MODERN, **params)
        return self.post(body, {**headers, **_bearer(token)}, path)

    def post(
        self, body: bytes, headers: dict[str, str], path: str = "/mcp"
    ) -> tuple[int, Any, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            given = {"Content-Type": "application/json", "Accept": "application/json", **headers}
            connection.request("POST", path, body, given)
            response = connection.getresponse()
            text = response.read().decode()
            answer = json.loads(text) if text[:1] == "{" else text
            return response.status, answer, response.headers.get("WWW-Authenticate", "")
        finally:
            connection.close()

    def call(self, token: str, tool: str, arguments: dict[str, Any]) -> Any:
        """The result of a call that comes in."""
        status, answer, _ = self.ask("tools/call", token, name=tool, arguments=arguments)
        assert status == 200, answer
        return answer["result"]

    def lines(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines()


def _bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


@contextmanager
def shared_server(folder: Path) -> Iterator[Shared]:
    port = free_port()
    roles, log = folder / "roles.json", folder / "log"
    roles.write_text(json.dumps(ROLES), encoding="utf-8")
    url = f"http://127.0.0.1:{port}"
    with issuing() as issuer, estate() as aws, log.open("wb") as stderr:
        env = {
            "PATH": os.defpath,
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT / "server"),
            "AWS_IAM_ALLOW_HTTP_ISSUER": "1",
            "AWS_ACCESS_KEY_ID": "SERVERS",
            "AWS_SECRET_ACCESS_KEY": "own",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": aws.url,
        }
        options = ("--auth-issuer", issuer.url, "--auth-audience", AUDIENCE, "--aws-roles", str(roles))  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "aws_iam", "serve", "--http", f"127.0.0.1:{port}", *options],
            env=env,
            stdout=stderr,
            stderr=stderr,
        )
        served = Shared(url, issuer, aws, process, log)
        try:
            wait_until_ready(served)
            yield served
        finally:
            process.terminate()
            assert process.wait(60) in {0, -15}


def wait_until_ready(served: Shared) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert served.process.poll() is None, served.lines()
        try:
            if get(served, "/readyz")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail("the server does not answer")


def get(served: Shared, path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


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


STRANGER = new_key("one")
UNKNOWN = new_key("two")


def by_hand(issuer: Issuer, algorithm: str) -> str:
    """A token that no library makes: unsigned, or with the published key as the secret of an HMAC."""
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "ada", "exp": int(time.time()) + 60}
    parts = [json.dumps(part).encode() for part in ({"alg": algorithm, "kid": "one"}, claims)]
    signed = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    secret = issuer.keys[0].as_pem(private=False)
    digest = hmac.digest(secret, signed.encode(), "sha256") if algorithm == "HS256" else b""
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def changed(issuer: Issuer) -> str:
    head, body, signature = issuer.token(sub="ada").split(".")
    other = issuer.token(sub="bob").split(".")[1]
    assert body != other
    return f"{head}.{other}.{signature}"


REFUSED: dict[str, Any] = {
    "none": lambda _: None,
    "no token": lambda _: "",
    "garbage": lambda _: "garbage",
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
    "signed by a stranger": lambda i: i.token(key=STRANGER),
    "of an unknown key": lambda i: i.token(key=UNKNOWN),
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
        ("audit", {"action": "run", "demo": True, "controls": ["root_mfa"]}, False),
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


def test_each_user_reads_under_a_role_of_their_own(shared: Shared) -> None:
    shared.aws.assumed.clear()
    for subject, account in (("ada", "222222222222"), ("bob", "333333333333")):
        shared.aws.signers.clear()
        result = shared.call(shared.issuer.token(sub=subject), "audit", AUDIT)
        answer = result["structuredContent"]
        assert answer["facts"]["account"].startswith(account)
        asked = shared.aws.assumed[-1]
        assert asked["RoleArn"] == ROLES["roles"][subject]["role_arn"]  # type: ignore[index]
        assert asked["RoleSessionName"] == subject
        # AssumeRole is signed with the server's own key, and nothing else is.
        assert len(shared.aws.signers) == 2
        assert "SERVERS" in shared.aws.signers
    assert len(shared.aws.assumed) == 2
    assert shared.aws.assumed[1]["ExternalId"] == "bobs"
    assert shared.aws.assumed[1]["SourceIdentity"] == "bob"
    assert "SourceIdentity" not in shared.aws.assumed[0]
    assert shared.aws.assumed[1]["Tags.member.1.Value"] == "bob"


def test_two_subjects_never_have_one_name(shared: Shared) -> None:
    shared.call(shared.issuer.token(sub="eve/../ada"), "audit", AUDIT)
    name = shared.aws.assumed[-1]["RoleSessionName"]
    assert name.startswith("eve-..-ada-")
    assert len(name) > len("eve-..-ada-")


def test_a_user_without_a_role_has_all_that_needs_no_account(shared: Shared) -> None:
    before = shared.aws.calls.total()
    token = shared.issuer.token(sub="carol")
    refused = shared.call(token, "audit", AUDIT)
    assert refused["isError"]
    assert "no AWS role for you" in refused["content"][0]["text"]
    assert not shared.call(token, "policy", LOOKUP).get("isError")
    assert not shared.call(token, "audit", {**REPORT, "format": "json"}).get("isError")
    assert shared.aws.calls.total() == before


@pytest.mark.parametrize(
    "named",
    [
        {"profile": "default"},
        {"role_arn": "arn:aws:iam::333333333333:role/reads-for-bob"},
        {"role_arn": "arn:aws:iam::222222222222:role/reads-for-ada", "external_id": "x"},
    ],
)
def test_the_file_decides_and_never_the_caller(shared: Shared, named: dict[str, str]) -> None:
    before = shared.aws.calls.total()
    refused = shared.call(shared.issuer.token(), "audit", {**AUDIT, **named})
    assert refused["isError"]
    assert "a role of their own" in refused["content"][0]["text"]
    assert shared.aws.calls.total() == before


async def as_user(shared: Shared, era: str, token: str, conversation: Any) -> Any:
    async with httpx2.AsyncClient(headers=_bearer(token), timeout=60) as requests:
        transport = streamable_http_client(f"{shared.url}/mcp", http_client=requests)
        async with Client(transport, mode=MODES[era]) as client:
            return await conversation(client)


@ERAS
def test_what_is_kept_for_one_user_is_given_to_no_other(shared: Shared, era: str) -> None:
    asked = {"action": "run", "demo": True}

    async def first(client: Client) -> tuple[str, str]:
        made = await client.call_tool("audit", REPORT)
        uri = next(str(part.uri) for part in made.content if part.type == "resource_link")
        page = await client.call_tool("audit", asked)
        assert page.structured_content
        return uri, page.structured_content["next_cursor"]

    async def two_users() -> None:
        ada, bob = shared.issuer.token(sub="ada"), shared.issuer.token(sub="bob")

        async def both(client: Client) -> None:
            uri, cursor = await first(client)

            async def other(stranger: Client) -> None:
                with pytest.raises(MCPError, match="no longer kept"):
                    await stranger.read_resource(uri)
                turned = await stranger.call_tool("audit", {**asked, "cursor": cursor})
                assert turned.is_error

            await as_user(shared, era, bob, other)
            assert (await client.read_resource(uri)).contents
            assert not (await client.call_tool("audit", {**asked, "cursor": cursor})).is_error

        await as_user(shared, era, ada, both)

    asyncio.run(two_users())


def test_a_session_serves_its_user_alone(shared: Shared) -> None:
    hello = {"name": "t", "version": "1"}
    body, _ = request("initialize", LEGACY, protocolVersion=LEGACY, capabilities={}, clientInfo=hello)  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=60)
    given = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    connection.request("POST", "/mcp", body, {**given, **_bearer(shared.issuer.token())})
    response = connection.getresponse()
    response.read()
    session = response.headers["Mcp-Session-Id"]
    connection.close()
    body, _ = request("tools/list", LEGACY)
    headers = {**given, "Mcp-Session-Id": session, "MCP-Protocol-Version": LEGACY}
    bob, ada = shared.issuer.token(sub="bob"), shared.issuer.token()
    assert shared.post(body, {**headers, **_bearer(bob)})[0] == 404
    assert shared.post(body, headers)[0] == 401
    assert shared.post(body, {**headers, **_bearer(ada)})[0] == 200


class Storage:
    """Holds what the SDK's client learns."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def test_the_sdks_client_finds_its_way_in_and_asks_for_more_when_it_needs_more(
    shared: Shared,
) -> None:
    shared.issuer.sought.clear()
    came_back: list[str] = []

    async def sign_in(address: str) -> None:
        async with httpx2.AsyncClient() as browser:
            came_back.append((await browser.get(address)).headers["Location"])

    async def came() -> AuthorizationCodeResult:
        found = parse_qs(urlsplit(came_back[-1]).query)
        return AuthorizationCodeResult(
            code=found["code"][0], state=found["state"][0], iss=found["iss"][0]
        )

    async def conversation() -> Any:
        provider = OAuthClientProvider(
            f"{shared.url}/mcp",
            OAuthClientMetadata(redirect_uris=["http://127.0.0.1:1/callback"], client_name="t"),  # type: ignore[list-item]
            Storage(),
            sign_in,
            came,
        )
        async with httpx2.AsyncClient(auth=provider, timeout=60) as requests:
            transport = streamable_http_client(f"{shared.url}/mcp", http_client=requests)
            async with Client(transport, mode="auto") as client:
                assert [tool.name for tool in (await client.list_tools()).tools]
                return await client.call_tool("audit", AUDIT)

    result = asyncio.run(conversation())
    assert not result.is_error
    scopes = [asked.get("scope", "").split() for asked in shared.issuer.sought]
    assert scopes[0] == [OFFLINE]
    assert sorted(scopes[-1]) == sorted([OFFLINE, READ])
    assert all(asked["resource"] == f"{shared.url}/mcp" for asked in shared.issuer.sought)


def test_the_log_says_who_did_what_and_nothing_of_what_was_said(shared: Shared) -> None:
    token = shared.issuer.token(sub="dora")
    shared.call(token, "policy", {"action": "lookup", "query": "s3:MarkerOfTheQuery"})
    shared.ask("tools/list", shared.issuer.token(aud="marker-of-the-audience"))
    calls = [json.loads(line) for line in shared.lines() if line.startswith("{")]
    line = next(call for call in calls if call["user"] == "dora")
    assert set(line) == {"at", "event", "issuer", "user", "client", "tool", "action", "outcome", "seconds"}  # fmt: skip
    assert (line["tool"], line["action"], line["client"]) == ("policy", "lookup", "ide")
    everything = "\n".join(shared.lines())
    assert "Marker" not in everything
    assert "marker" not in everything
    assert token not in everything
    assert token.split(".")[1] not in everything
    assert "a token was refused" in everything
    assert "Traceback" not in everything


def test_a_user_has_so_many_calls_and_is_told_when_the_next_one_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(user_limits, "MOST_PER_MINUTE", 3)
    with issuing() as issuer:
        known = KnownIssuer(issuer.url, allow_http=True)
        known.discover()

        def guard(place: Place) -> ResourceServer:
            return ResourceServer(known, AUDIENCE, place, scopes=Scopes(), roles=None)

        with mcp_over_http(guard) as served:

            def statuses(subject: str, calls: int) -> list[int]:
                body, headers = request("tools/call", name="policy", arguments=LOOKUP)
                bearer = _bearer(issuer.token(sub=subject))
                return [served.post(body, **headers, **bearer)[0] for _ in range(calls)]

            assert statuses("hasty", 5) == [200, 200, 200, 429, 429]
            # Nobody else waits for that, and what is no call of a tool is not counted.
            assert statuses("patient", 1) == [200]
            body, headers = request("tools/list")
            hasty = _bearer(issuer.token(sub="hasty"))
            assert served.post(body, **headers, **hasty)[0] == 200
            body, headers = request("tools/call", name="policy", arguments=LOOKUP)
            connection = served.send(body, {**headers, **hasty})
            assert 1 <= int(connection.getresponse().headers["Retry-After"]) <= 20
            connection.close()


def test_when_told_to_end_it_finishes_what_it_has_begun(tmp_path: Path) -> None:
    with shared_server(tmp_path) as served, ThreadPoolExecutor() as threads:
        begun = Event()
        may_answer = Event()

        def hold(operation: str) -> None:
            if operation == "sts:AssumeRole":
                begun.set()
                assert may_answer.wait(60)

        served.aws.watch = hold
        few = {**AUDIT, "controls": ["root_mfa"]}
        call = threads.submit(served.call, served.issuer.token(), "audit", few)
        assert begun.wait(60)
        served.process.terminate()
        may_answer.set()
        assert not call.result(60).get("isError")
        assert served.process.wait(60) in {0, -15}
