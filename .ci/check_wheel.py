"""Build the wheel, install it in an empty environment, and use it from a folder that holds a `server.py`.

MCP servers start in the user's project: a module of the user's must never be taken for ours.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from mcp import Client
from mcp.client.stdio import StdioServerParameters

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ["policy", "secrets", "kms", "irsa", "audit"]


def main() -> None:
    """Build, install, list in both protocol eras, audit; any failure ends with a non-zero status."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        run(
            sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", ROOT, "-w", work / "dist"
        )
        (wheel,) = (work / "dist").glob("aws_iam_mcp-*.whl")
        venv.create(work / "venv", with_pip=True)
        run(work / "venv/bin/python", "-m", "pip", "install", "--quiet", wheel)
        project = work / "project"
        project.mkdir()
        (project / "server.py").write_text(
            "raise SystemExit('the user\\'s own server.py was imported')\n"
        )
        for mode in ("auto", "legacy"):
            names = asyncio.run(listed(work / "venv/bin/aws-iam-mcp", project, mode))
            if names != TOOLS:
                sys.exit(f"{mode}: expected {TOOLS}, got {names}")
            print(f"wheel, {mode} era: {', '.join(names)}")
        audit_of_the_demonstration(work / "venv/bin", project)


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


async def listed(command: Path, folder: Path, mode: str) -> list[str]:
    """The names of the tools that the server at `command` lists when started in `folder`; the skill must be readable."""
    parameters = StdioServerParameters(command=str(command), args=[], cwd=folder)
    async with Client(parameters, mode=mode) as client:
        await client.read_resource("skill://aws-iam/references/policy-design.md")
        return [tool.name for tool in (await client.list_tools()).tools]


if __name__ == "__main__":
    main()
