"""Terraform's functions, as far as policies need them. One that is missing here returns a value that is not known.

https://developer.hashicorp.com/terraform/language/functions
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, Place, string
from aws_iam.engine.parsing.json_text import Syntax
from aws_iam.engine.parsing.yaml_text import scan_yaml
from aws_iam.engine.sources.terraform import values
from aws_iam.engine.sources.terraform.embedded_json import document_in
from aws_iam.engine.sources.terraform.expressions import Evaluator, Scope, described, number_of
from aws_iam.engine.sources.terraform.file_functions import FILE_FUNCTIONS
from aws_iam.engine.sources.terraform.values import (
    MAX_TEXT,
    Invalid,
    Set,
    SwitchedOff,
    TooMuch,
    boolean,
    listed,
    mapped,
    members_of,
    number,
    sorted_set,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.engine.sources.terraform.syntax import Call

    # Evaluator, arguments and place; a function that is not sure returns None.
    Function = Callable[[Evaluator, Sequence[Node], Place], "Node | None"]

_MOST_ITEMS = 10_000


def called(evaluator: Evaluator, call: Call, scope: Scope) -> Node:
    """What a call returns."""
    name = call.function.removeprefix("core::")
    if name in {"try", "can"}:
        return _tried(evaluator, call, scope)
    arguments = [evaluator.value_or_hole(argument, scope) for argument in call.arguments]
    unknown = evaluator.hole(_name_of_call(evaluator, call, arguments), call.at)
    if call.spread and arguments:
        last = arguments.pop()
        if evaluator.is_hole(last):
            return unknown
        arguments += last.items
    evaluator.budget.spend(len(arguments) + sum(own.count + len(own.members) for own in arguments))
    if name in FILE_FUNCTIONS:
        return FILE_FUNCTIONS[name](evaluator, arguments, call.at, scope) or unknown
    function = TOLERANT.get(name) or KNOWN_ONLY.get(name)
    if function is None:
        return unknown
    if name in KNOWN_ONLY and any(map(evaluator.partly_unknown, arguments)):
        return unknown
    try:
        found = function(evaluator, arguments, call.at)
    except (IndexError, ValueError):
        raise Invalid from None
    return unknown if found is None else found


def _name_of_call(evaluator: Evaluator, call: Call, arguments: Sequence[Node]) -> str:
    """What a call is called whose result is not known: by what is not known in it."""
    inner = next((own for own in arguments if evaluator.is_hole(own)), None)
    if inner is None and not call.arguments:
        return f"{call.function}()"
    return f"{call.function}({evaluator.name_of(inner) if inner else described(call.arguments[0])})"


def _tried(evaluator: Evaluator, call: Call, scope: Scope) -> Node:
    for argument in call.arguments:
        try:
            with evaluator.trying():
                value = evaluator.value(argument, scope)
        except Invalid:
            continue
        return value if call.function == "try" or evaluator.is_hole(value) else boolean(True, call.at)  # noqa: FBT003
    if call.function == "can":
        return boolean(False, call.at)  # noqa: FBT003
    raise Invalid


# Texts


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
        text = evaluator.text(arguments[0])
        evaluator.charge(len(text))
        return string(strip(text, evaluator.text(arguments[1])), at)

    return function


def _replace(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    text, old, new = map(evaluator.text, arguments)
    if evaluator.placeholders.within(old):
        return None
    if len(old) > 1 and old[0] == old[-1] == "/":
        return _replaced(evaluator, text, old[1:-1], new, at)
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


# A regular expression with two repetitions and none within another takes at most some million steps on such a text.
_LONGEST_SUBJECT = 300
_LONGEST_PATTERN = 100
_MOST_REPETITIONS = 2
_REPEATED_GROUP = re.compile(r"\)[*+{?]|\\[0-9]|\(\?[^:]")


def _replaced(
    evaluator: Evaluator, text: str, pattern: str, new: str, at: Place
) -> Node | None:
    """`replace` with a regular expression that is short and simple."""
    repetitions = sum(map(pattern.count, "*+{"))
    if (
        evaluator.placeholders.within(text)
        or max(len(text), len(new)) > _LONGEST_SUBJECT
        or len(pattern) > _LONGEST_PATTERN
        or repetitions > _MOST_REPETITIONS
        or _REPEATED_GROUP.search(pattern)
        or "$" in new
    ):
        return None
    try:
        return string(re.sub(pattern, lambda _: new, text), at)
    except re.error:
        raise Invalid from None


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
    items = [item for own in lists for item in _items(evaluator, own)]
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


def _tested(test: Callable[[str, str], bool]) -> Function:
    def function(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
        return boolean(test(evaluator.text(arguments[0]), evaluator.text(arguments[1])), at)

    return function


# Lists and objects


def _items(evaluator: Evaluator, node: Node) -> tuple[Node, ...]:
    if isinstance(node, SwitchedOff):
        return (node.instance,) if evaluator.off else ()
    if evaluator.is_hole(node):
        return (evaluator.rest(evaluator.name_of(node), node.at),)
    if node.form is not Form.ARRAY:
        raise Invalid
    return node.items


def _concat(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    return listed([item for own in arguments for item in _items(evaluator, own)], at)


def _flatten(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    found: list[Node] = []
    todo = list(reversed(_items(evaluator, arguments[0])))
    while todo:
        item = todo.pop()
        evaluator.budget.spend()
        if item.form is Form.ARRAY:
            todo += reversed(_items(evaluator, item))
        else:
            found.append(item)
    return listed(found, at)


def _distinct(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    found: dict[str, Node] = {}
    for item in _items(evaluator, arguments[0]):
        found.setdefault(f"{item.form}{_as_key(evaluator, item)}", item)
    return listed(found.values(), at)


def _as_key(evaluator: Evaluator, node: Node) -> str:
    return node.text if node.form not in {Form.ARRAY, Form.OBJECT} else evaluator.text(node)


def _compact(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    items = _items(evaluator, arguments[0])
    return listed((item for item in items if not _is_empty(item)), at)


def _is_empty(node: Node) -> bool:
    """Whether it is null or an empty text."""
    return node.form is Form.NULL or (node.form is Form.STRING and not node.text)


def _set_of(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    if evaluator.is_hole(arguments[0]):
        return arguments[0]
    return sorted_set(_distinct(evaluator, arguments, at).items, at)


def _union(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    return _set_of(evaluator, [_concat(evaluator, arguments, at)], at)


def _kept(*, common: bool) -> Function:
    def function(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
        first, *others = ({item.text for item in _items(evaluator, own)} for own in arguments)
        for other in others:
            first = first & other if common else first - other
        return sorted_set((own for own in arguments[0].items if own.text in first), at)

    return function


def _product(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    rows: list[tuple[Node, ...]] = [()]
    for own in arguments:
        items = _items(evaluator, own)
        if len(rows) * len(items) > _MOST_ITEMS:
            raise TooMuch
        evaluator.budget.spend(len(rows) * len(items))
        rows = [(*row, item) for row in rows for item in items]
    return listed((listed(row, at) for row in rows), at)


def _as_list(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    node = arguments[0]
    return node if evaluator.is_hole(node) else listed(_items(evaluator, node), at)


def _merge(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    found: list[tuple[str, Node]] = []
    for own in arguments:
        if evaluator.is_hole(own):
            return None
        if own.form is Form.NULL:
            continue
        if own.form is not Form.OBJECT:
            raise Invalid
        found += ((member.key, member.value) for member in own.members)
    return mapped(found, at)


def _lookup(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    holder, key = arguments[0], arguments[1]
    if evaluator.is_hole(holder) or evaluator.placeholders.within(key.text):
        return None
    found = holder.member(evaluator.text(key))
    if found is None:
        if len(arguments) < 3:  # noqa: PLR2004 - without a default
            raise Invalid
        found = arguments[2]
    return found if at else None


def _element(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    items = _items(evaluator, arguments[0])
    if evaluator.placeholders.within(arguments[1].text) or any(map(evaluator.is_rest, items)):
        return None
    if not items:
        raise Invalid
    return items[int(number_of(arguments[1])) % len(items)] if at else None


def _keys(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    if evaluator.is_hole(arguments[0]):
        return None
    return listed((string(key, value.at) for key, value in members_of(arguments[0])), at)


def _values(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    node = arguments[0]
    if isinstance(node, SwitchedOff) or evaluator.is_hole(node):
        return listed(_items(evaluator, node), at)
    return listed((value for _, value in members_of(node)), at)


def _length(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    node = arguments[0]
    if isinstance(node, SwitchedOff):
        return number(int(evaluator.off), at)
    if evaluator.placeholders.within(node.text) or any(map(evaluator.is_rest, node.items)):
        return None
    if node.form in {Form.ARRAY, Form.OBJECT}:
        return number(node.count + len(node.members), at)
    return number(len(evaluator.text(node)), at)


def _contains(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    results = [evaluator.same(item, arguments[1]) for item in _items(evaluator, arguments[0])]
    if True in results:
        return boolean(True, at)  # noqa: FBT003
    return None if None in results else boolean(False, at)  # noqa: FBT003


def _first(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    """`coalesce`: the first that is neither null nor empty."""
    for own in arguments:
        if evaluator.is_hole(own):
            return None
        if not _is_empty(own):
            return own
    raise Invalid if at else Invalid


def _first_list(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    for own in arguments:
        if evaluator.is_hole(own):
            return None
        if own.count:
            return own
    raise Invalid if at else Invalid


def _one(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    items = _items(evaluator, arguments[0])
    if any(map(evaluator.is_rest, items)):
        return None
    if len(items) > 1:
        raise Invalid
    return items[0] if items else values.null(at)


def _zipmap(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    keys, own = (_items(evaluator, argument) for argument in arguments)
    if len(keys) != len(own):
        raise Invalid
    return mapped(zip(map(evaluator.text, keys), own, strict=True), at)


def _slice(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    start, end = (int(number_of(own)) for own in arguments[1:])
    return listed(_items(evaluator, arguments[0])[start:end], at)


def _reversed(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    return listed(reversed(_items(evaluator, arguments[0])), at)


def _sorted(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    return listed(sorted(_items(evaluator, arguments[0]), key=evaluator.text), at)


def _range(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    bounds = [int(number_of(own)) for own in arguments]
    found = range(*bounds)
    if len(found) > 1024:  # noqa: PLR2004 - Terraform's own limit
        raise Invalid
    evaluator.budget.spend(len(found))
    return listed((number(own, at) for own in found), at)


def _every(*, every: bool) -> Function:
    def function(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
        truths = [item.text == "true" for item in _items(evaluator, arguments[0])]
        return boolean(all(truths) if every else any(truths), at)

    return function


def _extreme(chosen: Callable[[Sequence[float]], float]) -> Function:
    def function(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
        evaluator.budget.spend(len(arguments))
        return number(chosen([number_of(own) for own in arguments]), at)

    return function


def _chunked(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    items, size = _items(evaluator, arguments[0]), int(number_of(arguments[1]))
    if size < 1:
        raise Invalid
    parts = (items[start : start + size] for start in range(0, len(items), size))
    return listed((listed(part, at) for part in parts), at)


# Conversions


def _same(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:  # noqa: ARG001
    return arguments[0]


def _to_json(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    """`jsonencode`: an object or a list stays one, so that its parts keep their places."""
    node = arguments[0]
    if node.form in {Form.OBJECT, Form.ARRAY} or evaluator.is_hole(node):
        return node
    if node.form is Form.STRING:
        return string(json.dumps(node.text, ensure_ascii=False), at)
    return string(node.text, at)


def _as_text(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    node = arguments[0]
    if node.form in {Form.NUMBER, Form.BOOLEAN}:
        return string(evaluator.text(node), at)
    return node


def _as_number(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    evaluator.budget.spend()
    return number(number_of(arguments[0]), at)


def _as_boolean(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    text = evaluator.text(arguments[0])
    if text not in {"true", "false"}:
        raise Invalid
    return boolean(text == "true", at)


def _from_json(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    node = arguments[0]
    if evaluator.is_hole(node):
        return None
    if node.form in {Form.OBJECT, Form.ARRAY}:
        return node  # what `jsonencode` made stays as it is
    found = document_in(node, evaluator)
    if found is None or isinstance(found, Syntax):
        if evaluator.placeholders.within(node.text):
            return None
        raise Invalid
    return found if at else None


def _from_yaml(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    text = evaluator.text(arguments[0])
    evaluator.charge(len(text) * 8)
    if "\\u" in text.lower():
        return None  # an escape could write what stands for a value that is not known
    roots = scan_yaml(text)
    if isinstance(roots, Syntax) or len(roots) != 1:
        raise Invalid
    own = arguments[0].at
    return values.moved(roots[0], Place(spot=own.offset, lines=own.lines)) if at else None


def _base64(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    text = evaluator.text(arguments[0])
    evaluator.charge(len(text))
    return string(base64.b64encode(text.encode()).decode(), at)


def _from_base64(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    decoded = base64.b64decode(evaluator.text(arguments[0]), validate=True)
    return string(values.clean(decoded.decode()), at)


def _encoded(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    return string(quote_plus(evaluator.text(arguments[0])), at)


TOLERANT: dict[str, Function] = {
    "chomp": _stripped(lambda text: text.rstrip("\r\n")),
    "coalesce": _first,
    "coalescelist": _first_list,
    "compact": _compact,
    "concat": _concat,
    "contains": _contains,
    "distinct": _distinct,
    "element": _element,
    "flatten": _flatten,
    "format": formatted,
    "formatlist": _formatlist,
    "join": _join,
    "jsondecode": _from_json,
    "jsonencode": _to_json,
    "keys": _keys,
    "length": _length,
    "lookup": _lookup,
    "lower": _changed(str.lower),
    "merge": _merge,
    "nonsensitive": _same,
    "one": _one,
    "replace": _replace,
    "sensitive": _same,
    "setunion": _union,
    "title": _changed(lambda text: re.sub(r"\b[a-z]", lambda own: own[0].upper(), text)),
    "tolist": _as_list,
    "tomap": _same,
    "toset": _set_of,
    "tostring": _as_text,
    "trimprefix": _trimmed(str.removeprefix),
    "trimspace": _stripped(str.strip),
    "trimsuffix": _trimmed(str.removesuffix),
    "upper": _changed(str.upper),
    "values": _values,
}
"""Functions that return something also where a part of their arguments is not known."""

KNOWN_ONLY: dict[str, Function] = {
    "abs": _extreme(lambda own: abs(own[0])),
    "alltrue": _every(every=True),
    "anytrue": _every(every=False),
    "base64decode": _from_base64,
    "base64encode": _base64,
    "ceil": _extreme(lambda own: -(-own[0] // 1)),
    "chunklist": _chunked,
    "endswith": _tested(str.endswith),
    "floor": _extreme(lambda own: own[0] // 1),
    "max": _extreme(max),
    "min": _extreme(min),
    "range": _range,
    "reverse": _reversed,
    "setintersection": _kept(common=True),
    "setproduct": _product,
    "setsubtract": _kept(common=False),
    "slice": _slice,
    "sort": _sorted,
    "split": _split,
    "startswith": _tested(str.startswith),
    "strcontains": _tested(lambda text, part: part in text),
    "strrev": _changed(lambda text: text[::-1]),
    "substr": _substr,
    "tobool": _as_boolean,
    "tonumber": _as_number,
    "trim": _trimmed(str.strip),
    "urlencode": _encoded,
    "yamldecode": _from_yaml,
    "yamlencode": _same,
    "zipmap": _zipmap,
}
"""Functions that return something only where all of their arguments are known."""
