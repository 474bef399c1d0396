"""`policy denied` with AWS's record as JSON: every check beside our decision, and the change proved on the captured policies."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.parsers import create_parser
from botocore.validate import validate_parameters
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.answer import to_json
from aws_iam.engine.evaluation.evaluate import evaluate
from aws_iam.errors import InputError
from aws_iam.report.answer_text import markdown
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.tables.asked_once import asked_once
from helpers.tables.each import for_each
from helpers.tables.examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_iam.answer import Answer

CASES = json.loads((TESTS / "cases/denied/records.json").read_text(encoding="utf-8"))
MODEL = botocore.session.Session().get_service_model("iam-toolbox")
DETAILS = MODEL.operation_model("GetRequestAuthorizationDetails").output_shape
POLICY = MODEL.operation_model("GetRequestAuthorizationPolicy").output_shape
# What AWS may add later, and a document that was edited by hand.
BEYOND_THE_MODEL = {"MAYBE", "DATA_PERIMETER"}


@asked_once
def denied(message: Any = None, authorization: Any = None) -> Answer:
    return tool.run({"action": "denied", "message": message, "authorization": authorization})


def _strange_words(value: Any, shape: Any) -> Iterator[str]:
    """The texts that are none of those that the model lists for them."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, inner in value.items():
            if name in shape.members:
                yield from _strange_words(inner, shape.members[name])
    elif shape.type_name == "list":
        for inner in value:
            yield from _strange_words(inner, shape.member)
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield value


@for_each(CASES, name=lambda case: case["name"])
def test_a_record_of_the_cases_is_one_that_aws_can_answer(case: dict[str, Any]) -> None:
    details = case["authorization"]["details"]
    validate_parameters(details, DETAILS)
    assert set(_strange_words(details, DETAILS)) <= BEYOND_THE_MODEL
    wire = {"body": json.dumps(details).encode(), "headers": {}, "status_code": 200}
    parsed = create_parser("rest-json").parse(wire, DETAILS)
    assert {name: parsed[name] for name in details} == details
    for row in case["authorization"]["policies"].values():
        document = row if isinstance(row, dict) and "Statement" in row else {}
        validate_parameters({"policyDocument": document}, POLICY)


@for_each(CASES, name=lambda case: case["name"])
def test_every_check_stands_beside_the_decision_of_the_captured_policies(
    case: dict[str, Any],
) -> None:
    answer = denied(case.get("message"), case["authorization"])
    expected = case["expect"]
    rows = answer.facts["evaluations"]
    assert [row["agrees"] for row in rows] == expected["agrees"]
    assert [row["our_outcome"] for row in rows] == expected["outcomes"]
    for row, places in zip(rows, expected.get("deciding", ()), strict=False):
        if places is not None:
            assert [statement["at"] for statement in row["deciding"]] == places
    if "checks" in expected:
        compared = [
            [[check["our_effect"], check["agrees"]] for check in row.get("checks", ())]
            for row in rows
        ]
        assert compared == expected["checks"]
    disagreeing = [f.code for f in answer.findings if f.code == "AUTHORIZATION_RECORD_DISAGREES"]
    assert disagreeing == expected.get("codes", [])
    if "decision" in expected:
        assert answer.decision is not None
        assert answer.decision.outcome == expected["decision"]
    if "whole" in expected:
        assert answer.facts["record"]["whole"] is expected["whole"]


@for_each(CASES, name=lambda case: case["name"])
def test_the_answer_says_agreement_first_and_what_is_not_settled(case: dict[str, Any]) -> None:
    answer = denied(case.get("message"), case["authorization"])
    expected = case["expect"]
    kind = next(kind for kind in (False, True, None) if kind in expected["agrees"])
    begins = {
        False: "AWS and our decision on the captured policies disagree in",
        True: "AWS's record and our decision on its captured policies agree in",
        None: "The record does not settle",
    }
    assert answer.summary.startswith(begins[kind])
    shown = json.dumps(to_json(answer), ensure_ascii=False)
    for words in expected.get("summary", ()):
        assert words in answer.summary
    for words in expected.get("says", ()):
        assert words in shown
    open_ = json.dumps(answer.facts.get("not_judged", []), ensure_ascii=False)
    for words in expected.get("not_judged", ()):
        assert words in open_
    if None in expected["agrees"]:
        assert answer.facts["not_judged"]
        assert "AUTHORIZATION_RECORD_UNSETTLED" in {finding.code for finding in answer.findings}


