"""`policy test`: cases of requests with the decisions that are expected of policies, and what is decided otherwise."""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact, Finding, NextCall, Severity, Status, next_call
from aws_iam.engine.evaluation.decision_flow import EVALUATION_LOGIC
from aws_iam.engine.parsing.json_nodes import Form, Node
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.files import Files
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.report.cases_report import CasesReport, ReportedCase
from aws_iam.report.catalogue import report_formats
from aws_iam.report.order import by_urgency
from aws_iam.tools.kit import policy_inputs
from aws_iam.tools.kit.policy_layers import by_layer, layer_named
from aws_iam.tools.kit.tool import UNDERSTOOD
from aws_iam.tools.policy.cases.asked_policies import AskedPolicies, PolicyReader
from aws_iam.tools.policy.cases.case_layers import CaseLayers
from aws_iam.tools.policy.cases.cases_file import CasesFile, all_cases, at_place, cases_files
from aws_iam.tools.policy.cases.judged_case import JudgedCase, judged_case
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.engine.sources.gathered import Unread
    from aws_iam.tools.policy.cases.cases_file import Case

FAILED = "POLICY_TEST_FAILED"
WEAK = "POLICY_TEST_PROVES_LITTLE"
OPEN = "POLICY_TEST_LEAVES_OPEN"
_MOST_NAMED = 3
_MOST_REPAIRED = 5
_LIMITS = frozenset({"scp", "rcp", "boundary", "session"})


def run_cases(
    cases: Any,
    document: Any = None,
    policies: Any = None,
    policy: str | None = None,
    format_: str | None = None,
) -> Answer:
    """Decide the requests of every case, and say which are decided otherwise than expected."""
    files = cases_files(cases)
    layers, understood = by_layer(policies)
    reader = PolicyReader(cases if isinstance(cases, Files) else None)
    given = reader.of_arguments(document, layers, policy)
    run = _Run(reader=reader, given=given, has_document=document is not None)
    judged = tuple(run.judged(file, case) for file, case in all_cases(files))
    findings = by_urgency(finding for own in judged for finding in _findings(own))
    failed = [own for own in judged if not own.passes]
    notes = [
        *understood.get(UNDERSTOOD, ()),
        *run.notes,
        *dict.fromkeys(word for own in judged for word in own.case.understood),
    ]
    rows = policy_inputs.grouped_rows(run.not_judged)
    unread = {own.file for own in run.not_judged if own.place == own.file}
    summary = " ".join(_summary(judged, tuple(run.not_judged)))
    return Answer(
        summary=summary,
        findings=findings,
        artifacts=(_report(summary, judged, format_),) if format_ else (),
        facts={
            **({UNDERSTOOD: notes} if notes else {}),
            "passed": len(judged) - len(failed),
            "failed": len(failed),
            "cases": [_row(own) for own in judged],
            **({"files_not_read": len(unread)} if unread else {}),
            **({"not_judged": rows} if rows else {}),
            **policy_inputs.managed_policy_facts(run.policy_names),
        },
        sources=(EVALUATION_LOGIC,),
        next=tuple(_next(failed, given, files, document, policies)),
        as_of=catalog().as_of,
    )


