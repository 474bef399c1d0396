"""The AWS managed policies are all there, small, dated, and opened only when one is asked for."""

from __future__ import annotations

import json

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from aws_iam import resources, validate
from aws_iam.engine.reference import managed_policies
from aws_iam.engine.reference.managed_policies import (
    ASSET,
    managed_policies_as_of,
    managed_policy,
    managed_policy_names,
    managed_policy_of_arn,
)
from aws_iam.errors import InputError

MOTO = json.loads(aws_managed_policies_data)
ARN = "arn:aws:iam::aws:policy"


def test_the_file_is_small_and_dated() -> None:
    assert resources.path(ASSET).stat().st_size <= 1_000_000
    assert managed_policies_as_of() == max(row["UpdateDate"] for row in MOTO.values())[:10]


def test_every_policy_has_the_document_of_its_default_version() -> None:
    assert set(managed_policy_names()) == set(MOTO)
    for name in [*MOTO][::7]:
        policy = managed_policy_of_arn(f"{ARN}{MOTO[name]['Path']}{name}")
        assert json.loads(policy.document) == MOTO[name]["Document"]
        assert policy.version == MOTO[name]["DefaultVersionId"]
        assert policy.changed == MOTO[name]["UpdateDate"][:10]


def test_a_name_is_found_whatever_its_case() -> None:
    assert managed_policy("readonlyaccess") == managed_policy("ReadOnlyAccess")
    assert managed_policy("NoSuchPolicy") is None


@pytest.mark.parametrize(
    ("arn", "says", "hint"),
    [
        (f"{ARN}/ReadOnlyAcces", "is not an AWS managed policy of", f"`{ARN}/ReadOnlyAccess`"),
        (
            f"{ARN}/AWSLambdaBasicExecutionRole",
            "is not an AWS managed policy of",
            f"`{ARN}/service-role/AWSLambdaBasicExecutionRole`",
        ),
        (f"{ARN}/qqqqqqqqqqqqqq", "is not an AWS managed policy of", "the document itself"),
        (
            "arn:aws-cn:iam::aws:policy/ReadOnlyAccess",
            "partition `aws-cn`",
            f"{ARN}/ReadOnlyAccess",
        ),
        ("arn:aws:iam::111122223333:policy/own", "is in the account", "get-policy-version"),
    ],
)
def test_an_arn_of_no_known_policy_says_what_to_give(arn: str, says: str, hint: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        managed_policy_of_arn(arn)
    assert hint in refused.value.hint


def test_the_file_is_opened_only_when_a_policy_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(managed_policies, "ASSET", "assets/data/no-such-file.zip")
    managed_policies._file.cache_clear()  # noqa: SLF001 - nothing public shows whether the file is open
    document = MOTO["AmazonS3ReadOnlyAccess"]["Document"]
    as_text = validate(json.dumps(document, indent=2))
    assert [finding.code for finding in validate(document)] == [
        finding.code for finding in as_text
    ]
    with pytest.raises(FileNotFoundError):
        validate(f"{ARN}/AmazonS3ReadOnlyAccess")
