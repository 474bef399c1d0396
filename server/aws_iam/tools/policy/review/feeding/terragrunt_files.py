"""What Terragrunt hands to modules: inputs from other files, the values of a stack's units, files that it generates.

https://terragrunt.gruntwork.io/docs/reference/hcl/functions/
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.engine.sources.terraform.closures import closure_of
from aws_iam.engine.sources.terraform.module_arguments import access_in_text, is_access_name
from aws_iam.engine.sources.terraform.parsing.native import parsed
from aws_iam.engine.sources.terraform.scopes import Scope
from aws_iam.engine.sources.terraform.syntax import (
    Attribute,
    Body,
    Literal,
    Name,
    ObjectExpression,
    Text,
    parts_within,
)
from aws_iam.engine.sources.terraform.terragrunt import deployment_parts
from aws_iam.engine.sources.terraform.unknown_names import UnknownNames
from aws_iam.engine.sources.terraform.values import Budget, TooMuch
from aws_iam.errors import InputError
from aws_iam.tools.policy.review.feeding import variable_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.sources.terraform.syntax import Expression
    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

MARK = "="
"""What every file that reads one has in its text."""
WHY = "what Terragrunt hands to policies, by way of {}: it is not read for them"
_HCL, _TF = ".hcl", ".tf"
_LOCK = ".lock.hcl"
_STACK, _UNIT = ".stack.hcl", "terragrunt.hcl"
_INPUTS = "inputs"
# Where inputs stand in, such as `values.actions`, whichever of them changes.
_SECTIONS = frozenset({_INPUTS, "values"})
_MOST_STEPS = 200_000
_READS = re.compile(r"\b(?:read_terragrunt_config|find_in_parent_folders|file|templatefile|sops_decrypt_file|read_tfvars_file)\(|^[ \t]*path[ \t]*=", re.MULTILINE)  # fmt: skip
_GENERATES_ACCESS = re.compile(r"aws_iam_|polic|assume_role|principal", re.IGNORECASE)
_DEPLOYS = re.compile(r"\b(?:role_arn|profile|allowed_account_ids)\b")
_OF_POLICIES = re.compile(r"(?:^|[^a-z])(?:iam|irsa|roles?|polic(?:y|ies)|scps?)(?:[^a-z]|$)")
_BLOCK = re.compile(r"^(?=[a-z])", re.MULTILINE)
_OF_ACCESS = re.compile(
    r"^locals\b|polic|iam|role|principal|statement|permission", re.IGNORECASE | re.MULTILINE
)


def may_feed(path: str) -> bool:
    """Whether Terragrunt may read it: its own files, and data."""
    return path.endswith((_HCL, ".yaml", ".yml", ".json")) and not path.endswith(_LOCK)


def may_read(path: str) -> bool:
    """Whether it may be a file of Terragrunt, or of a module that it runs."""
    return path.endswith((_HCL, _TF)) and not path.endswith(_LOCK)


def readers(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """The files by way of which a policy is made of it."""
    names = changed_names(changed)
    # Its own inputs are tried with the values of before and of now, where the module is at hand.
    own_names = changed_names(changed, apart=_INPUTS)
    found: dict[str, None] = {}
    for path, text in texts.items():
        if not path.endswith(_HCL) or path.endswith(_LOCK):
            continue
        is_own = path == changed.path
        is_unit = changed.path.endswith(_STACK) and path.endswith(_UNIT)
        if not (is_own or is_unit or _takes(path, text, changed)):
            continue
        own = _Config.of(path, text)
        if own is None:
            continue
        if is_own and own.generates_access(_Config.of(path, changed.was)):
            found[path] = None
        inputs = own.fed_by(own_names if is_own else names)
        before = _Config.of(path, changed.was) if is_own else None
        if is_own and own.is_remote:
            inputs |= own.other_inputs(before)
        if before is not None:
            found |= dict.fromkeys(own.other_policies(before, texts))
        if own.is_deployed_with(own_names) or (before and own.is_deployed_otherwise(before)):
            found[path] = None
        files = own.files_with_policies_of(inputs, texts)
        found |= dict.fromkeys((path, *files) if files else ())
    yield from found


def changed_names(changed: ChangedFile, apart: str = "") -> frozenset[str]:
    """The names that are set to something else, those around them too; nothing of the argument `apart`."""
    if not changed.path.endswith(_HCL):
        return frozenset(name for key in changed.keys or () for name in key)
    was, now = (_set_in(text, apart) for text in (changed.was, changed.now))
    changes = {name for name in {**was, **now} if was.get(name) != now.get(name)}
    return frozenset(changes - _SECTIONS)


def _takes(path: str, text: str, changed: ChangedFile) -> bool:
    """Whether a file of Terragrunt names the changed one, in its own folder, above it, or by a longer path."""
    if not _READS.search(text):
        return False
    folder = posixpath.dirname(path)
    is_above = not changed.folder or f"{folder}/".startswith(f"{changed.folder}/")
    if is_above and changed.name == _UNIT and "find_in_parent_folders()" in text:
        return True
    for named in re.findall(rf'"([^"\n]{{0,300}}/)?{re.escape(changed.name)}"', text):
        plain = re.sub(r".*[}]/?", "", named).rstrip("/")
        if is_above or posixpath.normpath(posixpath.join(folder, plain)) == changed.folder:
            return True
        tail = plain.lstrip("./")
        if tail and f"/{changed.folder}".endswith(f"/{tail}"):
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Config:
    """A file of Terragrunt: its inputs, and where its module is."""

    path: str
    body: Body
    inputs: Mapping[str, Expression]
    source: str

    @classmethod
    def of(cls, path: str, text: str) -> _Config | None:
        body = _body(text)
        if body is None:
            return None
        written = body.attribute(_INPUTS)
        # What is merged, or taken as a whole, has names of its own.
        inputs = _members(written) if written is not None else {}
        if written is not None and not isinstance(written, ObjectExpression):
            inputs = {"": written}
        source = ""
        for block in body.blocks_named("terraform"):
            expression = block.body.attribute("source")
            source = "*".join(_texts(expression)) if expression is not None else ""
        return cls(path, body, inputs, source)

    @property
    def says_policies(self) -> bool:
        return bool(_OF_POLICIES.search(self.source.lower()))

    @property
    def is_local(self) -> bool:
        return self.source.startswith(".")

    @property
    def folder(self) -> str:
        """The folder of its module, as far as the source says it."""
        path = self.source.partition("?")[0].replace("//", "/")
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.path), path))

    @property
    def is_remote(self) -> bool:
        return "::" in self.source or "://" in self.source

    def fed_by(self, names: frozenset[str]) -> set[str]:
        """The inputs that are made of something with one of the names; all of them where the whole is handed on."""
        found = {
            name for name, own in self.inputs.items() if name and names & set(_identifiers(own))
        }
        return found | (set(names) if "" in self.inputs else set())

    def other_inputs(self, before: _Config | None) -> set[str]:
        was = before.inputs if before else {}
        return {
            name
            for name in {**was, **self.inputs}
            if _said(was.get(name)) != _said(self.inputs.get(name))
        }

    def other_policies(self, before: _Config, texts: Mapping[str, str]) -> list[str]:
        """The file with those of its module, where it takes another one than before and either has policies, or a name as if."""
        was, now = (own._policy_files(texts) for own in (before, self))  # noqa: SLF001 - of the same class
        is_remote = self.is_remote or before.is_remote
        if self.source == before.source or (was == now and not is_remote):
            return []
        is_named = any(
            own.is_remote and (own.says_policies or any(map(is_access_name, own.inputs)))
            for own in (before, self)
        )
        return [self.path, *sorted(was | now)] if is_named or was | now else []

    def is_deployed_with(self, names: frozenset[str]) -> bool:
        """Whether the role that deploys is made of something with one of the names."""
        return any(names & set(_identifiers(part)) for part in self._deployment())

    def is_deployed_otherwise(self, before: _Config) -> bool:
        """Whether it says another role, or other arguments for Terraform."""
        was, now = (list(map(_said, own._deployment())) for own in (before, self))  # noqa: SLF001 - of the same class
        return was != now

    def _deployment(self) -> Iterator[object]:
        yield from deployment_parts(self.body)
        for block in self.body.blocks_named("generate", 1):
            if any(map(_DEPLOYS.search, _texts(block.body))):
                yield block.body

    def _policy_files(self, texts: Mapping[str, str]) -> frozenset[str]:
        """The files with policies of its module and of those that this one calls."""
        if self.is_remote or not self.source:
            return frozenset()
        folders = {posixpath.dirname(path) for path in self._module(texts)}
        within = {own for folder in folders for own in variable_files.modules_of(folder, texts)}
        return frozenset(
            path
            for path, text in texts.items()
            if path.endswith(_TF)
            and posixpath.dirname(path) in within
            and _GENERATES_ACCESS.search(text)
        )

    def generates_access(self, before: _Config | None) -> bool:
        was, now = (own.generated() if own else {} for own in (before, self))
        return any(
            was.get(name, "").split() != now.get(name, "").split()
            and _GENERATES_ACCESS.search(was.get(name, "") + now.get(name, ""))
            for name in {**was, **now}
        )

    def generated(self) -> dict[str, str]:
        """The text of each file that it generates."""
        found: dict[str, str] = {}
        for block in self.body.blocks_named("generate", 1):
            contents = block.body.attribute("contents")
            found[block.labels[0]] = "".join(_texts(contents)) if contents is not None else ""
        return found

    def files_with_policies_of(self, inputs: set[str], texts: Mapping[str, str]) -> list[str]:
        """The files of the module with a policy that may depend on one of the inputs; the file itself for a module elsewhere."""
        if not inputs:
            return []
        module = list(self._module(texts))
        found: list[str] = []
        if self.source and (self.is_remote or not module):
            values = [text for name in inputs for text in _texts(self.inputs.get(name))]
            is_access = any(map(is_access_name, inputs)) or any(map(access_in_text, values))
            # What a module in another part of the tree does with it is not known.
            found += [self.path] if self.is_local or self.says_policies or is_access else []
        used = re.compile(rf"\bvar\.(?:{'|'.join(map(re.escape, sorted(inputs)))})\b")
        return found + [
            path
            for path in module
            if any(
                used.search(block) and _OF_ACCESS.search(block)
                for block in _BLOCK.split(texts[path])
            )
        ]

    def _module(self, texts: Mapping[str, str]) -> Iterator[str]:
        last = posixpath.basename(self.folder)
        is_open = "*" in self.source or not self.is_local
        for path in texts:
            folder = posixpath.dirname(path)
            is_meant = folder == self.folder or (is_open and posixpath.basename(folder) == last)
            if path.endswith(_TF) and (not self.source or is_meant):
                yield path


def _body(text: str) -> Body | None:
    try:
        return parsed(text)
    except InputError:
        return None


def _members(expression: Expression) -> dict[str, Expression]:
    if not isinstance(expression, ObjectExpression):
        return {}
    return {
        key.value.text if isinstance(key, Literal) else "": value
        for key, value in expression.members
    }


def _set_in(text: str, apart: str) -> dict[str, str]:
    """What each name of a file is set to, in its blocks and objects too."""
    found: dict[str, str] = {}
    todo: list[object] = [_body(text)]
    while todo:
        part = todo.pop()
        own: dict[str, Expression] = {}
        if isinstance(part, Body):
            own = {name: value for name, value in part.attributes.items() if name != apart}
            todo += (block.body for block in part.blocks)
        elif isinstance(part, ObjectExpression):
            own = _members(part)
        for name, value in own.items():
            found[name] = found.get(name, "") + _said(value)
            todo.append(value)
    return found


def _said(expression: object) -> str:
    if expression is None:
        return ""
    try:
        return closure_of(Budget(_MOST_STEPS), expression, Scope(module=UnknownNames())).digest
    except TooMuch:
        return ""


def _texts(expression: object) -> Iterator[str]:
    for part in parts_within(expression):
        if isinstance(part, Literal):
            yield part.value.text
        elif isinstance(part, Text):
            yield part.value


def _identifiers(expression: object) -> Iterator[str]:
    for part in parts_within(expression):
        if isinstance(part, (Name, Attribute)):
            yield part.name
    yield from _texts(expression)
