"""`irsa denied` with a token: what its signature proves, what no token is, and that none ever comes back."""

from __future__ import annotations

import base64
import hmac
import json
import os
import subprocess
import sys
from importlib.metadata import requires
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from aws_iam.answer import to_json
from aws_iam.errors import AwsIamError, InputError
from aws_iam.tools.irsa.actions import tool
from helpers.folders import ROOT
from helpers.loopback import serving
from helpers.trust_of_issuers import CLAIMS, GITHUB, OPEN, ask, trust

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

RSA = RSAKey.generate_key(2048, {"kid": "one"})
OTHER = RSAKey.generate_key(2048, {"kid": "one"})
EC = ECKey.generate_key("P-256", {"kid": "two"})


def signed(key: Any, algorithm: str = "RS256", **changed: Any) -> str:
    header = {"alg": algorithm, "kid": key.kid} if key.kid else {"alg": algorithm}
    return jwt.encode(header, {**CLAIMS, **changed}, key, algorithms=[algorithm])


def keys(*private: Any) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in private]}


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "ES256"])
def test_a_good_signature_is_valid(algorithm: str) -> None:
    key = EC if algorithm.startswith("ES") else RSA
    answer = ask(token=signed(key, algorithm), jwks=keys(RSA, EC))
    assert answer.facts["signature"] == "valid"
    assert answer.findings == ()


def test_a_signature_by_another_key_is_refused_though_the_policy_would_let_it_in() -> None:
    answer = ask(token=signed(OTHER), jwks=json.dumps(keys(RSA)))
    assert [finding.code for finding in answer.findings] == ["TOKEN-SIGNATURE"]
    assert "AWS refuses it anyway" in answer.summary
    assert ask(token=signed(RSA), jwks=keys(EC)).findings[0].code == "TOKEN-SIGNATURE"


def test_a_changed_token_is_refused() -> None:
    head, _, signature = signed(RSA).split(".")
    other = part({**CLAIMS, "sub": "repo:evil/app:ref:refs/heads/main"})
    answer = ask(token=f"{head}.{other}.{signature}", jwks=keys(RSA))
    assert "TOKEN-SIGNATURE" in [finding.code for finding in answer.findings]


