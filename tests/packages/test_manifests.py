"""The manifests of package formats: written from one source, valid by their schemas, and true."""

from __future__ import annotations

import json
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import build_bundle
import jsonschema
import manifests
import pytest
import skillsaw

from aws_iam.tools.registry import NAMES
from aws_iam.version import __version__
from helpers.folders import ROOT

WRITTEN = manifests.manifests()
JSON = {name: json.loads(text) for name, text in WRITTEN.items() if name.endswith(".json")}
OWNED = replace(manifests.project(), owner="octo-org")
_SCHEMAS = Path(skillsaw.__file__).parent / "schemas"


def valid(document: dict[str, Any], schema: str) -> None:
    """By a schema that skillsaw brings."""
    found = json.loads((_SCHEMAS / schema).read_text(encoding="utf-8"))
    cls = jsonschema.validators.validator_for(found)
    assert list(cls(found, format_checker=cls.FORMAT_CHECKER).iter_errors(document)) == []


@pytest.mark.parametrize("name", WRITTEN)
def test_a_manifest_is_what_its_source_makes_of_it(name: str) -> None:
    stale = f"{name} is stale: run `make docs`"
    assert (ROOT / name).read_text(encoding="utf-8") == WRITTEN[name], stale


def test_one_version_and_one_text_stand_in_every_manifest() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versioned = [value for value in JSON.values() if "version" in value]
    assert len(versioned) == 4
    assert {value["version"] for value in versioned} == {__version__}
    described = {value["description"] for value in JSON.values() if "description" in value}
    assert described == {project["description"]}
    # What the registry takes.
    assert len(project["description"]) <= 100


@pytest.mark.parametrize("of", [manifests.project(), OWNED], ids=["unpublished", "owned"])
def test_manifests_are_valid_by_the_schemas_of_their_formats(of: manifests.Project) -> None:
    valid(manifests.registry_entry(of), "mcp_registry/v2025_12_11/server.schema.json")
    plugin = {"$schema": JSON["plugin.json"]["$schema"], **manifests.described(of)}
    valid(plugin, "agent_plugins/v1_0_0/plugin.schema.json")
    valid(JSON["mcp.json"], "agent_plugins/v1_0_0/mcp.schema.json")


def test_what_is_not_published_says_so_until_somebody_owns_the_name() -> None:
    entry = JSON["server.json"]
    said = entry["_meta"]["io.modelcontextprotocol.registry/publisher-provided"]["status"]
    assert said.startswith("Not published.")
    assert "repository" not in entry
    owned = manifests.registry_entry(OWNED)
    assert owned["name"] == "io.github.octo-org/aws-iam-mcp"
    assert owned["repository"]["url"] == "https://github.com/octo-org/aws-iam"
    assert "_meta" not in owned


def test_the_registry_finds_its_name_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"<!-- mcp-name: {JSON['server.json']['name']} -->" in readme


def test_a_registry_package_is_one_exact_version_that_starts_on_stdio() -> None:
    [package] = JSON["server.json"]["packages"]
    assert (package["registryType"], package["identifier"]) == ("pypi", "aws-iam-mcp")
    assert package["version"] == __version__
    assert package["transport"] == {"type": "stdio"}


def test_both_plugin_formats_say_the_same() -> None:
    shared = {key: value for key, value in JSON["plugin.json"].items() if key != "$schema"}
    assert shared.items() <= JSON[".claude-plugin/plugin.json"].items()


def test_the_marketplace_holds_this_repository() -> None:
    marketplace = JSON[".claude-plugin/marketplace.json"]
    assert marketplace["owner"]["name"]
    [listed] = marketplace["plugins"]
    assert (listed["name"], listed["source"]) == ("aws-iam", "./")


@pytest.mark.parametrize(
    ("name", "root"),
    [
        ("mcp.json", "${PLUGIN_ROOT}/"),
        (".claude-plugin/plugin.json", "${CLAUDE_PLUGIN_ROOT}/"),
        (".mcp.json", ""),
    ],
)
def test_a_plugin_starts_the_script_of_its_own_folder(name: str, root: str) -> None:
    [(server, started)] = JSON[name]["mcpServers"].items()
    assert server == "aws-iam"
    assert started["command"] == "sh"
    [script] = started["args"]
    assert script.startswith(root)
    assert (ROOT / script.removeprefix(root)).is_file()


@pytest.mark.process
def test_the_script_starts_an_installed_server_and_prints_nothing_else(tmp_path: Path) -> None:
    """A copy of the plugin has no environment; without any server it says what to do, on standard error."""
    script = tmp_path / "plugin/assets/deploy/start-server"
    script.parent.mkdir(parents=True)
    script.write_bytes((ROOT / "assets/deploy/start-server").read_bytes())
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "dirname"):
        (programs / name).symlink_to(f"/bin/{name}")

    def start() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", script, "--version"],
            env={"PATH": str(programs)},
            capture_output=True,
            text=True,
            check=False,
        )

    without = start()
    assert (without.returncode, without.stdout) == (1, "")
    assert "no server to start" in without.stderr
    for name, path in (
        ("uvx", programs / "uvx"),
        ("aws-iam-mcp", programs / "aws-iam-mcp"),
        (".venv", tmp_path / "plugin/.venv/bin/aws-iam-mcp"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*"\n')
        path.chmod(0o755)
        started = start()
        assert (started.returncode, started.stderr) == (0, "")
        assert started.stdout.startswith(f"{name} ")
        assert started.stdout.rstrip().endswith("--version")


def test_a_bundle_lists_the_tools_and_runs_the_wheel_that_lies_in_it(tmp_path: Path) -> None:
    wheel = tmp_path / manifests.project().wheel
    wheel.write_bytes(b"a wheel")
    first = build_bundle.pack(wheel, tmp_path / "first")
    assert first.read_bytes() == build_bundle.pack(wheel, tmp_path / "second").read_bytes()
    files = build_bundle.read(first)
    manifest = json.loads(files["manifest.json"])
    assert [tool["name"] for tool in manifest["tools"]] == list(NAMES)
    assert manifest["server"]["entry_point"] in files
    environment = tomllib.loads(files["pyproject.toml"].decode())
    [path] = [source["path"] for source in environment["tool"]["uv"]["sources"].values()]
    assert files[path] == b"a wheel"
    assert set(environment["tool"]["uv"]["sources"]) == set(environment["project"]["dependencies"])


def test_a_bundle_takes_no_wheel_of_another_version(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="expected the wheel"):
        build_bundle.pack(tmp_path / "aws_iam_mcp-0.0.1-py3-none-any.whl", tmp_path)
