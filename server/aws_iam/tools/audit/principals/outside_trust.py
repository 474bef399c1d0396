"""Whom a role trusts outside its account: other accounts and organizations, everyone, identity providers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss
from aws_iam.account.collect.organization.organization import ORG_TREE, ORGANIZATION
from aws_iam.answer import Severity, Status
from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.layers import IndexedStatement, layers_of
from aws_iam.engine.evaluation.missing_keys import outcomes_of_missing_keys
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.rules.policy.run import policy_findings
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
EVERYONE = "everyone"
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
# An account that AWS uses in its documentation and gives to nobody.
_USER, _ELSEWHERE = "somebody", "123456789012"
_STRANGER = f"arn:aws:iam::{_ELSEWHERE}:user/{_USER}"
_ASSUME_ACTIONS = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")
_ALLOW_ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
_ACCOUNT_DIGITS = 12
_PAGE = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html"
)
_FIX = (
    "If you do not know the account or it no longer needs access, remove it from the trust policy; for a third party, add a"
    " condition on sts:ExternalId and name its role instead of the account."
)


@slotted
class TrustFinding:
    """One finding about a role's trust policy."""

    code: str
    title: str
    status: Status
    severity: Severity
    message: str
    fix: str = _FIX
    source: str = _PAGE
    outsider: str = ""
    """Who is trusted, in a word or two."""


def trust_findings(account: Account, role: Role) -> tuple[TrustFinding, ...]:
    """What the rules on trust policies find in the role's, and the other accounts that it names."""
    try:
        document = one_policy(role.trust, Kind.TRUST)
    except InputError as error:
        return (
            TrustFinding(
                code=UNREADABLE,
                title="A role's trust policy cannot be read",
                status=Status.UNKNOWN,
                severity=Severity.MEDIUM,
                message=f"the trust policy of role {quoted(role.name)}: {error.message}",
            ),
        )
    return (*_open_trust(document, role), *_outside_accounts(account, document, role))


def _open_trust(document: Policy, role: Role) -> Iterator[TrustFinding]:
    """What lets in everyone, or everyone with a token from an identity provider."""
    for finding in policy_findings(document):
        if finding.severity is Severity.SECURITY_WARNING:
            statements = tuple(_statements_of(document, finding))
            if _is_everyone(statements) and _keeps_strangers_out(document, statements, role):
                continue
            yield TrustFinding(
                code=finding.code,
                title=finding.title,
                status=Status.FAIL,
                severity=Severity.CRITICAL if _is_everyone(statements) else Severity.HIGH,
                message=f"role {quoted(role.name)}: {finding.message}",
                fix=finding.fix or _FIX,
                source=finding.source or _PAGE,
                outsider=_outsider(statements, finding),
            )


def _statements_of(document: Policy, finding: Finding) -> Iterator[Statement]:
    """The statements that a finding is about."""
    place = finding.where.pointer if finding.where else ""
    for statement in _allow_statements(document):
        own = statement.node.at.pointer
        if not place or place == own or place.startswith(f"{own}/"):
            yield statement


def _is_everyone(statements: Iterable[Statement]) -> bool:
    return any(
        principal.is_everyone for statement in statements for principal in statement.principals
    )


def _outsider(statements: Iterable[Statement], finding: Finding) -> str:
    if _is_everyone(statements):
        return EVERYONE
    providers = [
        principal.value.rpartition("-provider/")[2]
        for statement in statements
        for principal in statement.principals
        if principal.type == "Federated"
    ]
    return ", ".join(providers) or finding.code


def _outside_accounts(account: Account, document: Policy, role: Role) -> Iterator[TrustFinding]:
    """Other accounts and organizations, named as principals or in conditions on `*`."""
    found: dict[str, list[Statement]] = {}
    callers: dict[str, set[str]] = {}
    for statement in filter(_lets_assume_role, _allow_statements(document)):
        for other, caller in _named_accounts(statement):
            if other != account.id:
                found.setdefault(other, []).append(statement)
                callers.setdefault(other, set()).add(
                    caller or f"arn:aws:iam::{other}:user/{_USER}"
                )
    for other, statements in sorted(found.items()):
        if not all(_is_denied(role, arn) for arn in sorted(callers[other])):
            yield _outside_account(account, other, statements, role)
    for organization in sorted(_trusted_organizations(document)):
        yield from _outside_organization(account, organization, role)


def _named_accounts(statement: Statement) -> Iterator[tuple[str, str]]:
    """The accounts that a statement lets in, each with the caller it names there, or an empty text."""
    for principal in statement.principals:
        other = principal_account(principal)
        if other:
            arn = Arn.of(principal.value)
            named = arn is not None and arn.resource != "root"
            yield other, principal.value if named else ""
    if any(principal.is_everyone for principal in statement.principals):
        for value in _required_values(statement, "aws:principalaccount"):
            if _is_account(value):
                yield value, ""
        for value in _required_values(statement, "aws:principalarn"):
            arn = Arn.of(value)
            if arn and _is_account(arn.account):
                yield arn.account, _example(value)


