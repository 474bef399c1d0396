"""The values of a resource that stand where policies stand, and the policies in them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aws_iam.engine.language.document import Holder, Kind
from aws_iam.engine.parsing.json_nodes import Form, Member, Node, rooted, string
from aws_iam.engine.sources.containers.access_settings import attached_to_paths
from aws_iam.engine.sources.containers.cloudformation_template import is_unknown_text
from aws_iam.engine.sources.containers.embedded_documents import (
    bare_policy,
    decoded,
    embedded,
    looks_encoded,
)
from aws_iam.engine.sources.containers.generic_data import policies_in
from aws_iam.engine.sources.containers.nested_templates import template_body
from aws_iam.engine.sources.containers.policy_places import (
    FoundPolicy,
    PolicyPlace,
    SkippedPlace,
    organization_place,
    places_by_type,
    texts_at,
    values_at,
)
from aws_iam.engine.sources.containers.sam.api_policies import event_policies, resource_policy
from aws_iam.engine.sources.containers.sam.policy_templates import expanded, template_name
from aws_iam.frozen import positional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.parsing.json_text import Syntax
    from aws_iam.engine.sources.containers.cloudformation_template import Resource
    from aws_iam.engine.sources.containers.cloudformation_values import Resolver
    from aws_iam.engine.sources.containers.placeholders import Placeholders

DATA: Final = "cloudformation-resources.json"
ORGANIZATION: Final = "AWS::Organizations::Policy"
API: Final = "AWS::Serverless::Api"
KNOWN_LATER: Final = "known only at deployment"
WITHOUT_ROLE: Final = ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")
"""The types for which SAM writes a role only where the resource names none."""
_API_POLICY = "Auth.ResourcePolicy"
_DOMAINS = frozenset({"AWS::Elasticsearch::Domain", "AWS::OpenSearchService::Domain"})
_PROCESSED = (
    "give the template that `aws cloudformation get-template --template-stage Processed` shows"
)
_IGNORED = "SAM ignores it, because `Role` names the role"
_OF_A_TOOL = "no document but what a tool writes one from: give the template that is deployed"
_ELEMENTS = frozenset(
    {
        "version",
        "id",
        "statement",
        "statements",
        "effect",
        "action",
        "notaction",
        "resource",
        "principal",
    }
)
_TEXTS = frozenset({"Id", "Sid", "Version"})
# What the placeholder of a call begins with, by its function.
_NOT_EXPANDED = ("Transform", "ForEach")


@positional
class Candidate:
    """A value at a place for policies, of a resource that attaches it to principals."""

    name: str
    place: PolicyPlace
    value: Node
    holder: Holder


def candidates(
    resource: Resource, properties: Node, resolver: Resolver
) -> Iterator[Candidate | SkippedPlace]:
    """The values at the places of the resource's type, and what looks like a policy elsewhere."""
    # A template within this one is read as such.
    done = {id(template_body(resource, properties))}
    targets = attached_to_paths(resource.type)
    for place in _places(resource.type, properties):
        for where in _unknown_on_the_way(properties, place.path, resolver.placeholders):
            why = _why_unknown(where[1], resolver.placeholders)
            yield _unread(f"{resource.name}.{where[0]}", why)
        for path, value, holder in values_at(properties, place.path):
            # The holder of a bare statement looks like a policy itself.
            done |= {id(value), id(holder)} if place.bare else {id(value)}
            named = holder.member(place.name) if place.name else None
            known = named and not resolver.placeholders.within(named.text)
            name = f" ({named.text})" if named and known else ""
            shown = path.removesuffix(".PolicyDocument") if "]." in path else path
            attached_to = tuple(
                map(resolver.shown, texts_at(properties, (*place.targets, *targets)))
            )
            own = Holder(
                name=resource.name,
                type=resource.type,
                attached_to=attached_to,
                in_vpc=resource.type in _DOMAINS and properties.member("VPCOptions") is not None,
            )
            candidate = Candidate(f"{resource.name}.{shown}{name}", place, value, own)
            yield from _listed(candidate, properties, resolver)
    if resource.type in {API, *WITHOUT_ROLE}:
        yield from _of_api(resource, properties, done)
    other = Holder(name=resource.name, type=resource.type)
    for policy in policies_in(properties, frozenset(done)):
        if isinstance(policy.content, Node):
            name = f"{resource.name}.{policy.dotted_path}"
            yield Candidate(name, policy.place, policy.content, other)


def _listed(
    candidate: Candidate, properties: Node, resolver: Resolver
) -> Iterator[Candidate | SkippedPlace]:
    """The document of an entry in SAM's list of policies, which may be that of a policy template."""
    if not candidate.place.listed:
        yield candidate
        return
    if candidate.holder.type in WITHOUT_ROLE and properties.member("Role"):
        yield SkippedPlace(name=candidate.name, why=_IGNORED, is_none=True)
        return
    name = template_name(candidate.value)
    if not name:
        yield candidate
        return
    document = expanded(candidate.value, resolver.placeholders, resolver.choices)
    shown = f"{candidate.name} ({resolver.placeholders.as_variables(name)})"
    if isinstance(document, str):
        yield SkippedPlace(name=shown, why=document)
    else:
        yield Candidate(shown, candidate.place, document, candidate.holder)


def _of_api(resource: Resource, properties: Node, done: set[int]) -> Iterator[Candidate]:
    """The policy of an API, or those of the paths that a function's events have of one."""
    found = values_at(properties, _API_POLICY) if resource.type == API else ()
    of_api = ((path, value, resource_policy(value)) for path, value, _ in found)
    policies = of_api if resource.type == API else event_policies(properties)
    for path, value, document in policies:
        done.add(id(value))
        if document is not None:
            place = PolicyPlace(
                path=path, kind=Kind.RESOURCE, resource_type="AWS::ApiGateway::RestApi"
            )
            own = Holder(name=resource.name, type=resource.type)
            yield Candidate(f"{resource.name}.{path}", place, document, own)


