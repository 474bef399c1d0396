"""`audit access --to`: who is or can become what was asked for, by which paths, and what closes most of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.identity.credential_report import CREDENTIAL_REPORT
from aws_iam.answer import Answer, next_call
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.engine.reference.catalog import catalog
from aws_iam.report.order import by_urgency
from aws_iam.tools.audit.access.estate import Estate
from aws_iam.tools.audit.access.estate import needed_facts as facts_of_estate
from aws_iam.tools.audit.access.estate_accounts import estate_accounts
from aws_iam.tools.audit.paths.book import PowerBook
from aws_iam.tools.audit.paths.compute import FACTS, not_collected
from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.paths.goals import goal_named
from aws_iam.tools.audit.paths.hop import Path, Paths
from aws_iam.tools.audit.paths.outsiders import entries, finding_of
from aws_iam.tools.audit.paths.reach import Reach
from aws_iam.tools.audit.paths.spoken_names import Names
from aws_iam.tools.audit.paths.to_summary import summary
from aws_iam.tools.audit.principals.organization_policies import NOT_CONSIDERED
from aws_iam.tools.kit.account_source import (
    ACCOUNT_ARGUMENTS,
    account_words,
    audit_call,
    dated,
)
from aws_iam.tools.kit.tool import UNDERSTOOD
from aws_iam.tools.kit.unread_facts import misses_of, unread_table
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.account.collect.fact import Fact
    from aws_iam.answer import Finding, NextCall
    from aws_iam.tools.audit.paths.goals import NamedGoal
    from aws_iam.tools.kit.parameters import Source
    from aws_iam.tools.kit.tool import Progress

PAGE = "references/compliance-checklist.md#who-can-become-whom"
LEFT_OUT = (
    "the root users, session policies, session names, permission sets of IAM Identity Center, centralized root access, another"
    " role for an existing function, stack, state machine or schedule, writing the policy of a"
    " resource on the way to it, creating an identity in steps of several principals, instance profiles without a role, OpenID"
    " Connect providers that are replaced, and resources that run with a role of kinds that are not collected"
)


def needed_facts() -> tuple[Fact[Any], ...]:
    """The facts that the answer needs."""
    own = (CREDENTIAL_REPORT, *FACTS.values())
    return tuple(dict.fromkeys((*facts_of_estate(), *own)))


def to_answer(source: Source, progress: Progress, to: str, who_can: Sequence[str]) -> Answer:
    """Who is or can become an administrator, a principal, or whoever can act on a resource."""
    accounts = tuple(estate_accounts(source, needed_facts(), progress))
    estate = Estate.of(accounts)
    book = PowerBook.of(estate)
    named = goal_named(book, estate, to, who_can)
    paths, findings = _with_outsiders(book, named, Reach(book, named.goal, named.to).found())
    missed = tuple(miss for account in accounts for miss in misses_of(account, needed_facts()))
    unread = [member.account for member in estate.members.values() if member.authorization is None]
    guardrails = list(dict.fromkeys(own.guardrails.summary for own in estate.members.values()))
    not_judged = tuple(_not_judged(book, estate, paths))
    oldest = min(accounts, key=lambda account: account.collected_at)
    answer = Answer(
        summary=summary(
            named, paths, unread, missed, guardrails, not_judged, Names.of_all(book.entities.arns)
        ),
        findings=findings,
        facts={
            **({UNDERSTOOD: [named.understood]} if named.understood else {}),
            "account": joined([account_words(account) for account in accounts]),
            "collected_at": oldest.collected_at.isoformat(timespec="seconds"),
            "to": named.to,
            **({"who_can": list(named.actions)} if named.actions else {}),
            "counts": _counts(paths),
            **({"there_already": list(paths.there)} if paths.there else {}),
            "principals": [own.row() for own in paths.principals],
            "cuts": [own.row() for own in paths.cuts],
            "outsiders": [own.row() for own in paths.outsiders],
            "paths": [own.row() for own in paths.paths],
            **({"paths_left_out": paths.left_out} if paths.left_out else {}),
            "organization_policies": joined(guardrails),
            **({"not_judged": list(not_judged)} if not_judged else {}),
            **({"nothing_evaluated": True} if len(unread) == len(accounts) else {}),
            "not_considered": LEFT_OUT,
            **({"not_read": unread_table(missed)} if missed else {}),
        },
        sources=(PAGE, EVALUATION_LOGIC),
        next=tuple(_next(paths)),
        as_of=catalog().as_of,
    )
    return dated(answer, oldest, source)


def _with_outsiders(
    book: PowerBook, named: NamedGoal, paths: Paths
) -> tuple[Paths, tuple[Finding, ...]]:
    """The paths with those that begin outside, and findings where these lead to administrator access."""
    entities, goal = book.entities, named.goal
    onward: dict[int, Path | None] = {}
    for path in paths.paths:
        number = entities.number[path.start]
        if entities.roles >> number & 1 and path.is_certain:
            onward.setdefault(number, path)
    for number in bits(goal.principals & entities.roles):
        onward[number] = None
    found = entries(book, onward, administrators=goal.principals if named.is_admin else 0)
    findings = [finding_of(own, path, book) for own, path in found] if named.is_admin else []
    return replace(paths, outsiders=tuple(path for _, path in found)), by_urgency(findings)


def _counts(paths: Paths) -> dict[str, int]:
    verdicts = [own.verdict for own in paths.principals]
    return {name: verdicts.count(name) for name in ("administrator", "can_become", "unknown")}


def _not_judged(book: PowerBook, estate: Estate, paths: Paths) -> Iterator[dict[str, str]]:
    for member in estate.members.values():
        account = member.account
        if member.authorization is None:
            yield {"place": account.id, "why": "its users and roles could not be read"}
        if (told := member.guardrails.summary).startswith(NOT_CONSIDERED):
            yield {"place": account.id, "why": f"the organization's policies are {told}"}
    for own in paths.principals:
        if own.verdict == "unknown":
            yield {"place": own.principal, "why": own.why}
    for number in bits(book.trusts.unread):
        place = book.entities.arns[number]
        yield {"place": place, "why": "whom its trust policy lets in is not known"}
    for arn in paths.stopped:
        yield {"place": arn, "why": "its search was stopped: it can make too many changes"}
    yield from _unread_compute(book, paths)


def _unread_compute(book: PowerBook, paths: Paths) -> Iterator[dict[str, str]]:
    """The kinds of resources whose roles are not known, where a principal without a path could use them."""
    entities = book.entities
    settled = {own.principal for own in paths.principals if own.verdict != "unknown"}
    told: dict[tuple[str, str], str] = {}
    for number in bits(entities.users | entities.roles):
        if book.compute.unread and entities.arns[number] not in settled:
            for kind, why in not_collected(book.actor(number), book.compute):
                told[kind, entities.account_of(number)] = why
    for (kind, account), why in told.items():
        yield {
            "place": f"{kind} of account {account}",
            "why": f"which roles they have is not known: {why}",
        }


def _next(paths: Paths) -> Iterator[NextCall]:
    first = next((own for own in paths.principals if own.verdict == "can_become"), None)
    if first:
        why = "what it can do and become"
        yield next_call("audit", "access", why, ACCOUNT_ARGUMENTS, principal=first.principal)
    if paths.cuts:
        yield next_call(
            "policy", "lookup", "what the action that opens most paths does", query=paths.cuts[0].actions[0]
        )  # fmt: skip
    yield audit_call("principals", "administrators, trusts and unused access of the account")
