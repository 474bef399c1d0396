"""`policy review`: what a change does to access, and what a reviewer reads of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from aws_iam.answer import Status
from aws_iam.cli.files import read_policies
from aws_iam.engine.sources.files import File, Files
from aws_iam.errors import InputError
from aws_iam.tools.policy.actions import tool
from aws_iam.tools.policy.review.comment import MARK
from helpers.folders import TESTS
from helpers.tables.each import for_each

CASES = [
    case
    for name in (
        "changes",
        "attachments",
        "unknown_accounts",
        "undecided_conditions",
        "principals_together",
        "renamed",
        "value_sets",
        "cluster_access",
        "cluster_objects",
        "serverless_files",
        "boundaries",
        "policies_of_resources",
        "policies_of_targets",
        "values_at_hand",
        "workload_roles",
        "roles_of_workloads",
        "public_access",
    )
    for case in json.loads((TESTS / f"cases/review/{name}.json").read_text(encoding="utf-8"))
]


def folder(files: dict[str, Any], *, chosen: bool = False) -> Files:
    texts = {name: own if isinstance(own, str) else json.dumps(own) for name, own in files.items()}
    return Files(
        files=tuple(File(name=f"tree/{name}", text=text) for name, text in texts.items()),
        folder="tree",
        chosen=chosen,
        read=lambda name: texts.get(name.removeprefix("tree/")),
    )


def review(case: dict[str, Any], **more: Any) -> Any:
    # In a folder that was named there has to be a policy, in a work tree not.
    chosen = case.get("tree", False)
    sides = {
        "document": folder(case["after"], chosen=chosen),
        "baseline": folder(case["before"], chosen=chosen),
    }
    return tool.run({"action": "review", **sides, **more})


@cache
def with_comment(number: int) -> Any:
    """The answer about a case with its comment; two tests look at it."""
    return review(CASES[number], format="markdown")


@for_each(list(enumerate(CASES)), name=lambda row: row[1]["name"])
def test_a_change_is_what_it_does_to_access(row: tuple[int, dict[str, Any]]) -> None:
    number, case = row
    answer = with_comment(number)
    access = [finding for finding in answer.findings if finding.code.startswith("ACCESS_")]
    gained = [f for f in access if f.code == "ACCESS_GAINED" and f.status == "fail"]
    for policy, severity, says in case.get("gains", ()):
        met = [
            f for f in gained if says in f"{f.title} {f.message}" and policy in (f.resource or "")
        ]
        assert met, gained
        assert severity in {"", met[0].severity}
    lost = " ".join(f.message for f in access if f.code == "ACCESS_LOST")
    assert all(says in lost for says in case.get("loses", ()))
    assert {f.code for f in answer.findings if f not in access} == set(case.get("new", ()))
    open_ = " ".join(f"{f.resource} {f.reason}" for f in access if f.status == "unknown")
    assert all(says in open_ for says in case.get("unknown", ()))
    if not any(name in case for name in ("gains", "unknown")):
        assert gained == []
    if case.get("quiet") or case.get("no_change"):
        assert answer.findings == ()
        assert answer.summary.startswith("The change gains and loses no access")
    told = json.dumps([f.message for f in answer.findings])
    assert not any(says in told for says in case.get("silent", ()))
    changes = {row["name"]: row["change"] for row in answer.facts["policies"]}
    assert case.get("changes", {}).items() <= changes.items()
    stopped = {
        row["name"]: row["stopped"]["by"] for row in answer.facts["policies"] if "stopped" in row
    }
    assert all([by] == stopped[name] for name, by in case.get("stopped", {}).items())
    places = {f.where.file: f.where.line for f in gained if f.where and f.where.file}
    for file, line in case.get("at", {}).items():
        assert places[f"tree/{file}"] == line


@for_each(list(enumerate(CASES)), name=lambda row: row[1]["name"])
def test_the_comment_says_it_and_renders_no_markup_of_the_policies(
    row: tuple[int, dict[str, Any]],
) -> None:
    number, case = row
    text = with_comment(number).artifacts[0].content
    assert text.startswith(MARK)
    assert len(text.encode()) < 60_000
    verdict = text.splitlines()[1]
    quiet = case.get("quiet") or case.get("no_change")
    assert verdict.startswith("### IAM: no access is gained or lost") or not quiet
    assert not ("no access" in verdict and ("gains" in case or "unknown" in case))
    assert ("is gained" in verdict and "no access" not in verdict) is ("gains" in case)
    assert ("could not be compared" in verdict) is ("unknown" in case)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    # What a policy says stands in code, in which nothing is a link, a mention or the end of a cell.
    assert not any("](" in re.sub(r"(`+).+?\1", "", line) for line in rows)


def test_a_comment_of_very_many_changes_stays_readable() -> None:
    before = {f"p{n}.json": {"Version": "2012-10-17", "Statement": []} for n in range(300)}
    allow = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
    after = {name: {"Version": "2012-10-17", "Statement": [allow]} for name in before}
    text = review({"before": before, "after": after}, format="markdown").artifacts[0].content
    assert len(text.encode()) < 60_000
    assert "300 high" in text.splitlines()[1]
    assert "… and 275 more, folded below" in text


def test_the_comment_folds_no_grave_change_away_for_milder_ones() -> None:
    kinds = (
        [("mild", "ec2:RunInstances")] * 12
        + [("logs", "logs:*")] * 18
        + [("all", "iam:PassRole")] * 12
    )
    before = {
        f"{name}{n}.json": {"Version": "2012-10-17", "Statement": []}
        for n, (name, _) in enumerate(kinds)
    }
    after = {
        file: {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
        }
        for file, (_, action) in zip(before, kinds, strict=True)
    }
    text = review({"before": before, "after": after}, format="markdown").artifacts[0].content
    first, _, folded = text.partition("<summary>Further access that is gained")
    shown = [
        row
        for row in first.partition("**New problems**")[0].splitlines()
        if row.startswith("| **")
    ]
    assert [row.split("**")[1] for row in shown] == ["high"] * 12 + ["medium"] * 13
    rows = [
        row for row in folded.partition("</details>")[0].splitlines() if row.startswith("| **")
    ]
    assert [row.split("**")[1] for row in rows] == ["medium"] * 5 + ["low"] * 12


def test_what_one_policy_gains_of_one_severity_is_a_row() -> None:
    case = {
        "tree": True,
        "before": {"r.tf": 'resource "aws_iam_role" "r" {\n  name = "r"\n}\n'},
        "after": {
            "r.tf": 'resource "aws_iam_role" "r" {\n  name = "r"\n}\n'
            'resource "aws_iam_role_policy_attachment" "a" {\n  role = aws_iam_role.r.name\n'
            '  policy_arn = "arn:aws:iam::aws:policy/PowerUserAccess"\n}\n'
        },
    }
    answer = review(case, format="markdown")
    text = answer.artifacts[0].content
    rows = [row for row in text.splitlines() if row.startswith("| **")]
    severities = [row.split("**")[1] for row in rows]
    assert severities == ["high", "medium", "low", "info"]
    assert len(answer.findings) > len(rows)
    assert "more gains" in text


def test_a_changed_place_that_is_not_read_is_a_row_of_what_may_be_gained() -> None:
    template = "Transform: AWS::LanguageExtensions\nResources:\n  'Fn::ForEach::T': [Name, !Ref Names, {'P${Name}': {Type: AWS::IAM::ManagedPolicy, Properties: {PolicyDocument: {Statement: [{Effect: Allow, Action: '%s', Resource: '*'}]}}}}]\n"
    case = {
        "before": {"t.yaml": template % "s3:GetObject"},
        "after": {"t.yaml": template % "*"},
        "tree": True,
    }
    answer = review(case, format="markdown")
    table = answer.artifacts[0].content.partition("**May be gained, could not be compared**")[2]
    assert "| **medium** | `Fn::ForEach::T` | not judged: " in table.partition("<details>")[0]
    assert answer.facts["files_read_in_part"] == 1


def test_the_comment_shows_the_dangerous_changes_of_a_pull_request_first() -> None:
    """Twelve changes in Terraform, SAM and an SCP: four of them dangerous."""
    after, before = (
        read_policies("document", [str(TESTS / "cases/review/planted" / side)])
        for side in ("after", "before")
    )
    sides = {"document": after, "baseline": before}
    answer = tool.run({"action": "review", **sides, "format": "markdown"})
    text = answer.artifacts[0].content
    first = [line for line in text.partition("**New problems**")[0].splitlines() if "**" in line]
    dangers = ("AdministratorAccess", "444455556666", "to everyone", "cloudtrail:StopLogging")
    assert len(first) == len(dangers)
    for row, danger in zip(first, dangers, strict=True):
        assert danger in row
    assert "1 critical, 3 high" in text.splitlines()[1]
    folded = text.partition("<details>")[2]
    for mild in ("s3:GetObjectTagging", "dynamodb:BatchWriteItem", "S3ReadPolicy", "sqs:ReceiveMessage", "account:CloseAccount"):  # fmt: skip
        assert mild in folded


@pytest.mark.parametrize("format_", ["sarif", "junit", "json"])
def test_a_file_holds_what_is_new_alone(format_: str) -> None:
    case = next(own for own in CASES if own["name"] == "old debt stays silent")
    content = review(case, format=format_).artifacts[0].content
    assert "sqs:SendMessage" in content
    assert "iam:*" not in content


def test_what_is_muted_stays_in_sight() -> None:
    case = next(own for own in CASES if own["name"] == "a policy is added")
    after = folder(case["after"])
    ignore = '[[ignore]]\ncode = "{}"\nreason = "for the <deployer>"\n'
    texts = "\n".join(map(ignore.format, ("ACCESS_GAINED", "PASS_ROLE_WITH_STAR_IN_RESOURCE")))
    settings = File(name="tree/aws-iam.toml", text=texts)
    sides = {"document": replace(after, settings=settings), "baseline": folder(case["before"])}
    answer = tool.run({"action": "review", **sides, "format": "markdown"})
    assert all(finding.muted for finding in answer.findings)
    assert "2 problems muted" in answer.summary
    text = answer.artifacts[0].content
    assert "what is gained is muted" in text.splitlines()[1]
    assert "for the \\<deployer\\>" in text


def test_without_a_baseline_there_is_nothing_to_review() -> None:
    with pytest.raises(InputError, match="nothing to review against"):
        tool.run({"action": "review", "document": CASES[0]["after"]["a.json"]})


def test_a_policy_that_is_changed_to_an_unknown_value_is_never_called_equal() -> None:
    def template(principal: Any, actions: list[str]) -> str:
        trust = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
        use = {"Effect": "Allow", "Action": actions, "Resource": {"Ref": "Key"}}
        role = {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [
                {"PolicyName": name, "PolicyDocument": {"Version": "2012-10-17", "Statement": [use]}}
                for name in ("a", "b")
            ],
        }  # fmt: skip
        resources = {"App": {"Type": "AWS::IAM::Role", "Properties": role}}
        return json.dumps({"Resources": resources}, indent=1)

    own = "arn:aws:iam::111122223333:root"
    answer = review(
        {
            "before": {"t.json": template(own, ["kms:Decrypt"])},
            "after": {"t.json": template([own, {"Ref": "Deployer"}], ["kms:Decrypt", "kms:*"])},
        }
    )
    # The policies of the role are one, under its name.
    rows = {row["name"].split(" ")[-1]: row["relation"] for row in answer.facts["policies"]}
    assert rows == {"App.AssumeRolePolicyDocument": "unknown", "App": "unknown"}
    unknown = [finding for finding in answer.findings if finding.status is Status.UNKNOWN]
    assert unknown
    assert all(finding.where and finding.where.file == "tree/t.json" for finding in unknown)
    assert answer.summary.count("App.AssumeRolePolicyDocument` is changed") == 1
    assert "without effect" not in answer.summary


@pytest.mark.parametrize("format_", ["sarif", "junit"])
def test_a_report_has_no_lost_access(format_: str) -> None:
    allow = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
    files = [{"a.json": {"Version": "2012-10-17", "Statement": own}} for own in ([], [allow])]
    less = review({"before": files[1], "after": files[0]}, format=format_)
    assert "ACCESS_LOST" in {own.code for own in less.findings}
    assert "ACCESS_LOST" not in less.artifacts[0].content
    more = review({"before": files[0], "after": files[1]}, format=format_)
    assert "ACCESS_GAINED" in more.artifacts[0].content
