"""Which role something runs under: the arguments with such names at any depth of a resource, also within documents of JSON and YAML.

workload_roles("aws_batch_job_definition", values)   →   {"container_properties.jobRoleArn": "arn:aws:iam::…:role/job"}
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.engine.parsing.json_text import Syntax, scan
from aws_iam.engine.sources.containers.cluster_admins import embedded_values
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_DATA = "workload-roles.json"
_SEPARATORS = re.compile(r"[^a-z0-9]")
_PROVIDER = re.compile(r"^(?:awscc|aws)(?:native)?")
# A document with neither names no role.
_IN_TEXT = re.compile("role|instance.?profile|credentials", re.IGNORECASE)
_LONGEST = 1_000_000
_OF_ROLE = ":role/"
# https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
_ANNOTATION = "eks.amazonaws.com/role-arn"
# How others than AWS name an argument and its value in an entry of a list, and the names of their values.
_NAME, _VALUES = "name", ("value", "values", "static_value")
_ARNS = ("rolearn", "rolearns")
# The providers of Terraform and the groups of Kubernetes have names of their own.
_OF_OTHERS = re.compile(r"(?!aws(?:cc)?_)[a-z0-9]+_|[^/]*\.[^/]*/|v1/")
_OF_OBJECT = ("apiVersion", "kind")
_DEFAULTS = ("default", "Default")


@slotted
class RoleNames:
    """Which names of arguments mean a role in the resources of a type."""

    endings: tuple[str, ...]
    whole: frozenset[str]
    within: Mapping[str, frozenset[str]]
    left_out: frozenset[str]
    documents: frozenset[str]
    is_of_aws: bool

    def has(self, name: str, within: str) -> bool:
        """Whether an argument within another one, or within none, is a role."""
        plain = _plain(name)
        if _plain(within) in _set("not_within"):
            return name == _ANNOTATION
        if plain in self.left_out or ":" in name or name.startswith("-"):
            return False
        is_whole = plain in self.whole or plain.endswith(self.endings)
        return is_whole or _plain(within) in self.within.get(plain, ())

    def may_have(self, name: str, within: str) -> bool:
        """Whether it is a role, or a document that may name some."""
        own = self.is_document(name) or _plain(within) in _set("substitutions")
        return own or self.has(name, within)

    def is_document(self, name: str) -> bool:
        """Whether it is a document, or has its arguments under names of their own."""
        return _plain(name) in self.documents

    def is_role(self, name: str, within: str, value: Node) -> bool:
        """Whether the argument is a role; of others than AWS a plain name is one where its value is."""
        if not self.has(name, within):
            return False
        return self.is_of_aws or _plain(name).endswith(_ARNS) or _OF_ROLE in value.text


@cache
def names_of_roles(type_: str) -> RoleNames | None:
    """Which arguments of a type, of any format, say that something runs under a role; None where none does."""
    data: dict[str, Any] = resources.data(_DATA)
    plain = plain_type(type_)
    left_out: set[str] = set()
    for row in data["left_out"]:
        if plain.startswith(row["type"]):
            if not row["names"]:
                return None
            left_out.update(row["names"])
    only_in = data["only_in"]
    return RoleNames(
        endings=tuple(data["endings"]),
        whole=frozenset(data["names"]).union(
            row["name"] for row in only_in if plain in row["types"]
        ),
        within={row["name"]: frozenset(row.get("within", ())) for row in only_in},
        left_out=frozenset(left_out),
        documents=frozenset(
            name for row in data["documents"] if plain in row["types"] for name in row["names"]
        ),
        is_of_aws=not _OF_OTHERS.match(type_),
    )


def workload_roles(type_: str, values: Node) -> Mapping[str, Sequence[Node]]:
    """The roles of a resource by where they stand, without the indexes of lists."""
    names = names_of_roles(type_)
    found: dict[str, list[Node]] = {}
    for place, role in _roles(values, names) if names else ():
        found.setdefault(place, []).append(role)
    return found


def _roles(values: Node, names: RoleNames) -> Iterator[tuple[str, Node]]:
    todo = [("", "", values)]
    while todo:
        place, within, node = todo.pop()
        if place and all(map(node.member, _OF_OBJECT)):
            # An object in another one is read by itself.
            continue
        inner: list[tuple[str, str, Node]] = []
        for name, value in _members(node, within, names):
            path = f"{place}.{name}" if place else name
            if names.is_role(name, within, value) and not _names_roles(value, name, names):
                yield path, _role(value)
            elif _plain(within) in _set("substitutions") and _OF_ROLE in value.text:
                yield path, value
            else:
                inner.append((path, name, value))
        if node.form is Form.STRING and names.is_document(within) and _IN_TEXT.search(node.text):
            document = document_in(node.text)
            if document is None:
                # What cannot be read names a role perhaps: it is the same as long as its text is.
                yield place, node
            else:
                inner.append((place, "", document))
        inner += [(f"{place}[]", within, item) for item in node.items]
        todo += reversed(inner)


def _members(node: Node, within: str, names: RoleNames) -> Iterator[tuple[str, Node]]:
    """The arguments of an object; of an entry of a list that names an argument, that one."""
    name = node.member(_NAME) if names.is_document(within) else None
    values = filter(None, map(node.member, _VALUES if name else ()))
    if name and (value := next(values, None)):
        yield name.text, value
        return
    for member in node.members:
        yield member.key, member.value


def _names_roles(value: Node, within: str, names: RoleNames) -> bool:
    """Whether an object has the role among other arguments, such as the name of the session."""
    return any(names.has(member.key, within) for item in value.listed() for member in item.members)


def _role(value: Node) -> Node:
    """The role itself; of a parameter that a document declares, its default."""
    return next(filter(None, map(value.member, _DEFAULTS)), None) or value


def document_in(text: str) -> Node | None:
    """The value of a document in JSON or YAML; None where it is not readable."""
    if len(text) > _LONGEST:
        return None
    found = scan(text) if text.lstrip()[:1] in {"{", "["} else embedded_values(text)
    if found is None or isinstance(found, Syntax) or found.form is Form.STRING:
        return None
    return found


@cache
def _set(name: str) -> frozenset[str]:
    return frozenset(resources.data(_DATA)[name])


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", name.lower())


def plain_type(type_: str) -> str:
    """A type in lower case without separators and provider, so that it is the same in every format."""
    return _PROVIDER.sub("", _plain(type_))
