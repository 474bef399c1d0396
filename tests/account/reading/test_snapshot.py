from __future__ import annotations

import gzip
import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam import resources
from aws_iam.account.collect.compute.functions import FUNCTIONS, Function
from aws_iam.account.collect.fact import Miss, MissKind, known
from aws_iam.account.collect.identity.account_summary import SUMMARY, Summary
from aws_iam.account.collect.identity.authorization import (
    AUTHORIZATION,
    Authorization,
    ManagedPolicy,
)
from aws_iam.account.collect.identity.credential_report import (
    CREDENTIAL_REPORT,
    CredentialReport,
    CredentialReportRow,
    ReportedKey,
)
from aws_iam.account.collect.identity.password_policy import PASSWORD_POLICY
from aws_iam.account.collect.logging.alarms import ALARMS, Alarm, Metric
from aws_iam.account.collect.logging.cloudtrail import (
    TRAILS,
    AdvancedSelector,
    FieldSelector,
    Selectors,
    Trail,
    Trails,
)
from aws_iam.account.collect.logging.log_deliveries import BUCKET, STANDARD
from aws_iam.account.collect.network.distributions import DISTRIBUTIONS, Distribution
from aws_iam.account.collect.network.load_balancers import LOAD_BALANCERS, LoadBalancer
from aws_iam.account.collect.storage.buckets import BUCKET_POLICIES, BucketPolicy
from aws_iam.account.collect.storage.databases import (
    DB_CLUSTERS,
    DB_INSTANCES,
    DbCluster,
    DbInstance,
)
from aws_iam.account.names import id_formats
from aws_iam.account.reading import snapshot
from aws_iam.errors import InputError, NotCollected

SERVER = str(resources.path("assets").parent / "server")
REFUSED = Miss(
    kind=MissKind.DENIED,
    call="iam:GetAccountSummary",
    code="AccessDenied",
    permission="iam:GetAccountSummary",
)
_RDS = "arn:aws:rds:us-east-1:111122223333"
TRAIL = Trail(
    name="main",
    arn="arn:aws:cloudtrail:us-east-1:999999999999:trail/main",
    home_region="us-east-1",
    status=Miss(
        kind=MissKind.ELSEWHERE, call="cloudtrail:GetTrailStatus", message="account 999999999999"
    ),
    selectors=Selectors(
        advanced=(
            AdvancedSelector(fields=(FieldSelector(field="x", operators=(("Equals", ("a",)),)),)),
        )
    ),
)
FULL = snapshot.account_of(
    SUMMARY.held(REFUSED),
    PASSWORD_POLICY.held(None),
    TRAILS.held(Trails(trails=(TRAIL,), unread=(REFUSED,))),
    CREDENTIAL_REPORT.held(
        CredentialReport(
            generated_at=datetime(2026, 11, 1, tzinfo=UTC),
            rows=(
                CredentialReportRow(
                    user="ci",
                    arn="arn:aws:iam::111122223333:user/ci",
                    keys=(ReportedKey(number=1, active=True),),
                ),
            ),
        )
    ),
    BUCKET_POLICIES.held((BucketPolicy(bucket="b\u202e\n`", document=None),)),
    ALARMS.held_in(
        "eu-west-1",
        (
            Alarm(
                name="a",
                arn="arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a",
                metrics=(Metric(name="m", namespace="n"),),
            ),
        ),
    ),
    ALARMS.held_in("us-east-1", ()),
    regions=("us-east-1", "eu-west-1"),
    enabled=("us-east-1", "eu-west-1", "sa-east-1"),
    alias="acme",
)


def test_a_saved_snapshot_loads_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    snapshot.save(FULL, file)
    assert snapshot.load(file) == FULL


