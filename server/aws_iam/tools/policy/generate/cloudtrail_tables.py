"""The facts of `policy generate --events` as flat tables: what was checked, what is wider than one resource, what is kept apart."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any

from aws_iam.engine.generation import minimise
from aws_iam.engine.trail.allow import without_types
from aws_iam.engine.trail.table import table
from aws_iam.escape import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.trail.cloudtrail import Log
    from aws_iam.engine.trail.ledger import Account, Ledger
    from aws_iam.tools.policy.generate.caller_policies import Made

_MOST_ROWS = 500
_LONGEST_COMMAND = 900
_MOST_COMMANDS = 5
_MOST_NAMES = 12


def of(
    made: Sequence[Made], ledger: Ledger, log: Log, others: Sequence[Account]
) -> dict[str, Any]:
    """All tables that have a row."""
    facts: dict[str, Any] = {
        "replay": {
            "events": sum(caller.account.events for caller in made),
            "allowed": sum(caller.allowed for caller in made),
        },
        "callers": [_caller(caller) for caller in made],
        "callers_left_out": [_left_out(caller) for caller in others],
        "not_scoped": list(_not_scoped(made)),
        "star_actions": list(_stars(made)),
        "denied_calls": list(_denied(ledger.accounts)),
        "unmapped_calls": _counted(ledger.unmapped, "why"),
        "failed_calls": _counted(_failed(ledger.accounts), "error"),
        "skipped_calls": _counted(ledger.skipped, "why"),
        "not_in_policy": list(_refused(made)),
        "dependents": list(_dependents(made)),
        "conditions": list(_conditions(made)),
        "generalized": list(_general(made)),
        "not_in_the_log": _silence(ledger),
        "unread": [{"file": escaped(name), "why": escaped(why)} for name, why in log.unread],
        "repeated_records": log.repeated,
        "characters": [minimise.size(document) for one in made for document in one.documents],
    }
    return {
        name: value[:_MOST_ROWS] if isinstance(value, list) else value
        for name, value in facts.items()
        if value
    }


def _caller(caller_policies: Made) -> dict[str, Any]:
    return {
        "caller": escaped(caller_policies.account.caller),
        "events": caller_policies.account.events,
        "allowed": caller_policies.allowed,
        "policies": ", ".join(artifact.name for artifact in caller_policies.artifacts),
    }


def _left_out(account: Account) -> dict[str, Any]:
    why = "more callers than one answer holds: give this one's events alone"
    return {"caller": escaped(account.caller), "events": account.events, "why": why}


def _whose(caller_policies: Made, made: Sequence[Made]) -> dict[str, str]:
    return {"caller": escaped(caller_policies.account.caller)} if len(made) > 1 else {}


def _not_scoped(made: Sequence[Made]) -> Iterator[dict[str, Any]]:
    """What stands on a pattern or on `*` because the record shows no more, and dependents that wait."""
    for one in made:
        fixed = set(without_types(one.account.uses))
        for (action, why, by), count in one.account.not_scoped.items():
            yield {
                **_whose(one, made),
                "action": action,
                "why": why,
                "needed_by": by,
                "events": count,
            }
        rows: dict[tuple[str, str], dict[str, None]] = {}
        for use in one.account.uses:
            if use.why and use.action not in fixed:
                rows.setdefault((use.resource, use.why), {})[use.action] = None
        for (resource, why), actions in rows.items():
            yield {
                **_whose(one, made),
                "action": _some(actions),
                "resource": escaped(resource),
                "why": why,
            }


def _stars(made: Sequence[Made]) -> Iterator[dict[str, Any]]:
    names = dict.fromkeys(name for one in made for name in without_types(one.account.uses))
    if names:
        yield {
            "actions": ", ".join(names),
            "why": "no resource types: AWS authorises it on `*` only",
        }


def _denied(accounts: Iterable[Account]) -> Iterator[dict[str, Any]]:
    for account in accounts:
        for refusal, count in account.refused.most_common():
            yield {
                "caller": escaped(account.caller),
                "call": escaped(refusal.call),
                "error": escaped(refusal.error),
                "count": count,
                "actions": _some(dict.fromkeys(use.action for use in refusal.uses)) or "not known",
                "resources": _some(dict.fromkeys(escaped(use.resource) for use in refusal.uses)),
            }


def commands(accounts: Iterable[Account]) -> tuple[str, ...]:
    """Commands that make the policy for what was refused, should it be wanted; each short enough to be shown whole."""
    needs: dict[str, dict[str, None]] = {}
    for account in accounts:
        for refusal in account.refused:
            for use in refusal.uses:
                # What an escaped wildcard or another character says is no ARN that `needs` takes.
                if "$" not in use.resource and use.resource.isprintable():
                    needs.setdefault(use.action, {})[use.resource] = None
    parts: list[dict[str, list[str]]] = [{}]
    for action, resources in needs.items():
        for resource in resources:
            longer = {**parts[-1], action: [*parts[-1].get(action, []), resource]}
            if parts[-1] and len(_command(longer)) > _LONGEST_COMMAND:
                longer = {action: [resource]}
                parts.append({})
            parts[-1] = longer
    shown = [
        command
        for command in map(_command, filter(None, parts))
        if len(command) <= _LONGEST_COMMAND
    ]
    return tuple(shown[:_MOST_COMMANDS])


def _command(needs: dict[str, list[str]]) -> str:
    return shlex.join(["aws-iam", "policy", "generate", "--needs", json.dumps(needs)])


def _failed(accounts: Iterable[Account]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for account in accounts:
        found.update(account.failed)
    return found


def _counted(rows: Counter[tuple[str, str]], reason: str) -> list[dict[str, Any]]:
    return [
        {"call": escaped(call), "count": count, reason: escaped(why)}
        for (call, why), count in rows.most_common()
    ]


def _refused(made: Sequence[Made]) -> Iterator[dict[str, Any]]:
    for one in made:
        for use, why in one.refused:
            yield {"action": use.action, "resource": escaped(use.resource), "why": escaped(why)}


def _dependents(made: Sequence[Made]) -> Iterator[dict[str, Any]]:
    for one in made:
        for use in one.account.uses:
            if use.needed_by:
                yield {
                    "action": use.action,
                    "needed_by": use.needed_by,
                    "resource": escaped(use.resource),
                }


def _conditions(made: Sequence[Made]) -> Iterator[dict[str, Any]]:
    found = dict.fromkeys(
        (limit.key, limit.values if isinstance(limit.values, str) else ", ".join(limit.values))
        for one in made
        for limit in one.granted.limits.listed
    )
    return ({"key": key, "values": values} for key, values in found)


def _general(made: Sequence[Made]) -> Iterator[dict[str, Any]]:
    for one in made:
        for pattern, count in one.granted.general.items():
            yield {"pattern": escaped(pattern), "instead_of": count}


def _silence(ledger: Ledger) -> list[str]:
    """What a trail may not have written down, so that the policy may lack it."""
    absent = [
        f"{what} of {name}"
        for name, what in table()["data_events"].items()
        if name not in ledger.services
    ]
    found = (
        [
            f"data events are logged only where a trail asks for them; of {', '.join(absent)} the log has none"
        ]
        if absent
        else []
    )
    return [
        *found,
        "calls of other times, and what a call needs only in some cases (a service-linked role at its first use), are in no log",
    ]


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _MOST_NAMES} more" if len(listed) > _MOST_NAMES else ""
    return ", ".join(listed[:_MOST_NAMES]) + more
