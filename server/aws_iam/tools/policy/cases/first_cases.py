"""`policy test` with `init`: the first file of cases of a policy, what it allows today and near misses that it denies."""

from __future__ import annotations

import json
import os.path
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact
from aws_iam.engine.language.document import Policy, dump
from aws_iam.engine.parsing.json_value import from_value
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.reference.named_policies import FULL_ACCESS
from aws_iam.engine.sources.files import Files
from aws_iam.errors import InputError
from aws_iam.frozen import slotted
from aws_iam.tools.policy.cases.allowed_requests import MOST_GROUPS, allowed_requests
from aws_iam.tools.policy.cases.asked_policies import AskedPolicies, PolicyReader
from aws_iam.tools.policy.cases.case_layers import CaseLayers
from aws_iam.tools.policy.cases.cases_file import cases_files
from aws_iam.tools.policy.cases.denied_requests import denied_requests
from aws_iam.tools.policy.cases.judged_case import judged_case
from aws_iam.tools.policy.cases.near_misses import WANTED, near_misses
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.tools.policy.cases.allowed_requests import AllowedRequests, FoundRequests
    from aws_iam.tools.policy.cases.denied_requests import DeniedRequest
    from aws_iam.tools.policy.cases.near_misses import NearMiss

NAME = "iam-cases.yaml"
_LIMITS = {**FULL_ACCESS, "boundary": "", "session": ""}
"""The layers that only limit, and what Organizations attaches beside a policy that only denies."""
_BESIDE = "AdministratorAccess"
_BY_CALLER = {"policies": {"identity": _BESIDE}}
_WIDTH = 110


@slotted
class _FirstCase:
    """A case as it is written, and the layers that decide it."""

    fields: Mapping[str, Any]
    layers: CaseLayers


def first_cases(document: Any, policy: str | None = None, out: str | None = None) -> Answer:
    """The file, each case of which is decided by the policy as it says; `out` is where it will be."""
    if document is None:
        raise InputError(
            "`init` needs a policy", hint="give it as `document`: a file, a folder, a policy"
        )
    asked = PolicyReader().of_arguments(document, None, policy)
    policies = [own.source.content for own in asked.policies]
    judged = [own for own in policies if isinstance(own, Policy)]
    ways = [CaseLayers.of(own) for own in _ways(asked)]
    found = allowed_requests(judged, ways)
    denied, misses = denied_requests(judged, ways), near_misses(found.found)
    if not (found.found or denied):
        open_ = any(own.source.unresolved for own in asked.policies)
        why = ": it depends on what is known only at deployment" if open_ else ""
        raise InputError(
            f"no request is found that the policy certainly allows{why}",
            hint="write the cases by hand: `policy guide` with the topic policy-tests says how",
        )
    cases = [
        *_allowed_cases(found.found),
        *_denied_by_statements(denied),
        *_near_cases(misses),
    ]
    head = _head(asked, _reference(document, asked, out), policy)
    return Answer(
        summary=" ".join(_summary(found, len(denied), len(misses))),
        artifacts=(
            Artifact(
                name=NAME,
                language="yaml",
                content=_written(head, cases, _notes(found, misses)),
                checked_by="policy evaluate, request by request",
            ),
        ),
        facts={
            "allowed": len(found.found),
            **({"denied_by_statements": len(denied)} if denied else {}),
            "near_misses": len(misses),
            **({"left_out": _groups(found)} if found.left_out else {}),
        },
        as_of=catalog().as_of,
    )


def _ways(asked: AskedPolicies) -> Iterator[AskedPolicies]:
    """The policies with what they are judged beside: what only limits, beside a policy that allows everything.

    A policy of a resource is tried alone, then with a caller whose own policies allow everything.
    """
    limit = _limit(asked)
    if not limit and _has_allow(asked):
        yield asked
        if "resource" not in asked.layers:
            return
    own = _read({"identity": _BESIDE})
    more = _read({limit: [[_LIMITS[limit]]]}).policies if _has_full(asked) else ()
    yield replace(
        asked,
        policies=(*asked.policies, *own.policies, *more),
        layers=asked.layers | own.layers,
    )


