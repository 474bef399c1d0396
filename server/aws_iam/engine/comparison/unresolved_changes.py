"""Changed statements whose actions, resources or principals are known only at deployment: what they allow is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.policy_pairs import by_key
from aws_iam.engine.comparison.unjudged_changes import UnjudgedChange
from aws_iam.engine.language.document import Policy
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.sources.containers.access_settings import canonical
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from aws_iam.engine.language.document import Source, Statement

_LOGIC = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"
)
_SHOWN = 3
# A condition on an unknown value is compared as one on a word.
_COMPARED = frozenset({"Sid", "Condition"})


def unresolved_changes(new: Sequence[Source], old: Sequence[Source]) -> Iterator[UnjudgedChange]:
    """One change for each policy in which such a statement is new, another one or gone."""
    mine, theirs = by_key(new), by_key(old)
    for key in dict.fromkeys((*mine, *theirs)):
        both = [_unresolved(side[key]) if key in side else {} for side in (mine, theirs)]
        added, gone = (
            {text: place for text, place in one.items() if text not in other}
            for one, other in (both, both[::-1])
        )
        if added or gone:
            name = (mine.get(key) or theirs[key]).name
            places = [quoted(place) for place in dict.fromkeys((*added.values(), *gone.values()))]
            listed = joined(places, shown=_SHOWN)
            where = f"{listed} of {quoted(name)}" if name else listed
            yield UnjudgedChange(
                place=name,
                says=f"an action, a resource or a principal in {where} is changed and known only at deployment",
                widens=True,
                narrows=True,
                source=_LOGIC,
            )


def _unresolved(source: Source) -> dict[tuple[tuple[str, str], ...], str]:
    """The statements with such values, by what they say, with their places."""
    if not source.unresolved or not isinstance(source.content, Policy):
        return {}
    return {
        _content(statement): statement.place().pointer
        for statement in source.content.statements
        if any(_open_places(statement, source.unresolved))
    }


def _content(statement: Statement) -> tuple[tuple[str, str], ...]:
    """What the statement says, apart from its name and the order of its lists."""
    named = statement.node.members
    return tuple(sorted((own.key, canonical(own.value)) for own in named if own.key != "Sid"))


def _open_places(statement: Statement, unresolved: Container[str]) -> Iterator[str]:
    """Where nothing of an action, a resource or a principal is known; an ARN with an unknown part is compared."""
    todo = [own.value for own in statement.node.members if own.key not in _COMPARED]
    while todo:
        node = todo.pop()
        if node.form is Form.STRING and ":" not in node.text and node.at.pointer in unresolved:
            yield node.at.pointer
        todo += (*node.items, *(own.value for own in node.members))
