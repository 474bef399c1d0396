"""`audit access`: the answer on who can do something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.network.endpoint_policies import ENDPOINT_POLICIES
from aws_iam.answer import Answer, next_call
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.tools.audit.access.endpoint_limits import SOURCE_VPCE
from aws_iam.tools.audit.access.estate import Estate, facts_if_known, needed_facts
from aws_iam.tools.audit.access.estate_accounts import with_unread
from aws_iam.tools.audit.access.session_limits import facts_of_sessions
from aws_iam.tools.audit.access.summary import summary
from aws_iam.tools.audit.access.unseen_encryption import NOT_READ
from aws_iam.tools.audit.access.who_can import who_can
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
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import NextCall
    from aws_iam.tools.audit.access.estate_accounts import AskedAccounts
    from aws_iam.tools.audit.access.who_can import WhoCan

_PAGE = "references/compliance-checklist.md#who-can-do-what"
_LEFT_OUT = (
    "the root users, access control lists of S3, S3 access points, session policies that callers choose themselves (in runs"
    " of AWS Glue, HealthOmics and EMR Serverless, too) or that other services than EKS Pod Identity, IAM Roles Anywhere, Transfer Family and"
    " EMR Studio give to their sessions, the policies of VPC endpoints that no"
    " condition on aws:SourceVpce asks for or that were not read, and roles"
    " that only an AWS service can use; tags are conditions left open, but for those that users and roles have"
)


def access_answer(asked: AskedAccounts, actions: Sequence[str] | None, on: str | None) -> Answer:
    """Who can perform any of the actions on a resource, in one account or several."""
    if not actions:
        raise InputError(
            "`audit access` needs `who_can`, `principal` or `to`",
            hint='name the actions, such as `s3:GetObject`, and with `on` the resource, such as "arn:aws:s3:::books/*"; or give `to`: `admin`',
        )
    read = asked.read((*needed_facts(), *facts_if_known()))
    accounts = read.accounts
    estate = Estate.of(accounts)
    found = who_can(estate, actions, on or "")
    looked_at = (
        *needed_facts(),
        *((ENDPOINT_POLICIES,) if _asks_for_endpoints(found) else ()),
        *_facts_of_sessions(found, estate),
    )
    missed = tuple(miss for account in accounts for miss in misses_of(account, looked_at))
    unread = [member.account for member in estate.members.values() if member.authorization is None]
    guardrails = list(dict.fromkeys(own.guardrails.summary for own in estate.members.values()))
    oldest = min(accounts, key=lambda account: account.collected_at)
    is_nothing = len(unread) == len(accounts) and not (
        found.anyone or found.outsiders or found.services
    )
    answer = Answer(
        summary=summary(found, unread, missed, guardrails, several=len(accounts) > 1),
        facts={
            **({UNDERSTOOD: found.understood} if found.understood else {}),
            "account": joined([account_words(account) for account in accounts]),
            "collected_at": oldest.collected_at.isoformat(timespec="seconds"),
            "who_can": list(found.actions),
            "on": found.on,
            "anyone": found.anyone,
            **({"anyone_can": found.strangers.row()} if found.strangers else {}),
            "principals": [own.row() for own in found.principals],
            "outsiders": [own.row() for own in found.outsiders],
            "services": [own.row() for own in found.services],
            "organization_policies": joined(guardrails),
            **_not_judged(found, estate, unread),
            **({"nothing_evaluated": True} if is_nothing else {}),
            "not_considered": _LEFT_OUT,
            **_keys(found),
            **({"not_read": unread_table(missed)} if missed else {}),
        },
        sources=(_PAGE, EVALUATION_LOGIC),
        next=(
            *_next(found),
            audit_call("principals", "who is or can become an administrator"),
            next_call("policy", "lookup", "what the action does", (), query=found.actions[0]),
        ),
        as_of=catalog().as_of,
    )
    return with_unread(dated(answer, oldest, asked.source), read)


def _asks_for_endpoints(found: WhoCan) -> bool:
    """Whether somebody can do it through VPC endpoints alone, whose policies may refuse."""
    callers = (*found.principals, *found.outsiders, *found.services)
    return any(
        SOURCE_VPCE.lower() in condition.lower()
        for own in callers
        for part in (own, *own.besides)
        for condition in part.access.conditions
    )


def _facts_of_sessions(found: WhoCan, estate: Estate) -> Iterable[Fact[Any]]:
    """What says how the services limit their sessions that the roles let in which can do it."""
    able = {own.name for own in found.principals}
    trusts = (getattr(own.identity, "trust", "") for own in estate.principals if own.arn in able)
    return dict.fromkeys(fact for trust in trusts for fact in facts_of_sessions(trust))


def _next(found: WhoCan) -> Iterator[NextCall]:
    if found.entrances:
        why = "which identities of a provider get in"
        yield next_call(
            "audit", "access", why, ACCOUNT_ARGUMENTS, who_can=list(found.entrances), on=found.on
        )


def _keys(found: WhoCan) -> dict[str, Any]:
    rows = [{"place": arn, "why": why} for arn, why in found.unseen_keys.items()]
    return {"keys_not_looked_at": rows} if rows else {}


def _not_judged(found: WhoCan, estate: Estate, unread: Iterable[Account]) -> dict[str, Any]:
    rows = [
        {"place": account.id, "why": "its users and roles could not be read"} for account in unread
    ]
    rows += [
        {"place": member.account.id, "why": f"the organization's policies are {told}"}
        for member in estate.members.values()
        # They only take access away.
        if found.principals and (told := member.guardrails.summary).startswith(NOT_CONSIDERED)
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
        {"place": arn, "why": f"who may use the key that encrypts it is not known: {why}"}
        for arn, why in found.unseen_keys.items()
        # The key only takes access away.
        if why != NOT_READ and (found.principals or found.outsiders or found.services)
    ]
    rows += [
        {"place": own.name, "why": part.access.why}
        for own in (*found.principals, *found.outsiders, *found.services)
        for part in (own, *own.besides)
        if part.access.verdict == "unknown"
    ]
    rows += [
        {"place": session.limit.arn, "why": session.can.access.why}
        for own in found.principals
        for session in own.sessions
        # What is not known of the role is told above.
        if session.can and session.verdict == "unknown" and own.access.verdict != "unknown"
    ]
    return {"not_judged": rows} if rows else {}