def test_a_saved_snapshot_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    snapshot.save(FULL, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_same_snapshot_is_the_same_text_whatever_the_order_of_its_facts() -> None:
    turned = snapshot.Account(
        id=FULL.id,
        caller_arn=FULL.caller_arn,
        alias=FULL.alias,
        collected_at=FULL.collected_at,
        regions=FULL.regions,
        facts=dict(reversed(FULL.facts.items())),
    )
    assert snapshot.dumps(turned) == snapshot.dumps(FULL)


def test_a_refused_fact_says_the_call_the_code_and_the_permission() -> None:
    with pytest.raises(NotCollected, match="iam:GetAccountSummary") as raised:
        FULL.require(SUMMARY)
    error = raised.value
    assert (error.call, error.code, error.permission) == (
        "iam:GetAccountSummary",
        "AccessDenied",
        "iam:GetAccountSummary",
    )


def test_a_fact_that_was_not_requested_is_missing_not_empty() -> None:
    with pytest.raises(NotCollected, match="fewer controls; reading it needs iam:GetAccountSum"):
        snapshot.account_of().require(SUMMARY)
    with pytest.raises(NotCollected, match="not part of this snapshot in us-east-1"):
        snapshot.account_of().require_in("us-east-1", ALARMS)
    with pytest.raises(NotCollected, match="sa-east-1 was not read; reading it needs cloudwatch:"):
        FULL.require_in("sa-east-1", ALARMS)


def test_a_fact_that_aws_says_does_not_exist_is_none() -> None:
    assert FULL.require(PASSWORD_POLICY) is None


def test_a_miss_inside_a_value_raises_when_it_is_needed() -> None:
    (trail,) = FULL.require(TRAILS).trails
    with pytest.raises(NotCollected, match="belongs to another account, account 999999999999"):
        known(trail.status)
    assert known(trail.selectors).advanced[0].fields[0].values("Equals") == ("a",)


def test_the_regions_that_were_read_are_counted_against_the_enabled_ones() -> None:
    assert str(FULL.regions) == "2 of 3 enabled Regions"
    assert not FULL.regions.complete
    assert snapshot.account_of().regions.complete


def test_unknown_enabled_regions_are_never_complete() -> None:
    regions = snapshot.Regions(read=("us-east-1",), enabled=REFUSED)
    assert not regions.complete
    assert str(regions) == "1 of an unknown number of enabled Regions"


def test_regions_are_unlisted_unless_the_caller_named_those_to_read() -> None:
    assert snapshot.Regions(read=("us-east-1",), enabled=REFUSED).unlisted == REFUSED
    named = snapshot.Regions(read=("us-east-1",), enabled=REFUSED, asked=("us-east-1",))
    assert named.unlisted is None
    assert snapshot.Regions(read=("us-east-1",), enabled=("us-east-1",)).unlisted is None


def test_a_database_of_an_earlier_snapshot_has_no_type_of_encryption() -> None:
    database = DbInstance(
        id="d", arn=f"{_RDS}:db:d", engine="mysql", encrypted=True, minor_upgrade=True
    )
    cluster = DbCluster(id="c", arn=f"{_RDS}:cluster:c", engine="mysql")
    facts = (
        DB_INSTANCES.held_in("us-east-1", (database,)),
        DB_CLUSTERS.held_in("us-east-1", (cluster,)),
    )
    data = json.loads(snapshot.dumps(snapshot.account_of(*facts)))
    for name in ("rds.instances", "rds.clusters"):
        data["facts"][name]["us-east-1"][0].pop("encryption", None)
    loaded = snapshot.loads(json.dumps(data))
    assert loaded.require_in("us-east-1", DB_INSTANCES) == (database,)
    assert loaded.require_in("us-east-1", DB_CLUSTERS) == (cluster,)


def test_what_paths_of_escalation_need_is_not_known_of_an_earlier_snapshot() -> None:
    policy = ManagedPolicy(name="p", arn="arn:aws:iam::111122223333:policy/p", versions=())
    function = Function(arn="arn:aws:lambda:us-east-1:111122223333:function:f", name="f", role="")
    facts = (
        AUTHORIZATION.held(Authorization(policies=(policy,))),
        FUNCTIONS.held_in("us-east-1", (function,)),
    )
    data = json.loads(snapshot.dumps(snapshot.account_of(*facts)))
    assert snapshot.loads(json.dumps(data)).require(AUTHORIZATION).policies == (policy,)
    del data["facts"]["iam.authorization"][""]["policies"][0]["versions"]
    del data["facts"]["lambda.functions"]["us-east-1"][0]["role"]
    loaded = snapshot.loads(json.dumps(data))
    assert loaded.require(AUTHORIZATION).policies == (replace(policy, versions=None),)
    assert loaded.require_in("us-east-1", FUNCTIONS) == (replace(function, role=None),)


def test_each_region_that_was_read_is_visited_in_order() -> None:
    assert [region for region, _ in FULL.in_each(ALARMS)] == ["eu-west-1", "us-east-1"]


def test_only_facts_that_are_misses_are_listed_as_such() -> None:
    assert FULL.misses() == (REFUSED,)


def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(snapshot.dumps(FULL))
    return data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("format"), "is not a snapshot"),
        (lambda data: data.update(format=99), "format `99` is not supported"),
        (lambda data: data.pop("account"), "lacks `account`"),
        (lambda data: data.update(account=12), "/account must be text, not `12`"),
        (lambda data: data.update(facts=[]), "/facts must be an object"),
        (lambda data: data["facts"].update(nonsense={}), "unknown fact `nonsense`"),
        (lambda data: data["facts"].update({"iam.summary": []}), "/facts/iam.summary must be"),
        (
            lambda data: data["facts"].update({"iam.summary": {"": {"root_mfa": True}}}),
            "lacks `root_access_keys`",
        ),
        (
            lambda data: data["facts"]["cloudtrail.trails"][""].update(more=1),
            "has the unknown field `more`",
        ),
        (lambda data: data.update(collected_at="yesterday"), "must be a time, not `yesterday`"),
        (lambda data: data.update(collected_at="2026-11-01T00:00:00"), "a time with an offset"),
        (
            lambda data: data["facts"]["iam.summary"][""]["missing"].update(kind="odd"),
            "must be one of the known words, not `odd`",
        ),
        (
            lambda data: data["facts"]["cloudtrail.trails"][""].update(trails={}),
            "/trails must be a list",
        ),
        (
            lambda data: data["facts"].update(
                {
                    "secretsmanager.named_policies": {
                        "us-east-1": [{"arn": "", "policies": [], "listed": "x"}]
                    }
                }
            ),
            '/listed must be an object with "missing"',
        ),
        (
            lambda data: data["facts"].update(
                {"iam.role_limits": {"": [{"arn": "", "max_session_seconds": 10**400}]}}
            ),
            "/max_session_seconds must be a whole number",
        ),
    ],
)
def test_a_snapshot_that_does_not_fit_is_refused_with_the_place(change: Any, message: str) -> None:
    data = _data()
    change(data)
    with pytest.raises(InputError) as raised:
        snapshot.loads(json.dumps(data))
    assert message in str(raised.value)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{}", "null", '{"format": NaN}', "\x00"])
