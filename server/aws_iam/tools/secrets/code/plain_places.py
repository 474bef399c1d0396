"""The variables and texts of code that everyone may read who may read the resource: names and kinds of values only.

INVARIANT: a value is classified where it is read, and goes no further.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aws_iam import resources
from aws_iam.account.names.sensitive import Variable, classified_variable, secrets_in_text
from aws_iam.engine.parsing.json_nodes import Form, Member, Node, string
from aws_iam.engine.sources.containers import cloudformation, kubernetes, serverless
from aws_iam.engine.sources.containers.cloudformation_loops import without_loops
from aws_iam.engine.sources.containers.embedded_documents import embedded, looks_encoded
from aws_iam.tools.secrets.code.literal_values import REFERENCE, literal_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_iam.answer import Where
    from aws_iam.engine.sources.terraform.syntax import Body

    Shown = Callable[[str], str]

STACK: Final = "ENV-STACK"
PARAMETER: Final = "SSM-PLAINTEXT"
_LAMBDA, _CONTAINER = "ENV-LAMBDA", "ENV-ECS"
_TEXT, _VALUE = "text", "value"
# https://kubernetes.io/docs/concepts/configuration/secret/: `data` is encoded, not encrypted.
_OF_VALUES = {"Secret": ("stringData", "data"), "ConfigMap": ("data",)}
_ENCODED = ("Secret", "data")
_STORED = frozenset({"AWS::SSM::Parameter", "aws_ssm_parameter"})
# Functions whose text stands in the template, with holes.
_WITH_TEXT = frozenset({"Fn::Sub", "Fn::Base64", "Fn::ToJsonString"})
# Of a build project: the others name where the value is.
_PLAIN = frozenset({"", "PLAINTEXT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A variable at a place of a resource, and the check of an account for the same place."""

    check: str
    place: str
    variable: Variable
    where: Where
    is_pod: bool = False


def is_known(root: Node) -> bool:
    """Whether it is a template of CloudFormation or SAM, a serverless.yml or an object of Kubernetes."""
    is_object = root.form is Form.OBJECT
    return is_object and (
        serverless.fits(root) or cloudformation.fits(root) or kubernetes.fits(root)
    )


def in_data(root: Node, shown: Shown) -> Iterator[Held]:
    """The variables of a template of CloudFormation or SAM, a serverless.yml or objects of Kubernetes."""
    if serverless.fits(root):
        yield from _in_serverless(root, shown)
    elif cloudformation.fits(root):
        yield from _in_template(without_loops(root), shown)
    elif kubernetes.fits(root):
        yield from (replace(own, is_pod=True) for own in _in_kubernetes(root, shown))


def in_terraform(body: Body) -> Iterator[Held]:
    """The variables of a file of Terraform."""
    for block in body.blocks_named("resource", 2):
        type_, name = block.labels
        yield from _in_resource(type_, f"{type_}.{name}", literal_object(block.body), str)
    for kind, member in (("variable", "default"), ("output", "value")):
        for block in body.blocks_named(kind, 1):
            value = literal_object(block.body).member(member)
            name = block.labels[0]
            if value is not None:
                place = f"{'var' if kind == 'variable' else kind}.{name}"
                yield from _named(STACK, place, name, value, str)


def _in_template(root: Node, shown: Shown) -> Iterator[Held]:
    for section, member in (("Parameters", "Default"), ("Outputs", "Value")):
        for own in _members(root.member(section)):
            value = own.value.member(member)
            if value is not None:
                yield from _named(STACK, f"{section}.{own.key}", own.key, value, shown)
    shared = root.member("Globals")
    shared = shared.member("Function") if shared else None
    if shared is not None:
        yield from _in_resource("AWS::Serverless::Function", "Globals.Function", shared, shown)
    for own in _members(root.member("Resources")):
        type_, properties = own.value.member("Type"), own.value.member("Properties")
        if type_ is not None and properties is not None:
            yield from _in_resource(type_.text, own.key, properties, shown)


