"""Beyond CIS: who is an administrator or can become one, whom roles let in from outside, what nobody uses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam.account.collect.fact import Miss, known
from aws_iam.account.collect.identity.authorization import AUTHORIZATION, Role
from aws_iam.account.collect.identity.last_accessed import LAST_ACCESSED
from aws_iam.account.collect.organization.organization import (
    ORG_GUARDRAILS,
    ORG_TREE,
    ORGANIZATION,
)
from aws_iam.answer import Answer, Finding, Severity, Status
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import NotCollected
from aws_iam.escape import quoted
from aws_iam.report.page import by_urgency
from aws_iam.tools.audit.principals.admin_level import (
    ADMINISTRATOR,
    ESCALATES,
    LIMITED,
    UNKNOWN,
    Power,
    Powers,
)
from aws_iam.tools.audit.principals.holdings import Holdings, holdings
from aws_iam.tools.audit.principals.organization_policies import guardrails
from aws_iam.tools.audit.principals.outside_trust import Trust, trusts
from aws_iam.tools.audit.principals.role_chains import takers
from aws_iam.tools.audit.principals.simulate import Asked
from aws_iam.tools.audit.principals.targets import World
from aws_iam.tools.kit.account_source import account_words, command
from aws_iam.tools.kit.unread_facts import misses_of, missing_permissions, reasons, rows
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from aws_iam.account.collect.fact import Fact
    from aws_iam.account.collect.identity.authorization import Authorization, User
    from aws_iam.account.collect.identity.last_accessed import IdentityUse
    from aws_iam.account.reading.snapshot import Account
    from aws_iam.tools.audit.principals.admin_level import Way
    from aws_iam.tools.audit.principals.organization_policies import Guardrails
    from aws_iam.tools.audit.principals.role_chains import Chain
    from aws_iam.tools.kit.parameters import Source

IDLE_DAYS = 90
_SHOWN = 5
_DETAILS = "iam:GetAccountAuthorizationDetails"
_PAGE = "references/compliance-checklist.md#principals-beyond-cis"
_UNUSED_PAGE = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html"
)
_BEST = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
_ORDER = (ADMINISTRATOR, ESCALATES, UNKNOWN, LIMITED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A user or role, and everything found about it."""

    one: User | Role
    power: Power
    trust: tuple[Trust, ...] = ()
    takes: tuple[Chain, ...] = ()
    """The administrators' roles that it may take, each with the roles on the way."""
    use: IdentityUse | None = None

    @property
    def word(self) -> str:
        """`role` or `user`."""
        return "role" if isinstance(self.one, Role) else "user"

    @property
    def name(self) -> str:
        """How a sentence names it."""
        return f"{self.word} {quoted(self.one.name)}"


def needed() -> tuple[Fact[Any], ...]:
    """The facts that the answer reads."""
    return (AUTHORIZATION, ORGANIZATION, ORG_TREE, ORG_GUARDRAILS, LAST_ACCESSED)


def answer(account: Account, source: Source) -> Answer:
    """Every principal by its power, and what follows from it."""
    missed = misses_of(account, needed())
    held = account.get(AUTHORIZATION)
    over = guardrails(account)
    principals, is_whole = ((), True) if isinstance(held, Miss) else _judged(account, held, over)
    found = by_urgency(
        _unread(held.error()) if isinstance(held, Miss) else _all(account, principals)
    )
    return Answer(
        summary=_summary(account, principals, found, held),
        findings=found,
        facts={
            "account": account_words(account),
            "collected_at": account.collected_at.isoformat(timespec="seconds"),
            "counts": {kind: _count(principals, kind) for kind in _ORDER},
            **_left_out(account, held),
            **({} if is_whole else {"not_all_asked": True}),
            "principals": [_row(account, principal) for principal in principals],
            "organization_policies": over.told,
            "not_considered": "resource control policies but for taking a role, session policies",
            **({"not_read": rows(missed)} if missed else {}),
        },
        artifacts=missing_permissions(account, found),
        sources=(_PAGE, _UNUSED_PAGE),
        next=(command(source, "access_analyzer"), command(source, "run")),
        as_of=catalog().as_of,
    )


