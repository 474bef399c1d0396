"""Candidates of a search as requests, shown only if `evaluate` confirms that one side allows them and the other does not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from aws_iam.engine.comparison.permissive_policies import (
    allow_all,
    delegate_to_account,
    is_added,
)
from aws_iam.engine.evaluation.caller import CallerKind, Grade
from aws_iam.engine.evaluation.context import without_stand_ins
from aws_iam.engine.evaluation.evaluate import deciding_statements, verdict_and_hits
from aws_iam.engine.evaluation.layers import Layers, PlacedPolicy, placed
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aws_iam.engine.comparison.differences import Candidate
    from aws_iam.engine.comparison.distinct_values import Value
    from aws_iam.engine.evaluation.caller import Caller
    from aws_iam.engine.evaluation.decision_flow import Verdict
    from aws_iam.engine.evaluation.matching import Hit
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Policy


@dataclass(slots=True, kw_only=True)
class WitnessReplay:
    """The policies that must allow a request (`allowing`, and `within` if given) and those that must not (`refusing`).

    `owner` is the account of the resource whose policies these are; empty for identity policies.
    """

    allowing: tuple[Policy, ...]
    refusing: tuple[Policy, ...]
    within: tuple[Policy, ...]
    owner: str
    # The policies in their layer, and keys in the policies' spelling: the same for every candidate.
    _placed: dict[int, tuple[PlacedPolicy, ...]] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _delegating: dict[tuple[str, str], PlacedPolicy] = field(default_factory=dict)
    # By action, why `evaluate` cannot know whether a statement applies to the requests that it did not confirm.
    doubts: dict[str, str] = field(default_factory=dict)

    def confirmed(
        self, candidate: Candidate, fixed: Mapping[str, Value]
    ) -> Mapping[str, Any] | None:
        """The candidate as a request with the statements that decide; None when `evaluate` does not confirm it."""
        given = {key: value for key, value in fixed.items() if value is not None}
        context = self._spelled({**given, **candidate.context})
        try:
            request = request_for(candidate, context, self.owner or ACCOUNT)
        except InputError:
            # No caller has this combination, such as a principal of one account in the ARN of another.
            return None
        allowed, granting = self._weighed(self.allowing, request, candidate)
        if allowed.outcome != "Allowed":
            self._note_doubt(request, granting, self.allowing)
            return None
        if self.within and not self._is_within(request, candidate):
            return None
        denied: list[str] = []
        if self.refusing:
            refused, denying = self._weighed(self.refusing, request, candidate)
            if refused.outcome not in {"ExplicitlyDenied", "ImplicitlyDenied"}:
                self._note_doubt(request, denying, self.refusing)
                return None
            denied = self._pointers(deciding_statements(refused, denying, request), self.refusing)
        absent = [self._name(key) for key in candidate.absent if key not in FROM_CALLER]
        granted = self._pointers(deciding_statements(allowed, granting, request), self.allowing)
        needs_others = candidate.case.is_permitted and not granted
        return {
            "request": request.given,
            **({"absent": absent} if absent else {}),
            "granted_by": granted,
            **({"denied_by": denied} if denied else {}),
            **({"needs": _OTHER_POLICY} if needs_others else {}),
        }

    def _is_within(self, request: Request, candidate: Candidate) -> bool:
        # Other policies of the caller allow nothing beyond it.
        alone = replace(candidate, case=replace(candidate.case, is_permitted=False))
        weighed, hits = self._weighed(self.within, request, alone)
        self._note_doubt(request, hits if weighed.outcome != "Allowed" else (), self.within)
        return weighed.outcome == "Allowed"

    def _note_doubt(
        self, request: Request, hits: Iterable[Hit], policies: Sequence[Policy]
    ) -> None:
        for hit in hits:
            if hit.doubt and request.action not in self.doubts:
                at = joined(self._pointers((hit,), policies))
                effect = "Allow" if hit.statement.allows else "Deny"
                self.doubts[request.action] = (
                    f"the {effect} at {at} may or may not apply to {quoted(request.action)}: {hit.doubt}"
                )

    def _weighed(
        self, policies: tuple[Policy, ...], request: Request, candidate: Candidate
    ) -> tuple[Verdict, tuple[Hit, ...]]:
        return verdict_and_hits(request, self._layers(policies, candidate, request.caller))

    def _pointers(self, decided: Iterable[Hit], policies: Sequence[Policy]) -> list[str]:
        """Pointers of the statements that decided, with the policy's number where there are several.

        What was added beside the policies is in no file and has none.
        """
        layer = f"/{self._layer}"
        own = {
            f"{layer}/{number}": f"/{number}"
            for number, policy in enumerate(policies)
            if not is_added(policy)
        }
        return [
            (own[hit.placed.pointer] if len(own) > 1 else "") + hit.statement.node.at.pointer
            for hit in decided
            if hit.placed.pointer in own
        ]

    @property
    def _layer(self) -> str:
        return "resource" if self.owner else "identity"

    def _layers(
        self, policies: tuple[Policy, ...], candidate: Candidate, caller: Caller
    ) -> Layers:
        """The compared policies, and what else the request needs to be allowed."""
        layer = self._layer
        # The policies live as long as this object, so their id identifies them.
        known = self._placed.get(id(policies))
        if known is None:
            known = tuple(placed(p, layer, f"/{layer}/{n}") for n, p in enumerate(policies))
            self._placed[id(policies)] = known
        levels = {layer: (known,)}
        if layer == "identity":
            if candidate.case.is_permitted:
                levels[layer] = ((*known, _everything(layer)),)
            account = (caller.partition, caller.account)
            if account not in self._delegating:
                self._delegating[account] = placed(delegate_to_account(*account), "resource", "")
            levels["resource"] = ((self._delegating[account],),)
            if caller.kind is CallerKind.ROOT:
                # No policy of its own limits the root user, only SCPs.
                levels["scp"] = (tuple(_as_scp(own) for own in levels.pop(layer)[0]),)
        elif candidate.case.required_grade is Grade.ACCOUNT:
            levels["identity"] = ((_everything("identity"),),)
        if caller.kind is CallerKind.FEDERATED:
            # A federated session has no permissions without a session policy.
            levels["session"] = ((_everything("session"),),)
        return Layers(levels=levels)

    def _spelled(self, context: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """The keys in the policies' spelling, their values without stand-ins."""
        return {
            self._name(key): tuple(map(without_stand_ins, values))
            for key, values in context.items()
        }

    def _name(self, key: str) -> str:
        found = self._names.get(key)
        if found is None:
            found = self._names[key] = self._written(key)
        return found

    def _written(self, key: str) -> str:
        written = (
            condition.key.value
            for policy in (*self.allowing, *self.refusing, *self.within)
            for statement in policy.statements
            for condition in statement.conditions
            if condition.name == key
        )
        return next(written, _as_aws(key))


