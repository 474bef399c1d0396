"""The narrowest exception from a Deny: statements that deny all that it denied, except some requests.

A Deny becomes the same for all other principals; and for these principals all other actions, these actions on other resources, and
these actions on these resources where the request is another one. Where one resource cannot be excluded from a pattern, the
exception is broader: `beyond` has the patterns that are no longer denied.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, takewhile
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.pattern import covers, intersects, is_literal
from aws_iam.engine.language.plain_policy import STATEMENT_ELEMENTS
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.repair.added_conditions import with_limit, with_other_values
from aws_iam.engine.repair.coverage import is_covered
from aws_iam.engine.repair.draft import in_form_of
from aws_iam.engine.repair.other_fields import in_other_fields, in_own_fields
from aws_iam.engine.repair.other_resources import always_has_arn, elsewhere, may_meet
from aws_iam.engine.repair.requirements import PRINCIPAL_KEY, bare, covers_action, listed
from aws_iam.engine.repair.separation import NOTHING, Limit, Separator
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_NOT = (
    "ArnNotEquals",
    "ArnNotLike",
    "StringNotEquals",
    "StringNotLike",
    "ArnNotEqualsIfExists",
    "ArnNotLikeIfExists",
)
IS = ("ArnEquals", "ArnLike")
# Several values under these are none of them, so that one more value is one more condition.
_JOINED = ("NotEquals", "NotLike", "NotIpAddress")


@slotted
class ExemptRequest:
    """An action on a resource to exempt; `principal` is the caller's aws:PrincipalArn, empty where everyone is exempt.

    With a separator only the requests for which it holds are exempt.
    """

    action: str
    resource: str
    principal: str = ""
    separator: Separator = NOTHING


@slotted
class NarrowedDeny:
    """The statements that replace a Deny, none where nothing of it is left; and the resources that they give up besides."""

    statements: tuple[dict[str, Any], ...]
    beyond: tuple[str, ...] = ()
    # Whether NotResource stands for a pattern, which is the same for the resources that the policy can be about only.
    of_own_resources: bool = False
    # The actions for which it is the same only if every request names a resource, which the reference leaves open.
    on_arns_only: tuple[str, ...] = ()
    # Whether what is left on the exempt resources is written by NotAction, which takes actions of other services, too.
    by_not_action: bool = False
    # The condition keys that stand for fields of ARNs, and Denies of requests in which they differ from these.
    of_fields: tuple[str, ...] = ()
    taken_apart: tuple[Mapping[str, Any], ...] = ()


@dataclass(slots=True)
class _Left:
    """What is left of a Deny, as it is collected."""

    own_resources: Sequence[str]
    is_short: bool
    statements: list[dict[str, Any]] = field(default_factory=list)
    beyond: dict[str, None] = field(default_factory=dict)
    of_own_resources: bool = False
    on_arns_only: dict[str, None] = field(default_factory=dict)
    by_not_action: bool = False
    of_fields: dict[str, None] = field(default_factory=dict)
    taken_apart: list[Mapping[str, Any]] = field(default_factory=list)


def narrowed(
    statement: Mapping[str, Any],
    exempt: Sequence[ExemptRequest],
    own_resources: Sequence[str] = (),
    *,
    is_short: bool = False,
) -> NarrowedDeny | None:
    """The statements that replace the Deny; None when no narrower ones can be written.

    `own_resources` are patterns for all that the policy can be about, if that is known. With `is_short` a pattern of actions stays
    as it is, and what it denies on the exempt resources is written by NotAction.
    """
    left = _Left(own_resources=own_resources, is_short=is_short)
    named = list(dict.fromkeys(own.principal for own in exempt if own.principal))
    everyone = [own for own in exempt if not own.principal]
    groups: list[tuple[Mapping[str, Any] | None, Sequence[ExemptRequest]]] = []
    if named:
        others = with_limit(statement, _NOT, PRINCIPAL_KEY, named, join=True)
        groups.append((others, everyone))
        if others is None:
            return None
        groups += [
            (with_limit(statement, IS, PRINCIPAL_KEY, arns, join=False), own)
            for arns, own in _by_exemptions(exempt, named)
        ]
    else:
        groups.append((statement, everyone))
    for narrower, own in groups:
        # Without one that is for these principals, the statement does not apply to them.
        if narrower is not None:
            _leave_pieces(narrower, own, left)
    return NarrowedDeny(
        statements=tuple(_named(statement, left.statements)),
        beyond=tuple(left.beyond),
        of_own_resources=left.of_own_resources,
        on_arns_only=tuple(left.on_arns_only),
        by_not_action=left.by_not_action,
        of_fields=tuple(left.of_fields),
        taken_apart=tuple(left.taken_apart),
    )


def _by_exemptions(
    exempt: Sequence[ExemptRequest], named: Sequence[str]
) -> Iterator[tuple[Sequence[str], Sequence[ExemptRequest]]]:
    """The principals that are exempt for the same requests, with these."""
    groups: dict[tuple[Any, ...], tuple[list[str], list[ExemptRequest]]] = {}
    for arn in named:
        own = [one for one in exempt if one.principal in ("", arn)]
        key = tuple((one.action, one.resource, one.separator) for one in own)
        groups.setdefault(key, ([], own))[0].append(arn)
    yield from groups.values()


def _named(statement: Mapping[str, Any], pieces: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The statements with distinct Sids and their elements in the usual order and form; the first keeps the Sid."""
    sid = statement.get("Sid")
    for number, piece in enumerate(pieces):
        named = (
            {**piece, "Sid": f"{sid}{number + 1}"} if isinstance(sid, str) and number else piece
        )
        ordered = {name: named[name] for name in STATEMENT_ELEMENTS if name in named}
        yield in_form_of(statement, ordered)


