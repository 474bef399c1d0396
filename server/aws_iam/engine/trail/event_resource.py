"""One resource that took part in an event, as an ARN pattern, and why the pattern is wider than one ARN where it is."""

from __future__ import annotations

import re

from aws_iam.frozen import slotted

NO_TYPES = "the action has no resource types: AWS authorises it on `*` only"
CREATED = "the call creates it and AWS chooses its id: AWS authorises on the pattern"
INVALID_CHARACTERS = "IAM policies cannot contain some of its characters: `?` stands for each"
NOT_NAMED = "the record names no resource of a type that the action works on"
NEW_TYPE = "the data does not list this type of resource for the action: the ARN is the record's"
OPTIONAL = "the action also works without a resource of its types, and the record names none"

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_INVALID_IN_POLICIES = re.compile("[^\u0020-\u00ff]")


@slotted
class EventResource:
    """A resource as an ARN pattern; `why` explains a pattern that matches more than one ARN."""

    pattern: str
    why: str = ""
    type: str = ""
    # The texts that fill the placeholders of the ARN format, and whether every placeholder has one.
    used: frozenset[str] = frozenset()
    complete: bool = True

    @classmethod
    def of_arn(cls, arn: str, type_: str = "") -> EventResource:
        """The resource with this ARN and no other."""
        why = INVALID_CHARACTERS if has_invalid_characters(arn) else ""
        return cls(pattern=exact_pattern(arn), type=type_, why=why)


def exact_pattern(text: str) -> str:
    """The pattern that matches only this text; `?` replaces characters that policies cannot contain."""
    if text.isascii() and not set(text) & {"*", "?", "$"} and text.isprintable():
        return text
    escaped = (
        text.replace("${", "\0").replace("*", "${*}").replace("?", "${?}").replace("\0", "${$}{")
    )
    return _INVALID_IN_POLICIES.sub("?", escaped)


def has_invalid_characters(text: str) -> bool:
    """Whether the text has characters that policies cannot contain."""
    return bool(_INVALID_IN_POLICIES.search(text))


def without_escapes(pattern: str) -> str:
    """The text that an exact pattern stands for; wildcards stay as they are."""
    return pattern.replace("${*}", "*").replace("${?}", "?").replace("${$}", "$")
