"""The values of arguments, read leniently in form: what can have one meaning only is taken, and said where it was a guess at words.

AsRead("lambda", "")                         `lambda`, `Lambda`, `AWS Lambda`
AsRead("rds", "`target` `postgres` as `rds`")   a synonym, from the table beside the argument
InputError                                   a near miss is refused with the name that was meant
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.frozen import positional, slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


Choices = tuple[str, ...] | Callable[[], tuple[str, ...]]


class ArgumentKind(StrEnum):
    """How an argument's value is read."""

    TEXT = "string"
    FLAG = "boolean"
    LIST = "array"
    CHOICE = "choice"
    DOCUMENT = "document"


@slotted
class Implied:
    """Another argument that words of a choice give too (`mysql` for a database), where one of those `beside` is given."""

    argument: str
    by: Mapping[str, str]
    beside: tuple[str, ...]


@slotted
class Argument:
    """One argument of an action, as MCP and the command line show it."""

    name: str
    kind: ArgumentKind
    description: str
    brief: str = ""
    offered: Choices = ()
    required: bool = False
    cli_only: bool = False
    unlisted: bool = False
    policies: bool = False
    records: bool = False
    listed: bool = False
    synonyms: Mapping[str, str] = field(default_factory=dict)
    implies: Implied | None = None
    also: tuple[str, ...] = ()
    several: bool = False
    as_text: bool = False
    by_position: bool = False
    members: tuple[str, ...] = ()
    prefixed: Mapping[str, str] = field(default_factory=dict)
    left_out: str = ""
    """The word of a choice for what comes without it."""

    @property
    def is_flag(self) -> bool:
        """Whether it is true or false, an option without a value on the command line."""
        return self.kind is ArgumentKind.FLAG

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that a choice accepts."""
        return self.offered() if callable(self.offered) else self.offered

    @property
    def words(self) -> tuple[str, ...]:
        """The same, with the word for what comes without it."""
        return (*self.choices, *([self.left_out] if self.left_out else []))

    def leaves_out(self, value: str) -> bool:
        """Whether the value is the word for what comes without a choice."""
        return bool(self.left_out) and folded(value) == folded(self.left_out)


@positional
class AsRead:
    """A value as the action gets it, and in words how it was understood, if it was written as a synonym."""

    value: Any
    understood: str = ""


_VENDOR = re.compile(r"^(?:aws|amazon)\s+", re.IGNORECASE)
# In a value only: among names of arguments `aws_profile` stands beside `profile`.
_VENDOR_OF_VALUE = re.compile(r"^(?:aws|amazon)[\s_.-]+", re.IGNORECASE)
_POLICY_NAME = re.compile(r"[A-Za-z][\w+=.@-]{2,127}")
_SHORTEST_BEGINNING = 3
# No name and no choice is half as long: a text of megabytes is not searched for one.
_LONGEST_WORD = 200
_SEPARATORS = re.compile(r"[\s_.-]+")
_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GENERAL = re.compile(
    r"\b(?:policy|policies|based|type|style|mode|format|file|template|code|report|xml|only)\b",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^\s*(?:```|~~~)")
_ESCAPED = re.compile(r'\s*[{\[](?:\\[nrt]|\s)*(?:\{(?:\\[nrt]|\s)*)?\\"')
_FLAGS = {
    **dict.fromkeys(("true", "yes", "y", "ja", "on", "1"), True),
    **dict.fromkeys(("false", "no", "n", "nein", "off", "0"), False),
}


def folded(word: str) -> str:
    """A word without what people write differently: case, separators, `AWS ` in front; one that no table has as it is."""
    if len(word) > _LONGEST_WORD:
        return word
    return _SEPARATORS.sub("", _VENDOR.sub("", word.strip())).lower()


def _plain(name: str) -> str:
    """The name of an argument without what people write differently, `roleArn` and `role_arn` alike."""
    return folded(_CAPITALS.sub("_", name[:_LONGEST_WORD]) + name[_LONGEST_WORD:])


def argument_named(name: str, names: Mapping[str, str]) -> str | None:
    """The argument that a name means: exactly, in other case or with other separators; `names` includes synonyms."""
    if name in names:
        return names[name]
    plain = _plain(name)
    return next((names[known] for known in names if folded(known) == plain), None)


def argument_of_value(
    name: str, value: object, arguments: Iterable[Argument]
) -> tuple[str | None, str]:
    """The argument that a name means because of how its value begins; else a hint which it can be, if any."""
    plain = _plain(name)
    beginnings = {
        argument.name: beginning
        for argument in arguments
        for known, beginning in argument.prefixed.items()
        if folded(known) == plain
    }
    for meant, beginning in beginnings.items():
        if isinstance(value, str) and value.startswith(beginning):
            return meant, ""
    shown = " or ".join(f"`{meant}` (`{start}…`)" for meant, start in beginnings.items())
    return None, f"it can be {shown}: give that argument" if shown else ""


def with_implied(
    arguments: Iterable[Argument], given: dict[str, Any], understood: list[str]
) -> dict[str, Any]:
    """The values with those that the words of a choice give too; InputError where the caller gave another."""
    for argument in arguments:
        implied, word = argument.implies, given.get(argument.name)
        if implied is None or not isinstance(word, str):
            continue
        by = {folded(name): value for name, value in implied.by.items()}
        value, own = by.get(folded(word)), given.get(implied.argument)
        if value and isinstance(own, str) and by.get(folded(own), value) != value:
            raise InputError(
                f"`{argument.name}` {quoted(word)} and `{implied.argument}` {quoted(own)} contradict each other",
                hint="give one of them",
            )
        if value and own is None and any(name in given for name in implied.beside):
            given = {**given, implied.argument: value}
            understood.append(f"`{implied.argument}` `{value}` from `{argument.name}`")
    return given


def read(argument: Argument, value: Any) -> AsRead:
    """The caller's value as the action's type; InputError says what would work."""
    return _READERS[argument.kind](argument, value)


def _document(argument: Argument, value: Any) -> AsRead:
    """Text in one Markdown fence without the fence; its lines keep their numbers."""
    if not isinstance(value, str):
        return AsRead(value)
    if argument.policies and _POLICY_NAME.fullmatch(value.strip()):
        return _of_policy_name(argument, value)
    if "```" not in value and "~~~" not in value:
        return _unescaped(argument, value)
    lines = value.splitlines()
    fences = [number for number, line in enumerate(lines) if _FENCE.match(line)]
    if len(fences) != 2:  # noqa: PLR2004 - one block
        return AsRead(value)
    first, last = fences
    inside = [line if first < number < last else "" for number, line in enumerate(lines)]
    return AsRead("\n".join(inside), f"`{argument.name}`: the block of code in the text")


def _unescaped(argument: Argument, value: str) -> AsRead:
    r"""The content of a JSON string without the quotes around it: `{\"Version\": …}`; other texts as they are."""
    if not _ESCAPED.match(value):
        return AsRead(value)
    try:
        text = json.loads(f'"{value.strip()}"', strict=False)
    except ValueError:
        return AsRead(value)
    return AsRead(text, f"`{argument.name}`: the text without its escapes")


def _of_policy_name(argument: Argument, value: str) -> AsRead:
    """The ARN of the AWS managed policy of that name; other words as they are."""
    # Imported here: most documents are no names, and the table of names is large.
    from aws_iam.engine.reference.managed_policies import managed_policy

    policy = managed_policy(value.strip())
    if policy is None:
        return AsRead(value)
    return AsRead(policy.arn, f"`{argument.name}` {quoted(value)} as `{policy.arn}`")


def _text(argument: Argument, value: Any) -> AsRead:
    match value:
        case str():
            return AsRead(value)
        case bool():
            pass
        case int() | float():
            return AsRead(str(value))
        case [str() as only]:
            return AsRead(only, "" if argument.several else _only(argument, only))
        case list() if argument.several and all(isinstance(part, str) for part in value):
            return AsRead(", ".join(value))
        case dict() | list() if argument.as_text:
            return AsRead(_json_text(argument, value))
    listed = isinstance(value, list) and all(isinstance(part, str) for part in value)
    hint = f"it takes one: call once for each of {code_list(value)}" if listed and value else ""
    raise _refused(argument, value, "text", hint)


def _json_text(argument: Argument, value: Any) -> str:
    try:
        return json.dumps(value)
    except (ValueError, RecursionError):
        raise _refused(argument, value, "text") from None


def _choice(argument: Argument, value: Any) -> AsRead:
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        read = _choice(argument, value[0])
        return AsRead(read.value, read.understood or _only(argument, value[0]))
    if not isinstance(value, str):
        raise _refused(argument, value, f"one of {code_list(argument.words)}")
    if value in argument.choices:
        return AsRead(value)
    plain = folded(value)
    if argument.leaves_out(value):
        return AsRead(None)
    for choice in argument.choices:
        if folded(choice) == plain:
            return AsRead(choice, _as(argument, value, choice))
    written = {folded(word): choice for word, choice in argument.synonyms.items()}
    written |= {folded(choice): choice for choice in argument.choices}
    bare = _VENDOR_OF_VALUE.sub("", value[: _LONGEST_WORD + 1].strip())
    forms = (plain, folded(bare), folded(_GENERAL.sub(" ", bare)))
    meant = {written[word] for word in forms if word in written}
    if not meant and len(plain) >= _SHORTEST_BEGINNING:
        meant = {choice for choice in argument.choices if folded(choice).startswith(plain)}
    if len(meant) == 1:
        (choice,) = meant
        return AsRead(choice, _as(argument, value, choice))
    near = closest(value, argument.words)
    hint = f"did you mean `{near}`?" if near else ""
    raise _refused(argument, value, f"one of {code_list(argument.words)}", hint)


def _as(argument: Argument, value: str, choice: str) -> str:
    return f"`{argument.name}` {quoted(value)} as `{choice}`"


def _only(argument: Argument, value: str) -> str:
    return f"`{argument.name}`: the only one of the list, {quoted(value)}"


def flag_of(value: object) -> bool | None:
    """True or false, also as `yes` or 1; None for anything else."""
    word = str(value).strip().lower() if isinstance(value, (str, int)) else ""
    return _FLAGS.get(word)


def _flag(argument: Argument, value: Any) -> AsRead:
    read = flag_of(value)
    if read is not None:
        return AsRead(read)
    raise _refused(argument, value, "true or false")


def _list(argument: Argument, value: Any) -> AsRead:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise _refused(argument, value, "a list of strings") from None
    if isinstance(value, str):
        value = [text.strip() for text in value.split(",") if text.strip()]
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value]
    if isinstance(value, list) and all(_is_word(part) for part in value):
        return AsRead([str(part) for part in value])
    raise _refused(argument, value, "a list of strings")


def _is_word(value: object) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


_READERS: dict[ArgumentKind, Callable[[Argument, Any], AsRead]] = {
    ArgumentKind.TEXT: _text,
    ArgumentKind.FLAG: _flag,
    ArgumentKind.LIST: _list,
    ArgumentKind.CHOICE: _choice,
    ArgumentKind.DOCUMENT: _document,
}


def _refused(argument: Argument, value: Any, expected: str, hint: str = "") -> InputError:
    shown = quoted(value) if isinstance(value, str) else _KIND_OF_VALUE.get(type(value), "a value")
    return InputError(f"`{argument.name}` must be {expected}, not {shown}", hint=hint)


_KIND_OF_VALUE: dict[type, str] = {
    bool: "a true/false value",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


def code_list(names: Iterable[str]) -> str:
    """The names as code: `a`, `b`; `no arguments` for none."""
    return ", ".join(f"`{name}`" for name in names) or "no arguments"
