"""The cases of each provider of `irsa`: `tests/cases/irsa/providers/NAME.json`, read by the tests of the tool.

    trust_policies   arguments, and the principal, action and condition that `trust_policy` writes for them; `token` is what
                     the provider sends, `near_misses` are subjects or claims that must not get in,
                     `findings` what `policy validate` says of a pattern that the caller chose
    refusals         arguments, and words of the error
    trust_checks     conditions on the provider's tokens, and the codes that `check` finds
    denied           tokens before a condition, and the codes that `denied` finds
    hostile_names    an argument that tries to break out of the generated files, and the other arguments
    validators       what proves a generated file (its `checked_by`): a JSON schema, and edits that it refuses
    jobs             where the script of a generated CI file is, so that a test runs it

`provider` is left out of the arguments: it is the file's name.
"""

from __future__ import annotations

import json
from typing import Any

from helpers.folders import TESTS

_FILES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((TESTS / "cases/irsa/providers").glob("*.json"))
}
PROVIDERS_WITH_CASES = tuple(_FILES)


def cases(kind: str) -> list[dict[str, Any]]:
    """The cases of that kind, provider by provider."""
    return [_case(name, case) for name, file in _FILES.items() for case in file.get(kind, ())]


def _case(provider: str, case: dict[str, Any]) -> dict[str, Any]:
    if "arguments" not in case:
        return case
    return {**case, "arguments": {"provider": provider, **case["arguments"]}}
