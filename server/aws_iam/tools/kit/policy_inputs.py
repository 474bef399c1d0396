"""What an answer says about its policy inputs: files, formats, places not judged, values known only at deployment."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Finding, Severity, Status, Where
from aws_iam.engine.language.alternatives import unread_alternatives
from aws_iam.engine.reference.managed_policies import is_policy_arn, managed_policy_of_arn
from aws_iam.engine.sources.file_names import suggested_by
from aws_iam.engine.sources.gathered import Unread
from aws_iam.escape import quoted
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from aws_iam.engine.language.document import Policy, Source
    from aws_iam.engine.reference.managed_policies import ManagedPolicy
    from aws_iam.engine.sources.containers.attachments import PolicyAttachment
    from aws_iam.engine.sources.gathered import Gathered

    Judge = Callable[[Policy], tuple[Finding, ...]]

# From here on, whole files with the same reason share a row.
_MANY_REASONS = 20
# Below the length at which a text of an answer is cut.
_LONGEST_ROW = 800
_MOST_PLACES = 5
_MOST_VALUES = 3
BY_DEFAULT = "judged as the defaults make it: "
"""How the reason begins for a policy that may have another value at deployment."""
_UNRESOLVED = "values are known only at deployment"


def policy_columns(source: Source, *, several: bool) -> dict[str, str]:
    """The columns that name a policy: its file where several are read, and its name."""
    file = {"file": source.file} if source.file and (several or not source.name) else {}
    return file | ({"policy": source.name} if source.name else {})


def how_guessed(policy: Policy, file: str | None) -> str:
    """What told the kind of a policy, in brackets; empty where the caller or its place in a larger document did."""
    if not policy.kind_guessed:
        return ""
    named = file is not None and suggested_by(file) == (policy.kind, policy.resource_type)
    by = "the name of its file" if named else "its content"
    return f" (guessed from {by}; pass `kind` to change it)"


def not_judged(unread: Unread) -> Finding:
    """The place as a finding, which fails if it is a broken file that should contain policies."""
    named = unread.place if unread.place != unread.file else None
    return Finding(
        code="NOT_JUDGED",
        title="The file cannot be read" if unread.broken else "No policy was judged here",
        severity=Severity.ERROR if unread.broken else Severity.WARNING,
        status=Status.FAIL if unread.broken else Status.UNKNOWN,
        message=f"no policy was judged: {unread.why}" if unread.broken else "",
        reason=None if unread.broken else unread.why,
        where=Where(file=unread.file) if unread.file else None,
        resource=named,
        fix="Repair the file, or leave it out." if unread.broken else None,
    )


def is_complete(gathered: Gathered, *, compared: bool = False) -> bool:
    """Whether every policy of the input was read, with all of its values, and none is only named.

    `compared`: what may be another value at deployment is compared with that of another side.
    """
    whole = not gathered.unread and all(own.document for own in gathered.attachments)
    known = not any(source.unresolved for source in gathered.sources)
    return whole and known and (compared or not other_values(gathered))


def other_values(gathered: Gathered) -> tuple[Unread, ...]:
    """The policies and attachments that may have another value at deployment than the one they were read with."""
    held = [(place_of(own), own.file, own.alternatives) for own in gathered.sources]
    held += [(own.place, own.file, own.alternatives) for own in gathered.attachments]
    found = []
    for place, file, alternatives in held:
        whats = dict.fromkeys(own.what for own in unread_alternatives(alternatives))
        if whats:
            why = f"{BY_DEFAULT}{joined(list(whats), shown=_MOST_VALUES)} may differ"
            found.append(Unread(place=place, why=why, file=file))
    return tuple(found)


def with_documents(
    gathered: Gathered, known: Mapping[PolicyAttachment, ManagedPolicy]
) -> Gathered:
    """The input in which these attachments have a document, that of the AWS managed policy."""
    attachments = tuple(
        replace(own, document=known[own].arn) if own in known else own
        for own in gathered.attachments
    )
    return replace(gathered, attachments=attachments)


def attached(gathered: Gathered) -> Iterator[Unread]:
    """The policies that the input attaches without their documents."""
    for own in gathered.attachments:
        if own.document:
            continue
        what = "a permissions boundary" if own.is_boundary else "an attached policy"
        yield Unread(place=own.name, why=f"{what} without its document", file=own.file)


def place_of(source: Source) -> str:
    """How a row names a policy."""
    return source.name or source.file or "the policy"


def input_facts(gathered: Gathered, partly: Iterable[Unread] = ()) -> dict[str, Any]:
    """Files, formats, the number of values known only at deployment, and the places not judged by reason.

    `partly` are policies that were not judged completely.
    """
    found: dict[str, Any] = {}
    if gathered.formats:
        found["formats"] = _format_counts(gathered)
    if gathered.files and gathered.others:
        found["files_seen"] = gathered.files + gathered.others
    if gathered.files > 1 or gathered.others:
        found["files_read"] = gathered.files - _unreadable(gathered)
        if gathered.without:
            found["files_without_policies"] = len(gathered.without)
    if unreadable := _unreadable(gathered):
        found["files_not_read"] = unreadable
    if in_part := read_in_part(gathered.unread):
        found["files_read_in_part"] = len(in_part)
    values = sum(len(source.unresolved) for source in gathered.sources)
    if values:
        found["values_known_only_at_deployment"] = values
    if gathered.without_value:
        found["variables_without_value"] = list(gathered.without_value)
    if rows := not_judged_rows(gathered, (*partly, *other_values(gathered))):
        found["not_judged"] = rows
    return found


def not_judged_rows(gathered: Gathered, partly: Iterable[Unread] = ()) -> list[dict[str, Any]]:
    """The places not judged, or only in part, by file and reason."""
    unresolved = (
        Unread(place=place_of(source), why=_UNRESOLVED, file=source.file)
        for source in gathered.sources
        if source.unresolved
    )
    return grouped_rows((*gathered.unread, *partly, *unresolved))


def _format_counts(gathered: Gathered) -> str:
    formats = Counter(name for _, name in gathered.formats)
    return ", ".join(f"{name} ({count})" if count > 1 else name for name, count in formats.items())


def _unreadable(gathered: Gathered) -> int:
    return sum(place.place == place.file for place in gathered.unread)


def read_in_part(unread: Iterable[Unread]) -> frozenset[str | None]:
    """The files with a part that could not be read."""
    return frozenset(own.file for own in unread if own.unreadable and own.place != own.file)


def grouped_rows(unread: Iterable[Unread]) -> list[dict[str, Any]]:
    """A row for each file and reason, or several where a row would be too long; nothing is left out."""
    groups: dict[tuple[str, str], list[str]] = {}
    for place in unread:
        groups.setdefault((place.file or "", place.why), []).append(place.place)
    if len(groups) > _MANY_REASONS:
        groups = _files_by_reason(groups)
    rows: list[dict[str, Any]] = []
    for (file, why), places in groups.items():
        named = {"file": file} if file and places != [file] else {}
        rows += (
            {**named, "place": joined(part, shown=len(part)), "why": why}
            for part in _parted(places)
        )
    return rows


def _parted(places: Sequence[str]) -> Iterator[list[str]]:
    """The names in parts that a row of an answer holds whole."""
    part: list[str] = []
    length = 0
    for place in places:
        length += len(place) + len(" and ")
        if part and length > _LONGEST_ROW:
            yield part
            part, length = [], len(place)
        part.append(place)
    yield part


def _files_by_reason(
    groups: dict[tuple[str, str], list[str]],
) -> dict[tuple[str, str], list[str]]:
    """The same, with whole files together that have the same reason."""
    together: dict[tuple[str, str], list[str]] = {}
    for (file, why), places in groups.items():
        together.setdefault(("" if places == [file] else file, why), []).extend(places)
    return together


def managed_policy_facts(names: Iterable[str]) -> dict[str, Any]:
    """The version and day of each AWS managed policy among the names of policies."""
    # The places in an answer of the AWS CLI begin with ARNs.
    arns = dict.fromkeys(name for name in names if is_policy_arn(name) and " " not in name)
    rows = [
        {"policy": policy.arn, "version": policy.version, "changed": policy.changed}
        for policy in map(managed_policy_of_arn, arns)
    ]
    return {"aws_managed_policies": rows} if rows else {}


def partly_judged_note(partly: Sequence[Unread]) -> str:
    """A sentence about the policies in which a search for problems ended early."""
    if not partly:
        return ""
    policies = len({(place.file, place.place) for place in partly})
    codes = dict.fromkeys(f"`{place.why.partition(':')[0]}`" for place in partly)
    verb = "was" if policies == 1 else "were"
    return f"{counted(policies, 'policy')} {verb} judged only in part: {joined(list(codes))}."


def not_judged_note(*inputs: Gathered, compared: bool = False) -> str:
    """Sentences for the summary about what was not judged of one input, or of several together; `compared` as in `is_complete`."""
    return " ".join(not_judged_sentences(*inputs, compared=compared))


def not_judged_sentences(*inputs: Gathered, compared: bool = False) -> list[str]:
    """The same, sentence by sentence; what two inputs have at the same place counts once."""
    values = _in_any(
        {(own.file, (own.name, spot)) for own in side.sources for spot in own.unresolved}
        for side in inputs
    )
    unread = _in_any({(own.file, own.place) for own in side.unread} for side in inputs)
    parts = []
    if unread:
        parts.append(f"{counted(unread, 'place')} {'was' if unread == 1 else 'were'} not judged.")
    if values:
        known = "is known only at deployment: a made-up one stands in for it"
        if values > 1:
            known = "are known only at deployment: made-up ones stand in for them"
        parts.append(f"{counted(values, 'value')} {known}.")
    attached = (own for side in inputs for own in side.attachments if not own.document)
    names = dict.fromkeys(quoted(own.name) for own in attached)
    if names:
        verb = "is" if len(names) == 1 else "are"
        listed = joined(list(names), shown=_MOST_PLACES)
        parts.append(f"{listed} {verb} attached without a document, so not judged.")
    others = [] if compared else [own for side in inputs for own in other_values(side)]
    if others:
        parts.append(by_default_note(others))
    return parts


def _in_any(sides: Iterable[AbstractSet[tuple[str | None, object]]]) -> int:
    """How many places the inputs have; the files of two that are compared have names of their own."""
    found: Counter[object] = Counter()
    for side in sides:
        found |= Counter(place for _, place in side)
    return found.total()


def by_default_note(others: Sequence[Unread]) -> str:
    """A sentence about policies that may have another value at deployment than the default that they were judged with."""
    places = list(dict.fromkeys(quoted(own.place) for own in others))
    verb, it = ("was", "it") if len(places) == 1 else ("were", "them")
    why = others[0].why.removeprefix(BY_DEFAULT) if len(places) == 1 else "values may differ"
    return f"{joined(places, shown=_MOST_VALUES)} {verb} judged as the defaults make {it}: {why} at deployment."
