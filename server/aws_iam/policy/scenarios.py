"""What the variables of policies may stand for in a comparison: one scenario after the other.

First every variable is a text of its own that nothing else names. Then, one variable at a time: its key is absent, and
each text that a policy names where the variable stands. Source of the method: the policies' own texts; a relation between
two different variables is not searched, which is stated as an assumption.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.policy.catalog import catalog
from aws_iam.policy.clauses import texts_of, variable_keys
from aws_iam.policy.operators import OPERATORS
from aws_iam.policy.points import Atom, points
from aws_iam.policy.substitution import spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.policy.document import Policy

_MOST_NAMED = 8
_HOLE = re.compile(r"\$\{([^}]*)\}")
_ENDS = frozenset("*?/:$")
_ALWAYS = "always"
_ACCOUNTS = ("999988887777", "555566667777", "333344445555")
_SHAPES: Mapping[str, tuple[str, ...]] = {
    "aws:principalaccount": _ACCOUNTS,
    "aws:resourceaccount": _ACCOUNTS,
    "aws:sourceaccount": _ACCOUNTS,
    "aws:principalarn": tuple(f"arn:aws:iam::{each}:role/some-role" for each in _ACCOUNTS),
    "aws:principaltype": ("AssumedRole",),
    "aws:requestedregion": ("eu-north-1", "ap-south-1", "ca-west-1"),
}


def keys_of(policies: Sequence[Policy]) -> tuple[str, ...]:
    """The keys that variables of the policies name, as AWS writes them."""
    return tuple(map(_as_aws, variable_keys(policies)))


def _as_aws(key: str) -> str:
    known = catalog().condition_key(key)
    return known.name if known and "${" not in known.name else key


def of(policies: Sequence[Policy]) -> Iterator[Mapping[str, str | None]]:
    """Every scenario, the likeliest first; one without anything when there are no variables."""
    keys = variable_keys(policies)
    texts = tuple(dict.fromkeys(texts_of(policies)))
    usual = {key: _fresh(key, texts) for key in keys}
    yield usual
    for key in keys:
        known = catalog().condition_key(key)
        if known is None or known.presence_rule != _ALWAYS:
            yield {**usual, key: None}
        for named in dict.fromkeys((*_named(key, texts), *_asked_for(key, policies))):
            yield {**usual, key: named}


def _fresh(key: str, texts: Sequence[str]) -> str:
    """A text for the variable that none of the policies holds, in the shape that the key's values have."""
    for shaped in _SHAPES.get(key, ()):
        if not any(shaped in text for text in texts):
            return shaped
    stem = "some-" + re.sub(r"[^a-z0-9]+", "-", key.rpartition(":")[2]).strip("-")
    number = 0
    while any(stem in text for text in texts):
        number += 1
        stem = f"{stem}{number}"
    return stem


def _named(key: str, texts: Sequence[str]) -> list[str]:
    """The texts that stand in some value of the policies at the place of the variable in another."""
    found: dict[str, None] = {}
    for text in texts:
        for hole in _HOLE.finditer(text):
            if hole[1].partition(",")[0].strip().lower() != key:
                continue
            before = text[: hole.start()]
            for other in texts:
                if other != text and other.startswith(before):
                    found[_until_end(other[len(before) :])] = None
    found.pop("", None)
    return list(found)[:_MOST_NAMED]


def _asked_for(key: str, policies: Sequence[Policy]) -> Iterator[str]:
    """A text for each way in which the policies' own conditions on the key can turn out."""
    atoms = [
        Atom(key, condition.operator.value, tuple(each.value for each in condition.values))
        for policy in policies
        for statement in policy.statements
        for condition in statement.conditions_on(key)
        if condition.base in OPERATORS
    ]
    for point in points(key, tuple(dict.fromkeys(atoms))) if atoms else ():
        if point.value and len(point.value) == 1 and point.value[0]:
            yield spelled(point.value[0])


def _until_end(text: str) -> str:
    return text[: next((at for at, char in enumerate(text) if char in _ENDS), len(text))]
