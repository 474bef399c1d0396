"""Values known only at deployment: placeholders in the text, and the values that are tried in their place.

A policy with placeholders is checked several times, each time with other values. What every check finds holds whatever
the values turn out to be; what is found at a placeholder itself is not reported.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.placeholders import OF_TEMPLATE
from aws_iam.engine.parsing.json_nodes import Form, Member, Node, Place, rooted, string
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.tokens.oidc_provider import NOT_KNOWN_YET, built_in
from aws_iam.errors import InputError
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PRIVATE_USE = range(0xE000, 0xF8FF)
_NOT_IN_A_WORD = re.compile(r"[^A-Za-z0-9]+")
_LONGEST_WORD = 60
_REFERENCE = re.compile(r"[A-Za-z][\w:]{0,60}(?:\.[\w*-]{1,60}|\[[\w\".-]{1,60}\]){0,6}")
_DIGEST = 6
# `{{ … }}`, which Helm and other template engines fill in.
_TEMPLATE_HOLE = re.compile(r"\{\{[^{}]{1,200}\}\}")


@positional
class Placeholders:
    """The two characters around the name of an unknown value."""

    begin: str
    end: str

    @classmethod
    def unused_in(cls, root: Node) -> Placeholders:
        """Two private-use characters that occur nowhere in the file, so that nobody can write a placeholder into it."""
        return cls.unused_in_texts(texts_in(root))

    @classmethod
    def unused_in_texts(cls, texts: Iterable[str]) -> Placeholders:
        """The same for the texts of several files."""
        used = {character for text in texts if not text.isascii() for character in text}
        free = (character for character in map(chr, _PRIVATE_USE) if character not in used)
        begin, end = next(free, ""), next(free, "")
        if not end:
            raise InputError("the file uses every private-use character of Unicode")
        return cls(begin, end)

    def placeholder(self, name: str) -> str:
        """The placeholder of the value with that name."""
        return f"{self.begin}{name}{self.end}"

    def within(self, text: str) -> bool:
        """Whether the text holds a placeholder."""
        return self.begin in text

    def as_variables(self, text: str) -> str:
        """The text with each placeholder as `${name}`."""
        return text.replace(self.begin, "${").replace(self.end, "}")

    def in_none_of(self, node: Node) -> bool:
        """Whether the node and everything below it is free of placeholders."""
        return not any(map(self.within, texts_in(node)))

    def variants(self, node: Node) -> Variants:
        """The document with words, stars and ARNs in turn."""
        words = _Words()
        filled = [_Filled(self, words, forms, forms is _VALUES[-1]) for forms in _VALUES]
        root = Place(spot=node.at.spot, lines=node.at.lines)
        nodes = tuple(variant.node(node, root) for variant in filled)
        return Variants(nodes, frozenset(filled[0].places), words.written)


@positional
class Variants:
    """A document with other values in the place of what is not known, the pointers of those places, and the words there with what is written."""

    nodes: tuple[Node, ...] = ()
    places: frozenset[str] = frozenset()
    written: tuple[tuple[str, str], ...] = ()


# What stands in for a value: where it is the whole text, and where it is a part of it.
_VALUES = (("{}", "{}"), ("*", "*"), ("arn:aws:iam::111122223333:role/{}", "x{}"))

_BEFORE_ACCOUNT = 4
_PROVIDER = ":oidc-provider/"
_ACCOUNT = "111122223333"

_NARROW = from_value(
    {
        "StringEquals": {
            "aws:PrincipalOrgID": "o-a1b2c3d4e5",
            "aws:PrincipalAccount": "111122223333",
            "aws:SourceAccount": "111122223333",
            "aws:SourceVpce": "vpce-1a2b3c4d",
            "iam:PassedToService": "ec2.amazonaws.com",
            "sts:ExternalId": "a1b2c3d4",
        },
        "Bool": {"aws:MultiFactorAuthPresent": "true", "aws:SecureTransport": "true"},
    }
)


@positional
class _Filled:
    """Copies a document with a value for each placeholder; `places` collects the pointers where one stood."""

    placeholders: Placeholders
    words: _Words
    forms: tuple[str, str]
    narrow: bool = False
    issuer: _Issuer | None = None
    """Whose tokens a statement accepts, as its conditions tell it."""
    places: set[str] = field(default_factory=set)

    def node(self, node: Node, at: Place) -> Node:
        own = self
        if node.member("Effect"):
            own = self._in_statement(node)
        elif _holder(at) == "Condition" and not _takes_wildcards(str(at.token)):
            # An operator that compares in full would take a wildcard for itself, which no request has.
            words = (self.forms[0].replace("*", "{}"), self.forms[1].replace("*", "{}"))
            own = replace(self, forms=words)
        text = node.text
        if node.form is Form.STRING and self.placeholders.within(text):
            self.places.add(at.pointer)
            text = own.federated(text, at) or own.text(text)
            if self.narrow and at.token == "Condition":  # noqa: S105 - a member of a statement
                # Whether there is a condition, and on what, is not known: in one variant it limits who, where and for what.
                return rooted(_NARROW, at)
        return Node(
            form=node.form,
            stand=at,
            value=text,
            items=tuple(
                own.node(item, Place(at, item.at.token, item.at.spot, item.at.lines))
                for item in node.items
            ),
            members=tuple(own.member(member, at) for member in node.members),
        )

    def _in_statement(self, statement: Node) -> _Filled:
        """What fills in the statement."""
        forms = self.forms
        if forms[1] == "*" and (effect := statement.member("Effect")) and effect.text == "Deny":
            # A part of a name is no wildcard there: what is denied for one account is allowed for the others.
            forms = (forms[0], "{}")
        issuer = _issuer_in_conditions(statement, self.placeholders, self.words)
        return replace(self, forms=forms, issuer=issuer)

    def member(self, member: Member, at: Place) -> Member:
        key = member.name.at
        name = self._key(member.key) if self.placeholders.within(member.key) else member.key
        place = Place(at, name, key.spot, key.lines)
        if name != member.key:
            self.places.add(place.pointer)
        value_at = Place(at, name, member.value.at.spot, member.value.at.lines)
        return Member.named(string(name, place), self.node(member.value, value_at))

    def federated(self, text: str, at: Place) -> str:
        """The provider of tokens that the statement trusts, where neither its ARN nor the issuer in it is known."""
        if not self.issuer or "Federated" not in {at.token, _holder(at)}:
            return ""
        _, found, issuer = text.rpartition(_PROVIDER)
        unknown = issuer if found else text
        is_meant = unknown.startswith(self.placeholders.begin) or unknown == self.issuer.written
        return self.issuer.principal if is_meant else ""

    def _key(self, key: str) -> str:
        """The name of a member; a condition key with the issuer of the federated principal, if that is what is unknown."""
        host, colon, claim = key.rpartition(":")
        if self.issuer and colon and host == self.issuer.written:
            return f"{self.issuer.host}:{claim}"
        return self.text(key)

    def text(self, text: str) -> str:
        begin, end = self.placeholders.begin, self.placeholders.end
        whole, part = self.forms
        form = whole if text.startswith(begin) and text.find(end) == len(text) - 1 else part
        head, *rest = text.split(begin)
        parts = [head]
        for piece in rest:
            name, _, tail = piece.partition(end)
            own = self._narrow("".join(parts), tail, form) if self.narrow else form
            parts += (own.format(self.words.of(name)), tail)
        return "".join(parts)

    def _narrow(self, head: str, tail: str, form: str) -> str:
        """What stands in for a part of a text: an ARN where something in a resource follows, an account in its field."""
        if not head and tail.startswith(("/", ":")):
            return self.forms[0]
        is_account = head.startswith("arn:") and head.count(":") == _BEFORE_ACCOUNT
        return _ACCOUNT if is_account and tail.startswith(":") and head.endswith(":") else form


def _holder(place: Place) -> str | int:
    """The name of the member or list that holds the place."""
    return place.parent.token if place.parent else ""


def _takes_wildcards(operator: str) -> bool:
    """Whether `*` in a value of the operator stands for any text."""
    return "Like" in operator or "Arn" in operator


@positional
class _Issuer:
    """An issuer of tokens: its principal, and where the keys do not say its host, what they have instead, and a host for it."""

    principal: str
    written: str = ""
    host: str = ""


def _issuer_in_conditions(
    statement: Node, placeholders: Placeholders, words: _Words
) -> _Issuer | None:
    """The issuer whose tokens the conditions test; None where they do not name a single one."""
    conditions = statement.member("Condition")
    keys = [
        member.key
        for operator in (conditions.members if conditions else ())
        for member in operator.value.members
    ]
    hosts = {key.partition(":")[0] for key in keys if not placeholders.within(key)}
    hosts = {host for host in hosts if "." in host}
    if len(hosts) == 1:
        host = hosts.pop()
        is_principal = host in built_in()
        return _Issuer(host if is_principal else f"arn:aws:iam::{_ACCOUNT}{_PROVIDER}{host}")
    unknown = {key.rpartition(":")[0] for key in keys if placeholders.within(key)}
    if hosts or len(unknown) != 1 or not (written := unknown.pop()):
        return None
    # The same in all readings of the document: whoever the issuer is, the values of its keys are known.
    host = _Filled(placeholders, words, _VALUES[0]).text(written)
    if placeholders.within(written.partition("/")[0]):
        host += NOT_KNOWN_YET
    return _Issuer(f"arn:aws:iam::{_ACCOUNT}{_PROVIDER}{host}", written, host)


class _Words:
    """One word for each name, different words for different names."""

    def __init__(self) -> None:
        self._by_name: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, name: str) -> str:
        """The word for the name; where it does not tell names apart a digest does, whatever other names there are."""
        if name not in self._by_name:
            word = _NOT_IN_A_WORD.sub("-", name).strip("-") or "value"
            if len(word) > _LONGEST_WORD or word in self._taken:
                digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()
                word = f"{word[:_LONGEST_WORD]}-{digest[:_DIGEST]}"
            self._taken.add(word)
            self._by_name[name] = word
        return self._by_name[name]

    @property
    def written(self) -> tuple[tuple[str, str], ...]:
        """The words with what a reader finds in the file in their place, where that is short and plain."""
        found = ((word, _as_written(name)) for name, word in self._by_name.items())
        return tuple((word, text) for word, text in found if text)


def _as_written(name: str) -> str:
    """`${var.org}`; empty for an expression, and for what no reference is called."""
    if name.startswith(("{{", "${")):
        return name
    return f"${{{name}}}" if _REFERENCE.fullmatch(name) else ""


def has_function(node: Node) -> bool:
    """Whether a function of CloudFormation stands somewhere in the node."""
    return any(is_function(own) for own in node.containers if len(own.members) == 1)


def with_words(node: Node) -> tuple[Node, frozenset[str]]:
    """A policy outside any template with a word for each `${NAME}` and each function such as Fn::ImportValue, and their places."""
    placeholders = Placeholders.unused_in(node)
    marked = with_placeholders(node, placeholders, OF_TEMPLATE, with_functions=True)
    filled = _Filled(placeholders, _Words(), _VALUES[0])
    root = Place(spot=node.at.spot, lines=node.at.lines)
    found = filled.node(marked, root)
    return found, frozenset(filled.places)


def is_function(node: Node) -> bool:
    """Whether the node is an object with a function of CloudFormation alone."""
    if len(node.members) != 1:
        return False
    name = node.members[0].key
    return name == "Ref" or name.startswith("Fn::")


def with_placeholders(
    node: Node,
    placeholders: Placeholders,
    holes: re.Pattern[str] = _TEMPLATE_HOLE,
    *,
    with_functions: bool = False,
) -> Node:
    """The node with placeholders for the holes in its texts and, if so wished, for functions."""

    def replaced(text: str) -> str:
        return holes.sub(lambda hole: placeholders.placeholder(hole[0]), text)

    def within(inner: Node) -> Node:
        return with_placeholders(inner, placeholders, holes, with_functions=with_functions)

    if with_functions and is_function(node):
        (member,) = node.members
        name = f"{member.key} {' '.join(texts_in(member.value))}"
        return string(placeholders.placeholder(name), node.at)
    return node.but(
        value=replaced(node.text),
        items=tuple(map(within, node.items)),
        members=tuple(
            Member.named(member.name.but(value=replaced(member.key)), within(member.value))
            for member in node.members
        ),
    )


def texts_in(node: Node) -> Iterator[str]:
    """All texts below a node, the names of members too."""
    todo = [node]
    while todo:
        current = todo.pop()
        yield current.text
        for member in current.members:
            yield member.name.value
            todo.append(member.value)
        todo.extend(current.items)
