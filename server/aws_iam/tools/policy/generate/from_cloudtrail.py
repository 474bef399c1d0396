"""`policy generate --events`: for each caller in a CloudTrail log the policy that allows what it did, and nothing more.

The policies are validated, and every event is replayed against them with the evaluator.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact, NextCall, Severity, next_call
from aws_iam.engine.generation.passed_roles import KEY, PASS_ROLE
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.regions import regions
from aws_iam.engine.repair.empty_policy import granting
from aws_iam.engine.trail import cloudtrail
from aws_iam.engine.trail.activity import CallerActivity, LogActivity, activity_of
from aws_iam.engine.trail.event_resource import NEW_TYPE
from aws_iam.engine.trail.event_tables import event_tables
from aws_iam.engine.trail.least_grants import LeastGrants, least_grants, replayed
from aws_iam.errors import InputError
from aws_iam.escape import escaped, quoted
from aws_iam.tools.policy.generate import cloudtrail_tables
from aws_iam.tools.policy.generate.cloudtrail_tables import CallerPolicies
from aws_iam.tools.policy.generate.from_needs import value_at
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.answer import Finding
    from aws_iam.engine.trail.cloudtrail import EventLog
    from aws_iam.engine.trail.event_needs import UsedAction

MOST_CALLERS = 20
_MOST_PAIRS = 50_000
_PAGE = "references/policy-design.md#policies-from-events"
_MOST_SOURCES = 4
_LONGEST_NAME = 60
_ATTEMPTS = 3


def generate_from_events(
    events: Any, principal: str | None = None, *, generalize: bool = False, of_one: bool = False
) -> Answer:
    """The policies for the callers of the events, or for one; InputError if no event shows a use of permissions.

    With `of_one` several callers are refused.
    """
    log = cloudtrail.read_events(events)
    ledger = activity_of(log, principal or "")
    busy = [caller for caller in ledger.accounts if caller.needs]
    if not busy:
        raise _nothing_to_grant(ledger)
    if of_one and len(busy) > 1:
        named = joined([quoted(caller.caller) for caller in busy], shown=_MOST_SOURCES)
        raise InputError(
            f"`events` shows {len(busy)} callers, and a session has one: {named}",
            hint="give one of them as `principal`",
        )
    chosen = busy[:MOST_CALLERS]
    names = _names(chosen)
    callers = [
        _policies_for(caller, names[caller.caller], generalize=generalize) for caller in chosen
    ]
    if not any(caller.artifacts for caller in callers):
        (use, why), *_ = (row for caller in callers for row in caller.refused)
        raise InputError(
            f"`events` needs a statement that AWS would refuse: {quoted(use.action)} on {quoted(use.resource)}: {why}"
        )
    return Answer(
        summary=" ".join((_summary(callers, ledger), *_reservations(callers, log))),
        findings=tuple(finding for caller in callers for finding in caller.findings),
        artifacts=tuple(artifact for caller in callers for artifact in caller.artifacts),
        facts=cloudtrail_tables.fact_tables(callers, ledger, log, busy[MOST_CALLERS:]),
        sources=_sources(callers),
        next=tuple(_next(callers, ledger)),
        as_of=catalog().as_of,
    )


def _nothing_to_grant(ledger: LogActivity) -> InputError:
    """The error that says why nothing can be granted, and what to do next."""
    rows = [*ledger.skipped.items(), *ledger.unmapped.items()]
    rows += [
        ((refusal.call, f"refused with {refusal.error}"), n)
        for a in ledger.accounts
        for refusal, n in a.refused.items()
    ]
    rows += [
        ((call, f"failed with {error}"), n)
        for a in ledger.accounts
        for (call, error), n in a.failed.items()
    ]
    first = ", ".join(f"{escaped(call, 80)} ({why}; {count})" for (call, why), count in rows[:3])
    more = f" and {len(rows) - 3} more" if rows[3:] else ""
    refused = cloudtrail_tables.needs_of_refused_calls(ledger.accounts)
    return InputError(
        f"`events` has no successful call by a user or role that maps to an action: {first}{more}",
        hint=f"`needs` instead of `events` generates the policy for the refused calls: {json.dumps(refused[0])}"
        if refused
        else "give events from the time when the workload ran",
    )


def _policies_for(account: CallerActivity, name: str, *, generalize: bool) -> CallerPolicies:
    """The policies of one caller; a resource that AWS would refuse in a policy is left out and named."""
    refused: dict[UsedAction, str] = {}
    policies = _build(account, name, refused, generalize=generalize)
    for _ in range(_ATTEMPTS):
        errors = dict(_errors(policies))
        if not errors:
            break
        wrong = {
            use: errors[text] for use, text in policies.granted.placed.items() if text in errors
        }
        if not wrong:
            raise InputError(
                f"the policy of {name} would not be valid: {next(iter(errors.values()))}"
            )
        refused |= wrong
        policies = _build(account, name, refused, generalize=generalize)
    for uses in [need for need in account.needs if any(use in refused for use in need)]:
        del account.needs[uses]
    return replace(
        policies,
        refused=tuple(refused.items()),
        replay=replayed(account, policies.documents),
    )


def _build(
    account: CallerActivity, name: str, refused: dict[UsedAction, str], *, generalize: bool
) -> CallerPolicies:
    # Imported here: the other actions must not load the rules.
    from aws_iam.rules.policy.run import validate

    needed = (uses for uses in account.needs if not any(use in refused for use in uses))
    found = least_grants({use for uses in needed for use in uses}, generalize=generalize)
    documents = _documents(found)
    artifacts = tuple(
        Artifact(
            name=f"{name}.json" if len(documents) == 1 else f"{name}-{number}.json",
            language="json",
            content=json.dumps(document, indent=2, ensure_ascii=False) + "\n",
            checked_by="policy validate, and policy evaluate for every event",
        )
        for number, document in enumerate(documents, 1)
    )
    findings: list[Finding] = []
    newer: dict[str, str] = {}
    for artifact, document in zip(artifacts, documents, strict=True):
        for finding in validate(artifact.content, "identity"):
            value = value_at(document, finding.where.pointer if finding.where else "")
            if name := _newer_than_data(finding, value):
                newer[name] = str(value)
            else:
                findings.append(replace(finding, resource=artifact.name))
    return CallerPolicies(
        account=account,
        granted=found,
        documents=documents,
        artifacts=artifacts,
        findings=tuple(findings),
        newer=newer,
    )


def _newer_than_data(finding: Finding, value: Any) -> str:
    """The Region or partition that the finding calls unknown; the events show that it exists, so the data is older."""
    arn = Arn.of(value) if isinstance(value, str) else None
    if arn and finding.code == "INVALID_ARN_REGION" and not regions().partition(arn.region):
        return arn.region
    return arn.partition if arn and finding.code == "INVALID_PARTITION" else ""


def _documents(found: LeastGrants) -> tuple[dict[str, Any], ...]:
    hint = "set `generalize`, or give events of one caller, one service or a shorter period"
    if len(found.grants) > _MOST_PAIRS:
        raise InputError(
            f"the events need more than {_MOST_PAIRS:,} pairs of action and resource", hint=hint
        )
    if not found.grants:
        return ()
    try:
        return granting(found.grants, found.limits)
    except InputError as error:
        raise InputError(error.message, hint=hint) from None


def _errors(policies: CallerPolicies) -> Iterator[tuple[str, str]]:
    """The validator's errors, by the value in the policy that each is about."""
    contents = {
        artifact.name: document
        for artifact, document in zip(policies.artifacts, policies.documents, strict=True)
    }
    for finding in policies.findings:
        if finding.severity is Severity.ERROR:
            pointer = finding.where.pointer if finding.where else ""
            value = value_at(contents.get(finding.resource or ""), pointer)
            yield value if isinstance(value, str) else "", f"{finding.code}: {finding.message}"


