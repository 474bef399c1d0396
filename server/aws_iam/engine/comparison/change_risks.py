"""How risky gained access is: by its actions, resources and conditions, by the paths it completes, by whom it lets in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aws_iam.answer import Severity
from aws_iam.engine.comparison.named_accounts import accounts_of, likely_owners, named_accounts
from aws_iam.engine.comparison.services_at_large import AT_LARGE, is_at_large
from aws_iam.engine.effective.access import access
from aws_iam.engine.effective.action_expansion import Expansion
from aws_iam.engine.effective.escalation import escalation_paths, possible_paths
from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.explain.action_risks import changes_resources, destroys, risky_actions
from aws_iam.engine.explain.gravest_risk import gravest_risk
from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.effective.escalation import OpenPath
    from aws_iam.engine.language.document import Policy, Principal, Statement

    Conditions = Mapping[str, Any] | None

_SHOWN = 3
# More resources hardly change the risk.
_MOST_RESOURCES = 20
# With more resources in the policies each action is judged alone.
_MOST_ANALYZED = 1_000
# Of more actions of one service, those that are on no list of risks are judged together.
_MOST_SINGLE = 100
_WORST_FIRST = (
    "administrator",
    "privilege escalation",
    "credentials exposure",
    "resource exposure",
    "data exfiltration",
)


@slotted
class Risk:
    """A risk in words, such as `privilege escalation`; empty where none is known. `unless` is a reservation in words."""

    name: str
    severity: Severity
    unless: str = ""

    @property
    def in_words(self) -> str:
        """The risk with its reservation."""
        return f"{self.name}, {self.unless}" if self.unless else self.name

    @property
    def order(self) -> int:
        """Among risks of one severity, what gives more first."""
        named = self.name in _WORST_FIRST
        return _WORST_FIRST.index(self.name) if named else len(_WORST_FIRST) + (not self.name)


NO_RISK: Final = Risk(name="", severity=Severity.INFO)


_REMOVED = "protection removed"
_OPENED = "access for everyone who meets the condition"
_WIDER = "wider resource"
_FOREIGN = "access from another account"
_ASSUMING = frozenset(
    {"sts:AssumeRole", "sts:AssumeRoot", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"}
)
_PASSING = frozenset({"iam:PassRole", "sts:AssumeRole"})
_PASSED_TO = "iam:passedtoservice"
_FOR_SERVICES = "kms:grantisforawsresource"
_CONTROL = "resource exposure"
_CHANGES = "infrastructure change"
# They open a part of the resource.
_OPENING_PARTS = frozenset({"s3:PutObjectAcl", "lambda:CreateFunctionUrlConfig"})
_SERIOUS_LEVELS = frozenset({"Write", "Permissions management"})
# Services that record and watch, and what takes a key or a limit away.
_WATCHING = frozenset(
    {
        "cloudtrail",
        "guardduty",
        "config",
        "securityhub",
        "access-analyzer",
        "macie2",
        "inspector2",
        "detective",
    }
)
_STOPPING = ("Delete", "Stop", "Disable", "Disassociate", "Update", "Put", "Archive", "Leave")
_PROTECTING = frozenset({
    "kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:DeleteImportedKeyMaterial", "kms:PutKeyPolicy",
    "kms:DisableKeyRotation", "organizations:LeaveOrganization", "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary", "iam:PutRolePermissionsBoundary", "iam:PutUserPermissionsBoundary",
})  # fmt: skip


@slotted
class Widening:
    """How a statement allows more, beside its actions: to principals of another account, or by a weaker condition.

    `keys` are the condition keys; the first of them decide who or what a permission is for, if it is `guarding`. A
    statement may also open it to everyone who meets its conditions, or have a wider pattern for its resource.
    """

    is_foreign: bool = False
    # A service of AWS that nothing ties to the requests of one account.
    at_large: bool = False
    # Of accounts that trust in a role names first: one of them may be the role's own, which nothing says.
    unless_own: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    guarding: bool = False
    opens: bool = False
    is_wider: bool = False


def riskiest_first(names: Iterable[str]) -> list[str]:
    """The actions, first those that an escalation needs, then those on a list of risks."""
    ranks = _risk_ranks()
    return sorted(names, key=lambda name: ranks.get(name, len(ranks)))


@cache
def _risk_ranks() -> Mapping[str, int]:
    ranks = {name: 1 for risky in risky_actions() for name in risky.by_key.values()}
    return ranks | {name: 0 for path in escalation_paths() for name in path.actions}


def at_most_high(risk: Risk) -> Risk:
    """The risk of access that a limit stopped: perhaps nothing else allows it."""
    is_worst = risk.severity is Severity.CRITICAL
    return Risk(name=risk.name, severity=Severity.HIGH) if is_worst else risk


def without_deny(risk: Risk, names: Iterable[str]) -> Risk:
    """The risk of access that a Deny stopped until now: somebody had a reason to write it."""
    severity = Severity.HIGH if any(map(_protects, names)) else Severity.MEDIUM
    return _gravest(risk, Risk(name=risk.name or _REMOVED, severity=severity))


def widened(risk: Risk, names: Iterable[str], widening: Widening) -> Risk:
    """The risk of access for whom, or when, it was not meant until now: somebody had a reason for a condition that is weaker."""
    serious = any(map(_is_serious, names))
    if serious and (widening.is_foreign or widening.guarding or widening.at_large):
        severity = Severity.HIGH
    elif widening.keys or (serious and widening.opens):
        severity = Severity.MEDIUM
    elif serious and widening.unless_own:
        return _gravest(risk, _of_first_account(risk, widening.unless_own))
    else:
        return _of_wider_pattern(risk) if serious and widening.is_wider else risk
    named = f"weaker condition on {widening.keys[0]}" if widening.keys else ""
    at_large = AT_LARGE if widening.at_large else _OPENED
    what = named or (_FOREIGN if widening.is_foreign else at_large)
    return _gravest(risk, Risk(name=risk.name or what, severity=severity))


def _of_first_account(risk: Risk, accounts: Sequence[str]) -> Risk:
    """The risk of trust in a first account: very often it is the role's own."""
    own = joined([quoted(account) for account in accounts], "or", shown=_SHOWN)
    return Risk(
        name=risk.name or _FOREIGN,
        severity=Severity.MEDIUM,
        unless=f"from another account unless {own} is the role's own",
    )


