"""The service authorization reference: services, actions, resource types, condition keys, ARN formats.

    catalog()                              the data in use: the shipped file, or a newer one in the user's cache
      .as_of  .origin  .services           its date, where it comes from, the current prefixes
      .tier("s3:GetObject")                known | retired | undocumented | unknown
      .last_listed("codestar:CreateProject")  the last day on which AWS's reference listed a retired action
      .left_recently("…")                  whether that was in the months before the data
      .action("s3:GetObject")              Action | None
      .service("s3")                       Service | None, with its actions, resource types and condition keys
      .expand("s3:Get*")                   ("s3:GetAccessGrant", …)
      .condition_key("aws:ResourceTag/x")  ConditionKey | None
      .key_last_listed("omics:VariantStoreName")  the last day on which AWS's reference listed a former condition key
      .suggest_action("s3:GetObjcet")      ("s3:GetObject",), best first
      .suggest_pattern("s3:Gte*")          ("s3:Get*",)
      .suggest_service("s33")              ("s3",)
      .suggest_condition_key("aws:SourceIP4")
      .arn_formats("s3")                   every ARN format of the service
      .types_of_arn("arn:aws:s3:::b/k")    resource types whose ARN formats it follows
      .supporting("s3:prefix")             the actions that support a condition key, and on which types
      .rcp_services                        prefixes that support resource control policies

Names are compared without case. A service is read on first use.
"""

from __future__ import annotations

import os
import sys
from bisect import bisect_right
from datetime import date
from functools import cache, cached_property
from itertools import accumulate
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from aws_iam import resources
from aws_iam.engine.language.arn import Arn, closest_formats
from aws_iam.engine.language.memo import forget_reference
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.reference import catalog_file, global_keys, suggest
from aws_iam.engine.reference.catalog_file import BrokenFile
from aws_iam.engine.reference.corrections import rejected_services
from aws_iam.engine.reference.facts import (
    Action,
    ConditionKey,
    ResourceType,
    Service,
    Support,
    Templates,
)
from aws_iam.engine.reference.operations import operations
from aws_iam.errors import nearest

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator, Sequence

    from aws_iam.engine.reference.catalog_rows import ServiceRow

__all__ = [
    "Action",
    "Catalog",
    "ConditionKey",
    "ResourceType",
    "Service",
    "Tier",
    "catalog",
    "user_file",
]

Tier = Literal["known", "retired", "undocumented", "unknown"]

ASSET: Final = "assets/data/service-authorization.zip"
# Limits of the memos: entries, names in all expansions, and length of a memoized name.
_MOST_KEPT: Final = 20_000
_MOST_NAMES = 50_000
_LONGEST_KEPT: Final = 300
# AWS's validator follows its reference of the day; for half a year the data here may be ahead of it or behind.
_RECENT_DAYS: Final = 183
REFERENCE: Final = "https://docs.aws.amazon.com/service-authorization/latest/reference/"
_OVERVIEW: Final = "reference_policies_actions-resources-contextkeys.html"


# 2 ms to open, and validating a policy asks for it 40 times.
@cache
def catalog() -> Catalog:
    """The data in use; `follow_refresh` exchanges it when the user's file changed."""
    stamp = _stamp()
    used = _newest()
    used.stamp = stamp
    return used


def follow_refresh() -> None:
    """Drop the data in use, and all that was computed from it, when the user's file is another one than then.

    A server calls this before each answer: `aws-iam catalog refresh` runs in another process.
    """
    if catalog.cache_info().currsize and catalog().stamp != _stamp():
        forget()


def forget() -> None:
    """Drop the data in use and all that was computed from it."""
    catalog.cache_clear()
    forget_reference()


def _stamp() -> tuple[int, int, int] | None:
    """What changes when the user's file is replaced."""
    file = user_file()
    try:
        status = file.stat() if file else None
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size) if status else None