def _in_serverless(root: Node, shown: Shown) -> Iterator[Held]:
    provider, functions = root.member("provider"), root.member("functions")
    held = [("provider", provider)] if provider else []
    for part in functions.listed() if functions else ():
        held += [(f"functions.{own.key}", own.value) for own in _members(part)]
    for place, node in held:
        variables = node.member("environment")
        if variables is not None:
            yield from _variables(_LAMBDA, f"{place}.environment", variables, shown)
    added = root.member("resources")
    for part in added.listed() if added else ():
        yield from _in_template(part, shown)


def _in_kubernetes(root: Node, shown: Shown) -> Iterator[Held]:
    """The variables of containers, wherever an object has its pods, and the values of Secrets and ConfigMaps."""
    kind, metadata = root.member("kind"), root.member("metadata")
    name = metadata.member("name") if metadata else None
    holder = f"{kind.text if kind else ''}/{name.text if name else ''}"
    items = root.member("items")
    for item in items.listed() if items and kind and kind.text == "List" else ():
        yield from _in_kubernetes(item, shown)
    yield from _in_values(root, holder, shown)
    todo = [root]
    while todo:
        node = todo.pop()
        for own in node.members:
            if own.key in {"containers", "initContainers"}:
                for container in own.value.listed():
                    variables = container.member("env")
                    if variables is not None:
                        yield from _variables(_CONTAINER, f"{holder} env", variables, shown)
                    for text in ("command", "args"):
                        value = container.member(text)
                        if value is not None:
                            yield from _text(_CONTAINER, f"{holder} {text}", value, shown)
            else:
                todo.append(own.value)
        todo += node.items


def _in_values(root: Node, holder: str, shown: Shown) -> Iterator[Held]:
    """The values that a Secret or a ConfigMap is; SOPS encrypts them, and leaves their names."""
    kind = root.member("kind")
    if root.member("sops") is not None:
        return
    for part in _OF_VALUES.get(kind.text, ()) if kind else ():
        values = root.member(part)
        if values is not None:
            read = _decoded(values) if kind and (kind.text, part) == _ENCODED else values
            yield from _variables(STACK, f"{holder} {part}", read, shown)


def _decoded(values: Node) -> Node:
    """The values in plain text, as far as they are encoded."""
    return values.but(
        members=tuple(
            Member.named(own.name, string(_plain(own.value.text), own.value.at))
            if own.value.form is Form.STRING
            else own
            for own in values.members
        )
    )


def _plain(text: str) -> str:
    try:
        return b64decode(text, validate=True).decode()
    except ValueError:
        return text


def _in_resource(type_: str, name: str, properties: Node, shown: Shown) -> Iterator[Held]:
    if type_ in _STORED:
        yield from _stored(name, properties, shown)
    for row in _rows().get(type_, ()):
        for value in _at(properties, row["path"].split(".")):
            place = f"{name}.{row['path']}"
            yield from _of_form(row["form"])(row["check"], place, value, shown)


def _of_form(form: str) -> Callable[[str, str, Node, Shown], Iterator[Held]]:
    return {_TEXT: _text, _VALUE: _value}.get(form, _variables)


def _stored(name: str, properties: Node, shown: Shown) -> Iterator[Held]:
    """The value of a parameter of Parameter Store: encrypted there or not, it stands in the code."""
    own, value = (_member(properties, word) for word in ("Name", "Value"))
    if value is None:
        return
    called = (_literal(own, shown) if own is not None else None) or ""
    last = called.rpartition("/")[2] if REFERENCE not in called else name.rpartition(".")[2]
    yield from _named(PARAMETER, name, last or name, value, shown)


@cache
def _rows() -> Mapping[str, tuple[Mapping[str, Any], ...]]:
    rows: dict[str, tuple[Mapping[str, Any], ...]] = {}
    for row in resources.data("plaintext-places.json")["places"]:
        rows[row["type"]] = (*rows.get(row["type"], ()), row)
    return rows


