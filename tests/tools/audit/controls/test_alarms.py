"""The alarm controls: one broken link after the other, and what cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from aws_iam.answer import Finding, Status
from aws_iam.tools.audit.controls.judge import judge, rolled_up
from helpers.cis_full import ALARMS, GROUP, REGION, TOPIC, chain
from helpers.cis_snapshots import snapshot


def outcome(facts: dict[str, Any], key: str, version: str = "7.0") -> Finding:
    (finding,) = judge(snapshot(facts), version, controls=[key])
    return finding


@pytest.mark.parametrize("key", ALARMS)
def test_a_complete_chain_passes_and_an_account_without_it_fails(key: str) -> None:
    assert outcome(chain(key), key).status is Status.PASS
    assert outcome(chain(), key).status is Status.FAIL


def trail(facts: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = facts["cloudtrail.trails"]["trails"][0]
    return first


def alarm(facts: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = facts["cloudwatch.alarms"][REGION][0]
    return first


def test_the_first_broken_link_is_named() -> None:
    key = "alarm_trail_changes"

    def told(change: Any) -> str:
        facts = chain(key)
        change(facts)
        finding = outcome(facts, key)
        assert finding.status is Status.FAIL
        return finding.message

    assert "(there is none)" in told(lambda f: f["cloudtrail.trails"].update(trails=[]))
    assert "`main` covers one Region only" in told(lambda f: trail(f).update(multi_region=False))
    assert "`main` is not logging" in told(lambda f: trail(f).update(status={"logging": False}))
    reads = {"classic": [{"read_write": "ReadOnly"}]}
    assert "records reads only" in told(lambda f: trail(f).update(selectors=reads))
    assert "no log group" in told(lambda f: trail(f).update(log_group_arn=None))
    assert "`trail` has no metric filter" in told(
        lambda f: f["logs.metric_filters"].update({REGION: []})
    )
    other = {"name": "x", "log_group": "trail", "pattern": "{ $.eventName = CreateTrail }"}
    assert "no metric filter matches UpdateTrail, DeleteTrail" in told(
        lambda f: f["logs.metric_filters"].update({REGION: [other]})
    )
    assert "no alarm watches its metric" in told(
        lambda f: f["cloudwatch.alarms"].update({REGION: []})
    )
    assert "actions of its alarm are disabled" in told(
        lambda f: alarm(f).update(actions_enabled=False)
    )
    assert "notifies no SNS topic" in told(
        lambda f: alarm(f).update(actions=["arn:aws:automate:us-east-1:ec2:stop"])
    )
    pending = [{"protocol": "email", "arn": "PendingConfirmation"}]
    assert "no confirmed subscriber (alarm `alarm_trail_changes-alarm`)" in told(
        lambda f: f["sns.alarm_topics"][0].update(subscriptions=pending)
    )


def test_a_metric_with_dimensions_is_not_the_filters() -> None:
    facts = chain("alarm_trail_changes")
    alarm(facts)["metrics"][0]["dimensions"] = ["InstanceId"]
    assert "no alarm watches" in outcome(facts, "alarm_trail_changes").message


def metric_filter(facts: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = facts["logs.metric_filters"][REGION][0]
    return first


def test_a_filter_whose_metric_has_dimensions_makes_no_metric_without() -> None:
    key = "alarm_trail_changes"
    facts = chain(key)
    metric_filter(facts)["metrics"][0]["dimensions"] = ["user"]
    finding = outcome(facts, key)
    assert finding.status is Status.FAIL
    assert "its metric has dimensions, and no alarm watches it with them" in finding.message
    metric_filter(facts)["metrics"].append({"name": key, "namespace": "CIS"})
    assert outcome(facts, key).status is Status.PASS


def test_an_alarm_with_dimensions_watches_a_part_and_which_is_not_known() -> None:
    facts = chain("alarm_trail_changes")
    for kind_of_fact in (metric_filter(facts), alarm(facts)):
        kind_of_fact["metrics"][0]["dimensions"] = ["user"]
    finding = outcome(facts, "alarm_trail_changes")
    assert finding.status is Status.UNKNOWN
    assert "only for some values of `user`, and no alarm watches all of it" in finding.message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"criteria": '@aws.account = "999999999999"'}, "counts only events with `@aws.account"),
        ({"transformed": True}, "reads the events after a transformation"),
        ({"criteria": None, "transformed": None}, "in a snapshot of an earlier version"),
    ],
)
def test_a_filter_that_does_not_see_every_event_as_it_came_is_not_judged(
    change: dict[str, Any], says: str
) -> None:
    facts = chain("alarm_trail_changes")
    metric_filter(facts).update(change)
    finding = outcome(facts, "alarm_trail_changes")
    assert finding.status is Status.UNKNOWN
    assert says in finding.message
    facts["cloudwatch.alarms"][REGION].clear()
    assert outcome(facts, "alarm_trail_changes").status is Status.FAIL


def test_criteria_beside_a_pattern_that_does_not_match_mend_nothing() -> None:
    facts = chain("alarm_trail_changes")
    metric_filter(facts).update(criteria="@aws.region = x", pattern="{ $.eventName = Other }")
    assert "no metric filter matches" in outcome(facts, "alarm_trail_changes").message


def test_a_filter_of_another_log_group_does_not_count() -> None:
    facts = chain("alarm_trail_changes")
    facts["logs.metric_filters"][REGION][0]["log_group"] = "app"
    assert "has no metric filter" in outcome(facts, "alarm_trail_changes").message


def test_coverage_may_be_spread_over_filters_with_their_own_chains() -> None:
    key = "alarm_trail_changes"
    facts = chain(key, "alarm_root_use")
    first, second = facts["logs.metric_filters"][REGION]
    first["pattern"] = "{ $.eventName = *Trail }"
    second["pattern"] = "{ $.eventName = *Logging }"
    assert outcome(facts, key).status is Status.PASS
    facts["cloudwatch.alarms"][REGION].pop()
    assert outcome(facts, key).status is Status.FAIL


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda f: trail(f).update(status={"denied": "cloudtrail:GetTrailStatus"}),
            "GetTrailStatus",
        ),
        (
            lambda f: trail(f).update(selectors={"denied": "cloudtrail:GetEventSelectors"}),
            "GetEventSelectors",
        ),
        (
            lambda f: f["logs.metric_filters"].update(
                {REGION: {"denied": "logs:DescribeMetricFilters"}}
            ),
            "logs:DescribeMetricFilters",
        ),
        (
            lambda f: f["cloudwatch.alarms"].update(
                {REGION: {"denied": "cloudwatch:DescribeAlarms"}}
            ),
            "cloudwatch:DescribeAlarms",
        ),
        (
            lambda f: f["sns.alarm_topics"][0].update(
                subscriptions={"denied": "sns:ListSubscriptionsByTopic"}
            ),
            "sns:ListSubscriptionsByTopic",
        ),
        (lambda f: f["sns.alarm_topics"].clear(), "sns:ListSubscriptionsByTopic"),
        (
            lambda f: trail(f).update(log_group_arn=GROUP.replace("111122223333", "999900001111")),
            "belongs to account `999900001111`",
        ),
        (
            lambda f: trail(f).update(log_group_arn=GROUP.replace(REGION, "eu-west-1")),
            "eu-west-1 was not read; reading it needs logs:DescribeMetricFilters",
        ),
        (
            lambda f: f["logs.metric_filters"][REGION][0].update(
                pattern="{ $.eventName = %Trail% }"
            ),
            "pattern not understood",
        ),
    ],
)
def test_what_cannot_be_read_is_unknown(change: Any, says: str) -> None:
    facts = chain("alarm_trail_changes")
    change(facts)
    finding = outcome(facts, "alarm_trail_changes")
    assert finding.status is Status.UNKNOWN
    assert says in f"{finding.message} {finding.reason}"


def test_a_second_complete_chain_outweighs_what_cannot_be_read() -> None:
    facts = chain("alarm_trail_changes")
    shadow = dict(trail(facts), name="org", selectors={"denied": "cloudtrail:GetEventSelectors"})
    facts["cloudtrail.trails"]["trails"].insert(0, shadow)
    alarms = facts["cloudwatch.alarms"][REGION]
    alarms.insert(0, dict(alarms[0], name="far", actions=[TOPIC.replace("ops", "central")]))
    assert outcome(facts, "alarm_trail_changes").status is Status.PASS


def test_a_trail_without_kms_events_cannot_tell_of_key_deletion() -> None:
    facts = chain("alarm_cmk_deletion", "alarm_trail_changes")
    trail(facts)["selectors"] = {"classic": [{"excluded_sources": ["kms.amazonaws.com"]}]}
    assert "excludes KMS events" in outcome(facts, "alarm_cmk_deletion").message
    assert outcome(facts, "alarm_trail_changes").status is Status.PASS


def management(*more: list[Any]) -> dict[str, Any]:
    """An advanced selector of management events, with more fields."""
    fields = [["eventCategory", "Equals", "Management"], *more]
    return {
        "fields": [
            {"field": name, "operators": [[operator, [value]]]} for name, operator, value in fields
        ]
    }


_NO_KMS = ["eventSource", "NotEquals", "kms.amazonaws.com"]
_KMS = "kms.amazonaws.com"


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        (
            {
                "classic": [
                    {"read_write": "WriteOnly", "excluded_sources": [_KMS]},
                    {"read_write": "ReadOnly"},
                ]
            },
            Status.FAIL,
        ),
        (
            {
                "advanced": [
                    management(["readOnly", "Equals", "false"], _NO_KMS),
                    management(["readOnly", "Equals", "true"]),
                ]
            },
            Status.FAIL,
        ),
        (
            {
                "classic": [
                    {"read_write": "ReadOnly", "excluded_sources": [_KMS]},
                    {"read_write": "WriteOnly"},
                ]
            },
            Status.PASS,
        ),
        (
            {"advanced": [management(_NO_KMS), management(["readOnly", "Equals", "false"])]},
            Status.PASS,
        ),
    ],
)
def test_deleting_a_key_is_a_write(selectors: dict[str, Any], expected: Status) -> None:
    facts = chain("alarm_cmk_deletion")
    trail(facts)["selectors"] = selectors
    assert outcome(facts, "alarm_cmk_deletion").status is expected


@pytest.mark.parametrize(
    "change",
    [
        {
            "status": {"denied": "cloudtrail:GetTrailStatus"},
            "selectors": {"classic": [{"read_write": "WriteOnly"}]},
        },
        {
            "status": {"logging": False},
            "selectors": {"denied": "cloudtrail:GetEventSelectors"},
        },
    ],
)
def test_what_could_not_be_read_mends_no_trail_that_lacks_something_else(
    change: dict[str, Any],
) -> None:
    facts = chain("alarm_trail_changes")
    trail(facts).update(change)
    assert outcome(facts, "alarm_trail_changes").status is Status.FAIL


def test_the_late_security_group_event_is_asked_for_from_5_0_on() -> None:
    key = "alarm_sg_changes"
    facts = chain(key)
    filters = facts["logs.metric_filters"][REGION]
    filters[0]["pattern"] = filters[0]["pattern"].replace("ModifySecurityGroupRules", "Nothing")
    old = outcome(facts, key, "4.0")
    assert old.status is Status.PASS
    assert "later versions also require ModifySecurityGroupRules" in old.message
    assert "matches ModifySecurityGroupRules" in outcome(facts, key, "5.0").message


def test_a_filter_that_matches_nearly_everything_is_said_to_be_noisy() -> None:
    facts = chain("alarm_unauthorized")
    facts["logs.metric_filters"][REGION][0]["pattern"] = (
        '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") || ($.sourceIPAddress != "delivery.logs.amazonaws.com") }'
    )
    assert "expect noise" in outcome(facts, "alarm_unauthorized").message
    assert "expect noise" not in outcome(chain("alarm_unauthorized"), "alarm_unauthorized").message


def test_one_unread_region_hides_no_multi_region_trail() -> None:
    miss = {"kind": "denied", "call": "cloudtrail:DescribeTrails", "region": REGION}
    facts = {"cloudtrail.trails": {"unread": [miss]}}
    two = judge(snapshot(facts, regions=[REGION, "eu-west-1"]), controls=["alarm_root_use"])
    assert rolled_up(two) == {"alarm_root_use": Status.FAIL}
    one = judge(snapshot(facts), controls=["alarm_root_use"])
    assert rolled_up(one) == {"alarm_root_use": Status.UNKNOWN}


def test_a_trail_whose_record_could_not_be_read_keeps_the_verdict_open() -> None:
    lost = {"kind": "broken", "call": "cloudtrail:GetTrailStatus", "code": "IncompleteAnswer"}
    facts = {"cloudtrail.trails": {"unread": [lost]}}
    account = snapshot(facts, regions=[REGION, "eu-west-1"])
    keys = ["alarm_root_use", "cloudtrail_all_regions", "cloudtrail_validation"]
    assert set(rolled_up(judge(account, "5.0", controls=keys)).values()) == {Status.UNKNOWN}


def test_a_log_group_that_no_arn_names_is_unknown() -> None:
    facts = chain("alarm_root_use")
    trail(facts).update(log_group_arn="x")
    finding = outcome(facts, "alarm_root_use")
    assert finding.status is Status.UNKNOWN
    assert "`x`" in f"{finding.message} {finding.reason}"