@for_each(CASES, name=lambda case: case["name"])
def test_the_change_is_proved_on_the_captured_policies(case: dict[str, Any]) -> None:
    answer = denied(case.get("message"), case["authorization"])
    expected = case["expect"]
    changes = answer.facts.get("changes", [])
    if "changes" in expected:
        rows = [[row["policy"], row["how"], row.get("policy_uri")] for row in changes]
        assert rows == expected["changes"]
    if expected.get("proved"):
        assert answer.facts["proof"]["request_after"] == "Allowed"
        assert answer.facts["proof"]["other_evaluations_changed"] == []
    if "unchanged" in expected:
        assert answer.facts["proof"]["other_evaluations_as_before"] == expected["unchanged"]
    # A captured document may leave statements out, so no file may be put in a policy's place.
    captured = list(case["authorization"]["policies"].values())
    for artifact in answer.artifacts:
        assert artifact.checked_by
        is_proved = "no change is proved" not in answer.summary
        assert artifact.checked_by.endswith("(on the captured policies)") is is_proved
        assert is_proved or artifact.checked_by.startswith("policy validate")
        statements = json.loads(artifact.content)["Statement"]
        kept = [s for d in captured if isinstance(d, dict) for s in d.get("Statement", ())]
        assert not [statement for statement in statements if statement in kept]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_every_form_of_a_record_gives_the_same_answer(case: dict[str, Any]) -> None:
    given = case["authorization"]
    answer = denied(case.get("message"), given)
    listed = [{"policyUri": uri, "policyDocument": row} for uri, row in given["policies"].items()]
    texts = {
        uri: {"policyDocument": row if isinstance(row, str) else json.dumps(row)}
        for uri, row in given["policies"].items()
    }
    if "message" not in case:
        assert denied("", given) == answer
    for form in (
        json.dumps(given),
        {"details": json.dumps(given["details"]), "policies": listed},
        {"details": [given["details"]], "policies": texts},
    ):
        assert denied(case.get("message"), form) == answer


GOOD = CASES[0]


def _changed(path: str, value: Any) -> Any:
    record = deepcopy(GOOD["authorization"])
    here = record
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    for part in parents:
        here = here[part]
    here[last] = value
    return record


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("{", "`authorization` is not valid JSON"),
        ("[]", "must be an object"),
        ({}, "has no `details`"),
        ({"details": []}, "holds no page"),
        ({"details": 7}, "must be an object"),
        (_changed("details/evaluations", []), "holds no evaluation"),
        (_changed("details/evaluations", {}), "`/details/evaluations` must be a list"),
        (
            _changed("details/evaluations/0/action", 3),
            "`/details/evaluations/0/action` must be text",
        ),
        (_changed("details/evaluations/0/checks/0/checkType", None), "checkType` must be text"),
        (_changed("details/evaluations/0/checks/0/matchedPolicies", "x"), "must be a list"),
        (_changed("details/requestContext", ["x"]), "`/details/requestContext` must be an object"),
        (_changed("details/policies", [7]), "`/details/policies/0` must be an object"),
        (_changed("policies", 7), "must be an object of documents by URI"),
        (_changed("policies", [{"policyDocument": {}}]), "does not say of which `uri` it is"),
        (
            _changed(
                "policies", [{"uri": "a", "document": {}}, {"uri": "a", "document": {"x": 1}}]
            ),
            "is a second document of `a`",
        ),
    ],
    ids=lambda value: value[:50] if isinstance(value, str) else "",
)
def test_a_record_of_another_form_is_refused_with_the_place(record: Any, words: str) -> None:
    with pytest.raises(InputError) as refused:
        denied(None, record)
    assert words in str(refused.value)


def test_the_record_s_policies_are_listed_with_their_places_and_what_was_not_captured() -> None:
    full, own = denied(None, GOOD["authorization"]).facts["record"]["policies"]
    assert (full["captured"], full["why"]) == (False, "AWS's own policy, which allows everything")
    assert (own["captured"], own["at"]) == (True, ["/identity/0"])
    (_, own) = denied(None, GOOD["authorization"]["details"]).facts["record"]["policies"]
    assert (own["captured"], "at" in own) == (False, False)
    assert "get-request-authorization-policy" in own["why"]


