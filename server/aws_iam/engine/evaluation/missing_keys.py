"""Which missing condition keys would change a decision, and to what.

hinges(request, layers, decision)  →  {"aws:MultiFactorAuthPresent": {"met": "Allowed"}}
"""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING

from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.answer import Decision
    from aws_iam.engine.evaluation.decision_flow import Outcome
    from aws_iam.engine.evaluation.layers import Layers
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Condition

_MOST_VALUES = 20
_MOST_KEYS = 40
# With more missing keys, only having the conditions on all of them met is tried, and on as few of them as will do.
_MOST_TOGETHER = 5
_WORDS = {True: "met", False: "not met"}


def outcomes_of_missing_keys(
    request: Request, layers: Layers, decision: Decision
) -> dict[str, dict[str, Outcome]]:
    """For each missing key that matters, the other outcomes: with its conditions met, not met, or with a given value.

    Where no single key makes the request allowed, one entry names the smallest set of keys that does.
    """
    found: dict[str, dict[str, Outcome]] = {}
    for key in decision.missing_keys[:_MOST_KEYS]:
        outcomes: dict[str, Outcome] = {}
        for word, outcome in _alone(request, layers, key):
            if outcome not in {decision.outcome, *outcomes.values()}:
                outcomes[word] = outcome
        if outcomes:
            found[key] = outcomes
    opened = decision.outcome == "Allowed" or any("Allowed" in o.values() for o in found.values())
    keys = decision.missing_keys[:_MOST_KEYS]
    if not opened and len(keys) > 1:
        search = _together if len(keys) <= _MOST_TOGETHER else _all_met
        found |= search(request, layers, keys)
    return found


def _alone(request: Request, layers: Layers, key: str) -> Iterator[tuple[str, Outcome]]:
    flipped = {evaluate_request(request, layers).decision.outcome == "Allowed"}
    for met, word in _WORDS.items():
        outcome = evaluate_request(request, layers, forced={key.lower(): met}).decision.outcome
        flipped.add(outcome == "Allowed")
        yield word, outcome
    if len(flipped) > 1:
        return
    # A value can meet the condition of an Allow and fail that of a Deny; settling all conditions on the key alike misses it.
    conditions = list(_conditions(layers, key))
    values = dict.fromkeys(_values(conditions)) if len(conditions) > 1 else ()
    for value in islice(values, _MOST_VALUES):
        asked = request.with_key(key, value)
        yield f"judged by {quoted(value)}", evaluate_request(asked, layers).decision.outcome


def _conditions(layers: Layers, key: str) -> Iterator[Condition]:
    for placed in layers.all():
        for ready in placed.statements:
            yield from (c for c in ready.statement.conditions if c.name == key.lower())


def _values(conditions: Iterable[Condition]) -> Iterator[str]:
    """The values in the policies' conditions; an example for each pattern."""
    for condition in conditions:
        if condition.base != "Null":
            texts = [value.value for value in condition.values if "${" not in value.value]
            yield from (text.replace("*", "x").replace("?", "x") for text in texts)
            yield from ("true", "false") if condition.base == "Bool" else ()


def _together(
    request: Request, layers: Layers, keys: tuple[str, ...]
) -> Mapping[str, dict[str, Outcome]]:
    choices = sorted(product((None, True, False), repeat=len(keys)), key=_size)
    for choice in choices:
        forced = {k.lower(): met for k, met in zip(keys, choice, strict=True) if met is not None}
        if len(forced) < 2:  # noqa: PLR2004
            continue
        if evaluate_request(request, layers, forced=forced).decision.outcome == "Allowed":
            named = [k for k, met in zip(keys, choice, strict=True) if met is not None]
            words = [_WORDS[met] for met in forced.values()]
            word = words[0] if len(set(words)) == 1 else " and ".join(words)
            return {" and ".join(named): {word: "Allowed"}}
    return {}


def _all_met(
    request: Request, layers: Layers, keys: tuple[str, ...]
) -> Mapping[str, dict[str, Outcome]]:
    def is_enough(names: Iterable[str]) -> bool:
        forced = {name.lower(): True for name in names}
        return evaluate_request(request, layers, forced=forced).decision.outcome == "Allowed"

    if not is_enough(keys):
        return {}
    needed = list(keys)
    for key in keys:
        fewer = [name for name in needed if name != key]
        if is_enough(fewer):
            needed = fewer
    return {" and ".join(needed): {"met": "Allowed"}}


def _size(choice: tuple[bool | None, ...]) -> int:
    return sum(met is not None for met in choice)
