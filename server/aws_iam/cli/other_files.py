"""The files of a folder whose endings say nothing, and hidden ones: which of them look as if they held a policy. Each is only looked at, within limits."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aws_iam.engine.sources.file_names import ENDINGS
from aws_iam.engine.sources.files import File
from aws_iam.engine.sources.policy_signs import SIGNS, looks_like_policy, may_grant
from aws_iam.engine.sources.settings_file import is_settings
from aws_iam.regular_files import open_regular
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_LOOKS = 20_000
MOST_BYTES = 1_000_000
"""The longest file that is read because of its content: policies are short, logs and data are not."""
MOST_BYTES_TOGETHER = 500_000_000
_START = 4_096
_BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WORDS = tuple(word.encode() for word in SIGNS)
TOO_LONG = (
    f"it looks as if it held a policy and has more than {MOST_BYTES:,} bytes: give it by name"
)


def decoded(raw: bytes) -> str:
    """The text of a file; raises UnicodeDecodeError for anything but UTF-8 and marked UTF-16."""
    # PowerShell writes UTF-16 when the output of a command is redirected.
    return raw.decode("utf-16" if raw.startswith(_BYTE_ORDER_MARKS) else "utf-8-sig")


@dataclass(slots=True)
class OtherFiles:
    """Looks into files; `passed` counts those without a sign of a policy, `unseen` says why not all were looked at."""

    passed: int = 0
    unseen: str = ""
    _looks: int = 0
    _bytes: int = 0

    def with_policies(self, paths: Sequence[str]) -> Iterator[File]:
        """The files that look as if they held a policy; one that is too long or no text carries the reason."""
        for number, path in enumerate(paths):
            if self._looks >= MOST_LOOKS or self._bytes >= MOST_BYTES_TOGETHER:
                left = len(paths) - number
                verb = "was" if left == 1 else "were"
                self.unseen = (
                    f"{counted(left, 'file')} with other endings {verb} not looked at:"
                    " choose a smaller folder"
                )
                return
            found = self._looked_at(path)
            if found is None:
                self.passed += 1
            else:
                yield found

    def _looked_at(self, path: str) -> File | None:
        self._looks += 1
        raw = b"" if is_settings(path) else _content(path)
        self._bytes += len(raw)
        if raw.startswith(_BYTE_ORDER_MARKS):
            raw = raw.decode("utf-16", "replace").encode("utf-8", "replace")
        if not self._has_signs(path, raw):
            return None
        if len(raw) > MOST_BYTES:
            return File(name=path, unreadable=TOO_LONG)
        try:
            return File(name=path, text=decoded(raw))
        except UnicodeDecodeError as error:
            return File(name=path, unreadable=f"it is not UTF-8 text (byte {error.start})")

    @staticmethod
    def _has_signs(path: str, raw: bytes) -> bool:
        # A hidden file with an ending that is read: a template may grant without any statement.
        if path.lower().endswith(ENDINGS):
            return may_grant(raw.decode("utf-8", "replace"))
        is_likely = any(word in raw for word in _WORDS)
        return is_likely and looks_like_policy(raw.decode("utf-8", "replace"))


def _content(path: str) -> bytes:
    """The beginning of a text file; nothing of a binary file, of a pipe, and of what cannot be opened.

    A link may lead out of the folder, and what it leads to inside of it is read there.
    """
    try:
        if Path(path).is_symlink():
            return b""
        with open_regular(path) as file:
            start = file.read(_START)
            is_text = b"\0" not in start or start.startswith(_BYTE_ORDER_MARKS)
            return start + file.read(MOST_BYTES + 1 - len(start)) if is_text else b""
    except OSError:
        return b""
