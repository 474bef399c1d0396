"""Terraform's native syntax, parsed by python-hcl2 and translated from its tree."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aws_iam.engine.parsing.json_nodes import Form, Lines, Node, Place, string
from aws_iam.engine.sources.terraform.parsing.templates import (
    Directive,
    Interpolation,
    Piece,
    assembled,
    outdented,
    pieces,
)
from aws_iam.engine.sources.terraform.syntax import (
    ITEM,
    Attribute,
    Block,
    Body,
    Call,
    Conditional,
    Expression,
    For,
    Index,
    ListExpression,
    Literal,
    Name,
    ObjectExpression,
    Operation,
    Splat,
    Template,
    Text,
)
from aws_iam.errors import InputError
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_FILE = 1_000_000
"""The most characters of one file: the parser reads some 200,000 in a second."""
MAX_NESTING = 60
_BRACKETS = re.compile(r"[\[({]|[\])}]")
_MARKERS = re.compile(r"([$%]\{)~|~(\})")
_REFERENCE = re.compile(r"\s*[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*\s*")
_HEREDOC = re.compile(r"<<(-?)([^\r\n]+)\r?\n")
_OPENING = re.compile(r"<<-?([A-Za-z_][\w.-]*)[ \t]*\r?$", re.MULTILINE)
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)|\$\$\{|%%\{", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_TOO_DEEP = f"the file is nested deeper than {MAX_NESTING} levels"
_KEYWORDS = {"true": Form.BOOLEAN, "false": Form.BOOLEAN, "null": Form.NULL}


def parsed(text: str, file: str | None = None) -> Body:
    """The body of a file; raises InputError with the line where it is not Terraform's language."""
    if len(text) > MAX_FILE:
        raise InputError(f"the file has more than {MAX_FILE:,} characters")
    lines = Lines(text, file)
    return _Translated(text, 0, lines).body(_tree(text, lines, 0).children[0])


def expression_in(text: str, offset: int, lines: Lines) -> Expression:
    """The expression in a part of a text, which begins at an offset of it."""
    if _REFERENCE.fullmatch(text) and text.strip() not in _KEYWORDS:
        return _reference(text, offset, lines)
    prefix = "_="
    tree = _tree(prefix + text, lines, offset - len(prefix))
    attribute = tree.children[0].children[0]
    return _Translated(prefix + text, offset - len(prefix), lines).expression(
        attribute.children[-1]
    )


def template_in(text: str, offset: int, lines: Lines) -> Template:
    """The template in a part of a text without escapes of quotes."""

    def reader(part: str, start: int) -> Expression:
        return expression_in(part, start, lines)

    return assembled(list(pieces(text, offset, reader)), Place(spot=offset, lines=lines))


def _reference(text: str, offset: int, lines: Lines) -> Expression:
    at = Place(spot=offset + len(text) - len(text.lstrip()), lines=lines)
    first, *rest = text.strip().split(".")
    result: Expression = Name(at, first)
    for name in rest:
        result = Attribute(at, result, name)
    return result


def _tree(text: str, lines: Lines, offset: int) -> Any:
    # Imported here because only Terraform's sources need it: 0.1 s.
    import hcl2
    from lark.exceptions import UnexpectedInput

    _refuse_nesting(text)
    # The grammar does not know every `~`; the translation looks for them in the text.
    plain = _MARKERS.sub(lambda found: f"{found[1] or ''} {found[2] or ''}", text)
    try:
        return hcl2.parses_to_tree(_with_bare_markers(plain))
    except UnexpectedInput as error:
        spot = offset + min(len(text), getattr(error, "pos_in_stream", None) or 0)
        line, column = lines.at(max(0, spot))
        raise InputError(
            f"line {line}:{column}: it is not Terraform's language there",
            hint="terraform validate names the mistake",
        ) from None


def _with_bare_markers(text: str) -> str:
    """The text with the spaces after the closing marker of a heredoc before it: Terraform allows both, the grammar only these."""
    names = "|".join(map(re.escape, sorted(set(_OPENING.findall(text)))))
    if not names:
        return text
    closing = re.compile(rf"^[ \t]*(?:{names})[ \t]+(?=\r?$)", re.MULTILINE)
    return closing.sub(lambda found: found[0].strip().rjust(len(found[0])), text)


