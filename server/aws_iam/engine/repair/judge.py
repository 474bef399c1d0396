"""Whether a document meets a requirement: by itself, or as one of the policies of a decision.

By itself, a document decides alone in its layer: the other layers that the request needs allow everything, and none of them limits
it. Patterns are judged by a search over all of their requests, so that one that is met is met by every one; among the policies of a
decision by those of the document's level, as a search has no place for layers that limit each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from aws_iam.engine.comparison.clauses import Atoms
from aws_iam.engine.comparison.one_way_search import OneWaySearch, SideStatements
from aws_iam.engine.comparison.permissive_policies import allow_all, delegate_to_account
from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.evaluation.conditions import condition_holds
from aws_iam.engine.evaluation.decision_flow import needs_resource_policy
from aws_iam.engine.evaluation.evaluate import verdict_and_hits
from aws_iam.engine.evaluation.layers import Layers, placed
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import Kind, policy_of
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.repair.requirements import (
    OF_RESOURCES,
    PRINCIPAL_KEY,
    Effect,
    cells_of,
    layer_of,
    may_concern,
    region,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.automaton import Budget
    from aws_iam.engine.comparison.one_way_search import SearchResult
    from aws_iam.engine.evaluation.decision_flow import Verdict
    from aws_iam.engine.evaluation.layers import PlacedPolicy
    from aws_iam.engine.evaluation.matching import Hit
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Condition, Policy, Statement
    from aws_iam.engine.repair.requirements import Cell, Requirement

DOCUMENT: Final = "/document"
"""The pointer of the document among the policies of a decision."""
OLDEST_VERSION: Final = "2008-10-17"
"""The version of a document that names none."""
_CALLER = PRINCIPAL_KEY.lower()
_LIMITING = (Kind.SCP, Kind.RCP)
_PRINCIPALED = (*OF_RESOURCES, Kind.RCP)
# A document that names resources of AWS's usual partition is used there: what is in another one, no caller of it reaches.
_VERSION = "2012-10-17"
_ELSEWHERE = "arn:aws-*"
# Matches `*`, which stands for no resource, and no ARN.
_NO_ARN = "?"
_DENIED = ("ExplicitlyDenied", "ImplicitlyDenied")


@dataclass(slots=True, kw_only=True)
class Judge:
    """Judges documents of one kind. `others` are the policies of a whole decision, with the document at `place` among them."""

    kind: Kind
    version: str
    # The layer, and the level and number in it, where the document is one of the policies of a decision.
    layer: str = ""
    place: tuple[int, int] = (0, 0)
    others: Layers | None = None
    # Whether an SCP or RCP without an Allow is judged beside the one that allows everything.
    beside_full_access: bool = False
    # Patterns for all that the document can be about, where that is known: a bucket and its objects.
    own_resources: tuple[str, ...] = ()
    # Whether documents are compared for what they can be about only, else for all that there is.
    is_of_own_resources: bool = False
    # Actions of which only requests that name a resource are compared.
    on_arns_only: dict[str, None] = field(default_factory=dict)
    # Denies of requests that are taken not to exist: keys that stand for fields of ARNs have other values there.
    taken_apart: list[Mapping[str, Any]] = field(default_factory=list)
    _regions: dict[str, Policy] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layer = self.layer or layer_of(self.kind)

    def policy(self, statements: Iterable[Mapping[str, Any]]) -> Policy:
        """A policy of the kind with these statements."""
        value = {"Version": self.version, "Statement": list(statements)}
        return policy_of(from_value(value), self.kind, None)

    @property
    def full_access(self) -> tuple[Policy, ...]:
        """What stands beside the document in every comparison."""
        return (allow_all(principaled=self.kind is Kind.RCP),) if self.beside_full_access else ()

    def verdict(self, policy: Policy, requirement: Requirement) -> tuple[Verdict, tuple[Hit, ...]]:
        """The decision on a request, and the statements that apply to it."""
        request = requirement.request
        if request is None:
            raise ValueError(requirement.pointer)
        asked = self._of_any_account(requirement, request)
        return verdict_and_hits(asked, self._layers(policy, requirement, asked))

    def _of_any_account(self, requirement: Requirement, request: Request) -> Request:
        """The request; one that must be denied in no known account as from outside, where an Allow for the caller's account is enough."""
        arn = Arn.of(request.resource)
        known = request.given.get("resource_account") or (arn and arn.account)
        if known or requirement.effect is Effect.ALLOW or self.others is not None:
            return request
        return replace(request, resource_account="") if self.kind is Kind.RESOURCE else request

    def is_met(self, policy: Policy, requirement: Requirement) -> bool | None:
        """Whether the document meets the requirement; None where that cannot be known."""
        if requirement.is_pattern:
            found = self._search(policy, requirement)
            return True if found.is_none else False if found.differences else None
        verdict, _ = self.verdict(policy, requirement)
        wanted = ("Allowed",) if requirement.effect is Effect.ALLOW else _DENIED
        return verdict.outcome in wanted

    def unmet(self, policy: Policy, requirements: Iterable[Requirement]) -> list[Requirement]:
        """The requirements that the document does not certainly meet."""
        return [own for own in requirements if self.is_met(policy, own) is not True]

    def applies(
        self, statement: Mapping[str, Any], requirement: Requirement, *, surely: bool = False
    ) -> bool:
        """Whether a statement applies to a request; True where that cannot be known, unless `surely`."""
        _, hits = self.verdict(self.policy((statement,)), requirement)
        return any(hit.placed.pointer == DOCUMENT and (hit.sure or not surely) for hit in hits)

    def overlaps(self, deny: Mapping[str, Any], requirement: Requirement) -> bool:
        """Whether a Deny applies to any request of a pattern."""
        policy = self.policy((deny,))
        if not self.binds(policy.statements[0], requirement):
            return False
        wanted = (self.region_of(requirement),)
        if self.kind in _PRINCIPALED:
            # One for an account is for all in it, as no Allow for the account is.
            found = self.one_way(wanted, without=(self.everything, policy), within=wanted)
        else:
            found = self.one_way((self.policy(({**deny, "Effect": "Allow"},)),), within=wanted)
        return not found.is_none

    def region_of(self, requirement: Requirement) -> Policy:
        """A policy that allows exactly the requests of a pattern."""
        key = f"{requirement.effect}{requirement.pointer}{requirement.given}"
        if key not in self._regions:
            cells = cells_of(requirement, self.kind)
            listed = cells if isinstance(cells, tuple) else ()
            self._regions[key] = self.policy(region(listed, Effect.ALLOW, self.kind))
        return self._regions[key]

    def _search(self, policy: Policy, requirement: Requirement) -> SearchResult:
        wanted = (self.region_of(requirement),)
        level = (policy, *self._peers())
        own = (*(self._for_pattern(one, requirement) for one in level), *self.full_access)
        if requirement.effect is Effect.ALLOW:
            # Without the limit, what other policies of the caller allow and a Deny stops would count as well.
            return self.one_way(wanted, without=own, within=wanted)
        return self.one_way(own, within=wanted)

    def _peers(self) -> Iterator[Policy]:
        """The other policies of the document's level, which allow beside it, and deny."""
        level, number = self.place
        levels = self.others.levels.get(self.layer, ()) if self.others else ()
        for at, own in enumerate(levels[level] if level < len(levels) else ()):
            if at != number:
                version = _VERSION if own.has_variables else OLDEST_VERSION
                empty = policy_of(
                    from_value({"Version": version, "Statement": []}), self.kind, None
                )
                yield replace(empty, statements=tuple(one.statement for one in own.statements))

    def _for_pattern(self, policy: Policy, requirement: Requirement) -> Policy:
        """The statements about a pattern; where it must be allowed, without Denies whose conditions its requests do not meet."""
        denied = requirement.effect is Effect.DENY
        kept = tuple(
            own
            for own in policy.statements
            if may_concern(own, requirement)
            and (denied or own.allows or self.binds(own, requirement))
        )
        return policy if len(kept) == len(policy.statements) else replace(policy, statements=kept)

    def binds(self, statement: Statement, requirement: Requirement) -> bool:
        """Whether the conditions of a statement hold for a request of a pattern, or may hold."""
        request = requirement.request
        if request is None:
            return True
        return all(self._may_hold(own, request) for own in statement.conditions)

    def limits(self, statement: Statement, requirement: Requirement) -> bool:
        """Whether a statement is for requests of a pattern in other contexts only; not one for other callers."""
        request = requirement.request
        if request is None or self.binds(statement, requirement):
            return False
        of_caller = [own for own in statement.conditions if own.key.value.lower() == _CALLER]
        return not requirement.names_caller or all(
            self._may_hold(own, request) for own in of_caller
        )

    def tells_by(self, key: str, statement: Statement, requirement: Requirement) -> bool:
        """Whether a statement would apply to the request, or may, but for its conditions on a key, given in lower case."""
        request, conditions = requirement.request, statement.conditions
        others = [own for own in conditions if own.key.value.lower() != key]
        return (
            request is not None
            and len(others) < len(conditions)
            and may_concern(statement, requirement)
            and all(self._may_hold(own, request) for own in others)
        )

    def _may_hold(self, condition: Condition, request: Request) -> bool:
        variables = self.version == _VERSION
        return condition_holds(condition, request.context, variables=variables) is not False

    def one_way(
        self,
        policies: Sequence[Policy],
        *,
        without: Sequence[Policy] = (),
        within: Sequence[Policy] = (),
        budget: Budget | None = None,
    ) -> SearchResult:
        """A search for one request that the policies allow, within others, and that still others do not allow."""
        atoms = Atoms()
        search = OneWaySearch(
            atoms=atoms,
            policies=SideStatements.of(tuple(policies), atoms),
            without=SideStatements.of(tuple(without), atoms),
            within=SideStatements.of(tuple(within), atoms),
            budget=budget,
        )
        return search.search(1)

    @property
    def everything(self) -> Policy:
        """A policy that allows everything, to everyone where policies of the kind have principals."""
        return allow_all(principaled=self.kind in _PRINCIPALED)

    def apart_from(self, asked: Iterable[Cell]) -> Policy:
        """Denies that leave the asked requests out of a comparison, and what the document cannot be about."""
        apart = [*region(asked, Effect.DENY, self.kind)]
        everyone = {"Principal": "*"} if self.kind in _PRINCIPALED else {}
        if self.is_of_own_resources:
            apart.append({**elsewhere(self.own_resources), **everyone})
        if self.on_arns_only:
            apart.append({**without_arn(self.on_arns_only), **everyone})
        apart += ({**own, **everyone} for own in self.taken_apart)
        return self.policy(apart)

    def beyond(self, new: Policy, old: Policy, apart: Policy) -> SearchResult:
        """A search for a request that one document allows and the other does not, and that is not left out."""
        around = (apart, *self.full_access)
        return self.one_way((new, *around), without=(old, *around))

    def _layers(self, policy: Policy, requirement: Requirement, request: Request) -> Layers:
        own = placed(policy, self.layer, DOCUMENT)
        if self.others is not None:
            return self._among_others(own, self.others)
        levels: dict[str, tuple[tuple[PlacedPolicy, ...], ...]] = {}
        if self.kind in OF_RESOURCES:
            delegated = requirement.effect is Effect.DENY and needs_resource_policy(request)
            if request.crosses_accounts or delegated:
                levels["identity"] = ((_everything("identity"),),)
            levels["resource"] = ((own,),)
        else:
            if self.layer != "identity":
                levels["identity"] = ((_everything("identity"),),)
            if request.caller.account:
                account = delegate_to_account(request.caller.partition, request.caller.account)
                levels["resource"] = ((placed(account, "resource", ""),),)
            beside = tuple(placed(own_, self.layer, "") for own_ in self.full_access)
            levels[self.layer] = ((own, *beside),)
        if request.caller.kind is CallerKind.FEDERATED and self.layer != "session":
            levels["session"] = ((_everything("session"),),)
        return Layers(levels=levels)

    def _among_others(self, own: PlacedPolicy, others: Layers) -> Layers:
        level, number = self.place
        levels = list(others.levels.get(self.layer, ((),)))
        at = list(levels[level])
        at[number : number + 1] = [own]
        levels[level] = tuple(at)
        return replace(others, levels={**others.levels, self.layer: tuple(levels)})


