"""Trails: what the policy of a bucket lets CloudTrail do, and a script that mends without taking anything away."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import snapshot
from helpers.documented_commands import commands, problems
from helpers.folders import TESTS

if TYPE_CHECKING:
    from pathlib import Path

    from aws_iam.answer import Answer

CASES: list[dict[str, Any]] = json.loads(
    (TESTS / "cases" / "audit" / "trails.json").read_text("utf-8")
)
ACCOUNT = "111122223333"
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/t"
MANAGEMENT = ("eventCategory", "Equals", ["Management"])
DATA = ("eventCategory", "Equals", ["Data"])
FUNCTIONS = ("resources.type", "Equals", ["AWS::Lambda::Function"])
OBJECTS = ("resources.type", "Equals", ["AWS::S3::Object"])
ALL_OBJECTS = {
    "FieldSelectors": [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
    ]
}


def ask(facts: dict[str, Any], folder: Path) -> Answer:
    file = folder / "account.json"
    snapshots.save(snapshot(facts, regions=("us-east-1",)), file)
    return tool.run({"action": "cloudtrail", "snapshot": str(file)}, cli=True)


def trail(**parts: Any) -> dict[str, Any]:
    given = {
        "name": "t",
        "arn": ARN,
        "home_region": "us-east-1",
        "multi_region": True,
        "validation": True,
        "bucket": "logs",
        "kms_key": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k",
        "log_group_arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:t:*",
        "status": {"logging": True},
        "selectors": {},
    }
    return {**given, **parts}


def trails(*listed: dict[str, Any], document: str | None = None) -> dict[str, Any]:
    flags = ("block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets")  # fmt: skip
    return {
        "cloudtrail.trails": {"trails": list(listed), "unread": []},
        "cloudtrail.insights": [],
        "s3.trail_bucket_access": [
            {
                "bucket": "logs",
                "public_grants": [],
                "document": document,
                "policy_public": False,
                "block": dict.fromkeys(flags, True),
            }
        ],
        "s3.trail_bucket_logging": [{"bucket": "logs", "target": {"bucket": "access"}}],
        "s3control.public_access_block": {},
    }


def policy(case: dict[str, Any]) -> str:
    """The policy of a case: it allows CloudTrail to write and denies everybody, each on conditions."""
    write = {"Action": "s3:PutObject"}
    folder = case.get("folder", f"AWSLogs/{ACCOUNT}")
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Resource": f"arn:aws:s3:::logs/{folder}/*",
        "Condition": case.get("allow", {"StringEquals": {"aws:SourceArn": ARN}}),
    }
    deny = {"Effect": "Deny", "Principal": "*", "Resource": "*", "Condition": case.get("deny")}
    statements = [allow, deny] if "deny" in case else [allow]
    return json.dumps({"Version": "2012-10-17", "Statement": [{**s, **write} for s in statements]})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_policy_of_a_trails_bucket_fails_for_what_is_known_alone(
    case: dict[str, Any], tmp_path: Path
) -> None:
    status = {"logging": True, "last_delivery": case.get("delivered")}
    given = trail(status=status, **case.get("trail", {}))
    facts = trails(given, document=policy(case)) | case.get("facts", {})
    rows = ask(facts, tmp_path).facts["checks_beyond_cis"]
    (row,) = (row for row in rows if row["check"] == "bucket_policy")
    assert (row["status"], row["severity"]) == (case["expect"], case.get("severity", "medium"))
    assert case["says"] in row["message"]
    assert bool(row["fix"]) == (case["expect"] == "fail")


def test_the_rest_of_a_policy_that_cannot_be_judged_is_no_fail(tmp_path: Path) -> None:
    document = policy({"deny": {"StringSomehow": {"aws:SourceArn": ARN}}})
    rows = ask(trails(trail(), document=document), tmp_path).facts["checks_beyond_cis"]
    (row,) = (row for row in rows if row["check"] == "bucket_policy")
    assert row["status"] == "unknown"


def advanced(*selectors: tuple[tuple[str, str, list[str]], ...]) -> dict[str, Any]:
    return {
        "advanced": [
            {
                "fields": [
                    {"field": name, "operators": [[op, values]]} for name, op, values in selector
                ]
            }
            for selector in selectors
        ]
    }


def lines(*listed: dict[str, Any], folder: Path, **facts: Any) -> list[str]:
    """The lines of the script that mends those trails; every command is one of the AWS CLI."""
    content = "".join(
        artifact.content for artifact in ask(trails(*listed) | facts, folder).artifacts
    )
    found = content.splitlines()
    called = [line for line in found if line.startswith("aws ")]
    assert [bad for line in called for words in commands(line) for bad in problems(words)] == []
    return found


def verbs(found: list[str]) -> list[str]:
    return [line.split()[2] for line in found if line.startswith("aws ")]


def chosen(found: list[str], option: str) -> Any:
    """What the script writes as selectors."""
    (line,) = (command for command in found if "put-event-selectors --trail-name" in command)
    words = shlex.split(line)
    return json.loads(words[words.index(option) + 1])


ORGANIZATION = trail(
    name="org",
    arn="arn:aws:cloudtrail:us-east-1:555566667777:trail/org",
    organization=True,
)


def test_a_trail_of_one_region_that_is_to_record_objects_is_extended(tmp_path: Path) -> None:
    own = trail(multi_region=False, selectors=advanced((MANAGEMENT,)))
    found = lines(ORGANIZATION, own, folder=tmp_path)
    assert verbs(found) == ["update-trail", "put-event-selectors"]
    assert any(line.endswith("--is-multi-region-trail") for line in found)
    assert any("charged a second time" in line for line in found)


def test_a_stopped_trail_that_is_to_record_objects_is_started_last(tmp_path: Path) -> None:
    own = trail(status={"logging": False}, selectors=advanced((MANAGEMENT,)))
    found = lines(ORGANIZATION, own, folder=tmp_path)
    assert verbs(found) == ["put-event-selectors", "start-logging"]


def test_a_stopped_trail_that_records_enough_keeps_its_selectors(tmp_path: Path) -> None:
    own = trail(status={"logging": False}, selectors=advanced((MANAGEMENT,), (DATA, OBJECTS)))
    assert verbs(lines(own, folder=tmp_path)) == ["start-logging"]


def test_a_trail_that_logs_everywhere_is_neither_extended_nor_started(tmp_path: Path) -> None:
    found = lines(trail(selectors=advanced((MANAGEMENT,))), folder=tmp_path)
    assert verbs(found) == ["put-event-selectors"]
    assert not any("second time" in line for line in found)


def test_a_trail_for_objects_alone_gets_no_copy_of_management_events(tmp_path: Path) -> None:
    own = trail(selectors=advanced((DATA, FUNCTIONS)))
    written = chosen(lines(ORGANIZATION, own, folder=tmp_path), "--advanced-event-selectors")
    assert "Management" not in json.dumps(written)


def test_advanced_selectors_stay_as_they_were_read(tmp_path: Path) -> None:
    without = ("eventSource", "NotEquals", ["kms.amazonaws.com"])
    own = trail(selectors=advanced((MANAGEMENT, without), (DATA, FUNCTIONS)))
    written = chosen(lines(own, folder=tmp_path), "--advanced-event-selectors")
    assert written[:2] == [
        {
            "FieldSelectors": [
                {"Field": "eventCategory", "Equals": ["Management"]},
                {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]},
            ]
        },
        {
            "FieldSelectors": [
                {"Field": "eventCategory", "Equals": ["Data"]},
                {"Field": "resources.type", "Equals": ["AWS::Lambda::Function"]},
            ]
        },
    ]
    assert written[2:] == [{"Name": "S3 objects", **ALL_OBJECTS}]


def test_classic_selectors_stay_as_they_were_read(tmp_path: Path) -> None:
    functions = {"type": "AWS::Lambda::Function", "values": ["arn:aws:lambda"]}
    classic = {"data": [functions], "excluded_sources": ["kms.amazonaws.com"]}
    written = chosen(
        lines(trail(selectors={"classic": [classic]}), folder=tmp_path), "--event-selectors"
    )
    assert written == [
        {
            "ReadWriteType": "All",
            "IncludeManagementEvents": True,
            "DataResources": [{"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]}],
            "ExcludeManagementEventSources": ["kms.amazonaws.com"],
        },
        {
            "ReadWriteType": "All",
            "IncludeManagementEvents": False,
            "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
            "ExcludeManagementEventSources": [],
        },
    ]


def test_more_classic_selectors_than_aws_takes_are_not_written(tmp_path: Path) -> None:
    functions = {"type": "AWS::Lambda::Function", "values": ["arn:aws:lambda"]}
    own = trail(selectors={"classic": [{"data": [functions]}] * 5})
    found = lines(own, folder=tmp_path)
    assert verbs(found) == []
    assert any("more than the 5 event selectors that AWS allows" in line for line in found)


def test_a_trail_that_never_had_selectors_goes_on_recording_management_events(
    tmp_path: Path,
) -> None:
    written = chosen(lines(trail(), folder=tmp_path), "--advanced-event-selectors")
    assert [selector["Name"] for selector in written] == ["Management events", "S3 objects"]


def test_management_events_are_widened_and_what_was_left_out_stays_so(tmp_path: Path) -> None:
    narrow = (MANAGEMENT, ("readOnly", "Equals", ["false"]))
    without = ("eventSource", "NotEquals", ["kms.amazonaws.com"])
    own = trail(selectors=advanced((*narrow, without), (DATA, FUNCTIONS), (DATA, OBJECTS)))
    written = chosen(lines(own, folder=tmp_path), "--advanced-event-selectors")
    assert len(written) == 3
    assert written[0]["FieldSelectors"] == [
        {"Field": "eventCategory", "Equals": ["Management"]},
        {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]},
    ]
    assert "AWS::Lambda::Function" in json.dumps(written[1])


def test_classic_management_events_are_widened_beside_the_data_events(tmp_path: Path) -> None:
    every = {"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}
    sources = ["kms.amazonaws.com"]
    narrow = {"read_write": "WriteOnly", "excluded_sources": sources}
    own = trail(selectors={"classic": [narrow, {"management": False, "data": [every]}]})
    written = chosen(lines(own, folder=tmp_path), "--event-selectors")
    kinds = [
        (selector["ReadWriteType"], selector["IncludeManagementEvents"]) for selector in written
    ]
    assert kinds == [("All", True), ("All", False)]
    assert written[0]["ExcludeManagementEventSources"] == sources


BARE = {"s3.trail_bucket_logging": [{"bucket": "logs", "target": None}]}


def test_key_and_log_bucket_are_asked_for_in_the_region_of_the_trails_bucket(
    tmp_path: Path,
) -> None:
    listed = {"s3.buckets": [{"name": "logs", "region": "eu-west-1"}]}
    own = trail(kms_key=None, log_group_arn=None)
    found = "\n".join(lines(own, folder=tmp_path, **BARE, **listed))
    assert "set it to a KMS key in eu-west-1 whose policy" in found
    assert "set it to a bucket in eu-west-1 that takes access logs" in found
    assert '--kms-key-id "$KEY_ARN__EU_WEST_1"' in found
    # A log group belongs to the trail, not to its bucket.
    assert "set it to the ARN of a log group in us-east-1" in found


def test_where_the_region_of_a_bucket_is_not_known_its_name_is_told(tmp_path: Path) -> None:
    found = "\n".join(lines(trail(kms_key=None), folder=tmp_path, **BARE))
    assert "set it to a KMS key in the Region of bucket logs whose policy" in found
    assert "set it to a bucket in the Region of bucket logs that takes access logs" in found
    assert '--kms-key-id "$KEY_ARN__OF_LOGS"' in found
