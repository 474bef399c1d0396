"""The principals of a statement in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn
from aws_iam.escape import quoted
from aws_iam.wording import SHOWN, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.engine.language.document import Principal, Statement

_ACCOUNT_DIGITS = 12
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
_IDS = {"AIDA": "user", "AROA": "role"}
EVERYONE = "everyone"


def principals(statement: Statement) -> str:
    """The Principal element in words, or NotPrincipal as everyone except those."""
    if statement.has("NotPrincipal"):
        return f"everyone except {_listed(statement.not_principals, 'account {} itself')}"
    account = _DENIED if statement.denies else _ALLOWED
    if any(principal.is_everyone for principal in statement.principals):
        others = [
            principal for principal in statement.principals if principal.type not in ("AWS", "*")
        ]
        return joined([EVERYONE, *(_principal(other, account) for other in others)])
    return _listed(statement.principals, account)


# An allowed account still has to allow its own principals; a denied account is denied with all of them.
_ALLOWED = "account {} (its root user, and whoever that account allows it to)"
_DENIED = "the principals of account {}"


def _listed(entries: Sequence[Principal], account: str) -> str:
    words = list(dict.fromkeys(_principal(entry, account) for entry in entries[:SHOWN]))
    return joined([*words, *("" for _ in entries[SHOWN:])])


def _principal(entry: Principal, account: str) -> str:
    """One principal in words; `account` is the wording for an account, with a placeholder for its id."""
    if entry.is_everyone:
        return EVERYONE
    number = _account(entry) if entry.type == "AWS" else ""
    if number:
        return account.format(quoted(number))
    say = _WORDINGS.get(entry.type)
    text = quoted(entry.value)
    return say(entry.value) if say else f"{text} (of the unknown type {quoted(entry.type)})"


def _account(entry: Principal) -> str:
    """The id of the account that the principal names; empty for other principals."""
    arn = Arn.of(entry.value)
    if arn is None:
        number = entry.value
    else:
        number = arn.account if arn.service == "iam" and arn.resource == "root" else ""
    is_id = len(number) == _ACCOUNT_DIGITS and number.isascii() and number.isdigit()
    return number if is_id else ""


def _of_aws(text: str) -> str:
    arn = Arn.of(text)
    if arn is not None:
        return _of_arn(arn) or quoted(text)
    noun = _IDS.get(text[:4])
    return f"the {noun} with the id {quoted(text)}" if noun else quoted(text)


def _of_arn(arn: Arn) -> str:
    kind, slash, name = arn.resource.partition("/")
    place = f"in account {quoted(arn.account)}"
    if arn.service == "iam" and slash and kind in ("role", "user"):
        return f"the {kind} {quoted(name)} {place}"
    if arn.service == "sts" and kind == "assumed-role":
        role, _, session = name.partition("/")
        return f"the session {quoted(session)} of role {quoted(role)} {place}"
    if arn.service == "sts" and kind == "federated-user":
        return f"the federated user {quoted(name)} {place}"
    return ""


def _federated(text: str) -> str:
    arn = Arn.of(text)
    if arn is None:
        return f"identities signed in by {quoted(text)}"
    kind, _, name = arn.resource.partition("/")
    label = {"saml-provider": "SAML provider", "oidc-provider": "OIDC provider"}.get(kind)
    if label is None:
        return f"identities of {quoted(text)}"
    return f"identities of the {label} {quoted(name)} in account {quoted(arn.account)}"


def _service(text: str) -> str:
    return f"the service {quoted(text)}"


def _canonical(text: str) -> str:
    return f"the account with the canonical id {quoted(text)}"


_WORDINGS = {
    "AWS": _of_aws,
    "Service": _service,
    "Federated": _federated,
    "CanonicalUser": _canonical,
}
