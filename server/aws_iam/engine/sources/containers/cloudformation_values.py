"""What a CloudFormation template's intrinsic functions return, as far as the template alone decides it.

Pseudo parameters, defaults of parameters, mappings, and names and ARNs of the template's own resources become texts.
Everything else becomes a placeholder. `Fn::If` takes the side that `truths` says; the caller reads all that are possible.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Member, Node, Place, dump, string
from aws_iam.engine.parsing.node_size import NODE_COST, size
from aws_iam.engine.sources.containers import cloudformation_return_values as return_values
from aws_iam.engine.sources.containers.alternatives import alternative
from aws_iam.engine.sources.containers.cloudformation_conditions import with_values
from aws_iam.engine.sources.containers.cloudformation_loops import LOOP
from aws_iam.engine.sources.containers.map_alternatives import map_alternatives
from aws_iam.engine.sources.template_holes import offsets_in
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.sources.containers.placeholders import Placeholders

MAX_PRODUCED = 5_000_000
"""The most characters that the references of one template may expand to: a long default may be used a thousand times."""

_HOLE = re.compile(r"\$\{([^{}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:[^{}]*\}\}")
# An argument that is shown as it is.
_SHORT_WORD = re.compile(r"(?=.{1,40}$)[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
_DIGEST = 12
_PAIR, _TRIPLE = 2, 3
_NO_VALUE = "AWS::NoValue"
# What a resource is called in its ARN; a secret's has an end of its own.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
_NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Serverless::Function": "FunctionName",
    "AWS::Serverless::SimpleTable": "TableName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
# The default is the name of what holds the value.
_LOOKED_UP = "AWS::SSM::Parameter::"


@dataclass(slots=True)
class Resolver:
    """Resolves the functions of one template; a condition holds unless `truths` says that it does not."""

    template: Node
    placeholders: Placeholders
    truths: Mapping[str, bool] = field(default_factory=dict)
    # The logical ids of resources, by what `Ref` returns for them.
    named: Mapping[str, str] = field(default_factory=dict)
    noted: dict[tuple[str, Alternative], None] = field(default_factory=dict)
    """What may stand in place of values at deployment, with the pointers of the calls that return these."""
    given: Sequence[tuple[frozenset[int], Alternative]] = ()
    """The same of a file that the template is made of, with the offsets of the values."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """The values of parameters to read it with, in place of their defaults."""
    _produced: int = 0
    # One name may be made of another one, or of itself.
    _naming: bool = False
    _tables: dict[str, dict[str, Node]] = field(default_factory=dict)

    def value(self, node: Node) -> Node | None:
        """The node with its functions resolved; None where it is `AWS::NoValue`."""
        if node.form is Form.STRING:
            return self._plain(node)
        if node.form is Form.ARRAY:
            items = (self.value(item) for item in node.items)
            return node.but(items=tuple(item for item in items if item))
        if node.form is not Form.OBJECT:
            return node
        name = node.members[0].name.value if len(node.members) == 1 else ""
        if name == "Ref" or name.startswith("Fn::"):
            name = LOOP if name.startswith(LOOP) else name
            function = _FUNCTIONS.get(name)
            argument = node.members[0].value
            found = function(self, argument) if function else self._of_unknown(argument, name)
            return found and self._placed(found, node.at, keep_line=name in _KEEPS_LINE)
        calls = [member.key for member in node.members if member.key.startswith("Fn::")]
        if calls:
            # A macro or a loop adds members of its own, which the template does not show.
            return self._unknown_call(node, LOOP if calls[0].startswith(LOOP) else "Transform")
        members = ((member, self.value(member.value)) for member in node.members)
        return node.but(
            members=tuple(Member.named(member.name, value) for member, value in members if value)
        )

    def shown(self, name: str) -> str:
        """A resource's name as readers know it: its logical id in the template, `${…}` for what is known later."""
        return self.named.get(name) or self.placeholders.as_variables(name)

    def alternatives(self, pointer: str = "") -> frozenset[Alternative]:
        """What may stand in place of values below a place."""
        return frozenset(
            own for at, own in self.noted if not pointer or f"{at}/".startswith(f"{pointer}/")
        )

    def alternatives_in(self, node: Node) -> frozenset[Alternative]:
        """What may stand in place of a value by the file that the template is made of."""
        if not self.given:
            return frozenset()
        offsets = frozenset(offsets_in(node))
        return frozenset(own for at, own in self.given if at & offsets)

    def _plain(self, node: Node) -> Node:
        if "{{resolve:" not in node.text:
            return node
        return node.but(
            value=_DYNAMIC.sub(lambda found: self.placeholders.placeholder(found[0]), node.text)
        )

    def _placed(self, node: Node, at: Place, *, keep_line: bool) -> Node:
        """The value at the place of the function that returned it, with the function's line unless it keeps its own."""
        self._spend(size(node))
        where = node.at if keep_line else at
        return node.but(stand=Place(at.parent, at.token, where.spot, where.lines))

    def _spend(self, characters: int) -> None:
        self._produced += characters
        if self._produced > MAX_PRODUCED:
            raise InputError(
                f"the template's references expand to more than {MAX_PRODUCED:,} characters",
                hint="split the template and check the parts",
            )

    def _unknown(self, node: Node, name: str) -> Node:
        return _text(self.placeholders.placeholder(name), node)

    def _of_unknown(self, argument: Node, name: str) -> Node:
        """The result of a function that the template does not decide, by what its argument is."""
        return self._unknown_call(self.value(argument) or argument, name)

    def _unknown_call(self, argument: Node, name: str) -> Node:
        """The placeholder for a function's result; the same call gets the same one in every template."""
        call = self.placeholders.as_variables(dump(argument))
        shown = argument.text
        if argument.form is not Form.STRING or not _SHORT_WORD.fullmatch(shown):
            shown = hashlib.sha256(call.encode(errors="replace")).hexdigest()[:_DIGEST]
        return self._unknown(argument, f"{name.removeprefix('Fn::')}-{shown}")

    def _table(self, section: str) -> dict[str, Node]:
        if section not in self._tables:
            found = self.template.member(section)
            self._tables[section] = (
                {member.name.value: member.value for member in found.members} if found else {}
            )
        return self._tables[section]

    def _reference(self, name: str, at: Node) -> Node | None:
        """What `Ref` returns for a name."""
        if name == _NO_VALUE:
            return None
        parameter = self._table("Parameters").get(name)
        chosen = self._chosen(name, parameter, at)
        if chosen is not None:
            return chosen
        if name in return_values.PSEUDO_PARAMETERS:
            return _text(return_values.PSEUDO_PARAMETERS[name], at)
        if parameter is not None:
            default = self._default(parameter, at)
            written = parameter.member("Default")
            if written is not None and _type(parameter).startswith(_LOOKED_UP):
                own = alternative(f"a value of {quoted(name)}", written.text)
                self.noted[at.at.pointer, own] = None
            if default and not self._is_ruled_out(name, default.text):
                return default
            return self._unknown(at, name)
        resource = self._table("Resources").get(name)
        known = self.returned_by_ref(name, resource) if resource else None
        return self._unknown(at, name) if known is None else _text(known, at)

    def returned_by_ref(self, name: str, resource: Node) -> str | None:
        """What `Ref` returns for a resource; None where that is not known."""
        return return_values.ref(_type(resource), name, self.choices, self._own_name(resource))

    def _own_name(self, resource: Node) -> str:
        """The name that the template gives a resource; empty where AWS makes it, or the deployment."""
        written, property_ = resource.member("Properties"), _NAMES.get(_type(resource), "")
        given = written.member(property_) if written and property_ else None
        if given is None or (written and written.member("Path")) or self._naming:
            return ""
        self._naming = True
        value = self.value(given)
        self._naming = False
        is_known = value and value.form is Form.STRING and not self.placeholders.within(value.text)
        return value.text if value and is_known else ""

    def _default(self, parameter: Node, at: Node) -> Node | None:
        default, type_ = parameter.member("Default"), _type(parameter)
        if default is None or not default.text or type_.startswith(_LOOKED_UP):
            return None
        return self._of_type(default.text, type_, at)

    def _chosen(self, name: str, parameter: Node | None, at: Node) -> Node | None:
        """The value that the template is read with in place of a default, or of a pseudo parameter."""
        text, type_ = self.choices.get(name), _type(parameter) if parameter else ""
        if text is None or type_.startswith(_LOOKED_UP) or self._is_ruled_out(name, text):
            return None
        return self._of_type(text, type_, at)

    def _of_type(self, text: str, type_: str, at: Node) -> Node:
        if not type_.startswith(("List<", "CommaDelimitedList")):
            return self._plain(_text(text, at))
        parts = [part.strip() for part in text.split(",")]
        self._spend(NODE_COST * len(parts))
        return _list(parts, at)

    def _is_ruled_out(self, parameter: str, default: str) -> bool:
        """Whether a condition is as it is only where the parameter has another value than its default."""
        is_known = not self.placeholders.within(default)
        definitions = self._table("Conditions") if self.truths and is_known else {}
        values = {parameter: default}
        return any(
            with_values(definitions.get(name), values, definitions) is not holds
            for name, holds in self.truths.items()
            if with_values(definitions.get(name), values, definitions) is not None
        )

    def _attribute(self, name: str, attribute: str, at: Node) -> Node:
        resource = self._table("Resources").get(name)
        known = (
            return_values.attribute(
                _type(resource), name, attribute, self.choices, self._own_name(resource)
            )
            if resource
            else None
        )
        return self._unknown(at, f"{name}.{attribute}") if known is None else _text(known, at)

    def ref(self, argument: Node) -> Node | None:
        """`Ref`: a pseudo parameter, the default of a parameter, the name of a resource."""
        return self._reference(argument.text, argument)

    def get_att(self, argument: Node) -> Node:
        """`Fn::GetAtt`: the ARN of a resource whose type is known."""
        parts = argument.text.partition(".")[::2]
        if argument.form is Form.ARRAY:
            parts = (
                (argument.items[0].text, argument.items[1].text)
                if len(argument.items) == _PAIR
                else ("", "")
            )
        return self._attribute(*parts, argument)

    def sub(self, argument: Node) -> Node:
        """`Fn::Sub`; `${!x}` becomes `${x}`, which is how templates write policy variables of IAM."""
        text, own = argument, {}
        if argument.form is Form.ARRAY and len(argument.items) == _PAIR:
            text = argument.items[0]
            own = {member.name.value: member.value for member in argument.items[1].members}
        if text.form is not Form.STRING:
            return self._unknown_call(argument, "Sub")

        def hole(match: re.Match[str]) -> str:
            name = match[1].strip()
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            value = self._named(name, own, argument)
            found = (
                value.text
                if value and value.form is not Form.ARRAY
                else self.placeholders.placeholder(name)
            )
            self._spend(len(found))
            return found

        return _text(_HOLE.sub(hole, self._plain(text).text), argument)

    def _named(self, name: str, own: dict[str, Node], at: Node) -> Node | None:
        if name in own:
            return self.value(own[name])
        logical, dot, attribute = name.partition(".")
        return self._attribute(logical, attribute, at) if dot else self._reference(name, at)

    def join(self, argument: Node) -> Node:
        """`Fn::Join` of texts."""
        if argument.form is not Form.ARRAY or len(argument.items) != _PAIR:
            return self._unknown_call(argument, "Join")
        delimiter, parts = argument.items[0], self.value(argument.items[1])
        if parts is None or parts.form is not Form.ARRAY:
            return self._unknown_call(argument, "Join")
        if any(part.form in {Form.OBJECT, Form.ARRAY} for part in parts.items):
            return self._unknown_call(argument, "Join")
        return _text(delimiter.text.join(part.text for part in parts.items), argument)

    def if_(self, argument: Node) -> Node | None:
        """`Fn::If`: the side for the current value of the condition."""
        if argument.form is not Form.ARRAY or len(argument.items) != _TRIPLE:
            return self._unknown_call(argument, "If")
        return self.value(
            argument.items[1 if self.truths.get(argument.items[0].text, True) else 2]
        )

    def find_in_map(self, argument: Node) -> Node:
        """`Fn::FindInMap` by known keys."""
        keys = [self.value(item) for item in argument.items[:_TRIPLE]]
        is_known = not any(key is None or self.placeholders.within(key.text) for key in keys)
        for own in map_alternatives(self.template, argument.items, keys, is_known=is_known):
            self.noted[argument.at.pointer, own] = None
        found: Node | None = self.template.member("Mappings")
        for key in keys:
            found = found.member(key.text) if found and key else None
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-findinmap-enhancements.html
        for given in argument.items[_TRIPLE:] if is_known and found is None else ():
            default = given.member("DefaultValue")
            found = self.value(default) if default else None
        return found or self._unknown_call(argument, "FindInMap")

    def select(self, argument: Node) -> Node | None:
        """`Fn::Select` of a known list."""
        listed = self._list_to_select_from(argument)
        index = self.value(argument.items[0]) if argument.items else None
        at = index.text if index else ""
        if listed and at.isascii() and at.isdecimal() and len(at) <= _TRIPLE:
            chosen = listed.items[int(at) : int(at) + 1]
            return chosen[0] if chosen else self._unknown_call(argument, "Select")
        return self._unknown_call(argument, "Select")

    def _list_to_select_from(self, argument: Node) -> Node | None:
        """The list, unless values that are not known may be several of its items."""
        if len(argument.items) != _PAIR:
            return None
        listed = self.value(argument.items[1])
        is_split = argument.items[1].member("Fn::Split") is not None
        if listed and is_split and any(self.placeholders.within(i.text) for i in listed.items):
            return None
        return listed

    def split(self, argument: Node) -> Node:
        """`Fn::Split` of a text, as far as it is known."""
        text = self.value(argument.items[1]) if len(argument.items) == _PAIR else None
        delimiter = argument.items[0].text if argument.items else ""
        if not text or text.form is not Form.STRING or not delimiter:
            return self._unknown_call(argument, "Split")
        parts = text.text.split(delimiter)
        if all(map(self.placeholders.within, parts)):
            return self._unknown_call(argument, "Split")
        self._spend(NODE_COST * len(parts))
        return _list(parts, argument)

    def json_string(self, argument: Node) -> Node | None:
        """`Fn::ToJsonString`: the object itself; whether the property wants text does not matter here."""
        return self.value(argument)


# What these return is written inside the call itself, not elsewhere in the template.
_KEEPS_LINE = frozenset({"Fn::If", "Fn::ToJsonString"})
_FUNCTIONS: dict[str, Callable[[Resolver, Node], Node | None]] = {
    "Ref": Resolver.ref,
    "Fn::GetAtt": Resolver.get_att,
    "Fn::Sub": Resolver.sub,
    "Fn::Join": Resolver.join,
    "Fn::If": Resolver.if_,
    "Fn::FindInMap": Resolver.find_in_map,
    "Fn::Select": Resolver.select,
    "Fn::Split": Resolver.split,
    "Fn::ToJsonString": Resolver.json_string,
}


def _type(node: Node) -> str:
    type_ = node.member("Type")
    return type_.text if type_ else ""


def _text(text: str, at: Node) -> Node:
    return string(text, at.at)


def _list(texts: list[str], at: Node) -> Node:
    place = at.at
    items = (
        string(text, Place(place, number, place.spot, place.lines))
        for number, text in enumerate(texts)
    )
    return Node(form=Form.ARRAY, stand=place, items=tuple(items))
