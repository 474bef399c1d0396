"""Everything this package raises on purpose, and the near misses that its hints offer.

AwsIamError
├── InputError       the request is wrong: a better request would succeed
├── AwsError         AWS could not be read at all: credentials, endpoint, denied role
└── NotCollected     a check needs a fact that this snapshot lacks

Anything else that escapes is a bug and looks like one.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class AwsIamError(Exception):
    """A failure in words for the caller: what is wrong, and in `hint` what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


def system_reason(error: OSError) -> str:
    """The operating system's reason for a failure, as part of a sentence."""
    return (error.strerror or "the system gives no reason").lower()


class InputError(AwsIamError):
    """The request is wrong; the message names the argument and what would work."""


class AwsError(AwsIamError):
    """AWS could not be read at all; the hint says how to connect."""


class NotCollected(AwsIamError):  # noqa: N818 - the name says what happened, as `KeyError` does
    """A fact is missing from the snapshot: which call failed, its error code and the IAM action that it takes.

    `refused` says that AWS refused the call, so that to allow the action helps.
    """

    def __init__(  # noqa: PLR0913 - what happened, and what would help
        self,
        message: str,
        *,
        call: str,
        code: str = "",
        permission: str = "",
        region: str = "",
        refused: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.call = call
        self.code = code
        self.permission = permission
        self.region = region
        self.refused = refused

    def reworded(self, message: str) -> NotCollected:
        """The same failure in other words."""
        return NotCollected(
            message,
            call=self.call,
            code=self.code,
            permission=self.permission,
            region=self.region,
            refused=self.refused,
            hint=self.hint,
        )


class OffTheAllowlistError(RuntimeError):
    """Code tried to send an operation that this program never sends: a bug, or foreign code using our session."""


# Comparing is quadratic in the length, so only the beginning of a hostile word is compared.
_COMPARED = 100
_LEAST_LIKENESS = 0.6
_RANKED = 20


def closest(word: str, options: Iterable[str]) -> str | None:
    """The option most like the word; None when nothing comes close."""
    return next(iter(_alike(word, options, _LEAST_LIKENESS, most=1)), None)


def nearest(word: str, options: Iterable[str]) -> tuple[str, ...]:
    """Up to three options that differ from the word by one slip in four letters, the most alike first.

    For large vocabularies such as action names, in which `closest` finds something for any word.
    """
    length = max(2, len(word[:_COMPARED]))
    likeness = (length - max(1, length // 4)) / length
    return _alike(word, options, likeness, most=3)


def _alike(word: str, options: Iterable[str], likeness: float, *, most: int) -> tuple[str, ...]:
    # Most answers need no near miss.
    import difflib

    word = word[:_COMPARED].lower()
    by_lower = {option.lower(): option for option in options}
    near = difflib.get_close_matches(word, by_lower, n=_RANKED, cutoff=likeness)
    apart = {option: 1 - difflib.SequenceMatcher(None, option, word).ratio() for option in near}
    ranked = sorted(near, key=lambda option: (apart[option], option[:1] != word[:1], option))
    # What was meant is not twice as far away as the best, and its first letter is rarely wrong.
    best = ranked[0] if ranked else ""
    begins_right = best[:1] == word[:1]
    kept = (
        option
        for option in ranked
        if apart[option] <= 2 * apart[best] and (option[:1] == word[:1] or not begins_right)
    )
    return tuple(by_lower[option] for option in islice(kept, most))
