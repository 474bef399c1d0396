"""Role trust policies for workloads: who is let in, as a value, and the policy that lets in exactly that caller."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Mapping

_PODS = "pods.eks.amazonaws.com"
_WITH_TAGS = ("sts:AssumeRole", "sts:TagSession")


@slotted
class TokenCaller:
    """A workload known by a token: its issuer (without https://), audience and subject.

    `open_subject` says that the subject's end changes from run to run, so that it is a pattern ending in `*`; `claims`
    are further ones that AWS maps for this issuer.
    """

    sid: str
    issuer: str
    audience: str
    subject: str
    open_subject: bool = False
    claims: Mapping[str, str] = field(default_factory=dict)

    def provider_arn(self, account: str, partition: str) -> str:
        """The ARN of the OIDC provider that the account needs for this issuer."""
        return f"arn:{partition}:iam::{account}:oidc-provider/{self.issuer}"

    def trust(self, account: str, partition: str) -> dict[str, Any]:
        """The trust policy: audience and subject are always tested, and nothing by `ForAllValues` or `IfExists`."""
        exact = {f"{self.issuer}:aud": self.audience}
        subject = {f"{self.issuer}:sub": self.subject}
        claims = {f"{self.issuer}:{name}": value for name, value in self.claims.items()}
        # Under StringEquals a `*` is a character like any other and would never match.
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


@slotted
class PodCaller:
    """Pods of one ServiceAccount that get the role through EKS Pod Identity; the cluster by ARN or name."""

    cluster: str
    namespace: str
    service_account: str

    @property
    def tags(self) -> dict[str, str]:
        """The session tags that EKS sets for these pods, as a policy tests them in the request."""
        tag = "eks-cluster-arn" if self.cluster.startswith("arn:") else "eks-cluster-name"
        return {
            f"aws:RequestTag/{tag}": self.cluster,
            "aws:RequestTag/kubernetes-namespace": self.namespace,
            "aws:RequestTag/kubernetes-service-account": self.service_account,
        }

    def trust(self) -> dict[str, Any]:
        """The trust policy, which tests the session tags that EKS sets; they need sts:TagSession."""
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

        The account is the principal and the role a condition: a role that is deleted and made anew keeps its place.
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
    """What the association's role needs in its own policies, to reach the target role."""
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
