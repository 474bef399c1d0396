"""Values of Terraform's variables that it reads only when told: `-var-file prod.tfvars`, the inputs of Terragrunt.

Whether they matter is found by reading the files with those of before and with those of now.
https://developer.hashicorp.com/terraform/language/values/variables#variable-definitions-tfvars-files
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.compare import compare_documents
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.terraform.folders import is_automatic
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

WHY = "values of variables, with which a policy in {} changes: judged without, as Terraform reads them only when told"
MAY = "values of variables of {}, which Terraform reads only when told: too many such files change to try each"
TOO_MANY = "values of variables that a policy may be made with: too many such files to try each"
MOST = 20
"""So many files are tried: each takes as long as the review itself."""
_ENDINGS = (".tfvars", ".tfvars.json")

_INPUTS = re.compile(r"^[ \t]*inputs[ \t]*=[ \t]*(?:merge\([^{]*)?\{", re.MULTILINE)
_ASSIGNED = re.compile(r'(?:^|[{,])[ \t]*"?([A-Za-z_][\w-]*)"?[ \t]*[=:]', re.MULTILINE)
_DECLARED = re.compile(r'^[ \t]*variable[ \t]+"?([\w-]+)"?[ \t]*\{', re.MULTILINE)
_CALLED = re.compile(r'^[ \t]*source[ \t]*=[ \t]*"(\.{1,2}/[^"$\n]*)"', re.MULTILINE)
# The last folder of where Terragrunt takes a module from, such as `git::https://…//modules/app?ref=v1`.
_SOURCE = re.compile(
    r'^[^#"\n]*\bsource[ \t]*=[ \t]*"[^"\n]{0,500}?([^"/?\n]{1,200})/?(?:\?[^"\n]*)?"',
    re.MULTILINE,
)
# A file whose name is put together, or taken from a list of files, may be any that changed.
COMPUTED_NAME = re.compile(
    r'\b(?:fileset\(|(?:template)?file\w*\((?![ \t\n]*"(?:\$\{path\.\w+\})?[^"$]*"))'
)
_LAST = "~given.auto.tfvars"


def may_feed(path: str) -> bool:
    """Whether the file gives variables values, and is not read by itself."""
    if path.endswith(_ENDINGS):
        return not is_automatic(path)
    return path.endswith(".hcl") and not path.endswith(".lock.hcl")


def is_value_set(path: str) -> bool:
    """Whether it is a file of values alone, so that all of them are known."""
    return path.endswith(_ENDINGS) and may_feed(path)


def is_given(name: str | None) -> bool:
    """Whether a file stands for one of values, in the folder that it is read in."""
    return posixpath.basename(name or "").removesuffix(".json") == _LAST


def texts_of(side: Files) -> dict[str, str]:
    """The texts of files by their paths from the folder on."""
    start = f"{side.folder.rstrip('/')}/"
    return {own.name.removeprefix(start): own.text or own.unreadable for own in side.files}


def modules_of(folder: str, texts: Mapping[str, str]) -> frozenset[str]:
    """A folder of Terraform with those of the modules that it calls."""
    found: set[str] = set()
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        found.add(here)
        called = (
            _below(posixpath.join(here, own))
            for path, text in texts.items()
            if posixpath.dirname(path) == here and path.endswith(TERRAFORM_ENDINGS)
            for own in _CALLED.findall(text)
        )
        waiting += [own for own in called if own not in found]
    return frozenset(found)


def _below(path: str) -> str:
    found = posixpath.normpath(path)
    return "" if found == "." else found


def is_concerned(
    path: str, changed: Collection[str], modules: Collection[str], texts: Mapping[str, str]
) -> bool:
    """Whether the values of a file change, or what is made with them, such as a document in another file."""
    own = [
        text
        for there, text in texts.items()
        if posixpath.dirname(there) in modules and there.endswith(TERRAFORM_ENDINGS)
    ]

    def is_read(other: str) -> bool:
        name = posixpath.basename(other)
        return any(name in text or COMPUTED_NAME.search(text) for text in own)

    return path in changed or any(
        (posixpath.dirname(other) in modules and not is_value_set(other))
        if other.endswith(TERRAFORM_ENDINGS)
        else is_read(other)
        for other in changed
    )


def with_values(side: Files, path: str, text: str, folder: str, modules: Collection[str]) -> Files:
    """The Terraform files of some folders, with values as the last ones that are read."""
    start = f"{side.folder.rstrip('/')}/"
    own = (
        file
        for file in side.files
        if file.name.endswith(TERRAFORM_ENDINGS)
        and posixpath.dirname(file.name.removeprefix(start)) in modules
    )
    given = _given(path, text, side.folder, folder)
    return replace(side, files=(*own, given), chosen=True)


def folders_with_variables(changed: ChangedFile, texts: Mapping[str, str]) -> set[str]:
    """The folders of Terraform that declare a variable which the file sets: the nearest above it, or those that no other calls."""
    names = {name for text in (changed.was, changed.now) for name in _ASSIGNED.findall(_values(changed.path, text))}  # fmt: skip
    declaring: set[str] = set()
    called: set[str] = set()
    for path, text in texts.items():
        if path.endswith(TERRAFORM_ENDINGS) and not path.endswith(_ENDINGS):
            folder = posixpath.dirname(path)
            if names.intersection(_DECLARED.findall(text)):
                declaring.add(folder)
            called |= {posixpath.normpath(posixpath.join(folder, own)) for own in _CALLED.findall(text)}  # fmt: skip
    if sources := {own for text in (changed.was, changed.now) for own in _SOURCE.findall(text)}:
        named = {own for own in declaring if posixpath.basename(own) in sources}
        return named or declaring - called
    above = {own for own in declaring if not own or f"{changed.folder}/".startswith(f"{own}/")}
    return {max(above, key=len)} if above else declaring - called


def readers(changed: ChangedFile, files: Files, texts: Mapping[str, str]) -> Iterator[str]:
    """The folders of Terraform whose policies change with the values."""
    own_files = tuple(file for file in files.files if file.name.endswith(TERRAFORM_ENDINGS))
    for folder in sorted(folders_with_variables(changed, texts)):
        now, was = (
            replace(
                files,
                files=(*own_files, _given(changed.path, text, files.folder, folder)),
                chosen=True,
            )
            for text in (changed.now, changed.was)
        )
        try:
            found = compare_documents(now, was, per_principal=True)
        except InputError:
            yield folder or "."
            continue
        if found.comparison.relation != "equal" or found.unjudged:
            yield folder or "."


def _given(path: str, text: str, *folders: str) -> File:
    """The values as a file that Terraform reads by itself, after all others."""
    ending = ".json" if path.endswith(".json") else ""
    return File(
        name=posixpath.normpath(posixpath.join(*folders, _LAST + ending)),
        text=_values(path, text),
    )


def _values(path: str, text: str) -> str:
    """The text of a file of variables; of Terragrunt's, what stands between the braces of its inputs."""
    if path.endswith(_ENDINGS):
        return text
    found = _INPUTS.search(text)
    if found is None:
        return ""
    depth = 1
    for at in range(found.end(), len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return text[found.end() : at]
    return text[found.end() :]
