"""The axes of a request cut into cells: actions by the statements that speak of them, resources by ARN, and callers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aws_iam.policy.arn import PARTITIONS
from aws_iam.policy.catalog import catalog
from aws_iam.policy.comparison import venn
from aws_iam.policy.evaluation.beyond import closed_to, crosses_accounts
from aws_iam.policy.evaluation.caller import Caller, CallerKind, Grade
from aws_iam.policy.evaluation.substitution import literal, spelled
from aws_iam.policy.pattern import intersects, matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.policy.comparison.clauses import Clause
    from aws_iam.policy.comparison.points import Value

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
# Patterns that one diagram holds at once when all its cells are wanted.
_FEW = 4
_EXAMPLE_REGION = "us-east-1"
_DIGITS = 12
_FIELDS = 6
_SERVICE = 2
# In doubt, and told by the evaluator to be so: `matching` says why.
_DOUBTFUL = ("s3:listallmybuckets", "arn:aws:s3:::*")
_ANY = "arn:${Partition}:*:*:*:*"
_WELL_KNOWN = ("s3", "ec2", "sqs", "iam")
_EVERY = frozenset({"*", "*:*"})
_ACTION = re.compile(r"[a-z0-9-]+:[a-z0-9_-]+", re.IGNORECASE)
_NOBODYS = frozenset({"sts:GetCallerIdentity"})
# Where the resource's own policy must allow, each in its way.
_STRICT = (
    "kms:Decrypt",
    "kms:PutKeyPolicy",
    "sts:AssumeRole",
    "sts:AssumeRoleWithWebIdentity",
    "sts:AssumeRoleWithSAML",
)
_ROLE_ACTIONS = frozenset(
    {
        "iam:createservicelinkedrole",
        "iam:deleteservicelinkedrole",
        "iam:passrole",
        "iam:updateroledescription",
    }
)


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
    # The account that owns the resource.
    owner: str = ""
    settled: Mapping[str, Value] = field(default_factory=dict, hash=False, compare=False)

    @property
    def is_foreign(self) -> bool:
        """Whether the caller is of another account than the resource's."""
        return self.caller is not None and self.caller.account not in {"", self.owner}

    def may_ask(self, action: str) -> bool:
        """Whether asking for the action tells something about the resource's policy.

        In the owner's account other policies allow whatever is not denied, unless the resource's own must allow, too.
        """
        if self.caller is None:
            return True
        lower = action.lower()
        if self.caller.kind is CallerKind.IDENTITY and not lower.startswith("sts:"):
            return False
        if self.caller.kind is CallerKind.ROOT and lower == "sts:assumerole":
            return False
        if self.caller.kind is CallerKind.FEDERATED and lower.startswith("sts:"):
            return False
        inside = self.caller.account == self.owner and self.caller.kind is not CallerKind.IDENTITY
        return not (inside and self.least is Grade.ACCOUNT) or is_strict(action)

    def meets(self, clause: Clause) -> bool:
        """Whether the statement speaks of this caller, or may do."""
        if self.caller is None:
            return True
        statement = clause.statement
        if self.caller.account and any(p.type == "CanonicalUser" for p in statement.principals):
            return True
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
    principaled = any(clause.has_principals for clause in clauses)
    found: dict[tuple[object, ...], Group] = {}
    for name in _candidates(asked, clauses, by_place=by_place, principaled=principaled):
        lower = name.lower()
        budget.spend(1 + len(clauses) // _CLAUSES)
        speaking = tuple(each for each in clauses if each.ready.takes(lower))
        ids = tuple(map(id, speaking))
        if not speaking or not any(each.ready.takes(lower) for each in asked):
            continue
        named = any(not each.is_anywhere for each in speaking)
        apart = special(name) if named or principaled else ""
        found.setdefault(
            (ids, _types(name) if named else (), apart), Group(action=name, clauses=speaking)
        )
    return list(found.values())


def _types(action: str) -> tuple[object, ...]:
    known = catalog().action(action)
    return (known.service, *known.resource_types, bool(known.required)) if known else ()


def _candidates(
    asked: Sequence[Clause], clauses: Sequence[Clause], *, by_place: bool, principaled: bool
) -> Iterator[str]:
    """Known actions such that every set of statements is met by one of them that any known action meets."""
    open_ended = any(c.ready.negated or _EVERY & {*c.ready.patterns} for c in asked)
    mentioned: dict[str, None] = {}
    for clause in clauses if open_ended else asked:
        statement = clause.statement
        left = {*clause.ready.names, *clause.ready.patterns} - _EVERY
        for text in statement.not_actions or statement.actions:
            entry = text.value.lower()
            if entry in left:
                mentioned |= dict.fromkeys(expanded(entry))
    # Everyone may ask who they are, whatever the policies say.
    mentioned.pop("sts:GetCallerIdentity", None)
    yield from mentioned
    if not open_ended:
        return
    if principaled:
        yield from (each for each in _STRICT if each not in mentioned)
    yield from _of_nobody(_services_named(clauses) if by_place else set(), mentioned)


def _of_nobody(named: set[str], mentioned: Mapping[str, None]) -> Iterator[str]:
    """Actions that nobody mentions: they differ only in what they can be authorised on, and who must allow it."""
    for prefix in sorted(named):
        yield from _unmentioned(prefix, mentioned)
    # One service stands for all others: their resources meet the same statements, or they have none.
    kinds: set[bool] = set()
    for prefix in (*_WELL_KNOWN, *sorted(catalog().services)):
        if prefix in named:
            continue
        for name in _unmentioned(prefix, mentioned):
            yield name
            known = catalog().action(name)
            kinds.add(bool(known and known.resource_types))
        if len(kinds) > 1:
            return


def _services_named(clauses: Sequence[Clause]) -> set[str]:
    """The services whose resources the statements name."""
    texts = dict.fromkeys(each for c in clauses for each in c.resources or () if each != "*")
    parts = (each.split(":", 3) for each in texts)
    fields = {each[2] if len(each) > _SERVICE else "*" for each in parts}
    return {prefix for field in fields for prefix in catalog().naming(field)}


def _unmentioned(prefix: str, mentioned: Mapping[str, None]) -> Iterator[str]:
    service = catalog().service(prefix)
    seen = set()
    for action in service.actions.values() if service else ():
        kind = (action.resource_types, bool(action.required), special(action.full_name))
        if action.full_name in mentioned or action.full_name in _NOBODYS or kind in seen:
            continue
        seen.add(kind)
        yield action.full_name


def is_strict(action: str) -> bool:
    """Whether the resource's own policy must allow even callers of its account: keys and roles."""
    return action.lower().startswith(("kms:", "sts:"))


@lru_cache(maxsize=20_000)
def special(action: str) -> str:
    """What AWS judges an action by beside the policies; actions that it judges alike have the same word."""
    service = action.partition(":")[0].lower()
    if service == "sts":
        return action.lower()
    if service == "kms":
        across = "across" if crosses_accounts(action) else "within"
        return action.lower() if "alias" in action.lower() else across
    if service == "iam":
        known = catalog().action(action)
        plain = known is not None and action.lower() not in _ROLE_ACTIONS
        return known.level if known and plain else action.lower()
    return action.lower() if action.lower() == _DOUBTFUL[0] else ""


@lru_cache(maxsize=20_000)
def expanded(entry: str) -> tuple[str, ...]:
    """The known actions that an entry of Action matches, spelled as AWS does."""
    if "*" in entry or "?" in entry:
        return catalog().expand(entry)
    known = catalog().action(entry)
    if known is None and not _ACTION.fullmatch(entry):
        # No request has such an action.
        return ()
    # A name that the data does not know is an action all the same: as text, on any resource.
    return (known.full_name if known else entry,)


def resources(
    group: Group,
    clauses: Sequence[Clause],
    asked: Sequence[Clause],
    cells: Diagram,
    account: str,
    *,
    foreign: bool,
) -> Iterator[tuple[str, frozenset[int]]]:
    """Resources of the group's actions, one for each set of statements that speak of it: (ARN, ids of statements).

    Only resources that one of `asked` speaks of are wanted. `account` is the one that ARNs are given where nothing else
    is asked for.
    """
    anywhere = frozenset(id(each) for each in clauses if each.is_anywhere)
    picky = [each for each in clauses if not each.is_anywhere]
    formats = _formats(group.action, picky)
    if not formats:
        yield from _on_everything(group.action, anywhere, picky)
        return
    if not picky and not foreign:
        yield _example(min(formats, key=len), account), anywhere
        return
    every = tuple(dict.fromkeys(text for each in picky for text in each.resources or ()))
    among = _among(asked, every)
    closed = closed_to(group.action, foreign=foreign)
    seen = set()
    for template in sorted(formats, key=len):
        near = tuple(text for text in every if may_meet(text, template))
        for listed, text in _cells(near, template, among, closed, cells):
            met = anywhere | {
                id(each)
                for each in picky
                if listed.isdisjoint(each.resources or ()) is each.not_resources
            }
            if met not in seen:
                seen.add(met)
                arn = _readable(spelled(text), picky, account) if text else ""
                yield arn or _example(template, account), met
    known = catalog().action(group.action)
    if known and not known.required:
        # No resource of its types takes part in every call: some calls are authorised on `*`.
        yield from (
            each for each in _on_everything(group.action, anywhere, picky) if each[1] not in seen
        )


def _cells(
    texts: tuple[str, ...],
    template: str,
    among: frozenset[str] | None,
    closed: tuple[str, ...],
    cells: Diagram,
) -> Iterator[tuple[frozenset[str], str]]:
    """The combinations of patterns that ARNs of one format meet, each with a shortest one; "" stands for any.

    Of many patterns few meet: each that is asked for is laid beside those alone that meet it.
    """
    if among is None and not texts and not closed:
        yield frozenset(), ""
        return
    if among is None and len(texts) <= _FEW:
        yield from _listed(texts, cells(texts, template, None, closed))
        return
    if among is None:
        yield from _listed(texts, cells(texts, template, frozenset(), closed))
    for text in texts:
        if among is None or text in among:
            near = tuple(each for each in texts if intersecting(text, each))
            yield from _listed(near, cells(near, template, frozenset({text}), closed))


def _listed(
    texts: tuple[str, ...], found: Mapping[int, str]
) -> Iterator[tuple[frozenset[str], str]]:
    for cell, text in sorted(found.items(), key=lambda item: len(item[1])):
        if not cell >> len(texts):
            yield frozenset(each for at, each in enumerate(texts) if cell >> at & 1), text


intersecting = lru_cache(maxsize=100_000)(intersects)


def _among(asked: Sequence[Clause], texts: Sequence[str]) -> frozenset[str] | None:
    """The texts one of which a wanted resource matches; None when it need not match any."""
    if any(each.is_anywhere or each.not_resources for each in asked):
        return None
    return frozenset(texts).intersection(text for each in asked for text in each.resources or ())


def _on_everything(
    action: str, anywhere: frozenset[int], picky: Sequence[Clause]
) -> Iterator[tuple[str, frozenset[int]]]:
    """The request on `*`, twice where AWS leaves open whether a statement speaks of it."""
    met = anywhere | {id(each) for each in picky if _speaks_of(each, "*")}
    yield "*", met
    if action.lower() == _DOUBTFUL[0]:
        doubted = {id(each) for each in picky if _DOUBTFUL[1] in (each.resources or ())}
        if doubted:
            yield "*", met ^ doubted


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


Diagram = Callable[
    [tuple[str, ...], str, "frozenset[str] | None", tuple[str, ...]],
    "Mapping[int, str]",
]


def diagram(
    texts: tuple[str, ...],
    template: str,
    among: frozenset[str] | None,
    closed: tuple[str, ...],
    budget: venn.Budget,
) -> Mapping[int, str]:
    """The cells of resource patterns within an ARN format and, if given, within one of the patterns `among` them.

    With none among them it is the cell alone that no pattern meets. The patterns of `closed`, read field by field, are
    numbered after the others.
    """
    return venn.cells(
        [*map(_pattern, texts), *map(venn.arn_pattern, closed)],
        inside=(_inside(template),),
        among=[at for at, text in enumerate(texts) if text in among] if among else None,
        outside=among is not None and not among,
        budget=budget,
    )


_pattern = lru_cache(maxsize=20_000)(venn.pattern)


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


def _any_negated(picky: Sequence[Clause]) -> bool:
    return any(each.not_resources for each in picky)


def _formats(action: str, picky: Sequence[Clause]) -> tuple[str, ...]:
    """The ARN formats of what the action is authorised on, in each partition that the statements tell apart."""
    fields = tuple(
        dict.fromkeys(
            text.split(":", 2)[1]
            for each in picky
            for text in each.resources or ()
            if text.startswith("arn:")
        )
    )
    alike: dict[tuple[bool, ...], str] = {}
    for partition in (
        PARTITIONS if fields not in {(), ("aws",)} or _any_negated(picky) else ("aws",)
    ):
        named = tuple(matches(field, partition) for field in fields)
        # What a statement leaves out in one partition it does not in another.
        if any(named) or partition == "aws" or _any_negated(picky):
            alike.setdefault(named, partition)
    partitions = set(alike.values())
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
        within = "field" if template.split(":", 3)[_SERVICE] == "iam" else "resource"
        tokens += _hole(hole[1], within if fields >= _FIELDS - 1 else "name")
        at = hole.end()
    return venn.Pattern((*tokens, *_plain(template[at:])))


def _plain(text: str) -> Iterator[venn.Token]:
    return (venn.Symbol.MANY if char == "*" else char for char in text)


def _hole(name: str, within: str) -> tuple[venn.Token, ...]:
    if name.lower() == "account":
        return (venn.Symbol.ONE_IN_NAME,) * _DIGITS
    if name.lower() == "bucketname" or within == "name":
        return venn.Symbol.ONE_IN_NAME, venn.Symbol.MANY_IN_NAME
    if within == "field":
        # Names and paths of IAM hold no colon.
        return venn.Symbol.ONE_IN_FIELD, venn.Symbol.MANY_IN_FIELD
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


def holder() -> Actor:
    """Whoever has an identity policy: never a service, whatever else."""
    settled: dict[str, Value] = {
        "aws:principalisawsservice": ("false",),
        "aws:principalservicename": None,
        "aws:principalservicenameslist": None,
    }
    return Actor(name="holder", settled=settled)
