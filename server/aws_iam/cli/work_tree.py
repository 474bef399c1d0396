"""The policies of a git work tree, and of the revision that they are reviewed against.

    changed_files("origin/main", ["infra"])   →   Change(now=Files(…), then=Files(…), title="origin/main (1a2b3c4)")

Nothing is written, and a link is not followed. `git_command.py` says how git is asked, `git_trees.py` what it answers.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aws_iam.cli.changed_settings import ChangedSettings, readable
from aws_iam.cli.feeding_files import FeedingFiles
from aws_iam.cli.files import (
    ENDINGS,
    MOST_BYTES,
    MOST_FILES,
    MOST_FOLDER_BYTES,
    file_of_folder,
    is_hidden,
    is_of_tool,
    is_skipped,
    packages_above,
)
from aws_iam.cli.git_command import Git, git_of_folder, rows_of
from aws_iam.cli.git_trees import LINK, Texts, Trees, trees_of
from aws_iam.cli.reached_modules import folder_of, reached_modules
from aws_iam.cli.settings import settings_above
from aws_iam.engine.sources import file_names
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.engine.sources.files import File, FileNames, Files
from aws_iam.engine.sources.policy_signs import (
    looks_like_policy,
    may_deploy,
    may_grant,
    pointed_to,
)
from aws_iam.engine.sources.settings_file import SETTINGS, is_settings
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.tools.policy.review.feeding.deployment_settings import may_say_who_deploys
from aws_iam.tools.policy.review.tree_files import TreeFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_SUBMODULE_UNREAD = "a submodule, which is not read"
_PACKAGES_UNREAD = "a folder of installed packages, in which policies may change and which is not read: name it to review it"
_REPOSITORY_UNREAD = "a git repository of its own, which is not read"
# What speaks of access beside the policies themselves.
_SIGNS = re.compile(r"\baws_iam_|\bAWS::IAM::|\barn:aws[\w-]*:iam::")
# Of a repository within the work tree.
_MOST_LOOKS = 500
_LONGEST_LOOK = 1_000_000
_LINK_UNREAD = "a link, which is not followed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFiles:
    """The files that a change of policies may concern, now and at the revision, and what to call the revision."""

    now: Files
    then: Files
    title: str


def changed_files(base: str, paths: Sequence[str]) -> ChangedFiles:
    """The files below the paths that a change of policies may concern.

    With history in common the revision is where both parted, as in a pull request.
    """
    git = git_of_folder(".")
    parted, title, not_parted = _parted(git, _commit(git, base), base)
    trees = trees_of(git, parted)
    within = [own for path in paths or (".",) for own in _from_top(git.top, path)]
    _require_files(paths, git, trees)
    change = _Change(
        git=git,
        trees=trees,
        within=tuple(within),
        texts=Texts(git, trees.then),
        staged=Texts(git, trees.staged),
    )
    settings = change.settings(paths[0] if paths else ".")
    now, then = settings.applied(*change.sides(), trees.renamed)
    now = replace(now, not_parted=not_parted)
    return ChangedFiles(now=now, then=then, title=title)


def _commit(git: Git, base: str) -> str:
    """The commit of the revision; empty for the `HEAD` of a repository without a commit."""
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    found = git.tried(*words)
    if (
        found is None
        and base == "HEAD"
        and git.found("rev-parse", "--quiet", "--verify", "HEAD") is None
    ):
        return ""
    if found is None:
        raise InputError(
            f"`--base`: git knows no revision {quoted(base)}",
            hint="fetch it, such as `git fetch origin main`, or name a commit that is there",
        )
    return found.strip()


def _parted(git: Git, commit: str, base: str) -> tuple[str, str, str]:
    """Where the work tree's history and the revision parted; the revision itself where nothing of it is in common, and why."""
    if not commit:
        # The first commit of all, which a hook reviews before there is one: against the tree without files.
        empty = git.raw("hash-object", "-t", "tree", "--stdin", data=b"").decode().strip()
        return empty, "an empty repository", ""
    parted = git.found("merge-base", commit, "HEAD")
    if parted is not None:
        return parted.strip(), f"{base} ({parted[:8]})", ""
    is_shallow = git.text("rev-parse", "--is-shallow-repository").strip() == "true"
    why = "the clone does not hold where both parted" if is_shallow else "no history in common"
    return commit, f"{base} ({commit[:8]}; {why})", why


