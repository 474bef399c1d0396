"""What already runs with a role: functions, instances, tasks, build projects, stacks and pods, as far as the snapshot has them.

The role that such a resource has is what whoever changes its code, or enters it, gains.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.compute.eks_clusters import CLUSTERS
from aws_iam.account.collect.compute.functions import FUNCTIONS
from aws_iam.account.collect.compute.instances import INSTANCES
from aws_iam.account.collect.compute.task_definitions import TASK_DEFINITIONS
from aws_iam.account.collect.configuration.build_projects import BUILD_PROJECTS
from aws_iam.account.collect.configuration.stacks import STACKS
from aws_iam.account.collect.fact import Miss
from aws_iam.engine.effective.escalation import EXISTING_COMPUTE, escalation_paths
from aws_iam.engine.evaluation.context import substituted
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.language.variables import without_variables
from aws_iam.frozen import positional
from aws_iam.tools.audit.access.handed_out import HandedOut
from aws_iam.tools.audit.access.session_limits import handover_to_pods, role_of_pods
from aws_iam.tools.audit.paths.actor import split
from aws_iam.tools.audit.paths.entities import bits, mask_of
from aws_iam.tools.audit.paths.example_resources import examples, takes_resource
from aws_iam.tools.audit.paths.powers import PLACE, Call, Power, decided_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.compute.eks_clusters import Association, Cluster
    from aws_iam.account.collect.fact import RegionFact
    from aws_iam.engine.effective.escalation import EscalationPath
    from aws_iam.tools.audit.access.decisions import Decider
    from aws_iam.tools.audit.access.estate import Estate, Member
    from aws_iam.tools.audit.access.verdicts import Access
    from aws_iam.tools.audit.paths.actor import Actor
    from aws_iam.tools.audit.paths.entities import Entities

FACTS: dict[str, RegionFact[Any]] = {
    "lambda:function": FUNCTIONS,
    "ec2:instance": INSTANCES,
    "ecs:task": TASK_DEFINITIONS,
    "codebuild:project": BUILD_PROJECTS,
    "cloudformation:stack": STACKS,
    "eks:cluster": CLUSTERS,
}
"""The facts that say which resources of a kind have which roles."""
_SETTLED = frozenset(
    {"the instance has a stronger role", "the stack has a service role"},
)
_GONE = frozenset({"terminated", "shutting-down"})


@positional
class RoleHolder:
    """A resource that has a role, by the role's number; `arn` is empty where only its kind is known, as of tasks."""

    arn: str
    role: int
    policy: str = ""
    """The text of its own policy, where it has one."""


