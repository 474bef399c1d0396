"""The configuration of Pulumi's stacks: a program in YAML with `${name}` is judged whatever its value.

https://www.pulumi.com/docs/iac/concepts/config/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.tools.policy.review.feeding.text_memo import decides

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

MARK = "${"
"""What every file that reads one has in its text."""
WHY = "configuration of a stack of Pulumi's, with which {} is made: judged whatever its value"
_STACK = re.compile(r"Pulumi\.[^/]+\.ya?ml")
_PROGRAM = re.compile(r"(?:Pulumi|Main)\.ya?ml")
_CONFIG = "config"


def may_feed(path: str) -> bool:
    """Whether the file has the configuration of a stack."""
    return _STACK.fullmatch(path.rpartition("/")[2]) is not None


def may_read(path: str) -> bool:
    """Whether the file may be a program."""
    return _PROGRAM.fullmatch(path.rpartition("/")[2]) is not None


def readers(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """The programs beside it that decide about access and use a value which changes."""
    keys = changed.keys
    # A key begins with the name of the project, or of the provider.
    names = None if keys is None else {own[1].rpartition(":")[2] for own in keys if own[:1] == (_CONFIG,) and len(own) > 1}  # fmt: skip
    for path, text in texts.items():
        is_beside = may_read(path) and path.rpartition("/")[0] == changed.folder
        if is_beside and _uses(text, names) and decides(path, text):
            yield path


def _uses(text: str, names: Collection[str] | None) -> bool:
    """Whether a program uses one of these values; where that cannot be told, it does."""
    return names is None or any(re.search(rf"\$\{{{re.escape(own)}\b", text) for own in names)
