"""ARNs are six fields, and follow the formats of the catalogue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam.engine.language.arn import Arn, closest_formats, fits
from aws_iam.engine.reference.catalog import catalog

BUCKET = "arn:${Partition}:s3:::${BucketName}"
OBJECT = "arn:${Partition}:s3:::${BucketName}/${ObjectName}"


def arn(text: str) -> Arn:
    parsed = Arn.of(text)
    assert parsed is not None
    return parsed


@pytest.mark.parametrize(
    "text", ["", "*", "arn:aws:s3", "arn:aws:s3:::", "urn:aws:s3:::b", "a" * 9999]
)
def test_what_has_not_six_fields_is_no_arn(text: str) -> None:
    assert (Arn.of(text) is None) is (text != "arn:aws:s3:::")


def test_the_resource_keeps_its_colons() -> None:
    parsed = arn("arn:aws:lambda:eu-west-1:111122223333:function:f:1")
    assert parsed.resource == "function:f:1"
    assert (parsed.partition, parsed.service) == ("aws", "lambda")
    assert (parsed.region, parsed.account) == ("eu-west-1", "111122223333")


def test_a_colon_in_a_policy_variable_ends_no_field() -> None:
    parsed = arn("arn:aws:s3:::b/${aws:username}/*")
    assert parsed.resource == "b/${aws:username}/*"
    assert arn("arn:aws:iam::${aws:PrincipalAccount}:role/x").account == "${aws:PrincipalAccount}"


@given(st.lists(st.text(alphabet="ab-/*?", max_size=4), min_size=5, max_size=5))
def test_an_arn_is_its_text(fields: list[str]) -> None:
    text = ":".join(("arn", *fields))
    assert str(arn(text)) == text


@pytest.mark.parametrize(
    ("text", "form", "fit"),
    [
        ("arn:aws:s3:::b", BUCKET, True),
        ("arn:aws:s3:::b/k", OBJECT, True),
        ("arn:aws:s3:::b", OBJECT, False),
        ("arn:aws:s3:::*", OBJECT, True),
        ("arn:aws:s3:::b-${aws:username}", OBJECT, True),
        ("arn:aws:s3:eu-west-1::b", BUCKET, False),
        ("arn:aws:sqs:*:*:q", BUCKET, False),
        ("arn:aws:s3:::", BUCKET, False),
        ("arn:aws:s3:::b", "no format", False),
    ],
)
def test_fitting_a_format(text: str, form: str, *, fit: bool) -> None:
    assert fits(arn(text), form) is fit


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("arn:aws:s3:::b", {BUCKET}),
        ("arn:aws:s3:::b/k", {OBJECT}),
        ("arn:aws:s3:::b/*", {OBJECT}),
        ("arn:aws:s3:::b*", {BUCKET, OBJECT}),
        ("arn:aws:s3:::*", {BUCKET, OBJECT}),
        ("arn:aws:sqs:::q", set()),
    ],
)
def test_the_format_that_says_most_is_meant(text: str, meant: set[str]) -> None:
    assert closest_formats(arn(text), {BUCKET, OBJECT}) == meant


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("arn:aws:dynamodb:eu-west-1:111122223333:table/t/index/*", {"index"}),
        ("arn:aws:dynamodb:eu-west-1:111122223333:table/t/*", {"backup", "index", "stream"}),
        ("arn:aws:dynamodb:eu-west-1:111122223333:table/t*/index/*", {"backup", "index"}),
        ("arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/*", {"webacl"}),
        ("arn:aws:lex:eu-west-1:111122223333:bot/ABCDEFGHIJ", {"bot"}),
        ("arn:aws:lex:eu-west-1:111122223333:bot:OrderFlowers", {"bot"}),
        ("arn:aws:apigateway:eu-west-1::/restapis/a1b2/stages/prod", {"Stage"}),
    ],
)
def test_a_wildcard_at_the_end_changes_no_part_before_it(text: str, types: set[str]) -> None:
    parsed = arn(text)
    found = {e.name for e in catalog().types_of_arn(parsed) if e.service == parsed.service}
    assert types <= found
    assert len(types) > 1 or found == types


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("arn:aws:iam::111122223333:role/team/app", "iam:role"),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "iam:policy"),
        ("arn:aws:kms:eu-west-1:111122223333:key/1234", "kms:key"),
        ("arn:aws:kms:eu-west-1:111122223333:alias/app", "kms:alias"),
        ("arn:aws:es:eu-west-1:111122223333:domain/logs", "es:domain"),
        ("arn:aws:rds:eu-west-1:111122223333:cluster:c", "rds:cluster"),
        ("arn:aws-cn:dynamodb:cn-north-1:111122223333:table/t/index/i", "dynamodb:index"),
        ("arn:aws:lambda:eu-west-1:111122223333:function:f", "lambda:function"),
        ("arn:aws:ec2:eu-west-1:111122223333:instance/i-1", "ec2:instance"),
        ("arn:aws:sqs:eu-west-1:111122223333:q", "sqs:queue"),
    ],
)
def test_the_service_itself_comes_first(text: str, type_: str) -> None:
    first = catalog().types_of_arn(arn(text))[0]
    assert f"{first.service}:{first.name}" == type_


def test_an_arn_of_no_service_has_no_types() -> None:
    assert catalog().types_of_arn(arn("arn:aws:nothing:::x")) == ()
