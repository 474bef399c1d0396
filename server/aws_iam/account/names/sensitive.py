"""Which names suggest a secret, and what kind of value a variable has.

INVARIANT: of a value only its kind is returned, never a part or a hash of it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# One word, or two consecutive ones. `key` alone suggests nothing: a sort key, a public key.
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
# Last words of names that are about a secret and do not hold it: its location, rules, lifetime.
_LAST_WORDS_ABOUT_SECRETS = frozenset(
    {
        "arn", "id", "ids", "name", "names", "path", "file", "dir", "url", "uri", "endpoint", "host", "issuer", "header",
        "length", "min", "max", "policy", "ttl", "expiry", "expiration", "seconds", "minutes", "hours", "days", "timeout",
        "age", "type", "enabled", "disabled", "count", "limit", "limits", "version", "stage", "rotation", "interval",
        "provider", "store", "manager", "backend", "prefix", "suffix", "region", "alias", "algorithm", "format", "mode",
        "cache", "size", "port", "required", "field", "table", "bucket", "topic", "queue", "role", "level", "audience",
        "ref", "reference",
    }
)  # fmt: skip
_MAX_LENGTH = 8_192
_MIN_BITS = 4.0
_MIN_RANDOM_LENGTH = 20
_SHORT, _MEDIUM = 8, 32


class ValueKind(StrEnum):
    """What a value looks like."""

    EMPTY = "empty"
    REFERENCE = "reference"
    """It refers to something: an ARN, a dynamic reference, a path, a URL without a password."""
    SETTING = "setting"
    """A small number or a flag."""
    WORDS = "words"
    """Words, run together or hyphenated: a name, or a weak password."""
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


# Formats that their issuers publish.
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


def secret_word(name: str) -> str:
    """The word of a name that suggests a secret; empty when there is none, or when the name is only about one."""
    words = [word.lower() for word in _WORD.findall(name[:_MAX_LENGTH])]
    if words and words[-1] in _LAST_WORDS_ABOUT_SECRETS:
        return ""
    for pair in pairwise(words):
        if pair in _SECRET_PAIRS:
            return " ".join(pair)
    return next((word for word in words if word in _SECRET_WORDS), "")


def classified_variable(name: str, value: str, stored: frozenset[str] = frozenset()) -> Variable:
    """The variable without its value; a value that is one of the `stored` names refers to a secret."""
    kind, known = (ValueKind.REFERENCE, "") if value in stored else _kind(value.strip())
    return Variable(name=name, kind=kind, format=known, length=_length(len(value)))


def key_format(value: str) -> str:
    """The format of the key in the value, `random text` if it looks random, else empty."""
    known_format = _known_format(value)
    if known_format:
        return known_format
    return "random text" if _is_random(value.strip()) else ""


def _kind(value: str) -> tuple[ValueKind, str]:
    if not value:
        return ValueKind.EMPTY, ""
    known_format = _known_format(value)
    if known_format:
        return ValueKind.KEY, known_format
    if len(value) > _MAX_LENGTH:
        return ValueKind.TEXT, ""
    for kind, form in (
        (ValueKind.SETTING, _SETTING),
        (ValueKind.REFERENCE, _REFERENCE),
        (ValueKind.WORDS, _WORDS),
    ):
        if form.fullmatch(value):
            return kind, ""
    return ValueKind.TEXT, ""


def _known_format(value: str) -> str:
    text = value[:_MAX_LENGTH]
    for name, form in _FORMATS:
        match = form.search(text)
        # The sample keys in AWS's documentation contain this word.
        if match and "EXAMPLE" not in match[0]:
            return name
    return ""


def _is_random(value: str) -> bool:
    """Whether the value is one long word of mixed characters with high entropy."""
    if not _MIN_RANDOM_LENGTH <= len(value) <= _MAX_LENGTH or re.search(r"[\s:/.,]", value):
        return False
    mixed = all(re.search(characters, value) for characters in ("[a-z]", "[A-Z]", "[0-9]"))
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return mixed and bits >= _MIN_BITS


def _length(count: int) -> str:
    if count < _SHORT:
        return "short"
    return "medium" if count < _MEDIUM else "long"