def _read(policies: Mapping[str, Any]) -> AskedPolicies:
    return PolicyReader().of_fields({"policies": from_value(policies)}, "")


def _limit(asked: AskedPolicies) -> str:
    """The layer of policies that only limit; empty for others."""
    limits = [layer for layer in _LIMITS if layer in asked.layers]
    if limits and len(asked.layers) > 1:
        raise InputError(
            f"the document holds policies of several layers: {joined(sorted(asked.layers))}",
            hint="pick one with `policy`",
        )
    return limits[0] if limits else ""


def _has_full(asked: AskedPolicies) -> bool:
    """Whether the policies only deny, and one of Organizations stands beside them."""
    return bool(_LIMITS.get(_limit(asked))) and not _has_allow(asked)


def _has_allow(asked: AskedPolicies) -> bool:
    contents = [own.source.content for own in asked.policies]
    return any(s.allows for own in contents if isinstance(own, Policy) for s in own.statements)


def _head(asked: AskedPolicies, reference: Any, policy: str | None) -> dict[str, Any]:
    """The fields of the file that say which policies are asked."""
    limit = _limit(asked)
    if not limit and (_has_allow(asked) or asked.layers != {"identity"}):
        picked = {"policy": policy} if policy else {}
        beside = {} if _has_allow(asked) else _BY_CALLER
        return {"document": reference, **picked, **beside}
    if policy:
        reference = {"file": reference, "policy": policy}
    if not limit:
        return {"policies": {"identity": [reference, _BESIDE]}}
    held = [[_LIMITS[limit], reference]] if _has_full(asked) else reference
    return {"policies": {limit: held, "identity": _BESIDE}}


def _reference(document: Any, asked: AskedPolicies, out: str | None) -> Any:
    """How the file names the document: by its path from there, if it may, by its ARN, or as it is."""
    if isinstance(document, Files):
        names = [document.folder] if document.folder else [own.name for own in document.files]
        if all(names):
            start = (out if out.endswith("/") else os.path.dirname(out)) if out else ""  # noqa: PTH120 - as it was typed
            paths = [os.path.relpath(name, start or ".").replace(os.sep, "/") for name in names]
            if all(_may_be_named(document, f"{start}/{NAME}" if start else "", p) for p in paths):
                return paths[0] if len(paths) == 1 else paths
        texts = [own.text.strip() for own in document.files]
    else:
        texts = [document.strip()] if isinstance(document, str) else []
    if texts and all(text.startswith("arn:") for text in texts):
        return texts[0] if len(texts) == 1 else texts
    contents = [own.source.content for own in asked.policies]
    held = [json.loads(dump(own)) for own in contents if isinstance(own, Policy)]
    return held[0] if len(held) == 1 else held


def _may_be_named(document: Files, cases: str, path: str) -> bool:
    """Whether a file of cases may name a path: one outside of its folder or work tree is refused when the cases are run."""
    try:
        document.beside(cases, path)
    except InputError:
        return False
    return True


def _allowed_cases(found: Sequence[AllowedRequests]) -> Iterator[_FirstCase]:
    names: Counter[str] = Counter()
    for own in found:
        name = f"{own.service}: {own.level.lower()}"
        names[name] += 1
        name = name if names[name] == 1 else f"{name} ({names[name]})"
        request = _request(own.request, own.actions, own.resources)
        yield _case(name, request, "Allowed", own)


def _denied_by_statements(denied: Sequence[DeniedRequest]) -> Iterator[_FirstCase]:
    for own in denied:
        request = _request(own.request, [own.request["action"]], [own.request["resource"]])
        expect = {"outcome": "ExplicitlyDenied", "reason": own.statement}
        yield _case(f"{own.statement} denies {own.request['action']}", request, expect, own)


