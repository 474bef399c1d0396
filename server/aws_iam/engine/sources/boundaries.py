"""Managed policies of templates and Terraform files that only limit: permissions boundaries, which grant nothing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Kind, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.containers.attachments import PolicyAttachment

_MANAGED = frozenset({"AWS::IAM::ManagedPolicy", "aws_iam_policy"})
# The end of a logical id, a label or the name of a policy, before indexes and the place of the document.
_CALLED_SO = re.compile(
    r"boundary(?:[-_]?policy)?(?:\[[^\]]*\])?(?:\.\w+)?(?: \(|\)?$)", re.IGNORECASE
)


def with_boundaries(
    sources: Sequence[Source], attachments: Iterable[PolicyAttachment]
) -> tuple[Source, ...]:
    """The policies, where those are boundaries that nothing attaches to anybody and that are used or called so."""
    limiting: set[str] = set()
    granting: set[str] = set()
    for own in attachments:
        (limiting if own.is_boundary else granting).add(own.document)
    return tuple(
        _as_boundary(source)
        if source.holder.type in _MANAGED
        and not source.holder.attached_to
        and (source.other_side_of or source.name) not in granting
        and (source.name in limiting or _CALLED_SO.search(source.name))
        else source
        for source in sources
    )


def _as_boundary(source: Source) -> Source:
    content = source.content
    if not isinstance(content, Policy) or content.kind is not Kind.IDENTITY:
        return source
    variants = (replace(variant, kind=Kind.BOUNDARY) for variant in source.variants)
    return replace(source, content=replace(content, kind=Kind.BOUNDARY), variants=tuple(variants))
