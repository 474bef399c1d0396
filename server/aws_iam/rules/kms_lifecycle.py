"""The life of keys: rotation, states, expiry, use, aliases, key stores, and copies in other Regions."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_iam.account.fact import Miss, known
from aws_iam.account.facts.keys import (
    KEY_GRANTS,
    KEY_MATERIALS,
    KEY_STORES,
    KEY_USES,
    KeyStore,
    Material,
)
from aws_iam.account.facts.sharing import KEY_POLICIES, ResourcePolicy
from aws_iam.account.facts.storage import KMS_KEYS, KeyDetails, KeyRotation, KmsKey
from aws_iam.answer import Severity
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.rules import kms_samples as sample
from aws_iam.rules.check import check
from aws_iam.rules.judge import (
    Fail,
    NotApplicable,
    Outcome,
    Pass,
    Unknown,
    each,
    in_regions,
    policy_of,
    unread,
)
from aws_iam.rules.kms_limits import Limits, age_days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.account.facts.keys import LastUse
    from aws_iam.account.snapshot import Account

_GUIDE = "https://docs.aws.amazon.com/kms/latest/developerguide"
_API = "https://docs.aws.amazon.com/kms/latest/APIReference"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html"
_ENDING = ("PendingDeletion", "PendingReplicaDeletion")
_UNUSABLE = ("Disabled", "PendingImport", *_ENDING)
_OFF = KeyRotation(enabled=False)


def _keys(
    account: Account, test: Callable[[str, KmsKey, KeyDetails], Iterator[Outcome]]
) -> Iterator[Outcome]:
    """The outcomes of every key of the customer's."""

    def of_region(region: str, keys: tuple[KmsKey, ...]) -> Iterator[Outcome]:
        def of_key(key: KmsKey) -> Iterator[Outcome]:
            details = known(key.details)
            if details.manager != "AWS":
                yield from test(region, key, details)

        yield from each(keys, of_key, name=lambda key: key.arn, region=region)
        if not keys:
            yield NotApplicable(None, "there is no customer managed key", region)

    return in_regions(account, KMS_KEYS, of_region)


def _named(key: KmsKey) -> str:
    return f"key {quoted(key.aliases[0] if key.aliases else key.id)}"


