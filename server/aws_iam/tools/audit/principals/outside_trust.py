"""Whom a role trusts outside its account: other accounts, and identity providers that let in more than meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.organization.organization import ORG_TREE, ORGANIZATION
from aws_iam.answer import Severity, Status
from aws_iam.engine.evaluate import evaluated
from aws_iam.engine.evaluation.hinges import hinges
from aws_iam.engine.evaluation.layers import Ready, layers_of
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.rules.policy.run import checked
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.account.collect.identity.authorization import Role
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding
    from aws_iam.engine.language.document import Policy, Principal, Statement

OUTSIDE_ACCOUNT = "ROLE_TRUSTS_OTHER_ACCOUNT"
OUTSIDE_ORGANIZATION = "ROLE_TRUSTS_OTHER_ORGANIZATION"
UNREADABLE = "ROLE_TRUST_UNREADABLE"
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
# An account that AWS uses in its own examples and gives to nobody.
_NAME, _ELSEWHERE = "somebody", "123456789012"
_STRANGER = f"arn:aws:iam::{_ELSEWHERE}:user/{_NAME}"
_TAKING = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")
_EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
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
        document = one_policy(role.trust, Kind.TRUST)
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
            if _is_everyone(meant) and _keeps_strangers_out(document, meant, role):
                continue
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
    return any(
        principal.is_everyone for statement in statements for principal in statement.principals
    )


def _outsider(statements: Iterable[Statement], finding: Finding) -> str:
    if _is_everyone(statements):
        return "everyone"
    providers = [
        principal.value.rpartition("-provider/")[2]
        for statement in statements
        for principal in statement.principals
        if principal.type == "Federated"
    ]
    return ", ".join(providers) or finding.code


def _accounts(account: Account, document: Policy, role: Role) -> Iterator[Trust]:
    """Other accounts, named as principals or by the conditions on everyone."""
    found: dict[str, list[Statement]] = {}
    callers: dict[str, set[str]] = {}
    for statement in filter(_takes_a_role, _allowing(document)):
        for other, caller in _others(statement):
            if other != account.id:
                found.setdefault(other, []).append(statement)
                callers.setdefault(other, set()).add(
                    caller or f"arn:aws:iam::{other}:user/{_NAME}"
                )
    for other, statements in sorted(found.items()):
        if not all(_is_denied(role, arn) for arn in sorted(callers[other])):
            yield _account(account, other, statements, role)
    for organization in sorted(_organizations(document)):
        yield from _organization(account, organization, role)


def _others(statement: Statement) -> Iterator[tuple[str, str]]:
    """The accounts that a statement lets in, each with a caller that it names there, or none."""
    for principal in statement.principals:
        other = account_of(principal)
        if other:
            arn = Arn.of(principal.value)
            named = arn is not None and arn.resource != "root"
            yield other, principal.value if named else ""
    if any(principal.is_everyone for principal in statement.principals):
        for value in _demanded(statement, "aws:principalaccount"):
            if _is_account(value):
                yield value, ""
        for value in _demanded(statement, "aws:principalarn"):
            arn = Arn.of(value)
            if arn and _is_account(arn.account):
                yield arn.account, _example(value)


def _demanded(statement: Statement, key: str) -> Iterator[str]:
    """The values of which a caller must have one."""
    for condition in statement.conditions:
        if condition.name == key and condition.demanded:
            yield from (value.value for value in condition.values)


def _organizations(document: Policy) -> set[str]:
    """The organizations whose every account is let in."""
    return {
        value
        for statement in filter(_takes_a_role, _allowing(document))
        if any(principal.is_everyone for principal in statement.principals)
        for value in _demanded(statement, "aws:principalorgid")
        if _ORGANIZATION.fullmatch(value)
    }


def _organization(account: Account, other: str, role: Role) -> Iterator[Trust]:
    own = account.get(ORGANIZATION)
    if own is not None and not isinstance(own, Miss) and own.id == other:
        return
    if _is_denied(role, _STRANGER, other):
        return
    whose = (
        "of which is not known whether it is this account's"
        if isinstance(own, Miss)
        else "which is not this account's"
    )
    yield Trust(
        code=OUTSIDE_ORGANIZATION,
        title="A role trusts another organization",
        status=Status.MANUAL,
        severity=Severity.HIGH,
        message=f"role {quoted(role.name)} trusts every account of organization {other}, {whose}",
        fix="Where it is not meant, put this organization's id into the condition on aws:PrincipalOrgID, or name the accounts.",
        outsider=f"organization {other}",
    )


def _keeps_strangers_out(document: Policy, meant: Iterable[Statement], role: Role) -> bool:
    """Whether a Deny of the same policy keeps strangers out, or what everyone may do is not to take the role."""
    if not any(map(_takes_a_role, meant)):
        return True
    # Who brings a name that the policy speaks of may be let through.
    named = {
        _example(value.value)
        for statement in document.statements
        for condition in statement.conditions
        if condition.name == "aws:principalarn"
        for value in condition.values
    }
    own = role.arn.split(":")[4:5]
    others = sorted(arn for arn in named if arn.split(":")[4:5] != own)
    return all(_is_denied(role, arn) for arn in (_STRANGER, *others))


def _example(pattern: str) -> str:
    """A caller that a pattern matches, in an account that is a stranger's where the pattern leaves it open."""
    fields = pattern.split(":", 5)
    if len(fields) > 4 and set(fields[4]) & set("*?"):  # noqa: PLR2004 - the account of an ARN
        fields[4] = _ELSEWHERE
    return ":".join(fields).replace("*", "x").replace("?", "x")


def _takes_a_role(statement: Statement) -> bool:
    return any(map(Ready.of(statement).takes, _TAKING))


def _is_denied(role: Role, caller: str, organization: str = "o-somebodyelses") -> bool:
    """Whether a Deny of the trust policy keeps a caller out; a condition of it on what is not known does not."""
    fields = caller.split(":", 2)
    request = {
        "principal": ":".join((fields[0], role.arn.split(":")[1], *fields[2:])),
        "action": "sts:AssumeRole",
        "resource": role.arn,
        "context": {"aws:MultiFactorAuthPresent": "true", "aws:PrincipalOrgID": organization},
    }
    try:
        asked = request_of(request)
        layers = layers_of({"identity": [_EVERYTHING], "resource": role.trust})
    except InputError:
        # It cannot be asked: what the policy allows stands.
        return False
    decision = evaluated(asked, layers).decision
    if decision.outcome != "ExplicitlyDenied":
        return False
    return not any(
        "Allowed" in hinge.values() for hinge in hinges(asked, layers, decision).values()
    )


def _is_account(text: str) -> bool:
    return len(text) == _ACCOUNT and text.isdigit()


def _account(account: Account, other: str, statements: list[Statement], role: Role) -> Trust:
    keys = {condition.key.value for statement in statements for condition in statement.conditions}
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
    return (statement for statement in document.statements if statement.allows)


def account_of(principal: Principal) -> str:
    """The account that a principal of a policy belongs to; empty for services, providers and everyone."""
    if principal.type != "AWS":
        return ""
    value = principal.value
    if _is_account(value):
        return value
    arn = Arn.of(value)
    return arn.account if arn and _is_account(arn.account) else ""
