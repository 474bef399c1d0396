"""Names of actions and condition keys that do not exist and are spelled almost like one that does."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.reference.catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.language.document import Policy

# A name that AWS adds later differs more from those that exist.
_ALIKE = 0.9


def is_misspelt_action(name: str) -> bool:
    """Whether there is no such action, and one that is spelled almost so."""
    if catalog().tier(name) != "unknown":
        return False
    prefix = name.partition(":")[0]
    # A service that no reference has may be newer than the data, whatever its actions are called.
    known = catalog().service(prefix) is not None or bool(catalog().suggest_service(prefix))
    return known and bool(catalog().suggest_action(name))


@memo_of_reference(10_000)
def is_misspelt_key(key: str) -> bool:
    """Whether no request carries the condition key, because it is a misspelt one."""
    prefix = key.partition(":")[0].lower()
    if catalog().condition_key(key) or not (prefix == "aws" or catalog().service(prefix)):
        return False
    near = catalog().suggest_condition_key(key)
    # The name of a tag is no part of the key's.
    one, *other = (text.partition("/")[0].lower() for text in (key, *near[:1]))
    return any(SequenceMatcher(a=one, b=name).ratio() >= _ALIKE for name in other)


def misspelt_keys_of(policies: Sequence[Policy]) -> Iterator[str]:
    """The misspelt condition keys of the policies, as written."""
    for policy in policies:
        for statement in policy.statements:
            for condition in statement.conditions:
                if is_misspelt_key(condition.name):
                    yield condition.key.value
