"""What several rules ask of one policy or statement: worked out once, and kept with it."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


class Keeping(Protocol):
    """A value that keeps what was derived from it; the values derived take no part in comparing it."""

    @property
    def derived(self) -> dict[object, Any]:
        """What was worked out, by the function that did."""


S = TypeVar("S", bound=Keeping)
T = TypeVar("T")


def once(work: Callable[[S], T]) -> Callable[[S], T]:
    """The function, remembered for each subject as long as the subject lives; it must depend on nothing else."""

    @wraps(work)
    def kept(subject: S) -> T:
        derived = subject.derived
        if work not in derived:
            derived[work] = work(subject)
        answer: T = derived[work]
        return answer

    return kept
