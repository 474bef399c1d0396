"""The tables of `irsa denied`: each statement with its conditions, and the condition keys that AWS makes of the token."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_iam.engine.reference.issuers import issuer_of
from aws_iam.escape import escaped, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.tokens.trust_comparison import ConditionMatch, StatementMatch
    from aws_iam.tools.irsa.denied.comparison import TokenComparison

_MOST_STATEMENTS = 20
_MOST_CONDITIONS = 20
_MOST_VALUES = 5
_SHOWN = 200


def facts(comparison: TokenComparison, proofs: tuple[dict[str, str], ...]) -> dict[str, Any]:
    """What was compared with what, the condition keys that AWS makes of the token, and the proof of the exact policy."""
    found: dict[str, Any] = {
        "issuer": escaped(comparison.claims.text("iss"), _SHOWN),
        "provider": escaped(comparison.principal, _SHOWN),
        "signature": comparison.signature.value,
    }
    if "exp" in comparison.claims.times:
        found["expires"] = moment(comparison.claims.times["exp"])
    found["condition_keys"] = {
        escaped(name, _SHOWN): _listed(value)
        for name, value in comparison.claims.keys(comparison.claims.host).items()
    }
    found["statements"] = [_row(meeting) for meeting in comparison.meetings[:_MOST_STATEMENTS]]
    if len(comparison.meetings) > _MOST_STATEMENTS:
        found["more_statements"] = len(comparison.meetings) - _MOST_STATEMENTS
    notes = [{"note": note} for note in _notes(comparison)]
    return (
        found | ({"proof": list(proofs)} if proofs else {}) | ({"notes": notes} if notes else {})
    )


def _notes(comparison: TokenComparison) -> Iterator[str]:
    """What the answer assumes."""
    if comparison.is_issuer_assumed:
        yield f"the claims have no `iss`: {quoted(comparison.claims.text('iss'))} is assumed, the issuer that the policy trusts"
    if len(comparison.claims.audience) > 1:
        yield "`aud` has several values and the token has no `azp`: AWS does not document which value it compares"
    known = issuer_of(comparison.claims.host)
    if known and known.requires and known.requires.startswith("sts:"):
        yield f"AWS saves no trust policy for this issuer that does not test `{known.requires}`: add it"


def moment(seconds: float) -> str:
    """A time in ISO format."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _row(meeting: StatementMatch) -> dict[str, Any]:
    sid = meeting.statement.sid
    return {
        "statement": meeting.statement.node.where.pointer,
        **({"sid": escaped(sid.value, _SHOWN)} if sid else {}),
        "issuer": "match" if meeting.principal else "no match",
        "action": "match" if meeting.has_action else "no match",
        "conditions": [
            _condition(condition) for condition in meeting.conditions[:_MOST_CONDITIONS]
        ],
    }


def _condition(met: ConditionMatch) -> dict[str, Any]:
    return {
        "operator": escaped(met.condition.operator.value, _SHOWN),
        "key": escaped(met.condition.key.value, _SHOWN),
        "wanted": _listed(tuple(value.value for value in met.condition.values)),
        "token": _listed(met.given) or "absent",
        "result": met.match.value,
    }


def _listed(values: tuple[str, ...]) -> str:
    shown = ", ".join(escaped(value, _SHOWN) for value in values[:_MOST_VALUES])
    more = len(values) - _MOST_VALUES
    return f"{shown} and {more} more" if more > 0 else shown
