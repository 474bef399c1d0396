"""Pages in the words of the server: they are written for people, with commands, and become calls when an assistant reads them.

    `aws-iam policy lookup`                        `policy lookup`
    `aws-iam audit control --id 3.8`               `audit control` with `id: 3.8`
    `control --id 3.8`, on the page of audit       the same
    `--fail-on`, `--format html`, `--demo`         `fail_on`, `format: html`, `demo: true`
    aws-iam kms lockout --document key.json        kms {"action": "lockout", "document": "<content of key.json>"}

What only the command line has stays as it is, and a block of such commands says so.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.tools.kit.argument_values import ArgumentKind
from aws_iam.tools.registry import NAMES, tool_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.tools.kit.argument_values import Argument
    from aws_iam.tools.kit.tool import Action, Tool

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>```+|~~~+)(?P<language>[\w-]*)")
_SPAN = re.compile(r"(?<!`)`(?P<code>[^`]+)`(?!`)")
_COMMAND = re.compile(rf"^aws-iam (?:{'|'.join(NAMES)})(?: |$)")
_OPTION = re.compile(r"`(--[a-z][a-z-]*)")
_COMMENT = re.compile(r"\s+# .*$")
_ANY = "…"
_ONLY_THERE = "On the command line alone:"
_SHELL = frozenset({"bash", "sh", "shell", "console", ""})
# How the command line prints and ends; a call has no such thing.
_OF_THE_TERMINAL = frozenset({"json", "quiet"})
_OF_EVERY_COMMAND = frozenset({"fail_on", "fail_on_unknown", "fail_on_unread", "out"})


@dataclass(frozen=True, slots=True)
class _Call:
    tool: str
    action: str
    arguments: Mapping[str, Any]

    def in_a_block(self) -> str:
        """The call in a line of its own."""
        arguments = json.dumps({"action": self.action, **self.arguments}, ensure_ascii=False)
        return f"{self.tool} {arguments}"

    def in_a_sentence(self) -> str:
        """The call as a text names it."""
        named = [f"`{name}: {_plain(value)}`" for name, value in self.arguments.items()]
        given = f" with {' and '.join(named)}" if named else ""
        return f"`{self.tool} {self.action}`{given}"


class _OnlyThereError(Exception):
    """A command that has no call: an option of the command line, another program."""


def in_calls(markdown: str, tool: str) -> str:
    """The page, or the section, with calls in place of commands; `tool` is whose page it is."""
    parts: list[str] = []
    prose: list[str] = []
    block: list[str] = []
    for line in markdown.splitlines():
        fence = _FENCE.match(line)
        if block:
            block.append(line)
            if fence and fence["ticks"] == _ticks(block[0]) and not fence["language"]:
                parts += _block(block)
                block = []
        elif fence:
            parts += _sentences(prose, tool)
            prose, block = [], [line]
        else:
            prose.append(line)
    parts += [*_sentences(prose, tool), *block]
    return "\n".join(parts) + ("\n" if markdown.endswith("\n") else "")


def left_options(markdown: str, tool: str) -> list[str]:
    """The options in a text of calls that only the command line has; those of other programs are not ours to explain."""
    ours = tool_named(tool).arguments(cli=True)
    written = dict.fromkeys(_OPTION.findall(markdown))
    return [name for name in written if _name(name) in {*ours, *_OF_EVERY_COMMAND}]


def _ticks(line: str) -> str:
    fence = _FENCE.match(line)
    return fence["ticks"] if fence else ""


def _block(lines: list[str]) -> Iterator[str]:
    """A block of code; of one with commands, the calls first and then what has no call."""
    opening, *inside, closing = lines
    fence = _FENCE.match(opening)
    if not fence or fence["language"] not in _SHELL or not any(map(_COMMAND.match, inside)):
        yield from lines
        return
    calls: list[str] = []
    left: list[str] = []
    for command in _joined(inside):
        try:
            calls += [call.in_a_block() for call in _pipeline(command)]
        except _OnlyThereError:
            left.append(command)
    if calls:
        yield from (f"{fence['indent']}{fence['ticks']}text", *calls, closing)
    if calls and left:
        yield from ("", f"{fence['indent']}{_ONLY_THERE}", "")
    if left:
        yield from (opening, *left, closing)


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """The commands of a block, each with the lines that continue it."""
    begun: list[str] = []
    for line in lines:
        begun.append(line)
        if not line.endswith("\\"):
            yield "\n".join(begun)
            begun = []
    if begun:
        yield "\n".join(begun)


def _sentences(lines: list[str], tool: str) -> Iterator[str]:
    """Prose, whose spans of code may run over the end of a line."""
    if lines:
        yield _SPAN.sub(lambda span: _span(span, tool), "\n".join(lines))


def _span(span: re.Match[str], tool: str) -> str:
    code = " ".join(span["code"].split())
    try:
        if _COMMAND.match(code) and _ANY not in code:
            (call,) = _pipeline(code)
            return call.in_a_sentence()
        action, _, rest = code.partition(" ")
        if action in tool_named(tool).actions and rest.startswith("--"):
            (call,) = _pipeline(f"aws-iam {tool} {code}")
            return call.in_a_sentence()
        if code.startswith("--"):
            return _option(code, tool_named(tool))
    except (_OnlyThereError, ValueError):
        pass
    return span[0]


def _option(code: str, tool: Tool) -> str:
    """An option of the tool as the argument of a call."""
    written, _, value = code.partition(" ")
    argument = tool.arguments(cli=False).get(_name(written))
    if argument is None:
        raise _OnlyThereError
    shown = value or ("true" if argument.is_flag else "")
    return f"`{argument.name}: {shown}`" if shown else f"`{argument.name}`"


def _pipeline(command: str) -> list[_Call]:
    """The calls that do what a command does, or several with a pipe between."""
    words = shlex.split(_COMMENT.sub("", command.replace("\\\n", " ")))
    parts: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            parts.append([])
        else:
            parts[-1].append(word)
    return [_call(part) for part in parts]


def _call(words: list[str]) -> _Call:
    if len(words) < len(("aws-iam", "TOOL")) or words[0] != "aws-iam" or words[1] not in NAMES:
        raise _OnlyThereError
    tool = tool_named(words[1])
    given, redirected = _without_redirections(words[2:])
    named = bool(given) and given[0] in tool.actions
    action = tool.actions[given.pop(0) if named else tool.default]
    arguments = _arguments(action, given, redirected.get("<", ""))
    return _Call(tool.name, action.name, arguments)


def _without_redirections(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """The words, and the files that the input comes from and the output goes to."""
    at = [number for number, word in enumerate(words) if word in {"<", ">"}]
    files = {words[number]: words[number + 1] for number in at if number + 1 < len(words)}
    taken = {place for number in at for place in (number, number + 1)}
    return [word for number, word in enumerate(words) if number not in taken], files


def _arguments(action: Action, words: list[str], read_from: str) -> dict[str, Any]:
    """The arguments of a call; `read_from` is the file that `-` stands for, if it is no answer before."""
    known = {argument.name: argument for argument in action.offered(cli=False)}
    main = [argument for argument in known.values() if argument.by_position]
    found: dict[str, Any] = {}
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--"):
            argument, value = next((a for a in main if a.name not in found), None), word
        elif _name(word) in _OF_THE_TERMINAL:
            continue
        elif _name(word) == "out" and not any(own.name == "out" for own in action.arguments):
            # An answer holds its files.
            left = left[1:]
            continue
        else:
            argument = known.get(_name(word))
            value = left.pop(0) if argument and not argument.is_flag and left else ""
        if argument is None:
            raise _OnlyThereError
        found[argument.name] = _value(argument, value, read_from)
    return found


def _name(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")


def _value(argument: Argument, word: str, read_from: str) -> Any:
    if argument.is_flag:
        return True
    if argument.kind is ArgumentKind.LIST:
        return word.split(",")
    if argument.kind is not ArgumentKind.DOCUMENT:
        return word
    if word in argument.choices:
        return word
    if word.startswith(("{", "[")):
        return json.loads(word)
    file = read_from if word == "-" else word
    content = f"content of {file}" if file else "the file of the answer before"
    return f"<{content}>" if argument.listed or argument.as_text else {"…": content}


def _plain(value: Any) -> str:
    match value:
        case True:
            return "true"
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)
