"""A page holds what fits and counts the rest; the pages together are the complete answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.answer import Answer, Artifact, Finding, Severity, Status, counts
from aws_iam.errors import InputError
from aws_iam.report.clean import clean
from aws_iam.report.page import CONCISE_BYTES, page, size
from helpers.tables.examples import examples


def finding(
    number: int, severity: Severity = Severity.LOW, status: Status = Status.FAIL
) -> Finding:
    return Finding(
        code=f"C{number}", title="a title", severity=severity, status=status, message="m" * 80
    )


def pages(answer: Answer, limit: int) -> list[Answer]:
    read = [page(answer, limit)]
    while read[-1].next_cursor:
        read.append(page(answer, limit, read[-1].next_cursor))
    return read


def test_an_answer_that_fits_is_left_whole() -> None:
    answer = Answer(summary="ok", findings=(finding(1),), facts={"a": 1, "rows": [{"x": 1}]})
    assert page(answer, CONCISE_BYTES) == answer


def test_findings_are_cut_by_severity_and_the_rest_is_counted() -> None:
    findings = (*(finding(n) for n in range(300)), finding(300, Severity.CRITICAL))
    first = page(
        Answer(summary="many.", findings=findings, counts=counts(findings)), CONCISE_BYTES
    )
    assert first.findings[0].code == "C300"
    assert first.counts is not None
    assert first.counts.severity == {"critical": 1, "low": 300}
    assert f" {301 - len(first.findings)} more findings are not shown." in first.summary
    assert first.next_cursor


@pytest.mark.parametrize("limit", [CONCISE_BYTES, 64 * 1024])
def test_every_page_keeps_the_limit_in_text_and_structure(limit: int) -> None:
    answer = Answer(
        summary="s" * 900,
        findings=tuple(finding(n) for n in range(500)),
        facts={
            "rows": [{"name": "ü" * 40, "n": n} for n in range(700)],
            "map": {str(n): n for n in range(999)},
        },
        artifacts=(Artifact(name="a.json", language="json", content="x" * 50_000),),
    )
    assert all(size(shown) <= limit for shown in pages(answer, limit))


@settings(max_examples=examples(40), deadline=None)
@given(
    st.integers(0, 60),
    st.lists(
        st.dictionaries(st.sampled_from("abc"), st.text(max_size=50), min_size=1), max_size=60
    ),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=9000),
)
def test_the_pages_together_are_the_whole(
    number: int, rows: list[dict[str, str]], content: str
) -> None:
    answer = clean(
        Answer(
            summary="s",
            findings=tuple(finding(n) for n in range(number)),
            facts={"rows": rows, "one": 1},
            artifacts=(Artifact(name="a", language="text", content=content),),
        )
    )
    read = pages(answer, 4000)
    assert [f for shown in read for f in shown.findings] == list(answer.findings)
    assert [row for shown in read for row in shown.facts.get("rows", [])] == answer.facts["rows"]
    assert "".join(a.content for shown in read for a in shown.artifacts) == content


@pytest.mark.parametrize("cursor", ["", "-1", "x", "9" * 5000, "10"])
def test_a_cursor_of_another_answer_is_refused(cursor: str) -> None:
    with pytest.raises(InputError, match="next_cursor"):
        page(Answer(summary="s", findings=(finding(1),)), CONCISE_BYTES, cursor)


LONG = "a sentence of ours, and another one; " * 40


def test_a_long_text_is_whole_where_it_leaves_room() -> None:
    answer = Answer(summary=LONG, findings=(replace(finding(1), message=LONG),))
    shown = page(clean(answer), CONCISE_BYTES)
    assert shown.summary == LONG
    assert shown.findings[0].message == LONG


@pytest.mark.parametrize("limit", [CONCISE_BYTES, 64 * 1024])
def test_texts_that_would_fill_the_page_end_at_a_word(limit: int) -> None:
    long = LONG * 10
    answer = Answer(
        summary=long,
        findings=tuple(replace(finding(n), message=long, fix="aws a b-c") for n in range(9)),
        facts={"statements": [{"sentence": long}, {"sentence": long}], "note": long},
    )
    for shown in pages(clean(answer), limit):
        assert size(shown) <= limit
        texts = [own.message for own in shown.findings]
        texts += [row["sentence"] for row in shown.facts.get("statements", ())]
        for text in texts:
            beginning = text.removesuffix(" …")
            assert long.startswith(beginning)
            assert long[len(beginning) :][:1] in " ;,"
