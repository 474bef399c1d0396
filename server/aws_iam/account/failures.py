"""What a failed call means: a `Miss` for one fact, or an `AwsError` that ends the run."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from aws_iam.account.actions import action_of
from aws_iam.account.fact import Miss, MissKind
from aws_iam.errors import AwsError

FAILURES = (ClientError, BotoCoreError, ResponseParserError)
"""What the SDK raises when a call fails; an answer that it cannot parse stands outside its own tree."""

Failure = ClientError | BotoCoreError | ResponseParserError

_DENIED = {
    "403",
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
    "429",
}
# A Region that the account has not opted in to does not know its credentials; the identity call has proved them good.
_UNSUPPORTED = {
    "AuthFailure",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "OptInRequired",
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
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}
_TIMEOUTS = {"RequestTimeout", "RequestTimeoutException", "408", "504"}
_ACTION = re.compile(r"not authorized to perform:? ([a-z0-9-]{2,40}:[A-Za-z0-9]{2,80})\b")
_FORBIDDEN = 403


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
    }
    for kind, codes in tables.items():
        if code in codes:
            return kind
    if _status_of(error) == _FORBIDDEN or "not authorized to perform" in text:
        return MissKind.DENIED
    gone = ("NotFound" in code) or code.startswith("NoSuch")
    return MissKind.ABSENT if gone else MissKind.BROKEN


def _status_of(error: ClientError) -> int:
    meta: dict[str, Any] = dict(error.response.get("ResponseMetadata", {}))
    return int(meta.get("HTTPStatusCode", 0))


def _text_of(error: Failure) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Message", ""))
    return str(error)
