"""Reads shell examples: splits them into commands and holds them against the programs they call."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore import xform_name

from aws_iam.cli.parsers import action_parser, serve_parser, words_by_argument
from aws_iam.errors import InputError
from aws_iam.tools.registry import tools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape, StructureShape

KNOWN_PROGRAMS = {"aws", "aws-iam", "aws-iam-mcp", "uvx", "eksctl", "gh", "kubectl"}

_SERVICE_OF_COMMAND = {"configservice": "config", "s3api": "s3"}
# The AWS CLI calls a few arguments other than the API does.
_RENAMED = {("sns", "subscribe", "--endpoint"): "--notification-endpoint"}
_GLOBAL = {"--profile", "--region", "--query", "--output", "--endpoint-url", "--cli-input-json"}
_GLOBAL_FLAGS = {"--no-cli-pager", "--no-paginate", "--debug", "--no-sign-request"}
# Commands that the AWS CLI adds to the services' own operations.
_ONLY_IN_CLI = {
    ("cloudtrail", "validate-logs"): {"--trail-arn", "--start-time", "--end-time", "--verbose"},
}

_SESSION = botocore.session.Session()


def commands(script: str) -> list[list[str]]:
    """Each command of a script as words; pipes end a command."""
    joined = re.sub(r"\\\n\s*", " ", script)
    found: list[list[str]] = []
    for line in joined.splitlines():
        words: list[str] = []
        for word in shlex.split(line, comments=True):
            if word == "|":
                found.append(words)
                words = []
            else:
                words.append(word)
        if words:
            found.append(words)
    return found


def problems(words: list[str]) -> list[str]:
    """What is wrong with one command."""
    match words:
        case ["aws", service, operation, *rest]:
            return list(_aws(service, operation, rest))
        case ["aws-iam", *rest] | ["uvx", "--from", "aws-iam-mcp", "aws-iam", *rest]:
            return list(_ours(rest))
        case ["aws-iam-mcp"]:
            return []
        case [program, *_] if program in KNOWN_PROGRAMS - {"aws", "aws-iam", "uvx"}:
            return []
    return [f"no program of the examples: {' '.join(words)}"]


def _ours(line: list[str]) -> Iterator[str]:
    redirected = {
        place + after for place, word in enumerate(line) if word in "<>" for after in (0, 1)
    }
    words = [word for place, word in enumerate(line) if place not in redirected]
    if not words:
        return
    if words[0] == "serve":
        try:
            serve_parser().parse_args(words[1:])
        except (InputError, SystemExit) as error:
            yield f"`serve`: {error}"
        return
    tool, action = words[0], (words[1] if len(words) > 1 else "")
    known = {listed.name: listed for listed in tools()}
    if tool == "catalog" and action in {"refresh", "show"}:
        return
    if action not in (known[tool].actions if tool in known else ()):
        yield f"no action `{tool} {action}`"
        return
    listed = known[tool].actions[action]
    try:
        options = action_parser(known[tool], listed).parse_words(words[2:])
        given = words_by_argument(listed, options)
    except InputError as error:
        yield f"`{tool} {action}`: {error}"
        return
    for parameter in listed.arguments:
        if parameter.required and parameter.name not in given:
            yield f"`{tool} {action}` needs --{parameter.name}"


def _aws(command: str, name: str, words: list[str]) -> Iterator[str]:
    options = _options(words)
    if (command, name) in _ONLY_IN_CLI:
        known = _ONLY_IN_CLI[command, name] | _GLOBAL
        yield from (f"no option {option}" for option in options if option not in known)
        return
    service = _SERVICE_OF_COMMAND.get(command, command)
    if service not in _SESSION.get_available_services():
        yield f"no service {command}"
        return
    model = _SESSION.get_service_model(service)
    operations = {xform_name(operation, "-"): operation for operation in model.operation_names}
    if name not in operations:
        yield f"{command} has no operation {name}"
        return
    shape = model.operation_model(operations[name]).input_shape
    renamed = {new: old for (*call, old), new in _RENAMED.items() if call == [command, name]}
    yield from _arguments(
        shape, {renamed.get(option, option): options[option] for option in options}
    )


def _options(words: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    values: list[str] = []
    for word in words:
        if word.startswith("--"):
            values = found.setdefault(word, [])
        else:
            values.append(word)
    return found


def _arguments(shape: StructureShape | None, options: dict[str, list[str]]) -> Iterator[str]:
    fields: dict[str, Shape] = dict(shape.members) if shape else {}
    by_option: dict[str, str] = {}
    for member, field_ in fields.items():
        option = xform_name(member, "-")
        by_option[f"--{option}"] = member
        if field_.type_name == "boolean":
            by_option[f"--no-{option}"] = member
    given = set()
    for option, values in options.items():
        if option in _GLOBAL or option in _GLOBAL_FLAGS:
            continue
        if option not in by_option:
            yield f"no option {option}"
            continue
        member = by_option[option]
        given.add(member)
        yield from (f"{option}: {problem}" for problem in _value(fields[member], values))
    required = set(shape.required_members) if shape else set()
    for missing in sorted(required - given):
        yield f"needs --{xform_name(missing, '-')}"


def _value(shape: Shape, values: list[str]) -> Iterator[str]:
    if shape.type_name == "boolean":
        if values:
            yield "a flag takes no value"
        return
    if not values:
        yield "has no value"
        return
    if values[0].startswith(("file://", "fileb://")):
        return
    if shape.type_name == "integer" and not values[0].isdigit():
        yield f"{values[0]} is no number"
    enum = getattr(shape, "enum", None)
    if enum and values[0] not in enum:
        yield f"{values[0]} is none of {enum}"
    if shape.type_name in {"structure", "map", "list"}:
        yield from _structure(shape, values)


def _structure(shape: Any, values: list[str]) -> Iterator[str]:
    """JSON text must be JSON; the shorthand `Key=value,…` must name members of the structure."""
    if values[0].startswith(("{", "[")):
        try:
            json.loads(values[0])
        except ValueError as error:
            yield f"no JSON: {error}"
        return
    inner = shape.member if shape.type_name == "list" else shape
    if inner.type_name != "structure":
        return
    for part in re.findall(r"(?:^|,)(\w+)=", values[0]):
        if part not in inner.members:
            yield f"no member {part}"
