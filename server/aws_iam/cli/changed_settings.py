"""The settings of both sides of a change: what the change itself excludes or mutes counts for nobody else.

ChangedSettings(now=File("aws-iam.toml", …), then=None).applied(now, then, renamed)   →   both sides without what is excluded
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from aws_iam.engine.sources.settings_file import excludes
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from aws_iam.engine.sources.files import File, Files
    from aws_iam.tools.policy.review.tree_files import TreeFiles

_T = TypeVar("_T", bound="Files")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedSettings:
    """The settings now and before, with names from the top of the work tree on, as all files have them."""

    now: File | None
    then: File | None

    def applied(
        self, now: TreeFiles, then: Files, renamed: Mapping[str, str]
    ) -> tuple[TreeFiles, Files]:
        """Both sides without the files that the settings of both exclude."""
        former = {new: was for was, new in renamed.items()}
        names = dict.fromkeys(file.name for side in (now, then) for file in side.files)
        by_now = [name for name in names if _excludes(self.now, name)]
        out = {
            name
            for name in by_now
            # What comes from a place that was judged still is.
            if all(_excludes(self.then, own) for own in (name, former.get(name, name)))
        }
        new, old = _without(now, out), _without(then, out)
        return (
            replace(
                new,
                settings=self.now,
                excluded=tuple(sorted(out & now.changed)),
                newly_excluded=tuple(sorted(set(by_now) - out)),
            ),
            replace(old, settings=self.then),
        )


def _without(side: _T, names: Container[str]) -> _T:
    return replace(side, files=tuple(file for file in side.files if file.name not in names))


def readable(settings: File | None) -> File | None:
    """The settings of a revision; none where they were broken, which nobody can mend any more."""
    try:
        _excludes(settings, "")
    except InputError:
        return None
    return settings


def _excludes(settings: File | None, name: str) -> bool:
    return settings is not None and excludes(settings, name)