def _judged(
    account: Account, found: Authorization, over: Guardrails
) -> tuple[tuple[Judged, ...], bool]:
    """The principals by power; whether all were asked for every path and for every administrator's role."""
    powers, asked = Powers(), Asked(over)
    usage = account.get(LAST_ACCESSED)
    uses = (
        {}
        if isinstance(usage, Miss)
        else {identity.arn: identity for identity in usage.identities}
    )
    listed: list[User | Role] = [*found.users]
    listed += [role for role in found.roles if not role.is_service_linked]
    held = {one.arn: holdings(found, one, over) for one in listed}
    world = _world(found, held, powers, over)
    power = {one.arn: powers.among(one, held[one.arn], world, asked) for one in listed}
    is_strong = frozenset(arn for arn, strength in power.items() if _is_strong(strength))
    groups = {group.arn for group in found.groups}
    if is_strong != world.strong - groups:
        # Who can become an administrator is known only now, and so is to whom a path is worth most.
        world = replace(world, strong=is_strong | (world.strong & groups))
        power = {one.arn: powers.among(one, held[one.arn], world, asked) for one in listed}
    strong = [one for one in listed if isinstance(one, Role) and one.arn in is_strong]
    weaker = [(one, held[one.arn]) for one in listed if one.arn not in is_strong]
    taking = Asked(over)
    taken, is_whole = takers(strong, weaker, taking)
    judged = (
        Judged(
            one=one,
            power=power[one.arn],
            trust=trusts(account, one) if isinstance(one, Role) else (),
            takes=taken.get(one.arn, ()),
            use=uses.get(one.arn),
        )
        for one in listed
    )
    ordered_ = sorted(
        judged, key=lambda principal: (_ORDER.index(principal.power.kind), principal.one.arn)
    )
    return tuple(ordered_), is_whole and asked.left > 0


def _world(
    found: Authorization, held: Mapping[str, Holdings], powers: Powers, over: Guardrails
) -> World:
    """The account's identities, by what their policies alone make of them."""
    every = {
        **held,
        **{
            group.arn: replace(holdings(found, group), ceiling=over.services)
            for group in found.groups
        },
    }
    alone = {arn: powers.of(documents) for arn, documents in every.items()}

    @cache
    def worth_attaching() -> tuple[str, ...]:
        return tuple(
            policy.arn
            for policy in found.policies
            if policy.document
            and policy.arn.split(":")[4] != "aws"
            and _is_strong(powers.of(Holdings(policies=(policy.document,))))
        )

    return World(
        found=found,
        # What is not known of somebody may be anything.
        actions={arn: -1 if power.unread else power.actions for arn, power in alone.items()},
        documents={arn: frozenset(documents.policies) for arn, documents in every.items()},
        strong=frozenset(arn for arn, power in alone.items() if _is_strong(power)),
        worth_attaching=worth_attaching,
    )


def _is_strong(power: Power) -> bool:
    return power.kind == ADMINISTRATOR or power.raises


def _all(account: Account, principals: Sequence[Judged]) -> Iterator[Finding]:
    strong = {
        principal.one.arn for principal in principals if principal.power.kind == ADMINISTRATOR
    }
    raising = {
        principal.one.name
        for principal in principals
        if isinstance(principal.one, Role) and principal.power.raises
    }
    for principal in principals:
        yield from _powerful(principal, principals, raising)
        for trust in principal.trust:
            yield _trusting(principal, trust, is_strong=principal.one.arn in strong)
        yield from _idle(account, principal)
        yield from _unused(account, principal)
    usage = account.get(LAST_ACCESSED)
    if isinstance(usage, Miss):
        yield _unknown("UNUSED_PERMISSIONS", _UNUSED, None, usage.error(), Severity.LOW)


def _powerful(
    principal: Judged, principals: Sequence[Judged], raising: Collection[str]
) -> Iterator[Finding]:
    power = principal.power
    if power.kind == UNKNOWN:
        lacking = joined(list(power.unread))
        yield Finding(
            code="PRINCIPAL_NOT_JUDGED",
            title="What a principal may do is not known",
            severity=Severity.MEDIUM,
            status=Status.UNKNOWN,
            message=f"{principal.name}: not read: {lacking}",
            reason=f"{_DETAILS} did not send: {lacking}",
            resource=principal.one.arn,
            fix=f"Allow {_DETAILS}, and look at what is named here by hand.",
            source=_UNUSED_PAGE,
        )
    for way in power.ways:
        yield _way(principal, way, principals)
    if principal.takes:
        roles = joined([_chained(chain, raising) for chain in principal.takes], shown=_SHOWN)
        hangs = all(chain.given for chain in principal.takes)
        yield Finding(
            code="TAKES_ADMINISTRATOR_ROLE",
            title="A principal may take the role of an administrator",
            severity=Severity.MEDIUM if hangs else Severity.HIGH,
            status=Status.MANUAL,
            message=f"{principal.name} may take {roles}; decide: is it meant to be an administrator?",
            resource=principal.one.arn,
            fix="Name those who may take the role in its trust policy, with a condition on aws:MultiFactorAuthPresent.",
            source=_BEST,
        )


