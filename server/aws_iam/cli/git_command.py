"""Git's own command, for reading alone: no program that the settings of a repository name runs, and nothing is fetched.

git = git_of_folder(".")                        →   Git(top="/home/me/tree", …), or why there is none
git.rows("ls-tree", "-r", "-z", "HEAD")         →   the rows, which `-z` ends with a NUL
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.errors import InputError, system_reason
from aws_iam.escape import escaped, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 60
_LONGEST_REASON = 300
# Paths are no patterns: `[id].json` is a file. No hook, no daemon and no pager is started, and no index written.
_QUIET = (
    "--no-pager", "--no-optional-locks", "--literal-pathspecs", "-c", "core.fsmonitor=false",
    "-c", f"core.hooksPath={os.devnull}", "-c", "core.quotePath=false", "-c", "submodule.recurse=false",
)  # fmt: skip
# What a partial clone lacks stays away: a transport is a program. Git before 2.45 knows the first variable not, but
# the second.
_OFFLINE = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_TERMINAL_PROMPT": "0"}
_FILTER = "filter."
_FILTER_PROGRAMS = ("clean=", "smudge=", "process=", "required=false")
_BASELINE = "give the policies before the change with `--baseline`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """Git in a work tree: the folder at its top, and the settings that switch the repository's programs off."""

    top: str
    settings: tuple[str, ...] = ()

    def text(self, *words: str) -> str:
        """What a command writes; InputError with git's reason where it fails."""
        return _text(self.raw(*words))

    def rows(self, *words: str) -> Iterator[str]:
        """The rows of a command with `-z`."""
        return rows_of(self.text(*words))

    def found(self, *words: str) -> str | None:
        """What a command writes; None where it says with its status 1 that there is nothing."""
        done = _run(self.top, *self.settings, *words)
        return None if done.returncode == 1 else _text(_checked(done))

    def raw(self, *words: str, data: bytes | None = None) -> bytes:
        """The same, undecoded; `data` is what the command reads."""
        return _checked(_run(self.top, *self.settings, *words, data=data))

    def tried(self, *words: str) -> str | None:
        """What a command writes; None where it fails."""
        done = _run(self.top, *self.settings, *words)
        return None if done.returncode else _text(done.stdout)


def git_of_folder(folder: str) -> Git:
    """Git in the work tree of the folder."""
    top = _text(_checked(_run(folder, "rev-parse", "--show-toplevel"))).rstrip("\n")
    return Git(top=top, settings=tuple(_without_filters(top)))


def rows_of(written: str) -> Iterator[str]:
    """The rows of what a command with `-z` has written."""
    return (row for row in written.split("\0") if row)


def _without_filters(top: str) -> Iterator[str]:
    """The settings that make every filter one that does nothing: comparing a work tree runs them."""
    listed = _run(top, "config", "-z", "--name-only", "--get-regexp", r"^filter\.")
    keys = _text(b"" if listed.returncode == 1 else _checked(listed)).split("\0")
    for name in dict.fromkeys(key.rpartition(".")[0] for key in keys if key.count(".") > 1):
        if "=" in name:
            # Git would take what stands before it for the name.
            raise InputError(
                f"git has a filter {quoted(name.removeprefix(_FILTER))}, whose program cannot be switched off"
                " because of the `=` in its name",
                hint=f"name the filter otherwise in git's settings, or {_BASELINE}",
            )
        for program in _FILTER_PROGRAMS:
            yield from ("-c", f"{name}.{program}")


def _run(
    folder: str, *words: str, data: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - git, with words of our own and paths behind `--`
            ["git", *_QUIET, *words],  # noqa: S607 - wherever the caller has it
            cwd=folder,
            input=data,
            stdin=None if data is not None else subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**os.environ, **_OFFLINE, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise InputError(
            "`--base` needs git, which is not installed",
            hint=f"install git, or {_BASELINE}",
        ) from None
    except subprocess.TimeoutExpired:
        raise InputError(f"git did not answer within {_SECONDS} seconds") from None
    except OSError as error:
        raise InputError(f"git cannot be run: {system_reason(error)}") from None


def _checked(done: subprocess.CompletedProcess[bytes]) -> bytes:
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        lines = said.splitlines() or [""]
        first = next((line for line in lines if line.startswith("fatal:")), lines[0])
        raise InputError(
            f"git cannot read the work tree: {escaped(first, _LONGEST_REASON)}", hint=_hint(said)
        )
    return done.stdout


def _hint(said: str) -> str:
    """What would work, by what git said."""
    if "dubious ownership" in said:
        # Git writes the command with the path as a shell takes it.
        command = said.rpartition("git config --global")[2].partition("\n")[0]
        return (
            "the folder belongs to another user: if it is to be trusted,"
            f" run `git config --global{escaped(command, _LONGEST_REASON)}`"
        )
    if "not a git repository" in said or "must be run in a work tree" in said:
        return f"run it inside a git work tree, or {_BASELINE}"
    return _BASELINE


def _text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")
