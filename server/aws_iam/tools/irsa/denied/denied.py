"""`irsa denied`: why a trust policy refuses a token, and the policy that lets in exactly this caller, with its proof."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact, Finding, Severity, Status, Where, next_call
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference import issuers
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.tokens import causes
from aws_iam.engine.tokens.claims import SKEW
from aws_iam.engine.tokens.oidc_provider import built_in, host_of, known_issuer
from aws_iam.engine.tokens.role_trust import caller_of_token
from aws_iam.engine.tokens.signature import Signature
from aws_iam.engine.tokens.token import ACCEPTED
from aws_iam.engine.tokens.trust_comparison import ACTION, ConditionOutcome
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.irsa.asset_files import policy_file
from aws_iam.tools.irsa.denied import error_text, tables
from aws_iam.tools.irsa.denied.comparison import (
    NO_ACCOUNT,
    TokenComparison,
    compare,
    decide,
    denies_beside,
)
from aws_iam.tools.irsa.denied.edits import edits_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Decision
    from aws_iam.engine.tokens.claims import Claims
    from aws_iam.engine.tokens.role_trust import TokenCaller
    from aws_iam.engine.tokens.trust_comparison import ConditionMatch, StatementMatch

_TROUBLE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html"
_OIDC = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc.html"
_CREATE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html"
_KEYS = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html"
)
_PAGE = "references/irsa-oidc.md#refused-with-assumerolewithwebidentity"
_NEEDED_CLAIMS = ("iss", "sub", "aud")
_MOST_FINDINGS = 200
_WITHOUT_ACCOUNT = (
    " The policy names no account: give `account` for the policy that lets in exactly this caller."
)


def denied(
    document: Any,
    claims: Any = None,
    token: Any = None,
    jwks: Any = None,
    account: str | None = None,
    message: str | None = None,
) -> Answer:
    """Every cause of the refusal with its fix, then a policy for exactly this caller; of an error alone what it says."""
    if message is None and error_text.is_error(document):
        document, message = None, document
    if message is not None:
        if document is None:
            return error_text.explained(message)
        return error_text.with_error(denied(document, claims, token, jwks, account), message)
    if document is None:
        raise InputError(
            "`irsa denied` needs `document` (trust policy: JSON value or text, also of get-role)",
            hint="add it, or the error text as `message`, and call again",
        )
    comparison = compare(document, claims, token, jwks, account)
    findings = tuple(islice(_findings(comparison), _MOST_FINDINGS))
    caller = caller_of_token(comparison.claims) if NO_ACCOUNT not in comparison.principal else None
    exact = _exact_policy(comparison, caller) if caller else None
    return Answer(
        summary=_summary(comparison, findings, proved=exact is not None)
        + (_WITHOUT_ACCOUNT if NO_ACCOUNT in comparison.principal else ""),
        findings=findings,
        decision=comparison.decision,
        artifacts=(exact.artifact,) if exact else (),
        facts=tables.facts(comparison, exact.proofs if exact else ())
        | ({"edits": exact.edits} if exact and exact.edits else {}),
        sources=(_TROUBLE, _KEYS, _PAGE),
        next=_NEXT,
        as_of=min(issuers.as_of(), catalog().as_of),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _ExactPolicy:
    """The policy for exactly this caller, and what `evaluate` decides on the caller and on others."""

    artifact: Artifact
    proofs: tuple[dict[str, str], ...]
    # What to change in the given policy instead of replacing it.
    edits: list[dict[str, Any]]


def _exact_policy(comparison: TokenComparison, caller: TokenCaller) -> _ExactPolicy | None:
    """None where `evaluate` does not confirm the policy, or a tested claim has several values."""
    tested = _tested_claims(comparison)
    if any(len(values) > 1 for values in tested.values()):
        return None
    caller = replace(caller, claims={**caller.claims, **{k: v[0] for k, v in tested.items()}})
    policy = caller.trust("000000000000", "aws")
    allow = policy["Statement"][0]
    # A built-in issuer is a principal by its host; the account is the one that the given policy names.
    allow["Principal"] = {"Federated": comparison.principal}
    for met in _on_the_request(comparison):
        values = [value.value for value in met.condition.values]
        allow["Condition"].setdefault(met.condition.operator.value, {})[
            met.condition.key.value
        ] = values
    kept, proved = denies_beside(comparison)
    written = {**policy, "Statement": [allow, *kept]}
    artifact = replace(policy_file("trust-policy.json", written), checked_by="policy evaluate")
    judged = json.dumps({**policy, "Statement": [allow, *proved]})
    proofs = tuple(_proofs(comparison, caller, judged))
    if any((row["outcome"] == "Allowed") != (row["wanted"] == "Allowed") for row in proofs):
        return None
    is_known = NO_ACCOUNT not in comparison.principal and not _on_the_request(comparison)
    edits = edits_for(comparison, allow) if is_known else []
    return _ExactPolicy(artifact=artifact, proofs=proofs, edits=edits)


def _tested_claims(comparison: TokenComparison) -> dict[str, tuple[str, ...]]:
    """What the token has of the claims that the nearest statement tests besides subject and audience."""
    host, near = comparison.claims.host, comparison.nearest
    if near is None:
        return {}
    own = {
        name.removeprefix(f"{host}:"): value
        for name, value in comparison.claims.keys(host).items()
    }
    tested = {met.claim.lower() for met in near.conditions} - {"sub", "aud"}
    return {name: values for name, values in own.items() if name.lower() in tested}


def _on_the_request(comparison: TokenComparison) -> tuple[ConditionMatch, ...]:
    """The conditions of the nearest statement that the request decides, such as its network."""
    near = comparison.nearest
    if near is None:
        return ()
    # A key that a template fills in may be one of the token's.
    return tuple(
        met
        for met in near.conditions
        if met.match is ConditionOutcome.BY_REQUEST and "${" not in met.condition.name
    )


def _proofs(
    comparison: TokenComparison, caller: TokenCaller, policy: str
) -> Iterator[dict[str, str]]:
    """The policy lets this token in, and none that differs in a single claim."""
    claims, principal = comparison.claims, comparison.principal
    forced = {met.condition.name: True for met in _on_the_request(comparison)}
    yield _proof("this token", decide(claims, principal, policy, forced), "Allowed")
    changes = {"another subject": "sub", "another audience": "aud"}
    for words, claim in (changes | {f"another {name}": name for name in caller.claims}).items():
        other = _with_other_value(claims, claim)
        yield _proof(words, decide(other, principal, policy, forced), "ImplicitlyDenied")


def _with_other_value(claims: Claims, claim: str) -> Claims:
    """The claims with another value of one condition key; AWS compares `azp` as `aud`, and `aud` then as `oaud`."""
    left_out = "azp" if claim == "aud" else ""
    claim = "aud" if claim == "oaud" else claim
    kept = {name: value for name, value in claims.values.items() if name != left_out}
    return replace(claims, values={**kept, claim: (f"x{claims.text(claim)}",)})


def _proof(words: str, decision: Decision, wanted: str) -> dict[str, str]:
    return {"token": words, "outcome": decision.outcome, "wanted": wanted}


def _findings(comparison: TokenComparison) -> Iterator[Finding]:
    """Every cause, those in the token itself first."""
    yield from _token_findings(comparison)
    if comparison.decision.outcome == "Allowed":
        yield from _control_findings(comparison)
        return
    yield from _deny_findings(comparison)
    near = comparison.nearest
    if near is None:
        yield _finding(
            "TOKEN-NO-ALLOW", "The policy allows nothing", "the policy has no Allow statement",
            f"Add a statement that allows `{ACTION}` to the provider.", comparison.policy.node.where,
        )  # fmt: skip
        return
    if near.principal is None and comparison.claims.host:
        yield _wrong_issuer(comparison, near)
    if not near.has_action:
        yield _finding(
            "TOKEN-ACTION",
            "The statement allows another action",
            f"exchanging a token calls `{ACTION}`, which the statement does not allow",
            f"Write `{ACTION}`.",
            near.statement.place("Action"),
        )
    # Under another issuer no key can match: then the issuer is the cause.
    for condition in near.failing if near.principal is not None else ():
        why = causes.cause(condition, comparison.claims)
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


def _token_findings(comparison: TokenComparison) -> Iterator[Finding]:
    """What is wrong with the token, whatever the policy says."""
    claims, now = comparison.claims, datetime.now(UTC).timestamp()
    missing = [name for name in _NEEDED_CLAIMS if not claims.values.get(name)]
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        yield _finding(
            "TOKEN-INCOMPLETE", "The token lacks a claim that AWS needs", f"the token has no {listed}",
            "Pass all claims of the token, or configure the issuer to set them.",
        )  # fmt: skip
    # Of an issuer that AWS knows by its host alone it is not known which of both forms it takes.
    if claims.text("iss") and not claims.is_https and claims.host not in built_in():
        yield _finding(
            "TOKEN-ISSUER", "The issuer is not an https URL", f"`iss` is {quoted(claims.text('iss'))}",
            "Configure the issuer to put its https URL into `iss`.",
        )  # fmt: skip
    ends, begins = claims.times.get("exp"), claims.times.get("nbf")
    if ends is not None and ends + SKEW < now:
        yield _finding(
            "TOKEN-EXPIRED", "The token has expired",
            f"the token expired at {tables.moment(ends)}; AWS accepts it for five minutes after that",
            "Get a new token and exchange it at once.",
        )  # fmt: skip
    if begins is not None and begins - SKEW > now:
        yield _finding(
            "TOKEN-NOT-YET", "The token is not valid yet", f"it becomes valid at {tables.moment(begins)}",
            "Correct the clocks of the issuer and the caller.",
        )  # fmt: skip
    yield from _signature_findings(comparison)


def _signature_findings(comparison: TokenComparison) -> Iterator[Finding]:
    token, signature = comparison.token, comparison.signature
    if token is not None and not token.is_acceptable:
        algorithm = (
            f"`{token.algorithm}`" if token.algorithm else "an algorithm that is not registered"
        )
        unsigned = token.algorithm == "none"
        yield _finding(
            "TOKEN-ALGORITHM", "STS does not accept this kind of signature",
            f"the token is {'not signed at all (`alg` is `none`)' if unsigned else f'signed with {algorithm}'}",
            f"Configure the issuer to sign with one of {', '.join(ACCEPTED)}.",
        )  # fmt: skip
    elif signature in {Signature.INVALID, Signature.NO_KEY}:
        subject = "the signature is " if signature is Signature.INVALID else ""
        yield _finding(
            "TOKEN-SIGNATURE", "The signature does not prove the issuer", f"{subject}{signature.value}",
            "Get a new token from the issuer, and the keys that it signs with now.",
        )  # fmt: skip


def _control_findings(comparison: TokenComparison) -> Iterator[Finding]:
    """What STS refuses though the policy allows it: a claim of the tenant that no condition tests."""
    known, near = known_issuer(comparison.claims.host), comparison.nearest
    if known is None or near is None or not (known.checked_by_sts and known.requires):
        return
    tested = {met.claim.lower() for met in near.conditions}
    if known.requires not in tested:
        yield _finding(
            "TOKEN-CONTROL", "STS demands a condition that the policy lacks",
            f"for {known.title} STS refuses a call under a policy that does not test `{known.requires}`",
            f"Add a condition on {quoted(f'{comparison.claims.host}:{known.requires}')}.", near.statement.place("Condition"),
        )  # fmt: skip


def _deny_findings(comparison: TokenComparison) -> Iterator[Finding]:
    if comparison.decision.outcome != "ExplicitlyDenied":
        return
    statements = comparison.policy.statements
    by_place = {statement.node.where.pointer: statement for statement in statements}
    for because in comparison.decision.because:
        yield _finding(
            "TOKEN-DENY", "A Deny statement of the trust policy matches this token",
            "the token matches the Deny statement", "Exclude this caller from the Deny statement.",
            by_place[because.pointer].node.where,
        )  # fmt: skip


def _wrong_issuer(comparison: TokenComparison, near: StatementMatch) -> Finding:
    host = comparison.claims.host
    hosts = [host_of(principal) for principal in near.statement.principals]
    trusted = [found for found in hosts if found]
    if trusted:
        message = (
            f"the policy trusts {', '.join(map(quoted, trusted))}, but the token comes from {quoted(host)}"
            f"{_near_miss(trusted, host)}"
        )
    else:
        message = f"no principal of the statement is an OIDC provider; the token comes from {quoted(host)}"
    return _finding(
        "TOKEN-ISSUER", "The policy does not trust the token's issuer", message,
        f"Create the provider in the role's account, write {quoted(comparison.principal)} as the Federated principal, "
        "and put its host into every condition key.", near.statement.place("Principal"),
    )  # fmt: skip


def _near_miss(trusted: list[str], host: str) -> str:
    for other in trusted:
        if other.rstrip("/") == host.rstrip("/"):
            return ": they differ only by the slash at the end, which counts"
        if other.lower() == host.lower():
            return ": they differ only in upper and lower case"
    return ""


def _summary(comparison: TokenComparison, findings: tuple[Finding, ...], *, proved: bool) -> str:
    subject = comparison.claims.text("sub")
    token = f"the token of {quoted(subject)}" if subject else "the token"
    if comparison.decision.outcome != "Allowed":
        exact = f" {_EXACT}{''.join(_cautions(comparison))}" if proved else ""
        return f"Refused: the trust policy does not let in {token}: {_first(findings)}.{exact}"
    if findings:
        return f"The trust policy lets in {token}, but AWS refuses it anyway: {_first(findings)}."
    keys = _request_keys(comparison)
    condition = f", if the request meets the conditions on {keys}" if keys else ""
    if denying := _keys_of(comparison.denies):
        condition += f", unless a Deny statement refuses the request by {denying}"
    return (
        f"The trust policy lets in {token}{condition}. If AWS still refuses it, check that the provider exists in the "
        "role's account and has the token's audience among its client ids, that the signature is valid, and that no "
        "resource control policy denies the call."
    )


_EXACT = "trust-policy.json lets in exactly this caller, and none of those that the given policy lets in."


def _cautions(comparison: TokenComparison) -> Iterator[str]:
    """Why the caller should perhaps not get in at all."""
    subject = comparison.claims.text("sub")
    if subject.endswith(":pull_request"):
        yield (
            " A pull request runs its author's code before anybody has reviewed it: give such runs a role of their own that"
            " can only read."
        )
    own, trusted = _owner(comparison.claims.host, subject), _trusted_owners(comparison)
    if own and trusted and own.lower() not in {owner.lower() for owner in trusted}:
        listed = ", ".join(quoted(owner) for owner in sorted(trusted)[:3])
        yield (
            f" The token is of {quoted(own)}, and the given policy trusts {listed}: let it in only if it is yours."
        )


def _trusted_owners(comparison: TokenComparison) -> set[str]:
    """The owners in the subjects that the nearest statement lists for the token's issuer."""
    host, near = comparison.claims.host, comparison.nearest
    if near is None or near.principal is None:
        return set()
    listed = (v.value for met in near.conditions if met.claim == "sub" for v in met.condition.values)  # fmt: skip
    return {owner for value in listed if (owner := _owner(host, value)) and is_literal(owner)}


