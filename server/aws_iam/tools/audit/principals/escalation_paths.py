"""Which known privilege escalation paths are open to a principal in its account.

A policy alone shows what is possible. Here the account's users, groups, roles and policies are known: a path is open when the
engine allows its actions on one of them, named or matched by a wildcard, and when it leads to permissions that the principal
lacks. A path that involves none of them is judged by the policies alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.effective.escalation import (
    NEVER_ALONE,
    STRONG_POLICIES,
    OpenPath,
    escalation_paths,
    granting_statements,
    open_paths,
    path_opened_by,
    smallest_paths,
)
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.language.variables import without_variables
from aws_iam.escape import quoted
from aws_iam.tools.audit.principals.role_chains import ASSUME_ROLE
from aws_iam.tools.audit.principals.targets import path_targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.account.collect.identity.authorization import Role, User
    from aws_iam.engine.effective.access import Access
    from aws_iam.engine.effective.escalation import EscalationPath, NeededAction
    from aws_iam.engine.language.document import Statement
    from aws_iam.tools.audit.principals.effective_policies import EffectivePolicies
    from aws_iam.tools.audit.principals.simulate import Simulator
    from aws_iam.tools.audit.principals.targets import AccountIdentities, PathTarget

# The prerequisites of the catalogue that an account's facts decide.
KNOWN_PREREQUISITES = frozenset(
    {
        "the caller is an IAM user",
        "the caller is an IAM user in that group",
        "the caller is a session of that role",
        "a group with more permissions exists",
        "the role is neither service-linked nor reserved",
        "the target role trusts the caller",
        "the role trusts the caller",
        "a customer managed policy is attached to the caller, one of its groups or its role",
        "a customer managed policy is attached to a role that trusts the caller",
        "a customer managed policy is attached to the target role",
        "a customer managed policy is attached to the group",
    }
)
_PASSING = "iam:PassRole"
_HANDED_OVER = "the role to pass"
# Except with iam:PassRole, a condition on a resource's tags picks out certain resources, as an ARN does.
_TAGS = ("aws:resourcetag/", "iam:resourcetag/")
_ATTACHED, _BOUNDARY = "iam:policyarn", "iam:permissionsboundary"
# An answer names three.
_ENOUGH = 3
# Looking at this many targets costs one request of the budget.
_TARGETS_PER_REQUEST = 100


@dataclass(slots=True, kw_only=True)
class PathSearch:
    """The search for the paths of one principal."""

    identity: User | Role
    policies: EffectivePolicies
    account: AccountIdentities
    simulator: Simulator
    passable: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """For each service: the roles that trust it and that the principal may pass to it."""

    def paths(self, access: Access) -> tuple[OpenPath, ...]:
        """The open paths; once the budget is spent, the rest are judged by the policies alone."""
        if not self.simulator.can_read(self.policies):
            return open_paths(access)
        return smallest_paths(self._open(access))

    def _open(self, access: Access) -> Iterator[OpenPath]:
        for path in escalation_paths():
            # When a role's trust policy names the caller, the caller needs no permission of its own.
            own = [need for need in path.required if need.action != ASSUME_ROLE]
            if path.id == NEVER_ALONE or any(access.reach(need.action) is None for need in own):
                continue
            if self.simulator.requests_left <= 0:
                found = path_opened_by(path, access)
            elif any(need.on == _HANDED_OVER for need in path.required):
                found = self._passing(path, access)
            elif any(need.on for need in path.required):
                found = self._on_targets(path, access)
            elif path.needs_organization and self.simulator.guardrails.organization is None:
                found = None
            else:
                found = path_opened_by(path, access)
            if found:
                yield found

    def _on_targets(self, path: EscalationPath, access: Access) -> OpenPath | None:
        """The path, if the engine allows all of its actions on something in the account."""
        opened: list[tuple[PathTarget, tuple[str, ...]]] = []
        wide = path_opened_by(path, access)
        enough = 0
        for number, target in enumerate(
            path_targets(self.identity, path, access, self.account), 1
        ):
            # Each look is cheap, but thousands of principals may have thousands of targets each.
            self.simulator.requests_left -= number % _TARGETS_PER_REQUEST == 0
            if self.simulator.requests_left <= 0:
                break
            is_strong = not target.leads_to or target.leads_to in self.account.administrators
            if not is_strong and not wide:
                # A permission for certain targets only, such as a help desk's, was granted on purpose.
                continue
            keys = self._conditions(path, target, access)
            if keys is not None:
                opened.append((target, keys))
                enough += is_strong and not keys
            if enough == _ENOUGH:
                break
        if not opened:
            return wide if self.simulator.requests_left <= 0 else None
        unconditional = [target for target, keys in opened if not keys]
        named = unconditional or [target for target, _ in opened]
        return OpenPath(
            path=path,
            statements=_first_statements(access, path.required),
            unsettled=tuple(
                prerequisite
                for prerequisite in path.prerequisites
                if prerequisite not in KNOWN_PREREQUISITES
            ),
            on=tuple(dict.fromkeys(quoted(target.name) for target in named)),
            given=() if unconditional else opened[0][1],
            strong=any(
                not target.leads_to or target.leads_to in self.account.administrators
                for target in named
            ),
        )

    def _conditions(
        self, path: EscalationPath, target: PathTarget, access: Access
    ) -> tuple[str, ...] | None:
        """The condition keys that decide whether all actions are allowed; None where one never is."""
        keys: list[str] = []
        for need, resource in zip(path.required, target.resources, strict=True):
            found = self._conditions_of(need, resource, target, access)
            if found is None or any(map(_names_tags, found)):
                return None
            keys += found
        return tuple(dict.fromkeys(keys))

    def _conditions_of(
        self, need: NeededAction, resource: str, target: PathTarget, access: Access
    ) -> tuple[str, ...] | None:
        trust = target.trust if need.action == ASSUME_ROLE else None
        if trust is None and not _may_match(access, need.action, resource):
            return None
        for context in self._contexts(need, target):
            found = self.simulator.allowing_conditions(
                self.identity,
                self.policies,
                need.action,
                resource,
                trust=trust,
                context=context,
                absent=frozenset({_ATTACHED, _BOUNDARY} - context.keys()),
            )
            if found is not None:
                return found
        return None

    def _contexts(self, need: NeededAction, target: PathTarget) -> Iterator[dict[str, str]]:
        """The request contexts to try: the target's boundary, and each policy worth attaching."""
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
        # Most policies have no condition on the attached policy.
        levels = (text for level in self.policies.scps for text in level)
        texts = (*self.policies.documents, self.policies.boundary or "", *levels)
        if any(_ATTACHED in text.lower() for text in texts):
            for arn in self.account.admin_policies():
                yield {**own, _ATTACHED: arn}

    def _passing(self, path: EscalationPath, access: Access) -> OpenPath | None:
        """A path that passes a role: a stronger one in the account, or one created later."""
        statements: list[Statement] = []
        for need in path.required:
            if need.on == _HANDED_OVER:
                statements += _first_statements(access, (need,))
                continue
            reach = access.reach(need.action)
            statement = next(granting_statements(path, need, reach), None) if reach else None
            if statement is None:
                return None
            statements.append(statement)
        fitting = [
            arn
            for service in path.may_pass_to
            for arn in self._passable(service, access)
            if self.account.has_more(self.identity.arn, arn)
        ]
        strong = not self.account.administrators.isdisjoint(fitting)
        found = path_opened_by(path, access)
        if strong or (found and fitting):
            # A permission to pass certain roles was granted on purpose; it is a path if one of them is an administrator.
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
        if found is None or not self._may_pass_new_role(path):
            return None
        return replace(found, strong=False)

    def _passable(self, service: str, access: Access) -> tuple[str, ...]:
        if service not in self.passable:
            written = self._service_principals(service)
            found = []
            for role in self.account.authorization.roles:
                trusting = next(
                    (principal for principal in written if f'"{principal}"' in role.trust), None
                )
                if not trusting or role.arn == self.identity.arn:
                    continue
                # Once the budget is spent, the policies alone decide.
                if _may_match(access, _PASSING, role.arn) and (
                    self.simulator.requests_left <= 0 or self._may_pass(role.arn, trusting)
                ):
                    found.append(role.arn)
            self.passable[service] = tuple(found)
        return self.passable[service]

    def _may_pass_new_role(self, path: EscalationPath) -> bool:
        """Whether a role created later could be passed: no Deny and no condition excludes the service."""
        _, partition, _, _, account = self.identity.arn.split(":")[:5]
        role = f"arn:{partition}:iam::{account}:role/a-role-to-come"
        return any(
            self._may_pass(role, principal)
            for service in path.may_pass_to
            for principal in self._service_principals(service)
        )

    def _may_pass(self, role: str, service: str) -> bool:
        context = {"iam:PassedToService": service}
        return (
            self.simulator.allowing_conditions(
                self.identity, self.policies, _PASSING, role, context=context
            )
            is not None
        )

    def _service_principals(self, service: str) -> tuple[str, ...]:
        """The names of the service as a principal in the identity's partition."""
        is_in_china = self.identity.arn.startswith("arn:aws-cn:")
        return (service, f"{service}.cn") if is_in_china else (service,)


def _may_match(access: Access, action: str, resource: str) -> bool:
    """Whether a statement that allows the action may match the resource: a cheap test before the simulation."""
    reach = access.reach(action)
    return reach is not None and any(
        not statement.resources
        or any(matches(without_variables(r.value, "*"), resource) for r in statement.resources)
        for statement in reach.allowed_by
    )


def _first_statements(access: Access, needs: Iterable[NeededAction]) -> tuple[Statement, ...]:
    reaches = (access.reach(need.action) for need in needs)
    return tuple(reach.allowed_by[0] for reach in reaches if reach)


def _names_tags(keys: str) -> bool:
    return any(key.startswith(_TAGS) for key in keys.lower().split(" and "))


def _in(partition: str, policy: str) -> str:
    """The ARN of an AWS managed policy in a partition."""
    return policy.replace("arn:aws:", f"arn:{partition}:")
