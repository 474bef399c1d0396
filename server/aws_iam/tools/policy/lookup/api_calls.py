"""`policy lookup` of an API operation, an SDK method or a command of the AWS CLI: the actions that authorise it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.reference.operations import (
    Operation,
    operations,
    operations_named,
    service_of,
    sources,
)
from aws_iam.escape import escaped, quoted
from aws_iam.tools.policy.lookup import tables as facts
from aws_iam.tools.policy.lookup.answer import known_name, listed, unknown_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog

_SDKS = frozenset({"boto3", "botocore", "sdk"})
# `aws s3 cp` and its like call several operations; `aws s3api` is the one-to-one command.
_HIGH_LEVEL = frozenset({"cp", "ls", "mb", "mv", "presign", "rb", "rm", "sync", "website"})


def call(known: Catalog, query: str) -> Answer | None:
    """`s3:HeadObject`, `list_objects_v2`, `s3.list_objects_v2`, `boto3 s3 head_object`, `aws s3api head-object`."""
    words = query.split()
    if words[0].lower() == "aws" and len(words) > 1:
        return _of_command(known, query, words[1:])
    if words[0].lower() in _SDKS:
        words = words[1:]
    text = " ".join(words).removesuffix("()")
    for separator in (":", ".", " "):
        client, found, name = text.partition(separator)
        if found and name and " " not in name:
            return _of_call(known, query, client, name)
    return _of_call(known, query, "", text) if text and " " not in text else None


def _of_command(known: Catalog, query: str, words: Sequence[str]) -> Answer | None:
    command = words[0].lower()
    if len(words) == 1:
        return None
    found = _of_call(known, query, command, words[1])
    if found:
        return found
    if command == "s3" and words[1].lower() in _HIGH_LEVEL:
        what = "calls several API operations; `aws s3api` has one command for each"
        return unknown_name(known, query, kind="command", what=what, service="s3")
    prefix = known.service(command) or known.service(service_of(command))
    what = "names no known service" if prefix is None else f"is no known call of {prefix.title}"
    near = known.suggest_service(command) if prefix is None else ()
    return unknown_name(
        known,
        query,
        kind="command",
        what=what,
        options=near,
        service=prefix.prefix if prefix else "",
    )


def _of_call(known: Catalog, query: str, client: str, name: str) -> Answer | None:
    bare = name.replace("_", "").replace("-", "").lower()
    if not (bare.isalnum() and bare.isascii()):
        return None
    prefixes = dict.fromkeys(filter(None, (client.lower(), service_of(client))))
    if not client:
        return _of_names(known, query, operations_named(bare), known.having(bare))
    special = [operations()[key] for p in prefixes if (key := f"{p}:{bare}") in operations()]
    same = [action.full_name for p in prefixes if (action := known.action(f"{p}:{bare}"))]
    return _of_names(known, query, special, same)


def _of_names(
    known: Catalog, query: str, special: Sequence[Operation], same: Sequence[str]
) -> Answer | None:
    """The operations whose actions have other names, and the actions that are named as the operation."""
    names = list(dict.fromkeys([*(name for call in special for name in call.actions), *same]))
    if not names:
        return None
    notes = [call.note for call in special if call.note]
    found: dict[str, object] = {
        "known": True,
        "kind": "api_operation",
        "query": escaped(query),
        "operation": special[0].name if special else names[0].partition(":")[2],
        "found_by": "a list of exceptions" if special else "its name",
    }
    owners = list(dict.fromkeys(name.partition(":")[0] for name in names))
    return known_name(
        known,
        _said(query, special, same),
        found
        | ({"note": "; ".join(notes)} if notes else {})
        | {"actions": facts.action_rows(known, names)},
        services=owners if len(owners) < 3 else (),  # noqa: PLR2004 - more pages say nothing
        sources=sources({call.service for call in special}),
        queries=names,
    )


def _said(query: str, special: Sequence[Operation], same: Sequence[str]) -> str:
    parts = []
    for call in special:
        verb = "it is authorised by" if len(call.actions) == 1 else "it takes"
        note = f" ({call.note})" if call.note else ""
        parts.append(
            f"{quoted(query)} is an API operation of `{call.service}` and no action of it; "
            f"{verb} {listed(call.actions)}{note}"
        )
    if len(same) == 1 and not special:
        parts.append(f"{quoted(query)} is authorised by the action of the same name, `{same[0]}`")
    elif same:
        parts.append(
            f"{listed(same[:6])} {'is an action' if len(same) == 1 else 'are actions'} of that name"
        )
    return "; ".join(parts) + "."