def _owner(host: str, subject: str) -> str:
    """The name of the tenant in a subject; empty where the issuer's subjects are not known to have one."""
    known = known_issuer(host)
    before = known.grammar.before_tenant if known and known.kind == "shared" else ""
    if not before or not subject.startswith(before):
        return ""
    return re.split(r"[/@:]", subject.removeprefix(before), maxsplit=1)[0]


def _first(findings: tuple[Finding, ...]) -> str:
    more = f"; {len(findings) - 1} more below" if len(findings) > 1 else ""
    return findings[0].message.rstrip(".") + more if findings else "no statement allows it"


def _request_keys(comparison: TokenComparison) -> str:
    """The keys of the nearest statement that depend on the request, not on the token."""
    return _keys_of((comparison.nearest,) if comparison.nearest else ())


def _keys_of(statements: tuple[StatementMatch, ...]) -> str:
    keys = dict.fromkeys(
        met.condition.key.value
        for statement in statements
        for met in statement.conditions
        if met.match is ConditionOutcome.BY_REQUEST
    )
    return ", ".join(map(quoted, tuple(keys)[:5]))


_NEXT = (
    next_call("irsa", "check", "whom else the trust policy lets in", ("document",)),
    next_call(
        "irsa",
        "guide",
        "the other reasons for which AWS refuses a token",
        topic="refused-with-assumerolewithwebidentity",
    ),
)
