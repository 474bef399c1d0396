"""`policy repair`: every request is met or the conflict is true, by edits that replay, and nothing else changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.answer import to_json
from aws_iam.engine.repair.edits import Edit, replayed
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.policies.odd_shapes import ODD_STATEMENT, SHAPES
from helpers.repair import random_documents
from helpers.repair import specifications as made
from helpers.tables.asked_once import asked_once
from helpers.tables.each import for_each
from helpers.tables.examples import examples
from helpers.work import calls

if TYPE_CHECKING:
    from random import Random

    from aws_iam.answer import Answer

CASES = json.loads((TESTS / "cases/repair/cases.json").read_text(encoding="utf-8"))
REFUSED = json.loads((TESTS / "cases/repair/refused.json").read_text(encoding="utf-8"))
KINDS = ("identity", "resource", "trust", "boundary", "session", "scp", "rcp")
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}],
}
RANDOMS = st.randoms(use_true_random=True)


@asked_once
def repair(arguments: dict[str, Any]) -> Answer:
    return tool.run({"action": "repair", **arguments})


def repaired(answer: Answer) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(answer.artifacts[0].content)
    return document


def edits(answer: Answer) -> list[Edit]:
    return [
        Edit(
            pointer=row["pointer"],
            change=row["change"],
            before=row.get("before"),
            after=row.get("after"),
        )
        for row in answer.facts["edits"]
    ]


def at(document: Any, pointer: str) -> Any:
    for token in pointer.strip("/").split("/"):
        document = document[int(token) if isinstance(document, list) else token]
    return document


def arguments_of(case: dict[str, Any]) -> dict[str, Any]:
    return {name: own for name, own in case.items() if name not in {"name", "expect"}}


@for_each(CASES, name=lambda case: case["name"])
def test_a_policy_is_repaired_by_the_smallest_edit(case: dict[str, Any]) -> None:
    facts = to_json(repair(arguments_of(case)).facts)
    expected = dict(case["expect"])
    expected.pop("findings", None)
    found = {name: facts.get(name) for name in expected}
    found["edits"] = [
        {n: own for n, own in row.items() if n != "before"} for row in facts["edits"]
    ]
    if "conflicts" in found:
        found["conflicts"] = [
            {n: own["pointer"] if n in {"allowed", "denied"} else own for n, own in row.items()}
            for row in facts["conflicts"]
        ]
    assert found == expected


@for_each(CASES, name=lambda case: case["name"])
def test_the_file_is_the_document_after_the_edits(case: dict[str, Any]) -> None:
    answer = repair(arguments_of(case))
    if answer.facts["conflicts"]:
        assert answer.artifacts == ()
        assert answer.facts["edits"] == []
        return
    assert replayed(case["document"], edits(answer)) == repaired(answer)
    assert [finding.code for finding in answer.findings] == case["expect"].get("findings", [])


@for_each(CASES, name=lambda case: case["name"])
def test_a_repaired_policy_needs_no_more_repair(case: dict[str, Any]) -> None:
    answer = repair(arguments_of(case))
    if not answer.facts["repaired"]:
        assert not any("evaluate" in str(own.checked_by) for own in answer.artifacts)
        return
    again = repair({**arguments_of(case), "document": repaired(answer)})
    assert again.facts["edits"] == []
    assert repaired(again) == repaired(answer)


@pytest.mark.parametrize("kind", ["scp", "rcp"])
def test_a_guardrail_of_which_nothing_is_left_is_detached(kind: str) -> None:
    everyone = {"Principal": "*"} if kind == "rcp" else {}
    deny = {"Effect": "Deny", **everyone, "Action": "s3:GetObject", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [deny]}
    allow = {"action": "s3:GetObject", "resource": "*"}
    answer = repair({"document": document, "kind": kind, "allow": allow})
    assert answer.facts["repaired"]
    assert [edit.change for edit in edits(answer)] == ["removed"]
    assert (answer.artifacts, answer.findings) == ((), ())
    assert "detach it" in answer.summary


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_what_cannot_be_used_is_refused_with_its_place(case: dict[str, Any]) -> None:
    arguments = {"document": POLICY, **case["arguments"]}
    if arguments.get("allow") == "MANY":
        arguments["allow"] = [{"action": "s3:GetObject", "resource": "*"}] * 501
    with pytest.raises(InputError) as refused:
        repair(arguments)
    assert case["says"] in str(refused.value)


def test_it_is_said_for_whom_a_request_without_a_caller_was_judged() -> None:
    limited = {**POLICY["Statement"][0], "Condition": {"ArnNotLike": {"aws:PrincipalArn": "x"}}}
    asked = {"action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}
    document = {"Version": "2012-10-17", "Statement": [limited]}
    assert (
        "for `arn:aws:iam::111122223333:role/example` only"
        in repair({"document": document, "allow": asked}).summary
    )
    named = {**asked, "principal": made.ROLES[0]}
    assert "role/example" not in repair({"document": document, "allow": named}).summary
    assert "role/example" not in repair({"document": POLICY, "allow": asked}).summary


def test_what_no_role_can_call_is_judged_for_a_user() -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [everything]}
    asked = {"action": "sts:GetFederationToken", "resource": "arn:aws:sts::111122223333:federated-user/bob"}  # fmt: skip
    answer = tool.run({"action": "repair", "document": document, "deny": [asked]})
    assert answer.summary.startswith("1 edit: ")
    again = {"action": "repair", "document": document, "deny": ["sts:GetSessionToken"]}
    assert "needs no permission, and no policy governs it" in tool.run(again).summary


def test_it_is_said_whose_a_resource_was_taken_to_be_where_that_decides() -> None:
    own = {"StringEquals": {"aws:ResourceAccount": "444455556666"}}
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": own}
    document = {"Version": "2012-10-17", "Statement": [allow]}
    said = "A policy looks at `aws:ResourceAccount`: what names no `principal` was judged for"
    asked = {"action": "s3:GetObject", "resource": "arn:aws:s3:::b/k"}
    for request, is_said in (
        (asked, True),
        ({**asked, "resource_account": "444455556666"}, False),
    ):
        answer = tool.run({"action": "repair", "document": document, "allow": [request]})
        assert (said in answer.summary) is is_said


def test_a_policy_that_is_too_long_after_its_repair_is_said_to_be() -> None:
    asked = [{"action": "s3:GetObject", "resource": f"arn:aws:s3:::b/{n:020}"} for n in range(300)]
    assert "too long for AWS" in repair({"document": POLICY, "deny": asked}).summary


def test_of_a_quota_that_aws_raises_is_said_what_to_ask_for() -> None:
    roles = [f"arn:aws:iam::{made.ACCOUNT}:role/application-{own:03}" for own in range(38)]
    statement = {"Effect": "Allow", "Principal": {"AWS": roles}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    asked = [{"action": "sts:AssumeRole", "principal": f"{roles[0]}-{own}"} for own in range(199)]
    few = repair({"document": document, "kind": "trust", "allow": asked[:9]}).summary
    assert "which AWS raises on request to up to 8,192" in few
    many = repair({"document": document, "kind": "trust", "allow": asked}).summary
    assert "too long for AWS" in many


@given(RANDOMS, st.sampled_from(KINDS), st.integers(1, 12))
@settings(max_examples=examples(60), deadline=None)
def test_a_specification_that_can_be_met_is_met(random: Random, kind: str, requests: int) -> None:
    specification = made.specification(random, requests, kind)
    if not specification.allow and not specification.deny:
        return
    answer = repair(specification.arguments())
    assert answer.facts["repaired"], answer.facts
    check(specification, answer, random)


@given(RANDOMS, st.sampled_from(KINDS), st.integers(1, 6))
@settings(max_examples=examples(60), deadline=None)
def test_any_specification_is_met_or_refused_with_a_true_conflict(
    random: Random, kind: str, requests: int
) -> None:
    specification = made.with_patterns(random, requests, kind)
    answer = repair(specification.arguments())
    if answer.facts["repaired"]:
        check(specification, answer, random)
        return
    assert answer.facts["conflicts"], answer.facts
    for row in answer.facts["conflicts"]:
        assert is_true(row, specification), row


@given(RANDOMS, st.sampled_from(KINDS), st.sampled_from(random_documents.SIZES))
@settings(max_examples=examples(25), deadline=None)
def test_the_hardest_policies_are_repaired_with_proof_or_refused_for_a_pattern_of_a_deny(
    random: Random, kind: str, requests: int
) -> None:
    specification = random_documents.specification(random, kind, requests)
    answer = repair(specification.arguments())
    assert "not_judged" not in answer.facts
    if not answer.facts["repaired"]:
        for row in answer.facts["conflicts"]:
            number = int(row["statement"].rpartition("/")[2])
            deny = specification.document["Statement"][number]
            assert deny["Effect"] == "Deny"
            assert "*" in json.dumps(deny["Resource"]) or "?" in json.dumps(deny["Resource"])
        return
    new = repaired(answer)
    for asked, wanted in ((specification.allow, True), (specification.deny, False)):
        for request in asked:
            assert (made.outcome(new, request, kind) == "Allowed") is wanted, request


def check(specification: made.Specification, answer: Answer, random: Random) -> None:
    """The requests are decided as asked, others as before; the edits replay, and a second repair has none."""
    new, kind = repaired(answer), specification.kind
    for requests, wanted in ((specification.allow, True), (specification.deny, False)):
        for request in filter(is_point, requests):
            assert (made.outcome(new, request, kind) == "Allowed") is wanted, request
    asked = [*specification.allow, *specification.deny]
    for _ in range(15):
        other = made.any_request(random, kind)
        if not any(made.may_take(own, other) for own in asked):
            before = made.outcome(specification.document, other, kind)
            after = made.outcome(new, other, kind)
            assert (before == "Allowed") is (after == "Allowed"), other
    document = specification.document
    for edit in edits(answer):
        if edit.change != "added":
            assert at(document, edit.pointer) == edit.before
        document = replayed(document, [edit])
    assert document == new
    sids = [own["Sid"] for own in new["Statement"]]
    assert len(sids) == len(set(sids))
    again = repair({**specification.arguments(), "document": new})
    assert again.facts["repaired"]
    assert again.facts["edits"] == []


def is_point(request: dict[str, Any]) -> bool:
    action, resource = request["action"], request["resource"]
    plain = isinstance(action, str) and isinstance(resource, str)
    return (
        plain and ":" in action and "*" not in action and (resource == "*" or "*" not in resource)
    )


def is_true(row: dict[str, Any], specification: made.Specification) -> bool:
    """Whether a conflict is one: both sides take one request, or a Deny speaks of more than it may leave out."""
    if "statement" in row:
        number = int(row["statement"].rpartition("/")[2])
        deny = specification.document["Statement"][number]
        return deny["Effect"] == "Deny" and "*" in json.dumps(deny["Resource"])
    allowed, denied = row["allowed"], row["denied"]
    if is_point(allowed) and is_point(denied):
        contexts = [made.place(own)["context"] for own in (allowed, denied)]
        callers = {own.get("principal") for own in (allowed, denied)}
        same = allowed["action"].lower() == denied["action"].lower()
        one = len(callers - {None}) < 2 or specification.kind not in {"resource", "trust"}
        return (
            same
            and allowed["resource"] == denied["resource"]
            and contexts[0] == contexts[1]
            and one
        )
    request = row.get("request") or (allowed if is_point(allowed) else denied)
    if specification.kind == "trust":
        # The policy means its own role, whichever is named.
        allowed, denied, request = ({**own, "resource": "*"} for own in (allowed, denied, request))
    return made.may_take(allowed, request) and made.may_take(denied, request)


ODD_REQUEST = st.fixed_dictionaries(
    {"action": st.sampled_from(["s3:GetObject", "s3:Delete*", "read"]) | SHAPES},
    optional={
        "resource": st.sampled_from(["*", "arn:aws:s3:::b/k"]) | SHAPES,
        "principal": st.sampled_from(["*", made.ROLES[0], "s3.amazonaws.com"]) | SHAPES,
        "context": SHAPES,
        "resource_account": SHAPES,
    },
)


@settings(max_examples=examples(80), deadline=None)
@given(
    st.lists(ODD_STATEMENT, max_size=2),
    st.lists(ODD_REQUEST, max_size=2) | SHAPES,
    st.lists(ODD_REQUEST, max_size=2),
    st.sampled_from([*KINDS, None]),
)
def test_any_shape_gives_an_answer_or_an_input_error(
    statements: list[Any], allow: Any, deny: Any, kind: str | None
) -> None:
    document = {"Version": "2012-10-17", "Statement": statements}
    try:
        answer = repair({"document": document, "allow": allow, "deny": deny, "kind": kind})
    except InputError:
        return
    assert answer.summary
    if answer.artifacts:
        assert replayed(document, edits(answer)) == repaired(answer)


@pytest.mark.parametrize(
    ("kind", "asked", "buckets"),
    [("identity", "allow", 245), ("scp", "deny", 240), ("rcp", "deny", 115)],
)
def test_a_policy_that_becomes_too_long_is_passed_on_to_be_shrunk(
    kind: str, asked: str, buckets: int
) -> None:
    principal = {"Principal": "*"} if kind == "rcp" else {}
    resources = [f"arn:aws:s3:::amzn-s3-demo-bucket{own}/*" for own in range(buckets)]
    statement = {"Effect": "Deny", **principal, "Action": "s3:PutObject", "Resource": resources}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    requests = [
        {"action": "s3:GetObject", "resource": f"arn:aws:s3:::other/{own}{'k' * 90}/*"}
        for own in range(9)
    ]
    assert repair({"document": document, "kind": kind, asked: requests[:1]}).next == ()
    answer = repair({"document": document, "kind": kind, asked: requests})
    assert "too long" in answer.summary
    (call,) = answer.next
    assert (call.tool, call.arguments["action"]) == ("policy", "shrink")
    assert call.arguments["document"] == repaired(answer)
    assert tool.run(dict(call.arguments)).artifacts


def denied_buckets(number: int) -> dict[str, Any]:
    """As many Denies, each with a pattern in its way."""
    denies = [
        {"Effect": "Deny", "Action": ["s3:Get*", "s3:Put*"], "Resource": f"arn:aws:s3:::b{own}/*"}
        for own in range(number)
    ]
    return {
        "document": {"Version": "2012-10-17", "Statement": denies},
        "allow": [
            {"action": "s3:Get*", "resource": f"arn:aws:s3:::b{own}/*"} for own in range(number)
        ],
    }


def test_a_pattern_is_searched_among_the_statements_about_it() -> None:
    repair(denied_buckets(2))
    few = calls(lambda: repair(denied_buckets(10)))
    assert calls(lambda: repair(denied_buckets(40))) < 8 * few


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        ("arn:aws:s3:::b/tmp/*", "those that only `s3:Delete*` matched are no longer denied."),
        ("*", None),
    ],
)
def test_what_aws_adds_later_is_said_where_names_replace_the_pattern_of_a_deny(
    resource: str, says: str | None
) -> None:
    names = "s3:Delete*" if says else ["s3:DeleteObject", "s3:DeleteBucket"]
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    deny = {**allow, "Effect": "Deny"}
    tls = {**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    document = {"Version": "2012-10-17", "Statement": [allow, tls, {**deny, "Action": names}]}
    asked = {"action": "s3:DeleteObject", "resource": resource}
    answer = tool.run({"action": "repair", "document": document, "allow": asked})
    assert answer.facts["repaired"]
    assert ("Of the actions that AWS adds later" in answer.summary) is bool(says)
    assert (says or "") in answer.summary


READ = [{"action": "s3:DeleteObject", "resource": "arn:aws:s3:::amzn-s3-demo-bucket/a"}]
WRITTEN_OTHERWISE = [
    "s3:DeleteObject on arn:aws:s3:::amzn-s3-demo-bucket/a",
    ["s3:DeleteObject arn:aws:s3:::amzn-s3-demo-bucket/a"],
    "s3:DeleteObject s3://amzn-s3-demo-bucket/a\n",
    {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": READ[0]["resource"]},
]


@pytest.mark.parametrize("written", WRITTEN_OTHERWISE, ids=str)
def test_requests_in_words_and_as_statements_are_those_of_objects(written: Any) -> None:
    answer = tool.run({"action": "repair", "document": POLICY, "allow": written})
    assert (
        answer.artifacts
        == tool.run({"action": "repair", "document": POLICY, "allow": READ}).artifacts
    )
    assert answer.facts["repaired"]


def test_what_must_not_be_allowed_is_meant_on_every_resource_where_none_is_named() -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": "*",
        },
    }
    answer = tool.run({"action": "repair", "document": document, "deny": "s3:PutObject"})
    assert "`s3:PutObject` in `deny`, without a resource, as on all" in answer.facts["understood"]
    (statement,) = json.loads(answer.artifacts[0].content)["Statement"]
    assert statement["Action"] == ["s3:GetObject"]


def test_a_level_that_must_be_denied_everywhere_is_that_of_the_actions_that_are_allowed() -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": ["sqs:*", "s3:Get*"], "Resource": "*"},
    }
    answer = tool.run(
        {"action": "repair", "document": document, "deny": {"action": "delete", "resource": "*"}}
    )
    assert (
        "`delete` on all as 3 actions of the services that the policy allows anything of"
        in answer.facts["understood"]
    )
    _, deny = json.loads(answer.artifacts[0].content)["Statement"]
    assert deny["Action"] == ["sqs:DeleteMessage", "sqs:DeleteQueue", "sqs:PurgeQueue"]
    answer = tool.run({"action": "repair", "document": POLICY, "deny": {"action": "delete"}})
    assert answer.summary.startswith("Nothing to repair")


def test_what_else_is_denied_with_a_request_stands_beside_that_nothing_else_changes() -> None:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    request = {
        "action": "s3:ListBucket",
        "resource": "arn:aws:s3:::b",
        "context": {"s3:prefix": "b/"},
    }
    document = {"Version": "2012-10-17", "Statement": statement}
    summary = repair({"document": document, "deny": [request]}).summary
    assert "as asked, and so those with another `s3:prefix`; nothing else changes" in summary
