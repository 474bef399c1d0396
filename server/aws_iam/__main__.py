"""The commands `aws-iam` and `aws-iam-mcp`; `python -m aws_iam` is `aws-iam`."""

from __future__ import annotations

import os
import sys

from aws_iam.cli import command_line
from aws_iam.version import __version__


def main() -> int:
    """Run `aws-iam`."""
    status = command_line.main(sys.argv[1:], {"serve": _serve})
    if status == command_line.INTERRUPTED:
        # A normal exit waits for every thread, and calls to AWS that are under way may take a minute.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def serve() -> int:
    """Run `aws-iam-mcp`: the same as `aws-iam serve`."""
    return command_line.main(["serve", *sys.argv[1:]], {"serve": _serve})


def _serve(words: list[str]) -> int:
    parser = command_line.Parser(
        prog="aws-iam serve", description="Run the MCP server.", allow_abbrev=False
    )
    parser.add_argument(
        "--http", metavar="HOST:PORT", help="serve streamable HTTP at /mcp instead of stdio"
    )
    parser.add_argument("--version", action="version", version=f"aws-iam {__version__}")
    options = parser.parse_args(words)
    # Importing the MCP SDK is slow; no other command needs it.
    from aws_iam.server import transports

    if options.http:
        transports.serve_http(options.http)
    else:
        transports.serve_stdio()
    return command_line.OK


if __name__ == "__main__":
    sys.exit(main())