def _at(node: Node, path: list[str]) -> Iterator[Node]:
    """The values at a path; a text of JSON on the way is what it says, and a list of one object is the object."""
    if node.form is Form.STRING and _looks_like_json(node.text):
        inner = embedded(node)
        node = inner if isinstance(inner, Node) else node
    if not path:
        yield node
        return
    for item in node.listed():
        value = item.member(path[0].removesuffix("[]"))
        if value is not None:
            yield from _at(value, path[1:])


def _looks_like_json(text: str) -> bool:
    """Whether a text may be an object or a list."""
    return looks_encoded(text) or text.lstrip().startswith("[")


def _variables(check: str, place: str, given: Node, shown: Shown) -> Iterator[Held]:
    """Each variable of an object, or of a list of names with values."""
    for item in given.listed():
        name, value, type_ = (_member(item, word) for word in ("Name", "Value", "Type"))
        is_pair = name is not None and name.form is Form.STRING
        if is_pair and (value is not None or given.form is Form.ARRAY):
            if value is not None and name is not None and (type_.text if type_ else "") in _PLAIN:
                yield from _named(check, place, name.text, value, shown)
            continue
        for own in item.members:
            yield from _named(check, place, own.key, own.value, shown)


def _value(check: str, place: str, given: Node, shown: Shown) -> Iterator[Held]:
    """A property that is a secret by its name, or an object of JSON with some."""
    if given.form is Form.OBJECT and _literal(given, shown) is None:
        yield from _variables(check, place, given, shown)
    else:
        yield from _named(check, place, place.rpartition(".")[2], given, shown)


def _named(check: str, place: str, name: str, value: Node, shown: Shown) -> Iterator[Held]:
    for own in value.listed():
        text = _literal(own, shown)
        if text is None:
            continue
        variable = classified_variable(shown(name), text)
        yield Held(check=check, place=shown(place), variable=variable, where=own.at.where)


def _text(check: str, place: str, value: Node, shown: Shown) -> Iterator[Held]:
    text = "\n".join(_all_texts(value, shown))
    for variable in secrets_in_text(text):
        yield Held(check=check, place=shown(place), variable=variable, where=value.at.where)


def _all_texts(value: Node, shown: Shown) -> Iterator[str]:
    """The text of a script; of a list of words one line, and of an object the line of each member."""
    text = _literal(value, shown)
    if text is not None:
        yield text
    elif value.form is Form.ARRAY:
        yield " ".join(own for item in value.items for own in _all_texts(item, shown))
    else:
        for member in value.members:
            text = _literal(member.value, shown)
            if text is None:
                yield from _all_texts(member.value, shown)
            else:
                yield f'{member.key}: "{text}"' if "\n" not in text else text


def _literal(value: Node, shown: Shown) -> str | None:
    """The text of a value as far as it stands in the file; None for an object and a list."""
    if value.form not in {Form.OBJECT, Form.ARRAY}:
        return shown(value.text)
    only = value.members[0] if len(value.members) == 1 else None
    if only is None:
        return None
    if only.key in _WITH_TEXT:
        return _literal(only.value.listed()[0], shown) if only.value.listed() else REFERENCE
    if only.key == "Fn::Join":
        return _joined(only.value, shown)
    return REFERENCE if only.key in {"Ref", "Condition"} or only.key.startswith("Fn::") else None


def _joined(argument: Node, shown: Shown) -> str:
    parts = argument.listed()
    if len(parts) != len(("separator", "words")) or parts[1].form is not Form.ARRAY:
        return REFERENCE
    words = (_literal(own, shown) for own in parts[1].items)
    return parts[0].text.join(REFERENCE if word is None else word for word in words)


def _member(node: Node, name: str) -> Node | None:
    """The member in either spelling: `Name` of CloudFormation, `name` of others."""
    return node.member(name) or node.member(name.lower())


def _members(node: Node | None) -> tuple[Any, ...]:
    return node.members if node is not None else ()
