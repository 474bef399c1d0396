"""`audit access --to`: who is or can become what was asked for, by which paths, and what closes most of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, next_call
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.engine.reference.catalog import catalog
from aws_iam.tools.audit.access.estate import facts_if_known
from aws_iam.tools.audit.access.estate_accounts import with_unread
from aws_iam.tools.audit.paths.found_paths import LEFT_OUT, PAGE, found_paths, needed_facts
from aws_iam.tools.audit.paths.hop import ADMIN
from aws_iam.tools.audit.paths.to_summary import summary
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

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import NextCall
    from aws_iam.tools.audit.access.estate_accounts import AskedAccounts
    from aws_iam.tools.audit.paths.hop import Paths


def to_answer(asked: AskedAccounts, to: str, who_can: Sequence[str]) -> Answer:
    """Who is or can become an administrator, a principal, or whoever can act on a resource."""
    read = asked.read((*needed_facts(), *facts_if_known()))
    answer = paths_answer(read.accounts, to, who_can)
    oldest = min(read.accounts, key=lambda account: account.collected_at)
    return with_unread(dated(answer, oldest, asked.source), read)


def paths_answer(
    accounts: Sequence[Account], to: str = ADMIN, who_can: Sequence[str] = ()
) -> Answer:
    """The same of accounts that were read."""
    found = found_paths(accounts, to, who_can)
    named, paths = found.named, found.paths
    missed = tuple(miss for account in accounts for miss in misses_of(account, needed_facts()))
    members = found.estate.members.values()
    unread = [member.account for member in members if member.authorization is None]
    oldest = min(account.collected_at for account in accounts)
    return Answer(
        summary=summary(found, unread, missed),
        findings=found.findings,
        facts={
            **({UNDERSTOOD: [named.understood]} if named.understood else {}),
            "account": joined([account_words(account) for account in accounts]),
            "collected_at": oldest.isoformat(timespec="seconds"),
            "to": named.to,
            **({"who_can": list(named.actions)} if named.actions else {}),
            "counts": _counts(paths),
            **_path_facts(paths),
            "organization_policies": joined(found.guardrails),
            **({"not_judged": list(found.not_judged)} if found.not_judged else {}),
            **({"nothing_evaluated": True} if len(unread) == len(accounts) else {}),
            "not_considered": LEFT_OUT,
            **({"not_read": unread_table(missed)} if missed else {}),
        },
        sources=(PAGE, EVALUATION_LOGIC),
        next=tuple(_next(paths)),
        as_of=catalog().as_of,
    )


def _path_facts(paths: Paths) -> dict[str, Any]:
    """Who gets there, what closes most paths, and the paths themselves."""
    left_out = paths.left_out + paths.too_long
    return {
        **({"there_already": list(paths.there)} if paths.there else {}),
        "principals": [own.row() for own in paths.principals],
        "cuts": [own.row() for own in paths.cuts],
        "outsiders": [own.row() for own in paths.outsiders],
        "paths": [own.row() for own in paths.paths],
        **({"paths_left_out": left_out} if left_out else {}),
        **({"paths_not_varied": paths.not_varied} if paths.not_varied else {}),
    }


def _counts(paths: Paths) -> dict[str, int]:
    verdicts = [own.verdict for own in paths.principals]
    return {name: verdicts.count(name) for name in ("administrator", "can_become", "unknown")}


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