def _refuse_nesting(text: str) -> None:
    depth = 0
    for match in _BRACKETS.finditer(text):
        depth = depth + 1 if match.group() in "[({" else max(0, depth - 1)
        if depth > MAX_NESTING * 4:
            raise InputError(_TOO_DEEP)


@positional
class _Translated:
    """Translates the tree of a text, which begins at an offset of its file."""

    text: str
    start: int
    lines: Lines

    def place(self, tree: Any) -> Place:
        token = tree
        while hasattr(token, "children"):
            token = next(child for child in token.children if child is not None)
        return Place(spot=self.start + (token.start_pos or 0), lines=self.lines)

    def body(self, tree: Any, depth: int = 0) -> Body:
        if depth > MAX_NESTING:
            raise InputError(_TOO_DEEP)
        attributes: dict[str, Expression] = {}
        blocks: list[Block] = []
        for child in _meaningful(tree):
            if child.data == "attribute":
                name, value = _meaningful(child)[0], child.children[-1]
                values = [item for item in _meaningful(child) if _name(item) != "="]
                name, value = values[0], values[-1]
                attributes[_identifier(name)] = self.expression(value, depth + 1)
            elif child.data == "block":
                blocks.append(self.block(child, depth))
        at = Place(spot=self.start, lines=self.lines)
        return Body(at=at, attributes=attributes, blocks=tuple(blocks))

    def block(self, tree: Any, depth: int) -> Block:
        head, body = [], None
        for child in _meaningful(tree):
            if _name(child) in {"identifier", "keyword"}:
                head.append(_identifier(child))
            elif _name(child) == "string":
                head.append(self.source(child)[1:-1])
            elif _name(child) == "body":
                body = child
        inner = self.body(body, depth + 1) if body is not None else Body(at=self.place(tree))
        return Block(type=head[0], labels=tuple(head[1:]), body=inner, at=self.place(tree))

    def source(self, tree: Any) -> str:
        """The text of a tree as it is written."""
        first = last = tree
        while hasattr(first, "children"):
            first = first.children[0]
        while hasattr(last, "children"):
            last = last.children[-1]
        return self.text[first.start_pos : last.end_pos]

    def expression(self, tree: Any, depth: int = 0) -> Expression:
        if depth > MAX_NESTING * 2:
            raise InputError(_TOO_DEEP)
        parts = _meaningful(tree)
        translate = _TRANSLATIONS.get(_name(tree))
        if translate is None:
            raise InputError(f"`{_name(tree)}` is not known")
        return translate(self, tree, parts, depth + 1)

    def term(self, tree: Any, parts: list[Any], depth: int) -> Expression:  # noqa: ARG002
        inner = [part for part in parts if _name(part) not in {"(", ")"}]
        return self.expression(inner[0], depth)

    def identifier(self, tree: Any, parts: list[Any], depth: int) -> Expression:  # noqa: ARG002
        return self.keyword_or_name(str(parts[0]), self.place(tree))

    def keyword_or_name(self, name: str, at: Place) -> Expression:
        form = _KEYWORDS.get(name)
        return Literal(at, Node(form, at, name)) if form else Name(at, name)

    def number(self, tree: Any, parts: list[Any], depth: int) -> Expression:  # noqa: ARG002
        at = self.place(tree)
        return Literal(at, Node(Form.NUMBER, at, str(parts[0])))

    def get_attribute(self, tree: Any, parts: list[Any], depth: int) -> Expression:
        return self.step(self.expression(parts[0], depth), parts[1], self.place(tree), depth)

    def step(self, holder: Expression, tree: Any, at: Place, depth: int) -> Expression:
        parts = [part for part in _meaningful(tree) if _name(part) not in {".", "[", "]"}]
        if _name(tree) == "get_attr":
            return Attribute(at, holder, _identifier(parts[0]))
        if _name(tree) == "short_index":
            key = str(parts[0]).lstrip(".")
            return Index(at, holder, Literal(at, Node(Form.NUMBER, at, key)))
        return Index(at, holder, self.expression(parts[0], depth))

    def splat(self, tree: Any, parts: list[Any], depth: int) -> Expression:
        at = self.place(tree)
        steps = [part for part in _meaningful(parts[1]) if hasattr(part, "children")]
        # After `.*` an index is one of the result, after `[*]` one of each item.
        end = len(steps)
        if _name(tree) == "attr_splat_expr_term":
            indexes = (n for n, part in enumerate(steps) if _name(part) == "braces_index")
            end = next(indexes, end)
        item: Expression = Name(at, ITEM)
        for part in steps[:end]:
            item = self.step(item, part, at, depth)
        result: Expression = Splat(at, self.expression(parts[0], depth), item)
        for part in steps[end:]:
            result = self.step(result, part, at, depth)
        return result

    def listed(self, tree: Any, parts: list[Any], depth: int) -> Expression:
        items = [self.expression(part, depth) for part in parts if hasattr(part, "children")]
        return ListExpression(self.place(tree), tuple(items))

    def mapped(self, tree: Any, parts: list[Any], depth: int) -> Expression:
        members = []
        for part in parts:
            if _name(part) != "object_elem":
                continue
            key, *_, value = _meaningful(part)
            members.append((self.key(_meaningful(key)[0], depth), self.expression(value, depth)))
        return ObjectExpression(self.place(tree), tuple(members))

    def key(self, tree: Any, depth: int) -> Expression:
        inner = _meaningful(tree)
        if _name(tree) == "expr_term" and len(inner) == 1 and _name(inner[0]) == "identifier":
            # A name by itself is the key, also `true` and `null`.
            at = self.place(tree)
            return Literal(at, string(str(_identifier(inner[0])), at))
        return self.expression(tree, depth)

    def call(self, tree: Any, parts: list[Any], depth: int) -> Expression:
        name = "::".join(_identifier(part) for part in parts if _name(part) == "identifier")
        listed = next((part for part in parts if _name(part) == "arguments"), None)
        inner = _meaningful(listed) if listed is not None else []
        arguments = [self.expression(part, depth) for part in inner if hasattr(part, "children")]
        spread = any(str(part) == "..." for part in inner if not hasattr(part, "children"))
        return Call(self.place(tree), name, tuple(arguments), spread)

    def conditional(self, tree: Any, parts: list[Any], depth: int) -> Expression:
        operands = [self.expression(part, depth) for part in parts if hasattr(part, "children")]
        return Conditional(self.place(tree), *operands)

    def unary(self, tree: Any, parts: list[Any], depth: int) -> Expression:
        return Operation(self.place(tree), str(parts[0]), (self.expression(parts[1], depth),))

    def binary(self, tree: Any, parts: list[Any], depth: int) -> Expression:
        operator, right = _meaningful(parts[1])
        return Operation(
            self.place(tree),
            self.source(operator).strip(),
            (self.expression(parts[0], depth), self.expression(right, depth)),
        )

    def for_(self, tree: Any, parts: list[Any], depth: int) -> Expression:
        intro = next(part for part in parts if _name(part) == "for_intro")
        words = _meaningful(intro)
        names = [_identifier(part) for part in words if _name(part) == "identifier"]
        items = self.expression([part for part in words if hasattr(part, "children")][-1], depth)
        rest = [part for part in parts if hasattr(part, "children") and part is not intro]
        condition = None
        if _name(rest[-1]) == "for_cond":
            last = [part for part in _meaningful(rest.pop()) if hasattr(part, "children")][-1]
            condition = self.expression(last, depth)
        results = [self.expression(part, depth) for part in rest]
        return For(
            self.place(tree),
            names[0] if len(names) > 1 else "",
            names[-1],
            items,
            results[-1],
            results[0] if len(results) > 1 else None,
            condition,
            any(str(part) == "..." for part in parts if not hasattr(part, "children")),
        )

    def quoted(self, tree: Any, parts: list[Any], depth: int) -> Expression:
        found: list[Piece] = []
        for part in parts:
            if _name(part) == "string_part":
                found += self.part(part, depth)
        at = self.place(tree)
        return _plain(assembled(found, at))

    def part(self, tree: Any, depth: int) -> list[Piece]:
        inner = tree.children[0]
        if not hasattr(inner, "children"):
            return _unescaped(self.source(tree), self.start + inner.start_pos)
        written = self.source(inner)
        trims = (written[2:3] == "~", written[-2:-1] == "~")
        parts = [part for part in _meaningful(inner) if hasattr(part, "children")]
        kind = _name(inner)
        if kind == "interpolation":
            return [Interpolation(self.expression(parts[0], depth), trims)]
        if kind == "template_if_start":
            return [Directive("if", self.expression(parts[-1], depth), trims=trims)]
        if kind == "template_for_start":
            names = [_identifier(part) for part in parts if _name(part) == "identifier"]
            pair = (names[0], names[1]) if len(names) > 1 else ("", names[0])
            return [Directive("for", self.expression(parts[-1], depth), pair, trims)]
        return [Directive(kind.removeprefix("template_"), trims=trims)]

    def heredoc(self, tree: Any, parts: list[Any], depth: int) -> Expression:  # noqa: ARG002
        token = parts[0]
        written = self.text[token.start_pos : token.end_pos]
        opening = _HEREDOC.match(written)
        if opening is None:
            raise InputError("a heredoc without a line")
        # The line of the closing marker, which may be indented.
        end = max(written.rfind("\n", 0, len(written.rstrip())) + 1, opening.end())
        content, start = (
            written[opening.end() : end],
            self.start + token.start_pos + opening.end(),
        )

        def reader(part: str, offset: int) -> Expression:
            return expression_in(part, offset, self.lines)

        found = list(pieces(content, start, reader))
        at = Place(spot=start, lines=self.lines)
        return assembled(outdented(found) if opening[1] else found, at)