def _from_top(top: str, path: str) -> tuple[str, ...]:
    """A path from the top of the work tree on; of a link both its own and the one that it leads to."""
    real_top = os.path.realpath(top)
    folder, name = os.path.split(os.path.abspath(path))  # noqa: PTH100 - as it was typed, links and all
    named = (os.path.realpath(path), os.path.join(os.path.realpath(folder), name))  # noqa: PTH118 - the same
    found = dict.fromkeys(os.path.relpath(own, real_top).replace(os.sep, "/") for own in named)
    inside = tuple(own for own in found if own != ".." and not own.startswith("../"))
    if not inside:
        raise InputError(
            f"{quoted(path)} is not in the git work tree {quoted(top)}",
            hint="run the review inside the work tree of the files",
        )
    return inside


def _require_files(paths: Sequence[str], git: Git, trees: Trees) -> None:
    """Refuse a path at which neither side has a file: it is misspelt, or git does not know what is there."""
    for path in paths:
        own = _from_top(git.top, path)
        if any(_is_within(there, own) for there in trees.known):
            continue
        if os.path.lexists(path):
            raise InputError(
                f"git has no file at {quoted(path)}, now or at the revision",
                hint="what `.gitignore` names is not reviewed: `policy validate` reads it",
            )
        folders = {above for there in trees.known for above in _folders_above(there)}
        near = closest(own[0], trees.known | folders)
        raise InputError(
            f"there is no file or folder {quoted(path)}, now or at the revision",
            hint=f"did you mean {quoted(near)}?" if near else "",
        )


