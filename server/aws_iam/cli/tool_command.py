"""One action of a tool as a command: its words read, run, its answer printed, the exit status."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Severity
from aws_iam.cli import parsers
from aws_iam.cli.exit_status import Gate, exit_status
from aws_iam.cli.files import is_named, read_document, read_policies, read_records
from aws_iam.cli.files_beside import with_files_beside
from aws_iam.cli.output import output_errors, print_answer, require_output, with_content
from aws_iam.cli.parsers import Use, option_of, words_by_argument
from aws_iam.cli.progress_bar import progress_bar
from aws_iam.cli.settings import defaults, with_settings
from aws_iam.cli.time_limits import time_limit, within
from aws_iam.cli.wording import Wording
from aws_iam.cli.written_files import format_of_ending
from aws_iam.errors import AwsIamError, InputError
from aws_iam.report.clean import clean
from aws_iam.report.next_calls import as_command
from aws_iam.tools.kit.argument_values import ArgumentKind
from aws_iam.tools.kit.parameters import NEVER

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.tools.kit.argument_values import Argument
    from aws_iam.tools.kit.tool import Action, Tool

_ALLOCATIONS_PER_COLLECTION = 50_000
"""Nearly every object lives until the command ends; at Python's 700, garbage collection takes a tenth of an audit."""


def run_tool(tool: Tool, words: list[str]) -> int:
    """Run the action that the words name; the exit status is one of those in `exit_status.py`."""
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
    require_output()
    with _in_words(wording):
        values = _values(action, typed)
        usual = defaults(values)
        taken = {argument.name for argument in action.arguments}
        values = {name: own for name, own in usual.items() if name in taken} | values
        with (
            progress_bar(shown=bool(action.wants_progress) and not options.json) as progress,
            within(time_limit(options, action, values)),
        ):
            answer = tool.run({"action": chosen, **values}, progress=progress, cli=True)
        in_words = partial(as_command, typed=_repeated(action, typed))
        gate = _gate(options, usual.get("fail_on"))
        try:
            with output_errors():
                if options.json or sys.stdout.isatty():
                    answer = replace(answer, artifacts=tuple(map(with_content, answer.artifacts)))
                return print_answer(
                    clean(answer, wording.of_answer), action, options, in_words, gate
                )
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
        return with_files_beside(with_settings(found, words))
    if words[0] in argument.choices or (argument.name == "policies" and is_named(words[0])):
        return words[0]
    read = read_records if argument.records else read_document
    return read(argument.name, words[0])


def _gate(options: argparse.Namespace, usual: str | None) -> Gate:
    severity = options.fail_on or usual or Severity.HIGH
    return Gate(
        severity=None if severity == NEVER else Severity(severity),
        unknown=bool(options.fail_on_unknown),
        unread=bool(getattr(options, "fail_on_unread", False)),
        denied=bool(getattr(options, "fail_on_denied", False)),
    )
