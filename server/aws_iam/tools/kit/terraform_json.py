"""JSON values as Terraform expressions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def terraform_json(document: Mapping[str, Any]) -> str:
    """The document as an argument of `jsonencode`: a JSON value is an expression, but for the starts of templates."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return text.replace("${", "$${").replace("%{", "%%{")
