"""`audit access`: the answer on who can do something."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, next_call
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.audit.access.estate import Estate, needed_facts
from aws_iam.tools.audit.access.who_can import who_can
from aws_iam.tools.audit.principals.organization_policies import NOT_CONSIDERED
from aws_iam.tools.kit.account_source import account_words, audit_call, dated, read_account
from aws_iam.tools.kit.tool import UNDERSTOOD
from aws_iam.tools.kit.unread_facts import misses_of, unread_reasons, unread_table
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.account.collect.fact import Miss
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.audit.access.who_can import Caller, WhoCan
    from aws_iam.tools.kit.parameters import Source
    from aws_iam.tools.kit.tool import Progress

_PAGE = "references/compliance-checklist.md#who-can-do-what"
_MOST_NAMED = 5
_LEFT_OUT = (
    "the root users, access control lists of S3, S3 access points, session policies, the policies of VPC endpoints, and roles"
    " that only an AWS service can use; tags of principals and resources are conditions left open"
)


def access_answer(
    source: Source, progress: Progress, actions: Sequence[str] | None, on: str | None
) -> Answer:
    """Who can perform any of the actions on a resource, in one account or those of a folder of snapshots."""
    if not actions:
        raise InputError(
            "`audit access` needs `who_can`",
            hint='name the actions, such as `s3:GetObject`, and with `on` the resource, such as "arn:aws:s3:::books/*"',
        )
    accounts = tuple(_accounts(source, progress))
    estate = Estate.of(accounts)
    found = who_can(estate, actions, on or "")
    missed = tuple(miss for account in accounts for miss in misses_of(account, needed_facts()))
    unread = [member.account for member in estate.members.values() if member.authorization is None]
    guardrails = list(dict.fromkeys(own.guardrails.summary for own in estate.members.values()))
    answer = Answer(
        summary=" ".join((*_summary(found, unread, missed), *_guardrails(guardrails))),
        facts={
            **({UNDERSTOOD: found.understood} if found.understood else {}),
            "account": joined([account_words(account) for account in accounts]),
            "collected_at": accounts[0].collected_at.isoformat(timespec="seconds"),
            "who_can": list(found.actions),
            "on": found.on,
            "anyone": found.anyone,
            "principals": [own.row() for own in found.principals],
            "outsiders": [own.row() for own in found.outsiders],
            "services": [own.row() for own in found.services],
            "organization_policies": joined(guardrails),
            **_not_judged(found, unread),
            "not_considered": _LEFT_OUT,
            **({"not_read": unread_table(missed)} if missed else {}),
        },
        sources=(_PAGE, EVALUATION_LOGIC),
        next=(
            audit_call("principals", "who is or can become an administrator"),
            next_call("policy", "lookup", "what the action does", (), query=found.actions[0]),
        ),
        as_of=catalog().as_of,
    )
    oldest = min(accounts, key=lambda account: account.collected_at)
    return dated(answer, oldest, source)


def _accounts(source: Source, progress: Progress) -> Iterator[Account]:
    folder = Path(source.snapshot) if source.snapshot else None
    if folder is None or not folder.is_dir():
        yield read_account(source, needed_facts(), progress)
        return
    from aws_iam.account.reading.snapshot import load

    files = sorted(file for file in folder.iterdir() if file.suffix == ".json")
    if not files:
        raise InputError(
            f"the folder {quoted(str(folder))} has no snapshot",
            hint="save some with `audit run --save`",
        )
    seen: dict[str, str] = {}
    for file in files:
        account = load(file)
        if account.id in seen:
            raise InputError(
                f"{quoted(seen[account.id])} and {quoted(file.name)} are both of account {account.id}",
                hint="leave one of them in the folder",
            )
        seen[account.id] = file.name
        yield account


def _not_judged(found: WhoCan, unread: Iterable[Account]) -> dict[str, Any]:
    rows = [
        {"place": account.id, "why": "its users and roles could not be read"} for account in unread
    ]
    rows += [{"place": found.on, "why": f"not all were listed: {why}"} for why in found.missing]
    rows += [
        {"place": arn, "why": f"whom its own policy lets in is not known: {why}"}
        for arn, why in found.unread_policies.items()
    ]
    rows += [
        {"place": key, "why": f"whom its grants let in is not known: {why}"}
        for key, why in found.unread_grants.items()
    ]
    rows += [
        {"place": own.name, "why": own.access.why}
        for own in (*found.principals, *found.outsiders, *found.services)
        if own.access.verdict == "unknown"
    ]
    return {"not_judged": rows} if rows else {}


def _summary(found: WhoCan, unread: Sequence[Account], missed: Sequence[Miss]) -> Iterator[str]:
    what = f"{joined([quoted(own) for own in found.actions], 'or', shown=3)} on {quoted(found.on)}"
    if unread:
        why = unread_reasons(missed)
        yield (
            f"Who can perform {what} is not known: the users and roles of account"
            f" {joined([account.id for account in unread])} could not be read{f' ({why})' if why else ''}."
        )
    able = [own for own in found.principals if own.access.verdict == "can"]
    free = [own for own in able if not own.access.conditions]
    bound = [own for own in able if own.access.conditions]
    doubtful = [own for own in found.principals if own.access.verdict == "unknown"]
    if able:
        parts = [f"{counted(len(able), 'principal')} can perform {what}: {_named(free or bound)}"]
        if free and bound:
            parts.append(f"{len(bound)} of them under conditions: {_named(bound)}")
        elif bound:
            parts.append("each under conditions")
        partly = [own for own in able if own.partly]
        if partly:
            parts.append(f"{len(partly)} on a part of it alone")
        yield f"{'; '.join(parts)}."
    elif not unread:
        whose = " whose access could be judged" if doubtful else ""
        yield f"No user and no role{whose} can perform {what}."
    if doubtful:
        yield f"Of {counted(len(doubtful), 'principal')} it is not known: {_named(doubtful)} ({doubtful[0].access.why})."
    if found.anyone:
        yield "Anyone can, without an account of yours."
    yield from _outside(found)
    yield from _gaps(found)


def _gaps(found: WhoCan) -> Iterator[str]:
    """What was asked about and is not known: resources that were not listed, and policies of their own."""
    if found.missing:
        more = f", and {len(found.missing) - 1} more gaps" if len(found.missing) > 1 else ""
        yield f"There may be more of {quoted(found.on)}, not asked about: {found.missing[0]}{more}."
    if found.unread_policies:
        arn, why = next(iter(found.unread_policies.items()))
        others = len(found.unread_policies) - 1
        beside = f" and {others} more" if others else ""
        yield f"Whom the own policy of {quoted(arn)}{beside} lets in or keeps out is not known: {why}."
    if found.unread_grants:
        key, why = next(iter(found.unread_grants.items()))
        others = len(found.unread_grants) - 1
        beside = f" and {others} more" if others else ""
        yield f"The grants of {quoted(key)}{beside}, which may let in others, could not be read: {why}."


def _guardrails(summaries: Iterable[str]) -> Iterator[str]:
    """What could not be read of the organization's policies, which may take access away."""
    for summary in summaries:
        if summary.startswith(NOT_CONSIDERED):
            why = summary.removeprefix(NOT_CONSIDERED)
            yield f"The organization's policies, which may deny more, were not considered: {why}."


def _outside(found: WhoCan) -> Iterator[str]:
    for word, callers in (("from outside", found.outsiders), ("AWS services", found.services)):
        if callers:
            conditional = sum(bool(own.access.conditions) for own in callers)
            under = f", {conditional} under conditions" if conditional else ""
            unknown = sum(own.access.verdict == "unknown" for own in callers)
            doubt = f", {unknown} not known" if unknown else ""
            yield f"{word[0].upper()}{word[1:]}: {_named(callers)}{under}{doubt}."


def _named(callers: Sequence[Caller]) -> str:
    return joined([quoted(own.name.rpartition(":")[2]) for own in callers], shown=_MOST_NAMED)
