"""Lines of a shell with commands of the AWS CLI: `sudo aws --profile prod s3 ls && aws sts get-caller-identity`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# A substitution that is open at the end of its word is read in one way only: two would double the work with each of them.
_OPEN = r"\"?\$\((?!\S*\)\"?\s)"
_BEFORE = re.compile(
    rf"(?:[$#>]\s+)?(?:[A-Za-z_]\w*={_OPEN}|\$\(|(?:sudo(?:\s+-\S+)*|time|env|exec|nohup|xargs(?:\s+-\S+)*"
    rf"|do|then|else|if|while|until|!|[A-Za-z_]\w*=(?!{_OPEN})\S*)\s+)*aws2?\s+"
)
# https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-options.html
_WITHOUT_VALUE = "cli-auto-prompt|debug|no-cli-auto-prompt|no-cli-pager|no-paginate|no-sign-request|no-verify-ssl"
_WITH_VALUE = (
    "ca-bundle|cli-binary-format|cli-connect-timeout|cli-error-format|cli-read-timeout|color|endpoint-url|output|profile"
    "|query|region"
)
_VALUE = r"(?:'[^']*'|\"[^\"]*\"|[^\s'\"]+)"
_GLOBAL = re.compile(rf"(?:--(?:{_WITHOUT_VALUE})\s+|--(?:{_WITH_VALUE})(?:=|\s+){_VALUE}\s+)+")
# What ends a command; in quotes it is part of a value, as a comma is in `--code S3Bucket=b,S3Key=k`.
_PARTS = re.compile(
    r"(?P<value>'[^']*'|\"(?:[^\"\\]|\\.)*\")|(?P<end>&&|\|\|?|[;\n]|,(?=\s|aws ))|\\\n|.",
    re.DOTALL,
)
# `s3 cp`
_LONGEST_NAME = 2

# A command in a question: between quotes, or from its name on to what is asked of it.
_QUOTED = re.compile(
    r"(?P<quote>[`'\"])\s*(?P<command>(?:[$#>]\s+)?(?:sudo\s+)?aws2?\s[^`]+?)\s*(?P=quote)"
)
_SPOKEN = re.compile(r"(?<![\w./-])aws2?\s+[a-z][a-z0-9-]*\s+[a-z]")
_ASKED = ("needs", "need", "requires", "require")


def in_question(query: str) -> str:
    """The command that a question is about: `aws s3 sync` of ``what does `aws s3 sync` need``; empty without one."""
    if quoted := _QUOTED.search(query):
        return plain(quoted["command"])
    spoken = _SPOKEN.search(query)
    if spoken is None:
        return ""
    command = query[spoken.start() :].rstrip("?! \t\r\n")
    before, _, last = command.rpartition(" ")
    return plain(before.rstrip() if last in _ASKED else command)


def asks_for_help(words: Sequence[str]) -> bool:
    """Whether the words after `aws` end in `help` behind the command alone; elsewhere it is a value, such as a file."""
    longest = _LONGEST_NAME + ("wait" in words[1:2])
    return len(words) <= longest + 1 and words[-1].lower() == "help"


def plain(query: str) -> str:
    """The command as `aws SERVICE …`, without the prompt and `sudo` before it and the options before the service; other texts as they are."""
    before = _BEFORE.match(query)
    if not before:
        return query
    rest = query[before.end() :]
    options = _GLOBAL.match(rest)
    return f"aws {rest[options.end() :] if options else rest}"


def commands(query: str) -> tuple[str, ...]:
    """The commands of the AWS CLI in the line, without what a shell has between and around them; of a list with commas all parts."""
    parts = [("", "")]
    for part in _PARTS.finditer(query):
        if part["end"]:
            parts.append((part["end"], ""))
        else:
            parts[-1] = (parts[-1][0], parts[-1][1] + part[0])
    is_list = any(end == "," for end, _ in parts)
    texts = [text.strip() for _, text in parts]
    found = (_inside(text) for text in texts if is_list or _BEFORE.match(text))
    return tuple(dict.fromkeys(filter(None, found)))


def _inside(text: str) -> str:
    """The command, without the end of the substitution that holds it: `ID=$(aws sts get-caller-identity)`."""
    before = _BEFORE.match(text)
    return plain(text.rstrip(')"') if before and "$(" in before[0] else text)
