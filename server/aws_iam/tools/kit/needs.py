"""Arguments that are a flat object of named numbers, booleans and words, such as `needs` of `decide`; read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.errors import InputError, closest, nearest
from aws_iam.escape import quoted
from aws_iam.tools.kit.argument_values import argument_named, code_list, flag_of, folded
from aws_iam.tools.kit.json_object import json_object, value_words
from aws_iam.tools.kit.tool import UNDERSTOOD, Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
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


def number(name: str, meaning: str, *also: str, least: int = 0, most: int) -> Need:
    """A need that is a number."""
    return Need(name=name, takes="number", meaning=meaning, least=least, most=most, also=also)


def word(name: str, meaning: str, *words: str) -> Need:
    """A need that is one of a few words."""
    return Need(name=name, takes="word", meaning=meaning, words=words)


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
            if value is not None:
                read[need.name] = _value(need, value)
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
        f"{quoted(name)} as `{need}`"
        for name, need in meant.items()
        if folded(name) != folded(need)
    ]
    return {UNDERSTOOD: changed} if changed else {}


def needs_parameter(declared: Iterable[Need]) -> Parameter:
    """The argument as help shows it; passing an empty object lists the names with their meanings."""
    names = ", ".join(need.name for need in declared)
    return Parameter(f"object of: {names}", brief="object; absent: lists its names", document=True)


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


def _known(name: str, by_name: Mapping[str, Need]) -> Need:
    written = {also: need.name for need in by_name.values() for also in need.also}
    written |= {known: known for known in by_name}
    meant = argument_named(name, written)
    longer = [known for known in by_name if known.startswith(f"{name}_")]
    near = nearest(name, written) if not meant and name.isprintable() else ()
    if meant or len(longer) == 1 or len(near) == 1:
        return by_name[meant or (longer[0] if len(longer) == 1 else written[near[0]])]
    raise InputError(
        f"`needs` has no {quoted(name)}",
        hint=f"did you mean {code_list(near)}?" if near else f"it takes {code_list(by_name)}",
    )


def _value(need: Need, value: object) -> bool | int | str:
    if need.takes == "flag" and (read := flag_of(value)) is not None:
        return read
    if need.takes == "number":
        counted = _integer(value)
        if counted is not None and need.least <= counted <= need.most:
            return counted
    if need.takes == "word" and isinstance(value, str):
        for known in need.words:
            if folded(known) == folded(value):
                return known
    near = closest(value, need.words) if isinstance(value, str) else None
    raise InputError(
        f"`needs`: `{need.name}` must be {need.values}, not {value_words(value)}",
        hint=f"did you mean `{near}`?" if near else need.meaning,
    )


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
