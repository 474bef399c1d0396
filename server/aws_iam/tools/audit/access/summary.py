"""The answer on who can do something in sentences: who can, who perhaps can, and what is not known or was not looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.escape import quoted
from aws_iam.tools.audit.principals.organization_policies import NOT_CONSIDERED
from aws_iam.tools.kit.unread_facts import unread_reasons
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.account.collect.fact import Miss
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.audit.access.callers import Caller, LimitedCaller
    from aws_iam.tools.audit.access.who_can import WhoCan

_MOST_NAMED = 5


def summary(
    found: WhoCan,
    unread: Sequence[Account],
    missed: Sequence[Miss],
    guardrails: Iterable[str],
    *,
    several: bool,
) -> str:
    """All of it; `unread` are the accounts whose users and roles could not be read, `several` says whether there are more."""
    actions = joined([quoted(own) for own in found.actions], "or", shown=3)
    what = f"{actions} on {quoted(found.on)}"
    return " ".join(
        (
            *_unread(what, unread, missed),
            *_anyone(found, actions),
            *_principals(found, what, is_known=not unread, several=several),
            *_sessions(found.principals, several=several),
            *_outside(found),
            *_entrances(found),
            *found.beside,
            *_gaps(found),
            *_guardrails(guardrails),
            _left_out(found),
        )
    )


def _unread(what: str, unread: Sequence[Account], missed: Sequence[Miss]) -> Iterator[str]:
    if unread:
        why = unread_reasons(missed)
        yield (
            f"Who can perform {what} is not known: the users and roles of account"
            f" {joined([account.id for account in unread])} could not be read{f' ({why})' if why else ''}."
        )


def _principals(found: WhoCan, what: str, *, is_known: bool, several: bool) -> Iterator[str]:
    able = [own for own in found.principals if own.access.verdict == "can"]
    free = [own for own in able if not own.access.conditions]
    bound = [own for own in able if own.access.conditions]
    doubtful = [own for own in found.principals if own.access.verdict == "unknown"]
    if able:
        named = _named(free or bound, with_account=several)
        parts = [f"{counted(len(able), 'principal')} can perform {what}: {named}"]
        if free and bound:
            parts.append(
                f"{len(bound)} of them under conditions: {_named(bound, with_account=several)}"
            )
        elif bound:
            parts.append("each under conditions")
        partly = [own for own in able if own.partly]
        if partly:
            parts.append(f"{len(partly)} on a part of it alone")
        parts += _besides(able)
        yield f"{'; '.join(parts)}."
    elif is_known:
        whose = " whose access could be judged" if doubtful else ""
        gaps = found.unread_policies or found.unread_grants or found.missing
        yield f"No user and no role{whose} can perform {what}{', by what was read' if gaps else ''}."
    if doubtful:
        named = _named(doubtful, with_account=several)
        yield f"Of {counted(len(doubtful), 'principal')} it is not known: {named} ({doubtful[0].access.why})."


def _sessions(callers: Sequence[Caller], *, several: bool) -> Iterator[str]:
    """Which sessions of roles cannot do what their roles can, or less, because of the session policies that limit them."""
    alone = [own for own in callers if own.only_by_sessions and not _any_may(own)]
    sessions = [session for own in callers for session in own.sessions]
    nobodys = [session for session in sessions if not session.handed_out.is_possible]
    refused = [own for caller in callers if not _is_session(caller) for own in _refused(caller)]
    unsure = [
        session
        for own in callers
        for session in own.sessions
        if session.verdict == "unknown" and own.access.verdict != "unknown"
    ]
    lesser = [
        session
        for own in callers
        for session in own.sessions
        if session.verdict == own.access.verdict and session.can and _is_less(session.can, own)
    ]
    for words, found in (
        ("cannot", refused),
        ("can only in part, or under more conditions", lesser),
    ):
        if found:
            yield f"Sessions of such a role that {words}, by their session policies: {_whose(found)}."
    for caller in callers:
        if _is_session(caller) and (denied := list(_refused(caller))):
            name = _name(caller.name, with_account=several)
            yield f"As a session under a session policy that denies it, {name} cannot: {_whose(denied)}."
    if nobodys:
        why = dict.fromkeys(f"{own.limit.whose} ({own.handed_out.why})" for own in nobodys)
        named = joined(list(why), shown=_MOST_NAMED)
        yield f"Such a role is not handed out to {named}."
    if alone:
        named = _named(alone, with_account=several)
        has = "is a role" if len(alone) == 1 else "are roles"
        yield f"{named} {has} that nobody has today but by such sessions."
    if unsure:
        yield f"Whether their session policies allow it is not known of {_whose(unsure)}."


def _is_session(caller: Caller) -> bool:
    """Whether it is a session that a policy names, which session policies limit by what they deny alone."""
    return ":assumed-role/" in caller.name


def _refused(caller: Caller) -> Iterator[LimitedCaller]:
    """The sessions that there are and that cannot."""
    for own in caller.sessions:
        if own.can is None and own.handed_out.is_possible:
            yield own


def _whose(sessions: Iterable[LimitedCaller]) -> str:
    return joined(list(dict.fromkeys(own.limit.whose for own in sessions)), shown=_MOST_NAMED)


def _any_may(own: Caller) -> bool:
    """Whether a session that has a role can do all that the role can."""
    return any(session.can and not _is_less(session.can, own) for session in own.sessions)


def _is_less(session: Caller, role: Caller) -> bool:
    """Whether a session can do less than its role, or under conditions that the role does not have."""
    same_parts = {*role.actions, *role.on} <= {*session.actions, *session.on}
    same_conditions = {*session.access.conditions} <= {*role.access.conditions}
    return (session.partly and not same_parts) or not same_conditions


def _besides(able: Sequence[Caller]) -> Iterator[str]:
    for verdict, words in (("can", "under other conditions"), ("unknown", "perhaps")):
        number = sum(any(part.access.verdict == verdict for part in own.besides) for own in able)
        if number:
            yield f"{number} {words} on some parts"


def _anyone(found: WhoCan, actions: str) -> Iterator[str]:
    if found.strangers:
        on = found.strangers.on if found.strangers.partly else (found.on,)
        where = joined([quoted(own) for own in on], shown=_MOST_NAMED)
        yield f"Anyone can perform {actions} on {where}, also from outside your accounts."


def _outside(found: WhoCan) -> Iterator[str]:
    for word, callers in (("from outside", found.outsiders), ("AWS services", found.services)):
        if callers:
            conditional = sum(bool(own.access.conditions) for own in callers)
            under = f", {conditional} under conditions" if conditional else ""
            unknown = sum(own.access.verdict == "unknown" for own in callers)
            doubt = f", {unknown} not known" if unknown else ""
            named = _named(callers, with_account=True)
            yield f"{word[0].upper()}{word[1:]}: {named}{under}{doubt}."


def _entrances(found: WhoCan) -> Iterator[str]:
    if found.entrances:
        names = joined([quoted(own) for own in found.entrances])
        yield f"Identities of a provider get in by {names}: ask for that as well."


def _gaps(found: WhoCan) -> Iterator[str]:
    """What was asked about and is not known: resources that were not listed, policies of their own, grants and keys."""
    if found.missing:
        more = and_more_gaps(found.missing)
        yield f"There may be more of {quoted(found.on)}, not asked about: {found.missing[0]}{more}."
    if found.unread_policies:
        named, why = _first(found.unread_policies)
        yield f"Whom the own policy of {named} lets in or keeps out is not known: {why}."
    if found.unread_grants:
        named, why = _first(found.unread_grants)
        yield f"The grants of {named}, which may let in others, could not be read: {why}."
    if found.unseen_keys:
        named, why = _first(found.unseen_keys)
        yield f"Who may use the key that encrypts {named} was not looked at: {why}."


def and_more_gaps(gaps: Sequence[object]) -> str:
    """How many there are beside the first, which a sentence has named."""
    return f", and {counted(len(gaps) - 1, 'more gap')}" if len(gaps) > 1 else ""


def _first(gaps: Mapping[str, str]) -> tuple[str, str]:
    arn, why = next(iter(gaps.items()))
    others = len(gaps) - 1
    return f"{quoted(arn)}{f' and {others} more' if others else ''}", why


def _guardrails(summaries: Iterable[str]) -> Iterator[str]:
    """What could not be read of the organization's policies, which may take access away."""
    for text in summaries:
        if text.startswith(NOT_CONSIDERED):
            why = text.removeprefix(NOT_CONSIDERED)
            yield f"The organization's policies, which may deny more, were not considered: {why}."


def _left_out(found: WhoCan) -> str:
    of_s3 = any(action.startswith("s3:") for action in found.actions)
    what = "Access control lists, access points and root users" if of_s3 else "Root users"
    return f"{what} are not considered."


def _named(callers: Sequence[Caller], *, with_account: bool) -> str:
    return joined(
        [_name(own.name, with_account=with_account) for own in callers], shown=_MOST_NAMED
    )


def _name(text: str, *, with_account: bool) -> str:
    """The name of a caller, with its account where names of several may meet."""
    arn = Arn.of(text)
    if arn is None:
        return quoted(text)
    if arn.resource == "root":
        return f"account {arn.account}"
    account = f" of {arn.account}" if with_account and arn.account.isdigit() else ""
    return f"{quoted(arn.resource)}{account}"
