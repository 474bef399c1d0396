"""Which tool and action a question is for, told by words alone from the list of tools: a cheap guard for descriptions.

Rare words of the list count more than frequent ones. A model reads far better; what even this ranking finds, it finds.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from math import log
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from assistant.questions import Question

_WORD = re.compile(r"[a-z0-9]+")
_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "es", "ed", "s", "y", "e")
_SHORTEST = 3
_FILLERS = frozenset(
    [
        "a",
        "all",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "by",
        "can",
        "could",
        "do",
        "does",
        "for",
        "from",
        "get",
        "has",
        "have",
        "how",
        "i",
        "in",
        "is",
        "it",
        "its",
        "me",
        "my",
        "no",
        "not",
        "of",
        "on",
        "only",
        "or",
        "our",
        "says",
        "should",
        "so",
        "that",
        "the",
        "their",
        "them",
        "these",
        "this",
        "to",
        "under",
        "used",
        "was",
        "we",
        "what",
        "when",
        "where",
        "which",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)
_PHRASE = re.compile(r"([^:;]+) \((\w+)\)")
_NAME, _DESCRIPTION, _ARGUMENT = 4.0, 3.0, 1.0
Weights = dict[Any, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Hits:
    """How many questions there are, and of how many the tool and the action rank first."""

    questions: int
    tools: int
    actions: int
    missed: tuple[str, ...]


def hits(asked: Sequence[Question], listed: Sequence[Any]) -> Hits:
    """How often the ranking over the listed tools finds the tool and the action of a question's call."""
    tools, actions = _texts(listed)
    counted = [
        question for question in asked if question.arguments.get("action") in _names(actions)
    ]
    right_tools, right_actions, missed = 0, 0, []
    for question in counted:
        tool = _best(question.question, tools)
        of_tool = {name: words for name, words in actions.items() if name[0] == question.tool}
        action = _best(question.question, of_tool)
        right_tools += tool == question.tool
        right_actions += action == (question.tool, question.arguments["action"])
        if tool != question.tool:
            missed.append(f"{question.question} ({question.tool}, not {tool})")
    return Hits(len(counted), right_tools, right_actions, tuple(missed))


def _names(actions: Iterable[tuple[str, str]]) -> set[str]:
    return {action for _, action in actions}


def _texts(listed: Sequence[Any]) -> tuple[Weights, Weights]:
    """The words of each tool and of each action, as the list has them, with what they weigh."""
    tools: Weights = {}
    actions: Weights = {}
    for tool in listed:
        properties = tool.input_schema["properties"]
        phrases = {action: words for words, action in _PHRASE.findall(tool.description)}
        texts: dict[str, list[str]] = {action: [] for action in properties["action"]["enum"]}
        taken: dict[str, str] = {}
        for name, schema in properties.items():
            taking, _, words = schema.get("description", "").partition(":")
            # `as provider`: taken by the same actions.
            taken[name] = taking = taken.get(taking.removeprefix("as "), taking)
            shown = f"{name} {words} {' '.join(schema.get('enum', ()))}"
            for action in re.findall(r"\w+", taking):
                texts.get(action, []).append(shown)
        tools[tool.name] = _weights(
            f"{tool.name} {tool.title}",
            tool.description,
            *(" ".join(part) for part in texts.values()),
        )
        for action, parts in texts.items():
            actions[tool.name, action] = _weights(action, phrases.get(action, ""), " ".join(parts))
    return tools, actions


def _weights(name: str, description: str, *arguments: str) -> dict[str, float]:
    weights = dict.fromkeys(_terms(" ".join(arguments)), _ARGUMENT)
    weights |= dict.fromkeys(_terms(description), _DESCRIPTION)
    return weights | dict.fromkeys(_terms(name), _NAME)


def _best(question: str, texts: Weights) -> Any:
    asked = set(_terms(question))
    having = Counter(stem for words in texts.values() for stem in asked if stem in words)

    def score(name: Any) -> float:
        return sum(
            log(1 + len(texts) / having[stem]) * texts[name].get(stem, 0.0)
            for stem in asked
            if having[stem]
        )

    return max(texts, key=score)


def _terms(text: str) -> list[str]:
    """The words without their endings, and each pair of neighbours: `key policy` says more than its words."""
    words = [_stem(word) for word in _WORD.findall(text.lower()) if word not in _FILLERS]
    return [*words, *map(" ".join, pairwise(words))]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word.removesuffix(ending)
    return word
