"""What a unit of Terragrunt hands to its module: its inputs with those of the files that it includes, as far as they are known.

unit_of("live/prod/terragrunt.hcl", text_of)   →   Unit(module="modules/app", inputs={"actions": '["s3:*"]'}, unknown={…}, …)

https://terragrunt.gruntwork.io/docs/reference/hcl/functions/
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, Place, dump, string
from aws_iam.engine.parsing.made_nodes import mapped
from aws_iam.engine.sources.containers.alternatives import digest
from aws_iam.engine.sources.containers.placeholders import Placeholders
from aws_iam.engine.sources.terraform.closures import closure_of
from aws_iam.engine.sources.terraform.expressions import Evaluator
from aws_iam.engine.sources.terraform.functions.calls import called
from aws_iam.engine.sources.terraform.named_files import NamedFiles
from aws_iam.engine.sources.terraform.parsing.native import parsed
from aws_iam.engine.sources.terraform.scopes import Behind, Scope
from aws_iam.engine.sources.terraform.syntax import ObjectExpression
from aws_iam.engine.sources.terraform.values import Budget, Deferred, Invalid, TooMuch
from aws_iam.errors import InputError
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.engine.sources.terraform.syntax import Block, Body, Call, Expression

UNIT = "terragrunt.hcl"
_MOST_STEPS = 500_000
_MOST_FILES = 50
_LOCALS, _INPUTS = "locals", "inputs"
# https://terragrunt.gruntwork.io/docs/reference/hcl/attributes/#iam_role
_DEPLOYING = ("iam_role", "iam_web_identity_token")
# Begins a path from the top of the tree on, where other texts are paths from the file's folder on.
_TOP = "/…/"
_REMOTE = ("::", "://", "git@", "tfr:")


@slotted
class Unit:
    """The folder of the module, the inputs as JSON, and all files read.

    `unknown` has those inputs that are not known, and the files that it generates, each with a digest of what it says.
    `deployment` is a digest of who deploys it, and with what besides.
    """

    path: str
    module: str
    inputs: Mapping[str, str]
    unknown: Mapping[str, str]
    files: frozenset[str]
    deployment: str = ""


def deployment_parts(body: Body) -> Iterator[object]:
    """What a file says of the role that deploys, of the state, and of arguments and variables of the shell for Terraform."""
    yield from (own for name in _DEPLOYING if (own := body.attribute(name)) is not None)
    yield from (block.body for block in body.blocks_named("remote_state"))
    for block in body.blocks_named("terraform"):
        yield from (own.body for own in block.body.blocks_named("extra_arguments", 1))


def unit_of(path: str, text_of: Callable[[str], str | None]) -> Unit | None:
    """The unit; None where its module is not a folder of the tree, or a file that it includes is not at hand."""
    try:
        return _Reading(path, text_of).unit()
    except (InputError, Invalid, TooMuch, RecursionError):
        return None


_Inputs = dict[str, tuple[Node, str]]
# https://terragrunt.gruntwork.io/docs/reference/config-blocks-and-attributes/#include
_DEEP_LISTS = "deep"
_DEEP = frozenset({_DEEP_LISTS, "deep_map_only"})


@dataclass(slots=True)
class _Reading:
    """One unit with the files that it includes and reads; all functions are those of the unit."""

    path: str
    text_of: Callable[[str], str | None]
    files: dict[str, _File] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    evaluator: Evaluator = field(init=False)

    def __post_init__(self) -> None:
        """Make what evaluates."""
        self.evaluator = Evaluator(
            placeholders=Placeholders.unused_in_texts(()),
            budget=Budget(_MOST_STEPS),
            files=NamedFiles(text_of=lambda _: None),
            functions=self._called,
        )

    def unit(self) -> Unit | None:
        """The unit with what its includes add."""
        own = self.file(self.path)
        found: _Inputs = {}
        source = own.source()
        strategies: set[str] = set()
        for block in own.includes():
            path = self._path(block.body.attribute("path"), own)
            parent = self.file(path) if path else None
            if parent is None:
                return None
            source = source or parent.source()
            how = block.body.attribute("merge_strategy")
            strategy = own.value(how).text if how else "shallow"
            if strategy not in {*_DEEP, "shallow", "no_merge"}:
                return None
            strategies |= {strategy} - {"no_merge"}
            found = self._merged(
                found, {} if strategy == "no_merge" else parent.inputs(), strategy
            )
        if len(strategies) > 1:
            # Which of several goes first is not known.
            return None
        found = self._merged(found, own.inputs(), next(iter(strategies), "shallow"))
        if not source:
            return None
        known = {
            name: dump(value)
            for name, (value, _) in found.items()
            if not self.evaluator.partly_unknown(value)
        }
        unknown = {
            name: digest(written, dump(value))
            for name, (value, written) in found.items()
            if name not in known
        }
        for file in self.files.values():
            unknown |= file.generated()
        return Unit(
            path=self.path,
            module=source,
            inputs=known,
            unknown=unknown,
            files=frozenset({*self.files, *self.texts}),
            deployment=digest(*(own.deployment() for own in self.files.values())),
        )

    def _merged(self, under: _Inputs, over: _Inputs, strategy: str) -> _Inputs:
        """The inputs of two files."""
        if strategy not in _DEEP:
            return under | over
        both = {
            name: (
                self._joined(under[name][0], over[name][0], strategy),
                digest(under[name][1], over[name][1]),
            )
            for name in under.keys() & over.keys()
        }
        return under | over | both

    def _joined(self, under: Node, over: Node, strategy: str) -> Node:
        """Two values of one input: maps are merged entry by entry, lists put together."""
        self.evaluator.budget.spend()
        if self.evaluator.is_hole(under) or self.evaluator.is_hole(over):
            return self.evaluator.hole("merged", over.at)
        if under.form is over.form is Form.ARRAY and strategy == _DEEP_LISTS:
            return over.but(items=(*under.items, *over.items))
        if not under.form is over.form is Form.OBJECT:
            return over
        values = {own.key: own for own in under.members}
        for member in over.members:
            before = values.get(member.key)
            value = self._joined(before.value, member.value, strategy) if before else member.value
            values[member.key] = Member.named(member.name, value)
        return over.but(members=tuple(values.values()))

    def file(self, path: str) -> _File:
        """A file of Terragrunt's, read once."""
        if path not in self.files:
            text = self.text_of(path)
            if text is None or len(self.files) >= _MOST_FILES:
                raise Invalid
            self.files[path] = _File(self, path, parsed(text))
        return self.files[path]

    def _path(self, expression: Expression | None, file: _File) -> str:
        """The path from the top of the tree on that an expression gives; empty where it is not known."""
        if expression is None:
            return ""
        return self.below(self.evaluator.value_or_hole(expression, file.scope).text, file.folder)

    def below(self, text: str, folder: str) -> str:
        """The path from the top of the tree on; empty where it is not known, or not in the tree."""
        if self.evaluator.placeholders.within(text) or not text:
            return ""
        start, _, rest = text.rpartition(_TOP)
        # What is put together of two such paths begins with the last one.
        found = posixpath.normpath(rest if start or _TOP in text else posixpath.join(folder, text))
        return "" if found.startswith(("..", "/")) else found

    def _called(self, evaluator: Evaluator, call: Call, scope: Scope) -> Node:
        """What a function returns: one of Terragrunt's, else one of Terraform's."""
        function = _FUNCTIONS.get(call.function)
        if function is None:
            return called(evaluator, call, scope)
        arguments = [evaluator.value_or_hole(own, scope) for own in call.arguments]
        found = function(self, arguments, call.at, scope)
        return evaluator.hole(f"{call.function}()", call.at) if found is None else found

    def find_in_parent_folders(
        self, arguments: Sequence[Node], at: Place, scope: Scope
    ) -> Node | None:
        """The first file of a name in a folder above the unit's."""
        del scope
        name = arguments[0].text if arguments else UNIT
        folder = posixpath.dirname(self.path)
        while folder and not self.evaluator.placeholders.within(name):
            folder = posixpath.dirname(folder)
            path = posixpath.join(folder, name)
            if self.text_of(path) is not None:
                return string(_TOP + path, at)
        return arguments[1] if arguments[1:] else None

    def read_terragrunt_config(
        self, arguments: Sequence[Node], at: Place, scope: Scope
    ) -> Node | None:
        """The locals and the inputs of a file."""
        path = self.below(arguments[0].text, scope.module.folder) if arguments else ""
        if not path or self.text_of(path) is None:
            return arguments[1] if arguments[1:] else None
        file = self.file(path)
        parts = {_LOCALS: file.part(_LOCALS, at), _INPUTS: file.part(_INPUTS, at)}
        return Deferred(
            self.evaluator.hole(path, at).text,
            at,
            lambda own: parts.get(own) or self.evaluator.hole(own, at),
        )

    def text_of_file(self, arguments: Sequence[Node], at: Place, scope: Scope) -> Node | None:
        """`file`: the text of a file of the tree."""
        path = self.below(arguments[0].text, scope.module.folder) if arguments else ""
        text = self.text_of(path) if path else None
        if text is None:
            return None
        self.texts.add(path)
        return string(text, at)

    def unit_folder(self, _: Sequence[Node], at: Place, __: Scope) -> Node:
        """The folder of the unit."""
        return string(_TOP + posixpath.dirname(self.path), at)

    def top_folder(self, _: Sequence[Node], at: Place, __: Scope) -> Node:
        """The top of the repository."""
        return string(_TOP.rstrip("/"), at)

    def environment(self, arguments: Sequence[Node], _: Place, __: Scope) -> Node | None:
        """A variable of the shell, read as if it were not set."""
        return arguments[1] if arguments[1:] else None


