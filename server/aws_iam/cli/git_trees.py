"""What git has of both sides of a change: the files that there are, those that differ, and the texts of the revision.

trees = trees_of(git, "1a2b3c4")       →   Trees(now=…, then=…, changed=…, renamed=…)
Texts(git, trees.then).file("a.json")  →   File(name="a.json", text="{…}")
"""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.cli.files import MOST_BYTES
from aws_iam.cli.git_command import rows_of
from aws_iam.cli.other_files import decoded
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.engine.sources.files import File

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.cli.git_command import Git

SUBMODULE, LINK = "160000", "120000"
# Of a submodule its commit is compared: to look into it, git would run another one by the settings there.
_UNSEEN = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
_LACKING = (
    "the clone is a partial one that lacks it: clone without `--filter`, or run `git diff` with the revision,"
    " which fetches what differs"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Both sides by path from the top, links and submodules apart.

    `absent` are files that a sparse checkout leaves out: they are as in the revision, and those of `staged` as in the index,
    by its blobs. `nested` are untracked git repositories. `special` are the links and the
    submodules that differ, with the mode that makes them one; `targets` says to what such a link leads or led. `leading`
    are links that are the same and lead to a file that differs. `renamed` are former paths with those of now, `known` all
    paths of both sides.
    """

    now: frozenset[str]
    then: Mapping[str, str]
    absent: frozenset[str]
    staged: Mapping[str, str]
    nested: tuple[str, ...]
    changed: frozenset[str]
    special: Mapping[str, str]
    targets: Mapping[str, tuple[str, ...]]
    leading: frozenset[str]
    renamed: Mapping[str, str]
    known: frozenset[str]


def trees_of(git: Git, revision: str) -> Trees:
    """The work tree beside the revision; what `.gitignore` names is no part of it."""
    then, special_then = _tree(git, revision)
    listed = dict.fromkeys(
        git.rows("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    )
    differing = _differing(git, revision)
    special = {path: mode for path, mode in differing.items() if mode}
    present: set[str] = set()
    links: dict[str, str] = {}
    for path in listed:
        place = os.path.join(git.top, path)  # noqa: PTH118 - as git wrote it
        if os.path.islink(place):  # noqa: PTH114 - a path may hold any byte
            links[path] = os.readlink(place)  # noqa: PTH115 - the same
            if path not in then and path not in special_then:
                special.setdefault(path, LINK)
        elif os.path.isfile(place):  # noqa: PTH113 - the same
            present.add(path)
    unwatched = _unwatched(git)
    staged = {
        path: own.blob
        for path, own in unwatched.items()
        if own.is_left_out and path not in present
    }
    unseen = _edited(git, unwatched, present, then)
    absent = then.keys() - differing.keys() - present - staged.keys() - unseen
    changed = frozenset(differing) | ((present | staged.keys()) - then.keys()) | unseen
    former = Texts(git, special_then)
    now = frozenset(present | absent | staged.keys())
    return Trees(
        now=now,
        then=then,
        absent=frozenset(absent),
        staged=staged,
        nested=tuple(path.rstrip("/") for path in listed if path.endswith("/")),
        changed=changed,
        special=special,
        targets={
            path: tuple(filter(None, (links.get(path), former.text(path))))
            for path, mode in special.items()
            if mode == LINK
        },
        leading=frozenset(
            path
            for path, target in links.items()
            if path not in special
            and posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) in changed
        ),
        renamed=_within_modules(_renamed(git, revision)),
        known=frozenset((*listed, *then, *special_then)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unwatched:
    """A file of the index whose copy in the work tree git does not look at; a sparse checkout may leave it out."""

    blob: str
    is_left_out: bool


def _unwatched(git: Git) -> dict[str, _Unwatched]:
    found: dict[str, _Unwatched] = {}
    for row in git.rows("ls-files", "-z", "-v", "--stage"):
        about, _, path = row.partition("\t")
        tag, mode, blob, _ = about.split(" ")
        # A small letter: assumed to be unchanged. `S`: not to be checked out.
        if (tag.islower() or tag == "S") and mode not in {SUBMODULE, LINK}:
            found[path] = _Unwatched(blob=blob, is_left_out=tag in "Ss")
    return found


def _edited(
    git: Git, unwatched: Mapping[str, _Unwatched], present: set[str], then: Mapping[str, str]
) -> frozenset[str]:
    """The unwatched files that are other ones than in the revision, or that are gone."""
    gone = {path for path, own in unwatched.items() if not own.is_left_out and path not in present}
    # Git reads a path in each line, and takes a quotation mark for the beginning of a quoted one: such a name counts as edited.
    odd = {p for p in unwatched if p in present and ("\n" in p or p.startswith('"'))}
    there = [path for path in unwatched if path in present and path not in odd]
    told = "".join(f"{path}\n" for path in there).encode(errors="surrogateescape")
    written = git.raw("hash-object", "--stdin-paths", data=told).decode() if there else ""
    other = {
        path for path, blob in zip(there, written.split(), strict=True) if then.get(path) != blob
    }
    return frozenset(other | odd | (gone & then.keys()))


def _tree(git: Git, revision: str) -> tuple[dict[str, str], dict[str, str]]:
    """The files of the revision with their blobs; its links and submodules with theirs."""
    blobs: dict[str, str] = {}
    special: dict[str, str] = {}
    for row in git.rows("ls-tree", "-r", "-z", "--full-tree", revision):
        about, _, path = row.partition("\t")
        mode, _, blob = about.split(" ")
        (special if mode in {SUBMODULE, LINK} else blobs)[path] = blob
    return blobs, special


def _differing(git: Git, revision: str) -> dict[str, str]:
    """The paths that differ, each with the mode of a link or a submodule that it is or was."""
    rows = list(_difference(git, ("--raw",), revision, "--no-renames"))
    return {
        path: next((mode for mode in about[1:].split(" ")[:2] if mode in {SUBMODULE, LINK}), "")
        for about, path in zip(rows[::2], rows[1::2], strict=False)
    }


def _renamed(git: Git, revision: str) -> dict[str, str]:
    rows = list(_difference(git, ("--name-status", "--diff-filter=R"), revision, "--find-renames"))
    return {rows[at + 1]: rows[at + 2] for at in range(0, len(rows) - 2, 3)}


def _within_modules(renamed: Mapping[str, str]) -> dict[str, str]:
    """Without the files of Terraform that go from one folder to another: a folder is a module, and its callers name it.

    What is declared in `envs/dev` and then in `envs/prod` is another resource; a folder that moves as a whole is told by
    what it holds.
    """

    def is_kept(was: str, path: str) -> bool:
        return not path.endswith(TERRAFORM_ENDINGS) or posixpath.dirname(was) == posixpath.dirname(
            path
        )

    return {was: path for was, path in renamed.items() if is_kept(was, path)}


def _difference(git: Git, words: tuple[str, ...], revision: str, renames: str) -> Iterator[str]:
    """The rows of a comparison of the work tree with the revision."""
    found = git.tried("diff", "-z", *words, *_UNSEEN, renames, revision)
    if found is None:
        # A partial clone lacks texts by which git sees that a file is the same, or was renamed and changed at once.
        exact = renames.replace("--find-renames", "--find-renames=100%")
        found = git.text("diff-index", "-z", *words, *_UNSEEN, exact, revision)
    return rows_of(found)


class Texts:
    """The texts of the revision's files, read when they are asked for."""

    def __init__(self, git: Git, blobs: Mapping[str, str]) -> None:
        self._git = git
        self._blobs = blobs
        self._read: dict[str, File] = {}

    def fetch(self, paths: Iterable[str]) -> None:
        """Read these files with few commands."""
        wanted = {path: self._blobs[path] for path in paths if path in self._blobs.keys() - self._read.keys()}  # fmt: skip
        if not wanted:
            return
        sizes = self._sizes(wanted)
        short = []
        for path, size in sizes.items():
            if size is None:
                self._read[path] = File(name=path, unreadable=_LACKING)
            elif size > MOST_BYTES:
                self._read[path] = File(name=path, unreadable=f"more than {MOST_BYTES:,} bytes")
            else:
                short.append(path)
        found = self._git.raw("cat-file", "--batch", data=_asked(map(wanted.__getitem__, short)))
        at = 0
        for path in short:
            start = found.index(b"\n", at) + 1
            at = start + (sizes[path] or 0) + 1
            self._read[path] = _file(path, found[start : at - 1])

    def _sizes(self, wanted: Mapping[str, str]) -> dict[str, int | None]:
        """The size of each; None for what a partial clone lacks."""
        found = self._git.raw("cat-file", "--batch-check", data=_asked(wanted.values()))
        return {
            path: None if row.endswith(b" missing") else int(row.rpartition(b" ")[2])
            for path, row in zip(wanted, found.splitlines(), strict=True)
        }

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


def _asked(blobs: Iterable[str]) -> bytes:
    return "".join(f"{blob}\n" for blob in blobs).encode()


def _file(path: str, raw: bytes) -> File:
    try:
        return File(name=path, text=decoded(raw))
    except UnicodeDecodeError as error:
        return File(name=path, unreadable=f"not UTF-8 text (byte {error.start})")
