"""Why a value of a trust policy and the token's own differ, in the words of its issuer, and what to write instead."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.reference.issuers import issuer_of
from aws_iam.engine.tokens.meeting import Match
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.engine.language.document import Text
    from aws_iam.engine.tokens.meeting import Met

_COMPARED = 300
_MOST = 200
_IMMUTABLE = re.compile(r"repo:(?P<owner>[^/@]+)@[0-9]+/(?P<name>[^:@]+)@[0-9]+:(?P<tail>.+)")
_RUN = re.compile(r"repo:[^:]+:(?P<kind>ref|environment|pull_request|job_workflow_ref)\b.*")
_POD = "system:serviceaccount:"


@slotted
class Cause:
    """One reason: a code of its own, where it stands, what is wrong and the smallest edit."""

    code: str
    title: str
    message: str
    fix: str
    place: Text


def cause(met: Met, host: str) -> Cause:
    """Why the condition keeps the token out."""
    if met.match is Match.UNREADABLE:
        return _unreadable(met)
    if met.match is not Match.NOT_MET:
        return _dead(met, host)
    return _differing(met, host)


def _unreadable(met: Met) -> Cause:
    operator = met.condition.operator
    return Cause(
        code="TOKEN-OPERATOR",
        title="The operator is none that AWS has",
        message=f"{quoted(operator.value)} is no operator of AWS's, so that the policy cannot be saved as it is",
        fix="Write StringEquals, or StringLike for a pattern.",
        place=operator,
    )


def _dead(met: Met, host: str) -> Cause:
    key = met.condition.key
    wanted = f"{host}:{met.claim}" if met.claim else host
    if met.match is Match.OTHER_ISSUER:
        return Cause(
            code="TOKEN-KEY-ISSUER",
            title="The condition key is another issuer's",
            message=f"{quoted(key.value)} is never in a request with a token of {quoted(host)}, so that it never matches",
            fix=f"Write the key as {quoted(wanted)}.",
            place=key,
        )
    if met.match is Match.NOT_MAPPED:
        return Cause(
            code="TOKEN-KEY-NOT-MAPPED",
            title="AWS makes no condition key of the claim",
            message=f"{quoted(key.value)} is never in a request, whatever the token says, so that it never matches",
            fix=f"Remove the condition; pin the caller by {quoted(f'{host}:sub')}.",
            place=key,
        )
    return Cause(
        code="TOKEN-CLAIM-ABSENT",
        title="The token has no such claim",
        message=f"{quoted(key.value)} is asked for, and the token has no claim {quoted(met.claim)}",
        fix="Have the issuer put the claim into the token, or remove the condition.",
        place=key,
    )


def _differing(met: Met, host: str) -> Cause:
    condition = met.condition
    given = met.given[0] if met.given else ""
    if not condition.values:
        return _plain(met, condition.key, given)
    if condition.negated:
        return _shut_out(met, given)
    wanted = nearest(condition.values[:_MOST], given)
    for known in _KNOWN:
        found = known(met, wanted, given, host)
        if found:
            return found
    return _plain(met, wanted, given)


def nearest(values: tuple[Text, ...], given: str) -> Text:
    """The value that is most like the token's."""
    return max(values, key=lambda each: _likeness(each.value, given))


def _likeness(wanted: str, given: str) -> float:
    # The matcher is quadratic: a hostile value is compared by its beginning.
    one, other = wanted[:_COMPARED].lower(), given[:_COMPARED].lower()
    return difflib.SequenceMatcher(None, one, other, autojunk=False).quick_ratio()


def _shut_out(met: Met, given: str) -> Cause:
    return Cause(
        code="TOKEN-CONDITION",
        title="The condition shuts this token out",
        message=f"{quoted(met.condition.operator.value)} on {quoted(met.condition.key.value)} refuses {quoted(given)}",
        fix="Name who may come in by StringEquals, in place of who may not.",
        place=met.condition.operator,
    )


def _plain(met: Met, wanted: Text, given: str) -> Cause:
    key = quoted(met.condition.key.value)
    code, title = _TITLES.get(
        met.claim, ("TOKEN-CONDITION", "A claim is another than the policy wants")
    )
    others = len(met.condition.values) - 1
    more = f" (nor any of {others} more)" if others > 0 else ""
    return Cause(
        code=code,
        title=title,
        message=f"{key} must be {quoted(wanted.value)}{more}, the token says {quoted(given)}",
        fix=_write(wanted, given),
        place=wanted,
    )


_TITLES = {
    "sub": ("TOKEN-SUBJECT", "The subject is another than the policy wants"),
    "aud": ("TOKEN-AUDIENCE", "The audience is another than the policy wants"),
}


def _write(wanted: Text, given: str) -> str:
    return f"Write {quoted(given)} in place of {quoted(wanted.value)}, if this caller is meant."


