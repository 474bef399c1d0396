"""What the open keys behind policy variables can be in a request for one resource: each scenario is a request.

    `arn:aws:s3:::books/${aws:PrincipalTag/team}/*` on `arn:aws:s3:::books/red/x`   →   the tag is `red`, another text, or absent

Only the texts that the resource has in a variable's place, and those that conditions name, make a difference.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.automaton import OverBudget
from aws_iam.engine.comparison.distinct_values import Atom, distinct_values
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.language.variables import variables
from aws_iam.escape import quoted
from aws_iam.tools.audit.access.partial_evaluation import known_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aws_iam.engine.comparison.automaton import Budget
    from aws_iam.engine.comparison.distinct_values import Value
    from aws_iam.engine.evaluation.matching import Hit
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Statement

_MOST_SCENARIOS = 200
_MOST_SOLUTIONS = 40
_CHARACTERS = 64
# Stands for the variable whose values are looked for; no policy has the character.
_MARK = "\U000f0003"
_COMPARED = (Family.STRING, Family.ARN)


class VariableScenarios:
    """The scenarios of a request under the statements that may apply to it."""

    def __init__(
        self, request: Request, hits: Iterable[Hit], is_open: Callable[[str], bool], budget: Budget
    ) -> None:
        self._request = request
        self._is_open = is_open
        self._budget = budget
        self._written = [hit.statement for hit in hits if hit.placed.has_variables]
        self.names: dict[str, str] = {
            variable.name.lower(): variable.name
            for statement in self._written
            for text in _texts(statement)
            for variable in variables(text)
            if is_open(variable.name.lower())
        }

    def requests(self) -> Iterator[tuple[Request, Mapping[str, str]]]:
        """Each scenario: the request with the values put in, and for each key what its value is, in words.

        Raises OverBudget after the first ones where there are too many.
        """
        options = [list(self._values(key)) for key in self.names]
        for number, values in enumerate(product(*options)):
            if number == _MOST_SCENARIOS:
                raise OverBudget("the policies' variables can stand for too many texts")
            request, words = self._request, {}
            for (key, name), (value, word) in zip(self.names.items(), values, strict=True):
                request = request.with_key(name, *value) if value else request
                words[key] = word
            yield request, words

    def _values(self, key: str) -> Iterator[tuple[Value, str]]:
        name = quoted(self.names[key])
        solutions = dict.fromkeys(self._solutions(key))
        named = dict.fromkeys((*solutions, *self._compared_with(key)))
        atoms = [Atom(key, "Null", ("true",)), *self._atoms(key)]
        atoms += [Atom(key, "StringEquals", (text,)) for text in named]
        found = distinct_values(key, tuple(dict.fromkeys(atoms)), budget=self._budget)
        for value in sorted(found, key=lambda own: not own.value or own.value[0] not in named):
            texts = value.value
            if texts is None:
                yield None, f"the key {name} is absent"
            elif len(texts) == 1 and texts[0]:
                exact = texts[0] in named
                yield texts, f"{name} is{'' if exact else ', for example,'} {quoted(texts[0])}"

    def _atoms(self, key: str) -> Iterator[Atom]:
        for statement in self._written:
            for condition in statement.conditions_on(key):
                wanted = tuple(value.value for value in condition.values)
                if condition.base in OPERATORS and not any("${" in text for text in wanted):
                    yield Atom(key, condition.operator.value, wanted)

    def _compared_with(self, key: str) -> Iterator[str]:
        """The texts that other conditions compare with what the variable fills in."""
        names = {
            condition.name
            for statement in self._written
            for condition in statement.conditions
            for value in condition.values
            if any(own.name.lower() == key for own in variables(value.value))
        }
        for statement in self._written:
            for condition in statement.conditions:
                if condition.name in names and OPERATORS.get(condition.base) in _COMPARED:
                    texts = [value.value for value in condition.values]
                    yield from (text for text in texts if is_literal(text) and "${" not in text)
        for other in names:
            yield from self._request.context.peek(other) or ()

    def _solutions(self, key: str) -> Iterator[str]:
        """What stands in the resource where the variable stands in a policy, whole names first."""
        found: dict[str, None] = {}
        for statement in self._written:
            for text in (*statement.resource_words, *statement.not_resource_words):
                for variable in variables(text):
                    if variable.name.lower() == key:
                        marked = text.replace(variable.text, _MARK, 1)
                        found |= dict.fromkeys(self._between(marked))
        if len(found) > _MOST_SOLUTIONS:
            raise OverBudget(
                f"{quoted(self.names[key])} can stand for too many parts of the resource"
            )
        yield from sorted(found, key=lambda own: ("/" in own, -len(own)))

    def _between(self, marked: str) -> Iterator[str]:
        """The parts of the resource between what stands before the mark and after it."""
        resource = self._request.resource
        pattern, _ = known_pattern(marked, self._request.context, self._is_open)
        if pattern is None:
            return
        before, _, after = pattern.partition(_MARK)
        starts = self._ends(before, resource)
        ends = [len(resource) - own for own in self._ends(after[::-1], resource[::-1])]
        self._budget.spend(len(starts) * len(ends) // _CHARACTERS)
        yield from {resource[start:end] for start in starts for end in ends if start < end}

    def _ends(self, pattern: str, text: str) -> list[int]:
        """Where a part from the beginning of the text can end that the pattern matches."""
        if is_literal(pattern):
            return [len(pattern)] if text.startswith(pattern) else []
        self._budget.spend(len(text) * len(text) // _CHARACTERS)
        return [end for end in range(len(text) + 1) if matches(pattern, text[:end])]


def _texts(statement: Statement) -> Iterator[str]:
    yield from statement.resource_words
    yield from statement.not_resource_words
    yield from (value.value for condition in statement.conditions for value in condition.values)
