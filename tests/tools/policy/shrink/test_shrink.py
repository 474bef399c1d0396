"""`policy shrink`: what becomes shorter, what stays, how it is split, and that all of it is proved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import aws_iam
from aws_iam.engine.reference.managed_policies import managed_policy
from aws_iam.engine.shrink import shrink as shrinking
from aws_iam.errors import InputError
from aws_iam.report.answer_text import plain
from aws_iam.tools.policy.actions import tool
from helpers.folders import TESTS
from helpers.work import calls

if TYPE_CHECKING:
    from aws_iam.answer import Answer
    from aws_iam.engine.language.document import Policy

FOLDER = TESTS / "cases/shrink"
BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"


def _cases(name: str) -> list[Any]:
    return [
        pytest.param(case, id=case["name"])
        for case in json.loads((FOLDER / name).read_text(encoding="utf-8"))
    ]


def shrunk(document: Any, **more: Any) -> Answer:
    return tool.run({"action": "shrink", "document": document, **more})


def documents(answer: Answer) -> list[dict[str, Any]]:
    return [json.loads(artifact.content) for artifact in answer.artifacts]


def _arguments(case: dict[str, Any]) -> dict[str, Any]:
    return {
        name: case[name] for name in ("kind", "resource_type", "limit", "split") if name in case
    }


def _many(value: Any) -> Any:
    """The case with each list that stands for a long one, `["@300 arn:aws:s3:::b"]`, written out."""
    if isinstance(value, dict):
        return {key: _many(entry) for key, entry in value.items()}
    if isinstance(value, list) and value and str(value[0]).startswith("@"):
        return [
            f"{head}/{number:05}" if "arn:" in head or "/" in head else f"{head}{number:05}"
            for count, head in (entry[1:].split() for entry in value)
            for number in range(int(count))
        ]
    return [_many(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", _cases("exact.json"))
def test_what_is_superfluous_goes_and_nothing_else(case: dict[str, Any]) -> None:
    answer = shrunk(case["document"], **_arguments(case))
    assert documents(answer) == case["after"]
    said = plain(answer)
    assert [text for text in case.get("says", ()) if text not in said] == []
    assert case.get("facts", {}).items() <= answer.facts.items()
    again = shrunk(documents(answer)[0], **_arguments(case))
    assert documents(again) == case["after"]
    assert "steps" not in again.facts


@pytest.mark.parametrize("case", _cases("limits.json"))
def test_a_policy_fits_its_limit_in_the_gentlest_way(case: dict[str, Any]) -> None:
    document = _many(case["document"])
    answer = shrunk(document, **_arguments(case))
    found = documents(answer)
    assert found == _many(case.get("after", found))
    assert len(found) == case.get("parts", 1)
    said = plain(answer)
    assert [text for text in case["says"] if text not in said] == []
    assert answer.facts["fits"] is not case.get("fails", False)
    assert bool(answer.findings) is case.get("fails", False)
    assert all(
        row["characters"] <= answer.facts.get("limit", row["characters"])
        for row in answer.facts["after"]
        if answer.facts["fits"]
    )
    baseline = json.loads(document) if isinstance(document, str) else document
    assert aws_iam.compare(found, baseline).relation == "equal"


def test_the_form_without_wildcards_is_one_call_away() -> None:
    answer = shrunk("NetworkAdministrator")
    names = [name for row in answer.facts["wildcards"] for name in row["stands_for"].split(", ")]
    assert len(set(names)) == len(names) > len(answer.facts["wildcards"])
    (call,) = answer.next
    without = tool.run({"document": "NetworkAdministrator", **call.arguments})
    assert [row["characters"] for row in without.facts["after"]] == answer.facts[
        "without_wildcards"
    ]
    before = managed_policy("NetworkAdministrator")
    assert before is not None
    written = json.dumps(documents(without))
    # The patterns that are left stood in the policy before.
    assert "wildcards" not in without.facts
    assert all(
        pattern in before.document for pattern in written.split('"') if pattern.endswith(":*")
    )


@pytest.mark.parametrize("name", ["SecurityAudit", "AmazonS3ReadOnlyAccess"])
def test_validate_offers_it_for_a_policy_that_is_too_long(name: str) -> None:
    # Of AWS's own policies it does not say so, of a copy it does.
    copied = managed_policy(name)
    assert copied is not None
    calls = tool.run({"action": "validate", "document": copied.document}).next
    offered = any(own.arguments["action"] == "shrink" for own in calls)
    assert offered is (name == "SecurityAudit")


@pytest.mark.parametrize(
    ("document", "more", "says"),
    [
        ({"Statement": [{"Effect": "Allow"}]}, {}, "needs either `Action` or `NotAction`"),
        (
            {"Statement": [{"Effect": "Allow", "Action": 5, "Resource": "*"}]},
            {},
            "`/Statement/0/Action` is neither a string nor a list of strings",
        ),
        (
            {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Comment": "x"}]},
            {},
            "has an element `Comment`",
        ),
        (
            {
                "Statement": [
                    {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": []}}
                ]
            },
            {},
            "`/Statement/0/Condition/Bool` is not an object",
        ),
        ("ReadOnlyAccess", {"limit": "-5"}, "`limit` `-5` is no number of characters"),
        ("ReadOnlyAccess", {"limit": "9" * 5_000}, "is no number of characters"),
        (
            {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
            {"kind": "inline policy"},
            "has the limit of whose it is: role 10,240, user 2,048 and group 5,120",
        ),
        (
            [
                {
                    "Version": version,
                    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
                }
                for version in ("2012-10-17", "2008-10-17")
            ],
            {"kind": "identity"},
            "different versions",
        ),
    ],
)
def test_what_cannot_be_shrunk_is_refused_by_name(
    document: Any, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError) as refused:
        shrunk(document, **more)
    assert says in str(refused.value)


def test_a_step_that_no_comparison_proves_is_taken_back_and_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prove = shrinking.are_equal

    def doubting(policies: tuple[Policy, ...], others: tuple[Policy, ...]) -> bool:
        """Nothing that has merged statements counts as proved."""
        few = sum(len(own.statements) for own in policies) < 2
        return not few and prove(policies, others)

    monkeypatch.setattr(shrinking, "are_equal", doubting)
    statements = [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:Get*"], "Resource": f"{BUCKET}/a/*"},
        {"Effect": "Allow", "Action": "s3:Get*", "Resource": f"{BUCKET}/b/*"},
    ]
    answer = shrunk({"Version": "2012-10-17", "Statement": statements})
    (found,) = documents(answer)
    assert found["Statement"] == [{**statements[0], "Action": "s3:Get*"}, statements[1]]
    assert "no comparison proved it: statements that differ in one list" in answer.summary


HOSTILE = {
    "patterns of one beginning": [
        {
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": [f"*{n}*x?y*" for n in range(2_000)],
        }
    ],
    "wildcard actions": [
        {"Effect": "Allow", "Action": [f"s3:*{n}*" for n in range(5_000)], "Resource": "*"}
    ],
    "statements": [
        {
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": [f"{BUCKET}/{n}", f"{BUCKET}/{-n}"],
        }
        for n in range(1_500)
    ],
    "statements that share much": [
        {
            "Effect": "Allow",
            "Action": f"s3:GetObject{n}",
            "Resource": [f"{BUCKET}/{n}", *(f"{BUCKET}/shared/{at}" for at in range(40))],
        }
        for n in range(200)
    ],
    "keys of a condition": [
        {
            "Effect": "Allow",
            "Action": action,
            "Resource": "*",
            "Condition": {"StringEquals": {f"aws:RequestTag/{n}": "x" for n in range(3_000)}},
        }
        for action in ("s3:GetObject", "s3:PutObject")
    ],
    "actions and resources": [
        {
            "Effect": "Allow",
            "Action": [f"s3:GetObject{n}" for n in range(10_000)],
            "Resource": [f"{BUCKET}/{n}" for n in range(10_000)],
        }
    ],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_documents_that_are_made_to_take_long_end(name: str) -> None:
    document = {"Version": "2012-10-17", "Statement": HOSTILE[name]}
    found: list[Answer] = []
    work = calls(lambda: found.append(shrunk(document, kind="identity")))
    assert found[0].facts["equal"]
    assert work < 15_000_000


@pytest.mark.parametrize(
    ("limit", "kind", "most"),
    [
        ("session", "session", 2_048),
        ("SCP", "scp", 10_240),
        ("Service control policy", "scp", 10_240),
    ],
)
def test_the_limit_of_a_kind_may_be_named_by_it(limit: str, kind: str, most: int) -> None:
    answer = tool.run({"action": "shrink", "document": "AmazonS3ReadOnlyAccess", "limit": limit})
    assert (answer.facts["kind"], answer.facts["limit"]) == (kind, most)
