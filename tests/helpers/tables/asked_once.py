"""Questions that several tests ask: the answer to each is kept, so that all of them look at one."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def asked_once(ask: Callable[P, R]) -> Callable[P, R]:
    """Ask each question once in a test process. It is known by its text: a document in another form is another one."""
    answers: dict[str, R] = {}

    @wraps(ask)
    def asked(*values: P.args, **named: P.kwargs) -> R:
        question = repr((values, named))
        if question not in answers:
            answers[question] = ask(*values, **named)
        return answers[question]

    return asked
