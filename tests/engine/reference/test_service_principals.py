"""Service principals with a slip of one letter, told from those that nobody here knows."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_iam import resources
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.global_keys import global_keys, supported_services
from aws_iam.engine.reference.service_principals import misspelled_principal

SEEN: list[str] = json.loads(resources.text("assets/data/service-principals.json"))["seen"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("lamda.amazonaws.com", "lambda.amazonaws.com"),
        ("lambad.amazonaws.com", "lambda.amazonaws.com"),
        ("lambdaa.amazonaws.com", "lambda.amazonaws.com"),
        ("cloudfornt.amazonaws.com", "cloudfront.amazonaws.com"),
        ("pod.eks.amazonaws.com", "pods.eks.amazonaws.com"),
        ("secretmanager.eu-west-1.amazonaws.com", "secretsmanager.eu-west-1.amazonaws.com"),
        ("eventss.amazonaws.com.cn", "events.amazonaws.com.cn"),
    ],
)
def test_a_slip_of_one_letter_has_what_was_meant(written: str, meant: str) -> None:
    assert misspelled_principal(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "ec3.amazonaws.com",
        "brand-new-thing.amazonaws.com",
        "lmbd.amazonaws.com",
        "vpc-flow-logs.amazonaws.com",
        "edgelambda.amazonaws.com",
        "states.eu-west-1.amazonaws.com",
        "lambda",
        "lamda.amazon.com",
        "",
        ".amazonaws.com",
        "a" * 100_000 + ".amazonaws.com",
    ],
)
def test_what_may_be_right_is_let_be(written: str) -> None:
    assert misspelled_principal(written) is None


def test_no_service_principal_of_aws_is_a_slip_of_another() -> None:
    names = (*SEEN, *catalog().services)
    assert [name for name in names if misspelled_principal(f"{name}.amazonaws.com")] == []


@given(name=st.sampled_from([name for name in SEEN if len(name) > 6]), data=st.data())
def test_a_dropped_letter_is_found_unless_the_rest_is_a_name_too(
    name: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(name) - 1))
    meant = misspelled_principal(f"{name[:at]}{name[at + 1 :]}.amazonaws.com")
    if meant:
        assert abs(len(meant) - len(f"{name}.amazonaws.com")) <= 2


@pytest.mark.parametrize(
    "key", ["aws:sourcevpcarn", "aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths"]
)
def test_the_services_that_supply_an_endpoint_key_are_known_ones(key: str) -> None:
    services = supported_services(key)
    assert len(services) > 30
    assert services <= catalog().services
    assert global_keys()[key].presence_rule.startswith("vpc_endpoint_supported")


def test_other_keys_are_not_limited_to_services() -> None:
    assert supported_services("aws:principalorgid") == frozenset()
