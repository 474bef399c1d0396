"""What a change does with the inputs of each unit of Terragrunt whose module is a folder of the tree.

judged_units(document, baseline, then, now, changed)   →   ValueRuns(runs=[("live/prod/terragrunt.hcl", "the inputs of …", …)], judged={…})
"""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.root_names import below
from aws_iam.engine.sources.terraform.terragrunt import UNIT, Unit, unit_of
from aws_iam.escape import quoted
from aws_iam.tools.policy.review.feeding import terragrunt_files, variable_files
from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile
from aws_iam.tools.policy.review.value_runs import ValueRuns, compared_with_values

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.sources.files import Files

_VALUES = "inputs.tfvars.json"


def judged_units(
    document: Files,
    baseline: Files,
    then: Mapping[str, str],
    now: Mapping[str, str],
    changed: Collection[str],
) -> ValueRuns:
    """The units that were there before; one is left where what is not known of it changes."""
    found = ValueRuns()
    units: dict[str, Unit] = {}
    sides = ((document, now), (baseline, then))
    for path in sorted(own for own in now if posixpath.basename(own) == UNIT):
        new, old = (unit_of(path, _text_of(side, texts)) for side, texts in sides)
        if new is None or old is None or (new.module, new.unknown) != (old.module, old.unknown):
            continue
        read = new.files | old.files
        texts = {**then, **now}
        within = variable_files.modules_of(new.module, texts)
        is_concerned = any(own in changed for own in read) or variable_files.is_concerned(
            path, changed, within, texts
        )
        if not is_concerned or len(found.runs) >= variable_files.MOST:
            continue
        if compared := _compared(document, baseline, new, old, within):
            found.runs.append((path, f"the inputs of {quoted(path)}", compared))
            if new.deployment == old.deployment:
                units[path] = new
    for path in changed:
        if any(path in own.files for own in units.values()) and _is_judged(
            ChangedFile(path=path, was=then.get(path, ""), now=now.get(path, "")), now, units
        ):
            found.judged.add(path)
    return found


def _text_of(side: Files, texts: Mapping[str, str]) -> Callable[[str], str | None]:
    """The text of a file of the tree, by its path from the folder on."""

    def text_of(path: str) -> str | None:
        if path in texts:
            return texts[path]
        return side.read(posixpath.normpath(posixpath.join(side.folder, path)))

    return text_of


def _compared(
    document: Files, baseline: Files, new: Unit, old: Unit, within: Collection[str]
) -> ComparedDocuments | None:
    after, before = (
        variable_files.with_values(
            side,
            _VALUES,
            json.dumps({name: json.loads(value) for name, value in own.inputs.items()}),
            own.module,
            within,
        )
        for side, own in ((document, new), (baseline, old))
    )
    found = compared_with_values(after, before)
    if found is None:
        return None
    roots = {below(document.folder, own) for own in found.inputs[0].roots}
    return found if new.module in roots else None


def _is_judged(changed: ChangedFile, texts: Mapping[str, str], units: Mapping[str, Unit]) -> bool:
    """Whether every file of Terragrunt's that takes something from one is read by a unit that was compared."""
    read = {path for own in units.values() for path in own.files}
    readers = terragrunt_files.readers(changed, texts)
    return all(path in read for path in readers if path.endswith(".hcl"))
