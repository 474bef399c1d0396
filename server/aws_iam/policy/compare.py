"""Whether one policy allows more than another, with a request that shows it.

    compare(document, baseline)              →  Comparison: more | less | equal | incomparable | unknown
    granted(document, forbidden)             →  requests of the forbidden access that the document allows
    public(document)                         →  requests of strangers that the document allows

A "more" carries a request that was replayed through `evaluate`; an "equal" is a search without result over everything
that the policies can tell apart. Where the search is cut short by its budget the relation is unknown, never equal.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.answer import Comparison, Decision
from aws_iam.errors import InputError
from aws_iam.policy.arn import Arn
from aws_iam.policy.catalog import catalog
from aws_iam.policy.comparison import actors as who
from aws_iam.policy.comparison import axes, scenarios
from aws_iam.policy.comparison.clauses import Atoms, Side, populations, side
from aws_iam.policy.comparison.differences import Question
from aws_iam.policy.comparison.remainder import concerns, remainder
from aws_iam.policy.comparison.venn import Budget, OverBudget
from aws_iam.policy.document import Kind, Policy, Syntax, dump, read
from aws_iam.policy.evaluate import evaluated
from aws_iam.policy.evaluation.caller import Caller, CallerKind, Grade
from aws_iam.policy.evaluation.layers import Layers, Ready, placed, refuse_unusable
from aws_iam.policy.evaluation.request import request_of
from aws_iam.policy.evaluation.substitution import spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.policy.comparison.axes import Actor
    from aws_iam.policy.comparison.clauses import Clause
    from aws_iam.policy.comparison.differences import Candidate
    from aws_iam.policy.comparison.points import Atom, Value

MOST_WITNESSES = 3
"""Requests shown in each direction."""

_PRINCIPALED = frozenset({Kind.RESOURCE, Kind.TRUST, Kind.RCP})
_ACCOUNT = "111122223333"
_ACCOUNT_FIELD = 4
_OWNER = "aws:resourceaccount"
_FROM_CALLER = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principalservicename",
        "aws:principaltype",
        "aws:username",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The outcome of one direction; `open` says why nothing can be claimed without any request.

    Each of `requests` is {"request": …, "absent": […]}: a replayed request, and the keys that it must not have.
    """

    requests: tuple[Mapping[str, Any], ...]
    open: tuple[str, ...] = ()
    # Whether there are further ones, or may be.
    has_more: bool = False

    @property
    def is_none(self) -> bool:
        """Whether it is proved that there is no such request."""
        return not self.requests and not self.open


