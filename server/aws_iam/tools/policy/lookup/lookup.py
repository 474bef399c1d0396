"""`policy lookup`: the facts about one name of IAM's vocabulary.

The readings in `_READINGS` are tried in order, and the first that knows the name answers; the last one suggests names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import PARTITIONS
from aws_iam.engine.language.aws_names import FORMS
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.reference.catalog import Catalog, catalog
from aws_iam.engine.reference.operations import (
    operations_named,
    service_of_client,
    without_permission,
)
from aws_iam.engine.reference.regions import regions
from aws_iam.errors import InputError
from aws_iam.escape import escaped, quoted
from aws_iam.tools.kit.tool import with_understood
from aws_iam.tools.policy.lookup import (
    api_calls,
    arns,
    cloudformation,
    command_lines,
    condition_keys,
    managed_policies,
    s3_commands,
    sdk_calls,
    service_words,
    several,
    tables,
    terraform,
)
from aws_iam.tools.policy.lookup.answer import SEARCH, facts_answer, quoted_names, unknown_answer
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.facts import Action, Service

# Longer than any name; an ARN may have 2,048 characters.
_LONGEST = 2_048
# These may contain spaces: a tag name after the slash of its key, the default of a variable.
_MAY_HAVE_SPACES = re.compile(r"\$\{|[^ ]*/")


def lookup(query: str) -> Answer:
    """The facts about a service, action, wildcard, condition key, operator, ARN, resource type or API call."""
    text = query.strip()
    if len(text) > _LONGEST:
        raise InputError(
            f"`query` has {len(text):,} characters; no name has more than {_LONGEST:,}"
        )
    query = command_lines.plain(text)
    if not query:
        raise InputError(
            "`query` is empty",
            hint="give a service (`s3`), an action (`s3:GetObject`), a wildcard (`s3:Get*`), a condition key or "
            "operator, an ARN, a resource type (`s3:bucket`), a level (`s3 write`), a call (`list_objects_v2`), a command "
            "(`aws s3 sync`), a Terraform resource (`aws_s3_bucket`) or an AWS managed policy (`ReadOnlyAccess`)",
        )
    known = catalog()
    names = _lines(known, text)
    if len(names) == 1:
        return with_understood(lookup(names[0]), [f"{quoted(query)} as {quoted(names[0])}"])
    command = "" if names or query.startswith("aws ") else command_lines.in_question(query)
    if command and not several.names_in(query) and (answer := _known(command)):
        return with_understood(answer, [f"{quoted(query)} as {quoted(command)}"])
    for reading in () if names else _READINGS_OF_CODE:
        if answer := reading(known, query):
            return answer
    names = names or several.names_in(query)
    if names:
        return several.several_names(known, query, names, lookup)
    has_words = any(character.isspace() for character in query)
    if has_words and not _MAY_HAVE_SPACES.match(query):
        return _of_several_words(known, query)
    return next(filter(None, (reading(known, query) for reading in _READINGS)))


def _lines(known: Catalog, query: str) -> tuple[str, ...]:
    """The commands of the AWS CLI, or the calls of an SDK, in the text where it holds several or more than them."""
    is_list = query.startswith("[")
    if "aws " in query and not is_list and (commands := command_lines.commands(query)):
        return () if commands == (command_lines.plain(query),) else commands
    return sdk_calls.calls_in(known, query)


def _of_several_words(known: Catalog, query: str) -> Answer:
    one = service_words.full_name(known, query)
    if one:
        return lookup(one)
    prefixes = service_words.services_with_title(known, query)
    if len(prefixes) == 1:
        return lookup(prefixes[0])
    words = tuple(query.split())
    if all(managed_policies.policy_name(known, word) for word in words):
        return several.several_names(known, query, words, lookup)
    for reading in (service_words.service_and_word, api_calls.api_call):
        if answer := reading(known, query):
            return answer
    if prefixes:
        return _of_titles(known, query, prefixes)
    return _of_question(known, query)


def _of_question(known: Catalog, query: str) -> Answer:
    """A question in words: the names in it, else what its words fit, else the service and the level it names."""
    # Imported here: starting the server must not load it.
    from aws_iam.tools.policy.lookup import in_words

    names = service_words.names_in_question(query)
    level = service_words.service_and_level(known, query)
    is_of_key = (
        in_words.asks_for_keys(query) and len(names.split()) == 1 and not known.service(names)
    )
    if ":" not in names:
        least = in_words.LEAST_SHARE if is_of_key else 1.0
        if answer := in_words.in_words(known, query, least=least):
            return answer
    for meant in (names, level) if ":" in names else (level, names):
        if meant and meant != query and (answer := _known(meant)):
            return with_understood(answer, [f"{quoted(query)} as {quoted(meant)}"])
    if answer := in_words.in_words(known, query):
        return answer
    raise InputError(
        f"`query` {quoted(query)} has several words",
        hint="separate names with commas (`s3:GetObject, logs`); two words can be a service and a level (`s3 write`), "
        "`no-resource-type` (`s3 no-resource-type`) or one of its names (`s3 bucket`)",
    )


def _known(query: str) -> Answer | None:
    """The facts about what a question is taken to ask; None if there are none."""
    try:
        answer = lookup(query)
    except InputError:
        return None
    is_certain = answer.facts.get("known", True) and answer.facts.get("kind") != SEARCH
    return answer if is_certain else None


def _of_titles(known: Catalog, query: str, prefixes: Sequence[str]) -> Answer:
    """The services whose names contain all of the words."""
    rows = [{"service": prefix, "name": _title(known, prefix)} for prefix in prefixes]
    return facts_answer(
        known,
        f"{len(prefixes)} services have {quoted(query)} in their names: {quoted_names(prefixes)}.",
        {"known": True, "kind": "service", "query": escaped(query), "services": rows},
        services=prefixes[:3],
        queries=prefixes,
    )


def _title(known: Catalog, prefix: str) -> str:
    service = known.service(prefix)
    return service.title if service else prefix


def _as_title(known: Catalog, query: str) -> Answer | None:
    """A service by a one-word name that is not its prefix, such as `EventBridge`."""
    prefixes = service_words.services_with_title(known, query) if ":" not in query else ()
    if len(prefixes) == 1:
        return _as_service(known, prefixes[0])
    return _of_titles(known, query, prefixes) if prefixes else None


def _as_wildcard(known: Catalog, query: str) -> Answer | None:
    if is_literal(query):
        return None
    pattern = query if ":" in query or not query.strip("*") else f"*:{query}"
    names = known.expand(pattern)
    if not names:
        return condition_keys.key_pattern(known, query) or _no_match(known, query, pattern)
    levels = tables.level_counts(known, names)
    services = tables.service_counts(names)
    found: dict[str, object] = {
        "known": True,
        "kind": "wildcard",
        "query": escaped(query),
        "count": len(names),
        "levels": levels,
    }
    if len(services) > 1:
        found["services"] = services
    of = f" of {len(services)} services" if len(services) > 1 else ""
    sentence = f"{quoted(query)} matches {counted(len(names), 'action')}{of} as of {known.as_of}"
    return facts_answer(
        known,
        f"{sentence}: {tables.level_text(levels)}.",
        found | {"actions": tables.action_rows(known, names)},
        services=[row["service"] for row in services] if len(services) == 1 else (),
    )


def _no_match(known: Catalog, query: str, pattern: str) -> Answer:
    service = known.service(pattern.partition(":")[0])
    what = f"matches no action of {service.title}" if service else "matches no action"
    near = known.suggest_pattern(pattern)
    return unknown_answer(known, query, kind="wildcard", what=what, options=near)


def _as_action(known: Catalog, query: str) -> Answer | None:
    action = known.action(query)
    if action:
        return _of_action(known, action)
    # API operations of this name take precedence: Lambda's operation `Invoke` is not an action of Lambda.
    if ":" in query:
        return None
    if operations_named(query.lower()):
        # `Query` is an operation, whatever resource types are called `query`.
        return api_calls.api_call(known, query) if query[:1].isupper() else None
    names = known.having(query)
    one = known.action(names[0]) if len(names) == 1 else None
    if one:
        return _of_action(known, one)
    if not names:
        return None
    return facts_answer(
        known,
        f"{len(names)} services have an action {quoted(query)}: {quoted_names(names)}.",
        {
            "known": True,
            "kind": "action",
            "query": escaped(query),
            "actions": tables.action_rows(known, names),
        },
        queries=names,
    )


def _of_action(known: Catalog, action: Action) -> Answer:
    types = tables.with_required(action)
    on = f"on {types}" if types else "on `*` only, because it has no resource types"
    more = ""
    if action.dependents:
        more = f" A call may also need {quoted_names(action.dependents, shown=5)}."
    open_action = without_permission().get(action.full_name.lower())
    if open_action:
        more += f" {open_action.why}."
    return facts_answer(
        known,
        f"`{action.full_name}` has access level {action.level} and is authorized {on}.{more}",
        tables.action_facts(known, action),
        services=(action.service,),
        sources=(open_action.source,) if open_action else (),
    )


def _as_service(known: Catalog, query: str) -> Answer | None:
    service = known.service(query)
    if service is None:
        return None
    ask = ("write", "permissions-management", "no-resource-type")
    return facts_answer(
        known,
        _service_words(service),
        tables.service_facts(known, service),
        services=(service.prefix,),
        queries=[f"{service.prefix} {word}" for word in ask],
    )


def _service_words(service: Service) -> str:
    return (
        f"`{service.prefix}` is {service.title}: {counted(len(service.action_names), 'action')}, "
        f"{counted(len(service.resource_types), 'resource type')}, "
        f"{counted(len(service.condition_keys), 'condition key')}."
    )


def _as_partition(known: Catalog, query: str) -> Answer | None:
    if query not in PARTITIONS:
        return None
    return facts_answer(
        known,
        f"`{query}` is a partition: ARNs of its resources begin with `arn:{query}:`.",
        {"known": True, "kind": "partition", "name": query, "partitions": list(PARTITIONS)},
        sources=("https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html",),
    )


def _as_region(known: Catalog, query: str) -> Answer | None:
    if not FORMS["region"].pattern.fullmatch(query):
        return None
    table = regions()
    partition = table.partition(query)
    if partition is None:
        near = table.near(query)
        what = f"looks like a Region, but is not in the list of {table.as_of}"
        options = (near,) if near else ()
        return unknown_answer(known, query, kind="region", what=what, options=options)
    return facts_answer(
        known,
        f"`{query}` is a Region of the partition `{partition}`, according to the SDK's table of {table.as_of}.",
        {"known": True, "kind": "region", "name": query, "partition": partition},
        sources=("https://docs.aws.amazon.com/general/latest/gr/rande.html",),
        queries=("aws:RequestedRegion",),
    )


def _as_form(known: Catalog, query: str) -> Answer | None:
    """A name that looks like a service principal or an account id, which the data does not list."""
    kinds = ("service_principal", "account")
    kind = next((name for name in kinds if FORMS[name].pattern.fullmatch(query)), None)
    if kind is None:
        return None
    prefix = query.partition(".")[0]
    service = known.service(prefix) or known.service(service_of_client(prefix))
    near = [service.prefix] if service and kind == "service_principal" else []
    name = {"service_principal": "a service principal", "account": "an account id"}
    what = f"looks like {name[kind]}; the data does not show whether it exists"
    return unknown_answer(known, query, kind=kind, what=what, options=near)


def _as_level(known: Catalog, query: str) -> Answer | None:
    """The actions of a level that is written like an action: `sns:write`."""
    words = query.replace(":", " ", 1)
    return service_words.service_and_word(known, words) if ":" in query else None


def _as_bare_key(known: Catalog, query: str) -> Answer | None:
    """The condition key, or keys, of that name without their prefix: `PassedToService`."""
    if not query.isalnum() or not (keys := known.keys_matching(f"*:{query}")):
        return None
    answer = (
        lookup(keys[0].name) if len(keys) == 1 else lookup(", ".join(key.name for key in keys))
    )
    names = quoted_names([key.name for key in keys])
    return with_understood(answer, [f"{quoted(query)} as {names}"])


def _as_former(known: Catalog, query: str) -> Answer | None:
    tier = known.tier(query)
    seen = known.last_listed(query)
    if tier == "retired":
        day = f"; it still did on {seen}" if seen else ""
        what = (
            f"is retired: AWS's reference no longer lists it{day}, and allowing it has no effect"
        )
    elif tier == "undocumented":
        what = "is used by AWS managed policies, but not documented"
    else:
        return None
    kind = "action" if ":" in query else "service"
    fields: dict[str, object] = {"last_listed": seen} if seen else {}
    return unknown_answer(known, query, kind=kind, what=what, tier=tier, fields=fields)


def _as_unknown(known: Catalog, query: str) -> Answer:
    if ":" not in query:
        also = service_of_client(query)
        near = (*known.suggest_service(query), *managed_policies.near_names(query))
        options = dict.fromkeys((*([also] if also else []), *near))
        what = "is not a known service, action, resource type or AWS managed policy"
        return unknown_answer(known, query, kind="service", what=what, options=options)
    prefix = query.partition(":")[0]
    service = known.service(prefix)
    options = dict.fromkeys((*known.suggest_action(query), *known.suggest_condition_key(query)))
    of = f"of {service.title}" if service else f"and {quoted(prefix)} is not a known service"
    return unknown_answer(
        known, query, kind="action", what=f"is not a known name {of}", options=options
    )


# A line of code or of a shell may hold spaces and commas.
_READINGS_OF_CODE: tuple[Callable[[Catalog, str], Answer | None], ...] = (
    s3_commands.s3_command,
    sdk_calls.sdk_call,
    terraform.terraform_name,
)
_READINGS: tuple[Callable[[Catalog, str], Answer | None], ...] = (
    managed_policies.policy_arn,
    arns.arn,
    condition_keys.variable,
    cloudformation.cloudformation_type,
    _as_wildcard,
    _as_service,
    _as_action,
    condition_keys.condition_key,
    arns.resource_type,
    condition_keys.operator,
    _as_partition,
    _as_region,
    api_calls.api_call,
    _as_form,
    _as_former,
    managed_policies.policy_name,
    _as_title,
    condition_keys.former_key,
    _as_level,
    _as_bare_key,
    _as_unknown,
)
