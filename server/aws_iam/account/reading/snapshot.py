"""The frozen `Account`: everything that was read from AWS, and why the rest could not be.

    summary = account.require(SUMMARY)                    # raises NotCollected when missing
    alarms = account.require_in("eu-west-1", ALARMS)      # a fact of each Region
    for region, groups in account.in_each(SECURITY_GROUPS):
        ...                                               # `groups` is the value or a Miss
    status = known(trail.status)                          # a field typed `… | Miss`

The facts and their values live in `aws_iam.account.collect`. A snapshot holds no benchmark and no secret.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from aws_iam.account.collect.catalogue import FACTS
from aws_iam.account.collect.fact import AccountFact, Fact, Held, Miss, MissKind, RegionFact, known
from aws_iam.account.guard.allowlist import actions_of
from aws_iam.account.names import id_formats
from aws_iam.account.reading import snapshot_codec
from aws_iam.errors import InputError, system_reason
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.regular_files import open_regular
from aws_iam.version import __version__
from aws_iam.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

T = TypeVar("T")

FORMAT = 1
_GZIP = b"\x1f\x8b"
MAX_BYTES = 512 * 1024 * 1024
_HINT = "give a file that `audit run` with `save: FILE` wrote"
# Fields that were added to the items of a fact later; in an older snapshot they are None, which means unknown.
_ADDED_FIELDS = {
    "rds.instances": ("encryption",),
    "rds.clusters": ("encryption",),
    "logs.metric_filters": ("criteria", "transformed"),
    "s3.bucket_encryption": ("key",),
    "sqs.policies": ("kms_key",),
    "sns.policies": ("kms_key",),
    "iam.authorization": ("policies/versions", "users/tags", "roles/tags"),
    "iam.last_accessed": ("identities/services/actions",),
    "lambda.functions": ("role",),
    "ecs.task_definitions": ("task_role",),
    "eks.clusters": ("associations/policy",),
    **dict.fromkeys(
        (
            "cloudformation.stacks",
            "codebuild.projects",
            "ec2.launch_templates",
            "ec2.user_data",
            "glue.jobs",
            "ssm.documents",
            "stepfunctions.state_machines",
        ),
        ("role",),
    ),
}


@slotted
class Regions:
    """The Regions of a snapshot."""

    read: tuple[str, ...]
    """The Regions that were read, sorted."""
    enabled: tuple[str, ...] | Miss
    """The Regions that the account has enabled; a Miss when they could not be listed."""
    asked: tuple[str, ...] = ()
    """The Regions that the caller named; none: all enabled ones."""

    @property
    def complete(self) -> bool:
        """Whether every enabled Region was read."""
        return not isinstance(self.enabled, Miss) and set(self.enabled) <= set(self.read)

    @property
    def unlisted(self) -> Miss | None:
        """Why Regions may be missing though all were meant to be read; None where the caller named the Regions."""
        return self.enabled if isinstance(self.enabled, Miss) and not self.asked else None

    def __str__(self) -> str:
        if isinstance(self.enabled, Miss):
            return f"{len(self.read)} of an unknown number of enabled Regions"
        read = len(set(self.read) & set(self.enabled))
        return f"{read} of {len(self.enabled)} enabled Regions"


@slotted
class Account:
    """One account at one moment."""

    id: str
    partition: str = "aws"
    caller_arn: str = ""
    alias: str | None = None
    collected_at: datetime
    regions: Regions
    facts: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    """(name of the fact, Region or empty) → its value or a Miss."""

    @property
    def root_arn(self) -> str:
        """The ARN of the root user."""
        return f"arn:{self.partition}:iam::{self.id}:root"

    def get(self, fact: AccountFact[T]) -> T | Miss:
        """The value, or why it is missing."""
        return self._at(fact, "")

    def require(self, fact: AccountFact[T]) -> T:
        """The value; raises NotCollected with the call, the error code and the missing IAM action."""
        value: T | Miss = self._at(fact, "")
        return known(value)

    def get_in(self, region: str, fact: RegionFact[T]) -> T | Miss:
        """The value in a Region, or why it is missing."""
        return self._at(fact, region)

    def require_in(self, region: str, fact: RegionFact[T]) -> T:
        """The value in a Region; raises NotCollected as `require` does."""
        value: T | Miss = self._at(fact, region)
        return known(value)

    def in_each(self, fact: RegionFact[T]) -> Iterator[tuple[str, T | Miss]]:
        """The value, or why it is missing, for every Region that was read."""
        for region in self.regions.read:
            value: T | Miss = self._at(fact, region)
            yield region, value

    def misses(self) -> tuple[Miss, ...]:
        """The facts that could not be read, in order, without the misses inside a fact's value."""
        ordered = sorted(self.facts.items())
        return tuple(value for _, value in ordered if isinstance(value, Miss))

    def _at(self, fact: Fact[T], region: str) -> T | Miss:
        if (fact.name, region) not in self.facts:
            return _not_requested(fact, region, self.regions)
        value: T | Miss = self.facts[fact.name, region]
        return value


