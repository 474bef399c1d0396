"""Policies in CloudFormation and SAM templates, named by logical id and property."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Final

from aws_iam.engine.parsing.json_nodes import Form, walk
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.sources.containers import nested_templates
from aws_iam.engine.sources.containers.access_settings import (
    AccessSetting,
    access_settings,
    attached_to_paths,
    canonical,
    granting_settings,
    setting_rows,
    subject_named,
)
from aws_iam.engine.sources.containers.attachments import (
    PolicyAttachment,
    attachment_rows,
    attachments,
)
from aws_iam.engine.sources.containers.case_readings import CaseReadings
from aws_iam.engine.sources.containers.cloudformation_candidates import (
    API,
    DATA,
    ORGANIZATION,
    WITHOUT_ROLE,
    Candidate,
    candidates,
    not_expanded,
    unknown_properties,
)
from aws_iam.engine.sources.containers.cloudformation_conditions import conditions_in
from aws_iam.engine.sources.containers.cloudformation_loops import has_loop
from aws_iam.engine.sources.containers.cloudformation_permissions import (
    URL,
    PolicyOfPermissions,
    allows_url,
    candidate_of,
    grants,
    open_urls,
    permission_of,
)
from aws_iam.engine.sources.containers.cloudformation_template import (
    Resource,
    Template,
    case_label,
    case_of,
    combined,
)
from aws_iam.engine.sources.containers.included_files import with_included_files
from aws_iam.engine.sources.containers.other_files import NO_CHOICES
from aws_iam.engine.sources.containers.own_names import own_name
from aws_iam.engine.sources.containers.placeholders import Placeholders
from aws_iam.engine.sources.containers.policy_places import (
    FoundPolicy,
    FoundResource,
    SkippedPlace,
    places_by_type,
)
from aws_iam.engine.sources.containers.sam.events import (
    event_attachments,
    event_settings,
    guarded_apis,
    implicit_api_settings,
    implicit_apis,
)
from aws_iam.engine.sources.containers.workload_roles import workload_roles
from aws_iam.engine.sources.resource_permissions import permission_rows
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.language.alternatives import Alternative
    from aws_iam.engine.parsing.json_nodes import Member, Node
    from aws_iam.engine.sources.containers.cloudformation_values import Resolver
    from aws_iam.engine.sources.containers.condition_combinations import Combinations
    from aws_iam.engine.sources.containers.other_files import OtherFiles

    _Found = FoundPolicy | SkippedPlace | PolicyAttachment | FoundResource | AccessSetting

NAME = "CloudFormation template"
_FORMAT: Final = "cloudformation"
_SHARED: Final = "Api"
_OF_GLOBALS: Final = from_value({"Type": API})
_CONNECTORS = "SAM writes the policies of connectors, which are not judged"


def fits(root: Node) -> bool:
    """Whether the root has resources with CloudFormation types."""
    resources = root.member("Resources") if root.form is Form.OBJECT else None
    if resources is None or resources.form is not Form.OBJECT:
        return False
    if has_loop(resources):
        return True
    types = (member.value.member("Type") for member in resources.members)
    return bool(root.member("AWSTemplateFormatVersion")) or any(
        type_ and "::" in type_.text for type_ in types
    )


def documents_with(
    root: Node,
    placeholders: Placeholders,
    given: Sequence[tuple[frozenset[int], Alternative]] = (),
    choices: Mapping[str, str] = NO_CHOICES,
) -> Iterator[_Found]:
    """The policies of every resource; one that conditions decide about is read in each combination that can be.

    Placeholders already stand for what is not known; `given` is what may stand there instead. `choices` are the values of
    parameters to read it with, in place of their defaults.
    """
    yield from _documents(Template(root, placeholders, given=given, choices=choices))


def documents_beside(
    root: Node,
    placeholders: Placeholders | None,
    others: OtherFiles,
    choices: Mapping[str, str] = NO_CHOICES,
) -> Iterator[_Found]:
    """The same with the files that the template includes, and the templates of nested stacks."""
    whole = with_included_files(root, others)
    marks = placeholders or Placeholders.unused_in(whole)
    yield from _documents(Template(whole, marks, choices=choices, others=others))


def _documents(template: Template) -> Iterator[_Found]:
    managed = template.managed_policies()
    granting: list[Resource] = []
    resources: list[Resource] = []
    if template.root.member("Fn::Transform"):
        yield SkippedPlace(name="Fn::Transform", why=not_expanded("Transform"), unreadable=True)
    section = template.root.member("Resources")
    for member in section.members if section else ():
        name = member.name.value
        if name.startswith("Fn::"):
            function = name.split("::")[1]
            yield SkippedPlace(name=name, why=not_expanded(function), unreadable=True)
            continue
        resource = template.resource(name, member.value)
        resources.append(resource)
        if grants(resource):
            granting.append(resource)
        yield FoundResource(name=name, own_name=own_name(resource.type, resource.written))
        if member.value.member("Connectors"):
            yield SkippedPlace(name=f"{name}.Connectors", why=_CONNECTORS)
        for own in _conditions(resource, template):
            yield replace(own, value=template.placeholders.as_variables(own.value))
        for found in _in_resource(resource, template):
            yield _of_template(found, managed) if isinstance(found, PolicyAttachment) else found
    yield from _permissions(granting, resources, template)
    yield from _implicit_api(template)


def _implicit_api(template: Template) -> Iterator[_Found]:
    """What `Globals` say of an API that stands in no resource."""
    yield from implicit_api_settings(template.root)
    if _SHARED in implicit_apis(template.root):
        found = _in_resource(template.resource(f"Globals.{_SHARED}", _OF_GLOBALS), template)
        yield from (own for own in found if isinstance(own, (FoundPolicy, SkippedPlace)))


def _of_template(attached: PolicyAttachment, managed: Mapping[str, str]) -> PolicyAttachment:
    """The attachment, with the document if it is of a policy of the template."""
    own = managed.get(attached.policy)
    return replace(attached, policy=own, document=f"{own}.PolicyDocument") if own else attached


# One resource


def _in_resource(resource: Resource, template: Template) -> Iterator[_Found]:
    cases = _cases(resource, template)
    if not cases.all and not cases.cut:
        if _decisive_properties(resource.type):
            why = f"its condition {quoted(resource.condition)} never holds"
            yield SkippedPlace(name=resource.name, why=why, is_none=True)
        return
    resolver = template.resolver()
    assumed = {resource.condition: True} if resource.condition else {}
    without = ({resource.condition: False},) if resource.condition else ()
    case = partial(case_of, template=template, value=template.resolver().value)
    reading = CaseReadings(several=len(cases.all) > 1, absent=frozenset(map(case, without)))
    for number, truths in enumerate(cases.all):
        resolver.truths = {**truths, **assumed}
        properties = resolver.value(resource.written) if resource.written else None
        if properties is None:
            continue
        reading.begin(case(resolver.truths), case_label(truths, number + 1) if number else "")
        _in_case(resource, properties, resolver, template, reading)
    yield from reading.policies()
    if cases.cut and reading.any:
        yield _cut(resource.name, cases)
    yield from reading.beside()


def _in_case(
    resource: Resource,
    properties: Node,
    resolver: Resolver,
    template: Template,
    reading: CaseReadings,
) -> None:
    unknown = unknown_properties(resource, properties, template.placeholders)
    if unknown:
        reading.add_beside(unknown)
    for own in candidates(resource, properties, resolver):
        if isinstance(own, Candidate):
            others = resolver.alternatives(_pointer(own, resource))
            reading.read(own, template.placeholders, others)
        else:
            reading.add_beside(own)
    guarded = guarded_apis(template.root)
    stack = _stack(resource, properties, template)
    for found in _beside_policies(resource, properties, resolver, guarded):
        if stack is None or not nested_templates.is_of_other_file(found):
            reading.add_beside(found)
    if stack is not None:
        place, inner = stack
        case = f"{place} ({reading.label})" if reading.label else place
        for found_ in _documents(inner) if reading.is_new(place, properties) else ():
            reading.add(nested_templates.within(found_, case))
    for found_ in _nested(resource, properties, template, reading):
        reading.add(found_)


def _pointer(candidate: Candidate, resource: Resource) -> str:
    """Where the values of a candidate stand in the template: a document that is made of others has a place of its own."""
    own = _property(candidate.name, resource)
    pointer = candidate.value.at.pointer
    return pointer if pointer.startswith(own) else own


def _property(name: str, resource: Resource) -> str:
    """The pointer of the property that a place of a resource names."""
    path = name.removeprefix(resource.name).removeprefix(".")
    head = path.partition(".")[0].partition("[")[0].partition(" ")[0]
    return f"{resource.written.at.pointer}/{head}" if resource.written else ""


def _written(resource: Resource) -> str:
    return resource.written.at.pointer if resource.written else ""


def _cases(resource: Resource, template: Template) -> Combinations:
    """The combinations of the conditions that decide about a resource's properties, where it exists at all."""
    names = resource.own_conditions()
    if names and not (
        _decisive_properties(resource.type)
        or _may_hold_policy(resource)
        or any(any(conditions_in(own.value)) for own in _with_roles(resource))
    ):
        names = frozenset()
    return template.cases(names, resource.condition)


