"""Which folders of Terraform a change concerns: those with a changed file, or that name one, and what they call or are called by."""

from __future__ import annotations

import os
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.tools.policy.review.feeding.variable_files import COMPUTED_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from aws_iam.engine.sources.files import File

_LOCAL_MODULE = re.compile(r'^[ \t]*source[ \t]*=[ \t]*"(\.{1,2}/[^"$\n]*)"', re.MULTILINE)


def reached_modules(
    files: Mapping[str, File],
    changed: Collection[str],
    given: Iterable[str],
    is_shown: Callable[[str], bool],
) -> set[str]:
    """The folders of the files that a change concerns, those `given` too; one that is not shown only where one that is calls it."""
    links: dict[str, set[str]] = {}
    touched: set[str] = set(given)
    names = {PurePosixPath(path).name for path in changed if not path.endswith(TERRAFORM_ENDINGS)}
    for path, file in files.items():
        folder = folder_of(path)
        if not path.endswith(TERRAFORM_ENDINGS):
            continue
        links.setdefault(folder, set())
        if path in changed or (names and _may_name(file.text, names)):
            touched.add(folder)
        for source in _LOCAL_MODULE.findall(file.text):
            called = os.path.normpath(f"{folder}/{source}")
            links[folder].add(called)
            links.setdefault(called, set()).add(folder)
    # A file deleted from a module changes it, too.
    touched |= {folder_of(path) for path in changed if path.endswith(TERRAFORM_ENDINGS)}
    found = _closure(touched, links)
    shown = _closure((own for own in found if is_shown(own)), links)
    return found & shown


def folder_of(path: str) -> str:
    """The folder of a path; `.` at the top."""
    return str(PurePosixPath(path).parent)


def _may_name(text: str, names: Iterable[str]) -> bool:
    return any(name in text for name in names) or COMPUTED_NAME.search(text) is not None


def _closure(start: Iterable[str], links: Mapping[str, Collection[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        folder = waiting.pop()
        if folder not in found:
            found.add(folder)
            waiting += links.get(folder, ())
    return found