def _leave_pieces(
    statement: Mapping[str, Any], exempt: Sequence[ExemptRequest], left: _Left
) -> None:
    """Add what is left of the statement without these actions on these resources."""
    if not exempt:
        left.statements.append(dict(statement))
        return
    exempt = _apart(exempt)
    by_action: dict[str, dict[str, None]] = {}
    for own in exempt:
        by_action.setdefault(own.action, {})[own.resource] = None
    is_of_patterns = left.is_short and _is_of_patterns(statement, by_action, left.own_resources)
    if is_of_patterns and _are_apart_by_resource(exempt):
        _leave_by_resource(statement, exempt, left)
        left.statements += _other_contexts(statement, exempt)
        return
    left.statements += _other_actions(statement, list(by_action))
    by_resources: dict[tuple[str, ...], list[str]] = {}
    for action, resources in by_action.items():
        by_resources.setdefault(tuple(resources), []).append(action)
    for spared, actions in by_resources.items():
        denied = _denied_among(statement, actions)
        if denied:
            _leave_other_resources(statement, denied, spared, left)
    left.statements += [
        own
        for own in _other_contexts(statement, exempt)
        if not any(_is_within(own, other) for other in left.statements)
    ]


def _is_within(piece: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether another piece of the same statement applies wherever a piece does."""
    own, theirs = piece.get("Condition", {}), other.get("Condition", {})
    return all(
        keys.items() <= own.get(operator, {}).items() for operator, keys in theirs.items()
    ) and is_covered(piece, [other])


def _is_of_patterns(
    statement: Mapping[str, Any],
    by_action: Mapping[str, Mapping[str, None]],
    own_resources: Sequence[str],
) -> bool:
    """Whether a pattern of actions, other than all, would have to be written as many; on resources that can be left out."""
    entries = listed(statement.get("Action"))
    cut = (
        own
        for own in entries
        if not is_literal(own)
        and own.strip("*")
        and any(intersects(own, action, ignore_case=True) for action in by_action)
        and not any(covers(action, own, ignore_case=True) for action in by_action)
    )
    spared = {resource for resources in by_action.values() for resource in resources}
    denied = listed(statement.get("Resource"))
    is_whole = own_resources and all(
        any(covers(entry, own) for entry in denied) for own in own_resources
    )
    is_open = "*" in denied or "NotResource" in statement or is_whole
    return any(cut) and "*" not in spared and bool(is_open or _are_entries(spared, denied))


def _are_entries(resources: Iterable[str], denied: Sequence[str]) -> bool:
    """Whether the resources are entries of the Deny, which no other entry meets."""
    return all(own in denied for own in resources) and not any(
        may_meet(entry, own) for own in resources for entry in denied if entry not in resources
    )


def _are_apart_by_resource(exempt: Sequence[ExemptRequest]) -> bool:
    """Whether no two resources have a request in common for which other actions are exempt."""
    return not any(
        actions != others and intersects(own, other)
        for (own, actions), (other, others) in combinations(_by_resource(exempt).items(), 2)
    )


def _by_resource(exempt: Iterable[ExemptRequest]) -> dict[str, dict[str, None]]:
    """The actions that are exempt on each resource."""
    found: dict[str, dict[str, None]] = {}
    for own in exempt:
        found.setdefault(own.resource, {})[own.action] = None
    return found


def _leave_by_resource(
    statement: Mapping[str, Any], exempt: Sequence[ExemptRequest], left: _Left
) -> None:
    """The same actions on other resources, and all other actions on these."""
    by_resource = _by_resource(exempt)
    denied = listed(statement.get("Resource"))
    if _are_entries(by_resource, denied):
        rest = [own for own in denied if own not in by_resource]
        left.statements += [{**statement, "Resource": bare(rest)}] if rest else []
    else:
        anywhere = {name: own for name, own in statement.items() if name != "Resource"}
        outside = [*listed(statement.get("NotResource")), *by_resource]
        left.statements.append({**anywhere, "NotResource": bare(outside)})
        left.of_own_resources |= "*" not in (denied or "*")
    by_actions: dict[tuple[str, ...], list[str]] = {}
    for resource, spared in by_resource.items():
        by_actions.setdefault(tuple(spared), []).append(resource)
    for actions, resources in by_actions.items():
        only = _only(statement, actions)
        only["NotAction"] = only.pop("Action")
        left.statements.append({**only, "Resource": bare(resources)})
    left.by_not_action = True


def _other_contexts(
    statement: Mapping[str, Any], exempt: Sequence[ExemptRequest]
) -> Iterator[dict[str, Any]]:
    """Statements for the same actions on the same resources where the separator of the request does not hold.

    None where requests with several separators are exempt: each would be denied by what is left for the others.
    """
    separators: dict[tuple[str, str], set[Separator]] = {}
    for own in exempt:
        separators.setdefault((own.action, own.resource), set()).add(own.separator)
    for (action, resource), apart in separators.items():
        if len(apart) > 1:
            continue
        if not _surely_denies(statement, resource):
            # Only for some values of a variable: no statement is for exactly those.
            continue
        narrow = _only(statement, [action])
        if "Resource" in statement or "NotResource" in statement:
            narrow["Resource"] = resource
        pieces = [_with_negation(narrow, own) for own in next(iter(apart)).negations]
        # Where one cannot be written, the others deny too little to be worth reading.
        if None not in pieces:
            yield from (piece for piece in pieces if piece)


def _surely_denies(statement: Mapping[str, Any], resource: str) -> bool:
    """Whether the statement is about all of a resource's requests, whatever its variables stand for."""
    if "NotResource" in statement:
        return not any(may_meet(own, resource) for own in listed(statement["NotResource"]))
    entries = listed(statement.get("Resource")) or ["*"]
    return any("${" not in own and covers(own, resource) for own in entries)


def _with_negation(statement: Mapping[str, Any], limit: Limit) -> dict[str, Any] | None:
    joins = ":" not in limit.operator and limit.operator.endswith(_JOINED)
    return with_limit(statement, (limit.operator,), limit.key, limit.values, join=joins)


def _apart(exempt: Sequence[ExemptRequest]) -> Sequence[ExemptRequest]:
    """The requests with other entries in the place of patterns of actions where these overlap with those of other requests."""
    actions = list(dict.fromkeys(own.action for own in exempt))
    apart = _pieces(actions)
    found: dict[ExemptRequest, None] = {}
    for own in exempt:
        for name in apart[own.action]:
            found[
                ExemptRequest(
                    action=name,
                    resource=own.resource,
                    principal=own.principal,
                    separator=own.separator,
                )
            ] = None
    return list(found)


def _pieces(actions: Sequence[str]) -> dict[str, Sequence[str]]:
    """By action the entries for all of it, of which no two have an action in common.

    Where one of two patterns that overlap always takes all of the other, it is cut at that one; else they are written out.
    """
    met = {
        own: [o for o in actions if o != own and intersects(own, o, ignore_case=True)]
        for own in actions
        if not is_literal(own)
    }
    within = {own: [o for o in others if covers_action(own, o)] for own, others in met.items()}
    if any(
        (o in within[own]) is covers_action(o, own) for own, others in met.items() for o in others
    ):
        return {own: catalog().expand(own) if met.get(own) else (own,) for own in actions}
    left = {own: tuple(_without(own, within.get(own, ()))) for own in actions}
    return {
        own: tuple(
            dict.fromkeys(name for one in (own, *within.get(own, ())) for name in left[one])
        )
        for own in actions
    }


def _other_actions(
    statement: Mapping[str, Any], actions: Sequence[str]
) -> Iterator[dict[str, Any]]:
    if "NotAction" in statement:
        yield {**statement, "NotAction": [*listed(statement["NotAction"]), *actions]}
        return
    entries = listed(statement.get("Action"))
    if any(entry.strip("*") == "" for entry in entries):
        bare_ = {name: value for name, value in statement.items() if name != "Action"}
        yield {**bare_, "NotAction": bare(actions)}
        return
    rest = list(dict.fromkeys(name for entry in entries for name in _without(entry, actions)))
    if rest:
        yield {**statement, "Action": _as_before(statement.get("Action"), rest)}


def _as_before(value: object, rest: Sequence[str]) -> Any:
    """The entries as a single text where the element was one and is unchanged."""
    return value if isinstance(value, str) and rest == [value] else list(rest)


def _without(entry: str, actions: Sequence[str]) -> Iterator[str]:
    """Entries that match all that the entry matches, except the actions."""
    lower = [action.lower() for action in actions]
    if not any(intersects(entry, action, ignore_case=True) for action in lower):
        yield entry
        return
    if any(covers(action, entry, ignore_case=True) for action in lower):
        return
    is_prefix = entry.endswith("*") and is_literal(entry[:-1])
    heads = {action: action.partition("*")[0].partition("?")[0] for action in lower}
    for name in catalog().expand(entry):
        if any(covers(action, name, ignore_case=True) for action in lower):
            continue
        common = {action: _common_prefix(name.lower(), head) for action, head in heads.items()}
        shared = max(common.values())
        is_apart = shared < len(name) and all(
            is_literal(action) or length < len(heads[action]) for action, length in common.items()
        )
        # A pattern for all names that differ from the actions here also denies those that AWS adds later.
        yield f"{name[: shared + 1]}*" if is_prefix and is_apart else name


def _common_prefix(one: str, other: str) -> int:
    """The length of the common prefix."""
    return sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    )


