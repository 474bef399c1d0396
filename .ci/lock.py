"""Lock what CI, the image and a release install: exact versions, each with the hashes of its files. No index is named.

`lock.py` writes .ci/requirements/ as pyproject.toml asks and keeps each version that still fits (`make lock`); with
`--upgrade` it takes the newest. `--check` says what is not in step with pyproject.toml, and asks no index.
"""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".ci/requirements"
_HEADER = "# {about} Written by `make lock` from pyproject.toml: exact versions, with the hashes of their files.\n"
_HASH = re.compile(r"--hash=(\w+:\w+)")
# What uv notes beside a package that pyproject.toml asks for by itself.
_ASKED_FOR = re.compile(r"\(?pyproject\.toml(:[\w-]+)?\)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A file of .ci/requirements, and which parts of pyproject.toml it locks."""

    name: str
    about: str
    project: bool = False
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    dependencies: bool = True
    """Whether what the packages need is locked with them."""


# The largest first: the others take its versions, so that what is shipped is what was tested.
LOCKS = (
    Lock(name="dev.txt", about="What `make test` and `make check` need.", project=True, extras=("dask",), groups=("dev",)),
    Lock(name="run.txt", about="What the package needs: the image, and what the SBOM lists.", project=True),
    Lock(name="build.txt", about="What builds the package.", groups=("build",)),
    Lock(name="release.txt", about="What builds a release.", project=True, groups=("release", "build")),
    Lock(name="advisories.txt", about="What looks for known vulnerabilities.", groups=("advisories",)),
    Lock(name="emulator.txt", about="An emulator of AWS, without what it needs.", groups=("emulator",), dependencies=False),
    Lock(name="node.txt", about="Node.js for `make conformance`.", groups=("node",)),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """An entry of a lock file."""

    requirement: Requirement
    hashes: tuple[str, ...]
    asked_for: bool
    """Whether pyproject.toml names it, as uv noted when it wrote the file."""

    @property
    def name(self) -> str:
        """The name as indexes spell it."""
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        """The one version that it allows; empty where it allows several."""
        found = re.fullmatch(r"==([^*]+)", str(self.requirement.specifier))
        return found[1] if found else ""


def write(*options: str) -> None:
    """Write every file that changes; of one that stays, nothing that was made from it is made again."""
    FOLDER.mkdir(exist_ok=True)
    for lock in LOCKS:
        target = FOLDER / lock.name
        before = target.read_text(encoding="utf-8") if target.exists() else ""
        text = _HEADER.format(about=lock.about) + compiled(lock, before, options)
        if text != before:
            target.write_text(text, encoding="utf-8")
            print(f"wrote {target.relative_to(ROOT)}")


def compiled(lock: Lock, before: str, options: Iterable[str]) -> str:
    """What uv, which lies beside this Python, makes of pyproject.toml; it keeps the versions that it finds in its output."""
    words = ["--constraints", FOLDER.relative_to(ROOT) / LOCKS[0].name] if lock != LOCKS[0] else []
    words += ["pyproject.toml"] if lock.project else []
    words += [word for name in lock.extras for word in ("--extra", name)]
    words += [word for name in lock.groups for word in ("--group", name)]
    words += [] if lock.dependencies else ["--no-deps"]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / lock.name
        output.write_text(before, encoding="utf-8")
        subprocess.run(
            [
                Path(sysconfig.get_path("scripts")) / "uv", "pip", "compile", "--quiet",
                "--universal", "--python-version", oldest_python(), "--generate-hashes", "--no-header",
                *options, *words, "--output-file", output,
            ],
            cwd=ROOT,
            check=True,
        )  # fmt: skip
        return output.read_text(encoding="utf-8")


def oldest_python() -> str:
    """The oldest Python that the project runs on."""
    return str(pyproject()["project"]["requires-python"]).removeprefix(">=")


def pyproject() -> dict[str, Any]:
    """pyproject.toml, parsed."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def wanted(lock: Lock, declared: Mapping[str, Any]) -> list[Requirement]:
    """What pyproject.toml names for the file."""
    project = declared["project"]
    rows = list(project["dependencies"]) if lock.project else []
    rows += [row for name in lock.extras for row in project["optional-dependencies"][name]]
    rows += [row for name in lock.groups for row in _group(name, declared["dependency-groups"])]
    return [Requirement(row) for row in rows]


def _group(name: str, groups: Mapping[str, list[Any]]) -> Iterator[str]:
    for row in groups[name]:
        if isinstance(row, str):
            yield row
        else:
            yield from _group(row["include-group"], groups)


def pins(text: str) -> Iterator[Pin | str]:
    """The entries of a lock file; a line that is none as text."""
    joined = re.sub(r"\\\n\s*", " ", text)
    # Notes follow their entry, indented.
    for line in re.sub(r"\n\s+#", "\t#", joined).splitlines():
        entry, _, notes = line.partition("\t")
        if not entry.strip() or entry.startswith("#"):
            continue
        hashes = tuple(_HASH.findall(entry))
        try:
            requirement = Requirement(_HASH.sub("", entry))
        except InvalidRequirement:
            yield entry
        else:
            asked = bool(_ASKED_FOR.search(notes.replace("\t", "\n")))
            yield Pin(requirement=requirement, hashes=hashes, asked_for=asked)


def problems(texts: Mapping[str, str], declared: Mapping[str, Any]) -> Iterator[str]:
    """What is not in step: between the files and pyproject.toml, and among the files."""
    versions: dict[str, dict[str, set[str]]] = {}
    for lock in LOCKS:
        found = list(pins(texts.get(lock.name, "")))
        yield from (
            f"{lock.name}: `{line}` pins nothing" for line in found if isinstance(line, str)
        )
        entries = [pin for pin in found if isinstance(pin, Pin)]
        yield from (f"{lock.name}: {text}" for text in _of_entries(entries))
        yield from (f"{lock.name}: {text}" for text in _against(wanted(lock, declared), entries))
        for pin in entries:
            versions.setdefault(pin.name, {}).setdefault(lock.name, set()).add(pin.version)
    for name, by_file in versions.items():
        # A file may have two, each for some Pythons; another that has one of them is in step.
        most = max(by_file.values(), key=len)
        for file, found_there in by_file.items():
            if not found_there <= most:
                yield f"{file}: {name} is {', '.join(sorted(found_there))}, elsewhere {', '.join(sorted(most))}"


def _of_entries(entries: Iterable[Pin]) -> Iterator[str]:
    for pin in entries:
        if not pin.version:
            yield f"`{pin.requirement}` is not one version"
        if not pin.hashes or not all(text.startswith("sha256:") for text in pin.hashes):
            yield f"{pin.name} has no SHA-256 of its files"


def _against(requirements: Iterable[Requirement], entries: list[Pin]) -> Iterator[str]:
    named = {canonicalize_name(requirement.name) for requirement in requirements}
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        pinned = [pin for pin in entries if pin.name == name]
        if not pinned:
            yield f"{name} is missing"
        for pin in pinned:
            if pin.version and not requirement.specifier.contains(pin.version, prereleases=True):
                yield f"{name} {pin.version} is not `{requirement}`"
    for name, rows in groupby(entries, key=lambda pin: pin.name):
        if name not in named and any(pin.asked_for for pin in rows):
            yield f"{name} is no longer in pyproject.toml"


def main(argv: list[str]) -> int:
    """Write the files; with `--check` only name what is not in step and exit with 1."""
    if "--check" not in argv:
        write(*(word for word in argv if word == "--upgrade"))
    texts = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt")}
    found = list(problems(texts, pyproject()))
    for text in found:
        print(f".ci/requirements: {text}: run `make lock`", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
