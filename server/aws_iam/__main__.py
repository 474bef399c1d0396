"""The commands `aws-iam` and `aws-iam-mcp`; `python -m aws_iam` is `aws-iam`."""

from __future__ import annotations

import gc
import os
import sys

from aws_iam.cli import command_line
from aws_iam.cli.exit_status import INTERRUPTED, OK
from aws_iam.cli.parsers import serve_parser
from aws_iam.errors import InputError


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
    from aws_iam.server.permitted_options import permitted_by

    permitted = permitted_by(options)
    if options.http:
        from aws_iam.server.http.http_options import http_options
        from aws_iam.server.http.serving import serve_http

        _spare_collector()
        serve_http(http_options(options), permitted, _say_where)
        return OK
    without = next((name for name in _WITH_HTTP if getattr(options, name)), None)
    if without is not None:
        raise InputError(f"`--{without.replace('_', '-')}` needs `--http`")
    if sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None:
        sys.stderr.write(_WAITING)
    from aws_iam.server.stdio import serve_stdio

    _spare_collector()
    serve_stdio(permitted)
    return OK


def _spare_collector() -> None:
    """Have full passes of the garbage collector, during which no client is served, leave out what was imported."""
    gc.freeze()


_WITH_HTTP = ("auth_issuer", "auth_audience", "auth_scopes", "base_url", "aws_roles")


def _say_where(address: str) -> None:
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write(f"aws-iam serve: MCP clients reach it at {address}; Ctrl-C ends it.\n")


_WAITING = (
    "aws-iam serve: waiting for an MCP client's messages on standard input, one JSON object a line. A client starts this "
    "command itself: add `aws-iam serve` to its configuration. Ctrl-C ends it; `aws-iam --help` lists commands for people.\n"
)


if __name__ == "__main__":
    sys.exit(main())