class _Run:
    """The policies of each case, read and placed once for all cases that ask the same."""

    def __init__(self, *, reader: PolicyReader, given: AskedPolicies, has_document: bool) -> None:
        self.not_judged: dict[Unread, None] = {}
        self.policy_names: dict[str, None] = {}
        self.notes: dict[str, None] = {}
        self._reader = reader
        self._given = given
        self._has_document = has_document
        self._layers: dict[tuple[int, int], tuple[AskedPolicies, CaseLayers]] = {}
        self._read: dict[int, tuple[Mapping[str, Node], AskedPolicies]] = {}
        self._of_files: dict[str, AskedPolicies] = {}

    def judged(self, file: CasesFile, case: Case) -> JudgedCase:
        """The case, decided by its policies."""
        common = self._common(file)
        own = self._of(case.policies, file.name, f"{at_place(case.where)}: ")
        key = (id(common), id(own))
        if key not in self._layers:
            both = common.under(own)
            if not both.layers:
                raise InputError(
                    f"{at_place(case.where)}: the case {quoted(case.name)} has no policy to ask",
                    hint="give `document` or `policies`, in the call, in the file of cases or in the case",
                )
            self._layers[key] = (own, CaseLayers.of(both))
            self.not_judged |= dict.fromkeys(both.not_judged)
            if both.layers <= _LIMITS:
                shown = joined([f"`{layer}`" for layer in sorted(both.layers)])
                self.notes[
                    f"policies of the layer {shown} alone, which allow nothing by themselves"
                ] = None
            self.policy_names |= dict.fromkeys(asked.source.name for asked in both.policies)
        return judged_case(case, self._layers[key][1])

    def _common(self, file: CasesFile) -> AskedPolicies:
        """The policies of a file for all its cases, with those of the call in the place of the same layers."""
        if file.name not in self._of_files:
            own, replaced = self._beside_those_given(file)
            self._of_files[file.name] = own.under(self._given)
            if replaced:
                shown = joined([f"`{layer}`" for layer in sorted(replaced)])
                self.notes[
                    f"the policies of the call for the layer {shown}, in the place of those at the top of the file of cases"
                ] = None
        return self._of_files[file.name]

    def _beside_those_given(self, file: CasesFile) -> tuple[AskedPolicies, frozenset[str]]:
        """The policies of a file, and which of their layers the call has: nobody needs to be able to read those."""
        given = self._given.layers
        fields = dict(file.policies)
        listed = fields["policies"].members if "policies" in fields else ()
        dropped = [own for own in listed if layer_named(own.key) in given]
        if dropped:
            kept = tuple(own for own in listed if own not in dropped)
            fields["policies"] = Node(Form.OBJECT, fields["policies"].at, members=kept)
        layers = given & {layer_named(own.key) for own in dropped}
        try:
            own = self._of(fields, file.name, "")
        except InputError:
            if not self._has_document or "document" not in fields:
                raise
            self.notes[
                "the `document` of the file of cases, which cannot be read, as replaced by that of the call"
            ] = None
            kept_names = ("policies", "values") if "policies" in fields else ()
            rest = {name: node for name, node in fields.items() if name in kept_names}
            return self._of(rest, file.name, ""), layers
        return own, frozenset(layers | (given & own.layers))

    def _of(self, fields: Mapping[str, Node], file: str, place: str) -> AskedPolicies:
        if not fields:
            return _NOTHING
        if id(fields) not in self._read:
            try:
                found = self._reader.of_fields(fields, file)
            except InputError as error:
                begin = place or (f"{quoted(file)}: " if file else "")
                raise InputError(f"{begin}{error.message}", hint=error.hint) from None
            # The fields are kept, so that no others get their identity.
            self._read[id(fields)] = (fields, found)
        return self._read[id(fields)][1]


_NOTHING = AskedPolicies()


def _summary(judged: Sequence[JudgedCase], not_judged: Sequence[Unread]) -> Iterator[str]:
    failed = [own.case.name for own in judged if not own.passes]
    passing = [own for own in judged if own.passes]
    if failed:
        names = joined([quoted(name) for name in failed], shown=_MOST_NAMED)
        verb = "is" if len(failed) == 1 else "are"
        yield (
            f"{len(failed):,} of {counted(len(judged), 'case')} {verb} decided otherwise than expected:"
            f" {names}."
        )
    elif len(judged) == 1:
        yield "The case is decided as expected."
    else:
        yield f"All {counted(len(judged), 'case')} are decided as expected."
    if weak := [own.case.name for own in passing if own.weak]:
        names = joined([quoted(name) for name in weak], shown=_MOST_NAMED)
        yield (
            f"{counted(len(weak), 'passing case')} {_proves(weak)} little, because no such request exists or part of"
            f" what decides it is missing: {names}."
        )
    if hanging := [own for own in passing if own.hangs_on]:
        keys = dict.fromkeys(quoted(key) for own in hanging for key in own.hangs_on)
        verb = "passes" if len(hanging) == 1 else "pass"
        yield (
            f"{counted(len(hanging), 'case')} {verb} with a request that leaves open"
            f" {joined(list(keys), shown=_MOST_NAMED)}, on which the decision depends."
        )
    by_default = [own for own in not_judged if own.why.startswith(policy_inputs.BY_DEFAULT)]
    if by_default:
        yield policy_inputs.by_default_note(by_default)
    if unread := len(not_judged) - len(by_default):
        yield f"{counted(unread, 'place')} beside the policies could not be read."


def _proves(names: Sequence[str]) -> str:
    return "proves" if len(names) == 1 else "prove"


def _findings(own: JudgedCase) -> Iterator[Finding]:
    case = own.case
    if not own.passes:
        says = [own.says]
        if own.decided:
            says.append(f"Decided by {joined(list(own.decided), shown=_MOST_NAMED)}.")
        if own.hangs_on:
            keys = joined([quoted(key) for key in own.hangs_on])
            says.append(f"The request lacks {keys}, on which this depends.")
        says += [
            f"{why[:1].upper()}{why[1:]}{'' if why.endswith('?') else '.'}" for why in own.weak
        ]
        but = "" if own.differs == own.decision.outcome else f", but {own.differs}"
        yield Finding(
            code=FAILED,
            title="The policies decide otherwise than the case expects",
            severity=Severity.HIGH,
            status=Status.FAIL,
            message=f"case {quoted(case.name)}: expected {case.expected}{but}. {' '.join(says).removesuffix('.')}",
            where=case.where,
            fix=_fix(own),
            source=EVALUATION_LOGIC,
        )
        return
    if own.weak:
        yield Finding(
            code=WEAK,
            title="The case passes, but proves little",
            severity=Severity.MEDIUM,
            status=Status.FAIL,
            message=f"case {quoted(case.name)}: {'; '.join(own.weak)}",
            where=case.where,
            fix="Correct the request, or give the policy that is missing: it would pass whatever the policies say of the right one.",
        )
    if own.hangs_on:
        keys = joined([quoted(key) for key in own.hangs_on])
        yield Finding(
            code=OPEN,
            title="The case passes for want of a context key",
            severity=Severity.INFO,
            status=Status.FAIL,
            message=f"case {quoted(case.name)}: with another value of {keys} it would be decided otherwise",
            where=case.where,
            fix=f"Give the key in `context`; or expect it to be missing: {{outcome: {case.expected.outcome or own.decision.outcome}, missing_keys: [{', '.join(own.hangs_on)}]}}.",
        )


