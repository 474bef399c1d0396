"""What a failed call means: a `Miss` for one fact, or an `AwsError` that ends the run."""

from __future__ import annotations

import re
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    EndpointProviderError,
    HTTPClientError,
    IncompleteReadError,
    InvalidConfigError,
    InvalidIMDSEndpointError,
    InvalidRegionError,
    LoginInsufficientPermissions,
    LoginRefreshRequired,
    LoginTokenLoadError,
    MetadataRetrievalError,
    MissingDependencyException,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    RefreshWithMFAUnsupportedError,
    SSLError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
    UnknownCredentialError,
    UnknownEndpointError,
    UnknownRegionError,
)
from botocore.parsers import ResponseParserError

from aws_iam.account.calls.unreadable_answers import UnreadableAnswerError
from aws_iam.account.collect.fact import Miss, MissKind, RefusedError
from aws_iam.account.names.iam_actions import action_of
from aws_iam.errors import AwsError, AwsIamError, OffTheAllowlistError, system_reason
from aws_iam.escape import escaped, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILURES = (ClientError, BotoCoreError, ResponseParserError)
"""What the SDK raises when a call fails; its parser's error is not one of its own tree."""

Failure = ClientError | BotoCoreError | ResponseParserError

# What our own handlers raise inside the SDK, and what a test asserts there.
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
    # For a read it means a rate limit: https://docs.aws.amazon.com/apigateway/latest/api/API_GetStages.html
    "LimitExceededException",
    "429",
}
# A Region that the account has not enabled does not know its credentials; GetCallerIdentity has shown that they are valid.
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
# RequestExpired is EC2's word; other services mean a wrong clock by it, but the clock was right for GetCallerIdentity.
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"}
_ABSENT = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
# AWS answers 403 to these too, but no permission would help.
_NOT_DENIED = {
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
}
# The SDK's code for an answer without one, such as S3's to HEAD or a proxy's page.
_NO_CODE = {"", "403"}
_TIMEOUTS = {"RequestTimeout", "RequestTimeoutException", "408", "504"}
# These quote nothing but settings, names, addresses, or the operating system.
_SAFE_TO_QUOTE = (
    ConfigNotFound,
    ConfigParseError,
    ConnectTimeoutError,
    ConnectionClosedError,
    EndpointConnectionError,
    EndpointProviderError,
    IncompleteReadError,
    InvalidConfigError,
    InvalidIMDSEndpointError,
    InvalidRegionError,
    LoginInsufficientPermissions,
    LoginRefreshRequired,
    LoginTokenLoadError,
    MissingDependencyException,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    RefreshWithMFAUnsupportedError,
    SSLError,
    SSOTokenLoadError,
    UnauthorizedSSOTokenError,
    UnknownCredentialError,
    UnknownEndpointError,
    UnknownRegionError,
)
_UNREADABLE = "the SDK cannot read the answer"
_HELD_BACK = "the reason may hold a secret and is not shown"
_PASSWORD = re.compile(r"(?<=//)[^/\s\"]*@")
# If a signature does not match, AWS answers with what should have been signed, including the session token.
_SIGNED = re.compile(r"the canonical string for this request.*", re.IGNORECASE | re.DOTALL)
_ACTION = re.compile(r"not authorized to perform:? ([a-z0-9-]{2,40}:[A-Za-z0-9]{2,80})\b")
_FORBIDDEN = 403
_SERVER_ERROR = 500


@contextmanager
def calling() -> Iterator[None]:
    """Around a call of the SDK, and nothing else: whatever it fails on in an answer is raised as one of FAILURES.

    The SDK trusts its input: a web page, or a program's output, makes it raise a KeyError or a TypeError. These quote
    what they fail on, which may be a secret, so their text is dropped.
    """
    try:
        yield
    except (*FAILURES, *_OURS):
        raise
    except OSError as error:
        # Of the program or file that provides the credentials.
        name = f"{quoted(str(error.filename))}: " if error.filename else ""
        raise UnreadableAnswerError(f"{_UNREADABLE}: {name}{system_reason(error)}") from None
    except Exception as error:  # noqa: BLE001 - raised again, without its text
        error.args = ()
        raise UnreadableAnswerError(_UNREADABLE) from None


