"""Terraform's functions, as far as policies need them. One that is missing here returns a value that is not known.

https://developer.hashicorp.com/terraform/language/functions
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.sources.terraform.functions import (
    collections,
    conversions,
    networks,
    regular_expressions,
    texts,
)
from aws_iam.engine.sources.terraform.functions.files import FILE_FUNCTIONS
from aws_iam.engine.sources.terraform.syntax import described
from aws_iam.engine.sources.terraform.values import Invalid, boolean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.sources.terraform.expressions import Evaluator
    from aws_iam.engine.sources.terraform.scopes import Scope
    from aws_iam.engine.sources.terraform.syntax import Call

_FUNCTIONS = (
    collections.FUNCTIONS
    | conversions.FUNCTIONS
    | networks.FUNCTIONS
    | regular_expressions.FUNCTIONS
    | texts.FUNCTIONS
)
# They return something only where all of their arguments are known; the others also where a part of them is.
_KNOWN_ONLY = frozenset(
    {
        "abs",
        "alltrue",
        "anytrue",
        "base64decode",
        "base64encode",
        "base64sha256",
        "base64sha512",
        "ceil",
        "chunklist",
        "cidrhost",
        "cidrnetmask",
        "cidrsubnet",
        "cidrsubnets",
        "csvdecode",
        "endswith",
        "floor",
        "index",
        "matchkeys",
        "max",
        "md5",
        "min",
        "parseint",
        "pow",
        "range",
        "regex",
        "regexall",
        "reverse",
        "setintersection",
        "setproduct",
        "setsubtract",
        "sha1",
        "sha256",
        "sha512",
        "signum",
        "slice",
        "sort",
        "split",
        "startswith",
        "strcontains",
        "strrev",
        "substr",
        "sum",
        "tobool",
        "tonumber",
        "transpose",
        "trim",
        "urlencode",
        "yamldecode",
        "yamlencode",
        "zipmap",
    }
)


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
    function = _FUNCTIONS.get(name)
    if function is None:
        return unknown
    if name in _KNOWN_ONLY and any(map(evaluator.partly_unknown, arguments)):
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
    return (
        f"{call.function}({evaluator.name_of(inner) if inner else described(call.arguments[0])})"
    )


def _tried(evaluator: Evaluator, call: Call, scope: Scope) -> Node:
    for argument in call.arguments:
        try:
            with evaluator.trying():
                value = evaluator.value(argument, scope)
        except Invalid:
            continue
        return (
            value if call.function == "try" or evaluator.is_hole(value) else boolean(True, call.at)
        )
    if call.function == "can":
        return boolean(False, call.at)
    raise Invalid
