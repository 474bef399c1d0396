"""The recorded policies that apply to one evaluation, as layers for `evaluate`, and what of them is missing.

A policy that was not captured, or a level of which nothing was, may allow and may deny: it is named, never left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.denied.policy_documents import PolicyDocument, PolicyDocuments
from aws_iam.engine.evaluation.layers import LAYERS, LEVELLED
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.engine.denied.authorization.record import (
        AuthorizationEvaluation,
        AuthorizationRecord,
        RecordedPolicy,
    )

_DENIALS = frozenset({"EXPLICIT_DENY", "IMPLICIT_DENY"})
# Each has a policy wherever there is a check of it, or, as that of a resource, may have one that the record does not show.
_NEVER_EMPTY = frozenset({"rcp", "scp", "vpc_endpoint", "resource", "boundary"})
_ORDER = ("root", "ou", "account")


@slotted
class MissingPart:
    """What the record lacks for a layer; `target` is the level of an organization, empty for every level."""

    layer: str
    why: str
    target: str = ""

    def concerns(self, layer: str, target: str) -> bool:
        """Whether a check of the layer at the target depends on it."""
        return self.layer in {"", layer} and (not self.target or self.target == target)


@slotted
class AppliedPolicies:
    """The layers of one evaluation: `places` has the policies by layer and level, `targets` the levels of a layer."""

    places: Mapping[str, tuple[tuple[RecordedPolicy, ...], ...]]
    targets: Mapping[str, tuple[str, ...]]
    missing: tuple[MissingPart, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for evaluations with the same policies at the same places: their layers are read once."""
        return tuple(
            (layer, tuple(tuple(id(policy) for policy in row) for row in rows))
            for layer, rows in self.places.items()
        )

    def documents(
        self, changed: Mapping[tuple[str, str], Mapping[str, Any]] | None = None
    ) -> PolicyDocuments:
        """The captured documents; `changed` replaces those of a layer and URI.

        AWS may leave actions of other services out of a statement.
        """
        changed = changed or {}
        levels: dict[str, tuple[tuple[PolicyDocument, ...], ...]] = {}
        for layer, rows in self.places.items():
            levels[layer] = tuple(
                tuple(
                    PolicyDocument(
                        document=changed.get((layer, policy.uri)) or policy.document or {},
                        pointer=self.pointer(layer, level, number),
                        aws_managed=policy.uri if policy.is_of_aws else "",
                    )
                    for number, policy in enumerate(row)
                )
                for level, row in enumerate(rows)
            )
        return PolicyDocuments(levels=levels, are_cut=True)

    @staticmethod
    def pointer(layer: str, level: int, number: int) -> str:
        """The place of a policy as a decision names it: `/scp/0/1`, `/identity/0`."""
        return f"/{layer}/{level}/{number}" if layer in LEVELLED else f"/{layer}/{number}"

    def by_pointer(self) -> Mapping[str, RecordedPolicy]:
        """The policy at each place."""
        return {
            self.pointer(layer, level, number): policy
            for layer, rows in self.places.items()
            for level, row in enumerate(rows)
            for number, policy in enumerate(row)
        }


def applied_policies(
    record: AuthorizationRecord, evaluation: AuthorizationEvaluation
) -> AppliedPolicies:
    """The policies of the record that apply to the evaluation, by layer."""
    places: dict[str, tuple[tuple[RecordedPolicy, ...], ...]] = {}
    targets: dict[str, tuple[str, ...]] = {}
    missing: list[MissingPart] = []
    for layer in LAYERS:
        own = [p for p in record.policies if p.layer == layer and _applies(p, evaluation)]
        checks = evaluation.checks_of(layer)
        # The resources of one call may have owners with other RCPs, or none: AWS's checks say which apply.
        is_elsewhere = layer == "rcp" and evaluation.checks is not None
        if not checks and (not own or is_elsewhere):
            continue
        if layer in LEVELLED:
            targets[layer] = tuple(_targets(own, [check.target for check in checks]))
            levels = [
                [p for p in own if _is_at(p, target, targets[layer])] for target in targets[layer]
            ]
        else:
            levels = [own]
        missing += _missing(layer, levels, targets.get(layer, ("",)), checks)
        if layer == "session" and not own:
            # A session without session policies passes.
            continue
        places[layer] = tuple(tuple(p for p in level if p.document) for level in levels)
        if not checks and evaluation.checks and layer != "resource":
            why = f"the record has a policy of the layer {layer}, and no check of it"
            missing.append(MissingPart(layer=layer, why=why))
    missing += _missing_in_all(record, evaluation)
    return AppliedPolicies(places=places, targets=targets, missing=tuple(missing))


