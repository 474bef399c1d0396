"""`policy compare`: what one policy allows beyond another, beyond what is forbidden, or to strangers, each with a request."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Comparison
from aws_iam.engine.compare import MOST_WITNESSES, Searched, assumptions, granted, public, searched
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.one_way_search import Search

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
    """The relation to the baseline, and the violations of what is forbidden and of `public`."""
    if baseline is None and forbidden is None and not strangers:
        raise InputError(
            "nothing to compare with",
            hint='give `baseline` (a policy), `forbidden` ({"actions": […]}) or `public`',
        )
    found = searched(document, baseline, _MOST) if baseline is not None else None
    kept_out = granted(document, _forbidden(forbidden), _MOST) if forbidden is not None else None
    outside = public(document, _MOST) if strangers else None
    comparison = found.comparison if found else Comparison(assuming=assumptions(document))
    violations = [
        *_violations("forbidden", kept_out, "the document allows what is forbidden"),
        *_violations("public", outside, "nothing in the policy confines who may ask"),
    ]
    open_ = dict.fromkeys(question for s in (kept_out, outside) if s for question in s.open)
    return Answer(
        summary=" ".join(_summary(found, kept_out, outside)),
        comparison=replace(
            comparison,
            assuming=tuple(dict.fromkeys((*comparison.assuming, *open_))),
            violations=tuple(violations),
        ),
        facts=_facts(found, kept_out, outside),
        sources=(_LOGIC, *((_PUBLIC,) if strangers else ())),
        next=tuple(_next(comparison.witnesses, violations)),
        as_of=catalog().as_of,
    )


def _forbidden(given: Any) -> dict[str, Any]:
    """The forbidden access as a policy that allows it; variables mean nothing in it."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError) as error:
            raise InputError(f"`forbidden` is no JSON: {str(error).lower()}") from None
    if not isinstance(given, dict):
        raise InputError("`forbidden` must be an object", hint='such as {"actions": ["iam:*"]}')
    for name in given:
        if name not in _FIELDS:
            near = closest(str(name), _FIELDS)
            raise InputError(
                f"`forbidden` has no field {quoted(str(name))}",
                hint=f"did you mean `{near}`?"
                if near
                else "its fields are `actions` and `resources`",
            )
    actions = _entries(given, "actions")
    if not actions:
        raise InputError("`forbidden` lacks `actions`", hint="wildcards such as `iam:*` will do")
    for action in actions:
        _refuse_unknown(action)
    resources = _entries(given, "resources") if "resources" in given else ["*"]
    for resource in resources:
        if resource != "*" and Arn.of(resource) is None:
            raise InputError(
                f"{quoted(resource)} in `resources` of `forbidden` is no ARN",
                hint="give ARNs, with wildcards if need be, or leave `resources` out for all",
            )
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return {"Version": "2008-10-17", "Statement": [statement]}


def _entries(given: Mapping[str, Any], name: str) -> list[str]:
    value = given.get(name)
    listed = value if isinstance(value, list) else [value]
    texts = [text for text in listed if isinstance(text, str) and text]
    if len(listed) > _MOST_ENTRIES or len(texts) < len(listed):
        raise InputError(
            f"`{name}` of `forbidden` must be a list of 1 to {_MOST_ENTRIES:,} texts",
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
            f"{quoted(action)} in `actions` of `forbidden` is no known action",
            hint=f"did you mean {quoted(near[0])}?"
            if near
            else "`aws-iam policy lookup` finds actions",
        )


def _violations(kind: str, found: Search | None, why: str) -> Iterator[dict[str, Any]]:
    for request in found.requests[:MOST_WITNESSES] if found else ():
        places = ", ".join(request["granted_by"])
        yield {"of": kind, **request, "why": f"{why}: {places}" if places else why}


