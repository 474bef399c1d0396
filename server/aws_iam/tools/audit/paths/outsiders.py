"""Outsiders that a role lets in: everyone, other accounts, and identities of a provider without a proper condition.

What lets everybody in is one path here, on the role; the principals of the estate that it lets in have their own paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.authorization import Role
from aws_iam.answer import Finding, Severity, Status
from aws_iam.engine.language.document import Kind
from aws_iam.engine.sources.gather import one_policy
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.audit.access.verdicts import Access
from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.paths.hop import Hop, Path
from aws_iam.tools.audit.paths.trusts import ASSUME, STRANGER, WITH_SAML, WITH_TOKEN
from aws_iam.tools.audit.principals.outside_trust import trust_findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.tools.audit.paths.book import PowerBook

EVERYONE = "*"
_EVERYONES = "everyone"
_PRINCIPAL_ACCOUNT = "aws:principalaccount"
# Of an organization that nobody has.
_OF_NO_ORGANIZATION = {
    "aws:PrincipalOrgID": "o-0000000000",
    "aws:PrincipalOrgPaths": "o-0000000000/",
}
_PAGE = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"
)


@slotted
class Outsider:
    """Somebody outside the estate that a role lets in; `is_everyone` where nothing but having an AWS account is asked for."""

    name: str
    role: int
    action: str
    access: Access
    is_everyone: bool = False
    is_proper: bool = False
    """Whether a condition or a name limits who it is, so that its owner decides whether it is meant."""

    def path(self, book: PowerBook, onward: Path | None, *, is_administrator: bool) -> Path:
        """The way in, and on from the role."""
        arn = book.entities.arns[self.role]
        proof = self.access.proof
        hop = Hop(
            start=self.name,
            end=arn,
            actions=(self.action,),
            technique="sts-assume-role" if self.action == ASSUME else "",
            statements=tuple(
                f"{own.policy} {own.pointer}"
                for own in (proof.because if proof else ())
                if own.effect == "Allow" and own.layer == "resource"
            ),
            conditions=self.access.conditions,
            why_unknown=self.access.why if self.access.verdict == "unknown" else "",
        )
        rest = onward.hops if onward else ()
        return Path(hops=(hop, *rest), is_administrator=is_administrator)


def outsiders(book: PowerBook, roles: int) -> Iterator[Outsider]:
    """Those that any of the roles lets in."""
    entities, trusts = book.entities, book.trusts
    for number in bits(roles & trusts.everyone):
        yield from _everyone(book, number)
    foreign = 0
    for name, named in (
        *trusts.by_name.items(),
        *trusts.by_account.items(),
        *trusts.patterns.items(),
    ):
        account = name.split(":")[4] if name.startswith("arn:") else name
        foreign |= 0 if account in entities.in_account else named
    for named in trusts.providers.values():
        foreign |= named
    for number in bits(roles & foreign):
        yield from _named(book, number)


def _everyone(book: PowerBook, number: int) -> Iterator[Outsider]:
    arn = book.entities.arns[number]
    partition = arn.split(":")[1]
    stranger = STRANGER.format(partition)
    access = book.decider.outsider(stranger, ASSUME, arn, _OF_NO_ORGANIZATION)
    if access.is_possible:
        yield Outsider(name=EVERYONE, role=number, action=ASSUME, access=access, is_everyone=True)
        return
    # Everyone of the organization, of which the estate may have some accounts only.
    access = book.decider.outsider(stranger, ASSUME, arn)
    if access.is_possible:
        yield Outsider(name=EVERYONE, role=number, action=ASSUME, access=access, is_proper=True)
        return
    for account in _accounts_of(book, number):
        start = f"arn:{partition}:iam::{account}:"
        access = book.decider.outsider(f"{start}user/somebody", ASSUME, arn)
        if access.is_possible:
            yield Outsider(
                name=f"{start}root", role=number, action=ASSUME, access=access, is_proper=True
            )


def _accounts_of(book: PowerBook, number: int) -> tuple[str, ...]:
    """The accounts outside the estate that the conditions of a role's trust policy name."""
    identity = book.entities.principals[number].identity
    policy = one_policy(identity.trust if isinstance(identity, Role) else "", Kind.TRUST)
    named = (
        value.value
        for statement in policy.statements
        for condition in statement.conditions
        if condition.name == _PRINCIPAL_ACCOUNT
        for value in condition.values
    )
    return tuple(own for own in dict.fromkeys(named) if own not in book.entities.in_account)


