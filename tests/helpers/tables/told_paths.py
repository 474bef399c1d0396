"""The paths that `audit access` tells, as the tables of cases have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.answer import Answer


def first_paths(answer: Answer, short: Callable[[str], str]) -> dict[str, list[list[str]]]:
    """By who goes it the hops of the path that is told first: from, to, actions; `short` says how an ARN is written."""
    found: dict[str, list[list[str]]] = {}
    for path in answer.facts["paths"]:
        hops: list[dict[str, Any]] = path["hops"]
        assert hops[0]["from"] == path["from"]
        found.setdefault(
            short(path["from"]),
            [[short(hop["from"]), short(hop["to"]), " ".join(hop["actions"])] for hop in hops],
        )
    return found
