"""Why a condition of a trust policy rejects a token, in terms of its issuer, and what to write instead."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.reference.issuers import issuer_of
from aws_iam.engine.tokens.trust_comparison import ConditionOutcome
from aws_iam.errors import closest
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.engine.language.document import Text
    from aws_iam.engine.tokens.claims import Claims
    from aws_iam.engine.tokens.trust_comparison import ConditionMatch

_MOST_VALUES = 200
_IMMUTABLE = re.compile(r"repo:(?P<owner>[^/@]+)@[0-9]+/(?P<name>[^:@]+)@[0-9]+:(?P<tail>.+)")
_RUN = re.compile(r"repo:[^:]+:(?P<kind>ref|environment|pull_request|job_workflow_ref)\b.*")
_PLACEHOLDER = re.compile(r"(?<![A-Za-z])[A-Z][A-Z_]+(?![A-Za-z])")
_POD = "system:serviceaccount:"


@slotted
class Cause:
    """One cause: its code, where it stands, what is wrong and the smallest edit."""

    code: str
    title: str
    message: str
    fix: str
    place: Text


def cause(met: ConditionMatch, claims: Claims) -> Cause:
    """Why the condition rejects the token."""
    host = claims.host
    if met.match is ConditionOutcome.NOT_MET and met.claim == "aud" and "azp" in claims.values:
        return _authorized_party(met, claims)
    if met.match is ConditionOutcome.UNREADABLE:
        return _unreadable(met)
    if met.match is not ConditionOutcome.NOT_MET:
        return _never_present(met, host)
    return _differing(met, host)


def _unreadable(met: ConditionMatch) -> Cause:
    operator = met.condition.operator
    return Cause(
        code="TOKEN-OPERATOR",
        title="AWS has no such operator",
        message=f"{quoted(operator.value)} is not an operator of AWS, so the policy cannot be saved",
        fix="Write StringEquals, or StringLike for a pattern.",
        place=operator,
    )


def _never_present(met: ConditionMatch, host: str) -> Cause:
    key = met.condition.key
    wanted = f"{host}:{met.claim or key.value}"
    if met.match is ConditionOutcome.OTHER_ISSUER:
        return Cause(
            code="TOKEN-KEY-ISSUER",
            title="The condition key belongs to another issuer",
            message=f"{quoted(key.value)} is never in a request with a token of {quoted(host)}, so it never matches",
            fix=f"Write the key as {quoted(wanted)}.",
            place=key,
        )
    if met.match is ConditionOutcome.NOT_A_HOST:
        return Cause(
            code="TOKEN-KEY-ISSUER",
            title="The condition key has the issuer's URL or ARN in place of its host",
            message=f"{quoted(key.value)} is never in a request, so it never matches: a key begins with the issuer's host"
            f" alone, {quoted(host)}",
            fix=f"Write the key as {quoted(wanted)}.",
            place=key,
        )
    if met.match is ConditionOutcome.NOT_MAPPED:
        return Cause(
            code="TOKEN-KEY-NOT-MAPPED",
            title="AWS does not map the claim to a condition key",
            message=f"{quoted(key.value)} is never in a request, whatever the token contains, so it never matches",
            fix=f"Remove the condition and restrict the caller with {quoted(f'{host}:sub')}.",
            place=key,
        )
    return Cause(
        code="TOKEN-CLAIM-ABSENT",
        title="The token has no such claim",
        message=f"the policy requires {quoted(key.value)}, but the token has no claim {quoted(met.claim)}",
        fix="Configure the issuer to include the claim, or remove the condition.",
        place=key,
    )


def _differing(met: ConditionMatch, host: str) -> Cause:
    condition = met.condition
    given = met.given[0] if met.given else ""
    if not condition.values:
        return _other_value(met, condition.key, given)
    if condition.base == "Null":
        return _present(met, given)
    if condition.negated:
        return _negated(met, given)
    wanted = _closest_value(condition.values[:_MOST_VALUES], given)
    for cause_of in _CAUSES:
        if found := cause_of(met, wanted, given, host):
            return found
    return _other_value(met, wanted, given)


def _closest_value(values: tuple[Text, ...], given: str) -> Text:
    """The value that is most like the token's."""
    near = closest(given, (value.value for value in values))
    return next((value for value in values if value.value == near), values[0])


def _present(met: ConditionMatch, given: str) -> Cause:
    return Cause(
        code="TOKEN-CONDITION",
        title="The condition excludes this token",
        message=f"`Null` lets in only tokens without {quoted(met.condition.key.value)}, but the token has {quoted(given)}",
        fix="Remove the condition, and list the allowed callers with StringEquals.",
        place=met.condition.operator,
    )


