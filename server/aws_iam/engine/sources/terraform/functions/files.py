"""Functions that read files: only those of the folder that was given, through the reader of the caller."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from aws_iam.engine.parsing.json_nodes import Form, Lines, Node, Place, string
from aws_iam.engine.sources.terraform.named_files import UnreadFile, literal, pattern_of
from aws_iam.engine.sources.terraform.parsing.native import template_in
from aws_iam.engine.sources.terraform.scopes import Scope
from aws_iam.engine.sources.terraform.values import Invalid, boolean, sorted_set
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.engine.sources.terraform.expressions import Evaluator

    FileFunction = Callable[[Evaluator, Sequence[Node], Place, Scope], "Node | None"]


def _read(evaluator: Evaluator, path: Node, scope: Scope) -> tuple[str, str] | None:
    if path.form is not Form.STRING:
        return None
    if evaluator.placeholders.within(path.text):
        pattern = pattern_of(path.text, evaluator.placeholders)
        evaluator.missing.add(UnreadFile(_located(pattern, scope)))
        return None
    name = _located(path.text, scope)
    text = evaluator.files.text(name)
    if text is None:
        evaluator.missing.add(UnreadFile(literal(name)))
        return None
    evaluator.charge(len(text))
    # Private-use characters stand for values that are not known.
    for character in (evaluator.placeholders.begin, evaluator.placeholders.end):
        text = text.replace(character, "\ufffd")
    return name, text


def _located(path: str, scope: Scope) -> str:
    """A path by the names of the files; one of its own begins where Terraform runs, in the folder of the root module.

    Where a pattern begins with what is not known, so does the path.
    """
    name = path.replace("\\", "/")
    if not (
        name.startswith("*")
        or posixpath.isabs(name)
        or _within(name, scope.module.folder)
        or name == scope.module.folder
    ):
        name = posixpath.join(scope.module.root_folder, name)
    return posixpath.normpath(name)


def _within(path: str, folder: str) -> bool:
    return bool(folder) and folder != "." and path.startswith(f"{folder}/")


def _file(
    evaluator: Evaluator,
    arguments: Sequence[Node],
    at: Place,  # noqa: ARG001
    scope: Scope,
) -> Node | None:
    found = _read(evaluator, arguments[0], scope)
    if found is None:
        return None
    name, text = found
    place = Place(spot=0, lines=Lines(text, name))
    return string(text, place)


def _template(
    evaluator: Evaluator,
    arguments: Sequence[Node],
    at: Place,  # noqa: ARG001
    scope: Scope,
) -> Node | None:
    found = _read(evaluator, arguments[0], scope)
    variables = arguments[1]
    if found is None:
        return None
    name, text = found
    return _filled(evaluator, text, name, variables, scope)


def _filled(
    evaluator: Evaluator, text: str, file: str | None, variables: Node, scope: Scope
) -> Node:
    """The text of a template with its variables."""
    try:
        template = template_in(text, 0, Lines(text, file))
    except InputError:
        raise Invalid from None
    if variables.form is not Form.OBJECT:
        inner = Scope(module=_Unknown(evaluator, scope))
    else:
        names = {member.key: member.value for member in variables.members}
        inner = Scope(module=_Unknown(evaluator, scope), names=names)
    with evaluator.nested(4):
        return evaluator.value(template, inner)


def _template_text(
    evaluator: Evaluator,
    arguments: Sequence[Node],
    at: Place,  # noqa: ARG001
    scope: Scope,
) -> Node | None:
    text = arguments[0]
    if text.form is not Form.STRING or evaluator.placeholders.within(text.text):
        return None
    return _filled(evaluator, text.text, None, arguments[1], scope)


class _Unknown:
    """The names of a template beside its variables: there are none."""

    def __init__(self, evaluator: Evaluator, scope: Scope) -> None:
        self._evaluator = evaluator
        self.folder = scope.module.folder
        self.root_folder = scope.module.root_folder

    def root(self, name: str, at: Place) -> Node:
        """A variable that the caller did not give."""
        return self._evaluator.hole(name, at)

    @staticmethod
    def resource_named(_: str, __: str) -> None:
        """The address of a resource: none."""

    def behind(self, path: Sequence[str]) -> None:
        """What a name says: nothing that is known."""

    @staticmethod
    def provider(name: str) -> str:
        """The name of a provider, to which nobody gives another one."""
        return name


def _exists(
    evaluator: Evaluator, arguments: Sequence[Node], at: Place, scope: Scope
) -> Node | None:
    found = _read(evaluator, arguments[0], scope)
    # A file outside of the folder may be there.
    return boolean(True, at) if found else None


# Otherwise the files of a folder are known only where their names end so.
_LISTED = re.compile(r"\*?\.(?:json|ya?ml|tf)$")
_WILDCARD = re.compile(r"\*\*/|\*|\?|[^*?]+")
_WILDCARDS = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
_LONGEST_PATTERN = 100
_MOST_WILDCARDS = 3


def _fileset(
    evaluator: Evaluator, arguments: Sequence[Node], at: Place, scope: Scope
) -> Node | None:
    folder, pattern = (own.text for own in arguments)
    parts = _WILDCARD.findall(pattern)
    is_unknown = any(map(evaluator.placeholders.within, (folder, pattern)))
    if (
        is_unknown
        or not (evaluator.files.names.whole or _LISTED.search(pattern))
        or len(pattern) > _LONGEST_PATTERN
        or sum(part in _WILDCARDS for part in parts) > _MOST_WILDCARDS
        or any(mark in pattern for mark in "{}[]\\")
    ):
        within = pattern_of(folder, evaluator.placeholders)
        named = pattern_of(pattern, evaluator.placeholders) if is_unknown else "*"
        evaluator.missing.add(UnreadFile(_located(f"{within}/{named}", scope)))
        return None
    path = _located(folder, scope)
    names = list(evaluator.files.below(path))
    evaluator.budget.spend(len(names))
    found = re.compile("".join(_WILDCARDS.get(part) or re.escape(part) for part in parts))
    inside = (name if path == "." else name.removeprefix(f"{path}/") for name in names)
    return sorted_set((string(name, at) for name in inside if found.fullmatch(name)), at)


def _path(change: Callable[[str], str]) -> FileFunction:
    def function(
        evaluator: Evaluator,
        arguments: Sequence[Node],
        at: Place,
        scope: Scope,  # noqa: ARG001
    ) -> Node | None:
        text = evaluator.text(arguments[0])
        return None if evaluator.placeholders.within(text) else string(change(text), at)

    return function


FILE_FUNCTIONS: dict[str, FileFunction] = {
    "abspath": _path(str),
    "basename": _path(posixpath.basename),
    "dirname": _path(posixpath.dirname),
    "file": _file,
    "fileexists": _exists,
    "fileset": _fileset,
    "pathexpand": _path(str),
    "templatefile": _template,
    "templatestring": _template_text,
}
