"""The tools as commands, built from the same actions as the MCP tools: parse, run, print, exit status."""

from __future__ import annotations

import argparse
import gc
import io
import json
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from aws_iam.answer import Severity, to_json
from aws_iam.cli.files import read_document, read_policies, read_records
from aws_iam.cli.written_files import write_files
from aws_iam.errors import AwsIamError, InputError, closest, system_reason
from aws_iam.escape import escaped, quoted
from aws_iam.report.answer_text import plain
from aws_iam.report.clean import clean
from aws_iam.report.next_calls import as_command
from aws_iam.report.page import CONCISE_BYTES, page
from aws_iam.tools.kit.argument_values import ArgumentKind
from aws_iam.tools.kit.parameters import GRADES
from aws_iam.tools.kit.tool import silent
from aws_iam.tools.registry import NAMES, tool_named, tools
from aws_iam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.answer import Answer, Artifact
    from aws_iam.engine.sources.files import Files
    from aws_iam.report.next_calls import InWords
    from aws_iam.tools.kit.argument_values import Argument
    from aws_iam.tools.kit.tool import Action, Progress, Tool

    Command = Callable[[list[str]], int]

OK, FOUND, WRONG, UNREADABLE, INTERRUPTED = 0, 1, 2, 3, 130
_ALLOCATIONS_PER_COLLECTION = 50_000
"""Nearly every object lives until the command ends; at Python's 700, garbage collection takes a tenth of an audit."""


