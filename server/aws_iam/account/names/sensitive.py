"""Which names speak of a secret, and what kind of value a variable has.

INVARIANT: a value comes in here and only its kind goes out; no part of it, no hash of it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# One word, or two that follow each other. `key` alone says nothing: a sort key, a public key.
_SECRET_WORDS = frozenset(
    {
        "password", "passwords", "passwd", "passphrase", "pwd", "secret", "secrets", "token", "tokens", "apikey",
        "credential", "credentials", "privatekey", "secretkey", "accesskey", "connectionstring",
    }
)  # fmt: skip
_SECRET_PAIRS = frozenset(
    {
        ("api", "key"), ("api", "keys"), ("private", "key"), ("access", "key"), ("encryption", "key"), ("signing", "key"),
        ("master", "key"), ("connection", "string"), ("auth", "key"), ("license", "key"), ("client", "key"),
    }
)  # fmt: skip
# What a name ends in that is about a secret and not one: its place, its rules, its lifetime.
_ABOUT = frozenset(
    {
        "arn", "id", "ids", "name", "names", "path", "file", "dir", "url", "uri", "endpoint", "host", "issuer", "header",
        "length", "min", "max", "policy", "ttl", "expiry", "expiration", "seconds", "minutes", "hours", "days", "timeout",
        "age", "type", "enabled", "disabled", "count", "limit", "limits", "version", "stage", "rotation", "interval",
        "provider", "store", "manager", "backend", "prefix", "suffix", "region", "alias", "algorithm", "format", "mode",
        "cache", "size", "port", "required", "field", "table", "bucket", "topic", "queue", "role", "level", "audience",
        "ref", "reference",
    }
)  # fmt: skip
_LONGEST = 8_192
_BITS = 4.0
_LEAST_RANDOM = 20
_SHORT, _MEDIUM = 8, 32


class ValueKind(StrEnum):
    """What a value looks like."""

    EMPTY = "empty"
    REFERENCE = "reference"
    """An ARN, a dynamic reference, a path, an address without a password: it names something."""
    SETTING = "setting"
    """A small number or a switch."""
    WORDS = "words"
    """Words run together or with hyphens: a name, or a weak password."""
    TEXT = "text"
    KEY = "key"
    """A known format of keys and tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """An environment variable: its name and what kind of value it has."""

    name: str
    kind: ValueKind
    format: str = ""
    length: str = ""
    """`short` (under 8 characters), `medium` or `long` (from 32)."""


# Formats that their makers publish; each says who can tell such a key by its look.
_FORMATS = (
    ("private key", re.compile(r"-----BEGIN (?:[A-Z]+ ){0,2}PRIVATE KEY-----")),
    ("AWS access key id", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})")),
    ("GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20}")),
    ("Slack token", re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}")),
    ("Stripe key", re.compile(r"\b[rs]k_live_[A-Za-z0-9]{20,}")),
    ("Google API key", re.compile(r"\bAIza[A-Za-z0-9_-]{35}")),
    ("SendGrid key", re.compile(r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}")),
    ("npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}")),
    ("PyPI token", re.compile(r"\bpypi-[A-Za-z0-9_-]{50,}")),
    ("JSON web token", re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")),
    ("address with a password", re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{1,128}:[^\s:/@$<{][^\s/@]{0,256}@")),
)  # fmt: skip
_REFERENCE = re.compile(
    r"arn:[^\s]+|\{\{resolve:.*\}\}|\$\{?[A-Za-z_].*|(?:file|https?|s3|ssm|secretsmanager)://?[^\s]*"
    r"|\.{0,2}/[^\s]*|(?:[a-z][a-z0-9_.-]*/)+[a-z][a-z0-9_.-]*"
)
_SETTING = re.compile(r"(?i:true|false|yes|no|on|off|none|null|enabled|disabled)|[0-9]{1,5}")
_WORDS = re.compile(r"[a-z]+(?:[-_.][a-z0-9]+)+|(?:[A-Z][a-z]+){2,}")


def speaks_of_secret(name: str) -> str:
    """The word of a name that says it holds a secret; empty when none does, or when it is about one."""
    words = [each.lower() for each in _WORD.findall(name[:_LONGEST])]
    if words and words[-1] in _ABOUT:
        return ""
    for pair in pairwise(words):
        if pair in _SECRET_PAIRS:
            return " ".join(pair)
    return next((word for word in words if word in _SECRET_WORDS), "")


def variable(name: str, value: str, stored: frozenset[str] = frozenset()) -> Variable:
    """The variable without its value; one of the `stored` names is what it takes its secret from."""
    kind, known = (ValueKind.REFERENCE, "") if value in stored else _kind(value.strip())
    return Variable(name=name, kind=kind, format=known, length=_length(len(value)))


def key_format(value: str) -> str:
    """The format of the key that the value holds; `random text` for what only chance writes; empty for neither."""
    found = _known(value)
    if found:
        return found
    return "random text" if _is_random(value.strip()) else ""


def _kind(value: str) -> tuple[ValueKind, str]:
    if not value:
        return ValueKind.EMPTY, ""
    found = _known(value)
    if found:
        return ValueKind.KEY, found
    if len(value) > _LONGEST:
        return ValueKind.TEXT, ""
    for kind, form in (
        (ValueKind.SETTING, _SETTING),
        (ValueKind.REFERENCE, _REFERENCE),
        (ValueKind.WORDS, _WORDS),
    ):
        if form.fullmatch(value):
            return kind, ""
    return ValueKind.TEXT, ""


def _known(value: str) -> str:
    text = value[:_LONGEST]
    for name, form in _FORMATS:
        found = form.search(text)
        # AWS's documentation writes keys that end so; they open nothing.
        if found and "EXAMPLE" not in found[0]:
            return name
    return ""


def _is_random(value: str) -> bool:
    """Whether the value is one word, long, of mixed characters, and nearly as even as chance makes it."""
    if not _LEAST_RANDOM <= len(value) <= _LONGEST or re.search(r"[\s:/.,]", value):
        return False
    mixed = all(re.search(each, value) for each in ("[a-z]", "[A-Z]", "[0-9]"))
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return mixed and bits >= _BITS


def _length(count: int) -> str:
    if count < _SHORT:
        return "short"
    return "medium" if count < _MEDIUM else "long"
