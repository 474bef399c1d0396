"""The facts of `policy denied`: what AWS said, what blocks according to the given policies, where they disagree, what is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_iam.engine.denied.change import principal_arn
from aws_iam.engine.denied.near_misses import near_misses
from aws_iam.engine.denied.remedy import needed_layers
from aws_iam.engine.denied.request import UNKNOWN_ACCOUNT
from aws_iam.engine.effective.escalation import escalation_paths
from aws_iam.engine.evaluation.caller import CallerKind
from aws_iam.engine.evaluation.decision_flow import Outcome
from aws_iam.engine.evaluation.evaluate import Evaluation, evaluate_request
from aws_iam.engine.evaluation.layers import LAYERS, Layers, layers_of
from aws_iam.engine.evaluation.missing_keys import outcomes_of_missing_keys
from aws_iam.engine.evaluation.request import Request, request_of
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.repair.grant_statement import is_permission_set, only_for_the_source
from aws_iam.escape import quoted
from aws_iam.tools.policy.denied.policy_types import policy_type_texts, service_remarks
from aws_iam.tools.policy.denied.proofs import assumed_by, owner_of, policy_name
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.denied.change import Change
    from aws_iam.engine.denied.message import Denial
    from aws_iam.engine.denied.policy_documents import PolicyDocuments
    from aws_iam.engine.denied.remedy import Remedy
    from aws_iam.engine.denied.request import DeniedRequest
    from aws_iam.engine.effective.escalation import EscalationPath
    from aws_iam.engine.reference.catalog import Action

DECODE_COMMAND = "aws sts decode-authorization-message --encoded-message MESSAGE --query DecodedMessage --output text"
ON_EACH = "on each resource of the call separately"
GIVE_THE_POLICY = "add the policy to `policies` to get the exact change"
_MOST_ROWS = 10
_RANK: tuple[Outcome, ...] = ("ExplicitlyDenied", "ImplicitlyDenied", "Unknown", "Allowed")
_OUTCOME_SAID: Mapping[bool | None, Outcome] = {
    True: "ExplicitlyDenied",
    False: "ImplicitlyDenied",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionByPolicies:
    """The decision according to the given policies."""

    request: Request
    layers: Layers
    evaluation: Evaluation
    # A missing key, whether its conditions are then met, and the outcome.
    deciding_keys: tuple[tuple[str, str, Outcome], ...]


def decision_by_policies(requested: Mapping[str, Any], policies: Any) -> DecisionByPolicies | None:
    """The decision on the request according to the given policies; None without any."""
    return None if policies is None else decision_by_layers(requested, layers_of(policies))


def decision_by_layers(requested: Mapping[str, Any], layers: Layers) -> DecisionByPolicies:
    """The decision on the request according to the layers."""
    request = request_of(dict(requested))
    found = evaluate_request(request, layers)
    deciding_keys = tuple(
        (key, word, outcome)
        for key, outcomes in outcomes_of_missing_keys(request, layers, found.decision).items()
        for word, outcome in outcomes.items()
    )
    return DecisionByPolicies(
        request=request, layers=layers, evaluation=found, deciding_keys=deciding_keys[:_MOST_ROWS]
    )


def service_of(denial: Denial) -> str:
    """The service of the request, if known."""
    likely = {action.partition(":")[0].lower() for action in denial.likely_actions}
    only_likely = next(iter(likely)) if len(likely) == 1 else ""
    return denial.action.partition(":")[0].lower() or denial.service or only_likely


def is_deny_unseen(denial: Denial, remedy: Remedy) -> bool:
    """Whether AWS reports a Deny that the given policies do not contain."""
    return denial.explicit is True and not any(
        statement.effect == "Deny" and denial.layer in {"", statement.layer}
        for statement in remedy.before.decision.because
    )


def denies_not_reported(denial: Denial, by_policies: DecisionByPolicies) -> list[str]:
    """The places of the matching Deny statements of which AWS's message does not speak."""
    reported = denial.layer if denial.explicit else ""
    return [
        f"{statement.policy}{statement.pointer}"
        for statement in by_policies.evaluation.decision.because
        if statement.effect == "Deny" and statement.layer != reported
    ]


