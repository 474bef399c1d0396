"""The commands `aws-iam` and `aws-iam-mcp`; `python -m aws_iam` is the first."""

from __future__ import annotations

import os
import sys

from aws_iam.cli import command_line
from aws_iam.version import __version__


def main() -> int:
    """Run `aws-iam`."""
    status = command_line.main(sys.argv[1:], {"serve": _serve})
    if status == command_line.INTERRUPTED:
        # Python would wait for every thread, and AWS may take a minute to answer the calls under way.
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
        "--http", metavar="HOST:PORT", help="streamable HTTP at /mcp instead of stdio"
    )
    parser.add_argument("--version", action="version", version=f"aws-iam {__version__}")
    options = parser.parse_args(words)
    # The SDK is imported here alone: the other commands start without it.
    from aws_iam.server import mcp_server

    if options.http:
        mcp_server.serve_http(options.http)
    else:
        mcp_server.serve_stdio()
    return command_line.OK


if __name__ == "__main__":
    sys.exit(main())
