"""Build what a release consists of, install the wheel in an empty environment, and use it from a folder that holds a `server.py`.

MCP servers start in the user's project: a module of the user's must never be taken for ours.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import build_bundle
import build_release
import lock
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ["policy", "secrets", "kms", "irsa", "audit"]


def main() -> None:
    """Build, install, list in both protocol eras, audit; any failure ends with a non-zero status."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        wheel = build_release.build(work / "dist")
        venv.create(work / "venv", with_pip=True)
        run(work / "venv/bin/python", "-m", "pip", "install", "--quiet", wheel)
        project = work / "project"
        project.mkdir()
        (project / "server.py").write_text(
            "raise SystemExit('the user\\'s own server.py was imported')\n"
        )
        for mode in ("auto", "legacy"):
            names = asyncio.run(listed([work / "venv/bin/aws-iam-mcp"], project, mode))
            if names != TOOLS:
                sys.exit(f"{mode}: expected {TOOLS}, got {names}")
            print(f"wheel, {mode} era: {', '.join(names)}")
        audit_of_the_demonstration(work / "venv/bin", project)
        run_the_bundle(work / "dist/release", work / "bundle", project)
        check_sbom(work / "dist/release")


def run_the_bundle(release: Path, folder: Path, project: Path) -> None:
    """Start it as its hosts do, with the fields that the user fills in left empty."""
    (bundle,) = release.glob("*.mcpb")
    folder.mkdir()
    for name, content in build_bundle.read(bundle).items():
        (folder / name).write_bytes(content)
    config = json.loads((folder / "manifest.json").read_text())["server"]["mcp_config"]
    words = [word.replace("${__dirname}", str(folder)) for word in config["args"]]
    program = Path(sys.executable).parent / config["command"]
    names = asyncio.run(
        listed([program, *words], project, "auto", **config["env"] | {"AWS_PROFILE": ""})
    )
    if names != TOOLS:
        sys.exit(f"bundle: expected {TOOLS}, got {names}")
    print(f"bundle, {bundle.stat().st_size:,} bytes: {', '.join(names)}")


def check_sbom(release: Path) -> None:
    """It names what the wheel brings along, in the versions that are locked."""
    (sbom,) = release.glob("*.cdx.json")
    components = json.loads(sbom.read_text())["components"]
    named = {canonicalize_name(row["name"]): row["version"] for row in components}
    locked = {
        pin.name: pin
        for pin in lock.pins((lock.FOLDER / "run.txt").read_text(encoding="utf-8"))
        if isinstance(pin, lock.Pin)
    }
    everywhere = {name for name, pin in locked.items() if pin.requirement.marker is None}
    if not everywhere <= named.keys():
        sys.exit(f"SBOM: lacks {sorted(everywhere - named.keys())}")
    other = {
        name: version
        for name, version in named.items()
        if name not in locked or locked[name].version != version
    }
    if other:
        sys.exit(f"SBOM: not as locked: {other}")
    print(f"SBOM: {len(named)} packages, as locked")


def audit_of_the_demonstration(programs: Path, folder: Path) -> None:
    """What a first user does: it takes nothing but the wheel and what the wheel asks for."""
    looked = subprocess.run(
        [programs / "python", "-c", "import moto"], capture_output=True, check=False
    )
    if looked.returncode == 0:
        sys.exit("the wheel brings moto along")
    done = subprocess.run(
        [programs / "aws-iam", "audit", "run", "--demo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    # 1: it found something.
    if done.returncode != 1 or "larkspur-books" not in done.stdout:
        sys.exit(f"audit run --demo: {done.returncode}\n{done.stdout}{done.stderr}")
    print(f"wheel, {done.stdout.splitlines()[0]}")


def run(*command: object) -> None:
    """Run a command, its failure ours."""
    subprocess.run([str(part) for part in command], check=True)


async def listed(
    command: Sequence[object], folder: Path, mode: str, **environment: str
) -> list[str]:
    """The names of the tools that the server lists when started in the folder.

    The skill and the audit view must be readable, and a call that takes some work be answered.
    """
    program, *words = map(str, command)
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    parameters = StdioServerParameters(
        command=program, args=words, cwd=folder, env=inherited | environment
    )
    async with Client(parameters, mode=mode) as client:
        for uri in ("skill://aws-iam/references/policy-design.md", "ui://aws-iam/audit"):
            await client.read_resource(uri)
        answer = await client.call_tool("audit", {"action": "run", "demo": True})
        if answer.is_error:
            sys.exit(f"audit run over MCP: {answer.content}")
        return [tool.name for tool in (await client.list_tools()).tools]


if __name__ == "__main__":
    main()
