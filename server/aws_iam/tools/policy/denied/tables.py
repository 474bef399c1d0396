"""The facts of `policy denied`: what was told, what blocks by the policies at hand, where both disagree, what is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.engine.denied.grant_statement import is_permission_set
from aws_iam.engine.denied.remedy import near_misses, needed_layers, principal_arn
from aws_iam.engine.denied.request import STRANGER
from aws_iam.engine.effective.escalation import escalation_paths
from aws_iam.engine.evaluate import Evaluation, evaluated
from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.evaluation.decision_flow import Outcome
from aws_iam.engine.evaluation.hinges import hinges
from aws_iam.engine.evaluation.layers import LAYERS, Layers, layers_of
from aws_iam.engine.evaluation.request import Request, request_of
from aws_iam.engine.reference.catalog import catalog
from aws_iam.escape import quoted
from aws_iam.tools.policy.denied.layer_words import DECODE_CALL, REMARKS, WORDS
from aws_iam.tools.policy.denied.proofs import owner_of, policy_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.denied.message import Denial
    from aws_iam.engine.denied.remedy import Remedy
    from aws_iam.engine.denied.request import Asked
    from aws_iam.engine.denied.shelf import Shelf
    from aws_iam.engine.effective.escalation import EscalationPath

_MOST_ROWS = 10
_RANK: tuple[Outcome, ...] = ("ExplicitlyDenied", "ImplicitlyDenied", "Unknown", "Allowed")
_AS_SAID: Mapping[bool | None, Outcome] = {True: "ExplicitlyDenied", False: "ImplicitlyDenied"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """The decision by the policies exactly as given."""

    request: Request
    layers: Layers
    evaluation: Evaluation
    # A missing key, whether its conditions were met then, and the outcome.
    hanging: tuple[tuple[str, str, Outcome], ...]


def decided(asked: Mapping[str, Any], policies: Any) -> Here | None:
    """The decision on the request by the policies given; None without any."""
    if policies is None:
        return None
    request, layers = request_of(dict(asked)), layers_of(policies)
    found = evaluated(request, layers)
    hanging = tuple(
        (key, word, outcome)
        for key, outcomes in hinges(request, layers, found.decision).items()
        for word, outcome in outcomes.items()
    )
    return Here(request=request, layers=layers, evaluation=found, hanging=hanging[:_MOST_ROWS])


def service_of(denial: Denial) -> str:
    """The service the request was for, as far as known."""
    likely = {action.partition(":")[0].lower() for action in denial.likely_actions}
    alone = next(iter(likely)) if len(likely) == 1 else ""
    return denial.action.partition(":")[0].lower() or denial.service or alone


def is_unseen(denial: Denial, way: Remedy) -> bool:
    """Whether AWS speaks of a Deny that the policies given do not show."""
    return denial.explicit is True and way.before.decision.outcome != "ExplicitlyDenied"


def told(denial: Denial) -> dict[str, Any]:
    """What AWS said, what it means, and what it does not tell."""
    effect = {True: "explicit deny", False: "no allow", None: ""}[denial.explicit]
    parts = {
        "principal": denial.principal,
        "action": denial.action,
        "resource": denial.resource,
        "layer": denial.layer,
        "policy_type": denial.policy_type,
        "effect": effect,
        "policy_arn": denial.policy_arn,
        "operation": denial.operation,
        "error_code": denial.code,
        "remark": denial.remark,
    }
    facts: dict[str, Any] = {"aws_said": {name: text for name, text in parts.items() if text}}
    words = WORDS.get(denial.policy_type)
    if words:
        facts["who_can_change_it"] = words.owner
        facts["look_at"] = list(words.look_at)
    facts["aws_did_not_tell"] = list(denial.untold)
    if denial.encoded:
        facts["encoded"] = (
            f"the message carries an encoded part that tells the request and its context: `{DECODE_CALL}` decodes it"
            " and needs sts:DecodeAuthorizationMessage"
        )
    if denial.likely_actions:
        facts["likely_actions"] = list(denial.likely_actions)
    return facts


def judged(denial: Denial, way: Remedy, here: Here | None, shelf: Shelf) -> dict[str, Any]:
    """What blocks, in the order in which it must go, and how that fits the message."""
    facts: dict[str, Any] = {}
    misses = list(_misses(here, shelf)) if here else []
    conditional = [row for row in misses if row["does_not_match"].startswith("its condition")]
    fixes = list(_fixes(denial, way, here, conditional[:3]))
    if fixes:
        facts["fix"] = fixes
    blocks = list(_blocks(denial, here))
    if blocks:
        facts["blocks"] = blocks
    if misses:
        facts["allows_that_do_not_match"] = misses[:_MOST_ROWS]
    if here:
        causes = list(_disagreement(denial, here, shelf))
        if causes:
            facts["aws_and_these_policies_differ"] = causes
    return facts


def _misses(here: Here, shelf: Shelf) -> Iterator[dict[str, str]]:
    for layer in here.evaluation.decision.blocked_by:
        yield from near_misses(here.request, shelf, layer)


def _blocks(denial: Denial, here: Here | None) -> Iterator[dict[str, str]]:
    """One row for each obstacle that the policies show, and AWS's own when it is not among them."""
    effect = "explicit deny" if denial.explicit else "no allow"
    if here is None:
        if denial.layer:
            yield {"layer": denial.layer, "how": effect, "where": "as AWS says"}
        return
    decision = here.evaluation.decision
    denying = [statement for statement in decision.because if statement.effect == "Deny"]
    if denial.layer and denial.layer not in decision.blocked_by:
        where = "as AWS says; not seen in the policies given"
        yield {"layer": denial.layer, "how": effect, "where": where}
    for statement in denying:
        yield {
            "layer": statement.layer,
            "how": "explicit deny",
            "where": f"{statement.policy}{statement.pointer}",
        }
    for layer in decision.blocked_by:
        if layer not in {statement.layer for statement in denying}:
            yield {"layer": layer, "how": "no allow", "where": f"/{layer}"}


