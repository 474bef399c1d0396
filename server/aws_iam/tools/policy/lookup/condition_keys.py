"""`policy lookup` of condition keys, condition operators and policy variables."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.engine.language.operators import OPERATORS, QUALIFIERS, Family
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.language.variables import ESCAPES, variables
from aws_iam.engine.reference.global_keys import legacy_keys
from aws_iam.errors import nearest
from aws_iam.escape import escaped, quoted
from aws_iam.tools.policy.lookup import tables
from aws_iam.tools.policy.lookup.answer import facts_answer, unknown_answer
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog
    from aws_iam.engine.reference.facts import ConditionKey, Service


@cache
def _texts() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(resources.text("assets/data/condition-operators.json"))
    return data


def condition_key(known: Catalog, query: str) -> Answer | None:
    """A condition key: its type, when a request has it, and which actions support it."""
    return key_of_service(known, query, query, None)


def key_of_service(
    known: Catalog, query: str, name: str, service: Service | None
) -> Answer | None:
    """A condition key and the actions that support it, of one service or of all."""
    # Tag keys may be given without a tag: `aws:PrincipalTag`.
    key = known.condition_key(name) or known.condition_key(f"{name}/${{TagKey}}")
    if key is None:
        return None
    support_facts = tables.supporting_actions(known, key, service)
    many = [
        row["service"]
        for row in support_facts.get("services", ())
        if len(support_facts["services"]) > 1
    ]
    return facts_answer(
        known,
        f"{_key_words(key)} {_support_words(key, support_facts, service)}",
        {"known": True, "kind": "condition_key", "query": escaped(query)}
        | tables.condition_key_facts(key)
        | support_facts,
        services=[
            prefix
            for prefix in (key.service, service and service.prefix)
            if prefix in known.services
        ],
        sources=filter(None, (key.source,)),
        queries=[f"{prefix} {name}" for prefix in many],
    )


def _key_words(key: ConditionKey) -> str:
    scope = "a global condition key" if key.name.startswith("aws:") else "a condition key"
    several = " and may have several values" if key.multivalued else ""
    when = f" It is {key.presence}." if key.presence.startswith("in ") else ""
    when = when or (f" It is in a request {key.presence}." if key.presence else "")
    type_ = f"of type {key.type}" if key.type else "of unknown type"
    return f"`{key.name}` is {scope} {type_}{several}.{when}"


def _support_words(
    key: ConditionKey, support_facts: Mapping[str, Any], service: Service | None
) -> str:
    if support_facts:
        services = len(support_facts["services"])
        actions = counted(support_facts["supporting_actions"], "action")
        verb = "supports" if support_facts["supporting_actions"] == 1 else "support"
        of = service.title if service else counted(services, "service")
        return f"{actions} of {of} {verb} it."
    if service:
        return f"No action of {service.title} lists it."
    if key.name.startswith("aws:"):
        return "No service lists it for its actions: whether it is present depends on the request."
    return "AWS's tables list no action that supports it."


def key_pattern(known: Catalog, query: str) -> Answer | None:
    """The condition keys that a wildcard such as `aws:Principal*` matches."""
    if is_literal(query) or ":" not in query:
        return None
    keys = known.keys_matching(query)
    if not keys:
        return None
    rows = [{"condition_key": key.name, "type": key.type or "unknown"} for key in keys]
    return facts_answer(
        known,
        f"{quoted(query)} matches no action, but {counted(len(keys), 'condition key')} as of {known.as_of}.",
        {
            "known": True,
            "kind": "condition_key_wildcard",
            "query": escaped(query),
            "count": len(keys),
            "condition_keys": rows,
        },
        queries=[key.name for key in keys],
    )


def operator(known: Catalog, query: str) -> Answer | None:
    """A condition operator: what it compares, and the result for an absent key or several values."""
    first, colon, rest = query.rpartition(":")
    qualifier = {name.lower(): name for name in QUALIFIERS}.get(first.lower(), "")
    if colon and not qualifier:
        return None
    lower = rest.lower()
    spelled = {operator.lower(): operator for operator in OPERATORS}
    if_exists = lower.endswith("ifexists")
    base = spelled.get(lower.removesuffix("ifexists"))
    if base is None:
        near = nearest(rest.removesuffix("IfExists"), OPERATORS)
        if not near or not (colon or _looks_like_one(lower)):
            return None
        options = [f"{qualifier}:{name}" if qualifier else name for name in near]
        return unknown_answer(
            known,
            query,
            kind="operator",
            what="is not a condition operator",
            options=options,
            sources=(_texts()["sources"]["operators"],),
        )
    if base == "Null" and if_exists:
        return unknown_answer(
            known,
            query,
            kind="operator",
            what="is not a condition operator: Null itself asks whether the key is there",
            options=("Null",),
            sources=(_texts()["sources"]["operators"],),
        )
    return _of_operator(known, query, qualifier, base, if_exists=if_exists)


def _looks_like_one(lower: str) -> bool:
    families = ("string", "numeric", "date", "arn", "bool", "binary", "ip", "notip", "null")
    return lower.startswith(families)


def _of_operator(
    known: Catalog, query: str, qualifier: str, base: str, *, if_exists: bool
) -> Answer:
    texts = _texts()
    family = OPERATORS[base]
    name = f"{qualifier}:" * bool(qualifier) + base + "IfExists" * if_exists
    about = texts["families"][family.value]
    absent = _absent(qualifier, base, if_exists=if_exists)
    sources = [texts["sources"]["operators"]]
    sources += (
        [texts["sources"]["several_values"]] if qualifier or family is not Family.NULL else []
    )
    sources += [texts["sources"]["variables"]]
    return facts_answer(
        known,
        f"`{name}` holds when {texts['operators'][base]}. An absent key: {absent}.",
        {
            "known": True,
            "kind": "operator",
            "query": escaped(query),
            "name": name,
            "compares": texts["operators"][base],
            "values": about["values"],
            "value_type": family.value,
            "several_values_in_the_policy": "none of them may match"
            if _negated(base)
            else "one of them is enough",
            "several_values_in_the_request": texts["qualifiers"][qualifier],
            "absent_key": absent,
            "takes_policy_variables": about["variables"],
            "data_of_the_words": texts["date"],
        },
        sources=sources,
    )


def _negated(base: str) -> bool:
    return "Not" in base


def _absent(qualifier: str, base: str, *, if_exists: bool) -> str:
    """The result if the request has no value; a set operator takes precedence."""
    absent: Mapping[str, str] = _texts()["absent"]
    short = {"ForAllValues": "for_all", "ForAnyValue": "for_any", "": ""}[qualifier]
    if base == "Null":
        return absent[f"null_{short}" if short else "null_true"]
    if if_exists and short != "for_all":
        return absent["if_exists"]
    return absent[short or ("negated" if _negated(base) else "positive")]


def variable(known: Catalog, query: str) -> Answer | None:
    """A policy variable: its key, where it is replaced, and what happens without a value."""
    if not (query.startswith("${") and query.endswith("}")):
        return None
    if query[2:-1] in ESCAPES:
        return _escape(known, query)
    found = variables(query)
    if len(found) != 1 or found[0].text != query:
        return None
    found_variable = found[0]
    key = known.condition_key(found_variable.name)
    source = (_texts()["sources"]["variables"],)
    if key is None:
        return unknown_answer(
            known,
            query,
            kind="variable",
            what="names an unknown condition key",
            options=[f"${{{name}}}" for name in known.suggest_condition_key(found_variable.name)],
            sources=source,
        )
    cannot = (
        " It may have several values, so no policy can use it as a variable." * key.multivalued
    )
    when = f", which is {key.presence}" if key.presence.startswith("in ") else ""
    when = when or (f", which is in a request {key.presence}" if key.presence else "")
    return facts_answer(
        known,
        f"{quoted(query)} stands for the value of `{key.name}`{when}.{cannot}",
        {"known": True, "kind": "variable", "query": escaped(query)}
        | tables.condition_key_facts(key)
        | _usage(found_variable.default),
        services=(key.service,) if known.service(key.service) else (),
        sources=(*source, *filter(None, (key.source,))),
        queries=(found_variable.name,),
    )


def _usage(default: str | None) -> dict[str, object]:
    absent = (
        "the default text is used"
        if default is not None
        else "a resource that contains it matches nothing; a positive operator does not match, a negated one does"
    )
    found: dict[str, object] = {
        "replaced_in": "the resource part of ARNs in Resource and NotResource, and values of String and ARN operators",
        "needs": "Version 2012-10-17 and a key with one value",
        "without_a_value": absent,
    }
    return found | ({"default": escaped(default)} if default is not None else {})


def _escape(known: Catalog, query: str) -> Answer:
    return facts_answer(
        known,
        f"{quoted(query)} stands for the character `{query[2:-1]}` itself, not for a wildcard or a variable.",
        {"known": True, "kind": "variable", "query": query, "needs": "Version 2012-10-17"},
        sources=(_texts()["sources"]["variables"],),
    )


def former_key(known: Catalog, query: str) -> Answer | None:
    """A key that left AWS's reference, or a global one that never existed."""
    seen = known.key_last_listed(query)
    if seen:
        what = f"is no longer a condition key: AWS's reference still listed it on {seen}"
        near = known.suggest_condition_key(query)
        return unknown_answer(
            known,
            query,
            kind="condition_key",
            what=what,
            options=near,
            fields={"last_listed": seen},
        )
    former = legacy_keys().get(query.lower())
    if former:
        what = f"is no longer supported; use {former}"
        return unknown_answer(known, query, kind="condition_key", what=what)
    if query.partition(":")[0].lower() != "aws":
        return None
    near = known.suggest_condition_key(query)
    what = "is not a known global condition key"
    return unknown_answer(known, query, kind="condition_key", what=what, options=near)
