"""Where a text stops being JSON, why, and how to mend it; runs only after Python's parser has refused the text.

One pass, linear in the text, without recursion.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from aws_iam.answer import Where
from aws_iam.engine.parsing.json_nodes import Form, Lines, Place, refuse_depth, refuse_key
from aws_iam.escape import quoted
from aws_iam.frozen import slotted


@slotted
class Syntax:
    """Where a text stops being JSON, why, and how to mend it."""

    message: str
    hint: str
    where: Where
    # Two faults are the same only where the texts are.
    text: str = field(repr=False)


def first_fault(text: str) -> Syntax:
    """The first syntax error of a text that is not JSON; raises InputError when the text exceeds a limit before it."""
    try:
        _Scanner(text).document()
    except _Stopped as stopped:
        return stopped.syntax
    return Syntax(
        message="the text is not JSON",
        hint="check it with a JSON parser",
        where=Where(line=1, column=1),
        text=text,
    )


class _Stopped(Exception):  # noqa: N818 - control flow, caught in this module
    def __init__(self, syntax: Syntax) -> None:
        super().__init__()
        self.syntax = syntax


@dataclass(slots=True)
class _Open:
    """An object or list that is not closed yet."""

    form: Form
    at: Place
    # The key of the next value, or how many values came before it.
    token: str | int = 0


_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_WORD = re.compile(r"[\w.+:*-]{1,40}")
_DIFF = re.compile(r"\s*(?:diff --git |--- (?:\w+/|/dev/null)|@@ -\d|Index: )")
_CODE = re.compile(
    r"\s*(?:(?:const|let|var|import|from|export|new|def|class)\s|[A-Za-z_]\w*(?:\.\w+)*\s*(?:=[^=]|\())"
)
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_ESCAPES = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}
_HIGH_SURROGATES = range(0xD800, 0xDC00)
_LOW_SURROGATES = range(0xDC00, 0xE000)
# No-break and other spaces, and those without width, which come with texts from pages and chats.
_SPACES = frozenset("\u00a0\u2002\u2003\u2007\u2009\u200b\u200c\u200d\u202f\u2060\u3000\ufeff")
_INSIDE = re.compile(r'\{\s*"')
_TYPOGRAPHIC_QUOTES = "\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"
_LITERALS = ("true", "false", "null")
_FOREIGN_WORDS = {
    "True": "true",
    "False": "false",
    "None": "null",
    "undefined": "null",
    "nil": "null",
}
_CLOSERS = {Form.OBJECT: "}", Form.ARRAY: "]"}
_OPENERS = {"}": "{", "]": "["}


class _Scanner:
    """One pass over the text; open objects and lists are on a list, not on Python's stack."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines = Lines(text)
        self.open: list[_Open] = []

    def document(self) -> None:
        if self.text.startswith("\ufeff"):
            self._stop(
                "the text begins with a byte order mark", "save the file as UTF-8 without one"
            )
        if not self.text.strip():
            self._stop(
                "the document is empty", "a policy is a JSON object with Version and Statement"
            )
        if _DIFF.match(self.text):
            self._stop("the text is a diff, not a policy", "give the policy before and after it")
        while True:
            ended = self._value()
            while ended:
                if not self.open:
                    self._last()
                    return
                ended = self._after()

    def _last(self) -> None:
        self._blank()
        if self.at < len(self.text):
            self._stop(
                f"unexpected {self._shown()} after the end of the JSON value",
                "give one value; put several policies into a list: [policy, policy]",
            )

    def _value(self) -> bool:
        """Skip a scalar or an empty container; False when a container was opened and its first value follows."""
        character = self._blank()
        if character == '"':
            self._string()
        elif character == "{":
            return self._opened(Form.OBJECT)
        elif character == "[":
            return self._opened(Form.ARRAY)
        elif character == "-" or "0" <= character <= "9":
            self._number()
        else:
            word = self._word()
            if word not in _LITERALS:
                self._stop(*self._why_no_value(character, word))
            self.at += len(word)
        return True

    def _opened(self, form: Form) -> bool:
        holder = self.open[-1] if self.open else None
        place = Place(
            holder.at if holder else None, holder.token if holder else "", self.at, self.lines
        )
        refuse_depth(len(self.open), place)
        container = _Open(form, place)
        self.open.append(container)
        self.at += 1
        if self._blank() == _CLOSERS[form]:
            return self._closed()
        if form is Form.OBJECT:
            self._key(container)
        return False

    def _closed(self) -> bool:
        self.at += 1
        self.open.pop()
        return True

    def _after(self) -> bool:
        """Continue after a value; True when its container ends here too, False when another value follows."""
        container = self.open[-1]
        closer = _CLOSERS[container.form]
        character = self._blank()
        if character == closer:
            return self._closed()
        if character != ",":
            self._stop(*self._why_no_comma(character, closer))
        comma = self.at
        self.at += 1
        following = self._blank()
        if following and following in _OPENERS:
            self.at = comma
            self._stop(f"trailing comma before `{following}`", "remove the comma")
        if container.form is Form.OBJECT:
            self._key(container)
        elif isinstance(container.token, int):
            container.token += 1
        return False

    def _key(self, container: _Open) -> None:
        character = self._blank()
        if character != '"':
            self._stop(*self._why_no_key(character))
        container.token = name = self._string()
        refuse_key(name, container.at)
        if self._blank() != ":":
            self._stop(
                f"a colon is missing after the key {quoted(name, 60)}",
                'write "key": value',
            )
        self.at += 1

    def _string(self) -> str:
        start = self.at
        parts: list[str] = []
        self.at += 1
        while True:
            plain = _PLAIN.match(self.text, self.at)
            end = plain.end() if plain else self.at
            part = self.text[self.at : end]
            self.at = end
            character = self.text[end : end + 1]
            if character == '"':
                self.at += 1
                return "".join((*parts, part)) if parts else part
            parts.append(part)
            if character == "\\":
                parts.append(self._escape())
                continue
            self._stop_in_string(character, start)

    def _escape(self) -> str:
        kind = self.text[self.at + 1 : self.at + 2]
        if kind in _ESCAPES and kind:
            self.at += 2
            return _ESCAPES[kind]
        unit = self._unit(self.at)
        if unit is None:
            self._stop(
                f"{quoted(self.text[self.at : self.at + 2])} is not a JSON escape",
                r"write \\ for a backslash; the escapes are \" \\ \/ \b \f \n \r \t \u0000",
            )
        self.at += 6
        low = self._unit(self.at) if unit in _HIGH_SURROGATES else None
        if low is None or low not in _LOW_SURROGATES:
            return chr(unit)  # a lone surrogate stays: output escapes it
        self.at += 6
        return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))

    def _unit(self, at: int) -> int | None:
        if self.text[at : at + 2] != "\\u":
            return None
        digits = _HEX.match(self.text, at + 2)
        return int(digits[0], 16) if digits else None

    def _number(self) -> str:
        match = _NUMBER.match(self.text, self.at)
        follower = self.text[match.end() : match.end() + 1] if match else ""
        if match is None or follower.isalnum() or follower in {".", "_", "+", "-"} - {""}:
            self._stop(
                f"{quoted(self._word(), 60)} is not a JSON number",
                "write digits without leading zeros, or put the value in double quotes",
            )
        self.at = match.end()
        return match[0]

    def _word(self) -> str:
        match = _WORD.match(self.text, self.at)
        return match[0] if match else ""

    def _blank(self) -> str:
        """Skip white space; returns the next character, empty at the end."""
        character = self.text[self.at : self.at + 1]
        if character not in " \t\n\r":
            return character
        blank = _BLANK.match(self.text, self.at)
        self.at = blank.end() if blank else self.at
        return self.text[self.at : self.at + 1]

    def _shown(self) -> str:
        return quoted(self._word() or self.text[self.at : self.at + 1])

    def _position(self, offset: int) -> str:
        line, column = self.lines.at(offset)
        return f"{line}:{column}"

    def _stop(self, message: str, hint: str) -> NoReturn:
        line, column = self.lines.at(min(self.at, len(self.text)))
        where = Where(line=line, column=column)
        raise _Stopped(Syntax(message=message, hint=hint, where=where, text=self.text)) from None

    def _stop_in_string(self, character: str, start: int) -> NoReturn:
        if character in {"", "\n", "\r"}:
            self.at = start
            self._stop("the string that starts here has no closing quote", 'close it with `"`')
        self._stop(
            f"a string contains the control character {quoted(character)}",
            f"write it as \\u{ord(character):04x}, or remove it",
        )

    def _why_no_value(self, character: str, word: str) -> tuple[str, str]:
        if not character:
            return self._why_ended()
        if character in _OPENERS or character == ",":
            return f"a value is missing before `{character}`", "write the value, or remove the key"
        if word in _FOREIGN_WORDS:
            return f"`{word}` is not JSON", f"write `{_FOREIGN_WORDS[word]}`"
        other = None if self.open else self._why_other_language(word)
        return (
            other
            or self._why_stray(character)
            or (f"expected a JSON value, found {self._shown()}", "put strings in double quotes")
        )

    def _why_other_language(self, word: str) -> tuple[str, str] | None:
        """What a text is that does not begin as JSON does."""
        if word.partition(":")[0] in {"Version", "Statement", "---"}:
            return "the text looks like YAML, not JSON", "IAM accepts policies as JSON only"
        if _CODE.match(self.text):
            why = "give the policy that it makes, such as the template of `cdk synth`"
            return "the text looks like code, not JSON", why
        begins = self.text[self.at : self.at + 1]
        if (begins.isalnum() or begins in {"$", ">"}) and _INSIDE.search(self.text, self.at):
            return (
                "there is text before the JSON",
                "give the JSON alone, or in a fence of Markdown",
            )
        return None

    def _why_no_key(self, character: str) -> tuple[str, str]:
        if not character:
            return self._why_ended()
        if character == "\\" and self.text[self.at : self.at + 2] == '\\"':
            return (
                "the quotes are escaped",
                'write `"` for `\\"`, or the whole text as one JSON string',
            )
        return self._why_stray(character) or (
            f"expected a key in double quotes, found {self._shown()}",
            'write "key": value',
        )

    def _why_no_comma(self, character: str, closer: str) -> tuple[str, str]:
        if not character:
            return self._why_ended()
        if character in _OPENERS:
            begun = self._position(self.open[-1].at.offset)
            opener = _OPENERS[closer]
            return (
                f"`{character}` cannot close the `{opener}` of line {begun}",
                f"close it with `{closer}` first",
            )
        return self._why_stray(character) or (
            f"expected a comma or `{closer}` before {self._shown()}",
            "put a comma between values",
        )

    def _why_stray(self, character: str) -> tuple[str, str] | None:
        if character in _SPACES:
            return (
                f"the character U+{ord(character):04X}, which looks like a space",
                "write a space",
            )
        if character == "'":
            return "single quotes", "put JSON strings in double quotes"
        if character in _TYPOGRAPHIC_QUOTES:
            return (
                f"typographic quotes {quoted(character)}",
                'put JSON strings in straight quotes `"`',
            )
        if character == "#" or self.text[self.at : self.at + 2] in {"//", "/*"}:
            return "a comment", "remove it: JSON has no comments"
        return None

    def _why_ended(self) -> tuple[str, str]:
        unclosed = self.open[-1]
        begun = self._position(unclosed.at.offset)
        closer = _CLOSERS[unclosed.form]
        opener = _OPENERS[closer]
        return (
            f"the text ends before the `{opener}` of line {begun} is closed",
            f"close it with `{closer}`",
        )