def test_text_that_is_not_a_snapshot_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        snapshot.loads(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_a_hostile_value_gives_a_clear_error_or_a_snapshot(value: Any) -> None:
    data = _data()
    data["facts"]["cloudtrail.trails"] = {"": {"trails": [value], "unread": value}}
    with pytest.raises(InputError):
        snapshot.loads(json.dumps(data))


HOSTILE = "us-east-1; touch X #"


def _first_trail(data: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = data["facts"]["cloudtrail.trails"][""]["trails"][0]
    return first


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda data: data.update(account="x`; touch y"), "/account must be an account id"),
        (lambda data: data.update(account="\u0661" * 12), "/account must be an account id"),
        (lambda data: data.update(partition="aws; x"), "/partition must be"),
        (lambda data: data.update(caller_arn="arn:aws:x"), "/caller_arn must be an ARN"),
        (lambda data: data["regions"].update(read=[]), "/regions/read must be a list with"),
        (lambda data: data["regions"].update(read=[HOSTILE]), "/regions/read/0 must be the name"),
        (lambda data: data["regions"].update(enabled=[HOSTILE]), "/regions/enabled/0 must be"),
        (lambda data: data["regions"].update(asked=["us-east-1\n"]), "/regions/asked/0 must be"),
        (
            lambda data: data["facts"]["cloudwatch.alarms"].update({HOSTILE: []}),
            "/facts/cloudwatch.alarms must be the name",
        ),
        (lambda data: _first_trail(data).update(arn="x"), "/trails/0/arn must be an ARN"),
        (lambda data: _first_trail(data).update(arn=""), "/trails/0/arn must be an ARN"),
        (
            lambda data: _first_trail(data).update(arn=TRAIL.arn + "\x1b[31m"),
            "/trails/0/arn must be an ARN",
        ),
        (
            lambda data: _first_trail(data).update(home_region=HOSTILE),
            "/trails/0/home_region must",
        ),
        (lambda data: _first_trail(data).update(log_group_arn="x"), "/0/log_group_arn must be"),
    ],
)
def test_ids_and_arns_must_have_their_format(change: Any, pointer: str) -> None:
    data = _data()
    change(data)
    with pytest.raises(InputError) as raised:
        snapshot.loads(json.dumps(data))
    assert pointer in str(raised.value)


