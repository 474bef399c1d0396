"""Write the manifests by which registries, editors and assistants know this project. `--check` names the stale ones.

Name, version, texts and dependencies stand in pyproject.toml and `version.py`; no manifest says them on its own.

    server.json                          the MCP registry
    plugin.json, mcp.json                Agent Plugins
    .claude-plugin/, .mcp.json           Claude Code: the plugin, a marketplace that holds it, the server
    assets/deploy/mcpb/                  MCP Bundle (Claude Desktop and others): `.ci/build_bundle.py` packs it
    Dockerfile                           its labels
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from aws_iam.tools.registry import tools
from aws_iam.version import __version__

ROOT = Path(__file__).resolve().parent.parent
PLACEHOLDER = "OWNER"
NAME = "aws-iam"
"""What the server and the plugin are called in every client."""
_START = "assets/deploy/start-server"
_AGENT_PLUGINS = "https://agent-plugins.org/schemas/1.0.0"
_LABELS = re.compile(r"(?P<start># generated: labels\n).*?(?P<end># end generated\n)", re.DOTALL)
_ENVIRONMENT = {
    "AWS_PROFILE": "Profile of the AWS configuration that live actions read with. Offline actions need none.",
    "AWS_REGION": "Region to begin with, if the profile names none, such as eu-west-1.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What pyproject.toml says of the project."""

    distribution: str
    description: str
    title: str
    authors: str
    license: str
    keywords: list[str]
    python: str
    owner: str

    @property
    def is_published(self) -> bool:
        """Whether somebody owns the names under which it is published."""
        return self.owner != PLACEHOLDER

    @property
    def registry_name(self) -> str:
        """The name in the MCP registry: GitHub proves that its owner is the publisher."""
        return f"io.github.{self.owner}/{self.distribution}"

    @property
    def repository(self) -> str:
        """Where the source will be."""
        return f"https://github.com/{self.owner}/{NAME}"

    @property
    def wheel(self) -> str:
        """The file name of the wheel, which is the same for every platform."""
        return f"{self.distribution.replace('-', '_')}-{__version__}-py3-none-any.whl"


@cache
def project() -> Project:
    """The project as pyproject.toml describes it."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    fields, own = declared["project"], declared["tool"]["aws-iam"]
    return Project(
        distribution=fields["name"],
        description=fields["description"],
        title=own["title"],
        authors=", ".join(author["name"] for author in fields["authors"]),
        license=fields["license"],
        keywords=fields["keywords"],
        python=fields["requires-python"],
        owner=own["owner"],
    )


def manifests() -> dict[str, str]:
    """Each manifest's path and text."""
    written: dict[str, dict[str, Any]] = {
        "server.json": registry_entry(project()),
        "plugin.json": {
            "$schema": f"{_AGENT_PLUGINS}/plugin.schema.json",
            **described(project()),
        },
        "mcp.json": {
            "$schema": f"{_AGENT_PLUGINS}/mcp.schema.json",
            "mcpServers": {NAME: {"type": "stdio", **started_below("${PLUGIN_ROOT}/")}},
        },
        ".claude-plugin/plugin.json": {
            **described(project()),
            # Beside `skills/`, which is found by itself, the skill in the root.
            "skills": ["./"],
            # In place: a variable with a default, as a shared `.mcp.json` would need it, is not filled in for a plugin.
            "mcpServers": {NAME: started_below("${CLAUDE_PLUGIN_ROOT}/")},
        },
        ".claude-plugin/marketplace.json": marketplace(project()),
        # For whoever works in this repository: from its root.
        ".mcp.json": {"mcpServers": {NAME: started_below("")}},
        "assets/deploy/mcpb/manifest.json": bundle(project()),
    }
    texts = {path: json.dumps(value, indent=2) + "\n" for path, value in written.items()}
    texts["assets/deploy/mcpb/pyproject.toml"] = bundle_environment(project())
    texts["Dockerfile"] = _LABELS.sub(
        lambda found: found["start"] + labels(project()) + found["end"],
        (ROOT / "Dockerfile").read_text(encoding="utf-8"),
    )
    return texts


def described(of: Project) -> dict[str, Any]:
    """What both plugin formats say of a plugin, in the same words."""
    links = {"homepage": of.repository, "repository": of.repository} if of.is_published else {}
    return {
        "name": NAME,
        "version": __version__,
        "description": of.description,
        "author": {"name": of.authors},
        **links,
        "license": of.license,
        "keywords": of.keywords,
    }


def started_below(root: str) -> dict[str, Any]:
    """How a client starts the server of a checkout: nothing is fetched by the project's name."""
    return {"command": "sh", "args": [f"{root}{_START}"]}


