from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.loaders import create_loader

from aws_iam.account.reading.collect_account import collect_from
from aws_iam.account.session import connect as connecting
from aws_iam.account.session.connect import caller, connect, home_region
from aws_iam.errors import AwsError, InputError, OffTheAllowlistError
from helpers import credential_ways
from helpers.scripted_aws import Refusal, Script, opening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Source:
    profile: str | None = None
    regions: list[str] | None = None
    role_arn: str | None = None
    external_id: str | None = None


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials, no configuration, and a closed port where the instance's metadata would be."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{_closed_port()}")


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _silent_server() -> Iterator[socket.socket]:
    """A server that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        yield server


def _connections(server: socket.socket) -> int:
    server.setblocking(False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def _configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))


def test_without_credentials_the_answer_says_how_to_connect_and_offers_the_demonstration() -> None:
    with pytest.raises(AwsError, match="no AWS credentials were found") as raised:
        connect(Source())
    for way in (
        "aws configure",
        "AWS_PROFILE",
        "aws sso login",
        "AWS_ACCESS_KEY_ID",
        "demo: true",
    ):
        assert way in raised.value.hint


@pytest.mark.growth
def test_metadata_that_accepts_and_never_answers_is_asked_twice_for_a_second_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Any] = []
    make = connecting._core  # noqa: SLF001 - the session that failed is shown nowhere else

    def kept(profile: str | None) -> Any:
        made.append(make(profile))
        return made[-1]

    monkeypatch.setattr(connecting, "_core", kept)
    with _silent_server() as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{port}")
        with pytest.raises(AwsError):
            connect(Source())
        # The look whether anything is there, the token, the role.
        assert _connections(server) == 3
    (core,) = made
    assert core.get_config_variable("metadata_service_timeout") == 1
    assert core.get_config_variable("metadata_service_num_attempts") == 1


def test_half_of_a_key_pair_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    with pytest.raises(AwsError, match="AWS_SECRET_ACCESS_KEY"):
        connect(Source())


def test_an_unknown_profile_offers_the_nearest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _configured(monkeypatch, tmp_path, "[profile production]\nregion=eu-west-1\n")
    with pytest.raises(InputError, match="no profile `prodution`; did you mean `production`"):
        connect(Source(profile="prodution"))
    monkeypatch.setenv("AWS_PROFILE", "other")
    with pytest.raises(InputError, match="other"):
        connect(Source())


def test_a_configuration_that_cannot_be_parsed_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _configured(monkeypatch, tmp_path, "[default\nregion=eu-west-1\n")
    with pytest.raises(AwsError, match="fix the AWS configuration file"):
        connect(Source())


def test_an_sso_session_without_a_sign_in_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (
        "[default]\nsso_session=s\nsso_account_id=111122223333\nsso_role_name=r\n"
        "[sso-session s]\nsso_region=us-east-1\nsso_start_url=https://example.awsapps.com/start\n"
    )
    _configured(monkeypatch, tmp_path, text)
    with pytest.raises(AwsError, match="aws sso login"):
        connect(Source())


def test_a_profile_whose_role_asks_for_a_code_never_waits_at_a_hidden_prompt(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (
        "[profile base]\naws_access_key_id=AKIATEST\naws_secret_access_key=test\n"
        f"[profile admin]\nrole_arn={ROLE}\nsource_profile=base\n"
        "mfa_serial=arn:aws:iam::111122223333:mfa/me\nregion=us-east-1\n"
    )
    _configured(monkeypatch, tmp_path, text)
    with pytest.raises(AwsError, match="needs an MFA code"):
        connect(Source(profile="admin"))


ROLE_OF_A_PROFILE = (
    "[profile base]\naws_access_key_id=AKIATEST\naws_secret_access_key=test\n"
    "[profile admin]\nrole_arn=arn:aws:iam::111122223333:role/audit\nsource_profile=base\n"
)


def test_the_region_of_the_environment_serves_the_role_of_a_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _configured(monkeypatch, tmp_path, ROLE_OF_A_PROFILE)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with credential_ways.serving() as aws:
        aws.plain["AssumeRole"] = credential_ways.WHOLE["AssumeRole"].encode()
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        session = connect(Source(profile="admin"))
    credentials: Any = session.get_credentials()
    assert credentials.access_key == "ASIA0000"
    assert session.region_name == "eu-central-1"


def test_an_endpoint_without_any_region_says_how_to_name_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _configured(monkeypatch, tmp_path, ROLE_OF_A_PROFILE)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://sts.example.com")
    with pytest.raises(AwsError, match="specify a region") as raised:
        connect(Source(profile="admin"))
    assert "AWS_REGION" in raised.value.hint


@pytest.mark.usefixtures("keys")
def test_a_session_from_the_environment_is_guarded() -> None:
    session = connect(Source())
    assert not hasattr(session.client("iam", region_name="us-east-1"), "delete_user")
    # Whoever puts the whole models there meets the guard.
    core = session._session  # noqa: SLF001 - no public way to a session's components
    core.register_component("data_loader", create_loader())
    with pytest.raises(OffTheAllowlistError):
        session.client("iam", region_name="us-east-1").delete_user(UserName="u")


@pytest.mark.usefixtures("keys")
def test_the_region_of_the_environment_is_the_home_of_global_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert home_region(connect(Source()), ()) == "us-east-1"
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    session = connect(Source())
    assert home_region(session, ()) == "eu-central-1"
    assert home_region(session, ("sa-east-1",)) == "sa-east-1"
    monkeypatch.setenv("AWS_REGION", "eu-central1")
    with pytest.raises(
        InputError, match=r"`eu-central1` is not an AWS Region.*mean `eu-central-1`"
    ):
        home_region(connect(Source()), ())


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("url", "kind", "message"),
    [
        ("http://127.0.0.1:{port}", AwsError, "check the network"),
        ("nonsense", InputError, "must be a URL"),
    ],
)
def test_an_endpoint_that_is_wrong_or_closed_is_named(
    monkeypatch: pytest.MonkeyPatch, url: str, kind: type[Exception], message: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url.format(port=_closed_port()))
    with pytest.raises(kind, match=message):
        caller(connect(Source()), "us-east-1")


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (Refusal("ExpiredToken", "expired"), "session has expired.*aws sso login"),
        (Refusal("RequestExpired", "late", 400), "clock of this machine is wrong"),
        (
            Refusal("SignatureDoesNotMatch", "Signature expired: 20260101T is now earlier"),
            "clock of this machine is wrong",
        ),
        (Refusal("SignatureDoesNotMatch", "no match"), "secret access key does not belong"),
        (Refusal("InvalidClientTokenId", "invalid"), "does not know these credentials"),
        (Refusal("AccessDenied", "quarantined\u202e"), "AWS refused GetCallerIdentity"),
        (Refusal("Throttling", "Rate exceeded", 400), "AWS throttles GetCallerIdentity .*wait a"),
        (
            Refusal("InternalFailure", "oops", 500),
            "AWS could not answer GetCallerIdentity .*later",
        ),
    ],
)
def test_each_refusal_of_the_caller_has_its_own_error(refusal: Refusal, message: str) -> None:
    script = Script(opening("us-east-1") | {"sts:GetCallerIdentity": refusal})
    with pytest.raises(AwsError, match=message) as raised:
        collect_from((), script.session(), ())
    assert "\u202e" not in str(raised.value)


@pytest.mark.parametrize(
    "role", ["admin", "arn:aws:iam::1:role/x", "arn:aws:iam::111122223333:user/x"]
)
def test_a_text_that_is_not_the_arn_of_a_role_is_refused_first(role: str) -> None:
    with pytest.raises(InputError, match="is not the ARN of a role"):
        connect(Source(role_arn=role))


def test_an_external_id_alone_is_refused() -> None:
    with pytest.raises(InputError, match="`external_id` needs `role_arn`"):
        connect(Source(external_id="x"))


ROLE = "arn:aws:iam::111122223333:role/audit"
GIVEN = {
    "AccessKeyId": "ASIAROLE000000000",
    "SecretAccessKey": "s",
    "SessionToken": "t",
    "Expiration": "2026-11-01T00:00:00Z",
}


@pytest.mark.usefixtures("keys")
def test_a_role_is_assumed_by_name_and_with_its_external_id() -> None:
    who = {"AssumedRoleId": "AROA:x", "Arn": f"{ROLE}/aws-iam-audit"}
    answer = {"Credentials": dict(GIVEN, Expiration=0), "AssumedRoleUser": who}
    script = Script({"sts:AssumeRole": answer})
    assumed = connecting._assumed(  # noqa: SLF001 - the part of `connect` after the credentials
        script.session(), Source(role_arn=ROLE, external_id="secret-handshake")
    )
    ((operation, _, given),) = script.calls
    assert operation == "sts:AssumeRole"
    assert (given["RoleSessionName"], given["ExternalId"]) == ("aws-iam-audit", "secret-handshake")
    credentials: Any = assumed.get_credentials()
    assert credentials.access_key == GIVEN["AccessKeyId"]


def test_a_role_that_may_not_be_assumed_says_where_to_look() -> None:
    script = Script({"sts:AssumeRole": Refusal("AccessDenied", "not authorized")})
    with pytest.raises(AwsError, match=r"AWS refused AssumeRole.*trust policy"):
        connecting._assumed(script.session(), Source(role_arn=ROLE))  # noqa: SLF001


def test_other_sessions_of_the_process_are_not_guarded() -> None:
    session = boto3.Session(
        aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
    )
    connect_error: Any = None
    try:
        url = session.client("s3").generate_presigned_url(
            "get_object", {"Bucket": "b", "Key": "k"}
        )
    except OffTheAllowlistError as error:
        connect_error = error
    assert connect_error is None
    assert url
