"""The resources of a statement in words: `objects under reports/ in bucket acme`, `every role in account 111122223333`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aws_iam.engine.language.arn import SHORT_API, Arn
from aws_iam.engine.language.document import Kind
from aws_iam.engine.language.pattern import is_literal
from aws_iam.engine.language.variables import without_variables
from aws_iam.escape import quoted
from aws_iam.wording import SHOWN, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_iam.engine.effective.targets import Targets
    from aws_iam.engine.language.document import Statement, Text

_MOST_TYPES = 3


def resources(statement: Statement, kind: Kind, targets: Targets) -> str:
    """The Resource element in words, or NotResource as everything except those."""
    # In a resource's own policy `*`, like a missing Resource, can only mean that resource.
    here = kind in (Kind.RESOURCE, Kind.TRUST)
    if statement.has("NotResource"):
        whole = "anything other than" if statement.denies else "everything except"
        return f"{whole} {_listed(statement.not_resources, _ALLOWED, targets, here=here)}"
    if not statement.has("Resource"):
        return "the resource of this policy" if here else "no resource"
    if any(resource.value and not resource.value.strip("*") for resource in statement.resources):
        return (
            "the resource of this policy" if here else f"{_quantifier(statement).every} resource"
        )
    return _listed(statement.resources, _quantifier(statement), targets, here=here)


class _Quantifier(NamedTuple):
    """The words for an Allow, `may read every … and …`, or a Deny, `may not read any … or …`."""

    every: str
    last: str


_ALLOWED = _Quantifier("every", "and")
_DENIED = _Quantifier("any", "or")


def _quantifier(statement: Statement) -> _Quantifier:
    return _DENIED if statement.denies else _ALLOWED


def _listed(entries: Sequence[Text], how: _Quantifier, targets: Targets, *, here: bool) -> str:
    texts = list(dict.fromkeys(entry.value for entry in entries))
    words = [_resource(text, how, targets, here=here) for text in texts[:SHOWN]]
    return joined([*words, *texts[SHOWN:]], how.last)


def _resource(text: str, how: _Quantifier, targets: Targets, *, here: bool) -> str:
    """One ARN or ARN pattern in words."""
    if text and not text.strip("*"):
        return f"{how.every} resource"
    arn = Arn.of(text)
    if arn is None and text in targets.unknown:
        return f"the resources that {quoted(text)} holds"
    if arn is None and here and text.startswith(SHORT_API):
        return f"{quoted(text)} of this API"
    if arn is None:
        return f"{quoted(text)} (not an ARN, so it matches nothing)"
    if arn.service == "s3" and not arn.region and not arn.account:
        return _of_s3(arn.resource, how)
    return _of_type(arn, text, how, targets)


def _of_s3(path: str, how: _Quantifier) -> str:
    bucket, slash, key = path.partition("/")
    if not slash:
        if path == "*":
            return f"{how.every} bucket {how.last} object"
        # `*` matches slashes, too: `data*` covers buckets and the objects in them.
        inside = " and the objects in them" if path.endswith("*") else ""
        return (
            f"bucket {quoted(path)}"
            if is_literal(path)
            else f"buckets that match {quoted(path)}{inside}"
        )
    place = f"{how.every} bucket" if bucket == "*" else f"bucket {quoted(bucket)}"
    if bucket != "*" and not is_literal(bucket):
        return f"{how.every} bucket and object that matches {quoted(path)}"
    if key == "*":
        return f"{how.every} object in {place}"
    under = key.removesuffix("*")
    if key != under and is_literal(under) and under:
        where = "under" if under.endswith("/") else "whose key starts with"
        return f"objects {where} {quoted(under)} in {place}"
    return (
        f"object {quoted(key)} in {place}"
        if is_literal(key)
        else f"objects that match {quoted(key)} in {place}"
    )


def _of_type(arn: Arn, text: str, how: _Quantifier, targets: Targets) -> str:
    """A resource of another service, with the name of its resource type in the reference."""
    found = targets.types(_without_placeholders(arn)) if is_literal(arn.service) else ()
    own = [type_ for type_ in found if type_.service == arn.service.lower()]
    names = list(dict.fromkeys(_noun(type_.name) for type_ in own))
    if not names or len(names) > _MOST_TYPES or not all(map(_is_plain, (arn.account, arn.region))):
        return quoted(text)
    label = "" if arn.service in _WITHOUT_LABEL else f"{arn.service} "
    noun = f"{label}{joined(names, last='or')}"
    heads = {_head(template) for row in own for template in row.arn_formats}
    head = next(
        (h for h in sorted(heads, key=len, reverse=True) if arn.resource.startswith(h)), ""
    )
    rest = arn.resource.removeprefix(head)
    if not rest:
        return quoted(text)
    if rest == "*":
        return f"{how.every} {noun}{_place(arn)}"
    if is_literal(rest):
        return f"{noun} {quoted(rest)}{_place(arn)}"
    return f"{how.every} {noun} that matches {quoted(rest)}{_place(arn)}"


def _noun(name: str) -> str:
    """The name of a resource type in a sentence: `Secret` is a secret, but `FlowLog` stays a name."""
    return name.lower() if name.istitle() else name


_WITHOUT_LABEL = frozenset({"iam"})


def _without_placeholders(arn: Arn) -> Arn:
    return Arn.of(without_variables(str(arn), "*")) or arn


def _head(template: str) -> str:
    form = Arn.of(template)
    return form.resource.partition("${")[0] if form else ""


def _is_plain(field: str) -> bool:
    return field in ("", "*") or is_literal(field)


def _place(arn: Arn) -> str:
    account = f" in account {_name(arn.account)}" if arn.account not in ("", "*") else ""
    region = f" in {_name(arn.region)}" if arn.region not in ("", "*") else ""
    every = " in any account" if arn.account == "*" else ""
    return f"{account}{every}{region}"


def _name(text: str) -> str:
    return text if text.replace("-", "").isalnum() and text.isascii() else quoted(text)
