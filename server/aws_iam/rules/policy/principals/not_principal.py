"""NotPrincipal with Deny: whom the list spares, and whom it only seems to spare."""

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
_BY_ARN = 'Write "Principal": "*" with "ArnNotEquals": {"aws:PrincipalArn": [ARNS]} in place of NotPrincipal.'
_NUMBER = re.compile(r"[0-9]{12}")
_MEMBER = re.compile(
    r"arn:(?P<partition>[^:*?]+):(?:iam|sts)::(?P<account>[0-9]{12}):"
    r"(?P<type>root|user|role|assumed-role|federated-user)(?:/(?P<name>.+))?"
)


def _spared(*principals: str) -> dict[str, object]:
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
    title="A principal that the Deny excludes may be denied all the same",
    fix=_BY_ARN,
    source=_NOT_PRINCIPAL,
    kinds=(Kind.RESOURCE,),
    bad=[_spared(_ROLE), _spared(_SESSION, _ACCOUNT)],
    good=[_spared(_ROLE, "111122223333"), _spared(_SESSION, _ROLE, _ACCOUNT)],
)
def account_not_spared(statement: Statement) -> Iterator[Fail]:
    """AWS may judge the account first, then the role, then the session: each must be in the list."""
    listed = _listed(statement)
    for principal in statement.not_principals if statement.denies else ():
        missing = _missing(principal, listed)
        if missing:
            yield Fail(
                principal.name.where,
                f"{quoted(principal.value)} is spared only together with {' and '.join(missing)}",
            )


def _listed(statement: Statement) -> frozenset[tuple[str, str, str]]:
    """Who is spared: the partition, the account, and the name of a role, empty for the whole account."""
    found = set()
    for principal in statement.not_principals:
        member = _MEMBER.fullmatch(principal.value)
        if principal.type == "AWS" and member and member["type"] in {"root", "role"}:
            role = (member["name"] or "").rpartition("/")[2]
            found.add((member["partition"], member["account"], role))
        elif principal.type == "AWS" and _NUMBER.fullmatch(principal.value):
            found.add(("", principal.value, ""))
    return frozenset(found)


def _missing(principal: Principal, listed: frozenset[tuple[str, str, str]]) -> list[str]:
    """What must stand beside the principal in NotPrincipal and does not."""
    member = _MEMBER.fullmatch(principal.value) if principal.type == "AWS" else None
    if member is None or member["type"] == "root":
        return []
    partition, account = member["partition"], member["account"]
    arn = f"arn:{partition}:iam::{account}"
    whole = {("", account, ""), (partition, account, "")} & listed
    missing = [] if whole else [f"its account {quoted(f'{arn}:root')}"]
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
    title="The Deny hits everybody with a permissions boundary, listed or not",
    fix=_BY_ARN,
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html",
    kinds=(Kind.RESOURCE,),
    bad=[_spared(_ROLE, _ACCOUNT)],
    good=[
        {
            **_spared(_ROLE),
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
    """AWS says so: NotPrincipal with Deny does not spare a user or role that has a permissions boundary.

    Wrong where none of the listed principals has a permissions boundary.
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
            f"{quoted(member.value)} is spared only as long as nobody there has a permissions boundary",
        )
