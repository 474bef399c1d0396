"""Issuers of web identity tokens, and which claims reach a trust policy; from `assets/data/oidc-issuers/`.

Each file there holds the issuers of one provider of `irsa`; `generic.json` holds all other known issuers.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Literal

from aws_iam import resources
from aws_iam.engine.language.memo import ByWord
from aws_iam.engine.reference.subject_grammar import SubjectGrammar, subject_grammar
from aws_iam.frozen import slotted

_FOLDER = "oidc-issuers"
# https://kubernetes.io/docs/reference/access-authn-authz/authentication/#service-account-tokens
_PODS: dict[str, Any] = {
    "labels": ["system:serviceaccount"],
    "every_run_begins": ["*"],
    "one_kind": ["*"],
    "form": "system:serviceaccount:NAMESPACE:SERVICE_ACCOUNT",
    "forms": ["system:serviceaccount:<label>:<lower>"],
}


@slotted
class Issuer:
    """One issuer, or one family of issuers.

    `kind` is `shared` when all customers have one URL; `requires` is the claim that AWS then requires policies to test.
    `claims` are the claims that become condition keys. A built-in issuer is a principal without a provider in IAM.
    """

    id: str
    title: str
    provider: str
    """The provider of `irsa trust_policy` for it."""
    issuer: str
    pattern: re.Pattern[str]
    kind: Literal["shared", "private"]
    audience: tuple[str, ...]
    requires: str | None
    claims: tuple[str, ...]
    subject: tuple[str, ...]
    sources: tuple[str, ...]
    grammar: SubjectGrammar
    tenant_claims: tuple[str, ...] = ()
    """Claims that identify the tenant: a condition on one of them keeps other tenants out."""
    project_claims: tuple[str, ...] = ()
    """Claims that name the project."""
    run_claims: tuple[str, ...] = ()
    """Claims that name what runs: a branch, an environment, a workflow."""
    immutable_ids: tuple[str, ...] = ()
    """The claims among them that stay when a name is given up and somebody else takes it."""
    in_every_token: tuple[str, ...] = ()
    """Mapped claims that no token of the issuer lacks, beside those that no token of any issuer lacks."""
    outer_ids: tuple[str, ...] = ()
    """Immutable ids of what holds several tenants."""
    tenant_audience: re.Pattern[str] | None = None
    """The audiences that name the tenant, where the audience is the claim that AWS requires and others can occur."""
    instead: tuple[str, ...] = ()
    """Claims that identify one caller by themselves, so that the required one adds nothing."""
    checked_by_sts: bool = False
    """Whether STS, too, refuses tokens under a policy that does not test the required claim."""
    notes: tuple[str, ...] = ()
    built_in: bool = False
    kubernetes: bool = False
    """Whether it is a cluster's: private, but shared by all pods of the cluster."""


@cache
def issuers() -> tuple[Issuer, ...]:
    """Every known issuer."""
    return tuple(
        _issuer(provider, row) for provider, data in _files().items() for row in _rows(data)
    )


def issuer_of(host: str) -> Issuer | None:
    """The known issuer with this host and path (without https://); None for a private one."""
    return _BY_HOST[host]


def _first_fitting(host: str) -> Issuer | None:
    return next((issuer for issuer in issuers() if issuer.pattern.fullmatch(host)), None)


# To judge one trust policy takes a hundred and more questions about one host.
_BY_HOST = ByWord(_first_fitting, of_reference=False, most=4096)


def is_pinned(host: str) -> bool:
    """Whether the issuer is known by its host: the pattern of a self-hosted product fits any server."""
    known = issuer_of(host)
    return known is not None and not known.pattern.fullmatch(
        f"any.invalid/{host.partition('/')[2]}"
    )


def issuers_of(provider: str) -> tuple[Issuer, ...]:
    """The issuers of that provider of `irsa`."""
    return tuple(issuer for issuer in issuers() if issuer.provider == provider)


def mapped_claims(host: str) -> frozenset[str]:
    """The claims of this issuer that become condition keys; conditions on other claims never match."""
    known = issuer_of(host)
    return frozenset(known.claims if known else _default_claims())


@cache
def pods_grammar() -> SubjectGrammar:
    """How every Kubernetes cluster writes the subjects of its service accounts."""
    return subject_grammar(_PODS)


@cache
def claims_naming(what: Literal["tenant", "project", "run"]) -> frozenset[str]:
    """The claims of any issuer that name the tenant, the project or the run."""
    return frozenset(claim for issuer in issuers() for claim in getattr(issuer, f"{what}_claims"))


def as_of() -> str:
    """The date of the data: that of the oldest file."""
    return min(str(data["as_of"]) for data in _files().values())


def _files() -> dict[str, dict[str, Any]]:
    paths = resources.listing(f"assets/data/{_FOLDER}", ".json")
    return {path.stem: resources.data(f"{_FOLDER}/{path.name}") for path in paths}


def _rows(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The issuers of one file, each with what the file says of all of them."""
    return [{**data.get("every_issuer", {}), **row} for row in data["issuers"]]


def _default_claims() -> list[str]:
    claims: list[str] = resources.data(f"{_FOLDER}/generic.json")["default_claims"]
    return claims


def _issuer(provider: str, row: dict[str, Any]) -> Issuer:
    defaults = () if row.get("only_these_claims") else _default_claims()
    claims = (*defaults, *row["claims"])
    return Issuer(
        id=row["id"],
        title=row["title"],
        provider=provider,
        issuer=row["issuer"],
        # An issuer at an address of its owner's is not recognised by it.
        pattern=re.compile(row["pattern"] or "(?!)"),
        kind=row["kind"],
        audience=tuple(row["audience"]),
        requires=row["requires"],
        claims=claims,
        subject=tuple(row["subject"]),
        sources=tuple(row["sources"]),
        grammar=subject_grammar(
            _PODS if row.get("kubernetes") else row.get("subject_grammar", {})
        ),
        tenant_claims=tuple(row.get("tenant_claims", ())),
        project_claims=tuple(row.get("project_claims", ())),
        run_claims=tuple(row.get("run_claims", ())),
        immutable_ids=tuple(name for name in row.get("immutable_ids", ()) if name in claims),
        in_every_token=tuple(row.get("in_every_token", ())),
        outer_ids=tuple(row.get("outer_ids", ())),
        tenant_audience=re.compile(row["tenant_audience"]) if "tenant_audience" in row else None,
        instead=tuple(row.get("instead", ())),
        checked_by_sts=row.get("checked_by_sts", False),
        notes=tuple(row.get("notes", ())),
        built_in=row.get("built_in", False),
        kubernetes=row.get("kubernetes", False),
    )