def _of_wider_pattern(risk: Risk) -> Risk:
    """The risk of access to resources that nobody named."""
    severity = Severity.MEDIUM if risk.name else Severity.LOW
    return _gravest(risk, Risk(name=risk.name or _WIDER, severity=severity))


def _protects(name: str) -> bool:
    service, _, action = name.partition(":")
    return name in _PROTECTING or (service in _WATCHING and action.startswith(_STOPPING))


def _is_serious(name: str) -> bool:
    """Whether the action changes something, or gives data or credentials away."""
    known = catalog().action(name)
    return (known is not None and known.level in _SERIOUS_LEVELS) or any(
        name.lower() in risky.by_key for risky in risky_actions()
    )


def _of_identity(name: str, judged: JudgedAccess) -> Risk:
    """The risk of assuming roles, or of passing them, whatever these may do; and of deleting named resources."""
    if name != "iam:PassRole" and name not in _ASSUMING:
        return _of_deletion(name)
    wide = judged.are_all_roles
    severity = Severity.HIGH if wide else Severity.MEDIUM
    if name == "iam:PassRole":
        if _PASSED_TO not in judged.keys:
            return Risk(name="role for any service", severity=severity)
        return Risk(name="any role for a service", severity=Severity.MEDIUM) if wide else NO_RISK
    return Risk(name="credentials exposure", severity=severity)


def _of_resource(name: str, judged: JudgedAccess) -> Risk:
    """The risk of actions on the resource itself: whoever has them opens it to others, or destroys it."""
    if name == "kms:CreateGrant":
        for_services = _FOR_SERVICES in judged.keys
        return NO_RISK if for_services else Risk(name=_CONTROL, severity=Severity.MEDIUM)
    if name in _opening():
        return Risk(name=_CONTROL, severity=Severity.HIGH)
    if name in _PROTECTING:
        return Risk(name=_CHANGES, severity=Severity.MEDIUM)
    found = _of_deletion(name)
    # An alias or a grant of a key, and an object of a bucket are less than the resource.
    of_content = name.endswith("Object") or name.startswith("kms:")
    return (
        found if of_content or found is NO_RISK else Risk(name=_CHANGES, severity=Severity.MEDIUM)
    )


# Whoever loses or gains everything is asked for 20,000 actions.
@memo_of_reference(25_000)
def _of_deletion(name: str) -> Risk:
    """The risk of an action that deletes or stops the resource that it names."""
    known = catalog().action(name)
    types = (known.required or known.resource_types) if known else ()
    is_whole = any(name.lower().endswith(own.lower()) for own in types)
    return Risk(name=_CHANGES, severity=Severity.LOW) if is_whole and destroys(name) else NO_RISK


@cache
def _opening() -> frozenset[str]:
    """The actions that change who may use the resource."""
    (exposing,) = (risky for risky in risky_actions() if risky.name == _CONTROL)
    return frozenset(exposing.by_key.values()) - _OPENING_PARTS


