"""`audit access --principal`: what a user or role can do, and everything that it can become."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import MissKind
from aws_iam.answer import Answer, next_call
from aws_iam.engine.comparison.change_risks import riskiest_first
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import AwsError
from aws_iam.escape import quoted
from aws_iam.tools.audit.access.estate import Estate, facts_if_known
from aws_iam.tools.audit.access.estate_accounts import with_unread
from aws_iam.tools.audit.access.handed_out import HandedOut
from aws_iam.tools.audit.access.session_limits import session_limits
from aws_iam.tools.audit.paths.becoming import Becoming, becoming
from aws_iam.tools.audit.paths.book import PowerBook
from aws_iam.tools.audit.paths.compute import not_collected
from aws_iam.tools.audit.paths.effective_access import LEVELS, ServiceAccess, effective_access
from aws_iam.tools.audit.paths.found_paths import LEFT_OUT, PAGE, needed_facts
from aws_iam.tools.audit.paths.names import identity_named
from aws_iam.tools.audit.paths.spoken_names import Names
from aws_iam.tools.audit.paths.to_summary import first_gap, not_considered, path_in_words
from aws_iam.tools.audit.principals.organization_policies import NOT_CONSIDERED
from aws_iam.tools.kit.account_source import ACCOUNT_ARGUMENTS, account_words, dated
from aws_iam.tools.kit.unread_facts import misses_of, unread_reasons, unread_table
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import NextCall
    from aws_iam.tools.audit.access.estate import Principal
    from aws_iam.tools.audit.access.estate_accounts import AskedAccounts
    from aws_iam.tools.audit.access.held_policies import SessionLimit

_MOST_NAMED = 5


def principal_answer(asked: AskedAccounts, text: str) -> Answer:
    """The services, levels and risky actions of a principal in effect, and whom it can become."""
    read = asked.read((*needed_facts(), *facts_if_known()))
    accounts = read.accounts
    estate = Estate.of(accounts)
    _refuse_unread(estate, accounts)
    book = PowerBook.of(estate)
    number = identity_named(book.entities, text, "principal")
    principal = book.entities.principals[number]
    is_administrator = book.is_administrator(number)
    services = effective_access(book, number)
    # An administrator can act as everyone in its account.
    found = Becoming() if is_administrator else becoming(book, number)
    missed = tuple(miss for account in accounts for miss in misses_of(account, needed_facts()))
    oldest = min(accounts, key=lambda account: account.collected_at)
    arn = book.entities.arns[number]
    sessions = [] if principal.session else session_limits(estate).get(arn, [])
    handed_out = HandedOut.of_estate(book.decider, estate)
    not_judged = tuple(_not_judged(book, number, found))
    answer = Answer(
        summary=" ".join(
            _summary(
                arn,
                principal,
                is_administrator,
                services,
                found,
                not_judged,
                Names.of_all(book.entities),
                handed_out,
            )
        ),
        facts={
            "account": account_words(principal.member.account),
            "collected_at": oldest.collected_at.isoformat(timespec="seconds"),
            "principal": arn,
            **({"role": principal.arn} if principal.session else {}),
            "administrator": is_administrator,
            "boundary": principal.identity.boundary,
            **(
                {"sessions": [_session_row(own, handed_out) for own in sessions]}
                if sessions
                else {}
            ),
            "becomes": [own.row() for own in found.becomes],
            **({"becomes_left_out": found.left_out} if found.left_out else {}),
            "access": [own.row() for own in services],
            "organization_policies": principal.member.guardrails.summary,
            **({"not_judged": list(not_judged)} if not_judged else {}),
            "not_considered": LEFT_OUT,
            **({"not_read": unread_table(missed)} if missed else {}),
        },
        sources=(PAGE, EVALUATION_LOGIC),
        next=tuple(_next(principal, services)),
        as_of=catalog().as_of,
    )
    return with_unread(dated(answer, oldest, asked.source), read)


def _session_row(limit: SessionLimit, handed_out: HandedOut) -> dict[str, str]:
    why = _why_nobodys(limit, handed_out)
    return {**limit.row(), **({"nobody_has_it": why} if why else {})}


def _why_nobodys(limit: SessionLimit, handed_out: HandedOut) -> str:
    """Why nobody is handed out such sessions; empty where somebody may be."""
    found = handed_out.of(limit.handover)
    return "" if found.is_possible else found.why


def _refuse_unread(estate: Estate, accounts: Sequence[Account]) -> None:
    if not any(member.authorization for member in estate.members.values()):
        missed = [miss for account in accounts for miss in misses_of(account, needed_facts())]
        raise AwsError(
            f"the users and roles could not be read: {unread_reasons(missed)}",
            hint="allow iam:GetAccountAuthorizationDetails"
            if any(miss.kind is MissKind.DENIED for miss in missed)
            else "read the account again",
        )


def _not_judged(book: PowerBook, number: int, found: Becoming) -> Iterator[dict[str, str]]:
    principal = book.entities.principals[number]
    for why in book.unread(number):
        yield {"place": book.entities.arns[number], "why": why}
    if (told := principal.member.guardrails.summary).startswith(NOT_CONSIDERED):
        yield {
            "place": principal.member.account.id,
            "why": f"the organization's policies are {told}",
        }
    for own in found.becomes:
        if own.perhaps:
            why = next((hop.why_unknown for hop in own.path.hops if hop.why_unknown), "")
            yield {"place": own.principal, "why": why or "not all that decides could be read"}
    if found.was_stopped:
        yield {
            "place": principal.arn,
            "why": "its search was stopped: it can make too many changes",
        }
    for kind, why in dict(not_collected(book.actor(number), book.compute)).items():
        yield {"place": kind, "why": f"which roles they have is not known: {why}"}


def _summary(
    arn: str,
    principal: Principal,
    is_administrator: bool | None,  # noqa: FBT001 - None where it is not known
    services: Sequence[ServiceAccess],
    found: Becoming,
    not_judged: Sequence[dict[str, str]],
    names: Names,
    handed_out: HandedOut,
) -> Iterator[str]:
    name = names.of(arn)
    name = f"{name[0].upper()}{name[1:]}"
    if principal.session and (why := _why_nobodys(principal.session, handed_out)):
        yield f"Nobody has such a session: {why}."
    if is_administrator:
        within = " that the organization permits" if principal.member.guardrails.scps else ""
        account = principal.member.account.id
        yield f"{name} is an administrator: it can do everything{within}, and act as everyone in account {account}."
    else:
        yield from _raised(name, found, names)
        yield from _services(name, services)
        yield from _others(name, found, names)
    yield from first_gap(not_judged)
    is_nobody = not is_administrator and not found.becomes
    yield f"Conditions count as met. {not_considered(is_nobody=is_nobody)}"


def _services(name: str, services: Sequence[ServiceAccess]) -> Iterator[str]:
    if not services:
        yield f"No policy that was read gives {name} any access."
        return
    changing = [own.service for own in services if own.levels & set(LEVELS[:2])]
    words = f"{name} has access to {counted(len(services), 'service')}"
    if changing:
        words += f" and can change {joined(changing, shown=_MOST_NAMED)}"
    risky = riskiest_first(action for own in services for action in own.actions)
    if risky:
        shown = joined([quoted(own) for own in risky], shown=_MOST_NAMED)
        words += f"; {counted(len(risky), 'risky action')}: {shown}"
    yield f"{words}."


def _raised(name: str, found: Becoming, names: Names) -> Iterator[str]:
    """The worst thing, which comes first: that it can become an administrator."""
    for own in found.becomes[:1]:
        if own.path.is_administrator and not own.perhaps:
            yield f"{name} can become an administrator: {path_in_words(own.path, names)}."


def _others(name: str, found: Becoming, names: Names) -> Iterator[str]:
    certain = [own for own in found.becomes if not own.perhaps]
    others = [own for own in certain if not own.path.is_administrator]
    if others:
        named = [names.of(own.principal) for own in others]
        more = f", and {found.left_out} more" if found.left_out else ""
        yield f"It can act as {joined(named, shown=_MOST_NAMED)}{more}."
    if not certain:
        yield f"{name} can become nobody else, by what could be judged."
    unknown = len(found.becomes) - len(certain)
    if unknown:
        yield f"Of {counted(unknown, 'further principal')} it is not known whether it can become them."


def _next(principal: Principal, services: Sequence[ServiceAccess]) -> Iterator[NextCall]:
    yield next_call("audit", "access", "who can become it", ACCOUNT_ARGUMENTS, to=principal.arn)
    risky = riskiest_first(action for own in services for action in own.actions)
    if risky:
        yield next_call("policy", "lookup", "what the riskiest action does", query=risky[0])