def _everything(layer: str) -> PlacedPolicy:
    return placed(allow_all(), layer, "")


def elsewhere(own_resources: Sequence[str]) -> dict[str, Any]:
    """A Deny of everything that a document cannot be about: what is not its own, or in another partition."""
    outside = {"NotResource": list(own_resources)} if own_resources else {"Resource": _ELSEWHERE}
    return {"Effect": "Deny", "Action": "*", **outside}


def without_arn(actions: Iterable[str]) -> dict[str, Any]:
    """A Deny of requests for actions that name no resource."""
    return {"Effect": "Deny", "Action": list(actions), "Resource": _NO_ARN}


def is_full_access_missing(kind: Kind, policy: Policy) -> bool:
    """Whether a guardrail only denies, so that AWS's policy that allows everything must stand beside it."""
    return kind in _LIMITING and not any(own.allows for own in policy.statements)


def beside(layers: Layers, layer: str) -> tuple[int, int]:
    """The place after the last document of a layer's first level."""
    levels = layers.levels.get(layer, ((),))
    return 0, len(levels[0]) if levels else 0


def bucket_of(documents: Iterable[Policy]) -> tuple[str, ...]:
    """Patterns for the bucket, and for its objects, that a bucket policy belongs to; empty for any other policy."""
    words = [
        word
        for policy in documents
        for own in policy.statements
        for word in (*own.resource_words, *own.not_resource_words)
    ]
    buckets = {word.partition("/")[0] for word in words}
    if len(buckets) != 1:
        return ()
    (bucket,) = buckets
    name = bucket.removeprefix("arn:aws:s3:::")
    return (bucket, f"{bucket}/*") if name != bucket and name and is_literal(name) else ()
