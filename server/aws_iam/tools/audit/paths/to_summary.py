"""The answer on who reaches something in sentences: how many, the worst path in words, and what was not read, judged or shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.escape import quoted
from aws_iam.tools.audit.access.summary import and_more_gaps
from aws_iam.tools.audit.paths.found_paths import UNREAD_IDENTITIES, UNREAD_POLICIES
from aws_iam.tools.audit.paths.reach import MOST_VARIED
from aws_iam.tools.audit.principals.organization_policies import NOT_CONSIDERED
from aws_iam.tools.kit.unread_facts import unread_reasons
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.account.collect.fact import Miss
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.audit.paths.found_paths import FoundPaths
    from aws_iam.tools.audit.paths.goals import NamedGoal
    from aws_iam.tools.audit.paths.hop import Cut, Hop, Path, Paths
    from aws_iam.tools.audit.paths.spoken_names import Names

_MOST_NAMED = 5
_MOST_THROUGH = 2
_MOST_STEPS = 10
_PLACES, _SERVICE = "arn:", ".amazonaws.com"


def summary(found: FoundPaths, unread: Sequence[Account], missed: Sequence[Miss]) -> str:
    """All of it; `unread` are the accounts whose users and roles could not be read."""
    named, paths, names = found.named, found.paths, found.names
    return " ".join(
        (
            *_unread(named, unread, missed),
            *_reached(named, paths, names, is_known=not unread),
            *worst_path(paths, names),
            *_outside(named, paths, names),
            *worst_cut(paths, names),
            *gaps(found),
        )
    )


def _unread(named: NamedGoal, unread: Sequence[Account], missed: Sequence[Miss]) -> Iterator[str]:
    if unread:
        why = unread_reasons(missed)
        yield (
            f"Who can become {_become(named)} is not known: the users and roles of account"
            f" {joined([account.id for account in unread])} could not be read{f' ({why})' if why else ''}."
        )


def _reached(named: NamedGoal, paths: Paths, names: Names, *, is_known: bool) -> Iterator[str]:
    of = {
        verdict: [names.of(own.principal) for own in paths.principals if own.verdict == verdict]
        for verdict in ("administrator", "can_become", "unknown")
    }
    become = _become(named)
    if of["can_become"]:
        number = counted(len(of["can_become"]), "principal")
        limited = [] if named.is_admin or named.actions else _limited(paths, names)
        within = f"; only within a session policy: {joined(limited, shown=_MOST_NAMED)}"
        yield f"{number} can become {become}: {joined(of['can_become'], shown=_MOST_NAMED)}{within if limited else ''}."
    elif is_known:
        rest = " whose access could be judged" if of["unknown"] else ""
        yield f"No other user and no other role{rest} can become {become}."
    if of["administrator"]:
        number = counted(len(of["administrator"]), "principal")
        are = "is an administrator" if len(of["administrator"]) == 1 else "are administrators"
        bound = [names.of(own.principal) for own in paths.principals if own.is_bound]
        under = f"; only under conditions: {joined(bound, shown=_MOST_NAMED)}" if bound else ""
        yield f"{number} {are} already: {joined(of['administrator'], shown=_MOST_NAMED)}{under}."
    if paths.there:
        there = [names.of(own) for own in paths.there]
        number = counted(len(there), "principal")
        yield f"{number} {'needs' if len(there) == 1 else 'need'} no path: {joined(there, shown=_MOST_NAMED)}."
    if of["unknown"]:
        why = next(own.why for own in paths.principals if own.verdict == "unknown")
        number = counted(len(of["unknown"]), "principal")
        yield f"Of {number} it is not known: {joined(of['unknown'], shown=_MOST_NAMED)} ({why})."


def _limited(paths: Paths, names: Names) -> list[str]:
    """The principals that become a role by the listed paths only as sessions that a session policy limits."""
    free = {own.start for own in paths.paths if own.end not in names.roles}
    certain = {own.start for own in paths.paths if own.is_certain}
    return [names.of(own) for own in sorted(certain - free)]


def _become(named: NamedGoal) -> str:
    """What somebody becomes who gets there."""
    return "an administrator" if named.is_admin else named.words


def worst_path(paths: Paths, names: Names) -> Iterator[str]:
    """The path that asks for least, in words."""
    certain = [own for own in paths.paths if own.is_certain]
    if certain:
        worst = min(certain, key=lambda own: (own.conditions, len(own.hops), own.start))
        yield f"The easiest path: {path_in_words(worst, names)}."


def path_in_words(path: Path, names: Names) -> str:
    """A path as a sentence without its end; of a long one the first steps."""
    before, shown = (None, *path.hops), path.hops[:_MOST_STEPS]
    steps = [_hop_in_words(*both, names) for both in zip(before, shown, strict=False)]
    more = len(path.hops) - len(shown)
    rest = f", and after {counted(more, 'more step')} {names.of(path.end)}" if more else ""
    return f"{', '.join(steps)}{rest}{_under(path)}"


def _hop_in_words(before: Hop | None, hop: Hop, names: Names) -> str:
    if before and hop.start == before.start:
        actor = "and "
    elif before and hop.start == before.end:
        actor = "which "
    else:
        actor = f"{names.of(hop.start)} "
    actions = joined([quoted(own) for own in hop.actions], shown=len(hop.actions))
    # The version of a policy, and which policies are taken away, are told by the actions.
    named = (hop.end, names.roles.get(hop.end))
    places = [own for own in hop.through if own not in named and own.startswith(_PLACES)]
    places += [own for own in hop.through if own.endswith(_SERVICE)]
    through = joined([names.of(own) for own in places], shown=_MOST_THROUGH)
    by = f"{actions}{f' through {through}' if through else ''}"
    if hop.start == hop.end:
        return f"{actor}gives itself more with {by}"
    return f"{actor}becomes {names.of(hop.end)} with {by}"


def _under(path: Path) -> str:
    conditions = list(dict.fromkeys(own for hop in path.hops for own in hop.conditions))
    assuming = list(dict.fromkeys(own for hop in path.hops for own in hop.assuming))
    words = f", if {' and '.join(conditions)}" if conditions else ""
    return f"{words}{f', assuming that {joined(assuming)}' if assuming else ''}"


def _outside(named: NamedGoal, paths: Paths, names: Names) -> Iterator[str]:
    if paths.outsiders:
        who = joined(
            [
                f"{names.of(own.start)} through role {names.of(own.hops[0].end)}"
                for own in paths.outsiders
            ],
            shown=_MOST_NAMED,
        )
        become = "administrator access" if named.is_admin else named.words
        yield f"From outside, {become} is within reach of {who}."


def worst_cut(paths: Paths, names: Names) -> Iterator[str]:
    """What to take away first, and what it closes."""
    reaching = len({own.start for own in paths.paths if own.is_certain})
    if not paths.cuts or len(paths.paths) == 1 or not reaching:
        return
    cut = paths.cuts[0]
    closes = f"{cut.closes:,} of {counted(len(paths.paths), 'path')}"
    left = reaching - cut.stops
    still = "nobody gets there" if not left else f"{counted(left, 'principal')} still"
    still += "" if not left else " gets there" if left == 1 else " get there"
    if not cut.stops:
        yield (
            f"No single step stops anybody: {_taking(cut, names)} closes {closes}, and {still} another way."
        )
    else:
        yield (
            f"T{_taking(cut, names)[1:]} closes {closes} and stops"
            f" {cut.stops:,} of {counted(reaching, 'principal')}; {still} then, by the listed paths."
        )


def _taking(cut: Cut, names: Names) -> str:
    """What a cut takes away, in words."""
    if cut.statement:
        return f"taking away the statement {quoted(cut.statement)}"
    actions = joined([quoted(own) for own in cut.actions])
    place = "on itself" if cut.start == cut.end else f"on {names.of(cut.end)}"
    return f"taking {actions} {place} from {names.of(cut.start)}"


def gaps(found: FoundPaths) -> Iterator[str]:
    """What is not shown, not judged and not considered."""
    paths = found.paths
    if paths.too_long:
        listed = {path.start for path in paths.paths}
        hops = [own.hops for own in paths.principals if own.hops and own.principal not in listed]
        number = counted(paths.too_long, "more principal")
        yield f"The paths of {number}, all of {min(hops)} steps or more, are not listed."
    elif paths.left_out:
        yield "There are more paths than were looked for; the shortest of each principal is here."
    if paths.not_varied:
        yield f"Beside a path of more than {counted(MOST_VARIED, 'step')} no others were looked for."
    for text in found.guardrails:
        if text.startswith(NOT_CONSIDERED):
            why = text.removeprefix(NOT_CONSIDERED)
            yield f"The organization's policies, which may deny more, were not considered: {why}."
    unknown = {own.principal for own in paths.principals if own.verdict == "unknown"}
    rest = [
        own
        for own in found.not_judged
        if own["place"] not in unknown
        and not own["why"].startswith(UNREAD_POLICIES)
        and own["why"] != UNREAD_IDENTITIES
    ]
    yield from first_gap(rest)
    is_nobody = not any(own.verdict == "can_become" for own in paths.principals)
    yield not_considered(is_nobody=is_nobody)


def first_gap(not_judged: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """The first thing that was not judged, and how many more there are."""
    for row in not_judged[:1]:
        yield f"Not judged: {row['place']}: {row['why']}{and_more_gaps(not_judged)}."


def not_considered(*, is_nobody: bool) -> str:
    """What may still lead there, in short where nothing else does."""
    if not is_nobody:
        return "Root users and permission sets are not considered."
    return (
        "That is no all-clear for what is not considered: root users, permission sets, conditions on session names, and opening a resource for"
        " somebody else."
    )
