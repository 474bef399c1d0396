"""CloudTrail logs are read in every form that people have; their names lead to actions or to a list that only shrinks."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest

from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.operations import service_of_client
from aws_iam.engine.trail import cloudtrail
from aws_iam.engine.trail.event_details import EventDetails
from aws_iam.engine.trail.event_needs import EventReader
from aws_iam.engine.trail.event_resource import exact_pattern, without_escapes
from aws_iam.engine.trail.event_tables import actions_of, call_of, event_tables, prefix_of
from aws_iam.errors import InputError
from helpers.folders import TESTS
from helpers.trail_records import call, record
from helpers.work import calls

FOLDER = TESTS / "cases/events"
EVENT = call("s3", "ListBuckets")


def names(given: Any) -> list[str]:
    return [event.name for event in cloudtrail.read_events(given).events]


@pytest.mark.parametrize(
    "given",
    [
        {"Records": [EVENT]},
        [EVENT],
        EVENT,
        [{"Records": [EVENT]}],
        {"Events": [{"EventName": "ListBuckets", "CloudTrailEvent": json.dumps(EVENT)}]},
        {"version": "0", "detail-type": "AWS API Call via CloudTrail", "detail": EVENT},
        json.dumps({"Records": [EVENT]}),
        json.dumps(EVENT) + "\n\n",
    ],
    ids=[
        "log file",
        "list",
        "record",
        "list of log files",
        "look-up",
        "EventBridge",
        "text",
        "line",
    ],
)
def test_a_log_is_read_in_every_form_that_people_have(given: Any) -> None:
    assert names(given) == ["ListBuckets"]


def test_records_one_to_a_line_are_read() -> None:
    assert names(f"{json.dumps(EVENT)}\n{json.dumps(EVENT)}\n") == ["ListBuckets"] * 2


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "",
        "x",
        [],
        {},
        [[[]]],
        {"Records": 7},
        {"Records": [7, None, "x"]},
        {"eventName": "x"},
    ],
)
def test_what_holds_no_record_is_refused(value: Any) -> None:
    with pytest.raises(InputError):
        cloudtrail.read_events(value)


def test_records_with_fields_of_other_types_are_read_as_far_as_they_go() -> None:
    odd = {
        **EVENT,
        "userIdentity": 7,
        "requestParameters": [],
        "resources": {"a": 1},
        "awsRegion": None,
    }
    (event,) = cloudtrail.read_events(odd).events
    assert (event.caller, event.arns, event.region) == ("", (), "")
    assert EventReader([event]).read(event).skipped == "the record does not name the caller"


@pytest.mark.parametrize("region", ["", "*", "eu-west-1:*", "${aws:x}", "x" * 99])
def test_a_region_that_is_none_leads_to_no_resource(region: str) -> None:
    (event,) = cloudtrail.read_events({**EVENT, "awsRegion": region}).events
    assert "Region" in EventReader([event]).read(event).unmapped


@pytest.mark.parametrize(
    "arn",
    [
        "arn:*:iam::111122223333:role/x",
        "arn:aws:iam::*:role/x",
        "arn:aws:iam::111122223333:role/",
        "x",
    ],
)
def test_a_caller_that_is_none_gets_no_policy(arn: str) -> None:
    (event,) = cloudtrail.read_events(
        {**EVENT, "userIdentity": {"type": "IAMUser", "arn": arn}}
    ).events
    assert "does not name the caller" in EventReader([event]).read(event).skipped


def test_a_name_longer_than_any_is_no_record() -> None:
    with pytest.raises(InputError, match="no CloudTrail event"):
        cloudtrail.read_events({**EVENT, "eventName": "x" * 1_000})


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("CreateFunction20150331", "CreateFunction"),
        ("UpdateFunctionCode20150331v2", "UpdateFunctionCode"),
        ("GetDistribution2020_05_31", "GetDistribution"),
        ("CreateInvalidation_2014_11_06", "CreateInvalidation"),
        ("GetObject", "GetObject"),
        ("CreateRule12345678", "CreateRule12345678"),
        ("ListServicesV2", "ListServicesV2"),
        ("20150331", "20150331"),
        ("v2", "v2"),
        ("", ""),
        ("A" * 500, ""),
    ],
)
def test_the_date_of_an_api_is_no_part_of_the_name(name: str, bare: str) -> None:
    assert call_of(name) == bare


@pytest.mark.parametrize(
    ("source", "prefix"),
    [
        ("s3.amazonaws.com", "s3"),
        ("monitoring.amazonaws.com", "cloudwatch"),
        ("tagging.amazonaws.com", "tag"),
        ("email.amazonaws.com", "ses"),
        ("rdsdataapi.amazonaws.com", "rds-data"),
        ("cloudcontrolapi.amazonaws.com", "cloudformation"),
        ("ec2.amazonaws.com.cn", "ec2"),
        ("S3.AMAZONAWS.COM", "s3"),
        ("frobnicator.amazonaws.com", ""),
    ],
)
def test_an_event_source_is_a_prefix(source: str, prefix: str) -> None:
    assert prefix_of(source) == prefix


def test_every_name_in_the_table_exists() -> None:
    data = event_tables()
    actions = [action for row in data["operations"] for action in row["actions"]]
    actions += [*data["permissionless"], *data["passed_to"], *data["passed_to"]]
    actions += [*data["tagged_by"], *data["tagged_by"].values(), *data["made"]]
    unknown = [action for action in actions if catalog().action(action) is None]
    # The reference has no such action: nobody needs it.
    assert set(unknown) <= {"dynamodb:DescribeEndpoints"}
    prefixes = {
        *data["services"].values(),
        *data["via_kms"],
        *data["always"],
        *data["data_events"],
    }
    assert prefixes <= catalog().services
    types = {name for prefix in ("ec2", "ssm") for name in _types(prefix)}
    assert set(data["ids"].values()) <= types
    verbs = {route.partition(" ")[0] for routes in data["paths"].values() for route in routes}
    assert all(catalog().action(f"apigateway:{verb}") for verb in verbs)
    assert all(source.startswith("https://docs.aws.amazon.com/") for source in data["sources"])


def _types(prefix: str) -> list[str]:
    service = catalog().service(prefix)
    return [type_.name for type_ in service.resource_types.values()] if service else []


def _operations() -> dict[str, set[str]]:
    """Every operation of the SDK's models, by the prefix of its service."""
    loader = botocore.session.Session().get_component("data_loader")
    found: dict[str, set[str]] = {}
    for name in loader.list_available_services("service-2"):
        model = loader.load_service_model(name, "service-2")
        metadata = model["metadata"]
        places = (
            service_of_client(name) or name,
            metadata.get("signingName"),
            metadata["endpointPrefix"],
        )
        prefix = next((place for place in places if place in catalog().services), name)
        found.setdefault(prefix, set()).update(model["operations"])
    return found


