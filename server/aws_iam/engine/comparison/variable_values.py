"""What the variables of policies can stand for in a comparison, as a sequence of scenarios.

    list(variable_scenarios(policies))   →   [{"aws:username": "zzz"}, {"aws:username": None}, {"aws:username": "alice"}]

A variable stands for a text that no pattern spells, for nothing (its key is absent), for each text that the policies can
distinguish in its place, or for the same as another variable. All combinations are tried; where there are too many, only the
first ones are, and OverBudget is raised after them.
"""

from __future__ import annotations

import re
from itertools import chain, product
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.automaton import Budget, OverBudget, Pattern, Symbol
from aws_iam.engine.comparison.clauses import comparable_texts, variable_keys
from aws_iam.engine.comparison.distinct_values import Atom, distinct_values
from aws_iam.engine.comparison.pattern_combinations import combinations, wildcard_pattern
from aws_iam.engine.evaluation.context import without_stand_ins
from aws_iam.engine.language.operators import OPERATORS
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Policy

_MOST = 200
_MOST_NAMED = 24
# Pairs of texts that are compared.
_MOST_PAIRS = 40_000
_LONGEST = 2_048
_HOLE = re.compile(r"\$\{([^}]*)\}")
_SEPARATORS = "/:"
_ALWAYS = "always"
_ACCOUNTS = ("999988887777", "555566667777", "333344445555", "222211110000")
_SHAPES: Mapping[str, tuple[str, ...]] = {
    "aws:principalaccount": _ACCOUNTS,
    "aws:resourceaccount": _ACCOUNTS,
    "aws:sourceaccount": _ACCOUNTS,
    "aws:principalarn": tuple(f"arn:aws:iam::{account}:role/some-role" for account in _ACCOUNTS),
    "aws:principaltype": ("AssumedRole",),
    "aws:requestedregion": ("eu-north-1", "ap-south-1", "ca-west-1", "sa-east-1"),
}
_ID = re.compile(r"\d{12}")
_VALID: Mapping[str, re.Pattern[str]] = {
    "aws:principalaccount": _ID,
    "aws:resourceaccount": _ID,
    "aws:sourceaccount": _ID,
    "aws:principalarn": re.compile(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:.+"),
    "aws:principaltype": re.compile("AssumedRole|User|FederatedUser|Account|Anonymous"),
}
"""Keys whose values have a fixed shape."""

_WITHIN = (Pattern((Symbol.ONE_IN_NAME, Symbol.MANY_IN_NAME)),)


def variable_names(policies: Sequence[Policy]) -> tuple[str, ...]:
    """The keys of the policies' variables, in the spelling in which they first occur."""
    keys = variable_keys(policies)
    written: dict[str, str] = {}
    for texts in comparable_texts(policies) if keys else ():
        for text in texts:
            for hole in _HOLE.findall(text):
                name = hole.partition(",")[0].strip()
                written.setdefault(name.lower(), name)
    return tuple(written.get(key, key) for key in keys)


def variable_scenarios(
    policies: Sequence[Policy], settled: Mapping[str, Sequence[str | None]] | None = None
) -> Iterator[Mapping[str, str | None]]:
    """Every scenario, the most likely first; an empty one when there are no variables.

    `settled` are the only values that some keys can have.
    """
    keys = variable_keys(policies)
    if not keys:
        yield {}
        return
    options: dict[str, list[str | None]] = {}
    for key in keys:
        own = (settled or {}).get(key)
        options[key] = list(own) if own is not None else list(_options(key, policies, options))
    count = 1
    for listed in options.values():
        count *= len(listed)
    scenarios = chain(_one_by_one(options), product(*options.values()))
    seen: set[tuple[str | None, ...]] = set()
    for values in scenarios:
        if values in seen:
            continue
        if len(seen) == _MOST:
            raise OverBudget(
                f"the policies' variables can stand for {count:,} combinations of texts"
            )
        seen.add(values)
        yield dict(zip(keys, values, strict=True))


def _one_by_one(options: Mapping[str, Sequence[str | None]]) -> Iterator[tuple[str | None, ...]]:
    """The first value of every variable, then scenarios that differ from that in one variable."""
    first = tuple(listed[0] for listed in options.values() if listed)
    if len(first) < len(options):
        return
    yield first
    for at, listed in enumerate(options.values()):
        yield from ((*first[:at], value, *first[at + 1 :]) for value in listed[1:])


def _options(
    key: str, policies: Sequence[Policy], others: Mapping[str, Sequence[str | None]]
) -> Iterator[str | None]:
    """What one variable can stand for, an unused text first."""
    known = catalog().condition_key(key)
    if known and known.multivalued:
        raise OverBudget(f"`{key}` can have several values, so a variable of it has no single one")
    found: dict[str | None, None] = {_unused_text(key, policies): None}
    if known is None or known.presence_rule != _ALWAYS:
        found[None] = None
    found |= dict.fromkeys(_texts_in_its_place(key, policies))
    found |= dict.fromkeys(_texts_for_conditions(key, policies))
    found |= dict.fromkeys(listed[0] for listed in others.values() if listed)
    shape = _VALID.get(key)
    yield from (text for text in found if text is None or not shape or shape.fullmatch(text))


def _unused_text(key: str, policies: Sequence[Policy]) -> str:
    """A text for the variable that no pattern of the policies spells, in the shape of the key's values."""
    texts = [text for texts in comparable_texts(policies) for text in texts]
    for shaped in _SHAPES.get(key, ()):
        if not any(shaped in text for text in texts):
            return shaped
    used = set("".join(texts))
    # Each key gets another text.
    number = variable_keys(policies).index(key)
    letters = [c for c in "zqxjkvwybfghudp0123456789" if c not in used]
    if len(letters) > number:
        return letters[number] * 3
    return chr(0x100 + next(n for n in range(number, 0xD000) if chr(0x100 + n) not in used)) * 3


def _texts_in_its_place(key: str, policies: Sequence[Policy]) -> list[str]:
    """A text for each group of values that other texts of the policies distinguish in the variable's place."""
    pieces: dict[str, None] = {}
    budget = Budget(_MOST_PAIRS)
    for texts in comparable_texts(policies):
        for text in texts:
            for hole in _HOLE.finditer(text) if "${" in text else ():
                if hole[1].partition(",")[0].strip().lower() != key:
                    continue
                before, after = text[: hole.start()], text[hole.end() :]
                for other in texts:
                    budget.spend()
                    if other != text:
                        pieces |= dict.fromkeys(_pieces(before, after, other, budget))
    pieces.pop("", None)
    pieces.pop("*", None)
    if not pieces:
        return []
    if len(pieces) > _MOST_NAMED:
        raise OverBudget(f"the policies have {len(pieces)} texts in the place of one variable")
    found = combinations(
        [wildcard_pattern(piece) for piece in pieces],
        inside=_WITHIN,
        budget=budget,
    )
    if len(found) > _MOST_NAMED:
        raise OverBudget(
            f"the policies distinguish {len(found)} texts in the place of one variable"
        )
    return [found[cell] for cell in sorted(found, key=lambda c: len(found[c])) if cell]


def _pieces(before: str, after: str, other: str, budget: Budget) -> Iterator[str]:
    """What another text has in the place of the variable, up to its end, a separator or what follows the variable."""
    if len(other) > _LONGEST or len(before) > _LONGEST:
        raise OverBudget("a text with a variable is too long")
    head = min(_until(before, "*?$"), _until(other, "*?$"))
    if before[:head] != other[:head]:
        return
    symbols, rest = _symbols(other), _symbols(before)
    budget.spend((len(symbols) + len(rest)) // 64)
    for at in _places(rest, symbols):
        piece = ""
        for symbol in symbols[at:]:
            if symbol in _SEPARATORS or symbol == "$":
                break
            if after[:1] == symbol and piece:
                yield piece
            piece += symbol
        yield piece


def _symbols(text: str) -> list[str]:
    """The characters of a text, each variable as one `$`."""
    return list(_HOLE.sub("$", text))


def _places(read: Iterable[str], symbols: Sequence[str]) -> list[int]:
    """The positions in a pattern after matching another one; a variable matches any text."""
    end = len(symbols)
    many = {"*", "$"}
    places = _closed({0}, symbols)
    for symbol in read:
        if symbol in many:
            places = set(range(min(places, default=end + 1), end + 1))
            continue
        stay = {at for at in places if at < end and symbols[at] in many}
        go = {
            at + 1
            for at in places
            if at < end and (symbol == "?" or symbols[at] in {symbol, "?"}) and at not in stay
        }
        places = _closed(stay | go, symbols)
        if not places:
            break
    return sorted(places)


def _closed(places: set[int], symbols: Sequence[str]) -> set[int]:
    found = set()
    for at in places:
        here = at
        while here not in found:
            found.add(here)
            if here < len(symbols) and symbols[here] in {"*", "$"}:
                here += 1
    return found


def _texts_for_conditions(key: str, policies: Sequence[Policy]) -> Iterator[str]:
    """A text for each result that the policies' own conditions on the key can have."""
    atoms = [
        Atom(key, condition.operator.value, tuple(value.value for value in condition.values))
        for policy in policies
        for statement in policy.statements
        for condition in statement.conditions_on(key)
        if condition.base in OPERATORS
    ]
    for distinct in distinct_values(key, tuple(dict.fromkeys(atoms))) if atoms else ():
        if distinct.value and len(distinct.value) == 1 and distinct.value[0]:
            yield without_stand_ins(distinct.value[0])


def _until(text: str, ends: str) -> int:
    return next((at for at, char in enumerate(text) if char in ends), len(text))
