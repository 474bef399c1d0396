"""What changes beside the policies of larger files and decides about access: it is named, as not judged.

setting_changes(new, old)   →   "S3 Block Public Access at `B.PublicAccessBlockConfiguration` is removed", …
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.function_urls import open_policies, url_change
from aws_iam.engine.comparison.sides.policy_pairs import is_called
from aws_iam.engine.comparison.sides.public_buckets import list_changes, switched
from aws_iam.engine.comparison.sides.removed_limits import only_denies, removed_limit
from aws_iam.engine.comparison.sides.setting_values import values_of
from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
from aws_iam.engine.language.alternatives import other_alternatives
from aws_iam.engine.sources.containers.access_settings import subject_named
from aws_iam.engine.sources.containers.cloudformation_permissions import OF_PERMISSIONS
from aws_iam.escape import quoted
from aws_iam.wording import joined

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from aws_iam.engine.comparison.sides.renamed_policies import NamedSide
    from aws_iam.engine.sources.containers.access_settings import AccessSetting, SettingSubject

    _Settings = Mapping[str, tuple[AccessSetting, ...]]

_SHOWN = 5
_EVENT = "api_event"
_APIS, _NOBODY = ("api_authorization", _EVENT), "NONE"
_URL, _TARGET = "function_url", "TargetFunctionArn"
_CLOSED = "changed, from no authorization"
_OPENED = "{}, and asks for no authorization"
_COMPARED = "changed: its own policies were compared, not what those of resources grant it"
_ON, _OFF = "changed: it blocks more, ", "changed: it blocks less, "
_LATER = "changed, to what is known only at deployment"
_LESS = "Give the principal less, such as access to one namespace."


def setting_changes(
    new: NamedSide, old: NamedSide, told: Container[str], policy: str | None = None
) -> Iterator[UnjudgedChange]:
    """The settings that are on one side only, or have other values there: one change for what changes alike.

    The policies `told` are those by which everyone gains or loses calls of a URL: what that URL says is said with them.
    """
    alike: dict[tuple[SettingSubject, str], list[AccessSetting]] = {}
    before = {own.place: own for own in old.settings}
    admins_before = {admin for own in old.settings for admin in own.admins}
    for setting, change in _changes(new, old):
        if not is_called(setting.place, policy) or any(
            own in told for own in _url_policies(setting, new, old)
        ):
            continue
        former = before.get(setting.place)
        plain = _plain_changes(setting, former, change, new, admins_before)
        if plain is not None:
            yield from plain
        else:
            own = _switched(setting, former) if former and change == "changed" else ""
            own = own or (_COMPARED if setting.is_compared and not setting.memberships else "")
            alike.setdefault((setting.subject, own or change), []).append(setting)
    for (subject, change), settings in alike.items():
        yield _changed_alike(subject, change, settings, new)


def _plain_changes(
    setting: AccessSetting,
    former: AccessSetting | None,
    change: str,
    new: NamedSide,
    admins_before: set[str],
) -> tuple[UnjudgedChange, ...] | None:
    """What a changed setting plainly does, which may be nothing; None where that is not known."""
    if setting.subject == subject_named(_URL) and (
        url := url_change(setting, former, change, new)
    ):
        return (url,)
    if setting.memberships and setting.is_compared and (not former or former.is_compared):
        return ()
    if (of_list := list_changes(setting, former, change, new)) is not None:
        return of_list
    now = None if change == "removed" else setting
    if limit := removed_limit(former, now, new) if former and change != _LATER else None:
        return (
            UnjudgedChange(
                place=setting.place,
                says=limit.says,
                widens=True,
                narrows=False,
                source=setting.subject.source,
                is_certain=True,
                limit=limit.what,
            ),
        )
    admins = setting.admins - admins_before
    return (_administered(setting, admins, change),) if admins else None


def _changed_alike(
    subject: SettingSubject, change: str, settings: Sequence[AccessSetting], new: NamedSide
) -> UnjudgedChange:
    """One change for settings of which it is not known what they do, and that change alike."""
    places = [setting.place for setting in settings]
    listed = joined([quoted(place) for place in places], shown=_SHOWN)
    verb = "is" if len(places) == 1 else "are"
    return UnjudgedChange(
        place=joined(places, shown=_SHOWN),
        says=f"{listed} ({subject.what}) {verb} {change}",
        widens=change != _CLOSED
        and not change.startswith(_ON)
        and not (change == "added" and (subject.limits or _only_limit(settings, new))),
        narrows=True,
        source=subject.source,
        is_setting=True,
        where=settings[0].where if change != "removed" else None,
    )


def _switched(setting: AccessSetting, before: AccessSetting) -> str:
    """How Block Public Access changes."""
    found = switched(setting, before)
    if found is None or not (found.off or found.on):
        return ""
    names, way = (found.off, "off") if found.off else (found.on, "on")
    verb = "is" if len(names) == 1 else "are"
    listed = joined(list(map(quoted, names)))
    return f"{_OFF if found.off else _ON}{listed} {verb} {way} now"


def _only_limit(settings: Iterable[AccessSetting], new: NamedSide) -> bool:
    """Whether all attach policies of an organization that do nothing but deny."""
    return all(only_denies(setting, new) for setting in settings)


def _administered(setting: AccessSetting, admins: Iterable[str], change: str) -> UnjudgedChange:
    """Whoever is an administrator of a cluster may do all in it, and gets the roles of its workloads."""
    listed = joined(list(map(quoted, sorted(admins))), shown=_SHOWN)
    # A list of many principals is no resource.
    may_do_more = change != "added" and not setting.is_resource
    beyond = "; what else changes there was not judged" if may_do_more else ""
    says = f"{quoted(setting.place)} makes {listed} administrator of an EKS cluster{beyond}"
    return UnjudgedChange.gain_of(setting, says, "administrator of a cluster", _LESS)


def _changes(new: NamedSide, old: NamedSide) -> Iterator[tuple[AccessSetting, str]]:
    mine, theirs = _by_place(new), _by_place(old)
    added = {place: own for place, own in mine.items() if place not in theirs}
    removed = {place: own for place, own in theirs.items() if place not in mine}
    for place, own in mine.items():
        if place in theirs and _values(own) != _values(theirs[place]):
            is_known = all(setting.is_known for setting in own) or _differ_plainly(
                own, theirs[place]
            )
            yield own[0], _how_changed(own, theirs[place], is_known=is_known)
        elif place in theirs and _others_change(own, theirs[place]):
            yield own[0], _LATER
    for change, settings, other in (("added", added, old), ("removed", removed, new)):
        renamed = _contents(added) & _contents(removed)
        for own in settings.values():
            if _is_moved(own, renamed):
                continue
            if change == "added" and own[0].is_open:
                yield own[0], _OPENED.format(change)
            elif not _comes_with(own[0], other):
                yield own[0], change


def _how_changed(
    own: Sequence[AccessSetting], before: Sequence[AccessSetting], *, is_known: bool
) -> str:
    if _was_open(own[0], before[0]):
        return _CLOSED
    if own[0].is_open and not before[0].is_open:
        return _OPENED.format("changed")
    return "changed" if is_known else _LATER


def _url_policies(setting: AccessSetting, new: NamedSide, old: NamedSide) -> Iterator[str]:
    """The names that the permissions of the function have, if the setting is a function URL."""
    if setting.subject != subject_named(_URL):
        return
    yield from (name for side in (new, old) for name in open_policies(setting, side))
    start = setting.holder.rpartition(" ")[0]
    target = json.loads(setting.value)[_TARGET] if f'"{_TARGET}"' in setting.value else ""
    function = f"{start} {target.rpartition(':')[2]}".strip()
    for name in (setting.holder, setting.place, function):
        yield f"{name}{OF_PERMISSIONS}"


def _by_place(side: NamedSide) -> _Settings:
    found: dict[str, tuple[AccessSetting, ...]] = {}
    for own in side.settings:
        found[own.place] = (*found.get(own.place, ()), own)
    return found


def _values(settings: tuple[AccessSetting, ...]) -> frozenset[str]:
    return frozenset(own.value for own in settings)


def _was_open(setting: AccessSetting, before: AccessSetting) -> bool:
    """Whether it is about an API that nobody had to be authorized for before."""
    if setting.subject not in map(subject_named, _APIS):
        return False
    if before.is_open and not setting.is_open:
        return True
    parts: dict[str, str] = json.loads(before.value) if before.value.endswith("}") else {}
    return any(own.upper() == _NOBODY for own in parts.values())


def _differ_plainly(own: Sequence[AccessSetting], before: Sequence[AccessSetting]) -> bool:
    """Whether the arguments that are others than before are known, though some of the same ones are not."""
    if len(own) > 1 or len(before) > 1 or own[0].alternatives or before[0].alternatives:
        return False
    now, then = values_of(own[0]), values_of(before[0])
    if not (now and then):
        # One that may not be there has no plain value.
        return False
    changed = [name for name in {**then, **now} if now.get(name) != then.get(name)]
    said = [side.get(name, "") for name in changed for side in (now, then)]
    return bool(changed) and not any("${" in text for text in said)


def _others_change(own: Sequence[AccessSetting], before: Sequence[AccessSetting]) -> bool:
    """Whether what the values may be instead, such as by the entry of a map that is chosen later, is something else."""
    now, then = (
        [alternative for setting in side for alternative in setting.alternatives]
        for side in (own, before)
    )
    return bool(other_alternatives(now, then))


def _contents(settings: _Settings) -> Counter[tuple[object, ...]]:
    return Counter(_content(own) for own in settings.values() if _may_have_any_name(own[0]))


def _may_have_any_name(setting: AccessSetting) -> bool:
    """Whether its name says nothing: of a resource of its own, and of an event of a function."""
    return setting.is_resource or setting.subject == subject_named(_EVENT)


def _content(settings: tuple[AccessSetting, ...]) -> tuple[object, ...]:
    own = settings[0]
    return own.subject, own.is_open, "" if own.is_resource else own.holder, _values(settings)


def _is_moved(settings: tuple[AccessSetting, ...], renamed: Counter[tuple[object, ...]]) -> bool:
    """Whether the same resource is on the other side under another name, which counts once."""
    content = _content(settings)
    if not _may_have_any_name(settings[0]) or not renamed[content]:
        return False
    renamed[content] -= 1
    return True


def _comes_with(setting: AccessSetting, other: NamedSide) -> bool:
    """Whether it comes or goes with its resource and says nothing by itself about the access of others."""
    if setting.is_computed:
        return True
    if setting.only_changed:
        return setting.holder not in other.resources
    return (
        setting.subject.limits
        and not setting.is_resource
        and setting.holder not in other.resources
    )
