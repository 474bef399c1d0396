"""Which known paths to more permissions are open to a principal: asked for what its account has, one by one.

A policy alone says what could be reached. Here the account's users, groups, roles and policies are known: a path counts
where the engine allows its actions on one of them, be it named or meant by a wildcard, and where it leads to permissions
that the principal lacks. What takes no user, group, role or policy of the account is judged by the policies alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.effective.escalation import (
    NEVER_ALONE,
    STRONG_POLICIES,
    OpenPath,
    by_policy,
    escalation_paths,
    granting,
    open_paths,
    smallest,
)
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.language.variables import without_variables
from aws_iam.escape import quoted
from aws_iam.tools.audit.principals.role_chains import TAKING
from aws_iam.tools.audit.principals.targets import targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.account.collect.identity.authorization import Role, User
    from aws_iam.engine.effective.access import Access
    from aws_iam.engine.effective.escalation import EscalationPath, Need
    from aws_iam.engine.language.document import Statement
    from aws_iam.tools.audit.principals.holdings import Holdings
    from aws_iam.tools.audit.principals.simulate import Asked
    from aws_iam.tools.audit.principals.targets import Target, World

ORGANIZATION_WIDE = "organization-wide identity"
"""The paths that only an organization has."""
# What stands in the catalogue of paths as what the account must have, and is known of an account.
SETTLED = frozenset(
    {
        "caller is an IAM user",
        "caller is an IAM user in that group",
        "caller is a session of that role",
        "a group with more permissions exists",
        "role is not service-linked or reserved",
        "the target role trusts the caller",
        "the role trusts the caller",
        "a customer managed policy is attached to the caller, one of its groups or its role",
        "a customer managed policy is attached to a role that trusts the caller",
        "a customer managed policy is attached to the target role",
    }
)
_PASSING = "iam:PassRole"
_HANDED_OVER = "the role to pass"
# Elsewhere than with iam:PassRole a condition on the tags of a resource is as good as another name for it.
_TAGS = ("aws:resourcetag/", "iam:resourcetag/")
_ATTACHED, _BOUNDARY = "iam:policyarn", "iam:permissionsboundary"
# An answer names three, and one is enough to tell what a path leads to.
_ENOUGH = 3
_LOOKED_AT = 100


@dataclass(slots=True, kw_only=True)
class Search:
    """The search for the paths of one principal."""

    one: User | Role
    held: Holdings
    world: World
    asked: Asked
    passable: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """For each service that a role could be handed to: the roles that trust it and that the principal may hand over."""

    def paths(self, access: Access) -> tuple[OpenPath, ...]:
        """The paths that are open; those beyond what may be asked are judged by the policies alone."""
        if not self.asked.reads(self.held):
            return open_paths(access)
        return smallest(self._open(access))

    def _open(self, access: Access) -> Iterator[OpenPath]:
        for path in escalation_paths():
            # A role that names the caller needs no permission of the caller's own.
            own = [need for need in path.required if need.action != TAKING]
            if path.id == NEVER_ALONE or any(access.reach(need.action) is None for need in own):
                continue
            if self.asked.left <= 0:
                found = by_policy(path, access)
            elif any(need.on == _HANDED_OVER for need in path.required):
                found = self._passing(path, access)
            elif any(need.on for need in path.required):
                found = self._on_targets(path, access)
            elif path.family == ORGANIZATION_WIDE and self.asked.over.organization is None:
                found = None
            else:
                found = by_policy(path, access)
            if found:
                yield found

    def _on_targets(self, path: EscalationPath, access: Access) -> OpenPath | None:
        """The path where the engine allows all of its actions on something that the account has."""
        opened: list[tuple[Target, tuple[str, ...]]] = []
        wide = by_policy(path, access)
        enough = 0
        for number, target in enumerate(targets(self.one, path, access, self.world), 1):
            # To look at a target costs little, and there may be thousands for each of thousands.
            self.asked.left -= number % _LOOKED_AT == 0
            if self.asked.left <= 0:
                break
            is_strong = not target.leads_to or target.leads_to in self.world.strong
            if not is_strong and not wide:
                # Whoever is given certain others, as a help desk is, was meant to have them.
                continue
            given = self._given(path, target, access)
            if given is not None:
                opened.append((target, given))
                enough += is_strong and not given
            if enough == _ENOUGH:
                break
        if not opened:
            return wide if self.asked.left <= 0 else None
        free = [target for target, given in opened if not given]
        told = free or [target for target, _ in opened]
        return OpenPath(
            path=path,
            statements=_firsts(access, path.required),
            unsettled=tuple(
                prerequisite for prerequisite in path.prerequisites if prerequisite not in SETTLED
            ),
            on=tuple(dict.fromkeys(quoted(target.name) for target in told)),
            given=() if free else opened[0][1],
            strong=any(
                not target.leads_to or target.leads_to in self.world.strong for target in told
            ),
        )

    def _given(
        self, path: EscalationPath, target: Target, access: Access
    ) -> tuple[str, ...] | None:
        """The keys on which it hangs that all of the actions are allowed; None where one never is."""
        keys: list[str] = []
        for need, resource in zip(path.required, target.resources, strict=True):
            found = self._given_for(need, resource, target, access)
            if found is None or any(map(_speaks_of_tags, found)):
                return None
            keys += found
        return tuple(dict.fromkeys(keys))

    def _given_for(
        self, need: Need, resource: str, target: Target, access: Access
    ) -> tuple[str, ...] | None:
        trust = target.trust if need.action == TAKING else None
        if trust is None and not _may_name(access, need.action, resource):
            return None
        for context in self._contexts(need, target):
            found = self.asked.given(
                self.one,
                self.held,
                need.action,
                resource,
                trust=trust,
                context=context,
                absent=frozenset({_ATTACHED, _BOUNDARY} - context.keys()),
            )
            if found is not None:
                return found
        return None

    def _contexts(self, need: Need, target: Target) -> Iterator[dict[str, str]]:
        """What the request says besides: the target's boundary, and a policy worth attaching."""
        own = {_BOUNDARY: target.boundary} if target.boundary else {}
        partition = target.resources[0].split(":")[1]
        if need.action.startswith("iam:Put") and need.action.endswith("PermissionsBoundary"):
            yield {_BOUNDARY: _in(partition, STRONG_POLICIES[0])}
            return
        if not need.action.startswith("iam:Attach"):
            yield own
            return
        for policy in STRONG_POLICIES:
            yield {**own, _ATTACHED: _in(partition, policy)}
        # Most policies do not ask which policy is attached.
        levels = (text for level in self.held.ceiling for text in level)
        texts = (*self.held.policies, self.held.boundary or "", *levels)
        if any(_ATTACHED in text.lower() for text in texts):
            for arn in self.world.worth_attaching():
                yield {**own, _ATTACHED: arn}

    def _passing(self, path: EscalationPath, access: Access) -> OpenPath | None:
        """A path that passes a role: a stronger one of the account, or one that may be made later."""
        statements: list[Statement] = []
        for need in path.required:
            if need.on == _HANDED_OVER:
                statements += _firsts(access, (need,))
                continue
            reach = access.reach(need.action)
            statement = next(granting(path, need, reach), None) if reach else None
            if statement is None:
                return None
            statements.append(statement)
        fitting = [
            arn
            for service in path.may_pass_to
            for arn in self._passable(service, access)
            if self.world.gains(self.one.arn, arn)
        ]
        strong = not self.world.strong.isdisjoint(fitting)
        found = by_policy(path, access)
        if strong or (found and fitting):
            # A permission for certain roles was meant for them; it is a path where one of them is an administrator's.
            return OpenPath(
                path=path,
                statements=tuple(statements),
                unsettled=tuple(
                    prerequisite
                    for prerequisite in path.prerequisites
                    if " trusts " not in prerequisite
                ),
                strong=strong,
            )
        if found is None or not self._passes_one_to_come(path):
            return None
        return replace(found, strong=False)

    def _passable(self, service: str, access: Access) -> tuple[str, ...]:
        if service not in self.passable:
            written = self._forms(service)
            found = []
            for role in self.world.found.roles:
                trusting = next(
                    (principal for principal in written if f'"{principal}"' in role.trust), None
                )
                if not trusting or role.arn == self.one.arn:
                    continue
                # Where no more may be asked, the policies are believed.
                if _may_name(access, _PASSING, role.arn) and (
                    self.asked.left <= 0 or self._may_pass(role.arn, trusting)
                ):
                    found.append(role.arn)
            self.passable[service] = tuple(found)
        return self.passable[service]

    def _passes_one_to_come(self, path: EscalationPath) -> bool:
        """Whether a role that is made later could be passed: no Deny for the service, no condition that keeps it."""
        _, partition, _, _, account = self.one.arn.split(":")[:5]
        role = f"arn:{partition}:iam::{account}:role/a-role-to-come"
        forms = (form for service in path.may_pass_to for form in self._forms(service))
        return any(self._may_pass(role, form) for form in forms)

    def _may_pass(self, role: str, service: str) -> bool:
        context = {"iam:PassedToService": service}
        return self.asked.given(self.one, self.held, _PASSING, role, context=context) is not None

    def _forms(self, service: str) -> tuple[str, ...]:
        """How a service is named as a principal in the partition of somebody."""
        is_in_china = self.one.arn.startswith("arn:aws-cn:")
        return (service, f"{service}.cn") if is_in_china else (service,)


def _may_name(access: Access, action: str, resource: str) -> bool:
    """Whether it is worth asking: a statement that allows the action has a resource that may be this one."""
    reach = access.reach(action)
    return reach is not None and any(
        not statement.resources
        or any(matches(without_variables(r.value, "*"), resource) for r in statement.resources)
        for statement in reach.allowed_by
    )


def _firsts(access: Access, needs: Iterable[Need]) -> tuple[Statement, ...]:
    reaches = (access.reach(need.action) for need in needs)
    return tuple(reach.allowed_by[0] for reach in reaches if reach)


def _speaks_of_tags(keys: str) -> bool:
    return any(key.startswith(_TAGS) for key in keys.lower().split(" and "))


def _in(partition: str, policy: str) -> str:
    """A policy of AWS's in a partition."""
    return policy.replace("arn:aws:", f"arn:{partition}:")
