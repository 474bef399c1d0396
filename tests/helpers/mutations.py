"""Policies spoilt in the ways that people, generators and attackers spoil them; the same seed spoils in the same way."""

from __future__ import annotations

import copy
import json
import math
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ELEMENTS = (
    "Version", "Id", "Statement", "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource",
    "Principal", "NotPrincipal", "Condition", "Action ", "action", "Actions", "", "\u200bEffect", "artifacts",
)  # fmt: skip
WORDS = (
    "Allow", "Deny", "*", "**", "?", "s3:*", "s3:Get*", "iam:PassRole", "nope:Do", "2012-10-17", "2008-10-17", "arn:",
    "arn:aws:s3:::b/*", "arn:aws:iam::111122223333:role/x", "arn:aws:sts::1:assumed-role/r/s", "${", "${}", "${aws:x",
    "${aws:username}", "${a, 'b'}", "${*}", "AWS", "Service", "Federated", "CanonicalUser", "lambda.amazonaws.com",
    "StringLike", "ForAllValues:StringEquals", "ForAnyValue:Null", "BoolIfExists", "IpAddress", "aws:TagKeys",
    "aws:SourceIp", "10.0.0.0/8", "::1/129", "1e999", "true", "2026-13-45T99:99:99Z", "o-a1b2c3d4e5/*", ":::::", "a:b:c",
    "token.actions.githubusercontent.com:sub", "repo:*", "x\ud800", "\u202ex", "\ufeff", "\x00", "é" * 300, "x" * 5_000,
    "*a" * 400, "?" * 600, "9" * 400,
)  # fmt: skip
# What JSON has besides objects, lists and texts; and numbers that only Python's writer makes.
SCALARS = (None, True, False, 0, -1, 3.5, 10**40, math.nan, math.inf)
KINDS = ("identity", "resource", "scp", "rcp", "boundary", "session", "trust")
ATTACHED = (
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::IAM::AssumeRolePolicyDocument",
    "nothing\u202e",
)

_SELDOM = 0.1

Place = tuple[Any, Any]


class Spoiler:
    """Spoils values and texts; everything it does follows from its seed."""

    def __init__(self, seed: int, others: Sequence[tuple[str | None, str | None, Any]]) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing secret: it repeats by its seed
        self._kind, self._attached, self._policy = self._any(others)
        self._others = [policy for *_, policy in others]

    def value(self) -> Any:
        """A policy with one to four changes, mostly few: what is wholly broken is soon judged."""
        whole = [copy.deepcopy(self._policy)]
        for _ in range(self._any((1, 1, 1, 2, 2, 3, 4))):
            self._any(_CHANGES)(self, whole)
        return whole[0]

    def text(self) -> str:
        """A policy as text, spoilt as a value first or as text or both."""
        value = self.value() if self._any((True, False)) else self._policy
        text = json.dumps(
            value, indent=self._any((None, 1, 4)), ensure_ascii=self._any((True, False))
        )
        for _ in range(self._random.randint(0, 3)):
            text = self._any(_EDITS)(self, text)
        return text

    def kind(self) -> str | None:
        """Mostly the kind that the policy was written for, now and then another."""
        return self._any(KINDS) if self._random.random() < _SELDOM else self._kind

    def attached(self) -> str | None:
        """What the policy is said to be attached to; mostly what it was written for."""
        return self._any(ATTACHED) if self._random.random() < _SELDOM else self._attached

    def _any(self, options: Sequence[Any]) -> Any:
        return options[self._random.randrange(len(options))]

    def _place(self, whole: list[Any]) -> Place:
        """A container and a key in it; every place below the outermost list has its chance."""
        places: list[Place] = [(whole, 0)]
        for container, key in places:
            value = container[key]
            keys = (
                value
                if isinstance(value, dict)
                else range(len(value))
                if isinstance(value, list)
                else ()
            )
            if len(places) < 400:
                places += [(value, name) for name in list(keys)[:40]]
        # The whole document and its list of statements have their turn, no more than that.
        return self._any(places if self._random.random() < _SELDOM else places[3:] or places)

    def _junk(self) -> Any:
        kind = self._random.randrange(6)
        if kind == 0:
            return self._any(SCALARS)
        if kind == 1:
            return {self._any(ELEMENTS + WORDS): self._any(WORDS)}
        if kind == 2:
            return [self._any(WORDS) for _ in range(self._random.randrange(4))]
        if kind == 3:
            return nested(self._any((2, 30, 400)), self._any(WORDS))
        return self._any(WORDS)

    def replace(self, whole: list[Any]) -> None:
        container, key = self._place(whole)
        container[key] = self._junk()

    def cross(self, whole: list[Any]) -> None:
        container, key = self._place(whole)
        other, place = self._place([self._any(self._others)])
        container[key] = copy.deepcopy(other[place])

    def wrap(self, whole: list[Any]) -> None:
        container, key = self._place(whole)
        value = container[key]
        container[key] = self._any(([value], [value, value], {self._any(ELEMENTS): value}))

    def drop(self, whole: list[Any]) -> None:
        container, key = self._place(whole)
        if container is not whole:
            del container[key]

    def rename(self, whole: list[Any]) -> None:
        container, key = self._place(whole)
        if isinstance(container, dict):
            value = container.pop(key)
            container[self._any((*ELEMENTS, *WORDS, str(key).swapcase(), f"{key}x"))] = value

    def add(self, whole: list[Any]) -> None:
        container, key = self._place(whole)
        value = container[key]
        if isinstance(value, dict):
            value[self._any(ELEMENTS + WORDS)] = self._junk()
        elif isinstance(value, list):
            value.insert(self._random.randrange(len(value) + 1), self._junk())

    def repeat(self, whole: list[Any]) -> None:
        container, key = self._place(whole)
        if isinstance(container[key], list):
            container[key] = container[key] * self._any((0, 2, 5))

    def write(self, whole: list[Any]) -> None:
        container, key = self._place(whole)
        if isinstance(container[key], str):
            container[key] = self.edited(container[key])

    def edited(self, text: str) -> str:
        at = self._random.randrange(len(text) + 1)
        end = min(len(text), at + self._any((0, 0, 1, 5)))
        return text[:at] + self._any(("", "", *WORDS, '"', "{", "]", ",", "\n", "//")) + text[end:]

    def cut(self, text: str) -> str:
        return text[: self._random.randrange(len(text) + 1)]

    def doubled(self, text: str) -> str:
        member = f'"{self._any(ELEMENTS)}": {json.dumps(self._junk())}, '
        at = text.find("{", self._random.randrange(len(text) + 1)) + 1
        return text[:at] + member + text[at:]

    def swapped(self, text: str) -> str:
        return text.replace(
            *self._any((('"', "'"), (":", "="), ("\n", "\r"), ("{", "["), (" ", "\u00a0")))
        )


def nested(depth: int, inside: Any) -> Any:
    """Lists in lists, and objects every third time."""
    value = inside
    for number in range(depth):
        value = {"Statement": value} if number % 3 == 0 else [value]
    return value


_CHANGES: tuple[Callable[[Spoiler, list[Any]], None], ...] = (
    Spoiler.replace,
    Spoiler.cross,
    Spoiler.wrap,
    Spoiler.drop,
    Spoiler.rename,
    Spoiler.add,
    Spoiler.repeat,
    Spoiler.write,
)
_EDITS: tuple[Callable[[Spoiler, str], str], ...] = (
    Spoiler.edited,
    Spoiler.cut,
    Spoiler.doubled,
    Spoiler.swapped,
)
