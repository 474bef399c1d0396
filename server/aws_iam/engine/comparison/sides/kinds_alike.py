"""Policies of which only the content says what they are, read as the same kind on both sides, and as SCPs where they limit the root user.

with_kinds_alike(new, old)   →   both sides, `Deny … aws:PrincipalArn …:root` as a service control policy
may_limit_root(policy)       →   whether the policy limits a root user, if it is a service control policy
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import Kind, Policy, may_be_scp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide, Sides
    from aws_iam.engine.language.document import Source, Statement

_ARN, _TYPE = "aws:principalarn", "aws:principaltype"
_ROOT = ":root"


def may_limit_root(policy: Policy) -> bool:
    """Whether it may be a service control policy that tells the root user, whom no identity policy limits, from others."""
    if policy.kind is Kind.SCP:
        return True
    return (
        policy.kind is Kind.IDENTITY
        and policy.kind_guessed
        and (any(map(_asks_for_root, policy.statements)) or may_be_scp(policy))
    )


def with_kinds_alike(new: NamedSide, old: NamedSide) -> tuple[NamedSide, NamedSide]:
    """Both sides with policies as SCPs that read like one, where what one version says shows that they are.

    A removed statement would else make another kind of policy of the same file.
    """
    if len(new.sources) == len(old.sources) == 1:
        pairs = {
            own.name: (new.sources[0], old.sources[0]) for own in (*new.sources, *old.sources)
        }
        return _as_scps(new, pairs), _as_scps(old, pairs)
    mine, theirs = ({own.name: own for own in side.sources} for side in (new, old))
    found = {
        name: tuple(own for own in (mine.get(name), theirs.get(name)) if own)
        for name in {**mine, **theirs}
    }
    return _as_scps(new, found), _as_scps(old, found)


def _as_scps(side: NamedSide, versions: Mapping[str, tuple[Source, ...]]) -> NamedSide:
    found = {own.name for own in side.sources if _are_scps(versions.get(own.name, (own,)))}
    if not found:
        return side
    sources = tuple(_as(Kind.SCP, own) if own.name in found else own for own in side.sources)
    return replace(side, sources=sources)


def _as(kind: Kind, source: Source) -> Source:
    content = source.content
    if not isinstance(content, Policy) or content.kind is kind:
        return source
    variants = tuple(replace(own, kind=kind) for own in source.variants)
    return replace(source, content=replace(content, kind=kind), variants=variants)


def _are_scps(versions: tuple[Source, ...]) -> bool:
    contents = [own.content for own in versions]
    policies = [own for own in contents if isinstance(own, Policy) and own.statements]
    return all(own.kind is Kind.SCP or may_be_scp(own) for own in policies) and any(
        own.kind is Kind.SCP or any(map(_asks_for_root, own.statements)) for own in policies
    )


def _asks_for_root(statement: Statement) -> bool:
    """Whether a Deny depends on whether the root user calls, whatever its operator makes of that."""
    return statement.denies and any(
        condition.name == _TYPE
        or (condition.name == _ARN and any(own.value.endswith(_ROOT) for own in condition.values))
        for condition in statement.conditions
    )


def with_boundaries_alike(sides: Sides) -> Sides:
    """The sides with managed policies as boundaries that are only that on one of them, and attached to nobody on the other."""
    granting = {
        own.document
        for side in (sides.new, sides.old)
        for own in side.attachments
        if not own.is_boundary
    }
    limiting = {
        own.name
        for own in (*sides.document, *sides.baseline)
        if isinstance(own.content, Policy) and own.content.kind is Kind.BOUNDARY
    } - granting
    if not limiting:
        return sides

    def alike(sources: Iterable[Source]) -> tuple[Source, ...]:
        return tuple(_as(Kind.BOUNDARY, own) if own.name in limiting else own for own in sources)

    return replace(
        sides,
        new=replace(sides.new, sources=alike(sides.new.sources)),
        old=replace(sides.old, sources=alike(sides.old.sources)),
        document=alike(sides.document),
        baseline=alike(sides.baseline),
    )
