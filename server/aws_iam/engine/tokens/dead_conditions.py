"""Conditions and principals of a trust policy that no token ever meets, and subjects that an issuer hardly sends."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.language.placeholders import with_placeholders_filled
from aws_iam.engine.reference.issuers import pods_grammar
from aws_iam.engine.tokens.oidc_provider import (
    DECORATION,
    MOST_PRINCIPALS,
    ClaimKey,
    claim_key,
    gitlab_of,
    is_cluster,
    known_issuer,
    patterns,
    providers,
)
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Condition, Statement, Text
    from aws_iam.engine.reference.subject_forms import SubjectForms
    from aws_iam.engine.tokens.oidc_provider import Provider

_VARIABLE = re.compile(r"\$\{[^}]*\}?")
_SWAPPED = re.compile(r"oidc\.([a-z0-9-]+)\.eks\.amazonaws\.")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceaccount
_OF_SERVICES = frozenset(
    {"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"}
)
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgid
_OF_MEMBERS = frozenset({"aws:principalorgid", "aws:principalorgpaths"})
_REF_OR_PULL = re.compile(r"repo:[^:]+:(?:ref:.*|pull_request)", re.DOTALL)
# https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
_AUTH0_CLIENT = re.compile(r"(?P<id>[^@*?]+)@clients")
# A service account by its unique id or its e-mail, or the client id of an app.
_GOOGLE_AZP = re.compile(r"^[0-9]+$|@|\.apps\.googleusercontent\.com$")
# No issuer sends a longer one; comparing hostile ones with every form would take long.
_LONGEST_SUBJECT = 1_024
# https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference: iss has the tenant's GUID.
_NO_TENANT = re.compile(
    r"(?:login\.microsoftonline\.com|sts\.windows\.net)/(common|organizations|consumers|[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:/.*)?"
)


def dead_key(statement: Statement, condition: Condition) -> str:
    """Why no token of the statement's providers has the key; empty when one may, or when the key is not required."""
    key = claim_key(condition.name)
    of_claim = key is not None and key.claim and "." in key.host
    of_service = condition.name in _OF_SERVICES
    if not condition.demanded or not (of_claim or of_service):
        return ""
    if len(statement.principals) > MOST_PRINCIPALS:
        return ""
    trusted = tuple(providers(statement))
    if not trusted or len(trusted) != len(statement.principals):
        return ""
    if key is None or of_service:
        return "is only in requests that an AWS service makes for a resource, not in a call with a token"
    return _misfit(key, trusted)


def _misfit(key: ClaimKey, trusted: tuple[Provider, ...]) -> str:
    """Why the key is none of the providers'."""
    own = [provider for provider in trusted if provider.is_host_of(key)]
    if not own:
        other = next((p.host for p in trusted if _bare(p.host) == _bare(key.host)), "")
        if other:
            return f"must begin with {quoted(other)}: a slash at the end belongs to the issuer"
        if any(_undecorated(p.host) == _undecorated(key.host) for p in trusted):
            return (
                f"must begin with the issuer's host, without {quoted(key.decoration)}"
                if key.decoration
                else ""
            )
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
    if no_tenant := _NO_TENANT.fullmatch(provider.host.lower()):
        return f"must name the tenant's GUID, which the issuer of every token has, instead of {quoted(no_tenant[1])}"
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


def _undecorated(host: str) -> str:
    return _bare(DECORATION.sub("", host))


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
    # The name of an environment may be any text.
    spaced = value != value.strip() and ":environment:" not in value
    if spaced and key.claim == "sub" and known_issuer(key.host):
        return "the value begins or ends with white space, and no subject of this issuer does"
    return _foreign_subject(key, condition, value)


def dead_beside_audience(provider: Provider, statement: Statement, subject: str) -> str:
    """Why the tokens with the subject do not meet the statement's conditions on the audience; empty when they may."""
    sent = provider.grammar.audience_of(subject) if provider.grammar else ""
    tenants = provider.issuer.tenant_audience if provider.issuer else None
    if not sent or tenants is None:
        return ""
    tested = (
        condition
        for condition in provider.on(statement, "aud")
        if condition.demanded
        and condition.base in _COMPARED
        # An audience of another form was chosen by the caller.
        and all(tenants.fullmatch(value.value) for value in condition.values)
    )
    if all(map(partial(_takes, text=sent), tested)):
        return ""
    return f"its tokens have the audience {quoted(sent)}, which the statement does not accept"


def _takes(condition: Condition, text: str) -> bool:
    """Whether a value of the condition is the text."""
    return any(
        matches(pattern, text, ignore_case=condition.base == "StringEqualsIgnoreCase")
        for pattern in patterns(condition)
    )


def doubtful_value(condition: Condition, value: str) -> str:
    """Why a token has this subject only if its issuer is configured to send it; empty when nothing speaks against it."""
    key = claim_key(condition.key.value)
    return _judged_subject(key, condition, value).doubt if key else ""


def _foreign_subject(key: ClaimKey, condition: Condition, value: str) -> str:
    """Why the issuer sends no such subject."""
    return _judged_subject(key, condition, value).never


@slotted
class Doubt:
    """A condition that tokens meet only if their issuer is not set up as by default."""

    at: Text
    why: str
    fix: str = ""


