"""AWS's Service Reference (JSON, format v1.x) as rows of the catalogue.

https://docs.aws.amazon.com/service-authorization/latest/reference/service-reference.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aws_iam.engine.reference.catalog_file import KEY_TYPES, Level
from aws_iam.engine.reference.catalog_rows import (
    ActionRow,
    ServiceRow,
    TypeRow,
    arn_template,
    key_template,
)
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_ACTION = re.compile(r"[A-Za-z0-9]{1,128}")
_TEXT = re.compile(r"[!-~][ -~]{0,500}")
_MAJOR = "v1"
_ARN_COLONS = 5


class NotUnderstood(ValueError):  # noqa: N818 - the name says what happened
    """The text is not a Service Reference of a known version."""


def addresses(listing: Any) -> dict[str, str]:
    """The URL of each service's file, from the list of services."""
    if not isinstance(listing, list) or not listing:
        raise NotUnderstood("the list of services is not a list")
    found = {}
    for row in listing:
        prefix, url = _text(row, "service", _PREFIX), _text(row, "url", _TEXT)
        found[prefix] = url
    return found


def service(data: Any, prefix: str) -> ServiceRow:
    """The rows in the file of a service; unknown fields are ignored."""
    version = data.get("Version") if isinstance(data, dict) else None
    if not isinstance(version, str) or not version:
        raise NotUnderstood(f"it does not state its format, which should be {_MAJOR}")
    if version.partition(".")[0] != _MAJOR:
        raise NotUnderstood(f"its format is {quoted(version, 40)}, not {_MAJOR}")
    if data.get("Name") != prefix:
        raise NotUnderstood("it describes another service")
    keys = {
        key_template(_text(row, "Name", _TEXT)): _type(row) for row in _rows(data, "ConditionKeys")
    }
    types = {
        _text(row, "Name", _TEXT): TypeRow(
            formats=[
                text for text in map(arn_template, _texts(row, "ARNFormats")) if _six_fields(text)
            ],
            keys=set(map(key_template, _texts(row, "ConditionKeys"))),
        )
        for row in _rows(data, "Resources")
    }
    actions = {_text(row, "Name", _ACTION): _action(row) for row in _rows(data, "Actions")}
    return ServiceRow(actions=actions, types=types, keys=keys)


def _action(row: Mapping[str, Any]) -> ActionRow:
    return ActionRow(
        level=_level(row),
        types=[_text(type_, "Name", _TEXT) for type_ in _rows(row, "Resources")],
        keys=set(map(key_template, _texts(row, "ActionConditionKeys"))),
    )


# The first flag that is set decides: an action that changes permissions is flagged as a write, too.
_FLAGS: tuple[tuple[str, Level], ...] = (
    ("IsPermissionManagement", "Permissions management"),
    ("IsTaggingOnly", "Tagging"),
    ("IsWrite", "Write"),
    ("IsList", "List"),
)


def _level(row: Mapping[str, Any]) -> Level:
    annotations = row.get("Annotations")
    flags = annotations.get("Properties") if isinstance(annotations, dict) else None
    if not isinstance(flags, dict):
        raise NotUnderstood("an action has no properties")
    return next((level for flag, level in _FLAGS if flags.get(flag) is True), "Read")


def _type(row: Mapping[str, Any]) -> str:
    return next((text for text in _texts(row, "Types") if text in KEY_TYPES), "")


def _six_fields(text: str) -> bool:
    return text.startswith("arn:") and text.count(":") >= _ARN_COLONS


def _rows(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = data.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotUnderstood(f"{name} is not a list of objects")
    return rows


def _texts(data: Mapping[str, Any], name: str) -> list[str]:
    texts = data.get(name) or []
    if not isinstance(texts, list) or not all(
        isinstance(text, str) and _TEXT.fullmatch(text) for text in texts
    ):
        raise NotUnderstood(f"{name} is not a list of names")
    return texts


def _text(row: Any, name: str, form: re.Pattern[str]) -> str:
    text = row.get(name) if isinstance(row, dict) else None
    if not isinstance(text, str) or not form.fullmatch(text):
        raise NotUnderstood(f"{name} is not a name")
    return text


def merged(new: ServiceRow, old: ServiceRow, *, old_day: str) -> ServiceRow:
    """The new rows, completed from the old ones with what the Service Reference lacks.

    That is: dependent actions, which types are required, which key belongs to which type, and titles. Actions and keys that
    have disappeared become former ones, last listed on the day of the old data.
    """
    spelled = {name.lower(): name for name in old.actions}
    for name, action in new.actions.items():
        was = old.actions.get(spelled.get(name.lower(), ""))
        if was:
            _complete(action, was)
    known = {name.lower() for name in new.actions}
    new.title, new.page = old.title, old.page
    former = old.retired | dict.fromkeys(old.actions, old_day)
    new.retired = {name: day for name, day in former.items() if name.lower() not in known}
    new.undocumented = {name for name in old.undocumented if name.lower() not in known}
    used_types = {name for action in new.actions.values() for name in action.types}
    for name in used_types - set(new.types):
        new.types[name] = old.types.get(name, TypeRow())
    for key in _used(new) - set(new.keys):
        new.keys[key] = old.keys.get(key, "")
    keys = {key.lower() for key in new.keys}
    former = old.former_keys | dict.fromkeys(old.keys, old_day)
    new.former_keys = {key: day for key, day in former.items() if key.lower() not in keys}
    return new


def _complete(action: ActionRow, was: ActionRow) -> None:
    action.dependents = set(was.dependents)
    action.required = was.required & set(action.types)
    listed = action.keys
    # An action's list includes the keys of its types: a key that belonged to a type alone stays there.
    action.type_keys = {
        name: kept
        for name, keys in was.type_keys.items()
        if name in action.types and (kept := keys & listed)
    }
    on_types = {key for keys in action.type_keys.values() for key in keys}
    action.keys = {key for key in listed if key in was.keys or key not in on_types}


def _used(row: ServiceRow) -> set[str]:
    used = {key for action in row.actions.values() for key in action.keys}
    used |= {key for a in row.actions.values() for keys in a.type_keys.values() for key in keys}
    return used | {key for type_ in row.types.values() for key in type_.keys}
