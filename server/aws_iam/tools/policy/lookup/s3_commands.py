"""`policy lookup` of `aws s3 cp`, `aws s3 sync` and the like: the actions they need, by direction and flags."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam import resources
from aws_iam.answer import next_call
from aws_iam.escape import escaped, quoted
from aws_iam.frozen import slotted
from aws_iam.tools.policy.lookup import command_lines, tables
from aws_iam.tools.policy.lookup.answer import facts_answer, quoted_names, unknown_answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.answer import Answer
    from aws_iam.engine.reference.catalog import Catalog

_S3 = "s3://"
# `aws s3 COMMAND`.
_BEFORE_PATHS = 3
_OF_FOLDERS = frozenset({"sync", "rb"})
# `s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/key`, also with colons, or of an outpost.
_ACCESS_POINT = re.compile(
    r"(?P<head>arn:aws[\w-]*:s3(?:-outposts|-object-lambda)?:[\w-]*:\d*:)(?:outpost[/:](?P<outpost>[\w-]+)[/:])?accesspoint[/:](?P<name>[\w.-]+)"
)
_DIRECTORY_BUCKET = re.compile(r"--x-s3$")
# Standard input, and folders that take their name from elsewhere.
_NO_NAMES = frozenset({"", "-", ".", ".."})
_DIRECTIONS = ("upload", "download", "copy")
# Options with a value that would look like a path.
_WITH_VALUE = frozenset(
    {
        "--acl",
        "--bucket-name-prefix",
        "--bucket-region",
        "--ca-bundle",
        "--cache-control",
        "--case-conflict",
        "--checksum-algorithm",
        "--checksum-mode",
        "--cli-connect-timeout",
        "--cli-read-timeout",
        "--color",
        "--content-disposition",
        "--content-encoding",
        "--content-language",
        "--content-type",
        "--copy-props",
        "--endpoint-url",
        "--error-document",
        "--exclude",
        "--expected-size",
        "--expires",
        "--expires-in",
        "--grants",
        "--include",
        "--index-document",
        "--metadata",
        "--metadata-directive",
        "--output",
        "--page-size",
        "--profile",
        "--query",
        "--region",
        "--request-payer",
        "--source-region",
        "--sse",
        "--sse-c",
        "--sse-c-copy-source",
        "--sse-c-copy-source-key",
        "--sse-c-key",
        "--sse-kms-key-id",
        "--storage-class",
        "--tags",
        "--website-redirect",
    }
)


@slotted
class _Command:
    """A command line: its name, paths, flags (`--sse`, and with its value `--sse=aws:kms`), and the directions that it may have."""

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

    def value(self, flag: str) -> str:
        """The value of a flag; empty where it is not given."""
        given = (
            text.removeprefix(f"{flag}=") for text in self.flags if text.startswith(f"{flag}=")
        )
        return next(given, "")

    def _parts(self, side: str) -> tuple[str, str]:
        """The bucket or access point, and the key or prefix in it; both empty where the line does not name them."""
        at = 1 if side == "target" and len(self.paths) > 1 else 0
        path = self.paths[at] if at < len(self.paths) else ""
        if not path.startswith(_S3):
            return "", ""
        path = path.removeprefix(_S3)
        if point := _ACCESS_POINT.match(path):
            inside = f"outpost/{point['outpost']}/" if point["outpost"] else ""
            return f"{point['head']}{inside}accesspoint/{point['name']}", path[
                point.end() :
            ].lstrip("/")
        bucket, _, key = path.partition("/")
        return bucket, key


def s3_command(known: Catalog, query: str) -> Answer | None:
    """`aws s3 sync`, `aws s3 cp file s3://bucket/key`, `aws s3 rm s3://bucket --recursive`."""
    words = _words(query)
    if [word.lower() for word in words[:2]] != ["aws", "s3"] or len(words) < _BEFORE_PATHS:
        return None
    name = words[2].lower()
    if command_lines.asks_for_help(words[1:]):
        return None
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
    flag = ""
    for word in words:
        if word.startswith("--"):
            flag, equals, value = word.partition("=")
            flags.add(flag)
            flags.update([word] if value else [])
            flag = flag if flag in _WITH_VALUE and not equals else ""
        elif flag and not word.startswith(_S3):
            flags.add(f"{flag}={word}")
            flag = ""
        elif word != _S3:
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
    needed = _once(_needed(command, rows))
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
        sources=_sources(command),
    )
    # Objects of an outpost have ARNs of its buckets in AWS's reference, whose names the access point does not tell.
    is_on_outpost = any(":s3-outposts:" in row["resource"] for row in always)
    if len(command.directions) > 1 or not command.paths or is_on_outpost:
        return answer
    needs: dict[str, list[str]] = {}
    for row in always:
        # A key that has no ARN here cannot be granted.
        if row["resource"].startswith(("arn:", "*")):
            needs.setdefault(row["action"], []).append(row["resource"])
    return replace(
        answer,
        next=(
            next_call("policy", "generate", "the policy for this command", needs=needs),
            *answer.next,
        ),
    )


def _sources(command: _Command) -> list[str]:
    data = resources.data("s3-commands.json")
    buckets = map(command.bucket, ("source", "target"))
    in_session = any(map(_DIRECTORY_BUCKET.search, buckets))
    return [*data["sources"], *([data["directory_buckets"]["source"]] if in_session else [])]


def _once(needed: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Each row once: of a directory bucket one session is for all that is done in it."""
    return list({json.dumps(row): row for row in needed}.values())


