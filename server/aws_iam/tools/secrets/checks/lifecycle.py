"""The keys of secrets, their replicas, and what is old, unused or about to be deleted."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import known
from aws_iam.account.collect.secrets.parameters import PARAMETERS, StoredParameter
from aws_iam.account.collect.secrets.secret_keys import SECRET_KEYS, SecretKey
from aws_iam.account.collect.secrets.secrets import SECRET_COPIES, SECRETS, Replica, SecretCopies
from aws_iam.account.reading.snapshot import Account
from aws_iam.answer import Severity
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.on_account import age_days, day, in_regions
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each
from aws_iam.tools.secrets.checks import samples as sample
from aws_iam.tools.secrets.checks.rotation import live
from aws_iam.tools.secrets.terms import SecretTerms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.account.collect.secrets.secrets import Secret

_API = "https://docs.aws.amazon.com/secretsmanager/latest/apireference"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/secretsmanager-controls.html"
_PUT = "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html"
_UNUSABLE = frozenset(
    {"Disabled", "PendingDeletion", "PendingReplicaDeletion", "PendingImport", "Unavailable"}
)
_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$", re.ASCII)
_SECURE = "SecureString"


def _key(state: str, named: str = sample.KEY) -> SecretKey:
    return SecretKey(named=named, arn=sample.KEY, state=state, manager="CUSTOMER", policy=None)


def _under(key: SecretKey) -> Account:
    return sample.holding(
        (SECRETS, (sample.rotating(kms_key=sample.KEY),)), (PARAMETERS, ()), (SECRET_KEYS, (key,))
    )


@check(
    "SEC-KEY-STATE",
    on=Account,
    severity=Severity.CRITICAL,
    title="The key of a secret cannot be used",
    fix="Cancel the deletion and enable it: aws kms cancel-key-deletion --region REGION --key-id KEY_ID, then aws kms enable-key --region REGION --key-id KEY_ID",
    source="https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html",
    needs=(SECRETS, PARAMETERS, SECRET_KEYS),
    bad=[_under(_key("PendingDeletion")), _under(_key("Disabled"))],
    good=[_under(_key("Enabled"))],
    trap=[
        # A key may be deleted together with the only secret that it encrypts.
        sample.holding(
            (SECRETS, (sample.rotating(kms_key=sample.KEY, deleted=sample.ago(1)),)),
            (PARAMETERS, ()),
            (SECRET_KEYS, (_key("PendingDeletion"),)),
        )
    ],
)
def key_unusable(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """The value cannot be read while its key is disabled, and never again once the key is deleted.

    False alarm when the secret is retired together with its key.
    """

    def test(region: str, keys: tuple[SecretKey, ...]) -> Iterator[Outcome]:
        users: dict[str, list[tuple[str, str]]] = {}
        for secret in account.require_in(region, SECRETS):
            if secret.kms_key and secret.deleted is None:
                users.setdefault(secret.kms_key, []).append((secret.arn, secret.name))
        for parameter in account.require_in(region, PARAMETERS):
            if parameter.key:
                users.setdefault(parameter.key, []).append((parameter.arn, parameter.name))
        for key in keys:
            for user in users.get(key.named, ()):
                yield from for_each((user,), partial(judge, region, key), name=_arn, region=region)

    def judge(region: str, key: SecretKey, user: tuple[str, str]) -> Iterator[Outcome]:
        arn, name = user
        state, identity = known(key.state), known(key.arn)
        if state in _UNUSABLE:
            message = f"{quoted(name)} is encrypted with key {quoted(identity)}, which is in state {quoted(state)}"
            yield Fail(arn, message, region, names=(("KEY_ID", identity),))
        else:
            yield Pass(arn, "", region)

    return in_regions(account, SECRET_KEYS, test)


@check(
    "SEC-KEY-DEFAULT",
    on=Account,
    severity=Severity.INFO,
    title="A secret is encrypted with the AWS managed key",
    fix="aws secretsmanager update-secret --region REGION --secret-id SECRET --kms-key-id KEY_ARN",
    source="https://docs.aws.amazon.com/config/latest/developerguide/secretsmanager-using-cmk.html",
    needs=(SECRETS,),
    bad=[sample.with_secrets(sample.rotating())],
    good=[sample.with_secrets(sample.rotating(kms_key=sample.KEY))],
    trap=[sample.with_secrets(sample.rotating(owning_service="rds"))],
)
def default_key(account: Account, terms: SecretTerms) -> Iterator[Outcome]:
    """Only a customer managed key has a key policy that you control.

    Runs only with the limit `customer_key`. False alarm when the account avoids customer managed
    keys to save their cost.
    """

    def test(region: str, secret: Secret) -> Iterator[Outcome]:
        if not terms.customer_key or secret.owning_service:
            yield NotApplicable(secret.arn, "no customer managed key is required", region)
        elif secret.kms_key is None or secret.kms_key.endswith("alias/aws/secretsmanager"):
            message = f"{quoted(secret.name)} is encrypted with `aws/secretsmanager`"
            yield Fail(secret.arn, message, region, names=(("SECRET", secret.arn),))
        else:
            yield Pass(secret.arn, "", region)

    return live(account, test)


def _arn(user: tuple[str, str]) -> str:
    return user[0]


def _copied(*copies: Replica) -> Account:
    return sample.holding((SECRET_COPIES, (SecretCopies(arn=sample.ARN, copies=copies),)))


@check(
    "SEC-REPLICA-FAIL",
    on=Account,
    severity=Severity.HIGH,
    title="A replica of a secret is out of date",
    fix="Read the status message in the console, fix the key or the name it mentions, then aws secretsmanager replicate-secret-to-regions --region REGION --secret-id SECRET --add-replica-regions Region=REPLICA_REGION",
    source=f"{_API}/API_ReplicationStatusType.html",
    needs=(SECRET_COPIES,),
    bad=[
        _copied(Replica(status="Failed", region="eu-west-1")),
        _copied(Replica(status="Detached", secret=sample.ARN, role="replica")),
    ],
    good=[_copied(Replica(status="InSync", region="eu-west-1"))],
    trap=[_copied(Replica(status="InProgress", region="eu-west-1"))],
)
def copy_failed(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """A failed replica keeps the old password, which nobody notices until its Region needs the secret.

    False alarm when a replication was still running when the snapshot was taken.
    """

    def test(region: str, secret: SecretCopies) -> Iterator[Outcome]:
        failed = [
            replica for replica in known(secret.copies) if replica.status in {"Failed", "Detached"}
        ]
        for copy in failed:
            what = (
                f"the copy in {quoted(copy.region)}"
                if copy.region
                else f"{_ROLES[copy.role]} {quoted(copy.secret)}"
            )
            names = (("SECRET", secret.arn), ("REPLICA_REGION", copy.region or "REPLICA_REGION"))
            fix = None if copy.region else _ASSOCIATE
            yield Fail(
                secret.arn, f"{what} is {quoted(copy.status)}", region, names=names, fix=fix
            )
        if not failed:
            yield Pass(secret.arn, "", region)

    def of_region(region: str, secrets: tuple[SecretCopies, ...]) -> Iterator[Outcome]:
        return for_each(
            secrets, partial(test, region), name=lambda secret: secret.arn, region=region
        )

    return in_regions(account, SECRET_COPIES, of_region)


_ROLES = {
    "regional": "the copy",
    "replica": "the other account's copy",
    "primary": "the link to the primary",
}
_ASSOCIATE = (
    "Associate the replica again from the owner's account (AssociateCrossAccountReplica); its key and role must let the "
    "owner replicate."
)


@check(
    "SEC-UNUSED",
    on=Account,
    severity=Severity.MEDIUM,
    title="Nobody reads a secret",
    fix="Check its replicas in other Regions, then aws secretsmanager delete-secret --region REGION --secret-id SECRET --recovery-window-in-days 30",
    source=_HUB,
    needs=(SECRETS,),
    bad=[
        sample.with_secrets(sample.rotating(last_accessed=sample.ago(120))),
        sample.with_secrets(sample.rotating(last_accessed=None)),
    ],
    good=[sample.with_secrets(sample.rotating())],
    trap=[
        sample.with_secrets(
            sample.rotating(last_accessed=None, created=sample.ago(20)),
            sample.rotating(last_accessed=sample.ago(300), owning_service="rds"),
        )
    ],
)
def unused(account: Account, terms: SecretTerms) -> Iterator[Outcome]:
    """A credential that nobody uses only helps an attacker.

    False alarm when it is read in another Region only, or kept for an emergency: AWS counts reads
    by Region and by day.
    """

    def test(region: str, secret: Secret) -> Iterator[Outcome]:
        last = secret.last_accessed or secret.created
        if secret.owning_service or last is None:
            yield NotApplicable(
                secret.arn, "a service owns it, or AWS does not say when it was created", region
            )
        elif (age := age_days(account, last)) > terms.unused_days:
            word = (
                "was last read" if secret.last_accessed else "was never read since it was created"
            )
            message = f"{quoted(secret.name)} {word} {age} days ago ({day(last)}), more than {terms.unused_days}"
            yield Fail(secret.arn, message, region, names=(("SECRET", secret.arn),))
        else:
            yield Pass(secret.arn, "", region)

    return live(account, test)


@check(
    "SEC-DEL-PENDING",
    on=Account,
    severity=Severity.INFO,
    title="A secret is scheduled for deletion",
    fix="Confirm that nobody needs it, or aws secretsmanager restore-secret --region REGION --secret-id SECRET",
    source=f"{_API}/API_DeleteSecret.html",
    needs=(SECRETS,),
    bad=[sample.with_secrets(sample.secret(deleted=sample.ago(3)))],
    good=[sample.with_secrets(sample.rotating())],
    trap=[sample.with_secrets(sample.rotating(last_accessed=sample.ago(400)))],
)
def deletion_pending(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Until the recovery window ends the secret can be restored; afterwards it is gone.

    False alarm when the deletion is intended.
    """

    def test(region: str, secrets: tuple[Secret, ...]) -> Iterator[Outcome]:
        for secret in secrets:
            if secret.deleted is None:
                yield Pass(secret.arn, "", region)
            else:
                message = f"{quoted(secret.name)} was marked for deletion on {day(secret.deleted)}"
                yield Fail(secret.arn, message, region, names=(("SECRET", secret.arn),))

    return in_regions(account, SECRETS, test)


