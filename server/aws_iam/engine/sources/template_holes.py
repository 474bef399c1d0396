"""Templates of Helm, Go, Jinja, ERB and Terraform as JSON or YAML: a placeholder for each value that is filled in.

    Resource: arn:aws:s3:::{{ .Values.bucket }}/*     the text keeps its length, so that places stay those of the file

What decides about parts of the text (`{{ if … }}`, `{% for … %}`) becomes white space; the caller does not read what has such a
part within it.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_iam.engine.sources.containers.placeholders import Placeholders
from aws_iam.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.parsing.json_nodes import Node

MAX_TEMPLATE = 2_000_000
LONGEST_HOLE = 1_000
_WIDEST_MARGIN = 200
_ENDINGS = (
    ".tpl", ".tftpl", ".tmpl", ".gotmpl", ".j2", ".jinja", ".jinja2", ".erb", ".mustache", ".hbs", ".handlebars",
)  # fmt: skip
_CLOSERS = {"{{": "}}", "{%": "%}", "{#": "#}", "<%": "%>", "${": "}", "$${": "}", "%{": "}"}
_MARKS = re.compile(r"\{\{(?!resolve:)|\{%|<%|%\{")
_TOKEN = re.compile(r'\{\{(?!resolve:)|\{%|\{#|<%|\$?\$\{|%\{|\\.|"', re.DOTALL)
_CONTROL = re.compile(
    r"[-~]?\s*(?:(?:if|else|end|range|with|define|block|break|continue)\b|[#/^*!>]|\$\w*\s*:?=)"
)
# IAM's own variables have a colon or are a single character; with two colons they are CloudFormation's.
_ESCAPED_VARIABLE = re.compile(r"\$\$\{(?:[^{}:]+:[^{}:]+|[*?$])\}")
_POLICY_VARIABLE = re.compile(r"\$\{(?:[^{}]*:[^{}]*|[*?$])\}")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9.-]")


def is_template_name(name: str) -> bool:
    """Whether a file of this name is a template by its ending."""
    return name.lower().endswith(_ENDINGS)


def has_marks(text: str) -> bool:
    """Whether the text has marks of a template engine; dynamic references of CloudFormation are none."""
    return _MARKS.search(text) is not None


@dataclass(slots=True)
class Masked:
    """A template with placeholders; `decisions` are the offsets of what decides about parts, `lone` the holes with a line of their own."""

    text: str
    placeholders: Placeholders
    decisions: list[int] = field(default_factory=list)
    lone: list[tuple[int, int]] = field(default_factory=list)

    @property
    def without_lone_lines(self) -> str:
        """The text without the holes that have a line of their own: they may become any number of lines."""
        parts: list[str] = []
        done = 0
        for start, end in self.lone:
            parts += (self.text[done:start], " " * (end - start))
            done = end
        return "".join((*parts, self.text[done:]))

    def shown(self, text: str) -> str:
        """The text with `{{ name }}` for each placeholder."""
        # A message about the place where JSON ends quotes a mark of ours, which stands for one of the template.
        for mark, own in ((self.placeholders.begin, "{{"), (self.placeholders.end, "}}")):
            text = text.replace(f"\\u{ord(mark):04x}", own)
        begin, end = re.escape(self.placeholders.begin), re.escape(self.placeholders.end)
        holes = re.compile(f"{begin}([^{end}]*){end}")
        return holes.sub(lambda hole: f"{{{{ {hole[1].strip('_- ')} }}}}", text)

    def decides_within(self, policy: Node, offsets: Sequence[int], *, lone: bool) -> bool:
        """Whether the template decides which parts the policy has.

        `offsets` are those of all values of the file, sorted; `lone` if the holes with a line of their own were taken out.
        """
        own = list(offsets_in(policy))
        first, last = min(own), max(own)
        if _any_between(self.decisions, first, last):
            return True
        after = bisect.bisect_right(offsets, last)
        end = offsets[after] if after < len(offsets) else len(self.text)
        return lone and _any_between([start for start, _ in self.lone], first, end)


def _any_between(places: Sequence[int], first: int, last: int) -> bool:
    following = bisect.bisect_right(places, first)
    return following < len(places) and places[following] < last


def masked(text: str, *, dollars: bool) -> Masked | None:
    """The template with placeholders, None where a hole goes over several lines; with `dollars` `${name}` is a hole too."""
    if len(text) > MAX_TEMPLATE:
        raise InputError(
            f"the template has {len(text):,} characters, more than the limit of {MAX_TEMPLATE:,}"
        )
    begins = re.sub(
        r"^(?:\s|\{\{.{0,900}?\}\}|\{%.{0,900}?%\}|\{#.{0,900}?#\})+", "", text[:5_000]
    )
    return _Masking(text, is_json=begins[:1] in {"{", "["}, dollars=dollars).result()


class _Masking:
    def __init__(self, text: str, *, is_json: bool, dollars: bool) -> None:
        self._text = text
        self._is_json = is_json
        self._dollars = dollars
        self._holes = Placeholders.unused_in_texts((text,))
        self._found = Masked(text="", placeholders=self._holes)

    def result(self) -> Masked | None:
        """The template with placeholders, None where a hole goes over several lines."""
        parts: list[str] = []
        text, done, at, quoted = self._text, 0, 0, False
        while (token := _TOKEN.search(text, at)) is not None:
            start, opener = token.span()[0], token[0]
            at = token.end()
            if opener == '"':
                quoted = not quoted
                continue
            end = self._end(start, opener)
            # Outside of a text JSON has no variable of IAM.
            bare = self._is_json and not quoted
            if end < 0 or (opener.endswith("${") and not self._is_hole(opener, start, bare=bare)):
                continue
            piece = self._piece(start, end, opener, quoted=quoted and self._is_json)
            if piece is None:
                return None
            parts += (text[done:start], piece)
            done = at = end
        self._found.text = "".join((*parts, text[done:]))
        return self._found

    def _end(self, start: int, opener: str) -> int:
        closer = _CLOSERS.get(opener)
        end = self._text.find(closer, start, start + LONGEST_HOLE) if closer else -1
        if closer is None or end < 0:
            return -1
        end += len(closer)
        # Mustache has a third brace around what it does not escape.
        triple = self._text.startswith("{{{", start) and self._text.startswith("}", end)
        return end + triple

    def _is_hole(self, opener: str, start: int, *, bare: bool) -> bool:
        if not self._dollars:
            return False
        # Terraform writes `$${…}` as `${…}`: a variable of IAM, or what CloudFormation fills in.
        if opener == "$${":
            return not _ESCAPED_VARIABLE.match(self._text, start)
        return bare or not _POLICY_VARIABLE.match(self._text, start)

    def _piece(self, start: int, end: int, opener: str, *, quoted: bool) -> str | None:
        whole = self._text[start:end]
        inner = whole[len(opener) : -len(_CLOSERS[opener])]
        if _is_control(opener, inner):
            if not inner.lstrip("-~ \t").startswith(("/*", "!", "$")) and opener != "{#":
                self._found.decisions.append(start)
            return re.sub(r"[^\r\n]", " ", whole)
        if "\n" in whole:
            return None
        if self._is_alone(start, end):
            self._found.lone.append((start, end))
        name = _NOT_IN_A_NAME.sub("_", inner)
        if self._is_json and not quoted:
            return f'"{self._holes.placeholder(_sized(name, len(whole) - 4))}"'
        return self._holes.placeholder(_sized(name, len(whole) - 2))

    def _is_alone(self, start: int, end: int) -> bool:
        before = self._text[max(0, start - _WIDEST_MARGIN) : start]
        after = self._text[end : end + _WIDEST_MARGIN].partition("\n")[0]
        is_first = len(before) < _WIDEST_MARGIN or "\n" in before
        return is_first and not before.rpartition("\n")[2].strip() and not after.strip()


def _is_control(opener: str, inner: str) -> bool:
    if opener == "{{":
        return _CONTROL.match(inner) is not None
    if opener == "<%":
        return not inner.startswith("=")
    return opener in {"{%", "{#", "%{"}


def _sized(name: str, length: int) -> str:
    return name[:length].ljust(length, "_")


def offsets_in(node: Node) -> Iterator[int]:
    """The offsets of a value and of everything below it."""
    todo = [node]
    while todo:
        current = todo.pop()
        yield current.at.offset
        todo += current.items
        for member in current.members:
            yield member.name.at.offset
            todo.append(member.value)
