"""The server as clients see it: a process over stdio and HTTP, in both protocol eras."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING, Any, Literal

import jsonschema
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp.types import PromptReference, ResourceTemplateReference

from aws_iam.tools.kit import schemas
from helpers.estate_server import estate
from helpers.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.process

TOOLS = ["policy", "secrets", "kms", "irsa", "audit"]
ERAS = pytest.mark.parametrize("era", ["auto", "legacy"])
Era = Literal["auto", "legacy"]
BARE = {
    "PATH": os.defpath,
    "HOME": "/nonexistent",
    "AWS_EC2_METADATA_DISABLED": "true",
    # Of this checkout, wherever the environment has its own from.
    "PYTHONPATH": str(ROOT / "server"),
}


PAGES = "aws-iam://references/"
UP = PAGES + "../../etc/passwd"
AUDIT = PromptReference(type="ref/prompt", name="audit")
OTHER = PromptReference(type="ref/prompt", name="other")
FILES = ResourceTemplateReference(type="ref/resource", uri="file:///{name}")
REQUEST = {"name": "request", "value": ""}


def process(*, cwd: Path | None = None, **env: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable, args=["-m", "aws_iam", "serve"], env={**BARE, **env}, cwd=cwd
    )


class Standing:
    """A server with one client for all conversations of an era, in its own event loop."""

    def __init__(self, era: Era) -> None:
        self.loop = asyncio.new_event_loop()
        # A server that does not start must not hang the tests.
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.over = asyncio.Event()
        opened: Future[Client] = Future()
        self.held = asyncio.run_coroutine_threadsafe(self._hold(era, opened), self.loop)
        wait({opened, self.held}, timeout=60, return_when=FIRST_COMPLETED)
        self.client = opened.result(0)

    async def _hold(self, era: Era, opened: Future[Client]) -> None:
        async with Client(process(), mode=era) as client:
            opened.set_result(client)
            await self.over.wait()

    def talk(self, conversation: Callable[[Client], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            return await conversation(self.client)

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(120)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.over.set)
        self.held.result(60)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


STANDING: dict[Era, Standing] = {}


@pytest.fixture(scope="module", autouse=True)
def _servers() -> Iterator[None]:
    yield
    while STANDING:
        STANDING.popitem()[1].close()


def talk(era: Era, conversation: Callable[[Client], Awaitable[Any]]) -> Any:
    if era not in STANDING:
        STANDING[era] = Standing(era)
    return STANDING[era].talk(conversation)


def call(era: Era, tool: str, **arguments: Any) -> Any:
    return talk(era, lambda client: client.call_tool(tool, arguments))


@ERAS
def test_five_tools_are_listed_with_all_a_client_needs(era: Era) -> None:
    listed = talk(era, lambda client: client.list_tools())
    assert [tool.name for tool in listed.tools] == TOOLS
    for tool in listed.tools:
        assert tool.title
        assert tool.description
        assert len(tool.description) < 2000
        assert tool.annotations
        assert tool.annotations.read_only_hint is True
        assert tool.annotations.destructive_hint is False
        assert tool.annotations.idempotent_hint is True
        assert tool.annotations.open_world_hint is True
        assert tool.output_schema == schemas.ANSWER_TOP_LEVEL
        assert tool.input_schema["additionalProperties"] is False
        for name, schema in tool.input_schema["properties"].items():
            assert "description" in schema or name in {"action", "detail", "cursor"}


@ERAS
def test_the_listing_is_one_line_under_16_kb(era: Era) -> None:
    assert len(raw_tools_list(era)) < 16_384


def raw_tools_list(era: Era) -> bytes:
    """The response line as sent."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    requests: list[dict[str, Any]]
    if era == "legacy":
        requests = [
            {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        ]
    else:
        requests = [{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}]
    lines = converse(requests, answers=sum("id" in request for request in requests))
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in lines)
    answer = next(line for line in lines if json.loads(line).get("id") == 1)
    assert [tool["name"] for tool in json.loads(answer)["result"]["tools"]] == TOOLS
    return answer


def converse(requests: list[dict[str, Any]], answers: int) -> list[bytes]:
    return exchange([json.dumps(request).encode() for request in requests], answers)