def _named(book: PowerBook, number: int) -> Iterator[Outsider]:
    principal = book.entities.principals[number]
    role, account = principal.identity, principal.member.account
    for finding in trust_findings(account, role) if isinstance(role, Role) else ():
        if not finding.outsider or finding.outsider == _EVERYONES:
            continue
        word, _, other = finding.outsider.partition("account ")
        if not word and other:
            if other not in book.entities.in_account:
                yield from _of_account(book, number, other)
            continue
        yield from _of_provider(book, number, finding.outsider)


def _of_account(book: PowerBook, number: int, other: str) -> Iterator[Outsider]:
    """The principals of another account that the role names, or anyone of that account."""
    arn = book.entities.arns[number]
    start = f"arn:{arn.split(':')[1]}:iam::{other}:"
    names = [
        name
        for name, roles in book.trusts.by_name.items()
        if roles >> number & 1 and name.split(":")[4:5] == [other]
    ]
    # A root user cannot assume roles; the account decides which of its principals may.
    for name, caller in (
        (f"{start}root", f"{start}user/somebody"),
        *((name, name) for name in names),
    ):
        access = book.decider.outsider(caller, ASSUME, arn)
        if access.is_possible:
            yield Outsider(name=name, role=number, action=ASSUME, access=access, is_proper=True)


def _of_provider(book: PowerBook, number: int, words: str) -> Iterator[Outsider]:
    for provider, roles in book.trusts.providers.items():
        if not roles >> number & 1 or provider.rpartition("-provider/")[2] not in words.split(
            ", "
        ):
            continue
        action = WITH_SAML if ":saml-provider/" in provider else WITH_TOKEN
        access = book.decider.outsider(provider, action, book.entities.arns[number])
        if access.is_possible:
            yield Outsider(name=provider, role=number, action=action, access=access)


def entries(
    book: PowerBook, onward: Mapping[int, Path | None], *, administrators: int
) -> tuple[tuple[Outsider, Path], ...]:
    """The outsiders of the roles that lead to what is looked for, with their paths; `onward` has each role's own."""
    roles = sum(1 << number for number in onward)
    return tuple(
        (
            own,
            own.path(
                book,
                path := onward[own.role],
                is_administrator=path.is_administrator
                if path
                else bool(administrators >> own.role & 1),
            ),
        )
        for own in outsiders(book, roles)
    )


def finding_of(outsider: Outsider, path: Path, book: PowerBook) -> Finding:
    """What is wrong with a role that leads an outsider to administrator access."""
    arn = book.entities.arns[outsider.role]
    name = quoted(arn.rpartition("/")[2])
    who = _who(outsider)
    how = "is an administrator" if len(path.hops) == 1 else "can become an administrator"
    under = (
        f", if {' and '.join(outsider.access.conditions)}" if outsider.access.conditions else ""
    )
    is_open = not outsider.is_proper or not under
    return Finding(
        code="OUTSIDER_BECOMES_ADMINISTRATOR",
        title="An outsider can become an administrator",
        severity=Severity.CRITICAL if is_open else Severity.HIGH,
        status=Status.FAIL if not outsider.is_proper else Status.MANUAL,
        message=f"{who} can assume role {name}, which {how}{under}",
        resource=arn,
        fix="Name the principals that may assume the role, with a condition that only they meet, or take its permissions away.",
        source=_PAGE,
    )


def _who(outsider: Outsider) -> str:
    if outsider.name == EVERYONE:
        return (
            "anyone with an AWS account"
            if outsider.is_everyone
            else "everyone who meets its conditions"
        )
    if outsider.name.endswith(":root"):
        return f"account {outsider.name.split(':')[4]}"
    kind, _, name = outsider.name.rpartition(":")[2].partition("/")
    if kind in {"role", "user"}:
        return f"{kind} {quoted(name)} of account {outsider.name.split(':')[4]}"
    return f"identities of {quoted(outsider.name.rpartition('-provider/')[2])}"
