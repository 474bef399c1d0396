"""Policies in CloudFormation and SAM templates, named by logical id and property."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import positional
from aws_iam.engine.language.json_nodes import Form, Node, rooted
from aws_iam.engine.language.kinds import Kind
from aws_iam.engine.sources.containers.anywhere import policies_in
from aws_iam.engine.sources.containers.cloudformation_spots import ORGANIZATION_KINDS, SPOTS
from aws_iam.engine.sources.containers.cloudformation_values import Resolver
from aws_iam.engine.sources.containers.found import (
    Found,
    Note,
    Spot,
    bare_policy,
    decoded,
    embedded,
    looks_encoded,
    spots_in,
)
from aws_iam.engine.sources.containers.marks import Marks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.sources.json_scan import Syntax

NAME = "CloudFormation template"
_ORGANIZATION = "AWS::Organizations::Policy"
_LATER = "known only at deployment"


def fits(root: Node) -> bool:
    """Whether the root has resources with types of CloudFormation."""
    resources = root.member("Resources") if root.form is Form.OBJECT else None
    if resources is None or resources.form is not Form.OBJECT:
        return False
    types = (member.value.member("Type") for member in resources.members)
    return bool(root.member("AWSTemplateFormatVersion")) or any(
        type_ and "::" in type_.text for type_ in types
    )


def documents(root: Node) -> Iterator[Found | Note]:
    """The policies of every resource; one with conditions is read once for each side of them."""
    marks = Marks.unused_in(root)
    resources = root.member("Resources")
    for member in resources.members if resources else ():
        if member.name.value.startswith("Fn::ForEach"):
            yield Note(name=member.name.value, why="`Fn::ForEach` is not expanded")
            continue
        yield from _of_resource(member.name.value, member.value, Resolver(root, marks))


@positional
class _Placed:
    """A value where a policy stands, and what the place says of it."""

    name: str
    spot: Spot
    value: Node


def _of_resource(logical: str, resource: Node, resolver: Resolver) -> Iterator[Found | Note]:
    first = tuple(_placed(logical, resource, resolver))
    for each in first:
        yield from _read(each, resolver.marks)
    if resolver.conditional:
        resolver.condition = False
        # What no condition touches is the same on its other side.
        known = {(each.name, each.value) for each in first}
        for each in _placed(logical, resource, resolver):
            if (each.name, each.value) not in known:
                other = replace(each, name=f"{each.name} (conditions false)")
                for found in _read(other, resolver.marks):
                    if isinstance(found, Found):
                        yield replace(found, other_side_of=each.name)
                    else:
                        yield found


def _placed(logical: str, resource: Node, resolver: Resolver) -> Iterator[_Placed]:
    type_, written = resource.member("Type"), resource.member("Properties")
    properties = resolver.value(written) if written else None
    if type_ is None or properties is None:
        return
    done: set[int] = set()
    for spot in _spots(type_.text, properties):
        for path, value, holder in spots_in(properties, spot.path):
            # Around a statement that makes a policy of its own, the holder only looks like one.
            done |= {id(value), id(holder)} if spot.bare else {id(value)}
            named = holder.member(spot.name) if spot.name else None
            name = f" ({named.text})" if named and not resolver.marks.within(named.text) else ""
            place = path.removesuffix(".PolicyDocument") if "]." in path else path
            yield _Placed(f"{logical}.{place}{name}", spot, value)
    for policy in policies_in(properties, frozenset(done)):
        if isinstance(policy.content, Node):
            spot = Spot(path="", kind=Kind.TRUST if policy.trust else None)
            yield _Placed(f"{logical}.{policy.spelled}", spot, policy.content)


def _spots(type_: str, properties: Node) -> tuple[Spot, ...]:
    if type_ != _ORGANIZATION:
        return SPOTS.get(type_, ())
    kind = properties.member("Type")
    known = ORGANIZATION_KINDS.get(kind.text) if kind else None
    skip = "" if known else f"a policy of type {kind.text if kind else 'unknown'}: no IAM policy"
    return (Spot(path="Content", kind=known, skip=skip),)


def _read(placed: _Placed, marks: Marks) -> Iterator[Found | Note]:
    value, spot = placed.value, placed.spot
    if spot.skip:
        yield Note(name=placed.name, why=spot.skip)
        return
    later = value.form is Form.STRING and marks.within(value.text)
    if spot.listed and not (later and looks_encoded(value.text)) and not value.member("Statement"):
        return  # a SAM list names templates and managed policies beside documents
    content = bare_policy(value) if spot.bare else embedded(value)
    if later and not (isinstance(content, Node) and content.form is Form.OBJECT):
        yield Note(name=placed.name, why=_LATER)
    elif content is not None:
        yield _found(placed, content, marks)


def _found(placed: _Placed, content: Node | Syntax, marks: Marks) -> Found:
    spot, text = placed.spot, None
    variants: tuple[Node, ...] = ()
    places: frozenset[str] = frozenset()
    if isinstance(content, Node):
        if marks.known(content):
            content = rooted(content)
            text = decoded(placed.value.text) if placed.value.form is Form.STRING else None
        else:
            variants, places = marks.variants(content)
            content = variants[0]
    return Found(
        name=placed.name,
        content=content,
        kind=spot.kind,
        resource_type=spot.resource_type,
        text=text,
        variants=variants[1:],
        unresolved=places,
    )
