"""What a comparison says in its summary: the relation, what changes, and what was not judged.

relation_in_words(found, "")   →   "The document allows more than the baseline: …", "3 policies were compared by name."
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.change_findings import gained_in_words, lost_in_words
from aws_iam.escape import quoted
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.comparison.compared_policy import ComparedPolicy
    from aws_iam.engine.comparison.sides.moved_policies import MovedPolicy

_SHOWN = 3


def relation_in_words(found: ComparedDocuments, read: str) -> Iterator[str]:
    """The relation; `read` limits an all-clear to what was read."""
    settings = [change.says for change in found.unjudged if change.is_setting]
    not_judged = f"Not judged: {'; '.join(settings[:_SHOWN])}{_and_more(settings)}."
    # What is known comes first.
    is_known = bool(found.gained or found.lost or _certain(found))
    if found.moved:
        yield f"{'; '.join(map(_moved, found.moved[:_SHOWN]))}{_and_more(found.moved)}."
    if settings and not is_known:
        yield not_judged
    yield from _relation(found, read, is_limited=bool(settings))
    certain = _certain(found)
    if certain and found.comparison.relation != "unknown":
        yield f"Also: {'; '.join(certain[:_SHOWN])}{_and_more(certain)}."
    if settings and is_known:
        yield not_judged
    yield from _beside_the_relation(found)


def _relation(found: ComparedDocuments, read: str, *, is_limited: bool) -> Iterator[str]:
    gained = gained_in_words(found.gained, "it") if found.gained else ""
    relation = found.comparison.relation
    in_both = found.gained[0] if relation == "incomparable" and found.gained else None
    lost = lost_in_words(found.lost, "it", in_both) if found.lost else ""
    match relation:
        case "more":
            yield f"The document allows more than the baseline: {gained}."
        case "less":
            yield f"The document allows less than the baseline: {lost}."
        case "incomparable":
            yield f"{sentence(gained_in_words(found.gained, 'the document'))}. {sentence(lost)}."
        case "equal" if read:
            yield sentence(f"{read}the document allows exactly the same as {read}the baseline.")
        case "equal" if is_limited:
            yield _SAME_POLICIES
        case "equal":
            yield "The document allows exactly what the baseline allows."
        case _:
            yield from _unknown(found)


_SAME_POLICIES = "The policies that were judged allow the same as those of the baseline."


def _moved(moved: MovedPolicy) -> str:
    was, now = (
        joined([quoted(name) for name in names], shown=_SHOWN) for names in (moved.was, moved.now)
    )
    return f"{quoted(moved.name)} is attached to {now}, no longer to {was}"


def _unknown(found: ComparedDocuments) -> Iterator[str]:
    """What is known, then why the rest is unknown."""
    known = [*_known(found), *_certain(found)]
    reasons = tuple(dict.fromkeys(_why_unknown(found)))
    if known:
        yield f"{sentence('; '.join(known))}."
    if reasons:
        what = "anything else changes" if known else "the document allows the same as the baseline"
        yield f"Whether {what} is unknown: {'; '.join(reasons)}."
    elif not (found.gained or found.lost):
        yield _SAME_POLICIES


def _known(found: ComparedDocuments) -> Iterator[str]:
    if found.gained:
        yield gained_in_words(found.gained, "the document")
    if found.lost:
        yield lost_in_words(found.lost, "it" if found.gained else "the document")


def _certain(found: ComparedDocuments) -> list[str]:
    return [change.says for change in found.unjudged if change.is_certain]


def _why_unknown(found: ComparedDocuments) -> Iterator[str]:
    for policy in found.policies:
        if policy.comparison.relation == "unknown":
            yield from (*policy.beyond.open, *policy.short.open)
    if found.broken:
        yield unread_files(found)
    yield from (own.says for own in found.unjudged if not own.is_certain and not own.is_setting)


def unknown_reasons(found: ComparedPolicy) -> list[str]:
    """What is known about an unknown relation, and why the rest is unknown."""
    sides = ((gained_in_words, found.gained), (lost_in_words, found.lost))
    known = [in_words(changes, "it") for in_words, changes in sides if changes]
    return [*known, *dict.fromkeys((*found.beyond.open, *found.short.open))]


def unread_files(found: ComparedDocuments) -> str:
    """The files of both sides that cannot be read, in words."""
    files = dict.fromkeys(f"{quoted(place.place)} cannot be read" for place in found.broken)
    return joined(list(files), shown=_SHOWN)


def sentence(text: str) -> str:
    """The text with a capital letter."""
    return f"{text[0].upper()}{text[1:]}"


def stopped_in_words(found: ComparedDocuments) -> Iterator[str]:
    """What policies newly allow and a permissions boundary stops, so that nobody gains it."""
    for own in found.policies:
        if own.stopped:
            limits = joined([quoted(name) for name in own.stopped_by], shown=_SHOWN)
            several = len(own.stopped_by) > 1
            stop = f"boundaries {limits} stop" if several else f"boundary {limits} stops"
            others = len(own.stopped) - 1
            more = f" and {counted(others, 'more action')}" if others else ""
            name = quoted(own.name) if own.name else "the policy"
            yield f"The permissions {stop} {quoted(own.stopped[0])}{more}, which {name} newly allows."


def _beside_the_relation(found: ComparedDocuments) -> Iterator[str]:
    yield from stopped_in_words(found)
    cut = dict.fromkeys(why for p in found.policies for s in (p.beyond, p.short) for why in s.cut)
    if cut:
        yield f"There may be more differences: {'; '.join(cut)}."
    says = [own.says for own in found.unjudged if not (own.is_setting or own.is_certain)]
    if found.comparison.relation != "unknown" and says:
        yield f"Not compared: {'; '.join(says[:_SHOWN])}{_and_more(says)}."
    yield from _ineffective_in_words(found)
    for switched, without in (
        (found.switched_off, "no instance of it is left"),
        (found.switched_on, "there was no instance of it"),
    ):
        if switched:
            resources = joined([quoted(name) for name in switched], shown=_SHOWN)
            way = "off" if switched is found.switched_off else "on"
            yield f"Switched {way}: {resources} ({without})."
    if found.renamed:
        listed = [f"{quoted(was)} is called {quoted(now)} now" for was, now in found.renamed]
        yield f"Renamed: {joined(listed, shown=_SHOWN)}."
    if len(found.policies) == 1 and found.policies[0].was and not found.renamed:
        yield f"{_name_now(found)} was compared with {quoted(found.policies[0].was)} of the baseline."
    together = [quoted(own.name) for own in found.policies if own.parts]
    if together:
        apart = ", those of each" if len(together) > 1 else ""
        yield f"The policies of {joined(together, shown=_SHOWN)} were compared as one{apart}."
    alone = len(found.policies) - len(together)
    if alone > 1:
        changes = [f"{alone} policies were compared by name"]
        for change in ("added", "removed"):
            names = [quoted(p.name) for p in found.policies if p.change == change]
            changes += [f"{joined(names, shown=_SHOWN)} {change}"] if names else []
        yield f"{'; '.join(changes)}."


def _name_now(found: ComparedDocuments) -> str:
    """The name of the only policy that is compared: one of AWS that is attached stands in no file."""
    named = found.policies[0].name
    if not named and len(found.sources[0]) == 1:
        named = found.sources[0][0].name
    return quoted(named) if named else "The policy"


def _and_more(listed: Sequence[object]) -> str:
    return f"; and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""


def _ineffective_in_words(found: ComparedDocuments) -> Iterator[str]:
    for verb, rows in (
        ("Added", [row for policy in found.policies for row in policy.ineffective]),
        ("Removed", [row for policy in found.policies for row in policy.ineffective_before]),
    ):
        if rows:
            listed = [f"{quoted(row['entry'])} ({row['why']})" for row in rows]
            yield f"{verb} without effect: {joined(listed, shown=_SHOWN)}."
    keys = [row for policy in found.policies for row in policy.misspelt_keys]
    if keys:
        listed = [f"{quoted(row['key'])} ({row['why']})" for row in keys]
        yield f"Unknown condition keys: {joined(listed, shown=_SHOWN)}."