def _not_requested(fact: Fact[Any], region: str, regions: Regions) -> Miss:
    """The miss for a fact that the snapshot was not read for."""
    return Miss(
        kind=MissKind.UNASKED,
        call=fact.name,
        permission=", ".join(actions_of(fact.name)),
        message=f"{region} was not read" if region and region not in regions.read else "",
        region=region,
    )


def account_of(  # noqa: PLR0913 - a snapshot has these parts
    *held: Held,
    id: str = "111122223333",  # noqa: A002 - the field's own name
    partition: str = "aws",
    regions: Iterable[str] = ("us-east-1",),
    enabled: Iterable[str] | None = None,
    alias: str | None = None,
    collected_at: datetime = datetime(2026, 11, 1, 12, tzinfo=UTC),
) -> Account:
    """A snapshot made by hand: `account_of(SUMMARY.held(Summary(root_mfa=False)))`."""
    read = tuple(sorted(regions))
    return Account(
        id=id,
        partition=partition,
        caller_arn=f"arn:{partition}:iam::{id}:user/auditor",
        alias=alias,
        collected_at=collected_at,
        regions=Regions(read=read, enabled=read if enabled is None else tuple(sorted(enabled))),
        facts=held_facts(held),
    )


def held_facts(held: Iterable[Held]) -> dict[tuple[str, str], Any]:
    """The entries as a snapshot keeps them."""
    return {(entry.fact.name, entry.region): entry.value for entry in held}


