"""Where the files that ship with the package are: references, templates, data, skills.

A checkout keeps them at the project's root, a wheel beside this module. The checkout is asked first: an editable
install copies the folders into site-packages once, and that copy grows old.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent


@cache
def root() -> Path:
    """The folder that holds `assets`, `references`, `skills` and `SKILL.md`."""
    is_checkout = _PACKAGE.parent.name == "server" and (_CHECKOUT / "pyproject.toml").is_file()
    return _CHECKOUT if is_checkout else _PACKAGE


def path(name: str) -> Path:
    """The path of a shipped file or folder, named from the root: `assets/data/prices.json`."""
    return root() / name


def text(name: str) -> str:
    """A shipped file's text."""
    return path(name).read_text(encoding="utf-8")


def listing(folder: str, suffix: str) -> list[Path]:
    """The files of a shipped folder with that suffix, in order of name."""
    return sorted(path(folder).glob(f"*{suffix}"))
