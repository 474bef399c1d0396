"""Answers that are kept: of one policy or statement with it, of texts for all policies that have them."""

from __future__ import annotations

from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


class Keeping(Protocol):
    """A value that keeps what was derived from it; the values derived take no part in comparing it."""

    @property
    def derived(self) -> dict[object, Any]:
        """What was worked out, by the function that did."""


S = TypeVar("S", bound=Keeping)
T = TypeVar("T")
P = ParamSpec("P")


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


# What is remembered is bounded in number and in size: longer texts than AWS's own are worked out each time.
_MOST_TEXTS = 16_384
_LONGEST = 512


def by_text(work: Callable[Concatenate[str, P], T]) -> Callable[Concatenate[str, P], T]:
    """The function of a text, remembered for the texts of late: policies are made of the same words.

    What else it takes are names of the catalogue.
    """
    remembered = lru_cache(maxsize=_MOST_TEXTS)(work)

    @wraps(work)
    def kept(text: str, /, *names: P.args, **more: P.kwargs) -> T:
        if len(text) > _LONGEST:
            return work(text, *names, **more)
        return remembered(text, *names, **more)  # type: ignore[arg-type]

    return kept
