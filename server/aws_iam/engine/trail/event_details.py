"""What one event names: the texts among its parameters by name, and the ARNs, read once and bounded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aws_iam.engine.language.arn import Arn
from aws_iam.engine.reference.partition import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.trail.cloudtrail import Event

# Far more than CloudTrail writes: it cuts a record at 256 KB.
_MOST_VALUES = 20_000
_DEPTH = 40
_LONGEST = 1_600
_WITH_DB = ("db", "sourcedb", "targetdb", "newdb")
_ENDINGS = ("identifier", "friendlyname", "name", "id", "arn")
_REDACTED = frozenset({"HIDDEN_DUE_TO_SECURITY_REASONS", "***OMITTED***"})
# What a caller writes into a resource says nothing about which resource it is.
_CONTENT = frozenset(
    {
        *(
            "tags",
            "tagset",
            "taglist",
            "environment",
            "encryptioncontext",
            "filters",
            "filterset",
            "metadata",
        ),
        *(
            "item",
            "expressionattributenames",
            "expressionattributevalues",
            "usermetadata",
            "labels",
        ),
    }
)
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_FOREIGN = re.compile("[^\u0020-\u00ff]")


def exact(text: str) -> str:
    """The text as a pattern that matches it alone; `?` for a character that IAM takes in no policy."""
    if text.isascii() and not set(text) & {"*", "?", "$"} and text.isprintable():
        return text
    escaped = (
        text.replace("${", "\0").replace("*", "${*}").replace("?", "${?}").replace("\0", "${$}{")
    )
    return _FOREIGN.sub("?", escaped)


def is_foreign(text: str) -> bool:
    """Whether the text has characters that IAM takes in no policy."""
    return bool(_FOREIGN.search(text))


def spelled(pattern: str) -> str:
    """The resource that an exact pattern means; wildcards stay as they are."""
    return pattern.replace("${*}", "*").replace("${?}", "?").replace("${$}", "$")


def plain(name: str) -> str:
    """A name without what spelling differs in: `dBInstanceIdentifier`, `DbInstance-Identifier`."""
    return "".join(filter(str.isalnum, name)).lower()


def stem(name: str) -> str:
    """What a plain name is about, whether it is called a name or an id, one or several."""
    for ending in ("withoutleadingslash", "withpath", "ids", "names", "arns", "identifiers"):
        if name.endswith(ending):
            several = ending.endswith("s") and ending[0] != "w"
            name = name.removesuffix("s" if several else ending)
            break
    for ending in _ENDINGS:
        if name.endswith(ending) and name != ending:
            name = name.removesuffix(ending)
            break
    # RDS calls a database's parts now with `DB`, now without.
    return name.replace("db", "", 1) if name.startswith(_WITH_DB) else name


def texts(value: Any) -> Iterator[tuple[str, str]]:
    """Every text with the name that it stands under, in the order of the record."""
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    left = _MOST_VALUES
    while waiting and left:
        name, each, depth = waiting.pop()
        left -= 1
        if isinstance(each, str):
            if each and len(each) <= _LONGEST:
                yield name, each
        elif depth < _DEPTH and isinstance(each, dict):
            waiting += [
                (key, child, depth + 1)
                for key, child in reversed(each.items())
                if plain(key) not in _CONTENT
            ]
        elif depth < _DEPTH and isinstance(each, list):
            waiting += [(name, child, depth + 1) for child in reversed(each[:_MOST_VALUES])]


@dataclass(frozen=True)
class Seen:
    """An event as the mapping to resources sees it."""

    event: Event

    @cached_property
    def parameters(self) -> tuple[tuple[str, str], ...]:
        """The texts among the request's parameters by plain name."""
        return tuple((plain(name), text) for name, text in texts(self.event.parameters))

    @cached_property
    def by_name(self) -> Mapping[str, tuple[str, ...]]:
        """The texts by plain name."""
        return _grouped(self.parameters)

    @cached_property
    def by_stem(self) -> Mapping[str, tuple[str, ...]]:
        """The texts by what they are about."""
        return _grouped((stem(name), text) for name, text in self.parameters)

    @cached_property
    def on_top(self) -> Mapping[str, tuple[str, ...]]:
        """The texts that stand in no object of their own, by plain name."""
        flat = {n: v for n, v in self.event.parameters.items() if not isinstance(v, dict)}
        return _grouped((plain(name), text) for name, text in texts(flat))

    @cached_property
    def values(self) -> frozenset[str]:
        """The texts of the request, and the parts of its ARNs: what is not among them AWS chose itself."""
        own = [text for _, text in self.parameters]
        parts = [
            part
            for text in own
            if text.startswith("arn:")
            for part in text.replace("/", ":").split(":")
        ]
        return frozenset((*own, *parts))

    @cached_property
    def named_arns(self) -> tuple[tuple[str, str], ...]:
        """The ARNs among the parameters with their plain names; queues by their URL."""
        named = [pair for pair in self.parameters if pair[1].startswith("arn:")]
        queues = (self._queue(text) for text in self.by_name.get("queueurl", ()))
        named += (("queue", arn) for arn in queues if arn)
        return tuple(dict.fromkeys(named))

    @cached_property
    def arns(self) -> tuple[str, ...]:
        """The ARNs that the record lists or the request names."""
        return tuple(dict.fromkeys((*self.event.arns, *(arn for _, arn in self.named_arns))))

    @cached_property
    def answers(self) -> tuple[tuple[str, str], ...]:
        """The texts of the answer by plain name."""
        return tuple((plain(name), text) for name, text in texts(self.event.response))

    @cached_property
    def answered(self) -> tuple[str, ...]:
        """The ARNs of the answer."""
        return tuple(dict.fromkeys(text for _, text in self.answers if text.startswith("arn:")))

    @cached_property
    def partition(self) -> str:
        """The partition of the caller, else of the Region."""
        own = Arn.of(self.event.caller)
        return (own and own.partition) or partition_of(self.event.region) or "aws"

    @cached_property
    def account(self) -> str:
        """The account that names without an account mean: the caller's, unless the request says another one."""
        named = [
            text for name in ("registryid", "catalogid") for text in self.by_name.get(name, ())
        ]
        other = next((each for each in named if each.isdecimal() and len(each) == 12), "")  # noqa: PLR2004 - an account id
        own = Arn.of(self.event.caller)
        return other or (own.account if own else "") or self.event.account

    def first(self, *names: str) -> str:
        """The first text under one of the plain names."""
        return next((text for name in names for text in self.by_name.get(name, ())), "")

    def template(self, text: str) -> str:
        """An ARN format with partition, Region and account filled in; `*` for what the record lacks."""
        for name, value in (
            ("Partition", self.partition),
            ("Region", self.event.region),
            ("Account", self.account),
        ):
            text = text.replace(f"${{{name}}}", value or "*")
        # Chime's formats call the account by another name.
        return text.replace(":${AccountId}:", f":{self.account or '*'}:")

    def _queue(self, url: str) -> str:
        parts = url.split("/")
        if len(parts) < 5:  # noqa: PLR2004 - https://sqs.REGION.amazonaws.com/ACCOUNT/NAME
            return ""
        account, name = parts[-2:]
        return f"arn:{self.partition}:sqs:{self.event.region}:{account}:{name}" if name else ""


def _grouped(pairs: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for name, text in pairs:
        if text not in _REDACTED and text.strip("*"):
            found.setdefault(name, {})[text] = None
    return {name: tuple(texts) for name, texts in found.items()}
