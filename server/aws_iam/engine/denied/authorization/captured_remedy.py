"""The smallest change that allows a denied evaluation of AWS's record, proved on the captured policies.

`remedy` finds it; here it is applied to all evaluations: the denied one is allowed afterwards, every other one as before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.denied.policy_documents import PolicyDocument, PolicyDocuments
from aws_iam.engine.denied.remedy import remedy
from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.repair.grant_statement import account_statement
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.engine.denied.authorization.compared_check import CheckComparison
    from aws_iam.engine.denied.authorization.compared_record import (
        EvaluationComparison,
        RecordComparison,
    )
    from aws_iam.engine.denied.change import Change
    from aws_iam.engine.denied.remedy import Remedy
    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.engine.evaluation.request import Request


@slotted
class CapturedRemedy:
    """A remedy, and the evaluations whose decision by the captured policies it changes besides the denied one."""

    remedy: Remedy
    # What is taken from AWS's word because the record does not have it.
    assumed: tuple[str, ...]
    unchanged: int
    changed: tuple[EvaluationComparison, ...]


def captured_remedy(
    compared: RecordComparison, row: EvaluationComparison, named: str
) -> CapturedRemedy | None:
    """The change for one denied evaluation; `named` is the layer that denied. None where the request cannot be decided."""
    if row.request is None:
        return None
    trusted = [
        check for check in row.checks if check.agrees is None and check.check.effect == "ALLOW"
    ]
    found = remedy(
        dict(row.request),
        _with_trusted(row, trusted),
        named=named,
        explicit=row.evaluation.effect == "EXPLICIT_DENY",
    )
    others = [other for other in compared.evaluations if other is not row and other.request]
    known: dict[tuple[object, ...], Layers] = {}
    changed = tuple(
        other
        for other in others
        if _outcome_after(other, row, found, known) != other.alone.outcome
    )
    return CapturedRemedy(
        remedy=found,
        assumed=tuple(f"AWS says ALLOW for {check.name}" for check in trusted),
        unchanged=len(others) - len(changed),
        changed=changed,
    )


def _with_trusted(row: EvaluationComparison, checks: Sequence[CheckComparison]) -> PolicyDocuments:
    """The captured documents, and an Allow where AWS says that a check allows by what was not captured."""
    documents = row.policies.documents()
    levels = dict(documents.levels)
    request = request_of(dict(row.request or {}))
    for check in checks:
        layer = check.check.layer
        targets = row.policies.targets.get(layer, ("",))
        rows = list(levels.get(layer, ((),) * len(targets)))
        number = targets.index(check.check.target) if check.check.target in targets else 0
        statement = _allow(layer, request)
        if layer and statement:
            document = {"Version": "2012-10-17", "Statement": [statement]}
            rows[number] = (*rows[number], PolicyDocument(document=document))
            levels[layer] = tuple(rows)
    return replace(documents, levels=levels)


def _allow(layer: str, request: Request) -> Mapping[str, Any] | None:
    if layer == "resource":
        # By naming the account alone: a closer grant would make the caller's own policies needless.
        return account_statement(request)
    anyone = {"Principal": "*"} if layer in {"rcp", "vpc_endpoint"} else {}
    return {"Effect": "Allow", **anyone, "Action": "*", "Resource": "*"}


def _outcome_after(
    other: EvaluationComparison,
    row: EvaluationComparison,
    found: Remedy,
    known: dict[tuple[object, ...], Layers],
) -> str:
    """The decision of another evaluation with the changed documents in place of the captured ones."""
    key = (other.policies.key, other.evaluation.resource == row.evaluation.resource)
    if key not in known:
        documents = other.policies.documents(_replaced(row, found))
        for change in found.changes:
            if _is_new(row, change):
                documents = _with_new(documents, other, row, change)
        known[key] = documents.layers
    request: Any = dict(other.request or {})
    return evaluate_request(request_of(request), known[key]).decision.outcome


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
    return replace(documents, levels={**documents.levels, change.layer: tuple(levels)})
