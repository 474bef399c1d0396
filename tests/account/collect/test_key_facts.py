"""What is read around KMS keys: grants that say the same, last use for some keys only, shares, and material."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aws_iam.account.calls.rate_limits import RATES
from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.collect.kms.grants import KEY_GRANTS
from aws_iam.account.collect.kms.key_materials import KEY_MATERIALS
from aws_iam.account.collect.kms.key_uses import KEY_USES, MAX_KEYS_ASKED
from aws_iam.account.collect.kms.other_policies import OTHER_POLICIES
from helpers.rich_account import RICH
from helpers.rich_estate import THEN
from helpers.scripted_aws import ACCOUNT, Refusal, Script

REGION = "us-east-1"


def read(fact: Any, **changed: Any) -> tuple[Any, Script]:
    script = Script(RICH | {name.replace("__", ":"): answer for name, answer in changed.items()})
    aws = script.aws(REGION)
    value = aws.fact_or_miss(fact, REGION)
    aws.close()
    return value, script


def arn(key: str) -> str:
    return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key}"


def many(count: int) -> dict[str, Any]:
    return {"Keys": [{"KeyId": f"k-{n:03}", "KeyArn": arn(f"k-{n:03}")} for n in range(count)]}


def described(given: dict[str, Any], _region: str) -> dict[str, Any]:
    """The higher its number the older a key is; the last of all is being deleted."""
    number = int(given["KeyId"].rpartition("-")[2])
    return {
        "KeyMetadata": {
            "KeyId": given["KeyId"],
            "KeyManager": "CUSTOMER",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "Origin": "AWS_KMS",
            "KeyState": "PendingDeletion" if number == 0 else "Enabled",
            "CreationDate": THEN - timedelta(days=number),
        }
    }


def test_grants_with_the_same_terms_are_one_with_a_count() -> None:
    found, _ = read(KEY_GRANTS)
    assert [grants.arn for grants in found] == [arn("k-own"), arn("k-rsa")]
    (grant,) = found[0].grants
    assert (grant.count, grant.id, grant.constraints) == (2, "g-1", ("EncryptionContextSubset",))
    assert grant.operations == ("CreateGrant", "Decrypt")


def test_a_grant_to_a_service_alone_has_the_services_name() -> None:
    grant = {"GrantId": "g", "GranteeServicePrincipal": "rds.amazonaws.com", "Operations": []}
    found, _ = read(KEY_GRANTS, kms__ListGrants={"Grants": [grant]})
    assert found[0].grants[0].grantee == "rds.amazonaws.com"


def test_the_last_use_is_read_only_for_the_most_urgent_keys() -> None:
    found, script = read(
        KEY_USES,
        kms__ListKeys=many(MAX_KEYS_ASKED + 30),
        kms__DescribeKey=described,
        kms__ListAliases={"Aliases": []},
    )
    assert script.operations.count("kms:GetKeyLastUsage") == MAX_KEYS_ASKED
    unasked = [use.arn for use in found if use.use is None]
    # The youngest are left out, but for the one that is being deleted.
    assert unasked == [arn(f"k-{n:03}") for n in range(1, 31)]


def test_a_key_that_was_never_used_has_no_time() -> None:
    answer = {"TrackingStartDate": THEN, "KeyCreationDate": THEN}
    found, _ = read(KEY_USES, kms__GetKeyLastUsage=answer)
    assert found[0].use.used is None
    assert found[0].use.tracked_since == THEN


def test_an_endpoint_that_does_not_know_the_call_makes_the_use_unknown() -> None:
    unknown = Refusal("UnknownOperationException", "not here", 400)
    found, _ = read(KEY_USES, kms__GetKeyLastUsage=unknown)
    assert all(isinstance(use.use, Miss) for use in found)
    assert {use.use.kind for use in found} <= {MissKind.UNSUPPORTED, MissKind.BROKEN}


def test_policies_other_than_the_default_are_read() -> None:
    found, script = read(OTHER_POLICIES)
    assert found[0].names == ("AWS_RAM",)
    assert script.operations.count("kms:GetKeyPolicy") == len(found)
    alone, script = read(OTHER_POLICIES, kms__ListKeyPolicies={"PolicyNames": ["default"]})
    assert alone[0].names == ()
    assert "kms:GetKeyPolicy" not in script.operations


def test_material_is_read_only_for_keys_that_import_it() -> None:
    found, script = read(KEY_MATERIALS)
    assert [materials.arn for materials in found] == [arn("k-rsa")]
    assert found[0].materials[0].expires == THEN
    assert script.operations.count("kms:ListKeyRotations") == 1


def test_calls_that_aws_allows_five_times_a_second_stay_below_it() -> None:
    for name in ("kms.GetKeyLastUsage", "kms.DescribeCustomKeyStores"):
        assert RATES[name].per_second + RATES[name].burst <= 5
