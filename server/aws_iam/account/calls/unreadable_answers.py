"""Answers that the SDK cannot read, told without a word of what they hold.

What answers a call for credentials holds a secret key and a token. The SDK quotes such an answer where it cannot read
it: in the error of its parser, in the message that it makes of an error which is no JSON, and in the log.

    withhold_answers(core)
"""

from __future__ import annotations

import logging
from typing import Any

from botocore.parsers import ResponseParserError, ResponseParserFactory

_FIRST_ERROR = 301
"""The status from which on the SDK takes an answer for an error."""
_LOGGING_TRACES = ("botocore.credentials", "botocore.tokens")


class UnreadableError(ResponseParserError):
    """An answer that cannot be read; its text is ours, and may be shown. That of the SDK's own error may not."""


def withhold_answers(session: Any) -> None:
    """Make every client that a botocore session makes from now on keep what it is answered to itself."""
    session.register_component("response_parser_factory", _Parsers())
    sdk = logging.getLogger("botocore")
    # Below that the SDK logs each answer, and each request with its token. Who asks for the SDK's log by name gets it.
    if sdk.level == logging.NOTSET and sdk.getEffectiveLevel() < logging.INFO:
        sdk.setLevel(logging.INFO)
    for name in _LOGGING_TRACES:
        logging.getLogger(name).addFilter(_without_trace)


def _without_trace(record: logging.LogRecord) -> bool:
    """Let the record pass without its exception, which may quote what a program or a metadata service said.

    The SDK warns so that credentials could not be renewed; without any set-up of logging it is written to standard error.
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
        except Exception as error:  # noqa: BLE001 - of what is no answer of AWS it may be a KeyError or a TypeError
            # Who looks at the context finds no text there.
            error.args = ()
            raise UnreadableError(f"the SDK cannot read {_described(response)}") from None
        _take_body_out(parsed, response)
        return parsed


def _take_body_out(parsed: Any, response: dict[str, Any]) -> None:
    """Of an error that is no JSON, or was cut, the SDK takes the whole body for the message."""
    body = response["body"]
    if response["status_code"] < _FIRST_ERROR or not body:
        return
    error = parsed.get("Error")
    if error and error.get("Message") == body.decode("utf-8", "replace"):
        error["Message"] = f"{_described(response)} is no error of AWS, or was cut"


def _described(response: dict[str, Any]) -> str:
    operation = response.get("context", {}).get("operation_name", "")
    of = f" of {operation}" if operation else ""
    body = response.get("body")
    size = f"{len(body)} bytes, " if isinstance(body, bytes) else ""
    return f"the answer{of} ({size}HTTP status {response['status_code']})"
