"""Functions on lists, sets, objects and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node, string
from aws_iam.engine.parsing.made_nodes import listed, mapped
from aws_iam.engine.sources.terraform import values
from aws_iam.engine.sources.terraform.operators import number_of
from aws_iam.engine.sources.terraform.values import (
    Invalid,
    SwitchedOff,
    TooMuch,
    boolean,
    members_of,
    number,
    sorted_set,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.engine.parsing.json_nodes import Place
    from aws_iam.engine.sources.terraform.expressions import Evaluator

    Function = Callable[[Evaluator, Sequence[Node], Place], Node | None]

_MOST_ITEMS = 10_000


def items_of(evaluator: Evaluator, node: Node) -> tuple[Node, ...]:
    """The items of a list; of one that is not known an item for all of them."""
    if isinstance(node, SwitchedOff):
        return (node.instance,) if evaluator.off else ()
    if evaluator.is_hole(node):
        return (evaluator.rest(evaluator.name_of(node), node.at),)
    if node.form is not Form.ARRAY:
        raise Invalid
    return node.items


def _concat(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    return listed([item for own in arguments for item in items_of(evaluator, own)], at)


def _flatten(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    found: list[Node] = []
    todo = list(reversed(items_of(evaluator, arguments[0])))
    while todo:
        item = todo.pop()
        evaluator.budget.spend()
        if item.form is Form.ARRAY:
            todo += reversed(items_of(evaluator, item))
        else:
            found.append(item)
    return listed(found, at)


def _distinct(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    if evaluator.is_hole(arguments[0]):
        return arguments[0]
    found: dict[str, Node] = {}
    for item in items_of(evaluator, arguments[0]):
        found.setdefault(f"{item.form}{_as_key(evaluator, item)}", item)
    return listed(found.values(), at)


def _as_key(evaluator: Evaluator, node: Node) -> str:
    return node.text if node.form not in {Form.ARRAY, Form.OBJECT} else evaluator.text(node)


def _compact(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    items = items_of(evaluator, arguments[0])
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
        first, *others = ({item.text for item in items_of(evaluator, own)} for own in arguments)
        for other in others:
            first = first & other if common else first - other
        return sorted_set((own for own in arguments[0].items if own.text in first), at)

    return function


def _product(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    rows: list[tuple[Node, ...]] = [()]
    for own in arguments:
        items = items_of(evaluator, own)
        if len(rows) * len(items) > _MOST_ITEMS:
            raise TooMuch
        evaluator.budget.spend(len(rows) * len(items))
        rows = [(*row, item) for row in rows for item in items]
    return listed((listed(row, at) for row in rows), at)


def _as_list(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    node = arguments[0]
    return node if evaluator.is_hole(node) else listed(items_of(evaluator, node), at)


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


def _lookup(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:  # noqa: ARG001
    holder, key = arguments[0], arguments[1]
    if evaluator.is_hole(holder) or evaluator.placeholders.within(key.text):
        return None
    found = holder.member(evaluator.text(key))
    if found is None:
        if len(arguments) < 3:  # noqa: PLR2004 - without a default
            raise Invalid
        found = arguments[2]
    return found


def _element(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:  # noqa: ARG001
    items = items_of(evaluator, arguments[0])
    if evaluator.placeholders.within(arguments[1].text) or any(map(evaluator.is_rest, items)):
        return None
    if not items:
        raise Invalid
    return items[int(number_of(arguments[1])) % len(items)]


def _keys(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    if evaluator.is_hole(arguments[0]):
        return None
    return listed((string(key, value.at) for key, value in members_of(arguments[0])), at)


def _values(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    node = arguments[0]
    if isinstance(node, SwitchedOff) or evaluator.is_hole(node):
        return listed(items_of(evaluator, node), at)
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
    results = [evaluator.same(item, arguments[1]) for item in items_of(evaluator, arguments[0])]
    if True in results:
        return boolean(True, at)
    return None if None in results else boolean(False, at)


def _first(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:  # noqa: ARG001
    """`coalesce`: the first that is neither null nor empty."""
    for own in arguments:
        if evaluator.is_hole(own):
            return None
        if not _is_empty(own):
            return own
    raise Invalid


def _first_list(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:  # noqa: ARG001
    for own in arguments:
        if evaluator.is_hole(own):
            return None
        if own.count:
            return own
    raise Invalid


def _one(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    items = items_of(evaluator, arguments[0])
    if any(map(evaluator.is_rest, items)):
        return None
    if len(items) > 1:
        raise Invalid
    return items[0] if items else values.null(at)


def _zipmap(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    keys, own = (items_of(evaluator, argument) for argument in arguments)
    if len(keys) != len(own):
        raise Invalid
    return mapped(zip(map(evaluator.text, keys), own, strict=True), at)


def _slice(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    start, end = (int(number_of(own)) for own in arguments[1:])
    return listed(items_of(evaluator, arguments[0])[start:end], at)


def _reversed(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    return listed(reversed(items_of(evaluator, arguments[0])), at)


def _sorted(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    return listed(sorted(items_of(evaluator, arguments[0]), key=evaluator.text), at)


def _range(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    bounds = [int(number_of(own)) for own in arguments]
    found = range(*bounds)
    if len(found) > 1024:  # noqa: PLR2004 - Terraform's own limit
        raise Invalid
    evaluator.budget.spend(len(found))
    return listed((number(own, at) for own in found), at)


def _every(*, every: bool) -> Function:
    def function(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
        truths = [item.text == "true" for item in items_of(evaluator, arguments[0])]
        return boolean(all(truths) if every else any(truths), at)

    return function


def _extreme(chosen: Callable[[Sequence[float]], float]) -> Function:
    def function(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
        evaluator.budget.spend(len(arguments))
        return number(chosen([number_of(own) for own in arguments]), at)

    return function


def _chunked(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    items, size = items_of(evaluator, arguments[0]), int(number_of(arguments[1]))
    if size < 1:
        raise Invalid
    parts = (items[start : start + size] for start in range(0, len(items), size))
    return listed((listed(part, at) for part in parts), at)


def _position(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    for position, item in enumerate(items_of(evaluator, arguments[0])):
        if evaluator.same(item, arguments[1]):
            return number(position, at)
    raise Invalid


def _matching(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    own, keys, wanted = (items_of(evaluator, argument) for argument in arguments)
    if len(own) != len(keys):
        raise Invalid
    pairs = zip(own, keys, strict=True)
    found = [item for item, key in pairs if any(evaluator.same(key, one) for one in wanted)]
    return listed(found, at)


def _transposed(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    if arguments[0].form is not Form.OBJECT:
        raise Invalid
    found: dict[str, list[Node]] = {}
    for key, own in members_of(arguments[0]):
        for item in items_of(evaluator, own):
            evaluator.budget.spend()
            found.setdefault(evaluator.text(item), []).append(string(key, own.at))
    return mapped(((key, listed(own, at)) for key, own in sorted(found.items())), at)


def _summed(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    items = items_of(evaluator, arguments[0])
    if not items:
        raise Invalid
    return number(sum(map(number_of, items)), at)


def _power(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:  # noqa: ARG001
    base, exponent = (float(number_of(own)) for own in arguments)
    try:
        result = base**exponent
    except (OverflowError, ZeroDivisionError):
        raise Invalid from None
    if isinstance(result, complex):
        raise Invalid
    return number(result, at)


def _same(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:  # noqa: ARG001
    return arguments[0]


FUNCTIONS: dict[str, Function] = {
    "abs": _extreme(lambda own: abs(own[0])),
    "alltrue": _every(every=True),
    "anytrue": _every(every=False),
    "ceil": _extreme(lambda own: -(-own[0] // 1)),
    "chunklist": _chunked,
    "coalesce": _first,
    "coalescelist": _first_list,
    "compact": _compact,
    "concat": _concat,
    "contains": _contains,
    "distinct": _distinct,
    "element": _element,
    "flatten": _flatten,
    "floor": _extreme(lambda own: own[0] // 1),
    "index": _position,
    "keys": _keys,
    "length": _length,
    "lookup": _lookup,
    "matchkeys": _matching,
    "max": _extreme(max),
    "merge": _merge,
    "min": _extreme(min),
    "one": _one,
    "pow": _power,
    "range": _range,
    "reverse": _reversed,
    "setintersection": _kept(common=True),
    "setproduct": _product,
    "setsubtract": _kept(common=False),
    "setunion": _union,
    "signum": _extreme(lambda own: (own[0] > 0) - (own[0] < 0)),
    "slice": _slice,
    "sort": _sorted,
    "sum": _summed,
    "tolist": _as_list,
    "tomap": _same,
    "toset": _set_of,
    "transpose": _transposed,
    "values": _values,
    "zipmap": _zipmap,
}