def _cut(name: str, cases: Combinations) -> SkippedPlace:
    why = f"its conditions can combine in more ways; it was read in {len(cases.all)}"
    return SkippedPlace(name=name, why=why)


def _with_roles(resource: Resource) -> tuple[Member, ...]:
    """The properties in which a role stands that something runs under."""
    written = resource.written
    places = workload_roles(resource.type, written) if written else ()
    heads = {place.partition(".")[0].removesuffix("[]") for place in places}
    return tuple(own for own in written.members if own.key in heads) if written else ()


def _may_hold_policy(resource: Resource) -> bool:
    written = walk(resource.written) if resource.written else ()
    return any("Statement" in node.text or node.member("Statement") for node in written)


def _beside_policies(
    resource: Resource, properties: Node, resolver: Resolver, guarded: frozenset[str]
) -> Iterator[PolicyAttachment | AccessSetting | SkippedPlace]:
    """The attached policies of a resource, its settings, what it grants without a policy, and templates elsewhere."""
    shown = resolver.placeholders.as_variables
    if not (resource.type in WITHOUT_ROLE and properties.member("Role")):
        for attached in attachments(DATA, resource.type, properties, resource.name, shown):
            pointer = _property(attached.place, resource)
            yield replace(attached, alternatives=resolver.alternatives(pointer))
    for own in access_settings(_FORMAT, resource.type, properties, resource.name):
        name = own.place.removeprefix(f"{resource.name}.") if own.place != own.holder else ""
        others = resolver.alternatives(
            _property(own.place, resource) if name else _written(resource)
        )
        others |= resolver.alternatives_in(properties.member(name.partition(".")[0]) or properties)
        admins = frozenset(map(shown, own.admins))
        members = tuple(
            (resolver.shown(user), resolver.shown(group)) for user, group in own.memberships
        )
        yield replace(
            own, value=shown(own.value), admins=admins, alternatives=others, memberships=members
        )
    yield from event_attachments(resource, properties)
    for own in event_settings(resource, properties, guarded):
        yield replace(own, value=shown(own.value))
    for place, why in granting_settings(_FORMAT, resource.type, properties, resource.name):
        yield SkippedPlace(name=place, why=shown(why))
    yield from nested_templates.other_file(resource, properties, resolver.placeholders)


