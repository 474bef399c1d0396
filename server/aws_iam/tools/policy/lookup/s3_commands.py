"""`policy lookup` of `aws s3 cp`, `aws s3 sync` and the like: the actions they need, by direction and flags."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.answer import next_call
from aws_iam.escape import escaped, quoted
from aws_iam.frozen import slotted
from aws_iam.tools.policy.lookup import tables
from aws_iam.tools.policy.lookup.answer import facts_answer, quoted_names, unknown_answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog

_S3 = "s3://"
# `aws s3 COMMAND`.
_BEFORE_PATHS = 3
_OF_FOLDERS = frozenset({"sync", "rb"})
# Standard input, and folders that take their name from elsewhere.
_NO_NAMES = frozenset({"", "-", ".", ".."})
_DIRECTIONS = ("upload", "download", "copy")
# Options with a value that would look like a path.
_WITH_VALUE = frozenset(
    {
        "--acl",
        "--cache-control",
        "--content-type",
        "--copy-props",
        "--endpoint-url",
        "--exclude",
        "--expires-in",
        "--include",
        "--output",
        "--profile",
        "--query",
        "--region",
        "--source-region",
        "--sse",
        "--sse-kms-key-id",
        "--storage-class",
    }
)


@slotted
class _Command:
    """A command line: its name, paths, flags, and the directions that it may have."""

    name: str
    paths: tuple[str, ...]
    flags: frozenset[str]
    directions: tuple[str, ...]

    def bucket(self, side: str) -> str:
        """The bucket or access point of the source or target; a placeholder where the line does not name it."""
        return self._parts(side)[0] or side.upper()

    def objects(self, side: str) -> str:
        """The keys in the bucket of that side, as a pattern: one key, those of a folder, or all."""
        bucket, key = self._parts(side)
        if not bucket or re.search(r"[*?$]", key):
            return "*"
        if self.name in _OF_FOLDERS or self.flags & {"--recursive", "--force"}:
            return f"{key.rstrip('/')}/*" if key else "*"
        if key.endswith("/") or not key:
            # The name of the source is the name in the target.
            name = self.paths[0].rpartition("/")[2] if side == "target" and len(self.paths) > 1 else "*"  # fmt: skip
            return f"{key}{'*' if name in _NO_NAMES or re.search(r'[*?$]', name) else name}"
        return key

    def _parts(self, side: str) -> tuple[str, str]:
        """The bucket or access point, and the key or prefix in it; both empty where the line does not name them."""
        at = 1 if side == "target" and len(self.paths) > 1 else 0
        path = self.paths[at] if at < len(self.paths) else ""
        if not path.startswith(_S3):
            return "", ""
        parts = path.removeprefix(_S3).split("/")
        # `s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/key`
        length = 2 if parts[0].startswith("arn:") else 1
        return "/".join(parts[:length]), "/".join(parts[length:])


def s3_command(known: Catalog, query: str) -> Answer | None:
    """`aws s3 sync`, `aws s3 cp file s3://bucket/key`, `aws s3 rm s3://bucket --recursive`."""
    words = _words(query)
    if [word.lower() for word in words[:2]] != ["aws", "s3"] or len(words) < _BEFORE_PATHS:
        return None
    name = words[2].lower()
    rows = [row for row in _rows() if name in row["commands"]]
    if not rows:
        names = sorted({command for row in _rows() for command in row["commands"]})
        what = f"is not a command of `aws s3`, which has {quoted_names(names, shown=len(names))}"
        return unknown_answer(known, query, kind="command", what=what, service="s3")
    return _answer(known, query, _command(name, words[_BEFORE_PATHS:], rows), rows)


def _words(query: str) -> list[str]:
    try:
        return shlex.split(query)
    except ValueError:  # an open quotation mark
        return query.split()


def _rows() -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = resources.data("s3-commands.json")["rows"]
    return rows


def _command(name: str, words: list[str], rows: list[Mapping[str, Any]]) -> _Command:
    paths: list[str] = []
    flags: set[str] = set()
    takes_value = False
    for word in words:
        if word.startswith("--"):
            flag, equals, _ = word.partition("=")
            flags.add(flag)
            takes_value = flag in _WITH_VALUE and not equals
        elif takes_value:
            takes_value = False
        else:
            paths.append(word)
    directed = any("directions" in row for row in rows)
    return _Command(
        name=name,
        paths=tuple(paths),
        flags=frozenset(flags),
        directions=_directions(paths) if directed else (),
    )


def _directions(paths: list[str]) -> tuple[str, ...]:
    """The direction that the paths show; all where they do not."""
    if len(paths) < 2:  # noqa: PLR2004 - source and target
        return _DIRECTIONS
    source, target = (path.startswith(_S3) for path in paths[:2])
    if source and target:
        return ("copy",)
    return ("download",) if source else ("upload",) if target else _DIRECTIONS


def _answer(
    known: Catalog, query: str, command: _Command, rows: list[Mapping[str, Any]]
) -> Answer:
    needed = list(_needed(command, rows))
    always = [row for row in needed if "when" not in row]
    names = list(dict.fromkeys(row["action"] for row in needed))
    further = list(_with_flags(command, rows))
    answer = facts_answer(
        known,
        _sentence(command, query, always, needed),
        {
            "known": True,
            "kind": "command",
            "query": escaped(query),
            "needs": needed,
            **({"with_flags": further} if further else {}),
            "actions": tables.action_rows(known, names),
        },
        sources=resources.data("s3-commands.json")["sources"],
    )
    if len(command.directions) > 1 or not command.paths:
        return answer
    needs: dict[str, list[str]] = {}
    for row in always:
        needs.setdefault(row["action"], []).append(row["resource"])
    return replace(
        answer,
        next=(
            next_call("policy", "generate", "the policy for this command", needs=needs),
            *answer.next,
        ),
    )


def _needed(command: _Command, rows: list[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    for row in rows:
        if "flags" in row and not command.flags & set(row["flags"]):
            continue
        if row["side"] == "none" and command.paths:
            continue
        if command.name == "ls" and row["side"] == "source" and not command.paths:
            continue
        for direction in command.directions or ("",):
            if direction and direction not in row["directions"]:
                continue
            for action in row["actions"]:
                yield {
                    **({"direction": direction} if len(command.directions) > 1 else {}),
                    "action": action,
                    "resource": escaped(_resource(command, row)),
                    **({"when": row["when"]} if "when" in row else {}),
                    **({"note": row["note"]} if "note" in row else {}),
                }


def _resource(command: _Command, row: Mapping[str, Any]) -> str:
    bucket = command.bucket(row["side"])
    is_access_point = bucket.startswith("arn:")
    arn = bucket if is_access_point else f"arn:aws:s3:::{bucket}"
    objects = command.objects(row["side"])
    return {
        "object": f"{arn}/object/{objects}" if is_access_point else f"{arn}/{objects}",
        "bucket": arn,
        "key": f"the KMS key of {bucket}",
        "everything": "*",
    }[row["on"]]


def _with_flags(command: _Command, rows: list[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """What further flags would need."""
    for row in rows:
        listed = set(row.get("flags", ()))
        fits = not command.directions or set(command.directions) & set(row["directions"])
        if listed and fits and not listed & command.flags:
            yield {"flags": ", ".join(row["flags"]), "actions": ", ".join(row["actions"])}


def _sentence(
    command: _Command, query: str, always: list[dict[str, str]], needed: list[dict[str, str]]
) -> str:
    parts = []
    for direction in command.directions or ("",):
        names = _names(row for row in always if row.get("direction", direction) == direction)
        to = f" for {_PHRASES[direction]}" if len(command.directions) > 1 else ""
        parts.append(f"{quoted_names(names)}{to}")
    often = _names(row for row in needed if "when" in row)
    more = f"; under the conditions in `needs` also {quoted_names(often)}" if often else ""
    return f"{quoted(query)} needs {'; '.join(parts)}{more}."


_PHRASES = {"upload": "an upload", "download": "a download", "copy": "a copy within S3"}


def _names(rows: Iterator[dict[str, str]]) -> list[str]:
    return list(dict.fromkeys(row["action"] for row in rows))
