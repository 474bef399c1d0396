"""Who reaches something in some accounts: the one computation behind `audit access --to`, `audit principals` and the reports.

found_paths(accounts)   →   FoundPaths: who is or can become an administrator, by which paths, and what is not known
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.identity.credential_report import CREDENTIAL_REPORT
from aws_iam.account.collect.identity.identity_providers import SAML_PROVIDERS
from aws_iam.frozen import slotted
from aws_iam.report.order import by_urgency
from aws_iam.tools.audit.access.estate import OF_ORGANIZATION, Estate
from aws_iam.tools.audit.access.estate import needed_facts as facts_of_estate
from aws_iam.tools.audit.paths.book import PowerBook
from aws_iam.tools.audit.paths.compute import FACTS, not_collected
from aws_iam.tools.audit.paths.entities import bits
from aws_iam.tools.audit.paths.goals import goal_named
from aws_iam.tools.audit.paths.hop import ADMIN, Path, Paths
from aws_iam.tools.audit.paths.outsiders import entries, finding_of
from aws_iam.tools.audit.paths.reach import Reach
from aws_iam.tools.audit.paths.spoken_names import Names
from aws_iam.tools.audit.principals.organization_policies import NOT_CONSIDERED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Finding
    from aws_iam.tools.audit.paths.goals import NamedGoal

PAGE = "references/compliance-checklist.md#who-can-become-whom"
LEFT_OUT = (
    "the root users, session policies but those of EKS Pod Identity associations, conditions on session names, permission sets of"
    " IAM Identity Center that another account than the management account manages, opening a resource or its key for somebody else, creating an identity in steps of several"
    " principals, instance profiles without a role, OpenID Connect providers that are replaced, sessions with MFA of a role whose"
    " trust policy was rewritten for them, and resources that run with a role of kinds that are not collected"
)
UNREAD_IDENTITIES = "its users and roles could not be read"
"""Why nothing is known of an account."""
UNREAD_POLICIES = "the organization's policies are"
"""How it begins why not all that an organization denies is known."""


@slotted
class FoundPaths:
    """Everybody who reaches something; `findings` are the roles that lead outsiders to administrator access."""

    estate: Estate
    book: PowerBook
    named: NamedGoal
    paths: Paths
    findings: tuple[Finding, ...]
    not_judged: tuple[dict[str, str], ...]
    """What is not known: `place` and `why`."""

    @property
    def names(self) -> Names:
        """How sentences name the principals."""
        return Names.of_all(self.book.entities)

    @property
    def guardrails(self) -> list[str]:
        """What is said of the organization's policies of each account, once."""
        return list(dict.fromkeys(own.guardrails.summary for own in self.estate.members.values()))


def needed_facts() -> tuple[Fact[Any], ...]:
    """The facts that paths need."""
    return tuple(dict.fromkeys((*facts_of_estate(), *facts_of_identities())))


def facts_of_identities() -> tuple[Fact[Any], ...]:
    """The facts that paths to administrator access need; what a resource's policy says opens none."""
    return (
        AUTHORIZATION,
        *OF_ORGANIZATION,
        CREDENTIAL_REPORT,
        SAML_PROVIDERS,
        *FACTS.values(),
    )


def found_paths(
    accounts: Sequence[Account], to: str = ADMIN, who_can: Sequence[str] = ()
) -> FoundPaths:
    """Who reaches administrator access, a principal, or whoever can act on a resource."""
    estate = Estate.of(accounts)
    book = PowerBook.of(estate)
    named = goal_named(book, estate, to, who_can)
    paths, findings = _with_outsiders(book, named, Reach(book, named.goal, named.to).found())
    return FoundPaths(
        estate=estate,
        book=book,
        named=named,
        paths=paths,
        findings=findings,
        not_judged=tuple(_not_judged(book, estate, paths)),
    )


def _with_outsiders(
    book: PowerBook, named: NamedGoal, paths: Paths
) -> tuple[Paths, tuple[Finding, ...]]:
    """The paths with those that begin outside, and findings where these lead to administrator access."""
    entities, goal = book.entities, named.goal
    shortest = {entities.number[start]: path for start, path in paths.shortest.items()}
    onward: dict[int, Path | None] = {
        number: path for number, path in shortest.items() if entities.roles >> number & 1
    }
    for number in bits(goal.principals & entities.roles):
        onward[number] = None
    found = entries(book, onward, administrators=goal.principals if named.is_admin else 0)
    findings = [finding_of(own, path, book) for own, path in found] if named.is_admin else []
    return replace(paths, outsiders=tuple(path for _, path in found)), by_urgency(findings)


def _not_judged(book: PowerBook, estate: Estate, paths: Paths) -> Iterator[dict[str, str]]:
    for member in estate.members.values():
        account = member.account
        if member.authorization is None:
            yield {"place": account.id, "why": UNREAD_IDENTITIES}
        if (told := member.guardrails.summary).startswith(NOT_CONSIDERED):
            yield {"place": account.id, "why": f"{UNREAD_POLICIES} {told}"}
    for own in paths.principals:
        if own.verdict == "unknown":
            yield {"place": own.principal, "why": own.why}
    for number in bits(book.trusts.unread):
        place = book.entities.arns[number]
        yield {"place": place, "why": "whom its trust policy lets in is not known"}
    for arn in paths.stopped:
        yield {"place": arn, "why": "its search was stopped: it can make too many changes"}
    yield from _unread_compute(book, paths)


def _unread_compute(book: PowerBook, paths: Paths) -> Iterator[dict[str, str]]:
    """The kinds of resources whose roles are not known, where a principal without a path could use them."""
    entities = book.entities
    settled = {own.principal for own in paths.principals if own.verdict != "unknown"}
    told: dict[tuple[str, str], str] = {}
    for number in bits(entities.users | entities.roles):
        if book.compute.unread and entities.arns[number] not in settled:
            for kind, why in not_collected(book.actor(number), book.compute):
                told[kind, entities.account_of(number)] = why
    for (kind, account), why in told.items():
        yield {
            "place": f"{kind} of account {account}",
            "why": f"which roles they have is not known: {why}",
        }
