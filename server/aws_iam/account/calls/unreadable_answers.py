"""Keeps what an answer holds out of errors and logs.

The answer to a call for credentials holds a secret key and a token. The SDK quotes an answer that it cannot read: in the
error of its parser, in the message that it makes of an error which is not JSON, and in the log. This is for security, not
speed; tests/account/session/test_withheld_secrets.py fails when botocore quotes it elsewhere.

    keep_answers_out_of_errors(core)
"""

from __future__ import annotations

import logging
from typing import Any

from botocore.parsers import ResponseParserError, ResponseParserFactory

_FIRST_ERROR = 301
"""The lowest status that the SDK treats as an error."""
_LOGGERS_WITH_TRACES = ("botocore.credentials", "botocore.tokens")


class UnreadableAnswerError(ResponseParserError):
    """An answer that cannot be read; this text is ours and may be shown, unlike that of the SDK's own error."""


def keep_answers_out_of_errors(session: Any) -> None:
    """Make every client that a botocore session makes from now on keep answers out of errors and logs."""
    session.register_component("response_parser_factory", _Parsers())
    sdk = logging.getLogger("botocore")
    # Below INFO the SDK logs each answer, and each request with its token. It does so only if its logger is set explicitly.
    if sdk.level == logging.NOTSET and sdk.getEffectiveLevel() < logging.INFO:
        sdk.setLevel(logging.INFO)
    for name in _LOGGERS_WITH_TRACES:
        logging.getLogger(name).addFilter(_without_trace)


def _without_trace(record: logging.LogRecord) -> bool:
    """Drop the exception of the record, which may quote the output of a program or a metadata service.

    The SDK logs such a warning when credentials cannot be renewed; without logging set up, it goes to standard error.
    """
    record.exc_info = None
    return True


class _Parsers(ResponseParserFactory):
    def create_parser(self, protocol_name: str) -> Any:
        sdk: Any = super()
        return _Parser(sdk.create_parser(protocol_name))


class _Parser:
    def __init__(self, parser: Any) -> None:
        self._parser = parser

    def parse(self, response: dict[str, Any], shape: Any) -> Any:
        try:
            parsed = self._parser.parse(response, shape)
        except Exception as error:  # noqa: BLE001 - for an answer that is not from AWS it may be a KeyError or a TypeError
            # So that the exception context holds no text either.
            error.args = ()
            raise UnreadableAnswerError(f"the SDK cannot read {_described(response)}") from None
        _remove_body(parsed, response)
        return parsed


def _remove_body(parsed: Any, response: dict[str, Any]) -> None:
    """The SDK uses the whole body as message of an error that is not JSON, or was cut."""
    body = response["body"]
    if response["status_code"] < _FIRST_ERROR or not body:
        return
    error = parsed.get("Error")
    if error and error.get("Message") == body.decode("utf-8", "replace"):
        error["Message"] = f"{_described(response)} is not an error of AWS, or was cut"


def _described(response: dict[str, Any]) -> str:
    operation = response.get("context", {}).get("operation_name", "")
    of = f" of {operation}" if operation else ""
    body = response.get("body")
    size = f"{len(body)} bytes, " if isinstance(body, bytes) else ""
    return f"the answer{of} ({size}HTTP status {response['status_code']})"
