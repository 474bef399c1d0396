"""A statement as one plain sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.effective.ineffective_statements import actions_lacking_key, rejection_reasons
from aws_iam.engine.explain.actions import OF_TRUST, actions, with_object
from aws_iam.engine.explain.conditions import conditions, variable_names, variables_note
from aws_iam.engine.explain.principals import EVERYONE, principals
from aws_iam.engine.explain.resources import resources
from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.resource_policy_scope import is_decided, scope_of
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from aws_iam.engine.effective.action_expansion import Expansion, Named
    from aws_iam.engine.effective.targets import Targets
    from aws_iam.engine.language.document import Policy, Statement


@slotted
class _SentenceFrame:
    """How sentences about a kind of policy start and end; `{who}` stands for the statement's principals."""

    allow: str
    deny: str
    allow_end: str = ""


_WINS = "; this wins over any Allow"
_GRANTS_NOTHING = "; this is a limit and grants nothing by itself"
_FRAMES = {
    Kind.IDENTITY: _SentenceFrame(
        allow="Whoever has this policy may", deny="Whoever has this policy may not"
    ),
    Kind.BOUNDARY: _SentenceFrame(
        allow="Whoever has this boundary may at most",
        deny="Whoever has this boundary may not",
        allow_end=_GRANTS_NOTHING,
    ),
    Kind.SESSION: _SentenceFrame(
        allow="The session may at most",
        deny="The session may not",
        allow_end="; its role or user must allow it too",
    ),
    Kind.SCP: _SentenceFrame(
        allow="In the member accounts under this policy, users, roles (service-linked roles apart) and the root user may at most",
        deny="In the member accounts under this policy, no user, role (service-linked roles apart) or root user may",
        allow_end=_GRANTS_NOTHING,
    ),
    Kind.RCP: _SentenceFrame(
        allow="On resources of the member accounts under this policy, {who} (service-linked roles apart) may at most",
        deny="On resources of the member accounts under this policy, {who} (service-linked roles apart) may not",
        allow_end=_GRANTS_NOTHING,
    ),
    Kind.RESOURCE: _SentenceFrame(allow="{who} may", deny="{who} may not"),
    Kind.TRUST: _SentenceFrame(allow="{who} may", deny="{who} may not"),
}


def sentence(
    statement: Statement,
    policy: Policy,
    expansion: Expansion,
    targets: Targets,
    stand_ins: frozenset[str] = frozenset(),
) -> str:
    """The statement in words; for one that AWS would reject, the reason.

    `stand_ins` are entries of its action element that are unknown until deployment.
    """
    broken = rejection_reasons(statement, policy.kind)
    if broken:
        return f"This statement has no effect, because AWS refuses the policy: {'; '.join(broken[:3])}."
    frame = _FRAMES[policy.kind]
    opening = _opening(statement, policy.kind, frame)
    what = actions(statement, policy.kind, expansion, stand_ins)
    filled_in = policy.version is not None and policy.version.value == "2012-10-17"
    where = _target(statement, policy.kind, targets)
    names = variable_names((*statement.resources, *statement.not_resources))
    where += variables_note(names, filled_in=filled_in) if names else ""
    what = f"{what}{where}"
    if policy.kind is not Kind.TRUST:
        what = with_object(statement, where.removeprefix(" on ")) or what
    when = _when(statement, filled_in=filled_in)
    end = _WINS if statement.denies else frame.allow_end
    idle = "" if stand_ins else _without_effect(statement, policy, expansion, targets)
    return f"{opening} {what}{when}{end}{idle}."


def _opening(statement: Statement, kind: Kind, frame: _SentenceFrame) -> str:
    text = frame.deny if statement.denies else frame.allow
    if "{who}" not in text:
        return text
    who = principals(statement)
    if statement.denies and who == EVERYONE:
        # `everyone may not` could be read as `not everyone may`.
        who, text = "nobody", text.replace("may not", "may")
    elif statement.denies and statement.has("NotPrincipal"):
        text = text.replace("may not", "must not")
    elif kind is Kind.RESOURCE and who == EVERYONE:
        who = "everyone (of any account, or of none)"
    text = text.replace("{who}", who)
    return text[0].upper() + text[1:]


