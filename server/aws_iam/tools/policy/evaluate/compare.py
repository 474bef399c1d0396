"""`policy compare`: what a policy allows beyond another one, against a list of forbidden access, or to strangers, each with a request."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Comparison
from aws_iam.engine.comparison.compare import (
    MOST_WITNESSES,
    TwoWayComparison,
    assumptions,
    compare_both_ways,
    forbidden_requests,
    public_requests,
)
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.tools.kit.json_object import json_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.one_way_search import SearchResult

_LOGIC = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"
)
_PUBLIC = (
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
)
# Kinds of differing requests that are counted.
_MOST = 25
_FIELDS = ("actions", "resources")
_MOST_ENTRIES = 1_000


def compare(document: Any, baseline: Any, forbidden: Any, *, strangers: bool) -> Answer:
    """The relation to the baseline, and the violations of `forbidden` and `public`."""
    if baseline is None and forbidden is None and not strangers:
        raise InputError(
            "nothing to compare with",
            hint='give `baseline` (a policy), `forbidden` ({"actions": […]}) or `public`',
        )
    found = compare_both_ways(document, baseline, _MOST) if baseline is not None else None
    forbidden_access = (
        forbidden_requests(document, _forbidden(forbidden), _MOST)
        if forbidden is not None
        else None
    )
    stranger_access = public_requests(document, _MOST) if strangers else None
    comparison = found.comparison if found else Comparison(assuming=assumptions(document))
    violations = [
        *_violations("forbidden", forbidden_access, "the document allows what is forbidden"),
        *_violations(
            "public", stranger_access, "nothing in the policy limits who may make the request"
        ),
    ]
    unproved = dict.fromkeys(
        question for s in (forbidden_access, stranger_access) if s for question in s.open
    )
    return Answer(
        summary=" ".join(_summary(found, forbidden_access, stranger_access)),
        comparison=replace(
            comparison,
            assuming=tuple(dict.fromkeys((*comparison.assuming, *unproved))),
            violations=tuple(violations),
        ),
        facts=_facts(found, forbidden_access, stranger_access),
        sources=(_LOGIC, *((_PUBLIC,) if strangers else ())),
        next=tuple(_next(comparison.witnesses, violations)),
        as_of=catalog().as_of,
    )


def _forbidden(forbidden: Any) -> dict[str, Any]:
    """The forbidden access as a policy that allows it; its version has no policy variables."""
    forbidden = json_object("forbidden", forbidden, example='{"actions": ["iam:*"]}')
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
            hint=f"did you mean {quoted(near[0])}?"
            if near
            else "find actions with `aws-iam policy lookup`",
        )


def _violations(kind: str, found: SearchResult | None, why: str) -> Iterator[dict[str, Any]]:
    for request in found.requests[:MOST_WITNESSES] if found else ():
        places = ", ".join(request["granted_by"])
        yield {"of": kind, **request, "why": f"{why}: {places}" if places else why}


_RELATIONS = {
    "more": "The document allows more than the baseline: {beyond}.",
    "less": "The document allows less than the baseline: it no longer allows {short}.",
    "equal": "The document allows exactly what the baseline allows.",
    "incomparable": "The document allows requests that the baseline does not ({beyond}), and no longer allows others ({short}).",
    "unknown": "Whether the document allows the same as the baseline is unknown: {open}.",
}


def _summary(
    found: TwoWayComparison | None,
    forbidden_access: SearchResult | None,
    stranger_access: SearchResult | None,
) -> Iterator[str]:
    if found:
        yield _RELATIONS[found.comparison.relation or "unknown"].format(
            beyond=_first_request(found.beyond),
            short=_first_request(found.short),
            open="; ".join(_unknown_reasons(found)),
        )
    if forbidden_access:
        yield _verdict(
            forbidden_access,
            yes="The document grants forbidden access: {first}.",
            no="The document grants none of the forbidden access.",
            open_="Whether the document grants forbidden access is unknown: {open}.",
        )
    if stranger_access:
        yield _verdict(
            stranger_access,
            yes="The policy is public: strangers may do {first}.",
            no="The policy is not public.",
            open_="Whether the policy is public is unknown: {open}.",
        )


def _unknown_reasons(found: TwoWayComparison) -> list[str]:
    """What is known about an unknown relation, and why the rest is unknown."""
    sides = (("more", found.beyond), ("less", found.short))
    known = [f"it allows {word} ({_first_request(s)})" for word, s in sides if s.requests]
    return [*known, *dict.fromkeys((*found.beyond.open, *found.short.open))]


def _verdict(found: SearchResult, *, yes: str, no: str, open_: str) -> str:
    if found.requests:
        return yes.format(first=_first_request(found))
    return open_.format(open="; ".join(found.open)) if found.open else no


def _first_request(found: SearchResult) -> str:
    """The first request in words, and the number of further kinds."""
    if not found.requests:
        return "nothing"
    requested = found.requests[0]["request"]
    rest = len(found.requests) - 1
    more = f", and {rest}{' or more' if found.has_more else ''} more" if rest else ""
    who = " without credentials" if requested["principal"] == "*" else ""
    return f"{quoted(requested['action'])} on {quoted(requested['resource'])}{who}{more}"


def _facts(
    found: TwoWayComparison | None,
    forbidden_access: SearchResult | None,
    stranger_access: SearchResult | None,
) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if found:
        rows = [*_rows("document", found.beyond), *_rows("baseline", found.short)]
        if rows:
            facts["differences"] = rows
    for name, search in (
        ("allowed_beyond_the_baseline", found.beyond if found else None),
        ("no_longer_allowed", found.short if found else None),
        ("forbidden_but_granted", forbidden_access),
        ("open_to_strangers", stranger_access),
    ):
        if search and search.requests:
            count = len(search.requests)
            facts[name] = (
                f"{count} kinds of requests or more" if search.has_more else _kinds(count)
            )
    for name, search in (("forbidden", forbidden_access), ("public", stranger_access)):
        if search and search.requests:
            facts[f"{name}_requests"] = list(_rows("document", search))
    return facts


def _kinds(count: int) -> str:
    return f"{count} kinds of requests" if count > 1 else "1 kind of request"


def _rows(allowed_by: str, found: SearchResult) -> Iterator[dict[str, str]]:
    for witness in found.requests:
        requested = witness["request"]
        row = {
            "allowed_by": allowed_by,
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
        if witness.get("denied_by"):
            row["denied_by_the_other"] = ", ".join(witness["denied_by"])
        yield row


def _next(
    witnesses: Sequence[Mapping[str, Any]], violations: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    shown = [*violations, *witnesses][:1]
    for difference in shown:
        request = shlex.quote(json.dumps(difference["request"], ensure_ascii=False))
        yield f"aws-iam policy evaluate --request {request} --policies LAYERS"
