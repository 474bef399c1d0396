"""A CloudFormation template that is being read: its resources, its values, and the conditions under which they are so."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from aws_iam.engine.language.cases import FALSE, TRUE, Assumed, Case, name_of_case
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.sources.containers import cloudformation_return_values as return_values
from aws_iam.engine.sources.containers.alternatives import digest
from aws_iam.engine.sources.containers.cloudformation_conditions import (
    Conditions,
    conditions_in,
    with_values,
)
from aws_iam.engine.sources.containers.cloudformation_loops import without_loops
from aws_iam.engine.sources.containers.cloudformation_values import Resolver
from aws_iam.engine.sources.containers.condition_combinations import (
    Combinations,
    ConditionLogic,
)
from aws_iam.engine.sources.containers.other_files import OtherFiles
from aws_iam.engine.sources.containers.sam.globals import with_globals

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.parsing.json_nodes import Node
    from aws_iam.engine.sources.containers.placeholders import Placeholders

MANAGED: Final = "AWS::IAM::ManagedPolicy"
_KEY = "AWS::KMS::Key"
# Combinations that the resources of a template are read in, beyond two for each.
_MOST_FURTHER = 600
_TWO = 2


@dataclass(slots=True, kw_only=True)
class Resource:
    """A resource of the template; `written` are its properties with their functions."""

    name: str
    type: str
    written: Node | None
    condition: str = ""

    def own_conditions(self) -> frozenset[str]:
        """The conditions that decide about parts of its properties."""
        return (
            frozenset(name for _, name in conditions_in(self.written))
            if self.written
            else frozenset()
        )


@dataclass(slots=True)
class Template:
    """The template at `root`; `depth` counts the templates around it, `others` are the files beside it."""

    root: Node
    placeholders: Placeholders
    depth: int = 0
    given: Sequence[tuple[frozenset[int], Alternative]] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    others: OtherFiles = field(default_factory=OtherFiles)
    logic: ConditionLogic = field(init=False)
    conditions: Conditions = field(init=False)
    # The logical ids of resources, by what `Ref` returns for them.
    named: Mapping[str, str] = field(init=False)
    _further: int = 0

    def __post_init__(self) -> None:
        """Look up what the whole template has."""
        self.root = without_loops(self.root)
        self.logic = ConditionLogic.of(self.root)
        self.conditions = Conditions.of(self.root)
        # All keys get the same made-up id.
        self.named = self.logical_ids(return_values.return_values().keys() - {_KEY})

    def resolver(self) -> Resolver:
        """Resolves values; what they may expand to is counted for each resolver."""
        return Resolver(
            self.root,
            self.placeholders,
            named=self.named,
            given=self.given,
            choices=self.choices,
        )

    def resource(self, name: str, node: Node) -> Resource:
        """The resource with the properties that SAM's `Globals` give it too."""
        type_, condition = node.member("Type"), node.member("Condition")
        written = with_globals(self.root, type_.text if type_ else "", node.member("Properties"))
        return Resource(
            name=name,
            type=type_.text if type_ else "",
            written=written,
            condition=condition.text if condition else "",
        )

    def cases(self, names: Iterable[str], must: str = "") -> Combinations:
        """The combinations of conditions in which to read something; only two where the template has taken very many."""
        found = self.logic.combinations(names, must)
        if self.choices:
            found = replace(found, all=tuple(filter(self._is_chosen, found.all)))
        further = len(found.all) - _TWO
        if further > 0 and self._further + further > _MOST_FURTHER:
            return Combinations(all=found.all[:_TWO], cut=True)
        self._further += max(0, further)
        return found

    def _is_chosen(self, truths: Mapping[str, bool]) -> bool:
        """Whether conditions can be so with the values of parameters that the template is read with."""
        table = self.conditions.table
        known = {
            name: text for name, text in self.choices.items() if not self.placeholders.within(text)
        }
        return all(
            with_values(table.get(name), known, table) in {None, holds}
            for name, holds in truths.items()
        )

    def logical_ids(self, types: Container[str]) -> dict[str, str]:
        """The logical ids of the resources of some types, by what `Ref` returns for them."""
        resolver = Resolver(self.root, self.placeholders, choices=self.choices)
        refs = ((resolver.returned_by_ref(id_, own), id_) for id_, own in self._of_types(types))
        return {name: id_ for name, id_ in refs if name}

    def managed_policies(self) -> Mapping[str, str]:
        """The logical ids of the template's own managed policies, by what their ARNs are taken for."""
        found = self.logical_ids({MANAGED})
        names = {}
        for logical_id, resource in self._of_types({MANAGED}):
            written = resource.member("Properties")
            name = written.member("ManagedPolicyName") if written else None
            known = Resolver(self.root, self.placeholders).value(name) if name else None
            if known and known.text:
                names[return_values.policy_arn(known.text, self.choices)] = logical_id
        return {**names, **found}

    def _of_types(self, types: Container[str]) -> Iterator[tuple[str, Node]]:
        resources = self.root.member("Resources")
        for member in resources.members if resources else ():
            type_ = member.value.member("Type")
            if type_ and type_.text in types:
                yield member.name.value, member.value


def case_label(truths: Mapping[str, bool], number: int) -> str:
    """How a policy is called that holds in a further combination of conditions."""
    true, false = (
        [name for name, own in truths.items() if own is holds] for holds in (True, False)
    )
    return name_of_case(true, false) or f"conditions, case {number}"


def case_of(
    truths: Mapping[str, bool], template: Template, value: Callable[[Node], Node | None]
) -> Case:
    """A combination of conditions, with what each of them says."""
    return frozenset(
        Assumed(name, TRUE if holds else FALSE, digest(template.conditions.text(name, value)))
        for name, holds in truths.items()
    )


def combined(template: Template, resources: Iterable[Resource]) -> Combinations:
    """The combinations of conditions that decide about resources together, whether each of them exists too."""
    names: set[str] = set()
    for resource in resources:
        names |= resource.own_conditions()
        names |= {resource.condition} if resource.condition else set()
    return template.cases(names)


def is_unknown_text(node: Node | None, placeholders: Placeholders) -> bool:
    """Whether the value is a text with a part that is not known."""
    return node is not None and node.form is Form.STRING and placeholders.within(node.text)
