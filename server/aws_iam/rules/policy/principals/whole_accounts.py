"""Resource policies that allow another account every action on the resource."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Kind, Policy, Principal, Statement
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import Example, allow_to, policy_with
from aws_iam.rules.gates import PRINCIPALS
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUEUE = "arn:aws:sqs:eu-west-1:111122223333:orders"
_ROOT = re.compile(r"(?:arn:aws[a-z-]*:iam::)?([0-9]{12})(?::root)?")


def _on_queue(account: str, actions: object) -> Example:
    return allow_to({"AWS": account}, actions, _QUEUE)


def _accounts(statement: Statement) -> Iterator[tuple[Principal, str]]:
    """The principals that are a whole account, each with its id."""
    for principal in statement.principals:
        account = _ROOT.fullmatch(principal.value) if principal.type == "AWS" else None
        if account:
            yield principal, account[1]


def _owners(statement: Statement) -> set[str]:
    """The accounts that the ARNs of the resources name."""
    arns = (Arn.of(resource.value) for resource in statement.resources)
    return {arn.account for arn in arns if arn and re.fullmatch(r"[0-9]{12}", arn.account)}


def _everything(statement: Statement, *, owned: bool) -> str:
    """How the statement allows every action; `service:*` counts where the resource's account is known."""
    if statement.not_actions:
        return "`NotAction`"
    for entry in statement.actions:
        _, colon, name = entry.value.partition(":")
        if not entry.value.strip("*") or (owned and colon and name and not name.strip("*")):
            return quoted(entry.value)
    return ""


@check(
    "OTHER_ACCOUNT_ALLOWED_EVERYTHING",
    on=Policy,
    when=(PRINCIPALS,),
    severity=Severity.SECURITY_WARNING,
    title="Another account is allowed every action on the resource",
    fix="List the actions that the other account needs, and name its roles in Principal.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies-cross-account-resource-access.html",
    kinds=(Kind.RESOURCE,),
    bad=[
        policy_with(_on_queue("444455556666", "*")),
        policy_with(_on_queue("arn:aws:iam::444455556666:root", "sqs:*")),
        policy_with(allow_to({"AWS": "444455556666"}, "*", "*")),
    ],
    good=[
        policy_with(_on_queue("444455556666", "sqs:SendMessage")),
        policy_with(_on_queue("111122223333", "sqs:*")),
        policy_with(allow_to({"AWS": "arn:aws:iam::111122223333:root"}, "kms:*", "*")),
        policy_with(_on_queue("arn:aws:iam::444455556666:role/app", "sqs:*")),
    ],
)
def everything_for_an_account(policy: Policy) -> Iterator[Fail]:
    """The other account can delete the resource and change its policy, and decides which of its users and roles can do so.

    False alarm when the account is the resource's own, which `*` as Resource does not show.
    """
    for statement in policy.statements:
        if not statement.allows or statement.conditions:
            continue
        owners = _owners(statement)
        actions = _everything(statement, owned=bool(owners))
        for principal, account in _accounts(statement) if actions else ():
            if account not in owners:
                yield Fail(
                    principal.name.where,
                    f"{quoted(principal.value)} can call every action on the resource: {actions}",
                    low_confidence=not owners,
                )
