"""A token compared with a trust policy: both read from the arguments, and what the policy decides."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aws_iam.account.session.permitted import PERMITTED
from aws_iam.engine.evaluation.deployment_values import most_and_least
from aws_iam.engine.evaluation.evaluate import evaluate_request
from aws_iam.engine.evaluation.layers import layers_of
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language import document, pattern
from aws_iam.engine.language.aws_names import checked_account
from aws_iam.engine.language.plain_policy import plain
from aws_iam.engine.language.usable import refuse_unusable
from aws_iam.engine.reference.issuers import is_pinned
from aws_iam.engine.sources.gather import one_policy, sources_of
from aws_iam.engine.tokens.claims import Claims, claims_of
from aws_iam.engine.tokens.oidc_provider import built_in, host_of
from aws_iam.engine.tokens.signature import Signature, key_set
from aws_iam.engine.tokens.signature import checked_signature as signed
from aws_iam.engine.tokens.token import Token, decoded_token
from aws_iam.engine.tokens.trust_comparison import (
    ACTION,
    ConditionOutcome,
    compare_statements,
    conditional_denies,
)
from aws_iam.errors import AwsIamError, InputError
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_iam.answer import Decision
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Policy, Source
    from aws_iam.engine.tokens.trust_comparison import StatementMatch

FETCH = "fetch"
# Where neither the policy nor the caller names the account.
NO_ACCOUNT = "arn:aws:iam::ACCOUNT"
# Where neither the token nor the policy says who issued the token.
_NO_ISSUER = "ISSUER"
_DISCOVERY = ".well-known/openid-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenComparison:
    """A token, a trust policy, and each statement of the policy compared with the token."""

    claims: Claims
    token: Token | None
    """None when the caller gave claims alone, which have no signature."""
    signature: Signature
    policy: Policy
    meetings: tuple[StatementMatch, ...]
    principal: str
    """The identity provider that the token comes from."""
    decision: Decision
    denies: tuple[StatementMatch, ...] = ()
    """The Deny statements that depend on the request."""
    is_issuer_assumed: bool = False
    """Whether the claims lack `iss` and it is the one that the policy trusts."""

    @property
    def nearest(self) -> StatementMatch | None:
        """The Allow statement that the token misses by the fewest conditions."""
        return min(self.meetings, key=lambda meeting: meeting.distance, default=None)


def compare(
    trust_policy: Any, claims: Any, token: Any, jwks: Any, account: str | None
) -> TokenComparison:
    """The token against the policy, from the arguments of `irsa denied`."""
    policy, source = _trust_policy(trust_policy)
    decoded, found = _token_and_claims(claims, token)
    assumed = "" if decoded or found.values.get("iss") else _only_host(policy)
    if assumed:
        found = replace(found, values={**found.values, "iss": (f"https://{assumed}",)})
    if jwks is not None and decoded is None:
        raise InputError(
            "`jwks` checks the signature of a `token`", hint="claims alone have no signature"
        )
    signature = Signature.UNCHECKED
    if decoded is not None and jwks is not None:
        signature = signed(decoded, _keys(jwks, policy, found))
    met = compare_statements(policy, found)
    principal = _principal(met, found, account and checked_account("account", account))
    denies = conditional_denies(policy, found)
    # Conditions on the request, not on the token, count as met in an Allow, and as not met in a Deny.
    forced = {
        condition.condition.name: True
        for meeting in met
        for condition in meeting.conditions
        if condition.match is ConditionOutcome.BY_REQUEST
    }
    decision = decide(found, principal, _without(policy, denies), forced)
    if source.unresolved:
        _refuse_open(
            source, decision, lambda own: decide(found, principal, document.dump(own), forced)
        )
    return TokenComparison(
        claims=found,
        token=decoded,
        signature=signature,
        policy=policy,
        meetings=met,
        principal=principal,
        decision=decision,
        denies=denies,
        is_issuer_assumed=bool(assumed),
    )


def _refuse_open(
    source: Source, decision: Decision, decided: Callable[[Policy], Decision]
) -> None:
    """Raise where the decision is another one with other values of the deployment."""
    both = most_and_least(source)
    is_allowed = decision.outcome == "Allowed"
    if both and all((decided(own).outcome == "Allowed") is is_allowed for own in both):
        return
    raise InputError(
        "whether the trust policy lets in the token depends on values that are known only at deployment",
        hint="give it as IAM has it: `aws iam get-role --role-name ROLE`",
    )


def _without(policy: Policy, denies: tuple[StatementMatch, ...]) -> str:
    """The policy with these statements made void; the others keep their places."""
    read = plain(policy)
    left_out = [policy.statements.index(met.statement) for met in denies]
    if left_out and isinstance(read["Statement"], list):
        for place in left_out:
            read["Statement"][place] = {**read["Statement"][place], "Action": "none:none"}
            read["Statement"][place].pop("NotAction", None)
    return json.dumps(read)


def denies_beside(
    comparison: TokenComparison,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The Deny statements that do not refuse the token: all of them, and those that do not depend on the request."""
    written = plain(comparison.policy)["Statement"]
    written = written if isinstance(written, list) else [written]
    refusing = {because.pointer for because in comparison.decision.because}
    by_request = [met.statement for met in comparison.denies]
    kept = [
        (statement, raw)
        for statement, raw in zip(comparison.policy.statements, written, strict=True)
        if statement.denies and statement.node.where.pointer not in refusing
    ]
    return [raw for _, raw in kept], [raw for s, raw in kept if s not in by_request]