@slotted
class JudgedAccess:
    """What is judged of gained access: the statement, by id, its resources and conditions; `of_resource` if it names principals.

    `is_allow` tells a statement that allows it from a Deny that stopped it.
    """

    statement: int
    resources: tuple[str, ...]
    conditions: Conditions
    of_resource: bool
    is_allow: bool = True

    @property
    def are_all_roles(self) -> bool:
        """Whether every role of an account is among its resources."""
        return any(text == "*" or text.endswith(":role/*") for text in self.resources)

    @property
    def keys(self) -> frozenset[str]:
        """Its condition keys in lower case."""
        operators = (self.conditions or {}).values()
        return frozenset(key.lower() for keys in operators for key in keys)


@dataclass(slots=True)
class ChangeRisks:
    """Judges what `policies` allow beyond `before`; `exposed` are the actions that strangers gain, by the id of the statement."""

    policies: Sequence[Policy]
    before: Sequence[Policy]
    exposed: Mapping[int, frozenset[str]] = field(default_factory=dict)
    # All policies of the baseline, for what a new policy names.
    baseline: Sequence[Policy] = ()
    # Whether it judges what is lost.
    of_loss: bool = False
    # The permissions boundaries that limit the policies after the change, and before it; empty without one.
    within: Sequence[Policy] = ()
    formerly_within: Sequence[Policy] = ()
    _completed: Mapping[str, Risk] | None = field(default=None, init=False)
    _own_accounts: frozenset[str] | None = field(default=None, init=False)
    _are_owners_read: bool = field(default=False, init=False)

    def is_foreign(self, principals: Sequence[Principal], *, newly: bool) -> bool:
        """Whether any is of another account than the resource's; where that is unknown, of one that only a change names."""
        # The users of an identity provider are in no account.
        if newly and self._was_there and any(own.type == "Federated" for own in principals):
            return True
        accounts = _aws_accounts(principals)
        owners = self._owners() if accounts else None
        return owners is not None and not accounts <= owners

    def is_at_large(self, statement: Statement, principals: Iterable[Principal]) -> bool:
        """Whether a service among the principals may come on behalf of any account."""
        return is_at_large(statement, principals, self.policies)

    def unless_own(self, principals: Iterable[Principal]) -> tuple[str, ...]:
        """The accounts that a role which was there trusts first, where nothing says whose the role is.

        A new role tells less: most of those that trust an account trust their own.
        """
        if not self._was_there:
            return ()
        accounts = _aws_accounts(principals)
        return tuple(sorted(accounts)) if accounts and self._owners() is None else ()

    @property
    def _was_there(self) -> bool:
        return any(policy.kind is Kind.TRUST and policy.statements for policy in self.before)

    def _owners(self) -> frozenset[str] | None:
        """The accounts that may own the resource; None where nothing says so."""
        if not self._are_owners_read:
            likely = likely_owners(self.policies, self.before)
            named = named_accounts(self.baseline) if likely is None else likely
            self._own_accounts = None if likely is None and not named else named
            self._are_owners_read = True
        return self._own_accounts

    def of_everything(self, judged: JudgedAccess) -> Risk:
        """The risk of every action of every service."""
        if judged.statement in self.exposed:
            return self._exposure
        bounded = "*" not in judged.resources or bool(judged.conditions) or self._is_denied_more
        severity = Severity.HIGH if bounded else Severity.CRITICAL
        return Risk(name="administrator", severity=severity)

    def of_service(self, service: str, names: Sequence[str], judged: JudgedAccess) -> Risk:
        """The gravest risk of all actions of a service."""
        whole = _risk((f"{service}:*",), judged.resources, judged.conditions)
        return _gravest(whole, *(self._beyond_itself(name, judged) for name in names))

    def of_actions(self, names: Sequence[str], judged: JudgedAccess) -> Iterator[tuple[str, Risk]]:
        """The gravest risk of each of some actions of a service."""
        for alike in _judged_together(names):
            together = _risk(alike, judged.resources, judged.conditions)
            apart = together is not NO_RISK and 1 < len(alike) <= _MOST_SINGLE
            for name in alike:
                own = _risk((name,), judged.resources, judged.conditions) if apart else together
                yield name, _gravest(own, self._beyond_itself(name, judged))

    def _beyond_itself(self, action: str, judged: JudgedAccess) -> Risk:
        """The risk of an action by whom it is allowed to, or together with other actions."""
        if action in self.exposed.get(judged.statement, ()):
            return self._exposure
        if not judged.of_resource:
            own = _of_identity(action, judged)
        else:
            own = _of_resource(action, judged) if judged.is_allow else NO_RISK
        if not any(map(self._allows_all, _companions().get(action, ()))):
            return own
        if self._completed is None:
            self._completed = self._completed_paths()
        risk = self._completed.get(action, NO_RISK)
        if (
            action in _PASSING
            and _PASSED_TO in judged.keys
            and risk.severity is Severity.HIGH
            and not judged.are_all_roles
        ):
            # The role goes to the named services only.
            risk = Risk(name=risk.name, severity=Severity.MEDIUM)
        return _gravest(risk, own)

    def _allows_all(self, actions: Iterable[str]) -> bool:
        """Whether some statements allow all of these actions, resources and conditions ignored."""
        return all(
            any(
                statement.allows and IndexedStatement.of(statement).takes(action)
                for policy in self.policies
                for statement in policy.statements
            )
            for action in actions
        )

    @property
    def _is_denied_more(self) -> bool:
        """Whether a permissions boundary denies a part."""
        return any(own.denies for policy in self.within for own in policy.statements)

    @property
    def _exposure(self) -> Risk:
        trust = any(policy.kind is Kind.TRUST for policy in self.policies)
        return Risk(
            name="resource exposure", severity=Severity.CRITICAL if trust else Severity.HIGH
        )

    def _completed_paths(self) -> Mapping[str, Risk]:
        """The actions of the escalation paths that are open and were not before, each with its gravest risk."""
        if any(policy.kind is not Kind.IDENTITY for policy in self.policies):
            return {}
        statements = [s for p in (*self.policies, *self.before) for s in p.statements]
        if sum(len(s.resource_words) for s in statements) > _MOST_ANALYZED:
            return {}
        try:
            opened, known = (
                possible_paths(access(policies, Expansion()))
                for policies in (self.policies, self.before)
            )
        except InputError:
            # Too many wildcards to analyze; each action is judged alone.
            return {}
        opened = _within(self.within, opened)
        known = _within(self.formerly_within, known)
        before = {path.path.id: path.limited for path in known if not path.path.unconfirmed}
        unlimited = {name for name, is_limited in before.items() if not is_limited}
        found: dict[str, Risk] = {}
        for path in opened:
            if path.path.unconfirmed or (path.path.id in unlimited and not path.limited):
                continue
            names = tuple(need.action for need in path.path.required)
            risk = _risk(names, ("*",), None)
            if path.limited:
                risk = Risk(name=risk.name, severity=_on_named_targets(path))
            for name in names:
                # A path on named targets was there for other roles.
                if path.path.id not in before or name in _PASSING:
                    found[name] = _gravest(found.get(name, NO_RISK), risk)
        return found


