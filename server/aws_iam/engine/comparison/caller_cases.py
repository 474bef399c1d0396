"""Who can request a resource: one caller for each group of callers that its policies can distinguish."""

from __future__ import annotations

import re
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING

from aws_iam.engine.comparison import identity_callers
from aws_iam.engine.comparison.accounts_alike import accounts_alike
from aws_iam.engine.comparison.actions import is_kms_or_sts
from aws_iam.engine.comparison.automaton import Budget, OverBudget
from aws_iam.engine.comparison.clauses import principals_of
from aws_iam.engine.comparison.distinct_values import (
    Atom,
    distinct_values,
)
from aws_iam.engine.comparison.named_accounts import (
    all_accounts,
    unused_account,
    written_accounts,
)
from aws_iam.engine.comparison.sides.kinds_alike import may_limit_root
from aws_iam.engine.effective.caller_conditions import TRUSTED_KEYS, is_fixed
from aws_iam.engine.evaluation.caller import Caller, CallerKind, Grade, caller_of
from aws_iam.engine.evaluation.decision_flow import BUCKET_POLICY_ACTIONS
from aws_iam.engine.evaluation.request import settled_keys
from aws_iam.engine.language.arn import PARTITIONS, Arn
from aws_iam.engine.language.pattern import matches
from aws_iam.engine.tokens.oidc_provider import ALWAYS, IDENTITY_POOLS, provider_of
from aws_iam.errors import InputError
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.clauses import Clause
    from aws_iam.engine.comparison.distinct_values import Value
    from aws_iam.engine.language.document import Policy
    from aws_iam.engine.tokens.oidc_provider import Provider

_ACCOUNT = re.compile(r"\d{12}")
_ACCOUNTS = re.compile(r"(?<!\d)\d{12}(?!\d)")
_FIELD = 4
_SERVICES = ("lambda.amazonaws.com", "ec2.amazonaws.com", "events.amazonaws.com")
_PROVIDERS = ("oidc-provider/idp.example.com", "saml-provider/example")
_WEB = "sts:AssumeRoleWithWebIdentity"
# Principals and accounts that the policies may name; with more the search gives up.
_MOST_NAMED = 300
# IAM User Guide, reference_policies_condition-keys: the availability of each key.
_LACKING: Mapping[CallerKind, tuple[str, ...]] = {
    CallerKind.ANONYMOUS: (
        "aws:principalorg",
        "aws:principaltag/",
        # Without credentials there are neither sessions nor services that use them.
        "aws:assumedroot",
        "aws:calledvia",
        "aws:chatbotsourcearn",
        "aws:multifactorauth",
        "aws:sourceidentity",
        "aws:tokenissuetime",
    ),
    CallerKind.SERVICE: ("aws:principalorgid",),
}
_PROVIDER = "aws:federatedprovider"
# Keys that follow from the caller; a caller has those of its kind only.
_OWN_KEYS = (
    _PROVIDER,
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:principaltype",
    "aws:username",
)


