"""Trust in SAML, Cognito, IAM Roles Anywhere, EKS Pod Identity and pull requests: the conditions that each needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.answer import Severity
from aws_iam.engine.effective.caller_conditions import is_fixed
from aws_iam.engine.evaluation.conditions import holds_for
from aws_iam.engine.language.document import Condition, Kind, Policy, Principal, Statement
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.tokens.dead_conditions import never_matches
from aws_iam.engine.tokens.oidc_provider import IDENTITY_POOLS, providers
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import policy_with, trusting
from aws_iam.rules.outcomes import Fail

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TRUST = (Kind.TRUST,)
_SAML_PAGE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_saml.html"
_SOURCES = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths")


def _demanded(statement: Statement, names: Sequence[str], prefixes: Sequence[str] = ()) -> bool:
    """Whether the request must meet a condition on one of the keys that does not accept every value."""
    return any(
        condition.demanded
        and (condition.name in names or condition.name.startswith(tuple(prefixes)))
        and not any(_accepts_all(condition, value.value) for value in condition.values)
        for condition in statement.conditions
    )


def _accepts_all(condition: Condition, value: str) -> bool:
    """Whether the value is a pattern that matches everything; the values of a condition are OR-ed."""
    if not ("Like" in condition.base or condition.base.startswith("Arn")) or "${" in value:
        return False
    if condition.name in _SOURCES:
        return not is_fixed(condition.name, value)
    return bool(value) and not value.strip("*?")


def _allows(statement: Statement, action: str) -> bool:
    return statement.allows and any(
        matches(entry.value, action, ignore_case=True) for entry in statement.actions
    )


_SAML = {"Federated": "arn:aws:iam::111122223333:saml-provider/corp"}
_BY_SAML = "sts:AssumeRoleWithSAML"
_SIGN_IN = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}


@check(
    "SAML_TRUST_WITHOUT_AUD",
    on=Statement,
    severity=Severity.WARNING,
    title="The trust policy does not test the audience of SAML responses",
    fix='Add "StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}, or the sign-in endpoint that you use.',
    source=_SAML_PAGE,
    kinds=_TRUST,
    bad=[
        trusting(_SAML, _BY_SAML),
        trusting(_SAML, _BY_SAML, {"StringLike": {"saml:sub": "*@example.com"}}),
    ],
    good=[trusting(_SAML, _BY_SAML, _SIGN_IN)],
)
def audience_not_tested(statement: Statement) -> Iterator[Fail]:
    """AWS's page on such roles lists the audience among the three values that limit the role to your application.

    False alarm when another statement denies responses for other audiences.
    """
    if not _allows(statement, _BY_SAML) or _demanded(statement, ("saml:aud",)):
        return
    for principal in statement.principals:
        if principal.type == "Federated" and ":saml-provider/" in principal.value:
            yield Fail(
                principal.name.where,
                f"{quoted(principal.value)} is trusted, but no condition requires a value of `SAML:aud`",
            )


_WEB = "sts:AssumeRoleWithWebIdentity"
_OF_POOL = {f"{IDENTITY_POOLS}:aud": "eu-west-1:11111111-2222-3333-4444-555555555555"}
_AMR = f"{IDENTITY_POOLS}:amr"
_SIGNED_IN = {"ForAnyValue:StringLike": {_AMR: "authenticated"}}
_GUESTS = {"ForAnyValue:StringLike": {_AMR: "unauthenticated"}}
# The values of amr in the token of a guest, and of a user who signed in at Facebook.
_GUEST = ("unauthenticated",)
_USER = ("authenticated", "graph.facebook.com", "graph.facebook.com:ID")
_ROLE_TRUST = (
    "https://docs.aws.amazon.com/cognito/latest/developerguide/role-trust-and-permissions.html"
)


@check(
    "COGNITO_TRUST_WITHOUT_AMR",
    on=Statement,
    severity=Severity.WARNING,
    title="Guests of the identity pool can assume the role like signed-in users",
    fix='Add "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"}, or "unauthenticated" for the guests\' role.',
    source=_ROLE_TRUST,
    kinds=_TRUST,
    bad=[
        trusting({"Federated": IDENTITY_POOLS}, _WEB, {"StringEquals": _OF_POOL}),
        trusting(
            {"Federated": IDENTITY_POOLS},
            _WEB,
            {"StringEquals": _OF_POOL, "ForAllValues:StringLike": {_AMR: "authenticated"}},
        ),
    ],
    good=[
        trusting({"Federated": IDENTITY_POOLS}, _WEB, {"StringEquals": _OF_POOL, **_SIGNED_IN}),
        trusting(
            {"Federated": IDENTITY_POOLS},
            _WEB,
            {
                "StringEquals": {
                    **_OF_POOL,
                    f"{IDENTITY_POOLS}:sub": "eu-west-1:aaaaaaaa-0000-1111",
                }
            },
        ),
    ],
)
def guests_included(statement: Statement) -> Iterator[Fail]:
    """A pool gives tokens to signed-in users and, if it allows guests, to anyone; only amr tells them apart.

    False alarm when the pool does not allow guests.
    """
    principal = _whole_pool(statement)
    if principal is None or (_admits(statement, _GUEST) and not _admits(statement, _USER)):
        return
    conditions = statement.conditions_on(_AMR)
    anyone = "anyone with a token of the pool can assume the role"
    if not conditions:
        yield Fail(principal.name.where, f"no condition requires `{_AMR}`: {anyone}")
    elif _admits(statement, _GUEST):
        yield Fail(conditions[0].key.where, f"the condition admits guests, too: {anyone}")
    elif _admits(statement, None) and not any(condition.negated for condition in conditions):
        yield Fail(
            conditions[0].key.where,
            f"`{conditions[0].operator.value}` also holds for a token without `{_AMR}`: require the claim with `ForAnyValue`",
            low_confidence=True,
        )


@check(
    "COGNITO_TRUST_FOR_GUESTS",
    on=Statement,
    severity=Severity.WARNING,
    title="Anyone on the internet who knows the identity pool's id can assume the role",
    fix='Require "authenticated" in "cognito-identity.amazonaws.com:amr", or leave the role only what everyone may do.',
    source=_ROLE_TRUST,
    kinds=_TRUST,
    bad=[trusting({"Federated": IDENTITY_POOLS}, _WEB, {"StringEquals": _OF_POOL, **_GUESTS})],
    good=[trusting({"Federated": IDENTITY_POOLS}, _WEB, {"StringEquals": _OF_POOL, **_SIGNED_IN})],
)
def guests(statement: Statement) -> Iterator[Fail]:
    """A pool that allows guests gives credentials to everyone who sends its id, which every copy of the app contains.

    False alarm when the app is meant for visitors who do not sign in, and the role allows no more than they may do.
    """
    principal = _whole_pool(statement)
    if principal and _admits(statement, _GUEST) and not _admits(statement, _USER):
        yield Fail(
            statement.conditions_on(_AMR)[0].key.where,
            "the role is for identities that have not signed in: anyone on the internet who knows the id of the pool",
        )


def _whole_pool(statement: Statement) -> Principal | None:
    """The principal for Cognito where the statement names a pool but no identity of it."""
    principal = next(
        (candidate for candidate in statement.principals if candidate.value == IDENTITY_POOLS),
        None,
    )
    # OIDC-NO-TENANT reports a role that is open to every pool.
    if principal is None or not _allows(statement, _WEB) or never_matches(statement):
        return None
    named = _demanded(statement, (f"{IDENTITY_POOLS}:aud",)) and not _demanded(
        statement, (f"{IDENTITY_POOLS}:sub",)
    )
    return principal if named else None


def _admits(statement: Statement, methods: tuple[str, ...] | None) -> bool:
    """Whether a token with these values of amr meets the conditions on it; None stands for a token without any."""
    return all(
        holds_for(condition.operator.value, [value.value for value in condition.values], methods)
        is not False
        for condition in statement.conditions_on(_AMR)
    )


_ANYWHERE = "rolesanywhere.amazonaws.com"
_ALL_THREE = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
_ANCHOR = "arn:aws:rolesanywhere:eu-west-1:111122223333:trust-anchor/11111111-2222"


def _serves(statement: Statement, service: str) -> Principal | None:
    return next(
        (
            principal
            for principal in statement.principals
            if (principal.type, principal.value) == ("Service", service)
        ),
        None,
    )


@check(
    "ROLES_ANYWHERE_TRUST_OPEN",
    on=Statement,
    severity=Severity.WARNING,
    title="Anyone with a certificate from any trust anchor can assume the role",
    fix="Add ArnEquals on aws:SourceArn (the trust anchor) and StringEquals on aws:PrincipalTag/x509Subject/CN or another field of the certificate.",
    source="https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html",
    kinds=_TRUST,
    bad=[trusting({"Service": _ANYWHERE}, _ALL_THREE)],
    good=[
        trusting({"Service": _ANYWHERE}, _ALL_THREE, {"ArnEquals": {"aws:SourceArn": _ANCHOR}}),
        trusting(
            {"Service": _ANYWHERE},
            _ALL_THREE,
            {"StringEquals": {"aws:PrincipalTag/x509Subject/CN": "build-7"}},
        ),
    ],
)
def any_certificate(statement: Statement) -> Iterator[Fail]:
    """Anyone who has a certificate from one of the account's certificate authorities and knows a profile gets the role.

    False alarm when the trust anchor issues certificates to this workload only.
    """
    principal = _serves(statement, _ANYWHERE)
    tested = _demanded(
        statement,
        ("aws:sourcearn", "sts:sourceidentity"),
        ("aws:principaltag/x509", "aws:requesttag/x509"),
    )
    if principal and _allows(statement, "sts:AssumeRole") and not tested:
        yield Fail(
            principal.name.where,
            "no condition requires a trust anchor or a field of the certificate",
        )


_PODS = "pods.eks.amazonaws.com"
_POD_PAGE = "https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html"
_BOTH = ["sts:AssumeRole", "sts:TagSession"]
_ONE_POD = {
    "StringEquals": {
        "aws:RequestTag/kubernetes-namespace": "shop",
        "aws:RequestTag/kubernetes-service-account": "cart",
    }
}


@check(
    "PID-NO-TAGSESSION",
    on=Policy,
    severity=Severity.WARNING,
    title="EKS Pod Identity is not allowed to tag the session",
    fix="Allow sts:TagSession in addition to sts:AssumeRole, or turn session tags off in the association.",
    source=_POD_PAGE,
    kinds=_TRUST,
    bad=[policy_with(trusting({"Service": _PODS}, "sts:AssumeRole", _ONE_POD))],
    good=[
        policy_with(trusting({"Service": _PODS}, _BOTH, _ONE_POD)),
        policy_with(
            trusting({"Service": _PODS}, "sts:AssumeRole"),
            trusting({"Service": _PODS}, "sts:TagSession"),
        ),
    ],
)
def untagged_pods(policy: Policy) -> Iterator[Fail]:
    """The service tags each session with the cluster, namespace and service account unless the association turns that off; without the permission pods get no credentials.

    False alarm when every association of the role has session tags turned off.
    """
    serving = [statement for statement in policy.statements if _serves(statement, _PODS)]
    assuming = [candidate for candidate in serving if _allows(candidate, "sts:AssumeRole")]
    if assuming and not any(_allows(candidate, "sts:TagSession") for candidate in serving):
        yield Fail(
            assuming[0].place("Action"),
            f"`{_PODS}` tags its sessions, but no statement allows it `sts:TagSession`",
        )


@check(
    "PID-TRUST-OPEN",
    on=Statement,
    severity=Severity.SUGGESTION,
    title="Any pod of any cluster in the account can get the role",
    fix="Add StringEquals on aws:RequestTag/eks-cluster-arn, aws:RequestTag/kubernetes-namespace and aws:RequestTag/kubernetes-service-account.",
    source=_POD_PAGE,
    kinds=_TRUST,
    bad=[trusting({"Service": _PODS}, _BOTH)],
    good=[
        trusting({"Service": _PODS}, _BOTH, _ONE_POD),
        trusting({"Service": _PODS}, _BOTH, {"StringEquals": {"aws:SourceOrgID": "o-exampleorg"}}),
    ],
)
def any_pod_of_account(statement: Statement) -> Iterator[Fail]:
    """Anyone who can create associations and pass the role chooses the pod; the trust policy can name the pod that it is meant for.

    False alarm when only a trusted pipeline can create associations.
    """
    principal = _serves(statement, _PODS)
    if principal is None or not _allows(statement, "sts:AssumeRole"):
        return
    if not _demanded(statement, _SOURCES, ("aws:requesttag/",)):
        yield Fail(
            principal.name.where, "no condition names a cluster, namespace or service account"
        )


_GITHUB = "token.actions.githubusercontent.com"
_REPOSITORY = f"arn:aws:iam::111122223333:oidc-provider/{_GITHUB}"
_PULL = ":pull_request"


def _subjects(*values: str) -> dict[str, object]:
    claims = {f"{_GITHUB}:aud": "sts.amazonaws.com", f"{_GITHUB}:sub": list(values)}
    return trusting({"Federated": _REPOSITORY}, _WEB, {"StringEquals": claims})


@check(
    "OIDC-PR",
    on=Statement,
    severity=Severity.WARNING,
    title="Pull requests can assume the role that a branch or environment deploys with",
    fix="Give pull requests a separate role that can only read.",
    source="https://docs.github.com/en/actions/reference/security/oidc",
    kinds=_TRUST,
    bad=[_subjects("repo:octo/app:ref:refs/heads/main", "repo:octo/app:pull_request")],
    good=[
        _subjects("repo:octo/app:ref:refs/heads/main"),
        _subjects("repo:octo/app:pull_request"),
        _subjects("repo:octo/app:pull_request", "repo:octo@1/app@2:pull_request"),
    ],
)
def unreviewed_changes(statement: Statement) -> Iterator[Fail]:
    """A pull request runs its author's code before anybody has reviewed it; branch protection does not help.

    False alarm when the role can only read what the authors may see anyway.
    """
    if not any(
        provider.issuer and provider.issuer.id == "github" for provider in providers(statement)
    ):
        return
    for condition in statement.conditions:
        if not (condition.name.endswith(":sub") and condition.demanded):
            continue
        pulls = [value for value in condition.values if value.value.endswith(_PULL)]
        # SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED reports a pattern that also matches pull requests.
        if pulls and _deploys(condition):
            yield Fail(
                pulls[0].where,
                f"{quoted(pulls[0].value)} lets unreviewed changes assume the role that the other subjects use",
            )


def _deploys(condition: Condition) -> bool:
    others = (value.value for value in condition.values if not value.value.endswith(_PULL))
    return any(is_literal(subject) for subject in others)
