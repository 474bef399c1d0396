"""The tools as commands, built from the same actions as the MCP tools: parse, run, print, exit status."""

from __future__ import annotations

import gc
import io
import json
import os
import shutil
import sys
import traceback
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Severity, to_json
from aws_iam.cli import parsers
from aws_iam.cli.exit_status import BROKEN, INTERRUPTED, OK, UNREADABLE, WRONG, Gate, exit_status
from aws_iam.cli.files import read_document, read_policies, read_records
from aws_iam.cli.files_beside import with_files_beside
from aws_iam.cli.parsers import Use, option_of, words_by_argument
from aws_iam.cli.settings import defaults, settings_path, with_settings
from aws_iam.cli.time_limits import time_limit, within
from aws_iam.cli.wording import Wording
from aws_iam.cli.written_files import format_of_ending, other_than_its_ending, write_files
from aws_iam.errors import AwsIamError, InputError, closest, system_reason
from aws_iam.escape import escaped, quoted
from aws_iam.report.answer_text import plain
from aws_iam.report.clean import clean
from aws_iam.report.control_lines import is_audit
from aws_iam.report.next_calls import as_command
from aws_iam.report.page import CONCISE_BYTES, page
from aws_iam.tools.kit.argument_values import ArgumentKind
from aws_iam.tools.kit.parameters import NEVER
from aws_iam.tools.kit.tool import silent
from aws_iam.tools.registry import NAMES, tool_named
from aws_iam.version import __version__

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.answer import Artifact
    from aws_iam.report.next_calls import InWords
    from aws_iam.tools.kit.argument_values import Argument
    from aws_iam.tools.kit.tool import Action, Progress, Tool

    Command = Callable[[list[str]], int]

_ALLOCATIONS_PER_COLLECTION = 50_000
"""Nearly every object lives until the command ends; at Python's 700, garbage collection takes a tenth of an audit."""


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
        return _run_tool(tool_named(words[0]), words[1:])
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


def _run_tool(tool: Tool, words: list[str]) -> int:
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION, *gc.get_threshold()[1:])
    if words and words[0] in {"-h", "--help"}:
        parsers.tool_parser(tool).parse_args(words)
    chosen = words.pop(0) if words and not words[0].startswith("-") else tool.default
    action = tool.action_named(chosen)
    use = Use.PARSING if {"-h", "--help"}.isdisjoint(parsers.parted(words)[0]) else Use.HELP
    options = parsers.action_parser(tool, action, use).parse_words(words)
    typed = words_by_argument(action, options)
    out = parsers.path_for_files(action, options)
    if out is not None:
        if action.may_read_account:
            # The results of one account are files as any others; `policy test` names policies from where its file will be.
            typed.pop("out", None)
        _take_format(action, typed, out)
    wording = Wording(action, frozenset(word for values in typed.values() for word in values))
    _require_output()
    with _in_words(wording):
        values = _values(action, typed)
        usual = defaults(values)
        taken = {argument.name for argument in action.arguments}
        values = {name: own for name, own in usual.items() if name in taken} | values
        with (
            _progress(shown=bool(action.wants_progress) and not options.json) as progress,
            within(time_limit(options, action, values)),
        ):
            answer = tool.run({"action": chosen, **values}, progress=progress, cli=True)
        in_words = partial(as_command, typed=_repeated(action, typed))
        gate = _gate(options, usual.get("fail_on"))
        try:
            with _output_errors():
                if options.json or sys.stdout.isatty():
                    answer = replace(answer, artifacts=tuple(map(_with_content, answer.artifacts)))
                return _print(clean(answer, wording.of_answer), action, options, in_words, gate)
        except BrokenPipeError:
            # The reader has seen enough, and Python must not flush at exit. What was found is the verdict all the same.
            sys.stdout = None
            return exit_status(answer, gate)


def _take_format(action: Action, typed: dict[str, list[str]], out: str) -> None:
    """Let the name of the file say which format it has, where the caller does not."""
    for argument in action.arguments:
        wanted = format_of_ending(out, argument.choices) if argument.name == "format" else None
        if wanted:
            typed.setdefault("format", [wanted])


@contextmanager
def _in_words(wording: Wording) -> Iterator[None]:
    """Errors, and what an interrupted command says, in the words of the command line."""
    try:
        yield
    except AwsIamError as error:
        error.message, error.hint = map(wording.of_error, (error.message, error.hint))
        raise
    except KeyboardInterrupt as stopped:
        raise KeyboardInterrupt(*(wording.of_error(str(text)) for text in stopped.args)) from None


