"""Modules as Terraform runs them: a folder with the arguments of its caller, and what its names refer to."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node, Place, string
from aws_iam.engine.parsing.made_nodes import listed, mapped
from aws_iam.engine.sources.terraform import resource_attributes, variable_types
from aws_iam.engine.sources.terraform.documents import DOCUMENT, document
from aws_iam.engine.sources.terraform.provider_names import given_providers, provider_of
from aws_iam.engine.sources.terraform.scopes import Behind, Scope
from aws_iam.engine.sources.terraform.syntax import Literal
from aws_iam.engine.sources.terraform.values import Deferred, Invalid, SwitchedOff, number
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.sources.terraform.expressions import Evaluator
    from aws_iam.engine.sources.terraform.folders import Folder
    from aws_iam.engine.sources.terraform.syntax import Block, Expression

MOST_INSTANCES = 50
"""So many instances of one block are read."""
_LOCAL_SOURCE = ("./", "../")
_BOOLEANS = frozenset({"true", "false"})
_MOST_NESTED = 10


@slotted
class Instance:
    """One instance of a block: what follows its address, and the scope of its expressions.

    `off`: there is none with the values that are known, the block is read nevertheless. Without `is_certain` it is not
    known whether there is one.
    """

    suffix: str
    scope: Scope
    off: bool = False
    is_certain: bool = True

    @property
    def in_force(self) -> bool | None:
        """Whether there is one; None where that is not known."""
        return not self.off if self.is_certain else None


@dataclass(slots=True, eq=False)
class Module:
    """A folder with arguments; `address` is what precedes the addresses of its resources."""

    source: Folder
    folders: Mapping[str, Folder]
    evaluator: Evaluator
    address: str = ""
    arguments: Mapping[str, tuple[Expression, Scope]] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    off: bool = False
    in_force: bool | None = True
    root_folder: str = ""
    providers: Mapping[str, str] = field(default_factory=dict)
    # Values by what they are of, whether an unknown condition decided about them, what was compared in it, and which
    # variables without a value were asked for.
    _known: dict[tuple[object, ...], tuple[Node, bool, set[str], set[str | Alternative]]] = field(
        default_factory=dict
    )
    _open: set[tuple[object, ...]] = field(default_factory=set)
    _calls: dict[str, tuple[Module, ...]] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The folder of the module."""
        return self.source.path

    @property
    def scope(self) -> Scope:
        """The scope of its expressions."""
        return Scope(module=self)

    def root(self, name: str, at: Place) -> Node:
        """What the first part of a reference stands for."""
        readers: Mapping[str, Callable[[str], Node]] = {
            "var": lambda own: self.variable(own, at),
            "local": lambda own: self.local(own, at),
            "path": lambda own: self._path(own, at),
            "module": lambda own: self._call(own, at),
            "terraform": lambda own: self._of_run(own, at),
            "data": lambda own: self._deferred(
                f"data.{own}", at, lambda label: self._resource((own, label), at, data=True)
            ),
        }
        read = readers.get(name) or (lambda own: self._resource((name, own), at, data=False))
        return self._deferred(name, at, read)

    def _of_run(self, name: str, at: Place) -> Node:
        """What Terraform says of its own run, as far as it is chosen."""
        path = f"terraform.{name}"
        known = self.evaluator.deployment.get(path)
        return self.evaluator.hole(path, at) if known is None else string(known, at)

    def _deferred(self, name: str, at: Place, read: Callable[[str], Node]) -> Deferred:
        return Deferred(self.evaluator.hole(name, at).text, at, read)

    def remembered(self, key: tuple[object, ...], at: Place, compute: Callable[[], Node]) -> Node:
        """A value that is computed once for each side; one that refers to itself is not known."""
        evaluator = self.evaluator
        key = (*key, evaluator.side, evaluator.choice, evaluator.off)
        if key in self._known:
            value, conditional, compared, missing = self._known[key]
            evaluator.conditional |= conditional
            evaluator.compared |= compared
            evaluator.missing |= missing
            return value
        if key in self._open:
            return evaluator.hole(".".join(map(str, key[:3])), at)
        self._open.add(key)
        before = evaluator.conditional, evaluator.compared, evaluator.missing
        evaluator.conditional, evaluator.compared, evaluator.missing = False, set(), set()
        try:
            value = compute()
        finally:
            self._open.discard(key)
            conditional, compared = evaluator.conditional, evaluator.compared
            missing = evaluator.missing
            evaluator.conditional = before[0] or conditional
            evaluator.compared = before[1] | compared
            evaluator.missing = before[2] | missing
        self._known[key] = (value, conditional, compared, missing)
        return value

    def resource_named(self, type_: str, label: str) -> tuple[str, Block] | None:
        """The address of a resource, and its block."""
        block = self.source.resources.get((type_, label))
        return (f"{self.address}{type_}.{label}", block) if block else None

    def behind(self, path: Sequence[str]) -> Behind | None:
        """What the module says that a reference stands for."""
        match path:
            case ["local", name, *_] if name in self.source.locals:
                return Behind(part=self.source.locals[name], scope=self.scope, length=2)
            case ["var", name, *_]:
                return self._behind_variable(name)
            case ["data", type_, name, *_] if block := self.source.data.get((type_, name)):
                return Behind(part=block.body, scope=self.scope, length=3)
            case ["module", name, output, *_]:
                for called in self.calls_of(name)[:1]:
                    block = called.source.outputs.get(output)
                    value = block.body.attribute("value") if block else None
                    if value is not None:
                        return Behind(part=value, scope=called.scope, length=3)
            case _:
                pass
        return None

    def _behind_variable(self, name: str) -> Behind | None:
        if name in self.arguments:
            expression, scope = self.arguments[name]
            return Behind(part=expression, scope=scope, length=2)
        if not self.address and name in self.source.given:
            return Behind(part=self.source.given[name], scope=self.scope, length=2)
        declared = self.source.variables.get(name)
        default = declared.body.attribute("default") if declared else None
        if default is None:
            return None
        return Behind(part=default, scope=self.scope, length=2, is_default=not self.address)

    # Names

    def variable(self, name: str, at: Place) -> Node:
        """The value of a variable: the caller's, that of a `.tfvars` file, or its default."""
        return self.remembered(("var", name), at, lambda: self._variable(name, at))

    def _variable(self, name: str, at: Place) -> Node:
        declared = self.source.variables.get(name)
        type_ = declared.body.attribute("type") if declared else None
        default = declared.body.attribute("default") if declared else None
        value = None
        if name in self.arguments:
            value = self.evaluator.value_or_hole(*self.arguments[name])
            nullable = declared.body.attribute("nullable") if declared else None
            is_nullable = not (isinstance(nullable, Literal) and nullable.value.text == "false")
            if value.form is Form.NULL and not is_nullable:
                value = None
        elif not self.address and name in self.source.given:
            value = self.evaluator.value_or_hole(self.source.given[name], self.scope)
        if value is None and default is not None:
            value = self.evaluator.value_or_hole(default, self.scope)
            if self.evaluator.off and value.form is Form.STRING and not value.text:
                # Whoever switches the block on gives the variable another value.
                return self.evaluator.hole(f"var.{name}", at)
        if value is None:
            self.evaluator.missing.add(f"{self.address}var.{name}")
            return self.evaluator.hole(f"var.{name}", at)
        return variable_types.converted(self.evaluator, value, type_, self.scope)

    def local(self, name: str, at: Place) -> Node:
        """The value of a local."""
        expression = self.source.locals.get(name)
        if expression is None:
            return self.evaluator.hole(f"local.{name}", at)
        return self.remembered(
            ("local", name),
            at,
            lambda: self.evaluator.value_or_hole(expression, self.scope, f"local.{name}"),
        )

    def _path(self, name: str, at: Place) -> Node:
        return string(self.folder if name == "module" else self.root_folder, at)

    def provider(self, name: str) -> str:
        """The root module's name of a provider."""
        return self.providers.get(name, name)

    # Instances

    def has_in_force(self, instance: Instance) -> bool | None:
        """Whether there is an instance of a block of this module; None where that is not known."""
        own = {self.in_force, instance.in_force}
        return False if False in own else None if None in own else True

    def instances(self, block: Block) -> tuple[list[Instance], int]:
        """The instances of a resource or a call of a module, and how many more there are."""
        evaluator = self.evaluator
        before, evaluator.conditional = evaluator.conditional, False
        try:
            found, further = self._instances(block)
            if evaluator.conditional:
                found = [replace(instance, is_certain=False) for instance in found]
        finally:
            evaluator.conditional |= before
        return found, further

    def _instances(self, block: Block) -> tuple[list[Instance], int]:
        evaluator, body = self.evaluator, block.body
        if (count := body.attribute("count")) is not None:
            return self._counted(evaluator.value_or_hole(count, self.scope), block.at)
        if (for_each := body.attribute("for_each")) is not None:
            holder = evaluator.value_or_hole(for_each, self.scope)
            entries = None if evaluator.is_hole(holder) else self._entries(holder, block.at)
            if entries is None:
                evaluator.note_part(for_each, for_each, self.scope)
                return [self._each("", self._unknown_entry(block.at), is_certain=False)], 0
            if not entries:
                return [self._each("", self._unknown_entry(block.at), off=True)], 0
            shown = [
                self._each(
                    f'["{_plain(key, evaluator)}"]',
                    (key, value),
                    is_certain=not evaluator.is_rest(value),
                )
                for key, value in entries[:MOST_INSTANCES]
            ]
            return shown, max(0, len(entries) - MOST_INSTANCES)
        return [Instance(suffix="", scope=self.scope)], 0

    def _entries(self, holder: Node, at: Place) -> list[tuple[Node, Node]] | None:
        try:
            entries = self.evaluator.entries(holder, at)
        except Invalid:
            return None
        if entries is not None and holder.form is Form.ARRAY:
            # Only sets may be given: the values are the keys.
            entries = [(value, value) for _, value in entries]
        return entries

    def _counted(self, count: Node, at: Place) -> tuple[list[Instance], int]:
        text = count.text
        known = text.isdecimal() and len(text) < 6  # noqa: PLR2004
        if not known:
            index = self.evaluator.hole("count.index", at)
            off = text == "false"
            scope = self._with("count", at, index=index)
            return [Instance(suffix="", scope=scope, off=off, is_certain=text in _BOOLEANS)], 0
        wanted = int(text)
        found = [
            Instance(
                suffix=f"[{index}]",
                scope=self._with("count", at, index=number(index, at)),
                off=not wanted,
            )
            for index in range(min(max(wanted, 1), MOST_INSTANCES))
        ]
        return found, max(0, wanted - MOST_INSTANCES)

    def _with(self, name: str, at: Place, **members: Node) -> Scope:
        return Scope(module=self, names={name: mapped(members.items(), at)})

    def _each(
        self,
        suffix: str,
        entry: tuple[Node, Node],
        *,
        off: bool = False,
        is_certain: bool = True,
    ) -> Instance:
        key, value = entry
        scope = self._with("each", key.at, key=key, value=value)
        return Instance(suffix=suffix, scope=scope, off=off, is_certain=is_certain)

    def _unknown_entry(self, at: Place) -> tuple[Node, Node]:
        return self.evaluator.hole("each.key", at), self.evaluator.hole("each.value", at)

    # Resources and data sources

    def _resource(self, key: tuple[str, str], at: Place, *, data: bool) -> Node:
        """A resource as a value: one instance, a list or an object of them."""
        block = (self.source.data if data else self.source.resources).get(key)
        name = ".".join(("data", *key) if data else key)
        if data and block is None:
            return self._deferred(
                name, at, lambda own: resource_attributes.of_data(self.evaluator, key, own, at)
            )
        if block is None:
            return resource_attributes.elsewhere(self.evaluator, key[0], name, at)
        instances = self.remembered_instances(key, block, data=data)

        def one(instance: Instance) -> Node:
            return self._deferred(
                f"{name}{instance.suffix}",
                at,
                lambda own: self.attribute(key, instance, own, at, data=data),
            )

        return self._together(block, instances, one, at)

    def _together(
        self,
        block: Block,
        instances: Sequence[Instance],
        one: Callable[[Instance], Node],
        at: Place,
    ) -> Node:
        counted = block.body.attribute("count") is not None
        looped = block.body.attribute("for_each") is not None
        if not (counted or looped):
            return one(instances[0])
        if instances[0].off:
            return SwitchedOff(Form.ARRAY if counted else Form.OBJECT, at, one(instances[0]))
        if not instances[0].suffix:
            unknown = one(instances[0])
            return self._deferred("…" + _name(block), at, lambda _: unknown)
        if counted:
            return listed(map(one, instances), at)
        return mapped(((own.suffix[2:-2], one(own)) for own in instances), at)

    def remembered_instances(
        self, key: tuple[str, str], block: Block, *, data: bool
    ) -> list[Instance]:
        """The instances of a resource, computed once; a block that refers to itself there has one that is not known."""
        memo = ("instances", key, data)
        if memo in self._open:
            return [Instance(suffix="", scope=self.scope)]
        self._open.add(memo)
        before = self.evaluator.conditional
        try:
            return self.instances(block)[0]
        finally:
            self._open.discard(memo)
            # Whether there are instances at all is no difference between two documents.
            self.evaluator.conditional = before

    def attribute(
        self, key: tuple[str, str], instance: Instance, name: str, at: Place, *, data: bool = False
    ) -> Node:
        """An attribute of an instance of a resource or a data source."""
        memo = ("data" if data else "resource", *key, instance.suffix, name)
        return self.remembered(
            memo, at, lambda: self._read_attribute(key, instance, name, at, data=data)
        )

    def _read_attribute(
        self, key: tuple[str, str], instance: Instance, name: str, at: Place, *, data: bool
    ) -> Node:
        block = (self.source.data if data else self.source.resources)[key]
        if data and key[0] == DOCUMENT and name in {"json", "minified_json"}:
            return self.document(key[1], instance)
        if data:
            found = resource_attributes.of_data(
                self.evaluator, key, name, at, block, instance.scope
            )
            if self.evaluator.placeholders.within(found.text):
                name = ".".join(("data", *key))
                provider = provider_of(block, instance.scope, self.evaluator)
                self.evaluator.note_part(name, (block.body, provider), instance.scope)
            return found
        address = f"{self.address}{'.'.join(key)}{instance.suffix}"
        return resource_attributes.of_resource(
            self.evaluator, block, instance.scope, address, name, at
        )

    def document(self, name: str, instance: Instance) -> Node:
        """The document of a data source."""
        block = self.source.data[DOCUMENT, name]
        return self.remembered(
            ("document", name, instance.suffix),
            block.at,
            lambda: document(self.evaluator, block, instance.scope),
        )

    # Modules

    def _call(self, name: str, at: Place) -> Node:
        block = self.source.calls.get(name)
        called = self.calls_of(name)
        if block is None or not called:
            return self.evaluator.hole(f"module.{name}", at)
        instances = self.remembered_instances(("module", name), block, data=False)
        modules = dict(zip((own.suffix for own in instances), called, strict=False))

        def one(instance: Instance) -> Node:
            module = modules.get(instance.suffix, called[0])
            return self._deferred(f"module.{name}", at, lambda own: module.output(own, at))

        return self._together(block, instances, one, at)

    def output(self, name: str, at: Place) -> Node:
        """The value of an output."""
        block = self.source.outputs.get(name)
        expression = block.body.attribute("value") if block else None
        if expression is None:
            return self.evaluator.hole(f"{self.address}{name}", at)
        return self.remembered(
            ("output", name),
            at,
            lambda: self.evaluator.value_or_hole(expression, self.scope, f"output.{name}"),
        )

    def called_folder(self, block: Block) -> Folder | None:
        """The folder of the tree that a call of a module names."""
        return called_folder(self.source, block, self.folders)

    def calls_of(self, name: str) -> tuple[Module, ...]:
        """The modules that a call makes, one for each of its instances."""
        if name not in self._calls:
            self._calls[name] = tuple(self._called(name))
        return self._calls[name]

    def _called(self, name: str) -> Iterator[Module]:
        block = self.source.calls.get(name)
        folder = self.called_folder(block) if block else None
        if block is None or folder is None or folder.path in self.parents or len(self.parents) >= _MOST_NESTED:  # fmt: skip
            return
        for instance in self.remembered_instances(("module", name), block, data=False):
            arguments = {
                argument: (expression, instance.scope)
                for argument in block.body.attribute_names
                if (expression := block.body.attribute(argument)) is not None
            }
            yield Module(
                source=folder,
                folders=self.folders,
                evaluator=self.evaluator,
                address=f"{self.address}module.{name}{instance.suffix}.",
                arguments=arguments,
                parents=(*self.parents, self.folder),
                off=self.off or instance.off,
                in_force=self.has_in_force(instance),
                root_folder=self.root_folder,
                # Those without an alias are handed down where a call says nothing.
                providers={
                    **{own: theirs for own, theirs in self.providers.items() if "." not in own},
                    **given_providers(block, instance.scope, self.evaluator),
                },
            )


def called_folder(caller: Folder, block: Block, folders: Mapping[str, Folder]) -> Folder | None:
    """The folder of the tree that a call of a module names."""
    source = block.body.attribute("source")
    text = source.value.text if isinstance(source, Literal) else ""
    if not (text.startswith(_LOCAL_SOURCE) or text in {".", ".."}):
        return None
    return folders.get(posixpath.normpath(posixpath.join(caller.path, text)))


def _name(block: Block) -> str:
    return ".".join(block.labels)


def _plain(key: Node, evaluator: Evaluator) -> str:
    return evaluator.placeholders.as_variables(key.text)
