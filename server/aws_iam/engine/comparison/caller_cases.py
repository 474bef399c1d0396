"""Who may ask for a resource, one caller for each way in which its policies can tell callers apart."""

from __future__ import annotations

import re
from dataclasses import field, replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison import identity_callers
from aws_iam.engine.comparison.actions import is_kms_or_sts
from aws_iam.engine.comparison.automaton import Budget, OverBudget
from aws_iam.engine.comparison.clauses import principals_of
from aws_iam.engine.comparison.distinct_values import Atom, distinct_values
from aws_iam.engine.evaluation.caller import Caller, CallerKind, Grade, caller_of
from aws_iam.engine.evaluation.request import settled_keys
from aws_iam.engine.language.arn import PARTITIONS, Arn
from aws_iam.engine.language.frozen import slotted
from aws_iam.engine.language.pattern import matches
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.clauses import Clause
    from aws_iam.engine.comparison.distinct_values import Value
    from aws_iam.engine.language.document import Policy

_ACCOUNT = re.compile(r"\d{12}")
_ACCOUNTS = re.compile(r"(?<!\d)\d{12}(?!\d)")
_FIELD = 4
_EXAMPLES = ("111122223333", "444455556666", "777788889999", "123456789012", "210987654321")
_SERVICES = ("lambda.amazonaws.com", "ec2.amazonaws.com", "events.amazonaws.com")
_PROVIDERS = ("oidc-provider/idp.example.com", "saml-provider/example")
_WEB = "sts:AssumeRoleWithWebIdentity"
# Callers are told apart by what the policies name; more than this is no policy of people.
_MOST_NAMED = 300
# IAM User Guide, reference_policies_condition-keys: the availability of each key.
_LACKING: Mapping[CallerKind, tuple[str, ...]] = {
    CallerKind.ANONYMOUS: ("aws:principalorg", "aws:principaltag/"),
    CallerKind.SERVICE: ("aws:principalorgid",),
}
_PROVIDER = "aws:federatedprovider"
# Keys of a caller that no caller of another kind has.
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

    def lacks(self, key: str) -> bool:
        """Whether requests of such callers never carry the key, though others do."""
        return self.caller is not None and key.startswith(_LACKING.get(self.caller.kind, ()))

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
        return not (inside and self.least is Grade.ACCOUNT) or is_kms_or_sts(action)

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


def policy_holder() -> CallerCase:
    """Whoever has an identity policy: never a service, whatever else."""
    settled: dict[str, Value] = {
        "aws:principalisawsservice": ("false",),
        "aws:principalservicename": None,
        "aws:principalservicenameslist": None,
    }
    return CallerCase(name="holder", settled=settled)


def owners_of(policies: Sequence[Policy]) -> tuple[str, ...]:
    """The accounts that may own the resource: the one that its ARNs tell, or one that no policy names and those named."""
    named = (
        entry.value
        for policy in policies
        for statement in policy.statements
        for entry in (*statement.resources, *statement.not_resources)
    )
    # A provider that a trust policy names stands in the role's own account.
    providers = (
        principal.value for principal in principals_of(policies) if principal.type == "Federated"
    )
    for text in (*named, *providers):
        arn = Arn.of(text)
        if arn and _ACCOUNT.fullmatch(arn.account):
            return (arn.account,)
    accounts = _named_accounts(policies, ())
    return (_unused_account(accounts), *sorted(accounts))


def caller_cases(
    policies: Sequence[Policy], owner: str, atoms: Sequence[Atom], budget: Budget
) -> tuple[CallerCase, ...]:
    """Strangers first, then the owner's own, then everyone whom the policies name.

    The owner's own stand twice: with policies of their own that allow everything, and without any.
    """
    found = [*_anyone(policies, owner)]
    for caller in _callers(policies, owner, atoms, budget):
        if caller.account == owner and caller.kind is not CallerKind.ROOT:
            found.append(_case(caller, owner, Grade.ROLE))
        found.append(_case(caller, owner, Grade.ACCOUNT))
    found += strangers(policies, owner, atoms, budget)
    return tuple(dict.fromkeys(found))


def strangers(
    policies: Sequence[Policy], owner: str, atoms: Sequence[Atom], budget: Budget | None = None
) -> Iterator[CallerCase]:
    """Callers whom nobody knows: anonymous, and whoever can be made in accounts that no policy names."""
    allowed = budget or Budget()
    yield from _anyone(policies, owner)
    known = _written_accounts(policies, owner)
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


def _anyone(policies: Sequence[Policy], owner: str) -> Iterator[CallerCase]:
    """An anonymous caller, and a user of another account."""
    far = _unused_account(_written_accounts(policies, owner))
    yield _case(caller_of("*", action=""), owner, Grade.ACCOUNT)
    for partition in _partitions(policies):
        user = f"arn:{partition}:iam::{far}:user/example"
        yield _case(caller_of(user, action=""), owner, Grade.ACCOUNT)


def _stranger_arns(
    partition: str, atoms: Sequence[Atom], known: set[str], budget: Budget
) -> Iterator[str]:
    """The ARNs that strangers can give themselves, one for each way in which conditions tell them apart."""
    far = _unused_account(known)
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
        # What a pattern picks may be an account that is known, or another one.
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
    """The condition without what only callers of known accounts can have, if anything is left of it."""
    left = tuple(wanted for wanted in atom.wanted if _account_in(atom.key, wanted) not in known)
    if left or not atom.wanted:
        yield Atom(atom.key, atom.operator, left)