def _repeated(action: Action, typed: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The words that repeat an argument of the caller in another command."""
    repeated: dict[str, list[str]] = {}
    for argument in action.arguments:
        words = typed.get(argument.name)
        if words is not None:
            option = option_of(argument.name)
            text = [" ".join(words)] if argument.kind is ArgumentKind.TEXT else list(words)
            repeated[argument.name] = [word for value in text for word in (option, value)] or [
                option
            ]
    return repeated


def _values(action: Action, typed: Mapping[str, list[str]]) -> dict[str, Any]:
    """The values of the arguments; `base` stands for both sides of a review, and what is to be read are paths."""
    values = {
        argument.name: _value(argument, typed[argument.name])
        for argument in action.arguments
        if argument.name in typed and not ("base" in typed and argument.name in _OF_BASE)
    }
    if "base" not in typed and "baseline" not in typed and "base" in action.names(cli=True):
        raise InputError(
            "there is nothing to review against",
            hint="give a git revision in `base`, or what was before the change in `baseline`",
        )
    if "base" in typed:
        if "baseline" in typed:
            raise InputError(
                "`base` and `baseline` are two ways to say what the policies were before",
                hint="give one of them",
            )
        from aws_iam.cli.work_tree import changed_files

        paths = typed.get("document") or ["."]
        found = changed_files(values["base"], paths)
        values |= {
            "document": found.now,
            "baseline": found.then,
            "base": found.title,
        }
    return values


_OF_BASE = frozenset({"document", "baseline"})


def _value(argument: Argument, words: list[str]) -> Any:
    """The value of an argument: its documents read, its lists split."""
    match argument.kind:
        case ArgumentKind.FLAG:
            return True
        case ArgumentKind.LIST:
            return [part.strip() for text in words for part in text.split(",") if part.strip()]
        case ArgumentKind.TEXT:
            return words if argument.several and len(words) > 1 else " ".join(words)
        case ArgumentKind.DOCUMENT:
            return _document(argument, words)
        case ArgumentKind.CHOICE:
            return words[0]


def _document(argument: Argument, words: list[str]) -> Any:
    if argument.policies:
        found = read_policies(argument.name, words)
        if argument.name == "cases":
            return with_files_beside(found)
        if isinstance(found, str) or argument.name != "document":
            return found
        return with_settings(found, words)
    if words[0] in argument.choices:
        return words[0]
    read = read_records if argument.records else read_document
    return read(argument.name, words[0])


def _print(
    answer: Answer, action: Action, options: argparse.Namespace, in_words: InWords, gate: Gate
) -> int:
    status = exit_status(answer, gate)
    if getattr(options, "write_baseline", False):
        write_files(
            answer.artifacts, settings_path(words_by_argument(action, options)["document"])
        )
        answer = replace(answer, artifacts=())
    out = parsers.path_for_files(action, options)
    if out is not None and not answer.artifacts:
        print("aws-iam: the answer has no file to write", file=sys.stderr)
    if out is not None and answer.artifacts:
        paths = write_files(answer.artifacts, out)
        if not options.json:
            # The files hold the artifacts: the text names them instead.
            print(
                "\n".join(
                    _wrote(path, file) for path, file in zip(paths, answer.artifacts, strict=True)
                )
                + "\n"
            )
            checked = [_checked(file) for file in answer.artifacts if file.checked_by]
            if checked:
                print("\n".join(checked) + "\n")
            answer = replace(answer, artifacts=())
    full = options.detail == "full"
    beside = Answer(summary=answer.summary) if options.quiet else answer
    if options.json:
        _print_json(answer)
    elif action.gives_artifact and answer.artifacts and not sys.stdout.isatty():
        _print_file(answer.artifacts)
        _print_beside(beside, in_words)
    elif sys.stdout.isatty():
        _show(beside, in_words, full=full)
    elif options.quiet:
        print(answer.summary)
    else:
        print(plain(answer, in_words, full=full), end="")
    sys.stdout.flush()
    return status


def _gate(options: argparse.Namespace, usual: str | None) -> Gate:
    severity = options.fail_on or usual or Severity.HIGH
    return Gate(
        severity=None if severity == NEVER else Severity(severity),
        unknown=bool(options.fail_on_unknown),
        unread=bool(getattr(options, "fail_on_unread", False)),
        denied=bool(getattr(options, "fail_on_denied", False)),
    )


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


def _with_content(artifact: Artifact) -> Artifact:
    """The artifact with what its file holds."""
    if artifact.file is None:
        return artifact
    return replace(artifact, content=Path(artifact.file).read_bytes().decode(), file=None)


def _print_json(answer: Answer) -> None:
    """Indented on a terminal; compact in a pipe."""
    if sys.stdout.isatty():
        print(json.dumps(to_json(answer), indent=2))
        return
    text = json.dumps(to_json(answer), ensure_ascii=False, separators=(",", ":"))
    sys.stdout.buffer.write(text.encode(errors="backslashreplace") + b"\n")


def _print_file(artifacts: Sequence[Artifact]) -> None:
    """Write only the file to standard output; several policies are one list."""
    first = artifacts[0]
    if first.file is not None:
        with Path(first.file).open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        return
    policies = list(filter(None, map(_policy, artifacts)))
    if _policy(first) and len(policies) > 1:
        content = json.dumps(policies, indent=2)
    else:
        content = first.content
    ending = "\r\n" if content.endswith("\r\n") else "\n"
    text = content.rstrip("\r\n") + ending
    # As bytes: the file stays UTF-8 with its own line ends, whatever the locale.
    sys.stdout.buffer.write(text.encode(errors="backslashreplace"))


def _print_beside(answer: Answer, in_words: InWords) -> None:
    """Write what the file on standard output does not say to standard error."""
    # With a closed standard error `print` would write to standard output, after the file.
    if sys.stderr is None:
        return
    rest = replace(answer, artifacts=answer.artifacts[1:])
    if answer.action == "review" and answer.artifacts[0].language == "markdown":
        # The comment has everything else in it.
        rest = Answer(summary=rest.summary)
    if answer.action == "report":
        # The report has the tables and the counts.
        rest = replace(rest, facts={}, counts=None)
    print(plain(rest, in_words), end="", file=sys.stderr)
    for file in answer.artifacts[:1]:
        if file.checked_by:
            print(f"\n{_checked(file)}", file=sys.stderr)


def _wrote(path: str, file: Artifact) -> str:
    holds = other_than_its_ending(path, file)
    return f"Wrote {escaped(path, 500)}{f', which holds {escaped(holds)}' if holds else ''}"


def _checked(file: Artifact) -> str:
    return f"{escaped(file.name)}: checked by {escaped(file.checked_by or '')}"


def _policy(artifact: Artifact) -> Any:
    """The policy in a file; None for every other file, JSON included."""
    if artifact.language != "json":
        return None
    value = json.loads(artifact.content)
    return value if isinstance(value, dict) and "Statement" in value else None


def _show(answer: Answer, in_words: InWords, *, full: bool) -> None:
    from rich.console import Console

    from aws_iam.report import terminal

    # An audit has a line for each control, and counts all findings in it.
    shown = answer if full or is_audit(answer) else page(answer, CONCISE_BYTES)
    # Without colour rich would still write bold and dim: who asks for plain text gets plain text.
    plain_text = bool(os.environ.get("NO_COLOR"))
    console = Console(highlight=False, color_system=None if plain_text else "auto")
    terminal.show(shown, console, in_words, full=full)


@contextmanager
def _progress(*, shown: bool) -> Iterator[Progress | None]:
    """A bar on the terminal, from the first step that is reported: what is answered at once has none."""
    if not shown or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    with ExitStack() as stack:
        update: Progress | None = None

        def report(done: int, total: int, text: str) -> None:
            nonlocal update
            if update is None:
                update = stack.enter_context(_bar())
            update(done, total, text)

        yield report


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    # A fixed width keeps the bar in place while names of services and Regions change.
    described = TextColumn("{task.description}", table_column=Column(min_width=24))
    columns = (described, BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def update(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, description=escaped(text, 40))

        yield update


def _catalog(words: list[str]) -> int:
    options = parsers.catalog_parser().parse_args(words)
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


def _completion(words: list[str]) -> int:
    options = parsers.completion_parser().parse_args(words)
    _require_output()
    import shtab

    with _output_errors():
        script = shtab.complete(parsers.complete_parser(), options.shell)
        # zsh reads it by `source` too, not only by `eval`.
        print(script.replace("== eval ]]", "== (eval|file) ]]"))
    return OK
