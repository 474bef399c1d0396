"""What holds a text of configuration, and the secrets that were found in it.

INVARIANT: the text itself is dropped in the collector; names of variables and formats of values are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss, MissKind, RefusedError
from aws_iam.account.names.sensitive import (
    LONGEST_TEXT,
    Variable,
    classified_variable,
    exposure,
    secrets_in_text,
)
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable


@slotted
class TextHolder:
    """A resource with a text of configuration: what in it looks like a secret, or why it was not read.

    `role` is the role that what runs has: empty for none, None where that is not known or the resource runs nothing.
    """

    arn: str
    name: str
    exposed: tuple[Variable, ...] | Miss = ()
    role: str | None = None


def exposed_pairs(
    pairs: Iterable[tuple[str, str]], stored: frozenset[str] = frozenset()
) -> tuple[Variable, ...]:
    """The variables that seem to hold a secret, of names with their values."""
    classified = (classified_variable(name, value, stored) for name, value in sorted(pairs))
    return tuple(variable for variable in classified if exposure(variable))


def exposed_text(text: str, call: str, region: str) -> tuple[Variable, ...]:
    """The secrets in a text; raises RefusedError where it is too long to be looked into whole."""
    if len(text) > LONGEST_TEXT:
        raise unreadable(f"the text is longer than {LONGEST_TEXT:,} characters", call, region)
    return secrets_in_text(text)


def unreadable(why: str, call: str, region: str) -> RefusedError:
    """A text that AWS sent and that cannot be looked into."""
    miss = Miss(
        kind=MissKind.BROKEN,
        call=call,
        code="UnreadableText",
        permission=call,
        message=why,
        region=region,
    )
    return RefusedError(miss)
