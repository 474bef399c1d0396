"""Access to keys other than by key policies: grants, and identity policies on all keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import known
from aws_iam.account.collect.identity.authorization import (
    AUTHORIZATION,
    Authorization,
    InlinePolicy,
    Role,
)
from aws_iam.account.collect.kms.grants import KEY_GRANTS, KeyGrants
from aws_iam.account.reading.snapshot import Account
from aws_iam.answer import Severity
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.examples import allow
from aws_iam.rules.on_account import IdentityPolicy, identity_policies, in_regions, policy_of
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each
from aws_iam.rules.wide_grants import Sought, wide_grants
from aws_iam.tools.kms.checks import samples as sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.account.collect.kms.grants import Grant
    from aws_iam.tools.kms.terms import KeyTerms

_GRANTS = "https://docs.aws.amazon.com/kms/latest/developerguide/grants.html"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html"
_DETAILS = "iam:GetAccountAuthorizationDetails"
_OWNER = re.compile(r"(?:arn:[^:]+:(?:iam|sts)::)?([0-9]{12})(?::.*)?")
_FOREIGN = f"arn:aws:iam::{sample.OTHER}:role/Partner"
_RETIRE = "aws kms revoke-grant --region REGION --key-id KEY --grant-id GRANT"


def _with(*grants: Grant) -> Account:
    return sample.holding(sample.of(KEY_GRANTS, KeyGrants(arn=sample.ARN, grants=grants)))


def _of_grants(
    account: Account, test: Callable[[str, str, tuple[Grant, ...]], Iterator[Outcome]]
) -> Iterator[Outcome]:
    def of_region(region: str, keys: tuple[KeyGrants, ...]) -> Iterator[Outcome]:
        def of_key(key: KeyGrants) -> Iterator[Outcome]:
            found = tuple(test(region, key.arn, known(key.grants)))
            yield from found or (Pass(key.arn, "", region),)

        yield from for_each(keys, of_key, name=lambda key: key.arn, region=region)
        if not keys:
            yield NotApplicable(None, "there is no customer managed key", region)

    return in_regions(account, KEY_GRANTS, of_region)


def _many(grant: Grant) -> str:
    return f" ({grant.count:,} such grants)" if grant.count > 1 else ""


@check(
    "KMS-GRANT-XACCT",
    on=Account,
    severity=Severity.HIGH,
    title="A grant lets another account use a key",
    fix=f"{_RETIRE}; name an account that is meant to use the key in `trusted`.",
    source=_GRANTS,
    needs=(KEY_GRANTS,),
    bad=[
        _with(sample.grant(_FOREIGN)),
        _with(sample.grant(f"arn:aws:sts::{sample.OTHER}:assumed-role/x/y")),
    ],
    good=[_with(sample.grant())],
    trap=[
        _with(
            sample.grant("rds.us-east-1.amazonaws.com"),
            sample.grant(f"arn:aws:sts::{sample.OWN}:assumed-role/aws:ec2-infrastructure/i-1"),
        )
    ],
)
def granted_abroad(account: Account, terms: KeyTerms) -> Iterator[Outcome]:
    """Grants do not appear in policies, so a review of the policies misses the other account.

    False alarm when the account is yours or a partner's: name it in `trusted`.
    """

    def test(region: str, arn: str, grants: tuple[Grant, ...]) -> Iterator[Outcome]:
        for grant in grants:
            owner = _OWNER.fullmatch(grant.grantee)
            if owner and not terms.trusts(account, owner[1]):
                message = f"{quoted(grant.grantee)} of account {owner[1]} may {_operations(grant)}{_many(grant)}"
                yield Fail(arn, message, region, names=(("GRANT", grant.id),))

    return _of_grants(account, test)


def _operations(grant: Grant) -> str:
    return ", ".join(grant.operations[:4]) + (
        f" and {len(grant.operations) - 4} more" if len(grant.operations) > 4 else ""  # noqa: PLR2004
    )


@check(
    "KMS-GRANT-BROAD",
    on=Account,
    severity=Severity.LOW,
    title="A grant has no limits, or a key has very many grants",
    fix=f"Create the grant with Constraints on the encryption context, or retire it: {_RETIRE}",
    source=_GRANTS,
    needs=(KEY_GRANTS,),
    bad=[
        _with(
            sample.grant(
                f"arn:aws:iam::{sample.OWN}:role/App", "CreateGrant", "Decrypt", constraints=()
            )
        ),
        _with(sample.grant(count=5_000)),
    ],
    good=[_with(sample.grant())],
    trap=[
        _with(
            sample.grant(f"arn:aws:iam::{sample.OWN}:role/App", "Decrypt", constraints=()),
            sample.grant("rds.us-east-1.amazonaws.com", "CreateGrant", "Decrypt", constraints=()),
        )
    ],
)
def wide_grant(account: Account, terms: KeyTerms) -> Iterator[Outcome]:
    """A principal that may decrypt and create grants without limits can let anyone use the key.

    Services limit their grants themselves. False alarm when the grantee is a service of yours
    that needs many grants: raise `grants`.
    """

    def test(region: str, arn: str, grants: tuple[Grant, ...]) -> Iterator[Outcome]:
        for grant in grants:
            open_ = {"CreateGrant", "Decrypt"} <= set(grant.operations) and not grant.constraints
            if open_ and _OWNER.fullmatch(grant.grantee):
                message = f"{quoted(grant.grantee)} may decrypt and create grants without constraints{_many(grant)}"
                yield Fail(arn, message, region, names=(("GRANT", grant.id),))
        total = sum(grant.count for grant in grants)
        if total > terms.grants:
            message = (
                f"the key has {total:,} grants, more than {terms.grants:,} (KMS allows 50,000)"
            )
            yield Fail(arn, message, region)

    return _of_grants(account, test)


_KEYS = Sought(
    actions=("kms:Decrypt", "kms:ReEncryptFrom"),
    names={"kms": ("key/0a", "key/mrk-z9")},
    narrowing=("aws:resourcetag/", "kms:"),
)


def _role(*statements: dict[str, object]) -> Account:
    inline = InlinePolicy(name="own", document=sample.policy(*statements))
    role = Role(name="App", arn=f"arn:aws:iam::{sample.OWN}:role/App", inline=(inline,))
    return sample.holding(AUTHORIZATION.held(Authorization(roles=(role,))))


@check(
    "KMS-IAM-DECRYPT-STAR",
    on=Account,
    severity=Severity.MEDIUM,
    title="An identity policy allows decryption with every key",
    fix="Name the keys: arn:PARTITION:kms:REGION:ACCOUNT_ID:key/ID, or choose them by kms:ResourceAliases, aws:ResourceTag or kms:ViaService.",
    source=f"{_HUB}#kms-1",
    needs=(AUTHORIZATION,),
    bad=[
        _role(allow("kms:Decrypt", "*")),
        _role(allow("kms:*", "arn:aws:kms:*:111122223333:key/*")),
        _role(allow("kms:ReEncrypt*", "*")),
        _role(allow("kms:Decrypt", "arn:aws:kms:*")),
        _role({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        _role({"Effect": "Allow", "Action": "kms:*", "NotResource": "arn:aws:s3:::reports/*"}),
    ],
    good=[_role(allow("kms:Decrypt", sample.ARN))],
    trap=[
        _role(
            # Administrators are a finding of their own.
            allow("*", "*"),
            allow("kms:Encrypt", "*"),
            allow(
                "kms:Decrypt",
                "*",
                condition={"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
            ),
            allow(
                "kms:Decrypt", "*", condition={"StringEquals": {"aws:ResourceTag/team": "blue"}}
            ),
        ),
        _role(
            allow("kms:*", "*"),
            {"Effect": "Deny", "Action": "kms:*Decrypt*", "Resource": "*"},
            {"Effect": "Deny", "Action": "kms:ReEncrypt*", "Resource": "*"},
        ),
    ],
)
def any_key(account: Account, _terms: KeyTerms) -> Iterator[Outcome]:
    """Through the account statement such a policy reaches every key of the account, including future ones.

    False alarm when the identity is an administrator or a backup role that is meant to reach all
    keys.
    """
    policies = identity_policies(account.require(AUTHORIZATION))
    yield from for_each(policies, _of, name=lambda held: held.arn)


def _of(held: IdentityPolicy) -> Iterator[Outcome]:
    if held.document is None or held.is_of_aws:
        yield NotApplicable(held.arn, "AWS manages the policy")
        return
    yield from _judged(held.arn, held.place, held.document)


def _judged(arn: str, place: str, document: str) -> Iterator[Outcome]:
    found = tuple(wide_grants(policy_of(document, _DETAILS).statements, _KEYS))
    for grant in found:
        where = grant.statement.place().pointer
        message = f"{place}, {where} allows {grant.action} on {grant.resource}, so the identity can decrypt with every key"
        yield Fail(arn, message)
    if not found:
        yield Pass(arn, "")
