"""Which values of a condition no stranger can have."""

from __future__ import annotations

import pytest

from aws_iam.engine.effective.caller_conditions import is_fixed


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aws:principalorgid", "o-exampleorg"),
        ("aws:principalorgid", "${aws:ResourceOrgID}"),
        ("aws:principalorgpaths", "o-abc123/*"),
        ("aws:principalorgpaths", "o-abc123/${aws:PrincipalTag/path}/*"),
        ("aws:principalaccount", "${AWS:resourceaccount}"),
        ("aws:userid", "AROAEXAMPLEID:*"),
        ("aws:userid", "AROAEXAMPLEID:${aws:PrincipalTag/name}"),
        ("aws:userid", "111122223333"),
        ("aws:principalarn", "arn:aws:iam::111122223333:*"),
        ("aws:principalarn", "arn:aws:iam::111122223333*"),
        ("aws:principalarn", "arn:aws:iam::111122223333:user/${aws:username}"),
        ("aws:principalarn", "arn:aws:iam::${aws:ResourceAccount}:role/app"),
        ("aws:sourcearn", "arn:aws:sns:*:111122223333:*"),
        ("aws:sourcearn", "arn:*:sns:${aws:RequestedRegion}:111122223333:jobs"),
        ("aws:sourcearn", "arn:aws:s3:::my-bucket"),
        ("aws:sourcearn", "arn:aws:s3:::my-bucket/*"),
        ("aws:sourcearn", "arn:aws:s3:*:*:my-bucket"),
        ("aws:sourcearn", "arn:*:apigateway:eu-west-1::/restapis/a1b2c3"),
        ("s3:dataaccesspointarn", "arn:aws:s3:*:111122223333:accesspoint/*"),
        ("aws:sourceip", "203.0.113.0/24"),
    ],
)
def test_a_value_that_says_whose_it_is_keeps_strangers_out(key: str, value: str) -> None:
    assert is_fixed(key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aws:principalorgid", "o-*"),
        ("aws:principalorgid", "o-exampleorg*"),
        ("aws:principalorgid", "${aws:PrincipalOrgID}"),
        ("aws:principalorgpaths", "o-*/*"),
        ("aws:principalorgpaths", "/"),
        ("aws:principalaccount", "${aws:PrincipalAccount}"),
        ("aws:principalaccount", ""),
        ("aws:sourceaccount", "1*"),
        ("aws:sourcevpc", "vpc-*"),
        ("aws:sourcevpce", "vpce-????????"),
        ("aws:userid", "A*"),
        ("aws:userid", "*:deploy"),
        ("aws:userid", "AROA*:deploy"),
        ("aws:principalarn", ""),
        ("aws:principalarn", "arn:aws:*"),
        ("aws:principalarn", "arn:aws:iam*"),
        ("aws:principalarn", "arn:aws:iam::1*"),
        ("aws:principalarn", "*:role/deploy"),
        ("aws:principalarn", "arn:aws:iam::${aws:PrincipalAccount}:root"),
        ("aws:sourcearn", "arn:aws:s3:::*"),
        ("aws:sourcearn", "arn:aws:s3:::m*"),
        ("aws:sourcearn", "arn:aws:s3:*:*:m*"),
        ("aws:sourcearn", "arn:aws:s3:*:*:accesspoint/mine"),
        ("aws:sourcearn", "arn:aws:route53:::hostedzone/*"),
        ("aws:sourceip", "*"),
        ("aws:sourceip", "${aws:SourceIp}"),
        ("aws:sourceip", "0.0.0.0/1"),
        ("aws:useragent", "ours"),
    ],
)
def test_a_value_that_strangers_can_have_keeps_nobody_out(key: str, value: str) -> None:
    assert not is_fixed(key, value)
