"""The kind of policy that the caller names, or that a place or a file name tells, and the policies read with it."""

from __future__ import annotations

import posixpath
from dataclasses import field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import (
    IDENTITY_KINDS,
    Kind,
    Policy,
    Source,
    Syntax,
    policy_of,
)
from aws_iam.engine.parsing.json_nodes import Node
from aws_iam.engine.reference.attachment_types import (
    KMS_KEY,
    TRUST,
    attachment_type_named,
    attachment_types,
)
from aws_iam.engine.sources.containers.other_files import OtherFiles
from aws_iam.engine.sources.containers.placeholders import has_function
from aws_iam.engine.sources.file_names import suggested_by
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_iam.engine.sources.containers.placeholders import Placeholders
    from aws_iam.engine.sources.containers.policy_places import FoundPolicy


@slotted
class Requested:
    """The kind and resource type that the caller names; a place in a larger file overrides them."""

    kind: Kind | None
    resource_type: str | None
    # What the name of the file or of its folder suggests.
    likely: Kind | None = None
    likely_type: str | None = None
    placeholders: Placeholders | None = None
    """Those that stand for what a template of the whole file fills in."""
    read: Callable[[str], str | None] | None = field(default=None, compare=False)
    """Returns the text of another file of the same folder."""
    file: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    """The values of parameters and options to read files with, in place of their defaults."""

    def of_file(self, name: str) -> Requested:
        """The same for a file of this name."""
        kind, resource_type = suggested_by(name)
        return replace(self, likely=kind, likely_type=resource_type, file=name)

    @property
    def others(self) -> OtherFiles:
        """The files beside the file."""
        return OtherFiles(posixpath.dirname(self.file.replace("\\", "/")), self.read)

    def policy(self, node: Node, text: str | None, found: FoundPolicy | None = None) -> Policy:
        """The policy in a node."""
        kind = self.kind
        if found and found.kind and not (found.kind is Kind.IDENTITY and kind in IDENTITY_KINDS):
            kind = found.kind
        policy = policy_of(node, kind, text, self.likely)
        type_ = found.resource_type if found else None
        is_whole_file = found is None or not found.name
        if kind is None and is_whole_file and policy.kind is Kind.RESOURCE:
            fits = _is_of_kms if self.likely_type == KMS_KEY else _may_be_of_endpoint
            type_ = self.likely_type if fits(policy) else None
        # A type without known facts adds nothing to the kind.
        type_ = type_ if type_ in attachment_types() else self.resource_type
        return replace(policy, resource_type=type_) if type_ else policy


def _may_be_of_endpoint(policy: Policy) -> bool:
    """Whether it may be the policy of an endpoint, which need not tell endpoints or networks of named resources apart."""
    return not any(
        statement.conditions_on("aws:sourcevpce", "aws:sourcevpc", "aws:vpcsourceip")
        for statement in policy.statements
    ) or any("*" in statement.resource_words for statement in policy.statements)


def _is_of_kms(policy: Policy) -> bool:
    """Whether the policy names actions of KMS alone: a name with `key-policy` in it may speak of other keys."""
    words = [word for own in policy.statements for word in own.action_words]
    return bool(words) and all(word.lower().startswith("kms:") for word in words)


@lru_cache(maxsize=64)
def requested(kind: Kind | None, resource_type: str | None) -> Requested:
    """The kind and the resource type; a resource type implies the kind."""
    if not resource_type:
        return Requested(kind=kind, resource_type=None)
    name = attachment_type_named(resource_type).name
    implied = Kind.TRUST if name == TRUST else Kind.RESOURCE
    if kind not in {None, implied}:
        raise InputError(
            f"a policy attached to {quoted(resource_type)} has the kind `{implied}`, not `{kind}`",
            hint="leave out `kind` or `resource_type`",
        )
    return Requested(kind=implied, resource_type=name)


def source_of(found: FoundPolicy, requested: Requested, file: str | None) -> Source:
    """The policy of a place in a larger file."""
    from aws_iam.engine.sources.containers.template_variants import template_variants

    content = found.content
    if isinstance(content, Node) and not found.variants:
        filled = template_variants(content, requested.placeholders)
        if filled.nodes:
            content = filled.nodes[0]
            found = found.filled(filled)
    source = Source(
        name=found.name,
        content=content
        if isinstance(content, Syntax)
        else requested.policy(content, found.text, found),
        file=file,
        variants=tuple(requested.policy(variant, None, found) for variant in found.variants),
        unresolved=found.unresolved,
        written=found.written,
        other_side_of=found.other_side_of,
        holder=found.holder,
        alternatives=found.alternatives,
        root=found.root,
        cases=found.cases,
    )
    roots = tuple(_in_root(own, found, source, requested) for own in found.roots)
    return replace(source, roots=roots) if roots else source


def _in_root(own: FoundPolicy, found: FoundPolicy, source: Source, requested: Requested) -> Source:
    """The policy in a root folder: the same one, unless its values stand elsewhere."""
    if own.content is not found.content:
        return source_of(own, requested, source.file)
    return replace(
        source,
        name=own.name,
        other_side_of=own.other_side_of,
        holder=own.holder,
        alternatives=own.alternatives,
        root=own.root,
        cases=own.cases,
    )


def with_functions_filled(source: Source) -> Source:
    """A policy outside any template, with values for the functions of CloudFormation in it; any other as it is."""
    policy = source.content
    if not isinstance(policy, Policy) or source.unresolved or not _has_function(policy):
        return source
    # Imported here: policies as AWS has them hold no functions.
    from aws_iam.engine.sources.containers.template_variants import function_variants

    found = function_variants(policy.node)
    if not found.nodes:
        return source
    kind, likely = (None, policy.kind) if policy.kind_guessed else (policy.kind, None)
    filled = (
        replace(policy_of(node, kind, None, likely), resource_type=policy.resource_type)
        for node in found.nodes
    )
    content, *variants = filled
    return replace(
        source,
        content=content,
        variants=tuple(variants),
        unresolved=found.places,
        written=found.written,
    )


def _has_function(policy: Policy) -> bool:
    text = policy.text
    return (text is None or any(map(text.__contains__, _SIGNS))) and has_function(policy.node)


# `!Sub` is YAML's short form of Fn::Sub, and any name may be written with escapes.
_SIGNS = ("Fn::", "Ref", "\\u", "!")
