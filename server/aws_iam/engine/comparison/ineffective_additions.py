"""What a document adds to a policy, or takes from it, without any effect: names that do not exist, actions that never meet their resources."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.actions import matching_actions
from aws_iam.engine.comparison.arn_formats import may_be_asked
from aws_iam.engine.comparison.automaton import Budget, OverBudget
from aws_iam.engine.comparison.clauses import principals_of
from aws_iam.engine.comparison.distinct_values import Atom, distinct_values
from aws_iam.engine.comparison.named_accounts import accounts_of, known_owner
from aws_iam.engine.evaluation.fixed_outcomes import works_across_accounts
from aws_iam.engine.evaluation.layers import IndexedStatement
from aws_iam.engine.language.arn import as_short_form
from aws_iam.engine.language.kinds import Kind
from aws_iam.engine.language.memo import memo_on_subject
from aws_iam.engine.language.operators import OPERATORS
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.resource_policy_scope import is_decided, scope_of, together
from aws_iam.escape import quoted
from aws_iam.frozen import positional
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from aws_iam.engine.language.document import Policy, Principal, Statement

# Names that are looked up, and pairs of an action and a resource that are compared; a row says when there are more.
_WORK = 20_000
# Statements that are looked at in one step of it.
_COMPARED = 10
_SHOWN = 2
# IAM User Guide, reference_identifiers and reference_policies_elements_principal: AWS puts the id of a user or a role in
# place of its ARN when it is deleted.
_DELETED = re.compile(r"A(?:ID|RO)A[A-Z0-9]{8,}")
_OF_NOBODY = "it is the id of a user or a role that was deleted, and names nobody"
_OF_TRUST = "it is an identity provider, which only the trust policy of a role can name"


@positional
class _Sides:
    """The policies of both sides, the account that owns the resource, if known, and the changed statements, by identity.

    `scope` is what limits the actions that the policies decide about.
    """

    new: Sequence[Policy]
    old: Sequence[Policy]
    owner: str
    decisive: Container[int]
    scope: str | None


def ineffective_additions(
    new: Sequence[Policy],
    old: Sequence[Policy],
    decisive: Container[int],
    changed: Container[str],
    *,
    is_complete: bool,
) -> tuple[dict[str, str], ...]:
    """The entries that statements of the new policies add, {"entry", "statement", "why"}, and that change nothing.

    `decisive` are the changed statements, by identity, `changed` the actions that some request gains or loses;
    `is_complete` if these are all of them.
    """
    before = _words_of(old)
    scope = together(scope_of(own) for own in (*new, *old) if own.statements)
    sides = _Sides(new, old, known_owner((*new, *old)), decisive, scope)
    rows = chain(
        _new_entries(sides, before, changed if is_complete else None),
        _repeated(sides, before, changed if is_complete else frozenset()),
    )
    return (*_principals_of_nobody(new, old, decisive), *_as_far_as_judged(rows))


def ineffective_removals(
    new: Sequence[Policy], old: Sequence[Policy], decisive: Container[int]
) -> tuple[dict[str, str], ...]:
    """The entries that changed statements lack now, and that meant no request: why the policies are equal."""
    scope = together(scope_of(own) for own in (*new, *old) if own.statements)
    sides = _Sides(old, new, "", decisive, scope)
    return (
        *_principals_of_nobody(old, new, decisive),
        *_as_far_as_judged(_repeated(sides, _words_of(old), frozenset())),
    )


def _as_far_as_judged(rows: Iterable[dict[str, str]]) -> Iterator[dict[str, str]]:
    try:
        yield from rows
    except OverBudget:
        why = "the policies have too many for all to be judged"
        yield {"entry": "further entries", "statement": "", "why": why}


def _row(word: str, statement: Statement, why: str) -> dict[str, str]:
    return {"entry": as_short_form(word), "statement": statement.place().pointer, "why": why}


def _new_entries(
    sides: _Sides, before: frozenset[str], changed: Container[str] | None
) -> Iterator[dict[str, str]]:
    """The entries that no statement had and that change nothing; `changed` are the actions with a difference, if all are known."""
    budget = Budget(_WORK)
    for statement in _decisive(sides):
        for word in _entries(statement, _words(statement) - before):
            if changed is not None and word in changed and catalog().action(word):
                continue
            if why := _why(word, statement, changed, sides, budget):
                yield _row(word, statement, why)


def _repeated(
    sides: _Sides, before: frozenset[str], changed: Container[str]
) -> Iterator[dict[str, str]]:
    """The entries that other statements had, too, or that of other principals, and that mean no request in a changed one.

    What such an entry adds where it means some request is no news: the statement that has it may only be another one.
    """
    old = [own for policy in sides.old for own in policy.statements if id(own) in sides.decisive]
    budget = Budget(_WORK)
    for statement in _decisive(sides):
        left = _words(statement) & before
        budget.spend(len(old) // _COMPARED)
        for own in old:
            if not left:
                break
            if _is_for_all_of(own, statement):
                left -= _words(own)
        for word in _entries(statement, left):
            if word in changed:
                continue
            if why := _why_unasked(word, statement, sides, budget):
                yield _row(word, statement, why)


def _decisive(sides: _Sides) -> Iterator[Statement]:
    """The changed statements of the new policies that are for somebody."""
    for policy in sides.new:
        for statement in policy.statements:
            if id(statement) in sides.decisive and not _is_for_nobody(policy, statement):
                yield statement


def _is_for_all_of(own: Statement, statement: Statement) -> bool:
    """Whether a statement has the effect of another one, and names all of its principals."""
    if own.allows is not statement.allows:
        return False
    named = {(principal.type, principal.value) for principal in own.principals}
    return named.issuperset((p.type, p.value) for p in statement.principals)


def _why_unasked(word: str, statement: Statement, sides: _Sides, budget: Budget) -> str:
    """Why no request is for an entry, whoever sends it; empty if some is."""
    if word in statement.resource_words:
        return _why_resource(word, statement, budget)
    names = _actions(word, budget)
    known = [name for name in names if catalog().action(name)]
    if not known:
        return _why_unknown(word)
    return _why_apart(known, statement, budget) or _why_of_other_resource(known, sides.scope)


def _words_of(policies: Iterable[Policy]) -> frozenset[str]:
    return frozenset().union(*(_words(own) for policy in policies for own in policy.statements))


@memo_on_subject
def _words(statement: Statement) -> frozenset[str]:
    return frozenset(map(str.lower, (*statement.action_words, *statement.resource_words)))


def _entries(statement: Statement, words: frozenset[str]) -> Iterator[str]:
    """The entries of a statement that are among the words, which are in lower case."""
    if words:
        listed = (*statement.action_words, *statement.resource_words)
        yield from (word for word in listed if word.lower() in words)


def _why(
    word: str, statement: Statement, changed: Container[str] | None, sides: _Sides, budget: Budget
) -> str:
    """Why an entry has no effect; empty if it has one, or may have."""
    if word in statement.resource_words:
        return _why_resource(word, statement, budget)
    names = _actions(word, budget)
    known = [name for name in names if catalog().action(name)]
    if not known:
        # What may be newer than the data counts as gained.
        is_newer = changed is not None and word in changed and catalog().tier(word) == "unknown"
        return "" if is_newer else _why_unknown(word)
    if changed is not None and any(name in changed for name in names):
        return ""
    why = _why_apart(known, statement, budget) or _why_of_other_resource(known, sides.scope)
    if why or changed is None:
        return why
    return _why_not_across_accounts(known, statement, sides.owner) or _why_settled(
        known, statement, sides
    )


def _why_apart(names: Sequence[str], statement: Statement, budget: Budget) -> str:
    """That the actions are never asked for on a resource of the statement."""
    resources = statement.resource_words
    if not resources or _meet(names, resources, budget):
        return ""
    on = joined([quoted(as_short_form(text)) for text in resources], "or", shown=_SHOWN)
    return f"it is never asked for on {on}"


def _why_of_other_resource(names: Sequence[str], scope: str | None) -> str:
    """That the actions are never asked of the resource whose policy it is."""
    if scope is None or any(is_decided(name, scope) for name in names):
        return ""
    whose = f"the policy of a resource of type `{scope}` does not decide" if scope else ""
    return f"{whose or 'no policy of a resource decides'} about it"


def _why_not_across_accounts(names: Sequence[str], statement: Statement, owner: str) -> str:
    """That KMS refuses the actions to the accounts that the statement names."""
    accounts = accounts_of(statement.principals)
    is_foreign = bool(owner and accounts) and owner not in accounts
    is_kms = all(name.startswith("kms:") for name in names)
    if not is_foreign or not is_kms or any(map(works_across_accounts, names)):
        return ""
    return "KMS does not accept it from another account"


def _why_settled(names: Sequence[str], statement: Statement, sides: _Sides) -> str:
    """Why no request is decided in another way: by the statement itself, or by others."""
    if _is_contradictory(statement):
        return "no request meets all conditions of its statement"
    if statement.allows and _names_only_account(statement, sides.owner):
        return "the resource's account decides about its own principals by their policies"
    before = any(_takes(own, names, allows=statement.allows) for own in sides.old)
    if statement.allows:
        if before:
            return "it was allowed before"
        is_denied = any(_takes(own, names, allows=False) for own in sides.new)
        return "it is denied" if is_denied else "it allows no further request"
    if before:
        # A Deny that became this one has not more actions now, but fewer.
        is_kept = any(
            _takes(own, names, allows=False, outside=sides.decisive) for own in sides.old
        )
        return "it was denied before" if is_kept else ""
    is_allowed = any(_takes(own, names, allows=True) for own in (*sides.new, *sides.old))
    return "it denies no further request" if is_allowed else "nothing allows it"


def _takes(
    policy: Policy, names: Sequence[str], *, allows: bool, outside: Container[int] = ()
) -> bool:
    """Whether a statement of the policy with this effect applies to one of the actions, of those not `outside`."""
    return any(
        IndexedStatement.of(own).takes(name.lower())
        for own in policy.statements
        if (own.allows if allows else own.denies) and id(own) not in outside
        for name in names
    )


def _names_only_account(statement: Statement, owner: str) -> bool:
    """Whether the statement names the resource's account as a whole and nobody else."""
    named = [principal.value for principal in statement.principals]
    return bool(owner and named) and all(
        name == owner or name.endswith(f":{owner}:root") for name in named
    )


