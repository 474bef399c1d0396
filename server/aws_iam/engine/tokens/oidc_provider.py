"""OIDC providers in a trust policy: which conditions test their tokens, and how many tenants a value admits."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.issuers import (
    Issuer,
    claims_naming,
    issuer_of,
    issuers,
    mapped_claims,
    pods_grammar,
)
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.engine.language.document import Condition, Principal, Statement
    from aws_iam.engine.reference.subject_grammar import SubjectGrammar

_OIDC_HOST = re.compile(r":oidc-provider/(.+)$")
_EKS = re.compile(r"oidc\.eks\.[^/]+/id/.+|oidc-eks\.[^/]+/id/.+")
_ACCOUNTS = "system:serviceaccount:"
# Claims that identify the tenant for every issuer.
_TENANT_CLAIMS = frozenset({"sub", "email"})
# https://docs.github.com/en/actions/reference/security/oidc: the workflow that is called, in whatever repository.
_CALLED_WORKFLOW = "job_workflow_ref"
_SERVERS = (
    (re.compile(r"project_path:"), "gitlab"),
    (re.compile(r"organization:[^:]+:project:"), "hcp_terraform"),
    (re.compile(r"spiffe://"), "spiffe"),
    (re.compile(r"https://[^/]+/(?:job/|\*)"), "jenkins"),
)
IDENTITY_POOLS = "cognito-identity.amazonaws.com"
"""The issuer of all identity pools of Amazon Cognito."""
NOT_KNOWN_YET = ".invalid"
"""What hosts end with that stand for issuers known only at deployment: no issuer has such a host (RFC 2606)."""
ALWAYS = frozenset({"sub", "aud"})
"""Claims that are in every token."""
# IAM User Guide, reference_policies_iam-condition-keys: the id of an app of Facebook or of Login with Amazon.
_APP = "app_id"
# https://developers.google.com/identity/protocols/oauth2: the client ids of apps in which people sign in.
_CLIENT = ".apps.googleusercontent.com"
_WORD = re.compile(r"[A-Za-z_]*:?")
_LONGEST_PRINCIPAL = 2_048
MOST_PRINCIPALS = 20


@slotted
class Provider:
    """A trusted OIDC provider; `host` is its issuer without https://, as written."""

    principal: Principal
    host: str
    issuer: Issuer | None
    alike: Issuer | None = None
    """The issuer whose subjects those of an unknown one look like: of GitLab, HCP Terraform, Jenkins or SPIRE on a server of one's own."""
    is_kubernetes: bool = False
    """Whether the issuer is a Kubernetes cluster: private, but shared by all pods of the cluster."""

    @property
    def required(self) -> str:
        """The claim that identifies the tenant; empty when the issuer has only one tenant."""
        if self.is_kubernetes:
            return "sub"
        return (self.issuer.requires if self.issuer else None) or ""

    @property
    def grammar(self) -> SubjectGrammar | None:
        """How the issuer writes subjects; None where nothing is known of it."""
        if self.is_kubernetes:
            return pods_grammar()
        known = self.issuer or self.alike
        return known.grammar if known else None

    def key(self, claim: str) -> str:
        """The condition key of a claim, with the issuer in its own case."""
        return claim if claim.startswith("sts:") else f"{self.host}:{claim}"

    def on(self, statement: Statement, claim: str) -> tuple[Condition, ...]:
        """The conditions on a claim."""
        return statement.conditions_on(self.key(claim).lower())

    def claim(self, condition: Condition) -> str:
        """The claim that the condition tests, in lower case; empty when it tests something else."""
        key = claim_key(condition.name)
        return key.claim if key and not key.decoration and self.is_host_of(key) else ""

    def is_host_of(self, key: ClaimKey) -> bool:
        """Whether the key names the issuer; a slash at its end belongs to it."""
        return key.host.lower() == self.host.lower()

    def is_identified(self, statement: Statement) -> bool:
        """Whether a condition on the tenant's claim is not needed, as another claim names one caller."""
        return any(
            condition.demanded and all(is_literal(value.value) for value in condition.values)
            for claim in (self.issuer.instead if self.issuer else ())
            for condition in self.on(statement, claim)
        )

    def maps(self, claim: str) -> bool:
        """Whether AWS maps the claim to a condition key."""
        return claim in _mapped(self.host)

    def always_has(self, claim: str) -> bool:
        """Whether every request with a token of the issuer has the claim."""
        # https://openid.net/specs/openid-connect-core-1_0.html#IDToken; AWS requires the name of the session.
        if claim == "sts:RoleSessionName":
            return True
        of_issuer = self.issuer.in_every_token if self.issuer else ()
        return (claim in ALWAYS or claim in of_issuer) and self.maps(claim)

    def compares(self, condition: Condition, claim: str) -> bool:
        """Whether only tokens with one of the values of the condition on the claim meet it."""
        return condition.demanded or bool(
            condition.values
            and condition.base != "Null"
            and not condition.negated
            and self.always_has(claim)
        )

    def is_pinned(self, statement: Statement, *, beside: str = "") -> bool:
        """Whether a condition on a claim other than `beside`, by default the required one, keeps strangers out."""
        left_out = beside or self.required
        return any(
            self.compares(condition, claim)
            and all(self.names_tenant(claim, pattern) for pattern in patterns(condition))
            for claim in self.tenant_claims - {left_out}
            for condition in self.on(statement, claim)
        )

    def names_called_workflow(self, statement: Statement) -> bool:
        """Whether a condition names the owner of the workflow that is called, which says nothing of the caller."""
        return any(
            condition.demanded and all("/" in _head(value.value) for value in condition.values)
            for condition in self.on(statement, _CALLED_WORKFLOW)
        )

    @property
    def is_shared(self) -> bool:
        """Whether strangers get tokens of the same issuer."""
        return self.issuer is not None and self.issuer.kind == "shared"

    @property
    def tenant_claims(self) -> frozenset[str]:
        """The claims whose values can keep other tenants out."""
        return frozenset({self.required, *_TENANT_CLAIMS, *claims_naming("tenant")} - {""})

    @property
    def tenant_keys(self) -> frozenset[str]:
        """The condition keys of these claims, in lower case."""
        return frozenset(self.key(claim).lower() for claim in self.tenant_claims)

    def carries(self, key: str) -> bool:
        """Whether requests with the provider's tokens can carry the condition key, given in lower case."""
        host, _, claim = key.partition(":")
        if "." not in host:
            return True
        return host == self.host.lower() and self.maps(claim)

    def admits_strangers(self, key: str, pattern: str) -> bool:
        """Whether values of one of the tenant keys that match the pattern occur in tokens of strangers."""
        claim = next(c for c in self.tenant_claims if self.key(c).lower() == key)
        return names_app(self.host, claim, pattern) or not self.names_tenant(claim, pattern)

    def names_tenant(self, claim: str, pattern: str) -> bool:
        """Whether only the tokens of one tenant have a value of the claim that matches the pattern.

        An id or a name that a wildcard cuts off may be anybody's. What a variable stands for is not known.
        """
        pattern = pattern.replace("${*}", "x").replace("${?}", "x")
        if "${" in pattern:
            return True
        if claim == "sub" and self.issuer:
            return self.issuer.grammar.names_tenant(pattern)
        if claim == "repository":
            return "/" in _head(pattern)
        if claim == "email":
            return is_literal(pattern.rpartition("@")[2])
        form = self.issuer.tenant_audience if self.issuer and claim == "aud" else None
        return is_literal(pattern) and not (form and not form.fullmatch(pattern))

    def is_open(self, pattern: str) -> bool:
        """Whether a subject, as a pattern, is that of pods of every namespace, or begins with no name of a tenant."""
        head = _head(pattern.replace("${*}", "x").replace("${?}", "x"))
        if head == pattern or "${" in pattern:
            return False
        if self.is_kubernetes:
            return _ACCOUNTS.startswith(head)
        return bool(_WORD.fullmatch(head))


