"""The smallest edit of a trust policy after which it lets in the caller of a token: a repair with that one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.plain_policy import plain
from aws_iam.engine.repair.judge import Judge
from aws_iam.engine.repair.repair import repair
from aws_iam.engine.repair.requirements import Requirement
from aws_iam.tools.irsa.denied.comparison import request_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.tools.irsa.denied.comparison import TokenComparison


def edits_for(comparison: TokenComparison, allow: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The edits that add a statement, or narrow a Deny, for exactly this caller; none where they are not proved."""
    request = request_with(comparison.claims, comparison.principal)
    elements = {name: allow[name] for name in ("Principal", "Condition") if name in allow}
    requirement = Requirement.allowed(request, elements)
    policy = comparison.policy
    version = policy.version.value if policy.version else ""
    found = repair(plain(policy), (requirement,), Judge(kind=Kind.TRUST, version=version))
    if not found.is_repaired:
        return []
    return [
        {name: own for name, own in edit.row().items() if name != "requests"}
        for edit in found.edits
    ]
