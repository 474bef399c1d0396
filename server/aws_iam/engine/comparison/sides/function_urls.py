"""What a changed function URL does: who may call it is decided by its authentication and by the function's policy together.

url_change(setting, before, change, side)   →   UnjudgedChange(says="`u` asks for no credentials …", …)

https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
from aws_iam.engine.language.document import Policy
from aws_iam.engine.language.pattern import matches
from aws_iam.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide
    from aws_iam.engine.language.document import Condition, Statement
    from aws_iam.engine.sources.containers.access_settings import AccessSetting

_PUBLIC, _CALL = "NONE", "lambda:InvokeFunctionUrl"
_AUTHENTICATION = ("authorization_type", "AuthType", "authorizationType", "spec.authType")
_FUNCTIONS = ("function_name", "TargetFunctionArn", "functionName", "spec.functionName")
# Its provider lets in everyone when it creates a URL, and changes nothing when it updates one:
# https://github.com/hashicorp/terraform-provider-aws/issues/28817
_CREATED_OPEN = "aws_lambda_function_url"
_EVERYONE = "*"
_FIX = "Ask for credentials with AuthType AWS_IAM, or let the function check who calls."


def url_change(
    setting: AccessSetting, before: AccessSetting | None, change: str, side: NamedSide
) -> UnjudgedChange | None:
    """The change of a function URL; None where it is not known whom it lets in. `side` is that of after the change."""
    now = None if change == "removed" else _parts(setting)
    was = _parts(setting) if change == "removed" else _parts(before) if before else {}
    if was is None or (now is None and change != "removed"):
        return None
    if change == "removed" or _only_closed(now or {}, was):
        how = "is removed" if change == "removed" else "asks for credentials now"
        return UnjudgedChange(
            place=setting.place,
            says=f"{quoted(setting.place)} (a function URL) {how}",
            widens=False,
            narrows=True,
            source=setting.subject.source,
            is_setting=True,
        )
    if _value(now or {}, _AUTHENTICATION) != _PUBLIC:
        return None
    is_created = (
        change == "added" and f".{_CREATED_OPEN}." in f".{setting.holder.rpartition(' ')[2]}"
    )
    is_open = is_created or any(open_policies(setting, side))
    if not is_open or (before is not None and _value(was, _AUTHENTICATION) == _PUBLIC):
        return None
    says = f"{quoted(setting.place)} (a function URL) asks for no credentials, and the function's policy lets in everyone"
    return UnjudgedChange.gain_of(setting, says, "public function URL", _FIX)


def _parts(setting: AccessSetting) -> Mapping[str, str] | None:
    """The properties by name; None where one of them is not known."""
    if not (setting.is_known and setting.is_resource and setting.value.endswith("}")):
        return None
    parts: dict[str, str] = json.loads(setting.value)
    return parts if "${" not in _value(parts, _AUTHENTICATION) else None


def _value(parts: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((parts[name] for name in names if name in parts), "")


def _only_closed(now: Mapping[str, str], was: Mapping[str, str]) -> bool:
    """Whether it asks for credentials, did not before, and is otherwise the same."""
    name = next((own for own in _AUTHENTICATION if own in now), "")
    left = {key: own for key, own in now.items() if key != name}
    others = {key: own for key, own in was.items() if key != name}
    return bool(name) and now[name] != _PUBLIC == was.get(name) and left == others


def open_policies(setting: AccessSetting, side: NamedSide) -> Iterator[str]:
    """The policies of the function of a URL that let everyone call it without credentials."""
    parts = _parts(setting) or {}
    function = _value(parts, _FUNCTIONS).rpartition(":")[2]
    for source in side.sources if function else ():
        content = source.content
        statements = content.statements if isinstance(content, Policy) else ()
        if source.holder.in_force and any(_is_for_everyone(own, function) for own in statements):
            yield source.name


def _is_for_everyone(statement: Statement, function: str) -> bool:
    if not statement.allows or not any(matches(word, _CALL) for word in statement.action_words):
        return False
    is_of_function = any(word.endswith(f":{function}") for word in statement.resource_words)
    return (
        is_of_function
        and any(own.is_everyone for own in statement.principals)
        and all(map(_holds_without_credentials, statement.conditions))
    )


def _holds_without_credentials(condition: Condition) -> bool:
    is_of_url = condition.key.value.lower() == "lambda:functionurlauthtype"
    return is_of_url and any(own.value == _PUBLIC for own in condition.values)
