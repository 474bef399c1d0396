"""Functions that convert values: JSON, YAML, base64, types."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import string as alphabets
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Node, Place, string
from aws_iam.engine.parsing.json_text import Syntax
from aws_iam.engine.parsing.made_nodes import listed, mapped, moved
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


def _plain(evaluator: Evaluator, node: Node) -> str | None:
    """The text of a value; None where it is JSON, whose spelling is not known."""
    return None if node.form in {Form.OBJECT, Form.ARRAY} else evaluator.text(node)


def _hashed(name: str, *, as_base64: bool = False) -> Function:
    def function(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
        text = _plain(evaluator, arguments[0])
        if text is None:
            return None
        evaluator.charge(len(text))
        own = hashlib.new(name, text.encode(), usedforsecurity=False)
        digest = base64.b64encode(own.digest()).decode() if as_base64 else own.hexdigest()
        return string(digest, at)

    return function


# https://www.rfc-editor.org/rfc/rfc3986#section-2.3
_UNRESERVED = frozenset(alphabets.ascii_letters + alphabets.digits + "-._~")


def _for_url(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node | None:
    text = _plain(evaluator, arguments[0])
    if text is None:
        return None
    evaluator.charge(len(text) * 3)
    plain = "".join(
        character
        if character in _UNRESERVED
        else "".join(map("%{:02X}".format, character.encode()))
        for character in text
    )
    return string(plain.replace("%20", "+"), at)


def _from_csv(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    text = evaluator.text(arguments[0])
    evaluator.charge(len(text) * 8)
    try:
        header, *rows = [row for row in csv.reader(text.splitlines(keepends=True)) if row]
    except csv.Error:
        raise Invalid from None
    if len(set(header)) < len(header) or any(len(row) != len(header) for row in rows):
        raise Invalid
    return listed(
        (
            mapped(((name, string(own, at)) for name, own in zip(header, row, strict=True)), at)
            for row in rows
        ),
        at,
    )


_DIGITS = alphabets.digits + alphabets.ascii_letters
_LOWER_ONLY = 36
_LONGEST_NUMBER = 40


def _parsed(evaluator: Evaluator, arguments: Sequence[Node], at: Place) -> Node:
    text, base = evaluator.text(arguments[0]), int(number_of(arguments[1]))
    if not 2 <= base <= len(_DIGITS) or len(text) > _LONGEST_NUMBER:  # noqa: PLR2004 - a base
        raise Invalid
    digits = text.removeprefix("-")
    places = [_DIGITS.find(own) for own in (digits.lower() if base <= _LOWER_ONLY else digits)]
    if not places or not all(0 <= place < base for place in places):
        raise Invalid
    found = 0
    for place in places:
        found = found * base + place
    return number(-found if text != digits else found, at)


FUNCTIONS: dict[str, Function] = {
    "base64decode": _from_base64,
    "base64encode": _base64,
    "base64sha256": _hashed("sha256", as_base64=True),
    "base64sha512": _hashed("sha512", as_base64=True),
    "csvdecode": _from_csv,
    "jsondecode": _from_json,
    "jsonencode": _to_json,
    "md5": _hashed("md5"),
    "nonsensitive": _same,
    "parseint": _parsed,
    "sensitive": _same,
    "sha1": _hashed("sha1"),
    "sha256": _hashed("sha256"),
    "sha512": _hashed("sha512"),
    "tobool": _as_boolean,
    "tonumber": _as_number,
    "tostring": _as_text,
    "urlencode": _for_url,
    "yamldecode": _from_yaml,
    "yamlencode": _same,
}
