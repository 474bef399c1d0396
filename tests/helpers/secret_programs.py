"""What the programs of `secrets snippet` are run against: stores that hold a password, and a local cache."""

from __future__ import annotations

import http.server
import json
import urllib.parse
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from aws_iam.tools.secrets.snippet import snippets
from helpers.loopback import serving_thread

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

OLD, NEW = "old-Zq81-never-shown", "new-Kx27-never-shown"
NAME = "/prod/app/db"
"""Both stores take it; Parameter Store demands the slash at its start."""
IN_PROCESS = frozenset({"library", "sdk", "powertools", "task_definition"})
"""Styles whose program asks the store itself."""


def snippets_in(
    language: str | None = None, styles: Collection[str] | None = None, runtime: str | None = None
) -> list[Any]:
    """The snippets as parameters of a test, named by what they are chosen by."""
    return [
        pytest.param(
            snippet, id=f"{snippet.runtime}-{snippet.store}-{snippet.style}-{snippet.language}"
        )
        for snippet in snippets()
        if language in (None, snippet.language)
        and (styles is None or snippet.style in styles)
        and runtime in (None, snippet.runtime)
    ]


def text(password: str) -> str:
    """The secret's value."""
    return json.dumps({"username": "app", "password": password})


def secret_of(password: str) -> None:
    """Store the old password, or rotate to another."""
    client: Any = boto3.client("secretsmanager")
    if password == OLD:
        client.create_secret(Name=NAME, SecretString=text(password))
    else:
        client.put_secret_value(SecretId=NAME, SecretString=text(password))


def parameter_of(password: str) -> None:
    """Store the password in a SecureString parameter."""
    client: Any = boto3.client("ssm")
    client.put_parameter(Name=NAME, Value=text(password), Type="SecureString", Overwrite=True)


STORES = {"secrets_manager": secret_of, "parameter_store": parameter_of}


@contextmanager
def cache(token: str) -> Iterator[str]:
    """What the extension and the agent are to a program: a local HTTP cache that keeps what it has."""
    kept: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(url.query))
            if self.headers["X-Aws-Parameters-Secrets-Token"] != token:
                self.send_error(403)
                return
            if url.path not in kept or query.get("refreshNow") == "true":
                kept[url.path] = json.dumps(answers[url.path](query)).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(kept[url.path])

        def log_message(self, *_: Any) -> None:
            """A test's output is the program's."""

    def of_secret(query: dict[str, str]) -> dict[str, str]:
        answer: Any = boto3.client("secretsmanager").get_secret_value(SecretId=query["secretId"])
        return {"SecretString": answer["SecretString"]}

    def of_parameter(query: dict[str, str]) -> dict[str, Any]:
        assert query["withDecryption"] == "true"
        answer: Any = boto3.client("ssm").get_parameter(Name=query["name"], WithDecryption=True)
        return {"Parameter": {"Value": answer["Parameter"]["Value"]}}

    answers = {"/secretsmanager/get": of_secret, "/systemsmanager/parameters/get": of_parameter}
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    with serving_thread(server):
        yield str(server.server_address[1])
