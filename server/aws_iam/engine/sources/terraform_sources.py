"""The policies of files in Terraform's own language, read together as the folders they lie in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.sources.containers.attachments import PolicyAttachment
from aws_iam.engine.sources.containers.policy_places import FoundPolicy, SkippedPlace
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.engine.sources.gathered import Gathered, Unread, unread_of
from aws_iam.engine.sources.left_in_text import left_in_terraform
from aws_iam.engine.sources.policy_signs import mentions_policies
from aws_iam.engine.sources.requested import Requested, source_of

if TYPE_CHECKING:
    from aws_iam.engine.sources.files import Files


def of_terraform(given: Files, requested: Requested, steps: int | None = None) -> Gathered:
    """The policies of files in Terraform's own language, and the other files that their expressions read."""
    # Imported here because only Terraform's sources need it.
    from aws_iam.engine.sources.terraform.policies import NAME, terraform_policies

    found = terraform_policies(given, steps)
    unread = [
        unread_of(place, file or None)
        for file, place in found.places
        if isinstance(place, SkippedPlace)
    ]
    texts = {file.name: file.text for file in given.files}
    unread += (
        Unread(
            place=name or "the document",
            why=refused.message,
            file=name or None,
            broken=mentions_policies(texts[name]),
        )
        for name, refused in found.refused.items()
    )
    own = {file for file, _ in found.places}
    # A block of Markdown has no folder of its own.
    is_file = all(name.endswith(TERRAFORM_ENDINGS) for name in texts)
    gathered = Gathered(
        sources=tuple(
            source_of(place, requested.of_file(file), file or None)
            for file, place in found.places
            if isinstance(place, FoundPolicy)
        ),
        unread=tuple(unread),
        formats=tuple((file, NAME) for file in dict.fromkeys(file for file, _ in found.places)),
        files=len(given.files),
        without=tuple(name for name in texts if name not in own and name not in found.refused),
        attachments=tuple(
            replace(place, file=file or None)
            for file, place in found.places
            if isinstance(place, PolicyAttachment)
        ),
        settings=found.settings,
        resources=found.resources,
        without_value=found.without_value,
        read_files=found.read_files,
        used_files=found.used_files,
        unread_files=found.unread_files,
        roots=frozenset(own for own in found.roots if is_file),
    )
    left = left_in_terraform(texts.items(), gathered)
    return replace(gathered, settings=(*gathered.settings, *left))
