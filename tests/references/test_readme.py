"""The README's examples run as they stand, one after the other in one folder, and answer what the README shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from helpers.documented_commands import commands, problems
from helpers.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.process

README = (ROOT / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What the shell blocks call beside our own commands: not ours to run in a test.
_OTHERS = ("make", "claude", "codex", "gemini", "pip", "python .ci/", "docker", "aws ", "uvx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A command of a console block, and what the README shows of its answer: `…` stands for anything."""

    command: str
    shown: str


def of_language(*languages: str) -> list[str]:
    return [content for language, content in _BLOCK.findall(README) if language in languages]


def examples() -> Iterator[Example]:
    """A prompt starts a command; `> ` or a here document continues it; the rest is its answer."""
    for block in of_language("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            command, rest = [lines[0]], lines[1:]
            if "<<'END'" in lines[0]:
                end = rest.index("END") + 1
                command, rest = command + rest[:end], rest[end:]
            while rest and rest[0].startswith("> "):
                command.append(rest.pop(0)[2:])
            yield Example(command="\n".join(command), shown="\n".join(rest))


def _answers(shown: str, output: str) -> bool:
    """Whether the output is what is shown; how lines are broken does not count."""
    pattern = re.sub(r"([\[\]*?])", r"[\1]", " ".join(shown.split())).replace("…", "*")
    return fnmatchcase(" ".join(output.split()), pattern)


def test_every_command_answers_as_the_readme_shows(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    wrong = []
    for example in examples():
        done = subprocess.run(
            ["bash", "-c", example.command],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "server")},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode > 1 or not _answers(example.shown, done.stdout + done.stderr):
            wrong.append(f"$ {example.command}\n{done.stdout[:600]}{done.stderr[:600]}")
    assert not wrong, "\n\n".join(wrong)


def test_the_python_example_runs() -> None:
    (example,) = of_language("python")
    code = compile(example, "README.md", "exec")
    exec(code, {})  # noqa: S102 - running the page's example is the test


@pytest.mark.parametrize("script", of_language("bash"))
def test_the_other_shell_examples_call_what_there_is(script: str) -> None:
    for line in script.splitlines():
        if line.startswith("aws"):
            assert not [problem for words in commands(line) for problem in problems(words)]
        else:
            assert line.startswith(_OTHERS), line


def test_nothing_is_installed_from_an_index_under_a_name_that_nobody_owns() -> None:
    """The package is not published: a line that installs its name would install a stranger's program."""
    files = [*ROOT.glob("*.md"), *ROOT.glob("*.json"), ROOT / ".mcp.json", ROOT / "Dockerfile"]
    for folder in (".claude-plugin", ".github", "assets/deploy", "references", "skills"):
        files += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    installing = re.compile(r"(--from|install|uvx)[ \",']+(aws-iam-mcp)")
    offenders = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if installing.search(line) and "once published" not in line.lower()
    ]
    assert offenders == []