def exchange(messages: list[bytes], answers: int) -> list[bytes]:
    server = subprocess.Popen(
        [sys.executable, "-m", "aws_iam", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=BARE,
    )
    with server:
        assert server.stdin
        assert server.stdout
        for message in messages:
            server.stdin.write(message + b"\n")
        server.stdin.flush()
        lines = [server.stdout.readline() for _ in range(answers)]
        server.stdin.close()
        # Any other output would violate the protocol.
        assert server.stdout.read() == b""
        assert server.wait(timeout=60) == 0
    return lines


def test_lines_that_are_no_messages_are_answered_and_empty_ones_are_not() -> None:
    listing = json.dumps({"jsonrpc": "2.0", "id": 9, "method": "ping"}).encode()
    too_long = b'{"params":"' + b"x" * 5_000_000 + b'","jsonrpc":"2.0","id":8}'
    lines = [b"", b"no json", b"  \r", b"[" + listing + b"]", too_long, listing]
    answers = [json.loads(answer) for answer in exchange(lines, answers=4)]
    errors = [(answer.get("id"), answer["error"]["code"]) for answer in answers[:3]]
    assert errors == [(None, -32700), (None, -32600), (8, -32600)]
    assert answers[3]["id"] == 9


def test_an_interrupt_ends_a_server_that_waits_for_a_line() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "aws_iam", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=BARE,
    ) as server:
        assert server.stdin
        assert server.stdout
        server.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        server.stdin.flush()
        assert server.stdout.readline()
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=60) == 130


@ERAS
def test_an_answer_is_complete_as_text_and_as_structure(era: Era) -> None:
    result = call(era, "policy", action="lookup", query="s3:GetObject")
    assert not result.is_error
    jsonschema.validate(result.structured_content, schemas.answer_schema())
    assert result.structured_content["tool"] == "policy"
    assert result.structured_content["action"] == "lookup"
    assert "s3:GetObject" in result.content[0].text


@ERAS
@pytest.mark.parametrize("tool", ["policy", "secrets", "kms", "irsa"])
def test_without_arguments_a_tool_gives_its_guide(era: Era, tool: str) -> None:
    result = call(era, tool)
    assert not result.is_error
    assert result.structured_content["action"] == "guide"
    assert result.structured_content["facts"]["sections"]


@ERAS
def test_an_audit_without_credentials_gives_the_checklist_and_how_to_connect(era: Era) -> None:
    result = call(era, "audit")
    assert not result.is_error
    assert "demo" in result.content[0].text
    assert "credentials" in result.content[0].text


@ERAS
def test_the_demonstration_is_audited_at_once_for_several_callers(era: Era) -> None:
    async def conversation(client: Client) -> Any:
        versions = ("7.0", "1.4", "7.0")
        calls = [
            client.call_tool("audit", {"demo": True, "benchmark": version}) for version in versions
        ]
        first, second, third = await asyncio.gather(*calls)
        cursor = first.structured_content["next_cursor"]
        more = {"demo": True, "benchmark": "7.0", "cursor": cursor}
        return first, second, third, await client.call_tool("audit", more)

    first, second, third, more = talk(era, conversation)
    assert not any(result.is_error for result in (first, second, third, more))
    assert first.structured_content["counts"] == third.structured_content["counts"]
    assert second.structured_content["facts"]["benchmark"] == "1.4"
    assert more.structured_content["findings"][0] not in first.structured_content["findings"]
    assert len(first.content[0].text.encode()) <= 8192


@ERAS
def test_a_reading_tells_its_progress_to_the_end(era: Era) -> None:
    steps: list[tuple[float, float | None]] = []

    async def step(done: float, total: float | None, _text: str | None) -> None:
        steps.append((done, total))

    async def conversation(url: str) -> Any:
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": url}
        asked = {"regions": ["us-east-1"], "controls": ["root_mfa", "alarm_root_use"]}
        async with Client(process(**keys), mode=era) as client:
            return await client.call_tool("audit", asked, progress_callback=step)

    with estate() as aws:
        result = asyncio.run(conversation(aws.url))
    assert not result.is_error
    assert any(done == total for done, total in steps)


