"""The skill as clients find and verify it (SEP-2640)."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from helpers.folders import ROOT
from helpers.protocol.over_http import LEGACY, Served, mcp_over_http

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTENSION = "io.modelcontextprotocol/skills"
SKILL = "skill://aws-iam/SKILL.md"


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with mcp_over_http() as served:
        yield served


def read(server: Served, uri: str) -> Any:
    return server.ask("resources/read", uri=uri)["result"]["contents"][0]


def entry(server: Served) -> Any:
    return server.ask("skills/get", uri=SKILL)["result"]["skill"]


def test_the_skill_is_declared_and_listed_with_what_skills_get_gives(server: Served) -> None:
    discovered = server.ask("server/discover")["result"]
    assert discovered["capabilities"]["extensions"][EXTENSION] == {"directoryRead": True}
    assert discovered["capabilities"]["resources"] is not None
    listed = server.ask("skills/list")["result"]
    assert listed["skills"] == [entry(server)]
    for answer in (discovered, listed, server.ask("skills/get", uri=SKILL)["result"]):
        assert (answer["ttlMs"], answer["cacheScope"]) == (3_600_000, "public")


def test_every_file_has_the_size_and_digest_of_what_is_read(server: Served) -> None:
    files = entry(server)["resources"]
    for file in files:
        content = read(server, file["uri"])["text"].encode()
        assert len(content) == file["size"], file
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == file["digest"], file
    assert len(files) <= 512
    assert sum(file["size"] for file in files) <= 16 * 2**20


def test_the_entry_holds_the_frontmatter_and_every_file_that_the_skill_links_to(
    server: Served,
) -> None:
    text = (ROOT / "SKILL.md").read_text("utf-8")
    assert entry(server)["frontmatter"] == yaml.safe_load(text.split("---\n")[1])
    served = {file["uri"] for file in entry(server)["resources"]}
    links = re.findall(r"\]\(([\w./-]+\.\w+)", text)
    assert links
    assert {f"skill://aws-iam/{link}" for link in links} <= served


def test_folders_lead_to_every_file(server: Served) -> None:
    found, folders = set(), ["skill://aws-iam"]
    while folders:
        for child in server.ask("resources/directory/read", uri=folders.pop())["result"][
            "resources"
        ]:
            if child["mimeType"] == "inode/directory":
                folders.append(child["uri"])
            else:
                found.add(child["uri"])
    assert found == {file["uri"] for file in entry(server)["resources"]}


@pytest.mark.parametrize(
    ("method", "uri"),
    [
        ("skills/get", "skill://aws-iam"),
        ("skills/get", "skill://aws-iam/skills/aws-iam-policy/SKILL.md"),
        ("resources/directory/read", SKILL),
        ("resources/directory/read", "skill://aws-iam/"),
        ("resources/directory/read", "skill://aws-iam/../server"),
        ("resources/read", "skill://aws-iam/../pyproject.toml"),
        ("resources/read", "skill://aws-iam/references"),
    ],
)
def test_what_the_skill_does_not_hold_is_refused(server: Served, method: str, uri: str) -> None:
    error = server.ask(method, uri=uri)["error"]
    assert error["code"] == -32602
    assert "`" in error["message"]


def test_only_the_manifest_is_among_the_resources_and_carries_the_skills_words(
    server: Served,
) -> None:
    listed = server.ask("resources/list")["result"]["resources"]
    (manifest,) = (item for item in listed if item["uri"].startswith("skill:"))
    fields = entry(server)["frontmatter"]
    assert (manifest["uri"], manifest["mimeType"]) == (SKILL, "text/markdown")
    assert (manifest["name"], manifest["description"]) == (fields["name"], fields["description"])


def test_an_older_client_sees_no_extension(server: Served) -> None:
    hello = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "t"}}
    hello["clientInfo"]["version"] = "1"  # type: ignore[index]
    opened = server.ask("initialize", LEGACY, **hello)["result"]
    assert "extensions" not in opened["capabilities"]
    assert server.ask("skills/list", LEGACY)["error"]["code"] == -32601
