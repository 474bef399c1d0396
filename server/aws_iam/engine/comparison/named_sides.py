"""The policies of one side of a comparison, and what stands beside them, under names that both sides share.

named_side(document, gathered)   →   NamedSide(sources=…, attachments=…, settings=…)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.renamed_policies import NamedSide
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.engine.sources.files import Files

if TYPE_CHECKING:
    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.containers.access_settings import AccessSetting
    from aws_iam.engine.sources.containers.attachments import PolicyAttachment
    from aws_iam.engine.sources.gathered import Gathered


def named_side(document: object, found: Gathered) -> NamedSide:
    """All that a document holds; what is in a folder is named by its file, from the folder on."""
    sources = named_sources(document, found)
    if not (isinstance(document, Files) and document.folder):
        names = frozenset(own.name for own in found.resources)
        return NamedSide(sources, found.attachments, found.settings, names)
    return NamedSide(
        sources,
        tuple(_attached_in_folder(document, own) for own in found.attachments),
        tuple(_setting_in_folder(document, own) for own in found.settings),
        frozenset(_start(document, own.file) + own.name for own in found.resources),
    )


def named_sources(document: object, found: Gathered) -> tuple[Source, ...]:
    """The policies, with a name where they are several policies, not parts of one.

    Those of a folder are named by their files, from the folder on; those of a list, or of an answer, are places.
    """
    sources = found.sources
    if isinstance(document, Files) and document.folder:
        return tuple(_of_folder(document, source) for source in sources)
    if found.formats:
        return sources
    return tuple(
        replace(source, name=source.name and f"/{source.name.lstrip('/')}") for source in sources
    )


def _of_folder(document: Files, source: Source) -> Source:
    start = _start(document, source.file)
    holder = source.holder
    if holder.name:
        holder = replace(holder, name=start + holder.name)
    return replace(source, name=f"{start}{source.name}".strip(), holder=holder)


def _start(document: Files, file: str | None) -> str:
    place = _in_folder(document, file)
    return f"{place} " if place else ""


def _attached_in_folder(document: Files, own: PolicyAttachment) -> PolicyAttachment:
    start = _start(document, own.file)
    return replace(
        own,
        holder=start + own.holder,
        place=start + own.place,
        document=own.document and start + own.document,
        file=None,
    )


def _setting_in_folder(document: Files, own: AccessSetting) -> AccessSetting:
    start = _start(document, own.file)
    return replace(own, holder=own.holder and start + own.holder, place=start + own.place)


def _in_folder(document: Files, file: str | None) -> str:
    """The file from the folder on; of Terraform the module's folder, in which an address stands once, in whatever file."""
    path = (file or "").removeprefix(f"{document.folder.rstrip('/')}/")
    return path.rpartition("/")[0] if path.endswith(TERRAFORM_ENDINGS) else path
