"""Whether one policy allows more than another, with a request that shows it.

    compare(document, baseline)              →  Comparison: more | less | equal | incomparable | unknown
    granted(document, forbidden)             →  requests of the forbidden access that the document allows
    public(document)                         →  requests of strangers that the document allows

A "more" carries a request that was replayed through `evaluate`; an "equal" is a search without result over everything
that the policies can tell apart. Where the search is cut short by its budget the relation is unknown, never equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from aws_iam.answer import Comparison
from aws_iam.errors import InputError
from aws_iam.policy import actors as who
from aws_iam.policy import axes, scenarios
from aws_iam.policy.arn import Arn
from aws_iam.policy.caller import Grade
from aws_iam.policy.catalog import catalog
from aws_iam.policy.clauses import Atoms, side
from aws_iam.policy.differences import Question
from aws_iam.policy.document import Kind, Policy, Syntax, read
from aws_iam.policy.evaluate import evaluated
from aws_iam.policy.layers import Layers, placed, refuse_unusable
from aws_iam.policy.request import request_of
from aws_iam.policy.substitution import spelled
from aws_iam.policy.venn import Budget, OverBudget

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.policy.axes import Actor
    from aws_iam.policy.differences import Candidate
    from aws_iam.policy.points import Atom, Value

MOST_WITNESSES = 3
"""Requests shown in each direction."""

_PRINCIPALED = frozenset({Kind.RESOURCE, Kind.TRUST, Kind.RCP})
_ACCOUNT = "111122223333"
_ACCOUNT_FIELD = 4
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

    @property
    def is_none(self) -> bool:
        """Whether it is proved that there is no such request."""
        return not self.requests and not self.open


def compare(document: object, baseline: object) -> Comparison:
    """The relation of the document's access to the baseline's; several policies on a side are their union."""
    new, old = _documents(document, "document"), _documents(baseline, "baseline")
    _refuse_mixture(new, old)
    beyond = _search(new, without=old)
    short = _search(old, without=new)
    return Comparison(
        relation=_relation(beyond, short),
        assuming=(*_assumptions((*new, *old)), *beyond.open, *short.open),
        witnesses=(
            *({"allowed_by": "document", **each} for each in beyond.requests),
            *({"allowed_by": "baseline", **each} for each in short.requests),
        ),
    )


def granted(document: object, forbidden: object) -> Search:
    """The requests of the forbidden access, a policy that allows it, which the document allows."""
    new, kept_out = _documents(document, "document"), _documents(forbidden, "forbidden")
    _refuse_mixture(new, kept_out)
    return _search(new, within=kept_out)


def public(document: object) -> Search:
    """The requests of strangers that the resource policy allows."""
    policies = _documents(document, "document")
    if policies[0].kind not in {Kind.RESOURCE, Kind.TRUST}:
        raise InputError(
            "`public` asks who outside can use a resource, and this policy is no resource's",
            hint="give the resource policy or the trust policy",
        )
    return _search(policies, strangers=True)


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
    yield f"actions as of {catalog().as_of}; those that AWS adds later are not compared"
    names = scenarios.keys_of(policies)
    if names:
        listed = ", ".join(f"`${{{each}}}`" for each in names)
        yield f"the values of {listed} hold no `*`, `?` or `/` and stand for the same in both"


def _search(
    policies: tuple[Policy, ...],
    *,
    without: tuple[Policy, ...] = (),
    within: tuple[Policy, ...] = (),
    strangers: bool = False,
) -> Search:
    """Requests that the policies allow, `within` allows too if given, and `without` does not."""
    direction = _Direction(policies, without, within, strangers=strangers)
    requests: list[Mapping[str, Any]] = []
    for scenario in scenarios.of((*policies, *without, *within)):
        try:
            requests += islice(direction.requests(scenario), MOST_WITNESSES - len(requests))
        except OverBudget:
            direction.open["the budget of the search is used up"] = None
            break
        if len(requests) >= MOST_WITNESSES:
            break
    return Search(requests=tuple(requests), open=() if requests else tuple(direction.open))


@dataclass(slots=True)
class _Direction:
    """One direction of a comparison, over all scenarios."""

    policies: tuple[Policy, ...]
    without: tuple[Policy, ...]
    within: tuple[Policy, ...]
    strangers: bool = field(kw_only=True)
    open: dict[str, None] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)

    @property
    def every(self) -> tuple[Policy, ...]:
        """All policies."""
        return (*self.policies, *self.without, *self.within)

    @property
    def has_principals(self) -> bool:
        """Whether the policies say who may."""
        return any(each.kind in _PRINCIPALED for each in self.every)

    def requests(self, scenario: Mapping[str, str | None]) -> Iterator[Mapping[str, Any]]:
        """Replayed requests in which the variables stand for what the scenario says."""
        atoms = Atoms()
        wanted = [side(self.policies, atoms, scenario)]
        if self.within:
            wanted.append(side(self.within, atoms, scenario))
        unwanted = (side(self.without, atoms, scenario),) if self.without else ()
        owner = who.owner_of(self.every)
        fixed: dict[str, Value] = {
            key: None if value is None else (value,) for key, value in scenario.items()
        }
        question = Question(
            wanted=tuple(wanted),
            unwanted=unwanted,
            atoms=atoms,
            actors=self._actors(owner, tuple(atoms.numbers)),
            account=owner if self.has_principals else _ACCOUNT,
            fixed=fixed,
            strangers=self.strangers,
            budget=self.budget,
        )
        before = set(self.open)
        found = False
        for request in question.answers(lambda each: self._replayed(each, fixed, owner)):
            found = True
            yield request
        if not found and question.refused and not before:
            self.open["a difference was found that no single request showed in the replay"] = None
        for pointer in question.unclear if not found else ():
            self.open[f"the conditions at {pointer} cannot be read"] = None

    def _actors(self, owner: str, atoms: tuple[Atom, ...]) -> tuple[Actor, ...]:
        if not self.has_principals:
            return axes.holders()
        if self.strangers:
            return tuple(who.strangers(who.far_account(self.every, owner), owner))
        return who.actors(self.every, owner, atoms)

    def _replayed(
        self, candidate: Candidate, fixed: Mapping[str, Value], owner: str
    ) -> Mapping[str, Any] | None:
        """The candidate as a request, when `evaluate` shows the difference; None when it does not."""
        context = self._spelled({**_given(fixed), **candidate.context})
        try:
            request = _request(candidate, context, owner if self.has_principals else _ACCOUNT)
            outcomes = [
                self._outcome(policies, request, candidate)
                for policies in (self.policies, self.within or self.policies)
            ]
            refused = self.without and self._outcome(self.without, request, candidate)
        except InputError:
            # A combination that no caller can have, such as a name of one account in the ARN of another.
            return None
        shown = all(each == "Allowed" for each in outcomes)
        if refused and refused not in {"ExplicitlyDenied", "ImplicitlyDenied"}:
            shown = False
        if not shown:
            return None
        absent = [self._name(key) for key in candidate.absent if key not in _FROM_CALLER]
        return {"request": request} | ({"absent": absent} if absent else {})

    def _outcome(
        self, policies: tuple[Policy, ...], request: Mapping[str, Any], candidate: Candidate
    ) -> str:
        asked = request_of(dict(request))
        layers = self._layers(policies, candidate, asked.caller.account)
        return evaluated(asked, layers).decision.outcome

    def _layers(self, policies: tuple[Policy, ...], candidate: Candidate, account: str) -> Layers:
        """The policies under question, and whatever else the request needs allowed."""
        layer = "resource" if self.has_principals else "identity"
        levels = {
            layer: (tuple(placed(p, layer, f"/{layer}/{n}") for n, p in enumerate(policies)),)
        }
        if layer == "identity":
            levels["resource"] = ((placed(_delegating(account), "resource", "/resource"),),)
        elif candidate.actor.least is Grade.ACCOUNT:
            levels["identity"] = ((placed(_everything(), "identity", "/identity"),),)
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


def _delegating(account: str) -> Policy:
    """A resource policy that leaves everything to the policies of an account."""
    principal = {"AWS": f"arn:aws:iam::{account}:root"}
    return _one({"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"})


def _everything() -> Policy:
    return _one({"Effect": "Allow", "Action": "*", "Resource": "*"})


def _one(statement: dict[str, Any]) -> Policy:
    (source,) = read({"Version": "2012-10-17", "Statement": [statement]})
    if isinstance(source.content, Syntax):  # pragma: no cover - a value always reads
        raise InputError("a policy of our own cannot be read")
    return source.content