def _needed(command: _Command, rows: list[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    for row in rows:
        if "flags" in row and not command.flags & set(row["flags"]):
            continue
        if command.flags & set(row.get("unless", ())):
            continue
        if row["side"] == "none" and command.paths:
            continue
        if command.name == "ls" and row["side"] == "source" and not command.paths:
            continue
        for direction in command.directions or ("",):
            if direction and direction not in row["directions"]:
                continue
            for action in _actions(command, row):
                yield {
                    **({"direction": direction} if len(command.directions) > 1 else {}),
                    "action": action,
                    "resource": escaped(_resource(command, row)),
                    **({"when": row["when"]} if "when" in row else {}),
                    **({"note": row["note"]} if "note" in row else {}),
                }


def _actions(command: _Command, row: Mapping[str, Any]) -> Iterator[str]:
    """The actions of the row, as the bucket of that side has them."""
    bucket = command.bucket(row["side"])
    in_session = resources.data("s3-commands.json")["directory_buckets"]["actions"]
    service = bucket.split(":")[2] if _ACCESS_POINT.fullmatch(bucket) else "s3"
    for action in row["actions"]:
        if not _DIRECTORY_BUCKET.search(bucket):
            yield re.sub("^s3(?=:)", service, action)
        elif action in in_session:
            yield in_session[action]


def _resource(command: _Command, row: Mapping[str, Any]) -> str:
    bucket = command.bucket(row["side"])
    is_access_point = bucket.startswith("arn:")
    arn = bucket if is_access_point else f"arn:aws:s3:::{bucket}"
    objects = command.objects(row["side"])
    if _DIRECTORY_BUCKET.search(bucket):
        in_object = arn = f"arn:aws:s3express:*:*:bucket/{bucket}"
    elif ":s3-object-lambda:" in bucket:
        in_object = arn
    else:
        in_object = f"{arn}/object/{objects}" if is_access_point else f"{arn}/{objects}"
    key = command.value("--sse-kms-key-id") if row["side"] == "target" else ""
    of_key = (
        key
        if key.startswith("arn:")
        else f"the KMS key {key}"
        if key
        else f"the KMS key of {bucket}"
    )
    return {"object": in_object, "bucket": arn, "key": of_key, "everything": "*"}[row["on"]]


def _with_flags(command: _Command, rows: list[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """What further flags would need."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        listed = set(row.get("flags", ()))
        fits = not command.directions or set(command.directions) & set(row["directions"])
        if listed and fits and not listed & command.flags:
            flags = ", ".join(flag.replace("=", " ") for flag in row["flags"])
            found.setdefault(flags, {}).update(dict.fromkeys(_actions(command, row)))
    for flags, actions in found.items():
        if actions:
            yield {"flags": flags, "actions": ", ".join(actions)}


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
    notes = "".join(f" ({row['note']})" for row in always if "note" in row)
    return f"{quoted(query)} needs {'; '.join(parts)}{more}{notes}."


_PHRASES = {"upload": "an upload", "download": "a download", "copy": "a copy within S3"}


def _names(rows: Iterator[dict[str, str]]) -> list[str]:
    return list(dict.fromkeys(row["action"] for row in rows))