def message_facts(denial: Denial) -> dict[str, Any]:
    """What AWS said, what it means, and what the message omits."""
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
        "inferred": "; ".join(denial.inferred),
    }
    facts: dict[str, Any] = {"aws_said": {name: text for name, text in parts.items() if text}}
    texts = policy_type_texts().get(denial.policy_type)
    if texts:
        facts["who_can_change_it"] = texts.owner
        facts["look_at"] = list(texts.look_at)
    if denial.mended_by:
        facts["cause" if denial.policy_may_help else "why_no_policy_helps"] = denial.cause
        facts["fix"] = [denial.mended_by]
    facts["aws_did_not_tell"] = list(denial.untold)
    if denial.encoded:
        facts["encoded"] = (
            f"the message has an encoded part with the request and its context: `{DECODE_COMMAND}` decodes it and needs"
            " sts:DecodeAuthorizationMessage"
        )
    if denial.likely_actions:
        facts["likely_actions"] = list(denial.likely_actions)
    return facts


def blocking_facts(
    denial: Denial,
    remedy: Remedy,
    by_policies: DecisionByPolicies | None,
    documents: PolicyDocuments,
) -> dict[str, Any]:
    """What blocks, in the order in which to remove it, and whether that agrees with the message."""
    facts: dict[str, Any] = {}
    misses = list(_misses(by_policies, documents)) if by_policies else []
    conditional = [row for row in misses if row["does_not_match"].startswith("its condition")]
    fixes = list(_fixes(denial, remedy, by_policies, conditional[:3]))
    if fixes:
        facts["fix"] = fixes
    blocks = list(_blocks(denial, by_policies))
    if blocks:
        facts["blocks"] = blocks
    if misses:
        facts["allows_that_do_not_match"] = misses[:_MOST_ROWS]
    if by_policies:
        causes = list(_disagreement(denial, by_policies, documents))
        if causes:
            facts["aws_and_these_policies_differ"] = causes
    return facts


def _misses(
    by_policies: DecisionByPolicies, documents: PolicyDocuments
) -> Iterator[dict[str, str]]:
    for layer in by_policies.evaluation.decision.blocked_by:
        yield from near_misses(by_policies.request, documents, layer)


def _blocks(denial: Denial, by_policies: DecisionByPolicies | None) -> Iterator[dict[str, str]]:
    """One row for each layer that blocks according to the policies, and the one that AWS names if it is not among them."""
    effect = "explicit deny" if denial.explicit else "no allow"
    if by_policies is None:
        if denial.layer:
            yield {"layer": denial.layer, "how": effect, "where": "named by AWS"}
        return
    decision = by_policies.evaluation.decision
    deny_statements = [statement for statement in decision.because if statement.effect == "Deny"]
    if denial.layer and denial.layer not in decision.blocked_by:
        where = "named by AWS; not found in the given policies"
        yield {"layer": denial.layer, "how": effect, "where": where}
    for statement in deny_statements:
        yield {
            "layer": statement.layer,
            "how": "explicit deny",
            "where": f"{statement.policy}{statement.pointer}",
        }
    for layer in decision.blocked_by:
        if layer not in {statement.layer for statement in deny_statements}:
            yield {"layer": layer, "how": "no allow", "where": f"/{layer}"}


def _fixes(
    denial: Denial,
    remedy: Remedy,
    by_policies: DecisionByPolicies | None,
    conditional: Sequence[Mapping[str, str]],
) -> Iterator[str]:
    """What to do, the least intrusive first: meet a condition, then change a policy."""
    if by_policies:
        now = _RANK.index(by_policies.evaluation.decision.outcome)
        for key, word, outcome in by_policies.deciding_keys:
            if _RANK.index(outcome) > now:
                yield (
                    f"without changing a policy: if the conditions on {quoted(key)} were {word}, the outcome would be"
                    f" {outcome}; the request does not include the key"
                )
    if is_deny_unseen(denial, remedy):
        yield from _ask_for_exception(denial, remedy)
        return
    for row in conditional:
        yield (
            f"without changing a policy: the Allow at {row['statement']} applies to a request that meets"
            f" {row['does_not_match']}; the proposed change allows the request without it"
        )
    yield from (_way(remedy, change) for change in remedy.changes)
    if remedy.stuck:
        yield remedy.stuck


def _way(remedy: Remedy, change: Change) -> str:
    """What to do for one change, and who can."""
    name, owner = policy_name(remedy, change.layer), owner_of(remedy, change.layer)
    if change.how == "add":
        in_effect = "the policy in effect: add to it, do not replace it"
        where = change.own_policy or (change.place if change.pointer else in_effect)
        return f"add the statement to the {name} ({where}); {owner} can do that"
    if change.how == "widen":
        where = f"{change.place}, in {change.own_policy}" if change.own_policy else change.place
        return f"widen the statement at {where} of the {name}: `changes` has it as it `was` and as it becomes; {owner} can do that"
    if not change.statements:
        return f"ask {owner} to remove the Deny at {change.place}, which is about nothing else"
    rest = "all but what `opens_besides` names" if change.wider else "everything else"
    return f"ask {owner} for an exception from the Deny at {change.place}: the statements in `changes` still deny {rest}"


