"""`policy lookup` of a service and a word (a level, `no-resource-type`, a name in the service), or of a service's full name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.escape import escaped
from aws_iam.tools.policy.lookup import tables
from aws_iam.tools.policy.lookup.answer import facts_answer, unknown_answer
from aws_iam.tools.policy.lookup.condition_keys import key_of_service
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog
    from aws_iam.engine.reference.facts import Service

# The words that people write for access levels, joined by hyphens.
_LEVELS = {
    "list": "List",
    "read": "Read",
    "write": "Write",
    "tag": "Tagging",
    "tagging": "Tagging",
    "permission-management": "Permissions management",
    "permissions": "Permissions management",
    "permissions-management": "Permissions management",
}
_WITHOUT = frozenset(
    {
        "no-resource",
        "no-resource-type",
        "no-resource-types",
        "without-resource",
        "without-resource-type",
        "without-resource-types",
    }
)
_FILLERS = frozenset({"action", "actions", "access", "for", "in", "level", "levels", "of", "the"})


def service_and_word(known: Catalog, query: str) -> Answer | None:
    """`s3 write`, `permissions-management iam`, `ec2 no-resource-type`, `ec2 aws:TagKeys`."""
    words = query.lower().split()
    if len(words) < 2:  # noqa: PLR2004 - a service and a word
        return None
    for at in (0, -1):
        service = known.service(words[at])
        rest = [word for word in (words[1:] if at == 0 else words[:-1]) if word not in _FILLERS]
        phrase = "-".join(rest)
        if service and phrase in _LEVELS:
            return _of_level(known, query, service, _LEVELS[phrase])
        if service and phrase in _WITHOUT:
            return _without_types(known, query, service)
    first, _, name = query.partition(" ")
    service = known.service(first)
    if service and ":" in name:
        # A tag name in the key may contain spaces.
        return key_of_service(known, query, name.strip(), service)
    return None


# Verbs of questions, and the access level that they ask for.
_VERBS = {
    **dict.fromkeys(("list", "enumerate", "find"), "list"),
    **dict.fromkeys(("read", "get", "fetch", "receive", "download", "describe", "view"), "read"),
    **dict.fromkeys(
        (
            "write",
            "send",
            "put",
            "publish",
            "upload",
            "create",
            "update",
            "delete",
            "change",
            "modify",
        ),
        "write",
    ),
    **dict.fromkeys(("tag", "untag", "tagging"), "tagging"),
    **dict.fromkeys(("grant", "share"), "permissions"),
}


def service_and_level(known: Catalog, query: str) -> str | None:
    """`sqs write` for `write to an SQS queue`: the one service that a question names, and the one level it asks for."""
    asked = _WORD.findall(query.lower())
    services = {known.service(word) for word in asked if word not in _VERBS}
    prefixes = {service.prefix for service in services if service}
    levels = {_VERBS[word] for word in asked if word in _VERBS}
    if len(prefixes) != 1 or len(levels) != 1:
        return None
    return f"{prefixes.pop()} {levels.pop()}"


_OF_QUESTIONS = frozenset(
    [
        *(
            "a",
            "all",
            "allowed",
            "an",
            "and",
            "are",
            "can",
            "do",
            "does",
            "for",
            "have",
            "i",
            "in",
            "is",
            "of",
            "on",
        ),
        *("the", "to", "use", "used", "what", "which", "with"),
        *(
            "access",
            "action",
            "actions",
            "arn",
            "arns",
            "condition",
            "conditions",
            "format",
            "formats",
            "key",
            "keys",
        ),
        *(
            "level",
            "levels",
            "need",
            "needed",
            "needs",
            "permission",
            "permissions",
            "require",
            "required",
            "requires",
        ),
        *("resource", "resources", "support", "supported", "supports", "type", "types"),
    ]
)


def names_in_question(question: str) -> str:
    """What a question asks about: `kms:Decrypt` of `condition keys for kms:Decrypt`; empty when nothing is left."""
    words = [word.strip("?!.,;\"'`()") for word in question.split()]
    names = dict.fromkeys(word for word in words if ":" in word)
    if names:
        return ", ".join(names)
    return " ".join(word for word in words if word and word.lower() not in _OF_QUESTIONS)


def full_name(known: Catalog, query: str) -> str | None:
    """`s3:bucket` for `s3 bucket`: an action, resource type or condition key of the service."""
    words = query.split()
    if len(words) != 2:  # noqa: PLR2004 - a service and a name
        return None
    prefix, name = words
    service = known.service(prefix)
    if service is None:
        return None
    full = f"{service.prefix}:{name}"
    types = name.lower() in service.resource_types
    return full if types or service.has_action(name) or service.condition_key(full) else None


# Words that service names begin with.
_MAKERS = frozenset({"amazon", "aws"})
_WORD = re.compile(r"[a-z0-9]+")


@memo_of_reference(4)
def _titles(known: Catalog) -> Mapping[str, tuple[str, ...]]:
    """The words of each service's name, by its prefix."""
    found = ((prefix, known.service(prefix)) for prefix in sorted(known.services))
    return {prefix: _title_words(service.title) for prefix, service in found if service}


def _title_words(name: str) -> tuple[str, ...]:
    return tuple(word for word in _WORD.findall(name.lower()) if word not in _MAKERS)


def services_with_title(known: Catalog, query: str) -> tuple[str, ...]:
    """The prefixes of the services with that name, such as `Secrets Manager`; else of those with all its words."""
    query_words = _title_words(query)
    if not query_words or "," in query:
        return ()
    titles = _titles(known)
    same = tuple(prefix for prefix, name in titles.items() if name == query_words)
    return same or tuple(
        prefix for prefix, name in titles.items() if set(query_words) <= set(name)
    )


def _of_level(known: Catalog, query: str, service: Service, level: str) -> Answer:
    names = [
        f"{service.prefix}:{name}" for name in service.action_names if service.level(name) == level
    ]
    if not names:
        what = f"matches no action: {service.title} has none with level {level}"
        return unknown_answer(known, query, kind="level", what=what, service=service.prefix)
    without = {f"{service.prefix}:{name}" for name in service.without_types()}
    scoped = [name for name in names if name not in without]
    return facts_answer(
        known,
        f"{service.title} has {counted(len(names), 'action')} with level {level}, {len(scoped)} of them with "
        f"resource types, as of {known.as_of}.",
        {
            "known": True,
            "kind": "level",
            "query": escaped(query),
            "service": service.prefix,
            "access_level": level,
            "count": len(names),
            "actions": tables.action_rows(known, scoped),
            "actions_without_resource_type": tables.action_rows(
                known, (name for name in names if name in without)
            ),
        },
        services=(service.prefix,),
    )


def _without_types(known: Catalog, query: str, service: Service) -> Answer:
    names = [f"{service.prefix}:{name}" for name in service.without_types()]
    total = len(service.action_names)
    levels = tables.level_counts(known, names)
    sentence = f"{len(names)} of the {total} actions of {service.title} have no resource type and are authorized on `*` only"
    return facts_answer(
        known,
        f"{sentence}: {tables.level_text(levels)}." if names else f"{sentence}.",
        {
            "known": True,
            "kind": "actions_without_resource_type",
            "query": escaped(query),
            "service": service.prefix,
            "count": len(names),
            "levels": levels,
            "actions": tables.action_rows(known, names),
        },
        services=(service.prefix,),
    )