def _required_values(statement: Statement, key: str) -> Iterator[str]:
    """The values of the key, of which a caller must have one."""
    for condition in statement.conditions:
        if condition.name == key and condition.demanded:
            yield from (value.value for value in condition.values)


def _trusted_organizations(document: Policy) -> set[str]:
    """The organizations all of whose accounts are let in."""
    return {
        value
        for statement in filter(_lets_assume_role, _allow_statements(document))
        if any(principal.is_everyone for principal in statement.principals)
        for value in _required_values(statement, "aws:principalorgid")
        if _ORGANIZATION.fullmatch(value)
    }


def _outside_organization(account: Account, other: str, role: Role) -> Iterator[TrustFinding]:
    own = account.get(ORGANIZATION)
    if own is not None and not isinstance(own, Miss) and own.id == other:
        return
    if _is_denied(role, _STRANGER, other):
        return
    whose = (
        "which may or may not be this account's: the organization could not be read"
        if isinstance(own, Miss)
        else "which is not this account's"
    )
    yield TrustFinding(
        code=OUTSIDE_ORGANIZATION,
        title="A role trusts another organization",
        status=Status.MANUAL,
        severity=Severity.HIGH,
        message=f"role {quoted(role.name)} trusts every account of organization {other}, {whose}",
        fix="If that is not intended, put your organization's id in the condition on aws:PrincipalOrgID, or name the accounts.",
        outsider=f"organization {other}",
    )


def _keeps_strangers_out(document: Policy, statements: Iterable[Statement], role: Role) -> bool:
    """Whether a Deny in the same policy keeps strangers out, or the statements do not let anyone assume the role."""
    if not any(map(_lets_assume_role, statements)):
        return True
    # A caller whose ARN matches a condition of the policy may be let in.
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
    """A caller that the pattern matches, in a stranger's account if the pattern leaves the account open."""
    fields = pattern.split(":", 5)
    if len(fields) > 4 and set(fields[4]) & set("*?"):  # noqa: PLR2004 - the account of an ARN
        fields[4] = _ELSEWHERE
    return ":".join(fields).replace("*", "x").replace("?", "x")


def _lets_assume_role(statement: Statement) -> bool:
    return any(map(IndexedStatement.of(statement).takes, _ASSUME_ACTIONS))


def _is_denied(role: Role, caller: str, organization: str = "o-somebodyelses") -> bool:
    """Whether a Deny in the trust policy keeps the caller out, whatever the unknown condition keys hold."""
    fields = caller.split(":", 2)
    request = {
        "principal": ":".join((fields[0], role.arn.split(":")[1], *fields[2:])),
        "action": "sts:AssumeRole",
        "resource": role.arn,
        "context": {"aws:MultiFactorAuthPresent": "true", "aws:PrincipalOrgID": organization},
    }
    try:
        parsed_request = request_of(request)
        layers = layers_of({"identity": [_ALLOW_ALL], "resource": role.trust})
    except InputError:
        # The request cannot be simulated, so no Deny is assumed.
        return False
    decision = evaluate_request(parsed_request, layers).decision
    if decision.outcome != "ExplicitlyDenied":
        return False
    return not any(
        "Allowed" in hinge.values()
        for hinge in outcomes_of_missing_keys(parsed_request, layers, decision).values()
    )


def _is_account(text: str) -> bool:
    return len(text) == _ACCOUNT_DIGITS and text.isdigit()


def _outside_account(
    account: Account, other: str, statements: list[Statement], role: Role
) -> TrustFinding:
    keys = {condition.key.value for statement in statements for condition in statement.conditions}
    unconditional = any(not statement.conditions for statement in statements)
    under = (
        "without conditions" if unconditional else f"under conditions on {joined(sorted(keys))}"
    )
    is_known, words = _relation(account, other)
    return TrustFinding(
        code=OUTSIDE_ACCOUNT,
        title="A role trusts another account",
        status=Status.PASS if is_known else Status.MANUAL,
        severity=Severity.MEDIUM if unconditional else Severity.LOW,
        message=f"role {quoted(role.name)} trusts account {other}, {words}, {under}",
        outsider=f"account {other}",
    )


def _relation(account: Account, other: str) -> tuple[bool, str]:
    """Whether the account is known to belong to the same organization, and the words that say so."""
    organization = account.get(ORGANIZATION)
    if isinstance(organization, Miss):
        return False, "which may be outside the organization (the organization could not be read)"
    if organization is None:
        return False, "which is outside (this account is in no organization)"
    if other == organization.management_account:
        return True, "the organization's management account"
    tree = account.get(ORG_TREE)
    if isinstance(tree, Miss):
        return False, "which may be outside the organization (the organization could not be read)"
    if other in {member.id for member in tree.members}:
        return True, "a member of the same organization"
    return False, "which is not in the organization"


def _allow_statements(document: Policy) -> Iterator[Statement]:
    return (statement for statement in document.statements if statement.allows)


def principal_account(principal: Principal) -> str:
    """The principal's account; empty for services, providers and everyone."""
    if principal.type != "AWS":
        return ""
    value = principal.value
    if _is_account(value):
        return value
    arn = Arn.of(value)
    return arn.account if arn and _is_account(arn.account) else ""