def dumps(account: Account) -> str:
    """The snapshot as JSON text with sorted keys, so that two of them compare with plain tools."""
    facts: dict[str, dict[str, Any]] = {}
    for (name, region), value in account.facts.items():
        facts.setdefault(name, {})[region] = snapshot_codec.dump(value)
    data = {
        "format": FORMAT,
        "tool_version": __version__,
        "account": account.id,
        "partition": account.partition,
        "caller_arn": account.caller_arn,
        "alias": account.alias,
        "collected_at": snapshot_codec.dump(account.collected_at),
        "regions": snapshot_codec.dump(account.regions),
        "facts": facts,
    }
    return json.dumps(data, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def loads(text: str) -> Account:
    """The snapshot in the JSON text; InputError where it does not fit."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"snapshot: not valid JSON at {where}", hint=_HINT) from None
    except ValueError:
        raise InputError("snapshot: a number has too many digits", hint=_HINT) from None
    except RecursionError:
        raise InputError("snapshot: its JSON is nested too deeply", hint=_HINT) from None
    if not isinstance(data, dict) or "format" not in data:
        raise InputError("snapshot: the file is not a snapshot", hint=_HINT)
    if type(data["format"]) is not int or data["format"] != FORMAT:
        raise InputError(
            f"snapshot: format {snapshot_codec.shown(data['format'])} is not supported, only {FORMAT} is",
            hint="take it again with this version",
        )
    return Account(
        id=_named(data, "account", id_formats.ACCOUNT),
        partition=_named(data, "partition", id_formats.PARTITION),
        caller_arn=_named(data, "caller_arn", id_formats.ARN)
        if data.get("caller_arn") != ""
        else "",
        alias=_part(data, "alias", str | None),
        collected_at=_part(data, "collected_at", datetime),
        regions=_regions(data),
        facts=dict(_facts(data.get("facts"))),
    )


def save(account: Account, path: Path) -> None:
    """Write the snapshot to a file that only its owner can read: it describes an account's weaknesses.

    It is packed where the name ends in `.gz`.
    """
    content = dumps(account).encode("utf-8")
    try:
        # Without the time of day equal snapshots are equal files.
        write_whole(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    except OSError as error:
        raise InputError(
            f"{quoted(str(path))} cannot be written: {system_reason(error)}"
        ) from None


def load(path: Path) -> Account:
    """The snapshot in a file."""
    try:
        with open_regular(path) as file:
            is_packed = file.read(2) == _GZIP
            file.seek(0)
            opened = gzip.GzipFile(fileobj=file) if is_packed else file
            content = opened.read(MAX_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise InputError(f"{quoted(str(path))} cannot be unpacked", hint=_HINT) from None
    except OSError as error:
        raise InputError(f"{quoted(str(path))} cannot be read: {system_reason(error)}") from None
    except ValueError:
        raise InputError(f"{quoted(str(path))} is not a file name") from None
    if len(content) > MAX_BYTES:
        raise InputError(f"{quoted(str(path))} is too large for a snapshot", hint=_HINT)
    try:
        return loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise InputError(f"{quoted(str(path))} is not a text file", hint=_HINT) from None


def _part(data: dict[str, Any], name: str, of: Any) -> Any:
    if name not in data:
        raise InputError(f"snapshot: / lacks {quoted(name)}", hint=_HINT)
    return snapshot_codec.load(of, data[name], f"/{name}")


def _named(data: dict[str, Any], name: str, form: str) -> str:
    text: str = _part(data, name, str)
    snapshot_codec.checked(text, id_formats.has_format(form, text), form, f"/{name}")
    return text


def _regions(data: dict[str, Any]) -> Regions:
    regions: Regions = _part(data, "regions", Regions)
    snapshot_codec.checked([], bool(regions.read), "a list with a Region", "/regions/read")
    for name in ("read", "enabled", "asked"):
        listed: tuple[str, ...] | Miss = getattr(regions, name)
        for index, region in enumerate(() if isinstance(listed, Miss) else listed):
            _demand_region(region, f"/regions/{name}/{index}")
    return regions


def _demand_region(region: str, pointer: str) -> None:
    snapshot_codec.checked(
        region, id_formats.has_format(id_formats.REGION, region), id_formats.REGION, pointer
    )


def _facts(data: Any) -> Iterator[tuple[tuple[str, str], Any]]:
    if not isinstance(data, dict):
        raise InputError("snapshot: /facts must be an object", hint=_HINT)
    for name, regions in data.items():
        if name not in FACTS:
            raise InputError(f"snapshot: /facts has the unknown fact {quoted(name)}", hint=_HINT)
        if not isinstance(regions, dict):
            raise InputError(f"snapshot: /facts/{name} must be an object", hint=_HINT)
        for region, value in regions.items():
            if region:
                _demand_region(region, f"/facts/{name}")
            of = FACTS[name].of | Miss
            complete = _with_added_fields(name, value)
            yield (name, region), snapshot_codec.load(of, complete, f"/facts/{name}/{region}")


def _with_added_fields(name: str, data: Any) -> Any:
    for path in _ADDED_FIELDS.get(name, ()):
        data = _with_field(data, path.split("/"))
    return data


def _with_field(data: Any, path: list[str]) -> Any:
    """The data with a field in each item of its list, or of the lists inside it."""
    if isinstance(data, list):
        return [_with_field_inside(item, path) for item in data]
    return _with_field_inside(data, path) if len(path) > 1 else data


def _with_field_inside(item: Any, path: list[str]) -> Any:
    if not isinstance(item, dict):
        return item
    first, *rest = path
    if not rest:
        return {first: None} | item
    return {**item, first: _with_field(item[first], rest)} if first in item else item
