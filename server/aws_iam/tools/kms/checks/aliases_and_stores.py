"""Custom key stores, aliases, and the policies of multi-Region keys."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss, known
from aws_iam.account.collect.kms.key_stores import KEY_STORES, KeyStore
from aws_iam.account.collect.kms.keys import KMS_KEYS, KeyDetails, KmsKey
from aws_iam.account.collect.sharing.resource_policies import KEY_POLICIES, ResourcePolicy
from aws_iam.account.reading.snapshot import Account
from aws_iam.answer import Severity
from aws_iam.escape import quoted
from aws_iam.rules.check import check
from aws_iam.rules.on_account import in_regions, policy_of
from aws_iam.rules.outcomes import Fail, NotApplicable, Outcome, Pass, for_each, unread
from aws_iam.tools.kms.checks import samples as sample
from aws_iam.tools.kms.checks.lifecycle import for_each_key, lacking, named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.tools.kms.terms import KeyTerms

_GUIDE = "https://docs.aws.amazon.com/kms/latest/developerguide"
_API = "https://docs.aws.amazon.com/kms/latest/APIReference"
_UNUSABLE = ("Disabled", "PendingImport", "PendingDeletion", "PendingReplicaDeletion")
_ERRORS = {
    "INVALID_CREDENTIALS": "the password of the kmsuser account is wrong",
    "CLUSTER_NOT_FOUND": "the CloudHSM cluster no longer exists: create a new store from a related cluster",
    "NETWORK_ERRORS": "network errors: wait, then connect again",
    "INTERNAL_ERROR": "an internal error: connect again",
    "INSUFFICIENT_CLOUDHSM_HSMS": "the cluster has too few active HSMs",
    "USER_LOCKED_OUT": "the kmsuser account is locked: change its password and store it again",
    "USER_NOT_FOUND": "the cluster has no kmsuser account",
    "USER_LOGGED_IN": "kmsuser is logged in to the cluster: log it out",
    "SUBNET_NOT_FOUND": "a subnet of the cluster no longer exists",
    "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET": "a private subnet has no free IP address",
    "XKS_PROXY_ACCESS_DENIED": "the proxy refuses KMS's credentials",
    "XKS_PROXY_NOT_REACHABLE": "the proxy cannot be reached",
    "XKS_PROXY_TIMED_OUT": "the proxy does not answer in time",
    "XKS_PROXY_INVALID_RESPONSE": "the proxy's answer cannot be read",
    "XKS_PROXY_INVALID_CONFIGURATION": "the proxy is not set up for this store",
    "XKS_PROXY_INVALID_TLS_CONFIGURATION": "the TLS configuration of the proxy is not valid",
    "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND": "the VPC endpoint service no longer exists",
    "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION": "the VPC endpoint service is not set up as KMS requires",
}


def _store(state: str, error: str = "") -> KeyStore:
    return KeyStore(id="cks-1", name="hsm", type="AWS_CLOUDHSM", state=state, error=error)


@check(
    "KMS-STORE-DOWN",
    on=Account,
    severity=Severity.HIGH,
    title="A custom key store is not connected",
    fix="Fix the cause, then aws kms connect-custom-key-store --region REGION --custom-key-store-id STORE",
    source=f"{_API}/API_DescribeCustomKeyStores.html",
    needs=(KEY_STORES,),
    bad=[
        sample.holding(sample.of(KEY_STORES, _store("FAILED", "INVALID_CREDENTIALS"))),
        sample.holding(sample.of(KEY_STORES, _store("DISCONNECTED"))),
    ],
    good=[sample.holding(sample.of(KEY_STORES, _store("CONNECTED")))],
    trap=[sample.holding(sample.of(KEY_STORES))],
)
def store_down(account: Account, _terms: KeyTerms) -> Iterator[Outcome]:
    """While a key store is not connected, no key in it can be used.

    False alarm when the store is disconnected for maintenance.
    """

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
    on=Account,
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
def dead_alias(account: Account, _terms: KeyTerms) -> Iterator[Outcome]:
    """KMS refuses to encrypt with the alias, which is often first noticed in production.

    False alarm when nothing uses the alias any more: delete it.
    """

    def test(region: str, key: KmsKey, details: KeyDetails) -> Iterator[Outcome]:
        for alias in key.aliases:
            if details.state in _UNUSABLE:
                message = f"{quoted(alias)} points to a key that is {details.state}"
                yield Fail(key.arn, message, region, names=(("ALIAS", alias),))
            else:
                yield Pass(key.arn, "", region)

    return for_each_key(account, test)


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
    on=Account,
    severity=Severity.MEDIUM,
    title="The policies of a multi-Region key differ between Regions",
    fix="aws kms put-key-policy --region REGION --key-id KEY --policy-name default --policy file://policy.json (the policy of the primary), or document why they differ.",
    source=f"{_GUIDE}/multi-region-keys-auth.html",
    needs=(KMS_KEYS, KEY_POLICIES),
    bad=[_pair(_for("App"), _for("Other"))],
    good=[_pair(_for("App"), _for("App"))],
    trap=[
        _pair(_for("App", sample.REGION), _for("App", sample.ELSEWHERE)),
        _pair(_for("App"), _for("App").replace('["kms:Decrypt"]', '"kms:Decrypt"')),
        _pair(_for("App", sample.REGION), _for("App", sample.REGION)),
    ],
)
def drifted(account: Account, _terms: KeyTerms) -> Iterator[Outcome]:
    """Each Region has its own policy for the same key material, so the most permissive one decides who can read.

    False alarm when the Regions differ on purpose, such as a replica for another team.
    """
    copies: dict[str, list[tuple[str, KmsKey]]] = {}
    for region, keys in account.in_each(KMS_KEYS):
        if isinstance(keys, Miss):
            yield unread(keys.error(), region=region)
            continue
        for key in keys:
            if key.id.startswith("mrk-"):
                copies.setdefault(key.id, []).append((region, key))
    for found in copies.values():
        yield from for_each([found], partial(_drift, account), name=lambda pairs: pairs[0][1].arn)
    if not copies:
        yield NotApplicable(None, "there is no multi-Region key")


def _drift(account: Account, copies: list[tuple[str, KmsKey]]) -> Iterator[Outcome]:
    if len(copies) == 1:
        region, key = copies[0]
        yield NotApplicable(key.arn, "only one Region of the key was read", region)
        return
    details = [k.details for _, k in copies if isinstance(k.details, KeyDetails)]
    primary = next((detail.primary_region for detail in details if detail.primary_region), None)
    ordered = sorted(copies, key=lambda pair: pair[0] != primary)
    (home, first), *others = ordered
    whole, wanted = _texts(account, home, first)
    for region, key in others:
        # A policy that names both Regions is the same text in both.
        text, meant = _texts(account, region, key)
        if text == whole or meant == wanted:
            yield Pass(key.arn, "", region)
        else:
            message = f"the policy of {named(key)} in {region} differs from that in {home}"
            yield Fail(key.arn, message, region)


def _texts(account: Account, region: str, key: KmsKey) -> tuple[str, str]:
    """The policy, and a normalized form of it in which the name of its own Region does not count."""
    found = {policy.arn: policy for policy in account.require_in(region, KEY_POLICIES)}
    if key.arn not in found:
        raise lacking(key, "kms:GetKeyPolicy")
    text = known(found[key.arn].document)
    if text is None:
        return "", ""
    policy_of(text, "kms:GetKeyPolicy")
    document = json.loads(text.replace(region, "REGION"))
    return text, json.dumps(_sorted(document.get("Statement")), sort_keys=True)


def _sorted(value: Any) -> Any:
    """The value with lists sorted, single entries as lists, and without Sids, which have no effect."""
    if isinstance(value, dict):
        return {key: _sorted(member) for key, member in value.items() if key != "Sid"}
    listed = value if isinstance(value, list) else [value]
    return sorted((_sorted(e) if isinstance(e, dict) else e for e in listed), key=_text)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