@pytest.mark.parametrize("name", ["cloudfront.distributions", "elbv2.load_balancers"])
def test_an_unknown_way_to_log_access_is_refused(name: str) -> None:
    arn = "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/web/1"
    balancer = LoadBalancer(name="web", arn=arn, type="application", logs=(BUCKET,))
    distribution = Distribution(
        id="E1", arn="arn:aws:cloudfront::111122223333:distribution/E1", logs=(STANDARD,)
    )
    facts = (
        DISTRIBUTIONS.held((distribution,)),
        LOAD_BALANCERS.held_in("us-east-1", (balancer,)),
    )
    data = json.loads(snapshot.dumps(snapshot.account_of(*facts)))
    (listed,) = data["facts"][name].values()
    listed[0]["logs"] = ["by-post"]
    with pytest.raises(InputError, match=r"/0/logs/0 must be one of .*`by-post`"):
        snapshot.loads(json.dumps(data))


def test_every_region_and_partition_of_the_sdk_has_the_format() -> None:
    core = botocore.session.Session()
    for partition in core.get_available_partitions():
        assert id_formats.has_format(id_formats.PARTITION, partition)
        for region in core.get_available_regions("ec2", partition):
            assert id_formats.has_format(id_formats.REGION, region), region


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"format": 1,\n  x', "not valid JSON at line 2, column 3"),
        ('{"format": ' + "9" * 5000 + "}", "a number has too many digits"),
        ("[" * 200_000, "nested too deeply"),
        ('{"format": true}', "format `true` is not supported"),
        ('{"format": 1.0}', "format `1.0` is not supported"),
        ('{"format": [[]]}', "format a list is not supported"),
    ],
)
def test_a_file_that_is_not_a_snapshot_is_explained(text: str, words: str) -> None:
    with pytest.raises(InputError) as raised:
        snapshot.loads(text)
    assert words in raised.value.message
    assert "recursion" not in str(raised.value)


@pytest.mark.parametrize("depth", [200, 900, 960, 990, 5000])
def test_a_value_nested_at_any_depth_is_refused_as_a_value(depth: int) -> None:
    nested = "[" * depth + "]" * depth
    text = snapshot.dumps(FULL).replace('"partition": "aws"', f'"partition": {nested}')
    with pytest.raises(InputError, match=r"nested too deeply|must be text, not a list"):
        snapshot.loads(text)


def test_a_file_that_is_not_regular_is_refused_unread(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (Path("/dev/zero"), pipe, tmp_path):
        with pytest.raises(InputError, match="not a regular file"):
            snapshot.load(path)


def test_a_compressed_snapshot_is_read_as_the_plain_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, packed = tmp_path / "account.json", tmp_path / "account.json.gz"
    snapshot.save(FULL, file)
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert snapshot.load(packed) == FULL
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be unpacked"):
        snapshot.load(packed)
    # A small file may unpack to any size: no more of it is read than of another.
    packed.write_bytes(gzip.compress(b" " * 1_000_000))
    monkeypatch.setattr(snapshot, "MAX_BYTES", 1_000)
    with pytest.raises(InputError, match="is too large"):
        snapshot.load(packed)


def test_the_name_of_a_file_says_whether_it_is_packed(tmp_path: Path) -> None:
    plain, packed, again = (tmp_path / name for name in ("a.json", "a.json.gz", "b.gz"))
    for file in (plain, packed, again):
        snapshot.save(FULL, file)
        assert snapshot.load(file) == FULL
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert packed.read_bytes() == again.read_bytes()


def test_no_more_is_read_than_a_snapshot_may_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "account.json"
    snapshot.save(FULL, file)
    monkeypatch.setattr(snapshot, "MAX_BYTES", file.stat().st_size)
    assert snapshot.load(file) == FULL
    monkeypatch.setattr(snapshot, "MAX_BYTES", file.stat().st_size - 1)
    with pytest.raises(InputError, match="is too large"):
        snapshot.load(file)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: no such file or directory"):
        snapshot.load(tmp_path / "none.json")
    with pytest.raises(InputError, match="is not a file name"):
        snapshot.load(tmp_path / "a\0b")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is not a text file"):
        snapshot.load(binary)
    with pytest.raises(InputError, match="cannot be written"):
        snapshot.save(FULL, tmp_path / "none" / "file.json")


def test_a_summary_without_the_root_password_leaves_it_unknown() -> None:
    assert Summary(root_mfa=False).root_password is None


def test_a_snapshot_is_judged_without_the_sdk() -> None:
    code = (
        "import sys; import aws_iam.account.reading.snapshot, aws_iam.account.guard.shipped_policy\n"
        "assert not {'boto3', 'botocore', 'moto'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": SERVER})