def test_without_the_record_the_answer_says_how_it_is_read_and_for_how_long_it_is_kept() -> None:
    answer = denied(GOOD["message"])
    facts = answer.facts["authorization"]
    assert (facts["id"], facts["region"]) == ("1a2b3c4d5e6f", "us-east-1")
    assert "24 hours or more" in facts["kept"]
    assert facts["read_with"] == (
        "aws iam-toolbox get-request-authorization-details --authorization-id 1a2b3c4d5e6f --region us-east-1"
    )
    assert "iam:GetRequestAuthorizationPolicy" in facts["needs"]
    (call,) = answer.next
    assert call.arguments == {"action": "denied", "online": True}
    assert call.same == ("message",)
    assert "`online` reads it" in answer.summary
    # The rest is the answer by the message, as without the ID.
    plain = denied(GOOD["message"].partition(" Go to")[0])
    assert "authorization" not in plain.facts
    assert answer.artifacts == plain.artifacts
    assert answer.facts["aws_said"] == plain.facts["aws_said"]


def test_an_id_that_aws_does_not_take_is_shown_and_no_call_is_offered() -> None:
    answer = denied(GOOD["message"].replace("1a2b3c4d5e6f", "EXAMPLE1a2b3c"))
    assert "read_with" not in answer.facts["authorization"]
    assert answer.next == ()
    assert "online" not in answer.summary


@for_each(CASES, name=lambda case: case["name"])
def test_the_text_shows_the_checks_of_the_denial_as_the_structure_does(
    case: dict[str, Any],
) -> None:
    answer = denied(case.get("message"), case["authorization"])
    shown = markdown(answer)
    rows = [row for row in answer.facts["evaluations"] if row["aws_effect"] != "ALLOW"]
    for check in [check for row in rows[:1] for check in row.get("checks", ())]:
        assert check["check"] in shown
        assert check.get("target", "") in shown


def test_the_details_alone_are_a_record_without_documents() -> None:
    answer = denied(GOOD["message"], GOOD["authorization"]["details"])
    assert [row["agrees"] for row in answer.facts["evaluations"]] == [None, None]
    assert "its document is not in the record" in answer.summary


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::data/k",
            "its caller is `arn:aws:sts::111122223333:assumed-role/app/i-1`, the message names",
        ),
        (
            "User: arn:aws:sts::444455556666:assumed-role/app/i-1 is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::data/k",
            "its caller is",
        ),
        (
            "User: anonymous is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::data/k",
            "its caller is",
        ),
        (
            "User: arn:aws:sts::111122223333:assumed-role/app/i-1 is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::data/k",
            "it evaluates `s3:GetObject` and `s3:ListBucket`, the message names `s3:PutObject`",
        ),
    ],
)
def test_the_record_of_another_denial_is_refused(message: str, words: str) -> None:
    with pytest.raises(InputError, match="the record is not of this denial") as refused:
        denied(message, GOOD["authorization"])
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("caller", "shown"),
    [
        ("111122223333", "************"),
        ("assumed-role/app", "assumed-role/<role>"),
        ("arn:aws:sts::111122223333:assumed-role/app/i-1", "my_task-1"),
        ("arn:aws:sts::111122223333:assumed-role/app/i-1", "arn:aws:iam::111122223333:role/app"),
    ],
)
def test_a_caller_that_is_masked_or_told_in_part_is_no_other_caller(
    caller: str, shown: str
) -> None:
    message = GOOD["message"].replace(caller, shown)
    assert message != GOOD["message"]
    answer = denied(message, GOOD["authorization"])
    # The record tells what the message hides.
    assert answer.facts["aws_said"]["principal"] == (
        "arn:aws:sts::111122223333:assumed-role/app/i-1"
    )


def test_a_record_that_only_allows_does_not_explain_a_denial() -> None:
    record = _changed("details/evaluations", GOOD["authorization"]["details"]["evaluations"][1:])
    message = GOOD["message"].replace("s3:GetObject", "s3:ListBucket")
    answer = denied(message, record)
    assert "no denied evaluation, though the message reports a denial" in answer.summary
    assert answer.artifacts == ()


