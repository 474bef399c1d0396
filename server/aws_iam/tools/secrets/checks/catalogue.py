"""Every check of `secrets check`, by family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.rules.check import Check, checks_in
from aws_iam.tools.secrets.checks import (
    access,
    container_references,
    lifecycle,
    plaintext,
    plaintext_texts,
    rotation,
    rotation_functions,
    wide_grants,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.account.reading.snapshot import Account
    from aws_iam.rules.checks_page import Families

FAMILIES: Families = (
    ("Rotation", rotation),
    ("Rotation functions", rotation_functions),
    ("Who may read a secret", access),
    ("Wide grants and shares", wide_grants),
    ("Lifecycle of secrets and parameters", lifecycle),
    ("Plaintext", plaintext),
    ("Plaintext in scripts, documents and arguments", plaintext_texts),
    ("References from containers", container_references),
)

CHECKS: Mapping[str, Check[Account]] = {
    check.code: check for check in checks_in(*(module for _, module in FAMILIES))
}
"""Every check by its code, in order."""

ON_REQUEST = frozenset({"SSM-PLAINTEXT-VALUE"})
"""Run only when the caller asks to look into String parameters."""