def _head(pattern: str) -> str:
    """What stands before the first wildcard."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


def patterns(condition: Condition) -> Iterator[str]:
    """The values as patterns: under an operator that compares in full a wildcard is an ordinary character."""
    like = "Like" in condition.base
    for value in condition.values:
        yield value.value if like else value.value.replace("*", "${*}").replace("?", "${?}")


def names_app(host: str, claim: str, value: str) -> bool:
    """Whether the claim names an app of an issuer that people sign in with: every user of the app has such tokens."""
    issuer = known_issuer(host)
    if issuer is None or not issuer.built_in:
        return False
    return claim == _APP or (claim == "aud" and value.endswith(_CLIENT))


def known_issuer(host: str) -> Issuer | None:
    """The known issuer: hosts are compared without case, but the ids of some issuers are in upper case."""
    return issuer_of(host) or issuer_of(host.lower())


def is_cluster(host: str) -> bool:
    """Whether the issuer is known to be a Kubernetes cluster."""
    known = known_issuer(host)
    return is_eks(host) or (known is not None and known.kubernetes)


def is_eks(host: str) -> bool:
    """Whether the issuer is a cluster of EKS."""
    return bool(_EKS.fullmatch(host.lower()))


def _is_kubernetes(host: str, known: Issuer | None, statement: Statement | None) -> bool:
    """Whether the issuer is a cluster: a known one, or one whose subjects are those of service accounts."""
    if known or statement is None or is_cluster(host):
        return is_cluster(host)
    return any(subject.startswith(_ACCOUNTS) for subject in _subjects(host, statement))


def _subjects(host: str, statement: Statement) -> Iterator[str]:
    for condition in statement.conditions_on(f"{host}:sub".lower()):
        for value in condition.values:
            yield value.value


def _alike(host: str, statement: Statement) -> Issuer | None:
    for subject in _subjects(host, statement):
        for pattern, issuer in _SERVERS:
            if pattern.match(subject):
                return _issuer_like(issuer)
    return None


def gitlab_of(subject: str) -> Issuer | None:
    """GitLab, when only its servers write such subjects."""
    return _issuer_like("gitlab") if _SERVERS[0][0].match(subject) else None


def _issuer_like(issuer: str) -> Issuer:
    return next(known for known in issuers() if known.id == issuer)


# Validating trust policies for OIDC takes 1.15 times as long without the memo.
@lru_cache(maxsize=512)
def _mapped(host: str) -> frozenset[str]:
    known = host if issuer_of(host) else host.lower()
    return frozenset(map(str.lower, mapped_claims(known)))


def host_of(principal: Principal) -> str:
    """The issuer of an OIDC provider as written; empty for any other principal."""
    if principal.type != "Federated" or len(principal.value) > _LONGEST_PRINCIPAL:
        return ""
    match = _OIDC_HOST.search(principal.value)
    if match:
        return match[1]
    return principal.value if principal.value in built_in() else ""


# An issuer's URL and a provider's ARN both contain its host, which alone stands in a condition key.
DECORATION = re.compile(
    r"(?:https?://|(?:arn:[^:/]*:iam:[^:/]*:[^:/]*:)?oidc-provider/)+", re.IGNORECASE
)
# The keys of a web identity's request that AWS fills in, whoever the issuer is.
_OF_AWS = frozenset({"aws", "sts"})


@slotted
class ClaimKey:
    """A condition key on a claim. No request has a key with a `decoration`: `https://`, or the ARN up to the host."""

    host: str
    claim: str
    decoration: str = ""


def claim_key(key: str) -> ClaimKey | None:
    """The parts of a key that names an issuer; None for AWS's own keys, and for one that a template completes."""
    found = DECORATION.match(key)
    decoration = found[0] if found else ""
    host, _, claim = key.removeprefix(decoration).partition(":")
    if "${" in host or (host.lower() in _OF_AWS and not decoration):
        return None
    return ClaimKey(host=host, claim=claim, decoration=decoration)


def built_in() -> frozenset[str]:
    """The issuers that are principals by their host, without a provider in IAM."""
    return frozenset(issuer.issuer for issuer in issuers() if issuer.built_in)


def providers(statement: Statement) -> Iterator[Provider]:
    """The OIDC providers that an Allow trusts; patterns and variables are left out, as they name no known provider."""
    # Each is compared with each condition. A statement that AWS accepts has far fewer.
    for principal in statement.principals[:MOST_PRINCIPALS] if statement.allows else ():
        provider = provider_of(principal, statement)
        if provider:
            yield provider


def provider_of(principal: Principal, statement: Statement | None = None) -> Provider | None:
    """The OIDC provider that a principal names; None for other principals, patterns and variables.

    The subjects of the statement say of an unknown issuer whether it is a cluster.
    """
    host = host_of(principal)
    if not host or re.search(r"[*?]|\$\{", host):
        return None
    known = known_issuer(host)
    return Provider(
        principal=principal,
        host=host,
        issuer=known,
        alike=_alike(host, statement) if statement and known is None else None,
        is_kubernetes=_is_kubernetes(host, known, statement),
    )