def _newest() -> Catalog:
    own = shipped()
    try:
        newer = refreshed()
    except (BrokenFile, OSError):
        # An unreadable file must not disable the shipped data; `catalog show` reports it.
        return own
    return newer if newer and newer.as_of >= own.as_of else own


def shipped() -> Catalog:
    """The data that ships with the package."""
    return Catalog(resources.path(ASSET).read_bytes(), origin="shipped")


def refreshed() -> Catalog | None:
    """The data in the user's cache; None if there is none, `BrokenFile` or `OSError` if it cannot be read."""
    file = user_file()
    if file is None or not file.is_file():
        return None
    if file.stat().st_size > catalog_file.LARGEST_FILE:
        raise BrokenFile("it is too large")
    found = Catalog(file.read_bytes(), origin="refreshed")
    # Otherwise a partly damaged file would fail in the middle of an answer.
    found.verify()
    return found


def user_file() -> Path | None:
    """Where `aws-iam catalog refresh` stores its file; None when the user has no home folder."""
    folder = _cache_folder()
    return folder / "aws-iam" / "service-authorization.zip" if folder else None


def _cache_folder() -> Path | None:
    named = os.environ.get("XDG_CACHE_HOME") or (
        os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else None
    )
    if named and Path(named).is_absolute():
        return Path(named)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache")


def _days_between(day: str, later: str) -> int:
    return (date.fromisoformat(later) - date.fromisoformat(day)).days


# Actions on a function work on its versions and aliases, which the reference does not list for them:
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
_PARTS_OF = {
    "lambda:function alias": "lambda:function",
    "lambda:function version": "lambda:function",
}


def types_following(arn: Arn, types: Sequence[ResourceType]) -> tuple[ResourceType, ...]:
    """Those of some resource types whose formats the ARN fits most closely, and what they are parts of."""
    formats = closest_formats(arn, {text for type_ in types for text in type_.arn_formats})
    closest = [type_ for type_ in types if formats & set(type_.arn_formats)]
    of = {_PARTS_OF.get(f"{type_.service}:{type_.name}", "") for type_ in closest}
    return (*closest, *(type_ for type_ in types if f"{type_.service}:{type_.name}" in of))


