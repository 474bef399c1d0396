"""The policies that a tree of Terraform files declares: documents of resources, attachments, documents that nothing uses.

A document is read once where several resources use it, and where several instances of one block have the same one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Holder, Kind
from aws_iam.engine.parsing.json_nodes import Form, Node, Place
from aws_iam.engine.parsing.json_text import Syntax
from aws_iam.engine.parsing.made_nodes import listed, mapped
from aws_iam.engine.sources.containers.access_settings import attached_to_paths
from aws_iam.engine.sources.containers.attachments import (
    attachment_rows,
    attachments,
)
from aws_iam.engine.sources.containers.cloudformation_return_values import deployed
from aws_iam.engine.sources.containers.embedded_documents import is_policy
from aws_iam.engine.sources.containers.generic_data import PolicyByLooks
from aws_iam.engine.sources.containers.placeholders import Placeholders
from aws_iam.engine.sources.containers.policy_places import (
    PolicyPlace,
    organization_place,
    places_by_type,
    texts_at,
    values_at,
)
from aws_iam.engine.sources.files import FileNames
from aws_iam.engine.sources.terraform.blocks import Expanded, expanded
from aws_iam.engine.sources.terraform.deploying import deploying, read_deploying
from aws_iam.engine.sources.terraform.documents import DOCUMENT
from aws_iam.engine.sources.terraform.embedded_json import document_in
from aws_iam.engine.sources.terraform.expressions import Evaluator
from aws_iam.engine.sources.terraform.folders import folders_of, within_limit
from aws_iam.engine.sources.terraform.functions.calls import called
from aws_iam.engine.sources.terraform.module_arguments import access_arguments
from aws_iam.engine.sources.terraform.modules import Instance, Module
from aws_iam.engine.sources.terraform.moved_blocks import moves_of
from aws_iam.engine.sources.terraform.named_files import NamedFiles, UnreadFile
from aws_iam.engine.sources.terraform.permissions import permission, permission_rows
from aws_iam.engine.sources.terraform.referenced_resources import by_address
from aws_iam.engine.sources.terraform.resource_attributes import own_name
from aws_iam.engine.sources.terraform.results import (
    UNKNOWN,
    Candidate,
    Results,
    TerraformPolicies,
    file_of,
)
from aws_iam.engine.sources.terraform.roots import configured, root_folders
from aws_iam.engine.sources.terraform.search_domains import is_in_vpc
from aws_iam.engine.sources.terraform.settings import (
    module_setting,
    not_iam,
    providers_setting,
    settings,
)
from aws_iam.engine.sources.terraform.stack_templates import TEMPLATE, stack_templates
from aws_iam.engine.sources.terraform.statement_arguments import policy_of_statements
from aws_iam.engine.sources.terraform.syntax import (
    Block,
    Body,
    Literal,
    may_hold_policy,
)
from aws_iam.engine.sources.terraform.values import Budget, Invalid, TooMuch
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.sources.files import Files
    from aws_iam.engine.sources.terraform.folders import Folder
    from aws_iam.engine.sources.terraform.scopes import Scope

NAME = "Terraform"
MOST_STEPS = 3_000_000
"""The steps for all files; one takes some two microseconds."""
MOST_STEPS_OF_ONE = 100_000
MOST_CHOICES = 12
MOST_MODULES = 1_000
_DATA = "terraform-resources.json"
_ORGANIZATION = "aws_organizations_policy"
# The provider's own default for `type`.
_DEFAULT_ORGANIZATION_TYPE = "SERVICE_CONTROL_POLICY"
_MANAGED = "aws_iam_policy"
_TOO_MUCH = "its expressions take more work than is spent on one resource"
# Modules of a registry are not at hand; the names of some say that they have policies.
_OF_POLICIES = re.compile(
    r"(?:^|[^a-z])(?:iam|irsa|roles?|polic(?:y|ies)|scps?)(?:[^a-z]|$)", re.IGNORECASE
)
# The providers of other clouds whose policies look like IAM's.
_OTHER_CLOUDS = ("alicloud_", "huaweicloud_", "minio_", "tencentcloud_", "volcengine_")
_EMPTY = Body(at=Place())
# Arguments that hold no document.
_META = frozenset({"count", "for_each", "depends_on", "lifecycle", "provider", "providers", "source", "version"})  # fmt: skip


def terraform_policies(given: Files, steps: int | None = None) -> TerraformPolicies:
    """The policies of files in Terraform's language; `steps` are spent at most, where these are fewer than usual."""
    files, refused = within_limit(given.files)
    folders = folders_of(files)
    named = NamedFiles(given.read, given.names or FileNames())
    evaluator = Evaluator(
        placeholders=Placeholders.unused_in_texts(file.text for file in files),
        budget=Budget(steps or MOST_STEPS),
        files=named,
        functions=called,
        deployment={**deployed({}), **given.choices},
    )
    results = Results(evaluator)
    reading = _Reading(folders=configured(folders), evaluator=evaluator, results=results)
    reading.read(given.roots)
    for folder in folders.values():
        refused |= folder.refused
    missing = evaluator.missing
    return TerraformPolicies(
        places=tuple(results.with_documents()),
        refused=refused,
        read_files=frozenset(named.read),
        used_files=frozenset(named.used),
        unread_files=frozenset(own for own in missing if isinstance(own, UnreadFile)),
        settings=tuple(results.settings),
        resources=tuple(results.resources),
        roots=frozenset(module.root_folder for module in reading.modules),
        without_value=tuple(sorted(own for own in missing if type(own) is str)),
    )