def _negated(met: ConditionMatch, given: str) -> Cause:
    return Cause(
        code="TOKEN-CONDITION",
        title="The condition excludes this token",
        message=f"{quoted(met.condition.operator.value)} on {quoted(met.condition.key.value)} excludes {quoted(given)}",
        fix="List the allowed callers with StringEquals instead of the excluded ones.",
        place=met.condition.operator,
    )


def _other_value(met: ConditionMatch, wanted: Text, given: str) -> Cause:
    key = quoted(met.condition.key.value)
    code, title = _TITLES.get(
        met.claim, ("TOKEN-CONDITION", "A claim differs from what the policy requires")
    )
    others = len(met.condition.values) - 1
    more = f" (or one of {others} more)" if others > 0 else ""
    return Cause(
        code=code,
        title=title,
        message=f"{key} must be {quoted(wanted.value)}{more}, but the token has {quoted(given)}",
        fix=_write(wanted, given),
        place=wanted,
    )


_TITLES = {
    "sub": ("TOKEN-SUBJECT", "The subject differs from what the policy requires"),
    "aud": ("TOKEN-AUDIENCE", "The audience differs from what the policy requires"),
}


def _write(wanted: Text, given: str) -> str:
    return (
        f"Write {quoted(given)} in place of {quoted(wanted.value)} if this caller should get in."
    )


def _wildcard(met: ConditionMatch, wanted: Text, given: str, _host: str) -> Cause | None:
    """Under StringEquals `*` is an ordinary character."""
    exact = met.condition.base in {"StringEquals", "StringEqualsIgnoreCase"}
    # A value may be the right pattern although another one is more like the token's.
    fits = [v for v in met.condition.values if not is_literal(v.value) and matches(v.value, given)]
    if not exact or not (fits or not is_literal(wanted.value)):
        return None
    value = fits[0] if fits else wanted
    would = "it would match" if fits else "even as a pattern it would not match"
    fix = (
        f"Move {quoted(value.value)} to StringLike, or write {quoted(given)} in its place."
        if fits
        else _write(value, given)
    )
    return Cause(
        code="TOKEN-WILDCARD",
        title="The operator does not support wildcards",
        message=f"under {quoted(met.condition.operator.value)} the wildcard of {quoted(value.value)} never matches; "
        f"under StringLike {would} {quoted(given)}",
        fix=fix,
        place=value,
    )


def _case(met: ConditionMatch, _wanted: Text, given: str, _host: str) -> Cause | None:
    found = next(
        (v for v in met.condition.values if matches(v.value, given, ignore_case=True)), None
    )
    if found is None:
        return None
    only = "in upper and lower case, which matters"
    return _all_but_the_same(met, found, given, "TOKEN-CASE", "Upper and lower case differ", only)


def _spaces(met: ConditionMatch, _wanted: Text, given: str, _host: str) -> Cause | None:
    found = next((v for v in met.condition.values if matches(v.value.strip(), given)), None)
    if found is None:
        return None
    title = "The value begins or ends with white space"
    only = "in the white space around the value, which counts"
    return _all_but_the_same(met, found, given, "TOKEN-SPACE", title, only)


def _all_but_the_same(  # noqa: PLR0913, PLR0917 - the words of a cause
    met: ConditionMatch, found: Text, given: str, code: str, title: str, only: str
) -> Cause:
    """The token has the value but for what `only` says."""
    return Cause(
        code=code,
        title=title,
        message=f"{quoted(met.condition.key.value)} must be {quoted(found.value)}, but the token has {quoted(given)}: "
        f"they differ only {only}",
        fix=_write(found, given),
        place=found,
    )


def _immutable(met: ConditionMatch, wanted: Text, given: str, host: str) -> Cause | None:
    if not (met.claim == "sub" and _is_github(host)):
        return None
    token, policy = _IMMUTABLE.fullmatch(given), _IMMUTABLE.fullmatch(wanted.value)
    if bool(token) is bool(policy) or not wanted.value.startswith("repo:"):
        return None
    which = (
        "the token has GitHub's immutable subject with the ids of owner and repository, which repositories created, "
        "renamed or transferred after 2026-07-15 use"
        if token
        else "the token has GitHub's classic subject, without ids"
    )
    return Cause(
        code="TOKEN-IMMUTABLE-SUB",
        title="Policy and token have different forms of the GitHub subject: immutable and classic",
        message=f"{quoted(met.condition.key.value)} must be {quoted(wanted.value)}, but the token has {quoted(given)}: {which}",
        fix=f"Write {quoted(given)}. While repositories move, list both forms; drop the old one afterwards.",
        place=wanted,
    )


def _run(met: ConditionMatch, wanted: Text, given: str, host: str) -> Cause | None:
    """The subject has an environment, a pull request or a ref, never two of them."""
    if not (met.claim == "sub" and _is_github(host)):
        return None
    token, policy = _RUN.fullmatch(given), _RUN.fullmatch(wanted.value)
    if not (token and policy) or token["kind"] == policy["kind"]:
        return None
    return Cause(
        code="TOKEN-ENVIRONMENT"
        if "environment" in (token["kind"], policy["kind"])
        else "TOKEN-REF",
        title="The run is of another kind than the policy requires",
        message=f"{quoted(met.condition.key.value)} must be {quoted(wanted.value)}, but the token has {quoted(given)}: "
        f"{_SENDS[token['kind']]}",
        fix=_write(wanted, given),
        place=wanted,
    )


