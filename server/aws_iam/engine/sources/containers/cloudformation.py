"""Policies in CloudFormation and SAM templates, named by logical id and property."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Holder, Kind
from aws_iam.engine.language.frozen import positional
from aws_iam.engine.parsing.json_nodes import Form, Node, rooted
from aws_iam.engine.sources.containers import cloudformation_return_values as return_values
from aws_iam.engine.sources.containers.access_settings import (
    AccessSetting,
    access_settings,
    attached_to_paths,
    setting_rows,
    subject_named,
)
from aws_iam.engine.sources.containers.attachments import (
    PolicyAttachment,
    attachment_rows,
    attachments,
)
from aws_iam.engine.sources.containers.cloudformation_conditions import Conditions, conditions_in
from aws_iam.engine.sources.containers.cloudformation_values import Resolver
from aws_iam.engine.sources.containers.embedded_documents import (
    bare_policy,
    decoded,
    embedded,
    looks_encoded,
)
from aws_iam.engine.sources.containers.generic_data import policies_in
from aws_iam.engine.sources.containers.placeholders import Placeholders
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

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from aws_iam.engine.parsing.json_text import Syntax

    _Found = FoundPolicy | SkippedPlace | PolicyAttachment | FoundResource | AccessSetting

NAME = "CloudFormation template"
_DATA = "cloudformation-resources.json"
_FORMAT = "cloudformation"
_ORGANIZATION = "AWS::Organizations::Policy"
_MANAGED = "AWS::IAM::ManagedPolicy"
_KEY = "AWS::KMS::Key"
_KNOWN_LATER = "known only at deployment"


def fits(root: Node) -> bool:
    """Whether the root has resources with CloudFormation types."""
    resources = root.member("Resources") if root.form is Form.OBJECT else None
    if resources is None or resources.form is not Form.OBJECT:
        return False
    types = (member.value.member("Type") for member in resources.members)
    return bool(root.member("AWSTemplateFormatVersion")) or any(
        type_ and "::" in type_.text for type_ in types
    )


def documents(root: Node) -> Iterator[_Found]:
    """The policies of every resource; a resource with conditions is read once with all true, once with all false."""
    yield from documents_with(root, Placeholders.unused_in(root))


def documents_with(root: Node, placeholders: Placeholders) -> Iterator[_Found]:
    """The same for a template in which placeholders already stand for what is not known."""
    resources = root.member("Resources")
    managed = _managed_policies(root, placeholders)
    # All keys get the same made-up id.
    named = _logical_ids(root, return_values.return_values().keys() - {_KEY})
    conditions = Conditions.of(root)
    for member in resources.members if resources else ():
        logical_id = member.name.value
        if logical_id.startswith("Fn::ForEach"):
            yield SkippedPlace(name=logical_id, why="`Fn::ForEach` is not expanded")
            continue
        resolver = Resolver(root, placeholders, named=named)
        yield FoundResource(name=logical_id)
        for own in _conditions(logical_id, member.value, resolver, conditions):
            yield replace(own, value=placeholders.as_variables(own.value))
        for found in _in_resource(logical_id, member.value, resolver):
            yield _of_template(found, managed) if isinstance(found, PolicyAttachment) else found


def _of_template(attached: PolicyAttachment, managed: Mapping[str, str]) -> PolicyAttachment:
    """The attachment, with the document if it is of a policy of the template."""
    own = managed.get(attached.policy)
    return replace(attached, policy=own, document=f"{own}.PolicyDocument") if own else attached


def _managed_policies(root: Node, placeholders: Placeholders) -> Mapping[str, str]:
    """The logical ids of the template's own managed policies, by what their ARNs are taken for."""
    found = _logical_ids(root, {_MANAGED})
    names = {}
    for logical_id, resource in _resources(root, {_MANAGED}):
        written = resource.member("Properties")
        name = written.member("ManagedPolicyName") if written else None
        known = Resolver(root, placeholders).value(name) if name else None
        if known and known.text:
            names[return_values.policy_arn(known.text)] = logical_id
    return {**names, **found}


def _logical_ids(root: Node, types: Container[str]) -> dict[str, str]:
    """The logical ids of the resources of some types, by what `Ref` returns for them."""
    resources = ((id_, resource.member("Type")) for id_, resource in _resources(root, types))
    refs = ((return_values.ref(type_.text, id_), id_) for id_, type_ in resources if type_)
    return {name: id_ for name, id_ in refs if name}


def _resources(root: Node, types: Container[str]) -> Iterator[tuple[str, Node]]:
    resources = root.member("Resources")
    for member in resources.members if resources else ():
        type_ = member.value.member("Type")
        if type_ and type_.text in types:
            yield member.name.value, member.value


@positional
class _Candidate:
    """A value at a place for policies, of a resource that attaches it to principals."""

    name: str
    place: PolicyPlace
    value: Node
    holder: Holder


def _in_resource(logical_id: str, resource: Node, resolver: Resolver) -> Iterator[_Found]:
    candidates = tuple(_candidates(logical_id, resource, resolver))
    attached = dict.fromkeys(_beside_policies(logical_id, resource, resolver))
    for candidate in candidates:
        yield from _read_candidate(candidate, resolver.placeholders)
    if resolver.conditional:
        resolver.condition = False
        # What depends on no condition comes out the same again.
        known = {(candidate.name, candidate.value) for candidate in candidates}
        attached |= dict.fromkeys(_beside_policies(logical_id, resource, resolver))
        for candidate in _candidates(logical_id, resource, resolver):
            if (candidate.name, candidate.value) not in known:
                other = replace(candidate, name=f"{candidate.name} (conditions false)")
                for found in _read_candidate(other, resolver.placeholders):
                    if isinstance(found, FoundPolicy):
                        yield replace(found, other_side_of=candidate.name)
                    else:
                        yield found
    yield from attached


