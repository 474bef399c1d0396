"""The policies that grant what was found to be needed: a repair of the empty policy, in parts within IAM's quotas.

    needs or events ─▶ grants ─▶ requirements ─▶ statements of the empty policy ─▶ documents to attach together

Which actions and resources are granted, and under which conditions, is decided before; how they are written is decided here, as
for any other policy that is repaired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_iam.engine.language.document import Kind
from aws_iam.engine.reference.policy_quotas import MANAGED, MOST_ATTACHED, size
from aws_iam.engine.repair.additions import add_statements
from aws_iam.engine.repair.draft import EMPTY, Draft
from aws_iam.engine.repair.requirements import Cell, Effect, Requirement, bare, listed
from aws_iam.engine.repair.statement_ids import sids
from aws_iam.engine.shrink.splitting import packed
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.generation.action_grants import ActionGrant
    from aws_iam.engine.generation.condition_limits import ConditionLimits
    from aws_iam.engine.repair.draft import Document

    Statement = Mapping[str, Any]

ROOMY: Final = 5_500
"""How full a policy gets while there are enough of them, to leave room for changes."""
# Characters of a policy around its statements, and of the longest Sid.
_AROUND = 40
_SID = 70


def granting(grants: Iterable[ActionGrant], limits: ConditionLimits) -> tuple[Document, ...]:
    """The fewest managed policies that grant this and nothing else; InputError beyond what can be attached."""
    draft = Draft.of(EMPTY)
    cells = [
        Cell(action=action, resource=resource, who=own.elements or {}, requirement=own)
        for own in requirements_of(grants, limits)
        for action in own.actions
        for resource in own.resources
    ]
    # There is no statement to widen first.
    add_statements(draft, Effect.ALLOW, cells, Kind.IDENTITY)
    return tuple({**EMPTY, "Statement": part} for part in within_quotas(draft.statements))


def requirements_of(
    grants: Iterable[ActionGrant], limits: ConditionLimits
) -> Iterator[Requirement]:
    """What a policy has to allow, grant by grant."""
    conditions: dict[tuple[int, ...], dict[str, Any]] = {(): {}}
    for own in grants:
        if own.limits not in conditions:
            conditions[own.limits] = {"Condition": limits.block(own.limits)}
        yield Requirement.pattern(own.action, own.resource, conditions[own.limits])


def within_quotas(statements: Sequence[Statement]) -> tuple[list[Statement], ...]:
    """The Allow statements in as few managed policies as the quota allows; InputError beyond ten."""
    parts = _named([part for own in statements for part in _parts(own)])
    lengths = [size(own) + 1 for own in parts]
    numbered = packed(lengths, ROOMY - _AROUND)
    if len(numbered) > MOST_ATTACHED:
        numbered = packed(lengths, MANAGED - _AROUND)
    if len(numbered) > MOST_ATTACHED:
        raise InputError(
            f"the policy would have {sum(lengths):,} characters: {len(numbered)} managed policies of {MANAGED:,}, "
            f"but only {MOST_ATTACHED} can be attached",
            hint="use ARN patterns such as arn:aws:s3:::reports-*, fewer access levels, or several calls",
        )
    return tuple([parts[number] for number in numbers] for numbers in numbered)


def _named(parts: Sequence[Statement]) -> list[Statement]:
    """The statements with distinct Sids, which parts of one statement do not have."""
    names = sids([(listed(own["Action"]), listed(own["Resource"])) for own in parts])
    return [{**own, "Sid": name} for own, name in zip(parts, names, strict=True)]


def _parts(statement: Statement) -> Iterator[Statement]:
    """The statement, or parts of it that each fit into a policy."""
    length = size({**statement, "Sid": ""}) + _AROUND + _SID
    actions, resources = listed(statement["Action"]), listed(statement["Resource"])
    if length <= ROOMY or (length <= MANAGED and len(actions) == len(resources) == 1):
        yield statement
        return
    if len(actions) == len(resources) == 1:
        raise InputError(
            f"`{actions[0]}` on one resource alone needs more than the {MANAGED:,} characters of a managed policy",
            hint="shorten `conditions`, or the ARN",
        )
    number = -(-length // ROOMY)
    longer = sum(map(len, actions)) >= sum(map(len, resources))
    if len(actions) > 1 and (longer or len(resources) == 1):
        name, entries = "Action", actions
    else:
        name, entries = "Resource", resources
    for cut in _cut(entries, number):
        yield from _parts({**statement, name: bare(cut)})


def _cut(texts: Sequence[str], number: int) -> Iterator[Sequence[str]]:
    """The list in about equal parts."""
    step = max(1, -(-len(texts) // number))
    return (texts[at : at + step] for at in range(0, len(texts), step))
