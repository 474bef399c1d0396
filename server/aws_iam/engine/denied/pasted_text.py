"""Text as people paste it, made plain: one line, without the escapes, tags and frames of what it was copied from.

    plain_texts(pasted)  →  the text with each line break as a space, and others with the breaks inside words removed

A terminal, a log or a table breaks lines at a fixed width, between words and inside them; nothing in the text says which.
"""

from __future__ import annotations

import html
import re
from collections import Counter

_COLOUR = re.compile(r"(?:\x1b|\\+u001b|\\+x1b|\\+033)\[[0-9;]{0,20}[A-Za-z]")
_CODE_POINT = re.compile(r"\\+u([0-9a-fA-F]{4})")
_QUOTE = re.compile(r"\\+(?=[\"'/`])")
_BREAK = re.compile(r"\\+r?\\*n|\\+r|\r\n?")
_TAB = re.compile(r"\\+t|[\t\f\v\u00a0]")
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,40})(?:\s[^<>]{0,200})?(/?)>")
_EMPTY_TAGS = frozenset({"br", "hr", "p"})
# `<account id>`: what is not a tag is a placeholder, which may hold spaces.
_PLACEHOLDER = re.compile(r"<[A-Za-z][A-Za-z0-9 _.-]{0,60}>")
# What frames each line: Terraform's boxes, quotations, tables, comments.
_FRAME = re.compile(r"^(?:[\s│╷╵┃║▏|>]*[│╷╵┃║▏|>]\s?|\s*#\s)")
# What a logger puts before each line: time, level and where.
_STAMP = re.compile(
    r"^\[?(?:\d{4}-\d\d-\d\d[T ])?\d{1,2}:\d\d:\d\d[.,\dZ]{0,12}\]?\s{1,4}(?:\[?[A-Z]{3,8}\]?\s{1,4})?(?:[\w.$-]{1,100} - )?"
)
_EMPHASIS = re.compile(r"(?<!\S)\*{1,2}([A-Za-z][^*\n]{0,200})\*{1,2}(?!\S)")
_SPACES = re.compile(r" {2,}")
_BOX = str.maketrans(dict.fromkeys("│╷╵┃║▏╭╰─", " "))
# A line that is broken inside a word has the full width; shorter lines end where their author ended them.
_NARROWEST = 30


def plain_texts(pasted: str) -> tuple[str, ...]:
    """The readings of the text, the likelier first; they differ in what its line breaks mean."""
    text = _BREAK.sub("\n", _without_escapes(pasted))
    lines = [_framed(line) for line in text.split("\n")]
    between_words = _one_line(" ".join(lines))
    if len(lines) < 2:  # noqa: PLR2004
        return (between_words,)
    inside_words = _one_line("".join(_joined(lines)))
    in_column = _one_line("".join(_joined_column([line.strip() for line in lines])))
    return tuple(dict.fromkeys((between_words, inside_words, in_column)))


def _framed(line: str) -> str:
    """The line without its frame or stamp, which leaves a space, since such lines are not broken inside words."""
    return _STAMP.sub(" ", _FRAME.sub(" ", line).translate(_BOX))


def _without_escapes(text: str) -> str:
    text = _COLOUR.sub("", text)
    if "\\" in text:
        text = _CODE_POINT.sub(_character, text)
        text = _TAB.sub(" ", _QUOTE.sub("", text))
    if "<" in text:
        text = _without_tags(text)
    return html.unescape(text) if "&" in text else text


def _character(escape: re.Match[str]) -> str:
    code = int(escape[1], 16)
    # Control characters and halves of pairs stay as they are written.
    return chr(code) if 0x20 <= code < 0xD800 else escape[0]  # noqa: PLR2004


def _without_tags(text: str) -> str:
    """The text without XML and HTML tags; a name in angle brackets that nothing closes is a placeholder and stays."""
    closed = {tag[2].lower() for tag in _TAG.finditer(text) if tag[1]} | _EMPTY_TAGS

    def replaced(tag: re.Match[str]) -> str:
        return " " if tag[1] or tag[3] or tag[2].lower() in closed else tag[0]

    return _TAG.sub(replaced, text)


def _joined(lines: list[str]) -> list[str]:
    """The lines with a space after each that is not of the full width, for a word was broken only there."""
    lengths = Counter(map(len, lines[:-1]))
    widest = max(lengths, default=0)
    full = {n for n, count in lengths.items() if n >= _NARROWEST and (count > 1 or n == widest)}
    return [line if len(line) in full else f"{line} " for line in lines]


def _joined_column(lines: list[str]) -> list[str]:
    """The lines of a table's column, with a space after each that is not filled: only longer words are broken."""
    width = max(map(len, lines[1:-1]), default=0)
    return [line if len(line) == width else f"{line} " for line in lines]


def _one_line(text: str) -> str:
    line = _SPACES.sub(" ", _TAB.sub(" ", text).replace("\n", " ")).strip()
    if "<" in line:
        line = _PLACEHOLDER.sub(lambda name: name[0].replace(" ", ""), line)
    return _EMPHASIS.sub(r"\1", line) if "*" in line else line
