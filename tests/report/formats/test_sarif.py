"""SARIF: valid by its schema, within GitHub's limits, whatever the text."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.answer import Finding, Severity, Status, Where
from aws_iam.report.formats.sarif import MOST_NOTES, MOST_RESULTS, SarifRun, sarif
from helpers.folders import TESTS

SCHEMAS = TESTS / "schemas"
RUN = SarifRun(
    version="1.2.3", category="test", root="/repo", whys={"INVALID_ACTION": "It is a typo."}
)
FINDING = Finding(
    code="INVALID_ACTION",
    title="No such action",
    severity=Severity.ERROR,
    status=Status.FAIL,
    message="`s3:GetObjectt` does not exist",
    where=Where(pointer="/Statement/3/Action/1", line=7, column=5, file="policies/a b.json"),
    fix="Correct the name.",
    source="https://docs.aws.amazon.com/page.html#code",
)


@cache
def schema() -> Any:
    loaded = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    return jsonschema.Draft4Validator(loaded, format_checker=jsonschema.FormatChecker())


def run_of(*findings: Finding, files: tuple[str, ...] = (), run: SarifRun = RUN) -> Any:
    log = json.loads("".join(sarif(findings, run, files)))
    schema().validate(log)
    (only,) = log["runs"]
    return only


def result_of(finding: Finding) -> Any:
    (only,) = run_of(finding)["results"]
    return only


def test_a_rule_has_one_title_whatever_those_of_its_findings() -> None:
    others = [replace(FINDING, title=title) for title in ("No such service", "No such action")]
    for findings in (others, others[::-1]):
        (rule,) = run_of(*findings)["tool"]["driver"]["rules"]
        assert rule["shortDescription"]["text"] == "Invalid action"
        titled = replace(RUN, titles={FINDING.code: "A name is wrong"})
        (rule,) = run_of(*findings, run=titled)["tool"]["driver"]["rules"]
        assert rule["shortDescription"]["text"] == "A name is wrong"
        assert "No such" not in rule["help"]["text"] + rule["help"]["markdown"]


def test_the_help_of_a_rule_is_its_own_and_a_finding_says_how_it_differs() -> None:
    first, second = (replace(FINDING, fix=fix) for fix in ("Write `s3:GetObject`.", "Drop it."))
    declared = replace(RUN, fixes={FINDING.code: "Correct the name."})
    run = run_of(first, second, FINDING, run=declared)
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["help"]["text"] == "It is a typo.\n\nCorrect the name."
    said = [result["message"]["text"].partition("; fix: ")[2] for result in run["results"]]
    assert said == ["Write `s3:GetObject`.", "Drop it.", ""]
    (rule,) = run_of(first, second)["tool"]["driver"]["rules"]
    assert rule["help"]["text"] == "It is a typo."


def test_a_finding_is_a_result_that_points_at_its_place() -> None:
    result = result_of(FINDING)
    assert (result["ruleId"], result["level"], result["kind"]) == (
        "INVALID_ACTION",
        "error",
        "fail",
    )
    assert result["message"]["text"] == "No such action: `s3:GetObjectt` does not exist"
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {
            "uri": "policies/a%20b.json",
            "uriBaseId": "%SRCROOT%",
            "index": 0,
        },
        "region": {"startLine": 7, "startColumn": 5},
    }
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "/Statement/3/Action/1"


def test_a_rule_says_what_it_is_why_it_matters_and_how_to_mend_it() -> None:
    run = run_of(FINDING)
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["id"] == "INVALID_ACTION"
    assert rule["name"] == "InvalidAction"
    assert rule["shortDescription"]["text"] == "No such action"
    assert rule["fullDescription"]["text"] == "It is a typo."
    assert rule["help"]["text"] == "It is a typo.\n\nCorrect the name."
    assert "**Fix:** Correct the name." in rule["help"]["markdown"]
    assert rule["helpUri"] == FINDING.source
    assert rule["properties"]["security-severity"] == "8.0"
    assert run["tool"]["driver"]["version"] == "1.2.3"


LEVELS = [
    (Severity.CRITICAL, "error", "9.5"),
    (Severity.ERROR, "error", "8.0"),
    (Severity.SECURITY_WARNING, "error", "8.0"),
    (Severity.HIGH, "error", "8.0"),
    (Severity.WARNING, "warning", "5.5"),
    (Severity.MEDIUM, "warning", "5.5"),
    (Severity.SUGGESTION, "note", "3.0"),
    (Severity.LOW, "note", "3.0"),
    (Severity.INFO, "note", "0.0"),
]


@pytest.mark.parametrize(("severity", "level", "score"), LEVELS)
def test_both_scales_of_severity_become_levels(severity: Severity, level: str, score: str) -> None:
    run = run_of(replace(FINDING, severity=severity))
    assert run["results"][0]["level"] == level
    assert run["tool"]["driver"]["rules"][0]["properties"]["security-severity"] == score
    assert {level_of for level_of, _, _ in LEVELS} == set(Severity)


FAILS = replace(RUN, alerts=frozenset({Status.FAIL}))


def notices(*findings: Finding) -> list[tuple[str, str]]:
    told = run_of(*findings, run=FAILS)["invocations"][0].get("toolExecutionNotifications", ())
    return [(notice["level"], notice["message"]["text"]) for notice in told]


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.FAIL}))
def test_what_did_not_fail_is_no_result_but_counted(status: Status) -> None:
    other = replace(FINDING, code="OTHER", status=status)
    run = run_of(FINDING, other, other, run=FAILS)
    assert [result["ruleId"] for result in run["results"]] == ["INVALID_ACTION"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["INVALID_ACTION"]
    words = status.value.replace("_", " ")
    assert ("note", f"findings without a result in this run: 2 {words}") in notices(
        FINDING, other, other
    )


def test_what_is_unknown_is_an_open_result_where_the_run_wants_it() -> None:
    unknown = replace(FINDING, status=Status.UNKNOWN, reason="iam:GetUser is not allowed")
    result = result_of(unknown)
    assert (result["kind"], result["level"]) == ("open", "none")
    assert "iam:GetUser is not allowed" in result["message"]["text"]


def test_what_is_unknown_is_notified_one_by_one_with_its_reason() -> None:
    unknown = replace(FINDING, status=Status.UNKNOWN, reason="iam:GetUser is not allowed")
    assert notices(unknown)[0] == (
        "warning",
        "INVALID_ACTION could not be judged: iam:GetUser is not allowed",
    )


def test_a_run_in_which_everything_fails_has_no_notice() -> None:
    assert notices(FINDING) == []


def test_a_rule_has_the_level_of_its_worst_finding() -> None:
    mild = replace(FINDING, severity=Severity.SUGGESTION)
    run = run_of(mild, FINDING)
    assert run["tool"]["driver"]["rules"][0]["defaultConfiguration"]["level"] == "error"
    assert [result["level"] for result in run["results"]] == ["error", "note"]


def test_results_name_their_rule_by_its_number() -> None:
    run = run_of(FINDING, replace(FINDING, code="EMPTY_SID_VALUE"), replace(FINDING, code="B"))
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == sorted(rules)
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])


def test_the_paragraphs_of_a_rule_are_paragraphs() -> None:
    # As the docstring of a rule has them.
    whys = {FINDING.code: "It is a typo.\n\n    False alarm when the action\n    is new."}
    (rule,) = run_of(FINDING, run=replace(RUN, whys=whys))["tool"]["driver"]["rules"]
    assert (
        rule["fullDescription"]["text"] == "It is a typo.\n\nFalse alarm when the action is new."
    )
    assert "\n\nFalse alarm when the action is new.\n\n" in rule["help"]["markdown"]


def test_a_muted_finding_is_no_result_but_counted() -> None:
    muted = replace(FINDING, muted="accepted until May")
    assert run_of(muted)["results"] == []
    assert notices(muted) == [("note", "findings without a result in this run: 1 muted")]


def test_a_long_fix_is_whole() -> None:
    fix = f"aws x put {'y' * 3_000} --end"
    (rule,) = run_of(replace(FINDING, fix=fix))["tool"]["driver"]["rules"]
    assert fix in rule["help"]["text"]
    assert fix in rule["help"]["markdown"]


def test_what_came_from_no_file_has_a_place_of_its_own() -> None:
    located = replace(FINDING, where=None, resource="arn:aws:s3:::b", region="eu-west-1")
    result = result_of(located)
    place = result["locations"][0]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "stdin"
    assert place["physicalLocation"]["region"] == {"startLine": 1}
    assert place["logicalLocations"] == [{"name": "arn:aws:s3:::b", "kind": "resource"}]
    assert result["properties"] == {"resource": "arn:aws:s3:::b", "region": "eu-west-1"}


def test_files_without_findings_are_listed_too() -> None:
    run = run_of(FINDING, files=("clean.json", "policies/a b.json", "clean.json"))
    uris = [artifact["location"]["uri"] for artifact in run["artifacts"]]
    assert uris == ["clean.json", "policies/a%20b.json"]
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert uris[place["index"]] == place["uri"]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("./a.json", "a.json"),
        ("x/../a.json", "a.json"),
        ("/repo/policies/a.json", "policies/a.json"),
        ("/elsewhere/a.json", "file:///elsewhere/a.json"),
        ("../a.json", "file:///a.json"),
        ("c:/a.json", "c%3A/a.json"),
        ("a#b?c%d.json", "a%23b%3Fc%25d.json"),
        ("b\u00fccher/\u65e5.json", "b%C3%BCcher/%E6%97%A5.json"),
        ("a\nb.json", "a%0Ab.json"),
        ("\udcff.json", "%FF.json"),
    ],
)
def test_a_path_becomes_a_uri_below_the_root(file: str, uri: str) -> None:
    result = result_of(replace(FINDING, where=Where(line=1, file=file)))
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == uri
    assert ("uriBaseId" in location) == (not uri.startswith("file:"))


def fingerprints(*findings: Finding) -> list[str]:
    found = run_of(*findings)["results"]
    return [result["partialFingerprints"]["primaryLocationLineHash"] for result in found]


def test_a_fingerprint_survives_moved_lines_and_statements() -> None:
    moved = Where(pointer="/Statement/9/Action/0", line=90, column=1, file=FINDING.where.file)  # type: ignore[union-attr]
    assert fingerprints(FINDING) == fingerprints(replace(FINDING, where=moved))


def test_different_problems_have_different_fingerprints_and_equal_ones_are_counted() -> None:
    other = replace(FINDING, message="`s3:Putt` does not exist")
    found = fingerprints(FINDING, FINDING, other)
    assert len(set(found)) == 3
    assert found[0].split(":")[0] == found[1].split(":")[0]
    assert [fingerprint.split(":")[1] for fingerprint in found] == ["1", "2", "1"]


@pytest.mark.growth
def test_more_results_than_github_takes_are_cut_worst_first_and_counted() -> None:
    mild = replace(FINDING, severity=Severity.SUGGESTION)
    findings = [mild] * (MOST_RESULTS + 4) + [FINDING]
    text = "".join(sarif(findings, RUN))
    run = json.loads(text)["runs"][0]
    assert len(run["results"]) == MOST_RESULTS
    assert run["results"][0]["level"] == "error"
    (notice,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notice["message"]["text"].startswith("5 more findings are left out")
    assert len(gzip.compress(text.encode())) < 10_000_000


def test_what_was_not_judged_is_notified() -> None:
    notes = [f"file{number}.json was not judged" for number in range(MOST_NOTES + 2)]
    run = run_of(FINDING, run=replace(RUN, notes=notes))
    told = [e["message"]["text"] for e in run["invocations"][0]["toolExecutionNotifications"]]
    assert told[:-1] == notes[:MOST_NOTES]
    assert told[-1] == "2 more places were not judged"


def test_markup_stays_text() -> None:
    evil = "[click](https://evil.example) <script>alert(1)</script> \u202e\x1b[31m"
    run = run_of(replace(FINDING, title=evil, message=evil, fix=evil, resource=evil))
    rule, result = run["tool"]["driver"]["rules"][0], run["results"][0]
    assert "](https://evil" not in result["message"]["text"].replace("\\](", "")
    assert "[click](" not in rule["help"]["markdown"].replace("\\[click\\](", "")
    assert "<script>" not in rule["help"]["markdown"].replace("\\<script\\>", "")
    assert "\\u202e" in result["message"]["text"]
    assert not {"\x1b", "\u202e"} & set(json.dumps(run, ensure_ascii=False))


def test_a_source_that_is_no_address_is_no_link() -> None:
    for source in ("references/rules.md#x", "javascript:alert(1)", None):
        assert (
            "helpUri" not in run_of(replace(FINDING, source=source))["tool"]["driver"]["rules"][0]
        )
    spoiled = run_of(replace(FINDING, source="https://a.example/) [x](https://evil.example)"))
    uri = spoiled["tool"]["driver"]["rules"][0]["helpUri"]
    assert not set(" ()[]") & set(uri)


ANY = st.text(max_size=30)
FINDINGS = st.builds(
    Finding,
    code=ANY,
    title=ANY,
    severity=st.sampled_from(Severity),
    status=st.sampled_from(Status),
    message=ANY,
    reason=st.none() | ANY,
    where=st.none()
    | st.builds(
        Where,
        pointer=ANY,
        line=st.none() | st.integers(0, 9),
        column=st.none() | st.integers(0, 9),
        file=st.none() | ANY,
    ),
    resource=st.none() | ANY,
    region=st.none() | ANY,
    fix=st.none() | ANY,
    source=st.none() | ANY | ANY.map("https://a.example/{}".format),
    controls=st.none() | st.dictionaries(ANY, ANY, max_size=2),
    confidence=st.none() | st.just("low"),
    muted=st.none() | ANY,
)


@given(st.lists(FINDINGS, max_size=3), st.lists(ANY, max_size=2))
def test_whatever_the_text_the_report_is_valid(findings: list[Finding], files: list[str]) -> None:
    run = run_of(*findings, files=tuple(files))
    failed = [
        finding for finding in findings if finding.status in RUN.alerts and finding.muted is None
    ]
    assert len(run["results"]) == len(failed)
