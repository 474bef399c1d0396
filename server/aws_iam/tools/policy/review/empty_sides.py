"""A change that brings the first policies, or takes the last ones away: one of its sides holds none.

with_empty_side(document, "")   →   (document, the same without a statement, "baseline"), so that all of its access is gained
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

from aws_iam.engine.comparison.sides.policy_pairs import is_named
from aws_iam.engine.sources.files import File, Files
from aws_iam.engine.sources.gather import as_written
from aws_iam.engine.sources.parsed_values import SUPPORTED
from aws_iam.errors import InputError

NO_ACCESS: Final = {"Version": "2012-10-17", "Statement": []}
"""What stands in the place of a policy by itself where there is none."""
_COMMENT = ("#", "//")
_EMPTY = frozenset({"{}", "[]"})


def with_empty_side(document: Any, baseline: Any) -> tuple[Any, Any, str] | None:
    """Both sides, that without a policy in the form of the other one, and which that is; None where neither or both are."""
    new, old = _without_policy(document), _without_policy(baseline)
    if (new is None) is (old is None):
        return None
    if new is not None:
        return _like(baseline, new), baseline, "document"
    return document, _like(document, old), "baseline"


def _without_policy(side: Any) -> Files | None:
    """The side as files, if it certainly holds no policy, and nothing that looks like one."""
    if isinstance(side, Files):
        files = replace(side, chosen=True)
    else:
        text = side if isinstance(side, str) else json.dumps(side)
        if _is_blank(text):
            return Files(files=(), chosen=True)
        if not _is_other_document(text):
            return None
        files = Files(files=(File(name="", text=text),), chosen=True)
    try:
        found = as_written(files)
    except InputError:
        return None
    return None if found.sources or found.attachments or found.unread else files


def _is_blank(text: str) -> bool:
    lines = map(str.strip, text.splitlines())
    left = "".join(line for line in lines if not line.startswith(_COMMENT))
    return not left or left in _EMPTY


def _is_other_document(text: str) -> bool:
    """Whether it is a document of a known form without a policy, and no policy that is broken."""
    try:
        as_written(text)
    except InputError as error:
        return error.hint == SUPPORTED
    return False


def _like(other: Any, without: Files | None) -> Any:
    """The side without a policy beside another one: without statements where that is a policy by itself."""
    try:
        sources = as_written(other).sources
    except InputError:
        return without
    return without if is_named(sources) else NO_ACCESS
