"""Who may ask for a resource, one caller for each way in which its policies can tell callers apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.errors import InputError
from aws_iam.policy.arn import Arn
from aws_iam.policy.axes import Actor
from aws_iam.policy.caller import Caller, CallerKind, Grade, caller_of
from aws_iam.policy.clauses import principals_of
from aws_iam.policy.points import points
from aws_iam.policy.request import settled_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.policy.document import Policy
    from aws_iam.policy.points import Atom, Value

_ACCOUNT = re.compile(r"\d{12}")
_EXAMPLES = ("111122223333", "444455556666", "777788889999", "123456789012", "210987654321")
_WEB = "sts:AssumeRoleWithWebIdentity"
# Keys of a caller that no caller of another kind has.
_OWN_KEYS = (
    "aws:federatedprovider",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:principaltype",
    "aws:username",
)
_STRICT = re.compile(r"(kms|sts):", re.IGNORECASE)


def owner_of(policies: Sequence[Policy]) -> str:
    """The account that owns the resource, as its ARNs tell; an account that no policy names when they do not."""
    named = (
        entry.value
        for policy in policies
        for statement in policy.statements
        for entry in (*statement.resources, *statement.not_resources)
    )
    # A provider that a trust policy names stands in the role's own account.
    providers = (each.value for each in principals_of(policies) if each.type == "Federated")
    for text in (*named, *providers):
        arn = Arn.of(text)
        if arn and _ACCOUNT.fullmatch(arn.account):
            return arn.account
    return _unnamed(_named_accounts(policies))


def actors(policies: Sequence[Policy], owner: str, atoms: Sequence[Atom]) -> tuple[Actor, ...]:
    """Strangers first, then the owner's own, then everyone whom the policies name."""
    far = _unnamed({*_named_accounts(policies), owner})
    found = [*strangers(far, owner)]
    for name in ("user/example", "role/example"):
        own = caller_of(f"arn:aws:iam::{owner}:{name}", action="")
        found.append(_actor(own, owner, Grade.ROLE))
        if _is_strict(policies):
            found.append(_actor(own, owner, Grade.ACCOUNT))
    for caller in _named(policies, atoms):
        least = Grade.ROLE if caller.account == owner else Grade.ACCOUNT
        found.append(_actor(caller, owner, least))
        if caller.account == owner and _is_strict(policies):
            found.append(_actor(caller, owner, Grade.ACCOUNT))
    return tuple(dict.fromkeys(found))


def strangers(far: str, owner: str) -> Iterator[Actor]:
    """Callers whom nobody knows: anonymous, and a user of another account."""
    for text in ("*", f"arn:aws:iam::{far}:user/example"):
        yield _actor(caller_of(text, action=""), owner, Grade.ACCOUNT)


def far_account(policies: Sequence[Policy], owner: str) -> str:
    """An account that neither owns the resource nor is named."""
    return _unnamed({*_named_accounts(policies), owner})


def _actor(caller: Caller, owner: str, least: Grade) -> Actor:
    settled: dict[str, Value] = dict.fromkeys(_OWN_KEYS)
    settled |= {name.lower(): (value,) for name, value in settled_keys(caller, owner)}
    if caller.kind is CallerKind.SERVICE:
        # AWS gives no values for these keys of a service; they are searched like any other.
        settled = {k: v for k, v in settled.items() if v is not None or k == "aws:username"}
    return Actor(
        name=caller.arn if least is Grade.ACCOUNT else f"{caller.arn} without a policy of its own",
        caller=caller,
        least=least,
        settled=settled,
    )


def _named(policies: Sequence[Policy], atoms: Sequence[Atom]) -> Iterator[Caller]:
    for principal in principals_of(policies):
        if principal.is_everyone:
            continue
        text = (
            f"arn:aws:iam::{principal.value}:root" if _ACCOUNT.fullmatch(principal.value) else ""
        )
        yield from _caller(_as_user(text or principal.value), principal.type)
    for key in ("aws:principalarn", "aws:principalaccount"):
        listed = [atom for atom in atoms if atom.key == key]
        for point in points(key, listed) if listed else ():
            for value in point.value or ():
                text = value if key == "aws:principalarn" else f"arn:aws:iam::{value}:user/example"
                yield from _caller(text, "AWS")


def _as_user(text: str) -> str:
    """An account stands for its users."""
    return text.removesuffix(":root") + ":user/example" if text.endswith(":root") else text


def _caller(text: str, kind: str) -> Iterator[Caller]:
    try:
        yield caller_of(text, action=_WEB if kind == "Federated" else "")
    except InputError:
        # A principal that is no caller (an id of a deleted role, a canonical user) asks for nothing.
        return


def _named_accounts(policies: Sequence[Policy]) -> set[str]:
    return set(re.findall(r"\d{12}", " ".join(p.value for p in principals_of(policies))))


def _unnamed(named: Iterable[str]) -> str:
    taken = set(named)
    return next(
        a for a in (*_EXAMPLES, *(f"{n:012}" for n in range(len(taken) + 1))) if a not in taken
    )


def _is_strict(policies: Sequence[Policy]) -> bool:
    """Whether the resource's own policy must allow even callers of its account."""
    return any(
        _STRICT.match(entry.value)
        for policy in policies
        for statement in policy.statements
        for entry in (*statement.actions, *statement.not_actions)
    )
