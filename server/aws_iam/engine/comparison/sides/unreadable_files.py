"""Files that only one side has in a form that can be read: nobody knows what changes in them.

with_readable(document, new, baseline, old)   →   both sides, such a file read as the other side has it, and still named as unread
readable_before(found, sources)               →   the policies of a side but for those of such files
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.root_names import below
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.engine.sources.files import Files
from aws_iam.engine.sources.gather import as_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_iam.engine.language.document import Source
    from aws_iam.engine.sources.files import File
    from aws_iam.engine.sources.gathered import Gathered, Unread


def with_readable(
    document: object, new: Gathered, baseline: object, old: Gathered
) -> tuple[Gathered, Gathered]:
    """Both sides; what stands in a file that one of them cannot be read with is neither lost nor gained."""
    if not isinstance(document, Files) or not isinstance(baseline, Files):
        return new, old
    files = _by_path(document), _by_path(baseline)
    unread = _unread(document, new), _unread(baseline, old)
    return (
        _with_texts_of(files[1], unread[0], unread[1], document, new),
        _with_texts_of(files[0], unread[1], unread[0], baseline, old),
    )


def readable_before(found: Gathered, sources: Iterable[Source]) -> tuple[Source, ...]:
    """The policies that could be read on this side, so that their problems are known."""
    unread = {own.file for own in found.unread if own.broken and own.place == own.file}
    return tuple(own for own in sources if own.file not in unread)


def _by_path(side: Files) -> Mapping[str, File]:
    return {below(side.folder, own.name): own for own in side.files}


def _unread(side: Files, found: Gathered) -> Mapping[str, Unread]:
    """The whole files that are broken, and any of Terraform: a policy elsewhere in the module may be made of those."""
    return {
        below(side.folder, own.place): own
        for own in found.unread
        if own.place == own.file and (own.broken or own.place.endswith(TERRAFORM_ENDINGS))
    }


def _with_texts_of(
    others: Mapping[str, File],
    unread: Mapping[str, Unread],
    unread_there: Mapping[str, Unread],
    side: Files,
    found: Gathered,
) -> Gathered:
    """What a side holds with the texts that the other one has in place of its own that cannot be read."""
    texts = {
        path: others[path].text
        for path in unread
        if path in others and path not in unread_there and not others[path].unreadable
    }
    if not texts:
        return found
    files = tuple(
        replace(own, text=texts[path], unreadable="") if path in texts else own
        for own in side.files
        for path in (below(side.folder, own.name),)
    )
    told = (replace(unread[path], broken=True) for path in texts)
    read = as_written(replace(side, files=files))
    return replace(read, unread=(*told, *read.unread))
