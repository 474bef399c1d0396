"""What a change does with each value of a variable or a parameter that chooses among entries, or between branches.

Choices(document, baseline, found).told(())   →   the changes that every value was tried for; `runs` has the comparisons

`local.actions[var.env]` is read with the default of `var.env`; a change of another entry is compared with that value of it.
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.compare import compare_documents
from aws_iam.engine.comparison.sides.root_names import below
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.engine.sources.files import Files
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.policy.review.feeding import variable_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
    from aws_iam.engine.language.alternatives import Alternative

MOST = 12
"""So many values are tried: each takes as long as the comparison of its files."""
# A value that no entry has.
_ANOTHER = "any-other"
# How a policy is called that holds in a further combination of conditions.
_CASE = re.compile(r" \([^()]*\)$")
_WORKSPACE = "terraform.workspace"
_VARIABLE, _FILE = "var.", "chosen.tfvars"


@dataclass(slots=True)
class Choices:
    """Tries the values one by one; `found` is the comparison with the defaults."""

    document: Files
    baseline: Files
    found: ComparedDocuments
    runs: list[tuple[str, str, ComparedDocuments]] = field(default_factory=list)
    """The comparison with each value, and how that is said; none of them has a file."""
    _known: dict[tuple[str, str, str], tuple[ComparedDocuments, ...]] = field(default_factory=dict)

    def told(self, before: Sequence[ComparedDocuments]) -> frozenset[UnjudgedChange]:
        """The changes of `found` that are judged with other values; `before` are comparisons with some that were made anyway."""
        return frozenset(own for own in self.found.unjudged if self._is_judged(own, before))

    def _is_judged(self, change: UnjudgedChange, before: Sequence[ComparedDocuments]) -> bool:
        if not change.others:
            return False
        left = [own for own in change.others if not _is_compared(own, change, before)]
        if not all(own.chooser for own in left):
            return False
        file = self.found.files.get(next(iter(sorted(change.places))), "")
        return all(
            _is_compared(own, change, self._with(below(self.document.folder, file), own, value))
            for own in left
            for value in own.keys or (_ANOTHER,)
        )

    def _with(self, file: str, own: Alternative, value: str) -> tuple[ComparedDocuments, ...]:
        """The comparisons with a value of what chooses; none where there are too many."""
        # A variable of Terraform is that of a folder.
        of_folder = file.endswith(TERRAFORM_ENDINGS)
        key = ("" if of_folder else file, own.chooser, value)
        if key not in self._known:
            self._known[key] = ()
            sides = [] if len(self._known) > MOST else list(self._sides(file, own.chooser, value))
            try:
                compared = tuple(
                    compare_documents(new, old, per_principal=True, partly=True)
                    for new, old in sides
                )
            except InputError:
                return ()
            self._known[key] = compared
            is_other = value == _ANOTHER
            says = (
                f"another {quoted(own.chooser)}"
                if is_other
                else f"{quoted(own.chooser)} = {quoted(value)}"
            )
            self.runs += (("", says, one) for one in compared)
        return self._known[key]

    def _sides(self, file: str, chooser: str, value: str) -> Iterator[tuple[Files, Files]]:
        if not file.endswith(TERRAFORM_ENDINGS):
            yield (
                alone(self.document, file, {chooser: value}),
                alone(self.baseline, file, {chooser: value}),
            )
            return
        if chooser == _WORKSPACE:
            new, old = (
                replace(side, choices={**side.choices, chooser: value})
                for side in (self.document, self.baseline)
            )
            yield new, old
            return
        name = chooser.removeprefix(_VARIABLE)
        text = f"{name} = {json.dumps(value)}\n"
        texts = variable_files.texts_of(self.baseline) | variable_files.texts_of(self.document)
        for folder in self._roots_with(name, texts) if chooser.startswith(_VARIABLE) else ():
            within = variable_files.modules_of(folder, texts)
            new, old = (
                variable_files.with_values(side, _FILE, text, folder, within)
                for side in (self.document, self.baseline)
            )
            yield new, old

    def _roots_with(self, name: str, texts: dict[str, str]) -> Iterator[str]:
        """The folders that Terraform runs in and that have the variable."""
        declares = re.compile(
            rf'^[ \t]*variable[ \t]+"?{re.escape(name)}"?[ \t]*\{{', re.MULTILINE
        )
        roots = {
            below(side.folder, root)
            for side, own in zip((self.document, self.baseline), self.found.inputs, strict=True)
            for root in own.roots
        }
        for root in sorted("" if own == "." else own for own in roots):
            if any(
                posixpath.dirname(path) == root and declares.search(text)
                for path, text in texts.items()
            ):
                yield root


def alone(side: Files, file: str, choices: Mapping[str, str]) -> Files:
    """One file of a side, read with a value of what chooses in it; what it takes from others is still read."""
    own = tuple(one for one in side.files if below(side.folder, one.name) == file)
    return replace(side, files=own, chosen=True, choices=choices)


def _is_compared(
    own: Alternative, change: UnjudgedChange, runs: Iterable[ComparedDocuments]
) -> bool:
    """Whether one of the comparisons reads the policy with the alternative: it no longer stands beside what was read."""
    for run in runs:
        held = list(_alternatives(run, change))
        others = {one.digest for listed in held for one in listed if not one.is_read}
        if held and own.digest not in others:
            return True
    return False


def _alternatives(
    run: ComparedDocuments, change: UnjudgedChange
) -> Iterator[frozenset[Alternative]]:
    """What the policies and attachments of a place may have instead."""
    sources = [own for side in run.sources for own in side]
    attached = [own for found in run.inputs for own in found.attachments]
    named = [
        *(own.alternatives for own in sources if _is_of(change, own.name)),
        *(own.alternatives for own in attached if _is_of(change, own.place)),
    ]
    if named:
        yield from named
    elif any(_is_of(change, own.name, ".") for found in run.inputs for own in found.resources):
        # A policy that says the same as another one now is told with that one.
        yield from (own.alternatives for own in sources)


def _is_of(change: UnjudgedChange, name: str, end: str = "") -> bool:
    """Whether a place has the name, with or without its file, the folder that Terraform runs in or its case; or begins with it."""
    return any(
        _is_named(own, name, end)
        for place in change.places
        for own in (place, _CASE.sub("", place))
    )


def _is_named(place: str, name: str, end: str) -> bool:
    if end:
        return f" {place}".rpartition(" ")[2].startswith(f"{name.rpartition(' ')[2]}{end}")
    return place == name or place.endswith(f" {name}") or name.endswith(f" {place}")
