"""The other files that expressions name: templates, documents, the files of a folder."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.sources.files import FileNames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_iam.engine.sources.containers.placeholders import Placeholders

_MARKS = re.compile(r"[*?\[]")


class UnreadFile(str):
    """The pattern of a file whose name or text is not known."""

    __slots__ = ()


@dataclass(slots=True)
class NamedFiles:
    """The files at hand, which of them were read, and from which a policy came."""

    text_of: Callable[[str], str | None]
    names: FileNames = field(default_factory=FileNames)
    read: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    _of_instance: set[str] = field(default_factory=set)

    def text(self, name: str) -> str | None:
        """The text of a file; None where it is not at hand."""
        text = self.text_of(name)
        if text is not None:
            self.read.add(name)
            self._of_instance.add(name)
        return text

    def begin_instance(self) -> None:
        """What was read before is not for the block that is read now."""
        self._of_instance.clear()

    def use(self) -> None:
        """A policy was found, for which the files may have been read."""
        self.used |= self._of_instance

    def below(self, folder: str) -> Iterator[str]:
        """The names of the files below a folder; `.` stands for the one that all lie in."""
        names = self.names.names
        start = "" if folder == "." else f"{folder}/"
        for at in range(bisect_left(names, start), len(names)):
            if not names[at].startswith(start):
                return
            yield names[at]


def pattern_of(name: str, placeholders: Placeholders) -> str:
    """A name with `*` for each part that is not known, and with its own characters for nothing else."""
    hole = re.compile(f"{placeholders.begin}[^{placeholders.end}]*{placeholders.end}")
    return "*".join(literal(part) for part in hole.split(name))


def literal(text: str) -> str:
    """The pattern of one name."""
    return _MARKS.sub(lambda met: f"[{met[0]}]", text)