def _denied_among(statement: Mapping[str, Any], actions: Iterable[str]) -> list[str]:
    """The entries for those of the actions that the statement denies."""
    if "NotAction" in statement:
        spared = listed(statement["NotAction"])
        return [name for own in actions for name in _without(own, spared)]
    entries = listed(statement.get("Action"))
    found: dict[str, None] = {}
    for own in actions:
        if any(covers(entry, own, ignore_case=True) for entry in entries):
            found[own] = None
            continue
        for entry in entries:
            if covers(own, entry, ignore_case=True):
                found[entry] = None
            elif intersects(own, entry, ignore_case=True):
                names = catalog().expand(entry)
                found |= dict.fromkeys(n for n in names if covers(own, n, ignore_case=True))
    return list(found)


def _only(statement: Mapping[str, Any], actions: Sequence[str]) -> dict[str, Any]:
    """The statement for these actions alone, without resources."""
    left_out = {"Action", "NotAction", "Resource", "NotResource"}
    kept = {name: value for name, value in statement.items() if name not in left_out}
    return {**kept, "Action": bare(actions)}


def _leave_other_resources(
    statement: Mapping[str, Any], actions: Sequence[str], resources: Sequence[str], left: _Left
) -> None:
    if "*" in resources:
        return
    only = _only(statement, actions)
    if "NotResource" in statement:
        spared = [*listed(statement["NotResource"]), *resources]
        left.statements.append({**only, "NotResource": spared})
        return
    entries = listed(statement.get("Resource"))
    if "*" in entries:
        left.statements.append({**only, "NotResource": bare(resources)})
        return
    met = [own for own in entries if any(may_meet(own, resource) for resource in resources)]
    rest = [own for own in entries if own not in met]
    cut = [own for own in met if not any(covers(resource, own) for resource in resources)]
    others = {own: with_other_values({**only, "Resource": own}, resources) for own in cut}
    whole = [own for own, found in others.items() if found is None]
    outside = elsewhere(actions, entries, resources, left.own_resources) if whole else None
    if outside is not None:
        not_denied = [*resources, *outside.patterns]
        left.statements.append({**only, "NotResource": bare(not_denied)})
        if outside.denied_within:
            left.statements.append({**only, "Resource": bare(outside.denied_within)})
        left.of_own_resources = True
        left.on_arns_only |= dict.fromkeys(own for own in actions if not always_has_arn(own))
        return
    if rest:
        left.statements.append({**only, "Resource": bare(rest)})
    left.statements += [own for own in others.values() if own]
    for own in whole:
        narrow = {**only, "Resource": own}
        fields = in_other_fields(narrow, resources) or in_own_fields(narrow, resources)
        if fields is None:
            left.beyond[own] = None
            continue
        if fields.by_kind:
            left.of_own_resources = True
            left.on_arns_only |= dict.fromkeys(a for a in actions if not always_has_arn(a))
        left.statements += fields.statements
        left.of_fields |= dict.fromkeys(fields.keys)
        left.taken_apart += fields.taken_apart
