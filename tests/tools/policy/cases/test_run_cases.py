"""`policy test`: what passes, what fails and how it is told, what proves little, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.each import for_each

FOLDER = TESTS / "cases/test"
DECIDED = json.loads((FOLDER / "decided.json").read_text(encoding="utf-8"))
REFUSED = json.loads((FOLDER / "refused.json").read_text(encoding="utf-8"))
NAMED = ("cases", "document", "policies", "allow", "deny")
READ = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"},
}


def case(name: str, action: str, expect: Any, **more: Any) -> dict[str, Any]:
    request = {
        "principal": "arn:aws:iam::111122223333:role/app",
        "action": action,
        "resource": "arn:aws:s3:::b/k",
    }
    return {"name": name, "request": request, "expect": expect, **more}


@pytest.mark.parametrize("given", DECIDED, ids=lambda given: given["name"])
def test_cases_fail_where_they_are_decided_otherwise(given: dict[str, Any]) -> None:
    call = {name: given[name] for name in NAMED if name in given}
    answer = tool.run({"action": "test", **call})
    rows = {row["name"]: row["result"] for row in answer.facts["cases"]}
    assert {name for name, result in rows.items() if result == "fail"} == set(given["failed"])
    assert answer.facts["failed"] == len(given["failed"])
    assert answer.facts["passed"] == len(rows) - len(given["failed"])
    failing = [f for f in answer.findings if f.code == "POLICY_TEST_FAILED"]
    assert len(failing) == len(given["failed"])
    for name, words in given["failed"].items():
        (message,) = (f.message for f in failing if f.message.startswith(f"case `{name}`: "))
        assert words in message
    told = [[f.code, f.message] for f in answer.findings if f.code != "POLICY_TEST_FAILED"]
    assert sorted(told) == sorted(given["told"])


@for_each(REFUSED, name=lambda given: given["name"])
def test_what_cannot_be_one_thing_only_is_refused_with_its_place(given: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        tool.run({"action": "test", **given["call"]})
    assert given["error"] in str(refused.value)


def test_text_and_value_are_read_alike() -> None:
    cases = [case("reads", "s3:GetObject", "Allowed"), case("writes", "s3:PutObject", "Denied")]
    for given in (cases, json.dumps(cases), {"cases": cases}, json.dumps({"tests": cases})):
        answer = tool.run({"action": "test", "cases": given, "document": json.dumps(READ)})
        assert answer.facts["passed"] == 2
        assert answer.summary == "All 2 cases are decided as expected."


def test_a_single_case_needs_no_list_and_no_name() -> None:
    own = case("", "s3:GetObject", "Allowed")
    del own["name"]
    answer = tool.run({"action": "test", "cases": own, "document": READ})
    assert answer.summary == "The case is decided as expected."
    assert [row["name"] for row in answer.facts["cases"]] == [
        "case 1: s3:GetObject on arn:aws:s3:::b/k"
    ]


def test_a_failing_case_is_told_with_its_place_and_the_deciding_statement() -> None:
    document = json.dumps({**READ, "Statement": [{**READ["Statement"], "Sid": "Read"}]}, indent=1)
    cases = "# first\n- name: nobody reads\n  action: s3:GetObject\n  resource: arn:aws:s3:::b/k\n  principal: arn:aws:iam::111122223333:role/a\n  expect: Denied\n"
    answer = tool.run({"action": "test", "cases": cases, "document": document})
    (finding,) = answer.findings
    assert (finding.severity, finding.status) == ("high", "fail")
    assert finding.where
    assert (finding.where.pointer, finding.where.line) == ("/0", 2)
    assert "expected Denied. Allowed:" in finding.message
    assert "Decided by the Allow `Read` of identity (line 4:3)" in finding.message
    assert answer.summary == "1 of 1 case is decided otherwise than expected: `nobody reads`."


def test_a_failing_case_says_what_of_its_request_is_wrong_or_missing() -> None:
    limited = {**READ, "Statement": {**READ["Statement"], "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}}  # fmt: skip
    cases = [case("key", "s3:GetObject", "Allowed"), case("slip", "s3:GetObjekt", "Allowed")]
    first, second = tool.run({"action": "test", "cases": cases, "document": limited}).findings
    assert "The request lacks `aws:MultiFactorAuthPresent`, on which this depends" in first.message
    assert "did you mean `s3:GetObject`?" in second.message


def test_the_next_call_mends_the_policy_so_that_the_cases_pass() -> None:
    cases = [
        case("reads", "s3:GetObject", "Denied"),
        case("writes", "s3:PutObject", "Allowed"),
        case("deletes", "s3:DeleteObject", "Denied"),
    ]
    call = tool.run({"action": "test", "cases": cases, "document": READ}).next[0]
    assert (call.tool, call.arguments["action"], call.same) == ("policy", "repair", ("document",))
    mended = tool.run({**call.arguments, "document": READ})
    document = json.loads(mended.artifacts[0].content)
    answer = tool.run({"action": "test", "cases": cases, "document": document})
    assert answer.summary == "All 3 cases are decided as expected."


def test_policies_of_the_call_come_in_the_place_of_those_of_the_file_and_it_is_said() -> None:
    cases = {"document": "ReadOnlyAccess", "cases": [case("writes", "s3:PutObject", "Denied")]}
    assert tool.run({"action": "test", "cases": cases}).facts["failed"] == 0
    answer = tool.run({"action": "test", "cases": cases, "document": "AdministratorAccess"})
    assert answer.facts["failed"] == 1
    said = "the policies of the call for the layer `identity`, in the place of those at the top of the file of cases"
    assert said in answer.facts["understood"]
    guarded = {"scp": [["FullAWSAccess"]], "cases": [case("reads", "s3:GetObject", "Allowed")]}
    answer = tool.run({"action": "test", "cases": guarded, "document": "AdministratorAccess"})
    assert not any("in the place" in words for words in answer.facts["understood"])
    cases["document"] = "policy.json"
    answer = tool.run({"action": "test", "cases": cases, "document": "AdministratorAccess"})
    said = "the `document` of the file of cases, which cannot be read, as replaced by that of the call"
    assert said in answer.facts["understood"]


def test_a_document_that_only_limits_is_said_to_allow_nothing() -> None:
    guardrail = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"},
    }  # fmt: skip
    answer = tool.run(
        {"action": "test", "cases": [case("a", "s3:GetObject", "Allowed")], "document": guardrail}
    )
    assert answer.facts["failed"] == 1
    said = "policies of the layer `scp` alone, which allow nothing by themselves"
    assert said in answer.facts["understood"]
    assert "scp: [[FullAWSAccess, FILE]]" in (answer.findings[0].fix or "")


def test_many_cases_are_decided_and_more_are_refused() -> None:
    cases = [case(f"case {number}", "s3:GetObject", "Allowed") for number in range(10_000)]
    answer = tool.run({"action": "test", "cases": json.dumps(cases), "document": READ})
    assert answer.facts["passed"] == 10_000
    with pytest.raises(InputError, match="there are 10,001 cases"):
        tool.run(
            {"action": "test", "cases": [*cases, case("x", "s3:GetObject", "Allowed")], "document": READ}
        )  # fmt: skip


def test_a_list_of_policies_of_one_principal_is_asked_as_one() -> None:
    write = {**READ, "Statement": {**READ["Statement"], "Action": "s3:PutObject"}}
    cases = [case("both", ["s3:GetObject", "s3:PutObject"], "Allowed")]
    cases[0]["request"]["action"] = ["s3:GetObject", "s3:PutObject"]
    for document in ([READ, write], {"identity": [READ, write]}):
        name = "policies" if isinstance(document, dict) else "document"
        assert tool.run({"action": "test", "cases": cases, name: document}).facts["failed"] == 0


def test_what_fails_is_told_before_what_passes_with_something_open() -> None:
    limited = {**READ, "Statement": [READ["Statement"], {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}  # fmt: skip
    cases = [case("open", "s3:GetObject", "Allowed"), case("wrong", "s3:PutObject", "Allowed")]
    answer = tool.run({"action": "test", "cases": cases, "document": limited})
    codes = [finding.code for finding in answer.findings]
    assert codes == ["POLICY_TEST_FAILED", "POLICY_TEST_LEAVES_OPEN"]