def _fixes(
    denial: Denial,
    way: Remedy,
    here: Here | None,
    conditional: Sequence[Mapping[str, str]],
) -> Iterator[str]:
    """What to do, the mildest first: meet a condition, then change a policy."""
    if here:
        now = _RANK.index(here.evaluation.decision.outcome)
        for key, word, outcome in here.hanging:
            if _RANK.index(outcome) > now:
                yield (
                    f"without a change of policy: were the conditions on {quoted(key)} {word}, the outcome would be"
                    f" {outcome}; the request does not carry the key"
                )
    if is_unseen(denial, way):
        yield from _ask_for_exception(denial, way)
        return
    for row in conditional:
        yield (
            f"without a change of policy: the Allow at {row['statement']} does for a request that meets"
            f" {row['does_not_match']}; the change proposed allows the request without it"
        )
    for change in way.changes:
        name = policy_name(way, change.layer)
        if change.how == "add":
            where = (
                change.place
                if change.pointer
                else "the policy in force: add to it, do not replace it"
            )
            yield f"add the statement to the {name} ({where}); {owner_of(way, change.layer)} can do it"
        else:
            yield (
                f"ask {owner_of(way, change.layer)} for an exception from the Deny at {change.place}: the statements in"
                " `changes` deny all the rest as before"
            )
    if way.stuck:
        yield way.stuck


def _ask_for_exception(denial: Denial, way: Remedy) -> Iterator[str]:
    words = WORDS.get(denial.policy_type)
    owner = words.owner if words else "the owner of the Deny"
    arn = principal_arn(way.request)
    policy = f" in {quoted(denial.policy_arn)}" if denial.policy_arn else ""
    if denial.layer in {"identity", "boundary", "session"} or not arn:
        how = f"a Deny that leaves out {quoted(denial.action)} on {quoted(way.request.resource)}"
    else:
        how = f"the condition ArnNotEquals aws:PrincipalArn {quoted(arn)} in the Deny"
    yield f"first see whether the request can meet the condition of the Deny{policy}: an Allow does not help"
    yield f"else ask {owner} for the narrowest exception: {how}; give the policy in `policies` to have it worked out"


def _disagreement(denial: Denial, here: Here, shelf: Shelf) -> Iterator[str]:
    """Where AWS's message and the policies given do not fit together, and what may be behind it."""
    decision = here.evaluation.decision
    if decision.outcome == "Allowed":
        yield "by the policies given the request is allowed, and AWS refused it"
    elif denial.layer and denial.layer not in decision.blocked_by:
        yield f"AWS names the layer {denial.layer}; by the policies given {_list(decision.blocked_by)} blocks"
    elif denial.explicit and decision.outcome != "ExplicitlyDenied":
        yield "AWS speaks of an explicit deny; no Deny of the policies given matches"
    elif denial.explicit is False and decision.outcome == "ExplicitlyDenied":
        yield "AWS speaks of a missing Allow; a Deny of the policies given matches"
    else:
        return
    for key, word, outcome in here.hanging:
        if outcome == _AS_SAID.get(denial.explicit):
            yield f"likely cause: the conditions on {quoted(key)} were {word}, for then the outcome is {outcome}"
    if denial.layer and denial.layer not in shelf:
        yield f"likely cause: the {denial.policy_type} that AWS speaks of was not given"
    elif absent := _absent(here.request, shelf):
        yield f"possible cause: layers that were not given ({_list(absent)})"
    if decision.missing_keys:
        keys = ", ".join(map(quoted, decision.missing_keys[:5]))
        yield f"possible cause: the request did carry {keys}, which the message does not tell"
    yield "possible cause: the policies were changed after the request, and a change takes time to spread"


def _list(words: Sequence[str]) -> str:
    return ", ".join(words) or "no layer"


