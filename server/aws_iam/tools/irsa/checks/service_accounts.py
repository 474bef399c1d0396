"""IRSA in an account: shared roles, annotations that do not match, trust in service accounts that do not exist."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.answer import Severity
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.parsing.json_nodes import Form
from aws_iam.engine.sources.kubernetes_objects import ANNOTATIONS, PREFIX, ROLE
from aws_iam.engine.tokens.oidc_provider import providers
from aws_iam.errors import NotCollected, closest
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.outcomes import Fail, unread
from aws_iam.tools.irsa.checks.manifests import account_misfits, pod_misfits, pod_trusts
from aws_iam.tools.irsa.checks.roles import read, trusting
from aws_iam.tools.irsa.checks.roles import roles as roles_of
from aws_iam.tools.irsa.checks.samples import (
    for_github,
    for_pod_identity,
    for_pods_of,
    pod,
    role,
    role_arn,
    roles,
    service_account,
    workloads,
)
from aws_iam.tools.irsa.checks.subject import Trust, Workloads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.identity.authorization import Role
    from aws_iam.engine.language.document import Policy, Text
    from aws_iam.engine.sources.kubernetes_objects import Pods, ServiceAccount
    from aws_iam.rules.outcomes import Outcome

_BEST = "https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html"
_ASSOCIATE = "https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html"
_POD = "system:serviceaccount:"
_PARTS = 2
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/.+")
_OTHER = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"


def _subjects(policy: Policy) -> Iterator[tuple[str, Text]]:
    """The service accounts that a trust policy names, with the cluster's issuer."""
    for statement in policy.statements:
        for provider in providers(statement):
            if not provider.is_kubernetes:
                continue
            for condition in (c for c in provider.on(statement, "sub") if c.demanded):
                for value in condition.values:
                    if value.value.startswith(_POD):
                        yield provider.host, value


def _names(subject: str) -> tuple[str, str]:
    parts = subject.removeprefix(_POD).split(":")
    return (parts[0], parts[1]) if len(parts) == _PARTS else ("", "")


def _trusting_roles(at: Workloads) -> Iterator[tuple[Role, Policy]]:
    for found in trusting(at):
        yield found.role, found.policy


@check(
    "IRSA-SHARED",
    on=Workloads,
    severity=Severity.MEDIUM,
    needs=(AUTHORIZATION,),
    title="One role serves several namespaces or clusters",
    fix="Give each application a role of its own.",
    source=_BEST,
    bad=[
        workloads(roles(role("app", for_pods_of("shop", "cart"), for_pods_of("bank", "ledger")))),
        workloads(roles(role("app", for_pods_of("shop", "cart"), for_pods_of("shop", "cart", host=_OTHER)))),
    ],
    good=[
        workloads(roles(role("app", for_pods_of("shop", "cart", "checkout")))),
        workloads(roles(role("app", for_github()))),
    ],
)  # fmt: skip
def shared(at: Workloads) -> Iterator[Fail]:
    """Each application can do what any of the others can.

    False alarm when they are one application, such as during a move between clusters.
    """
    for found, policy in _trusting_roles(at):
        named = list(_subjects(policy))
        spaces = sorted({_names(value.value)[0] for _, value in named} - {"", "*"})
        hosts = {host for host, _ in named}
        if len(spaces) > 1:
            listed = ", ".join(map(quoted, spaces[:5]))
            yield Fail(found.arn, f"trusts service accounts of the namespaces {listed}")
        elif len(hosts) > 1:
            yield Fail(
                found.arn,
                f"trusts service accounts of {len(hosts)} clusters",
                # It may be one application that is moving to a new cluster.
                severity=Severity.LOW,
            )


_CART = role("cart", for_pods_of("shop", "cart"))


def _of(namespace: str, name: str, role_name: str = "cart") -> ServiceAccount:
    return service_account(namespace, name, {ROLE: role_arn(role_name)})


