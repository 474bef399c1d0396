"""Which actions a question means, each with the resources to ask about, and what it leaves out.

asked_actions(estate, ["s3:*Tagging"], "arn:aws:s3:::books")   →   those of the pattern that are asked on a bucket or its objects
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.language.arn import Arn, closest_formats, fits
from aws_iam.engine.reference.catalog import catalog
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.audit.access.asked_resources import asked_resources
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aws_iam.engine.reference.facts import Action, ResourceType
    from aws_iam.tools.audit.access.asked_resources import AskedResources
    from aws_iam.tools.audit.access.estate import Estate

_MOST = 50
# Actions that patterns may name before those that no such resource takes are left out.
_MOST_NAMED = 1_000


def asked_actions(
    estate: Estate, actions: Sequence[str], on: str
) -> tuple[dict[str, AskedResources], str]:
    """The actions by name, and how many of patterns were left out, in words: those that are not asked on `on`."""
    named = _named(actions)
    asked: dict[str, AskedResources] = {}
    refused: list[InputError] = []
    for action, by_pattern in named.items():
        try:
            found = asked_resources(estate, action, on)
        except InputError as error:
            if not by_pattern:
                raise
            refused.append(error)
            continue
        if by_pattern and on not in {"", "*"} and found.arns == ("*",):
            continue
        asked[action] = found
        if len(asked) > _MOST:
            raise _too_many(len(named))
    if not asked:
        raise _nothing_asked(actions, on, refused)
    left_out = len(named) - len(asked)
    if not left_out:
        return asked, ""
    told = f"{counted(left_out, 'action')} of the patterns"
    return asked, f"{told} left out: never asked on {quoted(on or '*')}"


def also_asked_on(actions: Iterable[str], on: str) -> Iterator[str]:
    """What else an action is authorized on, in a sentence: who lacks that cannot perform it."""
    for name in actions:
        known = catalog().action(name)
        types = [(own, _type(known, own)) for own in known.required] if known else []
        forms = _forms(known, on) if known else frozenset()
        others = [own for own, type_ in types if not (type_ and forms & {*type_.arn_formats})]
        if others and len(others) < len(types):
            yield (
                f"{quoted(name)} is authorized on further resources, which were not asked about:"
                f" {joined(others, shown=len(others))}."
            )


def _named(actions: Sequence[str]) -> dict[str, bool]:
    """The actions by name, each with whether only a pattern names it."""
    listed: dict[str, bool] = {}
    for text in actions:
        if "*" in text or "?" in text:
            names = catalog().expand(text)
            if not names:
                raise InputError(f"{quoted(text)} matches no known action")
            listed = dict.fromkeys(names, True) | listed
            continue
        known = catalog().action(text)
        if known is None:
            near = catalog().suggest_action(text)
            raise InputError(
                f"{quoted(text)} is not a known action",
                hint=f"did you mean {quoted(near[0])}?" if near else "give it as `service:Action`",
            )
        listed[known.full_name] = False
    if len(listed) > _MOST_NAMED:
        raise _too_many(len(listed))
    return listed


def _nothing_asked(actions: Sequence[str], on: str, refused: Sequence[InputError]) -> InputError:
    if refused and (on in {"", "*"} or Arn.of(on) is None):
        return refused[-1]
    patterns = joined([quoted(text) for text in actions], "or")
    return InputError(
        f"no action that {patterns} matches is asked on {quoted(on)}",
        hint=refused[-1].hint if refused else "leave `on` out",
    )


def _too_many(number: int) -> InputError:
    return InputError(
        f"`who_can` names {counted(number, 'action')}, more than {_MOST}",
        hint="name those that matter, such as `s3:GetObject`",
    )


def _forms(action: Action, on: str) -> frozenset[str]:
    """The formats of ARNs, among those of the action's service, that `on` follows."""
    arn, formats = Arn.of(on), catalog().arn_formats(action.service)
    if arn is None:
        return frozenset()
    if arn.service == "s3":
        # An object follows the format of a bucket as well.
        return closest_formats(arn, formats)
    return frozenset(text for text in formats if fits(arn, text))


def _type(action: Action, name: str) -> ResourceType | None:
    service = catalog().service(action.service)
    return service.resource_types.get(name.lower()) if service else None
