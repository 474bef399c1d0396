"""Manifests for pods: ServiceAccount, Deployment, association, eksctl configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.tokens.role_trust import may_assume
from aws_iam.tools.irsa.manifest.parts import Ask, File, Manifest, file
from aws_iam.tools.irsa.providers.creation import policy
from aws_iam.tools.irsa.providers.kubernetes import default_account

if TYPE_CHECKING:
    from collections.abc import Mapping

_STRICT = "kubernetes-validate (strict)"
_EKSCTL = "a JSON schema after eksctl's own"
_CLI = "awscli's parser, botocore's models"
_IMAGE = "registry.example.com/app:1.0.0"
_LONGEST_LABEL = 63
_ONE_WAY = (
    "the association by association.sh or by cluster.yaml, not both; CloudFormation and Terraform write it with `format` "
    "of trust_policy"
)
_GUIDE = "https://docs.aws.amazon.com/eks/latest/userguide"


def irsa(ask: Ask) -> Manifest:
    """The annotated ServiceAccount, a Deployment that uses it, and the same for eksctl where the cluster is named."""
    values = _values(ask)
    # The webhook's own default needs no annotation.
    unusual = ask.audience not in ("", "sts.amazonaws.com")
    account = file(
        "service-account-irsa.yaml",
        "service-account.yaml",
        _STRICT,
        place="kubectl apply -f",
        values={**values, "Audience": ask.audience if unusual else None},
    )
    return Manifest(
        files=(account, _deployment(values), *_cluster("cluster-irsa.yaml", ask, values)),
        source=f"{_GUIDE}/associate-service-account-role.html",
        placeholders=_placeholders(ask),
        notes=(
            *default_account(values["ServiceAccount"] or ""),
            "pods from before the annotation do not have the role: kubectl rollout restart",
        ),
    )


def pod_identity(ask: Ask) -> Manifest:
    """The plain ServiceAccount, a Deployment, the association, and the same for eksctl."""
    values = _values(ask)
    account = file(
        "service-account.yaml",
        "service-account.yaml",
        _STRICT,
        place="kubectl apply -f",
        values=values,
    )
    association = file(
        "association.sh", "association.sh", _CLI, place="once, from a shell", values=values
    )
    return Manifest(
        files=(
            account,
            _deployment(values),
            association,
            *_cluster("cluster-pod-identity.yaml", ask, values),
            *_target(ask),
        ),
        source=f"{_GUIDE}/pod-id-association.html",
        placeholders=_placeholders(ask),
        notes=(
            *default_account(values["ServiceAccount"] or ""),
            "the ServiceAccount needs no annotation: one that names a role would only mislead",
            _ONE_WAY,
        ),
    )


def _values(ask: Ask) -> dict[str, str | None]:
    names = ask.names
    account = names.need("service_account", "service_account")
    return {
        "RoleArn": ask.role,
        "ServiceAccount": account,
        "Namespace": names.need("namespace", "namespace"),
        "Label": account[:_LONGEST_LABEL].rstrip(".-"),
        "Cluster": (names.cluster or "").rpartition("/")[2] or None,
        "Region": ask.written_region,
        "TargetRole": names.target_role,
    }


def _deployment(values: Mapping[str, str | None]) -> File:
    return file(
        "deployment.yaml", "deployment.yaml", _STRICT, place="kubectl apply -f", values=values
    )


def _cluster(asset: str, ask: Ask, values: Mapping[str, str | None]) -> tuple[File, ...]:
    """The configuration for eksctl, which has to name the cluster."""
    if not ask.names.cluster:
        return ()
    return (file(asset, "cluster.yaml", _EKSCTL, place="eksctl … -f", values=values),)


def _target(ask: Ask) -> tuple[File, ...]:
    """What lets the association's role reach the target role: one policy in each of both accounts."""
    target = ask.names.target_role
    if not target or not ask.pods:
        return ()
    trust = policy("target-trust-policy.json", ask.pods.target_trust(ask.role))
    needed = policy("assume-target-role.json", may_assume(target))
    return (
        File(artifact=trust, place=f"the trust policy of {target}"),
        File(artifact=needed, place=f"a policy of {ask.role}"),
    )


def _placeholders(ask: Ask) -> tuple[str, ...]:
    guessed = (ask.written_region,) if ask.names.cluster and not ask.region else ()
    return (_IMAGE, *guessed)