@check(
    "IRSA-ANNOT-MISMATCH",
    on=Workloads,
    severity=Severity.HIGH,
    needs=(AUTHORIZATION,),
    title="The service account does not get the role that its annotation names",
    fix="Make the annotation and the trust policy match.",
    source=_ASSOCIATE,
    bad=[
        workloads(roles(_CART), accounts=[_of("shop", "checkout")]),
        workloads(roles(_CART), accounts=[_of("shop", "cart", "gone")]),
        workloads(roles(_CART), accounts=[service_account("shop", "cart", {"eks.amazonaws.com/role_arn": "x"})]),
        workloads(roles(_CART), accounts=[service_account("shop", "cart", {ROLE: role_arn("cart"), "eks.amazonaws.com/sts-regional-endpoints": True})]),
    ],
    good=[
        workloads(roles(_CART), accounts=[_of("shop", "cart"), _of("", "cart")]),
        workloads(roles(_CART), accounts=[service_account("shop", "web", {"eks.amazonaws.com/skip-containers": "x"})]),
        workloads(roles(_CART)),
    ],
)  # fmt: skip
def misfits(at: Workloads) -> Iterator[Outcome]:
    """STS refuses the pods without saying why.

    False alarm when manifests or roles changed after the snapshot was taken.
    """
    accounts = at.service_accounts or ()
    # Findings that need no account come first: a role that cannot be read ends the check.
    for account in accounts:
        yield from _written(account)
    if at.trusts is not None:
        yield from _beside(at.trusts, at)
        return
    for account in filter(_names_role, accounts):
        yield from _of_role(at, account)


def _beside(given: tuple[Trust, ...], at: Workloads) -> Iterator[Fail]:
    """Service accounts and pods against trust policies that were passed with them."""
    trusts = pod_trusts(given)
    accounts = at.service_accounts or ()
    if trusts:
        for account in accounts:
            yield from account_misfits(trusts, account, at.pods)
        yield from pod_misfits(trusts, at.pods, accounts)


def _names_role(account: ServiceAccount) -> bool:
    return bool(account.role)


def _written(account: ServiceAccount) -> Iterator[Fail]:
    """What is wrong with the annotations by themselves."""
    yield from _not_a_role(account)
    for annotation in account.annotations:
        key = annotation.key.value
        if key in ANNOTATIONS and (
            annotation.value is None or annotation.value.form is not Form.STRING
        ):
            yield _flaw(
                account,
                f"the value of {quoted(key)} is {annotation.value.form.value if annotation.value else 'not a string'}",
                f'write it in quotes: {key}: "{annotation.value.value if annotation.value else ""}"',
                annotation.key,
            )
        near = _near(key)
        if near:
            yield _flaw(
                account,
                f"EKS does not read an annotation {quoted(key)}",
                f"write {quoted(near)}",
                annotation.key,
            )


def _not_a_role(account: ServiceAccount) -> Iterator[Fail]:
    arn, place = account.role, account.annotation(ROLE)
    if arn and not (_ROLE_ARN.fullmatch(arn) or account.is_template):
        yield _flaw(
            account,
            f"{quoted(arn)} is not the ARN of a role",
            "write the ARN of the role",
            place.value if place else None,
        )


def _near(key: str) -> str:
    """The annotation that a misspelled one means."""
    if key in ANNOTATIONS or key == f"{PREFIX}skip-containers":
        return ""
    prefix, slash, name = key.partition("/")
    if not slash or not prefix.startswith(("eks.amazon", "eks.aws", "iam.eks.")):
        return ""
    wanted = closest(
        name.replace("_", "-"), [annotation.removeprefix(PREFIX) for annotation in ANNOTATIONS]
    )
    return f"{PREFIX}{wanted}" if wanted else ""


def _elsewhere(account: ServiceAccount, arn: str) -> NotCollected:
    """The error for a role of another account, whose trust policy cannot be read here."""
    return NotCollected(
        f"{quoted(arn)}, which {quoted(account.title)} names, belongs to another account",
        call="iam:GetRole",
        code="not read",
        permission="iam:GetRole",
    )


def _of_role(at: Workloads, account: ServiceAccount) -> Iterator[Outcome]:
    arn = account.role
    place = account.annotation(ROLE)
    key = place.value if place and place.value else None
    if not _ROLE_ARN.fullmatch(arn):
        # Said of the annotation by itself, unless it is a placeholder.
        return
    if f":{at.account.id}:" not in arn:
        yield unread(_elsewhere(account, arn), account.title)
        return
    found = roles_of(at).get(arn)
    if found is None:
        yield _flaw(
            account, f"{quoted(arn)} does not exist", "create the role, or name another", key
        )
        return
    policy = read(found)
    if policy is None or any(
        trust.takes(account.namespace, account.name)
        for trust in pod_trusts((Trust(policy=policy.policy),))
        if trust.provider
    ):
        return
    subject = f"{_POD}{account.namespace or 'NAMESPACE'}:{account.name}"
    yield _flaw(
        account,
        f"{quoted(arn)} does not trust {quoted(subject)}",
        f"add {quoted(subject)} to the values of the issuer's sub key in its trust policy",
        key,
    )


