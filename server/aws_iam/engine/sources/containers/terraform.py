"""Policies in a Terraform plan or state (`terraform show -json`), named by the resource's address.

https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import positional
from aws_iam.engine.language.json_nodes import Form, Node
from aws_iam.engine.sources.containers.anywhere import policies_in
from aws_iam.engine.sources.containers.cloudformation_spots import ORGANIZATION_KINDS
from aws_iam.engine.sources.containers.found import Found, Note, Spot, decoded, embedded, spots_in
from aws_iam.engine.sources.containers.terraform_spots import SPOTS

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "Terraform plan"
_ORGANIZATION = "aws_organizations_policy"
_DATA = "aws_iam_policy_document"
_LATER = "known only after apply"
_INDEX = re.compile(r"\[[^\]]*\]")


def fits(root: Node) -> bool:
    """Whether the root is a plan or a state as `terraform show -json` writes it."""
    if root.form is not Form.OBJECT:
        return False
    state = root.member("values")
    return root.member("planned_values") is not None or (
        root.member("terraform_version") is not None
        and state is not None
        and state.member("root_module") is not None
    )


def documents(root: Node) -> Iterator[Found | Note]:
    """The policies of what will be, then the documents of data sources that no resource has taken as they are."""
    planned = root.member("planned_values") or root.member("values")
    prior = root.member("prior_state")
    seen: set[str] = set()
    data: list[_Resource] = []
    for resource in _resources(planned):
        if resource.type == _DATA:
            data.append(resource)
            continue
        for found in _of_resource(resource):
            if isinstance(found, Found) and found.text:
                seen.add(found.text)
            yield found
    yield from _unknown(root)
    data += [
        resource
        for resource in _resources(prior and prior.member("values"))
        if resource.type == _DATA
    ]
    for each in data:
        for found in _of_resource(each):
            if isinstance(found, Note) or found.text not in seen:
                seen.add(getattr(found, "text", None) or "")
                yield found


@positional
class _Resource:
    """A resource of a plan: its address, type and values."""

    address: str
    type: str
    values: Node

    @property
    def spots(self) -> tuple[Spot, ...]:
        """Where its documents stand."""
        if self.type != _ORGANIZATION:
            return SPOTS.get(self.type, ())
        given = self.values.member("type")
        # The provider's own default is a service control policy.
        kind = given.text if given and given.text else "SERVICE_CONTROL_POLICY"
        known = ORGANIZATION_KINDS.get(kind)
        return (
            Spot(
                path="content",
                kind=known,
                skip="" if known else f"a policy of type {kind}: no IAM policy",
            ),
        )


def _resources(values: Node | None) -> Iterator[_Resource]:
    module = values.member("root_module") if values else None
    todo = [module] if module else []
    while todo:
        module = todo.pop()
        listed = module.member("resources")
        for each in listed.items if listed else ():
            address, type_, own = map(each.member, ("address", "type", "values"))
            if address and type_ and own:
                yield _Resource(address.text, type_.text, own)
        children = module.member("child_modules")
        todo += reversed(children.items if children else ())


def _of_resource(resource: _Resource) -> Iterator[Found | Note]:
    done = set()
    for spot in resource.spots:
        for path, value, holder in spots_in(resource.values, spot.path):
            done.add(id(value))
            named = holder.member(spot.name) if spot.name else None
            name = f"{resource.address}.{path}" + (f" ({named.text})" if named else "")
            yield from _read(name, spot, value)
    for policy in policies_in(resource.values, frozenset(done)):
        yield policy.judged(f"{resource.address}.{policy.spelled}")


def _read(name: str, spot: Spot, value: Node) -> Iterator[Found | Note]:
    content = embedded(value)
    if content is None:
        return
    if spot.skip:
        yield Note(name=name, why=spot.skip)
        return
    text = decoded(value.text) if value.form is Form.STRING else None
    yield Found(
        name=name, content=content, kind=spot.kind, resource_type=spot.resource_type, text=text
    )


def _unknown(root: Node) -> Iterator[Note]:
    """The documents that the plan leaves to the apply."""
    written = _written(root)
    changes = root.member("resource_changes")
    for each in changes.items if changes else ():
        change, address, type_ = map(each.member, ("change", "address", "type"))
        later = change.member("after_unknown") if change else None
        if later is None or address is None or type_ is None:
            continue
        expressions = written.get(_INDEX.sub("", address.text))
        for path in _paths(type_.text):
            head = path.partition(".")[0].rstrip("[]")
            if expressions and not expressions.member(head):
                continue  # the provider fills in what nobody wrote: a queue has no policy by that
            for place, value, _ in _flags(later, path):
                if value.form is Form.BOOLEAN and value.text == "true":
                    yield Note(name=f"{address.text}.{place}", why=_LATER)


def _paths(type_: str) -> tuple[str, ...]:
    if type_ == _ORGANIZATION:
        return ("content",)
    return tuple(spot.path for spot in SPOTS.get(type_, ()))


def _written(root: Node) -> dict[str, Node]:
    """The expressions of each resource of the configuration, by its address without indexes."""
    configuration = root.member("configuration")
    module = configuration.member("root_module") if configuration else None
    found: dict[str, Node] = {}
    todo = [("", module)] if module else []
    while todo:
        prefix, module = todo.pop()
        listed, calls = module.member("resources"), module.member("module_calls")
        for each in listed.items if listed else ():
            address, expressions = each.member("address"), each.member("expressions")
            if address and expressions:
                found[prefix + address.text] = expressions
        for call in calls.members if calls else ():
            inner = call.value.member("module")
            if inner:
                todo.append((f"{prefix}module.{call.name.value}.", inner))
    return found


def _flags(later: Node, path: str) -> Iterator[tuple[str, Node, Node]]:
    """The flags at a path; a whole block may be unknown instead of its member."""
    head = path.partition(".")[0].rstrip("[]")
    block = later.member(head)
    if block is not None and block.form is Form.BOOLEAN:
        yield head, block, later
        return
    yield from spots_in(later, path)
