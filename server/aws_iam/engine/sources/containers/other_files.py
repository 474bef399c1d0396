"""Other files that a file takes values from, such as `${file(./iam.yml):statements}`: those of the given folder alone.

OtherFiles(folder="app", read=…).values("./iam.yml")   →   (Node,), and the name is in `taken`
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aws_iam.engine.parsing.json_nodes import Node
from aws_iam.engine.parsing.json_text import Syntax, scan
from aws_iam.engine.parsing.yaml_text import scan_yaml
from aws_iam.errors import InputError
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NO_CHOICES: Final[Mapping[str, str]] = MappingProxyType({})
"""No values of variables but those that a file says."""
_ENDINGS = (".yml", ".yaml", ".json")
# Of one file; a service has a handful.
_MOST_FILES = 100
_LONGEST = 1_000_000
# A template with more stacks than that, or stacks in stacks that name each other.
_MOST_NESTED = 200


@slotted
class TakenFile:
    """A file whose values are part of another one."""

    name: str


@dataclass(slots=True)
class OtherFiles:
    """The files beside one in `folder`, by `read`, which knows nothing outside of what was given."""

    folder: str = ""
    read: Callable[[str], str | None] | None = None
    taken: dict[str, Node | None] = field(default_factory=dict)
    _nested: Iterator[int] = field(default_factory=count)

    def value(self, path: str) -> Node | None:
        """The value of a file of JSON or YAML, by its path from the folder on; None where it is not at hand or no data."""
        if self.read is None or not path.lower().endswith(_ENDINGS) or path[:1] in {"/", "~"}:
            return None
        name = posixpath.normpath(posixpath.join(self.folder, path))
        if name not in self.taken and len(self.taken) < _MOST_FILES:
            text = self.read(name)
            found = _value(text, name) if text is not None and len(text) <= _LONGEST else None
            self.taken[name] = found
        return self.taken.get(name)

    def beside(self, path: str) -> OtherFiles:
        """The files beside one of them."""
        folder = posixpath.dirname(posixpath.normpath(posixpath.join(self.folder, path)))
        return OtherFiles(folder, self.read, self.taken, self._nested)

    def may_nest(self) -> bool:
        """Whether one more of them is read as a template within another one; each takes as long as one by itself."""
        return next(self._nested) < _MOST_NESTED

    @property
    def names(self) -> tuple[TakenFile, ...]:
        """The files that were read."""
        return tuple(
            TakenFile(name=name) for name, found in self.taken.items() if found is not None
        )


def _value(text: str, name: str) -> Node | None:
    found: Node | tuple[Node, ...] | Syntax = scan(text)
    if isinstance(found, Syntax):
        try:
            found = scan_yaml(text)
        except InputError:
            return None
    if isinstance(found, Syntax):
        return None
    roots = (found,) if isinstance(found, Node) else found
    if len(roots) != 1:
        return None
    if roots[0].at.lines:
        roots[0].at.lines.file = name
    return roots[0]
