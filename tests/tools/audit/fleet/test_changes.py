"""Many accounts beside an earlier run: what is new, fixed and still open, account by account."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.account.reading.snapshot import account_of, save
from aws_iam.errors import InputError
from aws_iam.tools.audit.actions import tool
from helpers.caller import KEYS, calls_to
from helpers.estate_server import estate, inside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aws_iam.answer import Answer
    from helpers.estate_server import Estate

pytestmark = pytest.mark.process

MENDED, BROKEN, LEFT, LATER, SHUT = ACCOUNTS = [f"3333444455{n:02}" for n in range(5)]
FEW = ["root_mfa", "pw_length_14"]


@pytest.fixture(scope="module")
def server() -> Iterator[Estate]:
    with estate(refused=[SHUT]) as running:
        yield running


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch, server: Estate) -> None:
    calls_to(server.url, monkeypatch, AWS_REGION="us-east-1", **KEYS)


def ask(action: str = "run", **arguments: Any) -> Answer:
    given = {"role_arn": "audit", "controls": FEW, "regions": ["us-east-1"]}
    return tool.run({"action": action} | given | arguments, cli=True)


def demand_length(server: Estate, account: str, length: int) -> None:
    iam = inside(server, account).client("iam", endpoint_url=server.url)
    iam.update_account_password_policy(MinimumPasswordLength=length)


@pytest.fixture
def before(server: Estate, tmp_path: Path) -> Path:
    """The results of a run, after which one account was mended and one broken."""
    file = tmp_path / "before.jsonl"
    for account, length in ((MENDED, 8), (BROKEN, 14), (LEFT, 8)):
        demand_length(server, account, length)
    ask(accounts=[MENDED, BROKEN, LEFT, SHUT], out=str(file))
    demand_length(server, MENDED, 14)
    demand_length(server, BROKEN, 8)
    return file


def test_each_account_is_held_against_its_own_earlier_results(before: Path) -> None:
    answer = ask(accounts=ACCOUNTS, against=str(before))
    changes = answer.facts["changes"]
    assert changes.pop("since")
    assert changes == {
        "accounts": 3,
        "new": 1,
        "fixed": 1,
        "gone": 0,
        # Root without MFA in all three, and the account that nobody touched.
        "still_open": 4,
        "unreadable": 0,
        "fail_not_judged_then": 0,
        "changed": 0,
        "same": 4,
        "first_time": 1,
        "not_read_now": 1,
    }
    told = [
        (row["change"], row["account"], row["control"]) for row in answer.facts["what_changed"]
    ]
    assert told == [("new", BROKEN, "pw_length_14"), ("fixed", MENDED, "pw_length_14")]
    assert answer.facts["changed_accounts"] == [
        {"account": BROKEN, "new": 1, "fixed": 0, "still_open": 1},
        {"account": MENDED, "new": 0, "fixed": 1, "still_open": 1},
    ]
    assert "1 new, 1 fixed, 4 still open" in answer.summary
    assert "1 not in the earlier results, 1 not read now" in answer.summary


def test_earlier_results_may_be_compressed(before: Path) -> None:
    packed = before.with_name("before.jsonl.gz")
    packed.write_bytes(gzip.compress(before.read_bytes()))
    plain = ask(accounts=ACCOUNTS, against=str(before))
    assert ask(accounts=ACCOUNTS, against=str(packed)).facts["changes"] == plain.facts["changes"]
    with pytest.raises(InputError, match="is compressed, and lines would be added to the file"):
        ask(accounts=ACCOUNTS, out=str(packed))
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be unpacked"):
        ask(accounts=ACCOUNTS, against=str(packed))


def test_a_report_shows_the_change_of_each_finding(before: Path) -> None:
    answer = ask("report", accounts=ACCOUNTS, against=str(before), format="json")
    (artifact,) = answer.artifacts
    found = {
        (row["account"], row["code"]): row.get("change")
        for row in json.loads(artifact.content)["findings"]
    }
    assert found[BROKEN, "pw_length_14"] == "new"
    assert found[MENDED, "pw_length_14"] == "fixed"
    assert found[LEFT, "pw_length_14"] == "same"
    assert found[LATER, "pw_length_14"] is None


def test_the_new_results_hold_what_was_found_and_serve_the_next_comparison(
    before: Path, tmp_path: Path
) -> None:
    after = tmp_path / "after.jsonl"
    ask(accounts=ACCOUNTS, against=str(before), out=str(after))
    assert '"change"' not in after.read_text()
    # What the file holds already is compared as what is read now.
    again = ask(accounts=ACCOUNTS, against=str(before), out=str(after))
    assert (again.facts["changes"]["new"], again.facts["changes"]["fixed"]) == (1, 1)
    unchanged = ask(accounts=ACCOUNTS, against=str(after))
    assert (unchanged.facts["changes"]["new"], unchanged.facts["changes"]["fixed"]) == (0, 0)
    assert unchanged.facts["changes"]["accounts"] == 4


def test_what_was_not_read_then_is_not_new_now(before: Path, server: Estate) -> None:
    server.refused = frozenset()
    try:
        changes = ask(accounts=[SHUT], against=str(before)).facts["changes"]
    finally:
        server.refused = frozenset([SHUT])
    assert changes == {"accounts": 0, "not_read_then": 1}


WATCHED = ["alarm_vpc_changes", "pw_length_14"]


@pytest.mark.parametrize(
    ("then", "now"), [(WATCHED, []), ([], WATCHED), (WATCHED[:1], WATCHED[1:])]
)
def test_what_is_accepted_in_one_of_the_runs_is_neither_new_nor_fixed(
    then: list[str], now: list[str], tmp_path: Path
) -> None:
    file, after = tmp_path / "then.jsonl", tmp_path / "now.jsonl"

    def audit(muted: list[str], **more: Any) -> Answer:
        mute = [{"control": key, "reason": "x"} for key in muted]
        return ask(more.pop("action", "run"), accounts=[LEFT], controls=WATCHED, mute=mute, **more)

    audit(then, out=str(file))
    changes = audit(now, against=str(file), out=str(after)).facts["changes"]
    del changes["since"]
    assert {name: count for name, count in changes.items() if count} == {
        "accounts": 1,
        "still_open": 2,
        "same": 2,
    }
    # What is shown stays as the mutes left it.
    (artifact,) = audit(
        now, action="report", against=str(file), out=str(after), format="json"
    ).artifacts
    shown = {row["code"]: row for row in json.loads(artifact.content)["findings"]}
    assert {code for code, row in shown.items() if "muted" in row} == set(now)
    assert shown[WATCHED[0]]["status"] == ("manual" if WATCHED[0] in now else "fail")
    assert {row["change"] for row in shown.values()} == {"same"}


def test_a_line_that_does_not_tell_what_a_mute_changed_is_read(tmp_path: Path) -> None:
    file = tmp_path / "old.jsonl"
    mute = [{"control": "alarm_vpc_changes", "reason": "x"}]
    ask(accounts=[LEFT], controls=WATCHED, mute=mute, out=str(file))
    old = file.read_text().replace(',"was":"fail"', "")
    assert old != file.read_text()
    file.write_text(old)
    changes = ask(accounts=[LEFT], controls=WATCHED, mute=mute, against=str(file)).facts["changes"]
    assert (changes["accounts"], changes["fixed"]) == (1, 0)
    file.write_text(old.replace('"status":"manual"', '"status":"manual","was":"gone"'))
    with pytest.raises(InputError, match="do not say what was found"):
        ask(accounts=[LEFT], controls=WATCHED, mute=mute, against=str(file))


def test_what_cannot_be_compared_is_refused(before: Path, tmp_path: Path) -> None:
    later = tmp_path / "later.jsonl"
    later.write_text(before.read_text().replace('"format": 1', '"format": 2'))
    taken = tmp_path / "taken.json"
    save(account_of(), taken)
    some = tmp_path / "some.json"
    some.write_text('{"format": 1}\n')
    lacking = tmp_path / "lacking.jsonl"
    lacking.write_text(before.read_text().replace('"regions_read":["us-east-1"],', ""))
    given: list[tuple[dict[str, Any], str]] = [
        ({"against": str(tmp_path / "no.jsonl")}, "cannot be read"),
        ({"against": str(tmp_path)}, "not a regular file"),
        ({"against": str(some)}, "holds no results"),
        ({"against": str(taken)}, r"holds no results.*that an earlier run wrote with `out`"),
        ({"against": str(later)}, "line 1: results in format `2` cannot be read"),
        ({"against": str(before), "out": str(before)}, "are the same file"),
        ({"against": str(before), "controls": ["root_mfa"]}, "another `controls`"),
        ({"against": str(before), "severity": "high"}, "another `severity`"),
        ({"against": str(before), "benchmark": "6.0"}, "another `benchmark`"),
        ({"against": str(lacking)}, "do not say which Regions were read"),
    ]
    for arguments, words in given:
        with pytest.raises(InputError, match=words):
            ask(**{"accounts": [LEFT], **arguments})
