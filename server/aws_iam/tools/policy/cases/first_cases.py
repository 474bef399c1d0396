"""`policy test` with `init`: the first file of cases of a policy, what it allows today and near misses that it denies."""

from __future__ import annotations

import json
import os.path
from collections import Counter
from typing import TYPE_CHECKING, Any

from aws_iam.answer import Answer, Artifact
from aws_iam.engine.language.document import Policy, dump
from aws_iam.engine.reference.catalog import catalog
from aws_iam.engine.sources.files import Files
from aws_iam.errors import InputError
from aws_iam.tools.policy.cases.allowed_requests import MOST_GROUPS, allowed_requests
from aws_iam.tools.policy.cases.asked_policies import AskedPolicies, AskedPolicy, PolicyReader
from aws_iam.tools.policy.cases.case_layers import CaseLayers
from aws_iam.tools.policy.cases.cases_file import cases_files
from aws_iam.tools.policy.cases.judged_case import judged_case
from aws_iam.tools.policy.cases.near_misses import WANTED, near_misses
from aws_iam.wording import counted, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_iam.tools.policy.cases.allowed_requests import AllowedRequests, FoundRequests
    from aws_iam.tools.policy.cases.near_misses import NearMiss

NAME = "iam-cases.yaml"
_LIMITS = {"scp": "FullAWSAccess", "rcp": "RCPFullAWSAccess", "boundary": "", "session": ""}
_BESIDE = "AdministratorAccess"
_WIDTH = 110


def first_cases(document: Any, policy: str | None = None, out: str | None = None) -> Answer:
    """The file, each case of which is decided by the policy as it says; `out` is where it will be."""
    if document is None:
        raise InputError(
            "`init` needs a policy", hint="give it as `document`: a file, a folder, a policy"
        )
    asked = PolicyReader().of_arguments(document, None, policy)
    policies = [own.source.content for own in asked.policies]
    judged = [own for own in policies if isinstance(own, Policy)]
    head = _head(document, policy, asked, out)
    layers = CaseLayers.of(_with_full_access(asked))
    found = allowed_requests(judged, layers)
    misses = near_misses(found.found, layers)
    if not found.found:
        raise InputError(
            "no request is found that the policy allows by itself",
            hint="write the cases by hand: see `policy guide` with the topic policy-tests",
        )
    cases = [*_allowed_cases(found.found), *_denied_cases(misses)]
    usual = Counter(case["principal"] for case in cases).most_common(1)[0][0]
    for case in cases:
        if case["principal"] == usual:
            del case["principal"]
    content = _written(
        head, usual, _with_missing_keys(cases, usual, layers), _notes(found, misses)
    )
    return Answer(
        summary=" ".join(_summary(found, misses)),
        artifacts=(
            Artifact(
                name=NAME,
                language="yaml",
                content=content,
                checked_by="policy evaluate, request by request",
            ),
        ),
        facts={
            "allowed": len(found.found),
            "near_misses": len(misses),
            **({"left_out": _groups(found)} if found.left_out else {}),
        },
        as_of=catalog().as_of,
    )


def _head(
    document: Any, policy: str | None, asked: AskedPolicies, out: str | None
) -> dict[str, Any]:
    """The fields of the file that say which policies are asked."""
    reference = _reference(document, asked, out)
    limits = [layer for layer in _LIMITS if layer in asked.layers]
    if not limits:
        return {
            "document": reference,
            **({"policy": policy} if policy and isinstance(reference, (str, list)) else {}),
        }
    if policy and isinstance(reference, str):
        reference = {"file": reference, "policy": policy}
    (layer, *more) = limits
    if more or len(asked.layers) > 1:
        raise InputError(
            f"the document holds policies of several layers: {joined(sorted(asked.layers))}",
            hint="pick one with `policy`",
        )
    beside = _LIMITS[layer]
    # What only limits allows nothing by itself; a policy of Organizations has the one that allows everything beside it.
    alone = any(own.allows for source in asked.policies for own in _statements(source))
    full = [[beside, reference]] if beside and not alone else reference
    return {"policies": {layer: full, "identity": _BESIDE}}


def _statements(own: AskedPolicy) -> Sequence[Any]:
    content = own.source.content
    return content.statements if isinstance(content, Policy) else ()


def _with_full_access(asked: AskedPolicies) -> AskedPolicies:
    """The policies with what they are judged beside: what only limits stands beside a policy that allows everything."""
    from aws_iam.engine.parsing.json_value import from_value

    limits = [layer for layer in _LIMITS if layer in asked.layers]
    if not limits:
        return asked
    reader = PolicyReader()
    beside = {"identity": _BESIDE}
    alone = any(own.allows for source in asked.policies for own in _statements(source))
    found = asked.under(reader.of_fields({"policies": from_value(beside)}, ""))
    name = _LIMITS[limits[0]]
    if name and not alone:
        full = reader.of_fields({"policies": from_value({limits[0]: [[name]]})}, "")
        return AskedPolicies(
            policies=(*found.policies, *full.policies),
            layers=found.layers,
            not_judged=found.not_judged,
        )
    return found