def _wildcard(met: Met, wanted: Text, given: str, _host: str) -> Cause | None:
    """`*` under StringEquals is a character like any other."""
    exact = met.condition.base in {"StringEquals", "StringEqualsIgnoreCase"}
    # A value may be the right pattern though another one is more like the token's.
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
        title="A wildcard stands under an operator that knows none",
        message=f"under {quoted(met.condition.operator.value)} the wildcard of {quoted(value.value)} never matches; "
        f"under StringLike {would} {quoted(given)}",
        fix=fix,
        place=value,
    )


def _case(met: Met, _wanted: Text, given: str, _host: str) -> Cause | None:
    found = next(
        (v for v in met.condition.values if matches(v.value, given, ignore_case=True)), None
    )
    if found is None:
        return None
    return Cause(
        code="TOKEN-CASE",
        title="Upper and lower case differ",
        message=f"{quoted(met.condition.key.value)} must be {quoted(found.value)}, the token says {quoted(given)}: "
        "the same but for upper and lower case, which counts",
        fix=_write(found, given),
        place=found,
    )


def _immutable(met: Met, wanted: Text, given: str, host: str) -> Cause | None:
    if not (met.claim == "sub" and _is_github(host)):
        return None
    token, policy = _IMMUTABLE.fullmatch(given), _IMMUTABLE.fullmatch(wanted.value)
    if bool(token) is bool(policy) or not wanted.value.startswith("repo:"):
        return None
    which = (
        "the token has GitHub's immutable subject, with the ids of owner and repository, which repositories created, "
        "renamed or transferred after 2026-07-15 send"
        if token
        else "the token has GitHub's classic subject, without ids"
    )
    return Cause(
        code="TOKEN-IMMUTABLE-SUB",
        title="One of policy and token has the immutable GitHub subject, the other the classic one",
        message=f"{quoted(met.condition.key.value)} must be {quoted(wanted.value)}, the token says {quoted(given)}: {which}",
        fix=f"Write {quoted(given)}; while repositories move list both forms, then drop the old one.",
        place=wanted,
    )


def _run(met: Met, wanted: Text, given: str, host: str) -> Cause | None:
    """A job with an environment never sends its ref, a pull request neither."""
    if not (met.claim == "sub" and _is_github(host)):
        return None
    token, policy = _RUN.fullmatch(given), _RUN.fullmatch(wanted.value)
    if not (token and policy) or token["kind"] == policy["kind"]:
        return None
    return Cause(
        code="TOKEN-ENVIRONMENT"
        if "environment" in (token["kind"], policy["kind"])
        else "TOKEN-REF",
        title="The run is of another kind than the policy wants",
        message=f"{quoted(met.condition.key.value)} must be {quoted(wanted.value)}, the token says {quoted(given)}: "
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


def _gitlab_ref(_met: Met, wanted: Text, given: str, host: str) -> Cause | None:
    known = issuer_of(host)
    is_gitlab = (known and known.id.startswith("gitlab")) or given.startswith("project_path:")
    bare = re.sub(r":ref:refs/(?:heads|tags)/", ":ref:", wanted.value)
    if not (is_gitlab and bare != wanted.value and matches(bare, given)):
        return None
    return Cause(
        code="TOKEN-REF",
        title="GitLab's subject has the bare name of branch or tag",
        message=f"{quoted(wanted.value)} has refs/heads/ or refs/tags/, which GitLab's subject leaves out: {quoted(given)}",
        fix=_write(wanted, given),
        place=wanted,
    )


def _pod(met: Met, wanted: Text, given: str, _host: str) -> Cause | None:
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
        f"{name} {quoted(is_)} and not {quoted(want)}"
        for name, want, is_ in pairs
        if not matches(want, is_)
    ]
    if not other:
        return None
    return Cause(
        code="TOKEN-SERVICE-ACCOUNT",
        title="The pod has another ServiceAccount than the policy wants",
        message=f"the token is of {' and '.join(other)} ({quoted(met.condition.key.value)})",
        fix=_write(wanted, given),
        place=wanted,
    )


def _audience(met: Met, wanted: Text, given: str, host: str) -> Cause | None:
    if met.claim != "aud":
        return None
    known = issuer_of(host)
    usual = f"; usual here is {quoted(known.audience[0])}" if known and known.audience else ""
    return Cause(
        code="TOKEN-AUDIENCE",
        title="The audience is another than the policy wants",
        message=f"{quoted(met.condition.key.value)} must be {quoted(wanted.value)}, the token says {quoted(given)}{usual}",
        fix=f"Ask for the token with the audience {quoted(wanted.value)}, or write {quoted(given)} in the policy and among "
        "the provider's client ids.",
        place=wanted,
    )


def _is_github(host: str) -> bool:
    known = issuer_of(host)
    return bool(known and known.id.startswith("github")) or host.endswith("/_services/token")


# The first that fits.
_KNOWN: tuple[Callable[[Met, Text, str, str], Cause | None], ...] = (
    _wildcard,
    _case,
    _immutable,
    _run,
    _gitlab_ref,
    _pod,
    _audience,
)
