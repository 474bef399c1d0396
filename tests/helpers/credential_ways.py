"""Every way to credentials, with an answer that holds two markers where the secret key and the token are, damaged or cut.

with serving() as end:
    end.place, end.answer = place, answer    # the one answer that is not as it should be
"""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from helpers.loopback import serving_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET, TOKEN = "MARKER-SECRET-wJalrXUtnFEMI", "MARKER-TOKEN-FwoGZXIvYXdzE"
MARK = "MARKER"
ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/audit"
LATER = "2099-01-01T00:00:00Z"
XML, JSON, HTML = "text/xml", "application/json", "text/html"

IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult>"
    f"<Account>{ACCOUNT}</Account><Arn>arn:aws:iam::{ACCOUNT}:user/auditor</Arn>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


def _sts(operation: str) -> str:
    return (
        f"<{operation}Response><{operation}Result><Credentials><AccessKeyId>ASIA0000</AccessKeyId>"
        f"<SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{TOKEN}</SessionToken>"
        f"<Expiration>{LATER}</Expiration></Credentials><AssumedRoleUser>"
        f"<AssumedRoleId>AROA:x</AssumedRoleId><Arn>{ROLE}/x</Arn></AssumedRoleUser>"
        f"</{operation}Result></{operation}Response>"
    )


def _keys(**more: Any) -> str:
    given = {"AccessKeyId": "ASIA0000", "SecretAccessKey": SECRET}
    return json.dumps(given | more)


WHOLE = {
    "AssumeRole": _sts("AssumeRole"),
    "AssumeRoleWithWebIdentity": _sts("AssumeRoleWithWebIdentity"),
    "/federation/credentials": json.dumps(
        {
            "roleCredentials": {
                "accessKeyId": "ASIA0000",
                "secretAccessKey": SECRET,
                "sessionToken": TOKEN,
                "expiration": 4070908800000,
            }
        }
    ),
    "/token": json.dumps(
        {
            "accessToken": SECRET,
            "refreshToken": TOKEN,
            "tokenType": "Bearer",
            "expiresIn": 3600,
        }
    ),
    "/v1/token": json.dumps(
        {
            "accessToken": {
                "accessKeyId": "ASIA0000",
                "secretAccessKey": SECRET,
                "sessionToken": TOKEN,
            },
            "tokenType": "aws_sigv4",
            "expiresIn": 900,
            "refreshToken": TOKEN,
        }
    ),
    "/container": _keys(Token=TOKEN, Expiration=LATER),
    "/latest/meta-data/iam/security-credentials/auditor": _keys(
        Code="Success", Token=TOKEN, Expiration=LATER
    ),
    "program": _keys(Version=1, SessionToken=TOKEN, Expiration=LATER),
}
"""The whole answers, by operation of STS or by path."""


@dataclass
class End:
    """The other end of every call: one answer is damaged, the others are as they should be."""

    place: str = ""
    answer: tuple[int, str, bytes] = (200, XML, b"")
    plain: dict[str, bytes] = field(
        default_factory=lambda: {
            "/latest/api/token": b"metadata-token",
            "/latest/meta-data/iam/security-credentials/": b"auditor",
            "GetCallerIdentity": IDENTITY.encode(),
        }
    )
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def of(self, place: str) -> tuple[int, str, bytes]:
        self.asked.append(place)
        if place == self.place:
            return self.answer
        body = self.plain.get(place)
        return (500, HTML, b"<html>no</html>") if body is None else (200, XML, body)


@contextmanager
def serving() -> Iterator[End]:
    end = End()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            form = parse_qs(self.rfile.read(size).decode("latin-1"))
            place = form.get("Action", [self.path.partition("?")[0]])[0]
            status, kind, body = end.of(place)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    end.url = f"http://127.0.0.1:{server.server_address[1]}"
    with serving_thread(server):
        yield end


@dataclass(frozen=True)
class Source:
    profile: str | None = None
    regions: tuple[str, ...] = ()
    role_arn: str | None = None
    external_id: str | None = None


@dataclass
class Desk:
    """A caller's own folder and environment."""

    end: End
    folder: Path
    patch: pytest.MonkeyPatch

    def env(self, **settings: str) -> None:
        for name, value in settings.items():
            self.patch.setenv(name, value)

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def config(self, text: str) -> None:
        self.env(AWS_CONFIG_FILE=str(self.file("config", text)))

    def keys(self) -> None:
        self.env(AWS_ACCESS_KEY_ID="AKIATEST", AWS_SECRET_ACCESS_KEY="test")


def profile_with_role(desk: Desk) -> Source:
    desk.config(
        "[profile base]\naws_access_key_id=AKIATEST\naws_secret_access_key=test\n"
        f"[profile p]\nrole_arn={ROLE}\nsource_profile=base\nregion=us-east-1\n"
    )
    return Source(profile="p")


def _profile_with_web_identity(desk: Desk) -> Source:
    token = desk.file("token", "a-web-identity-token")
    desk.config(
        f"[profile p]\nrole_arn={ROLE}\nweb_identity_token_file={token}\nregion=us-east-1\n"
    )
    return Source(profile="p")


def _web_identity(desk: Desk) -> Source:
    token = desk.file("token", "a-web-identity-token")
    desk.env(AWS_ROLE_ARN=ROLE, AWS_WEB_IDENTITY_TOKEN_FILE=str(token))
    return Source()


