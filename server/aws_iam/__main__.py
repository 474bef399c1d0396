"""The commands `aws-iam` and `aws-iam-mcp`; `python -m aws_iam` is `aws-iam`."""

from __future__ import annotations

import os
import sys

from aws_iam.cli import command_line
from aws_iam.cli.exit_status import INTERRUPTED, OK
from aws_iam.cli.parsers import serve_parser


def main() -> int:
    """Run `aws-iam`."""
    status = command_line.main(sys.argv[1:], {"serve": _serve})
    if status == INTERRUPTED:
        # A normal exit waits for every thread, and calls to AWS that are under way may take a minute.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def serve() -> int:
    """Run `aws-iam-mcp`: the same as `aws-iam serve`."""
    return command_line.main(["serve", *sys.argv[1:]], {"serve": _serve})


def _serve(words: list[str]) -> int:
    options = serve_parser().parse_args(words)
    # Importing the MCP SDK is slow; no other command needs it.
    from aws_iam.server import transports
    from aws_iam.server.serve_options import serve_options

    checked = serve_options(options)
    if checked.http:
        transports.serve_http(checked, checked.http, _say_where)
        return OK
    if sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None:
        sys.stderr.write(_WAITING)
    transports.serve_stdio(checked)
    return OK


def _say_where(address: str) -> None:
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write(f"aws-iam serve: MCP clients reach it at {address}; Ctrl-C ends it.\n")


_WAITING = (
    "aws-iam serve: waiting for an MCP client's messages on standard input, one JSON object a line. A client starts this "
    "command itself: add `aws-iam serve` to its configuration. Ctrl-C ends it; `aws-iam --help` lists commands for people.\n"
)


if __name__ == "__main__":
    sys.exit(main())
