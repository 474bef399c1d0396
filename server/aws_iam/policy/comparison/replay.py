"""The replay: no request is shown that `evaluate` does not allow by the one side and refuse by the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.errors import InputError
from aws_iam.policy.catalog import catalog
from aws_iam.policy.comparison.beside import delegating, everything
from aws_iam.policy.comparison.requests import ACCOUNT, FROM_CALLER, request_for
from aws_iam.policy.evaluate import evaluated
from aws_iam.policy.evaluation.caller import Caller, CallerKind, Grade
from aws_iam.policy.evaluation.layers import Layers, placed
from aws_iam.policy.evaluation.request import request_of
from aws_iam.policy.evaluation.substitution import spelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_iam.answer import Decision
    from aws_iam.policy.comparison.differences import Candidate
    from aws_iam.policy.comparison.points import Value
    from aws_iam.policy.document import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What must allow a request (`allowing`, and `within` if given) and what must not (`refusing` if given).

    `owner` is the account of the resource whose policies these are; empty for policies of principals.
    """

    allowing: tuple[Policy, ...]
    refusing: tuple[Policy, ...]
    within: tuple[Policy, ...]
    owner: str

    def shown(self, candidate: Candidate, fixed: Mapping[str, Value]) -> Mapping[str, Any] | None:
        """The candidate as a request, when `evaluate` shows the difference; None when it does not."""
        given = {key: value for key, value in fixed.items() if value is not None}
        context = self._spelled({**given, **candidate.context})
        try:
            request = request_for(candidate, context, self.owner or ACCOUNT)
            allowed = self._decision(self.allowing, request, candidate)
            inside = self._decision(self.within, request, candidate) if self.within else allowed
            refused = self._decision(self.refusing, request, candidate) if self.refusing else None
        except InputError:
            # A combination that no caller can have, such as a name of one account in the ARN of another.
            return None
        if not allowed.outcome == inside.outcome == "Allowed":
            return None
        if refused and refused.outcome not in {"ExplicitlyDenied", "ImplicitlyDenied"}:
            return None
        absent = [self._name(key) for key in candidate.absent if key not in FROM_CALLER]
        denied = self._pointers(refused, self.refusing) if refused else []
        return {
            "request": request,
            **({"absent": absent} if absent else {}),
            "granted_by": self._pointers(allowed, self.allowing),
            **({"denied_by": denied} if denied else {}),
        }

    def _decision(
        self, policies: tuple[Policy, ...], request: Mapping[str, Any], candidate: Candidate
    ) -> Decision:
        asked = request_of(dict(request))
        layers = self._layers(policies, candidate, asked.caller)
        return evaluated(asked, layers).decision

    def _pointers(self, decision: Decision, policies: Sequence[Policy]) -> list[str]:
        """The statements of the policies that decided, with the policy's number where there are several."""
        layer = f"/{self._layer}"
        decided = (each for each in decision.because if each.policy.startswith(f"{layer}/"))
        several = len(policies) > 1
        return [f"{e.policy.removeprefix(layer) if several else ''}{e.pointer}" for e in decided]

    @property
    def _layer(self) -> str:
        return "resource" if self.owner else "identity"

    def _layers(
        self, policies: tuple[Policy, ...], candidate: Candidate, caller: Caller
    ) -> Layers:
        """The policies under question, and whatever else the request needs allowed."""
        layer = self._layer
        levels = {
            layer: (tuple(placed(p, layer, f"/{layer}/{n}") for n, p in enumerate(policies)),)
        }
        if layer == "identity":
            levels["resource"] = ((placed(delegating(caller), "resource", ""),),)
        elif candidate.actor.least is Grade.ACCOUNT:
            levels["identity"] = ((placed(everything(), "identity", ""),),)
        if caller.kind is CallerKind.FEDERATED:
            # Its session has the permissions of its user that a session policy leaves it.
            levels["session"] = ((placed(everything(), "session", ""),),)
        return Layers(levels=levels)

    def _spelled(self, context: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """The keys as the policies write them, and their values without stand-ins."""
        return {self._name(key): tuple(map(spelled, values)) for key, values in context.items()}

    def _name(self, key: str) -> str:
        written = (
            condition.key.value
            for policy in (*self.allowing, *self.refusing, *self.within)
            for statement in policy.statements
            for condition in statement.conditions
            if condition.name == key
        )
        return next(written, _as_aws(key))


def _as_aws(key: str) -> str:
    known = catalog().condition_key(key)
    return known.name if known and "${" not in known.name else key
