"""Policy documents: text or JSON in, typed values with places out.

Reading is tolerant: an element of the wrong shape is left out of the typed values and stays in `node`, so that one
broken element hides nothing in the rest.

    Policy → Statement → Text, Principal, Condition      each leaf with `.where`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language import json_nodes
from aws_iam.engine.language.frozen import positional, slotted
from aws_iam.engine.language.json_nodes import Form, Node, Place, Text
from aws_iam.engine.language.kinds import IDENTITY_KINDS, Kind
from aws_iam.engine.sources.json_scan import Syntax
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.answer import Where


@slotted
class Principal:
    """One entry of Principal or NotPrincipal: `type` is AWS, Service, Federated, CanonicalUser, or `*` alone."""

    type: str
    name: Text

    @property
    def value(self) -> str:
        """The principal as written."""
        return self.name.value

    @property
    def is_everyone(self) -> bool:
        """Whether it is `*` or `{"AWS": "*"}`."""
        return self.value == "*" and self.type in {"*", "AWS"}


@positional
class Condition:
    """One key under one operator, with its values as text."""

    operator: Text
    key: Text
    values: tuple[Text, ...]
    node: Node = field(compare=False, repr=False)

    @property
    def qualifier(self) -> str:
        """`ForAllValues`, `ForAnyValue`, another word before a colon, or nothing."""
        return _parts(self.operator.value)[0]

    @property
    def base(self) -> str:
        """The operator without qualifier and IfExists."""
        return _parts(self.operator.value)[1]

    @property
    def if_exists(self) -> bool:
        """Whether an absent key satisfies it."""
        return self.operator.value.endswith("IfExists")

    @property
    def negated(self) -> bool:
        """Whether it is a Not form."""
        return "Not" in self.base

    @property
    def demanded(self) -> bool:
        """Whether the request must have the key, with one of the values."""
        return not (
            self.negated
            or self.if_exists
            or self.base == "Null"
            or self.qualifier == "ForAllValues"
            or not self.values
        )

    @property
    def name(self) -> str:
        """The key in lower case, as AWS compares it."""
        return self.key.value.lower()


@lru_cache(maxsize=512)
def _parts(operator: str) -> tuple[str, str]:
    qualifier, _, rest = operator.rpartition(":")
    return qualifier, rest.removesuffix("IfExists")


@dataclass(slots=True, eq=False)
class Statement:
    """One statement; a list is empty when its element is absent, empty or of another shape (`has` tells).

    Of Action, Resource and their opposites there are the entries with their places (`actions`), which are made when they
    are asked for, and the words alone (`action_words`), which are there anyway. Equal to any statement that says the same.
    """

    node: Node = field(repr=False)
    elements: tuple[str, ...] = field(repr=False)
    sid: Text | None
    effect: Text | None
    action: Node | None
    not_action: Node | None
    resource: Node | None
    not_resource: Node | None
    principals: tuple[Principal, ...]
    not_principals: tuple[Principal, ...]
    conditions: tuple[Condition, ...]
    # What was worked out of the node; statements that were read of one node may share it.
    derived: dict[object, Any] = field(init=False, default_factory=dict, repr=False)

    @property
    def actions(self) -> tuple[Text, ...]:
        """The entries of Action."""
        return _texts(self.action)

    @property
    def not_actions(self) -> tuple[Text, ...]:
        """The entries of NotAction."""
        return _texts(self.not_action)

    @property
    def resources(self) -> tuple[Text, ...]:
        """The entries of Resource."""
        return _texts(self.resource)

    @property
    def not_resources(self) -> tuple[Text, ...]:
        """The entries of NotResource."""
        return _texts(self.not_resource)

    @property
    def action_words(self) -> Sequence[str]:
        """What Action says, without places."""
        return self.action.words if self.action else ()

    @property
    def not_action_words(self) -> Sequence[str]:
        """What NotAction says, without places."""
        return self.not_action.words if self.not_action else ()

    @property
    def resource_words(self) -> Sequence[str]:
        """What Resource says, without places."""
        return self.resource.words if self.resource else ()

    @property
    def not_resource_words(self) -> Sequence[str]:
        """What NotResource says, without places."""
        return self.not_resource.words if self.not_resource else ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Statement) and self._said == other._said

    def __hash__(self) -> int:
        return hash(self._said)

    @property
    def _said(self) -> tuple[object, ...]:
        return (
            self.sid,
            self.effect,
            tuple(self.action_words),
            tuple(self.not_action_words),
            tuple(self.resource_words),
            tuple(self.not_resource_words),
            self.principals,
            self.not_principals,
            self.conditions,
        )

    def has(self, element: str) -> bool:
        """Whether the element is written, whatever its shape."""
        return element in self.elements

    def place(self, element: str = "") -> Where:
        """Where the element stands; the statement's own place when it is absent."""
        return (self.node.member(element) or self.node).where

    @property
    def allows(self) -> bool:
        """Whether the effect is exactly `Allow`."""
        return self.effect is not None and self.effect.value == "Allow"

    @property
    def denies(self) -> bool:
        """Whether the effect is exactly `Deny`."""
        return self.effect is not None and self.effect.value == "Deny"

    def conditions_on(self, *names: str) -> tuple[Condition, ...]:
        """The conditions on these keys, given in lower case."""
        return tuple(condition for condition in self.conditions if condition.name in names)


