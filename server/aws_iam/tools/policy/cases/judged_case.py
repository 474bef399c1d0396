"""A case with the decisions on its requests: whether they are as expected, and whether that proves anything."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from aws_iam.engine.comparison.misspelt_names import is_misspelt_key
from aws_iam.engine.evaluation.conditions import moment, network, number, truth
from aws_iam.engine.evaluation.missing_keys import outcomes_of_missing_keys
from aws_iam.engine.evaluation.request import request_of
from aws_iam.engine.language.pattern import is_literal, matches
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.named_policies import FULL_ACCESS
from aws_iam.errors import InputError
from aws_iam.escape import quoted
from aws_iam.frozen import slotted
from aws_iam.tools.policy.cases.cases_file import at_place
from aws_iam.tools.policy.cases.expectation import DENIED
from aws_iam.tools.policy.evaluate import notes as evaluate_notes
from aws_iam.tools.policy.evaluate.evaluate import decision_in_words, reference_notes
from aws_iam.tools.policy.evaluate.unnamed_caller import refuse_if_looked_at, with_caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from aws_iam.answer import Decision
    from aws_iam.engine.evaluation.evaluate import Evaluation
    from aws_iam.engine.evaluation.layers import PlacedPolicy
    from aws_iam.engine.evaluation.request import Request
    from aws_iam.engine.language.document import Statement
    from aws_iam.tools.policy.cases.case_layers import CaseLayers
    from aws_iam.tools.policy.cases.cases_file import Case


@slotted
class JudgedCase:
    """A case, the request that counts with its decision, and in words what is wrong with either.

    `weak` says why a case that passes proves little; `hangs_on` which keys that its requests lack would change the decision.
    """

    case: Case
    request: Request
    evaluation: Evaluation
    differs: str = ""
    says: str = ""
    decided: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    hangs_on: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether every request is decided as expected."""
        return not self.differs

    @property
    def decision(self) -> Decision:
        """The decision on the request that counts."""
        return self.evaluation.decision


def judged_case(case: Case, layers: CaseLayers) -> JudgedCase:
    """The case with the first of its requests that is not decided as expected, else the first one."""
    try:
        requests = [request_of(with_caller(own, layers.most)) for own in case.requests]
    except InputError as error:
        raise _named(case, error) from None
    weak: dict[str, None] = {}
    hangs_on: dict[str, None] = {}
    missing: dict[str, None] = {}
    first = None
    for asked, request in zip(case.requests, requests, strict=True):
        evaluation = layers.evaluation(request)
        decision = evaluation.decision
        try:
            refuse_if_looked_at(asked, request)
        except InputError as error:
            raise _named(case, error) from None
        differs = "; ".join(case.expected.differences(decision, layers.names(decision.because)))
        decided = tuple(map(layers.named, decision.because))
        if differs or first is None:
            first = JudgedCase(
                case=case,
                request=request,
                evaluation=evaluation,
                differs=differs,
                says=decision_in_words(request, evaluation),
                decided=decided,
            )
        weak |= dict.fromkeys(weaknesses(request, layers, decision))
        keys = tuple(_deciding_keys(case, request, evaluation, layers))
        if differs:
            return replace(first, weak=tuple(weak), hangs_on=keys)
        missing |= dict.fromkeys(decision.missing_keys)
        hangs_on |= dict.fromkeys(keys)
    if first is None:  # pragma: no cover - a case has a request
        raise InputError(f"the case {quoted(case.name)} has no request")
    differs = case.expected.not_missing(missing)
    return replace(first, differs=differs, weak=tuple(weak), hangs_on=tuple(hangs_on))


def _named(case: Case, error: InputError) -> InputError:
    """The error of a request with the place and the name of its case."""
    hint = error.hint
    if "lacks" in error.message and "`principal`" in error.message:
        hint = "give it in the case, or for all cases: request: {principal: ARN} at the top of the file"
    message = f"{at_place(case.where)} of the case {quoted(case.name)}: {error.message}"
    return InputError(message, hint=hint)


