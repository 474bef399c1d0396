"""Everything this package raises on purpose.

AwsIamError
├── InputError       the request is wrong: a better request would succeed
├── AwsError         AWS could not be read at all: credentials, endpoint, refused role
└── NotCollected     a check needs a fact that this snapshot lacks

Anything else that escapes is a bug and looks like one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class AwsIamError(Exception):
    """A failure with words for the caller: what is wrong, and in `hint` what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


def why_of(error: OSError) -> str:
    """Why the system refused, in its own words, to stand within a sentence."""
    return (error.strerror or "the system does not say why").lower()


class InputError(AwsIamError):
    """The request is wrong; the message names the argument and what would work."""


class AwsError(AwsIamError):
    """AWS could not be read at all; the hint says how to connect."""


class NotCollected(AwsIamError):  # noqa: N818 - the name says what happened, as `KeyError` does
    """A fact is missing from the snapshot: which call, its error code and the IAM action to allow."""

    def __init__(
        self, message: str, *, call: str, code: str = "", permission: str = "", region: str = ""
    ) -> None:
        super().__init__(message)
        self.call = call
        self.code = code
        self.permission = permission
        self.region = region


def closest(word: str, options: Iterable[str]) -> str | None:
    """The option most like the word, None when nothing is near."""
    # Most answers name nothing that is near.
    import difflib

    by_lower = {option.lower(): option for option in options}
    # It is quadratic in the length: a hostile word is compared by its first 100 characters.
    near = difflib.get_close_matches(word[:100].lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[near[0]] if near else None


class OffTheAllowlistError(RuntimeError):
    """Some code asked for an operation that this program never sends: a bug, or somebody else's code on our session."""
