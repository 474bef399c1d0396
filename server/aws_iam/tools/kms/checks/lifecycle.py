"""The lifecycle of keys: rotation, states, expiry and use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import known
from aws_iam.account.collect.kms.grants import KEY_GRANTS
from aws_iam.account.collect.kms.key_materials import KEY_MATERIALS, Material
from aws_iam.account.collect.kms.key_uses import KEY_USES
from aws_iam.account.collect.kms.keys import KMS_KEYS, KeyDetails, KeyRotation, KmsKey
from aws_iam.account.reading.snapshot import Account
from aws_iam.answer import Severity
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.on_account import age_days
from aws_iam.rules.outcomes import Fail, Outcome, Pass, Unknown
from aws_iam.tools.kms.checks import samples as sample
from aws_iam.tools.kms.terms import KeyTerms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.account.collect.kms.key_uses import LastUse


from typing import TYPE_CHECKING

from aws_iam.rules.on_account import in_regions
from aws_iam.rules.outcomes import NotApplicable, for_each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_GUIDE = "https://docs.aws.amazon.com/kms/latest/developerguide"
_API = "https://docs.aws.amazon.com/kms/latest/APIReference"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html"
_ENDING = ("PendingDeletion", "PendingReplicaDeletion")
_OFF = KeyRotation(enabled=False)


@check(
    "KMS-ROT-OFF",
    on=Account,
    severity=Severity.MEDIUM,
    title="A key does not rotate",
    fix="aws kms enable-key-rotation --region REGION --key-id KEY",
    source=f"{_HUB}#kms-4",
    needs=(KMS_KEYS,),
    bad=[sample.with_key(sample.key(rotation=_OFF))],
    good=[sample.with_key(sample.key())],
    trap=[
        sample.with_key(sample.key(origin="EXTERNAL")),
        sample.with_key(sample.key(rotation=_OFF, primary_region="eu-west-1", multi_region=True)),
        sample.with_key(sample.key(state="Disabled")),
    ],
)
def not_rotating(account: Account, _terms: KeyTerms) -> Iterator[Outcome]:
    """Rotation encrypts new data with new key material, so less data depends on each version of it.

    Imported, asymmetric and HMAC keys cannot rotate by themselves and are left out. False alarm
    when the key is replaced by hand on a schedule of your own.
    """

    def test(region: str, key: KmsKey, details: KeyDetails) -> Iterator[Outcome]:
        if not _rotates(region, key, details):
            return
        rotation = known(key.rotation)
        if rotation and not rotation.enabled:
            yield Fail(key.arn, f"{named(key)} does not rotate", region)
        elif rotation:
            yield Pass(key.arn, "", region)

    return for_each_key(account, test)


def _rotates(region: str, key: KmsKey, details: KeyDetails) -> bool:
    """Whether rotation can be set on the key; a replica follows its primary."""
    replica = details.primary_region not in {None, region}
    return key.rotates and not replica


@check(
    "KMS-ROT-LONG",
    on=Account,
    severity=Severity.LOW,
    title="A key rotates less often than the threshold",
    fix="aws kms enable-key-rotation --region REGION --key-id KEY --rotation-period-in-days DAYS",
    source=f"{_API}/API_EnableKeyRotation.html",
    needs=(KMS_KEYS,),
    bad=[sample.with_key(sample.key(rotation=KeyRotation(enabled=True, period_days=730)))],
    good=[sample.with_key(sample.key())],
    trap=[sample.with_key(sample.key(rotation=_OFF))],
)
def rotates_slowly(account: Account, terms: KeyTerms) -> Iterator[Outcome]:
    """The period is the longest time that the same key material encrypts new data; AWS's default is 365 days.

    False alarm when your own policy allows a longer period: set `rotation_days`.
    """

    def test(region: str, key: KmsKey, details: KeyDetails) -> Iterator[Outcome]:
        rotation = known(key.rotation) if _rotates(region, key, details) else None
        if rotation is None or not rotation.enabled:
            return
        days = rotation.period_days
        if days is None:
            message = f"{named(key)}: AWS did not send the period"
            yield Unknown(
                key.arn,
                message,
                region,
                reason="kms:GetKeyRotationStatus: no RotationPeriodInDays",
            )
        elif days > terms.rotation_days:
            message = f"{named(key)} rotates every {days} days, more than {terms.rotation_days}"
            yield Fail(key.arn, message, region, names=(("DAYS", str(terms.rotation_days)),))
        else:
            yield Pass(key.arn, "", region)

    return for_each_key(account, test)


@check(
    "KMS-DEL-PENDING",
    on=Account,
    severity=Severity.HIGH,
    title="A key is being deleted",
    fix="aws kms cancel-key-deletion --region REGION --key-id KEY, then aws kms enable-key --region REGION --key-id KEY; after that date nobody can decrypt what it encrypted.",
    source=f"{_HUB}#kms-3",
    needs=(KMS_KEYS, KEY_GRANTS, KEY_USES),
    bad=[
        sample.with_key(
            sample.key(state="PendingDeletion"), sample.of(KEY_USES, sample.used(300))
        ),
        sample.with_key(sample.key(state="PendingReplicaDeletion", alias="alias/app")),
    ],
    good=[sample.with_key(sample.key())],
    trap=[sample.with_key(sample.key(state="Disabled"))],
)
def being_deleted(account: Account, terms: KeyTerms) -> Iterator[Outcome]:
    """Everything that a deleted key encrypted is lost.

    Aliases, grants or recent use show that somebody still needs it. False alarm when the deletion
    is intended and nothing uses the key.
    """

    def test(region: str, key: KmsKey, details: KeyDetails) -> Iterator[Outcome]:
        if details.state not in _ENDING:
            yield Pass(key.arn, "", region)
            return
        signs, unread_ = _signs_of_use(account, terms, region, key)
        on = f" on {details.deletion_date:%Y-%m-%d}" if details.deletion_date else ""
        still = f"; it still has signs of use: {', '.join(signs)}" if signs else ""
        open_ = f"; not known: {', '.join(unread_)}" if unread_ else ""
        severity = Severity.CRITICAL if signs else None
        yield Fail(
            key.arn,
            f"{named(key)} is deleted{on} ({details.state}){still}{open_}",
            region,
            severity=severity,
        )

    return for_each_key(account, test)


def _signs_of_use(
    account: Account, terms: KeyTerms, region: str, key: KmsKey
) -> tuple[list[str], list[str]]:
    """The signs that the key is needed, and what could not be read."""
    signs = [f"{len(key.aliases)} aliases" if len(key.aliases) > 1 else "an alias"] * bool(
        key.aliases
    )
    open_ = []
    try:
        listed = {k.arn: k for k in account.require_in(region, KEY_GRANTS)}
        found = known(listed[key.arn].grants) if key.arn in listed else ()
        if found:
            signs.append("grants")
    except NotCollected:
        open_.append("its grants")
    try:
        use = _use(account, region, key)
        if use is None:
            open_.append("its last use")
        elif use.used and age_days(account, use.used) <= terms.unused_days:
            signs.append(f"used on {use.used:%Y-%m-%d}")
    except NotCollected:
        open_.append("its last use")
    return signs, open_


def _use(account: Account, region: str, key: KmsKey) -> LastUse | None:
    found = {recorded.arn: recorded for recorded in account.require_in(region, KEY_USES)}
    use = found[key.arn].use if key.arn in found else None
    return known(use) if use is not None else None


@check(
    "KMS-DISABLED",
    on=Account,
    severity=Severity.LOW,
    title="A key is disabled but still billed",
    fix="aws kms enable-key --region REGION --key-id KEY, or, after checking its use, aws kms schedule-key-deletion --region REGION --key-id KEY --pending-window-in-days 30",
    source="https://aws.amazon.com/kms/pricing/",
    needs=(KMS_KEYS,),
    bad=[sample.with_key(sample.key(state="Disabled"))],
    good=[sample.with_key(sample.key())],
    trap=[sample.with_key(sample.key(state="PendingDeletion"))],
)
def disabled(account: Account, _terms: KeyTerms) -> Iterator[Outcome]:
    """A disabled key is of no use to anyone and costs as much as one in use.

    False alarm when it is disabled to find out whether anyone still needs it.
    """

    def test(region: str, key: KmsKey, details: KeyDetails) -> Iterator[Outcome]:
        if details.state == "Disabled":
            yield Fail(key.arn, f"{named(key)} is disabled", region)
        else:
            yield Pass(key.arn, "", region)

    return for_each_key(account, test)


@check(
    "KMS-UNUSED",
    on=Account,
    severity=Severity.LOW,
    title="A key is not used",
    fix="aws kms disable-key --region REGION --key-id KEY; watch CloudTrail for DisabledException before you schedule its deletion.",
    source=f"{_API}/API_GetKeyLastUsage.html",
    needs=(KMS_KEYS, KEY_USES),
    bad=[
        sample.with_key(sample.key(), sample.of(KEY_USES, sample.used(200))),
        sample.with_key(sample.key(), sample.of(KEY_USES, sample.used(None))),
    ],
    good=[sample.with_key(sample.key())],
    trap=[
        sample.with_key(
            sample.key(created=sample.ago(5)), sample.of(KEY_USES, sample.used(None, created=5))
        ),
        sample.with_key(
            sample.key(state="PendingDeletion"), sample.of(KEY_USES, sample.used(200))
        ),
    ],
)
def unused(account: Account, terms: KeyTerms) -> Iterator[Outcome]:
    """An unused key costs money and may hold grants.

    False alarm when the key protects backups or archives that are read rarely. AWS records use
    only since a certain date; for older keys the answer is unknown.
    """

    def test(region: str, key: KmsKey, details: KeyDetails) -> Iterator[Outcome]:
        young = details.created and age_days(account, details.created) <= terms.unused_days
        if details.state not in {"Enabled", "Disabled"} or young:
            return
        use = _use(account, region, key)
        if use is None:
            message = f"{named(key)}: its last use was not read, because the account has more keys than the limit"
            yield Unknown(
                key.arn, message, region, reason="kms:GetKeyLastUsage: AWS allows 5 calls a second"
            )
        elif use.used and age_days(account, use.used) > terms.unused_days:
            yield Fail(key.arn, f"{named(key)} was last used on {use.used:%Y-%m-%d}", region)
        elif use.used:
            yield Pass(key.arn, "", region)
        elif use.created >= use.tracked_since:
            yield Fail(key.arn, f"{named(key)} was never used", region)
        else:
            message = f"{named(key)} was not used since {use.tracked_since:%Y-%m-%d}; before that AWS did not track it"
            yield Unknown(
                key.arn, message, region, reason="kms:GetKeyLastUsage: unknown before tracking"
            )

    return for_each_key(account, test)


_FOREVER = Material(id="m-1", imported=True, expires=None, state="CURRENT")


@check(
    "KMS-IMPORT-EXPIRY",
    on=Account,
    severity=Severity.HIGH,
    title="Imported key material is missing or expires",
    fix="Import the same material again: aws kms get-parameters-for-import --region REGION --key-id KEY --wrapping-algorithm RSAES_OAEP_SHA_256 --wrapping-key-spec RSA_4096, then aws kms import-key-material --region REGION --key-id KEY --encrypted-key-material fileb://material.bin --import-token fileb://token.bin --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE",
    source=f"{_GUIDE}/importing-keys-import-key-material.html",
    needs=(KMS_KEYS, KEY_MATERIALS),
    bad=[
        sample.imported(
            Material(id="m-1", imported=True, expires=sample.ago(-10), state="CURRENT")
        ),
        sample.imported(_FOREVER, state="PendingImport"),
        sample.imported(
            _FOREVER,
            Material(id="m-2", imported=True, expires=sample.ago(-5), state="NON_CURRENT"),
        ),
    ],
    good=[sample.imported(_FOREVER)],
    trap=[
        sample.imported(
            Material(id="m-1", imported=True, expires=sample.ago(-200), state="CURRENT")
        ),
        sample.holding(sample.of(KMS_KEYS, sample.key()), sample.of(KEY_MATERIALS)),
    ],
)
def expiring(account: Account, terms: KeyTerms) -> Iterator[Outcome]:
    """A key with several key materials becomes unusable as soon as one of them expires or is deleted.

    False alarm when the key material is meant to expire, to make data unreadable.
    """

    def test(region: str, key: KmsKey, details: KeyDetails) -> Iterator[Outcome]:
        if details.origin != "EXTERNAL":
            return
        if details.state == "PendingImport":
            yield Fail(
                key.arn, f"{named(key)} has no key material: it is in state PendingImport", region
            )
            return
        found = {
            materials.arn: materials for materials in account.require_in(region, KEY_MATERIALS)
        }
        if key.arn not in found:
            raise lacking(key, "kms:ListKeyRotations")
        late = [
            material
            for material in known(found[key.arn].materials)
            if not material.imported
            or (material.expires and age_days(account, material.expires) >= -terms.expiring_days)
        ]
        for material in late:
            when = f"expires on {material.expires:%Y-%m-%d}" if material.expires else "is missing"
            yield Fail(key.arn, f"material {quoted(material.id)} of {named(key)} {when}", region)
        if not late:
            yield Pass(key.arn, "", region)

    return for_each_key(account, test)


def for_each_key(
    account: Account, test: Callable[[str, KmsKey, KeyDetails], Iterator[Outcome]]
) -> Iterator[Outcome]:
    """The outcomes of every customer managed key."""

    def of_region(region: str, keys: tuple[KmsKey, ...]) -> Iterator[Outcome]:
        def of_key(key: KmsKey) -> Iterator[Outcome]:
            details = known(key.details)
            if details.manager != "AWS":
                yield from test(region, key, details)

        yield from for_each(keys, of_key, name=lambda key: key.arn, region=region)
        if not keys:
            yield NotApplicable(None, "there is no customer managed key", region)

    return in_regions(account, KMS_KEYS, of_region)


def named(key: KmsKey) -> str:
    """The key by its alias, else by its id."""
    return f"key {quoted(key.aliases[0] if key.aliases else key.id)}"


def lacking(key: KmsKey, call: str) -> NotCollected:
    """The error for a key that another fact of the snapshot lacks."""
    return NotCollected(
        f"{named(key)} is not part of this snapshot",
        call=call,
        code="not collected",
        permission=call,
    )
