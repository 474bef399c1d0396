"""The one policy that a bucket, a queue or a key has, wherever a file gives it: in the resource, or as a resource of its own.

with_policies_now(new, old)    →   the old side's policies under the names that those of the same resources have now
policies_kept_beside(new, old) →   the policy that it had, for one that comes beside it
doubled_policies(new, old)     →   UnjudgedChange(says="`aws_s3_bucket.b` has two policies, …: AWS keeps the one that is written last")
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from aws_iam.engine.comparison.sides.root_names import module_of
from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
from aws_iam.engine.language.document import Kind, Policy
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.containers.policy_places import FoundResource

    # The type of a resource and its name.
    _Subject = tuple[str, str]

_SHOWN = 3
_REFERENCE = re.compile(r"\$\{([^{}.]+)(?:\.[^{}]*)?\}")
# Each call that puts a policy replaces the one before.
_ONE_EACH: Final[Mapping[str, str]] = {
    "AWS::S3::Bucket": "https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html",
    "AWS::SQS::Queue": "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html",
    "AWS::SNS::Topic": "https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html",
    "AWS::KMS::Key": "https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html",
    "AWS::SecretsManager::Secret": "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html",
    "AWS::EC2::VPCEndpoint": "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html",
    "AWS::EFS::FileSystem": "https://docs.aws.amazon.com/efs/latest/ug/API_PutFileSystemPolicy.html",
    "AWS::ECR::Repository": "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html",
}


class HeldPolicies(Protocol):
    """The policies of a side, and its resources by their names."""

    @property
    def sources(self) -> tuple[Source, ...]:
        """The policies."""

    @property
    def found_resources(self) -> Mapping[str, FoundResource]:
        """The resources with their own names, with or without policies."""

    @property
    def resources(self) -> frozenset[str]:
        """The names of all resources."""


def with_policies_now(new: HeldPolicies, old: HeldPolicies) -> tuple[Source, ...]:
    """The policies of the old side, each as the policy that the same resource alone has now, if that is another one."""
    mine, theirs = _by_subject(new), _by_subject(old)
    names = [{own.name for own in side.sources} for side in (new, old)]
    now: dict[str, Source] = {}
    for subject, former in theirs.items():
        found = mine.get(subject, [])
        if len(former) == len(found) == 1:
            was, own = former[0], found[0]
            if was.name not in names[0] and own.name not in names[1]:
                now[was.name] = own
    return tuple(_as(now[own.name], own) if own.name in now else own for own in old.sources)


def policies_kept_beside(new: HeldPolicies, old: HeldPolicies) -> Iterator[Source]:
    """The policy that a resource had and keeps, as the former one of another that comes beside it: what that allows it may have had."""
    mine, theirs = _by_subject(new), _by_subject(old)
    known = {own.name for own in old.sources}
    for subject, former in theirs.items():
        found = mine.get(subject, [])
        if len(former) == 1 and any(own.name == former[0].name for own in found):
            yield from (_as(own, former[0]) for own in found if own.name not in known)


def _as(now: Source, own: Source) -> Source:
    """A policy under the name of another one of the same resource."""
    return replace(
        own, name=now.name, holder=replace(own.holder, attached_to=now.holder.attached_to)
    )


def doubled_policies(new: HeldPolicies, old: HeldPolicies) -> Iterator[UnjudgedChange]:
    """The resources that have several policies now, of which one is new or another one."""
    before = {own.name: own.content for own in old.sources}
    for (type_, name), sources in _by_subject(new).items():
        changed = [own for own in sources if before.get(own.name) != own.content]
        if changed and any(own.content != sources[0].content for own in sources):
            listed = joined([quoted(own.name) for own in sources], shown=_SHOWN)
            yield UnjudgedChange(
                place=changed[0].name,
                says=f"{quoted(name)} has more than one policy, {listed}: AWS keeps the one that is written last, and which that is was not judged",
                widens=True,
                narrows=True,
                source=_ONE_EACH[type_],
            )


def _by_subject(side: HeldPolicies) -> dict[_Subject, list[Source]]:
    subjects = _Subjects.of(side)
    found: dict[_Subject, list[Source]] = {}
    for own in side.sources:
        if subject := subjects.subject(own):
            found.setdefault(subject, []).append(own)
    return found


@dataclass(frozen=True, slots=True)
class _Subjects:
    """The resources of a side by the names that AWS knows them by."""

    side: HeldPolicies
    by_own_name: Mapping[tuple[str, str], Sequence[str]]

    @classmethod
    def of(cls, side: HeldPolicies) -> _Subjects:
        found: dict[tuple[str, str], list[str]] = {}
        for name, own in side.found_resources.items():
            if own.own_name:
                key = name.rpartition(" ")[0], own.own_name.split(" ")[1]
                found.setdefault(key, []).append(name)
        return cls(side, found)

    def subject(self, source: Source) -> _Subject | None:
        """The resource whose policy it is, where it is certain that there is one of either."""
        content, holder = source.content, source.holder
        if not isinstance(content, Policy) or content.kind is not Kind.RESOURCE:
            return None
        type_ = content.resource_type or ""
        if type_ not in _ONE_EACH or source.cases or holder.in_force is not True:
            return None
        if not holder.attached_to:
            return (type_, holder.name) if holder.name in self.side.resources else None
        targets = {self._resource(target, holder.name) for target in holder.attached_to}
        return (type_, targets.pop()) if len(targets) == 1 else None

    def _resource(self, target: str, holder: str) -> str:
        """The resource of the file that a policy names, by its address or by its own name; else the name."""
        start, _, address = holder.rpartition(" ")
        referred = _REFERENCE.fullmatch(target)
        named = referred[1] if referred else target
        full = f"{start} {named}".strip()
        if full in self.side.resources:
            return full
        own = self.by_own_name.get((start, re.split(r"[:/]", named)[-1]), ())
        module = module_of(address)
        near = [one for one in own if module_of(one.rpartition(" ")[2]) == module] or own
        # Another call of a module may be for another account.
        return near[0] if len(near) == 1 else f"{start} {module}{named}".strip()
