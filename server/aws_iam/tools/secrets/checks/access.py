"""Who may read secrets: by their resource policies, by their keys, by identity policies, and by sharing."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import known
from aws_iam.account.collect.secrets.secret_keys import SECRET_KEYS, SecretKey
from aws_iam.account.collect.secrets.secret_policies import (
    NAMED_POLICIES,
    NamedPolicy,
    SecretPolicies,
)
from aws_iam.account.collect.secrets.secrets import SECRETS
from aws_iam.account.reading.snapshot import Account
from aws_iam.answer import Severity
from aws_iam.engine.effective.caller_conditions import (
    is_closed_to_strangers,
)
from aws_iam.engine.effective.denied_strangers import denied_to_strangers, is_taken_back
from aws_iam.engine.language.pattern import matches
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.on_account import in_regions, policy_of
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each
from aws_iam.tools.secrets.checks import samples as sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aws_iam.account.collect.secrets.secrets import Secret
    from aws_iam.engine.language.document import Policy, Statement
    from aws_iam.tools.secrets.terms import SecretTerms

_GUIDE = "https://docs.aws.amazon.com/secretsmanager/latest/userguide"
_CREATE = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html"
_ACCOUNT = re.compile(r"(?:arn:[^:]+:(?:iam|sts)::)?([0-9]{12})(?::.+)?")
# What a reader needs; anything else changes the secret or who may use it.
_READS = (
    "secretsmanager:GetSecretValue",
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:DescribeSecret",
    "secretsmanager:ListSecretVersionIds",
    "secretsmanager:GetResourcePolicy",
    "secretsmanager:ListResourcePolicies",
    "secretsmanager:ListSecrets",
)


def _policies(*statements: dict[str, object], name: str = "default") -> SecretPolicies:
    return SecretPolicies(
        arn=sample.ARN, policies=(NamedPolicy(name=name, document=sample.policy(*statements)),)
    )


def _secret_with(*statements: dict[str, object], name: str = "default", **more: object) -> Account:
    return sample.holding(
        (SECRETS, (sample.rotating(**more),)),
        (NAMED_POLICIES, (_policies(*statements, name=name),)),
        (SECRET_KEYS, ()),
    )


_FOREIGN = {"AWS": f"arn:aws:iam::{sample.OTHER}:role/Reporting"}
_OWN = {"AWS": f"arn:aws:iam::{sample.OWN}:role/App"}


def _of_policies(
    account: Account, test: Callable[[str, SecretPolicies, str, Policy], Iterator[Outcome]]
) -> Iterator[Outcome]:
    """The outcomes of every policy of every secret; a list that AWS refused to give adds an unknown."""

    def of_secret(region: str, secret: SecretPolicies) -> Iterator[Outcome]:
        for named in secret.policies:
            text = known(named.document)
            if text:
                policy = policy_of(text, "secretsmanager:GetResourcePolicy")
                yield from test(region, secret, named.name, policy)
        if secret.listed is not None:
            raise secret.listed.error()
        if not secret.policies:
            yield Pass(secret.arn, "", region)

    def of_region(region: str, secrets: tuple[SecretPolicies, ...]) -> Iterator[Outcome]:
        return for_each(
            secrets, partial(of_secret, region), name=lambda secret: secret.arn, region=region
        )

    return in_regions(account, NAMED_POLICIES, of_region)


@check(
    "SEC-POL-PUBLIC",
    on=Account,
    severity=Severity.CRITICAL,
    title="A secret is open to everyone",
    fix="Name the principals, or add a condition on aws:PrincipalOrgID, aws:SourceArn, aws:SourceAccount or aws:SourceVpce with fixed values; then aws secretsmanager put-resource-policy --region REGION --secret-id SECRET --block-public-policy --resource-policy file://policy.json",
    source="https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html",
    needs=(NAMED_POLICIES,),
    bad=[
        _secret_with(sample.allow("*")),
        _secret_with(sample.allow({"AWS": "*"}), name="partner"),
        _secret_with(sample.allow("*", Condition={"Bool": {"aws:SecureTransport": "true"}})),
        _secret_with(
            {
                "Effect": "Allow",
                "NotPrincipal": {"AWS": f"arn:aws:iam::{sample.OWN}:role/App"},
                "Action": "secretsmanager:GetSecretValue",
                "Resource": "*",
            }
        ),
    ],
    good=[_secret_with(sample.allow(_OWN))],
    trap=[
        _secret_with(
            sample.allow("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})
        ),
        _secret_with(sample.allow("*") | {"Effect": "Deny"}),
    ],
)
def public(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Any AWS account could read the secret.

    A secret may have several policies, and one of them is enough. False alarm when a condition
    keeps strangers out in a way that cannot be proved from the policy alone.
    """

    def test(region: str, secret: SecretPolicies, name: str, policy: Policy) -> Iterator[Outcome]:
        open_statements = [
            candidate
            for candidate in policy.statements
            if _is_open(candidate) and not is_closed_to_strangers(candidate)
        ]
        denials = denied_to_strangers(policy)
        open_statements = [s for s in open_statements if not is_taken_back(denials, s)]
        for statement in open_statements:
            message = f"policy {quoted(name)}, {_place(statement)}: everyone may call {_actions(statement)}"
            yield Fail(secret.arn, message, region, names=(("SECRET", secret.arn),))
        if not open_statements:
            yield Pass(secret.arn, "", region)

    return _of_policies(account, test)


