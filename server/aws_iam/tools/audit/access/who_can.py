"""Who can do something: every principal of the estate, and those outside it that a resource lets in.

who_can(estate, ["s3:GetObject"], "arn:aws:s3:::books/*")   →   WhoCan: principals, outsiders, services, anyone
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
    from collections.abc import Iterator, Sequence

    from aws_iam.answer import Decision
    from aws_iam.tools.audit.access.asked_resources import AskedResources
    from aws_iam.tools.audit.access.estate import Estate, Principal

_MOST_ACTIONS = 50
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

    def row(self) -> dict[str, Any]:
        """The caller as a row of the answer."""
        best = self.access
        return {
            "principal": self.name,
            "verdict": best.verdict,
            "conditions": list(best.conditions),
            "actions": list(self.actions),
            "on": list(self.on),
            **({"partly": True} if self.partly else {}),
            **({"why": best.why} if best.why else {}),
            **({"proof": _proof(best.proof)} if best.proof else {}),
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
    named = tuple(_named_actions(actions))
    asked = {action: asked_resources(estate, action, on) for action in named}
    found = WhoCan(actions=named, on=on or "*")
    found.understood += dict.fromkeys(own.understood for own in asked.values() if own.understood)
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
        possible = [(action, arn, own) for action, arn, own in tried if own.is_possible]
        if not possible:
            return None
        best = min(possible, key=lambda row: (_RANK[row[2].verdict], len(row[2].conditions)))[2]
        same = [row for row in possible if row[2].verdict == best.verdict]
        partly = len(same) < len(tried)
        patterns = [own.text for asked in self.asked.values() for own in asked.patterns]
        arns = [arn for asked in self.asked.values() for arn in asked.arns]
        return Caller(
            name=name,
            access=best,
            actions=tuple(dict.fromkeys(action for action, _, _ in same)),
            on=tuple(dict.fromkeys((*arns, *patterns)))
            if not partly
            else tuple(dict.fromkeys(arn for _, arn, _ in same)),
            partly=partly,
        )

    def outside(self, found: WhoCan) -> None:
        """Add the callers outside the estate, and whether anyone can."""
        callers: dict[tuple[str, str], list[tuple[str, str, Access]]] = {}
        anyone: list[Access] = []
        for action, asked in self.asked.items():
            samples = [self.decider.outside_samples(action, own).arns for own in asked.patterns]
            for arn in dict.fromkeys((*asked.arns, *chain.from_iterable(samples))):
                policy = self.estate.policy_of(action, arn)
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


def _named_actions(actions: Sequence[str]) -> Iterator[str]:
    """The actions by name, those of patterns included."""
    listed: dict[str, None] = {}
    for text in actions:
        if "*" in text or "?" in text:
            names = catalog().expand(text)
            if not names:
                raise InputError(f"{quoted(text)} matches no known action")
            listed |= dict.fromkeys(names)
            continue
        known = catalog().action(text)
        if known is None:
            near = catalog().suggest_action(text)
            raise InputError(
                f"{quoted(text)} is not a known action",
                hint=f"did you mean {quoted(near[0])}?" if near else "give it as `service:Action`",
            )
        listed[known.full_name] = None
    if len(listed) > _MOST_ACTIONS:
        raise InputError(
            f"`who_can` names {counted(len(listed), 'action')}, more than {_MOST_ACTIONS}",
            hint="name those that matter, such as `s3:GetObject`",
        )
    yield from listed