def _names(accounts: Sequence[CallerActivity]) -> dict[str, str]:
    """`policy` for one caller; else a file name for each, of characters that every file system accepts."""
    if len(accounts) == 1:
        return {accounts[0].caller: "policy"}
    found: dict[str, str] = {}
    for account in accounts:
        _, _, rest = account.caller.rpartition(":")
        kind, _, path = rest.partition("/")
        last = "".join(
            c if c.isascii() and (c.isalnum() or c in "._-") else "-"
            for c in path.rpartition("/")[2]
        )
        name = wanted = f"policy-{kind}-{last[:_LONGEST_NAME]}"
        number = 2
        while name in found.values():
            name, number = f"{wanted}-{number}", number + 1
        found[account.caller] = name
    return found


def _summary(callers: Sequence[CallerPolicies], ledger: LogActivity) -> str:
    events = sum(caller.account.events for caller in callers)
    files = sum(len(caller.artifacts) for caller in callers)
    allowed = sum(caller.replay.allowed for caller in callers)
    findings = sum(len(caller.findings) for caller in callers)
    whose = counted(len(callers), "caller")
    what = "A policy" if files == 1 else f"{files} policies"
    replay = "all of them" if allowed == events else f"{allowed} of them"
    verdict = counted(findings, "finding") if findings else "no findings"
    refused = sum(account.refused.total() for account in ledger.accounts)
    failed = sum(account.failed.total() for account in ledger.accounts)
    unmapped = ledger.unmapped.total()
    rest = [
        f"{refused} refused" * bool(refused),
        f"{failed} that failed otherwise" * bool(failed),
        f"{unmapped} that map to no action" * bool(unmapped),
    ]
    left_out = joined(list(filter(None, rest)))
    allows = "it allows" if files == 1 else "they allow"
    return (
        f"{what} for {whose}, from {counted(events, 'successful event')}; replayed, {allows} {replay}; {verdict}."
        + (f" Left out: {left_out}; see `not_judged`." if left_out else "")
    )