def _trust_policy(given: Any) -> tuple[Policy, Source]:
    """The one trust policy of the document."""
    found = [
        (source.content, source)
        for source in sources_of(given)
        if not isinstance(source.content, document.Syntax)
        and any(s.has("Principal") or s.has("NotPrincipal") for s in source.content.statements)
    ]
    if len(found) > 1:
        raise InputError(
            f"the document has {len(found)} trust policies, and only one can be checked",
            hint="check them one at a time",
        )
    if found:
        ((policy, source),) = found
        refuse_unusable(policy, "document", document.Kind.TRUST)
        return policy, source
    # Reports a syntax error with its place.
    one_policy(given)
    raise InputError(
        "`document` is not a trust policy: no statement has a Principal",
        hint="pass the role's AssumeRolePolicyDocument",
    )


def _token_and_claims(claims: Any, token: Any) -> tuple[Token | None, Claims]:
    if (claims is None) == (token is None):
        raise InputError(
            "`irsa denied` needs one of `claims` and `token`",
            hint="pass the claims as an object, or the token, which is decoded here and not kept",
        )
    if token is None:
        return None, claims_of(claims)
    decoded = decoded_token(token)
    return decoded, decoded.claims


def _keys(jwks: Any, policy: Policy, claims: Claims) -> tuple[dict[str, Any], ...]:
    if jwks != FETCH:
        return key_set(jwks)
    hosts = _trusted_hosts(policy)
    if claims.host in hosts:
        _refuse_unknown_issuer(claims.host)
        return key_set(_published_keys(claims.host))
    # Keys are never fetched from an issuer that only the token names: whoever made the token would choose them.
    listed = ", ".join(map(quoted, hosts)) or "none"
    raise InputError(
        f"keys are fetched only from an issuer that the trust policy names ({listed}); the token comes from "
        f"{quoted(claims.host)}",
        hint="leave out `jwks` to see why the policy refuses the token",
    )


def _trusted_hosts(policy: Policy) -> tuple[str, ...]:
    found = (host_of(p) for s in policy.statements if s.allows for p in s.principals)
    return tuple(dict.fromkeys(filter(None, found)))


def _only_host(policy: Policy) -> str:
    """The one issuer that the policy trusts; empty where it trusts none or several."""
    hosts = _trusted_hosts(policy)
    return hosts[0] if len(hosts) == 1 else ""


def _published_keys(host: str) -> Any:
    """The key set of the issuer, found through its discovery document as AWS finds it."""
    # Inside the function: it imports httpx.
    from aws_iam.web import documents

    discovery = _fetched_json(documents.address_of(host) + _DISCOVERY)
    address = discovery.get("jwks_uri") if isinstance(discovery, dict) else None
    if not isinstance(address, str):
        raise AwsIamError(
            f"the discovery document of {quoted(host)} has no `jwks_uri`",
            hint="pass the keys in `jwks`",
        )
    return _fetched_json(address)


def _refuse_unknown_issuer(host: str) -> None:
    """Over MCP the caller must not choose which server is asked: only known issuers are, and those that were allowed."""
    permitted = PERMITTED.get()
    if permitted is None or is_pinned(host):
        return
    if any(pattern.matches(allowed, host) for allowed in permitted.issuers):
        return
    raise InputError(
        f"keys are fetched over MCP from well-known issuers only, and {quoted(host)} is none",
        hint="pass the keys in `jwks`; whoever starts the server can allow it: `aws-iam serve --allow-issuer HOST/PATH`",
    )


def _fetched_json(address: str) -> Any:
    from aws_iam.web.documents import fetched
    from aws_iam.web.public_documents import publicly_fetched

    try:
        return json.loads((publicly_fetched if PERMITTED.get() else fetched)(address))
    except (ValueError, RecursionError):
        raise AwsIamError(
            f"{quoted(address)} returned no JSON", hint="pass the keys in `jwks`"
        ) from None


def _principal(met: tuple[StatementMatch, ...], claims: Claims, account: str | None) -> str:
    """The provider of the token: as the policy names it, else the one that the policy would have to name."""
    named = next((meeting.principal.value for meeting in met if meeting.principal), "")
    if named or claims.host in built_in():
        return named or claims.host
    arns = (p.value for m in met for p in m.statement.principals if ":oidc-provider/" in p.value)
    head = next(arns, f"{NO_ACCOUNT}:oidc-provider/").partition(":oidc-provider/")[0]
    if account:
        head = f"{head.rpartition(':')[0]}:{account}"
    return f"{head}:oidc-provider/{claims.host or _NO_ISSUER}"


def decide(claims: Claims, principal: str, policy: str, forced: dict[str, bool]) -> Decision:
    """What `evaluate` decides on a token under a trust policy."""
    request = request_with(claims, principal)
    return evaluate_request(request, layers_of({"resource": policy}), forced=forced).decision


def request_with(claims: Claims, principal: str) -> Request:
    """The request to assume a role with a token."""
    named = principal.replace(NO_ACCOUNT, f"arn:aws:iam::{'0' * 12}")
    # The role is in its provider's partition and account; a built-in issuer has neither.
    _, partition, _, _, account, *_ = (
        named.split(":") if named.startswith("arn:") else f"arn:aws:::{'0' * 12}:".split(":")
    )
    return request_of(
        {
            "principal": named,
            "action": ACTION,
            "resource": f"arn:{partition}:iam::{account}:role/ROLE",
            "context": {name: list(value) for name, value in claims.keys(claims.host).items()},
        }
    )