def _chained(chain: Chain, raising: Collection[str]) -> str:
    *on_the_way, last = (quoted(name) for name in chain.roles)
    last += " (which can make itself an administrator)" if chain.roles[-1] in raising else ""
    words = f"{last} by way of {' and '.join(on_the_way)}" if on_the_way else last
    # A snapshot knows nothing of these, such as an external id, which whoever asks chooses.
    return f"{words} (under a condition on {' and '.join(chain.given)})" if chain.given else words


def _way(principal: Judged, way: Way, principals: Sequence[Judged]) -> Finding:
    is_administrator = way.code == "ADMINISTRATOR"
    told, severity = f"{principal.name}: {way.message}", way.severity
    if principal.power.within:
        told += "; it gains at most what its permissions boundary allows"
        severity = Severity.LOW
    if principal.power.taken:
        actions = counted(principal.power.taken, "action")
        told += f"; service control policies take {actions} away that its own policies allow"
    if principal.power.services and not is_administrator:
        told += f"; {_passable(principal, principals)}"
    return Finding(
        code=way.code,
        title=way.title,
        severity=severity,
        # Somebody has to be the administrator: whether this one, its owner decides.
        status=Status.MANUAL if is_administrator else Status.FAIL,
        message=f"{told}; decide: should it be one?" if is_administrator else told,
        resource=principal.one.arn,
        fix=way.fix,
        source=way.source,
    )


def _passable(principal: Judged, principals: Sequence[Judged]) -> str:
    """The roles of the account that fit the services which the principal may hand a role to."""
    fitting = [other for other in principals if other.one.arn in principal.power.passable]
    if not fitting:
        return "no role of the account that it may pass trusts such a service now"
    strong = [other for other in fitting if other.power.kind == ADMINISTRATOR]
    names = joined([quoted(other.one.name) for other in (strong or fitting)], shown=_SHOWN)
    kind = "administrator roles" if strong else "roles, none of them an administrator's,"
    return f"{kind} that trust such a service: {names}"


def _trusting(principal: Judged, trust: Trust, *, is_strong: bool) -> Finding:
    severity, told = trust.severity, trust.message
    if is_strong and trust.status is not Status.PASS:
        severity, told = Severity.CRITICAL, f"{told}; the role is an administrator's"
    if trust.status is Status.MANUAL:
        told += "; decide: is that account meant to be let in?"
    return Finding(
        code=trust.code,
        title=trust.title,
        severity=severity,
        status=trust.status,
        message=told,
        reason=told if trust.status is Status.UNKNOWN else None,
        resource=principal.one.arn,
        fix=trust.fix,
        source=trust.source,
    )


_IDLE = "A role that nobody takes"
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html
_FIRST = "Ask its owner, take its policies and instance profiles from it, then"
_UNUSED = "Permissions that nobody uses"


def _idle(account: Account, principal: Judged) -> Iterator[Finding]:
    """A role that was not taken for long; users are the control `credentials_unused`."""
    one = principal.one
    if not isinstance(one, Role):
        return
    limit = account.collected_at - timedelta(days=IDLE_DAYS)
    since = one.last_used or one.created
    if since is None:
        missing = NotCollected(
            f"{principal.name} has no date", call=_DETAILS, code="no value", permission=_DETAILS
        )
        yield _unknown("UNUSED_ROLE", _IDLE, one.arn, missing, Severity.LOW)
    elif since <= limit:
        when = f"last on {since:%Y-%m-%d}" if one.last_used else "never in the time that AWS keeps"
        powerful = principal.power.kind in {ADMINISTRATOR, ESCALATES}
        yield Finding(
            code="UNUSED_ROLE",
            title=_IDLE,
            severity=Severity.MEDIUM if powerful else Severity.LOW,
            status=Status.FAIL,
            message=f"{principal.name} was taken {when}",
            resource=one.arn,
            fix=_removal(one),
            source=_UNUSED_PAGE,
        )


def _removal(role: Role) -> str:
    if role.path.startswith("/aws-reserved/sso.amazonaws.com/"):
        # Only Identity Center may change it: Identity Center User Guide, referencingpermissionsets.
        return "In IAM Identity Center take the assignment of its permission set to this account away: aws sso-admin delete-account-assignment"
    if _is_plain(role.name):
        return f"{_FIRST}: aws iam delete-role --role-name {role.name}"
    return f"{_FIRST} delete the role."


