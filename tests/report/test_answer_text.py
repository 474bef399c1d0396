"""An answer as text is complete, and text from an account never becomes markup."""

from __future__ import annotations

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from aws_iam.answer import (
    Answer,
    Artifact,
    Because,
    Comparison,
    Decision,
    Finding,
    Severity,
    Status,
    Where,
    counts,
    next_call,
)
from aws_iam.report.answer_text import markdown, plain
from aws_iam.report.clean import clean
from aws_iam.report.markup import code_span, escaped_markup

HOSTILE = (
    "</code><img src=x onerror=alert(1)> [x](javascript:1) ![i](http://e) | a\n# b `c` \u202e"
)


def test_markdown_of_hostile_text_forms_no_markup() -> None:
    answer = Answer(
        summary=f"read {HOSTILE}",
        facts={HOSTILE: HOSTILE, "rows": [{"name": HOSTILE}]},
        findings=(
            Finding(
                code="X",
                title=HOSTILE,
                severity=Severity.HIGH,
                status=Status.FAIL,
                message=HOSTILE,
                resource=HOSTILE,
                fix=HOSTILE,
            ),
        ),
    )
    text = markdown(clean(answer))
    outside = "".join(part for n, part in enumerate(text.split("`")) if n % 2 == 0)
    assert "<img" not in outside.replace("\\<img", "")
    assert "](" not in outside.replace("\\](", "")
    assert "\u202e" not in text
    assert "\n# b" not in text


def test_what_lies_on_one_statement_stands_together() -> None:
    def at(code: str, pointer: str, policy: str | None = None) -> Finding:
        return Finding(
            code=code,
            title=code,
            severity=Severity.WARNING,
            status=Status.FAIL,
            where=Where(pointer=pointer),
            resource=policy,
        )

    found = (
        at("FIRST", "/Statement/0/Action"),
        at("ELSEWHERE", "/Version"),
        at("SECOND", "/Statement/10"),
        at("OTHER-POLICY", "/Statement/0", "b"),
        at("BESIDE-FIRST", "/Statement/0"),
        at("BESIDE-SECOND", "/Statement/10/Resource"),
    )
    lines = [
        line for line in plain(Answer(summary="s", findings=found)).splitlines() if "[" in line
    ]
    assert [line.split()[2].rstrip(":") for line in lines] == [
        "FIRST",
        "BESIDE-FIRST",
        "ELSEWHERE",
        "SECOND",
        "BESIDE-SECOND",
        "OTHER-POLICY",
    ]


@pytest.mark.parametrize(
    "text",
    ["a_b _c_ __d__ e_", "~~gone~~ and ~gone~", "# a heading", "- item", "+ item", "*a* **b**"],
)
def test_no_text_is_set_in_another_way(text: str) -> None:
    page = MarkdownIt("gfm-like", {"linkify": False}).render(f"- {escaped_markup(text)}")
    assert page == f"<ul>\n<li>{text}</li>\n</ul>\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ask @octocat.", "ask `@octocat`."),
        ("mail a@b.example, or (@team)", "mail `a@b.example`, or `(@team)`"),
        ("${aws:username} costs $5", "`${aws:username}` costs `$5`"),
        ("see #12; repo#3", "see `#12`; `repo#3`"),
        ("`x`@octocat", r"`x`\@octocat"),
        ("$`x`", r"\$`x`"),
        ("`$x$` `@a`", "`$x$` `@a`"),
        ("snake_case stays", "snake_case stays"),
    ],
)
def test_what_sites_read_behind_a_backslash_too_becomes_code(text: str, expected: str) -> None:
    assert escaped_markup(text) == expected


@given(st.text("`a \\|", max_size=12).filter(str.strip))
def test_whatever_the_text_code_holds_it(text: str) -> None:
    page = MarkdownIt("commonmark").render(f"x {code_span(text)} y")
    assert html.unescape(page).startswith("<p>x <code>")
    assert html.unescape(page).endswith("</code> y</p>\n")
    assert page.count("<code>") == 1


