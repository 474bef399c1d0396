"""`policy review`: what a change to code does to access, who gains it, and which problems are new."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact, NextCall, next_call, with_texts
from aws_iam.engine.comparison.compare import compare_documents
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.files import Files
from aws_iam.engine.sources.settings_file import path_from
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.rules.ignores import Ignores, Moved, ignores_of, is_muted_by_change
from aws_iam.rules.policy.run import source_findings, with_places
from aws_iam.tools.kit import policy_inputs
from aws_iam.tools.kit.tool import with_understood
from aws_iam.tools.policy.evaluate.compared_findings import compared_findings, urgency
from aws_iam.tools.policy.evaluate.relation_in_words import (
    relation_in_words,
    sentence,
    stopped_in_words,
)
from aws_iam.tools.policy.muting import with_ignores
from aws_iam.tools.policy.review.comment import comment
from aws_iam.tools.policy.review.empty_sides import NO_ACCESS, with_empty_side
from aws_iam.tools.policy.review.feeding import variable_files
from aws_iam.tools.policy.review.holder_files import HolderFiles
from aws_iam.tools.policy.review.likely_deployment import likely_deployment
from aws_iam.tools.policy.review.new_findings import new_findings
from aws_iam.tools.policy.review.not_judged import not_judged_of_change
from aws_iam.tools.policy.review.origins import origins
from aws_iam.tools.policy.review.reviewed import Reviewed
from aws_iam.tools.policy.review.tree_files import TreeFiles
from aws_iam.tools.policy.review.value_sets import judged_value_sets
from aws_iam.tools.policy.unified_diff import UNDERSTOOD as OF_DIFF
from aws_iam.tools.policy.unified_diff import sides_of
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_iam.answer import Finding
    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.tools.policy.review.value_sets import ValueSet
    from aws_iam.tools.policy.validate.report_file import Report

_SHOWN = 3


def review(document: Any, baseline: Any, base: str | None, report: Report | None) -> Answer:
    """The review of a document beside its baseline; `base` is what the baseline is called."""
    if baseline is None and (of_diff := sides_of(document)):
        before, after = of_diff
        return with_understood(review(after, before, base, report), [OF_DIFF])
    if document is None or baseline is None:
        missing = "to review" if document is None else "to review against"
        raise InputError(
            f"there is nothing {missing}",
            hint="give the policies after the change in `document` and before it in `baseline`",
        )
    empty = ""
    try:
        found = compare_documents(document, baseline, per_principal=True, partly=True)
    except InputError:
        sides = with_empty_side(document, baseline)
        if sides is None:
            raise
        document, baseline, empty = sides
        found = compare_documents(document, baseline, per_principal=True, partly=True)
    document, baseline, found, deployed = _where_deployed(document, baseline, found)
    places = origins(found)
    ignores = _ignores(document, baseline, found)
    values = judged_value_sets(document, baseline, found)
    found = found.without(values.told) if values.told else found
    # A policy that is gone has no problems.
    own_findings = () if document is NO_ACCESS else new_findings(found, places)
    new = (*own_findings, *(row for own in values.sets for row in own.added))
    judged = tuple((own, ignores.muted(added)) for own, added in new)
    files = HolderFiles.of(found)
    access = (
        *compared_findings(found, places.placed),
        *(finding for own in values.sets for finding in own.access),
    )
    open_ = not_judged_of_change(document, baseline, found, values)
    reviewed = Reviewed(
        base=base or "the baseline",
        found=found,
        places=places,
        access=ignores.muted(map(files.placed, sorted(access, key=urgency))),
        added=tuple(sorted((finding for _, own in judged for finding in own), key=urgency)),
        not_judged=tuple(map(files.row, open_.rows)),
        unread=open_.places,
        not_read=open_.files,
        read_in_part=open_.in_part,
        excluded=document.excluded if isinstance(document, Files) else (),
        newly_excluded=document.newly_excluded if isinstance(document, Files) else (),
        ignores_added=ignores.number_added,
        value_sets=values.sets,
        empty=empty,
        deployed=deployed,
        **_of_tree(document),
    )
    findings = tuple(sorted((*reviewed.access, *reviewed.added), key=urgency))
    facts = _facts(reviewed)
    match report.format if report else "":
        case "markdown":
            artifacts = [
                Artifact(name="review.md", language="markdown", content=comment(reviewed))
            ]
        case "json":
            content = json.dumps(facts, indent=2, ensure_ascii=False)
            artifacts = [Artifact(name="review.json", language="json", content=content)]
        case _:
            own = [(source, _reported(added)) for source, added in judged]
            # What is lost is no problem of the code.
            access = _reported(f for f in reviewed.access if f.code != "ACCESS_LOST")
            artifacts = [report.artifact(own, access, open_.places)] if report else []
    answer = Answer(
        summary=" ".join(_summary(reviewed)),
        findings=findings,
        artifacts=tuple(artifacts),
        facts=facts,
        sources=tuple(
            dict.fromkeys((EVALUATION_LOGIC, *(f.source for f in findings[:5] if f.source)))
        ),
        next=_next(reviewed, base),
        as_of=catalog().as_of,
    )
    return with_texts(with_ignores(answer, ignores), found.as_written)


def _where_deployed(
    document: Any, baseline: Any, found: ComparedDocuments
) -> tuple[Any, Any, ComparedDocuments, str]:
    """The sides as of the account and the region that the change shows, where less changes then, and what that takes for granted."""
    if not (isinstance(document, Files) and isinstance(baseline, Files)):
        return document, baseline, found, ""
    if not (found.gained or found.lost):
        return document, baseline, found, ""
    likely = likely_deployment(found, variable_files.texts_of(document))
    if likely is None:
        return document, baseline, found, ""
    new, old = likely.of(document), likely.of(baseline)
    again = compare_documents(new, old, per_principal=True, partly=True)
    if _changes(again) < _changes(found):
        return new, old, again, likely.says
    return document, baseline, found, ""


def _changes(found: ComparedDocuments) -> int:
    return sum(len(own.names) for own in (*found.gained, *found.lost)) + len(found.unjudged)


def _of_tree(document: Any) -> dict[str, Any]:
    """How the files of a work tree were chosen."""
    if not isinstance(document, TreeFiles):
        return {}
    return {name: getattr(document, name) for name in ("within", "outside", "not_parted")}


def _reported(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings for a report, in which what the change itself mutes stands as what it is."""
    return tuple(
        replace(
            own, muted=None, message=f"{own.message}; this change itself mutes it: {own.muted}"
        )
        if is_muted_by_change(own)
        else own
        for own in findings
    )


