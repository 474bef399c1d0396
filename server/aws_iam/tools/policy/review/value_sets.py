"""What a change does with values that are told at deployment: `-var-file prod.tfvars`, each value of what chooses among entries.

judged_value_sets(document, baseline, found)   →   (ValueSet(path="prod.tfvars", found=…, …), …), with what it does beyond `found`
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aws_iam.engine.sources.files import Files
from aws_iam.escape import quoted
from aws_iam.tools.policy.evaluate.compared_findings import compared_findings
from aws_iam.tools.policy.review.choices import Choices
from aws_iam.tools.policy.review.feeding import helm_values, variable_files
from aws_iam.tools.policy.review.feeding.changed_file import ChangedFile
from aws_iam.tools.policy.review.feeding.variable_files import is_given
from aws_iam.tools.policy.review.new_findings import new_findings
from aws_iam.tools.policy.review.origins import Origins, origins
from aws_iam.tools.policy.review.stack_values import judged_stacks
from aws_iam.tools.policy.review.stage_values import judged_stages
from aws_iam.tools.policy.review.terragrunt_units import judged_units
from aws_iam.tools.policy.review.value_runs import compared_with_values, of_new_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aws_iam.answer import Finding, Where
    from aws_iam.engine.comparison.access_changes import AccessChange
    from aws_iam.engine.comparison.compare import ComparedDocuments
    from aws_iam.engine.comparison.compared_policy import ComparedPolicy
    from aws_iam.engine.comparison.sides.unjudged_changes import UnjudgedChange
    from aws_iam.engine.language.document import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSet:
    """Values, which have a file or none, and the comparison with those: only what the values make of the change."""

    says: str
    found: ComparedDocuments
    places: Origins
    access: tuple[Finding, ...]
    added: tuple[tuple[Source, tuple[Finding, ...]], ...]
    path: str = ""

    @property
    def rows(self) -> Iterator[Mapping[str, str]]:
        """What could not be compared, as rows of an answer."""
        for change in self.found.unjudged:
            if not change.is_told:
                row = change.row()
                yield {**row, "why": f"{_with(self.says)}{row['why']}"}

    @property
    def label(self) -> str:
        """The file of the values, or else what they are."""
        return self.path or self.says.replace("`", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedValueSets:
    """The sets that were judged, and the names of files that were not: they change, or policies made with them do.

    `told` are changes of the comparison without the values that these sets judge.
    """

    sets: tuple[ValueSet, ...] = ()
    judged: frozenset[str] = frozenset()
    told: frozenset[UnjudgedChange] = frozenset()
    too_many: tuple[str, ...] = ()


def judged_value_sets(
    document: object, baseline: object, found: ComparedDocuments
) -> JudgedValueSets:
    """What the change does with each set of values and not with those that Terraform reads by itself."""
    if not isinstance(document, Files) or not isinstance(baseline, Files):
        return JudgedValueSets()
    now, then = (variable_files.texts_of(side) for side in (document, baseline))
    texts = {**then, **now}
    others = {path for path in texts if then.get(path) != now.get(path)} | document.changed
    paths = [path for path in sorted(now) if variable_files.is_value_set(path)]
    # Those that change come first.
    paths.sort(key=lambda path: path not in others)
    known = _Known.of(found, document.folder)
    runs: list[tuple[str, str, ComparedDocuments]] = []
    judged: set[str] = set()
    too_many: list[str] = []
    for path in paths:
        changed = ChangedFile(path=path, was=then.get(path, ""), now=now[path])
        folders = variable_files.folders_with_variables(changed, now)
        for folder in sorted(folders):
            within = variable_files.modules_of(folder, texts)
            if not variable_files.is_concerned(path, others, within, texts):
                continue
            if len(judged) >= variable_files.MOST and path not in judged:
                too_many.append(path)
                break
            new, old = (
                variable_files.with_values(side, changed.path, text, folder, within)
                for side, text in ((document, changed.now), (baseline, changed.was))
            )
            compared = compared_with_values(new, old)
            if compared is None:
                judged.discard(path)
                break
            judged.add(path)
            compared = compared if changed.was else of_new_values(compared)
            runs.append((path, f"the values of {quoted(path)}", compared))
    runs = [own for own in runs if own[0] in judged]
    for judge in (judged_units, judged_stacks, judged_stages):
        own = judge(document, baseline, then, now, others)
        runs += own.runs
        judged |= own.judged
    for path in others & now.keys():
        changed = ChangedFile(path=path, was=then.get(path, ""), now=now[path])
        judged |= {path} if helm_values.is_filled_in(changed, now) else set()
    choices = Choices(document, baseline, found)
    told = choices.told([compared for _, _, compared in runs])
    return JudgedValueSets(
        sets=tuple(known.beyond(*own) for own in (*runs, *choices.runs)),
        judged=frozenset(judged),
        too_many=tuple(too_many),
        told=told,
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What the change does with the values that Terraform reads by itself."""

    found: ComparedDocuments
    places: Origins
    findings: frozenset[tuple[object, ...]]
    # With a slash at its end.
    folder: str

    @classmethod
    def of(cls, found: ComparedDocuments, folder: str) -> _Known:
        places = origins(found)
        own = compared_findings(found, places.placed)
        added = (finding for _, listed in new_findings(found, places) for finding in listed)
        start = "" if folder in {"", "."} else f"{folder.rstrip('/')}/"
        told = (*own, *added)
        known = frozenset(key for one in told for key in (_identity(one), _spot(one)))
        return cls(found, places, known, start)

    def beyond(self, path: str, says: str, found: ComparedDocuments) -> ValueSet:
        """What values make of it, those of a file if they have a path."""
        places = origins(found)
        unjudged = {(own.place, own.says) for own in self.found.unjudged}
        # Problems are judged beside all that is gained.
        added = tuple(
            (source, tuple(self._told(path, says, listed)))
            for source, listed in new_findings(found, places)
        )
        found = replace(
            found,
            policies=tuple(self._policy(own, places) for own in found.policies),
            unjudged=tuple(own for own in found.unjudged if (own.place, own.says) not in unjudged),
        )
        return ValueSet(
            path=path,
            says=says,
            found=found,
            places=places,
            access=tuple(self._told(path, says, compared_findings(found, places.placed))),
            added=tuple((source, listed) for source, listed in added if listed),
        )

    def _told(self, path: str, says: str, findings: Iterable[Finding]) -> Iterator[Finding]:
        start = _with(says)
        for own in findings:
            where = own.where
            if not {_identity(own), _spot(own)} & self.findings:
                yield replace(
                    own,
                    where=self._place(where, path),
                    message=own.message and f"{start}{own.message}",
                    reason=own.reason and f"{start}{own.reason}",
                )

    def _place(self, where: Where | None, path: str) -> Where | None:
        if where is None or not is_given(where.file):
            return where
        return replace(where, file=self.folder + path) if path else None

    def _policy(self, policy: ComparedPolicy, places: Origins) -> ComparedPolicy:
        found = self.found
        return replace(
            policy,
            gained=tuple(self._changes(policy.gained, found.gained, places)),
            lost=tuple(self._changes(policy.lost, found.lost, places)),
        )

    def _changes(
        self, own: Iterable[AccessChange], known: Iterable[AccessChange], places: Origins
    ) -> Iterator[AccessChange]:
        """The changes that no statement shows, as grave, with the values that Terraform reads by itself."""
        told: dict[tuple[object, ...], list[AccessChange]] = {}
        for change in known:
            told.setdefault(_statement(change, self.places), []).append(change)
        for change in own:
            alike = told.get(_statement(change, places), ())
            names = {
                name
                for other in alike
                if other.risk.severity.rank <= change.risk.severity.rank
                and _is_as_wide(other, change)
                for name in other.names
            }
            if not names.issuperset(change.names):
                yield change


def _statement(change: AccessChange, places: Origins) -> tuple[object, ...]:
    where = places.where(change)
    return where.file, where.line, where.column, change.is_allow, change.of_baseline


def _is_as_wide(known: AccessChange, change: AccessChange) -> bool:
    """Whether a change is to all the resources and principals of another one, and under no further condition."""
    return (
        ("*" in known.resources or set(change.resources) <= set(known.resources))
        and set(change.excluded) >= set(known.excluded)
        and set(change.principals) <= set(known.principals)
        and known.conditions in (None, change.conditions)
    )


def _identity(finding: Finding) -> tuple[object, ...]:
    text = finding.message or finding.reason
    return finding.code, finding.status, finding.resource, text


def _spot(finding: Finding) -> tuple[object, ...]:
    """Where a problem stands and what it says, by whichever policy; access that is gained is told of each."""
    where = finding.where
    if where is None or where.line is None or finding.code.startswith("ACCESS_"):
        return _identity(finding)
    return finding.code, where.file, where.line, where.column, finding.message or finding.reason


def _with(says: str) -> str:
    return f"with {says}: "