def _beside_policies(
    logical_id: str, resource: Node, resolver: Resolver
) -> Iterator[PolicyAttachment | AccessSetting]:
    """The attached policies of a resource, and its settings."""
    type_, written = resource.member("Type"), resource.member("Properties")
    if type_ is None or not (
        attachment_rows(_DATA, type_.text) or setting_rows(_FORMAT, type_.text)
    ):
        return
    properties = resolver.value(written) if written else None
    if properties:
        shown = resolver.placeholders.as_variables
        yield from attachments(_DATA, type_.text, properties, logical_id, shown)
        for own in access_settings(_FORMAT, type_.text, properties, logical_id):
            yield replace(own, value=shown(own.value))


def _conditions(
    logical_id: str, resource: Node, resolver: Resolver, conditions: Conditions
) -> Iterator[AccessSetting]:
    """Whether a resource with policies or settings exists, and what decides about parts of these."""
    type_, existence = resource.member("Type"), resource.member("Condition")
    decisive = _decisive_properties(type_.text) if type_ else ()
    if not decisive:
        return
    own = AccessSetting(
        holder=logical_id,
        place=f"{logical_id}.Condition",
        subject=subject_named("condition"),
        value=conditions.text(existence.text, resolver.value) if existence else "",
    )
    if existence:
        yield own
    written = resource.member("Properties")
    for member in written.members if written else ():
        if member.key in decisive or "" in decisive:
            texts = sorted(
                f"{path} {conditions.text(name, resolver.value)}"
                for path, name in conditions_in(member.value)
            )
            place = f"{logical_id}.{member.key} (Fn::If)"
            if texts:
                yield replace(own, place=place, value="; ".join(texts))


@cache
def _decisive_properties(type_: str) -> frozenset[str]:
    """The properties of a type that hold policies, attached ones or settings; an empty name for all of them."""
    paths = [
        *(place.path for place in places_by_type(_DATA).get(type_, ())),
        *(row.path for row in attachment_rows(_DATA, type_)),
        *(path for row in setting_rows(_FORMAT, type_) for path in row.paths or (row.path,)),
        *attached_to_paths(type_),
        *(("Content",) if type_ == _ORGANIZATION else ()),
    ]
    return frozenset(path.partition(".")[0].rstrip("[]") for path in paths)


def _candidates(logical_id: str, resource: Node, resolver: Resolver) -> Iterator[_Candidate]:
    type_, written = resource.member("Type"), resource.member("Properties")
    properties = resolver.value(written) if written else None
    if type_ is None or properties is None:
        return
    done: set[int] = set()
    for place in _places(type_.text, properties):
        for path, value, holder in values_at(properties, place.path):
            # The holder of a bare statement looks like a policy itself.
            done |= {id(value), id(holder)} if place.bare else {id(value)}
            named = holder.member(place.name) if place.name else None
            known = named and not resolver.placeholders.within(named.text)
            name = f" ({named.text})" if named and known else ""
            shown = path.removesuffix(".PolicyDocument") if "]." in path else path
            targets = (*place.targets, *attached_to_paths(type_.text))
            attached_to = tuple(map(resolver.shown, texts_at(properties, targets)))
            own = Holder(name=logical_id, type=type_.text, attached_to=attached_to)
            yield _Candidate(f"{logical_id}.{shown}{name}", place, value, own)
    other = Holder(name=logical_id, type=type_.text)
    for policy in policies_in(properties, frozenset(done)):
        if isinstance(policy.content, Node):
            place = PolicyPlace(path="", kind=Kind.TRUST if policy.is_trust else None)
            name = f"{logical_id}.{policy.dotted_path}"
            yield _Candidate(name, place, policy.content, other)


def _places(type_: str, properties: Node) -> tuple[PolicyPlace, ...]:
    if type_ != _ORGANIZATION:
        return places_by_type(_DATA).get(type_, ())
    policy_type = properties.member("Type")
    return (organization_place("Content", policy_type.text if policy_type else "unknown"),)


def _read_candidate(
    candidate: _Candidate, placeholders: Placeholders
) -> Iterator[FoundPolicy | SkippedPlace]:
    value, place = candidate.value, candidate.place
    if place.skip:
        yield SkippedPlace(name=candidate.name, why=place.skip)
        return
    later = value.form is Form.STRING and placeholders.within(value.text)
    is_document = value.member("Statement") or (later and looks_encoded(value.text))
    if place.listed and not is_document:
        return  # the name of a managed policy or a SAM policy template
    content = bare_policy(value) if place.bare else embedded(value)
    if later and not (isinstance(content, Node) and content.form is Form.OBJECT):
        yield SkippedPlace(name=candidate.name, why=_KNOWN_LATER)
    elif content is not None:
        yield _found(candidate, content, placeholders)


def _found(
    candidate: _Candidate, content: Node | Syntax, placeholders: Placeholders
) -> FoundPolicy:
    text = None
    variants: tuple[Node, ...] = ()
    unresolved: frozenset[str] = frozenset()
    if isinstance(content, Node):
        if placeholders.in_none_of(content):
            content = rooted(content)
            is_text = candidate.value.form is Form.STRING
            text = decoded(candidate.value.text) if is_text else None
        else:
            variants, unresolved = placeholders.variants(content)
            content = variants[0]
    return FoundPolicy(
        name=candidate.name,
        content=content,
        kind=candidate.place.kind,
        resource_type=candidate.place.resource_type,
        text=text,
        variants=variants[1:],
        unresolved=unresolved,
        holder=candidate.holder,
    )
