"""A shared server: as a process of its own, with its issuer, AWS and log, or within the process of the tests."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from aws_iam.server.http.issuer import Issuer as KnownIssuer
from aws_iam.server.http.resource_server import ResourceServer, Scopes
from helpers.estate_server import Estate, estate
from helpers.folders import ROOT
from helpers.protocol.issuer import AUDIENCE, Issuer, free_port, issuing
from helpers.protocol.over_http import MODERN, Served, mcp_over_http, request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aws_iam.server.http.place import Place

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
        return self.post(body, {**headers, **bearer(token)}, path)

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


def bearer(token: str | None) -> dict[str, str]:
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


@contextmanager
def guarded_server() -> Iterator[tuple[Issuer, Served]]:
    """An issuer, and a server in this process for those who have its tokens."""
    with issuing() as issuer:
        known = KnownIssuer(issuer.url, allow_http=True)
        known.discover()

        def guard(place: Place) -> ResourceServer:
            return ResourceServer(known, AUDIENCE, place, scopes=Scopes(), roles=None)

        with mcp_over_http(guard) as served:
            yield issuer, served
