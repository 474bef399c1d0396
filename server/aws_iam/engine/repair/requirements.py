"""What a repaired policy has to do: requests, and patterns of them, that must be allowed or must not.

A request is a point: one action on one resource. A pattern stands for all of its actions on all of its resources, by whoever it
names: to be allowed in the context that it gives, mostly none, so that Denies for other contexts stay; to be denied in every context.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.language.document import IDENTITY_KINDS, Kind
from aws_iam.engine.language.pattern import covers, intersects_again, matches
from aws_iam.engine.repair import grant_statement
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Statement

PRINCIPAL_KEY = "aws:PrincipalArn"
OF_RESOURCES = (Kind.RESOURCE, Kind.TRUST)
"""The kinds whose statements name principals."""
EVERYWHERE = "*"
_OF_CALLER = ("Principal", "Condition")
_COLONS = 5


class Effect(StrEnum):
    """What is asked of a request."""

    ALLOW = "Allow"
    DENY = "Deny"


@slotted
class Requirement:
    """A request that must be allowed or must not, or a pattern of requests; `pointer` is its place in the call.

    `request` is the request itself; of a pattern one that it stands for, of which the caller, if named, and the context count.
    """

    pointer: str
    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    request: Request | None
    given: Mapping[str, Any]
    is_pattern: bool = False
    # Whether the call names the caller; else one was assumed where it does not matter.
    names_caller: bool = False
    # A statement for it, or its elements Principal and Condition, where they are not what follows from the kind of the policy.
    elements: Mapping[str, Any] | None = field(default=None, hash=False)

    @classmethod
    def allowed(cls, request: Request, elements: Mapping[str, Any] | None = None) -> Requirement:
        """That one request, of this caller, is allowed."""
        return cls(
            pointer="",
            effect=Effect.ALLOW,
            actions=(request.action,),
            resources=(request.resource,),
            request=request,
            given=request.given,
            names_caller=True,
            elements=elements,
        )

    @classmethod
    def pattern(cls, action: str, resource: str, elements: Mapping[str, Any]) -> Requirement:
        """That an action is allowed on a resource, either of which may be a pattern, where the elements of a statement say."""
        return cls(
            pointer="",
            effect=Effect.ALLOW,
            actions=(action,),
            resources=(resource,),
            request=None,
            given={"action": action, "resource": resource},
            is_pattern=True,
            elements=elements,
        )

    @property
    def caller(self) -> str:
        """The ARN of the caller that the call names; empty where everyone is meant."""
        named = self.names_caller and self.request is not None
        return self.request.caller.arn if named and self.request else ""

    @property
    def principal_arn(self) -> str:
        """The caller's aws:PrincipalArn; empty where everyone is meant, or the caller has none."""
        if not self.names_caller or self.request is None:
            return ""
        return "".join((self.request.context.peek(PRINCIPAL_KEY.lower()) or ())[:1])


@slotted
class Cell:
    """One entry of Action on one entry of Resource, as a statement would have them, with who it is for.

    `who` are the elements Principal and Condition of such a statement.
    """

    action: str
    resource: str
    who: Mapping[str, Any]
    requirement: Requirement

    @property
    def pair(self) -> tuple[str, str]:
        """The action, in lower case, and the resource."""
        return self.action.lower(), self.resource


@slotted
class CannotBeWritten:
    """Why no statement can be for the caller of a requirement alone."""

    requirement: Requirement
    why: str


def layer_of(kind: Kind) -> str:
    """The layer of a policy of the kind."""
    return "resource" if kind in OF_RESOURCES else kind.value


def cells_of(requirement: Requirement, kind: Kind) -> tuple[Cell, ...] | CannotBeWritten:
    """The requirement as entries for a policy of the kind."""
    who = _who(requirement, kind)
    if isinstance(who, str):
        return CannotBeWritten(requirement=requirement, why=who)
    return tuple(
        Cell(action=action, resource=resource, who=who, requirement=requirement)
        for action in requirement.actions
        for resource in entries_of(requirement, kind)
    )


def entries_of(requirement: Requirement, kind: Kind) -> tuple[str, ...]:
    """The resources as entries for a policy of the kind; a trust policy, which has none, counts as one for everything."""
    if kind is Kind.TRUST:
        return (EVERYWHERE,)
    if requirement.is_pattern or requirement.request is None:
        return requirement.resources
    if requirement.elements and "Resource" in requirement.elements:
        return (requirement.elements["Resource"],)
    target = grant_statement.target(layer_of(kind), requirement.request)
    return (target.get("Resource", EVERYWHERE),)


