"""The arguments `allow` and `deny` of `policy repair`: requests, and patterns of requests, as people give them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.evaluation.request import FIELDS, request_of
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.document import IDENTITY_KINDS, Kind
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.repair.judge import is_full_access_missing
from aws_iam.engine.repair.levels import (
    NAMES,
    actions_of_level,
    found_of_level,
    level_named,
)
from aws_iam.engine.repair.requirements import OF_RESOURCES, Effect, Requirement, bare
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.kit.argument_values import folded
from aws_iam.tools.policy.evaluate.requests import (
    listed_requests,
    request_in_words,
    understood_fields,
    with_prefix,
)
from aws_iam.tools.policy.evaluate.unnamed_caller import SAMPLE_ACCOUNT, sample_caller
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Policy

_EXAMPLE = '[{"action": "s3:GetObject", "resource": "arn:aws:s3:::amzn-s3-demo-bucket/*"}]'
MOST = 500
"""Requests and patterns of one call."""
MOST_PATTERNS = 100
_MOST_ENTRIES = 2_000
_ACCOUNT_DIGITS = 12


@dataclass(slots=True, kw_only=True)
class Specification:
    """What is asked of a policy, and how it was understood."""

    requirements: list[Requirement] = field(default_factory=list)
    understood: list[str] = field(default_factory=list)
    # Names of actions that the data does not know, and pairs whose resource the action does not work on.
    unknown_actions: dict[str, None] = field(default_factory=dict)
    unfit: list[dict[str, str]] = field(default_factory=list)

    def of(self, effect: Effect) -> list[Requirement]:
        """The requirements of one effect."""
        return [own for own in self.requirements if own.effect is effect]


def specification_of(
    allow: Any, deny: Any, policy: Policy, *, is_alone: bool = True
) -> Specification:
    """The requirements; InputError says which entry cannot be used, and why.

    Where the policy `is_alone`, no other says in which account a role is.
    """
    found = Specification()
    for effect, given in ((Effect.ALLOW, allow), (Effect.DENY, deny)):
        name = effect.value.lower()
        for number, entry in enumerate(_entries(name, given)):
            reader = _Reader(f"/{name}/{number}", effect, policy, found.understood, is_alone)
            for own in reader.requirements(entry):
                found.requirements.append(own)
                if len(found.requirements) > MOST:
                    raise InputError(
                        f"`allow` and `deny` have more than {MOST} requests",
                        hint="use patterns, or repair the policy in several steps",
                    )
    if not found.requirements:
        raise InputError(
            "`allow` and `deny` are both empty",
            hint=f"give requests that must be allowed, or must not, such as {_EXAMPLE}; what is wrong with the policy by"
            " itself, `policy validate` says",
        )
    patterns = sum(own.is_pattern for own in found.requirements)
    if patterns > MOST_PATTERNS:
        raise InputError(
            f"`allow` and `deny` have {patterns} patterns, which are more than {MOST_PATTERNS}",
            hint="join those with the same actions: `resource` may be a list",
        )
    for own in found.requirements:
        _note_doubts(own, found)
    return found


def _entries(name: str, given: Any) -> Sequence[Any]:
    listed = listed_requests(name, given, example=_EXAMPLE)
    if len(listed) > MOST:
        raise InputError(
            f"`{name}` has more than {MOST} entries",
            hint="use patterns, or repair the policy in several steps",
        )
    return listed


def _note_doubts(requirement: Requirement, found: Specification) -> None:
    for action in requirement.actions or ():
        known = catalog().action(action) if is_literal(action) else None
        if is_literal(action) and known is None:
            found.unknown_actions[action] = None
        if known is None or requirement.is_pattern:
            continue
        (resource,) = requirement.resources
        arn = Arn.of(resource)
        types = catalog().types_of_arn(arn) if arn else ()
        fits = any(
            own.service == known.service and own.name in known.resource_types for own in types
        )
        if types and known.resource_types and not fits:
            found.unfit.append({"action": known.full_name, "resource": resource})


class _Reader:
    """Reads one entry of a list."""

    def __init__(
        self,
        pointer: str,
        effect: Effect,
        policy: Policy,
        understood: list[str],
        is_alone: bool,  # noqa: FBT001 - as the others
    ) -> None:
        self.pointer = pointer
        self.effect = effect
        self.policy = policy
        self.kind = policy.kind
        self.understood = understood
        self.is_alone = is_alone

    def requirements(self, entry: Any) -> Iterator[Requirement]:
        """The requests and the pattern of an entry."""
        entry = request_in_words(entry) or entry
        if not isinstance(entry, dict):
            raise self._wrong(
                "must be an object, or text such as `s3:GetObject on ARN`",
                f"such as {_EXAMPLE[1:-1]}",
            )
        fields = understood_fields(dict(self._said(entry)), self.understood)
        for name in fields:
            if name not in FIELDS:
                known = ", ".join(f"`{field_}`" for field_ in FIELDS)
                raise self._wrong(f"has no field {quoted(name)}", f"its fields are {known}")
        resources = self._texts(fields, "resource")
        levels: list[str] = []
        actions: list[str] = []
        for text in self._texts(fields, "action"):
            level = level_named(text)
            if level:
                levels.append(level)
            else:
                actions.append(with_prefix(text, fields.get("resource"), self.understood))
        if not levels and not actions:
            raise self._wrong("lacks `action`", f"such as {_EXAMPLE[1:-1]}")
        if len(actions) * max(1, len(resources)) > _MOST_ENTRIES:
            raise self._wrong(f"has more than {_MOST_ENTRIES:,} pairs", "use patterns")
        yield from self._of_levels(levels, resources, fields)
        yield from self._of_actions(actions, resources, fields)

    def _said(self, entry: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
        """The members of an entry: of a statement without the effect of its list, with a level as what is asked."""
        for name, value in entry.items():
            if folded(str(name)) == "effect" and value == self.effect.value:
                continue
            yield ("action" if folded(str(name)) in _LEVEL_WORDS else str(name)), value

    def _of_levels(
        self, levels: Iterable[str], resources: Sequence[str], fields: Mapping[str, Any]
    ) -> Iterator[Requirement]:
        for level in levels:
            if not resources or "*" in resources:
                yield self._everywhere(level, fields)
                continue
            for resource in resources:
                by_resource = actions_of_level(level, resource, self.effect)
                if not by_resource:
                    raise self._wrong(
                        f"asks for {quoted(level)} on {quoted(resource)}, where no action of it works",
                        f"the levels are {', '.join(NAMES)}",
                    )
                for own, names in by_resource.items():
                    yield self._pattern(names, (own,), fields)

    def _everywhere(self, level: str, fields: Mapping[str, Any]) -> Requirement:
        """What must be denied of a level on every resource: what the policy allows of it, else what its services have."""
        names = found_of_level(level, self.policy) if self.effect is Effect.DENY else None
        if not names:
            example = "s3:Delete*" if level == "delete" else "s3:Get*"
            raise self._wrong(
                f"names the level {quoted(level)} without an ARN",
                f"give the ARN of what it is on, or actions as patterns, such as `{example}`",
            )
        actions = counted(len(names), "action")
        self.understood.append(
            f"{quoted(level)} on all as {actions} of the services that the policy allows anything of"
        )
        return self._pattern(names, ("*",), fields)

    def _of_actions(
        self, actions: Sequence[str], resources: Sequence[str], fields: Mapping[str, Any]
    ) -> Iterator[Requirement]:
        whole = [own for text in actions for own in self._with_services(text)]
        for action in whole:
            if not is_literal(action) and not _is_action_pattern(action):
                raise self._wrong(
                    f"{quoted(action)} is no action",
                    "give one such as `s3:GetObject` or `s3:Get*`",
                )
            if not is_literal(action) and not catalog().expand(action):
                raise self._wrong(
                    f"{quoted(action)} matches no action that the data of {catalog().as_of} knows",
                    "name the actions: each is then decided by its text",
                )
        wide = [own for own in whole if not is_literal(own)]
        plain = list(dict.fromkeys(_as_spelled(own) for own in whole if is_literal(own)))
        everyone = fields.get("principal") == "*"
        points: list[tuple[str, str]] = []
        if wide:
            yield self._pattern(tuple(wide), self._needed(wide[0], resources), fields)
        for action in plain:
            for resource in self._needed(action, resources):
                if self._is_point(action, resource) and not everyone:
                    points.append((action, resource))
                else:
                    yield self._pattern((action,), (resource,), fields)
        for action, resource in points:
            yield self._point(action, resource, fields)

    def _is_point(self, action: str, resource: str) -> bool:
        if resource != "*":
            return is_literal(resource)
        known = catalog().action(action)
        return known is not None and not known.resource_types

    def _needed(self, action: str, resources: Sequence[str]) -> Sequence[str]:
        """The resources, or the one that goes without saying."""
        known = catalog().action(action)
        if self.kind is Kind.TRUST:
            # The policy means its own role, whichever that is.
            return resources or (_SAMPLE_ROLE,)
        if known and not known.resource_types:
            return ("*",)
        if not resources and self.effect is Effect.DENY:
            self.understood.append(f"{quoted(action)} in `deny`, without a resource, as on all")
            return ("*",)
        if not resources:
            raise self._wrong(
                f"lacks `resource` for {quoted(action)}",
                "give the ARN, a pattern of ARNs, or `*` for every resource",
            )
        return resources

    def _with_services(self, action: str) -> Iterator[str]:
        """The action; one for every service as one for each that the policy allows anything of."""
        service, _, name = action.partition(":")
        if action == "*" or is_literal(service):
            yield action
            return
        if self.effect is Effect.ALLOW or not name:
            raise self._wrong(
                f"{quoted(action)} has a wildcard in the service, which AWS does not take",
                "name the services",
            )
        if is_full_access_missing(self.kind, self.policy):
            raise self._wrong(
                f"{quoted(action)} has a wildcard in the service, and AWS's policy beside this one allows every service",
                "name the services: AWS takes no wildcard there",
            )
        allowed = [
            word.partition(":")[0].lower()
            for own in self.policy.statements
            if own.allows
            for word in (*own.action_words, *("*" for _ in own.not_action_words))
        ]
        if not all(map(is_literal, allowed)):
            raise self._wrong(
                f"{quoted(action)} has a wildcard in the service, and the policy allows every service",
                "name the services: AWS takes no wildcard there",
            )
        services = [own for own in dict.fromkeys(allowed) if catalog().expand(f"{own}:{name}")]
        self.understood.append(
            f"{quoted(action)} as the services that the policy allows anything of: {', '.join(services)}"
        )
        yield from (f"{own}:{name}" for own in services)

    def _pattern(
        self, actions: Sequence[str], resources: Sequence[str], fields: Mapping[str, Any]
    ) -> Requirement:
        context = fields.get("context") or {}
        if context and self.effect is Effect.DENY:
            raise self._wrong(
                "is a pattern with a context",
                "a denied pattern stands for every context: leave it out",
            )
        principal = fields.get("principal")
        if self.kind in OF_RESOURCES and self.effect is Effect.ALLOW and not principal:
            raise self._no_principal()
        resource = _example_of(resources[0])
        example = next(filter(is_literal, actions), _EXAMPLE_ACTION)
        named = bool(principal) and principal != "*" and self.kind not in IDENTITY_KINDS
        request = self._request(
            {
                **{name: own for name, own in fields.items() if name != "resource"},
                "principal": principal if named else sample_caller(resource, example),
                "action": example,
                "resource": resource,
            }
        )
        given: dict[str, Any] = {"action": bare(actions), "resource": bare(resources)}
        if principal:
            given = {"principal": principal, **given}
        if context:
            given["context"] = context
        return Requirement(
            pointer=self.pointer,
            effect=self.effect,
            actions=tuple(actions),
            resources=("*",) if self.kind is Kind.TRUST else tuple(resources),
            request=request,
            given=given,
            is_pattern=True,
            names_caller=named,
        )

    def _point(self, action: str, resource: str, fields: Mapping[str, Any]) -> Requirement:
        named = bool(fields.get("principal"))
        if self.kind in OF_RESOURCES and not named:
            if self.effect is Effect.DENY:
                return self._pattern((action,), (resource,), fields)
            raise self._no_principal()
        given = {**fields, "action": action, "resource": resource}
        asked = given if named else {"principal": sample_caller(resource, action), **given}
        if "resource" not in fields and self.kind is Kind.TRUST:
            asked = {**asked, "resource": self._role_of(fields["principal"])}
            del given["resource"]
        request = self._request(asked)
        if self.kind in IDENTITY_KINDS and request.caller.kind not in _WITH_POLICIES:
            raise self._wrong(
                f"comes from {quoted(request.caller.arn)}, which has no policies of its own",
                "give the user, role or session that the policy is attached to",
            )
        return Requirement(
            pointer=self.pointer,
            effect=self.effect,
            actions=(request.action,),
            resources=(request.resource,),
            request=request,
            given=given,
            names_caller=named,
        )

    def _role_of(self, principal: str) -> str:
        """A role as the one that the trust policy belongs to: for users and roles one of another account, where none is known.

        There, as within the account where the policy names all of it, their own policies have to allow, too, which is not asked.
        """
        beside = sample_caller(principal)
        if not self.is_alone or "-provider/" in principal:
            return beside
        account = _OTHER_ACCOUNT if f":{SAMPLE_ACCOUNT}:" in beside else SAMPLE_ACCOUNT
        start, _, _, name = beside.rsplit(":", 3)
        return f"{start}::{account}:{name}"

    def _request(self, fields: Mapping[str, Any]) -> Request:
        try:
            return request_of(dict(fields))
        except InputError as error:
            raise self._wrong(f"cannot be used: {error.message}", error.hint) from None

    def _texts(self, fields: Mapping[str, Any], name: str) -> list[str]:
        value = fields.get(name)
        listed = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(own, str) and own for own in listed):
            raise self._wrong(f"has a `{name}` that is not text", f"such as {_EXAMPLE[1:-1]}")
        return list(dict.fromkeys(listed))

    def _no_principal(self) -> InputError:
        return self._wrong(
            "lacks `principal`", "a policy of a resource says who: give the ARN of the caller"
        )

    def _wrong(self, what: str, hint: str) -> InputError:
        return InputError(f"`{self.pointer}` {what}", hint=hint)


_EXAMPLE_ACTION = "s3:GetObject"
_SAMPLE_ROLE = f"arn:aws:iam::{SAMPLE_ACCOUNT}:role/example"
_LEVEL_WORDS = ("level", "accesslevel", "access")
_OTHER_ACCOUNT = "444455556666"
_WITH_POLICIES = (CallerKind.USER, CallerKind.SESSION, CallerKind.FEDERATED)


def _as_spelled(action: str) -> str:
    """The action as AWS spells it, so that one action is one entry of a statement."""
    known = catalog().action(action)
    return known.full_name if known else action


def _is_action_pattern(text: str) -> bool:
    service, colon, name = text.partition(":")
    return text == "*" or bool(colon and service and name)


def _example_of(resource: str) -> str:
    """A resource that a pattern matches; `*` where none has the form of an ARN."""
    text = resource.replace("*", "x").replace("?", "x")
    return text if Arn.of(text) and text.startswith("arn:") else "*"
