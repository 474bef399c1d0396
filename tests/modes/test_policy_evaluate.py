"""`policy evaluate`: the decision in words and as data, by tool and by command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam import cli, evaluate
from aws_iam.errors import InputError
from aws_iam.modes.policy import tool
from aws_iam.report.layout import markdown

if TYPE_CHECKING:
    from aws_iam.answer import Answer

ROLE = "arn:aws:iam::111122223333:role/app"
REQUEST = {"principal": ROLE, "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def decide(policies: dict[str, Any], **request: Any) -> Answer:
    return tool.run(
        {"action": "evaluate", "request": {**REQUEST, **request}, "policies": policies}
    )


def test_an_allowed_request_names_the_statement_that_granted_it() -> None:
    answer = decide({"identity": [document({**ALLOW, "Action": "sqs:*"}, ALLOW)]})
    assert answer.decision
    assert answer.decision.outcome == "Allowed"
    (because,) = answer.decision.because
    assert (because.layer, because.policy, because.pointer) == (
        "identity",
        "/identity/0",
        "/Statement/1",
    )
    assert answer.summary.startswith("Allowed: `s3:GetObject`")


def test_every_layer_that_blocks_is_named() -> None:
    answer = decide({"identity": [document()], "boundary": [document()], "scp": [[document()]]})
    assert answer.decision
    assert answer.decision.outcome == "ImplicitlyDenied"
    assert set(answer.decision.blocked_by) == {"identity", "boundary", "scp"}
    assert "Blocked by" in markdown(answer)


def test_a_missing_key_that_decides_is_told() -> None:
    condition = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    answer = decide({"identity": [document({**ALLOW, **condition})]})
    assert answer.decision
    assert "aws:MultiFactorAuthPresent" in answer.decision.missing_keys
    (row,) = answer.facts["hangs_on"]
    assert row["outcome"] == "Allowed"


def test_of_several_resources_all_must_be_allowed() -> None:
    policies = {"identity": [document({**ALLOW, "Resource": "arn:aws:s3:::b/k"})]}
    answer = decide(policies, resource=["arn:aws:s3:::b/k", "arn:aws:s3:::b/other"])
    assert answer.decision
    assert answer.decision.outcome == "ImplicitlyDenied"
    outcomes = [row["outcome"] for row in answer.facts["parts_of_the_call"]]
    assert outcomes == ["Allowed", "ImplicitlyDenied"]


@pytest.mark.parametrize(
    ("request_", "policies", "says"),
    [
        ("{", {}, "the request is no JSON"),
        (REQUEST, "{", "the policies are no JSON"),
        (REQUEST, {"scps": []}, "no layer `scps`"),
        ({**REQUEST, "principle": "x"}, {}, "no field `principle`"),
        ({**REQUEST, "resource": []}, {}, "must be one ARN or a list"),
    ],
)
def test_what_cannot_be_decided_is_refused(request_: Any, policies: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        tool.run({"action": "evaluate", "request": request_, "policies": policies})


def test_the_command_line_reads_request_and_policies(tmp_path: Any, capsys: Any) -> None:
    layers = tmp_path / "layers.json"
    guardrail = {**ALLOW, "Effect": "Deny"}
    layers.write_text(
        json.dumps({"identity": [document(ALLOW)], "scp": [[document(guardrail)]]}),
        encoding="utf-8",
    )
    arguments = ["policy", "evaluate", "--request", json.dumps(REQUEST)]
    assert cli.main([*arguments, "--policies", str(layers), "--json"], {}) == 0
    said = json.loads(capsys.readouterr().out)["decision"]
    assert said["outcome"] == "ExplicitlyDenied"
    assert said["because"][0]["policy"] == "/scp/0/0"
    assert cli.main([*arguments, "--policies", str(layers)], {}) == 0
    assert "ExplicitlyDenied" in capsys.readouterr().out


def test_the_library_decides_the_same() -> None:
    decision = evaluate(REQUEST, {"identity": document(ALLOW)})
    assert decision.outcome == "Allowed"
    assert decision == decide({"identity": document(ALLOW)}).decision
