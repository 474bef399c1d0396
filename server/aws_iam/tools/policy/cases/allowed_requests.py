"""What policies allow today, as requests: for each service and access level, and each statement that grants it, one that `evaluate` allows.

The requests come from the search of `policy compare` for what a policy allows beyond nothing, with the context that they need.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.clauses import Atoms, is_principaled
from aws_iam.engine.comparison.one_way_search import OneWaySearch, SideStatements
from aws_iam.engine.comparison.permissive_policies import allow_all, with_public_principal
from aws_iam.engine.effective.access import access
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.sources.gather import one_policy
from aws_iam.errors import InputError
from aws_iam.tools.policy.evaluate.evaluate import reference_notes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.evaluation.request import Request
    from aws_iam.tools.policy.cases.case_layers import CaseLayers

MOST_GROUPS = 40
"""Pairs of a service and an access level of which a request is written."""
_MOST_STATEMENTS = 4
_MOST_ACTIONS = 8
_MOST_RESOURCES = 6
_MOST_SEARCHED = 60
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

    def asked(self, action: str = "", resource: str = "", **fields: Any) -> dict[str, Any]:
        """One of the requests, or with something in the place of what it has."""
        first = {"action": action or self.actions[0], "resource": resource or self.resources[0]}
        return {**self.request, **first, **fields}


@slotted
class FoundRequests:
    """The requests that were found, and the pairs of service and level of which none was: too many, or not shown."""

    found: tuple[AllowedRequests, ...]
    left_out: tuple[tuple[str, str], ...]


def allowed_requests(policies: Sequence[Policy], layers: CaseLayers) -> FoundRequests:
    """The requests that the policies allow, decided by the layers that a case would have."""
    granting = _granting(policies)
    by_group: dict[tuple[str, str], list[str]] = {}
    for fact in access(granting).facts.values():
        by_group.setdefault((fact.service, fact.level), []).append(fact.full_name)
    found: list[AllowedRequests] = []
    left_out: list[tuple[str, str]] = []
    groups = sorted(by_group, key=lambda group: _rank(group, policies))
    for number, group in enumerate(groups):
        own = list(_of_group(group, by_group[group], granting, layers)) if number < MOST_GROUPS else []  # fmt: skip
        found += own
        left_out += [] if own else [group]
    return FoundRequests(found=tuple(found), left_out=tuple(left_out))


def _granting(policies: Sequence[Policy]) -> tuple[Policy, ...]:
    """The policies as those of a caller or a resource; what only denies stands beside a policy that allows everything."""
    if is_principaled(policies):
        return tuple(policies)
    as_identity = tuple(_as_identity(own) for own in policies)
    if any(statement.allows for own in policies for statement in own.statements):
        return as_identity
    return (allow_all(), *as_identity)


def _as_identity(policy: Policy) -> Policy:
    return replace(policy, kind=Kind.IDENTITY)


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
    shown: set[tuple[str, ...]] = set()
    for witness in _witnesses(names, granting):
        request = dict(witness["request"])
        by = tuple(witness.get("granted_by", ()))
        decided = _allowed(request, layers)
        if by in shown or decided is None or any(reference_notes(decided)):
            continue
        shown.add(by)
        actions = [request["action"]]
        for name in names:
            if name not in actions and len(actions) < _MOST_ACTIONS:
                other = _allowed({**request, "action": name}, layers)
                if other is not None and not any(reference_notes(other)):
                    actions.append(name)
        resources = [request["resource"]]
        for resource in _further_resources(by, request, granting):
            asked = [_allowed({**request, "action": a, "resource": resource}, layers) for a in actions]  # fmt: skip
            if all(own is not None and not any(reference_notes(own)) for own in asked):
                resources.append(resource)
        yield AllowedRequests(
            service=group[0],
            level=group[1],
            actions=tuple(sorted(actions)),
            resources=tuple(resources[:_MOST_RESOURCES]),
            request=request,
        )
        if len(shown) >= _MOST_STATEMENTS:
            return


def _witnesses(names: list[str], granting: tuple[Policy, ...]) -> Sequence[Mapping[str, Any]]:
    """Requests for the actions that the policies allow, at first for one that the reference knows a resource of."""
    only = {"Effect": "Allow", "Action": sorted(names)[:_MOST_SEARCHED], "Resource": "*"}
    within = one_policy({"Version": "2012-10-17", "Statement": [only]})
    if is_principaled(granting):
        within = with_public_principal(within)
    atoms = Atoms()
    sides = [SideStatements.of(own, atoms) for own in (granting, (within,))]
    return OneWaySearch(atoms=atoms, policies=sides[0], within=sides[1]).search().requests


def _allowed(request: Mapping[str, Any], layers: CaseLayers) -> Request | None:
    try:
        read = request_of(request)
    except InputError:
        return None
    return read if layers.evaluation(read).decision.outcome == "Allowed" else None


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
