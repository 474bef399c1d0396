"""Which statements a rule is worth running on: most rules are kept by what a look at a statement's words shows.

    @rule(…, when=(has("NotAction"), at_action(_is_service_wildcard)))

A gate looks at one word of a statement (an action, a resource, an operator with its key, a value) or at which element is
there, and is open where the rule might be broken. A rule runs on the statements at which one of its gates is open, one
without gates on all of them. What a gate says of a word is remembered, for policies are made of the same words.

Gates are for statements that are written as usual (`is_usual`); on any other all are open.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache, reduce
from itertools import count
from operator import or_
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.document import Condition, Form, Node, Place
from aws_iam.engine.language.json_nodes import string
from aws_iam.engine.language.operators import OPERATORS, Family
from aws_iam.rules.usual_form import is_usual, is_usual_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aws_iam.engine.language.document import Policy, Statement


class Part(Enum):
    """What a gate looks at."""

    POLICY = auto()
    STATEMENT = auto()
    ELEMENT = auto()
    SID = auto()
    EFFECT = auto()
    ACTION = auto()
    RESOURCE = auto()
    PRINCIPAL = auto()
    CONDITION = auto()
    VALUE = auto()


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """A look at a part of a statement; `test` is whether a word there may break a rule."""

    part: Part
    test: Callable[[Any], bool]


@dataclass(frozen=True, slots=True, eq=False)
class Both:
    """Open at a statement where both are."""

    one: Gate
    other: Gate


UNUSUAL: tuple[Gate, ...] = ()
"""The gates of a rule that every statement keeps which is written as usual."""


def at_policy(test: Callable[[Policy], bool]) -> Gate:
    """Open where the policy passes the test, which is made each time; for rules on policies."""
    return Gate(Part.POLICY, test)


def at_statement(test: Callable[[Statement], bool]) -> Gate:
    """Open where the statement passes the test, which is made each time."""
    return Gate(Part.STATEMENT, test)


def _repeats_a_key(statement: Statement) -> bool:
    conditions = statement.conditions
    return len(conditions) > 1 and len({condition.name for condition in conditions}) < len(
        conditions
    )


KEY_TWICE = at_statement(_repeats_a_key)
"""Open where two conditions are on one key."""


def has(*elements: str) -> Gate:
    """Open where the statement has one of the elements."""
    return Gate(Part.ELEMENT, frozenset(elements).__contains__)


def at_action(test: Callable[[str], bool]) -> Gate:
    """Open where an entry of Action or NotAction passes the test."""
    return Gate(Part.ACTION, test)


def at_resource(test: Callable[[str], bool]) -> Gate:
    """Open where an entry of Resource or NotResource passes the test."""
    return Gate(Part.RESOURCE, test)


def at_principal(test: Callable[[str], bool]) -> Gate:
    """Open where an entry of Principal or NotPrincipal passes the test."""
    return Gate(Part.PRINCIPAL, test)


def at_condition(test: Callable[[Condition], bool]) -> Gate:
    """Open where a condition passes the test, which looks at its operator and its key alone."""
    return Gate(Part.CONDITION, test)


def at_keys(*names: str) -> Gate:
    """Open where a condition has one of the keys, in lower case; one that ends in a slash stands for all that begin so."""
    exact, heads = frozenset(names), tuple(name for name in names if name.endswith("/"))
    return at_condition(
        lambda asked: asked.name in exact or bool(heads and asked.name.startswith(heads))
    )


def at_operators(*families: Family) -> Gate:
    """Open where a condition compares as one of the families does."""
    return at_condition(lambda asked: OPERATORS.get(asked.base) in families)


def at_sid(test: Callable[[str], bool]) -> Gate:
    """Open where the Sid passes the test."""
    return Gate(Part.SID, test)


def at_deny() -> Gate:
    """Open where the statement is a Deny."""
    return Gate(Part.EFFECT, "Deny".__eq__)


def at_value(test: Callable[[str], bool]) -> Gate:
    """Open where the value of a condition passes the test."""
    return Gate(Part.VALUE, test)


PRINCIPALS = has("Principal", "NotPrincipal")


def _has_variable(text: str) -> bool:
    return "${" in text


VARIABLE_IN_VALUE = at_value(_has_variable)
VARIABLE = (at_resource(_has_variable), VARIABLE_IN_VALUE)


class Gates:
    """The gates of some rules; a set of rules is a number with a bit for each."""

    def __init__(self, gates: Sequence[Iterable[Gate | Both] | None]) -> None:
        """`gates` are those of the rules in their order, None for a rule that has none and always runs."""
        self.every: int = (1 << len(gates)) - 1
        self.always: int = sum(1 << at for at, each in enumerate(gates) if each is None)
        bits: dict[Gate, int] = {}
        # Each gate of a pair has a bit beyond those of the rules.
        self._pairs: list[tuple[int, int]] = []
        beyond = count(len(gates))
        for at, some in enumerate(gates):
            for each in some or ():
                if isinstance(each, Gate):
                    bits[each] = bits.get(each, 0) | 1 << at
                    continue
                own = [1 << next(beyond), 1 << next(beyond)]
                for gate, bit in zip((each.one, each.other), own, strict=True):
                    bits[gate] = bits.get(gate, 0) | bit
                self._pairs.append((sum(own), 1 << at))
        looks = {
            part: _Look([(each.test, mask) for each, mask in bits.items() if each.part is part])
            for part in Part
        }
        self._policies = looks[Part.POLICY]
        self._statements = looks[Part.STATEMENT]
        self._elements = looks[Part.ELEMENT]
        self._sids = looks[Part.SID]
        self._effects = looks[Part.EFFECT]
        self._actions = looks[Part.ACTION]
        self._resources = looks[Part.RESOURCE]
        self._principals = looks[Part.PRINCIPAL]
        self._values = looks[Part.VALUE]
        self._conditions = looks[Part.CONDITION]
        self._of_form = lru_cache(maxsize=_KEPT)(self._open_at_form)
        self._of_pair = lru_cache(maxsize=_KEPT)(self._open_at_pair)

    def open(self, policy: Policy) -> tuple[int, list[int]]:
        """The rules that the policy might break, and those of them that each of its statements might."""
        if not is_usual_policy(policy):
            return self.every, [self.every] * len(policy.statements)
        parts = [self._open_at(statement) for statement in policy.statements]
        return reduce(or_, parts, self.always | self._policies.at(policy)), parts

    def _open_at(self, statement: Statement) -> int:
        if not is_usual(statement):
            return self.every
        mask = self._of_form(statement.elements, statement.denies) | self._statements.at(statement)
        mask |= self._actions.over(statement.action_words or statement.not_action_words)
        if statement.sid:
            mask |= self._sids.over((statement.sid.value,))
        resources = statement.resource_words or statement.not_resource_words
        if resources:
            mask |= self._resources.over(resources)
        if statement.principals or statement.not_principals:
            both = (*statement.principals, *statement.not_principals)
            mask |= self._principals.over([each.value for each in both])
        for asked in statement.conditions:
            operator, key = asked.operator.value, asked.key.value
            kept = len(operator) + len(key) <= _LONGEST
            mask |= (self._of_pair if kept else self._open_at_pair)(operator, key)
            mask |= self._values.over([value.value for value in asked.values])
        for pair, bit in self._pairs:
            if mask & pair == pair:
                mask |= bit
        return mask & self.every

    def _open_at_form(self, names: tuple[str, ...], denies: bool) -> int:  # noqa: FBT001 - a part of the form
        mask = self.always | self._effects.at("Deny" if denies else "Allow")
        for name in names:
            mask |= self._elements.at(name)
        return mask

    def _open_at_pair(self, operator: str, key: str) -> int:
        return self._conditions.at(Condition(string(operator), string(key), (), _NOTHING))


_NOTHING = Node(Form.ARRAY, Place())
# Words that are longer than any of AWS's are looked at each time, and all gates are open to endless lists: so what is
# remembered is bounded in number and size, and what is not remembered costs little beside the rules.
_LONGEST = 512
_MOST_WORDS = 5_000
_KEPT = 16_384


class _Look:
    """The gates of one part, and what they said of words before."""

    def __init__(self, tests: Sequence[tuple[Callable[[Any], bool], int]]) -> None:
        self._tests = tests
        self._remembered = lru_cache(maxsize=_KEPT)(self.at)
        self._all = 0
        for _, bits in tests:
            self._all |= bits

    def over(self, words: Sequence[str]) -> int:
        """The rules whose gate is open at one of the words."""
        if len(words) > _MOST_WORDS:
            return self._all
        mask, remembered = 0, self._remembered
        for word in words:
            mask |= remembered(word) if len(word) <= _LONGEST else self.at(word)
        return mask

    def at(self, word: Any) -> int:
        """The rules whose gate is open at the word."""
        mask = 0
        for test, bits in self._tests:
            if test(word):
                mask |= bits
        return mask
