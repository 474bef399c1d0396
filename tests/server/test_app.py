"""The view of `audit` as clients find and read it (MCP Apps)."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from helpers.protocol.over_http import LEGACY, MODERN, Served, mcp_over_http

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTENSION = "io.modelcontextprotocol/ui"
VIEW = "ui://aws-iam/audit"
TYPE = "text/html;profile=mcp-app"
ERAS = (MODERN, LEGACY)
SINKS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|createContextualFragment|setHTML|DOMParser"
    r"|fetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|localStorage|indexedDB|document\.cookie|import\("
)


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with mcp_over_http() as served:
        yield served


@pytest.fixture(scope="module")
def document(server: Served) -> str:
    return read(server, MODERN)["contents"][0]["text"]


def read(server: Served, era: str) -> Any:
    return server.ask("resources/read", era, uri=VIEW)["result"]


@pytest.mark.parametrize("era", ERAS)
def test_only_audit_has_a_view_and_its_resource_is_listed_and_read(
    server: Served, era: str
) -> None:
    tools = server.ask("tools/list", era)["result"]["tools"]
    views = {tool["name"]: tool["_meta"]["ui"] for tool in tools if "_meta" in tool}
    # Without `visibility` the assistant and the view may call it.
    assert views == {"audit": {"resourceUri": VIEW}}
    (listed,) = (
        resource
        for resource in server.ask("resources/list", era)["result"]["resources"]
        if resource["uri"] == VIEW
    )
    (contents,) = read(server, era)["contents"]
    assert listed["mimeType"] == contents["mimeType"] == TYPE
    assert listed["_meta"] == contents["_meta"]
    # It loads nothing: no domain is declared, so a host applies the strictest policy.
    assert contents["_meta"]["ui"] == {
        "prefersBorder": True,
        "permissions": {"clipboardWrite": {}},
    }


def test_the_view_may_be_kept_and_a_near_miss_is_named(server: Served) -> None:
    result = read(server, MODERN)
    assert (result["ttlMs"], result["cacheScope"]) == (3_600_000, "public")
    error = server.ask("resources/read", uri="ui://aws-iam/audits")["error"]
    assert error["code"] == -32602
    assert VIEW in error["message"]


def test_the_extension_is_declared_where_the_protocol_has_extensions(server: Served) -> None:
    discovered = server.ask("server/discover")["result"]["capabilities"]["extensions"]
    assert discovered[EXTENSION] == {}
    assert len(discovered) == 2, "the skill's extension stays"


class Elements(HTMLParser):
    """Every element of a document with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_document_loads_nothing_and_allows_no_script_but_its_own(document: str) -> None:
    assert document.lstrip().startswith("<!doctype html>")
    found = Elements(document).found
    attributes = {name for _, own in found for name in own}
    assert not attributes & {"src", "href", "style", "srcdoc", "action"}
    assert not [name for name in attributes if name.startswith("on")]
    assert [tag for tag, _ in found].count("script") == 1
    (policy,) = (
        str(own["content"])
        for _, own in found
        if own.get("http-equiv") == "Content-Security-Policy"
    )
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert allowed["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", allowed["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", allowed["style-src"])
    # Where browsers know it, this makes an assignment to innerHTML an error.
    assert allowed["require-trusted-types-for"] == "'script'"
    assert allowed["trusted-types"] == "'none'"


def test_the_script_never_turns_data_into_markup_or_requests(document: str) -> None:
    assert not SINKS.findall(document)
    assert "http://www.w3.org/2000/svg" in document
    assert set(re.findall(r"https?://[^\s\"'`]+", document)) == {"http://www.w3.org/2000/svg"}


def test_the_document_is_small(document: str) -> None:
    assert len(document.encode()) < 64 * 1024
