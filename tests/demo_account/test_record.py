"""The record that `--demo` judges is what the seeded account answers today, and judging it takes nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from aws_iam import resources
from aws_iam.account.collect.catalogue import FACTS
from aws_iam.account.reading.demonstration import REGIONS, demonstration
from aws_iam.account.reading.snapshot import Account, dumps, load
from aws_iam.errors import InputError
from aws_iam.tools.registry import tools
from demo_account.record import MOMENT
from demo_account.served import PYTHONPATH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.process

RECORD = resources.path("assets/demo")
# What moto gives out by chance: a newer one may draw otherwise.
IDS = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\b(?:A[A-Z]{3}[A-Z0-9]{16,17}|[a-z]+-[0-9a-f]{8,17})\b"
    r"|(?<=secret:)(\S+)-\w{6}\b"
)


def plain(account: Account) -> str:
    """The account as text, its ids replaced by how often each occurs."""
    text = dumps(account)
    return IDS.sub(lambda found: f"<{found[1] or 'id'} {text.count(found[0])} times>", text)


def python(*words: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": PYTHONPATH, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The account recorded anew, by a caller whose settings lead elsewhere."""
    folder = tmp_path_factory.mktemp("record")
    python(
        "-m",
        "demo_account.record",
        str(folder),
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        AWS_PROFILE="no-such-profile",
        AWS_REGION="ap-south-1",
        MOTO_ACCOUNT_ID="999999999999",
    )
    return folder


def test_the_record_is_what_is_seeded(fresh: Path) -> None:
    names = sorted(path.name for path in RECORD.iterdir())
    assert names == sorted(path.name for path in fresh.iterdir())
    for name in names:
        told = f"{name} is old: `make demo-data` records it anew, review the difference"
        assert plain(load(RECORD / name)) == plain(load(fresh / name)), told


def test_the_record_is_whole() -> None:
    account = demonstration(FACTS.values(), ())
    assert account.misses() == ()
    assert account.regions.complete
    assert {name for name, _ in account.facts} == set(FACTS), "`make demo-data` records new facts"
    assert account.collected_at == MOMENT


def test_the_record_holds_no_value_of_a_secret() -> None:
    assert "demonstration-only" not in (RECORD / "account.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("region", REGIONS)
def test_one_region_alone_is_seen_as_a_reading_of_it_sees_it(fresh: Path, region: str) -> None:
    account = demonstration(FACTS.values(), [region])
    assert (account.regions.read, account.regions.asked) == ((region,), (region,))
    assert {place for _, place in account.facts} == {"", region}
    own = load(fresh / f"{region}.json").facts
    assert {place: account.facts[place] for place in own}.keys() == own.keys()
    trails = {trail.name for trail in account.facts["cloudtrail.trails", ""].trails}
    # The trail of eu-west-1 is of that Region alone.
    assert ("eu-debugging" in trails) is (region == "eu-west-1")


def test_both_regions_by_name_are_the_whole_account() -> None:
    named = demonstration(FACTS.values(), REGIONS)
    assert named.facts == demonstration(FACTS.values(), ()).facts
    assert named.regions.asked == named.regions.read


def test_another_region_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match="no Region `ap-south-1`; it has us-east-1 and eu-west-1"):
        demonstration((), ["ap-south-1"])


LIVE = (
    ("audit", {"action": "run"}),
    ("audit", {"action": "principals"}),
    ("audit", {"action": "rightsize"}),
    ("audit", {"action": "cloudtrail"}),
    ("audit", {"action": "access_analyzer"}),
    ("secrets", {"action": "check", "plaintext_values": True}),
    ("kms", {"action": "check"}),
    ("irsa", {"action": "check"}),
)


@pytest.mark.parametrize(("name", "arguments"), LIVE, ids=str)
def test_the_record_is_judged_as_the_account_itself(
    name: str,
    arguments: dict[str, Any],
    live_account: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tool,) = (tool for tool in tools() if tool.name == name)
    recorded = tool.run({**arguments, "demo": True}, cli=True)
    for variable, text in live_account.items():
        monkeypatch.setenv(variable, text)
    read = tool.run(arguments, cli=True)
    assert [finding.code for finding in recorded.findings] == [
        finding.code for finding in read.findings
    ]
    assert recorded.counts == read.counts


def test_the_account_is_judged_from_the_record_with_neither_sdk_nor_emulator() -> None:
    code = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise AssertionError(f"{event} {arguments}")
sys.addaudithook(watch)
from aws_iam.tools.audit.actions import tool
print(tool.run({"demo": True}).summary)
assert not {"boto3", "botocore", "moto"} & set(sys.modules)
"""
    shown = python("-c", code, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert "111122223333 (larkspur-books)" in shown


def test_a_command_is_run_beside_the_account_and_its_status_is_passed_on() -> None:
    code = """
import os, sys, boto3
print(boto3.client("sts").get_caller_identity()["Account"], "AWS_PROFILE" in os.environ)
sys.exit(7)
"""
    done = subprocess.run(
        [sys.executable, "-m", "demo_account", sys.executable, "-c", code],
        env={
            **os.environ,
            "PYTHONPATH": PYTHONPATH,
            "AWS_PROFILE": "none",
            "no_proxy": "example.com",
            "HTTP_PROXY": "http://127.0.0.1:9",
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 7, done.stderr
    assert done.stdout.split() == ["111122223333", "False"]
    assert "The demonstration account is at http://127.0.0.1:" in done.stderr
