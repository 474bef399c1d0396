"""The risks of policies, which are judged by the risky actions alone unless the policies may allow all of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.effective.access import access
from aws_iam.engine.effective.action_expansion import Expansion
from aws_iam.engine.effective.targets import Targets, is_on_all
from aws_iam.engine.explain.escalation_risks import Risks
from aws_iam.engine.explain.risks import statement_risks
from aws_iam.engine.explain.risky_services import may_be_broad, risky_service

if TYPE_CHECKING:
    from aws_iam.engine.language.document import Policy, Statement


def policy_risks(policy: Policy, unknown: frozenset[str] = frozenset()) -> Risks:
    """The risks of an identity policy, worst first; `unknown` as in Targets. InputError for one that is too complex."""
    if not any(map(_is_broad, policy.statements)):
        # Two of three actions only read, and a judgement of them all takes longer.
        risky = Expansion(of_service=risky_service)
        allowed = access([policy], risky, Targets.of(risky, unknown))
        if not allowed.actions:
            return Risks(findings=(), paths=())
        if not may_be_broad(allowed):
            return statement_risks(allowed, None)
    expansion = Expansion()
    allowed = access([policy], expansion, Targets.of(expansion, unknown))
    return statement_risks(allowed, expansion)


def _is_broad(statement: Statement) -> bool:
    """Whether the statement allows all actions but some, or all of a service on every resource."""
    words = statement.action_words
    return statement.allows and (
        statement.has("NotAction")
        or "*" in words
        or (":*\n" in "\n".join((*words, "")) and is_on_all(statement))
    )
