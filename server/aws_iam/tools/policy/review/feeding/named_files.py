"""Files that a policy of Terraform may be made of, and that were not read: their name, or their text, is not known."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_LITERAL = "a policy of Terraform is made of it, and it cannot be read"
_PATTERN = "a policy of Terraform may be made of it: which of {} is known only at deployment"


def named_by(path: str, patterns: Collection[str], texts: Mapping[str, str]) -> Iterator[str]:
    """Why the file may matter to a policy, by the patterns of the files that were not read."""
    if path.endswith(TERRAFORM_ENDINGS):
        return
    name = path.rpartition("/")[2]
    for pattern in sorted(patterns):
        if not (fnmatchcase(path, pattern) or fnmatchcase(f"/{path}", pattern)):
            continue
        if pattern.rpartition("/")[2] == "*" and not _is_mentioned(name, texts):
            # Any file would do, such as a README.
            continue
        shown = pattern.replace("[*]", "*").replace("[?]", "?").replace("[[]", "[")
        yield _PATTERN.format(quoted(shown)) if "*" in pattern else _LITERAL


def _is_mentioned(name: str, texts: Mapping[str, str]) -> bool:
    return any(path.endswith(TERRAFORM_ENDINGS) and name in text for path, text in texts.items())
