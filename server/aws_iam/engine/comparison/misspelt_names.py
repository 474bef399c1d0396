"""Names of actions and condition keys that do not exist and are spelled almost like one that does."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.operations import operations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.language.document import Policy

# Two in a thousand actions of the catalogue look so like a misspelt one of the others, and none that differs by a plural.
_ALIKE_WORD = 0.8
# Keys that AWS adds later differ more from those that exist.
_ALIKE_KEY = 0.9
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@memo_of_reference(10_000)
def is_misspelt_action(name: str) -> bool:
    """Whether there is no such action, and one of the same service that is spelled almost so.

    What else the data does not know may be newer, and allow something: so may any action of a service that is not known.
    """
    prefix, _, action = name.partition(":")
    service = catalog().service(prefix)
    if service is None or catalog().tier(name) != "unknown":
        return False
    if name.lower() in operations():
        return True
    return any(is_slip(action, known) for known in service.action_names)


def is_slip(name: str, known: str) -> bool:
    """Whether both have the same words apart from a slip within some; new actions have other words, or a plural."""
    # Few names have the same first letters and almost the same length.
    if name[:2].lower() != known[:2].lower() or abs(len(name) - len(known)) > len(known) // 5:
        return False
    words, others = (_WORD.findall(text) for text in (name, known))
    if len(words) != len(others) or words[0].lower() != others[0].lower():
        return False
    pairs = [(a.lower(), b.lower()) for a, b in zip(words, others, strict=True)]
    return all(
        a == b or (a.rstrip("s") != b.rstrip("s") and _likeness(a, b) >= _ALIKE_WORD)
        for a, b in pairs
    )


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(a=one.lower(), b=other.lower(), autojunk=False).ratio()


@memo_of_reference(10_000)
def is_misspelt_key(key: str) -> bool:
    """Whether no request carries the condition key, because it is a misspelt one."""
    prefix = key.partition(":")[0].lower()
    if catalog().condition_key(key) or not (prefix == "aws" or catalog().service(prefix)):
        return False
    near = catalog().suggest_condition_key(key)
    # The name of a tag is no part of the key's.
    one, *other = (text.partition("/")[0].lower() for text in (key, *near[:1]))
    return any(_likeness(one, name) >= _ALIKE_KEY for name in other)


def misspelt_keys_of(policies: Sequence[Policy]) -> Iterator[str]:
    """The misspelt condition keys of the policies, as written."""
    for policy in policies:
        for statement in policy.statements:
            for condition in statement.conditions:
                if is_misspelt_key(condition.name):
                    yield condition.key.value
