"""A trust policy beside the manifests of its workload: whether these service accounts and pods get the role."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.sources.kubernetes_objects import PREFIX, ROLE
from aws_iam.engine.tokens.dead_conditions import never_matches
from aws_iam.engine.tokens.oidc_provider import is_eks, providers
from aws_iam.engine.tokens.subject_width import subjects
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.engine.language.document import Condition, Statement
    from aws_iam.engine.sources.kubernetes_objects import Pods, ServiceAccount
    from aws_iam.engine.tokens.oidc_provider import Provider
    from aws_iam.tools.irsa.checks.subject import Trust

_POD = "system:serviceaccount:"
_SERVICE = "pods.eks.amazonaws.com"
_NAMESPACE, _ACCOUNT = (
    "aws:requesttag/kubernetes-namespace",
    "aws:requesttag/kubernetes-service-account",
)
_AUDIENCE = "sts.amazonaws.com"
_MOST = 3


@slotted
class PodTrust:
    """One way into a role for pods: by the tokens of a cluster, or by EKS Pod Identity (`provider` is None)."""

    statement: Statement
    provider: Provider | None
    role: str = ""
    """The ARN of the role; empty where the document does not have it."""

    def is_of(self, role: str) -> bool:
        """Whether it leads, or may lead, to that role."""
        return self.role in {"", role}

    def takes(self, namespace: str, name: str) -> bool:
        """Whether it takes the service account; an empty namespace is any, as only the deployment decides it."""
        if self.provider is None:
            return self._tag(_NAMESPACE, namespace) and self._tag(_ACCOUNT, name)
        tested = subjects(self.provider, self.statement)
        # Every condition must hold, by one of its values.
        return all(any(_takes(c, v.value, namespace, name) for v in c.values) for c in tested)

    def takes_audience(self, *audiences: str) -> bool:
        """Whether it takes a token with one of these audiences."""
        if self.provider is None:
            return True
        tested = [c for c in self.provider.on(self.statement, "aud") if c.demanded]
        return all(
            any(_equals(c, value.value, audience) for value in c.values for audience in audiences)
            for c in tested
        )

    @property
    def accepted(self) -> tuple[str, ...]:
        """The subjects that it lists, as people write them."""
        if self.provider is None:
            spaces, names = self._values(_NAMESPACE), self._values(_ACCOUNT)
            return tuple(f"{space}/{name}" for space in spaces for name in names)
        conditions = self.provider.on(self.statement, "sub")
        return tuple(value.value for condition in conditions for value in condition.values)

    def _tag(self, key: str, text: str) -> bool:
        tested = [c for c in self.statement.conditions_on(key) if c.demanded]
        return not text or all(any(_equals(c, v.value, text) for v in c.values) for c in tested)

    def _values(self, key: str) -> tuple[str, ...]:
        found = [v.value for c in self.statement.conditions_on(key) for v in c.values]
        return tuple(found) or ("*",)


def pod_trusts(given: Iterable[Trust]) -> tuple[PodTrust, ...]:
    """Every way for pods into the roles of these trust policies."""
    return tuple(found for trust in given for found in _of_trust(trust))


def _of_trust(trust: Trust) -> Iterator[PodTrust]:
    for statement in trust.policy.statements:
        if never_matches(statement):
            continue
        for provider in providers(statement):
            if provider.is_kubernetes:
                yield PodTrust(statement=statement, provider=provider, role=trust.role)
        if statement.allows and any(p.value == _SERVICE for p in statement.principals):
            yield PodTrust(statement=statement, provider=None, role=trust.role)


def _takes(condition: Condition, wanted: str, namespace: str, name: str) -> bool:
    if namespace:
        return _equals(condition, wanted, f"{_POD}{namespace}:{name}")
    return _equals(condition, wanted.rpartition(":")[2], name)


def _equals(condition: Condition, wanted: str, text: str) -> bool:
    return matches(wanted, text) if "Like" in condition.base else wanted == text


def account_misfits(
    trusts: tuple[PodTrust, ...], account: ServiceAccount, pods: tuple[Pods, ...]
) -> Iterator[Fail]:
    """Why the pods of a service account do not get the role, from its annotations."""
    taking = [trust for trust in trusts if trust.takes(account.namespace, account.name)]
    if of_another_role(trusts, account):
        if taking:
            yield _of_other_role(account, taking)
        return
    taking = [trust for trust in taking if not account.role or trust.is_of(account.role)]
    if not taking:
        if account.role:
            yield _of_account(
                account,
                f"the trust policy does not accept {quoted(_subject(account.namespace, account.name))}, but {_listed(trusts)}",
                "Name this service account in the trust policy, or annotate the one that it names.",
            )
        return
    by_token = [trust.provider for trust in taking if trust.provider]
    if by_token and len(by_token) == len(taking):
        yield from _annotated(account, by_token, taking, pods)


def of_another_role(trusts: tuple[PodTrust, ...], account: ServiceAccount) -> bool:
    """Whether the annotation names a role, and none of these trust policies can be that role's."""
    named = account.role and not account.is_template
    return bool(named) and not any(trust.is_of(account.role) for trust in trusts)


