"""`policy lookup` of plain words: the actions, or the condition keys, whose names have the words of a question."""

from __future__ import annotations

import re
from math import log
from typing import TYPE_CHECKING, NamedTuple

from aws_iam.engine.language.memo import memo_of_reference
from aws_iam.engine.reference.global_keys import global_keys
from aws_iam.escape import escaped, quoted
from aws_iam.tools.kit.word_search import stem, words
from aws_iam.tools.policy.lookup.answer import SEARCH, facts_answer, quoted_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog
    from aws_iam.engine.reference.facts import Service

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_WORD = re.compile(r"[^\W_]+")
_CONDITION_KEY = re.compile(r"\b(?:condition|context)s? ?keys?\b", re.IGNORECASE)
_LONGEST_QUESTION = 400
# What people say, and what the names of actions say.
_SAID: Mapping[str, tuple[str, ...]] = {
    "upload": ("put", "upload"),
    "store": ("put", "store"),
    "save": ("put", "save"),
    "write": ("put", "send", "write", "update"),
    "schreiben": ("put", "send", "write", "update"),
    "hochladen": ("put", "upload"),
    "enqueue": ("send",),
    "senden": ("send",),
    "download": ("get", "download"),
    "fetch": ("get",),
    "read": ("get", "read", "describe", "receive"),
    "lesen": ("get", "read", "describe", "receive"),
    "view": ("get", "describe", "view"),
    "see": ("get", "describe", "list"),
    "dequeue": ("receive",),
    "consume": ("receive", "get"),
    "auflisten": ("list", "describe"),
    "enumerate": ("list", "describe"),
    "remove": ("delete", "remove"),
    "destroy": ("delete", "terminate"),
    "löschen": ("delete", "remove"),
    "kill": ("terminate", "stop"),
    "launch": ("run", "launch"),
    "starten": ("start", "run"),
    "boot": ("run", "start"),
    "make": ("create",),
    "add": ("create", "add", "put"),
    "anlegen": ("create",),
    "change": ("update", "modify", "put", "set"),
    "ändern": ("update", "modify", "put", "set"),
    "edit": ("update", "modify"),
    "enable": ("put", "enable", "update"),
    "activate": ("put", "enable", "activate", "update"),
    "disable": ("disable", "deactivate", "put", "update"),
    "deactivate": ("disable", "deactivate", "put", "update"),
    "block": ("put", "block"),
    "call": ("invoke",),
    "trigger": ("invoke", "start"),
    "aufrufen": ("invoke",),
    "execute": ("execute", "invoke", "start"),
    "pull": ("get", "pull"),
    "push": ("put", "push"),
    "database": ("db", "database"),
    "file": ("object",),
    "files": ("object",),
    "datei": ("object",),
    "vm": ("instances",),
    "server": ("instances", "server"),
    "organization": ("org", "organization"),
    "organisation": ("org", "organization"),
    "ebs": ("ec2", "ebs"),
    "mfa": ("multi", "mfa"),
}
# Words about the question, not about the thing.
_ASIDE = frozenset(
    [
        *("a", "about", "all", "an", "and", "any", "are", "as", "at", "be", "by", "can", "could", "do", "does", "for"),
        *("from", "have", "how", "i", "in", "into", "is", "it", "its", "me", "my", "of", "on", "or", "our", "should"),
        *("that", "the", "their", "this", "to", "use", "used", "using", "want", "we", "what", "when", "which", "who"),
        *("will", "with", "would", "you", "your", "amazon", "aws", "someone"),
        *("action", "actions", "allow", "allowed", "needed", "need", "needs", "permission", "permissions", "require"),
        *("required", "right", "rights", "service", "services"),
        *("aus", "brauche", "das", "der", "die", "ein", "eine", "einen", "einer", "für", "ich", "um", "von", "welche", "zu"),
    ]
)  # fmt: skip
_OF_KEYS = frozenset({"condition", "conditions", "context", "key", "keys"})
# Names of services that are no words of their prefix or title.
_CALLED: Mapping[str, str] = {
    "parameter store": "ssm",
    "step function": "states",
    "step functions": "states",
    "identity center": "sso",
    "load balancer": "elasticloadbalancing",
    "vpc endpoint": "vpce",
}
# Verbs of two words.
_TOGETHER: Mapping[str, str] = {
    "turn on": "enable",
    "switch on": "enable",
    "turn off": "disable",
    "switch off": "disable",
}
# Services that a question means when it names none.
_USUAL = frozenset(
    [
        *("s3", "ec2", "iam", "sts", "sqs", "sns", "lambda", "dynamodb", "kms", "secretsmanager", "ssm", "rds", "ecs"),
        *("eks", "ecr", "logs", "cloudwatch", "cloudformation", "cloudtrail", "events", "route53", "organizations"),
    ]
)  # fmt: skip
_NAME, _FIRST, _SERVICE, _SPARE, _BONUS = 3.0, 1.0, 2.0, 1.5, 2.0
LEAST_SHARE = 0.6
_MOST = 8


class _Named(NamedTuple):
    """A name with its words, those of its service, and its access level."""

    name: str
    parts: tuple[str, ...]
    service: frozenset[str]
    level: str = ""