_OTHER_POLICY = "another policy of the principal that allows it"


def _as_scp(policy: PlacedPolicy) -> PlacedPolicy:
    return replace(policy, layer="scp")


def _everything(layer: str) -> PlacedPolicy:
    return placed(allow_all(), layer, "")


def _as_aws(key: str) -> str:
    known = catalog().condition_key(key)
    return known.name if known and "${" not in known.name else key


ACCOUNT: Final = "111122223333"
"""The account of the caller of an identity policy, where no condition asks for another."""


FROM_CALLER: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principalservicename",
        "aws:principaltype",
        "aws:username",
    }
)
"""The condition keys that follow from the principal of a request."""


_ACCOUNT_FIELD = 4
# No role can call it.
_OF_USERS = "sts:getfederationtoken"


def request_for(
    candidate: Candidate, context: Mapping[str, tuple[str, ...]], owner: str
) -> Request:
    """The candidate as a request, without keys that follow from its principal. `owner` is the account of the resource."""
    lower = {key.lower(): values[0] for key, values in context.items() if values}
    caller = candidate.case.caller
    principal = caller.arn if caller else _holder(lower, candidate)
    own = owner if caller else principal.split(":")[_ACCOUNT_FIELD]
    fields: dict[str, Any] = {
        "principal": principal,
        "action": candidate.action,
        "resource": candidate.resource,
    }
    if caller and caller.role and caller.role != caller.arn:
        fields["principal_role"] = caller.role
    account = lower.get("aws:resourceaccount", own)
    bare = request_of(fields)
    if bare.resource_account != account:
        fields["resource_account"] = account
        bare = request_of(fields)
    shown = {
        key: values[0] if len(values) == 1 else list(values)
        for key, values in context.items()
        # Keys that follow from the principal are left out.
        if key.lower() not in FROM_CALLER or bare.context.peek(key) != values
    }
    return request_of({**fields, "context": shown}) if shown else bare


def _holder(context: Mapping[str, str], candidate: Candidate) -> str:
    """A caller with these condition keys; in the resource's account, unless they name another."""
    resource = candidate.resource
    if "aws:principalarn" in context:
        return context["aws:principalarn"]
    arn = Arn.of(resource)
    near = arn.account if arn and arn.account.isdigit() else ACCOUNT
    account = context.get("aws:principalaccount", near)
    partition = arn.partition if arn else "aws"
    if "aws:username" in context:
        return f"arn:{partition}:iam::{account}:user/{context['aws:username']}"
    if candidate.action.lower() == _OF_USERS:
        return f"arn:{partition}:iam::{account}:user/example"
    return f"arn:{partition}:iam::{account}:role/example"
