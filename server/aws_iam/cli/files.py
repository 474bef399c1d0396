"""Read the documents of a command line: JSON text, standard input, files and folders, each with a size limit.

Which files hold policies is decided in `engine/sources/`.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from aws_iam.cli.other_files import OtherFiles, decoded
from aws_iam.engine.sources import file_names, markdown_fences
from aws_iam.engine.sources.document_shapes import TERRAFORM_ENDINGS
from aws_iam.engine.sources.files import File, Files
from aws_iam.errors import InputError, system_reason
from aws_iam.escape import quoted
from aws_iam.regular_files import read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# More than any policy document needs; the parser has a smaller limit of its own.
MOST_BYTES = 16_000_000
MOST_ENTRIES = 250_000
MOST_FILES = 50_000
MOST_FOLDER_BYTES = 200_000_000
ENDINGS = (*file_names.ENDINGS, *markdown_fences.ENDINGS)
LOG_ENDINGS = (".json", ".gz", ".jsonl", ".ndjson", ".csv")
# CloudTrail's own files are far smaller; a few compressed kilobytes can expand to gigabytes.
MOST_LOG_BYTES = 64_000_000
_POLICY_NAME = re.compile(r"[A-Za-z][\w+=,@-]{2,127}")
# What was installed or packed is not the user's own; botocore's data is full of examples.
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "dist-packages", "botocore"})
# What tools keep for themselves: histories, environments, caches, and copies of what stands elsewhere.
_OF_TOOLS = frozenset({
    ".git", ".hg", ".svn", ".bzr", ".jj", ".terraform", ".terragrunt-cache", ".terragrunt-stack", ".external_modules", ".serverless",
    ".aws-sam", ".webpack", ".venv", ".virtualenv", ".tox", ".nox", ".eggs", ".mypy_cache", ".pytest_cache",
    ".ruff_cache", ".hypothesis", ".ipynb_checkpoints", ".idea", ".vs", ".cache", ".npm", ".yarn", ".pnpm-store", ".nvm", ".next", ".nuxt",
    ".nyc_output", ".turbo", ".parcel-cache", ".gradle", ".m2", ".cargo", ".rustup", ".bundle", ".direnv", ".pyenv", ".asdf",
    ".local", ".angular", ".svelte-kit", ".docusaurus", ".dart_tool", ".vagrant", ".metals", ".bloop", ".stack-work", ".cdk.staging",
    ".conda", ".pixi", ".nx",
})  # fmt: skip
# What holds no policies by its purpose is not searched in files of any name.
_DATA_ALONE = frozenset({"manifests"})
# Hidden names that hold what an argument asks for: the workflows of GitHub and GitLab stand beside manifests.
_HIDDEN = {"manifests": frozenset({".github", ".gitlab", ".gitlab-ci.yml", ".gitlab-ci.yaml"})}


def read_document(name: str, value: str) -> str:
    """The text of a document argument: JSON text as given, `-` for standard input, else a file."""
    return value if _is_text(value) else _content(name, value)


def read_policies(name: str, values: Sequence[str]) -> str | Files:
    """Policies from text, standard input, files and folders, several at once, and AWS managed policies by name."""
    values = list(map(_with_policy_arn, values))
    if len(values) == 1 and _is_text(values[0]):
        return values[0]
    folder = ""
    files: list[File] = []
    others = OtherFiles()
    endings = file_names.ENDINGS if name in _DATA_ALONE else ENDINGS
    for value in values:
        if not _is_text(value) and value != "-" and os.path.isdir(value):  # noqa: PTH112 - a path may hold a NUL
            folder = folder or value
            found = _in_folder(
                name, value, endings, others=None if name in _DATA_ALONE else others
            )
            files += sorted(found, key=lambda file: file.name)
        else:
            unnamed = _is_text(value) or value == "-"
            files.append(File(name="" if unnamed else value, text=read_document(name, value)))
    named = next((file.name for file in files if file.name), "")
    return Files(
        files=tuple(files),
        folder=folder,
        checkout=_checkout(named),
        others=others.passed,
        unseen=others.unseen,
        read=_reader([value for value in values if not _is_text(value) and value != "-"]),
    )


def is_named(value: str) -> bool:
    """Whether a text is the name of a policy that AWS has written, and no file is called so."""
    from aws_iam.engine.reference.named_policies import policy_named

    return not os.path.lexists(value) and policy_named(value) is not None


def _with_policy_arn(value: str) -> str:
    """The ARN of the AWS managed policy of that name, where no file is called so."""
    # Imported here: most documents are no names, and the table of names is large.
    from aws_iam.engine.reference.managed_policies import managed_policy

    if _is_text(value) or not _POLICY_NAME.fullmatch(value) or os.path.lexists(value):
        return value
    policy = managed_policy(value)
    return policy.arn if policy else value


# A template or a policy that a file of Terraform's names.
MOST_NAMED_BYTES = 1_000_000


def _reader(paths: Sequence[str]) -> Callable[[str], str | None]:
    """Reads other files below the folders, and below the folders of the files; never through a link that leads elsewhere."""
    roots = [
        Path(path if os.path.isdir(path) else os.path.dirname(path) or ".").resolve()  # noqa: PTH112, PTH120 - a path may hold a NUL
        for path in paths
        if "\0" not in path
    ]

    def read(name: str) -> str | None:
        if "\0" in name:
            return None
        try:
            path = Path(name).resolve()
        except (OSError, RuntimeError):  # a link that leads to itself
            return None
        inside = (path.relative_to(root) for root in roots if path.is_relative_to(root))
        if not any(map(_may_be_named, inside)):
            return None
        file = file_of_folder(str(path), MOST_NAMED_BYTES)
        return None if file.unreadable else file.text

    return read


def _may_be_named(path: Path) -> bool:
    """Whether a file of the folder is read because another names it: none with a hidden name, and no tool's."""
    return not (path.name.startswith(".") or is_of_tool(path.as_posix()))


