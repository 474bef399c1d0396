"""The folders that Terraform runs in: those whose modules no other folder calls.

root_folders(folders)        →   ("envs/dev", "envs/prod")
called_folders(files)        →   {"modules/app"}, by what stands in the texts
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.engine.sources.terraform.folders import folder_of, is_configuration
from aws_iam.engine.sources.terraform.modules import called_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.engine.sources.files import File
    from aws_iam.engine.sources.terraform.folders import Folder

_LOCAL = re.compile(r'\bsource"?[ \t]*[=:][ \t]*"(\.{1,2}(?:/[^"$\n]*)?)"')


def configured(folders: Mapping[str, Folder]) -> dict[str, Folder]:
    """The folders that declare something, and do not only give values."""
    return {path: own for path, own in folders.items() if any(map(is_configuration, own.files))}


def root_folders(own: Mapping[str, Folder], also: Iterable[str]) -> tuple[list[str], list[str]]:
    """The folders that no other calls, those among them that are read as such `also`, and the folders that are called."""
    inner = {
        target.path
        for folder in own.values()
        for block in folder.calls.values()
        if (target := called_folder(folder, block, own)) and target.path != folder.path
    }
    roots = (set(own) - inner) | {path for path in also if path in own}
    return sorted(roots), sorted(inner - roots)


def called_folders(files: Iterable[File]) -> frozenset[str]:
    """The folders that a module is called from anywhere in these files; a call in a comment counts, too."""
    return frozenset(
        posixpath.normpath(posixpath.join(folder_of(file.name), source))
        for file in files
        if file.name.endswith(TERRAFORM_ENDINGS) and "source" in file.text
        for source in _LOCAL.findall(file.text)
    )