def test_of_several_messages_the_record_s_own_is_explained() -> None:
    other = (
        "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: ec2:RunInstances on"
        " resource: arn:aws:ec2:us-east-1:111122223333:instance/*"
    )
    answer = denied(f"{other}\n{GOOD['message']}", GOOD["authorization"])
    assert answer.facts["aws_said"]["action"] == "s3:GetObject"
    assert [row["action"] for row in answer.facts["other_messages"]] == ["ec2:RunInstances"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "`policy denied` needs `message`"),
        ({"authorization": GOOD["authorization"], "online": True}, "two ways to the same record"),
        (
            {"authorization": GOOD["authorization"], "policies": {"identity": []}},
            "`policies` cannot be given beside AWS's record",
        ),
        ({"message": GOOD["message"], "profile": "p"}, "`profile` needs `online`"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused_in_words(
    arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as refused:
        tool.run({"action": "denied", **arguments}, cli=True)
    assert words in str(refused.value)


def test_only_as_many_evaluations_are_judged_as_is_said() -> None:
    record = deepcopy(GOOD["authorization"])
    record["details"]["evaluations"] *= 300
    answer = denied(None, record)
    assert "100 further evaluations were not judged" in answer.summary
    assert answer.facts["record"]["whole"] is False
    assert "100 further evaluations" in answer.facts["not_judged"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2)
    ),
    max_leaves=4,
)
PLACES = [
    "details/requestContext/aws:PrincipalArn",
    "details/requestContext/aws:userid",
    "details/requestContext/aws:PrincipalType",
    "details/evaluations/0/resource",
    "details/evaluations/0/action",
    "details/evaluations/0/evaluatedEffect",
    "details/evaluations/0/context",
    "details/evaluations/0/checks",
    "details/evaluations/0/checks/0/targetArn",
    "details/evaluations/0/checks/0/matchedPolicies",
    "details/policies/0/attachedTo",
    "details/policies/1/type",
    "details/policies/1/uri",
    "details/policies/1/policySource",
    "policies/inline~1read",
    "details/nextToken",
]


@settings(max_examples=examples(150), deadline=None)
@given(st.sampled_from(PLACES), JSON_VALUES)
def test_a_hostile_record_is_answered_or_refused_and_never_called_settled_by_less(
    path: str, value: Any
) -> None:
    record = deepcopy(GOOD["authorization"])
    here: Any = record
    *parents, last = [
        int(part) if part.isdigit() else part.replace("~1", "/") for part in path.split("/")
    ]
    for part in parents:
        here = here[part]
    here[last] = value
    try:
        answer = denied(None, record)
    except InputError:
        return
    assert answer.summary
    for row in answer.facts["evaluations"]:
        # Whatever is missing, what is called Allowed is so by statements that were captured.
        assert row["our_outcome"] != "Allowed" or row["deciding"]


PROVED = [case for case in CASES if case["expect"].get("proved")]


@pytest.mark.parametrize("case", PROVED, ids=lambda case: case["name"])
def test_with_the_statements_in_place_the_record_s_denial_is_allowed(case: dict[str, Any]) -> None:
    answer = denied(case.get("message"), case["authorization"])
    record = deepcopy(case["authorization"])
    (change,), (file,) = answer.facts["changes"], answer.artifacts
    uri = change.get("policy_uri", "new")
    document = record["policies"].setdefault(uri, {"Version": "2012-10-17", "Statement": []})
    if uri == "new":
        record["details"]["policies"].append({"type": "IDENTITY_BASED_POLICY", "uri": uri})
    if change["how"] == "replace the Deny":
        del document["Statement"][int(change["where"].rpartition("/")[2])]
    document["Statement"] += json.loads(file.content)["Statement"]
    said = answer.facts["aws_said"]
    outcomes = {
        (row["action"], row["resource"]): row["our_outcome"]
        for row in denied(case.get("message"), record).facts["evaluations"]
    }
    assert outcomes[said["action"], said.get("resource", "")] == "Allowed"


@for_each(CASES, name=lambda case: case["name"])
def test_a_document_less_settles_nothing_more(case: dict[str, Any]) -> None:
    """Neither an outcome nor an agreement may come from what is no longer there."""

    def settled(record: Any) -> dict[tuple[str, str], tuple[str, Any]]:
        rows = denied(case.get("message"), record).facts["evaluations"]
        return {
            (row["action"], row["resource"]): (row["our_outcome"], row["agrees"]) for row in rows
        }

    before = settled(case["authorization"])
    for uri in case["authorization"]["policies"]:
        record = deepcopy(case["authorization"])
        del record["policies"][uri]
        for pair, (outcome, agrees) in settled(record).items():
            assert outcome in {before[pair][0], "Unknown"}, uri
            assert agrees in {before[pair][1], None}, uri


def test_a_decision_that_is_settled_is_that_of_evaluate() -> None:
    record = CASES[1]["authorization"]
    row = denied(None, record).facts["evaluations"][0]
    documents = record["policies"]
    full = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    guard = next(document for uri, document in documents.items() if uri.endswith("p-guard123"))
    decision = evaluate(
        {
            "principal": "arn:aws:sts::111122223333:assumed-role/app/i-1",
            "action": row["action"],
            "resource": row["resource"],
        },
        {"scp": [[full], [full, guard]], "identity": [documents["inline/read"]]},
    )
    assert decision.outcome == row["our_outcome"]
    assert [f"{b.policy}{b.pointer}" for b in decision.because] == [
        statement["at"] for statement in row["deciding"]
    ]
