"""A tool: named actions, each a typed function, with one flat list of arguments for MCP and the command line.

`server/` and `cli/` loop over these values. Nothing here depends on MCP or on a terminal.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, field, fields, is_dataclass, replace
from enum import StrEnum
from operator import attrgetter
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from aws_iam.answer import Answer, NextCall, counts
from aws_iam.engine.reference.catalog import follow_refresh
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.frozen import positional, slotted
from aws_iam.tools.kit import argument_values
from aws_iam.tools.kit.argument_values import (
    Argument,
    ArgumentKind,
    Choices,
    Implied,
    argument_named,
    argument_of_value,
    code_list,
    folded,
)
from aws_iam.tools.kit.synonyms import TOOL_OF_ACTION

Progress = Callable[[int, int, str], None]
"""Called with (done, total, text) while an action runs."""

Lacking = Callable[[Mapping[str, Any]], str]
"""What a call lacks beside required arguments, in words, from its arguments as they were given; empty if nothing."""

Json = Any
"""A document: a JSON value or JSON text; on the command line also a file, a folder or `-`."""

PAGE_ARGUMENTS = ("detail", "cursor")
_OF_OTHER_TOOLS = {name: name for name in TOOL_OF_ACTION}
_MOST_NEXT = 3
_MOST_NAMES = 100
UNDERSTOOD = "understood"
"""The fact that says how words of the call were understood."""


@positional
class Parameter:
    """How an argument is described, and what it accepts.

    `brief` replaces a long description in the MCP schema, which has little room; empty says that the name is enough. A `document` is JSON; one of `policies`
    or of `records` also comes as `Files` from the command line and, like a `listed` one, as a list. `cli_only` arguments
    name files or belong to long runs: MCP does not offer them. It takes `unlisted` ones without listing them: callers guess
    their names, and the list has little room. `choices` that need imports are a function; those of a document are words that stand in its place. `synonyms` are
    words that people use for a choice, and may give another argument too (`implies`), `also` other names of the argument. A text with `several` names also comes as a
    list. `as_text` is a document that is rather text than an object, or a text that also comes as a JSON value. `members` are the names in an object, which callers also give on their own.
    `prefixed` are names that mean the argument where the value begins so. `left_out` is a word for what comes without a choice; MCP takes it without listing it. One `by_position` needs no option on the command line.
    """

    description: str
    brief: str | None = field(default=None, kw_only=True)
    choices: Choices = field(default=(), kw_only=True)
    synonyms: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    implies: Implied | None = field(default=None, kw_only=True)
    also: tuple[str, ...] = field(default=(), kw_only=True)
    several: bool = field(default=False, kw_only=True)
    as_text: bool = field(default=False, kw_only=True)
    by_position: bool = field(default=False, kw_only=True)
    members: tuple[str, ...] = field(default=(), kw_only=True)
    prefixed: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    cli_only: bool = field(default=False, kw_only=True)
    unlisted: bool = field(default=False, kw_only=True)
    document: bool = field(default=False, kw_only=True)
    policies: bool = field(default=False, kw_only=True)
    records: bool = field(default=False, kw_only=True)
    listed: bool = field(default=False, kw_only=True)
    left_out: str = field(default="", kw_only=True)


@slotted
class Action:
    """A function of a tool with its arguments; `groups` are dataclass parameters, whose fields are arguments."""

    name: str
    summary: str
    run: Callable[..., Answer]
    arguments: tuple[Argument, ...]
    groups: Mapping[str, type]
    wants_progress: str | None
    gives_artifact: bool

    @property
    def may_read_account(self) -> bool:
        """Whether it can read AWS."""
        return any(argument.name == "profile" for argument in self.arguments)

    @property
    def reads_on_request(self) -> bool:
        """Whether it reads AWS only where `online` says so."""
        return any(argument.name == "online" for argument in self.arguments)

    @property
    def documents(self) -> tuple[str, ...]:
        """The arguments whose values may be large."""
        return tuple(own.name for own in self.arguments if own.kind is ArgumentKind.DOCUMENT)

    def offered(self, *, cli: bool) -> list[Argument]:
        """The arguments that a face has."""
        return [argument for argument in self.arguments if cli or not argument.cli_only]

    def names(self, *, cli: bool) -> dict[str, str]:
        """The argument that each name means, synonyms too."""
        offered = self.offered(cli=cli)
        synonyms = {also: argument.name for argument in offered for also in argument.also}
        return synonyms | {argument.name: argument.name for argument in offered}


class Tool:
    """A named set of actions on one subject.

    `asked` holds what people ask for, by action, in the order in which it is listed. `default` is the action that runs
    when none is named; `also` holds other words for actions. `lacking` says what a call of an action lacks beside its
    required arguments, so that all of it is named at once.
    """

    def __init__(
        self,
        name: str,
        *,
        title: str,
        subject: str,
        asked: Mapping[str, str],
        default: str,
        also: Mapping[str, str] = types.MappingProxyType({}),
    ) -> None:
        self.name = name
        self.also = also
        self.title = title
        self.subject = subject
        self.asked = asked
        self.default = default
        self.actions: dict[str, Action] = {}
        self.lacking: dict[str, Lacking] = {}

    @property
    def description(self) -> str:
        """When to use the tool, and which action for what."""
        uses = "; ".join(f"{words} ({action})" for action, words in self.asked.items())
        return f"{self.subject}: {uses}."

    def action(self, function: Callable[..., Answer]) -> Callable[..., Answer]:
        """Add a function as an action of the same name, without a trailing underscore."""
        name = function.__name__.rstrip("_")
        self.actions[name] = _action(name, function, gives_artifact=False)
        return function

    def artifact_action(self, function: Callable[..., Answer]) -> Callable[..., Answer]:
        """Add an action that produces a file: a pipe receives only its content."""
        name = function.__name__.rstrip("_")
        self.actions[name] = _action(name, function, gives_artifact=True)
        return function

    def arguments(self, *, cli: bool) -> dict[str, Argument]:
        """The arguments of all actions by name, in order of first use; a choice has the words of all of them."""
        by_name: dict[str, list[Argument]] = {}
        offered = [own for action in self.actions.values() for own in action.offered(cli=cli)]
        # What one action lists another one may take without listing it.
        listed = {own.name for own in offered if not own.unlisted}
        for argument in sorted(offered, key=attrgetter("unlisted")):
            if not (argument.unlisted and argument.name in listed):
                by_name.setdefault(argument.name, []).append(argument)
        return {name: _of_all(same) for name, same in by_name.items()}

    def run(
        self, arguments: Mapping[str, Any], *, progress: Progress | None = None, cli: bool = False
    ) -> Answer:
        """The complete answer to a call; raises InputError for mistakes of the caller."""
        follow_refresh()
        given = {name: value for name, value in arguments.items() if value is not None}
        asked = given.pop("action", self.default)
        action = self.action_named(asked)
        given, renamed = self.by_argument(action, given, cli=cli)
        if folded(str(asked)) != folded(action.name):
            renamed.insert(0, f"`action` {quoted(str(asked))} as `{action.name}`")
        self._check_names(action, given, cli=cli)
        given = argument_values.with_implied(action.arguments, given, renamed)
        read = {
            argument.name: argument_values.read(argument, given[argument.name])
            for argument in action.arguments
            if argument.name in given
        }
        understood = [*renamed, *(part.understood for part in read.values() if part.understood)]
        values = {name: part.value for name, part in read.items() if part.value is not None}
        answer = action.run(**_call(action, values, progress))
        answer = with_understood(answer, understood)
        return replace(
            answer,
            next=tuple(_with_given(call, given) for call in answer.next[:_MOST_NEXT]),
            tool=self.name,
            action=action.name,
            counts=answer.counts or (counts(answer.findings) if answer.findings else None),
        )

    def action_named(self, name: object) -> Action:
        """The action that a word means: its name in any case, or one of the other words for it."""
        known = {**self.also, **{name: name for name in self.actions}}
        meant = argument_named(name, known) if isinstance(name, str) else None
        if meant:
            return self.actions[meant]
        near = closest(str(name), self.actions)
        hint = f"did you mean `{near}`?" if near else f"it has {code_list(self.actions)}"
        if isinstance(name, str) and (other := argument_named(name, _OF_OTHER_TOOLS)):
            hint = f"it is an action of `{TOOL_OF_ACTION[other]}`; {self.name} has {code_list(self.actions)}"
        raise InputError(f"{self.name} has no action {quoted(str(name))}", hint=hint)

    def by_argument(
        self, action: Action, given: Mapping[str, Any], *, cli: bool
    ) -> tuple[dict[str, Any], list[str]]:
        """The values by argument, whose name may be written differently or be a synonym, and which were synonyms."""
        if len(given) > _MOST_NAMES:
            # Each is compared with every name that there is.
            raise InputError(
                f"{len(given):,} arguments are more than any action takes",
                hint=f"`{self.name} {action.name}` takes {code_list(own.name for own in action.offered(cli=cli))}",
            )
        names = action.names(cli=cli)
        found: dict[str, Any] = {}
        understood: list[str] = []
        offered = action.offered(cli=cli)
        given = _with_members_inside(offered, given, names, understood)
        for name, value in given.items():
            meant = argument_named(name, names)
            if meant is None:
                meant, _ = argument_of_value(name, value, offered)
            meant = _document_meant(offered, meant or name, value)
            if meant in found:
                raise InputError(
                    f"{quoted(name)} and `{meant}` are the same argument", hint="give it once"
                )
            found[meant] = value
            if folded(name) != folded(meant):
                understood.append(f"{quoted(name)} as `{meant}`")
        return found, understood

    def _check_names(self, action: Action, given: Mapping[str, Any], *, cli: bool) -> None:
        accepted = [argument.name for argument in action.offered(cli=cli)]
        for name in given:
            if name in accepted:
                continue
            call = f"{self.name} {action.name}"
            problem = f"`{call}` has no argument {quoted(name)}"
            if name in self.arguments(cli=cli):
                others = [
                    f"{self.name} {a.name}" for a in self.actions.values() if name in _names(a)
                ]
                hint = f"it belongs to {code_list(others)}; `{call}` takes {code_list(accepted)}"
                raise InputError(problem, hint=hint)
            _, hint = argument_of_value(name, given[name], action.arguments)
            near = closest(name, [*accepted, *PAGE_ARGUMENTS])
            known = f"did you mean `{near}`?" if near else f"it takes {code_list(accepted)}"
            raise InputError(problem, hint=hint or known)
        missing = [
            argument
            for argument in action.arguments
            if argument.required and argument.name not in given
        ]
        if missing:
            needed = ", ".join(map(_with_description, missing))
            more = self.lacking[action.name](given) if action.name in self.lacking else ""
            raise InputError(
                f"`{self.name} {action.name}` needs {needed}{f'; {more}' if more else ''}",
                hint=f"add {'them' if more or len(missing) > 1 else 'it'} and call again",
            )


def _document_meant(offered: Sequence[Argument], name: str, value: object) -> str:
    """The argument: `document` for a whole policy given as `policy`, where that is the name of one of several."""
    is_policy = isinstance(value, dict) or (
        isinstance(value, str) and value.lstrip().startswith("{")
    )
    names = {argument.name for argument in offered}
    return "document" if is_policy and name == "policy" and "document" in names else name


def _with_members_inside(
    offered: Sequence[Argument],
    given: Mapping[str, Any],
    names: Mapping[str, str],
    understood: list[str],
) -> Mapping[str, Any]:
    """The values with those members of an object inside it that the caller gave on their own, where the object is absent."""
    for argument in offered:
        members = {folded(member) for member in argument.members}
        own = members and [
            name for name in given if folded(name) in members and not argument_named(name, names)
        ]
        if own and argument.name not in given:
            understood.append(f"{code_list(own)} as names in `{argument.name}`")
            rest = {name: value for name, value in given.items() if name not in own}
            given = {**rest, argument.name: {name: given[name] for name in own}}
    return given


def _of_all(same: Sequence[Argument]) -> Argument:
    """The first of the arguments of one name; as a choice with the words of all."""
    first, *others = same
    if first.kind is not ArgumentKind.CHOICE or all(
        own.offered == first.offered for own in others
    ):
        return first
    # A function: some choices need imports.
    return replace(
        first, offered=lambda: tuple(dict.fromkeys(word for own in same for word in own.choices))
    )


def with_understood(answer: Answer, understood: Sequence[str]) -> Answer:
    """The answer that says first how words of the call were understood."""
    if not understood:
        return answer
    more = answer.facts.get(UNDERSTOOD, ())
    facts = {name: fact for name, fact in answer.facts.items() if name != UNDERSTOOD}
    return replace(answer, facts={UNDERSTOOD: [*understood, *more], **facts})


def _with_given(call: NextCall, given: Mapping[str, Any]) -> NextCall:
    return replace(call, same=tuple(name for name in call.same if name in given))


def _with_description(argument: Argument) -> str:
    description = argument.description or f"one of {code_list(argument.choices)}"
    return f"`{argument.name}` ({description})"


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
                _argument(
                    member.name,
                    kinds[member.name],
                    required=member.default is MISSING and member.default_factory is MISSING,
                )
                for member in fields(hint)
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
    parameter = next((extra for extra in get_args(hint)[1:] if isinstance(extra, Parameter)), None)
    if get_origin(hint) is not Annotated or parameter is None:
        message = f"argument {name} needs Annotated[…, Parameter(…)]"
        raise TypeError(message)
    kind, choices = _kind(name, get_args(hint)[0], parameter)
    return Argument(
        name=name,
        kind=kind,
        description=parameter.description,
        brief=parameter.description if parameter.brief is None else parameter.brief,
        offered=choices,
        required=required,
        cli_only=parameter.cli_only,
        unlisted=parameter.unlisted,
        policies=parameter.policies,
        records=parameter.records,
        listed=parameter.listed or parameter.policies or parameter.records,
        synonyms=parameter.synonyms,
        implies=parameter.implies,
        also=parameter.also,
        several=parameter.several,
        as_text=parameter.as_text,
        by_position=parameter.by_position,
        members=parameter.members,
        prefixed=parameter.prefixed,
        left_out=parameter.left_out,
    )


_PLAIN = {str: ArgumentKind.TEXT, bool: ArgumentKind.FLAG}


def _kind(name: str, hint: Any, parameter: Parameter) -> tuple[ArgumentKind, Choices]:
    if parameter.document:
        return ArgumentKind.DOCUMENT, parameter.choices
    if parameter.choices:
        return ArgumentKind.CHOICE, parameter.choices
    if get_origin(hint) in {Union, types.UnionType}:
        (hint,) = (member for member in get_args(hint) if member is not types.NoneType)
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if hint in _PLAIN:
        return _PLAIN[hint], ()
    if get_origin(hint) in {list, tuple}:
        return ArgumentKind.LIST, ()
    if get_origin(hint) is Literal:
        return ArgumentKind.CHOICE, get_args(hint)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return ArgumentKind.CHOICE, tuple(member.value for member in hint)
    message = f"argument {name} has a type that an argument cannot have: {hint}"
    raise TypeError(message)


def _names(action: Action) -> set[str]:
    return {argument.name for argument in action.arguments}


def _call(action: Action, values: dict[str, Any], progress: Progress | None) -> dict[str, Any]:
    call = dict(values)
    for name, group in action.groups.items():
        members = {member.name for member in fields(group)}
        call[name] = group(**{key: call.pop(key) for key in list(call) if key in members})
    parameters = inspect.signature(action.run).parameters
    call = {name if name in parameters else f"{name}_": value for name, value in call.items()}
    if action.wants_progress:
        call[action.wants_progress] = progress or silent
    return call


def silent(done: int, total: int, text: str) -> None:
    """Report nothing."""