def _ignores(document: Any, baseline: Any, found: ComparedDocuments) -> Ignores:
    """The decisions of the document; of a change in a work tree it is known which of them it adds."""
    ignores = ignores_of(document)
    if isinstance(baseline, Files) and baseline.chosen:
        try:
            before = ignores_of(baseline)
        except InputError:
            # What was wrong before cannot be mended any more.
            before = Ignores()
        ignores.mark_added(before, _moved(document, found, ignores.folder))
    if ignores.own:
        # What was there before is no news, and not to be silent of it is what some of them are for.
        for source in found.written[0]:
            ignores.muted(
                finding
                for _, own in with_places(((source, source_findings(source)),))
                for finding in own
            )
    return ignores


def _moved(document: Any, found: ComparedDocuments, folder: str) -> Moved:
    """What the change renames: files from the folder of the settings on, policies and resources without their file."""
    parted = [(was.rpartition(" "), now.rpartition(" ")) for was, now in found.renamed]
    renamed = {was[0]: now[0] for was, now in parted if was[0] and was[0] != now[0]}
    if isinstance(document, TreeFiles):
        renamed |= document.renamed
    files = {path_from(folder, was): path_from(folder, now) for was, now in renamed.items()}
    return Moved(files, {was[2]: now[2] for was, now in parted if was[2] != now[2]})


