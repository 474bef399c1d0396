"""Conditions and principals of a trust policy that no token ever meets, and subjects that an issuer hardly sends."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.reference.issuers import pods_grammar
from aws_iam.engine.tokens.oidc_provider import (
    DECORATION,
    MOST_PRINCIPALS,
    ClaimKey,
    claim_key,
    is_cluster,
    known_issuer,
    providers,
)
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from aws_iam.engine.language.document import Condition, Statement
    from aws_iam.engine.reference.subject_forms import SubjectForms
    from aws_iam.engine.tokens.oidc_provider import Provider

_VARIABLE = re.compile(r"\$\{[^}]*\}?")
_SWAPPED = re.compile(r"oidc\.([a-z0-9-]+)\.eks\.amazonaws\.")
# No issuer sends a longer one; comparing hostile ones with every form would take long.
_LONGEST_SUBJECT = 1_024


def dead_key(statement: Statement, condition: Condition) -> str:
    """Why no token of the statement's providers has the key; empty when one may, or when the key is not required."""
    key = claim_key(condition.name)
    if key is None or not (key.claim and "." in key.host and condition.demanded):
        return ""
    if len(statement.principals) > MOST_PRINCIPALS:
        return ""
    trusted = tuple(providers(statement))
    if not trusted or len(trusted) != len(statement.principals):
        return ""
    return _misfit(key, trusted)


def _misfit(key: ClaimKey, trusted: tuple[Provider, ...]) -> str:
    """Why the key is none of the providers'."""
    own = [provider for provider in trusted if provider.is_host_of(key)]
    if not own:
        other = next((p.host for p in trusted if _bare(p.host) == _bare(key.host)), "")
        if other:
            return f"must begin with {quoted(other)}: a slash at the end belongs to the issuer"
        return "belongs to another issuer than the principal"
    if key.decoration:
        return f"must begin with the issuer's host, without {quoted(key.decoration)}"
    if any(provider.maps(key.claim) for provider in own):
        return ""
    return "is not a claim that AWS maps from this issuer's tokens"


def dead_principal(provider: Provider) -> str:
    """Why there can be no such provider; empty when there may be one."""
    found = DECORATION.match(provider.host)
    if found:
        return f"must name the issuer's host, without {quoted(found[0])}"
    if known_issuer(provider.host):
        return ""
    swapped = _SWAPPED.match(provider.host.lower())
    if swapped:
        # The README of the pod identity webhook prints the host so.
        return f"has the parts of its host in the wrong order: write oidc.eks.{swapped[1]}.amazonaws.com"
    bare = provider.host.rstrip("/")
    if known_issuer(f"{bare}/"):
        return "lacks the slash at the end that belongs to this issuer"
    return "ends in a slash, which this issuer has not" if known_issuer(bare) else ""


def _bare(host: str) -> str:
    return host.lower().rstrip("/")


_EXACT = frozenset({"StringEquals", "StringEqualsIgnoreCase"})
_COMPARED = frozenset({"StringEquals", "StringLike", "StringEqualsIgnoreCase"})


def dead_value(condition: Condition, value: str) -> str:
    """Why no token has this value of a claim; empty when one may."""
    key = claim_key(condition.key.value)
    if key is None or "." not in key.host:
        return ""
    bare = value.replace("${*}", "").replace("${?}", "")
    if ("*" in bare or "?" in bare) and condition.base in _EXACT:
        return f"under `{condition.base}` a wildcard is an ordinary character"
    return _foreign_subject(key, condition, value)


def doubtful_value(condition: Condition, value: str) -> str:
    """Why a token has this subject only if its issuer is configured to send it; empty when nothing speaks against it."""
    key = claim_key(condition.key.value)
    return _judged_subject(key, condition, value).doubt if key else ""


def _foreign_subject(key: ClaimKey, condition: Condition, value: str) -> str:
    """Why the issuer sends no such subject."""
    return _judged_subject(key, condition, value).never


@slotted
class _Verdict:
    """Why no subject of the issuer has a value, or why hardly one has."""

    never: str = ""
    doubt: str = ""


def _judged_subject(key: ClaimKey, condition: Condition, value: str) -> _Verdict:
    if key.claim.lower() != "sub" or condition.base not in _COMPARED or key.decoration:
        return _Verdict()
    if len(value) > _LONGEST_SUBJECT:
        return _Verdict()
    if not value.isprintable():
        return _Verdict(never="no subject has a line break or another control character")
    # Under StringLike and StringEquals case counts.
    return _verdict(key.host, value, condition.base == "StringEqualsIgnoreCase")


# Each check of a trust policy asks whether its statements ever match.
@lru_cache(maxsize=16_384)
def _verdict(host: str, value: str, ignore_case: bool) -> _Verdict:  # noqa: FBT001 - a key of the memo
    known = known_issuer(host)
    grammar = pods_grammar() if is_cluster(host) else known.grammar if known else None
    if grammar is None or not grammar.forms:
        return _Verdict()
    if grammar.impossible and grammar.impossible.search(value):
        return _Verdict(never=grammar.impossible_because)
    matched = known.pattern.fullmatch(host) or known.pattern.fullmatch(host.lower()) if known else None  # fmt: skip
    groups = matched.groupdict() if matched else {}
    # A variable stands for any text.
    pattern = _VARIABLE.sub("*", value)

    def meets(forms: SubjectForms) -> bool:
        return forms.meet(pattern, groups, ignore_case=ignore_case)

    if meets(grammar.forms):
        return _Verdict()
    if meets(grammar.doubtful_forms):
        return _Verdict(doubt=grammar.doubt)
    if meets(grammar.custom_forms):
        return _Verdict()
    title = known.title if known and not is_cluster(host) else "a cluster"
    shown = grammar.form or next(iter(known.subject if known else ()), "")
    return _Verdict(never=f"subjects of {title} have the form {quoted(shown)}")


def never_matches(statement: Statement) -> bool:
    """Whether some condition fails for every token of the statement's providers."""
    return never_matches_by_keys(statement) or any(
        condition.demanded
        and "." in condition.name.partition(":")[0]
        and all(dead_value(condition, value.value) for value in condition.values)
        for condition in statement.conditions
    )


def never_matches_by_keys(statement: Statement) -> bool:
    """The same, whatever the values are that only the deployment knows."""
    return _trusts_nobody(statement) or any(
        dead_key(statement, condition) for condition in statement.conditions
    )


def _trusts_nobody(statement: Statement) -> bool:
    """Whether every principal is a provider that there cannot be."""
    trusted = tuple(providers(statement))
    return bool(trusted) and (
        len(trusted) == len(statement.principals) and all(map(dead_principal, trusted))
    )
