"""What a trail's event selectors record: management events, and data events of S3 objects.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.account.collect.fact import Miss, known
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aws_iam.account.collect.logging.cloudtrail import (
        AdvancedSelector,
        EventSelector,
        Selectors,
        Trail,
    )

KMS = "kms.amazonaws.com"
# High-volume sources that AWS offers to exclude; a trail without them still counts as recording everything.
TOLERATED = frozenset({KMS, "rdsdata.amazonaws.com"})
_OBJECT = "AWS::S3::Object"


@slotted
class RecordedEvents:
    """Whether reads and writes are recorded, and the sources whose reads or writes are not."""

    reads: bool = False
    writes: bool = False
    reads_without: frozenset[str] = frozenset()
    writes_without: frozenset[str] = frozenset()

    @property
    def everything(self) -> bool:
        """Whether both reads and writes are recorded."""
        return self.reads and self.writes

    @property
    def left_out(self) -> str:
        """The sources that are left out, in words; empty if there are none."""
        sources = sorted(self.reads_without | self.writes_without)
        return ", ".join(f"{self._kind(source)} of {source}" for source in sources)

    def _kind(self, source: str) -> str:
        if source in self.reads_without & self.writes_without:
            return "those"
        return "the reads" if source in self.reads_without else "the writes"

    def __str__(self) -> str:
        return _WORDS[self.reads, self.writes]


_WORDS = {
    (True, True): "reads and writes",
    (True, False): "reads only",
    (False, True): "writes only",
    (False, False): "neither reads nor writes",
}
_CLASSIC = {"All": (True, True), "ReadOnly": (True, False), "WriteOnly": (False, True)}


def proved_gap(trail: Trail, lacks: Callable[[Selectors], str | None]) -> str | None:
    """Why the trail does not record something, None if it does; NotCollected if that is unknown.

    A stopped trail proves a gap even if its selectors could not be read, and the other way round.
    """
    if not isinstance(trail.status, Miss) and not trail.status.logging:
        return "is not logging"
    if not isinstance(trail.selectors, Miss) and (gap := lacks(trail.selectors)):
        return gap
    known(trail.status)
    known(trail.selectors)
    return None


def management_events(selectors: Selectors) -> RecordedEvents:
    """The management events that are recorded; without selectors, a trail records reads and writes."""
    if not selectors.classic and not selectors.advanced:
        return RecordedEvents(reads=True, writes=True)
    parts = [
        _part(_CLASSIC[selector.read_write], selector.excluded_sources)
        for selector in selectors.classic
        if selector.management
    ]
    return _combined((*parts, *filter(None, map(_management, selectors.advanced))))


def object_events(selectors: Selectors, partition: str) -> RecordedEvents:
    """The data events that are recorded for all S3 objects, including those of future buckets."""
    parts = [
        _part(_CLASSIC[selector.read_write], ())
        for selector in selectors.classic
        if any(_all_buckets(value, partition) for value in _object_values(selector))
    ]
    advanced = (_objects(selector, partition) for selector in selectors.advanced)
    return _combined((*parts, *filter(None, advanced)))


def single_buckets(selectors: Selectors, partition: str) -> tuple[str, ...]:
    """The buckets and prefixes whose object events are recorded by name."""
    classic = (value for selector in selectors.classic for value in _object_values(selector))
    advanced = (
        value
        for selector in selectors.advanced
        for field in selector.fields
        if field.field == "resources.ARN"
        for value in (*field.values("StartsWith"), *field.values("Equals"))
    )
    listed = (value for value in (*classic, *advanced) if ":s3:" in value)
    found = (value for value in listed if not _all_buckets(value, partition))
    return tuple(dict.fromkeys(found))


def _combined(parts: Iterable[RecordedEvents]) -> RecordedEvents:
    listed = tuple(parts)
    return RecordedEvents(
        reads=any(part.reads for part in listed),
        writes=any(part.writes for part in listed),
        reads_without=_left_out(part.reads_without for part in listed if part.reads),
        writes_without=_left_out(part.writes_without for part in listed if part.writes),
    )


def _left_out(parts: Iterable[frozenset[str]]) -> frozenset[str]:
    """The sources that every one of the selectors leaves out."""
    listed = tuple(parts)
    return frozenset.intersection(*listed) if listed else frozenset()


def _part(kinds: tuple[bool, bool], left_out: Iterable[str]) -> RecordedEvents:
    without = frozenset(left_out)
    return RecordedEvents(
        reads=kinds[0], writes=kinds[1], reads_without=without, writes_without=without
    )


def _management(selector: AdvancedSelector) -> RecordedEvents | None:
    """What one advanced selector records; None if it is about other events or leaves out too much."""
    left_out: set[str] = set()
    kinds = (True, True)
    is_management = False
    for field in selector.fields:
        if field.field == "eventCategory":
            is_management = field.values("Equals") == ("Management",)
        elif field.field == "readOnly":
            kinds = _read_only(field.values("Equals"))
        elif field.field == "eventSource" and _operators(field.operators) == {"NotEquals"}:
            left_out.update(field.values("NotEquals"))
        else:
            return None
    return _part(kinds, left_out) if is_management and left_out <= TOLERATED else None


def _objects(selector: AdvancedSelector, partition: str) -> RecordedEvents | None:
    kinds = (True, True)
    is_data = is_objects = False
    for field in selector.fields:
        if field.field == "eventCategory":
            is_data = field.values("Equals") == ("Data",)
        elif field.field == "resources.type":
            is_objects = _OBJECT in field.values("Equals")
        elif field.field == "readOnly":
            kinds = _read_only(field.values("Equals"))
        elif not _excludes_nothing(field.field, field.operators, partition):
            return None
    return _part(kinds, ()) if is_data and is_objects else None


def _excludes_nothing(
    name: str, operators: tuple[tuple[str, tuple[str, ...]], ...], partition: str
) -> bool:
    """Whether a further field excludes nothing, being a prefix of every object's ARN."""
    every = f"arn:{partition}:s3:::"
    return (
        name == "resources.ARN"
        and _operators(operators) == {"StartsWith"}
        and any(every.startswith(value) for value in dict(operators)["StartsWith"])
    )


def _operators(operators: tuple[tuple[str, tuple[str, ...]], ...]) -> set[str]:
    return {name for name, values in operators if values}


def _read_only(values: tuple[str, ...]) -> tuple[bool, bool]:
    lowered = {value.lower() for value in values}
    return "true" in lowered, "false" in lowered


def _object_values(selector: EventSelector) -> tuple[str, ...]:
    return tuple(
        value
        for resource in selector.data
        if resource.type == _OBJECT
        for value in resource.values
    )


def _all_buckets(value: str, partition: str) -> bool:
    return value in {f"arn:{partition}:s3", f"arn:{partition}:s3:::"}
