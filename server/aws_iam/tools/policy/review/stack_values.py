"""What a change does with the parameters of a stack: each template that takes them is read with those of before and of now.

judged_stacks(document, baseline, then, now, changed)   →   ValueRuns(runs=[("prod.json", "the parameters of …", …)], judged={…})
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_iam.engine.comparison.compare import compare_documents
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.tools.policy.review.choices import alone
from aws_iam.tools.policy.review.feeding import stack_parameters, variable_files
from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile
from aws_iam.tools.policy.review.value_runs import ValueRuns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.sources.files import Files


def judged_stacks(
    document: Files,
    baseline: Files,
    then: Mapping[str, str],
    now: Mapping[str, str],
    changed: Collection[str],
) -> ValueRuns:
    """The files of parameters that change and were there before."""
    found = ValueRuns()
    paths = (
        own for own in changed if own in now and own in then and stack_parameters.may_feed(own)
    )
    for path in sorted(paths)[: variable_files.MOST]:
        own = ChangedFile(path=path, was=then[path], now=now[path])
        before, after = (
            stack_parameters.parameters(text, own.path) for text in (own.was, own.now)
        )
        templates = list(stack_parameters.readers(own, now))
        if before is None or after is None or not templates:
            continue
        runs = [
            _compared(document, baseline, template, before, after)
            if all(
                stack_parameters.is_decided(texts.get(template, ""), before, after)
                for texts in (then, now)
            )
            else None
            for template in templates
        ]
        known = [one for one in runs if one is not None]
        if len(known) == len(runs):
            found.runs += ((path, f"the parameters of {quoted(path)}", one) for one in known)
            found.judged.add(path)
    return found


def _compared(
    document: Files,
    baseline: Files,
    template: str,
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> ComparedDocuments | None:
    new, old = alone(document, template, after), alone(baseline, template, before)
    try:
        return compare_documents(new, old, per_principal=True, partly=True)
    except InputError:
        return None