def _picks_accounts(atom: Atom) -> bool:
    """Whether the condition may tell apart accounts that no policy names."""
    texts = (_account_in(atom.key, wanted) for wanted in atom.wanted)
    return any(text is None or text.strip("*?") for text in texts)


def _account_in(key: str, wanted: str) -> str | None:
    """What a wanted value says of the caller's account; None when that is anywhere in a pattern."""
    if key == identity_callers.ACCOUNT:
        return wanted
    if key != identity_callers.ARN:
        return "*"
    fields = wanted.split(":", _FIELD + 1)
    return fields[_FIELD] if len(fields) > _FIELD + 1 else None


def _as_arn(atom: Atom) -> Atom:
    """A condition on the account of a caller as one on its ARN; AWS gives no account a colon."""
    if atom.key == identity_callers.ARN:
        return atom
    return Atom(
        identity_callers.ARN, "ArnLike", tuple(f"arn:*:*::{account}:*" for account in atom.wanted)
    )


def _providers(atoms: Sequence[Atom], budget: Budget) -> Iterator[Value]:
    """Who may have signed a stranger in for its session: nobody, or a provider that belongs to no account named."""
    asked = [atom for atom in atoms if atom.key == _PROVIDER]
    for point in distinct_values(_PROVIDER, asked, budget=budget):
        if not _ACCOUNTS.search("".join(point.value or ())):
            yield point.value


def _with_provider(caller: Caller, owner: str, provider: Value) -> CallerCase:
    actor = _case(caller, owner, Grade.ACCOUNT)
    name = f"{actor.name} by {provider[0]}" if provider else actor.name
    return replace(actor, name=name, settled={**actor.settled, _PROVIDER: provider})


def _partitions(policies: Sequence[Policy]) -> list[str]:
    """The partitions that ARNs of the policies name; nobody reaches from one into another."""
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


def _case(caller: Caller, owner: str, least: Grade) -> CallerCase:
    settled: dict[str, Value] = dict.fromkeys(_OWN_KEYS)
    settled |= {name.lower(): (value,) for name, value in settled_keys(caller, owner)}
    if caller.kind is CallerKind.SERVICE:
        # AWS gives no values for these keys of a service; they are searched like any other.
        settled = {k: v for k, v in settled.items() if v is not None or k == "aws:username"}
    if caller.kind is CallerKind.SESSION:
        # Whether a provider signed the session in, and which, the caller's ARN does not tell.
        del settled[_PROVIDER]
    return CallerCase(
        name=caller.arn if least is Grade.ACCOUNT else f"{caller.arn} without a policy of its own",
        caller=caller,
        least=least,
        # The owner of the resource is no trait of the caller.
        settled={k: v for k, v in settled.items() if k != "aws:resourceaccount"},
        owner=owner,
    )


def _callers(
    policies: Sequence[Policy], owner: str, atoms: Sequence[Atom], budget: Budget
) -> Iterator[Caller]:
    principals = tuple(principals_of(policies))
    named = dict.fromkeys((p.type, p.value) for p in principals if not p.is_everyone)
    far = _unused_account({*_named_accounts(policies, atoms), owner})
    accounts = dict.fromkeys((owner, *sorted(_named_accounts(policies, atoms)), far))
    if len(named) + len(accounts) > _MOST_NAMED:
        raise OverBudget(f"the policies name more than {_MOST_NAMED} principals")
    partitions = _partitions(policies)
    for partition in partitions:
        yield from _example_callers(partition, owner, accounts)
    service = next((name for name in _SERVICES if ("Service", name) not in named), "")
    yield from _parsed_caller(service, "", "")
    for kind, value in named:
        yield from _named_caller(value, kind)
    # Conditions on the caller tell further ones apart, in each account and beside everyone who is named.
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
    """A named principal as a pattern of aws:PrincipalArn: of a session, the role with any path."""
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
    """The named sessions of a role: the session says the name of its role, and not the path."""
    fields = role.split(":")
    for session in sessions:
        own = session.split(":")
        if fields[4] == own[4] and role.rpartition("/")[2] == own[5].split("/")[1]:
            yield from _parsed_caller(session, "", role)


def _parsed_caller(text: str, action: str, role: str) -> Iterator[Caller]:
    try:
        yield caller_of(text, action=action, role=role)
    except InputError:
        # A principal that is no caller (an id of a deleted role) asks for nothing.
        return


def _named_accounts(policies: Sequence[Policy], atoms: Sequence[Atom]) -> set[str]:
    texts = [p.value for p in principals_of(policies)]
    texts += [text for atom in atoms if atom.key in identity_callers.KEYS for text in atom.wanted]
    return set(_ACCOUNTS.findall(" ".join(texts)))


def _written_accounts(policies: Sequence[Policy], owner: str) -> set[str]:
    """The accounts that the policies name, and not those that a variable stands for: a stranger's can be one of these."""
    texts = [p.value for p in principals_of(policies)]
    texts += [
        value.value
        for policy in policies
        for statement in policy.statements
        for condition in statement.conditions
        if condition.name in identity_callers.KEYS
        for value in condition.values
    ]
    return {*_ACCOUNTS.findall(" ".join(texts)), owner}


def _unused_account(named: Iterable[str]) -> str:
    taken = set(named)
    return next(
        a for a in (*_EXAMPLES, *(f"{n:012}" for n in range(len(taken) + 1))) if a not in taken
    )
