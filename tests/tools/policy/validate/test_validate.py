"""`policy validate` as a library and as an action: findings, places, order, kinds, hostile input."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aws_iam
from aws_iam.answer import Finding, Severity, to_json
from aws_iam.engine.language.document import Kind
from aws_iam.engine.parsing.json_nodes import Node, pointer_token
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.sources.files import File, Files
from aws_iam.errors import InputError
from aws_iam.rules.check import AT_MOST
from aws_iam.rules.policy.run import validate
from aws_iam.tools.policy.actions import tool
from aws_iam.tools.policy.explain.explain import explain_policies
from aws_iam.tools.policy.validate.validate import validate_policies
from helpers.folders import TESTS
from helpers.tables.each import for_each
from helpers.tables.examples import examples
from helpers.work import calls

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = [
    case
    for file in sorted((TESTS / "cases/validate").glob("findings*.json"))
    for case in json.loads(file.read_text(encoding="utf-8"))
]
AWS_CODES = json.loads(
    (TESTS / "cases/validate/aws-issue-codes.json").read_text(encoding="utf-8")
)["codes"]
ALLOW = {
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::amzn-s3-demo-bucket/*",
}
TRUST = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:role/app"},
    "Action": "sts:AssumeRole",
}


def document(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@for_each(CASES, name=lambda case: case["name"])
def test_a_policy_has_exactly_the_expected_findings(case: dict[str, Any]) -> None:
    found = validate(case["document"], case.get("kind"), case.get("resource_type"))
    places = [
        (finding.code, finding.where.pointer if finding.where else None) for finding in found
    ]
    assert sorted(places) == sorted((row["code"], row["pointer"]) for row in case["expect"])
    assert all(
        finding.severity == AWS_CODES.get(finding.code, finding.severity) for finding in found
    )
    for expected in case["expect"]:
        messages = [
            finding.message
            for finding in found
            if (finding.code, finding.where and finding.where.pointer)
            == (expected["code"], expected["pointer"])
        ]
        assert any(expected["says"] in message for message in messages), messages


@pytest.mark.parametrize(
    ("actions", "severity"),
    [
        (["ec2messages:*", "ssmmessages:*"], Severity.WARNING),
        (["ssmmessages:*", "ssm:*"], Severity.SECURITY_WARNING),
    ],
)
def test_all_that_the_agent_of_systems_manager_needs_is_not_grave(
    actions: list[str], severity: Severity
) -> None:
    found = validate(document({"Effect": "Allow", "Action": actions, "Resource": "*"}))
    (wildcard,) = (own for own in found if own.code == "SERVICE_WILDCARD_ALLOWED")
    assert wildcard.severity is severity


def test_the_package_exports_validate() -> None:
    assert aws_iam.validate is validate


def test_text_that_is_no_json_is_a_finding_with_line_and_column() -> None:
    text = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObjectt","Resource":"*",}]}'
    answer = tool.run({"action": "validate", "document": text})
    (finding,) = answer.findings
    assert finding.code == "JSON_SYNTAX_ERROR"
    assert finding.where is not None
    assert (finding.where.line, finding.where.column) == (1, 95)
    assert finding.message == "trailing comma before `}`: remove the comma"
    assert "not JSON" in answer.summary


def test_without_the_comma_the_action_is_found_at_its_place() -> None:
    text = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObjectt","Resource":"*"}]}'
    answer = to_json(tool.run({"action": "validate", "document": text}))
    (finding,) = answer["findings"]
    assert finding["code"] == "INVALID_ACTION"
    assert finding["where"] == {"pointer": "/Statement/0/Action", "line": 1, "column": 65}
    assert "did you mean `s3:GetObject`?" in finding["message"]
    assert answer["counts"] == {"status": {"fail": 1}, "severity": {"ERROR": 1}}
    assert answer["facts"] == {"kind": "identity", "kind_guessed": True}


def test_a_clean_policy_says_as_which_kind_and_by_data_of_which_date() -> None:
    answer = validate_policies(document(TRUST))
    assert answer.findings == ()
    assert answer.as_of is not None
    assert answer.summary == (
        "No problems found in the policy, read as a role trust policy (guessed from its content;"
        f" pass `kind` to change it); service data of {answer.as_of}."
    )
    assert answer.facts == {"kind": "trust", "kind_guessed": True}


def test_a_given_kind_is_said_and_not_guessed() -> None:
    answer = tool.run({"action": "validate", "document": document(ALLOW), "kind": "boundary"})
    assert answer.facts == {"kind": "boundary", "kind_guessed": False}
    assert "read as a permissions boundary;" in answer.summary


def test_a_deny_to_everyone_could_also_be_a_resource_control_policy() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "kms:DisableKey", "Resource": "*"}
    assert validate_policies(document(deny)).facts["could_also_be"] == "rcp"


def test_the_other_kind_is_said_only_where_it_has_other_problems() -> None:
    assert "could_also_be" not in validate_policies(document(ALLOW)).facts
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    assert validate_policies(document(everything)).facts["could_also_be"] == "scp"


def test_a_file_that_is_named_after_an_endpoint_may_be_of_a_resource() -> None:
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    named = File(name="s3-vpce.json", text=json.dumps(document(public)))
    answer = validate_policies(Files(files=(named,), folder="."))
    assert "guessed from the name of its file" in answer.summary
    assert "resource" in str(answer.facts["could_also_be"])


@pytest.mark.parametrize(
    ("file", "by"),
    [
        ("boundary.json", "the name of its file"),
        ("scps/deny.json", "the name of its file"),
        ("policy.json", "its content"),
        # A boundary names no principals, so that the name told nothing.
        ("boundary-of-trust.json", "its content"),
    ],
)
def test_what_told_the_kind_is_said(file: str, by: str) -> None:
    held = TRUST if "trust" in file else ALLOW
    files = Files(files=(File(name=file, text=json.dumps(document(held))),))
    for action in (validate_policies, explain_policies):
        assert f"(guessed from {by}; pass `kind` to change it)" in action(files).summary


def test_the_whole_policy_of_a_key_is_guessed_of_no_part_of_a_document() -> None:
    use = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:Decrypt"}
    text = json.dumps(document({**use, "Resource": "*"}))
    (alone,) = validate_policies(text).findings
    assert (alone.code, alone.confidence) == ("KEY_WITHOUT_ADMINISTRATOR", "low")
    named = File(name="key-policy.json", text=text)
    (certain,) = validate_policies(Files(files=(named,))).findings
    assert (certain.severity, certain.confidence) == ("ERROR", None)
    page = File(name="page.md", text=f"# Keys\n\n```json\n{text}\n```\n")
    assert validate_policies(Files(files=(page,))).findings == ()


def test_the_next_calls_look_the_service_up_and_ask_for_the_other_kind() -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    unknown = {"Effect": "Deny", "Action": "s3:Nope", "Resource": "*"}
    answer = validate_policies(document(everything, unknown))
    assert [(call.arguments, call.same) for call in answer.next] == [
        ({"action": "lookup", "query": "s3"}, ()),
        ({"action": "validate", "kind": "scp"}, ("document",)),
    ]


def test_a_policy_that_grants_what_it_names_is_not_taken_for_a_guardrail() -> None:
    risky = {"Effect": "Allow", "Action": ["iam:CreateAccessKey", "s3:Nope"], "Resource": "*"}
    (call,) = validate_policies(document(risky)).next
    assert call.arguments == {"action": "lookup", "query": "s3"}


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean `trust`"):
        validate(document(TRUST), "turst")


def test_findings_come_worst_first_and_then_in_the_order_of_the_text() -> None:
    statements = [{**ALLOW, "Sid": "", "Action": f"s3:Nope{number}"} for number in range(12)]
    found = validate(document(*statements))
    severities = [list(Severity).index(finding.severity) for finding in found]
    assert severities == sorted(severities)
    errors = [
        finding.where.pointer
        for finding in found
        if finding.where and finding.code == "INVALID_ACTION"
    ]
    assert errors == [f"/Statement/{number}/Action" for number in range(12)]


def test_each_policy_of_a_list_is_judged_by_itself() -> None:
    answer = validate_policies(
        [document(ALLOW), document(TRUST), document({**ALLOW, "Effect": "Alow"}), "{"]
    )
    assert [(finding.resource, finding.code) for finding in answer.findings] == [
        ("/2", "INVALID_EFFECT"),
        ("/3", "JSON_SYNTAX_ERROR"),
    ]
    rows = answer.facts["policies"]
    assert [(row["policy"], row.get("kind")) for row in rows] == [("/2", "identity"), ("/3", None)]
    assert answer.facts["policies_read"] == 4
    assert answer.facts["policies_without_problems"] == 2
    assert "4 policies" in answer.summary


def test_a_long_list_has_a_row_for_each_policy_with_problems() -> None:
    answer = validate_policies([document({**ALLOW, "Effect": "Alow"})] * 23 + [document(ALLOW)])
    assert len(answer.facts["policies"]) == 23
    assert len(answer.findings) == 23
    assert "policies" not in validate_policies([document(ALLOW), document(TRUST)]).facts


def test_the_policy_of_an_answer_is_judged_under_the_artifacts_name() -> None:
    content = json.dumps(document({**TRUST, "Resource": "*"}))
    made = {
        "summary": "x",
        "artifacts": [{"name": "trust.json", "language": "json", "content": content}],
    }
    answer = validate_policies(json.dumps(made), Kind.TRUST)
    (finding,) = answer.findings
    assert (finding.resource, finding.code) == (
        "trust.json",
        "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE",
    )


def test_a_rule_is_cut_after_many_findings_and_the_answer_says_so() -> None:
    actions = [f"s3:Nope{number}" for number in range(AT_MOST + 50)]
    answer = validate_policies(document({**ALLOW, "Action": actions}))
    assert (
        len([finding for finding in answer.findings if finding.code == "INVALID_ACTION"])
        == AT_MOST
    )
    assert answer.facts["cut_at_200"] == "INVALID_ACTION"
    assert answer.summary.startswith(f"At least {AT_MOST} problems")


LONG_LIST = [f"s3:*Version{'*e' * 20}*{number:02}" for number in range(60)]
GAPS = {
    "a list too long to compare": (
        document({**ALLOW, "Action": LONG_LIST}),
        "LIST_TOO_LONG_TO_COMPARE",
    ),
    "too many statements to compare": (
        document(*({**ALLOW, "Resource": f"arn:aws:s3:::b/{n}"} for n in range(301))),
        "TOO_MANY_STATEMENTS_TO_COMPARE",
    ),
    "more findings than are shown": (
        document({**ALLOW, "Action": [f"s3:Nope{number}" for number in range(AT_MOST)]}),
        "INVALID_ACTION",
    ),
    "a value known only at deployment": (
        {
            "Resources": {
                "P": {
                    "Type": "AWS::IAM::ManagedPolicy",
                    "Properties": {
                        "PolicyDocument": document({**ALLOW, "Resource": {"Ref": "Bucket"}})
                    },
                }
            }
        },
        "values are known only at deployment",
    ),
}


@pytest.mark.parametrize("gap", GAPS)
def test_what_was_not_judged_is_a_fact_and_no_all_clear_stands_beside_it(gap: str) -> None:
    policy, why = GAPS[gap]
    answer = validate_policies(policy)
    assert any(row["why"].startswith(why) for row in answer.facts["not_judged"])
    assert "No problems found" not in answer.summary
    assert "judged only in part" in answer.summary or "known only at" in answer.summary


def test_a_policy_that_was_judged_completely_has_no_such_fact() -> None:
    answer = validate_policies(document(ALLOW), "identity")
    assert answer.summary.startswith("No problems found in the policy")
    assert "not_judged" not in answer.facts


def test_hostile_names_are_shown_as_escapes_everywhere() -> None:
    nasty = "s3:\u202eevil\x1b[31m\nnext`tick\u200b"
    body = document({**ALLOW, "Action": nasty, "Condition": {nasty: {nasty: nasty}}, nasty: nasty})
    shown = json.dumps([to_json(finding) for finding in validate(body)], ensure_ascii=False)
    assert not set("\u202e\x1b\u200b") & set(shown)
    assert "\\\\u202e" in shown


def trusted(number: int) -> dict[str, Any]:
    hosts = [f"i{number}.example.com" for number in range(number)]
    federated = [f"arn:aws:iam::111122223333:oidc-provider/{host}" for host in hosts]
    subjects = {f"{host}:sub": "a*" for host in hosts}
    return {**TRUST, "Principal": {"Federated": federated}, "Condition": {"StringLike": subjects}}


@pytest.mark.growth
@pytest.mark.parametrize(
    "statement",
    [
        lambda n: {**ALLOW, "Action": [f"s3:GetObjec{number}" for number in range(n)]},
        lambda n: {**ALLOW, "Action": [f"x{number}:Get" for number in range(n)]},
        lambda n: {**ALLOW, "Resource": ["arn:aws:ec2:*:*:" + "*a" * n]},
        lambda n: {**ALLOW, "Resource": "arn:aws:s3:::x/" + "${" * n},
        lambda n: {
            **ALLOW,
            "Condition": {"StringEquals": {f"s3:prefi{number}": "x" for number in range(n)}},
        },
        lambda n: {
            **TRUST,
            "Principal": {"AWS": "arn:aws:sts::111122223333:assumed-role/" + "/" * n},
        },
        trusted,
    ],
    ids=["actions", "services", "long", "variables", "keys", "principal", "providers"],
)
def test_twice_the_policy_takes_about_twice_the_work(
    statement: Callable[[int], dict[str, Any]],
) -> None:
    few, many = (json.dumps(document(statement(n))) for n in (300, 600))
    validate(few)  # what is read once, of the reference, is read before counting
    assert calls(lambda: validate(many)) <= 2.5 * calls(lambda: validate(few)) + 2_000


@pytest.mark.parametrize(
    "statement",
    [
        {**ALLOW, "Action": ["s3:" + "*a" * 500 + str(number) for number in range(50)]},
        {**ALLOW, "Resource": ["arn:aws:s3:::" + "?*ab*?b" * 8 + str(n) for n in range(100)]},
    ],
    ids=["stars", "intricate"],
)
def test_patterns_made_to_blow_up_are_judged(statement: dict[str, Any]) -> None:
    assert all(finding.where for finding in validate(json.dumps(document(statement)), "identity"))


WORDS = st.sampled_from(
    [
        "Allow", "Deny", "*", "s3:GetObject", "s3:*", "iam:PassRole", "s3:Gte*", "nope:X", "2012-10-17",
        "arn:aws:s3:::b/*", "arn:aws:iam::111122223333:role/x", "arn:aws:s3:us-east-1:1:b", "arn:", "${aws:username}",
        "${", "${a, b}", "AWS", "Service", "lambda.amazonaws.com", "StringLike", "StringEquals", "aws:TagKeys",
        "aws:SourceIp", "10.0.0.0/8", "ForAllValues:StringLike", "Null", "true", "", "a\ud800", "x\u202ey", "~/", "1e9",
    ]
)  # fmt: skip
ELEMENTS = st.sampled_from(
    [
        "Version", "Id", "Statement", "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal",
        "NotPrincipal", "Condition", "artifacts",
    ]
)  # fmt: skip
JUNK = st.recursive(
    WORDS | st.text(max_size=8) | st.none() | st.booleans() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(ELEMENTS | WORDS, inner, max_size=4)
    ),
    max_leaves=12,
)
CONDITIONS = st.dictionaries(
    WORDS, st.dictionaries(WORDS, WORDS | st.lists(WORDS, max_size=3), max_size=3)
)
STATEMENTS = st.fixed_dictionaries(
    {},
    optional={
        "Sid": WORDS | JUNK,
        "Effect": st.sampled_from(["Allow", "Deny", "x"]),
        **{name: WORDS | st.lists(WORDS, max_size=4) | JUNK for name in ("Action", "NotAction")},
        **{
            name: WORDS | st.lists(WORDS, max_size=4) | JUNK
            for name in ("Resource", "NotResource")
        },
        "Principal": st.just("*")
        | st.dictionaries(WORDS, WORDS | st.lists(WORDS, max_size=2))
        | JUNK,
        "Condition": CONDITIONS | JUNK,
    },
)
POLICIES = st.fixed_dictionaries(
    {"Statement": st.lists(STATEMENTS, max_size=3) | STATEMENTS | JUNK},
    optional={"Version": WORDS, "Id": JUNK},
)
KINDS = st.none() | st.sampled_from(Kind)


def resolves(root: Node, pointer: str) -> bool:
    node = root
    for token in pointer.split("/")[1:]:
        children = {pointer_token(member.name.value): member.value for member in node.members}
        children |= {str(number): child for number, child in enumerate(node.items)}
        if token not in children:
            return False
        node = children[token]
    return True


@settings(max_examples=examples(80), deadline=None)
@given(POLICIES, KINDS)
def test_whatever_the_policy_each_finding_stands_at_a_place_in_it(
    body: Any, kind: Kind | None
) -> None:
    root = from_value(body)
    found = validate(body, kind)
    for finding in found:
        assert finding.where is not None
        assert resolves(root, finding.where.pointer), finding
    assert validate(body, kind) == found
    as_text = validate(json.dumps(body), kind)
    assert _said(as_text) == _said(found)


def _said(found: list[Finding]) -> Counter[tuple[str, str]]:
    """Codes and messages, but of sizes: those count the characters of the text as it was given."""
    return Counter(
        (finding.code, finding.message)
        for finding in found
        if not finding.code.startswith(("POLICY_SIZE", "POLICY_NEAR_SIZE", "TOO_LONG"))
    )


@settings(max_examples=examples(60), deadline=None)
@given(JUNK | st.text(), KINDS)
def test_whatever_is_given_is_judged_or_refused(given_: Any, kind: Kind | None) -> None:
    try:
        answer = validate_policies(given_, kind)
    except InputError as refused:
        assert refused.message  # noqa: PT017 - either outcome is right, a third one is not
    else:
        assert answer.summary


@settings(max_examples=examples(30), deadline=None)
@given(st.data())
def test_a_policy_cut_or_garbled_anywhere_is_judged_or_refused(data: st.DataObject) -> None:
    text = json.dumps(document(ALLOW, TRUST), indent=1)
    at = data.draw(st.integers(0, len(text)))
    garbled = (
        text[:at] + data.draw(st.text(max_size=3)) + text[data.draw(st.integers(at, len(text))) :]
    )
    try:
        found = validate(garbled)
    except InputError:
        return
    assert all(finding.where for finding in found)
