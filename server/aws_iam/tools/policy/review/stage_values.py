"""What a change of a file does that one stage of the Serverless Framework takes: `${file(./config.${opt:stage}.yml)}`.

judged_stages(document, baseline, then, now, changed)   →   ValueRuns(runs=[("config.prod.yml", "`opt:stage` = `prod`", …)], judged={…})
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.sides.root_names import below
from aws_iam.escape import quoted
from aws_iam.tools.policy.review.choices import alone
from aws_iam.tools.policy.review.feeding import serverless_files, variable_files
from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile
from aws_iam.tools.policy.review.value_runs import ValueRuns, compared_with_values

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.sources.files import Files

_STAGE = "opt:stage"


def judged_stages(
    document: Files,
    baseline: Files,
    then: Mapping[str, str],
    now: Mapping[str, str],
    changed: Collection[str],
) -> ValueRuns:
    """The files of stages that change or are new: what takes one is read as that stage has it."""
    found = ValueRuns()
    paths = (own for own in changed if own in now and serverless_files.may_feed(own))
    for path in sorted(paths)[: variable_files.MOST]:
        own = ChangedFile(path=path, was=then.get(path, ""), now=now[path])
        runs: list[tuple[str, str, ComparedDocuments]] = []
        readers = list(serverless_files.readers(own, now))
        for reader in readers:
            stage = serverless_files.stage_of(path, now[reader], reader)
            sides = (alone(side, reader, {_STAGE: stage}) for side in (document, baseline))
            compared = compared_with_values(*sides) if stage else None
            if compared and _is_read(path, document, compared):
                runs.append((path, f"{quoted(_STAGE)} = {quoted(stage)}", compared))
        if runs and len(runs) == len(readers):
            found.runs += runs
            found.judged.add(path)
    return found


def _is_read(path: str, document: Files, compared: ComparedDocuments) -> bool:
    """Whether the file was read after the change."""
    return path in {below(document.folder, own) for own in compared.inputs[0].read_files}
