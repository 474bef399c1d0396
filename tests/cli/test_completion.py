"""The completion that `aws-iam completion` prints works in the shell that it is for."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from aws_iam.cli import command_line
from aws_iam.cli.parsers import SHELLS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

# What is typed so far, and what completes its last word.
CASES = {
    "po": ["policy"],
    "aud": ["audit"],
    "policy loo": ["lookup"],
    "policy validate --fail-on-unr": ["--fail-on-unread"],
    "policy validate --kind tr": ["trust"],
    "policy validate --fail-on SEC": ["SECURITY_WARNING"],
    "irsa trust_policy bui": ["buildkite"],
    "audit report sar": ["sarif"],
    "completion z": ["zsh"],
    "audit report --format m": ["markdown"],
    "audit access --format m": ["markdown", "mermaid"],
    "audit rightsize --format c": ["cli", "cloudformation"],
    "policy explain own": ["own.json"],
    "policy compare new.json own": ["own.json"],
}
BASH = """
source "$1"
complete=$(complete -p aws-iam | sed 's/.*-F \\([^ ]*\\).*/\\1/')
while IFS= read -r typed; do
    read -r -a COMP_WORDS <<< "aws-iam $typed"
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMP_LINE="${COMP_WORDS[*]}"
    COMP_POINT=${#COMP_LINE}
    COMPREPLY=()
    "$complete" aws-iam "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    echo "${COMPREPLY[*]}"
done
"""
# Sourcing reports what the shell cannot read; fish can also be asked for its completions.
OTHERS = {
    "zsh": 'autoload -U compinit && compinit -u -D && source "$1" && echo sourced',
    "fish": "source $argv[1]; and complete -C 'aws-iam aud' | string split -f1 \\t",
}
ANSWERS = {"zsh": "sourced", "fish": "audit"}


def completion(shell: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert command_line.main(["completion", shell], {}) == 0
    file = folder / f"completion.{shell}"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    return file


def test_bash_completes_tools_actions_options_choices_and_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = completion("bash", tmp_path, capsys)
    (tmp_path / "own.json").touch()
    done = subprocess.run(
        ["bash", "-c", BASH, "bash", str(file)],
        input="".join(f"{typed}\n" for typed in CASES),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    words = [line.split() for line in done.stdout.splitlines()]
    assert dict(zip(CASES, words, strict=True)) == CASES


@pytest.mark.parametrize("shell", sorted(set(SHELLS) - {"bash"}))
def test_the_other_shells_read_theirs(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = completion(shell, tmp_path, capsys)
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed: the package manager has it as `{shell}`")
    words = ["-c", OTHERS[shell], *(["zsh"] if shell == "zsh" else []), str(file)]
    done = subprocess.run(
        [program, *words], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stderr, done.stdout.strip()) == ("", ANSWERS[shell])


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["completion", "cmd"], {}) == 2
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err