def _stack(
    resource: Resource, properties: Node, template: Template
) -> tuple[str, Template] | None:
    """The template of a nested stack in a file beside this one, with the parameters that it is given, and its place."""
    place, path = nested_templates.path_of_file(resource, properties, template.placeholders)
    if not place or template.depth >= nested_templates.MOST_DEEP:
        return None
    root = template.others.value(path) if template.others.may_nest() else None
    if root is None or not fits(root) or not template.placeholders.in_none_of(root):
        return None
    others = template.others.beside(path)
    own = {name: text for name, text in template.choices.items() if "::" in name}
    given = nested_templates.parameters_of(properties, template.placeholders)
    return place, Template(
        with_included_files(root, others),
        template.placeholders,
        template.depth + 1,
        choices={**own, **given},
        others=others,
    )


def _nested(
    resource: Resource, properties: Node, template: Template, reading: CaseReadings
) -> Iterator[_Found]:
    """The policies of a template that the resource holds."""
    body = nested_templates.template_body(resource, properties)
    if body is None:
        return
    place = nested_templates.body_place(resource)
    if not reading.is_new(place, body):
        return
    place = f"{place} ({reading.label})" if reading.label else place
    if template.depth >= nested_templates.MOST_DEEP:
        yield SkippedPlace(
            name=place,
            why="templates stand in one another more often than is read",
            unreadable=True,
        )
        return
    why = "the template is not known or not readable"
    try:
        root = nested_templates.template_in(body, template.placeholders)
        if root is not None and fits(root):
            inner = Template(root, template.placeholders, template.depth + 1)
            for found in _documents(inner):
                yield nested_templates.within(found, place)
            return
    except InputError as refused:
        why = refused.message
    yield SkippedPlace(name=place, why=why, unreadable=True)
    yield AccessSetting(
        holder=resource.name,
        place=place,
        subject=subject_named("other_template"),
        value=template.placeholders.as_variables(canonical(body)),
    )


