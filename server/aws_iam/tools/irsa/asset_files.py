"""Files of `assets/irsa` with their placeholders filled, each value escaped for the file's language.

    "{{Name}}"   in YAML and HCL: between double quotes
    '{{Name}}'   in Groovy: between single quotes
    {{Name}}     in a shell script: a word of its own
    {{Name}}     alone on its line: a block of lines, indented like the placeholder

A line whose placeholder has no value is left out. No value can end the string that it is in: names are checked before they
get here, and escaped here all the same.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.answer import Artifact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PLACEHOLDER = re.compile(r"\{\{([A-Za-z]+)\}\}")
_BLOCK = re.compile(r"( *)\{\{([A-Za-z]+)\}\}\n?")
_LANGUAGES = {
    "tf": "hcl",
    "hcl": "hcl",
    "sh": "bash",
    "ini": "ini",
    "toml": "toml",
    "groovy": "groovy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedFile:
    """A generated file, and where it belongs."""

    artifact: Artifact
    place: str


def manifest_file(
    asset: str,
    name: str,
    checked_by: str,
    *,
    place: str,
    values: Mapping[str, str | None],
    blocks: Mapping[str, str | None] | None = None,
) -> PlacedFile:
    """The file of `assets/irsa/manifest` filled; `checked_by` names the validator that its tests run."""
    artifact = Artifact(
        name=name,
        language=_LANGUAGES.get(asset.rpartition(".")[2], "yaml"),
        content=filled(f"manifest/{asset}", values, blocks),
        checked_by=checked_by,
    )
    return PlacedFile(artifact=artifact, place=place)


def policy_file(name: str, document: dict[str, Any]) -> Artifact:
    """A policy as a file."""
    return Artifact(
        name=name,
        language="json",
        content=json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        checked_by="policy validate, evaluate",
    )


def filled(
    name: str, values: Mapping[str, str | None], blocks: Mapping[str, str | None] | None = None
) -> str:
    """The text of that file of `assets/irsa`; `blocks` are whole lines in the file's own language."""
    language = name.rpartition(".")[2]
    text = resources.text(f"assets/irsa/{name}")
    lines = (_line(line, language, values, blocks or {}) for line in text.splitlines(True))
    return "".join(lines)


def _line(
    line: str, language: str, values: Mapping[str, str | None], blocks: Mapping[str, str | None]
) -> str:
    block = _BLOCK.fullmatch(line)
    if block and block[2] in blocks:
        content = blocks[block[2]]
        return "" if content is None else _indented(content, block[1])
    given = {name: values[name] for name in _PLACEHOLDER.findall(line)}
    if None in given.values():
        return ""
    return _PLACEHOLDER.sub(lambda match: _ESCAPES[language](given[match[1]] or ""), line)


def _indented(content: str, margin: str) -> str:
    return "".join(f"{margin}{line}\n" if line else "\n" for line in content.splitlines())


def _in_quotes(value: str) -> str:
    """For the double quotes of YAML and HCL, which have the same escapes."""
    return "".join(map(_escaped_character, value))


def _escaped_character(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    return character if " " <= character <= "~" else f"\\U{ord(character):08x}"


def _in_hcl(value: str) -> str:
    """For HCL's double quotes, where `${` and `%{` begin a template."""
    return _in_quotes(value).replace("${", "$${").replace("%{", "%%{")


def _in_groovy(value: str) -> str:
    """For Groovy's single quotes, in which nothing is interpolated."""
    return "".join(
        f"\\{character}"
        if character in {"'", "\\"}
        else character
        if " " <= character <= "~"
        else f"\\u{ord(character):04x}"
        for character in value
    )


def _on_one_line(value: str) -> str:
    """For an INI file, where only the end of the line ends a value."""
    return " ".join(value.splitlines())


_ESCAPES: Mapping[str, Callable[[str], str]] = {
    "yml": _in_quotes,
    "yaml": _in_quotes,
    "tf": _in_hcl,
    # The older HCL, without templates.
    "hcl": _in_quotes,
    "groovy": _in_groovy,
    # Its strings have the escapes of YAML's double quotes, too.
    "toml": _in_quotes,
    "sh": shlex.quote,
    "ini": _on_one_line,
}


AWS_CLI_IMAGE = "public.ecr.aws/aws-cli/aws-cli"


def pinned_action(name: str) -> str:
    """A GitHub action at its commit, with its version as a comment."""
    pin = _pins()["actions"][name]
    return f"{name}@{pin['sha']} # {pin['version']}"


def versioned_image(name: str) -> str:
    """A container image at its version."""
    return f"{name}:{_pins()['images'][name]['version']}"


def pinned_image(name: str) -> str:
    """A container image at its version and digest."""
    return f"{versioned_image(name)}@{_pins()['images'][name]['digest']}"


def pins_as_of() -> str:
    """The date on which the versions were looked up."""
    return str(_pins()["as_of"])


def _pins() -> dict[str, Any]:
    data: dict[str, Any] = resources.data("ci-pins.json")
    return data
