"""An operation that AWS throttles again and again is given up, in this Region alone; a session that has run out, everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from aws_iam.account.calls.circuit_breaker import (
    DEADLINE_SECONDS,
    MAX_THROTTLED,
    MAX_TIMEOUTS,
    CircuitBreaker,
)
from aws_iam.account.calls.clients import WORKERS
from aws_iam.account.calls.failures import SessionExpired
from aws_iam.account.collect.fact import Miss, MissKind, RefusedError
from aws_iam.account.collect.identity.authorization import AUTHORIZATION
from aws_iam.account.collect.identity.last_accessed import LAST_ACCESSED
from helpers.scripted_aws import ACCOUNT, Refusal, Script

if TYPE_CHECKING:
    from aws_iam.account.calls.aws import Aws

THROTTLED = Refusal("Throttling", "Rate exceeded", 400)
KEYS = "kms:ListKeys"


def _asked(aws: Aws, region: str, times: int, operation: str = KEYS) -> list[Any]:
    return [aws.value_or_miss(lambda: aws.need(operation, region=region)) for _ in range(times)]


def test_after_a_few_throttled_calls_in_a_row_no_more_are_made() -> None:
    script = Script({KEYS: THROTTLED})
    aws = script.aws()
    misses = _asked(aws, "eu-west-1", MAX_THROTTLED + 3)
    assert script.operations == [KEYS] * MAX_THROTTLED
    last = misses[-1]
    assert (last.kind, last.code) == (MissKind.THROTTLED, "NotAskedAgain")
    assert last.message == f"not asked: AWS had throttled {MAX_THROTTLED} such calls in a row"
    assert "throttled" in str(last)
    assert "NotAskedAgain" in str(last)
    # The limits of an operation are its own, and those of a Region.
    _asked(aws, "eu-west-2", 1)
    _asked(aws, "eu-west-1", 1, "kms:ListAliases")
    _asked(script.aws(), "eu-west-1", 1)
    assert len(script.operations) == MAX_THROTTLED + 3
    aws.close()


def test_any_other_answer_starts_the_count_again() -> None:
    for other in ({}, Refusal()):
        answers = [*[THROTTLED] * (MAX_THROTTLED - 1), other, *[THROTTLED] * (MAX_THROTTLED - 1)]
        waiting = iter(answers)
        script = Script({KEYS: lambda *_, waiting=waiting: next(waiting)})
        aws = script.aws()
        _asked(aws, "eu-west-1", len(answers))
        assert len(script.operations) == len(answers)
        aws.close()


def test_two_hundred_identities_are_not_throttled_one_by_one() -> None:
    users = [
        {
            "UserName": f"u{n}",
            "Arn": f"arn:aws:iam::{ACCOUNT}:user/u{n}",
            "Path": "/",
            "UserId": "A" * 16,
        }
        for n in range(200)
    ]
    job = "iam:GenerateServiceLastAccessedDetails"
    script = Script(
        {"iam:GetAccountAuthorizationDetails": {"UserDetailList": users}, job: THROTTLED}
    )
    aws = script.aws()
    assert not isinstance(aws.fact_or_miss(AUTHORIZATION, ""), Miss)
    usage = aws.fact_or_miss(LAST_ACCESSED, "")
    aws.close()
    assert script.operations.count(job) <= MAX_THROTTLED + WORKERS
    kinds = {identity.services.kind for identity in usage.identities}
    assert (len(usage.identities), kinds) == (200, {MissKind.THROTTLED})


def test_after_a_session_has_expired_no_call_is_made() -> None:
    script = Script({KEYS: Refusal("ExpiredTokenException", "expired", 400)})
    aws = script.aws()
    for region in ("eu-west-1", "eu-west-2"):
        with pytest.raises(SessionExpired) as over:
            aws.need(KEYS, region=region)
        assert over.value.code == "ExpiredTokenException"
    assert script.operations == [KEYS]
    aws.close()


def test_a_reading_that_aws_lets_hang_ends_at_its_deadline_and_one_that_is_answered_has_none() -> (
    None
):
    moment = 0.0
    breaker = CircuitBreaker(lambda: moment)
    hanging = ReadTimeoutError(endpoint_url="https://s3.amazonaws.com")
    moment = DEADLINE_SECONDS + 1.0
    breaker.record_answer("s3:ListBuckets", "")
    # However long it takes: what is answered is read.
    breaker.allow("s3:GetBucketPolicy", "")
    for _ in range(MAX_TIMEOUTS):
        breaker.record_failure(hanging, "s3:GetBucketPolicy", "", "")
    with pytest.raises(RefusedError) as refused:
        breaker.allow("iam:ListUsers", "us-east-1")
    assert (refused.value.miss.kind, refused.value.miss.code) == (
        MissKind.TIMEOUT,
        "DeadlineReached",
    )
    assert "AWS let calls hang, and the reading had taken 10 minutes" in refused.value.miss.message
    moment = DEADLINE_SECONDS - 1.0
    breaker.allow("iam:ListUsers", "us-east-1")
