"""Whatever answers a call for credentials is shown, kept and logged nowhere, however it was cut or damaged.

Every way to credentials is walked with an answer that holds two markers, through the door of the library, the command
and the server.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import traceback
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.credentials import SSOProvider
from botocore.tokens import SSOTokenProvider
from botocore.utils import ContainerMetadataFetcher
from mcp import Client

from aws_iam.account.calls import clients as making
from aws_iam.account.calls.aws import Aws
from aws_iam.account.calls.clients import Clients
from aws_iam.account.collect.catalogue import COLLECTORS
from aws_iam.account.collect.fact import Miss, MissKind
from aws_iam.account.session.connect import caller, connect
from aws_iam.cli import command_line, exit_status
from aws_iam.errors import AwsError, AwsIamError
from aws_iam.server.mcp_server import build
from helpers.credential_ways import (
    ACCOUNT,
    CASES,
    HTML,
    JSON,
    MARK,
    PAGE,
    SECRET,
    TOKEN,
    WAYS,
    WHOLE,
    XML,
    Desk,
    End,
    Source,
    damages,
    instance,
    own_role,
    profile_with_role,
    program,
    serving,
)
from helpers.scripted_aws import Refusal, Script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def end() -> Iterator[End]:
    with serving() as running:
        yield running


@pytest.fixture
def desk(
    end: End, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Desk]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    made = Desk(end, tmp_path, monkeypatch)
    made.env(AWS_ENDPOINT_URL=end.url, AWS_DEFAULT_REGION="us-east-1")
    made.env(AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:9")
    # The SDK looks where the caches are when it is imported, and waits a second between looks at a container's service.
    monkeypatch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path / "sso"))
    monkeypatch.setattr(SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path / "sso"))
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    end.plain, end.place = End().plain, ""
    end.asked.clear()
    # As somebody has it who logs everything that is logged.
    sdk = logging.getLogger("botocore")
    before = sdk.level
    # It says which path was asked for, and no more.
    caplog.set_level(logging.INFO, "urllib3")
    caplog.set_level(logging.DEBUG)
    yield made
    sdk.setLevel(before)


def _told_by(error: BaseException) -> str:
    """All that can be seen of an error, its trace as a log would have it included."""
    hint = error.hint if isinstance(error, AwsIamError) else ""
    return "".join((str(error), repr(error), hint, *traceback.format_exception(error)))


@pytest.mark.parametrize(
    ("way", "damage", "answer"), CASES, ids=[f"{way}, {damage}" for way, damage, _ in CASES]
)
def test_no_error_in_getting_credentials_quotes_an_answer(
    desk: Desk,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    way: str,
    damage: str,
    answer: tuple[int, str, bytes],
) -> None:
    prepare, place = WAYS[way]
    desk.end.place, desk.end.answer = place, answer
    source = prepare(desk)
    told = ""
    try:
        caller(connect(source), "us-east-1")
    except AwsIamError as error:
        told = _told_by(error)
    assert place in {"program", *desk.end.asked}
    # What is not needed may be anything: a renewed sign-in tells for how long it is good, not until when.
    assert told or damage == "a token for the date"
    output = capfd.readouterr()
    assert MARK not in f"{told}{caplog.text}{output.out}{output.err}"


FEW = ("cut behind the token", "cut, as an error", "a token on two lines")
PART = [(way, damage, answer) for way, damage, answer in CASES if damage in FEW]


def _words(source: Source) -> dict[str, Any]:
    given = {"profile": source.profile, "role_arn": source.role_arn}
    return {name: value for name, value in given.items() if value is not None}


def _command(*words: str, **given: str) -> int:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    return command_line.main(["audit", "run", "--controls=root_mfa", *words, *options], {})


def _tool(arguments: dict[str, Any]) -> str:
    async def ask() -> str:
        async with Client(build()) as client:
            answer = await client.call_tool("audit", arguments)
        return answer.model_dump_json()

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("way", "damage", "answer"), PART, ids=[f"{way}, {damage}" for way, damage, _ in PART]
)
def test_neither_the_command_nor_the_server_shows_an_answer(
    desk: Desk,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    way: str,
    damage: str,
    answer: tuple[int, str, bytes],
) -> None:
    prepare, place = WAYS[way]
    desk.end.place, desk.end.answer = place, answer
    given = _words(prepare(desk))
    assert _command(**given) == exit_status.UNREADABLE
    assert _command("--json", **given) == exit_status.UNREADABLE
    told = _tool({"action": "run", "controls": ["root_mfa"], **given})
    assert "AWS" in told, damage
    output = capfd.readouterr()
    assert output.err
    assert MARK not in f"{told}{caplog.text}{output.out}{output.err}"


@pytest.mark.parametrize(
    ("damage", "answer"), damages("AssumeRole").items(), ids=damages("AssumeRole")
)
def test_reading_many_accounts_does_not_show_an_answer(
    desk: Desk,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    damage: str,
    answer: tuple[int, str, bytes],
) -> None:
    desk.keys()
    desk.patch.setattr(making, "ATTEMPTS", 1)
    desk.end.place, desk.end.answer = "AssumeRole", answer
    out = desk.folder / "results.jsonl"
    _command("--regions=us-east-1", "--accounts=222233334444", "--role-arn=audit", f"--out={out}")
    assert "AssumeRole" in desk.end.asked, damage
    output = capfd.readouterr()
    told = out.read_text()
    assert "222233334444" in told
    assert MARK not in f"{told}{caplog.text}{output.out}{output.err}"


def test_credentials_that_cannot_be_renewed_are_not_quoted(
    desk: Desk, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    # They run out so soon that the SDK asks for others at each call.
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    keys = {"Version": 1, "AccessKeyId": "AKIA", "SecretAccessKey": "s", "SessionToken": "t"}
    desk.end.answer = (200, JSON, json.dumps(keys | {"Expiration": soon}).encode())
    session = connect(program(desk))
    aws = Aws(
        Clients(session),
        account=ACCOUNT,
        partition="aws",
        home="us-east-1",
        regions=("us-east-1",),
        collectors=COLLECTORS,
        progress=lambda *_: None,
    )
    codes = []
    for status, text in (
        (500, WHOLE["program"]),
        (200, WHOLE["program"][:-1]),
        (200, f"[{SECRET}"),
    ):
        desk.end.answer = (status, JSON, text.encode())
        program(desk)
        miss = aws.value_or_miss(lambda: aws.need("kms:ListKeys"))
        assert isinstance(miss, Miss)
        assert MARK not in repr(miss)
        codes.append((miss.kind, miss.code))
    aws.close()
    assert codes == [
        (MissKind.BROKEN, "CredentialRetrievalError"),
        (MissKind.BROKEN, "ResponseParserError"),
        (MissKind.BROKEN, "ResponseParserError"),
    ]
    assert "Refreshing temporary credentials failed" in caplog.text
    output = capfd.readouterr()
    assert MARK not in f"{caplog.text}{output.out}{output.err}"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("/latest/api/token", f"{TOKEN}\nx"),
        ("/latest/api/token", PAGE + "\n"),
        ("/latest/meta-data/iam/security-credentials/", f"{SECRET} {TOKEN}\n"),
        ("/latest/meta-data/iam/security-credentials/", PAGE),
    ],
)
def test_other_answers_of_the_metadata_service_are_not_shown(
    desk: Desk, caplog: pytest.LogCaptureFixture, place: str, said: str
) -> None:
    desk.end.place, desk.end.answer = place, (200, HTML, said.encode())
    with pytest.raises(AwsError) as raised:
        connect(instance(desk))
    assert place in desk.end.asked
    assert MARK not in f"{_told_by(raised.value)}{caplog.text}"


def test_the_error_names_the_call_the_size_and_what_to_do(desk: Desk) -> None:
    body = WHOLE["AssumeRole"][:-9].encode()
    desk.end.place, desk.end.answer = "AssumeRole", (200, XML, body)
    told = rf"cannot read the answer of AssumeRole \({len(body)} bytes, HTTP status 200\)"
    for source in (profile_with_role(desk), own_role(desk)):
        with pytest.raises(AwsError, match=told) as raised:
            connect(source)
        assert "try again" in raised.value.hint


def test_a_program_or_a_token_that_is_not_there_is_named(desk: Desk) -> None:
    desk.config("[profile p]\ncredential_process = /nonexistent/program --secret x\n")
    with pytest.raises(AwsError, match="`/nonexistent/program`: no such file or directory"):
        connect(Source(profile="p"))


def test_a_wrong_signature_is_explained_without_what_should_have_been_signed() -> None:
    message = (
        "The request signature we calculated does not match the signature you provided. "
        f"The Canonical String for this request should have been\n'GET\nx-amz-security-token:{TOKEN}'"
    )
    aws = Script({"kms:ListKeys": Refusal("SignatureDoesNotMatch", message)}).aws()
    miss = aws.value_or_miss(lambda: aws.need("kms:ListKeys"))
    aws.close()
    assert isinstance(miss, Miss)
    assert "does not match the signature" in miss.message
    assert MARK not in repr(miss)
