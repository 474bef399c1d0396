"""The argument `needs` of `generate` as people give it: actions and resources apart, levels by other words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_iam.engine.generation.access_levels import access_level, actions_of_verb
from aws_iam.engine.generation.access_needs import MEANT
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.language.aws_names import ungrouped_account
from aws_iam.engine.parsing.json_text import python_value
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.kit.argument_values import folded
from aws_iam.wording import joined

if TYPE_CHECKING:
    from aws_iam.engine.reference.catalog import Action

_ACTIONS = ("action", "actions", "permissions", "access", "accesslevel", "level", "levels")
_RESOURCES = ("resource", "resources", "arn", "arns")
_ACCOUNT_FIELD = 4
_S3 = "s3://"
_DIRECTORY_BUCKET = "--x-s3"
# A list of objects with lists of ARNs.
_DEPTH = 3
_SHOWN = 3
_LEVELS = {
    "readonly": ("read",),
    "readaccess": ("read",),
    "writeaccess": ("write",),
    "readwrite": ("read", "write"),
    "read/write": ("read", "write"),
    "readandwrite": ("read", "write"),
}


def needs_of(given: Any) -> tuple[Any, tuple[str, ...]]:
    """The needs by access level or action, and how they were understood; what has no one meaning stays as it is."""
    accounts: dict[str, None] = {}
    parsed = _parsed(given)
    value = _with_accounts(parsed, accounts)
    as_it_is = (value, tuple(accounts)) if accounts else (given, ())
    parts = value if isinstance(value, list) else [value]
    _refuse_actions_alone(value)
    if not parts:
        return as_it_is
    needs: dict[str, Any] = {}
    understood = dict(accounts)
    for part in parts:
        read = _read(part, understood) if isinstance(part, dict) else None
        if read is None:
            return as_it_is
        for name, targets in read.items():
            needs[name] = [*_listed(needs[name]), *_listed(targets)] if name in needs else targets
    return (needs, tuple(understood)) if understood or value is not parts[0] else (given, ())


def _refuse_actions_alone(value: Any) -> None:
    """Raise for actions that nothing says the resources of."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, value),) = value.items()
        value = _listed(value) if folded(str(name)) in _ACTIONS else None
    names = value if isinstance(value, list) else []
    if names and all(isinstance(name, str) and catalog().action(name) for name in names):
        raise InputError(
            "`needs` names actions without the resources that they are for",
            hint=f'give these as well: {{"actions": {json.dumps(names[:_SHOWN])}, "resources": [ARN]}}, or "*" where an action has no'
            " resource types",
        )


def _with_accounts(value: Any, understood: dict[str, None], depth: int = _DEPTH) -> Any:
    """The value with 12 digits for each account that an ARN has in groups of four, as the console shows it."""
    if isinstance(value, str):
        return _with_account(value, understood)
    if isinstance(value, list) and depth:
        return [_with_accounts(entry, understood, depth - 1) for entry in value]
    if isinstance(value, dict) and depth:
        read = {
            _with_accounts(name, understood, 0): _with_accounts(entry, understood, depth - 1)
            for name, entry in value.items()
        }
        # Two names of one ARN would lose what one of them asks for.
        return read if len(read) == len(value) else value
    return value


def _with_account(text: str, understood: dict[str, None]) -> str:
    """The ARN with 12 digits for its account; also of a bucket, key or folder in the form of the AWS CLI."""
    if text.startswith(_S3):
        return _of_s3(text, understood)
    fields = text.split(":", _ACCOUNT_FIELD + 1)
    if fields[0] != "arn" or len(fields) <= _ACCOUNT_FIELD:
        return text
    written = fields[_ACCOUNT_FIELD]
    fields[_ACCOUNT_FIELD] = ungrouped_account(written)
    if fields[_ACCOUNT_FIELD] != written:
        understood[f"account {quoted(written)} as `{fields[_ACCOUNT_FIELD]}`"] = None
    return ":".join(fields)


def _of_s3(text: str, understood: dict[str, None]) -> str:
    """The ARN of `s3://bucket/folder/`; an access point in that form has an ARN of its own, and stays as it is."""
    bucket, _, key = text.removeprefix(_S3).partition("/")
    if not bucket or ":" in bucket:
        return text
    if bucket.endswith(_DIRECTORY_BUCKET):
        # What is in it is reached in a session of the bucket, and has no ARN.
        arn = f"arn:aws:s3express:*:*:bucket/{bucket}"
    else:
        path = f"{bucket}/{key}{'*' if key.endswith('/') else ''}".removesuffix("/")
        arn = f"arn:aws:s3:::{path}"
    understood[f"{quoted(text)} as {quoted(arn)}"] = None
    return arn


