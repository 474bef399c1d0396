"""How `policy lookup` answers: with the facts about a name, or with what an unknown one may have meant."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from aws_iam.answer import Answer
from aws_iam.escape import escaped, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.engine.reference.catalog import Catalog

# What may follow a look-up is itself a look-up; more than this many are no help.
_MOST_NEXT = 3


def known_name(
    known: Catalog,
    summary: str,
    found: dict[str, object],
    *,
    services: Iterable[str] = (),
    sources: Iterable[str] = (),
    queries: Iterable[str] = (),
) -> Answer:
    """The facts about a name; `sources` come before the pages of `services`, `queries` are what to ask next."""
    pages = (*sources, *map(known.source, services)) or (known.source(""),)
    return Answer(
        summary=summary,
        facts=found,
        sources=tuple(dict.fromkeys(pages)),
        next=tuple(
            f"aws-iam policy lookup --query {shlex.quote(query)}"
            for query in list(dict.fromkeys(queries))[:_MOST_NEXT]
        ),
        as_of=known.as_of,
    )


def unknown_name(
    known: Catalog,
    query: str,
    *,
    kind: str,
    what: str,
    options: Iterable[str] = (),
    tier: str = "unknown",
    fields: dict[str, object] | None = None,
    service: str = "",
    sources: Iterable[str] = (),
) -> Answer:
    """That a name is unknown, and why; never a guess at what it would mean."""
    near = list(dict.fromkeys(options))
    asked = f" Did you mean {listed(near[:3], 'or')}?" if near else ""
    found: dict[str, object] = {
        "known": False,
        "kind": kind,
        "query": escaped(query),
        "tier": tier,
    }
    prefix = service or query.partition(":")[0]
    return known_name(
        known,
        f"{quoted(query)} {what} (data of {known.as_of}).{asked}",
        found | (fields or {}) | {"did_you_mean": near},
        services=(prefix,) if known.service(prefix) else (),
        sources=sources,
        queries=[] if kind == "arn" else near,
    )


def listed(names: Iterable[str], last: str = "and") -> str:
    """Names in words: `a`, `b` and `c`."""
    *rest, end = (f"`{name}`" for name in names)
    return f"{', '.join(rest)} {last} {end}" if rest else end


def counted(number: int, noun: str) -> str:
    """`1 action`, `2 actions`; a noun that ends in y is not among them."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