@slotted
class CallerCase:
    """One caller of a resource policy, or whoever has an identity policy (`caller` is None).

    `required_grade` is the grade that an Allow must have: naming the account is not enough for a caller of that account
    whose own policies allow nothing. If `is_permitted`, its other policies allow everything, for a resource's policy
    everything in the resource's account, so only a Deny of the compared policies matters.
    """

    name: str
    caller: Caller | None = None
    required_grade: Grade = Grade.ACCOUNT
    is_permitted: bool = False
    # The account that owns the resource.
    owner: str = ""
    # Whether the holder of a policy may be a root user, whom SCPs limit, too.
    may_be_root: bool = False
    # The issuer of the caller's token.
    provider: Provider | None = None
    # Whether the token is that of a guest of an identity pool.
    is_guest: bool = False
    settled: Mapping[str, Value] = field(default_factory=dict, hash=False, compare=False)

    @property
    def is_foreign(self) -> bool:
        """Whether the caller is from another account than the resource."""
        return self.caller is not None and self.caller.account not in {"", self.owner}

    @property
    def is_service(self) -> bool:
        """Whether the caller is a service."""
        return self.caller is not None and self.caller.kind is CallerKind.SERVICE

    @property
    def is_unpermitted(self) -> bool:
        """Whether the caller is from the resource's account, and its own policies allow it nothing."""
        return self.caller is not None and self.required_grade is Grade.ROLE

    def lacks(self, key: str) -> bool:
        """Whether requests of such callers never carry the key."""
        if self.provider and not self.provider.carries(key):
            return True
        return self.caller is not None and key.startswith(_LACKING.get(self.caller.kind, ()))

    def always_has(self, key: str) -> bool:
        """Whether each request of such callers carries the key: a claim that is in every token."""
        provider = self.provider
        return provider is not None and any(
            key == provider.key(claim).lower() for claim in ALWAYS if provider.maps(claim)
        )

    def trusts(self, key: str) -> Callable[[str], bool] | None:
        """For a key whose fixed values keep this stranger out: whether a pattern of values still admits strangers.

        None for other keys.
        """
        if self.provider and key in self.provider.tenant_keys:
            if self.is_guest and key == self.provider.key("aud").lower():
                return None
            return partial(self.provider.admits_strangers, key)
        return partial(_admits_strangers, key) if key in TRUSTED_KEYS else None

    def depends_on_policy(self, action: str) -> bool:
        """Whether the resource's policy can decide on this caller's request for the action.

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
        if self.is_permitted:
            repairs = self.caller.kind is CallerKind.ROOT and lower in BUCKET_POLICY_ACTIONS
            return not repairs and not is_kms_or_sts(action)
        inside = self.caller.account == self.owner and self.caller.kind is not CallerKind.IDENTITY
        return not (inside and self.required_grade is Grade.ACCOUNT) or is_kms_or_sts(action)

    def meets(self, clause: Clause) -> bool:
        """Whether the statement applies to this caller, or may apply."""
        if self.caller is None:
            return True
        statement = clause.statement
        if self.caller.account and any(p.type == "CanonicalUser" for p in statement.principals):
            return True
        if statement.has("NotPrincipal"):
            return not self.caller.is_left_out(statement.not_principals)
        grade = self.caller.grade(statement.principals)
        return grade >= (self.required_grade if clause.allows else Grade.ACCOUNT)


def _admits_strangers(key: str, pattern: str) -> bool:
    # AWS sends no empty value.
    return bool(pattern) and not is_fixed(key, pattern)


def policy_holder(policies: Iterable[Policy]) -> CallerCase:
    """Whoever has an identity policy: anyone but a service, and under an SCP the root user, too."""
    settled: dict[str, Value] = {
        "aws:principalisawsservice": ("false",),
        "aws:principalservicename": None,
        "aws:principalservicenameslist": None,
    }
    limits_root = any(map(may_limit_root, policies))
    return CallerCase(name="holder", may_be_root=limits_root, settled=settled)


def caller_cases(
    policies: Sequence[Policy], owner: str, atoms: Sequence[Atom], budget: Budget
) -> tuple[CallerCase, ...]:
    """Strangers first, then callers of the owner's account, then everyone whom the policies name.

    Callers of the owner's account come twice: once with own policies that allow everything, once without any.
    """
    found = [*_anyone(policies, owner)]
    # The tokens of an issuer have some claims, and lack others, whoever sends them.
    issuers = {p.value: provider_of(p) for p in principals_of(policies) if p.type == "Federated"}
    for caller in _callers(policies, owner, atoms, budget):
        issuer = issuers.get(caller.arn)
        if caller.account == owner and caller.kind is not CallerKind.ROOT:
            found.append(_case(caller, owner, Grade.ROLE, issuer))
        found.append(_case(caller, owner, Grade.ACCOUNT, issuer))
    found += strangers(policies, owner, atoms, budget)
    return tuple(dict.fromkeys(found))


def permitted_callers(cases: Iterable[CallerCase]) -> tuple[CallerCase, ...]:
    """The holder of an identity policy, and the callers in the resource's account, whose other policies allow everything there."""
    return tuple(
        replace(case, is_permitted=True)
        for case in cases
        if case.caller is None
        or (
            case.caller.account == case.owner
            and case.caller.kind is not CallerKind.IDENTITY
            and case.required_grade is Grade.ACCOUNT
        )
    )