def _summary(reviewed: Reviewed) -> Iterator[str]:
    found = reviewed.found
    if reviewed.is_quiet and found.comparison.relation == "equal":
        compared = counted(len(found.policies), "policy")
        paths = joined(list(map(quoted, reviewed.within)), shown=_SHOWN)
        within = f" in {paths}" if paths else ""
        yield f"The change gains and loses no access{within}, and adds no problem{within and ' there'}; {compared} compared with {reviewed.base}."
        yield from stopped_in_words(found)
        yield from map(_sentence, reviewed.limits)
        yield from _excluded(reviewed)
        return
    with_values = [own for own in reviewed.value_sets if own.access]
    read = "what the defaults make of " if with_values else ""
    said = " ".join(relation_in_words(found, "what was read of " if reviewed.not_judged else read))
    yield said
    yield from map(_with_values, with_values[:_SHOWN])
    if more := with_values[_SHOWN:]:
        yield f"Access changes with {counted(len(more), 'more set')} of values, too."
    added = [finding for finding in reviewed.added if finding.muted is None]
    if added:
        counts = Counter(str(finding.severity) for finding in added)
        severities = joined([f"{number} {severity}" for severity, number in counts.items()])
        yield f"{counted(len(added), 'new problem')} of `policy validate`: {severities}."
    else:
        unmuted = " and not muted" if reviewed.added else ""
        yield f"No problem of `policy validate` is new{unmuted}."
    if reviewed.not_judged:
        # What the relation says is unknown is not said twice.
        told = [own.says for own in found.unjudged if own.says in said]
        places = [row["place"] for row in reviewed.not_told_by(told) if row["why"] not in said]
        if places:
            yield f"Not judged: {joined(places, shown=_SHOWN)}."
    yield from map(_sentence, reviewed.limits)
    yield from _excluded(reviewed)


def _with_values(own: ValueSet) -> str:
    """What a set of values makes of the change."""
    worst = own.access[0]
    more = f", and {counted(len(own.access) - 1, 'more change')}" if len(own.access) > 1 else ""
    name = f"{quoted(worst.resource)}: " if worst.resource else ""
    says = worst.message or worst.reason or worst.title
    # It begins with the values.
    start = f"with {own.says}: "
    return f"With {own.says}: {name}{says.removeprefix(start)}{more}."


def _sentence(text: str) -> str:
    return f"{sentence(text)}."


def _excluded(reviewed: Reviewed) -> Iterator[str]:
    if reviewed.excluded:
        names = joined(list(map(quoted, reviewed.excluded)), shown=_SHOWN)
        yield f"The settings exclude what changes in {names}."
    if reviewed.newly_excluded:
        names = joined(list(map(quoted, reviewed.newly_excluded)), shown=_SHOWN)
        yield f"The change itself excludes {names}: judged all the same."


def _facts(reviewed: Reviewed) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "base": reviewed.base,
        "policies": list(reviewed.policies()),
        "policies_unchanged": reviewed.unchanged,
    }
    read = policy_inputs.input_facts(reviewed.found.inputs[0])
    if "variables_without_value" in read:
        facts["variables_without_value"] = read["variables_without_value"]
    if reviewed.not_judged:
        facts["not_judged"] = [dict(row) for row in reviewed.not_judged]
    if reviewed.muted_by_change:
        found = Counter(str(own.severity) for own in reviewed.muted_by_change)
        facts["muted_by_change"] = dict(found)
    if reviewed.ignores_added:
        facts["ignores_added"] = reviewed.ignores_added
    if reviewed.outside:
        facts["changed_files_outside"] = reviewed.outside
    if reviewed.not_read:
        facts["files_not_read"] = len(reviewed.not_read)
    if reviewed.read_in_part:
        facts["files_read_in_part"] = len(reviewed.read_in_part)
    for name in ("excluded", "newly_excluded"):
        if files := getattr(reviewed, name):
            facts[name] = list(files)
    return facts


def _next(reviewed: Reviewed, base: str | None) -> tuple[NextCall, ...]:
    # The sides of a work tree are not at hand for another call.
    if base or not reviewed.found.gained:
        return ()
    why = "the requests that show each difference"
    return (next_call("policy", "compare", why, ("document", "baseline")),)
