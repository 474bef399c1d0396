"""What an answer leads to: its next calls, its files, its sources and its next pages, as a client follows them."""

from __future__ import annotations

import asyncio
import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from aws_iam.answer import Answer
from aws_iam.server import kept_answers
from aws_iam.server.kept_answers import OF_ALL_CLIENTS, Bound, ClientId, KeptAnswers
from aws_iam.server.mcp_server import build
from aws_iam.tools.playbooks import run_tool
from aws_iam.tools.registry import tool_named
from helpers.folders import TESTS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from aws_iam.answer import NextCall

CALLS = json.loads((TESTS / "cases/server/calls.json").read_text(encoding="utf-8"))
LIMITS = {"concise": 8 * 1024, "full": 64 * 1024}
REPORT = {"action": "report", "demo": True, "format": "html"}


def talk(conversation: Callable[[Client], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with Client(build()) as client:
            return await conversation(client)

    return asyncio.run(run())


async def ask(client: Client, tool: str, arguments: dict[str, Any]) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content[0].text
    return result


async def text_of(client: Client, uri: str) -> str:
    (contents,) = (await client.read_resource(uri)).contents
    return contents.text


OF_THE_COMMAND_LINE = re.compile(
    r"`--|`aws-iam |\baws-iam (?:policy|secrets|kms|irsa|audit|catalog) \w+"
)


def texts_of(value: Any) -> Iterator[str]:
    """Every text of an answer but the content of files."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from texts_of(item) if name != "content" else ()
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)


@pytest.mark.parametrize("case", CALLS, ids=lambda case: f"{case['tool']} {case['name']}")
def test_what_an_answer_offers_can_be_followed(case: dict[str, Any]) -> None:
    async def conversation(client: Client) -> None:
        result = await ask(client, case["tool"], case["arguments"])
        answer = result.structured_content
        assert len(result.content[0].text.encode()) <= LIMITS["concise"]
        assert len(json.dumps(answer, ensure_ascii=False).encode()) <= LIMITS["concise"] * 1.1
        assert [text for text in texts_of(answer) if OF_THE_COMMAND_LINE.search(text)] == []
        for call in answer.get("next", ()):
            same = {name: case["arguments"][name] for name in call.get("same", ())}
            await ask(client, call["tool"], {**same, **call["arguments"]})
            assert call.get("why") or call["arguments"]["action"] == "lookup"
        for source in answer.get("sources", ()):
            assert source.startswith("https://") or await text_of(client, source)
        for file in answer.get("artifacts", ()):
            if "uri" not in file:
                # The part of a section is quoted beside the whole section, which has the address.
                assert file["content"]
                continue
            content = await text_of(client, file["uri"])
            assert len(content.encode()) == file["bytes"]
            assert file.get("content", content) == content

    talk(conversation)


REFUSED = json.loads((TESTS / "cases/server/refused_calls.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case['tool']} {case['name']}")
def test_a_refusal_says_what_works_in_the_words_of_a_call(case: dict[str, Any]) -> None:
    async def conversation(client: Client) -> str:
        result = await client.call_tool(case["tool"], case["arguments"])
        assert result.is_error
        return result.content[0].text

    text = talk(conversation)
    assert case["says"] in text
    assert not OF_THE_COMMAND_LINE.search(text)
    assert "command line" not in text


LEADS = json.loads((TESTS / "cases/server/next_calls.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", LEADS, ids=lambda case: f"{case['tool']} {case['name']}")
def test_an_answer_leads_to_what_goes_on_with_its_own_call(case: dict[str, Any]) -> None:
    """Written as `tool action name=value same=names`; a `*` is any value."""
    answer = run_tool(tool_named(case["tool"]), case["arguments"])
    shown = [" ".join(words_of(call)) for call in answer.next]
    assert len(shown) == len(case["next"]), shown
    for call, expected in zip(shown, case["next"], strict=True):
        assert fnmatchcase(call, expected.replace("[", "[[]")), shown


def words_of(call: NextCall) -> Iterator[str]:
    arguments = dict(call.arguments)
    yield from (call.tool, arguments.pop("action"))
    for name, value in arguments.items():
        yield f"{name}={value if isinstance(value, str) else json.dumps(value)}"
    if call.same:
        yield f"same={','.join(call.same)}"


GIVEN = [case for case in CALLS if case["arguments"] and "demo" not in str(case)]


def test_a_next_call_repeats_an_argument_under_whatever_name_it_was_given() -> None:
    seen = set()
    for case in GIVEN:
        tool, arguments = tool_named(case["tool"]), case["arguments"]
        repeated = {name for call in run_tool(tool, arguments).next for name in call.same}
        for argument in tool.actions[arguments["action"]].arguments:
            for other in argument.also if argument.name in repeated else ():
                renamed = {other if n == argument.name else n: v for n, v in arguments.items()}
                seen.add((tool.name, other))
                for call in run_tool(tool, renamed).next:
                    again = {name: renamed[name] for name in call.same}
                    assert run_tool(tool_named(call.tool), {**again, **call.arguments}).summary
    assert {("irsa", "assume_role_policy"), ("kms", "key_policy"), ("policy", "policy")} <= seen


def test_a_file_that_does_not_fit_is_a_link_to_all_of_it() -> None:
    async def conversation(client: Client) -> None:
        result = await ask(client, "audit", REPORT)
        (file,) = result.structured_content["artifacts"]
        assert "content" not in file
        assert file["uri"] in result.content[0].text
        (link,) = result.content[1:]
        assert (link.uri, link.size, link.mime_type) == (file["uri"], file["bytes"], "text/html")
        page = await text_of(client, file["uri"])
        assert page.startswith("<!doctype html>")
        assert page.rstrip().endswith("</html>")
        assert len(page.encode()) == file["bytes"] > LIMITS["full"]

    talk(conversation)


def test_the_pages_hold_every_finding_once() -> None:
    async def conversation(client: Client) -> None:
        arguments: dict[str, Any] = {"action": "run", "demo": True}
        answer = (await ask(client, "audit", arguments)).structured_content
        total = sum(answer["counts"]["status"].values())
        seen = list(answer["findings"])
        while cursor := answer.get("next_cursor"):
            answer = (
                await ask(client, "audit", {**arguments, "cursor": cursor})
            ).structured_content
            seen += answer.get("findings", ())
        assert len(seen) == total

    talk(conversation)


def test_a_cursor_goes_on_at_the_same_place_in_pages_of_another_length() -> None:
    async def conversation(client: Client) -> None:
        arguments = {"action": "principals", "demo": True}
        whole = (await ask(client, "audit", {**arguments, "detail": "full"})).structured_content
        first = (await ask(client, "audit", arguments)).structured_content
        goes_on = {"detail": "full", "cursor": first["next_cursor"]}
        rest = (await ask(client, "audit", {**arguments, **goes_on})).structured_content
        assert "principals" not in first["facts"], "the table does not fit into the first page"
        assert rest["facts"]["principals"] == whole["facts"]["principals"]
        assert first["findings"] + rest["findings"] == whole["findings"]

    talk(conversation)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"cursor": "x.1"}, "no answer that is still kept"),
        ({"cursor": "1"}, "no answer that is still kept"),
        ({"benchmark": "1.4"}, "other arguments"),
    ],
)
def test_a_cursor_belongs_to_its_answer_and_call(changed: dict[str, str], says: str) -> None:
    async def conversation(client: Client) -> str:
        arguments = {"action": "run", "demo": True}
        cursor = (await ask(client, "audit", arguments)).structured_content["next_cursor"]
        refused = await client.call_tool("audit", {**arguments, "cursor": cursor, **changed})
        assert refused.is_error
        return refused.content[0].text

    assert says in talk(conversation)


def test_old_answers_make_room_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_answers, "OF_ONE_CLIENT", Bound(64, 300_000))

    async def conversation(client: Client) -> None:
        (first,) = (await ask(client, "audit", REPORT)).structured_content["artifacts"]
        for _ in range(3):
            result = await ask(client, "audit", REPORT)
        (last,) = result.structured_content["artifacts"]
        assert await text_of(client, last["uri"])
        with pytest.raises(MCPError, match="no longer kept") as refused:
            await client.read_resource(first["uri"])
        assert refused.value.error.data == {"uri": first["uri"]}

    talk(conversation)


def test_the_oldest_answers_of_all_clients_make_room_when_there_are_many() -> None:
    kept = KeptAnswers()
    answer = Answer(summary="s")
    ids = []
    for number in range(OF_ALL_CLIENTS.answers + 1):
        client = ClientId(f"127.0.0.1:{number}")
        kept.first_page(client, "call", answer, LIMITS["full"])
        ids.append(next(reversed(kept.answers)))
    assert list(kept.answers) == ids[1:]