def _is_contradictory(statement: Statement) -> bool:
    """Whether the conditions on a key exclude each other."""
    by_key: dict[str, list[Atom]] = {}
    for own in statement.conditions:
        if own.base not in OPERATORS or any("${" in value.value for value in own.values):
            continue
        values = tuple(sorted(value.value for value in own.values))
        by_key.setdefault(own.name, []).append(Atom(own.name, own.operator.value, values))
    return any(
        all(value.true != (1 << len(atoms)) - 1 for value in distinct_values(key, atoms))
        for key, atoms in by_key.items()
    )


def _principals_of_nobody(
    new: Sequence[Policy], old: Sequence[Policy], decisive: Container[int]
) -> Iterator[dict[str, str]]:
    """The principals that stand for nobody and that changed statements add."""
    before = {own.value for own in principals_of(old)}
    for policy in new:
        for statement in policy.statements:
            for own in (*statement.principals, *statement.not_principals):
                if id(statement) in decisive and own.value not in before:
                    why = _why_nobody(policy, own)
                    if why:
                        place = statement.place().pointer
                        yield {"entry": own.value, "statement": place, "why": why}


def _why_nobody(policy: Policy, principal: Principal) -> str:
    """Why a principal stands for nobody; empty if it does."""
    if _DELETED.fullmatch(principal.value):
        return _OF_NOBODY
    # IAM's validator refuses it there: FEDERATED_PRINCIPAL_NOT_SUPPORTED.
    if policy.kind is Kind.RESOURCE and principal.type == "Federated":
        return _OF_TRUST
    return ""


