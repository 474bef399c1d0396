"""The policies in any input: a policy, a list, an `Answer`, a file or a folder of files, a larger document.

gathered(document)      every policy with its place, and the places that should hold one and were not read
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from operator import is_
from typing import TYPE_CHECKING

from aws_iam.engine.language.document import (
    Kind,
    Policy,
    Source,
    Syntax,
    kind_named,
)
from aws_iam.engine.parsing.json_nodes import MAX_CHARACTERS, Node
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.reference.managed_policies import is_policy_arn
from aws_iam.engine.sources.boundaries import with_boundaries
from aws_iam.engine.sources.chart_values import with_values
from aws_iam.engine.sources.data_files import of_data
from aws_iam.engine.sources.document_shapes import is_terraform
from aws_iam.engine.sources.file_names import is_known
from aws_iam.engine.sources.files import MAX_FILE_CHARACTERS, File, FileNames, Files
from aws_iam.engine.sources.gathered import (
    Gathered,
    Unread,
    files_of_statements,
    together,
    without_file,
    without_taken,
)
from aws_iam.engine.sources.markdown_fences import has_fence
from aws_iam.engine.sources.markdown_policies import is_markdown, of_markdown
from aws_iam.engine.sources.parsed_values import (
    SUPPORTED,
    larger_yaml,
    managed,
    of_larger,
    of_root,
    required_policies,
    scanned,
)
from aws_iam.engine.sources.policy_code import only_managed
from aws_iam.engine.sources.policy_signs import (
    LFS_POINTER,
    TEMPLATE,
    has_statement,
    looks_like_policy,
    may_grant,
    may_hold_policy,
    mentions_policies,
    pointed_to,
    why_unread,
)
from aws_iam.engine.sources.requested import Requested, requested, with_functions_filled
from aws_iam.engine.sources.template_holes import has_marks
from aws_iam.engine.sources.terraform_sources import of_terraform
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# What begins as JSON does, and is none.
_OTHER_LANGUAGES = (
    ".jsonnet",
    ".libsonnet",
    ".json5",
    ".toml",
    ".cue",
    ".dhall",
    ".nix",
    ".hcl",
    ".ini",
    ".cfg",
    ".conf",
    ".js",
    ".ts",
)
# One word with a scheme, a folder or the ending of a file.
_LONGEST_PATH = 256
_PATH = re.compile(
    r"(?:[a-z][a-z0-9]*://|~|[A-Za-z]:\\)\S*|[\w.@+-]*(?:[/\\][\w.@+-]*)+|[\w@+-][\w.@+-]*\.[A-Za-z]\w{1,9}"
)


def sources_of(
    document: object,
    kind: Kind | str | None = None,
    resource_type: str | None = None,
    known: Mapping[int, Node] | None = None,
) -> tuple[Source, ...]:
    """The policies of a document: one, a list, an `Answer`, files, or the policies inside a larger document.

    `known` has the nodes of objects that were read before, by `id` of the object.
    """
    return gathered(document, kind, resource_type, known).sources


def one_policy(document: object, kind: Kind | str | None = None) -> Policy:
    """The only policy of a document; raises InputError for text that is not JSON and for several policies."""
    return one_known(document, kind)[0]


def one_known(document: object, kind: Kind | str | None = None) -> tuple[Policy, Source]:
    """The same, with what is known of its values."""
    found = sources_of(document, kind)
    if len(found) != 1:
        raise InputError(
            f"expected one policy, found {len(found)}", hint="give them one at a time"
        )
    content = found[0].content
    if isinstance(content, Syntax):
        raise InputError(
            f"the document is not JSON at line {content.where.line}:{content.where.column}:"
            f" {content.message}",
            hint=content.hint,
        )
    return content, found[0]


def gathered(
    document: object,
    kind: Kind | str | None = None,
    resource_type: str | None = None,
    known: Mapping[int, Node] | None = None,
) -> Gathered:
    """The policies of a document in any supported shape; raises InputError where there is none.

    Functions of CloudFormation in a policy outside any template have values, as they have in one, and managed policies that
    are only boundaries are of that kind. `known` has the nodes of objects that were read before, by `id` of the object.
    """
    written = as_written(document, kind, resource_type, known)
    sources = tuple(map(with_functions_filled, written.sources))
    if kind is None:
        sources = with_boundaries(sources, written.attachments)
    if all(map(is_, sources, written.sources)):
        return written
    return replace(written, sources=sources)


def as_written(
    document: object,
    kind: Kind | str | None = None,
    resource_type: str | None = None,
    known: Mapping[int, Node] | None = None,
) -> Gathered:
    """The same with the functions as they stand in policies outside any template."""
    wanted = requested(kind_named(kind), resource_type)
    if isinstance(document, Files):
        return _of_files(document, wanted)
    if isinstance(document, (bytes, bytearray)):
        raise InputError("the document is bytes", hint="decode it as UTF-8 text first")
    if not isinstance(document, str):
        return required_policies(of_root(from_value(document, known), None, wanted))
    return _of_text(document, wanted)


def _of_text(text: str, requested: Requested, at_most: int = MAX_CHARACTERS) -> Gathered:
    if is_policy_arn(text):
        return managed(text, requested)
    node = scanned(text, at_most)
    if not isinstance(node, Syntax):
        return required_policies(of_root(node, text, requested))
    unnamed = File(name="", text=text)
    in_blocks = of_markdown(unnamed, requested) if has_fence(text) else None
    if in_blocks and in_blocks.sources:
        return without_file(in_blocks)
    if is_terraform(text):
        return required_policies(of_terraform(Files(files=(unnamed,)), requested))
    if len(text) < _LONGEST_PATH and _PATH.fullmatch(text.strip()):
        raise InputError(
            f"the document is no policy but looks like the path {quoted(text.strip())}",
            hint="give the content of the file: no file is opened for a text",
        )
    return _of_other_text(unnamed, requested) or Gathered(sources=(Source(name="", content=node),))


def _of_other_text(file: File, requested: Requested) -> Gathered | None:
    """The policies of a text in YAML or of a template; IAM accepts JSON only, so YAML is read only as a larger document."""
    larger = of_larger(larger_yaml(file.text), requested, required=False)
    if larger.sources or larger.unread or larger.formats:
        return required_policies(larger)
    found = of_data(file, requested) if has_marks(file.text) else None
    return without_file(found) if isinstance(found, Gathered) and found.sources else None


def _of_files(given: Files, requested: Requested) -> Gathered:
    """The policies of files: a single file must hold one, a folder must hold one in any of its files."""
    requested = replace(requested, read=_reader(given), choices=given.choices)
    if len(given.files) == 1 and not (given.folder or given.chosen):
        return _of_file(given, requested)
    parts, without, unread = _of_each(given, requested)
    if given.unseen:
        unread.append(Unread(place=given.folder, why=given.unseen))
    gathered_ = replace(
        together(parts, unread),
        files=len(given.files),
        others=given.others,
        without=tuple(without),
    )
    if not (gathered_.sources or given.chosen):
        what = f"folder {quoted(given.folder)}" if given.folder else "list of files"
        if not given.files:
            seen = f" ({counted(given.others, 'file')} seen)" if given.others else ""
            raise InputError(f"the {what}{seen} holds no file with a policy", hint=SUPPORTED)
        count = len(given.files)
        what = f"{what} ({count} files)" if count > 1 else what
        return required_policies(replace(gathered_, formats=()), what)
    return gathered_


def _of_each(given: Files, requested: Requested) -> tuple[list[Gathered], list[str], list[Unread]]:
    """What the files of a folder hold, those without policies, and those that cannot be read."""
    parts: list[Gathered] = []
    without: list[str] = []
    unread: list[Unread] = []
    done: set[str] = set()
    in_terraform = Gathered(sources=())
    if terraform := tuple(file for file in given.files if is_terraform("", file.name)):
        names = given.names or FileNames.of(file.name for file in given.files)
        in_terraform = of_terraform(replace(given, files=terraform, names=names), requested)
        parts.append(in_terraform)
        without += in_terraform.without
        # What Terraform reads as a template or a document is a policy of the resource there.
        used = in_terraform.used_files | files_of_statements(in_terraform)
        done = {file.name for file in terraform} | _as_called(given, used)
    read = _as_called(given, in_terraform.read_files)
    attached = Counter(own.policy for own in in_terraform.attachments)
    for file in given.files:
        name = file.name.replace("\\", "/")
        if name in done or (name in read and not _is_left(file, attached)):
            continue
        if file.unreadable:
            unread.append(_unread(file, file.unreadable, broken=is_known(file.name)))
            continue
        if pointed_to(file.text):
            unread.append(_unread(file, LFS_POINTER, broken=is_known(file.name)))
            continue
        try:
            found = _in_folder(file, requested.of_file(file.name))
        except InputError as refused:
            unread.append(_refused(file, refused.message))
            continue
        if found is None or not _has_access(found):
            without.append(file.name)
        if found is not None:
            parts.append(found)
    texts = {file.name.replace("\\", "/"): file for file in given.files}
    attached = Counter(own.policy for part in parts for own in part.attachments)
    told = without_taken(parts, lambda name: not _is_left(texts[name], attached))
    return told, without, unread


def _as_called(given: Files, names: Iterable[str]) -> set[str]:
    """The names that the files have here, of those that texts have for them."""
    return {given.renamed.get(name, name) for name in names}


def _is_left(file: File, attached: Counter[str]) -> bool:
    """Whether a file that others read, and from which no policy came there, may hold one by itself.

    The AWS managed policies that it names may all be `attached` there, as often as it names them.
    """
    named = Counter([] if has_statement(file.text) else only_managed(file.text))
    if named and named <= attached:
        return False
    return may_grant(file.text) or bool(pointed_to(file.text))


def _reader(given: Files) -> Callable[[str], str | None]:
    """Reads one of the files, else what the caller finds in their folder."""
    texts = {file.name.replace("\\", "/"): file.text for file in given.files}

    def read(name: str) -> str | None:
        return texts[name] if name in texts else given.read(name)

    return read


def _in_folder(file: File, requested: Requested) -> Gathered | None:
    """The policies of one file among others, None where it holds none."""
    if not file.name and is_policy_arn(file.text):
        return managed(file.text, requested)
    if not may_hold_policy(file.text):
        return None
    found = _of_template(file, requested) or _of_content(file, requested)
    if isinstance(found, Syntax):
        return _of_broken_json(file, found)
    if _has_access(found):
        return found
    if looks_like_policy(file.text) and not is_markdown(file.name):
        return _only_named(file, why_unread(file.text, is_data=is_known(file.name)))
    # What it declares is there all the same.
    return Gathered(sources=(), resources=found.resources) if found.resources else None


def _of_template(file: File, requested: Requested) -> Gathered | None:
    """What a template of a chart holds with the values of the chart; None where it has none of these, or is nothing with them."""
    own = with_values(file, requested.read)
    if own.text == file.text:
        return None
    try:
        found = _of_content(own, requested)
    except InputError:
        return None
    return found if isinstance(found, Gathered) and _has_access(found) else None


def _has_access(found: Gathered) -> bool:
    """Whether something of it decides about access."""
    return any((found.sources, found.unread, found.settings, found.attachments))


def decides_about_access(file: File) -> bool:
    """Whether a file by itself has a policy, attaches one, or has a setting that decides who gets access."""
    try:
        found = _in_folder(file, requested(None, None).of_file(file.name))
    except InputError:
        return looks_like_policy(file.text)
    return found is not None and _has_access(found)


def _of_broken_json(file: File, fault: Syntax) -> Gathered:
    is_other = file.name.lower().endswith(_OTHER_LANGUAGES)
    if is_other or (not is_known(file.name) and not file.text.lstrip().startswith(("{", "["))):
        return _only_named(file, why_unread(file.text, is_data=False))
    # Files that have nothing to do with policies need not be JSON.
    if mentions_policies(file.text):
        return Gathered(sources=(Source(name="", content=fault, file=file.name),), files=1)
    return _only_named(file, fault.message)


def _only_named(file: File, why: str) -> Gathered:
    return Gathered(sources=(), unread=(_unread(file, why),), files=1)


def _of_content(file: File, requested: Requested) -> Gathered | Syntax:
    if is_markdown(file.name):
        return of_markdown(file, requested)
    if is_known(file.name) or not is_terraform(file.text):
        return of_data(file, requested)
    found = of_terraform(Files(files=(file,)), requested)
    if not any(place.broken for place in found.unread):
        return found
    why = TEMPLATE if has_marks(file.text) else why_unread(file.text, is_data=False)
    return _only_named(file, why)


def _refused(file: File, why: str) -> Unread:
    """A file that could not be read: a failure where its ending says that it should be."""
    if not is_known(file.name) and looks_like_policy(file.text):
        return _unread(file, why_unread(file.text, is_data=False))
    return _unread(file, why, broken=mentions_policies(file.text))


def _unread(file: File, why: str, *, broken: bool = False) -> Unread:
    return Unread(place=file.name, why=why, file=file.name, broken=broken)


def _of_file(given: Files, requested: Requested) -> Gathered:
    (file,) = given.files
    if not file.name and not file.unreadable:
        return _of_text(file.text, requested, MAX_FILE_CHARACTERS)
    what = f"file {quoted(file.name)}"
    if pointed_to(file.text):
        raise InputError(f"{quoted(file.name)}: {LFS_POINTER}")
    if not file.unreadable and not is_markdown(file.name) and is_terraform(file.text, file.name):
        return required_policies(of_terraform(given, requested), what, file.text)
    requested = replace(requested.of_file(file.name), read=_reader(given))
    if file.unreadable:
        raise InputError(f"{quoted(file.name)}: {file.unreadable}")
    try:
        found = (
            of_markdown(file, requested) if is_markdown(file.name) else of_data(file, requested)
        )
    except InputError as refused:
        if is_known(file.name) or not looks_like_policy(file.text):
            raise
        raise InputError(
            f"the {what} looks as if it held a policy, but could not be read"
            f" ({refused.message.partition(': ')[2]}): {why_unread(file.text, is_data=False)}",
            hint=SUPPORTED,
        ) from None
    if isinstance(found, Syntax):
        return Gathered(sources=(Source(name="", content=found, file=file.name),), files=1)
    return required_policies(found, what, file.text)