def _fix(own: JudgedCase) -> str:
    """What to look at: the policy, or the case if the decision is meant."""
    decision = own.decision
    if decision.outcome == "Unknown":
        return "Give what is known only at deployment beside the document, values: {NAME: VALUE}; or expect Unknown."
    blocking = [layer for layer in decision.blocked_by if layer in {"scp", "rcp"}]
    if decision.outcome == "ImplicitlyDenied" and blocking:
        return (
            f"Every level of {joined(blocking)} must allow: give what is attached beside it as well,"
            f" such as {blocking[0]}: [[FullAWSAccess, FILE]]."
        )
    return "Change the policy; or the case, if the decision is what you want."


def _row(own: JudgedCase) -> dict[str, Any]:
    decision = own.decision
    row = {
        "name": own.case.name,
        "result": "pass" if own.passes else "fail",
        "expected": str(own.case.expected),
        "decided": decision.outcome,
        "by": _by(own),
    }
    if len(own.case.requests) > 1:
        row["requests"] = str(len(own.case.requests))
    return row


def _by(own: JudgedCase) -> str:
    """The statements that decided, or the layers that allow nothing, or why it is not known."""
    if own.decision.outcome == "Unknown":
        return own.evaluation.reason
    layers = ", ".join(f"nothing in {layer}" for layer in own.decision.blocked_by)
    return joined(list(own.decided), shown=_MOST_NAMED) or layers or own.evaluation.reason


def _report(summary: str, judged: Sequence[JudgedCase], format_: str) -> Artifact:
    report = CasesReport(
        summary=summary,
        cases=tuple(
            ReportedCase(
                name=own.case.name,
                file=own.case.where.file or "",
                request=f"{own.request.action} on {own.request.resource}",
                expected=str(own.case.expected),
                decided=own.decision.outcome,
                by=_by(own),
                findings=tuple(_findings(own)),
            )
            for own in judged
        ),
    )
    chosen = report_formats()[format_]
    if chosen.cases is None:
        message = f"the format {chosen.name} holds no cases"
        raise ValueError(message)
    return Artifact(
        name=f"aws-iam{chosen.ending}", language=chosen.language, content=chosen.cases(report)
    )


def _common_file(files: Sequence[CasesFile]) -> str:
    """The one policy in JSON that all cases ask, as the command line names it; empty where there are several, or a part of one."""
    found = {
        os.path.normpath(os.path.join(os.path.dirname(own.name), node.text))  # noqa: PTH118, PTH120 - as it was typed
        for own in files
        if (node := own.policies.get("document")) and own.policies.keys() == {"document"}
        if node.string() and own.name and node.text.endswith(".json")
    }
    return found.pop() if len(found) == 1 and len(files) == 1 else ""


def _next(
    failed: Sequence[JudgedCase],
    given: AskedPolicies,
    files: Sequence[CasesFile],
    document: Any,
    policies: Any,
) -> Iterator[NextCall]:
    """The edit that the failing requests need, or the first of them by itself, where its policies can be given again."""
    if not failed:
        return
    own = failed[0]
    repaired = [
        f
        for f in failed
        if f.case.expected.outcome and not f.case.policies and f.decision.outcome != "Unknown"
    ]
    file = "" if given.layers else _common_file(files)
    named = {"document": file} if file else {}
    if (document is not None or file) and policies is None and repaired:
        asked: dict[str, list[dict[str, Any]]] = {}
        for one in repaired[:_MOST_REPAIRED]:
            name = "allow" if one.case.expected.outcome == "Allowed" else "deny"
            asked.setdefault(name, []).append(dict(one.request.given))
        why = "the smallest edit of the policy after which these requests are decided as expected"
        yield next_call("policy", "repair", why, ("document",), **asked, **named)
    if policies is not None and given.layers and not own.case.policies:
        why = "the first failing request by itself, with all keys that it depends on"
        yield next_call("policy", "evaluate", why, ("policies",), request=dict(own.request.given))
    why = "the resource types and condition keys of the first failing request's action"
    yield next_call("policy", "lookup", why, query=own.request.action)
