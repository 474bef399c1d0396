"""`policy lookup` of an AWS managed policy, by name or ARN."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Artifact, next_call
from aws_iam.engine.reference import managed_policies
from aws_iam.escape import escaped, quoted
from aws_iam.tools.policy.lookup import tables
from aws_iam.tools.policy.lookup.answer import facts_answer, quoted_names, unknown_answer
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog
    from aws_iam.engine.reference.managed_policies import ManagedPolicy

_NAME = re.compile(r"[A-Za-z][\w+=.@-]{2,127}")
_AWS_ARN = re.compile(r"arn:[a-z-]+:iam::aws:policy/([\w/+=.@-]+)")


def policy_arn(known: Catalog, query: str) -> Answer | None:
    """The AWS managed policy with the ARN, or the names that a wrong one may mean."""
    match = _AWS_ARN.fullmatch(query)
    if match is None:
        return None
    name = match[1].rpartition("/")[2]
    policy = managed_policies.managed_policy(name)
    if policy and policy.arn == query:
        return _of_policy(known, query, policy)
    near = [policy.arn] if policy else managed_policies.near_managed_policies(name)
    partition = query.split(":")[1]
    if policy and partition != "aws":
        what = f"is of the partition {quoted(partition)}, and only the policies of `aws` are known: AWS's documents may differ there"
    else:
        what = f"is not an AWS managed policy of {managed_policies.managed_policies_as_of()}"
    return unknown_answer(known, query, kind="managed_policy", what=what, options=near)


def policy_name(known: Catalog, query: str) -> Answer | None:
    """The AWS managed policy with that name."""
    if not _NAME.fullmatch(query):
        return None
    policy = managed_policies.managed_policy(query)
    return _of_policy(known, query, policy) if policy else None


def near_names(query: str) -> tuple[str, ...]:
    """The names of AWS managed policies that an unknown name may mean."""
    return managed_policies.near_managed_policies(query) if _NAME.fullmatch(query) else ()


def _of_policy(known: Catalog, query: str, policy: ManagedPolicy) -> Answer:
    statements = _statements(json.loads(policy.document))
    allowing = [statement for statement in statements if statement["Effect"] == "Allow"]
    entries = [entry for statement in allowing for entry in _listed(statement.get("Action", []))]
    excluded = [
        entry for statement in allowing for entry in _listed(statement.get("NotAction", []))
    ]
    names = sorted({name for entry in entries for name in known.expand(entry)})
    denies = len(statements) - len(allowing)
    facts: dict[str, object] = {
        "known": True,
        "kind": "managed_policy",
        "query": escaped(query),
        "name": policy.name,
        "arn": policy.arn,
        "version": policy.version,
        "changed": policy.changed,
        "managed_policies_as_of": managed_policies.managed_policies_as_of(),
        "allow_statements": len(allowing),
        "deny_statements": denies,
        "levels": tables.level_counts(known, names),
        "services": tables.service_counts(names),
    }
    if excluded:
        facts["allowed_except"] = excluded
    answer = facts_answer(
        known,
        f"`{policy.name}` is an AWS managed policy ({policy.version} of {policy.changed}): "
        f"{_allowed_text(names, excluded)}{'; it also denies' if denies else ''}.",
        facts | {"actions": tables.action_rows(known, names)},
        sources=(f"{managed_policies.SOURCE}{policy.name}.html",),
    )
    return replace(
        answer,
        artifacts=(
            Artifact(name=f"{policy.name}.json", language="json", content=policy.document + "\n"),
        ),
        next=(
            next_call(
                "policy", "explain", "what it allows, in words, and its risks", document=policy.arn
            ),
        ),
    )


def _allowed_text(names: list[str], excluded: list[str]) -> str:
    services = len({name.partition(":")[0] for name in names})
    listed = (
        f"its statements name {counted(len(names), 'action')} of {counted(services, 'service')}"
    )
    if not excluded:
        return listed
    every = f"its statements allow every action except {quoted_names(excluded)}"
    return f"{every}, and name {counted(len(names), 'action')}" if names else every


def _statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    statements = document["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _listed(entries: str | list[str]) -> Iterator[str]:
    yield from [entries] if isinstance(entries, str) else entries
