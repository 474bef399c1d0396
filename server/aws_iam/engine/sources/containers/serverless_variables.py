"""The variables of a Serverless Framework file: what the file has, and defaults, become their values; all others are holes.

https://www.serverless.com/framework/docs/providers/aws/guide/variables
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, Place, string
from aws_iam.engine.parsing.node_size import NODE_COST, size
from aws_iam.engine.sources.containers.access_settings import canonical
from aws_iam.engine.sources.containers.alternatives import alternative, of_entries
from aws_iam.engine.sources.containers.other_files import OtherFiles
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.sources.containers.placeholders import Placeholders

MAX_PRODUCED = 1_000_000
"""The most characters that the references of one file may expand to."""
MOST_NESTED = 40
"""How deep values may lie in values that references lead to; a document needs a dozen levels."""
LONGEST = 2_000
_LONG_INDEX = 5
# IAM and CloudFormation have variables of their own: `${aws:username}`, `${AWS::Region}`, `${Table.Arn}`.
_VARIABLE = re.compile(
    r"(?:self|opt|env|file|param|sls|cf|ssm|git|state|output|terraform|vault|strToBool|custom)(?:\.[\w-]+|\([^()]*\))*:"
    r"|file\(|strToBool\(|s3:[^/}]+/|aws:(?:accountId|region|partition)\b"
)
_SELF = "self:"
# Given on the command line or by the shell.
_OPTIONS = ("opt:", "env:")
_PARAMETER, _DEFAULT = "param:", "default"
# https://www.serverless.com/framework/docs/providers/aws/guide/variables#referencing-serverless-core-variables
_STAGE_OPTION = "opt:stage"
# What is the stage, or is often made of it.
_STAGES = re.compile(r"(?:opt:|sls:|self:(?:\w+\.)*)stage\b")
_STAGE, _STAGE_IS = "sls:stage", "opt:stage, self:provider.stage, 'dev'"
_FILE = re.compile(r"file\(((?:[^()]|\([^()]*\))*)\)(?::(.+))?", re.DOTALL)
_HOLE = re.compile(r"\$\{.*\}")
_QUOTED = re.compile(r"""\s*(['"])(.*)\1\s*""", re.DOTALL)


@dataclass(slots=True)
class Variables:
    """Resolves the variables of one file."""

    root: Node
    placeholders: Placeholders
    others: OtherFiles = field(default_factory=OtherFiles)
    choices: Mapping[str, str] = field(default_factory=dict)
    """The values of options to read it with."""
    noted: list[tuple[frozenset[int], Alternative]] = field(default_factory=list)
    """What may stand in place of values at deployment, with the offsets of these."""
    _active: list[str] = field(default_factory=list)
    _nested: int = 0
    _produced: int = 0

    def value(self, node: Node) -> Node:
        """The node with its variables resolved."""
        if node.form is Form.STRING:
            return self._text(node) if "${" in node.text else node
        if node.form not in {Form.ARRAY, Form.OBJECT}:
            return node
        if self._nested >= MOST_NESTED:
            return string(self.placeholders.placeholder("deeper"), node.at)
        self._nested += 1
        found = node.but(
            items=tuple(map(self.value, node.items)), members=tuple(self._members(node))
        )
        self._nested -= 1
        return found

    def shown(self, text: str) -> str:
        """The text as it was written, with `${…}` for what is not known."""
        return self.placeholders.as_variables(text)

    def _members(self, node: Node) -> Iterator[Member]:
        for member in node.members:
            name = member.name
            key = self._text(name) if "${" in member.key else name
            known = key if key.form is Form.STRING else name
            yield Member.named(known, self.value(member.value))

    def _text(self, node: Node) -> Node:
        """A text with the values of its variables; the value itself where the text is one variable."""
        parts: list[str] = []
        done = 0
        for start, end in _variables(node.text):
            value = self._variable(node.text[start + 2 : end - 1], node)
            if start == 0 and end == len(node.text):
                return self._placed(value, node)
            own = value.text
            if value.form in {Form.ARRAY, Form.OBJECT}:
                own = self._hole(node.text[start + 2 : end - 1])
            self._spend(len(own))
            parts += (node.text[done:start], own)
            done = end
        return string("".join((*parts, node.text[done:])), node.at) if parts else node

    def _placed(self, value: Node, at: Node) -> Node:
        """The value under the name that it has here, with its own line: there a person would mend it."""
        self._spend(size(value))
        spot, lines = value.at.spot, value.at.lines
        return value.but(stand=Place(at.at.parent, at.at.token, spot, lines))

    def _variable(self, written: str, at: Node) -> Node:
        """The value of `source:address, fallback`; a hole where it is not in the file."""
        self._spend(1)
        if len(self._active) < MOST_NESTED and written not in self._active:
            self._active.append(written)
            try:
                found = self._known(written, at)
            finally:
                self._active.pop()
            if found is not None:
                return found
        return string(self._hole(written), at.at)

    def _known(self, written: str, at: Node) -> Node | None:
        is_unknown = False
        for own in _alternatives(written):
            quoted_ = _QUOTED.fullmatch(own)
            if quoted_:
                return None if is_unknown else string(quoted_[2], at.at)
            address = own.strip()
            if address.startswith("${") and address.endswith("}"):
                address = address[2:-1].strip()
            if address in self.choices and not is_unknown:
                return string(self.choices[address], at.at)
            if address.startswith(_OPTIONS):
                # Read as if nobody gave it: what stands behind it is its default.
                continue
            if not address.startswith(_SELF):
                value = self._from_elsewhere(address, at)
                if value is not None and not is_unknown:
                    return value
                # What it may be instead decides where this one is not set.
                is_unknown = True
                continue
            path = address.removeprefix(_SELF)
            chosen = self._text(string(path, at.at)).text
            found = self._at_path(chosen)
            if is_unknown and found is not None:
                otherwise = alternative(f"a value of {quoted(written)}", canonical(found))
                self.noted.append((frozenset({at.at.offset}), otherwise))
                return None
            value = None if found is None else self.value(found)
            self._note_entries(path, chosen, at, value)
            if value is not None or is_unknown:
                return value
        return None

    def _from_elsewhere(self, address: str, at: Node) -> Node | None:
        """The stage, a parameter, or what stands in another file; None where that is not at hand."""
        if address == _STAGE:
            return self._known(_STAGE_IS, at)
        if address.startswith(_PARAMETER):
            return self._parameter(address.removeprefix(_PARAMETER), at)
        taken = _FILE.fullmatch(address)
        return self._of_file(taken[1], taken[2] or "", at) if taken else None

    def _parameter(self, name: str, at: Node) -> Node | None:
        """The value of a parameter in the stage, which another stage may have otherwise."""
        stage = self._text(string(f"${{{_STAGE}}}", at.at)).text
        sections = self._stages()
        found_in = ((own, section.member(name)) for own, section in sections)
        entries = [(own, value) for own, value in found_in if value is not None]
        known = stage if any(own == stage for own, _ in entries) else _DEFAULT
        found = next((own for stage_, own in entries if stage_ == known), None)
        value = None if found is None else self.value(found)
        offsets = frozenset({at.at.offset, value.at.offset if value else at.at.offset})
        what = f"a value chosen by {quoted(_STAGE)}"
        for own in of_entries(what, entries, known, _STAGE_OPTION):
            # Of any stage that has none of its own.
            keys = own.keys if own.keys != (_DEFAULT,) else ()
            self.noted.append((offsets, replace(own, keys=keys)))
        return value

    def _stages(self) -> Iterator[tuple[str, Node]]:
        """The parameters of each stage, those of all stages as `default`.

        https://www.serverless.com/framework/docs/guides/parameters
        """
        for path, below in (("params", ""), ("stages", "params")):
            section = self.root.member(path)
            for member in section.members if section is not None else ():
                own = member.value.member(below) if below else member.value
                if own is not None:
                    yield member.key, own

    def _of_file(self, path: str, address: str, at: Node) -> Node | None:
        """What stands at an address of another file; None where that is not known."""
        name, inner = (self._text(string(own.strip(), at.at)).text for own in (path, address))
        if self.placeholders.within(name + inner):
            return None
        file = self.others.value(name.strip("'\""))
        found = self._within(file, inner) if file is not None and inner else file
        value = None if found is None else self.value(found)
        if file is not None:
            self._note_entries(address.strip(), inner, at, value, file)
        return value

    def _note_entries(
        self, path: str, chosen: str, at: Node, value: Node | None, root: Node | None = None
    ) -> None:
        """The entries of a section among which another variable chooses, as in `custom.actions.${opt:stage}`, of this file or of `root`."""
        if not (chooses := [path[start + 2 : end - 1] for start, end in _variables(path)]):
            return
        entries = [("", root or self.root)]
        patterns = [_HOLE.sub("*", step) for step in _steps(path)]
        is_key = len(chooses) == 1 and _STAGES.match(chooses[0]) and patterns.count("*") == 1
        for step, pattern in zip(_steps(path), patterns, strict=True):
            entries = [
                (f"{name}.{member.key}" if pattern != step else name, member.value)
                for name, section in entries
                for member in section.members
                if fnmatchcase(member.key, pattern)
            ]
        what = f"a value chosen by {joined(list(map(quoted, chooses)))}"
        offsets = frozenset({at.at.offset, value.at.offset if value else at.at.offset})
        for name, own in entries:
            is_read = value is not None and f"{name}." in f".{chosen}."
            noted = alternative(
                what,
                name,
                canonical(own),
                is_read=is_read,
                chooser=_STAGE_OPTION if is_key else "",
                keys=(name.removeprefix("."),),
            )
            self.noted.append((offsets, noted))

    def _at_path(self, path: str) -> Node | None:
        if self.placeholders.within(path):
            return None
        return self._within(self.root, path)

    def _within(self, root: Node, path: str) -> Node | None:
        """What stands at a path of a file."""
        found: Node | None = root
        for step in path.split("."):
            if found is None:
                return None
            if found.form is Form.STRING and "${" in found.text:
                # A section may itself be a reference to another one.
                found = self._text(found)
            if found.form is Form.ARRAY:
                index = (
                    int(step)
                    if step.isascii() and step.isdecimal() and len(step) < _LONG_INDEX
                    else -1
                )
                found = found.items[index] if 0 <= index < len(found.items) else None
            else:
                found = found.member(step)
        return found

    def _hole(self, written: str) -> str:
        return self.placeholders.placeholder(self.shown(written))

    def _spend(self, characters: int) -> None:
        self._produced += characters + NODE_COST
        if self._produced > MAX_PRODUCED:
            raise InputError(
                f"the variables of the file expand to more than {MAX_PRODUCED:,} characters",
                hint="split the file and check the parts",
            )


def _variables(text: str) -> Iterator[tuple[int, int]]:
    """Where the outermost variables of a text begin and end."""
    at = text.find("${")
    while at >= 0:
        end = at + 2
        if _VARIABLE.match(text, end):
            closed = _end(text, at)
            # Nothing else in so long a text without an end is worth a search of its own.
            end = closed if closed > 0 else at + LONGEST
            if closed > 0:
                yield at, end
        at = text.find("${", end)


def _end(text: str, start: int) -> int:
    depth = 0
    for at in range(start, min(len(text), start + LONGEST)):
        if text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at + 1
    return -1


def _steps(path: str) -> Iterator[str]:
    """The steps of a path; a variable in it, with dots of its own, is a part of one."""
    start = depth = 0
    for at, character in enumerate(path):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "." and not depth:
            yield path[start:at]
            start = at + 1
    yield path[start:]


def _alternatives(written: str) -> Iterator[str]:
    """The parts between the commas of a variable that stand in no brackets and no quotes."""
    depth, quote, start = 0, "", 0
    for at, character in enumerate(written):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "({":
            depth += 1
        elif character in ")}":
            depth -= 1
        elif character == "," and depth == 0:
            yield written[start:at]
            start = at + 1
    yield written[start:]
