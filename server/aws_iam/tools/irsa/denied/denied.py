"""`irsa denied`: why a trust policy keeps a token out, and the policy that lets in exactly this caller, proved."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact, Finding, Severity, Status, Where
from aws_iam.engine.evaluate import evaluated
from aws_iam.engine.evaluation.layers import layers_of
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language import document
from aws_iam.engine.language.aws_names import checked
from aws_iam.engine.reference import issuers
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.gather import one_policy, sources_of
from aws_iam.engine.tokens import causes
from aws_iam.engine.tokens.claims import SKEW, Claims, claims_of
from aws_iam.engine.tokens.exact import caller_of
from aws_iam.engine.tokens.meeting import ACTION, Match, built_in, host_of, meetings
from aws_iam.engine.tokens.signature import Signature, key_set
from aws_iam.engine.tokens.signature import checked as signed
from aws_iam.engine.tokens.token import ACCEPTED, Token, decoded
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa.denied import tables as told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Decision
    from aws_iam.engine.language.document import Policy
    from aws_iam.engine.tokens.meeting import Meeting
    from aws_iam.engine.tokens.role_trust import TokenCaller
from aws_iam.tools.irsa.denied.case import Case

FETCH = "fetch"
_TROUBLE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html"
_OIDC = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc.html"
_CREATE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html"
_KEYS = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html"
)
_PAGE = "references/irsa-oidc.md#refused-with-assumerolewithwebidentity"
_NEEDS = ("iss", "sub", "aud")
_MOST_FINDINGS = 200
# Where neither the policy nor the caller tells the account.
_NO_ACCOUNT = "arn:aws:iam::ACCOUNT"


def denied(
    document_: Any,
    claims: Any = None,
    token: Any = None,
    jwks: Any = None,
    account: str | None = None,
) -> Answer:
    """The token before the policy: every cause with its edit, then the caller's own policy."""
    policy = _trust(document_)
    held, said = _given(claims, token)
    if jwks is not None and held is None:
        raise InputError("`jwks` checks the signature of a `token`", hint="claims alone have none")
    signature = Signature.UNCHECKED
    if held is not None and jwks is not None:
        signature = signed(held, _keys(jwks, policy, said))
    case = _case(policy, said, held, signature, account and checked("account", account, "account"))
    return _answer(case)


def _trust(given: Any) -> Policy:
    """The one trust policy of the document."""
    found = [
        each.content
        for each in sources_of(given)
        if not isinstance(each.content, document.Syntax)
        and any(s.has("Principal") or s.has("NotPrincipal") for s in each.content.statements)
    ]
    if len(found) > 1:
        raise InputError(
            f"{len(found)} trust policies where one is wanted", hint="give them one by one"
        )
    return found[0] if found else _refused(given)


def _refused(given: Any) -> Policy:
    # What is no JSON is refused with its place, as everywhere.
    one_policy(given)
    raise InputError(
        "`document` is no trust policy: no statement has a Principal",
        hint="give the role's AssumeRolePolicyDocument",
    )


def _given(claims: Any, token: Any) -> tuple[Token | None, Claims]:
    if (claims is None) == (token is None):
        raise InputError(
            "`irsa denied` needs one of `claims` and `token`",
            hint="the claims as an object, or the token, which is decoded here and not kept",
        )
    if token is None:
        return None, claims_of(claims)
    held = decoded(token)
    return held, held.claims


def _keys(jwks: Any, policy: Policy, said: Claims) -> tuple[dict[str, Any], ...]:
    if jwks != FETCH:
        return key_set(jwks)
    from aws_iam.tools.irsa.denied import issuer_keys

    hosts = _trusted(policy)
    if said.host in hosts:
        return key_set(issuer_keys.fetched(said.host))
    # The token's own word is never followed: whoever made it would choose the keys.
    listed = ", ".join(map(quoted, hosts)) or "none"
    raise InputError(
        f"keys are fetched from an issuer that the trust policy names ({listed}), and the token is of another, "
        f"{quoted(said.host)}",
        hint="leave `jwks` out to see why the policy refuses it",
    )


