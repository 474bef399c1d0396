"""What is told of a file by its path and text, once: each changed file is looked for in the same others.

A review of hundreds of changed files read every template hundreds of times without.
"""

from __future__ import annotations

from functools import wraps
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar

from aws_iam.engine.sources.files import File
from aws_iam.engine.sources.gather import decides_about_access

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_MOST = 20_000


def once_by_text(work: Callable[[str, str], T]) -> Callable[[str, str], T]:
    """Keep what a function of a path and a text returns, which must depend on nothing else; the texts are not kept."""
    found: dict[tuple[str, bytes], T] = {}

    @wraps(work)
    def kept(path: str, text: str) -> T:
        key = path, blake2b(text.encode(errors="surrogatepass"), digest_size=20).digest()
        if key not in found:
            if len(found) >= _MOST:
                found.clear()
            found[key] = work(path, text)
        return found[key]

    return kept


@once_by_text
def decides(path: str, text: str) -> bool:
    """Whether a file by itself decides about access."""
    return decides_about_access(File(name=path, text=text))