def _is_open(statement: Statement) -> bool:
    # NotPrincipal lets in everyone except a few.
    named = any(principal.is_everyone for principal in statement.principals)
    return statement.allows and (named or bool(statement.not_principals))


def _place(statement: Statement) -> str:
    return (
        f"statement {quoted(statement.sid.value)}" if statement.sid else statement.place().pointer
    )


def _actions(statement: Statement) -> str:
    if not statement.actions:
        return "all actions except those in `NotAction`"
    first = statement.actions[0].value
    more = len(statement.actions) - 1
    return f"{quoted(first)}{f' and {more} more' if more > 0 else ''}"


@check(
    "SEC-POL-XACCT",
    on=Account,
    severity=Severity.MEDIUM,
    title="Another account may use a secret",
    fix="Remove the principal, or limit it by aws:PrincipalOrgID; name an account that is meant to read it in `trusted`.",
    source=f"{_GUIDE}/auth-and-access_examples_cross.html",
    needs=(NAMED_POLICIES,),
    bad=[
        _secret_with(sample.allow(_FOREIGN)),
        _secret_with(sample.allow(_FOREIGN, "secretsmanager:*")),
    ],
    good=[_secret_with(sample.allow(_OWN))],
    trap=[
        _secret_with(
            sample.allow({"AWS": sample.OWN}), sample.allow({"Service": "rds.amazonaws.com"})
        )
    ],
)
def cross_account(account: Account, terms: SecretTerms) -> Iterator[Outcome]:
    """The administrators of another account decide who reads your secret; with more than read rights they also change it.

    False alarm when the account is yours or a partner's: name it in `trusted`.
    """

    def test(region: str, secret: SecretPolicies, name: str, policy: Policy) -> Iterator[Outcome]:
        found = False
        for statement in policy.statements:
            for other in sorted(_strangers(account, terms, statement)):
                found = True
                beyond = not _only_reads(statement)
                word = "use and change" if beyond else "read"
                message = f"policy {quoted(name)}, {_place(statement)}: account {other} may {word} it ({_actions(statement)})"
                severity = Severity.HIGH if beyond else Severity.MEDIUM
                yield Fail(secret.arn, message, region, severity=severity)
        if not found:
            yield Pass(secret.arn, "", region)

    return _of_policies(account, test)


def _strangers(account: Account, terms: SecretTerms, statement: Statement) -> set[str]:
    """The untrusted accounts that an Allow lets in."""
    return {other for other in let_in(statement) if not terms.trusts(account, other)}


