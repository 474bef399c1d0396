"""The callers of a log, and the one that someone means by an ARN or a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 5


def role_of_session(arn: str) -> str:
    """The role behind the ARN of a session, which omits the role's path; any other ARN as it is."""
    head, assumed, rest = arn.partition(":assumed-role/")
    if not assumed:
        return arn
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.partition('/')[0]}"


def chosen_caller(callers: Iterable[str], principal: str) -> str:
    """The caller that `principal` names: its ARN, the ARN of its session, `role/NAME`, or just the name."""
    known = tuple(dict.fromkeys(callers))
    wanted = role_of_session(principal.strip())
    if wanted in known:
        return wanted
    found = [caller for caller in known if _means(wanted, caller)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"`principal` {quoted(principal)} means {len(found)} callers: {_list(found)}",
            hint="give the ARN",
        )
    near = closest(principal, [caller.rpartition("/")[2] for caller in known])
    raise InputError(
        f"no event has the caller {quoted(principal)}; `events` has {_list(known) or 'none'}",
        hint=f"did you mean {quoted(near)}?" if near else "give one of them as `principal`",
    )


def _means(wanted: str, caller: str) -> bool:
    """Whether they agree in account, kind and name, as far as `wanted` has them; a path may be missing on either side."""
    own = Arn.of(caller)
    if own is None:
        return False
    other = Arn.of(wanted)
    if other and (other.service, other.account) != (own.service, own.account):
        return False
    resource = other.resource if other else wanted
    kind, slash, _ = resource.rpartition("/")
    kind = kind.partition("/")[0] if slash else ""
    same_name = own.resource.rpartition("/")[2] == resource.rpartition("/")[2]
    return same_name and kind in {"", own.resource.partition("/")[0]}


def _list(callers: Iterable[str]) -> str:
    listed = list(callers)
    more = f" and {len(listed) - _SHOWN} more" if listed[_SHOWN:] else ""
    return ", ".join(map(quoted, listed[:_SHOWN])) + more
