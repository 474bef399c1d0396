"""Documents that are made to take long end with an answer that says what was not looked at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.cli.files import read_policies
from aws_iam.engine.comparison import uncovered_statements
from aws_iam.engine.effective import denied_strangers
from aws_iam.engine.language.document import Statement
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool

if TYPE_CHECKING:
    from pathlib import Path


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: Any, resource: Any = "*", effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource}


def test_documents_that_are_merged_with_themselves_again_and_again(tmp_path: Path) -> None:
    """Forty merges of two copies each are a million million statements."""
    statement = 'statement {\n    actions = ["s3:*"]\n    resources = ["*"]\n  }'
    parts = [f'data "aws_iam_policy_document" "d0" {{\n  {statement}\n}}\n']
    for number in range(1, 41):
        copy = f"data.aws_iam_policy_document.d{number - 1}.json"
        merged = f"source_policy_documents = [{copy}, {copy}]"
        parts.append(f'data "aws_iam_policy_document" "d{number}" {{\n  {merged}\n}}\n')
    parts.append(
        'resource "aws_iam_policy" "p" {\n  policy = data.aws_iam_policy_document.d40.json\n}\n'
        'resource "aws_iam_policy" "q" {\n'
        '  policy = jsonencode({Statement = [{Effect = "Allow", Action = "*", Resource = "*"}]})\n}\n'
    )
    (tmp_path / "main.tf").write_text("".join(parts), encoding="utf-8")
    given = read_policies("document", [str(tmp_path)])
    answer = tool.run({"action": "validate", "document": given}, cli=True)
    assert "places were not judged" in answer.summary


def test_statements_that_repeat_each_other_by_the_hundred() -> None:
    many = policy(*[allow([f"ec2:*{n}*" for n in range(60)]) for _ in range(200)])
    answer = tool.run({"action": "validate", "document": many})
    unknown = [finding for finding in answer.findings if finding.status == "unknown"]
    assert any("not compared" in finding.message for finding in unknown)
    assert "judged only in part: `SHADOWED_ACTION`" in answer.summary


def test_statements_are_not_compared_once_for_each_of_thousands_of_actions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = 0
    equal = Statement.__eq__

    def counting(self: Statement, other: object) -> bool:
        nonlocal compared
        compared += 1
        return equal(self, other)

    monkeypatch.setattr(Statement, "__eq__", counting)
    but = [["iam:*", f"s3:*{n}"] for n in range(20)]
    many = policy(*[{"Effect": "Allow", "NotAction": own, "Resource": "*"} for own in but])
    assert tool.run({"action": "validate", "document": many}).findings
    assert compared < 100_000


def test_a_deny_is_not_asked_for_each_action_on_each_resource(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = 0
    covers = denied_strangers.covers

    def counting(*words: Any, **how: Any) -> bool:
        nonlocal asked
        asked += 1
        return covers(*words, **how)

    monkeypatch.setattr(denied_strangers, "covers", counting)
    actions = [f"s3:Get{n}*" for n in range(60)]
    resources = [f"arn:aws:s3:::amzn-s3-demo-bucket{n}/*" for n in range(60)]
    own = {
        "Principal": "*",
        "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
    }
    parts = (resources[:30], resources[30:])
    denials = [{**allow(actions, part, "Deny"), **own} for part in parts]
    statements = ({**allow(actions, resources), "Principal": "*"}, *denials)
    found = tool.run({"action": "validate", "document": policy(*statements)}).findings
    assert "PUBLIC_ACCESS_ALLOWED" not in {finding.code for finding in found}
    assert asked < 20_000


BASE = policy(allow("s3:Get*", "arn:aws:s3:::b/*"), allow("s3:Put*"), allow("s3:*", effect="Deny"))
PAIRS = [
    (BASE, BASE),
    (policy(allow("s3:GetObject")), policy(allow("s3:Get*"))),
    (policy(allow("s3:Get*")), policy(allow("s3:GetObject"))),
    (policy(allow("s3:*"), allow("s3:Delete*", effect="Deny")), policy(allow("s3:*"))),
    (policy(allow("s3:*")), policy(allow("s3:*"), allow("s3:Delete*", effect="Deny"))),
    (policy(allow("s3:Get*", "arn:aws:s3:::a/*")), policy(allow("s3:Get*", "arn:aws:s3:::b/*"))),
]


@pytest.mark.parametrize(("document", "baseline"), PAIRS)
def test_a_comparison_that_may_not_pair_statements_says_the_same(
    document: dict[str, Any], baseline: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def relation() -> Any:
        asked = {"action": "compare", "document": document, "baseline": baseline}
        compared = tool.run(asked).comparison
        assert compared
        return compared.relation

    usual = relation()
    monkeypatch.setattr(uncovered_statements.Coverage, "_may_compare", lambda *_: False)
    assert relation() == usual


def test_a_deny_under_an_operator_that_aws_does_not_have_is_compared() -> None:
    tags = {"aws:PrincipalTag/team": ["a*", "?"]}

    def side(operator: str) -> dict[str, Any]:
        return policy(
            {**allow("s3:Get*"), "Condition": {"StringLike": tags}},
            {**allow("s3:Get*", effect="Deny"), "Condition": {operator: tags}},
        )

    asked = {
        "action": "compare",
        "document": side("StrirsingLike"),
        "baseline": side("StringLike"),
    }
    for known in (asked, {**asked, "document": asked["baseline"], "baseline": asked["document"]}):
        assert tool.run(known).comparison.relation == "unknown"  # type: ignore[union-attr]


@pytest.mark.parametrize("action", ["validate", "explain"])
def test_a_list_has_so_many_policies(action: str) -> None:
    with pytest.raises(InputError, match="100,000 entries"):
        tool.run({"action": action, "document": json.dumps([[]] * 100_000)})