def _absent(request: Request, shelf: Shelf) -> list[str]:
    own = {"identity", "boundary", "session"}
    has_own = "identity" in needed_layers(request)
    return [
        layer
        for layer in LAYERS
        if layer not in shelf
        and (has_own or layer not in own)
        and (layer != "rcp" or request.service in catalog().rcp_services)
    ]


def left(
    denial: Denial,
    every: Sequence[Denial],
    request: Asked,
    way: Remedy | None,
    shelf: Shelf | None,
) -> dict[str, Any]:
    """What was concluded and assumed, which layers nobody saw, and the other messages of the text."""
    facts: dict[str, Any] = {}
    if request.concluded:
        facts["concluded"] = list(request.concluded)
    if way and way.assumed:
        facts["assumed"] = list(way.assumed)
    if way and shelf is not None:
        changed = {change.layer for change in way.changes}
        absent = [key for key in _absent(way.request, shelf) if key not in changed]
        facts |= {"not_given_and_may_block_next": absent} if absent else {}
    notes = list(_notes(denial, request, way))
    if notes:
        facts["notes"] = notes
    others = [other for other in every if other is not denial]
    if others:
        facts["other_messages"] = [_row(denial) for denial in others[:_MOST_ROWS]]
    return facts


def _row(denial: Denial) -> dict[str, str]:
    parts = {
        "action": denial.action or denial.operation,
        "resource": denial.resource,
        "principal": denial.principal,
        "layer": denial.layer,
        "effect": {True: "explicit deny", False: "no allow", None: ""}[denial.explicit],
    }
    return {name: text for name, text in parts.items() if text}


def _notes(denial: Denial, request: Asked, way: Remedy | None) -> Iterator[str]:
    if denial.policy_arn.partition(":iam::")[2].startswith("aws:policy/"):
        yield "the policy is AWS's own and cannot be edited: attach another one instead"
    if is_permission_set(denial.principal.rpartition("assumed-role/")[2].partition("/")[0]):
        yield "the caller comes from IAM Identity Center: change the permission set, not the role it keeps"
    yield from REMARKS.get(service_of(denial), ((), ""))[0]
    known = catalog().action(denial.action) if denial.action else None
    ways = [path.title for path in escalation_paths() if denial.action in _needs(path)]
    # A path may need to read something on its way, which is no step that anybody minds.
    if ways and known and known.level not in {"Read", "List"}:
        of = (
            "a known privilege escalation path"
            if len(ways) == 1
            else (f"{len(ways)} known privilege escalation paths, such as")
        )
        yield (
            f"{denial.action} is a step of {of} {quoted(ways[0])}: look at what the whole policy opens with"
            " `aws-iam policy explain`"
        )
    if known and "resource" in request.lacks:
        yield f"{known.full_name} is authorized on {_list(known.resource_types)}: give the message with the ARN"
    if denial.action and known is None:
        yield f"{quoted(denial.action)} is {catalog().tier(denial.action)} to the service data"
    if "*" in denial.resource[1:]:
        yield "the resource of the message holds `*`: as an entry of a policy it is a pattern"
    if denial.operation and denial.action and not _same_name(denial):
        yield (
            f"the call {quoted(denial.operation)} needs {quoted(denial.action)} among others: each of its actions and"
            " resources is authorized apart and may fail next"
        )
    if way:
        yield from _about_request(denial, way)


def _allows(document: Mapping[str, Any]) -> bool:
    body = document.get("Statement", [])
    return any(
        statement.get("Effect") == "Allow"
        for statement in (body if isinstance(body, list) else [body])
    )


def _needs(path: EscalationPath) -> set[str]:
    return {need.action for need in path.required}


def _same_name(denial: Denial) -> bool:
    return denial.operation.lower() == denial.action.partition(":")[2].lower()


def _about_request(denial: Denial, way: Remedy) -> Iterator[str]:
    request = way.request
    if way.identity_alone == "ImplicitlyDenied":
        yield (
            f"an identity policy alone would not be enough: the {policy_name(way, 'resource')} itself must allow"
        )
    if way.identity_alone == "Allowed":
        yield "an identity policy alone would do as well: caller and resource are of one account"
    if request.crosses_accounts and request.resource_account != STRANGER:
        yield (
            f"the caller is of account {request.caller.account}, the resource of {request.resource_account}: both sides"
            " must allow, and the change gives another account access"
        )
    if request.caller.kind is CallerKind.SERVICE and way.changes:
        yield (
            "a service calls for a resource of somebody: limit the statement by aws:SourceArn or aws:SourceAccount, which"
            " the message does not tell"
        )
    if any(
        change.layer == "scp" and change.pointer and not _allows(change.before)
        for change in way.changes
    ):
        yield "no SCP given at that level allows anything: if FullAWSAccess is attached there, give it as well"
    unresolved = [name for name in way.before.decision.missing_keys if name]
    if unresolved and not denial.context:
        keys = ", ".join(map(quoted, unresolved[:5]))
        yield f"the message does not tell the context: {keys} counted as absent"