def part(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def unsigned(header: Any, claims: Any = CLAIMS, signature: str = "") -> str:
    return f"{part(header)}.{part(claims)}.{signature}"


@pytest.mark.parametrize("name", ["none", "None", "NONE"])
def test_a_token_without_signature_is_refused_whatever_the_keys(name: str) -> None:
    for arguments in ({}, {"jwks": keys(RSA)}):
        answer = ask(token=unsigned({"alg": name}), **arguments)
        assert [finding.code for finding in answer.findings] == ["TOKEN-ALGORITHM"]
        assert "not signed at all" in answer.findings[0].message


def test_a_public_key_is_never_taken_for_a_shared_secret() -> None:
    head = unsigned({"alg": "HS256"}).rstrip(".")
    made = hmac.digest(RSA.as_pem(private=False), head.encode(), "sha256")
    signature = base64.urlsafe_b64encode(made).decode().rstrip("=")
    answer = ask(token=f"{head}.{signature}", jwks=keys(RSA))
    assert [finding.code for finding in answer.findings] == ["TOKEN-ALGORITHM"]


def test_an_unknown_algorithm_is_not_repeated() -> None:
    answer = ask(token=unsigned({"alg": "MARKER-9d2"}))
    assert answer.findings[0].code == "TOKEN-ALGORITHM"
    assert "MARKER-9d2" not in json.dumps(to_json(answer))


@pytest.mark.parametrize(
    "key", [{"kty": "RSA"}, {"kty": "RSA", "n": 5, "e": []}, {"kty": "RSA", "n": "!", "e": "AQAB"}]
)
def test_keys_that_are_none_prove_nothing(key: dict[str, Any]) -> None:
    answer = ask(token=signed(RSA), jwks={"keys": [key]})
    assert [finding.code for finding in answer.findings] == ["TOKEN-SIGNATURE"]


HOSTILE = {
    "a wrong type of token": {"token": 5},
    "two parts": {"token": "eyJMARKER.abc"},
    "an encrypted token": {"token": "eyJMARKER.a.b.c.d"},
    "no base64": {"token": "eyJ!MARKER.abc.def"},
    "a header that is none": {"token": f"{part('MARKER')}.{part(CLAIMS)}.x"},
    "a header that is a list": {"token": f"{part(['MARKER'])}.{part(CLAIMS)}.x"},
    "a payload that is no JSON": {"token": f"{part({'alg': 'RS256'})}.{part('{MARKER')}.x"},
    "a payload that is no object": {"token": f"{part({'alg': 'RS256'})}.{part(['MARKER'])}.x"},
    "a payload nested deeply": {"token": unsigned({"alg": "RS256"}, "[" * 6000)},
    "a token of a megabyte": {"token": "eyJMARKER" + "a" * 1_000_000 + ".b.c"},
    "a token among the claims": {"claims": "eyJMARKER.abc.def"},
    "claims of megabytes": {"claims": json.dumps({"sub": "MARKER" * 500_000})},
    "more than 10,000 claims": {"claims": {f"c{n}": "MARKER" for n in range(10_001)}},
    "a claim of 100,000 characters": {"claims": {**CLAIMS, "sub": "MARKER" * 20_000}},
    "a subject that is a list": {"claims": {**CLAIMS, "sub": ["MARKER"]}},
    "an audience that is an object": {"claims": {**CLAIMS, "aud": {"MARKER": 1}}},
    "an audience of nothing": {"claims": {**CLAIMS, "aud": []}},
    "an end that is text": {"claims": {**CLAIMS, "exp": "MARKER"}},
    "an end that is true": {"claims": {**CLAIMS, "exp": True}},
    "an end in the far future": {"claims": {**CLAIMS, "exp": 1e300}},
    "an end that is no number": {"claims": '{"exp": NaN, "sub": "MARKER"}'},
    "a number without end": {"claims": '{"exp": 1' + "0" * 5000 + ', "sub": "MARKER"}'},
    "a claim twice": {"claims": '{"sub": "MARKER", "sub": "x"}'},
    "claims that are a list": {"claims": ["MARKER"]},
    "no JSON": {"claims": "{MARKER"},
    "both": {"claims": CLAIMS, "token": "eyJMARKER"},
    "neither": {},
    "keys without a token": {"claims": CLAIMS, "jwks": {"keys": []}},
    "keys that are none": {"token": signed(RSA), "jwks": "MARKER"},
    "too many keys": {"token": signed(RSA), "jwks": {"keys": [{}] * 201}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_token_is_a_clear_error_that_repeats_none_of_it(name: str) -> None:
    with pytest.raises(InputError) as refused:
        ask(**HOSTILE[name])
    text = str(refused.value)
    assert "MARKER" not in text
    assert "\n" not in text
    assert len(text) < 300
    assert refused.value.__cause__ is None


def test_10_000_claims_are_read_and_only_those_that_aws_maps_are_told() -> None:
    many = {f"claim{n}": f"never-shown-{n}" for n in range(9_990)}
    answer = ask(claims={**many, **CLAIMS})
    assert answer.decision.outcome == "Allowed"
    assert set(answer.facts["condition_keys"]) == {f"{GITHUB}:aud", f"{GITHUB}:sub"}
    assert "never-shown" not in json.dumps(to_json(answer))


def test_hostile_values_of_claims_are_shown_escaped() -> None:
    answer = ask(claims={**CLAIMS, "sub": "repo:a`\x1b[2J\u202e\n# x"})
    shown = json.dumps(to_json(answer), ensure_ascii=False)
    # An artifact is a file: there JSON itself escapes what is below a space.
    assert not any(word in shown.replace("\\\\", "") for word in ("\x1b", "\\u001b[2J\n"))
    assert "\u202e" not in answer.summary
    assert "\n" not in answer.summary


@pytest.mark.parametrize("how", ["valid", "broken"])
def test_a_token_is_in_no_output_and_in_no_file(how: str, tmp_path: Path) -> None:
    token = {
        "valid": signed(RSA),
        "broken": signed(RSA)[:-1] + "!",
    }[how]
    (tmp_path / "trust.json").write_text(json.dumps(OPEN), encoding="utf-8")
    (tmp_path / "keys.json").write_text(json.dumps(keys(RSA)), encoding="utf-8")
    base = [sys.executable, "-m", "aws_iam", "irsa", "denied", "--document", "trust.json"]
    env = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    env["PYTHONPATH"] = str(ROOT / "server")
    written = b""
    for arguments, given_ in (
        (["--token", "-", "--jwks", "keys.json"], token),
        (["--token", token, "--detail", "full", "--json"], None),
        (["--claims", token], None),
    ):
        done = subprocess.run(
            [*base, *arguments], input=(given_ or "").encode(), capture_output=True, cwd=tmp_path,
            env=env, check=False,
        )  # fmt: skip
        assert done.returncode in {0, 1, 2}
        assert b"Traceback" not in done.stderr
        written += done.stdout + done.stderr
    for file in tmp_path.rglob("*"):
        written += file.read_bytes() if file.is_file() else b""
    for piece in filter(None, (token, *token.split("."))):
        assert piece.encode() not in written
    assert b"never-shown-7f3a" not in written


def test_a_token_is_in_nothing_that_the_server_says(tmp_path: Path) -> None:
    token = signed(RSA)
    calls = [{"token": token}, {"token": token[:-1] + "!"}, {"claims": token}, {"jwks": token}]
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    lines: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]
    for number, arguments in enumerate(calls, 1):
        given_ = {"action": "denied", "document": OPEN, **arguments}
        params = {"name": "irsa", "arguments": given_}
        lines.append({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
    env = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    env["PYTHONPATH"] = str(ROOT / "server")
    said = []
    with (tmp_path / "log").open("w") as log, subprocess.Popen(
        [sys.executable, "-m", "aws_iam", "serve"], env=env, cwd=tmp_path, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
    ) as server:  # fmt: skip
        assert server.stdin
        assert server.stdout
        for line in lines:
            server.stdin.write(json.dumps(line) + "\n")
            server.stdin.flush()
            if "id" in line:
                said.append(server.stdout.readline())
        server.stdin.close()
    assert "Allowed" in said[1]
    assert all('"isError":true' in line for line in said[2:])
    written = "".join(said) + (tmp_path / "log").read_text(encoding="utf-8")
    assert not any(piece in written for piece in token.split("."))


@pytest.mark.parametrize("name", ["detail", "provider", "document", "account", "jwks", "unknown"])
def test_a_token_in_a_wrong_argument_is_not_repeated(name: str) -> None:
    token = signed(RSA)
    arguments = {"action": "denied", "document": OPEN, "claims": CLAIMS, name: token}
    with pytest.raises(InputError) as refused:
        tool.run(arguments)
    assert not any(piece in str(refused.value) for piece in token.split("."))


def discovery(server: Any, *made: Any) -> None:
    server.answers["/.well-known/openid-configuration"] = {"jwks_uri": f"{server.url}/keys"}
    server.answers["/keys"] = keys(*made)


def test_keys_are_fetched_from_the_issuer_that_the_policy_names() -> None:
    with serving() as server:
        discovery(server, RSA)
        document = trust({"StringEquals": {"$:aud": "sts.amazonaws.com"}}, server.host)
        token = signed(RSA, iss=f"https://{server.host}")
        answer = ask(document, token=token, jwks="fetch")
        assert answer.facts["signature"] == "valid"
        assert [path for path, _ in server.asked] == ["/.well-known/openid-configuration", "/keys"]
        assert not any(token in json.dumps(headers) for _, headers in server.asked)


def test_keys_are_never_fetched_from_an_issuer_that_only_the_token_names() -> None:
    with serving() as server:
        discovery(server, RSA)
        with pytest.raises(InputError, match="that the trust policy names"):
            ask(token=signed(RSA, iss=f"https://{server.host}"), jwks="fetch")
        assert server.asked == []


@pytest.mark.parametrize(
    ("document", "keys_", "says"),
    [
        (404, {}, "answers 404"),
        (b"no JSON", {}, "no JSON"),
        ({"jwks_uri": 5}, {}, "no `jwks_uri`"),
        ({"jwks_uri": "file:///etc/passwd"}, {}, "not an address"),
        ({"jwks_uri": "http://192.0.2.1/keys"}, {}, "not an address"),
        ({"jwks_uri": "https://a:b@127.0.0.1/keys"}, {}, "not an address"),
        (None, b"x" * 1_000_001, "more than"),
        (None, {"keys": "x"}, "list `keys`"),
    ],
)
def test_an_issuer_that_answers_badly_is_an_error(document: Any, keys_: Any, says: str) -> None:
    with serving() as server:
        discovery(server, RSA)
        server.answers["/keys"] = keys_
        if document is not None:
            server.answers["/.well-known/openid-configuration"] = document
        policy = trust({"StringEquals": {"$:aud": "sts.amazonaws.com"}}, server.host)
        with pytest.raises(AwsIamError) as refused:
            ask(policy, token=signed(RSA, iss=f"https://{server.host}"), jwks="fetch")
        assert says in str(refused.value)


def test_the_library_that_checks_signatures_comes_with_the_mcp_sdk() -> None:
    wanted = [require for require in requires("mcp") or () if require.lower().startswith("pyjwt")]
    assert len(wanted) == 1
    assert "[crypto]" in wanted[0]
