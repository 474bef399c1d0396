"""The user, role or group that a question names: by its ARN, as `role/deploy`, or by the bare name where only one has it.

A session of a role that pods have under a session policy is named by the ARN of their association.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.errors import InputError, nearest
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from aws_iam.tools.audit.paths.entities import Entities

_MOST_NAMED = 10


def identity_named(entities: Entities, text: str, argument: str, *, groups: bool = False) -> int:
    """The number of the one that a text names; InputError where none or several have the name."""
    kinds = entities.users | entities.roles | (entities.groups if groups else 0)
    number = entities.number.get(text)
    if number is not None and (kinds | entities.sessions) >> number & 1:
        return number
    session = role_of_session(text)
    found = [
        n
        for n, arn in enumerate(entities.arns)
        if kinds >> n & 1 and _has_name(arn, text, session)
    ]
    if len(found) == 1:
        return found[0]
    what = "user, role or group" if groups else "user or role"
    if found:
        arns = [quoted(entities.arns[n]) for n in found]
        raise InputError(
            f"`{argument}` {quoted(text)} is the name of {len(found)}: {joined(arns, shown=_MOST_NAMED)}",
            hint="give the ARN",
        )
    names = {arn.rpartition("/")[2] for n, arn in enumerate(entities.arns) if kinds >> n & 1}
    near = nearest(text.rpartition("/")[2], tuple(sorted(names)))
    raise InputError(
        f"no {what} {quoted(text)} was read",
        hint=f"did you mean {joined([quoted(own) for own in near], 'or')}?"
        if near
        else f"give the ARN of a {what}",
    )


def _has_name(arn: str, text: str, session: tuple[str, str] | None) -> bool:
    own = Arn.of(arn)
    if own is None:
        return False
    kind, _, path = own.resource.partition("/")
    name = path.rpartition("/")[2]
    if session is not None:
        return kind == "role" and (own.account, name) == session
    return text in {name, f"{kind}/{name}", own.resource}


def role_of_session(text: str) -> tuple[str, str] | None:
    """The account and role of the ARN of a role session."""
    arn = Arn.of(text)
    kind, _, rest = arn.resource.partition("/") if arn else ("", "", "")
    if arn is None or arn.service != "sts" or kind != "assumed-role":
        return None
    return arn.account, rest.partition("/")[0]
