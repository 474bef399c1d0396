"""The axes of a request cut into cells: actions by the statements that speak of them, resources by ARN, and callers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aws_iam.policy import venn
from aws_iam.policy.caller import Caller, Grade
from aws_iam.policy.catalog import catalog
from aws_iam.policy.pattern import covers, intersects, matches
from aws_iam.policy.substitution import literal, spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_iam.policy.clauses import Clause
    from aws_iam.policy.layers import Ready
    from aws_iam.policy.points import Value

TRUSTED_KEYS: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "kms:calleraccount",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
    }
)
"""Keys whose fixed values shut strangers out: S3 User Guide, access-control-block-public-access."""

_HOLE = re.compile(r"\$\{([^{}]*)\}")
# Statements that an action is compared with in one step of work.
_CLAUSES = 8
_EXAMPLE_REGION = "us-east-1"
_DIGITS = 12
_FIELDS = 6
_SERVICE = 2
_ANY = "arn:${Partition}:*:*:*:*"
_WELL_KNOWN = ("s3", "ec2", "sqs", "iam")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Actions that the same statements speak of, by one of them."""

    action: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks: a caller of the resource's policy, or whoever has an identity policy (`caller` is None).

    `least` is the grade that a grant must have: in the resource's own account, where the caller's own policies grant
    nothing, a grant to the account alone is none.
    """

    name: str
    caller: Caller | None = None
    least: Grade = Grade.ACCOUNT
    settled: Mapping[str, Value] = field(default_factory=dict, hash=False, compare=False)

    def meets(self, clause: Clause) -> bool:
        """Whether the statement speaks of this caller."""
        if self.caller is None:
            return True
        statement = clause.statement
        if statement.has("NotPrincipal"):
            return not self.caller.is_left_out(statement.not_principals)
        grade = self.caller.grade(statement.principals)
        return grade >= (self.least if clause.allows else Grade.ACCOUNT)


def action_groups(
    asked: Sequence[Clause], clauses: Sequence[Clause], budget: venn.Budget
) -> list[Group]:
    """The known actions that some `asked` statement speaks of, one for each set of statements that do.

    Actions that differ in what they can be authorised on stand apart where some statement names resources.
    """
    if not asked:
        return []
    by_place = any(not clause.is_anywhere for clause in clauses)
    found: dict[tuple[object, ...], Group] = {}
    for name in _candidates(asked, clauses, by_place=by_place):
        lower = name.lower()
        budget.spend(1 + len(clauses) // _CLAUSES)
        speaking = tuple(each for each in clauses if each.ready.takes(lower))
        ids = tuple(map(id, speaking))
        if not any(id(each) in ids for each in asked):
            continue
        named = any(not each.is_anywhere for each in speaking)
        found.setdefault(
            (ids, _types(name) if named else ()), Group(action=name, clauses=speaking)
        )
    return list(found.values())


def _types(action: str) -> tuple[str, ...]:
    known = catalog().action(action)
    return (known.service, *known.resource_types) if known else ()


def _candidates(
    asked: Sequence[Clause], clauses: Sequence[Clause], *, by_place: bool
) -> Iterator[str]:
    """Known actions such that every set of statements is met by one of them that any known action meets."""
    mentioned: dict[str, None] = {}
    for clause in clauses:
        for entry in (*clause.ready.names, *clause.ready.patterns):
            if entry not in {"*", "*:*"}:
                mentioned |= dict.fromkeys(expanded(entry))
    yield from mentioned
    open_ended = any(c.ready.negated or {"*", "*:*"} & {*c.ready.patterns} for c in asked)
    if not open_ended:
        return
    # Actions that nobody mentions differ only in what they can be authorised on.
    named = _services_named(clauses) if by_place else set()
    for prefix in sorted(named):
        yield from _unmentioned(prefix, mentioned)
    # One service stands for all others: their resources meet the same statements.
    for prefix in (*_WELL_KNOWN, *sorted(catalog().services)):
        rest = [] if prefix in named else list(_unmentioned(prefix, mentioned))
        if rest:
            yield from rest
            return


def _services_named(clauses: Sequence[Clause]) -> set[str]:
    """The services whose resources the statements name."""
    named = (each.split(":", 3) for c in clauses for each in c.resources or () if each != "*")
    fields = {parts[2] if len(parts) > _SERVICE else "*" for parts in named}
    return {p for p in catalog().services if any(matches(field, p) for field in fields)}


def _unmentioned(prefix: str, mentioned: Mapping[str, None]) -> Iterator[str]:
    service = catalog().service(prefix)
    seen = set()
    for action in service.actions.values() if service else ():
        if action.full_name in mentioned or action.resource_types in seen:
            continue
        seen.add(action.resource_types)
        yield action.full_name


@lru_cache(maxsize=20_000)
def expanded(entry: str) -> tuple[str, ...]:
    """The known actions that an entry of Action matches, spelled as AWS does."""
    if "*" in entry or "?" in entry:
        return catalog().expand(entry)
    known = catalog().action(entry)
    # A name that the data does not know is an action all the same: as text, on any resource.
    return (known.full_name if known else entry,)


def resources(
    group: Group,
    clauses: Sequence[Clause],
    cells: Callable[[tuple[str, ...], tuple[str, ...]], Mapping[int, str]],
    account: str,
) -> Iterator[tuple[str, frozenset[int]]]:
    """Resources of the group's actions, one for each set of statements that speak of it: (ARN, ids of statements).

    `account` is the one that ARNs are given where nothing else is asked for.
    """
    anywhere = frozenset(id(each) for each in clauses if each.is_anywhere)
    picky = [each for each in clauses if not each.is_anywhere]
    formats = _formats(group.action, picky)
    if not formats:
        met = anywhere | {id(each) for each in picky if _speaks_of(each, "*")}
        yield "*", met
        return
    if not picky:
        yield _example(min(formats, key=len), account), anywhere
        return
    every = dict.fromkeys(text for each in picky for text in each.resources or ())
    texts = tuple(t for t in every if any(may_meet(t, each) for each in formats))
    found = cells(texts, formats) if texts else {0: ""}
    seen = set()
    for cell, text in sorted(found.items(), key=lambda item: len(item[1])):
        listed = {each for at, each in enumerate(texts) if cell >> at & 1}
        met = anywhere | {
            id(each)
            for each in picky
            if bool(listed.intersection(each.resources or ())) is not each.not_resources
        }
        if met not in seen:
            seen.add(met)
            arn = _readable(spelled(text), picky, account) if text else ""
            yield arn or _example(min(formats, key=len), account), met


@lru_cache(maxsize=50_000)
def may_meet(text: str, template: str) -> bool:
    """Whether a resource pattern can have an ARN of a format, by partition and service alone: a quick no."""
    mine, theirs = text.split(":", _SERVICE + 1), template.split(":", _SERVICE + 1)
    if len(mine) <= _SERVICE + 1:
        return True
    return all(
        intersects(own, _HOLE.sub("*", wanted))
        for own, wanted in zip(mine[: _SERVICE + 1], theirs, strict=False)
    )


def diagram(
    texts: tuple[str, ...], formats: tuple[str, ...], budget: venn.Budget
) -> Mapping[int, str]:
    """The cells of resource patterns within the ARN formats."""
    return venn.cells(
        [venn.pattern(each) for each in texts], inside=map(_inside, formats), budget=budget
    )


def _speaks_of(clause: Clause, resource: str) -> bool:
    text = literal(resource) if resource != "*" else "*"
    listed = any(matches(each, text) for each in clause.resources or ())
    return listed is not clause.not_resources


@lru_cache(maxsize=4_096)
def _known_formats(action: str) -> tuple[str, ...]:
    known = catalog().action(action)
    service = catalog().service(known.service) if known else None
    if known is None or service is None:
        return (_ANY,)
    found: dict[str, None] = {}
    for name in known.resource_types:
        each = service.resource_types.get(name.lower())
        found |= dict.fromkeys(each.arn_formats if each else ())
    return tuple(found)


def _formats(action: str, picky: Sequence[Clause]) -> tuple[str, ...]:
    """The ARN formats of what the action is authorised on, in each partition that the statements name."""
    partitions = {"aws"} | {
        text.split(":")[1]
        for each in picky
        for text in each.resources or ()
        if text.startswith("arn:aws") and "*" not in text.split(":")[1]
    }
    return tuple(
        each.replace("${Partition}", partition)
        for each in _known_formats(action)
        for partition in sorted(partitions)
    )


@lru_cache(maxsize=8_192)
def _inside(template: str) -> venn.Pattern:
    """A format as a pattern: accounts have twelve characters, names of buckets no slash."""
    tokens: list[venn.Token] = []
    at = 0
    fields = 0
    for hole in _HOLE.finditer(template):
        before = template[at : hole.start()]
        fields += before.count(":")
        tokens += _plain(before)
        tokens += _hole(hole[1], in_resource=fields >= _FIELDS - 1)
        at = hole.end()
    return venn.Pattern((*tokens, *_plain(template[at:])))


def _plain(text: str) -> Iterator[venn.Token]:
    return (venn.Symbol.MANY if char == "*" else char for char in text)


def _hole(name: str, *, in_resource: bool) -> tuple[venn.Token, ...]:
    if name.lower() == "account":
        return (venn.Symbol.ONE_IN_NAME,) * _DIGITS
    if name.lower() == "bucketname" or not in_resource:
        return venn.Symbol.ONE_IN_NAME, venn.Symbol.MANY_IN_NAME
    return venn.Symbol.ONE, venn.Symbol.MANY


def _example(template: str, account: str) -> str:
    named = template.replace("${Region}", _EXAMPLE_REGION).replace("${Account}", account)
    return _HOLE.sub("example", named)


def _readable(arn: str, picky: Sequence[Clause], account: str) -> str:
    """The ARN with a Region and an account that look like some, if the same statements speak of it."""
    fields = arn.split(":", _FIELDS - 1)
    if len(fields) < _FIELDS:
        return arn
    better = list(fields)
    if better[3] and len(better[3]) == 1:
        better[3] = _EXAMPLE_REGION
    if len(set(better[4])) == 1 and len(better[4]) == _DIGITS:
        better[4] = account
    nicer = ":".join(better)
    same = all(_speaks_of(each, nicer) is _speaks_of(each, arn) for each in picky)
    return nicer if same else arn


def actions_within(new: Clause, old: Clause) -> bool:
    """Whether the one statement speaks only of actions that the other speaks of."""
    mine, theirs = new.ready, old.ready
    if theirs.negated:
        return mine.negated and _listed_within(theirs, mine)
    return not mine.negated and _listed_within(mine, theirs)


def _listed_within(fewer: Ready, more: Ready) -> bool:
    return all(
        entry in more.names or any(covers(pattern, entry) for pattern in more.patterns)
        for entry in (*fewer.names, *fewer.patterns)
    )


def resources_within(new: Clause, old: Clause) -> bool:
    """Whether the one statement speaks only of resources that the other speaks of."""
    if old.is_anywhere:
        return True
    if new.resources is None or old.resources is None:
        return False
    if new.not_resources is not old.not_resources:
        return False
    inner, outer = (old, new) if new.not_resources else (new, old)
    return all(any(covers(o, i) for o in outer.resources or ()) for i in inner.resources or ())


def principals_within(new: Clause, old: Clause) -> bool:
    """Whether both statements name the same principals, or the other one names everyone."""
    mine, theirs = new.statement, old.statement
    if any(each.is_everyone for each in theirs.principals):
        return True
    return (
        {(p.type, p.value) for p in mine.principals}
        <= {(p.type, p.value) for p in theirs.principals}
        and mine.has("NotPrincipal") is theirs.has("NotPrincipal")
        and set(mine.not_principals) == set(theirs.not_principals)
    )


def holders() -> tuple[Actor, ...]:
    """Whoever has an identity policy: never a service, whatever else."""
    settled: dict[str, Value] = {
        "aws:principalisawsservice": ("false",),
        "aws:principalservicename": None,
        "aws:principalservicenameslist": None,
    }
    return (Actor(name="holder", settled=settled),)
