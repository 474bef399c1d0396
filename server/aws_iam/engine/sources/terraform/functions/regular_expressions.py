"""Regular expressions: `regex`, `regexall`, and `replace` with one between slashes. Those that are long or not simple are unknown.

https://developer.hashicorp.com/terraform/language/functions/regex
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node, string
from aws_iam.engine.parsing.made_nodes import listed, mapped
from aws_iam.engine.sources.terraform.values import Invalid, null

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.engine.parsing.json_nodes import Place
    from aws_iam.engine.sources.terraform.expressions import Evaluator

    Function = Callable[[Evaluator, Sequence[Node], Place], Node | None]

# A regular expression with two repetitions and none within another takes at most some million steps on such a text.
_LONGEST_SUBJECT = 300
_LONGEST_PATTERN = 100
_MOST_REPETITIONS = 2
# Each further one doubles the work at most.
_MOST_CHOICES = 5
_STEPS_FOR_ONE = 2_000
_REPEATED_GROUP = re.compile(r"\)[*+{]|\\[0-9]|\(\?(?!:|P<)")
# What Python reads otherwise than Terraform's RE2, or refuses.
_OTHER_SYNTAX = re.compile(r"\[\[|&&|\|\||~~|--|\\[pPQECzZ]|[*+?}]\+")
_REFERENCE = re.compile(r"\$(?:(\$)|([0-9A-Za-z_]+)|\{([0-9A-Za-z_]+)\})")


def _compiled(evaluator: Evaluator, pattern: str, text: str) -> re.Pattern[str] | None:
    """The regular expression, if it is short, simple and means the same here."""
    repetitions = sum(map(pattern.count, "*+{"))
    choices = sum(map(pattern.count, "?|")) - pattern.count("(?")
    if (
        max(len(text) - _LONGEST_SUBJECT, len(pattern) - _LONGEST_PATTERN) > 0
        or repetitions > _MOST_REPETITIONS
        or choices > _MOST_CHOICES
        or _REPEATED_GROUP.search(pattern)
        or _OTHER_SYNTAX.search(pattern)
        or ("$" in pattern and "\n" in text)
    ):
        return None
    evaluator.budget.spend(2**choices * len(text) ** (repetitions + 1) // _STEPS_FOR_ONE + 1)
    try:
        return re.compile(pattern, re.ASCII)
    except re.error:
        raise Invalid from None


def replaced(evaluator: Evaluator, text: str, pattern: str, new: str, at: Place) -> Node | None:
    """`replace` with a regular expression; `$1` and `${name}` in the new text stand for what a group matched."""
    unknown = evaluator.placeholders.within
    found = _compiled(evaluator, pattern, text)
    if found is None or unknown(text) or unknown(new) or len(new) > _LONGEST_SUBJECT:
        return None

    def expanded(match: re.Match[str]) -> str:
        return _REFERENCE.sub(lambda own: own[1] or _group(match, own[2] or own[3]), new)

    result = found.sub(expanded, text)
    evaluator.charge(len(result))
    return string(result, at)


def _group(match: re.Match[str], name: str) -> str:
    try:
        return match[int(name) if name.isdecimal() else name] or ""
    except IndexError:
        return ""


def _regex(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    found, text = _arguments(evaluator, arguments)
    if found is None:
        return None
    match = found.search(text)
    if match is None:
        raise Invalid
    return _matched(match, at)


def _regexall(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    found, text = _arguments(evaluator, arguments)
    return found and listed([_matched(match, at) for match in found.finditer(text)], at)


def _arguments(
    evaluator: Evaluator, arguments: Sequence[Node]
) -> tuple[re.Pattern[str] | None, str]:
    pattern, text = map(evaluator.text, arguments)
    # How JSON is spelled is not known.
    is_text = arguments[1].form not in {Form.OBJECT, Form.ARRAY}
    return _compiled(evaluator, pattern, text) if is_text else None, text


def _matched(match: re.Match[str], at: Place) -> Node:
    """The text without groups, the list of the groups, or the object of those with names."""

    def own(text: str | None) -> Node:
        return null(at) if text is None else string(text, at)

    if names := match.groupdict():
        return mapped(((name, own(text)) for name, text in names.items()), at)
    groups = match.groups()
    return listed(map(own, groups), at) if groups else string(match[0], at)


FUNCTIONS: dict[str, Function] = {"regex": _regex, "regexall": _regexall}
