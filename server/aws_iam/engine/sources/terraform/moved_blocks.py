"""What `moved` blocks say: the addresses that resources and modules had before.

moves_of(module)                     →   ("module.m.aws_iam_role.a", "module.m.aws_iam_role.b"), …
former_addresses("aws_iam_role.b[0]", moves)   →   ("aws_iam_role.a[0]",)

https://developer.hashicorp.com/terraform/language/modules/develop/refactoring
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.sources.terraform.syntax import Attribute, Index, Literal, Name, Template, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.sources.terraform.modules import Module
    from aws_iam.engine.sources.terraform.syntax import Expression

    Move = tuple[str, str]

# A resource that was moved more often is new.
_MOST_MOVES = 10


def moves_of(module: Module) -> Iterator[Move]:
    """The former address and the address now, of each block of a module."""
    for block in module.source.moved:
        ends = [block.body.attribute(name) for name in ("from", "to")]
        was, now = (_address(end) if end is not None else "" for end in ends)
        if was and now:
            yield f"{module.address}{was}", f"{module.address}{now}"


def _address(expression: Expression) -> str:
    """The address that a reference is; empty for anything else."""
    if isinstance(expression, Template | Literal):
        # The JSON syntax writes addresses as texts.
        return _text(expression)
    parts: list[str] = []
    while not isinstance(expression, Name):
        if isinstance(expression, Attribute):
            parts.append(f".{expression.name}")
        elif isinstance(expression, Index) and isinstance(expression.key, Literal | Template):
            key = _text(expression.key)
            parts.append(f"[{key}]" if key.isdecimal() else f'["{key}"]')
        else:
            return ""
        expression = expression.holder
    return expression.name + "".join(reversed(parts))


def _text(expression: Literal | Template) -> str:
    if isinstance(expression, Literal):
        return expression.value.text
    return "".join(part.value if isinstance(part, Text) else "" for part in expression.parts)


def former_addresses(address: str, moves: Sequence[Move]) -> tuple[str, ...]:
    """The addresses that what is at an address now may have had, the latest first."""
    found: dict[str, None] = {}
    todo = [address]
    for _ in range(_MOST_MOVES):
        todo = [
            was + own[len(now) :]
            for own in todo
            for was, now in moves
            if own.startswith(now) and own[len(now) : len(now) + 1] in {"", ".", "["}
        ]
        found |= dict.fromkeys(todo)
    return tuple(own for own in found if own != address)