@check(
    "SEC-NAME-SUFFIX",
    on=Account,
    severity=Severity.LOW,
    title="A secret's name ends like the random suffix of an ARN",
    fix="Create the secret under another name, move its readers, delete this one.",
    source=f"{_API}/API_CreateSecret.html",
    needs=(SECRETS,),
    bad=[sample.with_secrets(sample.rotating(name="prod/app-db2024"))],
    good=[sample.with_secrets(sample.rotating())],
    trap=[
        sample.with_secrets(
            sample.rotating(name="prod/app-database"),
            sample.rotating(name="rds!db-1a2b3c", owning_service="rds"),
        )
    ],
)
def ambiguous_name(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """A partial ARN, or a policy whose resource ends in `-??????`, can then match another secret.

    False alarm when every policy and every caller names the full ARN.
    """

    def test(region: str, secret: Secret) -> Iterator[Outcome]:
        if secret.owning_service:
            yield NotApplicable(secret.arn, "a service chose the name", region)
        elif _SUFFIX.search(secret.name):
            message = f"the name {quoted(secret.name)} ends in a hyphen and six characters"
            yield Fail(secret.arn, message, region)
        else:
            yield Pass(secret.arn, "", region)

    return live(account, test)


def _with_parameters(*parameters: StoredParameter) -> Account:
    return sample.holding((PARAMETERS, parameters))


def _secure(
    account: Account, test: Callable[[str, StoredParameter], Iterator[Outcome]]
) -> Iterator[Outcome]:
    """The outcomes of every SecureString."""

    def of_region(region: str, parameters: tuple[StoredParameter, ...]) -> Iterator[Outcome]:
        for parameter in parameters:
            if parameter.type == _SECURE:
                yield from test(region, parameter)

    return in_regions(account, PARAMETERS, of_region)


@check(
    "SSM-DEFAULT-KEY",
    on=Account,
    severity=Severity.LOW,
    title="A SecureString is encrypted with the AWS managed key",
    fix="Store the value again with --key-id KEY_ARN --overwrite (a customer managed key).",
    source="https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html",
    needs=(PARAMETERS,),
    bad=[_with_parameters(sample.parameter(key="alias/aws/ssm"))],
    good=[_with_parameters(sample.parameter())],
    trap=[_with_parameters(sample.parameter("/prod/app/url", type="String", key=None))],
)
def parameter_key(account: Account, _terms: SecretTerms) -> Iterator[Outcome]:
    """Everyone in the account who may use Parameter Store may decrypt with that key, and you cannot change its policy.

    False alarm when IAM policies already limit who reads the parameter, and that is enough.
    """

    def test(region: str, parameter: StoredParameter) -> Iterator[Outcome]:
        if parameter.key is None or parameter.key.endswith("alias/aws/ssm"):
            yield Fail(
                parameter.arn,
                f"{quoted(parameter.name)} is encrypted with `alias/aws/ssm`",
                region,
            )
        else:
            yield Pass(parameter.arn, "", region)

    return _secure(account, test)


@check(
    "SSM-STALE",
    on=Account,
    severity=Severity.MEDIUM,
    title="A SecureString was last changed long ago",
    fix="Rotate the value, and let a NoChangeNotification policy remind you of the next time, or move it to Secrets Manager, which can rotate it.",
    source="https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html",
    needs=(PARAMETERS,),
    bad=[_with_parameters(sample.parameter(modified=sample.ago(500)))],
    good=[_with_parameters(sample.parameter())],
    trap=[
        _with_parameters(
            sample.parameter("/prod/app/url", type="String", modified=sample.ago(500))
        )
    ],
)
def parameter_stale(account: Account, terms: SecretTerms) -> Iterator[Outcome]:
    """Parameter Store does not rotate values, so a value is as old as its last change.

    False alarm when the parameter holds no credential, but for example a certificate's chain:
    raise `parameter_days`.
    """

    def test(region: str, parameter: StoredParameter) -> Iterator[Outcome]:
        if parameter.modified is None:
            yield NotApplicable(parameter.arn, "AWS does not say when it was changed", region)
        elif (age := age_days(account, parameter.modified)) > terms.parameter_days:
            message = f"{quoted(parameter.name)} was last changed {age} days ago ({day(parameter.modified)}), more than {terms.parameter_days}"
            yield Fail(parameter.arn, message, region)
        else:
            yield Pass(parameter.arn, "", region)

    return _secure(account, test)


@check(
    "SSM-EXPIRING",
    on=Account,
    severity=Severity.MEDIUM,
    title="A parameter is about to be deleted by its expiration policy",
    fix="Store the value again with a later Expiration in --policies, or without one: AWS deletes the parameter when it expires.",
    source=_PUT,
    needs=(PARAMETERS,),
    bad=[_with_parameters(sample.parameter(expires=(sample.ago(-10),)))],
    good=[_with_parameters(sample.parameter(expires=(sample.ago(-100),)))],
    trap=[_with_parameters(sample.parameter())],
)
def parameter_expiring(account: Account, terms: SecretTerms) -> Iterator[Outcome]:
    """Once it expires, readers get an error, and a deleted parameter cannot be restored.

    False alarm when the parameter is meant to expire.
    """
    horizon = account.collected_at + timedelta(days=terms.expiring_days)

    def test(region: str, parameters: tuple[StoredParameter, ...]) -> Iterator[Outcome]:
        for parameter in parameters:
            soon = [expire for expire in parameter.expires if expire < horizon]
            for moment in soon:
                message = f"{quoted(parameter.name)} is deleted on {day(moment)} by its Expiration policy"
                yield Fail(parameter.arn, message, region)
            if not soon:
                yield Pass(parameter.arn, "", region)

    return in_regions(account, PARAMETERS, test)
