"""`audit report` over many accounts: every account's findings in one file, those that could not be read too."""

from __future__ import annotations

import csv
import gzip
import io
import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.cli import command_line
from aws_iam.errors import AwsError, InputError
from aws_iam.tools.audit.actions import tool
from helpers.caller import KEYS, calls_to
from helpers.cis_snapshots import CONTROLS
from helpers.estate_server import estate, inside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aws_iam.answer import Answer
    from helpers.estate_server import Estate

pytestmark = pytest.mark.process

ACCOUNTS = ["222233334401", "222233334402", "222233334403"]
STRONG, SHUT = ACCOUNTS[1], ACCOUNTS[2]
FEW = ["root_mfa", "pw_length_14"]


@pytest.fixture(scope="module")
def server() -> Iterator[Estate]:
    with estate(refused=[SHUT]) as running:
        iam = inside(running, STRONG).client("iam", endpoint_url=running.url)
        iam.update_account_password_policy(MinimumPasswordLength=14)
        yield running


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch, server: Estate) -> None:
    calls_to(server.url, monkeypatch, AWS_REGION="us-east-1", **KEYS)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "results.jsonl"


def report(format_: str, out: Path, **arguments: Any) -> Answer:
    given = {"role_arn": "audit", "controls": FEW, "regions": ["us-east-1"], "accounts": ACCOUNTS}
    asked = {"action": "report", "format": format_, "out": str(out)}
    return tool.run({**given, **asked, **arguments}, cli=True)


def content(format_: str, out: Path, **arguments: Any) -> str:
    return report(format_, out, **arguments).artifacts[0].content


def test_every_control_of_every_account_is_in_the_table(out: Path) -> None:
    rows = csv.DictReader(io.StringIO(content("csv", out), newline=""))
    assert {(row["account"], row["control"]): row["status"] for row in rows} == {
        (ACCOUNTS[0], "root_mfa"): "fail",
        (ACCOUNTS[0], "pw_length_14"): "fail",
        (STRONG, "root_mfa"): "fail",
        (STRONG, "pw_length_14"): "pass",
        (SHUT, "root_mfa"): "unknown",
        (SHUT, "pw_length_14"): "unknown",
    }


def test_the_page_counts_by_account_and_says_which_could_not_be_read(out: Path) -> None:
    page = content("html", out)
    assert "<h1>3 accounts</h1>" in page
    assert "audit of 3 accounts</title>" in page
    assert "By account" in page
    assert "2 findings in 2 accounts" in page
    assert "1 of 4 evaluated controls pass" in page
    assert "2 were not evaluated" in page
    assert "Not fully judged: 2 controls" in page
    assert "AccessDenied" in page


def test_markdown_and_junit_name_the_accounts(out: Path) -> None:
    text = content("markdown", out)
    assert text.startswith("# CIS AWS Foundations Benchmark 7.0: 3 accounts\n")
    assert f"  - account {STRONG}: " in text
    assert f"**Not the whole audit:** 2 of {CONTROLS} controls asked for." in text
    root = ET.fromstring(content("junit", out))  # noqa: S314 - our own text
    suites = {suite.get("name"): suite.get("failures") for suite in root.iter("testsuite")}
    section = "2 identity and access"
    assert suites == {f"{a} {section}": n for a, n in zip(ACCOUNTS, "210", strict=True)}


@pytest.mark.parametrize("format_", ["json", "sarif", "ocsf", "asff"])
def test_programs_get_every_finding_with_its_account(out: Path, format_: str) -> None:
    text = content(format_, out)
    for account in ACCOUNTS:
        assert account in text
    told = json.loads(text)
    if format_ == "sarif":
        (run,) = told["runs"]
        assert run["automationDetails"]["id"].startswith("aws-iam/audit/accounts/7.0/part-")
        assert run["invocations"][0]["executionSuccessful"] is False
        assert len(run["results"]) == 3
        notices = run["invocations"][0]["toolExecutionNotifications"]
        notes = [notice["message"]["text"] for notice in notices]
        assert notes[0] == f"not the whole audit: 2 of {CONTROLS} controls asked for"
        assert sum("could not be judged" in note for note in notes) == 2
        assert notes[-1] == "findings without a result in this run: 1 pass, 2 unknown"
        return
    listed = told if isinstance(told, list) else told["findings"]
    assert len(listed) == 6


