"""The values of Helm's charts: a template that decides about access is filled in with them, and judged without.

https://helm.sh/docs/chart_template_guide/values_files/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.sources.chart_values import VALUES, chart_of, filled, has_own_values
from aws_iam.tools.policy.review.feeding.text_memo import decides

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile, Key

MARK = "{{"
"""What every file that reads one has in its text."""
WHY = "values of Helm's, with which {} is filled in: give what it becomes, such as the output of `helm template`"
_TEMPLATES = "templates/"
_VALUES = re.compile(r"(?:.*[._-])?values(?:[._-].*)?\.ya?ml", re.IGNORECASE)
_ENDINGS = (".yaml", ".yml", ".tpl", ".json", ".txt")
_USED = re.compile(r"\.Values((?:\.[A-Za-z_]\w*)*)")
_DEFINED = re.compile(r"\{\{-?\s*define\s+\"([^\"]+)\"")
_INCLUDED = re.compile(r"\b(?:include|template)\s+\"([^\"]+)\"")
_ROLE = "eks.amazonaws.com/role-arn"
# Where objects of Flux and Argo CD have the values of a chart.
# https://fluxcd.io/flux/components/helm/helmreleases/#values
# https://argo-cd.readthedocs.io/en/stable/user-guide/helm/
_HELM = ("spec", "source", "helm")
_BELOW = (("spec", "values"), (*_HELM, "valuesObject"))
_AS_TEXT = ((*_HELM, "values"), (*_HELM, "parameters"), ("spec", "sources"), ("spec", "template"))


def may_feed(path: str) -> bool:
    """Whether the file may have values: by its name, or as a file that is named with `-f` or installs a chart."""
    return path.endswith((".yaml", ".yml")) and not may_read(path)


def may_read(path: str) -> bool:
    """Whether the file may be a template of a chart."""
    return f"/{_TEMPLATES}" in f"/{path}" and path.endswith(_ENDINGS)


def readers(changed: ChangedFile, texts: Mapping[str, str]) -> Iterator[str]:
    """The templates that decide about access and use a value which changes."""
    charts: dict[str, dict[str, str]] = {}
    for path, text in texts.items():
        if may_read(path):
            charts.setdefault(_chart(path), {})[path] = text
    keys = _keys(changed)
    own = {c for c in charts if _is_below(changed.path, c) or _is_below(c, changed.folder)}
    if not _is_named_so(changed):
        # It may stand anywhere, so only what it sets tells which chart it is for.
        own = set()
    # Values outside of every chart may be for any.
    for chart in sorted(own or charts):
        helpers = _helpers(charts[chart])
        for path, text in charts[chart].items():
            is_used = any(_concerns(use, keys, chart) for use in _uses(text, helpers))
            if is_used and (_ROLE in text or decides(path, text)):
                yield path


def is_filled_in(changed: ChangedFile, texts: Mapping[str, str]) -> bool:
    """Whether the file has the values of one chart, and each that changes is put in as it stands wherever it decides about access.

    What it does is seen in the templates then, which are read with it.
    """
    is_own = changed.name == VALUES and has_own_values(changed.folder)
    if not (is_own and changed.was and changed.now):
        return False
    templates, keys = list(readers(changed, texts)), _keys(changed)
    if not templates or any(chart_of(path) != changed.folder for path in templates):
        return False
    left = {
        use
        for path in templates
        for side in (changed.was, changed.now)
        for use in _uses(filled(texts[path], side), _helpers(_of_chart(path, texts)))
    }
    return not any(_concerns(use, keys, changed.folder) for use in left)


def _of_chart(path: str, texts: Mapping[str, str]) -> dict[str, str]:
    return {
        own: text for own, text in texts.items() if may_read(own) and _chart(own) == _chart(path)
    }


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


def _is_named_so(changed: ChangedFile) -> bool:
    return _VALUES.fullmatch(changed.name) is not None


def _keys(changed: ChangedFile) -> frozenset[Key] | None:
    """The values that change: of an object that installs a chart, those below it; None where that cannot be told."""
    if changed.keys is None:
        # What is no YAML has values only by its name.
        return None if _is_named_so(changed) else frozenset()
    if not any(root.member("kind") for side in changed.roots or () for root in side):
        return changed.keys
    inner = (key[len(at) :] for key in changed.keys for at in _BELOW if key[: len(at)] == at)
    # A text of values, or a list of parameters, may set any.
    is_text = any(key[: len(at)] == at for key in changed.keys for at in _AS_TEXT)
    return None if is_text else frozenset(own for own in inner if own)


def _concerns(use: str, keys: frozenset[Key] | None, chart: str) -> bool:
    if keys is None:
        return True
    if not use:
        return bool(keys)
    used = tuple(use.split("."))
    # A chart within another gets its values under its own name.
    within = chart.rpartition("/")[2]
    for key in keys:
        for own in (key, key[1:] if key[:1] == (within,) else key):
            shorter = min(len(own), len(used))
            if own[:shorter] == used[:shorter]:
                return True
    return False
