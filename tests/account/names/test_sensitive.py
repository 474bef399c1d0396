"""What counts as a secret by its name or its look, and that nothing of a value stays."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any

import boto3
import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.account.guard.allowlist import guard
from aws_iam.account.names.secret_names import secret_word
from aws_iam.account.names.sensitive import (
    ValueKind,
    classified_variable,
    exposure,
    key_format,
    secrets_in_text,
)
from aws_iam.errors import OffTheAllowlistError
from helpers.folders import TESTS
from helpers.tables.each import for_each

SECRET_NAMES = {
    "DB_PASSWORD": "password",
    "dbPassword": "password",
    "api-key": "api key",
    "APIKEY": "apikey",
    "GITHUB_TOKEN": "token",
    "clientSecret": "secret",
    "/prod/app/private_key": "private key",
    "MongoConnectionString": "connection string",
    "ACCESS_KEY_2": "access key",
}
OTHER_NAMES = (
    "PARTITION_KEY",
    "publicKey",
    "MONKEY",
    "keyboard",
    "PASSWORD_MIN_LENGTH",
    "SECRET_ARN",
    "secretName",
    "TOKEN_ENDPOINT",
    "TOKEN_TTL_SECONDS",
    "tokenizer",
    "",
)


@pytest.mark.parametrize(("name", "word"), SECRET_NAMES.items())
def test_a_name_that_suggests_a_secret_gives_the_word(name: str, word: str) -> None:
    assert secret_word(name) == word


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_a_name_that_is_only_about_a_secret_gives_no_word(name: str) -> None:
    assert secret_word(name) == ""


KINDS = (
    ("", ValueKind.EMPTY, ""),
    ("true", ValueKind.SETTING, ""),
    ("300", ValueKind.SETTING, ""),
    ("arn:aws:secretsmanager:eu-west-1:111122223333:secret:a-b1C2d3", ValueKind.REFERENCE, ""),
    ("{{resolve:secretsmanager:prod/db}}", ValueKind.REFERENCE, ""),
    ("/prod/app/db", ValueKind.REFERENCE, ""),
    ("prod/app/db", ValueKind.REFERENCE, ""),
    ("https://example.com/token", ValueKind.REFERENCE, ""),
    ("my-app-secret", ValueKind.WORDS, ""),
    ("AppDatabaseSecret", ValueKind.WORDS, ""),
    ("Tr0ub4dor&3", ValueKind.TEXT, ""),
    ("ghp_" + "a1B2" * 9, ValueKind.KEY, "GitHub token"),
    ("AKIA" + "Q" * 16, ValueKind.KEY, "AWS access key id"),
    ("AKIAIOSFODNN7EXAMPLE", ValueKind.TEXT, ""),
    ("postgres://app:hunter2@db/app", ValueKind.KEY, "address with a password"),
    ("postgres://app:${PASSWORD}@db/app", ValueKind.REFERENCE, ""),
    ("-----BEGIN RSA PRIVATE KEY-----\nMII", ValueKind.KEY, "private key"),
)


@pytest.mark.parametrize(("value", "kind", "form"), KINDS)
def test_a_value_has_a_kind(value: str, kind: ValueKind, form: str) -> None:
    found = classified_variable("X", value)
    assert (found.kind, found.format) == (kind, form)


def test_the_name_of_a_stored_secret_is_a_reference_and_no_secret() -> None:
    stored = frozenset({"Db-Secret-2024"})
    assert classified_variable("DB_SECRET", "Db-Secret-2024", stored).kind is ValueKind.REFERENCE
    assert classified_variable("DB_SECRET", "Db-Secret-2024").kind is ValueKind.TEXT


PLAINTEXT = json.loads(
    (TESTS / "cases" / "secrets" / "plaintext-names.json").read_text(encoding="utf-8")
)


def written(parts: list[Any]) -> str:
    """A value of the case file: parts, of which some are repeated."""
    return "".join(part if isinstance(part, str) else part[0] * part[1] for part in parts)


@for_each(PLAINTEXT["names"], name=lambda case: case["name"])
def test_a_name_that_scanners_know_is_exposed(case: dict[str, Any]) -> None:
    variable = classified_variable(case["name"], written(case.get("value", ["Tr0ub4dor&3"])))
    held = exposure(variable)
    assert held is not None
    assert held.guess is case.get("guess", False)


@for_each(PLAINTEXT["values"], name=lambda case: case["shape"])
def test_a_value_that_scanners_know_is_exposed_whatever_its_name(case: dict[str, Any]) -> None:
    for name in ("SETTING", "URL", "CONFIG_1"):
        variable = classified_variable(name, written(case["value"]))
        assert (variable.kind, variable.format) == (ValueKind.KEY, case["format"]), name


@for_each(PLAINTEXT["decoys"], name=lambda case: case["name"])
def test_what_only_looks_like_a_secret_is_silent(case: dict[str, Any]) -> None:
    assert exposure(classified_variable(case["name"], written(case["value"]))) is None


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def pem(kind: str) -> str:
    return f"-----BEGIN {kind}-----\nMIIEowIBAAKCAQEA\n-----END {kind}-----\n"


PRIVATE = tuple(
    f"{of}PRIVATE KEY{block}"
    for of, block in (
        ("", ""),
        ("RSA ", ""),
        ("EC ", ""),
        ("OPENSSH ", ""),
        ("ENCRYPTED ", ""),
        ("PGP ", " BLOCK"),
    )
)


@pytest.mark.parametrize("kind", PRIVATE)
@pytest.mark.parametrize("before", ["", "\n", "\r\n", pem("CERTIFICATE")])
def test_a_private_key_in_base64_is_exposed_wherever_it_begins(kind: str, before: str) -> None:
    encoded = in_base64(before + pem(kind))
    form = "private key in base64"
    assert classified_variable("TLS_DATA", encoded).format == form
    assert [found.format for found in secrets_in_text(f"tls.pem: {encoded}\n")] == [form]


@pytest.mark.parametrize(
    "text",
    [
        *map(pem, ("CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE REQUEST")),
        "Do not store a PRIVATE KEY here",
    ],
)
def test_what_is_public_stays_silent_in_base64(text: str) -> None:
    assert exposure(classified_variable("TLS_DATA", in_base64(text))) is None


SCRIPTS = {
    "export DB_PASS=Tr0ub4dor&3": ["DB_PASS"],
    "PGPASSWORD='Tr0ub4dor&3' psql": ["PGPASSWORD"],
    '$env:DB_PASSWORD = "Tr0ub4dor!3"': ["DB_PASSWORD"],
    "client_secret: Tr0ub4dor!3": ["client_secret"],
    '{"env": {"apiKey": "Tr0ub4dor&3", "name": "x"}}': ["apiKey"],
    '{"run": ["cd /a", "export DB_PASS=Tr0ub4dor&3"]}': ["DB_PASS"],
    "mysql --password=Tr0ub4dor3 -e 1": ["password"],
    "mysql -uroot -pTr0ub4dor3": ["mysql with a password"],
    "curl -s -u admin:Tr0ub4dor3 https://a": ["curl with a password"],
    "echo 'root:Tr0ub4dor3' | sudo chpasswd": ["password given to chpasswd"],
    "git clone https://bot:Tr0ub4dor3@git.example.com/a": ["address with a password"],
    "kubeadm join 10.0.0.1:6443 \\\n  --token abcdef.0123456789abcdef": [
        "Kubernetes bootstrap token"
    ],
    "HDR='Bearer k9z7qk9z7qk9z7qk9z7q'": ["HDR"],
    "cat > ~/.netrc <<E\nmachine h login u password p4ssX9\nE": ["netrc with a password"],
    "export DATABASE_URL=POSTGRES://u:p4ssX9@h/x": ["DATABASE_URL"],
    # Nothing is written down here.
    'echo "machine h login $USER password $PASS" > ~/.netrc': [],
    "DB_PASSWORD=$(aws secretsmanager get-secret-value --secret-id a)": [],
    "TOKEN=`cat /run/token`; read -s PASSWORD": [],
    'export DB_PASSWORD="${PASSWORD}"; echo password=$1': [],
    'password = get_secret("db"); token = os.environ["TOKEN"]': [],
    "$password = ConvertTo-SecureString $x": [],
    "# the password: see the vault, token: none": [],
    'Password: !Ref Password\npassword: "{{ vault }}"\nsecret: {{ ssm-secure:/a }}': [],
    '{"apiKey.$": "$.key", "token": "{% $token %}"}': [],
    "mysql -u root -p; mysql -p$PASSWORD; curl -u $USER:$PASS https://a": [],
    "aws ssm get-parameter --name /db/password --with-decryption": [],
}


@pytest.mark.parametrize(("script", "told"), SCRIPTS.items())
def test_a_script_tells_its_secrets_by_name_and_shape(script: str, told: list[str]) -> None:
    assert [found.name or found.format for found in secrets_in_text(script)] == told


@pytest.mark.growth
def test_a_script_of_megabytes_is_read_in_bounded_work() -> None:
    assert len(secrets_in_text("a_password=Tr0ub4dor3\n" * 200_000)) == 1
    many = "".join(f"password_of_{number}x=Tr0ub4dor3\n" for number in range(3_000))
    assert len(secrets_in_text(many)) <= 60


@given(st.text(max_size=300).filter(lambda text: len(text) > 12))
def test_no_part_of_a_value_is_kept(value: str) -> None:
    found = classified_variable("NAME", value)
    fixed = {"NAME", *ValueKind, "short", "medium", "long", ""}
    kept = dataclasses.asdict(found)
    assert kept.pop("format") == "" or found.kind is ValueKind.KEY
    assert set(kept.values()) <= fixed


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("xR7pQ2mK9vL4nT8wB3cZ6yH1", "random text"),
        ("glpat-" + "a1B2c" * 4, "GitLab token"),
        ("the quick brown fox jumps over the lazy dog", ""),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1a", ""),
        ("https://example.com/a/b/c/D1", ""),
        ("3.14159265358979323846", ""),
    ],
)
def test_a_plain_value_is_a_key_by_its_format_or_its_randomness(value: str, form: str) -> None:
    assert key_format(value) == form


def test_of_a_value_of_megabytes_only_the_beginning_is_read() -> None:
    assert classified_variable("TOKEN", "a:" * 2_000_000).kind is ValueKind.TEXT
    assert key_format("a1B" * 1_000_000) == ""


@pytest.mark.parametrize(
    "arguments",
    [
        {"Names": ["/a"], "WithDecryption": True},
        {"Names": ["/a"]},
        {"Names": ["/aws/reference/secretsmanager/prod/db"], "WithDecryption": False},
    ],
)
def test_the_only_call_that_answers_with_values_never_decrypts_or_resolves_a_secret(
    arguments: dict[str, object],
) -> None:
    core = botocore.session.Session()
    core.set_credentials("AKIATEST", "test")
    guard(core)
    client = boto3.Session(botocore_session=core, region_name="us-east-1").client("ssm")
    with pytest.raises(OffTheAllowlistError, match="of a secret"):
        client.get_parameters(**arguments)  # type: ignore[arg-type]
