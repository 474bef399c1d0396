"""The policies of a git work tree, and of the revision that they are reviewed against, read through git's own command.

    changed_files("origin/main", ["infra"])   →   (Files of the work tree, Files of the revision, "origin/main (1a2b3c4)")

Nothing is written, no hook, filter, pager or external difference program runs, and a link is not followed.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from aws_iam.cli.files import (
    ENDINGS,
    MOST_BYTES,
    MOST_FILES,
    MOST_FOLDER_BYTES,
    file_of_folder,
    is_shown,
)
from aws_iam.cli.other_files import decoded
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.policy_signs import looks_like_policy
from aws_iam.engine.sources.settings_file import is_settings
from aws_iam.errors import InputError
from aws_iam.escape import escaped, quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

_QUIET = (
    "--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
    "-c", "core.quotePath=false",
)  # fmt: skip
_SECONDS = 60
_SUBMODULE, _LINK = "160000", "120000"
_LOCAL_MODULE = re.compile(r'^\s*source\s*=\s*"(\.{1,2}/[^"$]*)"', re.MULTILINE)


def changed_files(base: str, paths: Sequence[str]) -> tuple[Files, Files, str]:
    """The files below the paths that a change of policies may concern, now and at the revision, and what to call it.

    With history in common the revision is where both parted, as in a pull request.
    """
    top = _git(".", "rev-parse", "--show-toplevel").rstrip("\n")
    commit = _commit(top, base)
    parted, title = _parted(top, commit, base)
    within = [_from_top(top, path) for path in paths or (".",)]
    then, now = _tree(top, parted, within), frozenset(_work_tree(top, within))
    changed, submodules = _changed(top, parted, within)
    change = _Change(
        top=top,
        now=now,
        then=then,
        changed=changed | (now - set(then)),
        submodules=submodules,
        renamed=_renamed(top, parted, within),
        texts=_Texts(top, then),
    )
    return (*change.sides(), title)


def _git(folder: str, *words: str, data: bytes | None = None) -> str:
    return _git_bytes(folder, *words, data=data).decode(errors="surrogateescape")


def _git_bytes(folder: str, *words: str, data: bytes | None = None) -> bytes:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603 - git, with words of our own and paths behind `--`
            ["git", *_QUIET, *words],  # noqa: S607 - wherever the caller has it
            cwd=folder,
            input=data,
            stdin=None if data is not None else subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env=environment,
        )
    except FileNotFoundError:
        raise InputError(
            "`--base` needs git, which is not installed",
            hint="install git, or give the policies before the change with `--baseline`",
        ) from None
    except subprocess.TimeoutExpired:
        raise InputError(f"git did not answer within {_SECONDS} seconds") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise InputError(
            f"git cannot read the work tree: {escaped(said, 300)}",
            hint="run it inside a git work tree, or give the policies before the change with `--baseline`",
        )
    return done.stdout


def _commit(top: str, base: str) -> str:
    try:
        return _git(
            top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}"
        ).strip()
    except InputError:
        raise InputError(
            f"`--base`: git knows no revision {quoted(base)}",
            hint="fetch it, such as `git fetch origin main`, or name a commit that is there",
        ) from None


def _parted(top: str, commit: str, base: str) -> tuple[str, str]:
    """Where the work tree's history and the revision parted; the revision itself in a clone that does not reach that far."""
    try:
        parted = _git(top, "merge-base", commit, "HEAD").strip()
    except InputError:
        return commit, f"{base} ({commit[:8]}; the clone does not hold where both parted)"
    return parted, f"{base} ({parted[:8]})"


def _from_top(top: str, path: str) -> str:
    real = os.path.realpath(path)
    found = os.path.relpath(real, os.path.realpath(top))
    if found.startswith(".."):
        raise InputError(
            f"{quoted(path)} is not in the git work tree {quoted(top)}",
            hint="run the review inside the work tree of the files",
        )
    return found


