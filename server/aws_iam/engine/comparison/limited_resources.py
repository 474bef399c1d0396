"""The resources that a permissions boundary leaves of an action, where the policies themselves name none.

left_by_limit("s3:GetObject", limit)   →   "arn:aws:s3:::logs/*"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.arn_formats import may_be_asked
from aws_iam.engine.comparison.clauses import as_written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.comparison.clauses import Side

# Of more resources than this a row names those of the policy.
_MOST_NAMED = 100


def left_by_limit(action: str, limit: Side) -> Iterator[str]:
    """The only resources on which a permissions boundary leaves an action, where it names them."""
    clauses = [own for own in limit.allows if own.ready.takes(action.lower())]
    listed = {text: None for own in clauses for text in own.resources or ()}
    is_wide = any(own.not_resources or own.is_anywhere for own in clauses)
    if not is_wide and len(listed) <= _MOST_NAMED:
        yield from (as_written(text) for text in listed if may_be_asked(action, text))