def code_of(error: BaseException) -> str:
    """AWS's error code; for a failure before AWS answered, the name of the SDK's exception."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    # Our own error stands for the SDK's.
    kind = ResponseParserError if isinstance(error, ResponseParserError) else type(error)
    return kind.__name__


def text_of(error: Failure) -> str:
    """The text of a failure that may be shown and kept: never what an answer, a program or a header held."""
    if isinstance(error, ClientError):
        message = str(error.response.get("Error", {}).get("Message", ""))
        return _SIGNED.sub("", message).rstrip()
    if isinstance(error, UnreadableAnswerError):
        return str(error)
    if isinstance(error, ResponseParserError):
        return _UNREADABLE
    if isinstance(error, _SAFE_TO_QUOTE):
        return _PASSWORD.sub("", str(error))
    return f"{_what_failed(error)}: {_HELD_BACK}"


def _what_failed(error: BotoCoreError) -> str:
    """The SDK's own text up to where it starts to quote."""
    provider = escaped(str(error.kwargs.get("provider", "")), 60)
    if isinstance(error, CredentialRetrievalError):
        return f"Error when retrieving credentials from {provider}"
    if isinstance(error, TokenRetrievalError):
        return f"Error when retrieving token from {provider}"
    if isinstance(error, MetadataRetrievalError):
        return "Error retrieving metadata"
    if isinstance(error, HTTPClientError):
        return "the request could not be sent, or its answer not received"
    return f"the SDK failed ({code_of(error)})"


def is_throttled(code: str) -> bool:
    """Whether AWS refused a call only because there were too many."""
    return code in _THROTTLED


def is_aws_fault(error: ClientError) -> bool:
    """Whether AWS could not answer, whoever asks."""
    return int(_meta_of(error).get("HTTPStatusCode") or 0) >= _SERVER_ERROR


def miss_of(error: Failure, operation: str, region: str, owner: str) -> Miss:
    """The miss that a failure means; raises SessionExpired when nothing more can be read.

    `owner` is the other account that owns the resource, empty when it is the account's own.
    """
    code, text = code_of(error), text_of(error)
    if code in _EXPIRED:
        raise expired(code)
    kind = _kind_of(error, code, text)
    if owner and kind in (MissKind.DENIED, MissKind.ABSENT, MissKind.BROKEN):
        kind, text = MissKind.ELSEWHERE, f"account {owner}"
    denied_action = _ACTION.search(text)
    return Miss(
        kind=kind,
        call=operation,
        code=code,
        permission=denied_action[1] if denied_action else action_of(operation),
        message=text[:300],
        region=region,
    )


class SessionExpired(AwsError):  # noqa: N818 - what happened to the session
    """The session has expired; `code` is AWS's error code."""

    code = ""


def expired(code: str) -> SessionExpired:
    """The error for a session that has expired."""
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
        MissKind.BROKEN: _NOT_DENIED,
    }
    for kind, codes in tables.items():
        if code in codes:
            return kind
    if "not authorized to perform" in text:
        return MissKind.DENIED
    meta = _meta_of(error)
    if meta.get("HTTPStatusCode") == _FORBIDDEN:
        is_from_aws = code not in _NO_CODE or meta.get("RequestId")
        return MissKind.DENIED if is_from_aws else MissKind.BROKEN
    gone = ("NotFound" in code) or code.startswith("NoSuch")
    return MissKind.ABSENT if gone else MissKind.BROKEN


def _meta_of(error: ClientError) -> dict[str, Any]:
    return dict(error.response.get("ResponseMetadata", {}))
