"""Templates: literal text with `${…}`, `%{ if }`, `%{ for }` and the `~` that trims white space.

pieces(text, …)          the parts of a heredoc or of a file in their order
assembled(pieces, at)    the template that they make
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.sources.terraform.syntax import (
    Expression,
    If,
    Part,
    Repeat,
    Template,
    Text,
)
from aws_iam.errors import InputError
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.engine.parsing.json_nodes import Place

    # Reads the expression in a text, which begins at an offset of the file.
    Reader = Callable[[str, int], Expression]


@positional
class Interpolation:
    """`${expression}`."""

    value: Expression
    trims: tuple[bool, bool] = (False, False)


@positional
class Directive:
    """`%{ if condition }`, `%{ else }`, `%{ endif }`, `%{ for k, v in items }` or `%{ endfor }`."""

    word: str
    value: Expression | None = None
    names: tuple[str, str] = ("", "")
    trims: tuple[bool, bool] = (False, False)


MAX_DIRECTIVES = 20
Piece = Text | Interpolation | Directive

_BEGINNING = re.compile(r"\$\$\{|%%\{|\$\{|%\{")
_IF = re.compile(r"\s*if\b")
_FOR = re.compile(r"\s*for\s+([\w-]+)\s*(?:,\s*([\w-]+)\s*)?in\b")
_WORD = re.compile(r"\s*(else|endif|endfor)\s*")


def pieces(text: str, start: int, reader: Reader) -> Iterator[Piece]:
    """The parts of a text without escapes of quotes, which begins at an offset of the file."""
    at = 0
    while match := _BEGINNING.search(text, at):
        if match.start() > at:
            yield Text(text[at : match.start()], start + at)
        opening = match.group()
        at = match.end()
        if len(opening) > len("${"):
            yield Text(opening[1:], start + match.start() + 1)
            continue
        end = _closing(text, at)
        inside = text[at:end]
        trims = (inside.startswith("~"), inside.endswith("~"))
        begin, stop = at + trims[0], end - trims[1]
        if opening == "${":
            yield Interpolation(reader(text[begin:stop], start + begin), trims)
        else:
            yield _directive(text[begin:stop], start + begin, trims, reader)
        at = end + 1
    if at < len(text):
        yield Text(text[at:], start + at)


def _directive(text: str, start: int, trims: tuple[bool, bool], reader: Reader) -> Directive:
    if (word := _WORD.fullmatch(text)) is not None:
        return Directive(word[1], trims=trims)
    if (match := _IF.match(text)) is not None:
        return Directive("if", reader(text[match.end() :], start + match.end()), trims=trims)
    if (match := _FOR.match(text)) is not None:
        names = (match[1], match[2]) if match[2] else ("", match[1])
        items = reader(text[match.end() :], start + match.end())
        return Directive("for", items, names, trims)
    raise InputError("a directive `%{…}` that is neither `if` nor `for`")


def _closing(text: str, at: int) -> int:  # noqa: C901 - one character at a time
    """The offset of the brace that closes an interpolation; braces within quoted texts and their interpolations count apart."""
    # Each entry is what closes an open part: a brace, or the quote of a text.
    opened = ["}"]
    while at < len(text):
        character = text[at]
        if opened[-1] == '"':
            if character == "\\":
                at += 1
            elif character == '"':
                opened.pop()
            elif character in "$%" and text[at + 1 : at + 2] == "{":
                if text[at - 1 : at] != character:
                    opened.append("}")
                at += 1
        elif character == '"':
            opened.append('"')
        elif character == "{":
            opened.append("}")
        elif character == "}":
            opened.pop()
            if not opened:
                return at
        at += 1
    raise InputError("an interpolation `${…}` that is not closed")


def assembled(listed: list[Piece], at: Place) -> Template:
    """The template of these parts, trimmed and nested."""
    depth = 0
    for piece in listed:
        if isinstance(piece, Directive):
            depth += (piece.value is not None) - (piece.word in {"endif", "endfor"})
            if depth > MAX_DIRECTIVES:
                raise InputError(f"directives nested deeper than {MAX_DIRECTIVES} levels")
    todo = iter(_trimmed(listed))
    parts, end = _until(todo, frozenset())
    if end is not None:
        raise InputError(f"`%{{ {end.word} }}` without its beginning")
    return Template(at, tuple(parts))


def _trimmed(listed: list[Piece]) -> Iterator[Piece]:
    for number, piece in enumerate(listed):
        if not isinstance(piece, Text):
            yield piece
            continue
        value, offset = piece.value, piece.offset
        if _trims(listed, number - 1, 1):
            kept = value.lstrip()
            value, offset = kept, offset + len(value) - len(kept)
        if _trims(listed, number + 1, 0):
            value = value.rstrip()
        if value:
            yield Text(value, offset)


def _trims(listed: list[Piece], number: int, side: int) -> bool:
    # A text may come in several pieces: one for each line, one for each escape.
    step = -1 if side else 1
    while 0 <= number < len(listed):
        piece = listed[number]
        if not isinstance(piece, Text):
            return piece.trims[side]
        if piece.value.strip():
            return False
        number += step
    return False


def _until(todo: Iterator[Piece], ends: frozenset[str]) -> tuple[list[Part], Directive | None]:
    parts: list[Part] = []
    for piece in todo:
        if isinstance(piece, Text):
            parts.append(piece)
        elif isinstance(piece, Interpolation):
            parts.append(piece.value)
        elif piece.word in ends or piece.value is None:
            return parts, piece
        elif piece.word == "if":
            parts.append(_if(piece.value, todo))
        else:
            inner, _ = _until(todo, frozenset({"endfor"}))
            parts.append(Repeat(*piece.names, piece.value, tuple(inner)))
    return parts, None


def _if(condition: Expression, todo: Iterator[Piece]) -> If:
    yes, end = _until(todo, frozenset({"else", "endif"}))
    no: list[Part] = []
    if end and end.word == "else":
        no, _ = _until(todo, frozenset({"endif"}))
    return If(condition, tuple(yes), tuple(no))


def outdented(listed: list[Piece]) -> list[Piece]:
    """The parts of a `<<-` heredoc: each line loses the smallest indentation of all."""
    lines = list(_by_line(listed))
    indents = [
        len(piece.value) - len(piece.value.lstrip(" \t"))
        for piece, begins in lines
        # A line of white space counts only where an interpolation follows it.
        if begins and isinstance(piece, Text) and (piece.value.strip() or "\n" not in piece.value)
    ]
    if any(begins and not isinstance(piece, Text) for piece, begins in lines):
        indents.append(0)
    smallest = min(indents, default=0)
    result: list[Piece] = []
    for piece, begins in lines:
        if begins and isinstance(piece, Text):
            blank = len(piece.value) - len(piece.value.lstrip(" \t"))
            cut = min(smallest, blank)
            result.append(Text(piece.value[cut:], piece.offset + cut))
        else:
            result.append(piece)
    return result


def _by_line(listed: list[Piece]) -> Iterator[tuple[Piece, bool]]:
    """The parts with texts cut after each line, and whether each begins a line."""
    begins = True
    for piece in listed:
        if not isinstance(piece, Text):
            yield piece, begins
            begins = False
            continue
        offset = piece.offset
        for line in piece.value.splitlines(keepends=True):
            yield Text(line, offset), begins
            offset += len(line)
            begins = line.endswith("\n")
