"""Trust in pods: which service accounts of a cluster a trust policy accepts, and what EKS Pod Identity needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.account.collect.compute.eks_clusters import CLUSTERS
from aws_iam.answer import Severity
from aws_iam.engine.tokens.audience import missing_audience
from aws_iam.engine.tokens.subject_width import Width, subjects, values, widest
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import Example, trusting, trusting_issuer
from aws_iam.rules.outcomes import Fail
from aws_iam.rules.policy.trust import oidc_trust, saml_cognito_pods
from aws_iam.rules.policy.trust.token_scope import compared
from aws_iam.tools.irsa.checks.issuers import (
    CLUSTER,
    GOOD,
    IRSA,
    POD,
    POD_AUD,
    graded,
    is_denied_elsewhere,
    of_rule,
    trusted,
)
from aws_iam.tools.irsa.checks.subject import FACTS, Trust

if TYPE_CHECKING:
    from collections.abc import Iterator

_POD_ROLE = "https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html"
_BEST = "https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html"
_DEFAULT_ACCOUNT = re.compile("system:serviceaccount:(.*:)?default", re.DOTALL)
_BOTH = ["sts:AssumeRole", "sts:TagSession"]
_ONE_POD = {
    "StringEquals": {
        "aws:RequestTag/eks-cluster-arn": "arn:aws:eks:eu-west-1:111122223333:cluster/prod",
        "aws:RequestTag/kubernetes-namespace": "shop",
        "aws:RequestTag/kubernetes-service-account": "cart",
    }
}


def _pods(action: object, condition: object = None) -> Example:
    return trusting({"Service": "pods.eks.amazonaws.com"}, action, condition)


@check(
    "IRSA-NO-SUB",
    on=Trust,
    severity=Severity.CRITICAL,
    needs=FACTS,
    title=oidc_trust.any_pod.title,
    fix=oidc_trust.any_pod.fix,
    source=IRSA,
    bad=[trusting_issuer({"StringEquals": POD_AUD}, CLUSTER), trusting_issuer({}, CLUSTER)],
    good=[trusting_issuer(POD, CLUSTER), GOOD],
)
def any_pod(trust: Trust) -> Iterator[Fail]:
    """The cluster issues a token to every service account; only the sub claim says which one.

    False alarm when the cluster runs a single workload and nobody else can create pods.
    """
    for statement, provider in trusted(trust):
        tested = compared(provider, statement, "sub") or is_denied_elsewhere(
            trust, provider, "sub"
        )
        if provider.is_kubernetes and not tested:
            yield Fail(
                statement.place("Condition"),
                f"no condition compares {quoted(provider.key('sub'))} with a value",
                fix=f'Add "StringEquals": {{"{provider.key("sub")}": "system:serviceaccount:NAMESPACE:SERVICE_ACCOUNT"}}.',
            )


@check(
    "IRSA-NO-AUD",
    on=Trust,
    severity=Severity.MEDIUM,
    needs=FACTS,
    title="The audience of the service account's token is not required",
    fix="Add StringEquals on the issuer's aud key: sts.amazonaws.com.",
    source=IRSA,
    bad=[trusting_issuer({"StringEquals": {f"{CLUSTER}:sub": "system:serviceaccount:shop:cart"}}, CLUSTER)],
    good=[trusting_issuer(POD, CLUSTER), GOOD],
)  # fmt: skip
def pod_audience_not_tested(trust: Trust) -> Iterator[Fail]:
    """The cluster also signs tokens for other audiences, which pods give to other services.

    False alarm when no pod projects a token for another audience.
    """
    for statement, provider in trusted(trust):
        if provider.is_kubernetes and (lack := missing_audience(provider, statement)):
            yield Fail(
                lack[1],
                lack[0],
                fix=f'Add "StringEquals": {{"{provider.key("aud")}": "sts.amazonaws.com"}}.',
            )


@check(
    "IRSA-WILD",
    on=Trust,
    severity=Severity.CRITICAL,
    needs=FACTS,
    title="The pattern matches several service accounts of the cluster",
    fix="Write the namespace and the service account in full.",
    source=IRSA,
    bad=[
        trusting_issuer({"StringEquals": POD_AUD, "StringLike": {f"{CLUSTER}:sub": "system:serviceaccount:*:*"}}, CLUSTER),
        trusting_issuer({"StringEquals": POD_AUD, "StringLike": {f"{CLUSTER}:sub": "system:serviceaccount:shop:*"}}, CLUSTER),
    ],
    good=[trusting_issuer(POD, CLUSTER), GOOD],
)  # fmt: skip
def several_pods(trust: Trust) -> Iterator[Fail]:
    """Anyone who can create pods in one of the matching namespaces gets the role's permissions.

    False alarm when all matching service accounts are meant and have the same owner.
    """
    for statement, provider in trusted(trust):
        subject = widest(provider, statement) if provider.is_kubernetes else None
        if subject and subject.width in oidc_trust.PODS_THAT_FIT:
            yield Fail(
                subject.value.where,
                f"{quoted(subject.value.value)} matches {oidc_trust.PODS_THAT_FIT[subject.width]}",
                severity=_SEVERAL_PODS.get(subject.width),
                fix="Write `system:serviceaccount:NAMESPACE:SERVICE_ACCOUNT` under StringEquals.",
            )


_SEVERAL_PODS = {
    Width.NAMES: Severity.MEDIUM,
    Width.ANY_RUN: Severity.MEDIUM,
    Width.TENANT: Severity.HIGH,
}


@check(
    "IRSA-DEFAULT-SA",
    on=Trust,
    severity=Severity.MEDIUM,
    needs=FACTS,
    title="The role is for the service account `default`",
    fix="Create a service account for the workload and name it in the pods.",
    source=_BEST,
    bad=[
        trusting_issuer({"StringEquals": {**POD_AUD, f"{CLUSTER}:sub": "system:serviceaccount:shop:default"}}, CLUSTER)
    ],
    good=[trusting_issuer(POD, CLUSTER)],
)  # fmt: skip
def default_account(trust: Trust) -> Iterator[Fail]:
    """Every pod of the namespace that names no service account runs as `default`.

    False alarm when the namespace runs one workload only.
    """
    for statement, provider in trusted(trust):
        for _, value in values(subjects(provider, statement)) if provider.is_kubernetes else ():
            if _DEFAULT_ACCOUNT.fullmatch(value.value):
                yield Fail(
                    value.where,
                    f"{quoted(value.value)} is used by every pod of the namespace that names no service account",
                )


@check(
    "PID-NO-TAGSESSION",
    on=Trust,
    severity=Severity.HIGH,
    needs=(*FACTS, CLUSTERS),
    title="EKS Pod Identity is not allowed to tag the session",
    fix="Allow sts:TagSession in addition to sts:AssumeRole, or turn session tags off in the association.",
    source=_POD_ROLE,
    bad=[_pods("sts:AssumeRole", _ONE_POD), (_pods("sts:AssumeRole"), {"tags": True})],
    good=[_pods(_BOTH, _ONE_POD), (_pods("sts:AssumeRole"), {"tags": False}), GOOD],
)
def untagged(trust: Trust) -> Iterator[Fail]:
    """The service tags each session with the cluster, namespace and service account unless the association turns that off; without the permission pods get no credentials.

    False alarm when every association of the role has session tags turned off.
    """
    if trust.tags is False:
        return
    for problem in saml_cognito_pods.untagged_pods.failures(trust.policy):
        yield graded(problem)


@check(
    "PID-TRUST-OPEN",
    on=Trust,
    severity=Severity.MEDIUM,
    needs=FACTS,
    title="Any pod of any cluster in the account can get the role",
    fix='Add "StringEquals" on aws:RequestTag/eks-cluster-arn, aws:RequestTag/kubernetes-namespace and aws:RequestTag/kubernetes-service-account.',
    source=_POD_ROLE,
    bad=[_pods(_BOTH)],
    good=[_pods(_BOTH, _ONE_POD), _pods(_BOTH, {"StringEquals": {"aws:SourceOrgID": "o-exampleorg"}}), GOOD],
)  # fmt: skip
def any_pod_of_account(trust: Trust) -> Iterator[Fail]:
    """Anyone who can create associations and pass the role chooses the pod; the trust policy can name the pod that it is meant for.

    False alarm when only a trusted pipeline can create associations.
    """
    yield from of_rule(trust, saml_cognito_pods.any_pod_of_account)
