"""What a failed call means: a `Miss` for one fact, or an `AwsError` that ends the run."""

from __future__ import annotations

import re
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from aws_iam.account.actions import action_of
from aws_iam.account.allowlist import OffTheAllowlistError
from aws_iam.account.fact import Miss, MissKind, RefusedError
from aws_iam.errors import AwsError, AwsIamError
from aws_iam.escape import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILURES = (ClientError, BotoCoreError, ResponseParserError)
"""What the SDK raises when a call fails; an answer that it cannot parse stands outside its own tree."""

Failure = ClientError | BotoCoreError | ResponseParserError

# What our own handlers raise inside of the SDK, and what a test asserts there.
_OURS = (RefusedError, AwsIamError, OffTheAllowlistError, CancelledError, AssertionError)

_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "UnauthorizedOperation",
    "NotAuthorized",
}
_THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
    "RequestThrottled",
    "RequestThrottledException",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
    "BandwidthLimitExceeded",
    "ProvisionedThroughputExceededException",
    # Of a read it is a rate: https://docs.aws.amazon.com/apigateway/latest/api/API_GetStages.html
    "LimitExceededException",
    "429",
}
# A Region that the account has not opted in to does not know its credentials; the identity call has proved them good.
_UNSUPPORTED = {
    "AuthFailure",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "OptInRequired",
    "NotSignedUp",
    "SubscriptionRequiredException",
    "InvalidAction",
    "UnknownOperationException",
    "UnsupportedOperation",
    "UnsupportedOperationException",
    "NotImplemented",
    "501",
    "404",
}
_ELSEWHERE = {"AccountNotManagementOrDelegatedAdministratorException"}
# EC2 has a word of its own; the clock, which other services mean by it, was right for the identity call.
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}
_ABSENT = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
# A permission would change nothing: AWS answers 403 to these too.
_NO_REFUSAL = {
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
}
# What the SDK calls an answer that names no code: a HEAD of S3 has none, and neither has a proxy's page.
_NAMELESS = {"", "403"}
_TIMEOUTS = {"RequestTimeout", "RequestTimeoutException", "408", "504"}
_ACTION = re.compile(r"not authorized to perform:? ([a-z0-9-]{2,40}:[A-Za-z0-9]{2,80})\b")
_FORBIDDEN = 403


@contextmanager
def calling() -> Iterator[None]:
    """A call of the SDK, and nothing else: whatever it stumbles over in an answer leaves it as one of FAILURES.

    Its parsers trust what they are given: of somebody else's page, or of a proxy's, they raise a KeyError or a TypeError.
    """
    try:
        yield
    except (*FAILURES, *_OURS):
        raise
    except Exception as error:
        words = escaped(str(error)) or "no reason is given"
        raise ResponseParserError(f"the SDK cannot read the answer: {words}") from error


def code_of(error: BaseException) -> str:
    """AWS's error code; for what never reached AWS the SDK's name of it."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def miss_of(error: Failure, operation: str, region: str, owner: str) -> Miss:
    """The miss that a failure means; AwsError when it means that nothing more can be read.

    `owner` is the other account that what was asked for belongs to, empty when it is the account's own.
    """
    code, text = code_of(error), _text_of(error)
    if code in _EXPIRED:
        raise expired(code)
    kind = _kind_of(error, code, text)
    if owner and kind in (MissKind.DENIED, MissKind.ABSENT, MissKind.BROKEN):
        kind, text = MissKind.ELSEWHERE, f"account {owner}"
    found = _ACTION.search(text)
    return Miss(
        kind=kind,
        call=operation,
        code=code,
        permission=found[1] if found else action_of(operation),
        message=text[:300],
        region=region,
    )


class SessionExpired(AwsError):  # noqa: N818 - what happened to the session
    """The session's token has run out; `code` is what AWS called it."""

    code = ""


def expired(code: str) -> SessionExpired:
    """The session's token has run out."""
    error = SessionExpired(
        f"the AWS session has expired ({code})",
        hint="renew it: `aws sso login`, or new temporary credentials",
    )
    error.code = code
    return error


def _kind_of(error: Failure, code: str, text: str) -> MissKind:
    if isinstance(error, ClientError):
        return _kind_of_answer(error, code, text)
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError)):
        return MissKind.TIMEOUT
    if isinstance(error, EndpointConnectionError) or "Region" in code:
        return MissKind.UNSUPPORTED
    return MissKind.BROKEN


def _kind_of_answer(error: ClientError, code: str, text: str) -> MissKind:
    tables = {
        MissKind.UNSUPPORTED: _UNSUPPORTED,
        MissKind.THROTTLED: _THROTTLED,
        MissKind.TIMEOUT: _TIMEOUTS,
        MissKind.DENIED: _DENIED,
        MissKind.ELSEWHERE: _ELSEWHERE,
        MissKind.ABSENT: _ABSENT,
        MissKind.BROKEN: _NO_REFUSAL,
    }
    for kind, codes in tables.items():
        if code in codes:
            return kind
    if "not authorized to perform" in text:
        return MissKind.DENIED
    meta = _meta_of(error)
    if meta.get("HTTPStatusCode") == _FORBIDDEN:
        said = code not in _NAMELESS or meta.get("RequestId")
        return MissKind.DENIED if said else MissKind.BROKEN
    gone = ("NotFound" in code) or code.startswith("NoSuch")
    return MissKind.ABSENT if gone else MissKind.BROKEN


def _meta_of(error: ClientError) -> dict[str, Any]:
    return dict(error.response.get("ResponseMetadata", {}))


def _text_of(error: Failure) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Message", ""))
    return str(error)
