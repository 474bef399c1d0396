"""A tool: named actions, each a typed function; one flat list of arguments for the faces.

`server.py` and `cli.py` are loops over these values. Nothing here knows of MCP or of a terminal.
"""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from aws_iam.answer import Answer, counts
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted

Progress = Callable[[int, int, str], None]
"""Called with (done, total, text) while an action runs; the face decides how to show it."""

Json = Any
"""A document: JSON value or JSON text. On the command line a file, a directory, `-` or JSON text."""

FACE_ARGUMENTS = ("detail", "cursor")


class ArgumentKind(StrEnum):
    """How an argument is read."""

    TEXT = "string"
    FLAG = "boolean"
    LIST = "array"
    CHOICE = "choice"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a reader of the schema sees of an argument; `cli_only` names files or belongs to long runs.

    A `document` of `policies` or of `records` may come as `Files` from a face that reads files, and like a `listed` one
    as a list. Where the whole of a long description can be asked for, `brief` is what the schema of all tools, which
    has little room, says.
    """

    description: str
    brief: str = field(default="", kw_only=True)
    choices: tuple[str, ...] = field(default=(), kw_only=True)
    cli_only: bool = field(default=False, kw_only=True)
    document: bool = field(default=False, kw_only=True)
    policies: bool = field(default=False, kw_only=True)
    records: bool = field(default=False, kw_only=True)
    listed: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One argument of an action, as the faces show it."""

    name: str
    kind: ArgumentKind
    description: str
    brief: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    cli_only: bool = False
    policies: bool = False
    records: bool = False
    listed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A function of a tool with its arguments; `groups` are the dataclasses that some of them fill."""

    name: str
    summary: str
    run: Callable[..., Answer]
    arguments: tuple[Argument, ...]
    groups: Mapping[str, type]
    wants_progress: str | None
    gives_artifact: bool


class Tool:
    """A named set of actions over one subject; the first declared `default` runs without arguments."""

    def __init__(self, name: str, *, title: str, description: str, default: str) -> None:
        self.name = name
        self.title = title
        self.description = description
        self.default = default
        self.actions: dict[str, Action] = {}

    def action(self, function: Callable[..., Answer]) -> Callable[..., Answer]:
        """Add a function as an action of its own name (less a closing underscore)."""
        name = function.__name__.rstrip("_")
        self.actions[name] = _action(name, function, gives_artifact=False)
        return function

    def artifact_action(self, function: Callable[..., Answer]) -> Callable[..., Answer]:
        """Add an action whose result is an artifact: a pipe gets its content alone."""
        name = function.__name__.rstrip("_")
        self.actions[name] = _action(name, function, gives_artifact=True)
        return function

    def arguments(self, *, cli: bool) -> dict[str, Argument]:
        """Every argument of any action by name, in order of first use."""
        merged: dict[str, Argument] = {}
        for action in self.actions.values():
            for argument in action.arguments:
                if cli or not argument.cli_only:
                    merged.setdefault(argument.name, argument)
        return merged

    def run(
        self, arguments: Mapping[str, Any], *, progress: Progress | None = None, cli: bool = False
    ) -> Answer:
        """The whole answer to a call; raises InputError for what the caller can mend."""
        given = {name: value for name, value in arguments.items() if value is not None}
        action = self._chosen(given.pop("action", self.default))
        self._refuse_strangers(action, given, cli=cli)
        values = {
            argument.name: _read(argument, given[argument.name])
            for argument in action.arguments
            if argument.name in given
        }
        answer = action.run(**_call(action, values, progress))
        return replace(
            answer,
            tool=self.name,
            action=action.name,
            counts=answer.counts or (counts(answer.findings) if answer.findings else None),
        )

    def _chosen(self, name: object) -> Action:
        if isinstance(name, str) and name in self.actions:
            return self.actions[name]
        near = closest(str(name), self.actions)
        raise InputError(
            f"{self.name} has no action {quoted(str(name))}",
            hint=f"did you mean `{near}`?" if near else f"it has {_listed(self.actions)}",
        )

    def _refuse_strangers(self, action: Action, given: Mapping[str, Any], *, cli: bool) -> None:
        taken = [argument.name for argument in action.arguments if cli or not argument.cli_only]
        everywhere = self.arguments(cli=cli)
        for name in given:
            if name in taken:
                continue
            owner = f"{self.name} {action.name}"
            if name in everywhere:
                takers = [a.name for a in self.actions.values() if name in _names(a)]
                problem = f"{quoted(name)} is not taken by `{owner}`"
                hint = f"{_listed(takers)} of {self.name} takes it; {owner} takes {_listed(taken)}"
                raise InputError(problem, hint=hint)
            near = closest(name, [*taken, *FACE_ARGUMENTS])
            hint = f"did you mean `{near}`?" if near else f"it takes {_listed(taken)}"
            raise InputError(f"`{owner}` has no argument {quoted(name)}", hint=hint)
        missing = [
            argument
            for argument in action.arguments
            if argument.required and argument.name not in given
        ]
        if missing:
            wanted = ", ".join(map(_wanted, missing))
            raise InputError(
                f"`{self.name} {action.name}` needs {wanted}", hint="give it and call again"
            )


def _wanted(argument: Argument) -> str:
    """A missing argument, and what it is: its description, else its choices."""
    said = argument.description or f"one of {_listed(argument.choices)}"
    return f"`{argument.name}` ({said})"


def _action(name: str, function: Callable[..., Answer], *, gives_artifact: bool) -> Action:
    hints = get_type_hints(function, include_extras=True)
    arguments: list[Argument] = []
    groups: dict[str, type] = {}
    progress = None
    for parameter in inspect.signature(function).parameters.values():
        hint = hints[parameter.name]
        if hint == Progress:
            progress = parameter.name
        elif isinstance(hint, type) and is_dataclass(hint):
            groups[parameter.name] = hint
            kinds = get_type_hints(hint, include_extras=True)
            arguments += [
                _argument(each.name, kinds[each.name], required=False) for each in fields(hint)
            ]
        else:
            required = parameter.default is inspect.Parameter.empty
            arguments.append(_argument(parameter.name.rstrip("_"), hint, required=required))
    first_line = (function.__doc__ or "").strip().partition("\n")[0]
    return Action(
        name=name,
        summary=first_line,
        run=function,
        arguments=tuple(arguments),
        groups=groups,
        wants_progress=progress,
        gives_artifact=gives_artifact,
    )


def _argument(name: str, hint: Any, *, required: bool) -> Argument:
    parameter = next((each for each in get_args(hint)[1:] if isinstance(each, Parameter)), None)
    if get_origin(hint) is not Annotated or parameter is None:
        message = f"argument {name} needs Annotated[…, Parameter(…)]"
        raise TypeError(message)
    kind, choices = _kind(name, get_args(hint)[0], parameter)
    return Argument(
        name=name,
        kind=kind,
        description=parameter.description,
        brief=parameter.brief or parameter.description,
        choices=choices,
        required=required,
        cli_only=parameter.cli_only,
        policies=parameter.policies,
        records=parameter.records,
        listed=parameter.listed or parameter.policies or parameter.records,
    )


_PLAIN = {str: ArgumentKind.TEXT, bool: ArgumentKind.FLAG}


def _kind(name: str, hint: Any, parameter: Parameter) -> tuple[ArgumentKind, tuple[str, ...]]:
    if parameter.document:
        return ArgumentKind.DOCUMENT, ()
    if parameter.choices:
        return ArgumentKind.CHOICE, parameter.choices
    if get_origin(hint) in {Union, types.UnionType}:
        (hint,) = (each for each in get_args(hint) if each is not types.NoneType)
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if hint in _PLAIN:
        return _PLAIN[hint], ()
    if get_origin(hint) in {list, tuple}:
        return ArgumentKind.LIST, ()
    if get_origin(hint) is Literal:
        return ArgumentKind.CHOICE, get_args(hint)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return ArgumentKind.CHOICE, tuple(each.value for each in hint)
    message = f"argument {name} has a type the faces cannot show: {hint}"
    raise TypeError(message)


def _names(action: Action) -> set[str]:
    return {argument.name for argument in action.arguments}


def _call(action: Action, values: dict[str, Any], progress: Progress | None) -> dict[str, Any]:
    call = dict(values)
    for name, group in action.groups.items():
        members = {each.name for each in fields(group)}
        call[name] = group(**{key: call.pop(key) for key in list(call) if key in members})
    taken = inspect.signature(action.run).parameters
    call = {name if name in taken else f"{name}_": value for name, value in call.items()}
    if action.wants_progress:
        call[action.wants_progress] = progress or silent
    return call


def silent(done: int, total: int, text: str) -> None:
    """No one is watching."""


def _read(argument: Argument, value: Any) -> Any:
    """The caller's value as the action's type; clients may send a list or flag as JSON text."""
    return _READERS[argument.kind](argument, value)


def _document(_argument: Argument, value: Any) -> Any:
    return value


def _text(argument: Argument, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _wrong(argument, value, "text")


def _choice(argument: Argument, value: Any) -> str:
    if isinstance(value, str) and value in argument.choices:
        return value
    near = closest(value, argument.choices) if isinstance(value, str) else None
    hint = f"did you mean `{near}`?" if near else ""
    raise _wrong(argument, value, f"one of {_listed(argument.choices)}", hint)


def _flag(argument: Argument, value: Any) -> bool:
    words = {"true": True, "false": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise _wrong(argument, value, "true or false")


def _list(argument: Argument, value: Any) -> list[str]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise _wrong(argument, value, "a list of texts") from None
    if isinstance(value, str):
        value = [each.strip() for each in value.split(",") if each.strip()]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise _wrong(argument, value, "a list of texts")


_READERS: dict[ArgumentKind, Callable[[Argument, Any], Any]] = {
    ArgumentKind.TEXT: _text,
    ArgumentKind.FLAG: _flag,
    ArgumentKind.LIST: _list,
    ArgumentKind.CHOICE: _choice,
    ArgumentKind.DOCUMENT: _document,
}


def _wrong(argument: Argument, value: Any, wanted: str, hint: str = "") -> InputError:
    shown = quoted(value) if isinstance(value, str) else _JSON_WORDS.get(type(value), "a value")
    return InputError(f"`{argument.name}` must be {wanted}, not {shown}", hint=hint)


_JSON_WORDS: dict[type, str] = {
    bool: "a true/false value",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


def _listed(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names) or "no arguments"
