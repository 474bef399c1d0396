"""The templates that words mean: `org only`, `github trust`, `resource control policy`.

found("data perimeter")             rcp-data-perimeter: the words are all in its name
found("service control policy")     every template of the kind, and those whose names speak of it
found("bucket policy")              the resource policies, and `lacks` says that none is about buckets
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from aws_iam.errors import nearest
from aws_iam.tools.kit.word_search import naming, scored, stems
from aws_iam.tools.policy.kind_words import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.templates import Template

# Only these words for a kind stand alone; `identity` and `resource` are words of names, too.
_ALONE = {"scp": "scp", "scps": "scp", "rcp": "rcp", "rcps": "rcp", "boundary": "boundary", "trust": "trust"}  # fmt: skip
_PHRASES = {words: kind for words, kind in KINDS.items() if " " in words} | _ALONE
_SPACE = re.compile(r"[\s_-]+")
_MOST = 5
# A template whose score is below this share of the best is about something else.
_NEAR = 0.5


class Found(NamedTuple):
    """Templates, the best first: all that the words mean, or where they `lack` one the nearest."""

    templates: tuple[Template, ...]
    kind: str | None = None
    lacks: bool = False


def found(question: str, listed: Sequence[Template]) -> Found:
    """What the words mean among the templates; none where nothing is near, and an id is never read as words."""
    kind, rest = _kind_in(question)
    of_kind = [one for one in listed if kind in {None, one.kind}]
    asked = stems(rest)
    if kind and not asked:
        speaking = [one for one in listed if one not in of_kind and kind in one.name.split("-")]
        return Found((*of_kind, *speaking), kind)
    # A template for a kind may be of another: what lets a team set boundaries is an identity policy.
    everywhere = _named(stems(question), listed) if asked != stems(question) else []
    of_both = [*_named(asked, of_kind), *everywhere]
    named = [one for one in listed if one in of_both]
    if named:
        return Found(_best_first(rest, named) or tuple(named), kind)
    if nearest(question, [one.name for one in listed]):
        return Found(())
    near = _best_first(rest, of_kind)[:_MOST] or (tuple(of_kind) if kind else ())
    return Found(near, kind, lacks=True)


def _kind_in(question: str) -> tuple[str | None, str]:
    """The kind that words of the question name, and the words beside it."""
    text = f" {_SPACE.sub(' ', question.lower()).strip()} ".replace(" policies ", " policy ")
    for phrase in sorted(_PHRASES, key=len, reverse=True):
        kind = _PHRASES[phrase]
        if f" {phrase} " not in text:
            continue
        # What a resource policy is attached to is what is asked for: `bucket policy`.
        is_subject = kind == "resource" and not phrase.startswith("resource")
        return kind, text if is_subject else text.replace(f" {phrase} ", " ")
    return None, text


def _named(asked: frozenset[str], listed: Sequence[Template]) -> list[Template]:
    exact = {one.name: tuple(map(stems, (one.name, *one.keywords))) for one in listed}
    phrases = {one.name: (*exact[one.name], stems(one.title), stems(one.kind)) for one in listed}
    names = naming(asked, exact, phrases)
    return [one for one in listed if one.name in names]


def _best_first(question: str, listed: Sequence[Template]) -> tuple[Template, ...]:
    by_name = {one.name: one for one in listed}
    texts = {
        name: (" ".join((name, one.title, *one.keywords)), one.when)
        for name, one in by_name.items()
    }
    ranked = scored(question, texts)
    return tuple(by_name[name] for name, score in ranked if score >= _NEAR * ranked[0][1])