def _tree(top: str, revision: str, within: Sequence[str]) -> dict[str, str]:
    """The files of the revision by path, with their blobs; links are none."""
    blobs: dict[str, str] = {}
    for row in _rows(_git(top, "ls-tree", "-r", "-z", "--full-tree", revision, "--", *within)):
        about, _, path = row.partition("\t")
        mode, _, blob = about.split(" ")
        if mode not in {_SUBMODULE, _LINK}:
            blobs[path] = blob
    return blobs


def _work_tree(top: str, within: Sequence[str]) -> list[str]:
    """The files that are tracked or would be, which excludes what `.gitignore` names."""
    listed = _git(
        top, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *within
    )
    paths = dict.fromkeys(_rows(listed))
    return [path for path in paths if _is_file(os.path.join(top, path))]  # noqa: PTH118 - as git wrote it


def _is_file(path: str) -> bool:
    return os.path.isfile(path) and not os.path.islink(path)  # noqa: PTH113, PTH114 - a path may hold any byte


_UNSEEN = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=none")


def _changed(
    top: str, revision: str, within: Sequence[str]
) -> tuple[frozenset[str], tuple[str, ...]]:
    """The paths that differ, and those of them that are submodules."""
    words = ("diff", "-z", "--raw", "--no-renames", *_UNSEEN)
    rows = list(_rows(_git(top, *words, revision, "--", *within)))
    modes = dict(zip(rows[1::2], rows[::2], strict=False))
    submodules = tuple(
        path for path, about in modes.items() if _SUBMODULE in about[1:].split(" ")[:2]
    )
    return frozenset(modes), submodules


def _renamed(top: str, revision: str, within: Sequence[str]) -> dict[str, str]:
    """The files that have another path now: the former one and the one now."""
    words = ("diff", "-z", "--name-status", "--find-renames", "--diff-filter=R", *_UNSEEN)
    rows = list(_rows(_git(top, *words, revision, "--", *within)))
    return {rows[at + 1]: rows[at + 2] for at in range(0, len(rows) - 2, 3)}


def _rows(listed: str) -> Iterator[str]:
    return (row for row in listed.split("\0") if row)


class _Texts:
    """The texts of the revision's files, fetched when they are asked for."""

    def __init__(self, top: str, blobs: Mapping[str, str]) -> None:
        self._top = top
        self._blobs = blobs
        self._read: dict[str, File] = {}

    def fetch(self, paths: Iterable[str]) -> None:
        """Read these files with one command."""
        wanted = [path for path in paths if path in self._blobs and path not in self._read]
        if not wanted:
            return
        asked = "\n".join(self._blobs[path] for path in wanted).encode() + b"\n"
        found = _git_bytes(self._top, "cat-file", "--batch", data=asked)
        at = 0
        for path in wanted:
            end = found.index(b"\n", at)
            size = int(found[at:end].rsplit(b" ", 1)[1])
            at = end + 1 + size + 1
            self._read[path] = _file(path, found[end + 1 : end + 1 + size])

    def file(self, path: str) -> File:
        """One file of the revision."""
        self.fetch([path])
        return self._read[path]

    def text(self, path: str) -> str | None:
        """The text of a file that another one names; None where the revision has none."""
        if path not in self._blobs:
            return None
        file = self.file(path)
        return None if file.unreadable else file.text


