"""One test for a table of cheap cases: every case is tried, and each that fails is in the group that is raised.

A test of its own costs each process of the suite more than such a case does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


def for_each(
    cases: Iterable[T], name: Callable[[T], str] = str
) -> Callable[[Callable[[T], None]], Callable[[], None]]:
    """Make a check of one case the test of all; `name` says which one failed. Without any case the test fails."""

    def decorate(check: Callable[[T], None]) -> Callable[[], None]:
        def test() -> None:
            failed: list[BaseException] = []
            tried = 0
            for tried, case in enumerate(cases, start=1):  # noqa: B007 - counts them
                try:
                    check(case)
                # What `pytest.raises` and `pytest.fail` raise is no Exception. The rest is raised again, in one group.
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001
                    error.add_note(f"in the case {name(case)}")
                    failed.append(error)
            assert tried
            if failed:
                raise BaseExceptionGroup(f"{len(failed)} of {tried} cases failed", failed)

        # Not `wraps`: pytest would ask for a fixture of the parameter's name.
        test.__name__, test.__module__, test.__doc__ = (
            check.__name__,
            check.__module__,
            check.__doc__,
        )
        return test

    return decorate
