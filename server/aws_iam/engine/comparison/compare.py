"""Whether one policy allows more than another, with requests that show the difference.

    compare(document, baseline)              →  Comparison: more | less | equal | incomparable | unknown
    granted(document, forbidden)             →  requests for the forbidden access that the document allows
    public(document)                         →  requests of strangers that the document allows

"more" comes with a request that `evaluate` confirmed; "equal" means that a search over everything the policies can
distinguish found nothing. Where the search ran out of its budget the relation is unknown, never equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from aws_iam.answer import Comparison
from aws_iam.engine.comparison import variable_values
from aws_iam.engine.comparison.clauses import Atoms, is_principaled
from aws_iam.engine.comparison.one_way_search import OneWaySearch, SearchResult, SideStatements
from aws_iam.engine.comparison.permissive_policies import allow_all, with_public_principal
from aws_iam.engine.comparison.unchanged_statements import (
    changed_statements,
    reusable_nodes,
    share_derived,
)
from aws_iam.engine.language.document import Kind, Policy, Syntax
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.usable import refuse_unusable
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.gather import sources_of
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Node

MOST_WITNESSES = 3
"""Requests shown for each direction."""


def compare(document: object, baseline: object) -> Comparison:
    """How the document's access relates to the baseline's; several policies on one side count as their union."""
    return compare_both_ways(document, baseline).comparison


@slotted
class TwoWayComparison:
    """A comparison with its searches in both directions."""

    comparison: Comparison
    beyond: SearchResult
    short: SearchResult


def compare_both_ways(document: object, baseline: object) -> TwoWayComparison:
    """The comparison, with what was found in each direction."""
    new = _documents(document, "document")
    old = _documents(baseline, "baseline", reusable_nodes(document, new, baseline))
    share_derived(new, old)
    _refuse_mixture(new, old)
    atoms = Atoms()
    beside, notes = _beside_everything(new, old)
    new_beside, old_beside = (*new, *beside), (*old, *beside)
    decisive = changed_statements(new_beside, old_beside)
    ours, theirs = (
        SideStatements.of(policies, atoms, decisive) for policies in (new_beside, old_beside)
    )
    beyond = OneWaySearch(atoms=atoms, policies=ours, without=theirs).search()
    short = OneWaySearch(atoms=atoms, policies=theirs, without=ours).search()
    assuming = dict.fromkeys((*_assumptions((*new, *old)), *notes, *beyond.open, *short.open))
    comparison = Comparison(
        relation=_relation(beyond, short),
        assuming=tuple(assuming),
        witnesses=(
            *(
                {"allowed_by": "document", **request}
                for request in beyond.requests[:MOST_WITNESSES]
            ),
            *(
                {"allowed_by": "baseline", **request}
                for request in short.requests[:MOST_WITNESSES]
            ),
        ),
    )
    return TwoWayComparison(comparison=comparison, beyond=beyond, short=short)


def _beside_everything(
    new: tuple[Policy, ...], old: tuple[Policy, ...]
) -> tuple[tuple[Policy, ...], tuple[str, ...]]:
    """An Allow of everything, if all policies only deny, and the assumption to report."""
    statements = [statement for policy in (*new, *old) for statement in policy.statements]
    if not statements or any(statement.allows for statement in statements):
        return (), ()
    return (allow_all(principaled=is_principaled((*new, *old))),), (
        "neither side allows anything, so both are compared as guardrails: together with an Allow of everything",
    )


def forbidden_requests(document: object, forbidden: object) -> SearchResult:
    """The requests for the forbidden access, given as statements without principals, that the document allows."""
    new, kept_out = _documents(document, "document"), _documents(forbidden, "forbidden")
    if is_principaled(new):
        kept_out = tuple(map(with_public_principal, kept_out))
    atoms = Atoms()
    ours, theirs = SideStatements.of(new, atoms), SideStatements.of(kept_out, atoms)
    return OneWaySearch(atoms=atoms, policies=ours, within=theirs).search()


def public_requests(document: object, most: int = MOST_WITNESSES) -> SearchResult:
    """The requests of strangers that the resource policy allows."""
    policies = _documents(document, "document")
    if any(policy.kind not in {Kind.RESOURCE, Kind.TRUST} for policy in policies):
        raise InputError(
            "`public` needs a policy of a resource, and this one has no principals",
            hint="give a resource policy or a trust policy",
        )
    atoms = Atoms()
    written = SideStatements.of(policies, atoms)
    return OneWaySearch(atoms=atoms, policies=written, strangers=True).search(most)


def assumptions(document: object) -> tuple[str, ...]:
    """The assumptions of a search over the document."""
    return tuple(_assumptions(_documents(document, "document")))


def _documents(
    given: object, name: str, known: Mapping[int, Node] | None = None
) -> tuple[Policy, ...]:
    found = []
    for source in sources_of(given, known=known):
        content = source.content
        if isinstance(content, Syntax):
            where = f"line {content.where.line}:{content.where.column}"
            raise InputError(
                f"`{name}` is not valid JSON: {where}: {content.message}", hint=content.hint
            )
        refuse_unusable(content, source.name or name)
        found.append(content)
    return tuple(found)


def _refuse_mixture(new: Sequence[Policy], old: Sequence[Policy]) -> None:
    named = {is_principaled((policy,)) for policy in (*new, *old) if policy.statements}
    if len(named) > 1:
        raise InputError(
            "a policy with principals cannot be compared with one without",
            hint="compare resource policies with resource policies, identity policies with identity policies",
        )


def _relation(
    beyond: SearchResult, short: SearchResult
) -> Literal["more", "less", "equal", "incomparable", "unknown"]:
    if beyond.requests and short.requests:
        return "incomparable"
    if beyond.requests and short.is_none:
        return "more"
    if short.requests and beyond.is_none:
        return "less"
    return "equal" if beyond.is_none and short.is_none else "unknown"


def _assumptions(policies: Sequence[Policy]) -> Iterator[str]:
    yield f"actions and ARN formats as of {catalog().as_of}; what AWS added since is not compared"
    if any(statement.conditions for policy in policies for statement in policy.statements):
        yield "any request may carry any condition key, and the values of its keys are independent of each other"
    names = variable_values.variable_names(policies)
    if names:
        listed = ", ".join(f"`${{{name}}}`" for name in names)
        yield f"the values of {listed} contain no `*`, `?`, `:` or `/` and are the same on both sides"
    if is_principaled(policies):
        yield "callers in the resource's account have either no other permissions or all; all resources belong to one account"
