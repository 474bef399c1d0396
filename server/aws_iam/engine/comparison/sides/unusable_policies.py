"""Policies among several that cannot be compared, because AWS would reject them: they are named, and the others judged.

without_unusable(sides, even_alone=True)   →   the sides without them, and an UnjudgedChange for each that is new or changed
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.policy_pairs import is_named
from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
from aws_iam.engine.language.document import Syntax
from aws_iam.engine.language.usable import refuse_unusable
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.comparison.sides.renamed_policies import Sides
    from aws_iam.engine.language.document import Source

_GRAMMAR = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"


def without_unusable(
    sides: Sides, *, even_alone: bool
) -> tuple[Sides, tuple[UnjudgedChange, ...]]:
    """The sides without what cannot be used on one of them.

    Where a side is one policy, it is left out only if it has a name, and what is compared is a part: with `even_alone`.
    """
    is_part = even_alone and is_named((*sides.document, *sides.baseline))
    if not is_part and (len(sides.document) == 1 or len(sides.baseline) == 1):
        return sides, ()
    new, old = ({own.name: own for own in side} for side in (sides.document, sides.baseline))
    faults = {
        own.name: why for own in (*sides.baseline, *sides.document) if (why := fault_of(own))
    }
    if not faults:
        return sides, ()
    kept = replace(
        sides,
        document=tuple(own for own in sides.document if own.name not in faults),
        baseline=tuple(own for own in sides.baseline if own.name not in faults),
    )
    return kept, tuple(
        UnjudgedChange(place=name, says=why, widens=True, narrows=True, source=_GRAMMAR)
        for name, why in faults.items()
        if _differs(name, new, old)
    )


def _differs(name: str, new: Mapping[str, Source], old: Mapping[str, Source]) -> bool:
    mine, theirs = new.get(name), old.get(name)
    return mine is None or theirs is None or mine.content != theirs.content


def fault_of(source: Source) -> str:
    """Why the policy cannot be used; empty when it can."""
    content = source.content
    if isinstance(content, Syntax):
        line = f"line {content.where.line}:{content.where.column}"
        return f"{quoted(source.name)} is not valid JSON: {line}: {content.message}"
    try:
        refuse_unusable(content, source.name)
    except InputError as error:
        return error.message
    return ""