def weaknesses(request: Request, layers: CaseLayers, decision: Decision) -> Iterator[str]:
    """What of a request no call to AWS ever has, or of the policies nobody attaches: one that is wrong would be decided alike."""
    yield from reference_notes(request)
    yield from evaluate_notes.parts_without_effect(request, layers.least, decision)
    if decision.outcome == "ImplicitlyDenied":
        yield from _layers_without_allow(layers, decision)
        yield from _allowed_below(request, layers)
    context = request.given.get("context")
    for key, value in context.items() if isinstance(context, dict) else ():
        yield from _values_of_another_type(key, value)
        if is_misspelt_key(key):
            near = catalog().suggest_condition_key(key)
            yield f"{quoted(key)} is no condition key; did you mean {quoted(near[0])}?"


def _values_of_another_type(key: str, given: Any) -> Iterator[str]:
    """Values that no request has, such as a word for an address: a negated operator matches them all."""
    known = catalog().condition_key(key)
    reader = _READERS.get(known.type) if known else None
    for value in given if isinstance(given, list) else [given]:
        if known and reader and reader(str(value)) is None:
            yield f"{quoted(str(value))} is no value of {quoted(key)}, which is of the type {known.type}"


_READERS: Mapping[str, Callable[[str], object]] = {
    "IPAddress": network,
    "Bool": truth,
    "Numeric": number,
    "Date": moment,
}


def _layers_without_allow(layers: CaseLayers, decision: Decision) -> Iterator[str]:
    """Layers that refuse every request, as nothing in them allows one: what does is attached beside the policies that were given."""
    given = layers.most
    granting = (own for own in given.all() if own.layer in _GRANTING)
    if not any(own.allows for own in _statements(granting)):
        yield "no policy of a caller or a resource is given that allows anything: every request is refused"
    for layer in decision.blocked_by:
        levels = given.levels.get(layer, ()) if layer not in _GRANTING else ()
        if any(not any(own.allows for own in _statements(level)) for level in levels):
            beside = FULL_ACCESS.get(layer)
            more = f": give `{beside}` beside them" if beside else ""
            yield f"the policies of {layer} allow nothing at all, so that they refuse every request{more}"


_GRANTING = ("identity", "resource")


def _statements(policies: Iterable[PlacedPolicy]) -> Iterator[Statement]:
    for own in policies:
        yield from (indexed.statement for indexed in own.statements)


def _allowed_below(request: Request, layers: CaseLayers) -> Iterator[str]:
    """A resource that the request's pattern would mean, and that is allowed: a wildcard in a request stands for itself."""
    asked = request.resource
    if asked == "*" or is_literal(asked):
        return
    words = dict.fromkeys(
        word.replace("*", "example").replace("?", "x")
        for own in _statements(layers.most.all())
        if own.allows
        for word in own.resource_words
        if "${" not in word
    )
    for word in islice(filter(partial(matches, asked), words), _MOST_BELOW):
        one = request_of({**request.given, "resource": word})
        if layers.evaluation(one).decision.outcome == "Allowed":
            yield f"a wildcard in the resource of a request stands for itself, and {quoted(word)} is Allowed: name one resource"
            return


_MOST_BELOW = 20


def _deciding_keys(
    case: Case, request: Request, evaluation: Evaluation, layers: CaseLayers
) -> Iterator[str]:
    """The keys that the request lacks and with which it would be decided otherwise, except those that the case names."""
    decision = evaluation.decision
    if not decision.missing_keys or decision.outcome == "Unknown":
        return
    named = {key.lower() for key in case.expected.missing_keys}
    refused = {"ExplicitlyDenied", "ImplicitlyDenied"}
    is_either = case.expected.outcome == DENIED
    for key, outcomes in outcomes_of_missing_keys(request, layers.least, decision).items():
        if not all(part.lower() in named for part in key.split(" and ")) and not (
            is_either and refused.issuperset(outcomes.values())
        ):
            yield key