class _Fit(NamedTuple):
    """How much of the question a name has, from 0 to 1, and how well it fits."""

    share: float
    score: float
    named: _Named


def in_words(known: Catalog, question: str, *, least: float = LEAST_SHARE) -> Answer | None:
    """The names whose words fit the question best; None if none has the least share of its words."""
    question = question[:_LONGEST_QUESTION]
    wants_keys = asks_for_keys(question)
    asked = [_alternatives(word) for word in _question_words(question, wants_keys=wants_keys)]
    if not asked:
        return None
    named = tuple(_keys(known, asked)) if wants_keys else _actions(known)
    best = [fit.named for fit in _fits(asked, named) if fit.share >= least][:_MOST]
    if not best:
        return None
    names = [named.name for named in best]
    kind = "condition key" if wants_keys else "action"
    others = f", then {quoted_names(names[1:4])}" if names[1:] else ""
    rows = [
        {"name": one.name} | ({"access_level": one.level} if one.level else {}) for one in best
    ]
    return facts_answer(
        known,
        f"{quoted(question)} was taken as words: the {kind} that fits them best is `{names[0]}`{others}.",
        {"known": True, "kind": SEARCH, "query": escaped(question), "nearest": rows},
        services=(names[0].partition(":")[0],) if not wants_keys else (),
        queries=names,
    )


def asks_for_keys(question: str) -> bool:
    """Whether the words ask for a condition key."""
    return bool(_CONDITION_KEY.search(question))


def _question_words(question: str, *, wants_keys: bool) -> list[str]:
    text = question.lower()
    for said, meant in (*_CALLED.items(), *_TOGETHER.items()):
        text = text.replace(said, meant)
    left_out = _ASIDE | _OF_KEYS if wants_keys else _ASIDE
    return [word for word in dict.fromkeys(_WORD.findall(text)) if word not in left_out]


def _alternatives(word: str) -> frozenset[str]:
    return frozenset(map(stem, (*_SAID.get(word, ()), word)))


@memo_of_reference(maxsize=1)
def _actions(known: Catalog) -> tuple[_Named, ...]:
    """All of them, made once: they are most of the work of a question."""
    services = filter(None, map(known.service, sorted(known.services)))
    return tuple(
        _Named(f"{service.prefix}:{name}", _parts(name), own, service.level(name) or "")
        for service in services
        for own in [_words_of(service)]
        for name in service.action_names
    )


def _words_of(service: Service) -> frozenset[str]:
    """The words of its prefix, its name and its resource types."""
    types = _PART.findall(" ".join(service.resource_types))
    return frozenset(map(stem, (service.prefix, *words(service.title), *types)))


def _keys(known: Catalog, asked: Sequence[frozenset[str]]) -> Iterator[_Named]:
    """The global keys, and the keys of the services that the question names."""
    named = frozenset().union(*asked)
    services = (
        known.service(prefix) for prefix in sorted(known.services) if stem(prefix) in named
    )
    keys = [key for service in services if service for key in service.condition_keys.values()]
    for key in (*global_keys().values(), *keys):
        prefix, _, name = key.name.partition(":")
        yield _Named(key.name, _parts(name), frozenset({stem(prefix)}))


def _parts(name: str) -> tuple[str, ...]:
    return tuple(stem(part.lower()) for part in _PART.findall(name))


def _fits(asked: Sequence[frozenset[str]], named: Sequence[_Named]) -> list[_Fit]:
    """The names that have a word of the question, the best first."""
    weights = [_weight(word, named) for word in asked]
    whole = sum(weights)
    found = [_fit(asked, weights, whole, one) for one in named]
    return sorted(
        (fit for fit in found if fit.share),
        key=lambda fit: (-fit.score, len(fit.named.name), fit.named.name),
    )


def _weight(word: frozenset[str], named: Sequence[_Named]) -> float:
    """A rare word counts more than a frequent one, and one that occurs nowhere most: it is missing from every name."""
    having = sum(
        not (word.isdisjoint(one.parts) and word.isdisjoint(one.service)) for one in named
    )
    return log(1 + len(named) / max(having, 1))


def _fit(
    asked: Sequence[frozenset[str]], weights: Sequence[float], whole: float, named: _Named
) -> _Fit:
    """How the name fits the question; not at all if only its service does."""
    share = score = 0.0
    fitting = 0
    for word, weight in zip(asked, weights, strict=True):
        in_name = not word.isdisjoint(named.parts)
        if in_name or not word.isdisjoint(named.service):
            share += weight
            score += (_NAME if in_name else _SERVICE) * weight
            fitting += in_name
    if not fitting:
        return _Fit(0.0, 0.0, named)
    begins = any(named.parts[0] in word for word in asked)
    usual = named.name.partition(":")[0] in _USUAL
    # Words of the service say nothing else: `InvokeFunction` of Lambda is to invoke, `InvokeAsync` is more than that.
    spare = sum(
        part not in named.service and not any(part in word for word in asked)
        for part in named.parts
    )
    score += _FIRST * begins + _BONUS * usual - _SPARE * spare
    return _Fit(share / whole, score, named)
