"""The Markdown report: short, what to fix first, and text from the account never becomes markup."""

from __future__ import annotations

from markdown_it import MarkdownIt

from aws_iam.answer import Status
from aws_iam.report.formats.markdown import MOST_CHARACTERS, MOST_NAMED, audit_markdown
from helpers.audited_runs import audited, finding, hostile_run


def html(text: str) -> str:
    return MarkdownIt("gfm-like", {"linkify": False}).render(text)


def test_it_leads_with_the_score_and_lists_what_to_fix() -> None:
    text = audit_markdown(audited())
    assert text.startswith(
        "# CIS AWS Foundations Benchmark 7.0: account 111122223333 (larkspur)\n"
    )
    assert "| 6 networking |" in text
    fix = text.index("## To fix")
    assert "- **high** 6.7 Instances accept only version 2" in text[fix:]
    assert "Fix: `aws ec2 modify-instance-metadata-options" in text
    assert "## Could not be judged" in text
    assert "allow iam:GetAccountSummary" in text
    assert "## Needs manual review" in text


def test_a_muted_finding_stands_apart_with_its_reason() -> None:
    text = audit_markdown(audited())
    fix, muted = text.index("## To fix"), text.index("## Muted (1)")
    assert "instance/i-9" not in text[fix:muted]
    assert "an old agent (until 2026-12-31)" in text[muted:]


def test_mutes_that_do_nothing_are_said() -> None:
    states = ("expired on 2026-01-01", "mutes nothing yet: what it covers could not be judged")
    mutes = [{"control": "imdsv2", "state": state, "reason": "old"} for state in states]
    mutes.append({"control": "root_mfa", "state": "mutes 2 findings", "reason": "old"})
    text = audit_markdown(audited(mutes=mutes))
    assert all(f"`imdsv2`: {state} (old)" in text for state in states)
    assert "`root_mfa`: mutes" not in text


def test_changes_are_counted_and_named() -> None:
    changes = {
        "since": "2026-10-01T00:00:00+00:00",
        "new": 7,
        "fixed": 1,
        "gone": 0,
        "still_open": 2,
    }
    found = [finding(change="new")] * 7 + [finding(change="fixed", status=Status.PASS)]
    text = audit_markdown(audited(found, changes=changes | {"unreadable": 0}))
    assert "7 new, 1 fixed, 0 gone, 2 still open, 0 unreadable." in text
    assert text.count("- **new**") == MOST_NAMED
    assert f"and {7 - MOST_NAMED} more new" in text


def test_many_resources_of_a_control_are_counted() -> None:
    text = audit_markdown(audited([finding(resource=f"r{number}") for number in range(90)]))
    assert "(90 findings)" in text
    assert f"and {90 - MOST_NAMED} more" in text


def test_account_text_becomes_no_markup() -> None:
    page = html(audit_markdown(hostile_run()))
    for tag in ("<script", "<img", "<a ", 'onerror="', "<strong>bold", "<strong>x", "<s>", "<em>"):
        assert tag not in page


def test_nobody_is_mentioned_and_no_mathematics_is_set() -> None:
    text = "ask @octocat about #12 for $x$ and ~~y~~"
    (line,) = (
        line
        for line in audit_markdown(
            audited([finding(message=text, resource="arn:@octocat:$x$")])
        ).splitlines()
        if "octocat" in line
    )
    outside = "".join(part for number, part in enumerate(line.split("`")) if number % 2 == 0)
    assert not {"@", "#", "$"} & set(outside)
    assert r"\~\~y\~\~" in line


def test_a_fix_is_code_and_whole() -> None:
    fix = f"aws logs put-metric-filter --filter-pattern '{{ ($.a = *) }}' {'x' * 3_000} --end"
    text = audit_markdown(audited([finding(fix=fix)]))
    assert f"  - Fix: `{fix}`\n" in text


def test_a_section_without_anything_muted_has_muted_none() -> None:
    rows = [
        {"section": "2 identity and access", "pass": 1, "muted": 1, "score": 1.0},
        {"section": "6 networking", "pass": 1, "score": None},
    ]
    text = audit_markdown(audited(sections=rows, total={}))
    assert "| 6 networking | 1 | 0 | 0 | 0 | 0 | 0 | none |" in text
    assert "None" not in text


def test_a_part_of_the_benchmark_is_said_at_the_top() -> None:
    text = audit_markdown(audited(partial=("1 of 70 controls asked for",)))
    head = text[: text.index("## Score by section")]
    assert "**Not the whole audit:** 1 of 70 controls asked for." in head
    assert "Not the whole audit" not in audit_markdown(audited())


def test_a_huge_run_stays_short_and_says_what_is_left_out() -> None:
    codes = [f"control_{number}" for number in range(400)]
    found = [finding(code=code, message="x" * 390, fix="y" * 700) for code in codes]
    text = audit_markdown(audited(found))
    assert len(text) < MOST_CHARACTERS + 200
    assert "more lines are left out" in text


def test_nothing_to_fix_is_said() -> None:
    assert "## To fix\n\nNothing." in audit_markdown(audited([finding(status=Status.PASS)]))
