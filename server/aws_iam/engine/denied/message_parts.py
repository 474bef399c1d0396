"""The parts of one message as written."""

from __future__ import annotations

import re
from typing import Literal

from aws_iam.frozen import slotted

_LONGEST = 2_100
_OPENERS = {")": "(", "]": "[", "}": "{", ">": "<"}
_BOLD = re.compile(r"\*\*([^*].*[^*])\*\*")
_QUOTES = "\"'`"
_ENDS = ".,;:" + _QUOTES
# CloudWatch Logs ends the ARN of a log group with an empty name of a stream.
_ENDS_WITH_COLON = ":log-stream"


@slotted
class MessageParts:
    """The parts of one message; empty where it lacks them.

    `inferred` says what was concluded from other words than the standard ones. `cause` says why no policy decided, and
    `mended_by` what helps instead; both are empty where the message is an ordinary one. With `policy_may_help` the cause is one
    of several, and a missing permission is among them.
    """

    form: Literal["standard", "short", "ciphertext"]
    principal: str = ""
    action: str = ""
    resource: str = ""
    policy_type: str = ""
    explicit: bool | None = None
    policy_arn: str = ""
    operation: str = ""
    service: str = ""
    code: str = ""
    encoded: bool = False
    remark: str = ""
    inferred: tuple[str, ...] = ()
    cause: str = ""
    mended_by: str = ""
    policy_may_help: bool = False
    source: str = ""


def trimmed(word: str) -> str:
    """The word without surrounding punctuation and quotes."""
    unquoted = word[:_LONGEST].strip().strip(_QUOTES)
    word = unquoted.rstrip(_ENDS)
    if word.endswith(_ENDS_WITH_COLON) and unquoted.startswith(f"{word}:"):
        return f"{word}:"
    # Markdown's emphasis; one asterisk at the end is a wildcard.
    if bold := _BOLD.fullmatch(word):
        word = bold[1]
    while word and word[-1] in _OPENERS and _OPENERS[word[-1]] not in word:
        word = word[:-1].rstrip(_ENDS)
    return word