def region(
    cells: Iterable[Cell], effect: Effect, kind: Kind, *, anyone: bool = False
) -> Iterator[dict[str, Any]]:
    """Statements for exactly these cells; with `anyone` without what tells callers and contexts apart."""
    for cell in cells:
        who = cell.who
        if anyone:
            who = {"Principal": "*"} if "Principal" in who else {}
        yield statement_of(
            effect, who, (cell.action,), () if kind is Kind.TRUST else (cell.resource,)
        )


def statement_of(
    effect: Effect, who: Mapping[str, Any], actions: Sequence[str], resources: Sequence[str]
) -> dict[str, Any]:
    """A statement with its elements in the usual order; without resources it is one of a trust policy."""
    made: dict[str, Any] = {"Effect": effect.value}
    if "Principal" in who:
        made["Principal"] = who["Principal"]
    made["Action"] = bare(actions)
    if resources:
        made["Resource"] = bare(resources)
    if who.get("Condition"):
        made["Condition"] = who["Condition"]
    return made


def statement_for(cell: Cell, kind: Kind) -> dict[str, Any]:
    """A statement for a cell alone."""
    return next(region((cell,), cell.requirement.effect, kind))


def bare(texts: Sequence[str]) -> str | list[str]:
    """A single text by itself, as policies have it."""
    return texts[0] if len(texts) == 1 else list(texts)


def listed(value: object) -> list[str]:
    """The strings of an element, which may be one string or a list."""
    if isinstance(value, str):
        return [value]
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _who(requirement: Requirement, kind: Kind) -> dict[str, Any] | str:
    """The elements for the caller; or why there are none."""
    if requirement.elements is not None:
        return {name: own for name, own in requirement.elements.items() if name in _OF_CALLER}
    if kind in IDENTITY_KINDS:
        return _service_only(requirement)
    if kind in OF_RESOURCES:
        return _principal(requirement)
    arn = requirement.principal_arn
    everyone = {"Principal": "*"} if kind is Kind.RCP else {}
    return {**everyone, "Condition": {"ArnEquals": {PRINCIPAL_KEY: arn}}} if arn else everyone


def _service_only(requirement: Requirement) -> dict[str, Any]:
    """The condition on the service that gets a role, or through which a call reaches KMS."""
    if requirement.effect is Effect.DENY or requirement.is_pattern or requirement.request is None:
        return {}
    return grant_statement.only_to_the_service(requirement.request)


def _principal(requirement: Requirement) -> dict[str, Any] | str:
    request = requirement.request
    if request is None or not requirement.names_caller or requirement.caller == "*":
        return {"Principal": "*"}
    if request.caller.kind is CallerKind.IDENTITY:
        return grant_statement.of_token(request)
    named = grant_statement.principal(request)
    if named is None:
        return grant_statement.why_no_statement(request)
    limits = dict(named.get("Condition", {}))
    if requirement.effect is Effect.ALLOW and not requirement.is_pattern:
        limits |= grant_statement.only_to_the_service(request).get("Condition", {})
        limits |= grant_statement.only_for_the_source(request)
    return {"Principal": named["Principal"], **({"Condition": limits} if limits else {})}


def covers_action(entry: str, action: str) -> bool:
    """Whether an entry of Action matches all that another one does."""
    return covers(entry, action, ignore_case=True)


def takes(requirement: Requirement, action: str, resource: str) -> bool:
    """Whether an action on a resource is among the requests of a pattern, whoever sends it."""
    return any(matches(own, action, ignore_case=True) for own in requirement.actions) and any(
        matches(own, resource) for own in requirement.resources
    )


def may_concern(statement: Statement, requirement: Requirement) -> bool:
    """Whether a statement may apply to requests of a requirement, by the texts of actions and resources alone."""
    actions, resources = statement.action_words, statement.resource_words
    return (
        not actions
        or any(
            intersects_again(own, other)
            for own in map(str.lower, actions)
            for other in map(str.lower, requirement.actions)
        )
    ) and (
        not resources
        or any(
            _may_be_anything(own) or intersects_again(own, other)
            for own in resources
            for other in requirement.resources
        )
    )


def _may_be_anything(resource: str) -> bool:
    """Whether an entry stands for more than its text: a variable, or an ARN that is filled up."""
    return "${" in resource or resource.count(":") < _COLONS
