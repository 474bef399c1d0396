"""What validate and explain make of the facts of the reference: several pages, corrections, names that came and went."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam import validate
from aws_iam.engine.reference.catalog import catalog
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS

CASES = TESTS / "cases/catalog"
NAMES = json.loads((CASES / "names.json").read_text(encoding="utf-8"))
POLICIES = json.loads((CASES / "policies.json").read_text(encoding="utf-8"))
CONTROLLER = json.loads((CASES / "aws-load-balancer-controller.json").read_text(encoding="utf-8"))[
    "document"
]
ABOUT_NAMES = {
    "INVALID_ACTION",
    "INVALID_SERVICE_IN_ACTION",
    "RETIRED_ACTION",
    "UNKNOWN_ACTION_IN_NOT_ACTION",
}


def statement(**elements: Any) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Resource": "*", **elements}],
    }


@pytest.mark.parametrize("case", NAMES, ids=lambda case: case["action"])
def test_an_unknown_name_gets_the_code_that_its_history_deserves(case: dict[str, Any]) -> None:
    found = [one for one in validate(statement(Action=case["action"])) if one.code in ABOUT_NAMES]
    assert [finding.code for finding in found] == ([case["code"]] if "code" in case else [])
    for finding in found:
        assert finding.severity == case["severity"]
        assert finding.confidence == case.get("confidence")
        assert case["says"] in (finding.message or "")
        assert case.get("fix", "") in (finding.fix or "")


@pytest.mark.parametrize(
    ("code", "elements", "is_new"),
    [
        (
            "INVALID_SERVICE_CONDITION_KEY",
            {"Condition": {"Bool": {"s3:InventedFeature": "true"}}},
            True,
        ),
        ("INVALID_SERVICE_CONDITION_KEY", {"Condition": {"Bool": {"s3:prefx": "true"}}}, False),
        (
            "INVALID_SERVICE_CONDITION_KEY",
            {"Condition": {"Bool": {"s3:PassedToService": "x"}}},
            False,
        ),
        ("INVALID_SERVICE", {"Condition": {"Bool": {"quantumthing:Key": "true"}}}, True),
        ("INVALID_SERVICE", {"Condition": {"Bool": {"ec3:Region": "true"}}}, False),
        ("INVALID_SERVICE", {"Resource": "arn:aws:quantumthing:eu-west-1:111122223333:x/y"}, True),
        ("INVALID_SERVICE", {"Resource": "arn:aws:elastic-inference:*:*:x/y"}, False),
    ],
)
def test_a_key_or_service_that_is_like_no_known_one_may_be_new(
    code: str, elements: dict[str, Any], *, is_new: bool
) -> None:
    (finding,) = (
        one for one in validate(statement(Action="s3:GetObject", **elements)) if one.code == code
    )
    assert finding.severity == ("WARNING" if is_new else "ERROR")
    assert finding.confidence == ("low" if is_new else None)
    dated = f"in the service data of {catalog().as_of}, and no known name is similar"
    assert (dated in (finding.message or "")) is is_new
    assert ("refresh the service data" in (finding.fix or "")) is is_new


def test_a_name_that_may_be_new_is_dated() -> None:
    (finding,) = validate(statement(Action="sts:GetScopedCredentials"))
    assert f"service data of {catalog().as_of}" in (finding.message or "")


def test_an_exclusion_that_may_be_new_is_of_low_confidence() -> None:
    found = [
        finding
        for finding in validate(statement(NotAction=["sts:GetScopedCredentials", "iam:ListUser"]))
        if finding.code == "UNKNOWN_ACTION_IN_NOT_ACTION"
    ]
    assert [finding.confidence for finding in found] == ["low", None]


@pytest.mark.parametrize("case", POLICIES, ids=lambda case: case["name"])
def test_an_action_meets_the_resource_types_of_all_its_pages(case: dict[str, Any]) -> None:
    risks = {"DATA_EXFILTRATION", "INFRASTRUCTURE_CHANGE"}
    codes = [finding.code for finding in validate(case["document"])]
    assert [code for code in codes if code not in risks] == case["codes"]
    facts = tool.run({"action": "explain", "document": case["document"]}).facts
    assert facts.get("actions_allowed", 0) == case["allowed"]


def test_the_policy_of_the_load_balancer_controller_has_no_false_finding() -> None:
    found = validate(CONTROLLER, "identity")
    # Statement 3 allows without a condition what statement 7 allows under one; these six change network and load balancers
    # whatever tags they have.
    changing = [("INFRASTRUCTURE_CHANGE", f"/Statement/{n}") for n in (2, 3, 4, 9, 14, 15)]
    assert sorted((f.code, f.where.pointer if f.where else "") for f in found) == sorted(
        [*changing, ("SHADOWED_ACTION", "/Statement/7/Action/0")]
    )
    facts = tool.run({"action": "explain", "document": CONTROLLER, "kind": "identity"}).facts
    named = {
        action
        for part in CONTROLLER["Statement"]
        for action in ([part["Action"]] if isinstance(part["Action"], str) else part["Action"])
    }
    assert facts["actions_allowed"] == len(named)
    assert "never matches" not in json.dumps(facts["statements"])


def test_an_event_on_a_listener_is_allowed_by_the_policy_made_from_it() -> None:
    listener = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"
    role = "arn:aws:iam::111122223333:role/controller"
    event = {
        "eventVersion": "1.08",
        "eventSource": "elasticloadbalancing.amazonaws.com",
        "eventName": "AddTags",
        "awsRegion": "eu-west-1",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": "arn:aws:sts::111122223333:assumed-role/controller/s",
            "accountId": "111122223333",
            "sessionContext": {"sessionIssuer": {"arn": role}},
        },
        "requestParameters": {"resourceArns": [listener], "tags": [{"key": "a", "value": "b"}]},
        "responseElements": None,
        "eventID": "1",
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    }
    answer = tool.run({"action": "generate", "events": {"Records": [event]}})
    (written,) = (json.loads(artifact.content) for artifact in answer.artifacts)
    assert written["Statement"][0]["Resource"] == listener
    assert validate(written) == []
