"""`policy lookup` of several names at once: each is looked up, and the answer has a row for each."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from aws_iam.errors import InputError
from aws_iam.escape import escaped
from aws_iam.tools.policy.lookup import command_lines
from aws_iam.tools.policy.lookup.answer import facts_answer, quoted_names
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog

MOST_NAMES = 40
_BETWEEN = re.compile(r"[,;\n]")
# What needs no comma beside its neighbours: an action, a key, an ARN, a Terraform resource.
_PLAIN_NAME = re.compile(r"(?:arn:|aws_|[a-z0-9-]+:[A-Za-z*?])[^\s,;]*")


def names_in(query: str) -> tuple[str, ...]:
    """The names of a query that holds several, else none."""
    text = query.strip()
    if text.startswith("[") and text.endswith("]"):
        return _of_list(text)
    # The default of a policy variable may contain a comma.
    if "${" in text:
        return ()
    if text.startswith("aws "):
        return _distinct(command_lines.commands(text))
    if _BETWEEN.search(text):
        return _distinct(part.strip().strip("\"'`") for part in _BETWEEN.split(text))
    words = text.split()
    if len(words) > 1 and all(_PLAIN_NAME.fullmatch(word) for word in words):
        return tuple(dict.fromkeys(words))
    return ()


def _distinct(parts: Iterable[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(filter(None, parts)))
    return names if len(names) > 1 else ()


def _of_list(text: str) -> tuple[str, ...]:
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        return ()
    return tuple(dict.fromkeys(names))


def several_names(
    known: Catalog, query: str, names: tuple[str, ...], lookup: Callable[[str], Answer]
) -> Answer:
    """One row for each name with what its own lookup says."""
    if len(names) > MOST_NAMES:
        raise InputError(
            f"`query` has {len(names)} names; at most {MOST_NAMES} are looked up at once",
            hint="ask for some of them, or give a wildcard such as `s3:Get*`",
        )
    rows = []
    near: list[object] = []
    sources: dict[str, None] = {}
    for name in names:
        try:
            answer = lookup(name)
        except InputError as refused:
            rows.append({"query": escaped(name), "known": False, "says": refused.message})
            continue
        sources |= dict.fromkeys(answer.sources)
        near += answer.facts.get("did_you_mean", ())
        kind = {"kind": answer.facts["kind"]} if "kind" in answer.facts else {}
        rows.append(
            {
                "query": escaped(name),
                **kind,
                "known": answer.facts["known"],
                "says": answer.summary,
            }
        )
    unknown = [str(row["query"]) for row in rows if not row["known"]]
    missing = f"; not known: {quoted_names(unknown)}" if unknown else ""
    first = f"{counted(len(rows), 'name')}, {len(rows) - len(unknown)} known{missing}."
    told = [str(row["says"]) for row in rows if row["known"]] if len(rows) <= _TOLD else []
    return facts_answer(
        known,
        " ".join([first, *told]),
        {"known": not unknown, "kind": "several", "query": escaped(query), "names": rows}
        | ({"did_you_mean": near} if unknown else {}),
        sources=tuple(sources)[:_MOST_SOURCES],
        queries=[name for name, row in zip(names, rows, strict=True) if row["known"]],
    )


_MOST_SOURCES = 10
# Names whose answers fit into a summary.
_TOLD = 3