def _plain(template: Template) -> Expression:
    """The literal that a template without anything to fill in is."""
    if all(isinstance(part, Text) for part in template.parts):
        text = "".join(part.value for part in template.parts if isinstance(part, Text))
        return Literal(template.at, string(text, template.at))
    return template


def _unescaped(text: str, offset: int) -> list[Piece]:
    found: list[Piece] = []
    at = 0
    for match in _ESCAPE.finditer(text):
        if match.start() > at:
            found.append(Text(text[at : match.start()], offset + at))
        escape = match.group()
        if escape.startswith("\\"):
            code = escape[2:] if escape[1] in "uU" else ""
            value = _character(code) if code else _ESCAPES.get(escape[1], escape)
        else:
            value = escape[1:]
        found.append(Text(value, offset + match.start()))
        at = match.end()
    if at < len(text):
        found.append(Text(text[at:], offset + at))
    return found


def _character(code: str) -> str:
    number = int(code, 16)
    # Private-use characters may stand for values that are not known.
    private = 0xE000 <= number <= 0xF8FF  # noqa: PLR2004
    return "\ufffd" if private or number > 0x10FFFF else chr(number)  # noqa: PLR2004


def _name(tree: Any) -> str:
    return str(tree.data) if hasattr(tree, "data") else str(tree).strip()


