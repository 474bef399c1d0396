"""Who can do something: every principal of the estate, and those outside it that a resource lets in.

who_can(estate, ["s3:GetObject"], "arn:aws:s3:::books/*")   →   WhoCan: principals, outsiders, services, anyone
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.audit.access.asked_resources import asked_resources, may_be_missing
from aws_iam.tools.audit.access.behind_keys import key_behind, with_grants, with_key
from aws_iam.tools.audit.access.decisions import Access, Decider
from aws_iam.tools.audit.access.outside_callers import keeps_public_out, outside_callers
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.answer import Decision
    from aws_iam.tools.audit.access.asked_resources import AskedResources
    from aws_iam.tools.audit.access.decisions import Verdict
    from aws_iam.tools.audit.access.estate import Estate, Principal

_MOST_ACTIONS = 50
# Actions that patterns may name before those that no such resource takes are left out.
_MOST_NAMED = 1_000
_MOST_DECISIONS = 500_000
_RANK = {"can": 0, "unknown": 1, "cannot": 2}


Part = tuple[str, str, Access]
"""An action, a resource, and the access to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who can do it, or perhaps: on which of the resources, by which of the actions, and the best proof."""

    name: str
    access: Access
    actions: tuple[str, ...]
    on: tuple[str, ...]
    partly: bool = False
    """Whether some of what was asked about is refused."""
    besides: tuple[Caller, ...] = ()
    """What it can do, or perhaps, under other conditions."""

    def row(self) -> dict[str, Any]:
        """The caller as a row of the answer."""
        best = self.access
        return {
            "principal": self.name,
            **self.part(),
            **({"partly": True} if self.partly else {}),
            **({"why": best.why} if best.why else {}),
            **({"besides": [own.part() for own in self.besides]} if self.besides else {}),
            **({"proof": _proof(best.proof)} if best.proof else {}),
        }

    def part(self) -> dict[str, Any]:
        """What it can do on which resources, without the proof."""
        return {
            "verdict": self.access.verdict,
            "conditions": list(self.access.conditions),
            "actions": list(self.actions),
            "on": list(self.on),
        }


def _proof(decision: Decision) -> dict[str, Any]:
    """The decision on the request, as evaluate gives it."""
    return {
        "outcome": decision.outcome,
        "decided_by": list(decision.decided_by),
        "because": [
            {
                "layer": own.layer,
                "policy": own.policy,
                "pointer": own.pointer,
                "effect": own.effect,
            }
            for own in decision.because
        ],
        **({"missing_keys": list(decision.missing_keys)} if decision.missing_keys else {}),
    }


@dataclass(slots=True, kw_only=True)
class WhoCan:
    """Everybody who can, or perhaps; `anyone` is None where that is not known."""

    actions: tuple[str, ...]
    on: str
    principals: list[Caller] = field(default_factory=list)
    outsiders: list[Caller] = field(default_factory=list)
    services: list[Caller] = field(default_factory=list)
    anyone: bool | None = False
    unread_policies: dict[str, str] = field(default_factory=dict)
    understood: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Why resources that were asked about may not have been listed."""


