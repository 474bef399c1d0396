"""The Dockerfile, read instruction by instruction and by hadolint, and its health check. `.ci/check_image.py` builds it."""

from __future__ import annotations

import http.server
import json
import re
import runpy
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from helpers.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
CHECK: dict[str, Any] = runpy.run_path(str(ROOT / "assets/deploy/healthcheck.py"))


def instructions() -> list[tuple[str, str]]:
    """Each instruction with its words, continued lines joined, comments gone."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]  # fmt: skip


ALL = instructions()
LAST_STAGE = ALL[max(number for number, (word, _) in enumerate(ALL) if word == "FROM") :]


def test_the_bases_are_one_content() -> None:
    bases = {rest.split()[0] for word, rest in ALL if word == "FROM"}
    [base] = bases
    assert re.fullmatch(r"python:\d+\.\d+-[\w-]+@sha256:[0-9a-f]{64}", base)


def test_the_last_stage_runs_as_a_numbered_user_that_is_not_root() -> None:
    [user] = [rest for word, rest in LAST_STAGE if word == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert [word for word, _ in LAST_STAGE][-3:] == ["USER", "HEALTHCHECK", "ENTRYPOINT"]


def test_the_last_stage_runs_nothing_while_it_is_built_and_needs_no_shell() -> None:
    """What a shell would have to start stands in the form of a list."""
    assert not [rest for word, rest in LAST_STAGE if word in {"RUN", "SHELL"}]
    started = [rest.partition("CMD ")[2] for word, rest in LAST_STAGE if word == "HEALTHCHECK"]
    started += [rest for word, rest in LAST_STAGE if word in {"ENTRYPOINT", "CMD"}]
    assert all(isinstance(json.loads(rest), list) for rest in started)


def test_docker_run_with_standard_input_is_the_server() -> None:
    [entry] = [rest for word, rest in LAST_STAGE if word == "ENTRYPOINT"]
    assert json.loads(entry) == ["aws-iam-mcp"]
    [check] = [rest for word, rest in LAST_STAGE if word == "HEALTHCHECK"]
    assert json.loads(check.partition("CMD ")[2]) == ["python", "/opt/aws-iam/healthcheck.py"]


def test_nothing_comes_from_the_network_but_through_pip_by_hash_and_no_credential_is_set() -> None:
    assert not [rest for word, rest in ALL if word == "ADD"]
    for command in (part for word, rest in ALL if word == "RUN" for part in rest.split("&&")):
        assert re.search(r"--require-hashes|--no-deps| -m venv ", command), command
    assert not re.search(r"AWS_(ACCESS|SECRET|SESSION)|--from=[^b]", DOCKERFILE)


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignore
    seen = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    copied = {
        source
        for word, rest in ALL
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }

    def lies_in(source: str) -> set[str]:
        return {name for name in seen if f"{source}/".startswith(f"{name}/")}

    assert all(lies_in(source) for source in copied)
    assert {name for source in copied for name in lies_in(source)} == seen
    assert all((ROOT / name).exists() for name in seen)


@pytest.mark.validator
def test_hadolint_finds_nothing_wrong() -> None:
    program = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [program, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["python", "aws-iam-mcp"], ""),
        (["aws-iam-mcp", "--http", "127.0.0.1:8080"], "127.0.0.1:8080"),
        (["aws-iam-mcp", "--http=0.0.0.0:80", "--auth-issuer", "x"], "127.0.0.1:80"),
        (["aws-iam", "serve", "--http", "[::]:8080"], "[::1]:8080"),
    ],
)
def test_the_health_check_asks_where_the_server_listens(words: list[str], expected: str) -> None:
    assert CHECK["address"](words) == expected


@pytest.fixture(scope="module")
def served() -> Iterator[dict[int, str]]:
    """A server for each status, by status."""
    servers = {}
    for status in (200, 404, 503):

        class Handler(http.server.BaseHTTPRequestHandler):
            code = status

            def do_GET(self) -> None:
                self.send_response(self.code)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        servers[status] = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=servers[status].serve_forever, args=(0.02,), daemon=True).start()
    yield {status: f"127.0.0.1:{server.server_port}" for status, server in servers.items()}
    for server in servers.values():
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (404, True), (503, False)])
def test_a_server_that_answers_is_healthy(
    served: dict[int, str], status: int, *, healthy: bool
) -> None:
    assert CHECK["answers"](served[status]) is healthy


def test_a_server_that_is_gone_is_not_healthy(served: dict[int, str]) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as closed:
        port = closed.server_port
    assert f"127.0.0.1:{port}" not in served.values()
    assert CHECK["answers"](f"127.0.0.1:{port}") is False
