"""The files of a tree that take something from a changed one: they are read, too, so that it can be said what was not judged."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.engine.sources.terraform.terragrunt import UNIT, unit_of
from aws_iam.tools.policy.review.feeding import ansible_variables, variable_files
from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile
from aws_iam.tools.policy.review.feeding.feeds import FEEDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from aws_iam.engine.sources.files import File

_MOST_UNITS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedingFiles:
    """The changed files of a tree, by their paths now and before, with the Terraform files of both sides."""

    now: Mapping[str, File]
    then: Mapping[str, File]
    changed: frozenset[str]

    def readers(
        self, with_mark: Callable[[str, Callable[[str], bool]], Mapping[str, File]]
    ) -> tuple[frozenset[str], dict[str, File]]:
        """The changed files that others read, and these, which `with_mark` finds by what they have in their text."""
        feeding: set[str] = set()
        found: dict[str, File] = {}
        # What one of them sets is found once for all feeds.
        every = tuple(self._changed())
        for feed in FEEDS:
            changed = [own for own in every if feed.may_feed(own.path)]
            if not changed:
                continue
            files = with_mark(feed.mark, feed.may_read)
            if not files:
                continue
            texts = {path: file.text for path, file in files.items()}
            for own in changed:
                names = set(feed.readers(own, texts))
                if names:
                    feeding.add(own.path)
                    # Helm's named templates stand beside those that include them.
                    folders = {posixpath.dirname(name) for name in names}
                    names |= {p for p in files if posixpath.dirname(p) in folders and _is_named_template(p)}  # fmt: skip
                    found |= {name: files[name] for name in names}
        found |= _setting_variables(every, with_mark)
        return frozenset(feeding), found

    def units(self, paths: Iterable[str], read: Callable[[str], str | None]) -> Mapping[str, str]:
        """The units of Terragrunt that a change reaches, by themselves, by a file that they read or by their module, with its folder."""
        found: dict[str, str] = {}
        folders = {posixpath.dirname(path) for path in self.changed}
        for path in sorted(own for own in paths if posixpath.basename(own) == UNIT)[:_MOST_UNITS]:
            unit = unit_of(path, read)
            if unit and (not unit.files.isdisjoint(self.changed) or unit.module in folders):
                found[path] = unit.module
        return found

    def folders_with_variables(self) -> dict[str, set[str]]:
        """The changed files that give variables values, with the folders of Terraform that declare these."""
        texts = {path: file.text for side in (self.then, self.now) for path, file in side.items()}
        found = {
            own.path: variable_files.folders_with_variables(own, texts)
            for own in self._changed()
            if variable_files.may_feed(own.path)
        }
        return {path: folders for path, folders in found.items() if folders}

    def value_sets(self, modules: Collection[str]) -> frozenset[str]:
        """The files of values that Terraform reads only when told and that some of the folders declare the variables of."""
        texts = {path: file.text for side in (self.then, self.now) for path, file in side.items()}
        found = set()
        for path, text in texts.items():
            if variable_files.is_value_set(path):
                own = ChangedFile(path=path, was="", now=text)
                folders = variable_files.folders_with_variables(own, texts)
                if any((folder or ".") in modules for folder in folders):
                    found.add(path)
        return frozenset(found)

    def _changed(self) -> Iterator[ChangedFile]:
        for path in sorted(self.changed & (self.now.keys() | self.then.keys())):
            was, now = (side[path].text if path in side else "" for side in (self.then, self.now))
            yield ChangedFile(path=path, was=was, now=now)


def _setting_variables(
    changed: Iterable[ChangedFile],
    with_mark: Callable[[str, Callable[[str], bool]], Mapping[str, File]],
) -> dict[str, File]:
    """The files that may give other values to the variables of Ansible that changed files use."""
    names = {name for own in changed for name in ansible_variables.names_used(own)}
    return dict(with_mark("\n".join(sorted(names)), ansible_variables.may_set)) if names else {}


def _is_named_template(path: str) -> bool:
    return posixpath.basename(path).startswith("_")
