"""`audit access`: which of its three questions is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.errors import InputError
from aws_iam.tools.audit.access.answer import access_answer
from aws_iam.tools.audit.paths.principal_answer import principal_answer
from aws_iam.tools.audit.paths.to_answer import to_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.answer import Answer
    from aws_iam.tools.audit.access.estate_accounts import AskedAccounts


def answer_of(
    asked: AskedAccounts,
    who_can: Sequence[str] | None,
    on: str | None,
    *,
    principal: str | None,
    to: str | None,
) -> Answer:
    """Who can do something, what a principal can do and become, or who can become something."""
    given = {"on": on, "principal": principal, "to": to}
    named = [name for name, value in given.items() if value is not None]
    if principal is not None and who_can:
        named.append("who_can")
    if len(named) > 1 or ("principal" in named and who_can):
        raise InputError(
            f"`{named[0]}` and `{named[1]}` belong to different questions",
            hint="`who_can` goes with `on`, or with `to` where that is a resource; `principal` stands alone",
        )
    if principal is not None:
        return principal_answer(asked, principal)
    if to is not None:
        return to_answer(asked, to, who_can or ())
    return access_answer(asked, who_can, on)
