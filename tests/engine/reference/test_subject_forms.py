"""Forms of subjects: which values and patterns of a policy a subject can meet."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.engine.language.pattern import matches
from aws_iam.engine.reference.issuers import Issuer, issuers, pods_grammar
from aws_iam.engine.reference.subject_forms import subject_forms

FORM = "repo:<part>/<part>:ref:(heads|tags)/<name>"
FIELD = st.text("ab-", min_size=1, max_size=4)
SUBJECTS = st.builds("repo:{}/{}:ref:{}/{}".format, FIELD, FIELD, st.sampled_from(["heads", "tags"]), FIELD)  # fmt: skip


def meets(pattern: str, form: str = FORM, **groups: str) -> bool:
    return subject_forms([form]).meet(pattern, groups)


@given(SUBJECTS)
def test_a_form_meets_its_subjects(subject: str) -> None:
    assert meets(subject)


@given(SUBJECTS, st.data())
def test_a_form_meets_every_pattern_of_its_subjects(subject: str, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(subject))] * 2)))
    pattern = data.draw(st.sampled_from([
        f"{subject[:start]}*{subject[end:]}",
        f"{subject[:start]}{'?' * (end - start)}{subject[end:]}",
    ]))  # fmt: skip
    assert matches(pattern, subject)
    assert meets(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "", "main", "repo:a/b", "repo:a/b:main", "repo:a/b:ref:main", "REPO:a/b:ref:heads/x", "repo:a/b/c:ref:heads/x",
        "repo:a/b/*", "repo:a*:ref:branches/*", "repo:a/b:ref:heads/", "*:ref:heads/x:y", "repo:??", "?epo:a/b:ref:",
    ],
)  # fmt: skip
def test_a_form_meets_nothing_else(pattern: str) -> None:
    assert not meets(pattern)


def test_a_form_may_contain_a_part_of_the_issuer_and_an_empty_end() -> None:
    form = "<=org>:<digits>:<any?>"
    assert meets("octo:12:", form, org="octo")
    assert meets("octo:*", form, org="octo")
    assert not meets("other:12:x", form, org="octo")
    assert not meets("octo:x:y", form, org="octo")
    assert not meets("octo::y", form, org="octo")


def test_case_counts_unless_the_operator_ignores_it() -> None:
    forms = subject_forms(["repo:<part>"])
    assert not forms.meet("REPO:a", {})
    assert forms.meet("REPO:A", {}, ignore_case=True)


@pytest.mark.parametrize("issuer", [i for i in issuers() if i.grammar.forms], ids=lambda i: i.id)
def test_the_subjects_that_an_issuer_is_said_to_send_have_one_of_its_forms(issuer: Issuer) -> None:
    for subject in issuer.subject:
        if "…" in subject:
            continue
        words = " ".join(issuer.grammar.forms.texts)
        written = re.sub(
            r"[A-Z][A-Z_]*",
            lambda word: word[0] if word[0] in words else "0",  # noqa: B023 - used at once
            re.sub(r"\[.*?\]", "", subject),
        )
        groups = dict.fromkeys(issuer.pattern.groupindex, "0")
        assert issuer.grammar.forms.meet(written, groups), subject


def test_the_longest_value_that_fits_a_policy_is_compared_at_once() -> None:
    assert not pods_grammar().forms.meet("*a:?" * 1_000, {})
