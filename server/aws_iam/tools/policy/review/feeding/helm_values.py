"""The values of Helm's charts: a template with a policy is filled in with them, and judged without.

https://helm.sh/docs/chart_template_guide/values_files/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.sources.policy_signs import looks_like_policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile

MARK = "{{"
"""What every file that reads one has in its text."""
WHY = "values of Helm's, with which the policy of {} is filled in: give what it becomes, such as the output of `helm template`"
_TEMPLATES = "templates/"
_VALUES = re.compile(r"(?:.*[._-])?values(?:[._-].*)?\.ya?ml", re.IGNORECASE)
_ENDINGS = (".yaml", ".yml", ".tpl", ".json", ".txt")
_USED = re.compile(r"\.Values((?:\.[A-Za-z_]\w*)*)")
_DEFINED = re.compile(r"\{\{-?\s*define\s+\"([^\"]+)\"")
_INCLUDED = re.compile(r"\b(?:include|template)\s+\"([^\"]+)\"")
_ROLE = "eks.amazonaws.com/role-arn"


def may_feed(path: str) -> bool:
    """Whether the file has values by its name."""
    return _VALUES.fullmatch(path.rpartition("/")[2]) is not None


def may_read(path: str) -> bool:
    """Whether the file may be a template of a chart."""
    return f"/{_TEMPLATES}" in f"/{path}" and path.endswith(_ENDINGS)


def readers(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """The templates with a policy that use a value which changes."""
    charts: dict[str, dict[str, str]] = {}
    for path, text in texts.items():
        if may_read(path):
            charts.setdefault(_chart(path), {})[path] = text
    own = {c for c in charts if _is_below(changed.path, c) or _is_below(c, changed.folder)}
    # Values outside of every chart may be for any.
    for chart in sorted(own or charts):
        helpers = _helpers(charts[chart])
        for path, text in charts[chart].items():
            if not (looks_like_policy(text) or _ROLE in text):
                continue
            if any(_concerns(use, changed, chart) for use in _uses(text, helpers)):
                yield path


def _chart(path: str) -> str:
    return f"/{path}".partition(f"/{_TEMPLATES}")[0].lstrip("/")


def _is_below(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/") or path == folder


def _helpers(templates: Mapping[str, str]) -> dict[str, str]:
    """The named templates of a chart."""
    found: dict[str, str] = {}
    for text in templates.values():
        starts = list(_DEFINED.finditer(text))
        ends = [*(own.start() for own in starts[1:]), len(text)]
        for start, end in zip(starts, ends, strict=False):
            found[start[1]] = text[start.end() : end]
    return found


def _uses(text: str, helpers: Mapping[str, str]) -> set[str]:
    """The values that a template uses, by itself and by the named templates that it includes."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [text]
    while waiting:
        part = waiting.pop()
        found.update(met[1:] for met in _USED.findall(part))
        included = set(_INCLUDED.findall(part)) - seen
        seen |= included
        waiting += [helpers[name] for name in included if name in helpers]
    return found


def _concerns(use: str, changed: ChangedFile, chart: str) -> bool:
    if changed.keys is None or not use:
        return True
    used = tuple(use.split("."))
    # A chart within another gets its values under its own name.
    within = chart.rpartition("/")[2]
    for key in changed.keys:
        for own in (key, key[1:] if key[:1] == (within,) else key):
            shorter = min(len(own), len(used))
            if own[:shorter] == used[:shorter]:
                return True
    return False