def _trusted(policy: Policy) -> tuple[str, ...]:
    found = (host_of(p) for s in policy.statements if s.allows for p in s.principals)
    return tuple(dict.fromkeys(filter(None, found)))


def _case(
    policy: Policy, said: Claims, held: Token | None, signature: Signature, account: str | None
) -> Case:
    met = meetings(policy, said)
    principal = _principal(met, said, account)
    # What only the request tells counts as met: this is about the token.
    forced = {
        condition.condition.name: True
        for meeting in met
        for condition in meeting.conditions
        if condition.match is Match.BY_REQUEST
    }
    return Case(
        claims=said,
        token=held,
        signature=signature,
        policy=policy,
        meetings=met,
        principal=principal,
        decision=decided(said, principal, document.dump(policy), forced),
    )


def _principal(met: tuple[Meeting, ...], said: Claims, account: str | None) -> str:
    """The identity provider as which the token comes: the policy's own, else the one it would need."""
    own = next((each.principal.value for each in met if each.principal), "")
    if own or said.host in built_in():
        return own or said.host
    arns = (p.value for m in met for p in m.statement.principals if ":oidc-provider/" in p.value)
    head = next(arns, f"{_NO_ACCOUNT}:oidc-provider/").partition(":oidc-provider/")[0]
    if account:
        head = f"{head.rpartition(':')[0]}:{account}"
    return f"{head}:oidc-provider/{said.host}"


def decided(said: Claims, principal: str, policy: str, forced: dict[str, bool]) -> Decision:
    """What `evaluate` says of the token under a trust policy."""
    named = principal.replace(_NO_ACCOUNT, f"arn:aws:iam::{'0' * 12}")
    # The role lies where its provider does; a built-in issuer has neither partition nor account.
    _, partition, _, _, account, *_ = (
        named.split(":") if named.startswith("arn:") else f"arn:aws:::{'0' * 12}:".split(":")
    )
    request = request_of(
        {
            "principal": named,
            "action": ACTION,
            "resource": f"arn:{partition}:iam::{account}:role/ROLE",
            "context": {name: list(value) for name, value in said.keys(said.host).items()},
        }
    )
    return evaluated(request, layers_of({"resource": policy}), forced=forced).decision


