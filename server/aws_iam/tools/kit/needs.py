"""Arguments that are a flat object of named numbers, booleans and words, such as `needs` of `decide`; read strictly."""

from __future__ import annotations

import re
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.errors import InputError, closest, nearest
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.kit.argument_values import argument_named, code_list, flag_of, folded
from aws_iam.tools.kit.json_object import json_object, value_words
from aws_iam.tools.kit.tool import UNDERSTOOD, Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@slotted
class Need:
    """One name of the object, and the values it accepts."""

    name: str
    takes: Literal["flag", "number", "word"]
    meaning: str
    least: int = 0
    most: int = 0
    words: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    """Other names that people give it."""
    units: Mapping[str, int] = field(default_factory=dict)
    """Names for it in other units, with the factor: `size_kb` for `size_bytes`."""
    when_true: Mapping[str, int | str] = field(default_factory=dict)
    """Flags that mean a value of it: `multi_region` for `regions` 2."""

    @property
    def values(self) -> str:
        """The accepted values in words."""
        if self.takes == "flag":
            return "true or false"
        if self.takes == "word":
            return f"one of {code_list(self.words)}"
        return f"a whole number from {self.least:,} to {self.most:,}"


def flag(name: str, meaning: str, *also: str) -> Need:
    """A need that is true or false."""
    return Need(name=name, takes="flag", meaning=meaning, also=also)


def number(
    name: str,
    meaning: str,
    *also: str,
    least: int = 0,
    most: int,
    units: Mapping[str, int] = MappingProxyType({}),
    when_true: Mapping[str, int] = MappingProxyType({}),
) -> Need:
    """A need that is a number."""
    return Need(
        name=name,
        takes="number",
        meaning=meaning,
        least=least,
        most=most,
        also=also,
        units=units,
        when_true=when_true,
    )


def word(
    name: str, meaning: str, *words: str, when_true: Mapping[str, str] = MappingProxyType({})
) -> Need:
    """A need that is one of a few words."""
    return Need(name=name, takes="word", meaning=meaning, words=words, when_true=when_true)


def read_needs(given: object, declared: Iterable[Need], called: str = "needs") -> dict[str, Any]:
    """The caller's values by name, each of its declared type; unknown and ill-typed ones are refused by name.

    `called` is the argument's name, for error messages.
    """
    by_name = {need.name: need for need in declared}
    read: dict[str, Any] = {}
    try:
        for name, value in _object(called, given, by_name).items():
            need = _known(name, by_name)
            _refuse_repeat(need, read)
            if value is not None and (meant := _value(need, name, value)) is not None:
                read[need.name] = meant
    except InputError as error:
        message = error.message.replace("`needs`", f"`{called}`", 1)
        raise InputError(message, hint=error.hint) from None
    return read


def _refuse_repeat(need: Need, read: Mapping[str, Any]) -> None:
    if need.name in read:
        raise InputError(f"`needs` names `{need.name}` twice", hint="keep one of them")


def understood_names(given: object, declared: Iterable[Need]) -> dict[str, Any]:
    """The fact that says how names were understood that are not written as declared; empty when all are."""
    by_name = {need.name: need for need in declared}
    written = given if isinstance(given, dict) else json_object("needs", given, example="{}")
    meant = {str(name): _known(str(name), by_name).name for name in written}
    changed = [
        f"{quoted(name)} as `{need}`{_converted(by_name[need], name, written[name])}"
        for name, need in meant.items()
        if folded(name) != folded(need)
    ]
    return {UNDERSTOOD: changed} if changed else {}


def _converted(need: Need, name: str, value: object) -> str:
    """The value as it was understood, where it is not the one that was written."""
    is_other = folded(name) in {folded(word) for word in (*need.units, *need.when_true)}
    meant = _value(need, name, value) if is_other and value is not None else None
    return "" if meant is None else f" `{meant}`"


def needs_parameter(declared: Iterable[Need]) -> Parameter:
    """The argument as help shows it; passing an empty object lists the names with their meanings."""
    names = ", ".join(need.name for need in declared)
    return Parameter(
        f"object of: {names}",
        brief=f"{{{names}}}",
        document=True,
        by_position=True,
        also=("requirements", "criteria"),
        members=tuple(
            name
            for need in declared
            for name in (need.name, *need.also, *need.units, *need.when_true)
        ),
    )