def _reservations(callers: Sequence[CallerPolicies], log: EventLog) -> Iterator[str]:
    """What keeps the policies from being all that the input shows."""
    not_proved = sum(caller.replay.not_proved for caller in callers)
    if not_proved:
        yield (
            f"For {counted(not_proved, 'event')} the replay proves nothing, because the record does not show every resource"
            " that the call needs; see `not_scoped`."
        )
    if "errorCode" in log.missing:
        yield "The rows have no column `errorcode`: calls that AWS refused count as successful here. Select it."
    if "requestParameters" in log.missing:
        yield "The rows have no request parameters: resources are patterns where no ARN is listed."
    unread = [f"{counted(len(log.unread), 'file')}"] if log.unread else []
    unread += [counted(sum(log.skipped.values()), "entry")] if log.skipped else []
    if unread:
        yield f"Not read: {' and '.join(unread)}; see `not_judged`."
    refused = sum(len(caller.refused) for caller in callers)
    if refused:
        yield f"{counted(refused, 'use')} of an action cannot be written into a policy; see `not_in_policy`."
    newer = sorted({name for caller in callers for name in caller.newer})
    if newer:
        shown = ", ".join(map(quoted, newer[:3]))
        yield f"Kept although the data of {regions().as_of} does not know it: {shown}."
    if any(use.why == NEW_TYPE for caller in callers for use in caller.account.uses):
        yield f"Kept as the record has them: ARNs of types that the data of {catalog().as_of} does not list for the action."
    open_roles = {
        use.resource
        for caller in callers
        for use in caller.account.uses
        if use.action == PASS_ROLE and not use.context
    }
    if open_roles:
        yield f"`{PASS_ROLE}` has no condition on `{KEY}` for {counted(len(open_roles), 'role')}: add the service."
    if len(callers) > 1:
        yield "Each caller has a policy of its own; `principal` picks one."


def _sources(callers: Sequence[CallerPolicies]) -> tuple[str, ...]:
    services = dict.fromkeys(
        g.action.partition(":")[0] for caller in callers for g in caller.granted.grants
    )
    pages = [catalog().source(service) for service in list(services)[:_MOST_SOURCES]]
    return (_PAGE, *event_tables()["sources"][:2], *pages)


def _next(callers: Sequence[CallerPolicies], ledger: LogActivity) -> Iterator[NextCall]:
    if len(callers) > 1:
        why = "the policy of one caller alone"
        principal = callers[0].account.caller
        yield next_call("policy", "generate", why, ("events", "generalize"), principal=principal)
    for needs in cloudtrail_tables.needs_of_refused_calls(ledger.accounts):
        why = "a policy for the refused calls, if they are wanted"
        yield next_call("policy", "generate", why, needs=needs)
    for needs in cloudtrail_tables.needs_of_failed_calls(ledger.accounts):
        why = "a policy for the calls that failed otherwise, which need their permissions when they are made again"
        yield next_call("policy", "generate", why, needs=needs)