@dataclass(slots=True)
class _Reading:
    folders: Mapping[str, Folder]
    evaluator: Evaluator
    results: Results
    modules: list[Module] = field(default_factory=list)

    def read(self, roots: frozenset[str]) -> None:
        """Read all modules: their resources, then the documents that no resource has."""
        self._find_modules(roots)
        documents = [
            (module, block)
            for module in self.modules
            for (type_, _), block in module.source.data.items()
            if type_ == DOCUMENT
        ]
        for module in self.modules:
            for block in module.source.resources.values():
                self._attempt(module, block, self._resource)
            for block in module.source.calls.values():
                self._attempt(module, block, self._call)
            for block in deploying(module.source):
                self._attempt(module, block, partial(read_deploying, self.results))
        # All are evaluated first, so that those that others are made of are known.
        for read in (self._evaluated, self._alone):
            for module, block in documents:
                self._attempt(module, block, read)
        for module in self.modules:
            self.results.root = module.root_folder
            self._unused(module)

    def _find_modules(self, also: frozenset[str]) -> None:
        """The modules that no other calls, then those that only call each other, each with those that it calls."""
        own = self.folders
        roots, inner = root_folders(own, also)
        for path in (*roots, *inner):
            if path in roots or all(module.folder != path for module in self.modules):
                self._collect(Module(own[path], own, self.evaluator, root_folder=path))

    def _collect(self, module: Module) -> None:
        if len(self.modules) >= MOST_MODULES:
            why = f"the files call more than {MOST_MODULES:,} modules"
            self.results.skip(module.source.files[0], "further modules", why)
            return
        self.modules.append(module)
        self.results.moves.setdefault(module.root_folder, []).extend(moves_of(module))
        for name, block in module.source.calls.items():
            self.evaluator.budget.begin(MOST_STEPS_OF_ONE)
            try:
                for inner in module.calls_of(name):
                    self._collect(inner)
            except (TooMuch, Invalid, InputError) as refused:
                self._skip(module, block, refused)

    def _skip(self, module: Module, block: Block, refused: Exception) -> None:
        why = refused.message if isinstance(refused, InputError) else _TOO_MUCH
        self.results.skip(file_of(block), f"{module.address}{_address(block)}", why)

    def _attempt(
        self, module: Module, block: Block, read: Callable[[Module, Block, Instance], None]
    ) -> None:
        """Read a block in all of its instances, on both sides of what conditions do not decide."""
        evaluator = self.evaluator
        evaluator.off = module.off
        evaluator.budget.begin(MOST_STEPS_OF_ONE)
        self.results.root = module.root_folder
        try:
            (instances, further), self.results.of_block = self.evaluator.noted(
                partial(module.instances, block)
            )
            for instance in instances:
                evaluator.off = module.off or instance.off
                self._on_all_sides(partial(read, module, block, instance))
        except (TooMuch, Invalid, InputError) as refused:
            self._skip(module, block, refused)
            return
        finally:
            evaluator.side, evaluator.choice, evaluator.off = True, 0, False
            self.results.of_block = frozenset()
        if further:
            why = f"{counted(further, 'further instance')} of the block"
            self.results.skip(file_of(block), f"{module.address}{_address(block)}", why)

    def _on_all_sides(self, read: Callable[[], None]) -> None:
        """Read with unknown conditions true, with all false, and once for each further value that decides some of them."""
        evaluator = self.evaluator
        evaluator.conditional, evaluator.choice, evaluator.compared = False, 0, set()
        self.results.begin_instance()
        read()
        if not evaluator.conditional:
            return
        # All comparisons are seen where none of them holds.
        evaluator.side = False
        read()
        evaluator.side = True
        if evaluator.choices > MOST_CHOICES:
            raise InputError(f"an unknown value is compared with more than {MOST_CHOICES} others")
        for choice in range(1, evaluator.choices):
            evaluator.choice = choice
            read()
        self.results.end_cases()

    # Resources

    def _resource(self, module: Module, block: Block, instance: Instance) -> None:
        type_ = block.labels[0]
        if type_.startswith(_OTHER_CLOUDS):
            return
        address = f"{module.address}{_address(block)}{instance.suffix}"
        body, rows = block.body, attachment_rows(_DATA, type_)
        places = self._places(type_, body, instance)
        targets = [path for place in places for path in place.targets]
        targets += (path for row in rows for path in row.targets)
        targets += attached_to_paths(type_)
        wanted = [*(place.path for place in places), *(row.path for row in rows), *targets]
        heads = {path.partition(".")[0].removesuffix("[]"): "." in path for path in wanted}
        held, others_of = self._held(body, heads, instance)
        held = by_address(held, body, instance.scope, set(map(_head, targets)), self.evaluator)
        attached_to = tuple(map(self.results.shown, texts_at(held, targets)))
        in_force = module.has_in_force(instance)
        holder = Holder(
            name=address,
            type=type_,
            attached_to=attached_to,
            in_force=in_force,
            in_vpc=is_in_vpc(module, block),
        )
        if in_force is not False:
            self.results.exists(block, address, own_name(self.evaluator, block, instance.scope))
        done: set[str] = set()
        for place in places:
            done.add(place.path.partition(".")[0].removesuffix("[]"))
            for path, value, inside in values_at(held, place.path):
                named = inside.member(place.name) if place.name else None
                known = named is not None and not self.evaluator.placeholders.within(named.text)
                name = f"{address}.{path}" + (f" ({named.text})" if known and named else "")
                alternatives = others_of.get(_head(path), frozenset())
                own = Candidate(block, name, (place.path, path), place, holder, alternatives)
                self.results.read(own, value)
        if (row := permission_rows().get(type_)) is not None:
            content, alternatives = self.evaluator.noted(
                partial(permission, self.evaluator, row, block, instance.scope)
            )
            place = PolicyPlace(path="", kind=Kind.RESOURCE, resource_type=row.resource_type)
            own = Candidate(block, address, ("", ""), place, holder, alternatives)
            self.results.read(own, content)
        else:
            given = (self.evaluator, self.results.shown, block, instance.scope, address, in_force)
            for setting in settings(*given):
                self.results.set_beside(block, setting)
        if type_ == _MANAGED and self.evaluator.side:
            self._remember_arn(module, block, instance, f"{address}.policy")
        for attached in attachments(_DATA, type_, held, address, self.results.shown):
            head = _head(attached.place.removeprefix(f"{address}."))
            alternatives = others_of.get(head, frozenset()) | self.results.of_block
            self.results.attach(
                block, replace(attached, in_force=in_force, alternatives=alternatives)
            )
        others = set(not_iam(_DATA).get(type_, ())) | done | heads.keys() | _META
        for found in stack_templates(self.evaluator, block, instance.scope, address):
            self.results.hold(block, found)
            others.add(TEMPLATE)
        self._others(block, body, replace(holder, type="", attached_to=()), others, instance)

    def _places(self, type_: str, body: Body, instance: Instance) -> tuple[PolicyPlace, ...]:
        if type_ != _ORGANIZATION:
            return places_by_type(_DATA).get(type_, ())
        expression = body.attribute("type")
        policy_type = _DEFAULT_ORGANIZATION_TYPE
        if expression is not None:
            value = self.evaluator.value_or_hole(expression, instance.scope)
            policy_type = value.text or _DEFAULT_ORGANIZATION_TYPE
            if self.evaluator.placeholders.within(policy_type):
                # The document itself says of which type it may be.
                return (PolicyPlace(path="content"),)
        return (organization_place("content", policy_type),)

    def _held(
        self, body: Body, heads: Mapping[str, bool], instance: Instance
    ) -> tuple[Node, Mapping[str, frozenset[Alternative]]]:
        """The arguments with these names as one object, and what may stand in their place; a nested block is a list of objects."""
        members: list[tuple[str, Node]] = []
        alternatives: dict[str, frozenset[Alternative]] = {}
        for head, is_block in heads.items():
            value, alternatives[head] = self.evaluator.noted(
                partial(self._value, body, head, instance.scope, is_block=is_block)
            )
            if value is not None and value.form is not Form.NULL:
                members.append((head, value))
        return mapped(members, body.at), alternatives

    def _value(self, body: Body, head: str, scope: Scope, *, is_block: bool) -> Node | None:
        expression = body.attribute(head)
        if not is_block:
            return self.evaluator.value_or_hole(expression, scope) if expression else None
        blocks = [
            mapped(self._arguments(part), part.at)
            for part in expanded(self.evaluator, body, head, scope)
        ]
        return listed(blocks, body.at) if blocks else None

    def _arguments(self, part: Expanded) -> Iterator[tuple[str, Node]]:
        for name in part.body.attribute_names:
            expression = part.body.attribute(name)
            if expression is not None:
                yield name, self.evaluator.value_or_hole(expression, part.scope)

    def _remember_arn(self, module: Module, block: Block, instance: Instance, name: str) -> None:
        key = (block.labels[0], block.labels[1])
        arn = module.attribute(key, instance, "arn", block.at)
        self.results.manages(arn.text, name)

    # Documents elsewhere

    def _call(self, module: Module, block: Block, instance: Instance) -> None:
        """The documents that a module which is not among the files is given."""
        if module.called_folder(block) is None:
            address = f"{module.address}{_address(block)}{instance.suffix}"
            in_force = module.has_in_force(instance)
            holder = Holder(name=address, in_force=in_force)
            read = self._others(block, block.body, holder, _META, instance)
            source = block.body.attribute("source")
            text = source.value.text if isinstance(source, Literal) else ""
            names = None
            if text.startswith((".", "/")) or _OF_POLICIES.search(text):
                why = f"the module {quoted(text)} is not among the files"
                self.results.unread(block, address, "source", why)
            else:
                # The documents among them are judged.
                own = access_arguments(self.evaluator, block.body, instance.scope)
                names = frozenset(own) - read - _META
            own_setting = (block, instance.scope, address, in_force)
            if names or names is None:
                given = (self.evaluator, self.results.shown, *own_setting, names)
                self.results.set_beside(block, module_setting(*given))
            if names or names is None or read:
                self.results.set_beside(block, providers_setting(self.evaluator, *own_setting))

    def _others(
        self,
        block: Block,
        body: Body,
        holder: Holder,
        leaving: frozenset[str] | set[str],
        instance: Instance,
    ) -> frozenset[str]:
        """Read the documents in other arguments; the names of those that have any."""
        found: set[str] = set()
        for name in body.attribute_names:
            expression = body.attribute(name)
            if name not in leaving and expression is not None:
                missing = set(self.evaluator.missing)
                value, of_block = self.evaluator.noted(
                    partial(self.evaluator.value_or_hole, expression, instance.scope)
                )
                of_instances = self.results.of_block
                self.results.of_block |= of_block
                if self._documents_under(block, holder, f"{holder.name}.{name}", name, value):
                    found.add(name)
                else:
                    self.evaluator.missing = missing
                self.results.of_block = of_instances
        return frozenset(found)

    def _documents_under(  # noqa: PLR0913 - a value is its argument with its block
        self,
        block: Block,
        holder: Holder,
        address: str,
        name: str,
        value: Node,
        *,
        unused: bool = False,
    ) -> bool:
        """Read each policy in a value, objects and texts that look like one; whether there is any."""
        found = False
        todo: list[tuple[tuple[str | int, ...], Node]] = [((), value)]
        while todo:
            path, node = todo.pop()
            self.evaluator.budget.spend()
            content: Node | Syntax | None = node
            if node.form is Form.STRING and "Statement" in node.text:
                content = document_in(node, self.evaluator)
            elif block.type == "module":
                content = policy_of_statements(node, self.evaluator) or node
            shown = "".join(f"[{own}]" if isinstance(own, int) else f".{own}" for own in path)
            if isinstance(content, Node) and is_policy(content):
                if unused and self.results.is_covered(content):
                    continue
                looks = PolicyByLooks((name, *path), content)
                key = (f"{name}{shown}", "")
                own = Candidate(block, address + shown, key, looks.place, holder)
                self.results.read(own, node if node.form is Form.STRING else content)
                found = True
            elif isinstance(content, Syntax) and '"Effect"' in node.text:
                self.results.unread(block, address + shown, name, UNKNOWN)
            else:
                todo += [((*path, member.key), member.value) for member in reversed(node.members)]
                todo += [((*path, number), item) for number, item in enumerate(node.items)][::-1]
        return found

    def _evaluated(self, module: Module, block: Block, instance: Instance) -> None:
        """Evaluate a document, so that those it is made of are known."""
        module.document(block.labels[1], instance)

    def _alone(self, module: Module, block: Block, instance: Instance) -> None:
        """A document that nothing uses."""
        content, alternatives = self.evaluator.noted(
            partial(module.document, block.labels[1], instance)
        )
        address = f"{module.address}data.{DOCUMENT}.{block.labels[1]}{instance.suffix}"
        if (id(block.at.lines), block.at.offset) in self.evaluator.merged:
            self.results.exists(block, address)
            return
        place = PolicyPlace(path="json")
        holder = Holder(name=address, type=DOCUMENT, in_force=False)
        path = ("json", "json")
        candidate = Candidate(block, f"{address}.json", path, place, holder, alternatives)
        self.results.read_alone(candidate, content)

    def _unused(self, module: Module) -> None:
        """The policies in locals and in defaults of variables that nothing used."""
        defaults = {
            ("var", name): default
            for name, block in module.source.variables.items()
            if (default := block.body.attribute("default")) is not None
        }
        locals_ = {("local", name): own for name, own in module.source.locals.items()}
        for (type_, name), expression in (defaults | locals_).items():
            if not may_hold_policy(expression):
                continue
            block = Block(type=f"{type_}.{name}", labels=(), body=_EMPTY, at=expression.at)
            self.evaluator.budget.begin(MOST_STEPS_OF_ONE)
            missing = set(self.evaluator.missing)
            try:
                value = self.evaluator.value_or_hole(expression, module.scope)
                address = f"{module.address}{block.type}"
                holder = Holder(name=address)
                if not self._documents_under(block, holder, address, name, value, unused=True):
                    self.evaluator.missing = missing
            except (TooMuch, Invalid, InputError) as refused:
                self._skip(module, block, refused)


def _head(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _address(block: Block) -> str:
    prefix = {"module": "module.", "data": "data."}.get(block.type, "")
    return prefix + (".".join(block.labels) or block.type)