def _identifier(tree: Any) -> str:
    return str(tree.children[0]) if hasattr(tree, "children") else str(tree)


def _meaningful(tree: Any) -> list[Any]:
    """The children without line ends and comments."""
    if not hasattr(tree, "children"):
        return []
    return [
        child
        for child in tree.children
        if child is not None and _name(child) != "new_line_or_comment"
    ]


_TRANSLATIONS: dict[str, Callable[[_Translated, Any, list[Any], int], Expression]] = {
    "expr_term": _Translated.term,
    "identifier": _Translated.identifier,
    "keyword": _Translated.identifier,
    "literal_value": _Translated.identifier,
    "int_lit": _Translated.number,
    "float_lit": _Translated.number,
    "get_attr_expr_term": _Translated.get_attribute,
    "index_expr_term": _Translated.get_attribute,
    "attr_splat_expr_term": _Translated.splat,
    "full_splat_expr_term": _Translated.splat,
    "tuple": _Translated.listed,
    "object": _Translated.mapped,
    "function_call": _Translated.call,
    "conditional": _Translated.conditional,
    "unary_op": _Translated.unary,
    "binary_op": _Translated.binary,
    "for_tuple_expr": _Translated.for_,
    "for_object_expr": _Translated.for_,
    "string": _Translated.quoted,
    "heredoc_template": _Translated.heredoc,
    "heredoc_template_trim": _Translated.heredoc,
}
