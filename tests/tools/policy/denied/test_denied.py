"""`policy denied`: the layer, what blocks, and changes that are proved to open one request and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aws_iam
from aws_iam.answer import Answer, Severity, to_json
from aws_iam.engine.denied.change import kind_of
from aws_iam.engine.denied.policy_documents import PolicyDocuments
from aws_iam.engine.denied.remedy import remedy
from aws_iam.engine.evaluation.evaluate import evaluate
from aws_iam.engine.evaluation.layers import LAYERS
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool
from aws_iam.tools.policy.denied import proofs
from helpers.folders import TESTS
from helpers.policies.odd_shapes import ODD_STATEMENT
from helpers.tables.asked_once import asked_once
from helpers.tables.each import for_each
from helpers.tables.examples import examples

if TYPE_CHECKING:
    from collections.abc import Mapping

CASES = TESTS / "cases"
REMEDIES = json.loads((CASES / "denied/remedies.json").read_text(encoding="utf-8"))
PASTED = json.loads((CASES / "denied/pasted.json").read_text(encoding="utf-8"))
SCENARIOS = json.loads((CASES / "evaluate/scenarios.json").read_text(encoding="utf-8"))
WORDS = {
    "scp": "service control policy",
    "rcp": "resource control policy",
    "vpc_endpoint": "VPC endpoint policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "resource": "resource-based policy",
    "identity": "identity-based policy",
}


@asked_once
def denied(message: str, policies: Any = None) -> Answer:
    return tool.run({"action": "denied", "message": message, "policies": policies})


def _is_one_of(text: str, wanted: Any, *, part: bool) -> bool:
    """Whether the text is, or contains, one of the wanted ones; breaks of lines inside names do not count."""
    plain = "".join(text.split())
    for name in wanted if isinstance(wanted, list) else [wanted]:
        if name is None and (part or not plain):
            return True
        if name is not None and ("".join(name.split()) in plain if part else name == text):
            return True
    return False


@for_each(PASTED, name=lambda case: case["name"])
def test_a_message_is_read_in_the_shape_in_which_people_paste_it(case: dict[str, Any]) -> None:
    answer = denied(case["message"])
    said = answer.facts["aws_said"]
    assert case["action"] is None or _is_one_of(said.get("action", ""), case["action"], part=False)
    for name in ("resource", "principal"):
        assert _is_one_of(said.get(name, ""), case.get(name), part=True), said
    if "layer" in case:
        assert _is_one_of(said.get("layer", ""), case["layer"], part=False), said
    if "effect" in case:
        assert said["effect"] == case["effect"]
    if case.get("proposal") == "none":
        assert answer.artifacts == ()
    if "mended" in case:
        assert case["mended"] in answer.facts["fix"][0]
        assert case["mended"] in answer.summary


@for_each(REMEDIES, name=lambda case: case["name"])
def test_the_change_for_a_message_is_the_smallest_and_proved(case: dict[str, Any]) -> None:
    answer = denied(case["message"], case.get("policies"))
    expected = case["expect"]
    rows = answer.facts.get("changes", [])
    kept = [
        {name: row[name] for name in ("policy", "how", "where", "opens_besides")} for row in rows
    ]
    assert kept == expected["changes"]
    assert [json.loads(row["was"]) for row in rows if "was" in row] == expected.get("was", [])
    if "proof" in expected:
        assert answer.facts["proof"] == expected["proof"]
    shown = json.dumps(to_json(answer), ensure_ascii=False)
    for words in expected.get("says", ()):
        assert words in shown
    decision = answer.decision.outcome if answer.decision else None
    assert decision == expected.get("decision", decision)
    assert (answer.decision is not None) is ("policies" in case)
    if "blocked_by" in expected:
        assert answer.decision
        assert list(answer.decision.blocked_by) == expected["blocked_by"]


@for_each(
    [
        remedy
        for remedy in REMEDIES
        if {"statement", "first_statement", "document_length"} & set(remedy["expect"])
    ],
    name=lambda case: case["name"],
)
def test_the_changed_policy_holds_the_statement_and_all_that_it_held(case: dict[str, Any]) -> None:
    answer = denied(case["message"], case.get("policies"))
    statements = json.loads(answer.artifacts[0].content)["Statement"]
    expected = case["expect"]
    assert statements[-1] == expected.get("statement", statements[-1])
    assert statements[0] == expected.get("first_statement", statements[0])
    assert len(statements) == expected.get("document_length", len(statements))


@for_each(REMEDIES, name=lambda case: case["name"])
def test_every_file_that_is_given_out_names_what_checked_it(case: dict[str, Any]) -> None:
    answer = denied(case["message"], case.get("policies"))
    assert answer.findings == ()
    for artifact in answer.artifacts:
        assert artifact.checked_by
        assert "policy evaluate: Allowed" in artifact.checked_by
        assert "policy validate: no error" in artifact.checked_by


@for_each([case for case in REMEDIES if case.get("policies")], name=lambda case: case["name"])
def test_policies_as_text_give_the_same_answer(case: dict[str, Any]) -> None:
    policies = case["policies"]
    assert denied(case["message"], json.dumps(policies)) == denied(case["message"], policies)


REFUSED = [
    pytest.param(scenario, id=scenario["name"])
    for scenario in SCENARIOS
    if evaluate(scenario["request"], scenario["policies"]).outcome.endswith("Denied")
]


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_scenario_passes_after_its_changes_and_each_opens_what_it_says(
    case: dict[str, Any],
) -> None:
    decision = evaluate(case["request"], case["policies"])
    way = remedy(
        case["request"],
        PolicyDocuments.of(case["policies"]),
        named="".join(decision.decided_by[:1]),
        explicit=decision.outcome == "ExplicitlyDenied",
    )
    assert way.is_proved or way.stuck
    proof = proofs.proof_of(way)
    assert proof.findings == ()
    for row in proof.facts.get("changes", ()):
        # The comparison claims nothing of `${…}` in policies of the old version, where it is plain text.
        unsettled = "2008-10-17" in json.dumps(case["policies"])
        unsaid = unsettled and row["opens_besides"].startswith("unknown")
        # A condition on the request no longer limits it.
        freed = row["opens_besides"].startswith("the same request whatever the values of")
        by_service = row["opens_besides"].endswith(" for any other of its resources")
        narrow = row["opens_besides"] == "nothing" or freed or unsaid or by_service
        assert narrow or row["how"] == "replace the Deny"
        assert not freed or "Condition" in json.dumps(case["policies"])


@pytest.mark.parametrize("case", REFUSED)
def test_a_change_is_the_edit_of_policy_repair(case: dict[str, Any]) -> None:
    decision = evaluate(case["request"], case["policies"])
    named = "".join(decision.decided_by[:1])
    way = remedy(case["request"], PolicyDocuments.of(case["policies"]), named=named)
    for change in way.changes:
        # Everyone is the principal of an endpoint, under a condition on the caller; and where AWS says that no SCP allows the
        # request, SCPs that only deny do not stand beside FullAWSAccess.
        alone = change.layer == "scp" and '"Allow"' not in json.dumps(dict(change.before))
        if change.how != "except" and (change.layer == "vpc_endpoint" or alone):
            continue
        asked = dict(case["request"])
        if change.layer == "scp" and change.how != "except":
            # The statement is for everyone in the account.
            del asked["principal"]
        kind = kind_of(way.request, change.layer).value
        answer = tool.run(
            {"action": "repair", "document": change.before, "allow": [asked], "kind": kind}
        )
        if change.wider:
            (conflict,) = answer.facts["conflicts"]
            assert change.why_wider in conflict["why"]
            continue
        repaired = json.loads(answer.artifacts[0].content)
        if change.how == "except":
            # The Allow that the document may lack as well is a change of its own.
            assert _denies(repaired) == _denies(change.after)
        else:
            assert repaired == change.after


DENIES = st.builds(
    lambda actions, resources: {"Effect": "Deny", "Action": actions, "Resource": resources},
    st.lists(
        st.sampled_from(["*", "s3:*", "s3:Get*", "s3:GetObject", "s3:DeleteObject", "ec2:*"]),
        min_size=1,
        max_size=2,
    ),
    st.lists(
        st.sampled_from(["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::c/*"]),
        min_size=1,
        max_size=2,
        unique=True,
    ),
)


@settings(max_examples=examples(15), deadline=None)
@given(st.lists(DENIES, min_size=1, max_size=2), st.sampled_from(["identity", "boundary", "scp"]))
def test_an_exception_is_the_one_of_policy_repair_or_says_what_it_opens_besides(
    denies: list[dict[str, Any]], layer: str
) -> None:
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [allow, *denies]}
    request = {
        "principal": "arn:aws:iam::111122223333:user/dev",
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::b/k",
    }
    given_ = {"identity": {"Version": "2012-10-17", "Statement": allow}, layer: document}
    way = remedy(request, PolicyDocuments.of(given_), named=layer, explicit=True)
    arguments = {"action": "repair", "document": document, "allow": [request], "kind": layer}
    answer = tool.run(arguments)
    assert way.is_proved
    assert answer.facts["repaired"] is not any(change.wider for change in way.changes)
    if way.changes and answer.facts["repaired"]:
        assert json.loads(answer.artifacts[0].content) == way.changes[-1].after
    for row in proofs.proof_of(way).facts.get("changes", ()):
        opens = row["opens_besides"]
        assert opens == "nothing" or opens.startswith(
            "`s3:GetObject` on all of `arn:aws:s3:::b/*`"
        )


def _denies(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [own for own in document["Statement"] if own["Effect"] == "Deny"]


def _bare(request: dict[str, Any]) -> dict[str, Any]:
    return {name: request[name] for name in ("principal", "action", "resource")}


@pytest.mark.parametrize(
    "case",
    [
        message
        for message in REFUSED
        if evaluate(_bare(message.values[0]["request"]), message.values[0]["policies"])
        == evaluate(message.values[0]["request"], message.values[0]["policies"])
    ],
)
def test_a_message_made_of_a_scenario_is_decided_as_the_scenario(case: dict[str, Any]) -> None:
    request = case["request"]
    decision = evaluate(request, case["policies"])
    layer = WORDS[decision.decided_by[0]]
    why = f"because no {layer} allows the {request['action']} action"
    if decision.outcome == "ExplicitlyDenied":
        why = f"with an explicit deny in a {layer}"
    who = "anonymous" if request["principal"] == "*" else request["principal"]
    message = f"User: {who} is not authorized to perform: {request['action']} on resource: {request['resource']} {why}"
    answer = denied(message, case["policies"])
    assert answer.decision == decision
    assert answer.facts["aws_said"]["layer"] == decision.decided_by[0]
    assert "aws_and_these_policies_differ" not in answer.facts


ACTIONS = {
    "s3:GetObject": "arn:aws:s3:::b/k",
    "s3:ListBucket": "arn:aws:s3:::b",
    "ec2:DescribeInstances": "*",
    "kms:Decrypt": "arn:aws:kms:eu-west-1:111122223333:key/k",
    "sqs:SendMessage": "arn:aws:sqs:eu-west-1:444455556666:q",
    "sts:AssumeRole": "arn:aws:iam::444455556666:role/reader",
    "dynamodb:GetItem": "arn:aws:dynamodb:eu-west-1:111122223333:table/t",
}
CALLERS = (
    "arn:aws:iam::111122223333:user/dev",
    "arn:aws:iam::111122223333:role/team/app",
    "arn:aws:sts::111122223333:assumed-role/app/i-1",
    "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/jane",
    "arn:aws:sts::111122223333:federated-user/jane",
)
MESSAGES = st.builds(
    lambda who, what, layer: (
        f"User: {who} is not authorized to perform: {what[0]} on resource: {what[1]}"
        f" because no {WORDS[layer]} allows the {what[0]} action"
    ),
    st.sampled_from(CALLERS),
    st.sampled_from(sorted(ACTIONS.items())),
    st.sampled_from([layer for layer in LAYERS if layer != "rcp"]),
)
ENTRIES = st.sampled_from(
    ["*", "s3:*", "s3:Get*", "s3:GetObject", "kms:Decrypt", "sqs:*", "ec2:*"]
)
STATEMENTS = st.builds(
    lambda effect, actions: {"Effect": effect, "Action": actions, "Resource": "*"},
    st.sampled_from(["Allow", "Deny"]),
    st.lists(ENTRIES, min_size=1, max_size=3, unique=True),
)
IDENTITIES = st.lists(STATEMENTS, max_size=4).map(
    lambda rows: {"Version": "2012-10-17", "Statement": rows}
)


@settings(max_examples=examples(60), deadline=None)
@given(MESSAGES, st.none() | IDENTITIES)
def test_every_change_leads_to_allowed_and_has_no_error_of_its_kind(
    message: str, identity: Any
) -> None:
    answer = denied(message, {"identity": identity} if identity else None)
    if "proof" in answer.facts and answer.facts.get("changes"):
        assert answer.facts["proof"]["request_after"] == "Allowed"
    for row in answer.facts.get("changes", ()):
        assert row["opens_besides"] == "nothing"
    for artifact in answer.artifacts:
        found = aws_iam.validate(artifact.content)
        assert [f.message for f in found if f.severity is Severity.ERROR] == []


@settings(max_examples=examples(40), deadline=None)
@given(MESSAGES, st.sampled_from(LAYERS), st.lists(ODD_STATEMENT, min_size=1, max_size=2))
def test_policies_of_any_shape_give_an_answer_or_an_input_error(
    message: str, layer: str, statements: list[dict[str, Any]]
) -> None:
    if any(statement["Effect"] == "Deny" for statement in statements):
        message = message.partition(" because ")[0] + f" with an explicit deny in a {WORDS[layer]}"
    try:
        answer = denied(message, {layer: {"Version": "2012-10-17", "Statement": statements}})
    except InputError:
        return
    assert answer.decision


@pytest.mark.parametrize(
    "wider",
    [
        {"Action": "s3:*"},
        {"Resource": "arn:aws:s3:::b/*"},
        {"Action": ["s3:GetObject", "s3:GetObjectAcl"]},
        {"Resource": ["arn:aws:s3:::b/k", "arn:aws:s3:::b/l"]},
    ],
)
def test_a_change_that_opened_more_would_be_shown_to(wider: dict[str, Any]) -> None:
    request = {"principal": CALLERS[0], "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}
    (change,) = remedy(request, PolicyDocuments(), named="identity").changes
    statement = {**change.statements[0], **wider}
    assert change.beyond().relation == "equal"
    opened = replace(change, after={**change.after, "Statement": [statement]}).beyond()
    assert opened.relation == "more"
    assert opened.witnesses


def test_messages_besides_the_first_are_listed() -> None:
    one = "User: arn:aws:iam::111122223333:user/dev is not authorized to perform: s3:ListBucket on resource: arn:aws:s3:::b"
    answer = denied(f"{one}\n{one.replace('s3:ListBucket', 's3:GetBucketPolicy')}")
    assert [row["action"] for row in answer.facts["other_messages"]] == ["s3:GetBucketPolicy"]


def test_the_path_of_a_role_is_taken_from_an_event() -> None:
    messages = json.loads((CASES / "denied/messages.json").read_text(encoding="utf-8"))
    (event,) = (
        message for message in messages if message["name"] == "records, one of which succeeded"
    )
    answer = denied(event["message"], {"resource": {"Version": "2012-10-17", "Statement": []}})
    row = next(row for row in answer.facts["changes"] if row["policy"] == "key policy")
    assert "arn:aws:iam::111122223333:role/team/app" in row["statement"]


@pytest.mark.parametrize("policies", ["{", [], {"spc": []}, {"identity": {"Statement": [{}]}}])
def test_policies_that_cannot_be_used_are_refused(policies: Any) -> None:
    with pytest.raises(InputError):
        denied(
            "User: arn:aws:iam::111122223333:user/dev is not authorized to perform: s3:ListAllMyBuckets",
            policies,
        )


def test_what_a_message_holds_cannot_steer_the_reader() -> None:
    answer = denied(
        "User: arn:aws:iam::111122223333:user/dev is not authorized to perform: s3:GetObject on resource:"
        ' "arn:aws:s3:::b/`\u202e<b>**k**" because no identity-based policy allows the s3:GetObject action'
    )
    assert "\u202e" not in answer.summary
    assert "`arn:aws:s3:::b/'" in answer.summary


def test_a_bare_status_is_known_by_its_operation() -> None:
    text = "fatal error: An error occurred (403) when calling the HeadObject operation: Forbidden"
    answer = tool.run({"action": "denied", "message": text})
    assert answer.facts["likely_actions"] == ["s3:GetObject"]
    assert any("without s3:ListBucket" in note for note in answer.facts["notes"])


def test_reading_is_no_step_of_an_escalation_and_passing_a_role_is() -> None:
    text = (
        "User: arn:aws:iam::111122223333:user/dev is not authorized to perform: {} on resource: {}"
    )
    because = " because no identity-based policy allows the {} action"

    def notes(action: str, resource: str) -> str:
        message = (text + because).format(action, resource, action)
        return " ".join(tool.run({"action": "denied", "message": message}).facts.get("notes", []))

    assert "escalation" not in notes("s3:GetObject", "arn:aws:s3:::b/k")
    assert "escalation" in notes("iam:PassRole", "arn:aws:iam::111122223333:role/app")


_REFUSED = (
    "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: s3:GetObject on resource:"
    " arn:aws:s3:::b/k "
)
_DENYING = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"},
    ],
}


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        (
            "because no identity-based policy allows the s3:GetObject action",
            "But in the given policies, the Deny at /identity/Statement/1 matches this request.",
        ),
        ("", "In the given policies, the Deny at /identity/Statement/1 matches this request."),
        (
            "with an explicit deny in a service control policy",
            "They do not contain the Deny that AWS reports, and an Allow cannot override a Deny",
        ),
    ],
    ids=["no allow", "no layer", "another layer"],
)
def test_a_matching_deny_of_which_aws_does_not_speak_is_in_the_summary(
    reason: str, says: str
) -> None:
    assert says in denied(_REFUSED + reason, {"identity": _DENYING}).summary


def test_a_deny_that_aws_reports_is_not_said_twice() -> None:
    reason = "with an explicit deny in an identity-based policy"
    assert "In the given policies" not in denied(_REFUSED + reason, {"identity": _DENYING}).summary


def test_a_deny_without_a_condition_has_none_to_avoid() -> None:
    deny = {"Version": "2012-10-17", "Statement": _DENYING["Statement"][1:]}
    deny["Statement"] = [{**deny["Statement"][0], "Resource": "arn:aws:s3:::b/k"}]
    summary = denied(
        _REFUSED + "with an explicit deny in an identity-based policy", {"identity": deny}
    ).summary
    assert "condition" not in summary
