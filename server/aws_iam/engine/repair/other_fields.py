"""A Deny of an ARN in any Region or account, left for other Regions and accounts than those of exempt resources.

    in_other_fields({… "Resource": "arn:aws:lambda:*:111122223333:function:g"}, ["arn:aws:lambda:eu-west-1:111122223333:function:g"])
        →   the statement with StringNotEquals: {"aws:RequestedRegion": "eu-west-1"}

No pattern leaves one Region out, but a request to one is about a resource of it, and `aws:ResourceAccount` is the account of the
resource. That is taken for granted, and told: services that work across Regions may not hold to it. In the same way a Deny of all
queues of one account is left for all but one of them, as NotResource in that account.
"""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING, Any, Final

from aws_iam.engine.language.pattern import covers, intersects, is_literal
from aws_iam.engine.repair.added_conditions import with_limit
from aws_iam.engine.repair.other_resources import elsewhere
from aws_iam.engine.repair.requirements import bare, listed
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_FIELDS: Final = {"aws:RequestedRegion": 3, "aws:ResourceAccount": 4}
_COLONS = 5
# Of more lists of Regions and accounts than this the statements would be too many to read.
_MOST_BLOCKS = 4


@slotted
class InOtherFields:
    """The statements that are left, the keys that they look at, and Denies of the requests that are taken not to exist."""

    statements: tuple[dict[str, Any], ...]
    keys: tuple[str, ...]
    taken_apart: tuple[Mapping[str, Any], ...]
    # Whether NotResource stands for all other resources of a kind.
    by_kind: bool = False


def in_other_fields(
    statement: Mapping[str, Any], resources: Sequence[str]
) -> InOtherFields | None:
    """What is left of a Deny with one entry of Resource; None where the exempt resources are not all of it in some Regions and accounts."""
    entry = statement["Resource"]
    if not _has_fields(entry):
        return None
    own, met = entry.split(":"), [one.split(":") for one in resources if intersects(one, entry)]
    wide = {key: at for key, at in _FIELDS.items() if not is_literal(own[at])}
    if not wide or any(len(one) <= _COLONS for one in met):
        return None
    chosen = {tuple(one[at] for at in wide.values()) for one in met}
    if not all(is_literal(text) and text for texts in chosen for text in texts):
        return None
    for texts in chosen:
        fields = list(own)
        for at, text in zip(wide.values(), texts, strict=True):
            fields[at] = text
        if not any(covers(one, ":".join(fields)) for one in resources):
            return None
    blocks = [dict(zip(wide, texts, strict=True)) for texts in _blocks(chosen)]
    left = list(_outside(statement, blocks)) if len(blocks) <= _MOST_BLOCKS else [None]
    if None in left:
        return None
    return InOtherFields(
        statements=tuple(found for found in left if found),
        keys=tuple(wide),
        taken_apart=tuple(
            {
                "Effect": "Deny",
                "Action": statement["Action"],
                "Resource": entry,
                "Condition": {"StringEquals": {key: bare(own) for key, own in block.items()}},
            }
            for block in blocks
        ),
    )


def _has_fields(entry: str) -> bool:
    """Whether each field of an ARN stands in the entry as it is."""
    return entry.startswith("arn:") and entry.count(":") >= _COLONS and "${" not in entry


def in_own_fields(statement: Mapping[str, Any], resources: Sequence[str]) -> InOtherFields | None:
    """What is left of a Deny of all resources of a kind in one Region or account: those in NotResource, in that Region and account.

    None where the entry has no such field, or is not all of a kind in any Region and account.
    """
    entry, actions = statement["Resource"], listed(statement["Action"])
    if not _has_fields(entry):
        return None
    own = entry.split(":")
    fixed = {key: own[at] for key, at in _FIELDS.items() if own[at] and is_literal(own[at])}
    everywhere = ["*" if at in _FIELDS.values() and text else text for at, text in enumerate(own)]
    outside = elsewhere(actions, [":".join(everywhere)], resources) if fixed else None
    if outside is None or outside.denied_within:
        return None
    spared = [one for one in resources if intersects(one, entry)]
    rest = {name: value for name, value in statement.items() if name != "Resource"}
    left: dict[str, Any] | None = {**rest, "NotResource": bare([*spared, *outside.patterns])}
    for key, value in fixed.items():
        left = left and with_limit(left, ("StringEqualsIfExists",), key, [value], join=False)
    if left is None:
        return None
    apart = {"Effect": "Deny", "Action": statement["Action"]}
    other_fields = (
        {**apart, "Resource": entry, "Condition": {"StringNotEquals": {key: value}}}
        for key, value in fixed.items()
    )
    in_others = {
        **apart,
        "NotResource": [entry, *outside.patterns],
        "Condition": {"StringEqualsIfExists": fixed},
    }
    return InOtherFields(
        statements=(left,),
        keys=tuple(fixed),
        taken_apart=(*other_fields, in_others),
        by_kind=True,
    )


def _blocks(chosen: Iterable[tuple[str, ...]]) -> Iterator[tuple[Sequence[str], ...]]:
    """The same fields as few lists of values of which all combinations are chosen."""
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for first, *rest in sorted(chosen):
        by_first.setdefault(first, []).append(tuple(rest))
    by_rest: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for first, others in by_first.items():
        by_rest.setdefault(tuple(others), []).append(first)
    for rests, firsts in by_rest.items():
        yield firsts, *map(list, zip(*rests, strict=True))


def _outside(
    statement: Mapping[str, Any], blocks: Sequence[Mapping[str, Sequence[str]]]
) -> Iterator[dict[str, Any] | None]:
    """Statements one of which applies where each block differs in at least one key."""
    for term in _fewest([_others(keys, blocks) for keys in product(*blocks)], blocks):
        narrower: dict[str, Any] | None = dict(statement)
        for key, values in term.items():
            narrower = narrower and with_limit(
                narrower, ("StringNotEquals",), key, list(values), join=True
            )
        yield narrower


def _others(
    keys: Sequence[str], blocks: Sequence[Mapping[str, Sequence[str]]]
) -> Mapping[str, Sequence[str]]:
    """By key the values that it must not have, so that each block differs in the key chosen for it."""
    found: dict[str, dict[str, None]] = {}
    for key, block in zip(keys, blocks, strict=True):
        found.setdefault(key, {}).update(dict.fromkeys(block[key]))
    return {key: tuple(values) for key, values in found.items()}


def _fewest(
    terms: Sequence[Mapping[str, Sequence[str]]], blocks: Sequence[Mapping[str, Sequence[str]]]
) -> Sequence[Mapping[str, Sequence[str]]]:
    """The fewest terms that together take all that the terms do."""
    values = [(*dict.fromkeys(v for own in blocks for v in own[key]), "") for key in blocks[0]]
    points = [dict(zip(blocks[0], point, strict=True)) for point in product(*values)]
    taken = [
        frozenset(
            number
            for number, point in enumerate(points)
            if all(point[key] not in excluded for key, excluded in term.items())
        )
        for term in terms
    ]
    whole = frozenset().union(*taken)
    for size in range(1, len(terms)):
        for chosen in combinations(range(len(terms)), size):
            if frozenset().union(*(taken[at] for at in chosen)) == whole:
                return [terms[at] for at in chosen]
    return terms