def _flaw(account: ServiceAccount, message: str, fix: str, at: Text | None) -> Fail:
    return Fail(
        account.title,
        f"service account {quoted(account.title)}: {message}",
        at=replace(at.where, file=account.where.file) if at is not None else account.where,
        fix=f"{fix[0].upper()}{fix[1:]}.",
    )


def _is_trusted(at: Workloads, found: Pods) -> bool:
    """Whether a trust policy accepts the pods' service account; one of Pod Identity is for whoever has an association."""
    beside = at.trusts is not None
    given = at.trusts if beside else tuple(Trust(policy=own) for _, own in _trusting_roles(at))
    return any(
        trust.takes(found.namespace, found.service_account)
        for trust in pod_trusts(given or ())
        if trust.provider or beside
    )


_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@check(
    "IRSA-STATIC-KEYS",
    on=Workloads,
    severity=Severity.HIGH,
    needs=(AUTHORIZATION,),
    title="The pod uses an access key of its environment, not the role",
    fix="Remove AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from the container, and deactivate the key.",
    source="https://docs.aws.amazon.com/boto3/latest/guide/credentials.html",
    bad=[
        workloads(roles(_CART), pods=[pod("shop", "cart", *_KEYS)]),
        workloads(roles(), accounts=[_of("shop", "cart")], pods=[pod("shop", "cart", *_KEYS)]),
    ],
    good=[
        workloads(roles(_CART), accounts=[_of("shop", "cart")], pods=[pod("shop", "cart", "AWS_REGION")]),
        workloads(roles(_CART), accounts=[_of("shop", "cart")], pods=[pod("shop", "web", *_KEYS)]),
        workloads(roles(_CART)),
    ],
)  # fmt: skip
def keys_in_environment(at: Workloads) -> Iterator[Fail]:
    """An SDK looks for keys in the environment before it looks for the token of the service account, so the role is never used.

    False alarm when the program chooses its credentials itself.
    """
    annotated = {
        (account.namespace, account.name) for account in at.service_accounts or () if account.role
    }
    for found in (pods for pods in at.pods if pods.with_keys):
        of_role = (found.namespace, found.service_account) in annotated
        for container in found.with_keys if of_role or _is_trusted(at, found) else ():
            yield Fail(
                found.title,
                f"the environment of container {quoted(container)} in {quoted(found.title)} has an access key, which SDKs take"
                " before the token of the service account",
                at=found.where,
            )


@check(
    "IRSA-DANGLING",
    on=Workloads,
    severity=Severity.LOW,
    needs=(AUTHORIZATION,),
    title="The role trusts a service account that does not exist",
    fix="Remove the subject from the trust policy.",
    source=_BEST,
    bad=[workloads(roles(role("app", for_pods_of("shop", "cart", "gone"))), accounts=[_of("shop", "cart", "app")])],
    good=[
        workloads(roles(_CART), accounts=[_of("shop", "cart")]),
        workloads(roles(_CART)),
        workloads(roles(role("app", for_pod_identity())), accounts=[_of("shop", "cart")]),
    ],
)  # fmt: skip
def dangling(at: Workloads) -> Iterator[Fail]:
    """Anyone who may create that service account gets the role.

    False alarm when the manifests do not show the whole cluster: the finding has low confidence
    then, and when several clusters are trusted.
    """
    if at.service_accounts is None:
        return
    existing = {(account.namespace, account.name) for account in at.service_accounts}
    anywhere = {name for namespace, name in existing if not namespace}
    hosts = {host for found, policy in _trusting_roles(at) for host, _ in _subjects(policy)}
    for found, policy in _trusting_roles(at):
        for _, value in _subjects(policy):
            namespace, name = _names(value.value)
            gone = (namespace, name) not in existing and name not in anywhere
            if is_literal(value.value) and name and gone:
                yield Fail(
                    found.arn,
                    f"{quoted(value.value)} is not among the service accounts of the manifests or the cluster",
                    at=value.where,
                    # The manifests may be of one application, and of one of several clusters.
                    low_confidence=not at.complete or len(hosts) > 1,
                )