def _of_other_role(account: ServiceAccount, taking: list[PodTrust]) -> Fail:
    others = " and ".join(map(quoted, dict.fromkeys(trust.role for trust in taking)))
    # One pattern often stands in the trust policies of several roles.
    exact = any(is_literal(text) for trust in taking for text in trust.accepted)
    return _of_account(
        account,
        f"its annotation names {quoted(account.role)}, but the trust policy that accepts it is that of {others}",
        f"Annotate it with that role: {ROLE}: ROLE_ARN; or pass the trust policy of the role that it names.",
        severity=None if exact else Severity.LOW,
        low_confidence=not exact,
    )


def _annotated(
    account: ServiceAccount,
    by_token: list[Provider],
    taking: list[PodTrust],
    pods: tuple[Pods, ...],
) -> Iterator[Fail]:
    """What is wrong with the annotations of a service account that the policy accepts."""
    if not account.role:
        projected = any(
            pod.audiences
            for pod in pods
            if (pod.namespace, pod.service_account) == (account.namespace, account.name)
        )
        # Only EKS reads the annotation; elsewhere, and beside a projected token, pods need none.
        if projected or not any(is_eks(provider.host) for provider in by_token):
            return
        yield _of_account(
            account,
            f"the trust policy accepts it, but it has no annotation {quoted(ROLE)}, so EKS gives its pods no role",
            f"Annotate it: {ROLE}: ROLE_ARN.",
            severity=Severity.MEDIUM,
            # Pods may get the token by a projected volume and the role by their environment.
            low_confidence=True,
        )
        return
    owners = {provider.principal.value.split(":")[4] for provider in by_token}
    parts = account.role.split(":")
    owner = parts[4] if len(parts) > 4 else ""  # noqa: PLR2004 - an ARN's account
    partitions = {provider.principal.value.split(":")[1] for provider in by_token}
    if owner and parts[1] not in partitions:
        yield _of_account(
            account,
            f"{quoted(account.role)} is in partition {quoted(parts[1])}, but the provider in the trust policy is in"
            f" {quoted(min(partitions))}",
            "Name a role of the provider's partition and account.",
        )
    if owner and owners.isdisjoint({owner, "*", ""}):
        yield _of_account(
            account,
            f"{quoted(account.role)} is a role of account {quoted(owner)}, but the provider in the trust policy is in"
            f" {quoted(min(owners))}: a role can only trust providers of its own account",
            "Create the provider in the role's account and name it in the trust policy.",
        )
    audience = account.annotation(f"{PREFIX}audience")
    asked = audience.value.value if audience and audience.value else _AUDIENCE
    if not any(trust.takes_audience(asked) for trust in taking):
        yield _of_account(
            account,
            f"its tokens have the audience {quoted(asked)}, which the trust policy does not accept",
            f"Write {quoted(asked)} under the issuer's aud key, or change the annotation {PREFIX}audience.",
        )


