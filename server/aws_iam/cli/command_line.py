"""The tools as commands, built from the same actions as the MCP tools, and the exit status of each."""

from __future__ import annotations

import io
import sys
import traceback
from typing import TYPE_CHECKING

from aws_iam.cli import parsers
from aws_iam.cli.exit_status import BROKEN, INTERRUPTED, OK, UNREADABLE, WRONG
from aws_iam.errors import AwsIamError, InputError, closest
from aws_iam.escape import escaped, quoted
from aws_iam.tools.registry import NAMES, tool_named
from aws_iam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Command = Callable[[list[str]], int]


def main(words: Sequence[str], commands: Mapping[str, Command]) -> int:
    """Run a tool or one of `commands`; the exit status is one of those in `exit_status.py`."""
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal cannot encode is printed as an escape instead of raising.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _run(list(words), {**commands, "catalog": _catalog, "completion": _completion})
    except AwsIamError as error:
        print(f"aws-iam: {escaped(str(error), 2000)}", file=sys.stderr)
        return WRONG if isinstance(error, InputError) else UNREADABLE
    except KeyboardInterrupt as stopped:
        detail = f"; {escaped(str(stopped), 2000)}" if str(stopped) else ""
        print(f"aws-iam: interrupted{detail}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone; Python must not try to flush at exit.
        sys.stdout = None
        return OK
    except Exception as error:  # noqa: BLE001 - Python's own status for it is 1, which is the one of a finding
        # The message may quote what an account or a file holds.
        for line in "".join(traceback.format_exception(error)).splitlines():
            print(escaped(line, 2000), file=sys.stderr)
        print("aws-iam: this is an error of aws-iam itself, and no verdict", file=sys.stderr)
        return BROKEN


def _run(words: list[str], commands: Mapping[str, Command]) -> int:
    if words and words[0] in NAMES:
        # Imported here, as below: a server starts without what only commands need.
        from aws_iam.cli.tool_command import run_tool

        return run_tool(tool_named(words[0]), words[1:])
    if words and words[0] in commands:
        return commands[words[0]](words[1:])
    if words and not words[0].startswith("-"):
        near = closest(words[0], parsers.COMMAND_NAMES)
        hint = f"did you mean `{near}`?" if near else "see `aws-iam --help`"
        raise InputError(f"there is no command {quoted(words[0], 80)}", hint=hint)
    if words == ["--version"]:
        # Without the help text, which loads every tool.
        print(f"aws-iam {__version__}")
        return OK
    parsers.top_parser().parse_args(words or ["--help"])
    return OK


def _catalog(words: list[str]) -> int:
    from aws_iam.cli.output import output_errors, print_json, require_output
    from aws_iam.cli.progress_bar import progress_bar
    from aws_iam.report.answer_text import plain
    from aws_iam.report.clean import clean
    from aws_iam.tools import catalog_command
    from aws_iam.tools.kit.tool import silent

    options = parsers.catalog_parser().parse_args(words)
    require_output()
    with progress_bar(shown=not options.json) as progress:
        answer = (
            catalog_command.show()
            if options.action == "show"
            else catalog_command.refresh(progress or silent)
        )
    answer = clean(answer)
    with output_errors():
        if options.json:
            print_json(answer)
        else:
            print(plain(answer).rstrip())
    return OK


def _completion(words: list[str]) -> int:
    import shtab

    from aws_iam.cli.output import output_errors, require_output

    options = parsers.completion_parser().parse_args(words)
    require_output()

    with output_errors():
        script = shtab.complete(parsers.complete_parser(), options.shell)
        # zsh reads it by `source` too, not only by `eval`.
        print(script.replace("== eval ]]", "== (eval|file) ]]"))
    return OK