def _target(statement: Statement, kind: Kind, targets: Targets) -> str:
    if kind is Kind.TRUST and not (statement.has("Resource") or statement.has("NotResource")):
        named = all(action.value.lower() in OF_TRUST for action in statement.actions)
        return "" if named and statement.actions else " on the role of this policy"
    if kind is Kind.RCP and all(resource.value == "*" for resource in statement.resources):
        return "" if statement.has("Resource") else f" on {resources(statement, kind, targets)}"
    return f" on {resources(statement, kind, targets)}"


def _without_effect(
    statement: Statement, policy: Policy, expansion: Expansion, targets: Targets
) -> str:
    """Which actions have no effect: no request combines them with these resources or conditions, or is about the policy's resource."""
    named = expansion.named(statement)
    return (
        _off_target(statement, named, expansion, targets)
        or _lacking_keys(statement, named, expansion)
        or _of_no_policy(named, scope_of(policy))
    )


def _of_no_policy(named: Named, scope: str | None) -> str:
    """The actions that are asked of no resource with such a policy."""
    if scope is None:
        return ""
    idle = [own.full_name for own in named.values() if not is_decided(own.full_name, scope)]
    if not idle:
        return ""
    which = joined(idle) if len(idle) <= _MOST_NAMED else f"{len(idle):,} of these actions"
    verb = "has" if len(idle) == 1 else "have"
    of = f"the policy of `{scope}`" if scope else "the policy of a resource"
    return f"; {which} {verb} no effect in {of}"


def _lacking_keys(statement: Statement, named: Named, expansion: Expansion) -> str:
    lacking = (
        actions_lacking_key(statement, named, expansion.spend) if statement.conditions else {}
    )
    if not lacking:
        return ""
    keys = joined([quoted(key) for key in dict.fromkeys(lacking.values())])
    if len(lacking) == len(named):
        return f"; this never matches: by AWS's reference requests for these actions do not have {keys}"
    names = [named[name].full_name for name in lacking]
    which = (
        joined(names)
        if len(names) <= _MOST_NAMED
        else f"{len(names):,} of these {len(named):,} actions"
    )
    verb = (
        "matches: by AWS's reference its" if len(names) == 1 else "match: by AWS's reference their"
    )
    return f"; {which} never {verb} requests do not have {keys}"


def _off_target(statement: Statement, named: Named, expansion: Expansion, targets: Targets) -> str:
    if not statement.has("NotResource") and any(r.value == "*" for r in statement.resources):
        return ""
    expansion.spend(len(named))
    missed = targets.missed(statement, named.values())
    if not missed:
        return ""
    if missed == len(named):
        return "; by AWS's reference this never matches, because none of these actions works on these resources"
    never = [
        name
        for a in statement.actions
        if (name := _missing(a.value, statement, expansion, targets))
    ]
    if len(never) == missed <= _MOST_NAMED:
        return f"; {joined(never)} never {'matches' if missed == 1 else 'match'} these resources"
    return f"; {missed:,} of these {len(named):,} actions never match, because they do not work on these resources"


_MOST_NAMED = 4


def _missing(name: str, statement: Statement, expansion: Expansion, targets: Targets) -> str:
    """The action of this name if it works on none of the resources; empty for a wildcard."""
    found = expansion.pattern(name) if is_literal(name) else {}
    return next((a.full_name for a in found.values() if not targets.meets(statement, a)), "")


def _when(statement: Statement, *, filled_in: bool) -> str:
    if not statement.conditions:
        return ""
    word = "if" if statement.denies else "only if"
    return f", {word} {conditions(statement.conditions, filled_in=filled_in)}"