@pytest.mark.growth
def test_every_operation_of_the_sdk_leads_to_an_action_or_stands_on_a_list_that_only_shrinks() -> (
    None
):
    listed = {
        prefix: set(words.split())
        for prefix, words in json.loads(
            (FOLDER / "unmapped.json").read_text(encoding="utf-8")
        ).items()
    }
    operations = _operations()
    unmapped = {
        prefix: {call for call in found if not _is_mapped(prefix, call)}
        for prefix, found in operations.items()
    }
    new = {prefix: found - listed.get(prefix, set()) for prefix, found in unmapped.items()}
    assert {prefix: sorted(found) for prefix, found in new.items() if found} == {}
    done = {
        prefix: found & operations.get(prefix, set()) - unmapped.get(prefix, set())
        for prefix, found in listed.items()
    }
    assert {prefix: sorted(found) for prefix, found in done.items() if found} == {}


def _is_mapped(prefix: str, operation: str) -> bool:
    routed = prefix == "apigateway" and operation in event_tables()["paths"]
    found = actions_of(prefix, operation)
    return (
        routed
        or f"{prefix}:{operation}" in event_tables()["permissionless"]
        or bool(found and all(map(catalog().action, found)))
    )


@pytest.mark.parametrize(
    "text", ["arn:aws:s3:::b/plain", "a*b?c", "${aws:username}", "$", "${*}", "a${"]
)
def test_an_exact_pattern_means_its_text_alone(text: str) -> None:
    assert without_escapes(exact_pattern(text)) == text
    assert exact_pattern("plain") == "plain"


def test_reading_an_event_is_linear_in_its_parameters() -> None:
    def cost(size: int) -> int:
        parameters = {"tableName": "Music", "list": [{"name": f"n{n}"} for n in range(size)]}
        (event,) = cloudtrail.read_events(call("dynamodb", "PutItem", parameters)).events
        return calls(lambda: EventReader([event]).read(event))

    assert cost(2_000) < 12 * cost(250)


def test_parameters_without_end_are_looked_at_up_to_a_bound() -> None:
    deep: Any = "arn:aws:s3:::b"
    for _ in range(500):
        deep = {"a": deep}
    (event,) = cloudtrail.read_events(
        record(eventSource="s3.amazonaws.com", eventName="X", requestParameters=deep)
    ).events
    assert EventDetails(event).parameters == ()
    wide = {f"k{n}": "v" for n in range(50_000)}
    (event,) = cloudtrail.read_events(
        record(eventSource="s3.amazonaws.com", eventName="X", requestParameters=wide)
    ).events
    assert len(EventDetails(event).parameters) < 21_000