def needs_table(declared: Iterable[Need]) -> list[dict[str, str]]:
    """The names with their values and meanings, as a table."""
    return [
        {"name": need.name, "takes": need.values, "meaning": need.meaning} for need in declared
    ]


def _object(called: str, given: object, by_name: Mapping[str, Need]) -> dict[str, Any]:
    example = f"{{{_example(next(iter(by_name.values())))}}}"
    return json_object(called, given, example=example, hint=f"it takes {code_list(by_name)}")


def _example(need: Need) -> str:
    sample = {"flag": "true", "number": str(need.least), "word": f'"{"".join(need.words[:1])}"'}
    return f'"{need.name}": {sample[need.takes]}'


def _meant(name: str, by_name: Mapping[str, Need]) -> tuple[Need | None, tuple[str, ...]]:
    """The need that a name means, and the names that are near it if it means none."""
    written = {
        also: need.name
        for need in by_name.values()
        for also in (*need.also, *need.units, *need.when_true)
    }
    written |= {known: known for known in by_name}
    meant = argument_named(name, written)
    longer = [known for known in by_name if known.startswith(f"{name}_")]
    near = nearest(name, written) if not meant and name.isprintable() else ()
    if meant or len(longer) == 1 or len(near) == 1:
        return by_name[meant or (longer[0] if len(longer) == 1 else written[near[0]])], ()
    return None, tuple(near or longer)


def _known(name: str, by_name: Mapping[str, Need]) -> Need:
    need, near = _meant(name, by_name)
    if need:
        return need
    raise InputError(
        f"`needs` has no {quoted(name)}",
        hint=f"did you mean {code_list(near)}?" if near else f"it takes {code_list(by_name)}",
    )


def _value(need: Need, name: str, value: object) -> bool | int | str | None:
    """The value as declared; None for a flag that is not set."""
    by_word = {folded(word): word for word in need.when_true}
    if folded(name) in by_word and (is_meant := flag_of(value)) is not None:
        return need.when_true[by_word[folded(name)]] if is_meant else None
    if need.takes == "flag" and (read := flag_of(value)) is not None:
        return read
    if need.takes == "number":
        counted = _counted(need, name, value)
        if counted is not None and need.least <= counted <= need.most:
            return counted
    if need.takes == "word" and isinstance(value, str):
        written = {**need.when_true, **{word: word for word in need.words}}
        for known, meant in written.items():
            if folded(known) == folded(value):
                return meant
    near = closest(value, need.words) if isinstance(value, str) else None
    raise InputError(
        f"`needs`: `{need.name}` must be {need.values}, not {value_words(value)}",
        hint=f"did you mean `{near}`?" if near else need.meaning,
    )


def _counted(need: Need, name: str, value: object) -> int | None:
    """The number in the need's own unit: of `6` with a name such as `size_kb`, or of `6 KB`."""
    factors = {folded(unit): factor for unit, factor in need.units.items()}
    factor = factors.get(folded(name), 1)
    if need.units and isinstance(value, str) and (sized := _SIZE.fullmatch(value.strip())):
        return int(sized[1]) * _BYTES[sized[2].lower()[0]]
    if isinstance(value, str) and (short := _SHORT.fullmatch(value.strip().lower())):
        return round(float(short[1]) * _THOUSANDS[short[2]]) * factor
    counted = _integer(value)
    return None if counted is None else counted * factor


_SHORT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?(k|thousand|m|million|billion)", re.ASCII)
_THOUSANDS = {"k": 10**3, "thousand": 10**3, "m": 10**6, "million": 10**6, "billion": 10**9}
_SIZE = re.compile(r"([0-9]{1,12}) ?(bytes?|b|ki?b|mi?b)", re.ASCII | re.IGNORECASE)
_BYTES = {"b": 1, "k": 1024, "m": 1024 * 1024}
_NUMBER = re.compile(r"[0-9][0-9_,]{0,17}", re.ASCII)


def _integer(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return int(value.replace(",", "").replace("_", ""))
    if isinstance(value, int):
        return value
    # JSON reads 1e6 as a float; `is_integer` is false for infinity and NaN.
    return int(value) if isinstance(value, float) and value.is_integer() else None
