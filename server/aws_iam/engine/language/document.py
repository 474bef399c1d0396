"""Policy documents as typed values with places.

Reading is tolerant: an element of the wrong shape is missing from the typed values but stays in `node`, so that one
broken element does not hide the rest.

    Policy → Statement → Text, Principal, Condition      each leaf with `.where`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.arn import with_api_arns
from aws_iam.engine.language.cases import ALWAYS, Cases
from aws_iam.engine.language.kinds import IDENTITY_KINDS, Kind, kind_named
from aws_iam.engine.parsing import json_nodes
from aws_iam.engine.parsing.json_nodes import Form, Node, Place, Text
from aws_iam.engine.parsing.json_text import Syntax
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.answer import Where
    from aws_iam.engine.language.alternatives import Alternative


_STRING, _OBJECT = Form.STRING, Form.OBJECT


@slotted
class Principal:
    """One entry of Principal or NotPrincipal: `type` is AWS, Service, Federated or CanonicalUser, or `*` for a bare `*`."""

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
        """What stands before the colon, such as `ForAllValues` or `ForAnyValue`; empty without one."""
        return _parts(self.operator.value)[0]

    @property
    def base(self) -> str:
        """The operator without its qualifier and IfExists."""
        return _parts(self.operator.value)[1]

    @property
    def if_exists(self) -> bool:
        """Whether an absent key satisfies it."""
        return self.operator.value.endswith("IfExists")

    @property
    def negated(self) -> bool:
        """Whether the operator is a Not form."""
        return "Not" in self.base

    @property
    def demanded(self) -> bool:
        """Whether it holds only for requests that have the key with one of the values."""
        return bool(self.values) and self._needs_a_match

    @property
    def is_never_met(self) -> bool:
        """Whether it has no value although a request must have one of them."""
        return not self.values and self._needs_a_match

    @property
    def _needs_a_match(self) -> bool:
        return not (
            self.negated
            or self.if_exists
            or self.base == "Null"
            or self.qualifier == "ForAllValues"
        )

    @property
    def name(self) -> str:
        """The key in lower case, as AWS compares it."""
        return self.key.value.lower()


# Validating AWS's managed policies takes 1.1 times as long without the memo.
@lru_cache(maxsize=512)
def _parts(operator: str) -> tuple[str, str]:
    qualifier, _, rest = operator.rpartition(":")
    return qualifier, rest.removesuffix("IfExists")


@dataclass(slots=True, eq=False)
class Statement:
    """One statement; a list is empty when its element is absent, empty or of the wrong shape (see `has`).

    `actions`, `resources` and their opposites have entries with places and are built on access; `action_words` and the
    like are the plain strings, those of resources always as ARNs in a policy with principals. `allows` and `denies` say
    whether the effect is exactly `Allow` or `Deny`. Statements are equal when they say the same, wherever they stand.
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
    # Read many times each, so that properties would take longer.
    allows: bool = field(repr=False)
    denies: bool = field(repr=False)
    action_words: Sequence[str] = field(repr=False)
    not_action_words: Sequence[str] = field(repr=False)
    resource_words: Sequence[str] = field(repr=False)
    not_resource_words: Sequence[str] = field(repr=False)
    # For `memo.once`; statements that were read from one node may share it.
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

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Statement):
            return False
        return self.node is other.node or self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    @property
    def _content(self) -> tuple[object, ...]:
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
        """Whether the element is present, in whatever shape."""
        return element in self.elements

    def place(self, element: str = "") -> Where:
        """Where the element stands; the place of the statement when it is absent."""
        found = self.node.member(element) if element else None
        return (found or self.node).where

    def conditions_on(self, *names: str) -> tuple[Condition, ...]:
        """The conditions on these keys, given in lower case."""
        return tuple(condition for condition in self.conditions if condition.name in names)