def _within(limits: Sequence[Policy], paths: tuple[OpenPath, ...]) -> tuple[OpenPath, ...]:
    """The paths all of whose actions a permissions boundary allows."""
    if not limits:
        return paths
    reach = access(limits, Expansion()).reach
    return tuple(own for own in paths if all(reach(need.action) for need in own.path.required))


def _judged_together(names: Sequence[str]) -> Iterable[tuple[str, ...]]:
    """The actions of a service; many of them apart, those on lists of risks one by one, and the others by what they do."""
    if len(names) <= _MOST_SINGLE:
        return (tuple(names),)
    ranks = _risk_ranks()
    alike: dict[object, list[str]] = {}
    for name in names:
        known = catalog().action(name)
        does = known and (known.level, changes_resources(known), destroys(name))
        alike.setdefault(name if name in ranks else does, []).append(name)
    return map(tuple, alike.values())


def _aws_accounts(principals: Iterable[Principal]) -> frozenset[str]:
    return accounts_of(principal for principal in principals if principal.type == "AWS")


def _on_named_targets(path: OpenPath) -> Severity:
    """How grave a path on named targets is: administrators are often among the roles that can be passed to anything."""
    passing = [
        statement
        for need, granting in zip(path.path.required, path.granting, strict=True)
        for statement in granting
        if need.action == "iam:PassRole"
    ]
    if not passing:
        return path.severity
    to_services = all(
        any(condition.name == _PASSED_TO for condition in statement.conditions)
        for statement in passing
    )
    return Severity.MEDIUM if to_services else Severity.HIGH


def _gravest(*risks: Risk) -> Risk:
    return min(risks, key=lambda risk: risk.severity.rank)


@cache
def _companions() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """By action, the others, in lower case, with which it leads to more permissions."""
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    for path in escalation_paths():
        names = [need.action for need in path.required]
        for name in names:
            others = tuple(other.lower() for other in names if other != name)
            if others:
                found[name] = (*found.get(name, ()), others)
    return found


def _risk(actions: tuple[str, ...], resources: Sequence[str], conditions: Conditions) -> Risk:
    condition = json.dumps(conditions, sort_keys=True) if conditions else ""
    return _known_risk(actions, tuple(resources[:_MOST_RESOURCES]), condition)


# Versions of a policy gain the same again and again; judging one action takes 0.2 ms.
@memo_of_reference(10_000)
def _known_risk(actions: tuple[str, ...], resources: tuple[str, ...], condition: str) -> Risk:
    try:
        found = gravest_risk(actions, resources, json.loads(condition) if condition else None)
    except InputError:
        return NO_RISK
    if found is None:
        return NO_RISK
    return Risk(name=found.code.lower().replace("_", " "), severity=found.severity)
