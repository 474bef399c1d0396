"""The answers of `policy lookup`: the facts about a name, or suggestions for an unknown one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Answer, next_call
from aws_iam.escape import escaped, quoted
from aws_iam.wording import SHOWN, joined

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_iam.engine.reference.catalog import Catalog

SEARCH = "search"
"""The kind of an answer to plain words, which may mean something else."""
# Lookups that an answer suggests next.
_MOST_NEXT = 3
# The kinds of names that AWS adds to every week.
_GROWING = frozenset({"action", "api_operation", "command", "service", "wildcard"})


def facts_answer(
    known: Catalog,
    summary: str,
    found: dict[str, object],
    *,
    services: Iterable[str] = (),
    sources: Iterable[str] = (),
    queries: Iterable[str] = (),
) -> Answer:
    """The facts about a name; `sources` come before the pages of `services`, `queries` are suggested next."""
    of_services = (page for service in services for page in known.sources(service))
    pages = (*sources, *of_services) or (known.source(""),)
    return Answer(
        summary=summary,
        facts=found,
        sources=tuple(dict.fromkeys(pages)),
        next=tuple(
            next_call("policy", "lookup", "", query=query)
            for query in list(dict.fromkeys(queries))[:_MOST_NEXT]
        ),
        as_of=known.as_of,
    )


def unknown_answer(
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
    """That a name is unknown, and why; never a guess at its meaning."""
    near = list(dict.fromkeys(options))
    question = f" Did you mean {quoted_names(near[:3], 'or')}?" if near else ""
    if not near and tier == "unknown" and kind in _GROWING:
        question = " If AWS added it since, refresh the service data where aws-iam runs."
    found: dict[str, object] = {
        "known": False,
        "kind": kind,
        "query": escaped(query),
        "tier": tier,
    }
    prefix = service or query.partition(":")[0]
    return facts_answer(
        known,
        f"{quoted(query)} {what} (data of {known.as_of}).{question}",
        found | (fields or {}) | {"did_you_mean": near},
        services=(prefix,) if known.service(prefix) else (),
        sources=sources,
        queries=[] if kind == "arn" else near,
    )


def quoted_names(names: Iterable[str], last: str = "and", shown: int = SHOWN) -> str:
    """Names in backticks: `a`, `b` and `c`; entries beyond the first few are counted."""
    return joined([f"`{name}`" for name in names], last, shown)