def strangers(
    policies: Sequence[Policy], owner: str, atoms: Sequence[Atom], budget: Budget | None = None
) -> Iterator[CallerCase]:
    """Unknown callers: anonymous ones, and principals that can be created in accounts that no policy names."""
    allowed = budget or Budget()
    yield from _anyone(policies, owner)
    known = written_accounts(policies, owner)
    callers = [
        caller
        for partition in _partitions(policies)
        for arn in _stranger_arns(partition, atoms, known, allowed)
        for caller in _parsed_caller(arn, "", "")
    ]
    providers = tuple(_providers(atoms, allowed))
    for caller in dict.fromkeys(callers):
        if caller.kind is CallerKind.SESSION:
            yield from (_with_provider(caller, owner, provider) for provider in providers)
        else:
            yield _case(caller, owner, Grade.ACCOUNT)
    yield from _of_shared_issuers(policies, owner)


def _of_shared_issuers(policies: Sequence[Policy], owner: str) -> Iterator[CallerCase]:
    """Strangers with a token of an issuer that all its customers share."""
    named = {p.value: p for p in principals_of(policies) if p.type == "Federated"}
    if len(named) > _MOST_NAMED:
        raise OverBudget(f"the policies name more than {_MOST_NAMED} identity providers")
    for principal in named.values():
        provider = provider_of(principal)
        if provider and provider.is_shared:
            for caller in _parsed_caller(principal.value, _WEB, ""):
                case = _case(caller, owner, Grade.ACCOUNT, provider)
                yield case
                if provider.host == IDENTITY_POOLS:
                    yield _guest(case, provider)


def _guest(case: CallerCase, provider: Provider) -> CallerCase:
    """Anyone who sends the id of the identity pool, which every copy of the app contains, if the pool allows guests.

    Source: Amazon Cognito Developer Guide, role-trust-and-permissions.
    """
    amr: dict[str, Value] = {provider.key("amr").lower(): ("unauthenticated",)}
    name = f"{case.name} for a guest"
    return replace(case, name=name, is_guest=True, settled={**case.settled, **amr})


def _anyone(policies: Sequence[Policy], owner: str) -> Iterator[CallerCase]:
    """An anonymous caller, and a user of an account that no policy names."""
    far = unused_account(written_accounts(policies, owner))
    yield _case(caller_of("*", action=""), owner, Grade.ACCOUNT)
    for partition in _partitions(policies):
        user = f"arn:{partition}:iam::{far}:user/example"
        yield _case(caller_of(user, action=""), owner, Grade.ACCOUNT)


def _stranger_arns(
    partition: str, atoms: Sequence[Atom], known: set[str], budget: Budget
) -> Iterator[str]:
    """ARNs that strangers can create, one for each group that conditions can distinguish."""
    far = unused_account(known)
    yield from (f"arn:{partition}:iam::{far}:{name}" for name in ("role/example", "root"))
    listed = [
        condition
        for atom in atoms
        if atom.key in identity_callers.KEYS
        for condition in _without_known_accounts(atom, known)
    ]
    if not listed:
        return
    if any(map(_picks_accounts, listed)):
        # A pattern may match a known account or another one.
        listed.append(Atom(identity_callers.ACCOUNT, "StringEquals", tuple(sorted(known))))
    found = [
        arn
        for found_caller in identity_callers.identity_callers(listed, {}, (partition, far), budget)
        for arn in found_caller.values[identity_callers.ARN] or ()
    ]
    # The root user has an account and no name.
    of_root = Atom(identity_callers.ARN, "ArnLike", (f"arn:{partition}:iam::*:root",))
    accounts = [
        _as_arn(atom)
        for atom in listed
        if atom.key in {identity_callers.ARN, identity_callers.ACCOUNT}
    ]
    roots = distinct_values(
        identity_callers.ARN, (of_root, *accounts), present=True, budget=budget
    )
    found += [arn for root in roots if root.true & 1 for arn in root.value or ()]
    yield from (arn for arn in found if arn.split(":")[_FIELD] not in known)


