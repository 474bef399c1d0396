"""Grants that reach further than one secret: identity policies on all secrets, and parameters shared outside the account."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss, known
from aws_iam.account.collect.identity.authorization import (
    AUTHORIZATION,
    Authorization,
    InlinePolicy,
    Role,
)
from aws_iam.account.collect.secrets.parameters import PARAMETER_POLICIES, ParameterPolicies
from aws_iam.account.collect.sharing.parameter_shares import PARAMETER_SHARES, ParameterShare
from aws_iam.account.reading.snapshot import Account, account_of
from aws_iam.answer import Severity
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow
from aws_iam.rules.on_account import IdentityPolicy, identity_policies, in_regions, policy_of
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each, unread
from aws_iam.rules.wide_grants import Sought, wide_grants
from aws_iam.tools.secrets.checks import samples as sample
from aws_iam.tools.secrets.checks.access import let_in, statements_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.tools.secrets.terms import SecretTerms

_DETAILS = "iam:GetAccountAuthorizationDetails"
_SHARED = "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-shared-parameters.html"
# BatchGetSecretValue gives nothing without GetSecretValue:
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
_SECRETS = Sought(
    actions=(
        "secretsmanager:GetSecretValue",
        "ssm:GetParameter",
        "ssm:GetParameters",
        "ssm:GetParametersByPath",
        "ssm:GetParameterHistory",
    ),
    names={
        "secretsmanager": ("secret:a-AbCdEf", "secret:Z9/_+=.@-zZzZzZ"),
        "ssm": ("parameter/a", "parameter/Z9/_.-z"),
    },
    narrowing=(
        "aws:resourcetag/",
        "ssm:resourcetag/",
        "secretsmanager:resource",
        "secretsmanager:secretid",
        "secretsmanager:name",
    ),
)


def _role_with(*statements: dict[str, object]) -> Account:
    role = Role(
        name="App",
        arn=f"arn:aws:iam::{sample.OWN}:role/App",
        inline=(InlinePolicy(name="read", document=sample.policy(*statements)),),
    )
    return account_of(AUTHORIZATION.held(Authorization(roles=(role,))), collected_at=sample.NOW)


_ALL = f"arn:aws:secretsmanager:{sample.REGION}:{sample.OWN}:secret:*"
_ONE = f"arn:aws:secretsmanager:{sample.REGION}:{sample.OWN}:secret:prod/app/db-??????"


@check(
    "SEC-IAM-WILDCARD",
    on=Account,
    severity=Severity.MEDIUM,
    title="An identity may read every secret",
    fix="Name the secrets: arn:PARTITION:secretsmanager:REGION:ACCOUNT_ID:secret:NAME-??????, and parameters by their path: arn:PARTITION:ssm:REGION:ACCOUNT_ID:parameter/PATH/*",
    source="https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html",
    needs=(AUTHORIZATION,),
    bad=[
        _role_with(allow("secretsmanager:GetSecretValue", "*")),
        _role_with(allow("secretsmanager:*", _ALL)),
        _role_with(allow("ssm:GetParameter*", "arn:aws:ssm:*:*:parameter/*")),
        _role_with(allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*")),
        _role_with(allow("secretsmanager:GetSecretValue", f"{_ALL[:-1]}?*")),
        _role_with({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        _role_with(
            {
                "Effect": "Allow",
                "Action": "secretsmanager:GetSecretValue",
                "NotResource": "arn:aws:s3:::reports/*",
            }
        ),
        _role_with(
            allow(
                "secretsmanager:GetSecretValue",
                "*",
                condition={"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}},
            )
        ),
    ],
    good=[_role_with(allow("secretsmanager:GetSecretValue", _ONE))],
    trap=[
        # Administrators are a finding of their own; a tag decides which secrets; listing reads nothing.
        _role_with(
            allow("*", "*"),
            allow(
                "secretsmanager:GetSecretValue",
                "*",
                condition={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}},
            ),
            allow("secretsmanager:ListSecrets", "*"),
            allow("ssm:GetParameter", f"arn:aws:ssm:*:{sample.OWN}:parameter/prod/app/*"),
        ),
        _role_with(
            allow(["secretsmanager:*", "ssm:*"], "*"),
            {
                "Effect": "Deny",
                "Action": ["secretsmanager:GetSecretValue", "ssm:GetParameter*"],
                "Resource": "*",
            },
        ),
    ],
)
def every_secret(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """An attacker who takes over this identity can read every secret of the account, including future ones.

    False alarm when the identity is a backup or break-glass role that is meant to reach all of
    them.
    """
    policies = identity_policies(account.require(AUTHORIZATION))
    yield from for_each(policies, _of, name=lambda held: held.arn)


def _of(held: IdentityPolicy) -> Iterator[Outcome]:
    if held.document is None:
        yield NotApplicable(held.arn, "AWS did not send the policy")
        return
    yield from _judged(held.arn, held.place, held.document)


def _judged(arn: str, place: str, document: str) -> Iterator[Outcome]:
    found = tuple(wide_grants(policy_of(document, _DETAILS).statements, _SECRETS))
    for grant in found:
        where = grant.statement.place().pointer
        yield Fail(
            arn,
            f"{place}, {where} allows {grant.action} on {grant.resource}, so the identity can read all of them",
        )
    if not found:
        yield Pass(arn, "")


_PARAMETER = f"arn:aws:ssm:{sample.REGION}:{sample.OWN}:parameter/prod/app/url"
_SHARE = f"arn:aws:ram:{sample.REGION}:{sample.OWN}:resource-share/1"


def _shared_with(*principals: str) -> Account:
    share = ParameterShare(arn=_PARAMETER, share=_SHARE, principals=principals)
    return sample.holding((PARAMETER_POLICIES, ()), (PARAMETER_SHARES, (share,)))


@check(
    "SSM-SHARED",
    on=Account,
    severity=Severity.MEDIUM,
    title="A parameter is shared outside the account",
    fix="Remove the principal from the RAM share or the resource policy; name an account that is meant to read it in `trusted`.",
    source=_SHARED,
    needs=(PARAMETER_POLICIES, PARAMETER_SHARES),
    bad=[
        _shared_with(sample.OTHER),
        sample.holding(
            (
                PARAMETER_POLICIES,
                (
                    ParameterPolicies(
                        arn=_PARAMETER,
                        documents=(
                            sample.policy(sample.allow({"AWS": sample.OTHER}, "ssm:GetParameter")),
                        ),
                    ),
                ),
            ),
            (PARAMETER_SHARES, ()),
        ),
    ],
    good=[
        sample.holding(
            (PARAMETER_POLICIES, (ParameterPolicies(arn=_PARAMETER, documents=()),)),
            (PARAMETER_SHARES, ()),
        )
    ],
    trap=[_shared_with(f"arn:aws:iam::{sample.OWN}:role/App")],
)
def parameter_shared(account: Account, terms: SecretTerms) -> Iterator[Outcome]:
    """The administrators of another account decide who reads the parameter.

    AWS asks for a customer managed key only if it is a SecureString. False alarm when the account
    is yours: name it in `trusted`.
    """
    yield from in_regions(account, PARAMETER_POLICIES, partial(_by_policy, account, terms))
    yield from in_regions(account, PARAMETER_SHARES, partial(_by_share, account, terms))


def _by_policy(
    account: Account, terms: SecretTerms, region: str, parameters: tuple[ParameterPolicies, ...]
) -> Iterator[Outcome]:
    def test(parameter: ParameterPolicies) -> Iterator[Outcome]:
        others = {
            other
            for text in known(parameter.documents)
            for statement in statements_of(text, "ssm:GetResourcePolicies")
            for other in let_in(statement)
            if not terms.trusts(account, other)
        }
        for other in sorted(others):
            yield Fail(parameter.arn, f"its resource policy lets account {other} read it", region)
        if not others:
            yield Pass(parameter.arn, "", region)

    return for_each(parameters, test, name=lambda stored: stored.arn, region=region)


def _by_share(
    account: Account, terms: SecretTerms, region: str, shares: tuple[ParameterShare, ...]
) -> Iterator[Outcome]:
    for share in shares:
        if isinstance(share.principals, Miss):
            yield unread(share.principals.error(), share.arn, region)
            continue
        others = [
            principal
            for principal in share.principals
            if not _is_trusted(account, terms, principal)
        ]
        for other in others:
            message = f"the RAM share {quoted(share.share)} shares it with {quoted(other)}"
            yield Fail(share.arn, message, region)
        if not others:
            yield Pass(share.arn, "", region)


def _is_trusted(account: Account, terms: SecretTerms, principal: str) -> bool:
    """Whether an account, role, organization or unit is the owner's or a trusted one."""
    parts = re.findall(r"\b(?:[0-9]{12}|o-[a-z0-9]{10,32})\b", principal)
    if ":organizations:" in principal:
        return any(part in terms.trusted for part in parts if part.startswith("o-"))
    return any(terms.trusts(account, part) for part in parts)