def doubts(provider: Provider, statement: Statement) -> Iterator[Doubt]:
    """Conditions that no default token meets: by themselves, or beside the subject."""
    for condition in statement.conditions:
        if condition.demanded and condition.name in _OF_MEMBERS:
            why = "only requests of principals that belong to an organization have it, and a call with a token has no such principal"
            yield Doubt(at=condition.key, why=why)
    subjects = [
        value.value
        for condition in provider.on(statement, "sub")
        if condition.demanded
        for value in condition.values
    ]
    known = provider.issuer.id if provider.issuer else ""
    if known.startswith("github") and subjects and all(map(_REF_OR_PULL.fullmatch, subjects)):
        for condition in provider.on(statement, "environment"):
            if condition.demanded:
                why = "a job with an environment sends that in its subject, in place of the ref or pull_request that the subject here demands"
                yield Doubt(at=condition.key, why=why)
    if known == "auth0":
        yield from _auth0_audience(provider, statement, subjects)
    if known == "google":
        yield from _google_audience(provider, statement, subjects)


def _auth0_audience(
    provider: Provider, statement: Statement, subjects: list[str]
) -> Iterator[Doubt]:
    """An API under the key aud, where AWS has the client id from the claim azp."""
    found = [_AUTH0_CLIENT.fullmatch(subject) for subject in subjects]
    clients = {match["id"] for match in found if match}
    for condition in provider.on(statement, "aud"):
        listed = {value.value for value in condition.values}
        if (
            condition.demanded
            and clients
            and not listed & clients
            and all(map(is_literal, listed))
        ):
            ids = ", ".join(quoted(client) for client in sorted(clients)[:2])
            yield Doubt(
                at=condition.values[0],
                why=f"Auth0 puts the client id into the claim azp, unless the API has the token profile RFC 9068, and AWS then"
                f" compares aud with azp ({ids}) and oaud with aud",
                fix=_both_audiences(provider, quoted(min(clients)), condition),
            )


def _google_audience(
    provider: Provider, statement: Statement, subjects: list[str]
) -> Iterator[Doubt]:
    """The audience that was asked for under the key aud, where AWS has the account or the app from the claim azp."""
    for condition in provider.on(statement, "aud"):
        listed = [value.value for value in condition.values]
        asked = (
            listed and all(map(is_literal, listed)) and not any(map(_GOOGLE_AZP.search, listed))
        )
        if condition.demanded and asked:
            account = next(filter(str.isdigit, subjects), "")
            yield Doubt(
                at=condition.values[0],
                why="Google puts the unique id of the service account, or the client id of the app, into the claim azp"
                f"{f' ({quoted(account)})' if account else ''}, and AWS then compares aud with azp and oaud with aud",
                fix=_both_audiences(
                    provider, quoted(account) if account else "the account's unique id", condition
                ),
            )


def _both_audiences(provider: Provider, party: str, condition: Condition) -> str:
    """Where the client or account is tested, and where the audience that was asked for."""
    return (
        f"Write {party} under {quoted(provider.key('aud'))}, and move {quoted(condition.values[0].value)} to"
        f" {quoted(provider.key('oaud'))}."
    )


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
    known = known_issuer(host) or gitlab_of(value)
    grammar = pods_grammar() if is_cluster(host) else known.grammar if known else None
    if grammar is None or not grammar.forms:
        return _Verdict()
    value = with_placeholders_filled(value, "*")
    if never := grammar.never_sent(value.lower() if ignore_case else value):
        return _Verdict(never=never)
    matched = known.pattern.fullmatch(host) or known.pattern.fullmatch(host.lower()) if known else None  # fmt: skip
    groups = matched.groupdict() if matched else {}
    # A variable stands for any text.
    pattern = _VARIABLE.sub("*", value)

    def meets(
        forms: SubjectForms, pattern: str = pattern, *, ignore_case: bool = ignore_case
    ) -> bool:
        return forms.meet(pattern, groups, ignore_case=ignore_case)

    if meets(grammar.forms):
        return _Verdict()
    custom = meets(grammar.custom_forms)
    # Behind a whole subject a template of the customer's own may add claims, but more often nothing follows.
    whole = pattern.removesuffix(":*")
    behind = custom and bool(grammar.doubt) and whole != pattern and meets(grammar.forms, whole)
    # A pattern may stand for several claims of a template.
    if behind or (meets(grammar.doubtful_forms) and (is_literal(pattern) or not custom)):
        return _Verdict(doubt=grammar.doubt)
    if custom or grammar.otherwise:
        return _Verdict(doubt="" if custom else grammar.otherwise)
    title = known.title if known and not is_cluster(host) else "a cluster"
    # A GitLab on a server of one's own writes them like GitLab.com.
    title = "GitLab" if known and known.id == "gitlab" else title
    shown = grammar.form_for(pattern) or next(iter(known.subject if known else ()), "")
    never = f"subjects of {title} have the form {quoted(shown)}"
    if meets(grammar.forms, ignore_case=True):
        never = f"only in upper and lower case, which AWS compares, it differs from a subject that is sent: {never}"
    return _Verdict(never=never)


def needs_template(provider: Provider, pattern: str) -> bool:
    """Whether the issuer sends such subjects only under a template of the customer's own."""
    grammar = provider.grammar
    if grammar is None or not grammar.custom_forms or grammar.forms.meet(pattern, {}):
        return False
    return grammar.custom_forms.meet(pattern, {}) and not grammar.doubtful_forms.meet(pattern, {})


def never_matches(statement: Statement) -> bool:
    """Whether some condition fails for every token of the statement's providers."""
    return (
        never_matches_by_keys(statement)
        or any(
            condition.demanded
            and "." in condition.name.partition(":")[0]
            and all(dead_value(condition, value.value) for value in condition.values)
            for condition in statement.conditions
        )
        or any(
            condition.demanded
            and all(dead_beside_audience(provider, statement, v.value) for v in condition.values)
            for provider in providers(statement)
            for condition in provider.on(statement, "sub")
        )
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
