"""The access that policies must not give: what a list forbids, and the requests of strangers.

forbidden_requests(document, forbidden)   →   requests for the forbidden access that the document allows
public_requests(document)                 →   requests of strangers that the document allows
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.assumptions import assumptions_of
from aws_iam.engine.comparison.clauses import Atoms, is_principaled, principals_of
from aws_iam.engine.comparison.compared_policy import MOST_WITNESSES
from aws_iam.engine.comparison.one_way_search import OneWaySearch, SearchResult, SideStatements
from aws_iam.engine.comparison.permissive_policies import with_public_principal
from aws_iam.engine.comparison.sides.attached_policies import attached_policies
from aws_iam.engine.comparison.sides.named_sides import named_side
from aws_iam.engine.comparison.sides.policy_pairs import policies_of, separate_policies
from aws_iam.engine.comparison.sides.unknown_accounts import filled
from aws_iam.engine.sources.gather import gathered, sources_of
from aws_iam.engine.sources.gathered import in_one_root
from aws_iam.engine.tokens.oidc_provider import provider_of
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.engine.comparison.sides.policy_pairs import JudgedPolicies
    from aws_iam.engine.language.document import Policy


def forbidden_requests(
    document: object, forbidden: object, policy: str | None = None
) -> SearchResult:
    """Requests for the forbidden access, given as statements without principals, that any policy allows, of every action."""
    kept_out = policies_of(sources_of(forbidden), "forbidden")
    return _joined(
        (judged, _forbidden_search(judged.policies, kept_out))
        for judged in _separate(document, policy)
    )


def _forbidden_search(new: tuple[Policy, ...], kept_out: tuple[Policy, ...]) -> SearchResult:
    if is_principaled(new):
        kept_out = tuple(map(with_public_principal, kept_out))
    atoms = Atoms()
    ours, theirs = SideStatements.of(new, atoms), SideStatements.of(kept_out, atoms)
    return OneWaySearch(atoms=atoms, policies=ours, within=theirs).search()


def public_requests(
    document: object, most: int | None = MOST_WITNESSES, policy: str | None = None
) -> SearchResult:
    """The requests of strangers that the policies of resources and roles allow, or without a number of every action."""
    judged = [own for own in _separate(document, policy) if is_principaled(own.policies)]
    if not judged:
        raise InputError(
            "`public` reads who can use a resource, but this policy has no principals",
            hint="give a resource policy or a trust policy",
        )
    return _joined((own, _public_search(own.policies, most)) for own in judged)


def _public_search(policies: tuple[Policy, ...], most: int | None) -> SearchResult:
    atoms = Atoms()
    written = SideStatements.of(policies, atoms)
    return OneWaySearch(atoms=atoms, policies=written, strangers=True).search(most)


def without_principals(document: object, policy: str | None = None) -> tuple[str, ...]:
    """The names of the policies of a document that cannot be public."""
    return tuple(
        own.name for own in _separate(document, policy) if not is_principaled(own.policies)
    )


def _joined(searches: Iterable[tuple[JudgedPolicies, SearchResult]]) -> SearchResult:
    """The results for several policies as one; each request names its policy."""
    found = tuple(searches)
    if len(found) == 1 and not found[0][0].name:
        return found[0][1]
    differences = tuple(
        replace(difference, request={"policy": judged.name, **difference.request})
        for judged, search in found
        for difference in search.differences
    )
    cut = [f"{quoted(own.name)}: {why}" for own, search in found for why in search.cut]
    open_ = [f"{quoted(own.name)}: {why}" for own, search in found for why in search.open]
    return SearchResult(
        differences=differences,
        open=() if differences else tuple(open_),
        cut=(*cut, *open_) if differences else (),
    )


def unknown_issuers(document: object, policy: str | None = None) -> tuple[str, ...]:
    """The issuers of tokens that the policies trust and that nothing is known about, such as one's own."""
    providers = map(provider_of, principals_of(judged_policies(document, policy)))
    return tuple(
        dict.fromkeys(p.host for p in providers if p and not (p.issuer or p.is_kubernetes))
    )


def assumptions(document: object, policy: str | None = None) -> tuple[str, ...]:
    """The assumptions of a search over the document."""
    return tuple(assumptions_of(judged_policies(document, policy)))


def made_up_accounts(document: object) -> Mapping[str, str]:
    """What a document has in the place of each account that was made up to search it."""
    return {
        number: word
        for own in gathered(document).sources
        for number, word in filled(own)[1].items()
    }


def _separate(document: object, policy: str | None) -> tuple[JudgedPolicies, ...]:
    found = gathered(document)
    sources = tuple(own for own, _ in map(filled, found.sources))
    side = named_side(document, in_one_root(replace(found, sources=sources)))
    attached = attached_policies(side.attachments, side.attachments, side.sources)
    return separate_policies((*side.sources, *attached), policy)


def judged_policies(document: object, policy: str | None) -> tuple[Policy, ...]:
    """The policies of a document that a search looks at."""
    return tuple(own for judged in _separate(document, policy) for own in judged.policies)
