"""The fenced code blocks of a Markdown text, with the lines that they have there.

https://spec.commonmark.org/0.31.2/#fenced-code-blocks
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ENDINGS = (".md", ".markdown", ".mdx")
_INDENT = 3
# The opening line may begin an item of a list.
_OPENING = re.compile(
    r"(?P<margin> *(?:(?:[-*+]|\d{1,9}[.)]) {1,4})?)(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>.*)"
)
_ITEM = re.compile(r" *(?:[-*+]|\d{1,9}[.)]) {1,4}(?=\S)")
_CLOSING = re.compile(r"(?P<margin> *)(?P<fence>`{3,}|~{3,})[ \t\r]*$")
# `json`, `{.json}`, `json5 title="…"`, `yaml:policy.yml`
_LANGUAGE = re.compile(r"[{.\s]*([A-Za-z0-9+#-]*)")
_HAS_FENCE = re.compile(r"^ {0,9}(?:[-*+] +|\d{1,9}[.)] +)?(?:`{3}|~{3})", re.MULTILINE)


@slotted
class Fence:
    """A code block: its number in the text, its language in lower case, the number of its first line, and its lines."""

    number: int
    language: str
    first_line: int
    lines: tuple[str, ...]

    @property
    def content(self) -> str:
        """The lines of the block."""
        return "\n".join(self.lines)

    @property
    def in_place(self) -> str:
        """The lines of the block with those above them left empty, so that every place is that of the Markdown text."""
        return "\n" * (self.first_line - 1) + self.content


def has_fence(text: str) -> bool:
    """Whether the text has a line that opens a block."""
    return _HAS_FENCE.search(text) is not None


def fences(text: str) -> tuple[tuple[Fence, ...], str]:
    """The code blocks of a text, and the text outside of them."""
    reading = _Reading(text.split("\n"))
    found = tuple(reading.fences())
    return found, "\n".join(reading.outside)


@dataclass(slots=True)
class _Reading:
    lines: Sequence[str]
    outside: list[str] = field(default_factory=list)
    # How far the content of the current item of a list is indented.
    _item: int = 0

    def fences(self) -> Iterator[Fence]:
        """Each code block; a block that is not closed goes on to the end."""
        at = number = 0
        while at < len(self.lines):
            opening = _OPENING.match(self.lines[at])
            at += 1
            if opening is None or not self._opens(opening):
                self._passed(self.lines[at - 1])
                continue
            first = at
            while at < len(self.lines) and not self._closes(self.lines[at], opening):
                at += 1
            number += 1
            language = _LANGUAGE.match(opening["info"])
            yield Fence(
                number=number,
                language=language[1].lower() if language else "",
                first_line=first + 1,
                lines=tuple(self.lines[first:at]),
            )
            at += 1

    def _opens(self, opening: re.Match[str]) -> bool:
        margin = opening["margin"]
        if margin.strip():
            self._item = len(margin)
        indented = len(margin) <= _INDENT or self._item <= len(margin) <= self._item + _INDENT
        return indented and not (opening["fence"][0] == "`" and "`" in opening["info"])

    def _closes(self, line: str, opening: re.Match[str]) -> bool:
        closing = _CLOSING.match(line)
        most = _INDENT + (self._item if len(opening["margin"]) > _INDENT else 0)
        most = max(most, self._item + _INDENT if opening["margin"].strip() else 0)
        return closing is not None and (
            closing["fence"].startswith(opening["fence"]) and len(closing["margin"]) <= most
        )

    def _passed(self, line: str) -> None:
        self.outside.append(line)
        item = _ITEM.match(line)
        if item:
            self._item = item.end()
        elif line[:1].strip():
            self._item = 0
