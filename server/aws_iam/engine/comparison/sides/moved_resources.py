"""Resources that have another address than in the baseline, as the file says, or as their name in AWS shows, or their own part of it.

moved_now(added, gone, roots)       →   {"aws_iam_role.a": "aws_iam_role.b"}
moved_elsewhere(added, gone, roots) →   {"aws_iam_role.a": "module.m.aws_iam_role.a"}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.root_names import module_of, root_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aws_iam.engine.sources.containers.policy_places import FoundResource

    Resources = Mapping[str, FoundResource]

_FIRST = "[0]"


def moved_now(added: Resources, gone: Resources, roots: Collection[str]) -> Mapping[str, str]:
    """The addresses now of resources that are gone from where they were; `roots` are the folders that Terraform runs in."""
    declared = _declared(added, gone)
    left = {name: own for name, own in added.items() if name not in declared.values()}
    others = {name: own for name, own in gone.items() if name not in declared}
    return {**_same_names(left, others, roots), **declared}


def moved_elsewhere(
    added: Resources, gone: Resources, roots: Collection[str]
) -> Mapping[str, str]:
    """The addresses now of resources that went into a module, out of it, or to another file, whatever was changed in them.

    They alone have this label or logical id on both sides, in one root folder of Terraform. Where AWS knows both by their
    names, they have to be the same one.
    """
    now, was = (_by_label(own, roots) for own in (added, gone))
    found = {
        names[0]: now[label][0]
        for label, names in was.items()
        if len(names) == len(now.get(label, ())) == 1
    }
    return {
        former: name
        for former, name in found.items()
        if not gone[former].own_name
        or gone[former].own_name == (added[name].own_name or gone[former].own_name)
    }


def _by_label(resources: Resources, roots: Collection[str]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for name in resources:
        root, address = root_of(name, roots)
        # Of what is not Terraform the file stands before the logical id.
        label = address.removeprefix(module_of(address)).rpartition(" ")[2]
        found.setdefault((root, label), []).append(name)
    return found


def _declared(added: Resources, gone: Resources) -> dict[str, str]:
    """What `moved` blocks say, of resources that were there; with `count` and without it is the same address."""
    plain = {name.replace(_FIRST, ""): name for name in gone}
    found: dict[str, str] = {}
    for name in sorted(added):
        for former in added[name].formerly:
            was = plain.get(former.replace(_FIRST, ""))
            if was is not None and was not in found:
                found[was] = name
                break
    return found


def _same_names(added: Resources, gone: Resources, roots: Collection[str]) -> dict[str, str]:
    """The resources of a type that alone have a name, of Terraform in one root folder: another one is another deployment."""
    now, was = (_by_own_name(own, roots) for own in (added, gone))
    return {
        names[0]: now[own][0]
        for own, names in was.items()
        if len(names) == len(now.get(own, ())) == 1
    }


def _by_own_name(resources: Resources, roots: Collection[str]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for name, own in resources.items():
        if own.own_name:
            found.setdefault((root_of(name, roots)[0], own.own_name), []).append(name)
    return found
