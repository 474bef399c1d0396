"""What a reading of Terraform found, in the order of the blocks: a document that several instances have is there once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.answer import Where
from aws_iam.engine.language.cases import ALWAYS, FALSE, TRUE, Assumed, Case, Cases, cases_of
from aws_iam.engine.parsing.json_nodes import Form, Member, Node
from aws_iam.engine.parsing.json_text import Syntax
from aws_iam.engine.parsing.made_nodes import placed
from aws_iam.engine.sources.containers.access_settings import AccessSetting, subject_named
from aws_iam.engine.sources.containers.attachments import PolicyAttachment
from aws_iam.engine.sources.containers.policy_places import (
    FoundPolicy,
    FoundResource,
    PolicyPlace,
    SkippedPlace,
)
from aws_iam.engine.sources.terraform.embedded_json import document_in
from aws_iam.engine.sources.terraform.moved_blocks import former_addresses
from aws_iam.engine.sources.terraform.provider_names import PROVIDER
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.language.document import Holder
    from aws_iam.engine.sources.containers.nested_templates import Found as Inner
    from aws_iam.engine.sources.terraform.expressions import Evaluator
    from aws_iam.engine.sources.terraform.syntax import Block
    from aws_iam.errors import InputError

    Found = FoundPolicy | SkippedPlace | PolicyAttachment
    # A position among what was found, and a root folder.
    _Place = tuple[int, str]

UNKNOWN = "the document is not known from these files"
_CONDITIONS = "conditions"
_WITHOUT_STATEMENTS = "the document has no statement, with the values that these files give"


@slotted
class TerraformPolicies:
    """What the files hold, each with its file, and the files that could not be read."""

    places: tuple[tuple[str, Found], ...]
    refused: Mapping[str, InputError]
    read_files: frozenset[str]
    """The other files that expressions read: templates and documents."""
    used_files: frozenset[str]
    """Those of them from which a policy came, an attachment or a setting."""
    unread_files: frozenset[str]
    """Patterns of those whose names or texts are not known."""
    settings: tuple[AccessSetting, ...]
    """What decides about access and is no policy."""
    resources: tuple[FoundResource, ...]
    """The resources that there may be, and the documents that something uses."""
    roots: frozenset[str]
    """The folders that Terraform runs in."""
    without_value: tuple[str, ...]
    """The variables without a value that policies and settings depend on."""


@positional
class Candidate:
    """A place for a policy in a block; `path` is its row of the table and where it was found."""

    block: Block
    name: str
    path: tuple[str, str]
    place: PolicyPlace
    holder: Holder
    alternatives: frozenset[Alternative] = frozenset()


class Results:
    """Collects policies, attachments and what is not read."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._found: list[tuple[str, Found]] = []
        # The policies at each place of a block: their positions in `_found`, and their documents with placeholders.
        self._at: dict[tuple[object, ...], list[tuple[int, Node | Syntax]]] = {}
        # What a policy is in each root folder, by its position in `_found`.
        self._roots: dict[int, dict[str, FoundPolicy]] = {}
        self._seen: set[object] = set()
        # The attachments by their positions, with the root folders that have them.
        self._attached: dict[PolicyAttachment, tuple[int, dict[str, None]]] = {}
        # The cases of what was found, by position and root folder, and what was found while one instance of a block is read.
        self._cases: dict[_Place, list[tuple[set[Case], frozenset[Case]]]] = {}
        self._always: set[_Place] = set()
        self._of_instance: dict[_Place, set[Case]] = {}
        # The statements that policies have, with the name of the first policy.
        self._covered: dict[tuple[object, int], str] = {}
        self._managed: dict[tuple[str, str], str] = {}
        self.root = ""
        """The folder that Terraform runs in, of the module that is read."""
        self.settings: dict[AccessSetting, None] = {}
        """What else decides about access."""
        self.of_block: frozenset[Alternative] = frozenset()
        """The other values of what decides about the instances of the block that is read."""
        self.moves: dict[str, list[tuple[str, str]]] = {}
        """The former addresses and those of now that `moved` blocks give, by root folder."""
        self.resources: dict[FoundResource, None] = {}
        """The resources that there may be, and the documents that something uses."""

    def with_documents(self) -> Iterator[tuple[str, Found]]:
        """All that was found with its file and its cases, attachments with the names of their documents."""
        self.begin_instance()
        documents: dict[str, str] = {}
        for (_, arn), name in self._managed.items():
            documents.setdefault(arn, name)
        roots = dict(self._attached.values())
        for number, (file, found) in enumerate(self._found):
            if isinstance(found, PolicyAttachment):
                named = tuple(
                    (
                        root,
                        self._managed.get((root, found.policy), ""),
                        self._cases_of([(number, root)]),
                    )
                    for root in roots[number]
                )
                document = documents.get(found.policy, "")
                cases = self._cases_of([(number, root) for root in roots[number]])
                yield file, replace(found, document=document, roots=named, cases=cases)
            elif isinstance(found, FoundPolicy):
                there = self._roots[number]
                own = tuple(
                    replace(policy, cases=self._cases_of([(number, root)]))
                    for root, policy in there.items()
                )
                cases = self._cases_of([(number, root) for root in there])
                yield file, replace(found, roots=own, cases=cases)
            else:
                yield file, found

    def manages(self, arn: str, name: str) -> None:
        """Name the document of the managed policy with this ARN."""
        self._managed.setdefault((self.root, self.shown(arn)), name)

    # Cases

    def begin_instance(self) -> None:
        """What the instance before has is there in every case, as no condition decided about it."""
        self._always |= self._of_instance.keys()
        self._of_instance = {}
        self._evaluator.files.begin_instance()

    def end_cases(self) -> None:
        """The instance was read on all sides of what conditions do not decide."""
        choices = map(str, range(1, self._evaluator.choice + 1))
        every = frozenset(map(self._case, (TRUE, FALSE, *choices)))
        for place, own in self._of_instance.items():
            self._cases.setdefault(place, []).append((own, every))
        self._of_instance = {}

    def _cases_of(self, places: Sequence[_Place]) -> Cases:
        """Those of all instances that have a document: in which one of them has it does not matter."""
        if any(place in self._always or place not in self._cases for place in places):
            return ALWAYS
        read = [own for place in places for own in self._cases[place]]
        own = frozenset(case for mine, _ in read for case in mine)
        return cases_of(own, frozenset(case for _, every in read for case in every))

    @staticmethod
    def _case(value: str) -> Case:
        return frozenset({Assumed(_CONDITIONS, value)})

    def _note(self, number: int) -> None:
        """That what stands at a position is so in the case that is read, in this root folder."""
        evaluator = self._evaluator
        evaluator.files.use()
        side = TRUE if evaluator.side else FALSE
        case = self._case(str(evaluator.choice) if evaluator.choice else side)
        self._of_instance.setdefault((number, self.root), set()).add(case)

    def shown(self, text: str) -> str:
        """A text with `${…}` for what is not known."""
        return self._evaluator.placeholders.as_variables(text)

    def skip(self, file: str, name: str, why: str) -> None:
        """Name a place that is not read, once."""
        if (file, name, why) not in self._seen:
            self._seen.add((file, name, why))
            self._found.append((file, SkippedPlace(name=name, why=why)))

    def unread(self, block: Block, name: str, path: str, why: str) -> None:
        """Name a document that is not known: once for all instances, and not where there is no such resource at all."""
        key = (file_of(block), block.at.offset, path, why)
        if key not in self._seen and not self._evaluator.off:
            self._seen.add(key)
            self.skip(file_of(block), name, why)

    def attach(self, block: Block, attachment: PolicyAttachment) -> None:
        """Add an attachment of a policy, once; one without a name by a resource that is switched off says nothing."""
        hidden = self._evaluator.off and attachment.policy.startswith("${")
        if hidden:
            return
        if attachment not in self._attached:
            self._attached[attachment] = (len(self._found), {})
            self._found.append((file_of(block), attachment))
        number, roots = self._attached[attachment]
        roots[self.root] = None
        self._note(number)

    def exists(self, block: Block, address: str, own_name: str = "") -> None:
        """Name a resource."""
        own = FoundResource(
            name=address,
            file=file_of(block) or None,
            root=self.root,
            own_name=own_name,
            formerly=former_addresses(address, self.moves.get(self.root, ())),
        )
        self.resources[own] = None

    def set_beside(self, block: Block, setting: AccessSetting) -> None:
        """Add a setting that decides about access."""
        # The name of a provider is made of no file.
        if setting.subject != subject_named(PROVIDER):
            self._evaluator.files.use()
        lines, file = block.at.lines, file_of(block) or None
        line, column = lines.at(block.at.offset) if lines else (None, None)
        where = Where(file=file, line=line, column=column)
        self.settings[replace(setting, file=file, where=where, root=self.root)] = None

    def read(self, candidate: Candidate, value: Node) -> None:
        """Add the document that a value holds."""
        content = self._document(candidate, value)
        if isinstance(content, Node):
            for statement in _statements(content):
                self._covered.setdefault(statement, candidate.name)
        if content is not None:
            self._add(candidate, content)

    def read_alone(self, candidate: Candidate, value: Node) -> None:
        """Add a document that no resource has, unless others have all of its statements."""
        block = candidate.block
        if self.is_covered(value):
            self.exists(block, candidate.holder.name)
            return
        if self._evaluator.off and (file_of(block), block.at.offset, candidate.path) in self._at:
            return
        # What is wrong with a statement of another policy is said there.
        covered = (self._covered.get(statement) for statement in _statements(value))
        content = self._document(candidate, value)
        if content is not None:
            self._add(candidate, content, next(filter(None, covered), ""))

    def hold(self, block: Block, found: Inner) -> None:
        """Add what a template of another format holds that stands in a block, once."""
        file = file_of(block)
        if isinstance(found, PolicyAttachment):
            self.attach(block, found)
        elif isinstance(found, AccessSetting):
            self.set_beside(block, found)
        elif isinstance(found, SkippedPlace):
            self.skip(file, found.name, found.why)
        elif isinstance(found, FoundPolicy) and (own := (file, found)) not in self._seen:
            self._seen.add(own)
            number = len(self._found)
            self._roots[number] = {self.root: replace(found, root=self.root)}
            self._found.append((file, self._roots[number][self.root]))
            self._note(number)

    def is_covered(self, content: Node) -> bool:
        """Whether policies that were read have all statements of a document."""
        return self._covered.keys() >= set(_statements(content))

    @property
    def _is_other_side(self) -> bool:
        return bool(self._evaluator.choice) or not self._evaluator.side

    def _document(self, candidate: Candidate, value: Node) -> Node | Syntax | None:  # noqa: PLR0911 - a return for each reason
        """The document in a value; None where there is none, which is named unless the value is empty."""
        evaluator, block, name = self._evaluator, candidate.block, candidate.name
        content = document_in(value, evaluator)
        if content is None and not (value.form is Form.STRING and value.text.strip()):
            return None
        if candidate.place.skip:
            self.skip(file_of(block), name, candidate.place.skip)
            return None
        partly = evaluator.placeholders.within(value.text)
        if content is None or (isinstance(content, Syntax) and partly):
            self.unread(block, name, candidate.path[0], UNKNOWN)
            return None
        if isinstance(content, Syntax):
            return content
        statements = content.member("Statement")
        if statements is None and content.member("Version"):
            self.unread(block, name, candidate.path[0], _WITHOUT_STATEMENTS)
            return None
        if statements is not None and not statements.listed() and self._is_other_side:
            return None  # no policy at all, where conditions do not hold
        return self._with_values(content) if evaluator.is_supposed else content

    def _with_values(self, node: Node) -> Node:
        """The document with something unknown for each null: whoever switches the resource on, or makes the conditions so, gives a value."""
        if node.form is Form.NULL:
            return self._evaluator.hole("null", node.at)
        return node.but(
            items=tuple(map(self._with_values, node.items)),
            members=tuple(
                Member.named(member.name, self._with_values(member.value))
                for member in node.members
            ),
        )

    def _add(self, candidate: Candidate, content: Node | Syntax, other_side_of: str = "") -> None:
        block = candidate.block
        if isinstance(content, Node):
            content = placed(content, self._evaluator.budget.spend)
        earlier = self._at.setdefault((file_of(block), block.at.offset, candidate.path), [])
        in_root = (self._roots[number].get(self.root) for number, _ in earlier)
        first = next((own.name for own in in_root if own), "")
        mine = self._policy(candidate, content, other_side_of, first)
        for number, other in earlier:
            if other == content:
                self._attach_too(number, mine, other)
                self._note(number)
                return
        mine = self._filled(mine)
        number = len(self._found)
        self._roots[number] = {self.root: mine}
        if earlier and not first:
            # The others are those of other root folders.
            first = self._found[earlier[0][0]][1].name
            named = self._policy(candidate, content, other_side_of, first)
            mine = replace(mine, name=named.name, other_side_of=named.other_side_of)
        earlier.append((number, content))
        self._found.append((file_of(block), mine))
        self._note(number)

    def _policy(
        self, candidate: Candidate, content: Node | Syntax, other_side_of: str, first: str
    ) -> FoundPolicy:
        """The policy, after the `first` one of its block with another document."""
        name = candidate.name
        if first and self._is_other_side:
            sides = "other conditions" if self._evaluator.side else "conditions false"
            name = f"{name} ({sides})"
        return FoundPolicy(
            name=name,
            content=content,
            kind=candidate.place.kind,
            resource_type=candidate.place.resource_type,
            holder=candidate.holder,
            other_side_of=other_side_of or first,
            alternatives=candidate.alternatives | self.of_block,
            root=self.root,
        )

    def _attach_too(self, number: int, mine: FoundPolicy, content: Node | Syntax) -> None:
        """Another instance has the same document, which is `content` there: its principals have it too."""
        file, found = self._found[number]
        if not isinstance(found, FoundPolicy):
            return
        self._found[number] = (file, _with_instance(found, mine))
        roots = self._roots[number]
        if there := roots.get(self.root):
            roots[self.root] = _with_instance(there, mine)
        elif _is_same_text(content, mine.content):
            roots[self.root] = replace(
                mine,
                content=found.content,
                variants=found.variants,
                unresolved=found.unresolved,
                written=found.written,
            )
        else:
            # Its values stand in files of its own.
            roots[self.root] = self._filled(mine)

    def _filled(self, found: FoundPolicy) -> FoundPolicy:
        """The policy with values in the place of what is not known."""
        content, placeholders = found.content, self._evaluator.placeholders
        if not isinstance(content, Node) or placeholders.in_none_of(content):
            return found
        return found.filled(placeholders.variants(content))