PIECES = st.sampled_from(
    [
        "`",
        "``",
        "```",
        "[x](http://e)",
        "![x](http://e)",
        "<img src=x>",
        "<b>",
        "\\",
        "|",
        "*",
        "_",
        "~~",
        "@a",
        "$",
        "#1",
        "a",
        " ",
        "\n",
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_text_renders_as_a_link_an_image_or_html(text: str) -> None:
    finding = Finding(
        code="X",
        title=text,
        severity=Severity.LOW,
        status=Status.FAIL,
        message=text,
        resource=text,
    )
    answer = Answer(
        summary=text,
        facts={"fact": text, "rows": [{"cell": text, "other": "x"}]},
        findings=(finding,),
        next=(next_call("audit", "run", text, profile=text),),
    )
    parsed = MarkdownIt("commonmark").enable("table").parse(markdown(clean(answer)))
    tokens = [token.type for block in parsed for token in (block, *(block.children or ()))]
    assert not {"link_open", "image", "html_inline", "html_block"} & set(tokens)


def test_what_is_invisible_in_a_file_is_shown() -> None:
    file = Artifact(name="a.sh", language="bash", content="echo 'a\x1b]0;b\u202e'\n\techo c\n")
    assert "echo 'a\\u001b]0;b\\u202e'\n\techo c\n" in markdown(
        Answer(summary="s", artifacts=(file,))
    )


def test_a_file_cannot_close_its_fence() -> None:
    text = markdown(
        Answer(
            summary="s",
            artifacts=(Artifact(name="a.md", language="text", content="```\n# out\n````"),),
        )
    )
    assert "`````text" in text


def test_every_part_of_an_answer_is_in_its_text() -> None:
    findings = (
        Finding(
            code="CODE",
            title="the title",
            severity=Severity.ERROR,
            status=Status.FAIL,
            message="the message",
            where=Where(pointer="/Statement/0", line=3, column=4),
            fix="the fix",
            controls={"7.0": "2.4", "1.4": "1.4"},
        ),
        Finding(
            code="U",
            title="t",
            severity=Severity.HIGH,
            status=Status.UNKNOWN,
            reason="iam:GetX refused",
        ),
    )
    answer = Answer(
        summary="the summary",
        findings=findings,
        counts=counts(findings),
        decision=Decision(
            outcome="ImplicitlyDenied",
            decided_by=("identity",),
            blocked_by=("boundary",),
            because=(
                Because(
                    layer="identity", policy="/identity/0", pointer="/Statement/0", effect="Allow"
                ),
            ),
            missing_keys=("aws:SourceIp",),
        ),
        comparison=Comparison(
            relation="more",
            witnesses=(
                {
                    "allowed_by": "document",
                    "request": {
                        "principal": "arn:aws:iam::111122223333:role/app",
                        "action": "s3:GetObject",
                        "resource": "arn:aws:s3:::b/k",
                    },
                },
            ),
            violations=(
                {
                    "of": "forbidden",
                    "request": {
                        "principal": "arn:aws:iam::111122223333:role/app",
                        "action": "iam:PassRole",
                        "resource": "*",
                    },
                },
            ),
        ),
        facts={
            "benchmark": "7.0",
            "yes": True,
            "none": None,
            "list": ["a", "b"],
            "map": {"k": 1},
            "empty": [],
        },
        artifacts=(
            Artifact(name="p.json", language="json", content="{}", checked_by="policy validate"),
        ),
        sources=("https://docs.aws.amazon.com/x",),
        next=(next_call("policy", "validate", "why", ("document",)),),
        as_of="2026-11-24",
        next_cursor="7",
    )
    text = plain(answer)
    for part in (
        "the summary", "the title: the message", "/Statement/0 (line 3:4)", "fix: the fix", "(CIS 7.0: 2.4)",
        "iam:GetX refused", "ImplicitlyDenied", "boundary", "aws:SourceIp", "Relation: more", "iam:PassRole",
        "yes: yes", "list: a, b", "map: k 1", "empty: none", "p.json (checked by policy validate)", "1 fail, 1 unknown",
        "https://docs.aws.amazon.com/x", "aws-iam policy validate", "2026-11-24", "--detail full",
    ):  # fmt: skip
        assert part in text


@pytest.mark.parametrize("value", ["a|b", "`a|b`"])
def test_a_cell_cannot_add_a_column(value: str) -> None:
    row = markdown(Answer(summary="s", facts={"rows": [{"x": value, "y": "z"}]})).splitlines()[-1]
    assert row.replace("\\|", "").count("|") == 3