@pytest.mark.parametrize("form", ["ocsf", "asff"])
def test_a_format_by_line_has_the_findings_of_the_whole_and_their_counts(
    out: Path, form: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    accounts = ["--accounts", ",".join(ACCOUNTS), "--role-arn", "audit", "--regions", "us-east-1"]
    words = ["audit", "report", *accounts, "--controls", ",".join(FEW), "--out", str(out)]

    def run(format_: str, *more: str) -> tuple[int, bytes]:
        status = command_line.main([*words, "--format", format_, *more], {})
        return status, capsysbinary.readouterr().out

    status, text = run(form)
    whole = json.loads(text)
    by_line, lines = run(form, "--ndjson")
    told = [json.loads(line) for line in lines.splitlines()]
    if form == "asff":
        told = [row for line in told for row in line]
    assert by_line == status

    def names(listed: list[Any]) -> list[str]:
        return sorted(row.get("Id") or row["finding_info"]["uid"] for row in listed)

    assert names(told) == names(whole)
    _, answer = run(form, "--ndjson", "--json")
    (_, plain) = run(form, "--json")
    both = json.loads(answer), json.loads(plain)
    assert both[0]["counts"] == both[1]["counts"]
    # The file itself is named nowhere: it is gone when the command ends.
    assert "file" not in both[0]["artifacts"][0]
    assert both[0]["artifacts"][0]["content"].encode().count(b"\n") == lines.count(b"\n")


def test_what_a_results_file_holds_is_not_read_again(
    out: Path, server: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = report("csv", out, accounts=ACCOUNTS[:2])
    server.calls.clear()
    # Who writes a report from results needs no way into the accounts.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    again = report("csv", out, accounts=ACCOUNTS[:2])
    assert not server.calls
    assert again.artifacts == first.artifacts
    assert again.counts is not None
    assert again.counts.status == {"fail": 3, "pass": 1}


def test_whole_results_may_be_compressed_and_are_left_as_they_are(out: Path) -> None:
    read = [account for account in ACCOUNTS if account != SHUT]
    plain = content("csv", out, accounts=read)
    packed = out.with_name("results.jsonl.gz")
    packed.write_bytes(gzip.compress(out.read_bytes()))
    before = packed.read_bytes()
    assert content("csv", packed, accounts=read) == plain
    with pytest.raises(InputError, match="is compressed, and lines would be added to the file"):
        report("csv", packed, accounts=ACCOUNTS)
    assert packed.read_bytes() == before
    packed.write_bytes(before[:-20])
    with pytest.raises(InputError, match="cannot be unpacked"):
        report("csv", packed, accounts=read)
    packed.write_bytes(gzip.compress(b"{}\n"))
    with pytest.raises(InputError, match="results"):
        report("csv", packed, accounts=read)


def test_severity_leaves_out_findings_of_unread_accounts_too(out: Path) -> None:
    rows = csv.DictReader(io.StringIO(content("csv", out, severity="critical"), newline=""))
    assert {row["control"] for row in rows} == {"root_mfa"}
    head = content("html", out, severity="critical").partition("</header>")[0]
    assert f"2 of {CONTROLS} controls asked for; findings below critical are left out" in head


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("severity", "huge"),
        ("status", None),
        ("message", 7),
        ("controls", {"7.0": 1}),
        ("odd", ""),
    ],
)
def test_a_results_file_that_was_spoiled_is_refused_with_the_account(
    out: Path, field: str, value: Any
) -> None:
    content("csv", out, accounts=ACCOUNTS[:1])
    header, text = out.read_text(encoding="utf-8").splitlines()
    line = json.loads(text)
    line["findings"][0][field] = value
    out.write_text(f"{header}\n{json.dumps(line)}\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"`{ACCOUNTS[0]}` do not say what was found"):
        content("csv", out, accounts=ACCOUNTS[:1])


def test_without_an_account_that_could_be_read_there_is_no_report(out: Path) -> None:
    for _ in range(2):  # The second time the results file has the account already.
        with pytest.raises(AwsError, match=f"none of 1 accounts could be read; {SHUT}: AWS ref"):
            report("html", out, accounts=[SHUT])


def test_a_part_without_accounts_has_no_report(out: Path) -> None:
    empty = next(
        f"{number}/9"
        for number in range(1, 10)
        if "None of" in tool.run(
            {"role_arn": "audit", "controls": FEW, "accounts": ACCOUNTS[:1], "shard": f"{number}/9"},
            cli=True,
        ).summary
    )  # fmt: skip
    with pytest.raises(InputError, match="None of 1 accounts is in shard"):
        report("html", out, accounts=ACCOUNTS[:1], shard=empty)


def test_the_mutes_are_told_over_all_accounts(out: Path) -> None:
    mutes = [
        {"control": "root_mfa", "reason": "a key is ordered"},
        {"control": "pw_length_14", "reason": "gone", "until": "2020-01-31"},
        {"control": "root_mfa", "reason": "none", "account": SHUT},
    ]
    answer = report("html", out, mute=mutes)
    states = [(row["control"], row["state"]) for row in answer.facts["mutes"]]
    assert states == [
        ("root_mfa", "mutes 2 findings"),
        ("pw_length_14", "expired on 2020-01-31, 1 finding no longer muted"),
        ("root_mfa", "mutes nothing yet: what it covers could not be judged"),
    ]
    told = "2 findings muted, 1 mute expired, 1 mute covers what could not be judged."
    assert told in answer.summary
    page = answer.artifacts[0].content
    assert '<h2 id="mutes">Mutes</h2>' in page
    assert "a key is ordered" in page


def test_a_mute_of_what_is_not_severe_enough_is_not_said_to_do_nothing(out: Path) -> None:
    mutes = [{"control": "pw_length_14", "reason": "medium at most"}]
    assert "mutes" not in report("json", out, mute=mutes, severity="critical").facts


def test_a_framework_gives_every_account_its_ids_and_needs_no_reading_again(out: Path) -> None:
    assert "8.4.2" not in content("markdown", out)
    before = set(filter(_was_read, out.read_text().splitlines()))
    rows = list(csv.DictReader(io.StringIO(content("csv", out, framework="pci"), newline="")))
    assert {row["account"] for row in rows if row["pci"] == "PCI 8.4.2"} == set(ACCOUNTS)
    assert "cis_7.0" not in rows[0]
    # The ids follow from the control: no line of results repeats them.
    assert set(filter(_was_read, out.read_text().splitlines())) == before
    assert len(before) == len(ACCOUNTS) - 1
    assert not any("frameworks" in line for line in before)
    told = json.loads(content("json", out, framework="pci"))
    assert told["facts"]["framework"]["title"] == "PCI DSS 4.0"
    assert {tuple(row["frameworks"]["cis"]) for row in told["findings"]} == {("2.5",), ("2.8",)}


def _was_read(line: str) -> bool:
    return json.loads(line).get("status") == "read"


def admin_by_policy_edit(server: Estate, account: str) -> None:
    """A user of the account that may give itself every policy."""
    iam = inside(server, account).client("iam", endpoint_url=server.url)
    iam.create_user(UserName="climber")
    own = {"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "*"}
    iam.put_user_policy(
        UserName="climber",
        PolicyName="own",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": own}),
    )


@pytest.mark.parametrize("format_", ["html", "markdown"])
def test_a_report_tells_the_paths_within_each_account(
    out: Path, server: Estate, format_: str
) -> None:
    admin_by_policy_edit(server, STRONG)
    try:
        told = content(format_, out, controls=None)
        assert "Paths to administrator" in told
        assert f"1 principal can become an administrator, in 1 account: {STRONG}." in told
        assert f"user/climber ({STRONG})" in told
        assert "iam:PutUserPolicy" in told
        assert "Paths from one account into another are not looked for here" in told
        assert f"Who can become an administrator is not known in 1 account ({SHUT})." in told
        # Written again from the results, without a call.
        assert content(format_, out, controls=None) == told
    finally:
        iam = inside(server, STRONG).client("iam", endpoint_url=server.url)
        iam.delete_user_policy(UserName="climber", PolicyName="own")
        iam.delete_user(UserName="climber")


def test_results_that_were_read_without_the_paths_are_said(out: Path) -> None:
    asked = {"role_arn": "audit", "regions": ["us-east-1"], "accounts": ACCOUNTS[:1]}
    tool.run({"action": "run", "out": str(out), **asked}, cli=True)
    alone = content("markdown", out, controls=None, accounts=ACCOUNTS[:1])
    assert "1 account of the results was read without the paths" in alone
    assert "can become an administrator" not in alone
    both = content("markdown", out, controls=None, accounts=ACCOUNTS[:2])
    assert "1 account of the results was read without the paths" in both


def test_whoever_asks_for_some_controls_reads_no_paths(out: Path) -> None:
    content("markdown", out)
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert not any("paths" in line for line in lines)
