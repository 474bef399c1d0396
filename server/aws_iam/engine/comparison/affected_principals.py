"""Who gains or loses by a changed statement of a resource's policy, or of one that limits the root user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_iam.engine.comparison.uncovered_statements import new_principals
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.comparison.clauses import Clause
    from aws_iam.engine.comparison.one_way_search import Difference, SearchResult
    from aws_iam.engine.language.document import Principal, Statement

EVERYONE: Final = "everyone"
ROOT_USER: Final = "the root user"
_ROOT = ":root"
_PERMITTED = "principals of the resource's account whose own policies allow it"
_OTHERWISE_ALLOWED = "whoever other policies let in"
_ACCOUNT = 4
_SHOWN = 3


def affected(
    clause: Clause, difference: Difference, found: SearchResult, other: Clause | None = None
) -> Iterator[str]:
    """The principals that gain or lose by a changed statement of a resource's policy, in words.

    `other` is the same statement on the other side, if it is a Deny that applies to other principals. Of whoever has a
    policy without principals only the root user is named: it comes where no other caller shows the difference.
    """
    if not clause.has_principals:
        if is_of_root_user(difference.request["request"]["principal"]):
            yield ROOT_USER
        return
    listed, left = bound_by_one(clause.statement, other.statement) if other else ([], "")
    if listed:
        yield from listed
    elif left:
        for name in affected(clause, difference, found):
            yield f"{name if ' ' in name or name == EVERYONE else quoted(name)} except {left}"
    elif difference.case.is_permitted:
        yield _PERMITTED
    elif not clause.allows:
        yield from _freed(clause, difference, found)
    elif clause.statement.not_principals:
        excepted = [quoted(principal.value) for principal in clause.statement.not_principals]
        yield f"everyone except {joined(excepted, shown=_SHOWN)}"
    else:
        for principal in named_principals(clause, found):
            yield EVERYONE if principal.is_everyone else principal.value


def is_of_root_user(principal: str) -> bool:
    """Whether it is the ARN of a root user."""
    return principal.endswith(_ROOT)


def _freed(clause: Clause, difference: Difference, found: SearchResult) -> Iterator[str]:
    """Whom a Deny stopped: all whom an Allow names, where it does not distinguish callers; else the one of the request."""
    if not difference.request["granted_by"]:
        # An RCP allows nobody anything.
        yield _OTHERWISE_ALLOWED
        return
    caller = _caller_in_words(difference, found)
    action = difference.group.action.lower()
    denies = (clause, *(deny for deny in found.own.denies if deny.ready.takes(action)))
    named: dict[str, None] = {}
    if all(map(_binds_all_alike, denies)):
        pointers = difference.request["granted_by"]
        targets = clause.resources or ()
        named = {
            principal.value: None
            for allow in found.own.allows
            if allow.pointer in pointers
            or (not clause.not_resources and allow.ready.takes(action) and _meets(allow, targets))
            for principal in allow.statement.principals
        }
    everyone = any(principal == "*" for principal in named)
    yield from (caller,) if everyone or caller not in named else named


def _meets(allow: Clause, targets: Sequence[str]) -> bool:
    """Whether an Allow names a resource that a Deny covers, or the Deny covers all."""
    if "*" in targets:
        return True
    own = allow.resources or ()
    return not allow.not_resources and any(text in targets for text in own)


def limiting(difference: Difference, found: SearchResult) -> Iterator[str]:
    """The Denies that distinguish the callers of an action which an Allow gives to everyone."""
    action = difference.group.action.lower()
    for deny in found.own.denies:
        if deny.ready.takes(action) and not _binds_all_alike(deny):
            yield deny.pointer


def _binds_all_alike(deny: Clause) -> bool:
    """Whether a Deny does not distinguish callers."""
    everyone = any(principal.is_everyone for principal in deny.statement.principals)
    return everyone and not any(_is_of_caller(c.name) for c in deny.statement.conditions)


def _is_of_caller(key: str) -> bool:
    return key.startswith(("aws:principal", "aws:user", "aws:source", "aws:federated"))


def named_principals(clause: Clause, found: SearchResult) -> Sequence[Principal]:
    """The principals that the statement allows more than before."""
    return new_principals(clause, found.other.allows) or clause.statement.principals


def opens(clause: Clause, found: SearchResult) -> bool:
    """Whether the statement allows everyone, under its conditions, what no statement did until now."""
    allowed = (p for other in found.other.allows for p in other.statement.principals)
    named = named_principals(clause, found)
    return any(p.is_everyone for p in named) and not any(p.is_everyone for p in allowed)


def _caller_in_words(difference: Difference, found: SearchResult) -> str:
    """Whom a Deny stopped: the caller, if a statement names it, else those for whom it stands."""
    principal: str = difference.request["request"]["principal"]
    listed = [p for clause in found.own.allows for p in clause.statement.principals]
    if not principal.startswith("arn:") or any(p.value == principal for p in listed):
        return EVERYONE if principal == "*" else principal
    account = principal.split(":")[_ACCOUNT]
    if not any(account in p.value for p in listed):
        return EVERYONE
    return f"principals of {account} that its policies allow"


def bound_by_one(one: Statement, other: Statement) -> tuple[list[str], str]:
    """The principals to which one Deny applies and the other does not.

    They are listed, or are all but those that the second text names; nothing where both apply to the same.
    """
    own, named = _values(one.principals), _values(other.principals)
    everyone = one.has("NotPrincipal") or _binds_everyone(one)
    if _form(one) == _form(other) or _binds_everyone(other):
        return [], ""
    if other.has("NotPrincipal"):
        known = _values(one.not_principals)
        excepted = _values(other.not_principals)
        return [name for name in excepted if (name not in known if everyone else name in own)], ""
    if everyone:
        return [], _listed(other.principals)
    return [name for name in own if name not in named], ""


def binding_in_words(before: Statement, after: Statement) -> str:
    """Whom a Deny applied to and applies to now; empty where that is the same."""
    if not before.denies or _form(before) == _form(after):
        return ""
    return f"the Deny applied to {_bound(before)}, and applies to {_bound(after)} now"


def _bound(statement: Statement) -> str:
    if statement.has("NotPrincipal"):
        return f"everyone except {_listed(statement.not_principals)}"
    return "everyone" if _binds_everyone(statement) else _listed(statement.principals)


def _listed(principals: Iterable[Principal]) -> str:
    return joined([quoted(name) for name in _values(principals)], shown=_SHOWN)


def _binds_everyone(statement: Statement) -> bool:
    return any(principal.is_everyone for principal in statement.principals)


def _values(principals: Iterable[Principal]) -> list[str]:
    return [principal.value for principal in principals]


def _form(statement: Statement) -> tuple[bool, frozenset[str]]:
    negated = statement.has("NotPrincipal")
    named = statement.not_principals if negated else statement.principals
    return negated, frozenset(_values(named))
