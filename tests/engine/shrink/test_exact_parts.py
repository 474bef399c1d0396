"""What the steps of shrinking rest on: wildcards match nothing else, covered entries are covered, cut lists are whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.engine.language.pattern import matches
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.shrink.entries import Work, covering
from aws_iam.engine.shrink.splitting import packed, split
from aws_iam.engine.shrink.statement_lists import (
    ACTION,
    NOT_ACTION,
    RESOURCE,
    Place,
    StatementLists,
)
from aws_iam.engine.shrink.wildcards import exact_wildcards, with_wildcards
from helpers.tables.examples import examples

pytestmark = pytest.mark.growth

SERVICES = ("sqs", "s3", "lambda", "route53domains")
NAMES = {name: catalog().expand(f"{name}:*") for name in SERVICES}
HOLE = re.compile(r"\$\{[^}]*\}")


def statement(place: Place, *entries: str) -> StatementLists:
    return StatementLists(
        effect="Allow", sid="", lists=((place, tuple(entries)), (RESOURCE, ("*",)))
    )


@st.composite
def listed(draw: st.DrawFn) -> list[str]:
    """Most names of some services: few are missing, so that many patterns are nearly exact."""
    found: list[str] = []
    for service in draw(st.lists(st.sampled_from(SERVICES), min_size=1, unique=True)):
        names = NAMES[service]
        missing = draw(st.sets(st.sampled_from(names), max_size=len(names) // 3))
        found += [name for name in names if name not in missing]
    return [*found, *draw(st.sampled_from([[], ["s3:Get*"], ["sqs:NoSuchAction"], ["*:List*"]]))]


def granted(entries: tuple[str, ...]) -> set[str]:
    return {name for entry in entries for name in catalog().expand(entry) or (entry,)}


@settings(max_examples=examples(40), deadline=None)
@given(listed())
def test_wildcards_match_what_was_listed_and_nothing_else(entries: list[str]) -> None:
    before = statement(ACTION, *entries)
    found = exact_wildcards([before])
    for number in {0, 1, len(found) // 2, len(found)}:
        (after,) = with_wildcards([before], found[:number])
        assert granted(after.entries(ACTION)) == granted(before.entries(ACTION))
        assert before.length - after.length >= sum(own.saved for own in found[:number])
    names = [name for own in found for name in own.stands_for]
    assert len(set(names)) == len(names)
    assert [own.saved for own in found] == sorted((own.saved for own in found), reverse=True)


PIECES = st.sampled_from(["a", "b", "/", "*", "?", "${u}", "${v}", "${*}"])
TEXTS = st.lists(PIECES, min_size=1, max_size=5).map("".join)


@settings(max_examples=examples(300), deadline=None)
@given(
    st.lists(TEXTS, min_size=2, max_size=4), st.text("ab/", max_size=2), st.text("ab/", max_size=2)
)
def test_what_a_covered_entry_matches_its_cover_matches_whatever_variables_stand_for(
    texts: list[str], u: str, v: str
) -> None:
    # In a pattern a filled-in star is a character like any other.
    values = {"${u}": u, "${v}": v, "${*}": "\0"}
    for narrow, wides in covering(texts, Work()).items():
        filled = HOLE.sub(lambda hole: values[hole[0]], narrow)
        some = filled.replace("*", "ab").replace("?", "z")
        for wide in wides:
            assert matches(HOLE.sub(lambda hole: values[hole[0]], wide), some), (wide, narrow)


@settings(max_examples=examples(60), deadline=None)
@given(listed(), st.integers(150, 3_000))
def test_a_list_that_is_cut_keeps_every_entry_once_and_each_part_fits(
    entries: list[str], room: int
) -> None:
    entries = list(dict.fromkeys(entries))
    groups = split([statement(ACTION, *entries)], room)
    parts = [own for group in groups for own in group]
    cut = [entry for own in parts for entry in own.entries(ACTION)]
    assert sorted(cut) == sorted(entries)
    assert all(sum(own.length + 1 for own in group) <= room for group in groups)


@settings(max_examples=examples(60), deadline=None)
@given(listed(), st.integers(300, 3_000))
def test_what_all_parts_of_a_not_action_exclude_is_what_it_excluded(
    entries: list[str], room: int
) -> None:
    # A name that the reference does not know is among the actions of its service, but no pattern of the test expands to it.
    entries = [
        entry for entry in dict.fromkeys(entries) if catalog().expand(entry) and entry[0] != "*"
    ]
    groups = split([statement(NOT_ACTION, *entries)], room)
    excluded = [granted(own.entries(NOT_ACTION)) for group in groups for own in group]
    assert set.intersection(*excluded) == granted(tuple(entries))


@given(st.lists(st.integers(1, 100), max_size=30), st.integers(100, 300))
def test_packed_rows_are_all_there_and_fit(lengths: list[int], room: int) -> None:
    found = packed(lengths, room)
    assert sorted(number for group in found for number in group) == list(range(len(lengths)))
    assert all(sum(lengths[number] for number in group) <= room for group in found)