def who_can(estate: Estate, actions: Sequence[str], on: str) -> WhoCan:
    """The callers that can perform any of the actions on what `on` names."""
    named = _named_actions(actions)
    asked = dict(_asked(estate, named, on))
    takes_resource = any(own.arns != ("*",) for own in asked.values())
    found = WhoCan(actions=tuple(asked), on=on if takes_resource else "*")
    found.understood += dict.fromkeys(own.understood for own in asked.values() if own.understood)
    if len(asked) < len(named):
        left_out = counted(len(named) - len(asked), "action")
        found.understood.append(
            f"{left_out} that the patterns name and that no such resource takes were left out"
        )
    found.missing += dict.fromkeys(may_be_missing(estate, on))
    number = len(estate.principals) * sum(
        len(own.arns) + len(own.patterns) for own in asked.values()
    )
    if number > _MOST_DECISIONS:
        raise InputError(
            f"the question needs {number:,} decisions, more than {_MOST_DECISIONS:,}",
            hint="name fewer actions or resources",
        )
    search = _Search(estate=estate, decider=Decider(estate), asked=asked)
    for principal in estate.principals:
        caller = search.of(principal)
        if caller:
            found.principals.append(caller)
    search.outside(found)
    found.principals.sort(key=lambda own: (_RANK[own.access.verdict], own.name))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    estate: Estate
    decider: Decider
    asked: dict[str, AskedResources]

    def of(self, principal: Principal) -> Caller | None:
        """The principal, if it can or perhaps can."""
        tried = [
            part
            for action, asked in self.asked.items()
            for part in self._parts(principal, action, asked)
        ]
        return self._caller(principal.arn, tried)

    def _parts(self, principal: Principal, action: str, asked: AskedResources) -> Iterator[Part]:
        """The access to each resource, and to samples of each pattern."""
        for arn in asked.arns:
            yield action, arn, self._decided(principal, action, arn)
        for pattern in asked.patterns:
            samples = self.decider.samples(principal, action, pattern)
            found = [(action, arn, self._decided(principal, action, arn)) for arn in samples.arns]
            if not samples.complete and not any(own.is_possible for _, _, own in found):
                why = "its policies tell too many resources apart to ask about each"
                found = [(action, pattern.text, Access(verdict="unknown", why=why))]
            yield from found or [(action, pattern.text, Access(verdict="cannot"))]

    def _decided(self, principal: Principal, action: str, arn: str) -> Access:
        access = self.decider.decide(principal, action, arn)
        if action.startswith("kms:"):
            return with_grants(self.estate, principal.arn, action, arn, access)
        key = key_behind(self.estate, action, arn) if access.is_possible else None
        return with_key(self.decider, self.estate, principal, key, access) if key else access

    def _caller(self, name: str, tried: Sequence[tuple[str, str, Access]]) -> Caller | None:
        """The caller with what it can do; None if it can do nothing of it."""
        alike: dict[tuple[Verdict, tuple[str, ...]], list[Part]] = {}
        for part in tried:
            if part[2].is_possible:
                alike.setdefault((part[2].verdict, part[2].conditions), []).append(part)
        if not alike:
            return None
        best, *others = sorted(alike, key=lambda own: (_RANK[own[0]], len(own[1])))
        able = sum(len(parts) for own, parts in alike.items() if own[0] == best[0])
        whole = self._everything() if len(alike[best]) == len(tried) else ()
        return replace(
            _of_parts(name, alike[best], whole),
            partly=able < len(tried),
            besides=tuple(_of_parts(name, alike[own], ()) for own in others),
        )

    def _everything(self) -> tuple[str, ...]:
        """All that was asked about, patterns as such."""
        arns = [arn for asked in self.asked.values() for arn in asked.arns]
        patterns = [own.text for asked in self.asked.values() for own in asked.patterns]
        return tuple(dict.fromkeys((*arns, *patterns)))

    def outside(self, found: WhoCan) -> None:
        """Add the callers outside the estate, and whether anyone can."""
        callers: dict[tuple[str, str], list[tuple[str, str, Access]]] = {}
        anyone: list[Access] = []
        for action, asked in self.asked.items():
            samples = [self.decider.outside_samples(action, own).arns for own in asked.patterns]
            for arn in dict.fromkeys((*asked.arns, *chain.from_iterable(samples))):
                policy = self.decider.policy_of(action, arn)
                if policy.why_unread:
                    found.unread_policies[policy.arn] = policy.why_unread
                    found.anyone = None
                for own in outside_callers(self.estate, action, arn):
                    access = (
                        Access(verdict="unknown", why=own.why_unknown)
                        if own.why_unknown
                        else self.decider.outsider(own.arn, action, arn)
                    )
                    if own.sort == "anyone" and access.is_possible:
                        access = self._unless_restricted(access, arn)
                        if access.verdict == "can" and not access.conditions:
                            anyone.append(access)
                            continue
                    callers.setdefault((own.sort, own.name), []).append((action, arn, access))
        for (sort, name), tried in callers.items():
            caller = self._caller(name, tried)
            if caller:
                (found.services if sort == "service" else found.outsiders).append(caller)
        found.anyone = True if anyone else found.anyone

    def _unless_restricted(self, access: Access, arn: str) -> Access:
        """What strangers can do with a bucket whose policy lets them in, but for Block Public Access."""
        kept_out = keeps_public_out(self.estate.owner_of(arn), arn)
        if kept_out is None:
            return Access(
                verdict="unknown",
                conditions=access.conditions,
                why="whether Block Public Access keeps strangers out is not known",
            )
        return Access(verdict="cannot") if kept_out and not access.conditions else access


def _of_parts(name: str, parts: Sequence[Part], whole: tuple[str, ...]) -> Caller:
    """The caller with access that is alike on all parts; `whole` are all resources, if these are all."""
    return Caller(
        name=name,
        access=parts[0][2],
        actions=tuple(dict.fromkeys(action for action, _, _ in parts)),
        on=whole or tuple(dict.fromkeys(arn for _, arn, _ in parts)),
    )


def _asked(
    estate: Estate, named: Mapping[str, bool], on: str
) -> Iterator[tuple[str, AskedResources]]:
    """What to ask about for each action; those of a pattern that are not asked on `on` are left out."""
    refusals: list[InputError] = []
    number = 0
    for action, by_pattern in named.items():
        try:
            asked = asked_resources(estate, action, on)
        except InputError as error:
            if not by_pattern:
                raise
            refusals.append(error)
            continue
        if by_pattern and on not in {"", "*"} and asked.arns == ("*",):
            continue
        number += 1
        if number > _MOST_ACTIONS:
            raise _too_many(len(named))
        yield action, asked
    if not number:
        raise (
            refusals[-1]
            if refusals
            else InputError(f"no action named is asked on {quoted(on)}", hint="leave `on` out")
        )


def _named_actions(actions: Sequence[str]) -> dict[str, bool]:
    """The actions by name, each with whether a pattern names it."""
    listed: dict[str, bool] = {}
    for text in actions:
        if "*" in text or "?" in text:
            names = catalog().expand(text)
            if not names:
                raise InputError(f"{quoted(text)} matches no known action")
            listed = dict.fromkeys(names, True) | listed
            continue
        known = catalog().action(text)
        if known is None:
            near = catalog().suggest_action(text)
            raise InputError(
                f"{quoted(text)} is not a known action",
                hint=f"did you mean {quoted(near[0])}?" if near else "give it as `service:Action`",
            )
        listed[known.full_name] = False
    if len(listed) > _MOST_NAMED:
        raise _too_many(len(listed))
    return listed


def _too_many(number: int) -> InputError:
    return InputError(
        f"`who_can` names {counted(number, 'action')}, more than {_MOST_ACTIONS}",
        hint="name those that matter, such as `s3:GetObject`",
    )
