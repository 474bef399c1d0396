"""`policy generate --events`: for each caller in a CloudTrail log the policy that allows what it did, and nothing more.

The result is validated, and every event is put to the evaluator against it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact, Severity
from aws_iam.engine.generation import minimise
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.trail import cloudtrail
from aws_iam.engine.trail.allow import Granted, granted, replayed
from aws_iam.engine.trail.ledger import Account, Ledger, ledger_of
from aws_iam.engine.trail.table import table
from aws_iam.errors import InputError
from aws_iam.escape import escaped, quoted
from aws_iam.tools.policy.generate import cloudtrail_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.trail.uses import Use
from aws_iam.tools.policy.generate.caller_policies import Made

MOST_CALLERS = 20
_MOST_PAIRS = 50_000
_PAGE = "references/policy-design.md#policies-from-events"
_MOST_SOURCES = 4
_LONGEST_NAME = 60
_ATTEMPTS = 3


def generate(events: Any, *, generalize: bool = False) -> Answer:
    """The policies for the callers of the events; InputError when no event says what anybody may do."""
    log = cloudtrail.read(events)
    ledger = ledger_of(log)
    busy = [account for account in ledger.accounts if account.needs]
    if not busy:
        raise _nothing(ledger)
    chosen = busy[:MOST_CALLERS]
    names = _names(chosen)
    made = [_made(caller, names[caller.caller], generalize=generalize) for caller in chosen]
    if not any(caller.artifacts for caller in made):
        (use, why), *_ = (row for caller in made for row in caller.refused)
        raise InputError(
            f"`events` needs what AWS takes in no policy: {quoted(use.action)} on {quoted(use.resource)}: {why}"
        )
    return Answer(
        summary=_summary(made, ledger),
        findings=tuple(finding for caller in made for finding in caller.findings),
        artifacts=tuple(artifact for caller in made for artifact in caller.artifacts),
        facts=cloudtrail_tables.of(made, ledger, log, busy[MOST_CALLERS:]),
        sources=_sources(made),
        next=tuple(_next(made, ledger)),
        as_of=catalog().as_of,
    )


def _nothing(ledger: Ledger) -> InputError:
    """Say why nothing can be granted, with the way on."""
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
    commands = cloudtrail_tables.commands(ledger.accounts)
    return InputError(
        f"`events` holds no call of a user or role that succeeded and maps to an action: {first}{more}",
        hint=commands[0] if commands else "give the events of the time in which the work was done",
    )


def _made(account: Account, name: str, *, generalize: bool) -> Made:
    """The policies of one caller; a resource that AWS takes in no policy is left out by name."""
    refused: dict[Use, str] = {}
    made = _built(account, name, refused, generalize=generalize)
    for _ in range(_ATTEMPTS):
        errors = dict(_errors(made))
        if not errors:
            break
        wrong = {use: errors[text] for use, text in made.granted.placed.items() if text in errors}
        if not wrong:
            raise InputError(
                f"the policy of {name} would not be valid: {next(iter(errors.values()))}"
            )
        refused |= wrong
        made = _built(account, name, refused, generalize=generalize)
    for uses in [need for need in account.needs if any(use in refused for use in need)]:
        del account.needs[uses]
    return replace(made, refused=tuple(refused.items()), allowed=replayed(account, made.documents))


def _built(account: Account, name: str, refused: dict[Use, str], *, generalize: bool) -> Made:
    # Inside the function: other actions of the tool must not pay for the rules.
    from aws_iam.rules.policy.run import validate

    needed = (uses for uses in account.needs if not any(use in refused for use in uses))
    found = granted({use for uses in needed for use in uses}, generalize=generalize)
    documents = _documents(found)
    artifacts = tuple(
        Artifact(
            name=f"{name}.json" if len(documents) == 1 else f"{name}-{number}.json",
            language="json",
            content=json.dumps(document, indent=2, ensure_ascii=False) + "\n",
            checked_by="policy validate, and the events put to policy evaluate",
        )
        for number, document in enumerate(documents, 1)
    )
    findings = tuple(
        replace(finding, resource=artifact.name)
        for artifact in artifacts
        for finding in validate(artifact.content, "identity")
    )
    return Made(
        account=account, granted=found, documents=documents, artifacts=artifacts, findings=findings
    )


def _documents(found: Granted) -> tuple[dict[str, Any], ...]:
    hint = "set `generalize`, or give the events of one caller, one service or a shorter time"
    if len(found.grants) > _MOST_PAIRS:
        raise InputError(
            f"the events need more than {_MOST_PAIRS:,} pairs of action and resource", hint=hint
        )
    if not found.grants:
        return ()
    try:
        packed = minimise.policies(minimise.statements(found.grants), found.limits)
    except InputError as error:
        raise InputError(error.message, hint=hint) from None
    return tuple(minimise.document(statements, found.limits) for statements in packed)


def _errors(made: Made) -> Iterator[tuple[str, str]]:
    """What the validator calls an error, by the text in the policy that it is about."""
    contents = {
        artifact.name: document
        for artifact, document in zip(made.artifacts, made.documents, strict=True)
    }
    for finding in made.findings:
        if finding.severity is Severity.ERROR:
            value: Any = contents.get(finding.resource or "")
            for token in finding.where.pointer.split("/")[1:] if finding.where else ():
                value = _member(value, token)
            yield value if isinstance(value, str) else "", f"{finding.code}: {finding.message}"


def _member(value: Any, token: str) -> Any:
    if isinstance(value, list):
        return value[int(token)] if token.isdecimal() and int(token) < len(value) else None
    return value.get(token) if isinstance(value, dict) else None


def _names(accounts: Sequence[Account]) -> dict[str, str]:
    """`policy` for one caller; else a name for each, of characters that any file system takes."""
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


def _summary(made: Sequence[Made], ledger: Ledger) -> str:
    events = sum(caller.account.events for caller in made)
    files = sum(len(caller.artifacts) for caller in made)
    allowed = sum(caller.allowed for caller in made)
    findings = sum(len(caller.findings) for caller in made)
    whose = "one caller" if len(made) == 1 else f"{len(made)} callers"
    what = "A policy" if files == 1 else f"{files} policies"
    replay = "all of them are allowed" if allowed == events else f"{allowed} of them are allowed"
    clean = f"{findings} finding{'s' * (findings != 1)} left" if findings else "validated clean"
    refused = sum(account.refused.total() for account in ledger.accounts)
    unmapped = ledger.unmapped.total()
    rest = [
        f"{refused} refused" * bool(refused),
        f"{unmapped} that map to no action" * bool(unmapped),
    ]
    apart = " and ".join(filter(None, rest))
    return (
        f"{what} for {whose}, from {events} event{'s' * (events != 1)} that succeeded; {replay} by it when replayed"
        f", {clean}." + (f" Kept apart: {apart}, see the facts." if apart else "")
    )


def _sources(made: Sequence[Made]) -> tuple[str, ...]:
    services = dict.fromkeys(
        g.action.partition(":")[0] for caller in made for g in caller.granted.grants
    )
    pages = [catalog().source(service) for service in list(services)[:_MOST_SOURCES]]
    return (_PAGE, *table()["sources"][:2], *pages)


def _next(made: Sequence[Made], ledger: Ledger) -> Iterator[str]:
    artifacts = [artifact for caller in made for artifact in caller.artifacts]
    if artifacts:
        yield f"aws-iam policy compare --document {artifacts[0].name} --baseline OLD"
        yield f"aws-iam policy validate --document {artifacts[0].name}"
    yield from cloudtrail_tables.commands(ledger.accounts)
