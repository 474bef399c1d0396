"""`secrets snippet` in TypeScript: tsc accepts every program, and Node.js runs it: cached, refused, refetched, never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws
from moto.server import ThreadedMotoServer

from aws_iam.tools.secrets.actions import tool
from helpers.node import NodeError, compiled, running
from helpers.secret_programs import (
    IN_PROCESS,
    NAME,
    NEW,
    OLD,
    STORES,
    cache,
    snippets_in,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from helpers.node import Program

pytestmark = pytest.mark.process

ALL = [parameter.values[0] for parameter in snippets_in("typescript")]


def module_of(snippet: Any) -> str:
    (program,) = (file.asset for file in snippet.files if file.language == "typescript")
    return str(program).removesuffix(".ts")


def content_of(snippet: Any) -> str:
    answer = tool.run(
        {
            "action": "snippet",
            "runtime": snippet.runtime,
            "store": snippet.store,
            "style": snippet.style,
            "language": "typescript",
            "secret": NAME,
        }
    )
    (program,) = (file for file in answer.artifacts if file.language == "typescript")
    assert program.name == "app-secret.ts"
    return str(program.content)


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs, compiled; a program that several snippets share is compiled once."""
    folder = tmp_path_factory.mktemp("typescript")
    compiled(folder, {module_of(snippet): content_of(snippet) for snippet in ALL})
    return folder


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """AWS as moto plays it, and the environment in which a program finds it."""
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    for name, value in {**keys, "AWS_DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        _, port = server.get_host_and_port()
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_REGION": "eu-west-1",
            "AWS_SESSION_TOKEN": "session-token",
            "APP_SECRET": text(OLD),
            "APP_SECRET_ID": NAME,
        }
        server.stop()


def refreshes(program: Program, store: str) -> None:
    """The old value is kept after a rotation; a refusal brings the new one."""
    assert program.call("secret") == {"username": "app", "password": OLD}
    STORES[store](NEW)
    assert program.call("secret")["password"] == OLD
    assert program.call("withSecret", {"accepts": NEW}) == NEW


@pytest.mark.parametrize("snippet", snippets_in("typescript", IN_PROCESS))
def test_a_program_keeps_the_secret_and_refetches_it_when_it_is_refused(
    snippet: Any, modules: Path, environment: dict[str, str]
) -> None:
    STORES[snippet.store](OLD)
    with running(modules / f"{module_of(snippet)}.js", environment) as program:
        refreshes(program, snippet.store)
        assert program.call("secret")["password"] == NEW
        with pytest.raises(NodeError, match="Error"):
            program.call("withSecret", {"accepts": "a third password"})
    assert program.output == ""


@pytest.mark.parametrize("snippet", snippets_in("typescript", {"extension", "agent"}))
def test_a_program_asks_the_local_cache_with_its_token_and_goes_past_it_when_it_is_refused(
    snippet: Any, modules: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    STORES[snippet.store](OLD)
    token = tmp_path / "token"
    token.write_text("session-token\n", encoding="utf-8")
    with cache("session-token") as port:
        where = {
            "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": port,
            "SECRETS_MANAGER_AGENT": f"http://127.0.0.1:{port}",
            "SECRETS_MANAGER_AGENT_TOKEN": str(token),
        }
        module = modules / f"{module_of(snippet)}.js"
        with running(module, {**environment, **where}) as program:
            refreshes(program, snippet.store)
        assert program.output == ""
        token.write_text("another", encoding="utf-8")
        wrong = {**environment, **where, "AWS_SESSION_TOKEN": "another"}
        with running(module, wrong) as program, pytest.raises(NodeError, match="status 403"):
            program.call("secret")


@pytest.mark.parametrize("style", ["ascp", "external_secrets"])
def test_a_mounted_secret_is_read_anew_when_its_file_has_changed(
    style: str, modules: Path, tmp_path: Path
) -> None:
    assert any((snippet.style, module_of(snippet)) == (style, "mounted") for snippet in ALL)
    file = tmp_path / "app.json"
    file.write_text(text(OLD), encoding="utf-8")

    def rotation_after(seconds: int) -> dict[str, Any]:
        rotated = {"file": str(file), "text": text(NEW), "after": seconds}
        return {"seconds_counted_until": rotated}

    with running(modules / "mounted.js", {"APP_SECRET_FILE": str(file)}) as program:
        assert program.call("secret")["password"] == OLD
        with pytest.raises(NodeError):
            program.call("withSecret", {"accepts": NEW}, rotation_after(1_000))
        assert program.call("withSecret", {"accepts": NEW}, rotation_after(3)) == NEW
    assert program.output == ""


@pytest.mark.parametrize("snippet", snippets_in("typescript"))
def test_the_message_of_a_failed_parse_which_quotes_the_text_is_dropped(snippet: Any) -> None:
    content = content_of(snippet)
    assert content.count("JSON.parse(") == content.count("} catch {") == 1


@pytest.mark.parametrize("snippet", snippets_in("typescript", {"sdk", "powertools"}, "lambda"))
def test_a_value_that_is_no_json_is_refused_without_being_quoted(
    snippet: Any, modules: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helpers.secret_programs.text", lambda password: password)
    STORES[snippet.store](OLD)
    with (
        running(modules / f"{module_of(snippet)}.js", environment) as program,
        pytest.raises(NodeError, match="is not JSON") as refused,
    ):
        program.call("secret")
    assert OLD not in str(refused.value)
    assert program.output == ""
