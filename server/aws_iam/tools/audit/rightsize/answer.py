"""`audit rightsize`: the answer, with a row and a proposal for each user and role."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.identity.credential_report import CREDENTIAL_REPORT
from aws_iam.account.collect.identity.last_accessed import KEPT_DAYS, LAST_ACCESSED, is_called
from aws_iam.answer import Answer, next_call
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.report.order import by_urgency
from aws_iam.tools.audit.principals.unused_access import UNUSED_PAGE
from aws_iam.tools.audit.rightsize.change_files import change_file
from aws_iam.tools.audit.rightsize.events_by_principal import EventsByPrincipal
from aws_iam.tools.audit.rightsize.findings import findings, nothing_read
from aws_iam.tools.audit.rightsize.judged_principals import VERDICTS, judged
from aws_iam.tools.audit.rightsize.proposals import proposal
from aws_iam.tools.audit.rightsize.recorded_use import Window
from aws_iam.tools.audit.rightsize.rows import not_judged, row
from aws_iam.tools.audit.rightsize.summary import summary
from aws_iam.tools.kit.account_source import (
    ACCOUNT_ARGUMENTS,
    account_words,
    audit_call,
    dated,
    read_account,
)
from aws_iam.tools.kit.unread_facts import misses_of, missing_permissions, unread_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.collect.identity.authorization import Authorization
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import NextCall
    from aws_iam.tools.audit.rightsize.judged_principals import JudgedPrincipal
    from aws_iam.tools.audit.rightsize.policy_changes import PolicyChange
    from aws_iam.tools.kit.parameters import Source
    from aws_iam.tools.kit.tool import Progress

_PAGE = "references/compliance-checklist.md#smaller-policies"
_JSON = "json"
_DAYS = re.compile(r"\s*(\d{1,4})\s*(?:d|days?)?\s*", re.IGNORECASE)
_LEFT_OUT = (
    "the policies of resources, boundaries and the organization's policies, which are not changed; session policies; roles"
    " that only an AWS service can use; the age of a permission"
)


def needed_facts() -> tuple[Fact[Any], ...]:
    """The facts that the answer needs."""
    return AUTHORIZATION, LAST_ACCESSED, CREDENTIAL_REPORT


def rightsize_answer(
    source: Source,
    progress: Progress,
    principal: str | None,
    events: Any,
    days: str | None,
    format_: str,
) -> Answer:
    """What was not used and smaller policies, for every user and role or for one of them."""
    wanted_days = _days(days)
    seen = EventsByPrincipal() if events is None else EventsByPrincipal.of(events)
    name = _without_session((principal or "").strip())
    account = read_account(source, needed_facts(), progress, principal=name)
    authorization = account.get(AUTHORIZATION)
    if isinstance(authorization, Miss):
        return dated(_unread(account, authorization), account, source)
    window = Window.of(account.collected_at, wanted_days)
    judgement = judged(account, authorization, window, seen, progress)
    chosen = judgement.principals
    changes = judgement.changes
    if name:
        chosen = _called(name, chosen)
        arns = {own.identity.arn for own in chosen}
        changes = tuple(own for own in changes if arns & own.concerned)
    return dated(
        _answer(account, authorization, window, chosen, changes, seen, format_), account, source
    )


def _answer(
    account: Account,
    authorization: Authorization,
    window: Window,
    principals: Sequence[JudgedPrincipal],
    changes: Sequence[PolicyChange],
    events: EventsByPrincipal,
    format_: str,
) -> Answer:
    missed = misses_of(account, needed_facts())
    found = by_urgency(findings(principals, window))
    is_nothing = bool(principals) and all(
        own.verdict == "unknown" and own.missing for own in principals
    )
    left = not_judged(principals, events)
    linked = sum(role.is_service_linked for role in authorization.roles)
    return Answer(
        summary=summary(principals, window, events, is_nothing=is_nothing),
        findings=found,
        facts={
            "account": account_words(account),
            "collected_at": account.collected_at.isoformat(timespec="seconds"),
            "tracked_since": f"{window.since:%Y-%m-%d}",
            "days": window.days,
            "counts": {
                verdict: number
                for verdict in VERDICTS
                if (number := sum(own.verdict == verdict for own in principals))
            },
            **({"nothing_evaluated": True} if is_nothing else {}),
            "principals": [row(own, window) for own in principals],
            **({"events": events.events} if events.events else {}),
            **({"not_judged": left} if left else {}),
            **({"service_linked_roles_left_out": linked} if linked else {}),
            "not_considered": _LEFT_OUT,
            **({"not_read": unread_table(missed)} if missed else {}),
        },
        artifacts=(
            *(
                (proposal(own, window) for own in principals if own.documents)
                if format_ == _JSON
                else (change_file(format_, account, window, changes, principals),)
                if changes or any(own.verdict == "unused" for own in principals)
                else ()
            ),
            *missing_permissions(account, found),
        ),
        sources=(_PAGE, UNUSED_PAGE),
        next=tuple(_next(principals)),
        as_of=catalog().as_of,
    )


def _unread(account: Account, miss: Miss) -> Answer:
    """The answer where users and roles could not be read."""
    found = (nothing_read(miss.error()),)
    return Answer(
        summary=f"What users and roles use is not known: they could not be read ({miss}).",
        findings=found,
        facts={
            "account": account_words(account),
            "collected_at": account.collected_at.isoformat(timespec="seconds"),
            "nothing_evaluated": True,
            "principals": [],
            "not_judged": [{"place": account.id, "why": f"its users and roles: {miss}"}],
            "not_read": unread_table(misses_of(account, needed_facts())),
        },
        artifacts=missing_permissions(account, found),
        sources=(_PAGE, UNUSED_PAGE),
        next=(audit_call("run", "all controls of the benchmark"),),
        as_of=catalog().as_of,
    )


def _next(principals: Sequence[JudgedPrincipal]) -> Iterator[NextCall]:
    if any(own.verdict == "smaller" for own in principals) and len(principals) > 1:
        first = next(own for own in principals if own.verdict == "smaller")
        yield next_call(
            "audit",
            "rightsize",
            "the commands for one of them",
            (*ACCOUNT_ARGUMENTS, "events", "days"),
            principal=first.identity.arn,
            format="cli",
        )
    yield audit_call("principals", "who is or can become an administrator")
    yield next_call(
        "policy", "guide", "a policy from recorded events alone", (), topic="policies-from-events"
    )


def _without_session(name: str) -> str:
    """`role/NAME` for the ARN of a session, which omits the role's path; any other name as it is."""
    _, assumed, rest = name.partition(":assumed-role/")
    return f"role/{rest.partition('/')[0]}" if assumed else name


def _called(name: str, principals: Sequence[JudgedPrincipal]) -> tuple[JudgedPrincipal, ...]:
    found = tuple(own for own in principals if is_called(own.identity, name))
    if found:
        return found
    near = closest(name, [own.identity.name for own in principals])
    raise InputError(
        f"the account has no user and no role {quoted(name)}",
        hint=f"did you mean {quoted(near)}?"
        if near
        else "give its ARN, `role/NAME` or `user/NAME`",
    )


def _days(given: str | None) -> int | None:
    if given is None:
        return None
    found = _DAYS.fullmatch(given)
    days = int(found[1]) if found else 0
    if not 1 <= days <= KEPT_DAYS:
        raise InputError(
            f"`days` must be from 1 to {KEPT_DAYS}, not {quoted(given)}",
            hint=f"AWS keeps what was used for {KEPT_DAYS} days; leave it out to count all of that",
        )
    return days