def _applies(policy: RecordedPolicy, evaluation: AuthorizationEvaluation) -> bool:
    """Whether a policy is about the evaluation: that of a resource is about what it is attached to."""
    if policy.layer != "resource" or not policy.attached_to or not evaluation.resource:
        return True
    if any(matched.uri == policy.uri for matched in _matched(evaluation)):
        return True
    return any(_holds(arn, evaluation.resource) for arn in policy.attached_to)


def _holds(arn: str, resource: str) -> bool:
    """Whether the resource is the one with this ARN, or one in it: an object in a bucket, an index of a table."""
    if resource == arn:
        return True
    return resource.startswith(arn) and resource[len(arn)] in "/:"


def _matched(evaluation: AuthorizationEvaluation) -> Iterator[Any]:
    yield from evaluation.matched
    for check in evaluation.checks or ():
        yield from check.matched


def _targets(policies: Iterable[RecordedPolicy], checked: Iterable[str]) -> Iterator[str]:
    """The levels: those that AWS checked, else those at which policies are attached, from the root to the account."""
    found = dict.fromkeys(filter(None, checked))
    if found:
        yield from found
        return
    attached = dict.fromkeys(arn for policy in policies for arn in policy.attached_to)
    yield from sorted(attached, key=_depth) or [""]


def _depth(arn: str) -> int:
    kind = arn.rpartition(":")[2].partition("/")[0]
    return _ORDER.index(kind) if kind in _ORDER else 1


def _is_at(policy: RecordedPolicy, target: str, targets: tuple[str, ...]) -> bool:
    """Whether the policy is attached at the level; one of which that is not known counts at the first level."""
    if not policy.attached_to:
        return target == targets[0]
    return target in policy.attached_to or not target


def _missing(
    layer: str,
    levels: list[list[RecordedPolicy]],
    targets: tuple[str, ...],
    checks: tuple[Any, ...],
) -> Iterator[MissingPart]:
    for target, level in zip(targets, levels, strict=True):
        at = f" at {quoted(target)}" if target else ""
        for policy in level:
            if not policy.document:
                name = quoted(policy.uri) if policy.uri else "a policy without URI"
                yield MissingPart(layer=layer, target=target, why=f"{name}: {policy.lack}")
            if layer in LEVELLED and not policy.attached_to:
                why = f"the record does not say where {quoted(policy.uri)} is attached"
                yield MissingPart(layer=layer, why=why)
        if not level and layer in _NEVER_EMPTY:
            yield MissingPart(
                layer=layer,
                target=target,
                why=f"no policy of the layer {layer}{at} is in the record",
            )
    if layer == "session" and not levels[0] and any(check.effect in _DENIALS for check in checks):
        yield MissingPart(layer=layer, why="no session policy is in the record")
    inline = [policy for policy in levels[0] if policy.inline]
    if layer == "session" and len(inline) > 1:
        # GetScopedCredentials narrows a session by one more policy, which must allow as well; none says which it is.
        why = "several session policies are inline: where GetScopedCredentials gave one, each must allow"
        yield MissingPart(layer=layer, why=why)


def _missing_in_all(
    record: AuthorizationRecord, evaluation: AuthorizationEvaluation
) -> Iterator[MissingPart]:
    if evaluation.checks is None:
        why = "AWS gives no checks, so layers that applied may be missing"
        yield MissingPart(layer="", why=why)
    for check in evaluation.checks or ():
        if not check.layer:
            yield MissingPart(layer="", why=f"the check {quoted(check.type)} is not known here")
    known = {policy.uri for policy in record.policies}
    for check in evaluation.checks or ():
        for matched in check.matched:
            if matched.uri not in known:
                why = f"{quoted(matched.uri)}, which matched, is not among the record's policies"
                yield MissingPart(layer=check.layer, target=check.target, why=why)
    for policy in record.policies:
        if not policy.layer:
            why = f"{quoted(policy.uri)} is of the type {quoted(policy.type)}, which is not known here"
            yield MissingPart(layer="", why=why)