def _read(part: dict[Any, Any], understood: dict[str, None]) -> dict[str, Any] | None:
    """One object of needs by access level or action; None where it could mean two things."""
    names = {folded(str(name)): member for name, member in part.items()}
    actions = [names[name] for name in _ACTIONS if name in names]
    resources = [names[name] for name in _RESOURCES if name in names]
    if len(names) == 2 and len(actions) == len(resources) == 1:  # noqa: PLR2004 - actions and resources
        listed = _listed(actions[0])
        if not all(isinstance(action, str) for action in listed):
            return None
        part = {action: _fitting(action, resources[0]) for action in listed}
        used = [target for targets in part.values() for target in _listed(targets)]
        if any(resource not in used for resource in _listed(resources[0])):
            # A resource that no action works on is a mistake, and refused as one.
            part = dict.fromkeys(listed, resources[0])
        fits = any(targets != resources[0] for targets in part.values())
        which = "the resources beside it that it works on" if fits else "every resource beside it"
        understood[f"`needs`: every action on {which}"] = None
    elif part and all(str(name).startswith("arn:") for name in part):
        understood["`needs`: what is asked for on each ARN"] = None
        return _by_access(part)
    needs: dict[str, Any] = {}
    for name, targets in part.items():
        levels = _levels(str(name)) or _meant_by_verb(str(name), targets)
        for level in levels or (str(name),):
            if level in needs:
                return None
            needs[level] = targets
        if levels:
            meant = " and ".join(f"`{level}`" for level in levels)
            understood[f"{quoted(str(name))} as {meant}"] = None
    return needs


def _fitting(action: str, resources: Any) -> Any:
    """The resources that the action works on, of several: `s3:ListBucket` on the bucket, not on its objects; all if none fits."""
    known = catalog().action(action)
    if known is None or not isinstance(resources, list):
        return resources
    arns = [Arn.of(text) if isinstance(text, str) else None for text in resources]
    fitting = [text for text, arn in zip(resources, arns, strict=True) if _works_on(known, arn)]
    return fitting or resources


def _works_on(action: Action, arn: Arn | None) -> bool:
    types = {type_.name for type_ in catalog().types_of_arn(arn)} if arn else set()
    return bool(types & {*action.resource_types})


def _types_of(arn: Arn | None) -> tuple[str, ...]:
    types = catalog().types_of_arn(arn) if arn else ()
    return tuple(f"{type_.service}:{type_.name}" for type_ in types)


def _by_access(part: dict[Any, Any]) -> dict[str, Any] | None:
    """The ARNs by access level or action, of an object that has these by ARN."""
    needs: dict[str, list[Any]] = {}
    for arn, wanted in part.items():
        for name in _listed(wanted):
            if not isinstance(name, str):
                return None
            for level in _levels(name) or (name,):
                needs.setdefault(level, []).append(arn)
    return needs


def _levels(name: str) -> tuple[str, ...]:
    """The levels of `readonly` or `read, write`; none for what is a level or an action itself."""
    parts = [part.strip() for part in name.split(",")]
    several = len(parts) > 1 and all(access_level(part) for part in parts)
    return tuple(dict.fromkeys(parts)) if several else _LEVELS.get(folded(name), ())


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _meant_by_verb(verb: str, targets: Any) -> tuple[str, ...]:
    """What a verb means on all of the ARNs: `send` and `consume` on a queue; none for another word, InputError for several actions."""
    if not verb.isalpha() or access_level(verb):
        return ()
    arns = [Arn.of(target) if isinstance(target, str) else None for target in _listed(targets)]
    meant = {actions_of_verb(verb, _types_of(arn)) for arn in arns}
    if len(meant) == 1 and (actions := meant.pop()):
        return actions
    if verb.lower() in MEANT:
        return ()
    found = [_actions_on(verb.lower(), arn) if arn else frozenset() for arn in arns]
    common = frozenset.intersection(*found) if found else frozenset()
    if len(common) > 1:
        raise InputError(
            f"`needs`: {quoted(verb)} can be {joined([f'`{one}`' for one in sorted(common)], 'or')}",
            hint="name the action",
        )
    return tuple(common)


def _actions_on(verb: str, arn: Arn) -> frozenset[str]:
    service = catalog().service(arn.service)
    names = service.action_names if service else ()
    begun = (service.action(name) for name in names if service and _begins(name, verb))
    return frozenset(one.full_name for one in begun if one and _works_on(one, arn))


def _begins(name: str, verb: str) -> bool:
    """Whether the action's first word is the verb: `SendMessage`, and not `Sender`."""
    return name.lower().startswith(verb) and not name[len(verb) : len(verb) + 1].islower()


def _parsed(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return python_value(given)
    except (InputError, ValueError, RecursionError):
        return given
