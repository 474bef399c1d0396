"""`policy compare`: what a policy allows beyond another one, against a list of forbidden access, or to strangers, with requests."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Comparison, NextCall, next_call, with_texts
from aws_iam.engine.comparison.access_changes import level_counts
from aws_iam.engine.comparison.action_names import action_names
from aws_iam.engine.comparison.actions import names_of
from aws_iam.engine.comparison.compare import ComparedDocuments, compare_documents
from aws_iam.engine.comparison.compared_policy import MOST_WITNESSES
from aws_iam.engine.comparison.forbidden_access import (
    assumptions,
    forbidden_requests,
    judged_policies,
    made_up_accounts,
    public_requests,
    unknown_issuers,
    without_principals,
)
from aws_iam.engine.comparison.sides.attachment_changes import without_document
from aws_iam.engine.comparison.sides.unknown_accounts import with_accounts_as_written
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.engine.evaluation.unsigned_requests import means_of_anyone
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.repair.draft import EMPTY
from aws_iam.engine.sources.gather import gathered
from aws_iam.engine.tokens.oidc_provider import IDENTITY_POOLS, built_in, names_app
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.rules.policy.run import policy_findings
from aws_iam.tools.kit import policy_inputs
from aws_iam.tools.kit.json_object import json_object, json_value
from aws_iam.tools.kit.tool import with_understood
from aws_iam.tools.policy.evaluate.compared_findings import compared_findings
from aws_iam.tools.policy.evaluate.relation_in_words import relation_in_words, sentence
from aws_iam.tools.policy.unified_diff import UNDERSTOOD as OF_DIFF
from aws_iam.tools.policy.unified_diff import sides_of
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.one_way_search import Difference, SearchResult
    from aws_iam.engine.sources.gathered import Gathered

_PUBLIC = (
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
)
_FIELDS = ("actions", "resources")
_MOST_ENTRIES = 1_000
_SERVICE_AT_LARGE = "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL"
_SHOWN = 3
# Actions in a row or a violation.
_MOST_LISTED = 60


def compare(
    document: Any, baseline: Any, forbidden: Any, policy: str | None = None, *, strangers: bool
) -> Answer:
    """The relation to the baseline, and the violations of `forbidden` and `public`."""
    if baseline is None and (sides := sides_of(document)):
        # A file that is new or gone allows nothing on the other side.
        baseline, document = (side if side.strip() else EMPTY for side in sides)
        answer = compare(document, baseline, forbidden, policy, strangers=strangers)
        return with_understood(answer, [OF_DIFF])
    if baseline is None and forbidden is None and not strangers:
        raise InputError(
            "nothing to compare with",
            hint='give `baseline` (a policy), `forbidden` ({"actions": […]}) or `public`; a list is one document',
        )
    found = _compared(document, baseline, policy)
    granted = (
        forbidden_requests(document, _forbidden(forbidden), policy)
        if forbidden is not None
        else None
    )
    public = public_requests(document, policy=policy) if strangers else None
    read: tuple[Gathered, ...] = found.inputs if found else (gathered(document),)
    # Only what a search over one side needs; what is attached on both sides alike changes nothing.
    inputs = tuple(
        replace(side, attachments=without_document(side.attachments) if granted else ())
        for side in read
    )
    comparison = found.comparison if found else Comparison(assuming=assumptions(document, policy))
    violations = (*_forbidden_violations(granted), *_public_violations(public))
    unproved = dict.fromkeys(question for s in (granted, public) if s for question in s.open)
    findings = compared_findings(found) if found else ()
    beside = tuple(_beside_public(document, policy)) if strangers else ()
    answer = Answer(
        summary=" ".join((*_summary(found, granted, public, inputs), *beside)),
        findings=findings,
        comparison=replace(
            comparison,
            assuming=tuple(dict.fromkeys((*comparison.assuming, *unproved))),
            violations=violations,
            # They are facts of the answer.
            gained=(),
            lost=(),
        ),
        facts=_facts(found, granted, public) | _read(inputs, found),
        sources=tuple(
            dict.fromkeys(
                (
                    EVALUATION_LOGIC,
                    *((_PUBLIC,) if strangers else ()),
                    *(f.source for f in findings if f.source),
                )
            )
        ),
        next=_next(comparison),
        as_of=catalog().as_of,
    )
    made_up = {**(found.made_up if found else {}), **_made_up(document, granted or public)}
    return with_texts(answer, partial(with_accounts_as_written, made_up=made_up))


def _made_up(document: Any, searched: SearchResult | None) -> Mapping[str, str]:
    return made_up_accounts(document) if searched else {}


def _read(inputs: Sequence[Gathered], found: ComparedDocuments | None) -> dict[str, Any]:
    """The AWS managed policies of both sides, and the places that were not judged."""
    managed = policy_inputs.managed_policy_facts(s.name for side in inputs for s in side.sources)
    rows = [
        row
        for side in inputs
        for row in policy_inputs.not_judged_rows(side, policy_inputs.attached(side))
    ]
    rows += [own.row() for own in (found.unjudged if found else ()) if not own.is_told]
    distinct = [row for number, row in enumerate(rows) if row not in rows[:number]]
    return managed | ({"not_judged": distinct} if distinct else {})


def _forbidden(forbidden: Any) -> dict[str, Any]:
    """The forbidden access as a policy that allows it; its version has no policy variables."""
    example = '{"actions": ["iam:*"]}'
    is_action = isinstance(forbidden, str) and forbidden.partition(":")[0].isalnum()
    value = forbidden if is_action else json_value("forbidden", forbidden, example=example)
    if isinstance(value, (str, list)):
        value = {"actions": value}
    forbidden = json_object("forbidden", value, example=example)
    for name in forbidden:
        if name not in _FIELDS:
            near = closest(str(name), _FIELDS)
            raise InputError(
                f"`forbidden` has no field {quoted(str(name))}",
                hint=f"did you mean `{near}`?" if near else "use `actions` and `resources`",
            )
    actions = _entries(forbidden, "actions")
    if not actions:
        raise InputError(
            "`forbidden` has no `actions`",
            hint="give actions; wildcards such as `iam:*` are allowed",
        )
    for action in actions:
        _refuse_unknown(action)
    resources = _entries(forbidden, "resources") if "resources" in forbidden else ["*"]
    for resource in resources:
        if resource != "*" and Arn.of(resource) is None:
            raise InputError(
                f"{quoted(resource)} in `resources` of `forbidden` is not an ARN",
                hint="give ARNs or ARN patterns, or leave `resources` out for all",
            )
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return {"Version": "2008-10-17", "Statement": [statement]}


def _entries(forbidden: Mapping[str, Any], name: str) -> list[str]:
    value = forbidden.get(name)
    entries = value if isinstance(value, list) else [value]
    texts = [text for text in entries if isinstance(text, str) and text]
    if len(entries) > _MOST_ENTRIES or len(texts) < len(entries):
        raise InputError(
            f"`{name}` of `forbidden` must be a list of 1 to {_MOST_ENTRIES:,} strings",
            hint='such as {"actions": ["iam:PassRole"], "resources": ["arn:aws:iam::*:role/*"]}',
        )
    return texts


def _refuse_unknown(action: str) -> None:
    if "*" in action or "?" in action:
        known = action == "*" or bool(catalog().expand(action))
        near: tuple[str, ...] = () if known else catalog().suggest_pattern(action)
    else:
        known = catalog().action(action) is not None
        near = () if known else catalog().suggest_action(action)
    if not known:
        raise InputError(
            f"{quoted(action)} in `actions` of `forbidden` is not a known action",
            hint=f"did you mean {quoted(near[0])}?" if near else "`policy lookup` finds actions",
        )


def _forbidden_violations(found: SearchResult | None) -> Iterator[dict[str, Any]]:
    """One violation for each statement that grants forbidden actions, with all of these."""
    by_place: dict[tuple[str, ...], list[Difference]] = {}
    for difference in found.differences if found else ():
        request = difference.request
        key = (request.get("policy", ""), *request["granted_by"])
        by_place.setdefault(key, []).append(difference)
    for (_, *places), differences in by_place.items():
        names = action_names(names_of(d.group for d in differences))
        more = len(names) - _MOST_LISTED
        yield {
            "of": "forbidden",
            "actions": list(names[:_MOST_LISTED]),
            # All of them are facts of the answer, which is given page by page.
            **({"more_actions": more} if more > 0 else {}),
            **differences[0].request,
            "why": _why("the document allows what is forbidden", places),
        }


def _public_violations(found: SearchResult | None) -> Iterator[dict[str, Any]]:
    for request in found.requests if found else ():
        why = _why("nothing in the policy limits who may make the request", request["granted_by"])
        yield {"of": "public", **request, "why": why}


def _why(why: str, places: Sequence[str]) -> str:
    return f"{why}: {', '.join(places)}" if places else why


def _summary(
    found: ComparedDocuments | None,
    granted: SearchResult | None,
    public: SearchResult | None,
    inputs: Sequence[Gathered],
) -> Iterator[str]:
    complete = all(policy_inputs.is_complete(own, compared=True) for own in inputs)
    read = "" if complete else "what was read of "
    if found:
        yield from relation_in_words(found, read)
    if granted:
        names = names_of(difference.group for difference in granted.differences)
        yield _verdict(
            granted,
            yes=f"The document grants forbidden access: {_first_request(granted, len(names))}.",
            no=sentence(f"{read}the document grants none of the forbidden access."),
            open_="Whether the document grants forbidden access is unknown: {open}.",
        )
        if granted.cut:
            yield f"There may be more forbidden access: {'; '.join(granted.cut)}."
    if public:
        yield _verdict(
            public,
            yes=f"The policy is public: strangers may do {_first_request(public)}.",
            no=sentence(f"{read}the policy is not public."),
            open_="Whether the policy is public is unknown: {open}.",
        )
    if note := policy_inputs.not_judged_note(*inputs, compared=True):
        yield note


def _verdict(found: SearchResult, *, yes: str, no: str, open_: str) -> str:
    if found.requests:
        return yes
    return open_.format(open="; ".join(found.open)) if found.open else no


def _first_request(found: SearchResult, actions: int = 1) -> str:
    if not found.requests:
        return "nothing"
    requested = found.requests[0]["request"]
    more = f" and {counted(actions - 1, 'more action')}" if actions > 1 else ""
    # The names in the request are made up where the policy has a pattern.
    on = requested["resource"]
    example = f" (for example on {quoted(on)})" if on != "*" else ""
    policy = found.requests[0].get("policy")
    by = f" in {quoted(policy)}" if policy else ""
    return f"{quoted(requested['action'])}{_stranger(requested)}{example}{by}{more}"


def _beside_public(document: Any, policy: str | None) -> Iterator[str]:
    """What the verdict on strangers leaves out."""
    yield from _not_applicable(document, policy)
    yield from _own_issuers(document, policy)
    yield from _services_at_large(document, policy)


def _services_at_large(document: Any, policy: str | None) -> Iterator[str]:
    """A service is no stranger, but may come on behalf of one."""
    found = (f for own in judged_policies(document, policy) for f in policy_findings(own))
    said = dict.fromkeys(f.message for f in found if f.code == _SERVICE_AT_LARGE and f.message)
    if said:
        yield f"{joined(list(said), shown=_SHOWN)}: add a condition on aws:SourceArn or aws:SourceAccount."


def _not_applicable(document: Any, policy: str | None) -> Iterator[str]:
    """The policies beside the judged ones that name no principals."""
    names = [quoted(name) for name in without_principals(document, policy)]
    if names:
        verb = "has" if len(names) == 1 else "have"
        yield f"{joined(names, shown=_SHOWN)} {verb} no principals and cannot be public."


def _own_issuers(document: Any, policy: str | None) -> Iterator[str]:
    """A reservation about issuers that may have other customers, too."""
    hosts = [quoted(host) for host in unknown_issuers(document, policy)]
    if hosts:
        yield f"It is assumed that nobody else gets tokens of {joined(hosts, shown=_SHOWN)}."


def _compared(document: Any, baseline: Any, policy: str | None) -> ComparedDocuments | None:
    """The comparison, with the policies of a principal as one unless one of them is picked."""
    if baseline is None:
        return None
    return compare_documents(document, baseline, policy, per_principal=policy is None)


def _stranger(request: Mapping[str, Any]) -> str:
    """How a caller without an account signs in."""
    principal = request["principal"]
    if principal == "*":
        return f" {means_of_anyone(request['action'])}"
    _, provider, host = principal.rpartition(":oidc-provider/")
    if provider or principal in built_in():
        # Strangers have a token with a given pool's id only where the pool has guests.
        of_pool = f"{IDENTITY_POOLS}:aud" in request.get("context", {})
        whose = ", if the identity pool allows guests" if of_pool else ""
        of_app = _is_of_app(host, request.get("context", {}))
        return f" with a token of {quoted(host)}{', as any user of the app' if of_app else whose}"
    if not principal.startswith("arn:"):
        return f" through the service {quoted(principal)}"
    return ""


def _is_of_app(host: str, context: Mapping[str, Any]) -> bool:
    """Whether the claims name an app in which anybody signs in."""
    return any(
        key.startswith(f"{host}:") and names_app(host, key.partition(":")[2], str(value))
        for key, value in context.items()
    )


def _facts(
    found: ComparedDocuments | None, granted: SearchResult | None, public: SearchResult | None
) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if found:
        for name, changes in (("gained", found.gained), ("lost", found.lost)):
            if changes:
                facts[f"{name}_by_access_level"] = level_counts(changes)
                facts[name] = [part for change in changes for part in _parts(change.row())]
        facts |= _inputs(found)
    for name, search in (("forbidden", granted), ("public", public)):
        if search and search.requests:
            facts[f"{name}_requests"] = list(_rows(search))
    if granted and granted.differences:
        groups = (difference.group for difference in granted.differences)
        facts["forbidden_actions"] = list(action_names(names_of(groups)))
    return facts


def _parts(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The row, in several where it has more actions than fit a page."""
    for start in range(0, len(row["actions"]), _MOST_LISTED):
        yield {**row, "actions": row["actions"][start : start + _MOST_LISTED]}


