"""What a change does with the parameters of a stack: each template that takes them is read with those of before and of now.

judged_stacks(document, baseline, then, now, changed)   →   ValueRuns(runs=[("prod.json", "the parameters of …", …)], judged={…})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aws_iam.escape import quoted
from aws_iam.tools.policy.review.choices import alone
from aws_iam.tools.policy.review.feeding import stack_parameters, variable_files
from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile
from aws_iam.tools.policy.review.value_runs import ValueRuns, compared_with_values, of_new_values

if TYPE_CHECKING:
    from collections.abc import Collection

    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.sources.files import Files


def judged_stacks(
    document: Files,
    baseline: Files,
    then: Mapping[str, str],
    now: Mapping[str, str],
    changed: Collection[str],
) -> ValueRuns:
    """The files of parameters that change or are new; a new stack is compared with the defaults of its template."""
    found = ValueRuns()
    paths = (own for own in changed if own in now and stack_parameters.may_feed(own))
    for path in sorted(paths)[: variable_files.MOST]:
        own = ChangedFile(path=path, was=then.get(path, ""), now=now[path])
        templates = list(dict.fromkeys(stack_parameters.readers(own, now)))
        if not templates:
            continue
        stacks = _changed_stacks(own)
        runs = [
            (f"the parameters of {_called(name, path)}", template, sides)
            for name, sides in stacks.items()
            for template in templates
        ]
        compared = [
            (says, _judged(document, baseline, template, sides, (then, now)))
            for says, template, sides in runs
        ]
        known = [(path, says, one) for says, one in compared if one is not None]
        if len(known) == len(runs):
            found.runs += known
            found.judged.add(path)
    return found


_Parameters = Mapping[str, str] | None


def _changed_stacks(changed: ChangedFile) -> Mapping[str, tuple[_Parameters, _Parameters]]:
    """The parameters of each stack before and after, where they are not the same."""
    was, now = (stack_parameters.stacks(text, changed.path) for text in (changed.was, changed.now))
    sides = {name: (was.get(name, {}), own) for name, own in now.items()}
    return {name: own for name, own in sides.items() if own[0] != own[1] or None in own}


def _called(name: str, path: str) -> str:
    return f"{quoted(name)} in {quoted(path)}" if name else quoted(path)


def _judged(
    document: Files,
    baseline: Files,
    template: str,
    sides: tuple[_Parameters, _Parameters],
    texts: tuple[Mapping[str, str], Mapping[str, str]],
) -> ComparedDocuments | None:
    """The comparison with the parameters; None where they do not decide the template."""
    before, after = sides
    if before is None or after is None:
        return None
    if not all(stack_parameters.is_decided(own.get(template, ""), before, after) for own in texts):
        return None
    new, old = alone(document, template, after), alone(baseline, template, before)
    found = compared_with_values(new, old)
    return found if found is None or before else of_new_values(found)
