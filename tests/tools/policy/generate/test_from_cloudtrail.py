"""`policy generate` from CloudTrail events: what is allowed, what is kept apart, and that nothing of it is too much."""

from __future__ import annotations

import json
import shlex
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aws_iam.answer import to_json
from aws_iam.engine.evaluation.evaluate import evaluate
from aws_iam.engine.explain.statement_risk import RISK_CODES
from aws_iam.engine.trail.event_resource import without_escapes
from aws_iam.errors import InputError
from aws_iam.report.next_calls import as_command
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.examples import examples
from helpers.trail_records import ACCOUNT, CALLER, call, record, role
from helpers.work import calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Answer

OBJECT = {"bucketName": "amzn-s3-demo-bucket", "key": "a"}
# Whoever owns the resource lets the caller's account decide.
OWNER = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "*",
        "Resource": "*",
    },
}


def _rows(name: str) -> Any:
    return json.loads((TESTS / "cases/events" / name).read_text(encoding="utf-8"))


def _cases(name: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in _rows(name)]


def generated(events: Any, *, generalize: bool | None = None) -> Answer:
    return tool.run({"action": "generate", "events": events, "generalize": generalize})


def facts(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = to_json(answer)["facts"]
    return found


def documents(answer: Answer) -> list[dict[str, Any]]:
    return [json.loads(artifact.content) for artifact in answer.artifacts]


def statements(answer: Answer) -> list[dict[str, Any]]:
    return [row for document in documents(answer) for row in document["Statement"]]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def pairs(answer: Answer) -> set[tuple[str, str]]:
    """Every action with every resource that it is allowed on."""
    return {
        pair
        for statement in statements(answer)
        for pair in product(_listed(statement["Action"]), _listed(statement["Resource"]))
    }


@pytest.mark.parametrize("case", _cases("allowed.json"))
def test_an_event_becomes_exactly_the_access_that_it_needed(case: dict[str, Any]) -> None:
    answer = generated({"Records": [record(**case["record"])]})
    assert pairs(answer) == {tuple(pair) for pair in case["allow"]}
    shown = facts(answer)
    assert shown["replay"] == _replay([case])
    whys = [row["why"] for row in shown.get("not_scoped", ()) if "resource" in row]
    assert any(case["why"] in why for why in whys) if "why" in case else True
    conditions = [
        statement["Condition"] for statement in statements(answer) if "Condition" in statement
    ]
    assert conditions == ([case["condition"]] if "condition" in case else [])
    waiting = [row["action"] for row in shown.get("not_scoped", ()) if "resource" not in row]
    assert waiting == case.get("open", [])


@pytest.mark.parametrize("case", _cases("allowed.json"))
def test_what_is_wider_than_one_resource_says_why(case: dict[str, Any]) -> None:
    answer = generated([record(**case["record"])])
    explained = {
        row["resource"] for row in facts(answer).get("not_scoped", ()) if "resource" in row
    }
    stars = ",".join(row["actions"] for row in facts(answer).get("star_actions", ()))
    for action, resource in pairs(answer):
        if "*" in resource.replace("${*}", "").removesuffix(":*"):
            assert resource in explained or action in stars


@pytest.mark.parametrize("case", _cases("apart.json"))
def test_what_is_no_proven_need_is_kept_apart_with_its_reason(case: dict[str, Any]) -> None:
    answer = generated([call("s3", "ListBuckets"), record(**case["record"])])
    assert pairs(answer) == {("s3:ListAllMyBuckets", "*")}
    (row,) = facts(answer)[case["table"]]
    assert row["count"] == 1
    assert case["says"] in json.dumps(row)
    if "next" in case:
        assert case["next"] in map(as_command, answer.next)


@pytest.mark.parametrize(
    "case", [row for row in _rows("apart.json") if "next" in row], ids=lambda row: row["name"]
)
def test_the_command_for_a_refused_call_makes_its_policy(case: dict[str, Any]) -> None:
    words = shlex.split(case["next"])
    answer = tool.run({"action": "generate", "needs": words[words.index("--needs") + 1]})
    assert answer.artifacts


def test_all_cases_together_are_one_policy_set_that_allows_every_event() -> None:
    rows = _rows("allowed.json")
    answer = generated([record(**row["record"]) for row in rows])
    assert facts(answer)["replay"] == _replay(rows)
    assert {finding.code for finding in answer.findings} <= {"ARN_OF_UNKNOWN_FORMAT", *RISK_CODES}


def _replay(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Nothing is proved for events that need more than the record shows."""
    open_ = sum("open" in row or row.get("shown") is False for row in rows)
    proved = {"allowed": len(rows) - open_} | ({"not_proved": open_} if open_ else {})
    return {"events": len(rows), **proved}


def _smaller(policies: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The policies with one statement, one action or one resource less."""
    for number, policy in enumerate(policies):
        body = policy["Statement"]
        for at, statement in enumerate(body):
            shorter = [body[:at] + body[at + 1 :]]
            for part in ("Action", "Resource"):
                listed = _listed(statement[part])
                if len(listed) > 1:
                    for left in range(len(listed)):
                        less = {**statement, part: listed[:left] + listed[left + 1 :]}
                        shorter.append([*body[:at], less, *body[at + 1 :]])
            for changed in shorter:
                yield [
                    *policies[:number],
                    {**policy, "Statement": changed},
                    *policies[number + 1 :],
                ]


def _allows(policies: list[dict[str, Any]], action: str, resource: str, context: Any) -> bool:
    request = {
        "principal": CALLER,
        "action": action,
        "resource": without_escapes(resource),
        "context": context,
    }
    decision = evaluate(request, {"identity": policies, "resource": OWNER})
    return decision.outcome == "Allowed"


def test_nothing_can_be_taken_away_without_refusing_an_event() -> None:
    rows = _rows("allowed.json")[::3]
    policies = documents(generated([record(**case["record"]) for case in rows]))
    needed = [
        (
            *pair,
            {
                key: value
                for keys in case.get("condition", {}).values()
                for key, value in keys.items()
            },
        )
        for case in rows
        for pair in case["allow"]
    ]
    assert all(_allows(policies, *request) for request in needed)
    for fewer in _smaller(policies):
        kept = [policy for policy in fewer if policy["Statement"]]
        assert not all(_allows(kept, *request) for request in needed)


def test_each_caller_gets_a_policy_of_its_own_named_after_it() -> None:
    user = {
        "type": "IAMUser",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/staff/alice",
        "accountId": ACCOUNT,
    }
    events = [
        call("s3", "GetObject", OBJECT),
        call("sqs", "CreateQueue", {"queueName": "q"}, userIdentity=user),
        call("s3", "GetObject", OBJECT, userIdentity=role("app")),
        call("ec2", "DescribeInstances", userIdentity=role("job", "/batch/")),
    ]
    answer = generated(events)
    assert [artifact.name for artifact in answer.artifacts] == [
        "policy-role-app.json",
        "policy-role-job.json",
        "policy-user-alice.json",
    ]
    assert [row["events"] for row in facts(answer)["callers"]] == [2, 1, 1]
    assert all(
        "policy evaluate for every event" in str(artifact.checked_by)
        for artifact in answer.artifacts
    )


def test_more_callers_than_an_answer_holds_are_named() -> None:
    events = [call("s3", "ListBuckets", userIdentity=role(f"r{n:02}")) for n in range(23)]
    answer = generated(events)
    assert len(answer.artifacts) == 20
    assert len(facts(answer)["callers_left_out"]) == 3


def test_a_session_without_its_issuer_is_the_role_that_its_arn_names() -> None:
    identity = {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/app/x"}
    answer = generated([call("s3", "ListBuckets", userIdentity=identity)])
    assert facts(answer)["callers"][0]["caller"] == CALLER


def test_the_path_of_a_role_is_taken_from_elsewhere_in_the_log() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/service/app2"
    events = [
        call("iam", "GetRole", {"roleName": "app2"}, responseElements={"role": {"arn": arn}}),
        call("iam", "PutRolePolicy", {"roleName": "app2", "policyName": "x"}),
    ]
    assert pairs(generated(events)) == {("iam:GetRole", arn), ("iam:PutRolePolicy", arn)}


def test_an_unconditional_use_makes_the_condition_superfluous() -> None:
    key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"
    listed = [{"ARN": key}]
    events = [
        call("kms", "Decrypt", {}, resources=listed, invokedBy="s3.amazonaws.com"),
        call("kms", "Decrypt", {}, resources=listed),
    ]
    (only,) = statements(generated(events))
    assert "Condition" not in only


def test_two_services_of_one_key_are_one_condition() -> None:
    listed = [{"ARN": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1"}]
    events = [
        call("kms", "Decrypt", {}, resources=listed, invokedBy=f"{name}.amazonaws.com")
        for name in ("s3", "sqs")
    ]
    (only,) = statements(generated(events))
    wanted = ["s3.eu-west-1.amazonaws.com", "sqs.eu-west-1.amazonaws.com"]
    assert only["Condition"] == {"StringEquals": {"kms:ViaService": wanted}}


def test_arns_become_general_only_on_request_and_only_where_there_are_several() -> None:
    keys = ("in/2026/a.csv", "in/2026/b.csv", "in/2025/a.csv")
    events = [
        call("s3", "GetObject", {"bucketName": "amzn-s3-demo-bucket", "key": key}) for key in keys
    ]
    events += [
        call(
            "ec2",
            "StopInstances",
            {"instancesSet": {"items": [{"instanceId": f"i-0aaaabbbbccccddd{n}"}]}},
        )
        for n in range(3)
    ]
    events += [call("dynamodb", "PutItem", {"tableName": name}) for name in ("Music", "Films")]
    events += [call("s3", "PutObject", {"bucketName": "amzn-s3-demo-bucket", "key": "out/1"})]
    exact = pairs(generated(events))
    assert len(exact) == 9
    answer = generated(events, generalize=True)
    table = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table"
    assert pairs(answer) == {
        ("s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket/in/*"),
        ("ec2:StopInstances", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/*"),
        ("dynamodb:PutItem", f"{table}/Music"),
        ("dynamodb:PutItem", f"{table}/Films"),
        ("s3:PutObject", "arn:aws:s3:::amzn-s3-demo-bucket/out/1"),
    }
    assert facts(answer)["replay"] == {"events": len(events), "allowed": len(events)}
    assert [row["instead_of"] for row in facts(answer)["generalized"]] == [3, 3]


def test_more_than_policies_can_hold_says_what_would_help() -> None:
    events = [
        call("s3", "GetObject", {"bucketName": "amzn-s3-demo-bucket", "key": f"k/{n}"})
        for n in range(3000)
    ]
    with pytest.raises(InputError, match="generalize"):
        generated(events)
    assert len(generated(events, generalize=True).artifacts) == 1


def test_the_same_record_from_two_trails_counts_once() -> None:
    event = call("s3", "ListBuckets", eventID="11111111-2222-3333-4444-555555555555")
    answer = generated([{"Records": [event]}, {"Records": [event]}])
    assert facts(answer)["replay"]["events"] == 1
    assert facts(answer)["repeated_records"] == 1


def test_what_no_trail_writes_down_is_said() -> None:
    said = " ".join(facts(generated([call("s3", "ListBuckets")]))["not_in_the_log"])
    assert "invocations of lambda" in said
    assert "of s3" not in said


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "neither is given"),
        ({"needs": {"s3:ListAllMyBuckets": ["*"]}, "events": []}, "both are given"),
        (
            {"needs": {"s3:ListAllMyBuckets": ["*"]}, "generalize": True},
            "`generalize` goes with `events`",
        ),
        ({"events": [], "conditions": {}}, "`conditions` goes with `needs`"),
        ({"events": []}, "contains no CloudTrail event"),
        ({"events": 7}, "contains no CloudTrail event"),
        ({"events": "{"}, "is not JSON"),
        ({"events": '{"a":1}\n{'}, "line 2"),
        ({"events": "[" * 100_000}, "nested too deeply"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as refused:
        tool.run({"action": "generate", **given})
    assert says in str(refused.value)


def test_names_that_no_text_may_hold_end_in_a_policy_that_does() -> None:
    events = [
        call("s3", "GetObject", {"bucketName": "amzn-s3-demo-bucket", "key": key})
        for key in ("\ud800", "\x00\n", "a" * 1024)
    ]
    answer = generated(events)
    "".join(artifact.content for artifact in answer.artifacts).encode()
    assert facts(answer)["replay"] == {"events": 3, "allowed": 3}


def test_a_log_of_refusals_alone_says_how_to_go_on() -> None:
    with pytest.raises(InputError) as refused:
        generated([call("s3", "GetObject", OBJECT, errorCode="AccessDenied")])
    assert "refused with AccessDenied" in str(refused.value)
    assert "`needs` instead of `events`" in str(refused.value)


_words = st.text(max_size=12) | st.sampled_from(
    ["a", "*", "arn:aws:s3:::b", "${aws:username}", "x" * 3000]
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | _words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["bucketName", "key", "name", "tags", "roleArn", "items"]) | _words,
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
_calls = st.sampled_from(
    [
        *(
            "s3 GetObject",
            "s3 CopyObject",
            "s3 DeleteObjects",
            "ec2 RunInstances",
            "kms Decrypt",
            "kms ReEncrypt",
        ),
        *(
            "iam CreateRole",
            "sts AssumeRole",
            "sqs SendMessage",
            "lambda Invoke",
            "logs PutLogEvents",
        ),
        *(
            "dynamodb TransactWriteItems",
            "secretsmanager GetSecretValue",
            "apigateway GetStage",
            "ecs RunTask",
        ),
    ]
)
_records = st.builds(
    lambda name, parameters, response, listed: call(
        *name.split(), parameters, responseElements=response, resources=listed
    ),
    _calls,
    _json,
    _json,
    _json,
)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events=st.lists(_records, min_size=1, max_size=6), generalize=st.booleans())
def test_records_of_any_shape_end_in_policies_that_allow_their_events(
    *, events: list[dict[str, Any]], generalize: bool
) -> None:
    try:
        answer = generated(events, generalize=generalize)
    except InputError:
        return
    replay = facts(answer)["replay"]
    assert replay["allowed"] + replay.get("not_proved", 0) == replay["events"]
    assert not [finding for finding in answer.findings if finding.severity.value == "ERROR"]


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.sampled_from(_rows("allowed.json")), min_size=1, max_size=12),
    generalize=st.booleans(),
)
def test_any_mixture_of_events_is_allowed_whole(
    *, rows: list[dict[str, Any]], generalize: bool
) -> None:
    answer = generated([record(**row["record"]) for row in rows], generalize=generalize)
    assert facts(answer)["replay"] == _replay(rows)
    assert {finding.code for finding in answer.findings} <= {"ARN_OF_UNKNOWN_FORMAT", *RISK_CODES}


def test_the_work_grows_with_the_events_and_no_faster() -> None:
    def cost(number: int) -> int:
        events = [
            call("s3", "GetObject", {"bucketName": "amzn-s3-demo-bucket", "key": f"k/{n}"})
            for n in range(number)
        ]
        return calls(lambda: generated(events, generalize=True))

    generated([call("s3", "ListBuckets")])
    assert cost(1_600) < 10 * cost(200)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_json)
def test_any_json_is_answered_or_refused_clearly(value: Any) -> None:
    with pytest.raises(InputError):
        generated(value)