def let_in(statement: Statement) -> set[str]:
    """The accounts that an Allow names as principals or, if its principal is everyone, in a condition on the caller."""
    if not statement.allows:
        return set()
    named = {_of(principal.value) for principal in statement.principals if principal.type == "AWS"}
    if any(principal.is_everyone for principal in statement.principals):
        callers = statement.conditions_on("aws:principalaccount", "aws:principalarn")
        named |= {
            _of(value.value) for caller in callers if caller.demanded for value in caller.values
        }
    return named - {""}


def statements_of(text: str | None, call: str) -> tuple[Statement, ...]:
    """The statements of a policy that AWS sent; none when there is none."""
    return policy_of(text, call).statements if text else ()


def _only_reads(statement: Statement) -> bool:
    return bool(statement.actions) and all(
        any(matches(action.value, read, ignore_case=True) for read in _READS)
        and not set("*?") & set(action.value)
        for action in statement.actions
    )


def _shared(
    account: Account, test: Callable[[str, Secret, set[str]], Iterator[Outcome]]
) -> Iterator[Outcome]:
    """The outcomes of every secret that its own policy shares, also with trusted accounts."""

    def of_region(region: str, secrets: tuple[Secret, ...]) -> Iterator[Outcome]:
        policies = {
            policies_of.arn: policies_of
            for policies_of in account.require_in(region, NAMED_POLICIES)
        }
        remaining = [
            secret for secret in secrets if secret.deleted is None and secret.arn in policies
        ]

        def of_secret(secret: Secret) -> Iterator[Outcome]:
            others = _readers(account, policies[secret.arn])
            if others:
                yield from test(region, secret, others)
            else:
                yield NotApplicable(secret.arn, "its policy does not share it", region)

        yield from for_each(remaining, of_secret, name=lambda secret: secret.arn, region=region)

    return in_regions(account, SECRETS, of_region)


def _readers(account: Account, policies: SecretPolicies) -> set[str]:
    """The other accounts that may read the secret by the policies that could be read."""
    return {
        other
        for named in policies.policies
        for statement in statements_of(known(named.document), "secretsmanager:GetResourcePolicy")
        if statement.allows and _lets_read(statement)
        for other in let_in(statement)
        if other != account.id
    }


def _lets_read(statement: Statement) -> bool:
    wanted = "secretsmanager:GetSecretValue"
    return any(matches(action.value, wanted, ignore_case=True) for action in statement.actions)


_CUSTOMER_KEY = SecretKey(
    named=sample.KEY,
    arn=sample.KEY,
    state="Enabled",
    manager="CUSTOMER",
    policy=sample.policy(
        sample.allow({"AWS": f"arn:aws:iam::{sample.OWN}:root"}, "kms:*"),
        sample.allow(_FOREIGN, "kms:Decrypt"),
    ),
)


def _shared_under(key: SecretKey | None, named: str | None, principal: object = None) -> Account:
    return sample.holding(
        (SECRETS, (sample.rotating(kms_key=named),)),
        (NAMED_POLICIES, (_policies(sample.allow(principal or _FOREIGN)),)),
        (SECRET_KEYS, (key,) if key else ()),
    )