def _without_known_accounts(atom: Atom, known: set[str]) -> Iterator[Atom]:
    """The condition without values that only callers of known accounts have; nothing if no value is left."""
    left = tuple(wanted for wanted in atom.wanted if _account_in(atom.key, wanted) not in known)
    if left or not atom.wanted:
        yield Atom(atom.key, atom.operator, left)


def _picks_accounts(atom: Atom) -> bool:
    """Whether the condition may distinguish accounts that no policy names."""
    texts = (_account_in(atom.key, wanted) for wanted in atom.wanted)
    return any(text is None or text.strip("*?") for text in texts)


def _account_in(key: str, wanted: str) -> str | None:
    """The caller's account in a wanted value; None when the value is a pattern without a field for it."""
    if key == identity_callers.ACCOUNT:
        return wanted
    if key != identity_callers.ARN:
        return "*"
    fields = wanted.split(":", _FIELD + 1)
    return fields[_FIELD] if len(fields) > _FIELD + 1 else None


def _as_arn(atom: Atom) -> Atom:
    """A condition on the caller's account as one on its ARN."""
    if atom.key == identity_callers.ARN:
        return atom
    return Atom(
        identity_callers.ARN, "ArnLike", tuple(f"arn:*:*::{account}:*" for account in atom.wanted)
    )


def _providers(atoms: Sequence[Atom], budget: Budget) -> Iterator[Value]:
    """Who may have signed a stranger in: nobody, or a provider in no account that the policies name."""
    on_provider = [atom for atom in atoms if atom.key == _PROVIDER]
    for value in distinct_values(_PROVIDER, on_provider, budget=budget):
        if not _ACCOUNTS.search("".join(value.value or ())):
            yield value.value


def _with_provider(caller: Caller, owner: str, provider: Value) -> CallerCase:
    case = _case(caller, owner, Grade.ACCOUNT)
    name = f"{case.name} by {provider[0]}" if provider else case.name
    return replace(case, name=name, settled={**case.settled, _PROVIDER: provider})


def _partitions(policies: Sequence[Policy]) -> list[str]:
    """The partitions in the policies' ARNs; no request crosses partitions."""
    texts = [
        entry.value
        for policy in policies
        for statement in policy.statements
        for entry in (*statement.resources, *statement.not_resources)
    ]
    texts += [principal.value for principal in principals_of(policies)]
    fields = dict.fromkeys(t.split(":", 2)[1] for t in texts if t.startswith("arn:aws"))
    named = [p for p in PARTITIONS for field in fields if matches(field, p)]
    return list(dict.fromkeys(named)) or ["aws"]


def _case(
    caller: Caller, owner: str, required_grade: Grade, provider: Provider | None = None
) -> CallerCase:
    settled: dict[str, Value] = dict.fromkeys(_OWN_KEYS)
    settled |= {name.lower(): (value,) for name, value in settled_keys(caller, owner)}
    if caller.kind is CallerKind.ANONYMOUS:
        settled["aws:viaawsservice"] = ("false",)
    if caller.kind is CallerKind.SERVICE:
        # AWS documents no values of these keys for a service; they are searched like any other key.
        settled = {k: v for k, v in settled.items() if v is not None or k == "aws:username"}
    if caller.kind is CallerKind.SESSION:
        # The ARN does not say whether a provider signed the session in, and which.
        del settled[_PROVIDER]
    return CallerCase(
        name=caller.arn
        if required_grade is Grade.ACCOUNT
        else f"{caller.arn} without a policy of its own",
        caller=caller,
        required_grade=required_grade,
        # The owner of the resource does not follow from the caller.
        settled={k: v for k, v in settled.items() if k != "aws:resourceaccount"},
        owner=owner,
        provider=provider,
    )


