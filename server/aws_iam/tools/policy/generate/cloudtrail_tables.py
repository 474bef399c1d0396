"""The facts of `policy generate --events` as flat tables: the replay, grants wider than one resource, calls that are left out."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.reference.policy_quotas import size
from aws_iam.engine.reference.regions import regions
from aws_iam.engine.trail.event_tables import event_tables
from aws_iam.engine.trail.least_grants import Replay, actions_without_types
from aws_iam.escape import escaped
from aws_iam.tools.policy.generate.needs_tables import first_names
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.answer import Artifact, Finding
    from aws_iam.engine.trail.activity import CallerActivity, LogActivity
    from aws_iam.engine.trail.cloudtrail import EventLog
    from aws_iam.engine.trail.event_needs import UsedAction
    from aws_iam.engine.trail.least_grants import LeastGrants

Needs = dict[str, list[str]]
_MOST_ROWS = 500
_LONGEST_NEEDS = 900
_MOST_CALLS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerPolicies:
    """The policies of one caller, the validator's findings, and the uses that no policy can express."""

    account: CallerActivity
    granted: LeastGrants
    documents: tuple[dict[str, Any], ...]
    artifacts: tuple[Artifact, ...]
    findings: tuple[Finding, ...]
    refused: tuple[tuple[UsedAction, str], ...] = ()
    replay: Replay = field(default_factory=Replay)
    # By Region or partition that the data does not know, an ARN that has it.
    newer: Mapping[str, str] = field(default_factory=dict)


def fact_tables(
    callers: Sequence[CallerPolicies],
    ledger: LogActivity,
    log: EventLog,
    others: Sequence[CallerActivity],
) -> dict[str, Any]:
    """All tables that have a row."""
    facts: dict[str, Any] = {
        "replay": {
            "events": sum(caller.account.events for caller in callers),
            "allowed": sum(caller.replay.allowed for caller in callers),
            **_not_proved(callers),
        },
        "callers": [_caller(caller) for caller in callers],
        "callers_left_out": [
            *(_left_out(caller) for caller in others),
            *_not_asked_for(ledger),
        ],
        "newer_than_the_data": list(_newer(callers)),
        "not_scoped": list(_not_scoped(callers)),
        "star_actions": list(_stars(callers)),
        "denied_calls": list(_denied(ledger.accounts)),
        "unmapped_calls": _call_rows(ledger.unmapped, "why"),
        "failed_calls": _call_rows(_failed(ledger.accounts), "error"),
        "skipped_calls": _call_rows(ledger.skipped, "why"),
        "not_in_policy": list(_not_in_policy(callers)),
        "dependents": list(_dependents(callers)),
        "conditions": list(_conditions(callers)),
        "generalized": list(_generalized(callers)),
        "not_in_the_log": _gaps_of_trail(ledger),
        "not_judged": [
            *({"place": escaped(name), "why": escaped(why)} for name, why in log.unread),
            *(
                {"place": counted(count, "entry"), "why": why}
                for why, count in log.skipped.items()
            ),
        ],
        "files_not_read": len(log.unread),
        "missing_columns": list(log.missing),
        "repeated_records": log.repeated,
        "characters": [size(document) for caller in callers for document in caller.documents],
    }
    return {
        name: value[:_MOST_ROWS] if isinstance(value, list) else value
        for name, value in facts.items()
        if value
    }


def _caller(caller: CallerPolicies) -> dict[str, Any]:
    return {
        "caller": escaped(caller.account.caller),
        "events": caller.account.events,
        "allowed": caller.replay.allowed,
        "policies": ", ".join(artifact.name for artifact in caller.artifacts),
    }


def _left_out(account: CallerActivity) -> dict[str, Any]:
    why = "an answer covers a limited number of callers: pick this one with `principal`"
    return {"caller": escaped(account.caller), "events": account.events, "why": why}


def _not_asked_for(ledger: LogActivity) -> Iterator[dict[str, Any]]:
    for caller, events in ledger.others.most_common():
        if events:
            yield {
                "caller": escaped(caller),
                "events": events,
                "why": "`principal` names another",
            }


def _not_proved(callers: Sequence[CallerPolicies]) -> dict[str, int]:
    count = sum(caller.replay.not_proved for caller in callers)
    return {"not_proved": count} if count else {}


def _newer(callers: Sequence[CallerPolicies]) -> Iterator[dict[str, Any]]:
    found = {name: arn for caller in callers for name, arn in caller.newer.items()}
    for name, arn in found.items():
        why = f"did not exist on {regions().as_of}: kept, because the events used it"
        yield {"name": escaped(name), "resource": escaped(arn), "why": why}


def _whose(caller: CallerPolicies, callers: Sequence[CallerPolicies]) -> dict[str, str]:
    return {"caller": escaped(caller.account.caller)} if len(callers) > 1 else {}


