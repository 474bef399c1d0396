"""Findings on the policies of a document: only those that are certain, with their place, without repeats."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from aws_iam.answer import Finding, Where
from aws_iam.engine.language.document import Policy
from aws_iam.engine.tokens.oidc_provider import NOT_KNOWN_YET
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aws_iam.engine.language.document import Source

    Judged = tuple[tuple[Source, tuple[Finding, ...]], ...]

# A message that names one of these means the element.
_ELEMENTS = frozenset({"Action", "NotAction", "Resource", "NotResource", "Principal", "Condition", "Statement", "Effect", "Sid"})  # fmt: skip

_WIDTHS = frozenset({"OIDC-ORG-WIDE", "OIDC-TENANT-WILD"})
# What they find is the value of a key, whatever the issuer in the key is.
_OF_ANY_ISSUER = frozenset({"EQUIVALENT_TO_NULL_FALSE", "IRSA-WILD", "OIDC-NO-SUB"})
# The same of a value with a wildcard that is compared in full.
_OF_WILDCARDS = frozenset({"OIDC-NEVER-MATCH", "WILDCARD_WITHOUT_LIKE_OPERATOR"})
_OF_KNOWN_PARTS = _WIDTHS | _OF_ANY_ISSUER | _OF_WILDCARDS
_WILDCARD = re.compile(r"[*?]")


def certain_findings(
    findings: Iterable[Finding], source: Source, judge: Callable[[Policy], tuple[Finding, ...]]
) -> tuple[Finding, ...]:
    """The findings that are true whatever values the deployment fills in.

    They are not at a value that is unknown until then, and every variant of the policy has them.
    """
    if not (source.unresolved or source.variants):
        return tuple(findings)
    certain = tuple(
        finding
        for finding in findings
        if not is_unresolved(_pointer(finding), source.unresolved)
        or _is_of_known_part(finding, source)
    )
    for variant in source.variants:
        places = {_at(finding) for finding in judge(variant)}
        certain = tuple(finding for finding in certain if _at(finding) in places)
    return certain


def _at(finding: Finding) -> tuple[str, str]:
    """What is found, and where: other values may make a subject only wider."""
    return "OIDC-ORG-WIDE" if finding.code in _WIDTHS else finding.code, _pointer(finding)


def _is_of_known_part(finding: Finding, source: Source) -> bool:
    """Whether a subject that is partly unknown, or one of an unknown issuer, is too wide or dead by what is known of it.

    `repo:${var.org}/*` is, and `repo:*/${var.name}:*`; what follows `repo:${var.name}` may be within a repository.
    """
    if finding.code == "OIDC-ORG-WIDE":
        return True
    if finding.code not in _OF_KNOWN_PARTS:
        return False
    readings = (source.content, *source.variants)
    texts = [_value_at(_pointer(finding), policy) for policy in readings]
    if finding.code not in _WIDTHS:
        is_known = bool(texts[0]) and len(set(texts)) == 1
        return is_known and (finding.code in _OF_ANY_ISSUER or bool(_WILDCARD.search(texts[0])))
    parts = [text.partition("*") for text in texts]
    return all(wildcard for _, wildcard, _ in parts) and len({head for head, _, _ in parts}) == 1


def _value_at(pointer: str, policy: object) -> str:
    statements = policy.statements if isinstance(policy, Policy) else ()
    values = (v for s in statements for condition in s.conditions for v in condition.values)
    return next((value.value for value in values if value.where.pointer == pointer), "")


def is_unresolved(pointer: str, unresolved: frozenset[str]) -> bool:
    """Whether the place is at or below an unknown value, or is a list with such an entry."""
    if pointer in _lists(unresolved):
        return True
    while pointer:
        if pointer in unresolved:
            return True
        pointer = pointer.rpartition("/")[0]
    return False


# 16 µs for 200 unknown values, and each finding asks for the same.
@lru_cache(maxsize=4)
def _lists(unresolved: frozenset[str]) -> frozenset[str]:
    """The lists with an unknown entry: a finding on such a list may be wrong."""
    parts = (pointer.rpartition("/") for pointer in unresolved)
    return frozenset(holder for holder, _, last in parts if last.isdecimal())


def unknown_names(policy: Policy, unresolved: frozenset[str]) -> dict[str, str]:
    """Actions and resources of which nothing is known until deployment, as they are quoted, and what to call them in a message."""
    found: dict[str, str] = {}
    for statement in policy.statements if unresolved else ():
        for what, entries in (
            ("an action", (*statement.actions, *statement.not_actions)),
            ("a resource", (*statement.resources, *statement.not_resources)),
        ):
            for entry in entries:
                # Of a value with a colon a part is known, which is worth showing.
                pointer = entry.where.pointer
                is_unknown = pointer in unresolved or pointer.rpartition("/")[0] in unresolved
                is_whole = ":" not in entry.value and entry.value.strip("*")
                if is_unknown and is_whole and entry.value not in _ELEMENTS:
                    found.setdefault(quoted(entry.value), f"{what} that is not known yet")
    return found


def without_unknown_names(
    findings: Iterable[Finding], names: Mapping[str, str]
) -> tuple[Finding, ...]:
    """The findings, with words for the names of placeholders: no action and no resource is called so."""
    if not names:
        return tuple(findings)
    quotes = re.compile("|".join(map(re.escape, names)))
    return tuple(
        replace(finding, message=quotes.sub(lambda met: names[met[0]], finding.message))
        if finding.message
        else finding
        for finding in findings
    )


def _pointer(finding: Finding) -> str:
    return finding.where.pointer if finding.where else ""


def with_location(findings: Iterable[Finding], source: Source) -> tuple[Finding, ...]:
    """The findings with the name of their policy and the file that their lines refer to."""
    if not (source.name or source.file):
        return tuple(findings)
    return tuple(
        replace(
            finding,
            resource=source.name or finding.resource,
            where=_in_file(finding.where or Where(), source.file)
            if source.file
            else finding.where,
        )
        for finding in findings
    )


def with_written_values(findings: Iterable[Finding], source: Source) -> tuple[Finding, ...]:
    """The findings with `${var.org}` for `var-org` in what they quote: nobody finds the word in the file."""
    if not source.written:
        return tuple(findings)

    def changed(text: str) -> str:
        return _QUOTED.sub(lambda quote: as_written(quote[0], source.written), text)

    return tuple(
        replace(
            finding,
            message=changed(finding.message),
            fix=changed(finding.fix) if finding.fix else finding.fix,
        )
        for finding in findings
    )


def as_written(text: str, written: tuple[tuple[str, str], ...]) -> str:
    """The text with what a file has in the place of words for values that are not known."""
    if not written:
        return text
    texts = dict(written)
    return _words(written).sub(lambda found: texts[found[1]] if found[1] else found[0], text)


_QUOTED = re.compile(r"`[^`]*`")
_NAME = r"AWS::\w+::\w+|(?<=`)[a-z][a-z0-9-]*:\w+(?=`)"


@lru_cache(maxsize=64)
def _words(written: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    """The words, longest first, and names of types, keys and actions, which have none: `AWS::S3::Bucket`, `aws:SourceAccount`.

    `Org` counts only where no letter stands beside it, and `role` not at all: it is a part of ARNs.
    """
    found = sorted((word for word, _ in written if word not in _ELEMENTS), key=len, reverse=True)
    forms = [re.escape(word) for word in found if "-" in word]
    forms += [rf"(?<!\w){word}(?!\w)" for word in found if word.isalnum() and not word.islower()]
    any_word = "|".join(forms) or "(?!)"
    return re.compile(rf"{_NAME}|({any_word})(?:{re.escape(NOT_KNOWN_YET)})?")


def _in_file(where: Where, file: str) -> Where:
    # A statement may stand in another file than the resource that has the policy.
    return where if where.file else replace(where, file=file)


def without_repeats(
    judged: Iterable[tuple[Source, tuple[Finding, ...]]],
) -> tuple[tuple[Source, tuple[Finding, ...]], ...]:
    """The findings, where both sides of a template's condition have the same ones only once."""
    reported: set[tuple[object, ...]] = set()
    distinct = []
    judged = tuple(judged)
    if not any(source.other_side_of for source, _ in judged):
        return judged
    for source, findings in judged:
        new = tuple(finding for finding in findings if _place(source, finding) not in reported)
        reported.update(_place(source, finding) for finding in findings)
        distinct.append((source, new if source.other_side_of else findings))
    return tuple(distinct)


def _place(source: Source, finding: Finding) -> tuple[object, ...]:
    where = finding.where or Where()
    at = (where.line, where.column) if where.line else where.pointer
    file = where.file or source.file
    return file, source.other_side_of or source.name, finding.code, finding.message, at