def _answer(case: Case) -> Answer:
    findings = tuple(islice(_findings(case), _MOST_FINDINGS))
    caller = caller_of(case.claims)
    made = _made(case, caller) if caller and _NO_ACCOUNT not in case.principal else None
    return Answer(
        summary=_summary(case, findings, proved=made is not None),
        findings=findings,
        decision=case.decision,
        artifacts=(made.artifact,) if made else (),
        facts=told.facts(case, made.proofs if made else ()),
        sources=(_TROUBLE, _KEYS, _PAGE),
        next=_next(case, findings),
        as_of=min(issuers.as_of(), catalog().as_of),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The policy for exactly this caller, and what `evaluate` says of it and of others."""

    artifact: Artifact
    proofs: tuple[dict[str, str], ...]


def _made(case: Case, caller: TokenCaller) -> Made | None:
    written = caller.trust("000000000000", "aws")
    # A built-in issuer is a principal by its host; the account is the policy's own where it tells one.
    written["Statement"][0]["Principal"] = {"Federated": case.principal}
    text = json.dumps(written, indent=2, ensure_ascii=False) + "\n"
    proofs = tuple(_proofs(case, text))
    if any(row["outcome"] != row["wanted"] for row in proofs):
        return None
    return Made(
        artifact=Artifact(
            name="trust-policy.json", language="json", content=text, checked_by="policy evaluate"
        ),
        proofs=proofs,
    )


def _proofs(case: Case, policy: str) -> Iterator[dict[str, str]]:
    """The caller is let in, and one that differs in a single claim is not."""
    said = case.claims
    yield _proof("this token", decided(said, case.principal, policy, {}), "Allowed")
    for claim, words in (("sub", "another subject"), ("aud", "another audience")):
        kept = {k: v for k, v in said.values.items() if k != "azp" or claim != "aud"}
        other = replace(said, values={**kept, claim: (f"x{said.text(claim)}",)})
        yield _proof(words, decided(other, case.principal, policy, {}), "ImplicitlyDenied")


def _proof(words: str, decision: Decision, wanted: str) -> dict[str, str]:
    return {"token": words, "outcome": decision.outcome, "wanted": wanted}


def _findings(case: Case) -> Iterator[Finding]:
    """Every cause, those of the token itself first."""
    yield from _of_token(case)
    if case.decision.outcome == "Allowed":
        return
    yield from _of_denies(case)
    near = case.nearest
    if near is None:
        yield _finding(
            "TOKEN-NO-ALLOW", "Nothing in the policy allows", "the policy has no Allow statement",
            f"Allow {ACTION} to the provider.", case.policy.node.where,
        )  # fmt: skip
        return
    if near.principal is None:
        yield _wrong_issuer(case, near)
    if not near.has_action:
        yield _finding(
            "TOKEN-ACTION",
            "The statement allows another action",
            f"a token is exchanged by `{ACTION}`, which the statement does not allow",
            f"Write `{ACTION}`.",
            near.statement.place("Action"),
        )
    # Under another issuer every key is foreign: the issuer is the cause.
    for met in near.failing if near.principal is not None else ():
        why = causes.cause(met, case.claims.host)
        yield _finding(why.code, why.title, why.message, why.fix, why.place.where)


def _finding(code: str, title: str, message: str, fix: str, where: Where | None = None) -> Finding:
    return Finding(
        code=code,
        title=title,
        severity=Severity.HIGH,
        status=Status.FAIL,
        message=message,
        where=where,
        fix=fix,
        source=_SOURCES.get(code, _TROUBLE),
    )


_SOURCES = {
    "TOKEN-EXPIRED": _OIDC,
    "TOKEN-ALGORITHM": _CREATE,
    "TOKEN-SIGNATURE": _CREATE,
    "TOKEN-INCOMPLETE": _CREATE,
    "TOKEN-KEY-NOT-MAPPED": _KEYS,
    "TOKEN-KEY-ISSUER": _KEYS,
}


def _of_token(case: Case) -> Iterator[Finding]:
    """What is wrong with the token whatever the policy says."""
    said, now = case.claims, datetime.now(UTC).timestamp()
    missing = [name for name in _NEEDS if not said.values.get(name)]
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        yield _finding(
            "TOKEN-INCOMPLETE", "The token lacks a claim that AWS needs", f"the token has no {listed}",
            "Give all claims of the token, or have the issuer set them.",
        )  # fmt: skip
    if said.text("iss") and not said.is_https:
        yield _finding(
            "TOKEN-ISSUER", "The issuer is no https address", f"`iss` is {quoted(said.text('iss'))}",
            "Have the issuer name itself by its https URL.",
        )  # fmt: skip
    ends, begins = said.times.get("exp"), said.times.get("nbf")
    if ends is not None and ends + SKEW < now:
        yield _finding(
            "TOKEN-EXPIRED", "The token has expired",
            f"the token ended at {told.moment(ends)}; AWS takes it for five minutes more",
            "Get a new token and exchange it at once.",
        )  # fmt: skip
    if begins is not None and begins - SKEW > now:
        yield _finding(
            "TOKEN-NOT-YET", "The token is not valid yet", f"it begins at {told.moment(begins)}",
            "Set the clocks of issuer and caller right.",
        )  # fmt: skip
    yield from _of_signature(case)


def _of_signature(case: Case) -> Iterator[Finding]:
    token = case.token
    if token is not None and not token.is_acceptable:
        kind = f"`{token.algorithm}`" if token.algorithm else "none of the registered ones"
        word = (
            "not signed at all (`alg` is `none`)"
            if token.algorithm == "none"
            else f"signed by {kind}"
        )
        yield _finding(
            "TOKEN-ALGORITHM", "STS does not take such a signature", f"the token is {word}",
            f"Have the issuer sign by one of {', '.join(ACCEPTED)}.",
        )  # fmt: skip
    elif case.signature in {Signature.INVALID, Signature.NO_KEY}:
        yield _finding(
            "TOKEN-SIGNATURE", "The signature does not prove the issuer", f"the signature is {case.signature.value}"
            if case.signature is Signature.INVALID else case.signature.value,
            "Get a new token from the issuer, and the keys that it signs with now.",
        )  # fmt: skip


def _of_denies(case: Case) -> Iterator[Finding]:
    if case.decision.outcome != "ExplicitlyDenied":
        return
    by_place = {statement.node.where.pointer: statement for statement in case.policy.statements}
    for because in case.decision.because:
        yield _finding(
            "TOKEN-DENY", "A Deny of the trust policy refuses this token",
            "the token meets the Deny statement", "Leave this caller out of the Deny.",
            by_place[because.pointer].node.where,
        )  # fmt: skip


def _wrong_issuer(case: Case, near: Meeting) -> Finding:
    host = case.claims.host
    named = [host_of(principal) for principal in near.statement.principals if host_of(principal)]
    where = near.statement.place("Principal")
    if not named:
        message = (
            f"no principal of the statement is an OIDC provider; the token is of {quoted(host)}"
        )
    else:
        message = f"the policy trusts {', '.join(map(quoted, named))}, the token is of {quoted(host)}{_near_miss(named, host)}"
    return _finding(
        "TOKEN-ISSUER", "The policy trusts another issuer than the token's", message,
        f"Create the provider in the role's account and write {quoted(case.principal)} as Federated principal, "
        "with its host in every condition key.", where,
    )  # fmt: skip


def _near_miss(named: list[str], host: str) -> str:
    for each in named:
        if each.rstrip("/") == host.rstrip("/"):
            return ": the same but for the slash at the end, which counts"
        if each.lower() == host.lower():
            return ": the same but for upper and lower case"
    return ""


def _summary(case: Case, findings: tuple[Finding, ...], *, proved: bool) -> str:
    made = " trust-policy.json lets in exactly this caller." if proved else ""
    sub = case.claims.text("sub")
    who = f"the token of {quoted(sub)}" if sub else "the token"
    if case.decision.outcome == "Allowed":
        if findings:
            return f"The trust policy lets {who} in, and AWS refuses it all the same: {_first(findings)}."
        requests = _hanging(case)
        more = f", if the request meets the conditions on {requests}" if requests else ""
        return (
            f"The trust policy lets {who} in{more}. If AWS refuses it, look at the rest: does the provider exist in the "
            "role's account, with the token's audience among its client ids; is the signature good; does a resource "
            "control policy deny it?"
        )
    return f"Refused: the trust policy does not let {who} in: {_first(findings)}.{made}"


def _first(findings: tuple[Finding, ...]) -> str:
    more = f"; {len(findings) - 1} more below" if len(findings) > 1 else ""
    return findings[0].message.rstrip(".") + more if findings else "no statement allows it"


def _hanging(case: Case) -> str:
    near = case.nearest
    found = near.conditions if near else ()
    keys = [each.condition.key.value for each in found if each.match is Match.BY_REQUEST]
    return ", ".join(map(quoted, keys[:5]))


def _next(case: Case, findings: tuple[Finding, ...]) -> tuple[str, ...]:
    codes = {finding.code for finding in findings}
    calls = ["aws-iam irsa check --document trust-policy.json"]
    if _NO_ACCOUNT in case.principal:
        calls.append("aws-iam irsa denied --account ACCOUNT (the policy names no account)")
    if codes & {"TOKEN-ISSUER", "TOKEN-AUDIENCE"} or not codes:
        calls.append("aws iam get-open-id-connect-provider --open-id-connect-provider-arn ARN")
    return (*calls, "aws-iam irsa guide --topic refused-with-assumerolewithwebidentity")
