"""What a larger document says about one layer: an answer of the AWS CLI, a template or Terraform sources.

Such a document may hold the policies of others too, attach what it does not hold, and have values that only the deployment knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.deployment_values import most_and_least
from aws_iam.engine.language.cases import ALWAYS
from aws_iam.engine.language.document import Kind, Policy, dump
from aws_iam.engine.sources.gather import gathered
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from aws_iam.engine.language.document import Source, Statement
    from aws_iam.engine.sources.gathered import Gathered

_PRINCIPALS = frozenset(
    {
        "Role",
        "User",
        "Group",
        "Roles[]",
        "RoleDetailList[]",
        "UserDetailList[]",
        "GroupDetailList[]",
    }
    | {f"aws_iam_{kind}" for kind in ("role", "user", "group")}
    | {f"AWS::IAM::{kind}" for kind in ("Role", "User", "Group")}
)
"""The types of holders whose policies are those of one principal; a managed policy has as many as attach it."""
_OF_ACCOUNT = "Policies[]"
_MANAGED = frozenset({"AWS::IAM::ManagedPolicy", "aws_iam_policy"})
_DOCUMENT = "aws_iam_policy_document"
_SHOWN = 5


@slotted
class LayerParts:
    """The policies of the layer that the document holds, those of AWS that it attaches, and why others are unknown.

    `unused` are those that the document, beside a principal, gives to nobody. `boundaries` are the permissions boundaries that it sets, as documents or as ARNs of AWS's, and `unknown_boundaries` the others.
    """

    sources: tuple[Source, ...]
    attached: tuple[str, ...] = ()
    unknown: str = ""
    unused: frozenset[str] = frozenset()
    boundaries: tuple[str, ...] = ()
    unknown_boundaries: str = ""


def parts_of(layer: str, pointer: str, value: object, found: Gathered) -> LayerParts:
    """What of a larger document is in a layer; InputError where it holds the identity policies of several principals."""
    unread = [f"{quoted(own.place)} was not read" for own in found.unread if not own.is_none]
    if layer != "identity":
        return LayerParts(sources=found.sources, unknown=joined(unread, shown=_SHOWN))
    owners = _owners(found)
    if len(owners) > 1:
        raise InputError(
            f"the document at {quoted(pointer)} has the policies of several principals: "
            + joined(list(map(quoted, owners)), shown=_SHOWN),
            hint="give those of the caller alone",
        )
    trusts = {own.name for own in gathered(value).sources if _kind(own) is Kind.TRUST}
    attached = [own for own in found.attachments if not own.is_boundary]
    lacking = [
        f"{quoted(own.name)} is attached without its document"
        for own in attached
        if not own.is_known
    ]
    lacking += [
        f"whether {quoted(own.name)} is attached is known only at deployment"
        for own in found.attachments
        if not own.in_force or own.cases != ALWAYS or own.alternatives
    ]
    limits, unknown = _boundaries(found)
    return LayerParts(
        sources=tuple(
            own
            for own in found.sources
            if own.name not in trusts and _is_in_force(own, found, owners)
        ),
        attached=tuple(own.policy for own in attached if own.managed),
        unknown=joined(list(dict.fromkeys((*unread, *lacking))), shown=_SHOWN),
        unused=_unused(found) if owners else frozenset(),
        boundaries=limits,
        unknown_boundaries=unknown,
    )


def _boundaries(found: Gathered) -> tuple[tuple[str, ...], str]:
    """The permissions boundaries that the document sets, and why others are unknown."""
    documents = {
        own.name: dump(own.content) for own in found.sources if isinstance(own.content, Policy)
    }
    limits: list[str] = []
    unknown: list[str] = []
    for own in found.attachments:
        if own.is_boundary and own.is_known:
            limits.append(documents.get(own.document) or own.policy)
        elif own.is_boundary:
            unknown.append(quoted(own.name))
    why = f"{joined(unknown, shown=_SHOWN)} is set without its document" if unknown else ""
    return tuple(limits), why


def _kind(source: Source) -> Kind | None:
    return source.content.kind if isinstance(source.content, Policy) else None


def _is_in_force(source: Source, found: Gathered, owners: list[str]) -> bool:
    """Whether a policy grants something to the principal of the document: no boundary does, and no policy of its account that it has not."""
    uses = {own.is_boundary for own in found.attachments if own.document == source.name}
    if uses:
        return False in uses
    # Details of an account list its policies beside the principals that have some of them.
    return not owners or source.holder.type != _OF_ACCOUNT


def _unused(found: Gathered) -> frozenset[str]:
    """The managed policies that the document attaches to nobody; what is not in it may."""
    attached = {own.document for own in found.attachments}
    return frozenset(
        own.name
        for own in found.sources
        if own.holder.type in _MANAGED and not own.holder.attached_to and own.name not in attached
    )


def _owners(found: Gathered) -> list[str]:
    """The principals whose policies the document has, each by its own name where the document tells it."""
    names = {own.name: own.own_name.partition(" ")[2] for own in found.resources}
    holders = [own.holder for own in found.sources]
    owners = [name for own in holders for name in own.attached_to]
    owners += [own.name for own in holders if own.type in _PRINCIPALS and not own.attached_to]
    owners += [own.target or own.holder for own in found.attachments]
    return list(dict.fromkeys(names.get(own) or own for own in owners if own))


def doubt_about(source: Source) -> str:
    """Why a statement may apply or not whose values the document does not tell."""
    return f"{quoted(source.name or 'the document')} has values that are known only at deployment"


def doubt_of_all(source: Source, parts: LayerParts) -> str:
    """Why the whole policy may be there or not, or another one of the parts; empty for one that certainly is there."""
    if source.name in parts.unused:
        return f"the document does not attach {quoted(source.name)}"
    # Nothing has to use a document that is given by itself.
    is_used = source.holder.in_force or source.holder.type == _DOCUMENT
    has_side = source.other_side_of or any(
        own.other_side_of == source.name for own in parts.sources
    )
    if is_used and source.cases == ALWAYS and not (source.alternatives or has_side):
        return ""
    return (
        f"whether {quoted(source.name or 'the document')} is there so is known only at deployment"
    )


def certain_and_possible(
    source: Source,
) -> tuple[tuple[Statement, ...], tuple[Statement, ...]] | None:
    """The statements that hold whatever the values are, and what some values add; None where nothing is known of one."""
    both = most_and_least(source)
    if both is None:
        return None
    most, least = both
    certain = [own for own in least.statements if own.allows]
    certain += [own for own in most.statements if own.denies]
    possible = [own for own in most.statements if own.allows]
    possible += [own for own in least.statements if own.denies]
    known = {id(own.node) for own in certain}
    return tuple(certain), tuple([own for own in possible if id(own.node) not in known])
