"""NotPrincipal with Deny: which principals the list exempts, and which it only seems to exempt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.document import Kind, Principal, Statement
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import OBJECTS
from aws_iam.rules.gates import has
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOT_PRINCIPAL = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html"
_BY_ARN = 'Replace NotPrincipal with "Principal": "*" and the condition "ArnNotEquals": {"aws:PrincipalArn": [ARNS]}.'
_NUMBER = re.compile(r"[0-9]{12}")
_MEMBER = re.compile(
    r"arn:(?P<partition>[^:*?]+):(?:iam|sts)::(?P<account>[0-9]{12}):"
    r"(?P<type>root|user|role|assumed-role|federated-user)(?:/(?P<name>.+))?"
)


def _deny_except(*principals: str) -> dict[str, object]:
    return {
        "Effect": "Deny",
        "NotPrincipal": {"AWS": list(principals)},
        "Action": "s3:*",
        "Resource": OBJECTS,
    }


_ACCOUNT = "arn:aws:iam::111122223333:root"
_ROLE = "arn:aws:iam::111122223333:role/app"
_SESSION = "arn:aws:sts::111122223333:assumed-role/app/web"


@check(
    "NOT_PRINCIPAL_WITHOUT_ACCOUNT",
    on=Statement,
    when=(has("NotPrincipal"),),
    severity=Severity.WARNING,
    title="The Deny may apply to a principal that NotPrincipal lists",
    fix=_BY_ARN,
    source=_NOT_PRINCIPAL,
    kinds=(Kind.RESOURCE,),
    bad=[_deny_except(_ROLE), _deny_except(_SESSION, _ACCOUNT)],
    good=[_deny_except(_ROLE, "111122223333"), _deny_except(_SESSION, _ROLE, _ACCOUNT)],
)
def unlisted_account(statement: Statement) -> Iterator[Fail]:
    """AWS may check the account first, then the role, then the session; if one of them is not listed, the Deny can apply.

    False alarm when the service does not check the account first: AWS says that this depends on the service.
    """
    listed = _listed(statement)
    for principal in statement.not_principals if statement.denies else ():
        missing = _missing(principal, listed)
        if missing:
            yield Fail(
                principal.name.where,
                f"{quoted(principal.value)} is exempt only if {' and '.join(missing)}"
                f" {'are' if missing[1:] else 'is'} listed too",
            )


def _listed(statement: Statement) -> frozenset[tuple[str, str, str]]:
    """The exempt accounts and roles: partition, account, and the name of the role, empty for a whole account."""
    exempt = set()
    for principal in statement.not_principals:
        member = _MEMBER.fullmatch(principal.value)
        if principal.type == "AWS" and member and member["type"] in {"root", "role"}:
            role = (member["name"] or "").rpartition("/")[2]
            exempt.add((member["partition"], member["account"], role))
        elif principal.type == "AWS" and _NUMBER.fullmatch(principal.value):
            exempt.add(("", principal.value, ""))
    return frozenset(exempt)


def _missing(principal: Principal, listed: frozenset[tuple[str, str, str]]) -> list[str]:
    """What NotPrincipal must list together with the principal and does not."""
    member = _MEMBER.fullmatch(principal.value) if principal.type == "AWS" else None
    if member is None or member["type"] == "root":
        return []
    partition, account = member["partition"], member["account"]
    arn = f"arn:{partition}:iam::{account}"
    accounts = {("", account, ""), (partition, account, "")} & listed
    missing = [] if accounts else [f"its account {quoted(f'{arn}:root')}"]
    if member["type"] == "assumed-role":
        role = member["name"].partition("/")[0]
        if (partition, account, role) not in listed:
            missing.append(f"its role {quoted(f'{arn}:role/{role}')}")
    return missing


@check(
    "DENY_WITH_NOT_PRINCIPAL",
    on=Statement,
    when=(has("NotPrincipal"),),
    severity=Severity.SUGGESTION,
    title="The Deny applies to every principal with a permissions boundary, listed or not",
    fix=_BY_ARN,
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html",
    kinds=(Kind.RESOURCE,),
    bad=[_deny_except(_ROLE, _ACCOUNT)],
    good=[
        {
            **_deny_except(_ROLE),
            "NotPrincipal": {"Service": "cloudtrail.amazonaws.com"},
        },
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": OBJECTS,
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": _ROLE}},
        },
    ],
)
def bounded_principals_denied(statement: Statement) -> Iterator[Fail]:
    """A Deny with NotPrincipal always denies a user or role that has a permissions boundary, whatever the list says.

    False alarm when none of the listed principals has a permissions boundary.
    """
    listed = _listed(statement)
    if not statement.denies or any(
        _missing(principal, listed) for principal in statement.not_principals
    ):
        return
    member = next(
        (principal for principal in statement.not_principals if principal.type == "AWS"), None
    )
    if member:
        yield Fail(
            statement.place("NotPrincipal"),
            f"{quoted(member.value)} is listed, but the Deny still applies to a user or role that has a permissions"
            " boundary",
        )