def _is_for_nobody(policy: Policy, statement: Statement) -> bool:
    """Whether every principal of the statement stands for nobody, so that nothing in it has an effect."""
    named = statement.principals
    return bool(named) and all(_why_nobody(policy, own) for own in named)


def _why_unknown(word: str) -> str:
    tier = catalog().tier(word)
    if tier == "retired":
        return "AWS has retired this action"
    if tier == "undocumented":
        return "AWS does not document this action, so its effect is unknown"
    if "*" in word or "?" in word:
        return f"it matches no known action as of {catalog().as_of}"
    near = catalog().suggest_action(word)
    instead = f"; `{near[0]}` is one" if near else ""
    return f"it is no known action as of {catalog().as_of}{instead}"


def _why_resource(word: str, statement: Statement, budget: Budget) -> str:
    if statement.has("NotAction"):
        return ""
    names = (name for entry in statement.action_words for name in _actions(entry, budget))
    if _meet(names, (word,), budget):
        return ""
    return "none of the statement's actions is asked for on it"


def _actions(entry: str, budget: Budget) -> tuple[str, ...]:
    # A wildcard in the service is compared with the names of all services.
    budget.spend(1 if is_literal(entry.partition(":")[0]) else _WORK // 10)
    return matching_actions(entry)


def _meet(names: Iterable[str], resources: Sequence[str], budget: Budget) -> bool:
    for name in names:
        for text in resources:
            budget.spend()
            if may_be_asked(name, text):
                return True
    return False


def misspelt_keys(
    new: Sequence[Policy], old: Sequence[Policy], decisive: Container[int]
) -> tuple[dict[str, str], ...]:
    """The condition keys that changed statements add, {"key", "statement", "why"}, and that are spelled almost like one."""
    before = {name for policy in old for name, _ in _keys(policy.statements)}
    changed = (s for policy in new for s in policy.statements if id(s) in decisive)
    return tuple(
        {
            "key": key,
            "statement": own.place().pointer,
            "why": f"it is no known condition key as of {catalog().as_of}; `{near[0]}` is one",
        }
        for own in changed
        for name, key in _keys((own,))
        if name not in before
        and not catalog().condition_key(key)
        and (near := catalog().suggest_condition_key(key))
    )


def _keys(statements: Iterable[Statement]) -> Iterator[tuple[str, str]]:
    """The condition keys, in lower case and as written."""
    for statement in statements:
        yield from ((c.name, c.key.value) for c in statement.conditions)
