"""The files that ship with the package: references, templates, data, skills.

A checkout has them at the project's root, a wheel beside this module. The checkout comes first: an editable install
copies the folders into site-packages once, and that copy grows old.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent


@cache
def root() -> Path:
    """The folder that holds `assets`, `references`, `skills` and `SKILL.md`."""
    is_checkout = _PACKAGE.parent.name == "server" and (_CHECKOUT / "pyproject.toml").is_file()
    return _CHECKOUT if is_checkout else _PACKAGE


def path(name: str) -> Path:
    """The path of a shipped file or folder, relative to the root: `assets/data/prices.json`."""
    return root() / name


def text(name: str) -> str:
    """The text of a shipped file."""
    return path(name).read_text(encoding="utf-8")


@cache
def data(name: str) -> Any:
    """The JSON value of a file in `assets/data`, parsed on first use and shared: callers must not change it."""
    return json.loads(text(f"assets/data/{name}"))


def listing(folder: str, suffix: str) -> list[Path]:
    """The files of a shipped folder that end in the suffix, sorted by name."""
    return sorted(path(folder).glob(f"*{suffix}"))
