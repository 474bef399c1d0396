"""Several policies of one principal as one document that allows the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_NEW = "2012-10-17"


def one_document(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several policies as one that allows the same; a single one as it is."""
    if len(documents) == 1:
        return dict(documents[0])
    statements: list[Mapping[str, Any]] = []
    seen: set[str] = set()
    for document in documents:
        for statement in _statements(document):
            if statement not in statements:
                statements.append(_with_own_sid(statement, seen))
    return {"Version": _NEW, "Statement": statements}


def _statements(document: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    if document.get("Version") == _NEW:
        return document["Statement"]  # type: ignore[no-any-return] # as the policy has them
    # Before that version a variable is ordinary text.
    text = json.dumps(list(document["Statement"])).replace("${", "${$}{")
    statements: list[Mapping[str, Any]] = json.loads(text)
    return statements


def _with_own_sid(statement: Mapping[str, Any], seen: set[str]) -> Mapping[str, Any]:
    """The statement, without a Sid that another one has."""
    sid = statement.get("Sid")
    if not sid:
        return statement
    if sid in seen:
        return {name: value for name, value in statement.items() if name != "Sid"}
    seen.add(sid)
    return statement
