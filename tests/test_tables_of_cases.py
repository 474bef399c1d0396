"""A table of cases in one test: every case is tried, whatever the others do, and each that fails is named."""

from __future__ import annotations

import pytest

from helpers.tables.each import for_each


def test_every_case_is_tried_and_each_that_fails_is_named() -> None:
    tried = []

    @for_each(["good", "wrong", "raised", "bad"])
    def check(case: str) -> None:
        tried.append(case)
        if case == "raised":
            with pytest.raises(ValueError, match="x"):
                pass
        assert case != "wrong"
        int("0" if case == "good" else case)

    with pytest.raises(BaseExceptionGroup, match="3 of 4 cases failed") as caught:
        check()
    assert tried == ["good", "wrong", "raised", "bad"]
    notes = [note for error in caught.value.exceptions for note in error.__notes__]
    assert notes == ["in the case wrong", "in the case raised", "in the case bad"]


def test_a_table_without_cases_fails() -> None:
    @for_each([])
    def check(_case: str) -> None:
        pass

    with pytest.raises(AssertionError):
        check()
