"""An answer on standard output and standard error: as text, as JSON, as the file that it is, or on a terminal."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, to_json
from aws_iam.cli import parsers
from aws_iam.cli.exit_status import Gate, exit_status
from aws_iam.cli.parsers import words_by_argument
from aws_iam.cli.settings import settings_path
from aws_iam.cli.written_files import other_than_its_ending, write_files
from aws_iam.errors import InputError, system_reason
from aws_iam.escape import escaped
from aws_iam.report.answer_text import plain
from aws_iam.report.control_lines import is_audit
from aws_iam.report.page import CONCISE_BYTES, page

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from aws_iam.answer import Artifact
    from aws_iam.report.next_calls import InWords
    from aws_iam.tools.kit.tool import Action


def require_output() -> None:
    """Refuse to begin without a standard output."""
    # Checked first: reading an account can take minutes, all in vain if the answer cannot be printed.
    if sys.stdout is None:
        raise InputError("standard output is closed", hint="redirect it to a file or to /dev/null")


@contextmanager
def output_errors() -> Iterator[None]:
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


def print_answer(
    answer: Answer, action: Action, options: argparse.Namespace, in_words: InWords, gate: Gate
) -> int:
    """Print the answer, and write its files, as the options say; the exit status."""
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
        print_json(answer)
    elif _is_file_alone(answer, action, options):
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


def _is_file_alone(answer: Answer, action: Action, options: argparse.Namespace) -> bool:
    """Whether standard output gets the file of the answer and nothing else."""
    if not action.gives_artifact or not answer.artifacts or sys.stdout.isatty():
        return False
    typed = words_by_argument(action, options)
    given = [(own, word) for own in action.arguments for word in typed.get(own.name, ())]
    return not any(argument.leaves_out(word) for argument, word in given)


def with_content(artifact: Artifact) -> Artifact:
    """The artifact with what its file holds."""
    if artifact.file is None:
        return artifact
    return replace(artifact, content=Path(artifact.file).read_bytes().decode(), file=None)


def print_json(answer: Answer) -> None:
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
