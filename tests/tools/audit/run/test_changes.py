"""`--against`: what is new, fixed, open still, and what cannot be told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading.snapshot import account_of
from aws_iam.answer import Finding, Severity, Status
from aws_iam.errors import InputError
from aws_iam.report.answer_text import plain
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.run.changes import JudgedSnapshot, with_changes
from helpers.folders import TESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from aws_iam.answer import Answer

CASES = TESTS / "cases" / "audit"


def finding(text: str) -> Finding:
    """`fail key resource@region words`."""
    status, code, place, *words = text.split(" ", 3)
    resource, _, region = place.partition("@")
    return Finding(
        code=code,
        title="t",
        severity=Severity.HIGH,
        status=Status(status),
        message="".join(words),
        reason="iam:Get: AccessDenied" if status == "unknown" else None,
        resource=None if resource == "-" else resource,
        region=region or None,
        account="111122223333",
    )


def side(texts: Iterable[str], regions: list[str] | None) -> JudgedSnapshot:
    account = account_of(regions=regions or ["eu-west-1", "us-east-1"])
    return JudgedSnapshot(account, tuple(map(finding, texts)))


def written(finding: Finding) -> str:
    place = f"{finding.resource or '-'}{f'@{finding.region}' if finding.region else ''}"
    _, gone, was = finding.message.partition("failed before: ")
    words = was if gone else finding.message
    return " ".join(
        filter(None, (finding.status.value, finding.code, place, words, finding.change))
    )


@pytest.mark.parametrize(
    "case",
    json.loads((CASES / "changes.json").read_text(encoding="utf-8")),
    ids=lambda case: case["name"],
)
def test_each_finding_says_how_it_changed(case: dict[str, Any]) -> None:
    now = side(case["now"], case.get("regions_now"))
    before = side(case["before"], case.get("regions_before"))
    assert [written(finding) for finding in with_changes(now, before)] == case["expect"]


@pytest.fixture
def later(saved: Path, tmp_path: Path) -> Callable[[], Answer]:
    """The demonstration account a while later, held against what it was."""
    data = json.loads(saved.read_text(encoding="utf-8"))
    facts = data["facts"]
    facts["ec2.instances"]["us-east-1"] = [
        instance
        for instance in facts["ec2.instances"]["us-east-1"]
        if instance["http_tokens"] != "optional"
    ]
    facts["ec2.ebs_default"]["us-east-1"]["encrypted"] = False
    facts["rds.instances"]["eu-west-1"] = {
        "missing": {
            "kind": "denied",
            "call": "rds:DescribeDBInstances",
            "code": "AccessDenied",
            "permission": "rds:DescribeDBInstances",
            "message": "",
            "region": "eu-west-1",
        }
    }
    file = tmp_path / "later.json"
    file.write_text(json.dumps(data), encoding="utf-8")
    return lambda: tool.run({"snapshot": str(file), "against": str(saved)}, cli=True)


def changes(answer: Answer, code: str) -> set[tuple[str, str | None]]:
    return {(e.status.value, e.change) for e in answer.findings if e.code == code}


def test_a_run_against_a_snapshot_tells_what_changed(later: Callable[[], Answer]) -> None:
    answer = later()
    assert ("fail", "new") in changes(answer, "ebs_default_encryption")
    assert ("not_applicable", "gone") in changes(answer, "imdsv2")
    assert changes(answer, "rds_encryption") == {("unknown", "unreadable"), ("pass", "same")}
    counted = answer.facts["changes"]
    assert counted["new"] >= 1
    assert counted["gone"] >= 1
    assert counted["unreadable"] >= 1
    assert counted["still_open"] == sum(
        finding.change == "same" and finding.status is Status.FAIL for finding in answer.findings
    )
    said = f"{counted['new']} new, {counted['fixed']} fixed, {counted['gone']} gone with the resource, {counted['still_open']} still open"
    assert said in answer.summary
    assert "no longer readable" in answer.summary


def test_what_changed_stands_in_the_text(later: Callable[[], Answer]) -> None:
    text = plain(later())
    assert "| gone | high | imdsv2 |" in text
    assert "no longer there; failed before:" in text


def test_a_fixed_finding_that_is_gone_does_not_touch_the_score(
    saved: Path, later: Callable[[], Answer]
) -> None:
    answer = later()
    total = sum(
        count
        for row in answer.facts["sections"]
        for name, count in row.items()
        if name in _COUNTED
    )
    first = tool.run({"snapshot": str(saved)}, cli=True)
    assert total == sum(
        count for row in first.facts["sections"] for name, count in row.items() if name in _COUNTED
    )


_COUNTED = {"pass", "fail", "manual", "unknown", "not_applicable", "muted"}


def test_the_same_snapshot_has_no_changes(saved: Path) -> None:
    answer = tool.run({"snapshot": str(saved), "against": str(saved)}, cli=True)
    assert {finding.change for finding in answer.findings} == {"same"}
    assert "what_changed" not in answer.facts


def test_a_fail_that_could_not_be_judged_then_is_counted_and_listed(
    saved: Path, tmp_path: Path
) -> None:
    data = json.loads(saved.read_text(encoding="utf-8"))
    part = tmp_path / "part.json"
    facts = {n: v for n, v in data["facts"].items() if not n.startswith(("ec2.", "s3."))}
    part.write_text(json.dumps(data | {"facts": facts}), encoding="utf-8")
    answer = tool.run({"snapshot": str(saved), "against": str(part)}, cli=True)
    counted = answer.facts["changes"]
    failed = [finding for finding in answer.findings if finding.status is Status.FAIL]
    count = counted["fail_not_judged_then"]
    assert count > 1
    assert counted["new"] + counted["still_open"] + count == len(failed)
    assert f"still open, {count} fail that could not be judged then." in answer.summary
    rows = [row for row in answer.facts["what_changed"] if row["change"] == "changed"]
    assert {(row["control"], row["resource"], row["region"]) for row in rows} == {
        (finding.code, finding.resource, finding.region)
        for finding in failed
        if finding.change == "changed"
    }


def test_another_account_is_refused(saved: Path, tmp_path: Path) -> None:
    data = json.loads(saved.read_text(encoding="utf-8"))
    file = tmp_path / "other.json"
    file.write_text(json.dumps(data | {"account": "444455556666"}), encoding="utf-8")
    with pytest.raises(InputError, match="444455556666"):
        tool.run({"snapshot": str(saved), "against": str(file)}, cli=True)


def test_a_file_that_is_not_there_is_refused_before_the_account_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.json"):
        tool.run({"demo": True, "against": str(tmp_path / "gone.json")}, cli=True)


def test_against_is_no_argument_over_the_protocol() -> None:
    with pytest.raises(InputError, match="against"):
        tool.run({"demo": True, "against": "a.json"}, cli=False)
