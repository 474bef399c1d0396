"""Text as Markdown, escaped so that it cannot become a link, an image, a table cell or HTML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Markdown pairs runs of backticks of equal length; only single ones count as a code span here.
_TOKENS = re.compile(
    r"""
    (?P<span> (?<!`)`[^`]+`(?!`) )
    # GitHub and GitLab render a mention, mathematics or an issue even behind a backslash, but not inside code.
    # https://gitlab.com/gitlab-org/gitlab/-/issues/16827
    | (?P<word> (?<!\S) [^\s`]* (?: @\w | \$ | \#\d ) [^\s`]*? (?= [.,;:]? (?:\s|$) ) )
    | (?P<mark> [\\*<>\[\]|`~@$] | (?<![0-9A-Za-z])_ | _(?![0-9A-Za-z]) | ^\# | ^[+-](?=\s) )
    """,
    re.VERBOSE,
)


def escaped_markup(text: str) -> str:
    """The text with all its Markdown escaped except single code spans."""
    return _TOKENS.sub(_token, text)


def _token(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "span":
            return found[0]
        case "word":
            return f"`{found[0]}`"
        case _:
            return f"\\{found[0]}"


def code_span(text: str) -> str:
    """The text as inline code, whatever it contains."""
    fence = "`" * (_longest_run(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text else ""


def code_block(text: str, language: str) -> str:
    """The text as a block of code, whatever it contains."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    """The longest run of backticks; a longer fence cannot be closed by it."""
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A table line by line; its cells are Markdown already, and a bar in one does not end it."""
    head = tuple(columns)
    yield f"| {' | '.join(head)} |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        # Even inside code a bar ends the cell; some are escaped already.
        cells = (cell.replace("\\|", "|").replace("|", "\\|") for cell in row)
        yield f"| {' | '.join(cells)} |"


def prose(text: str) -> str:
    """A text of our own on one line, without HTML; its Markdown stays."""
    return " ".join(text.split()).replace("<", "&lt;")
