"""Fixes made for the finding's account: they mend what failed and leave alone what was right."""

from __future__ import annotations

import itertools
import re
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.answer import Finding, Status
from aws_iam.tools.audit.controls.judge import judge
from helpers.cis_full import ALARMS, REGION, chain
from helpers.cis_snapshots import snapshot

ACCOUNT = "111122223333"


def failed(
    key: str, facts: dict[str, Any], version: str = "7.0", **options: Any
) -> tuple[Finding, ...]:
    found = judge(snapshot(facts, **options), version, controls=[key])
    return tuple(finding for finding in found if finding.status is Status.FAIL)


def fix_of(key: str, facts: dict[str, Any], version: str = "7.0") -> str:
    (finding,) = failed(key, facts, version)
    return finding.fix or ""


def acl(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"ec2.network_acls": {REGION: [{"id": "acl-1", "entries": list(entries)}]}}


def entry(number: int, *, allow: bool = True, **more: Any) -> dict[str, Any]:
    at = {} if "ipv6" in more else {"ipv4": "0.0.0.0/0"}
    return {"number": number, "protocol": "-1", "allow": allow} | at | more


CLOSING = entry(32767, allow=False)
OFFICE = {"protocol": "6", "from_port": 22, "to_port": 22, "ipv4": "203.0.113.0/24"}


def added(fix: str) -> list[dict[str, Any]]:
    """The entries that the commands of a fix create."""
    found = []
    for command in fix.partition("then: ")[2].partition(" (")[0].split("; "):
        words = shlex.split(command)
        assert words[:3] == ["aws", "ec2", "create-network-acl-entry"]
        assert "--ingress" in words
        given = dict(itertools.pairwise(words))
        assert (given["--region"], given["--network-acl-id"]) == (REGION, "acl-1")
        low, high = re.findall(r"\d+", given["--port-range"])
        found.append(
            {
                "number": int(given["--rule-number"]),
                "protocol": given["--protocol"],
                "allow": given["--rule-action"] == "allow",
                "ipv4": given["--cidr-block"],
                "from_port": int(low),
                "to_port": int(high),
            }
        )
    return found


@pytest.mark.parametrize(
    "entries",
    [
        (entry(100),),
        (entry(50, **OFFICE), entry(100)),
        (entry(100), entry(99, ipv6="::/0"), entry(98, allow=False, ipv4="198.51.100.0/24")),
        (entry(100, protocol="6", from_port=22, to_port=22), entry(200, protocol="17")),
        (entry(100, ipv4="0.0.0.0/1"), entry(200, ipv4="128.0.0.0/1")),
        (entry(10, allow=False, protocol="6"), entry(100)),
    ],
)
def test_the_denies_of_a_network_acl_close_what_is_open_and_replace_nothing(
    entries: tuple[dict[str, Any], ...],
) -> None:
    denies = added(fix_of("nacl_admin_ports", acl(*entries, CLOSING)))
    numbers = [listed["number"] for listed in (*entries, *denies)]
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) > 0
    assert not any(deny["allow"] for deny in denies)
    assert failed("nacl_admin_ports", acl(*entries, *denies, CLOSING)) == ()


