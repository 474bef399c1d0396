"""The parameters that SAM's configuration gives to stacks, by environment.

    sam_stacks(text, "samconfig.toml")   →   {"prod": SamStack(parameters={"Env": "prod"})}

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html
"""

from __future__ import annotations

import json
import posixpath
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.engine.parsing.json_nodes import dump
from aws_iam.tools.policy.review.feeding.changed_file import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FILE = re.compile(r"samconfig[^/]*\.(?:toml|ya?ml)")
_GLOBAL, _PARAMETERS = "global", "parameters"
# Commands that change a stack; the others take parameters to run or to check something locally.
_COMMANDS = ("deploy", "sync")
_OVERRIDES = "parameter_overrides"
_TEMPLATES = ("template_file", "template")
_DEFAULT_TEMPLATES = ("template.yaml", "template.yml", "template.json")
_TEXT = r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?:\\.|[^ "\\])+)"""
_PAIRS = (
    re.compile(rf"ParameterKey=([A-Za-z0-9\"']+),ParameterValue={_TEXT}"),
    re.compile(rf"(?:^|\s)([A-Za-z0-9\"']+)={_TEXT}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamStack:
    """The parameters of a stack, None where they are not known, and the file of its template if it is named."""

    parameters: Mapping[str, str] | None
    template: str = ""

    def templates(self, config: str, texts: Mapping[str, str]) -> tuple[str, ...]:
        """The template that is deployed, as far as it is among the texts."""
        names = (self.template,) if self.template else _DEFAULT_TEMPLATES
        folder = posixpath.dirname(config)
        paths = (posixpath.normpath(posixpath.join(folder, name)) for name in names)
        return tuple(path for path in paths if path in texts)[:1]


def is_sam_config(path: str) -> bool:
    """Whether it is a configuration of SAM: `samconfig.toml`, `samconfig.yaml`, `samconfig-prod.toml`."""
    return _FILE.fullmatch(posixpath.basename(path)) is not None


def sam_stacks(text: str, path: str) -> Mapping[str, SamStack]:
    """The stack of each environment, and of each command where these have different ones."""
    found: dict[str, SamStack] = {}
    for environment, commands in _objects(_read(text, path)):
        shared = _parameters(commands.get(_GLOBAL))
        own = {name: _parameters(commands.get(name)) for name in _COMMANDS}
        stacks = {
            name: _stack({**shared, **given}) for name, given in own.items() if shared or given
        }
        first = next(iter(stacks.values()), None)
        if first is None:
            continue
        if all(stack == first for stack in stacks.values()):
            found[environment] = first
        else:
            found |= {f"{environment}.{name}": stack for name, stack in stacks.items()}
    return found


def _read(text: str, path: str) -> Any:
    if path.endswith(".toml"):
        try:
            return tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError):
            return {}
    roots = parsed(text) if text.strip() else ()
    return json.loads(dump(roots[0])) if roots and len(roots) == 1 else {}


def _objects(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, dict):
        yield from ((str(key), own) for key, own in value.items() if isinstance(own, dict))


def _parameters(command: Any) -> Mapping[str, Any]:
    return dict(_objects(command)).get(_PARAMETERS, {})


def _stack(given: Mapping[str, Any]) -> SamStack:
    template = next((given[name] for name in _TEMPLATES if name in given), "")
    return SamStack(
        parameters=_overrides(given.get(_OVERRIDES, "")),
        template=template if isinstance(template, str) else "",
    )


def _overrides(value: Any) -> Mapping[str, str] | None:
    """The parameters as SAM reads them; None where a file or a program has them."""
    if isinstance(value, dict):
        is_plain = all(isinstance(own, str | int | float) for own in value.values())
        return {str(key): str(own) for key, own in value.items()} if is_plain else None
    found: dict[str, str] = {}
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            own = _overrides(item)
        elif isinstance(item, str) and not item.startswith("file://"):
            own = _pairs_in(item)
        else:
            own = None
        if own is None:
            return None
        found |= own
    return found


def _pairs_in(text: str) -> Mapping[str, str] | None:
    if not text.strip():
        return {}
    # The first form of which there is a pair is that of all.
    pairs = next((found for pattern in _PAIRS if (found := pattern.findall(text))), None)
    return {_unquoted(name): _unquoted(value) for name, value in pairs} if pairs else None


def _unquoted(text: str) -> str:
    if text[0] == text[-1] and text[0] in "\"'" and len(text) > 1:
        text = text[1:-1]
    return re.sub(r"\\([ \"'])", r"\1", text)
