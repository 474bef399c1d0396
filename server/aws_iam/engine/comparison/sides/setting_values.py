"""The arguments of a resource that decides about access, as a setting has them.

values_of(setting)   →   {"policy_id": "${aws_organizations_policy.a.id}", "target_id": "ou-1"}
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_iam.engine.sources.containers.access_settings import AccessSetting


def values_of(setting: AccessSetting) -> Mapping[str, str]:
    """The arguments by their names; none where the setting is a plain value, or one that a template engine fills in."""
    if not setting.value.endswith("}"):
        return {}
    try:
        found = json.loads(setting.value)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
