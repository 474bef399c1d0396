"""The permissions boundaries of principals on one side: what they leave of the policies, as far as their documents are known.

Boundaries.of(side).of_policies(("aws_iam_role_policy.p.policy",))   →   PolicyLimit(names=("aws_iam_policy.b",), policies=(…,))
with_limits(pairs, sides)   →   the pairs with what limits them before the change and after it

A boundary limits what the policies of a role or a user grant, and grants nothing.
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.policy_limit import PolicyLimit
from aws_iam.engine.comparison.sides.principals_together import grants, principals_by_policy
from aws_iam.engine.comparison.sides.referenced_addresses import referenced_address
from aws_iam.engine.comparison.sides.root_names import root_of
from aws_iam.engine.comparison.sides.setting_values import values_of
from aws_iam.engine.comparison.sides.unusable_policies import fault_of
from aws_iam.engine.comparison.sides.upper_bounds import upper_bound
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.sources.containers.attachments import PolicyAttachment
from aws_iam.engine.sources.gather import sources_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.sides.policy_pairs import PolicyPair
    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide, Sides
    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.containers.access_settings import AccessSetting

_PERMISSION_SET, _SET_BOUNDARY = "permission_set_arn", "PermissionsBoundary"
# The ARN of a policy of AWS, or the name of one of the customer's.
_NAMED = re.compile(r'"(?:ManagedPolicyArn|Name)\\*": *\\*"([^"\\]+)')
_NOT_READ = "its document was not read"
_NOT_USABLE = "its document is none that AWS accepts"
_NOT_ALWAYS = "whether it is attached is known only at deployment"
_KNOWN_LATER = "all that it allows is known only at deployment"


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The boundaries by the resources that they limit, and the principals of the policies."""

    by_holder: Mapping[str, PolicyLimit] = field(default_factory=dict)
    principals: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, side: NamedSide) -> Boundaries:
        """Those of a side."""
        attached: dict[str, list[PolicyAttachment]] = {}
        for holder, own in _by_limited(side):
            attached.setdefault(holder, []).append(own)
        if not attached:
            return cls()
        read = _ReadBoundaries(side)
        limits = {holder: read.limit(boundaries) for holder, boundaries in attached.items()}
        # Whatever has a boundary is the principal of the policies that stand in it.
        inside: dict[str, tuple[tuple[str, str], ...]] = {
            source.name: (("", source.holder.name),)
            for source in side.sources
            if source.holder.name in limits and not source.holder.attached_to
        }
        known = principals_by_policy(side, side.holders)
        return cls(limits, inside | {name: owners for name, owners in known.items() if owners})

    def of_policies(self, names: Iterable[str]) -> PolicyLimit | None:
        """What limits a policy, or the policies of a principal; None where somebody without a boundary has one of them."""
        owners = {one for name in names for _, one in self.principals.get(name, ())}
        if not owners or not owners <= self.by_holder.keys():
            return None
        limits = [self.by_holder[one] for one in sorted(owners)]
        shown = tuple(dict.fromkeys(name for own in limits for name in own.names))
        why = next((own.why for own in limits if own.why), "")
        if not all(own.policies for own in limits):
            return PolicyLimit(names=shown, why=why)
        different = {id(one): one for own in limits for one in own.policies}
        if len(different) == 1:
            return PolicyLimit(names=shown, policies=tuple(different.values()), why=why)
        # What one of several boundaries denies, another one may allow.
        policies = tuple(map(_allowing, different.values()))
        return PolicyLimit(names=shown, policies=policies, why=why)


def _by_limited(side: NamedSide) -> Iterator[tuple[str, PolicyAttachment]]:
    """The boundaries of a side, each with the resource that it limits."""
    sets = {own.holder: own for own in side.settings if _PERMISSION_SET in own.value}
    for own in side.attachments:
        if not own.is_boundary or own.in_force is False:
            continue
        setting = sets.get(own.holder)
        named = values_of(setting).get(_PERMISSION_SET, "") if setting else ""
        yield referenced_address(named, own.holder) or own.holder, own
    for setting in side.settings:
        if _SET_BOUNDARY in setting.value:
            yield from _of_permission_set(setting)