def pod_misfits(
    trusts: tuple[PodTrust, ...], pods: tuple[Pods, ...], accounts: tuple[ServiceAccount, ...]
) -> Iterator[Fail]:
    """Why none of the pods gets the role: they run as other service accounts, or with other audiences."""
    fitting = [pod for pod in pods if any(t.takes(pod.namespace, pod.service_account) for t in trusts)]  # fmt: skip
    if pods and not fitting:
        for pod in pods:
            runs_as = f"{pod.namespace or '(namespace of the deployment)'}/{pod.service_account}"
            yield Fail(
                pod.title,
                f"{quoted(pod.title)} runs as {quoted(runs_as)}, which the trust policy does not accept: {_listed(trusts)}",
                at=pod.where,
                fix="Set serviceAccountName of the pods to the service account that the trust policy names, in its namespace.",
            )
    annotated = {(account.namespace, account.name) for account in accounts if account.role}
    for pod in fitting:
        if pod.audiences and (pod.namespace, pod.service_account) not in annotated:
            yield from _projected(trusts, pod)


def _projected(trusts: tuple[PodTrust, ...], pod: Pods) -> Iterator[Fail]:
    taking = [trust for trust in trusts if trust.takes(pod.namespace, pod.service_account)]
    if not any(trust.takes_audience(*pod.audiences) for trust in taking):
        listed = " and ".join(map(quoted, pod.audiences[:_MOST]))
        yield Fail(
            pod.title,
            f"{quoted(pod.title)} projects tokens with the audience {listed}, which the trust policy does not accept",
            at=pod.where,
            fix="Project a serviceAccountToken with the audience that the trust policy names.",
        )


def unknown_parts(
    trusts: tuple[PodTrust, ...], accounts: tuple[ServiceAccount, ...], pods: tuple[Pods, ...]
) -> Iterator[str]:
    """What only the deployment or the cluster decides, and so was not compared."""
    elsewhere = all(trust.provider and not is_eks(trust.provider.host) for trust in trusts)
    without = [pod.title for pod in pods if not pod.audiences]
    if elsewhere and without:
        yield f"whether the cluster gives a token for AWS to pods that project none was not judged: {_some(without)}"
    open_ = [account.title for account in accounts if not account.namespace]
    open_ += [pod.title for pod in pods if not pod.namespace]
    if open_:
        yield f"the namespace is not written and was not compared: {_some(open_)}"
    other = [account.title for account in accounts if of_another_role(trusts, account)]
    if other:
        yield f"the trust policy of the role that the annotation names was not passed, and not compared: {_some(other)}"
    yield from _without_account(trusts, accounts, pods)
    templates = [account.title for account in accounts if account.is_template]
    if templates:
        yield f"the role is a placeholder and was not compared: {_some(templates)}"


def _without_account(
    trusts: tuple[PodTrust, ...], accounts: tuple[ServiceAccount, ...], pods: tuple[Pods, ...]
) -> Iterator[str]:
    """The pods that EKS gives the role by an annotation, where the service account that has it was not passed."""
    given = {(account.namespace, account.name) for account in accounts}
    unseen = []
    for pod in pods:
        taking = [t.provider for t in trusts if t.takes(pod.namespace, pod.service_account)]
        by_annotation = taking and all(own and is_eks(own.host) for own in taking)
        # An account without a namespace may be of any.
        its = {(pod.namespace, pod.service_account), ("", pod.service_account)}
        if by_annotation and not pod.audiences and not given & its:
            unseen.append(pod.title)
    if unseen:
        yield f"the annotation with the role was not compared: the service account of {_some(unseen)} was not passed"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(map(quoted, names[:_MOST])) + more


def _of_account(
    account: ServiceAccount,
    message: str,
    fix: str,
    *,
    severity: Severity | None = None,
    low_confidence: bool = False,
) -> Fail:
    place = account.annotation(ROLE)
    at = place.value if place else None
    return Fail(
        account.title,
        f"service account {quoted(account.title)}: {message}",
        at=replace(at.where, file=account.where.file) if at else account.where,
        fix=fix,
        severity=severity,
        low_confidence=low_confidence,
    )


def _subject(namespace: str, name: str) -> str:
    return f"{_POD}{namespace or 'NAMESPACE'}:{name}"


def _listed(trusts: tuple[PodTrust, ...]) -> str:
    named = tuple(dict.fromkeys(text for trust in trusts for text in trust.accepted))
    more = f" and {len(named) - _MOST} more" if len(named) > _MOST else ""
    return f"it accepts {', '.join(map(quoted, named[:_MOST]))}{more}"
