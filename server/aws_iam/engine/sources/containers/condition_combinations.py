"""Which conditions of a template can hold together: two that compare one parameter with different values never do.

combinations(["IsProd", "IsTest"], must="")   →   [{IsProd: True, IsTest: False}, {IsProd: False, IsTest: True}, …]
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain, islice, product
from typing import TYPE_CHECKING, Final

from aws_iam.engine.parsing.json_nodes import Form, dump
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.engine.parsing.json_nodes import Node

MOST_COMBINATIONS: Final = 16
"""The most combinations of conditions in which one resource is read."""
_MOST_ASSIGNMENTS = 4_096
# For all sets of conditions of a template together, in definitions that are looked at.
_MOST_STEPS = 400_000
# Conditions that one condition depends on; no template nests that many.
_MOST_NAMED = 200
_PAIR = 2
# The assignments that are tried whatever it costs: the first and the last values.
_ALWAYS = 2
# Nested operators and names, over which no template goes.
_DEEPEST = 200
# A value that no condition compares with.
_OTHER = None
_WHOLE_REFERENCE = re.compile(r"\$\{([^{}!]+)\}")

# What a condition depends on, and the value with which it holds.
_Value = str | None
_Assignment = dict[str, _Value]


@slotted
class Combinations:
    """Truth values of conditions that can occur together; `cut`: there are more."""

    all: tuple[Mapping[str, bool], ...]
    cut: bool = False


@slotted
class _Formula:
    """`operator` is `equals` (of a subject and a value), `not`, `and`, `or` or `named` (by its subject)."""

    operator: str
    parts: tuple[_Formula, ...] = ()
    subject: str = ""
    value: _Value = None


@dataclass(slots=True)
class ConditionLogic:
    """The conditions of a template as formulas over what they compare."""

    template: Node
    definitions: Mapping[str, Node]
    _formulas: dict[str, _Formula] = field(default_factory=dict)
    _found: dict[tuple[frozenset[str], str], Combinations] = field(default_factory=dict)
    _steps: int = 0

    @classmethod
    def of(cls, template: Node) -> ConditionLogic:
        """That of a template."""
        section = template.member("Conditions")
        definitions = {own.key: own.value for own in section.members} if section else {}
        return cls(template, definitions)

    def combinations(self, names: Iterable[str], must: str = "") -> Combinations:
        """The combinations of the conditions in which `must` holds: the one with most that hold first, then none if it can be."""
        key = frozenset(names), must
        if key not in self._found:
            self._found[key] = self._combined(*key)
        return self._found[key]

    def _combined(self, names: frozenset[str], must: str) -> Combinations:
        wanted = sorted(names)
        closure = self._closure((*wanted, must) if must else wanted)
        found: dict[tuple[bool, ...], None] = {}
        cut = False
        for number, assignment in enumerate(_assignments(self._domains(closure))):
            self._steps += len(closure) + 1
            too_many = number >= _MOST_ASSIGNMENTS or self._steps > _MOST_STEPS
            if number >= _ALWAYS and (too_many or len(found) > MOST_COMBINATIONS):
                cut = True
                break
            truth = _Truth(self._formulas, assignment)
            if not must or truth.of(must):
                found[tuple(map(truth.of, wanted))] = None
            cut = cut or truth.too_deep
            if len(found) == 2 ** len(wanted):
                break
        if cut and not found:
            found[(True,) * len(wanted)] = None
        ordered = _ordered(found)[:MOST_COMBINATIONS] if found else []
        return Combinations(
            all=tuple(dict(zip(wanted, own, strict=True)) for own in ordered), cut=cut
        )

    def _closure(self, names: Iterable[str]) -> list[str]:
        """The conditions and those that they name, each compiled."""
        found = dict.fromkeys(names)
        todo = list(found)
        while todo:
            name = todo.pop()
            if name not in self._formulas:
                definition = self.definitions.get(name)
                self._formulas[name] = self._compiled(definition) if definition else _free(name)
            new = [own for own in _named_in(self._formulas[name]) if own not in found]
            if len(found) + len(new) > _MOST_NAMED:
                break
            found |= dict.fromkeys(new)
            todo += new
        return list(found)

    def _compiled(self, node: Node) -> _Formula:
        function = node.members[0] if len(node.members) == 1 else None
        if function is None:
            return _free(dump(node))
        name, argument = function.key, function.value
        if name == "Condition" and argument.form is Form.STRING:
            return _Formula(operator="named", subject=argument.text)
        if name == "Fn::Equals" and len(argument.items) == _PAIR:
            return _equals(*argument.items)
        operator = {"Fn::Not": "not", "Fn::And": "and", "Fn::Or": "or"}.get(name)
        if operator is None or not argument.items:
            return _free(dump(node))
        return _Formula(operator=operator, parts=tuple(map(self._compiled, argument.items)))

    def _domains(self, names: Iterable[str]) -> dict[str, list[_Value]]:
        """The values that tell apart what the conditions compare, by what it is."""
        domains: dict[str, list[_Value]] = {}
        for name in names:
            known = self._formulas.get(name)
            for formula in _within(known) if known else ():
                if formula.operator == "equals":
                    values = domains.setdefault(formula.subject, [])
                    if formula.value not in values:
                        values.append(formula.value)
        return {subject: self._possible(subject, own) for subject, own in domains.items()}

    def _possible(self, subject: str, compared: list[_Value]) -> list[_Value]:
        """The values of a subject: of a parameter those that it allows."""
        allowed = self._allowed(subject)
        if not allowed:
            return [*compared, _OTHER]
        values = [own for own in compared if own in allowed]
        return [*values, _OTHER] if allowed - set(values) else values

    def _allowed(self, subject: str) -> set[_Value]:
        parameters = self.template.member("Parameters")
        if parameters is None or not subject.startswith('{"Ref":'):
            return set()
        for parameter in parameters.members:
            if subject == _reference(parameter.key):
                listed = parameter.value.member("AllowedValues")
                return {own.text for own in listed.items} if listed else set()
        return set()


@dataclass(slots=True)
class _Truth:
    """The truth of conditions where what they compare has these values."""

    formulas: Mapping[str, _Formula]
    assignment: _Assignment
    too_deep: bool = False
    _known: dict[str, bool] = field(default_factory=dict)
    _depth: int = 0

    def of(self, name: str) -> bool:
        """Whether the condition holds; one that depends on itself does not."""
        if name not in self._known:
            self._known[name] = False
            formula = self.formulas.get(name)
            self._known[name] = self._holds(formula) if formula else False
        return self._known[name]

    def _holds(self, formula: _Formula) -> bool:
        if self._depth > _DEEPEST:
            self.too_deep = True
            return False
        self._depth += 1
        found = self._decided(formula)
        self._depth -= 1
        return found

    def _decided(self, formula: _Formula) -> bool:
        match formula.operator:
            case "equals":
                return self.assignment.get(formula.subject, _OTHER) == formula.value
            case "not":
                return not self._holds(formula.parts[0])
            case "and":
                return all(map(self._holds, formula.parts))
            case "or":
                return any(map(self._holds, formula.parts))
            case _:
                return self.of(formula.subject)


def _assignments(domains: Mapping[str, list[_Value]]) -> Iterator[_Assignment]:
    """Every choice of values; the first ones and the last ones are also those of most conditions."""
    subjects, values = list(domains), list(domains.values())
    if not all(values):
        return
    ends = (tuple(own[0] for own in values), tuple(own[-1] for own in values))
    for chosen in chain(ends, islice(product(*values), _MOST_ASSIGNMENTS)):
        yield dict(zip(subjects, chosen, strict=True))


def _ordered(found: Iterable[tuple[bool, ...]]) -> list[tuple[bool, ...]]:
    """The one in which most hold, then the one in which none does, then the others by how many hold."""
    first, *others = sorted(found, key=lambda truths: -sum(truths))
    return [first, *sorted(others, key=any)]


def _equals(left: Node, right: Node) -> _Formula:
    sides = [_compared(own) for own in (left, right)]
    literals = [text for text, is_literal in sides if is_literal]
    if len(literals) != 1:
        # Two values are a switch that somebody turns by hand: both ways are read.
        return _free(" = ".join(sorted(text for text, _ in sides)))
    subject = next(text for text, is_literal in sides if not is_literal)
    return _Formula(operator="equals", subject=subject, value=literals[0])


def _compared(node: Node) -> tuple[str, bool]:
    """A side of a comparison, and whether it is a value; `${X}` alone is a reference."""
    if not node.members and not node.items:
        return node.text, "{{resolve:" not in node.text
    if len(node.members) == 1 and node.members[0].key == "Fn::Sub":
        text = node.members[0].value.text
        whole = _WHOLE_REFERENCE.fullmatch(text)
        if whole:
            return _reference(whole[1].strip()), False
        if text and "${" not in text:
            return text, True
    return dump(node), False


def _reference(name: str) -> str:
    return '{"Ref": "' + name + '"}'


def _free(subject: str) -> _Formula:
    """A condition that may hold or not."""
    return _Formula(operator="equals", subject=f"? {subject}", value="true")


def _within(formula: _Formula) -> Iterator[_Formula]:
    todo = [formula]
    while todo:
        own = todo.pop()
        yield own
        todo += own.parts


def _named_in(formula: _Formula) -> Iterator[str]:
    return (own.subject for own in _within(formula) if own.operator == "named")
