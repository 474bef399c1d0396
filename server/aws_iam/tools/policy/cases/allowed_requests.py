"""What policies allow today, as requests: for each service and access level, and each statement that grants it, one that `evaluate` allows.

The requests come from the search of `policy compare` for what a policy allows beyond nothing, with the context that they need.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.clauses import Atoms, is_principaled
from aws_iam.engine.comparison.one_way_search import OneWaySearch, SideStatements
from aws_iam.engine.comparison.permissive_policies import (
    allow_all,
    is_added,
    with_public_principal,
)
from aws_iam.engine.effective.access import access
from aws_iam.engine.effective.action_expansion import Expansion
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.frozen import slotted
from aws_iam.tools.policy.cases.judged_case import weaknesses

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from aws_iam.engine.reference.catalog import Action
    from aws_iam.tools.policy.cases.case_layers import CaseLayers

MOST_GROUPS = 40
"""Pairs of a service and an access level of which a request is written."""
# Cases of a group, for other statements and other types of resources.
_MOST_CASES = 6
_MOST_ACTIONS = 20
_MOST_RESOURCES = 6
_MOST_SEARCHED = 60
_MANY_ACTIONS = 500
_FIRST = (
    "s3",
    "iam",
    "kms",
    "secretsmanager",
    "ssm",
    "sts",
    "dynamodb",
    "lambda",
    "ec2",
    "sqs",
    "sns",
    "logs",
    "rds",
)
_LEVELS = ("Permissions management", "Write", "Tagging", "Read", "List")


@slotted
class AllowedRequests:
    """Requests of one service and access level that are allowed: each action on each resource."""

    service: str
    level: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    request: Mapping[str, Any]
    # The layers that decide, and whether a policy of the caller stands beside those of the document.
    layers: CaseLayers
    is_beside: bool = False

    def asked(self, action: str = "", resource: str = "", **fields: Any) -> dict[str, Any]:
        """One of the requests, or with something in the place of what it has."""
        first = {"action": action or self.actions[0], "resource": resource or self.resources[0]}
        return {**self.request, **first, **fields}


@slotted
class FoundRequests:
    """The requests that were found, and the pairs of service and level of which none was: too many, or not shown."""

    found: tuple[AllowedRequests, ...]
    left_out: tuple[tuple[str, str], ...]


def allowed_requests(policies: Sequence[Policy], tried: Sequence[CaseLayers]) -> FoundRequests:
    """The requests that the policies allow, decided by the layers that a case would have.

    The first of those `tried` that allows a request counts; the others have a policy of the caller, too.
    """
    granting = granting_policies(policies)
    by_group: dict[tuple[str, str], list[str]] = {}
    for fact in _actions(policies, granting, tried[0].names_of_layers):
        by_group.setdefault((fact.service, fact.level), []).append(fact.full_name)
    found: list[AllowedRequests] = []
    left_out: list[tuple[str, str]] = []
    groups = sorted(by_group, key=lambda group: _rank(group, policies))
    for number, group in enumerate(groups):
        own: list[AllowedRequests] = []
        for layers in tried if number < MOST_GROUPS else ():
            own = own or [
                replace(one, is_beside=layers is not tried[0])
                for one in _of_group(group, by_group[group], granting, layers)
            ]
        found += own
        left_out += [] if own else [group]
    return FoundRequests(found=tuple(found), left_out=tuple(left_out))


def _actions(
    policies: Sequence[Policy], granting: Sequence[Policy], layers: Collection[str]
) -> Iterator[Action]:
    """The actions that are allowed; where policies only deny, those that they name and may leave to some."""
    found = access(granting).facts
    if not _has_allow(policies):
        expansion = Expansion()
        named = [expansion.named(s) for policy in policies for s in policy.statements]
        # A Deny of everything under a condition says nothing of what matters.
        few = [own for own in named if len(own) <= _MANY_ACTIONS]
        found = {name: action for own in few or named for name, action in own.items()}
    covered = catalog().rcp_services
    yield from (own for own in found.values() if "rcp" not in layers or own.service in covered)


def granting_policies(policies: Sequence[Policy]) -> tuple[Policy, ...]:
    """The policies as those of a caller or a resource; what only denies stands beside a policy that allows everything."""
    if not _has_allow(policies):
        return (allow_all(principaled=False), *map(_as_identity, policies))
    return tuple(policies) if is_principaled(policies) else tuple(map(_as_identity, policies))


def _has_allow(policies: Sequence[Policy]) -> bool:
    return any(statement.allows for own in policies for statement in own.statements)


def _as_identity(policy: Policy) -> Policy:
    """The policy as one of the caller, whom its statements are about in any case."""
    statements = tuple(
        replace(own, principals=(), not_principals=()) if own.principals else own
        for own in policy.statements
    )
    return replace(policy, kind=Kind.IDENTITY, statements=statements)


def _rank(group: tuple[str, str], policies: Sequence[Policy]) -> tuple[object, ...]:
    """Services that the policies name come first, in their order; then those that most accounts use."""
    service, level = group
    named = [
        word.partition(":")[0].lower()
        for policy in policies
        for statement in policy.statements
        for word in statement.action_words
    ]
    place = named.index(service) if service in named else len(named)
    usual = _FIRST.index(service) if service in _FIRST else len(_FIRST)
    return place, usual, service, _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)


def _of_group(
    group: tuple[str, str], names: list[str], granting: tuple[Policy, ...], layers: CaseLayers
) -> Iterator[AllowedRequests]:
    # By the statements that grant them the actions of the cases so far: others work on other types of resources.
    shown: dict[tuple[str, ...], list[str]] = {}
    number = 0
    for witness in _witnesses(names, granting):
        request = dict(witness["request"])
        by = tuple(witness.get("granted_by", ()))
        before = shown.setdefault(by, [])
        if request["action"] in before or not _is_allowed(request, layers):
            continue
        actions = [request["action"]]
        for name in names:
            is_new = name not in (*actions, *before) and len(actions) < _MOST_ACTIONS
            if is_new and _is_allowed({**request, "action": name}, layers):
                actions.append(name)
        before += actions
        resources = [request["resource"]]
        for resource in _further_resources(by, request, granting):
            asked = ({**request, "action": own, "resource": resource} for own in actions)
            if all(_is_allowed(own, layers) for own in asked):
                resources.append(resource)
        yield AllowedRequests(
            service=group[0],
            level=group[1],
            actions=tuple(sorted(actions)),
            resources=tuple(resources[:_MOST_RESOURCES]),
            request=request,
            layers=layers,
        )
        number += 1
        if number >= _MOST_CASES:
            return


def _witnesses(names: list[str], granting: tuple[Policy, ...]) -> Sequence[Mapping[str, Any]]:
    """Requests for the actions that the policies allow, at first for one that the reference knows a resource of."""
    words = {word for own in granting[1:] for s in own.statements for word in s.resource_words}
    of_these = sorted(words) if words and is_added(granting[0]) else "*"
    only = {"Effect": "Allow", "Action": sorted(names)[:_MOST_SEARCHED], "Resource": of_these}
    within = one_policy({"Version": "2012-10-17", "Statement": [only]})
    if is_principaled(granting):
        within = with_public_principal(within)
    atoms = Atoms()
    sides = [SideStatements.of(own, atoms) for own in (granting, (within,))]
    return OneWaySearch(atoms=atoms, policies=sides[0], within=sides[1]).search().requests


def _is_allowed(asked: Mapping[str, Any], layers: CaseLayers) -> bool:
    """Whether it is allowed, and a request that AWS may get."""
    try:
        request = request_of(asked)
    except InputError:
        return False
    decision = layers.evaluation(request).decision
    return decision.outcome == "Allowed" and not any(weaknesses(request, layers, decision))


def _further_resources(
    granted_by: Sequence[str], request: Mapping[str, Any], granting: Sequence[Policy]
) -> Iterator[str]:
    """Resources of the other entries of the statements that grant a request: a list that loses one is another policy."""
    asked = request["resource"]
    seen: set[str] = set()
    for policy in granting:
        for statement in policy.statements:
            if not any(own.endswith(statement.node.at.pointer) for own in granted_by):
                continue
            for word in statement.resource_words[:_MOST_RESOURCES]:
                sample = word.replace("*", "example").replace("?", "x")
                is_other = not matches(word, asked) and sample not in seen
                if word.startswith("arn:") and "${" not in word and is_other:
                    seen.add(sample)
                    yield sample
