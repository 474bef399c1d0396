"""What callers over MCP may name: nothing but the server's own credentials, unless who starts the server allows more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aws_iam.cli.parsers import serve_parser
from aws_iam.errors import InputError
from aws_iam.server.permitted_options import permitted_by
from aws_iam.server.worker_process import Call, run_call
from aws_iam.tools.registry import tool_named
from helpers.estate_server import Estate, estate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROLE = "arn:aws:iam::222222222222:role/audit/reader"
FEW = {"controls": ["root_mfa"]}


@pytest.fixture(scope="module")
def served() -> Iterator[Estate]:
    with estate() as aws:
        yield aws


@pytest.fixture
def aws(served: Estate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Estate:
    config = tmp_path / "config"
    config.write_text(
        "".join(
            f"[profile {name}]\naws_access_key_id = a\naws_secret_access_key = b\n"
            for name in ("dev", "prod")
        ),
        encoding="utf-8",
    )
    settings = {
        "CONFIG_FILE": str(config),
        "ACCESS_KEY_ID": "a",
        "SECRET_ACCESS_KEY": "b",
        "REGION": "us-east-1",
        "ENDPOINT_URL": served.url,
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return served


def read(options: list[str], **arguments: Any) -> Any:
    permitted = permitted_by(serve_parser().parse_args(options))
    call = Call(tool="audit", arguments={**FEW, **arguments}, permitted=permitted)
    return run_call(call, lambda *_: None)


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ([], {"regions": ["us-east-1"]}),
        (["--profile", "dev"], {"profile": "dev"}),
        (["--profile", "dev,prod"], {"aws_profile": "prod"}),
        (["--profile", "dev", "--profile", "prod"], {"profile": "prod"}),
        (["--profile", "*"], {"profile": "prod"}),
        (["--allow-role", "arn:aws:iam::*:role/audit/*"], {"role_arn": ROLE}),
        (["--allow-role", "*"], {"assume_role": ROLE}),
        (["--allow-role", "arn:aws:iam::1:role/x", "--allow-role", ROLE], {"role_arn": ROLE}),
        (["--regions", "us-east-1,eu-west-1"], {"regions": ["eu-west-1"]}),
    ],
)
def test_what_is_allowed_is_read(
    aws: Estate, options: list[str], arguments: dict[str, Any]
) -> None:
    before = aws.calls.total()
    assert read(options, **arguments).findings
    assert aws.calls.total() > before


@pytest.mark.parametrize(
    ("options", "arguments", "words"),
    [
        ([], {"profile": "dev"}, "`profile` `dev`.*aws-iam serve --profile dev`"),
        ([], {"aws_profile": "x; rm -rf ~"}, "aws-iam serve --profile NAME`"),
        (["--profile", "dev"], {"profile": "prod"}, "allowed: `dev`"),
        (["--profile", "dev"], {"profile": "*"}, "`profile`"),
        (["--profile", "dev"], {"role_arn": ROLE}, "`role_arn`.*--allow-role"),
        ([], {"role_arn": ROLE, "external_id": "x"}, f"--allow-role {ROLE}"),
        (["--allow-role", "arn:aws:iam::222222222222:role/a*r"], {"role_arn": ROLE + "2"}, "role_arn"),
        (["--allow-role", ROLE], {"role_arn": ROLE.replace("2", "3")}, "`role_arn`"),
        (["--allow-role", ROLE], {"role_arn": ROLE, "profile": "dev"}, "`profile`"),
        (["--regions", "eu-west-1"], {"regions": ["us-east-1"]}, "`regions` `us-east-1`.*eu-west-1"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_before_aws_is_asked(
    aws: Estate, options: list[str], arguments: dict[str, Any], words: str
) -> None:
    before = aws.calls.total()
    with pytest.raises(InputError, match=words):
        read(options, **arguments)
    assert aws.calls.total() == before


@pytest.mark.usefixtures("aws")
def test_a_call_that_names_no_region_reads_the_allowed_ones() -> None:
    answer = read(["--regions", "eu-west-1"])
    assert answer.facts["regions"] == "1 of 34 enabled Regions: eu-west-1"


@pytest.mark.parametrize(
    "options",
    [
        ["--profile", "a,,b"],
        ["--regions", "mars"],
        ["--allow-role", "reader"],
        ["--allow-role", "arn:aws:iam::222222222222:user/*"],
    ],
)
def test_options_that_cannot_work_are_refused(options: list[str]) -> None:
    with pytest.raises(InputError):
        permitted_by(serve_parser().parse_args(options))


def test_the_command_line_may_name_anything(aws: Estate) -> None:
    before = aws.calls.total()
    assert tool_named("audit").run({**FEW, "profile": "prod"}).findings
    assert aws.calls.total() > before
