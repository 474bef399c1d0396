"""Functions that convert values: JSON, YAML, base64, types."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node, Place, string
from aws_iam.engine.parsing.json_text import Syntax
from aws_iam.engine.parsing.made_nodes import moved
from aws_iam.engine.parsing.yaml_text import scan_yaml
from aws_iam.engine.sources.terraform import values
from aws_iam.engine.sources.terraform.embedded_json import document_in
from aws_iam.engine.sources.terraform.operators import number_of
from aws_iam.engine.sources.terraform.values import Invalid, boolean, number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.engine.sources.terraform.expressions import Evaluator

    Function = Callable[[Evaluator, Sequence[Node], Place], Node | None]


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


def _from_json(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:  # noqa: ARG001
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
    return found


def _from_yaml(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:  # noqa: ARG001
    text = evaluator.text(arguments[0])
    evaluator.charge(len(text) * 8)
    if "\\u" in text.lower():
        return None  # an escape could write what stands for a value that is not known
    roots = scan_yaml(text)
    if isinstance(roots, Syntax) or len(roots) != 1:
        raise Invalid
    own = arguments[0].at
    return moved(roots[0], Place(spot=own.offset, lines=own.lines))


def _base64(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    text = evaluator.text(arguments[0])
    evaluator.charge(len(text))
    return string(base64.b64encode(text.encode()).decode(), at)


def _from_base64(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    decoded = base64.b64decode(evaluator.text(arguments[0]), validate=True)
    return string(values.clean(decoded.decode()), at)


FUNCTIONS: dict[str, Function] = {
    "base64decode": _from_base64,
    "base64encode": _base64,
    "jsondecode": _from_json,
    "jsonencode": _to_json,
    "nonsensitive": _same,
    "sensitive": _same,
    "tobool": _as_boolean,
    "tonumber": _as_number,
    "tostring": _as_text,
    "yamldecode": _from_yaml,
    "yamlencode": _same,
}
