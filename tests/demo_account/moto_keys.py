"""The keys of moto's KMS share one private key, which nobody uses: a tenth of a second for each that is not made."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import moto.kms.models

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODELS: Any = moto.kms.models
_MAKE = _MODELS.generate_private_key
_KEPT = cache(_MAKE)


@contextmanager
def one_private_key() -> Iterator[None]:
    """As long as keys are made that only encrypt."""
    _MODELS.generate_private_key = _KEPT
    try:
        yield
    finally:
        _MODELS.generate_private_key = _MAKE
