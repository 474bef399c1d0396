"""The policies of an organization that are attached to the same roots, units and accounts, as one: what one of them no longer denies, another may.

by_target(pairs, sides)   →   the pairs, with those of the same targets joined

All service control policies of a target apply together. https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.principals_together import beside, together
from aws_iam.engine.comparison.sides.referenced_addresses import referenced_address
from aws_iam.engine.comparison.sides.setting_values import values_of
from aws_iam.engine.language.document import Kind
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.sides.policy_pairs import PolicyPair
    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide, Sides
    from aws_iam.engine.sources.containers.access_settings import AccessSetting

    _Targets = frozenset[str]

_OF_ORGANIZATION = frozenset({Kind.SCP, Kind.RCP})
_TARGETS, _POLICY, _TARGET = "TargetIds", "policy_id", "target_id"
_TEXT = re.compile(r'"([^"]+)"')
_SHOWN = 3


def by_target(pairs: Sequence[PolicyPair], sides: Sides) -> tuple[PolicyPair, ...]:
    """The pairs, those of an organization that change and have the same targets joined under the names of these."""
    now, before = _targets_by_policy(sides.new), _targets_by_policy(sides.old)
    groups: dict[object, list[PolicyPair]] = {}
    for pair in pairs:
        kind = _kind(pair)
        targets = _kept_targets(pair, now, before)
        if kind and targets:
            groups.setdefault((kind, targets), []).append(pair)
    found: dict[str, list[PolicyPair]] = {}
    for own in groups.values():
        changed = [pair for pair in own if pair.change != "same"]
        # What they deny all along is neither gained nor lost.
        denying = [pair for pair in own if pair.change == "same" and _only_denies(pair)]
        if len(changed) > 1:
            targets = _kept_targets(changed[0], now, before)
            found |= {pair.name: [] for pair in changed}
            name = joined(sorted(targets), shown=_SHOWN)
            found[changed[0].name] = [together(name, changed, denying)]
        elif changed:
            found[changed[0].name] = [beside(changed[0], denying)]
    return tuple(one for pair in pairs for one in found.get(pair.name, (pair,)))


def _only_denies(pair: PolicyPair) -> bool:
    return all(own.denies for policy in pair.document for own in policy.statements)


def _kind(pair: PolicyPair) -> Kind | None:
    """The kind of policy of an organization that all of a pair are."""
    kinds = {own.kind for own in (*pair.document, *pair.baseline) if own.statements}
    return next(iter(kinds)) if len(kinds) == 1 and kinds <= _OF_ORGANIZATION else None


def _kept_targets(
    pair: PolicyPair, now: Mapping[str, _Targets], before: Mapping[str, _Targets]
) -> _Targets:
    """What the policy is attached to wherever there is one; nothing where that changes, too."""
    mine, theirs = (side.get(pair.name, frozenset()) for side in (now, before))
    match pair.change:
        case "added":
            return mine
        case "removed":
            return theirs
        case _:
            return mine if mine == theirs else frozenset()


def _targets_by_policy(side: NamedSide) -> dict[str, _Targets]:
    """The targets of each policy, by the policy's name."""
    by_holder: dict[str, set[str]] = {}
    for setting in side.settings:
        for holder, target in _attached(setting):
            by_holder.setdefault(holder, set()).add(target)
    return {
        own.name: frozenset(by_holder[own.holder.name])
        for own in side.sources
        if own.holder.name in by_holder
    }


def _attached(setting: AccessSetting) -> Iterator[tuple[str, str]]:
    values = values_of(setting) if setting.in_force is True else {}
    if values.keys() >= {_POLICY, _TARGET}:
        holder = referenced_address(values[_POLICY], setting.holder)
        if holder:
            yield holder, values[_TARGET]
    for target in _TEXT.findall(values.get(_TARGETS, "")):
        yield setting.holder, target