@check(
    "KMS-ROT-OFF",
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
def not_rotating(account: Account, _limits: Limits) -> Iterator[Outcome]:
    """New data gets new material, so that less hangs on each; imported, asymmetric and HMAC keys cannot rotate by themselves."""

    def test(region: str, key: KmsKey, details: KeyDetails) -> Iterator[Outcome]:
        if not _rotates(region, key, details):
            return
        rotation = known(key.rotation)
        if rotation and not rotation.enabled:
            yield Fail(key.arn, f"{_named(key)} does not rotate", region)
        elif rotation:
            yield Pass(key.arn, "", region)

    return _keys(account, test)


def _rotates(region: str, key: KmsKey, details: KeyDetails) -> bool:
    """Whether rotation can be set on the key; a replica follows its primary."""
    replica = details.primary_region not in {None, region}
    return key.rotates and not replica


@check(
    "KMS-ROT-LONG",
    severity=Severity.LOW,
    title="A key rotates less often than wanted",
    fix="aws kms enable-key-rotation --region REGION --key-id KEY --rotation-period-in-days DAYS",
    source=f"{_API}/API_EnableKeyRotation.html",
    needs=(KMS_KEYS,),
    bad=[sample.with_key(sample.key(rotation=KeyRotation(enabled=True, period_days=730)))],
    good=[sample.with_key(sample.key())],
    trap=[sample.with_key(sample.key(rotation=_OFF))],
)
def rotates_slowly(account: Account, limits: Limits) -> Iterator[Outcome]:
    """The period is the longest time that one material encrypts new data; 365 days is AWS's default."""

    def test(region: str, key: KmsKey, details: KeyDetails) -> Iterator[Outcome]:
        rotation = known(key.rotation) if _rotates(region, key, details) else None
        if rotation is None or not rotation.enabled:
            return
        days = rotation.period_days
        if days is None:
            told = f"{_named(key)}: AWS did not send the period"
            yield Unknown(
                key.arn, told, region, reason="kms:GetKeyRotationStatus: no RotationPeriodInDays"
            )
        elif days > limits.rotation_days:
            told = f"{_named(key)} rotates every {days} days, more than {limits.rotation_days}"
            yield Fail(key.arn, told, region, names=(("DAYS", str(limits.rotation_days)),))
        else:
            yield Pass(key.arn, "", region)

    return _keys(account, test)


@check(
    "KMS-DEL-PENDING",
    severity=Severity.HIGH,
    title="A key is being deleted",
    fix="aws kms cancel-key-deletion --region REGION --key-id KEY, then aws kms enable-key --region REGION --key-id KEY; after the date nobody can decrypt what it encrypted.",
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
def being_deleted(account: Account, limits: Limits) -> Iterator[Outcome]:
    """What a deleted key encrypted is lost; aliases, grants or recent use say that somebody still needs it."""

    def test(region: str, key: KmsKey, details: KeyDetails) -> Iterator[Outcome]:
        if details.state not in _ENDING:
            yield Pass(key.arn, "", region)
            return
        signs, unread_ = _signs_of_use(account, limits, region, key)
        on = f" on {details.deletion_date:%Y-%m-%d}" if details.deletion_date else ""
        still = f"; still {', '.join(signs)}" if signs else ""
        open_ = f"; not known: {', '.join(unread_)}" if unread_ else ""
        grave = Severity.CRITICAL if signs else None
        yield Fail(
            key.arn,
            f"{_named(key)} is deleted{on} ({details.state}){still}{open_}",
            region,
            severity=grave,
        )

    return _keys(account, test)


def _signs_of_use(
    account: Account, limits: Limits, region: str, key: KmsKey
) -> tuple[list[str], list[str]]:
    """What says that the key is needed, and what could not be asked."""
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
        elif use.used and age_days(account, use.used) <= limits.unused_days:
            signs.append(f"used on {use.used:%Y-%m-%d}")
    except NotCollected:
        open_.append("its last use")
    return signs, open_


def _use(account: Account, region: str, key: KmsKey) -> LastUse | None:
    found = {each.arn: each for each in account.require_in(region, KEY_USES)}
    use = found[key.arn].use if key.arn in found else None
    return known(use) if use is not None else None


@check(
    "KMS-DISABLED",
    severity=Severity.LOW,
    title="A key is disabled and still paid for",
    fix="aws kms enable-key --region REGION --key-id KEY, or after a look at its use aws kms schedule-key-deletion --region REGION --key-id KEY --pending-window-in-days 30",
    source="https://aws.amazon.com/kms/pricing/",
    needs=(KMS_KEYS,),
    bad=[sample.with_key(sample.key(state="Disabled"))],
    good=[sample.with_key(sample.key())],
    trap=[sample.with_key(sample.key(state="PendingDeletion"))],
)
def disabled(account: Account, _limits: Limits) -> Iterator[Outcome]:
    """A disabled key serves nobody and costs as much as one in use."""

    def test(region: str, key: KmsKey, details: KeyDetails) -> Iterator[Outcome]:
        if details.state == "Disabled":
            yield Fail(key.arn, f"{_named(key)} is disabled", region)
        else:
            yield Pass(key.arn, "", region)

    return _keys(account, test)


@check(
    "KMS-UNUSED",
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
def unused(account: Account, limits: Limits) -> Iterator[Outcome]:
    """An unused key costs money and holds grants; AWS tracks use from a date on, and what was before is unknown."""

    def test(region: str, key: KmsKey, details: KeyDetails) -> Iterator[Outcome]:
        young = details.created and age_days(account, details.created) <= limits.unused_days
        if details.state not in {"Enabled", "Disabled"} or young:
            return
        use = _use(account, region, key)
        if use is None:
            told = f"{_named(key)}: its last use was not asked for, as of more keys than the limit"
            yield Unknown(key.arn, told, region, reason="kms:GetKeyLastUsage: 5 calls a second")
        elif use.used and age_days(account, use.used) > limits.unused_days:
            yield Fail(key.arn, f"{_named(key)} was last used on {use.used:%Y-%m-%d}", region)
        elif use.used:
            yield Pass(key.arn, "", region)
        elif use.created >= use.tracked_since:
            yield Fail(key.arn, f"{_named(key)} was never used", region)
        else:
            told = f"{_named(key)} was not used since {use.tracked_since:%Y-%m-%d}; before that AWS did not track it"
            yield Unknown(
                key.arn, told, region, reason="kms:GetKeyLastUsage: unknown before tracking"
            )

    return _keys(account, test)


_FOREVER = Material(id="m-1", imported=True, expires=None, state="CURRENT")


@check(
    "KMS-IMPORT-EXPIRY",
    severity=Severity.HIGH,
    title="Imported key material is missing or expires",
    fix="Import the same material again: aws kms get-parameters-for-import --region REGION --key-id KEY --wrapping-algorithm RSAES_OAEP_SHA_256 --wrapping-key-spec RSA_4096, then aws kms import-key-material",
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
def expiring(account: Account, limits: Limits) -> Iterator[Outcome]:
    """A key with several materials is unusable as soon as any one of them expires or is deleted."""

    def test(region: str, key: KmsKey, details: KeyDetails) -> Iterator[Outcome]:
        if details.origin != "EXTERNAL":
            return
        if details.state == "PendingImport":
            yield Fail(key.arn, f"{_named(key)} waits for its key material", region)
            return
        found = {each.arn: each for each in account.require_in(region, KEY_MATERIALS)}
        if key.arn not in found:
            raise _lacking(key, "kms:ListKeyRotations")
        late = [
            material
            for material in known(found[key.arn].materials)
            if not material.imported
            or (material.expires and age_days(account, material.expires) >= -limits.expiring_days)
        ]
        for material in late:
            when = f"expires on {material.expires:%Y-%m-%d}" if material.expires else "is missing"
            yield Fail(key.arn, f"material {quoted(material.id)} of {_named(key)} {when}", region)
        if not late:
            yield Pass(key.arn, "", region)

    return _keys(account, test)


def _lacking(key: KmsKey, call: str) -> NotCollected:
    return NotCollected(
        f"{_named(key)} is not part of this snapshot",
        call=call,
        code="not collected",
        permission=call,
    )


_ERRORS = {
    "INVALID_CREDENTIALS": "the password of the kmsuser account is wrong",
    "CLUSTER_NOT_FOUND": "the CloudHSM cluster is gone: make a new store from a related cluster",
    "NETWORK_ERRORS": "network errors: wait, then connect again",
    "INTERNAL_ERROR": "an internal error: connect again",
    "INSUFFICIENT_CLOUDHSM_HSMS": "the cluster has too few active HSMs",
    "USER_LOCKED_OUT": "the kmsuser account is locked: change its password and store it again",
    "USER_NOT_FOUND": "the cluster has no kmsuser account",
    "USER_LOGGED_IN": "kmsuser is logged in to the cluster: log it out",
    "SUBNET_NOT_FOUND": "a subnet of the cluster is gone",
    "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET": "a private subnet has no free address",
    "XKS_PROXY_ACCESS_DENIED": "the proxy refuses KMS's credentials",
    "XKS_PROXY_NOT_REACHABLE": "the proxy cannot be reached",
    "XKS_PROXY_TIMED_OUT": "the proxy answers too late",
    "XKS_PROXY_INVALID_RESPONSE": "the proxy's answer cannot be read",
    "XKS_PROXY_INVALID_CONFIGURATION": "the proxy is not set up for this store",
    "XKS_PROXY_INVALID_TLS_CONFIGURATION": "the proxy's TLS does not fit",
    "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND": "the VPC endpoint service is gone",
    "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION": "the VPC endpoint service is not set up as KMS demands",
}


def _store(state: str, error: str = "") -> KeyStore:
    return KeyStore(id="cks-1", name="hsm", type="AWS_CLOUDHSM", state=state, error=error)


@check(
    "KMS-STORE-DOWN",
    severity=Severity.HIGH,
    title="A custom key store is not connected",
    fix="Mend the cause, then aws kms connect-custom-key-store --region REGION --custom-key-store-id STORE",
    source=f"{_API}/API_DescribeCustomKeyStores.html",
    needs=(KEY_STORES,),
    bad=[
        sample.holding(sample.of(KEY_STORES, _store("FAILED", "INVALID_CREDENTIALS"))),
        sample.holding(sample.of(KEY_STORES, _store("DISCONNECTED"))),
    ],
    good=[sample.holding(sample.of(KEY_STORES, _store("CONNECTED")))],
    trap=[sample.holding(sample.of(KEY_STORES))],
)
def store_down(account: Account, _limits: Limits) -> Iterator[Outcome]:
    """While a store is not connected, no key in it can be used."""

    def test(region: str, stores: tuple[KeyStore, ...]) -> Iterator[Outcome]:
        for store in stores:
            name = quoted(store.name or store.id)
            if store.state == "CONNECTED":
                yield Pass(store.id, "", region)
                continue
            why = f": {store.error}" if store.error else ""
            what = f", {_ERRORS[store.error]}" if store.error in _ERRORS else ""
            yield Fail(
                store.id,
                f"key store {name} is {store.state}{why}{what}",
                region,
                names=(("STORE", store.id),),
            )
        if not stores:
            yield NotApplicable(None, "there is no custom key store", region)

    return in_regions(account, KEY_STORES, test)


@check(
    "KMS-ALIAS-DEAD",
    severity=Severity.HIGH,
    title="An alias points to a key that cannot be used",
    fix="aws kms update-alias --region REGION --alias-name ALIAS --target-key-id OTHER_KEY, or make the key usable again.",
    source=f"{_GUIDE}/key-state.html",
    needs=(KMS_KEYS,),
    bad=[
        sample.with_key(sample.key(state="Disabled", alias="alias/app")),
        sample.with_key(sample.key(state="PendingDeletion", alias="alias/app")),
    ],
    good=[sample.with_key(sample.key(alias="alias/app"))],
    trap=[sample.with_key(sample.key(state="Disabled"))],
)
def dead_alias(account: Account, _limits: Limits) -> Iterator[Outcome]:
    """Whoever encrypts by the alias is refused, and often finds out in production."""

    def test(region: str, key: KmsKey, details: KeyDetails) -> Iterator[Outcome]:
        for alias in key.aliases:
            if details.state in _UNUSABLE:
                told = f"{quoted(alias)} points to a key that is {details.state}"
                yield Fail(key.arn, told, region, names=(("ALIAS", alias),))
            else:
                yield Pass(key.arn, "", region)

    return _keys(account, test)


def _pair(first: str, second: str, **more: Any) -> Account:
    held = []
    for region, document in ((sample.REGION, first), (sample.ELSEWHERE, second)):
        arn = f"arn:aws:kms:{region}:{sample.OWN}:key/{sample.MULTI}"
        details = sample.details(multi_region=True, primary_region=sample.REGION, **more)
        key = KmsKey(id=sample.MULTI, arn=arn, details=details)
        held += [
            KMS_KEYS.held_in(region, (key,)),
            KEY_POLICIES.held_in(region, (ResourcePolicy(arn=arn, document=document),)),
        ]
    return sample.holding(*held, regions=(sample.REGION, sample.ELSEWHERE))


def _for(role: str, service_region: str = "") -> str:
    via = {"StringEquals": {"kms:ViaService": f"s3.{service_region}.amazonaws.com"}}
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{sample.OWN}:role/{role}"},
        "Action": ["kms:Decrypt"],
        "Resource": "*",
        **({"Condition": via} if service_region else {}),
    }
    return sample.policy(statement)


@check(
    "KMS-MR-DRIFT",
    severity=Severity.MEDIUM,
    title="The policies of a multi-Region key differ between Regions",
    fix="aws kms put-key-policy --region REGION --key-id KEY --policy-name default --policy file://policy.json with the policy of the primary, or write down why they differ.",
    source=f"{_GUIDE}/multi-region-keys-auth.html",
    needs=(KMS_KEYS, KEY_POLICIES),
    bad=[_pair(_for("App"), _for("Other"))],
    good=[_pair(_for("App"), _for("App"))],
    trap=[
        _pair(_for("App", sample.REGION), _for("App", sample.ELSEWHERE)),
        _pair(_for("App"), _for("App").replace('["kms:Decrypt"]', '"kms:Decrypt"')),
    ],
)
def drifted(account: Account, _limits: Limits) -> Iterator[Outcome]:
    """Each Region has a policy of its own for the same material: the most open of them decides who reads."""
    copies: dict[str, list[tuple[str, KmsKey]]] = {}
    for region, keys in account.in_each(KMS_KEYS):
        if isinstance(keys, Miss):
            yield unread(keys.error(), region=region)
            continue
        for key in keys:
            if key.id.startswith("mrk-"):
                copies.setdefault(key.id, []).append((region, key))
    for found in copies.values():
        yield from each([found], partial(_drift, account), name=lambda pairs: pairs[0][1].arn)
    if not copies:
        yield NotApplicable(None, "there is no multi-Region key")


def _drift(account: Account, copies: list[tuple[str, KmsKey]]) -> Iterator[Outcome]:
    if len(copies) == 1:
        region, key = copies[0]
        yield NotApplicable(key.arn, "one Region of the key was read", region)
        return
    details = [k.details for _, k in copies if isinstance(k.details, KeyDetails)]
    primary = next((each.primary_region for each in details if each.primary_region), None)
    ordered = sorted(copies, key=lambda pair: pair[0] != primary)
    (home, first), *others = ordered
    wanted = _normal(account, home, first)
    for region, key in others:
        if _normal(account, region, key) == wanted:
            yield Pass(key.arn, "", region)
        else:
            told = f"the policy of {_named(key)} in {region} differs from that in {home}"
            yield Fail(key.arn, told, region)


def _normal(account: Account, region: str, key: KmsKey) -> str:
    """The policy as a text that is the same for what means the same; the Region's own name does not count."""
    found = {each.arn: each for each in account.require_in(region, KEY_POLICIES)}
    if key.arn not in found:
        raise _lacking(key, "kms:GetKeyPolicy")
    text = known(found[key.arn].document)
    if text is None:
        return ""
    policy_of(text, "kms:GetKeyPolicy")
    document = json.loads(text.replace(region, "REGION"))
    return json.dumps(_sorted(document.get("Statement")), sort_keys=True)


def _sorted(value: Any) -> Any:
    """Lists without order, one entry as the list of it, Sids left out: they say nothing."""
    if isinstance(value, dict):
        return {key: _sorted(each) for key, each in value.items() if key != "Sid"}
    listed = value if isinstance(value, list) else [value]
    return sorted((_sorted(e) if isinstance(e, dict) else e for e in listed), key=_text)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