def _folders_above(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _is_within(path: str, within: Iterable[str]) -> bool:
    return any(own in {".", path} or path.startswith(f"{own}/") for own in within)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A change, and the paths within which it is reviewed."""

    git: Git
    trees: Trees
    within: tuple[str, ...]
    texts: Texts
    staged: Texts

    def sides(self) -> tuple[TreeFiles, Files]:
        """Both sides, without the files that are the same and that nothing changed reaches."""
        trees = self.trees
        self.staged.fetch(path for path in trees.staged if self._may_matter(path))
        now = {path: self._current(path) for path in sorted(trees.now) if self._may_matter(path)}
        # What comes from outside of the paths is compared with what it was there.
        wanted = [
            path
            for path in trees.then
            if self._may_matter(path) or self._may_matter(trees.renamed.get(path, path))
        ]
        self.texts.fetch(wanted)
        then = {path: self._former(path, now) for path in wanted}
        kept_now, kept_then = self._kept(now, then)
        return (
            TreeFiles(
                files=(*kept_now, *self._special(), *self._packages()),
                within=() if "." in self.within else self.within,
                outside=self._outside(),
                folder=".",
                chosen=True,
                read=self._read_now,
                names=FileNames.of(trees.now | trees.leading, whole=True),
                changed=trees.changed | trees.leading,
                renamed=trees.renamed,
            ),
            Files(
                files=tuple(map(self._renamed, kept_then)),
                folder=".",
                chosen=True,
                read=self._read_then,
                names=FileNames.of(self._former_names(), whole=True),
                renamed=trees.renamed,
            ),
        )

    def _outside(self) -> int:
        """How many changed files with policies are outside of the paths."""
        trees = self.trees
        paths = [
            path
            for path in sorted(trees.changed - trees.special.keys())
            if not _is_within(trees.renamed.get(path, path), self.within)
        ]
        now = {p for p in paths if p in trees.now and _has_signs(self._current(p).text)}
        left = [path for path in paths if path not in now and path in trees.then]
        self.texts.fetch(left)
        return len(now) + sum(_has_signs(self.texts.file(path).text) for path in left)

    def _kept(
        self, now: Mapping[str, File], then: Mapping[str, File]
    ) -> tuple[list[File], list[File]]:
        """Of both sides what holds policies, what decides about policies of other files, and these."""
        feeding = FeedingFiles(now=now, then=then, changed=self.trees.changed)
        variables = feeding.folders_with_variables()
        given = {folder or "." for folders in variables.values() for folder in folders}
        units = feeding.units(filter(self._is_read, self.trees.now), self._read_now)
        given |= set(units.values())
        fed, readers = feeding.readers(self._with_mark)
        # A module that a unit of Terragrunt no longer takes, or takes now, is read as a whole.
        given |= {folder_of(path) for path in readers if path.endswith(TERRAFORM_ENDINGS)}
        changed = self.trees.changed | self.trees.leading
        modules = {
            folder
            for side in (now, then)
            for folder in reached_modules(side, changed, given, self._is_shown)
        }
        fed |= variables.keys() | feeding.value_sets(modules) | units.keys()
        readers |= {path: self._current(path) for path in units}
        unchanged = [file for path, file in readers.items() if path not in now]
        kept_now, kept_then = (
            [own for path, own in side.items() if path in fed or self._is_kept(path, own, modules)]
            for side in (now, then)
        )
        for kept in (kept_now, kept_then):
            kept.extend(unchanged)
            _require_few(kept)
        return kept_now, kept_then

    def settings(self, path: str) -> ChangedSettings:
        """The settings that apply to a path, and those that did."""
        found = settings_above(path)
        if found:
            (name, *_) = _from_top(self.git.top, found.name)
            found = replace(found, name=name)
        own = self.within[0]
        is_folder = any(there.startswith(f"{own}/") for there in self.trees.known)
        return ChangedSettings(
            now=found, then=self._former_settings(own if is_folder else folder_of(own))
        )

    def _former_settings(self, folder: str) -> File | None:
        while True:
            name = os.path.normpath(f"{folder}/{SETTINGS}")
            if name in self.trees.then:
                return readable(self.texts.file(name))
            if folder in {"", "."}:
                return None
            folder = folder_of(folder)

    def _may_matter(self, path: str) -> bool:
        return (
            (path in self.trees.changed or path.endswith(TERRAFORM_ENDINGS))
            and path not in self.trees.special
            and _is_within(path, self.within)
            and not is_skipped(self._below(path))
        )

    def _with_mark(self, mark: str, may_read: Callable[[str], bool]) -> dict[str, File]:
        """The files of the work tree that may be read and have these characters in their text."""
        found = self.git.found("grep", "-l", "-z", "--untracked", "--fixed-strings", "-e", mark)
        return {
            path: self._current(path)
            for path in rows_of(found or "")
            if may_read(path) and path in self.trees.now and self._is_read(path)
        }

    def _is_read(self, path: str) -> bool:
        return (
            _is_within(path, self.within)
            and self._is_shown(path)
            and not is_skipped(self._below(path))
        )

    def _below(self, path: str) -> str:
        """The path from the folder on that was named: a hidden one that is named is meant."""
        named = max((own for own in self.within if _is_within(path, (own,))), key=len, default=".")
        return path if named == "." else path[len(named) + 1 :]

    def _is_shown(self, path: str) -> bool:
        return not is_of_tool(self._below(path))

    def _is_kept(self, path: str, file: File, modules: set[str]) -> bool:
        """Whether it is read: by its ending, any other one and a hidden one by what it holds."""
        if is_settings(path):
            return False
        is_known = path.lower().endswith(ENDINGS)
        if path.endswith(TERRAFORM_ENDINGS) and folder_of(path) in modules:
            return True
        may_decide = may_grant(file.text) or may_deploy(file.text)
        return path in self.trees.changed and (
            looks_like_policy(file.text)
            or may_say_who_deploys(path)
            or (is_known and (not is_hidden(self._below(path)) or may_decide))
        )

    def _current(self, path: str) -> File:
        if path in self.trees.staged:
            return self.staged.file(path)
        if path in self.trees.absent:
            return self.texts.file(path)
        file = file_of_folder(os.path.join(self.git.top, path), MOST_BYTES)  # noqa: PTH118 - as git wrote it
        return File(name=path, text=file.text, unreadable=file.unreadable)

    def _former(self, path: str, now: Mapping[str, File]) -> File:
        """The file of the revision; where it is a pointer to what the work tree has, that."""
        former = self.texts.file(path)
        current = now.get(self.trees.renamed.get(path, path))
        pointed = pointed_to(former.text)
        if pointed and current and pointed == _digest(current.text):
            return File(name=path, text=current.text)
        return former

    def _renamed(self, file: File) -> File:
        """The file under the path that it has now, so that its policies are compared with themselves."""
        return replace(file, name=self.trees.renamed.get(file.name, file.name))

    def _former_names(self) -> Iterator[str]:
        """The names of the revision's files; those of a folder that has another name now, under that one."""
        folders = set(map(folder_of, self.trees.then))
        for path in self.trees.then:
            named = self.trees.renamed.get(path, path)
            yield path if folder_of(named) in folders else named

    def _special(self) -> Iterator[File]:
        for path in self.trees.nested:
            top = os.path.join(self.git.top, path)  # noqa: PTH118 - as git wrote it
            if _is_within(path, self.within) and _may_hold_signs(top):
                yield File(name=path, unreadable=_REPOSITORY_UNREAD)
        for path, mode in sorted(self.trees.special.items()):
            if not _is_within(path, self.within):
                continue
            if mode != LINK:
                yield File(name=path, unreadable=_SUBMODULE_UNREAD)
            elif self._may_lead_to_policies(path):
                yield File(name=path, unreadable=_LINK_UNREAD)

    def _packages(self) -> Iterator[File]:
        """The folders of installed packages in which a file with policies changes."""
        folders: dict[str, list[str]] = {}
        trees = self.trees
        for path in sorted(trees.changed - trees.special.keys()):
            if _is_within(path, self.within) and is_skipped(self._below(path)):
                below = self._below(path)
                folder = path.removesuffix(below) + packages_above(below)
                folders.setdefault(folder, []).append(path)
        for folder, paths in folders.items():
            looked = paths[:_MOST_LOOKS]
            self.texts.fetch(path for path in looked if path in trees.then)
            if len(paths) > len(looked) or any(map(self._has_signs, looked)):
                yield File(name=folder, unreadable=_PACKAGES_UNREAD)

    def _has_signs(self, path: str) -> bool:
        texts = [self._current(path).text] if path in self.trees.now else []
        texts += [self.texts.file(path).text] if path in self.trees.then else []
        return any(map(_has_signs, texts))

    def _may_lead_to_policies(self, path: str) -> bool:
        """Whether a link stands for a file that would be read, or for a folder."""
        if path.lower().endswith(file_names.ENDINGS):
            return True
        folder = folder_of(path)
        return any(
            self._may_hold_policies(os.path.normpath(f"{folder}/{target}"), target)
            for target in self.trees.targets[path]
        )

    def _may_hold_policies(self, path: str, target: str) -> bool:
        if target.lower().endswith(file_names.ENDINGS):
            return True
        if target.startswith("/") or path.startswith("../"):
            return os.path.isdir(target if target.startswith("/") else f"{self.git.top}/{path}")  # noqa: PTH112 - a path may hold any byte
        return any(there.startswith(f"{path}/") for there in self.trees.known)

    def _read_now(self, name: str) -> str | None:
        path = os.path.normpath(name)
        file = self._current(path) if path in self.trees.now else None
        return None if file is None or file.unreadable else file.text

    def _read_then(self, name: str) -> str | None:
        path = os.path.normpath(name)
        if path not in self.trees.then:
            path = next((was for was, now in self.trees.renamed.items() if now == path), path)
        return self.texts.text(path)


def _has_signs(text: str) -> bool:
    return bool(_SIGNS.search(text)) or looks_like_policy(text)


def _may_hold_signs(folder: str) -> bool:
    """Whether a file below the folder has a policy, or there are too many to look at each."""
    looks = 0
    for above, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            looks += 1
            if looks > _MOST_LOOKS:
                return True
            path = os.path.join(above, name)  # noqa: PTH118 - a path may hold any byte
            if not os.path.islink(path) and _has_signs(file_of_folder(path, _LONGEST_LOOK).text):  # noqa: PTH114 - the same
                return True
    return False


def _require_few(files: Sequence[File]) -> None:
    if len(files) > MOST_FILES or sum(len(file.text) for file in files) > MOST_FOLDER_BYTES:
        raise InputError(
            "the change concerns too many files to review at once",
            hint="name the folders to review",
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
