"""Random small estates: who becomes an administrator is what brute force says, which makes every change there is for real.

The brute force is written apart, from AWS's documentation alone. It keeps the account as it is after each change, and tries
everything that a controlled principal may do, in every order. It knows two accounts, statements without conditions, of whole
actions on whole resources: IAM User Guide, reference_policies_evaluation-logic and access_policies_boundaries.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import assume, given
from hypothesis import strategies as st

from aws_iam.account.reading import snapshot as snapshots
from aws_iam.tools.audit.actions import tool
from helpers.cis_snapshots import ACCOUNT, arn, facts_of, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHER = "444455556666"
USERS = (arn("user/ann"), arn("user/bob"))
ROLES = (arn("role/app"), arn("role/ops"), arn("role/far", OTHER))
GROUP, POLICY, LIMIT = arn("group/devs"), arn("policy/shared"), arn("policy/limit")
PEOPLE = (*USERS, *ROLES)


class Says(NamedTuple):
    """A statement."""

    effect: str
    action: str
    on: str

    def written(self) -> dict[str, str]:
        return {"Effect": self.effect, "Action": self.action, "Resource": self.on}


ANYTHING = (Says("Allow", "*", "*"),)
ON = {
    "iam:PutUserPolicy": USERS,
    "iam:PutRolePolicy": ROLES,
    "iam:PutGroupPolicy": (GROUP,),
    "iam:AttachUserPolicy": USERS,
    "iam:AttachRolePolicy": ROLES,
    "iam:AttachGroupPolicy": (GROUP,),
    "iam:CreatePolicyVersion": (POLICY, LIMIT),
    "iam:SetDefaultPolicyVersion": (POLICY, LIMIT),
    "iam:DeleteUserPolicy": USERS,
    "iam:DeleteRolePolicy": ROLES,
    "iam:DeleteGroupPolicy": (GROUP,),
    "iam:DetachUserPolicy": USERS,
    "iam:DetachRolePolicy": ROLES,
    "iam:DetachGroupPolicy": (GROUP,),
    "iam:RemoveUserFromGroup": (GROUP,),
    "iam:AddUserToGroup": (GROUP,),
    "iam:DeleteUserPermissionsBoundary": USERS,
    "iam:PutRolePermissionsBoundary": ROLES,
    "iam:UpdateAssumeRolePolicy": ROLES,
    "iam:CreateAccessKey": USERS,
    "iam:DeleteAccessKey": USERS,
    "sts:AssumeRole": ROLES,
}
MOST_ACCOUNTS = 400
MOST_KEYS = 2


def account_of(text: str) -> str:
    return text.split(":")[4]


statement = st.sampled_from(sorted(ON)).flatmap(
    lambda action: st.builds(
        Says,
        st.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
        st.just(action),
        st.sampled_from([*ON[action], "*"]),
    )
)
statements = st.lists(st.one_of(statement, statement, statement, st.just(ANYTHING[0])), max_size=3).map(tuple)  # fmt: skip
few = st.lists(statement, max_size=3).map(tuple)
limit = st.one_of(st.none(), st.none(), st.just(LIMIT))
trusted = st.lists(
    st.tuples(
        st.sampled_from(["Allow", "Allow", "Deny"]),
        st.sampled_from([*PEOPLE, arn("root"), arn("root", OTHER), "*"]),
    ),
    max_size=2,
).map(tuple)


@dataclass(frozen=True)
class World:
    """The estate at one moment: `texts` of inline and managed policies, who has what, and whom the attacker controls."""

    inline: Any
    texts: Any
    older: Any
    attached: Any
    boundary: Any
    trust: Any
    members: frozenset[str]
    keys: Any
    controlled: frozenset[str]

    @cached_property
    def now(self) -> dict[str, Any]:
        """What each holds, by its ARN."""
        names = ("inline", "texts", "older", "attached", "boundary", "trust", "keys")
        return {name: dict(getattr(self, name)) for name in names}

    def documents(self, who: str) -> list[Any]:
        holders = [who, *([GROUP] if who in self.members else [])]
        found = [self.now["inline"][holder] for holder in holders]
        return found + [
            self.now["texts"][own] for holder in holders for own in self.now["attached"][holder]
        ]

    def says(self, who: str, effect: str, action: str, on: str) -> bool:
        return any(says(own, effect, action, on) for own in self.documents(who))

    def limits(self, who: str) -> Any:
        name = self.now["boundary"][who]
        return self.now["texts"][name] if name else ANYTHING

    def is_administrator(self, who: str) -> bool:
        every = [*self.documents(who), self.limits(who)]
        if any(own.effect == "Deny" and own.on == "*" for text in every for own in text):
            return False
        return ANYTHING[0] in self.limits(who) and any(
            ANYTHING[0] in own for own in self.documents(who)
        )

    def may(self, who: str, action: str, on: str) -> bool:
        limits = self.limits(who)
        if self.says(who, "Deny", action, on) or says(limits, "Deny", action, on):
            return False
        within = says(limits, "Allow", action, on)
        own = self.says(who, "Allow", action, on) and within
        if action != "sts:AssumeRole":
            return own and account_of(who) == account_of(on)
        named = {name: effect for effect, name in self.now["trust"][on] if effect == "Allow"}
        mine = {who, arn("root", account_of(who)), "*"}
        if any(effect == "Deny" and name in mine for effect, name in self.now["trust"][on]):
            return False
        if account_of(who) != account_of(on):
            return own and bool(mine & named.keys())
        if who in named or "*" in named:
            # Everyone is whoever calls, so the session itself: no boundary limits that.
            return within or who in USERS or "*" in named
        return own and bool(mine & named.keys())

    def creates(self, who: str) -> set[str]:
        """The new roles and users to which it can give everything, and which it can use."""
        role, user = (
            f"arn:aws:iam::{account_of(who)}:{kind}/a-new-{kind}" for kind in ("role", "user")
        )
        found = set()
        if self.may(who, "iam:CreateRole", role) and self._gives(who, "Role", role):
            found.add(role)
        if self.may(who, "iam:CreateUser", user) and self._gives(who, "User", user):
            found |= {user} if self.may(who, "iam:CreateAccessKey", user) else set()
        return found

    def _gives(self, who: str, kind: str, on: str) -> bool:
        return any(self.may(who, f"iam:{verb}{kind}Policy", on) for verb in ("Put", "Attach"))


def says(text: Any, effect: str, action: str, on: str) -> bool:
    return any(
        own.effect == effect and own.action in {action, "*"} and own.on in {on, "*"}
        for own in text
    )


def put(pairs: Any, key: str, value: Any) -> Any:
    return tuple(sorted((dict(pairs) | {key: value}).items()))


def steps(world: World) -> Iterator[World]:
    for who in sorted(world.controlled):
        if world.is_administrator(who):
            continue
        for action, targets in ON.items():
            for on in targets:
                if world.may(who, action, on):
                    yield from after(world, action, on)
        yield from joining_a_new_group(world, who)


def joining_a_new_group(world: World, who: str) -> Iterator[World]:
    group = f"arn:aws:iam::{account_of(who)}:group/a-new-group"
    gives = any(world.may(who, f"iam:{verb}GroupPolicy", group) for verb in ("Put", "Attach"))
    if gives and all(
        world.may(who, f"iam:{own}", group) for own in ("CreateGroup", "AddUserToGroup")
    ):
        for user in world.controlled.intersection(USERS):
            if account_of(user) == account_of(who):
                has = dict.fromkeys((*dict(world.attached)[user], "full"))
                yield replace(world, attached=put(world.attached, user, tuple(has)))


def after(world: World, action: str, on: str) -> Iterator[World]:
    """The estate after a change of policies; after one that gives control of somebody, see `control`."""
    match action:
        case "iam:PutRolePermissionsBoundary" | "iam:DeleteUserPermissionsBoundary":
            yield replace(world, boundary=put(world.boundary, on, None))
        case "iam:PutUserPolicy" | "iam:PutRolePolicy" | "iam:PutGroupPolicy":
            yield replace(world, inline=put(world.inline, on, ANYTHING))
        case "iam:AttachUserPolicy" | "iam:AttachRolePolicy" | "iam:AttachGroupPolicy":
            has = dict.fromkeys((*dict(world.attached)[on], "full"))
            yield replace(world, attached=put(world.attached, on, tuple(has)))
        case "iam:CreatePolicyVersion":
            yield replace(world, texts=put(world.texts, on, ANYTHING))
        case "iam:SetDefaultPolicyVersion":
            for text in dict(world.older)[on]:
                yield replace(world, texts=put(world.texts, on, text))
        case _:
            yield from (*without(world, action, on), *control(world, action, on))


def without(world: World, action: str, on: str) -> Iterator[World]:
    """The estate after something is taken away from somebody."""
    match action:
        case "iam:DeleteUserPolicy" | "iam:DeleteRolePolicy" | "iam:DeleteGroupPolicy":
            yield replace(world, inline=put(world.inline, on, ()))
        case "iam:DetachUserPolicy" | "iam:DetachRolePolicy" | "iam:DetachGroupPolicy":
            yield replace(world, attached=put(world.attached, on, ()))
        case "iam:RemoveUserFromGroup":
            for user in world.controlled & world.members:
                yield replace(world, members=world.members - {user})


def control(world: World, action: str, on: str) -> Iterator[World]:
    if action == "iam:AddUserToGroup":
        for user in world.controlled.intersection(USERS):
            yield replace(world, members=world.members | {user})
    elif action == "iam:UpdateAssumeRolePolicy":
        # Whoever writes it lets in somebody else where it may not assume the role itself.
        trust = put(world.trust, on, tuple(("Allow", own) for own in PEOPLE))
        yield replace(world, trust=trust, controlled=world.controlled | {on})
    elif action == "iam:DeleteAccessKey":
        yield replace(world, keys=put(world.keys, on, 0))
    elif action == "sts:AssumeRole" or (
        action == "iam:CreateAccessKey" and dict(world.keys)[on] < MOST_KEYS
    ):
        yield replace(world, controlled=world.controlled | {on})


def explored(world: World, start: str) -> tuple[set[str], set[str]] | None:
    """Whom some order of changes gives control of, and whom it makes administrators; None if there are too many."""
    first = replace(world, controlled=frozenset({start}))
    seen, queue = {first}, [first]
    controlled, raised = set[str](), set[str]()
    while queue:
        now = queue.pop()
        controlled |= now.controlled
        for who in now.controlled:
            raised |= {who} if now.is_administrator(who) else now.creates(who)
        for new in steps(now):
            if new not in seen:
                if len(seen) > MOST_ACCOUNTS:
                    return None
                seen.add(new)
                queue.append(new)
    return controlled - {start}, raised


holders = (*PEOPLE, GROUP)
worlds = st.builds(
    World,
    inline=st.tuples(*[st.tuples(st.just(own), statements) for own in holders]).map(lambda own: tuple(sorted(own))),
    texts=st.tuples(few, few).map(lambda own: ((POLICY, own[0]), (LIMIT, own[1]), ("full", ANYTHING))),
    older=st.tuples(few, few).map(lambda own: ((POLICY, own[:1]), (LIMIT, own[1:]))),
    attached=st.tuples(*[st.tuples(st.just(own), st.sampled_from([(), (), (POLICY,)])) for own in holders]).map(
        lambda own: tuple(sorted((who, has if account_of(who) == ACCOUNT else ()) for who, has in own))
    ),
    boundary=st.tuples(*[st.tuples(st.just(own), limit) for own in PEOPLE]).map(
        lambda own: tuple(sorted((who, has if account_of(who) == ACCOUNT else None) for who, has in own))
    ),
    trust=st.tuples(*[st.tuples(st.just(own), trusted) for own in ROLES]).map(lambda own: tuple(sorted(own))),
    members=st.sets(st.sampled_from(USERS)).map(frozenset),
    keys=st.tuples(*[st.tuples(st.just(own), st.sampled_from([0, 2])) for own in USERS]).map(lambda own: tuple(sorted(own))),
    controlled=st.just(frozenset[str]()),
)  # fmt: skip


def written(text: Any) -> list[dict[str, str]]:
    return [own.written() for own in text]


def facts(world: World, account: str) -> dict[str, Any]:
    def identity(who: str) -> dict[str, Any]:
        boundary = dict(world.boundary).get(who)
        return {
            "name": who.rpartition("/")[2],
            "inline": [written(own) for own in (dict(world.inline)[who],) if own],
            "attached": ["shared"] if dict(world.attached)[who] else [],
            **({"boundary": "limit"} if boundary else {}),
        }

    def role(who: str) -> dict[str, Any]:
        trust = [
            {"Effect": effect, "Principal": {"AWS": name}, "Action": "sts:AssumeRole"}
            for effect, name in dict(world.trust)[who]
        ]
        return identity(who) | {"trust": trust}

    def here(listed: tuple[str, ...]) -> list[str]:
        return [own for own in listed if account_of(own) == account]

    rows = [
        {
            "user": who.rpartition("/")[2],
            "arn": who,
            "password_enabled": False,
            "mfa_active": False,
            "keys": [{"number": number, "active": dict(world.keys)[who] > 0} for number in (1, 2)],
        }
        for who in here(USERS)
    ]
    case = {
        "users": [identity(who) | {"groups": ["devs"] if who in world.members else []} for who in here(USERS)],
        "roles": [role(who) for who in here(ROLES)],
        "facts": {"iam.credential_report": {"generated_at": "0 days ago", "rows": rows}},
    }  # fmt: skip
    if account == ACCOUNT:
        texts, older = dict(world.texts), dict(world.older)
        case["groups"] = [
            {own: value for own, value in identity(GROUP).items() if own != "boundary"}
        ]
        case["policies"] = {"shared": written(texts[POLICY]), "limit": written(texts[LIMIT])}
        case["versions"] = {
            name: [written(text) for text in older[own]]
            for name, own in (("shared", POLICY), ("limit", LIMIT))
        }
    return facts_of(case, account)


@contextmanager
def saved(world: World) -> Iterator[str]:
    """A folder with the snapshots of both accounts."""
    with tempfile.TemporaryDirectory() as folder:
        for account in (ACCOUNT, OTHER):
            made = snapshot(facts(world, account), id=account)
            snapshots.save(made, Path(folder) / f"{account}.json")
        yield folder


def ask(folder: str, **question: str) -> dict[str, Any]:
    asked = {"action": "access", "snapshot": folder, **question}
    return dict(tool.run(asked, cli=True).facts)


@given(worlds)
def test_who_becomes_whom_is_what_brute_force_says(world: World) -> None:
    expected: dict[str, tuple[set[str], set[str]]] = {}
    for start in PEOPLE:
        if not world.is_administrator(start):
            found = explored(world, start)
            assume(found is not None)
            expected[start] = found or (set(), set())
    with saved(world) as folder:
        admin = ask(folder, to="admin")["principals"]
        becomes = {start: ask(folder, principal=start)["becomes"] for start in list(expected)[:1]}
    told = json.dumps(facts(world, ACCOUNT)["iam.authorization"], indent=1)
    assert {row["principal"]: row["verdict"] for row in admin} == {
        who: "can_become" if who in expected else "administrator"
        for who in PEOPLE
        if who not in expected or expected[who][1]
    }, told
    for start, rows in becomes.items():
        controlled, raised = expected[start]
        found = {row["principal"] for row in rows}
        administrators = {row["principal"] for row in rows if row.get("administrator")}
        assert found >= controlled | raised, told
        assert administrators >= raised, told
        # The brute force goes no further than an administrator. Whoever also joins a group that denies something is none
        # by its measure, and goes on from there.
        assert raised or (found, administrators) == (controlled, set()), told


def paths_to_admin(world: World) -> tuple[list[dict[str, Any]], list[tuple[Any, ...]]]:
    """The cuts, and each path as its steps."""
    with saved(world) as folder:
        told = ask(folder, to="admin")
    assume("paths_left_out" not in told)
    steps_of = [
        tuple((hop["from"], hop["to"], tuple(hop["actions"])) for hop in path["hops"])
        for path in told["paths"]
    ]
    return told["cuts"], steps_of


def taken_away(world: World, cut: dict[str, Any]) -> World:
    """The estate without the statement of a cut, or in which nobody may do what the step of a cut takes."""
    if "statement" not in cut:
        denied = tuple(Says("Deny", action, "*") for action in cut["actions"])
        has = dict(world.inline)[cut["from"]]
        return replace(world, inline=put(world.inline, cut["from"], (*has, *denied)))
    where, _, number = cut["statement"].rpartition(" /Statement/")
    name, _, inline = where.partition(" ")
    field = "inline" if inline else "texts" if ":policy/" in name else "trust"
    (holder,) = (
        own for own, _ in getattr(world, field) if own == name or own.endswith(f":{name}")
    )
    has = dict(getattr(world, field))[holder]
    left = tuple(own for at, own in enumerate(has) if at != int(number))
    return replace(world, **{field: put(getattr(world, field), holder, left)})


@given(worlds)
def test_a_cut_closes_the_paths_and_stops_the_principals_that_it_says(world: World) -> None:
    cuts, before = paths_to_admin(world)
    for cut in cuts:
        _, after_it = paths_to_admin(taken_away(world, cut))
        gone = {path for path in before if path not in after_it}
        assert len(gone) >= cut["closes"], (cut, before, after_it)
        starts = {path[0][0] for path in before}
        stopped = {start for start in starts if gone >= {p for p in before if p[0][0] == start}}
        assert len(stopped) >= cut["stops"], (cut, before, after_it)
