"""The folders that Terraform runs in, on both sides: each is a deployment of its own, whatever modules they share.

with_roots_alike(document, baseline)   →   both sides, a module read by itself on both where one side alone calls it
with_roots_now(new, old)               →   the old side under the folders' names of now, where a whole folder was renamed
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.root_names import below, root_of
from aws_iam.engine.language.document import Syntax, dump
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.engine.sources.files import Files
from aws_iam.engine.sources.terraform.folders import folder_of
from aws_iam.engine.sources.terraform.roots import called_folders

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable

    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide
    from aws_iam.engine.language.document import Source


def with_roots_alike(document: object, baseline: object) -> tuple[object, object]:
    """Both sides with the same modules read by themselves: those that one side calls, and the other one does not.

    A module that nobody calls grants nothing yet, so what a first call of it grants is gained; what it says by itself is
    compared with what it said by itself.
    """
    if not (isinstance(document, Files) and isinstance(baseline, Files)):
        return document, baseline
    if not (document.folder and baseline.folder):
        return document, baseline
    new, old = (
        {below(side.folder, path) for path in called_folders(side.files)}
        for side in (document, baseline)
    )
    if new == old:
        return document, baseline
    paths = (new ^ old) & _folders(document) & _folders(baseline)
    return _with_roots(document, paths), _with_roots(baseline, paths)


def _folders(side: Files) -> set[str]:
    paths = {folder_of(own.name) for own in side.files if own.name.endswith(TERRAFORM_ENDINGS)}
    return {below(side.folder, path) for path in paths}


def _with_roots(side: Files, paths: Iterable[str]) -> Files:
    folders = (posixpath.join(side.folder.replace("\\", "/"), path) for path in paths)
    return replace(side, roots=frozenset(map(posixpath.normpath, folders)))


def with_roots_now(new: NamedSide, old: NamedSide) -> NamedSide:
    """The old side with the names of now of the root folders that were renamed or moved as a whole.

    Of those that are gone and those that are new the ones belong together that have the most in common.
    """
    gone, added = old.roots - new.roots, new.roots - old.roots
    if not gone or not added:
        return old
    if "" in gone | added and not all(_is_terraform(own) for own in (*new.sources, *old.sources)):
        # At the top the names of Terraform have no folder that tells them from those of other files.
        return old
    was, now = _contents(old, gone), _contents(new, added)
    alike = ((len(now[a] & was[g]), g, a) for g in was for a in now)
    found: dict[str, str] = {}
    for number, former, name in sorted(alike, key=lambda own: (-own[0], *own[1:])):
        if number and former not in found and name not in found.values():
            found[former] = name
    return old.with_names(lambda name: _moved(name, old.roots, found)) if found else old


def _moved(name: str, roots: Collection[str], now: dict[str, str]) -> str:
    root, rest = root_of(name, roots)
    return f"{now[root]} {rest}".strip() if root in now and name else name


def _is_terraform(source: Source) -> bool:
    return (source.file or "").endswith(TERRAFORM_ENDINGS)


def _contents(side: NamedSide, roots: Collection[str]) -> dict[str, set[Hashable]]:
    """What the root folders hold, by the names there."""
    found: dict[str, set[Hashable]] = {root: set() for root in roots}
    for source in side.sources:
        root, rest = root_of(source.name, side.roots)
        if root in found:
            content = source.content
            text = content.message if isinstance(content, Syntax) else dump(content)
            found[root].add((rest, text))
    for own in side.attachments:
        root, rest = root_of(own.place, side.roots)
        if root in found:
            found[root].add((rest, own.policy))
    return found
