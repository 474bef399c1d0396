"""The two sides of a unified diff that shows a whole policy, as `git diff` writes it of a short file.

https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html
"""

from __future__ import annotations

import re
from typing import Any, Final

from aws_iam.engine.parsing.json_text import python_value
from aws_iam.errors import InputError

UNDERSTOOD: Final = "`document`: the two sides of the diff as `baseline` and `document`"
_HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@.*$", re.MULTILINE)
_FILE = re.compile(r"^\+\+\+ ", re.MULTILINE)


def sides_of(document: Any) -> tuple[str, str] | None:
    """What stood there before and what after, as text; None for anything but a diff, and InputError for one that shows only parts."""
    if not isinstance(document, str):
        return None
    hunks = list(_HUNK.finditer(document))
    if not hunks:
        return None
    if len(_FILE.findall(document)) > 1:
        raise InputError(
            "the diff is of several files",
            hint="give one of them whole: after the change in `document`, before it in `baseline`",
        )
    before, after = (_side(document[hunks[0].end() + 1 :], mark) for mark in "-+")
    # What is left out between hunks, or above the first one, is not known.
    is_whole = len(hunks) == 1 and set(hunks[0].groups()) <= {"0", "1"}
    if not (is_whole and _is_closed(before) and _is_closed(after)):
        raise InputError(
            "the diff shows only a part of the file",
            hint="give the whole file: after the change in `document`, before it in `baseline`; `git diff -U9999` of a"
            " policy in JSON shows both",
        )
    return before, after


def _side(hunk: str, mark: str) -> str:
    lines = (line for line in hunk.splitlines() if line[:1] in {"", " ", mark})
    return "\n".join(line[1:] for line in lines)


def _is_closed(side: str) -> bool:
    """Whether the text is a whole value of JSON, or nothing: a file that is new or gone."""
    if not side.strip():
        return True
    try:
        return isinstance(python_value(side), (dict, list))
    except (ValueError, RecursionError):
        return False
