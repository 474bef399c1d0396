"""The Allow statements for a refused action that do not allow the request, and what keeps them from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.denied.policy_documents import DocumentPlace
from aws_iam.engine.evaluation.matching import Matcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.denied.policy_documents import PolicyDocuments
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Statement

# Layers whose policies say nothing of who calls.
_OF_ONE_CALLER = frozenset({"identity", "boundary", "session", "scp"})


def near_misses(
    request: Request, documents: PolicyDocuments, layer: str
) -> Iterator[dict[str, str]]:
    """The Allow statements of a layer for the action that still do not allow the request, and what does not match."""
    for placed, statement, keys in _unmet_allows(request, documents, layer):
        pointer = documents.document(DocumentPlace.of(placed)).pointer
        lacks = f"its condition on {', '.join(keys)}" if keys else _other_lack(layer)
        yield {
            "statement": f"{pointer}{statement.node.where.pointer}",
            "does_not_match": lacks,
        }


def keys_of_unmet_allows(
    request: Request, documents: PolicyDocuments, layer: str
) -> tuple[str, ...]:
    """The keys of the conditions that alone keep Allow statements of the layer from allowing the request."""
    unmet = _unmet_allows(request, documents, layer)
    return tuple(dict.fromkeys(key for _, _, keys in unmet for key in keys))


def _unmet_allows(
    request: Request, documents: PolicyDocuments, layer: str
) -> Iterator[tuple[str, Statement, tuple[str, ...]]]:
    """The place of each such statement, and the keys of its conditions if nothing else keeps it from applying."""
    layers = documents.layers
    forced = {
        condition.name: True
        for placed in layers.all()
        for statement in placed.statements
        for condition in statement.statement.conditions
    }
    met = _places(Matcher(request, layers).hits())
    but_for_conditions = _places(Matcher(request, layers, forced).hits())
    action = request.action.lower()
    for placed in layers.all():
        for statement in placed.statements:
            at = (placed.pointer, statement.statement.node.where.pointer)
            if (
                placed.layer != layer
                or not statement.statement.allows
                or at in met
                or not statement.takes(action)
            ):
                continue
            keys = (condition.key.value for condition in statement.statement.conditions)
            yield (
                placed.pointer,
                statement.statement,
                tuple(keys) if at in but_for_conditions else (),
            )


def _other_lack(layer: str) -> str:
    return "the resource" if layer in _OF_ONE_CALLER else "the principal or the resource"


def _places(hits: Any) -> set[tuple[str, str]]:
    return {(hit.placed.pointer, hit.statement.node.where.pointer) for hit in hits}