_RELATIONS = {
    "more": "The document allows more than the baseline: {beyond}.",
    "less": "The document allows less than the baseline: it no longer allows {short}.",
    "equal": "The document allows exactly what the baseline allows.",
    "incomparable": "The document allows what the baseline does not ({beyond}), and lacks what it allows ({short}).",
    "unknown": "Whether the document allows the same is not proved: {open}.",
}


def _summary(
    found: Searched | None, kept_out: Search | None, outside: Search | None
) -> Iterator[str]:
    if found:
        yield _RELATIONS[found.comparison.relation or "unknown"].format(
            beyond=_first(found.beyond),
            short=_first(found.short),
            open="; ".join(_open(found)),
        )
    if kept_out:
        yield _verdict(
            kept_out,
            yes="The document grants forbidden access: {first}.",
            no="The document grants none of the forbidden access.",
            open_="Whether the document grants forbidden access is not proved: {open}.",
        )
    if outside:
        yield _verdict(
            outside,
            yes="The policy is public: strangers may do {first}.",
            no="The policy is not public.",
            open_="Whether the policy is public is not proved: {open}.",
        )


def _open(found: Searched) -> list[str]:
    """What is known of an unknown relation, and why the rest is not."""
    sides = (("more", found.beyond), ("less", found.short))
    known = [f"it allows {word} ({_first(s)})" for word, s in sides if s.requests]
    return [*known, *dict.fromkeys((*found.beyond.open, *found.short.open))]


def _verdict(found: Search, *, yes: str, no: str, open_: str) -> str:
    if found.requests:
        return yes.format(first=_first(found))
    return open_.format(open="; ".join(found.open)) if found.open else no


def _first(found: Search) -> str:
    """The first request in words, and how many more kinds there are."""
    if not found.requests:
        return "nothing"
    asked = found.requests[0]["request"]
    rest = len(found.requests) - 1
    more = f", and {rest}{' or more' if found.has_more else ''} more" if rest else ""
    who = " without credentials" if asked["principal"] == "*" else ""
    return f"{quoted(asked['action'])} on {quoted(asked['resource'])}{who}{more}"


def _facts(
    found: Searched | None, kept_out: Search | None, outside: Search | None
) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if found:
        rows = [*_rows("document", found.beyond), *_rows("baseline", found.short)]
        if rows:
            facts["differences"] = rows
    for name, comparison in (
        ("allowed_beyond_the_baseline", found.beyond if found else None),
        ("no_longer_allowed", found.short if found else None),
        ("forbidden_but_granted", kept_out),
        ("open_to_strangers", outside),
    ):
        if comparison and comparison.requests:
            count = len(comparison.requests)
            facts[name] = (
                f"{count} kinds of requests or more" if comparison.has_more else _kinds(count)
            )
    for name, comparison in (("forbidden", kept_out), ("public", outside)):
        if comparison and comparison.requests:
            facts[f"{name}_requests"] = list(_rows("document", comparison))
    return facts


def _kinds(count: int) -> str:
    return f"{count} kinds of requests" if count > 1 else "1 kind of request"


def _rows(allowed_by: str, found: Search) -> Iterator[dict[str, str]]:
    for request in found.requests:
        asked = request["request"]
        row = {
            "allowed_by": allowed_by,
            "principal": asked["principal"],
            "action": asked["action"],
            "resource": asked["resource"],
        }
        context = asked.get("context", {})
        keys = [f"{k}={v if isinstance(v, str) else ','.join(v)}" for k, v in context.items()]
        keys += [f"without {key}" for key in request.get("absent", ())]
        if keys:
            row["when"] = "; ".join(keys)
        row["granted_by"] = ", ".join(request["granted_by"])
        if request.get("denied_by"):
            row["denied_by_the_other"] = ", ".join(request["denied_by"])
        yield row


def _next(
    witnesses: Sequence[Mapping[str, Any]], violations: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    shown = [*violations, *witnesses][:1]
    for difference in shown:
        request = shlex.quote(json.dumps(difference["request"], ensure_ascii=False))
        yield f"aws-iam policy evaluate --request {request} --policies LAYERS"
