"""What one event names: the texts among its parameters by name, and its ARNs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.regions import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.engine.trail.cloudtrail import Event

# Far more than CloudTrail writes: it cuts a record at 256 KB.
_MOST_VALUES = 20_000
_DEEPEST = 40
_LONGEST = 1_600
_WITH_DB = ("db", "sourcedb", "targetdb", "newdb")
_NAME_ENDINGS = ("identifier", "friendlyname", "name", "id", "arn")
_REDACTED = frozenset({"HIDDEN_DUE_TO_SECURITY_REASONS", "***OMITTED***"})
# What a caller stores in a resource does not say which resource it is.
_CONTENT = frozenset({
    "tags", "tagset", "taglist", "environment", "encryptioncontext", "filters", "filterset", "metadata", "item",
    "expressionattributenames", "expressionattributevalues", "usermetadata", "labels",
})  # fmt: skip


def normalized(name: str) -> str:
    """A name without differences in spelling: `dBInstanceIdentifier` and `DbInstance-Identifier` become the same."""
    return "".join(filter(str.isalnum, name)).lower()


def stem(name: str) -> str:
    """A normalized name without its ending: `functionname`, `functionarn` and `functionids` all become `function`."""
    for ending in ("withoutleadingslash", "withpath", "ids", "names", "arns", "identifiers"):
        if name.endswith(ending):
            is_plural = ending.endswith("s") and ending[0] != "w"
            name = name.removesuffix("s" if is_plural else ending)
            break
    for ending in _NAME_ENDINGS:
        if name.endswith(ending) and name != ending:
            name = name.removesuffix(ending)
            break
    # RDS names the same parameter sometimes with `DB`, sometimes without.
    return name.replace("db", "", 1) if name.startswith(_WITH_DB) else name


def texts(value: Any) -> Iterator[tuple[str, str]]:
    """Every text in a value with the name it stands under, in the order of the record."""
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    left = _MOST_VALUES
    while waiting and left:
        name, current, depth = waiting.pop()
        left -= 1
        if isinstance(current, str):
            if current and len(current) <= _LONGEST:
                yield name, current
        elif depth < _DEEPEST and isinstance(current, dict):
            waiting += [
                (key, child, depth + 1)
                for key, child in reversed(current.items())
                if normalized(key) not in _CONTENT
            ]
        elif depth < _DEEPEST and isinstance(current, list):
            waiting += [(name, child, depth + 1) for child in reversed(current[:_MOST_VALUES])]


@dataclass(frozen=True)
class EventDetails:
    """An event as the search for its resources sees it.

    Properties that each action and resource type of an event reads again are cached: reading a log takes 1.8 times as
    long without.
    """

    event: Event

    @cached_property
    def parameters(self) -> tuple[tuple[str, str], ...]:
        """The texts of the request with their normalized names."""
        return tuple((normalized(name), text) for name, text in texts(self.event.parameters))

    @cached_property
    def by_name(self) -> Mapping[str, tuple[str, ...]]:
        """The texts of the request by normalized name."""
        return _grouped(self.parameters)

    @cached_property
    def by_stem(self) -> Mapping[str, tuple[str, ...]]:
        """The texts of the request by the stem of their name."""
        return _grouped((stem(name), text) for name, text in self.parameters)

    @property
    def at_top_level(self) -> Mapping[str, tuple[str, ...]]:
        """The texts that are in no nested object, by normalized name."""
        flat = {n: v for n, v in self.event.parameters.items() if not isinstance(v, dict)}
        return _grouped((normalized(name), text) for name, text in texts(flat))

    @cached_property
    def chosen_by_caller(self) -> frozenset[str]:
        """The texts of the request and the parts of its ARNs: AWS chose whatever is not among them."""
        requested = [text for _, text in self.parameters]
        parts = [
            part
            for text in requested
            if text.startswith("arn:")
            for part in text.replace("/", ":").split(":")
        ]
        return frozenset((*requested, *parts))

    @cached_property
    def named_arns(self) -> tuple[tuple[str, str], ...]:
        """The ARNs of the request with their normalized names; the ARN of a queue is built from its URL."""
        named = [pair for pair in self.parameters if pair[1].startswith("arn:")]
        queues = (self._queue_arn(text) for text in self.by_name.get("queueurl", ()))
        named += (("queue", arn) for arn in queues if arn)
        return tuple(dict.fromkeys(named))

    @property
    def arns(self) -> tuple[str, ...]:
        """The ARNs that the record lists or the request names."""
        return tuple(dict.fromkeys((*self.event.arns, *(arn for _, arn in self.named_arns))))

    @cached_property
    def response_texts(self) -> tuple[tuple[str, str], ...]:
        """The texts of the response with their normalized names."""
        return tuple((normalized(name), text) for name, text in texts(self.event.response))

    @property
    def response_arns(self) -> tuple[str, ...]:
        """The ARNs of the response."""
        arns = (text for _, text in self.response_texts if text.startswith("arn:"))
        return tuple(dict.fromkeys(arns))

    @cached_property
    def partition(self) -> str:
        """The partition of the caller, else of the Region."""
        caller = Arn.of(self.event.caller)
        return (caller and caller.partition) or partition_of(self.event.region) or "aws"

    @cached_property
    def account(self) -> str:
        """The account of names that carry none: the one that the request names, else the caller's."""
        named = (
            text for name in ("registryid", "catalogid") for text in self.by_name.get(name, ())
        )
        other = next((text for text in named if text.isdecimal() and len(text) == 12), "")  # noqa: PLR2004 - an account id
        caller = Arn.of(self.event.caller)
        return other or (caller.account if caller else "") or self.event.account

    def first(self, *names: str) -> str:
        """The first text under one of the normalized names; empty when there is none."""
        return next((text for name in names for text in self.by_name.get(name, ())), "")

    def located(self, arn_format: str) -> str:
        """An ARN format with partition, Region and account filled in; `*` for what the record lacks."""
        for name, value in (
            ("Partition", self.partition),
            ("Region", self.event.region),
            ("Account", self.account),
        ):
            arn_format = arn_format.replace(f"${{{name}}}", value or "*")
        # The formats of Chime have another name for the account.
        return arn_format.replace(":${AccountId}:", f":{self.account or '*'}:")

    def _queue_arn(self, url: str) -> str:
        parts = url.split("/")
        if len(parts) < 5:  # noqa: PLR2004 - https://sqs.REGION.amazonaws.com/ACCOUNT/NAME
            return ""
        account, name = parts[-2:]
        return f"arn:{self.partition}:sqs:{self.event.region}:{account}:{name}" if name else ""


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for name, text in pairs:
        if text not in _REDACTED and text.strip("*"):
            found.setdefault(name, {})[text] = None
    return {name: tuple(texts) for name, texts in found.items()}