@slotted
class Policy:
    """A policy document; `text` is its source when it was text and nothing else stood there.

    `resource_type` is what a resource policy is attached to, `AWS::S3::Bucket` and the like, when the caller says so.
    """

    node: Node = field(compare=False, repr=False)
    kind: Kind
    kind_guessed: bool = field(compare=False)
    version: Text | None
    id: Text | None
    statements: tuple[Statement, ...]
    text: str | None = field(default=None, compare=False, repr=False)
    resource_type: str | None = field(default=None, compare=False)
    derived: dict[object, Any] = field(init=False, default_factory=dict, compare=False, repr=False)


@slotted
class Source:
    """A policy among those given, empty `name` when alone.

    `name` is its place in a list (`/0`) or in a larger document, or the artifact's name; `file` is the file it stands in.
    Where values are known only at deployment, `unresolved` are their pointers, and `variants` the same policy with other
    values there. `other_side_of` names the source that is the same document under the other side of its conditions.
    """

    name: str
    content: Policy | Syntax
    file: str | None = None
    variants: tuple[Policy, ...] = ()
    unresolved: frozenset[str] = frozenset()
    other_side_of: str = ""


def dump(document: Policy) -> str:
    """The policy as JSON text; reading it again gives an equal policy."""
    return json_nodes.dump(document.node)


_KINDS: Mapping[str, Kind] = {each.value: each for each in Kind}


def kind_named(kind: Kind | str | None) -> Kind | None:
    """The kind of that name."""
    if kind is None:
        return None
    known = _KINDS.get(kind)
    if known:
        return known
    near = closest(kind, list(Kind))
    names = ", ".join(f"`{each}`" for each in Kind)
    raise InputError(
        f"{quoted(kind)} is no kind of policy",
        hint=f"did you mean `{near}`?" if near else f"the kinds are {names}",
    )


def policy_of(node: Node, kind: Kind | None, text: str | None) -> Policy:
    """The typed values of a policy's node; without a kind it is guessed."""
    body = node.member("Statement")
    nodes = [each for each in body.listed() if each.form is Form.OBJECT] if body else []
    statements = tuple(map(_statement, nodes))
    return Policy(
        node=node,
        kind=kind or _guessed(statements),
        kind_guessed=kind is None,
        version=_string(node, "Version"),
        id=_string(node, "Id"),
        statements=statements,
        text=text,
    )


def _statement(node: Node) -> Statement:
    # Of a repeated element the last one counts, as parsers read it.
    names = tuple([member.key for member in node.members])
    of = {member.key: member.value for member in node.members}.get
    sid, effect, condition = of("Sid"), of("Effect"), of("Condition")
    return Statement(
        node,
        names,
        sid.string() if sid else None,
        effect.string() if effect else None,
        of("Action"),
        of("NotAction"),
        of("Resource"),
        of("NotResource"),
        _principals(of("Principal")),
        _principals(of("NotPrincipal")),
        _conditions(condition) if condition else (),
    )


def _string(node: Node, name: str) -> Text | None:
    value = node.member(name)
    return value.string() if value else None


def _texts(node: Node | None) -> tuple[Text, ...]:
    """The entries of a text or a list of texts."""
    if node is None:
        return ()
    if node.form is Form.STRING:
        return (node,)
    items = node.items
    texts = tuple([each for each in items if each.form is Form.STRING])
    return items if len(texts) == len(items) else texts


def _principals(node: Node | None) -> tuple[Principal, ...]:
    if node is None:
        return ()
    alone = node.string()
    if alone:
        return (Principal(type="*", name=alone),)
    return tuple(
        [
            Principal(type=member.key, name=entry)
            for member in node.members
            for entry in _texts(member.value)
        ]
    )


def _conditions(node: Node) -> tuple[Condition, ...]:
    return tuple(
        [
            Condition(operator.name, key.name, _values(key.value), key.value)
            for operator in node.members
            for key in operator.value.members
        ]
    )


def _values(node: Node) -> tuple[Text, ...]:
    if node.form is Form.STRING:
        return (node,)
    return tuple([each for each in (n.scalar() for n in node.listed()) if each])


def _guessed(statements: tuple[Statement, ...]) -> Kind:
    """Trust and resource policies name principals; nothing tells an SCP from an identity policy."""
    if not any(
        statement.has("Principal") or statement.has("NotPrincipal") for statement in statements
    ):
        return Kind.IDENTITY
    return Kind.TRUST if all(map(_is_trust, statements)) else Kind.RESOURCE


def _is_trust(statement: Statement) -> bool:
    # STS has no resource with a policy of its own, so whatever speaks of its actions is a role's trust policy.
    names = [word.lower() for word in statement.action_words]
    return (
        bool(names)
        and all(name.startswith("sts:") for name in names)
        and not (statement.has("Resource") or statement.has("NotResource"))
    )


__all__ = [
    "IDENTITY_KINDS",
    "Condition",
    "Form",
    "Kind",
    "Node",
    "Place",
    "Policy",
    "Principal",
    "Source",
    "Statement",
    "Syntax",
    "Text",
    "dump",
    "kind_named",
    "policy_of",
]
