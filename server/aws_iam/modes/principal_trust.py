"""Whom a role trusts outside its account: other accounts, and identity providers that let in more than meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.account.fact import Miss
from aws_iam.account.facts.governance import ORG_TREE, ORGANIZATION
from aws_iam.answer import Severity, Status
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.modes.policy_validate import checked
from aws_iam.policy.arn import Arn
from aws_iam.policy.document import Kind, policy
from aws_iam.policy.explain.words import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.account.facts.identity import Role
    from aws_iam.account.snapshot import Account
    from aws_iam.answer import Finding
    from aws_iam.policy.document import Policy, Principal, Statement

OUTSIDE_ACCOUNT = "ROLE_TRUSTS_OTHER_ACCOUNT"
UNREADABLE = "ROLE_TRUST_UNREADABLE"
_ACCOUNT = 12
_PAGE = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html"
)
_FIX = (
    "Where the account is a stranger's or nobody's any more, take it out of the trust policy; for a third party's add a"
    " condition on sts:ExternalId, and name its role instead of the account."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """One thing about a role's trust policy."""

    code: str
    title: str
    status: Status
    severity: Severity
    message: str
    fix: str = _FIX
    source: str = _PAGE
    outsider: str = ""
    """Who is let in, in a word or two."""


def trusts(account: Account, role: Role) -> tuple[Trust, ...]:
    """What the rules of trust policies find in it, and the other accounts that it names."""
    try:
        document = policy(role.trust, Kind.TRUST)
    except InputError as error:
        return (
            Trust(
                code=UNREADABLE,
                title="A role's trust policy cannot be read",
                status=Status.UNKNOWN,
                severity=Severity.MEDIUM,
                message=f"the trust policy of role {quoted(role.name)}: {error.message}",
            ),
        )
    return (*_open(document, role), *_accounts(account, document, role))


def _open(document: Policy, role: Role) -> Iterator[Trust]:
    """Everyone, or everyone who has a token of some provider."""
    for finding in checked(document):
        if finding.severity is Severity.SECURITY_WARNING:
            meant = tuple(_of(document, finding))
            yield Trust(
                code=finding.code,
                title=finding.title,
                status=Status.FAIL,
                severity=Severity.CRITICAL if _is_everyone(meant) else Severity.HIGH,
                message=f"role {quoted(role.name)}: {finding.message}",
                fix=finding.fix or _FIX,
                source=finding.source or _PAGE,
                outsider=_outsider(meant, finding),
            )


def _of(document: Policy, finding: Finding) -> Iterator[Statement]:
    """The statements that a finding is about."""
    place = finding.where.pointer if finding.where else ""
    for statement in _allowing(document):
        own = statement.node.at.pointer
        if not place or place == own or place.startswith(f"{own}/"):
            yield statement


def _is_everyone(statements: Iterable[Statement]) -> bool:
    return any(each.is_everyone for statement in statements for each in statement.principals)


def _outsider(statements: Iterable[Statement], finding: Finding) -> str:
    if _is_everyone(statements):
        return "everyone"
    providers = [
        each.value.rpartition("-provider/")[2]
        for statement in statements
        for each in statement.principals
        if each.type == "Federated"
    ]
    return ", ".join(providers) or finding.code


def _accounts(account: Account, document: Policy, role: Role) -> Iterator[Trust]:
    found: dict[str, list[Statement]] = {}
    for statement in _allowing(document):
        for principal in statement.principals:
            other = account_of(principal)
            if other and other != account.id:
                found.setdefault(other, []).append(statement)
    for other, statements in sorted(found.items()):
        yield _account(account, other, statements, role)


def _account(account: Account, other: str, statements: list[Statement], role: Role) -> Trust:
    keys = {each.key.value for statement in statements for each in statement.conditions}
    free = any(not statement.conditions for statement in statements)
    under = "under no condition" if free else f"under conditions on {joined(sorted(keys))}"
    is_known, words = _relation(account, other)
    return Trust(
        code=OUTSIDE_ACCOUNT,
        title="A role trusts another account",
        status=Status.PASS if is_known else Status.MANUAL,
        severity=Severity.MEDIUM if free else Severity.LOW,
        message=f"role {quoted(role.name)} trusts account {other}, {words}, {under}",
        outsider=f"account {other}",
    )


def _relation(account: Account, other: str) -> tuple[bool, str]:
    """Whether the account belongs to the same organization, and how that is known."""
    organization = account.get(ORGANIZATION)
    if isinstance(organization, Miss):
        return False, "of which is not known whether it is in the same organization"
    if organization is None:
        return False, "which is outside: this account is in no organization"
    if other == organization.management_account:
        return True, "the organization's management account"
    tree = account.get(ORG_TREE)
    if isinstance(tree, Miss):
        return False, "of which is not known whether it is in the same organization"
    if other in {member.id for member in tree.members}:
        return True, "a member of the same organization"
    return False, "which is not in the organization"


def _allowing(document: Policy) -> Iterator[Statement]:
    return (each for each in document.statements if each.allows)


def account_of(principal: Principal) -> str:
    """The account that a principal of a policy belongs to; empty for services, providers and everyone."""
    if principal.type != "AWS":
        return ""
    value = principal.value
    if len(value) == _ACCOUNT and value.isdigit():
        return value
    arn = Arn.of(value)
    return arn.account if arn else ""
