"""Policies in a Terraform plan or state (`terraform show -json`), named by the resource's address.

https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Holder
from aws_iam.engine.parsing.json_nodes import Form, Node, string
from aws_iam.engine.parsing.made_nodes import listed, mapped
from aws_iam.engine.sources.containers.access_settings import (
    access_settings,
    attached_to_paths,
    setting_rows,
)
from aws_iam.engine.sources.containers.attachments import (
    PolicyAttachment,
    attachment_rows,
    attachments,
)
from aws_iam.engine.sources.containers.embedded_documents import decoded, embedded
from aws_iam.engine.sources.containers.generic_data import policies_in
from aws_iam.engine.sources.containers.own_names import own_name
from aws_iam.engine.sources.containers.policy_places import (
    FoundPolicy,
    FoundResource,
    PolicyPlace,
    SkippedPlace,
    organization_place,
    places_by_type,
    texts_at,
    values_at,
)
from aws_iam.engine.sources.containers.workload_roles import names_of_roles
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.sources.containers.access_settings import AccessSetting
    from aws_iam.engine.sources.containers.workload_roles import RoleNames

    _Found = FoundPolicy | SkippedPlace | PolicyAttachment | FoundResource | AccessSetting

NAME = "Terraform plan"
_DATA = "terraform-resources.json"
_FORMAT = "terraform"
_ORGANIZATION = "aws_organizations_policy"
# The provider's own default for `type`.
_DEFAULT_ORGANIZATION_TYPE = "SERVICE_CONTROL_POLICY"
_DOCUMENT_DATA_SOURCE = "aws_iam_policy_document"
_KNOWN_LATER = "known only after apply"
_MANAGED = "aws_iam_policy"
_INDEX = re.compile(r"\[[^\]]*\]")
_LAST_INDEX = re.compile(r"\[[^\]]*\]$")
_REFERENCE = re.compile(r"([a-z0-9_]+\.[^.\[]+)(\[[^\]]*\])?")
_ROLE_ITSELF = re.compile(r"(?:^|\.)aws_iam_role\.[^.]+$")
_MODULE = re.compile(r"(module\.[^.\[]+(\[[^\]]*\])?\.)+")


def fits(root: Node) -> bool:
    """Whether the root is a plan or a state as `terraform show -json` prints it."""
    if root.form is not Form.OBJECT:
        return False
    state = root.member("values")
    return root.member("planned_values") is not None or (
        root.member("terraform_version") is not None
        and state is not None
        and state.member("root_module") is not None
    )


def documents(root: Node) -> Iterator[_Found]:
    """The policies of the planned resources, then the documents of data sources that no resource uses unchanged."""
    planned = root.member("planned_values") or root.member("values")
    prior = root.member("prior_state")
    references = _References.of(root, planned)
    former = _former_addresses(root)
    seen: set[str] = set()
    data_sources: list[_Resource] = []
    for resource in _resources(planned):
        if resource.type == _DOCUMENT_DATA_SOURCE:
            data_sources.append(resource)
            continue
        yield FoundResource(
            name=resource.address,
            own_name=own_name(resource.type, resource.values),
            formerly=former.get(resource.address, ()),
        )
        yield from references.settings(resource)
        for found in _in_resource(resource):
            if isinstance(found, FoundPolicy) and found.text:
                seen.add(found.text)
            yield references.attached(found, resource)
        for own in attachments(_DATA, resource.type, resource.values, resource.address):
            yield replace(own, document=references.document(own.policy, resource.address))
    yield from _known_later(root, references)
    data_sources += [
        resource
        for resource in _resources(prior and prior.member("values"))
        if resource.type == _DOCUMENT_DATA_SOURCE
    ]
    for data_source in data_sources:
        for found in _in_resource(data_source):
            if isinstance(found, SkippedPlace) or found.text not in seen:
                seen.add(getattr(found, "text", None) or "")
                yield found


def _former_addresses(root: Node) -> dict[str, tuple[str, ...]]:
    """The addresses that resources of the plan had before, by `moved` blocks."""
    changes = root.member("resource_changes")
    pairs = [
        tuple(map(own.member, ("address", "previous_address")))
        for own in (changes.items if changes else ())
    ]
    return {now.text: (was.text,) for now, was in pairs if now and was}


@positional
class _Resource:
    """A resource of a plan: its address, type and values."""

    address: str
    type: str
    values: Node

    @property
    def places(self) -> tuple[PolicyPlace, ...]:
        """Where its policy documents stand."""
        if self.type != _ORGANIZATION:
            return places_by_type(_DATA).get(self.type, ())
        type_ = self.values.member("type")
        policy_type = type_.text if type_ and type_.text else _DEFAULT_ORGANIZATION_TYPE
        return (organization_place("content", policy_type),)


_DOMAINS = frozenset({"aws_elasticsearch_domain", "aws_opensearch_domain"})


def _resources(values: Node | None) -> Iterator[_Resource]:
    module = values.member("root_module") if values else None
    todo = [module] if module else []
    while todo:
        module = todo.pop()
        listed = module.member("resources")
        for resource in listed.items if listed else ():
            address, type_, own = map(resource.member, ("address", "type", "values"))
            if address and type_ and own:
                yield _Resource(address.text, type_.text, own)
        children = module.member("child_modules")
        todo += reversed(children.items if children else ())


def _in_resource(resource: _Resource) -> Iterator[FoundPolicy | SkippedPlace]:
    done = set()
    for place in resource.places:
        for path, value, holder in values_at(resource.values, place.path):
            done.add(id(value))
            named = holder.member(place.name) if place.name else None
            name = f"{resource.address}.{path}" + (f" ({named.text})" if named else "")
            yield from (_held(found, resource) for found in _at_place(name, place, value))
    for policy in policies_in(resource.values, frozenset(done)):
        yield _held(policy.named(f"{resource.address}.{policy.dotted_path}"), resource)


def _held(found: FoundPolicy | SkippedPlace, resource: _Resource) -> FoundPolicy | SkippedPlace:
    if isinstance(found, SkippedPlace):
        return found
    network = resource.values.member("vpc_options")
    in_vpc = resource.type in _DOMAINS and network is not None and bool(network.listed())
    own = Holder(name=resource.address, type=resource.type, in_vpc=in_vpc)
    return replace(found, holder=own)


def _at_place(name: str, place: PolicyPlace, value: Node) -> Iterator[FoundPolicy | SkippedPlace]:
    content = embedded(value)
    if content is None:
        return
    if place.skip:
        yield SkippedPlace(name=name, why=place.skip, is_none=True)
        return
    yield FoundPolicy(
        name=name,
        content=content,
        kind=place.kind,
        resource_type=place.resource_type,
        text=decoded(value.text) if value.form is Form.STRING else None,
    )


def _known_later(root: Node, references: _References) -> Iterator[SkippedPlace | PolicyAttachment]:
    """The documents and attachments that are decided during apply."""
    changes = root.member("resource_changes")
    for resource_change in changes.items if changes else ():
        change, address, type_ = map(resource_change.member, ("change", "address", "type"))
        unknown = change.member("after_unknown") if change else None
        if unknown is None or address is None or type_ is None:
            continue
        expressions = references.configured.get(_INDEX.sub("", address.text))
        for path in _paths(type_.text):
            head = path.partition(".")[0].rstrip("[]")
            if expressions and not expressions.member(head):
                continue  # computed by the provider and not configured: a queue without a policy, for example
            for place, value, _ in _unknown_flags(unknown, path):
                if value.form is Form.BOOLEAN and value.text == "true":
                    yield SkippedPlace(name=f"{address.text}.{place}", why=_KNOWN_LATER)
        for row in attachment_rows(_DATA, type_.text):
            head = row.path.removesuffix("[]")
            configured_as = expressions.member(head) if expressions else None
            flags = [value for _, value, _ in _unknown_flags(unknown, row.path)]
            if configured_as and any(flag.text == "true" for flag in flags):
                policy = f"${{{_first_reference(configured_as)}}}"
                for target in references.targets(address.text, row.targets) or ("",):
                    yield PolicyAttachment(
                        holder=address.text,
                        place=f"{address.text}.{head}",
                        policy=policy,
                        is_boundary=row.boundary,
                        document=references.document(policy, address.text),
                        target=target,
                    )


@slotted
class _References:
    """What the resources of a plan refer to: `configured` are their expressions by address without indexes.

    `values` are the planned values by address.
    """

    configured: Mapping[str, Node]
    values: Mapping[str, Node]
    # The addresses of the resources by what they are without their last indexes.
    instances: Mapping[str, Sequence[str]]
    # The places of the documents of managed policies, by their ARNs.
    documents: Mapping[str, str]

    @classmethod
    def of(cls, root: Node, planned: Node | None) -> _References:
        """Those of a plan."""
        listed = tuple(_resources(planned))
        policies = [resource for resource in listed if resource.type == _MANAGED]
        arns = ((resource, resource.values.member("arn")) for resource in policies)
        instances: dict[str, list[str]] = {}
        for resource in listed:
            instances.setdefault(_LAST_INDEX.sub("", resource.address), []).append(
                resource.address
            )
        return cls(
            instances=instances,
            configured=_configured_expressions(root),
            values={resource.address: resource.values for resource in listed},
            documents={arn.text: f"{own.address}.policy" for own, arn in arns if arn},
        )

    def document(self, policy: str, address: str) -> str:
        """The place of the document of a managed policy, by its ARN or by `${reference}` in a resource; empty if unknown."""
        if not policy.startswith("${"):
            return self.documents.get(policy, "")
        reference = policy.removeprefix("${").removesuffix("}")
        own = self._referenced(reference, address) if reference.startswith(f"{_MANAGED}.") else ""
        return own and f"{own}.policy"

    def attached(
        self, found: FoundPolicy | SkippedPlace, resource: _Resource
    ) -> FoundPolicy | SkippedPlace:
        """The policy with the principals that the resource attaches it to."""
        if isinstance(found, SkippedPlace):
            return found
        paths = [path for place in resource.places for path in place.targets]
        attached_to = (
            *self.targets(resource.address, paths),
            *(self._named(resource, path) for path in attached_to_paths(resource.type)),
        )
        return replace(found, holder=replace(found.holder, attached_to=attached_to))

    def settings(self, resource: _Resource) -> Iterator[AccessSetting]:
        """What decides about access in a resource and is no policy."""
        roles = names_of_roles(resource.type)
        if not setting_rows(_FORMAT, resource.type) and roles is None:
            return
        expressions = self.configured.get(_INDEX.sub("", resource.address))
        # What the provider computes appears with the first apply; only dynamic blocks are configured and not shown.
        computed = {
            own.key
            for own in resource.values.members
            if expressions and not expressions.member(own.key)
        }
        values = resource.values.but(
            members=tuple(
                own
                for own in resource.values.members
                if own.key not in computed or own.value.form is Form.ARRAY
            )
        )
        if roles and expressions:
            values = self._with_roles(values, expressions, roles, resource.address)
        for own in access_settings(
            _FORMAT,
            resource.type,
            values,
            resource.address,
            lambda path: self._named(resource, path),
        ):
            argument = own.place.removeprefix(f"{resource.address}.")
            yield replace(own, is_computed=argument in computed)

    def _with_roles(
        self, values: Node, expressions: Node, names: RoleNames, address: str, within: str = ""
    ) -> Node:
        """The values with the roles that are known only after apply, by what they refer to."""
        members = {own.key: own.value for own in values.members}
        for own in expressions.members:
            name, value = own.key, members.get(own.key)
            if own.value.member("references"):
                is_open = value is None or value.form is Form.NULL
                if is_open and names.may_have(name, within):
                    text = self._roles_named(own.value, address, all_=names.is_document(name))
                    members[name] = string(text, own.value.at)
            elif value is not None and len(value.listed()) == len(own.value.listed()):
                parts = [
                    self._with_roles(part, expression, names, address, name)
                    for part, expression in zip(value.listed(), own.value.listed(), strict=True)
                ]
                members[name] = listed(parts, value.at) if value.items else parts[0]
        if values.form is not Form.OBJECT:
            return values
        return mapped(members.items(), values.at)

    def _roles_named(self, expression: Node, address: str, *, all_: bool) -> str:
        """What a role is called that is known only after apply; of a document, all roles that it refers to."""
        if not all_:
            return self._name(_first_reference(expression), address)
        references = expression.member("references")
        texts = [own.text for own in (references.items if references else ())]
        return " ".join(self._name(text, address) for text in texts if _ROLE_ITSELF.search(text))

    def _named(self, resource: _Resource, path: str) -> str:
        """The text of an argument; where it refers to a resource of the plan, the name or address of that one.

        An id is known only after the first apply; the name of what it belongs to is the same before and after.
        """
        value = resource.values.member(path)
        if value and value.form not in {Form.STRING, Form.NULL}:
            return ""
        known = value.text if value and value.form is Form.STRING else ""
        expressions = self.configured.get(_INDEX.sub("", resource.address))
        expression = expressions.member(path) if expressions else None
        reference = _first_reference(expression) if expression else ""
        own = self._referenced(reference, resource.address)
        if own and (not known or known in {m.value.text for m in self.values[own].members}):
            return self._name(reference, resource.address)
        later = f"${{{reference}}}" if reference not in {"", _KNOWN_LATER} else ""
        return known or later

    def targets(self, address: str, paths: Iterable[str]) -> tuple[str, ...]:
        """The principals that a resource names; `${reference}` where their names are known only after apply."""
        paths = tuple(paths)
        values = self.values.get(address)
        known = tuple(texts_at(values, paths)) if values else ()
        expressions = self.configured.get(_INDEX.sub("", address))
        if known or expressions is None:
            return known
        named = (expressions.member(path.rstrip("[]")) for path in paths)
        return tuple(self._name(_first_reference(value), address) for value in named if value)

    def _name(self, reference: str, address: str) -> str:
        own = self._referenced(reference, address)
        names = (self.values[own].member(key) for key in ("name", "bucket")) if own else ()
        return next(
            (name.text for name in names if name and name.text), own or f"${{{reference}}}"
        )

    def _referenced(self, reference: str, address: str) -> str:
        """The address of the one planned resource that a reference in a resource means; empty where there is no such one."""
        module = _MODULE.match(address)
        start = module[0] if module else ""
        named = _REFERENCE.match(reference)
        if named is None:
            return ""
        base, index = start + named[1], _LAST_INDEX.search(address)
        alike = self.instances.get(base, ())
        exact = (start + named[0], base + (index[0] if index else ""))
        return next((name for name in exact if name in alike), alike[0] if len(alike) == 1 else "")


def _first_reference(expression: Node) -> str:
    references = expression.member("references")
    return references.items[0].text if references and references.items else _KNOWN_LATER


def _paths(type_: str) -> tuple[str, ...]:
    if type_ == _ORGANIZATION:
        return ("content",)
    return tuple(place.path for place in places_by_type(_DATA).get(type_, ()))


def _configured_expressions(root: Node) -> dict[str, Node]:
    """The expressions of each resource in the configuration, by its address without indexes."""
    configuration = root.member("configuration")
    module = configuration.member("root_module") if configuration else None
    found: dict[str, Node] = {}
    todo = [("", module)] if module else []
    while todo:
        prefix, module = todo.pop()
        listed, calls = module.member("resources"), module.member("module_calls")
        for resource in listed.items if listed else ():
            address, expressions = resource.member("address"), resource.member("expressions")
            if address and expressions:
                found[prefix + address.text] = expressions
        for call in calls.members if calls else ():
            inner = call.value.member("module")
            if inner:
                todo.append((f"{prefix}module.{call.name.value}.", inner))
    return found


def _unknown_flags(unknown: Node, path: str) -> Iterator[tuple[str, Node, Node]]:
    """The flags at a path; one flag may stand for a whole block."""
    head = path.partition(".")[0].rstrip("[]")
    block = unknown.member(head)
    if block is not None and block.form is Form.BOOLEAN:
        yield head, block, unknown
        return
    yield from values_at(unknown, path)
