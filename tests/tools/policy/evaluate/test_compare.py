"""`policy compare`: the relation with a witness, forbidden access, public access, by tool and by command line."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from aws_iam.answer import Answer, to_json
from aws_iam.cli import command_line
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.report.answer_text import markdown
from aws_iam.tools.policy.actions import tool

BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
OLD = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"}
NEW = {"Effect": "Allow", "Action": ["s3:GetObject", "iam:PassRole"], "Resource": "*"}
EVERYONE = {**OLD, "Principal": "*"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def compare(new: Any, **more: Any) -> Answer:
    return tool.run({"action": "compare", "document": new, **more})


def test_a_relation_comes_with_a_request_and_the_statements_behind_it() -> None:
    answer = compare(document(NEW), baseline=document(OLD))
    assert answer.comparison
    assert answer.comparison.relation == "more"
    assert answer.summary == (
        "The document allows more than the baseline: `s3:GetObject` on `arn:aws:s3:::x/x`,"
        " and 1 more."
    )
    assert [row["action"] for row in answer.facts["differences"]] == [
        "s3:GetObject",
        "iam:PassRole",
    ]
    assert {row["granted_by"] for row in answer.facts["differences"]} == {"/Statement/0"}
    assert {row["principal"] for row in answer.facts["differences"]} == {
        "arn:aws:iam::111122223333:role/example"
    }
    assert answer.facts["allowed_beyond_the_baseline"] == "2 kinds of requests"
    assert answer.as_of == catalog().as_of
    assert answer.sources


@pytest.mark.parametrize(
    ("new", "old", "says"),
    [
        (document(OLD), document(NEW), "allows less than the baseline"),
        (document(OLD), document(OLD), "allows exactly what the baseline allows"),
        (
            document(OLD),
            document({**OLD, "Action": "s3:PutObject"}),
            "and no longer allows others",
        ),
        (
            document({**OLD, "Condition": {"StringSounds": {"aws:userid": "x"}}}),
            document(),
            "is unknown: the conditions at /Statement/0 cannot be evaluated",
        ),
    ],
)
def test_the_summary_says_the_relation_and_what_it_means(new: Any, old: Any, says: str) -> None:
    assert says in compare(new, baseline=old).summary


def test_more_differences_than_are_counted_are_not_counted_as_few() -> None:
    named = [f"arn:aws:sqs:us-east-1:111122223333:q{n}" for n in range(40)]
    many = document(
        *(
            {**OLD, "Action": f"sqs:{a}", "Resource": r}
            for a in ("SendMessage", "ReceiveMessage")
            for r in named
        )
    )
    answer = compare(many, baseline=document())
    assert answer.facts["allowed_beyond_the_baseline"] == "25 kinds of requests or more"
    assert "or more more" in answer.summary


def test_forbidden_access_is_a_violation_with_where_and_how() -> None:
    answer = compare(document(OLD, NEW), forbidden={"actions": ["iam:PassRole"]})
    assert answer.comparison
    assert answer.comparison.relation is None
    (found,) = answer.comparison.violations
    assert found["of"] == "forbidden"
    assert found["request"]["action"] == "iam:PassRole"
    assert found["granted_by"] == ["/Statement/1"]
    assert answer.summary.startswith("The document grants forbidden access: `iam:PassRole`")


def test_what_the_document_does_not_grant_is_no_violation() -> None:
    narrow = {"actions": "iam:Pass*", "resources": "arn:aws:iam::*:role/admin"}
    deny = {"Effect": "Deny", "Action": "iam:*", "Resource": "arn:aws:iam::*:role/admin"}
    answer = compare(document(NEW, deny), forbidden=narrow)
    assert answer.comparison
    assert not answer.comparison.violations
    assert answer.summary == "The document grants none of the forbidden access."
    assert compare(document(NEW), forbidden=narrow).comparison.violations  # type: ignore[union-attr]


def test_a_dollar_in_forbidden_access_is_no_variable() -> None:
    wanted = {"actions": ["s3:GetObject"], "resources": [f"{BUCKET}/${{aws:username}}"]}
    answer = compare(document(OLD), forbidden=wanted)
    assert answer.comparison
    assert answer.comparison.violations[0]["request"]["resource"].endswith("/${aws:username}")


@pytest.mark.parametrize(
    ("forbidden", "says", "hint"),
    [
        ({"actions": ["iam:PasRole"]}, "is not a known action", "`iam:PassRole`"),
        ({"actions": ["iam:Pasrol*"]}, "is not a known action", ""),
        ({"actions": []}, "has no `actions`", "wildcards"),
        ({"action": ["iam:PassRole"]}, "has no field `action`", "`actions`"),
        ({"actions": [1]}, "must be a list", ""),
        ({"actions": ["iam:*"], "resources": ["bucket"]}, "is not an ARN", ""),
        ([], "must be an object", ""),
        ("{", "is not JSON", ""),
    ],
)
def test_forbidden_access_that_cannot_be_used_is_refused(
    forbidden: Any, says: str, hint: str
) -> None:
    with pytest.raises(InputError, match=says) as caught:
        compare(document(OLD), forbidden=forbidden)
    assert hint in caught.value.hint


def test_a_policy_that_strangers_may_use_is_public() -> None:
    answer = compare(document(EVERYONE), public=True)
    assert answer.comparison
    found = answer.comparison.violations[0]
    assert found["of"] == "public"
    assert found["request"]["principal"] == "*"
    assert found["granted_by"] == ["/Statement/0"]
    assert answer.summary.startswith("The policy is public: strangers may do `s3:GetObject`")
    assert "without credentials" in answer.summary
    confined = {**EVERYONE, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}}
    assert compare(document(confined), public=True).summary == "The policy is not public."


def test_nobody_without_credentials_or_of_a_service_belongs_to_an_organization() -> None:
    confined = {**EVERYONE, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}}
    answer = compare(document(confined), baseline=document())
    asking = {row["principal"] for row in answer.facts["differences"]}
    assert asking
    assert not {"*", "lambda.amazonaws.com"} & asking
    tagged = {**EVERYONE, "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}}}
    found = compare(document(tagged), public=True)
    assert all(row["principal"] != "*" for row in found.facts["public_requests"])


def test_public_is_asked_of_policies_of_resources() -> None:
    with pytest.raises(InputError, match="has no principals"):
        compare(document(OLD), public=True)


def test_something_to_compare_with_is_needed() -> None:
    with pytest.raises(InputError, match="nothing to compare with") as caught:
        compare(document(OLD))
    assert "`baseline`" in caught.value.hint


def test_the_text_says_what_the_answer_holds() -> None:
    answer = compare(document(NEW), baseline=document(OLD), forbidden={"actions": ["iam:*"]})
    text = markdown(answer)
    assert "Relation: more" in text
    assert "Violations: of forbidden" in text


def test_the_command_of_the_next_step_decides_the_witness(tmp_path: Any, capsys: Any) -> None:
    answer = compare(document(NEW), baseline=document(OLD))
    words = shlex.split(answer.next[0])
    layers = tmp_path / "layers.json"
    layers.write_text(json.dumps({"identity": [document(NEW)]}), encoding="utf-8")
    assert words[-1] == "LAYERS"
    assert command_line.main([*words[1:-1], str(layers), "--json"], {}) == 0
    assert json.loads(capsys.readouterr().out)["decision"]["outcome"] == "Allowed"


def test_the_command_line_compares_files_and_fails_on_violations(
    tmp_path: Any, capsys: Any
) -> None:
    new, old = tmp_path / "new.json", tmp_path / "old.json"
    new.write_text(json.dumps(document(NEW)), encoding="utf-8")
    old.write_text(json.dumps(document(OLD)), encoding="utf-8")
    arguments = ["policy", "compare", "--document", str(new)]
    assert command_line.main([*arguments, "--baseline", str(old), "--json"], {}) == 0
    said = json.loads(capsys.readouterr().out)["comparison"]
    assert said["relation"] == "more"
    assert said["witnesses"][0]["allowed_by"] == "document"
    assert command_line.main([*arguments, "--forbidden", '{"actions":["iam:PassRole"]}'], {}) == 1
    assert "/Statement/0" in capsys.readouterr().out
    old.write_text(json.dumps(document(EVERYONE)), encoding="utf-8")
    assert command_line.main(["policy", "compare", "--document", str(old), "--public"], {}) == 1


def test_a_list_of_documents_is_their_union() -> None:
    answer = compare([document(OLD), document(NEW)], baseline=[document(NEW)])
    assert answer.comparison
    assert answer.comparison.relation == "equal"


def test_the_answer_is_json() -> None:
    answer = compare(document(NEW), baseline=document(OLD), forbidden={"actions": ["iam:*"]})
    assert json.loads(json.dumps(to_json(answer)))["comparison"]["violations"]
