"""What kind of value a variable has, and whether it holds a secret.

INVARIANT: of a value only its kind is returned, never a part or a hash of it.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from aws_iam import resources
from aws_iam.account.names.secret_names import Suspicion, suspicion
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_VALUE = 65_536
LONGEST_TEXT = 1_048_576
"""The largest definition of a state machine, which is the largest text that is looked into."""
_MOST_NAMES = 50
_MOST_NESTED = 100
_MIN_BITS = 4.0
_MIN_RANDOM_LENGTH = 20
_SHORT, _MEDIUM = 8, 32
_RANDOM = "random text"


class ValueKind(StrEnum):
    """What a value looks like."""

    EMPTY = "empty"
    REFERENCE = "reference"
    """It refers to something: an ARN, a dynamic reference, a path, an address without a password."""
    SETTING = "setting"
    """A small number or a flag."""
    WORD = "word"
    """One word of letters, or a constant: a name, a mode, or a weak password."""
    WORDS = "words"
    """Words, run together or hyphenated: a name, or a weak password."""
    TEXT = "text"
    KEY = "key"
    """A known format of keys and tokens, or a text that contains a secret."""


@slotted
class Variable:
    """A variable: its name and what kind of value it has."""

    name: str
    kind: ValueKind
    format: str = ""
    length: str = ""
    """`short` (under 8 characters), `medium` or `long` (from 32)."""


@slotted
class Exposure:
    """Why a variable seems to hold a secret: the word of its name, or the format of its value."""

    word: str = ""
    guess: bool = False


_REFERENCE = re.compile(
    r"arn:[^\s]+|\{[{%].*|<[^<>]*>|<[A-Za-z_-]+|<%.*|\$[A-Za-z_][A-Za-z0-9_]*|\$[0-9@*#?!]|\$[{(.$].*|`.*|%[A-Za-z_]+%|!(?:Ref|Sub|GetAtt|Join|ImportValue)\b.*"
    # Code that gets the value elsewhere: a call, an index, a cmdlet.
    r"|[A-Za-z_][\w.]*[(\[].*|[A-Z][a-z]+(?:[A-Z][a-z]+)?-[A-Z][A-Za-z]+"
    r"|[A-Za-z][A-Za-z0-9+.-]{1,30}:(?:[A-Za-z0-9]+:)*//[^\s]*|(?i:file|s3|ssm|secretsmanager):/[^\s]*|vault:[^\s]+"
    r"|~?\.{0,2}/[^\s]*|[A-Za-z]:\\[^\s]*|[a-z][a-z0-9_.-]*/(?:[a-z0-9][a-z0-9_.-]*/)*[a-z0-9][a-z0-9_.-]*",
    re.DOTALL,
)
# Switches, masks, and words for what a value must be.
_SETTING = re.compile(
    r"(?i:true|false|yes|no|on|off|none|null|nil|enabled|disabled|required|optional|string|str|text|number|boolean|bool"
    r"|\*+|x{3,}|redacted|masked|hidden)|[0-9]{1,5}(?:ms|[smhdwy])?"
)
_WORD = re.compile(r"[A-Za-z][a-z]{0,30}|[A-Z]{2,30}(?:[-_][A-Z0-9]{1,20}){0,6}")
_WORDS = re.compile(
    r"[a-z]+(?:[-_.][a-z0-9]+)+|(?:[A-Z][a-z]+){2,}|[A-Za-z][a-z]*(?:[ ,]+[a-z]+)+"
)
_PUBLIC = re.compile(
    r"(?:ssh-|ecdsa-|sk-ssh-|sk-ecdsa-)[a-z0-9@.-]+ AAAA|-----BEGIN (?:[A-Z0-9]+ ){0,3}(?:PUBLIC KEY|CERTIFICATE)|pk_(?:live|test)_"
)
# A name and its value in connection strings, query strings, command lines and settings.
_PAIR = re.compile(
    r"""(?<![\w.-])-{0,2}(?:D(?=[a-z]+\.))?([A-Za-z][\w.-]{0,100})["']?[ \t]{0,8}(=(?!=)|:[ \t])[ \t]{0,8}(?:"([^"\n]{1,2000})"|'([^'\n]{1,2000})'|([^\s"';&,]{1,2000}))"""
)
# `--password VALUE`, as on command lines.
_OPTION = re.compile(r"(?:^|\s)--([a-z][a-z0-9-]{0,60})[ \t]+(?![-$])([^\s\"'$]{1,500})")
# How a connection string begins; a password in it is found before this is asked.
_CONNECTION = re.compile(
    r"(?i:server|data source|host|hostname|addr|address|endpoint|accountname|defaultendpointsprotocol|driver|provider|dbname"
    r"|database|initial catalog|user|user id|uid|port)[ ]?=.*",
    re.DOTALL,
)
# An address that names its caller by a key, as a DSN does, or by a long random part of its path, as webhooks do.
_KEY_IN_ADDRESS = re.compile(r"(?i:https?)://[0-9A-Za-z]{16,}@[^\s]+")
_RANDOM_PART = re.compile(
    r"[/=][A-Za-z0-9_-]*(?=[A-Za-z_-]*[0-9])(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{20,}"
)
_AWS_SECRET_KEY = re.compile(r"[A-Za-z0-9/+]{40}")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")
_SECRET_KEY_BITS = 4.4
_LONG_WORD = re.compile(r"[a-z]{8}")


@cache
def _shapes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Formats that their issuers publish, and addresses with a password."""
    listed = resources.data("secret-names.json")["shapes"]
    return tuple((shape["name"], re.compile(shape["pattern"])) for shape in listed)