def _callers(
    policies: Sequence[Policy], owner: str, atoms: Sequence[Atom], budget: Budget
) -> Iterator[Caller]:
    principals = tuple(principals_of(policies))
    named_accounts = all_accounts(policies, atoms)
    alike = accounts_alike(policies)
    # The owner is no account like the others.
    shown = {alike.get(account, account) for account in named_accounts - {owner}} | {owner}
    named = dict.fromkeys(
        (p.type, p.value)
        for p in principals
        if not p.is_everyone and shown.issuperset(_ACCOUNTS.findall(p.value))
    )
    far = unused_account({*named_accounts, owner})
    accounts = dict.fromkeys((owner, *sorted(shown - {owner}), far))
    if len(named) + len(accounts) > _MOST_NAMED:
        raise OverBudget(f"the policies name more than {_MOST_NAMED} principals")
    partitions = _partitions(policies)
    for partition in partitions:
        yield from _example_callers(partition, owner, accounts)
    service = next((name for name in _SERVICES if ("Service", name) not in named), "")
    yield from _parsed_caller(service, "", "")
    for kind, value in named:
        yield from _named_caller(value, kind)
    # Conditions on the caller distinguish further callers, in each account.
    listed = [atom for atom in atoms if atom.key in identity_callers.KEYS]
    texts = dict.fromkeys(
        pattern for kind, value in named if kind == "AWS" for pattern in _arn_patterns(value)
    )
    if not listed and not any("assumed-role" in value for _, value in named):
        return
    listed += [Atom(identity_callers.ARN, "ArnLike", (text,)) for text in texts]
    sessions = [value for kind, value in named if ":assumed-role/" in value]
    for account in accounts:
        fixed = {identity_callers.ACCOUNT: (account,)}
        for partition in partitions:
            for found in identity_callers.identity_callers(
                listed, fixed, (partition, account), budget
            ):
                for arn in found.values[identity_callers.ARN] or ():
                    yield from _parsed_caller(arn, "", "")
                    yield from _sessions(arn, sessions)


def _example_callers(partition: str, owner: str, accounts: Iterable[str]) -> Iterator[Caller]:
    for account in accounts:
        for name in ("user/example", "role/example", "root"):
            yield from _parsed_caller(f"arn:{partition}:iam::{account}:{name}", "", "")
    for provider in _PROVIDERS:
        yield from _parsed_caller(f"arn:{partition}:iam::{owner}:{provider}", _WEB, "")


def _arn_patterns(principal: str) -> Iterator[str]:
    """A named principal as patterns of aws:PrincipalArn; for a session, its role under any path."""
    arn = Arn.of(principal)
    if arn is None:
        return
    if arn.service == "sts" and arn.resource.startswith("assumed-role/"):
        name = arn.resource.split("/")[1]
        yield f"arn:{arn.partition}:iam::{arn.account}:role/{name}"
        yield f"arn:{arn.partition}:iam::{arn.account}:role/*/{name}"
    else:
        yield principal


def _named_caller(text: str, kind: str) -> Iterator[Caller]:
    if kind == "Federated":
        yield from _parsed_caller(text, _WEB, "")
    elif not _ACCOUNT.fullmatch(text) and not text.endswith(":root"):
        yield from _parsed_caller(text, "", "")


def _sessions(role: str, sessions: Iterable[str]) -> Iterator[Caller]:
    """The named sessions of a role; a session ARN has the role's name without the path."""
    fields = role.split(":")
    for session in sessions:
        own = session.split(":")
        if fields[4] == own[4] and role.rpartition("/")[2] == own[5].split("/")[1]:
            yield from _parsed_caller(session, "", role)


def _parsed_caller(text: str, action: str, role: str) -> Iterator[Caller]:
    try:
        yield caller_of(text, action=action, role=role)
    except InputError:
        # A principal that cannot call, such as the id of a deleted role.
        return