def marketplace(of: Project) -> dict[str, Any]:
    """A marketplace with one plugin: this repository."""
    return {
        "name": NAME,
        "description": of.description,
        "owner": {"name": of.authors},
        "plugins": [
            {
                "name": NAME,
                "source": "./",
                "description": of.description,
                "license": of.license,
                "category": "security",
                "keywords": of.keywords,
            }
        ],
    }


def registry_entry(of: Project) -> dict[str, Any]:
    """The entry for the MCP registry, which takes packages from the official indexes alone."""
    entry: dict[str, Any] = {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": of.registry_name,
        "title": of.title,
        "description": of.description,
        "version": __version__,
    }
    if of.is_published:
        entry["repository"] = {"url": of.repository, "source": "github"}
    entry["packages"] = [
        {
            "registryType": "pypi",
            "identifier": of.distribution,
            "version": __version__,
            "runtimeHint": "uvx",
            "transport": {"type": "stdio"},
            "environmentVariables": [
                {"name": name, "description": text, "isRequired": False, "isSecret": False}
                for name, text in _ENVIRONMENT.items()
            ],
        }
    ]
    if not of.is_published:
        said = f"Not published. Nobody owns the name {of.distribution} on the index: do not install it from there."
        entry["_meta"] = {"io.modelcontextprotocol.registry/publisher-provided": {"status": said}}
    return entry


def bundle(of: Project) -> dict[str, Any]:
    """The manifest of the bundle: the host runs uv, which installs the wheel that lies in it."""
    settings = {
        "aws_profile": ("AWS_PROFILE", "AWS profile"),
        "aws_region": ("AWS_REGION", "Region"),
    }
    links = (
        {"repository": {"type": "git", "url": of.repository}, "homepage": of.repository}
        if of.is_published
        else {}
    )
    return {
        "manifest_version": "0.4",
        "name": NAME,
        "display_name": of.title,
        "version": __version__,
        "description": of.description,
        "author": {"name": of.authors},
        **links,
        "license": of.license,
        "keywords": of.keywords,
        "server": {
            "type": "uv",
            "entry_point": "serve.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", "serve.py"],
                "env": {
                    variable: f"${{user_config.{key}}}" for key, (variable, _) in settings.items()
                },
            },
        },
        "tools": [
            {
                "name": tool.name,
                "description": tool.description.partition(". ")[0].rstrip(".") + ".",
            }
            for tool in tools()
        ],
        "prompts_generated": True,
        "user_config": {
            key: {
                "type": "string",
                "title": title,
                "description": _ENVIRONMENT[variable],
                "required": False,
                "default": "",
            }
            for key, (variable, title) in settings.items()
        },
        "privacy_policies": ["https://aws.amazon.com/privacy/"],
        "compatibility": {
            "platforms": ["darwin", "win32", "linux"],
            "runtimes": {"python": of.python},
        },
    }


def bundle_environment(of: Project) -> str:
    """What uv installs for the bundle: its wheel, by path, and what the wheel needs."""
    return (
        "# What uv installs when the bundle starts: the wheel beside this file, and what that needs.\n"
        "[project]\n"
        f'name = "{of.distribution}-bundle"\n'
        f'version = "{__version__}"\n'
        f'requires-python = "{of.python}"\n'
        f'dependencies = ["{of.distribution}"]\n\n'
        "[tool.uv.sources]\n"
        f'{of.distribution} = {{ path = "{of.wheel}" }}\n'
    )


def labels(of: Project) -> str:
    """The labels of the image; the registry finds the server's name by the last."""
    named = {
        "org.opencontainers.image.title": of.title,
        "org.opencontainers.image.description": of.description,
        "org.opencontainers.image.version": __version__,
        "org.opencontainers.image.licenses": of.license,
        **({"org.opencontainers.image.source": of.repository} if of.is_published else {}),
        "io.modelcontextprotocol.server.name": of.registry_name,
    }
    return "LABEL " + " \\\n      ".join(f'{key}="{value}"' for key, value in named.items()) + "\n"


def main(argv: list[str]) -> int:
    """Write every manifest; with `--check` only name the stale ones and exit with 1."""
    stale = [
        (name, text)
        for name, text in manifests().items()
        if not (ROOT / name).is_file() or (ROOT / name).read_text(encoding="utf-8") != text
    ]
    for name, text in stale:
        if "--check" in argv:
            print(f"{name} is stale: run `make docs`", file=sys.stderr)
        else:
            (ROOT / name).write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return 1 if "--check" in argv and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
