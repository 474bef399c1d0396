"""What a case expects of the decision on its requests, and how a decision differs from that.

expect: Denied                                       explicitly or implicitly
expect: {blocked_by: scp}                            denied, and this layer is among those that block
expect: {outcome: Denied, reason: DenyUnencrypted}   this statement is among those that decide
expect: {outcome: Denied, missing_keys: [aws:MultiFactorAuthPresent]}
expect: {unknown_keys: [aws:SourceIp]}               the request lacks this key on purpose; whatever the outcome
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.layers import LAYERS
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.kit.argument_values import folded
from aws_iam.tools.kit.policy_layers import layer_named
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.answer import Decision

DENIED = "Denied"
OUTCOMES = ("Allowed", DENIED, "ExplicitlyDenied", "ImplicitlyDenied", "Unknown")
"""What may be expected; `Denied` is either of the two that follow it."""
_REFUSALS = ("ExplicitlyDenied", "ImplicitlyDenied")
_WORDS = {
    **{name.lower(): name for name in OUTCOMES},
    **dict.fromkeys(("allow", "allows", "permit", "permitted"), "Allowed"),
    **dict.fromkeys(("deny", "denies", "blocked", "forbidden", "refused"), DENIED),
    # The words of AWS's simulator and of its record of a denial.
    **dict.fromkeys(("explicitdeny", "explicitdenied"), "ExplicitlyDenied"),
    **dict.fromkeys(("implicitdeny", "implicitdenied"), "ImplicitlyDenied"),
}
FIELDS = ("outcome", "blocked_by", "decided_by", "missing_keys", "reason")
_SYNONYMS = {
    "decision": "outcome",
    "effect": "outcome",
    "result": "outcome",
    "unknown_keys": "missing_keys",
    "missing_context_keys": "missing_keys",
    "because": "reason",
    "statement": "reason",
    "sid": "reason",
}
NAMES = {folded(name): name for name in FIELDS} | {folded(k): v for k, v in _SYNONYMS.items()}
"""The fields of an expectation by the words for them, without case and separators."""


@slotted
class Expectation:
    """What is expected: the outcome, empty for any, and where a case names them layers, missing keys and statements."""

    outcome: str
    blocked_by: tuple[str, ...] = ()
    decided_by: tuple[str, ...] = ()
    missing_keys: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        more = (
            ("blocked by", self.blocked_by),
            ("decided by", self.decided_by),
            ("without", self.missing_keys),
            ("because of", self.reasons),
        )
        parts = [f"{word} {joined(list(values))}" for word, values in more if values]
        return ", ".join((self.outcome or "any outcome", *parts))

    def differences(self, decision: Decision, statements: Mapping[str, str]) -> Iterator[str]:
        """In words, what of the decision is not as expected; `statements` are the names of those that decide, with the best for each."""
        wanted = _REFUSALS if self.outcome == DENIED else (self.outcome or decision.outcome,)
        if decision.outcome not in wanted:
            yield decision.outcome
            return
        named = {name.lower() for name in statements}
        yield from _lacking("is not blocked by", self.blocked_by, decision.blocked_by)
        yield from _lacking("is not decided by", self.decided_by, decision.decided_by)
        reasons = [name for name in self.reasons if name.lower() not in named]
        if reasons:
            best = [quoted(name) for name in dict.fromkeys(statements.values())]
            verb = "decide" if len(best) > 1 else "decides"
            shown = joined(best) or "no statement"
            yield f"{shown} {verb}, not {joined([quoted(name) for name in reasons])}"

    def not_missing(self, keys: Iterable[str]) -> str:
        """In words, which of the keys that are expected to be missing are none of those on which the decisions look."""
        lower = {key.lower() for key in keys}
        others = [quoted(key) for key in self.missing_keys if key.lower() not in lower]
        return f"no decision looks for {joined(others, 'or')} in vain" if others else ""


def _lacking(words: str, wanted: tuple[str, ...], found: tuple[str, ...]) -> Iterator[str]:
    missing = [layer for layer in wanted if layer not in found]
    if missing:
        also = f", but by {joined(list(found))}" if found else ""
        yield f"it {words} {joined(missing)}{also}"


def expectation_of(given: Any, beside: Mapping[str, Any]) -> Expectation:
    """The expectation in a word or an object, and in the fields that a case has `beside` it."""
    fields = dict(beside)
    if isinstance(given, dict):
        for name, value in given.items():
            meant = NAMES.get(folded(name))
            if meant is None:
                near = closest(name, FIELDS)
                known = ", ".join(f"`{field}`" for field in FIELDS)
                raise InputError(
                    f"`expect` has no field {quoted(name)}",
                    hint=f"did you mean `{near}`?" if near else f"it has {known}",
                )
            if meant in fields:
                raise InputError(f"`{meant}` is expected twice", hint="give it once")
            fields[meant] = value
    elif given is not None:
        if "outcome" in fields:
            raise InputError("`outcome` is expected twice", hint="give it once")
        fields["outcome"] = given
    if not fields:
        raise InputError("`expect` is missing", hint=_hint())
    outcome = _outcome(fields)
    return Expectation(
        outcome=outcome,
        blocked_by=_layers(fields, "blocked_by"),
        decided_by=_layers(fields, "decided_by"),
        missing_keys=_words(fields, "missing_keys"),
        reasons=_words(fields, "reason"),
    )


def _outcome(fields: Mapping[str, Any]) -> str:
    given = fields.get("outcome")
    if isinstance(given, bool):
        given = "Allowed" if given else DENIED
    outcome = _WORDS.get(folded(given)) if isinstance(given, str) else None
    if given is not None and outcome is None:
        near = closest(given, OUTCOMES) if isinstance(given, str) else None
        shown = quoted(given) if isinstance(given, str) else "that"
        raise InputError(
            f"{shown} is no outcome to expect", hint=f"did you mean `{near}`?" if near else _hint()
        )
    if "blocked_by" in fields:
        if outcome == "Allowed":
            raise InputError("a request that is Allowed is blocked by nothing", hint="expect one")
        return outcome or DENIED
    if outcome is None and fields.keys() <= {"missing_keys", "decided_by"}:
        return ""
    if outcome is None:
        raise InputError("`expect` has no `outcome`", hint=_hint())
    if "reason" in fields and outcome == "ImplicitlyDenied":
        raise InputError(
            "what is ImplicitlyDenied has no deciding statement: nothing allows it",
            hint="leave out `reason`, or name the layer in `blocked_by`",
        )
    return outcome


def _hint() -> str:
    return f"it is one of {', '.join(f'`{name}`' for name in OUTCOMES)}"


def _layers(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = []
    for word in _words(fields, name):
        layer = layer_named(word)
        if layer is None:
            near = closest(word, LAYERS)
            known = ", ".join(f"`{own}`" for own in LAYERS)
            raise InputError(
                f"{quoted(word)} in `{name}` is not a layer",
                hint=f"did you mean `{near}`?" if near else f"the layers are {known}",
            )
        found.append(layer)
    return tuple(found)


def _words(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = fields.get(name)
    words = value if isinstance(value, list) else [] if value is None else [value]
    if (name in fields and not words) or not all(isinstance(own, str) and own for own in words):
        raise InputError(f"`{name}` must be text, or a list of texts")
    return tuple(words)