def _signed_in(desk: Desk, expires: str) -> Source:
    desk.config(
        f"[profile p]\nsso_session=s\nsso_account_id={ACCOUNT}\nsso_role_name=r\n"
        "[sso-session s]\nsso_region=us-east-1\nsso_start_url=https://example.awsapps.com/start\n"
    )
    cached = {
        "accessToken": "sso-token",
        "expiresAt": expires,
        "refreshToken": "refresh-token",
        "clientId": "c",
        "clientSecret": "s",
        "registrationExpiresAt": LATER,
    }
    name = hashlib.sha1(b"s", usedforsecurity=False).hexdigest()
    desk.file(f"sso/{name}.json", json.dumps(cached))
    return Source(profile="p")


def _sso(desk: Desk) -> Source:
    return _signed_in(desk, LATER)


def _sso_renewal(desk: Desk) -> Source:
    return _signed_in(desk, "2020-01-01T00:00:00Z")


def _login(desk: Desk) -> Source:
    crypto: Any = pytest.importorskip("awscrt.crypto", reason="`aws login` needs awscrt")
    key = _signing_key(crypto)
    cached = {
        "accessToken": {
            "accessKeyId": "ASIA0000",
            "secretAccessKey": "old",
            "sessionToken": "old",
            "accountId": ACCOUNT,
            "expiresAt": "2020-01-01T00:00:00Z",
        },
        "refreshToken": "old",
        "dpopKey": base64.b64encode(key).decode(),
        "clientId": "c",
    }
    session = f"arn:aws:iam::{ACCOUNT}:user/auditor"
    name = hashlib.sha256(session.encode()).hexdigest()
    desk.file(f"login/{name}.json", json.dumps(cached))
    desk.env(AWS_LOGIN_CACHE_DIRECTORY=str(desk.folder / "login"))
    desk.config(f"[profile p]\nlogin_session={session}\n")
    return Source(profile="p")


def _signing_key(crypto: Any) -> bytes:
    """A new key; awscrt cannot read one of some 300 that it writes itself, those with a zero in front."""
    while True:
        key: bytes = crypto.EC.new_generate(crypto.ECType.P_256).export_key(
            crypto.ECExportFormat.SEC1
        )
        try:
            crypto.EC.new_key_from_der_data(key)
        except RuntimeError:
            continue
        return key


def program(desk: Desk) -> Source:
    """A program that prints the answer; one whose status is no 200 prints it to standard error and fails."""
    status, _, body = desk.end.answer
    said = desk.file("said", body)
    script = desk.file("program", f'#!/bin/sh\ncat "{said}"\n')
    if status != 200:
        script.write_text(f'#!/bin/sh\ncat "{said}" >&2\nexit 1\n')
    script.chmod(0o755)
    desk.config(f"[profile p]\ncredential_process = {script}\n")
    return Source(profile="p")


def _container(desk: Desk) -> Source:
    desk.env(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{desk.end.url}/container")
    return Source()


def instance(desk: Desk) -> Source:
    desk.env(AWS_EC2_METADATA_SERVICE_ENDPOINT=desk.end.url)
    return Source()


def own_role(desk: Desk) -> Source:
    desk.keys()
    return Source(role_arn=ROLE)


WAYS: dict[str, tuple[Callable[[Desk], Source], str]] = {
    "role of a profile": (profile_with_role, "AssumeRole"),
    "web identity of a profile": (_profile_with_web_identity, "AssumeRoleWithWebIdentity"),
    "web identity": (_web_identity, "AssumeRoleWithWebIdentity"),
    "sso": (_sso, "/federation/credentials"),
    "sso renewal": (_sso_renewal, "/token"),
    "login": (_login, "/v1/token"),
    "program": (program, "program"),
    "container": (_container, "/container"),
    "instance": (instance, "/latest/meta-data/iam/security-credentials/auditor"),
    "own role": (own_role, "AssumeRole"),
}
"""How credentials are come by, and the answer that holds them."""

PAGE = f"<!doctype html><title>x</title><p>{SECRET} {TOKEN}"
_BREAK = {XML: "&#10;", JSON: "\\n"}


def damages(place: str) -> dict[str, tuple[int, str, bytes]]:
    whole = WHOLE[place]
    kind = XML if whole.startswith("<") else JSON
    size = len(whole)
    behind = whole.index(TOKEN) + len(TOKEN)
    damaged = {
        "cut within the token": (200, kind, whole[: behind - 3]),
        "cut behind the token": (200, kind, whole[: behind + 2]),
        "cut at the end": (200, kind, whole[: size - 1]),
        "cut in front": (200, kind, whole[whole.index(SECRET) :]),
        "cut, as an error": (403, kind, whole[: behind + 2]),
        "cut, as a failure": (500, kind, whole[: behind + 2]),
        "whole, as an error": (400, kind, whole),
        "a page": (200, HTML, PAGE),
        "a page, as an error": (403, HTML, PAGE),
        "a page, as a failure": (500, HTML, PAGE),
        "a list": (200, kind, f"[{whole}]"),
        "a text": (200, kind, json.dumps(f"{SECRET} {TOKEN}")),
        "other names": (200, kind, whole.replace("ecret", "ecrit").replace("oken", "okin")),
        "a token on two lines": (200, kind, whole.replace(TOKEN, f"{TOKEN}{_BREAK[kind]}x")),
        "a key on two lines": (200, kind, whole.replace("ASIA0000", f"{SECRET}{_BREAK[kind]}x")),
        "a token for the date": (
            200,
            kind,
            whole.replace(LATER, TOKEN).replace("4070908800000", f'"{TOKEN}"'),
        ),
    }
    found = {name: (status, kind, text.encode()) for name, (status, kind, text) in damaged.items()}
    return found | {
        "no utf-8": (200, kind, whole.replace(TOKEN, f"{TOKEN}\xff").encode("latin-1")),
    }


CASES = [
    (way, damage, answer)
    for way, (_, place) in WAYS.items()
    for damage, answer in damages(place).items()
]
