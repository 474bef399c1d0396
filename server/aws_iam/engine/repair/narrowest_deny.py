"""The shortest of the narrow forms of a Deny: by NotAction on the exempt resources, where that denies nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.permissive_policies import allow_all
from aws_iam.engine.language.document import Kind
from aws_iam.engine.repair.judge import Judge, elsewhere
from aws_iam.engine.repair.narrowed_deny import ExemptRequest, NarrowedDeny, narrowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_VERSION = "2012-10-17"
_READ = ("Action", "NotAction", "Resource", "NotResource")


def narrowest(
    statement: Mapping[str, Any],
    exempt: Sequence[ExemptRequest],
    kind: Kind,
    own_resources: Sequence[str] = (),
) -> NarrowedDeny | None:
    """The statements that replace the Deny, in few entries where they then deny nothing else; None as in `narrowed`."""
    short = narrowed(statement, exempt, own_resources, is_short=True)
    if short is None or not short.by_not_action:
        return short
    # An RCP has no NotAction.
    is_exact = kind is not Kind.RCP and all(
        _is_exact(statement, [one for one in exempt if one.principal in ("", arn)], own_resources)
        for arn in {one.principal for one in exempt}
    )
    return short if is_exact else narrowed(statement, exempt, own_resources)


def _is_exact(
    statement: Mapping[str, Any],
    exempt: Sequence[ExemptRequest],
    own_resources: Sequence[str],
) -> bool:
    """Whether the short form denies no other action on any resource."""
    deny = {"Effect": "Deny", **{name: own for name, own in statement.items() if name in _READ}}
    everyone = [ExemptRequest(action=one.action, resource=one.resource) for one in exempt]
    left = narrowed(deny, everyone, own_resources, is_short=True)
    return left is not None and not _denies_more(left.statements, deny, own_resources)


def _denies_more(
    statements: Iterable[Mapping[str, Any]],
    deny: Mapping[str, Any],
    own_resources: Sequence[str],
) -> bool:
    """Whether Deny statements may deny an action on a resource that another one does not, whoever calls."""
    judge = Judge(kind=Kind.IDENTITY, version=_VERSION)
    around = (allow_all(), judge.policy((elsewhere(own_resources),)))
    old, new = judge.policy((deny,)), judge.policy(statements)
    return not judge.one_way((old, *around), without=(new, *around)).is_none
