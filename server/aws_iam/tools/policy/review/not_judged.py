"""What a change may do where nothing was judged: a place counts as unchanged only where its text is the same on both sides.

not_judged_of_change(document, baseline, found)   →   NotJudged(rows=({"place": "p.py", "why": "a policy in code, …"}, …), …)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Syntax
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.engine.sources.files import Files
from aws_iam.engine.sources.gathered import Unread
from aws_iam.engine.sources.policy_signs import pointed_to
from aws_iam.tools.kit import policy_inputs
from aws_iam.tools.policy.review.feeding import variable_files
from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile
from aws_iam.tools.policy.review.feeding.feeds import (
    Readers,
    fed_by,
    fills_itself,
    may_be_set_by,
    set_by,
    set_elsewhere,
)
from aws_iam.tools.policy.review.feeding.named_files import named_by

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.sources.gathered import Gathered
    from aws_iam.tools.policy.review.value_sets import JudgedValueSets

    _Place = tuple[str, str]

_MODULE = "module."


@dataclass(frozen=True, kw_only=True)
class NotJudged:
    """The rows of an answer, the places, and which files of the change could not be read, whole or in part."""

    rows: tuple[Mapping[str, str], ...] = ()
    places: tuple[Unread, ...] = ()
    files: frozenset[str] = frozenset()
    in_part: frozenset[str | None] = frozenset()


def not_judged_of_change(
    document: object, baseline: object, found: ComparedDocuments, values: JudgedValueSets
) -> NotJudged:
    """What was not judged of the change; what the baseline left open in the same text is no part of it."""
    new, old = (
        _Side(document=given, found=gathered)
        for given, gathered in zip((document, baseline), found.inputs, strict=True)
    )
    changed = _Changed(new=new, old=old)
    before = {(old.place(own), own.why) for own in old.found.unread}
    unread = [
        own
        for own in new.found.unread
        if (new.place(own), own.why) not in before or changed.concerns(own)
    ]
    after = {new.place(own) for own in new.found.unread}
    gone = [
        replace(own, why=f"{own.why} (before the change)")
        for own in old.found.unread
        if old.place(own) not in after
        and (old.place(own) not in new.judged or old.path(own.file) in old.unseen)
    ]
    whole = frozenset(own.file for own in (*unread, *gone) if own.file and own.place == own.file)
    broken = [own for side in (new, old) for own in changed.broken(side)]
    told = [place for own in (*unread, *gone) for place in (own.place, own.file)]
    fed = changed.feeding(values.judged | {side.path(own) for side in (new, old) for own in told})
    further = (
        Unread(place=path, why=variable_files.TOO_MANY, file=path) for path in values.too_many
    )
    # What of these changes is compared policy by policy.
    later = (
        source
        for source in new.found.sources
        if source.unresolved and new.named(source.file, source.name) not in old.unresolved
    )
    places = (*unread, *gone, *_unique(fed, further))
    rows = policy_inputs.not_judged_rows(replace(new.found, unread=places, sources=tuple(later)))
    return NotJudged(
        rows=(
            *rows,
            *(own.row() for own in found.unjudged if not own.is_told),
            *(row for own in values.sets for row in own.rows),
        ),
        places=places,
        files=whole | {file for file, name in broken if not name},
        in_part=policy_inputs.read_in_part(places) | {file for file, name in broken if name},
    )


def _unique(*places: Iterable[Unread]) -> Iterator[Unread]:
    """The places, each with the first reason."""
    yield from {own.place: own for listed in reversed(places) for own in listed}.values()


@dataclass(frozen=True, kw_only=True)
class _Side:
    """One side, with its files by their paths from the folder on, as both sides name them."""

    document: object
    found: Gathered

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """The texts of its files; what is no file has one without a name."""
        if not isinstance(self.document, Files):
            return {"": repr(self.document)}
        return {self.path(own.name): own.text or own.unreadable for own in self.document.files}

    @cached_property
    def unseen(self) -> frozenset[str]:
        """The files whose text is not at hand: what the other side has of them may have been there all along."""
        if not isinstance(self.document, Files):
            return frozenset()
        files = self.document.files
        return frozenset(
            self.path(own.name) for own in files if own.unreadable or pointed_to(own.text)
        )

    def has_unread(self, path: str) -> bool:
        """Whether there is such a file, and neither it nor a policy that is made of it was judged."""
        return path not in self._read and (path in self.texts or path in self._names)

    @cached_property
    def _names(self) -> frozenset[str]:
        document = self.document
        names = document.names if isinstance(document, Files) else None
        return frozenset(names.names if names else ())

    @cached_property
    def _read(self) -> frozenset[str]:
        own = (*self.found.read_files, *(source.file for source in self.found.sources))
        return frozenset(map(self.path, own))

    @cached_property
    def judged(self) -> frozenset[_Place]:
        """The places of the policies that were read; a policy alone in its file is the file."""
        read = self.found.sources
        return frozenset(self.named(own.file, own.name or own.file or "") for own in read)

    @cached_property
    def unresolved(self) -> frozenset[_Place]:
        """The policies with values that are known only at deployment."""
        return frozenset(
            self.named(own.file, own.name) for own in self.found.sources if own.unresolved
        )

    def place(self, unread: Unread) -> _Place:
        return self.named(unread.file, unread.place)

    def named(self, file: str | None, name: str) -> _Place:
        return self.path(file), self.path(name)

    def path(self, name: str | None) -> str:
        document = self.document
        if not name or not isinstance(document, Files):
            return name or ""
        if not document.folder and len(document.files) == 1:
            # Two files that are compared with each other may have any names.
            return "" if name == document.files[0].name else name
        return name.removeprefix(f"{document.folder.rstrip('/')}/")


@dataclass(frozen=True, kw_only=True)
class _Changed:
    """The texts that are not the same on both sides."""

    new: _Side
    old: _Side

    def concerns(self, unread: Unread) -> bool:
        """Whether one of them decides about the place."""
        # A setting is compared as one.
        if (unread.file, unread.place) in self._settings:
            return False
        file = self.new.path(unread.file)
        if file not in self.new.texts:
            # Such as a part of a folder that nobody looked at.
            return True
        if not file.endswith(TERRAFORM_ENDINGS):
            return file in self._paths
        if unread.place.startswith(_MODULE):
            # The arguments of its call stand in another folder.
            return bool(self._modules)
        return file.rpartition("/")[0] in self._modules

    def broken(self, side: _Side) -> Iterator[_Place]:
        """The policies of the changed files that are no JSON; one without a name is the file."""
        for own in side.found.sources:
            if isinstance(own.content, Syntax) and own.file and side.path(own.file) in self._paths:
                yield own.file, own.name

    def feeding(self, told: Collection[str]) -> Iterator[Unread]:
        """The files that decide about policies of others, which are judged without them."""
        new, old = self.new, self.old
        if not isinstance(new.document, Files) or not isinstance(old.document, Files):
            return
        patterns = {
            side.path(pattern) for side in (new, old) for pattern in side.found.unread_files
        }
        others = Readers(new.texts)
        paths = sorted(self._paths | new.document.changed)
        tried = frozenset(
            [path for path in paths if variable_files.may_feed(path)][: variable_files.MOST]
        )
        for path in paths:
            if path in told:
                continue
            changed = ChangedFile(
                path=path, was=old.texts.get(path, ""), now=new.texts.get(path, "")
            )
            if not any(side.has_unread(path) for side in (new, old)):
                own = fills_itself(changed, new.texts)
                yield from (Unread(place=path, why=why, file=path) for why in own)
                continue
            whys = [
                *named_by(path, patterns, new.texts),
                *fed_by(changed, others),
                *set_elsewhere(changed, new.texts),
            ]
            if path in tried:
                whys += set_by(changed, new.document, new.texts)
            elif variable_files.may_feed(path):
                whys += may_be_set_by(changed, new.texts)
            yield from (Unread(place=path, why=why, file=path) for why in whys[:1])

    @cached_property
    def _settings(self) -> frozenset[tuple[str | None, str]]:
        return frozenset((own.file, own.place) for own in self.new.found.settings)

    @cached_property
    def _paths(self) -> frozenset[str]:
        new, old = self.new.texts, self.old.texts
        return frozenset(path for path in {**new, **old} if new.get(path) != old.get(path))

    @cached_property
    def _modules(self) -> frozenset[str]:
        """The folders of Terraform in which a file is another one, or names one that is."""
        others = {path.rpartition("/")[2] for path in self._paths}
        return frozenset(
            path.rpartition("/")[0]
            for path, text in (*self.new.texts.items(), *((p, "") for p in self._paths))
            if path.endswith(TERRAFORM_ENDINGS)
            and (path in self._paths or any(name in text for name in others))
        )
