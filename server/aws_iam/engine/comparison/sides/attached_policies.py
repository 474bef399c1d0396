"""Policies that larger files attach by ARN or by reference, as policies of what they are attached to.

attached_policies(mine, theirs, sources)   →   (Source(name="Role.ManagedPolicyArns (ReadOnlyAccess)", …), …)
newly_attached(sources, others)            →   (Source(name="Policy.PolicyDocument of Admin", …), …)
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import NO_HOLDER, Holder, Kind, Policy
from aws_iam.engine.sources.gather import sources_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.containers.attachments import PolicyAttachment


def attached_policies(
    mine: Collection[PolicyAttachment],
    theirs: Collection[PolicyAttachment],
    sources: Sequence[Source],
) -> Iterator[Source]:
    """The AWS managed policies that one side attaches, and of its own policies those that only this side attaches.

    A policy of its own that both sides attach is compared as itself. A boundary that replaces another one has the same
    name on both sides.
    """
    documents = {source.name: source for source in sources}
    elsewhere = {own.identity for own in theirs}
    # The same one may be attached many times.
    parsed: dict[str, Source] = {}
    replaced = {own.place for own in theirs if own.is_boundary and own.is_known}
    for own in mine:
        if own.is_boundary and own.place not in replaced:
            continue
        managed = own.managed
        is_kept = own.identity in elsewhere
        if managed and not (own.is_boundary and is_kept):
            if managed.arn not in parsed:
                # As a value it has no lines, which would not be those of the file.
                (parsed[managed.arn],) = sources_of(json.loads(managed.document), Kind.IDENTITY)
            source = parsed[managed.arn]
        elif own.document in documents and not is_kept:
            source = documents[own.document]
        else:
            continue
        # A statement of AWS stands nowhere in the file.
        file = None if managed else own.file
        holder = Holder(attached_to=(own.target,)) if own.target else NO_HOLDER
        source = replace(source, name=own.name, file=file, holder=holder, cases=own.cases)
        yield _as_boundary(source, own.place) if own.is_boundary else source


def _as_boundary(source: Source, place: str) -> Source:
    content = source.content
    if isinstance(content, Policy):
        content = replace(content, kind=Kind.BOUNDARY)
    return replace(source, name=place, content=content)


def newly_attached(sources: Sequence[Source], others: Sequence[Source]) -> Iterator[Source]:
    """The policies of both sides, for each principal that only one side attaches them to."""
    elsewhere = {source.name: source.holder.attached_to for source in others}
    for source in sources:
        for target in source.holder.attached_to if source.name in elsewhere else ():
            if target not in elsewhere[source.name]:
                yield replace(
                    source, name=f"{source.name} of {target}", holder=Holder(attached_to=(target,))
                )
