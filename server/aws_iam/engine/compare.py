"""Whether one policy allows more than another, with a request that shows it.

    compare(document, baseline)              →  Comparison: more | less | equal | incomparable | unknown
    granted(document, forbidden)             →  requests of the forbidden access that the document allows
    public(document)                         →  requests of strangers that the document allows

A "more" carries a request that was replayed through `evaluate`; an "equal" is a search without result over everything
that the policies can tell apart. Where the search is cut short by its budget the relation is unknown, never equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from aws_iam.answer import Comparison
from aws_iam.engine.comparison import variable_values
from aws_iam.engine.comparison.clauses import Atoms, is_principaled
from aws_iam.engine.comparison.one_way_search import OneWaySearch, Search, SideStatements
from aws_iam.engine.comparison.permissive_policies import allow_all, with_public_principal
from aws_iam.engine.comparison.unchanged_statements import (
    changed_statements,
    reusable_nodes,
    share_derived,
)
from aws_iam.engine.evaluation.layers import refuse_unusable
from aws_iam.engine.language.document import Kind, Policy, Syntax
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.gather import sources_of
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Node

MOST_WITNESSES = 3
"""Requests shown in each direction."""


def compare(document: object, baseline: object) -> Comparison:
    """The relation of the document's access to the baseline's; several policies on a side are their union."""
    # Whether there are more requests than are shown is no part of the answer.
    return _searched(document, baseline, MOST_WITNESSES, MOST_WITNESSES).comparison


@slotted
class Searched:
    """A comparison with the searches of both directions that it rests on."""

    comparison: Comparison
    beyond: Search
    short: Search


def searched(document: object, baseline: object, most: int = MOST_WITNESSES) -> Searched:
    """The comparison, with up to so many requests in each direction."""
    return _searched(document, baseline, most, most + 1)


def _searched(document: object, baseline: object, most: int, sought: int) -> Searched:
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
    beyond = OneWaySearch(atoms=atoms, policies=ours, without=theirs).search(most, sought)
    short = OneWaySearch(atoms=atoms, policies=theirs, without=ours).search(most, sought)
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
    return Searched(comparison=comparison, beyond=beyond, short=short)


def _beside_everything(
    new: tuple[Policy, ...], old: tuple[Policy, ...]
) -> tuple[tuple[Policy, ...], tuple[str, ...]]:
    """An Allow of everything to compare policies with that only deny, and what is said of it."""
    statements = [statement for policy in (*new, *old) for statement in policy.statements]
    if not statements or any(statement.allows for statement in statements):
        return (), ()
    return (allow_all(principaled=is_principaled((*new, *old))),), (
        "neither side allows anything: both are compared beside an Allow of everything, as guardrails that only deny are",
    )


def granted(document: object, forbidden: object, most: int = MOST_WITNESSES) -> Search:
    """The requests of the forbidden access, statements without principals, which the document allows."""
    new, kept_out = _documents(document, "document"), _documents(forbidden, "forbidden")
    if is_principaled(new):
        kept_out = tuple(map(with_public_principal, kept_out))
    atoms = Atoms()
    ours, theirs = SideStatements.of(new, atoms), SideStatements.of(kept_out, atoms)
    return OneWaySearch(atoms=atoms, policies=ours, within=theirs).search(most)


def public(document: object, most: int = MOST_WITNESSES) -> Search:
    """The requests of strangers that the resource policy allows."""
    policies = _documents(document, "document")
    if any(policy.kind not in {Kind.RESOURCE, Kind.TRUST} for policy in policies):
        raise InputError(
            "`public` asks who outside can use a resource, and this policy is no resource's",
            hint="give the resource policy or the trust policy",
        )
    atoms = Atoms()
    written = SideStatements.of(policies, atoms)
    return OneWaySearch(atoms=atoms, policies=written, strangers=True).search(most)


def assumptions(document: object) -> tuple[str, ...]:
    """What a search over the document takes for granted."""
    return tuple(_assumptions(_documents(document, "document")))


def _documents(
    given: object, name: str, known: Mapping[int, Node] | None = None
) -> tuple[Policy, ...]:
    found = []
    for source in sources_of(given, known=known):
        content = source.content
        if isinstance(content, Syntax):
            where = f"line {content.where.line}:{content.where.column}"
            raise InputError(f"`{name}` is no JSON: {where}: {content.message}", hint=content.hint)
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
    beyond: Search, short: Search
) -> Literal["more", "less", "equal", "incomparable", "unknown"]:
    if beyond.requests and short.requests:
        return "incomparable"
    if beyond.requests and short.is_none:
        return "more"
    if short.requests and beyond.is_none:
        return "less"
    return "equal" if beyond.is_none and short.is_none else "unknown"


def _assumptions(policies: Sequence[Policy]) -> Iterator[str]:
    yield f"actions and ARN formats as of {catalog().as_of}; what AWS adds later is not compared"
    if any(statement.conditions for policy in policies for statement in policy.statements):
        yield "any request may carry any condition key, and its keys have values independently of each other"
    names = variable_values.variable_names(policies)
    if names:
        listed = ", ".join(f"`${{{name}}}`" for name in names)
        yield f"the values of {listed} hold no `*`, `?`, `:` or `/` and stand for the same in both"
    if is_principaled(policies):
        yield "callers of the resource's own account have no other permission, or all of them; all resources are of one account"