class Parser(argparse.ArgumentParser):
    """argparse with our error messages: what is wrong, what would work, exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        raise InputError(escaped(message, 500), hint=f"see `{self.prog} --help`")


def main(words: Sequence[str], commands: Mapping[str, Command]) -> int:
    """Run a tool or one of `commands`; the exit status is one of the constants above."""
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal cannot encode is printed as an escape instead of raising.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _run(list(words), {**commands, "catalog": _catalog})
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


def _run(words: list[str], commands: Mapping[str, Command]) -> int:
    if words and words[0] in NAMES:
        return _run_tool(tool_named(words[0]), words[1:])
    if words and words[0] in commands:
        return commands[words[0]](words[1:])
    if words and not words[0].startswith("-"):
        near = closest(words[0], [*NAMES, *commands])
        hint = f"did you mean `{near}`?" if near else "see `aws-iam --help`"
        raise InputError(f"there is no command {quoted(words[0], 80)}", hint=hint)
    if words == ["--version"]:
        # Without the help text, which loads every tool.
        print(f"aws-iam {__version__}")
        return OK
    _top_parser().parse_args(words or ["--help"])
    return OK


def _top_parser() -> Parser:
    width = max(map(len, NAMES))
    lines = [f"  {tool.name:<{width}}  {tool.description.partition('. ')[0]}" for tool in tools()]
    parser = Parser(
        prog="aws-iam",
        description="Checked answers about AWS IAM.",
        epilog="tools:\n" + "\n".join(lines) + "\n\nother commands:\n"
        "  serve    run the MCP server (stdio, or --http HOST:PORT)\n"
        "  catalog  show or refresh the service-authorization data\n\n"
        "`aws-iam TOOL --help` lists the actions, `aws-iam TOOL ACTION --help` their arguments.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="aws-iam TOOL ACTION [--argument value ...]",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"aws-iam {__version__}")
    return parser


def _run_tool(tool: Tool, words: list[str]) -> int:
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION, *gc.get_threshold()[1:])
    if words and words[0] in {"-h", "--help"}:
        _tool_parser(tool).parse_args(words)
    chosen = words.pop(0) if words and not words[0].startswith("-") else tool.default
    name = chosen.replace("-", "_")
    if name not in tool.actions:
        # The tool raises the error, which suggests a close name.
        tool.run({"action": chosen}, cli=True)
    action = tool.actions[name]
    for_help = not {"-h", "--help"}.isdisjoint(words)
    options = _action_parser(tool, action, for_help=for_help).parse_args(words)
    values = {
        argument.name: _value(argument, getattr(options, argument.name))
        for argument in action.arguments
    }
    if getattr(options, "paths", None):
        values["document"] = _documents(options)
    _require_output()
    with _progress(shown=bool(action.wants_progress) and not options.json) as progress:
        answer = tool.run({"action": name, **values}, progress=progress, cli=True)
    with _output_errors():
        return _print(clean(answer), action, options)


def _typed(action: Action, options: argparse.Namespace) -> dict[str, list[str]]:
    """The words that the caller typed for each argument."""
    typed: dict[str, list[str]] = {}
    for argument in action.arguments:
        option = f"--{argument.name.replace('_', '-')}"
        match getattr(options, argument.name):
            case None:
                pass
            case True:
                typed[argument.name] = [option]
            case list() as values:
                typed[argument.name] = [word for value in values for word in (option, value)]
            case value:
                typed[argument.name] = [option, value]
    if getattr(options, "paths", None):
        typed["document"] = [word for path in options.paths for word in ("--document", path)]
    return typed


def _tool_parser(tool: Tool) -> Parser:
    width = max(map(len, tool.actions))
    lines = [f"  {action.name:<{width}}  {action.summary}" for action in tool.actions.values()]
    return Parser(
        prog=f"aws-iam {tool.name}",
        description=tool.description,
        epilog=f"actions (default {tool.default}):\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=f"aws-iam {tool.name} ACTION [--argument value ...]",
        allow_abbrev=False,
    )


def _action_parser(tool: Tool, action: Action, *, for_help: bool) -> Parser:
    parser = Parser(
        prog=f"aws-iam {tool.name} {action.name}", description=action.summary, allow_abbrev=False
    )
    for argument in action.arguments:
        # Every command has this option already; `policy validate` also uses its value in the report file.
        if argument.name != "fail_on":
            _add(parser, argument, for_help=for_help)
    if _takes_files(action):
        # Hooks pass changed files this way: `aws-iam policy validate FILE...`
        parser.add_argument("paths", nargs="*", metavar="FILE", help="files instead of --document")
    parser.add_argument(
        "--detail",
        choices=("concise", "full"),
        default="concise",
        help="on a terminal concise is one page (default), full the whole answer; a pipe and --json get everything",
    )
    if _writes_files(action):
        parser.add_argument(
            "--out", metavar="PATH", help="write the file to PATH; several go into a folder PATH"
        )
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.add_argument(
        "--fail-on",
        "--fail_on",
        choices=GRADES,
        default="high",
        help="exit with 1 if any finding fails at or above this severity (default high); ERROR and SECURITY_WARNING "
        "count as high, WARNING as medium, SUGGESTION as low",
    )
    return parser


def _takes_files(action: Action) -> bool:
    return action.name == "validate"


def _writes_files(action: Action) -> bool:
    return action.gives_artifact and all(argument.name != "out" for argument in action.arguments)


def _documents(options: argparse.Namespace) -> str | Files:
    """The files given without an option."""
    if options.document is not None:
        raise InputError("`--document` and files exclude each other", hint="leave one of them out")
    return read_policies("document", options.paths)


def _add(parser: Parser, argument: Argument, *, for_help: bool) -> None:
    # Both spellings work; help shows the one with hyphens first.
    names = dict.fromkeys((f"--{argument.name.replace('_', '-')}", f"--{argument.name}"))
    options: dict[str, Any] = {
        "help": argument.description.replace("%", "%%"),
        "dest": argument.name,
    }
    match argument.kind:
        case ArgumentKind.FLAG:
            options |= {"action": "store_true", "default": None}
        case ArgumentKind.LIST:
            options |= {"action": "append", "metavar": "VALUE[,VALUE]"}
        case ArgumentKind.DOCUMENT:
            folders = argument.policies or argument.records
            options |= {"metavar": "JSON|FILE|FOLDER|-" if folders else "JSON|FILE|-"}
        case ArgumentKind.CHOICE if for_help:
            # Only then: listing the report formats imports them.
            options |= {"metavar": "|".join(argument.choices)}
        case _:
            options |= {"metavar": argument.kind.value.upper()}
    # The tool checks required arguments and choices, and suggests a close name.
    parser.add_argument(*names, **options)


def _value(argument: Argument, value: Any) -> Any:
    if value is None:
        return None
    if argument.kind is ArgumentKind.DOCUMENT:
        if argument.policies:
            return read_policies(argument.name, [value])
        if argument.records:
            return read_records(argument.name, value)
        return read_document(argument.name, value)
    if argument.kind is ArgumentKind.LIST:
        return [part.strip() for text in value for part in text.split(",") if part.strip()]
    return value


def _print(answer: Answer, action: Action, options: argparse.Namespace) -> int:
    in_words = partial(as_command, typed=_typed(action, options))
    out = options.out if _writes_files(action) else None
    if out is not None and answer.artifacts:
        paths = write_files(answer.artifacts, out)
        if not options.json:
            # The files hold the artifacts: the text names them instead.
            answer = replace(answer, artifacts=())
            print("\n".join(f"Wrote {escaped(path, 500)}" for path in paths) + "\n")
    if options.json:
        _print_json(answer)
    elif action.gives_artifact and answer.artifacts and not sys.stdout.isatty():
        _print_file(answer, in_words)
    elif sys.stdout.isatty():
        _show(answer if options.detail == "full" else page(answer, CONCISE_BYTES), in_words)
    else:
        print(plain(answer, in_words), end="")
    sys.stdout.flush()
    return _status(answer, options.fail_on)


def _require_output() -> None:
    # Checked first: reading an account can take minutes, all in vain if the answer cannot be printed.
    if sys.stdout is None:
        raise InputError("standard output is closed", hint="redirect it to a file or to /dev/null")


@contextmanager
def _output_errors() -> Iterator[None]:
    """Raise when the answer cannot be printed completely: its exit status would be taken for the verdict."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # Python must not flush again at exit.
        sys.stdout = None
        why = system_reason(error)
        raise InputError(f"the answer cannot be written to standard output: {why}") from None