def test_a_call_that_is_cancelled_begins_no_further_call_to_aws() -> None:
    opened = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    regions = ["us-east-1", "eu-west-1", "us-west-2"]
    asked = {"name": "audit", "arguments": {"regions": regions}}
    with estate() as aws:
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
        server = subprocess.Popen(
            [sys.executable, "-m", "aws_iam", "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**BARE, **keys, "AWS_ENDPOINT_URL": aws.url},
        )
        before: list[int] = []
        lock = threading.Lock()

        def send(method: str, **more: Any) -> None:
            assert server.stdin
            line = json.dumps({"jsonrpc": "2.0", "method": method, **more})
            server.stdin.write(line.encode() + b"\n")
            server.stdin.flush()

        def answered(number: int) -> None:
            assert server.stdout
            while json.loads(server.stdout.readline()).get("id") != number:
                pass

        def cancel(operation: str) -> None:
            with lock:
                if before or not operation.startswith("iam:"):
                    return
                send("notifications/cancelled", params={"requestId": 2})
                send("ping", id=3)
                answered(3)
                before.append(aws.calls.total())

        aws.watch = cancel
        with server:
            send("initialize", id=1, params=opened)
            answered(1)
            send("notifications/initialized")
            send("tools/call", id=2, params=asked)
            # The process ends only after its threads.
            while not before:
                assert server.poll() is None
                threading.Event().wait(0.05)
            assert server.stdin
            server.stdin.close()
            assert server.wait(timeout=60) == 0
        # Calls that were under way at the cancellation; a complete audit makes hundreds.
        assert aws.calls.total() - before[0] <= 16


MENDABLE = [
    ("policy", {"action": "validat"}, "`validate`"),
    ("policy", {"action": "lookup", "qery": "s3"}, "`query`"),
    ("policy", {"action": "lookup", "document": "{}"}, "has no argument `document`"),
    ("policy", {"action": "lookup"}, "needs `query`"),
    ("policy", {"action": "lookup", "query": {}}, "must be text"),
    ("policy", {"detail": "ful"}, "did you mean `full`"),
    ("policy", {"cursor": "99999"}, "next_cursor"),
    ("audit", {"demo": "perhaps"}, "true or false"),
    ("audit", {"save": "x.json"}, "no argument `save`"),
    ("audit", {"snapshot": "/etc/passwd"}, "no argument `snapshot`"),
]


@ERAS
def test_errors_the_caller_can_mend_say_what_to_do(era: Era) -> None:
    async def conversation(client: Client) -> list[tuple[Any, str]]:
        return [(await client.call_tool(tool, given), said) for tool, given, said in MENDABLE]

    for result, said in talk(era, conversation):
        assert result.is_error
        assert said in result.content[0].text
        assert "Traceback" not in result.content[0].text


def test_duplicate_keys_in_a_documents_text_are_seen() -> None:
    text = '{"Version":"2012-10-17","Statement":[],"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'
    result = call("auto", "policy", action="validate", document=text)
    assert "DUPLICATE" in result.content[0].text


@ERAS
def test_prompts_carry_the_playbook_and_the_request(era: Era) -> None:
    async def conversation(client: Client) -> Any:
        listed = await client.list_prompts()
        return listed, await client.get_prompt("audit", {"request": "is\nmy trail on?"})

    listed, prompt = talk(era, conversation)
    assert [listing.name for listing in listed.prompts] == TOOLS
    assert all([a.name for a in listing.arguments] == ["request"] for listing in listed.prompts)
    text = prompt.messages[0].content.text
    assert "is\\u000amy trail on?" in text
    assert "audit" in text


@ERAS
def test_every_page_template_and_schema_is_a_readable_resource(era: Era) -> None:
    async def conversation(client: Client) -> Any:
        listed = (await client.list_resources()).resources
        return {str(r.uri): (await client.read_resource(str(r.uri))).contents[0] for r in listed}

    read = talk(era, conversation)
    assert "aws-iam://references/policy-design" in read
    assert "aws-iam://templates/irsa-role-trust-policy" in read
    schema = json.loads(read["aws-iam://schemas/answer"].text)
    jsonschema.Draft202012Validator.check_schema(schema)
    for uri, content in read.items():
        assert content.text, uri
        if "/templates/" in uri:
            json.loads(content.text)


@ERAS
def test_names_of_resources_and_requests_are_completed(era: Era) -> None:
    async def conversation(client: Client) -> Any:
        ref = ResourceTemplateReference(type="ref/resource", uri=PAGES + "{name}")
        return (
            await client.complete(ref, {"name": "name", "value": "pol"}),
            await client.complete(AUDIT, {"name": "request", "value": "Re"}),
        )

    pages, requests = talk(era, conversation)
    assert pages.completion.values == ["policy-design"]
    # What starts with the letters comes first.
    assert requests.completion.values[0].startswith("report: ")
    assert requests.completion.total == len(requests.completion.values)


def _page(name: str) -> tuple[Callable[[Client], Awaitable[Any]], dict[str, str]]:
    return lambda client: client.read_resource(PAGES + name), {"uri": PAGES + name}


UNKNOWN: list[tuple[str, Callable[[Client], Awaitable[Any]], dict[str, str] | None]] = [
    ("did you mean `policy`?", lambda client: client.call_tool("polcy", {}), None),
    ("the prompts are policy", lambda client: client.get_prompt("x"), None),
    ("there is no resource", lambda client: client.read_resource(UP), {"uri": UP}),
    ("the references are compliance-checklist, irsa-oidc, kms-patterns, ", *_page("nope")),
    (f"did you mean {PAGES}kms-patterns?", *_page("kms")),
    (f"did you mean {PAGES}kms-patterns#key-types?", *_page("kms-patterns#key-type")),
    ("its sections are key-types, ", *_page("kms-patterns#nope")),
    ("no argument `x`", lambda client: client.complete(AUDIT, {"name": "x", "value": ""}), None),
    ("there is no prompt", lambda client: client.complete(OTHER, REQUEST), None),
    ("no template", lambda client: client.complete(FILES, REQUEST), {"uri": "file:///{name}"}),
    ("unknown cursor", lambda client: client.list_tools(cursor="2"), None),
]


@ERAS
def test_what_is_not_there_is_an_error_of_the_protocol(era: Era) -> None:
    async def conversation(client: Client) -> list[tuple[str, int, str, Any]]:
        refusals = []
        for said, ask, _ in UNKNOWN:
            with pytest.raises(MCPError) as refused:
                await ask(client)
            error = refused.value.error
            refusals.append((said, error.code, error.message, error.data))
        return refusals

    refusals = talk(era, conversation)
    assert [said for said, _, message, _ in refusals if said not in message] == []
    assert {code for _, code, _, _ in refusals} == {-32602}
    assert [data for _, _, _, data in refusals] == [data for _, _, data in UNKNOWN]


def test_only_what_a_new_version_changes_may_be_cached() -> None:
    async def conversation(client: Client) -> list[Any]:
        return [
            await client.list_tools(),
            await client.list_prompts(),
            await client.list_resources(),
            await client.list_resource_templates(),
            await client.read_resource(PAGES + "policy-design"),
        ]

    hints = [(answer.ttl_ms, answer.cache_scope) for answer in talk("auto", conversation)]
    assert hints == [(3_600_000, "public")] * 5


def test_the_server_starts_beside_a_users_own_server_py(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("raise SystemExit('imported the wrong server.py')\n")
    command = f"{sys.executable.rpartition('/')[0]}/aws-iam-mcp"

    async def run() -> list[str]:
        async with Client(StdioServerParameters(command=command, cwd=tmp_path)) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    assert asyncio.run(run()) == TOOLS


def test_listing_loads_no_aws_sdk() -> None:
    code = (
        "import sys; from aws_iam.cli import command_line; from aws_iam.server import mcp_server; from aws_iam.tools.kit import schemas\n"
        "from aws_iam.tools.registry import tools\n"
        "[schemas.input_schema(tool) for tool in tools()]; mcp_server.build()\n"
        "print(sorted({'boto3', 'botocore', 'moto', 'httpx', 'rich', 'jinja2', 'networkx'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=BARE
    )
    assert done.stdout.strip() == "[]"
