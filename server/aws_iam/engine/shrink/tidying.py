"""The steps that shorten a policy and are exact for ever: entries, statements, merging, sharing, each until nothing more is found.

tidied(form, head, kind, work, most_actions)   →   (Form(statements, steps), …), a form for each step, the last one the shortest
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.shrink.entries import without_covered_entries
from aws_iam.engine.shrink.merging import merged
from aws_iam.engine.shrink.sharing import shared_parts
from aws_iam.engine.shrink.statements import without_covered_statements
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Kind
    from aws_iam.engine.shrink.entries import Work
    from aws_iam.engine.shrink.statement_lists import StatementLists

    Statements = tuple[StatementLists, ...]
    Pass = Callable[[Statements], tuple[Statements, tuple[str, ...]]]

# Every round shortens the policy; real ones need two or three.
_MOST_ROUNDS = 10
_SHARING = "entries that two statements share, written once"


@slotted
class Step:
    """What was done to a policy, in words, and the characters that it saved."""

    name: str
    done: tuple[str, ...]
    saved: int


@slotted
class Form:
    """A policy's statements after some steps."""

    statements: Statements
    steps: tuple[Step, ...] = ()

    @property
    def has_parted_statements(self) -> bool:
        """Whether statements were parted to write once what they share."""
        return any(step.name == _SHARING for step in self.steps)

    def after(self, name: str, statements: Statements, done: Sequence[str]) -> Form:
        """The form after one more step."""
        saved = length(self.statements) - length(statements)
        step = Step(name=name, done=tuple(done), saved=saved)
        return Form(statements=statements, steps=(*self.steps, step))


def length(statements: Sequence[StatementLists]) -> int:
    """The characters of the statements with a comma between them."""
    return sum(statement.length + 1 for statement in statements)


def tidied(
    form: Form, head: Mapping[str, Any], kind: Kind, work: Work, most_actions: int
) -> Iterator[Form]:
    """The form after each step that shortens it; statements are parted only when nothing else is left to do."""
    passes: tuple[tuple[str, Pass], ...] = (
        ("entries that another entry covers", lambda found: _entries(found, work)),
        ("statements that differ in one list, merged", lambda found: merged(found, most_actions)),
        (
            "statements and entries that other statements cover",
            lambda found: without_covered_statements(found, head, kind),
        ),
    )
    parting: tuple[str, Pass] = (_SHARING, lambda found: shared_parts(found, most_actions, work))
    for _ in range(_MOST_ROUNDS):
        before = form
        for name, shorten in (*passes, parting):
            if name == _SHARING and form is not before:
                continue
            statements, done = shorten(form.statements)
            if done and length(statements) < length(form.statements):
                form = form.after(name, statements, done)
                yield form
        if form is before:
            return


def _entries(statements: Statements, work: Work) -> tuple[Statements, tuple[str, ...]]:
    found = [without_covered_entries(statement, work) for statement in statements]
    done = tuple(text for _, gone in found for text in gone)
    return tuple(statement for statement, _ in found), done
