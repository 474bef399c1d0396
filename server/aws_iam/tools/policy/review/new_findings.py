"""The problems of `policy validate` that a change adds: what the baseline had already stays silent.

new_findings(found, origins(found))   →   ((Source(…), (Finding(…), …)), …), the policies of the change with what is new in each
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.aligned_cases import place_of
from aws_iam.engine.explain.statement_risk import RISK_CODES
from aws_iam.engine.key_policies.administrators import is_administered
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.engine.reference.attachment_types import KMS_KEY
from aws_iam.rules.policy.run import source_findings, with_places

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from aws_iam.answer import Finding
    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.language.document import Source
    from aws_iam.tools.policy.review.origins import Origins

# A statement before it may be new.
_INDEX = re.compile(r"(?<=/)\d+\b")
_RISKS = frozenset(RISK_CODES)
# What one statement makes of another: of a principal it is the same in whichever of the policies they stand.
_BESIDE_OTHERS = _RISKS | {"SHADOWED_ACTION", "SHADOWED_STATEMENT", "UNREACHABLE_ALLOW"}


def new_findings(
    found: ComparedDocuments, places: Origins
) -> tuple[tuple[Source, tuple[Finding, ...]], ...]:
    """Each policy that is new or changed, with its findings that the baseline's had not, worst first in each."""
    return with_places(tuple(_new(found, places)))


def _new(
    found: ComparedDocuments, places: Origins
) -> Iterator[tuple[Source, tuple[Finding, ...]]]:
    mine, theirs = found.written
    baseline = {source.name: source for source in theirs}
    if len(mine) == len(theirs) == 1 and not any(own.name for own in found.policies):
        # One policy was compared with one, whatever their files are called.
        baseline[mine[0].name] = theirs[0]
    places_before: dict[str, list[Source]] = {}
    for source in theirs:
        places_before.setdefault(place_of(source), []).append(source)
    told_as_access = _gaining(found, places) | _no_wider(found)
    of_principal = _known_of_principals(found)
    told: dict[int, set[tuple[str, str]]] = {}
    judged: set[str | None] = set()
    names = {name: own.name for own in found.policies if not own.parts for name in own.namesakes}
    for source in mine:
        before = baseline.get(source.name)
        if before is not None and before.content == source.content:
            continue
        together = names.get(source.name)
        if together in judged:
            continue
        judged |= {together} if together else set()
        after, former = _with_type(source, before)
        known = of_principal.get(source.name)
        if known is None:
            # A branch that is gone may stand in every case now.
            beside = [own for own in places_before.get(place_of(source), ()) if own is not before]
            known = Counter()
            for own in (*([former] if former else []), *beside):
                known |= Counter(map(_key, source_findings(own)))
        added = tuple(_added(source_findings(after), known, source.name, told_as_access))
        # One module has one text for all of the folders that call it.
        text = told.setdefault(id(source.content), set())
        new = tuple(finding for finding in added if _key(finding) not in text)
        text.update(map(_key, new))
        if new or not added:
            name, other = source.name, source.other_side_of
            yield (
                replace(source, name=names.get(name, name), other_side_of=names.get(other, other)),
                new,
            )


def _gaining(found: ComparedDocuments, places: Origins) -> frozenset[str]:
    """The policies by which something is gained, in all root folders in which they are the same."""
    names: set[str] = set()
    for change in found.gained:
        origin = places.of(change)
        if origin is not None:
            own = places.names.get(change.policy, frozenset())
            alike = (other for other in places.with_content(origin) if other in own)
            names.update((origin.name, *alike))
    return frozenset(names)


def _no_wider(found: ComparedDocuments) -> frozenset[str]:
    """The policies that surely allow nothing more, those of a principal together: what they allow is no new risk."""
    names: dict[str, bool] = {}
    for own in found.policies:
        no_wider = found.relation_of(own) in {"equal", "less"}
        # A policy that is compared alone has no name.
        for name in own.names if own.name else [source.name for source in found.sources[0]]:
            names[name] = names.get(name, True) and no_wider
    return frozenset(name for name, no_wider in names.items() if no_wider)


def _known_of_principals(found: ComparedDocuments) -> dict[str, Counter[tuple[str, str]]]:
    """What the policies of a principal had before, by the name of each: a statement that goes to another one is not new."""
    mine, theirs = ({source.name: source for source in side} for side in found.written)
    known: dict[str, Counter[tuple[str, str]]] = {}
    for compared in found.policies:
        former = [theirs[name] for name in compared.parts if name in theirs]
        changed = [
            own for own in former if own.name not in mine or mine[own.name].content != own.content
        ]
        one = Counter(_key(finding) for own in changed for finding in source_findings(own))
        # Together they made what none of them made alone.
        one |= Counter(filter(_is_beside_others, map(_key, _findings_together(former))))
        known |= dict.fromkeys(compared.parts, one)
    return known


def _findings_together(sources: Sequence[Source]) -> tuple[Finding, ...]:
    contents = [own.content for own in sources if isinstance(own.content, Policy)]
    if not contents:
        return ()
    statements = tuple(statement for own in contents for statement in own.statements)
    return source_findings(
        replace(sources[0], content=replace(contents[0], statements=statements))
    )


def _is_beside_others(key: tuple[str, str]) -> bool:
    return key[0] in _BESIDE_OTHERS


def _with_type(source: Source, before: Source | None) -> tuple[Source, Source | None]:
    """Both versions as key policies, if the former one shows that they are: the latter may lack what shows it."""
    contents = (source.content, before.content) if before else ()
    if not before or not all(
        isinstance(own, Policy) and own.kind is Kind.RESOURCE and own.resource_type is None
        for own in contents
    ):
        return source, before
    if not isinstance(before.content, Policy) or not is_administered(before.content):
        return source, before
    return _as_key_policy(source), _as_key_policy(before)


def _as_key_policy(source: Source) -> Source:
    content = source.content
    if not isinstance(content, Policy):
        return source
    return replace(source, content=replace(content, resource_type=KMS_KEY))


def _added(
    findings: tuple[Finding, ...],
    known: Counter[tuple[str, str]],
    name: str,
    told_as_access: Collection[str],
) -> Iterator[Finding]:
    for finding in findings:
        if known[_key(finding)]:
            known[_key(finding)] -= 1
        # Access that is gained is said with its risk, and what gains none has no new one.
        elif not (finding.code in _RISKS and name in told_as_access):
            yield finding


def _key(finding: Finding) -> tuple[str, str]:
    return finding.code, _INDEX.sub("N", finding.message or finding.reason or "")
