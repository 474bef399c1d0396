"""The smallest change that allows a denied evaluation of AWS's record, proved on the captured policies.

`remedy` finds it; here it is applied to all evaluations: the denied one is allowed afterwards, every other one as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.denied.policy_documents import PolicyDocument, PolicyDocuments
from aws_iam.engine.denied.remedy import remedy
from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.denied.authorization.compared_record import (
        EvaluationComparison,
        RecordComparison,
    )
    from aws_iam.engine.denied.remedy import Change, Remedy


@slotted
class CapturedRemedy:
    """A remedy, and the evaluations whose decision by the captured policies it changes besides the denied one."""

    remedy: Remedy
    unchanged: int
    changed: tuple[EvaluationComparison, ...]


def captured_remedy(
    compared: RecordComparison, row: EvaluationComparison, named: str
) -> CapturedRemedy | None:
    """The change for one denied evaluation; `named` is the layer that denied. None where the request cannot be decided."""
    if row.request is None:
        return None
    found = remedy(
        dict(row.request),
        row.policies.documents(),
        named=named,
        explicit=row.evaluation.effect == "EXPLICIT_DENY",
    )
    others = [other for other in compared.evaluations if other is not row and other.request]
    changed = tuple(
        other for other in others if _outcome_after(other, row, found) != other.alone.outcome
    )
    return CapturedRemedy(remedy=found, unchanged=len(others) - len(changed), changed=changed)


def _outcome_after(other: EvaluationComparison, row: EvaluationComparison, found: Remedy) -> str:
    """The decision of another evaluation with the changed documents in place of the captured ones."""
    documents = other.policies.documents(_replaced(row, found))
    for change in found.changes:
        if _is_new(row, change):
            documents = _with_new(documents, other, row, change)
    request: Any = dict(other.request or {})
    return evaluate_request(request_of(request), documents.layers).decision.outcome


def _replaced(
    row: EvaluationComparison, found: Remedy
) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """The changed documents by layer and URI."""
    return {
        (
            change.layer,
            row.policies.places[change.layer][change.spot.level][change.spot.number].uri,
        ): change.after
        for change in found.changes
        if not _is_new(row, change)
    }


def _is_new(row: EvaluationComparison, change: Change) -> bool:
    levels = row.policies.places.get(change.layer, ((),))
    return change.spot.number >= len(levels[change.spot.level])


def _with_new(
    documents: PolicyDocuments,
    other: EvaluationComparison,
    row: EvaluationComparison,
    change: Change,
) -> PolicyDocuments:
    """The documents of another evaluation with a new document, if that is about it too."""
    same_resource = other.evaluation.resource == row.evaluation.resource
    if change.layer == "resource" and not same_resource:
        return documents
    target = (row.policies.targets.get(change.layer) or ("",))[change.spot.level]
    targets = other.policies.targets.get(change.layer, ("",))
    if target not in targets:
        return documents
    levels = list(documents.levels.get(change.layer, ((),) * len(targets)))
    number = targets.index(target)
    levels[number] = (*levels[number], PolicyDocument(document=change.after))
    return PolicyDocuments(levels={**documents.levels, change.layer: tuple(levels)})