def _of_permission_set(setting: AccessSetting) -> Iterator[tuple[str, PolicyAttachment]]:
    """The boundary that CloudFormation gives a permission set, which is no attachment."""
    value = values_of(setting).get(_SET_BOUNDARY, "")
    named = _NAMED.search(value)
    if value and setting.in_force is not False:
        yield (
            setting.holder,
            PolicyAttachment(
                holder=setting.holder,
                place=setting.place,
                policy=named[1] if named else value,
                is_boundary=True,
                in_force=setting.in_force,
            ),
        )


def _allowing(policy: Policy) -> Policy:
    return replace(policy, statements=tuple(own for own in policy.statements if own.allows))


@dataclass(slots=True)
class _ReadBoundaries:
    """The documents of boundaries, each one object for all that it limits, with what is not known of them."""

    side: NamedSide
    _known: dict[str, tuple[tuple[Policy, ...], str]] = field(default_factory=dict)

    def limit(self, boundaries: Sequence[PolicyAttachment]) -> PolicyLimit:
        """The boundary of a principal, which has one at a time."""
        names = tuple(boundary_name(own, self.side) for own in boundaries)
        first = boundaries[0]
        if len(boundaries) > 1 or first.cases or first.alternatives or first.in_force is None:
            return PolicyLimit(names=names, why=_NOT_ALWAYS)
        key = first.document or first.policy
        if key not in self._known:
            self._known[key] = self._read(first)
        policies, why = self._known[key]
        return PolicyLimit(names=names, policies=policies, why=why)

    def _read(self, own: PolicyAttachment) -> tuple[tuple[Policy, ...], str]:
        """What a boundary allows at most; what is not known of it, in words."""
        if managed := own.managed:
            found = sources_of(json.loads(managed.document), Kind.IDENTITY)
        else:
            found = tuple(one for one in self.side.sources if one.name == own.document)
        if not found:
            return (), _NOT_READ
        if any(map(fault_of, found)):
            return (), _NOT_USABLE
        known = upper_bound(found[0]) if len(found) == 1 and found[0].holder.in_force else None
        if known is None:
            return (), _KNOWN_LATER
        return (known,), _KNOWN_LATER if found[0].unresolved else ""


def boundary_name(own: PolicyAttachment, side: NamedSide) -> str:
    """What a reader finds a boundary by: the resource of its document, else what the file names."""
    holders = (source.holder.name for source in side.sources if source.name == own.document)
    name = next(holders, "") if own.document else ""
    return root_of(name, side.roots)[1] or own.policy


def with_limits(pairs: Iterable[PolicyPair], sides: Sides) -> tuple[PolicyPair, ...]:
    """The pairs with the boundaries of those who have the policies, and of a boundary with the policies that it limits."""
    now, before = Boundaries.of(sides.new), Boundaries.of(sides.old)
    if not (now.by_holder or before.by_holder):
        return tuple(pairs)
    return tuple(_with_limit(pair, now, before, sides) for pair in pairs)


def _with_limit(pair: PolicyPair, now: Boundaries, before: Boundaries, sides: Sides) -> PolicyPair:
    if pair.change == "same":
        return pair
    if pair.is_limit:
        name = pair.name or sides.document[0].name
        return replace(pair, limited=_limited(name, now, sides))
    if not grants(pair):
        return pair
    names = pair.parts or (pair.name,)
    # A policy that is compared alone has no name.
    after, former = (
        names if pair.name else tuple(own.name for own in side)
        for side in (sides.document, sides.baseline)
    )
    return replace(pair, limit=now.of_policies(after), former_limit=before.of_policies(former))


def _limited(boundary: str, now: Boundaries, sides: Sides) -> tuple[Policy, ...]:
    """The policies of all whom a boundary limits, that is named by its document or by the place that attaches it."""
    holders = {
        holder for holder, own in _by_limited(sides.new) if boundary in {own.document, own.place}
    }
    return policies_of_holders(holders, now.principals, sides.document)


def policies_of_holders(
    holders: Collection[str],
    principals: Mapping[str, tuple[tuple[str, str], ...]],
    document: Iterable[Source],
) -> tuple[Policy, ...]:
    """The policies that grant something to any of the principals."""
    return tuple(
        source.content
        for source in document
        if isinstance(source.content, Policy)
        and source.content.kind is Kind.IDENTITY
        and any(one in holders for _, one in principals.get(source.name, ()))
    )