def _print_json(answer: Answer) -> None:
    """Indented on a terminal; compact in a pipe."""
    if sys.stdout.isatty():
        print(json.dumps(to_json(answer), indent=2))
        return
    text = json.dumps(to_json(answer), ensure_ascii=False, separators=(",", ":"))
    sys.stdout.buffer.write(text.encode(errors="backslashreplace") + b"\n")


def _print_file(answer: Answer, in_words: InWords) -> None:
    """Write only the file to standard output; the rest of the answer goes to standard error."""
    first = answer.artifacts[0]
    policies = list(filter(None, map(_policy, answer.artifacts)))
    if _policy(first) and len(policies) > 1:
        content = json.dumps(policies, indent=2)
    else:
        content = first.content
    ending = "\r\n" if content.endswith("\r\n") else "\n"
    text = content.rstrip("\r\n") + ending
    # As bytes: the file stays UTF-8 with its own line ends, whatever the locale.
    sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
    # With a closed standard error `print` would write to standard output, after the file.
    if sys.stderr is not None:
        rest = replace(answer, artifacts=answer.artifacts[1:])
        print(plain(rest, in_words), end="", file=sys.stderr)


def _policy(artifact: Artifact) -> Any:
    """The policy in a file; None for every other file, JSON included."""
    if artifact.language != "json":
        return None
    value = json.loads(artifact.content)
    return value if isinstance(value, dict) and "Statement" in value else None


def _show(answer: Answer, in_words: InWords) -> None:
    from rich.console import Console

    from aws_iam.report import terminal

    terminal.show(answer, Console(highlight=False), in_words)


def _status(answer: Answer, fail_on: str) -> int:
    if answer.facts.get("online", {}).get("aws_read") is False:
        return UNREADABLE  # the answer holds only what was found offline
    if "not_saved" in answer.facts:
        return WRONG  # the findings are printed, but the file was not saved
    limit = Severity(fail_on).rank
    # `counts` covers failed findings that are not muted; a report has no other list of them.
    severities = answer.counts.severity if answer.counts else {}
    failed = any(Severity(name).rank <= limit for name in severities)
    violated = bool(answer.comparison and answer.comparison.violations)
    facts = answer.facts
    no_name = answer.action == "lookup" and not facts["known"]
    locked_out = answer.action == "lockout" and facts["put_key_policy"] == "refused"
    return FOUND if failed or violated or no_name or locked_out else OK


@contextmanager
def _progress(*, shown: bool) -> Iterator[Progress | None]:
    if not shown or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    # A fixed width keeps the bar in place while names of services and Regions change.
    described = TextColumn("{task.description}", table_column=Column(min_width=24))
    columns = (described, BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def report(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, description=escaped(text, 40))

        yield report


def _catalog(words: list[str]) -> int:
    parser = Parser(
        prog="aws-iam catalog",
        description="Show the service-authorization data in use, or fetch the current data from AWS.",
        allow_abbrev=False,
    )
    parser.add_argument("action", choices=("show", "refresh"))
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    options = parser.parse_args(words)
    _require_output()
    from aws_iam.tools import catalog_command

    with _progress(shown=not options.json) as progress:
        answer = (
            catalog_command.show()
            if options.action == "show"
            else catalog_command.refresh(progress or silent)
        )
    answer = clean(answer)
    with _output_errors():
        if options.json:
            _print_json(answer)
        else:
            print(plain(answer).rstrip())
    return OK