def compare(document: object, baseline: object) -> Comparison:
    """The relation of the document's access to the baseline's; several policies on a side are their union."""
    return searched(document, baseline).comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A comparison with the searches of both directions that it rests on."""

    comparison: Comparison
    beyond: Search
    short: Search


def searched(document: object, baseline: object, most: int = MOST_WITNESSES) -> Searched:
    """The comparison, with up to so many requests in each direction."""
    new, old = _documents(document, "document"), _documents(baseline, "baseline")
    _refuse_mixture(new, old)
    atoms = Atoms()
    beside, notes = _beside_everything(new, old)
    ours, theirs = (_Written.of((*each, *beside), atoms) for each in (new, old))
    beyond = _search(_Direction(atoms=atoms, policies=ours, without=theirs), most)
    short = _search(_Direction(atoms=atoms, policies=theirs, without=ours), most)
    assuming = dict.fromkeys((*_assumptions((*new, *old)), *notes, *beyond.open, *short.open))
    comparison = Comparison(
        relation=_relation(beyond, short),
        assuming=tuple(assuming),
        witnesses=(
            *({"allowed_by": "document", **each} for each in beyond.requests[:MOST_WITNESSES]),
            *({"allowed_by": "baseline", **each} for each in short.requests[:MOST_WITNESSES]),
        ),
    )
    return Searched(comparison=comparison, beyond=beyond, short=short)


def _beside_everything(
    new: tuple[Policy, ...], old: tuple[Policy, ...]
) -> tuple[tuple[Policy, ...], tuple[str, ...]]:
    """An Allow of everything to compare policies with that only deny, and what is said of it."""
    statements = [each for policy in (*new, *old) for each in policy.statements]
    if not statements or any(each.allows for each in statements):
        return (), ()
    principaled = any(each.kind in _PRINCIPALED for each in (*new, *old))
    return (_everything(principaled=principaled),), (
        "neither side allows anything: both are compared beside an Allow of everything, as guardrails that only deny are",
    )


def granted(document: object, forbidden: object, most: int = MOST_WITNESSES) -> Search:
    """The requests of the forbidden access, statements without principals, which the document allows."""
    new, kept_out = _documents(document, "document"), _documents(forbidden, "forbidden")
    if any(each.kind in _PRINCIPALED for each in new):
        kept_out = tuple(map(_for_everyone, kept_out))
    atoms = Atoms()
    ours, theirs = _Written.of(new, atoms), _Written.of(kept_out, atoms)
    return _search(_Direction(atoms=atoms, policies=ours, within=theirs), most)


def public(document: object, most: int = MOST_WITNESSES) -> Search:
    """The requests of strangers that the resource policy allows."""
    policies = _documents(document, "document")
    if any(each.kind not in {Kind.RESOURCE, Kind.TRUST} for each in policies):
        raise InputError(
            "`public` asks who outside can use a resource, and this policy is no resource's",
            hint="give the resource policy or the trust policy",
        )
    atoms = Atoms()
    direction = _Direction(atoms=atoms, policies=_Written.of(policies, atoms), strangers=True)
    return _search(direction, most)


def assumptions(document: object) -> tuple[str, ...]:
    """What a search over the document takes for granted."""
    return tuple(_assumptions(_documents(document, "document")))


def _for_everyone(policy: Policy) -> Policy:
    """The policy with everyone as principal of its statements."""
    value = json.loads(dump(policy))
    body = value["Statement"]
    for each in body if isinstance(body, list) else [body]:
        each["Principal"] = "*"
    return _read_own(value)


def _documents(given: object, name: str) -> tuple[Policy, ...]:
    found = []
    for source in read(given):
        content = source.content
        if isinstance(content, Syntax):
            where = f"line {content.where.line}:{content.where.column}"
            raise InputError(f"`{name}` is no JSON: {where}: {content.message}", hint=content.hint)
        refuse_unusable(content, source.name or name)
        found.append(content)
    return tuple(found)


def _refuse_mixture(new: Sequence[Policy], old: Sequence[Policy]) -> None:
    named = {each.kind in _PRINCIPALED for each in (*new, *old) if each.statements}
    if len(named) > 1:
        raise InputError(
            "a policy with principals cannot be compared with one without",
            hint="compare resource policies with resource policies, identity policies with identity policies",
        )


def _relation(
    beyond: Search, short: Search
) -> Literal["more", "less", "equal", "incomparable", "unknown"]:
    if beyond.requests and short.requests:
        return "incomparable"
    if beyond.requests and short.is_none:
        return "more"
    if short.requests and beyond.is_none:
        return "less"
    return "equal" if beyond.is_none and short.is_none else "unknown"


def _assumptions(policies: Sequence[Policy]) -> Iterator[str]:
    yield f"actions and ARN formats as of {catalog().as_of}; what AWS adds later is not compared"
    if any(each.conditions for policy in policies for each in policy.statements):
        yield "any request may carry any condition key, and its keys have values independently of each other"
    names = scenarios.keys_of(policies)
    if names:
        listed = ", ".join(f"`${{{each}}}`" for each in names)
        yield f"the values of {listed} hold no `*`, `?`, `:` or `/` and stand for the same in both"
    if any(each.kind in _PRINCIPALED for each in policies):
        yield "callers of the resource's own account have no other permission, or all of them; all resources are of one account"


def _search(direction: _Direction, most: int = MOST_WITNESSES) -> Search:
    """Requests that show the direction's difference."""
    narrowed = direction.narrowed()
    if narrowed is None:
        return Search(requests=())
    requests: list[Mapping[str, Any]] = []
    try:
        for scenario in narrowed.scenarios():
            requests += islice(narrowed.requests(scenario), most + 1 - len(requests))
            if len(requests) > most:
                break
    except OverBudget as why:
        narrowed.open[str(why)] = None
    return Search(
        requests=tuple(requests[:most]),
        open=() if requests else tuple(narrowed.open),
        has_more=len(requests) > most or bool(requests and narrowed.open),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """The policies of a side, and their statements as clauses, variables unsettled."""

    policies: tuple[Policy, ...] = ()
    side: Side = field(default_factory=lambda: Side(clauses=()))

    @classmethod
    def of(cls, policies: tuple[Policy, ...], atoms: Atoms) -> _Written:
        """The policies, their conditions numbered among the atoms."""
        return cls(policies=policies, side=side(policies, atoms, None))

    def concerning(self, asked: Sequence[Clause]) -> _Written:
        """With those statements alone that may speak of what is asked for."""
        kept = tuple(each for each in self.side.clauses if concerns(each, asked))
        ids = {id(each.statement) for each in kept}
        return _Written(
            policies=tuple(
                replace(each, statements=tuple(s for s in each.statements if id(s) in ids))
                for each in self.policies
            ),
            side=Side(clauses=kept),
        )


@dataclass(slots=True, kw_only=True)
class _Direction:
    """One direction of a comparison: what `policies` allow, `within` allows if given, and `without` does not."""

    atoms: Atoms
    policies: _Written
    without: _Written = field(default_factory=_Written)
    within: _Written = field(default_factory=_Written)
    strangers: bool = False
    open: dict[str, None] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    # The policies as they are replayed: with the statements, too, that have nothing to do with a difference.
    whole: tuple[tuple[Policy, ...], ...] = ()
    only: Mapping[int, Ready] = field(default_factory=dict)

    @property
    def every(self) -> tuple[Policy, ...]:
        """All policies."""
        return (*self.policies.policies, *self.without.policies, *self.within.policies)

    @property
    def has_principals(self) -> bool:
        """Whether the policies say who may."""
        return any(each.kind in _PRINCIPALED for each in self.every)

    def narrowed(self) -> _Direction | None:
        """The direction with those statements alone that may meet a difference; None when there can be none."""
        asked = remainder(*self._sides(self.policies.side, self.without.side, self.within.side))
        if not asked or not self.policies.side.allows:
            return None
        return replace(
            self,
            policies=self.policies.concerning(asked),
            without=self.without.concerning(asked),
            within=self.within.concerning(asked),
            whole=(self.policies.policies, self.without.policies, self.within.policies),
            only={id(each.statement): each.ready for each in asked},
        )

    def _sides(
        self, new: Side, old: Side, inner: Side
    ) -> tuple[tuple[Side, ...], tuple[Side, ...]]:
        """The sides that must allow, and those that must not."""
        wanted = (new, inner) if self.within.policies else (new,)
        return wanted, (old,) if self.without.policies else ()

    def scenarios(self) -> Iterator[Mapping[str, str | None]]:
        """What the variables may stand for; those that follow from the caller only as the callers have them."""
        if not self.has_principals:
            return scenarios.of(self.every)
        atoms = Atoms()
        side(self.every, atoms, {})
        found: dict[str, dict[str | None, None]] = {_OWNER: {self.owner: None, None: None}}
        for actor in self._actors(tuple(atoms.numbers)):
            for key, value in actor.settled.items():
                found.setdefault(key, {})[value[0] if value else None] = None
        return scenarios.of(self.every, {key: tuple(values) for key, values in found.items()})

    def requests(self, scenario: Mapping[str, str | None]) -> Iterator[Mapping[str, Any]]:
        """Replayed requests in which the variables stand for what the scenario says."""
        atoms, found_sides = self._settled(scenario)
        wanted, unwanted = self._sides(*found_sides)
        fixed: dict[str, Value] = {
            key: None if value is None else (value,) for key, value in scenario.items()
        }
        question = Question(
            wanted=wanted,
            unwanted=unwanted,
            atoms=atoms,
            actors=tuple(
                actor
                for actor in self._actors(tuple(atoms.numbers))
                if all(fixed.get(key, value) == value for key, value in actor.settled.items())
            ),
            account=self.owner if self.has_principals else _ACCOUNT,
            fixed=fixed,
            owners=frozenset(self._fixed_texts()) if self.strangers else None,
            only=self.only,
            budget=self.budget,
        )
        before = set(self.open)
        found = False
        try:
            for request in question.answers(lambda each: self._replayed(each, fixed)):
                found = True
                yield request
        finally:
            if not found and question.refused and not question.unclear and not before:
                self.open["a difference was found that no single request showed in the replay"] = (
                    None
                )
            for pointer in question.unclear if not found else ():
                self.open[f"the conditions at {pointer} cannot be read"] = None

    def _settled(
        self, scenario: Mapping[str, str | None]
    ) -> tuple[Atoms, tuple[Side, Side, Side]]:
        """The three sides with their variables settled."""
        if not scenario and not self._has_holes():
            return self.atoms, (self.policies.side, self.without.side, self.within.side)
        atoms = Atoms()
        new, old, inner = (
            side(each.policies, atoms, scenario)
            for each in (self.policies, self.without, self.within)
        )
        return atoms, (new, old, inner)

    def _has_holes(self) -> bool:
        """Whether `${…}` stands anywhere: `${*}` is no variable, and is no plain text either."""
        return any("${" in text for texts in populations(self.every) for text in texts)

    @property
    def owner(self) -> str:
        """The account that owns the resource."""
        return who.owner_of([each for side_ in self.whole for each in side_])

    def _fixed_texts(self) -> Iterator[str]:
        """The values of conditions that hold no variable."""
        for policy in self.every:
            for statement in policy.statements:
                for condition in statement.conditions:
                    yield from (each.value for each in condition.values if "${" not in each.value)

    def _actors(self, atoms: tuple[Atom, ...]) -> tuple[Actor, ...]:
        if not self.has_principals:
            return (axes.holder(),)
        if self.strangers:
            return tuple(who.strangers(self.every, self.owner, atoms))
        return who.actors(self.every, self.owner, atoms, self.budget)

    def _replayed(
        self, candidate: Candidate, fixed: Mapping[str, Value]
    ) -> Mapping[str, Any] | None:
        """The candidate as a request, when `evaluate` shows the difference; None when it does not."""
        context = self._spelled({**_given(fixed), **candidate.context})
        whole, without, within = self.whole
        try:
            request = _request(candidate, context, self.owner if self.has_principals else _ACCOUNT)
            allowed = self._decision(whole, request, candidate)
            inside = self._decision(within, request, candidate) if within else allowed
            refused = self._decision(without, request, candidate) if without else None
        except InputError:
            # A combination that no caller can have, such as a name of one account in the ARN of another.
            return None
        if not allowed.outcome == inside.outcome == "Allowed":
            return None
        if refused and refused.outcome not in {"ExplicitlyDenied", "ImplicitlyDenied"}:
            return None
        absent = [self._name(key) for key in candidate.absent if key not in _FROM_CALLER]
        denied = self._pointers(refused, without) if refused else []
        return {
            "request": request,
            **({"absent": absent} if absent else {}),
            "granted_by": self._pointers(allowed, whole),
            **({"denied_by": denied} if denied else {}),
        }

    def _decision(
        self, policies: tuple[Policy, ...], request: Mapping[str, Any], candidate: Candidate
    ) -> Decision:
        asked = request_of(dict(request))
        layers = self._layers(policies, candidate, asked.caller)
        return evaluated(asked, layers).decision

    def _pointers(self, decision: Decision, policies: Sequence[Policy]) -> list[str]:
        """The statements of the policies that decided, with the policy's number where there are several."""
        layer = f"/{self._layer}"
        decided = (each for each in decision.because if each.policy.startswith(f"{layer}/"))
        several = len(policies) > 1
        return [f"{e.policy.removeprefix(layer) if several else ''}{e.pointer}" for e in decided]

    @property
    def _layer(self) -> str:
        return "resource" if self.has_principals else "identity"

    def _layers(
        self, policies: tuple[Policy, ...], candidate: Candidate, caller: Caller
    ) -> Layers:
        """The policies under question, and whatever else the request needs allowed."""
        layer = self._layer
        levels = {
            layer: (tuple(placed(p, layer, f"/{layer}/{n}") for n, p in enumerate(policies)),)
        }
        if layer == "identity":
            levels["resource"] = ((placed(_delegating(caller), "resource", ""),),)
        elif candidate.actor.least is Grade.ACCOUNT:
            levels["identity"] = ((placed(_everything(), "identity", ""),),)
        if caller.kind is CallerKind.FEDERATED:
            # Its session has the permissions of its user that a session policy leaves it.
            levels["session"] = ((placed(_everything(), "session", ""),),)
        return Layers(levels=levels)

    def _spelled(self, context: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """The keys as the policies write them, and their values without stand-ins."""
        return {self._name(key): tuple(map(spelled, values)) for key, values in context.items()}

    def _name(self, key: str) -> str:
        written = (
            condition.key.value
            for policy in self.every
            for statement in policy.statements
            for condition in statement.conditions
            if condition.name == key
        )
        return next(written, _as_aws(key))


def _given(fixed: Mapping[str, Value]) -> dict[str, tuple[str, ...]]:
    return {key: value for key, value in fixed.items() if value is not None}


def _as_aws(key: str) -> str:
    known = catalog().condition_key(key)
    return known.name if known and "${" not in known.name else key


def _request(
    candidate: Candidate, context: Mapping[str, tuple[str, ...]], owner: str
) -> dict[str, Any]:
    lower = {key.lower(): values[0] for key, values in context.items() if values}
    caller = candidate.actor.caller
    principal = caller.arn if caller else _holder(lower, candidate.resource)
    own = owner if caller else principal.split(":")[_ACCOUNT_FIELD]
    request: dict[str, Any] = {
        "principal": principal,
        "action": candidate.action,
        "resource": candidate.resource,
    }
    if caller and caller.role and caller.role != caller.arn:
        request["principal_role"] = caller.role
    account = lower.get("aws:resourceaccount", own)
    if request_of(request).resource_account != account:
        request["resource_account"] = account
    shown = {
        key: values[0] if len(values) == 1 else list(values)
        for key, values in context.items()
        if key.lower() not in _FROM_CALLER or not _follows(key.lower(), values, request)
    }
    return request | ({"context": shown} if shown else {})


def _follows(key: str, values: tuple[str, ...], request: Mapping[str, Any]) -> bool:
    """Whether the principal of the request says the same already."""
    bare = {name: value for name, value in request.items() if name != "context"}
    return request_of(bare).context.peek(key) == values


def _holder(context: Mapping[str, str], resource: str) -> str:
    """Someone with the identity policy who has the keys of the request, if nothing else in the resource's account."""
    if "aws:principalarn" in context:
        return context["aws:principalarn"]
    arn = Arn.of(resource)
    near = arn.account if arn and arn.account.isdigit() else _ACCOUNT
    account = context.get("aws:principalaccount", near)
    partition = arn.partition if arn else "aws"
    if "aws:username" in context:
        return f"arn:{partition}:iam::{account}:user/{context['aws:username']}"
    return f"arn:{partition}:iam::{account}:role/example"


@cache
def _delegating(caller: Caller) -> Policy:
    """A resource policy that leaves everything to the policies of an account."""
    principal = {"AWS": f"arn:{caller.partition}:iam::{caller.account}:root"}
    return _one({"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"})


@cache
def _everything(*, principaled: bool = False) -> Policy:
    who_ = {"Principal": "*"} if principaled else {}
    return _one({"Effect": "Allow", **who_, "Action": "*", "Resource": "*"})


def _one(statement: dict[str, Any]) -> Policy:
    return _read_own({"Version": "2012-10-17", "Statement": [statement]})


def _read_own(value: dict[str, Any]) -> Policy:
    (source,) = read(value)
    if isinstance(source.content, Syntax):  # pragma: no cover - a value always reads
        raise InputError("a policy of our own cannot be read")
    return source.content