def _not_scoped(callers: Sequence[CallerPolicies]) -> Iterator[dict[str, Any]]:
    """What is granted on a pattern or `*` because the record shows no ARN, and dependent actions without a resource."""
    for caller in callers:
        fixed = set(actions_without_types(caller.account.uses))
        for (action, why, by), count in caller.account.not_scoped.items():
            yield {
                **_whose(caller, callers),
                "action": action,
                "why": why,
                "needed_by": by,
                "events": count,
            }
        rows: dict[tuple[str, str], dict[str, None]] = {}
        for use in caller.account.uses:
            if use.why and use.action not in fixed:
                rows.setdefault((use.resource, use.why), {})[use.action] = None
        for (resource, why), actions in rows.items():
            yield {
                **_whose(caller, callers),
                "action": first_names(actions),
                "resource": escaped(resource),
                "why": why,
            }


def _stars(callers: Sequence[CallerPolicies]) -> Iterator[dict[str, Any]]:
    names = dict.fromkeys(
        name for caller in callers for name in actions_without_types(caller.account.uses)
    )
    if names:
        yield {
            "actions": ", ".join(names),
            "why": "no resource types: AWS authorizes it on `*` only",
        }


def _denied(accounts: Iterable[CallerActivity]) -> Iterator[dict[str, Any]]:
    for account in accounts:
        for refusal, count in account.refused.most_common():
            yield {
                "caller": escaped(account.caller),
                "call": escaped(refusal.call),
                "error": escaped(refusal.error),
                "count": count,
                "actions": first_names(dict.fromkeys(use.action for use in refusal.uses))
                or "not known",
                "resources": first_names(
                    dict.fromkeys(escaped(use.resource) for use in refusal.uses)
                ),
            }


def needs_of_refused_calls(accounts: Iterable[CallerActivity]) -> tuple[Needs, ...]:
    """What refused calls need, if they are wanted, in parts that are each short enough to be shown in full."""
    return _in_parts(
        use for account in accounts for refusal in account.refused for use in refusal.uses
    )


def needs_of_failed_calls(accounts: Iterable[CallerActivity]) -> tuple[Needs, ...]:
    """What calls need that failed for another reason, such as a bucket without a policy, and that no successful call needed."""
    found: dict[UsedAction, None] = {}
    for account in accounts:
        granted = {(use.action, use.resource) for use in account.uses}
        found |= {
            use: None for use in account.failed_uses if (use.action, use.resource) not in granted
        }
    return _in_parts(found)


def _in_parts(uses: Iterable[UsedAction]) -> tuple[Needs, ...]:
    needs: dict[str, dict[str, None]] = {}
    for use in uses:
        # `needs` does not accept an ARN with an escaped wildcard or a control character.
        if "$" not in use.resource and use.resource.isprintable():
            needs.setdefault(use.action, {})[use.resource] = None
    parts: list[Needs] = [{}]
    for action, resources in needs.items():
        for resource in resources:
            longer = {**parts[-1], action: [*parts[-1].get(action, []), resource]}
            if parts[-1] and len(json.dumps(longer)) > _LONGEST_NEEDS:
                longer = {action: [resource]}
                parts.append({})
            parts[-1] = longer
    shown = [part for part in parts if part and len(json.dumps(part)) <= _LONGEST_NEEDS]
    return tuple(shown[:_MOST_CALLS])


def _failed(accounts: Iterable[CallerActivity]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for account in accounts:
        found.update(account.failed)
    return found


def _call_rows(rows: Counter[tuple[str, str]], reason: str) -> list[dict[str, Any]]:
    return [
        {"call": escaped(call), "count": count, reason: escaped(why)}
        for (call, why), count in rows.most_common()
    ]


def _not_in_policy(callers: Sequence[CallerPolicies]) -> Iterator[dict[str, Any]]:
    for caller in callers:
        for use, why in caller.refused:
            yield {"action": use.action, "resource": escaped(use.resource), "why": escaped(why)}


def _dependents(callers: Sequence[CallerPolicies]) -> Iterator[dict[str, Any]]:
    for caller in callers:
        for use in caller.account.uses:
            if use.needed_by:
                yield {
                    "action": use.action,
                    "needed_by": use.needed_by,
                    "resource": escaped(use.resource),
                }


def _conditions(callers: Sequence[CallerPolicies]) -> Iterator[dict[str, Any]]:
    found = dict.fromkeys(
        (limit.key, limit.values if isinstance(limit.values, str) else ", ".join(limit.values))
        for caller in callers
        for limit in caller.granted.limits.listed
    )
    return ({"key": key, "values": values} for key, values in found)


def _generalized(callers: Sequence[CallerPolicies]) -> Iterator[dict[str, Any]]:
    for caller in callers:
        for pattern, count in caller.granted.general.items():
            yield {"pattern": escaped(pattern), "instead_of": count}


def _gaps_of_trail(ledger: LogActivity) -> list[str]:
    """What the trail may not have recorded, so that the policy may lack it."""
    absent = [
        f"{what} of {name}"
        for name, what in event_tables()["data_events"].items()
        if name not in ledger.services
    ]
    found = (
        [
            f"a trail records data events only if it is configured to; the log has none of {', '.join(absent)}"
        ]
        if absent
        else []
    )
    return [
        *found,
        "the log does not show calls made at other times, or what a call needs only in some cases, such as at first use",
    ]
