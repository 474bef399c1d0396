"""Whether a policy can be used: one that AWS refuses, or that two parsers read differently, has no certain answer.

    refuse_repeated_keys(policy, place)   a key twice in one object
    version_fault(policy)                 a version that does not exist
    refuse_unusable(policy, place)        those, and a fault in a statement

`evaluate`, `compare` and `denied` refuse such a policy; `explain` refuses repeated keys and says the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.document import IDENTITY_KINDS, Form, Kind
from aws_iam.errors import InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Node, Policy, Statement, Text

VERSIONS = ("2012-10-17", "2008-10-17")
_WITHOUT_PRINCIPAL = (*IDENTITY_KINDS, Kind.SCP)
_PRINCIPALS = ("Principal", "NotPrincipal")
# A member of an enumeration takes longer to look up than the comparison with it.
_ARRAY = Form.ARRAY
_LISTED = frozenset({Form.ARRAY, Form.OBJECT})


def repeated_keys(node: Node) -> Iterator[Text]:
    """Each key that an object in the node names again; most parsers silently keep one of the two."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        waiting += [child for child in here.items if child.items or child.members]
        if not here.members:
            continue
        waiting += [member.value for member in here.members]
        names = [member.key for member in here.members]
        if len(set(names)) == len(names):
            continue
        seen: set[str] = set()
        for member in here.members:
            if member.key in seen:
                yield member.name
            seen.add(member.key)


def refuse_repeated_keys(policy: Policy, place: str) -> None:
    """Raise for a policy in which an object names a key twice."""
    lines = policy.node.at.lines
    # Python's dict cannot hold a key twice, so only text can.
    repeated = next(repeated_keys(policy.node), None) if lines and lines.repeats_key else None
    if repeated:
        where = repeated.where
        raise _unusable(
            place,
            f"the key {quoted(repeated.value)} stands twice in one object (again at line {where.line}:{where.column})",
        )


def version_fault(policy: Policy) -> str:
    """Why AWS would reject the Version; empty when it would not."""
    if policy.version and policy.version.value in VERSIONS:
        return ""
    version = policy.node.member("Version")
    if version is None:
        return ""
    known = " and ".join(map(quoted, VERSIONS))
    return f"{quoted(version.text)} is not a version of the policy language, which are {known}"


def refuse_unusable(policy: Policy, place: str, kind: Kind | None = None) -> None:
    """Raise for a policy that AWS would reject: to skip the fault would be to decide on half a policy.

    `kind` is what the policy is used as; without it, what it is.
    """
    refuse_repeated_keys(policy, place)
    if why := version_fault(policy):
        raise _unusable(place, why)
    body = policy.node.member("Statement")
    if body is None or body.form not in _LISTED:
        raise _unusable(place, "it has no `Statement`")
    if len(policy.statements) != (body.count if body.form is _ARRAY else 1):
        raise _unusable(place, "a statement is not an object")
    for statement in policy.statements:
        why = _fault(statement, kind or policy.kind)
        if why:
            raise _unusable(place, f"`{statement.node.at.pointer}` {why}")


def _fault(statement: Statement, kind: Kind) -> str:
    """Why AWS would reject the statement; empty when it would not."""
    # Compared as text: every policy of every decision comes through here.
    elements = statement.elements
    if statement.effect is None or statement.effect.value not in {"Allow", "Deny"}:
        return "has no `Effect` that is `Allow` or `Deny`"
    if ("Action" in elements) is ("NotAction" in elements):
        return "needs either `Action` or `NotAction`"
    if "NotResource" in elements and "Resource" in elements:
        return "has both `Resource` and `NotResource`"
    for name in _PRINCIPALS if kind in _WITHOUT_PRINCIPAL else ():
        if name in elements:
            return f"has a `{name}`, which this kind of policy ({kind.value}) cannot have"
    return ""


def _unusable(place: str, why: str) -> InputError:
    return InputError(
        f"the policy at `{place}` cannot be used: {why}",
        hint="run `policy validate` to see everything that is wrong with it",
    )
