"""What the README tells to configure and what the manifests say is taken by the clients and validators themselves.

For Claude Desktop, Cursor, Kiro, VS Code and Windsurf no program that reads their file comes from a package: the form is
held against the fields that their documentation names.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import manifests
import pytest

from helpers.folders import ROOT

pytestmark = pytest.mark.conformance

README = (ROOT / "README.md").read_text(encoding="utf-8")
_SECTION = README.partition("## Connect a client")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", _SECTION, re.MULTILINE | re.DOTALL)
PLACEHOLDER = "/full/path/to/aws-iam-mcp"
SERVER = str(Path(sys.executable).parent / "aws-iam-mcp")
SHARED = next(json.loads(text) for _, text in BLOCKS if '"mcpServers"' in text)
OF_VS_CODE = next(json.loads(text) for _, text in BLOCKS if '"servers"' in text)
OF_CODEX = next(text for language, text in BLOCKS if language == "toml")


_PACKAGES = ROOT / "tests/helpers/clients/node_modules"
_INSTALL = (
    "Node.js or the clients are not installed: `sudo apt-get install nodejs npm`, "
    "then `npm ci --prefix tests/helpers/clients` (900 MB)"
)
# Claude Code puts its program beside this file when it is installed with scripts; the file finds it without them.
_PROGRAMS = {
    "claude": ("node", str(_PACKAGES / "@anthropic-ai/claude-code/cli-wrapper.cjs")),
    "codex": (str(_PACKAGES / ".bin/codex"),),
    "gemini": (str(_PACKAGES / ".bin/gemini"),),
    "mcpb": (str(_PACKAGES / ".bin/mcpb"),),
}


def run_client(program: str, *words: object, home: object, folder: object) -> str:
    """What a client prints on both streams, in a home of its own; any complaint by its exit status fails the test."""
    require()
    done = subprocess.run(
        [*_PROGRAMS[program], *map(str, words)],
        cwd=str(folder),
        env={
            # The server that these tests run with is found as an installed one.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "NO_COLOR": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
        | {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def require() -> None:
    """Skip the test where Node.js or a client is missing, with the command that installs it."""
    if shutil.which("node") and _PACKAGES.is_dir():
        return
    pytest.skip(_INSTALL)


def schema_of_bundles(name: str) -> str:
    """The text of a schema that the bundle's own package brings."""
    require()
    return (_PACKAGES / "@anthropic-ai/mcpb/schemas" / name).read_text(encoding="utf-8")


def added_by(client: str) -> list[str]:
    """The words of the README's line that adds the server to a client, this checkout's command in it."""
    [line] = [line for line in _SECTION.splitlines() if line.startswith(f"{client} mcp add ")]
    return shlex.split(line.replace(PLACEHOLDER, SERVER))[1:]


def test_claude_code_adds_the_server_and_reaches_it(tmp_path: Path) -> None:
    run_client("claude", *added_by("claude"), home=tmp_path, folder=tmp_path)
    listed = run_client("claude", "mcp", "list", home=tmp_path, folder=tmp_path)
    assert re.search(r"^aws-iam: .*Connected", listed, re.MULTILINE), listed


def test_claude_code_starts_the_plugin_from_another_folder(tmp_path: Path) -> None:
    """The plugin's folder is filled in, wherever the client runs."""
    for words in (("marketplace", "add", ROOT), ("install", "aws-iam@aws-iam")):
        run_client("claude", "plugin", *words, home=tmp_path, folder=tmp_path)
    listed = run_client("claude", "mcp", "list", home=tmp_path, folder=tmp_path)
    # The `.mcp.json` beside it, for who works in this repository, has the same name and must not win.
    [server] = [line for line in listed.splitlines() if line.startswith("plugin:aws-iam:")]
    assert f"sh {ROOT}/assets/deploy/start-server" in server
    assert "Connected" in server
    details = run_client("claude", "plugin", "details", "aws-iam", home=tmp_path, folder=tmp_path)
    names = ["aws-iam", *(f"aws-iam-{tool}" for tool in ("audit", "irsa", "kms", "policy", "secrets"))]  # fmt: skip
    assert f"Skills (6)  {', '.join(names)}" in details


