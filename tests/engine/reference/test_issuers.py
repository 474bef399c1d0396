"""Which issuer a host belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_iam.engine.reference.issuers import Issuer, issuer_of, issuers
from helpers.tables.examples import examples

RECOGNIZED = [issuer for issuer in issuers() if issuer.pattern.pattern != "(?!)"]


def first_fitting(host: str) -> Issuer | None:
    return next((own for own in issuers() if own.pattern.fullmatch(host)), None)


@pytest.mark.parametrize("issuer", issuers(), ids=lambda issuer: issuer.id)
def test_hosts_like_that_of_an_issuer_belong_to_the_first_whose_pattern_they_fit(
    issuer: Issuer,
) -> None:
    host = issuer.issuer
    for written in (host, f"{host}/", host.upper(), f"{host}.example.com", f"x{host}"):
        assert issuer_of(written) == first_fitting(written)


@given(st.data())
@settings(max_examples=examples(200), deadline=None)
def test_a_host_belongs_to_the_first_issuer_whose_pattern_it_fits(data: st.DataObject) -> None:
    issuer = data.draw(st.sampled_from(RECOGNIZED))
    host = data.draw(st.from_regex(issuer.pattern, fullmatch=True))
    assert issuer_of(host) is not None
    more = data.draw(st.text(max_size=3))
    for written in (host, host + more, more + host, host.lower(), host * 50):
        assert issuer_of(written) == issuer_of(written) == first_fitting(written)
