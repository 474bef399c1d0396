"""Many accounts behind one address: which are read, what is kept, and the one answer over all."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from aws_iam.answer import Status
from aws_iam.errors import AwsError, InputError, OffTheAllowlistError
from aws_iam.tools.audit.actions import tool
from aws_iam.tools.audit.fleet import job
from helpers.caller import KEYS, calls_to
from helpers.cis_snapshots import CONTROLS
from helpers.estate_server import estate, inside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.answer import Answer, Finding
    from helpers.estate_server import Estate

pytestmark = pytest.mark.process

ACCOUNTS = [f"1111222233{number:02}" for number in range(12)]
SHUT = ACCOUNTS[5]
STRONG = ACCOUNTS[7]
MANAGEMENT = "123456789012"
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
    server.calls.clear()


def run(**arguments: Any) -> Answer:
    given = {"role_arn": "audit", "controls": FEW, "regions": ["us-east-1"]} | arguments
    return tool.run(given, cli=True)


def of(answer: Answer, key: str) -> Finding:
    (found,) = [finding for finding in answer.findings if finding.code == key]
    return found


def lines(file: Path) -> dict[str, Any]:
    read = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    found = {line["account"]: line for line in read}
    assert len(found) == len(read)
    return found


def test_every_account_is_read_through_its_role_and_judged_alone(tmp_path: Path) -> None:
    out = tmp_path / "r.jsonl"
    answer = run(accounts=ACCOUNTS, out=str(out))
    found = lines(out)
    assert set(found) == set(ACCOUNTS)
    role = f"arn:aws:sts::{STRONG}:assumed-role/audit/aws-iam-audit"
    assert found[STRONG]["caller"] == role
    assert {a for a in ACCOUNTS if found[a].get("controls", {}).get("pw_length_14") == "pass"} == {
        STRONG
    }
    (failed,) = [f for f in found[ACCOUNTS[0]]["findings"] if f["code"] == "root_mfa"]
    # The words are those of the control, which are in no line.
    assert failed == {
        "code": "root_mfa",
        "status": "fail",
        "message": "the root user has no MFA device",
        "resource": f"arn:aws:iam::{ACCOUNTS[0]}:root",
    }
    assert answer.facts["accounts"] == {"named": 12, "read": 11, "not_read": 1}


def test_the_answer_counts_the_accounts_of_each_control() -> None:
    answer = run(accounts=ACCOUNTS)
    length = of(answer, "pw_length_14")
    assert length.status is Status.FAIL
    first = ", ".join(ACCOUNTS[:5])
    assert length.message == (
        f"fails in {first} and 5 more; of 12 accounts: 1 pass, 10 fail, 1 not read"
    )
    assert length.controls is not None
    assert length.controls["7.0"] == "2.8"
    # Whoever shuts an account out does not raise the score.
    assert answer.facts["score"]["overall"] == round(1 / 24, 3)
    assert answer.facts["score"]["evaluated"] == 22
    # Both controls of the account that could not be read.
    assert answer.facts["score"]["not_evaluated"] == 2
    assert answer.facts["worst_accounts"][-1]["account"] == STRONG
    assert answer.facts["worst_accounts"][-1]["fail"] == 1


def test_an_account_that_cannot_be_entered_is_named_first_with_the_reason() -> None:
    answer = run(accounts=ACCOUNTS)
    assert answer.summary.startswith(f"1 account could not be read ({SHUT}). Fix first: `")
    assert (
        ". Score 4% on 22 of 24 controls (2 unknown count as not passed) over 11 of 12 accounts"
        in answer.summary
    )
    (row,) = answer.facts["not_read"]
    assert row["account"] == SHUT
    assert "AccessDenied" in row["why"]
    assert "trust policy" in row["why"]


def test_a_mistake_over_one_account_loses_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = job.judge

    def stumbles(account: Account, *given: Any, **more: Any) -> Any:
        if account.id == ACCOUNTS[2]:
            raise KeyError("no\nsuch thing")
        return judged(account, *given, **more)

    monkeypatch.setattr(job, "judge", stumbles)
    answer = run(accounts=ACCOUNTS[:4])
    assert answer.facts["accounts"] == {"named": 4, "read": 3, "not_read": 1}
    (row,) = answer.facts["not_read"]
    assert row["account"] == ACCOUNTS[2]
    assert "which is a bug; please report it (KeyError: 'no" in row["why"]
    assert "test_run.py, line" in row["why"]


def test_what_ends_a_run_is_no_mistake_over_one_account(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_given: Any, **_more: Any) -> Any:
        raise OffTheAllowlistError("kms:CreateKey is not on the read-only allowlist")

    monkeypatch.setattr(job, "judge", refuses)
    with pytest.raises(OffTheAllowlistError):
        run(accounts=ACCOUNTS[:2])


def test_what_passes_in_all_accounts_that_were_read_is_unknown_beside_one_that_was_not() -> None:
    both = run(accounts=[STRONG, SHUT])
    length = of(both, "pw_length_14")
    assert length.status is Status.UNKNOWN
    assert length.reason == f"not read: {SHUT}"
    assert of(run(accounts=[STRONG]), "pw_length_14").status is Status.PASS


def test_a_run_over_a_part_says_of_which() -> None:
    answer = run(accounts=[STRONG], severity="critical")
    assert (
        f"2 of {CONTROLS} controls asked for; 1 control is left out, below critical."
        in answer.summary
    )
    assert "left out" not in run(accounts=[STRONG]).summary


def test_a_run_in_which_no_account_could_be_read_is_no_answer() -> None:
    with pytest.raises(AwsError, match=f"none of 1 accounts could be read; {SHUT}: AWS refused"):
        run(accounts=[SHUT])


def test_the_second_run_reads_only_what_is_missing(tmp_path: Path, server: Estate) -> None:
    out = tmp_path / "r.jsonl"
    run(accounts=ACCOUNTS[:3], out=str(out))
    server.calls.clear()
    answer = run(accounts=[*ACCOUNTS[:5], SHUT], out=str(out))
    assert server.calls["sts:AssumeRole"] == 3
    assert answer.facts["accounts"] == {"named": 6, "read": 5, "not_read": 1}
    server.calls.clear()
    run(accounts=[*ACCOUNTS[:5], SHUT], out=str(out))
    assert server.calls["sts:AssumeRole"] == 1
    assert set(lines(out)) == {*ACCOUNTS[:5], SHUT}


def test_parts_together_are_the_whole_and_are_summed_up_without_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Estate
) -> None:
    monkeypatch.setattr(server, "refused", frozenset())
    whole = tmp_path / "whole.jsonl"
    for number in (1, 2, 3):
        out = tmp_path / f"{number}.jsonl"
        answer = run(accounts=ACCOUNTS, shard=f"{number}/3", out=str(out))
        assert answer.facts["accounts"]["named"] == 12
        assert answer.facts["accounts"]["shard"] == f"{number}/3"
        assert answer.facts["accounts"]["read"] == len(lines(out))
        with whole.open("ab") as file:
            file.write(out.read_bytes())
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    answer = run(accounts=ACCOUNTS, out=str(whole))
    assert answer.facts["accounts"] == {"named": 12, "read": 12, "not_read": 0}
    assert "of 12 accounts: 1 pass, 11 fail" in of(answer, "pw_length_14").message
    # One part again, from the file of the whole.
    again = run(accounts=ACCOUNTS, shard="3/3", out=str(whole))
    assert again.facts["accounts"]["read"] == len(lines(tmp_path / "3.jsonl"))


def test_the_answer_is_about_the_accounts_that_are_asked_for(tmp_path: Path) -> None:
    out = str(tmp_path / "r.jsonl")
    run(accounts=ACCOUNTS[:4], out=out)
    answer = run(accounts=ACCOUNTS[3:5], out=out)
    assert answer.facts["accounts"] == {"named": 2, "read": 2, "not_read": 0}
    assert "of 2 accounts: 2 fail" in of(answer, "root_mfa").message
    assert set(lines(tmp_path / "r.jsonl")) == set(ACCOUNTS[:5])


def test_a_part_without_an_account_says_so() -> None:
    parts = [run(accounts=[STRONG], shard=f"{n}/2").summary for n in (1, 2)]
    assert sum(part.startswith("None of 1 accounts is in shard") for part in parts) == 1


def test_muted_findings_are_muted_in_every_account() -> None:
    mute = [{"control": "root_mfa", "reason": "members have no root", "account": ACCOUNTS[0]}]
    answer = run(accounts=ACCOUNTS[:2], mute=mute)
    assert "1 fail, 1 muted" in of(answer, "root_mfa").message
    mute = [{"control": "root_mfa", "reason": "members have no root"}]
    everywhere = of(run(accounts=ACCOUNTS[:2], mute=mute), "root_mfa")
    assert everywhere.muted == "muted in every account (2)"


def test_the_clients_are_made_once_and_not_for_every_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []
    make = boto3.Session.client

    def counted(self: Any, service: str, *others: Any, **named: Any) -> Any:
        made.append(service)
        return make(self, service, *others, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(boto3.Session, "client", counted)
    run(accounts=ACCOUNTS[:1])
    one = len(made)
    made.clear()
    run(accounts=ACCOUNTS[:4])
    assert len(made) == one


def test_every_account_costs_the_same_calls(server: Estate) -> None:
    counted = []
    # The first answers of a server that has just started may come so late that they are asked for again.
    run(accounts=ACCOUNTS[:4], controls=None)
    for number in (1, 4):
        server.calls.clear()
        run(accounts=ACCOUNTS[:number], controls=None)
        counted.append(server.calls.copy())
    one, four = counted
    lookups = {"sts:GetCallerIdentity", "organizations:ListAccounts"}
    for operation in one:
        assert four[operation] == (1 if operation in lookups else 4) * one[operation], operation


def test_progress_is_told_by_account(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    out = str(tmp_path / "r.jsonl")
    run(accounts=ACCOUNTS[:2], out=out)
    given = {"accounts": ACCOUNTS[:4], "role_arn": "audit", "controls": FEW, "out": out}
    tool.run(
        given | {"regions": ["us-east-1"]},
        cli=True,
        progress=lambda done, total, text: told.append((done, total, text)),
    )
    assert [(done, total) for done, total, _ in told] == [(2, 4), (3, 4), (4, 4)]
    assert {text for _, _, text in told[1:]} == {f"account {a} read" for a in ACCOUNTS[2:4]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"org": True, "accounts": ACCOUNTS}, "`accounts` and `org` exclude each other"),
        ({"shard": "1/2"}, "`shard` is for a run over many accounts"),
        ({"out": "r.jsonl"}, "`out` is for a run over many accounts"),
        ({"scheduler": "tcp://127.0.0.1:1"}, "`scheduler` is for a run over many accounts"),
        ({"accounts": ACCOUNTS, "demo": True}, "`demo` is for one account"),
        ({"accounts": ACCOUNTS, "snapshot": "s.json"}, "`snapshot` is for one account"),
        ({"accounts": ACCOUNTS, "save": "s.json"}, "`save` is for one account"),
        ({"accounts": ACCOUNTS, "shard": "3/2"}, "is not a shard"),
        ({"accounts": ACCOUNTS, "benchmark": "8.0"}, "not a version"),
        ({"accounts": []}, "`accounts` names no account"),
        ({"accounts": ACCOUNTS, "controls": []}, "`controls` names no control"),
        ({"accounts": ACCOUNTS, "controls": ["root_mfaa"]}, "root_mfa"),
        ({"accounts": ACCOUNTS, "regions": ["eu-west1"]}, "not an AWS Region"),
        ({"accounts": ACCOUNTS, "role_arn": None}, "needs a role to assume"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        run(**arguments)


def test_credentials_that_are_wrong_end_the_run_instead_of_closing_every_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "r.jsonl"
    run(accounts=ACCOUNTS[:1], out=str(out))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(AwsError, match="check the network"):
        run(accounts=ACCOUNTS[:3], out=str(out))
    assert set(lines(out)) == {ACCOUNTS[0]}


def test_credentials_that_run_out_on_the_way_leave_what_was_done_and_say_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Estate
) -> None:
    out = tmp_path / "r.jsonl"
    entered: list[str] = []

    def watch(operation: str) -> None:
        entered.extend([operation] if operation == "sts:AssumeRole" else [])
        if len(entered) == len(ACCOUNTS) - 1:
            server.refused, server.code = frozenset(ACCOUNTS), "ExpiredToken"

    with monkeypatch.context() as patch:
        for name in ("refused", "code"):
            patch.setattr(server, name, getattr(server, name))
        patch.setattr(server, "watch", watch)
        with pytest.raises(
            AwsError, match=r"expired.* of 12 accounts were done and are in .*r\.jso"
        ):
            run(accounts=ACCOUNTS, out=str(out))
    done = set(lines(out))
    assert 0 < len(done) < len(ACCOUNTS)
    monkeypatch.setattr(server, "refused", frozenset())
    assert run(accounts=ACCOUNTS, out=str(out)).facts["accounts"]["read"] == 12
    assert done < set(lines(out)) == set(ACCOUNTS)


def test_a_run_takes_the_credentials_that_there_are_when_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Estate
) -> None:
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for key in ("AKIAYESTERDAY", "AKIATODAY"):
        file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = s\n")
        server.signers.clear()
        run(accounts=ACCOUNTS[:1])
        assert {signer for signer in server.signers if signer.startswith("AKIA")} == {key}


def test_the_callers_own_credentials_that_cannot_be_renewed_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Estate
) -> None:
    # They run out so soon that the SDK asks for others at each call.
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    given = {"Version": 1, "AccessKeyId": "AKIA", "SecretAccessKey": "s", "Expiration": soon}
    source = tmp_path / "given.json"
    source.write_text(json.dumps(given | {"SessionToken": "t"}))
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = cat {source}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    def watch(operation: str) -> None:
        if operation == "organizations:ListAccounts":
            source.unlink(missing_ok=True)

    monkeypatch.setattr(server, "watch", watch)
    with pytest.raises(AwsError, match="Error when retrieving credentials from custom-process"):
        run(accounts=[MANAGEMENT])


def test_neither_keys_nor_the_external_id_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets = ["AKIAFORTHISTEST", "secret-for-this-test", "external-for-this-test"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", secrets[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secrets[1])
    out = tmp_path / "r.jsonl"
    answer = run(accounts=[STRONG, SHUT], out=str(out), external_id=secrets[2])
    told = capfd.readouterr()
    for secret in secrets:
        assert secret not in f"{out.read_text()}{answer}{told.out}{told.err}"