def _unused(account: Account, principal: Judged) -> Iterator[Finding]:
    if principal.use is None:
        return
    try:
        services = known(principal.use.services)
    except NotCollected as missing:
        yield _unknown("UNUSED_PERMISSIONS", _UNUSED, principal.one.arn, missing, Severity.LOW)
        return
    limit = account.collected_at - timedelta(days=IDLE_DAYS)
    if principal.one.created and principal.one.created > limit:
        # Too young to have left anything unused for so long.
        return
    idle = [s.service for s in services if s.last_used is None or s.last_used <= limit]
    if idle:
        used = len(services) - len(idle)
        yield Finding(
            code="UNUSED_PERMISSIONS",
            title=_UNUSED,
            severity=Severity.LOW,
            status=Status.FAIL,
            message=(
                f"{principal.name} may use {counted(len(services), 'service')} and used {used} in the last {IDLE_DAYS} days;"
                f" not {joined(idle, shown=_SHOWN)}"
            ),
            resource=principal.one.arn,
            fix="Take the services that nobody needs out of its policies; `policy generate --events` writes one from use.",
            source=_UNUSED_PAGE,
        )


def _is_plain(name: str) -> bool:
    """Whether a name is what AWS takes as one, and needs no quotes."""
    return name.replace("-", "").replace("_", "").replace(".", "").isalnum() and name.isascii()


def _unread(missing: NotCollected) -> Iterator[Finding]:
    yield _unknown(
        "PRINCIPALS_NOT_READ", "Users and roles could not be read", None, missing, Severity.HIGH
    )


def _unknown(
    code: str, title: str, resource: str | None, missing: NotCollected, severity: Severity
) -> Finding:
    needs = f"; allow {missing.permission}" if missing.permission else ""
    return Finding(
        code=code,
        title=title,
        severity=severity,
        status=Status.UNKNOWN,
        message=f"could not be judged: {missing.message}",
        reason=f"{missing.call}: {missing.code or 'not collected'}{needs}",
        resource=resource,
        fix=f"Allow {missing.permission}." if missing.permission else "Read the account again.",
        source=_UNUSED_PAGE,
    )


def _count(principals: Sequence[Judged], kind: str) -> int:
    return sum(principal.power.kind == kind for principal in principals)


def _left_out(account: Account, held: Authorization | Miss) -> dict[str, Any]:
    usage = account.get(LAST_ACCESSED)
    roles = 0 if isinstance(held, Miss) else sum(role.is_service_linked for role in held.roles)
    asked = 0 if isinstance(usage, Miss) else usage.left_out
    return {
        **({"service_linked_roles_left_out": roles} if roles else {}),
        **({"not_asked_for_their_use": asked} if asked else {}),
    }


def _row(account: Account, principal: Judged) -> dict[str, Any]:
    one, use = principal.one, principal.use
    services = None if use is None or isinstance(use.services, Miss) else use.services
    limit = account.collected_at - timedelta(days=IDLE_DAYS)
    return {
        "principal": one.name,
        "kind": principal.word,
        "power": principal.power.kind,
        "takes": ", ".join(" > ".join(chain.roles) for chain in principal.takes) or None,
        "boundary": one.boundary.rpartition("/")[2] if one.boundary else None,
        "lets_in": ", ".join(dict.fromkeys(t.outsider for t in principal.trust if t.outsider))
        or None,
        "last_taken": f"{one.last_used:%Y-%m-%d}"
        if isinstance(one, Role) and one.last_used
        else None,
        "services": None if services is None else len(services),
        "services_used": None
        if services is None
        else sum(s.last_used is not None and s.last_used > limit for s in services),
    }


def _summary(
    account: Account,
    principals: Sequence[Judged],
    found: Sequence[Finding],
    held: Authorization | Miss,
) -> str:
    if isinstance(held, Miss):
        return f"The principals of account {account_words(account)} could not be read: {reasons((held,))}."
    parts = [f"{len(principals)} users and roles of account {account_words(account)}"]
    parts += [
        f"{word}: {joined([quoted(principal.one.name) for principal in some], shown=_SHOWN)}"
        for word, some in (
            ("administrators", _of(principals, ADMINISTRATOR)),
            ("can raise their permissions", _of(principals, ESCALATES)),
            (
                "may take an administrator's role",
                [principal for principal in principals if principal.takes],
            ),
            ("let in outsiders", [principal for principal in principals if _lets_in(principal)]),
            ("not judged", _of(principals, UNKNOWN)),
        )
        if some
    ]
    idle = sum(
        finding.code == "UNUSED_ROLE" and finding.status is Status.FAIL for finding in found
    )
    parts += [f"{counted(idle, 'role')} unused for {IDLE_DAYS} days"] if idle else []
    usage = account.get(LAST_ACCESSED)
    if isinstance(usage, Miss):
        parts.append(f"what is used could not be read: {reasons((usage,))}")
    return f"{'; '.join(parts)}."


def _of(principals: Sequence[Judged], kind: str) -> list[Judged]:
    return [principal for principal in principals if principal.power.kind == kind]


def _lets_in(principal: Judged) -> bool:
    return any(trust.status in {Status.FAIL, Status.MANUAL} for trust in principal.trust)