def _ask_for_exception(denial: Denial, remedy: Remedy) -> Iterator[str]:
    texts = policy_type_texts().get(denial.policy_type)
    owner = texts.owner if texts else "the owner of the Deny"
    arn = principal_arn(remedy.request)
    policy = f" in {quoted(denial.policy_arn)}" if denial.policy_arn else ""
    if denial.layer in {"identity", "boundary", "session"} or not arn:
        how = f"a Deny that excludes {quoted(denial.action)} on {quoted(remedy.request.resource)}"
    else:
        how = f"the condition ArnNotEquals aws:PrincipalArn {quoted(arn)} in the Deny"
    yield f"first check whether the request can satisfy the condition of the Deny{policy}: an Allow does not help"
    yield f"otherwise ask {owner} for the narrowest exception: {how}; {GIVE_THE_POLICY}"


def _disagreement(
    denial: Denial, by_policies: DecisionByPolicies, documents: PolicyDocuments
) -> Iterator[str]:
    """How AWS's message and the given policies disagree, and possible causes."""
    decision = by_policies.evaluation.decision
    if decision.outcome == "Allowed":
        yield "the given policies allow the request, but AWS refused it"
    elif denial.layer and denial.layer not in decision.blocked_by:
        blocking = ", ".join(decision.blocked_by) or "no layer"
        yield f"AWS names the layer {denial.layer}; in the given policies {blocking} blocks"
    elif denial.explicit and decision.outcome != "ExplicitlyDenied":
        yield "AWS reports an explicit deny, but no Deny in the given policies matches"
    elif denial.explicit is False and decision.outcome == "ExplicitlyDenied":
        yield "AWS reports a missing Allow, but a Deny in the given policies matches"
    else:
        return
    for key, word, outcome in by_policies.deciding_keys:
        if outcome == _OUTCOME_SAID.get(denial.explicit):
            yield f"likely cause: the conditions on {quoted(key)} were {word}: then the outcome is {outcome}"
    if denial.layer and denial.layer not in documents:
        yield f"likely cause: the {denial.policy_type} that AWS names was not given"
    elif absent := _layers_not_given(by_policies.request, documents):
        yield f"possible cause: layers that were not given ({', '.join(absent)})"
    if decision.missing_keys:
        keys = ", ".join(map(quoted, decision.missing_keys[:5]))
        yield f"possible cause: the request included {keys}, which the message does not show"
    yield "possible cause: the policies changed after the request, or the change had not taken effect everywhere"


def _layers_not_given(request: Request, documents: PolicyDocuments) -> list[str]:
    own = {"identity", "boundary", "session"}
    has_own = "identity" in needed_layers(request)
    return [
        layer
        for layer in LAYERS
        if layer not in documents
        and (has_own or layer not in own)
        and (layer != "rcp" or request.service in catalog().rcp_services)
    ]


def open_facts(
    denial: Denial,
    denials_in_text: Sequence[Denial],
    request: DeniedRequest,
    remedy: Remedy | None,
    documents: PolicyDocuments | None,
) -> dict[str, Any]:
    """What was concluded and assumed, the layers that were not given, and the other messages in the text."""
    facts: dict[str, Any] = {}
    if request.concluded:
        facts["concluded"] = list(request.concluded)
    assumed = list(_assumed(remedy)) if remedy else []
    if assumed:
        facts["assumed"] = assumed
    if remedy and documents is not None:
        named = {*(change.layer for change in remedy.changes), *remedy.assumed}
        not_given = [
            layer for layer in _layers_not_given(remedy.request, documents) if layer not in named
        ]
        facts |= {"not_given_and_may_block_next": not_given} if not_given else {}
    notes = list(_notes(denial, request, remedy))
    if notes:
        facts["notes"] = notes
    others = [other for other in denials_in_text if other is not denial]
    if others:
        facts["other_messages"] = [_row(denial) for denial in others[:_MOST_ROWS]]
    return facts


def _assumed(remedy: Remedy) -> Iterator[str]:
    yield from remedy.assumed.values()
    yield from assumed_by(remedy.changes)