def classified_variable(name: str, value: str, stored: frozenset[str] = frozenset()) -> Variable:
    """The variable without its value; a value that is one of the `stored` names refers to a secret."""
    kind, known = (ValueKind.REFERENCE, "") if value in stored else _kind(name, value.strip())
    return Variable(name=name, kind=kind, format=known, length=_length(len(value)))


def exposure(variable: Variable) -> Exposure | None:
    """Why the variable seems to hold a secret, and whether that is a guess; None when nothing suggests it."""
    if variable.kind is ValueKind.KEY:
        return Exposure()
    word, level = suspicion(variable.name)
    guess = _GUESS.get((level, variable.kind))
    is_short = variable.kind is ValueKind.WORD and variable.length == "short"
    if guess is None or (level is Suspicion.UNLESS_SHORT and is_short):
        return None
    # A plain word may be a weak password; under `secret` or `token` it is rather the name of one.
    names_one = variable.kind is ValueKind.WORD and not word.startswith(("pass", "pw"))
    return Exposure(word=word, guess=guess or names_one)


# Whether a name and a kind of value suggest a secret: False surely, True as a guess.
_GUESS = {
    (Suspicion.CERTAIN, ValueKind.TEXT): False,
    (Suspicion.CERTAIN, ValueKind.WORD): False,
    (Suspicion.CERTAIN, ValueKind.WORDS): True,
    (Suspicion.LIKELY, ValueKind.TEXT): False,
    (Suspicion.LIKELY, ValueKind.WORD): True,
    (Suspicion.LIKELY, ValueKind.WORDS): True,
    (Suspicion.UNLESS_WORD, ValueKind.TEXT): False,
    (Suspicion.UNLESS_SHORT, ValueKind.TEXT): False,
    (Suspicion.UNLESS_SHORT, ValueKind.WORD): True,
    (Suspicion.DOUBTFUL, ValueKind.TEXT): True,
}


def key_format(value: str) -> str:
    """The format of the key in the value, `random text` if it looks random, else empty."""
    known_format = _known_format(value) or _holds_secret(value.strip())
    if known_format:
        return known_format
    return _RANDOM if _is_random(value.strip()) else ""


def secrets_in_text(text: str) -> tuple[Variable, ...]:
    """The secrets in a script, a template or settings: the names that they are given, and the formats of others."""
    body = text[:LONGEST_TEXT].strip()
    # Long texts repeat themselves.
    pairs = dict.fromkeys(_assignments(body))
    classified = (classified_variable(name, value) for name, value in pairs)
    named = {
        variable.name: variable
        for variable in classified
        if (held := exposure(variable)) and not held.guess
    }
    formats = {variable.format for variable in named.values()}
    others = (
        Variable(name="", kind=ValueKind.KEY, format=name)
        for name in _all_formats(body)
        if name not in formats
    )
    return (*(named[name] for name in sorted(named)[:_MOST_NAMES]), *others)


def _assignments(body: str) -> Iterator[tuple[str, str]]:
    """Every name with its value: of JSON its fields, and of texts their lines and options."""
    fields = _json_fields(body) if body.startswith(("{", "[")) else None
    if fields is None:
        yield from _pairs(body)
        return
    for name, value in fields:
        inner = list(_pairs(value))
        yield from inner or [(name, value)]


def _all_formats(text: str) -> Iterator[str]:
    for name, form in _shapes():
        if any("EXAMPLE" not in match[0] for match in form.finditer(text)):
            yield name


def _kind(name: str, value: str) -> tuple[ValueKind, str]:
    if not value:
        return ValueKind.EMPTY, ""
    if _PUBLIC.match(value):
        return ValueKind.REFERENCE, ""
    known_format = _known_format(value) or _address_key(name, value) or _holds_secret(value)
    if known_format:
        return ValueKind.KEY, known_format
    return _plain_kind(name, value), ""


def _plain_kind(name: str, value: str) -> ValueKind:
    """The kind of a value without any known format, as its own text says it."""
    if len(value) > _LONGEST_VALUE:
        return ValueKind.TEXT
    if _KEY_IN_ADDRESS.fullmatch(value) and suspicion(name)[0] == "dsn":
        return ValueKind.TEXT
    if value.startswith(("{", "[")) and _only_refers(value):
        return ValueKind.REFERENCE
    for kind, form in (
        (ValueKind.SETTING, _SETTING),
        (ValueKind.REFERENCE, _REFERENCE),
        (ValueKind.REFERENCE, _CONNECTION),
        (ValueKind.WORD, _WORD),
        (ValueKind.WORDS, _WORDS),
    ):
        if form.fullmatch(value):
            return kind
    return ValueKind.TEXT


