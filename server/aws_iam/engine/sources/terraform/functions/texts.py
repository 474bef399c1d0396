"""Functions on texts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, string
from aws_iam.engine.parsing.made_nodes import listed
from aws_iam.engine.sources.terraform.functions.collections import items_of
from aws_iam.engine.sources.terraform.functions.regular_expressions import replaced
from aws_iam.engine.sources.terraform.operators import number_of
from aws_iam.engine.sources.terraform.values import Invalid, boolean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.engine.parsing.json_nodes import Place
    from aws_iam.engine.sources.terraform.expressions import Evaluator

    Function = Callable[[Evaluator, Sequence[Node], Place], Node | None]


def _outside(evaluator: Evaluator, text: str, change: Callable[[str], str]) -> str:
    """The text changed where it is known."""
    begin, end = evaluator.placeholders.begin, evaluator.placeholders.end
    parts = re.split(f"({begin}[^{end}]*{end})", text)
    return "".join(part if part.startswith(begin) else change(part) for part in parts)


def _changed(change: Callable[[str], str]) -> Function:
    def function(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
        text = evaluator.text(arguments[0])
        evaluator.charge(len(text))
        return string(_outside(evaluator, text, change), at)

    return function


def _stripped(strip: Callable[[str], str]) -> Function:
    change = _changed(strip)

    def function(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
        node = arguments[0]
        if node.form is Form.OBJECT or strip(node.text) == node.text:
            return node  # with its places
        return change(evaluator, arguments, at)

    return function


def _trimmed(strip: Callable[[str, str], str]) -> Function:
    def function(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
        text, removed = map(evaluator.text, arguments)
        evaluator.charge(len(text) + len(removed))
        return string(strip(text, removed), at)

    return function


def _replace(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    text, old, new = map(evaluator.text, arguments)
    if evaluator.placeholders.within(old):
        return None
    if len(old) > 1 and old[0] == old[-1] == "/":
        return replaced(evaluator, text, old[1:-1], new, at)
    evaluator.charge(len(text) + (text.count(old) + 1) * len(new))
    holder = arguments[0]
    if holder.form is Form.OBJECT and _is_within_texts(old, new):
        return _replaced_within(evaluator, holder, old, new)
    return string(_outside(evaluator, text, lambda part: part.replace(old, new)), at)


def _is_within_texts(old: str, new: str) -> bool:
    """Whether a replacement in JSON only concerns its texts: they have letters, and structure begins at a quote."""
    structure = any(old in word for word in ("true", "false", "null"))
    return not structure and any(map(str.isalpha, old)) and not set('"\\\n') & set(old + new)


def _replaced_within(evaluator: Evaluator, node: Node, old: str, new: str) -> Node:
    evaluator.budget.spend()

    def changed(text: str) -> str:
        return _outside(evaluator, text, lambda part: part.replace(old, new))

    return Node(
        node.form,
        node.at,
        changed(node.text) if node.form is Form.STRING else node.text,
        tuple(_replaced_within(evaluator, item, old, new) for item in node.items),
        tuple(
            Member.named(
                string(changed(member.key), member.name.at),
                _replaced_within(evaluator, member.value, old, new),
            )
            for member in node.members
        ),
    )


_VERB = re.compile(r"%(?:\[(\d{1,3})\])?([-+ 0#]*)(\d{0,3})(?:\.(\d{1,2}))?([a-zA-Z%])")


def formatted(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    """`format`."""
    pattern = evaluator.text(arguments[0])
    if evaluator.placeholders.within(pattern):
        return None
    index = 0
    parts: list[str] = []
    last = 0
    for match in _VERB.finditer(pattern):
        position, flags, width, digits, verb = match.groups()
        parts.append(pattern[last : match.start()])
        last = match.end()
        if verb == "%":
            parts.append("%")
            continue
        index = int(position) if position else index + 1
        value = arguments[index] if index else arguments[len(arguments)]
        parts.append(_verb(evaluator, value, verb, flags, width, digits))
        evaluator.charge(len(parts[-1]))
    return string("".join((*parts, pattern[last:])), at)


def _verb(  # noqa: PLR0913, PLR0917 - the parts of a verb
    evaluator: Evaluator, value: Node, verb: str, flags: str, width: str, digits: str | None
) -> str:
    text = "null" if value.form is Form.NULL and verb in "vq" else evaluator.text(value)
    if evaluator.placeholders.within(text):
        return json.dumps(text, ensure_ascii=False) if verb == "q" else text
    if verb == "q":
        text = json.dumps(text, ensure_ascii=False)
    elif verb == "d":
        text = str(int(number_of(value)))
    elif verb in "xXob":
        text = format(int(number_of(value)), verb)
    elif verb in "feEgG":
        text = format(number_of(value), f".{digits or 6}{verb}")
    elif verb not in "svt":
        raise Invalid
    pad = int(width or 0)
    if "-" in flags:
        return text.ljust(pad)
    return text.rjust(pad, "0" if "0" in flags else " ")


def _formatlist(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    lists = [own.items for own in arguments if own.form is Form.ARRAY]
    if not lists:
        single = formatted(evaluator, arguments, at)
        return single and listed([single], at)
    if any(evaluator.is_rest(item) for items in lists for item in items) and len(lists) > 1:
        return None
    if len({len(items) for items in lists}) > 1:
        raise Invalid
    found = []
    for number_ in range(len(lists[0])):
        row = [own.items[number_] if own.form is Form.ARRAY else own for own in arguments]
        rest = next((own for own in row if evaluator.is_rest(own)), None)
        evaluator.budget.spend(len(row))
        found.append(rest or formatted(evaluator, row, at) or evaluator.hole("format(…)", at))
    return listed(found, at)


def _join(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    separator, *lists = arguments
    if any(map(evaluator.is_hole, lists)):
        return evaluator.hole(evaluator.name_of(next(filter(evaluator.is_hole, lists))), at)
    items = [item for own in lists for item in items_of(evaluator, own)]
    evaluator.budget.spend(len(items))
    texts = [evaluator.text(item) for item in items]
    between = evaluator.text(separator)
    evaluator.charge(sum(map(len, texts)) + len(between) * len(texts))
    return string(between.join(texts), at)


def _split(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    separator, text = map(evaluator.text, arguments)
    parts = text.split(separator) if separator else list(text)
    evaluator.budget.spend(len(parts))
    return listed((string(part, at) for part in parts), at)


def _substr(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    text = evaluator.text(arguments[0])
    start, length = (int(number_of(own)) for own in arguments[1:])
    begin = start if start >= 0 else max(0, len(text) + start)
    return string(text[begin:] if length < 0 else text[begin : begin + length], at)


def _indented(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    spaces, text = int(number_of(arguments[0])), evaluator.text(arguments[1])
    if spaces < 0:
        raise Invalid
    if arguments[1].form in {Form.OBJECT, Form.ARRAY}:
        return None  # JSON in lines of its own
    evaluator.charge(len(text) + text.count("\n") * spaces)
    return string(text.replace("\n", "\n" + " " * spaces), at)


def _tested(test: Callable[[str, str], bool]) -> Function:
    def function(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
        return boolean(test(evaluator.text(arguments[0]), evaluator.text(arguments[1])), at)

    return function


FUNCTIONS: dict[str, Function] = {
    "chomp": _stripped(lambda text: text.rstrip("\r\n")),
    "endswith": _tested(str.endswith),
    "format": formatted,
    "formatlist": _formatlist,
    "indent": _indented,
    "join": _join,
    "lower": _changed(str.lower),
    "replace": _replace,
    "split": _split,
    "startswith": _tested(str.startswith),
    "strcontains": _tested(lambda text, part: part in text),
    "strrev": _changed(lambda text: text[::-1]),
    "substr": _substr,
    "title": _changed(lambda text: re.sub(r"\b[a-z]", lambda own: own[0].upper(), text)),
    "trim": _trimmed(str.strip),
    "trimprefix": _trimmed(str.removeprefix),
    "trimspace": _stripped(str.strip),
    "trimsuffix": _trimmed(str.removesuffix),
    "upper": _changed(str.upper),
}
