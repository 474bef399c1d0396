"""Callers of workload roles, and the trust policy that admits exactly one of them."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.reference.issuers import issuer_of
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.tokens.claims import Claims

_PODS = "pods.eks.amazonaws.com"
_WITH_TAGS = ("sts:AssumeRole", "sts:TagSession")


@slotted
class TokenCaller:
    """A workload identified by a token: issuer (without https://), audience and subject.

    `open_subject`: the end of the subject changes with every run, so `subject` is a pattern that ends in `*`. `claims`
    has further claims that AWS maps to condition keys for this issuer.
    """

    sid: str
    issuer: str
    audience: str
    subject: str
    open_subject: bool = False
    claims: Mapping[str, str] = field(default_factory=dict)

    def provider_arn(self, account: str, partition: str) -> str:
        """The ARN of the OIDC provider that the account needs for this issuer; a built-in one is its own principal."""
        if self.is_built_in:
            return self.issuer
        return f"arn:{partition}:iam::{account}:oidc-provider/{self.issuer}"

    @property
    def is_built_in(self) -> bool:
        """Whether AWS knows the issuer without a provider in the account."""
        known = issuer_of(self.issuer)
        return known is not None and known.built_in

    def trust(self, account: str, partition: str) -> dict[str, Any]:
        """The trust policy: it always tests audience and subject, and never with `ForAllValues` or `IfExists`."""
        exact = {f"{self.issuer}:aud": self.audience}
        subject = {f"{self.issuer}:sub": self.subject}
        claims = {f"{self.issuer}:{name}": value for name, value in self.claims.items()}
        # Under StringEquals `*` is an ordinary character and would never match.
        condition: dict[str, dict[str, str]] = (
            {"StringEquals": {**exact, **claims}, "StringLike": subject}
            if self.open_subject
            else {"StringEquals": {**exact, **subject, **claims}}
        )
        return _policy(
            {
                "Sid": self.sid,
                "Effect": "Allow",
                "Principal": {"Federated": self.provider_arn(account, partition)},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": condition,
            }
        )


def caller_of_token(claims: Claims) -> TokenCaller | None:
    """The workload that a token identifies and nobody else; None without a subject or a single audience."""
    subject, audience = claims.text("sub"), claims.audience
    if not (claims.host and subject and len(audience) == 1):
        return None
    known = issuer_of(claims.host)
    changing_end = known.grammar.changing_end if known else None
    found = changing_end.fullmatch(subject) if changing_end else None
    ids = known.immutable_ids if known else ()
    return TokenCaller(
        sid="ExactlyThisCaller",
        issuer=claims.host,
        audience=audience[0],
        subject=f"{found['fixed']}*" if found else subject,
        open_subject=bool(found),
        claims={name: claims.text(name) for name in ids if claims.text(name)},
    )


@slotted
class PodCaller:
    """The pods of one ServiceAccount, which get a role through EKS Pod Identity; the cluster is an ARN or a name."""

    cluster: str
    namespace: str
    service_account: str

    @property
    def tags(self) -> dict[str, str]:
        """The session tags that EKS sets for these pods, as condition keys of the request."""
        tag = "eks-cluster-arn" if self.cluster.startswith("arn:") else "eks-cluster-name"
        return {
            f"aws:RequestTag/{tag}": self.cluster,
            "aws:RequestTag/kubernetes-namespace": self.namespace,
            "aws:RequestTag/kubernetes-service-account": self.service_account,
        }

    def trust(self) -> dict[str, Any]:
        """The trust policy, which tests the session tags that EKS sets with sts:TagSession."""
        return _policy(
            {
                "Sid": "PodIdentity",
                "Effect": "Allow",
                "Principal": {"Service": _PODS},
                "Action": [*_WITH_TAGS],
                "Condition": {"StringEquals": self.tags},
            }
        )

    def target_trust(self, role: str) -> dict[str, Any]:
        """The trust policy of the target role, which EKS assumes with the association's role and the same tags.

        The principal is the account and a condition names the role, so that the role can be deleted and recreated.
        """
        _, partition, _, _, account, _ = role.split(":", 5)
        return _policy(
            {
                "Sid": "PodIdentityTarget",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
                "Action": [*_WITH_TAGS],
                "Condition": {
                    "StringEquals": self.tags,
                    "ArnEquals": {"aws:PrincipalArn": role},
                },
            }
        )


def may_assume(target: str) -> dict[str, Any]:
    """The policy that the association's role needs to assume the target role."""
    return _policy(
        {
            "Sid": "AssumeTargetRole",
            "Effect": "Allow",
            "Action": [*_WITH_TAGS],
            "Resource": target,
        }
    )


def _policy(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}
