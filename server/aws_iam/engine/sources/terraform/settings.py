"""What decides about access in Terraform's files and is no policy: the rows of plans, by the arguments as they are written.

settings(evaluator, shown, block, scope, address, True)   →   AccessSetting(holder="aws_s3_bucket_acl.logs", …), …
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.engine.parsing.json_nodes import Form, Member, Node, string
from aws_iam.engine.parsing.made_nodes import listed, mapped
from aws_iam.engine.sources.containers.access_settings import (
    AccessSetting,
    access_settings,
    canonical,
    setting_rows,
    subject_named,
)
from aws_iam.engine.sources.containers.attachments import attachment_rows
from aws_iam.engine.sources.containers.policy_places import places_by_type
from aws_iam.engine.sources.terraform.blocks import expanded
from aws_iam.engine.sources.terraform.provider_names import (
    PROVIDER,
    PROVIDERS,
    given_providers,
    other_provider,
)
from aws_iam.engine.sources.terraform.role_arguments import RoleArguments
from aws_iam.engine.sources.terraform.values import Deferred

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping

    from aws_iam.engine.sources.terraform.expressions import Evaluator
    from aws_iam.engine.sources.terraform.scopes import Scope
    from aws_iam.engine.sources.terraform.syntax import Block, Body

_FORMAT, _RESOURCES = "terraform", "terraform-resources.json"
_ABOUT_INSTANCES = frozenset({"count", "for_each", "depends_on", PROVIDERS})


@cache
def not_iam(file: str) -> Mapping[str, tuple[str, ...]]:
    """The arguments of each resource type that are called policies and are none of IAM's, in a data file of that name."""
    found: dict[str, tuple[str, ...]] = {}
    for row in resources.data(file)["not_iam"]:
        found[row["type"]] = (*found.get(row["type"], ()), row["path"])
    return found


def settings(  # noqa: PLR0913, PLR0917 - an instance is its block, its scope, its address and whether there is one
    evaluator: Evaluator,
    shown: Callable[[str], str],
    block: Block,
    scope: Scope,
    address: str,
    in_force: bool | None,  # noqa: FBT001 - whether there is one, or None
) -> Iterator[AccessSetting]:
    """The settings of a resource; `shown` spells what is not known from these files."""
    rows = setting_rows(_FORMAT, block.labels[0])
    paths = (
        path
        for row in rows
        for path in (row.path, row.called_at, row.unless_at, *row.paths)
        if path
    )
    names = {path.partition(".")[0].removesuffix("[]") for path in paths}
    reader = _Arguments(evaluator, shown)
    roles = RoleArguments.of(block.labels[0])
    further = set(roles.within(block.body)) - names if roles else set()

    def read() -> Iterator[tuple[str, Node]]:
        yield from reader.under(block.body, names, scope)
        if further:
            yield from replace(reader, chosen=roles).under(block.body, further, scope)

    members, alternatives = evaluator.noted(lambda: tuple(read()))
    values = mapped(members, block.at)
    for own in access_settings(_FORMAT, block.labels[0], values, address):
        heads = [member.key for member in values.members if _is_of(own, member.key)]
        is_known = in_force is not None and reader.unknown.isdisjoint(heads)
        # One that may not be there is another setting than one that is.
        value = own.value if in_force is not None else f"{own.value}, perhaps"
        yield replace(
            own,
            value=value,
            is_known=is_known,
            in_force=in_force,
            alternatives=alternatives,
            memberships=own.memberships if in_force and not alternatives else (),
        )
    if _holds_policies(block):
        provider = other_provider(block, scope, evaluator)
        yield _provider(f"{address}.{PROVIDER}", provider, address, in_force)


def _holds_policies(block: Block) -> bool:
    """Whether the resource has a policy, or attaches one."""
    type_ = block.labels[0]
    places, attached = (
        places_by_type(_RESOURCES).get(type_, ()),
        attachment_rows(_RESOURCES, type_),
    )
    paths = (*(own.path for own in places), *(own.path for own in attached))
    heads = {path.partition(".")[0].removesuffix("[]") for path in paths}
    return not heads.isdisjoint(block.body.names)