@check(
    "SEC-XACCT-AWSKEY",
    on=Account,
    severity=Severity.MEDIUM,
    title="A shared secret is encrypted with a key that cannot be shared",
    fix="aws secretsmanager update-secret --region REGION --secret-id SECRET --kms-key-id KEY_ARN (a customer managed key whose policy lets the other account decrypt)",
    source=_CREATE,
    needs=(SECRETS, NAMED_POLICIES, SECRET_KEYS),
    bad=[_shared_under(None, None), _shared_under(None, "alias/aws/secretsmanager")],
    good=[_shared_under(_CUSTOMER_KEY, sample.KEY)],
    trap=[_shared_under(None, None, _OWN)],
)
def shared_under_aws_key(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """The sharing does not work: nobody outside the account can use an AWS managed key.

    No false alarms about the access, though the policy may simply be a leftover.
    """

    def test(region: str, secret: Secret, others: set[str]) -> Iterator[Outcome]:
        if _is_default(account, region, secret):
            message = f"{quoted(secret.name)} is shared with {_listed(others)}, but its key `aws/secretsmanager` cannot be shared"
            yield Fail(secret.arn, message, region, names=(("SECRET", secret.arn),))
        else:
            yield Pass(secret.arn, "", region)

    return _shared(account, test)


def _is_default(account: Account, region: str, secret: Secret) -> bool:
    named = secret.kms_key
    if named is None or named.endswith("alias/aws/secretsmanager"):
        return True
    key = _key(account, region, named)
    return known(key.manager) == "AWS"


def _key(account: Account, region: str, named: str) -> SecretKey:
    for key in account.require_in(region, SECRET_KEYS):
        if key.named == named:
            return key
    raise NotCollected(
        f"the snapshot does not hold the key {quoted(named)}",
        call="kms:DescribeKey",
        code="not in the snapshot",
        permission="kms:DescribeKey",
        region=region,
    )


@check(
    "SEC-XACCT-KEYPOL",
    on=Account,
    severity=Severity.MEDIUM,
    title="The key of a shared secret does not let the other account decrypt it",
    fix="Add to the key's policy an Allow of kms:Decrypt for the other account, with kms:ViaService secretsmanager.REGION.amazonaws.com.",
    source=_CREATE,
    needs=(SECRETS, NAMED_POLICIES, SECRET_KEYS),
    bad=[
        _shared_under(
            SecretKey(
                named=sample.KEY,
                arn=sample.KEY,
                state="Enabled",
                manager="CUSTOMER",
                policy=sample.policy(
                    sample.allow({"AWS": f"arn:aws:iam::{sample.OWN}:root"}, "kms:*")
                ),
            ),
            sample.KEY,
        )
    ],
    good=[_shared_under(_CUSTOMER_KEY, sample.KEY)],
    trap=[
        # The whole account is allowed, by its root principal and a wildcard.
        _shared_under(
            SecretKey(
                named=sample.KEY,
                arn=sample.KEY,
                state="Enabled",
                manager="CUSTOMER",
                policy=sample.policy(
                    sample.allow({"AWS": f"arn:aws:iam::{sample.OTHER}:root"}, "kms:De*")
                ),
            ),
            sample.KEY,
        )
    ],
)
def key_refuses(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Reading a shared secret requires three permissions; the one on the key is easily forgotten.

    False alarm when the other account gets the key by a grant.
    """

    def test(region: str, secret: Secret, others: set[str]) -> Iterator[Outcome]:
        if _is_default(account, region, secret):
            yield NotApplicable(secret.arn, "the key cannot be shared at all", region)
            return
        key = _key(account, region, secret.kms_key or "")
        statements = statements_of(known(key.policy), "kms:GetKeyPolicy")
        refused = {other for other in others if not _decrypts(statements, other)}
        if refused:
            arn = known(key.arn)
            message = f"{quoted(secret.name)} is shared with {_listed(refused)}, but the policy of key {quoted(arn)} allows no kms:Decrypt"
            yield Fail(secret.arn, message, region)
        else:
            yield Pass(secret.arn, "", region)

    return _shared(account, test)


def _decrypts(statements: tuple[Statement, ...], other: str) -> bool:
    return any(
        statement.allows
        and any(
            matches(action.value, "kms:Decrypt", ignore_case=True) for action in statement.actions
        )
        and any(
            principal.is_everyone or _of(principal.value) == other
            for principal in statement.principals
        )
        for statement in statements
    )


def _of(principal: str) -> str:
    found = _ACCOUNT.fullmatch(principal)
    return found[1] if found else ""


def _listed(accounts: Iterable[str]) -> str:
    return "account " + ", ".join(sorted(accounts))