def _places(type_: str, properties: Node) -> tuple[PolicyPlace, ...]:
    if type_ != ORGANIZATION:
        return places_by_type(DATA).get(type_, ())
    policy_type = properties.member("Type")
    return (organization_place("Content", policy_type.text if policy_type else "unknown"),)


def _unknown_on_the_way(
    node: Node, path: str, placeholders: Placeholders
) -> Iterator[tuple[str, Node]]:
    """The values on the way to a place that are not known, so that nobody sees what is below them."""
    head, _, rest = path.partition(".")
    value = node.member(head.removesuffix("[]"))
    if value is None or not rest:
        return
    key = head.removesuffix("[]")
    for number, item in enumerate(value.listed() if head.endswith("[]") else (value,)):
        shown = f"{key}[{number}]" if value.form is Form.ARRAY else key
        if is_unknown_text(item, placeholders):
            yield shown, item
            continue
        for inner, found in _unknown_on_the_way(item, rest, placeholders):
            yield f"{shown}.{inner}", found


def _why_unknown(value: Node, placeholders: Placeholders) -> str:
    for function in _NOT_EXPANDED:
        if value.text.startswith(placeholders.begin + function):
            return not_expanded(function)
    return KNOWN_LATER


def not_expanded(function: str) -> str:
    """Why what a macro or a loop writes is not read, and what would make it readable."""
    return f"`Fn::{function}` is not expanded: {_PROCESSED}"


def _unread(name: str, why: str) -> SkippedPlace:
    return SkippedPlace(name=name, why=why, unreadable=why != KNOWN_LATER)


def unknown_properties(
    resource: Resource, properties: Node, placeholders: Placeholders
) -> SkippedPlace | None:
    """All properties, where nothing of them is known and the type has places for policies."""
    if properties.form is not Form.STRING or not places_by_type(DATA).get(resource.type):
        return None
    why = _why_unknown(properties, placeholders)
    return _unread(f"{resource.name}.Properties", why)


def read_candidate(
    candidate: Candidate, placeholders: Placeholders
) -> Iterator[FoundPolicy | SkippedPlace]:
    """The policy in the value, or why none was read."""
    value, place = candidate.value, candidate.place
    if place.skip:
        yield SkippedPlace(name=candidate.name, why=place.skip, is_none=True)
        return
    later = value.form is Form.STRING and placeholders.within(value.text)
    is_document = value.member("Statement") or (later and looks_encoded(value.text))
    if place.listed and not is_document:
        return  # the name of a managed policy
    content = bare_policy(value) if place.bare else embedded(value)
    if later and not (isinstance(content, Node) and content.form is Form.OBJECT):
        yield _unread(candidate.name, _why_unknown(value, placeholders))
    elif isinstance(content, Node) and _is_of_a_tool(content):
        yield SkippedPlace(name=candidate.name, why=_OF_A_TOOL, unreadable=True)
    elif content is not None:
        if isinstance(content, Node) and value.form is not Form.STRING:
            content = _with_texts(content)
        yield from _unexpanded(candidate.name, content, placeholders)
        yield _found(candidate, content, placeholders)


def _with_texts(content: Node) -> Node:
    """The document with its names as texts: CloudFormation hands every number on as a text, such as that of `Sid: 1`.

    https://github.com/aws-cloudformation/cloudformation-cli/issues/435
    """
    members = tuple(_with_text(own) for own in content.members)
    if all(new is own for new, own in zip(members, content.members, strict=True)):
        return content
    return content.but(members=members)


def _with_text(member: Member) -> Member:
    value = member.value
    if member.key in _TEXTS and value.form is Form.NUMBER:
        return Member.named(member.name, string(value.text, value.at))
    if member.key != "Statement":
        return member
    statements = [_with_texts(own) for own in value.listed()]
    if all(new is own for new, own in zip(statements, value.listed(), strict=True)):
        return member
    one = value.form is Form.OBJECT
    return Member.named(member.name, statements[0] if one else value.but(items=tuple(statements)))


def _is_of_a_tool(content: Node) -> bool:
    """Whether an object has members, and none that a policy has: a tool of the template's authors writes the document from it."""
    names = {member.key.lower() for member in content.members}
    return bool(names) and names.isdisjoint(_ELEMENTS)


def _unexpanded(
    name: str, content: Node | Syntax, placeholders: Placeholders
) -> Iterator[SkippedPlace]:
    """The statements that a function would write which is not expanded."""
    body = content.member("Statement") if isinstance(content, Node) else None
    for statement in body.listed() if body else ():
        if is_unknown_text(statement, placeholders):
            why = _why_unknown(statement, placeholders)
            if why != KNOWN_LATER:
                yield _unread(f"{name}.Statement", why)
                return


def _found(
    candidate: Candidate, content: Node | Syntax, placeholders: Placeholders
) -> FoundPolicy:
    found = FoundPolicy(
        name=candidate.name,
        content=content,
        kind=candidate.place.kind,
        resource_type=candidate.place.resource_type,
        holder=candidate.holder,
    )
    if not isinstance(content, Node):
        return found
    if not placeholders.in_none_of(content):
        return found.filled(placeholders.variants(content))
    is_text = candidate.value.form is Form.STRING
    text = decoded(candidate.value.text) if is_text else None
    return replace(found, content=rooted(content), text=text)
