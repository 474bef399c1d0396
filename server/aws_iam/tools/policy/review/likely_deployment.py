"""The account and the region that a change shows: an ARN in full, and a reference to the same thing in its place.

    likely_deployment(found, texts)   →   Deployment(account="", region="eu-west-1")

    arn:aws:dynamodb:eu-west-1:111122223333:table/orders   →   aws_dynamodb_table.orders.arn

Nothing in the files says where they are deployed: without this a reference is in another region than the ARN.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import IDENTITY_KINDS, Policy
from aws_iam.engine.sources.containers.cloudformation_return_values import PSEUDO_PARAMETERS
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.files import Files

_ACCOUNT, _REGION = "AWS::AccountId", "AWS::Region"
# How Serverless calls them.
_OF_SERVERLESS = {_ACCOUNT: "aws:accountId", _REGION: "aws:region"}
_WORDS = {
    _ACCOUNT: re.compile(r"(?<!\d)\d{12}(?!\d)"),
    _REGION: re.compile(r"(?<![\w-])[a-z]{2}(?:-[a-z]+){1,2}-\d(?![\w-])"),
}
_PROVIDER_REGION = re.compile(r'\bprovider\s+"?aws"?\s*\{[^{}]*?\bregion\s*=\s*"([a-z0-9-]+)"')


@dataclass(frozen=True, slots=True)
class Deployment:
    """Values of pseudo parameters that are not those that stand in for them, and which of them the files say."""

    values: Mapping[str, str]
    said: frozenset[str] = frozenset()

    def of(self, side: Files) -> Files:
        """The files as they are deployed there."""
        named = {
            own: value for key, value in self.values.items() for own in (key, _OF_SERVERLESS[key])
        }
        return replace(side, choices={**named, **side.choices})

    @property
    def says(self) -> str:
        """What is taken for granted, if anything is."""
        names = (("the account", _ACCOUNT), ("the region", _REGION))
        told = " and ".join(
            f"{what} {quoted(self.values[key])}"
            for what, key in names
            if key in self.values and key not in self.said
        )
        return (
            told
            and f"taken to be deployed in {told}, which stands in ARNs that references replace"
        )


def likely_deployment(found: ComparedDocuments, texts: Mapping[str, str]) -> Deployment | None:
    """Where most ARNs of resources would be the same that a side spells and the other one refers to; None where there is none.

    Who is trusted shows nothing: another account that was let in is no account that it is deployed in.
    """
    new, old = (set(_texts(side)) for side in found.sources)
    votes: dict[str, Counter[str]] = {key: Counter() for key in _WORDS}
    for referring, spelling in ((new - old, old - new), (old - new, new - old)):
        by_shape: dict[str, list[str]] = {}
        for text in spelling:
            by_shape.setdefault(_shape(text), []).append(text)
        for text in referring:
            found_in = (_differences(text, own) for own in sorted(by_shape.get(_shape(text), ())))
            # Of another account there may be one of the same name.
            for key, value in min(filter(None, found_in), key=len, default=()):
                votes[key][value] += 1
    likely = {key: own.most_common(1)[0][0] for key, own in votes.items() if own}
    regions = {
        region
        for path, text in texts.items()
        if path.endswith(TERRAFORM_ENDINGS)
        for region in _PROVIDER_REGION.findall(text)
    }
    if regions and likely.get(_REGION) not in regions:
        likely.pop(_REGION, None)
    said = frozenset({_REGION}) if regions == {likely.get(_REGION)} else frozenset()
    return Deployment(likely, said) if likely else None


def _texts(sources: Iterable[Source]) -> Iterator[str]:
    """The resources of identity policies."""
    for own in sources:
        if isinstance(own.content, Policy) and own.content.kind in IDENTITY_KINDS:
            for statement in own.content.statements:
                yield from (*statement.resource_words, *statement.not_resource_words)


def _shape(text: str) -> str:
    for key, word in _WORDS.items():
        text = word.sub(key, text)
    return text


def _differences(text: str, other: str) -> list[tuple[str, str]]:
    """The values of the other text where this one has what stands in; none where they differ in anything else."""
    found: list[tuple[str, str]] = []
    for key, word in _WORDS.items():
        for own, theirs in zip(word.findall(text), word.findall(other), strict=True):
            if own != theirs:
                if own != PSEUDO_PARAMETERS[key]:
                    return []
                found.append((key, theirs))
    return found