def providers_setting(
    evaluator: Evaluator,
    block: Block,
    scope: Scope,
    address: str,
    in_force: bool | None,  # noqa: FBT001 - whether there is one, or None
) -> AccessSetting:
    """The providers that a module which is not at hand makes its resources with."""
    given = given_providers(block, scope, evaluator)
    others = sorted(f"{own} = {theirs}" for own, theirs in given.items() if own != theirs)
    return _provider(f"{address}.{PROVIDERS}", ", ".join(others), address, in_force)


def _provider(
    place: str,
    value: str,
    address: str,
    in_force: bool | None,  # noqa: FBT001 - whether there is one, or None
) -> AccessSetting:
    """The provider that makes the resource: one by another name may stand for another account."""
    return AccessSetting(
        holder=address,
        place=place,
        subject=subject_named(PROVIDER),
        value=value,
        only_changed=True,
        # A policy of the resource goes to one of its own, or comes from there.
        is_computed=True,
        in_force=in_force,
    )


def module_setting(  # noqa: PLR0913, PLR0917 - an instance, as above
    evaluator: Evaluator,
    shown: Callable[[str], str],
    block: Block,
    scope: Scope,
    address: str,
    in_force: bool | None,  # noqa: FBT001 - whether there is one, or None
    names: Container[str] | None = None,
) -> AccessSetting:
    """A call of a module that is not at hand, by all that it is given, or by the arguments with these names."""
    reader = _Arguments(evaluator, shown)
    given = set(block.body.attribute_names) - _ABOUT_INSTANCES
    given = {name for name in given if names is None or name in names}
    values = mapped(reader.under(block.body, given, scope), block.at)
    value = canonical(values)
    return AccessSetting(
        holder=address,
        place=address,
        subject=subject_named("module"),
        value=value if in_force is not None else f"{value}, perhaps",
        is_known=in_force is not None and not reader.unknown,
        in_force=in_force,
    )


def _is_of(setting: AccessSetting, name: str) -> bool:
    path = setting.place.removeprefix(setting.holder).removeprefix(".")
    return not path or path.partition(".")[0] == name


@dataclass(slots=True)
class _Arguments:
    """Reads arguments and blocks; `unknown` has the outermost ones with a value that is not known.

    With `chosen`, of blocks only what leads to roles.
    """

    evaluator: Evaluator
    shown: Callable[[str], str]
    chosen: RoleArguments | None = None
    unknown: set[str] = field(default_factory=set)
    _head: str = ""

    def under(self, body: Body, names: set[str], scope: Scope) -> Iterator[tuple[str, Node]]:
        """The arguments and blocks with these names; a block is a list of objects."""
        for name in sorted(names):
            self._head = name
            value = self._value(body, name, scope)
            if value is not None:
                yield name, value

    def _value(self, body: Body, name: str, scope: Scope) -> Node | None:
        expression = body.attribute(name)
        if expression is not None:
            value = self.evaluator.value_or_hole(expression, scope)
            return None if value.form is Form.NULL else self._spelled(value)
        parts = [
            mapped(self._nested(part.body, part.scope, name), part.at)
            for part in expanded(self.evaluator, body, name, scope)
        ]
        return listed(parts, body.at) if parts else None

    def _nested(self, body: Body, scope: Scope, within: str) -> Iterator[tuple[str, Node]]:
        names = self.chosen.within(body, within) if self.chosen else body.names
        for name in dict.fromkeys(names):
            value = self._value(body, name, scope)
            if value is not None:
                yield name, value

    def _spelled(self, value: Node) -> Node:
        """The value with `${…}` for what is not known."""
        self.evaluator.budget.spend()
        text = value.text
        if isinstance(value, Deferred) or self.evaluator.placeholders.within(text):
            self.unknown.add(self._head)
            return string(self.shown(text), value.at)
        return value.but(
            items=tuple(map(self._spelled, value.items)),
            members=tuple(
                Member.named(
                    string(self.shown(member.key), member.name.at), self._spelled(member.value)
                )
                for member in value.members
            ),
        )
