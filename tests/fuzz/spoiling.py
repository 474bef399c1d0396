"""Spoils texts as people, generators and attackers do: cuts, doubles, swaps, moves and puts in what readers stumble over."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

PIECES = (
    "", "{", "}", "[", "]", '"', "'", ",", ":", "*", "?", "${", "${}", "{{", "}}", "{%", "%}", "<<", "&a ", "*a", "!Sub ", "!Ref ",
    "null", "true", "0", "-1", "1e999", "9" * 400, "x" * 3_000, "*a" * 300, "[" * 300, "{" * 300, '{"a":' * 100, "(" * 300,
    "\x00", "\ud800", "\u202e", "\ufeff", "\r\n", "\t", "\n- ", "\n  ", "---\n", "```", "\\", "\\u", "\\ud800", "é", "arn:aws:",
    "arn:aws:iam::111122223333:root", "2012-10-17", "Fn::ForEach::X", "Fn::If", "AWS::NoValue", "for_each", "jsonencode(",
    "local.a", "var.x", "<<-EOT\n", "EOT\n", "..", "../../etc/passwd", "NotAction", "Principal", "Condition",
)  # fmt: skip
_LONGEST = 60_000
_MOST_CHANGES = 5


def spoilt(source: random.Random, examples: Sequence[str]) -> str:
    """One of the examples with some changes."""
    text = source.choice(examples)
    for _ in range(source.randint(1, _MOST_CHANGES)):
        text = _changed(source, text, examples)[:_LONGEST]
    return text


def _changed(source: random.Random, text: str, examples: Sequence[str]) -> str:
    start, end = sorted(source.randint(0, len(text)) for _ in range(2))
    end = min(end, start + source.choice((1, 3, 20, 200, len(text))))
    part = text[start:end]
    other = source.choice(examples)
    piece = source.choice(PIECES)
    place = source.randint(0, max(0, len(text) - len(part)))
    rest = text[:start] + text[end:]
    return source.choice(
        (
            rest,
            text[:end] + part * source.choice((1, 2, 20)) + text[end:],
            text[:start] + piece + text[end:],
            text[:start] + piece * source.choice((1, 1, 5)) + text[start:],
            text[:start] + other[source.randint(0, len(other)) :],
            text[:start] + part[::-1] + text[end:],
            rest[:place] + part + rest[place:],
        )
    )