_ORIGIN = re.compile(r'^\[remote "origin"\]\s*$(.*?)(?=^\[|\Z)', re.MULTILINE | re.DOTALL)
_URL = re.compile(
    r"^\s*url\s*=\s*(?:\w+://)?(?:[^@/\s]*@)?([\w.-]+)(?::\d+)?[:/]/?([\w./-]+?)(?:\.git)?/?\s*$",
    re.MULTILINE,
)
_LONGEST_SETTINGS = 100_000


def _checkout(name: str) -> str:
    """Host, owner and name of the repository whose checkout the file lies in, by its remote `origin`; empty without one."""
    folder = Path(name).absolute() if name else None
    git = next((p / ".git" for p in folder.parents if (p / ".git").exists()), None) if folder else None  # fmt: skip
    if git is None:
        return ""
    try:
        if git.is_file():
            # A worktree names its own folder in `.git`, and in there the one that holds the settings.
            folder_of_worktree = read_regular(git, _LONGEST_SETTINGS).decode()
            git = git.parent / folder_of_worktree.removeprefix("gitdir:").strip()
            git = git / read_regular(git / "commondir", _LONGEST_SETTINGS).decode().strip()
        settings = read_regular(git / "config", _LONGEST_SETTINGS)
    except (OSError, UnicodeDecodeError):
        return ""
    origin = _ORIGIN.search(settings.decode("utf-8", "replace"))
    url = _URL.search(origin[1]) if origin else None
    return f"{url[1]}/{url[2]}" if url else ""


def read_records(name: str, value: str) -> str | Files:
    """Log records from text, standard input, a file or a folder of files; gzip is unpacked."""
    if _is_text(value):
        return value
    if value != "-" and os.path.isdir(value):  # noqa: PTH112 - a path may hold a NUL
        files = tuple(_in_folder(name, value, LOG_ENDINGS, MOST_LOG_BYTES))
        return Files(files=files, folder=value)
    named = "" if value == "-" else value
    return Files(files=(File(name=named, text=_content(name, value, MOST_LOG_BYTES)),))


# Three parts; the first starts like every JSON object in base64.
_TOKEN = re.compile(r"\s*(?:Bearer\s+)?ey[\w-]*\.[\w-]*\.[\w-]*\s*")
# No message may repeat a token, mistyped or given under another argument.
_LIKE_TOKEN = re.compile(r"(?<![\w-])ey[\w-]{8,}\.")
_NEVER_SHOWN = frozenset({"token"})


# A request in words: `s3:GetObject on ARN`. No file is likely to be called so.
_REQUEST = re.compile(r"\s*[A-Za-z][A-Za-z0-9-]*:[A-Za-z*?][A-Za-z0-9*?]*(?:\s|$)")


def _is_text(value: str) -> bool:
    # The ARN of an AWS managed policy stands for its document.
    return (
        value.lstrip().startswith(("{", "[", "arn:"))
        or _TOKEN.fullmatch(value) is not None
        or _REQUEST.match(value) is not None
    )


def _shown(name: str, value: str) -> str:
    secret = name in _NEVER_SHOWN or _LIKE_TOKEN.search(value)
    return "the value" if secret else quoted(value)


def _content(name: str, value: str, limit: int = MOST_BYTES) -> str:
    try:
        raw = _bounded(sys.stdin.buffer, limit) if value == "-" else _file(value, limit)
        if raw.startswith(_GZIP) and limit == MOST_LOG_BYTES:
            raw = _unpacked(name, value, raw)
    except OSError as error:
        raise InputError(
            f"`--{name}` cannot read {_shown(name, value)}: {system_reason(error)}",
            hint="pass JSON text starting with `{` or `[`, a readable file, or `-` for standard input",
        ) from None
    if len(raw) > limit:
        raise InputError(f"`--{name}`: {_shown(name, value)} has more than {limit:,} bytes")
    try:
        return decoded(raw)
    except UnicodeDecodeError as error:
        raise InputError(
            f"`--{name}`: {_shown(name, value)} is not UTF-8 text (byte {error.start})",
            hint="save it as UTF-8",
        ) from None