@slotted
class Policy:
    """A policy document; `text` is its source when the policy was the whole text.

    `resource_type` is what a resource policy is attached to, such as `AWS::S3::Bucket`, if known.
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
class Holder:
    """A resource of a larger document that has a policy: its name there, its type, and the principals that it is attached to.

    `in_force` is false where the values that are known leave no such resource, or where nothing uses the document; None
    where that is known only at deployment. `instances` are the resources with the same document, where these are several.
    `in_vpc`: nobody reaches the resource from outside its VPC, whatever the policy says.
    """

    name: str = ""
    type: str = ""
    attached_to: tuple[str, ...] = ()
    in_force: bool | None = True
    instances: tuple[Holder, ...] = ()
    in_vpc: bool = False


NO_HOLDER = Holder()


@slotted
class Source:
    """One of the policies in the input.

    `name` is its place in a list (`/0`) or in a larger document, or the name of the artifact; empty for a policy alone. Where
    values are known only at deployment, `unresolved` has their pointers, `variants` the same policy with other values
    there, and `written` the words in their place with what the file has. `other_side_of` names the source that is the same document with the conditions of its template reversed. `holder`
    is the resource of a larger document that has the policy, `alternatives` are values that it may have instead of those
    read, `cases` those in which it is as it was read, `roots` the same policy in each folder that Terraform runs in (`root`).
    """

    name: str
    content: Policy | Syntax
    file: str | None = None
    variants: tuple[Policy, ...] = ()
    unresolved: frozenset[str] = frozenset()
    written: tuple[tuple[str, str], ...] = ()
    other_side_of: str = ""
    holder: Holder = NO_HOLDER
    alternatives: frozenset[Alternative] = frozenset()
    root: str = ""
    roots: tuple[Source, ...] = ()
    cases: Cases = ALWAYS


def dump(document: Policy) -> str:
    """The policy as JSON text, which reads back as an equal policy."""
    return json_nodes.dump(document.node)


def policy_of(
    node: Node, kind: Kind | None, text: str | None, likely: Kind | None = None
) -> Policy:
    """The policy in a node; without a kind it is guessed, as the `likely` one where the document can be of that kind."""
    body = node.member("Statement")
    nodes = [node for node in body.listed() if node.form is _OBJECT] if body else []
    statements = tuple(map(_statement, nodes))
    return Policy(
        node=node,
        kind=kind or _guessed(statements, likely),
        kind_guessed=kind is None,
        version=_string(node, "Version"),
        id=_string(node, "Id"),
        statements=statements,
        text=text,
    )


def _statement(node: Node) -> Statement:
    # The last of repeated elements counts, as in other parsers.
    members = {member.key: member.value for member in node.members}
    if len(members) < len(node.members):
        names = tuple([member.key for member in node.members])
    else:
        names = tuple(members)
    of = members.get
    sid, effect_node, condition = of("Sid"), of("Effect"), of("Condition")
    action, not_action = of("Action"), of("NotAction")
    resource, not_resource = of("Resource"), of("NotResource")
    principal, not_principal = of("Principal"), of("NotPrincipal")
    effect = effect_node.string() if effect_node else None
    resources = resource.words if resource else ()
    not_resources = not_resource.words if not_resource else ()
    principals = _principals(principal) if principal else ()
    not_principals = _principals(not_principal) if not_principal else ()
    if principals or not_principals:
        resources, not_resources = with_api_arns(resources), with_api_arns(not_resources)
    return Statement(
        node,
        names,
        sid.string() if sid else None,
        effect,
        action,
        not_action,
        resource,
        not_resource,
        principals,
        not_principals,
        _conditions(condition) if condition else (),
        effect is not None and effect.value == "Allow",
        effect is not None and effect.value == "Deny",
        action.words if action else (),
        not_action.words if not_action else (),
        resources,
        not_resources,
    )


def _string(node: Node, name: str) -> Text | None:
    value = node.member(name)
    return value.string() if value else None


def _texts(node: Node | None) -> tuple[Text, ...]:
    """The entries of a string or a list of strings."""
    if node is None:
        return ()
    if node.form is _STRING:
        return (node,)
    if node.is_of_texts:
        return node.items
    return tuple([item for item in node.items if item.form is _STRING])


def _principals(node: Node) -> tuple[Principal, ...]:
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
    if node.form is _STRING:
        return (node,)
    return tuple([value for value in (item.scalar() for item in node.listed()) if value])


def _guessed(statements: tuple[Statement, ...], likely: Kind | None) -> Kind:
    """Trust and resource policies name principals; what tells an SCP or an RCP is what only an organization denies."""
    named = any(s.has("Principal") or s.has("NotPrincipal") for s in statements)
    if not named:
        if likely in _WITHOUT_PRINCIPAL:
            return likely
        return Kind.SCP if _is_guardrail(statements) else Kind.IDENTITY
    if all(map(_is_trust, statements)):
        return Kind.TRUST
    if likely is Kind.SCP and all(s.denies or _allows_everything(s) for s in statements):
        return Kind.SCP  # AWS refuses one with principals
    if likely is Kind.RCP or _is_resource_guardrail(statements):
        return Kind.RCP
    return Kind.RESOURCE


_WITHOUT_PRINCIPAL = frozenset({Kind.SCP, Kind.BOUNDARY, Kind.SESSION, Kind.IDENTITY})
# In a policy of the user or role itself, asking who calls is idle: only a policy over many callers does.
_CALLER_KEYS = frozenset({"aws:principalarn", "aws:principalorgid", "aws:principalaccount"})
_LEAVE = "organizations:leaveorganization"


def _is_guardrail(statements: tuple[Statement, ...]) -> bool:
    """Whether the statements only deny (FullAWSAccess apart), in any account, and ask who calls or forbid to leave."""
    some = False
    for statement in statements:
        if _is_of_guardrail(statement):
            some = True
        elif not _allows_everything(statement):
            return False
    return some


def _is_of_guardrail(statement: Statement) -> bool:
    return (
        statement.denies
        and all(map(_is_of_any_account, statement.resource_words))
        and (
            any(condition.name in _CALLER_KEYS for condition in statement.conditions)
            or _LEAVE in {word.lower() for word in statement.action_words}
        )
    )


def may_be_scp(policy: Policy) -> bool:
    """Whether a policy that was taken for an identity policy reads like a service control policy: it grants all or nothing."""
    return (
        policy.kind is Kind.IDENTITY
        and policy.kind_guessed
        and bool(policy.statements)
        and all(s.denies or _allows_everything(s) for s in policy.statements)
    )


def _is_of_any_account(resource: str) -> bool:
    account = resource.split(":", _ACCOUNT + 1)[_ACCOUNT : _ACCOUNT + 1]
    return resource == "*" or account == ["*"]


_ACCOUNT = 4


def _allows_everything(statement: Statement) -> bool:
    return (
        statement.allows
        and list(statement.action_words) == ["*"]
        and list(statement.resource_words) == ["*"]
        and not statement.conditions
    )


def _is_resource_guardrail(statements: tuple[Statement, ...]) -> bool:
    """Whether the statements deny everyone actions on every resource that no single resource's policy can be about."""
    return all(
        statement.denies
        and any(principal.is_everyone for principal in statement.principals)
        and list(statement.resource_words) == ["*"]
        and _are_of_no_resource({w.partition(":")[0].lower() for w in statement.action_words})
        for statement in statements
    )


def _are_of_no_resource(services: set[str]) -> bool:
    return len(services) > 1 or bool(services & _NEVER_ALL_RESOURCES)


# The policy of a bucket names its ARNs (S3 refuses `*`: "Policy has invalid resource"), that of a role no resource.
_NEVER_ALL_RESOURCES = frozenset({"s3", "sts"})


def _is_trust(statement: Statement) -> bool:
    # No resource of STS has a policy of its own, so a policy on its actions is the trust policy of a role.
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
