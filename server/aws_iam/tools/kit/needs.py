"""Arguments that are a flat object of named numbers, booleans and words, such as `needs` of `decide`; read strictly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.tools.kit.json_object import json_object, value_words
from aws_iam.tools.kit.tool import Parameter, code_list

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

    @property
    def values(self) -> str:
        """The accepted values in words."""
        if self.takes == "flag":
            return "true or false"
        if self.takes == "word":
            return f"one of {code_list(self.words)}"
        return f"a whole number from {self.least:,} to {self.most:,}"


def flag(name: str, meaning: str) -> Need:
    """A need that is true or false."""
    return Need(name=name, takes="flag", meaning=meaning)


def number(name: str, meaning: str, *, least: int = 0, most: int) -> Need:
    """A need that is a number."""
    return Need(name=name, takes="number", meaning=meaning, least=least, most=most)


def word(name: str, meaning: str, *words: str) -> Need:
    """A need that is one of a few words."""
    return Need(name=name, takes="word", meaning=meaning, words=words)


def read_needs(given: object, declared: Iterable[Need], called: str = "needs") -> dict[str, Any]:
    """The caller's values by name, each of its declared type; unknown and ill-typed ones are refused by name.

    `called` is the argument's name, for error messages.
    """
    by_name = {need.name: need for need in declared}
    try:
        return {
            name: _value(_known(name, by_name), value)
            for name, value in _object(called, given, by_name).items()
            if value is not None
        }
    except InputError as error:
        message = error.message.replace("`needs`", f"`{called}`", 1)
        raise InputError(message, hint=error.hint) from None


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
    if name in by_name:
        return by_name[name]
    longer = next((known for known in by_name if known.startswith(f"{name}_")), None)
    near = longer or closest(name, by_name)
    raise InputError(
        f"`needs` has no {quoted(name)}",
        hint=f"did you mean `{near}`?" if near else f"it takes {code_list(by_name)}",
    )


def _value(need: Need, value: object) -> bool | int | str:
    if need.takes == "flag" and isinstance(value, bool):
        return value
    if need.takes == "number":
        counted = _integer(value)
        if counted is not None and need.least <= counted <= need.most:
            return counted
    if need.takes == "word" and isinstance(value, str) and value in need.words:
        return value
    near = closest(value, need.words) if isinstance(value, str) else None
    raise InputError(
        f"`needs`: `{need.name}` must be {need.values}, not {value_words(value)}",
        hint=f"did you mean `{near}`?" if near else need.meaning,
    )


def _integer(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    # JSON reads 1e6 as a float; `is_integer` is false for infinity and NaN.
    return int(value) if isinstance(value, float) and value.is_integer() else None