# Several resources


def _permissions(
    granting: list[Resource], resources: list[Resource], template: Template
) -> Iterator[_Found]:
    """The policies that permissions write together, and function URLs that are open without one."""
    resolver = template.resolver()
    groups: dict[str, list[Resource]] = {}
    for resource in granting:
        properties = resolver.value(resource.written) if resource.written else None
        if properties is not None and properties.form is Form.OBJECT:
            arn = permission_of(resource, properties, resolver).arn
            groups.setdefault(arn, []).append(resource)
    allowed: set[str] = set()
    for group in groups.values():
        yield from _permissions_of(group, template, allowed)
    for resource in resources:
        properties = (
            resolver.value(resource.written) if resource.type == URL and resource.written else None
        )
        if properties is not None:
            yield from open_urls(resource, properties, allowed, resolver)


def _permissions_of(
    group: list[Resource], template: Template, allowed: set[str]
) -> Iterator[_Found]:
    """The policy of one resource in each combination of the conditions of its permissions."""
    cases = combined(template, group)
    resolver, reading = template.resolver(), CaseReadings(several=len(cases.all) > 1)
    case = partial(case_of, template=template, value=template.resolver().value)
    for number, truths in enumerate(cases.all):
        resolver.truths = truths
        reading.begin(case(truths), case_label(truths, number + 1) if number else "")
        policies: dict[str, PolicyOfPermissions] = {}
        for resource in group:
            exists = not resource.condition or truths[resource.condition]
            properties = resolver.value(resource.written) if exists and resource.written else None
            if properties is not None:
                own = permission_of(resource, properties, resolver)
                policy = policies.setdefault(own.arn, PolicyOfPermissions(own.resource_type))
                policy.statements += own.statements
                policy.holders.append(resource.name)
        for arn, policy in policies.items():
            allowed |= {arn} if allows_url(policy) else set()
            candidate = candidate_of(arn, policy, template, resolver)
            reading.read(candidate, template.placeholders, resolver.alternatives())
    yield from reading.policies()
    if cases.cut:
        yield _cut(f"{group[0].name} (permissions)", cases)


# Conditions as settings


def _conditions(resource: Resource, template: Template) -> Iterator[AccessSetting]:
    """Whether a resource with policies or settings exists, and what decides about parts of these."""
    decisive, roles = _decisive_properties(resource.type), _with_roles(resource)
    if not decisive and not roles:
        return
    value = template.resolver().value
    own = AccessSetting(
        holder=resource.name,
        place=f"{resource.name}.Condition",
        subject=subject_named("condition"),
        value=template.conditions.text(resource.condition, value) if resource.condition else "",
    )
    # Whether there is something that runs under a role says nothing about the access of others.
    if resource.condition and decisive:
        yield own
    for member in resource.written.members if resource.written else ():
        if member.key in decisive or "" in decisive or member in roles:
            texts = sorted(
                f"{path} {template.conditions.text(name, value)}"
                for path, name in conditions_in(member.value)
            )
            place = f"{resource.name}.{member.key} (Fn::If)"
            if texts:
                yield replace(own, place=place, value="; ".join(texts))


@cache
def _decisive_properties(type_: str) -> frozenset[str]:
    """The properties of a type that hold policies, attached ones or settings; an empty name for all of them."""
    paths = [
        *(
            p
            for place in places_by_type(DATA).get(type_, ())
            for p in (place.path, *place.targets)
        ),
        *(p for row in attachment_rows(DATA, type_) for p in (row.path, *row.targets)),
        *(path for row in setting_rows(_FORMAT, type_) for path in row.paths or (row.path,)),
        *attached_to_paths(type_),
        *({ORGANIZATION: ("Content",), API: ("Auth",)}.get(type_, ())),
        *(("",) if type_ in permission_rows(_FORMAT) else ()),
    ]
    return frozenset(path.partition(".")[0].rstrip("[]") for path in paths)