@pytest.mark.parametrize("path", [".claude-plugin/plugin.json", ".claude-plugin/marketplace.json"])
def test_claude_code_finds_nothing_wrong_with_its_manifests(path: str, tmp_path: Path) -> None:
    words = ("plugin", "validate", "--strict", ROOT / path)
    assert "Validation passed" in run_client("claude", *words, home=tmp_path, folder=tmp_path)


def test_codex_reads_what_its_command_and_what_the_readme_writes(tmp_path: Path) -> None:
    run_client("codex", *added_by("codex"), home=tmp_path, folder=tmp_path)
    file = tmp_path / ".codex/config.toml"
    by_command = tomllib.loads(file.read_text(encoding="utf-8"))
    written = tomllib.loads(OF_CODEX.replace(PLACEHOLDER, SERVER))
    [own] = by_command["mcp_servers"].values()
    assert own.items() <= written["mcp_servers"]["aws-iam"].items()
    file.write_text(OF_CODEX, encoding="utf-8")
    listed = run_client("codex", "mcp", "list", "--json", home=tmp_path, folder=tmp_path)
    # A warning may stand before or after it.
    [read] = json.loads(listed[listed.index("[\n") : listed.rindex("]") + 1])
    assert (read["name"], read["enabled"]) == ("aws-iam", True)
    assert read["transport"]["command"] == PLACEHOLDER
    assert read["transport"]["env"] == {"AWS_PROFILE": "audit"}


def test_gemini_cli_writes_the_form_that_the_readme_shows(tmp_path: Path) -> None:
    run_client("gemini", *added_by("gemini"), home=tmp_path, folder=tmp_path)
    file = tmp_path / ".gemini/settings.json"
    written = json.loads(file.read_text(encoding="utf-8"))["mcpServers"]
    assert written["aws-iam"]["command"] == SERVER
    file.write_text(json.dumps(SHARED), encoding="utf-8")
    listed = run_client("gemini", "mcp", "list", home=tmp_path, folder=tmp_path)
    assert f"aws-iam: {PLACEHOLDER}" in listed


def test_the_other_clients_get_the_fields_that_they_document() -> None:
    """cursor.com/docs/mcp, docs.windsurf.com/windsurf/cascade/mcp, kiro.dev/docs/mcp/configuration,
    modelcontextprotocol.io/quickstart/user; code.visualstudio.com/docs/agents/reference/mcp-configuration.
    """  # noqa: D205 - a list of pages
    assert list(SHARED) == ["mcpServers"]
    assert set(SHARED["mcpServers"]["aws-iam"]) <= {"command", "args", "env"}
    assert list(OF_VS_CODE) == ["servers"]
    assert OF_VS_CODE["servers"]["aws-iam"]["type"] == "stdio"
    assert set(OF_VS_CODE["servers"]["aws-iam"]) <= {"type", "command", "args", "env"}
    for named in (*SHARED.values(), *OF_VS_CODE.values()):
        assert named["aws-iam"]["command"] == PLACEHOLDER


@pytest.mark.parametrize("owner", [manifests.PLACEHOLDER, "octo-org"])
def test_the_bundles_manifest_fits_its_schema(owner: str) -> None:
    schema: dict[str, Any] = json.loads(schema_of_bundles("mcpb-manifest-v0.4.schema.json"))
    jsonschema.validate(manifests.bundle(replace(manifests.project(), owner=owner)), schema)


def test_the_bundles_own_tool_finds_nothing_wrong(tmp_path: Path) -> None:
    manifest = ROOT / "assets/deploy/mcpb/manifest.json"
    run_client("mcpb", "validate", manifest, home=tmp_path, folder=tmp_path)


def test_skillsaw_finds_nothing_wrong_with_manifests_and_skills() -> None:
    """Beside the schemas it knows what the registry asks for at publishing, and what Agent Plugins say in prose."""
    rules = (
        "agent-plugin-json-valid", "agent-plugin-mcp-valid", "agent-plugin-required",
        "agentskill-valid", "agentskill-name", "agentskill-description",
        "claude-marketplace-json-valid", "claude-marketplace-registration", "claude-plugin-json-valid",
        "mcp-registry-server-json-valid", "mcp-registry-version-semver", "mcp-valid-json",
    )  # fmt: skip
    words = [word for rule in rules for word in ("--rule", rule)]
    done = subprocess.run(
        [Path(sys.executable).parent / "skillsaw", "lint", ROOT, "--strict", "--no-color", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mcp-registry" in done.stdout
