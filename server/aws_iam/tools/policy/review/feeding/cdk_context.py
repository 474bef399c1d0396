"""The context of the AWS CDK: code that makes policies may take values from it.

https://docs.aws.amazon.com/cdk/v2/guide/context.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.sources.policy_code import CDK, why_in_code

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

MARK = "ontext"
"""What every file that reads one has in its text."""
WHY = "context of the AWS CDK, which {} reads and makes policies: run `cdk synth`, and give the templates that it writes into `cdk.out`"
_NAMES = frozenset({"cdk.json", "cdk.context.json"})
_ENDINGS = (".ts", ".js", ".mjs", ".py", ".java", ".cs", ".go")
_CONTEXT = "context"
# In every language of the CDK, with the name of the value.
_READ = re.compile(
    r"""(?:try_?get|get|get_?all)_?context\w*\s*\(\s*(?:jsii\.String\(\s*)?["'`]([^"'`]+)["'`]""",
    re.IGNORECASE,
)


def may_feed(path: str) -> bool:
    """Whether the file has values for code: by its name."""
    return path.rpartition("/")[2] in _NAMES


def may_read(path: str) -> bool:
    """Whether the file may be code."""
    return path.endswith(_ENDINGS)


def readers(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """The code that makes policies and reads a value which changes."""
    keys = None if changed.keys is None else set(_names(changed))
    start = f"{changed.folder}/" if changed.folder else ""
    for path, text in texts.items():
        read = set(_READ.findall(text)) if may_read(path) and path.startswith(start) else set()
        is_read = bool(read) if keys is None else not read.isdisjoint(keys)
        if is_read and why_in_code(text) == CDK:
            yield path


def _names(changed: ChangedFile) -> Iterator[str]:
    """The names of the values; `cdk.json` has them in a section."""
    for key in changed.keys or ():
        path = key[1:] if key[:1] == (_CONTEXT,) else key
        yield from path[:1]