def _inputs(found: ComparedDocuments) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    several = len(found.policies) > 1
    for name, rows_of in (
        ("without_effect", "ineffective"),
        ("removed_without_effect", "ineffective_before"),
        ("unknown_keys", "misspelt_keys"),
    ):
        rows = [
            {**({"policy": policy.name} if several else {}), **row}
            for policy in found.policies
            for row in getattr(policy, rows_of)
        ]
        if rows:
            facts[name] = rows
    if several:
        facts["policies"] = [
            {
                "name": p.name,
                "change": p.change,
                **({"was": p.was} if p.was else {}),
                "relation": found.relation_of(p),
            }
            for p in found.policies
        ]
    for name, side in zip(("document", "baseline"), found.inputs, strict=True):
        read = policy_inputs.input_facts(side) if side.formats or side.unread else {}
        # What was not judged on either side is a fact of its own.
        if own := {key: value for key, value in read.items() if key != "not_judged"}:
            facts[f"{name}_read"] = own
    return facts


def _rows(found: SearchResult) -> Iterator[dict[str, str]]:
    for witness in found.requests[: MOST_WITNESSES * 2]:
        requested = witness["request"]
        row = {
            "principal": requested["principal"],
            "action": requested["action"],
            "resource": requested["resource"],
        }
        context = requested.get("context", {})
        keys = [f"{k}={v if isinstance(v, str) else ','.join(v)}" for k, v in context.items()]
        keys += [f"without {key}" for key in witness.get("absent", ())]
        if keys:
            row["when"] = "; ".join(keys)
        row["granted_by"] = ", ".join(witness["granted_by"])
        if "policy" in witness:
            row = {"policy": witness["policy"], **row}
        yield row


def _next(comparison: Comparison) -> tuple[NextCall, ...]:
    if comparison.relation in {"less", "equal"} and not comparison.violations:
        return ()
    riskiest = next((row["actions"][0] for row in comparison.gained), "*")
    if ":" in riskiest:
        why = "what the riskiest access that is gained can be limited by"
        return (next_call("policy", "lookup", why, query=riskiest),)
    why = "what the policy allows as a whole, in words, and its risks"
    return (next_call("policy", "explain", why, ("document",)),)
