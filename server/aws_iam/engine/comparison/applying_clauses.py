"""What the clauses of a side decide that apply to a request, as far as its conditions are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.engine.comparison.clauses import Clause


def applies_to_service(clause: Clause, action: str) -> bool:
    """Whether the statement can apply: without Resource it has no effect in a key policy, and means the role in a trust policy."""
    return clause.resources is not None or not action.lower().startswith("kms:")


def is_plain(clause: Clause) -> bool:
    """Whether no condition decides whether the statement applies."""
    return not clause.needs and not clause.unclear


def allowed(clauses: Sequence[Clause], true: int, false: int, *, hopeful: bool) -> bool | None:
    """Whether the clauses of a side allow; a clause that cannot be evaluated counts in favour of a difference."""
    granted: bool | None = False
    refused: bool | None = False
    for clause in clauses:
        if clause.needs & false:
            continue
        holds: bool | None = True if not clause.needs & ~true else None
        # In favour: an Allow of a wanted side holds and its Deny does not; for an unwanted side the reverse.
        if clause.unclear and clause.allows is not hopeful:
            continue
        if clause.allows:
            granted = True if granted or holds else None
        else:
            refused = True if refused or holds else None
    if refused or granted is False:
        return False
    return None if refused is None or granted is None else True