def _near_cases(misses: Sequence[NearMiss]) -> Iterator[_FirstCase]:
    names: Counter[str] = Counter()
    for own in misses:
        name = f"not {own.request['action']}: {own.what}"
        names[name] += 1
        name = name if names[name] == 1 else f"{name} ({names[name]})"
        actions = [own.request["action"], *own.more_actions]
        request = _request(own.request, actions, [own.request["resource"]])
        yield _case(name, request, "Denied", own.near)


def _request(
    request: Mapping[str, Any], actions: Sequence[str], resources: Sequence[str]
) -> dict[str, Any]:
    rest = {name: value for name, value in request.items() if name not in {"action", "resource"}}
    return {
        "action": actions[0] if len(actions) == 1 else list(actions),
        "resource": resources[0] if len(resources) == 1 else list(resources),
        **{name: value for name, value in rest.items() if value not in ("", {}, None)},
    }


def _case(
    name: str, request: Mapping[str, Any], expect: Any, own: AllowedRequests | DeniedRequest
) -> _FirstCase:
    """The case; one whose decision depends on keys that the request leaves open says which."""
    fields = {"name": name, **request, **(_BY_CALLER if own.is_beside else {}), "expect": expect}
    ((case,),) = (file.cases for file in cases_files([fields]))
    judged = judged_case(case, own.layers)
    keys = dict.fromkeys(part for key in judged.hangs_on for part in key.split(" and "))
    if keys:
        whole = expect if isinstance(expect, dict) else {"outcome": expect}
        fields["expect"] = {**whole, "missing_keys": list(keys)}
    return _FirstCase(fields=fields, layers=own.layers)


def _written(head: Mapping[str, Any], cases: Sequence[_FirstCase], notes: Sequence[str]) -> str:
    import yaml

    def text(value: Any) -> str:
        return str(yaml.safe_dump(value, sort_keys=False, width=_WIDTH, allow_unicode=True))

    usual = Counter(str(own.fields["principal"]) for own in cases).most_common(1)[0][0]
    rows = [
        {
            name: value
            for name, value in own.fields.items()
            if name != "principal" or value != usual
        }
        for own in cases
    ]
    parts = [
        "\n".join(f"# {note}" for note in notes),
        text({**head, "request": {"principal": usual}}).rstrip(),
        "cases:",
        *(text([row]).rstrip() for row in rows),
    ]
    return "\n".join(parts) + "\n"


def _notes(found: FoundRequests, misses: Sequence[NearMiss]) -> list[str]:
    notes = [
        "What the policy allows today, and near misses that it denies, as `aws-iam policy test --init` found them.",
        "Keep what must stay so, add what matters, and run: aws-iam policy test FILE",
    ]
    if found.left_out:
        notes.append(f"Without a case: {joined(_groups(found))}.")
    if len(misses) < WANTED:
        notes.append(
            f"Only {counted(len(misses), 'near miss')}: nothing else near by was found that it denies."
        )
    return notes


def _groups(found: FoundRequests) -> list[str]:
    return [f"{service} ({level.lower()})" for service, level in found.left_out]


def _summary(found: FoundRequests, denied: int, misses: int) -> Iterator[str]:
    services = len({own.service for own in found.found})
    by_denies = f", {counted(denied, 'request')} that a Deny refuses" if denied else ""
    yield (
        f"{counted(len(found.found), 'case')} of what the policy allows in {counted(services, 'service')} by access level"
        f"{by_denies} and {counted(misses, 'near miss')} that it denies: each decided so by it today."
    )
    if found.left_out:
        yield (
            f"{joined(_groups(found), shown=3)} {'has' if len(found.left_out) == 1 else 'have'} no case:"
            f" no certain request was found, or there are more than {MOST_GROUPS}."
        )
    yield "Read them before you keep them: they say what is, not what should be."