def _reference(document: Any, asked: AskedPolicies, out: str | None) -> Any:
    """How the file names the document: by its path from there, by its ARN, or as it is."""
    if isinstance(document, Files):
        folder = os.path.dirname(out) if out and not out.endswith("/") else out or ""  # noqa: PTH120 - as it was typed
        names = [document.folder] if document.folder else [own.name for own in document.files]
        if all(names):
            paths = [os.path.relpath(name, folder or ".").replace(os.sep, "/") for name in names]
            return paths[0] if len(paths) == 1 else paths
        texts = [own.text.strip() for own in document.files]
        if all(text.startswith("arn:") for text in texts):
            return texts[0] if len(texts) == 1 else texts
    elif isinstance(document, str) and document.strip().startswith("arn:"):
        return document.strip()
    held = [
        json.loads(dump(own.source.content))
        for own in asked.policies
        if isinstance(own.source.content, Policy)
    ]
    return held[0] if len(held) == 1 else held


def _allowed_cases(found: Sequence[AllowedRequests]) -> Iterator[dict[str, Any]]:
    names: Counter[str] = Counter()
    for own in found:
        name = f"{own.service}: {own.level.lower()}"
        names[name] += 1
        yield {
            "name": name if names[name] == 1 else f"{name} ({names[name]})",
            **_request(own.request, own.actions, own.resources),
            "expect": "Allowed",
        }


def _denied_cases(misses: Sequence[NearMiss]) -> Iterator[dict[str, Any]]:
    names: Counter[str] = Counter()
    for own in misses:
        name = f"not {own.request['action']}: {own.what}"
        names[name] += 1
        yield {
            "name": name if names[name] == 1 else f"{name} ({names[name]})",
            **_request(own.request, (own.request["action"],), (own.request["resource"],)),
            "expect": "Denied",
        }


def _request(
    request: Mapping[str, Any], actions: Sequence[str], resources: Sequence[str]
) -> dict[str, Any]:
    rest = {name: value for name, value in request.items() if name not in {"action", "resource"}}
    return {
        "action": actions[0] if len(actions) == 1 else list(actions),
        "resource": resources[0] if len(resources) == 1 else list(resources),
        **{name: value for name, value in rest.items() if value not in ("", {}, None)},
    }


def _with_missing_keys(
    cases: Sequence[dict[str, Any]], usual: str, layers: CaseLayers
) -> list[dict[str, Any]]:
    """The cases, those that leave a key open on which they depend saying so."""
    (file,) = cases_files({"request": {"principal": usual}, "cases": list(cases)})
    found = []
    for case, own in zip(cases, file.cases, strict=True):
        judged = judged_case(own, layers)
        keys = [part for key in judged.hangs_on for part in key.split(" and ")]
        consulted = {key.lower() for key in judged.decision.missing_keys}
        known = [key for key in dict.fromkeys(keys) if key.lower() in consulted]
        expect = {"outcome": case["expect"], "missing_keys": known} if known else case["expect"]
        found.append({**case, "expect": expect})
    return found


def _written(
    head: Mapping[str, Any],
    principal: str,
    cases: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
) -> str:
    import yaml

    def text(value: Any) -> str:
        return str(yaml.safe_dump(value, sort_keys=False, width=_WIDTH, allow_unicode=True))

    parts = [
        "\n".join(f"# {note}" for note in notes),
        text({**head, "request": {"principal": principal}}).rstrip(),
        "cases:",
        *(text([case]).rstrip() for case in cases),
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
            f"Only {counted(len(misses), 'near miss')} found: the policy allows nearly everything near by."
        )
    return notes


def _groups(found: FoundRequests) -> list[str]:
    return [f"{service} ({level.lower()})" for service, level in found.left_out]


def _summary(found: FoundRequests, misses: Sequence[NearMiss]) -> Iterator[str]:
    services = len({own.service for own in found.found})
    yield (
        f"{counted(len(found.found), 'case')} of what the policy allows in {counted(services, 'service')}, by access level,"
        f" and {counted(len(misses), 'near miss')} that it denies: each decided so by it today."
    )
    if found.left_out:
        yield (
            f"{counted(len(found.left_out), 'access level')} of services have no case: at most {MOST_GROUPS} are written."
            if len(found.left_out) > 1
            else "1 access level of a service has no case."
        )
    yield "Read them before you keep them: they say what is, not what should be."
