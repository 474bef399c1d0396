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

from aws_iam.account.calls.unreadable_answers import UnreadableError
from aws_iam.account.collect.fact import Miss, MissKind, RefusedError
from aws_iam.account.names.iam_actions import action_of
from aws_iam.errors import AwsError, AwsIamError, why_of
from aws_iam.escape import escaped, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
from aws_iam.errors import OffTheAllowlistError

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
# Of these nothing can be quoted but settings, names and addresses, or the system's own words.
_TOLD = (
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
_UNREAD = "the SDK cannot read the answer"
_HELD_BACK = "the reason may hold a secret and is not shown"
_PASSWORD = re.compile(r"(?<=//)[^/\s\"]*@")
# A signature that does not match is answered with what should have been signed, the session token included.
_SIGNED = re.compile(r"the canonical string for this request.*", re.IGNORECASE | re.DOTALL)
_ACTION = re.compile(r"not authorized to perform:? ([a-z0-9-]{2,40}:[A-Za-z0-9]{2,80})\b")
_FORBIDDEN = 403


@contextmanager
def calling() -> Iterator[None]:
    """A call of the SDK, and nothing else: whatever it stumbles over in an answer leaves it as one of FAILURES.

    It trusts what it is given: of somebody else's page, or of a program's output, it raises a KeyError or a TypeError.
    These quote what they stumble over, which may be a secret, so that none of their text is kept.
    """
    try:
        yield
    except (*FAILURES, *_OURS):
        raise
    except OSError as error:
        # The program or the file that is to give the credentials.
        name = f"{quoted(str(error.filename))}: " if error.filename else ""
        raise UnreadableError(f"{_UNREAD}: {name}{why_of(error)}") from None
    except Exception as error:  # noqa: BLE001 - raised again, without its text
        error.args = ()
        raise UnreadableError(_UNREAD) from None


def code_of(error: BaseException) -> str:
    """AWS's error code; for what never reached AWS the SDK's name of it."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    # Ours is the SDK's own but for the text.
    kind = ResponseParserError if isinstance(error, ResponseParserError) else type(error)
    return kind.__name__


def words_of(error: Failure) -> str:
    """What may be shown and kept of a failure: never what an answer, a program or a header held."""
    if isinstance(error, ClientError):
        message = str(error.response.get("Error", {}).get("Message", ""))
        return _SIGNED.sub("", message).rstrip()
    if isinstance(error, UnreadableError):
        return str(error)
    if isinstance(error, ResponseParserError):
        return _UNREAD
    if isinstance(error, _TOLD):
        return _PASSWORD.sub("", str(error))
    return f"{_what_failed(error)}: {_HELD_BACK}"


def _what_failed(error: BotoCoreError) -> str:
    """The SDK's own words up to where it begins to quote."""
    provider = escaped(str(error.kwargs.get("provider", "")), 60)
    if isinstance(error, CredentialRetrievalError):
        return f"Error when retrieving credentials from {provider}"
    if isinstance(error, TokenRetrievalError):
        return f"Error when retrieving token from {provider}"
    if isinstance(error, MetadataRetrievalError):
        return "Error retrieving metadata"
    if isinstance(error, HTTPClientError):
        return "the request could not be sent, or its answer not be received"
    return f"the SDK failed ({code_of(error)})"


def miss_of(error: Failure, operation: str, region: str, owner: str) -> Miss:
    """The miss that a failure means; AwsError when it means that nothing more can be read.

    `owner` is the other account that what was asked for belongs to, empty when it is the account's own.
    """
    code, text = code_of(error), words_of(error)
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
