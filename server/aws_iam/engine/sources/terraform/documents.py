"""The data source `aws_iam_policy_document`: its statements, defaults, and how documents are merged.

https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, Place, string
from aws_iam.engine.parsing.made_nodes import listed
from aws_iam.engine.sources.terraform.blocks import Expanded, expanded
from aws_iam.engine.sources.terraform.embedded_json import document_in
from aws_iam.engine.sources.terraform.syntax import ListExpression
from aws_iam.engine.sources.terraform.values import SwitchedOff

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.sources.terraform.expressions import Evaluator
    from aws_iam.engine.sources.terraform.scopes import Scope
    from aws_iam.engine.sources.terraform.syntax import Block, Body, Expression

DOCUMENT = "aws_iam_policy_document"
_VERSION = "2012-10-17"
_SOURCES = ("source_json", "source_policy_documents")
_OVERRIDES = ("override_json", "override_policy_documents")


def document(evaluator: Evaluator, block: Block, scope: Scope) -> Node:
    """The document that the data source gives out as `json`."""
    return _Reader(evaluator, scope).document(block)


class _Reader:
    def __init__(self, evaluator: Evaluator, scope: Scope) -> None:
        self.evaluator = evaluator
        self.scope = scope

    def document(self, block: Block) -> Node:
        body = block.body
        sources = list(self._others(body, _SOURCES))
        overrides = list(self._others(body, _OVERRIDES))
        own = [self.statement(part) for part in self._blocks(body, "statement", self.scope)]
        merged = [item for other in sources for item in self._statements(other)]
        merged = _merged(merged, own)
        for other in overrides:
            merged = _merged(merged, self._statements(other))
        written = self._argument(body, "version", self.scope)
        versions = [written or string(_VERSION, block.at)]
        versions += (
            version
            for other in (*sources, *overrides)
            if (version := other.member("Version")) is not None
        )
        members = [_member("Version", max(versions, key=lambda version: version.text))]
        ids = [other.member("Id") for other in sources]
        ids += [self._argument(body, "policy_id", self.scope)]
        ids += [other.member("Id") for other in overrides]
        if (named := [id_ for id_ in ids if id_ is not None and id_.text]) != []:
            members.append(_member("Id", named[-1]))
        if merged:
            members.append(_member("Statement", listed(merged, block.at)))
        return Node(Form.OBJECT, block.at, members=tuple(members))

    def _statements(self, other: Node) -> list[Node]:
        """The statements of another document: each merge copies them, so that a chain of merges may double them each time."""
        found = _statements(other)
        self.evaluator.budget.spend(len(found))
        return found

    def _others(self, body: Body, names: Iterable[str]) -> Iterator[Node]:
        """The documents that this one is merged with."""
        for name in names:
            value = self._argument(body, name, self.scope)
            for item in self._items(value):
                found = document_in(item, self.evaluator)
                if isinstance(found, Node) and found.form is Form.OBJECT:
                    if found.at.lines is not None:
                        self.evaluator.merged.add((id(found.at.lines), found.at.offset))
                    yield found
                elif item.text.strip() and item.form is Form.STRING:
                    # Its statements are not known.
                    statements = listed([self.evaluator.rest(name, item.at)], item.at)
                    yield Node(Form.OBJECT, item.at, members=(_member("Statement", statements),))

    def _blocks(self, body: Body, type_: str, scope: Scope) -> Iterator[Expanded]:
        return expanded(self.evaluator, body, type_, scope)

    def _argument(self, body: Body, name: str, scope: Scope) -> Node | None:
        expression = body.attribute(name)
        if expression is None:
            return None
        value = self.evaluator.value_or_hole(expression, scope)
        return None if value.form is Form.NULL else value

    def _items(self, value: Node | None) -> tuple[Node, ...]:
        if value is None:
            return ()
        if isinstance(value, SwitchedOff):
            return (value.instance,) if self.evaluator.off else ()
        return value.items if value.form is Form.ARRAY else (value,)

    def statement(self, part: Expanded) -> Node:
        members: list[Member] = []
        body, scope = part.body, part.scope
        sid = self._argument(body, "sid", scope)
        if sid is not None and sid.text:
            members.append(_member("Sid", sid))
        effect = self._argument(body, "effect", scope)
        members.append(_member("Effect", effect or string("Allow", part.at)))
        for name, element in (
            ("actions", "Action"),
            ("not_actions", "NotAction"),
            ("resources", "Resource"),
            ("not_resources", "NotResource"),
        ):
            given = self._argument(body, name, scope)
            value = self._set(given, variables="resources" in name)
            if value is None and given is not None and _may_be_given_more(body.attribute(name)):
                value = self.evaluator.hole(name, given.at)
            if value is not None:
                members.append(_member(element, value))
        for name, element in (("principals", "Principal"), ("not_principals", "NotPrincipal")):
            blocks = list(self._blocks(body, name, scope))
            if blocks:
                members.append(_member(element, self._principals(blocks, part.at)))
        conditions = list(self._blocks(body, "condition", scope))
        if conditions:
            members.append(_member("Condition", self._conditions(conditions, part.at)))
        elif self.evaluator.off and _may_have_conditions(body):
            # Whoever switches the block on may switch on its conditions, too.
            members.append(_member("Condition", self.evaluator.hole("condition", part.at)))
        return Node(Form.OBJECT, part.at, members=tuple(members))

    def _set(self, value: Node | None, *, variables: bool) -> Node | None:
        """A set of texts as the provider writes it: without doubles, in reverse order, one alone as a text."""
        if value is None or self.evaluator.is_hole(value):
            return value
        found: dict[str, Node] = {}
        for item in self._items(value):
            self.evaluator.budget.spend()
            own = self._with_variables(item) if variables else item
            if own.form is Form.NULL and self.evaluator.is_supposed:
                # Whoever switches the block on, or makes the conditions so, gives it a value.
                own = self.evaluator.hole("null", own.at)
            if own.form is not Form.NULL:
                found[own.text] = own
        if not found:
            return None
        ordered = [found[text] for text in sorted(found, reverse=True)]
        alone = len(ordered) == 1 and not self.evaluator.is_rest(ordered[0])
        return ordered[0] if alone else listed(ordered, value.at)

    def _with_variables(self, item: Node) -> Node:
        """`&{` stands for the `${` of IAM's policy variables."""
        if "&{" not in item.text:
            return item
        return string(item.text.replace("&{", "${"), item.at)

    def _principals(self, blocks: list[Expanded], at: Place) -> Node:
        found: dict[str, tuple[Node, list[Node]]] = {}
        for part in blocks:
            type_ = self._argument(part.body, "type", part.scope)
            identifiers = self._argument(part.body, "identifiers", part.scope)
            if type_ is None or identifiers is None:
                continue
            if self.evaluator.placeholders.within(type_.text):
                # Whether there are principals of other types is not known either.
                return self.evaluator.hole(self.evaluator.name_of(type_), at)
            found.setdefault(type_.text, (type_, []))[1].extend(self._items(identifiers))
        if list(found) == ["*"] and [item.text for item in found["*"][1]] == ["*"]:
            return found["*"][1][0]
        members = []
        for type_, items in found.values():
            value = self._set(listed(items, items[0].at if items else at), variables=True)
            if value is not None:
                members.append(Member.named(string(type_.text, type_.at), value))
        return Node(Form.OBJECT, at, members=tuple(members))

    def _conditions(self, blocks: list[Expanded], at: Place) -> Node:
        found: dict[str, tuple[Place, dict[str, tuple[Node, list[Node]]]]] = {}
        for part in blocks:
            test, variable, own = (
                self._argument(part.body, name, part.scope)
                for name in ("test", "variable", "values")
            )
            if test is None or variable is None:
                continue
            _, keys = found.setdefault(test.text, (part.at, {}))
            keys.setdefault(variable.text, (variable, []))[1].extend(self._items(own))
        variables = [variable for _, keys in found.values() for variable, _ in keys.values()]
        within = self.evaluator.placeholders.within
        if any(map(within, found)) or any(map(self.evaluator.is_hole, variables)):
            # Beside a condition that is not known the others decide nothing.
            return self.evaluator.hole("condition", at)
        operators = []
        for operator, (place, keys) in found.items():
            members = []
            for key, items in keys.values():
                texts = [self._with_variables(item) for item in items]
                value = texts[0] if len(texts) == 1 else listed(texts, key.at)
                members.append(Member.named(string(key.text, key.at), value))
            under = Node(Form.OBJECT, place, members=tuple(members))
            operators.append(Member.named(string(operator, place), under))
        return Node(Form.OBJECT, at, members=tuple(operators))


def _member(name: str, value: Node) -> Member:
    return Member.named(string(name, value.at), value)


def _may_have_conditions(body: Body) -> bool:
    return any(block.labels[0] == "condition" for block in body.blocks_named("dynamic", 1))


def _may_be_given_more(written: Expression | None) -> bool:
    """Whether a list that comes out empty is one of its module's user, such as a variable whose default is `[]`."""
    return written is not None and not isinstance(written, ListExpression)


def _statements(other: Node) -> list[Node]:
    body = other.member("Statement")
    return list(body.listed()) if body is not None else []


def _merged(first: list[Node], second: Iterable[Node]) -> list[Node]:
    """The statements with others that replace those of the same sid."""
    result = list(first)
    places: dict[str, int] = {}
    for number, statement in enumerate(first):
        places.setdefault(_sid(statement), number)
    for statement in second:
        sid = _sid(statement)
        if sid and sid in places:
            result[places[sid]] = statement
        else:
            places.setdefault(sid, len(result))
            result.append(statement)
    return result


def _sid(statement: Node) -> str:
    sid = statement.member("Sid")
    return sid.text if sid else ""
