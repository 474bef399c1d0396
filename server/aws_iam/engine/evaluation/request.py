"""A request to decide: caller, action, resource and context, with the context keys that follow from them.

    request_of({"principal": …, "action": …, "resource": …, "context": {…}})  →  Request

Keys that follow from the caller and the resource are filled in (`derived`); every other key is absent unless given.
Source: IAM User Guide, reference_policies_condition-keys.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.engine.evaluation.caller import Caller, CallerKind, caller_of
from aws_iam.engine.evaluation.conditions import truth
from aws_iam.engine.evaluation.context import Context
from aws_iam.engine.language.arn import Arn
from aws_iam.engine.parsing.json_text import python_value
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError, closest
from aws_iam.escape import quoted
from aws_iam.frozen import slotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FIELDS = (
    "principal",
    "action",
    "resource",
    "context",
    "principal_account",
    "resource_account",
    "principal_role",
    "federated_by",
    "management_account",
)
_NEEDED = ("principal", "action", "resource")
_TEXTS = tuple(name for name in FIELDS if name != "context")
_ACCOUNT = re.compile(r"\d{12}")
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9_-]+")
_MOST_KEYS = 1_000
_MOST_VALUES = 10_000
_LONGEST = 8_192

_TYPES = {
    CallerKind.USER: "User",
    CallerKind.SESSION: "AssumedRole",
    CallerKind.FEDERATED: "FederatedUser",
    CallerKind.ROOT: "Account",
    CallerKind.ANONYMOUS: "Anonymous",
}


@slotted
class Request:
    """One request for authorization. `derived` lists the context keys that were filled in."""

    caller: Caller
    action: str
    resource: str
    resource_account: str
    management_account: str
    context: Context
    given: Mapping[str, Any]
    derived: tuple[str, ...]

    @property
    def service(self) -> str:
        """The service prefix of the action, in lower case."""
        return self.action.partition(":")[0].lower()

    @property
    def crosses_accounts(self) -> bool:
        """Whether the resource belongs to another account than the caller."""
        own = self.caller.account
        return bool(own) and own != self.resource_account

    def with_key(self, name: str, *values: str) -> Request:
        """The same request with one more key in its context."""
        return replace(self, context=self.context.with_key(name, *values))

    def without_key(self, name: str) -> Request:
        """The same request without a key in its context."""
        return replace(self, context=self.context.without_key(name))


def request_of(given: object) -> Request:
    """The request in a JSON value or text; InputError says which field is wrong."""
    fields = _object(given)
    texts = {name: _text(fields, name) if name in fields else "" for name in _TEXTS}
    action, resource = texts["action"], texts["resource"]
    if not _ACTION.fullmatch(action):
        raise InputError(
            f"`action` {quoted(action)} is not an action",
            hint="give one action, such as `s3:GetObject`"
            + ("; `policy lookup` names those of a command" if " " in action else ""),
        )
    caller = caller_of(
        texts["principal"],
        action=action,
        role=texts["principal_role"],
        federated_by=texts["federated_by"],
        account=texts["principal_account"],
    )
    arn = _resource(resource)
    known = catalog().action(action)
    if known and not known.resource_types:
        # AWS authorizes such an action only on `*`, whatever resource the call names.
        resource, arn = "*", None
    in_arn = arn.account if arn and _ACCOUNT.fullmatch(arn.account) else ""
    owner = texts["resource_account"] or in_arn or caller.account
    for name in ("principal_account", "resource_account", "management_account"):
        if texts[name] and not _ACCOUNT.fullmatch(texts[name]):
            raise InputError(f"`{name}` {quoted(texts[name])} is not an account id of 12 digits")
    context, derived = _context(fields.get("context", {}), caller, action, arn, owner)
    return Request(
        caller=caller,
        action=action,
        resource=resource,
        resource_account=owner,
        management_account=texts["management_account"],
        context=context,
        given=fields,
        derived=derived,
    )


def _object(given: object) -> dict[str, Any]:
    if isinstance(given, str):
        try:
            given = python_value(given)
        except (ValueError, RecursionError) as error:
            raise InputError(f"the request is not valid JSON: {str(error).lower()}") from None
    if not isinstance(given, dict):
        raise InputError(
            "the request must be an object", hint=f"with {', '.join(f'`{n}`' for n in _NEEDED)}"
        )
    for name in given:
        if name not in FIELDS:
            near = closest(str(name), FIELDS)
            known = ", ".join(f"`{field}`" for field in FIELDS)
            raise InputError(
                f"the request has no field {quoted(str(name))}",
                hint=f"did you mean `{near}`?" if near else f"its fields are {known}",
            )
    missing = [name for name in _NEEDED if name not in given]
    if missing:
        raise InputError(f"the request lacks {', '.join(f'`{name}`' for name in missing)}")
    return given


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name, "")
    if value is None or (name in _NEEDED and value == ""):
        raise InputError(f"`{name}` of the request is empty")
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise InputError(
            f"`{name}` of the request must be text of at most {_LONGEST:,} characters"
        )
    return value


def _resource(text: str) -> Arn | None:
    if text == "*":
        return None
    arn = Arn.of(text)
    if arn is None or not text.startswith("arn:"):
        raise InputError(
            f"`resource` {quoted(text)} is not an ARN",
            hint="give the ARN of one resource, or `*` for an action that has no resource types",
        )
    return arn


def _context(
    given: object, caller: Caller, action: str, arn: Arn | None, owner: str
) -> tuple[Context, tuple[str, ...]]:
    values = dict(_values(given))
    lower = {name.lower(): value for name, value in values.items()}
    derived = []
    for name, value in settled_keys(caller, owner if arn else ""):
        stated = lower.get(name.lower())
        if stated is not None and not _agrees(stated, value):
            raise InputError(
                f"`context` gives {quoted(name)} as {quoted(', '.join(stated))}, but the principal or the resource makes it {quoted(value)}",
                hint="leave the key out, or change the principal or the resource",
            )
        if stated is None:
            values[name] = (value,)
            derived.append(name)
    for name, value in _usual_keys(action, arn, lower, caller):
        if name.lower() not in lower:
            values[name] = (value,)
            derived.append(name)
    return Context(values), tuple(derived)


def _agrees(stated: tuple[str, ...], value: str) -> bool:
    as_truth = truth(value)
    return stated == (value,) or (
        as_truth is not None and len(stated) == 1 and truth(stated[0]) is as_truth
    )


def _values(given: object) -> Iterator[tuple[str, tuple[str, ...]]]:
    if not isinstance(given, dict):
        raise InputError(
            "`context` must be an object of condition keys, each with a value or a list of values"
        )
    if len(given) > _MOST_KEYS:
        raise InputError(f"`context` has more than {_MOST_KEYS:,} keys")
    seen: set[str] = set()
    for name, value in given.items():
        if name.lower() in seen:
            raise InputError(
                f"`context` gives {quoted(name)} twice", hint="condition keys ignore case"
            )
        seen.add(name.lower())
        listed = value if isinstance(value, list) else [value]
        if len(listed) > _MOST_VALUES:
            raise InputError(f"`context` has more than {_MOST_VALUES:,} values for {quoted(name)}")
        texts = tuple(_scalar(name, entry) for entry in listed if entry is not None)
        # A key without a value counts as absent.
        if texts:
            yield name, texts


def _scalar(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise InputError(
        f"`context` {quoted(name)} must be text, a number, true or false, or a list",
        hint='each key has its value, and a tag is a key: {"aws:ResourceTag/team": "a"}'
        if isinstance(value, dict)
        else "",
    )


def settled_keys(caller: Caller, owner: str) -> Iterator[tuple[str, str]]:
    """The context keys that follow from the caller, and from the owner of the resource where there is one."""
    if caller.kind is CallerKind.SERVICE:
        yield "aws:PrincipalIsAWSService", "true"
        yield "aws:PrincipalServiceName", caller.arn
    elif caller.kind is CallerKind.IDENTITY:
        if not caller.arn.partition(":saml-provider/")[1]:
            yield "aws:FederatedProvider", caller.arn
    else:
        yield "aws:PrincipalType", _TYPES[caller.kind]
    if caller.account and caller.kind is not CallerKind.IDENTITY:
        yield "aws:PrincipalArn", caller.role or caller.arn
        yield "aws:PrincipalAccount", caller.account
        yield "aws:PrincipalIsAWSService", "false"
    yield from _ids(caller)
    if owner:
        yield "aws:ResourceAccount", owner


def _ids(caller: Caller) -> Iterator[tuple[str, str]]:
    match caller.kind:
        case CallerKind.USER:
            yield "aws:username", caller.user_name
        case CallerKind.ROOT:
            yield "aws:userid", caller.account
        case CallerKind.FEDERATED:
            yield "aws:userid", f"{caller.account}:{caller.arn.rpartition('/')[2]}"
        case CallerKind.ANONYMOUS:
            yield "aws:userid", "anonymous"
            yield "aws:PrincipalAccount", "anonymous"
        case _:
            pass


def _usual_keys(
    action: str, arn: Arn | None, given: Mapping[str, Any], caller: Caller
) -> Iterator[tuple[str, str]]:
    """The keys of a request that is sent directly to the resource's Region; the given context overrides them."""
    signed = caller.kind not in {CallerKind.IDENTITY, CallerKind.ANONYMOUS, CallerKind.SERVICE}
    if signed:
        through = "aws:calledvia" in given or "aws:calledviafirst" in given
        yield "aws:ViaAWSService", "true" if through else "false"
    if arn is not None and arn.region and catalog().tier(action) == "known":
        yield "aws:RequestedRegion", arn.region