class Catalog:
    """One data file. Immutable from outside; services are read on first use and kept."""

    def __init__(self, data: bytes, *, origin: Literal["shipped", "refreshed"]) -> None:
        """Open the file; `BrokenFile` when it is not a catalogue or has another format."""
        self._file: zipfile.ZipFile = catalog_file.open_file(data)
        self.provenance: dict[str, Any] = catalog_file.provenance(self._file)
        self.origin: Literal["shipped", "refreshed"] = origin
        # Of the user's file when this data was chosen, whichever file it is.
        self.stamp: tuple[int, int, int] | None = None
        self.as_of: str = self.provenance["as_of"]
        index = catalog_file.index(self._file)
        self.services: frozenset[str] = frozenset(index["services"])
        self.rcp_services: frozenset[str] = frozenset(index["rcp"])
        self._gone: frozenset[str] = frozenset((*index["retired"], *index["undocumented"]))
        self._arns: dict[str, list[str]] = index["arns"]
        self._key_owners: Templates[list[str]] = Templates(index["keys"].items())
        self._loaded: dict[str, Service] = {}
        self._actions: dict[str, Action | None] = {}
        self._keys: dict[str, ConditionKey | None] = {}
        self._tiers: dict[str, Tier] = {}
        self._expansions: dict[str, tuple[str, ...]] = {}
        # How many more names the memoized expansions may have.
        self._room = _MOST_NAMES
        self._types: dict[Arn, tuple[ResourceType, ...]] = {}

    def verify(self) -> None:
        """Read the whole file once; `BrokenFile` when a part of it is missing or damaged."""
        from aws_iam.engine.reference import catalog_rows

        catalog_rows.verify(self._file)

    def service(self, prefix: str) -> Service | None:
        """A current service by its prefix; None for a retired or unknown one."""
        row = self._loaded.get(prefix) or self._row(prefix)
        return row if row and row.prefix in self.services else None

    def action(self, name: str) -> Action | None:
        """A current action by its full name, `service:Action`."""
        # Comparing takes 1.03 times as long without this memo.
        if name in self._actions:
            return self._actions[name]
        prefix, _, action = name.partition(":")
        service = self.service(prefix)
        found = service.action(action) if service else None
        if len(self._actions) < _MOST_KEPT and len(name) <= _LONGEST_KEPT:
            self._actions[name] = found
        return found

    def tier(self, name: str) -> Tier:
        """What is known about a full action name, or about a service when there is no colon."""
        if name in self._tiers:
            return self._tiers[name]
        found = self._tier(name)
        # Validation takes 1.1 times as long without this memo: several rules ask for every action.
        if len(self._tiers) < _MOST_KEPT and len(name) <= _LONGEST_KEPT:
            self._tiers[name] = found
        return found

    def _tier(self, name: str) -> Tier:
        prefix, colon, action = name.lower().partition(":")
        row = self._row(prefix)
        if row is None or (not row.action_names and prefix in rejected_services()):
            return "unknown"
        if not colon:
            return "known" if row.action_names else "retired" if row.retired else "undocumented"
        if row.has_action(action):
            return "known"
        return row.former(action) or "unknown"

    def last_listed(self, name: str) -> str:
        """The last day on which a source listed a retired action; empty for other names and where no source has a day."""
        prefix, _, action = name.partition(":")
        row = self._row(prefix)
        return row.last_listed(action) if row else ""

    def retired_actions(self, prefix: str) -> tuple[str, ...]:
        """The names of the retired actions of a service, which may be retired itself."""
        row = self._row(prefix)
        return tuple(row.retired) if row else ()

    def left_recently(self, name: str) -> bool:
        """Whether AWS's reference listed a retired action in the last months before the date of the data."""
        return self.is_recent(self.last_listed(name))

    def is_recent(self, seen: str) -> bool:
        """Whether a day is in the last months before the date of the data; not for an empty one."""
        return bool(seen) and _days_between(seen, self.as_of) <= _RECENT_DAYS

    def expand(self, pattern: str) -> tuple[str, ...]:
        """The full names of current actions that a pattern such as `s3:Get*` matches, in order."""
        pattern = pattern.lower()
        if pattern in self._expansions:
            return self._expansions[pattern]
        found = self._expand(pattern)
        # Validation takes 1.2 times as long without this memo.
        if len(found) <= self._room and len(pattern) <= _LONGEST_KEPT:
            self._room -= len(found) + 1
            self._expansions[pattern] = found
        return found

    def _expand(self, pattern: str) -> tuple[str, ...]:
        prefix, colon, rest = pattern.partition(":")
        if not colon:
            # Without a colon, only `*` stands for actions.
            prefix, rest = ("*", "*") if pattern and not pattern.strip("*") else ("", "")
        if is_literal(prefix):
            prefixes = [prefix.lower()] if prefix.lower() in self.services else []
        else:
            prefixes = sorted(p for p in self.services if matches(prefix, p, ignore_case=True))
        services = filter(None, map(self._row, prefixes))
        # A hostile, long pattern is not tried on names that are too short for it.
        least, rest = len(rest) - rest.count("*"), rest.lower()
        # Looking for a literal part first is several times as fast as matching every name.
        part = max(rest.replace("?", "*").split("*"), key=len)
        return tuple(
            f"{service.prefix}:{name}"
            for service in services
            for folded, name in service.by_folded_name.items()
            if rest == "*" or (part in folded and len(name) >= least and matches(rest, folded))
        )

    def suggest_action(self, name: str) -> tuple[str, ...]:
        """Up to three full names that an unknown one may mean, best first; for an API operation, its actions."""
        operation = operations().get(name.lower())
        if operation:
            return operation.actions
        prefix, _, action = name.partition(":")
        service = self.service(prefix)
        if service:
            near = nearest(action, service.action_names)
            if near:
                return tuple(f"{service.prefix}:{match}" for match in near)
        likely = suggest.near_services(prefix, self.services)
        same = [found for found in self.having(action) if found.split(":")[0] != prefix.lower()]
        same.sort(key=lambda found: (found.split(":")[0] not in likely, len(found), found))
        if same:
            return tuple(same[:3])
        rows = filter(None, map(self.service, () if service else likely))
        return tuple(f"{r.prefix}:{n}" for r in rows for n in nearest(action, r.action_names))[:3]

    def suggest_pattern(self, pattern: str) -> tuple[str, ...]:
        """Up to three patterns that match actions, for one that matches none, such as `s3:Gte*`."""
        prefix, colon, rest = pattern.partition(":")
        service = self.service(prefix)
        if service:
            near = suggest.near_patterns(rest, service.action_names)
        else:
            near = (rest,) if colon else ()
        owners = (service.prefix,) if service else self.suggest_service(prefix)
        return tuple(
            found for owner in owners for name in near if self.expand(found := f"{owner}:{name}")
        )

    def suggest_service(self, prefix: str) -> tuple[str, ...]:
        """Up to three current prefixes that an unknown one may mean, best first."""
        return suggest.near_services(prefix, self.services)

    def having(self, action: str) -> tuple[str, ...]:
        """The full names of the current actions with this name in any service."""
        if not action.isalnum():
            return ()
        found = (row.action(action) for row in self._containing(f'"{action}":['))
        return tuple(action.full_name for action in found if action)

    def _containing(self, text: str) -> tuple[Service, ...]:
        # Searching the unparsed members is much faster than reading all services.
        sought = text.lower().encode(errors="replace")
        members, starts, prefixes = self._all_members
        found: dict[str, None] = {}
        at = members.find(sought)
        while at >= 0:
            number = bisect_right(starts, at)
            found[prefixes[number - 1]] = None
            at = members.find(sought, starts[number]) if number < len(starts) else -1
        return tuple(filter(None, map(self._row, found)))

    @cached_property
    def _all_members(self) -> tuple[bytes, list[int], list[str]]:
        """The members of all current services as one lower-case text, where each begins, and whose it is."""
        prefixes = sorted(self.services)
        texts = [
            catalog_file.member_bytes(self._file, catalog_file.service_member(p)).lower()
            for p in prefixes
        ]
        starts = [0, *accumulate(len(text) + 1 for text in texts)][:-1]
        return b"\n".join(texts), starts, prefixes

    def condition_key(self, name: str) -> ConditionKey | None:
        """A global key or a service's, `aws:ResourceTag/Team` and the like resolved to their template."""
        if name in self._keys:
            return self._keys[name]
        found = self._condition_key(name)
        # Validation takes 1.1 times as long without this memo: several rules ask for every key.
        if len(self._keys) < _MOST_KEPT and len(name) <= _LONGEST_KEPT:
            self._keys[name] = found
        return found

    def _condition_key(self, name: str) -> ConditionKey | None:
        known = global_keys.find(name)
        if known or name.lower().startswith("aws:"):
            return known
        found = next(filter(None, self._service_keys(name)), None)
        return global_keys.with_presence(found) if found else global_keys.oidc_key(name)

    def _service_keys(self, name: str) -> Iterator[ConditionKey | None]:
        prefix = name.partition(":")[0].lower()
        own = self.service(prefix)
        if own:
            yield own.condition_key(name)
        # The keys of identity providers are listed under sts; their first part may contain a placeholder.
        for prefixes in self._key_owners.find(prefix):
            yield from (row.condition_key(name) for row in filter(None, map(self._row, prefixes)))

    def key_last_listed(self, name: str) -> str:
        """The last day on which a source listed a former condition key of a service; empty for other names."""
        row = self._row(name.partition(":")[0])
        return row.key_last_listed(name) if row else ""

    def suggest_condition_key(self, name: str) -> tuple[str, ...]:
        """Up to three condition keys that an unknown one may mean, best first."""
        prefix = name.partition(":")[0].lower()
        row = self.service(prefix)
        known = [key.name for key in global_keys.global_keys().values()]
        known += [key.name for key in row.condition_keys.values()] if row else []
        return nearest(name, dict.fromkeys(known))

    def arn_formats(self, prefix: str) -> tuple[str, ...]:
        """All ARN formats of a service's resource types, sorted."""
        service = self.service(prefix)
        types = service.resource_types.values() if service else ()
        return tuple(sorted({text for type_ in types for text in type_.arn_formats}))

    def types_of_arn(self, arn: Arn) -> tuple[ResourceType, ...]:
        """The resource types, of any service, whose formats the ARN or ARN pattern fits most closely."""
        if arn in self._types:
            return self._types[arn]
        found = self._types_of_arn(arn)
        # Validation takes 1.1 times as long without this memo.
        if len(self._types) < _MOST_KEPT and len(str(arn)) <= _LONGEST_KEPT:
            self._types[arn] = found
        return found

    def _types_of_arn(self, arn: Arn) -> tuple[ResourceType, ...]:
        prefixes = (*self._arns.get(arn.service.lower(), ()), *self._arns.get("${Vendor}", ()))
        rows = filter(None, map(self._row, prefixes))
        types = [type_ for row in rows for type_ in row.resource_types.values()]
        types.sort(key=lambda type_: type_.service != arn.service.lower())
        return types_following(arn, types)

    def naming(self, pattern: str) -> frozenset[str]:
        """The services whose ARN formats have a service field that the pattern matches."""
        listed = (owners for field, owners in self._arns.items() if matches(pattern, field))
        return frozenset(
            owner for owners in (*listed, self._arns.get("${Vendor}", ())) for owner in owners
        )

    def types_named(self, name: str) -> tuple[ResourceType, ...]:
        """The resource types with this name in any service."""
        found = (row.resource_types.get(name.lower()) for row in self._containing(f'"{name}":[['))
        return tuple(filter(None, found))

    def supporting(self, key: str) -> Iterator[Support]:
        """The actions of all services that support a condition key (in AWS's spelling), service by service."""
        for row in sorted(self._containing(f'"{key}"'), key=attrgetter("prefix")):
            yield from row.supporting(key)

    def keys_matching(self, pattern: str) -> tuple[ConditionKey, ...]:
        """The global keys and keys of services that a pattern such as `aws:Principal*` matches."""
        prefix = pattern.partition(":")[0].lower()
        prefixes = [prefix] if is_literal(prefix) else sorted(self.services)
        rows = filter(None, map(self.service, prefixes))
        keys = [*global_keys.global_keys().values()]
        keys += (key for row in rows for key in row.condition_keys.values())
        found = {k.name: k for k in keys if matches(pattern, k.name, ignore_case=True)}
        return tuple(found.values())

    def source(self, prefix: str) -> str:
        """The page of AWS's reference for a service; the first where there are several."""
        return self.sources(prefix)[0]

    def sources(self, prefix: str) -> tuple[str, ...]:
        """The pages of AWS's reference for a service."""
        row = self._row(prefix)
        pages = row.pages if row and row.pages else (_OVERVIEW,)
        return tuple(REFERENCE + page for page in pages)

    def rows(self) -> Iterator[tuple[str, ServiceRow]]:
        """Every service in the file, including retired ones, to be merged with newer data."""
        # Imported here because few processes merge or verify a catalogue.
        from aws_iam.engine.reference import catalog_rows

        for prefix in sorted(self.services | self._gone):
            yield prefix, catalog_rows.decode(catalog_file.service_data(self._file, prefix))

    def _row(self, prefix: str) -> Service | None:
        prefix = prefix.lower()
        if prefix not in self._loaded:
            if prefix not in self.services and prefix not in self._gone:
                return None
            data = catalog_file.service_data(self._file, prefix)
            self._loaded[prefix] = Service(prefix=prefix, data=data)
        return self._loaded[prefix]