def _file(path: str, raw: bytes) -> File:
    if len(raw) > MOST_BYTES:
        return File(name=path, unreadable=f"more than {MOST_BYTES:,} bytes")
    try:
        return File(name=path, text=decoded(raw))
    except UnicodeDecodeError as error:
        return File(name=path, unreadable=f"not UTF-8 text (byte {error.start})")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A change: the files of both sides, the paths that differ, and the former paths with those of now."""

    top: str
    now: frozenset[str]
    then: Mapping[str, str]
    changed: frozenset[str]
    submodules: tuple[str, ...]
    renamed: Mapping[str, str]
    texts: _Texts

    def sides(self) -> tuple[Files, Files]:
        """Both sides, without the files that are the same and that nothing changed reaches."""
        new = {path: self._current(path) for path in sorted(self.now) if self._may_matter(path)}
        wanted = [path for path in self.then if self._may_matter(path)]
        self.texts.fetch(wanted)
        old = {path: self.texts.file(path) for path in wanted}
        modules = _modules(new, self.changed) | _modules(old, self.changed)
        kept_now, kept_then = (
            [
                file
                for path, file in side.items()
                if _is_of_policies(file) and (path in self.changed or _folder(path) in modules)
            ]
            for side in (new, old)
        )
        for side in (kept_now, kept_then):
            if len(side) > MOST_FILES or sum(len(file.text) for file in side) > MOST_FOLDER_BYTES:
                raise InputError(
                    "the change concerns too many files to review at once",
                    hint="name the folders to review",
                )
        return (
            Files(
                files=(*kept_now, *self._submodules()),
                folder=".",
                chosen=True,
                read=self._read_now,
            ),
            Files(
                files=tuple(map(self._renamed, kept_then)),
                folder=".",
                chosen=True,
                read=self._read_then,
            ),
        )

    def _may_matter(self, path: str) -> bool:
        return is_shown(path) and (path in self.changed or path.endswith(TERRAFORM_ENDINGS))

    def _current(self, path: str) -> File:
        return _of_work_tree(self.top, path)

    def _renamed(self, file: File) -> File:
        """The file under the path that it has now, so that its policies are compared with themselves."""
        return replace(file, name=self.renamed.get(file.name, file.name))

    def _submodules(self) -> Iterator[File]:
        for path in self.submodules:
            yield File(name=path, unreadable="a submodule, which is not read")

    def _read_now(self, name: str) -> str | None:
        path = os.path.normpath(name)
        file = self._current(path) if path in self.now else None
        return None if file is None or file.unreadable else file.text

    def _read_then(self, name: str) -> str | None:
        path = os.path.normpath(name)
        former = next((was for was, now in self.renamed.items() if now == path), path)
        return self.texts.text(former)


def _is_of_policies(file: File) -> bool:
    """Whether it is read: by its ending, any other one by what it holds."""
    is_known = file.name.lower().endswith(ENDINGS)
    return not is_settings(file.name) and (is_known or looks_like_policy(file.text))


def _folder(path: str) -> str:
    return str(PurePosixPath(path).parent)


def _of_work_tree(top: str, path: str) -> File:
    file = file_of_folder(os.path.join(top, path), MOST_BYTES)  # noqa: PTH118 - as git wrote it
    return File(name=path, text=file.text, unreadable=file.unreadable)


def _modules(files: Mapping[str, File], changed: Collection[str]) -> set[str]:
    """The folders of Terraform that a change concerns: those with a changed file, and what they call or are called by."""
    links: dict[str, set[str]] = {}
    touched: set[str] = set()
    names = {PurePosixPath(path).name for path in changed if not path.endswith(TERRAFORM_ENDINGS)}
    for path, file in files.items():
        folder = _folder(path)
        if not path.endswith(TERRAFORM_ENDINGS):
            continue
        links.setdefault(folder, set())
        if path in changed or any(name in file.text for name in names):
            touched.add(folder)
        for source in _LOCAL_MODULE.findall(file.text):
            called = os.path.normpath(f"{folder}/{source}")
            links[folder].add(called)
            links.setdefault(called, set()).add(folder)
    # A file deleted from a module changes it, too.
    touched |= {_folder(path) for path in changed if path.endswith(TERRAFORM_ENDINGS)}
    found: set[str] = set()
    waiting = list(touched)
    while waiting:
        folder = waiting.pop()
        if folder not in found:
            found.add(folder)
            waiting += links.get(folder, ())
    return found