SOURCES = ("0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "203.0.113.0/24", None)
RANGES = ((None, None), (22, 22), (0, 1024), (3389, 3389), (443, 443))


@st.composite
def acl_entries(draw: st.DrawFn) -> list[dict[str, Any]]:
    numbers = draw(st.lists(st.integers(1, 12), unique=True, max_size=6))
    found = []
    for number in numbers:
        low, high = draw(st.sampled_from(RANGES))
        source = draw(st.sampled_from(SOURCES))
        found.append(
            {
                "number": number * 5,
                "protocol": draw(st.sampled_from(("-1", "6", "17"))),
                "allow": draw(st.booleans()),
                "from_port": low,
                "to_port": high,
                **({"ipv4": source} if source else {"ipv6": "::/0"}),
            }
        )
    return found


@given(acl_entries())
def test_whatever_a_network_acl_allows_its_fix_closes_it(entries: list[dict[str, Any]]) -> None:
    for finding in failed("nacl_admin_ports", acl(*entries, CLOSING)):
        fix = finding.fix or ""
        if "LOWER" in fix:
            continue
        denies = added(fix)
        numbers = [entry["number"] for entry in (*entries, *denies)]
        assert len(set(numbers)) == len(numbers)
        assert failed("nacl_admin_ports", acl(*entries, *denies, CLOSING)) == ()


def test_a_network_acl_keeps_its_own_networks_allow_before_the_denies() -> None:
    denies = added(fix_of("nacl_admin_ports", acl(entry(95, **OFFICE), entry(100), CLOSING)))
    ssh = [deny["number"] for deny in denies if (deny["protocol"], deny["from_port"]) == ("6", 22)]
    assert all(95 < number < 100 for number in ssh)


def test_only_what_is_open_is_denied_and_ipv6_is_told() -> None:
    fix = fix_of("nacl_admin_ports", acl(entry(100, protocol="6", from_port=22, to_port=22)))
    assert [(listed["protocol"], listed["from_port"]) for listed in added(fix)] == [("6", 22)]
    assert "ipv6" not in fix
    both = acl(entry(100), entry(101, ipv6="::/0"))
    assert "--ipv6-cidr-block ::/0" in fix_of("nacl_admin_ports", both)


def test_a_network_acl_without_a_free_number_is_told_to_make_room() -> None:
    fix = fix_of("nacl_admin_ports", acl(entry(1)))
    assert f"--region {REGION} --network-acl-id acl-1 --ingress --rule-number LOWER " in fix
    assert "if no number is free, give the wide allow a higher one first" in fix


def policy_fix(version: str = "7.0", key: str = "pw_length_14", **today: Any) -> str:
    return fix_of(key, {"iam.password_policy": {"minimum_length": 8} | today}, version)


def test_a_password_policy_keeps_what_is_as_strict_today() -> None:
    fix = policy_fix(max_age_days=60, reuse_prevention=24, symbols=True)
    command, told = fix.split(" (")
    assert command == (
        "aws iam update-account-password-policy --minimum-password-length 14 --password-reuse-prevention 24"
        " --require-symbols --allow-users-to-change-password --max-password-age 60"
    )
    assert "add --hard-expiry if it is on today" in told


def test_one_command_meets_every_control_of_the_version_on_the_password_policy() -> None:
    command = policy_fix("1.2", "pw_reuse_24", minimum_length=20, max_age_days=365)
    assert "--minimum-password-length 20 --password-reuse-prevention 24 " in command
    for kind in ("uppercase-characters", "lowercase-characters", "numbers", "symbols"):
        assert f"--require-{kind} " in command
    assert "--max-password-age 90" in command
    assert "--max-password-age" not in policy_fix()


def test_an_account_without_password_policy_gets_one_no_weaker_than_the_default() -> None:
    fix = fix_of("pw_length_14", {"iam.password_policy": None})
    assert fix == (
        "aws iam update-account-password-policy --minimum-password-length 14 --password-reuse-prevention 24"
        " --require-uppercase-characters --require-lowercase-characters --require-numbers --require-symbols"
        " --allow-users-to-change-password"
    )


@pytest.mark.parametrize("key", ALARMS)
def test_the_fix_of_an_alarm_names_the_trails_log_group_and_its_region(key: str) -> None:
    fix = fix_of(key, chain())
    assert f"aws logs put-metric-filter --region {REGION} --log-group-name trail " in fix
    assert fix.count(f"--region {REGION} ") == 3


def test_without_a_log_group_the_fix_of_an_alarm_keeps_its_holes() -> None:
    facts = chain()
    facts["cloudtrail.trails"]["trails"][0]["log_group_arn"] = None
    assert "--region REGION --log-group-name GROUP " in fix_of("alarm_root_use", facts)


def config(recorder: dict[str, Any] | None, *, channel: bool = True) -> dict[str, Any]:
    named = recorder or {}
    status = {"name": named.get("name", ""), "recording": named.pop("recording", True)}
    return {
        "config.recorders": {REGION: [recorder] if recorder else []},
        "config.recorder_statuses": {REGION: [status] if recorder else []},
        "config.delivery_channels": {REGION: [{"name": "c", "bucket": "b"}] if channel else []},
    }


def config_fixes(facts: dict[str, Any]) -> dict[str | None, str]:
    return {finding.region: finding.fix or "" for finding in failed("config_all_regions", facts)}


def test_a_region_without_a_recorder_gets_one_that_leaves_the_global_types_out() -> None:
    fixes = config_fixes(config(None, channel=False))
    first, second, third = fixes[REGION].split("; ")
    assert first.startswith(
        f"aws configservice put-configuration-recorder --region {REGION} --configuration-recorder"
        " name=default,roleARN=ROLE --recording-group allSupported=true,includeGlobalResourceTypes=false"
    )
    assert " put-delivery-channel " in second
    assert third.endswith("--configuration-recorder-name default")
    assert fixes[None].startswith("In one Region: aws configservice put-configuration-recorder ")
    assert "name=default,roleARN=ROLE" in fixes[None]
    assert fixes[None].endswith("allSupported=true,includeGlobalResourceTypes=true")


def test_the_recorder_that_is_there_is_the_one_to_mend() -> None:
    fixes = config_fixes(config({"name": "main", "global_types": True}))
    assert "name=main,roleARN=ROLE" in fixes[REGION]
    assert "allSupported=true,includeGlobalResourceTypes=true" in fixes[REGION]
    assert "put-delivery-channel" not in fixes[REGION]
    elsewhere = config_fixes(config({"name": "main", "all_supported": True}))
    assert list(elsewhere) == [None]
    assert "name=main,roleARN=ROLE" in elsewhere[None]


def test_a_recorder_that_is_only_stopped_is_started_and_not_made_anew() -> None:
    stopped = {"name": "main", "all_supported": True, "global_types": True, "recording": False}
    assert config_fixes(config(stopped)) == {
        REGION: f"aws configservice start-configuration-recorder --region {REGION} --configuration-recorder-name main"
    }
    undelivered = {"name": "main", "all_supported": True, "global_types": True}
    (fix,) = config_fixes(config(undelivered, channel=False)).values()
    assert fix.startswith("aws configservice put-delivery-channel ")
    assert "put-configuration-recorder" not in fix


def test_recorders_of_several_names_leave_the_name_of_the_one_region_open() -> None:
    facts = config({"name": "main", "all_supported": True})
    for fact in facts.values():
        fact["eu-west-1"] = fact[REGION]
    facts["config.recorders"]["eu-west-1"] = [{"name": "other", "all_supported": True}]
    facts["config.recorder_statuses"]["eu-west-1"] = [{"name": "other", "recording": True}]
    (finding,) = failed("config_all_regions", facts, regions=[REGION, "eu-west-1"])
    assert "name=RECORDER,roleARN=ROLE" in (finding.fix or "")


def idle_fix(**row: Any) -> str:
    ann = {"user": "ann", "arn": f"arn:aws:iam::{ACCOUNT}:user/ann"} | row
    report = {"generated_at": "1 hours ago", "rows": [ann]}
    return fix_of("credentials_unused", {"iam.credential_report": report})


def test_only_the_idle_credential_is_ended() -> None:
    used = {"number": 1, "active": True, "last_rotated": "99 days ago", "last_used": "1 days ago"}
    idle = {"number": 2, "active": True, "last_rotated": "60 days ago"}
    password = {"password_enabled": True, "password_last_used": "50 days ago"}
    no_login = (
        "This ends the console access of the user: aws iam delete-login-profile --user-name ann"
    )
    key_off = "aws iam update-access-key --user-name ann --access-key-id KEY --status Inactive"
    which = "KEY is the id of access key 2, created or changed on 2026-09-02"
    assert idle_fix(**password, keys=[used]) == no_login
    assert idle_fix(password_enabled=False, keys=[used, idle]).startswith(f"{key_off} ({which}")
    both = idle_fix(**password, keys=[used, idle])
    assert both.startswith(f"{no_login}; {key_off} ({which}")
    assert "access key 1" not in both


def test_the_fix_of_missing_mfa_adds_a_device_and_keeps_the_password() -> None:
    ann = {"user": "ann", "arn": f"arn:aws:iam::{ACCOUNT}:user/ann", "password_enabled": True}
    report = {"generated_at": "1 hours ago", "rows": [ann | {"mfa_active": False}]}
    fix = fix_of("user_console_mfa", {"iam.credential_report": report})
    assert fix.startswith("aws iam create-virtual-mfa-device --virtual-mfa-device-name ann ")
    assert f"--user-name ann --serial-number arn:aws:iam::{ACCOUNT}:mfa/ann " in fix
    assert "delete-login-profile" not in fix


def root_fix(**more: Any) -> str:
    return fix_of("root_mfa", {"iam.summary": {"root_mfa": False, "root_password": True}} | more)


def test_a_member_may_lose_its_root_password_and_the_management_account_may_not() -> None:
    member = root_fix(
        **{"organizations.organization": {"id": "o-1", "management_account": "999900001111"}}
    )
    assert f"--target-principal {ACCOUNT} --task-policy-arn " in member
    assert "policy/root-task/IAMDeleteRootUserCredentials" in member
    assert member.endswith("aws iam delete-login-profile")
    assert "enable-organizations-root-credentials-management" not in member
    assert root_fix() == member
    for organization in ({"id": "o-1", "management_account": ACCOUNT}, None):
        alone = root_fix(**{"organizations.organization": organization})
        assert "register two MFA devices" in alone
        assert "aws " not in alone
