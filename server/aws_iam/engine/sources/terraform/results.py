"""What a reading of Terraform found, in the order of the blocks: a document that several instances have is there once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.answer import Where
from aws_iam.engine.language.cases import ALWAYS, FALSE, TRUE, Assumed, Case, Cases, cases_of
from aws_iam.engine.language.frozen import positional
from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.engine.parsing.json_text import Syntax
from aws_iam.engine.parsing.made_nodes import placed
from aws_iam.engine.sources.containers.attachments import PolicyAttachment
from aws_iam.engine.sources.containers.policy_places import (
    FoundPolicy,
    FoundResource,
    PolicyPlace,
    SkippedPlace,
)
from aws_iam.engine.sources.terraform.embedded_json import document_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.language.document import Holder
    from aws_iam.engine.sources.containers.access_settings import AccessSetting
    from aws_iam.engine.sources.terraform.expressions import Evaluator
    from aws_iam.engine.sources.terraform.syntax import Block

    Found = FoundPolicy | SkippedPlace | PolicyAttachment

UNKNOWN = "the document is not known from these files"
_CONDITIONS = "conditions"
_WITHOUT_STATEMENTS = "the document has no statement, with the values that these files give"


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
        self._seen: set[object] = set()
        self._attached: dict[PolicyAttachment, int] = {}
        # The cases of what was found, by position, and what was found while one instance of a block is read.
        self._cases: dict[int, list[tuple[set[Case], frozenset[Case]]]] = {}
        self._always: set[int] = set()
        self._of_instance: dict[int, set[Case]] = {}
        # The statements that policies have, with the name of the first policy.
        self._covered: dict[tuple[object, int], str] = {}
        self.managed: dict[str, str] = {}
        """The names of the documents of managed policies, by ARN."""
        self.settings: dict[AccessSetting, None] = {}
        """What else decides about access."""
        self.of_block: frozenset[Alternative] = frozenset()
        """The other values of what decides about the instances of the block that is read."""
        self.resources: dict[FoundResource, None] = {}
        """The resources that there may be, and the documents that something uses."""

    def with_documents(self) -> Iterator[tuple[str, Found]]:
        """All that was found with its file and its cases, attachments with the names of their documents."""
        self.begin_instance()
        for number, (file, found) in enumerate(self._found):
            cases = self._cases_at(number)
            if isinstance(found, PolicyAttachment):
                document = self.managed.get(found.policy, "")
                yield file, replace(found, document=document, cases=cases)
            elif isinstance(found, FoundPolicy):
                yield file, replace(found, cases=cases)
            else:
                yield file, found

    # Cases

    def begin_instance(self) -> None:
        """What the instance before has is there in every case, as no condition decided about it."""
        self._always |= self._of_instance.keys()
        self._of_instance = {}

    def end_cases(self) -> None:
        """The instance was read on all sides of what conditions do not decide."""
        choices = map(str, range(1, self._evaluator.choice + 1))
        every = frozenset(map(self._case, (TRUE, FALSE, *choices)))
        for number, own in self._of_instance.items():
            self._cases.setdefault(number, []).append((own, every))
        self._of_instance = {}

    def _cases_at(self, number: int) -> Cases:
        """Those of all instances that have a document: in which one of them has it does not matter."""
        if number in self._always or number not in self._cases:
            return ALWAYS
        read = self._cases[number]
        own = frozenset(case for mine, _ in read for case in mine)
        return cases_of(own, frozenset(case for _, every in read for case in every))

    @staticmethod
    def _case(value: str) -> Case:
        return frozenset({Assumed(_CONDITIONS, value)})

    def _note(self, number: int) -> None:
        """That what stands at a position is so in the case that is read."""
        evaluator = self._evaluator
        side = TRUE if evaluator.side else FALSE
        case = self._case(str(evaluator.choice) if evaluator.choice else side)
        self._of_instance.setdefault(number, set()).add(case)

    def shown(self, text: str) -> str:
        """A text with `${…}` for what is not known."""
        return self._evaluator.placeholders.as_variables(text)

    def skip(self, file: str, name: str, why: str) -> None:
        """Name a place that is not read, once."""
        if (name, why) not in self._seen:
            self._seen.add((name, why))
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
            self._attached[attachment] = len(self._found)
            self._found.append((file_of(block), attachment))
        self._note(self._attached[attachment])

    def exists(self, block: Block, address: str) -> None:
        """Name a resource."""
        self.resources[FoundResource(name=address, file=file_of(block) or None)] = None

    def set_beside(self, block: Block, setting: AccessSetting) -> None:
        """Add a setting that decides about access."""
        lines, file = block.at.lines, file_of(block) or None
        line, column = lines.at(block.at.offset) if lines else (None, None)
        where = Where(file=file, line=line, column=column)
        self.settings[replace(setting, file=file, where=where)] = None

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
        return content

    def _add(self, candidate: Candidate, content: Node | Syntax, other_side_of: str = "") -> None:
        block = candidate.block
        if isinstance(content, Node):
            content = placed(content, self._evaluator.budget.spend)
        earlier = self._at.setdefault((file_of(block), block.at.offset, candidate.path), [])
        for number, other in earlier:
            if other == content:
                self._attach_too(number, candidate)
                self._note(number)
                return
        name = candidate.name
        if earlier:
            other_side_of = other_side_of or self._found[earlier[0][0]][1].name
            if self._is_other_side:
                sides = "other conditions" if self._evaluator.side else "conditions false"
                name = f"{name} ({sides})"
        earlier.append((len(self._found), content))
        self._note(len(self._found))
        found = FoundPolicy(
            name=name,
            content=content,
            kind=candidate.place.kind,
            resource_type=candidate.place.resource_type,
            holder=candidate.holder,
            other_side_of=other_side_of,
            alternatives=candidate.alternatives | self.of_block,
        )
        self._found.append((file_of(block), self._filled(found)))

    def _attach_too(self, number: int, candidate: Candidate) -> None:
        """Another instance has the same document: its principals have it too."""
        file, found = self._found[number]
        if not isinstance(found, FoundPolicy):
            return
        own, holder = found.holder, candidate.holder
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
        alternatives = found.alternatives | candidate.alternatives | self.of_block
        self._found[number] = (file, replace(found, holder=both, alternatives=alternatives))

    def _filled(self, found: FoundPolicy) -> FoundPolicy:
        """The policy with values in the place of what is not known."""
        content, placeholders = found.content, self._evaluator.placeholders
        if not isinstance(content, Node) or placeholders.in_none_of(content):
            return found
        variants, unresolved = placeholders.variants(content)
        return replace(found, content=variants[0], variants=variants[1:], unresolved=unresolved)


def file_of(block: Block) -> str:
    """The file of a block; empty for a text without one."""
    lines = block.at.lines
    return (lines.file or "") if lines else ""


def _statements(content: Node) -> Iterator[tuple[object, int]]:
    """The places of the statements of a document."""
    body = content.member("Statement")
    for statement in body.listed() if body is not None else ():
        lines = statement.at.lines
        yield (lines.file or id(lines)) if lines else None, statement.at.offset