_SENDS = {
    "environment": "a job with `environment:` sends the environment and never the branch or tag",
    "pull_request": "a run for a pull request sends `pull_request` and never the branch",
    "ref": "a job without `environment:` sends its branch or tag",
    "job_workflow_ref": "the subject is a custom one",
}


def _gitlab_ref(_met: ConditionMatch, wanted: Text, given: str, host: str) -> Cause | None:
    known = issuer_of(host)
    is_gitlab = (known and known.id.startswith("gitlab")) or given.startswith("project_path:")
    bare = re.sub(r":ref:refs/(?:heads|tags)/", ":ref:", wanted.value)
    if not (is_gitlab and bare != wanted.value and matches(bare, given)):
        return None
    return Cause(
        code="TOKEN-REF",
        title="GitLab's subject has the branch or tag without refs/",
        message=f"{quoted(wanted.value)} has refs/heads/ or refs/tags/, which GitLab's subject omits: {quoted(given)}",
        fix=_write(wanted, given),
        place=wanted,
    )


def _pod(met: ConditionMatch, wanted: Text, given: str, _host: str) -> Cause | None:
    if not (given.startswith(_POD) and wanted.value.startswith(_POD)):
        return None
    names = ("namespace", "ServiceAccount")
    pairs = list(
        zip(
            names,
            wanted.value.removeprefix(_POD).split(":"),
            given.removeprefix(_POD).split(":"),
            strict=False,
        )
    )
    other = [
        f"{name} {quoted(is_)} instead of {quoted(want)}"
        for name, want, is_ in pairs
        if not matches(want, is_)
    ]
    if not other:
        return None
    return Cause(
        code="TOKEN-SERVICE-ACCOUNT",
        title="The pod has another ServiceAccount than the policy requires",
        message=f"the token is for {' and '.join(other)} ({quoted(met.condition.key.value)})",
        fix=_write(wanted, given),
        place=wanted,
    )


def _authorized_party(met: ConditionMatch, claims: Claims) -> Cause:
    """The token has azp, which nobody asks for: AWS compares it with the key aud, and aud with oaud."""
    condition, asked = met.condition, claims.text("aud")
    values = condition.values[:_MOST_VALUES]
    differs = _differing(met, claims.host)
    if differs.code not in {"TOKEN-AUDIENCE", "TOKEN-WILDCARD"} or not values:
        return differs
    oaud = f"{claims.host}:oaud"
    ids = _client_ids(claims.host)
    move = (
        f", and test the audience {quoted(asked)} under {quoted(oaud)}"
        if any(matches(value.value, asked) for value in values)
        else ""
    )
    message, _, _ = differs.message.partition("; the default is ")
    return replace(
        differs,
        message=f"{message}: the token has the claim `azp`, and AWS compares that with `aud`"
        if differs.code == "TOKEN-AUDIENCE"
        else differs.message,
        fix=f"Write {quoted(met.given[0] if met.given else '')} under {quoted(condition.key.value)}{ids}{move}.",
    )


def _client_ids(host: str) -> str:
    """A provider of IAM has a list of client ids; an issuer that AWS knows by its host has none."""
    known = issuer_of(host)
    return "" if known and known.built_in else " and among the provider's client ids"


def _audience(met: ConditionMatch, wanted: Text, given: str, host: str) -> Cause | None:
    if met.claim != "aud":
        return None
    known = issuer_of(host)
    # A name in capitals stands for one of the customer's own.
    usual = next((a for a in known.audience if not _PLACEHOLDER.search(a)), "") if known else ""
    default = f"; the default is {quoted(usual)}" if usual else ""
    return Cause(
        code="TOKEN-AUDIENCE",
        title="The audience differs from what the policy requires",
        message=f"{quoted(met.condition.key.value)} must be {quoted(wanted.value)}, but the token has {quoted(given)}{default}",
        fix=f"Request the token with the audience {quoted(wanted.value)}, or write {quoted(given)} in the policy"
        f"{_client_ids(host)}.",
        place=wanted,
    )


def _is_github(host: str) -> bool:
    known = issuer_of(host)
    return bool(known and known.id.startswith("github")) or host.endswith("/_services/token")


# Tried in this order; the first that applies wins.
_CAUSES: tuple[Callable[[ConditionMatch, Text, str, str], Cause | None], ...] = (
    _wildcard,
    _case,
    _spaces,
    _immutable,
    _run,
    _gitlab_ref,
    _pod,
    _audience,
)
