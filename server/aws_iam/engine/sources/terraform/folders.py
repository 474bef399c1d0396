"""The files of a folder as one configuration: what it declares, with the values of its `.tfvars`.

https://developer.hashicorp.com/terraform/language/files
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.sources.terraform.parsing.json_syntax import parsed_json
from aws_iam.engine.sources.terraform.parsing.native import parsed
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.engine.sources.files import File
    from aws_iam.engine.sources.terraform.syntax import Block, Body, Expression

MAX_CHARACTERS = 10_000_000
"""The most characters of all files: they take a minute."""
_VARIABLES = (".tfvars", ".tfvars.json")


def is_configuration(name: str) -> bool:
    """Whether a file of this name is part of a module, and not only gives values."""
    return not name.lower().endswith(_VARIABLES)


@dataclass(slots=True)
class Folder:
    """What the files of a folder declare. `files` has the file of each block, `refused` why a file could not be read."""

    path: str
    variables: dict[str, Block] = field(default_factory=dict)
    given: dict[str, Expression] = field(default_factory=dict)
    locals: dict[str, Expression] = field(default_factory=dict)
    outputs: dict[str, Block] = field(default_factory=dict)
    calls: dict[str, Block] = field(default_factory=dict)
    resources: dict[tuple[str, str], Block] = field(default_factory=dict)
    data: dict[tuple[str, str], Block] = field(default_factory=dict)
    moved: list[Block] = field(default_factory=list)
    deploying: list[Block] = field(default_factory=list)
    """Who deploys: the providers and the place of the state, each with the role that is assumed for it."""
    files: list[str] = field(default_factory=list)
    refused: dict[str, InputError] = field(default_factory=dict)

    def declare(self, body: Body, *, overrides: bool) -> None:
        """Add what a file declares, to itself or, in an override file, to what others declare."""
        for block in body.blocks_named("locals"):
            for name in block.body.attribute_names:
                expression = block.body.attribute(name)
                if expression is not None:
                    self.locals[name] = expression
        self.moved += body.blocks_named("moved")
        self.deploying += body.blocks_named("provider", 1)
        for block in body.blocks_named("terraform"):
            self.deploying += block.body.blocks_named("backend", 1)
        for type_, table in (
            ("variable", self.variables),
            ("output", self.outputs),
            ("module", self.calls),
        ):
            for block in body.blocks_named(type_, 1):
                table[block.labels[0]] = _overridden(table.get(block.labels[0]), block)
        for type_, resources in (("resource", self.resources), ("data", self.data)):
            for block in body.blocks_named(type_, 2):
                key = (block.labels[0], block.labels[1])
                if overrides:
                    resources[key] = _overridden(resources.get(key), block)
                else:
                    _add(resources, key, block)


def _add(table: dict[tuple[str, str], Block], key: tuple[str, str], block: Block) -> None:
    """Add a block; Terraform refuses a second one of the same name, whose policies are read nevertheless."""
    type_, name = key
    number = 1
    while key in table:
        number += 1
        key = (type_, f"{name} ({number})")
    table[key] = block if number == 1 else replace(block, labels=key)


def _overridden(first: Block | None, second: Block) -> Block:
    """A block with the arguments and blocks that an override file gives it."""
    if first is None:
        return second
    replaced = {block.type for block in second.body.blocks}
    blocks = [block for block in first.body.blocks if block.type not in replaced]
    body = replace(
        first.body,
        attributes={**first.body.attributes, **second.body.attributes},
        blocks=(*blocks, *second.body.blocks),
        members={**first.body.members, **second.body.members},
        expression=first.body.expression or second.body.expression,
    )
    return replace(first, body=body)


def folders_of(files: Iterable[File]) -> Mapping[str, Folder]:
    """The folders of these files by their path."""
    grouped: dict[str, list[File]] = {}
    for file in files:
        grouped.setdefault(folder_of(file.name), []).append(file)
    return {path: _folder(path, listed) for path, listed in grouped.items()}


def within_limit(files: Sequence[File]) -> tuple[list[File], dict[str, InputError]]:
    """The files that are parsed, and those beyond what is parsed at most."""
    total = 0
    kept: list[File] = []
    refused: dict[str, InputError] = {}
    for file in files:
        total += len(file.text)
        if total > MAX_CHARACTERS:
            refused[file.name] = InputError(
                f"the Terraform files have more than {MAX_CHARACTERS:,} characters together",
                hint="choose a smaller folder",
            )
        else:
            kept.append(file)
    return kept, refused


def folder_of(name: str) -> str:
    """The folder of a file, `.` for the current one."""
    return posixpath.normpath(posixpath.dirname(name.replace("\\", "/")) or ".")


def _folder(path: str, files: list[File]) -> Folder:
    folder = Folder(path=path)
    names = {file.name for file in files}
    configuration = [file for file in files if is_configuration(file.name)]
    # A `.tofu` file takes the place of the `.tf` file of the same name.
    tofu = {name.replace(".tofu", ".tf") for name in names if ".tofu" in name}
    configuration = [file for file in configuration if file.name not in tofu]
    for file in sorted(configuration, key=lambda own: (_overrides(own.name), own.name)):
        folder.files.append(file.name)
        body = _body(file, folder)
        if body is not None:
            folder.declare(body, overrides=_overrides(file.name))
    for file in sorted((own for own in files if is_automatic(own.name)), key=_order):
        body = _body(file, folder)
        for name in body.attribute_names if body else ():
            expression = body.attribute(name) if body else None
            if expression is not None:
                folder.given[name] = expression
    return folder


def _body(file: File, folder: Folder) -> Body | None:
    text = file.text.removeprefix("\ufeff")
    if file.unreadable:
        folder.refused[file.name] = InputError(file.unreadable)
        return None
    try:
        return (parsed_json if file.name.lower().endswith(".json") else parsed)(
            text, file.name or None
        )
    except InputError as refused:
        folder.refused[file.name] = refused
        return None


def _overrides(name: str) -> bool:
    stem = posixpath.basename(name.replace("\\", "/")).partition(".")[0]
    return stem == "override" or stem.endswith("_override")


def is_automatic(name: str) -> bool:
    """Whether Terraform reads the values of a `.tfvars` file without being told; its name is exact."""
    base = posixpath.basename(name.replace("\\", "/"))
    return base in {"terraform.tfvars", "terraform.tfvars.json"} or base.endswith(
        (".auto.tfvars", ".auto.tfvars.json")
    )


def _order(file: File) -> tuple[int, str]:
    """Where Terraform reads it: a later value counts.

    https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence
    """
    base = posixpath.basename(file.name.replace("\\", "/"))
    first = {"terraform.tfvars": 0, "terraform.tfvars.json": 1}
    return first.get(base, 2), base
