"""Ids of controls as people write them, with the version of the benchmark: `CIS 1.4 (v3.0.0)`, `3.0.0/1.4`, `[IAM.6]`.

written_id("CIS 1.4 (v3.0.0)")   WrittenId("1.4", "3.0")
written_id("1.4")                None: an id as it stands
"""

from __future__ import annotations

import re
from typing import NamedTuple

from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.audit.controls import benchmark as catalogue
from aws_iam.tools.audit.controls.by_words import NUMBER, subject_words

_NAME = re.compile(r"[\w-]+(?:\.\d+)?")
_VERSION_BEFORE = re.compile(r"(?:\bin|\bof|\bversion|\bv/|\bbenchmark)[ /(]*$", re.IGNORECASE)
_READINGS = 2


class WrittenId(NamedTuple):
    """A key, number or Security Hub id, and the version that stands with it, if one does."""

    id: str
    version: str | None


def written_id(text: str) -> WrittenId | None:
    """The id and version in a text of more than an id; None for a text without; InputError for two readings."""
    if catalogue.known(text):
        return None
    numbers = list(NUMBER.finditer(text))
    if len(numbers) == _READINGS:
        return _of_two_numbers(text, *numbers)
    named = [name for name in _NAME.findall(NUMBER.sub(" ", text)) if catalogue.known(name)]
    if len(named) == 1:
        versions = [short for number in numbers if (short := _version(number[2]))]
        return WrittenId(named[0], versions[0] if len(versions) == 1 else None)
    is_alone = len(numbers) == 1 and not subject_words(text)
    return WrittenId(numbers[0][2], None) if is_alone and catalogue.known(numbers[0][2]) else None


def _of_two_numbers(text: str, first: re.Match[str], second: re.Match[str]) -> WrittenId | None:
    """One of the numbers is the version, the other the id in it."""
    pairs = [(number, other) for number, other in ((first, second), (second, first))]
    readings = {
        number.start(): WrittenId(other[2], short)
        for number, other in pairs
        if (short := _version(number[2])) and _is_in(other[2], short)
    }
    marked = [
        reading
        for at, reading in readings.items()
        if text[at] in "vV" or _VERSION_BEFORE.search(text[:at])
    ]
    if len(readings) == 1 or len(marked) == 1:
        return marked[0] if len(marked) == 1 else next(iter(readings.values()))
    if readings:
        either = " or ".join(f"{one.id} of CIS {one.version}" for one in readings.values())
        raise InputError(f"{quoted(text)} can be {either}", hint="give `id` and `benchmark` apart")
    for number, other in pairs:
        if short := _version(number[2]):
            raise InputError(
                f"CIS {short} has no control {quoted(other[2])}",
                hint=f"`audit checklist` with `benchmark` {short} lists its controls",
            )
    return None


def _version(number: str) -> str | None:
    try:
        return catalogue.benchmark(number).version
    except InputError:
        return None


def _is_in(number: str, version: str) -> bool:
    benchmark = catalogue.benchmark(version)
    return any(benchmark.id_of(control) == number for control in benchmark.controls)