_FUNCTIONS: Mapping[str, Callable[[_Reading, Sequence[Node], Place, Scope], Node | None]] = {
    "find_in_parent_folders": _Reading.find_in_parent_folders,
    "read_terragrunt_config": _Reading.read_terragrunt_config,
    "file": _Reading.text_of_file,
    "get_terragrunt_dir": _Reading.unit_folder,
    "get_original_terragrunt_dir": _Reading.unit_folder,
    "get_repo_root": _Reading.top_folder,
    "get_env": _Reading.environment,
}


@dataclass(slots=True, eq=False)
class _File:
    """A file of Terragrunt's as the module that the names of its expressions refer to."""

    reading: _Reading
    path: str
    body: Body
    _known: dict[str, Node | None] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The folder of the file."""
        return posixpath.dirname(self.path)

    @property
    def root_folder(self) -> str:
        """The folder of the unit."""
        return posixpath.dirname(self.reading.path)

    @property
    def scope(self) -> Scope:
        """The scope of its expressions."""
        return Scope(module=self)

    def value(self, expression: Expression) -> Node:
        """The value of an expression of the file."""
        return self.reading.evaluator.value_or_hole(expression, self.scope)

    def inputs(self) -> dict[str, tuple[Node, str]]:
        """The inputs, each with a digest of what it says."""
        expression = self.body.attribute(_INPUTS)
        if expression is None:
            return {}
        value = self.value(expression)
        if value.form is not Form.OBJECT:
            raise Invalid
        written = self._said(expression)
        parts = expression.members if isinstance(expression, ObjectExpression) else ()
        own = {self.value(key).text: self._said(part) for key, part in parts}
        return {m.key: (m.value, own.get(m.key, written)) for m in value.members}

    def generated(self) -> dict[str, str]:
        """The files that it generates, which may say anything."""
        blocks = self.body.blocks_named("generate", 1)
        return {f"generate {own.labels[0]}": self._said(own.body) for own in blocks}

    def deployment(self) -> str:
        """A digest of who deploys it."""
        return digest(*(self._said(part) for part in deployment_parts(self.body)))

    def _said(self, part: object) -> str:
        return closure_of(self.reading.evaluator.budget, part, self.scope).digest

    @staticmethod
    def provider(name: str) -> str:
        """The name of a provider, which no other file gives another one."""
        return name

    def source(self) -> str:
        """The folder of the module, from the top of the tree on; empty where it lies elsewhere."""
        for block in self.body.blocks_named("terraform"):
            expression = block.body.attribute("source")
            text = self.value(expression).text if expression else ""
            if text and not any(mark in text for mark in _REMOTE):
                own = text.partition("?")[0]
                start = _TOP if own.startswith(_TOP) else ""
                own = start + own.removeprefix(_TOP).replace("//", "/")
                return self.reading.below(own, self.root_folder)
        return ""

    def part(self, name: str, at: Place) -> Node:
        """Its locals or its inputs."""
        if name == _INPUTS:
            return mapped([(key, own) for key, (own, _) in self.inputs().items()], at)
        return Deferred(self.reading.evaluator.hole(name, at).text, at, self._local)

    def includes(self) -> Iterator[Block]:
        """What it includes; the older form has no label."""
        yield from self.body.blocks_named("include")
        yield from self.body.blocks_named("include", 1)

    def _written(self, name: str) -> Expression | None:
        found = (block.body.attribute(name) for block in self.body.blocks_named(_LOCALS))
        return next((own for own in found if own is not None), None)

    def _local(self, name: str) -> Node:
        if name not in self._known:
            expression = self._written(name)
            # One that refers to itself is not known.
            self._known[name] = None
            self._known[name] = self.value(expression) if expression else None
        own = self._known[name]
        return self.reading.evaluator.hole(f"local.{name}", self.body.at) if own is None else own

    def root(self, name: str, at: Place) -> Node:
        """What the first part of a reference stands for: the locals, what a file includes; all else is known later."""
        hole = self.reading.evaluator.hole(name, at)
        if name == "local":
            return Deferred(hole.text, at, self._local)
        if name == "include":
            return Deferred(hole.text, at, lambda label: self._included(label, at))
        return hole

    def _included(self, label: str, at: Place) -> Node:
        blocks = self.body.blocks_named("include", 1)
        block = next((own for own in blocks if own.labels[0] == label), None)
        path = self.reading._path(block.body.attribute("path"), self) if block else ""  # noqa: SLF001 - of the same file
        if not path:
            return self.reading.evaluator.hole(f"include.{label}", at)
        file = self.reading.file(path)
        return Deferred(
            self.reading.evaluator.hole(path, at).text,
            at,
            lambda own: (
                file.part(own, at)
                if own in {_LOCALS, _INPUTS}
                else self.reading.evaluator.hole(own, at)
            ),
        )

    def resource_named(self, type_: str, label: str) -> None:
        """The address of a resource: none."""

    def behind(self, path: Sequence[str]) -> Behind | None:
        """What the file says that a reference stands for."""
        written = self._written(path[1]) if path[:1] == ["local"] and path[1:] else None
        return None if written is None else Behind(part=written, scope=self.scope, length=2)