_GZIP = b"\x1f\x8b"


def _unpacked(name: str, value: str, raw: bytes) -> bytes:
    """The content of a gzip file, at most one byte more than the limit."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
            return file.read(MOST_LOG_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise InputError(
            f"`--{name}`: {quoted(value)} is a damaged gzip file", hint="fetch it again"
        ) from None


def _file(value: str, limit: int) -> bytes:
    try:
        return read_regular(value, limit)
    except ValueError:  # a NUL byte in the path
        raise OSError(0, "not a path") from None


def _bounded(file: BinaryIO, limit: int) -> bytes:
    # One byte beyond the limit shows that there is more; a pipe may have no end.
    return file.read(limit + 1)


def _in_folder(
    name: str,
    folder: str,
    endings: tuple[str, ...],
    limit: int = MOST_BYTES,
    others: OtherFiles | None = None,
) -> Iterator[File]:
    """The files below a folder with these endings, and `others` that look as if they held a policy; an unreadable one carries the reason."""
    found, refused, rest = _listed(name, folder, endings, with_hidden=others is not None)
    if others:
        yield from others.with_policies(rest)
    for path, error in refused:
        yield File(name=path, unreadable=system_reason(error))
    total = 0
    for path in found:
        file = file_of_folder(path, limit)
        total += len(file.text)
        if total > MOST_FOLDER_BYTES:
            raise InputError(
                f"`--{name}`: the files of {quoted(folder)} have more than {MOST_FOLDER_BYTES:,} characters",
                hint="choose a smaller folder",
            )
        yield file


def _listed(
    name: str, folder: str, endings: tuple[str, ...], *, with_hidden: bool
) -> tuple[list[str], list[tuple[str, OSError]], list[str]]:
    """The files to read, the folders that cannot be read, and the files of other endings or with hidden names.

    Links to folders are not followed, so no file comes twice. Terraform reads a module in a hidden folder as any other.
    """
    found: list[str] = []
    rest: list[str] = []
    refused: list[tuple[str, OSError]] = []
    entries = 0
    hidden = _HIDDEN.get(name, frozenset())

    def is_read(entry: str) -> bool:
        return with_hidden or not entry.startswith(".") or entry in hidden

    for here, folders, files in os.walk(
        folder, onerror=lambda error: refused.append((str(error.filename), error))
    ):
        entries += len(folders) + len(files)
        is_below_hidden = with_hidden and is_hidden(os.path.relpath(here, folder))
        for file in filter(is_read, files):
            path = os.path.normpath(os.path.join(here, file))  # noqa: PTH118 - `..` stays as the caller wrote it
            is_looked_at = (
                is_below_hidden or (with_hidden and file.startswith("."))
            ) and not file.endswith(TERRAFORM_ENDINGS)
            is_chosen = file.lower().endswith(endings) and not is_looked_at
            (found if is_chosen else rest).append(path)
        if entries > MOST_ENTRIES or len(found) > MOST_FILES:
            raise InputError(
                f"`--{name}`: the folder {quoted(folder)} holds more than {MOST_FILES:,} files to read"
                f" or {MOST_ENTRIES:,} entries",
                hint="choose a smaller folder, or name the files",
            )
        folders[:] = sorted(filter(is_read, set(folders) - _SKIPPED - _OF_TOOLS))
    return sorted(found), refused, sorted(rest)


def is_hidden(path: str) -> bool:
    """Whether a file's name, or that of a folder above, begins with a dot: it is read where its text speaks of access."""
    return any(
        part.startswith(".") and part != "." for part in path.replace(os.sep, "/").split("/")
    )


def is_of_tool(path: str) -> bool:
    """Whether a file lies in a folder that a tool keeps for itself."""
    return not _OF_TOOLS.isdisjoint(path.split("/"))


def is_skipped(path: str) -> bool:
    """Whether a folder's file at the path is not looked at because it belongs to an installed package."""
    return not _SKIPPED.isdisjoint(path.split("/"))


def packages_above(path: str) -> str:
    """The outermost folder of installed packages that the path lies in."""
    parts = path.split("/")
    depth = next(number for number, part in enumerate(parts, 1) if part in _SKIPPED)
    return "/".join(parts[:depth])


def file_of_folder(path: str, limit: int) -> File:
    """The file with its text, or why it cannot be read."""
    try:
        if not Path(path).is_file():  # reading a pipe could block for ever
            return File(name=path, unreadable="not a file")
        return File(name=path, text=_content("document", path, limit))
    except InputError as error:
        return File(name=path, unreadable=error.message.rpartition(": ")[2])