def _only_refers(value: str) -> bool:
    """Whether a value is JSON that holds no text of its own, such as a list of ARNs."""
    fields = _json_fields(value)
    return fields is not None and not any(
        _plain_kind("", text.strip()) is ValueKind.TEXT for _, text in fields
    )


def _address_key(name: str, value: str) -> str:
    """A webhook's address is its key when a part of it is random."""
    names_webhook = re.search(r"web_?hook", name, re.IGNORECASE)
    # A scheme has no case: https://datatracker.ietf.org/doc/html/rfc3986#section-3.1
    is_address = value[:8].lower().startswith(("https://", "http://"))
    return "webhook" if names_webhook and is_address and _RANDOM_PART.search(value) else ""


def _known_format(value: str) -> str:
    text = value[:_LONGEST_VALUE]
    for name, form in _shapes():
        match = form.search(text)
        # The sample keys in AWS's documentation contain this word.
        if match and "EXAMPLE" not in match[0]:
            return name
    return "AWS secret access key" if _is_secret_key(text) else ""


def _holds_secret(value: str) -> str:
    """What a structured value with a secret in it is: JSON, or names with their values; empty when it is none."""
    text = value[:_LONGEST_VALUE]
    if text.startswith(("{", "[")):
        fields = _json_fields(text)
        if fields is not None:
            return "JSON with a secret in it" if any(map(_field_holds_secret, fields)) else ""
    if any(map(_field_holds_secret, _pairs(text))):
        return "settings with a secret in them"
    return ""


def _field_holds_secret(field: tuple[str, str]) -> bool:
    name, value = field
    text = value.strip()
    if _PUBLIC.match(text):
        return False
    if _known_format(text) or ("=" in text and any(map(_pair_holds_secret, _pairs(text)))):
        return True
    return _pair_holds_secret((name, text))


def _pair_holds_secret(pair: tuple[str, str]) -> bool:
    name, text = pair
    variable = Variable(name=name, kind=_plain_kind(name, text) if text else ValueKind.EMPTY)
    held = exposure(variable)
    return held is not None and not held.guess


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for match in _PAIR.finditer(text):
        # Behind a colon a bare word may be prose: `password: see the wiki`.
        if match[2] == "=" or not (match[5] and _WORD.fullmatch(match[5])):
            yield match[1], match[3] or match[4] or _without_closing(match[5])
    yield from ((match[1], match[2]) for match in _OPTION.finditer(text))


def _without_closing(text: str) -> str:
    """The text without a bracket at its end that closes one before it: `read(token=self.token)`."""
    return text[:-1] if text.endswith(")") and "(" not in text else text


def _json_fields(text: str) -> list[tuple[str, str]] | None:
    """The texts of a JSON value with their names, at any depth; None when it is no JSON."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    fields: list[tuple[str, str]] = []
    left: list[tuple[str, object]] = [("", document)]
    nested = 0
    while left:
        name, value = left.pop()
        if isinstance(value, str):
            inner = _nested(value) if nested < _MOST_NESTED else None
            if inner is None:
                fields.append((name, value))
            else:
                nested += 1
                left.append((name, inner))
        elif isinstance(value, list):
            left += ((name, item) for item in value)
        elif isinstance(value, dict):
            left += value.items()
            named = value.get("name", value.get("Name", value.get("key", value.get("Key"))))
            if isinstance(named, str):
                # A list of variables: the name is a value of its own.
                left.append((named, value.get("value", value.get("Value"))))
    return fields


def _nested(value: str) -> object:
    """The JSON that a text of JSON holds; None when it holds none."""
    if not value.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def _is_secret_key(value: str) -> bool:
    """Whether the value is 40 characters of base64 at random; 40 hexadecimal ones are a Git commit."""
    return (
        _AWS_SECRET_KEY.fullmatch(value) is not None
        and _HEXADECIMAL.fullmatch(value) is None
        and "EXAMPLE" not in value
        and _LONG_WORD.search(value) is None
        and _is_mixed(value)
        and _bits(value) >= _SECRET_KEY_BITS
    )


def _is_random(value: str) -> bool:
    """Whether the value is one long word of mixed characters with high entropy."""
    if not _MIN_RANDOM_LENGTH <= len(value) <= _LONGEST_VALUE or re.search(r"[\s:/.,]", value):
        return False
    return _is_mixed(value) and _bits(value) >= _MIN_BITS


def _is_mixed(value: str) -> bool:
    return all(re.search(characters, value) for characters in ("[a-z]", "[A-Z]", "[0-9]"))


def _bits(value: str) -> float:
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())


def _length(count: int) -> str:
    if count < _SHORT:
        return "short"
    return "medium" if count < _MEDIUM else "long"
