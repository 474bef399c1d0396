"""What `aws-iam serve --http` refuses before it listens, and which issuers and files of roles it takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.cli.parsers import serve_parser
from aws_iam.errors import AwsIamError, InputError
from aws_iam.server.http import issuer as issuer_module
from aws_iam.server.http.aws_roles import session_name
from aws_iam.server.http.http_options import http_options
from aws_iam.web.public_documents import FOR_TESTS
from helpers.protocol.issuer import issuing, new_key

if TYPE_CHECKING:
    from pathlib import Path

LOGIN = ("--auth-issuer", "https://login.example.com", "--auth-audience", "a")
PUBLIC = ("--http", "0.0.0.0:8080", *LOGIN)
BASE = ("--base-url", "https://mcp.example.com")


def options(*words: str) -> Any:
    return http_options(serve_parser().parse_args(words))


@pytest.mark.parametrize(
    ("words", "resource"),
    [
        (("--http", "127.0.0.1:8080"), "http://127.0.0.1:8080/mcp"),
        (("--http", "[::1]:8080"), "http://[::1]:8080/mcp"),
        ((*PUBLIC, *BASE), "https://mcp.example.com/mcp"),
        ((*PUBLIC, "--base-url", "https://MCP.example.com/mcp/"), "https://mcp.example.com/mcp"),
        (("--http", "127.0.0.1:1", *LOGIN, *BASE), "https://mcp.example.com/mcp"),
    ],
)
def test_where_the_server_is_reached(words: tuple[str, ...], resource: str) -> None:
    assert options(*words).place.resource == resource


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--http", "0.0.0.0:8080"), "no authentication.*--auth-issuer"),
        (("--http", "example.com:8080"), "no authentication"),
        (("--http", "8080"), "HOST:PORT"),
        (("--http", "127.0.0.1:0"), "HOST:PORT"),
        (("--http", "127.0.0.1:70000"), "HOST:PORT"),
        (PUBLIC, "needs `--base-url`"),
        ((*PUBLIC, "--base-url", "http://mcp.example.com"), "not an https address"),
        ((*PUBLIC, "--base-url", "https://mcp.example.com/tools"), "not an https address"),
        ((*PUBLIC, "--base-url", "https://u@mcp.example.com"), "not an https address"),
        (("--http", "127.0.0.1:1", "--auth-audience", "a"), "needs `--auth-issuer`"),
        (("--http", "127.0.0.1:1", "--aws-roles", "f"), "needs `--auth-issuer`"),
        (("--http", "127.0.0.1:1", *LOGIN[:2]), "needs `--auth-audience`"),
        ((*PUBLIC, *BASE, "--auth-scopes", "one"), "two names"),
        ((*PUBLIC, *BASE, "--auth-scopes", "one one"), "two names"),
        ((*PUBLIC, *BASE, "--auth-scopes", 'a" b'), "two names"),
        ((*PUBLIC, *BASE, "--aws-roles", "/dev/zero"), "not a regular file"),
        ((*PUBLIC, *BASE, "--profile", "dev"), "`--profile` allows nothing.*--aws-roles"),
        ((*PUBLIC, *BASE, "--allow-role", "*"), "`--allow-role` allows nothing.*--aws-roles"),
    ],
)
def test_what_would_let_strangers_in_or_cannot_work_is_refused(
    words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        options(*words)


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.com",
        "http://127.0.0.1:9000",
        "https://",
        "ftp://login.example.com",
        "https://login.example.com/?x=1",
        "https://login.example.com/#x",
    ],
)
def test_an_issuer_is_https(url: str) -> None:
    with pytest.raises(InputError, match="not an https address"):
        options(*PUBLIC, *BASE, "--auth-issuer", url)


def test_only_the_variable_for_tests_takes_an_issuer_without_tls_and_only_on_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(FOR_TESTS, "1")
    assert options(*PUBLIC, *BASE, "--auth-issuer", "http://127.0.0.1:9000").authorization
    with pytest.raises(InputError, match="not an https address"):
        options(*PUBLIC, *BASE, "--auth-issuer", "http://192.0.2.1:9000")


def test_an_issuer_under_another_name_or_without_keys_is_no_issuer() -> None:
    with issuing() as published:
        issuer = issuer_module.Issuer(published.url, allow_http=True)
        published.name = f"{published.url}/"
        with pytest.raises(InputError, match="calls itself"):
            issuer.discover()
        published.name, published.keys = None, []
        with pytest.raises(AwsIamError, match="holds 0 keys"):
            issuer.discover()
    with pytest.raises(AwsIamError, match="cannot be asked for its keys"):
        issuer.discover()


def test_a_new_key_is_fetched_when_a_token_names_it_and_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with issuing() as published:
        issuer = issuer_module.Issuer(published.url, allow_http=True)
        issuer.discover()
        published.keys = [new_key("two")]
        assert not issuer.lacks("one")
        assert issuer.lacks("two")
        before = len(published.asked)
        for _ in range(5):
            issuer.fetch_again()
        assert len(published.asked) == before
        monkeypatch.setattr(issuer_module, "_SECONDS_BETWEEN_FETCHES", -1.0)
        issuer.fetch_again()
        assert [key["kid"] for key in issuer.keys] == ["two"]
        assert not issuer.lacks("two")
    # An issuer that is gone does not take the keys along, and is not asked by everyone either.
    issuer.fetch_again()
    assert [key["kid"] for key in issuer.keys] == ["two"]


ROLE = {"role_arn": "arn:aws:iam::111122223333:role/r"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it is not JSON"),
        ("[]", "needs `claim` and `roles`"),
        ('{"roles": {}}', "needs `claim` and `roles`"),
        ('{"claim": 1, "roles": {}}', "`claim` is a text"),
        ('{"claim": "sub", "roles": []}', "`roles` an object"),
        (json.dumps({"claim": "sub", "roles": {"a": 1}}), "entry `a` is not an object"),
        (json.dumps({"claim": "sub", "roles": {"a": {}}}), "not the ARN of a role"),
        (json.dumps({"claim": "sub", "roles": {"a": {"role_arn": "reader"}}}), "not the ARN"),
        (
            json.dumps({"claim": "sub", "roles": {"a": {**ROLE, "tag": True}}}),
            "unknown name `tag`",
        ),
        (json.dumps({"claim": "sub", "roles": {"a": {**ROLE, "tags": "yes"}}}), "true or false"),
        ('{"claim": "sub", "roles": {"a": {"role_arn": "x"}, "a": {"role_arn": "y"}}}', "twice"),
    ],
)
def test_a_file_of_roles_that_does_not_say_who_is_who_is_refused(
    content: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "roles.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        options(*PUBLIC, *BASE, "--aws-roles", str(file))


@pytest.mark.parametrize(
    ("subject", "kept"),
    [
        ("ada", True),
        ("ada@example.com", True),
        ("x" * 64, True),
        ("f47ac10b-58cc-4372-a567-0e02b2c3d479", True),
        ("x" * 65, False),
        ("a", False),
        ("auth0|12", False),
        ("ada lovelace", False),
        ("ådå", False),
        ("aws:ada", False),
    ],
)
def test_a_session_is_named_as_the_subject_where_aws_takes_that(
    subject: str, kept: object
) -> None:
    name = session_name(subject)
    assert (name == subject) is kept
    assert 2 <= len(name) <= 64
    assert not name.startswith("aws:") or kept
    # Nor can anybody be called as another one's session is.
    assert kept or session_name(name) != name
