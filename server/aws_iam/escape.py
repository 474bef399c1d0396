"""Make hostile text safe to show: nothing that a caller or an account wrote can control a terminal or mislead."""

from __future__ import annotations

import re
import unicodedata

_CUT = "…"
_BMP_END = 0xFFFF
LONGEST_SENTENCE = 16_000
"""The limit of what we say ourselves, which must be whole: what it quotes has a limit of its own where it is quoted."""
# Cc control, Cf format (bidirectional marks, zero-width), Cs lone surrogates, Co private use, Zl and Zp separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
# A signed token, which must never be repeated: three parts, of which two begin like any JSON object in base64.
_TOKEN = re.compile(r"(?<![\w-])ey[\w-]+\.ey[\w-]+\.[\w-]*")
_NOT_PLAIN = re.compile(r"[^\n\t -~]")


def escaped(text: str, limit: int = 300) -> str:
    """The text on one line, invisible characters as escapes, cut to `limit` characters."""
    if ".ey" in text[:limit]:
        text = _TOKEN.sub("(a token)", text)
    # Only the part that is shown is examined, so megabytes cost nothing.
    prefix = text[: limit + 1]
    shown = prefix if prefix.isascii() and prefix.isprintable() else _with_escapes(prefix)
    if len(text) <= limit and len(shown) <= limit * 2:
        return shown
    return shown[:limit] + _CUT


def up_to_a_word(text: str, limit: int) -> str:
    """The beginning of a long text, up to the end of a word."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rpartition(' ')[0].rstrip(',;:') or text[:limit]} {_CUT}"


def quoted(value: str, limit: int = 200) -> str:
    """The value in backticks, unable to close them."""
    inside = escaped(value, limit).replace("`", "'")
    return f"`{inside}`"


def has_invisible_characters(text: str) -> bool:
    """Whether the text contains invisible characters."""
    return any(_visible(character) != character for character in text)


def visible(content: str) -> str:
    """The content of a file, safe to show: line breaks and tabs stay, invisible characters are escaped."""
    return _NOT_PLAIN.sub(lambda found: _visible(found[0]), content)


def _with_escapes(text: str) -> str:
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isascii() and character.isprintable():
        return character
    if unicodedata.category(character) not in _HIDDEN:
        return character
    point = ord(character)
    return f"\\u{point:04x}" if point <= _BMP_END else f"\\U{point:08x}"
