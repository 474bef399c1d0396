"""A Deny narrowed so that it no longer applies to requests that must be allowed, and to nothing else less.

exemption(statement, requirements, judge, contested)   →   Exemption: the statements that replace it, or why not exactly
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.document import IDENTITY_KINDS
from aws_iam.engine.repair.narrowed_deny import ExemptRequest, NarrowedDeny
from aws_iam.engine.repair.narrowest_deny import narrowest
from aws_iam.engine.repair.requirements import OF_RESOURCES, PRINCIPAL_KEY, cells_of, entries_of
from aws_iam.engine.repair.separation import of_condition
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.repair.contested import Contested
    from aws_iam.engine.repair.judge import Judge
    from aws_iam.engine.repair.requirements import Requirement


@slotted
class Exemption:
    """What replaces a Deny. `why_not` says why no exemption of exactly these requests can be written; empty if one can.

    `left` is None where no narrower Deny can be written at all; where its `beyond` has patterns, it is wider than was asked.
    """

    left: NarrowedDeny | None
    # For each requirement the condition keys that tell its requests from those that stay denied.
    kept: tuple[tuple[str, ...], ...] = ()
    # The conditions of the exempt requests beside their caller.
    condition: Mapping[str, Any] | None = None
    why_not: str = ""


def exemption(
    statement: Mapping[str, Any],
    requirements: Sequence[Requirement],
    judge: Judge,
    contested: Contested,
) -> Exemption:
    """The statement without these requests."""
    asked: list[ExemptRequest] = []
    kept: list[tuple[str, ...]] = []
    for own in requirements:
        exempt = list(_exempt(own, statement, judge, contested))
        if _is_of_one(own, judge) and not any(_tells_callers(one) for one in exempt):
            why = "cannot exempt this caller alone, who has no aws:PrincipalArn"
            return Exemption(left=None, why_not=why)
        asked += exempt
        kept.append(tuple(limit.key for one in exempt for limit in one.separator.limits))
    left = narrowest(statement, asked, judge.kind, judge.own_resources)
    why = ""
    if left is None:
        why = "cannot be replaced by a narrower one that exempts this request alone"
    elif left.beyond:
        shown = quoted(left.beyond[0])
        why = f"covers {shown}, and no pattern leaves one resource out of it"
    elif left.taken_apart and any(_is_still_denied(own, left, judge) for own in requirements):
        left = None
        why = "covers the ARN in every Region or account, and the request is to another one than its ARN says"
    return Exemption(
        left=left,
        kept=tuple((*keys, *(left.of_fields if left else ())) for keys in kept),
        condition=asked[0].separator.block() if len(asked) == 1 else None,
        why_not=why,
    )


def _is_still_denied(requirement: Requirement, left: NarrowedDeny, judge: Judge) -> bool:
    return not requirement.is_pattern and any(
        judge.applies(own, requirement) for own in left.statements
    )


def _is_of_one(requirement: Requirement, judge: Judge) -> bool:
    """Whether a statement of the policy must name the caller for whom a request was asked."""
    named = requirement.names_caller and not requirement.is_pattern
    return named and judge.kind not in IDENTITY_KINDS


def _tells_callers(exempt: ExemptRequest) -> bool:
    return bool(exempt.principal or exempt.separator.negations)


def _exempt(
    requirement: Requirement, statement: Mapping[str, Any], judge: Judge, contested: Contested
) -> Iterator[ExemptRequest]:
    principal = "" if judge.kind in IDENTITY_KINDS else requirement.principal_arn
    apart = contested.separator_in(statement, requirement)
    cells = cells_of(requirement, judge.kind)
    if isinstance(cells, tuple) and cells and judge.kind in (*IDENTITY_KINDS, *OF_RESOURCES):
        # What is asked for a service, or a source, leaves the Deny for all others.
        apart = apart.joined(of_condition(cells[0].who.get("Condition", {})))
    if principal:
        # What is left of the Deny tells callers apart already.
        apart = apart.without(PRINCIPAL_KEY)
    for action in requirement.actions:
        for resource in entries_of(requirement, judge.kind):
            yield ExemptRequest(
                action=action, resource=resource, principal=principal, separator=apart
            )