@dataclass(slots=True)
class Compute:
    """The resources of each kind and account, and why those of a kind are not known."""

    holders: dict[tuple[str, str], list[RoleHolder]] = field(
        default_factory=lambda: defaultdict(list)
    )
    places: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    """The ARNs of all of them, those without a role too."""
    unread: dict[tuple[str, str], str] = field(default_factory=dict)
    _matching: dict[tuple[tuple[str, str], str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, estate: Estate, entities: Entities, decider: Decider) -> Compute:
        """Those of all accounts."""
        found = cls()
        handed_out = HandedOut.of_estate(decider, estate)
        for member in estate.members.values():
            roles = _Roles.of(member, entities, handed_out)
            for kind, fact in FACTS.items():
                for _, listed in member.account.in_each(fact):
                    key = (kind, member.account.id)
                    if isinstance(listed, Miss):
                        found.unread[key] = str(listed)
                        continue
                    for item in listed:
                        found.add(key, roles, member, item)
        return found

    def matching(self, key: tuple[str, str], pattern: str) -> int:
        """The resources that a pattern matches, by their places in the list."""
        known = (key, pattern)
        if known not in self._matching:
            self._matching[known] = mask_of(
                at for at, own in enumerate(self.holders[key]) if matches(pattern, own.arn)
            )
        return self._matching[known]

    def add(self, key: tuple[str, str], roles: _Roles, member: Member, item: Any) -> None:
        """Note a resource with its role."""
        for arn, name in _roles_of(key[0], item, roles):
            self.places[key] += [arn] if arn else []
            if name is None:
                self.unread[key] = "the snapshot lacks their roles"
            elif (role := roles.number(name)) is not None:
                policy = member.resources.of(arn).text if arn else None
                self.holders[key].append(RoleHolder(arn, role, policy or ""))


def _roles_of(kind: str, item: Any, roles: _Roles) -> Iterator[tuple[str, str | Miss | None]]:
    """The resource and each role that it has: an ARN, a name, or the ARN of an instance profile."""
    if kind == "ec2:instance":
        if item.state not in _GONE:
            yield item.arn, item.profile_arn or ""
    elif kind == "ecs:task":
        yield "", item.task_role
    elif kind == "eks:cluster":
        details, associations = item.details, item.associations
        for own in () if isinstance(associations, Miss) else associations:
            arn = "" if isinstance(details, Miss) else details.arn
            yield arn, _of_pods(own, item, roles)
        if isinstance(associations, Miss):
            yield "", None
    else:
        yield item.arn, item.role


def _of_pods(association: Association, cluster: Cluster, roles: _Roles) -> str | None:
    """What the pods have: a session under the association's policy, or the role; empty where nobody can assume it for them."""
    details = association.details
    if isinstance(details, Miss):
        return None
    if not roles.handed_out.of(handover_to_pods(cluster, association, details)).is_possible:
        return ""
    return association.arn if details.has_policy else role_of_pods(details)


@dataclass(slots=True)
class _Roles:
    """Finds the number of a role by its ARN, its name or its instance profile, or of a session by its association."""

    known: dict[str, int]
    entities: Entities
    handed_out: HandedOut

    @classmethod
    def of(cls, member: Member, entities: Entities, handed_out: HandedOut) -> _Roles:
        known: dict[str, int] = {}
        for role in member.authorization.roles if member.authorization else ():
            number = entities.number.get(role.arn)
            if number is not None:
                known |= dict.fromkeys((role.arn, role.name, *role.profiles), number)
        return cls(known, entities, handed_out)

    def number(self, name: Any) -> int | None:
        if not isinstance(name, str):
            return None
        if name in self.known:
            return self.known[name]
        # The target role of an association may be one of another account.
        number = self.entities.number.get(name)
        own = self.entities.roles | self.entities.sessions
        return number if number is not None and own >> number & 1 else None


def existing_compute(actor: Actor, compute: Compute) -> Iterator[Power]:
    """The roles of existing resources whose code the principal may change, or which it may enter."""
    for path in escalation_paths():
        if path.family != EXISTING_COMPUTE:
            continue
        key = (path.held_by, actor.account)
        actions = tuple(need.action for need in path.required)
        if path.held_by and compute.holders.get(key) and actor.takes(*actions):
            for group in _alike(actor, actions, compute, key):
                power = _power(actor, path, actions, group)
                if power:
                    yield power


def _alike(
    actor: Actor, actions: tuple[str, ...], compute: Compute, key: tuple[str, str]
) -> Iterator[list[RoleHolder]]:
    """The resources in groups that the same statements match, and whose own policies are alike."""
    holders = compute.holders[key]
    parts = [(1 << len(holders)) - 1]
    for action in actions:
        for placed, own in actor.taking(action):
            statement = own.statement
            words = statement.resource_words or statement.not_resource_words
            filled = (_filled(actor, word, variables=placed.has_variables) for word in words)
            found = 0
            for word in filled:
                found |= compute.matching(key, word)
            parts = split(parts, found)
    for part in parts:
        by_policy: dict[str, list[RoleHolder]] = defaultdict(list)
        for at in bits(part):
            by_policy[holders[at].policy].append(holders[at])
        yield from by_policy.values()


def _filled(actor: Actor, word: str, *, variables: bool) -> str:
    if not variables or "${" not in word:
        return word
    return substituted(word, actor.known, escaped=True) or without_variables(word, "*")


def _power(
    actor: Actor, path: EscalationPath, actions: tuple[str, ...], group: list[RoleHolder]
) -> Power | None:
    found: list[tuple[Call, Access]] = []
    for action in actions:
        on_it = bool(group[0].arn) and takes_resource(action, group[0].arn)
        for resource in (group[0].arn,) if on_it else examples(actor, action):
            access = actor.proof(action, resource)
            if access.is_possible:
                found.append((Call(action=action, on=PLACE if on_it else resource), access))
                break
        else:
            return None
    targets = 0
    for own in group:
        targets |= 1 << own.role
    power = Power(
        gain="principal",
        targets=targets,
        calls=tuple(call for call, _ in found),
        technique=path.id,
        assuming=tuple(own for own in path.prerequisites if own not in _SETTLED),
        places={own.role: own.arn for own in group},
    )
    return decided_by(power, *(access for _, access in found))


def not_collected(actor: Actor, compute: Compute) -> Iterator[tuple[str, str]]:
    """The paths that a principal may begin on resources whose roles are not known, and why."""
    for path in escalation_paths():
        if path.held_by and actor.takes(*path.actions):
            why = compute.unread.get((path.held_by, actor.account))
            # One that is given a role is assumed to exist.
            if why and path.family == EXISTING_COMPUTE:
                yield path.held_by, why
