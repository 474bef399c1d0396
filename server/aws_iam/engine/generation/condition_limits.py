"""The conditions to put on a policy, and the actions whose requests carry their keys; others would be locked out.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.operators import OPERATORS, QUALIFIERS
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.language.problems import Problems, json_object_of
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.facts import template_pattern
from aws_iam.engine.reference.global_keys import global_keys
from aws_iam.errors import closest
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.parsing.json_nodes import Member, Node, Text
    from aws_iam.engine.reference.catalog import Action, ConditionKey, ResourceType

EXAMPLE = '{"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}'
# Global keys about tags are only in requests for which the table of the action or its resource type lists them.
_BY_ACTION = frozenset({"resource_tag", "request_tag", "request_tag_operation"})
# AWS services that call as themselves are allowed by resource policies; identity policies play no part.
_OF_SERVICES = frozenset(
    {"service_principal", "service_principal_source", "service_principal_source_org"}
)
# EC2's table lists all keys of a resource with every action; elsewhere the keys of the resource type are additional.
_NAMED_IN_FULL = frozenset({"ec2"})


@slotted
class ConditionLimit:
    """One condition: a key under an operator, with its values as given."""

    operator: str
    key: str
    pointer: str
    values: str | list[str]
    # Whether it explicitly holds for requests without the key: IfExists, `Null: true`.
    passes_without: bool
    # Whether requests for any action can carry the key.
    everywhere: bool

    @property
    def service(self) -> str:
        """The prefix of the key: its service, or `aws` for a global key."""
        return self.key.partition(":")[0].lower()

    def is_carried_by(self, action: Action, types: Iterable[ResourceType]) -> bool:
        """Whether requests for the action on a resource of these types can carry the key."""
        return self.everywhere or any(
            matches(template_pattern(key), self.key, ignore_case=True)
            for key in _keys(action, types)
        )


def _keys(action: Action, types: Iterable[ResourceType]) -> Iterator[str]:
    yield from action.condition_keys
    for type_ in types:
        named = action.type_condition_keys.get(type_.name, ())
        yield from named
        if not (named and action.service in _NAMED_IN_FULL):
            yield from type_.condition_keys


@slotted
class ConditionLimits:
    """All conditions to put on a policy, in order; other modules refer to them by number."""

    listed: tuple[ConditionLimit, ...] = ()

    def carried(self, action: Action, types: Iterable[ResourceType]) -> frozenset[int]:
        """The numbers of conditions whose keys requests for the action can carry."""
        types_met = tuple(types)
        return frozenset(
            number
            for number, limit in enumerate(self.listed)
            if limit.is_carried_by(action, types_met)
        )

    def block(self, numbers: Iterable[int]) -> dict[str, dict[str, Any]]:
        """The conditions with these numbers as a Condition element."""
        found: dict[str, dict[str, Any]] = {}
        for limit in map(self.listed.__getitem__, numbers):
            found.setdefault(limit.operator, {})[limit.key] = limit.values
        return found

    def keys(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """The keys of the conditions with these numbers."""
        return tuple(dict.fromkeys(self.listed[number].key for number in sorted(numbers)))


def read_conditions(given: object) -> ConditionLimits:
    """The conditions of a Condition element; InputError lists operators and keys that do not exist."""
    if given is None:
        return ConditionLimits()
    node = json_object_of(given, "conditions", EXAMPLE)
    problems = Problems()
    found = tuple(
        limit
        for operator in _unique_members(node, problems)
        if _is_operator(operator, problems)
        for key in _unique_members(operator.value, problems)
        if (limit := _limit(operator.name, key, problems))
    )
    problems.refuse("conditions")
    return ConditionLimits(listed=found)


def _unique_members(node: Node, problems: Problems) -> tuple[Member, ...]:
    """The members of an object; a name that occurs twice, whatever its case, is a problem."""
    seen: set[str] = set()
    for member in node.members:
        name = member.name.value.lower()
        if name in seen:
            problems.add(member.name.where.pointer, "the name occurs twice; merge the two")
        seen.add(name)
    return node.members


def _is_operator(member: Member, problems: Problems) -> bool:
    name, pointer = member.name.value, member.name.where.pointer
    qualifier, colon, rest = name.rpartition(":")
    base = rest.removesuffix("IfExists")
    if base not in OPERATORS or (colon and qualifier not in QUALIFIERS):
        near = closest(base, OPERATORS)
        problems.add(
            pointer, f"{quoted(name)} is not a condition operator", [near] if near else ()
        )
    elif member.value.form is not Form.OBJECT or not member.value.members:
        what = "an empty one" if member.value.form is Form.OBJECT else member.value.form
        problems.add(pointer, f"must be an object of condition keys, not {what}")
    else:
        return True
    return False


def _limit(operator: Text, member: Member, problems: Problems) -> ConditionLimit | None:
    name, pointer = member.name.value, member.name.where.pointer
    key = catalog().condition_key(name)
    if key is None:
        near = () if problems.many else catalog().suggest_condition_key(name)
        problems.add(pointer, f"{quoted(name)} is not a known condition key", near)
        return None
    listed = member.value.listed()
    if not listed or any(value.scalar() is None for value in listed):
        problems.add(
            pointer, f"the values of {quoted(name)} must be a string or a list of strings"
        )
        return None
    # IAM also accepts numbers, true and false; as text they keep every digit.
    texts = [value.text for value in listed]
    passes_without = _passes_without(operator.value, texts)
    if key.presence_rule in _OF_SERVICES and not passes_without:
        what = (
            f"{quoted(name)} is present {key.presence}: requests of a user or role never carry it"
        )
        problems.add(pointer, what)
    return ConditionLimit(
        operator=operator.value,
        key=name,
        pointer=pointer,
        values=texts if member.value.form is Form.ARRAY else texts[0],
        passes_without=passes_without,
        everywhere=_is_everywhere(name, key),
    )


def _passes_without(operator: str, values: list[str]) -> bool:
    # Negated operators hold without the key, too, but are written to exclude something.
    return operator.endswith("IfExists") or (operator == "Null" and values[0].lower() == "true")


def _is_everywhere(name: str, key: ConditionKey) -> bool:
    is_global = name.lower().startswith("aws:") or key.name.lower() in global_keys()
    return is_global and key.presence_rule not in _BY_ACTION