def file_of(block: Block) -> str:
    """The file of a block; empty for a text without one."""
    lines = block.at.lines
    return (lines.file or "") if lines else ""


def _with_instance(found: FoundPolicy, further: FoundPolicy) -> FoundPolicy:
    """The policy, which another instance of the same block has, too."""
    own, holder = found.holder, further.holder
    listed = own.instances or (own,)
    if all(instance.name != holder.name for instance in listed):
        listed = (*listed, holder)
    listed = tuple(instance for instance in listed if instance.in_force is not False)
    if own.in_force is False or holder.in_force is False:
        # One that is switched off attaches it to nobody.
        attached_to = (own if own.in_force is not False else holder).attached_to
    else:
        attached_to = tuple(dict.fromkeys((*own.attached_to, *holder.attached_to)))
    either = {own.in_force, holder.in_force}
    both = replace(
        own,
        attached_to=attached_to,
        in_force=True if True in either else None if None in either else False,
        instances=listed if listed != (own,) else (),
    )
    return replace(found, holder=both, alternatives=found.alternatives | further.alternatives)


def _is_same_text(one: Node | Syntax, other: Node | Syntax) -> bool:
    """Whether equal documents stand at the same places of the files."""
    if not (isinstance(one, Node) and isinstance(other, Node)):
        return True
    todo = [(one, other)]
    while todo:
        own, same = todo.pop()
        if own.at.lines is not same.at.lines or own.at.offset != same.at.offset:
            return False
        todo += zip(own.items, same.items, strict=False)
        members = zip(own.members, same.members, strict=False)
        todo += ((a.value, b.value) for a, b in members)
    return True


def _statements(content: Node) -> Iterator[tuple[object, int]]:
    """The places of the statements of a document."""
    body = content.member("Statement")
    for statement in body.listed() if body is not None else ():
        lines = statement.at.lines
        yield (lines.file or id(lines)) if lines else None, statement.at.offset