def _row(denial: Denial) -> dict[str, str]:
    parts = {
        "action": denial.action or denial.operation,
        "resource": denial.resource,
        "principal": denial.principal,
        "layer": denial.layer,
        "effect": {True: "explicit deny", False: "no allow", None: ""}[denial.explicit],
    }
    return {name: text for name, text in parts.items() if text}


def _notes(denial: Denial, request: DeniedRequest, remedy: Remedy | None) -> Iterator[str]:
    if denial.policy_arn.partition(":iam::")[2].startswith("aws:policy/"):
        yield "this is an AWS managed policy, which you cannot edit: attach another policy instead"
    if is_permission_set(denial.principal.rpartition("assumed-role/")[2].partition("/")[0]):
        yield "the caller comes from IAM Identity Center: change the permission set, not its role"
    remarks = service_remarks().get(service_of(denial))
    yield from remarks.remarks if remarks else ()
    known = catalog().action(denial.action) if denial.action else None
    paths = [path.title for path in escalation_paths() if denial.action in _needs(path)]
    # Reading is a harmless step of a path.
    if paths and known and known.level not in {"Read", "List"}:
        which = (
            "a known privilege escalation path"
            if len(paths) == 1
            else (f"{len(paths)} known privilege escalation paths, such as")
        )
        yield (
            f"{denial.action} is a step of {which} {quoted(paths[0])}: check what the whole policy allows with"
            " `policy explain`"
        )
    if known and "resource" in request.lacks:
        types = ", ".join(known.resource_types) or "`*` only"
        yield f"{known.full_name} is authorized on {types}: give a message that includes the ARN"
    if denial.action and known is None:
        yield f"{quoted(denial.action)} is {catalog().tier(denial.action)} in the service data"
    yield from _about_resource(denial, known, remedy)
    if denial.operation and denial.action and not _same_name(denial):
        yield (
            f"the call {quoted(denial.operation)} needs {quoted(denial.action)} among others: AWS authorizes each of its"
            " actions and resources separately, so another one may fail next"
        )
    if remedy:
        yield from _about_request(denial, remedy)


def _about_resource(denial: Denial, known: Action | None, remedy: Remedy | None) -> Iterator[str]:
    group, streams, name = denial.resource.partition(":log-stream:")
    if remedy and streams and name:
        yield (
            f"the next log stream has another name: to allow every stream of the group, use {quoted(f'{group}:*')} as Resource"
        )
    if "*" in (remedy.request.resource if remedy else denial.resource)[1:]:
        yield "the resource in the message contains `*`, which is a wildcard in a policy"
    others = _other_types(known, remedy.request.resource) if known and remedy else []
    if known and others:
        yield (
            f"AWS authorizes {known.full_name} {ON_EACH}: {joined(others)} may be refused next,"
            " and so may the optional ones that the call has (`policy lookup` lists them)"
        )


def _other_types(action: Action, resource: str) -> list[str]:
    """The types of the other resources that every call of the action has, besides the type of this one."""
    arn = Arn.of(resource)
    own = {type_.name for type_ in catalog().types_of_arn(arn)} if arn else set()
    return [name for name in action.required if name not in own] if own else []


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


def _about_request(denial: Denial, remedy: Remedy) -> Iterator[str]:
    request = remedy.request
    if remedy.identity_alone == "ImplicitlyDenied":
        yield (
            f"an identity policy alone is not enough: the {policy_name(remedy, 'resource')} itself must allow the request"
        )
    if remedy.identity_alone == "Allowed":
        yield "an identity policy alone is also enough: caller and resource are in the same account"
    if request.crosses_accounts and request.resource_account != UNKNOWN_ACCOUNT:
        yield (
            f"the caller is in account {request.caller.account}, the resource in {request.resource_account}: both accounts"
            " must allow the request, and the change gives another account access"
        )
    named = only_for_the_source(request)
    if request.caller.kind is CallerKind.SERVICE and remedy.changes and not named:
        yield (
            "the service calls on behalf of some resource: limit the statement with aws:SourceArn or aws:SourceAccount where"
            " the service sends them; the message does not include their values"
        )
    if any(
        # A narrowed Deny says nothing of what its level allows.
        change.layer == "scp"
        and change.how == "add"
        and change.pointer
        and not _allows(change.before)
        for change in remedy.changes
    ):
        yield "no given SCP at that level allows anything: if FullAWSAccess is attached there, give it too"
    unresolved = [name for name in remedy.before.decision.missing_keys if name]
    if unresolved and not denial.context:
        keys = ", ".join(map(quoted, unresolved[:5]))
        yield f"the message does not include the request context: {keys} counted as absent"
