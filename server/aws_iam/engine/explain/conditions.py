"""The conditions of a statement in words: operators, several values, several keys, and absent keys.

All conditions must hold; the values of one condition are alternatives, and a negated operator excludes all of them.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aws_iam.engine.language.document import Form
from aws_iam.engine.language.variables import variables
from aws_iam.escape import quoted
from aws_iam.wording import SHOWN, counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_iam.engine.language.document import Condition, Text


class _Wording(NamedTuple):
    """The wording of an operator for one value and for several."""

    one: str
    many: str


def _compared(word: str) -> _Wording:
    return _Wording(f"is {word}", f"is {word} one of")


_EXACT = _Wording("is", "is one of")
_NOT = _Wording("is not", "is none of")
_LIKE = _Wording("matches", "matches one of")
_UNLIKE = _Wording("does not match", "matches none of")
_VERBS: dict[str, _Wording] = {
    "StringEquals": _EXACT,
    "StringNotEquals": _NOT,
    "StringEqualsIgnoreCase": _EXACT,
    "StringNotEqualsIgnoreCase": _NOT,
    "StringLike": _LIKE,
    "StringNotLike": _UNLIKE,
    "ArnEquals": _LIKE,
    "ArnLike": _LIKE,
    "ArnNotEquals": _UNLIKE,
    "ArnNotLike": _UNLIKE,
    "Bool": _EXACT,
    "BinaryEquals": _EXACT,
    "IpAddress": _Wording("is in", "is in"),
    "NotIpAddress": _Wording("is not in", "is in none of"),
    "NumericEquals": _EXACT,
    "NumericNotEquals": _NOT,
    "NumericLessThan": _compared("below"),
    "NumericLessThanEquals": _compared("at most"),
    "NumericGreaterThan": _compared("above"),
    "NumericGreaterThanEquals": _compared("at least"),
    "DateEquals": _EXACT,
    "DateNotEquals": _NOT,
    "DateLessThan": _compared("before"),
    "DateLessThanEquals": _compared("at or before"),
    "DateGreaterThan": _compared("after"),
    "DateGreaterThanEquals": _compared("at or after"),
}


def conditions(entries: Sequence[Condition], *, filled_in: bool) -> str:
    """All conditions of a statement, joined by `and`; `filled_in` says whether the policy's version has variables."""
    parts = list(map(condition, entries[:SHOWN]))
    parts += [counted(len(entries) - SHOWN, "more condition")] if len(entries) > SHOWN else []
    text = " and ".join(parts)
    names = variable_names(value for entry in entries for value in entry.values)
    return text + (variables_note(names, filled_in=filled_in) if names else "")


def variables_note(names: Sequence[str], *, filled_in: bool) -> str:
    """What the variables stand for, for the end of a sentence."""
    listed = joined([quoted(f"${{{name}}}") for name in names], shown=4)
    is_single = len(names) == 1
    if not filled_in:
        verb = "is" if is_single else "are"
        return f" ({listed} {verb} plain text here: the Version is not 2012-10-17)"
    return f" ({listed} {'stands' if is_single else 'stand'} for the value in the request)"


def variable_names(texts: Iterable[Text]) -> list[str]:
    """The variables in the texts, each once."""
    return list(dict.fromkeys(v.name for text in texts for v in variables(text.value)))


def condition(entry: Condition) -> str:
    """One condition in words."""
    key = quoted(entry.key.value)
    if entry.base == "Null":
        return _null(entry, key)
    if not entry.values:
        return _without_values(entry, key)
    verb = _VERBS.get(entry.base, _EXACT)
    clause = f"{verb.one if len(entry.values) == 1 else verb.many} {_values(entry)}"
    if entry.qualifier == "ForAllValues":
        return f"every value of {key} {clause} (also when there is none)"
    if entry.qualifier == "ForAnyValue":
        missing = " (or the key is absent)" if entry.if_exists else ""
        return f"at least one value of {key} {clause}{missing}"
    missing = " (or the key is absent)" if entry.negated or entry.if_exists else ""
    return f"{key} {clause}{missing}"


def _values(entry: Condition) -> str:
    texts = [_value(text, entry.base) for text in entry.values[:SHOWN]]
    listed = joined(
        [*texts, *("" for _ in entry.values[SHOWN:])], last="and" if entry.negated else "or"
    )
    return listed + (" in upper or lower case" if entry.base.endswith("IgnoreCase") else "")


_LITERAL = frozenset({"StringEquals", "StringNotEquals"})


def _value(text: Text, base: str) -> str:
    plain = (
        base in _LITERAL and text.form is Form.STRING and ("*" in text.value.replace("${*}", ""))
    )
    return quoted(text.value) + (" (the `*` taken literally)" if plain else "")


def _null(entry: Condition, key: str) -> str:
    values = {text.value.lower() for text in entry.values}
    if entry.qualifier:
        always = "always" if entry.qualifier == "ForAllValues" else "never"
        return f"{entry.qualifier} with Null on {key} holds (it {always} does)"
    if values == {"true"}:
        return f"the key {key} is absent"
    if values == {"false"}:
        return f"the key {key} is present"
    if values == {"true", "false"}:
        return f"the key {key} is present or absent (which always holds)"
    return f"the presence of {key} is {_values(entry)} (no readable value)"


def _without_values(entry: Condition, key: str) -> str:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
    if entry.qualifier == "ForAllValues" or (entry.if_exists and not entry.qualifier):
        return f"the key {key} is absent (no value is listed)"
    if entry.negated and not entry.qualifier:
        return f"{key} is anything or absent (no value is listed)"
    return f"{key} is in an empty list of values (which never holds)"
