"""How long a command may work on the documents that it is given: a small one may be made to take for ever."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aws_iam.engine.sources.files import Files
from aws_iam.errors import InputError
from aws_iam.processor_time import OutOfTimeError, processor_time

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Container, Iterator, Mapping

    from aws_iam.tools.kit.tool import Action

OF_A_DOCUMENT = 10
"""Seconds of processor time for a file or a text, and again for each further part of this length."""
_PART = 2_000_000
_NAMED_BY_CASES = 50


def is_limited(action: Action) -> bool:
    """Whether calls of the action judge documents, and not an account."""
    return bool(action.documents) and not _judges_account(action, action.documents)


def _judges_account(action: Action, given: Container[str]) -> bool:
    """Whether a call with these arguments judges an account: what is read on request is one policy or one record."""
    return action.may_read_account and not action.reads_on_request and "document" not in given


def time_limit(options: Namespace, action: Action, values: Mapping[str, Any]) -> float:
    """The seconds that `--seconds` gives, else those for all documents; 0: no limit, as where an account is judged.

    A review of a work tree reads what lies around the files that changed, however much that is.
    """
    chosen: float | None = getattr(options, "seconds", None)
    if chosen is not None:
        return max(0.0, chosen)
    if "base" in values or _judges_account(action, values):
        return 0
    parts = {name: _parts(values.get(name)) for name in action.documents}
    # Cases name the documents that they ask, which are read when their turn comes.
    return OF_A_DOCUMENT * sum(parts.values()) + _NAMED_BY_CASES * parts.get("cases", 0)


def _parts(value: Any) -> int:
    if isinstance(value, Files):
        return sum(_parts(file.text) for file in value.files)
    return 1 + len(value) // _PART if isinstance(value, str) else 0


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """InputError if the block takes more processor time."""
    try:
        with processor_time(seconds):
            yield
    except OutOfTimeError:
        raise InputError(
            f"this takes more than {seconds:g} s of processor time",
            hint=f"pass less at once, or allow more with `--seconds {max(60, round(seconds * 6))}`",
        ) from None
